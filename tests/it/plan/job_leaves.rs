//! Jobs whose key leaves the spec, or whose pod is no job any more.

use insta::assert_snapshot;
use podform::model::desired::Move;
use podform::model::job::{JobLog, Then, UnseenJob, Until};
use podform::model::live::{PodStatus, Seen};
use podform::model::plan::Planned;
use podform::model::pod::RunState;
use podform::model::size::Gigabytes;

use super::jobs::{begun, id, image, job, shows, told};
use super::world::{World, address};

/// Podform terminated it, as it was to.
#[test]
fn a_job_that_was_terminated_is_forgotten_without_alarm() {
    let done = shows(begun(Then::Terminate), PodStatus::Exited, Some(JobLog::Ended(0))).applied();
    let quiet = |world: &World| {
        let planned = world.plan();
        let lost = planned.plan().actions.values().flat_map(|action| action.consequences.clone());
        format!("{} {:?}", told(world), lost.collect::<Vec<_>>())
    };
    let mut removed = done.clone();
    removed.desired.wanted.clear();
    assert_snapshot!(quiet(&removed), @"train:forget Removed,  []");
    let destroyed = done.clone().option(|options| options.destroy = true);
    assert_snapshot!(quiet(&destroyed), @"train:forget Destroyed,  []");
    assert_snapshot!(quiet(&done.clone().want("train", |_| ())), @"train:create Changed,  [NewPodId]");
    assert_snapshot!(quiet(&done.clone().want("train", |pod| pod.run = RunState::Stopped)), @"train:forget Changed,  []");
    for world in [removed, done.want("train", |_| ())] {
        // Nobody has to say that it believes what it sees.
        let world = world.option(|options| options.accept_vanished = false);
        assert!(matches!(world.plan(), Planned::Changes(_)), "{}", told(&world));
        let after = world.applied();
        assert!(matches!(after.plan(), Planned::NoChanges(_)), "{}", told(&after));
    }
}

