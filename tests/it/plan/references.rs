//! Pods that refer to others by their ids.

use std::sync::Arc;

use insta::assert_snapshot;
use podform::model::desired::{AtOnce, OnReplace, OnStuckResume, WantedPod};
use podform::model::id::PodId;
use podform::model::live::{LivePod, PodStatus, Seen, Unreadable};
use podform::model::plan::{Planned, Step};
use podform::model::reference::Reference;
use podform::model::secret::Secret;
use podform::plan::check;

use super::cases::{image_2, key, local, plain, plan, settles, stopped};
use super::world::{World, address, id_of, print};

/// Refers to these, such as `head.id`, in a variable of its own each.
pub(super) fn refers_to(references: &'static [&'static str]) -> impl Fn(&mut WantedPod) {
    move |pod| {
        for reference in references {
            let marked = reference.parse::<Reference>().unwrap().marked();
            let name = key(&reference.to_uppercase().replace(['.', '[', ']'], "_"));
            Arc::make_mut(&mut pod.container.env).insert(name, plain(&format!("<{marked}>")));
            pod.depends_on.insert(reference.parse::<Reference>().unwrap().pod);
        }
    }
}

fn in_command(pod: &mut WantedPod) {
    pod.container.command = vec!["join".to_owned(), "head.host".parse::<Reference>().unwrap().marked()];
    pod.depends_on.insert(address("head"));
}

/// A head and a worker that are there, of which the worker refers to the head.
pub(super) fn ring() -> World {
    let worker = refers_to(&["head.url.8000"]);
    let world = World::default().want("head", |_| {}).have("head", |_| {});
    world.want("worker", &worker).have("worker", worker)
}

/// Asks for another head.
pub(super) fn other_head(world: World) -> World {
    world.option(|options| {
        options.replace.insert(address("head"));
    })
}

fn url_in_the_account(world: &World, pod: &str) -> String {
    let recorded = &world.prior.objects[&address(pod)];
    let Some(Seen::Found(live)) = world.live.pods.values().find(|seen| match seen {
        Seen::Found(live) => live.id.to_string() == recorded.id.to_string(),
        Seen::Absent | Seen::Unreadable(_) => false,
    }) else {
        panic!("{pod} is not there");
    };
    live.settings.env[&key("HEAD_URL_8000")].expose().clone()
}

