//! Plans credentials for one container registry that podform stores in RunPod.
//!
//! Their name is the mark, unique in the account and for good. Without ours they are never deleted. What they hold is never
//! read back and nothing derived from it is kept, so that others take their place only where that is asked for or where the
//! spec names another user or secret than was sent.

use std::collections::BTreeSet;

use crate::model::address::{Address, Kind};
use crate::model::desired::{Lifecycle, OnRemove, Wanted};
use crate::model::id::{RegistryId, RemoteId};
use crate::model::live::{Inventory, LiveRegistry};
use crate::model::marker::{RegistryMark, Token};
use crate::model::plan::{DriftKind, FieldChange, Held, Operation, Reason, RecordAfter, Split, Step};
use crate::model::pod::{EnvValue, RunState};
use crate::model::prior::{KnownToken, Prior, Record, Recorded, RecordedObject, RecordedRegistry};
use crate::model::registry::Credentials;
use crate::model::secret::SecretName;
use crate::plan::draft::{Draft, Planning};
use crate::plan::moves::Renamed;
use crate::plan::ownership::Ownership;
use crate::plan::presence::{Case, Known, Sighting, case};
use crate::plan::{Context, Inputs, finding, shown};

use super::{end_left_over, end_of};

/// Plans the address of credentials.
pub(in crate::plan) fn draft<'a>(
    context: &Context<'a>,
    address: &'a Address,
    wanted: Option<&'a Credentials>,
) -> Draft<'a> {
    let mut planner = Planner { context, address, draft: Draft::default() };
    if let Some(from) = context.renamed.moves.get(address) {
        planner.draft.local(Step::Move, Reason::Renamed, Vec::new(), RecordAfter::MovedFrom(from.clone()));
    }
    let sighting = context.registries.sighting(address).cloned().unwrap_or(Sighting::Never);
    match (case(wanted.map(|_| RunState::Running), sighting), wanted) {
        (Case::Hold(held), _) => planner.draft.hold(held),
        (Case::Create, Some(wanted)) => planner.create(wanted, Reason::New, Vec::new(), BTreeSet::new()),
        (Case::CreateAgain { recorded }, Some(wanted)) => planner.create_again(wanted, recorded),
        (Case::Compare { recorded, object }, Some(wanted)) => planner.keep(wanted, recorded, object),
        (Case::Adopt { object, known, deposed: _ }, Some(wanted)) => planner.adopt(wanted, object, known),
        (Case::Remove { recorded, object, by: _, successor: None }, _) => planner.remove(recorded, object),
        (Case::Remove { recorded: _, object: _, by: _, successor: Some(object) }, _) => {
            planner.remove_found(object);
        }
        (Case::RemoveOrphan { object, asked: _ }, _) => planner.remove_found(object),
        (Case::Forget { recorded }, _) => planner.forget(recorded),
        (
            Case::Nothing
            | Case::NotYet
            | Case::Create
            | Case::CreateAgain { .. }
            | Case::Compare { .. }
            | Case::Adopt { .. },
            _,
        ) => {}
    }
    planner.draft
}

/// Returns what is known of the credentials of an address.
pub(super) fn sighting<'a>(
    inputs: &'a Inputs<'a>,
    renamed: &'a Renamed<'a>,
    ownership: &Ownership<'a>,
    address: &Address,
) -> Sighting<'a, LiveRegistry> {
    let live = inputs.live;
    let (found, odd) = match &live.registries {
        Inventory::Listed { found, odd } => (found, odd),
        Inventory::Unread(why) => return Sighting::Hidden(Held::Unreadable(why.clone())),
        Inventory::NotAsked | Inventory::NotTold => {
            return Sighting::Hidden(Held::Unreadable("registries were not listed".to_owned()));
        }
    };
    let unread =
        || Sighting::Hidden(Held::Unreadable(format!("it may be what cannot be read: {}", odd.join(", "))));
    let carriers = carriers(inputs, renamed, found, address);
    if let Some(recorded) = ownership.recorded(address) {
        // What an unfinished run made in the place of what is on record is not made a second time.
        let successor = only_successor(recorded, &carriers);
        if successor.is_none()
            && let Some(held) = ownership.unsettled_intent(address, Some(recorded))
        {
            return Sighting::Hidden(held);
        }
        let is_it = |registry: &&LiveRegistry| RemoteId::Registry(registry.id.clone()) == recorded.id;
        return match (found.iter().find(is_it), live.not_yet_gone(recorded.server_time)) {
            (Some(object), _) => match successor {
                Some((successor, asked)) => Sighting::Superseded { recorded, object, successor, asked },
                None => Sighting::Kept { recorded, object },
            },
            (None, _) if !odd.is_empty() => unread(),
            (None, Some(why)) => Sighting::Hidden(Held::Unreadable(why.to_string())),
            (None, None) => match successor {
                Some((object, asked)) => Sighting::Journal { object, asked },
                None => Sighting::Gone { recorded },
            },
        };
    }
    match carriers.as_slice() {
        [] if !odd.is_empty() => unread(),
        [] => match ownership.unsettled_intent(address, None) {
            Some(held) => Sighting::Hidden(held),
            None => Sighting::Never,
        },
        [(object, Some(known))] => Sighting::Journal { object, asked: &known.asked.record },
        // A rebuild says itself where it takes it to.
        [(object, None)] if inputs.options.taking_over => Sighting::Named { object },
        several if several.iter().any(|(_, known)| known.is_none()) => {
            let ids = several.iter().map(|(object, _)| RemoteId::Registry(object.id.clone()));
            Sighting::Hidden(Held::Marked { ids: ids.collect() })
        }
        several => {
            let ids: Vec<String> = several.iter().map(|(object, _)| format!("`{}`", object.id)).collect();
            let why = format!("several registries carry its mark: {}", ids.join(", "));
            Sighting::Hidden(Held::NotPossible(why))
        }
    }
}

