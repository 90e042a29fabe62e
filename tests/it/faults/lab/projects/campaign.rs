//! Many schedules, and the shortest way to what one of them shows.

use super::super::campaign::on_all_processors;
use super::{Base, Case, Report, play};

/// What a campaign showed.
#[derive(Debug, Default)]
pub struct Tally {
    pub schedules: u64,
    pub steps: u64,
    pub runs: u64,
    pub requests: u64,
    /// How many projects ended with nothing left to do, and how many with a reason why not.
    pub ended: [u64; 2],
    pub violations: Vec<(Case, Vec<String>)>,
}

impl Tally {
    fn add(&mut self, case: &Case, report: Report) {
        let Report { violations, broken_at: _, runs, requests, ended, story: _ } = report;
        self.schedules += 1;
        self.steps += case.steps as u64;
        self.runs += runs;
        self.requests += requests;
        self.ended = [self.ended[0] + ended[0], self.ended[1] + ended[1]];
        if !violations.is_empty() {
            self.violations.push((case.clone(), violations));
        }
    }

    fn join(&mut self, other: Self) {
        let Self { schedules, steps, runs, requests, ended, violations } = other;
        self.schedules += schedules;
        self.steps += steps;
        self.runs += runs;
        self.requests += requests;
        self.ended = [self.ended[0] + ended[0], self.ended[1] + ended[1]];
        self.violations.extend(violations);
    }
}

/// Plays cases on all processors.
pub fn campaign(base: &Base, count: usize, case: impl Fn(usize) -> Case + Sync) -> Tally {
    let play = |tally: &mut Tally, number| {
        let case = case(number);
        let report = play(base, &case);
        tally.add(&case, report);
    };
    let mut tally = on_all_processors(count, play, Tally::join);
    tally.violations.sort_by_key(|(case, _)| case.seed);
    tally
}

/// Leaves out of a schedule that shows something whatever it shows it without: the steps after it, then every single
/// step for which that holds, the last ones first.
pub fn shrunk(base: &Base, case: &Case) -> Case {
    let mut case = case.clone();
    case.steps = play(base, &case).broken_at;
    for step in (0..case.steps).rev() {
        let mut shorter = case.clone();
        shorter.without.insert(step);
        if !play(base, &shorter).violations.is_empty() {
            case = shorter;
        }
    }
    case
}
