//! No pod is lost or made twice, whatever dies when: the promise, tried out.
//!
//! The promise holds while listings lag less than the settling time. What lags longer is tried as well: it may cost a
//! second pod for a while, but never in silence. `cargo run --release --example soak` tries many more schedules.

#![expect(
    clippy::disallowed_methods,
    reason = "a table of the documentation is compared with what is played"
)]

pub mod lab;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use lab::campaign::{
    Depth, Tally, bases, campaign, campaign_over, crash_points, enumerate, overtaken, random,
};
use lab::case::{Case, Without};
use lab::journals::Engine;
use lab::ports::Crash;
use lab::shapes::{SHAPES, WAITS, WAITS_OTHER};
use lab::{Base, beside, left_open, play, tell};
use podform::model::journal::ActionStatus;
use podform::model::plan::Step;

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
    let line = "shape=mix seed=7 parallelism=2 settling=90 quota=60 crash=late:3 stop=after-commit:4 wakes=60 lock=expires \
                without=fence";
    assert_eq!(line.parse::<Case>().unwrap().to_string(), line);
    assert_eq!("wakes=60".parse::<Case>(), Err("`wakes` comes after `stop`".to_owned()));
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

/// Who was stopped for longer than the lock lasts and goes on afterwards writes nothing and sends nothing.
#[test]
fn who_was_overtaken_does_no_harm() {
    let bases = bases();
    let tally = campaign(&bases, 300, |seed| overtaken(&bases, seed as u64));
    assert_none(&tally);
    assert!(tally.overtaken > 200 && tally.fenced > 100, "{} {}", tally.overtaken, tally.fenced);
}

/// What keeps it from that is the fence.
#[test]
fn without_the_fence_who_was_overtaken_does_harm() {
    let bases = bases();
    let tally =
        campaign(&bases, 200, |seed| Case { without: Without::Fence, ..overtaken(&bases, seed as u64) });
    let harm = |wrong: &String| {
        ["is ours, is billed, and the state does not know it", "which does not exist", "is another pod"]
            .iter()
            .any(|harm| wrong.contains(harm))
    };
    let harmed = tally.violations.iter().filter(|(_, wrong)| wrong.iter().any(harm)).count();
    assert!(harmed > 0, "{tally:?}");
}

/// A request needs no lock. What keeps it from being sent is that its intent is too old and would have to be written anew.
#[test]
fn without_a_look_at_the_age_of_intents_who_was_overtaken_sends() {
    let bases = bases();
    let without = Without::Freshness;
    let tally = campaign(&bases, 200, |seed| Case { without, ..overtaken(&bases, seed as u64) });
    let sent =
        |(_, wrong): &(Case, Vec<String>)| wrong.iter().any(|wrong| wrong.contains("after its intent"));
    assert!(tally.violations.iter().any(sent), "{tally:?}");
}

#[test]
fn the_journals_of_all_engines_survive_the_same() {
    let bases = bases();
    for (name, engine) in Engine::ALL.iter().filter(|(_, engine)| engine.is_here()) {
        assert_none(&campaign_over(*engine, &bases, 25, |seed| random(&bases, seed as u64)));
        if engine.tells_of_writes() {
            let tally = campaign_over(*engine, &bases, 25, |seed| overtaken(&bases, seed as u64));
            assert!(tally.fenced > 0, "{name}: {tally:?}");
            assert_none(&tally);
        }
    }
}