/// Returns what carries the mark of an address that has no record, with what the journal knows of it. What was given up is
/// nobody's.
fn carriers<'a>(
    inputs: &Inputs<'a>,
    renamed: &Renamed<'_>,
    found: &'a [LiveRegistry],
    address: &Address,
) -> Vec<(&'a LiveRegistry, Option<&'a KnownToken>)> {
    let Inputs { desired, prior, .. } = *inputs;
    let managed = prior.remote_ids();
    let free = found.iter().filter(|registry| !managed.contains(&RemoteId::Registry(registry.id.clone())));
    free.filter_map(|registry| {
        let mark = registry.mark().filter(|mark| mark.project == desired.project)?;
        let known = known_registry(prior, &mark);
        let asked_at = known.map_or_else(|| mark.address(), |known| known.address.clone());
        let is_here = renamed.address_now(&asked_at) == *address;
        (is_here && !known.is_some_and(|known| known.tombstone)).then_some((registry, known))
    })
    .collect()
}

/// Returns the one that a request of ours was to make in the place of what is on record, and what it was to record.
fn only_successor<'a>(
    recorded: &Recorded,
    carriers: &[(&'a LiveRegistry, Option<&'a KnownToken>)],
) -> Option<(&'a LiveRegistry, &'a Record)> {
    let mut successors = carriers.iter().filter_map(|(object, known)| {
        let asked = known.map(|known| known.asked.record.as_ref())?;
        asked.deposed_ids().any(|id| id == recorded.id).then_some((*object, asked))
    });
    successors.next().filter(|_| successors.next().is_none())
}

/// Returns what the journal knows of the token in a name.
pub(in crate::plan) fn known_registry<'a>(prior: &'a Prior, mark: &RegistryMark) -> Option<&'a KnownToken> {
    // Tokens are sorted by their digits, so those that begin alike stand together.
    let from = prior.tokens.range(mark.token.clone()..);
    let mut alike = from.take_while(|(token, _)| token.short() == mark.token.short());
    alike.find(|(_, known)| known.address.kind() == Kind::Registry).map(|(_, known)| known)
}

/// Tells why others are to take the place of what is there.
pub(super) fn remade(
    inputs: &Inputs<'_>,
    address: &Address,
    sighting: &Sighting<'_, LiveRegistry>,
) -> Option<Reason> {
    let Inputs { desired, options, .. } = *inputs;
    let wanted = desired.wanted.get(address).and_then(Wanted::registry).filter(|_| !options.destroy)?;
    let record = match sighting {
        Sighting::Kept { recorded, object } if is_ours(inputs, recorded, object) => Some(&recorded.record),
        Sighting::Journal { object: _, asked } => Some(*asked),
        Sighting::Named { object: _ } => None,
        Sighting::Kept { .. }
        | Sighting::Migrated { .. }
        | Sighting::Superseded { .. }
        | Sighting::Gone { .. }
        | Sighting::Never
        | Sighting::Hidden(_) => return None,
    };
    let sent = record.and_then(|record| record.object.registry()?.sent.as_ref());
    if options.rotates(address) {
        Some(Reason::RotateRequested)
    } else {
        sent.is_some_and(|sent| sent != wanted).then_some(Reason::Changed)
    }
}

/// Tells whether credentials carry the mark with which they were made for a record.
fn is_ours(inputs: &Inputs<'_>, recorded: &Recorded, live: &LiveRegistry) -> bool {
    live.mark().is_some_and(|mark| {
        let token = recorded.record.token.as_ref();
        mark.project == inputs.desired.project
            && token.is_some_and(|token| token.short() == mark.token.short())
    })
}

struct Planner<'c, 'a> {
    context: &'c Context<'a>,
    address: &'a Address,
    draft: Draft<'a>,
}

