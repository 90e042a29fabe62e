//! Who may write, and for how long he is believed to be alive.
//!
//! A lease expires unless it is renewed: that is for liveness only. What keeps a holder who slept through his lease from
//! writing is the fence, a number higher than that of any holder before, which every write checks. So clocks that differ
//! can cost a wait, never a record.

use std::fmt;
use std::time::Duration;

use crate::model::clock::Timestamp;

pub use crate::model::location::LEASE;

/// How often a waiting process tries again.
pub const RETRY: Duration = Duration::from_millis(250);

/// Returns how often a lease of this length is renewed.
pub fn beat(lease: Duration) -> Duration {
    lease / 6
}

/// Returns when a lease of the usual length that is renewed at this time expires; the latest time there is if that is out
/// of range.
pub(super) fn expiry(now: Timestamp) -> Timestamp {
    now.checked_add(LEASE).unwrap_or(Timestamp::MAX)
}

/// Who takes a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// A random text of this one take, by which its own writes are recognised when an answer was lost.
    pub id: String,
    /// The user's name, or whom continuous integration names.
    pub user: String,
    /// The computer's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The command, without its flags: `apply`.
    pub command: String,
    /// Where the job of continuous integration can be looked at.
    pub url: Option<String>,
}

/// Who holds a state, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub holder: Holder,
    pub since: Timestamp,
    /// Until when, unless it is renewed; by the clock of the engine that keeps the state where it has one.
    pub expires_at: Timestamp,
    /// The number of this holder.
    pub fence: i64,
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { holder, since, expires_at: _, fence: _ } = self;
        let Holder { id: _, user, host, pid, command, url } = holder;
        write!(f, "`{user}` on `{host}`, process {pid}, running `{command}` since {since:.0}")?;
        match url {
            Some(url) => write!(f, " ({url})"),
            None => Ok(()),
        }
    }
}
