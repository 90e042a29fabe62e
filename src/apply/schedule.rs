//! Which action runs next.
//!
//! Order comes from the plan's edges alone; among actions that could run, what frees money without losing anything
//! goes first and what destroys goes last. An action that is not done takes everything that depends on it with it;
//! all else goes on. Pure: the driver asks [`Schedule::ready`] and tells what became of each action.
//!
//! What can run is kept up as actions end, so that a plan of ten thousand actions costs ten times one of a thousand.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::plan::{Action, ActionId, Disruption, Operation, Plan, Step};

/// The actions of one plan and how far they are.
#[derive(Debug)]
pub struct Schedule {
    entries: Vec<Entry>,
    places: BTreeMap<ActionId, usize>,
    /// Waiting actions that nothing keeps from running; ids of equal rank stand in their order.
    unlocked: BTreeSet<(Rank, usize)>,
    /// How many actions take up a place.
    running: usize,
    parallelism: usize,
}

/// One action.
#[derive(Debug)]
struct Entry {
    id: ActionId,
    rank: Rank,
    progress: Progress,
    /// How many actions must be done before it.
    before: usize,
    /// What waits for it.
    then: BTreeSet<usize>,
}

impl Schedule {
    /// Takes the order from a plan; at most `parallelism` actions run at once, at least one.
    pub fn new(plan: &Plan, parallelism: usize) -> Self {
        let entry = |(id, action): (&ActionId, &Action)| Entry {
            id: id.clone(),
            rank: rank(plan, id, action),
            progress: Progress::Waiting,
            before: 0,
            then: BTreeSet::new(),
        };
        let mut entries: Vec<Entry> = plan.actions.iter().map(entry).collect();
        let places: BTreeMap<ActionId, usize> =
            entries.iter().enumerate().map(|(place, entry)| (entry.id.clone(), place)).collect();
        for (first, then) in &plan.edges {
            if let (Some(first), Some(then)) = (places.get(first), places.get(then))
                && entries[*first].then.insert(*then)
            {
                entries[*then].before += 1;
            }
        }
        let free = entries.iter().enumerate().filter(|(_, entry)| entry.before == 0);
        let unlocked = free.map(|(place, entry)| (entry.rank, place)).collect();
        Self { entries, places, unlocked, running: 0, parallelism: parallelism.max(1) }
    }

    /// Returns the actions to begin at once, the preferred ones first, no more than there are free places.
    pub fn ready(&self) -> Vec<ActionId> {
        let free = self.parallelism.saturating_sub(self.running);
        self.unlocked.iter().take(free).map(|(_, place)| self.entries[*place].id.clone()).collect()
    }

    /// Notes that an action runs.
    pub fn begin(&mut self, id: &ActionId) {
        if let Some(place) = self.leave(id, Progress::Running) {
            self.unlocked.remove(&(self.entries[place].rank, place));
            self.running += 1;
        }
    }

    /// Notes that an action that runs sends nothing any more but looks, so that another one can have its place.
    pub fn watch(&mut self, id: &ActionId) {
        self.leave(id, Progress::Watching);
    }

    /// Notes that an action is done.
    pub fn done(&mut self, id: &ActionId) {
        let Some(place) = self.leave(id, Progress::Done) else { return };
        for then in std::mem::take(&mut self.entries[place].then) {
            let entry = &mut self.entries[then];
            entry.before -= 1;
            if entry.before == 0 && entry.progress == Progress::Waiting {
                self.unlocked.insert((entry.rank, then));
            }
        }
    }

    /// Notes that an action is not done, and returns what is therefore not begun, each with the reason.
    pub fn not_done(&mut self, id: &ActionId) -> Vec<(ActionId, String)> {
        let Some(place) = self.leave(id, Progress::NotDone) else { return Vec::new() };
        let mut dependents = BTreeSet::new();
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            open.extend(self.entries[place].then.iter().filter(|then| dependents.insert(**then)));
        }
        self.skip(dependents, &format!("depends on `{id}`, which is not done"))
    }

    /// Begins nothing more, and returns what is therefore not begun.
    pub fn stop(&mut self, why: &str) -> Vec<(ActionId, String)> {
        self.skip((0..self.entries.len()).collect(), why)
    }

    /// Notes how far an action is, and returns its place in the list.
    fn leave(&mut self, id: &ActionId, progress: Progress) -> Option<usize> {
        let place = *self.places.get(id)?;
        let entry = &mut self.entries[place];
        if entry.progress == Progress::Running {
            self.running -= 1;
        }
        entry.progress = progress;
        Some(place)
    }

    fn skip(&mut self, places: BTreeSet<usize>, why: &str) -> Vec<(ActionId, String)> {
        let mut skipped = Vec::new();
        for place in places {
            let entry = &mut self.entries[place];
            if entry.progress == Progress::Waiting {
                entry.progress = Progress::NotDone;
                self.unlocked.remove(&(entry.rank, place));
                skipped.push((entry.id.clone(), why.to_owned()));
            }
        }
        skipped
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    /// Takes up a place.
    Running,
    /// Runs without taking up a place.
    Watching,
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
        // It only looks, and what waits for it can begin the sooner.
        Operation::Local | Operation::AwaitPod { .. } => Rank::Local,
        Operation::StopPod { .. } => Rank::Stop,
        Operation::GrowVolume { .. } => Rank::InPlace,
        Operation::UpdatePod { disruption, .. } => match disruption {
            Disruption::InPlace | Disruption::NextStart => Rank::InPlace,
            Disruption::Reset | Disruption::Replace => Rank::Reset,
        },
        Operation::SetSecret { .. } => Rank::InPlace,
        Operation::CreateSecret { .. }
        | Operation::CreateRegistry { .. }
        | Operation::CreateVolume { .. }
        | Operation::CreatePod(_) => Rank::Create,
        // Takes no place once it waits, and nothing after it can begin before.
        Operation::AwaitJob { .. } => Rank::Local,
        Operation::StartPod { .. } => Rank::Start,
        Operation::DeleteSecret { .. }
        | Operation::DeleteRegistries { .. }
        | Operation::DeleteVolume { .. }
        | Operation::DeletePods { .. } => {
            let create = ActionId { address: id.address.clone(), step: Step::Create };
            if plan.edges.contains(&(id.clone(), create)) { Rank::Create } else { Rank::Destroy }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::{action, delete, id, plan, start, stop, update};

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
    fn an_action_that_only_looks_takes_up_no_place() {
        let plan = plan(
            [
                ("a:create", action("a:create")),
                ("b:create", action("b:create")),
                ("c:create", action("c:create")),
            ],
            [("a:create", "c:create")],
        );
        let mut schedule = Schedule::new(&plan, 1);
        schedule.begin(&id("a:create"));
        assert_eq!(names(schedule.ready()), [""; 0]);
        schedule.watch(&id("a:create"));
        assert_eq!(names(schedule.ready()), ["b:create"]);
        schedule.begin(&id("b:create"));
        schedule.done(&id("a:create"));
        assert_eq!(names(schedule.ready()), [""; 0]);
        schedule.done(&id("b:create"));
        assert_eq!(names(schedule.ready()), ["c:create"]);
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
