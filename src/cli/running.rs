//! How the pods of a project can be reached.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::address::Address;
use crate::model::attribute::Attribute;
use crate::model::id::RemoteId;
use crate::model::live::{
    Endpoints, Inventory, Live, LivePod, LiveRegistry, LiveSecret, LiveVolume, Seen, Unreadable,
};
use crate::model::prior::Prior;
use crate::render::outcome::RunningPod;

/// Returns the managed pods that run, in address order, each before those that it took the place of.
pub fn running_pods(prior: &Prior, live: &Live) -> Vec<RunningPod> {
    let pods = prior.objects.iter().flat_map(|(address, recorded)| {
        let deposed = recorded.record.deposed_ids().map(|id| (id, true));
        let ids = [(recorded.id.clone(), false)].into_iter().chain(deposed);
        ids.filter_map(move |(id, is_deposed)| Some((address, found(&id, live)?, is_deposed)))
    });
    pods.filter(|(_, pod, _)| pod.status.is_up())
        .map(|(address, pod, is_deposed)| RunningPod {
            address: address.clone(),
            is_deposed,
            url: url(pod),
            ssh: ssh(pod),
            price: pod.price,
        })
        .collect()
}

/// Returns what a destroy of everything would be refused for.
pub fn guarded(prior: &Prior, live: &Live) -> BTreeSet<Address> {
    let protected = prior.objects.iter().filter(|(_, recorded)| recorded.record.lifecycle.protect);
    let is_locked = |id: &RemoteId| found(id, live).is_some_and(LivePod::is_locked);
    let locked = prior.objects.iter().filter(|(_, recorded)| recorded.ids().any(|id| is_locked(&id)));
    let locked = locked.map(|(address, _)| address);
    protected.map(|(address, _)| address).chain(locked).cloned().collect()
}

/// Returns the recorded pods that were found, without those that they took the place of.
pub fn managed_pods<'a>(prior: &'a Prior, live: &'a Live) -> BTreeMap<&'a Address, &'a LivePod> {
    let objects = prior.objects.iter();
    objects.filter_map(|(address, recorded)| Some((address, found(&recorded.id, live)?))).collect()
}

fn found<'a>(id: &RemoteId, live: &'a Live) -> Option<&'a LivePod> {
    match id {
        RemoteId::Pod(id) => live.pods.get(id).and_then(|seen| seen.found()),
        RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_) => None,
    }
}

/// Returns what is to be told of an object, where it was looked for.
pub fn seen<T>(
    id: &RemoteId,
    live: &Live,
    of_pod: impl Fn(&LivePod) -> T,
    of_volume: impl Fn(&LiveVolume) -> T,
    of_secret: impl Fn(&LiveSecret) -> T,
    of_registry: impl Fn(&LiveRegistry) -> T,
) -> Option<Seen<T>> {
    fn told<O, T>(seen: &Seen<O>, found: impl Fn(&O) -> T) -> Seen<T> {
        match seen {
            Seen::Found(object) => Seen::Found(found(object)),
            Seen::Absent => Seen::Absent,
            Seen::Unreadable(why) => Seen::Unreadable(why.clone()),
        }
    }
    match id {
        RemoteId::Pod(id) => live.pods.get(id).map(|pod| told(pod, of_pod)),
        RemoteId::Volume(id) => live.volumes.get(id).map(|volume| told(volume, of_volume)),
        RemoteId::Secret(id) => listed(&live.secrets, |secret| secret.id == *id, of_secret),
        RemoteId::Registry(id) => listed(&live.registries, |registry| registry.id == *id, of_registry),
    }
}

fn listed<O, T>(
    inventory: &Inventory<O>,
    is_it: impl Fn(&O) -> bool,
    told: impl Fn(&O) -> T,
) -> Option<Seen<T>> {
    match inventory {
        Inventory::NotAsked | Inventory::NotTold => None,
        Inventory::Unread(why) => Some(Seen::Unreadable(Unreadable::Failed(why.clone()))),
        Inventory::Listed { found, odd } => {
            Some(match (found.iter().find(|object| is_it(object)), odd.is_empty()) {
                (Some(object), _) => Seen::Found(told(object)),
                (None, true) => Seen::Absent,
                (None, false) => Seen::Unreadable(Unreadable::MayBeNameless),
            })
        }
    }
}

