//! Jobs whose key leaves the spec, or whose pod is no job any more.

use insta::assert_snapshot;
use podform::model::job::{JobLog, Then};
use podform::model::live::PodStatus;
use podform::model::plan::Planned;
use podform::model::pod::RunState;

use super::jobs::{begun, job, shows, told};
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
fn a_rebuilt_state_runs_no_job_that_it_does_not_know() {
    let world = World::default().have("web", |_| ()).want("web", |_| ()).want("train", job(Then::Stop));
    let rebuilt = world.clone().recorded("web", |recorded| recorded.rebuilt = true);
    assert_snapshot!(told(&world), @"train:create New,");
    assert_snapshot!(told(&rebuilt), @r#"train held: NotPossible("the state was rebuilt, so nobody knows whether its job has run; `--replace train` runs it"),"#);
    let asked = rebuilt.option(|options| options.replace = [address("train")].into());
    assert_snapshot!(told(&asked), @"train:create New,");
    assert_snapshot!(told(&asked.applied()), @"job-under-way");
}
