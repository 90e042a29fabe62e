//! What is not podform's to change, and what a replacement does to it: ignored fields, what others grew or added, and
//! volumes that stopped pods still mount.

use std::sync::Arc;

use insta::assert_snapshot;
use podform::model::address::Address;
use podform::model::desired::{OnRemove, OnReplace, OnStuckResume, Wanted, WantedPod, WantedVolume};
use podform::model::id::{EnvKey, PodId, RegistryId, VolumeId};
use podform::model::live::{LivePod, PodStatus, Seen, Unreadable};
use podform::model::plan::{ActionId, Operation, Planned, Step};
use podform::model::pod::Storage;
use podform::model::prior::{Api, RecordedObject};
use podform::model::registry::Registry;
use podform::model::secret::Secret;
use podform::model::settings::{Container, Field};
use podform::model::size::Gigabytes;

use super::cases::{image_2, key, local, mount_models, network, on, plain, plan, protect, settles, stopped};
use super::world::{World, address, id_of};

/// Ignores these.
fn ignoring(fields: &'static [&'static str]) -> impl Fn(&mut WantedPod) {
    move |pod| pod.lifecycle.ignore_changes = fields.iter().map(|field| field.parse().unwrap()).collect()
}

/// Others grew its local volume.
fn grown_to(size: u32) -> impl Fn(&mut LivePod) {
    move |pod| {
        pod.settings.storage = Storage::Local { size: Gigabytes(size), path: "/workspace".to_owned() };
    }
}

fn recorded(world: &World, name: &str) -> Container {
    match &world.prior.objects[&address(name)].record.object {
        RecordedObject::Pod(pod) => pod.container.clone(),
        RecordedObject::Volume(_) | RecordedObject::Secret(_) | RecordedObject::Registry(_) => {
            panic!("{name} is no pod")
        }
    }
}

fn id(name: &str, step: Step) -> ActionId {
    ActionId { address: address(name), step }
}

/// Wants, on what there is, something else.
fn wanting(world: &World, edit: impl FnOnce(&mut WantedPod)) -> World {
    let mut world = world.clone();
    world.desired.wanted.clear();
    world.want("llm", edit)
}

// Ignored fields.

