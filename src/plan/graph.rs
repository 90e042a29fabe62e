//! The order of the actions: real dependencies only, as a directed graph without cycles.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::address::Address;
use crate::model::desired::{Wanted, WantedPod};
use crate::model::id::VolumeId;
use crate::model::live::Seen;
use crate::model::plan::{ActionId, Block, Operation, Step};
use crate::model::pod::Storage;

use super::draft::Draft;
use super::hold::{deleted_pods, is_taken_away, recorded_dependencies};
use super::references;
use super::registries::{self, Users};
use super::scope::dependencies;
use super::{Context, Drafts};

/// `(first, then)`.
pub(super) type Edges = BTreeSet<(ActionId, ActionId)>;

/// Returns the order of all steps.
pub(super) fn edges(context: &Context<'_>, drafts: &Drafts<'_>) -> Edges {
    let mut edges = Edges::new();
    let mut ended = BTreeMap::new();
    for (pod, by) in deleted_pods(drafts) {
        let live = context.inputs.live.pods.get(&pod).and_then(Seen::found);
        match live.map(|live| &live.settings.storage) {
            Some(Storage::Network { volume: id, path: _ }) => {
                ended.entry(id).or_insert_with(Vec::new).push(by);
            }
            Some(Storage::None | Storage::Local { .. }) | None => {}
        }
    }
    let users = drafts.values().any(ends_registries).then(|| Users::new(context, drafts));
    for (address, draft) in drafts {
        steps_in_order(address, draft, &mut edges);
        dependencies_first(context, drafts, address, draft, &mut edges);
        dependents_away_first(context, drafts, address, draft, &mut edges);
        mounting_pods_away_first(context, &ended, address, draft, &mut edges);
        moves_away_first(context, drafts, address, draft, &mut edges);
        registry_first(drafts, address, draft, &mut edges);
        references::referred_first(context, drafts, address, draft, &mut edges);
        if let Some(users) = &users {
            pulling_pods_away_first(users, address, draft, &mut edges);
        }
    }
    edges
}

pub(super) fn id(address: &Address, step: Step) -> ActionId {
    ActionId { address: address.clone(), step }
}

fn steps_in_order(address: &Address, draft: &Draft<'_>, edges: &mut Edges) {
    for pair in draft.steps.windows(2) {
        if let [(first, _), (then, _)] = pair {
            edges.insert((id(address, *first), id(address, *then)));
        }
    }
}

/// A create or start waits until what it depends on is there.
fn dependencies_first(
    context: &Context<'_>,
    drafts: &Drafts<'_>,
    address: &Address,
    draft: &Draft<'_>,
    edges: &mut Edges,
) {
    let Some(Wanted::Pod(pod)) = context.wanted(address) else { return };
    if let Some((then, _)) = brought_up(draft) {
        let awaited = awaited(drafts, pod, draft).into_iter();
        edges.extend(awaited.map(|first| (first, id(address, then))));
    }
}

/// Returns what is done to the dependencies of a pod before that is brought up.
pub(super) fn awaited(drafts: &Drafts<'_>, pod: &WantedPod, draft: &Draft<'_>) -> Vec<ActionId> {
    let Some((_, restarts)) = brought_up(draft) else { return Vec::new() };
    let awaited = dependencies(pod).into_iter().filter_map(|dependency| {
        let before = drafts.get(&dependency)?;
        if pod.until.contains_key(&dependency) && before.has(Step::Await) {
            return Some(id(&dependency, Step::Await));
        }
        let ready = before.steps.iter().rev().find(|(step, action)| {
            let names_volume = !dependency.is_pod() && matches!(step, Step::Adopt | Step::Move);
            let waits = *step == Step::Ready || action.ready.is_some();
            waits || brings_up(*step) || boots_with(&action.operation) || names_volume
        });
        // What a container was made with before it is made anew is known by its name already.
        let (first, _) = ready.filter(|(step, _)| !restarts || !step.is_local())?;
        Some(id(&dependency, *first))
    });
    awaited.collect()
}

/// Tells whether what boots after an operation boots with something else.
fn boots_with(operation: &Operation) -> bool {
    operation.resets() || matches!(operation, Operation::SetSecret { .. })
}

/// Returns the first step after which a container is there that others may have to be ready for, and whether it was there
/// before.
pub(super) fn brought_up(draft: &Draft<'_>) -> Option<(Step, bool)> {
    let steps = || draft.steps.iter();
    let up = steps().map(|(step, _)| *step).find(|step| brings_up(*step));
    let reset = || steps().find(|(_, action)| action.operation.resets()).map(|(step, _)| (*step, true));
    up.map(|step| (step, false)).or_else(reset)
}

fn brings_up(step: Step) -> bool {
    match step {
        Step::Create | Step::Start => true,
        Step::Move
        | Step::Adopt
        | Step::Record
        | Step::Stop
        | Step::Update
        | Step::Await
        | Step::Delete
        | Step::DeleteDeposed
        | Step::Forget
        | Step::Ready => false,
    }
}

