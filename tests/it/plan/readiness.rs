//! Which pods a plan asks whether they are ready, and what that is to an approval.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use podform::model::desired::{OnReplace, WantedPod};
use podform::model::id::PodId;
use podform::model::live::{LivePod, PodStatus, Ran, Seen};
use podform::model::money::{Hourly, Price};
use podform::model::plan::{Finding, Planned};
use podform::model::pod::RunState;
use podform::model::ready::{Boot, OnNoBoot, Probe, Ready};
use podform::model::seconds::Seconds;

use super::cases::{image_2, key, plain, plan, settles, stopped};
use super::references::refers_to;
use super::world::{World, address, in_order, time};

fn on(names: &'static [&'static str]) -> impl Fn(&mut WantedPod) {
    move |pod| pod.depends_on = names.iter().map(|name| address(name)).collect()
}

fn asked(mut world: World, name: &str, port: u32) -> World {
    world.desired.ready.insert(address(name), Ready { probe: Probe::Tcp { port }, within: Seconds(600) });
    world
}

/// `web` waits for `llm`, which waits for `prep`; each but `web` says when it is ready.
fn chain() -> World {
    let world = World::default()
        .have("prep", |_| {})
        .have("llm", on(&["prep"]))
        .want("prep", |_| {})
        .want("llm", on(&["prep"]))
        .want("web", on(&["llm"]));
    asked(asked(world, "prep", 1), "llm", 2)
}

fn actions(world: &World) -> Vec<String> {
    let planned = world.plan();
    let plan = planned.plan();
    assert_eq!(world.violations(plan), []);
    let shown = plan.actions.iter().map(|(id, action)| {
        let ready = action.ready.as_ref().map_or(String::new(), |ready| format!(" asks {ready}"));
        format!("{id}{ready}")
    });
    let edges = plan.edges.iter().map(|(first, then)| format!("{first} before {then}"));
    shown.chain(edges).collect()
}

#[test]
fn a_pod_is_asked_on_which_what_comes_up_waits_and_no_other() {
    assert_eq!(
        actions(&chain()),
        ["llm:ready asks tcp 2, within 10m", "web:create", "llm:ready before web:create"]
    );
    settles(&chain());
}

#[test]
fn nobody_is_asked_where_nothing_comes_up() {
    let mut world = chain();
    world.desired.wanted.remove(&address("web"));
    assert!(matches!(world.plan(), Planned::NoChanges(_)));
}

#[test]
fn the_last_action_of_a_pod_asks_and_what_waits_for_it_waits_for_that() {
    let world = chain().want("llm", |pod| {
        on(&["prep"])(pod);
        image_2(pod);
    });
    assert_eq!(
        actions(&world),
        [
            "llm:update asks tcp 2, within 10m",
            "prep:ready asks tcp 1, within 10m",
            "web:create",
            "llm:update before web:create",
            "prep:ready before llm:update",
        ]
    );
}

#[test]
fn what_is_wanted_stopped_is_ready() {
    let world = chain().want("llm", |pod| {
        on(&["prep"])(pod);
        stopped(pod);
    });
    assert_eq!(actions(&world), ["llm:stop", "web:create"]);
}

#[test]
fn what_does_not_run_is_started_and_asked() {
    let world = chain().outside("llm", |pod| pod.status = PodStatus::Exited);
    assert_eq!(
        actions(&world),
        [
            "llm:start asks tcp 2, within 10m",
            "prep:ready asks tcp 1, within 10m",
            "web:create",
            "llm:start before web:create",
            "prep:ready before llm:start",
        ]
    );
}

#[test]
fn what_could_not_be_looked_at_holds_what_waits_for_it() {
    let world = chain().seen("llm", Seen::Unreadable(podform::model::live::Unreadable::TooNew));
    assert_eq!(actions(&world), [""; 0]);
}

#[test]
fn what_is_left_out_is_taken_as_it_is() {
    let world = chain().option(|options| options.targets = vec!["web".parse().unwrap()]);
    assert_eq!(actions(&world), ["web:create"]);
}

