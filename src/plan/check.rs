//! The invariants of every plan, checked by every test that makes one. Those here need nothing but the plan, so that a
//! saved one is held to them too; `bounds` has those that need what it was made from.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::{has_path_connecting, is_cyclic_directed};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::address::{Address, Key, Kind};
use crate::model::id::RemoteId;
use crate::model::marker::Token;
use crate::model::plan::{
    Action, ActionId, Attempt, OnStuck, Operation, Plan, PodCreation, RecordAfter, Step,
};
use crate::model::pod::Placement;

/// An invariant that a plan breaks: a defect of the planner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The order has a cycle.
    #[error("the order of the actions has a cycle")]
    Cycle,
    /// An edge names an action that the plan does not have.
    #[error("an edge names `{0}`, which is not in the plan")]
    DanglingEdge(ActionId),
    /// The steps of one address are not in a line, so that two of them could run at once.
    #[error("the steps of `{0}` are not ordered")]
    Unordered(Address),
    /// An address is unchanged and yet has actions, or is held and has others than its move.
    #[error("`{0}` is held or unchanged and has actions")]
    HeldWithActions(Address),
    /// Two addresses act on the same remote object.
    #[error("`{1}` is acted upon by `{0}` and another address")]
    SharedObject(Address, RemoteId),
    /// Two addresses would record the same remote object.
    #[error("`{0}` would be recorded at two addresses")]
    RecordedTwice(RemoteId),
    /// Two attempts carry the same token.
    #[error("token `{0}` is used twice")]
    RepeatedToken(Token),
    /// A create without a candidate, or with the same one twice.
    #[error("`{0}` has no candidates, or one of them twice")]
    Candidates(ActionId),
    /// What is sent is not what the step says.
    #[error("`{0}` sends something else than its step says")]
    Operation(ActionId),
    /// The record after an action does not fit the action.
    #[error("`{0}` leaves a record that does not fit it")]
    Record(ActionId),
    /// An address has actions that the command line left out, or that nothing it names needs.
    #[error("`{0}` has actions and is no part of what was asked for")]
    OutOfBounds(Address),
    /// Something goes that what was left out depends on.
    #[error("`{0}` goes, and `{1}`, which was left out, depends on it")]
    StillNeeded(Address, Address),
    /// More replicas of a key can be down at once than the plan says.
    #[error("more than {1} replicas of `{0}` may be down at once")]
    TooManyDown(Key, u32),
    /// An address acts on an object that neither its record nor the journal has, and that it does not take over.
    #[error("`{0}` acts on `{1}`, which is not known to be its own")]
    NotItsOwn(Address, RemoteId),
    /// A pod that is to run on is taken down before what it waits for is there.
    #[error("`{0}` does not wait for `{1}`, which is needed to bring it up again")]
    DownTooEarly(ActionId, ActionId),
    /// Something begins before a pod runs that it waits for and that an earlier run has brought on its way.
    #[error("`{0}` begins before `{1}` runs")]
    TooEarly(ActionId, Address),
    /// An action sends what follows from the id of a pod that nothing before it brings up.
    #[error("`{0}` refers to `{1}`, which nothing before it brings up")]
    Untold(ActionId, Address),
}

/// Returns every invariant that a plan breaks; none for a sound plan.
pub fn check(plan: &Plan) -> Vec<Violation> {
    let mut violations = Vec::new();
    check_order(plan, &mut violations);
    check_addresses(plan, &mut violations);
    check_records(plan, &mut violations);
    check_references(plan, &mut violations);
    let mut tokens = BTreeSet::new();
    for (id, action) in &plan.actions {
        check_operation(id, action, &mut violations);
        check_record(id, action, &mut violations);
        for token in tokens_of(id, action, &mut violations) {
            if !tokens.insert(token.clone()) {
                violations.push(Violation::RepeatedToken(token));
            }
        }
    }
    violations
}

/// No object is put on record at two addresses: the state would refuse it, and so the rest of the run.
fn check_records(plan: &Plan, violations: &mut Vec<Violation>) {
    let mut owners: BTreeMap<&RemoteId, &Address> = BTreeMap::new();
    for (id, action) in &plan.actions {
        let Some(object) = action.record.id() else { continue };
        let owner = *owners.entry(object).or_insert(&id.address);
        if *owner != id.address {
            violations.push(Violation::RecordedTwice(object.clone()));
        }
    }
}

