//! What no script can show, as its output holds something that is never the same twice or needs a pipe, a signal or
//! another program: run ids, broken pipes, `ssh`.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

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
    RUN       BEGAN                 TOOK  WHO      COMMAND   PLAN                       ENDED
    FIRST  2026-11-02T09:00:05Z  34s   ada@lab  apply     01a3bf6214efe545-45800000  1 of 1 actions done
    SECOND  2026-11-02T09:00:41Z  0s    ada@lab  state rm  -                          1 given up
    ");
    let events = named(folder.data(&["state", "history", &runs[0][..8]]));
    insta::assert_snapshot!(events, @"
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
          "plan_digest": "01a3bf6214efe545-45800000",
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
      "kind": "pod",
      "last_run": {
        "began_at": "2026-11-02T09:00:05Z",
        "command": "apply",
        "ended_at": "2026-11-02T09:00:39Z",
        "id": "RUN",
        "plan_digest": "01a3bf6214efe545-45800000",
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
        "recorded_at": "2026-11-02T09:00:06Z",
        "retired": false,
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
