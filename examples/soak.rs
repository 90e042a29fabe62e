//! Applies that go wrong in every way, as many as asked for.
//!
//! ```text
//! cargo run --release --example soak -- --seeds 50000      random schedules
//! cargo run --release --example soak -- --singles          every crash and every fault alone
//! cargo run --release --example soak -- --pairs            every pair of one crash and one fault
//! cargo run --release --example soak -- --case 'shape=create seed=7 ...'
//! cargo run --release --example soak -- --projects 20000   several projects in one account, and people
//! cargo run --release --example soak -- --rebuilds 2000    states that are lost and rebuilt
//! cargo run --release --example soak -- --overtaken 50000  processes that go on after another one took over from them
//! cargo run --release --example soak -- --project-case 'seed=7 steps=9 ...'
//! ```
//!
//! `--seeds` goes together with `--from SEED`, and with `--pairs` or `--singles`; so do `--overtaken`, `--projects` and
//! `--rebuilds`. With `--shape NAME`, as often as wanted, `--pairs` and `--singles` are about these shapes of plans only.
//! With `--journal NAME`, the states of `--seeds`, `--pairs`, `--singles`, `--overtaken` and `--case` lie in another engine,
//! with `all` in one after another; what is no name lists them. It prints what was tried and, for each violation, a line that repeats it. It ends with 1
//! if there was any.

#![expect(clippy::disallowed_macros, reason = "an example prints what it found")]

#[cfg(feature = "object-store")]
#[path = "../tests/support/faulty.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod faulty;
#[path = "../tests/support/kit.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod kit;
#[path = "../tests/it/faults/lab/mod.rs"]
#[expect(dead_code, reason = "the tests do more with it")]
mod lab;
#[cfg(feature = "postgres")]
#[path = "../tests/support/postgres.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod postgres;

use std::process::ExitCode;

use lab::campaign::{Depth, Tally, bases, campaign_over, enumerate, overtaken, random};
use lab::case::Case;
use lab::journals::Engine;
use lab::projects;
use lab::shapes::SHAPES;
use lab::{Base, left_open};

/// An engine, and its name.
type Journal = (&'static str, Engine);

/// What is to be tried.
#[derive(Default)]
struct Wanted {
    enumerated: Option<Depth>,
    /// The shapes that are enumerated; none mean all.
    shapes: Vec<usize>,
    seeds: usize,
    overtaken: usize,
    /// The engines; none mean memory.
    journals: Vec<Journal>,
    from: u64,
    case: Option<Case>,
    projects: usize,
    rebuilds: usize,
    project_case: Option<projects::Case>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match wanted(&arguments) {
        Some(Wanted { case: Some(case), journals, .. }) => {
            repeat(journals.first().copied().unwrap_or(Engine::ALL[0]), &case)
        }
        Some(Wanted { project_case: Some(case), .. }) => repeat_project(&case),
        Some(Wanted { enumerated: None, seeds: 0, overtaken: 0, projects: 0, rebuilds: 0, .. }) | None => {
            let journals: Vec<&str> = Engine::ALL.iter().map(|(name, _)| *name).collect();
            eprintln!(
                "usage: soak [--pairs | --singles] [--shape NAME] [--seeds N] [--overtaken N] [--projects N] [--rebuilds N] \
                 [--from SEED] [--journal {0}|all] | [--journal {0}] --case 'shape=... seed=...' | --project-case 'seed=...'",
                journals.join("|")
            );
            ExitCode::from(3)
        }
        Some(wanted) => play_all(&wanted),
    }
}

fn wanted(arguments: &[String]) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--pairs" => wanted.enumerated = Some(Depth::Pairs),
            "--singles" => wanted.enumerated = Some(Depth::Single),
            "--shape" => {
                let name = words.next()?;
                wanted.shapes.push(SHAPES.iter().position(|shape| shape.name == name)?);
            }
            "--seeds" => wanted.seeds = words.next()?.parse().ok()?,
            "--overtaken" => wanted.overtaken = words.next()?.parse().ok()?,
            "--journal" => {
                let name = words.next()?;
                let found = Engine::ALL.iter().filter(|(known, _)| *known == name || name == "all");
                wanted.journals = found.copied().collect();
                wanted.journals.first()?;
            }
            "--from" => wanted.from = words.next()?.parse().ok()?,
            "--projects" => wanted.projects = words.next()?.parse().ok()?,
            "--rebuilds" => wanted.rebuilds = words.next()?.parse().ok()?,
            "--project-case" => wanted.project_case = Some(words.next()?.parse().ok()?),
            "--case" => wanted.case = Some(words.next()?.parse().ok()?),
            _ => return None,
        }
    }
    Some(wanted)
}