fn check_order(plan: &Plan, violations: &mut Vec<Violation>) {
    let mut graph: DiGraph<(), ()> = DiGraph::new();
    let nodes: BTreeMap<&ActionId, NodeIndex> =
        plan.actions.keys().map(|action| (action, graph.add_node(()))).collect();
    for (first, then) in &plan.edges {
        match (nodes.get(first), nodes.get(then)) {
            (Some(first), Some(then)) => {
                graph.add_edge(*first, *then, ());
            }
            (None, _) => violations.push(Violation::DanglingEdge(first.clone())),
            (Some(_), None) => violations.push(Violation::DanglingEdge(then.clone())),
        }
    }
    if is_cyclic_directed(&graph) {
        violations.push(Violation::Cycle);
    }
    // Steps of one address stand side by side, as ids sort by address first.
    for (left, left_node) in &nodes {
        let same_address =
            nodes.range::<&ActionId, _>(left..).take_while(|(right, _)| right.address == left.address);
        for (_, right_node) in same_address.skip(1) {
            let ordered = has_path_connecting(&graph, *left_node, *right_node, None)
                || has_path_connecting(&graph, *right_node, *left_node, None);
            if !ordered {
                violations.push(Violation::Unordered(left.address.clone()));
            }
        }
    }
}

/// What an action sends is known when it begins.
fn check_references(plan: &Plan, violations: &mut Vec<Violation>) {
    let mut firsts = None;
    for (id, action) in &plan.actions {
        let references = action.operation.references();
        if references.is_empty() {
            continue;
        }
        let before = before(firsts.get_or_insert_with(|| firsts_of(plan)), id);
        let brings_up = |step| matches!(step, Step::Create | Step::Start);
        for pod in references {
            if !before.iter().any(|first| first.address == pod && brings_up(first.step)) {
                violations.push(Violation::Untold(id.clone(), pod));
            }
        }
    }
}

/// What each action waits for.
type Firsts<'p> = BTreeMap<&'p ActionId, Vec<&'p ActionId>>;

fn firsts_of(plan: &Plan) -> Firsts<'_> {
    let mut firsts = Firsts::new();
    for (first, then) in &plan.edges {
        firsts.entry(then).or_default().push(first);
    }
    firsts
}

/// Returns what is done before an action begins.
fn before<'p>(firsts: &Firsts<'p>, action: &ActionId) -> BTreeSet<&'p ActionId> {
    let mut before = BTreeSet::new();
    let mut open: Vec<&ActionId> = vec![action];
    while let Some(then) = open.pop() {
        for first in firsts.get(then).into_iter().flatten() {
            if before.insert(*first) {
                open.push(first);
            }
        }
    }
    before
}

fn check_addresses(plan: &Plan, violations: &mut Vec<Violation>) {
    let mut owners: BTreeMap<RemoteId, Address> = BTreeMap::new();
    for (id, action) in &plan.actions {
        let is_left = plan.held.contains_key(&id.address) && id.step != Step::Move;
        if is_left || plan.unchanged.contains(&id.address) {
            violations.push(Violation::HeldWithActions(id.address.clone()));
        }
        for object in objects_of(&action.operation) {
            let owner = owners.entry(object.clone()).or_insert_with(|| id.address.clone());
            if *owner != id.address {
                violations.push(Violation::SharedObject(id.address.clone(), object));
            }
        }
    }
}

/// Returns the remote objects that an operation acts upon.
pub(super) fn objects_of(operation: &Operation) -> Vec<RemoteId> {
    match operation {
        Operation::Local
        | Operation::CreateSecret { .. }
        | Operation::CreateRegistry { .. }
        | Operation::CreateVolume { .. }
        | Operation::AwaitJob { .. }
        | Operation::CreatePod(_) => Vec::new(),
        Operation::SetSecret { id, value: _, set_at: _ } | Operation::DeleteSecret { id } => {
            vec![RemoteId::Secret(id.clone())]
        }
        Operation::GrowVolume { id, size: _ } | Operation::DeleteVolume { id } => {
            vec![RemoteId::Volume(id.clone())]
        }
        Operation::UpdatePod { id, patch: _, disruption: _ }
        | Operation::StartPod { id, .. }
        | Operation::StopPod { id } => vec![RemoteId::Pod(id.clone())],
        Operation::AwaitPod { id } => vec![RemoteId::Pod(id.clone())],
        Operation::DeletePods { ids } => ids.iter().cloned().map(RemoteId::Pod).collect(),
        Operation::DeleteRegistries { ids } => ids.iter().cloned().map(RemoteId::Registry).collect(),
    }
}

