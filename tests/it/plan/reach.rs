//! What a target takes along, what is left standing, and under which name an object is known.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use podform::model::desired::{ComputeWish, Move, OnRemove, OnStuckResume, WantedPod};
use podform::model::id::{PodId, VolumeId};
use podform::model::job::{Then, Until};
use podform::model::live::{PodStatus, Seen, Unreadable};
use podform::model::plan::{Operation, Planned};
use podform::model::pod::{RunState, Storage};
use podform::model::size::Gigabytes;
use podform::plan::Options;

use super::cases::{after, image_2};
use super::jobs;
use super::world::{World, address, gpus, print};

fn targets(names: &[&str]) -> impl FnOnce(&mut Options) {
    let names: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
    move |options| options.targets = names
}

fn excludes(names: &[&str]) -> impl FnOnce(&mut Options) {
    let names: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
    move |options| options.excludes = names
}

fn destroy(options: &mut Options) {
    options.destroy = true;
}

fn mounting(pod: &mut WantedPod) {
    pod.container.storage = Storage::Network { volume: address("volume.data"), path: "/data".to_owned() };
    pod.depends_on.insert(address("volume.data"));
}

/// `train` waits for `prep`, which mounts `volume.data`; `other` stands alone. All are there.
fn chain() -> World {
    World::default()
        .want_volume("volume.data", 100, false)
        .have_volume("volume.data", 100, false)
        .want("prep", mounting)
        .have("prep", mounting)
        .want("train", after(&["prep"]))
        .have("train", after(&["prep"]))
        .want("other", |_| {})
        .have("other", |_| {})
}

/// Prints the plan, and checks that once it is applied the same question finds nothing more to do.
fn shown(world: &World) -> String {
    let planned = world.plan();
    if let Planned::Changes(_) = &planned {
        let mut again = world.applied();
        again.options = world.options.clone();
        let again = again.plan();
        assert!(again.plan().actions.is_empty(), "after\n{}is\n{}", print(&planned), print(&again));
    }
    print(&planned)
}