/// Plays every crash of the shape that creates, with something switched off.
fn crashes_without(without: Without) -> Tally {
    let base = [Base::new(0)];
    let crashes = crash_points(&base[0], &Case { parallelism: 2, ..Case::of(0) });
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

/// Without its intent the state lacks a pod that is ours. Its mark keeps it from being made twice: nothing is planned
/// from such a state, and a person must decide.
#[test]
fn without_intents_nothing_is_planned() {
    let tally = crashes_without(Without::Intents);
    let doubts = ["StateEmpty", "StateOlder", "Marked"];
    let is_held = |wrong: &String| {
        wrong.starts_with("it never comes to an end") && doubts.iter().any(|doubt| wrong.contains(doubt))
    };
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

/// As above, but the late pod has a disk of its own, which may hold data by then: no machine terminates it.
#[test]
fn a_late_pod_with_data_is_named_by_every_plan_and_never_touched() {
    let shape = SHAPES.iter().position(|shape| shape.name == "chain").unwrap();
    let case = Case {
        settling: 10,
        faults: "create#3=done-but-timeout,list#1-22=lagging".to_owned(),
        parallelism: 1,
        ..Case::of(shape)
    };
    let report = tell(&Base::new(shape), &case);
    let story = report.story.join("\n");
    let [left] = &report.violations[..] else { panic!("{:?}\n{story}", report.violations) };
    let late = left.strip_suffix(" is ours, is billed, and the state does not know it").unwrap();
    assert!(report.findings.iter().any(|finding| finding.contains(late)), "{:?}", report.findings);
    assert!(!report.calls.contains(&"delete"), "{story}");
}

fn shape(name: &str) -> usize {
    SHAPES.iter().position(|shape| shape.name == name).unwrap()
}

/// The schedules of the shapes that wait, while nothing is free for some minutes and whatever else goes wrong at each place.
fn waiting(faults: &str) -> (Vec<Base>, Vec<Case>) {
    let bases = bases();
    let cases = ["waits", "replace-waits", "resume-waits"].into_iter().flat_map(|name| {
        let case = Case { faults: faults.to_owned(), parallelism: 2, ..Case::of(shape(name)) };
        let crashes = crash_points(&bases[case.shape], &case);
        let crashed = crashes.into_iter().map(|crash| Case { crashes: vec![crash], ..case.clone() });
        crashed.chain([case.clone()]).collect::<Vec<_>>()
    });
    // The whole enumeration is for optimised builds.
    let cases = cases.step_by(3).collect();
    (bases, cases)
}

#[test]
fn a_wait_ends_with_what_was_approved_and_nothing_twice() {
    for name in ["waits", "replace-waits", "resume-waits"] {
        let faults = "create@150s=no-capacity,start@150s=no-capacity".to_owned();
        let case = Case { faults, ..Case::of(shape(name)) };
        let report = tell(&Base::new(case.shape), &case);
        let story = report.story.join("\n");
        // What is beside it does not wait, so it may be for a second run.
        assert!((2..=3).contains(&report.runs) && report.violations.is_empty(), "{name}: {story}");
        assert!(story.matches("waits Pause").count() > 1, "{name}: {story}");
    }
}

#[test]
fn every_crash_in_a_run_that_waits_is_survived() {
    let (bases, cases) = waiting("create@150s=no-capacity,start@150s=no-capacity");
    assert!(cases.len() > 60, "{}", cases.len());
    assert_none(&campaign(&bases, cases.len(), |number| cases[number].clone()));
}

#[test]
fn faults_in_a_run_that_waits_are_survived() {
    let bases = bases();
    let case = |number: usize| {
        let random = random(&bases, number as u64);
        let faults =
            format!("create@{}s=no-capacity,start@150s=no-capacity,{}", 20 * (number % 12), random.faults);
        let shape = shape(["waits", "replace-waits", "resume-waits"][number % 3]);
        Case { shape, faults, ..random }
    };
    assert_none(&campaign(&bases, 60, case));
}

/// Whoever dies while pods are on their way leaves them to the next plan, which ends and begins nothing before they run.
#[test]
fn every_crash_while_pods_boot_is_survived() {
    let bases = bases();
    let names = ["create-first", "chain", "waves-replace", "replace-waits"];
    let cases = names.into_iter().flat_map(|name| {
        let faults = "create=slow-boot:400".to_owned();
        let case = Case { faults, parallelism: 2, ..Case::of(shape(name)) };
        let crashes = crash_points(&bases[case.shape], &case);
        // A second one meets what the plan after the first one waits for.
        let again = |crash: Crash| [vec![crash], vec![crash, Crash::BeforeCall(9)]];
        crashes.into_iter().flat_map(again).map(move |crashes| Case { crashes, ..case.clone() })
    });
    // The whole enumeration is for optimised builds.
    let cases: Vec<Case> = cases.step_by(20).collect();
    assert!(cases.len() > 60, "{}", cases.len());
    assert_none(&campaign(&bases, cases.len(), |number| cases[number].clone()));
}

/// Another run that has the lock in between may have done what is waited for, or made something else necessary.
#[test]
fn who_has_the_lock_in_between_decides_what_is_left() {
    let case = Case {
        faults: "create#1-2=no-capacity".to_owned(),
        parallelism: 1,
        succession: lab::case::Succession::Expires,
        ..Case::of(shape("waits"))
    };
    let base = Base::new(case.shape);
    let ([first, second], wrong) = beside(&base, &case, WAITS);
    assert!(first.contains("stopped_by: None") && !first.contains("NoCapacity"), "{first}");
    assert!(second.contains("Done") && wrong.is_empty(), "{second} {wrong:?}");
    let ([first, second], _) = beside(&base, &case, WAITS_OTHER);
    assert!(first.starts_with("stale: "), "{first}");
    assert!(second.contains("Done"), "{second}");
}

/// Returns the word that the journal has for an action that is not over.
fn word(status: &ActionStatus) -> &'static str {
    match status {
        ActionStatus::Intended => "intended",
        ActionStatus::Started => "started",
        ActionStatus::Accepted { .. } => "accepted",
        ActionStatus::Refused => "refused",
        ActionStatus::Unknown { .. } => "unknown",
        ActionStatus::Pending | ActionStatus::Succeeded | ActionStatus::Failed | ActionStatus::Skipped => {
            panic!("{status:?} is never open")
        }
    }
}

/// Returns the heading under which the documentation has an action.
fn heading(step: Step) -> Option<&'static str> {
    match step {
        Step::Create => Some("Create of a pod or volume"),
        Step::Start | Step::Stop | Step::Update => Some("Start, stop, update of a pod, growth of a volume"),
        Step::Await => Some("Waiting for the end of a job"),
        Step::Delete | Step::DeleteDeposed => Some("Delete"),
        // What only asks sends nothing, and is written down when it is over.
        Step::Move | Step::Adopt | Step::Record | Step::Forget | Step::Ready => None,
    }
}

