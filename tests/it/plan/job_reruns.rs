//! Jobs that refer to other pods: which of their changes make them run again.

use std::sync::Arc;

use insta::assert_snapshot;
use podform::model::desired::WantedPod;
use podform::model::job::{JobLog, Then};
use podform::model::live::PodStatus;
use podform::model::reference::Reference;

use super::cases::{key, plain};
use super::jobs::{job, shows, told};
use super::world::{World, address};

fn text(reference: &str) -> String {
    format!("<{}>", reference.parse::<Reference>().unwrap().marked())
}

/// Told of a pod by a variable.
fn by_variable(then: Then, reference: &'static str) -> impl Fn(&mut WantedPod) {
    move |pod| {
        job(then)(pod);
        Arc::make_mut(&mut pod.container.env).insert(key("HEAD"), plain(&text(reference)));
    }
}

/// Told of a pod by a word of its command.
fn by_command(reference: &'static str) -> impl Fn(&mut WantedPod) {
    move |pod| {
        job(Then::Stop)(pod);
        pod.container.command.push(text(reference));
    }
}

fn with_head(train: impl Fn(&mut WantedPod)) -> World {
    World::default().want("head", |_| ()).want("other", |_| ()).want("train", train).applied()
}

fn other_head(world: World) -> World {
    world.option(|options| {
        options.replace.insert(address("head"));
    })
}

fn done(world: World) -> World {
    shows(world, PodStatus::Exited, Some(JobLog::Ended(0)))
}

#[test]
fn a_job_stays_done_whatever_id_the_pod_has_that_it_refers_to() {
    for then in [Then::Stop, Then::Terminate] {
        let ended = done(with_head(by_variable(then, "head.url.8000"))).applied();
        let after = other_head(ended).applied();
        let left = if then == Then::Terminate { "job-done" } else { "job-done, left-to-next-run" };
        assert_eq!(told(&after), left);
    }
    let ended = done(with_head(by_command("head.id"))).applied();
    assert_snapshot!(told(&other_head(ended.clone())), @"head:delete Requested, head:create Requested, job-done, left-to-next-run");
    assert_snapshot!(told(&other_head(ended).applied()), @"job-done, left-to-next-run");
}

#[test]
fn a_run_is_not_cut_short_by_another_id() {
    for (status, log) in [(PodStatus::Running, JobLog::Silent), (PodStatus::Exited, JobLog::Ended(0))] {
        let train = with_head(by_variable(Then::Stop, "head.url.8000"));
        let world = other_head(shows(train, status, Some(log)));
        let steps = told(&world);
        assert!(!steps.contains("RunAgain"), "{steps}");
    }
    // What a rebuild found is compared alike.
    let mut rebuilt = done(with_head(by_variable(Then::Stop, "head.url.8000"))).applied();
    rebuilt.prior.objects.get_mut(&address("train")).unwrap().rebuilt = true;
    let steps = told(&other_head(rebuilt));
    assert!(!steps.contains("RunAgain"), "{steps}");
}

/// The spec says something else then, with whatever ids.
#[test]
fn a_job_that_is_to_refer_to_another_pod_runs_again() {
    let ended = done(with_head(by_variable(Then::Stop, "head.id"))).applied();
    let other = ended.clone().want("train", by_variable(Then::Stop, "other.id"));
    assert_snapshot!(told(&other), @"train:update RunAgain, train:start RunAgain,");
    assert_snapshot!(told(&ended.want("train", by_variable(Then::Stop, "head.host"))), @"train:update RunAgain, train:start RunAgain,");
    let ended = done(with_head(by_command("head.id"))).applied();
    assert_snapshot!(told(&ended.want("train", by_command("other.id"))), @"train:update RunAgain, train:start RunAgain,");
    // And the run gets the present id.
    let ended = other_head(done(with_head(by_variable(Then::Stop, "head.id"))).applied()).applied();
    let mut again = ended.want("train", |pod| {
        by_variable(Then::Stop, "head.id")(pod);
        pod.container.image = "tool:2".to_owned();
    });
    assert_snapshot!(told(&again), @"train:update RunAgain, train:start RunAgain,");
    again.live.jobs.clear();
    assert_snapshot!(told(&again.applied()), @"job-under-way");
}
