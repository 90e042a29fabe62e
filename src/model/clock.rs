//! Time as records hold it.

use std::fmt;

pub use jiff::{SignedDuration, Timestamp};

/// Tells the time for records. Waiting uses the runtime's timers instead, which tests pause.
pub trait Clock {
    /// Returns the present time.
    fn now(&self) -> Timestamp;

    /// Returns the time by a clock that goes on while this computer is suspended, where this is one: what waiting is
    /// measured with stands still then.
    fn awake(&self) -> Option<Timestamp> {
        None
    }
}

/// A moment as records keep it.
///
/// Ages that matter beyond one run are told by the provider's clock alone: that of this computer may jump, and a state
/// may be read on another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the clock of this computer, for people.
    pub here: Timestamp,
    /// By the provider's clock, where an answer told it.
    pub there: Option<Timestamp>,
}

/// An age or a waiting time as people read it: `12 s`, `3 min`, `5 h`, `9 days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub SignedDuration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs().max(0);
        match seconds {
            0..=119 => write!(f, "{seconds} s"),
            120..=7_199 => write!(f, "{} min", seconds / 60),
            7_200..=172_799 => write!(f, "{} h", seconds / 3_600),
            _ => write!(f, "{} days", seconds / 86_400),
        }
    }
}
