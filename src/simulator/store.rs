//! The file that a world lives in between commands.
//!
//! Every request runs in one transaction: it sees what other processes did before it and saves what it did itself, so several commands may
//! use one file at once. A file that is not there yet is made by the first change, so that looking at a fresh world writes nothing.
//! Commits survive a killed process but are not flushed to the disk: after a power cut the world may be a little younger, and it is only a
//! simulation.
//!
//! While a server serves a file, it holds the lock of `<file>.lock` and its URL stands in the file. The kernel frees the lock when the process
//! ends, however it ends: a URL without the lock belongs to a dead server.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::world::World;
use super::world::pod::Pod;
use super::world::volume::Volume;
use crate::state::whole::{self, for_sqlite, with_suffix};

/// Marks the file as a simulator's, in SQLite's header.
const APPLICATION: i32 = 0x7066_7369;
/// The version of the tables and of the values in them.
const FORMAT: i32 = 1;
/// How long a request waits for another process's transaction.
const PATIENCE: Duration = Duration::from_secs(10);

const TABLES: &str = "
    CREATE TABLE ground (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE TABLE pod (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE volume (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE server (one INTEGER PRIMARY KEY CHECK (one = 1), url TEXT NOT NULL) STRICT;
";

/// Why a world cannot be read or saved.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite or the disk says no.
    #[error("failed to use the simulator's file `{path}`")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A file beside it cannot be made.
    #[error("failed to make `{path}`")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is something that no world can be kept in.
    #[error("failed to open `{path}`")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is something else.
    #[error("`{path}` is not a simulator's file")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer program made the file.
    #[error("`{path}` has format {found}; this program knows up to {FORMAT}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
    },
    /// The file's content makes no sense.
    #[error("`{path}` holds a world that cannot be read")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The file can be read only.
    #[error("`{path}` can only be read")]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Another server serves it.
    #[error("`{path}` is served by another process already")]
    Served {
        /// The file.
        path: PathBuf,
    },
}

/// A world's file.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// `None` until there is a file.
    connection: Option<Connection>,
    /// The revision of the world in memory.
    revision: i64,
}

