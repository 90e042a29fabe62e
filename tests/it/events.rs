//! Failures in a stream of events. They may come before there is an account, so they go by the clock of the host, which
//! no script can repeat; everything but the time is compared.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const SPEC: &str = "\
version: 1
project: told
provider: { kind: simulator }
defaults: { image: ubuntu:24.04, placement: { data_centers: [EU-RO-1] } }
pods:
  one: { gpu: RTX 4090 }
";

/// Runs `podform` on a spec and returns its code and the diagnostics among its events, without their times.
fn diagnostics(spec: &str, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pods.yaml"), spec).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
    command.current_dir(&folder).env_clear().args(arguments).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = events.filter(|event| event["type"] == "diagnostic").map(|mut event| {
        let time = event.as_object_mut().unwrap().remove("@timestamp").unwrap();
        assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
        assert_ne!(event["@message"], "");
        event["diagnostic"].take()
    });
    (output.status.code(), found.collect())
}

#[test]
fn nobody_is_asked() {
    assert_eq!(
        diagnostics(SPEC, &["apply", "--json"]),
        (
            Some(3),
            vec![json!({
                "severity": "error",
                "summary": "nobody can be asked for approval: `--json` is for programs",
                "detail": "hint: give `--auto-approve`, `--approved DIGEST` with the digest of a plan that you have \
                           read, or a saved plan",
            })]
        )
    );
}

#[test]
fn a_mistake_in_the_spec_has_its_range() {
    let spec = SPEC.replace("gpu: RTX 4090", "gpu: RTX 4090, imgae: x");
    assert_eq!(
        diagnostics(&spec, &["apply", "--json", "--auto-approve"]),
        (
            Some(3),
            vec![json!({
                "severity": "error",
                "summary": "unknown key",
                "detail": "a pod has no `imgae`",
                "range": {
                    "filename": "pods.yaml",
                    "start": { "line": 6, "column": 25, "byte": 159 },
                    "end": { "line": 6, "column": 30, "byte": 164 },
                },
            })]
        )
    );
}
