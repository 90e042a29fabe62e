//! What podform does not manage: listed with what it costs, never touched.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::desired::{Wanted, WantedVolume};
use crate::model::id::{ProjectName, RemoteId};
use crate::model::live::{LivePod, LiveVolume, PodRole, PodStatus, Seen};
use crate::model::marker::VolumeMark;
use crate::model::plan::{Finding, Owner, Split, Unmanaged};
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
        let owner = pod_owner(context, pod);
        if let Owner::Lost(address) = &owner {
            findings.push(finding::other_state(address, &pod.id));
        }
        listed.push(Unmanaged {
            id: RemoteId::Pod(pod.id.clone()),
            name: pod.name().to_owned(),
            status: Some(pod.status),
            created_at: pod.created_at,
            cost: match pod.role {
                PodRole::Mover => Split::default(),
                PodRole::Plain | PodRole::EndpointWorker | PodRole::ClusterMember | PodRole::Background => {
                    cost::live_pod(inputs.catalog, pod, None)
                }
            },
            owner,
        });
    }
    let volumes = context.ownership.stranger_volumes.iter();
    for volume in volumes.filter_map(|id| inputs.live.volumes.get(id).and_then(Seen::found)) {
        listed.push(unmanaged_volume(context, volume));
    }
    let rank = |owner: &Owner| match owner {
        Owner::Lost(_) => 0,
        Owner::Nobody => 1,
        Owner::Runpod => 2,
        Owner::Project(_) => 3,
    };
    listed.sort_by(|left, right| (rank(&left.owner), &left.id).cmp(&(rank(&right.owner), &right.id)));
    let seconds = context.ownership.second_volumes.iter();
    findings.extend(seconds.map(|(address, id)| finding::second_volume(address, id)));
    findings.extend(renamed_project(context));
    (listed, findings)
}

/// A spec of which nothing is recorded, while all that it wants is there under another project, was more likely given
/// another project's name than written twice.
fn renamed_project(context: &Context<'_>) -> Option<Finding> {
    let Inputs { desired, prior, live, .. } = *context.inputs;
    if !prior.objects.is_empty() {
        return None;
    }
    let wanted = desired.wanted.iter().filter(|(_, wanted)| match wanted {
        Wanted::Pod(_) | Wanted::Volume(WantedVolume::Managed { .. }) => true,
        // Which projects have secrets is not looked at.
        Wanted::Volume(WantedVolume::Referenced { id: _ }) | Wanted::Secret(_) | Wanted::Registry(_) => false,
    });
    let wanted: BTreeSet<Address> = wanted.map(|(address, _)| address.clone()).collect();
    let mut there: BTreeMap<ProjectName, BTreeSet<Address>> = BTreeMap::new();
    for marker in live.pods.values().filter_map(|seen| seen.found()?.marker.as_ref()) {
        there.entry(marker.project.clone()).or_default().insert(marker.address.clone());
    }
    for mark in live.volumes.values().filter_map(|seen| seen.found()?.name.parse::<VolumeMark>().ok()) {
        let address = mark.address();
        there.entry(mark.project).or_default().insert(address);
    }
    let mut others = there.into_iter().filter(|(project, _)| *project != desired.project);
    let (project, _) = others.find(|(_, there)| !wanted.is_empty() && wanted.is_subset(there))?;
    Some(finding::renamed_project(&project))
}

fn pod_owner(context: &Context<'_>, pod: &LivePod) -> Owner {
    let Inputs { desired, prior, .. } = *context.inputs;
    match &pod.marker {
        None if pod.role == PodRole::Mover => Owner::Runpod,
        Some(marker) if marker.project != desired.project => Owner::Project(marker.project.clone()),
        Some(marker) if !prior.tokens.contains_key(&marker.token) => Owner::Lost(marker.address.clone()),
        Some(_) | None => Owner::Nobody,
    }
}

fn volume_owner(context: &Context<'_>, volume: &LiveVolume) -> Owner {
    let Inputs { desired, prior, .. } = *context.inputs;
    match volume.name.parse::<VolumeMark>() {
        Ok(mark) if mark.project != desired.project => Owner::Project(mark.project),
        Ok(mark) if known_volume(prior, &mark).is_none() => Owner::Lost(mark.address()),
        Ok(_) | Err(_) => Owner::Nobody,
    }
}

fn unmanaged_volume(context: &Context<'_>, volume: &LiveVolume) -> Unmanaged {
    let tier = volume.tier.unwrap_or(VolumeTier::Standard);
    Unmanaged {
        id: RemoteId::Volume(volume.id.clone()),
        name: volume.name.clone(),
        status: None,
        created_at: None,
        cost: cost::volume(volume.size, tier),
        owner: volume_owner(context, volume),
    }
}
