//! How fast the time of an account goes, beside that of this computer.

use std::time::Duration;

/// Seconds of the account's time that pass in a second of this computer's: 1 at RunPod, more at a simulator that says so.
///
/// What a spec says of an account, such as how long a pod may take to run, is in the account's time. It is measured by the
/// clock of this computer that never jumps, times this: a date that an answer tells makes no wait shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed(u32);

impl Speed {
    /// That of RunPod.
    pub const REAL: Self = Self(1);
    /// The largest that is believed, and the largest at which `podform simulate` serves.
    const LARGEST: u32 = 200;

    /// Reads a speed that an answer tells; `None` if it is no number from 1 to 200.
    pub fn told(text: &str) -> Option<Self> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let speed = text.parse().ok().filter(|speed| is_number && (1..=Self::LARGEST).contains(speed))?;
        Some(Self(speed))
    }

    /// Returns how much of the account's time passes in so much of this computer's.
    pub fn there(self, here: Duration) -> Duration {
        here.saturating_mul(self.0)
    }

    /// Returns how long this computer waits until so much of the account's time has passed.
    pub fn here(self, there: Duration) -> Duration {
        // Never a moment too early: what is due then would not be due yet.
        there.saturating_add(Duration::from_nanos(u64::from(self.0 - 1))) / self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_number_within_bounds() {
        let told =
            ["20", "1", "200", "0", "201", "-1", "+2", "", " 20", "2e1", "99999999999"].map(Speed::told);
        let speed = |factor| Some(Speed(factor));
        let none = [None; 8];
        assert_eq!(told[..3], [speed(20), speed(1), speed(200)]);
        assert_eq!(told[3..], none);
    }

    #[test]
    fn time_there_is_that_much_more_than_time_here() {
        let speed = Speed(7);
        assert_eq!(speed.there(Duration::from_secs(60)), Duration::from_secs(420));
        assert_eq!(speed.there(Duration::MAX), Duration::MAX);
        for there in [Duration::ZERO, Duration::from_secs(60), Duration::from_nanos(1)] {
            assert!(speed.there(speed.here(there)) >= there, "{there:?}");
        }
        assert_eq!(Speed::REAL.here(Duration::from_secs(60)), Duration::from_secs(60));
    }
}
