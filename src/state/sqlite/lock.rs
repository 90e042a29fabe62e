//! Who may write.
//!
//! Two locks, as each sees what the other cannot. The lock on the file `<state>.lock` is freed by the kernel when its
//! process ends, however it ends, so a dead holder on this computer is known at once; other computers may not see
//! it. The lease is a row in the state that every computer sees; it expires unless it is renewed. Each holder has a
//! fence number, higher than any before, and every transaction checks it, so that a holder who slept through his
//! lease writes nothing any more.
//!
//! Clocks of different computers are compared only here; they may differ by the part of [`LEASE`](crate::state::lease::LEASE) that its beat leaves.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Row, params};

use super::columns::{RowError, column};
use super::open::{classify_write, lock_file, lock_name};

use crate::model::clock::Timestamp;
use crate::state::StateError;
use crate::state::lease::{Holder, Lease, expiry};
use crate::state::whole::open_no_link;

/// How long a process that has just taken the file lock is given to write its lease, so that it can be named.
pub const INTRODUCTION: Duration = Duration::from_secs(2);

/// Tells whether a lease makes another one wait, who has taken the file lock already.
///
/// On the same computer the free file lock shows that the holder is dead.
pub(super) fn binds(lease: &Lease, other: &Holder, now: Timestamp) -> bool {
    lease.holder.host != other.host && now < lease.expires_at
}

/// The file lock, until it is dropped.
#[derive(Debug)]
pub(super) struct FileLock(File);

impl Drop for FileLock {
    /// Closing the file frees the lock too, but not for as long as a child that is just being started shares the file.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Takes the file lock if it is free.
pub(super) fn try_file(path: &Path) -> Result<Option<FileLock>, StateError> {
    let file = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(FileLock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(classify_write(path, &error)),
    }
}

/// Tells whether a process of this computer has the file lock. Nothing is made and nothing is kept: whoever takes the
/// lock in this very moment waits for his next try.
pub(super) fn is_taken(path: &Path) -> bool {
    let Ok(file) = open_no_link(&lock_name(path)) else { return false };
    match file.try_lock_shared() {
        Ok(()) => {
            drop(FileLock(file));
            false
        }
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(_)) => false,
    }
}

/// Reads the lease; `None` where it was given back.
pub(super) fn read(connection: &Connection) -> Result<Option<Lease>, RowError> {
    let query = "SELECT user, host, pid, command, since, expires_at, fence, id, url FROM lease";
    connection.query_row(query, [], |row| Ok(lease(row)))?
}

/// Reads the row.
fn lease(row: &Row<'_>) -> Result<Option<Lease>, RowError> {
    let Some(user) = row.get(0)? else { return Ok(None) };
    Ok(Some(Lease {
        holder: Holder {
            id: row.get::<_, Option<String>>(7)?.unwrap_or_default(),
            user,
            host: row.get(1)?,
            pid: row.get(2)?,
            command: row.get(3)?,
            url: row.get(8)?,
        },
        since: column(row, 4)?,
        expires_at: column(row, 5)?,
        fence: row.get(6)?,
    }))
}

/// Writes a new holder and returns its fence number.
pub(super) fn take(connection: &Connection, holder: &Holder, now: Timestamp) -> Result<i64, RowError> {
    let Holder { id, user, host, pid, command, url } = holder;
    let update =
        "UPDATE lease SET fence = fence + 1, user = ?1, host = ?2, pid = ?3, command = ?4, since = ?5,
                  expires_at = ?6, id = ?7, url = ?8 RETURNING fence";
    let values = params![user, host, pid, command, now.to_string(), expiry(now).to_string(), id, url];
    Ok(connection.query_row(update, values, |row| row.get(0))?)
}

/// Renews the lease of a holder.
pub(super) fn renew(connection: &Connection, fence: i64, now: Timestamp) -> Result<(), RowError> {
    connection.execute(
        "UPDATE lease SET expires_at = ?2 WHERE fence = ?1",
        params![fence, expiry(now).to_string()],
    )?;
    Ok(())
}

/// Takes the holder out; the fence number stays, so that no number is given twice.
pub(super) fn clear(connection: &Connection) -> Result<(), RowError> {
    let clear = "UPDATE lease SET user = NULL, host = NULL, pid = NULL, command = NULL, since = NULL,
                 expires_at = NULL, id = NULL, url = NULL";
    connection.execute(clear, [])?;
    Ok(())
}

/// Tells whether the state is still held under this number.
pub(super) fn is_held(connection: &Connection, fence: i64) -> Result<bool, RowError> {
    let query = "SELECT 1 FROM lease WHERE fence = ?1 AND user IS NOT NULL";
    Ok(connection.prepare_cached(query)?.exists([fence])?)
}
