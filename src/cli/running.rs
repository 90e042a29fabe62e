//! How the pods of a project can be reached.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::id::{PodId, RemoteId};
use crate::model::live::{Endpoints, Live, LivePod};
use crate::model::pod::{Port, Protocol};
use crate::model::prior::Prior;
use crate::render::outcome::RunningPod;

/// Returns the managed pods that run, in address order.
pub fn running_pods(prior: &Prior, live: &Live) -> Vec<RunningPod> {
    managed_pods(prior, live)
        .into_iter()
        .filter(|(_, pod)| pod.status.is_up())
        .map(|(address, pod)| RunningPod {
            address: address.clone(),
            url: url(pod),
            ssh: ssh(pod),
            price: pod.price,
        })
        .collect()
}

/// Returns what a destroy of everything would be refused for.
pub fn guarded(prior: &Prior, live: &Live) -> BTreeSet<Address> {
    let protected = prior.objects.iter().filter(|(_, recorded)| recorded.lifecycle.protect);
    let pods = managed_pods(prior, live).into_iter();
    let locked = pods.filter(|(_, pod)| pod.locked == Some(true)).map(|(address, _)| address);
    protected.map(|(address, _)| address).chain(locked).cloned().collect()
}

/// Returns the recorded pods that were found.
pub fn managed_pods<'a>(prior: &'a Prior, live: &'a Live) -> BTreeMap<&'a Address, &'a LivePod> {
    let found = |id: &PodId| live.pods.get(id).and_then(|seen| seen.found());
    let objects = prior.objects.iter();
    objects
        .filter_map(|(address, recorded)| match &recorded.id {
            RemoteId::Pod(id) => found(id).map(|pod| (address, pod)),
            RemoteId::Volume(_) => None,
        })
        .collect()
}

/// Returns where RunPod's proxy shows the first HTTP port of a pod.
pub fn url(pod: &LivePod) -> Option<String> {
    let mut ports = pod.ports.iter();
    let Port { number, protocol: _ } = ports.find(|port| port.protocol == Protocol::Http)?;
    Some(format!("https://{}-{number}.proxy.runpod.net", pod.id))
}

/// Returns the command that opens a shell.
pub fn ssh(pod: &LivePod) -> Option<String> {
    ssh_command(pod).map(|command| command.text)
}

/// A command that opens a shell in a pod.
pub struct SshCommand {
    /// The command.
    pub text: String,
    /// Whether it goes through RunPod's proxy and not to the pod's public address.
    pub is_proxy: bool,
}

/// Returns the command that opens a shell and its way: directly where there is a public address, as that can copy files too.
pub fn ssh_command(pod: &LivePod) -> Option<SshCommand> {
    let Endpoints { ssh_proxy, ssh_direct, tcp, uptime_seconds: _ } = &pod.endpoints;
    let mapped = || tcp.get(&22).map(|place| format!("ssh root@{}", place.replacen(':', " -p ", 1)));
    let direct = ssh_direct.clone().or_else(mapped).map(|text| SshCommand { text, is_proxy: false });
    direct.or_else(|| ssh_proxy.clone().map(|text| SshCommand { text, is_proxy: true }))
}