pub(super) fn takes_down(step: Step) -> bool {
    match step {
        Step::Stop | Step::Delete => true,
        Step::Move
        | Step::Adopt
        | Step::Record
        | Step::Update
        | Step::Start
        | Step::Await
        | Step::DeleteDeposed
        | Step::Create
        | Step::Forget
        | Step::Ready => false,
    }
}

/// Deletes and stops run against the arrow, as the dependencies were when last applied. One that comes back in the
/// same plan is not waited for: its dependents need not go down for it.
fn dependents_away_first(
    context: &Context<'_>,
    drafts: &Drafts<'_>,
    address: &Address,
    draft: &Draft<'_>,
    edges: &mut Edges,
) {
    let Some(recorded) = context.renamed.recorded(address) else { return };
    let Some(first) = draft.steps.iter().rev().map(|(step, _)| *step).find(|step| takes_down(*step)) else {
        return;
    };
    for dependency in recorded_dependencies(recorded) {
        let Some(after) = drafts.get(&dependency).filter(|after| is_taken_away(after)) else { continue };
        if let Some(then) = after.steps.iter().map(|(step, _)| *step).find(|step| takes_down(*step)) {
            edges.insert((id(address, first), id(&dependency, then)));
        }
    }
}

/// A network volume is deleted after every pod that mounts it, recorded so or not. `ended` has by volume what
/// terminates them.
fn mounting_pods_away_first(
    context: &Context<'_>,
    ended: &BTreeMap<&VolumeId, Vec<(Address, Step)>>,
    address: &Address,
    draft: &Draft<'_>,
    edges: &mut Edges,
) {
    if address.is_pod() || !draft.has(Step::Delete) {
        return;
    }
    let ended = context.volumes.id(address).and_then(|volume| ended.get(volume));
    for (owner, step) in ended.into_iter().flatten() {
        edges.insert((id(owner, *step), id(address, Step::Delete)));
    }
}

/// Whatever sends the id of credentials waits until they are on record at their address.
fn registry_first(drafts: &Drafts<'_>, address: &Address, draft: &Draft<'_>, edges: &mut Edges) {
    for (then, action) in &draft.steps {
        let Some(registry) = registries::sent_by(&action.operation) else { continue };
        let steps = drafts.get(registry).map_or(&[][..], |draft| &draft.steps);
        let records = |step: &&Step| matches!(step, Step::Create | Step::Adopt | Step::Move);
        if let Some(first) = steps.iter().rev().map(|(step, _)| step).find(records) {
            edges.insert((id(registry, *first), id(address, *then)));
        }
    }
}

fn ends_registries(draft: &Draft<'_>) -> bool {
    draft.steps.iter().any(|(_, action)| registries::ended_by(&action.operation).next().is_some())
}

/// Credentials are deleted after every pod that pulls with them has left them.
fn pulling_pods_away_first(users: &Users<'_>, address: &Address, draft: &Draft<'_>, edges: &mut Edges) {
    for (then, action) in &draft.steps {
        for (owner, step) in registries::ended_by(&action.operation).flat_map(|ended| users.leaving(ended)) {
            edges.insert((id(owner, *step), id(address, *then)));
        }
    }
}

/// A record moves to an address that another record leaves only after that one has left.
fn moves_away_first(
    context: &Context<'_>,
    drafts: &Drafts<'_>,
    address: &Address,
    draft: &Draft<'_>,
    edges: &mut Edges,
) {
    if !draft.has(Step::Move) {
        return;
    }
    let to = context.renamed.address_now(address);
    let leaves = context.renamed.moves.get(&to) == Some(address);
    if leaves && drafts.get(&to).is_some_and(|draft| draft.has(Step::Move)) {
        edges.insert((id(&to, Step::Move), id(address, Step::Move)));
    }
}

/// Returns the cycles of the graph, each as its actions.
pub(super) fn cycles(edges: &Edges) -> Vec<Block> {
    let mut graph: DiGraph<&ActionId, ()> = DiGraph::new();
    let mut nodes: BTreeMap<&ActionId, NodeIndex> = BTreeMap::new();
    for (first, then) in edges {
        let [first, then] =
            [first, then].map(|action| *nodes.entry(action).or_insert_with(|| graph.add_node(action)));
        graph.add_edge(first, then, ());
    }
    if toposort(&graph, None).is_ok() {
        return Vec::new();
    }
    let components = tarjan_scc(&graph).into_iter();
    let cyclic =
        components.filter(|nodes| nodes.len() > 1 || nodes.iter().any(|n| graph.contains_edge(*n, *n)));
    let mut cycles: Vec<Vec<ActionId>> = cyclic
        .map(|nodes| {
            let mut actions: Vec<ActionId> = nodes.iter().map(|node| graph[*node].clone()).collect();
            actions.sort();
            actions
        })
        .collect();
    cycles.sort();
    cycles.into_iter().map(Block::Cycle).collect()
}
