//! Whose an object is: clones, other projects, states that are lost or older than the account, and what a rebuild found.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use podform::model::clock::Moment;
use podform::model::desired::{Move, OnRemove, Wanted, WantedPod, WantedVolume};
use podform::model::id::{EnvKey, GpuTypeId, Lineage, PodId, ProjectName, RemoteId, Serial, VolumeId};
use podform::model::journal::ActionStatus;
use podform::model::live::{LivePod, Seen, Unreadable};
use podform::model::marker::{Marker, Token};
use podform::model::plan::Planned;
use podform::model::pod::{Compute, RunState, Storage};
use podform::model::secret::Secret;
use podform::model::size::Gigabytes;
use podform::plan::{Rebuilding, rebuild};

use super::cases::{image_2, local, open, plan, protect, settles};
use super::world::{World, address, time, token};

/// What somebody changes about a pod.
type Edit = fn(&mut LivePod);

/// `llm` is recorded and gone, and pods that were made much later carry its mark.
fn gone_beside(clones: &[(&str, Edit)]) -> World {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {}).seen("llm", Seen::Absent);
    let marker = world.marker("llm");
    clones.iter().fold(world, |world, (id, edit)| {
        world.stranger(id, |pod| {
            pod.marker = Some(marker.clone());
            pod.created_at = Some(time(9_000));
            edit(pod);
        })
    })
}

fn unwanted(mut world: World) -> World {
    world.desired.wanted.remove(&address("llm"));
    world
}

fn disk(pod: &mut LivePod) {
    pod.settings.storage = Storage::Local { size: Gigabytes(100), path: "/workspace".to_owned() };
}

