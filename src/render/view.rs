//! A plan as every format shows it: one change per address, what loses data first, equal replicas together.
//!
//! The steps of an address are one change to a reader: a delete and a create are a replacement, a stop and an update
//! are a stop. Formats only lay the view out; none looks at the actions by itself.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::address::{Address, Key};
use crate::model::id::{ProjectName, RemoteId};
use crate::model::money::Amount;
use crate::model::plan::{
    Action, ActionId, Attempt, Block, Candidate, Cause, Consequence, CostChange, Disruption, Drift,
    DriftKind, Finding, Held, Operation, Owner, Plan, Planned, Reason, RecordAfter, Severity, Split, Step,
    Subject, Unmanaged,
};
use crate::model::settings::Field;
use crate::model::size::Gigabytes;
use crate::model::value::Value;

use super::rows::{self, Row};
use super::value;

/// A plan, sorted, merged and grouped.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The plan itself, for what needs no preparation.
    pub plan: &'a Plan,
    /// Whether it may run.
    pub verdict: Verdict<'a>,
    /// One change per address, in address order.
    pub changes: Vec<Change<'a>>,
    /// Equal changes of replicas together; what loses data first.
    pub groups: Vec<Group<'a>>,
    /// What others changed, equal drift of replicas together.
    pub drift: Vec<(Vec<&'a Address>, &'a DriftKind)>,
    /// What is left alone, equal reasons of replicas together.
    pub held: Vec<(Vec<&'a Address>, &'a Held)>,
    /// The remarks, warnings first, equal ones together.
    pub findings: Vec<(&'a Finding, Vec<&'a Subject>)>,
    /// How many of what.
    pub counts: Counts,
    /// What is lost.
    pub lost: Lost,
    /// What other podform projects have in the account.
    pub others: BTreeMap<&'a ProjectName, OtherProject>,
    /// What podform does not manage costs a month once the plan is done: what it forgets goes on being billed.
    pub unmanaged_after: Split,
}

impl View<'_> {
    /// Tells whether the state is in doubt, so that there is no plan to show: no table, no sum and no digest.
    pub fn is_without_a_plan(&self) -> bool {
        match self.verdict {
            Verdict::Blocked(blocks) => blocks.iter().any(Block::is_about_the_state),
            Verdict::Changes | Verdict::NoChanges => false,
        }
    }
}

/// What another podform project has in the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OtherProject {
    /// How many pods.
    pub pods: usize,
    /// How many network volumes.
    pub volumes: usize,
    /// What they cost a month.
    pub cost: Split,
}

/// Counts what other podform projects have, one entry a project.
fn others(plan: &Plan) -> BTreeMap<&ProjectName, OtherProject> {
    let mut others: BTreeMap<&ProjectName, OtherProject> = BTreeMap::new();
    for Unmanaged { id, name: _, status: _, created_at: _, cost, owner } in &plan.unmanaged {
        let Owner::Project(project) = owner else { continue };
        let other = others.entry(project).or_default();
        match id {
            RemoteId::Pod(_) => other.pods += 1,
            RemoteId::Volume(_) => other.volumes += 1,
        }
        other.cost = other.cost + *cost;
    }
    others
}

/// Tells whether no other project claims an object.
pub fn is_unclaimed(unmanaged: &Unmanaged) -> bool {
    match unmanaged.owner {
        Owner::Lost(_) | Owner::Nobody => true,
        Owner::Project(_) => false,
    }
}

/// Whether a plan may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// There is something to do.
    Changes,
    /// There is nothing to do.
    NoChanges,
    /// Nothing may be done.
    Blocked(&'a [Block]),
}

/// Everything that happens at one address.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Where.
    pub address: &'a Address,
    /// What it amounts to.
    pub verb: Verb,
    /// The steps, in the order in which they run.
    pub steps: Vec<(&'a ActionId, &'a Action)>,
    /// Why, without repetition.
    pub reasons: Vec<&'a Reason>,
    /// The values.
    pub rows: Vec<Row>,
    /// What is lost, kept and risked.
    pub consequences: BTreeSet<&'a Consequence>,
    /// The attempts to place it, in order; of a start, those of its replacement.
    pub attempts: &'a [Attempt],
    /// The objects that exist.
    pub ids: BTreeSet<RemoteId>,
    /// What it costs before and after.
    pub cost: CostChange,
}