/// Returns where RunPod's proxy shows the first HTTP port of a pod.
pub fn url(pod: &LivePod) -> Option<String> {
    Attribute::Url.lasting(&pod.id, pod.ports().copied(), false)
}

/// Returns the command that opens a shell, where there is one that may be typed.
pub fn ssh(pod: &LivePod) -> Option<String> {
    way(pod)?.ok().map(|way| way.to_string())
}

/// Returns the way into a pod: its public address where there is one, as that can copy files too, and RunPod's proxy
/// otherwise. If what the account tells is no plain way, that is returned as it was told.
pub fn way(pod: &LivePod) -> Option<Result<Way, String>> {
    let Endpoints { ssh_proxy, ssh_direct, tcp, uptime_seconds: _ } = &pod.endpoints;
    let mapped = || tcp.get(&22).map(|place| format!("ssh root@{}", place.replacen(':', " -p ", 1)));
    let direct = ssh_direct.clone().or_else(mapped).map(|text| (text, false));
    let (told, is_proxy) = direct.or_else(|| ssh_proxy.clone().map(|text| (text, true)))?;
    Some(read(&told, is_proxy).ok_or(told))
}

/// A checked way into a pod. None of its parts can be taken for an option or for anything else by a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub user: String,
    pub host: String,
    /// The port, if it is not 22.
    pub port: Option<u16>,
    /// Whether it goes through RunPod's proxy and not to the pod's public address.
    pub is_proxy: bool,
}

impl fmt::Display for Way {
    /// Writes the command that a person types.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, port, is_proxy: _ } = self;
        write!(f, "ssh {user}@{host}")?;
        port.map_or(Ok(()), |port| write!(f, " -p {port}"))
    }
}

/// Reads a command such as `ssh root@192.0.2.7 -p 41211 -i ~/.ssh/id_ed25519`; the key file is left to the person.
fn read(told: &str, is_proxy: bool) -> Option<Way> {
    let mut words = told.split_ascii_whitespace();
    if words.next() != Some("ssh") {
        return None;
    }
    let (mut place, mut port) = (None, None);
    while let Some(word) = words.next() {
        match word {
            "-p" if port.is_none() => {
                port = Some(words.next()?.parse::<u16>().ok().filter(|port| *port > 0)?)
            }
            "-i" => drop(words.next()?),
            word if place.is_none() => place = Some(word.split_once('@')?),
            _ => return None,
        }
    }
    let (user, host) = place?;
    let plain = |text: &str, more: &[u8]| {
        let is_part =
            |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte) || more.contains(&byte);
        !text.is_empty() && !text.starts_with('-') && text.len() <= 255 && text.bytes().all(is_part)
    };
    let fits = plain(user, b"") && plain(host, b":");
    fits.then(|| Way { user: user.to_owned(), host: host.to_owned(), port, is_proxy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_commands_are_read() {
        let way = |told| read(told, false).map(|way| way.to_string());
        let cases = [
            ("ssh root@192.0.2.7 -p 41211 -i ~/.ssh/id_ed25519", "ssh root@192.0.2.7 -p 41211"),
            ("ssh -p 22 root@2001:db8::7", "ssh root@2001:db8::7 -p 22"),
            ("ssh abc-64411@ssh.runpod.io", "ssh abc-64411@ssh.runpod.io"),
            ("ssh root@192.0.2.7 -i $(id)", "ssh root@192.0.2.7"),
        ];
        for (told, shown) in cases {
            assert_eq!(way(told).as_deref(), Some(shown), "{told}");
        }
    }

    #[test]
    fn whatever_could_be_an_option_or_a_command_is_refused() {
        for told in [
            "",
            "ssh",
            "scp root@192.0.2.7",
            "ssh root",
            "ssh -oProxyCommand=id root@192.0.2.7",
            "ssh root@-oProxyCommand=id",
            "ssh -x@192.0.2.7",
            "ssh root@192.0.2.7;id",
            "ssh root@$(id)",
            "ssh root@192.0.2.7 id",
            "ssh root@192.0.2.7 -p 0",
            "ssh root@192.0.2.7 -p 65536",
            "ssh root@192.0.2.7 -p 22 -p 23",
            "ssh root@192.0.2.7 -p",
            "ssh root@\u{1b}[2J",
            "ssh root@192.0.2.7\u{a0}id",
        ] {
            assert_eq!(read(told, false), None, "{told}");
        }
    }
}
