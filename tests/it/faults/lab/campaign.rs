//! Many schedules: every pair of one crash and one fault, and as many random ones as asked for.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::case::{Case, Succession, Without};
use super::journals::Engine;
use super::ports::Crash;
use super::shapes::SHAPES;
use super::{Base, Report, play};

/// What a campaign showed.
#[derive(Debug, Default)]
pub struct Tally {
    pub schedules: u64,
    pub crash_points: u64,
    pub runs: u64,
    pub requests: u64,
    /// In how many of them a process was overtaken, and how many of its writes were refused.
    pub overtaken: u64,
    pub fenced: u64,
    pub violations: Vec<(Case, Vec<String>)>,
}

impl Tally {
    fn add(&mut self, case: &Case, report: Report) {
        let Report {
            violations,
            runs,
            commits: _,
            calls,
            throttled: _,
            first_calls: _,
            is_overtaken,
            fenced,
            findings: _,
            story: _,
        } = report;
        self.schedules += 1;
        self.crash_points += case.crashes.len() as u64;
        self.runs += runs as u64;
        self.requests += calls.len() as u64;
        self.overtaken += u64::from(is_overtaken);
        self.fenced += fenced;
        if !violations.is_empty() {
            self.violations.push((case.clone(), violations));
        }
    }

    fn join(&mut self, other: Self) {
        let Self { schedules, crash_points, runs, requests, overtaken, fenced, violations } = other;
        self.schedules += schedules;
        self.crash_points += crash_points;
        self.runs += runs;
        self.requests += requests;
        self.overtaken += overtaken;
        self.fenced += fenced;
        self.violations.extend(violations);
    }
}

/// Which part of an enumeration is played.
#[derive(Clone, Copy, Debug)]
pub enum Depth {
    /// Each crash alone and each fault alone.
    Single,
    /// Each pair of a crash and a fault besides.
    Pairs,
}

/// Returns every place where the first run of a schedule without crashes can end.
pub fn crash_points(base: &Base, case: &Case) -> Vec<Crash> {
    let report = play(base, case);
    let commits = (1..=report.commits).flat_map(|at| [Crash::BeforeCommit(at), Crash::AfterCommit(at)]);
    let first = &report.calls[..report.first_calls];
    let calls = first.iter().zip(1..).flat_map(|(name, at)| {
        let read = vec![Crash::BeforeCall(at)];
        let write = vec![Crash::BeforeCall(at), Crash::OnWire(at), Crash::Late(at)];
        if is_read(name) { read } else { write }
    });
    commits.chain(calls).collect()
}

fn is_read(call: &str) -> bool {
    matches!(
        call,
        "list"
            | "list-volumes"
            | "list-secrets"
            | "list-registries"
            | "get"
            | "get-volume"
            | "get-registry"
            | "catalog"
            | "probe"
            | "log"
            | "logs"
    )
}

/// What every call can be answered with. A read is done or not done alike, so for it these are all.
const ANY: [&str; 4] = ["refused", "throttled:12", "unavailable", "not-done-timeout"];
/// What a listing of pods can show besides, and how its answer can be spoilt.
const LISTING: [&str; 5] = ["stale", "lagging", "duplicate", "truncated", "malformed"];
/// A write that happened although its answer does not say so, comes late or is spoilt, or that did not although it does.
const WRITE: [&str; 5] = ["done-but-500", "done-but-timeout", "truncated", "slow:20", "did-nothing"];
/// What can be said to who wants a place for a pod, and how an id can get lost.
const PLACE: [&str; 5] = ["no-capacity", "malformed", "wrong-content-type", "slow-boot:120", "502-until:90"];

/// How a question to a pod can end besides.
const QUESTION: [&str; 4] = ["slow:20", "done-but-500", "never-ready", "redirect"];

/// How an id can get lost.
const LOST_ID: [&str; 2] = ["malformed", "wrong-content-type"];

/// Returns the ways in which a call of this kind can go wrong.
fn classes(call: &str) -> impl Iterator<Item = &'static str> {
    let (first, second): (&[&str], &[&str]) = match call {
        "list" => (&LISTING, &[]),
        "list-volumes" | "list-secrets" | "list-registries" | "get" | "get-volume" | "get-registry"
        | "catalog" | "log" | "logs" => (&[], &[]),
        "probe" => (&QUESTION, &[]),
        "create-secret" | "create-registry" => (&WRITE, &LOST_ID),
        "create" | "start" => (&WRITE, &PLACE),
        _ => (&WRITE, &[]),
    };
    ANY.iter().chain(first).chain(second).copied()
}

