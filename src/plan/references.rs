//! References between pods: the ids that are known take their places before anything is compared.
//!
//! Whether a pod keeps its id is seen when it is planned, and what it is planned from does not follow from those that refer
//! to it. So all is planned with the ids that there are, and once more for those that turn out to be made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::desired::{Desired, Wanted, WantedPod};
use crate::model::id::{PodId, RemoteId};
use crate::model::plan::{Action, ActionId, Cause, FieldChange, Held, Plan, Reason, Step, fill, pods};
use crate::model::pod::{EnvValue, RunState};
use crate::model::reference;
use crate::model::settings::{Container, Field};
use crate::model::value::Value;

use super::draft::Draft;
use super::graph::Edges;
use super::moves::Renamed;
use super::ownership::Ownership;
use super::presence::Sighting;
use super::{Context, Drafts, Inputs, renamed};

/// Who refers to whom, and what is known of those.
pub(super) struct References<'a> {
    /// What is wanted, as the spec has it.
    pub(super) written: &'a Desired,
    /// By the pod that is referred to.
    users: BTreeMap<Address, BTreeSet<&'a Address>>,
    /// The ids that pods have before the plan, and keep unless it makes them anew.
    known: BTreeMap<Address, PodId>,
    /// Who is to wait for the id of whom: it is not known before a step of this plan.
    late: BTreeSet<(&'a Address, Address)>,
    /// What is on record of those that are wanted stopped.
    resting: BTreeMap<&'a Address, Container>,
    /// Which of them are not told of whom: it has no id and gets none. They are once they are wanted running.
    untold: BTreeSet<(&'a Address, Address)>,
}

impl<'a> References<'a> {
    pub(super) fn new(inputs: &Inputs<'a>) -> Self {
        let written = inputs.desired;
        let mut users: BTreeMap<Address, BTreeSet<&Address>> = BTreeMap::new();
        if !inputs.options.destroy {
            for (address, pod) in wanted_pods(written) {
                for referred in pods(&pod.container) {
                    users.entry(referred).or_default().insert(address);
                }
            }
        }
        let (mut known, mut resting) = (BTreeMap::new(), BTreeMap::new());
        if !users.is_empty() {
            let (renamed, _) = renamed(inputs);
            known = ids(inputs, &renamed, users.keys());
            let stopped = wanted_pods(written).filter(|(_, pod)| pod.run == RunState::Stopped);
            let recorded = stopped.filter_map(|(address, _)| {
                Some((address, renamed.recorded(address)?.record.object.pod()?.container.clone()))
            });
            resting.extend(recorded);
        }
        Self { written, users, known, late: BTreeSet::new(), resting, untold: BTreeSet::new() }
    }

    /// Tells whether nothing refers to anything.
    pub(super) fn are_none(&self) -> bool {
        self.users.is_empty()
    }

    /// Returns what is wanted with what is known of ids put in.
    pub(super) fn put_in(&self) -> Desired {
        let mut desired = self.written.clone();
        for (address, wanted) in &mut desired.wanted {
            if let Wanted::Pod(pod) = wanted {
                fill(&mut pod.container, |referred| {
                    let is_late = self.late.contains(&(address, referred.clone()));
                    self.known.get(referred).filter(|_| !is_late).cloned()
                });
                self.leave_untold(address, &mut pod.container);
            }
        }
        desired
    }

    /// Leaves what a stopped pod was given last where it cannot be told anything else: nobody reads it before it starts.
    fn leave_untold(&self, address: &Address, container: &mut Container) {
        let is_untold = |text: &str| {
            reference::is_in(text)
                && reference::of(text).any(|reference| self.untold.contains(&(address, reference.pod)))
        };
        let Some(recorded) = self.resting.get(address).filter(|_| !self.untold.is_empty()) else { return };
        if container.command.iter().any(|word| is_untold(word)) {
            container.command.clone_from(&recorded.command);
        }
        if container.env.values().filter_map(EnvValue::plain).any(is_untold) {
            let left = container.env.iter().filter_map(|(key, value)| {
                match value.plain().filter(|text| is_untold(text)) {
                    Some(_) => Some((key.clone(), recorded.env.get(key)?.clone())),
                    None => Some((key.clone(), value.clone())),
                }
            });
            container.env = Arc::new(left.collect());
        }
    }

    /// Notes which ids a plan changes; tells whether it did not reckon with one.
    pub(super) fn learn(&mut self, plan: &Plan) -> bool {
        let action = |address: &Address, step| plan.actions.get(&ActionId { address: address.clone(), step });
        let before = (self.late.len(), self.untold.len());
        for (referred, users) in &self.users {
            let is_made = action(referred, Step::Create).is_some();
            let may_be_made =
                action(referred, Step::Start).is_some_and(|start| start.operation.creation().is_some());
            // One that is only started keeps its id, most likely, and nobody is reset for less. Who is made after it waits.
            let late =
                users.iter().filter(|user| is_made || may_be_made && action(user, Step::Create).is_some());
            self.late.extend(late.map(|user| (*user, referred.clone())));
            if !is_made && !self.known.contains_key(referred) {
                let resting = users.iter().filter(|user| self.resting.contains_key(**user));
                self.untold.extend(resting.map(|user| (*user, referred.clone())));
            }
        }
        (self.late.len(), self.untold.len()) > before
    }

    /// Returns the pods that refer to one.
    pub(super) fn users(&self, referred: &Address) -> impl Iterator<Item = &'a Address> {
        self.users.get(referred).into_iter().flatten().copied()
    }
}

