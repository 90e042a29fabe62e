//! The state in a SQLite file.
//!
//! [`StateFile`] names a state and reads it; it never writes, waits or leaves anything behind. [`StateFile::lock`]
//! makes a [`LockedState`], the only thing that writes: it holds the lock of [`lock`], and every transaction of it
//! checks that the lock is still its own. SQLite is called on the current thread: a commit takes about a
//! millisecond, and a thread of its own would break tests under paused time.

mod columns;
mod journal;
pub mod lock;
mod migrations;
mod open;
mod place;
mod rows;
mod schema;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::time::{Instant, sleep};

use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{Lineage, RunId, Serial};
use crate::model::prior::{Binding, Prior};
use crate::state::contents::Contents;
use crate::state::lease::{self, Holder, Lease};
use crate::state::{Batch, Journal, PastRun, Run, StateError, Store};
use columns::RowError;
use lock::FileLock;

/// How long a transaction is tried again because another process is in one.
const BUSY_LIMIT: Duration = Duration::from_secs(5);

/// The pause between two tries of a transaction.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Names a state file, to whom it must belong, and the lineage that it gets at its first use.
///
/// The lineage is an input of creation tokens, so a plan for a state that does not exist yet needs one: the caller
/// proposes it, a saved plan keeps it, and the first run writes it.
#[derive(Clone, Debug)]
pub struct StateFile {
    path: PathBuf,
    binding: Binding,
    proposed: Lineage,
}

impl StateFile {
    /// Names a state; touches nothing.
    pub fn new(path: impl Into<PathBuf>, binding: Binding, proposed: Lineage) -> Self {
        Self { path: path.into(), binding, proposed }
    }

    /// Returns the path as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything that a plan needs; a state that does not exist is empty, and stays away.
    ///
    /// # Errors
    /// The file is not a whole state of this project.
    pub fn read(&self) -> Result<Prior, StateError> {
        Ok(self.active(rows::load)?.unwrap_or_else(|| Prior::empty(self.proposed.clone())))
    }

    /// Reads no more than which version it is.
    ///
    /// # Errors
    /// What is read of the file is damaged, or it is no state of this project.
    pub fn serial(&self) -> Result<Serial, StateError> {
        Ok(self.glance(rows::serial)?.unwrap_or_default())
    }

    /// Reads all runs with their events, the oldest first.
    ///
    /// # Errors
    /// The file is not a whole state of this project.
    pub fn history(&self) -> Result<Vec<PastRun>, StateError> {
        Ok(self.active(rows::contents)?.map(|contents| contents.history()).unwrap_or_default())
    }

    /// Reads all runs without their events, the oldest first.
    ///
    /// # Errors
    /// The file is not a whole state of this project.
    pub fn runs(&self) -> Result<Vec<PastRun>, StateError> {
        Ok(self.active(|copy, _| journal::runs(copy))?.unwrap_or_default())
    }

    /// Reads everything, whatever its standing; `None` where there is no state.
    ///
    /// # Errors
    /// The file is not a whole state of this project.
    pub fn contents(&self) -> Result<Option<Contents>, StateError> {
        let Some(copy) = self.snapshot()? else { return Ok(None) };
        self.rows("read", rows::contents(&copy, &self.proposed)).map(Some)
    }

    /// Returns who holds the lock or died with it.
    ///
    /// # Errors
    /// What is read of the file is damaged, or it is no state of this project.
    pub fn lease(&self) -> Result<Option<Lease>, StateError> {
        Ok(self.glance(lock::read)?.flatten())
    }

    /// Returns who writes at this moment, seen from this computer.
    ///
    /// A holder of this computer writes for as long as the kernel has his lock, even if he was suspended for longer than
    /// his lease; one who died holds nothing any more. Of those elsewhere only the lease tells.
    ///
    /// # Errors
    /// As [`lease`](Self::lease).
    pub fn who_writes(&self, host: &str, now: Timestamp) -> Result<Option<Lease>, StateError> {
        let writes = |lease: &Lease| {
            if lease.holder.host == host { lock::is_taken(&self.path) } else { now < lease.expires_at }
        };
        Ok(self.lease()?.filter(writes))
    }

