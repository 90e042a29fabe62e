//! Credentials for container registries.

use insta::assert_snapshot;
use podform::model::desired::{Move, OnRemove, Wanted, WantedPod};
use podform::model::id::{PodId, RegistryId, RemoteId, RunId, RunNonce};
use podform::model::journal::ActionStatus;
use podform::model::live::{Inventory, LivePod, LiveRegistry, Seen};
use podform::model::plan::{ActionId, Step};
use podform::model::pod::EnvValue;
use podform::model::prior::{OpenIntent, RecordedObject};
use podform::model::registry::{Credentials, Registry};
use podform::model::secret::{Secret, SecretName};
use podform::plan;

use super::cases::{image_2, plan, settles, stopped};
use super::world::{World, address, time};

fn credentials(username: &str) -> Credentials {
    Credentials {
        username: EnvValue::Plain(username.to_owned()),
        password: SecretName::Declared("ghcr".to_owned()),
    }
}

fn pulls(pod: &mut WantedPod) {
    pod.container.registry = Some(Registry::Made(address("registry.ghcr")));
    pod.depends_on.insert(address("registry.ghcr"));
}

fn given(id: &str) -> impl Fn(&mut WantedPod) {
    move |pod| pod.container.registry = Some(Registry::Given(RegistryId::new(id)))
}

fn listed(registries: &[(&str, &str)]) -> Inventory<LiveRegistry> {
    let one = |(id, name): &(&str, &str)| LiveRegistry { id: RegistryId::new(*id), name: (*name).to_owned() };
    Inventory::Listed { found: registries.iter().map(one).collect(), odd: Vec::new() }
}

fn registries(world: &mut World) -> &mut Vec<LiveRegistry> {
    match &mut world.live.registries {
        Inventory::Listed { found, odd: _ } => found,
        other => panic!("registries are {other:?}"),
    }
}

/// Wants two pods that pull with what podform stores.
fn wanted() -> World {
    let mut world = World::default().want("llm", pulls).want("web", pulls);
    let wanted = Wanted::Registry(credentials("bot"));
    world.desired.wanted.insert(address("registry.ghcr"), wanted);
    world.live.registries = listed(&[("theirs", "theirs")]);
    world.secrets.insert(SecretName::Declared("ghcr".to_owned()), Secret::new("swordfish".to_owned()));
    world
}

/// Has both, made an hour ago.
fn applied() -> World {
    let mut world = wanted().applied();
    world.live.server_time = Some(time(24_000));
    world
}

fn rotating(mut world: World) -> World {
    world.options.rotate.insert("ghcr".parse().unwrap());
    world.nonce = RunNonce::new("another");
    world
}

/// Has somebody change a pod of ours in the console.
fn edited(mut world: World, name: &str, edit: impl Fn(&mut LivePod)) -> World {
    let RemoteId::Pod(id) = world.prior.objects[&address(name)].id.clone() else {
        panic!("{name} is no pod")
    };
    match world.live.pods.get_mut(&id) {
        Some(Seen::Found(pod)) => edit(pod),
        other => panic!("{name} is {other:?}"),
    }
    world
}

/// Somebody's own pod pulls with what is on record.
fn with_guest(world: World) -> World {
    let id = registry_of(&world);
    world.stranger("guest", move |pod: &mut LivePod| pod.settings.registry = Some(Some(id)))
}

fn registry_of(world: &World) -> RegistryId {
    match &world.prior.objects[&address("registry.ghcr")].id {
        RemoteId::Registry(id) => id.clone(),
        other => panic!("{other}"),
    }
}

