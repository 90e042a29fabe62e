//! Prices in exact micro-dollars, and the published storage rates.

use serde::{Deserialize, Serialize};

/// Hours in a billed month.
const HOURS_A_MONTH: u64 = 730;

/// A price for one hour, in millionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct HourlyPrice(u64);

impl HourlyPrice {
    /// Returns the price nearest to a published decimal figure.
    pub fn from_usd(usd: f64) -> HourlyPrice {
        HourlyPrice((usd * 1e6).round() as u64)
    }

    /// Returns the price of so many micro-dollars.
    pub const fn from_micros(micros: u64) -> HourlyPrice {
        HourlyPrice(micros)
    }

    /// Returns the micro-dollars of this price.
    pub fn micros(self) -> u64 {
        self.0
    }

    /// Returns the decimal figure that the API shows.
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Returns so many percent of this price.
    #[must_use]
    pub fn percent(self, percent: u32) -> HourlyPrice {
        HourlyPrice(self.0.saturating_mul(u64::from(percent)) / 100)
    }

    /// Returns the price of `count` units.
    #[must_use]
    pub fn times(self, count: u32) -> HourlyPrice {
        HourlyPrice(self.0 * u64::from(count))
    }
}

impl std::iter::Sum for HourlyPrice {
    fn sum<I: Iterator<Item = HourlyPrice>>(prices: I) -> HourlyPrice {
        HourlyPrice(prices.map(|price| price.0).sum())
    }
}

/// Returns what a running pod's container disk costs.
pub fn container_disk(gb: u32) -> HourlyPrice {
    monthly(u64::from(gb) * 100_000)
}

/// Returns what a pod's own volume costs; a stopped pod pays double.
pub fn pod_volume(gb: u32, running: bool) -> HourlyPrice {
    monthly(u64::from(gb) * if running { 100_000 } else { 200_000 })
}

/// Returns what a network volume costs, attached or not.
pub fn network_volume(gb: u32) -> HourlyPrice {
    let (first, rest) = (u64::from(gb.min(1000)), u64::from(gb.saturating_sub(1000)));
    monthly(first * 70_000 + rest * 50_000)
}

fn monthly(micros: u64) -> HourlyPrice {
    HourlyPrice(micros / HOURS_A_MONTH)
}
