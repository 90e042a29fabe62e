//! Jobs: what is planned for one, by what its pod does, what its log says and what is on record.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use insta::assert_snapshot;
use podform::model::desired::WantedPod;
use podform::model::id::{PodId, RemoteId, RunNonce};
use podform::model::job::{self, End, Job, JobLog, Then, Until};
use podform::model::live::{LivePod, PodStatus, Seen};
use podform::model::plan::{Cause, Planned};
use podform::model::pod::RunState;

use super::world::{World, address, in_order};

pub(crate) fn job(then: Then) -> impl Fn(&mut WantedPod) {
    move |pod| {
        pod.job = Some(Job { then, rerun_on: Job::usual_rerun_on() });
        pod.container.command = vec!["train".to_owned()];
        pod.container.entrypoint = job::entrypoint(then);
    }
}

pub(crate) fn image(then: Then, tag: &'static str) -> impl Fn(&mut WantedPod) {
    move |pod| {
        job(then)(pod);
        pod.container.image = format!("tool:{tag}");
    }
}

/// Returns a world in which `train` was begun by an apply.
pub(crate) fn begun(then: Then) -> World {
    World::default().want("train", job(then)).applied()
}

pub(crate) fn id(world: &World, name: &str) -> PodId {
    match &world.prior.objects[&address(name)].id {
        RemoteId::Pod(id) => id.clone(),
        other => panic!("{other:?}"),
    }
}

fn live(world: &mut World, edit: impl FnOnce(&mut LivePod)) {
    let id = id(world, "train");
    match world.live.pods.get_mut(&id) {
        Some(Seen::Found(pod)) => edit(pod),
        other => panic!("{other:?}"),
    }
}

/// Shows the pod so, with this log.
pub(crate) fn shows(mut world: World, status: PodStatus, log: Option<JobLog>) -> World {
    let id = id(&world, "train");
    live(&mut world, |pod| pod.status = status);
    world.live.jobs = log.map(|log| (id, log)).into_iter().collect();
    world
}

pub(crate) fn told(world: &World) -> String {
    let planned = world.plan();
    let plan = planned.plan();
    let broken = world.violations(plan);
    assert!(broken.is_empty(), "{broken:?}");
    let mut text = String::new();
    for id in in_order(plan) {
        write!(text, "{id} {:?}, ", plan.actions[&id].reason).unwrap();
    }
    for (address, held) in &plan.held {
        write!(text, "{address} held: {held:?}, ").unwrap();
    }
    for drift in &plan.drift {
        write!(text, "{} {:?}, ", drift.address, drift.kind).unwrap();
    }
    let codes = plan.findings.iter().map(|finding| finding.code);
    let codes = codes.filter(|code| code.starts_with("job-") || *code == "left-to-next-run");
    text + &codes.collect::<Vec<_>>().join(", ")
}