fn check_operation(id: &ActionId, action: &Action, violations: &mut Vec<Violation>) {
    let kind = id.address.kind();
    let (is_pod, is_volume, is_secret) = (kind == Kind::Pod, kind == Kind::Volume, kind == Kind::Secret);
    let is_registry = kind == Kind::Registry;
    let fits = match &action.operation {
        Operation::Local => id.step.is_local(),
        Operation::CreateSecret { .. } => id.step == Step::Create && is_secret,
        Operation::SetSecret { .. } => id.step == Step::Update && is_secret,
        Operation::DeleteSecret { .. } => id.step == Step::Delete && is_secret,
        Operation::CreateRegistry { .. } => id.step == Step::Create && is_registry,
        Operation::DeleteRegistries { ids } => is_registry && deletes(id.step, ids.len()),
        Operation::CreateVolume { .. } => id.step == Step::Create && is_volume,
        Operation::GrowVolume { .. } => id.step == Step::Update && is_volume,
        Operation::DeleteVolume { .. } => id.step == Step::Delete && is_volume,
        Operation::CreatePod(_) => id.step == Step::Create && is_pod,
        Operation::UpdatePod { .. } => id.step == Step::Update && is_pod,
        Operation::StartPod { .. } => id.step == Step::Start && is_pod,
        Operation::StopPod { .. } => id.step == Step::Stop && is_pod,
        Operation::AwaitJob { .. } => id.step == Step::Await && is_pod,
        Operation::DeletePods { ids } => is_pod && deletes(id.step, ids.len()),
        Operation::AwaitPod { .. } => id.step == Step::Ready && is_pod,
    };
    if !fits {
        violations.push(Violation::Operation(id.clone()));
    }
}

/// Tells whether a step deletes so many objects: the one on record, or those that others took the place of.
fn deletes(step: Step, count: usize) -> bool {
    match step {
        Step::Delete => count == 1,
        Step::DeleteDeposed => count > 0,
        Step::Move
        | Step::Adopt
        | Step::Record
        | Step::Stop
        | Step::Update
        | Step::Start
        | Step::Await
        | Step::Create
        | Step::Ready
        | Step::Forget => false,
    }
}

fn check_record(id: &ActionId, action: &Action, violations: &mut Vec<Violation>) {
    let fits = match (&action.record, id.step) {
        (RecordAfter::Put { id: named, record }, step) => {
            let kind = record.object.kind() == id.address.kind();
            let named = match (step, named) {
                (Step::Create, None) => true,
                (Step::Create, Some(_)) | (_, None) => false,
                (_, Some(recorded)) => {
                    let objects = objects_of(&action.operation);
                    objects.is_empty() || objects.contains(recorded)
                }
            };
            let outlives = record.object.pod().and_then(|pod| pod.job.as_ref()).is_some_and(|job| job.gone);
            let puts = match step {
                Step::Delete => outlives,
                Step::DeleteDeposed | Step::Forget | Step::Move => false,
                Step::Adopt
                | Step::Record
                | Step::Stop
                | Step::Update
                | Step::Start
                | Step::Create
                | Step::Ready => true,
                Step::Await => false,
            };
            kind && named && puts
        }
        (RecordAfter::Remove { tombstone: _ }, Step::Delete | Step::DeleteDeposed | Step::Forget) => true,
        (RecordAfter::Remove { tombstone: _ }, _) => false,
        (RecordAfter::MovedFrom(from), step) => step == Step::Move && *from != id.address,
        (RecordAfter::Ended, step) => step == Step::Await,
        (RecordAfter::Deposed(_), step) => {
            matches!(step, Step::Delete | Step::DeleteDeposed | Step::Record)
        }
    };
    if !fits {
        violations.push(Violation::Record(id.clone()));
    }
}