#[test]
fn an_edited_clone_is_never_taken_for_the_pod_nor_ended() {
    let edits: [(&str, Edit); 4] = [
        ("named", |pod| pod.settings.name = Some("mine".to_owned())),
        ("image", |pod| pod.settings.image = Some("theirs:1".to_owned())),
        ("disk", disk),
        ("gpus", |pod| {
            pod.compute = pod
                .compute
                .clone()
                .map(|_| Compute::Gpu { id: podform::model::id::GpuTypeId::new("NVIDIA L40S"), count: 1 })
        }),
    ];
    let mut text = String::new();
    for clone in edits {
        let world = gone_beside(&[clone]);
        let destroyed = world.clone().option(|options| options.destroy = true);
        for world in [world.clone(), unwanted(world), destroyed] {
            text += &plan(&world);
        }
    }
    assert_snapshot!(text, @r#"
    blocked
    held llm: Copied { ids: {PodId("named")}, differs: Some(Name) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("named")}, differs: Some(Name) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("named")}, differs: Some(Name) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("image")}, differs: Some(Image) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("image")}, differs: Some(Image) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("image")}, differs: Some(Image) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("disk")}, differs: Some(Storage) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("disk")}, differs: Some(Storage) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("disk")}, differs: Some(Storage) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("gpus")}, differs: Some(Hardware) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("gpus")}, differs: Some(Hardware) }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held llm: Copied { ids: {PodId("gpus")}, differs: Some(Hardware) }
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn of_two_clones_neither_is_taken_unless_the_spec_names_one() {
    let world = gone_beside(&[("one", |_| {}), ("two", |_| {})]);
    assert_snapshot!(plan(&world), @r#"
    blocked
    held llm: Copied { ids: {PodId("one"), PodId("two")}, differs: None }
    cost $505.70 -> $505.70, at most $505.70
    "#);
    let mut named = world;
    if let Some(Wanted::Pod(pod)) = named.desired.wanted.get_mut(&address("llm")) {
        pod.adopt = Some(PodId::new("two"));
    }
    assert_snapshot!(plan(&named), @"
    llm:adopt AdoptNamed
    drift llm: Vanished
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_pod_that_is_being_moved_shows_no_gpus_and_is_waited_for() {
    let no_gpus: Edit = |pod| {
        pod.compute = pod.compute.clone().map(|compute| match compute {
            Compute::Gpu { id, count: _ } => Compute::Gpu { id, count: 0 },
            Compute::Cpu { .. } => compute,
        });
    };
    // It gets them once all is moved; to stop and start it would only disturb that.
    assert_snapshot!(plan(&gone_beside(&[("moved", no_gpus)])), @r#"
    blocked
    held llm: Migrating { id: PodId("moved") }
    cost $505.70 -> $505.70, at most $505.70
    "#);
    // After so many hours it is one that has lost its GPUs.
    let mut world = gone_beside(&[("moved", no_gpus)]);
    world.live.server_time = Some(time(9_000 + 7 * 3_600));
    assert_snapshot!(plan(&world), @r#"
    llm:adopt Migrated
    llm:stop GpusLost
      state: running -> stopped by Outside
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:start GpusLost
      state: stopped -> running by Outside
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    drift llm: Migrated { from: Pod(PodId("id-llm")), to: Pod(PodId("moved")) }
    drift llm: Fields([FieldDrift { field: Gpu, recorded: Word("NVIDIA GeForce RTX 4090 x1"), live: Word("NVIDIA GeForce RTX 4090 x0"), left_alone: false }])
    Warning llm: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn while_a_pod_is_being_moved_both_are_there_and_nothing_is_done() {
    let world = |edit: Edit, run: RunState| {
        let world = World::default().have("llm", |_| {}).want("llm", |pod| pod.run = run);
        let marker = world.marker("llm");
        world.stranger("moved", |pod| {
            pod.marker = Some(marker);
            pod.created_at = Some(time(9_000));
            edit(pod);
        })
    };
    let no_gpus: Edit = |pod| {
        pod.compute = Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA GeForce RTX 4090"), count: 0 });
    };
    insta::allow_duplicates! {
        for run in [RunState::Running, RunState::Stopped] {
            assert_snapshot!(plan(&world(no_gpus, run)), @r#"
            blocked
            held llm: Migrating { id: PodId("moved") }
            cost $505.70 -> $505.70, at most $505.70
            "#);
        }
    }
    // With GPUs it is somebody's clone.
    assert_snapshot!(plan(&world(|_| {}, RunState::Running)), @"
    no changes
    Warning llm: pod `moved` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged moved $505.70
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_moved_pod_that_left_the_spec_is_recorded_before_it_ends_and_stays_if_it_holds_data() {
    let world = unwanted(gone_beside(&[("moved", |_| {})]));
    assert_snapshot!(settles(&world), @"
    llm:adopt Migrated
    llm:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $0.00, at most $0.00
    ");
    let with_disk: fn(&mut WantedPod) = |pod| {
        pod.container.storage = local(100);
    };
    let world = World::default().have("llm", with_disk).seen("llm", Seen::Absent);
    let marker = world.marker("llm");
    let world = world.stranger("moved", |pod| {
        pod.marker = Some(marker);
        pod.created_at = Some(time(9_000));
        disk(pod);
    });
    assert_snapshot!(plan(&world), @r#"
    blocked
    held llm: Copied { ids: {PodId("moved")}, differs: None }
    cost $515.70 -> $515.70, at most $515.70
    "#);
}

#[test]
fn adopt_takes_nothing_that_another_project_marks() {
    let theirs = |name: &str| Marker { project: ProjectName::new("one"), ..World::default().marker(name) };
    let world = World::default()
        .want("llm", |pod| pod.adopt = Some(PodId::new("theirs")))
        .stranger("theirs", |pod| pod.marker = Some(theirs("llm")));
    let mut world = world.want_volume("volume.data", 10, false).stranger_volume("v1", |volume| {
        volume.name = "one.data.0123abcd".to_owned();
        volume.size = Gigabytes(10);
    });
    if let Some(Wanted::Volume(WantedVolume::Managed { adopt, .. })) =
        world.desired.wanted.get_mut(&address("volume.data"))
    {
        *adopt = Some(VolumeId::new("v1"));
    }
    assert_snapshot!(plan(&world), @r#"
    blocked
    held volume.data: OtherProject { id: Volume(VolumeId("v1")), project: ProjectName("one") }
    held llm: OtherProject { id: Pod(PodId("theirs")), project: ProjectName("one") }
    Warning : all that this spec wants is there under project `one`; if the project was renamed, keep its name, or take each over with `podform import --from-project one ADDRESS ID` (renamed-project)
    unmanaged theirs $505.70, of one
    unmanaged v1 $0.70, of one
    cost $0.00 -> $0.00, at most $0.00
    "#);
    let mut allowed = world;
    allowed.options.from_project = Some(ProjectName::new("one"));
    assert!(matches!(allowed.plan(), Planned::Changes(_)), "{}", plan(&allowed));
}

#[test]
fn a_record_that_points_at_what_another_project_marks_touches_nothing() {
    let theirs = |marker: Option<Marker>| {
        let marker = marker.unwrap();
        Some(Marker { project: ProjectName::new("one"), token: token("of-theirs"), ..marker })
    };
    // The row of each was edited: its id is one of theirs.
    let world = World::default()
        .want("llm", |pod| pod.container.image = "podform/other:1".to_owned())
        .have("llm", |_| {})
        .outside("llm", |pod| pod.marker = theirs(pod.marker.take()))
        .have_volume("volume.data", 10, false);
    let mut world = world;
    for volume in world.live.volumes.values_mut() {
        if let Seen::Found(volume) = volume {
            volume.name = "one.data.0123abcd".to_owned();
        }
    }
    let destroyed = world.clone().option(|options| options.destroy = true);
    let unwanted = unwanted(world.clone());
    let text: String = [&world, &unwanted, &destroyed].iter().map(|world| plan(world)).collect();
    assert_snapshot!(text, @r#"
    blocked
    held volume.data: RecordedOther { id: Volume(VolumeId("id-volume-data")), project: ProjectName("one") }
    held llm: RecordedOther { id: Pod(PodId("id-llm")), project: ProjectName("one") }
    cost $506.40 -> $506.40, at most $506.40
    blocked
    held volume.data: RecordedOther { id: Volume(VolumeId("id-volume-data")), project: ProjectName("one") }
    held llm: RecordedOther { id: Pod(PodId("id-llm")), project: ProjectName("one") }
    cost $506.40 -> $506.40, at most $506.40
    blocked
    held volume.data: RecordedOther { id: Volume(VolumeId("id-volume-data")), project: ProjectName("one") }
    held llm: RecordedOther { id: Pod(PodId("id-llm")), project: ProjectName("one") }
    cost $506.40 -> $506.40, at most $506.40
    "#);
    // What was taken over from there has no token on record, or theirs.
    let mut taken = world;
    for recorded in taken.prior.objects.values_mut() {
        recorded.record.token = None;
    }
    assert!(matches!(taken.plan(), Planned::Changes(_)), "{}", plan(&taken));

    // Two rows whose ids were exchanged.
    let world =
        World::default().want("llm", image_2).have("llm", |_| {}).want("web", |_| {}).have("web", |_| {});
    let world = world.have_volume("volume.a", 10, false).have_volume("volume.b", 10, false);
    let mut exchanged = world;
    for (one, other) in [("llm", "web"), ("volume.a", "volume.b")] {
        let objects = &mut exchanged.prior.objects;
        let id = objects[&address(one)].id.clone();
        let earlier = std::mem::replace(&mut objects.get_mut(&address(other)).unwrap().id, id);
        objects.get_mut(&address(one)).unwrap().id = earlier;
    }
    assert_snapshot!(plan(&exchanged), @r#"
    blocked
    held volume.a: RecordedElsewhere { id: Volume(VolumeId("id-volume-b")), holder: Volume(Key("b")) }
    held volume.b: RecordedElsewhere { id: Volume(VolumeId("id-volume-a")), holder: Volume(Key("a")) }
    held llm: RecordedElsewhere { id: Pod(PodId("id-web")), holder: Pod { key: Key("web"), replica: None } }
    held web: RecordedElsewhere { id: Pod(PodId("id-llm")), holder: Pod { key: Key("llm"), replica: None } }
    cost $1,012.80 -> $1,012.80, at most $1,012.80
    "#);

    // The same where the row says that it was replaced.
    let world = World::default().want("llm", |_| {}).have("llm", |_| {});
    let marker = theirs(Some(world.marker("llm")));
    let world = world.stranger("old", |pod| pod.marker = marker);
    let world = world.recorded("llm", |recorded| {
        recorded.record.deposed.insert(PodId::new("old"));
    });
    assert_snapshot!(plan(&world), @r#"
    blocked
    held llm: RecordedOther { id: Pod(PodId("old")), project: ProjectName("one") }
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

/// A pod of this project whose token the journal lacks.
fn unknown(world: World, id: &str, at: &str, edit: impl FnOnce(&mut Marker)) -> World {
    let mut marker = Marker { token: token(id), created: Some(time(0)), ..world.marker(at) };
    edit(&mut marker);
    world.stranger(id, |pod| {
        pod.settings.name = Some(format!("acme-{at}"));
        pod.marker = Some(marker);
        pod.created_at = Some(time(20));
    })
}

fn add_volume(world: World, id: &str, name: &str) -> World {
    world.stranger_volume(id, |volume| volume.name = name.to_owned())
}

#[test]
fn a_state_older_than_the_account_plans_nothing() {
    let gone = World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .seen("llm", Seen::Absent)
        .want("other", |_| {})
        .have("other", |_| {});
    let replaced = unknown(gone.clone(), "later", "llm", |_| {});
    let refreshed = gone.clone().outside("other", |pod| {
        pod.marker = pod.marker.clone().map(|marker| Marker { serial: Serial(9), ..marker });
    });
    let volume = add_volume(gone.clone(), "v9", "acme.data.0123abcd");
    let of_others = add_volume(gone.clone(), "v9", "acme-prod.data.0123abcd");
    let other_state = unknown(gone, "another", "llm", |marker| marker.lineage = Lineage::new("elsewhere"));
    let text: String = [replaced, refreshed, volume, of_others, other_state].iter().map(plan).collect();
    assert_snapshot!(text, @r#"
    blocked
      because StateOlder(Unknown { objects: {Pod(PodId("later")): Pod { key: Key("llm"), replica: None }}, monthly: Amount { known: Monthly(505700000), unknown_parts: 0 } })
    Warning llm: pod `later` carries this project's marker but this state does not know it: another state manages the project, or an earlier one was lost (`podform state rebuild`) (other-state)
    unmanaged later $505.70, marked llm
    cost $0.00 -> $0.00, at most $0.00
    blocked
      because StateOlder(Unknown { objects: {Pod(PodId("id-other")): Pod { key: Key("other"), replica: None }}, monthly: Amount { known: Monthly(505700000), unknown_parts: 0 } })
    cost $0.00 -> $0.00, at most $0.00
    blocked
      because StateOlder(Unknown { objects: {Volume(VolumeId("v9")): Volume(Key("data"))}, monthly: Amount { known: Monthly(7000000), unknown_parts: 0 } })
    unmanaged v9 $7.00, marked volume.data
    cost $0.00 -> $0.00, at most $0.00
    llm:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(20) }
      ! NewPodId
    drift llm: Vanished
    unmanaged v9 $7.00, of acme-prod
    unchanged other
    cost $505.70 -> $1,011.40, at most $1,011.40
    blocked
    held llm: Marked { ids: {Pod(PodId("another"))} }
    drift llm: Vanished
    Warning llm: pod `another` carries this project's marker but this state does not know it: another state manages the project, or an earlier one was lost (`podform state rebuild`) (other-state)
    unmanaged another $505.70, marked llm
    unchanged other
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_state_without_a_record_beside_marked_objects_plans_nothing() {
    let world = World::default().want("llm", |_| {}).want("more", |_| {});
    let world = unknown(world, "there", "llm", |marker| marker.lineage = Lineage::new("lost"));
    let world = add_volume(world, "v9", "acme.data.0123abcd");
    assert_snapshot!(plan(&world), @r#"
    blocked
      because StateEmpty(Unknown { objects: {Pod(PodId("there")): Pod { key: Key("llm"), replica: None }, Volume(VolumeId("v9")): Volume(Key("data"))}, monthly: Amount { known: Monthly(512700000), unknown_parts: 0 } })
    Warning llm: pod `there` carries this project's marker but this state does not know it: another state manages the project, or an earlier one was lost (`podform state rebuild`) (other-state)
    unmanaged there $505.70, marked llm
    unmanaged v9 $7.00, marked volume.data
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn the_only_recorded_pod_is_made_again_with_a_warning_if_nothing_else_shows_the_account() {
    let gone = World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .seen("llm", Seen::Absent)
        .option(|options| options.accept_vanished = false);
    assert_snapshot!(plan(&gone), @"
    llm:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(20) }
      ! NewPodId
    drift llm: Vanished
    Warning llm: is gone, and the account shows nothing else that this state knows: make sure that the key is one of its account before it is made again (lone-vanished)
    cost $0.00 -> $505.70, at most $505.70
    ");
    let mut shown = gone;
    shown.know_token("given-up", &token("given-up"), true);
    let marker = shown.marker("given-up");
    let shown = shown.stranger("ours-once", |pod| pod.marker = Some(marker));
    assert!(!plan(&shown).contains("lone-vanished"), "{}", plan(&shown));
}

#[test]
fn a_project_that_was_renamed_is_told_from_a_new_one() {
    let world = World::default().want("llm", |_| {});
    let marker = Marker { project: ProjectName::new("acme-old"), ..world.marker("llm") };
    assert_snapshot!(plan(&world.stranger("theirs", |pod| pod.marker = Some(marker))), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    Warning : all that this spec wants is there under project `acme-old`; if the project was renamed, keep its name, or take each over with `podform import --from-project acme-old ADDRESS ID` (renamed-project)
    unmanaged theirs $505.70, of acme-old
    cost $0.00 -> $505.70, at most $505.70
    ");
}

fn found_by_rebuild(name: &str, edit: fn(&mut WantedPod)) -> World {
    World::default().have(name, edit).recorded(name, |recorded| recorded.rebuilt = true)
}

#[test]
fn what_a_rebuild_found_ends_only_if_it_holds_no_data_and_nothing_like_it_comes() {
    assert_snapshot!(settles(&found_by_rebuild("chat", |_| {})), @"
    chat:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $0.00, at most $0.00
    ");
    let with_disk: fn(&mut WantedPod) = |pod| {
        pod.container.storage = local(100);
    };
    let held = found_by_rebuild("chat", with_disk);
    let volume = World::default()
        .have_volume("volume.data", 100, false)
        .recorded("volume.data", |recorded| recorded.rebuilt = true);
    let protected = found_by_rebuild("chat", protect);
    let renamed = found_by_rebuild("chat", |_| {}).want("assistant", |_| {});
    let text: String = [&held, &volume, &protected, &renamed].iter().map(|world| plan(world)).collect();
    assert_snapshot!(text, @r#"
    blocked
    held chat: Rebuilt { instead_of: Several { named: {}, more: 0 } }
    cost $515.70 -> $515.70, at most $515.70
    blocked
    held volume.data: Rebuilt { instead_of: Several { named: {}, more: 0 } }
    cost $7.00 -> $7.00, at most $7.00
    blocked
    held chat: Rebuilt { instead_of: Several { named: {}, more: 0 } }
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held assistant: MayBeRenamed { from: Several { named: {Pod { key: Key("chat"), replica: None }}, more: 0 } }
    held chat: Rebuilt { instead_of: Several { named: {Pod { key: Key("assistant"), replica: None }}, more: 0 } }
    cost $505.70 -> $505.70, at most $505.70
    "#);
    let text: String = [
        removing(held.clone(), "chat", OnRemove::Terminate),
        removing(held, "chat", OnRemove::Stop),
        removing(volume.clone(), "volume.data", OnRemove::Forget),
        removing(volume, "volume.data", OnRemove::Terminate),
        removing(renamed.clone(), "chat", OnRemove::Terminate),
    ]
    .iter()
    .map(settles)
    .collect();
    assert_snapshot!(text, @r#"
    chat:delete Removed
      ! LocalVolumeLost { size: Gigabytes(100), path: "/workspace" }
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $515.70 -> $0.00, at most $0.00
    chat:stop Removed
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! LocalVolumeKept { size: Gigabytes(100), path: "/workspace" }
    Note chat: is kept stopped after it left the spec, for $20.00 a month; `destroy` ends it, `state rm` gives it up (retired)
    cost $515.70 -> $20.00, at most $20.00
    volume.data:forget Removed (tombstone)
      ! GoesOnUnmanaged
    Warning volume.data: goes on running and being billed, unmanaged (forgotten)
    cost $7.00 -> $0.00, at most $0.00
    volume.data:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("data")), size: Gigabytes(100) }
    cost $7.00 -> $0.00, at most $0.00
    assistant:create New on NVIDIA GeForce RTX 4090 x1 secure
    chat:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $505.70, at most $505.70
    "#);
    let mut moved = renamed;
    moved.desired.moved.push(Move { from: address("chat"), to: address("assistant") });
    assert_snapshot!(settles(&moved), @"
    assistant:move Renamed from chat
    assistant:update Changed InPlace
      name: acme-chat -> acme-assistant by Spec
    cost $505.70 -> $505.70, at most $505.70
    ");
}

fn removing(mut world: World, at: &str, then: OnRemove) -> World {
    world.desired.removed.insert(address(at), then);
    world
}

#[test]
fn a_declared_removal_of_what_is_not_recorded_is_said_and_does_nothing() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {});
    let world = removing(world, "old", OnRemove::Terminate);
    assert_snapshot!(settles(&removing(world, "volume.llm", OnRemove::Forget)), @"
    no changes
    Warning : `removed` names `volume.llm`, and nothing is recorded there: did you mean `llm`? (removal-of-nothing)
    Note : `removed` names `old`, and nothing is recorded there: the entry is done and can go, or means another address (removal-of-nothing)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_declared_removal_does_not_end_what_is_protected() {
    let pods = World::default().have("llm", protect);
    let volumes = World::default().have_volume("volume.data", 100, true);
    let declared = [
        removing(pods.clone(), "llm", OnRemove::Terminate),
        removing(pods.clone(), "llm", OnRemove::Stop),
        removing(volumes.clone(), "volume.data", OnRemove::Terminate),
    ];
    assert_snapshot!(declared.map(|world| plan(&world)).concat(), @r#"
    blocked
      because Protected { address: Pod { key: Key("llm"), replica: None }, step: Delete }
    llm:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $0.00, at most $0.00
    llm:stop Removed
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    Note llm: is kept stopped after it left the spec, for $0.00 a month; `destroy` ends it, `state rm` gives it up (retired)
    cost $505.70 -> $0.00, at most $0.00
    blocked
      because Protected { address: Volume(Key("data")), step: Delete }
    volume.data:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("data")), size: Gigabytes(100) }
    cost $7.00 -> $0.00, at most $0.00
    "#);
    // To give it up ends nothing, and to lift the protection is said.
    let told = [
        removing(pods.clone(), "llm", OnRemove::Forget),
        removing(volumes, "volume.data", OnRemove::Forget),
        removing(pods, "llm", OnRemove::Terminate).option(|options| {
            options.unprotect = [address("llm")].into();
        }),
    ];
    assert_snapshot!(told.map(|world| settles(&world)).concat(), @"
    llm:forget Removed (tombstone)
      ! GoesOnUnmanaged
    Warning llm: goes on running and being billed, unmanaged (forgotten)
    cost $505.70 -> $0.00, at most $0.00
    volume.data:forget Removed (tombstone)
      ! GoesOnUnmanaged
    Warning volume.data: goes on running and being billed, unmanaged (forgotten)
    cost $7.00 -> $0.00, at most $0.00
    llm:record LifecycleChanged
      lifecycle: protect: true, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] -> protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] by Spec
    llm:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    Warning llm: its protection is lifted for this plan, as `--unprotect` asks (unprotected)
    cost $505.70 -> $0.00, at most $0.00
    ");
}

#[test]
fn a_declared_removal_of_a_bare_key_is_that_of_all_its_replicas() {
    let found = |world: World, name: &str| {
        world.have(name, |pod| pod.container.storage = local(100)).recorded(name, |held| held.rebuilt = true)
    };
    let world = found(found(World::default(), "llm[0]"), "llm[1]");
    let all = removing(world.clone(), "llm", OnRemove::Terminate);
    let but_one = removing(removing(world.clone(), "llm", OnRemove::Terminate), "llm[1]", OnRemove::Stop);
    let one = removing(world, "llm[1]", OnRemove::Terminate);
    assert_snapshot!(settles(&all) + &settles(&but_one) + &plan(&one), @r#"
    llm[0]:delete Removed
      ! LocalVolumeLost { size: Gigabytes(100), path: "/workspace" }
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm[1]:delete Removed
      ! LocalVolumeLost { size: Gigabytes(100), path: "/workspace" }
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $1,031.40 -> $0.00, at most $0.00
    llm[0]:delete Removed
      ! LocalVolumeLost { size: Gigabytes(100), path: "/workspace" }
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm[1]:stop Removed
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! LocalVolumeKept { size: Gigabytes(100), path: "/workspace" }
    Note llm[1]: is kept stopped after it left the spec, for $20.00 a month; `destroy` ends it, `state rm` gives it up (retired)
    cost $1,031.40 -> $20.00, at most $20.00
    llm[1]:delete Removed
      ! LocalVolumeLost { size: Gigabytes(100), path: "/workspace" }
      ! ContainerDiskLost { size: Gigabytes(20) }
    held llm[0]: Rebuilt { instead_of: Several { named: {}, more: 0 } }
    cost $1,031.40 -> $515.70, at most $515.70
    "#);
}

#[test]
fn a_remembered_protection_is_lifted_for_one_plan_and_first() {
    let world = World::default().have("llm", protect).have_volume("volume.data", 100, true);
    let lifted = world.clone().option(|options| {
        options.unprotect = [address("llm"), address("volume.data")].into();
    });
    assert!(matches!(world.plan(), Planned::Blocked { .. }));
    assert_snapshot!(settles(&lifted), @r#"
    volume.data:record LifecycleChanged
      lifecycle: protect: true, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] -> protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] by Spec
    volume.data:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("data")), size: Gigabytes(100) }
    llm:record LifecycleChanged
      lifecycle: protect: true, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] -> protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] by Spec
    llm:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    Warning volume.data: its protection is lifted for this plan, as `--unprotect` asks (unprotected)
    Warning llm: its protection is lifted for this plan, as `--unprotect` asks (unprotected)
    cost $512.70 -> $0.00, at most $0.00
    "#);
}

/// Rebuilds and says what was taken and left.
fn rebuilt(world: &World, lineage: Option<&str>) -> String {
    let lineage = lineage.map(Lineage::new);
    let from = Rebuilding {
        desired: &world.desired,
        prior: &world.prior,
        live: &world.live,
        lineage: lineage.as_ref(),
        now: Moment { here: time(10_000), there: Some(time(10_000)) },
    };
    match rebuild(from) {
        Err(several) => format!("several states: {:?}\n", several.pods),
        Ok(found) => {
            let mut text = format!("{} above {}\n", found.lineage, found.above);
            for (address, one) in &found.taken {
                let protect = if one.recorded.record.lifecycle.protect { " protected" } else { "" };
                text += &format!("{address} is {}{protect}\n", one.recorded.id);
            }
            for (address, one, why) in &found.left {
                text += &format!("{address} is not {}: {why}\n", one.recorded.id);
            }
            text
        }
    }
}

#[test]
fn a_rebuild_takes_what_is_marked_and_leaves_what_may_be_a_copy() {
    let mut world = World::default().want("llm", |_| {}).want("chat", |_| {});
    world.desired.moved.push(Move { from: address("old"), to: address("chat") });
    let world = unknown(world, "p1", "llm", |marker| marker.serial = Serial(4));
    let world = unknown(world, "p2", "old", |marker| marker.protected = true);
    let world = unknown(world, "p3", "left-the-spec", |marker| marker.serial = Serial(7));
    let world = unknown(world, "p4", "unsure", |marker| marker.created = None);
    let world = unknown(world, "p5", "twice", |_| {});
    let world = unknown(world, "p6", "twice", |_| {});
    let clone = Marker { token: token("p1"), created: Some(time(0)), ..world.marker("llm") };
    let world = world.stranger("clone", |pod| {
        pod.marker = Some(clone);
        pod.created_at = Some(time(5_000));
    });
    let world = add_volume(world, "v1", "acme.data.0123abcd");
    let world = add_volume(world, "v2", "acme-prod.models.0123abcd");
    let world = add_volume(world, "v3", "acme.twice.0123abcd");
    let world = add_volume(world, "v4", "acme.twice.89abcdef");
    assert_snapshot!(rebuilt(&world, None), @"
    line above 7
    volume.data is v1
    chat is p2 protected
    left-the-spec is p3
    llm is p1
    llm is not clone: it was created at 2027-01-15T09:23:20Z, but its mark is of 2027-01-15T08:00:00Z, so it may be a copy; `podform import llm ID` takes it
    unsure is not p4: its mark does not tell when it was asked for, so it may be a copy; `podform import unsure ID` takes it
    volume.twice is not v3: `v3` and `v4` carry the mark of `volume.twice`; `podform import volume.twice ID` chooses
    volume.twice is not v4: `v3` and `v4` carry the mark of `volume.twice`; `podform import volume.twice ID` chooses
    twice is not p5: `p5` and `p6` carry the mark of `twice`; `podform import twice ID` chooses
    twice is not p6: `p5` and `p6` carry the mark of `twice`; `podform import twice ID` chooses
    ");
}

#[test]
fn of_several_states_the_one_that_is_named_is_rebuilt() {
    let world = unknown(World::default(), "p1", "a", |marker| marker.serial = Serial(9));
    let world = unknown(world, "p2", "b", |marker| marker.lineage = Lineage::new("other"));
    assert_snapshot!(rebuilt(&world, None), @r#"several states: {Lineage("line"): 1, Lineage("other"): 1}"#);
    assert_snapshot!(rebuilt(&world, Some("other")), @"
    other above 0
    b is p2
    a is not p1: it belongs to another state of this project, `--lineage line`
    ");
    assert_snapshot!(rebuilt(&world, Some("third")), @r#"several states: {Lineage("line"): 1, Lineage("other"): 1}"#);
    let beside_records = unknown(World::default().have("a", |_| {}), "p2", "b", |marker| {
        marker.lineage = Lineage::new("other");
    });
    assert_snapshot!(rebuilt(&beside_records, None), @r#"several states: {Lineage("line"): 0, Lineage("other"): 1}"#);
}

#[test]
fn a_rebuild_of_an_older_state_replaces_only_what_is_certainly_gone() {
    let gone = World::default().have("a", |_| {}).have("b", |_| {}).seen("a", Seen::Absent);
    let world = unknown(gone, "a2", "a", |marker| marker.serial = Serial(12));
    let world = unknown(world, "b2", "b", |_| {});
    assert_snapshot!(rebuilt(&world, None), @"
    line above 12
    a is a2
    b is not b2: `b` is recorded with `id-b`, which is there
    ");
    let ids: BTreeMap<_, RemoteId> = world
        .prior
        .objects
        .iter()
        .map(|(address, recorded)| (address.clone(), recorded.id.clone()))
        .collect();
    assert_eq!(ids[&address("b")], RemoteId::Pod(PodId::new("id-b")));
}

/// Two pods of a lost state, as a rebuild leaves them: both carry the mark of `llm`, and it knows no more of them.
fn left_by_a_rebuild() -> World {
    let mut world = World::default().want("llm", |_| {});
    for (id, name) in [("one", "llm"), ("two", "llm[7]")] {
        let marker = Marker { token: token(name), ..world.marker("llm") };
        world = world.stranger(id, |pod| pod.marker = Some(marker));
        world.know_token("llm", &token(name), false);
    }
    for known in world.prior.tokens.values_mut() {
        known.server_time = None;
        known.asked.name = None;
    }
    world
}

#[test]
fn what_a_rebuild_could_not_place_may_be_what_another_key_stands_for() {
    let world = left_by_a_rebuild().want("chat", |_| {}).want_volume("volume.data", 100, false);
    let mut named = world.clone();
    named.desired.removed.insert(address("llm"), OnRemove::Forget);
    let mut placed = world.clone();
    placed.desired.wanted.remove(&address("llm"));
    let text: String = [world, placed, named].iter().map(plan).collect();
    assert_snapshot!(text, @r#"
    volume.data:create New
    held chat: Unplaced { ids: {Pod(PodId("one")), Pod(PodId("two"))} }
    held llm: Duplicate { ids: {PodId("one"), PodId("two")} }
    cost $0.00 -> $7.00, at most $7.00
    volume.data:create New
    held chat: Unplaced { ids: {Pod(PodId("one")), Pod(PodId("two"))} }
    held llm: Duplicate { ids: {PodId("one"), PodId("two")} }
    cost $0.00 -> $7.00, at most $7.00
    volume.data:create New
    chat:create New on NVIDIA GeForce RTX 4090 x1 secure
    held llm: Duplicate { ids: {PodId("one"), PodId("two")} }
    cost $0.00 -> $512.70, at most $512.70
    "#);
}

#[test]
fn what_the_spec_protects_is_not_deleted_be_it_applied_yet_or_not() {
    let protected = |pod: &mut WantedPod| pod.lifecycle.protect = true;
    let destroyed = World::default()
        .want("llm", protected)
        .have("llm", |_| {})
        .want_volume("volume.data", 100, true)
        .have_volume("volume.data", 100, false)
        .option(|options| options.destroy = true);
    let fewer = World::default().want("web[0]", protected).have("web[0]", protected).have("web[1]", |_| {});
    let lifted = destroyed.clone().option(|options| {
        options.unprotect = [address("llm"), address("volume.data")].into();
    });
    let text: String = [&destroyed, &fewer].iter().map(|world| plan(world)).collect();
    assert_snapshot!(text + &plan(&lifted), @r#"
    blocked
      because Protected { address: Volume(Key("data")), step: Delete }
      because Protected { address: Pod { key: Key("llm"), replica: None }, step: Delete }
    volume.data:delete Destroyed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("data")), size: Gigabytes(100) }
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $512.70 -> $0.00, at most $0.00
    blocked
      because Protected { address: Pod { key: Key("web"), replica: Some(1) }, step: Delete }
    web[1]:delete Shrunk
      ! ContainerDiskLost { size: Gigabytes(20) }
    unchanged web[0]
    cost $1,011.40 -> $505.70, at most $505.70
    blocked
      because Protected { address: Volume(Key("data")), step: Delete }
      because Protected { address: Pod { key: Key("llm"), replica: None }, step: Delete }
    volume.data:delete Destroyed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("data")), size: Gigabytes(100) }
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $512.70 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_copy_made_at_once_is_retired_only_if_it_is_what_was_sent() {
    let edits: [(&str, Edit); 6] = [
        ("alike", |_| {}),
        ("disk", |pod| pod.settings.disk = Some(Gigabytes(30))),
        ("command", |pod| pod.settings.command = Some(vec!["bash".to_owned()])),
        ("ports", |pod| pod.settings.ports = Some([].into())),
        ("image", |pod| pod.settings.image = Some("theirs:1".to_owned())),
        ("mount", disk),
    ];
    let mut text = String::new();
    for (id, edit) in edits {
        let world = World::default().want("llm", |_| {}).have("llm", |_| {});
        let marker = world.marker("llm");
        text += &plan(&world.stranger(id, |pod| {
            pod.marker = Some(marker);
            pod.created_at = Some(time(1));
            edit(pod);
        }));
    }
    assert_snapshot!(text, @"
    llm:delete-deposed Duplicate leaves deposed {}
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $1,011.40 -> $505.70, at most $505.70
    no changes
    Warning llm: pod `disk` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged disk $506.70
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    no changes
    Warning llm: pod `command` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged command $505.70
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    no changes
    Warning llm: pod `ports` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged ports $505.70
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    no changes
    Warning llm: pod `image` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged image $505.70
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    no changes
    Warning llm: pod `mount` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged mount $515.70
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_spare_replica_goes_where_one_is_certainly_gone() {
    let mut world = World::default();
    world.desired.replicated.insert(address("llm[0]").key().clone());
    for replica in ["llm[0]", "llm[1]"] {
        world = world.want(replica, |_| {});
    }
    let world = world
        .have("llm[0]", |_| {})
        .have("llm[1]", |_| {})
        .have("llm[2]", |_| {})
        .seen("llm[1]", Seen::Absent)
        .seen("llm[0]", Seen::Unreadable(Unreadable::TooNew));
    assert_snapshot!(plan(&world), @r#"
    llm[1]:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    llm[1]:move Renamed from llm[2]
    llm[1]:update Changed InPlace
      name: acme-llm[2] -> acme-llm[1] by Spec
    held llm[0]: Unreadable("recorded less than 120 s ago and not listed yet")
    drift llm[1]: Vanished
    Note llm[1]: is not there, and `llm[2]`, which is like it and no longer counted, takes its place: its pod stays, and gets the name (gap-closed)
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
}

/// What a closed create may have made besides: a copy that was made at once looks like that.
#[test]
fn what_may_be_a_second_pod_of_a_closed_create_is_a_persons_to_tell() {
    let edits: [(&str, Edit); 3] = [
        ("alike", |_| {}),
        ("image", |pod| pod.settings.image = Some("theirs:1".to_owned())),
        ("mount", disk),
    ];
    let mut text = String::new();
    for (id, edit) in edits {
        let mut world = World::default();
        world.know_token("llm", &token("llm"), false);
        let marker = world.marker("llm");
        let left_over = world.stranger(id, |pod| {
            pod.marker = Some(marker);
            pod.created_at = Some(time(1));
            edit(pod);
        });
        text += &plan(&left_over);
        text += &plan(&left_over.want("llm", |_| {}));
    }
    assert_snapshot!(text, @r#"
    llm:delete Orphaned
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $0.00, at most $0.00
    llm:adopt FoundInJournal
    cost $505.70 -> $505.70, at most $505.70
    no changes
    Warning llm: pod `image` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged image $505.70
    cost $0.00 -> $0.00, at most $0.00
    blocked
    held llm: Duplicate { ids: {PodId("image")} }
    cost $0.00 -> $0.00, at most $0.00
    no changes
    Warning llm: pod `mount` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged mount $515.70
    cost $0.00 -> $0.00, at most $0.00
    blocked
    held llm: Duplicate { ids: {PodId("mount")} }
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_late_pod_of_an_open_create_may_be_the_one_that_runpod_moved() {
    let mut world = open(World::default().want("llm", |_| {}), ActionStatus::Started, 9_900);
    let marker = world.marker("llm");
    world = world.stranger("late", |pod| {
        pod.marker = Some(marker);
        pod.created_at = Some(time(9_500));
    });
    let mut closed = world.clone();
    closed.prior.open.clear();
    // As settling leaves it: nothing is concluded any more from when it was asked for.
    if let Some(known) = closed.prior.tokens.get_mut(&token("llm")) {
        known.server_time = None;
    }
    let text: String = [&world, &closed].into_iter().map(plan).collect();
    assert_snapshot!(text, @r#"
    blocked
    held llm: Duplicate { ids: {PodId("late")} }
    cost $0.00 -> $0.00, at most $0.00
    blocked
    held llm: Duplicate { ids: {PodId("late")} }
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn what_stands_at_an_address_is_not_replaced_while_another_one_carries_its_mark() {
    let world =
        World::default().want("llm", |pod| pod.container.storage = Storage::None).have("llm", |pod| {
            pod.container.storage = Storage::Local { size: Gigabytes(50), path: "/w".to_owned() };
        });
    let world = unknown(world, "lost", "llm", |marker| marker.lineage = Lineage::new("other"));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held llm: Marked { ids: {Pod(PodId("lost"))} }
    Warning llm: pod `lost` carries this project's marker but this state does not know it: another state manages the project, or an earlier one was lost (`podform state rebuild`) (other-state)
    unmanaged lost $505.70, marked llm
    cost $510.70 -> $510.70, at most $510.70
    "#);
}

#[test]
fn a_pod_with_the_mark_of_one_key_and_the_name_of_another_is_neither_until_a_person_says() {
    let world = World::default().want("llm", |_| {}).want("chat", |_| {});
    let marker = Marker { token: token("renamed"), created: Some(time(0)), ..world.marker("llm") };
    let mut world = world.stranger("renamed", |pod| {
        pod.settings.name = Some("acme-chat".to_owned());
        pod.created_at = Some(time(20));
        pod.marker = Some(marker);
    });
    assert_snapshot!(rebuilt(&world, None), @"
    line above 0
    llm is not renamed: it has the mark of `llm` and the name of `chat`, as after a rename; `podform import ADDRESS ID` tells which it is
    ");
    world.know_token("llm", &token("renamed"), false);
    for known in world.prior.tokens.values_mut() {
        known.server_time = None;
        known.asked.name = None;
    }
    assert_snapshot!(plan(&world), @r#"
    blocked
    held chat: Unplaced { ids: {Pod(PodId("renamed"))} }
    held llm: Duplicate { ids: {PodId("renamed")} }
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_mark_that_cannot_be_read_is_somebodys() {
    let world = World::default().want("llm", |pod| pod.adopt = Some(PodId::new("theirs")));
    let world = world.stranger("theirs", |pod| {
        pod.settings.env.insert(EnvKey::new("PODFORM_MARK"), Secret::new("one/b".to_owned()));
    });
    assert_snapshot!(plan(&world), @r#"
    blocked
    held llm: NotPossible("`adopt` names pod `theirs`, whose mark cannot be read, so another podform may manage it; take `PODFORM_MARK` out of its variables first")
    unmanaged theirs $505.70
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

/// What carries the name of a network volume, with the token of the recorded one or with another that a rebuild saw.
#[test]
fn a_second_volume_of_one_name_is_listed_and_never_taken() {
    let world =
        World::default().want_volume("volume.data", 100, false).have_volume("volume.data", 100, false);
    let name = world.volume_name("volume.data");
    let copied = add_volume(world.clone(), "copy", &name);
    let mut seen = add_volume(world, "seen", "acme.data.0123abcd");
    seen.know_token("volume.data", &"0123abcd".parse().unwrap(), false);
    for known in seen.prior.tokens.values_mut().filter(|known| known.asked.name.as_deref() != Some(&name)) {
        known.asked.name = None;
    }
    let destroyed = copied.clone().option(|options| options.destroy = true);
    let text: String = [&copied, &seen, &destroyed].into_iter().map(plan).collect();
    assert_snapshot!(text, @r#"
    no changes
    Warning volume.data: network volume `copy` has a name of this project's `volume.data`, which has another one; it is unmanaged and never touched (copied-marker)
    unmanaged copy $7.00
    unchanged volume.data
    cost $7.00 -> $7.00, at most $7.00
    no changes
    Warning volume.data: network volume `seen` has a name of this project's `volume.data`, which has another one; it is unmanaged and never touched (copied-marker)
    unmanaged seen $7.00
    unchanged volume.data
    cost $7.00 -> $7.00, at most $7.00
    volume.data:delete Destroyed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("data")), size: Gigabytes(100) }
    Warning volume.data: network volume `copy` has a name of this project's `volume.data`, which has another one; it is unmanaged and never touched (copied-marker)
    unmanaged copy $7.00
    cost $7.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn one_object_is_given_to_one_address() {
    let adopt: fn(&mut WantedPod) = |pod| pod.adopt = Some(PodId::new("theirs"));
    let world = World::default().want("chat", adopt).want("llm", adopt).stranger("theirs", |_| {});
    assert_snapshot!(plan(&world), @r#"
    chat:adopt AdoptNamed
    chat:update Changed InPlace
      name: acme-llm -> acme-chat by Spec
    held llm: NotPossible("`adopt` of `chat` names `theirs` as well")
    Note chat: `ssh` and `jupyter` are not compared: they cannot be read back and were not recorded (access-unknown)
    cost $505.70 -> $505.70, at most $505.70
    "#);
    // A rebuild gives it to the address that names it, whatever its mark says.
    let world = World::default().want("chat", adopt).want("llm", |_| {});
    assert_snapshot!(rebuilt(&unknown(world, "theirs", "llm", |_| {}), None), @"
    line above 0
    chat is theirs
    ");
}

#[test]
fn a_late_pod_of_another_create_is_recorded_with_the_token_that_it_carries() {
    let mut world = World::default().want("llm", |_| {}).have("llm", |_| {}).seen("llm", Seen::Absent);
    let later: Token = "00112233445566ff".parse().unwrap();
    world.know_token("llm", &later, false);
    let marker = Marker { token: later, ..world.marker("llm") };
    let world = world.stranger("late", |pod| pod.marker = Some(marker));
    assert_snapshot!(settles(&world), @"
    llm:adopt FoundInJournal
    drift llm: Vanished
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn what_a_person_did_not_choose_of_a_lost_state_is_a_copy_from_then_on() {
    let mut world = left_by_a_rebuild();
    let chosen = Marker { token: token("llm"), ..world.marker("llm") };
    world = world.have("llm", |_| {});
    world = world.stranger("one", |pod| pod.marker = Some(chosen));
    for known in world.prior.tokens.values_mut() {
        known.server_time = None;
        known.asked.name = None;
    }
    assert_snapshot!(plan(&world), @"
    no changes
    Warning llm: pod `one` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    Warning llm: pod `two` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched (copied-marker)
    unmanaged one $505.70
    unmanaged two $505.70
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}
