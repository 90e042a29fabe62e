//! What is up goes on until it is known that what it waits for comes up.

use insta::assert_snapshot;
use podform::model::desired::{OnReplace, WantedPod};
use podform::model::id::VolumeId;
use podform::model::job::{Job, Then, Until};
use podform::model::live::{PodStatus, Seen};
use podform::model::plan::Plan;
use podform::model::ready::{Probe, Ready};
use podform::model::seconds::Seconds;

use super::cases::{image_2, mount_models, network, settles, stopped};
use super::jobs::job;
use super::references::refers_to;
use super::world::{World, address};

const REPLACED: fn(World, &str) -> World = |world, name| {
    world.option(|options| {
        options.replace.insert(address(name));
    })
};

fn web(pod: &mut WantedPod) {
    pod.depends_on = [address("llm")].into();
}

fn create_first(pod: &mut WantedPod) {
    pod.lifecycle.on_replace = OnReplace::CreateFirst;
}

/// `web`, which is there, waits for `llm`, which is there too.
fn pair() -> World {
    World::default().want("llm", |_| {}).have("llm", |_| {}).want("web", web).have("web", web)
}

fn changed(world: World, name: &str) -> World {
    let base = move |pod: &mut WantedPod| {
        if name == "web" {
            web(pod);
        }
        image_2(pod);
    };
    world.want(name, base)
}

