//! The presence table and every class of change, each as inputs and the whole plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use insta::assert_snapshot;
use podform::model::address::Address;
use podform::model::catalog::{Stock, StockAnswer};
use podform::model::clock::{SignedDuration, Timestamp};
use podform::model::desired::{
    CloudWish, ComputeWish, CpuWish, GpuCount, GpuOrder, Move, OnRemove, OnReplace, OnStuckResume, Wanted,
    WantedPod, WantedVolume,
};
use podform::model::id::{
    CountryCode, CpuFlavorId, CudaVersion, DataCenterId, EnvKey, GpuTypeId, PodId, RegistryId, RunId,
    VolumeId,
};
use podform::model::journal::ActionStatus;
use podform::model::live::{LivePod, PodRole, PodStatus, Seen, Unreadable};
use podform::model::money::Hourly;
use podform::model::plan::{Action, ActionId, Operation, Planned, RecordAfter, Step};
use podform::model::pod::{Cloud, Compute, EnvValue, Port, Protocol, RunState, Storage};
use podform::model::prior::{Api, OpenIntent, RecordedObject};
use podform::model::registry::Registry;
use podform::model::secret::{Secret, SecretName, Secrets};
use podform::model::size::Gigabytes;

use super::world::{World, address, gpus, print, time, token};

/// Prints the plan, applies it and expects the next plan to be empty.
pub(super) fn settles(world: &World) -> String {
    let planned = world.plan();
    let again = world.applied().plan();
    assert!(
        matches!(again, Planned::NoChanges(_)),
        "after\n{}the next plan is\n{}",
        print(&planned),
        print(&again)
    );
    print(&planned)
}

pub(super) fn plan(world: &World) -> String {
    print(&world.plan())
}

pub(super) fn network(volume: &str) -> Storage<Address> {
    Storage::Network { volume: address(volume), path: "/models".to_owned() }
}

pub(super) fn local(size: u32) -> Storage<Address> {
    Storage::Local { size: Gigabytes(size), path: "/workspace".to_owned() }
}

pub(super) fn key(name: &str) -> EnvKey {
    EnvKey::new(name)
}

pub(super) fn plain(text: &str) -> EnvValue {
    EnvValue::Plain(text.to_owned())
}

fn secret(name: &str) -> SecretName {
    SecretName::Declared(name.to_owned())
}

pub(super) fn stopped(pod: &mut WantedPod) {
    pod.run = RunState::Stopped;
}

pub(super) fn protect(pod: &mut WantedPod) {
    pod.lifecycle.protect = true;
}

pub(super) fn image_2(pod: &mut WantedPod) {
    pod.container.image = "tool:2".to_owned();
}

pub(super) fn mount_models(pod: &mut WantedPod) {
    pod.container.storage = network("volume.models");
}

fn lock(pod: &mut LivePod) {
    pod.settings.locked = Some(Some(true));
}

/// Accepts only this GPU.
pub(super) fn on(gpu: &'static str) -> impl Fn(&mut WantedPod) {
    move |pod| pod.hardware.compute = ComputeWish::Gpu(gpus(&[gpu]))
}

/// Is created after these.
pub(super) fn after(names: &'static [&'static str]) -> impl Fn(&mut WantedPod) {
    move |pod| pod.depends_on.extend(names.iter().map(|name| address(name)))
}

// The presence table: wanted, recorded, live.

