//! What no script can show, as its output holds something that is never the same twice or needs a pipe, a signal or
//! another program: run ids, broken pipes, `ssh`.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use clap::CommandFactory;
use podform::cli::Cli;
use serde_json::Value;

use crate::interrupt::signal;
use crate::stage::request;

/// A folder with a spec on the simulator.
struct Folder(tempfile::TempDir);

/// What a command printed, and its exit code.
struct Printed {
    stdout: String,
    stderr: String,
    code: i32,
}

const SPEC: &str = "\
version: 1
project: acme
provider: { kind: simulator }
pods:
  web:
    image: nginx:1.29
    cpu: { flavors: [cpu3c], vcpus: 2 }
    ports: [8000/http, 22/tcp]
";

impl Folder {
    fn with(spec: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("pods.yaml"), spec).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn podform(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
        command.current_dir(self.0.path()).env_clear().env("USER", "ada").env("HOSTNAME", "lab");
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Printed {
        let ended = self.podform(arguments).output().unwrap();
        Printed {
            stdout: String::from_utf8(ended.stdout).unwrap(),
            stderr: String::from_utf8(ended.stderr).unwrap(),
            code: ended.status.code().unwrap(),
        }
    }

    /// Runs what must succeed and returns its data.
    fn data(&self, arguments: &[&str]) -> String {
        let Printed { stdout, stderr, code } = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {stderr}");
        stdout
    }

    fn apply(&self) {
        self.data(&["apply", "--auto-approve", "--parallelism", "1", "-q"]);
    }

    /// Returns the ids of all runs, in order.
    fn runs(&self) -> Vec<String> {
        let history: Value = serde_json::from_str(&self.data(&["state", "history", "--json"])).unwrap();
        let runs = history["runs"].as_array().unwrap().iter();
        runs.map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn the_history_tells_who_did_what_when_and_how_it_ended() {
    let folder = Folder::with(SPEC);
    folder.apply();
    folder.data(&["state", "rm", "web"]);
    let runs = folder.runs();
    let named = |text: String| {
        let names = runs.iter().zip(["FIRST", "SECOND"]);
        names.fold(text, |text, (id, name)| text.replace(id, name).replace(&id[..8], name))
    };
    let table = named(folder.data(&["state", "history"]));
    insta::assert_snapshot!(table, @"
    RUN       BEGAN                 TOOK  WHO      COMMAND   PLAN                                       ENDED
    FIRST  2026-11-02T09:00:05Z  34s   ada@lab  apply     7c6026e2c87cd92fe210de5d5cc7a18d-45800000  1 of 1 actions done
    SECOND  2026-11-02T09:00:41Z  0s    ada@lab  state rm  -                                          1 given up
    ");
    let events = named(folder.data(&["state", "history", &runs[0][..8]]));
    insta::assert_snapshot!(events, @"
    approved with `--auto-approve`, by ada@lab
    AT                    ACTION      EVENT      DETAIL
    2026-11-02T09:00:05Z  web:create  intended   attempt 0, token ea46e2fe2d47d31a
    2026-11-02T09:00:05Z  web:create  started    -
    2026-11-02T09:00:06Z  web:create  accepted   6j7cyug1oep447
    2026-11-02T09:00:39Z  web:create  succeeded  -
    ");
    let json = named(folder.data(&["state", "history", &runs[0], "--json"]));
    insta::assert_snapshot!(json, @r#"
    {
      "runs": [
        {
          "approved": {
            "by": "ada@lab",
            "commit": null,
            "how": "flag",
            "pull_request": null,
            "run_url": null
          },
          "began_at": "2026-11-02T09:00:05Z",
          "command": "apply",
          "ended_at": "2026-11-02T09:00:39Z",
          "events": [
            {
              "action": "web:create",
              "at": "2026-11-02T09:00:05Z",
              "detail": "attempt 0, token ea46e2fe2d47d31a",
              "event": "intended"
            },
            {
              "action": "web:create",
              "at": "2026-11-02T09:00:05Z",
              "detail": null,
              "event": "started"
            },
            {
              "action": "web:create",
              "at": "2026-11-02T09:00:06Z",
              "detail": "6j7cyug1oep447",
              "event": "accepted"
            },
            {
              "action": "web:create",
              "at": "2026-11-02T09:00:39Z",
              "detail": null,
              "event": "succeeded"
            }
          ],
          "id": "FIRST",
          "plan_digest": "7c6026e2c87cd92fe210de5d5cc7a18d-45800000",
          "summary": "1 of 1 actions done",
          "who": "ada@lab"
        }
      ],
      "version": 1
    }
    "#);
}

#[test]
fn everything_that_is_known_of_a_pod_is_one_document() {
    let folder = Folder::with(SPEC);
    folder.apply();
    let document = folder.data(&["show", "web", "--json"]).replace(&folder.runs()[0], "RUN");
    insta::assert_snapshot!(document, @r#"
    {
      "address": "web",
      "cost": {
        "micro_usd_month": 45800000,
        "unknown_parts": 0
      },
      "in_progress": null,
      "kind": "pod",
      "last_run": {
        "approved": {
          "by": "ada@lab",
          "commit": null,
          "how": "flag",
          "pull_request": null,
          "run_url": null
        },
        "began_at": "2026-11-02T09:00:05Z",
        "command": "apply",
        "ended_at": "2026-11-02T09:00:39Z",
        "id": "RUN",
        "plan_digest": "7c6026e2c87cd92fe210de5d5cc7a18d-45800000",
        "summary": "1 of 1 actions done",
        "who": "ada@lab"
      },
      "live": {
        "cloud": "secure",
        "created_at": "2026-11-02T09:00:06Z",
        "data_center": "EUR-IS-1",
        "hourly": "0.06",
        "machine": {
          "cpu": "cpu3c",
          "vcpus": 2
        },
        "name": "acme-web",
        "seen": "found",
        "ssh": "ssh root@192.0.2.244 -p 41211",
        "state": "RUNNING",
        "tcp": {
          "22": "192.0.2.244:41211"
        },
        "uptime_seconds": 3,
        "url": "https://6j7cyug1oep447-8000.proxy.runpod.net"
      },
      "recorded": {
        "address": "web",
        "deposed": [],
        "id": "6j7cyug1oep447",
        "job": null,
        "kind": "pod",
        "on_remove": "terminate",
        "pod": {
          "cloud": "secure",
          "command": [],
          "data_center": "EUR-IS-1",
          "depends_on": [],
          "disk_gb": 20,
          "entrypoint": null,
          "env": {},
          "global_networking": false,
          "image": "nginx:1.29",
          "jupyter": false,
          "locked": null,
          "machine": {
            "cpu": "cpu3c",
            "vcpus": 2
          },
          "mount": null,
          "name": "acme-web",
          "ports": [
            "22/tcp",
            "8000/http"
          ],
          "registry": null,
          "ssh": false,
          "state": "running"
        },
        "protect": false,
        "rebuilt": false,
        "recorded_at": "2026-11-02T09:00:06Z",
        "registry": null,
        "retired": false,
        "secret": null,
        "token": "ea46e2fe2d47d31a",
        "volume": null
      },
      "spec": {
        "position": "pods.yaml:5:3"
      },
      "version": 1
    }
    "#);
}

/// A simulator in the background, with a world of its own that moves fast.
struct Served {
    process: Child,
    url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Folder {
    /// Serves the world of the folder's spec.
    fn serve(&self, arguments: &[&str]) -> Served {
        self.serve_in("state/simulator.db", arguments)
    }

    /// Serves a world of its own.
    fn serve_in(&self, store: &str, arguments: &[&str]) -> Served {
        let mut process = self
            .podform(&["simulate", "--store", store, "--speed", "20", "--quota", "none"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Served { process, url: line.trim().to_owned() }
    }

    /// Follows the log of `web` and returns the process with the lines that it prints.
    fn follow(&self) -> (Child, impl Iterator<Item = String> + use<>) {
        let mut process = self
            .podform(&["logs", "web", "--follow"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        (process, lines)
    }
}

/// Returns the numbers of the regular lines of a simulated log.
fn steps(lines: impl Iterator<Item = String>) -> impl Iterator<Item = u32> {
    lines.filter_map(|line| line.strip_prefix("step ")?.split(' ').next()?.parse().ok())
}

#[test]
fn a_followed_log_goes_on_until_it_is_interrupted() {
    let folder = Folder::with(SPEC);
    folder.apply();
    let _served = folder.serve(&[]);
    let (mut process, mut lines) = folder.follow();
    assert!(steps(lines.by_ref()).any(|step| step == 3), "the log ended before");
    signal(&process, "-INT");
    let mut said = String::new();
    process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((process.wait().unwrap().code(), said.as_str()), (Some(130), ""));
}

#[test]
fn a_log_whose_connection_breaks_goes_on_without_a_gap() {
    let folder = Folder::with(SPEC);
    folder.apply();
    let _served = folder.serve(&["--fault", "logs#1=truncated,logs#2=unavailable,logs#4-6=unavailable"]);
    let (mut process, lines) = folder.follow();
    let mut steps = steps(lines);
    let told: Vec<u32> = steps.by_ref().take(5).collect();
    assert_eq!(told, [1, 2, 3, 4, 5]);
    signal(&process, "-INT");
    assert_eq!(process.wait().unwrap().code(), Some(130));
}

#[test]
fn a_followed_log_ends_with_its_pod_and_with_its_reader() {
    let folder = Folder::with(SPEC);
    folder.apply();
    let served = folder.serve(&[]);
    let (mut process, mut lines) = folder.follow();
    assert!(lines.next().is_some());
    drop(lines);
    assert_eq!(process.wait().unwrap().code(), Some(0), "nobody reads it");

    let (process, lines) = folder.follow();
    let mut steps = steps(lines);
    assert!(steps.next().is_some());
    let status: Value = serde_json::from_str(&folder.data(&["status", "--json"])).unwrap();
    let pod = status["objects"][0]["id"].as_str().unwrap();
    let stopped = request(&served.url, "POST", &format!("/v2/pods/{pod}/action"), r#"{"action":"stop"}"#);
    assert_eq!(stopped.0, 200);
    assert!(steps.count() < 100);
    let ended = process.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(said, "`web` does not run, so its log is at its end\n");
    assert_eq!(ended.status.code(), Some(0));
}

#[test]
fn every_command_survives_a_reader_that_goes_away() {
    let folder = Folder::with(SPEC);
    folder.apply();
    for arguments in [
        &["plan"][..],
        &["status"],
        &["gpus"],
        &["logs", "web"],
        &["state", "list"],
        &["state", "history"],
        &["show", "web"],
        &["doctor"],
        &["schema"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut process =
            folder.podform(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(process.stdout.take());
        let ended = process.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn the_doctor_tells_of_a_shared_state_what_to_look_at_and_whether_it_may_be_written() {
    let spec =
        "version: 1\nproject: acme\nprovider: { kind: simulator }\npods:\n  web: { image: x, gpu: L4 }\n";
    let folder = Folder::with(spec);
    let name = folder.0.path().display().to_string();
    let state = |name: &str| format!("file://{}", folder.path(name).display());
    let lines = |state: &str| {
        let ended = folder.podform(&["--state", state, "doctor"]).output().unwrap();
        let text = String::from_utf8(ended.stdout).unwrap().replace(&name, "DIR");
        let told = ["state", "writing", "lock"];
        let lines =
            text.lines().filter(|line| line.split_whitespace().nth(1).is_some_and(|w| told.contains(&w)));
        let lines: Vec<&str> = lines.collect();
        format!("{}\n[exit {}]", lines.join("\n"), ended.status.code().unwrap())
    };
    let applied = folder.podform(&["--state", &state("shared"), "apply", "--auto-approve"]).output().unwrap();
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    // One that ends soon gives no sign of life.
    let _none = fs::remove_dir_all(folder.path("shared/lease"));
    // A folder that nobody may write, whoever runs this.
    fs::write(folder.path("shared/lease"), "").unwrap();
    let said = [&state("shared"), &state("pods.yaml/below"), "postgres://127.0.0.1:1/pods"].map(lines);
    insta::assert_snapshot!(said.join("\n"), @"
    ok    state     `file://DIR/shared` is whole and of this account, 1 object recorded, 0 actions open
    warn  writing   `file://DIR/shared` may be read and not written by this user: enough for plan, not for apply; next: for apply, let this user write there too
    ok    lock      free
    [exit 0]
    fail  state     failed to read state `file://DIR/pods.yaml/below`: `snapshot`: Not a directory (os error 20); next: look at the rights of this user in the folder, and whether it is mounted; or give another place with `--state`
    [exit 1]
    fail  state     failed to read state `postgres://127.0.0.1:1/pods`: no user is named: set `PGUSER`; next: look at `PGUSER` and `PGPASSWORD`, the rights of that role, and the way to the server; or give another place with `--state`
    [exit 1]
    ");
}

#[test]
fn the_doctor_tells_what_a_key_may_do_and_whose_the_state_is() {
    let spec = "version: 1\nproject: acme\nprovider: { kind: runpod }\npods:\n  web: { image: x, gpu: L4 }\n";
    let folder = Folder::with(spec);
    let first = folder.serve_in("first.db", &[]);
    let second = folder.serve_in("second.db", &["--fault", "stop=forbidden"]);
    let third = folder.serve_in("third.db", &["--fault", "list=key-refused"]);
    let run = |served: &Served, arguments: &[&str]| {
        let mut command = folder.podform(arguments);
        command.env("RUNPOD_API_BASE_URL", &served.url).env("RUNPOD_API_KEY", "rpa_DOCTOR");
        let ended = command.output().unwrap();
        let urls = [(&first, "FIRST"), (&second, "SECOND"), (&third, "THIRD")];
        let text = String::from_utf8(ended.stdout).unwrap();
        let text = urls.iter().fold(text, |text, (served, name)| text.replace(&served.url, name));
        assert!(!text.contains("rpa_DOCTOR"), "{text}");
        // The simulated world has a time of its own, and a request an id.
        let lines = text.lines().filter(|line| !line.contains("  clock  "));
        let lines = lines.map(|line| line.split(" (request ").next().unwrap());
        format!("{}\n[exit {}]", lines.collect::<Vec<_>>().join("\n"), ended.status.code().unwrap())
    };
    run(&first, &["apply", "-q", "--auto-approve"]);
    insta::assert_snapshot!(run(&first, &["doctor"]), @"
    ok    spec      project `acme`, 1 object wanted
    ok    origin    FIRST
    ok    secrets   none declared
    ok    key       accepted, 1 pod in the account
    ok    scope     the key may read; `--try-write` asks whether it may write
    ok    facts     the prices that podform brings are of 2026-10-07, 26 days old; those of the account go first
    ok    quota     the API announces none
    ok    state     `state/acme.db` is whole and of this account, 1 object recorded, 0 actions open
    ok    lock      free
    [exit 0]
    ");
    insta::assert_snapshot!(run(&second, &["doctor"]), @"
    ok    spec      project `acme`, 1 object wanted
    ok    origin    SECOND
    ok    secrets   none declared
    ok    key       accepted, 0 pods in the account
    ok    scope     the key may read; `--try-write` asks whether it may write
    ok    facts     the prices that podform brings are of 2026-10-07, 26 days old; those of the account go first
    ok    quota     the API announces none
    fail  state     state `state/acme.db` belongs to project `acme` on RunPod at `FIRST`, not to project `acme` on RunPod at `SECOND`; next: give the state of this project with `--state PATH`
    [exit 3]
    ");
    insta::assert_snapshot!(run(&third, &["doctor"]), @"
    ok    spec      project `acme`, 1 object wanted
    ok    origin    THIRD
    ok    secrets   none declared
    fail  key       failed to read the account: GET /v2/pods was rejected: invalid bearer token
    ok    facts     the prices that podform brings are of 2026-10-07, 26 days old; those of the account go first
    ok    quota     the API announces none
    fail  state     state `state/acme.db` belongs to project `acme` on RunPod at `FIRST`, not to project `acme` on RunPod at `THIRD`; next: give the state of this project with `--state PATH`
    [exit 8]
    ");
    for api in ["v1", "graphql"] {
        fs::write(
            folder.path("pods.yaml"),
            spec.replace("kind: runpod", &format!("kind: runpod, api: {api}")),
        )
        .unwrap();
        let scope = |served| run(served, &["doctor", "--try-write"]).lines().nth(4).unwrap().to_owned();
        assert_eq!(scope(&first), "ok    scope     the key may read and write pods", "{api}");
        assert!(
            scope(&second).starts_with("warn  scope     the key may only read"),
            "{api}: {}",
            scope(&second)
        );
    }
}

#[test]
fn ssh_is_run_with_checked_arguments_and_its_exit_code_is_ours() {
    let folder = Folder::with(SPEC);
    folder.apply();
    let fake = folder.path("ssh");
    fs::write(&fake, "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 7\n").unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = folder.podform(&["ssh", "web", "--", "nvidia-smi", "-L"]);
    let ended = command.env("PATH", folder.path("")).output().unwrap();
    let expected = folder.data(&["ssh", "web", "--print"]);
    let expected = expected.trim().strip_prefix("ssh ").unwrap().replace(' ', "\n") + "\nnvidia-smi\n-L\n";
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), expected);
    assert_eq!(ended.status.code(), Some(7));

    let ended = folder.podform(&["ssh", "web", "--", "id"]).env("PATH", "/nowhere").output().unwrap();
    insta::assert_snapshot!(String::from_utf8(ended.stderr).unwrap(), @"
    error: failed to run `ssh`
      because No such file or directory (os error 2)
    hint: install OpenSSH, or copy what `--print` prints
    ");
    assert_eq!(ended.status.code(), Some(1));
}

/// Returns every visible command as words, podform itself first.
fn all_commands() -> Vec<(Vec<String>, clap::Command)> {
    let mut command = Cli::command();
    command.build();
    let mut found = vec![(Vec::new(), command)];
    let mut next = 0;
    while let Some((words, command)) = found.get(next).cloned() {
        next += 1;
        for below in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            found.push(([words.clone(), vec![below.get_name().to_owned()]].concat(), below.clone()));
        }
    }
    found
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = Folder::with(SPEC);
    let commands = all_commands();
    assert!(commands.len() > 25, "{}", commands.len());
    for (words, command) in commands {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = folder.data(&arguments);
        let is_group = command.has_subcommands();
        let example = format!("\n  podform {}", words.join(" "));
        assert!(is_group || help.contains("Example") && help.contains(&example), "{arguments:?}:\n{help}");
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            assert!(argument.get_help().is_some(), "{words:?}: {} has no help", argument.get_id());
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::with(SPEC);
    folder.data(&["man", "--into", "man/man1"]);
    let page = folder.data(&["man"]);
    assert!(page.starts_with(".ie \\n(.g .ds Aq") && page.contains(".TH podform 1"), "{page}");
    let mut expected: Vec<String> = all_commands()
        .iter()
        .map(|(words, _)| [&["podform".to_owned()], &words[..]].concat().join("-") + ".1")
        .collect();
    expected.sort();
    let written = fs::read_dir(folder.path("man/man1")).unwrap();
    let mut written: Vec<String> =
        written.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    written.sort();
    assert_eq!(written, expected);
    let page = fs::read_to_string(folder.path("man/man1/podform-state-history.1")).unwrap();
    insta::assert_snapshot!(page, @r#"
    .ie \n(.g .ds Aq \(aq
    .el .ds Aq '
    .TH podform-state-history 1  "history " 
    .SH NAME
    podform\-state\-history \- List the runs that wrote the state, or the events of one
    .SH SYNOPSIS
    \fBpodform state history\fR [\fB\-\-json\fR] [\fB\-C \fR] [\fB\-f\fR|\fB\-\-file\fR] [\fB\-\-var\fR] [\fB\-\-profile\fR] [\fB\-\-state\fR] [\fB\-\-color\fR] [\fB\-v\fR|\fB\-\-verbose\fR] [\fB\-q\fR|\fB\-\-quiet\fR] [\fB\-h\fR|\fB\-\-help\fR] [\fIRUN\fR] 
    .SH DESCRIPTION
    List the runs that wrote the state, or the events of one
    .SH OPTIONS
    .TP
    \fB\-\-json\fR
    Print JSON
    .TP
    \fB\-h\fR, \fB\-\-help\fR
    Print help (see a summary with \*(Aq\-h\*(Aq)
    .TP
    [\fIRUN\fR]
    How the id of a run begins
    .SH "GLOBAL OPTIONS"
    .TP
    \fB\-C\fR \fI<DIR>\fR
    Run as if started in this directory; paths in the spec are relative to it
    .TP
    \fB\-f\fR, \fB\-\-file\fR \fI<FILE>\fR
    Spec file, `\-` for standard input; several are merged in order [default: pods.yaml]
    .TP
    \fB\-\-var\fR \fI<NAME=VALUE>\fR
    Set a variable of the spec
    .TP
    \fB\-\-profile\fR \fI<NAME>\fR
    Select pods that belong to this profile
    .TP
    \fB\-\-state\fR \fI<PATH|URL>\fR
    State: a file, or a URL of a database or bucket [default: that of the spec, or state/PROJECT.db]
    .TP
    \fB\-\-color\fR \fI<WHEN>\fR [default: auto]
    When to use colours
    .br

    .br
    \fIPossible values:\fR
    .RS 14
    .IP \(bu 2
    auto: On a terminal, unless `NO_COLOR` is set
    .IP \(bu 2
    always: Always
    .IP \(bu 2
    never: Never
    .RE
    .TP
    \fB\-v\fR, \fB\-\-verbose\fR
    Say more
    .TP
    \fB\-q\fR, \fB\-\-quiet\fR
    Say only what was asked for, and errors
    .SH EXTRA
    Examples:
      podform state history
      podform state history 3f2a
    "#);
}

#[test]
fn completions_know_every_command_and_every_flag() {
    let folder = Folder::with(SPEC);
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = folder.data(&["completions", shell]);
        for (words, command) in all_commands() {
            let name = words.last().map_or("podform", String::as_str);
            assert!(script.contains(name), "{shell}: {name}");
            for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(script.contains(flag), "{shell}: {name} --{flag}");
            }
        }
        // PowerShell's completions know no values.
        assert!(shell == "powershell" || script.contains("finetune-fleet"), "{shell}");
    }
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let folder = Folder::with(SPEC);
    fs::write(folder.path("podform.bash"), folder.data(&["completions", "bash"])).unwrap();
    let complete = |line: &str| {
        let script = "source ./podform.bash; read -ra COMP_WORDS <<< \"$LINE\"; \
                      [[ $LINE == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); \
                      _podform podform \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; \
                      printf '%s\\n' \"${COMPREPLY[@]}\"";
        let mut command = Command::new("bash");
        command.args(["--norc", "-c", script]).current_dir(folder.path("")).env("LINE", line);
        let ended = command.output().unwrap();
        String::from_utf8(ended.stdout).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("podform stat"), ["status", "state"]);
    assert_eq!(complete("podform init --exa"), ["--example"]);
    assert!(complete("podform init --example ").contains(&"finetune-fleet".to_owned()));
    assert!(complete("podform state ").contains(&"rebuild".to_owned()));
}
