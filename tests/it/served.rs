//! The real binary in a folder of its own, beside a simulator that another process serves over HTTP.
//!
//! What a run left in the account is compared with what it left in the state: [`Place::audit`].
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use podform::model::address::Address;
use podform::model::id::{Lineage, PodId, ProjectName, RemoteId, VolumeId};
use podform::model::marker::{MARKER_KEY, Marker};
use podform::model::prior::{Binding, Prior, ProviderKind};
use podform::state::sqlite::StateFile;
use serde_json::Value;

/// The project of every spec here.
pub const PROJECT: &str = "killed";

/// How the spec of every place begins.
pub const HEAD: &str = "version: 1\nproject: killed\nprovider: { kind: simulator }\n";

/// How many applies may follow a cut before the account is as wanted: a few for what another program did meanwhile, and
/// else as many as fit into the two minutes of the world in which a new pod that is not listed is not taken for gone.
/// How many that are depends on the speed of the computer.
const APPLIES: usize = 200;

/// A folder with a spec, a state and a served world.
pub struct Place {
    folder: tempfile::TempDir,
    state: String,
    /// What opens the state.
    credentials: Vec<(&'static str, String)>,
    server: Child,
    url: String,
}

/// A pod as the account lists it.
#[derive(Clone, Debug)]
pub struct ListedPod {
    /// Its id.
    pub id: String,
    /// Its status.
    pub status: String,
    /// Whose it is, if its marker says that it is this project's.
    pub address: Option<Address>,
}

/// How the account and the state disagree; empty if they do not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Pods and volumes that neither the state nor the test knows.
    pub leaked: BTreeSet<RemoteId>,
    /// Addresses with more than one pod.
    pub doubled: BTreeSet<Address>,
    /// Objects of the state that are not there.
    pub lost: BTreeSet<RemoteId>,
    /// Actions that the journal has no end of.
    pub open: usize,
}

fn state_file(path: PathBuf) -> StateFile {
    let project = ProjectName::new(PROJECT);
    let binding = Binding { project, kind: ProviderKind::Simulator, origin: "state/simulator.db".to_owned() };
    StateFile::new(path, binding, Lineage::new("none"))
}

