//! Exact money: whole micro-dollars, so that sums do not depend on their order.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

/// Hours in a month: the usual reading of RunPod's per-month rates, whose month length is not published.
pub const HOURS_PER_MONTH: i64 = 730;

/// A price in micro-dollars an hour, as the catalog has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Hourly(pub i64);

impl Hourly {
    /// Converts a price in dollars, rounded to the micro-dollar; `None` unless it is finite, positive and plausible.
    ///
    /// RunPod writes 0 where it means that it does not sell a card, so 0 is no price.
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        let micro = (dollars * 1e6).round();
        (1.0..=1e13).contains(&micro).then_some(Self(micro as i64))
    }

    /// Returns the price in dollars, for a request.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Returns what the price comes to in so many seconds, in dollars and cents, rounded up to a cent.
    pub fn spent_in(self, seconds: i64) -> String {
        let micro = self.0.saturating_mul(seconds).div_euclid(3_600);
        let cents = micro.saturating_add(9_999).div_euclid(10_000);
        format!("${}.{:02}", cents / 100, cents % 100)
    }

    /// Returns what the price comes to in a month.
    pub fn monthly(self) -> Monthly {
        Monthly(self.0.saturating_mul(HOURS_PER_MONTH))
    }
}

impl Mul<u32> for Hourly {
    type Output = Self;

    fn mul(self, count: u32) -> Self {
        Self(self.0.saturating_mul(i64::from(count)))
    }
}

impl fmt::Display for Hourly {
    /// Writes dollars with two to four decimals, as price lists do: `$0.74`, `$0.0375`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let tenths_of_mills = (self.0.unsigned_abs() + 50) / 100;
        let (dollars, rest) = (tenths_of_mills / 10_000, tenths_of_mills % 10_000);
        if rest % 100 == 0 {
            write!(f, "{sign}${dollars}.{:02}", rest / 100)
        } else {
            let digits = format!("{rest:04}");
            write!(f, "{sign}${dollars}.{}", digits.trim_end_matches('0'))
        }
    }
}

/// An amount in micro-dollars a month of [`HOURS_PER_MONTH`] hours; the unit of every sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Monthly(pub i64);

impl Monthly {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Returns the amount an hour, rounded to the nearest micro-dollar; for display only.
    pub fn hourly(self) -> Hourly {
        let half = if self.0 < 0 { -HOURS_PER_MONTH / 2 } else { HOURS_PER_MONTH / 2 };
        Hourly((self.0 + half) / HOURS_PER_MONTH)
    }
}

impl Add for Monthly {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Monthly {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Monthly {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Monthly {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Monthly {
    /// Writes dollars and cents with separated thousands: `$1,234.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = (self.0.unsigned_abs() + 5_000) / 10_000;
        write!(f, "{sign}${}.{:02}", Thousands(cents / 100), cents % 100)
    }
}

/// A whole number with separated thousands.
struct Thousands(u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 1_000 {
            write!(f, "{},{:03}", Thousands(self.0 / 1_000), self.0 % 1_000)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

/// A price of the catalog, which may be unknown: RunPod publishes 0 or null for some cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Price {
    /// The price an hour.
    Known(Hourly),
    /// Not published. It satisfies no limit, and a sum with it is unknown too.
    Unknown,
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(hourly) => write!(f, "{hourly}/h"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl Price {
    /// Returns the price for so many units.
    pub fn times(self, count: u32) -> Self {
        match self {
            Self::Known(price) => Self::Known(price * count),
            Self::Unknown => Self::Unknown,
        }
    }
}

/// A sum over prices of which some may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Amount {
    /// The sum of what is known.
    pub known: Monthly,
    /// How many parts have no known price. Above 0, `known` is only a lower bound.
    pub unknown_parts: u32,
}

impl Amount {
    /// Nothing, exactly.
    pub const ZERO: Self = Self { known: Monthly::ZERO, unknown_parts: 0 };

    /// Returns an amount that is known in full.
    pub fn known(known: Monthly) -> Self {
        Self { known, unknown_parts: 0 }
    }

    /// Returns the amount a month of one price.
    pub fn of(price: Price) -> Self {
        match price {
            Price::Known(hourly) => Self::known(hourly.monthly()),
            Price::Unknown => Self { known: Monthly::ZERO, unknown_parts: 1 },
        }
    }

    /// Returns the exact sum, or `None` where a part is unknown.
    pub fn exact(self) -> Option<Monthly> {
        (self.unknown_parts == 0).then_some(self.known)
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { known: self.known + other.known, unknown_parts: self.unknown_parts + other.unknown_parts }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_print_with_as_many_decimals_as_they_have() {
        let printed: Vec<String> = [740_000, 37_500, 1_000_000, 1_234_500, 2_199_999, -690_000]
            .map(|micro| Hourly(micro).to_string())
            .into();
        assert_eq!(printed, ["$0.74", "$0.0375", "$1.00", "$1.2345", "$2.20", "-$0.69"]);
    }

    #[test]
    fn amounts_separate_thousands_and_round_to_cents() {
        let printed: Vec<String> =
            [0, 4_999, 5_000, 540_200_000, 1_234_567_890_000].map(|micro| Monthly(micro).to_string()).into();
        assert_eq!(printed, ["$0.00", "$0.00", "$0.01", "$540.20", "$1,234,567.89"]);
    }

    #[test]
    fn zero_and_nonsense_are_no_price() {
        for dollars in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e12] {
            assert_eq!(Hourly::from_dollars(dollars), None);
        }
        assert_eq!(Hourly::from_dollars(0.74), Some(Hourly(740_000)));
    }

    #[test]
    fn a_month_and_back_is_the_same_hour() {
        assert_eq!(Hourly(740_001).monthly().hourly(), Hourly(740_001));
    }
}
