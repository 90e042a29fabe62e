//! Holds what is not to be decided here, and spreads what is held: who depends on it is held too, and what it depends on is not taken away.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::desired::Wanted;
use crate::model::id::{PodId, RemoteId, VolumeId};
use crate::model::live::{LivePod, LiveStorage, Seen};
use crate::model::plan::{Action, Held, InProgress, Operation, Reason, Step};
use crate::model::prior::{Recorded, RecordedObject};

use super::draft::Draft;
use super::reach::lacking;
use super::scope::dependencies;
use super::{Context, Drafts, Inputs, pods, rebuild};

/// Holds every create whose object is there already, unknown to the state. A second one costs money; a lost state is
/// found again by its markers.
pub(super) fn what_is_there_already(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    let Inputs { desired, prior, live, .. } = *context.inputs;
    for (address, claims) in rebuild::claims(desired, prior, live) {
        if let Some(draft) = drafts.get_mut(&address).filter(|draft| draft.has(Step::Create)) {
            draft.hold(Held::Marked { ids: claims });
        }
    }
}

/// Holds the removal of replicas that may have to take the place of one that could not be looked at.
pub(super) fn reserved(reserved: &BTreeMap<Address, Address>, drafts: &mut Drafts<'_>) {
    for (address, place) in reserved {
        if let Some(draft) = drafts.get_mut(address).filter(|draft| is_taken_away(draft)) {
            let why =
                format!("whether `{place}` is there is not known, and this replica takes its place if not");
            draft.hold(Held::NotPossible(why));
        }
    }
}

/// Leaves alone what a run that goes on has begun and not ended. How it looks by then is nobody's doing.
pub(super) fn what_is_in_progress(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    let Some(InProgress { addresses, .. }) = context.inputs.in_progress else { return };
    for address in addresses {
        if let Some(draft) = drafts.get_mut(address) {
            draft.drift.clear();
            draft.findings.clear();
            draft.hold(Held::InProgress);
        }
    }
}

/// Lets stopped pods go with the network volume that they mount and that is deleted. RunPod refuses to delete it under
/// them, and a stopped pod has nothing but its mounts: waiting for it would be waiting for ever.
///
/// If anything else mounts the volume as well, it cannot be deleted, and nothing is given up for it.
pub(super) fn free_deleted_volumes(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    let deleted: Vec<(Address, VolumeId)> = drafts
        .iter()
        .filter_map(|(address, draft)| Some((Address::clone(address), deleted_volume(draft)?.clone())))
        .collect();
    for (address, volume) in deleted {
        let mounting = mounting(context, drafts, &volume);
        let owners: Option<Vec<(Address, &LivePod)>> =
            mounting.into_iter().map(|pod| Some((goes_with_volume(context, drafts, pod)?, pod))).collect();
        for (owner, pod) in owners.into_iter().flatten() {
            if let Some(draft) = drafts.get_mut(&owner) {
                pods::terminate_with_volume(context, &owner, pod, &address, draft);
            }
        }
    }
}

/// Holds every create that could make a second one of what a rebuild could not place.
pub(super) fn what_a_rebuild_left(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    let unplaced = context.ownership.unplaced();
    if unplaced.is_empty() {
        return;
    }
    let of_kind = |is_pod: bool| -> BTreeSet<RemoteId> {
        let alike = unplaced.iter().filter(|(address, _)| address.is_pod() == is_pod);
        alike.flat_map(|(_, ids)| ids.iter().cloned()).collect()
    };
    let [volumes, pods] = [false, true].map(of_kind);
    for (address, draft) in drafts {
        let ids = if address.is_pod() { &pods } else { &volumes };
        if !ids.is_empty() && draft.steps.iter().any(|(step, action)| is_new(*step, action)) {
            draft.hold(Held::Unplaced { ids: ids.clone() });
        }
    }
}

