//! Holds what is not to be decided here, and spreads what is held: who depends on it is held too, and what it depends on is not taken away.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Kind};
use crate::model::desired::{Wanted, WantedPod};
use crate::model::id::{PodId, RemoteId, VolumeId};
use crate::model::live::{LivePod, Seen};
use crate::model::plan::{Held, InProgress, Operation, Reason, Several, Step};
use crate::model::pod::{RunState, Storage};
use crate::model::prior::{Prior, Recorded};

use super::draft::Draft;
use super::graph::brought_up;
use super::reach::{awaited_elsewhere, lacking};
use super::registries::sent_by;
use super::scope::dependencies;
use super::secrets::boots;
use super::{Context, Drafts, Inputs, jobs, pods, rebuild, references};

/// Holds every create whose object is there already, unknown to the state. A second one costs money; a lost state is
/// found again by its markers.
pub(super) fn what_is_there_already(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    let Inputs { desired, prior, live, .. } = *context.inputs;
    if !drafts.values().any(|draft| draft.has(Step::Create)) {
        return;
    }
    for (address, claims) in rebuild::claims(desired, prior, live) {
        if let Some(draft) = drafts.get_mut(&address).filter(|draft| draft.has(Step::Create)) {
            draft.hold(Held::Marked { ids: claims });
        }
    }
}

/// Holds every create that may be of something that is there and cannot be read: one that carries the mark of its address
/// and, as long as the state is what a rebuild found, one whose mark cannot be read either.
pub(super) fn what_cannot_be_read(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    let Inputs { desired, prior, live, .. } = *context.inputs;
    let recorded = &context.ownership.recorded;
    for (address, ids) in rebuild::unread(desired, live) {
        let ids: Vec<String> =
            ids.iter().filter(|id| !recorded.contains(*id)).map(|id| format!("`{id}`")).collect();
        let draft = drafts.get_mut(&address).filter(|draft| !ids.is_empty() && draft.has(Step::Create));
        if let Some(draft) = draft {
            let why = format!("{}, which carries its mark, cannot be read", ids.join(" and "));
            draft.hold(Held::Unreadable(why));
        }
    }
    if !prior.objects.values().any(|recorded| recorded.rebuilt) {
        return;
    }
    for (address, draft) in drafts {
        if context.ownership.unread.may_be(address) && makes_new(draft) {
            let why = "an entry of the account's listing cannot be read and may be it, as this state knows only what \
                       a rebuild found";
            draft.hold(Held::Unreadable(why.to_owned()));
        }
    }
}

