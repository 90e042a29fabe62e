//! The folder of specs that were read before: `$XDG_CACHE_HOME/podform`, or `~/.cache/podform`.
//!
//! It only ever saves time. Whatever goes wrong with it, a spec is read from its files, and only `--verbose` tells of
//! it: a folder that cannot be written, a file that is damaged, two runs that write at once. It may be deleted at any
//! time.
//!
//! What is read here is planned, so nobody else may have written it: folder and file must belong to the user who runs
//! podform and be writable for nobody else, and neither may be a link.
#![expect(clippy::disallowed_methods, reason = "this is where the cache is read and written")]

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Mode, OFlags, open, openat};
use rustix::process::geteuid;

use super::env::Environment;
use super::files::rest_of;
use crate::spec::cache::{self, CacheKey};
use crate::spec::{Input, Loaded};
use crate::state::whole::{Fresh, Readers};

/// A smaller spec is parsed as fast as a file is found and read: this is three hundred pods, and ten milliseconds.
const WORTHWHILE: usize = 64 << 10;
/// What is read from the largest spec takes less.
const LARGEST: u64 = 128 << 20;
/// How many specs are kept, those that were read last.
const KEPT: usize = 8;
/// How the names of all files begin.
const PREFIX: &str = "spec-";

/// The place of one spec.
pub struct Slot {
    folder: PathBuf,
    key: CacheKey,
}

/// Why what may be kept for a spec is not looked at.
#[derive(Debug, thiserror::Error)]
#[error("what is kept of specs in `{}` is not used: {why}", folder.display())]
pub struct Distrusted {
    folder: PathBuf,
    why: &'static str,
}

impl Slot {
    /// Returns the place of a spec, if it is worth one and there is a folder for it.
    pub fn of(input: &Input<'_>, env: &Environment) -> Option<Self> {
        let size: usize = input.files.iter().map(|file| file.bytes.len()).sum();
        if size < WORTHWHILE {
            return None;
        }
        let folder = env.cache_folder()?.join("podform");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
        Some(Self { folder, key: CacheKey::of(input, &program().ok()?) })
    }

    /// Returns what was read from the same files by a run before.
    ///
    /// # Errors
    /// Somebody else may have chosen what would be read.
    pub fn read(&self, input: &Input<'_>) -> Result<Option<Loaded>, Distrusted> {
        let folder = self.trusted_folder()?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(&folder, self.file_name(), flags, Mode::empty()).map(File::from);
        let Ok(file) = opened else { return Ok(None) };
        let Ok(metadata) = file.metadata() else { return Ok(None) };
        let fault =
            if metadata.is_file() { fault_of(&metadata) } else { Some("an entry is no ordinary file") };
        if let Some(why) = fault {
            return Err(self.distrusted(why));
        }
        let bytes = rest_of(file, LARGEST).ok();
        Ok(bytes.and_then(|bytes| cache::read(&self.key, input, &bytes)))
    }

    /// Keeps what was read, if it may be kept and the folder can be written.
    pub fn keep(&self, input: &Input<'_>, loaded: &Loaded) {
        if self.trusted_folder().is_ok()
            && let Some(bytes) = cache::write(&self.key, input, loaded)
            && bytes.len() as u64 <= LARGEST
        {
            let _saves_no_time = self.write(&bytes);
        }
    }

    /// Opens the folder, if nobody else can have put anything into it. What is opened through it stays in it, whatever
    /// is moved meanwhile.
    fn trusted_folder(&self) -> Result<File, Distrusted> {
        // Who can rename in the folder above can put another in this one's place, but none that belongs to this user.
        let above = self.folder.parent().unwrap_or(&self.folder);
        let above =
            fs::metadata(above).map_err(|_| self.distrusted("the folder above cannot be looked at"))?;
        let is_sticky = above.mode() & 0o1000 != 0;
        if above.uid() != 0 && above.uid() != geteuid().as_raw() {
            return Err(self.distrusted("the folder above belongs to another user"));
        }
        if !is_sticky && above.mode() & OTHERS_WRITE != 0 {
            return Err(self.distrusted("others can write the folder above"));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = open(&self.folder, flags, Mode::empty()).map(File::from);
        let folder = opened.map_err(|_| self.distrusted("it is a link, or cannot be opened"))?;
        let metadata = folder.metadata().map_err(|_| self.distrusted("it cannot be looked at"))?;
        match fault_of(&metadata) {
            None => Ok(folder),
            Some(why) => Err(self.distrusted(why)),
        }
    }

    fn distrusted(&self, why: &'static str) -> Distrusted {
        Distrusted { folder: self.folder.clone(), why }
    }

    fn file_name(&self) -> String {
        format!("{PREFIX}{}", self.key.file_name())
    }

    /// Writes the file so that another run finds all of it or nothing.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        // A run that was killed leaves a part of it behind, which is pruned as one of the others.
        let mut fresh = Fresh::beside(&self.folder.join(self.file_name()), Readers::Owner)?;
        fresh.file().write_all(bytes)?;
        fresh.replace_soon()?;
        prune(&self.folder)
    }
}

/// The mode of who may write: the group, and all others.
const OTHERS_WRITE: u32 = 0o022;

/// Says why a file or folder may not be this user's doing.
fn fault_of(metadata: &Metadata) -> Option<&'static str> {
    if metadata.uid() != geteuid().as_raw() {
        return Some("it belongs to another user");
    }
    (metadata.mode() & OTHERS_WRITE != 0).then_some("others can write it")
}

/// Deletes all but the newest files.
fn prune(folder: &Path) -> io::Result<()> {
    let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    files.sort();
    let old = files.len().saturating_sub(KEPT);
    files.iter().take(old).try_for_each(|(_, path)| fs::remove_file(path))
}

/// Names this very program: another build may read a spec differently without having another version.
fn program() -> io::Result<String> {
    let file = File::open(std::env::current_exe()?)?.metadata()?;
    Ok(format!("{} {} {}.{}", env!("CARGO_PKG_VERSION"), file.size(), file.mtime(), file.mtime_nsec()))
}
