//! Lengths of time that a spec says.

use std::fmt;
use std::time::Duration;

/// A length of time in whole seconds, as a spec has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Seconds(pub u32);

impl Seconds {
    /// Returns it as the runtime's timers take it.
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

/// Writes it in the largest unit that leaves no rest: `90s`, `10m`, `2h`.
impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds if seconds > 0 && seconds % 3_600 == 0 => write!(f, "{}h", seconds / 3_600),
            seconds if seconds > 0 && seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_the_largest_unit_that_fits() {
        let written = [0, 59, 60, 90, 600, 3_600, 7_200, 5_400].map(|seconds| Seconds(seconds).to_string());
        assert_eq!(written, ["0s", "59s", "1m", "90s", "10m", "1h", "2h", "90m"]);
    }
}
