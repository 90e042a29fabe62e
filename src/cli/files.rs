//! Reads spec files and writes plan files: what was named, and nothing else.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use crate::spec;
use crate::state::whole::{self, Fresh, Readers};

/// The largest spec file. One pod takes about 300 bytes, so a file beyond it is a mistake, not a spec.
pub const LARGEST_SPEC: u64 = spec::MAX_BYTES as u64;

/// The spec file where none is named.
pub const DEFAULT_SPEC: &str = "pods.yaml";

/// What is named in place of a spec file that comes from standard input.
pub const STANDARD_INPUT: &str = "-";

/// What standard input is called where a place in it is told.
pub const STANDARD_INPUT_NAME: &str = "<stdin>";

/// One file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecFile {
    pub name: String,
    /// Its bytes, which need not be text.
    pub bytes: Vec<u8>,
}

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("failed to {doing} `{path}`")]
pub struct FileError {
    /// `read` or `write`.
    pub doing: &'static str,
    pub path: String,
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// Says why a spec cannot come from standard input.
    pub fn reading_input(why: &str) -> Self {
        Self { doing: "read", path: STANDARD_INPUT_NAME.to_owned(), source: io::Error::other(why.to_owned()) }
    }

    pub fn writing(path: &Path, source: io::Error) -> Self {
        Self { doing: "write", path: path.display().to_string(), source: in_words(source) }
    }
}

/// Reads a spec from standard input to its end.
pub fn read_standard_input() -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(LARGEST_SPEC + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length as u64 > LARGEST_SPEC => {
            Err(FileError::reading_input(&format!("it is larger than {LARGEST_SPEC} bytes")))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(FileError::reading_input(&error.to_string())),
    }
}

pub fn read_spec(name: &str) -> Result<SpecFile, FileError> {
    match read_at_most(name.as_ref(), LARGEST_SPEC) {
        Ok(bytes) => Ok(SpecFile { name: name.to_owned(), bytes }),
        Err(source) => Err(FileError { doing: "read", path: name.to_owned(), source }),
    }
}

/// Says in words what the system says in numbers, where it is something that happens every day.
fn in_words(error: io::Error) -> io::Error {
    let kind = error.kind();
    match kind {
        io::ErrorKind::NotFound => io::Error::new(kind, "there is no such file"),
        io::ErrorKind::AlreadyExists => io::Error::new(kind, "it exists already"),
        io::ErrorKind::IsADirectory => io::Error::new(kind, "it is a directory"),
        io::ErrorKind::NotADirectory => io::Error::new(kind, "a part of its path is a file"),
        io::ErrorKind::PermissionDenied => io::Error::new(kind, "permission denied"),
        _ => error,
    }
}

/// Reads a file that is at most `limit` bytes long.
pub fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = if is_handed_over(path) { handed_over(path) } else { whole::open_ordinary(path) };
    rest_of(file.map_err(in_words)?, limit)
}

/// Reads an open file that is at most `limit` bytes long.
pub fn rest_of(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let too_large =
        || io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes"));
    if file.metadata()?.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // One byte more than allowed: it may be growing, and the length that the system tells is 0 for pipes.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

/// Tells whether a path is a stream that the shell has opened for this process: `/dev/stdin`, or what `<(...)` becomes.
fn is_handed_over(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

/// Opens such a stream, which may be a pipe: somebody writes into it already.
#[expect(clippy::disallowed_methods, reason = "this is where files are read")]
fn handed_over(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() || kind.is_fifo() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a pipe"))
}

/// Writes a file so that it is either the old one or the new one, never half of it.
pub fn write_whole(path: &Path, readers: Readers, bytes: &[u8]) -> Result<(), FileError> {
    write_whole_with(path, readers, |file| file.write_all(bytes))
}

pub fn write_whole_with(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> Result<(), FileError> {
    let written =
        Fresh::beside(path, readers).and_then(|fresh| filled(fresh, write)).and_then(Fresh::replace);
    written.map_err(|source| FileError::writing(path, source))
}

/// Returns what an ordinary file begins with; `None` where there is none.
pub fn beginning(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    const LENGTH: u64 = 256;
    if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(None);
    }
    let mut beginning = Vec::new();
    let read = whole::open_ordinary(path).and_then(|file| file.take(LENGTH).read_to_end(&mut beginning));
    read.map_err(|source| FileError::writing(path, source))?;
    Ok(Some(beginning))
}

/// Writes a file that must not exist yet.
pub fn write_new(path: &Path, readers: Readers, bytes: &[u8]) -> Result<(), FileError> {
    let fresh = Fresh::at_free_name(path, readers);
    let written = fresh.and_then(|fresh| filled(fresh, |file| file.write_all(bytes))).and_then(Fresh::place);
    written.map_err(|source| FileError::writing(path, source))
}

fn filled(
    mut fresh: Fresh,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> io::Result<Fresh> {
    let mut file = BufWriter::new(fresh.file());
    write(&mut file)?;
    file.flush()?;
    drop(file);
    Ok(fresh)
}

pub fn make_folder(path: &Path) -> Result<(), FileError> {
    whole::make_folder(path).map_err(|source| FileError::writing(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_the_name_that_was_typed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        write_whole(&path, Readers::Owner, b"a").unwrap();
        let name = path.display().to_string();
        assert_eq!(read_spec(&name).unwrap(), SpecFile { name, bytes: b"a".into() });
    }

    #[test]
    fn a_missing_file_is_named_as_it_was_typed() {
        let error = read_spec("no/such.yaml").unwrap_err();
        assert_eq!(error.to_string(), "failed to read `no/such.yaml`");
        assert_eq!(error.source.to_string(), "there is no such file");
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("long");
        write_whole(&path, Readers::Owner, b"12345").unwrap();
        assert_eq!(read_at_most(&path, 5).unwrap(), b"12345");
        assert_eq!(read_at_most(&path, 4).unwrap_err().to_string(), "it is larger than 4 bytes");
    }
}
