//! Opens a state file without changing what is not ours.
//!
//! Reading copies the file into memory in one go and works on the copy: a reader holds no lock, leaves no `-wal` or
//! `-shm` file behind, works in a read-only folder, and can bring an older schema up to date without writing. A row alone
//! is read where it stands, if nothing about the file is odd.
//! Writing starts with such a copy too, so that a foreign, newer or damaged file is refused before it is touched.

#![expect(clippy::disallowed_methods, reason = "this is where the state's files are opened")]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::columns::RowError;
use super::schema::{APPLICATION_ID, MIGRATIONS, VERSION};
use super::{migrations, shown};
use crate::state::StateError;
use crate::state::whole::{self, Fresh, Readers, for_sqlite, sync_folder, with_suffix};

/// How often a copy is tried again because the file changed meanwhile. A commit takes milliseconds.
const COPY_ATTEMPTS: usize = 20;

/// What stands for itself in the path of a `file:` URI.
const PATH_SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// Returns a checked copy of the state in memory with the present schema, or `None` where there is no file.
pub(super) fn snapshot(path: &Path) -> Result<Option<Connection>, StateError> {
    let mut last = None;
    for _ in 0..COPY_ATTEMPTS {
        let Some(before) = Stamp::of(path)? else { return Ok(None) };
        let copied = copy(path, before.beside);
        // What has a log is read under SQLite's own locks; only the lock-free way depends on nothing having moved.
        if before.beside != Beside::Nothing || Stamp::of(path)? == Some(before) {
            let mut copy = copied?;
            check(&copy, path)?;
            migrations::migrate(&mut copy, MIGRATIONS).map_err(|error| classify("read", path, error))?;
            ensure_rows(&copy, path)?;
            return Ok(Some(copy));
        }
        last = copied.err();
    }
    let why = "it is being written all the time".to_owned();
    Err(last.unwrap_or(StateError::Failed { doing: "read", path: shown(path), why }))
}

/// Reads from the file itself; nothing where that is not what this version writes, is being written, or is odd in any
/// way, all of which [`snapshot`] copes with.
pub(super) fn glance<T>(path: &Path, read: impl Fn(&Connection) -> Result<T, RowError>) -> Option<T> {
    let before = Stamp::of(path).ok()?.filter(|stamp| stamp.beside == Beside::Nothing)?;
    let file = source(path, before.beside).ok()?;
    configure(&file).ok()?;
    let seen = (application(&file).ok()?, migrations::version(&file).ok()?, read(&file).ok()?);
    let (APPLICATION_ID, VERSION, seen) = seen else { return None };
    (Stamp::of(path).ok()? == Some(before)).then_some(seen)
}

/// Opens the state for writing, after making it where there is none. The caller holds the file lock.
pub(super) fn writable(path: &Path) -> Result<Connection, StateError> {
    if snapshot(path)?.is_none() {
        create(path)?;
    }
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(for_sqlite(path), flags)?;
        configure(&connection)?;
        let mode = use_log(&connection)?;
        migrations::migrate(&mut connection, MIGRATIONS)?;
        Ok((connection, mode))
    };
    let (connection, mode) = open().map_err(|error| classify("write", path, error))?;
    if mode != "wal" {
        let why = "its file system has no shared memory, which SQLite's log needs".to_owned();
        return Err(StateError::Failed { doing: "write", path: shown(path), why });
    }
    Ok(connection)
}

/// Writes a state to a file that must not exist yet.
pub(super) fn write_new(
    to: &Path,
    fill: impl FnOnce(&Connection) -> Result<(), RowError>,
) -> Result<(), StateError> {
    let failed = |why: String| StateError::Failed { doing: "back up to", path: shown(to), why };
    let unwritten = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => failed("it exists already".to_owned()),
        _ => failed(error.to_string()),
    };
    let new = Fresh::at_free_name(to, Readers::Owner).map_err(unwritten)?;
    let write = || {
        let mut target = Connection::open(for_sqlite(new.path()))?;
        configure(&target)?;
        target.pragma_update(None, "application_id", APPLICATION_ID)?;
        migrations::migrate(&mut target, MIGRATIONS)?;
        let transaction = target.transaction()?;
        fill(&transaction)?;
        transaction.commit()?;
        Ok::<(), RowError>(())
    };
    write().map_err(|error| failed(error.to_string()))?;
    new.place().map_err(unwritten)
}

