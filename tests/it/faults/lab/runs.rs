//! Which runs of jobs really ended, so that no other one is told to have.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use podform::model::address::Address;
use podform::model::job::End;
use podform::model::marker::Token;
use podform::model::prior::{Prior, Recorded};
use podform::simulator::Simulation;
use podform::simulator::world::phase::{Outcome, Phase};
use podform::simulator::world::{World, job};
use podform::state::{Batch, RecordChange};

/// Watches the runs of jobs in the world, and what is written down of them.
pub struct Runs<'a> {
    simulation: &'a Simulation,
    /// By the run's token.
    seen: RefCell<BTreeMap<String, Seen>>,
    wrong: RefCell<BTreeSet<String>>,
}

/// What the world showed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// Its container was made.
    Began,
    /// Its command ended with this code, and its log says so.
    Ended(u32),
    /// The state that a process began with has its end, which was judged when it was written.
    OnRecord,
}

impl<'a> Runs<'a> {
    pub fn new(simulation: &'a Simulation) -> Self {
        Self { simulation, seen: RefCell::default(), wrong: RefCell::default() }
    }

    /// Takes what is on record for true.
    pub fn on_record(&self, prior: &Prior) {
        let mut seen = self.seen.borrow_mut();
        for recorded in prior.objects.values() {
            if let Some((run, _)) = told(recorded) {
                seen.entry(run.to_string()).or_insert(Seen::OnRecord);
            }
        }
    }

    /// Looks at the world: to be called whenever a log was read, as what it said is seen in the world only as long as
    /// the container is there.
    pub fn look(&self) {
        self.simulation.inspect(|world| self.take(world));
    }

    fn take(&self, world: &World) {
        let mut runs = self.seen.borrow_mut();
        for pod in world.all_pods() {
            let Some(run) = job::run(&pod.made.entrypoint) else { continue };
            let shown = match pod.phase {
                Phase::Up(boot) => match boot.outcome {
                    Outcome::Errand(errand)
                        if errand.told().iter().any(|at| boot.ready_at.after(*at) <= world.now()) =>
                    {
                        Seen::Ended(u32::from(errand.code))
                    }
                    Outcome::Errand(_)
                    | Outcome::Runs
                    | Outcome::Fails
                    | Outcome::Repeats(_)
                    | Outcome::Silent => Seen::Began,
                },
                Phase::Stopped { .. } | Phase::Lost { .. } | Phase::Gone { .. } => Seen::Began,
            };
            // A pod that was stopped may be started again with the same run.
            let kept = runs.entry(run.to_owned()).or_insert(shown);
            if *kept == Seen::Began {
                *kept = shown;
            }
        }
    }

    /// Judges what is about to be written down.
    pub fn writes(&self, batch: &Batch) {
        for change in &batch.changes {
            if let RecordChange::Put(address, recorded) = change {
                self.judge(address, recorded);
            }
        }
    }

    fn judge(&self, address: &Address, recorded: &Recorded) {
        let Some((run, told)) = told(recorded) else { return };
        let seen = self.seen.borrow().get(run.as_str()).copied();
        let is_true = match (seen, told) {
            (Some(Seen::OnRecord), _) => true,
            (Some(Seen::Ended(code)), told) => End::of_code(code) == told,
            (Some(Seen::Began) | None, End::Done | End::Failed(_)) => false,
            (Some(Seen::Began) | None, End::Unknown) => true,
        };
        if !is_true {
            let seen = seen.map_or("never began".to_owned(), |seen| format!("is seen as {seen:?}"));
            self.wrong.borrow_mut().insert(format!("the run {run} of {address} is told {told}, and {seen}"));
        }
    }

    /// Returns what was wrong at some moment.
    pub fn wrong(&self) -> Vec<String> {
        self.wrong.take().into_iter().collect()
    }
}

fn told(recorded: &Recorded) -> Option<(&Token, End)> {
    let job = recorded.record.object.pod()?.job.as_ref()?;
    Some((job.run.as_ref()?, job.ended?))
}
