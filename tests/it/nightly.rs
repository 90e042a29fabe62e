//! The parts of the long campaigns exist and are described, as nobody looks before the night is over.

#![expect(clippy::disallowed_methods, reason = "the test runs the script and reads it")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn run(arguments: &[&str]) -> Output {
    Command::new(Path::new(ROOT).join("tests/nightly/run")).args(arguments).output().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

#[test]
fn every_part_exists_and_is_described() {
    let listed = String::from_utf8(run(&["list"]).stdout).unwrap();
    let listed: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let script = read("tests/nightly/run");
    let defined = script.lines().filter_map(|line| line.strip_prefix("part_")?.strip_suffix("() {"));
    assert_eq!(listed, defined.collect::<Vec<_>>());
    let contributing = read("CONTRIBUTING.md").replace("\n  ", " ");
    let named: Vec<String> = listed.iter().map(|part| format!("`{part}`")).collect();
    assert!(contributing.contains(&named.join(", ")), "CONTRIBUTING.md names all of {named:?}, in order");
}

#[test]
fn an_unknown_part_runs_nothing() {
    let output = run(&["kills", "nosuch"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(3), true), "{said}");
    assert_eq!(said, "there is no part `nosuch`; `tests/nightly/run list` shows those that there are\n");
}