#[test]
fn what_follows_is_told_by_the_pod_and_its_log() {
    use PodStatus::{Error, Exited, Running, Starting};
    let unread = || Some(JobLog::Unread("no answer".to_owned()));
    let cases = [
        (Starting, None),
        (Running, None),
        (Running, Some(JobLog::Silent)),
        (Running, unread()),
        (Running, Some(JobLog::Ended(0))),
        (Exited, Some(JobLog::Ended(0))),
        (Exited, Some(JobLog::Ended(137))),
        (Exited, Some(JobLog::Silent)),
        (Error, Some(JobLog::Silent)),
        (Exited, unread()),
        (Exited, None),
    ];
    let mut table = String::new();
    for (status, log) in cases {
        for then in [Then::Stop, Then::Terminate, Then::Keep] {
            let world = shows(begun(then), status, log.clone());
            writeln!(table, "{status} {log:?} {}: {}", then.word(), told(&world)).unwrap();
        }
    }
    assert_snapshot!(table, @r#"
    STARTING None stop: job-under-way
    STARTING None terminate: job-under-way
    STARTING None keep: job-under-way, job-kept
    RUNNING None stop: job-under-way
    RUNNING None terminate: job-under-way
    RUNNING None keep: job-under-way, job-kept
    RUNNING Some(Silent) stop: job-under-way
    RUNNING Some(Silent) terminate: job-under-way
    RUNNING Some(Silent) keep: job-under-way, job-kept
    RUNNING Some(Unread("no answer")) stop: job-under-way
    RUNNING Some(Unread("no answer")) terminate: job-under-way
    RUNNING Some(Unread("no answer")) keep: job-under-way, job-kept
    RUNNING Some(Ended(0)) stop: train:stop JobEnded, job-done
    RUNNING Some(Ended(0)) terminate: train:record JobEnded, train:delete JobEnded, job-done
    RUNNING Some(Ended(0)) keep: train:record JobEnded, job-done, job-kept
    EXITED Some(Ended(0)) stop: train:record JobEnded, job-done
    EXITED Some(Ended(0)) terminate: train:record JobEnded, train:delete JobEnded, job-done
    EXITED Some(Ended(0)) keep: train:record JobEnded, job-done
    EXITED Some(Ended(137)) stop: train:record JobEnded, job-failed
    EXITED Some(Ended(137)) terminate: train:record JobEnded, job-failed
    EXITED Some(Ended(137)) keep: train:record JobEnded, job-failed
    EXITED Some(Silent) stop: job-unknown
    EXITED Some(Silent) terminate: job-unknown
    EXITED Some(Silent) keep: job-unknown
    ERROR Some(Silent) stop: job-unknown
    ERROR Some(Silent) terminate: job-unknown
    ERROR Some(Silent) keep: job-unknown
    EXITED Some(Unread("no answer")) stop: train held: Unreadable("its log could not be read: no answer"), 
    EXITED Some(Unread("no answer")) terminate: train held: Unreadable("its log could not be read: no answer"), 
    EXITED Some(Unread("no answer")) keep: train held: Unreadable("its log could not be read: no answer"), 
    EXITED None stop: train held: Unreadable("its log was not read"), 
    EXITED None terminate: train held: Unreadable("its log was not read"), 
    EXITED None keep: train held: Unreadable("its log was not read"),
    "#);
}

#[test]
fn once_its_end_is_on_record_nothing_is_left_to_do() {
    for then in [Then::Stop, Then::Terminate, Then::Keep] {
        for code in [0, 3] {
            let status = if then == Then::Keep { PodStatus::Running } else { PodStatus::Exited };
            let after = shows(begun(then), status, Some(JobLog::Ended(code))).applied();
            assert!(matches!(after.plan(), Planned::NoChanges(_)), "{then:?} {code}: {}", told(&after));
            let recorded = &after.prior.objects[&address("train")];
            let is_terminated = then == Then::Terminate && code == 0;
            assert_eq!(recorded.is_gone(), is_terminated, "{then:?} {code}");
            // Whoever is gone is not looked for.
            assert_eq!(after.prior.to_look_for().len(), usize::from(!is_terminated));
        }
    }
}

#[test]
fn only_what_it_was_given_makes_it_run_again() {
    let done = || shows(begun(Then::Stop), PodStatus::Exited, Some(JobLog::Ended(0))).applied();
    let with = |edit: fn(&mut WantedPod)| {
        told(&done().want("train", |pod| {
            job(Then::Stop)(pod);
            edit(pod);
        }))
    };
    assert_snapshot!(with(|pod| pod.container.image = "tool:2".to_owned()), @"train:update RunAgain, train:start RunAgain,");
    assert_snapshot!(with(|pod| pod.container.command.push("--more".to_owned())), @"train:update RunAgain, train:start RunAgain,");
    assert_snapshot!(with(|pod| pod.container.ports.clear()), @"job-done, left-to-next-run");
    assert_snapshot!(with(|pod| pod.run = RunState::Stopped), @"job-done");
    assert_snapshot!(with(|pod| pod.job = None), @"train:start StateWanted,");
}

/// A run is named by the making of the plan, and is no part of what is approved.
#[test]
fn an_approval_is_not_about_the_name_of_the_run() {
    let done = shows(begun(Then::Stop), PodStatus::Exited, Some(JobLog::Ended(0))).applied();
    let again = done.want("train", image(Then::Stop, "2"));
    let mut other = again.clone();
    other.nonce = RunNonce::new("another");
    assert_eq!(again.plan().plan().digest, other.plan().plan().digest);
    assert_ne!(again.plan().plan().actions, other.plan().plan().actions);
}

/// Cut off between the update that names a run and the start: it is started, once.
#[test]
fn a_run_that_was_prepared_is_begun_by_the_next_plan() {
    let done = shows(begun(Then::Stop), PodStatus::Exited, Some(JobLog::Ended(0))).applied();
    let mut again = done.want("train", image(Then::Stop, "2")).applied_until(1);
    again.nonce = RunNonce::new("later");
    let again = shows(again, PodStatus::Exited, Some(JobLog::Silent));
    assert_snapshot!(told(&again), @"train:update RunAgain, train:start RunAgain,");
    let after = again.applied();
    assert!(matches!(after.plan(), Planned::NoChanges(_)), "{}", told(&after));
}

/// The request took effect, and the run of podform died before it was on record.
#[test]
fn a_run_that_began_unrecorded_is_not_begun_again() {
    let before = begun(Then::Stop).want("train", image(Then::Stop, "2"));
    let mut world = before.applied();
    world.prior = before.prior.clone();
    let going = shows(world.clone(), PodStatus::Running, Some(JobLog::Silent));
    let ended = shows(world, PodStatus::Exited, Some(JobLog::Ended(0)));
    assert_snapshot!(told(&going), @r#"train:record Changed, train Fields([FieldDrift { field: Image, recorded: Text("tool:1"), live: Text("tool:2"), left_alone: false }]), job-under-way"#);
    assert_snapshot!(told(&ended), @r#"train:record JobEnded, train Fields([FieldDrift { field: Image, recorded: Text("tool:1"), live: Text("tool:2"), left_alone: false }]), job-done"#);
    for world in [going, ended] {
        let after = world.applied();
        assert!(matches!(after.plan(), Planned::NoChanges(_)), "{}", told(&after));
    }
}

#[test]
fn a_pod_that_is_gone_is_not_one_that_is_done() {
    let gone = |mut world: World| {
        let id = id(&world, "train");
        world.live.pods.insert(id, Seen::Absent);
        world.live.jobs = BTreeMap::new();
        world
    };
    let unfinished = gone(begun(Then::Stop));
    assert_snapshot!(told(&unfinished), @"train:record JobEnded, train Vanished, job-unknown");
    let after = unfinished.applied();
    assert_snapshot!(told(&after), @"job-unknown");
    assert_snapshot!(told(&after.clone().want("train", image(Then::Stop, "2"))), @"train:create RunAgain,");
    let replaced = after.option(|options| options.replace = [address("train")].into());
    assert_snapshot!(told(&replaced), @"train:create Requested,");
    let recorded = shows(begun(Then::Stop), PodStatus::Exited, Some(JobLog::Ended(0))).applied();
    assert_snapshot!(told(&gone(recorded).applied()), @"job-done");
}

/// A clone carries the token of the pod that was terminated. It is nobody's, and never ended in its place.
#[test]
fn a_copy_of_a_terminated_job_is_left_alone() {
    let done = shows(begun(Then::Terminate), PodStatus::Exited, Some(JobLog::Ended(0)));
    let Some(Seen::Found(pod)) = done.live.pods.get(&id(&done, "train")).cloned() else { panic!("no pod") };
    let mut after = done.applied();
    let copy = LivePod { id: PodId::new("copy"), ..pod };
    after.live.pods.insert(copy.id.clone(), Seen::Found(copy));
    let planned = after.plan();
    assert!(planned.plan().actions.is_empty(), "{}", told(&after));
    let listed: Vec<String> = planned.plan().unmanaged.iter().map(|pod| pod.id.to_string()).collect();
    assert_eq!(listed, ["copy"]);
}

#[test]
fn what_waits_for_a_job_waits_for_the_right_end() {
    let waits = |until: Until| {
        move |pod: &mut WantedPod| {
            pod.depends_on.insert(address("train"));
            pod.until.insert(address("train"), until);
        }
    };
    let fresh = World::default().want("train", job(Then::Stop));
    assert_snapshot!(told(&fresh.want("web", waits(Until::Done))), @"train:create New, train:await WaitedFor, web:create New,");
    let mut table = String::new();
    for (status, log) in [
        (PodStatus::Running, JobLog::Silent),
        (PodStatus::Exited, JobLog::Ended(0)),
        (PodStatus::Exited, JobLog::Ended(3)),
        (PodStatus::Exited, JobLog::Silent),
    ] {
        for until in [Until::Done, Until::Ended] {
            let world = shows(begun(Then::Stop), status, Some(log.clone())).want("web", waits(until));
            writeln!(table, "{log:?} {}: {}", until.word(), told(&world)).unwrap();
        }
    }
    assert_snapshot!(table, @r#"
    Silent done: train:await WaitedFor, web:create New, job-under-way
    Silent ended: train:await WaitedFor, web:create New, job-under-way
    Ended(0) done: train:record JobEnded, web:create New, job-done
    Ended(0) ended: train:record JobEnded, web:create New, job-done
    Ended(3) done: train:record JobEnded, web held: Job { address: Pod { key: Key("train"), replica: None }, ended: Some(Failed(3)) }, job-failed
    Ended(3) ended: train:record JobEnded, web:create New, job-failed
    Silent done: web held: Job { address: Pod { key: Key("train"), replica: None }, ended: Some(Unknown) }, job-unknown
    Silent ended: web:create New, job-unknown
    "#);
}

/// What only a target needs is taken as it has ended.
#[test]
fn a_target_takes_a_job_that_it_waited_for_as_it_is() {
    for then in [Then::Stop, Then::Terminate] {
        let done = shows(begun(then), PodStatus::Exited, Some(JobLog::Ended(0)));
        for world in [done.clone(), done.applied()] {
            let world = world
                .want("web", |pod| {
                    pod.depends_on.insert(address("train"));
                    pod.until.insert(address("train"), Until::Done);
                })
                .option(|options| options.targets = vec!["web".parse().unwrap()]);
            let planned = world.plan();
            let actions: Vec<String> = planned.plan().actions.keys().map(ToString::to_string).collect();
            assert_eq!(actions.last().map(String::as_str), Some("web:create"), "{then:?}: {}", told(&world));
            assert!(!actions.contains(&"train:delete".to_owned()));
        }
    }
}

#[test]
fn what_is_recorded_of_a_job_is_read_again() {
    let after = shows(begun(Then::Terminate), PodStatus::Exited, Some(JobLog::Ended(0))).applied();
    let job = after.prior.objects[&address("train")].record.object.pod().unwrap().job.clone().unwrap();
    assert_eq!((job.ended, job.gone, job.run.is_some()), (Some(End::Done), true, true));
}

/// A run that is over does not begin again by itself, so it was somebody.
#[test]
fn a_job_that_others_start_after_its_end_is_drift() {
    let mut table = String::new();
    for (then, code) in [(Then::Stop, 0), (Then::Terminate, 3)] {
        let ended = shows(begun(then), PodStatus::Exited, Some(JobLog::Ended(code))).applied();
        let started = shows(ended, PodStatus::Running, None);
        let planned = started.plan();
        let stop = planned.plan().actions.values().next().unwrap();
        assert_eq!(stop.changes[0].cause, Cause::Outside);
        let said = planned.plan().findings.iter().find(|finding| finding.code == "job-started").unwrap();
        writeln!(table, "{}\n{}", told(&started), said.message).unwrap();
        let after = started.applied();
        assert!(matches!(after.plan(), Planned::NoChanges(_)), "{}", told(&after));
    }
    assert_snapshot!(table, @"
    train:stop StateDrifted, train Started, job-started, job-done
    was started outside of podform after its run had ended: it runs its command again, for $0.6927/h
    train:stop StateDrifted, train Started, job-failed, job-started
    was started outside of podform after its run had ended: it runs its command again, for $0.6927/h
    ");
    // One that is wanted stopped has not ended.
    let stopped = begun(Then::Stop).want("train", |pod| {
        job(Then::Stop)(pod);
        pod.run = RunState::Stopped;
    });
    let started = shows(stopped.applied(), PodStatus::Running, Some(JobLog::Silent));
    assert_snapshot!(told(&started), @"train:stop StateDrifted, train Started, job-under-way");
    // A pod that is kept does not stop itself.
    let kept = shows(begun(Then::Keep), PodStatus::Running, Some(JobLog::Ended(0))).applied();
    assert_snapshot!(told(&shows(kept, PodStatus::Exited, None)), @"train:record Changed, train Stopped, job-done");
}

/// An end that is not on record yet is no doing of others either.
#[test]
fn a_job_that_ends_before_its_key_goes_is_no_drift() {
    let mut ended = shows(begun(Then::Stop), PodStatus::Exited, Some(JobLog::Ended(0)));
    assert_snapshot!(told(&ended.clone().want("train", |_| ())), @"train:update Changed, train:start StateWanted,");
    ended.desired.wanted.clear();
    assert_snapshot!(told(&ended), @"train:delete Removed,");
}
