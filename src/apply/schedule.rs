//! Which action runs next.
//!
//! Order comes from the plan's edges alone; among actions that could run, what frees money without losing anything
//! goes first and what destroys goes last. An action that is not done takes everything that depends on it with it;
//! all else goes on. Pure: the driver asks [`Schedule::ready`] and tells what became of each action.

use std::collections::BTreeMap;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Dfs;

use crate::model::plan::{Action, ActionId, Disruption, Operation, Plan, Step};

/// The actions of one plan and how far they are.
#[derive(Debug)]
pub struct Schedule {
    graph: DiGraph<ActionId, ()>,
    nodes: BTreeMap<ActionId, NodeIndex>,
    ranks: BTreeMap<ActionId, Rank>,
    progress: BTreeMap<ActionId, Progress>,
    parallelism: usize,
}

impl Schedule {
    /// Takes the order from a plan; at most `parallelism` actions run at once, at least one.
    pub fn new(plan: &Plan, parallelism: usize) -> Self {
        let mut graph = DiGraph::new();
        let nodes: BTreeMap<ActionId, NodeIndex> =
            plan.actions.keys().map(|id| (id.clone(), graph.add_node(id.clone()))).collect();
        for (first, then) in &plan.edges {
            if let (Some(first), Some(then)) = (nodes.get(first), nodes.get(then)) {
                graph.update_edge(*first, *then, ());
            }
        }
        let ranks = plan.actions.iter().map(|(id, action)| (id.clone(), rank(plan, id, action))).collect();
        let progress = plan.actions.keys().map(|id| (id.clone(), Progress::Waiting)).collect();
        Self { graph, nodes, ranks, progress, parallelism: parallelism.max(1) }
    }

    /// Returns the actions to begin at once, the preferred ones first, no more than there are free places.
    pub fn ready(&self) -> Vec<ActionId> {
        let running = self.progress.values().filter(|progress| **progress == Progress::Running).count();
        let mut ready: Vec<(Rank, &ActionId)> = self
            .waiting()
            .filter(|id| self.is_unlocked(id))
            .filter_map(|id| self.ranks.get(id).map(|rank| (*rank, id)))
            .collect();
        ready.sort();
        ready.into_iter().take(self.parallelism.saturating_sub(running)).map(|(_, id)| id.clone()).collect()
    }

    /// Notes that an action runs.
    pub fn begin(&mut self, id: &ActionId) {
        self.progress.insert(id.clone(), Progress::Running);
    }

    /// Notes that an action is done.
    pub fn done(&mut self, id: &ActionId) {
        self.progress.insert(id.clone(), Progress::Done);
    }

    /// Notes that an action is not done, and returns what is therefore not begun, each with the reason.
    pub fn not_done(&mut self, id: &ActionId) -> Vec<(ActionId, String)> {
        self.progress.insert(id.clone(), Progress::NotDone);
        let Some(node) = self.nodes.get(id) else { return Vec::new() };
        let mut dependents = Vec::new();
        let mut search = Dfs::new(&self.graph, *node);
        while let Some(node) = search.next(&self.graph) {
            dependents.push(self.graph[node].clone());
        }
        dependents.sort();
        self.skip(dependents, &format!("depends on `{id}`, which is not done"))
    }

    /// Begins nothing more, and returns what is therefore not begun.
    pub fn stop(&mut self, why: &str) -> Vec<(ActionId, String)> {
        let waiting = self.waiting().cloned().collect();
        self.skip(waiting, why)
    }

    fn waiting(&self) -> impl Iterator<Item = &ActionId> {
        self.progress.iter().filter(|(_, progress)| **progress == Progress::Waiting).map(|(id, _)| id)
    }

    fn is_unlocked(&self, id: &ActionId) -> bool {
        self.nodes.get(id).is_some_and(|node| {
            self.graph
                .neighbors_directed(*node, Direction::Incoming)
                .all(|before| self.progress.get(&self.graph[before]) == Some(&Progress::Done))
        })
    }

