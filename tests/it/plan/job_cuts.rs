//! What ends the run of a job before its own end, and what the plan says of it.

use std::fmt::Write as _;

use insta::assert_snapshot;
use podform::model::desired::{OnRemove, OnReplace, WantedPod};
use podform::model::job::{JobLog, Then};
use podform::model::live::{PodStatus, Ran, Seen};
use podform::model::plan::Consequence;
use podform::model::pod::RunState;

use super::jobs::{begun, image, job, shows};
use super::world::{World, address, time};

/// Returns the steps of a plan, each with what it says of a run.
fn told(world: &World) -> String {
    let planned = world.plan();
    let plan = planned.plan();
    let broken = world.violations(plan);
    assert!(broken.is_empty(), "{broken:?}");
    let mut text = String::new();
    for (id, action) in &plan.actions {
        let cut = |one: &&Consequence| matches!(one, Consequence::RunCutShort { .. });
        let cut: Vec<&Consequence> = action.consequences.iter().filter(cut).collect();
        assert!(cut.iter().all(|one| one.loses_data()));
        write!(text, "{id} {cut:?}, ").unwrap();
    }
    text
}

/// Returns a world in which the run of `train` has been under way for a while.
pub(crate) fn goes() -> World {
    let mut world = shows(begun(Then::Stop), PodStatus::Running, Some(JobLog::Silent));
    for seen in world.live.pods.values_mut() {
        if let Seen::Found(pod) = seen {
            pod.ran = Ran::Once { since: Some(time(9_000)) };
        }
    }
    world
}

fn without_key(mut world: World) -> World {
    world.desired.wanted.remove(&address("train"));
    world
}

#[test]
fn a_run_that_is_cut_short_is_said_to_be_lost() {
    let replaced = |pod: &mut WantedPod| {
        job(Then::Stop)(pod);
        pod.lifecycle.on_replace = OnReplace::CreateFirst;
    };
    let again = |world: World| world.option(|options| options.replace = [address("train")].into());
    let kept = |on_remove| {
        let world = goes().recorded("train", |recorded| recorded.record.lifecycle.on_remove = on_remove);
        told(&without_key(world))
    };
    assert_snapshot!(told(&goes()), @"");
    assert_snapshot!(told(&goes().want("train", image(Then::Stop, "2"))), @"train:update [RunCutShort { since: Some(2027-01-15T10:30:00Z) }],");
    assert_snapshot!(told(&goes().want("train", |_| ())), @"train:update [RunCutShort { since: Some(2027-01-15T10:30:00Z) }],");
    assert_snapshot!(told(&goes().want("train", |pod| {
        job(Then::Stop)(pod);
        pod.run = RunState::Stopped;
    })), @"train:stop [RunCutShort { since: Some(2027-01-15T10:30:00Z) }],");
    assert_snapshot!(told(&again(goes())), @"train:delete [RunCutShort { since: Some(2027-01-15T10:30:00Z) }], train:create [],");
    assert_snapshot!(told(&again(goes().want("train", replaced))), @"train:delete [RunCutShort { since: Some(2027-01-15T10:30:00Z) }], train:create [],");
    assert_snapshot!(told(&goes().option(|options| options.destroy = true)), @"train:delete [RunCutShort { since: Some(2027-01-15T10:30:00Z) }],");
    assert_snapshot!(kept(OnRemove::Terminate), @"train:delete [RunCutShort { since: Some(2027-01-15T10:30:00Z) }],");
    assert_snapshot!(kept(OnRemove::Stop), @"train:stop [RunCutShort { since: Some(2027-01-15T10:30:00Z) }],");
    assert_snapshot!(kept(OnRemove::Forget), @"train:forget [],");
}

#[test]
fn a_run_that_is_over_is_lost_by_nothing() {
    let ended = shows(goes(), PodStatus::Running, Some(JobLog::Ended(0)));
    assert_snapshot!(told(&ended), @"train:stop [],");
    assert_snapshot!(told(&without_key(ended.clone())), @"train:delete [],");
    assert_snapshot!(told(&ended.want("train", image(Then::Stop, "2"))), @"train:update [],");
    let down = shows(goes(), PodStatus::Exited, Some(JobLog::Silent));
    assert_snapshot!(told(&without_key(down)), @"train:delete [],");
}

/// What a reviewer saw was that run and no other.
#[test]
fn an_approval_is_of_the_run_that_is_cut_short() {
    let of_one = without_key(goes());
    let mut of_another = of_one.clone();
    for seen in of_another.live.pods.values_mut() {
        if let Seen::Found(pod) = seen {
            pod.ran = Ran::Once { since: Some(time(9_500)) };
        }
    }
    assert_ne!(of_one.plan().plan().digest, of_another.plan().plan().digest);
}