impl Change<'_> {
    /// Tells whether data is lost at the address, or can be.
    pub fn loses_data(&self) -> bool {
        self.consequences.iter().any(|consequence| consequence.loses_data())
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
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 12] = [
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
    ];

    /// Returns the symbol that stands before the address. It carries the meaning without colour.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::DestroyThenCreate => "-/+",
            Self::CreateThenDestroy => "+/-",
            Self::Update => "~",
            Self::Start => "▶",
            Self::Stop => "■",
            Self::Destroy | Self::DestroyDeposed => "-",
            Self::Import | Self::Move | Self::Record | Self::Forget => ".",
        }
    }

    /// Returns the word that stands in machine-read formats.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::DestroyThenCreate => "destroy-then-create",
            Self::CreateThenDestroy => "create-then-destroy",
            Self::Update => "update",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Destroy => "destroy",
            Self::DestroyDeposed => "destroy-deposed",
            Self::Import => "import",
            Self::Move => "move",
            Self::Record => "record",
            Self::Forget => "forget",
        }
    }

    /// Returns what the symbol means, for the legend.
    pub fn legend(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::DestroyThenCreate => "destroy and then create replacement",
            Self::CreateThenDestroy => "create replacement and then destroy",
            Self::Update => "update in-place",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Destroy | Self::DestroyDeposed => "destroy",
            Self::Import | Self::Move | Self::Record | Self::Forget => "change the state only",
        }
    }
}

/// Replicas whose changes are equal but for their number.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The addresses, in order; never empty.
    pub addresses: Vec<&'a Address>,
    /// What happens at each of them. In values that differ only by it, the number of the replica reads `{n}`.
    pub each: Change<'a>,
}

/// How many addresses have which change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Come into being, replacements not counted.
    pub create: usize,
    /// Are replaced.
    pub replace: usize,
    /// Are changed in place, without start or stop.
    pub update: usize,
    /// Are started.
    pub start: usize,
    /// Are stopped.
    pub stop: usize,
    /// Are destroyed, replacements not counted.
    pub destroy: usize,
    /// Are reset on the way, whatever else happens to them.
    pub reset: usize,
    /// Come under management.
    pub import: usize,
    /// Have another address, whatever else happens to them.
    pub moved: usize,
    /// Have only their rules recorded.
    pub record: usize,
    /// Leave the state.
    pub forget: usize,
    /// Lose data.
    pub losing: usize,
    /// Are as wanted.
    pub unchanged: usize,
    /// Are left alone in this plan.
    pub held: usize,
    /// Were deselected.
    pub out_of_scope: usize,
}

impl Counts {
    /// Returns Terraform's "to add": a replacement adds one and destroys one.
    pub fn to_add(self) -> usize {
        self.create + self.replace
    }

    /// Returns Terraform's "to change", with starts and stops.
    pub fn to_change(self) -> usize {
        self.update + self.start + self.stop
    }

    /// Returns Terraform's "to destroy".
    pub fn to_destroy(self) -> usize {
        self.destroy + self.replace
    }
}

/// What a plan loses, by kind: how many and their size together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Lost {
    /// Network volumes.
    pub network_volumes: (usize, u64),
    /// Disks on the hosts of pods.
    pub local_volumes: (usize, u64),
    /// Container disks, which are no place for data.
    pub container_disks: (usize, u64),
    /// What was gone with its data before the plan; no part of what the plan loses.
    pub gone: (usize, u64),
    /// At how many addresses data is lost only if a start fails and the pod is replaced.
    pub at_failed_starts: usize,
}

impl Lost {
    fn add(&mut self, consequence: &Consequence) {
        let (kind, size) = match consequence {
            Consequence::NetworkVolumeLost { volume: _, size } => (&mut self.network_volumes, size),
            Consequence::LocalVolumeLost { size, path: _ } => (&mut self.local_volumes, size),
            Consequence::ContainerDiskLost { size } => (&mut self.container_disks, size),
            Consequence::VanishedWithData { size } => (&mut self.gone, size),
            Consequence::LocalVolumeKept { .. }
            | Consequence::NetworkVolumeKept { .. }
            | Consequence::NewPodId
            | Consequence::PublicPortsChange
            | Consequence::StartMayFail { .. }
            | Consequence::ScarceGpuGivenUp
            | Consequence::TakesEffectAtNextStart
            | Consequence::GoesOnUnmanaged => return,
        };
        let Gigabytes(gigabytes) = *size;
        kind.0 += 1;
        kind.1 += u64::from(gigabytes);
    }