/// Holds the end of what a rebuild found and the spec does not have, where it could lose data or where a key of the spec
/// could be its new name; and the creates that could make a second one of it. What `removed:` names is explained.
pub(super) fn what_a_rebuild_found(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    let Inputs { desired, options, .. } = *context.inputs;
    if options.destroy {
        return;
    }
    let goes = |draft: &Draft<'_>| {
        [Step::Delete, Step::Stop, Step::Forget].into_iter().any(|step| draft.has(step))
            || !draft.blocks.is_empty()
    };
    let unexplained: BTreeSet<Address> = drafts
        .iter()
        .filter(|(address, draft)| context.wanted(address).is_none() && draft.held.is_none() && goes(draft))
        .filter(|(address, _)| desired.removal(address).is_none())
        .filter(|(address, _)| context.renamed.recorded(address).is_some_and(|recorded| recorded.rebuilt))
        .map(|(address, _)| Address::clone(address))
        .collect();
    let created: BTreeSet<Address> = drafts
        .iter()
        .filter(|(_, draft)| draft.steps.iter().any(|(step, action)| is_new(*step, action)))
        .map(|(address, _)| Address::clone(address))
        .collect();
    let alike = |among: &BTreeSet<Address>, address: &Address| -> BTreeSet<Address> {
        among.iter().filter(|other| other.is_pod() == address.is_pod()).cloned().collect()
    };
    for address in &created {
        let from = alike(&unexplained, address);
        if let Some(draft) = drafts.get_mut(address).filter(|_| !from.is_empty()) {
            draft.hold(Held::MayBeRenamed { from });
        }
    }
    for address in &unexplained {
        let instead_of = alike(&created, address);
        let holds_data =
            context.renamed.recorded(address).is_some_and(|recorded| holds_data(context, recorded));
        if let Some(draft) = drafts.get_mut(address).filter(|_| holds_data || !instead_of.is_empty()) {
            draft.hold(Held::Rebuilt { instead_of });
        }
    }
}

/// Returns the live pods that mount a network volume and stay.
fn mounting<'a>(context: &Context<'a>, drafts: &Drafts<'_>, volume: &VolumeId) -> Vec<&'a LivePod> {
    let deleted = deleted_pods(drafts);
    let pods = context.inputs.live.pods.values().filter_map(Seen::found);
    pods.filter(|pod| mounts(pod, volume) && !deleted.contains_key(&pod.id)).collect()
}

fn mounts(pod: &LivePod, volume: &VolumeId) -> bool {
    matches!(&pod.storage, LiveStorage::Network { id, path: _ } if id == volume)
}

/// Returns the address of a pod of ours that is to be stopped, and that no longer mounts what it mounts.
fn goes_with_volume(context: &Context<'_>, drafts: &Drafts<'_>, pod: &LivePod) -> Option<Address> {
    let (owner, _) =
        context.renamed.objects.iter().find(|(_, recorded)| recorded.id == RemoteId::Pod(pod.id.clone()))?;
    let draft = drafts.get(owner).filter(|draft| draft.held.is_none())?;
    let is_up_after = if pod.status.is_up() { !draft.has(Step::Stop) } else { draft.has(Step::Start) };
    (!is_up_after && !draft.has(Step::Forget)).then(|| owner.clone())
}

fn is_new(step: Step, action: &Action) -> bool {
    step == Step::Create && action.reason == Reason::New
}

/// Tells whether a record stands for data: a volume, a disk of its own, or what was protected.
fn holds_data(context: &Context<'_>, recorded: &Recorded) -> bool {
    let live = match &recorded.id {
        RemoteId::Pod(id) => context.inputs.live.pods.get(id).and_then(Seen::found),
        RemoteId::Volume(_) => return true,
    };
    let has_disk = live.is_none_or(|pod| matches!(pod.storage, LiveStorage::Local { .. }));
    recorded.lifecycle.protect || has_disk
}