#[test]
fn a_destroyed_target_takes_along_what_depends_on_it_and_nothing_that_it_depends_on() {
    let of = |name| shown(&chain().option(destroy).option(targets(&[name])));
    assert_snapshot!(of("train"), @"
    train:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    Note : `volume.data`, `other`, `prep` stay; `podform destroy` without `--profile`, `--target` and `--exclude` ends all that is managed (stays)
    out of scope: 3
    cost $505.70 -> $0.00, at most $0.00
    ");
    assert_snapshot!(of("prep"), @r#"
    train:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    prep:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! NetworkVolumeKept { volume: Volume(Key("data")) }
    train:delete before prep:delete
    Warning train: goes along: it depends on `prep`, which goes (goes-along)
    Note : `volume.data`, `other` stay; `podform destroy` without `--profile`, `--target` and `--exclude` ends all that is managed (stays)
    out of scope: 2
    cost $1,011.40 -> $0.00, at most $0.00
    "#);
    assert_snapshot!(of("volume.data"), @r#"
    train:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    prep:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    volume.data:delete Destroyed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("data")), size: Gigabytes(100) }
    prep:delete before volume.data:delete
    train:delete before prep:delete
    Warning prep: goes along: it depends on `volume.data`, which goes (goes-along)
    Warning train: goes along: it depends on `prep`, which goes (goes-along)
    Note : `other` stays; `podform destroy` without `--profile`, `--target` and `--exclude` ends all that is managed (stays)
    out of scope: 1
    cost $1,018.40 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_key_that_left_the_spec_goes_like_a_destroyed_one() {
    let mut world = chain();
    for name in ["prep", "train"] {
        world.desired.wanted.remove(&address(name));
    }
    assert_snapshot!(shown(&world.clone().option(targets(&["train"]))), @"
    train:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    out of scope: 3
    cost $505.70 -> $0.00, at most $0.00
    ");
    assert_snapshot!(shown(&world.option(targets(&["prep"]))), @r#"
    train:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    prep:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! NetworkVolumeKept { volume: Volume(Key("data")) }
    train:delete before prep:delete
    Warning train: goes along: it depends on `prep`, which goes (goes-along)
    out of scope: 2
    cost $1,011.40 -> $0.00, at most $0.00
    "#);
    // What the spec still wants does not depend on what left it any more.
    let mut freed = chain().want("train", |_| {});
    freed.desired.wanted.remove(&address("prep"));
    assert_snapshot!(shown(&freed.option(targets(&["prep"]))), @r#"
    prep:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! NetworkVolumeKept { volume: Volume(Key("data")) }
    out of scope: 3
    cost $505.70 -> $0.00, at most $0.00
    "#);
}

/// RunPod deletes no network volume under a pod, so what the spec still wants lets go of it in the same plan.
#[test]
fn a_volume_that_left_the_spec_takes_along_the_pods_that_still_mount_it() {
    let mut world =
        chain().want("prep", |_| {}).want("train", |pod| pod.run = RunState::Stopped).have("train", |pod| {
            mounting(pod);
            pod.run = RunState::Stopped;
        });
    world.desired.wanted.remove(&address("volume.data"));
    let target = || targets(&["volume.data"]);
    assert_snapshot!(shown(&world.clone().option(target())), @r#"
    prep:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    prep:create Replaced on NVIDIA GeForce RTX 4090 x1 secure
      volumes: network volume id-volume-data at /data -> - by Spec
      ! NewPodId
    train:delete VolumeRemoved
    volume.data:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("data")), size: Gigabytes(100) }
    prep:delete before volume.data:delete
    train:delete before volume.data:delete
    Warning prep: goes along: it still mounts `volume.data`, which goes (goes-along)
    Warning train: goes along: it still mounts `volume.data`, which goes (goes-along)
    Warning train: is stopped and still mounts `volume.data`, which is deleted: RunPod refuses that while a pod mounts it, so the pod is terminated; it is created again when it is next wanted running (terminated-with-volume)
    out of scope: 1
    cost $512.70 -> $505.70, at most $505.70
    "#);
    let left_out = |options: &mut Options| {
        target()(options);
        excludes(&["prep", "train"])(options);
    };
    assert_snapshot!(shown(&world.clone().option(left_out)), @r#"
    blocked
    held volume.data: NotPossible("pods `id-prep` (acme-prep), `id-train` (acme-train) still mount it, and RunPod refuses to delete a network volume in use")
    out of scope: 3
    cost $7.00 -> $7.00, at most $7.00
    "#);
    // What others run on it stays, and so does all of ours that would have made way.
    let theirs = world.stranger("theirs", |pod| {
        let id = VolumeId::new("id-volume-data");
        pod.settings.storage = Storage::Network { volume: id, path: "/x".to_owned() };
    });
    assert_snapshot!(shown(&theirs.option(target())), @r#"
    blocked
    held volume.data: NotPossible("pod `theirs` (acme-llm) still mounts it, and RunPod refuses to delete a network volume in use")
    unmanaged theirs $505.70
    out of scope: 3
    cost $7.00 -> $7.00, at most $7.00
    "#);
}

#[test]
fn a_running_dependency_is_taken_as_it_is() {
    let world = chain().want("prep", |pod| {
        mounting(pod);
        image_2(pod);
    });
    let changed = world.want("train", |pod| {
        after(&["prep"])(pod);
        image_2(pod);
    });
    assert_snapshot!(shown(&changed.option(targets(&["train"]))), @"
    train:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    out of scope: 3
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_stopped_or_missing_dependency_is_brought_up_for_a_target_that_changes() {
    let changed = || {
        chain().want("train", |pod| {
            after(&["prep"])(pod);
            image_2(pod);
        })
    };
    let stopped = changed().outside("prep", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(shown(&stopped.option(targets(&["train"]))), @r#"
    prep:start StateDrifted
      state: stopped -> running by Outside
      ! NetworkVolumeKept { volume: Volume(Key("data")) }
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    train:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    prep:start before train:update
    drift prep: Stopped
    Warning prep: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    Note prep: goes along: `train` depends on it, and it does not run (goes-along)
    out of scope: 2
    cost $505.70 -> $1,011.40, at most $1,011.40
    "#);
    let gone = changed().seen("prep", Seen::Absent);
    assert_snapshot!(shown(&gone.option(targets(&["train"]))), @r#"
    prep:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! NetworkVolumeKept { volume: Volume(Key("data")) }
      ! NewPodId
    train:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    prep:create before train:update
    drift prep: Vanished
    Note prep: goes along: `train` depends on it, and it does not exist (goes-along)
    out of scope: 2
    cost $505.70 -> $1,011.40, at most $1,011.40
    "#);
    // A target that is as wanted needs nothing.
    let unchanged = chain().outside("prep", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(shown(&unchanged.option(targets(&["train"]))), @"
    no changes
    unchanged train
    out of scope: 3
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_dependency_that_would_be_terminated_to_bring_it_up_is_held_with_its_target() {
    let changed = chain().want("train", |pod| {
        after(&["prep"])(pod);
        image_2(pod);
    });
    let other_gpu = changed
        .clone()
        .want("prep", |pod| pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S"])))
        .outside("prep", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(shown(&other_gpu.option(targets(&["train"]))), @r#"
    blocked
    held prep: NotPossible("it can only be brought up by terminating a pod of it, which `--target prep` allows")
    held train: DependsOn(Pod { key: Key("prep"), replica: None })
    drift prep: Stopped
    Note prep: goes along: `train` depends on it, and it does not run (goes-along)
    out of scope: 2
    cost $505.70 -> $505.70, at most $505.70
    "#);
    // The start of one that could be replaced on a full host does not replace it.
    let stuck = changed
        .want("prep", |pod| {
            mounting(pod);
            pod.lifecycle.on_stuck_resume = OnStuckResume::Replace;
        })
        .outside("prep", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(shown(&stuck.option(targets(&["train"]))), @r#"
    prep:record LifecycleChanged
      lifecycle: protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] -> protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: replace, ignore_changes: [] by Spec
    prep:start StateDrifted
      state: stopped -> running by Outside
      ! NetworkVolumeKept { volume: Volume(Key("data")) }
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    train:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    prep:start before train:update
    drift prep: Stopped
    Warning prep: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    Note prep: goes along: `train` depends on it, and it does not run (goes-along)
    out of scope: 2
    cost $505.70 -> $1,011.40, at most $1,011.40
    "#);
}

#[test]
fn a_dependency_that_could_not_be_looked_at_holds_the_target() {
    let unreadable = chain()
        .seen("prep", Seen::Unreadable(Unreadable::Failed("timeout".to_owned())))
        .want("train", after(&["prep"]))
        .seen("train", Seen::Absent);
    assert_snapshot!(shown(&unreadable.option(targets(&["train"]))), @r#"
    blocked
    held prep: Unreadable("timeout")
    held train: DependsOn(Pod { key: Key("prep"), replica: None })
    drift train: Vanished
    Note prep: goes along: `train` depends on it, and it could not be looked at (goes-along)
    out of scope: 2
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_volume_that_is_made_again_takes_along_what_mounts_it() {
    let mut world = chain();
    for seen in world.live.volumes.values_mut() {
        *seen = Seen::Absent;
    }
    assert_snapshot!(shown(&world.option(targets(&["volume.data"]))), @"
    volume.data:create Vanished
      ! VanishedWithData { size: Gigabytes(100) }
    prep:delete VolumeReplaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    prep:create VolumeReplaced on NVIDIA GeForce RTX 4090 x1 secure
      volumes: network volume id-volume-data at /data -> volume.data at /data by Spec
      ! NewPodId
    volume.data:create before prep:delete
    volume.data:create before prep:create
    drift volume.data: Vanished
    Warning prep: goes along: it mounts `volume.data`, which gets another id (goes-along)
    out of scope: 2
    cost $505.70 -> $512.70, at most $512.70
    ");
}

#[test]
fn what_is_left_out_of_a_destroy_keeps_what_it_depends_on() {
    assert_snapshot!(shown(&chain().option(destroy).option(excludes(&["train"]))), @"
    other:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    Note : `volume.data`, `prep`, `train` stay; `podform destroy` without `--profile`, `--target` and `--exclude` ends all that is managed (stays)
    Note volume.data: stays: `prep` depends on it and is left out of this plan (stays)
    Note prep: stays: `train` depends on it and is left out of this plan (stays)
    out of scope: 3
    cost $505.70 -> $0.00, at most $0.00
    ");
    // Somebody asks for both: to destroy it, and to keep what needs it.
    let both = chain().option(destroy).option(targets(&["prep"])).option(excludes(&["train"]));
    assert_snapshot!(shown(&both), @r#"
    blocked
    held prep: NotPossible("`train` depends on it and is left out of this plan")
    Note : `volume.data`, `other`, `train` stay; `podform destroy` without `--profile`, `--target` and `--exclude` ends all that is managed (stays)
    out of scope: 3
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_destroy_without_a_profile_covers_every_profile() {
    let mut world = World::default().want("a", |_| {}).have("a", |_| {}).have("dev", |_| {}).option(destroy);
    world.deselect("dev");
    assert_snapshot!(shown(&world), @"
    a:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    Note : `dev` stays; `podform destroy` without `--profile`, `--target` and `--exclude` ends all that is managed (stays)
    out of scope: 1
    cost $505.70 -> $0.00, at most $0.00
    ");
    world.options.whatever_profile = true;
    assert_snapshot!(shown(&world), @"
    a:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    dev:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $1,011.40 -> $0.00, at most $0.00
    ");
}

#[test]
fn what_is_left_out_and_does_not_exist_holds_what_needs_it() {
    let mut missing = World::default().want("a", after(&["dev"]));
    missing.deselect("dev");
    assert_snapshot!(shown(&missing), @r#"
    blocked
    held a: NotPossible("it depends on `dev`, which does not exist and is left out of this plan")
    out of scope: 1
    cost $0.00 -> $0.00, at most $0.00
    "#);
    // One that exists is fine, and so is one that is nobody's to wait for.
    let exists = missing.clone().have("dev", |_| {});
    assert_snapshot!(shown(&exists), @"
    a:create New on NVIDIA GeForce RTX 4090 x1 secure
    out of scope: 1
    cost $0.00 -> $505.70, at most $505.70
    ");
    for deselected in missing.desired.out_of_scope.values_mut() {
        deselected.run = RunState::Stopped;
    }
    assert_snapshot!(shown(&missing), @"
    a:create New on NVIDIA GeForce RTX 4090 x1 secure
    out of scope: 1
    cost $0.00 -> $505.70, at most $505.70
    ");
    let excluded = World::default().want("a", after(&["b"])).want("b", |_| {}).option(excludes(&["b"]));
    assert_snapshot!(shown(&excluded), @r#"
    blocked
    held a: NotPossible("it depends on `b`, which does not exist and is left out of this plan")
    out of scope: 1
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_renamed_object_answers_to_both_names() {
    let renamed = |from: &str, to: &str, edit: fn(&mut WantedPod)| {
        let mut world = World::default().have(from, |_| {}).want(to, edit).want("other", |_| {});
        world.desired.moved.push(Move { from: address(from), to: address(to) });
        world
    };
    let keep_name = |pod: &mut WantedPod| pod.container.name = "acme-old".to_owned();
    assert_snapshot!(shown(&renamed("old", "new", keep_name).option(targets(&["new"]))), @"
    new:move Renamed from old
    out of scope: 1
    cost $505.70 -> $505.70, at most $505.70
    ");
    assert_snapshot!(shown(&renamed("old", "new", keep_name).option(targets(&["old"]))), @"
    new:move Renamed from old
    out of scope: 1
    cost $505.70 -> $505.70, at most $505.70
    ");
    assert_snapshot!(shown(&renamed("old", "new", keep_name).option(excludes(&["old"]))), @"
    other:create New on NVIDIA GeForce RTX 4090 x1 secure
    out of scope: 1
    cost $0.00 -> $505.70, at most $505.70
    ");
    assert_snapshot!(shown(&renamed("old", "new", keep_name).option(excludes(&["new"]))), @"
    other:create New on NVIDIA GeForce RTX 4090 x1 secure
    out of scope: 1
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_pod_that_is_renamed_to_a_deselected_one_is_not_removed() {
    let mut world = World::default().have("old", |_| {}).want("a", |_| {});
    world.desired.moved.push(Move { from: address("old"), to: address("dev") });
    world.deselect("dev");
    assert_snapshot!(shown(&world), @"
    a:create New on NVIDIA GeForce RTX 4090 x1 secure
    out of scope: 1
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_record_makes_way_for_the_one_that_gets_its_address() {
    let mut world = World::default()
        .have("a", |_| {})
        .have("b", |_| {})
        .want("b", |pod| pod.container.name = "acme-a".to_owned())
        .want("c", image_2);
    world.desired.moved.push(Move { from: address("b"), to: address("c") });
    world.desired.moved.push(Move { from: address("a"), to: address("b") });
    assert_snapshot!(print(&world.clone().option(targets(&["a"])).plan()), @"
    c:move Renamed from b
    b:move Renamed from a
    c:move before b:move
    Note c: goes along: its record leaves `b`; nothing else is done to it (goes-along)
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    assert_snapshot!(print(&world.option(targets(&["a"])).option(excludes(&["c"])).plan()), @r#"
    blocked
    held b: NotPossible("what is recorded here becomes `c`, which is left out of this plan")
    out of scope: 1
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_target_that_only_names_what_is_left_out_is_remarked_on() {
    let mut world = World::default().want("a", image_2).have("a", |_| {});
    world.deselect("dev");
    let world = world.option(targets(&["dev"]));
    assert_snapshot!(shown(&world), @"
    no changes
    Warning : `--target dev` brings nothing into this plan: no chosen profile selects what it names; `--profile dev` does (target-out-of-scope)
    out of scope: 2
    cost $0.00 -> $0.00, at most $0.00
    ");
}

#[test]
fn what_is_kept_or_forgotten_takes_nothing_along() {
    let forgotten = |pod: &mut WantedPod| pod.lifecycle.on_remove = OnRemove::Forget;
    let world =
        World::default().have("prep", forgotten).have("train", after(&["prep"])).option(targets(&["prep"]));
    assert_snapshot!(print(&world.plan()), @"
    prep:forget Removed (tombstone)
      ! GoesOnUnmanaged
    Warning prep: goes on running and being billed, unmanaged (forgotten)
    out of scope: 1
    cost $505.70 -> $0.00, at most $0.00
    ");
}

/// `r` has lost `gone`, and its number is lowered to two.
fn lowered(count: usize, gone: &str, edit: fn(&mut WantedPod)) -> World {
    let mut world = World::default();
    for name in ["r[0]", "r[1]"] {
        world = world.want(name, edit);
    }
    for name in ["r[0]", "r[1]", "r[2]", "r[3]"].into_iter().take(count) {
        world = world.have(name, edit);
    }
    world.seen(gone, Seen::Absent)
}

#[test]
fn a_gap_below_a_lowered_number_is_closed_before_a_healthy_replica_goes() {
    assert_snapshot!(shown(&lowered(3, "r[1]", |_| {})), @"
    r[1]:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    r[1]:move Renamed from r[2]
    r[1]:update Changed InPlace
      name: acme-r[2] -> acme-r[1] by Spec
    drift r[1]: Vanished
    Note r[1]: is not there, and `r[2]`, which is like it and no longer counted, takes its place: its pod stays, and gets the name (gap-closed)
    unchanged r[0]
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    assert_snapshot!(shown(&lowered(4, "r[0]", |_| {})), @"
    r[0]:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    r[0]:move Renamed from r[3]
    r[0]:update Changed InPlace
      name: acme-r[3] -> acme-r[0] by Spec
    r[2]:delete Shrunk
      ! ContainerDiskLost { size: Gigabytes(20) }
    drift r[0]: Vanished
    Note r[0]: is not there, and `r[3]`, which is like it and no longer counted, takes its place: its pod stays, and gets the name (gap-closed)
    unchanged r[1]
    cost $1,517.10 -> $1,011.40, at most $1,011.40
    ");
    // One that could not be removed anyway, or that runs, goes before a higher one.
    let protected =
        lowered(4, "r[1]", |_| {}).recorded("r[2]", |recorded| recorded.record.lifecycle.protect = true);
    assert_snapshot!(shown(&protected), @"
    r[1]:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    r[1]:move Renamed from r[2]
    r[1]:record LifecycleChanged
      lifecycle: protect: true, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] -> protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] by Spec
    r[1]:update Changed InPlace
      name: acme-r[2] -> acme-r[1] by Spec
    r[3]:delete Shrunk
      ! ContainerDiskLost { size: Gigabytes(20) }
    drift r[1]: Vanished
    Note r[1]: is not there, and `r[2]`, which is like it and no longer counted, takes its place: its pod stays, and gets the name (gap-closed)
    unchanged r[0]
    cost $1,517.10 -> $1,011.40, at most $1,011.40
    ");
    let stopped = lowered(4, "r[1]", |_| {}).outside("r[3]", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(shown(&stopped), @"
    r[1]:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    r[1]:move Renamed from r[2]
    r[1]:update Changed InPlace
      name: acme-r[2] -> acme-r[1] by Spec
    r[3]:delete Shrunk
    drift r[1]: Vanished
    drift r[3]: Stopped
    Note r[1]: is not there, and `r[2]`, which is like it and no longer counted, takes its place: its pod stays, and gets the name (gap-closed)
    unchanged r[0]
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    let single = World::default().want("r", |_| {}).have("r[0]", |_| {}).have("r[1]", |_| {});
    assert_snapshot!(shown(&single.seen("r[0]", Seen::Absent)), @"
    r:move Renamed from r[1]
    r:update Changed InPlace
      name: acme-r[1] -> acme-r by Spec
    r[0]:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    drift r[0]: Vanished
    Note r: is not there, and `r[1]`, which is like it and no longer counted, takes its place: its pod stays, and gets the name (gap-closed)
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn replicas_that_are_not_alike_are_not_exchanged() {
    let numbered = |pod: &mut WantedPod| pod.numbered = true;
    assert_snapshot!(shown(&lowered(3, "r[1]", numbered)), @"
    r[1]:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(20) }
      ! NewPodId
    r[2]:delete Shrunk
      ! ContainerDiskLost { size: Gigabytes(20) }
    drift r[1]: Vanished
    Warning r[1]: is made again while `r[2]` goes, as replicas with `${REPLICA}`, a local volume or other hardware are not exchanged; `podform state rm r[1]` and `podform state mv r[2] r[1]` keep that pod (replicas-not-alike)
    unchanged r[0]
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    let local = |pod: &mut WantedPod| {
        pod.container.storage = Storage::Local { size: Gigabytes(50), path: "/w".to_owned() };
    };
    assert_snapshot!(shown(&lowered(3, "r[1]", local)), @r#"
    r[1]:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(50) }
      ! NewPodId
    r[2]:delete Shrunk
      ! LocalVolumeLost { size: Gigabytes(50), path: "/w" }
      ! ContainerDiskLost { size: Gigabytes(20) }
    drift r[1]: Vanished
    Warning r[1]: is made again while `r[2]` goes, as replicas with `${REPLICA}`, a local volume or other hardware are not exchanged; `podform state rm r[1]` and `podform state mv r[2] r[1]` keep that pod (replicas-not-alike)
    unchanged r[0]
    cost $1,021.40 -> $1,021.40, at most $1,021.40
    "#);
    let moved_on = |pod: &mut WantedPod| pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S"]));
    let other = lowered(3, "r[1]", |_| {}).want("r[0]", moved_on).want("r[1]", moved_on);
    assert_snapshot!(shown(&other), @"
    r[0]:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    r[0]:create Replaced on NVIDIA L40S x1 secure
      gpu: NVIDIA GeForce RTX 4090 -> L40S by Spec
      ! NewPodId
    r[1]:create Vanished on NVIDIA L40S x1 secure
      ! VanishedWithData { size: Gigabytes(20) }
      ! NewPodId
    r[2]:delete Shrunk
      ! ContainerDiskLost { size: Gigabytes(20) }
    drift r[1]: Vanished
    Warning r[1]: is made again while `r[2]` goes, as replicas with `${REPLICA}`, a local volume or other hardware are not exchanged; `podform state rm r[1]` and `podform state mv r[2] r[1]` keep that pod (replicas-not-alike)
    cost $1,011.40 -> $1,259.60, at most $1,259.60
    ");
}

#[test]
fn a_replica_waits_while_its_place_below_is_not_known() {
    let unknown = Seen::Unreadable(Unreadable::Failed("timeout".to_owned()));
    let world = lowered(4, "r[1]", |_| {}).seen("r[1]", unknown);
    assert_snapshot!(shown(&world), @r#"
    r[2]:delete Shrunk
      ! ContainerDiskLost { size: Gigabytes(20) }
    held r[1]: Unreadable("timeout")
    held r[3]: NotPossible("whether `r[1]` is there is not known, and this replica may have to take its place")
    unchanged r[0]
    cost $2,022.80 -> $1,517.10, at most $1,517.10
    "#);
}

#[test]
fn a_gap_that_a_target_names_is_closed_as_without_one() {
    let world = lowered(4, "r[1]", |_| {});
    assert_snapshot!(shown(&world.clone().option(targets(&["r[1]"]))), @"
    r[1]:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    r[1]:move Renamed from r[3]
    r[1]:update Changed InPlace
      name: acme-r[3] -> acme-r[1] by Spec
    drift r[1]: Vanished
    Note r[1]: is not there, and `r[3]`, which is like it and no longer counted, takes its place: its pod stays, and gets the name (gap-closed)
    out of scope: 2
    cost $505.70 -> $505.70, at most $505.70
    ");
    assert_snapshot!(shown(&world.option(targets(&["r[0]"]))), @"
    no changes
    unchanged r[0]
    out of scope: 3
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn what_is_left_out_closes_no_gap() {
    let world = lowered(3, "r[1]", |_| {}).option(excludes(&["r[2]"]));
    assert_snapshot!(shown(&world), @"
    r[1]:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(20) }
      ! NewPodId
    drift r[1]: Vanished
    unchanged r[0]
    out of scope: 1
    cost $505.70 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn what_goes_along_stays_if_the_target_is_held() {
    let two = || chain().want("late", after(&["prep"])).have("late", after(&["prep"]));
    let unreadable = || Seen::Unreadable(Unreadable::Failed("timeout".to_owned()));
    // `prep` cannot go before `late`, so `train` need not go either.
    let destroyed = two().seen("late", unreadable()).option(destroy).option(targets(&["prep"]));
    assert_snapshot!(shown(&destroyed), @r#"
    blocked
    held late: Unreadable("timeout")
    held prep: DependsOn(Pod { key: Key("late"), replica: None })
    Warning late: goes along: it depends on `prep`, which goes (goes-along)
    Note : `volume.data`, `other`, `train` stay; `podform destroy` without `--profile`, `--target` and `--exclude` ends all that is managed (stays)
    out of scope: 3
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
    // `train` cannot be made before `late` is known, so `prep` is not made for it.
    let made = two()
        .want("train", after(&["prep", "late"]))
        .seen("train", Seen::Absent)
        .seen("prep", Seen::Absent)
        .seen("late", unreadable())
        .option(targets(&["train"]));
    assert_snapshot!(shown(&made), @r#"
    blocked
    held late: Unreadable("timeout")
    held train: DependsOn(Pod { key: Key("late"), replica: None })
    drift train: Vanished
    Note late: goes along: `train` depends on it, and it could not be looked at (goes-along)
    out of scope: 3
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

/// What the checker of plans says if a plan is taken for that of another question.
fn said(world: &World, planned: &Planned) -> Vec<String> {
    world.violations(planned.plan()).iter().map(ToString::to_string).collect()
}

#[test]
fn a_plan_for_more_than_was_asked_is_found_out() {
    let mut changed = chain();
    for name in ["prep", "train", "other"] {
        changed = changed.want(name, |pod| {
            match name {
                "prep" => mounting(pod),
                "train" => after(&["prep"])(pod),
                _ => {}
            }
            image_2(pod);
        });
    }
    let all = changed.plan();
    let beyond = |name: &str| format!("`{name}` has actions and is no part of what was asked for");
    let of = |options: fn(&mut Options)| said(&changed.clone().option(options), &all);
    assert_eq!(of(|options| targets(&["train"])(options)), [beyond("other"), beyond("prep")]);
    assert_eq!(of(|options| excludes(&["prep", "volume.*"])(options)), [beyond("prep")]);
    let mut without_a_profile = changed.clone();
    without_a_profile.deselect("other");
    assert_eq!(said(&without_a_profile, &all), [beyond("other")]);
}

#[test]
fn a_target_that_ends_what_it_depends_on_is_found_out() {
    let all = chain().option(destroy).plan();
    let of = |names: &[&str]| said(&chain().option(destroy).option(targets(names)), &all);
    let beyond = |name: &str| format!("`{name}` has actions and is no part of what was asked for");
    assert_eq!(of(&["train"]), [beyond("volume.data"), beyond("other"), beyond("prep")]);
    assert_eq!(of(&["prep"]), [beyond("volume.data"), beyond("other")]);
    assert_eq!(of(&["volume.data", "other"]), [""; 0]);
    // A dependency that is brought up may be started and made, and never ended for it.
    let replacing = |options: &mut Options| options.replace = [address("prep")].into();
    let changed = chain()
        .want("train", |pod| {
            after(&["prep"])(pod);
            image_2(pod);
        })
        .outside("prep", |pod| pod.status = PodStatus::Exited);
    let replaced = changed.clone().option(replacing).plan();
    assert_eq!(said(&changed.option(targets(&["train"])), &replaced), [beyond("prep")]);
}

#[test]
fn what_goes_under_something_that_stays_is_found_out() {
    let mut planned = chain().option(destroy).plan();
    let Planned::Changes(plan) = &mut planned else { panic!("{}", print(&planned)) };
    plan.actions.retain(|id, _| id.address != address("train"));
    plan.edges.retain(|(first, then)| ![first, then].iter().any(|id| id.address == address("train")));
    assert_eq!(
        said(&chain().option(destroy).option(excludes(&["train"])), &planned),
        ["`prep` goes, and `train`, which was left out, depends on it"]
    );
}

#[test]
fn an_action_on_what_is_not_ours_is_found_out() {
    let world = chain().stranger("theirs", |_| {}).option(destroy);
    let mut planned = world.plan();
    let Planned::Changes(plan) = &mut planned else { panic!("{}", print(&planned)) };
    for (id, action) in &mut plan.actions {
        if id.address == address("other") {
            action.operation = Operation::DeletePods { ids: [PodId::new("theirs")].into() };
        }
    }
    assert_eq!(said(&world, &planned), ["`other` acts on `theirs`, which is not known to be its own"]);
}

#[test]
fn a_kept_pod_that_something_left_out_needs_does_not_go_with_its_volume() {
    let kept = |pod: &mut WantedPod| {
        mounting(pod);
        pod.run = RunState::Stopped;
        pod.lifecycle.on_remove = OnRemove::Stop;
    };
    let world = World::default()
        .have_volume("volume.data", 100, false)
        .have("prep", kept)
        .recorded("prep", |recorded| recorded.record.retired = true)
        .have("train", after(&["prep"]));
    let targeted = world.clone().option(targets(&["volume.data"]));
    assert_snapshot!(shown(&targeted) + &shown(&world), @r#"
    blocked
    held volume.data: NotPossible("pod `id-prep` (acme-prep) still mounts it, and RunPod refuses to delete a network volume in use")
    out of scope: 2
    cost $7.00 -> $7.00, at most $7.00
    train:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    prep:delete VolumeRemoved
    volume.data:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("data")), size: Gigabytes(100) }
    prep:delete before volume.data:delete
    train:delete before prep:delete
    Warning prep: is stopped and still mounts `volume.data`, which is deleted: RunPod refuses that while a pod mounts it, so the pod is terminated (terminated-with-volume)
    cost $512.70 -> $0.00, at most $0.00
    "#);
}

/// `web` waits for the end of `train`, which is under way.
#[test]
fn the_end_of_a_job_that_is_under_way_is_waited_for() {
    let waits = |pod: &mut WantedPod| {
        pod.depends_on.insert(address("train"));
        pod.until = BTreeMap::from([(address("train"), Until::Done)]);
    };
    let world = jobs::begun(Then::Stop).want("web", waits);
    assert_snapshot!(shown(&world.clone().option(targets(&["web"]))), @"
    train:await WaitedFor
    web:create New on NVIDIA GeForce RTX 4090 x1 secure
    train:await before web:create
    Note train: goes along: `web` waits for its end, and it is under way; nothing is done to it (goes-along)
    cost $0.00 -> $505.70, at most $505.70
    ");
    // It is to run again, and goes on all the same: nothing of it is asked for.
    let again = world.clone().want("train", |pod| {
        jobs::job(Then::Stop)(pod);
        image_2(pod);
    });
    assert_snapshot!(shown(&again.clone().option(targets(&["web"]))), @"
    train:await WaitedFor
    web:create New on NVIDIA GeForce RTX 4090 x1 secure
    train:await before web:create
    Note train: goes along: `web` waits for its end, and it is under way; nothing is done to it (goes-along)
    cost $0.00 -> $505.70, at most $505.70
    ");
    assert_snapshot!(shown(&again.option(targets(&["web", "train"]))), @"
    train:update RunAgain Reset
      image: tool:1 -> tool:2 by Spec
      run: under way -> runs again by Spec
      ! RunCutShort { since: None }
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    train:await WaitedFor
    web:create New on NVIDIA GeForce RTX 4090 x1 secure
    train:await before web:create
    cost $0.00 -> $505.70, at most $505.70
    ");
    // Left out on purpose, it is not waited for.
    assert_snapshot!(shown(&world.clone().option(excludes(&["train"]))), @r#"
    blocked
    held web: NotPossible("it waits for the end of the job `train`, which is under way and left out of this plan")
    out of scope: 1
    cost $0.00 -> $0.00, at most $0.00
    "#);
    let mut deselected = world.clone();
    deselected.desired.wanted.remove(&address("train"));
    deselected.deselect("train");
    assert_snapshot!(shown(&deselected), @r#"
    blocked
    held web: NotPossible("it waits for the end of the job `train`, which is under way and left out of this plan")
    out of scope: 1
    cost $0.00 -> $0.00, at most $0.00
    "#);
    // What is there already waits for nothing.
    let there = world.have("web", waits).option(targets(&["web"]));
    assert_snapshot!(shown(&there), @"
    no changes
    unchanged web
    out of scope: 1
    cost $505.70 -> $505.70, at most $505.70
    ");
}
