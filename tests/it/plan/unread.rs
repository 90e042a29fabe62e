//! What the account lists and cannot be read: it is said, and never taken for what is not there.

use insta::assert_snapshot;
use podform::model::desired::{Wanted, WantedVolume};
use podform::model::id::{PodId, ProjectName, RemoteId, VolumeId};
use podform::model::journal::ActionStatus;
use podform::model::live::{Origin, Seen, Unreadable};
use podform::model::marker::Marker;

use super::cases::{network, open, plan};
use super::world::{World, address, id_of};

fn odd(what: &str) -> Unreadable {
    Unreadable::Malformed(format!("GET /v2/{what} failed: the field `name` of the answer is not understood"))
}

/// Makes a listing have an entry without id.
fn nameless(mut world: World) -> World {
    let why = |what: &str| format!("GET /v2/{what} failed: the answer has no field `{what}[].id`");
    world.live.nameless_pods.push(why("pods"));
    world.live.nameless_volumes.push(why("networkVolumes"));
    world
}

#[test]
fn odd_entries_of_strangers_are_said_and_hinder_nothing() {
    let mut world = nameless(World::default().want("llm", |_| {}));
    for id in ["p1", "p2"] {
        world.live.pods.insert(PodId::new(id), Seen::Unreadable(odd("pods")));
    }
    world.live.volumes.insert(VolumeId::new("v1"), Seen::Unreadable(odd("network-volumes")));
    assert_snapshot!(plan(&world), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    Warning : 1 entry of the account's network volumes is left out, and no network volume counts as gone meanwhile: GET /v2/networkVolumes failed: the answer has no field `networkVolumes[].id` (entry-left-out)
    Warning : 1 entry of the account's pods is left out, and no pod counts as gone meanwhile: GET /v2/pods failed: the answer has no field `pods[].id` (entry-left-out)
    Warning : network volume `v1` is left out, as whose it is is not known: GET /v2/network-volumes failed: the field `name` of the answer is not understood (entry-left-out)
    Warning : pods `p1`, `p2` are left out, as whose they are is not known: GET /v2/pods failed: the field `name` of the answer is not understood (entry-left-out)
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_recorded_object_behind_an_odd_entry_is_held_and_not_made_again() {
    let mut world = World::default().want("llm", |_| {}).have("llm", |_| {});
    world = world.want_volume("volume.models", 100, false).have_volume("volume.models", 100, false);
    world = world.seen("llm", Seen::Unreadable(odd("pods")));
    world
        .live
        .volumes
        .insert(VolumeId::new(id_of("volume.models")), Seen::Unreadable(odd("network-volumes")));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held volume.models: Unreadable("GET /v2/network-volumes failed: the field `name` of the answer is not understood")
    held llm: Unreadable("GET /v2/pods failed: the field `name` of the answer is not understood")
    cost $512.70 -> $512.70, at most $512.70
    "#);
}

#[test]
fn what_may_be_an_entry_without_id_is_held_and_not_made_again() {
    let mut world = nameless(World::default().want("llm", |_| {}).have("llm", |_| {}));
    world = world.seen("llm", Seen::Unreadable(Unreadable::MayBeNameless));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held llm: Unreadable("not listed, but an entry of the listing has no id that could be read, and may be it")
    Warning : 1 entry of the account's network volumes is left out, and no network volume counts as gone meanwhile: GET /v2/networkVolumes failed: the answer has no field `networkVolumes[].id` (entry-left-out)
    Warning : 1 entry of the account's pods is left out, and no pod counts as gone meanwhile: GET /v2/pods failed: the answer has no field `pods[].id` (entry-left-out)
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn what_adopt_and_id_name_is_not_missing_beside_an_entry_without_id() {
    let mut world = World::default().want("llm", |pod| pod.adopt = Some(PodId::new("theirs")));
    world = world.want("embed", |pod| pod.container.storage = network("volume.given"));
    world = world.want_volume("volume.models", 100, false);
    let adopted = world.desired.wanted.get_mut(&address("volume.models"));
    let Some(Wanted::Volume(WantedVolume::Managed { adopt, .. })) = adopted else { panic!("it is managed") };
    *adopt = Some(VolumeId::new("theirs"));
    let given = WantedVolume::Referenced { id: VolumeId::new("given") };
    world.desired.wanted.insert(address("volume.given"), Wanted::Volume(given));
    assert_snapshot!(plan(&nameless(world)), @r#"
    blocked
    held volume.given: Unreadable("network volume `given`: not listed, but an entry of the listing has no id that could be read, and may be it")
    held volume.models: Unreadable("network volume `theirs`: not listed, but an entry of the listing has no id that could be read, and may be it")
    held embed: DependsOn(Volume(Key("given")))
    held llm: Unreadable("pod `theirs`: not listed, but an entry of the listing has no id that could be read, and may be it")
    Warning : 1 entry of the account's network volumes is left out, and no network volume counts as gone meanwhile: GET /v2/networkVolumes failed: the answer has no field `networkVolumes[].id` (entry-left-out)
    Warning : 1 entry of the account's pods is left out, and no pod counts as gone meanwhile: GET /v2/pods failed: the answer has no field `pods[].id` (entry-left-out)
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn an_old_create_without_an_answer_may_be_an_entry_that_cannot_be_read() {
    let world = open(World::default().want("llm", |_| {}), ActionStatus::Unknown { id: None }, 0);
    let mut with_id = world.clone();
    with_id.live.pods.insert(PodId::new("p1"), Seen::Unreadable(odd("pods")));
    let plans = [&world, &with_id, &nameless(world.clone())].map(plan).concat();
    assert_snapshot!(plans, @r#"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    cost $0.00 -> $505.70, at most $505.70
    blocked
    held llm: Unreadable("what a create of an earlier run made may be an entry of the listing that cannot be read")
    Warning : pod `p1` is left out, as whose it is is not known: GET /v2/pods failed: the field `name` of the answer is not understood (entry-left-out)
    cost $0.00 -> $0.00, at most $0.00
    blocked
    held llm: Unreadable("what a create of an earlier run made may be an entry of the listing that cannot be read")
    Warning : 1 entry of the account's network volumes is left out, and no network volume counts as gone meanwhile: GET /v2/networkVolumes failed: the answer has no field `networkVolumes[].id` (entry-left-out)
    Warning : 1 entry of the account's pods is left out, and no pod counts as gone meanwhile: GET /v2/pods failed: the answer has no field `pods[].id` (entry-left-out)
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

/// Makes a pod of the listing unreadable but for its mark.
fn marked(mut world: World, id: &str, marker: Marker) -> World {
    world.live.pods.insert(PodId::new(id), Seen::Unreadable(odd("pods")));
    world.live.origins.insert(RemoteId::Pod(PodId::new(id)), Origin::Pod(marker));
    world
}

#[test]
fn what_cannot_be_read_and_carries_the_mark_of_an_address_is_not_made_again() {
    let world = World::default().want("llm", |_| {}).want("chat", |_| {});
    let ours = world.marker("llm");
    let theirs = Marker { project: ProjectName::new("other"), ..world.marker("chat") };
    let lost = marked(marked(world, "p1", ours), "p2", theirs);
    let known = lost.clone().have("chat", |_| {});
    let text: String = [&lost, &known].into_iter().map(plan).collect();
    assert_snapshot!(text, @r#"
    blocked
      because StateEmpty(Unknown { objects: {Pod(PodId("p1")): Pod { key: Key("llm"), replica: None }}, monthly: Amount { known: Monthly(0), unknown_parts: 0 } })
    Warning : pods `p1`, `p2` are left out, as whose they are is not known: GET /v2/pods failed: the field `name` of the answer is not understood (entry-left-out)
    cost $0.00 -> $0.00, at most $0.00
    blocked
    held llm: Unreadable("`p1`, which carries its mark, cannot be read")
    Warning : pods `p1`, `p2` are left out, as whose they are is not known: GET /v2/pods failed: the field `name` of the answer is not understood (entry-left-out)
    unchanged chat
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn what_nothing_can_be_read_of_may_be_what_a_rebuild_did_not_find() {
    let mut world = World::default().want("llm", |_| {}).want("chat", |_| {}).have("chat", |_| {});
    world.live.pods.insert(PodId::new("p1"), Seen::Unreadable(odd("pods")));
    let rebuilt = world.clone().recorded("chat", |recorded| recorded.rebuilt = true);
    let mut unmarked = rebuilt.clone();
    unmarked.live.origins.insert(RemoteId::Pod(PodId::new("p1")), Origin::Unmarked);
    let text: String = [&rebuilt, &unmarked, &world].into_iter().map(plan).collect();
    assert_snapshot!(text, @r#"
    blocked
    held llm: Unreadable("an entry of the account's listing cannot be read and may be it, as this state knows only what a rebuild found")
    Warning : pod `p1` is left out, as whose it is is not known: GET /v2/pods failed: the field `name` of the answer is not understood (entry-left-out)
    unchanged chat
    cost $505.70 -> $505.70, at most $505.70
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    Warning : pod `p1` is left out, as whose it is is not known: GET /v2/pods failed: the field `name` of the answer is not understood (entry-left-out)
    unchanged chat
    cost $505.70 -> $1,011.40, at most $1,011.40
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    Warning : pod `p1` is left out, as whose it is is not known: GET /v2/pods failed: the field `name` of the answer is not understood (entry-left-out)
    unchanged chat
    cost $505.70 -> $1,011.40, at most $1,011.40
    "#);
}

#[test]
fn a_command_that_runpod_may_cut_otherwise_is_said_at_an_import_and_is_no_difference() {
    let guessed = |is_imported: bool| {
        let import = World::default()
            .want("llm", |pod| pod.adopt = Some(PodId::new("theirs")))
            .stranger("theirs", |pod| pod.command_is_guess = true);
        let later = World::default().want("llm", |_| {}).have("llm", |_| {}).outside("llm", |pod| {
            pod.command_is_guess = true;
        });
        plan(&if is_imported { import } else { later })
    };
    assert_snapshot!(guessed(true), @"
    llm:adopt AdoptNamed
    Note llm: its command is kept as a text that RunPod may cut into other words than these; check it (command-is-guess)
    Note llm: `ssh` and `jupyter` are not compared: they cannot be read back and were not recorded (access-unknown)
    cost $505.70 -> $505.70, at most $505.70
    ");
    assert_snapshot!(guessed(false), @"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}
