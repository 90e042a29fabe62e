//! Signals, which no script can send at the right moment: the real binary is interrupted while it creates.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
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

pub fn signal(process: &Child, name: &str) {
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

const NEVER_READY: &str = "\
version: 1
project: cut
provider: { kind: simulator }
defaults: { image: acme/silent:1, gpu: RTX 4090, ports: [8000/http], placement: { data_centers: [EU-RO-1] } }
pods:
  one: { ready: { http: 8000/health, within: 4h } }
  two: { depends_on: [one] }
";

/// Nobody waits for hours behind a signal: the wait ends at once, the pod is on record, and the next plan is empty but for
/// what was not begun.
#[test]
fn a_signal_ends_the_wait_for_a_pod_that_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pods.yaml"), NEVER_READY).unwrap();
    for told in ["one: waiting for http 8000/health: answered 502"; 2] {
        let (mut process, rest) = applying(folder.path(), told);
        signal(&process, "-INT");
        let rest: Vec<String> = rest.collect();
        assert_eq!(process.wait().unwrap().code(), Some(130), "{rest:#?}");
        assert!(!rest.iter().any(|line| line == "two: creating"), "{rest:#?}");
        let listed = run(folder.path(), &["state", "list"]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert_eq!(listed.lines().filter(|line| line.starts_with("one")).count(), 1, "{listed}");
    }
}

/// A spec that is being read blocks its reader: more of it is written than a pipe holds, and then no more comes.
fn reading_a_spec(folder: &Path, arguments: &[&str]) -> Child {
    let arguments = [arguments, &["-f", "/dev/stdin"]].concat();
    let mut command = podform(folder, &arguments);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pipe = process.stdin.as_mut().unwrap();
    // Done only when some of it was read.
    pipe.write_all(" ".repeat(1 << 20).as_bytes()).unwrap();
    process
}

#[test]
fn a_signal_ends_whatever_reads_its_spec_with_130() {
    let folder = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 14] = [
        &["validate"],
        &["config"],
        &["plan", "-o", "x.plan"],
        &["apply", "--auto-approve"],
        &["apply", "--auto-approve", "--json"],
        &["destroy", "--auto-approve"],
        &["drift"],
        &["status"],
        &["doctor"],
        &["import", "--all"],
        &["logs", "llm"],
        &["ssh", "llm"],
        &["state", "backup", "copy.db"],
        &["unlock"],
    ];
    for arguments in commands {
        for name in ["-INT", "-TERM", "-HUP"] {
            let process = reading_a_spec(folder.path(), arguments);
            signal(&process, name);
            let ended = process.wait_with_output().unwrap();
            let told = String::from_utf8(ended.stderr).unwrap();
            assert_eq!((ended.status.code(), told.as_str()), (Some(130), "interrupted\n"), "{arguments:?}");
            assert_eq!(ended.stdout, b"", "{arguments:?}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_signal_ends_what_waits_for_a_reader_of_everything_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "version: 1\nproject: cut\nprovider: { kind: simulator }\npods:\n".to_owned();
    for pod in 0..3_000 {
        writeln!(text, "  pod-{pod}: {{ image: 'a/b:1', gpu: L4 }}").unwrap();
    }
    fs::write(folder.path().join("pods.yaml"), text).unwrap();
    // One pipe for both streams, so that even what an interrupt says has no room.
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = podform(folder.path(), &["config"]);
    let mut process = command.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    drop(command);
    let mut first = [0; 1];
    reader.read_exact(&mut first).unwrap();
    signal(&process, "-INT");
    assert_eq!(process.wait().unwrap().code(), Some(130));
}

#[test]
fn a_signal_before_anything_is_done_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pods.yaml"), SPEC).unwrap();
    fs::create_dir(folder.path().join("state")).unwrap();
    let lock = fs::File::create(folder.path().join("state/cut.simulated.db.lock")).unwrap();
    lock.try_lock().unwrap();
    let arguments = ["apply", "--auto-approve", "--lock-timeout", "1h", "-v"];
    let mut process =
        podform(folder.path(), &arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("waiting for the lock")));
    signal(&process, "-INT");
    assert_eq!(process.wait().unwrap().code(), Some(130));
    assert!(!folder.path().join("state/cut.simulated.db").exists());
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
    signal(&process, "-HUP");
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

/// A terminal that is closed ends nothing that was started to outlive it.
#[test]
fn a_run_under_nohup_goes_on_when_its_terminal_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pods.yaml"), SPEC).unwrap();
    let mut command = Command::new("nohup");
    let arguments = [env!("CARGO_BIN_EXE_podform"), "apply", "--auto-approve"];
    command.current_dir(folder.path()).env_clear().args(arguments).stdin(Stdio::null());
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "one: creating"));
    signal(&process, "-HUP");
    let rest: Vec<String> = lines.collect();
    assert_eq!(process.wait().unwrap().code(), Some(0), "{rest:#?}");
}