/// Holds the removal of replicas that may have to take the place of one that could not be looked at.
pub(super) fn reserved(reserved: &BTreeMap<Address, Address>, drafts: &mut Drafts<'_>) {
    for (address, place) in reserved {
        if let Some(draft) = drafts.get_mut(address).filter(|draft| is_taken_away(draft)) {
            let why = format!(
                "whether `{place}` is there is not known, and this replica may have to take its place"
            );
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
    if deleted.is_empty() {
        return;
    }
    let mounts = Mounts::new(context, drafts);
    for (address, volume) in deleted {
        let mounting = mounts.staying(drafts, &volume);
        let owners: Option<Vec<(Address, &LivePod)>> = mounting
            .into_iter()
            .map(|pod| Some((mounts.goes_with_volume(drafts, pod)?.clone(), pod)))
            .collect();
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
    let mut by_kind: BTreeMap<Kind, BTreeSet<RemoteId>> = BTreeMap::new();
    for (address, ids) in unplaced {
        by_kind.entry(address.kind()).or_default().extend(ids);
    }
    for (address, draft) in drafts {
        if let Some(ids) = by_kind.get(&address.kind()).filter(|_| makes_new(draft)) {
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
        .filter(|(_, draft)| makes_new(draft))
        .map(|(address, _)| Address::clone(address))
        .collect();
    let (from, instead_of) = (ByKind::of(&unexplained), ByKind::of(&created));
    for address in &created {
        let from = from.like(address);
        if let Some(draft) = drafts.get_mut(address).filter(|_| !from.is_empty()) {
            draft.hold(Held::MayBeRenamed { from: from.clone() });
        }
    }
    for address in &unexplained {
        let instead_of = instead_of.like(address);
        let holds_data =
            context.renamed.recorded(address).is_some_and(|recorded| holds_data(context, recorded));
        if let Some(draft) = drafts.get_mut(address).filter(|_| holds_data || !instead_of.is_empty()) {
            draft.hold(Held::Rebuilt { instead_of: instead_of.clone() });
        }
    }
}

/// Addresses by what can be whose new name. A secret has a name of its own, so that none can be another's, and credentials
/// hold nothing that would be lost.
struct ByKind {
    unheld: Several,
    volumes: Several,
    pods: Several,
}

impl ByKind {
    fn of(addresses: &BTreeSet<Address>) -> Self {
        let of = |kind| addresses.iter().filter(move |address| address.kind() == kind).collect();
        Self { unheld: Several::default(), volumes: of(Kind::Volume), pods: of(Kind::Pod) }
    }

    fn like(&self, address: &Address) -> &Several {
        match address.kind() {
            Kind::Secret | Kind::Registry => &self.unheld,
            Kind::Volume => &self.volumes,
            Kind::Pod => &self.pods,
        }
    }
}

/// Which pods mount a network volume, whose they are and what terminates them.
struct Mounts<'c> {
    mounted: BTreeMap<&'c VolumeId, Vec<&'c LivePod>>,
    owners: BTreeMap<&'c PodId, &'c Address>,
    /// The addresses that terminate each pod, as long as they are not held.
    ended_by: BTreeMap<PodId, Vec<Address>>,
    /// What is not wanted any more, and what this plan leaves out depends on.
    needed: BTreeSet<Address>,
}

impl<'c> Mounts<'c> {
    fn new(context: &'c Context<'_>, drafts: &Drafts<'_>) -> Self {
        let mut mounted: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for pod in context.inputs.live.pods.values().filter_map(Seen::found) {
            if let Storage::Network { volume: id, path: _ } = &pod.settings.storage {
                mounted.entry(id).or_default().push(pod);
            }
        }
        let mut owners = BTreeMap::new();
        for (address, recorded) in &context.renamed.objects {
            if let RemoteId::Pod(id) = &recorded.id {
                owners.entry(id).or_insert(address);
            }
        }
        let mut ended_by: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (address, draft) in drafts {
            for id in ended_pods(draft) {
                ended_by.entry(id.clone()).or_default().push(Address::clone(address));
            }
        }
        let left_out = context
            .renamed
            .objects
            .iter()
            .filter(|(address, _)| !drafts.contains_key(*address) && context.wanted(address).is_none());
        let needed = left_out.flat_map(|(_, recorded)| recorded_dependencies(recorded));
        let needed = needed.filter(|address| context.wanted(address).is_none()).collect();
        Self { mounted, owners, ended_by, needed }
    }

    /// Returns the live pods that mount a network volume and stay.
    fn staying(&self, drafts: &Drafts<'_>, volume: &VolumeId) -> Vec<&'c LivePod> {
        let mounting = self.mounted.get(volume).into_iter().flatten();
        mounting.copied().filter(|pod| !self.ends(drafts, &pod.id)).collect()
    }

    fn ends(&self, drafts: &Drafts<'_>, pod: &PodId) -> bool {
        let mut by = self.ended_by.get(pod).into_iter().flatten().filter_map(|address| drafts.get(address));
        by.any(|draft| ended_pods(draft).any(|id| id == pod))
    }

    /// Returns the address of a pod of ours that is to be stopped, and that no longer mounts what it mounts.
    fn goes_with_volume(&self, drafts: &Drafts<'_>, pod: &LivePod) -> Option<&'c Address> {
        let owner = *self.owners.get(&pod.id).filter(|owner| !self.needed.contains(**owner))?;
        let draft = drafts.get(owner).filter(|draft| draft.held.is_none())?;
        let is_up_after = if pod.status.is_up() { !draft.has(Step::Stop) } else { draft.has(Step::Start) };
        (!is_up_after && !draft.has(Step::Forget)).then_some(owner)
    }
}

/// Tells whether a draft creates what was never there.
fn makes_new(draft: &Draft<'_>) -> bool {
    let mut steps = draft.steps.iter();
    steps.any(|(step, action)| *step == Step::Create && action.reason == Reason::New)
}

/// Tells whether a record stands for data: a volume, a disk of its own, or what was protected.
fn holds_data(context: &Context<'_>, recorded: &Recorded) -> bool {
    let live = match &recorded.id {
        RemoteId::Pod(id) => context.inputs.live.pods.get(id).and_then(Seen::found),
        RemoteId::Volume(_) => return true,
        RemoteId::Secret(_) | RemoteId::Registry(_) => return false,
    };
    let has_disk = live.is_none_or(|pod| matches!(pod.settings.storage, Storage::Local { .. }));
    recorded.record.lifecycle.protect || has_disk
}

/// Holds every address whose steps need something that is held or missing, until nothing more follows.
///
/// After the first round only those are looked at that what was held last concerns: a chain of dependencies takes as
/// many rounds as it is long.
pub(super) fn spread(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    let deletes_volumes = drafts.values().any(|draft| deleted_volume(draft).is_some());
    let mounts = deletes_volumes.then(|| Mounts::new(context, drafts));
    let mut concerns = None;
    let mut fresh: BTreeSet<Address> = drafts
        .iter()
        .filter(|(_, draft)| draft.held.is_some())
        .map(|(address, _)| Address::clone(address))
        .collect();
    let mut open: BTreeSet<Address> = drafts.keys().copied().cloned().collect();
    loop {
        let needed = needed_by(context, &fresh);
        let held: Vec<(Address, Held)> = open
            .into_iter()
            .filter_map(|address| {
                let draft = drafts.get(&address)?;
                if draft.steps.is_empty() {
                    return None;
                }
                if draft.held.is_some() {
                    // All that is left is its move.
                    let taken = still_taken(context, drafts, &address, draft)?;
                    return Some((address, taken));
                }
                let held = missing_dependency(context, drafts, &address, draft)
                    .or_else(|| taken_from_held(&needed, &address, draft))
                    .or_else(|| still_mounted(mounts.as_ref()?, drafts, &address, draft))
                    .or_else(|| given_up_in_vain(context, drafts, draft))
                    .or_else(|| still_taken(context, drafts, &address, draft))?;
                Some((address, held))
            })
            .collect();
        if held.is_empty() {
            return;
        }
        let concerns = concerns.get_or_insert_with(|| Concerns::new(context, drafts));
        fresh = BTreeSet::new();
        for (address, why) in held {
            if let Held::DependsOn(dependency) = &why
                && let Some(draft) = drafts.get_mut(dependency)
                && let Some(unusable) = draft.unusable.take()
            {
                draft.hold(unusable);
                fresh.insert(dependency.clone());
            }
            if let Some(draft) = drafts.get_mut(&address) {
                draft.hold(why);
                fresh.insert(address);
            }
        }
        open = fresh.iter().flat_map(|held| concerns.of(context, held)).collect();
    }
}

/// Which addresses may have to be held once another one is, before anything was held for another's sake.
struct Concerns {
    /// What is wanted, by what it depends on.
    dependents: BTreeMap<Address, Vec<Address>>,
    /// What terminates pods with a network volume, by that volume.
    given_up_for: BTreeMap<Address, Vec<Address>>,
    /// Deleted network volumes, by the addresses that have a pod which mounts one or terminate such a pod.
    freed_by: BTreeMap<Address, Vec<Address>>,
}

impl Concerns {
    fn new(context: &Context<'_>, drafts: &Drafts<'_>) -> Self {
        let mut concerns =
            Self { dependents: BTreeMap::new(), given_up_for: BTreeMap::new(), freed_by: BTreeMap::new() };
        let note = |map: &mut BTreeMap<Address, Vec<Address>>, held: &Address, concerned: &Address| {
            map.entry(held.clone()).or_default().push(concerned.clone());
        };
        let mut deleted: BTreeMap<&VolumeId, Vec<&Address>> = BTreeMap::new();
        for (address, draft) in drafts {
            if let Some(Wanted::Pod(pod)) = context.wanted(address) {
                for dependency in dependencies(pod) {
                    note(&mut concerns.dependents, &dependency, address);
                }
            }
            for volume in given_up(context, draft) {
                note(&mut concerns.given_up_for, volume, address);
            }
            if let Some(volume) = deleted_volume(draft) {
                deleted.entry(volume).or_default().push(address);
            }
        }
        for (address, draft) in drafts.iter().filter(|_| !deleted.is_empty()) {
            let own = context.renamed.recorded(address).and_then(|recorded| match &recorded.id {
                RemoteId::Pod(id) => Some(id),
                RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_) => None,
            });
            let mounted = own.into_iter().chain(ended_pods(draft)).filter_map(|id| mounted(context, id));
            for volume in mounted.filter_map(|id| deleted.get(id)).flatten() {
                note(&mut concerns.freed_by, address, volume);
            }
        }
        concerns
    }

    /// Returns what one address concerns.
    fn of(&self, context: &Context<'_>, held: &Address) -> Vec<Address> {
        let lists = [&self.dependents, &self.given_up_for, &self.freed_by];
        let noted = lists.into_iter().filter_map(|map| map.get(held)).flatten();
        let recorded = context.renamed.recorded(held).map(recorded_dependencies).unwrap_or_default();
        let leaves = context.renamed.moves.get(held);
        noted.chain(leaves).cloned().chain(recorded).collect()
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
    let is_needed = |dependency: &&Address| is_needed(context, dependency, pod, draft);
    let held = needed.iter().filter(is_needed).find(|dependency| {
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
    // What is reset comes up anew too. It is there by then, and goes on as it is.
    if brought_up(draft).is_some() {
        let held = awaited_elsewhere(context, drafts, pod).or_else(|| jobs::unmet(context, drafts, pod));
        if held.is_some() {
            return held;
        }
    }
    if let Some(held) = references::missing(drafts, draft) {
        return Some(held);
    }
    let volume = pod.container.storage.volume().filter(|_| draft.has(Step::Create))?;
    let is_made = drafts.get(volume).is_some_and(|draft| draft.has(Step::Create) || draft.has(Step::Adopt));
    let exists = context.volumes.id(volume).is_some();
    (!exists && !is_made).then(|| Held::DependsOn(volume.clone()))
}

/// Tells whether the steps of a pod need what it depends on. RunPod puts a secret in when the pod boots and pulls with
/// credentials then: without them it runs on, and its bill can be ended. A job is done, or is waited for by who comes up.
/// One that is wanted stopped needs nobody.
fn is_needed(context: &Context<'_>, dependency: &Address, pod: &WantedPod, draft: &Draft<'_>) -> bool {
    let is_job = || context.wanted(dependency).and_then(Wanted::pod).is_some_and(|pod| pod.job.is_some());
    match dependency.kind() {
        Kind::Secret => boots(draft),
        Kind::Registry => {
            let mut sent = draft.steps.iter().filter_map(|(_, action)| sent_by(&action.operation));
            boots(draft) || sent.any(|sent| sent == dependency)
        }
        Kind::Pod if is_job() => pod.run == RunState::Running && brought_up(draft).is_some(),
        Kind::Volume | Kind::Pod => pod.run == RunState::Running,
    }
}

/// A pod does not go with a network volume that stays.
fn given_up_in_vain(context: &Context<'_>, drafts: &Drafts<'_>, draft: &Draft<'_>) -> Option<Held> {
    let mut held = given_up(context, draft)
        .filter(|volume| drafts.get(volume).is_some_and(|draft| draft.held.is_some()));
    held.next().map(|volume| Held::DependsOn(volume.clone()))
}

/// Returns the network volumes with which a draft lets pods go.
fn given_up<'c>(context: &'c Context<'_>, draft: &Draft<'_>) -> impl Iterator<Item = &'c Address> {
    let goes = draft.steps.iter().filter(|(_, action)| action.reason == Reason::VolumeRemoved);
    let pods = goes.flat_map(|(_, action)| ended_by(&action.operation));
    pods.filter_map(|id| context.volumes.address_of(mounted(context, id)?))
}

/// Returns the network volume that a live pod mounts.
fn mounted<'c>(context: &Context<'c>, id: &PodId) -> Option<&'c VolumeId> {
    match &context.inputs.live.pods.get(id)?.found()?.settings.storage {
        Storage::Network { volume: id, path: _ } => Some(id),
        Storage::None | Storage::Local { .. } => None,
    }
}

/// Returns what these objects depend on, each with the first of them.
fn needed_by(context: &Context<'_>, held: &BTreeSet<Address>) -> BTreeMap<Address, Address> {
    let mut needed = BTreeMap::new();
    for dependent in held {
        let recorded = context.renamed.recorded(dependent);
        for dependency in recorded.map(recorded_dependencies).unwrap_or_default() {
            needed.entry(dependency).or_insert_with(|| dependent.clone());
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
    mounts: &Mounts<'_>,
    drafts: &Drafts<'_>,
    address: &Address,
    draft: &Draft<'_>,
) -> Option<Held> {
    let mounting = mounts.staying(drafts, deleted_volume(draft)?);
    // A pod that would go with the volume is not what stands in its way.
    let in_the_way: Vec<&LivePod> =
        mounting.iter().copied().filter(|pod| mounts.goes_with_volume(drafts, pod).is_none()).collect();
    let mounting = if in_the_way.is_empty() { mounting } else { in_the_way };
    if let Some(owner) = mounts.owners.get(&mounting.first()?.id).filter(|owner| **owner != address)
        && drafts.get(owner).is_some_and(|draft| draft.held.is_some())
    {
        return Some(Held::DependsOn(Address::clone(owner)));
    }
    let pod = |pod: &&LivePod| format!("`{}` ({})", pod.id, pod.name());
    let named: Vec<String> = mounting.iter().take(NAMED).map(pod).collect();
    let (pods, mount) = if mounting.len() == 1 { ("pod", "mounts") } else { ("pods", "mount") };
    let more = match mounting.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(Held::NotPossible(format!(
        "{pods} {}{more} still {mount} it, and RunPod refuses to delete a network volume in use",
        named.join(", ")
    )))
}

/// How many pods that stand in the way of one volume are named.
const NAMED: usize = 20;

fn deleted_volume<'d>(draft: &'d Draft<'_>) -> Option<&'d VolumeId> {
    draft.steps.iter().find_map(|(_, action)| match &action.operation {
        Operation::DeleteVolume { id } => Some(id),
        Operation::Local
        | Operation::CreateSecret { .. }
        | Operation::SetSecret { .. }
        | Operation::DeleteSecret { .. }
        | Operation::CreateRegistry { .. }
        | Operation::DeleteRegistries { .. }
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::CreatePod(_)
        | Operation::UpdatePod { .. }
        | Operation::StartPod { .. }
        | Operation::StopPod { .. }
        | Operation::DeletePods { .. }
        | Operation::AwaitPod { .. }
        | Operation::AwaitJob { .. } => None,
    })
}

/// A record cannot move to an address that another record does not leave.
fn still_taken(
    context: &Context<'_>,
    drafts: &Drafts<'_>,
    address: &Address,
    draft: &Draft<'_>,
) -> Option<Held> {
    let Prior { objects, unseen, .. } = context.inputs.prior;
    let is_taken = draft.has(Step::Move) && (objects.contains_key(address) || unseen.contains_key(address));
    let to = context.renamed.moves_to(address).filter(|_| is_taken)?;
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
            let by = || (Address::clone(address), *step);
            deleted.extend(ended_by(&action.operation).map(|id| (id.clone(), by())));
        }
    }
    deleted
}

fn ended_pods<'d>(draft: &'d Draft<'_>) -> impl Iterator<Item = &'d PodId> {
    draft.steps.iter().flat_map(|(_, action)| ended_by(&action.operation))
}

/// Returns the pods that an operation terminates.
fn ended_by(operation: &Operation) -> impl Iterator<Item = &PodId> {
    let ids = match operation {
        Operation::DeletePods { ids } => Some(ids),
        Operation::Local
        | Operation::CreateSecret { .. }
        | Operation::SetSecret { .. }
        | Operation::DeleteSecret { .. }
        | Operation::CreateRegistry { .. }
        | Operation::DeleteRegistries { .. }
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::DeleteVolume { .. }
        | Operation::CreatePod(_)
        | Operation::UpdatePod { .. }
        | Operation::StartPod { .. }
        | Operation::StopPod { .. }
        | Operation::AwaitPod { .. }
        | Operation::AwaitJob { .. } => None,
    };
    ids.into_iter().flatten()
}

/// Tells whether the object of an address is deleted or stopped for good by its steps.
pub(super) fn is_taken_away(draft: &Draft<'_>) -> bool {
    let comes_back = draft.has(Step::Create) || draft.has(Step::Start);
    !comes_back && (draft.has(Step::Delete) || draft.has(Step::Stop))
}

/// Returns what a recorded object depends on, the network volume that it mounts included.
pub(super) fn recorded_dependencies(recorded: &Recorded) -> BTreeSet<Address> {
    let pod = recorded.record.object.pod().into_iter();
    pod.flat_map(|pod| pod.depends_on.iter().chain(pod.container.storage.volume())).cloned().collect()
}
