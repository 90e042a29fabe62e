//! Jobs of whose last run no record of a pod tells: what is known of them stays with them, and reaches no further.

use std::sync::Arc;

use insta::assert_snapshot;
use podform::model::address::Address;
use podform::model::desired::{Ignored, Move, Wanted, WantedPod};
use podform::model::job::{JobLog, Then, UnseenJob, Until};
use podform::model::live::PodStatus;
use podform::model::plan::Planned;
use podform::model::pod::Storage;
use podform::model::reference::Reference;
use podform::model::registry::Registry;
use podform::model::settings::Field;

use super::cases::{key, plain};
use super::jobs::{id, job, shows, told};
use super::world::{World, address};

/// Waits for the end of another job, as the spec says it.
fn after(other: &'static str) -> impl Fn(&mut WantedPod) {
    move |pod| {
        job(Then::Stop)(pod);
        pod.depends_on.insert(address(other));
        pod.until.insert(address(other), Until::Done);
    }
}

fn knows(mut world: World, name: &str, job: UnseenJob) -> World {
    world.prior.unseen.insert(address(name), job);
    world
}

fn moved(mut world: World, pairs: &[(&str, &str)]) -> World {
    let moves = pairs.iter().map(|(from, to)| Move { from: address(from), to: address(to) });
    world.desired.moved = moves.collect();
    world
}

/// Has a job done that was given what the spec has.
fn said_done(world: World, name: &str) -> World {
    let given = world.desired.wanted[&address(name)].pod().unwrap().container.clone();
    knows(world, name, UnseenJob::Done(Box::new(given)))
}

/// Takes from the state and the account what was there of a pod.
fn lost(mut world: World, name: &str) -> World {
    let pod = id(&world, name);
    world.live.pods.remove(&pod);
    world.prior.objects.remove(&address(name));
    world.prior.tokens.retain(|_, known| known.address != address(name));
    world
}

fn marks(world: &World) -> String {
    world.prior.unseen.iter().map(|(address, job)| format!("{address}: {job}; ")).collect()
}

