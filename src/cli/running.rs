//! How the pods of a project can be reached.

use std::collections::BTreeMap;

use crate::model::address::Address;
use crate::model::id::{PodId, RemoteId};
use crate::model::live::{Live, LivePod};
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

/// Returns the command that opens a shell: directly where there is a public address, as that can copy files too.
pub fn ssh(pod: &LivePod) -> Option<String> {
    pod.endpoints.ssh_direct.clone().or_else(|| pod.endpoints.ssh_proxy.clone())
}
