//! How often the patterns of secrets are wrong about texts that hold none, or only such as are meant to be seen.
#![expect(clippy::disallowed_methods, reason = "the test reads the documentation")]

use std::fs;
use std::path::{Path, PathBuf};

use podform::model::sensitive::{is_secret, is_secret_value};

/// Files below a folder whose names end so.
fn files(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, endings, found);
        } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            found.push(path);
        }
    }
}

/// Returns the name and value of a line such as `  NAME: value`, `- NAME=value` or `NAME = "value"`.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_start_matches("- ");
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))?;
    let rest = line[end..].trim_start().strip_prefix([':', '='])?;
    let value = rest.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    // `NAME: { secret: hf }` refers to one.
    let is_literal = end > 0 && &line[..end] != "secret" && !value.starts_with(['{', '[']);
    is_literal.then_some((&line[..end], value))
}

/// What a reader of these files would be warned about.
struct Measured {
    /// Settings: names with a value.
    pairs: usize,
    /// Other lines with anything in them.
    lines: usize,
    /// What is taken for a secret.
    taken: Vec<String>,
}

fn measure(pages: &[PathBuf]) -> Measured {
    let mut measured = Measured { pairs: 0, lines: 0, taken: Vec::new() };
    for page in pages {
        for line in fs::read_to_string(page).unwrap().lines().filter(|line| !line.trim().is_empty()) {
            let is_taken = match pair(line) {
                Some((name, value)) => {
                    measured.pairs += 1;
                    is_secret(name, value)
                }
                None => {
                    measured.lines += 1;
                    is_secret_value(line)
                }
            };
            if is_taken {
                measured.taken.push(line.trim().to_owned());
            }
        }
    }
    measured
}

/// `docs/concepts/secrets.md` says so. What is taken there are samples of secrets, so that less than this is wrong.
#[test]
fn one_line_in_a_hundred_at_most_is_taken_for_a_secret() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    files(&root.join("docs"), &[".md"], &mut pages);
    files(&root.join("examples"), &[".yaml", ".yml"], &mut pages);
    let Measured { pairs, lines, taken } = measure(&pages);
    assert!(pairs > 500 && lines > 2_000, "{pairs} settings and {lines} lines are too few to tell");
    assert!(taken.len() * 100 <= pairs + lines, "{} of {}: {taken:#?}", taken.len(), pairs + lines);
    assert!(!taken.is_empty(), "the documentation shows secrets, and none was found");
}