    /// Returns what is lost in words, the worst first; empty if nothing is.
    pub fn words(self) -> String {
        let Self { network_volumes, local_volumes, container_disks: _, gone: _, at_failed_starts: _ } = self;
        let kinds = [(network_volumes, "network volume"), (local_volumes, "local volume")];
        let some = kinds.into_iter().filter(|((number, _), _)| *number > 0);
        let words =
            some.map(|((number, size), noun)| format!("{} ({size} GB)", super::words::count(number, noun)));
        words.collect::<Vec<_>>().join(", ")
    }

    /// Returns the container disks that are wiped, which is no loss of data; `None` if there are none.
    pub fn wiped_words(self) -> Option<String> {
        let (number, size) = self.container_disks;
        (number > 0).then(|| format!("{} ({size} GB)", super::words::count(number, "container disk")))
    }

    /// Returns what qualifies the words: that some of it is lost only if a start fails.
    pub fn condition(self) -> String {
        match self.at_failed_starts {
            0 => String::new(),
            number => format!("; at {number} of them only if a start fails"),
        }
    }

    /// Returns what was lost before the plan; `None` if nothing was.
    pub fn gone_words(self) -> Option<String> {
        let (number, size) = self.gone;
        let each = if number == 1 { "vanished with its" } else { "vanished with their" };
        (number > 0).then(|| format!("{} {each} data ({size} GB)", super::words::count(number, "object")))
    }
}

/// Prepares a plan for showing.
pub fn view(planned: &Planned) -> View<'_> {
    let plan = planned.plan();
    let verdict = match planned {
        Planned::Changes(_) => Verdict::Changes,
        Planned::NoChanges(_) => Verdict::NoChanges,
        Planned::Blocked { reasons, plan: _ } => Verdict::Blocked(reasons),
    };
    let changes = changes(plan);
    let groups = groups(&changes);
    let mut lost = Lost::default();
    for change in &changes {
        change.consequences.iter().for_each(|consequence| lost.add(consequence));
        lost.at_failed_starts += usize::from(change.verb == Verb::Start && change.loses_data());
    }
    View {
        plan,
        verdict,
        counts: counts(plan, &changes),
        drift: drift(&plan.drift),
        held: held(&plan.held),
        findings: findings(&plan.findings),
        others: others(plan),
        unmanaged_after: plan.cost.unmanaged + forgotten(&changes),
        changes,
        groups,
        lost,
    }
}

/// Returns everything that a plan remarks on, so that its places in the spec can be looked up.
pub fn subjects(planned: &Planned) -> BTreeSet<Subject> {
    let blocks: &[Block] = match planned {
        Planned::Blocked { reasons, plan: _ } => reasons,
        Planned::Changes(_) | Planned::NoChanges(_) => &[],
    };
    let blocked = blocks.iter().filter_map(super::words::blocked_subject);
    let found = planned.plan().findings.iter().filter_map(|finding| finding.subject.clone());
    blocked.chain(found).collect()
}

/// Returns what the plan stops managing and does not end.
fn forgotten(changes: &[Change<'_>]) -> Split {
    let goes_on = |change: &&Change<'_>| change.consequences.contains(&Consequence::GoesOnUnmanaged);
    changes.iter().filter(goes_on).map(|change| change.cost.before).sum()
}

/// Merges the steps of each address into one change, in address order.
pub fn changes(plan: &Plan) -> Vec<Change<'_>> {
    let mut by_address: BTreeMap<(&Address, bool), Vec<(&ActionId, &Action)>> = BTreeMap::new();
    for (id, action) in &plan.actions {
        // What an earlier replacement left behind, or a create made twice, is no part of what happens to the pod that took its place.
        let leftover =
            id.step == Step::DeleteDeposed && matches!(action.reason, Reason::Deposed | Reason::Duplicate);
        by_address.entry((&id.address, leftover)).or_default().push((id, action));
    }
    by_address
        .into_iter()
        .map(|((address, leftover), steps)| change(plan, address, leftover, steps))
        .collect()
}

fn change<'a>(
    plan: &Plan,
    address: &'a Address,
    leftover: bool,
    mut steps: Vec<(&'a ActionId, &'a Action)>,
) -> Change<'a> {
    let has = |step: Step| steps.iter().any(|(id, _)| id.step == step);
    let verb = if leftover { Verb::DestroyDeposed } else { verb(plan, address, &has) };
    if verb == Verb::CreateThenDestroy {
        steps.sort_by_key(|(id, _)| (matches!(id.step, Step::Delete | Step::DeleteDeposed), id.step));
    }
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
        ids: actions().flat_map(remote_ids).collect(),
        cost: merged_cost(verb, &steps),
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
    Split { compute: less(before.compute, after.compute), storage: less(before.storage, after.storage) }
}

