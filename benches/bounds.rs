//! What the largest inputs cost that are read at all: peak memory of whole processes.
//!
//! `cargo bench --bench bounds` prints a table; `-- plan` or `-- listing` chooses. Answers are as large as a page may
//! be, and saved plans as large as a file may be, in the forms of which most memory is made.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and keeps files"
)]

#[allow(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/measure.rs"]
mod measure;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::get;
use podform::simulator::{Settings, Simulation};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use measure::{Cost, measure};

/// The word by which this program is told to serve a listing.
const SERVE: &str = "--serve-listing";
/// Just below the largest page.
const PAGE: usize = (64 << 20) - 1024;
/// Just below the largest saved plan.
const PLAN: usize = (128 << 20) - 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [word, file] = arguments.as_slice()
        && word == SERVE
    {
        return serve(file.as_ref());
    }
    let is_chosen = |word: &str| arguments.is_empty() || arguments.iter().any(|chosen| chosen == word);
    println!("| input | MiB | exit | CPU s | peak MiB |");
    println!("|---|---:|---:|---:|---:|");
    if is_chosen("listing") {
        for (name, text) in LISTINGS {
            listing(name, &text());
        }
    }
    if is_chosen("plan") {
        plans();
    }
}

type Text = (&'static str, fn() -> String);

/// As many entries as are read of a listing, and as many values as are read of an answer, less what is around them.
const ENTRIES: usize = 200_000;
const VALUES: usize = 4_900_000;

const LISTINGS: [Text; 9] = [
    ("listing: pods as RunPod shows them", || pods(ENTRIES, ordinary)),
    ("listing: the shortest pods, as many as are read", || pods(ENTRIES, shortest)),
    ("listing: the shortest pods", || pods(usize::MAX, shortest)),
    ("listing: pods of nothing, as many as are read", || pods(ENTRIES, |_| "{}".to_owned())),
    ("listing: one pod with a long environment, as long as is read", || environment(VALUES)),
    ("listing: one pod with a longer environment", || environment(usize::MAX)),
    ("listing: one pod with many ports, as many as are read", || {
        one(VALUES, r#""ports":["#, "]", |number| format!(r#""{}/tcp""#, number % 65_536))
    }),
    ("listing: what is not known, as much as is read", || {
        one(VALUES, r#""other":["#, "]", |_| "1".to_owned())
    }),
    ("listing: a long text", || one(1, r#""other":["#, "]", |_| format!("\"{}\"", "x".repeat(PAGE - 1024)))),
];

fn shortest(number: usize) -> String {
    format!(r#"{{"id":"{number}"}}"#)
}

fn environment(most: usize) -> String {
    one(most, r#""env":{"#, "}", |number| format!(r#""{number}":"""#))
}

fn ordinary(number: usize) -> String {
    format!(
        r#"{{"id":"{number:014}","name":"fleet-pod-{number}","status":"RUNNING","image":"ghcr.io/acme/worker:v1","args":"python work.py","disk":20,"env":{{"NUMBER":"{number}","LOG_LEVEL":"debug","PODFORM_MARK":"fleet/pod-{number}/0123456789abcdef","PUBLIC_KEY":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"}},"ports":["8888/http","22/tcp"],"registry":null,"mounts":{{"persistent":{{"size":40,"path":"/workspace"}}}},"gpu":{{"id":"NVIDIA L40S","count":1}},"cpu":null,"cloud":"SECURE","dataCenterId":"EU-RO-1","cudaVersion":"12.8","cost":0.86,"locked":false,"globalNetworking":{{"enabled":false}},"createdAt":"2026-11-02T09:00:01Z","ssh":{{"proxy":{{"command":"ssh {number:014}-64411@ssh.runpod.io"}},"direct":{{"command":"ssh root@192.0.2.7 -p 41211"}}}},"runtime":{{"uptime":100,"ports":[{{"private":22,"public":41211,"type":"tcp","ip":"192.0.2.7"}}]}}}}"#
    )
}

/// A listing of so many pods, or of as many as fit.
fn pods(most: usize, pod: impl Fn(usize) -> String) -> String {
    let mut text = r#"{"pods":["#.to_owned();
    for number in 0..most {
        let pod = pod(number);
        if text.len() + pod.len() + 3 > PAGE {
            break;
        }
        if number > 0 {
            text.push(',');
        }
        text.push_str(&pod);
    }
    text + "]}"
}

/// A listing of one pod with something of so many values, or as long as fits.
fn one(most: usize, begin: &str, end: &str, entry: impl Fn(usize) -> String) -> String {
    let mut text = format!(r#"{{"pods":[{{"id":"long","name":"x","status":"RUNNING",{begin}"#);
    for number in 0..most {
        let entry = entry(number);
        if text.len() + entry.len() + 8 > PAGE {
            break;
        }
        if number > 0 {
            text.push(',');
        }
        text.push_str(&entry);
    }
    text + end + "}]}"
}

fn listing(name: &str, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let spec = "version: 1\nproject: fleet\npods: {}\n";
    std::fs::write(folder.path().join("pods.yaml"), spec).unwrap();
    let file = folder.path().join("listing.json");
    std::fs::write(&file, text).unwrap();
    let served = Served::start(&file);
    let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
    command.current_dir(folder.path()).arg("plan");
    command.env("RUNPOD_API_BASE_URL", &served.url).env("RUNPOD_API_KEY", "simulated");
    print_row(name, text.len(), &measure(&mut command));
}

/// A listing that another process serves, as the memory of a process is counted from before its program is loaded.
struct Served {
    process: Child,
    url: String,
}

impl Served {
    fn start(file: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = command.arg(SERVE).arg(file).stdout(Stdio::piped()).spawn().unwrap();
        let url = BufReader::new(process.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        Self { process, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

fn serve(file: &Path) {
    let text = std::fs::read(file).unwrap();
    let text = axum::body::Bytes::from(text);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        let answer = move || std::future::ready(([("content-type", "application/json")], text.clone()));
        let rest = Simulation::new(Settings::default()).router();
        let router = Router::new().route("/v2/pods", get(answer)).fallback_service(rest);
        axum::serve(listener, router).await.unwrap();
    });
}

/// Saved plans: one that was made, and the same with one list made as long as fits.
fn plans() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut show = Command::new(env!("CARGO_BIN_EXE_podform"));
    show.current_dir(folder.path()).args(["show", "p.plan"]);
    let podform = |pods: usize| {
        let mut spec =
            "version: 1\nproject: fleet\nprovider: { kind: simulator }\ndefaults: { image: 'a/b:1', gpu: L4 }\npods:\n"
                .to_owned();
        (0..pods).for_each(|pod| writeln!(spec, "  pod-{pod}: {{ env: {{ NUMBER: '{pod}' }} }}").unwrap());
        std::fs::write(path("pods.yaml"), spec).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
        command.current_dir(folder.path()).env("XDG_CACHE_HOME", "/dev/null").args(["plan", "-o", "p.plan"]);
        measure(&mut command);
        std::fs::metadata(path("p.plan")).unwrap().len() as usize
    };
    let of_a_thousand = podform(1_000);
    let length = podform(PLAN / of_a_thousand * 1_000 * 99 / 100);
    print_row("saved plan: new pods", length, &measure(&mut show));
    podform(1);
    let small = std::fs::read_to_string(path("p.plan")).unwrap();
    for (name, key, entry, entries) in [
        ("saved plan: names of files", "spec_files", r#""""#, 8_400_000),
        ("saved plan: patterns", "targets", r#""a23456789012345678""#, 8_400_000),
        ("saved plan: more values than are read", "targets", r#""a""#, usize::MAX),
    ] {
        let begin = format!("\"{key}\": [");
        let (head, rest) = small.split_once(&begin).unwrap();
        // As many as a plan may hold, and then as many as there is room for.
        let list = vec![entry; entries.min((PLAN - small.len()) / (entry.len() + 1))].join(",");
        let (_, tail) = rest.split_once(']').unwrap();
        let text = summed(&format!("{head}{begin}{list}]{tail}"));
        std::fs::write(path("p.plan"), &text).unwrap();
        print_row(name, text.len(), &measure(&mut show));
    }
    let text = format!("\"{}\"", "x".repeat(PLAN));
    std::fs::write(path("p.plan"), &text).unwrap();
    print_row("saved plan: one long text", text.len(), &measure(&mut show));
}

/// Ends a changed plan with the sum that it then has.
fn summed(plan: &str) -> String {
    let end = plan.rfind("\n  \"content\": ").unwrap() + "\n  \"content\": ".len();
    let sum: String = Sha256::digest(&plan[..end]).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}\"{sum}\"\n}}\n", &plan[..end])
}

fn print_row(name: &str, length: usize, cost: &Cost) {
    let Cost { cpu, wall: _, peak, written: _, printed: _, code } = cost;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "| {name} | {:.0} | {code} | {:.2} | {:.0} |",
        mib(length as u64),
        cpu.as_secs_f64(),
        mib(*peak)
    );
}
