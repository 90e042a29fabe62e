//! What podform does not manage: listed with what it costs, never touched.

use std::collections::BTreeMap;

use crate::model::address::Address;
use crate::model::id::RemoteId;
use crate::model::live::{LivePod, LiveVolume, PodStatus, Seen};
use crate::model::marker::VolumeMark;
use crate::model::plan::{Finding, Unmanaged};
use crate::model::volume::VolumeTier;

use super::ownership::known_volume;
use super::{Context, Inputs, cost, finding};

/// Lists pods and volumes that belong to nobody we know; those that carry this project's marker stand first.
pub(super) fn unmanaged<'a>(context: &Context<'a>, copies: &[&'a LivePod]) -> (Vec<Unmanaged>, Vec<Finding>) {
    let inputs = context.inputs;
    let strangers = context.ownership.strangers.iter();
    let found = strangers.filter_map(|id| inputs.live.pods.get(id).and_then(Seen::found));
    let mut pods: BTreeMap<_, &LivePod> = found.map(|pod| (&pod.id, pod)).collect();
    pods.extend(copies.iter().map(|pod| (&pod.id, *pod)));
    let mut listed = Vec::new();
    let mut findings = Vec::new();
    for pod in pods.into_values().filter(|pod| pod.status != PodStatus::Terminated) {
        let marked_ours = lost_address(context, pod);
        if let Some(address) = &marked_ours {
            findings.push(finding::other_state(address, &pod.id));
        }
        listed.push(Unmanaged {
            id: RemoteId::Pod(pod.id.clone()),
            name: pod.name.clone(),
            status: Some(pod.status),
            created_at: pod.created_at,
            cost: cost::live_pod(inputs.catalog, pod, None),
            marked_ours,
        });
    }
    let volumes = context.ownership.stranger_volumes.iter();
    for volume in volumes.filter_map(|id| inputs.live.volumes.get(id).and_then(Seen::found)) {
        listed.push(unmanaged_volume(context, volume));
    }
    listed.sort_by(|left, right| {
        (left.marked_ours.is_none(), &left.id).cmp(&(right.marked_ours.is_none(), &right.id))
    });
    (listed, findings)
}

/// Returns the address of a pod with this project's marker whose token the state does not know.
fn lost_address(context: &Context<'_>, pod: &LivePod) -> Option<Address> {
    let marker = pod.marker.as_ref().filter(|marker| marker.project == context.inputs.desired.project)?;
    (!context.inputs.prior.tokens.contains_key(&marker.token)).then(|| marker.address.clone())
}

fn unmanaged_volume(context: &Context<'_>, volume: &LiveVolume) -> Unmanaged {
    let Inputs { desired, prior, .. } = *context.inputs;
    let mark = volume.name.parse::<VolumeMark>().ok().filter(|mark| mark.project == desired.project);
    let mark = mark.filter(|mark| known_volume(prior, mark).is_none());
    let tier = volume.tier.unwrap_or(VolumeTier::Standard);
    Unmanaged {
        id: RemoteId::Volume(volume.id.clone()),
        name: volume.name.clone(),
        status: None,
        created_at: None,
        cost: cost::volume(volume.size, tier),
        marked_ours: mark.map(|mark| mark.address()),
    }
}