impl Store {
    /// Prepares to keep a world in a file, which need not be there yet.
    ///
    /// # Errors
    /// The file is there and is not a simulator's, or cannot be opened.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let mut store = Store { path: path.to_owned(), connection: None, revision: 0 };
        store.connect_if_there()?;
        Ok(store)
    }

    /// Returns whether the file is there.
    pub fn has_file(&self) -> bool {
        self.connection.is_some()
    }

    /// Begins a request: brings the world up to what the file says.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn begin(&mut self, world: &mut World) -> Result<(), StoreError> {
        self.connect_if_there()?;
        let Some(connection) = &self.connection else { return Ok(()) };
        let path = &self.path;
        let sqlite = |source| StoreError::Sqlite { path: path.clone(), source };
        let read_only = connection.is_readonly(rusqlite::MAIN_DB).map_err(sqlite)?;
        let begin = if read_only { "BEGIN" } else { "BEGIN IMMEDIATE" };
        connection.execute_batch(begin).map_err(sqlite)?;
        let loaded = load(connection, path, self.revision);
        if loaded.is_err() {
            self.abort();
        }
        if let Some((revision, newer)) = loaded? {
            *world = newer;
            self.revision = revision;
        }
        Ok(())
    }

    /// Ends a request: saves what it changed, and the time.
    ///
    /// # Errors
    /// The world cannot be saved; the next [`begin`](Store::begin) then returns to what the file says.
    pub fn commit(&mut self, world: &mut World, changed: bool) -> Result<(), StoreError> {
        let (pods, volumes) = world.take_changes();
        let changed = changed || !pods.is_empty() || !volumes.is_empty();
        let read_only = match &self.connection {
            None if !changed => return Ok(()),
            None => {
                self.create()?;
                false
            }
            Some(connection) => connection.is_readonly(rusqlite::MAIN_DB).unwrap_or(true),
        };
        let Some(connection) = &self.connection else { return Ok(()) };
        let revision = self.revision + 1;
        let saved = if read_only && changed {
            Err(StoreError::ReadOnly { path: self.path.clone() })
        } else if read_only {
            connection.execute_batch("COMMIT").map_err(|source| self.sqlite(source))
        } else {
            let pods = pods.iter().filter_map(|id| world.any_pod(id));
            let volumes = volumes.iter().map(|id| (id.0.as_str(), world.volume(&id.0).ok()));
            save(connection, revision, world, pods, volumes).map_err(|source| self.sqlite(source))
        };
        match saved {
            Ok(()) if read_only => Ok(()),
            Ok(()) => {
                self.revision = revision;
                Ok(())
            }
            Err(error) => {
                self.abort();
                Err(error)
            }
        }
    }

    /// Tells other processes where this one serves the file.
    ///
    /// # Errors
    /// Another process serves it, or the file cannot be written.
    pub fn announce(&mut self, world: &mut World, url: &str) -> Result<Announcement, StoreError> {
        self.begin(world)?;
        self.commit(world, true)?;
        let lock = lock_file(&self.path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Served { path: self.path.clone() }),
            Err(TryLockError::Error(source)) => {
                return Err(StoreError::File { path: lock_path(&self.path), source });
            }
        }
        if let Some(connection) = &self.connection {
            let put = "INSERT INTO server (one, url) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET url = ?1";
            connection.execute(put, params![url]).map_err(|source| self.sqlite(source))?;
        }
        Ok(Announcement { path: self.path.clone(), lock })
    }

    fn connect_if_there(&mut self) -> Result<(), StoreError> {
        if self.connection.is_none() && self.path.exists() {
            self.connection = Some(connect(&self.path)?);
        }
        Ok(())
    }

    fn create(&mut self) -> Result<(), StoreError> {
        let directory = whole::folder(&self.path);
        whole::make_folder(directory)
            .map_err(|source| StoreError::File { path: directory.to_owned(), source })?;
        match whole::make_empty(&self.path) {
            Ok(()) => {}
            // Another process was faster, or it is something that connecting finds out about.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(StoreError::File { path: self.path.clone(), source }),
        }
        let connection = connect(&self.path)?;
        connection.execute_batch("BEGIN IMMEDIATE").map_err(|source| self.sqlite(source))?;
        self.connection = Some(connection);
        Ok(())
    }

    fn abort(&mut self) {
        if let Some(connection) = &self.connection {
            // It fails only if the transaction has ended already, which is what is wanted.
            let _ = connection.execute_batch("ROLLBACK");
        }
        self.revision = -1;
    }

    fn sqlite(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Sqlite { path: self.path.clone(), source }
    }
}

/// Says in the file that this process serves it, for as long as it is kept.
#[derive(Debug)]
#[must_use = "the file is served only while this is kept"]
pub struct Announcement {
    path: PathBuf,
    lock: File,
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // If this fails, the freed lock still tells that the URL is dead.
        if let Ok(connection) = connect(&self.path) {
            let _ = connection.execute("DELETE FROM server", []);
        }
        let _ = self.lock.unlock();
    }
}

/// Returns the URL of a live server of a file, or nothing if there is none.
///
/// # Errors
/// The file is there and is not a simulator's, or cannot be read.
pub fn running_server(path: &Path) -> Result<Option<String>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    match whole::open_no_link(&lock_path(path)).map(|lock| lock.try_lock_shared()) {
        Ok(Err(TryLockError::WouldBlock)) => {}
        Ok(Ok(()) | Err(TryLockError::Error(_))) | Err(_) => return Ok(None),
    }
    let connection = connect(path)?;
    let url = connection.query_row("SELECT url FROM server", [], |row| row.get(0)).optional();
    url.map_err(|source| StoreError::Sqlite { path: path.to_owned(), source })
}

fn lock_path(path: &Path) -> PathBuf {
    with_suffix(path, ".lock")
}

fn lock_file(path: &Path) -> Result<File, StoreError> {
    let path = lock_path(path);
    whole::open_lock(&path).map_err(|source| StoreError::File { path, source })
}

