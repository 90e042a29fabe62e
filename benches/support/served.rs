//! An account that a process of its own serves, so that the one that measures stays small.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use podform::model::clock::Clock;
use podform::model::id::Lineage;
use podform::model::prior::ProviderKind;
use podform::simulator::exchange::Operation;
use podform::simulator::{Door, Simulation, serve};
use podform::state::Journal;
use podform::state::sqlite::StateFile;
use tokio::net::TcpListener;

use crate::fleet::{self, Fleet, Shares};
use crate::kit;

/// The word by which this program is told to serve an account.
const SERVE: &str = "--serve-account";

/// What an account looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Account {
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

/// An account that another process serves.
pub struct Served {
    pub folder: tempfile::TempDir,
    pub url: String,
    process: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// What a server has seen.
#[derive(Clone, Copy)]
pub struct Seen {
    pub calls: u64,
    /// From the first create of a pod to the last; to a millisecond.
    pub creates: Duration,
}

impl Served {
    /// Serves an account of so many pods whose every answer takes so long.
    pub fn start(pods: usize, account: Account, latency: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(SERVE).arg(folder.path()).arg(pods.to_string()).arg(account.word());
        command.arg(latency.as_millis().to_string());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = answers.next().unwrap().unwrap();
        Self { folder, url, ask: process.stdin.take().unwrap(), process, answers }
    }

    pub fn seen(&mut self) -> Seen {
        writeln!(self.ask).unwrap();
        let line = self.answers.next().unwrap().unwrap();
        let (calls, creates) = line.split_once(' ').unwrap();
        Seen { calls: calls.parse().unwrap(), creates: Duration::from_millis(creates.parse().unwrap()) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// Serves an account if this process was started for that, and then never returns.
pub fn serve_if_asked(arguments: &[String]) {
    let [word, folder, pods, account, latency] = arguments else { return };
    if word == SERVE {
        let latency = Duration::from_millis(latency.parse().unwrap());
        serve_account(folder.as_ref(), pods.parse().unwrap(), account.parse().unwrap(), latency);
    }
}

/// Makes an account with its spec and state, serves it, and tells after each line on the standard input what it has seen.
fn serve_account(folder: &Path, pods: usize, account: Account, latency: Duration) -> ! {
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
            // More than are needed: what is sold out meanwhile would be waited for.
            fleet::simulation(u32::try_from(pods / 50 + 1).unwrap(), latency)
        } else {
            assert!(latency.is_zero(), "what is applied first would wait for each answer");
            let applied = fleet.apply().await;
            save(folder, &url, &applied).await;
            applied.simulation
        };
        tell(simulation.clone(), !latency.is_zero());
        println!("{url}");
        serve(listener, simulation, Door::default(), std::future::pending()).await.unwrap();
    });
    unreachable!("it is served until it is killed")
}

/// Answers what was seen; when creates came is looked at only where they take their time.
#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
fn tell(simulation: Simulation, is_slow: bool) {
    let window = std::sync::Arc::new(std::sync::Mutex::new(Duration::ZERO));
    if is_slow {
        let (simulation, window) = (simulation.clone(), window.clone());
        std::thread::spawn(move || {
            let (mut first, mut known) = (None, 0);
            loop {
                let creates = simulation.requests().get(&Operation::Create).copied().unwrap_or(0);
                if creates > known {
                    known = creates;
                    let first = *first.get_or_insert_with(Instant::now);
                    *window.lock().unwrap() = first.elapsed();
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
    }
    std::thread::spawn(move || {
        for _ in std::io::stdin().lock().lines() {
            let calls = simulation.requests().values().sum::<u64>();
            println!("{calls} {}", window.lock().unwrap().as_millis());
        }
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
