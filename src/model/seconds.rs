//! Lengths of time as people write them, in a spec and in a command.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Seconds(pub u32);

impl Seconds {
    /// Returns it as the runtime's timers take it.
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

/// The longest length of time that is read: a year of 366 days.
const LONGEST: u32 = 366 * 24 * 3_600;

/// Why a text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTime {
    #[error("write a whole number and a unit, such as 90s, 20m or 2h")]
    Form,
    #[error("a year is the longest")]
    TooLong,
}

/// Reads `90s`, `10m` or `10min`, `2h`, `1d`.
impl FromStr for Seconds {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = match unit {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(NoTime::Form),
        };
        let number = number.trim_start_matches('0');
        match (digits, number) {
            (0, _) => Err(NoTime::Form),
            (_, "") => Ok(Self(0)),
            (_, number) => {
                let seconds = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
                seconds.filter(|seconds| *seconds <= LONGEST).map(Self).ok_or(NoTime::TooLong)
            }
        }
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
    fn times_take_a_number_and_a_unit() {
        let read = |text: &str| text.parse::<Seconds>().map(|seconds| seconds.0);
        let times = ["90s", "20m", "20min", "2h", "1d", "0s", "007s", "366d"].map(read);
        assert_eq!(times, [90, 1_200, 1_200, 7_200, 86_400, 0, 7, 31_622_400].map(Ok));
        for text in ["", "2", "h", "-1s", "1.5h", "2 h", "1w", "é", "٣s"] {
            assert_eq!(read(text), Err(NoTime::Form), "{text}");
        }
        for text in ["367d", "99999999999999999999s", "4294967295h"] {
            assert_eq!(read(text), Err(NoTime::TooLong), "{text}");
        }
    }

    #[test]
    fn times_are_written_in_the_largest_unit_that_fits() {
        let written = [0, 59, 60, 90, 600, 3_600, 7_200, 5_400].map(|seconds| Seconds(seconds).to_string());
        assert_eq!(written, ["0s", "59s", "1m", "90s", "10m", "1h", "2h", "90m"]);
    }
}
