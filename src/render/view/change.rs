//! What happens at each address, as one change: the verb, the values, the consequences and the cost of all its steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::id::RemoteId;
use crate::model::money::Amount;
use crate::model::plan::{
    Action, ActionId, Attempt, Cause, Consequence, CostChange, Disruption, Operation, Plan, Reason,
    RecordAfter, Split, Step,
};
use crate::model::ready::{Boot, Ready};
use crate::model::retry::Patience;
use crate::model::settings::Field;
use crate::model::value::Value;
use crate::render::rows::{self, Row};

/// Everything that happens at one address.
#[derive(Clone, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) address: &'a Address,
    pub(crate) verb: Verb,
    /// In the order in which they run.
    pub(crate) steps: Steps<'a>,
    /// Without repetition.
    pub(crate) reasons: Vec<&'a Reason>,
    pub(crate) rows: Vec<Row>,
    pub(crate) consequences: BTreeSet<&'a Consequence>,
    /// The attempts to place it, in order; of a start, those of its replacement.
    pub(crate) attempts: &'a [Attempt],
    /// How long a lack of capacity is waited out.
    pub(crate) patience: Option<Patience>,
    /// The objects that exist.
    pub(crate) ids: BTreeSet<RemoteId>,
    pub(crate) cost: CostChange,
    /// What it must answer before what waits for it is begun.
    pub(crate) ready: Option<&'a Ready>,
    /// When a pod that never ran is given up.
    pub(crate) boot: Option<Boot>,
}

impl<'a> Change<'a> {
    /// Tells whether data is lost at the address, or can be.
    pub(crate) fn loses_data(&self) -> bool {
        self.consequences.iter().any(|consequence| consequence.loses_data())
    }

    pub(crate) fn has(&self, step: Step) -> bool {
        self.steps.iter().any(|(id, _)| id.step == step)
    }

    pub(crate) fn is_because(&self, reason: &Reason) -> bool {
        self.reasons.contains(&reason)
    }

    pub(crate) fn restarts(&self) -> bool {
        self.has(Step::Stop) && self.has(Step::Start)
    }

    pub(crate) fn moved_from(&self) -> Option<&'a Address> {
        self.steps.iter().find_map(|(_, action)| match &action.record {
            RecordAfter::MovedFrom(from) => Some(from),
            RecordAfter::Put { .. }
            | RecordAfter::Remove { .. }
            | RecordAfter::Deposed(_)
            | RecordAfter::Ended => None,
        })
    }
}

/// What the steps of an address amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// It comes into being.
    Create,
    /// It is terminated, then made anew.
    DestroyThenCreate,
    /// It is made anew, then the old one is terminated.
    CreateThenDestroy,
    /// It is changed in place, with or without a reset.
    Update,
    /// It is started, perhaps after a change.
    Start,
    /// It is stopped, perhaps with a change.
    Stop,
    /// It is terminated or deleted.
    Destroy,
    /// What an earlier replacement left behind is terminated.
    DestroyDeposed,
    /// An object that exists comes under management; no call.
    Import,
    /// It has another address; no call.
    Move,
    /// What podform may do to it changes; no call.
    Record,
    /// It leaves the state; no call.
    Forget,
    /// Others wait until it is ready; nothing of it changes.
    Ready,
    /// Its job is waited for.
    Await,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 14] = [
        Self::Create,
        Self::DestroyThenCreate,
        Self::CreateThenDestroy,
        Self::Update,
        Self::Start,
        Self::Stop,
        Self::Destroy,
        Self::DestroyDeposed,
        Self::Import,
        Self::Move,
        Self::Record,
        Self::Forget,
        Self::Ready,
        Self::Await,
    ];

    /// Returns its symbol, its word in machine-read formats, and what the symbol means.
    fn texts(self) -> (&'static str, &'static str, &'static str) {
        const STATE_ONLY: &str = "change the state only";
        match self {
            Self::Create => ("+", "create", "create"),
            Self::DestroyThenCreate => ("-/+", "destroy-then-create", "destroy and then create replacement"),
            Self::CreateThenDestroy => ("+/-", "create-then-destroy", "create replacement and then destroy"),
            Self::Update => ("~", "update", "update in-place"),
            Self::Start => ("▶", "start", "start"),
            Self::Stop => ("■", "stop", "stop"),
            Self::Destroy => ("-", "destroy", "destroy"),
            Self::DestroyDeposed => ("-", "destroy-deposed", "destroy"),
            Self::Import => (".", "import", STATE_ONLY),
            Self::Move => (".", "move", STATE_ONLY),
            Self::Record => (".", "record", STATE_ONLY),
            Self::Forget => (".", "forget", STATE_ONLY),
            Self::Ready => ("?", "await-ready", "wait until it is ready"),
            Self::Await => ("…", "await", "wait for a job"),
        }
    }

    /// Tells whether what is there is terminated and made anew, in either order.
    pub(crate) fn replaces(self) -> bool {
        matches!(self, Self::DestroyThenCreate | Self::CreateThenDestroy)
    }

    /// Returns the symbol that stands before the address. It carries the meaning without colour.
    pub fn symbol(self) -> &'static str {
        self.texts().0
    }

    /// Returns the word that stands in machine-read formats.
    pub fn word(self) -> &'static str {
        self.texts().1
    }

    /// Returns what the symbol means, for the legend.
    pub fn legend(self) -> &'static str {
        self.texts().2
    }
}

