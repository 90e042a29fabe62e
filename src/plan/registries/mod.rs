//! The credentials for container registries that pods pull their images with.
//!
//! RunPod changes none: others take their place, the pods that use them are moved over, and the old ones are deleted once no
//! pod pulls with them, which RunPod refuses before. Over every API a pod names them by an id.

mod managed;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Kind};
use crate::model::desired::{Desired, Wanted};
use crate::model::id::{PodId, RegistryId, RemoteId};
use crate::model::live::{Inventory, LivePod, LiveRegistry, Seen};
use crate::model::plan::{Consequence, Finding, Held, Operation, Reason, RecordAfter, Split, Step};
use crate::model::pod::RunState;
use crate::model::prior::Prior;
use crate::model::registry::Registry;

pub(super) use managed::{draft, known_registry};

use super::draft::{Draft, Planning};
use super::hold::deleted_pods;
use super::moves::Renamed;
use super::ownership::Ownership;
use super::presence::Sighting;
use super::scope::Scope;
use super::secrets::boots;
use super::{Context, Drafts, Inputs, finding};

/// Returns the ids that must be looked for, listed or not; `None` where nobody needs to know of any credentials: the spec
/// names none and none were made.
pub fn sought_registries(desired: &Desired, prior: &Prior) -> Option<BTreeSet<RegistryId>> {
    let mut ids: BTreeSet<RegistryId> = given(desired).map(|(_, id)| id.clone()).collect();
    for recorded in prior.objects.values().filter(|held| held.record.object.registry().is_some()) {
        ids.extend(recorded.ids().filter_map(|id| match id {
            RemoteId::Registry(id) => Some(id),
            RemoteId::Pod(_) | RemoteId::Volume(_) | RemoteId::Secret(_) => None,
        }));
    }
    let is_wanted = desired.wanted.keys().any(|address| address.kind() == Kind::Registry);
    (is_wanted || !ids.is_empty()).then_some(ids)
}

/// Returns the pods that pull with what the spec gives by an id.
fn given(desired: &Desired) -> impl Iterator<Item = (&Address, &RegistryId)> {
    desired.wanted.iter().filter_map(|(address, wanted)| match &wanted.pod()?.container.registry {
        Some(Registry::Given(id)) => Some((address, id)),
        Some(Registry::Made(_)) | None => None,
    })
}

/// Which credentials an address stands for, for the pods that pull with them.
pub(super) struct RegistryIndex<'a> {
    sightings: BTreeMap<Address, Sighting<'a, LiveRegistry>>,
    /// What pods pull with after this plan; nothing where it is yet to be made.
    ids: BTreeMap<Address, RegistryId>,
    /// Addresses whose credentials others take the place of, and why.
    remade: BTreeMap<Address, Reason>,
    /// The addresses of all on record, deposed ones included.
    addresses: BTreeMap<RegistryId, Address>,
}

impl<'a> RegistryIndex<'a> {
    pub(super) fn new(
        inputs: &'a Inputs<'a>,
        renamed: &'a Renamed<'a>,
        ownership: &Ownership<'a>,
        scope: &Scope<'_>,
    ) -> Self {
        let mut index = Self {
            sightings: BTreeMap::new(),
            ids: BTreeMap::new(),
            remade: BTreeMap::new(),
            addresses: BTreeMap::new(),
        };
        let opened = ownership.addresses();
        let known = renamed.objects.keys().chain(inputs.desired.wanted.keys()).chain(&opened);
        let known: BTreeSet<&Address> = known.filter(|address| address.kind() == Kind::Registry).collect();
        for address in known {
            for id in renamed.recorded(address).into_iter().flat_map(|recorded| recorded.ids()) {
                if let RemoteId::Registry(id) = id {
                    index.addresses.insert(id, address.clone());
                }
            }
            let sighting = managed::sighting(inputs, renamed, ownership, address);
            let remade = managed::remade(inputs, address, &sighting).filter(|_| scope.allows(address));
            match (&sighting, remade) {
                (_, Some(reason)) => drop(index.remade.insert(address.clone(), reason)),
                (
                    Sighting::Kept { recorded: _, object }
                    | Sighting::Migrated { recorded: _, object, by: _ }
                    | Sighting::Superseded { recorded: _, object: _, successor: object, asked: _ }
                    | Sighting::Journal { object, asked: _ }
                    | Sighting::Named { object },
                    None,
                ) => drop(index.ids.insert(address.clone(), object.id.clone())),
                // What could not be looked at is taken to be as recorded.
                (Sighting::Hidden(_), None) => {
                    let id = renamed.recorded(address).map(|recorded| &recorded.id);
                    if let Some(RemoteId::Registry(id)) = id {
                        index.ids.insert(address.clone(), id.clone());
                    }
                }
                (Sighting::Gone { recorded: _ } | Sighting::Never, None) => {}
            }
            index.sightings.insert(address.clone(), sighting);
        }
        index
    }