/// Returns the order of a plan that holds what every plan does, and after which nothing is left to do.
fn order(world: &World) -> String {
    settles(world);
    let planned = world.plan();
    let Plan { edges, .. } = planned.plan();
    let lines = edges.iter().map(|(first, then)| format!("{first} before {then}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_taken_down_stays_until_what_it_waits_for_has_come_up() {
    // Both are replaced.
    let both = REPLACED(REPLACED(pair(), "llm"), "web");
    assert_snapshot!(order(&both), @"
    llm:delete before llm:create
    llm:create before web:delete
    llm:create before web:create
    web:delete before web:create
    ");
    // Both are reset.
    assert_snapshot!(order(&changed(changed(pair(), "llm"), "web")), @"llm:update before web:update");
    // One is replaced, the other one reset, and the other way round.
    assert_snapshot!(order(&changed(REPLACED(pair(), "llm"), "web")), @"
    llm:delete before llm:create
    llm:create before web:update
    ");
    assert_snapshot!(order(&REPLACED(changed(pair(), "llm"), "web")), @"
    llm:update before web:delete
    llm:update before web:create
    web:delete before web:create
    ");
    // What it waits for is started, or made.
    let resumed = pair().outside("llm", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(order(&REPLACED(resumed, "web")), @"
    llm:start before web:delete
    llm:start before web:create
    web:delete before web:create
    ");
    let made = World::default().want("llm", |_| {}).want("web", web).have("web", web);
    assert_snapshot!(order(&REPLACED(made, "web")), @"
    llm:create before web:delete
    llm:create before web:create
    web:delete before web:create
    ");
}

#[test]
fn a_chain_goes_down_link_by_link() {
    let end = |pod: &mut WantedPod| pod.depends_on = [address("web")].into();
    let chain = pair().want("end", end).have("end", end);
    assert_snapshot!(order(&REPLACED(REPLACED(REPLACED(chain, "llm"), "web"), "end")), @"
    end:delete before end:create
    llm:delete before llm:create
    llm:create before web:delete
    llm:create before web:create
    web:delete before web:create
    web:create before end:delete
    web:create before end:create
    ");
}

#[test]
fn what_is_ready_is_waited_for_where_it_says_so() {
    let ready = Ready { probe: Probe::Tcp { port: 22 }, within: Seconds(600) };
    let mut both = REPLACED(changed(pair(), "llm"), "web");
    both.desired.ready.insert(address("llm"), ready);
    assert_snapshot!(order(&both), @"
    llm:update before web:delete
    llm:update before web:create
    web:delete before web:create
    ");
}

#[test]
fn another_one_that_comes_first_changes_nothing_of_it() {
    let first = pair().want("llm", create_first).have("llm", create_first);
    assert_snapshot!(order(&REPLACED(REPLACED(first, "llm"), "web")), @"
    llm:create before llm:delete
    llm:create before web:delete
    llm:create before web:create
    web:delete before web:create
    ");
    let first = |pod: &mut WantedPod| {
        web(pod);
        create_first(pod);
    };
    assert_snapshot!(order(&REPLACED(REPLACED(pair().want("web", first), "llm"), "web")), @"
    llm:delete before llm:create
    llm:create before web:delete
    llm:create before web:create
    web:create before web:delete
    ");
    // It is told of the one that comes first before the former goes.
    let told = refers_to(&["llm.url.8000"]);
    let world = World::default().want("llm", create_first).have("llm", create_first);
    let world = world.want("web", &told).have("web", told);
    assert_snapshot!(order(&REPLACED(REPLACED(world, "llm"), "web")), @"
    llm:create before llm:delete
    llm:create before web:delete
    llm:create before web:create
    web:delete before web:create
    web:create before llm:delete
    ");
}

#[test]
fn what_is_told_of_another_one_stays_until_that_is_there() {
    let told = refers_to(&["llm.url.8000"]);
    let world = World::default().want("llm", |_| {}).have("llm", |_| {});
    let world = world.want("web", &told).have("web", told);
    assert_snapshot!(order(&REPLACED(REPLACED(world, "llm"), "web")), @"
    llm:delete before llm:create
    llm:create before web:delete
    llm:create before web:create
    web:delete before web:create
    ");
}

/// A volume that both mount is gone, and made again.
#[test]
fn what_mounts_a_volume_stays_until_there_is_another_one() {
    let waits = |pod: &mut WantedPod| {
        mount_models(pod);
        web(pod);
    };
    let world =
        World::default().have_volume("volume.models", 100, false).want_volume("volume.models", 100, false);
    let mut world = world.want("llm", mount_models).have("llm", mount_models);
    world = world.want("web", waits).have("web", waits);
    world.live.volumes.insert(VolumeId::new("id-volume-models"), Seen::Absent);
    assert_snapshot!(order(&world), @"
    volume.models:create before llm:delete
    volume.models:create before llm:create
    volume.models:create before web:delete
    volume.models:create before web:create
    llm:delete before llm:create
    llm:create before web:delete
    llm:create before web:create
    web:delete before web:create
    ");
}

#[test]
fn what_moves_to_another_volume_stays_until_that_is_there() {
    let waits = |pod: &mut WantedPod| pod.container.storage = network("volume.models");
    let world =
        World::default().want_volume("volume.models", 500, false).want("llm", waits).have("llm", |_| {});
    assert_snapshot!(order(&world), @"
    volume.models:create before llm:delete
    volume.models:create before llm:create
    llm:delete before llm:create
    ");
}

#[test]
fn what_is_stopped_waits_for_nobody() {
    let quiet = |pod: &mut WantedPod| {
        web(pod);
        stopped(pod);
        image_2(pod);
    };
    assert_snapshot!(order(&REPLACED(pair().want("web", quiet), "llm")), @"
    llm:delete before llm:create
    web:stop before web:update
    ");
}

#[test]
fn what_waits_for_the_end_of_a_job_stays_until_that() {
    let waits = |pod: &mut WantedPod| {
        pod.depends_on = [address("train")].into();
        pod.until = [(address("train"), Until::Done)].into();
    };
    let again = |pod: &mut WantedPod| {
        job(Then::Stop)(pod);
        pod.job = Some(Job { then: Then::Stop, rerun_on: Job::usual_rerun_on() });
        image_2(pod);
    };
    let world = World::default().want("train", job(Then::Stop)).applied();
    let world = REPLACED(world.want("train", again).want("web", waits).have("web", waits), "web");
    let planned = world.plan();
    assert_eq!(world.violations(planned.plan()), []);
    let edges = planned.plan().edges.iter().map(|(first, then)| format!("{first} before {then}"));
    assert_snapshot!(edges.collect::<Vec<_>>().join("\n"), @"
    train:update before train:await
    train:await before web:delete
    train:await before web:create
    web:delete before web:create
    ");
}