#[test]
fn a_wanted_pod_that_never_was_is_created() {
    let world = World::default().want("llm", |_| {});
    assert_snapshot!(settles(&world), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_pod_wanted_stopped_that_never_was_is_not_created() {
    let world = World::default().want("llm", stopped);
    assert_snapshot!(plan(&world), @"
    no changes
    Note llm: is wanted stopped: it is created when it is first wanted running (created-when-running)
    unchanged llm
    cost $0.00 -> $0.00, at most $0.00
    ");
}

#[test]
fn a_pod_in_sync_needs_nothing() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {});
    assert_snapshot!(plan(&world), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_vanished_pod_is_created_again_and_its_data_named() {
    let with_disk = |pod: &mut WantedPod| pod.container.storage = local(100);
    let world = World::default().want("llm", with_disk).have("llm", with_disk).seen("llm", Seen::Absent);
    assert_snapshot!(settles(&world), @"
    llm:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(100) }
      ! NewPodId
    drift llm: Vanished
    cost $0.00 -> $515.70, at most $515.70
    ");
}

#[test]
fn a_vanished_pod_that_is_wanted_stopped_is_forgotten() {
    let world = World::default().want("llm", stopped).have("llm", stopped).seen("llm", Seen::Absent);
    assert_snapshot!(settles(&world), @"
    llm:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    drift llm: Vanished
    Note llm: is wanted stopped: it is created when it is first wanted running (created-when-running)
    cost $0.00 -> $0.00, at most $0.00
    ");
}

#[test]
fn a_migrated_pod_is_adopted_under_its_new_id() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {}).seen("llm", Seen::Absent);
    let marker = world.marker("llm");
    let world = world.stranger("moved", |pod| {
        pod.marker = Some(marker);
        pod.created_at = Some(time(9_000));
    });
    assert_snapshot!(settles(&world), @r#"
    llm:adopt Migrated
    drift llm: Migrated { from: Pod(PodId("id-llm")), to: Pod(PodId("moved")) }
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_create_found_in_the_journal_is_adopted_and_compared() {
    let mut world = World::default().want("llm", image_2);
    world.know_token("llm", &token("llm"), false);
    let marker = world.marker("llm");
    let world = world.stranger("found", |pod| pod.marker = Some(marker));
    assert_snapshot!(settles(&world), @"
    llm:adopt FoundInJournal
    llm:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_pod_that_adopt_names_is_taken_over() {
    let world = World::default()
        .want("llm", |pod| {
            pod.adopt = Some(PodId::new("theirs"));
            Arc::make_mut(&mut pod.container.env).insert(key("MODE"), plain("fast"));
        })
        .stranger("theirs", |_| {});
    assert_snapshot!(settles(&world), @"
    llm:adopt AdoptNamed
    llm:update Changed Reset
      env.MODE: - -> fast by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    Note llm: `ssh` and `jupyter` are not compared: they cannot be read back and were not recorded (access-unknown)
    cost $505.70 -> $505.70, at most $505.70
    ");
}

/// Its token comes back on record with it, so that it is found again should RunPod move it; that of a copy does not.
#[test]
fn a_pod_that_was_given_up_is_taken_back_with_its_token() {
    let taken_back = |created_at| {
        let mut world = World::default().want("llm", |pod| pod.adopt = Some(PodId::new("given-up")));
        world.know_token("llm", &token("llm"), true);
        let marker = world.marker("llm");
        let world = world.stranger("given-up", |pod| {
            pod.marker = Some(marker);
            pod.created_at = Some(time(created_at));
        });
        settles(&world);
        let Planned::Changes(plan) = world.plan() else { panic!("nothing is taken over") };
        let taken = plan.actions.into_iter().find(|(id, _)| id.step == Step::Adopt);
        let Some((_, Action { record: RecordAfter::Put { id: _, record }, .. })) = taken else {
            panic!("nothing is recorded")
        };
        record.token.clone()
    };
    assert_eq!(taken_back(1), Some(token("llm")));
    assert_eq!(taken_back(5_000), None);
}

#[test]
fn adopt_of_a_pod_that_is_not_there_is_said() {
    let world = World::default().want("llm", |pod| pod.adopt = Some(PodId::new("theirs")));
    assert_snapshot!(plan(&world), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    Warning llm: `adopt` names `theirs`, which is not in the account (adopt-not-found)
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn adopt_of_a_worker_is_refused() {
    let world = World::default()
        .want("llm", |pod| pod.adopt = Some(PodId::new("worker")))
        .stranger("worker", |pod| pod.role = PodRole::EndpointWorker);
    assert_snapshot!(plan(&world), @r#"
    blocked
    held llm: NotPossible("`adopt` names pod `worker`, which belongs to an endpoint, a cluster, a host or RunPod")
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_removed_pod_is_terminated_stopped_or_forgotten_as_last_applied() {
    let world = World::default()
        .have("a", |pod| pod.container.storage = local(50))
        .have("b", |pod| {
            pod.lifecycle.on_remove = OnRemove::Stop;
            pod.container.storage = local(50);
        })
        .have("c", |pod| pod.lifecycle.on_remove = OnRemove::Forget);
    assert_snapshot!(settles(&world), @r#"
    a:delete Removed
      ! LocalVolumeLost { size: Gigabytes(50), path: "/workspace" }
      ! ContainerDiskLost { size: Gigabytes(20) }
    b:stop Removed
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! LocalVolumeKept { size: Gigabytes(50), path: "/workspace" }
    c:forget Removed (tombstone)
      ! GoesOnUnmanaged
    Warning c: goes on running and being billed, unmanaged (forgotten)
    Note b: is kept stopped after it left the spec, for $10.00 a month; `destroy` ends it, `state rm` gives it up (retired)
    cost $1,527.10 -> $10.00, at most $10.00
    "#);
}

#[test]
fn a_retired_pod_is_listed_and_stopped_again_if_others_start_it() {
    let world = World::default().have("llm", |pod| pod.lifecycle.on_remove = OnRemove::Stop).applied();
    assert_snapshot!(plan(&world), @"
    no changes
    Note llm: is kept stopped after it left the spec, for $0.00 a month; `destroy` ends it, `state rm` gives it up (retired)
    unchanged llm
    cost $0.00 -> $0.00, at most $0.00
    ");
    let started = world.clone().outside("llm", |pod| pod.status = PodStatus::Running);
    assert_snapshot!(settles(&started), @"
    llm:stop StateDrifted
      state: running -> stopped by Outside
      ! ContainerDiskLost { size: Gigabytes(20) }
    drift llm: Started
    Note llm: is kept stopped after it left the spec, for $0.00 a month; `destroy` ends it, `state rm` gives it up (retired)
    cost $505.70 -> $0.00, at most $0.00
    ");
    let wanted_again = world.want("llm", |_| {});
    assert_snapshot!(settles(&wanted_again), @"
    llm:record LifecycleChanged
      lifecycle: protect: false, on_remove: stop, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] -> protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] by Spec
    llm:start StateWanted
      state: stopped -> running by Spec
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    Warning llm: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_removed_pod_that_is_gone_is_forgotten() {
    let world = World::default().have("llm", |_| {}).seen("llm", Seen::Absent);
    assert_snapshot!(settles(&world), @"
    llm:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    drift llm: Vanished
    cost $0.00 -> $0.00, at most $0.00
    ");
}

#[test]
fn an_orphan_of_ours_is_terminated() {
    let mut world = World::default();
    world.know_token("llm", &token("llm"), false);
    let marker = world.marker("llm");
    let world = world.stranger("orphan", |pod| pod.marker = Some(marker));
    assert_snapshot!(settles(&world), @"
    llm:delete Orphaned
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $0.00, at most $0.00
    ");
}

#[test]
fn an_orphan_whose_create_was_to_be_protected_stays() {
    let mut world = World::default();
    world.know_token("llm", &token("llm"), false);
    if let Some(known) = world.prior.tokens.get_mut(&token("llm")) {
        known.asked.record.lifecycle.protect = true;
    }
    let marker = world.marker("llm");
    let world = world.stranger("orphan", |pod| pod.marker = Some(marker));
    assert_snapshot!(plan(&world), @"
    llm:delete Orphaned
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $0.00, at most $0.00
    ");
}

#[test]
fn an_old_copy_of_a_marker_is_no_orphan() {
    let mut world = World::default();
    world.know_token("llm", &token("llm"), false);
    let marker = world.marker("llm");
    let world = world.stranger("clone", |pod| {
        pod.marker = Some(marker);
        pod.created_at = Some(time(5_000));
    });
    assert_snapshot!(plan(&world), @"
    no changes
    Warning llm: pod `clone` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged clone $505.70
    cost $0.00 -> $0.00, at most $0.00
    ");
}

#[test]
fn a_tombstoned_token_makes_a_pod_unmanaged() {
    let mut world = World::default();
    world.know_token("llm", &token("llm"), true);
    let marker = world.marker("llm");
    let world = world.stranger("given-up", |pod| pod.marker = Some(marker));
    assert_snapshot!(plan(&world), @"
    no changes
    unmanaged given-up $505.70
    cost $0.00 -> $0.00, at most $0.00
    ");
}

#[test]
fn pods_that_nobody_knows_are_listed_with_ours_first() {
    let world = World::default();
    let marker = world.marker("llm");
    let world = world
        .stranger("a", |pod| {
            pod.status = PodStatus::Exited;
            pod.settings.storage = Storage::Local { size: Gigabytes(100), path: "/w".to_owned() };
        })
        .stranger("b", |pod| pod.marker = Some(marker))
        .stranger("c", |pod| pod.role = PodRole::EndpointWorker);
    assert_snapshot!(plan(&world), @r#"
    blocked
      because StateEmpty(Unknown { objects: {Pod(PodId("b")): Pod { key: Key("llm"), replica: None }}, monthly: Amount { known: Monthly(505700000), unknown_parts: 0 } })
    Warning llm: pod `b` carries this project's marker but this state does not know it: another state manages the project, or an earlier one was lost (`podform state rebuild`) (other-state)
    unmanaged b $505.70, marked llm
    unmanaged a $20.00
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

/// The state was lost, or is another one: a second pod would cost as much as the first.
#[test]
fn what_carries_our_mark_is_not_made_a_second_time() {
    let world = World::default().want("llm", |_| {}).want("next", after(&["llm"]));
    let marker = world.marker("llm");
    let world = world.stranger("b", |pod| pod.marker = Some(marker));
    assert_snapshot!(plan(&world), @r#"
    blocked
      because StateEmpty(Unknown { objects: {Pod(PodId("b")): Pod { key: Key("llm"), replica: None }}, monthly: Amount { known: Monthly(505700000), unknown_parts: 0 } })
    Warning llm: pod `b` carries this project's marker but this state does not know it: another state manages the project, or an earlier one was lost (`podform state rebuild`) (other-state)
    unmanaged b $505.70, marked llm
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn what_could_not_be_looked_at_is_held_with_what_depends_on_it() {
    let world = World::default()
        .want("prep", |_| {})
        .want("llm", after(&["prep"]))
        .want("other", |_| {})
        .have("prep", |_| {})
        .seen("prep", Seen::Unreadable(Unreadable::TooNew));
    assert_snapshot!(plan(&world), @r#"
    other:create New on NVIDIA GeForce RTX 4090 x1 secure
    held llm: DependsOn(Pod { key: Key("prep"), replica: None })
    held prep: Unreadable("recorded less than 120 s ago and not listed yet")
    cost $505.70 -> $1,011.40, at most $1,011.40
    "#);
}

#[test]
fn a_plan_of_held_addresses_only_is_blocked() {
    let failed = Unreadable::Failed("GET /v2/pods was throttled".to_owned());
    let world =
        World::default().want("llm", |_| {}).have("llm", |_| {}).seen("llm", Seen::Unreadable(failed));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held llm: Unreadable("GET /v2/pods was throttled")
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_recorded_pod_that_was_not_looked_at_is_held() {
    let mut world = World::default().want("llm", |_| {}).have("llm", |_| {});
    world.live.pods.clear();
    assert_snapshot!(plan(&world), @r#"
    blocked
    held llm: Unreadable("pod `id-llm` was not looked at")
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn several_objects_gone_at_once_look_like_another_account() {
    let world = World::default()
        .want("a", |_| {})
        .want("b", |_| {})
        .have("a", |_| {})
        .have("b", |_| {})
        .seen("a", Seen::Absent)
        .seen("b", Seen::Absent)
        .option(|options| options.accept_vanished = false);
    assert_snapshot!(plan(&world), @"
    blocked
      because AllVanished { count: 2 }
    a:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(20) }
      ! NewPodId
    b:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(20) }
      ! NewPodId
    drift a: Vanished
    drift b: Vanished
    cost $0.00 -> $1,011.40, at most $1,011.40
    ");
    let believed = world.option(|options| options.accept_vanished = true);
    assert_snapshot!(settles(&believed), @"
    a:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(20) }
      ! NewPodId
    b:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(20) }
      ! NewPodId
    drift a: Vanished
    drift b: Vanished
    cost $0.00 -> $1,011.40, at most $1,011.40
    ");
}

// Copies and duplicates.

#[test]
fn a_second_pod_of_our_own_request_is_retired() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {});
    let marker = world.marker("llm");
    let world = world.stranger("twin", |pod| pod.marker = Some(marker));
    assert_snapshot!(settles(&world), @"
    llm:delete-deposed Duplicate leaves deposed {}
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $1,011.40 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_clone_is_never_touched() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {});
    let marker = world.marker("llm");
    let world = world.stranger("clone", |pod| {
        pod.marker = Some(marker);
        pod.created_at = Some(time(5_000));
    });
    assert_snapshot!(plan(&world), @"
    no changes
    Warning llm: pod `clone` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged clone $505.70
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn without_creation_times_a_second_pod_is_for_a_person() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {});
    let marker = world.marker("llm");
    let world = world.stranger("twin", |pod| {
        pod.marker = Some(marker);
        pod.created_at = None;
    });
    assert_snapshot!(plan(&world), @r#"
    blocked
    held llm: Duplicate { ids: {PodId("twin")} }
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

// Open intents.

/// Leaves a create of `llm` by an earlier run open.
pub(super) fn open(world: World, status: ActionStatus, since: i64) -> World {
    open_at(world, "llm", status, since)
}

/// Leaves a create of a pod by an earlier run open.
pub(super) fn open_at(mut world: World, name: &str, status: ActionStatus, since: i64) -> World {
    world.know_token(name, &token(name), false);
    world.prior.open.push(OpenIntent {
        run: RunId::new("earlier"),
        action: ActionId { address: address(name), step: Step::Create },
        status,
        token: Some(token(name)),
        since: time(since),
        server_time: Some(time(since)),
    });
    world
}

#[test]
fn a_create_without_an_answer_is_awaited_then_planned_anew() {
    let world = World::default().want("llm", |_| {});
    let waiting = open(world.clone(), ActionStatus::Unknown { id: None }, 9_950);
    assert_snapshot!(plan(&waiting), @"
    blocked
    held llm: Unsettled { until: 2027-01-15T10:47:20Z }
    cost $0.00 -> $0.00, at most $0.00
    ");
    let settled = open(world, ActionStatus::Started, 9_900);
    assert_snapshot!(settles(&settled), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_create_that_did_happen_is_adopted_even_without_creation_times() {
    let world = open(World::default().want("llm", |_| {}), ActionStatus::Started, 9_990);
    let marker = world.marker("llm");
    let world = world.stranger("found", |pod| {
        pod.marker = Some(marker);
        pod.created_at = None;
    });
    assert_snapshot!(settles(&world), @"
    llm:adopt FoundInJournal
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn an_unfinished_replacement_is_finished_not_doubled() {
    let old = token("old");
    let world = World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .recorded("llm", |recorded| recorded.record.token = Some(old));
    let world = open(world, ActionStatus::Accepted { id: None }, 9_990);
    let marker = world.marker("llm");
    let world = world.stranger("successor", |pod| pod.marker = Some(marker));
    assert_snapshot!(settles(&world), @"
    llm:adopt FoundInJournal
    llm:delete-deposed Deposed leaves deposed {}
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $1,011.40 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_settling_time_past_the_end_of_time_is_no_panic() {
    let mut world = open(World::default().want("llm", |_| {}), ActionStatus::Started, 0);
    world.prior.open[0].server_time = Some(Timestamp::MAX - SignedDuration::from_secs(1));
    assert!(matches!(world.plan(), Planned::Blocked { .. }));
}

// Run state.

#[test]
fn run_states_are_reached_and_drift_is_told_from_wishes() {
    let world = World::default()
        .want("stop", stopped)
        .have("stop", |_| {})
        .want("start", |_| {})
        .have("start", stopped)
        .want("ended", |_| {})
        .have("ended", |_| {})
        .outside("ended", |pod| pod.status = PodStatus::Error)
        .want("woken", stopped)
        .have("woken", stopped)
        .outside("woken", |pod| pod.status = PodStatus::Running)
        .want("early", |_| {})
        .have("early", |_| {})
        .outside("early", |pod| pod.status = PodStatus::Starting);
    assert_snapshot!(settles(&world), @"
    ended:start StateDrifted
      state: stopped -> running by Outside
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    start:start StateWanted
      state: stopped -> running by Spec
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    stop:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    woken:stop StateDrifted
      state: running -> stopped by Outside
      ! ContainerDiskLost { size: Gigabytes(20) }
    drift ended: Stopped
    drift woken: Started
    Warning ended: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    Warning start: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    Note early: is STARTING, not yet RUNNING (not-running-yet)
    unchanged early
    cost $1,517.10 -> $1,517.10, at most $1,517.10
    ");
}

#[test]
fn a_stopped_pod_is_updated_before_it_starts_and_after_it_stops() {
    let world = World::default()
        .want("a", image_2)
        .have("a", stopped)
        .want("b", |pod| {
            image_2(pod);
            stopped(pod);
        })
        .have("b", |_| {})
        .want("c", |pod| {
            pod.container.disk = Gigabytes(40);
            stopped(pod);
        })
        .have("c", stopped);
    assert_snapshot!(settles(&world), @"
    a:update Changed InPlace
      image: tool:1 -> tool:2 by Spec
    a:start StateWanted
      state: stopped -> running by Spec
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    b:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    b:update Changed InPlace
      image: tool:1 -> tool:2 by Spec
    c:update Changed InPlace
      disk: 20 GB -> 40 GB by Spec
    Warning a: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_pod_that_came_back_without_gpus_is_stopped_and_started() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {}).outside("llm", |pod| {
        pod.compute = Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA GeForce RTX 4090"), count: 0 });
    });
    assert_snapshot!(settles(&world), @r#"
    llm:stop GpusLost
      state: running -> stopped by Outside
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:start GpusLost
      state: stopped -> running by Outside
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    drift llm: Fields([FieldDrift { field: Gpu, recorded: Word("NVIDIA GeForce RTX 4090 x1"), live: Word("NVIDIA GeForce RTX 4090 x0"), left_alone: false }])
    Warning llm: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_stuck_start_is_replaced_only_where_that_is_allowed() {
    let replaceable = |pod: &mut WantedPod| {
        pod.lifecycle.on_stuck_resume = OnStuckResume::Replace;
        pod.container.storage = local(100);
    };
    let world = World::default()
        .want("may", replaceable)
        .have("may", |pod| {
            replaceable(pod);
            stopped(pod);
        })
        .want("kept", |pod| {
            replaceable(pod);
            protect(pod);
        })
        .have("kept", |pod| {
            replaceable(pod);
            stopped(pod);
            protect(pod);
        });
    assert_snapshot!(settles(&world), @r#"
    kept:start StateWanted
      state: stopped -> running by Spec
      ! LocalVolumeKept { size: Gigabytes(100), path: "/workspace" }
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    may:start StateWanted
      state: stopped -> running by Spec
      ! LocalVolumeLost { size: Gigabytes(100), path: "/workspace" }
      ! NewPodId
      ! PublicPortsChange
      ! StartMayFail { then_replaced: true }
    Warning kept: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    cost $40.00 -> $1,031.40, at most $1,031.40
    "#);
}

// Changes of fields.

#[test]
fn another_image_resets_the_pod() {
    let world = World::default().want("llm", image_2).have("llm", |_| {});
    assert_snapshot!(settles(&world), @"
    llm:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn every_changeable_field_is_sent_at_once() {
    let world = World::default()
        .want("llm", |pod| {
            let container = &mut pod.container;
            container.name = "chat".to_owned();
            container.image = "tool:2".to_owned();
            container.command = vec!["serve".to_owned(), "--model".to_owned(), "a b".to_owned()];
            Arc::make_mut(&mut container.env).insert(key("MODE"), plain("fast"));
            container.ports.insert(Port { number: 8000, protocol: Protocol::Http });
            container.disk = Gigabytes(60);
            container.registry = Some(Registry::Given(RegistryId::new("reg")));
            container.storage = local(200);
            container.global_networking = true;
            container.locked = Some(true);
        })
        .have("llm", |pod| {
            pod.container.storage = local(100);
            Arc::make_mut(&mut pod.container.env).insert(key("OLD"), plain("1"));
        });
    assert_snapshot!(settles(&world), @r#"
    llm:update Changed Reset
      name: acme-llm -> chat by Spec
      image: tool:1 -> tool:2 by Spec
      command: - -> serve --model 'a b' by Spec
      env.MODE: - -> fast by Spec
      env.OLD: 1 -> - by Spec
      ports: 22/tcp -> 22/tcp, 8000/http by Spec
      disk: 20 GB -> 60 GB by Spec
      registry: - -> reg by Spec
      volumes: local 100 GB at /workspace -> local 200 GB at /workspace by Spec
      global_networking: false -> true by Spec
      locked: false -> true by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! LocalVolumeKept { size: Gigabytes(100), path: "/workspace" }
      ! PublicPortsChange
    cost $515.70 -> $529.70, at most $529.70
    "#);
}

#[test]
fn causes_tell_the_spec_from_others_and_both() {
    let theirs = |pod: &mut LivePod| pod.settings.image = Some("theirs:1".to_owned());
    let world = World::default()
        .want("a", image_2)
        .have("a", |_| {})
        .want("b", |_| {})
        .have("b", |_| {})
        .outside("b", theirs)
        .want("c", image_2)
        .have("c", |_| {})
        .outside("c", theirs)
        .want("d", image_2)
        .have("d", |_| {})
        .outside("d", |pod| pod.settings.image = Some("tool:2".to_owned()));
    assert_snapshot!(settles(&world), @r#"
    a:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    b:update Changed Reset
      image: theirs:1 -> tool:1 by Outside
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    c:update Changed Reset
      image: theirs:1 -> tool:2 by Both
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    d:record Changed
      image: tool:1 -> tool:2 by Spec
    drift b: Fields([FieldDrift { field: Image, recorded: Text("tool:1"), live: Text("theirs:1"), left_alone: false }])
    drift c: Fields([FieldDrift { field: Image, recorded: Text("tool:1"), live: Text("theirs:1"), left_alone: false }])
    drift d: Fields([FieldDrift { field: Image, recorded: Text("tool:1"), live: Text("tool:2"), left_alone: false }])
    cost $2,022.80 -> $2,022.80, at most $2,022.80
    "#);
}

#[test]
fn noise_is_no_drift() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {}).outside("llm", |pod| {
        pod.settings.env.insert(key("JUPYTER_PASSWORD"), Secret::new("x".to_owned()));
        pod.endpoints.uptime_seconds = Some(5);
        pod.endpoints.tcp.insert(22, "1.2.3.4:5".to_owned());
        pod.cuda = Some(CudaVersion::new("12.8"));
        pod.settings.name = pod.settings.name.clone();
    });
    assert_snapshot!(plan(&world), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_symmetric_port_reads_back_as_another_number() {
    let symmetric = Port { number: 70_000, protocol: Protocol::Tcp };
    let publish = |pod: &mut WantedPod| {
        pod.container.ports.insert(symmetric);
    };
    let world = World::default().want("llm", publish).have("llm", publish).outside("llm", |pod| {
        let ports = pod.settings.ports.as_mut().unwrap();
        ports.remove(&symmetric);
        ports.insert(Port { number: 10_341, protocol: Protocol::Tcp });
    });
    assert_snapshot!(plan(&world), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn secrets_are_compared_in_memory_and_never_shown() {
    let uses = |pod: &mut WantedPod| {
        Arc::make_mut(&mut pod.container.env).insert(key("TOKEN"), EnvValue::Secret(secret("hf")));
        Arc::make_mut(&mut pod.container.env).insert(key("OTHER"), plain("a"));
    };
    let mut world = World::default();
    world.secrets.insert(secret("hf"), Secret::new("canary".to_owned()));
    let world = world.want("llm", uses).have("llm", uses);
    assert_snapshot!(plan(&world), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    let rotated = world.clone().outside("llm", |pod| {
        pod.settings.env.insert(key("TOKEN"), Secret::new("canary-old".to_owned()));
        pod.settings.env.insert(key("OTHER"), Secret::new("canary-theirs".to_owned()));
    });
    assert_snapshot!(settles(&rotated), @r#"
    llm:update Changed Reset
      env.OTHER: (other value) -> a by Outside
      env.TOKEN: (secret) -> (secret) by NotAttributable
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    drift llm: Fields([FieldDrift { field: Env(EnvKey("OTHER")), recorded: Text("a"), live: OtherValue, left_alone: false }])
    cost $505.70 -> $505.70, at most $505.70
    "#);
    assert!(!format!("{:?}", rotated.plan()).contains("canary"));
    let without = World { secrets: Secrets::default(), ..world };
    assert_snapshot!(plan(&without), @"
    no changes
    Note llm: `TOKEN` is not compared: the value of secret `hf` is not available (secret-not-compared)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn ignored_fields_are_left_alone_and_their_variables_carried() {
    let ignore = |pod: &mut WantedPod| {
        Arc::make_mut(&mut pod.container.env).insert(key("LEVEL"), plain("info"));
        pod.lifecycle.ignore_changes =
            BTreeSet::from(["env.LEVEL", "image"].map(|name| name.parse().unwrap()));
    };
    let world = World::default()
        .want("llm", |pod| {
            ignore(pod);
            pod.container.disk = Gigabytes(40);
            Arc::make_mut(&mut pod.container.env).insert(key("MODE"), plain("fast"));
        })
        .have("llm", ignore)
        .outside("llm", |pod| {
            pod.settings.env.insert(key("LEVEL"), Secret::new("debug".to_owned()));
            pod.settings.image = Some("theirs:1".to_owned());
        });
    assert_snapshot!(settles(&world), @"
    llm:update Changed Reset
      env.MODE: - -> fast by Spec
      disk: 20 GB -> 40 GB by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    cost $505.70 -> $507.70, at most $507.70
    ");
    let planned = world.plan();
    let patch = planned.plan().actions.values().find_map(|action| match &action.operation {
        Operation::UpdatePod { patch, .. } => patch.env.clone(),
        _ => None,
    });
    assert_eq!(patch.unwrap().carry, BTreeSet::from([key("LEVEL"), key("PUBLIC_KEY")]));
}

#[test]
fn services_compare_with_the_record_only() {
    let world = World::default()
        .want("on", |pod| pod.access.jupyter = true)
        .have("on", |_| {})
        .want("off", |pod| pod.access.ssh = false)
        .have("off", |_| {})
        .want("imported", |_| {})
        .have("imported", |_| {})
        .recorded("imported", |recorded| match &mut recorded.record.object {
            RecordedObject::Pod(pod) => Arc::make_mut(pod).access = None,
            RecordedObject::Volume(_) | RecordedObject::Secret(_) | RecordedObject::Registry(_) => {}
        });
    assert_snapshot!(settles(&world), @"
    on:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    on:create Replaced on NVIDIA GeForce RTX 4090 x1 secure
      jupyter: false -> true by Spec
      ! NewPodId
    Note imported: `ssh` and `jupyter` are not compared: they cannot be read back and were not recorded (access-unknown)
    Note off: `ssh` stays on: it can only be taken away by replacing the pod (`--replace`) (access-kept)
    unchanged imported off
    cost $1,517.10 -> $1,517.10, at most $1,517.10
    ");
}

#[test]
fn the_private_network_is_pending_until_the_next_start() {
    let networked = |pod: &mut WantedPod| pod.container.global_networking = true;
    let world = World::default().want("llm", networked).have("llm", |_| {});
    assert_snapshot!(settles(&world), @"
    llm:update Changed NextStart
      global_networking: false -> true by Spec
      ! TakesEffectAtNextStart
    cost $505.70 -> $505.70, at most $505.70
    ");
    let pending = World::default()
        .want("llm", networked)
        .have("llm", networked)
        .outside("llm", |pod| pod.settings.global_networking = Some(false));
    assert_snapshot!(plan(&pending), @"
    no changes
    Note llm: `global_networking` was applied and takes effect at the next start (pending-next-start)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_change_of_half_of_a_command_sends_both_halves() {
    let entrypoint = |pod: &mut WantedPod| pod.container.entrypoint = Vec::from(["/bin/sh".to_owned()]);
    let world = World::default().want("llm", entrypoint).have("llm", |_| {});
    assert_snapshot!(settles(&world), @"
    llm:update Changed Reset
      entrypoint: - -> /bin/sh by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn what_an_api_cannot_do_is_said() {
    let mut world = World::default()
        .want("llm", |pod| {
            pod.container.name = "chat".to_owned();
            pod.container.locked = Some(true);
        })
        .have("llm", |_| {});
    world.api = Api::Graphql;
    assert_snapshot!(plan(&world), @"
    no changes
    Warning llm: `name` is left as it is: GraphQL cannot change it on an existing pod (not-changeable)
    Warning llm: `locked` is left as it is: GraphQL cannot change it on an existing pod (not-changeable)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn images_that_are_not_pinned_are_said() {
    let world = World::default().want("llm", |pod| pod.container.image = "tool".to_owned());
    assert_snapshot!(settles(&world), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    Warning llm: image `tool` is not pinned: the same file can start different programs (unpinned-image)
    cost $0.00 -> $505.70, at most $505.70
    ");
}

// Placement and replacement.

#[test]
fn a_pod_that_landed_on_another_accepted_gpu_is_in_sync() {
    let world = World::default()
        .want("llm", |pod| pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S", "RTX 4090"])))
        .have("llm", |_| {});
    assert_snapshot!(plan(&world), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn another_gpu_replaces_the_pod() {
    let world = World::default()
        .want("llm", |pod| {
            on("L40S")(pod);
            image_2(pod);
        })
        .have("llm", |pod| pod.container.storage = local(100));
    assert_snapshot!(settles(&world), @r#"
    llm:delete Replaced
      ! LocalVolumeLost { size: Gigabytes(100), path: "/workspace" }
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA L40S x1 secure
      image: tool:1 -> tool:2 by Spec
      volumes: local 100 GB at /workspace -> - by Spec
      gpu: NVIDIA GeForce RTX 4090 -> L40S by Spec
      ! NewPodId
    cost $515.70 -> $629.80, at most $629.80
    "#);
}

#[test]
fn create_first_keeps_the_old_pod_until_there_is_a_new_one() {
    let world = World::default()
        .want("llm", |pod| {
            on("A100 PCIe")(pod);
            pod.lifecycle.on_replace = OnReplace::CreateFirst;
        })
        .have("llm", |_| {});
    assert_snapshot!(settles(&world), @"
    llm:create Replaced on NVIDIA A100 80GB PCIe x1 secure
      gpu: NVIDIA GeForce RTX 4090 -> A100 PCIe by Spec
      ! NewPodId
    llm:delete Replaced leaves deposed {}
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $1,199.20, at most $1,199.20
    ");
}

#[test]
fn a_scarce_gpu_is_not_given_up_unsaid() {
    let scarce = World::default().want("llm", on("A100 PCIe")).have("llm", |_| {});
    assert_snapshot!(plan(&scarce), @"
    llm:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! ScarceGpuGivenUp
    llm:create Replaced on NVIDIA A100 80GB PCIe x1 secure
      gpu: NVIDIA GeForce RTX 4090 -> A100 PCIe by Spec
      ! NewPodId
    Warning llm: gives up its GPU before there is a new one, and stock is low for every candidate; `on_replace: create_first` keeps it until then (scarce-gpu-given-up)
    cost $505.70 -> $1,199.20, at most $1,199.20
    ");
    let sold_out = World::default().want("llm", on("H100 SXM")).have("llm", |_| {});
    assert_snapshot!(plan(&sold_out), @r#"
    blocked
      because NoStock { address: Pod { key: Key("llm"), replica: None } }
    llm:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA H100 80GB HBM3 x1 secure
      gpu: NVIDIA GeForce RTX 4090 -> H100 SXM by Spec
      ! NewPodId
    cost $505.70 -> $2,184.70, at most $2,184.70
    "#);
}

#[test]
fn a_stopped_pod_is_not_replaced() {
    let world = World::default()
        .want("llm", |pod| {
            stopped(pod);
            on("L40S")(pod);
        })
        .have("llm", stopped);
    assert_snapshot!(plan(&world), @"
    no changes
    Note llm: `gpu` can only be changed by a replacement, which waits until the pod is wanted running (replaced-when-running)
    unchanged llm
    cost $0.00 -> $0.00, at most $0.00
    ");
}

#[test]
fn place_cloud_count_and_cpu_must_satisfy_the_spec() {
    let world = World::default()
        .want("cloud", |pod| pod.hardware.cloud = CloudWish::Only(Cloud::Community))
        .have("cloud", |_| {})
        .want("count", |pod| {
            let mut wish = gpus(&["RTX 4090"]);
            wish.count = GpuCount::exactly(2);
            pod.hardware.compute = ComputeWish::Gpu(wish);
        })
        .have("count", |_| {})
        .want("cpu", |pod| {
            let flavors = vec![CpuFlavorId::new("cpu5c")];
            pod.hardware.compute = ComputeWish::Cpu(CpuWish { flavors, vcpus: 8 });
        })
        .have("cpu", |_| {})
        .want("place", |pod| pod.hardware.countries = BTreeSet::from([CountryCode::new("US")]))
        .have("place", |_| {});
    assert_snapshot!(settles(&world), @"
    cloud:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    cloud:create Replaced on NVIDIA GeForce RTX 4090 x1 community
      cloud: secure -> community by Spec
      ! NewPodId
    count:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    count:create Replaced on NVIDIA GeForce RTX 4090 x2 secure
      gpu.count: 1 -> 2 by Spec
      ! NewPodId
    cpu:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    cpu:create Replaced on cpu5c 8 vCPU secure
      cpu: NVIDIA GeForce RTX 4090 x1 -> cpu5c 8 vCPU by Spec
      ! NewPodId
    place:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    place:create Replaced on NVIDIA GeForce RTX 4090 x1 secure
      countries: RO -> US by Spec
      ! NewPodId
    cost $2,022.80 -> $2,000.90, at most $2,000.90
    ");
}

#[test]
fn a_gpu_that_nothing_satisfies_blocks_the_plan_with_every_reason() {
    let world = World::default().want("llm", |pod| {
        let mut wish = gpus(&["H100", "B300", "L40S"]);
        wish.count = GpuCount::exactly(2);
        wish.memory.min = Some(Gigabytes(80));
        pod.hardware.compute = ComputeWish::Gpu(wish);
        pod.hardware.cloud = CloudWish::Any;
        pod.hardware.max_price = Some(Hourly(3_900_000));
    });
    assert_snapshot!(plan(&world), @r#"
    blocked
      because NoCandidate { address: Pod { key: Key("llm"), replica: None }, why: ["B300: not in RunPod's catalog", "NVIDIA H100 PCIe in secure: $4.78/h is more than $3.90/h", "NVIDIA H100 PCIe in community: $3.98/h is more than $3.90/h", "NVIDIA H100 80GB HBM3 in secure: $5.98/h is more than $3.90/h", "NVIDIA H100 80GB HBM3 in community: its price is unknown, so it may be more than $3.90/h", "NVIDIA L40S: has 48 GB of memory"] }
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_cpu_pod_with_more_disk_than_its_flavor_allows_is_not_sent() {
    let world = |disk: u32| {
        World::default().want("prep", |pod| {
            let flavors = vec![CpuFlavorId::new("cpu5c")];
            pod.hardware.compute = ComputeWish::Cpu(CpuWish { flavors, vcpus: 2 });
            pod.container.disk = Gigabytes(disk);
        })
    };
    assert!(matches!(world(30).plan(), Planned::Changes(_)));
    assert_snapshot!(plan(&world(31)), @r#"
    blocked
      because NoCandidate { address: Pod { key: Key("prep"), replica: None }, why: ["cpu5c: at most 30 GB of container disk with 2 vCPUs"] }
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn candidates_stand_in_the_wanted_order_with_those_without_stock_last() {
    let ordered = |order: GpuOrder| {
        let world = World::default().want("llm", |pod| {
            let mut wish = gpus(&["H100", "A100 PCIe", "L40S", "RTX 4090"]);
            wish.order = order;
            pod.hardware.compute = ComputeWish::Gpu(wish);
            pod.hardware.cloud = CloudWish::Any;
        });
        let planned = world.plan();
        let action = planned.plan().actions.values().next().unwrap().clone();
        let Operation::CreatePod(creation) = action.operation else { panic!("no create") };
        let lines = creation.attempts.iter().map(|attempt| {
            let candidate = &attempt.candidate;
            assert_ne!(candidate.stock, Stock::NotAsked);
            format!("{} {} {}", candidate.placement.compute, candidate.placement.cloud, candidate.stock)
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(ordered(GpuOrder::Listed), @"
    NVIDIA A100 80GB PCIe x1 secure low
    NVIDIA A100 80GB PCIe x1 community low
    NVIDIA L40S x1 secure medium
    NVIDIA L40S x1 community medium
    NVIDIA GeForce RTX 4090 x1 secure high
    NVIDIA GeForce RTX 4090 x1 community high
    NVIDIA H100 PCIe x1 secure none
    NVIDIA H100 PCIe x1 community none
    NVIDIA H100 80GB HBM3 x1 secure none
    NVIDIA H100 80GB HBM3 x1 community none
    ");
    assert_snapshot!(ordered(GpuOrder::Price), @"
    NVIDIA GeForce RTX 4090 x1 community high
    NVIDIA GeForce RTX 4090 x1 secure high
    NVIDIA L40S x1 community medium
    NVIDIA L40S x1 secure medium
    NVIDIA A100 80GB PCIe x1 community low
    NVIDIA A100 80GB PCIe x1 secure low
    NVIDIA H100 PCIe x1 community none
    NVIDIA H100 PCIe x1 secure none
    NVIDIA H100 80GB HBM3 x1 secure none
    NVIDIA H100 80GB HBM3 x1 community none
    ");
    assert_snapshot!(ordered(GpuOrder::Availability), @"
    NVIDIA GeForce RTX 4090 x1 secure high
    NVIDIA GeForce RTX 4090 x1 community high
    NVIDIA L40S x1 secure medium
    NVIDIA L40S x1 community medium
    NVIDIA A100 80GB PCIe x1 secure low
    NVIDIA A100 80GB PCIe x1 community low
    NVIDIA H100 PCIe x1 secure none
    NVIDIA H100 PCIe x1 community none
    NVIDIA H100 80GB HBM3 x1 secure none
    NVIDIA H100 80GB HBM3 x1 community none
    ");
}

#[test]
fn replace_is_done_on_request_and_refused_for_stopped_pods_and_volumes() {
    let world = World::default()
        .want("a", |_| {})
        .have("a", |_| {})
        .want("b", stopped)
        .have("b", stopped)
        .want_volume("volume.models", 100, false)
        .have_volume("volume.models", 100, false)
        .option(|options| options.replace = ["a", "b", "volume.models", "nobody"].map(address).into());
    assert_snapshot!(settles(&world), @"
    a:delete Requested
      ! ContainerDiskLost { size: Gigabytes(20) }
    a:create Requested on NVIDIA GeForce RTX 4090 x1 secure
      ! NewPodId
    Warning volume.models: `--replace` has no effect: a network volume is never replaced, as that loses all that is on it (replace-without-effect)
    Warning b: `--replace` has no effect: it is wanted stopped (replace-without-effect)
    Warning nobody: `--replace` has no effect: nothing is wanted there in this plan, or it is left out of it (replace-without-effect)
    unchanged volume.models b
    cost $512.70 -> $512.70, at most $512.70
    ");
}

// Protection and locks.

#[test]
fn protection_as_last_applied_blocks_removal_and_replacement() {
    let removed = World::default().have("removed", protect);
    assert_snapshot!(plan(&removed), @r#"
    blocked
      because Protected { address: Pod { key: Key("removed"), replica: None }, step: Delete }
    removed:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $0.00, at most $0.00
    "#);
    let replaced = World::default().want("llm", on("L40S")).have("llm", protect);
    assert_snapshot!(plan(&replaced), @r#"
    blocked
      because Protected { address: Pod { key: Key("llm"), replica: None }, step: Delete }
    llm:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA L40S x1 secure
      gpu: NVIDIA GeForce RTX 4090 -> L40S by Spec
      ! NewPodId
    cost $505.70 -> $629.80, at most $629.80
    "#);
}

#[test]
fn protection_is_lifted_by_an_action_of_its_own_and_allows_a_reset() {
    let lifted = World::default().want("llm", |_| {}).have("llm", protect);
    assert_snapshot!(settles(&lifted), @"
    llm:record LifecycleChanged
      lifecycle: protect: true, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] -> protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] by Spec
    cost $505.70 -> $505.70, at most $505.70
    ");
    let reset = World::default()
        .want("llm", |pod| {
            protect(pod);
            image_2(pod);
        })
        .have("llm", protect);
    assert_snapshot!(settles(&reset), @"
    llm:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_locked_pod_is_neither_stopped_nor_reset_nor_terminated() {
    let world = World::default()
        .want("stop", stopped)
        .have("stop", |_| {})
        .outside("stop", lock)
        .want("reset", image_2)
        .have("reset", |_| {})
        .outside("reset", lock)
        .want("rename", |pod| pod.container.name = "other".to_owned())
        .have("rename", |_| {})
        .outside("rename", lock)
        .have("removed", |_| {})
        .outside("removed", lock);
    assert_snapshot!(plan(&world), @r#"
    blocked
      because Locked { address: Pod { key: Key("removed"), replica: None }, step: Delete }
      because Locked { address: Pod { key: Key("reset"), replica: None }, step: Update }
      because Locked { address: Pod { key: Key("stop"), replica: None }, step: Stop }
    removed:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    rename:update Changed InPlace
      name: acme-rename -> other by Spec
    reset:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    stop:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $2,022.80 -> $1,011.40, at most $1,011.40
    "#);
}

// Volumes.

#[test]
fn a_volume_is_made_before_the_pod_that_mounts_it_and_deleted_after() {
    let made = World::default().want_volume("volume.models", 1_500, false).want("llm", mount_models);
    assert_snapshot!(settles(&made), @"
    volume.models:create New
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    volume.models:create before llm:create
    cost $0.00 -> $600.70, at most $600.70
    ");
    let deleted = World::default().have_volume("volume.models", 1_500, false).have("llm", mount_models);
    assert_snapshot!(settles(&deleted), @r#"
    llm:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    volume.models:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("models")), size: Gigabytes(1500) }
    llm:delete before volume.models:delete
    cost $600.70 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_volume_grows_in_place() {
    let grown =
        World::default().want_volume("volume.models", 200, false).have_volume("volume.models", 100, false);
    assert_snapshot!(settles(&grown), @r#"
    volume.models:update Changed
      size: 100 GB -> 200 GB by Spec
      ! NetworkVolumeKept { volume: Volume(Key("models")) }
    cost $7.00 -> $14.00, at most $14.00
    "#);
}

#[test]
fn a_volume_neither_shrinks_nor_moves() {
    let shrunk =
        World::default().want_volume("volume.models", 50, false).have_volume("volume.models", 100, false);
    assert_snapshot!(plan(&shrunk), @r#"
    blocked
      because VolumeCannotChange { address: Volume(Key("models")), why: "it has 100 GB and cannot shrink to 50 GB; add a volume under another key, copy the data with a pod that mounts it, then remove this one" }
    cost $7.00 -> $7.00, at most $7.00
    "#);
    let mut moved =
        World::default().want_volume("volume.models", 100, false).have_volume("volume.models", 100, false);
    if let Some(Wanted::Volume(WantedVolume::Managed { config, .. })) =
        moved.desired.wanted.get_mut(&address("volume.models"))
    {
        config.data_center = DataCenterId::new("US-TX-3");
    }
    assert_snapshot!(plan(&moved), @r#"
    blocked
      because VolumeCannotChange { address: Volume(Key("models")), why: "it is in EU-RO-1 and cannot move to US-TX-3; add a volume under another key, copy the data with a pod that mounts it, then remove this one" }
    cost $7.00 -> $7.00, at most $7.00
    "#);
}

#[test]
fn a_volume_that_others_grew_is_no_reason_to_stop() {
    let mut world =
        World::default().want_volume("volume.models", 100, false).have_volume("volume.models", 100, false);
    if let Some(Seen::Found(volume)) = world.live.volumes.get_mut(&VolumeId::new("id-volume-models")) {
        volume.size = Gigabytes(300);
    }
    assert_snapshot!(plan(&world), @"
    no changes
    drift volume.models: Fields([FieldDrift { field: Size, recorded: Size(Gigabytes(100)), live: Size(Gigabytes(300)), left_alone: true }])
    Warning volume.models: was grown to 300 GB by others and cannot shrink to 100 GB; write `size: 300GB` (volume-larger)
    unchanged volume.models
    cost $21.00 -> $21.00, at most $21.00
    ");
}

#[test]
fn a_vanished_volume_is_made_again_and_its_pod_replaced() {
    let mut world = World::default()
        .want_volume("volume.models", 100, false)
        .have_volume("volume.models", 100, false)
        .want("llm", mount_models)
        .have("llm", mount_models);
    world.live.volumes.insert(VolumeId::new("id-volume-models"), Seen::Absent);
    assert_snapshot!(settles(&world), @"
    volume.models:create Vanished
      ! VanishedWithData { size: Gigabytes(100) }
    llm:delete VolumeReplaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create VolumeReplaced on NVIDIA GeForce RTX 4090 x1 secure
      volumes: network volume id-volume-models at /models -> volume.models at /models by Spec
      ! NewPodId
    volume.models:create before llm:delete
    volume.models:create before llm:create
    drift volume.models: Vanished
    cost $505.70 -> $512.70, at most $512.70
    ");
}

#[test]
fn a_volume_that_others_mount_is_not_deleted() {
    let world = World::default().have_volume("volume.models", 100, false).stranger("theirs", |pod| {
        let id = VolumeId::new("id-volume-models");
        pod.settings.storage = Storage::Network { volume: id, path: "/x".to_owned() };
    });
    assert_snapshot!(plan(&world), @r#"
    blocked
    held volume.models: NotPossible("pod `theirs` (acme-llm) still mounts it, and RunPod refuses to delete a network volume in use")
    unmanaged theirs $505.70
    cost $7.00 -> $7.00, at most $7.00
    "#);
}

#[test]
fn a_volume_under_a_pod_that_could_not_be_looked_at_is_not_deleted() {
    let malformed = Unreadable::Malformed("`status` is no status".to_owned());
    let world = World::default()
        .have_volume("volume.models", 100, false)
        .have("llm", mount_models)
        .seen("llm", Seen::Unreadable(malformed));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held volume.models: DependsOn(Pod { key: Key("llm"), replica: None })
    held llm: Unreadable("`status` is no status")
    cost $512.70 -> $512.70, at most $512.70
    "#);
}

#[test]
fn a_protected_volume_is_not_deleted() {
    let world = World::default().have_volume("volume.models", 100, true);
    assert_snapshot!(plan(&world), @r#"
    blocked
      because Protected { address: Volume(Key("models")), step: Delete }
    volume.models:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("models")), size: Gigabytes(100) }
    cost $7.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_referenced_volume_is_mounted_and_never_touched() {
    let id = VolumeId::new("agv6w2qcg7");
    let mut missing = World::default();
    let referenced = WantedVolume::Referenced { id: id.clone() };
    missing.desired.wanted.insert(address("volume.data"), Wanted::Volume(referenced));
    let missing = missing.want("llm", |pod| pod.container.storage = network("volume.data"));
    assert_snapshot!(plan(&missing), @r#"
    blocked
    held volume.data: NotPossible("network volume `agv6w2qcg7` is not in the account")
    held llm: DependsOn(Volume(Key("data")))
    cost $0.00 -> $0.00, at most $0.00
    "#);
    let there = missing.stranger_volume(id.as_str(), |volume| {
        volume.data_center = DataCenterId::new("US-TX-3");
    });
    assert_snapshot!(settles(&there), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    cost $0.00 -> $505.70, at most $505.70
    ");
    let destroyed = there.applied().option(|options| options.destroy = true);
    assert_snapshot!(plan(&destroyed), @r#"
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! NetworkVolumeKept { volume: Volume(Key("data")) }
    cost $505.70 -> $0.00, at most $0.00
    "#);
}

// Order, renames, scope, destroy.

#[test]
fn dependencies_come_first_and_go_last() {
    let made = World::default().want("a", |_| {}).want("b", after(&["a"])).want("c", after(&["a", "b"]));
    assert_snapshot!(settles(&made), @"
    a:create New on NVIDIA GeForce RTX 4090 x1 secure
    b:create New on NVIDIA GeForce RTX 4090 x1 secure
    c:create New on NVIDIA GeForce RTX 4090 x1 secure
    a:create before b:create
    a:create before c:create
    b:create before c:create
    cost $0.00 -> $1,517.10, at most $1,517.10
    ");
    let removed = World::default().have("a", |_| {}).have("b", after(&["a"])).have("c", after(&["a", "b"]));
    assert_snapshot!(settles(&removed), @"
    c:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    b:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    a:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    b:delete before a:delete
    c:delete before a:delete
    c:delete before b:delete
    cost $1,517.10 -> $0.00, at most $0.00
    ");
}

#[test]
fn a_key_that_looks_renamed_is_said_where_it_is_the_only_one() {
    let said = |world: &World| {
        let planned = world.plan();
        let found = planned.plan().findings.iter().filter(|finding| finding.code == "looks-renamed");
        found.map(|finding| finding.message.clone()).collect::<Vec<_>>()
    };
    let two = |pod: &mut WantedPod| pod.container.image = "tool:2".to_owned();
    let replicas = World::default()
        .want("chat[0]", |_| {})
        .want("chat[1]", |_| {})
        .have("llm[0]", |_| {})
        .have("llm[1]", |_| {});
    assert_eq!(
        said(&replicas),
        ["`llm` goes and `chat`, which is like it, comes: if only the name is new, \
          `moved: [{ from: llm, to: chat }]` keeps it and its data"]
    );
    // Either could be the new name, or the old one.
    assert!(said(&World::default().want("a", |_| {}).want("b", |_| {}).have("llm", |_| {})).is_empty());
    assert!(said(&World::default().want("a", |_| {}).have("llm", |_| {}).have("old", |_| {})).is_empty());
    assert!(said(&World::default().want("chat", two).have("llm", |_| {})).is_empty());
    assert!(said(&World::default().want("llm", |_| {}).have("llm", |_| {}).want("chat", |_| {})).is_empty());
}

#[test]
fn renames_keep_the_object() {
    let mut world = World::default()
        .want("new", |pod| pod.container.name = "acme-old".to_owned())
        .have("old", |_| {})
        .want("solo", |pod| pod.container.name = "acme-solo[0]".to_owned())
        .have("solo[0]", |_| {});
    world.desired.moved.push(Move { from: address("old"), to: address("new") });
    assert_snapshot!(settles(&world), @"
    new:move Renamed from old
    solo:move Renamed from solo[0]
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn renames_wait_for_the_address_that_another_one_leaves() {
    let mut world = World::default()
        .want("b", |pod| pod.container.name = "acme-a".to_owned())
        .want("c", |pod| pod.container.name = "acme-b".to_owned())
        .have("a", |_| {})
        .have("b", |_| {});
    world.desired.moved.push(Move { from: address("a"), to: address("b") });
    world.desired.moved.push(Move { from: address("b"), to: address("c") });
    assert_snapshot!(settles(&world), @"
    c:move Renamed from b
    b:move Renamed from a
    c:move before b:move
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn a_renamed_volume_does_not_disturb_the_pod_that_mounts_it() {
    let mut world = World::default()
        .have_volume("volume.old", 100, false)
        .have("llm", |pod| pod.container.storage = network("volume.old"))
        .want_volume("volume.new", 100, false)
        .want("llm", |pod| pod.container.storage = network("volume.new"));
    world.desired.moved.push(Move { from: address("volume.old"), to: address("volume.new") });
    assert_snapshot!(settles(&world), @"
    volume.new:move Renamed from volume.old
    llm:record Changed
      volumes: volume.old at /models -> volume.new at /models by Spec
    cost $512.70 -> $512.70, at most $512.70
    ");
}

#[test]
fn shrinking_replicas_removes_the_highest() {
    let world = World::default().want("llm[0]", |_| {}).have("llm[0]", |_| {}).have("llm[1]", |_| {});
    assert_snapshot!(settles(&world), @"
    llm[1]:delete Shrunk
      ! ContainerDiskLost { size: Gigabytes(20) }
    unchanged llm[0]
    cost $1,011.40 -> $505.70, at most $505.70
    ");
}

#[test]
fn what_is_deselected_is_neither_compared_nor_removed() {
    let mut world = World::default()
        .want("a", image_2)
        .have("a", |_| {})
        .want("b", image_2)
        .have("b", |_| {})
        .have("gone", |_| {})
        .have("dev[3]", |_| {})
        .option(|options| options.excludes = vec!["b".parse().unwrap(), "g*".parse().unwrap()]);
    world.deselect("dev[0]");
    assert_snapshot!(plan(&world), @"
    a:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    out of scope: 4
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_target_brings_what_it_depends_on() {
    let world = World::default()
        .want_volume("volume.models", 100, false)
        .want("llm", mount_models)
        .want("other", |_| {})
        .option(|options| options.targets = vec!["llm".parse().unwrap()]);
    assert_snapshot!(plan(&world), @"
    volume.models:create New
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    volume.models:create before llm:create
    Note volume.models: goes along: `llm` depends on it, and it does not exist (goes-along)
    out of scope: 1
    cost $0.00 -> $512.70, at most $512.70
    ");
    let without = world.option(|options| options.excludes = vec!["volume.*".parse().unwrap()]);
    assert_snapshot!(plan(&without), @r#"
    blocked
    held llm: NotPossible("it depends on `volume.models`, which does not exist and is left out of this plan")
    out of scope: 2
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn destroy_ends_everything_managed_whatever_on_remove_says() {
    let forgettable = |pod: &mut WantedPod| {
        mount_models(pod);
        pod.lifecycle.on_remove = OnRemove::Forget;
    };
    let world = World::default()
        .want_volume("volume.models", 100, false)
        .have_volume("volume.models", 100, false)
        .want("llm", forgettable)
        .have("llm", forgettable)
        .want("later", |_| {})
        .option(|options| options.destroy = true);
    assert_snapshot!(plan(&world), @r#"
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    volume.models:delete Destroyed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("models")), size: Gigabytes(100) }
    llm:delete before volume.models:delete
    cost $512.70 -> $0.00, at most $0.00
    "#);
    let destroyed = world.applied().option(|options| options.destroy = true);
    assert_snapshot!(plan(&destroyed), @"
    no changes
    cost $0.00 -> $0.00, at most $0.00
    ");
    let protected =
        World::default().have("llm", protect).have("other", |_| {}).option(|options| options.destroy = true);
    assert_snapshot!(plan(&protected), @r#"
    blocked
      because Protected { address: Pod { key: Key("llm"), replica: None }, step: Delete }
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    other:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $1,011.40 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_deposed_pod_is_terminated_by_a_later_plan() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {}).stranger("old", |_| {}).recorded(
        "llm",
        |recorded| {
            recorded.record.deposed.insert(PodId::new("old"));
        },
    );
    assert_snapshot!(settles(&world), @"
    llm:delete-deposed Deposed leaves deposed {}
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $1,011.40 -> $505.70, at most $505.70
    ");
    let mut gone = world.clone();
    gone.live.pods.insert(PodId::new("old"), Seen::Absent);
    assert_snapshot!(settles(&gone), @"
    llm:record Deposed leaves deposed {}
    cost $505.70 -> $505.70, at most $505.70
    ");
    let mut unseen = world;
    unseen.live.pods.remove(&PodId::new("old"));
    assert_snapshot!(plan(&unseen), @r#"
    blocked
    held llm: Unreadable("replaced pod `old` was not looked at")
    cost $505.70+? -> $505.70+?, at most $505.70+?
    "#);
}

/// It would be nobody's, and ended, while what follows it does not run.
#[test]
fn what_does_not_run_yet_is_not_given_up_beside_a_former_pod() {
    let forgets = |pod: &mut WantedPod| pod.lifecycle.on_remove = OnRemove::Forget;
    let world = World::default().have("llm", forgets).stranger("old", |_| {});
    let world = world.recorded("llm", |recorded| recorded.record.deposed = [PodId::new("old")].into());
    assert_snapshot!(plan(&world.clone().outside("llm", |pod| pod.status = PodStatus::Starting)), @r#"
    blocked
    held llm: NotPossible("what it took the place of may be the one that serves, and this one does not run yet")
    Warning llm: took the place of `old`, which is still there and billed, and this plan leaves it so (deposed-left)
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
    assert_snapshot!(plan(&world), @"
    llm:delete-deposed Deposed leaves deposed {}
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:forget Removed (tombstone)
      ! GoesOnUnmanaged
    Warning llm: goes on running and being billed, unmanaged (forgotten)
    cost $1,011.40 -> $0.00, at most $0.00
    ");
}

#[test]
fn lifecycle_and_order_are_recorded_without_a_call() {
    let world = World::default()
        .want("a", |_| {})
        .have("a", |_| {})
        .want("llm", |pod| {
            protect(pod);
            after(&["a"])(pod);
        })
        .have("llm", |_| {});
    assert_snapshot!(settles(&world), @"
    llm:record LifecycleChanged
      lifecycle: protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] -> protect: true, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] by Spec
      depends_on: - -> a by Spec
    unchanged a
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

// The digest.

#[test]
fn the_digest_knows_the_wished_order_but_not_the_one_that_stock_made_of_it() {
    let hash = |names: &[&str]| {
        let wish = gpus(names);
        let world = World::default().want("llm", |pod| pod.hardware.compute = ComputeWish::Gpu(wish));
        world.plan().plan().digest.hash.clone()
    };
    assert_ne!(hash(&["L40S", "RTX 4090"]), hash(&["RTX 4090", "L40S"]));
    let with_stock = |best: Stock| {
        let mut world = World::default().want("llm", |pod| {
            pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S", "RTX 4090"]));
        });
        for question in podform::plan::stock_questions(&world.desired) {
            let gpus = world.catalog.gpus.keys().cloned();
            let answer = |id: GpuTypeId| {
                let best = if id.as_str() == "NVIDIA L40S" { best } else { Stock::High };
                (id, StockAnswer { best, data_centers: Arc::default() })
            };
            world.catalog.gpu_stock.insert(question, gpus.map(answer).collect());
        }
        world.plan()
    };
    let (plenty, none) = (with_stock(Stock::High), with_stock(Stock::None));
    assert_ne!(print(&plenty), print(&none));
    assert_eq!(plenty.plan().digest.hash, none.plan().digest.hash);
}

#[test]
fn a_secret_that_is_not_available_is_approved_as_if_it_were_the_same() {
    let uses = |pod: &mut WantedPod| {
        image_2(pod);
        Arc::make_mut(&mut pod.container.env).insert(key("TOKEN"), EnvValue::Secret(secret("hf")));
    };
    let mut world = World::default();
    world.secrets.insert(secret("hf"), Secret::new("canary".to_owned()));
    let world = world.want("llm", uses).have("llm", |pod| {
        uses(pod);
        pod.container.image = "tool:1".to_owned();
    });
    let without = World { secrets: Secrets::default(), ..world.clone() };
    let rotated = world.clone().outside("llm", |pod| {
        pod.settings.env.insert(key("TOKEN"), Secret::new("canary-old".to_owned()));
    });
    let hash = |world: &World| world.plan().plan().digest.hash.clone();
    assert_eq!(hash(&world), hash(&without));
    assert_ne!(hash(&world), hash(&rotated));
}

#[test]
fn the_digest_of_a_spec_is_of_what_it_wants() {
    let digest =
        |edit: fn(&mut WantedPod)| podform::plan::spec_digest(&World::default().want("llm", edit).desired);
    assert_eq!(digest(|_| {}), digest(|_| {}));
    let changed = [
        digest(|_| {}),
        digest(image_2),
        digest(stopped),
        digest(protect),
        digest(|pod| pod.hardware.max_price = Some(Hourly(1))),
        digest(|pod| {
            pod.labels.insert("team".to_owned(), "a".to_owned());
        }),
    ];
    assert_eq!(changed.iter().collect::<BTreeSet<_>>().len(), changed.len());
}
