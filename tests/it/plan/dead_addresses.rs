//! Pods that keep an address of one that is gone.

use std::sync::Arc;

use insta::assert_snapshot;
use podform::model::desired::{Ignored, OnStuckResume, WantedPod};
use podform::model::id::PodId;
use podform::model::live::{LivePod, PodStatus, Seen, Unreadable};
use podform::model::plan::Severity;
use podform::model::reference::Reference;

use super::cases::{image_2, key, plain, stopped};
use super::references::{other_head, refers_to, ring};
use super::world::{World, address, id_of};

/// Returns what is said of dead addresses, and what is done at `worker`.
fn said(world: &World) -> String {
    let planned = world.plan();
    let plan = planned.plan();
    let findings = plan.findings.iter().filter(|finding| finding.code == "keeps-dead-address");
    let findings = findings.map(|finding| {
        assert_eq!(finding.severity, Severity::Warning);
        let subject = finding.subject.as_ref().unwrap();
        format!("{} {:?}: {}", subject.address, subject.field, finding.message)
    });
    let actions =
        plan.actions.keys().filter(|id| id.address.key().as_str() == "worker").map(ToString::to_string);
    findings.chain(actions).collect::<Vec<_>>().join("\n")
}

fn ignoring(field: &'static str) -> impl Fn(&mut WantedPod) {
    move |pod| {
        refers_to(&["head.url.8000"])(pod);
        pod.lifecycle.ignore_changes = [field.parse::<Ignored>().unwrap()].into();
    }
}

