//! What a running apply tells the person who watches it. Nothing depends on it being seen.

use std::collections::BTreeSet;
use std::time::Duration;

use super::address::Address;
use super::outcome::{Ended, Recovered};
use super::plan::ActionId;

/// One thing worth saying while an apply runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The action's first request is about to go out.
    Began(ActionId),
    /// An attempt was refused; the next one follows if there is one.
    AttemptRefused {
        action: ActionId,
        /// In words: what was tried and what came of it.
        why: String,
    },
    /// The request was taken; the object is waited for.
    Waiting {
        action: ActionId,
        /// What it is waiting for, such as `RUNNING, is STARTING`.
        what: String,
    },
    /// Nothing is sent until the API's quota allows it.
    QuotaWait(Duration),
    /// Nothing is free for these: the run gives its lock back and tries again later.
    CapacityWait {
        addresses: BTreeSet<Address>,
        /// Time until the next try.
        next: Duration,
        /// Time until the last try, of the most patient one.
        left: Duration,
    },
    /// What the run waited to do was done by somebody else.
    NotNeeded(ActionId),
    /// Creates whose fate is unknown are being looked up.
    Settling {
        addresses: Vec<Address>,
        /// Longest time until it is certain.
        remaining: Duration,
    },
    /// The action ended.
    Ended { action: ActionId, ended: Ended },
    /// An action that an earlier run left open was resolved.
    Recovered(Recovered),
    /// A signal came: nothing more is begun, what is on the wire is awaited.
    Interrupted {
        /// How many requests are on the wire.
        in_flight: usize,
    },
}