impl Place {
    /// Makes an empty folder and serves a fresh world there, with these arguments of `podform simulate`.
    pub fn serve(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join(format!("state/{PROJECT}.db")).to_str().unwrap().to_owned();
        let mut server = binary(folder.path())
            .args(["simulate", "--store", "state/simulator.db", "--quota", "none"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "`{url}` is no URL");
        Self { folder, state, credentials: Vec::new(), server, url }
    }

    /// Keeps the state in another place, which these variables open.
    pub fn with_state(mut self, state: &str, credentials: Vec<(&'static str, String)>) -> Self {
        self.state = state.to_owned();
        self.credentials = credentials;
        self
    }

    /// Returns the URL of the world.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Writes the spec, below [`HEAD`].
    pub fn write_spec(&self, text: &str) {
        fs::write(self.folder.path().join("pods.yaml"), format!("{HEAD}{text}")).unwrap();
    }

    /// Writes the spec, with another API of RunPod.
    pub fn write_spec_over(&self, api: &str, text: &str) {
        let head = HEAD.replace("kind: simulator", &format!("kind: simulator, api: {api}"));
        fs::write(self.folder.path().join("pods.yaml"), format!("{head}{text}")).unwrap();
    }

    /// Prepares a command of the binary.
    pub fn podform(&self, arguments: &[&str]) -> Command {
        let mut command = binary(self.folder.path());
        command.args(arguments);
        command.envs([("USER", "ann"), ("HOSTNAME", "box"), ("PODFORM_STATE", &self.state)]);
        command.envs(self.credentials.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command of the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.podform(arguments).output().unwrap()
    }

    /// Prepares an apply.
    pub fn apply(&self) -> Command {
        self.podform(&["apply", "--auto-approve"])
    }

    /// Applies until nothing is left to do, and returns how many applies that took.
    pub fn apply_to_the_end(&self) -> usize {
        let mut said = Vec::new();
        for number in 1..=APPLIES {
            // Whoever was killed last may have left the lock to who waits for the length of its lease.
            let output = self.apply().args(["--lock-timeout", "60s"]).output().unwrap();
            match output.status.code() {
                Some(0) => return number,
                // Blocked, as all that is left is held; or incomplete.
                Some(4 | 7) => said.push(shown(&output)),
                _ => panic!("{}", shown(&output)),
            }
        }
        panic!("{APPLIES} applies were not enough:\n{}", said.join("\n"));
    }

    /// Asserts that there is nothing to do.
    pub fn assert_plan_is_empty(&self) {
        let output = self.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    }

    /// Sends a request to the account.
    pub fn request(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        request(&self.url, method, path, body)
    }

    /// Lists all pods, after listings have had the time to catch up: the world moves on by a second with each
    /// request, and they lag by three.
    pub fn pods(&self) -> Vec<ListedPod> {
        for _ in 0..3 {
            listed_pods(&self.url);
        }
        listed_pods(&self.url)
    }

    /// Returns the path of the state.
    pub fn state_path(&self) -> &str {
        &self.state
    }

    /// Reads the state, wherever it lies.
    pub fn prior(&self) -> Prior {
        let copy = self.folder.path().join("copy.db");
        let _earlier = fs::remove_file(&copy);
        let path = if self.state.contains("://") {
            let output = self.run(&["state", "backup", "copy.db"]);
            assert!(output.status.success(), "{}", shown(&output));
            copy
        } else {
            PathBuf::from(&self.state)
        };
        state_file(path).read().unwrap()
    }

    /// Names the state, which is a file.
    pub fn state_file(&self) -> StateFile {
        state_file(PathBuf::from(&self.state))
    }

    /// Compares the account with the state; pods in `foreign` are somebody else's.
    pub fn audit(&self, foreign: &BTreeSet<String>) -> Audit {
        let prior = self.prior();
        let recorded = prior.remote_ids();
        let mut pods_of: BTreeMap<Address, usize> = BTreeMap::new();
        let mut live = BTreeSet::new();
        for ListedPod { id, status: _, address } in self.pods() {
            if let Some(address) = address {
                *pods_of.entry(address).or_default() += 1;
            }
            if !foreign.contains(&id) {
                live.insert(RemoteId::Pod(PodId::new(id)));
            }
        }
        let (_, volumes) = self.request("GET", "/v2/network-volumes", "");
        let volumes = entries(volumes, "networkVolumes");
        live.extend(volumes.iter().map(|volume| RemoteId::Volume(VolumeId::new(text(volume, "id")))));
        Audit {
            leaked: live.difference(&recorded).cloned().collect(),
            doubled: pods_of.into_iter().filter(|(_, pods)| *pods > 1).map(|(address, _)| address).collect(),
            lost: recorded.difference(&live).cloned().collect(),
            open: prior.open.len(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

/// Returns what a command said, for the message of a failure.
pub fn shown(output: &Output) -> String {
    let Output { status, stdout, stderr } = output;
    format!("{status}\n{}{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr))
}

/// Lists all pods that are not terminated.
pub fn listed_pods(url: &str) -> Vec<ListedPod> {
    let pods = entries(request(url, "GET", "/v2/pods", "").1, "pods");
    let listed = pods.iter().map(|pod| ListedPod {
        id: text(pod, "id"),
        status: text(pod, "status"),
        address: pod["env"][MARKER_KEY].as_str().and_then(address_of),
    });
    listed.filter(|pod| pod.status != "TERMINATED").collect()
}

/// Sends one HTTP request and returns the status and the body, `null` if it is no JSON.
pub fn request(url: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer any\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

fn binary(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

fn address_of(marker: &str) -> Option<Address> {
    let marker: Marker = marker.parse().ok()?;
    (marker.project == ProjectName::new(PROJECT)).then_some(marker.address)
}

fn entries(mut answer: Value, key: &str) -> Vec<Value> {
    match answer[key].take() {
        Value::Array(entries) => entries,
        other => panic!("`{key}` is no list: {other}"),
    }
}

fn text(entry: &Value, key: &str) -> String {
    entry[key].as_str().unwrap_or_else(|| panic!("no `{key}` in {entry}")).to_owned()
}
