//! No run touches what is not its own, and nothing is made twice, whatever people do to specs, states and the account.

mod backups;

use crate::faults::lab::projects::campaign::{Tally, campaign, shrunk};
use crate::faults::lab::projects::wire::Reading;
use crate::faults::lab::projects::{Base, Case, Kind, play, tell};

/// Fails with the shortest way to the first violations.
fn assert_none(base: &Base, tally: &Tally) {
    let told = tally.violations.iter().take(3).map(|(case, wrong)| {
        let case = shrunk(base, case);
        format!("{case}\n  {}\n{}", wrong.join("\n  "), tell(base, &case).story.join("\n"))
    });
    let told: Vec<String> = told.collect();
    let (count, schedules) = (tally.violations.len(), tally.schedules);
    assert!(count == 0, "{count} of {schedules} schedules:\n{}", told.join("\n\n"));
}

#[test]
fn no_schedule_touches_what_is_not_its_own() {
    let base = Base::new();
    let tally = campaign(&base, 100, |seed| Case::of(Kind::People, seed as u64));
    assert_none(&base, &tally);
}

#[test]
fn a_lost_state_is_rebuilt_without_making_anything_and_without_loss() {
    let base = Base::new();
    let tally = campaign(&base, 50, |seed| Case::of(Kind::Rebuild, seed as u64));
    assert_none(&base, &tally);
}

/// Tells whether there is a schedule that shows what must not be only if all that is seen is read like this.
fn shows(case: impl Fn(u64) -> Case, reading: Reading) -> bool {
    let base = Base::new();
    let is_violated = |case: &Case| !play(&base, case).violations.is_empty();
    (0..200).map(case).any(|case| is_violated(&Case { reading, ..case.clone() }) && !is_violated(&case))
}

#[test]
fn names_that_are_read_by_their_beginning_show() {
    assert!(shows(|seed| Case { steps: 3, ..Case::of(Kind::Rebuild, seed) }, Reading::NamesByPrefix));
}

#[test]
fn copies_that_are_taken_for_their_originals_show() {
    assert!(shows(|seed| Case::of(Kind::People, seed), Reading::CopiesAsOriginals));
}
