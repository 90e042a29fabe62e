//! Signals, which no script can send at the right moment: the real binary is interrupted while it creates.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use podform::model::journal::ActionStatus;

use crate::served::{Audit, Place};

const SPEC: &str = "\
version: 1
project: cut
provider: { kind: simulator }
defaults: { image: ubuntu:24.04, gpu: RTX 4090, placement: { data_centers: [EU-RO-1] } }
pods:
  one: {}
  two: { depends_on: [one] }
  three: { depends_on: [two] }
";

fn podform(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
    command.current_dir(folder).env_clear().args(arguments).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    podform(folder, arguments).output().unwrap()
}

fn signal(process: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Begins an apply and returns it once it has said this, with the rest of what it says.
///
/// Right after an interrupted create its pod may not be listed yet. Then its address is held, the run is blocked, and
/// the next one finds it: the simulated world moves on with each request, and listings lag by three seconds.
fn applying(folder: &Path, until: &str) -> (Child, impl Iterator<Item = String> + use<>) {
    for _ in 0..5 {
        let mut process = podform(folder, &["apply", "--auto-approve"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        if lines.any(|line| line == until) {
            return (process, lines);
        }
        assert_eq!(process.wait().unwrap().code(), Some(4), "neither begun nor blocked");
    }
    panic!("`{until}` was never said");
}

#[test]
fn an_interrupted_apply_exits_130_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pods.yaml"), SPEC).unwrap();
    for name in ["-INT", "-TERM"] {
        let until = if name == "-INT" { "one: creating" } else { "two: creating" };
        let (mut process, rest) = applying(folder.path(), until);
        signal(&process, name);
        let rest: Vec<String> = rest.collect();
        assert_eq!(process.wait().unwrap().code(), Some(130), "{rest:#?}");
        assert!(!rest.iter().any(|line| line == "three: creating"), "{rest:#?}");
    }
    let (mut process, rest) = applying(folder.path(), "three: creating");
    rest.for_each(drop);
    assert_eq!(process.wait().unwrap().code(), Some(0));
    let planned = run(folder.path(), &["plan", "--detailed-exitcode"]);
    assert_eq!(planned.status.code(), Some(0), "{planned:?}");
    let text = String::from_utf8(planned.stdout).unwrap();
    // A pod of the run that was cut short may still be starting, which a finding says first.
    assert!(text.contains("No changes.\n3 addresses are as wanted: one, three, two.\n"), "{text}");
}

#[test]
fn a_signal_before_anything_is_done_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pods.yaml"), SPEC).unwrap();
    fs::create_dir(folder.path().join("state")).unwrap();
    let lock = fs::File::create(folder.path().join("state/cut.db.lock")).unwrap();
    lock.try_lock().unwrap();
    let arguments = ["apply", "--auto-approve", "--lock-timeout", "1h", "-v"];
    let mut process =
        podform(folder.path(), &arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("waiting for the lock")));
    signal(&process, "-INT");
    assert_eq!(process.wait().unwrap().code(), Some(130));
    assert!(!folder.path().join("state/cut.db").exists());
}

#[test]
fn a_second_signal_gives_up_what_is_on_the_wire_and_the_next_run_finds_it() {
    let place = Place::serve(&["--speed", "40", "--fault", "create#1=done-but-timeout"]);
    place.write_spec("pods:\n  one: { image: 'ubuntu:24.04', gpu: L4 }\n");
    let mut process = place.apply().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "one: creating"));
    // The account has it although no answer comes, so its request is on the wire.
    while place.pods().is_empty() {}
    signal(&process, "-INT");
    assert!(lines.any(|line| line.starts_with("interrupted")), "the first signal is understood");
    assert!(process.try_wait().unwrap().is_none(), "the first signal waits for the answer");
    signal(&process, "-TERM");
    lines.for_each(drop);
    assert_eq!(process.wait().unwrap().code(), Some(130));
    assert_eq!(place.prior().open[0].status, ActionStatus::Unknown { id: None });
    place.apply_to_the_end();
    assert_eq!(place.audit(&BTreeSet::new()), Audit::default());
    place.assert_plan_is_empty();
}