fn wanted_pods(desired: &Desired) -> impl Iterator<Item = (&Address, &WantedPod)> {
    desired.wanted.iter().filter_map(|(address, wanted)| Some((address, wanted.pod()?)))
}

/// Returns the ids of pods as they are seen, or on record where they could not be looked at.
fn ids<'a>(
    inputs: &Inputs<'_>,
    renamed: &Renamed<'_>,
    pods: impl Iterator<Item = &'a Address>,
) -> BTreeMap<Address, PodId> {
    let ownership = Ownership::new(inputs, renamed);
    let id = |address: &Address| {
        let wanted = inputs.desired.wanted.get(address).and_then(Wanted::pod);
        let named = wanted.and_then(|pod| pod.adopt.as_ref());
        match ownership.pod(address, named).sighting {
            Sighting::Kept { recorded: _, object }
            | Sighting::Migrated { recorded: _, object, by: _ }
            | Sighting::Superseded { recorded: _, object: _, successor: object, asked: _ }
            | Sighting::Journal { object, asked: _ }
            | Sighting::Named { object } => Some(object.id.clone()),
            Sighting::Hidden(_) => match renamed.recorded(address).map(|recorded| &recorded.id) {
                Some(RemoteId::Pod(id)) => Some(id.clone()),
                Some(RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_)) | None => None,
            },
            Sighting::Gone { recorded: _ } | Sighting::Never => None,
        }
    };
    pods.filter_map(|address| Some((address.clone(), id(address)?))).collect()
}

/// Tells apart what the spec's author changed from what changed with the pod that it refers to.
pub(super) fn attribute(changes: &mut [FieldChange], written: &Container, recorded: Option<&Container>) {
    let Some(recorded) = recorded else { return };
    for change in changes.iter_mut().filter(|change| change.cause == Cause::Spec) {
        if follows(&change.field, written, &given(recorded, &change.field)) {
            change.cause = Cause::Reference;
        }
    }
}

/// Returns what a pod was given in a field that can refer to others.
pub(super) fn given(container: &Container, field: &Field) -> Value {
    match field {
        Field::Env(key) => container.env.get(key).map_or(Value::Absent, EnvValue::value),
        field => container.value(field),
    }
}

