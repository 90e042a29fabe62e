//! Pods that an earlier run has brought on its way and did not see arrive: what waits for them, and what that is to an
//! approval.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use podform::model::desired::{AtOnce, OnReplace, WantedPod};
use podform::model::id::PodId;
use podform::model::job::{Then, Until};
use podform::model::live::PodStatus;
use podform::model::plan::{Planned, Step};
use podform::model::pod::{Port, Protocol};
use podform::model::prior::Api;
use podform::model::ready::{Probe, Ready};
use podform::model::seconds::Seconds;

use super::cases::{after, image_2, key, on, plain, settles, stopped};
use super::jobs::{begun, shows};
use super::references::refers_to;
use super::world::{World, address};

fn boots(world: World, name: &str) -> World {
    world.outside(name, |pod| pod.status = PodStatus::Starting)
}

fn asked(mut world: World, name: &str) -> World {
    let ready = Ready { probe: Probe::Tcp { port: 22 }, within: Seconds(60) };
    world.desired.ready.insert(address(name), ready);
    world
}

/// Another pod took the place of one that is still there.
fn with_former(world: World, name: &str) -> World {
    let former = format!("old-{}", name.replace(['[', ']'], ""));
    let world = world.stranger(&former, |_| {});
    world.recorded(name, |recorded| recorded.record.deposed = [PodId::new(former)].into())
}

/// Returns the order of a plan after which nothing is left to do, and its actions where there is none.
fn order(world: &World) -> String {
    settles(world);
    steps(world)
}

