//! Pods that wait for capacity: what a plan says of it, and what of a plan after a wait goes on with the one before it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use insta::assert_snapshot;
use podform::model::catalog::CatalogPart;
use podform::model::desired::{ComputeWish, OnReplace, OnStuckResume, WantedPod};
use podform::model::id::{GpuTypeId, RemoteId, RunNonce};
use podform::model::job::{JobLog, Then};
use podform::model::live::{LivePod, PodStatus, Seen, Unreadable};
use podform::model::money::Hourly;
use podform::model::outcome::{EndResult, Ended, Outcome};
use podform::model::plan::{ActionId, Operation, Plan, Planned, Step};
use podform::model::pod::{Compute, RunState};
use podform::model::ready::{Probe, Ready};
use podform::model::retry::{Patience, Retry, Wider};
use podform::model::seconds::Seconds;
use podform::model::settings::Field;
use podform::plan::{Again, again};

use super::cases::{local, plan, settles};
use super::jobs::job;
use super::world::{World, address, gpus};

/// Lets a pod wait for two hours, and accept more after so many seconds.
fn patient(world: World, name: &str, widen: &[(u32, &[&str], Option<i64>)]) -> World {
    let mut world = world;
    let wider = |(after, names, limit): &(u32, &[&str], Option<i64>)| Wider {
        after: Seconds(*after),
        gpu: gpus(names),
        max_price: limit.map(Hourly),
    };
    let patience = Patience { within: Seconds(7_200), every: Seconds(60) };
    let retry = Retry { patience, widen: widen.iter().map(wider).collect() };
    world.desired.retries.insert(address(name).key().clone(), retry);
    world
}

fn on(names: &'static [&'static str]) -> impl Fn(&mut WantedPod) {
    move |pod| pod.hardware.compute = ComputeWish::Gpu(gpus(names))
}

/// Lists the ways to place a pod, each with its price an hour and the wait before it.
fn ways(world: &World) -> String {
    let planned = world.plan();
    let mut text = String::new();
    for attempt in planned.plan().actions.values().flat_map(|action| action.operation.attempts()) {
        let candidate = &attempt.candidate;
        let after = attempt.after.map_or("at once".to_owned(), |after| format!("after {after}"));
        writeln!(
            text,
            "{} {} {} {after}",
            candidate.placement.compute, candidate.placement.cloud, candidate.price
        )
        .unwrap();
    }
    text
}