/// Holds every address whose steps need something that is held or missing, until nothing more follows.
pub(super) fn spread(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    loop {
        let needed = needed_by_held(context, drafts);
        let held: Vec<(Address, Held)> = drafts
            .iter()
            .filter(|(_, draft)| draft.held.is_none() && !draft.steps.is_empty())
            .filter_map(|(address, draft)| {
                let held = missing_dependency(context, drafts, address, draft)
                    .or_else(|| taken_from_held(&needed, address, draft))
                    .or_else(|| still_mounted(context, drafts, address, draft))
                    .or_else(|| given_up_in_vain(context, drafts, draft))
                    .or_else(|| still_taken(context, drafts, address, draft));
                held.map(|held| (Address::clone(address), held))
            })
            .collect();
        if held.is_empty() {
            return;
        }
        for (address, why) in held {
            if let Held::DependsOn(dependency) = &why
                && let Some(draft) = drafts.get_mut(dependency)
                && let Some(unusable) = draft.unusable.take()
            {
                draft.hold(unusable);
            }
            if let Some(draft) = drafts.get_mut(&address) {
                draft.hold(why);
            }
        }
    }
}

/// A pod that is wanted needs what it depends on, and its network volume must exist or be made by this plan.
fn missing_dependency(
    context: &Context<'_>,
    drafts: &Drafts<'_>,
    address: &Address,
    draft: &Draft<'_>,
) -> Option<Held> {
    let wanted = context.wanted(address)?;
    let Wanted::Pod(pod) = wanted else { return None };
    let needed = dependencies(pod);
    let held = needed.iter().find(|dependency| {
        drafts.get(dependency).is_some_and(|draft| draft.held.is_some() || draft.unusable.is_some())
    });
    if let Some(dependency) = held {
        return Some(Held::DependsOn(dependency.clone()));
    }
    if draft.has(Step::Create) || draft.has(Step::Start) {
        let mut left_out = needed.iter().filter(|dependency| !drafts.contains_key(dependency));
        if let Some(held) = left_out.find_map(|dependency| lacking(context, dependency)) {
            return Some(held);
        }
    }
    let volume = pod.container.storage.volume().filter(|_| draft.has(Step::Create))?;
    let is_made = drafts.get(volume).is_some_and(|draft| draft.has(Step::Create) || draft.has(Step::Adopt));
    let exists = context.volumes.id(volume).is_some();
    (!exists && !is_made).then(|| Held::DependsOn(volume.clone()))
}

/// A pod does not go with a network volume that stays.
fn given_up_in_vain(context: &Context<'_>, drafts: &Drafts<'_>, draft: &Draft<'_>) -> Option<Held> {
    let goes = draft.steps.iter().filter(|(_, action)| action.reason == Reason::VolumeRemoved);
    let pods = goes.flat_map(|(_, action)| match &action.operation {
        Operation::DeletePods { ids } => ids.iter().collect(),
        Operation::Local
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::DeleteVolume { .. }
        | Operation::CreatePod(_)
        | Operation::UpdatePod { .. }
        | Operation::StartPod { .. }
        | Operation::StopPod { .. } => Vec::new(),
    });
    let live = &context.inputs.live.pods;
    let mounted = pods.filter_map(|id| match &live.get(id)?.found()?.storage {
        LiveStorage::Network { id, path: _ } => context.volumes.address_of(id),
        LiveStorage::None | LiveStorage::Local { .. } => None,
    });
    let mut held = mounted.filter(|volume| drafts.get(volume).is_some_and(|draft| draft.held.is_some()));
    held.next().map(|volume| Held::DependsOn(volume.clone()))
}

/// Returns what held objects depend on, each with the first of them.
fn needed_by_held(context: &Context<'_>, drafts: &Drafts<'_>) -> BTreeMap<Address, Address> {
    let mut needed = BTreeMap::new();
    for (dependent, _) in drafts.iter().filter(|(_, draft)| draft.held.is_some()) {
        let recorded = context.renamed.recorded(dependent);
        for dependency in recorded.map(recorded_dependencies).unwrap_or_default() {
            needed.entry(dependency).or_insert_with(|| Address::clone(dependent));
        }
    }
    needed
}

/// What a held object depends on is not taken away under it.
fn taken_from_held(
    needed: &BTreeMap<Address, Address>,
    address: &Address,
    draft: &Draft<'_>,
) -> Option<Held> {
    let dependent = needed.get(address).filter(|_| is_taken_away(draft))?;
    Some(Held::DependsOn(dependent.clone()))
}

