//! What somebody meant who typed a name that no address has.

use std::collections::BTreeSet;

use super::failure::Failure;
use crate::model::address::{Address, Kind};
use crate::model::desired::Desired;
use crate::model::id::{PodId, RemoteId};
use crate::model::prior::Prior;
use crate::render::ranges::ranges_to;
use crate::render::words;
use crate::spec::closest;

/// How long a list of names may get.
const LINE: usize = 80;

/// Returns the failure for a name that nothing has.
pub fn unknown(flag: Option<&'static str>, name: &str, known: &BTreeSet<Address>) -> Failure {
    let named = if known.is_empty() { String::new() } else { ranges_to(known, LINE) };
    // Another replica is never what was meant: who names one by its number means that pod.
    let near = proposal(name, known).filter(|near| !are_replicas_of_one(name, near));
    Failure::Unknown { flag, name: name.to_owned(), near, known: named }
}

/// Returns the addresses that a name stands for: the one that is called so, or all replicas of a key.
pub fn meant<'a>(name: &Address, known: impl IntoIterator<Item = &'a Address>) -> Vec<Address> {
    let mut replicas = Vec::new();
    for address in known {
        if address == name {
            return vec![address.clone()];
        }
        if stands_for(name, address) {
            replicas.push(address.clone());
        }
    }
    replicas
}

/// Tells whether a name is that of an address or of its key.
fn stands_for(name: &Address, address: &Address) -> bool {
    address == name || whole(address) == *name
}

/// Returns the recorded addresses that a name stands for.
pub fn recorded(desired: &Desired, prior: &Prior, name: &Address) -> Result<Vec<Address>, Failure> {
    among(desired, prior.objects.keys().collect(), name)
}

/// Returns the addresses that a name stands for and of which the state knows anything: a record, or of a job without one.
pub fn known(desired: &Desired, prior: &Prior, name: &Address) -> Result<Vec<Address>, Failure> {
    among(desired, prior.objects.keys().chain(prior.unseen.keys()).collect(), name)
}

fn among(desired: &Desired, known: BTreeSet<&Address>, name: &Address) -> Result<Vec<Address>, Failure> {
    let meant = meant(name, known.iter().copied());
    if !meant.is_empty() {
        return Ok(meant);
    }
    if desired.wanted.keys().chain(desired.out_of_scope.keys()).any(|address| stands_for(name, address)) {
        return Err(Failure::NotRecorded { address: name.clone(), replicas: Vec::new() });
    }
    Err(unknown(None, &name.to_string(), &known.into_iter().cloned().collect()))
}

/// Returns the pod that is recorded for an address.
pub fn pod_of(desired: &Desired, prior: &Prior, address: &Address) -> Result<PodId, Failure> {
    let recorded = prior.objects.get(address);
    if let Some(job) = recorded.and_then(|recorded| recorded.record.object.pod()?.job.as_ref())
        && job.gone
    {
        return Err(Failure::JobGone { address: address.clone(), job: words::recorded_job(job) });
    }
    match recorded.map(|recorded| &recorded.id) {
        Some(RemoteId::Pod(id)) => Ok(id.clone()),
        Some(RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_)) => {
            Err(Failure::NoPod { address: address.clone() })
        }
        None => {
            let replicas = self::recorded(desired, prior, address)?;
            let replicas = replicas.iter().map(ToString::to_string).collect();
            Err(Failure::NotRecorded { address: address.clone(), replicas })
        }
    }
}

fn are_replicas_of_one(left: &str, right: &str) -> bool {
    let key = |name: &str| match name.parse() {
        Ok(Address::Pod { key, replica: Some(_) }) => Some(key),
        Ok(_) | Err(_) => None,
    };
    key(left).is_some_and(|left| Some(left) == key(right))
}

/// Returns what was most likely meant.
fn proposal(name: &str, known: &BTreeSet<Address>) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    // A mount names a volume by its key alone, and the sections of a spec are called `pods` and `volumes`.
    let bare = ["volumes.", "pods.", "secrets.", "registries.", "volume.", "secret.", "registry."]
        .iter()
        .find_map(|section| name.strip_prefix(section));
    let bare = bare.unwrap_or(name);
    let is_known = |text: &String| known.iter().any(|address| is_called(address, text));
    let kinds = ["volume", "secret", "registry"].map(|kind| format!("{kind}.{bare}"));
    let meant = kinds.into_iter().chain([bare.to_owned()]);
    if let Some(found) = meant.into_iter().find(|text| text != name && is_known(text)) {
        return Some(found);
    }
    if let Some((key, _)) = name.split_once('[')
        && let Some(last) =
            known.iter().rev().find(|address| address.is_pod() && address.key().as_str() == key)
    {
        return Some(last.to_string());
    }
    let names: BTreeSet<String> =
        known.iter().flat_map(|address| [address.to_string(), whole(address).to_string()]).collect();
    if let Some(near) = closest(name, names.iter().map(String::as_str)) {
        return Some(near.to_owned());
    }
    let keys = |kind| {
        known.iter().filter(move |address| address.kind() == kind).map(|address| address.key().as_str())
    };
    [Kind::Volume, Kind::Secret, Kind::Registry]
        .into_iter()
        .find_map(|kind| closest(name, keys(kind)).map(|key| format!("{}.{key}", kind.word())))
}

fn is_called(address: &Address, text: &str) -> bool {
    address.to_string() == text || whole(address).to_string() == text
}

/// Returns an address without the number of its replica.
pub fn whole(address: &Address) -> Address {
    match address {
        Address::Volume(_) | Address::Secret(_) | Address::Registry(_) => address.clone(),
        Address::Pod { key, replica: _ } => Address::pod(key.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(names: &[&str]) -> BTreeSet<Address> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn a_name_that_nothing_has_proposes_the_nearest_one() {
        let known = addresses(&["train", "r[0]", "r[1]", "r[2]", "volume.data", "volume.models"]);
        let cases = [
            ("trian", Some("train")),
            ("Train", Some("train")),
            ("data", Some("volume.data")),
            ("dat", Some("volume.data")),
            ("volume.dta", Some("volume.data")),
            ("volumes.data", Some("volume.data")),
            ("volume.train", Some("train")),
            ("pods.train", Some("train")),
            ("r[3]", Some("r[2]")),
            ("r[x]", Some("r[2]")),
            ("train[0]", Some("train")),
            ("nothing-like-it", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(proposal(name, &known).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_key_means_all_of_its_replicas() {
        let known = addresses(&["llm[0]", "llm[1]", "train", "volume.llm"]);
        let cases = [
            ("llm", vec!["llm[0]", "llm[1]"]),
            ("llm[1]", vec!["llm[1]"]),
            ("train", vec!["train"]),
            ("volume.llm", vec!["volume.llm"]),
            ("other", vec![]),
        ];
        for (name, expected) in cases {
            let found: Vec<String> =
                meant(&name.parse().unwrap(), &known).iter().map(Address::to_string).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