fn remote_ids(action: &Action) -> Vec<RemoteId> {
    match &action.operation {
        Operation::GrowVolume { id, size: _ } | Operation::DeleteVolume { id } => {
            vec![RemoteId::Volume(id.clone())]
        }
        Operation::UpdatePod { id, patch: _, disruption: _ }
        | Operation::StartPod { id, compute: _, on_stuck: _ }
        | Operation::StopPod { id } => vec![RemoteId::Pod(id.clone())],
        Operation::DeletePods { ids } => ids.iter().cloned().map(RemoteId::Pod).collect(),
        Operation::Local => match &action.record {
            RecordAfter::Put(record) => record.id.iter().cloned().collect(),
            RecordAfter::Remove { .. } | RecordAfter::MovedFrom(_) | RecordAfter::Deposed(_) => Vec::new(),
        },
        Operation::CreateVolume { .. } | Operation::CreatePod(_) => Vec::new(),
    }
}

fn counts(plan: &Plan, changes: &[Change<'_>]) -> Counts {
    let mut counts = Counts {
        unchanged: plan.unchanged.len(),
        held: plan.held.len(),
        out_of_scope: plan.out_of_scope,
        ..Counts::default()
    };
    for change in changes {
        let kind = match change.verb {
            Verb::Create => &mut counts.create,
            Verb::DestroyThenCreate | Verb::CreateThenDestroy => &mut counts.replace,
            Verb::Update => &mut counts.update,
            Verb::Start => &mut counts.start,
            Verb::Stop => &mut counts.stop,
            Verb::Destroy | Verb::DestroyDeposed => &mut counts.destroy,
            Verb::Import => &mut counts.import,
            Verb::Move => &mut counts.moved,
            Verb::Record => &mut counts.record,
            Verb::Forget => &mut counts.forget,
        };
        *kind += 1;
        let has = |step: Step| change.steps.iter().any(|(id, _)| id.step == step);
        counts.import += usize::from(change.verb != Verb::Import && has(Step::Adopt));
        counts.moved += usize::from(change.verb != Verb::Move && has(Step::Move));
        counts.losing += usize::from(change.loses_data());
        counts.reset += usize::from(change.steps.iter().any(|(_, action)| resets(&action.operation)));
    }
    counts
}

fn resets(operation: &Operation) -> bool {
    match operation {
        Operation::UpdatePod { id: _, patch: _, disruption } => *disruption == Disruption::Reset,
        Operation::Local
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::DeleteVolume { .. }
        | Operation::CreatePod(_)
        | Operation::StartPod { .. }
        | Operation::StopPod { .. }
        | Operation::DeletePods { .. } => false,
    }
}

/// Puts replicas with equal changes together, then what loses data first.
fn groups<'a>(changes: &[Change<'a>]) -> Vec<Group<'a>> {
    let mut by_key: BTreeMap<&Key, Vec<&Change<'a>>> = BTreeMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for change in changes {
        match change.address {
            Address::Pod { key, replica: Some(_) } => by_key.entry(key).or_default().push(change),
            Address::Pod { key: _, replica: None } | Address::Volume(_) => {
                groups.push(Group { addresses: vec![change.address], each: change.clone() });
            }
        }
    }
    for replicas in by_key.into_values() {
        groups.extend(grouped(&replicas));
    }
    groups.sort_by_cached_key(|group| (loss_rank(&group.each), group.addresses[0].clone(), group.each.verb));
    groups
}

fn grouped<'a>(replicas: &[&Change<'a>]) -> Vec<Group<'a>> {
    let varying = varying_fields(replicas);
    let mut groups: Vec<Group<'a>> = Vec::new();
    for change in replicas {
        let each = numbered(change, &varying);
        match groups.iter_mut().find(|group| alike(&group.each, &each)) {
            Some(group) => group.addresses.push(each.address),
            None => groups.push(Group { addresses: vec![each.address], each }),
        }
    }
    for group in &mut groups {
        // A group of one shows its own values, not a pattern.
        if let [only] = group.addresses[..]
            && let Some(change) =
                replicas.iter().find(|change| change.address == only && change.verb == group.each.verb)
        {
            group.each = (*change).clone();
        }
    }
    groups
}