#[test]
fn what_is_referred_to_is_made_first_and_nothing_is_left_to_do_then() {
    let world = World::default().want("head", |_| {}).want("worker", refers_to(&["head.url.8000"]));
    assert_snapshot!(settles(&world), @"
    head:create New on NVIDIA GeForce RTX 4090 x1 secure
    worker:create New on NVIDIA GeForce RTX 4090 x1 secure
    head:create before worker:create
    cost $0.00 -> $1,011.40, at most $1,011.40
    ");
    let after = world.applied();
    let id = &after.prior.objects[&address("head")].id;
    assert_eq!(url_in_the_account(&after, "worker"), format!("<https://{id}-8000.proxy.runpod.net>"));
    assert_snapshot!(plan(&ring()), @"
    no changes
    unchanged head worker
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn another_pod_at_the_address_resets_those_that_refer_to_it() {
    let world = other_head(ring());
    let world = world.want("other", refers_to(&["worker.id"])).have("other", refers_to(&["worker.id"]));
    assert_snapshot!(settles(&world), @"
    head:delete Requested
      ! ContainerDiskLost { size: Gigabytes(20) }
    head:create Requested on NVIDIA GeForce RTX 4090 x1 secure
      ! NewPodId
    worker:update Changed Reset
      env.HEAD_URL_8000: <https://id-head-8000.proxy.runpod.net> -> <${pods.head.url.8000}> (known after apply) by Reference
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    head:create before worker:update
    unchanged other
    cost $1,517.10 -> $1,517.10, at most $1,517.10
    ");
    let command = World::default().want("head", |_| {}).have("head", |_| {});
    let command = command.want("worker", in_command).have("worker", in_command);
    assert_snapshot!(settles(&other_head(command)), @"
    head:delete Requested
      ! ContainerDiskLost { size: Gigabytes(20) }
    head:create Requested on NVIDIA GeForce RTX 4090 x1 secure
      ! NewPodId
    worker:update Changed Reset
      command: join id-head.runpod.internal -> join ${pods.head.host} (known after apply) by Reference
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    head:create before worker:update
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn one_that_is_created_first_goes_once_nobody_refers_to_it() {
    let mut world = other_head(ring());
    world = world.want("head", |pod| pod.lifecycle.on_replace = OnReplace::CreateFirst);
    assert_snapshot!(settles(&world), @"
    head:create Requested on NVIDIA GeForce RTX 4090 x1 secure
      ! NewPodId
    worker:update Changed Reset
      env.HEAD_URL_8000: <https://id-head-8000.proxy.runpod.net> -> <${pods.head.url.8000}> (known after apply) by Reference
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    head:delete Requested leaves deposed {}
      ! ContainerDiskLost { size: Gigabytes(20) }
    head:create before worker:update
    worker:update before head:delete
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}

#[test]
fn heads_that_are_replaced_in_waves_are_waited_for_by_those_that_refer_to_all_of_them() {
    let head = |pod: &mut WantedPod| {
        pod.lifecycle.on_replace = OnReplace::CreateFirst;
        pod.at_once = Some(AtOnce::Number(1));
    };
    let worker = refers_to(&["head[0].id", "head[1].id"]);
    let mut world = World::default();
    for number in 0..2 {
        let (head_here, worker_here) = (format!("head[{number}]"), format!("worker[{number}]"));
        world = world.want(&head_here, head).have(&head_here, head);
        let in_waves = |pod: &mut WantedPod| {
            worker(pod);
            pod.at_once = Some(AtOnce::Number(1));
        };
        world = world.want(&worker_here, in_waves).have(&worker_here, in_waves);
    }
    assert_snapshot!(settles(&other_head(world)), @"
    head[0]:create Requested on NVIDIA GeForce RTX 4090 x1 secure
      ! NewPodId
    head[0]:delete Requested leaves deposed {}
      ! ContainerDiskLost { size: Gigabytes(20) }
    head[1]:create Requested on NVIDIA GeForce RTX 4090 x1 secure
      ! NewPodId
    head[1]:delete Requested leaves deposed {}
      ! ContainerDiskLost { size: Gigabytes(20) }
    worker[0]:update Changed Reset
      env.HEAD_0__ID: <id-head-0> -> <${pods.head[0].id}> (known after apply) by Reference
      env.HEAD_1__ID: <id-head-1> -> <${pods.head[1].id}> (known after apply) by Reference
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    worker[1]:update Changed Reset
      env.HEAD_0__ID: <id-head-0> -> <${pods.head[0].id}> (known after apply) by Reference
      env.HEAD_1__ID: <id-head-1> -> <${pods.head[1].id}> (known after apply) by Reference
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    head[0]:delete before head[1]:create
    head[0]:create before worker[0]:update
    head[0]:create before worker[1]:update
    head[1]:create before worker[0]:update
    head[1]:create before worker[1]:update
    worker[0]:update before worker[1]:update
    Note head: changes 2 replicas in 2 waves of 1; one that does not come up again ends it (in-waves)
    Note worker: changes 2 replicas in 2 waves of 1; one that does not come up again ends it (in-waves)
    cost $2,022.80 -> $2,022.80, at most $2,022.80
    ");
}

#[test]
fn who_changed_a_value_is_told_apart() {
    let worker = refers_to(&["head.url.8000"]);
    // The spec's author wrote something else.
    let other = |pod: &mut WantedPod| {
        worker(pod);
        Arc::make_mut(&mut pod.container.env).insert(key("HEAD_URL_8000"), plain("literal"));
    };
    assert_snapshot!(settles(&ring().want("worker", other)), @"
    worker:update Changed Reset
      env.HEAD_URL_8000: <https://id-head-8000.proxy.runpod.net> -> literal by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    unchanged head
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    // Somebody wrote something else into the pod.
    let theirs = |pod: &mut LivePod| {
        pod.settings.env.insert(key("HEAD_URL_8000"), Secret::new("theirs".to_owned()));
    };
    assert_snapshot!(settles(&ring().outside("worker", theirs)), @r#"
    worker:update Changed Reset
      env.HEAD_URL_8000: (other value) -> <https://id-head-8000.proxy.runpod.net> by Outside
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    drift worker: Fields([FieldDrift { field: Env(EnvKey("HEAD_URL_8000")), recorded: Text("<https://id-head-8000.proxy.runpod.net>"), live: OtherValue, left_alone: false }])
    unchanged head
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
    // RunPod moved the head.
    let mut moved = ring();
    let Some(Seen::Found(head)) = moved.live.pods.remove(&PodId::new(id_of("head"))) else {
        panic!("no head")
    };
    let head = LivePod { id: PodId::new("moved1"), ..head };
    moved.live.pods.insert(head.id.clone(), Seen::Found(head));
    moved.live.pods.insert(PodId::new(id_of("head")), Seen::Absent);
    assert_snapshot!(settles(&moved), @r#"
    head:adopt Migrated
    worker:update Changed Reset
      env.HEAD_URL_8000: <https://id-head-8000.proxy.runpod.net> -> <https://moved1-8000.proxy.runpod.net> by Reference
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    drift head: Migrated { from: Pod(PodId("id-head")), to: Pod(PodId("moved1")) }
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
}

#[test]
fn what_has_no_id_holds_those_that_refer_to_it() {
    let world = World::default().want("head", stopped).want("worker", refers_to(&["head.id"]));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held worker: NotPossible("it refers to `head`, which is not there and which this plan does not create, so that it has no id")
    Note head: is wanted stopped: it is created when it is first wanted running (created-when-running)
    unchanged head
    cost $0.00 -> $0.00, at most $0.00
    "#);
    // It had one, and is gone.
    let mut gone = ring().want("head", stopped).have("head", stopped);
    gone.live.pods.insert(PodId::new(id_of("head")), Seen::Absent);
    assert_snapshot!(plan(&gone), @r#"
    head:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    held worker: NotPossible("it refers to `head`, which is not there and which this plan does not create, so that it has no id")
    drift head: Vanished
    Warning worker: keeps an address of a former pod of `head`, which is gone then: it is held; once it is not, a plan tells it of the present pod, if it refers to that (keeps-dead-address)
    Note head: is wanted stopped: it is created when it is first wanted running (created-when-running)
    cost $505.70 -> $505.70, at most $505.70
    "#);
    // A stopped one keeps its id.
    let kept = ring().want("head", stopped).have("head", stopped);
    assert_snapshot!(plan(&kept), @"
    no changes
    unchanged head worker
    cost $505.70 -> $505.70, at most $505.70
    ");
    let destroyed = ring().option(|options| options.destroy = true);
    assert_snapshot!(plan(&destroyed), @"
    worker:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    head:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    worker:delete before head:delete
    cost $1,011.40 -> $0.00, at most $0.00
    ");
}

#[test]
fn who_refers_to_a_target_that_gets_another_id_goes_along() {
    let target = |world: World, name: &str| {
        let name = name.parse().unwrap();
        world.option(|options| {
            options.replace.insert(address("head"));
            options.targets = vec![name];
        })
    };
    let world = ring().want("new", refers_to(&["head.id"]));
    assert_snapshot!(settles_within(&target(world.clone(), "head")), @"
    head:delete Requested
      ! ContainerDiskLost { size: Gigabytes(20) }
    head:create Requested on NVIDIA GeForce RTX 4090 x1 secure
      ! NewPodId
    worker:update Changed Reset
      env.HEAD_URL_8000: <https://id-head-8000.proxy.runpod.net> -> <${pods.head.url.8000}> (known after apply) by Reference
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    head:create before worker:update
    Warning worker: goes along: it refers to `head`, which gets another id (goes-along)
    out of scope: 1
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    // What it refers to is taken as it is.
    let changed = world.want("worker", |pod| {
        refers_to(&["head.url.8000"])(pod);
        image_2(pod);
    });
    assert_snapshot!(settles_within(&target(changed, "worker")), @"
    worker:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    Warning head: `--replace` has no effect: nothing is wanted there in this plan, or it is left out of it (replace-without-effect)
    out of scope: 2
    cost $505.70 -> $505.70, at most $505.70
    ");
}

/// Prints a plan and applies it; what was left out may differ then.
fn settles_within(world: &World) -> String {
    let planned = world.plan();
    let again = World { options: world.options.clone(), ..world.applied() };
    let again = again.option(|options| options.replace.clear()).plan();
    assert!(matches!(again, Planned::NoChanges(_)), "{}", print(&again));
    print(&planned)
}

#[test]
fn one_that_may_have_to_be_replaced_to_start_is_waited_for_by_those_that_are_made() {
    let head = |pod: &mut WantedPod| {
        pod.container.storage = local(100);
        pod.lifecycle.on_stuck_resume = OnStuckResume::Replace;
    };
    let worker = refers_to(&["head.id"]);
    let world = World::default().want("head", head).have("head", head);
    let world = world.outside("head", |pod| pod.status = PodStatus::Exited);
    let world = world.want("old", &worker).have("old", &worker).want("new", worker);
    assert_snapshot!(settles(&world), @r#"
    head:start StateDrifted
      state: stopped -> running by Outside
      ! LocalVolumeLost { size: Gigabytes(100), path: "/workspace" }
      ! NewPodId
      ! PublicPortsChange
      ! StartMayFail { then_replaced: true }
    new:create New on NVIDIA GeForce RTX 4090 x1 secure
    head:start before new:create
    drift head: Stopped
    Warning old: keeps an address of a former pod of `head` if that cannot come back on its host and is made anew: the next plan that is about it tells it of the present one (may-keep-dead-address)
    unchanged old
    cost $525.70 -> $1,527.10, at most $1,527.10
    "#);
}

#[test]
fn a_run_that_ends_anywhere_is_gone_on_with() {
    let worker = refers_to(&["head.url.8000"]);
    let fresh = World::default().want("head", |_| {}).want("a-worker", &worker).want("worker", worker);
    let replaced = other_head(ring());
    for world in [fresh, replaced] {
        for most in 0..=world.plan().plan().actions.len() {
            let cut = world.applied_until(most);
            assert!(!matches!(cut.plan(), Planned::Blocked { .. }), "{}", print(&cut.plan()));
            let after = cut.applied();
            assert!(matches!(after.plan(), Planned::NoChanges(_)), "{}", print(&after.plan()));
            let id = &after.prior.objects[&address("head")].id;
            assert_eq!(url_in_the_account(&after, "worker"), format!("<https://{id}-8000.proxy.runpod.net>"));
        }
    }
}

#[test]
fn an_approval_is_of_what_is_referred_to() {
    let digest = |references: &'static [&'static str]| {
        let world = World::default().want("head", |_| {}).want("hand", |_| {});
        world.want("worker", refers_to(references)).plan().plan().digest.to_string()
    };
    let one = digest(&["head.url.8000"]);
    assert_eq!(one, digest(&["head.url.8000"]));
    assert_ne!(one, digest(&["head.url.8080"]));
    assert_ne!(one, digest(&["hand.url.8000"]));
}

#[test]
fn a_plan_without_its_order_is_found_unsound() {
    let world = World::default().want("head", |_| {}).want("worker", refers_to(&["head.id"]));
    let mut plan = world.plan().plan().clone();
    plan.edges.retain(|(first, _)| first.step != Step::Create);
    let said: Vec<String> = check(&plan).iter().map(ToString::to_string).collect();
    assert_eq!(said, ["`worker:create` refers to `head`, which nothing before it brings up"]);
}

#[test]
fn what_others_wrote_is_no_reference() {
    let forged = "head.id".parse::<Reference>().unwrap().marked();
    let write = |pod: &mut LivePod| drop(pod.settings.env.insert(key("THEIRS"), Secret::new(forged)));
    assert_snapshot!(plan(&ring().outside("worker", write)), @r#"
    no changes
    drift worker: Fields([FieldDrift { field: Env(EnvKey("THEIRS")), recorded: Absent, live: OtherValue, left_alone: true }])
    unchanged head worker
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    "#);
}

#[test]
fn what_is_wanted_stopped_needs_nobody() {
    let told = refers_to(&["head.url.8000"]);
    let quiet = |pod: &mut WantedPod| {
        told(pod);
        stopped(pod);
    };
    let gone = |mut world: World| {
        world.live.pods.insert(PodId::new(id_of("head")), Seen::Absent);
        world
    };
    let no_head = || gone(ring().want("head", stopped).have("head", stopped));
    assert_snapshot!(settles(&no_head().want("worker", quiet)), @"
    head:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    worker:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    drift head: Vanished
    Note head: is wanted stopped: it is created when it is first wanted running (created-when-running)
    cost $505.70 -> $0.00, at most $0.00
    ");
    assert_snapshot!(settles(&no_head().want("worker", quiet).have("worker", quiet)), @"
    head:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    drift head: Vanished
    Note head: is wanted stopped: it is created when it is first wanted running (created-when-running)
    unchanged worker
    cost $0.00 -> $0.00, at most $0.00
    ");
    // What else is changed is.
    let other = |pod: &mut WantedPod| {
        quiet(pod);
        image_2(pod);
    };
    assert_snapshot!(settles(&no_head().want("worker", other)), @"
    head:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    worker:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    worker:update Changed InPlace
      image: tool:1 -> tool:2 by Spec
    drift head: Vanished
    Note head: is wanted stopped: it is created when it is first wanted running (created-when-running)
    cost $505.70 -> $0.00, at most $0.00
    ");
    // Once it is to run again it is told, or waits until it can be.
    let again = no_head().want("worker", quiet).applied().want("worker", &told);
    assert_snapshot!(plan(&again), @r#"
    blocked
    held worker: NotPossible("it refers to `head`, which is not there and which this plan does not create, so that it has no id")
    Warning worker: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    Note head: is wanted stopped: it is created when it is first wanted running (created-when-running)
    unchanged head
    cost $0.00 -> $0.00, at most $0.00
    "#);
    assert_snapshot!(settles(&again.want("head", |_| {})), @"
    head:create New on NVIDIA GeForce RTX 4090 x1 secure
    worker:update Changed InPlace
      env.HEAD_URL_8000: <https://id-head-8000.proxy.runpod.net> -> <${pods.head.url.8000}> (known after apply) by Reference
    worker:start StateWanted
      state: stopped -> running by Spec
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    head:create before worker:update
    head:create before worker:start
    Warning worker: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    cost $0.00 -> $1,011.40, at most $1,011.40
    ");
    let command = |pod: &mut WantedPod| {
        in_command(pod);
        stopped(pod);
    };
    let world = World::default().want("head", stopped).have("head", stopped);
    assert_snapshot!(settles(&gone(world.want("worker", command).have("worker", in_command))), @"
    head:forget Vanished
      ! VanishedWithData { size: Gigabytes(20) }
    worker:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    drift head: Vanished
    Note head: is wanted stopped: it is created when it is first wanted running (created-when-running)
    cost $505.70 -> $0.00, at most $0.00
    ");
    // Whatever it depends on is held.
    let unread = ring().seen("head", Seen::Unreadable(Unreadable::TooNew));
    assert_snapshot!(plan(&unread.want("worker", quiet)), @r#"
    worker:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    held head: Unreadable("recorded less than 120 s ago and not listed yet")
    cost $1,011.40 -> $505.70, at most $505.70
    "#);
    // One that is made anew is not waited for, and told of by the way.
    assert_snapshot!(settles(&other_head(ring().want("worker", quiet))), @"
    head:delete Requested
      ! ContainerDiskLost { size: Gigabytes(20) }
    head:create Requested on NVIDIA GeForce RTX 4090 x1 secure
      ! NewPodId
    worker:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    worker:update Changed InPlace
      env.HEAD_URL_8000: <https://id-head-8000.proxy.runpod.net> -> <${pods.head.url.8000}> (known after apply) by Reference
    head:create before worker:update
    cost $1,011.40 -> $505.70, at most $505.70
    ");
    assert_snapshot!(settles(&other_head(ring().want("worker", quiet).have("worker", quiet))), @"
    head:delete Requested
      ! ContainerDiskLost { size: Gigabytes(20) }
    head:create Requested on NVIDIA GeForce RTX 4090 x1 secure
      ! NewPodId
    worker:update Changed InPlace
      env.HEAD_URL_8000: <https://id-head-8000.proxy.runpod.net> -> <${pods.head.url.8000}> (known after apply) by Reference
    head:create before worker:update
    cost $505.70 -> $505.70, at most $505.70
    ");
}

/// What a pod depends on as it refers to it comes and goes with that, and nobody wrote it.
#[test]
fn an_implied_dependency_is_not_shown_beside_the_reference() {
    let unreferred = ring().want("worker", |_| {});
    assert_snapshot!(settles(&unreferred), @"
    worker:update Changed Reset
      env.HEAD_URL_8000: <https://id-head-8000.proxy.runpod.net> -> - by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    unchanged head
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    let referring = World::default().want("head", |_| {}).have("head", |_| {}).have("worker", |_| {});
    assert_snapshot!(settles(&referring.want("worker", refers_to(&["head.url.8000"]))), @"
    worker:update Changed Reset
      env.HEAD_URL_8000: - -> <https://id-head-8000.proxy.runpod.net> by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    unchanged head
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
    // One that was written is.
    let depending = |pod: &mut WantedPod| {
        pod.depends_on.insert(address("head"));
    };
    let world = World::default().want("head", |_| {}).have("head", |_| {});
    assert_snapshot!(settles(&world.want("worker", image_2).have("worker", depending)), @"
    worker:record LifecycleChanged
      depends_on: head -> - by Spec
    worker:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    unchanged head
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}