#[test]
fn what_nobody_knows_moves_along_though_something_waits_for_it() {
    let world = World::default().want("pre", job(Then::Terminate)).want("train", after("pre"));
    let world = moved(knows(world, "prep", UnseenJob::NotKnown), &[("prep", "pre")]);
    assert_snapshot!(told(&world), @r#"pre:move Renamed, pre held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done pre` says that it is done, `--replace pre` runs it"), train held: DependsOn(Pod { key: Key("pre"), replica: None }),"#);
    let mut after = world.applied();
    assert_snapshot!(marks(&after), @"pre: nobody knows whether it has run;");
    after.desired.moved.clear();
    assert_snapshot!(told(&after), @r#"pre held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done pre` says that it is done, `--replace pre` runs it"), train held: DependsOn(Pod { key: Key("pre"), replica: None }),"#);
}

#[test]
fn what_nobody_knows_of_replicas_moves_along_beside_those_that_are_there() {
    let world = World::default().want("prep[0]", job(Then::Stop)).want("prep[1]", job(Then::Stop)).applied();
    let mut world = knows(lost(world, "prep[0]"), "prep[0]", UnseenJob::NotKnown);
    world.desired.wanted.clear();
    let world = world.want("pre[0]", job(Then::Stop)).want("pre[1]", job(Then::Stop));
    let world = world.want("train", |pod| {
        after("pre[0]")(pod);
        after("pre[1]")(pod);
    });
    let after = moved(world, &[("prep", "pre")]).applied();
    assert_snapshot!(marks(&after), @"pre[0]: nobody knows whether it has run; ");
}

#[test]
fn marks_move_in_a_chain_and_give_way_to_records() {
    let chain = World::default().want("b", job(Then::Stop)).want("c", job(Then::Stop));
    let chain = knows(said_done(chain, "b"), "a", UnseenJob::NotKnown);
    let chain = moved(chain, &[("a", "b"), ("b", "c")]);
    assert_snapshot!(told(&chain), @r#"c:move Renamed, b:move Renamed, b held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done b` says that it is done, `--replace b` runs it"), job-done"#);
    assert_snapshot!(marks(&chain.applied()), @"b: nobody knows whether it has run; c: done, as somebody said;");
    // A pod that is there is better known than what a lost state left at its new name.
    let there = World::default().want("a", job(Then::Stop)).applied();
    let mut there = moved(knows(there, "b", UnseenJob::NotKnown), &[("a", "b")]);
    there.desired.wanted.clear();
    let there = there.want("b", job(Then::Stop));
    assert_snapshot!(told(&there), @"b:move Renamed, job-under-way, left-to-next-run");
    assert_snapshot!(marks(&there.applied()), @"");
    // What is known at the new name is what counts.
    let both = knows(World::default().want("b", job(Then::Stop)), "a", UnseenJob::NotKnown);
    let both = moved(said_done(both, "b"), &[("a", "b")]);
    assert_snapshot!(told(&both), @"a:forget Removed, job-done");
    assert_snapshot!(marks(&both.applied()), @"b: done, as somebody said;");
    // Without its key nothing is left of it, under whichever name.
    let mut gone = moved(knows(World::default(), "a", UnseenJob::NotKnown), &[("a", "b")]);
    gone.options.destroy = true;
    assert_snapshot!(told(&gone), @"b:move Renamed, b:forget Destroyed,");
    assert_snapshot!(marks(&gone.applied()), @"");
}

/// Renames one thing that a job was given, and tells what the plans say before and after.
fn renamed(world: World, from: &str, to: &str, edit: impl FnOnce(World) -> World) -> String {
    let mut world = edit(moved(said_done(world, "prep"), &[(from, to)]));
    world.desired.wanted.remove(&address(from));
    let before = told(&world);
    let mut after = world.applied();
    after.desired.moved.clear();
    assert!(matches!(after.plan(), Planned::NoChanges(_)), "{}", told(&after));
    format!("{before}\n{}", told(&after))
}

#[test]
fn a_job_that_is_done_stays_done_when_what_it_was_given_gets_another_name() {
    let names = |pod: &str| {
        let marked = format!("{pod}.id").parse::<Reference>().unwrap().marked();
        move |wanted: &mut WantedPod| {
            job(Then::Terminate)(wanted);
            wanted.container.command.push(marked.clone());
            Arc::make_mut(&mut wanted.container.env).insert(key("U"), plain(&marked));
        }
    };
    let world = World::default().want("svc", |_| ()).applied().want("prep", names("svc"));
    assert_snapshot!(renamed(world, "svc", "web", |world| world.want("web", |pod| {
        pod.container.name = "acme-svc".to_owned();
    }).want("prep", names("web"))), @"
    web:move Renamed, job-done
    job-done
    ");
    let mounts = |volume: &'static str| {
        move |pod: &mut WantedPod| {
            job(Then::Terminate)(pod);
            pod.container.storage = Storage::Network { volume: address(volume), path: "/data".to_owned() };
            pod.job.as_mut().unwrap().rerun_on.insert(Ignored::Field(Field::Volumes));
        }
    };
    let data =
        || World::default().want_volume("volume.data", 10, false).have_volume("volume.data", 10, false);
    let stored =
        |world: World| world.want_volume("volume.store", 10, false).want("prep", mounts("volume.store"));
    assert_snapshot!(renamed(data().want("prep", mounts("volume.data")), "volume.data", "volume.store", stored), @"
    volume.store:move Renamed, job-done
    job-done
    ");
    // The same where it is on record without its pod.
    let gone = shows(
        data().want("train", mounts("volume.data")).applied(),
        PodStatus::Exited,
        Some(JobLog::Ended(0)),
    );
    let mut gone =
        moved(gone.applied(), &[("volume.data", "volume.store")]).want("train", mounts("volume.store"));
    gone = gone.want_volume("volume.store", 10, false);
    gone.desired.wanted.remove(&address("volume.data"));
    assert_snapshot!(told(&gone), @"volume.store:move Renamed, train:record Changed, job-done");
    let mut gone = gone.applied();
    gone.desired.moved.clear();
    assert_snapshot!(told(&gone), @"job-done");
}

#[test]
fn what_a_job_was_given_follows_the_credentials_that_it_names() {
    let mut world = World::default().want("prep", |pod| {
        job(Then::Terminate)(pod);
        pod.container.registry = Some(Registry::Made(address("registry.hub")));
    });
    world = said_done(world, "prep");
    let Some(UnseenJob::Done(given)) = world.prior.unseen.get(&address("prep")) else { panic!() };
    let renamed = UnseenJob::Done(given.clone()).renamed(|named| {
        if *named == address("registry.hub") { address("registry.docker") } else { named.clone() }
    });
    let UnseenJob::Done(renamed) = renamed else { panic!() };
    assert_eq!(renamed.registry, Some(Registry::Made(address("registry.docker"))));
}

/// A job that is there, and that came up once another one was done.
fn came_up() -> World {
    let world = World::default().want("prep", job(Then::Terminate)).want("train", after("prep")).applied();
    knows(lost(world, "prep"), "prep", UnseenJob::NotKnown)
}

#[test]
fn what_is_there_is_not_held_for_the_job_that_it_waited_for() {
    let world = came_up();
    assert_snapshot!(told(&world), @r#"prep held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done prep` says that it is done, `--replace prep` runs it"), job-under-way"#);
    let ended = shows(world.clone(), PodStatus::Exited, Some(JobLog::Ended(0)));
    assert_snapshot!(told(&ended), @r#"train:record JobEnded, prep held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done prep` says that it is done, `--replace prep` runs it"), job-done"#);
    // What would come up waits.
    let again = world.want("train", |pod| {
        after("prep")(pod);
        pod.container.image = "tool:2".to_owned();
    });
    assert_snapshot!(told(&again), @r#"prep held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done prep` says that it is done, `--replace prep` runs it"), train held: DependsOn(Pod { key: Key("prep"), replica: None }),"#);
}

/// Both in profiles of their own, of which the one of `prep` is not chosen.
fn left_out(mut world: World) -> World {
    let Some(Wanted::Pod(pod)) = world.desired.wanted.remove(&address("prep")) else { panic!() };
    world.deselect("prep");
    if let Some(left_out) = world.desired.out_of_scope.get_mut(&address("prep")) {
        left_out.is_job = pod.job.is_some();
    }
    world
}

fn refused(world: &World) -> Vec<String> {
    world.refusals().iter().map(|refusal| format!("{refusal:?}")).collect()
}

fn target(address: &str) -> impl FnOnce(World) -> World {
    let pattern = address.parse().unwrap();
    move |world| world.option(|options| options.targets = vec![pattern])
}

#[test]
fn a_job_that_is_done_is_there_for_those_that_wait_for_its_end() {
    let new = || World::default().want("train", job(Then::Terminate));
    let done = shows(new().applied(), PodStatus::Exited, Some(JobLog::Ended(0))).applied();
    let mut done = done.want("prep", job(Then::Terminate));
    let recorded = done.prior.objects.remove(&address("train")).unwrap();
    done.prior.objects.insert(address("prep"), recorded);
    let done = done.want("train", after("prep"));
    let said = said_done(new().want("prep", job(Then::Terminate)).want("train", after("prep")), "prep");
    let unknown = knows(
        new().want("prep", job(Then::Terminate)).want("train", after("prep")),
        "prep",
        UnseenJob::NotKnown,
    );
    let mut table = String::new();
    for (name, world) in [("recorded", done), ("said", said), ("unknown", unknown)] {
        let exclude = |world: World| world.option(|options| options.excludes = vec!["prep".parse().unwrap()]);
        for (how, world) in [
            ("profile", left_out(world.clone())),
            ("exclude", exclude(world.clone())),
            ("target", target("train")(world)),
        ] {
            let along: Vec<Address> = world
                .plan()
                .plan()
                .findings
                .iter()
                .filter(|finding| finding.code == "goes-along")
                .filter_map(|finding| Some(finding.subject.as_ref()?.address.clone()))
                .collect();
            table += &format!("{name} {how}: {} {:?} {along:?}\n", told(&world), refused(&world));
        }
    }
    assert_snapshot!(table, @r#"
    recorded profile: train:create New,  [] []
    recorded exclude: train:create New,  [] []
    recorded target: train:create New,  [] []
    said profile: train:create New,  [] []
    said exclude: train:create New,  [] []
    said target: train:create New,  [] []
    unknown profile: train held: Job { address: Pod { key: Key("prep"), replica: None }, ended: None },  [] []
    unknown exclude: train held: Job { address: Pod { key: Key("prep"), replica: None }, ended: None },  [] []
    unknown target: prep held: NotPossible("nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done prep` says that it is done, `--replace prep` runs it"), train held: DependsOn(Pod { key: Key("prep"), replica: None }),  [] [Pod { key: Key("prep"), replica: None }]
    "#);
}