/// Returns the fields whose values can hold the number of the replica and do differ between these replicas.
fn varying_fields(replicas: &[&Change<'_>]) -> BTreeSet<Field> {
    let mut seen: BTreeMap<&Field, (&Value, &Value)> = BTreeMap::new();
    let mut varying = BTreeSet::new();
    for row in replicas.iter().flat_map(|change| change.rows.iter()) {
        let values = (&row.before, &row.after);
        if *seen.entry(&row.field).or_insert(values) != values
            && matches!(row.field, Field::Name | Field::Env(_))
        {
            varying.insert(row.field.clone());
        }
    }
    varying
}

fn numbered<'a>(change: &Change<'a>, varying: &BTreeSet<Field>) -> Change<'a> {
    let mut change = change.clone();
    if let Address::Pod { key: _, replica: Some(number) } = change.address {
        for row in change.rows.iter_mut().filter(|row| varying.contains(&row.field)) {
            row.before = with_pattern(&row.before, *number);
            row.after = with_pattern(&row.after, *number);
        }
    }
    change
}

/// Writes `{n}` where a value has exactly the number.
fn with_pattern(value: &Value, number: u32) -> Value {
    let number = number.to_string();
    value::map_texts(value, |text| {
        let mut pattern = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let digits = rest[start..].bytes().take_while(u8::is_ascii_digit).count();
            let (before, run) = (&rest[..start], &rest[start..start + digits]);
            pattern.push_str(before);
            pattern.push_str(if run == number { "{n}" } else { run });
            rest = &rest[start + digits..];
        }
        pattern.push_str(rest);
        pattern
    })
}

/// Tells whether two replicas have the same change: everything that is shown but addresses, ids and tokens.
fn alike(one: &Change<'_>, other: &Change<'_>) -> bool {
    let Change { address: _, verb, steps, reasons, rows, consequences, attempts, ids, cost } = one;
    let steps_alike = steps.len() == other.steps.len()
        && steps.iter().zip(&other.steps).all(|((one, _), (other, _))| one.step == other.step);
    let places = |attempts: &'_ [Attempt]| -> Vec<Candidate> {
        attempts.iter().map(|attempt| attempt.candidate.clone()).collect()
    };
    *verb == other.verb
        && steps_alike
        && *reasons == other.reasons
        && *rows == other.rows
        && *cost == other.cost
        && *consequences == other.consequences
        && ids.len() == other.ids.len()
        && places(attempts) == places(other.attempts)
}

/// Returns 0 for the worst loss; changes without loss come last.
fn loss_rank(change: &Change<'_>) -> u8 {
    let rank = |consequence: &&Consequence| match consequence {
        Consequence::NetworkVolumeLost { .. } => 0,
        Consequence::LocalVolumeLost { .. } => 1,
        Consequence::ContainerDiskLost { .. } => 2,
        Consequence::VanishedWithData { .. }
        | Consequence::LocalVolumeKept { .. }
        | Consequence::NetworkVolumeKept { .. }
        | Consequence::NewPodId
        | Consequence::PublicPortsChange
        | Consequence::StartMayFail { .. }
        | Consequence::ScarceGpuGivenUp
        | Consequence::TakesEffectAtNextStart
        | Consequence::GoesOnUnmanaged => 3,
    };
    change.consequences.iter().map(rank).min().unwrap_or(3)
}

fn drift(drift: &[Drift]) -> Vec<(Vec<&Address>, &DriftKind)> {
    together(drift.iter().map(|Drift { address, kind }| (address, kind)))
}

fn held(held: &BTreeMap<Address, Held>) -> Vec<(Vec<&Address>, &Held)> {
    together(held.iter())
}

/// Puts addresses of one key with equal values together.
fn together<'a, T: fmt::Debug>(
    items: impl Iterator<Item = (&'a Address, &'a T)>,
) -> Vec<(Vec<&'a Address>, &'a T)> {
    let mut groups: Vec<(Vec<&'a Address>, &'a T)> = Vec::new();
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for (address, value) in items {
        // Values have no order, and are equal if they are written alike.
        let alike = (address.is_pod(), address.key(), format!("{value:?}"));
        match known.entry(alike) {
            Entry::Occupied(group) => groups[*group.get()].0.push(address),
            Entry::Vacant(group) => {
                group.insert(groups.len());
                groups.push((vec![address], value));
            }
        }
    }
    groups
}