    /// Writes contents to a new file, which must not exist yet, as a state that nobody uses.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_new(to: &Path, contents: &Contents) -> Result<(), StateError> {
        open::write_new(to, |connection| rows::replace(connection, contents))
    }

    /// Takes the lock, waiting at most so long for it, and opens the state for writing.
    ///
    /// # Errors
    /// [`StateError::Locked`] names the holder; any other error left the state as it was.
    pub async fn lock(
        &self,
        holder: &Holder,
        clock: &impl Clock,
        wait: Duration,
    ) -> Result<LockedState, StateError> {
        let began = Instant::now();
        loop {
            let is_alive = match self.try_lock(holder, clock.now()) {
                Err(StateError::Locked { path: _, holder: _, is_alive }) => is_alive,
                result => return result,
            };
            let lease = self.lease()?;
            // Of two that begin at once, one is refused before the other has written who it is.
            let patience = if lease.is_none() { wait.max(lock::INTRODUCTION) } else { wait };
            if began.elapsed() >= patience {
                return Err(self.locked(lease.as_ref(), is_alive));
            }
            sleep(lease::RETRY).await;
        }
    }

    /// Removes the lock that a dead process left and returns who it was.
    ///
    /// A run that is alive after all, on another computer, writes nothing from here on.
    ///
    /// # Errors
    /// [`StateError::Locked`] if the holder is alive on this computer: it must be ended instead.
    pub fn unlock(&self) -> Result<Option<Lease>, StateError> {
        if self.snapshot()?.is_none() {
            return Ok(None);
        }
        let _file = self.lock_file()?;
        let mut connection = open::writable(&self.path)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = self.rows("write", transaction.map_err(RowError::from))?;
        let lease = self.rows("read", lock::read(&transaction))?;
        self.rows("write", lock::clear(&transaction))?;
        self.rows("write", transaction.commit().map_err(RowError::from))?;
        Ok(lease)
    }

    /// Takes the lock if it is free.
    fn try_lock(&self, holder: &Holder, now: Timestamp) -> Result<LockedState, StateError> {
        // Looked at before anything is made beside it: a file that is not ours gets no lock file either.
        self.snapshot()?;
        let file = self.lock_file()?;
        let mut connection = open::writable(&self.path)?;
        let fence = self.take_lease(&mut connection, holder, now)?;
        let state =
            LockedState { connection: RefCell::new(connection), fence, file: self.clone(), _lock: file };
        Ok(state)
    }

    /// Takes the lock that the kernel frees with the process.
    fn lock_file(&self) -> Result<FileLock, StateError> {
        match lock::try_file(&self.path)? {
            Some(file) => Ok(file),
            None => Err(self.locked(self.lease()?.as_ref(), true)),
        }
    }

    /// Writes the lease, which serves other computers.
    fn take_lease(
        &self,
        connection: &mut Connection,
        holder: &Holder,
        now: Timestamp,
    ) -> Result<i64, StateError> {
        let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Err(error) if is_busy(&error) => return Err(self.locked(None, false)),
            result => self.rows("write", result.map_err(RowError::from))?,
        };
        let earlier = self.rows("read", lock::read(&transaction))?;
        if let Some(other) = earlier.filter(|earlier| lock::binds(earlier, holder, now)) {
            return Err(self.locked(Some(&other), false));
        }
        let fence = self.rows("write", lock::take(&transaction, holder, now))?;
        self.rows("write", transaction.commit().map_err(RowError::from))?;
        Ok(fence)
    }

    /// Returns a checked copy in memory, refused if it belongs to another project.
    fn snapshot(&self) -> Result<Option<Connection>, StateError> {
        let Some(copy) = open::snapshot(&self.path)? else { return Ok(None) };
        let owner = self.rows("read", rows::binding(&copy))?;
        self.binding.ensure_owns(owner.as_ref(), &shown(&self.path))?;
        Ok(Some(copy))
    }

    /// Reads from a checked copy of a state that is the one to use.
    fn active<T>(
        &self,
        read: impl Fn(&Connection, &Lineage) -> Result<T, RowError>,
    ) -> Result<Option<T>, StateError> {
        let Some(copy) = self.snapshot()? else { return Ok(None) };
        let seen = rows::ensure_active(&copy).and_then(|()| read(&copy, &self.proposed));
        self.rows("read", seen).map(Some)
    }

    /// Reads a row or two: from the file where nothing is odd about it, as a copy takes memory and time for all of it.
    fn glance<T>(&self, read: impl Fn(&Connection) -> Result<T, RowError>) -> Result<Option<T>, StateError> {
        let seen = open::glance(&self.path, |file| {
            let is_ours = rows::binding(file)?.as_ref() == Some(&self.binding);
            is_ours.then(|| read(file)).transpose()
        });
        match seen.flatten() {
            Some(seen) => Ok(Some(seen)),
            None => self.snapshot()?.map(|copy| self.rows("read", read(&copy))).transpose(),
        }
    }

    /// Says that somebody else is writing.
    fn locked(&self, lease: Option<&Lease>, is_alive: bool) -> StateError {
        let holder = lease.map_or("a process that has not said who it is".to_owned(), Lease::to_string);
        StateError::Locked { path: shown(&self.path), holder, is_alive }
    }

    /// Adds to an error which file it is about.
    fn rows<T>(&self, doing: &'static str, result: Result<T, RowError>) -> Result<T, StateError> {
        result.map_err(|error| match error {
            RowError::Sqlite(error) => open::classify(doing, &self.path, error),
            RowError::Damaged(what) => StateError::Corrupt { path: shown(&self.path), what },
            RowError::Refused(why) => {
                StateError::Failed { doing, path: shown(&self.path), why: why.to_string() }
            }
            RowError::Aside(standing) => match standing.ensure_active(&shown(&self.path)) {
                Err(error) => error,
                Ok(()) => StateError::Failed {
                    doing,
                    path: shown(&self.path),
                    why: "it is the one to use".to_owned(),
                },
            },
        })
    }
}

