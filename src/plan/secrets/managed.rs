//! Plans one secret of the account that podform makes.
//!
//! Its name is unique in the account, so that a second one cannot be made by mistake; its description is the mark. Without
//! ours a secret is never changed or deleted. What it holds is never read back: whether the value is still the one that was
//! sent is seen by when it was last set, and it is sent again only where that is asked for.

use crate::model::address::Address;
use crate::model::desired::{Lifecycle, OnRemove, Wanted, WantedSecret};
use crate::model::id::RemoteId;
use crate::model::live::{Inventory, LiveSecret};
use crate::model::marker::{SecretMark, Token};
use crate::model::plan::{
    Consequence, DriftKind, FieldDrift, Held, Operation, Reason, RecordAfter, Several, Split, Step,
};
use crate::model::pod::RunState;
use crate::model::prior::{Record, Recorded, RecordedObject, RecordedSecret};
use crate::model::secret::SecretName;
use crate::model::settings::Field;
use crate::model::value::Value;

use super::references;
use crate::plan::draft::{Draft, Planning};
use crate::plan::presence::{Case, Known, Sighting, case};
use crate::plan::{Context, Inputs, finding, shown};

/// Plans the address of a secret.
pub(in crate::plan) fn draft<'a>(
    context: &Context<'a>,
    address: &'a Address,
    wanted: Option<&'a WantedSecret>,
) -> Draft<'a> {
    let mut planner = Planner { context, address, draft: Draft::default() };
    if let Some(from) = context.renamed.moves.get(address) {
        planner.draft.local(Step::Move, Reason::Renamed, Vec::new(), RecordAfter::MovedFrom(from.clone()));
    }
    match (case(wanted.map(|_| RunState::Running), sighting(context, address)), wanted) {
        (Case::Hold(held), Some(wanted)) if planner.is_unseen_and_unasked(wanted) => {
            planner.draft.unusable = Some(held);
        }
        (Case::Hold(held), _) => planner.draft.hold(held),
        (Case::Create, Some(wanted)) => planner.create(wanted, Reason::New),
        (Case::CreateAgain { recorded: _ }, Some(wanted)) => {
            planner.draft.drift.push(DriftKind::Vanished);
            planner.create(wanted, Reason::Vanished);
        }
        (Case::Compare { recorded, object }, Some(wanted)) => planner.keep(wanted, recorded, object),
        (Case::Adopt { object, known, deposed: _ }, Some(wanted)) => planner.adopt(wanted, object, known),
        (Case::Remove { recorded, object, by: _, successor: _ }, _) => planner.remove(recorded, object),
        (Case::Forget { recorded: _ }, _) => {
            planner.draft.drift.push(DriftKind::Vanished);
            planner.forget(Reason::Vanished);
        }
        (
            Case::Nothing
            | Case::NotYet
            | Case::RemoveOrphan { .. }
            | Case::Create
            | Case::CreateAgain { .. }
            | Case::Compare { .. }
            | Case::Adopt { .. },
            _,
        ) => {}
    }
    planner.draft
}

/// Returns what is known of the secret of an address.
pub(in crate::plan) fn sighting<'a>(context: &Context<'a>, address: &Address) -> Sighting<'a, LiveSecret> {
    let seen = seen(context, address);
    if !context.inputs.options.destroy || context.recorded(address).is_some() {
        return seen;
    }
    match seen {
        Sighting::Journal { .. } | Sighting::Hidden(Held::Marked { .. }) => seen,
        // What others made is in the way of a create alone, and none follows.
        Sighting::Kept { .. }
        | Sighting::Migrated { .. }
        | Sighting::Superseded { .. }
        | Sighting::Gone { .. }
        | Sighting::Named { .. }
        | Sighting::Never
        | Sighting::Hidden(_) => {
            context.ownership.unsettled_intent(address, None).map_or(Sighting::Never, Sighting::Hidden)
        }
    }
}