fn steps(world: &World) -> String {
    let planned = world.plan();
    let plan = planned.plan();
    if plan.edges.is_empty() {
        return plan.actions.keys().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    }
    let lines = plan.edges.iter().map(|(first, then)| format!("{first} before {then}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// `llm` is there, and `web` waits for it.
fn pair() -> World {
    World::default().want("llm", |_| {}).have("llm", |_| {}).want("web", after(&["llm"]))
}

#[test]
fn what_comes_up_waits_for_what_is_on_its_way() {
    assert_snapshot!(order(&boots(pair(), "llm")), @"llm:ready before web:create");
    let rented = pair().outside("llm", |pod| pod.status = PodStatus::Provisioning);
    assert_snapshot!(order(&rented), @"llm:ready before web:create");
    // What is there already is reset, started or replaced no sooner.
    let there = boots(pair(), "llm").have("web", after(&["llm"]));
    let changed = |pod: &mut WantedPod| {
        after(&["llm"])(pod);
        image_2(pod);
    };
    assert_snapshot!(order(&there.clone().want("web", changed)), @"llm:ready before web:update");
    let down = there.clone().outside("web", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(order(&down), @"llm:ready before web:start");
    let replaced = there.option(|options| {
        options.replace.insert(address("web"));
    });
    assert_snapshot!(order(&replaced), @"
    llm:ready before web:delete
    llm:ready before web:create
    web:delete before web:create
    ");
}

#[test]
fn what_nothing_waits_for_is_left_alone() {
    let nothing = [
        boots(World::default().want("llm", |_| {}).have("llm", |_| {}), "llm"),
        boots(pair(), "llm").have("web", after(&["llm"])),
        // What the command line left out is taken as it is, and what is wanted stopped is as it is to be.
        boots(pair(), "llm").have("web", after(&["llm"])).want("web", |pod| {
            after(&["llm"])(pod);
            stopped(pod);
        }),
    ];
    let said: Vec<String> = nothing.iter().map(order).collect();
    assert_eq!(said, ["", "", "web:stop"]);
    let targeted = boots(pair(), "llm").option(|options| options.targets = vec!["web".parse().unwrap()]);
    assert_snapshot!(order(&targeted), @"web:create");
}

/// Its own last step ends once it runs.
#[test]
fn what_is_begun_by_the_plan_has_no_step_that_waits_besides() {
    let changed = boots(pair(), "llm").want("llm", image_2);
    assert_snapshot!(order(&changed), @"llm:update before web:create");
    let replaced = boots(pair(), "llm").want("llm", |pod| {
        on("L40S")(pod);
        pod.lifecycle.on_replace = OnReplace::CreateFirst;
    });
    assert_snapshot!(order(&replaced), @"
    llm:create before llm:delete
    llm:create before web:create
    ");
    // A change in place of one that boots does not end with that.
    let renamed = boots(pair(), "llm").want("llm", |pod| pod.container.name = "acme-other".to_owned());
    assert_snapshot!(order(&renamed), @"
    llm:update before llm:ready
    llm:ready before web:create
    ");
    let renamed = with_former(renamed, "llm");
    assert_snapshot!(order(&renamed), @"
    llm:update before llm:ready
    llm:ready before llm:delete-deposed
    llm:ready before web:create
    ");
}

/// It may be the only one that serves.
#[test]
fn a_former_pod_goes_once_the_one_in_its_place_runs() {
    let world = || with_former(World::default().want("llm", |_| {}).have("llm", |_| {}), "llm");
    assert_snapshot!(order(&boots(world(), "llm")), @"llm:ready before llm:delete-deposed");
    assert_snapshot!(order(&world()), @"llm:delete-deposed");
    assert_snapshot!(order(&boots(world(), "llm").want("llm", stopped)), @"llm:delete-deposed before llm:stop");
    // A second pod of one create serves nobody.
    let two = boots(World::default().want("llm", |_| {}).have("llm", |_| {}), "llm");
    let mark = two.marker("llm");
    let two = two.stranger("second", |pod| pod.marker = Some(mark));
    assert_snapshot!(order(&two), @"llm:delete-deposed");
}

/// Those who refer to the former one are told of the other no sooner than that runs, and the former one goes after that.
#[test]
fn who_refers_to_it_is_told_once_it_runs() {
    let told_of_the_former = |pod: &mut WantedPod| {
        refers_to(&["head.id"])(pod);
        pod.container.env = BTreeMap::from([(key("HEAD_ID"), plain("<old-head>"))]).into();
    };
    let world = World::default().want("head", |_| {}).have("head", |_| {});
    let world = world.want("cli", refers_to(&["head.id"])).have("cli", told_of_the_former);
    assert_snapshot!(order(&with_former(boots(world, "head"), "head")), @"
    cli:update before head:delete-deposed
    head:ready before cli:update
    head:ready before head:delete-deposed
    ");
}

/// One of two replicas has been replaced by a run that was cut off then.
fn replaced_in_waves() -> World {
    let other = |pod: &mut WantedPod| {
        on("L40S")(pod);
        pod.lifecycle.on_replace = OnReplace::CreateFirst;
        pod.at_once = Some(AtOnce::Number(1));
    };
    let first = |pod: &mut WantedPod| {
        pod.lifecycle.on_replace = OnReplace::CreateFirst;
        pod.at_once = Some(AtOnce::Number(1));
    };
    let world = World::default().want("web[0]", first).have("web[0]", first);
    world.want("web[1]", other).have("web[1]", first)
}

#[test]
fn what_begins_too_early_is_found_out() {
    let without_waits = |world: World| {
        let mut plan = world.plan().plan().clone();
        plan.actions.retain(|id, _| id.step != Step::Ready);
        plan.edges.retain(|(first, then)| first.step != Step::Ready && then.step != Step::Ready);
        let found = world.violations(&plan).iter().map(ToString::to_string).collect::<Vec<_>>();
        found.join("\n")
    };
    assert_snapshot!(without_waits(with_former(boots(pair(), "llm"), "llm")), @"
    `llm:delete-deposed` begins before `llm` runs
    `web:create` begins before `llm` runs
    ");
    assert_snapshot!(without_waits(with_former(boots(replaced_in_waves(), "web[0]"), "web[0]")), @"
    `web[0]:delete-deposed` begins before `web[0]` runs
    `web[1]:delete` begins before `web[0]` runs
    ");
}

#[test]
fn the_next_wave_waits_for_it_and_for_the_end_of_its_former_pod() {
    let world = with_former(boots(replaced_in_waves(), "web[0]"), "web[0]");
    assert_snapshot!(order(&world), @"
    web[0]:delete-deposed before web[1]:create
    web[0]:ready before web[0]:delete-deposed
    web[1]:create before web[1]:delete
    ");
}

/// Over REST v1 that is seldom told, and then the former pod and the next wave go at once.
#[test]
fn what_relies_on_what_rest_v1_does_not_tell_is_said() {
    let told = |world: World, edit: &dyn Fn(&mut WantedPod)| {
        let names = ["llm", "web[0]", "web[1]"];
        let base = |name: &str, pod: &mut WantedPod| {
            pod.container.ports.clear();
            match name {
                "llm" => pod.lifecycle.on_replace = OnReplace::CreateFirst,
                _ => pod.at_once = Some(AtOnce::Number(1)),
            }
            edit(pod);
        };
        let world = names.into_iter().fold(world, |world, name| {
            let world = world.have(name, |pod| base(name, pod));
            world.want(name, |pod| {
                base(name, pod);
                if name == "llm" { on("L40S")(pod) } else { image_2(pod) }
            })
        });
        let planned = world.plan();
        let findings = planned.plan().findings.iter().filter(|finding| finding.code == "goes-unseen");
        let told = findings.map(|finding| {
            let address = finding.subject.as_ref().map(|subject| subject.address.to_string());
            format!("{}: {}", address.unwrap_or_default(), finding.message)
        });
        told.collect::<Vec<_>>().join("\n")
    };
    let over = |api: Api| World { api, ..World::default() };
    assert_snapshot!(told(over(Api::V1), &|_| {}), @"
    llm: REST v1 does not tell when the new pod runs, so the old one goes as soon as there is a new one, even if that never comes up; `ready`, or `api: v2`, keeps it until then
    web: REST v1 does not tell when a pod runs again, so the next wave goes down as soon as one is changed, even if that never comes up; `ready`, or `api: v2`, keeps it until then
    ");
    let telling = [
        told(over(Api::V2), &|_| {}),
        told(over(Api::Graphql), &|_| {}),
        // Secure Cloud gives every TCP port a public one.
        told(over(Api::V1), &|pod| {
            pod.container.ports = [Port { number: 22, protocol: Protocol::Tcp }].into()
        }),
        told(["llm", "web[0]", "web[1]"].into_iter().fold(over(Api::V1), asked), &|_| {}),
    ];
    assert_eq!(telling, ["", "", "", ""]);
}

#[test]
fn who_waits_for_the_end_of_a_job_does_not_wait_for_its_beginning_besides() {
    let waits = |until: Option<Until>| {
        move |pod: &mut WantedPod| {
            after(&["train"])(pod);
            pod.until = until.map(|until| (address("train"), until)).into_iter().collect();
        }
    };
    let world = shows(begun(Then::Stop), PodStatus::Starting, None);
    let ended = world.clone().want("web", waits(Some(Until::Done)));
    assert_snapshot!(steps(&ended), @"train:await before web:create");
    let both = ended.want("aside", waits(None));
    assert_snapshot!(steps(&both), @"
    train:await before web:create
    train:ready before aside:create
    train:ready before train:await
    ");
}

/// Whether it is up by now is no part of what is approved, nor is what asks it at the end.
#[test]
fn that_it_runs_by_now_makes_no_approval_stale() {
    let world = with_former(pair(), "llm");
    let digest = |world: &World| world.plan().plan().digest.clone();
    assert_eq!(digest(&boots(world.clone(), "llm")), digest(&world));
    assert_ne!(digest(&asked(world.clone(), "llm")), digest(&world));
    assert!(matches!(boots(pair(), "llm").plan(), Planned::Changes(_)));
}
