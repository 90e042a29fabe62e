//! Plans that wait for a job, once it has ended.

use std::fmt::Write as _;

use insta::assert_snapshot;
use podform::model::desired::WantedPod;
use podform::model::job::{JobLog, Then, Until};
use podform::model::live::PodStatus;
use podform::model::outcome::{EndResult, Ended, Outcome};
use podform::model::plan::{ActionId, Plan, Step};
use podform::model::retry::{Patience, Retry};
use podform::model::seconds::Seconds;
use podform::plan::{Again, again, check, since_end};

use super::jobs::{begun, shows, told};
use super::world::{World, address};

/// A job that goes on, and a pod that comes up when it is done.
fn waiting(then: Then) -> World {
    let waits = |pod: &mut WantedPod| {
        pod.depends_on.insert(address("train"));
        pod.until.insert(address("train"), Until::Done);
    };
    shows(begun(then), PodStatus::Running, Some(JobLog::Silent)).want("web", waits)
}

fn ended(world: &World, status: PodStatus, code: u32) -> World {
    shows(world.clone(), status, Some(JobLog::Ended(code)))
}

fn steps(plan: &Plan) -> String {
    let broken = check(plan);
    assert!(broken.is_empty(), "{broken:?}");
    plan.actions.keys().map(|id| format!("{id} ")).collect()
}

/// What remains is the plan without the wait, and the end is put on record.
#[test]
fn a_saved_plan_goes_on_without_the_wait_that_is_over() {
    let mut table = String::new();
    for then in [Then::Stop, Then::Terminate, Then::Keep] {
        for (status, code) in [(PodStatus::Running, 0), (PodStatus::Exited, 0), (PodStatus::Exited, 3)] {
            let world = waiting(then);
            let (saved, now) = (world.plan(), ended(&world, status, code).plan());
            let since = since_end(saved.plan(), now.plan()).unwrap();
            assert_eq!(since.to_execute.digest, saved.plan().digest);
            let is_left = since.saved.digest == since.now.digest;
            let (all, done) = (steps(now.plan()), steps(&since.to_execute));
            writeln!(table, "{} {status} {code}: {all}-> {done}{is_left}", then.word()).unwrap();
        }
    }
    assert_snapshot!(table, @"
    stop RUNNING 0: train:stop web:create -> web:create true
    stop EXITED 0: train:record web:create -> train:record web:create true
    stop EXITED 3: train:record -> train:record false
    terminate RUNNING 0: train:record train:delete web:create -> train:record web:create true
    terminate EXITED 0: train:record train:delete web:create -> train:record web:create true
    terminate EXITED 3: train:record -> train:record false
    keep RUNNING 0: train:record web:create -> train:record web:create true
    keep EXITED 0: train:record web:create -> train:record web:create true
    keep EXITED 3: train:record -> train:record false
    ");
}

#[test]
fn what_has_not_ended_is_waited_for() {
    let world = waiting(Then::Stop);
    assert_eq!(since_end(world.plan().plan(), world.plan().plan()), None);
    // A saved plan that makes the job cannot be one whose job has ended.
    let fresh = World { prior: World::default().prior, live: World::default().live, ..world.clone() };
    let now = ended(&world, PodStatus::Exited, 0).plan();
    assert_eq!(since_end(fresh.plan().plan(), now.plan()), None);
}

/// The pod of a done job is for the next apply, and no reason to give up the one that waits for capacity.
#[test]
fn a_run_goes_on_after_the_job_that_it_waited_for() {
    let mut world = waiting(Then::Terminate);
    let patience = Patience { within: Seconds(7_200), every: Seconds(60) };
    world.desired.retries.insert(address("web").key().clone(), Retry { patience, widen: Vec::new() });
    let approved = world.plan();
    let create = ActionId { address: address("web"), step: Step::Create };
    let wait = ActionId { address: address("train"), step: Step::Await };
    let full = EndResult::NoCapacity("nothing is free".to_owned());
    let actions = [(wait, Ended::new(EndResult::Done)), (create.clone(), Ended::new(full))].into();
    let outcome = Outcome { actions, stopped_by: None };
    let mut after = world.applied_until(1);
    after.nonce = world.nonce.clone();
    let now = after.plan();
    assert_snapshot!(steps(now.plan()), @"train:delete web:create");
    let due = [create].into();
    let Again { plan, not_needed, put_off, left } = again(approved.plan(), &outcome, &due, &now).unwrap();
    assert_snapshot!(format!("{} {not_needed:?} {put_off:?} left {left:?}", steps(&plan)), @r#"web:create  {} {} left {ActionId { address: Pod { key: Key("train"), replica: None }, step: Delete }}"#);
}

/// What is reset comes up anew, and until it may it goes on as it is.
#[test]
fn a_pod_that_is_reset_waits_as_one_that_comes_up() {
    let waits = |pod: &mut WantedPod| {
        pod.container.image = "tool:2".to_owned();
        pod.depends_on.insert(address("train"));
        pod.until.insert(address("train"), Until::Done);
    };
    let goes = waiting(Then::Stop).have("web", |_| ()).want("web", waits);
    assert_snapshot!(told(&goes), @"train:await WaitedFor, web:record LifecycleChanged, web:update Changed, job-under-way");
    let edges = goes
        .plan()
        .plan()
        .edges
        .iter()
        .map(|(first, then)| format!("{first} before {then}"))
        .collect::<Vec<_>>();
    assert_snapshot!(edges.join(", "), @"train:await before web:update, web:record before web:update");
    assert_snapshot!(told(&goes.clone().option(|options| options.targets = vec!["web".parse().unwrap()])), @"train:await WaitedFor, web:record LifecycleChanged, web:update Changed,");
    assert_snapshot!(told(&ended(&goes, PodStatus::Exited, 0)), @"train:record JobEnded, web:record LifecycleChanged, web:update Changed, job-done");
    assert_snapshot!(told(&ended(&goes, PodStatus::Exited, 3)), @r#"train:record JobEnded, web held: Job { address: Pod { key: Key("train"), replica: None }, ended: Some(Failed(3)) }, job-failed"#);
    // What changes without a reset waits for nobody.
    let renamed = waiting(Then::Stop).have("web", |_| ()).want("web", |pod| {
        waits(pod);
        pod.container.image = "tool:1".to_owned();
        pod.container.name = "other".to_owned();
    });
    assert_snapshot!(told(&renamed), @"web:record LifecycleChanged, web:update Changed, job-under-way");
}
