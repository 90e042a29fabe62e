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
            // As a spec has it, so that what was waited reads as what was given.
            3_600..=3_659 => f.write_str("1 h"),
            120..=7_199 => write!(f, "{} min", seconds / 60),
            7_200..=172_799 => write!(f, "{} h", seconds / 3_600),
            _ => write!(f, "{} days", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_one_unit() {
        let told = |seconds| Age(SignedDuration::from_secs(seconds)).to_string();
        let times = [-5, 119, 120, 3_599, 3_600, 3_659, 3_660, 5_400, 7_199, 7_200, 172_800].map(told);
        assert_eq!(
            times,
            ["0 s", "119 s", "2 min", "59 min", "1 h", "1 h", "61 min", "90 min", "119 min", "2 h", "2 days"]
        );
    }
}