fn findings(findings: &[Finding]) -> Vec<(&Finding, Vec<&Subject>)> {
    let mut groups: Vec<(&Finding, Vec<&Subject>)> = Vec::new();
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for finding in findings {
        let Finding { severity, code, subject, message } = finding;
        match known.entry((severity, code, message, subject.as_ref().map(|subject| &subject.field))) {
            Entry::Occupied(group) => groups[*group.get()].1.extend(subject),
            Entry::Vacant(group) => {
                group.insert(groups.len());
                groups.push((finding, subject.iter().collect()));
            }
        }
    }
    groups.sort_by_key(|(finding, _)| match finding.severity {
        Severity::Warning => 0,
        Severity::Note => 1,
    });
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::render::ranges::ranges;
    use crate::render::sample::{self, address, id};

    /// Returns the groups as `addresses: verb`, in order.
    fn shown(plan: Plan) -> Vec<String> {
        let planned = Planned::Changes(plan);
        let view = view(&planned);
        let line = |group: &Group<'_>| {
            format!("{}: {}", ranges(group.addresses.iter().copied()), group.each.verb.word())
        };
        view.groups.iter().map(line).collect()
    }

    #[test]
    fn what_loses_most_stands_first() {
        let mut plan = sample::full_plan();
        plan.actions.retain(|action, _| !["swift", "vault", "free"].contains(&action.address.key().as_str()));
        insta::assert_snapshot!(shown(plan).join("\n"), @r#"
        volume.old: destroy
        swap: destroy-then-create
        crm: destroy-deposed
        llm[0..2]: update
        llm[3]: destroy
        studio: stop
        volume.fresh: create
        volume.models: update
        clean: move
        found: import
        lost: forget
        new: create
        prep: update
        train: start
        "#);
    }

    #[test]
    fn replicas_that_differ_only_by_their_number_are_alike() {
        let replicas = ["llm[0]", "llm[1]", "llm[7]"];
        let create = |at: &str| (id(at, Step::Create), sample::create(at));
        let plan = Plan { actions: replicas.into_iter().map(create).collect(), ..sample::empty_plan() };
        let planned = Planned::Changes(plan);
        let view = view(&planned);
        let names: Vec<&Value> = view.groups.iter().map(|group| &group.each.rows[0].after).collect();
        assert_eq!(names, [&Value::Text("acme-llm-{n}".to_owned())]);
        assert_eq!(view.groups[0].addresses, replicas.map(address).iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_replica_alone_shows_its_own_name() {
        let create = |at: &str| (id(at, Step::Create), sample::create(at));
        let mut plan = Plan { actions: [create("llm[0]")].into(), ..sample::empty_plan() };
        plan.actions.insert(id("llm[1]", Step::Update), sample::update("x", "y"));
        let planned = Planned::Changes(plan);
        let view = view(&planned);
        let created = view.groups.iter().find(|group| group.each.verb == Verb::Create).unwrap();
        assert_eq!(created.each.rows[0].after, Value::Text("acme-llm-0".to_owned()));
    }

    #[test]
    fn steps_of_an_address_are_one_change() {
        let update = sample::update("x", "y");
        let with = |first: Step, then: Step| {
            let actions = [(id("a", first), update.clone()), (id("a", then), update.clone())].into();
            shown(Plan { actions, ..sample::empty_plan() })
        };
        assert_eq!(with(Step::Stop, Step::Update), ["a: stop"]);
        assert_eq!(with(Step::Update, Step::Start), ["a: start"]);
        assert_eq!(with(Step::Adopt, Step::Update), ["a: update"]);
        assert_eq!(with(Step::Delete, Step::Create), ["a: destroy-then-create"]);
        assert_eq!(with(Step::Move, Step::Record), ["a: move"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(11),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn every_change_is_in_exactly_one_group(images in prop::collection::vec(0_u8..3, 1..60)) {
            let update = |(number, image): (usize, &u8)| {
                (id(&format!("llm[{number}]"), Step::Update), sample::update("x", &format!("image:{image}")))
            };
            let actions = images.iter().enumerate().map(update).collect();
            let planned = Planned::Changes(Plan { actions, ..sample::empty_plan() });
            let view = view(&planned);
            let mut grouped: Vec<&Address> =
                view.groups.iter().flat_map(|group| group.addresses.iter().copied()).collect();
            grouped.sort();
            let changed: Vec<&Address> = view.changes.iter().map(|change| change.address).collect();
            prop_assert_eq!(grouped, changed);
            let distinct: BTreeSet<&u8> = images.iter().collect();
            prop_assert_eq!(view.groups.len(), distinct.len());
        }
    }
}
