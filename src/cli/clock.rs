//! Clocks for records: the system's, and that of a simulated world.
#![expect(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]

use crate::model::clock::{Clock, Timestamp};

/// The clock of this host.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