impl<'a> Planner<'_, 'a> {
    /// RunPod takes nothing empty. What could not be read is asked for when it is sent.
    fn holds_for_its_values(&mut self, wanted: &Credentials) -> bool {
        let username = match &wanted.username {
            EnvValue::Plain(_) => None,
            EnvValue::Secret(name) => Some((name, "username")),
        };
        let is_empty = |(name, _): &(&SecretName, &str)| {
            self.context.inputs.secrets.get(name).is_some_and(|value| value.expose().is_empty())
        };
        let empty = username.into_iter().chain([(&wanted.password, "password")]).find(is_empty);
        let Some((name, what)) = empty else { return false };
        let why =
            format!("its {what}, the value of secret `{name}`, is empty, and RunPod takes none that is");
        self.draft.hold(Held::NotPossible(why));
        true
    }

    fn create(
        &mut self,
        wanted: &Credentials,
        reason: Reason,
        changes: Vec<FieldChange>,
        deposed: BTreeSet<RegistryId>,
    ) {
        if self.holds_for_its_values(wanted) {
            return;
        }
        let inputs = self.context.inputs;
        let token = Token::derive(&inputs.prior.lineage, inputs.nonce, self.address, 0);
        let mark = RegistryMark {
            project: inputs.desired.project.clone(),
            key: self.address.key().clone(),
            token: token.clone(),
        };
        let name = mark.to_string();
        let object = RecordedRegistry { name: name.clone(), sent: Some(wanted.clone()), deposed };
        let record = Record::new(Some(token.clone()), Lifecycle::default(), RecordedObject::Registry(object));
        let changes = if changes.is_empty() { shown::registry_creation(wanted) } else { changes };
        self.draft.push(Planning {
            step: Step::Create,
            operation: Operation::CreateRegistry { name, credentials: wanted.clone(), token },
            reason,
            changes,
            consequences: Vec::new(),
            after: Split::default(),
            record: RecordAfter::put(None, record),
        });
    }

    fn create_again(&mut self, wanted: &Credentials, recorded: &Recorded) {
        self.draft.drift.push(DriftKind::Vanished);
        let deposed = self.left_over(recorded);
        self.draft.deposed.clone_from(&deposed);
        self.create(wanted, Reason::Vanished, Vec::new(), deposed);
    }

    fn keep(&mut self, wanted: &Credentials, recorded: &Recorded, live: &LiveRegistry) {
        let is_asked = self.context.inputs.options.rotates(self.address);
        if !is_ours(self.context.inputs, recorded, live) {
            self.draft.findings.push(finding::registry_mark_gone(self.address, &live.name));
            if is_asked {
                let why = "its name is not podform's mark, so that nothing takes its place";
                return self.draft.hold(Held::NotPossible(why.to_owned()));
            }
        }
        self.remark_on_others();
        let deposed = self.left_over(recorded);
        match self.context.registries.remade(self.address) {
            Some(reason) => {
                self.replace(wanted, (&live.id, recorded.record.object.registry()), deposed, reason)
            }
            None => {
                self.forget_absent(recorded, &deposed);
                self.draft.deposed = deposed;
            }
        }
    }

    /// Makes others that take the place of what is there, which RunPod deletes once no pod pulls with it.
    fn replace(
        &mut self,
        wanted: &Credentials,
        (old, before): (&RegistryId, Option<&RecordedRegistry>),
        mut deposed: BTreeSet<RegistryId>,
        reason: Reason,
    ) {
        deposed.insert(old.clone());
        let sent = before.and_then(|before| before.sent.as_ref());
        let changes = sent.map(|sent| shown::registry_differences(sent, wanted)).unwrap_or_default();
        self.draft.deposed.clone_from(&deposed);
        self.create(wanted, reason, changes, deposed);
    }

    fn adopt(&mut self, wanted: &Credentials, live: &LiveRegistry, known: Known<'_>) {
        let (token, before) = match known {
            Known::Asked(asked) => (asked.token.clone(), asked.object.registry()),
            Known::Migrated(recorded, _) => {
                (recorded.record.token.clone(), recorded.record.object.registry())
            }
            Known::Nothing => (live.mark().map(|mark| mark.token), None),
        };
        // What a rebuild found may have been sent with anything.
        let sent = before.and_then(|before| before.sent.clone());
        let deposed = self.not_gone(before.into_iter().flat_map(|before| &before.deposed));
        let object = RecordedRegistry { name: live.name.clone(), sent, deposed: deposed.clone() };
        let record = Record::new(token, Lifecycle::default(), RecordedObject::Registry(object));
        let id = Some(RemoteId::Registry(live.id.clone()));
        self.draft.local(Step::Adopt, known.reason(), Vec::new(), RecordAfter::put(id, record));
        self.draft.deposed.clone_from(&deposed);
        if let Some(reason) = self.context.registries.remade(self.address) {
            self.replace(wanted, (&live.id, before), deposed, reason);
        }
    }

    /// Returns what others took the place of and is not certainly gone.
    fn left_over(&self, recorded: &Recorded) -> BTreeSet<RegistryId> {
        self.not_gone(recorded.record.object.registry().into_iter().flat_map(|registry| &registry.deposed))
    }

    /// Leaves out what does not carry this project's mark as well: only what did is ever replaced, whatever the record says.
    fn not_gone<'i>(&self, deposed: impl Iterator<Item = &'i RegistryId>) -> BTreeSet<RegistryId> {
        let Inputs { live, desired, .. } = *self.context.inputs;
        let is_left = |id: &&RegistryId| match live.registries.found().iter().find(|other| other.id == **id) {
            Some(other) => other.mark().is_some_and(|mark| mark.project == desired.project),
            None => !live.registries.is_whole(),
        };
        deposed.filter(is_left).cloned().collect()
    }

    /// Drops from the record what others took the place of and is gone.
    fn forget_absent(&mut self, recorded: &Recorded, left: &BTreeSet<RegistryId>) {
        let RecordedObject::Registry(registry) = &recorded.record.object else { return };
        if registry.deposed == *left {
            return;
        }
        let object = RecordedRegistry { deposed: left.clone(), ..registry.clone() };
        let record = Record { object: RecordedObject::Registry(object), ..recorded.record.clone() };
        let record = RecordAfter::put(Some(recorded.id.clone()), record);
        self.draft.local(Step::Record, Reason::Vanished, Vec::new(), record);
    }

    /// Says which others carry a mark of the address: one that a late request made, or a person did by hand.
    fn remark_on_others(&mut self) {
        let found = self.context.inputs.live.registries.found();
        for (other, _) in carriers(self.context.inputs, self.context.renamed, found, self.address) {
            self.draft.findings.push(finding::second_registry(self.address, other));
        }
    }

    /// Credentials that leave the spec are deleted: RunPod refuses that as long as a pod pulls with them.
    fn remove(&mut self, recorded: &Recorded, live: &LiveRegistry) {
        let Inputs { desired, options, .. } = *self.context.inputs;
        let is_to_go = options.destroy || desired.removal(self.address) != Some(OnRemove::Forget);
        let reason = || if options.destroy { Reason::Destroyed } else { Reason::Removed };
        if !is_to_go || !is_ours(self.context.inputs, recorded, live) {
            self.draft.findings.push(if is_to_go {
                finding::registry_mark_gone(self.address, &live.name)
            } else {
                finding::registry_stays(self.address, &live.name)
            });
            let record = RecordAfter::Remove { tombstone: true };
            return self.draft.local(Step::Forget, reason(), Vec::new(), record);
        }
        let deposed = self.left_over(recorded);
        end_left_over(&mut self.draft, deposed);
        self.draft.push(end_of(Step::Delete, [live.id.clone()].into(), reason()));
    }

    /// Takes over what an unfinished run made and nobody wants any more, and ends it with what it took the place of.
    fn remove_found(&mut self, object: &LiveRegistry) {
        let Some(Sighting::Superseded { successor: _, asked, .. } | Sighting::Journal { object: _, asked }) =
            self.context.registries.sighting(self.address)
        else {
            return;
        };
        let Inputs { desired, options, .. } = *self.context.inputs;
        let deposed = self.not_gone(asked.object.registry().into_iter().flat_map(|asked| &asked.deposed));
        let registry = RecordedRegistry {
            name: object.name.clone(),
            sent: asked.object.registry().and_then(|asked| asked.sent.clone()),
            deposed: deposed.clone(),
        };
        let record = Record { object: RecordedObject::Registry(registry), ..Record::clone(asked) };
        let id = RemoteId::Registry(object.id.clone());
        let record = RecordAfter::put(Some(id), record);
        self.draft.local(Step::Adopt, Reason::FoundInJournal, Vec::new(), record);
        if !options.destroy && desired.removal(self.address) == Some(OnRemove::Forget) {
            return;
        }
        end_left_over(&mut self.draft, deposed);
        let reason = if options.destroy { Reason::Destroyed } else { Reason::Removed };
        self.draft.push(end_of(Step::Delete, [object.id.clone()].into(), reason));
    }

    /// Drops the record of what is gone, once nothing is left over of it.
    fn forget(&mut self, recorded: &Recorded) {
        self.draft.drift.push(DriftKind::Vanished);
        let deposed = self.left_over(recorded);
        end_left_over(&mut self.draft, deposed);
        let record = RecordAfter::Remove { tombstone: false };
        self.draft.local(Step::Forget, Reason::Vanished, Vec::new(), record);
    }
}
