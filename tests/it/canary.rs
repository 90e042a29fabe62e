//! Secrets go to RunPod and nowhere else. The real binary is taken through every command that reads or writes much,
//! with a canary in every place where a secret can come from; then every byte that it printed or left is searched.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sha2::{Digest, Sha256};

use crate::stage::{API_KEY, request};

const FROM_ENVIRONMENT: &str = "canaryEnvironment7391";
const FROM_FILE: &str = "canaryFile5520";
const LITERAL: &str = "canaryLiteral8842";
const ROTATED: &str = "canaryRotated1177";
const MADE: &str = "canaryMade2268";
const OUTSIDE: &str = "canaryOutside6604";
const OUTSIDE_PLAIN: &str = "canaryOutsidePlain3319";
const STORED: &str = "canaryStored5137";
const STORED_USER: &str = "canaryStoredUser9046";
const CANARIES: [&str; 10] = [
    FROM_ENVIRONMENT,
    FROM_FILE,
    LITERAL,
    ROTATED,
    MADE,
    OUTSIDE,
    OUTSIDE_PLAIN,
    STORED,
    STORED_USER,
    API_KEY,
];

const SPEC: &str = "\
version: 1
project: hush
provider: { kind: simulator }
secrets:
  wandb: { env: WANDB_API_KEY }
  token: { file: secret/token }
  made: { runpod: made, from: { env: MADE } }
  stored: { env: STORED }
  user: { env: STORED_USER }
registries:
  ghcr: { username: { secret: user }, password: { secret: stored } }
pods:
  train:
    image: ubuntu:24.04
    registry: ghcr
    gpu: L4
    env:
      MODE: fast
      WANDB_API_KEY: { secret: wandb }
      TOKEN: { secret: token }
      MADE: { secret: made }
      DB_PASSWORD: canaryLiteral8842
";

const FORMATS: [&str; 8] =
    ["human", "json", "terraform-json", "markdown", "outputs", "dot", "mermaid", "svg"];

/// A folder with a spec, and a simulator.
struct Stage {
    folder: tempfile::TempDir,
    simulator: Child,
    url: String,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.simulator.kill().unwrap();
        self.simulator.wait().unwrap();
    }
}

impl Stage {
    fn set() -> Self {
        Self::with_faults("")
    }

