//! What a lost state had recorded, as far as the live objects still tell.
//!
//! A marker shows where a pod came from and is no proof of ownership, so an address that several pods claim is left
//! to a person. What the spec does not want is left alone too: a record of it would let the next apply end it.

use std::collections::BTreeMap;

use crate::model::address::Address;
use crate::model::desired::{Desired, Move, Wanted, WantedVolume};
use crate::model::id::{PodId, RemoteId, VolumeId};
use crate::model::live::{Live, LivePod, PodRole, PodStatus, Seen};
use crate::model::marker::{Token, VolumeMark};
use crate::model::prior::Prior;

use super::ownership::known_volume;

/// What markers and names say.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Traces {
    /// The pods of addresses that the state does not know, with the tokens that they were created with.
    pub pods: BTreeMap<Address, (PodId, Token)>,
    /// The network volumes of such addresses.
    pub volumes: BTreeMap<Address, VolumeId>,
    /// Marked objects that stay as they are, with the reason.
    pub left: Vec<(RemoteId, String)>,
}

impl Traces {
    /// Writes the found ids into the spec as `adopt:` would, so that a plan takes them over.
    pub fn name_in(&self, desired: &mut Desired) {
        for (address, (id, _)) in &self.pods {
            if let Some(Wanted::Pod(pod)) = desired.wanted.get_mut(address) {
                pod.adopt = Some(id.clone());
            }
        }
        for (address, id) in &self.volumes {
            if let Some(Wanted::Volume(WantedVolume::Managed { adopt, .. })) = desired.wanted.get_mut(address)
            {
                *adopt = Some(id.clone());
            }
        }
    }
}

/// The objects that carry the mark of an address, and their tokens where they show one.
pub(super) type Claims = BTreeMap<Address, Vec<(RemoteId, Option<Token>)>>;

/// Reads the markers of live pods and the names of live volumes.
pub fn traces(desired: &Desired, prior: &Prior, live: &Live) -> Traces {
    let mut traces = Traces::default();
    for (address, claim) in claims(desired, prior, live) {
        traces.settle(address, claim, desired, prior);
    }
    traces
}

/// Returns what carries the mark of an address of this project and is unknown to the state: neither recorded, nor of a
/// token that it knows, as it does of what was given up.
pub(super) fn claims(desired: &Desired, prior: &Prior, live: &Live) -> Claims {
    let mut claims = Claims::new();
    let managed = prior.remote_ids();
    for pod in live.pods.values().filter_map(Seen::found).filter(|pod| is_plain(pod)) {
        let id = RemoteId::Pod(pod.id.clone());
        let marker = pod.marker.as_ref().filter(|marker| marker.project == desired.project);
        let marker = marker.filter(|marker| !prior.tokens.contains_key(&marker.token));
        if let Some(marker) = marker.filter(|_| !managed.contains(&id)) {
            let claim = (id, Some(marker.token.clone()));
            claims.entry(address_now(&marker.address, desired)).or_default().push(claim);
        }
    }
    for volume in live.volumes.values().filter_map(Seen::found) {
        let id = RemoteId::Volume(volume.id.clone());
        let mark = volume.name.parse::<VolumeMark>().ok().filter(|mark| mark.project == desired.project);
        let mark = mark.filter(|mark| known_volume(prior, mark).is_none());
        if let Some(mark) = mark.filter(|_| !managed.contains(&id)) {
            claims.entry(address_now(&mark.address(), desired)).or_default().push((id, None));
        }
    }
    claims
}

