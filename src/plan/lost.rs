//! Marked objects that the state does not know: it is older than the account, or was lost.
//!
//! A plan from such a state would make a second one of what is there, so none is made. What `adopt:` names is explained
//! by it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::desired::{Desired, Wanted, WantedVolume};
use crate::model::id::{ProjectName, RemoteId};
use crate::model::live::{Live, LivePod, LiveVolume, PodRole, PodStatus, Seen};
use crate::model::marker::VolumeMark;
use crate::model::plan::{Block, Split, Unknown};
use crate::model::prior::Prior;
use crate::model::provenance::{Provenance, Viewpoint, Witness, judge_pod, judge_volume};
use crate::model::volume::VolumeTier;

use super::ownership::known_volume;
use super::rebuild::unread;
use super::{Inputs, cost};

/// Returns why no plan can be made from this state, if there is reason to doubt it.
pub(super) fn doubts(inputs: &Inputs<'_>, recorded: &BTreeSet<RemoteId>) -> Option<Block> {
    let mut later = BTreeMap::new();
    let mut others = BTreeMap::new();
    let mut costs: BTreeMap<RemoteId, Split> = BTreeMap::new();
    let explained = explained(inputs.desired);
    for (pod, address, judged) in marked_pods(inputs.desired, inputs.prior, inputs.live) {
        let id = RemoteId::Pod(pod.id.clone());
        if explained.contains(&id) {
            continue;
        }
        let group = match judged {
            Provenance::NewerState(_) => &mut later,
            Provenance::OtherState(_) if !recorded.contains(&id) => &mut others,
            Provenance::OtherState(_)
            | Provenance::Unmarked
            | Provenance::OtherProject(_)
            | Provenance::GivenUp
            | Provenance::Ours(_)
            | Provenance::Copy { .. }
            | Provenance::NotTold(_) => continue,
        };
        costs.insert(id.clone(), cost::live_pod(inputs.catalog, pod, None));
        group.insert(id, address.clone());
    }
    for volume in inputs.live.volumes.values().filter_map(Seen::found) {
        let id = RemoteId::Volume(volume.id.clone());
        let Some(address) = unknown_volume(&inputs.desired.project, inputs.prior, volume) else { continue };
        if !explained.contains(&id) && !recorded.contains(&id) {
            let tier = volume.tier.unwrap_or(VolumeTier::Standard);
            costs.insert(id.clone(), cost::volume(volume.size, tier));
            later.insert(id, address);
        }
    }
    for (address, ids) in unread(inputs.desired, inputs.live) {
        let unexplained = ids.into_iter().filter(|id| !explained.contains(id) && !recorded.contains(id));
        others.extend(unexplained.map(|id| (id, address.clone())));
    }
    let unknown = |objects: BTreeMap<RemoteId, Address>| {
        let monthly = objects.keys().filter_map(|id| costs.get(id).copied()).sum::<Split>().total();
        Unknown { objects, monthly }
    };
    match (inputs.prior.objects.is_empty(), later.is_empty(), others.is_empty()) {
        (true, false, _) | (true, _, false) => {
            later.append(&mut others);
            Some(Block::StateEmpty(unknown(later)))
        }
        (false, false, _) => Some(Block::StateOlder(unknown(later))),
        // Another state manages this project as well; what it has is listed, and its addresses are held.
        (false, true, _) | (true, true, true) => None,
    }
}

/// Returns what another copy of a state made, by the address of its mark. Two copies that are used in the same moment
/// cannot be kept apart; that there are two is seen as soon as both have made something.
pub fn made_elsewhere(desired: &Desired, prior: &Prior, live: &Live) -> BTreeMap<RemoteId, Address> {
    let explained = explained(desired);
    let pods = marked_pods(desired, prior, live).filter_map(|(pod, address, judged)| {
        let is_newer = matches!(judged, Provenance::NewerState(_));
        is_newer.then(|| (RemoteId::Pod(pod.id.clone()), address.clone()))
    });
    let volumes = live.volumes.values().filter_map(Seen::found).filter_map(|volume| {
        Some((RemoteId::Volume(volume.id.clone()), unknown_volume(&desired.project, prior, volume)?))
    });
    let recorded = prior.remote_ids();
    let is_told = |id: &RemoteId| explained.contains(id) || recorded.contains(id);
    pods.chain(volumes).filter(|(id, _)| !is_told(id)).collect()
}

/// Returns the pods with a mark, each with the address that it names and whose it is as far as the journal knows.
fn marked_pods<'a>(
    desired: &'a Desired,
    prior: &'a Prior,
    live: &'a Live,
) -> impl Iterator<Item = (&'a LivePod, &'a Address, Provenance)> {
    let view = Viewpoint::of(&desired.project, prior);
    let pods = live.pods.values().filter_map(Seen::found).filter(|pod| is_plain(pod));
    pods.filter_map(move |pod| {
        let marker = pod.marker.as_ref()?;
        let witness = prior.tokens.get(&marker.token).map_or(Witness::Nobody, Witness::Journal);
        Some((pod, &marker.address, judge_pod(view, pod, witness)))
    })
}

fn unknown_volume(project: &ProjectName, prior: &Prior, volume: &LiveVolume) -> Option<Address> {
    let mark: VolumeMark = volume.name.parse().ok()?;
    let view = Viewpoint::of(project, prior);
    let known = known_volume(prior, &mark).map(|(_, known)| known);
    match judge_volume(view, Some(&mark), known.map_or(Witness::Nobody, Witness::Journal)) {
        Provenance::NewerState(_) => Some(mark.address()),
        Provenance::OtherState(_)
        | Provenance::Unmarked
        | Provenance::OtherProject(_)
        | Provenance::GivenUp
        | Provenance::Ours(_)
        | Provenance::Copy { .. }
        | Provenance::NotTold(_) => None,
    }
}

/// Returns what the spec itself names.
fn explained(desired: &Desired) -> BTreeSet<RemoteId> {
    let named = |wanted: &Wanted| match wanted {
        Wanted::Pod(pod) => pod.adopt.clone().map(RemoteId::Pod),
        Wanted::Volume(WantedVolume::Managed { adopt, .. }) => adopt.clone().map(RemoteId::Volume),
        Wanted::Volume(WantedVolume::Referenced { id }) => Some(RemoteId::Volume(id.clone())),
        Wanted::Secret(_) | Wanted::Registry(_) => None,
    };
    desired.wanted.values().filter_map(named).collect()
}

fn is_plain(pod: &LivePod) -> bool {
    pod.role == PodRole::Plain && pod.status != PodStatus::Terminated
}
