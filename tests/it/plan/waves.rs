//! Replicas that are changed one wave after the other.

use std::collections::{BTreeMap, BTreeSet};

use insta::assert_snapshot;
use podform::model::desired::{AtOnce, ComputeWish, Move, OnReplace, WantedPod};
use podform::model::id::{EnvKey, PodId};
use podform::model::journal::ActionStatus;
use podform::model::live::{PodStatus, Seen, Unreadable};
use podform::model::plan::{ActionId, Plan};
use podform::model::pod::EnvValue;
use podform::model::size::Gigabytes;

use super::cases::{image_2, open_at, settles};
use super::world::{World, address, gpus, id_of};

const REPLICAS: usize = 5;

fn name(number: usize) -> String {
    format!("llm[{number}]")
}

/// Five replicas that run, and as many that are wanted.
fn five(edit: impl Fn(&mut WantedPod)) -> World {
    (0..REPLICAS)
        .fold(World::default(), |world, number| world.have(&name(number), |_| {}).want(&name(number), &edit))
}

fn at_once(at_once: AtOnce) -> impl Fn(&mut WantedPod) {
    move |pod| {
        image_2(pod);
        pod.at_once = Some(at_once);
    }
}

/// Returns which replicas go together: those of one line wait for all of the line before.
fn waves(world: &World) -> String {
    let planned = world.plan();
    let Plan { actions, edges, .. } = planned.plan();
    let mut left: BTreeSet<&ActionId> = actions.keys().collect();
    let mut lines = Vec::new();
    while !left.is_empty() {
        let free = |id: &&&ActionId| !edges.iter().any(|(first, then)| then == **id && left.contains(first));
        let wave: Vec<&ActionId> = left.iter().filter(free).copied().collect();
        assert!(!wave.is_empty(), "a cycle");
        lines.push(wave.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        left.retain(|id| !wave.contains(id));
    }
    lines.join("\n")
}

#[test]
fn a_number_or_a_part_of_the_replicas_goes_down_at_once() {
    assert_snapshot!(waves(&five(at_once(AtOnce::Number(2)))), @"
    llm[0]:update llm[1]:update
    llm[2]:update llm[3]:update
    llm[4]:update
    ");
    assert_snapshot!(waves(&five(at_once(AtOnce::Percent(25)))), @"
    llm[0]:update
    llm[1]:update
    llm[2]:update
    llm[3]:update
    llm[4]:update
    ");
    assert_snapshot!(waves(&five(at_once(AtOnce::Percent(60)))), @"
    llm[0]:update llm[1]:update llm[2]:update
    llm[3]:update llm[4]:update
    ");
    assert_snapshot!(waves(&five(at_once(AtOnce::Number(7)))), @"llm[0]:update llm[1]:update llm[2]:update llm[3]:update llm[4]:update");
}

#[test]
fn every_change_that_takes_replicas_down_goes_in_waves() {
    let edits: [fn(&mut WantedPod); 5] = [
        image_2,
        |pod| pod.container.command = vec!["serve".to_owned()],
        |pod| {
            pod.container.env =
                BTreeMap::from([(EnvKey::new("MODE"), EnvValue::Plain("fast".to_owned()))]).into();
        },
        |pod| pod.container.disk = Gigabytes(40),
        |pod| pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S"])),
    ];
    for edit in edits {
        let world = five(|pod| {
            edit(pod);
            pod.at_once = Some(AtOnce::Number(2));
        });
        let planned = world.plan();
        assert_eq!(planned.plan().waves.values().copied().collect::<Vec<_>>(), [2]);
        let said = planned.plan().findings.iter().filter(|finding| finding.code == "in-waves");
        let said: String = said.map(|finding| finding.message.as_str()).collect();
        assert_eq!(said, "changes 5 replicas in 3 waves of 2; one that does not come up again ends it");
    }
}

#[test]
fn what_is_said_of_waves() {
    assert_snapshot!(settles(&five(at_once(AtOnce::Number(2)))), @"
    llm[0]:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    llm[1]:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    llm[2]:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    llm[3]:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    llm[4]:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    llm[0]:update before llm[2]:update
    llm[0]:update before llm[3]:update
    llm[1]:update before llm[2]:update
    llm[1]:update before llm[3]:update
    llm[2]:update before llm[4]:update
    llm[3]:update before llm[4]:update
    Note llm: changes 5 replicas in 3 waves of 2; one that does not come up again ends it (in-waves)
    cost $2,528.50 -> $2,528.50, at most $2,528.50
    ");
    assert_snapshot!(settles(&five(image_2)), @"
    llm[0]:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    llm[1]:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    llm[2]:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    llm[3]:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    llm[4]:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    Note llm: all 5 replicas that are changed go down at once; `update: { at_once: 1 }` changes one after the other (all-at-once)
    cost $2,528.50 -> $2,528.50, at most $2,528.50
    ");
}

#[test]
fn one_that_is_down_comes_up_before_another_goes_down() {
    let world = five(at_once(AtOnce::Number(1))).outside("llm[3]", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(waves(&world), @"
    llm[3]:update
    llm[3]:start
    llm[0]:update
    llm[1]:update
    llm[2]:update
    llm[4]:update
    ");
}

#[test]
fn one_that_is_not_ready_goes_before_another_goes_down() {
    let mut world = five(at_once(AtOnce::Number(1)));
    let Seen::Found(pod) = world.live.pods.values().nth(3).unwrap() else { panic!("it is there") };
    world.live.unready = BTreeSet::from([pod.id.clone()]);
    assert_snapshot!(waves(&world), @"
    llm[3]:update
    llm[0]:update
    llm[1]:update
    llm[2]:update
    llm[4]:update
    ");
}

/// What is asked may be what the change brings, so that none of them can be ready before it.
#[test]
fn those_that_are_not_ready_go_in_waves_too_and_the_approval_holds() {
    let mut world = five(at_once(AtOnce::Number(2)));
    let approved = world.plan().plan().digest.clone();
    world.live.unready = world.live.pods.keys().cloned().collect();
    assert_snapshot!(waves(&world), @"
    llm[0]:update llm[1]:update
    llm[2]:update llm[3]:update
    llm[4]:update
    ");
    assert_eq!(world.plan().plan().digest, approved);
}

/// An apply that was killed left one that boots with its new image.
#[test]
fn one_that_is_changed_already_and_not_up_is_waited_for() {
    for status in [PodStatus::Starting, PodStatus::Running] {
        let world = five(at_once(AtOnce::Number(2))).outside("llm[0]", |pod| {
            pod.settings.image = Some("tool:2".to_owned());
            pod.status = status;
        });
        match status {
            PodStatus::Running => assert_snapshot!(waves(&world), @"
            llm[0]:record llm[1]:update llm[2]:update
            llm[3]:update llm[4]:update
            "),
            _ => assert_snapshot!(waves(&world), @"
            llm[0]:record
            llm[0]:ready
            llm[1]:update llm[2]:update
            llm[3]:update llm[4]:update
            "),
        }
    }
}

#[test]
fn replacements_go_in_the_same_waves() {
    for on_replace in [OnReplace::DestroyFirst, OnReplace::CreateFirst] {
        let world = five(|pod| {
            pod.at_once = Some(AtOnce::Number(2));
            pod.lifecycle.on_replace = on_replace;
            pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S"]));
        });
        match on_replace {
            OnReplace::DestroyFirst => assert_snapshot!(waves(&world), @"
            llm[0]:delete llm[1]:delete
            llm[0]:create llm[1]:create
            llm[2]:delete llm[3]:delete
            llm[2]:create llm[3]:create
            llm[4]:delete
            llm[4]:create
            "),
            OnReplace::CreateFirst => assert_snapshot!(waves(&world), @"
            llm[0]:create llm[1]:create
            llm[0]:delete llm[1]:delete
            llm[2]:create llm[3]:create
            llm[2]:delete llm[3]:delete
            llm[4]:create
            llm[4]:delete
            "),
        }
    }
}

/// Where the new pod comes first, none of them is down, and all are there twice.
#[test]
fn what_is_said_of_those_that_go_at_once_is_what_happens_to_them() {
    let created_first = |pod: &mut WantedPod| {
        pod.lifecycle.on_replace = OnReplace::CreateFirst;
        pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S"]));
    };
    assert_snapshot!(told(&five(created_first)), @"
    llm[0]:create llm[1]:create llm[2]:create llm[3]:create llm[4]:create
    llm[0]:delete llm[1]:delete llm[2]:delete llm[3]:delete llm[4]:delete
    all 5 replicas that are replaced are made before their old pods go, so 5 pods more are billed meanwhile; `update: { at_once: 1 }` replaces one after the other
    ");
    let some_reset =
        ["llm[0]", "llm[1]"].into_iter().fold(five(created_first), |world, name| world.want(name, image_2));
    assert_snapshot!(told(&some_reset), @"
    llm[0]:update llm[1]:update llm[2]:create llm[3]:create llm[4]:create
    llm[2]:delete llm[3]:delete llm[4]:delete
    all 2 replicas that are changed go down at once; `update: { at_once: 1 }` changes one after the other
    all 3 replicas that are replaced are made before their old pods go, so 3 pods more are billed meanwhile; `update: { at_once: 1 }` replaces one after the other
    ");
}

#[test]
fn what_stays_up_and_what_goes_waits_for_nobody() {
    let world = five(|pod| {
        pod.at_once = Some(AtOnce::Number(1));
        pod.container.name = "another".to_owned();
    });
    assert_snapshot!(waves(&world), @"llm[0]:update llm[1]:update llm[2]:update llm[3]:update llm[4]:update");
    let mut fewer = five(at_once(AtOnce::Number(1)));
    fewer.desired.wanted.remove(&address("llm[4]"));
    assert_snapshot!(waves(&fewer), @"
    llm[0]:update llm[4]:delete
    llm[1]:update
    llm[2]:update
    llm[3]:update
    ");
}

#[test]
fn how_many_go_at_once_is_approved_and_which_are_not() {
    let digest = |world: &World| world.plan().plan().digest.to_string();
    let one = digest(&five(at_once(AtOnce::Number(1))));
    assert_ne!(one, digest(&five(at_once(AtOnce::Number(2)))));
    assert_ne!(one, digest(&five(image_2)));
    assert_eq!(one, digest(&five(at_once(AtOnce::Percent(20)))));
}

/// Prints what is done, in waves, and what is held.
fn beside(world: &World, targets: &[&str]) -> String {
    let world = world.clone().option(|options| {
        options.targets = targets.iter().map(|target| target.parse().unwrap()).collect();
    });
    let planned = world.plan();
    let held = planned.plan().held.iter().map(|(address, held)| format!("{address} held: {held:?}"));
    let done = Some(waves(&world)).filter(|done| !done.is_empty());
    done.into_iter().chain(held).collect::<Vec<_>>().join("\n")
}

#[test]
fn one_that_is_down_and_left_out_counts() {
    let one = five(at_once(AtOnce::Number(1)));
    assert_snapshot!(beside(&one, &["llm[0]", "llm[2]"]), @"
    llm[0]:update
    llm[2]:update
    ");
    let down = |world: World| world.outside("llm[3]", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(beside(&down(one.clone()), &["llm[0]"]), @r#"llm[0] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")"#);
    // The one that is down comes up, and then the other one goes.
    assert_snapshot!(beside(&down(one.clone()), &["llm[0]", "llm[3]"]), @"
    llm[3]:update
    llm[3]:start
    llm[0]:update
    ");
    let two = down(five(at_once(AtOnce::Number(2))));
    assert_snapshot!(beside(&two, &["llm[0]", "llm[1]"]), @"
    llm[0]:update
    llm[1]:update
    ");
    let two = two.outside("llm[4]", |pod| pod.status = PodStatus::Starting);
    assert_snapshot!(beside(&two, &["llm[0]", "llm[1]"]), @r#"
    llm[0] held: NotPossible("at most 2 of its replicas may be down at once, and `llm[3]`, `llm[4]` are not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    llm[1] held: NotPossible("at most 2 of its replicas may be down at once, and `llm[3]`, `llm[4]` are not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    "#);
    // One that runs and is not ready is no better.
    let mut unready = one.clone();
    let Seen::Found(pod) = unready.live.pods.values().nth(3).unwrap() else { panic!("it is there") };
    unready.live.unready = BTreeSet::from([pod.id.clone()]);
    assert_snapshot!(beside(&unready, &["llm[0]"]), @r#"llm[0] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")"#);
    // It may be changed itself, as nothing that serves goes down.
    assert_snapshot!(beside(&unready, &["llm[3]"]), @"llm[3]:update");
    // One that could not be looked at may be down.
    let unread = one.clone().seen("llm[3]", Seen::Unreadable(Unreadable::TooNew));
    assert_snapshot!(beside(&unread, &[]), @r#"
    llm[0] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    llm[1] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    llm[2] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    llm[3] held: Unreadable("recorded less than 120 s ago and not listed yet")
    llm[4] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    "#);
    assert_snapshot!(beside(&unread, &["llm[0]"]), @r#"llm[0] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")"#);
    // A create that is still open may have come to nothing, and what it replaced is off the record.
    let others = (0..REPLICAS).filter(|number| *number != 3);
    let world = others.fold(World::default(), |world, number| world.have(&name(number), |_| {}));
    let world =
        (0..REPLICAS).fold(world, |world, number| world.want(&name(number), at_once(AtOnce::Number(1))));
    let open = open_at(world, "llm[3]", ActionStatus::Unknown { id: None }, 9_950);
    assert_snapshot!(beside(&open, &[]), @r#"
    llm[0] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    llm[1] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    llm[2] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    llm[3] held: Unsettled { until: 2027-01-15T10:47:20Z }
    llm[4] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    "#);
    // So does one that was never there: a replacement that was cut off leaves nothing else.
    let fewer = (0..4).fold(World::default(), |world, number| world.have(&name(number), |_| {}));
    let fewer =
        (0..REPLICAS).fold(fewer, |world, number| world.want(&name(number), at_once(AtOnce::Number(1))));
    assert_snapshot!(beside(&fewer, &["llm[0]"]), @r#"llm[0] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[4]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")"#);
    assert_snapshot!(beside(&fewer, &["llm[0]", "llm[4]"]), @"
    llm[4]:create
    llm[0]:update
    ");
    // What waits for one that is held is held.
    let waiting = down(one).want("web", |pod| pod.depends_on = [address("llm[0]")].into());
    assert_snapshot!(beside(&waiting, &["llm[0]", "web"]), @r#"
    llm[0] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[3]` is not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    web held: DependsOn(Pod { key: Key("llm"), replica: Some(0) })
    "#);
}

/// As many replicas that run as these, and others that are wanted.
fn others(have: &[&str], want: &[&str], edit: impl Fn(&mut WantedPod)) -> World {
    let mut world = have.iter().fold(World::default(), |world, name| world.have(name, |_| {}));
    world.desired.replicated.insert(address(have[0]).key().clone());
    // Who leaves a number out means that very pod.
    world.desired.dropped.extend(have.iter().filter(|name| !want.contains(name)).map(|name| address(name)));
    want.iter().fold(world, |world, name| world.want(name, &edit))
}

fn limited(number: u32) -> impl Fn(&mut WantedPod) {
    move |pod| pod.at_once = Some(AtOnce::Number(number))
}

/// Prints what is done, in waves, what is held, and what is said of it.
fn told(world: &World) -> String {
    let planned = world.plan();
    let violations = world.violations(planned.plan());
    assert!(violations.is_empty(), "{violations:?}");
    let said = planned.plan().findings.iter().filter(|one| matches!(one.code, "in-waves" | "all-at-once"));
    let said = said.map(|finding| finding.message.clone());
    [beside(world, &[])].into_iter().chain(said).collect::<Vec<_>>().join("\n")
}

#[test]
fn those_that_leave_stay_until_others_are_up_in_their_place() {
    let (have, want) = (["llm[0]", "llm[1]"], ["llm[2]", "llm[3]"]);
    let world = others(&have, &want, limited(1));
    assert_snapshot!(told(&world), @"
    llm[2]:create llm[3]:create
    llm[0]:delete llm[1]:delete
    2 replicas that leave go once the 2 that are to come up are ready; if one does not come up, they stay
    ");
    assert_snapshot!(told(&others(&have, &want, |_| {})), @"
    llm[0]:delete llm[1]:delete llm[2]:create llm[3]:create
    2 replicas leave before the 2 that are to come up serve; `update: { at_once: 1 }` lets them wait
    ");
    // One of them was made by an apply that was cut off then.
    let half = others(&["llm[0]", "llm[1]", "llm[2]"], &want, limited(1));
    assert_snapshot!(told(&half), @"
    llm[3]:create
    llm[0]:delete llm[1]:delete
    2 replicas that leave go once the one that is to come up is ready; if one does not come up, they stay
    ");
    let booting = half.outside("llm[2]", |pod| pod.status = PodStatus::Starting);
    assert_snapshot!(told(&booting), @"
    llm[2]:ready llm[3]:create
    llm[0]:delete llm[1]:delete
    2 replicas that leave go once the 2 that are to come up are ready; if one does not come up, they stay
    ");
    // All were, and one is not ready yet, which takes a question.
    let mut all = others(&["llm[0]", "llm[1]", "llm[2]", "llm[3]"], &want, limited(1));
    assert_snapshot!(told(&all), @"llm[0]:delete llm[1]:delete");
    let Seen::Found(pod) = all.live.pods.values().nth(3).unwrap() else { panic!("it is there") };
    all.live.unready = BTreeSet::from([pod.id.clone()]);
    assert_snapshot!(told(&all), @"
    llm[3]:ready
    llm[0]:delete llm[1]:delete
    2 replicas that leave go once the one that is to come up is ready; if one does not come up, they stay
    ");
}

#[test]
fn those_that_leave_wait_for_those_that_are_changed_where_nobody_else_would_serve() {
    let have = ["llm[0]", "llm[1]", "llm[2]"];
    assert_snapshot!(told(&others(&have, &have[..1], at_once(AtOnce::Number(1)))), @"
    llm[0]:update
    llm[1]:delete llm[2]:delete
    2 replicas that leave go once the one that is changed is up again and ready; if one does not come up, they stay
    ");
    // Somebody serves all the time.
    assert_snapshot!(told(&others(&have, &have[..2], at_once(AtOnce::Number(1)))), @"
    llm[0]:update llm[2]:delete
    llm[1]:update
    changes 2 replicas in 2 waves of 1; one that does not come up again ends it
    ");
    // Nobody else would, and it takes two waves.
    let pair = others(&have, &have[..2], at_once(AtOnce::Number(1)));
    let down = pair.clone().outside("llm[1]", |pod| pod.status = PodStatus::Starting);
    assert_snapshot!(told(&down), @"
    llm[1]:update
    llm[0]:update llm[2]:delete
    1 replica that leaves goes once the one that is to come up is ready; if one does not come up, it stays
    changes 1 replica in 1 wave of 1, after the one that is down; one that does not come up again ends it
    ");
    let mut unready = pair;
    unready.live.unready = ["llm[0]", "llm[1]"].map(|name| PodId::new(id_of(name))).into();
    assert_snapshot!(told(&unready), @"
    llm[0]:update
    llm[1]:update
    llm[2]:delete
    1 replica that leaves goes once the 2 that are changed are up again and ready; if one does not come up, it stays
    changes 2 replicas in 2 waves of 1; one that does not come up again ends it
    ");
    // Nothing is changed.
    assert_snapshot!(told(&others(&have, &have[..1], limited(1))), @"llm[1]:delete llm[2]:delete");
    // One leaves, one comes and one is changed.
    assert_snapshot!(told(&others(&have, &["llm[0]", "llm[1]", "llm[3]"], at_once(AtOnce::Number(1)))), @"
    llm[3]:create
    llm[0]:update llm[2]:delete
    llm[1]:update
    1 replica that leaves goes once the one that is to come up is ready; if one does not come up, it stays
    changes 2 replicas in 2 waves of 1; one that does not come up again ends it
    ");
}

#[test]
fn those_that_leave_stay_beside_those_that_are_not_brought_up() {
    let (have, want) = (["llm[0]", "llm[1]"], ["llm[2]", "llm[3]"]);
    let world = others(&have, &want, limited(1));
    // The other one stands in for one, and one may be down.
    assert_snapshot!(beside(&world, &["llm[0]"]), @"llm[0]:delete");
    assert_snapshot!(beside(&world, &["llm[0]", "llm[1]"]), @r#"
    llm[1]:delete
    llm[0] held: NotPossible("at most 1 of its replicas may be down at once, and `llm[2]`, `llm[3]` are not ready and not brought up by this plan; let it bring up those too, or raise `at_once`")
    "#);
    assert_snapshot!(beside(&world, &["llm[0]", "llm[1]", "llm[2]"]), @"
    llm[2]:create
    llm[0]:delete llm[1]:delete
    ");
    assert_snapshot!(beside(&others(&have, &want, limited(2)), &["llm[0]", "llm[1]"]), @"llm[0]:delete llm[1]:delete");
}

#[test]
fn a_key_that_gets_replicas_or_another_name_keeps_them_up() {
    let world = others(&["llm"], &["llm[1]", "llm[2]"], limited(1));
    assert_snapshot!(told(&world), @"
    llm[1]:create llm[2]:create
    llm:delete
    1 replica that leaves goes once the 2 that are to come up are ready; if one does not come up, it stays
    ");
    let mut renamed = others(&["old[0]", "old[1]"], &["llm[2]", "llm[3]"], limited(1));
    renamed.desired.replicated = BTreeSet::from([address("llm").key().clone()]);
    renamed.desired.dropped = BTreeSet::from([address("llm[0]"), address("llm[1]")]);
    renamed.desired.moved = vec![Move { from: address("old"), to: address("llm") }];
    assert_snapshot!(told(&renamed), @"
    llm[0]:move llm[1]:move llm[2]:create llm[3]:create
    llm[0]:delete llm[1]:delete
    2 replicas that leave go once the 2 that are to come up are ready; if one does not come up, they stay
    ");
}

#[test]
fn what_is_destroyed_waits_for_no_other() {
    let world = others(&["llm[0]", "llm[1]"], &["llm[2]", "llm[3]"], limited(1));
    assert_snapshot!(told(&world.option(|options| options.destroy = true)), @"llm[0]:delete llm[1]:delete");
}

/// All of a wave waits for all of the one before, and a plan names a few edges for each replica.
#[test]
fn large_waves_have_few_edges() {
    const MANY: usize = 400;
    let edit = at_once(AtOnce::Percent(50));
    let world = (0..MANY)
        .fold(World::default(), |world, number| world.have(&name(number), |_| {}).want(&name(number), &edit));
    let planned = world.plan();
    let plan = planned.plan();
    assert!(world.violations(plan).is_empty());
    assert_eq!((plan.actions.len(), plan.edges.len()), (MANY, MANY / 2 + MANY / 2 - 1));
}