impl Traces {
    fn settle(
        &mut self,
        address: Address,
        claim: Vec<(RemoteId, Option<Token>)>,
        desired: &Desired,
        prior: &Prior,
    ) {
        let named = adopt_key(&address, desired);
        let reason = match &claim[..] {
            _ if prior.objects.contains_key(&address) => {
                format!("`{address}` is recorded with another object")
            }
            _ if named.is_none() => {
                format!("`{address}` is not in the spec, or no chosen profile has it; so it stays unmanaged")
            }
            [(id, _)] if named.flatten().is_some_and(|named| named != *id) => {
                format!("`adopt` of `{address}` names another object")
            }
            [(RemoteId::Pod(id), Some(token))] => {
                self.pods.insert(address, (id.clone(), token.clone()));
                return;
            }
            [(RemoteId::Volume(id), _)] => {
                self.volumes.insert(address, id.clone());
                return;
            }
            _ => format!(
                "several objects carry the mark of `{address}`; choose with `podform import {address} ID`"
            ),
        };
        self.left.extend(claim.into_iter().map(|(id, _)| (id, reason.clone())));
    }
}

/// Returns what `adopt` of an address names; `None` for an address that the spec does not manage.
fn adopt_key(address: &Address, desired: &Desired) -> Option<Option<RemoteId>> {
    match desired.wanted.get(address)? {
        Wanted::Pod(pod) => Some(pod.adopt.clone().map(RemoteId::Pod)),
        Wanted::Volume(WantedVolume::Managed { adopt, .. }) => Some(adopt.clone().map(RemoteId::Volume)),
        Wanted::Volume(WantedVolume::Referenced { id: _ }) => None,
    }
}

fn is_plain(pod: &LivePod) -> bool {
    pod.role == PodRole::Plain && pod.status != PodStatus::Terminated
}

/// Follows the renames of the spec from the address at creation, each at most once.
fn address_now(created: &Address, desired: &Desired) -> Address {
    let mut address = created.clone();
    let mut moves: Vec<&Move> = desired.moved.iter().collect();
    while let Some(place) = moves.iter().position(|entry| renamed(&address, entry).is_some()) {
        address = renamed(&address, moves.remove(place)).unwrap_or(address);
    }
    let twin = match &address {
        Address::Pod { key, replica: None } => Address::replica(key.clone(), 0),
        Address::Pod { key, replica: Some(0) } => Address::pod(key.clone()),
        Address::Pod { .. } | Address::Volume(_) => return address,
    };
    let is_wanted = |address: &Address| desired.wanted.contains_key(address);
    if !is_wanted(&address) && is_wanted(&twin) { twin } else { address }
}

/// Returns where one rename leads from an address; a bare key stands for all its replicas.
fn renamed(address: &Address, entry: &Move) -> Option<Address> {
    let Move { from, to } = entry;
    match (address, from, to) {
        (_, _, _) if address == from => Some(to.clone()),
        (
            Address::Pod { key, replica },
            Address::Pod { key: old, replica: None },
            Address::Pod { key: new, replica: None },
        ) if key == old => Some(Address::Pod { key: new.clone(), replica: *replica }),
        (
            Address::Pod { .. } | Address::Volume(_),
            Address::Pod { .. } | Address::Volume(_),
            Address::Pod { .. } | Address::Volume(_),
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::desired::Budget;
    use crate::model::id::ProjectName;

    #[test]
    fn addresses_at_creation_follow_the_renames_of_the_spec() {
        let moved = |from: &str, to: &str| Move { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let desired = Desired {
            project: ProjectName::new("acme"),
            wanted: BTreeMap::new(),
            out_of_scope: BTreeMap::new(),
            replicated: BTreeSet::new(),
            moved: vec![
                moved("b", "c"),
                moved("a", "b"),
                moved("volume.old", "volume.new"),
                moved("x[1]", "y[0]"),
            ],
            secrets: BTreeMap::new(),
            budget: Budget::default(),
        };
        let now = |address: &str| address_now(&address.parse().unwrap(), &desired).to_string();
        let named = ["a", "a[3]", "c", "volume.old", "x[1]", "x[0]"].map(now);
        assert_eq!(named, ["c", "c[3]", "c", "volume.new", "y[0]", "x[0]"]);
    }
}
