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

/// Plays one schedule.
fn assert_right(case: &str) {
    let base = Base::new();
    let case: Case = case.parse().expect("a schedule");
    assert!(play(&base, &case).violations.is_empty(), "{case}:\n{}", tell(&base, &case).story.join("\n"));
}

/// RunPod moves a pod that was given up and taken back by its id: it has another id, and is the same pod.
#[test]
fn a_pod_that_was_taken_back_is_known_when_runpod_moves_it() {
    assert_right("seed=14967 steps=15 without=1,2,3,4,6,7,8,11,12,13");
}

/// The state was lost and a person named another pod for the address: what was made for it is left, and said.
#[test]
fn a_pod_in_whose_place_a_person_named_another_is_left() {
    assert_right("seed=10794 steps=16 without=0,2,4,5,7,8,9,10,11,12,13,15");
}

/// The other pod is gone again, so that a rebuild finds what was made for the address.
#[test]
fn a_pod_is_found_again_once_the_other_one_is_gone() {
    assert_right("seed=4997 steps=10 without=1,4,5,6,8");
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