/// Tells whether a value is what the spec has, but for the ids of pods that it refers to.
pub(super) fn follows(field: &Field, written: &Container, was: &Value) -> bool {
    match (field, was) {
        (Field::Env(key), Value::Text(was)) => {
            written.env.get(key).and_then(EnvValue::plain).is_some_and(|text| reference::gives(text, was))
        }
        (Field::Command, Value::Command(was)) => {
            let mut words = written.command.iter().zip(was);
            written.command.len() == was.len()
                && words.clone().any(|(word, was)| word != was)
                && words.all(|(word, was)| word == was || reference::gives(word, was))
        }
        _ => false,
    }
}

/// Returns why a pod cannot be told of one that it refers to: nothing makes that, so it has no id.
pub(super) fn missing(drafts: &Drafts<'_>, draft: &Draft<'_>) -> Option<Held> {
    let sent = draft.steps.iter().flat_map(|(_, action)| action.operation.references());
    let brings_up = |address: &Address| {
        drafts.get(address).is_some_and(|draft| draft.has(Step::Create) || draft.has(Step::Start))
    };
    let missing = sent.into_iter().find(|referred| !brings_up(referred))?;
    Some(Held::NotPossible(format!(
        "it refers to `{missing}`, which is not there and which this plan does not create, so that it has no id"
    )))
}

/// Returns the pods of which an update of another one tells it something else.
fn told_by_change(context: &Context<'_>, address: &Address, action: &Action) -> BTreeSet<Address> {
    let (Some(_), Some(written)) = (action.operation.patch(), context.written(address)) else {
        return BTreeSet::new();
    };
    let texts = action.changes.iter().flat_map(|change| match &change.field {
        Field::Env(key) => written.env.get(key).and_then(EnvValue::plain).into_iter().collect(),
        Field::Command => written.command.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    });
    reference::pods(texts)
}

/// What sends the id of a pod waits until that is there. Where another pod takes the place of one that is still there, that
/// goes once nobody refers to it any more.
pub(super) fn referred_first(
    context: &Context<'_>,
    drafts: &Drafts<'_>,
    address: &Address,
    draft: &Draft<'_>,
    edges: &mut Edges,
) {
    if context.references.are_none() {
        return;
    }
    let id = |address: &Address, step| ActionId { address: address.clone(), step };
    for (then, action) in &draft.steps {
        for referred in told_by_change(context, address, action) {
            let steps = drafts.get(&referred).map_or(&[][..], |draft| &draft.steps);
            let reset = steps.iter().find(|(_, action)| action.operation.resets());
            if let Some((first, _)) = reset {
                edges.insert((id(&referred, *first), id(address, *then)));
            }
            former_last(context, steps, (&referred, &id(address, *then)), edges);
        }
        for referred in action.operation.references() {
            let steps = drafts.get(&referred).map_or(&[][..], |draft| &draft.steps);
            let at = |wanted: Step| steps.iter().position(|(step, _)| *step == wanted);
            let Some(made) = at(Step::Create).or_else(|| at(Step::Start)) else { continue };
            edges.insert((id(&referred, steps[made].0), id(address, *then)));
            former_last(context, &steps[made..], (&referred, &id(address, *then)), edges);
        }
    }
}

/// Has the pods that another one took the place of go once nobody refers to them any more.
fn former_last(
    context: &Context<'_>,
    steps: &[(Step, Action)],
    (referred, told): (&Address, &ActionId),
    edges: &mut Edges,
) {
    // In waves the old one goes before the next is made, for which those that refer to both would wait.
    if context.wanted(referred).and_then(Wanted::pod).is_some_and(|pod| pod.at_once.is_some()) {
        return;
    }
    let goes = |(step, action): &&(Step, Action)| match step {
        Step::Delete => steps.first().is_some_and(|(first, _)| *first != Step::Delete),
        Step::DeleteDeposed => action.reason == Reason::Deposed,
        _ => false,
    };
    let former = steps.iter().filter(goes);
    edges.extend(former.map(|(step, _)| (told.clone(), ActionId { address: referred.clone(), step: *step })));
}
