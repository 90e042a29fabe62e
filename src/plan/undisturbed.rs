//! What is up goes on as it is until it is known that what it waits for comes up.
//!
//! A pod that is replaced or reset is of no use before what it waits for is there, and without it may be of none at all: a bad
//! image of a database is no reason to lose what serves from its cache. So what takes a pod down waits for the same as what
//! brings it up again. That is a wish, and no necessity: where something has to be away before there can be what it
//! waits for, it goes first.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::desired::Wanted;
use crate::model::plan::{Action, ActionId, Step};
use crate::model::pod::RunState;

use super::draft::Draft;
use super::graph::{Edges, awaited, id, takes_down};
use super::{Context, Drafts};

/// Adds to the order what keeps pods up, as far as it leads to no cycle; `wishes` is what does so beside what is awaited.
pub(super) fn keep_up(
    context: &Context<'_>,
    drafts: &Drafts<'_>,
    wishes: impl Iterator<Item = (ActionId, ActionId)>,
    edges: &mut Edges,
) {
    let mut wishes: Edges = wishes.collect();
    for (address, draft) in drafts {
        let Some(Wanted::Pod(pod)) = context.wanted(address) else { continue };
        let Some(down) = taken_down(draft).filter(|_| pod.run == RunState::Running) else { continue };
        let awaited = awaited(drafts, pod, draft).into_iter();
        wishes.extend(awaited.map(|first| (first, id(address, down))));
    }
    add_without_cycles(edges, wishes);
}

/// Returns the first step that ends a container. A former pod counts, as it may be the one that serves.
fn taken_down(draft: &Draft<'_>) -> Option<Step> {
    let ends = |(step, action): &&(Step, Action)| {
        takes_down(*step) || *step == Step::DeleteDeposed || action.operation.resets()
    };
    draft.steps.iter().find(ends).map(|(step, _)| *step)
}

/// Adds edges in their order, but for those that would close a cycle.
fn add_without_cycles(edges: &mut Edges, mut wishes: Edges) {
    wishes.retain(|wish| !edges.contains(wish));
    if wishes.is_empty() {
        return;
    }
    let circles = circles(edges.iter().chain(&wishes));
    let is_in_one = |(first, then): &(ActionId, ActionId)| circles.get(first) == circles.get(then);
    let (doubtful, free): (Vec<_>, Vec<_>) = wishes.into_iter().partition(is_in_one);
    edges.extend(free);
    for (first, then) in doubtful {
        if !reaches(edges, &then, &first) {
            edges.insert((first, then));
        }
    }
}

/// Returns for each action the number of the circle that it is in: actions that each other can be reached from.
fn circles<'e>(edges: impl Iterator<Item = &'e (ActionId, ActionId)>) -> BTreeMap<ActionId, usize> {
    let mut graph: DiGraph<&ActionId, ()> = DiGraph::new();
    let mut nodes: BTreeMap<&ActionId, NodeIndex> = BTreeMap::new();
    for (first, then) in edges {
        let [first, then] =
            [first, then].map(|action| *nodes.entry(action).or_insert_with(|| graph.add_node(action)));
        graph.add_edge(first, then, ());
    }
    let components = tarjan_scc(&graph).into_iter().enumerate();
    let numbered = components.flat_map(|(number, nodes)| nodes.into_iter().map(move |node| (node, number)));
    numbered.map(|(node, number)| (graph[node].clone(), number)).collect()
}

fn reaches(edges: &Edges, from: &ActionId, to: &ActionId) -> bool {
    let mut after: BTreeMap<&ActionId, Vec<&ActionId>> = BTreeMap::new();
    for (first, then) in edges {
        after.entry(first).or_default().push(then);
    }
    let mut seen: BTreeSet<&ActionId> = BTreeSet::new();
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(after.get(id).into_iter().flatten());
        }
    }
    seen.contains(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(&str, &str)]) -> Edges {
        let id = |text: &str| {
            let (address, step) = text.split_once(':').unwrap();
            let step = match step {
                "create" => Step::Create,
                "delete" => Step::Delete,
                other => panic!("{other}"),
            };
            id(&address.parse().unwrap(), step)
        };
        pairs.iter().map(|(first, then)| (id(first), id(then))).collect()
    }

    fn kept(needed: &[(&str, &str)], wishes: &[(&str, &str)]) -> Vec<String> {
        let mut all = edges(needed);
        add_without_cycles(&mut all, edges(wishes));
        let needed = edges(needed);
        let added = all.difference(&needed).map(|(first, then)| format!("{first} before {then}"));
        added.collect()
    }

    const REPLACED: [(&str, &str); 3] =
        [("a:delete", "a:create"), ("b:delete", "b:create"), ("c:delete", "c:create")];
    const WISHES: [(&str, &str); 2] = [("a:create", "b:delete"), ("b:create", "c:delete")];

    #[test]
    fn what_can_stay_up_does() {
        assert_eq!(kept(&REPLACED, &WISHES), ["a:create before b:delete", "b:create before c:delete"]);
        assert_eq!(kept(&REPLACED, &[("a:delete", "a:create")]), [""; 0]);
    }

    /// `a` mounts what `b`, or `c`, has to let go of first.
    #[test]
    fn what_is_in_the_way_goes_first() {
        let mut needed = REPLACED.to_vec();
        needed.extend([("b:delete", "volume.x:create"), ("volume.x:create", "a:create")]);
        assert_eq!(kept(&needed, &WISHES), ["b:create before c:delete"]);
        let mut needed = REPLACED.to_vec();
        needed.extend([("c:delete", "volume.x:create"), ("volume.x:create", "a:create")]);
        // One of both has to give way: the one that stands last.
        assert_eq!(kept(&needed, &WISHES), ["a:create before b:delete"]);
    }
}
