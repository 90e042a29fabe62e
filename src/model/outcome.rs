//! How an apply ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::address::Address;
use super::id::{PodId, RemoteId};
use super::plan::ActionId;

/// How each action of an apply ended. It never says "success" while anything is unknown.
#[must_use = "what an apply left undone must be shown"]
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Every action of the plan.
    pub actions: BTreeMap<ActionId, Ended>,
    /// What ended the apply early, if anything did.
    pub stopped_by: Option<StoppedBy>,
}

impl Outcome {
    /// Returns where a pod that was to start was terminated, so that another one takes its place.
    pub fn made_anew(&self) -> BTreeSet<Address> {
        let made = self.actions.iter().filter(|(_, ended)| ended.replaced);
        made.map(|(id, _)| id.address.clone()).collect()
    }

    /// Tells whether every action is done.
    pub fn is_complete(&self) -> bool {
        self.stopped_by.is_none()
            && self.actions.values().all(|ended| matches!(ended.result, EndResult::Done))
    }
}

/// How one action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whether it is done.
    pub result: EndResult,
    /// The object that it was about, if there is one.
    pub id: Option<RemoteId>,
    /// Each attempt that came to nothing, in order, in words.
    pub attempts: Vec<String>,
    /// Those of them that made a pod which never ran and was given up, with what that cost.
    pub given_up: Vec<String>,
    /// Whether the pod that it was to start could not come back and was terminated, so that another one takes its place.
    pub replaced: bool,
    /// How long after the action began its pod was ready, where it was asked; by the provider's clock in a simulated
    /// world.
    pub ready_after: Option<Duration>,
    /// The last lines that a pod wrote which is not ready.
    pub log: Vec<String>,
    /// Why another apply alone does not mend a failure.
    pub lasting: Option<Lasting>,
}

/// A failure of what is there as far as RunPod is asked for it, so that no plan finds anything to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lasting {
    /// The pod runs and is not ready.
    NotReady,
    /// The pod never ran, and is kept as it could not be given up.
    NeverRan,
    /// The job has ended otherwise than something waited for.
    JobEnded,
}

impl Ended {
    /// Returns the end of an action of which no more is known.
    pub fn new(result: EndResult) -> Self {
        Self {
            result,
            id: None,
            attempts: Vec::new(),
            given_up: Vec::new(),
            replaced: false,
            ready_after: None,
            log: Vec::new(),
            lasting: None,
        }
    }
}

/// Whether an action is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndResult {
    /// Done and read back.
    Done,
    /// Not done, for this reason.
    Failed(String),
    /// Refused for now, for this reason, which passes by itself.
    Waiting(String),
    /// Refused as nothing is free, for this reason; the run is to try it again.
    NoCapacity(String),
    /// Not begun, for this reason.
    Skipped(String),
    /// Not known whether it is done; the next run looks again.
    Unknown(String),
}

/// What ended an apply early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoppedBy {
    /// A signal.
    Interrupt,
    /// The account has no money left.
    NoFunds,
    KeyRefused(String),
    /// The API is retired or cannot be used at all.
    ApiUnusable(String),
    /// The journal could not be written; nothing more was sent.
    Journal(String),
    /// A mistake in podform itself: an action panicked.
    Bug(String),
}

/// What became of an action that an earlier run left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    pub action: ActionId,
    /// What was found.
    pub fate: Fate,
}

/// What was found of an action that an earlier run left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The create had happened: the object is recorded.
    Adopted {
        /// The object.
        id: RemoteId,
        /// Pods that the same create had made besides and that were terminated.
        retired: BTreeSet<PodId>,
    },
    /// The create had not happened, and cannot happen any more.
    NotDone,
    /// Several pods carry its token and none was touched: a person must look at them.
    Doubtful(BTreeSet<PodId>),
    /// No create, or its object is recorded: the next plan compares what is live.
    LeftToPlan,
    /// It could not be found out; it stays open.
    Undecided(String),
}
