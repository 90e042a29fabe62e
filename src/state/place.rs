//! The two traits that a store of states has beside the ports: the state where it lies, and the state while it is held.
//!
//! What every implementation promises, and what the tests of `tests/it/state/contract` ask of each:
//!
//! 1. A commit is durable, and all or nothing; events and records never disagree.
//! 2. A write of a holder who lost the lock is refused as [`Fenced`](StateError::Fenced), whatever any clock says.
//! 3. A write whose answer never came is found out about before anything else is written: by the id that each batch
//!    carries. It is never sent blindly again and never lost. If it cannot be found out, the write ends as
//!    [`Unknown`](StateError::Unknown) and so does everything after it: the run ends as if killed, and the next one recovers.
//! 4. What is read is of one moment. Readers wait for nobody and block no writer.
//! 5. A schema newer than ours, another project or origin, damage and gaps are refused clearly, and nothing is touched.
//! 6. The serial rises by one with each commit; the lineage never changes but by
//!    [`Continue`](crate::state::RecordChange::Continue).

use std::time::Duration;

use super::contents::Contents;
use super::lease::{Holder, Lease};
use super::{Journal, PastRun, Standing, StateError, Store};
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::Serial;

/// A state where it lies. Reading takes no lock and writes nothing.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so no future needs to be `Send`")]
pub trait Place: Store {
    type Held: Held;

    /// Returns its name as messages have it, without any credentials.
    fn name(&self) -> String;

    /// Reads no more than which version it is; 0 where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is no state of this project.
    async fn serial(&self) -> Result<Serial, StateError>;

    /// Reads all runs without their events, the oldest first.
    ///
    /// # Errors
    /// As [`serial`](Self::serial).
    async fn runs(&self) -> Result<Vec<PastRun>, StateError>;

    /// Reads all runs with their events, the oldest first.
    ///
    /// # Errors
    /// As [`serial`](Self::serial).
    async fn history(&self) -> Result<Vec<PastRun>, StateError>;

    /// Returns who holds the lock or died with it.
    ///
    /// # Errors
    /// As [`serial`](Self::serial).
    async fn lease(&self) -> Result<Option<Lease>, StateError>;

    /// Returns who writes at this moment, as far as it can be told: `host` is this computer's name, `now` its time or a
    /// better one. A dead holder may still count for the length of his lease.
    ///
    /// # Errors
    /// As [`serial`](Self::serial).
    async fn who_writes(&self, host: &str, now: Timestamp) -> Result<Option<Lease>, StateError>;

    /// Takes the lock, waiting at most so long for it.
    ///
    /// # Errors
    /// [`StateError::Locked`] names the holder; any other error left the state as it was.
    async fn lock(
        &self,
        holder: &Holder,
        clock: &impl Clock,
        wait: Duration,
    ) -> Result<Self::Held, StateError>;

    /// Removes the lock that a dead process left and returns whose it was. A run that is alive after all writes nothing
    /// from here on.
    ///
    /// # Errors
    /// [`StateError::Locked`] if the holder is known to be alive: it must be ended instead.
    async fn unlock(&self) -> Result<Option<Lease>, StateError>;

    /// Reads everything, of one moment, whatever its [`Standing`]; `None` where there is no state.
    ///
    /// # Errors
    /// As [`serial`](Self::serial).
    async fn contents(&self) -> Result<Option<Contents>, StateError>;
}

/// What became of the objects of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    pub deleted: u64,
    pub kept: u64,
}

/// A state that this process may write, until the lock is given back or lost.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so no future needs to be `Send`")]
pub trait Held: Store + Journal {
    /// Renews the lease for as long as it is polled, and returns only with the reason why that failed.
    async fn keep(&self, clock: &impl Clock) -> StateError;

    /// Puts these contents, their [`Standing`] included, in the place of what is there, in one commit. The serial is theirs.
    ///
    /// # Errors
    /// As those of [`Journal::commit`].
    async fn replace(&self, contents: &Contents) -> Result<(), StateError>;

    /// Changes the standing alone.
    ///
    /// # Errors
    /// As those of [`Journal::commit`].
    async fn stand(&self, standing: Standing) -> Result<(), StateError>;

    /// Deletes what a newer copy of the whole state replaces, where a store grows by such things, but nothing that is younger
    /// than `keep`; `None` where there is nothing of the kind.
    ///
    /// # Errors
    /// The lock was lost, or something cannot be deleted; what is there still is a whole state.
    async fn compact(&self, _keep: Duration) -> Result<Option<Compacted>, StateError> {
        Ok(None)
    }

    /// Gives the lock back. What is merely dropped keeps it until its lease expires, where no file lock tells more.
    ///
    /// # Errors
    /// It was lost before, or cannot be given back now.
    async fn release(self) -> Result<(), StateError>;
}
