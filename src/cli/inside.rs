//! Whether a path that a spec chose stays in the working directory.
//!
//! A spec may come from another person: a pull request, a repository that was just cloned, with its links. What it
//! names must not reach any other file of this host.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Tells whether a path, which need not exist, leads to a place below `directory`, by its spelling and over every link
/// on the way. A place that cannot be looked at counts as outside.
pub fn is_inside(path: &Path, directory: &Path) -> bool {
    // By its spelling first: whether a file outside exists is nothing to tell.
    is_spelled_inside(path) && leads_inside(path, directory).unwrap_or(false)
}

/// Tells whether a path is spelled as one below the folder where it begins.
pub fn is_spelled_inside(path: &Path) -> bool {
    let mut parts = path.components();
    path.file_name().is_some() && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Follows the path as far as it exists; what does not exist yet is made where the rest of it leads.
fn leads_inside(path: &Path, directory: &Path) -> io::Result<bool> {
    let base = fs::canonicalize(directory)?;
    for above in path.ancestors() {
        let place = directory.join(above);
        // A link that leads nowhere is there, too: whoever writes makes the file that it leads to.
        if fs::symlink_metadata(&place).is_ok() {
            return Ok(fs::canonicalize(&place)?.starts_with(&base));
        }
    }
    Ok(true)
}

/// Tells whether both paths lead to one file or folder, which may have more than one name without any link among them.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| {
        let place = fs::canonicalize(path).and_then(fs::symlink_metadata).ok()?;
        Some((place.dev(), place.ino()))
    };
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

/// Returns where a path leads that need not exist yet, over every link on the way.
pub fn leads_to(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find_map(|above| {
        let rest = path.strip_prefix(above).ok()?;
        Some(fs::canonicalize(above).ok()?.join(rest))
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test lays folders and links")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn neither_spelling_nor_links_lead_out() {
        let around = tempfile::tempdir().unwrap();
        let directory = around.path().join("work");
        fs::create_dir_all(directory.join("state")).unwrap();
        fs::create_dir(around.path().join("work-2")).unwrap();
        for (link, to) in [
            ("out", ".."),
            ("sibling", "../work-2"),
            ("nowhere", "../missing.db"),
            ("in", "state"),
            ("round", "../work/state"),
        ] {
            symlink(to, directory.join(link)).unwrap();
        }
        let cases = [
            ("state/acme.db", true),
            ("./state/acme.db", true),
            ("no/such/folder/acme.db", true),
            ("in/acme.db", true),
            ("round/acme.db", true),
            (":memory:", true),
            ("file:acme.db?mode=rwc", true),
            ("../acme.db", false),
            ("state/../../acme.db", false),
            ("/srv/acme.db", false),
            ("out/acme.db", false),
            ("sibling/acme.db", false),
            ("nowhere", false),
            ("", false),
            ("state/..", false),
        ];
        for (path, inside) in cases {
            assert_eq!(is_inside(path.as_ref(), &directory), inside, "{path}");
        }
        assert!(!is_inside("acme.db".as_ref(), &around.path().join("no/such")));
    }
}