/// RunPod refuses to delete a network volume that a pod still mounts.
fn still_mounted(
    context: &Context<'_>,
    drafts: &Drafts<'_>,
    address: &Address,
    draft: &Draft<'_>,
) -> Option<Held> {
    let mounting = mounting(context, drafts, deleted_volume(draft)?);
    // A pod that would go with the volume is not what stands in its way.
    let in_the_way = mounting.iter().find(|pod| goes_with_volume(context, drafts, pod).is_none());
    let mounting = in_the_way.or(mounting.first())?;
    if let Some(owner) = context.renamed.objects.iter().find_map(|(owner, recorded)| {
        (recorded.id == RemoteId::Pod(mounting.id.clone()) && owner != address).then_some(owner)
    }) && drafts.get(owner).is_some_and(|draft| draft.held.is_some())
    {
        return Some(Held::DependsOn(owner.clone()));
    }
    Some(Held::NotPossible(format!(
        "pod `{}` ({}) still mounts it, and RunPod refuses to delete a network volume in use",
        mounting.id, mounting.name
    )))
}

fn deleted_volume<'d>(draft: &'d Draft<'_>) -> Option<&'d VolumeId> {
    draft.steps.iter().find_map(|(_, action)| match &action.operation {
        Operation::DeleteVolume { id } => Some(id),
        Operation::Local
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::CreatePod(_)
        | Operation::UpdatePod { .. }
        | Operation::StartPod { .. }
        | Operation::StopPod { .. }
        | Operation::DeletePods { .. } => None,
    })
}

/// A record cannot move to an address that another record does not leave.
fn still_taken(
    context: &Context<'_>,
    drafts: &Drafts<'_>,
    address: &Address,
    draft: &Draft<'_>,
) -> Option<Held> {
    let is_taken = draft.has(Step::Move) && context.inputs.prior.objects.contains_key(address);
    let mut moves = context.renamed.moves.iter();
    let (to, _) = moves.find(|(_, from)| is_taken && *from == address)?;
    let leaves = drafts.get(to).is_some_and(|draft| draft.has(Step::Move));
    (!leaves).then(|| {
        Held::NotPossible(format!("what is recorded here becomes `{to}`, which is left out of this plan"))
    })
}

/// Returns the pods that the drafts terminate, with the address and step that do it.
pub(super) fn deleted_pods(drafts: &Drafts<'_>) -> BTreeMap<PodId, (Address, Step)> {
    let mut deleted = BTreeMap::new();
    for (address, draft) in drafts {
        for (step, action) in &draft.steps {
            match &action.operation {
                Operation::DeletePods { ids } => {
                    let by = ids.iter().map(|id| (id.clone(), (Address::clone(address), *step)));
                    deleted.extend(by);
                }
                Operation::Local
                | Operation::CreateVolume { .. }
                | Operation::GrowVolume { .. }
                | Operation::DeleteVolume { .. }
                | Operation::CreatePod(_)
                | Operation::UpdatePod { .. }
                | Operation::StartPod { .. }
                | Operation::StopPod { .. } => {}
            }
        }
    }
    deleted
}

/// Tells whether the object of an address is deleted or stopped for good by its steps.
pub(super) fn is_taken_away(draft: &Draft<'_>) -> bool {
    let comes_back = draft.has(Step::Create) || draft.has(Step::Start);
    !comes_back && (draft.has(Step::Delete) || draft.has(Step::Stop))
}

/// Returns what a recorded object depends on, the network volume that it mounts included.
pub(super) fn recorded_dependencies(recorded: &Recorded) -> BTreeSet<Address> {
    match &recorded.object {
        RecordedObject::Volume(_) => BTreeSet::new(),
        RecordedObject::Pod(pod) => {
            let mut dependencies = pod.depends_on.clone();
            dependencies.extend(pod.container.storage.volume().cloned());
            dependencies
        }
    }
}
