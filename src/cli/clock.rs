//! Clocks for records: that of this host, or that of a simulated world.
#![expect(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]

use std::fmt;
use std::time::Duration;

use crate::model::clock::{Clock, Timestamp};

/// The clock of this host.
///
/// Leases are judged by it alone, whatever the account: they are renewed in real time and compared among computers, and
/// a simulated world goes faster than either.
#[derive(Clone, Copy, Debug)]
pub struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn awake(&self) -> Option<Timestamp> {
        Some(self.now())
    }
}

/// The clock that goes with an account.
///
/// A simulated world has its own time, and its pods' ages count in it, so records of it must too.
pub enum AccountClock {
    System,
    World {
        tell: Box<dyn Fn() -> Timestamp>,
        /// Moves it on.
        pass: Box<dyn Fn(Duration)>,
    },
}

impl AccountClock {
    /// Waits. A world has no reason to keep anybody waiting: its time is moved on.
    pub async fn pause(&self, time: Duration) {
        match self {
            Self::System => tokio::time::sleep(time).await,
            Self::World { tell: _, pass } => {
                pass(time);
                // A signal that came meanwhile is to be heard.
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Clock for AccountClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::System => HostClock.now(),
            Self::World { tell, pass: _ } => tell(),
        }
    }

    /// However fast a simulated world goes, this computer is suspended in real time.
    fn awake(&self) -> Option<Timestamp> {
        HostClock.awake()
    }
}

impl fmt::Debug for AccountClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::World { .. } => "World",
        })
    }
}