/// Whether a pod that is started turns out to be another one no plan knows, so it says what follows for those that go on.
#[test]
fn who_refers_to_one_that_may_not_come_back_is_named() {
    let head = |pod: &mut WantedPod| pod.lifecycle.on_stuck_resume = OnStuckResume::Replace;
    let ring = ring().want("head", head).have("head", head);
    let ring = ring.outside("head", |pod| pod.status = PodStatus::Exited);
    let said = |world: &World| {
        let planned = world.plan();
        let findings = planned.plan().findings.iter();
        let findings = findings.filter(|finding| finding.code == "may-keep-dead-address");
        let said = findings.map(|finding| {
            let subject = finding.subject.as_ref().unwrap();
            format!("{:?} {}: {}", finding.severity, subject.address, finding.message)
        });
        said.collect::<Vec<_>>().join("\n")
    };
    let ignores = ring.clone().want("worker", ignoring("env")).have("worker", ignoring("env"));
    let waits = ring.clone().want("head", |_| {}).have("head", |_| {});
    let waits = waits.outside("head", |pod| pod.status = PodStatus::Exited);
    let rests = ring.clone().outside("worker", |pod| pod.status = PodStatus::Exited);
    let rests = rests.want("worker", |pod| {
        refers_to(&["head.url.8000"])(pod);
        stopped(pod);
    });
    let cases = [("goes on", ring), ("ignores", ignores), ("no replacement", waits), ("rests", rests)];
    let cases = cases.map(|(case, world)| format!("{case}:\n{}", said(&world)));
    assert_snapshot!(cases.join("\n"), @"
    goes on:
    Warning worker: keeps an address of a former pod of `head` if that cannot come back on its host and is made anew: the next plan that is about it tells it of the present one
    ignores:
    Warning worker: keeps an address of a former pod of `head` if that cannot come back on its host and is made anew: `ignore_changes` has the field, so no plan tells it of the present one
    no replacement:

    rests:
    ");
}

#[test]
fn who_ignores_the_variable_keeps_the_old_address() {
    let [first, others @ ..] = ["env", "env.HEAD_URL_8000", "all"].map(|field| {
        let world = other_head(ring().want("worker", ignoring(field)));
        (said(&world), said(&world.applied()))
    });
    assert!(others.iter().all(|other| *other == first), "{others:?}");
    assert_snapshot!(first.0, @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: `ignore_changes` has the field; take it out there, or make another pod by `--replace worker`"#);
    // It is said for as long as it is so.
    assert_snapshot!(first.1, @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: `ignore_changes` has the field; take it out there, or make another pod by `--replace worker`"#);
    assert_snapshot!(said(&other_head(ring().want("worker", ignoring("image")))), @"worker:update");
    assert_snapshot!(said(&ring().want("worker", ignoring("env"))), @"");
    // Another one is made in its place, which gets the new address.
    let world = other_head(ring().want("worker", ignoring("env")));
    let world = world.option(|options| {
        options.replace.insert(address("worker"));
    });
    assert_snapshot!(said(&world), @"
    worker:delete
    worker:create
    ");
    assert_snapshot!(said(&world.applied()), @"");
}

#[test]
fn who_is_left_out_keeps_the_old_address() {
    let excluded = other_head(ring()).option(|options| options.excludes = vec!["worker".parse().unwrap()]);
    assert_snapshot!(said(&excluded), @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: it is left out of this plan; one that is about it tells it of the present pod, if it refers to that"#);
    let mut deselected = other_head(ring());
    deselected.desired.wanted.remove(&address("worker"));
    deselected.deselect("worker");
    assert_snapshot!(said(&deselected), @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: it is left out of this plan; one that is about it tells it of the present pod, if it refers to that"#);
    // The head is gone without this plan.
    let mut gone = ring().option(|options| options.excludes = vec!["worker".parse().unwrap()]);
    gone.live.pods.insert(PodId::new(id_of("head")), Seen::Absent);
    assert_snapshot!(said(&gone), @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: it is left out of this plan; one that is about it tells it of the present pod, if it refers to that"#);
    // RunPod moved it.
    let mut moved = ring().option(|options| options.excludes = vec!["worker".parse().unwrap()]);
    let Some(Seen::Found(head)) = moved.live.pods.remove(&PodId::new(id_of("head"))) else {
        panic!("no head")
    };
    let head = LivePod { id: PodId::new("moved1"), ..head };
    moved.live.pods.insert(head.id.clone(), Seen::Found(head));
    moved.live.pods.insert(PodId::new(id_of("head")), Seen::Absent);
    assert_snapshot!(said(&moved), @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: it is left out of this plan; one that is about it tells it of the present pod, if it refers to that"#);
    // The head leaves the spec, and with it what was left out.
    let mut removed = ring();
    removed.desired.wanted.remove(&address("head"));
    removed.desired.wanted.remove(&address("worker"));
    removed.deselect("worker");
    assert_snapshot!(said(&removed), @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: it is left out of this plan; one that is about it tells it of the present pod, if it refers to that"#);
}

#[test]
fn who_is_told_or_goes_or_is_stopped_is_not_named() {
    assert_snapshot!(said(&other_head(ring())), @"worker:update");
    assert_snapshot!(said(&ring().option(|options| options.destroy = true)), @"worker:delete");
    let mut removed = other_head(ring());
    removed.desired.wanted.remove(&address("worker"));
    assert_snapshot!(said(&removed), @"worker:delete");
    let quiet = |pod: &mut WantedPod| {
        ignoring("env")(pod);
        stopped(pod);
    };
    assert_snapshot!(said(&other_head(ring().want("worker", quiet).have("worker", quiet))), @"");
}

/// An id that somebody typed is as dead as one that was referred to, and part of another word is none.
#[test]
fn an_address_that_was_typed_is_an_address() {
    let typed = |text: &'static str| {
        move |pod: &mut WantedPod| {
            Arc::make_mut(&mut pod.container.env).insert(key("HEAD"), plain(text));
        }
    };
    let world = |text| {
        let world = World::default().want("head", |_| {}).have("head", |_| {});
        other_head(world.want("worker", typed(text)).have("worker", typed(text)))
    };
    assert_snapshot!(said(&world("https://id-head-8000.proxy.runpod.net/v1")), @r#"worker Some(Env(EnvKey("HEAD"))): keeps an address of a former pod of `head`, which is gone then: write `${pods.head.url}` in its place, or what else of it is meant"#);
    assert_snapshot!(said(&world("id-head.runpod.internal:9000")), @r#"worker Some(Env(EnvKey("HEAD"))): keeps an address of a former pod of `head`, which is gone then: write `${pods.head.url}` in its place, or what else of it is meant"#);
    assert_snapshot!(said(&world("id-head")), @r#"worker Some(Env(EnvKey("HEAD"))): keeps an address of a former pod of `head`, which is gone then: write `${pods.head.url}` in its place, or what else of it is meant"#);
    assert_snapshot!(said(&world("xid-head-8000.proxy.runpod.net id-headx")), @"");
    // In its command, where it changes for another reason alone.
    let command = |pod: &mut WantedPod| pod.container.command = vec!["--to=id-head".to_owned()];
    let other = |pod: &mut WantedPod| {
        command(pod);
        image_2(pod);
    };
    let world = World::default().want("head", |_| {}).have("head", |_| {});
    assert_snapshot!(said(&other_head(world.want("worker", other).have("worker", command))), @"
    worker Some(Command): keeps an address of a former pod of `head`, which is gone then: write `${pods.head.url}` in its place, or what else of it is meant
    worker:update
    ");
}

/// No record tells of the former pod any more once another one is made; what the others were given does.
#[test]
fn a_dead_address_is_named_for_as_long_as_it_is_used() {
    let excluding = |world: World| world.option(|options| options.excludes = vec!["worker".parse().unwrap()]);
    let excluded = excluding(excluding(other_head(ring())).applied());
    assert_snapshot!(said(&excluded), @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: it is left out of this plan; one that is about it tells it of the present pod, if it refers to that"#);
    // It is said for as long as it is so, and a plan that is about it ends that.
    assert_snapshot!(said(&excluding(excluded.applied())), @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: it is left out of this plan; one that is about it tells it of the present pod, if it refers to that"#);
    assert_snapshot!(said(&excluded.applied()), @"worker:update");
    assert_snapshot!(said(&excluding(excluded.applied().applied())), @"");
    // No profile selects it, so the spec does not tell what it refers to, but the record what it depends on.
    let mut deselected = other_head(ring());
    deselected.desired.wanted.remove(&address("worker"));
    deselected.deselect("worker");
    assert_snapshot!(said(&deselected.applied()), @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: it is left out of this plan; one that is about it tells it of the present pod, if it refers to that"#);
    // In its command.
    let command = |pod: &mut WantedPod| {
        pod.container.command = vec!["--to".to_owned(), "head.host".parse::<Reference>().unwrap().marked()];
        pod.depends_on.insert(address("head"));
    };
    let world = World::default().want("head", |_| {}).have("head", |_| {});
    let world = world.want("worker", command).have("worker", command);
    assert_snapshot!(said(&excluding(excluding(other_head(world)).applied())), @"worker Some(Command): keeps an address of a former pod of `head`, which is gone then: it is left out of this plan; one that is about it tells it of the present pod, if it refers to that");
    // The spec has another one in its place since, and what it was given is that of a pod that is there.
    let other = refers_to(&["side.url.8000"]);
    let world =
        World::default().want("head", |_| {}).have("head", |_| {}).want("side", |_| {}).have("side", |_| {});
    let given = |pod: &mut WantedPod| {
        other(pod);
        let value = "head.url.8000".parse::<Reference>().unwrap().marked();
        Arc::make_mut(&mut pod.container.env).insert(key("SIDE_URL_8000"), plain(&format!("<{value}>")));
    };
    assert_snapshot!(said(&excluding(world.want("worker", &other).have("worker", given))), @"");
}

#[test]
fn who_is_held_is_named() {
    // Who waits for something that cannot be made is held with it.
    let needs = |pod: &mut WantedPod| {
        refers_to(&["head.url.8000"])(pod);
        pod.depends_on.insert(address("base"));
    };
    let world = ring().want("worker", needs).want("base", |_| {}).have("base", |_| {});
    let waiting = other_head(world.seen("base", Seen::Unreadable(Unreadable::TooNew)));
    assert_snapshot!(said(&waiting), @r#"worker Some(Env(EnvKey("HEAD_URL_8000"))): keeps an address of a former pod of `head`, which is gone then: it is held; once it is not, a plan tells it of the present pod, if it refers to that"#);
}