/// The steps of one address, in the order in which they run.
type Steps<'a> = Vec<(&'a ActionId, &'a Action)>;

/// Merges the steps of each address into one change, in address order.
pub(crate) fn changes(plan: &Plan) -> Vec<Change<'_>> {
    let mut changes: Vec<Change<'_>> =
        verbs(plan).map(|(address, verb, steps)| change(address, verb, steps)).collect();
    if !plan.templates.is_empty() {
        changes.iter_mut().for_each(|change| name_templates(plan, change));
    }
    changes
}

/// Says behind each value that a template gave where it is from.
fn name_templates(plan: &Plan, change: &mut Change<'_>) {
    let Some(template) = plan.templates.get(change.address) else { return };
    for row in change.rows.iter_mut().filter(|row| row.after != Value::Absent && template.gives(&row.field)) {
        row.template = Some(template.id.clone());
    }
}

/// Returns what the steps of each address amount to, in address order.
pub(crate) fn verbs<'a>(plan: &'a Plan) -> impl Iterator<Item = (&'a Address, Verb, Steps<'a>)> {
    let mut by_address: BTreeMap<(&Address, bool), Steps<'a>> = BTreeMap::new();
    for (id, action) in &plan.actions {
        // What an earlier replacement left behind, or a create made twice, is no part of what happens to the pod that took its place.
        let leftover =
            id.step == Step::DeleteDeposed && matches!(action.reason, Reason::Deposed | Reason::Duplicate);
        by_address.entry((&id.address, leftover)).or_default().push((id, action));
    }
    by_address.into_iter().map(|((address, leftover), mut steps)| {
        let has = |step: Step| steps.iter().any(|(id, _)| id.step == step);
        let verb = if leftover { Verb::DestroyDeposed } else { verb(plan, address, &has) };
        if verb == Verb::CreateThenDestroy {
            steps.sort_by_key(|(id, _)| (matches!(id.step, Step::Delete | Step::DeleteDeposed), id.step));
        }
        (address, verb, steps)
    })
}

fn change<'a>(address: &'a Address, verb: Verb, steps: Steps<'a>) -> Change<'a> {
    let mut reasons: Vec<&Reason> = Vec::new();
    for (_, action) in &steps {
        if !reasons.contains(&&action.reason) {
            reasons.push(&action.reason);
        }
    }
    let actions = || steps.iter().map(|(_, action)| *action);
    Change {
        address,
        verb,
        reasons,
        rows: merged_rows(verb, &steps),
        consequences: actions().flat_map(|action| action.consequences.iter()).collect(),
        attempts: actions()
            .map(|action| action.operation.attempts())
            .find(|list| !list.is_empty())
            .unwrap_or(&[]),
        patience: actions().find_map(|action| action.operation.patience()),
        ids: actions().flat_map(remote_ids).collect(),
        cost: merged_cost(verb, &steps),
        ready: actions().find_map(|action| action.ready.as_ref()),
        boot: actions().find_map(|action| action.operation.creation()?.boot),
        steps,
    }
}

