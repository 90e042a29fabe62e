//! Reads the spec files, and nothing outside what was named.
#![expect(clippy::disallowed_methods, reason = "this is where files are read")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The largest spec file. One pod takes about 300 bytes, so a file beyond it is a mistake, not a spec.
pub const LARGEST_SPEC: u64 = 4 * 1024 * 1024;

/// The spec file where none is named.
pub const DEFAULT_SPEC: &str = "pods.yaml";

/// One file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecFile {
    /// The name as it was typed.
    pub name: String,
    /// Its bytes, which need not be text.
    pub bytes: Vec<u8>,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read `{path}`")]
pub struct FileError {
    /// The path as it was typed.
    pub path: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Reads the named spec files, or the default one, below `directory`.
///
/// # Errors
/// A file is missing, cannot be read, or is larger than [`LARGEST_SPEC`].
pub fn read_specs(directory: &Path, named: &[PathBuf]) -> Result<Vec<SpecFile>, FileError> {
    let default = [PathBuf::from(DEFAULT_SPEC)];
    let paths = if named.is_empty() { &default[..] } else { named };
    paths.iter().map(|path| read_spec(directory, path)).collect()
}

fn read_spec(directory: &Path, path: &Path) -> Result<SpecFile, FileError> {
    let bytes = read_at_most(&directory.join(path), LARGEST_SPEC);
    let name = path.display().to_string();
    bytes
        .map(|bytes| SpecFile { name: name.clone(), bytes })
        .map_err(|source| FileError { path: name, source })
}

/// Reads a file that is at most `limit` bytes long.
///
/// # Errors
/// It cannot be read, is no file, or is longer.
pub fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut bytes = Vec::new();
    // One byte more than allowed: the length that the system tells is 0 for pipes.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// Writes a file so that it is either the old one or the new one, never half of it.
///
/// # Errors
/// The folder cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |source| FileError { path: path.display().to_string(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut file = File::create(&part).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&part, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_below_the_directory_in_the_order_named() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["a.yaml", "b.yaml"] {
            write_whole(&directory.path().join(name), name.as_bytes()).unwrap();
        }
        let named = [PathBuf::from("b.yaml"), PathBuf::from("a.yaml")];
        let read = read_specs(directory.path(), &named).unwrap();
        let expected = ["b.yaml", "a.yaml"].map(|name| SpecFile { name: name.into(), bytes: name.into() });
        assert_eq!(read, expected);
    }

    #[test]
    fn a_missing_file_is_named_as_it_was_typed() {
        let directory = tempfile::tempdir().unwrap();
        let error = read_specs(directory.path(), &[]).unwrap_err();
        assert_eq!(error.to_string(), "failed to read `pods.yaml`");
        assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("long");
        write_whole(&path, b"12345").unwrap();
        assert_eq!(read_at_most(&path, 5).unwrap(), b"12345");
        assert_eq!(read_at_most(&path, 4).unwrap_err().to_string(), "it is larger than 4 bytes");
    }
}