#[test]
fn what_is_replaced_stays_until_what_it_waits_for_is_ready() {
    let world = chain().have("web", on(&["llm"])).option(|options| {
        options.replace.insert(address("web"));
    });
    assert_eq!(
        actions(&world),
        [
            "llm:ready asks tcp 2, within 10m",
            "web:delete",
            "web:create",
            "llm:ready before web:delete",
            "llm:ready before web:create",
            "web:delete before web:create",
        ]
    );
}

/// An earlier run created the one in its place, and nobody knows yet whether that serves.
#[test]
fn a_former_pod_goes_only_when_the_one_in_its_place_is_ready() {
    let world = World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .stranger("old", |_| {})
        .recorded("llm", |recorded| recorded.record.deposed = [PodId::new("old")].into());
    let world = asked(world, "llm", 2);
    assert_eq!(
        actions(&world),
        ["llm:delete-deposed", "llm:ready asks tcp 2, within 10m", "llm:ready before llm:delete-deposed",]
    );
    settles(&world);
}

/// The one in its place is changed, or gives way to another: until that is ready the former one may be the only one that serves.
#[test]
fn a_former_pod_stays_until_what_follows_is_ready() {
    let world = |name: &str, edit: fn(&mut WantedPod)| {
        let old = format!("old-{}", name.replace(['[', ']'], ""));
        let world = World::default().want(name, edit).have(name, |_| {}).stranger(&old, |_| {});
        let world = world.recorded(name, |recorded| recorded.record.deposed = [PodId::new(old)].into());
        asked(world, name, 2)
    };
    let changed = world("llm", |pod| pod.container.image = "tool:2".to_owned());
    assert_snapshot!(told(&changed), @"
    llm:update: $1,011.40 -> $1,011.40
    llm:delete-deposed: $1,011.40 -> $505.70
    ");
    let replaced = |on_replace| {
        let replaced = changed.clone().want("llm", |pod| pod.lifecycle.on_replace = on_replace);
        told(&replaced.option(|options| {
            options.replace.insert(address("llm"));
        }))
    };
    assert_snapshot!(replaced(OnReplace::CreateFirst), @"
    llm:create: $1,011.40 -> $1,517.10
    llm:delete: $1,517.10 -> $1,011.40
    llm:delete-deposed: $1,011.40 -> $505.70
    ");
    assert_snapshot!(replaced(OnReplace::DestroyFirst), @"
    llm:delete-deposed: $1,011.40 -> $505.70
    llm:delete: $505.70 -> $0.00
    llm:create: $0.00 -> $505.70
    ");
    // What was to take its place is gone.
    let vanished = |on_replace| {
        let world = changed.clone().want("llm", |pod| pod.lifecycle.on_replace = on_replace);
        told(&world.seen("llm", Seen::Absent))
    };
    assert_snapshot!(vanished(OnReplace::CreateFirst), @"
    llm:create: $505.70 -> $1,011.40
    llm:delete-deposed: $1,011.40 -> $505.70
    ");
    assert_snapshot!(vanished(OnReplace::DestroyFirst), @"
    llm:delete-deposed: $505.70 -> $0.00
    llm:create: $0.00 -> $505.70
    ");
    // Nobody needs it to serve beside one that is to be stopped.
    assert_snapshot!(told(&world("llm", |pod| pod.run = RunState::Stopped)), @"
    llm:delete-deposed: $1,011.40 -> $505.70
    llm:stop: $505.70 -> $0.00
    ");
    let told_of_the_former = |pod: &mut WantedPod| {
        pod.container.env = BTreeMap::from([(key("LLM_ID"), plain("<old-llm>"))]).into();
        pod.depends_on.insert(address("llm"));
    };
    let referred = changed.have("web", told_of_the_former).want("web", refers_to(&["llm.id"]));
    assert_snapshot!(told(&referred), @"
    llm:update: $1,011.40 -> $1,011.40
    web:update: $505.70 -> $505.70
    llm:delete-deposed: $1,011.40 -> $505.70
    ");
}

/// What one says to do at each address, in order, and what it costs after each step.
fn told(world: &World) -> String {
    let planned = world.plan();
    let steps = in_order(planned.plan()).into_iter().map(|id| {
        let cost = planned.plan().actions[&id].cost;
        format!("{id}: {} -> {}", cost.before.total().known, cost.after.total().known)
    });
    let told = steps.collect::<Vec<_>>().join("\n");
    settles(world);
    told
}

#[test]
fn what_is_asked_and_given_up_is_approved() {
    let digest = |world: &World| world.plan().plan().digest.hash.clone();
    let new = || World::default().want("llm", |_| {});
    let mut longer = asked(new(), "llm", 1);
    longer.desired.ready.get_mut(&address("llm")).unwrap().within = Seconds(1_200);
    let given_up = |or_else| {
        let mut world = new();
        world.desired.boot.insert(address("llm"), Boot { within: Seconds(480), or_else });
        world
    };
    let worlds = [
        new(),
        asked(new(), "llm", 1),
        asked(new(), "llm", 2),
        longer,
        given_up(OnNoBoot::NextCandidate),
        given_up(OnNoBoot::Fail),
    ];
    let digests: std::collections::BTreeSet<String> = worlds.iter().map(digest).collect();
    assert_eq!(digests.len(), worlds.len());
}

/// What is asked is no setting of the pod, so a change of it alone is no change.
/// Only its create gives up a pod, and a create can be cut short.
#[test]
fn a_pod_that_should_have_run_long_since_is_told_with_its_cost() {
    let seen = |after: i64, edit: &dyn Fn(&mut LivePod)| {
        let mut world = World::default().have("llm", |_| {}).want("llm", |_| {}).outside("llm", |pod| {
            pod.status = PodStatus::Starting;
            pod.ran = Ran::Never;
            pod.created_at = Some(time(0));
            pod.price = Price::Known(Hourly(490_000));
            edit(pod);
        });
        let boot = Boot { within: Seconds(600), or_else: OnNoBoot::NextCandidate };
        world.desired.boot.insert(address("llm"), boot);
        world.live.server_time = Some(time(after));
        let planned = world.plan();
        let findings = planned.plan().findings.iter();
        let told = findings.map(|finding| {
            let Finding { severity, code, subject: _, message } = finding;
            format!("{severity:?} {code}: {message}")
        });
        told.collect::<Vec<_>>().join("\n")
    };
    let told = [
        seen(600, &|_| {}),
        seen(601, &|_| {}),
        seen(90_000, &|pod| pod.status = PodStatus::Provisioning),
        seen(90_000, &|pod| pod.price = Price::Unknown),
        // It ran, or that is not told, or for how long it has been there.
        seen(90_000, &|pod| pod.ran = Ran::Once { since: None }),
        seen(90_000, &|pod| pod.ran = Ran::NotTold),
        seen(90_000, &|pod| pod.created_at = None),
        seen(90_000, &|pod| pod.status = PodStatus::Running),
    ];
    assert_snapshot!(told.join("\n"), @"
    Note not-running-yet: is STARTING, not yet RUNNING
    Warning never-ran: is STARTING and does not run, 10 min after it was created, although `boot` gives it 10m; it is billed meanwhile, up to $0.09 so far; unless it was started or reset a moment ago, `--replace llm` makes it anew
    Warning never-ran: is PROVISIONING and does not run, 25 h after it was created, although `boot` gives it 10m; it is billed meanwhile, up to $12.25 so far; unless it was started or reset a moment ago, `--replace llm` makes it anew
    Warning never-ran: is STARTING and does not run, 25 h after it was created, although `boot` gives it 10m; it is billed meanwhile, at a price that is not known; unless it was started or reset a moment ago, `--replace llm` makes it anew
    Note not-running-yet: is STARTING, not yet RUNNING
    Note not-running-yet: is STARTING, not yet RUNNING
    Note not-running-yet: is STARTING, not yet RUNNING
    ");
}

#[test]
fn another_question_alone_changes_nothing() {
    let mut world = chain();
    world.desired.wanted.remove(&address("web"));
    let before = world.plan();
    world = asked(world, "llm", 22);
    let after = world.plan();
    assert!(matches!(after, Planned::NoChanges(_)));
    assert_eq!(before.plan().digest, after.plan().digest);
}

#[test]
fn the_plan_says_what_is_asked() {
    assert_snapshot!(plan(&chain()), @"
    llm:ready WaitedFor ready: tcp 2, within 10m
    web:create New on NVIDIA GeForce RTX 4090 x1 secure
    llm:ready before web:create
    unchanged prep
    cost $1,011.40 -> $1,517.10, at most $1,517.10
    ");
}