fn seen<'a>(context: &Context<'a>, address: &Address) -> Sighting<'a, LiveSecret> {
    let Inputs { live, api, .. } = *context.inputs;
    let (found, odd) = match &live.secrets {
        Inventory::Listed { found, odd } => (found, odd),
        Inventory::Unread(why) => return Sighting::Hidden(Held::Unreadable(why.clone())),
        Inventory::NotAsked => {
            return Sighting::Hidden(Held::Unreadable("secrets were not listed".to_owned()));
        }
        Inventory::NotTold => {
            let why = format!("`api: {}` has no secrets of the account, which REST v2 has", api.word());
            return Sighting::Hidden(Held::NotPossible(why));
        }
    };
    let unread =
        || Sighting::Hidden(Held::Unreadable(format!("it may be what cannot be read: {}", odd.join(", "))));
    if let Some(recorded) = context.recorded(address) {
        let is_it = |secret: &&LiveSecret| RemoteId::Secret(secret.id.clone()) == recorded.id;
        return match (found.iter().find(is_it), live.not_yet_gone(recorded.server_time)) {
            (Some(object), _) => Sighting::Kept { recorded, object },
            (None, _) if !odd.is_empty() => unread(),
            (None, Some(why)) => Sighting::Hidden(Held::Unreadable(why.to_string())),
            (None, None) => {
                in_its_place(context, address, found, Some(recorded)).unwrap_or(Sighting::Gone { recorded })
            }
        };
    }
    match in_its_place(context, address, found, None) {
        Some(sighting) => sighting,
        None if !odd.is_empty() && context.inputs.desired.wanted.contains_key(address) => unread(),
        None => Sighting::Never,
    }
}

/// Returns what has the name that a secret is to be made with, or may have it once a listing has caught up.
fn in_its_place<'a>(
    context: &Context<'a>,
    address: &Address,
    found: &'a [LiveSecret],
    recorded: Option<&Recorded>,
) -> Option<Sighting<'a, LiveSecret>> {
    let wanted = context.inputs.desired.wanted.get(address).and_then(Wanted::secret)?;
    if recorded.is_some() && context.inputs.options.destroy {
        return None;
    }
    match found.iter().find(|secret| secret.name.eq_ignore_ascii_case(&wanted.name)) {
        Some(object) => Some(taken(context, address, object)),
        None => context.ownership.unsettled_intent(address, recorded).map(Sighting::Hidden),
    }
}

/// Judges whose a secret is that has the name of one which is not recorded, or is gone.
fn taken<'a>(context: &Context<'a>, address: &Address, object: &'a LiveSecret) -> Sighting<'a, LiveSecret> {
    let Inputs { desired, prior, options, .. } = *context.inputs;
    let (name, id) = (&object.name, RemoteId::Secret(object.id.clone()));
    if let Some((holder, _)) = context.renamed.objects.iter().find(|(_, recorded)| recorded.id == id) {
        let why = format!(
            "RunPod's secret `{name}` is `{holder}`; `moved: [{{ from: {holder}, to: {address} }}]` gives that another key"
        );
        return Sighting::Hidden(Held::NotPossible(why));
    }
    let foreign = || {
        Held::NotPossible(format!(
            "RunPod has a secret `{name}` that podform did not make, and does not change; without `from:` its value is \
             used as it is, and another name after `runpod:` makes another one"
        ))
    };
    Sighting::Hidden(match object.mark() {
        // A create makes one secret and its id is for good, so under another id the mark is a copy.
        Some(mark) if is_recorded(context, &mark.token) => foreign(),
        Some(mark) if mark.project == desired.project => match prior.tokens.get(&mark.token) {
            // Made by us, be it under another key, and forgotten with its key or never recorded.
            Some(known) if !known.tombstone => {
                return Sighting::Journal { object, asked: &known.asked.record };
            }
            Some(_) => Held::NotPossible(format!(
                "RunPod has a secret `{name}` that this state gave up; without `from:` its value is used as it is, and \
                 once it is deleted there it is made again"
            )),
            // A rebuild says itself where it takes it to.
            None if options.taking_over => return Sighting::Named { object },
            None => Held::Marked { ids: [id].into() },
        },
        Some(mark) => Held::NotPossible(format!(
            "RunPod has a secret `{name}` that project `{}` made; without `from:` its value is used as it is",
            mark.project
        )),
        None => foreign(),
    })
}