/// Says what an error of SQLite means for the state.
pub(super) fn classify(doing: &'static str, path: &Path, error: rusqlite::Error) -> StateError {
    let path = shown(path);
    let why = if is_without_room(&error) {
        "the disk is full, there is no room for its `-shm` file".to_owned()
    } else {
        error.to_string()
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StateError::Foreign { path },
        Some(ErrorCode::DatabaseCorrupt) => StateError::Corrupt { path, what: why },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StateError::ReadOnly { path, why },
        Some(ErrorCode::CannotOpen) if doing == "write" => StateError::ReadOnly { path, why },
        Some(_) | None => StateError::Failed { doing, path, why },
    }
}

/// Tells whether SQLite could not make its `-shm` file longer, which it calls no more than an I/O error.
fn is_without_room(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// Says what an error of the system means for a write.
pub(super) fn classify_write(path: &Path, error: &io::Error) -> StateError {
    let (path, why) = (shown(path), error.to_string());
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StateError::ReadOnly { path, why }
        }
        _ => StateError::Failed { doing: "write", path, why },
    }
}

/// By what a change of the files between two looks is recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    beside: Beside,
}

/// What lies beside the file and belongs to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// The `-wal` file, with commits that are not in the file yet.
    Log,
    /// The `-journal` file of a state that another program took out of that mode. If a writer was killed, it must be
    /// rolled back before anything can be read.
    Journal,
}