    /// Returns what is known of the credentials of an address.
    pub(super) fn sighting(&self, address: &Address) -> Option<&Sighting<'a, LiveRegistry>> {
        self.sightings.get(address)
    }

    /// Returns why others take the place of those of an address, where that is to be.
    pub(super) fn remade(&self, address: &Address) -> Option<Reason> {
        self.remade.get(address).cloned()
    }

    /// Returns the address that has credentials on record.
    pub(super) fn address_of(&self, id: &RegistryId) -> Option<&Address> {
        self.addresses.get(id)
    }

    /// Tells whether a pod that pulls so does as it is wanted to after this plan.
    pub(super) fn is_wanted(&self, wanted: &Option<Registry>, live: &Option<RegistryId>) -> bool {
        self.names(wanted, live, |address, id| self.ids.get(address) == Some(id))
    }

    /// Tells whether a pod pulls as it was recorded to, be it with what another one took the place of since.
    pub(super) fn is_recorded(&self, recorded: &Option<Registry>, live: &Option<RegistryId>) -> bool {
        self.names(recorded, live, |address, id| self.addresses.get(id) == Some(address))
    }

    fn names(
        &self,
        named: &Option<Registry>,
        live: &Option<RegistryId>,
        has: impl FnOnce(&Address, &RegistryId) -> bool,
    ) -> bool {
        match (named, live) {
            (None, None) => true,
            (Some(Registry::Given(id)), Some(live)) => id == live,
            (Some(Registry::Made(address)), Some(live)) => has(address, live),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// Returns what a pod pulls with in the words of a record.
    pub(super) fn seen(&self, wanted: &Option<Registry>, live: &Option<RegistryId>) -> Option<Registry> {
        if self.is_wanted(wanted, live) {
            return wanted.clone();
        }
        live.as_ref().map(|id| match self.addresses.get(id) {
            Some(address) => Registry::Made(address.clone()),
            None => Registry::Given(id.clone()),
        })
    }

    /// Tells whether what a pod is wanted to pull with is yet to be made.
    pub(super) fn is_to_be_made(&self, wanted: &Option<Registry>) -> bool {
        wanted.as_ref().and_then(Registry::made).is_some_and(|address| !self.ids.contains_key(address))
    }
}

/// Holds every pod that would pull with credentials which the spec gives by an id that RunPod does not know, and says so of
/// those that go on running. Returns what is to be said once, where it is not known which there are.
pub(super) fn hold_without(context: &Context<'_>, drafts: &mut Drafts<'_>) -> Option<Finding> {
    let mut given = given(context.inputs.desired).peekable();
    given.peek()?;
    let known: BTreeSet<&RegistryId> = match &context.inputs.live.registries {
        Inventory::NotAsked => return None,
        Inventory::Listed { found, odd } if odd.is_empty() => {
            found.iter().map(|registry| &registry.id).collect()
        }
        Inventory::Listed { found: _, odd } => return Some(finding::registries_not_checked(&odd.join(", "))),
        Inventory::NotTold => return None,
        Inventory::Unread(why) => return Some(finding::registries_not_checked(why)),
    };
    for (address, id) in given.filter(|(_, id)| !known.contains(id)) {
        let Some(draft) = drafts.get_mut(address).filter(|draft| draft.held.is_none()) else { continue };
        let is_up =
            context.wanted(address).and_then(Wanted::pod).is_some_and(|pod| pod.run == RunState::Running);
        if boots(draft) {
            let why = format!(
                "`registry` gives RunPod's credentials `{id}`, which do not exist: its image could not be pulled"
            );
            draft.hold(Held::NotPossible(why));
        } else if is_up {
            draft.findings.push(finding::no_registry(address, id));
        }
    }
    None
}

/// Deletes credentials that others took the place of, as far as no pod pulls with them after this plan, and holds the end
/// of those that a pod goes on with: RunPod refuses it, and the pod would not be pulled again.
pub(super) fn end_unused(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    if !drafts.keys().any(|address| address.kind() == Kind::Registry) {
        return;
    }
    let users = Users::new(context, drafts);
    for (address, draft) in drafts.iter_mut().filter(|(address, _)| address.kind() == Kind::Registry) {
        let ended = draft.steps.iter().flat_map(|(_, action)| ended_by(&action.operation));
        let staying: Vec<&LivePod> = ended.flat_map(|id| users.staying(id)).collect();
        if !staying.is_empty() {
            draft.hold(Held::NotPossible(in_use(&staying)));
            continue;
        }
        let (free, used): (BTreeSet<RegistryId>, BTreeSet<RegistryId>) =
            std::mem::take(&mut draft.deposed).into_iter().partition(|id| users.staying(id).next().is_none());
        for id in used {
            let pods: Vec<&LivePod> = users.staying(&id).collect();
            draft.findings.push(finding::registry_in_use(address, &id, &in_use(&pods)));
        }
        end_left_over(draft, free);
    }
}

/// Deletes what others took the place of.
fn end_left_over(draft: &mut Draft<'_>, ids: BTreeSet<RegistryId>) {
    if !ids.is_empty() {
        draft.push(end_of(Step::DeleteDeposed, ids, Reason::Deposed));
    }
}

/// Returns the step that deletes these.
fn end_of(step: Step, ids: BTreeSet<RegistryId>, reason: Reason) -> Planning {
    let record = match step {
        Step::Delete => RecordAfter::Remove { tombstone: true },
        // What is deleted leaves the record by itself.
        _ => RecordAfter::Deposed(BTreeSet::new()),
    };
    Planning {
        step,
        operation: Operation::DeleteRegistries { ids },
        reason,
        changes: Vec::new(),
        consequences: vec![Consequence::TemplatesLoseIt],
        after: Split::default(),
        record,
    }
}

fn in_use(pods: &[&LivePod]) -> String {
    const NAMED: usize = 20;
    let named = pods.iter().take(NAMED).map(|pod| format!("`{}` ({})", pod.id, pod.name()));
    let named = named.collect::<Vec<_>>().join(", ");
    let (noun, verb) = if pods.len() == 1 { ("pod", "pulls") } else { ("pods", "pull") };
    let more = match pods.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{noun} {named}{more} still {verb} with it, and RunPod deletes no credentials in use")
}

/// Returns the credentials that an operation deletes.
pub(super) fn ended_by(operation: &Operation) -> impl Iterator<Item = &RegistryId> {
    let ids = match operation {
        Operation::DeleteRegistries { ids } => Some(ids),
        Operation::Local
        | Operation::CreateSecret { .. }
        | Operation::SetSecret { .. }
        | Operation::DeleteSecret { .. }
        | Operation::CreateRegistry { .. }
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::DeleteVolume { .. }
        | Operation::CreatePod(_)
        | Operation::UpdatePod { .. }
        | Operation::StartPod { .. }
        | Operation::StopPod { .. }
        | Operation::DeletePods { .. }
        | Operation::AwaitPod { .. }
        | Operation::AwaitJob { .. } => None,
    };
    ids.into_iter().flatten()
}

/// Which pods pull with which credentials, and what takes them away from these.
pub(super) struct Users<'c> {
    pods: BTreeMap<&'c RegistryId, Vec<&'c LivePod>>,
    leaving: BTreeMap<PodId, (Address, Step)>,
}