/// Returns every schedule of a shape with at most one crash and one fault.
pub fn enumerate(base: &Base, shape: usize, depth: Depth) -> Vec<Case> {
    let alone = Case { parallelism: 2, ..Case::of(shape) };
    let crashed =
        crash_points(base, &alone).into_iter().map(|crash| Case { crashes: vec![crash], ..alone.clone() });
    let mut cases = vec![alone.clone()];
    cases.extend(with_faults(base, &alone));
    for case in crashed {
        if let Depth::Pairs = depth {
            cases.extend(with_faults(base, &case));
        }
        cases.push(case);
    }
    cases
}

/// Returns this schedule once for each call that it makes and each way in which that can go wrong.
fn with_faults(base: &Base, case: &Case) -> Vec<Case> {
    let calls = play(base, case).calls;
    let faults = calls
        .iter()
        .zip(1..)
        .flat_map(|(call, number): (_, u64)| classes(call).map(move |class| format!("any#{number}={class}")));
    faults.map(|faults| Case { faults, ..case.clone() }).collect()
}

/// Returns a random place where a process can end, below this number.
fn crash(dice: &mut fastrand::Rng, below: u64) -> Crash {
    let at = dice.u64(1..below);
    match dice.u8(..5) {
        0 => Crash::BeforeCommit(at),
        1 => Crash::AfterCommit(at),
        2 => Crash::BeforeCall(at),
        3 => Crash::OnWire(at),
        _ => Crash::Late(at),
    }
}

/// Returns a random schedule in which the first process is stopped and goes on when another one has taken over: while that
/// one works, or long after it.
pub fn overtaken(bases: &[Base], seed: u64) -> Case {
    let mut dice = fastrand::Rng::with_seed(seed);
    // Most runs are short, and a stop after their end shows nothing.
    let below = dice.u64(2..20);
    let stop = (crash(&mut dice, below), [dice.u64(..10), dice.u64(10..300), 3600][dice.usize(..3)]);
    let succession = [Succession::Freed, Succession::Expires][dice.usize(..2)];
    let crashes = (0..dice.usize(..2)).map(|_| crash(&mut dice, 30)).collect();
    // Without faults, a stop late in the run is reached; with them it meets what the run does about them.
    let faults = if dice.bool() { String::new() } else { random(bases, seed).faults };
    Case {
        shape: dice.usize(..bases.len()),
        parallelism: dice.usize(1..5),
        crashes,
        stop: Some(stop),
        succession,
        faults,
        signals: Vec::new(),
        ..random(bases, seed)
    }
}

/// Returns a random schedule.
pub fn random(bases: &[Base], seed: u64) -> Case {
    let mut dice = fastrand::Rng::with_seed(seed);
    let shape = dice.usize(..bases.len());
    let crashes = (0..dice.usize(..4)).map(|_| crash(&mut dice, 30)).collect();
    let faults = format!("any#1-{}=random:{}", dice.u64(10..120), dice.u64(2..35));
    let signals = if dice.u8(..5) == 0 {
        let first = dice.u64(..120_000);
        [first, first + dice.u64(..30_000)].into_iter().take(dice.usize(1..3)).collect()
    } else {
        Vec::new()
    };
    Case {
        shape,
        seed,
        parallelism: dice.usize(1..5),
        crashes,
        stop: None,
        succession: Succession::Freed,
        faults,
        signals,
        without: Without::Nothing,
        settling: 90,
        quota: [12, 60][dice.usize(..2)],
    }
}

/// Prepares what the last spec of each shape is applied to.
pub fn bases() -> Vec<Base> {
    (0..SHAPES.len()).map(Base::new).collect()
}

/// Plays cases on all processors, over journals in memory.
pub fn campaign(bases: &[Base], count: usize, case: impl Fn(usize) -> Case + Sync) -> Tally {
    campaign_over(Engine::Memory, bases, count, case)
}

/// Plays cases on all processors.
pub fn campaign_over(
    engine: Engine,
    bases: &[Base],
    count: usize,
    case: impl Fn(usize) -> Case + Sync,
) -> Tally {
    let play = |tally: &mut Tally, number| {
        let case = case(number);
        let report = engine.play(&bases[case.shape], &case, false);
        tally.add(&case, report);
    };
    let mut tally = on_all_processors(count, play, Tally::join);
    tally.violations.sort_by_key(|(case, _)| case.to_string());
    tally
}

/// Plays so many, one after the other on each processor, and joins what each has seen.
pub fn on_all_processors<T: Default + Send>(
    count: usize,
    play: impl Fn(&mut T, usize) + Sync,
    join: impl Fn(&mut T, T) + Sync,
) -> T {
    let next = AtomicUsize::new(0);
    let total = Mutex::new(T::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut seen = T::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    play(&mut seen, number);
                }
                join(&mut total.lock().unwrap_or_else(std::sync::PoisonError::into_inner), seen);
            });
        }
    });
    total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}
