//! Files that are there whole or not at all, and files that are what they seem.
//!
//! Whatever podform writes is made under a random name in the folder where it is to lie, and moved into place when it
//! is complete ([`Fresh`]): nobody ever reads half of it, several writers of one file do not meet, and no link or pipe
//! that somebody else laid there is written through. What is read must be an ordinary file ([`open_ordinary`]): a pipe
//! would be waited for without end, a device read without end.
#![expect(clippy::disallowed_methods, reason = "this is where files are opened, made and moved")]

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// How many random names are tried. Of 2^64, one that is taken already is a miracle or an attack.
const NAMES: usize = 8;

/// The longest name that leaves room for a random one after it; file systems take 255 bytes.
const LONGEST_NAME: usize = 200;

/// What SQLite lays beside a database while it is being made.
const BESIDE: [&str; 4] = ["", "-journal", "-wal", "-shm"];

/// Who may read a file that is made, less what the process's umask takes away. Nobody else may ever write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner only: it holds plain values of the spec, or ids.
    Owner,
    /// Whoever may enter the folder.
    Everybody,
}

impl Readers {
    fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Everybody => 0o644,
        }
    }
}

/// A file that is being made. Unless it is moved into place, it is removed.
#[derive(Debug)]
pub struct Fresh {
    target: PathBuf,
    path: PathBuf,
    file: File,
    is_placed: bool,
}

impl Fresh {
    /// Begins a file that is to stand at `target`.
    ///
    /// # Errors
    /// What stands there cannot be replaced by a file, or the folder cannot be written.
    pub fn beside(target: &Path, readers: Readers) -> io::Result<Self> {
        let name = target.file_name().ok_or_else(|| refused("it names no file"))?;
        ensure_replaceable(target)?;
        let name = if name.len() <= LONGEST_NAME { name } else { "podform".as_ref() };
        let mut last = None;
        for _ in 0..NAMES {
            let mut part = name.to_owned();
            part.push(format!(".{:016x}.part", RandomState::new().build_hasher().finish()));
            let path = folder(target).join(part);
            // Held until the name is noted, so that a signal removes either nothing or all of it.
            let mut unfinished = unfinished();
            match made(&path, readers) {
                Ok(file) => {
                    unfinished.insert(path.clone());
                    return Ok(Self { target: target.to_owned(), path, file, is_placed: false });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| io::ErrorKind::AlreadyExists.into()))
    }

    /// Begins a file that is to stand where nothing is, as [`Self::place`] makes sure once more.
    ///
    /// # Errors
    /// Something is there, or the folder cannot be written.
    pub fn at_free_name(target: &Path, readers: Readers) -> io::Result<Self> {
        if fs::symlink_metadata(target).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Self::beside(target, readers)
    }

    /// Returns what to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Returns where it lies as long as it is not in place.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it durable and moves it into place, over what is there.
    ///
    /// # Errors
    /// The disk is full, or the folder cannot be written.
    pub fn replace(self) -> io::Result<()> {
        self.file.sync_all()?;
        self.moved()
    }

    /// Moves it into place, over what is there, without waiting for the disk: for what a power cut may take away.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn replace_soon(mut self) -> io::Result<()> {
        fs::rename(&self.path, &self.target)?;
        self.is_placed = true;
        Ok(())
    }

    /// Makes it durable and moves it into place, where nothing may be yet.
    ///
    /// # Errors
    /// Something is there, the disk is full, or the folder cannot be written.
    pub fn place(self) -> io::Result<()> {
        self.file.sync_all()?;
        // Of several that do this at once, one gets the name; a link there, even one that leads nowhere, has it already.
        let target = self.target.clone();
        make_empty(&target)?;
        self.moved().inspect_err(|_| drop(fs::remove_file(target)))
    }

    fn moved(self) -> io::Result<()> {
        let target = self.target.clone();
        self.replace_soon()?;
        // It is in place already. Where a folder cannot be synchronised, a power cut may bring back what was there.
        let _may_be_undone = sync_folder(&target);
        Ok(())
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let mut unfinished = unfinished();
        unfinished.remove(&self.path);
        if !self.is_placed {
            remove(&self.path);
        }
    }
}