#[test]
fn what_is_accepted_later_stands_behind_with_a_limit_of_its_own() {
    let cheap = |pod: &mut WantedPod| {
        on(&["RTX 4090"])(pod);
        pod.hardware.max_price = Some(Hourly(800_000));
    };
    let world = patient(
        World::default().want("llm", cheap),
        "llm",
        // The one of the first list stays where it is, and the pod's limit holds where there is no other.
        &[
            (3_600, &["A100 PCIe"], None),
            (1_800, &["RTX 4090", "L40S:1"], Some(900_000)),
            (5_400, &["A100 PCIe"], Some(2_000_000)),
        ],
    );
    assert_snapshot!(ways(&world), @"
    NVIDIA GeForce RTX 4090 x1 secure $0.69/h at once
    NVIDIA L40S x1 secure $0.86/h after 30m
    NVIDIA A100 80GB PCIe x1 secure $1.64/h after 90m
    ");
    assert_snapshot!(plan(&world), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure | NVIDIA L40S x1 secure | NVIDIA A100 80GB PCIe x1 secure
    Note llm: not considered: `retry.widen[0]`: NVIDIA A100 80GB PCIe in secure: $1.64/h is more than $0.80/h (candidates-rejected)
    cost $0.00 -> $505.70, at most $1,199.20
    ");
}

/// The place in the spec is that of `retry`, and the message says which entry.
#[test]
fn a_name_that_nothing_has_is_told_of_the_entry_that_has_it() {
    let world = World::default().want("llm", on(&["RTX 4090", "RTX 40900"]));
    let wide = patient(
        world,
        "llm",
        &[(3_600, &["A100 PCIe"], None), (1_800, &["L40", "H100 SMX"], None), (60, &["L40S"], None)],
    );
    assert_snapshot!(plan(&wide), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure | NVIDIA L40S x1 secure | NVIDIA A100 80GB PCIe x1 secure
    Warning llm: only a part of the list can be taken: RTX 40900: not in RunPod's catalog, did you mean RTX 4090? (unknown-hardware)
    Warning llm: only a part of the list can be taken: `retry.widen[1]`: L40: not in RunPod's catalog, did you mean L40S?; `retry.widen[1]`: H100 SMX: not in RunPod's catalog, did you mean H100 SXM? (unknown-hardware)
    cost $0.00 -> $505.70, at most $1,199.20
    ");
    let planned = wide.plan();
    let fields: Vec<_> = planned
        .plan()
        .findings
        .iter()
        .filter_map(|finding| finding.subject.as_ref()?.field.clone())
        .collect();
    assert_eq!(fields, [Field::Gpu, Field::Retry]);
}

#[test]
fn a_pod_on_what_is_accepted_later_is_as_wanted_as_long_as_the_spec_has_it() {
    let landed = |pod: &mut LivePod| {
        pod.compute = Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA L40S"), count: 1 });
    };
    let world = World::default().want("llm", on(&["RTX 4090"])).have("llm", |_| {}).outside("llm", landed);
    assert_snapshot!(settles(&patient(world.clone(), "llm", &[(1_800, &["L40S"], None)])), @r#"
    llm:record Changed
      gpu: NVIDIA GeForce RTX 4090 x1 -> NVIDIA L40S x1 by Outside
    drift llm: Fields([FieldDrift { field: Gpu, recorded: Word("NVIDIA GeForce RTX 4090 x1"), live: Word("NVIDIA L40S x1"), left_alone: false }])
    cost $629.80 -> $629.80, at most $629.80
    "#);
    assert_snapshot!(plan(&patient(world.clone(), "llm", &[(1_800, &["L40S:2"], None)])), @r#"
    llm:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA GeForce RTX 4090 x1 secure | NVIDIA L40S x2 secure
      gpu: NVIDIA L40S -> RTX 4090 by Outside
      ! NewPodId
    drift llm: Fields([FieldDrift { field: Gpu, recorded: Word("NVIDIA GeForce RTX 4090 x1"), live: Word("NVIDIA L40S x1"), left_alone: false }])
    cost $629.80 -> $505.70, at most $1,257.60
    "#);
    assert_snapshot!(plan(&world), @r#"
    llm:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA GeForce RTX 4090 x1 secure
      gpu: NVIDIA L40S -> RTX 4090 by Outside
      ! NewPodId
    drift llm: Fields([FieldDrift { field: Gpu, recorded: Word("NVIDIA GeForce RTX 4090 x1"), live: Word("NVIDIA L40S x1"), left_alone: false }])
    cost $629.80 -> $505.70, at most $505.70
    "#);
}

/// How patient a pod is was approved, and so was what it may turn into.
#[test]
fn the_wait_is_part_of_the_digest() {
    let world = World::default().want("llm", on(&["RTX 4090"]));
    let digest = |world: &World| world.plan().plan().digest.clone();
    let plain = digest(&world);
    let waits = digest(&patient(world.clone(), "llm", &[]));
    let wide = digest(&patient(world.clone(), "llm", &[(1_800, &["L40S"], None)]));
    let later = digest(&patient(world.clone(), "llm", &[(3_600, &["L40S"], None)]));
    let hashes = [&plain, &waits, &wide, &later].map(|digest| digest.hash.clone());
    assert_eq!(BTreeSet::from(hashes).len(), 4);
    assert_eq!(plain.monthly, waits.monthly);
    assert!(wide.monthly.known > waits.monthly.known, "{wide} {waits}");
    let other = patient(world, "other", &[]);
    assert_eq!(digest(&other), plain, "the patience of others is none of this plan");
}

#[test]
fn a_start_waits_only_where_the_spec_says_both() {
    let on_stuck = |on_stuck_resume, world: fn(World) -> World| {
        let pod = move |run| {
            move |pod: &mut WantedPod| {
                pod.run = run;
                pod.container.storage = local(50);
                pod.lifecycle.on_stuck_resume = on_stuck_resume;
            }
        };
        let world =
            world(World::default().want("llm", pod(RunState::Running)).have("llm", pod(RunState::Stopped)));
        let planned = world.plan();
        let start = planned.plan().actions.values().next_back().unwrap().operation.clone();
        let Operation::StartPod { on_stuck, .. } = start else { panic!("{start:?}") };
        format!("{on_stuck:?}").split([' ', '(']).next().unwrap().to_owned()
    };
    let patient = |world| patient(world, "llm", &[]);
    let kinds = [OnStuckResume::Fail, OnStuckResume::Wait, OnStuckResume::Replace];
    assert_eq!(kinds.map(|kind| on_stuck(kind, |world| world)), ["Fail", "Fail", "Replace"]);
    assert_eq!(kinds.map(|kind| on_stuck(kind, patient)), ["Fail", "Wait", "Replace"]);
}

fn outcome<const N: usize>(ended: [(&str, EndResult); N]) -> Outcome {
    let ended = ended.map(|(name, result)| (id(name), Ended::new(result)));
    Outcome { actions: ended.into_iter().collect(), stopped_by: None }
}

fn id(name: &str) -> ActionId {
    let (address, step) = name.split_once(':').unwrap();
    let step = Step::ALL.into_iter().find(|known| known.word() == step).unwrap();
    ActionId { address: address.parse().unwrap(), step }
}

fn full() -> EndResult {
    EndResult::NoCapacity("nothing is free".to_owned())
}

fn behind() -> EndResult {
    EndResult::Skipped("depends on what waits".to_owned())
}

/// Plans anew in this world, as a run does that waited, and tells what of it goes on with the approved plan.
fn next(approved: &Planned, outcome: &Outcome, world: &World) -> String {
    next_of(approved.plan(), outcome, world, &waiting(outcome))
}

fn waiting(outcome: &Outcome) -> BTreeSet<ActionId> {
    let ended = outcome.actions.iter();
    ended.filter(|(_, ended)| ended.result == full()).map(|(id, _)| id.clone()).collect()
}

fn next_of(approved: &Plan, outcome: &Outcome, world: &World, due: &BTreeSet<ActionId>) -> String {
    let mut world = world.clone();
    world.nonce = RunNonce::new("nonce");
    world.options.tokens_used = [(address("llm"), 2)].into();
    let now = world.plan();
    match again(approved, outcome, due, &now) {
        Err(reasons) => reasons.into_iter().map(|reason| format!("stale: {reason}\n")).collect(),
        Ok(Again { plan, not_needed, put_off, left }) => {
            assert_eq!(plan.digest, approved.digest);
            let tokens = |plan: &Plan| -> BTreeSet<_> {
                let attempts = plan.actions.iter().filter(|(id, _)| id.address == address("llm"));
                attempts
                    .flat_map(|(_, action)| action.operation.attempts().iter().map(|one| one.token.clone()))
                    .collect()
            };
            assert!(tokens(&plan).is_disjoint(&tokens(approved)), "a token is for one try");
            let steps = plan.actions.keys().map(|id| format!("do {id}\n"));
            let order = plan.edges.iter().map(|(first, then)| format!("{first} before {then}\n"));
            let done = not_needed.iter().map(|id| format!("done: {id}\n"));
            let done = done.chain(put_off.iter().map(|id| format!("not now: {id}\n")));
            let left = left.iter().map(|id| format!("left: {id}\n"));
            steps.chain(order).chain(done).chain(left).collect()
        }
    }
}

/// Two pods, one behind the other, and a third one beside them that is done.
fn chain() -> (World, Planned, Outcome, World) {
    let world = World::default()
        .want("aside", |_| {})
        .want("llm", |_| {})
        .want("web", |pod| pod.depends_on = [address("llm")].into());
    let world = patient(world, "llm", &[]);
    let approved = world.plan();
    let outcome =
        outcome([("aside:create", EndResult::Done), ("llm:create", full()), ("web:create", behind())]);
    // Its actions stand in the order of their names.
    let after = world.applied_until(1);
    (world, approved, outcome, after)
}

#[test]
fn what_waits_goes_on_with_what_stands_behind_it() {
    let (_, approved, outcome, after) = chain();
    assert_snapshot!(next(&approved, &outcome, &after), @"
    do llm:create
    do web:create
    llm:create before web:create
    ");
    // Nothing is due yet.
    assert_snapshot!(next_of(approved.plan(), &outcome, &after, &BTreeSet::new()), @"");
}

/// What is only waited for changes nothing, so nobody had to approve that.
#[test]
fn what_came_up_meanwhile_is_asked_before_what_waits_for_it_is_tried_again() {
    let mut world =
        World::default().want("aside", |_| {}).want("llm", |pod| pod.depends_on = [address("aside")].into());
    let ready = Ready { probe: Probe::Tcp { port: 22 }, within: Seconds(60) };
    world.desired.ready.insert(address("aside"), ready);
    let world = patient(world, "llm", &[]);
    let approved = world.plan();
    let outcome = outcome([("aside:create", EndResult::Done), ("llm:create", full())]);
    assert_snapshot!(next(&approved, &outcome, &world.applied_until(1)), @"
    do aside:ready
    do llm:create
    aside:ready before llm:create
    ");
}

#[test]
fn what_somebody_else_did_is_not_done_again() {
    let (world, approved, outcome, _) = chain();
    assert_snapshot!(next(&approved, &outcome, &world.applied_until(2)), @"
    do web:create
    done: llm:create
    ");
    assert_snapshot!(next(&approved, &outcome, &world.applied_until(3)), @"
    done: llm:create
    done: web:create
    ");
}

/// Shows what is at an address in another way.
fn outside(world: &World, name: &str, edit: impl FnOnce(&mut LivePod)) -> World {
    let mut world = world.clone();
    let RemoteId::Pod(id) = &world.prior.objects[&address(name)].id else { panic!("{name} is no pod") };
    match world.live.pods.get_mut(id) {
        Some(Seen::Found(pod)) => edit(pod),
        other => panic!("{other:?}"),
    }
    world
}

fn stopped(pod: &mut LivePod) {
    pod.status = PodStatus::Exited;
}

#[test]
fn whatever_else_what_waits_needs_by_then_ends_the_wait() {
    let (_, approved, outcome, after) = chain();
    let edited = after.clone().want("llm", |pod| pod.container.image = "tool:2".to_owned());
    assert_snapshot!(next(&approved, &outcome, &edited), @"stale: `llm:create` would do something else now");
    let apart = after.clone().want("web", |_| {});
    assert_snapshot!(next(&approved, &outcome, &apart), @"
    stale: `web:create` would do something else now
    stale: whether `llm:create` comes before `web:create` is otherwise now
    ");
    let blocked = after.want("llm", |pod| pod.hardware.max_price = Some(Hourly(1)));
    assert_snapshot!(next(&approved, &outcome, &blocked), @"stale: it is blocked now");
}

/// Whatever else is the matter in the account is left alone, as nobody approved to mend it.
#[test]
fn what_has_nothing_to_do_with_what_waits_is_left_to_the_next_apply() {
    let (_, approved, outcome, after) = chain();
    let goes_on = "do llm:create\ndo web:create\nllm:create before web:create\n";
    let newer = |pod: &mut WantedPod| pod.container.image = "tool:2".to_owned();
    let locked = outside(&after, "aside", |pod| pod.settings.locked = Some(Some(true)));
    let cases = [
        ("left: aside:start\n", outside(&after, "aside", stopped)),
        ("left: aside:update\n", after.clone().want("aside", newer)),
        ("left: more:create\n", after.clone().want("more", |_| {})),
        ("left: old:delete\n", after.clone().have("old", |_| {})),
        // It may not be reset, which blocks a plan.
        ("left: aside:update\n", locked.want("aside", newer)),
    ];
    for (left, world) in cases {
        assert_eq!(next(&approved, &outcome, &world), format!("{goes_on}{left}"));
    }
    let left = outside(&after, "aside", stopped).want("llm", newer);
    assert_snapshot!(next(&approved, &outcome, &left), @"stale: `llm:create` would do something else now");
}

/// A job that was begun by the same run ends while others wait: its end is written down, and its pod goes, by the next apply.
#[test]
fn a_job_that_ends_meanwhile_is_none_of_the_wait() {
    let world = World::default().want("fit", job(Then::Terminate)).want("llm", |_| {});
    let world = patient(world, "llm", &[]);
    let approved = world.plan();
    let ended = outcome([("fit:create", EndResult::Done), ("llm:create", full())]);
    let mut after = world.applied_until(1);
    assert_snapshot!(next(&approved, &ended, &after), @"do llm:create");
    let RemoteId::Pod(id) = after.prior.objects[&address("fit")].id.clone() else { panic!("no pod") };
    after.live.jobs = [(id, JobLog::Ended(0))].into();
    let after = outside(&after, "fit", stopped);
    assert_snapshot!(next(&approved, &ended, &after), @"
    do llm:create
    left: fit:record
    left: fit:delete
    ");
}

/// What waits is behind what it depends on, whether or not that was a part of what was approved.
#[test]
fn what_has_to_come_before_what_waits_has_to_be_approved() {
    let on = |name: &'static str| move |pod: &mut WantedPod| pod.depends_on = [address(name)].into();
    let world = World::default().have("root", |_| {}).have("base", on("root"));
    let world = world.want("root", |_| {}).want("base", on("root")).want("llm", on("base"));
    let world = patient(world, "llm", &[]);
    let approved = world.plan();
    let ended = outcome([("llm:create", full())]);
    assert_snapshot!(next(&approved, &ended, &world), @"do llm:create");
    let drifted = outside(&world, "base", stopped);
    assert_snapshot!(next(&approved, &ended, &drifted), @"stale: `base:start` is needed now and was not approved");
    // What comes before that is not approved either.
    let drifted = outside(&drifted, "root", stopped);
    assert_snapshot!(next(&approved, &ended, &drifted), @"
    stale: `base:start` is needed now and was not approved
    stale: `root:start` is needed now and was not approved
    ");
    // What it needs may not be made as it is wanted.
    let locked = outside(&world, "base", |pod| {
        stopped(pod);
        pod.settings.locked = Some(Some(true));
    });
    let locked = locked.want("base", |pod| pod.container.storage = local(9));
    assert_snapshot!(next(&approved, &ended, &locked), @"stale: it is blocked now");
}

/// What cannot be looked at for a moment is looked at again, and what was approved still is.
#[test]
fn what_cannot_be_planned_at_the_moment_has_its_next_turn() {
    let (_, approved, outcome, after) = chain();
    let mut dark = after.clone();
    dark.catalog.unread.insert(CatalogPart::Gpus, "no answer".to_owned());
    assert_snapshot!(next(&approved, &outcome, &dark), @"not now: llm:create");
    assert_snapshot!(next_of(approved.plan(), &outcome, &dark, &BTreeSet::new()), @"");
    let world = World::default().have("base", |_| {}).want("base", |_| {});
    let world = patient(world.want("llm", |pod| pod.depends_on = [address("base")].into()), "llm", &[]);
    let approved = world.plan();
    let ended = self::outcome([("llm:create", full())]);
    let unseen = |why| world.clone().seen("base", Seen::Unreadable(why));
    assert_snapshot!(next(&approved, &ended, &unseen(Unreadable::TooNew)), @"not now: llm:create");
}

/// Nothing waits for ever behind what this run does no more.
#[test]
fn what_needs_something_that_was_given_up_waits_no_more() {
    let world = World::default().have("base", |_| {});
    let world = world.want("base", |pod| pod.container.image = "tool:2".to_owned());
    let world = patient(world.want("llm", |pod| pod.depends_on = [address("base")].into()), "llm", &[]);
    let approved = world.plan();
    let failed = EndResult::Failed("no".to_owned());
    let ended = outcome([("base:update", failed), ("llm:create", full())]);
    for world in [world.clone(), outside(&world, "base", stopped)] {
        let why = "stale: `llm:create` needs something now that this run has given up\n";
        assert_eq!(next(&approved, &ended, &world), why);
    }
}

/// What ended for good is left to the next apply, with what only that could go on with.
#[test]
fn what_failed_is_not_tried_again() {
    let (world, approved, _, _) = chain();
    let failed = || EndResult::Failed("no such image".to_owned());
    let ended = outcome([("aside:create", failed()), ("llm:create", full()), ("web:create", behind())]);
    assert_snapshot!(next(&approved, &ended, &world), @"
    do llm:create
    do web:create
    llm:create before web:create
    ");
    let ended = outcome([("aside:create", full()), ("llm:create", failed()), ("web:create", behind())]);
    assert_snapshot!(next(&approved, &ended, &world), @"do aside:create");
}

/// The first half of a replacement is done by the time that its second half waits, so the plan of then creates a pod that is
/// simply not there.
#[test]
fn the_second_half_of_a_replacement_waits_as_the_create_that_it_is() {
    let replacing = |on_replace| {
        let pod = move |image: &'static str| {
            move |pod: &mut WantedPod| {
                pod.container.storage = if image == "tool:2" { local(60) } else { local(90) };
                pod.lifecycle.on_replace = on_replace;
            }
        };
        patient(World::default().have("llm", pod("tool:1")).want("llm", pod("tool:2")), "llm", &[])
    };
    let world = replacing(OnReplace::DestroyFirst);
    let approved = world.plan();
    let ended = outcome([("llm:delete", EndResult::Done), ("llm:create", full())]);
    assert_snapshot!(next(&approved, &ended, &world.applied_until(1)), @"do llm:create");
    let world = replacing(OnReplace::CreateFirst);
    let approved = world.plan();
    let ended = outcome([("llm:create", full()), ("llm:delete", behind())]);
    assert_snapshot!(next(&approved, &ended, &world), @"
    do llm:delete
    do llm:create
    llm:create before llm:delete
    ");
}

/// A start that may replace its pod has ended it when nothing is free for the new one.
#[test]
fn the_second_half_of_a_start_waits_too() {
    let pod = |run| {
        move |pod: &mut WantedPod| {
            pod.run = run;
            pod.lifecycle.on_stuck_resume = OnStuckResume::Replace;
        }
    };
    let world = World::default().want("llm", pod(RunState::Running)).have("llm", pod(RunState::Stopped));
    let world = patient(world, "llm", &[]);
    let approved = world.plan();
    let ended = outcome([("llm:start", full())]);
    let mut ended_there = world.clone();
    ended_there.prior.objects.clear();
    ended_there.live.pods.clear();
    assert_snapshot!(next(&approved, &ended, &ended_there), @"do llm:create");
    let edited = ended_there.want("llm", |pod| pod.container.image = "tool:2".to_owned());
    assert_snapshot!(next(&approved, &ended, &edited), @"stale: `llm:create` would do something else now");
}