/// Tells whether a token is that of an object on record.
fn is_recorded(context: &Context<'_>, token: &Token) -> bool {
    context.renamed.objects.values().any(|recorded| recorded.record.token.as_ref() == Some(token))
}

/// Tells whether a secret carries the mark with which it was made for a record.
fn is_ours(inputs: &Inputs<'_>, recorded: &Recorded, secret: &LiveSecret) -> bool {
    secret.mark().is_some_and(|mark| {
        mark.project == inputs.desired.project && recorded.record.token.as_ref() == Some(&mark.token)
    })
}

struct Planner<'c, 'a> {
    context: &'c Context<'a>,
    address: &'a Address,
    draft: Draft<'a>,
}

impl<'a> Planner<'_, 'a> {
    fn value(&self) -> SecretName {
        SecretName::Declared(self.address.key().to_string())
    }

    /// Tells whether a secret on record is not seen for want of a whole listing, and nothing but its being there is wanted.
    /// That matters to the pods that boot alone, and which listing it was is said once.
    fn is_unseen_and_unasked(&self, wanted: &WantedSecret) -> bool {
        let Inputs { live, options, .. } = *self.context.inputs;
        let is_unseen = match &live.secrets {
            Inventory::Unread(_) => true,
            Inventory::Listed { found: _, odd } => !odd.is_empty(),
            Inventory::NotAsked | Inventory::NotTold => false,
        };
        let record = self.context.recorded(self.address).and_then(|recorded| recorded.record.object.secret());
        let is_same = record.is_some_and(|record| record.name.eq_ignore_ascii_case(&wanted.name));
        is_unseen && is_same && !options.rotates(self.address)
    }

    /// RunPod takes no empty value. One that could not be read is asked for when it is sent.
    fn holds_for_its_value(&mut self) -> bool {
        let value = self.context.inputs.secrets.get(&self.value());
        let is_empty = value.is_some_and(|value| value.expose().is_empty());
        if is_empty {
            let why = "its value is empty, and RunPod takes none that is";
            self.draft.hold(Held::NotPossible(why.to_owned()));
        }
        is_empty
    }

    fn create(&mut self, wanted: &WantedSecret, reason: Reason) {
        if self.holds_for_its_value() {
            return;
        }
        let inputs = self.context.inputs;
        let token = Token::derive(&inputs.prior.lineage, inputs.nonce, self.address, 0);
        let mark = SecretMark {
            project: inputs.desired.project.clone(),
            key: self.address.key().clone(),
            token: token.clone(),
        };
        let object = RecordedSecret { name: wanted.name.clone(), value_set_at: None };
        let record = Record::new(Some(token.clone()), Lifecycle::default(), RecordedObject::Secret(object));
        self.draft.push(Planning {
            step: Step::Create,
            operation: Operation::CreateSecret {
                name: wanted.name.clone(),
                mark: mark.to_string(),
                value: self.value(),
                token,
            },
            reason,
            changes: shown::secret_creation(&wanted.name),
            consequences: Vec::new(),
            after: Split::default(),
            record: RecordAfter::put(None, record),
        });
    }

    fn keep(&mut self, wanted: &WantedSecret, recorded: &Recorded, live: &LiveSecret) {
        if !wanted.name.eq_ignore_ascii_case(&live.name) {
            let why = format!(
                "it is `{}` in RunPod, which gives a secret no other name; declare `{}` under a key of its own",
                live.name, wanted.name
            );
            return self.draft.hold(Held::NotPossible(why));
        }
        let is_ours = is_ours(self.context.inputs, recorded, live);
        if !is_ours {
            self.draft.findings.push(finding::secret_mark_gone(self.address, &live.name));
        }
        let before = recorded.record.object.secret().and_then(|secret| secret.value_set_at);
        let is_asked = self.context.inputs.options.rotates(self.address);
        if let (Some(before), Some(now)) = (before, live.value_set_at)
            && before != now
        {
            let drift = FieldDrift {
                field: Field::ValueSetAt,
                recorded: Value::word(before),
                live: Value::word(now),
                left_alone: !is_asked,
            };
            self.draft.drift.push(DriftKind::Fields(vec![drift]));
        }
        if is_asked && is_ours {
            self.rotate(live, recorded.record.clone());
        } else if is_asked {
            let why = "its description no longer carries podform's mark, so its value is not changed";
            self.draft.hold(Held::NotPossible(why.to_owned()));
        }
    }

    fn adopt(&mut self, wanted: &WantedSecret, live: &LiveSecret, known: Known<'_>) {
        let token = match known {
            Known::Asked(asked) => asked.token.clone(),
            Known::Migrated(recorded, _) => recorded.record.token.clone(),
            Known::Nothing => live.mark().map(|mark| mark.token),
        };
        // When its value was set was not seen by the run that made it, so a write of others cannot be told from it.
        let object = RecordedSecret { name: wanted.name.clone(), value_set_at: None };
        let record = Record::new(token, Lifecycle::default(), RecordedObject::Secret(object));
        let id = Some(RemoteId::Secret(live.id.clone()));
        self.draft.local(Step::Adopt, known.reason(), Vec::new(), RecordAfter::put(id, record.clone()));
        if self.context.inputs.options.rotates(self.address) {
            self.rotate(live, record);
        }
    }

    /// Returns the pods of the spec that refer to a secret.
    fn users(&self, live: &LiveSecret) -> impl Iterator<Item = &'a Address> {
        self.context.inputs.desired.wanted.iter().filter_map(|(address, wanted)| {
            let mut names = references(wanted.pod()?).map(|(_, name)| name);
            names.any(|name| name.eq_ignore_ascii_case(&live.name)).then_some(address)
        })
    }

    /// Sends the value again. Description and value never go in one request: RunPod could do half of it.
    fn rotate(&mut self, live: &LiveSecret, record: Record) {
        if self.holds_for_its_value() {
            return;
        }
        let pods: Several = self.users(live).collect();
        let consequences =
            if pods.is_empty() { Vec::new() } else { vec![Consequence::ValueAtNextStart { pods }] };
        self.draft.push(Planning {
            step: Step::Update,
            operation: Operation::SetSecret {
                id: live.id.clone(),
                value: self.value(),
                set_at: live.value_set_at,
            },
            reason: Reason::RotateRequested,
            // Which value it has and gets is nothing to show.
            changes: Vec::new(),
            consequences,
            after: Split::default(),
            record: RecordAfter::put(Some(RemoteId::Secret(live.id.clone())), record),
        });
    }

    /// A secret that leaves the spec may be used by others, so it stays in RunPod unless its end is asked for.
    fn remove(&mut self, recorded: &Recorded, live: &LiveSecret) {
        let Inputs { desired, options, .. } = *self.context.inputs;
        let is_to_go = options.destroy || desired.removal(self.address) == Some(OnRemove::Terminate);
        let user = self.users(live).next().filter(|_| is_to_go && !options.destroy);
        if let Some(pod) = user {
            let why = format!("`{pod}` refers to it, and would boot without its value");
            return self.draft.hold(Held::NotPossible(why));
        }
        if is_to_go && is_ours(self.context.inputs, recorded, live) {
            self.draft.push(Planning {
                step: Step::Delete,
                operation: Operation::DeleteSecret { id: live.id.clone() },
                reason: if options.destroy { Reason::Destroyed } else { Reason::Removed },
                changes: Vec::new(),
                consequences: Vec::new(),
                after: Split::default(),
                record: RecordAfter::Remove { tombstone: true },
            });
            return;
        }
        self.draft.findings.push(if is_to_go {
            finding::secret_mark_gone(self.address, &live.name)
        } else {
            finding::secret_stays(self.address, &live.name)
        });
        self.forget(if options.destroy { Reason::Destroyed } else { Reason::Removed });
    }

    /// Drops the record. That it is ours stays known by its mark, so that it is taken back if its key comes back.
    fn forget(&mut self, reason: Reason) {
        self.draft.local(Step::Forget, reason, Vec::new(), RecordAfter::Remove { tombstone: false });
    }
}
