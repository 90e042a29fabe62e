//! The real binary, killed at random moments of an apply, and what the next one makes of it.
//!
//! `PODFORM_KILLS` says how often; the moments are drawn from a fixed seed. Every round edits a spec of twenty pods,
//! kills an apply of it once or several times in a row, applies to the end and compares the account with the state.
//! In a second test another program edits, stops and deletes pods meanwhile.
#![expect(clippy::disallowed_methods, reason = "a kill at a moment needs the moment")]
#![expect(clippy::disallowed_macros, reason = "what was shown is said as a figure")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::panic::resume_unwind;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use podform::state::place::Held as _;
use podform::state::{Batch, Journal as _};

use crate::kit;
use crate::served::{Audit, ListedPod, Place, listed_pods, request, shown};

/// How often a plain `cargo test` kills; continuous integration asks for 60.
const KILLS: usize = 24;

/// How many pods a spec has.
const PODS: usize = 20;

/// Rounds in one world; then the next begins, so that the first apply of all is killed as well.
const ROUNDS: usize = 8;

/// How many worlds there are at a time. An apply after a kill waits for what the killed one may have sent, which takes
/// seconds and no processor.
const LANES: usize = 4;

/// World seconds in a second: pulling an image takes 5 to 30 of them, so a whole apply takes about as long as its
/// requests do.
pub const SPEED: &str = "40";

/// Returns how often to kill.
fn kills() -> usize {
    let asked = std::env::var("PODFORM_KILLS").ok();
    asked.map_or(KILLS, |asked| asked.parse().expect("PODFORM_KILLS is a number"))
}

/// Writes a spec whose pods differ from round to round: some stopped, some absent, some of another image (a reset),
/// environment, name (in place) or GPU (a replacement, in either order).
pub fn spec(random: &mut fastrand::Rng, round: usize) -> String {
    let mut text = format!(
        "\
volumes:
  data: {{ size: {}GB, data_center: EU-RO-1 }}
defaults: {{ placement: {{ data_centers: [EU-RO-1] }} }}
pods:
  kept: {{ image: 'ubuntu:24.04', gpu: L4, lifecycle: {{ protect: true }} }}
",
        100 + 10 * round
    );
    for number in 1..PODS {
        if random.u8(..10) == 0 {
            continue;
        }
        let gpu = ["RTX 4090", "L4", "A40", "RTX A5000"][(number + usize::from(random.u8(..5) == 0)) % 4];
        let image = if random.u8(..5) == 0 { "ubuntu:22.04" } else { "ubuntu:24.04" };
        let state = if random.u8(..6) == 0 { "stopped" } else { "running" };
        let order = if number % 2 == 0 { "create_first" } else { "destroy_first" };
        let level = random.u8(..3);
        let volume = match number % 4 {
            0 => ", volumes: ['data:/data']",
            1 => ", volumes: [{ local: 20GB, path: /workspace }]",
            _ => "",
        };
        // On the one pod that is always there.
        let after = if number % 5 == 0 { ", depends_on: [kept]" } else { "" };
        writeln!(
            text,
            "  pod-{number}: {{ image: '{image}', gpu: {gpu}, state: {state}, env: {{ LEVEL: '{level}' }}{volume}{after}, \
             lifecycle: {{ on_replace: {order}, on_stuck_resume: replace }} }}"
        )
        .unwrap();
    }
    text
}

/// What a test has shown so far.
#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    /// Kills after which the journal had actions without an end.
    with_open: usize,
    rounds: usize,
    applies: usize,
}

impl Tally {
    /// Begins an apply and kills it at this moment. Not counted if it had ended before.
    fn kill(&mut self, place: &Place, moment: Duration) {
        let mut apply = place.apply().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(moment);
        if apply.try_wait().unwrap().is_none() {
            apply.kill().unwrap();
            apply.wait().unwrap();
            self.kills += 1;
            self.with_open += usize::from(!place.prior().open.is_empty());
        }
    }

    /// Applies to the end and asserts that nothing was leaked, doubled or lost.
    fn finish_round(&mut self, place: &Place, foreign: &BTreeSet<String>) {
        self.applies += place.apply_to_the_end();
        assert_eq!(place.audit(foreign), Audit::default(), "after {self:?}");
        place.assert_plan_is_empty();
        self.rounds += 1;
    }