fn verb(plan: &Plan, address: &Address, has: &impl Fn(Step) -> bool) -> Verb {
    let deletes = has(Step::Delete) || has(Step::DeleteDeposed);
    if has(Step::Create) && deletes {
        let id = |step| ActionId { address: address.clone(), step };
        let created_first = [Step::Delete, Step::DeleteDeposed]
            .into_iter()
            .any(|delete| plan.edges.contains(&(id(Step::Create), id(delete))));
        return if created_first { Verb::CreateThenDestroy } else { Verb::DestroyThenCreate };
    }
    // The order decides what a mixture is called: what exists and bills afterwards before what is only edited.
    let by_weight = [
        (has(Step::Create), Verb::Create),
        (deletes, Verb::Destroy),
        (has(Step::Stop) && has(Step::Start), Verb::Update),
        (has(Step::Stop), Verb::Stop),
        (has(Step::Start), Verb::Start),
        (has(Step::Update), Verb::Update),
        (has(Step::Forget) && !has(Step::Move), Verb::Forget),
        (has(Step::Adopt), Verb::Import),
        (has(Step::Move), Verb::Move),
        (has(Step::Ready) && !has(Step::Record), Verb::Ready),
        (has(Step::Await), Verb::Await),
    ];
    by_weight.into_iter().find(|(holds, _)| *holds).map_or(Verb::Record, |(_, verb)| verb)
}

/// Joins the rows of all steps: the first value before, the last value after.
fn merged_rows(verb: Verb, steps: &[(&ActionId, &Action)]) -> Vec<Row> {
    let mut merged: BTreeMap<&Field, Row> = BTreeMap::new();
    for (_, action) in steps {
        for change in &action.changes {
            let row = Row::from(change);
            match merged.get_mut(&change.field) {
                None => {
                    merged.insert(&change.field, row);
                }
                Some(earlier) => {
                    if earlier.before == Value::Absent {
                        earlier.before = row.before;
                    }
                    earlier.after = row.after;
                    earlier.why = row.why;
                }
            }
        }
    }
    let mut rows: Vec<Row> = merged.into_values().collect();
    if verb == Verb::Create {
        // Where all is new, who wants it is no news, and what a pod has without being asked is left out.
        rows.retain(|row| !rows::is_usual(row));
        let is_told = |why: &mut (Cause, Disruption)| why.0 == Cause::Ignored;
        rows.iter_mut().for_each(|row| row.why = row.why.take_if(is_told));
    }
    rows
}

/// Joins the costs of all steps: before the first, after the last. What a replacement left behind costs itself only.
fn merged_cost(verb: Verb, steps: &[(&ActionId, &Action)]) -> CostChange {
    let first = steps.first().map(|(_, action)| action.cost).unwrap_or_default();
    let last = steps.last().map(|(_, action)| action.cost).unwrap_or_default();
    if verb == Verb::DestroyDeposed {
        return CostChange { before: freed(first.before, last.after), after: Split::default() };
    }
    CostChange { before: first.before, after: last.after }
}

fn freed(before: Split, after: Split) -> Split {
    let less = |before: Amount, after: Amount| Amount {
        known: before.known - after.known,
        unknown_parts: before.unknown_parts.saturating_sub(after.unknown_parts),
    };
    before.each(after, less)
}

fn remote_ids(action: &Action) -> Vec<RemoteId> {
    match &action.operation {
        Operation::SetSecret { id, value: _, set_at: _ } | Operation::DeleteSecret { id } => {
            vec![RemoteId::Secret(id.clone())]
        }
        Operation::GrowVolume { id, size: _ } | Operation::DeleteVolume { id } => {
            vec![RemoteId::Volume(id.clone())]
        }
        Operation::UpdatePod { id, patch: _, disruption: _ }
        | Operation::StartPod { id, .. }
        | Operation::StopPod { id }
        | Operation::AwaitPod { id } => vec![RemoteId::Pod(id.clone())],
        Operation::DeletePods { ids } => ids.iter().cloned().map(RemoteId::Pod).collect(),
        Operation::Local => action.record.id().cloned().into_iter().collect(),
        Operation::DeleteRegistries { ids } => ids.iter().cloned().map(RemoteId::Registry).collect(),
        Operation::CreateSecret { .. }
        | Operation::CreateRegistry { .. }
        | Operation::CreateVolume { .. }
        | Operation::AwaitJob { .. }
        | Operation::CreatePod(_) => Vec::new(),
    }
}
