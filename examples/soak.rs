//! Applies that go wrong in every way, as many as asked for.
//!
//! ```text
//! cargo run --release --example soak -- --seeds 50000      random schedules
//! cargo run --release --example soak -- --singles          every crash and every fault alone
//! cargo run --release --example soak -- --pairs            every pair of one crash and one fault
//! cargo run --release --example soak -- --case 'shape=create seed=7 ...'
//! ```
//!
//! It prints what was tried and, for each violation, a line that repeats it. It ends with 1 if there was any.

#![expect(clippy::disallowed_macros, reason = "an example prints what it found")]

#[path = "../tests/it/faults/lab/mod.rs"]
mod lab;

use std::process::ExitCode;

use lab::campaign::{Depth, Tally, bases, campaign, enumerate, random};
use lab::{Base, Case, tell};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--seeds", count] => match count.parse() {
            Ok(count) => seeds(0, count),
            Err(_) => usage(),
        },
        ["--seeds", count, "--from", first] => match (first.parse(), count.parse()) {
            (Ok(first), Ok(count)) => seeds(first, count),
            (Ok(_) | Err(_), _) => usage(),
        },
        ["--singles"] => enumerated(Depth::Single),
        ["--pairs"] => enumerated(Depth::Pairs),
        ["--case", case] => case.parse().map_or_else(|_| usage(), |case| repeat(&case)),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: soak --seeds N [--from SEED] | --singles | --pairs | --case 'shape=... seed=...'");
    ExitCode::from(3)
}

fn seeds(first: u64, count: usize) -> ExitCode {
    let bases = bases();
    let tally = campaign(&bases, count, |number| random(&bases, first + number as u64));
    println!("seeds       {first} to {}", first + count as u64);
    told(&tally)
}

fn enumerated(depth: Depth) -> ExitCode {
    let bases = bases();
    let cases: Vec<Case> =
        (0..bases.len()).flat_map(|shape| enumerate(&bases[shape], shape, depth)).collect();
    told(&campaign(&bases, cases.len(), |number| cases[number].clone()))
}

fn repeat(case: &Case) -> ExitCode {
    let report = tell(&Base::new(case.shape), case);
    for line in &report.story {
        println!("{line}");
    }
    println!("{:#?}", report.violations);
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn told(tally: &Tally) -> ExitCode {
    let Tally { schedules, crash_points, runs, requests, violations } = tally;
    println!("schedules   {schedules}");
    println!("crashes     {crash_points}");
    println!("runs        {runs}");
    println!("requests    {requests}");
    println!("violations  {}", violations.len());
    for (case, wrong) in violations.iter().take(20) {
        println!("\n  {}", wrong.join("\n  "));
        println!("  cargo run --release --example soak -- --case '{case}'");
    }
    if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