/// An account at RunPod's door in which the second create finds nothing free: there, a wait of an hour takes a minute and a half.
struct Full {
    folder: tempfile::TempDir,
    server: Child,
    url: String,
}

impl Full {
    fn serve(api: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["simulate", "--speed", "40", "--quota", "none", "--fault", "create#2=no-capacity"];
        let mut server =
            podform(folder.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let spec = format!(
            "\
version: 1
project: full
provider: {{ api: {api} }}
defaults: {{ image: 'ubuntu:24.04', gpu: L4 }}
pods:
  first: {{}}
  one: {{ depends_on: [first], retry: {{ for: 2h, every: 1h }} }}
"
        );
        fs::write(folder.path().join("pods.yaml"), spec).unwrap();
        Self { folder, server, url: line.trim().to_owned() }
    }

    fn podform(&self, arguments: &[&str]) -> Command {
        let mut command = podform(self.folder.path(), arguments);
        command.env("RUNPOD_API_BASE_URL", &self.url).env("RUNPOD_API_KEY", "rpa_full");
        command
    }

    fn code(&self, arguments: &[&str]) -> Option<i32> {
        self.podform(arguments).output().unwrap().status.code()
    }

    /// Begins an apply and returns it once it waits, with the rest of what it says.
    fn waiting(&self) -> (Child, impl Iterator<Item = String> + use<>) {
        let mut process = self
            .podform(&["apply", "--auto-approve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        // How much of the hour is left depends on the speed of the computer: the world goes on meanwhile.
        let wait = "no capacity for one: the lock is given back, the next try is in ";
        assert!(lines.any(|line| line.starts_with(wait)));
        (process, lines)
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

#[test]
fn a_signal_ends_a_wait_for_capacity_at_once() {
    for (api, name) in [("v2", "-INT"), ("v2", "-TERM"), ("v2", "-HUP"), ("v1", "-INT"), ("graphql", "-INT")]
    {
        let account = Full::serve(api);
        let (process, rest) = account.waiting();
        signal(&process, name);
        let rest: Vec<String> = rest.collect();
        assert_eq!(rest, [""; 0], "{api} {name}");
        let ended = process.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(130), "{api} {name}");
        let told = String::from_utf8(ended.stdout).unwrap();
        assert!(
            told.contains("Not now:\n  one: create: no candidate of the plan could be created; waited "),
            "{told}"
        );
        // What the run did before it waited is told as what it did.
        assert!(told.contains("Interrupted by a signal. The state is consistent.\n"), "{told}");
        assert!(told.contains("1 added"), "{told}");
        assert_eq!(account.code(&["apply", "--auto-approve"]), Some(0), "{api} {name}");
        assert_eq!(account.code(&["plan", "--detailed-exitcode"]), Some(0), "{api} {name}");
    }
}

#[test]
fn who_is_killed_in_a_wait_for_capacity_leaves_nothing_behind() {
    let account = Full::serve("v2");
    let (mut process, rest) = account.waiting();
    process.kill().unwrap();
    rest.for_each(drop);
    process.wait().unwrap();
    let history = account.podform(&["state", "history"]).output().unwrap();
    let history = String::from_utf8(history.stdout).unwrap();
    assert!(history.contains("1 of 2 actions done, 1 waiting for capacity"), "{history}");
    assert_eq!(account.code(&["apply", "--auto-approve"]), Some(0));
    assert_eq!(account.code(&["plan", "--detailed-exitcode"]), Some(0));
}

/// Nobody has to wait for who waits.
#[test]
fn the_lock_is_free_during_a_wait_for_capacity() {
    let account = Full::serve("v2");
    let (process, rest) = account.waiting();
    assert_eq!(account.code(&["apply", "--auto-approve"]), Some(0));
    assert_eq!(account.code(&["destroy", "--auto-approve"]), Some(0));
    signal(&process, "-INT");
    rest.for_each(drop);
    assert_eq!(process.wait_with_output().unwrap().status.code(), Some(130));
}
