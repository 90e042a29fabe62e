//! No pod is lost or made twice, whatever dies when: the promise, tried out.
//!
//! The promise holds while listings lag less than the settling time. What lags longer is tried as well: it may cost a
//! second pod for a while, but never in silence. `cargo run --release --example soak` tries many more schedules.

pub mod lab;

use lab::campaign::{Depth, Tally, bases, campaign, crash_points, enumerate, random};
use lab::ports::Crash;
use lab::shapes::SHAPES;
use lab::{Base, Case, Without, play, tell};

fn assert_none(tally: &Tally) {
    let told =
        tally.violations.iter().take(5).map(|(case, wrong)| format!("{case}\n  {}", wrong.join("\n  ")));
    let told: Vec<String> = told.collect();
    let (count, schedules) = (tally.violations.len(), tally.schedules);
    assert!(count == 0, "{count} of {schedules} schedules:\n{}", told.join("\n"));
}

#[test]
fn every_shape_comes_to_an_end_in_peace() {
    for (shape, base) in bases().iter().enumerate() {
        let report = play(base, &Case::of(shape));
        assert_eq!((report.violations, report.runs), (Vec::<String>::new(), 2), "{}", SHAPES[shape].name);
    }
}

#[test]
fn the_announced_quota_is_never_exceeded() {
    for (shape, base) in bases().iter().enumerate() {
        let report = play(base, &Case { quota: 5, ..Case::of(shape) });
        let name = SHAPES[shape].name;
        assert_eq!((report.violations, report.throttled), (Vec::<String>::new(), 0), "{name}");
    }
}

#[test]
fn the_same_case_gives_the_same_story() {
    let base = Base::new(0);
    let case: Case = "shape=create seed=7 crash=on-wire:4 faults=any=random:20".parse().unwrap();
    assert_eq!(tell(&base, &case).story, tell(&base, &case).story);
    assert_eq!(case.to_string().parse(), Ok(case));
}

#[test]
fn every_crash_and_every_fault_is_survived() {
    let bases = bases();
    let cases: Vec<Case> =
        (0..bases.len()).flat_map(|shape| enumerate(&bases[shape], shape, Depth::Single)).collect();
    assert_none(&campaign(&bases, cases.len(), |number| cases[number].clone()));
}

/// The whole enumeration is for optimised builds; this is a sample of the shape with the most to lose.
#[test]
fn pairs_of_a_crash_and_a_fault_are_survived() {
    let shape = SHAPES.iter().position(|shape| shape.name == "create-first").unwrap();
    let bases = bases();
    let cases: Vec<Case> = enumerate(&bases[shape], shape, Depth::Pairs).into_iter().step_by(40).collect();
    assert_none(&campaign(&bases, cases.len(), |number| cases[number].clone()));
}

#[test]
fn random_schedules_are_survived() {
    let bases = bases();
    assert_none(&campaign(&bases, 300, |seed| random(&bases, seed as u64)));
}

/// Plays every crash of the shape that creates, with something switched off.
fn crashes_without(without: Without) -> Tally {
    let base = [Base::new(0)];
    let crashes = crash_points(&base[0], 0);
    campaign(&base, crashes.len(), |number| Case { crashes: vec![crashes[number]], without, ..Case::of(0) })
}

#[test]
fn without_the_token_lookup_pods_are_made_twice() {
    let tally = crashes_without(Without::Lookup);
    assert!(
        tally.violations.iter().any(|(_, wrong)| wrong[0].contains("the state does not know it")),
        "{tally:?}"
    );
    assert_none(&crashes_without(Without::Nothing));
}

/// Without its intent nobody knows that a pod is ours. Its mark keeps it from being made twice, and a person must decide.
#[test]
fn without_intents_addresses_are_held() {
    let tally = crashes_without(Without::Intents);
    let is_held = |wrong: &String| wrong.starts_with("it never comes to an end") && wrong.contains("Marked");
    assert!(!tally.violations.is_empty());
    assert!(tally.violations.iter().all(|(_, wrong)| is_held(&wrong[0])), "{tally:?}");
}

/// The create has no answer and its pod is missing from listings for longer than the engine waits.
#[test]
fn a_pod_that_shows_up_too_late_is_never_kept_in_silence() {
    let case = Case {
        settling: 10,
        faults: "create#1=done-but-timeout,list#1-12=lagging".to_owned(),
        parallelism: 1,
        crashes: vec![Crash::BeforeCommit(99)],
        ..Case::of(0)
    };
    let report = tell(&Base::new(0), &case);
    let story = report.story.join("\n");
    assert_eq!(report.calls.iter().filter(|call| **call == "create").count(), 3, "{story}");
    assert_eq!(report.violations, Vec::<String>::new(), "{story}");
    assert!(report.calls.contains(&"delete"), "the late pod is terminated, as nothing is on it: {story}");
}