fn play_all(wanted: &Wanted) -> ExitCode {
    let Wanted { enumerated, seeds, overtaken, from, projects, rebuilds, .. } = wanted;
    let mut is_clean = true;
    if enumerated.is_some() || *seeds > 0 || *overtaken > 0 {
        let bases = bases();
        let journals = if wanted.journals.is_empty() { &Engine::ALL[..1] } else { &wanted.journals };
        for journal in journals {
            if journal.1.is_here() {
                is_clean &= play_faults(wanted, *journal, &bases);
            }
        }
    }
    for (kind, count) in [(projects::Kind::People, projects), (projects::Kind::Rebuild, rebuilds)] {
        if *count > 0 {
            println!("projects      {kind:?}, {count} schedules, from {from}");
            let base = projects::Base::new();
            let case = |number| projects::Case::of(kind, from + number as u64);
            is_clean &= told_of_projects(&base, &projects::campaign::campaign(&base, *count, case));
        }
    }
    if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn play_faults(
    Wanted { enumerated, shapes, seeds, overtaken: stops, from, .. }: &Wanted,
    journal: Journal,
    bases: &[Base],
) -> bool {
    println!("journal       {}", journal.0);
    let mut is_clean = true;
    if let Some(depth) = *enumerated {
        let all: Vec<usize> = (0..bases.len()).collect();
        let shapes = if shapes.is_empty() { &all } else { shapes };
        let cases: Vec<Case> =
            shapes.iter().flat_map(|shape| enumerate(&bases[*shape], *shape, depth)).collect();
        println!("enumerated    {depth:?} of {} shapes of plans", shapes.len());
        let tally = campaign_over(journal.1, bases, cases.len(), |number| cases[number].clone());
        is_clean &= told(journal, &tally);
    }
    for (name, count, case) in
        [("seeds", seeds, random as fn(&[Base], u64) -> Case), ("overtaken", stops, overtaken)]
    {
        if *count > 0 && (name == "seeds" || journal.1.tells_of_writes()) {
            println!("{name:13} {count}, from {from}");
            let tally = campaign_over(journal.1, bases, *count, |number| case(bases, from + number as u64));
            is_clean &= told(journal, &tally);
        }
    }
    is_clean
}

fn repeat_project(case: &projects::Case) -> ExitCode {
    let report = projects::tell(&projects::Base::new(), case);
    for line in &report.story {
        println!("{line}");
    }
    println!("{:#?}", report.violations);
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the figures of schedules of projects and returns whether nothing was violated.
fn told_of_projects(base: &projects::Base, tally: &projects::campaign::Tally) -> bool {
    let projects::campaign::Tally { schedules, steps, runs, requests, ended, violations } = tally;
    println!("schedules     {schedules}");
    println!("steps         {steps}");
    println!("runs          {runs}");
    println!("requests      {requests}");
    println!("projects      {} with nothing left to do, {} that say why not", ended[0], ended[1]);
    println!("violations    {}\n", violations.len());
    for (case, wrong) in violations.iter().take(20) {
        println!("  {}", wrong.join("\n  "));
        let case = projects::campaign::shrunk(base, case);
        println!("  cargo run --release --example soak -- --project-case '{case}'\n");
    }
    violations.is_empty()
}

fn repeat((_, engine): Journal, case: &Case) -> ExitCode {
    let base = Base::new(case.shape);
    let report = engine.play(&base, case, true);
    for line in &report.story {
        println!("{line}");
    }
    println!("open after the first run: {:?}", left_open(&base, case));
    println!("{:#?}", report.violations);
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the figures and returns whether nothing was violated.
fn told((journal, _): Journal, tally: &Tally) -> bool {
    let Tally { schedules, crash_points, runs, requests, overtaken, fenced, violations } = tally;
    println!("schedules     {schedules}");
    println!("crash points  {crash_points}");
    println!("runs          {runs}");
    println!("requests      {requests}");
    println!("overtaken     {overtaken} processes, {fenced} of their writes refused");
    println!("violations    {}\n", violations.len());
    for (case, wrong) in violations.iter().take(20) {
        println!("  {}", wrong.join("\n  "));
        println!("  cargo run --release --example soak -- --journal {journal} --case '{case}'\n");
    }
    violations.is_empty()
}