impl Store for StateFile {
    async fn load(&self) -> Result<Prior, StateError> {
        self.read()
    }
}

/// A state that this process may write, until it is dropped.
#[derive(Debug)]
pub struct LockedState {
    connection: RefCell<Connection>,
    /// The number of this holder; a higher one in the file means that another has taken over.
    fence: i64,
    file: StateFile,
    /// Freed after the connection is closed, as fields drop in this order.
    _lock: FileLock,
}

impl LockedState {
    /// Writes to a state that is the one to use.
    async fn write_active<T>(
        &self,
        work: impl Fn(&Connection) -> Result<T, RowError>,
    ) -> Result<T, StateError> {
        self.write(|connection| {
            rows::ensure_active(connection)?;
            work(connection)
        })
        .await
    }

    /// Runs one transaction, again while another process is in one, and not at all once the lock is lost.
    async fn write<T>(&self, work: impl Fn(&Connection) -> Result<T, RowError>) -> Result<T, StateError> {
        let deadline = Instant::now() + BUSY_LIMIT;
        loop {
            match self.try_write(&work) {
                Ok(Some(done)) => return self.file.rows("write", Ok(done)),
                Ok(None) => return Err(StateError::Fenced { path: shown(&self.file.path) }),
                Err(RowError::Sqlite(error)) if is_busy(&error) && Instant::now() < deadline => {
                    sleep(BUSY_PAUSE).await;
                }
                Err(error) => return self.file.rows("write", Err(error)),
            }
        }
    }

    /// Runs one transaction; `None` means that another run has taken over.
    fn try_write<T>(&self, work: impl Fn(&Connection) -> Result<T, RowError>) -> Result<Option<T>, RowError> {
        let mut connection = self.connection.borrow_mut();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !lock::is_held(&transaction, self.fence)? {
            return Ok(None);
        }
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(Some(done))
    }
}

impl Store for LockedState {
    async fn load(&self) -> Result<Prior, StateError> {
        self.file.rows("read", rows::load(&self.connection.borrow(), &self.file.proposed))
    }
}

impl Journal for LockedState {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        self.write_active(|connection| {
            rows::ensure_bound(connection, &self.file.binding, &self.file.proposed)?;
            journal::begin(connection, run)
        })
        .await
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        self.write_active(|connection| {
            rows::ensure_bound(connection, &self.file.binding, &self.file.proposed)?;
            rows::commit(connection, batch)
        })
        .await
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        self.write_active(|connection| journal::finish(connection, run, at, summary)).await
    }
}

impl Drop for LockedState {
    /// Gives the lease back. If that fails, the file lock is freed all the same and the lease expires.
    fn drop(&mut self) {
        let _ = self.try_write(lock::clear);
    }
}

/// Tells whether another process is in a transaction.
fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// A path as it stands in messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