#[test]
fn credentials_are_made_before_the_pods_that_pull_with_them() {
    assert_snapshot!(settles(&wanted()), @"
    registry.ghcr:create New
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    web:create New on NVIDIA GeForce RTX 4090 x1 secure
    registry.ghcr:create before llm:create
    registry.ghcr:create before web:create
    cost $0.00 -> $1,011.40, at most $1,011.40
    ");
    assert_snapshot!(settles(&applied()), @"
    no changes
    unchanged registry.ghcr llm web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn what_is_empty_is_not_sent() {
    let mut world = wanted();
    world.secrets.insert(SecretName::Declared("ghcr".to_owned()), Secret::new(String::new()));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held registry.ghcr: NotPossible("its password, the value of secret `ghcr`, is empty, and RunPod takes none that is")
    held llm: DependsOn(Registry(Key("ghcr")))
    held web: DependsOn(Registry(Key("ghcr")))
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn rotate_makes_others_moves_the_pods_and_deletes_the_old_ones() {
    assert_snapshot!(settles(&rotating(applied())), @"
    registry.ghcr:create RotateRequested
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    registry.ghcr:create before llm:update
    registry.ghcr:create before web:update
    llm:update before registry.ghcr:delete-deposed
    web:update before registry.ghcr:delete-deposed
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn a_stopped_pod_is_moved_over_and_stays_stopped() {
    let both = |pod: &mut WantedPod| {
        pulls(pod);
        stopped(pod);
    };
    let mut world = applied().want("web", both).applied();
    world.live.server_time = Some(time(28_000));
    assert_snapshot!(settles(&rotating(world)), @"
    registry.ghcr:create RotateRequested
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:update Changed InPlace
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    registry.ghcr:create before llm:update
    registry.ghcr:create before web:update
    llm:update before registry.ghcr:delete-deposed
    web:update before registry.ghcr:delete-deposed
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn another_user_or_another_secret_takes_other_credentials() {
    let mut user = applied();
    user.desired.wanted.insert(address("registry.ghcr"), Wanted::Registry(credentials("robot")));
    user.nonce = RunNonce::new("another");
    assert_snapshot!(settles(&user), @"
    registry.ghcr:create Changed
      username: bot -> robot by Spec
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    registry.ghcr:create before llm:update
    registry.ghcr:create before web:update
    llm:update before registry.ghcr:delete-deposed
    web:update before registry.ghcr:delete-deposed
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    let mut secret = applied();
    let other = Credentials { password: SecretName::Declared("other".to_owned()), ..credentials("bot") };
    secret.desired.wanted.insert(address("registry.ghcr"), Wanted::Registry(other));
    secret.nonce = RunNonce::new("another");
    assert_snapshot!(settles(&secret), @"
    registry.ghcr:create Changed
      password: (secret) -> (secret) by Spec
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    registry.ghcr:create before llm:update
    registry.ghcr:create before web:update
    llm:update before registry.ghcr:delete-deposed
    web:update before registry.ghcr:delete-deposed
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn what_a_run_left_half_done_is_finished_without_being_asked_again() {
    let world = rotating(applied());
    for steps in 0..4 {
        let mut cut = world.applied_until(steps);
        if steps > 0 {
            cut.options.rotate.clear();
        }
        cut.live.server_time = Some(time(28_000));
        let steps = settles(&cut);
        assert_eq!(cut.applied().live.registries.found().len(), 2, "{steps}");
    }
    let mut cut = world.applied_until(2);
    cut.options.rotate.clear();
    cut.live.server_time = Some(time(28_000));
    assert_snapshot!(settles(&cut), @"
    web:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    web:update before registry.ghcr:delete-deposed
    unchanged llm
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn the_old_ones_stay_while_a_pod_of_others_pulls_with_them() {
    let mut world = rotating(with_guest(applied())).applied();
    world.options.rotate.clear();
    world.live.server_time = Some(time(28_000));
    assert_snapshot!(plan(&world), @"
    no changes
    Warning registry.ghcr: `reg-3fdaf4fb`, which others took the place of, is not deleted: pod `guest` (acme-llm) still pulls with it, and RunPod deletes no credentials in use (registry-in-use)
    unmanaged guest $505.70
    unchanged registry.ghcr llm web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    world.live.pods.insert(PodId::new("guest"), Seen::Absent);
    assert_snapshot!(settles(&world), @"
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    unchanged llm web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn a_record_of_what_was_replaced_that_points_at_others_deletes_nothing() {
    for name in ["one.ghcr.0123abcd", "theirs"] {
        let mut world = applied();
        registries(&mut world).push(LiveRegistry { id: RegistryId::new("r9"), name: name.to_owned() });
        let world = world.recorded("registry.ghcr", |recorded| {
            if let RecordedObject::Registry(registry) = &mut recorded.record.object {
                registry.deposed.insert(RegistryId::new("r9"));
            }
        });
        insta::allow_duplicates! {
            assert_snapshot!(settles(&world), @"
            registry.ghcr:record Vanished
            unchanged llm web
            cost $1,011.40 -> $1,011.40, at most $1,011.40
            ");
        }
    }
}

#[test]
fn a_pod_that_must_not_be_reset_blocks_the_plan() {
    let world = edited(rotating(applied()), "web", |pod| pod.settings.locked = Some(Some(true)));
    assert_snapshot!(plan(&world), @r#"
    blocked
      because Locked { address: Pod { key: Key("web"), replica: None }, step: Update }
    registry.ghcr:create RotateRequested
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    registry.ghcr:create before llm:update
    registry.ghcr:create before web:update
    llm:update before registry.ghcr:delete-deposed
    web:update before registry.ghcr:delete-deposed
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
}

#[test]
fn credentials_that_are_gone_are_made_again_and_the_pods_get_them() {
    let mut world = applied();
    registries(&mut world).retain(|registry| registry.name == "theirs");
    world.nonce = RunNonce::new("another");
    assert_snapshot!(settles(&world), @"
    registry.ghcr:create Vanished
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:create before llm:update
    registry.ghcr:create before web:update
    drift registry.ghcr: Vanished
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    world.live.server_time = Some(time(20_050));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held registry.ghcr: Unreadable("recorded less than 120 s ago and not listed yet")
    unchanged llm web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
}

#[test]
fn without_the_mark_they_are_neither_replaced_nor_deleted() {
    let mut world = applied();
    registries(&mut world).last_mut().unwrap().name = "renamed".to_owned();
    assert_snapshot!(plan(&world), @"
    no changes
    Warning registry.ghcr: the name `renamed` in RunPod is not podform's mark, so it is neither replaced nor deleted (mark-removed)
    unchanged registry.ghcr llm web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    assert_snapshot!(plan(&rotating(world.clone())), @r#"
    blocked
    held registry.ghcr: NotPossible("its name is not podform's mark, so that nothing takes its place")
    Warning registry.ghcr: the name `renamed` in RunPod is not podform's mark, so it is neither replaced nor deleted (mark-removed)
    unchanged llm web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
    world.options.destroy = true;
    assert_snapshot!(plan(&world), @"
    registry.ghcr:forget Destroyed (tombstone)
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    web:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    Warning registry.ghcr: the name `renamed` in RunPod is not podform's mark, so it is neither replaced nor deleted (mark-removed)
    cost $1,011.40 -> $0.00, at most $0.00
    ");
}

#[test]
fn what_others_made_is_never_taken() {
    let mut world = wanted();
    world.live.registries =
        listed(&[("a", "other.ghcr.00000000"), ("b", "acme-x.ghcr.00000000"), ("c", "ghcr")]);
    assert_snapshot!(settles(&world), @"
    registry.ghcr:create New
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    web:create New on NVIDIA GeForce RTX 4090 x1 secure
    registry.ghcr:create before llm:create
    registry.ghcr:create before web:create
    cost $0.00 -> $1,011.40, at most $1,011.40
    ");
    world.live.registries = listed(&[("d", "acme.ghcr.00000000")]);
    assert_snapshot!(plan(&world), @r#"
    blocked
    held registry.ghcr: Marked { ids: {Registry(RegistryId("d"))} }
    held llm: DependsOn(Registry(Key("ghcr")))
    held web: DependsOn(Registry(Key("ghcr")))
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn what_cannot_be_listed_is_held_with_what_needs_it() {
    for (registries, also) in [
        (Inventory::Unread("GET /v2/registries was rejected: access denied".to_owned()), "unread"),
        (Inventory::NotAsked, "not asked"),
    ] {
        let mut world = wanted();
        world.live.registries = registries.clone();
        assert!(world.plan().plan().actions.is_empty(), "{also}");
        let mut world = applied();
        world.live.registries = registries;
        assert!(world.plan().plan().actions.is_empty(), "{also}");
    }
    let mut odd = wanted();
    odd.live.registries =
        Inventory::Listed { found: Vec::new(), odd: vec!["`r1`: `name` is missing".to_owned()] };
    assert_snapshot!(plan(&odd), @r#"
    blocked
    held registry.ghcr: Unreadable("it may be what cannot be read: `r1`: `name` is missing")
    held llm: DependsOn(Registry(Key("ghcr")))
    held web: DependsOn(Registry(Key("ghcr")))
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_pod_is_stopped_though_what_it_pulls_with_is_not_seen() {
    let mut world = applied().want("llm", |pod| {
        pulls(pod);
        stopped(pod);
    });
    world.live.registries = Inventory::Unread("access denied".to_owned());
    let mut again = applied().want("llm", |pod| {
        pulls(pod);
        image_2(pod);
    });
    again.live.registries = Inventory::Unread("access denied".to_owned());
    assert_snapshot!(plan(&world) + &plan(&again), @r#"
    llm:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    held registry.ghcr: Unreadable("access denied")
    unchanged web
    cost $1,011.40 -> $505.70, at most $505.70
    blocked
    held registry.ghcr: Unreadable("access denied")
    held llm: DependsOn(Registry(Key("ghcr")))
    unchanged web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
}

#[test]
fn credentials_that_leave_the_spec_go_after_the_pods_have_left_them() {
    let plain = |pod: &mut WantedPod| pod.container.registry = None;
    let mut world = applied().want("llm", plain).want("web", plain);
    world.desired.wanted.remove(&address("registry.ghcr"));
    assert_snapshot!(settles(&world), @"
    llm:record LifecycleChanged
      depends_on: registry.ghcr -> - by Spec
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:record LifecycleChanged
      depends_on: registry.ghcr -> - by Spec
    web:update Changed Reset
      registry: reg-3fdaf4fb -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:delete Removed (tombstone)
      ! TemplatesLoseIt
    llm:update before registry.ghcr:delete
    web:update before registry.ghcr:delete
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    assert_snapshot!(plan(&with_guest(world.clone())), @r#"
    llm:record LifecycleChanged
      depends_on: registry.ghcr -> - by Spec
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:record LifecycleChanged
      depends_on: registry.ghcr -> - by Spec
    web:update Changed Reset
      registry: reg-3fdaf4fb -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    held registry.ghcr: NotPossible("pod `guest` (acme-llm) still pulls with it, and RunPod deletes no credentials in use")
    unmanaged guest $505.70
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
    world.desired.removed.insert(address("registry.ghcr"), OnRemove::Forget);
    assert_snapshot!(settles(&world), @"
    registry.ghcr:forget Removed (tombstone)
    llm:record LifecycleChanged
      depends_on: registry.ghcr -> - by Spec
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:record LifecycleChanged
      depends_on: registry.ghcr -> - by Spec
    web:update Changed Reset
      registry: reg-3fdaf4fb -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    Note registry.ghcr: the credentials `acme.ghcr.3fdaf4fb` stay in RunPod, unmanaged (registry-stays)
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn destroy_deletes_them_after_the_pods() {
    let mut world = applied();
    world.options.destroy = true;
    assert_snapshot!(plan(&world), @"
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    web:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    registry.ghcr:delete Destroyed (tombstone)
      ! TemplatesLoseIt
    llm:delete before registry.ghcr:delete
    web:delete before registry.ghcr:delete
    cost $1,011.40 -> $0.00, at most $0.00
    ");
    assert_snapshot!(plan(&with_guest(world)), @r#"
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    web:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    held registry.ghcr: NotPossible("pod `guest` (acme-llm) still pulls with it, and RunPod deletes no credentials in use")
    unmanaged guest $505.70
    cost $1,011.40 -> $0.00, at most $0.00
    "#);
}

#[test]
fn another_key_is_another_address_of_the_same_object() {
    let mut world = applied();
    let wanted = world.desired.wanted.remove(&address("registry.ghcr")).unwrap();
    world.desired.wanted.insert(address("registry.github"), wanted);
    for name in ["llm", "web"] {
        world = world.want(name, |pod| {
            pod.container.registry = Some(Registry::Made(address("registry.github")));
            pod.depends_on.insert(address("registry.github"));
        });
    }
    world.desired.moved.push(Move { from: address("registry.ghcr"), to: address("registry.github") });
    assert_snapshot!(settles(&world), @"
    registry.github:move Renamed from registry.ghcr
    llm:record Changed
      registry: registry.ghcr -> registry.github by Spec
      depends_on: registry.ghcr -> registry.github by Spec
    web:record Changed
      registry: registry.ghcr -> registry.github by Spec
      depends_on: registry.ghcr -> registry.github by Spec
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn what_somebody_gave_a_pod_is_drift_and_put_right() {
    let theirs = |pod: &mut LivePod| pod.settings.registry = Some(Some(RegistryId::new("theirs")));
    assert_snapshot!(settles(&edited(applied(), "web", theirs)), @r#"
    web:update Changed Reset
      registry: theirs -> registry.ghcr by Outside
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    drift web: Fields([FieldDrift { field: Registry, recorded: Word("registry.ghcr"), live: Text("theirs"), left_alone: false }])
    unchanged registry.ghcr llm
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
    // An API that does not tell.
    let silent = edited(applied(), "web", |pod| pod.settings.registry = None);
    assert_snapshot!(settles(&silent), @"
    no changes
    unchanged registry.ghcr llm web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn a_pod_that_ignores_it_keeps_the_old_ones_in_use() {
    let ignores = |pod: &mut WantedPod| {
        pulls(pod);
        pod.lifecycle.ignore_changes.insert("registry".parse().unwrap());
    };
    let world = applied().want("web", ignores).applied();
    assert_snapshot!(plan(&rotating(world)), @"
    registry.ghcr:create RotateRequested
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:create before llm:update
    Warning registry.ghcr: `reg-3fdaf4fb`, which others took the place of, is not deleted: pod `new-25f7479a` (acme-web) still pulls with it, and RunPod deletes no credentials in use (registry-in-use)
    unchanged web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn a_target_takes_them_along_and_deletes_nothing_for_it() {
    let target = |name: &str| {
        let mut world = rotating(applied());
        world.options.targets.push(name.parse().unwrap());
        world
    };
    assert_snapshot!(plan(&target("llm")), @"
    registry.ghcr:create RotateRequested
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:create before llm:update
    Note registry.ghcr: goes along: `llm` pulls with it, and others take its place (goes-along)
    out of scope: 1
    cost $505.70 -> $505.70, at most $505.70
    ");
    assert_snapshot!(plan(&target("registry.ghcr")), @"
    registry.ghcr:create RotateRequested
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    registry.ghcr:create before llm:update
    registry.ghcr:create before web:update
    llm:update before registry.ghcr:delete-deposed
    web:update before registry.ghcr:delete-deposed
    Warning llm: goes along: it pulls with `registry.ghcr`, which gets another id (goes-along)
    Warning web: goes along: it pulls with `registry.ghcr`, which gets another id (goes-along)
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    let mut excluded = rotating(applied());
    excluded.options.excludes.push("registry.ghcr".parse().unwrap());
    assert_snapshot!(plan(&excluded), @"
    no changes
    Warning : `--rotate ghcr` has no effect, as what it names is left out of this plan (rotate-without-effect)
    unchanged llm web
    out of scope: 1
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn credentials_given_by_an_id_must_exist_where_a_pod_is_made_with_them() {
    let mut world = World::default().want("llm", given("gone")).want("web", given("theirs"));
    world.live.registries = listed(&[("theirs", "theirs")]);
    assert_snapshot!(plan(&world), @r#"
    web:create New on NVIDIA GeForce RTX 4090 x1 secure
    held llm: NotPossible("`registry` gives RunPod's credentials `gone`, which do not exist: its image could not be pulled")
    cost $0.00 -> $505.70, at most $505.70
    "#);
    let mut runs = World::default().want("llm", given("gone")).have("llm", given("gone"));
    runs.live.registries = listed(&[]);
    assert_snapshot!(plan(&runs), @"
    no changes
    Warning llm: RunPod has no credentials `gone`, so that the image cannot be pulled again where the pod is made anew (no-registry)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    runs.live.registries = Inventory::Unread("GET /v2/registries was rejected: access denied".to_owned());
    assert_snapshot!(plan(&runs), @"
    no changes
    Warning : whether RunPod has the credentials that `registries` gives is not checked: GET /v2/registries was rejected: access denied (registries-not-checked)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn they_are_asked_for_only_where_something_names_them() {
    let sought = |world: &World| plan::sought_registries(&world.desired, &world.prior);
    assert_eq!(sought(&World::default().want("llm", |_| {})), None);
    assert_eq!(sought(&wanted()), Some([].into()));
    let mut forgotten = applied();
    forgotten.desired.wanted.clear();
    assert_eq!(sought(&forgotten), Some([registry_of(&forgotten)].into()));
    let by_id = World::default().want("llm", given("theirs"));
    assert_eq!(sought(&by_id), Some([RegistryId::new("theirs")].into()));
}

/// The run that was to rotate ended so long ago, before what it made came on record.
fn cut_short(seconds: i64) -> World {
    let before = rotating(applied());
    let address = address("registry.ghcr");
    let mut world = before.applied_until(1);
    let recorded = before.prior.objects[&address].clone();
    let made = world.prior.objects.insert(address.clone(), recorded).unwrap();
    world.prior.open.push(OpenIntent {
        run: RunId::new("run"),
        action: ActionId { address, step: Step::Create },
        status: ActionStatus::Started,
        token: made.record.token,
        since: time(20_000 - seconds),
        server_time: Some(time(20_000 - seconds)),
    });
    world
}

#[test]
fn what_a_rotation_made_without_an_answer_is_taken_and_not_made_again() {
    let world = cut_short(10);
    assert_snapshot!(settles(&world), @"
    registry.ghcr:adopt FoundInJournal
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    registry.ghcr:adopt before llm:update
    registry.ghcr:adopt before web:update
    llm:update before registry.ghcr:delete-deposed
    web:update before registry.ghcr:delete-deposed
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    // What it was to take the place of is gone meanwhile.
    let mut gone = world.clone();
    let old = registry_of(&world);
    registries(&mut gone).retain(|registry| registry.id != old);
    gone.live.server_time = Some(time(28_000));
    assert_snapshot!(settles(&gone), @"
    registry.ghcr:adopt FoundInJournal
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:update Changed Reset
      registry: reg-3fdaf4fb -> registry.ghcr by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:adopt before llm:update
    registry.ghcr:adopt before web:update
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    // It may still show up.
    let mut unseen = world;
    registries(&mut unseen).retain(|registry| registry.id == old);
    assert_snapshot!(plan(&unseen), @"
    blocked
    held registry.ghcr: Unsettled { until: 2027-01-15T13:34:40Z }
    unchanged llm web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    // Whatever it was, it did not happen.
    unseen.live.server_time = Some(time(28_000));
    assert_snapshot!(plan(&unseen), @"
    no changes
    unchanged registry.ghcr llm web
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn what_a_rotation_made_without_an_answer_ends_where_nobody_wants_it() {
    let plain = |pod: &mut WantedPod| pod.container.registry = None;
    let mut world = cut_short(100).want("llm", plain).want("web", plain);
    world.desired.wanted.remove(&address("registry.ghcr"));
    assert_snapshot!(settles(&world), @"
    registry.ghcr:adopt FoundInJournal
    llm:record LifecycleChanged
      depends_on: registry.ghcr -> - by Spec
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:record LifecycleChanged
      depends_on: registry.ghcr -> - by Spec
    web:update Changed Reset
      registry: reg-3fdaf4fb -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    registry.ghcr:delete Removed (tombstone)
      ! TemplatesLoseIt
    llm:update before registry.ghcr:delete-deposed
    web:update before registry.ghcr:delete-deposed
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    let mut destroyed = cut_short(100);
    destroyed.options.destroy = true;
    assert_snapshot!(plan(&destroyed), @"
    registry.ghcr:adopt FoundInJournal
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    web:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    registry.ghcr:delete-deposed Deposed leaves deposed {}
      ! TemplatesLoseIt
    registry.ghcr:delete Destroyed (tombstone)
      ! TemplatesLoseIt
    llm:delete before registry.ghcr:delete
    llm:delete before registry.ghcr:delete-deposed
    web:delete before registry.ghcr:delete
    web:delete before registry.ghcr:delete-deposed
    cost $1,011.40 -> $0.00, at most $0.00
    ");
    world.desired.removed.insert(address("registry.ghcr"), OnRemove::Forget);
    assert_snapshot!(plan(&world), @"
    registry.ghcr:adopt FoundInJournal
    llm:record LifecycleChanged
      depends_on: registry.ghcr -> - by Spec
    llm:update Changed Reset
      registry: reg-3fdaf4fb -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    web:record LifecycleChanged
      depends_on: registry.ghcr -> - by Spec
    web:update Changed Reset
      registry: reg-3fdaf4fb -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}