impl<'c> Users<'c> {
    pub(super) fn new(context: &Context<'c>, drafts: &Drafts<'_>) -> Self {
        let mut pods: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for pod in context.inputs.live.pods.values().filter_map(Seen::found) {
            if let Some(Some(id)) = &pod.settings.registry {
                pods.entry(id).or_default().push(pod);
            }
        }
        let mut leaving = deleted_pods(drafts);
        for (address, draft) in drafts {
            for (step, action) in &draft.steps {
                if let Operation::UpdatePod { id, patch, disruption: _ } = &action.operation
                    && patch.registry.is_some()
                {
                    leaving.insert(id.clone(), (Address::clone(address), *step));
                }
            }
        }
        Self { pods, leaving }
    }

    /// Returns the pods that go on pulling with credentials.
    fn staying<'s>(&'s self, id: &RegistryId) -> impl Iterator<Item = &'c LivePod> + use<'s, 'c> {
        let pods = self.pods.get(id).into_iter().flatten().copied();
        pods.filter(|pod| !self.leaving.contains_key(&pod.id))
    }

    /// Returns what takes pods away from credentials.
    pub(super) fn leaving(&self, id: &RegistryId) -> impl Iterator<Item = &(Address, Step)> {
        self.pods.get(id).into_iter().flatten().filter_map(|pod| self.leaving.get(&pod.id))
    }
}

/// Returns the address of the credentials that a step of a pod sends the id of.
pub(super) fn sent_by(operation: &Operation) -> Option<&Address> {
    let created = operation.creation().map(|creation| &creation.container.registry);
    created.or_else(|| operation.patch()?.registry.as_ref())?.as_ref()?.made()
}