impl Stamp {
    /// Looks at the files; `None` where there is no state.
    fn of(path: &Path) -> Result<Option<Self>, StateError> {
        let failed = |why: String| StateError::Failed { doing: "open", path: shown(path), why };
        let mut beside = Beside::Nothing;
        for (suffix, kind) in [("-wal", Beside::Log), ("-journal", Beside::Journal)] {
            match fs::metadata(with_suffix(&real(path), suffix)) {
                Ok(log) if log.len() > 0 => beside = kind,
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed(error.to_string()));
                }
                Ok(_) | Err(_) => {}
            }
        }
        let corrupt = |what: &str| StateError::Corrupt { path: shown(path), what: what.into() };
        match fs::metadata(path) {
            Ok(file) if file.is_dir() => Err(failed("it is a folder".into())),
            // SQLite would wait for a pipe without end.
            Ok(file) if !file.is_file() => Err(failed("it is no ordinary file".into())),
            // SQLite would take an empty file for a new database and forget every pod that was in it.
            Ok(file) if file.len() == 0 => Err(corrupt("the file is empty")),
            Ok(file) => Ok(Some(Self { length: file.len(), modified: file.modified().ok(), beside })),
            Err(error) if error.kind() == io::ErrorKind::NotFound && beside != Beside::Nothing => {
                Err(corrupt("only its log is there, with the last changes"))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

/// Copies the database into memory.
fn copy(path: &Path, beside: Beside) -> Result<Connection, StateError> {
    let read = || {
        let mut target = Connection::open_in_memory()?;
        copy_all(&source(path, beside)?, &mut target)?;
        configure(&target)?;
        Ok(target)
    };
    read().map_err(|error| classify("read", path, error))
}

/// Opens the file for reading.
///
/// Without a log nobody is writing, and `immutable` reads the file as it is: an ordinary reader would make `-wal` and
/// `-shm` files beside it and, being a reader, leave them there; in a read-only folder it would not open at all.
fn source(path: &Path, beside: Beside) -> rusqlite::Result<Connection> {
    let (mode, access) = match beside {
        Beside::Nothing => ("immutable=1", OpenFlags::SQLITE_OPEN_READ_ONLY),
        Beside::Log => ("mode=ro", OpenFlags::SQLITE_OPEN_READ_ONLY),
        Beside::Journal => ("mode=rw", OpenFlags::SQLITE_OPEN_READ_WRITE),
    };
    let path_text = for_sqlite(path);
    let name = percent_encode(path_text.as_os_str().as_encoded_bytes(), PATH_SET);
    // Two slashes begin a host, so the empty host stands before an absolute path.
    let host = if path.is_absolute() { "//" } else { "" };
    let flags = access | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{host}{name}?{mode}"), flags)
}

/// Copies all pages in one step, so that the copy is of one moment.
fn copy_all(source: &Connection, target: &mut Connection) -> rusqlite::Result<()> {
    let busy = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    match Backup::new(source, target)?.step(-1)? {
        StepResult::Done => Ok(()),
        StepResult::Busy => Err(busy(rusqlite::ffi::SQLITE_BUSY)),
        _ => Err(busy(rusqlite::ffi::SQLITE_LOCKED)),
    }
}

/// Refuses what is not a whole podform state of a version that is known.
fn check(copy: &Connection, path: &Path) -> Result<(), StateError> {
    let failed = |error| classify("read", path, error);
    if application(copy).map_err(failed)? != APPLICATION_ID {
        return Err(StateError::Foreign { path: shown(path) });
    }
    let found = migrations::version(copy).map_err(failed)?;
    if found > VERSION {
        return Err(StateError::Newer { path: shown(path), found, known: VERSION });
    }
    let corrupt = |what: String| StateError::Corrupt { path: shown(path), what };
    // A file gets its tables before its name. Without them they would be made anew, and what was in them forgotten.
    if found < 1 {
        return Err(corrupt(format!("schema version {found} was never written")));
    }
    let verdict = quick_check(copy).map_err(failed)?;
    if verdict != "ok" {
        return Err(corrupt(verdict.replace('\n', "; ")));
    }
    for table in ["meta", "objects", "tokens", "runs", "events", "lease"] {
        if !copy.table_exists(None, table).map_err(failed)? {
            return Err(corrupt(format!("the table `{table}` is missing")));
        }
    }
    Ok(())
}

/// Refuses a state of which a row is missing that others say was there: without `meta` a used state would count as a new
/// one, and the numbers of `lease` keep one who was overtaken from writing.
fn ensure_rows(copy: &Connection, path: &Path) -> Result<(), StateError> {
    let query = "SELECT CASE
        WHEN NOT EXISTS (SELECT 1 FROM lease) THEN 'its row of `lease` is missing'
        WHEN EXISTS (SELECT 1 FROM meta) THEN NULL
        WHEN EXISTS (SELECT 1 FROM objects) THEN 'its row of `meta` is missing, and `objects` has some'
        WHEN EXISTS (SELECT 1 FROM tokens) THEN 'its row of `meta` is missing, and `tokens` has some'
        WHEN EXISTS (SELECT 1 FROM runs) THEN 'its row of `meta` is missing, and `runs` has some'
        WHEN EXISTS (SELECT 1 FROM events) THEN 'its row of `meta` is missing, and `events` has some'
        END";
    let missing: Option<String> =
        copy.query_row(query, [], |row| row.get(0)).map_err(|error| classify("read", path, error))?;
    missing.map_or(Ok(()), |what| Err(StateError::Corrupt { path: shown(path), what }))
}

fn application(file: &Connection) -> rusqlite::Result<i64> {
    file.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// Checks pages, rows, indexes and columns, and returns `ok` or what is wrong.
fn quick_check(copy: &Connection) -> rusqlite::Result<String> {
    copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
}

/// Sets what every connection needs.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Otherwise SQLite prepares statements anew for each value that they are given.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // In pages of 4 KB. The usual 1,000 copy the pages that every commit touches back again and again.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    // Waiting is done by trying again between turns of the runtime, never by a sleeping thread.
    connection.busy_timeout(std::time::Duration::ZERO)
}

/// Turns on SQLite's write-ahead log and returns the mode that is in force then.
fn use_log(connection: &Connection) -> rusqlite::Result<String> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
}

/// Makes the file under another name and moves it into place, so that no crash leaves a half-made state.
///
/// It gets its log last: a log that holds something is copied into the file when the connection closes, and a disk
/// that fills up then is told to nobody. In place it would be too late: killed at that moment, the file has a journal
/// beside it that only a writer can roll back.
fn create(path: &Path) -> Result<(), StateError> {
    let failed = |error: io::Error| classify_write(path, &error);
    let new = Fresh::beside(path, Readers::Owner).map_err(failed)?;
    let make = || {
        let mut connection = Connection::open(for_sqlite(new.path()))?;
        configure(&connection)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        migrations::migrate(&mut connection, MIGRATIONS)?;
        use_log(&connection)
    };
    make().map_err(|error| classify("write", path, error))?;
    new.replace().map_err(failed)?;
    sync_folder(path).map_err(failed)
}

/// Returns the path that symbolic links lead to: beside it SQLite puts its log, and every way there must come to the
/// same lock.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Returns the file that carries the lock of a state. Another path to the same state must come to the same lock.
pub(super) fn lock_name(path: &Path) -> PathBuf {
    with_suffix(&real(path), ".lock")
}

/// Opens the file that carries the lock of a state, and makes it and its folder where they are missing.
pub(super) fn lock_file(path: &Path) -> Result<File, StateError> {
    let open = || {
        whole::make_folder(whole::folder(path))?;
        let lock = lock_name(path);
        whole::open_lock(&lock)
            .map_err(|error| io::Error::new(error.kind(), format!("its lock `{}`: {error}", shown(&lock))))
    };
    open().map_err(|error| classify_write(path, &error))
}