/// Connects to a file that is there; an empty one is made a world.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let sqlite = |source| StoreError::Sqlite { path: path.to_owned(), source };
    let foreign = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign { path: path.to_owned() },
        Some(_) | None => sqlite(error),
    };
    // SQLite would wait for a pipe.
    whole::ensure_ordinary(path).map_err(|source| StoreError::Unfit { path: path.to_owned(), source })?;
    let name = for_sqlite(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&name, flags)
        .or_else(|_| Connection::open_with_flags(&name, OpenFlags::SQLITE_OPEN_READ_ONLY))
        .map_err(sqlite)?;
    connection.busy_timeout(PATIENCE).map_err(sqlite)?;
    let number =
        |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0));
    let application = number("application_id").map_err(foreign)?;
    let format = number("user_version").map_err(foreign)?;
    let tables: i32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(foreign)?;
    connection.execute_batch("PRAGMA synchronous = OFF").map_err(sqlite)?;
    match (application, format) {
        (0, 0) if tables == 0 => prepare(&connection).map_err(sqlite)?,
        (APPLICATION, FORMAT) => {}
        (APPLICATION, found) => return Err(StoreError::Newer { path: path.to_owned(), found }),
        (_, _) => return Err(StoreError::Foreign { path: path.to_owned() }),
    }
    Ok(connection)
}

/// Makes the tables, unless another process did so in this moment.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let tables: i32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        connection.execute_batch(TABLES)?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection.pragma_update(None, "user_version", FORMAT)?;
    }
    connection.execute_batch("COMMIT")
}

/// Reads the world, if the file has another revision than `known`.
fn load(connection: &Connection, path: &Path, known: i64) -> Result<Option<(i64, World)>, StoreError> {
    let sqlite = |source| StoreError::Sqlite { path: path.to_owned(), source };
    let damaged = |source| StoreError::Damaged { path: path.to_owned(), source };
    let ground = connection
        .query_row("SELECT revision, body FROM ground", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .optional()
        .map_err(sqlite)?;
    let Some((revision, body)) = ground.filter(|(revision, _)| *revision != known) else { return Ok(None) };
    let bodies = |table: &str| -> rusqlite::Result<Vec<String>> {
        let mut query = connection.prepare(&format!("SELECT body FROM {table} ORDER BY id"))?;
        query.query_map([], |row| row.get(0))?.collect()
    };
    let pods: Result<Vec<Pod>, _> =
        bodies("pod").map_err(sqlite)?.iter().map(|body| serde_json::from_str(body)).collect();
    let volumes: Result<Vec<Volume>, _> =
        bodies("volume").map_err(sqlite)?.iter().map(|body| serde_json::from_str(body)).collect();
    let ground = serde_json::from_str(&body).map_err(damaged)?;
    Ok(Some((revision, World::restore(ground, pods.map_err(damaged)?, volumes.map_err(damaged)?))))
}

fn save<'a>(
    connection: &Connection,
    revision: i64,
    world: &World,
    pods: impl Iterator<Item = &'a Pod>,
    volumes: impl Iterator<Item = (&'a str, Option<&'a Volume>)>,
) -> rusqlite::Result<()> {
    let put_ground = "INSERT INTO ground (one, revision, body) VALUES (1, ?1, ?2)
        ON CONFLICT (one) DO UPDATE SET revision = ?1, body = ?2";
    connection.prepare(put_ground)?.execute(params![revision, json(world.ground())])?;
    let mut put = connection
        .prepare("INSERT INTO pod (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = ?2")?;
    for pod in pods {
        put.execute(params![pod.id.0, json(pod)])?;
    }
    let put = "INSERT INTO volume (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = ?2";
    for (id, volume) in volumes {
        match volume {
            Some(volume) => connection.execute(put, params![id, json(volume)])?,
            None => connection.execute("DELETE FROM volume WHERE id = ?1", params![id])?,
        };
    }
    connection.execute_batch("COMMIT")
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a world holds text keys and whole numbers only")
}