/// The paths of all files of this process that are not in place yet.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // A panic elsewhere leaves paths that still have to be removed.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what is not in place yet, and lets nothing more be begun for as long as the answer is kept: the process is
/// about to end.
pub fn abandon() -> impl Sized {
    let unfinished = unfinished();
    unfinished.iter().for_each(|path| remove(path));
    unfinished
}

/// Removes a file that was being made. What is gone already, or cannot be removed, is nothing to stop for.
fn remove(path: &Path) {
    for suffix in BESIDE {
        let _gone = fs::remove_file(with_suffix(path, suffix));
    }
}

/// Makes an empty file for its owner, where there must be nothing, not even a link.
///
/// # Errors
/// Something is there, or the folder cannot be written.
pub fn make_empty(path: &Path) -> io::Result<()> {
    made(path, Readers::Owner).map(drop)
}

fn made(path: &Path, readers: Readers) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(readers.mode()).open(path)
}

/// Makes sure that a file can take the place of what is there.
///
/// A link is replaced, not followed. What is neither file nor link stays: somebody reads from that pipe, and for root
/// `/dev/null` would be gone for the whole computer.
fn ensure_replaceable(target: &Path) -> io::Result<()> {
    match fs::symlink_metadata(target) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if there.is_symlink() => {
            if fs::metadata(target).is_ok_and(|behind| !behind.is_file()) {
                return Err(not_ordinary());
            }
        }
        Ok(there) if !there.is_file() => return Err(not_ordinary()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let folder = fs::canonicalize(folder(target))?;
    if folder == Path::new("/dev") || folder.starts_with("/proc") {
        return Err(refused("the system keeps devices in this folder, not files"));
    }
    Ok(())
}

/// Opens a file for reading, at once or not at all: it must be an ordinary one.
///
/// # Errors
/// It cannot be opened, or it is a folder, a pipe or a device.
pub fn open_ordinary(path: &Path) -> io::Result<File> {
    ordinary(OpenOptions::new().read(true), path, OFlags::empty())
}

/// Opens a file for reading that is not reached over a link.
///
/// # Errors
/// As [`open_ordinary`]; or it is a link.
pub fn open_no_link(path: &Path) -> io::Result<File> {
    ordinary(OpenOptions::new().read(true), path, OFlags::NOFOLLOW)
}

/// Opens the file that carries a lock, and makes it where it is missing. A link there is not followed.
///
/// # Errors
/// It cannot be opened or made, or is no ordinary file.
pub fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(Readers::Owner.mode());
    ordinary(&mut options, path, OFlags::NOFOLLOW)
}

/// Makes sure that a database is an ordinary file, without opening it: closing it again would take away the locks that
/// SQLite has on it in this process.
///
/// # Errors
/// It is not there, or it is a folder, a pipe or a device.
pub fn ensure_ordinary(path: &Path) -> io::Result<()> {
    ensure_file(&fs::metadata(path)?)
}

fn ordinary(options: &mut OpenOptions, path: &Path, flags: OFlags) -> io::Result<File> {
    // Without waiting, so that a pipe that nobody writes to is opened too, and then refused.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | flags;
    let opened = options.custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(code) if code == Errno::LOOP.raw_os_error() => refused("it is a link"),
        Some(_) | None => error,
    })?;
    ensure_file(&file.metadata()?)?;
    Ok(file)
}

fn ensure_file(there: &Metadata) -> io::Result<()> {
    if there.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if there.is_file() { Ok(()) } else { Err(not_ordinary()) }
}

