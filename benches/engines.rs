//! What an apply of a thousand creates takes on each engine that a state may lie in: whole processes, an API whose every
//! answer takes 50 ms, 50 requests at a time.
//!
//! `cargo bench --bench engines` prints a table. PostgreSQL and the bucket are measured where they are installed, see
//! `tests/engines/install`; each request to the bucket takes 30 ms more than its server needs.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a benchmark prints, starts programs and keeps files"
)]

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/fleet.rs"]
mod fleet;
#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/kit.rs"]
mod kit;
#[path = "support/measure.rs"]
#[allow(dead_code, reason = "the other benchmark compares sizes")]
mod measure;
#[cfg(feature = "object-store")]
#[allow(dead_code, reason = "tests look into the bucket")]
#[path = "../tests/support/moto.rs"]
mod moto;
#[path = "support/network.rs"]
mod network;
#[cfg(feature = "postgres")]
#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/postgres.rs"]
mod postgres;
#[path = "support/served.rs"]
#[allow(dead_code, reason = "the other benchmark meets accounts that were applied")]
mod served;

use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use measure::measure;
use served::{Account, Served};

/// All creates, of which four are of network volumes.
const CREATES: usize = 1_000;
const PODS: usize = CREATES - 4;
const AT_A_TIME: usize = 50;
const LATENCY: Duration = Duration::from_millis(50);
/// How often each is measured.
const RUNS: usize = 9;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    served::serve_if_asked(&arguments);
    let ideal = LATENCY * u32::try_from(CREATES / AT_A_TIME).unwrap();
    println!(
        "{CREATES} creates, {AT_A_TIME} at a time, {} ms an answer: ideal {:.1} s",
        LATENCY.as_millis(),
        ideal.as_secs_f64()
    );
    println!("| state | creates over ideal | whole process, s | CPU s | round trips | writes |");
    println!("|---|---:|---:|---:|---:|---:|");
    row("file", ideal, |_| None);
    #[cfg(feature = "postgres")]
    if let Some(server) = postgres::shared() {
        row("PostgreSQL", ideal, |run| {
            let (port, counts) = network::to(server.port, Duration::ZERO);
            let url = format!("postgres://127.0.0.1:{port}/postgres?schema=run_{run}");
            let variables = vec![("PGUSER", "postgres"), ("PGPASSWORD", postgres::PASSWORD)];
            Some(Elsewhere { url, variables, counts })
        });
    }
    #[cfg(feature = "object-store")]
    {
        const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")];

        if let Some(server) = moto::moto() {
            row("bucket, 30 ms", ideal, |run| {
                let (port, counts) = network::to(server.port, Duration::from_millis(30));
                let endpoint = format!("region=us-east-1&endpoint=http://127.0.0.1:{port}");
                let url = format!("s3://bucket/run_{run}?{endpoint}");
                Some(Elsewhere { url, variables: KEYS.to_vec(), counts })
            });
        }
    }
}

/// A state that lies elsewhere.
struct Elsewhere {
    url: String,
    variables: Vec<(&'static str, &'static str)>,
    counts: std::sync::Arc<network::Counts>,
}

/// Measures applies on states of their own. How long the creates took is what the account saw, with the last one's answer.
fn row(name: &str, ideal: Duration, state: impl Fn(usize) -> Option<Elsewhere>) {
    let (mut ratios, mut walls, mut used) = (Vec::new(), Vec::new(), Vec::new());
    let (mut round_trips, mut puts) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let mut served = Served::start(PODS, Account::Empty, LATENCY);
        let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
        command.current_dir(served.folder.path());
        command.args(["apply", "--auto-approve", "-q", "--parallelism", &AT_A_TIME.to_string()]);
        command.env("RUNPOD_API_BASE_URL", &served.url).env("RUNPOD_API_KEY", "simulated");
        let cache = tempfile::tempdir().unwrap();
        command.env("XDG_CACHE_HOME", cache.path());
        let elsewhere = state(run);
        if let Some(Elsewhere { url, variables, counts: _ }) = &elsewhere {
            command.env("PODFORM_STATE", url).envs(variables.iter().copied());
        }
        let cost = measure(&mut command);
        assert_eq!(cost.code, 0, "an apply must succeed");
        ratios.push((served.seen().creates + LATENCY).as_secs_f64() / ideal.as_secs_f64());
        walls.push(cost.wall.as_secs_f64());
        used.push(cost.cpu.as_secs_f64());
        if let Some(Elsewhere { counts, .. }) = &elsewhere {
            round_trips.push(counts.round_trips.load(Ordering::SeqCst) as f64);
            puts.push(counts.puts.load(Ordering::SeqCst) as f64);
        }
    }
    println!(
        "| {name} | {} | {} | {} | {} | {} |",
        span(ratios, 2),
        span(walls, 2),
        span(used, 2),
        span(round_trips, 0),
        span(puts, 0)
    );
}

/// Shows the median, and the least and the most.
fn span(mut figures: Vec<f64>, digits: usize) -> String {
    figures.sort_by(f64::total_cmp);
    match figures.as_slice() {
        [] => String::new(),
        [only] => format!("{only:.digits$}"),
        [least, .., most] if least == most => format!("{least:.digits$}"),
        [least, .., most] => {
            let median = figures[figures.len() / 2];
            format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
        }
    }
}