    fn with_faults(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pods.yaml"), SPEC).unwrap();
        fs::create_dir(folder.path().join("secret")).unwrap();
        fs::write(folder.path().join("secret/token"), format!("{FROM_FILE}\n")).unwrap();
        let mut simulator = Command::new(env!("CARGO_BIN_EXE_podform"))
            .args(["simulate", "--speed", "0", "--quota", "none", "--store", "state/simulator.db"])
            .args(["--fault", script])
            .current_dir(folder.path())
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(simulator.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { folder, simulator, url: url.trim().to_owned() }
    }

    /// Runs podform, expects one of these exit codes, and searches what it printed and left.
    fn run(&mut self, wandb: &str, arguments: &str, codes: &[i32]) {
        let ended = self.podform(wandb, arguments).output().unwrap();
        let code = ended.status.code().unwrap();
        assert!(codes.contains(&code), "{arguments}: {code}: {}", String::from_utf8_lossy(&ended.stderr));
        assert_silent(&format!("stdout of {arguments}"), &ended.stdout);
        assert_silent(&format!("stderr of {arguments}"), &ended.stderr);
        self.search_files();
    }

    fn podform(&self, wandb: &str, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
        command
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .env_clear()
            .env("RUNPOD_API_KEY", API_KEY)
            .env("WANDB_API_KEY", wandb)
            .env("MADE", MADE)
            .env("STORED", STORED)
            .env("STORED_USER", STORED_USER)
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn search_files(&self) {
        for (place, bytes) in self.files() {
            assert_silent(&place, &bytes);
        }
    }

    /// Returns all files but those that a person wrote the secrets into, and the simulated account, which has them.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        walk(self.folder.path(), &mut found);
        let known = ["/pods.yaml", "/secret/token", "/state/simulator.db"];
        found.retain(|(name, _)| !known.iter().any(|known| name.contains(known)));
        found
    }

    fn pod(&self) -> serde_json::Value {
        let (_, answer) = request(&self.url, "GET", "/v2/pods", "");
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["pods"][0].clone()
    }

    /// Sets variables as a person does in the console; all others stay.
    fn change_outside(&self, variables: &[(&str, &str)]) {
        let pod = self.pod();
        let mut env = pod["env"].clone();
        for (name, value) in variables {
            env[*name] = (*value).into();
        }
        let path = format!("/v2/pods/{}", pod["id"].as_str().unwrap());
        let body = serde_json::json!({ "env": env }).to_string();
        let (status, answer) = request(&self.url, "PATCH", &path, &body);
        assert_eq!(status, 200, "{answer}");
    }
}

fn walk(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

/// Panics if the bytes hold a canary, its bytes in hexadecimal, or the beginning of its hash.
fn assert_silent(place: &str, bytes: &[u8]) {
    // Whatever is no text becomes a sign that no canary holds.
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    for canary in CANARIES {
        for trace in [canary.to_lowercase(), hex(canary.as_bytes()), hex(&Sha256::digest(canary)[..6])] {
            assert!(!text.contains(&trace), "{place} holds `{trace}` of {canary}");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn no_secret_is_printed_or_left_anywhere() {
    let mut stage = Stage::set();
    let first = FROM_ENVIRONMENT;
    stage.run(first, "validate -v", &[0]);
    stage.run(first, "config -v", &[0]);
    show_all(&mut stage, first, "create");
    stage.run(first, "apply create.plan -v --parallelism 1", &[0]);
    // The test can fail: the canaries did go where they belong.
    let env = stage.pod()["env"].clone();
    let sent = [("WANDB_API_KEY", FROM_ENVIRONMENT), ("TOKEN", FROM_FILE), ("DB_PASSWORD", LITERAL)];
    for (name, value) in sent {
        assert_eq!(env[name], value, "{env}");
    }
    stage.run(first, "status -v", &[0]);
    stage.run(first, "state list -v", &[0]);

    // A secret is rotated: it differs, and neither value may show.
    show_all(&mut stage, ROTATED, "rotate");
    stage.run(ROTATED, "apply -v --auto-approve --parallelism 1", &[0]);
    assert_eq!(stage.pod()["env"]["WANDB_API_KEY"], ROTATED);

    // One that podform made in RunPod is sent again.
    stage.run(ROTATED, "plan -v --rotate made -o made.plan", &[0]);
    stage.run(ROTATED, "apply made.plan -v", &[0]);
    assert_eq!(stage.pod()["env"]["MADE"], "{{ RUNPOD_SECRET_made }}");
    // As are credentials for a registry.
    let before = stage.pod()["registry"].clone();
    stage.run(ROTATED, "plan -v --rotate ghcr -o stored.plan", &[0]);
    show_all(&mut stage, ROTATED, "stored");
    stage.run(ROTATED, "apply -v --rotate ghcr --auto-approve --parallelism 1", &[0]);
    assert_ne!(stage.pod()["registry"], before);

    // Values are changed outside: of a secret, of a literal, of a plain variable that may now hold anything.
    let outside = [("WANDB_API_KEY", OUTSIDE), ("DB_PASSWORD", OUTSIDE), ("MODE", OUTSIDE_PLAIN)];
    stage.change_outside(&[&outside[..], &[("NEW_FROM_OUTSIDE", OUTSIDE_PLAIN)]].concat());
    stage.run(ROTATED, "drift -v", &[0]);
    show_all(&mut stage, ROTATED, "outside");
    // What was approved was another plan; the difference is printed.
    stage.run(ROTATED, "apply create.plan -v", &[6]);
    stage.run(ROTATED, "apply outside.plan -v --parallelism 1", &[0]);
    assert_eq!(stage.pod()["env"]["MODE"], "fast");
    stage.run(ROTATED, "destroy -v --auto-approve --parallelism 1", &[0]);
    let left: Vec<String> = stage.files().into_iter().map(|(name, _)| name).collect();
    assert!(left.iter().any(|name| name.ends_with("/state/hush.simulated.db")), "{left:?}");
}

/// Plans and saves, and shows both the plan and the file in every format.
fn show_all(stage: &mut Stage, wandb: &str, name: &str) {
    stage.run(wandb, &format!("plan -v -o {name}.plan"), &[0]);
    for format in FORMATS {
        stage.run(wandb, &format!("plan -v --format {format}"), &[0]);
        stage.run(wandb, &format!("show -v {name}.plan --format {format}"), &[0]);
    }
}

/// A large spec is kept in the cache, so that the next run need not parse it.
#[test]
fn no_secret_is_left_of_a_large_spec() {
    let mut stage = Stage::set();
    let kept = |stage: &Stage| {
        let files = stage.files().into_iter();
        files.filter(|(name, _)| name.contains("/cache/podform/spec-")).count()
    };
    let padding = "# Long.\n".repeat(10_000);
    fs::write(stage.folder.path().join("pods.yaml"), format!("{SPEC}{padding}")).unwrap();
    stage.run(FROM_ENVIRONMENT, "plan -v", &[0]);
    assert_eq!(kept(&stage), 0, "a literal secret must not be kept");

    let without = SPEC.replace("DB_PASSWORD: canaryLiteral8842", "SPEED: ${SPEED}");
    fs::write(stage.folder.path().join("pods.yaml"), format!("{without}{padding}")).unwrap();
    for _ in 0..2 {
        stage.run(FROM_ENVIRONMENT, "plan -v --var SPEED=high", &[0]);
        assert_eq!(kept(&stage), 1);
    }
    let mut with_more = stage.podform(FROM_ENVIRONMENT, "plan -v --var SPEED=high");
    let ended = with_more.env("PODFORM_VAR_OTHER", OUTSIDE).output().unwrap();
    assert!(String::from_utf8_lossy(&ended.stderr).contains("the spec is as it was read before"));
    stage.search_files();
}

/// The database's write-ahead log is folded into it at the end, so it must be read before.
#[test]
fn no_secret_is_left_while_a_request_is_under_way() {
    let stage = Stage::with_faults("create#1=slow:5");
    let mut apply = stage
        .podform(FROM_ENVIRONMENT, "apply -v --auto-approve --parallelism 1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(apply.stderr.take().unwrap()).lines().map(Result::unwrap);
    let before: Vec<String> = told.by_ref().take_while(|line| !line.contains("train: creating")).collect();
    let files = stage.files();
    let log = files.iter().find(|(name, _)| name.ends_with("/state/hush.simulated.db-wal"));
    assert!(log.is_some_and(|(_, bytes)| !bytes.is_empty()), "{before:#?}");
    for (place, bytes) in &files {
        assert_silent(place, bytes);
    }
    assert!(apply.try_wait().unwrap().is_none(), "the apply was over before the files were read");
    let after: Vec<String> = told.collect();
    let ended = apply.wait_with_output().unwrap();
    assert!(ended.status.success(), "{after:#?}");
    assert_silent("stdout of apply", &ended.stdout);
    assert_silent("stderr of apply", [before, after].concat().join("\n").as_bytes());
    stage.search_files();
    assert_eq!(stage.pod()["env"]["WANDB_API_KEY"], FROM_ENVIRONMENT);
}

/// What is said of a request that goes wrong is said without the value that it carried.
#[test]
fn no_secret_is_left_of_a_request_that_fails() {
    for fault in [
        "create-secret=refused",
        "create-secret#1=done-but-500",
        "create-secret#1=malformed",
        "create-registry=refused",
        "create-registry#1=done-but-500",
        "create-registry#1=malformed",
    ] {
        let mut stage = Stage::with_faults(fault);
        stage.run(FROM_ENVIRONMENT, "apply -v --auto-approve --parallelism 1", &[0, 7]);
        stage.run(FROM_ENVIRONMENT, "state history -v", &[0]);
    }
}

#[test]
fn a_leak_would_be_found() {
    for leak in [LITERAL.to_owned(), LITERAL.to_lowercase(), hex(LITERAL.as_bytes())] {
        let told = std::panic::catch_unwind(|| assert_silent("a file", format!("x{leak}y").as_bytes()));
        assert!(told.is_err(), "{leak}");
    }
}
