//! How long a run waits for what RunPod has none of at the moment, and what it accepts as well after a while.
//!
//! A wait is counted by RunPod's clock, from the first refusal on. Kept in no file: whoever dies in a wait waits anew.

use std::collections::BTreeMap;
use std::time::Duration;

use super::address::Address;
use super::desired::GpuWish;
use super::money::Hourly;
use super::seconds::Seconds;

/// How long a lack of capacity is waited out, and how often it is looked whether it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From the first refusal to the last try.
    pub within: Seconds,
    /// From one try to the next.
    pub every: Seconds,
}

impl Patience {
    /// The time between two tries where nobody says.
    pub const EVERY: Seconds = Seconds(60);
    /// The shortest time between two tries: each one reads the account anew, and the quota is for all who use the key.
    pub const MOST_OFTEN: Seconds = Seconds(10);
    /// The longest time between two tries.
    pub const LEAST_OFTEN: Seconds = Seconds(3_600);
    /// The longest wait, a week.
    pub const LONGEST: Seconds = Seconds(7 * 24 * 3_600);
}

/// What a spec says of a pod that cannot be had at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    pub patience: Patience,
    /// What is accepted as well after a while, in the order of the spec.
    pub widen: Vec<Wider>,
}

/// GPUs that a pod accepts as well once it has waited for so long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wider {
    pub after: Seconds,
    /// Which ones, with all limits of the pod but the one on the price.
    pub gpu: GpuWish,
    /// Upper limit for the whole pod on one of these; `None` keeps that of the pod.
    pub max_price: Option<Hourly>,
}

/// What a run knows of waits that began before it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Waits {
    /// How long every pod waits at least, whatever its spec says.
    pub at_least: Option<Seconds>,
    /// How long each address has waited, for those that have.
    pub waited: BTreeMap<Address, Duration>,
}

impl Waits {
    /// Returns how long an address has waited.
    pub fn of(&self, address: &Address) -> Duration {
        self.waited.get(address).copied().unwrap_or_default()
    }

    /// Returns how patient a run is with a pod of which the spec says this; `None` if it does not wait.
    pub fn patience(&self, said: Option<Patience>) -> Option<Patience> {
        match (said, self.at_least) {
            (Some(Patience { within, every }), at_least) => {
                Some(Patience { within: within.max(at_least.unwrap_or_default()), every })
            }
            (None, Some(within)) => Some(Patience { within, every: Patience::EVERY }),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_waits_as_long_as_the_more_patient_of_spec_and_flag() {
        let patience = |within, every| Patience { within: Seconds(within), every: Seconds(every) };
        let waits = |at_least: Option<u32>| Waits { at_least: at_least.map(Seconds), ..Waits::default() };
        let spec = patience(600, 30);
        assert_eq!(waits(None).patience(None), None);
        assert_eq!(waits(None).patience(Some(spec)), Some(spec));
        assert_eq!(waits(Some(60)).patience(Some(spec)), Some(spec));
        assert_eq!(waits(Some(7_200)).patience(Some(spec)), Some(patience(7_200, 30)));
        assert_eq!(waits(Some(7_200)).patience(None), Some(patience(7_200, 60)));
    }
}