    fn skip(&mut self, ids: Vec<ActionId>, why: &str) -> Vec<(ActionId, String)> {
        let mut skipped = Vec::new();
        for id in ids {
            if self.progress.get(&id) == Some(&Progress::Waiting) {
                self.progress.insert(id.clone(), Progress::NotDone);
                skipped.push((id, why.to_owned()));
            }
        }
        skipped
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    Running,
    Done,
    NotDone,
}

/// The preference among actions that could run, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Costs nothing and takes no time.
    Local,
    /// Frees money, loses nothing.
    Stop,
    InPlace,
    /// Creates, and deletes that make room for one.
    Create,
    Start,
    /// Wipes a container disk.
    Reset,
    Destroy,
}

fn rank(plan: &Plan, id: &ActionId, action: &Action) -> Rank {
    match &action.operation {
        Operation::Local => Rank::Local,
        Operation::StopPod { .. } => Rank::Stop,
        Operation::GrowVolume { .. } => Rank::InPlace,
        Operation::UpdatePod { disruption, .. } => match disruption {
            Disruption::InPlace | Disruption::NextStart => Rank::InPlace,
            Disruption::Reset | Disruption::Replace => Rank::Reset,
        },
        Operation::CreateVolume { .. } | Operation::CreatePod(_) => Rank::Create,
        Operation::StartPod { .. } => Rank::Start,
        Operation::DeleteVolume { .. } | Operation::DeletePods { .. } => {
            let create = ActionId { address: id.address.clone(), step: Step::Create };
            if plan.edges.contains(&(id.clone(), create)) { Rank::Create } else { Rank::Destroy }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::fixtures::{action, delete, id, plan, start, stop, update};

    fn names(ids: Vec<ActionId>) -> Vec<String> {
        ids.iter().map(ActionId::to_string).collect()
    }

    #[test]
    fn what_frees_money_goes_first_and_what_destroys_last() {
        let plan = plan(
            [
                ("a:delete", delete("pod-a")),
                ("b:create", action("b:create")),
                ("c:start", start("pod-c")),
                ("d:stop", stop("pod-d")),
                ("e:update", update("pod-e", Disruption::Reset)),
                ("f:update", update("pod-f", Disruption::InPlace)),
                ("g:forget", action("g:forget")),
                ("h:delete", delete("pod-h")),
                ("h:create", action("h:create")),
            ],
            [("h:delete", "h:create")],
        );
        assert_eq!(
            names(Schedule::new(&plan, 20).ready()),
            ["g:forget", "d:stop", "f:update", "b:create", "h:delete", "c:start", "e:update", "a:delete"]
        );
    }

    #[test]
    fn a_failed_action_skips_what_depends_on_it_and_nothing_else() {
        let plan = plan(
            ["a", "b", "c", "d"].map(|name| {
                let text: &'static str = match name {
                    "a" => "a:create",
                    "b" => "b:create",
                    "c" => "c:create",
                    _ => "d:create",
                };
                (text, action(text))
            }),
            [("a:create", "b:create"), ("b:create", "c:create")],
        );
        let mut schedule = Schedule::new(&plan, 2);
        assert_eq!(names(schedule.ready()), ["a:create", "d:create"]);
        schedule.begin(&id("a:create"));
        assert_eq!(names(schedule.ready()), ["d:create"]);
        let skipped = schedule.not_done(&id("a:create"));
        let why = "depends on `a:create`, which is not done".to_owned();
        assert_eq!(skipped, [(id("b:create"), why.clone()), (id("c:create"), why)]);
        assert_eq!(names(schedule.ready()), ["d:create"]);
    }

    #[test]
    fn a_done_action_unlocks_what_depends_on_it() {
        let plan = plan(
            [("a:create", action("a:create")), ("b:create", action("b:create"))],
            [("a:create", "b:create")],
        );
        let mut schedule = Schedule::new(&plan, 1);
        schedule.begin(&id("a:create"));
        assert_eq!(names(schedule.ready()), [""; 0]);
        schedule.done(&id("a:create"));
        assert_eq!(names(schedule.ready()), ["b:create"]);
    }

    #[test]
    fn after_a_stop_nothing_begins() {
        let plan = plan([("a:create", action("a:create")), ("b:create", action("b:create"))], []);
        let mut schedule = Schedule::new(&plan, 1);
        schedule.begin(&id("a:create"));
        assert_eq!(schedule.stop("interrupted"), [(id("b:create"), "interrupted".to_owned())]);
        schedule.done(&id("a:create"));
        assert_eq!(names(schedule.ready()), [""; 0]);
    }
}