fn not_ordinary() -> io::Error {
    refused("it is no ordinary file")
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// Makes a folder, and those above it, unless they are there. Nobody else may write them, whatever the umask.
///
/// # Errors
/// One of them cannot be made.
pub fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

/// Makes a folder that only its owner may enter, unless it is there: then it is as he made it.
///
/// # Errors
/// It cannot be made.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    make_folder(folder(path))?;
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// Makes what happened to the names in a file's folder durable.
///
/// # Errors
/// The file system cannot do that.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// Returns the folder of a file, `.` for a bare name.
pub fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Returns the path with a suffix after its whole name, as SQLite names its `-wal` file.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns a path in a spelling that SQLite takes for nothing else: `:memory:` would be no file to it, and
/// `file:x?mode=rwc` the file `x`.
pub fn for_sqlite(path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Writes a file over what is there.
    fn write(target: &Path, text: &str) -> Result<(), String> {
        let told = |error: io::Error| error.to_string();
        let mut fresh = Fresh::beside(target, Readers::Owner).map_err(told)?;
        fresh.file().write_all(text.as_bytes()).map_err(told)?;
        fresh.replace().map_err(told)
    }

    /// Returns the names in a folder.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_link_is_replaced_and_never_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("victim"), "precious").unwrap();
        for behind in ["victim", "nowhere"] {
            symlink(path(behind), path("plan")).unwrap();
            assert_eq!(write(&path("plan"), "ours"), Ok(()));
            assert!(fs::symlink_metadata(path("plan")).unwrap().is_file());
            assert_eq!(fs::read_to_string(path("plan")).unwrap(), "ours");
            fs::remove_file(path("plan")).unwrap();
        }
        assert_eq!(fs::read_to_string(path("victim")).unwrap(), "precious");
        assert_eq!(names(folder.path()), ["victim"]);
    }

    #[test]
    fn what_is_no_file_stays_and_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let _listener = UnixListener::bind(path("socket")).unwrap();
        symlink(path("socket"), path("link")).unwrap();
        fs::create_dir(path("below")).unwrap();
        let before = names(folder.path());
        for (name, why) in [
            ("socket", "it is no ordinary file"),
            ("link", "it is no ordinary file"),
            ("below", "is a directory"),
            ("no/such", "No such file or directory (os error 2)"),
        ] {
            assert_eq!(write(&path(name), "ours"), Err(why.to_owned()), "{name}");
        }
        for (target, why) in [
            ("/dev/null", "it is no ordinary file"),
            ("/dev/no-such", "the system keeps devices in this folder, not files"),
            ("/proc/self/fd/777", "the system keeps devices in this folder, not files"),
            ("..", "it names no file"),
        ] {
            assert_eq!(write(Path::new(target), "ours"), Err(why.to_owned()), "{target}");
        }
        assert_eq!(names(folder.path()), before);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let fresh = Fresh::beside(&path, Readers::Owner).unwrap();
        fs::write(with_suffix(fresh.path(), "-journal"), "").unwrap();
        assert_eq!(names(folder.path()).len(), 2);
        drop(fresh);
        assert_eq!(names(folder.path()), [] as [&str; 0]);
    }

    #[test]
    fn only_one_gets_a_name_that_must_be_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("imported.yaml");
        let first = Fresh::at_free_name(&path, Readers::Everybody).unwrap();
        let second = Fresh::at_free_name(&path, Readers::Everybody).unwrap();
        second.place().unwrap();
        assert_eq!(first.place().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_file(&path).unwrap();
        symlink("nowhere", &path).unwrap();
        let third = Fresh::at_free_name(&path, Readers::Everybody);
        assert_eq!(third.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(names(folder.path()), ["imported.yaml"]);
    }

    #[test]
    fn a_long_name_is_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x".repeat(255));
        write(&path, "ours").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "ours");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn only_ordinary_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "").unwrap();
        symlink(path("file"), path("link")).unwrap();
        let kind = |opened: io::Result<File>| opened.map(drop).map_err(|error| error.kind());
        assert_eq!(kind(open_ordinary(&path("link"))), Ok(()));
        for refused in [open_no_link(&path("link")), open_lock(&path("link"))] {
            assert_eq!(refused.unwrap_err().to_string(), "it is a link");
        }
        for device in ["/dev/zero", "/dev/full"] {
            assert_eq!(kind(open_ordinary(device.as_ref())), Err(io::ErrorKind::InvalidInput), "{device}");
        }
        assert_eq!(kind(open_ordinary(folder.path())), Err(io::ErrorKind::IsADirectory));
    }

    #[test]
    fn sqlite_is_given_paths_that_are_only_paths() {
        let cases = [
            (":memory:", "./:memory:"),
            ("file:x?mode=memory", "./file:x?mode=memory"),
            ("state/acme.db", "./state/acme.db"),
            ("/srv/acme.db", "/srv/acme.db"),
        ];
        for (typed, given) in cases {
            assert_eq!(for_sqlite(typed.as_ref()), Path::new(given));
        }
    }
}
