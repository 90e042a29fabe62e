//! What whole processes cost, from one pod to a hundred thousand, against a simulated account over HTTP.
//!
//! `cargo bench --bench e2e` prints a table; `-- 1000 10000` chooses sizes, `-- plan` what is measured. Each size has an
//! account of its own, served by a process of its own: the one that measures stays small, as the memory of a process
//! is counted from before its program is loaded.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and keeps files"
)]

#[path = "support/measure.rs"]
mod measure;

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/fleet.rs"]
mod fleet;
#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/kit.rs"]
mod kit;
#[allow(dead_code, reason = "the other benchmark times creates")]
#[path = "support/served.rs"]
mod served;

use std::process::Command;
use std::time::Duration;

use measure::{Cost, exponent, measure, median};
use served::{Account, Served};

const SIZES: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    served::serve_if_asked(&arguments);
    let sizes: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { SIZES.to_vec() } else { sizes };
    let chosen: Vec<&String> =
        arguments.iter().filter(|word| !word.starts_with('-') && word.parse::<usize>().is_err()).collect();
    println!("| command | pods | CPU s | wall s | peak MiB | printed KiB | written KiB | calls | exponent |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for scene in &SCENES {
        if !chosen.is_empty() && !chosen.iter().any(|word| scene.name.starts_with(word.as_str())) {
            continue;
        }
        let mut before = None;
        for pods in sizes.iter().copied().filter(|pods| *pods <= scene.most) {
            let (cost, calls) = scene.run(pods);
            print_row(scene.name, pods, &cost, calls, before);
            before = Some((pods, cost.cpu));
        }
    }
}

/// A command and the account that it meets.
struct Scene {
    name: &'static str,
    arguments: &'static [&'static str],
    account: Account,
    /// The largest size that is worth the time.
    most: usize,
    /// Whether an earlier run has left the spec in the cache.
    read_before: bool,
}

const fn scene(name: &'static str, arguments: &'static [&'static str], account: Account) -> Scene {
    Scene { name, arguments, account, most: usize::MAX, read_before: false }
}

const SCENES: [Scene; 19] = [
    Scene { most: 1, ..scene("--version", &["--version"], Account::Empty) },
    scene("validate", &["validate"], Account::Empty),
    Scene { read_before: true, ..scene("validate, read before", &["validate"], Account::Empty) },
    scene("plan, no changes", &["plan"], Account::Steady),
    Scene { read_before: true, ..scene("plan, no changes, read before", &["plan"], Account::Steady) },
    scene("plan, 5 % differ", &["plan"], Account::Turned),
    scene("plan, all new", &["plan"], Account::Empty),
    scene("plan --format json", &["plan", "--format", "json"], Account::Turned),
    scene("plan -o", &["plan", "-o", "saved.plan"], Account::Empty),
    scene("apply, all new", &["apply", "--auto-approve", "-q", "--parallelism", "50"], Account::Empty),
    scene("apply, 5 % differ", &["apply", "--auto-approve", "-q", "--parallelism", "50"], Account::Turned),
    scene("destroy", &["destroy", "--auto-approve", "-q", "--parallelism", "50"], Account::Steady),
    scene("status", &["status"], Account::Steady),
    scene("drift", &["drift"], Account::Steady),
    scene("config", &["config"], Account::Empty),
    scene("graph", &["graph"], Account::Empty),
    scene("state list", &["state", "list"], Account::Steady),
    scene("state history", &["state", "history"], Account::Steady),
    scene("state rebuild", &["state", "rebuild"], Account::Steady),
];

impl Scene {
    fn changes_the_account(&self) -> bool {
        matches!(self.arguments, ["apply" | "destroy", ..] | ["state", "rebuild"])
    }

    /// Returns the median cost, and the calls of one run.
    fn run(&self, pods: usize) -> (Cost, u64) {
        let runs = match pods {
            0..=1_000 => 5,
            1_001..=10_000 => 3,
            _ => 1,
        };
        let mut costs = Vec::new();
        let mut calls = 0;
        let mut served: Option<Served> = None;
        for _ in 0..runs {
            if self.changes_the_account() {
                drop(served.take());
            }
            let served = served.get_or_insert_with(|| Served::start(pods, self.account, Duration::ZERO));
            let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
            command.current_dir(served.folder.path()).args(self.arguments);
            command.env("RUNPOD_API_BASE_URL", &served.url).env("RUNPOD_API_KEY", "simulated");
            let cache = tempfile::tempdir().unwrap();
            command.env("XDG_CACHE_HOME", cache.path());
            if self.read_before {
                measure(&mut command);
            }
            let before = served.seen().calls;
            let cost = measure(&mut command);
            calls = served.seen().calls - before;
            costs.push(cost);
        }
        (median(&costs), calls)
    }
}

fn print_row(name: &str, pods: usize, cost: &Cost, calls: u64, before: Option<(usize, Duration)>) {
    let Cost { cpu, wall, peak, written, printed, code } = cost;
    let exponent = before
        .filter(|(smaller, _)| *smaller >= 100)
        .map_or(String::new(), |before| format!("{:.2}", exponent(before, (pods, *cpu))));
    let failed = if matches!(code, 0) { String::new() } else { format!(" (exit {code})") };
    println!(
        "| {name}{failed} | {pods} | {:.4} | {:.3} | {:.1} | {} | {} | {calls} | {exponent} |",
        cpu.as_secs_f64(),
        wall.as_secs_f64(),
        *peak as f64 / f64::from(1 << 20),
        printed >> 10,
        written >> 10,
    );
}