fn tokens_of(id: &ActionId, action: &Action, violations: &mut Vec<Violation>) -> Vec<Token> {
    let creation = match &action.operation {
        Operation::CreateVolume { name: _, config: _, token }
        | Operation::CreateSecret { name: _, mark: _, value: _, token }
        | Operation::CreateRegistry { name: _, credentials: _, token } => return vec![token.clone()],
        Operation::CreatePod(creation) => creation.as_ref(),
        Operation::StartPod { on_stuck: OnStuck::Replace(creation), .. } => creation.as_ref(),
        Operation::StartPod { on_stuck: OnStuck::Fail | OnStuck::Wait(_), .. }
        | Operation::Local
        | Operation::SetSecret { .. }
        | Operation::DeleteSecret { .. }
        | Operation::DeleteRegistries { .. }
        | Operation::GrowVolume { .. }
        | Operation::DeleteVolume { .. }
        | Operation::UpdatePod { .. }
        | Operation::StopPod { .. }
        | Operation::DeletePods { .. }
        | Operation::AwaitPod { .. }
        | Operation::AwaitJob { .. } => return Vec::new(),
    };
    let PodCreation { container: _, access: _, wished: _, attempts, boot: _, retry: _ } = creation;
    let places: Vec<_> = attempts
        .iter()
        .map(|attempt| {
            let Placement { compute, cloud, .. } = &attempt.candidate.placement;
            (compute, cloud)
        })
        .collect();
    let distinct: BTreeSet<_> = places.iter().collect();
    if places.is_empty() || distinct.len() != places.len() {
        violations.push(Violation::Candidates(id.clone()));
    }
    let both = |attempt: &Attempt| [attempt.token.clone(), attempt.second_token.clone()];
    attempts.iter().flat_map(both).collect()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::kit::{attempt_token, delete, plan, with};
    use crate::model::desired::Lifecycle;
    use crate::model::id::{DataCenterId, VolumeId};
    use crate::model::plan::Held;
    use crate::model::prior::{Record, RecordedObject};
    use crate::model::size::Gigabytes;
    use crate::model::volume::{VolumeConfig, VolumeTier};

    fn forget() -> Action {
        with(Operation::Local, RecordAfter::Remove { tombstone: true })
    }

    fn create_volume(number: u32) -> Action {
        let config = VolumeConfig {
            size: Gigabytes(1),
            data_center: DataCenterId::new("EU-RO-1"),
            tier: VolumeTier::Standard,
        };
        let token = attempt_token("volume.a", number);
        let object = RecordedObject::Volume(config.clone());
        let record = Record::new(Some(token.clone()), Lifecycle::default(), object);
        let operation = Operation::CreateVolume { name: "a".to_owned(), config, token };
        with(operation, RecordAfter::put(None, record))
    }

    fn said(plan: &Plan) -> Vec<String> {
        check(plan).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_sound_plan_passes() {
        let actions = vec![
            ("volume.a:create", create_volume(0)),
            ("volume.b:create", create_volume(1)),
            ("llm:delete", delete("x")),
        ];
        assert_eq!(said(&plan(actions, [("llm:delete", "volume.a:create")])), [""; 0]);
    }

    #[test]
    fn disorder_is_found() {
        let pair = || vec![("a:delete", delete("x")), ("b:delete", delete("y"))];
        let cycle = plan(pair(), [("a:delete", "b:delete"), ("b:delete", "a:delete")]);
        assert_eq!(said(&cycle), ["the order of the actions has a cycle"]);
        let dangling = plan(pair(), [("a:delete", "c:delete")]);
        assert_eq!(said(&dangling), ["an edge names `c:delete`, which is not in the plan"]);
        let unordered = plan(vec![("a:delete", delete("x")), ("a:forget", forget())], []);
        assert_eq!(said(&unordered), ["the steps of `a` are not ordered"]);
    }

    #[test]
    fn two_masters_of_one_object_are_found() {
        let shared = plan(vec![("a:delete", delete("x")), ("b:delete", delete("x"))], []);
        assert_eq!(said(&shared), ["`x` is acted upon by `b` and another address"]);
        let mut held = plan(vec![("a:delete", delete("x"))], []);
        held.held.insert("a".parse().unwrap(), Held::Unreadable(String::new()));
        assert_eq!(said(&held), ["`a` is held or unchanged and has actions"]);
        let twice =
            plan(vec![("volume.a:create", create_volume(0)), ("volume.b:create", create_volume(0))], []);
        assert_eq!(check(&twice).len(), 1);
    }

    #[test]
    fn steps_that_do_something_else_are_found() {
        let wrong = plan(vec![("a:stop", delete("x"))], []);
        assert_eq!(
            said(&wrong),
            [
                "`a:stop` sends something else than its step says",
                "`a:stop` leaves a record that does not fit it",
            ]
        );
        let volume = with(
            Operation::DeleteVolume { id: VolumeId::new("v") },
            RecordAfter::MovedFrom("volume.b".parse().unwrap()),
        );
        assert_eq!(
            said(&plan(vec![("volume.a:delete", volume)], [])),
            ["`volume.a:delete` leaves a record that does not fit it",]
        );
    }
}