/// Returns the journal's words in the column `On the disk`, by heading.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/crash-safety.md");
    let mut words: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut heading = String::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        if let Some(title) = line.strip_prefix("### ") {
            title.clone_into(&mut heading);
        }
        let cells: Vec<&str> = line.split('|').collect();
        if let [_, _, on_disk, _, _] = cells[..] {
            let quoted = on_disk.split('`').skip(1).step_by(2).map(str::to_owned);
            // What is over leaves nothing open.
            words.entry(heading.clone()).or_default().extend(quoted.filter(|word| word != "succeeded"));
        }
    }
    words
}

#[test]
fn the_documentation_has_a_row_for_each_state_in_which_a_crash_leaves_an_action() {
    let lost = "update#1=done-but-timeout,stop#1=done-but-timeout,start#1=done-but-timeout,\
                terminate#1=done-but-timeout";
    let scripts = [
        ("create", ""),
        ("create", "create#1=no-capacity"),
        ("create", "create#1=done-but-timeout"),
        ("waits", "create@150s=no-capacity"),
        ("resume-waits", "start@150s=no-capacity"),
        ("mix", ""),
        ("mix", lost),
        ("create-first", ""),
        ("ready", ""),
        ("boot", ""),
        ("jobs", ""),
    ];
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, faults) in scripts {
        let shape = SHAPES.iter().position(|shape| shape.name == name).unwrap();
        let base = Base::new(shape);
        let case = Case { faults: faults.to_owned(), parallelism: 2, ..Case::of(shape) };
        for crash in crash_points(&base, &case) {
            for (step, status) in left_open(&base, &Case { crashes: vec![crash], ..case.clone() }) {
                if let Some(heading) = heading(step) {
                    seen.entry(heading.to_owned()).or_default().insert(word(&status).to_owned());
                }
            }
        }
    }
    let documented = documented();
    for (heading, words) in &seen {
        assert_eq!(documented.get(heading), Some(words), "under `{heading}`");
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}