#[test]
fn an_ignored_field_is_no_change_and_not_recorded_as_applied() {
    let world = World::default().have("llm", |_| {}).want("llm", |pod| {
        image_2(pod);
        ignoring(&["image"])(pod);
    });
    assert_snapshot!(plan(&world), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    let lifted = wanting(&world, image_2);
    assert_snapshot!(settles(&lifted), @"
    llm:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    cost $505.70 -> $505.70, at most $505.70
    ");
}

/// Others changed a variable, added one, took one away and changed the image.
fn meddled(ignored: &'static [&'static str]) -> World {
    World::default()
        .have("llm", |pod| {
            let env = Arc::make_mut(&mut pod.container.env);
            env.extend([(key("LEVEL"), plain("info")), (key("GONE"), plain("1"))]);
        })
        .outside("llm", |pod| {
            pod.settings.image = Some("theirs:7".to_owned());
            pod.settings.env.insert(key("LEVEL"), Secret::new("debug".to_owned()));
            pod.settings.env.insert(key("ADDED"), Secret::new("2".to_owned()));
            pod.settings.env.remove(&key("GONE"));
        })
        .want("llm", |pod| {
            let env = Arc::make_mut(&mut pod.container.env);
            env.extend([
                (key("LEVEL"), plain("info")),
                (key("GONE"), plain("1")),
                (key("MODE"), plain("fast")),
            ]);
            ignoring(ignored)(pod);
        })
}

#[test]
fn all_variables_are_left_alone_by_one_word() {
    assert_snapshot!(settles(&meddled(&["env"])), @r#"
    llm:update Changed Reset
      image: theirs:7 -> tool:1 by Outside
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    drift llm: Fields([FieldDrift { field: Image, recorded: Text("tool:1"), live: Text("theirs:7"), left_alone: false }])
    cost $505.70 -> $505.70, at most $505.70
    "#);
    assert_eq!(settles(&meddled(&["env.*"])), settles(&meddled(&["env"])));
}

#[test]
fn everything_is_left_alone_by_one_word_but_whether_it_runs() {
    let world = meddled(&["all"]);
    assert_snapshot!(plan(&world), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    let edited = wanting(&world, |pod| {
        pod.container.disk = Gigabytes(40);
        mount_models(pod);
        ignoring(&["all"])(pod);
    });
    assert_snapshot!(plan(&edited), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    let stopped_by_hand = world.outside("llm", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(settles(&stopped_by_hand), @"
    llm:start StateDrifted
      state: stopped -> running by Outside
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    drift llm: Stopped
    Warning llm: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn what_is_ignored_is_recorded_as_it_is_when_something_else_is_applied() {
    let world = World::default()
        .have("llm", |pod| {
            Arc::make_mut(&mut pod.container.env).insert(key("LEVEL"), plain("info"));
        })
        .outside("llm", |pod| {
            pod.settings.image = Some("theirs:7".to_owned());
            pod.settings.env.insert(key("LEVEL"), Secret::new("debug".to_owned()));
        })
        .want("llm", |pod| {
            image_2(pod);
            Arc::make_mut(&mut pod.container.env).insert(key("LEVEL"), plain("warn"));
            pod.container.command = vec!["serve".to_owned()];
            ignoring(&["image", "env.LEVEL"])(pod);
        });
    assert_snapshot!(settles(&world), @"
    llm:update Changed Reset
      command: - -> serve by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    cost $505.70 -> $505.70, at most $505.70
    ");
    let applied = world.applied();
    let container = recorded(&applied, "llm");
    // A live value that is neither the wanted nor the recorded one could be anybody's secret.
    assert_eq!((container.image.as_str(), &container.env[&key("LEVEL")]), ("theirs:7", &plain("info")));
    let lifted = wanting(&applied, |pod| {
        image_2(pod);
        pod.container.command = vec!["serve".to_owned()];
        Arc::make_mut(&mut pod.container.env).insert(key("LEVEL"), plain("warn"));
    });
    assert_snapshot!(settles(&lifted), @r#"
    llm:update Changed Reset
      image: theirs:7 -> tool:2 by Spec
      env.LEVEL: (other value) -> warn by Both
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    drift llm: Fields([FieldDrift { field: Env(EnvKey("LEVEL")), recorded: Text("info"), live: OtherValue, left_alone: false }])
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn other_fields_to_ignore_are_no_change() {
    let world = World::default().have("llm", |_| {}).want("llm", ignoring(&["image", "env.A"]));
    assert_snapshot!(plan(&world), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

/// Differs from a plain pod in every field that can be ignored.
fn all_else(pod: &mut WantedPod) {
    pod.container.name = "other".to_owned();
    pod.container.image = "tool:2".to_owned();
    pod.container.command = vec!["serve".to_owned()];
    Arc::make_mut(&mut pod.container.env).insert(key("MODE"), plain("fast"));
    pod.container.ports.clear();
    pod.container.disk = Gigabytes(40);
    pod.container.registry = Some(Registry::Given(RegistryId::new("reg")));
    pod.container.storage = local(50);
    pod.container.global_networking = true;
    pod.container.locked = Some(true);
    on("L40S")(pod);
    pod.access.jupyter = true;
    ignoring(&[
        "name",
        "image",
        "command",
        "env.MODE",
        "ports",
        "disk",
        "registry",
        "volumes",
        "global_networking",
        "locked",
        "gpu",
        "jupyter",
    ])(pod);
}

#[test]
fn a_replacement_shows_every_ignored_value_that_it_brings() {
    let world = World::default()
        .have("llm", |_| {})
        .want("llm", all_else)
        .option(|options| options.replace = [address("llm")].into());
    assert_snapshot!(settles(&world), @"
    llm:delete Requested
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Requested on NVIDIA L40S x1 secure
      name: acme-llm -> other by Ignored
      image: tool:1 -> tool:2 by Ignored
      command: - -> serve by Ignored
      ports: 22/tcp -> - by Ignored
      global_networking: false -> true by Ignored
      locked: false -> true by Ignored
      env.MODE: - -> fast by Ignored
      volumes: - -> local 50 GB at /workspace by Ignored
      registry: - -> reg by Ignored
      gpu: NVIDIA GeForce RTX 4090 -> L40S by Ignored
      jupyter: false -> true by Ignored
      disk: 20 GB -> 40 GB by Ignored
      ! NewPodId
    cost $505.70 -> $636.80, at most $636.80
    ");
    let without = wanting(&world, |pod| {
        all_else(pod);
        pod.container.image = "tool:3".to_owned();
    });
    assert_ne!(world.plan().plan().digest.hash, without.plan().plan().digest.hash);
}

#[test]
fn a_replacement_that_creates_first_shows_ignored_values_too() {
    let world = World::default().have("llm", |_| {}).want("llm", |pod| {
        image_2(pod);
        on("L40S")(pod);
        ignoring(&["image"])(pod);
        pod.lifecycle.on_replace = OnReplace::CreateFirst;
    });
    assert_snapshot!(settles(&world), @"
    llm:create Replaced on NVIDIA L40S x1 secure
      gpu: NVIDIA GeForce RTX 4090 -> L40S by Spec
      image: tool:1 -> tool:2 by Ignored
      ! NewPodId
    llm:delete Replaced leaves deposed {}
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $629.80, at most $629.80
    ");
}

#[test]
fn the_replacement_of_a_stuck_start_shows_ignored_values() {
    let world = World::default()
        .have("llm", |pod| {
            stopped(pod);
            pod.container.storage = local(100);
        })
        .want("llm", |pod| {
            image_2(pod);
            pod.container.storage = local(100);
            ignoring(&["image"])(pod);
            pod.lifecycle.on_stuck_resume = OnStuckResume::Replace;
        });
    assert_snapshot!(settles(&world), @r#"
    llm:record LifecycleChanged
      lifecycle: protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] -> protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: replace, ignore_changes: [image] by Spec
    llm:start StateWanted
      state: stopped -> running by Spec
      image: tool:1 -> tool:2 by Ignored
      ! LocalVolumeLost { size: Gigabytes(100), path: "/workspace" }
      ! NewPodId
      ! PublicPortsChange
      ! StartMayFail { then_replaced: true }
    cost $20.00 -> $515.70, at most $515.70
    "#);
}

#[test]
fn a_pod_created_again_has_its_ignored_values_told_apart() {
    let world = World::default().have("llm", |_| {}).seen("llm", Seen::Absent).want("llm", |pod| {
        image_2(pod);
        ignoring(&["image", "name"])(pod);
    });
    let planned = world.plan();
    let causes: Vec<String> = planned.plan().actions[&id("llm", Step::Create)]
        .changes
        .iter()
        .filter(|change| matches!(change.field, Field::Name | Field::Image))
        .map(|change| format!("{} {:?}", change.field, change.cause))
        .collect();
    assert_eq!(causes, ["name Spec", "image Ignored"]);
}

#[test]
fn what_graphql_cannot_change_is_shown_where_a_new_pod_gets_it() {
    let mut world = World { api: Api::Graphql, ..World::default() }.have("llm", |_| {}).want("llm", |pod| {
        pod.container.name = "other".to_owned();
        on("L40S")(pod);
    });
    world.api = Api::Graphql;
    assert_snapshot!(plan(&world), @"
    llm:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA L40S x1 secure
      gpu: NVIDIA GeForce RTX 4090 -> L40S by Spec
      name: acme-llm -> other by NewPodOnly
      ! NewPodId
    Warning llm: `name` is left as it is: GraphQL cannot change it on an existing pod (not-changeable)
    cost $505.70 -> $629.80, at most $629.80
    ");
}

#[test]
fn a_service_that_is_no_longer_wanted_goes_with_the_pod() {
    let world = World::default().have("llm", |_| {}).want("llm", |pod| {
        pod.access.ssh = false;
        on("L40S")(pod);
    });
    assert_snapshot!(settles(&world), @"
    llm:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA L40S x1 secure
      gpu: NVIDIA GeForce RTX 4090 -> L40S by Spec
      ssh: true -> false by NewPodOnly
      ! NewPodId
    Note llm: `ssh` stays on: it can only be taken away by replacing the pod (`--replace`) (access-kept)
    cost $505.70 -> $629.80, at most $629.80
    ");
}

// What others grew.

#[test]
fn a_local_volume_that_others_grew_is_left_alone() {
    let world = World::default()
        .have("llm", |pod| pod.container.storage = local(50))
        .want("llm", |pod| pod.container.storage = local(50))
        .outside("llm", grown_to(80));
    assert_snapshot!(plan(&world), @r#"
    no changes
    drift llm: Fields([FieldDrift { field: Volumes, recorded: Mount(Local { size: Gigabytes(50), path: "/workspace" }), live: Mount(Local { size: Gigabytes(80), path: "/workspace" }), left_alone: true }])
    Warning llm: its local volume was grown by others to 80 GB and cannot shrink to 50 GB; write `local: 80GB` (volume-larger)
    unchanged llm
    cost $513.70 -> $513.70, at most $513.70
    "#);
    let accepted = wanting(&world, |pod| pod.container.storage = local(80));
    assert_snapshot!(settles(&accepted), @r#"
    llm:record Changed
      volumes: local 50 GB at /workspace -> local 80 GB at /workspace by Spec
    drift llm: Fields([FieldDrift { field: Volumes, recorded: Mount(Local { size: Gigabytes(50), path: "/workspace" }), live: Mount(Local { size: Gigabytes(80), path: "/workspace" }), left_alone: false }])
    cost $513.70 -> $513.70, at most $513.70
    "#);
}

#[test]
fn a_local_volume_grown_by_the_author_and_further_by_others_is_left_alone() {
    let world = World::default()
        .have("llm", |pod| pod.container.storage = local(50))
        .want("llm", |pod| pod.container.storage = local(60))
        .outside("llm", grown_to(80));
    assert_snapshot!(settles(&world), @r#"
    llm:record Changed
      volumes: local 50 GB at /workspace -> local 60 GB at /workspace by Spec
    drift llm: Fields([FieldDrift { field: Volumes, recorded: Mount(Local { size: Gigabytes(50), path: "/workspace" }), live: Mount(Local { size: Gigabytes(80), path: "/workspace" }), left_alone: true }])
    Warning llm: its local volume was grown by others to 80 GB and cannot shrink to 60 GB; write `local: 80GB` (volume-larger)
    cost $513.70 -> $513.70, at most $513.70
    "#);
}

#[test]
fn only_a_smaller_size_that_the_author_wrote_replaces() {
    let world = World::default()
        .have("llm", |pod| pod.container.storage = local(50))
        .want("llm", |pod| pod.container.storage = local(40))
        .outside("llm", grown_to(80));
    assert_snapshot!(settles(&world), @r#"
    llm:delete Replaced
      ! LocalVolumeLost { size: Gigabytes(80), path: "/workspace" }
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA GeForce RTX 4090 x1 secure
      volumes: local 80 GB at /workspace -> local 40 GB at /workspace by Spec
      ! NewPodId
    drift llm: Fields([FieldDrift { field: Volumes, recorded: Mount(Local { size: Gigabytes(50), path: "/workspace" }), live: Mount(Local { size: Gigabytes(80), path: "/workspace" }), left_alone: false }])
    cost $513.70 -> $509.70, at most $509.70
    "#);
}

#[test]
fn another_path_keeps_the_size_that_others_made() {
    let world = World::default()
        .have("llm", |pod| pod.container.storage = local(50))
        .want("llm", |pod| {
            pod.container.storage = Storage::Local { size: Gigabytes(50), path: "/data".to_owned() };
        })
        .outside("llm", grown_to(80));
    assert_snapshot!(settles(&world), @r#"
    llm:update Changed Reset
      volumes: local 80 GB at /workspace -> local 80 GB at /data by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! LocalVolumeKept { size: Gigabytes(80), path: "/workspace" }
      ! PublicPortsChange
    drift llm: Fields([FieldDrift { field: Volumes, recorded: Mount(Local { size: Gigabytes(50), path: "/workspace" }), live: Mount(Local { size: Gigabytes(80), path: "/workspace" }), left_alone: true }])
    Warning llm: its local volume was grown by others to 80 GB and cannot shrink to 50 GB; write `local: 80GB` (volume-larger)
    cost $513.70 -> $513.70, at most $513.70
    "#);
    let planned = world.plan();
    let update = &planned.plan().actions[&id("llm", Step::Update)];
    let Operation::UpdatePod { patch, .. } = &update.operation else { panic!("{update:?}") };
    let expected = Storage::Local { size: Gigabytes(80), path: "/data".to_owned() };
    assert_eq!(patch.storage, Some(expected));
}

#[test]
fn growth_that_was_ignored_is_no_wish_of_the_author() {
    let world = World::default()
        .have("llm", |pod| pod.container.storage = local(50))
        .want("llm", |pod| {
            pod.container.storage = local(50);
            image_2(pod);
            ignoring(&["volumes"])(pod);
        })
        .outside("llm", grown_to(80));
    assert_snapshot!(settles(&world), @r#"
    llm:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! LocalVolumeKept { size: Gigabytes(80), path: "/workspace" }
      ! PublicPortsChange
    cost $513.70 -> $513.70, at most $513.70
    "#);
    let lifted = wanting(&world.applied(), |pod| {
        pod.container.storage = local(50);
        image_2(pod);
    });
    assert_snapshot!(plan(&lifted), @r#"
    no changes
    drift llm: Fields([FieldDrift { field: Volumes, recorded: Mount(Local { size: Gigabytes(50), path: "/workspace" }), live: Mount(Local { size: Gigabytes(80), path: "/workspace" }), left_alone: true }])
    Warning llm: its local volume was grown by others to 80 GB and cannot shrink to 50 GB; write `local: 80GB` (volume-larger)
    unchanged llm
    cost $513.70 -> $513.70, at most $513.70
    "#);
}

#[test]
fn a_local_volume_that_others_added_is_left_alone() {
    let world = World::default().have("llm", |_| {}).want("llm", |_| {}).outside("llm", grown_to(80));
    assert_snapshot!(plan(&world), @r#"
    no changes
    drift llm: Fields([FieldDrift { field: Volumes, recorded: Absent, live: Mount(Local { size: Gigabytes(80), path: "/workspace" }), left_alone: true }])
    Warning llm: it has a local volume of 80 GB that the spec never had, which only a replacement can take away (`--replace`); write it into the spec, or leave it (volume-larger)
    unchanged llm
    cost $513.70 -> $513.70, at most $513.70
    "#);
}

#[test]
fn a_larger_local_volume_of_an_adopted_pod_is_left_alone() {
    let world = World::default()
        .want("llm", |pod| {
            pod.adopt = Some(PodId::new("theirs"));
            pod.container.storage = local(50);
        })
        .stranger("theirs", grown_to(80));
    assert_snapshot!(settles(&world), @"
    llm:adopt AdoptNamed
    Warning llm: its local volume has 80 GB and cannot shrink to 50 GB; write `local: 80GB` (volume-larger)
    Note llm: `ssh` and `jupyter` are not compared: they cannot be read back and were not recorded (access-unknown)
    cost $513.70 -> $513.70, at most $513.70
    ");
}

/// A rebuilt record says what an object was like when it was found, and nothing of what the spec ever said.
#[test]
fn what_a_rebuild_found_larger_than_the_spec_is_left_alone() {
    let found = |wanted: Storage<Address>| {
        let mut world = World::default()
            .want("llm", |pod| pod.container.storage = wanted)
            .have("llm", |pod| {
                pod.container.storage = local(80);
                pod.container.disk = Gigabytes(60);
            })
            .want_volume("volume.models", 100, false)
            .have_volume("volume.models", 200, false);
        for recorded in world.prior.objects.values_mut() {
            recorded.rebuilt = true;
        }
        world
    };
    assert_snapshot!(plan(&found(local(50))), @"
    llm:record Changed
      disk: 60 GB -> 20 GB by Spec
      volumes: local 80 GB at /workspace -> local 50 GB at /workspace by Spec
    Warning volume.models: has 200 GB and cannot shrink to 100 GB; write `size: 200GB` (volume-larger)
    Warning llm: its container disk was grown to 60 GB by others; 20 GB would wipe it, so it waits for a change that does so anyway; or write `disk: 60GB` (disk-larger)
    Warning llm: its local volume has 80 GB and cannot shrink to 50 GB; write `local: 80GB` (volume-larger)
    unchanged volume.models
    cost $531.70 -> $531.70, at most $531.70
    ");
    assert_snapshot!(plan(&found(Storage::None)), @"
    llm:record Changed
      disk: 60 GB -> 20 GB by Spec
      volumes: local 80 GB at /workspace -> - by Spec
    Warning volume.models: has 200 GB and cannot shrink to 100 GB; write `size: 200GB` (volume-larger)
    Warning llm: its container disk was grown to 60 GB by others; 20 GB would wipe it, so it waits for a change that does so anyway; or write `disk: 60GB` (disk-larger)
    Warning llm: it has a local volume of 80 GB that the spec never had, which only a replacement can take away (`--replace`); write it into the spec, or leave it (volume-larger)
    unchanged volume.models
    cost $531.70 -> $531.70, at most $531.70
    ");
    // Further growth is a wish like any other.
    let mut grown = found(local(90)).want_volume("volume.models", 300, false);
    grown.desired.wanted.remove(&address("llm"));
    grown.prior.objects.remove(&address("llm"));
    grown.live.pods.clear();
    assert_snapshot!(settles(&grown), @r#"
    volume.models:update Changed
      size: 200 GB -> 300 GB by Spec
      ! NetworkVolumeKept { volume: Volume(Key("models")) }
    cost $14.00 -> $21.00, at most $21.00
    "#);
}

#[test]
fn a_larger_network_volume_that_is_adopted_is_left_alone_now_and_later() {
    let mut world =
        World::default().want_volume("volume.models", 100, false).have_volume("volume.models", 200, false);
    world.prior.objects.clear();
    let wanted = world.desired.wanted.get_mut(&address("volume.models"));
    let Some(Wanted::Volume(WantedVolume::Managed { adopt, .. })) = wanted else { panic!("{wanted:?}") };
    *adopt = Some(VolumeId::new("id-volume-models"));
    assert_snapshot!(settles(&world), @"
    volume.models:adopt AdoptNamed
    Warning volume.models: has 200 GB and cannot shrink to 100 GB; write `size: 200GB` (volume-larger)
    cost $14.00 -> $14.00, at most $14.00
    ");
    assert_snapshot!(plan(&world.applied()), @"
    no changes
    drift volume.models: Fields([FieldDrift { field: Size, recorded: Size(Gigabytes(100)), live: Size(Gigabytes(200)), left_alone: true }])
    Warning volume.models: was grown to 200 GB by others and cannot shrink to 100 GB; write `size: 200GB` (volume-larger)
    unchanged volume.models
    cost $14.00 -> $14.00, at most $14.00
    ");
}

#[test]
fn a_network_volume_grown_by_the_author_and_further_by_others_is_left_alone() {
    let mut world =
        World::default().want_volume("volume.models", 150, false).have_volume("volume.models", 100, false);
    if let Some(Seen::Found(volume)) = world.live.volumes.get_mut(&VolumeId::new("id-volume-models")) {
        volume.size = Gigabytes(300);
    }
    assert_snapshot!(plan(&world), @"
    no changes
    drift volume.models: Fields([FieldDrift { field: Size, recorded: Size(Gigabytes(100)), live: Size(Gigabytes(300)), left_alone: true }])
    Warning volume.models: was grown to 300 GB by others and cannot shrink to 150 GB; write `size: 300GB` (volume-larger)
    unchanged volume.models
    cost $21.00 -> $21.00, at most $21.00
    ");
}

#[test]
fn a_stopped_pod_is_billed_for_the_disk_that_others_made() {
    let world = World::default()
        .have("llm", |pod| pod.container.storage = local(50))
        .want("llm", |pod| {
            pod.container.storage = local(50);
            stopped(pod);
        })
        .outside("llm", grown_to(80));
    assert_snapshot!(settles(&world), @r#"
    llm:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! LocalVolumeKept { size: Gigabytes(80), path: "/workspace" }
    drift llm: Fields([FieldDrift { field: Volumes, recorded: Mount(Local { size: Gigabytes(50), path: "/workspace" }), live: Mount(Local { size: Gigabytes(80), path: "/workspace" }), left_alone: true }])
    Warning llm: its local volume was grown by others to 80 GB and cannot shrink to 50 GB; write `local: 80GB` (volume-larger)
    Warning llm: its local volume stays on this host, so a later start fails if others have its GPU by then (bound-to-host)
    cost $513.70 -> $16.00, at most $16.00
    "#);
}

#[test]
fn a_container_disk_that_others_grew_waits_for_a_reset_that_happens_anyway() {
    let grown = |pod: &mut LivePod| pod.settings.disk = Some(Gigabytes(60));
    let world = World::default().have("llm", |_| {}).want("llm", |_| {}).outside("llm", grown);
    assert_snapshot!(plan(&world), @"
    no changes
    drift llm: Fields([FieldDrift { field: Disk, recorded: Size(Gigabytes(20)), live: Size(Gigabytes(60)), left_alone: true }])
    Warning llm: its container disk was grown to 60 GB by others; 20 GB would wipe it, so it waits for a change that does so anyway; or write `disk: 60GB` (disk-larger)
    unchanged llm
    cost $509.70 -> $509.70, at most $509.70
    ");
    let reset = wanting(&world, image_2);
    assert_snapshot!(settles(&reset), @"
    llm:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      disk: 60 GB -> 20 GB by Outside
      ! ContainerDiskLost { size: Gigabytes(60) }
      ! PublicPortsChange
    drift llm: Fields([FieldDrift { field: Disk, recorded: Size(Gigabytes(20)), live: Size(Gigabytes(60)), left_alone: false }])
    cost $509.70 -> $505.70, at most $505.70
    ");
    let written_smaller = wanting(&world, |pod| pod.container.disk = Gigabytes(10));
    assert_snapshot!(settles(&written_smaller), @"
    llm:update Changed Reset
      disk: 60 GB -> 10 GB by Both
      ! ContainerDiskLost { size: Gigabytes(60) }
      ! PublicPortsChange
    drift llm: Fields([FieldDrift { field: Disk, recorded: Size(Gigabytes(20)), live: Size(Gigabytes(60)), left_alone: false }])
    cost $509.70 -> $504.70, at most $504.70
    ");
    let stops = wanting(&world, stopped);
    assert_snapshot!(settles(&stops), @"
    llm:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(60) }
    llm:update Changed InPlace
      disk: 60 GB -> 20 GB by Outside
    drift llm: Fields([FieldDrift { field: Disk, recorded: Size(Gigabytes(20)), live: Size(Gigabytes(60)), left_alone: false }])
    cost $509.70 -> $0.00, at most $0.00
    ");
}

// Variables.

#[test]
fn a_variable_that_others_added_is_drift_and_carried_along() {
    let extra = |pod: &mut LivePod| {
        pod.settings.env.insert(key("EXTRA"), Secret::new("herring".to_owned()));
        pod.settings.env.insert(key("RUNPOD_POD_ID"), Secret::new("x".to_owned()));
        pod.settings.env.insert(key("JUPYTER_PASSWORD"), Secret::new("x".to_owned()));
    };
    let world = World::default().have("llm", |_| {}).want("llm", |_| {}).outside("llm", extra);
    assert_snapshot!(plan(&world), @r#"
    no changes
    drift llm: Fields([FieldDrift { field: Env(EnvKey("EXTRA")), recorded: Absent, live: OtherValue, left_alone: true }])
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
    let changed = wanting(&world, |pod| {
        Arc::make_mut(&mut pod.container.env).insert(key("MODE"), plain("fast"));
    });
    assert!(
        changed.applied().live.pods[&PodId::new("id-llm")]
            .found()
            .unwrap()
            .settings
            .env
            .contains_key(&key("EXTRA"))
    );
    let replaced = wanting(&world, on("L40S"));
    assert_snapshot!(settles(&replaced), @r#"
    llm:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA L40S x1 secure
      gpu: NVIDIA GeForce RTX 4090 -> L40S by Spec
      env.EXTRA: (other value) -> - by NewPodOnly
      ! NewPodId
    drift llm: Fields([FieldDrift { field: Env(EnvKey("EXTRA")), recorded: Absent, live: OtherValue, left_alone: true }])
    cost $505.70 -> $629.80, at most $629.80
    "#);
}

#[test]
fn a_variable_that_is_to_be_absent_is_removed() {
    let without = |pod: &mut WantedPod| {
        pod.unwanted_env.insert(EnvKey::new("EXTRA"));
    };
    let world = World::default().have("llm", |_| {}).want("llm", without).outside("llm", |pod| {
        pod.settings.env.insert(key("EXTRA"), Secret::new("herring".to_owned()));
        pod.settings.env.insert(key("MORE"), Secret::new("herring".to_owned()));
    });
    assert_snapshot!(print_left(&world), @r#"
    llm:update Changed Reset
      env.EXTRA: (other value) -> - by Outside
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    drift llm: Fields([FieldDrift { field: Env(EnvKey("EXTRA")), recorded: Absent, live: OtherValue, left_alone: false }, FieldDrift { field: Env(EnvKey("MORE")), recorded: Absent, live: OtherValue, left_alone: true }])
    cost $505.70 -> $505.70, at most $505.70
    then
    no changes
    drift llm: Fields([FieldDrift { field: Env(EnvKey("MORE")), recorded: Absent, live: OtherValue, left_alone: true }])
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
    let declared_before = World::default()
        .have("llm", |pod| {
            Arc::make_mut(&mut pod.container.env).insert(key("EXTRA"), plain("1"));
        })
        .want("llm", without);
    assert_snapshot!(settles(&declared_before), @"
    llm:update Changed Reset
      env.EXTRA: 1 -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    cost $505.70 -> $505.70, at most $505.70
    ");
    let not_there = World::default().have("llm", |_| {}).want("llm", without);
    assert_snapshot!(plan(&not_there), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

/// Prints the plan and that of after it: what is left alone stays drift.
fn print_left(world: &World) -> String {
    format!("{}then\n{}", plan(world), plan(&world.applied()))
}

#[test]
fn a_mark_that_others_removed_is_drift_until_an_update_puts_it_back() {
    let world =
        World::default().have("llm", |_| {}).want("llm", |_| {}).outside("llm", |pod| pod.marker = None);
    assert_snapshot!(plan(&world), @"
    no changes
    drift llm: MarkRemoved
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    let updated = wanting(&world, |pod| {
        Arc::make_mut(&mut pod.container.env).insert(key("MODE"), plain("fast"));
    });
    assert_snapshot!(settles(&updated), @"
    llm:update Changed Reset
      env.MODE: - -> fast by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    drift llm: MarkRemoved
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_mark_that_others_exchanged_is_removed_as_well() {
    let world = ["llm", "embed"]
        .into_iter()
        .fold(World::default(), |world, name| world.have(name, |_| {}).want(name, |_| {}));
    let other = world.marker("embed");
    let world = world.outside("llm", |pod| pod.marker = Some(other));
    assert_snapshot!(plan(&world), @"
    no changes
    drift llm: MarkRemoved
    unchanged embed llm
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    let updated = wanting(&world, |pod| {
        Arc::make_mut(&mut pod.container.env).insert(key("MODE"), plain("fast"));
    });
    assert_snapshot!(settles(&updated), @"
    embed:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:update Changed Reset
      env.MODE: - -> fast by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    drift llm: MarkRemoved
    cost $1,011.40 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_pod_that_never_had_a_mark_has_none_removed() {
    let world = World::default().have("llm", |_| {}).want("llm", |_| {});
    let world = world
        .recorded("llm", |recorded| recorded.record.token = None)
        .outside("llm", |pod| pod.marker = None);
    assert_snapshot!(settles(&world), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_volume_that_others_renamed_has_its_mark_removed() {
    let id = VolumeId::new(id_of("volume.models"));
    let mut renamed =
        World::default().want_volume("volume.models", 100, false).have_volume("volume.models", 100, false);
    let Some(Seen::Found(volume)) = renamed.live.volumes.get_mut(&id) else { panic!("it is live") };
    volume.name = "our models".to_owned();
    let imported = renamed.clone().recorded("volume.models", |recorded| recorded.record.token = None);
    assert_snapshot!(settles(&renamed) + &settles(&imported), @"
    no changes
    Warning volume.models: was named `our models` by others, so that it has its mark removed: if the state is lost, only its id finds it again (`adopt:`) (mark-removed)
    unchanged volume.models
    cost $7.00 -> $7.00, at most $7.00
    no changes
    unchanged volume.models
    cost $7.00 -> $7.00, at most $7.00
    ");
}

// A volume that leaves the spec under stopped pods.

fn leaving_volume() -> World {
    World::default().have_volume("volume.models", 100, false)
}

fn mounted_and_stopped(pod: &mut WantedPod) {
    mount_models(pod);
    stopped(pod);
}

#[test]
fn a_stopped_pod_goes_with_the_volume_that_it_mounts() {
    let world = leaving_volume().have("llm", mounted_and_stopped).want("llm", stopped);
    assert_snapshot!(settles(&world), @r#"
    llm:delete VolumeRemoved
    volume.models:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("models")), size: Gigabytes(100) }
    llm:delete before volume.models:delete
    Warning llm: is stopped and still mounts `volume.models`, which is deleted: RunPod refuses that while a pod mounts it, so the pod is terminated; it is created again when it is next wanted running (terminated-with-volume)
    cost $7.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn several_stopped_pods_go_with_their_volume() {
    let world = leaving_volume()
        .have("a", mounted_and_stopped)
        .have("b", mounted_and_stopped)
        .want("a", stopped)
        .want("b", |pod| pod.container.storage = Storage::None);
    assert_snapshot!(settles(&world), @r#"
    a:delete VolumeRemoved
    b:delete Replaced
    volume.models:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("models")), size: Gigabytes(100) }
    b:create Replaced on NVIDIA GeForce RTX 4090 x1 secure
      volumes: network volume id-volume-models at /models -> - by Spec
      ! NewPodId
    a:delete before volume.models:delete
    b:delete before volume.models:delete
    Warning a: is stopped and still mounts `volume.models`, which is deleted: RunPod refuses that while a pod mounts it, so the pod is terminated; it is created again when it is next wanted running (terminated-with-volume)
    cost $7.00 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_pod_that_is_to_be_stopped_goes_with_its_volume() {
    let world = leaving_volume().have("llm", mount_models).want("llm", stopped);
    assert_snapshot!(settles(&world), @r#"
    llm:delete VolumeRemoved
      ! ContainerDiskLost { size: Gigabytes(20) }
    volume.models:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("models")), size: Gigabytes(100) }
    llm:delete before volume.models:delete
    Warning llm: is stopped and still mounts `volume.models`, which is deleted: RunPod refuses that while a pod mounts it, so the pod is terminated; it is created again when it is next wanted running (terminated-with-volume)
    cost $512.70 -> $0.00, at most $0.00
    "#);
}

#[test]
fn nothing_goes_with_a_volume_that_somebody_else_mounts() {
    let world =
        leaving_volume().have("llm", mounted_and_stopped).want("llm", stopped).stranger("theirs", |pod| {
            pod.settings.storage = Storage::Network {
                volume: VolumeId::new(id_of("volume.models")),
                path: "/models".to_owned(),
            };
        });
    assert_snapshot!(plan(&world), @r#"
    blocked
    held volume.models: NotPossible("pod `theirs` (acme-llm) still mounts it, and RunPod refuses to delete a network volume in use")
    Note llm: `volumes` can only be changed by a replacement, which waits until the pod is wanted running (replaced-when-running)
    unmanaged theirs $505.70
    unchanged llm
    cost $7.00 -> $7.00, at most $7.00
    "#);
}

#[test]
fn a_protected_pod_does_not_go_with_its_volume() {
    let guarded = |pod: &mut WantedPod| {
        mounted_and_stopped(pod);
        protect(pod);
    };
    let world = leaving_volume().have("llm", guarded).want("llm", |pod| {
        stopped(pod);
        protect(pod);
    });
    assert_snapshot!(plan(&world), @r#"
    blocked
      because Protected { address: Pod { key: Key("llm"), replica: None }, step: Delete }
    llm:delete VolumeRemoved
    volume.models:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("models")), size: Gigabytes(100) }
    llm:delete before volume.models:delete
    Warning llm: is stopped and still mounts `volume.models`, which is deleted: RunPod refuses that while a pod mounts it, so the pod is terminated; it is created again when it is next wanted running (terminated-with-volume)
    cost $7.00 -> $0.00, at most $0.00
    "#);
    let locked = leaving_volume()
        .have("llm", mounted_and_stopped)
        .want("llm", stopped)
        .outside("llm", |pod| pod.settings.locked = Some(Some(true)));
    assert!(matches!(locked.plan(), Planned::Blocked { .. }));
}

#[test]
fn a_kept_pod_goes_with_the_volume_that_it_mounts() {
    let kept = |pod: &mut WantedPod| {
        mounted_and_stopped(pod);
        pod.lifecycle.on_remove = OnRemove::Stop;
    };
    let leaves_with_it = leaving_volume().have("llm", kept);
    assert_snapshot!(settles(&leaves_with_it), @r#"
    llm:delete VolumeRemoved
    volume.models:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("models")), size: Gigabytes(100) }
    llm:delete before volume.models:delete
    Warning llm: is stopped and still mounts `volume.models`, which is deleted: RunPod refuses that while a pod mounts it, so the pod is terminated (terminated-with-volume)
    cost $7.00 -> $0.00, at most $0.00
    "#);
    let retired =
        leaving_volume().have("llm", kept).recorded("llm", |recorded| recorded.record.retired = true);
    assert_snapshot!(settles(&retired), @r#"
    llm:delete VolumeRemoved
    volume.models:delete Removed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("models")), size: Gigabytes(100) }
    llm:delete before volume.models:delete
    Warning llm: is stopped and still mounts `volume.models`, which is deleted: RunPod refuses that while a pod mounts it, so the pod is terminated (terminated-with-volume)
    cost $7.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_pod_that_is_given_up_to_others_keeps_its_volume() {
    let world = leaving_volume().have("llm", |pod| {
        mounted_and_stopped(pod);
        pod.lifecycle.on_remove = OnRemove::Forget;
    });
    assert_snapshot!(plan(&world), @r#"
    llm:forget Removed (tombstone)
      ! GoesOnUnmanaged
    held volume.models: NotPossible("pod `id-llm` (acme-llm) still mounts it, and RunPod refuses to delete a network volume in use")
    Warning llm: goes on running and being billed, unmanaged (forgotten)
    cost $7.00 -> $7.00, at most $7.00
    "#);
}

#[test]
fn a_stopped_pod_does_not_go_with_a_volume_that_is_held() {
    let world = leaving_volume()
        .have("llm", mounted_and_stopped)
        .want("llm", stopped)
        .have("hidden", |pod| {
            pod.container.storage = network("volume.models");
        })
        .seen("hidden", Seen::Unreadable(Unreadable::Failed("timeout".to_owned())));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held volume.models: DependsOn(Pod { key: Key("hidden"), replica: None })
    held hidden: Unreadable("timeout")
    held llm: DependsOn(Volume(Key("models")))
    Warning llm: is stopped and still mounts `volume.models`, which is deleted: RunPod refuses that while a pod mounts it, so the pod is terminated; it is created again when it is next wanted running (terminated-with-volume)
    cost $512.70 -> $512.70, at most $512.70
    "#);
}

#[test]
fn destroy_ends_stopped_pods_and_their_volumes() {
    let world = leaving_volume()
        .have("llm", mounted_and_stopped)
        .outside("llm", |pod| pod.status = PodStatus::Exited)
        .option(|options| options.destroy = true);
    assert_snapshot!(plan(&world), @r#"
    llm:delete Destroyed
    volume.models:delete Destroyed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("models")), size: Gigabytes(100) }
    llm:delete before volume.models:delete
    cost $7.00 -> $0.00, at most $0.00
    "#);
}
