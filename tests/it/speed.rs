//! What a spec says of time, at a simulator whose world goes faster than this computer: it is the world's.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A simulator that goes two hundred times as fast, and a project whose account it is.
struct Fast {
    folder: tempfile::TempDir,
    server: Child,
    url: String,
}

impl Fast {
    fn serve(fault: &str, pod: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["simulate", "--speed", "200", "--quota", "none", "--fault", fault];
        let mut server = Command::new(env!("CARGO_BIN_EXE_podform"));
        let server = server.current_dir(folder.path()).env_clear().args(arguments).stdin(Stdio::null());
        let mut server = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let spec =
            format!("version: 1\nproject: fast\npods:\n  llm: {{ image: 'ubuntu:24.04', gpu: L4, {pod} }}\n");
        fs::write(folder.path().join("pods.yaml"), spec).unwrap();
        Self { folder, server, url: line.trim().to_owned() }
    }

    /// Applies, and returns the exit code with all that is said.
    fn apply(&self) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
        command.current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("RUNPOD_API_BASE_URL", &self.url).env("RUNPOD_API_KEY", "rpa_fast");
        let output = command.args(["apply", "--auto-approve"]).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap() + &String::from_utf8_lossy(&output.stdout),
        )
    }
}

impl Drop for Fast {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

/// How many tries fit into the ten minutes, which are three seconds here, depends on the speed of the computer.
#[test]
fn a_wait_for_capacity_takes_as_long_as_the_world_says() {
    let place = Fast::serve("create=no-capacity", "retry: { for: 10m, every: 4m }");
    let (code, said) = place.apply();
    assert_eq!(code, Some(7), "{said}");
    let waited = said.split("waited ").nth(1).and_then(|rest| rest.split(" min for capacity").next());
    let waited: u32 = waited.and_then(|minutes| minutes.parse().ok()).unwrap_or_else(|| panic!("{said}"));
    assert!((10..20).contains(&waited), "{said}");
}

/// The container would come up after half a minute here, long before ten real minutes are over.
#[test]
fn a_pod_that_does_not_boot_in_the_worlds_time_is_given_up() {
    let place = Fast::serve("create=slow-boot:6000", "boot: { within: 10m, else: fail }");
    let (code, said) = place.apply();
    assert_eq!(code, Some(7), "{said}");
    assert!(said.contains("did not run within 10m and was given up"), "{said}");
}

/// A program that listens after an hour is not ready within ten minutes, and one that does after five is.
#[test]
fn a_pod_is_ready_in_the_worlds_time_or_not_at_all() {
    let ready = "ports: [8000/http], ready: { http: 8000, within: 10m }";
    let (code, said) = Fast::serve("create=502-until:3600", ready).apply();
    assert_eq!(code, Some(7), "{said}");
    assert!(said.contains("not ready within 10m"), "{said}");
    let (code, said) = Fast::serve("create=502-until:300", ready).apply();
    assert_eq!(code, Some(0), "{said}");
}