/// It may have run and its pod be gone, and what is known of it was in the state that was lost.
#[test]
fn nothing_runs_of_which_nobody_knows_whether_it_has() {
    let new = World::default().want("train", job(Then::Terminate)).want("next", job(Then::Stop));
    let new = new.want("web", |pod| pod.until = [(address("train"), Until::Done)].into());
    let lost = unseen(new.clone(), "train", UnseenJob::NotKnown);
    assert_snapshot!(told(&lost), @r#"next:create New, train held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done train` says that it is done, `--replace train` runs it"), web held: Job { address: Pod { key: Key("train"), replica: None }, ended: None },"#);
    // What else is on record does not matter, nor does it that it was found by a rebuild.
    let rebuilt =
        lost.clone().have("old", |_| ()).want("old", |_| ()).recorded("old", |old| old.rebuilt = true);
    assert_snapshot!(told(&rebuilt), @r#"next:create New, train held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done train` says that it is done, `--replace train` runs it"), web held: Job { address: Pod { key: Key("train"), replica: None }, ended: None },"#);
    let asked = lost.clone().option(|options| options.replace = [address("train")].into());
    assert_snapshot!(told(&asked), @"next:create New, train:create New, train:await WaitedFor, web:create New,");
    assert!(asked.applied().prior.unseen.is_empty());
    let stopped = lost.clone().want("train", |pod| {
        job(Then::Terminate)(pod);
        pod.run = RunState::Stopped;
    });
    assert_snapshot!(told(&stopped), @r#"next:create New, web held: Job { address: Pod { key: Key("train"), replica: None }, ended: None },"#);
    // Without its key nothing is left of it, as of any other job.
    let mut removed = lost.clone();
    removed.desired.wanted.remove(&address("train"));
    removed.desired.wanted.remove(&address("web"));
    assert_snapshot!(told(&removed), @"next:create New, train:forget Removed,");
    assert!(removed.applied().prior.unseen.is_empty());
    assert_snapshot!(told(&lost.clone().option(|options| options.destroy = true)), @"train:forget Destroyed,");
    // A service is there as long as it is wanted.
    assert_snapshot!(told(&lost.want("train", |_| ())), @r#"next:create New, train:create New, web held: Job { address: Pod { key: Key("train"), replica: None }, ended: None },"#);
}

/// Somebody said so, and from there on it is as any other.
#[test]
fn a_job_that_somebody_calls_done_runs_again_when_it_is_given_something_else() {
    let world = World::default().want("train", image(Then::Terminate, "1"));
    let given = world.desired.wanted[&address("train")].pod().unwrap().container.clone();
    let world = world.want("web", |pod| pod.until = [(address("train"), Until::Done)].into());
    let done = unseen(world, "train", UnseenJob::Done(Box::new(given)));
    assert_snapshot!(told(&done), @"web:create New, job-done");
    let after = done.applied();
    assert!(matches!(after.plan(), Planned::NoChanges(_)), "{}", told(&after));
    let other = after.clone().want("train", image(Then::Terminate, "2"));
    assert_snapshot!(told(&other), @"train:create RunAgain,");
    assert_snapshot!(told(&other.applied()), @"job-under-way");
    let again = after.clone().option(|options| options.replace = [address("train")].into());
    assert_snapshot!(told(&again), @"train:create Requested,");
    // What `rerun_on` does not name waits for the next run.
    let disk = after.want("train", |pod| {
        image(Then::Terminate, "1")(pod);
        pod.container.disk = Gigabytes(99);
    });
    assert_snapshot!(told(&disk), @"job-done");
}

/// What nobody knows stays so under another name.
#[test]
fn what_is_known_of_a_job_moves_with_its_key() {
    let mut world = unseen(World::default().want("fit", job(Then::Terminate)), "train", UnseenJob::NotKnown);
    world.desired.moved = vec![Move { from: address("train"), to: address("fit") }];
    assert_snapshot!(told(&world), @r#"fit:move Renamed, fit held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done fit` says that it is done, `--replace fit` runs it"),"#);
    let after = world.clone().applied_until(1);
    assert_eq!(after.prior.unseen, [(address("fit"), UnseenJob::NotKnown)].into());
    assert_snapshot!(told(&after), @r#"fit held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done fit` says that it is done, `--replace fit` runs it"),"#);
    // Whoever waits for it has it held at once.
    let waited = world.want("web", |pod| pod.until = [(address("fit"), Until::Ended)].into());
    assert_snapshot!(told(&waited), @r#"fit:move Renamed, fit held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done fit` says that it is done, `--replace fit` runs it"), web held: Job { address: Pod { key: Key("fit"), replica: None }, ended: None },"#);
    let replicas = unseen(World::default().want("train[0]", job(Then::Stop)), "train", UnseenJob::NotKnown);
    assert_snapshot!(told(&replicas), @r#"train[0]:move Renamed, train[0] held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done train[0]` says that it is done, `--replace train[0]` runs it"),"#);
}

/// An older state is put in its place: what its job did since is not known, and its pod is gone.
#[test]
fn a_job_is_not_run_again_on_the_word_of_an_older_state() {
    let begun = unseen(begun(Then::Terminate), "train", UnseenJob::NotKnown);
    let gone = begun.clone().want("train", image(Then::Terminate, "2"));
    let gone = without_pod(gone);
    assert_snapshot!(told(&gone), @r#"train held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done train` says that it is done, `--replace train` runs it"), train Vanished,"#);
    let asked = gone.option(|options| options.replace = [address("train")].into());
    assert_snapshot!(told(&asked), @"train:create Requested, train Vanished,");
    // One that is there tells.
    let done = shows(begun, PodStatus::Exited, Some(JobLog::Ended(0)));
    assert_snapshot!(told(&done), @"train:record JobEnded, train:delete JobEnded, job-done");
    let after = done.applied();
    assert!(after.prior.unseen.is_empty());
    assert_snapshot!(told(&after.want("train", image(Then::Terminate, "2"))), @"train:create RunAgain,");
}

fn without_pod(mut world: World) -> World {
    world.live.pods.insert(id(&world, "train"), Seen::Absent);
    world.live.jobs.clear();
    world
}

fn unseen(mut world: World, name: &str, job: UnseenJob) -> World {
    world.prior.unseen.insert(address(name), job);
    world
}
