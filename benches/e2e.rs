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

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use podform::model::clock::Clock;
use podform::model::id::Lineage;
use podform::model::prior::ProviderKind;
use podform::simulator::{Door, serve};
use podform::state::Journal;
use podform::state::sqlite::StateFile;
use tokio::net::TcpListener;

use fleet::{Fleet, Shares};
use measure::{Cost, exponent, measure, median};

const SIZES: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
/// The word by which this program is told to serve an account.
const SERVE: &str = "--serve-account";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, folder, pods, kind] = arguments.as_slice()
        && word == SERVE
    {
        return serve_account(folder.as_ref(), pods.parse().unwrap(), kind.parse().unwrap());
    }
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

/// What an account looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Account {
    /// As it was applied.
    Steady,
    /// A twentieth of it is not.
    Turned,
    /// Empty, and the state too.
    Empty,
}

impl Account {
    fn word(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Turned => "turned",
            Self::Empty => "empty",
        }
    }
}

impl std::str::FromStr for Account {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = [Self::Steady, Self::Turned, Self::Empty];
        known.into_iter().find(|account| account.word() == word).ok_or_else(|| word.to_owned())
    }
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
            let served = served.get_or_insert_with(|| Served::start(pods, self.account));
            let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
            command.current_dir(served.folder.path()).args(self.arguments);
            command.env("RUNPOD_API_BASE_URL", &served.url).env("RUNPOD_API_KEY", "simulated");
            let cache = tempfile::tempdir().unwrap();
            command.env("XDG_CACHE_HOME", cache.path());
            if self.read_before {
                measure(&mut command);
            }
            let before = served.calls();
            let cost = measure(&mut command);
            calls = served.calls() - before;
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

/// An account that another process serves.
struct Served {
    folder: tempfile::TempDir,
    url: String,
    process: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Served {
    fn start(pods: usize, account: Account) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(SERVE).arg(folder.path()).arg(pods.to_string()).arg(account.word());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = answers.next().unwrap().unwrap();
        Self { folder, url, ask: process.stdin.take().unwrap(), process, answers }
    }

    /// Returns how many calls were answered so far.
    fn calls(&mut self) -> u64 {
        writeln!(self.ask).unwrap();
        self.answers.next().unwrap().unwrap().parse().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// Makes an account with its spec and state, serves it, and tells after each line on the standard input how many calls
/// it has answered.
fn serve_account(folder: &Path, pods: usize, account: Account) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let shares = match account {
            Account::Turned => Shares { changed: 2, stopped: 2, vanished: 1, unmanaged: 3 },
            Account::Steady | Account::Empty => Shares::default(),
        };
        let fleet = Fleet { shares, ..Fleet::steady(pods) };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::fs::write(folder.join("pods.yaml"), fleet.edited_spec()).unwrap();
        let simulation = if account == Account::Empty {
            fleet::simulation(u32::try_from(pods / 250 + 1).unwrap(), Duration::ZERO)
        } else {
            let applied = fleet.apply().await;
            save(folder, &url, &applied).await;
            applied.simulation
        };
        let counted = simulation.clone();
        std::thread::spawn(move || {
            for _ in std::io::stdin().lock().lines() {
                println!("{}", counted.requests().values().sum::<u64>());
            }
        });
        println!("{url}");
        serve(listener, simulation, Door::default(), std::future::pending()).await.unwrap();
    });
}

/// Writes the state of an applied fleet where the command looks for it.
async fn save(folder: &Path, url: &str, applied: &fleet::Applied) {
    let loaded = fleet::loaded(&Fleet::steady(1).spec());
    let binding = kit::binding(&loaded.settings.project, ProviderKind::Runpod, url);
    let state = StateFile::new(folder.join("state/fleet.db"), binding, Lineage::new("fleet"));
    let clock = kit::Still(fleet::moment(&applied.simulation));
    let locked = state.lock(&kit::holder("ann", "box"), &clock, Duration::ZERO).await.unwrap();
    let run = kit::run("r1", clock.now());
    locked.begin(&run).await.unwrap();
    locked.commit(&fleet::recording(&applied.prior)).await.unwrap();
    locked.finish(&run.id, clock.now(), "done").await.unwrap();
}