    /// Plays so many kills in worlds beside each other; each lane is given its number and its share.
    fn of_lanes(kills: usize, play: impl Fn(usize, usize) -> Self + Sync) -> Self {
        let play = &play;
        let tallies: Vec<Self> = thread::scope(|scope| {
            let share = |lane| (kills + LANES - 1 - lane) / LANES;
            let lanes: Vec<_> = (0..LANES).map(|lane| scope.spawn(move || play(lane, share(lane)))).collect();
            lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        tallies.into_iter().fold(Self::default(), |all, Self { kills, with_open, rounds, applies }| Self {
            kills: all.kills + kills,
            with_open: all.with_open + with_open,
            rounds: all.rounds + rounds,
            applies: all.applies + applies,
        })
    }

    fn shown(&self) -> String {
        let Self { kills, with_open, rounds, applies } = self;
        format!(
            "{kills} kills: 0 leaked, 0 doubled ({with_open} with actions open, {rounds} rounds, {applies} applies to the end)"
        )
    }
}

/// Returns how long an apply of all pods takes that nobody kills.
fn length_of_an_apply() -> Duration {
    let place = Place::serve(&["--speed", SPEED]);
    place.write_spec(&spec(&mut fastrand::Rng::with_seed(0), 0));
    let began = Instant::now();
    place.apply_to_the_end();
    began.elapsed()
}

fn world(lane: usize, number: usize) -> Place {
    Place::serve(&["--speed", SPEED, "--seed", &(1_000 * lane + number).to_string()])
}

#[test]
fn killed_applies_leak_and_double_nothing() {
    let length = length_of_an_apply();
    let tally = Tally::of_lanes(kills(), |lane, kills| {
        let mut random = fastrand::Rng::with_seed(10 + lane as u64);
        let mut tally = Tally::default();
        for number in 1.. {
            if tally.kills >= kills {
                break;
            }
            let place = world(lane, number);
            let mut kept = None;
            for round in 0..ROUNDS {
                if tally.kills >= kills {
                    break;
                }
                place.write_spec(&spec(&mut random, round));
                // Most are followed by an apply to the end at once, some by one that is killed as well.
                for _ in 0..=random.u8(..4).saturating_sub(1) {
                    tally.kill(&place, length.mul_f64(random.f64()));
                }
                tally.finish_round(&place, &BTreeSet::new());
                let id = place.prior().objects[&"kept".parse().unwrap()].id.clone();
                assert_eq!(*kept.get_or_insert(id.clone()), id, "a protected pod is never replaced");
            }
        }
        tally
    });
    println!("{} of applies that take {length:.1?}", tally.shown());
}

/// What another program does to pods that are not its own until it is told to end; returns how often it did what.
fn meddle(url: &str, seed: u64, until: &AtomicBool, foreign: &BTreeSet<String>) -> [usize; 3] {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut done = [0; 3];
    while !until.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(random.u64(20..120)));
        let pods: Vec<ListedPod> =
            listed_pods(url).into_iter().filter(|pod| !foreign.contains(&pod.id)).collect();
        let Some(pod) = random.choice(&pods) else { continue };
        let path = format!("/v2/pods/{}", pod.id);
        // What it does is refused where the pod is in another status than listed.
        let (what, (status, _)) = match random.u8(..10) {
            0 => (2, request(url, "DELETE", &path, "")),
            1..5 => (1, request(url, "POST", &format!("{path}/action"), r#"{"action":"stop"}"#)),
            _ => (0, request(url, "PATCH", &path, r#"{"name":"mine"}"#)),
        };
        done[what] += usize::from(status < 300);
    }
    done
}

/// Makes a pod that nobody but its own program may touch.
fn create_foreign(place: &Place) -> String {
    let body = r#"{"name":"theirs","image":"ubuntu:24.04","gpu":{"id":"NVIDIA L4","count":1},"disk":10}"#;
    let (status, pod) = place.request("POST", "/v2/pods", body);
    assert_eq!(status, 201, "{pod}");
    pod["id"].as_str().unwrap().to_owned()
}

#[test]
fn kills_while_another_program_meddles_leak_and_double_nothing() {
    let length = length_of_an_apply();
    let did = Mutex::new([0; 3]);
    let tally = Tally::of_lanes(kills().div_ceil(4), |lane, kills| {
        let mut random = fastrand::Rng::with_seed(20 + lane as u64);
        let mut tally = Tally::default();
        for number in 1.. {
            if tally.kills >= kills {
                break;
            }
            let place = world(lane, number);
            let foreign = BTreeSet::from([create_foreign(&place)]);
            for round in 0..ROUNDS {
                if tally.kills >= kills {
                    break;
                }
                place.write_spec(&spec(&mut random, round));
                let is_over = AtomicBool::new(false);
                let seed = (1_000 * lane + number * ROUNDS + round) as u64;
                thread::scope(|scope| {
                    let meddler = scope.spawn(|| meddle(place.url(), seed, &is_over, &foreign));
                    for _ in 0..=random.u8(..3) {
                        tally.kill(&place, length.mul_f64(random.f64()));
                    }
                    is_over.store(true, Ordering::Relaxed);
                    for (all, new) in did.lock().unwrap().iter_mut().zip(meddler.join().unwrap()) {
                        *all += new;
                    }
                });
                tally.finish_round(&place, &foreign);
                assert!(
                    place.pods().iter().any(|pod| foreign.contains(&pod.id)),
                    "what is not ours was touched"
                );
            }
        }
        tally
    });
    let [edits, stops, deletes] = did.into_inner().unwrap();
    println!(
        "{}, beside {edits} edits, {stops} stops and {deletes} deletes of another program",
        tally.shown()
    );
}

/// Begins an apply whose output can be read.
fn begin(place: &Place, arguments: &[&str]) -> Child {
    place.apply().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A spec of one pod whose create never gets an answer, so that its apply holds the lock for seconds.
fn place_with_a_silent_create() -> Place {
    let place = Place::serve(&["--speed", SPEED, "--fault", "create#1=done-but-timeout"]);
    place.write_spec("pods:\n  one: { image: 'ubuntu:24.04', gpu: L4 }\n");
    place
}

/// Waits until one of two processes ends, and returns the other one and what the first said.
fn first_ended(mut a: Child, mut b: Child) -> (Child, std::process::Output) {
    loop {
        for is_a in [true, false] {
            let process = if is_a { &mut a } else { &mut b };
            if process.try_wait().unwrap().is_some() {
                let (ended, runs) = if is_a { (a, b) } else { (b, a) };
                return (runs, ended.wait_with_output().unwrap());
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn of_two_applies_at_once_one_runs_and_a_kill_frees_the_lock() {
    let place = place_with_a_silent_create();
    let (mut holder, refused) = first_ended(begin(&place, &[]), begin(&place, &[]));
    assert_eq!(refused.status.code(), Some(5), "{}", shown(&refused));
    let said = String::from_utf8(refused.stderr).unwrap();
    let said = said.replace(place.state_path(), "STATE");
    let names = format!(
        "another run holds the state `STATE`: `ann` on `box`, process {}, running `apply` since ",
        holder.id()
    );
    assert!(said.contains(&names), "{said}");
    assert!(holder.try_wait().unwrap().is_none(), "the holder goes on");
    holder.kill().unwrap();
    holder.wait().unwrap();
    place.apply_to_the_end();
    assert_eq!(place.audit(&BTreeSet::new()), Audit::default());
    place.assert_plan_is_empty();
}

#[test]
fn an_apply_with_patience_takes_over_from_a_killed_one() {
    let place = place_with_a_silent_create();
    let mut holder = begin(&place, &[]);
    let mut lines = BufReader::new(holder.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "one: creating"));
    let mut patient = begin(&place, &["--lock-timeout", "5m", "--verbose"]);
    let mut said = BufReader::new(patient.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.starts_with("waiting for the lock")));
    assert!(patient.try_wait().unwrap().is_none());
    holder.kill().unwrap();
    holder.wait().unwrap();
    let rest: Vec<String> = said.collect();
    // It may find that what the killed one made is not listed yet, and hold it back.
    let code = patient.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 4 | 7)), "{code:?} {rest:#?}");
    place.apply_to_the_end();
    assert_eq!(place.audit(&BTreeSet::new()), Audit::default());
    place.assert_plan_is_empty();
}

/// What is decided from the state is decided from what the run before leaves, so it is no older than the lock.
#[tokio::test]
async fn every_command_that_writes_waits_for_another_run_and_goes_on_from_what_it_left() {
    let place = Place::serve(&["--speed", SPEED]);
    place.write_spec("pods:\n  one: { image: 'ubuntu:24.04', gpu: L4 }\n");
    place.apply_to_the_end();
    let file = place.state_file();
    let commands: [&[&str]; 4] = [
        &["state", "mv", "one", "two"],
        &["state", "rebuild"],
        &["state", "rm", "two"],
        &["import", "--all"],
    ];
    for command in commands {
        let clock = kit::Still(kit::at(4_102_444_800));
        let held = file.lock(&kit::holder("bob", "box"), &clock, Duration::ZERO).await.unwrap();
        let refused = place.run(command);
        let mut waiting = place
            .podform(command)
            .args(["-v", "--lock-timeout", "60s"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(waiting.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("waiting for the lock, at most 60s")), "{command:?}");
        held.commit(&Batch::default()).await.unwrap();
        held.release().await.unwrap();
        let said: Vec<String> = lines.collect();
        assert_eq!(waiting.wait().unwrap().code(), Some(0), "{command:?}: {said:#?}");
        if command[0] == "state" && command[1] != "rebuild" {
            assert_eq!(refused.status.code(), Some(5), "{}", shown(&refused));
        }
    }
}
