//! The folder of specs that were read before: `$XDG_CACHE_HOME/podform`, or `~/.cache/podform`.
//!
//! It only ever saves time. Whatever goes wrong with it, a spec is read from its files, and nobody is told: a folder
//! that cannot be written, a file that is damaged, two runs that write at once. It may be deleted at any time.
#![expect(clippy::disallowed_methods, reason = "this is where the cache is read and written")]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::env::Environment;
use super::files::read_at_most;
use crate::spec::cache::{self, CacheKey};
use crate::spec::{Input, Loaded};

/// A smaller spec is parsed as fast as a file is found and read: this is three hundred pods, and ten milliseconds.
const WORTHWHILE: usize = 64 << 10;
/// What is read from the largest spec takes less.
const LARGEST: u64 = 128 << 20;
/// How many specs are kept, those that were read last.
const KEPT: usize = 8;
/// How the names of all files begin.
const PREFIX: &str = "spec-";

/// The place of one spec in a folder that is there.
pub struct Slot {
    folder: PathBuf,
    key: CacheKey,
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
    pub fn read(&self, input: &Input<'_>) -> Option<Loaded> {
        // Nobody else may have chosen what is planned.
        let others_can_write = fs::metadata(&self.folder).ok()?.mode() & 0o022 != 0;
        if others_can_write {
            return None;
        }
        let bytes = read_at_most(&self.path(), LARGEST).ok()?;
        cache::read(&self.key, input, &bytes)
    }

    /// Keeps what was read, if it may be kept and the folder can be written.
    pub fn keep(&self, input: &Input<'_>, loaded: &Loaded) {
        if let Some(bytes) = cache::write(&self.key, input, loaded)
            && bytes.len() as u64 <= LARGEST
        {
            let _saves_no_time = self.write(&bytes);
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{PREFIX}{}", self.key.file_name()))
    }

    /// Writes the file so that another run finds all of it or nothing.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        // A run that was killed leaves this behind; it is pruned as one of the others.
        let part = self.path().with_extension(format!("{}.part", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        let written = file.write_all(bytes).and_then(|()| fs::rename(&part, self.path()));
        if written.is_err() {
            let _left_for_pruning = fs::remove_file(&part);
        }
        written.and_then(|()| prune(&self.folder))
    }
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
