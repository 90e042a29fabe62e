//! What podform itself changed, and did not come to see: nobody outside did it.

use insta::assert_snapshot;
use podform::model::desired::WantedPod;
use podform::model::id::{PodId, RemoteId, RunId};
use podform::model::job::{End, JobLog, Then};
use podform::model::journal::ActionStatus;
use podform::model::live::{PodStatus, Ran, Seen};
use podform::model::plan::{ActionId, Planned, Step};
use podform::model::pod::RunState;
use podform::model::prior::{Api, OpenIntent, RecordedRun};

use super::jobs::{begun, id, shows, told};
use super::world::{World, address, id_of, time};

fn image(tag: &'static str) -> impl FnOnce(&mut WantedPod) {
    move |pod| pod.container.image = format!("tool:{tag}")
}

/// A pod that shows another image than the state has.
fn changed(wanted: &'static str) -> World {
    let world = World::default().have("llm", image("1")).want("llm", image(wanted));
    world.outside("llm", |pod| pod.settings.image = Some("tool:2".to_owned()))
}

/// An earlier run died after RunPod had taken its change up.
fn sent(mut world: World) -> World {
    world.prior.open.push(OpenIntent {
        run: RunId::new("earlier"),
        action: ActionId { address: address("llm"), step: Step::Update },
        status: ActionStatus::Accepted { id: Some(RemoteId::Pod(PodId::new(id_of("llm")))) },
        token: None,
        since: time(9_000),
        server_time: Some(time(9_000)),
    });
    world
}

#[test]
fn a_change_that_was_sent_and_not_seen_is_none_from_outside() {
    assert_snapshot!(told(&changed("2")), @r#"llm:record Changed, llm Fields([FieldDrift { field: Image, recorded: Text("tool:1"), live: Text("tool:2"), left_alone: false }]),"#);
    assert_snapshot!(told(&sent(changed("2"))), @"llm:record Changed,");
    // What nobody asked for was changed by others all the same.
    assert_snapshot!(told(&sent(changed("1"))), @r#"llm:update Changed, llm Fields([FieldDrift { field: Image, recorded: Text("tool:1"), live: Text("tool:2"), left_alone: false }]),"#);
    let broken = |world: World| world.outside("llm", |pod| pod.status = PodStatus::Error);
    assert_snapshot!(told(&broken(changed("2"))), @r#"llm:start StateDrifted, llm Stopped, llm Fields([FieldDrift { field: Image, recorded: Text("tool:1"), live: Text("tool:2"), left_alone: false }]),"#);
    assert_snapshot!(told(&broken(sent(changed("2")))), @"llm:start Failed,");
    let down = |world: World| world.outside("llm", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(told(&down(sent(changed("2")))), @"llm:start StateDrifted, llm Stopped,");
    let mut over_v1 = down(sent(changed("2")));
    over_v1.api = Api::V1;
    assert_snapshot!(told(&over_v1), @"llm:start Failed,");
}

/// The run that reset it has seen that, and recorded that it is down.
#[test]
fn a_pod_whose_container_failed_after_a_reset_was_stopped_by_nobody() {
    let world = World::default().have("llm", |_| ()).want("llm", |_| ());
    let world = world.outside("llm", |pod| pod.status = PodStatus::Error);
    assert_snapshot!(told(&world), @"llm:start StateDrifted, llm Stopped,");
    let seen = world.recorded("llm", |recorded| {
        recorded.record.object.pod_mut().unwrap().run = RecordedRun::Failed;
    });
    assert_snapshot!(told(&seen), @"llm:start Failed,");
    // REST v2 alone tells it from a pod that was stopped.
    let seen = seen.outside("llm", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(told(&seen), @"llm:start Failed,");
    let started = seen.clone().outside("llm", |pod| pod.status = PodStatus::Running);
    assert_snapshot!(told(&started), @"llm:record Changed, llm Started,");
    // Nobody wants it to run any more.
    let unwanted = seen.want("llm", |pod| pod.run = RunState::Stopped);
    assert_snapshot!(told(&unwanted), @"");
}

/// A wait saw its end by the log, and its pod takes a while to stop itself.
#[test]
fn a_job_that_is_slow_to_stop_was_not_started_again() {
    let ran = |since: i64, seen: Option<i64>| {
        let mut world = shows(begun(Then::Stop), PodStatus::Running, Some(JobLog::Ended(0)));
        let id = id(&world, "train");
        if let Some(Seen::Found(pod)) = world.live.pods.get_mut(&id) {
            pod.ran = Ran::Once { since: Some(time(since)) };
        }
        world.recorded("train", |recorded| {
            let pod = recorded.record.object.pod_mut().unwrap();
            pod.run = RecordedRun::Stopped;
            let job = pod.job.as_mut().unwrap();
            (job.ended, job.end_seen_at) = (Some(End::Done), seen.map(time));
        })
    };
    assert_snapshot!(told(&ran(100, Some(200))), @"train:stop JobEnded, job-done");
    // Another start came after it, or may have.
    assert_snapshot!(told(&ran(300, Some(200))), @"train:stop StateDrifted, train Started, job-started, job-done");
    assert_snapshot!(told(&ran(100, None)), @"train:stop StateDrifted, train Started, job-started, job-done");
    let after = ran(100, Some(200)).applied();
    assert!(matches!(after.plan(), Planned::NoChanges(_)), "{}", told(&after));
}
