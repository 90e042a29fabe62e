//! What a digest stands for.

use std::collections::{BTreeMap, BTreeSet};

use podform::model::desired::{Wanted, WantedPod, WantedVolume};
use podform::model::id::VolumeId;
use podform::model::money::{Hourly, Price};
use podform::model::plan::{Digest, Endpoint};
use podform::model::pod::Storage;
use podform::model::prior::Api;
use podform::model::size::Gigabytes;
use podform::plan::digest;

use super::mutants::{Pool, cases, edit_each};
use crate::plan::world::{World, address};

fn digest_of(world: &World) -> Digest {
    world.plan().plan().digest.clone()
}

/// Every value of every plan of `tests/formats` is changed, one at a time. What is listed here moves by itself, or is
/// said beside the plan; everything else is approved.
#[test]
fn every_value_flips_the_digest_but_what_is_no_part_of_the_difference() {
    let cases = cases();
    let pool = Pool::of(&cases);
    let (mut inside, mut outside) = (BTreeSet::new(), BTreeSet::new());
    let mut seen = BTreeMap::<String, usize>::new();
    for case in &cases {
        let wanted = |place: &str| {
            let times = seen.entry(of_any_verdict(place)).or_default();
            *times += 1;
            *times <= 3
        };
        edit_each(case, &pool, 3, wanted, |place, _, saved| {
            let flipped = digest(saved.planned.plan()) != digest(case.saved.planned.plan());
            let places = if flipped { &mut inside } else { &mut outside };
            places.insert(of_any_verdict(place));
        });
    }
    let shortest = |place: &String| {
        let ends = place.match_indices('/').skip(1).map(|(at, _)| at).chain([place.len()]);
        let prefixes = ends.map(|end| &place[..end]);
        let holds = |prefix: &&str| {
            !inside.iter().any(|inside| inside == prefix || inside.starts_with(&format!("{prefix}/")))
        };
        prefixes.into_iter().find(holds).unwrap_or(place).to_owned()
    };
    let listed: BTreeSet<String> = outside.iter().map(shortest).collect();
    insta::assert_snapshot!(listed.into_iter().collect::<Vec<_>>().join("\n"), @"
    /inputs
    /planned/blocked
    /planned/changes/actions/*/cost
    /planned/changes/actions/*/operation/create_pod/attempts/#/candidate/hourly_micro_dollars
    /planned/changes/actions/*/operation/create_pod/attempts/#/candidate/stock
    /planned/changes/actions/*/operation/create_pod/attempts/#/candidate/stock_by_data_center
    /planned/changes/actions/*/operation/create_pod/attempts/#/second_token
    /planned/changes/actions/*/operation/create_pod/attempts/#/token
    /planned/changes/actions/*/operation/create_volume/name
    /planned/changes/actions/*/operation/create_volume/token
    /planned/changes/actions/*/operation/start_pod/on_stuck/replace/attempts/#/candidate/hourly_micro_dollars
    /planned/changes/actions/*/operation/start_pod/on_stuck/replace/attempts/#/candidate/stock
    /planned/changes/actions/*/operation/start_pod/on_stuck/replace/attempts/#/candidate/stock_by_data_center
    /planned/changes/actions/*/operation/start_pod/on_stuck/replace/attempts/#/second_token
    /planned/changes/actions/*/operation/start_pod/on_stuck/replace/attempts/#/token
    /planned/changes/actions/*/record/put/record/object/pod/cloud
    /planned/changes/actions/*/record/put/record/object/pod/compute
    /planned/changes/actions/*/record/put/record/object/pod/data_center
    /planned/changes/actions/*/record/put/record/token
    /planned/changes/at_most
    /planned/changes/basis/lineage
    /planned/changes/basis/nonce
    /planned/changes/basis/observed_at
    /planned/changes/basis/serial
    /planned/changes/basis/spec_digest
    /planned/changes/cost
    /planned/changes/digest
    /planned/changes/drift
    /planned/changes/findings
    /planned/changes/held
    /planned/changes/out_of_scope
    /planned/changes/recorded
    /planned/changes/unchanged
    /planned/changes/unmanaged
    ");
    assert!(inside.len() > 100, "only {} places are inside", inside.len());
}

/// A plan has the same values whether it may run or not.
fn of_any_verdict(place: &str) -> String {
    place.replace("/no_changes", "/changes").replace("/blocked/plan", "/changes")
}

/// What a pull request does to the spec.
type Edit = fn(World) -> World;

/// The account of a team, on which two pull requests are planned.
fn base() -> World {
    World::default().want("web", |_| {}).have("web", |_| {}).want("old", |_| {}).have("old", |_| {})
}

fn image_2(pod: &mut WantedPod) {
    pod.container.image = "tool:2".to_owned();
}

fn without(mut world: World, name: &str) -> World {
    world.desired.wanted.remove(&address(name));
    world
}

/// Plans B on the base, applies A, and plans both together, as the merge of the second pull request does.
fn after_the_other(a: Edit, b: Edit) -> (Digest, Digest) {
    let approved = digest_of(&b(base()));
    let merged = b(a(base()).applied());
    let now = digest_of(&merged);
    assert!(merged.applied().plan().plan().actions.is_empty());
    (approved, now)
}

#[test]
fn of_two_pull_requests_on_one_base_both_can_be_applied() {
    let dearer = |world: World| world.want("old", |pod| pod.container.disk = Gigabytes(400));
    let given_volume = |mut world: World| {
        let id = VolumeId::new("given");
        world.desired.wanted.insert(address("volume.given"), Wanted::Volume(WantedVolume::Referenced { id }));
        world
    };
    let pairs: [(&str, Edit, Edit); 6] = [
        ("both add", |world| world.want("a", |_| {}), |world| world.want("b", |_| {})),
        ("one removes", |world| without(world, "old"), |world| world.want("b", |_| {})),
        ("the other removes", |world| world.want("a", |_| {}), |world| without(world, "old")),
        ("one makes another pod dearer", dearer, |world| world.want("b", |_| {})),
        ("one names a volume", given_volume, |world| world.want("b", |_| {})),
        ("both change", |world| world.want("web", image_2), |world| world.want("old", image_2)),
    ];
    for (name, a, b) in pairs {
        let (approved, now) = after_the_other(a, b);
        assert_eq!(approved, now, "{name}");
    }
}

#[test]
fn what_another_pull_request_did_to_the_same_pod_is_not_what_was_approved() {
    let image = |world: World| world.want("web", image_2);
    let both = |world: World| {
        world.want("web", |pod| {
            image_2(pod);
            pod.lifecycle.protect = true;
        })
    };
    let approved = digest_of(&image(base()));
    assert_ne!(approved.hash, digest_of(&both(base())).hash);
}

#[test]
fn the_amount_is_of_what_has_actions_on_its_dearest_candidate() {
    let world = base().want("b", |_| {});
    let alone = World::default().want("b", |_| {});
    assert_eq!(digest_of(&world).monthly, digest_of(&alone).monthly);
    let mut risen = world.clone();
    for gpu in risen.catalog.gpus.values_mut() {
        gpu.secure = Price::Known(Hourly(5_000_000));
    }
    let (before, after) = (digest_of(&world), digest_of(&risen));
    assert_eq!(before.hash, after.hash);
    assert_ne!(before.monthly, after.monthly);
    let nothing = digest_of(&base());
    assert_eq!(nothing.monthly, Default::default());
}

#[test]
fn another_account_is_another_difference() {
    let world = World::default().want("b", |_| {});
    let at = |endpoint: Endpoint, api: Api| digest_of(&World { endpoint, api, ..world.clone() }).hash;
    let runpod = |origin: &str| Endpoint::Runpod(origin.to_owned());
    let digests: BTreeSet<String> = [
        at(Endpoint::Simulator, Api::V2),
        at(runpod("https://api.runpod.io"), Api::V2),
        at(runpod("https://api.runpod.io"), Api::V1),
        at(runpod("https://api.elsewhere.example"), Api::V2),
    ]
    .into();
    assert_eq!(digests.len(), 4);
}

#[test]
fn a_volume_that_a_new_pod_mounts_is_approved_with_it() {
    let mounting = |id: &str| {
        let mut world = World::default().stranger_volume(id, |_| {}).want("b", |pod| {
            pod.container.storage =
                Storage::Network { volume: address("volume.given"), path: "/models".to_owned() };
        });
        let id = VolumeId::new(id);
        world.desired.wanted.insert(address("volume.given"), Wanted::Volume(WantedVolume::Referenced { id }));
        let planned = world.plan();
        assert!(!planned.plan().actions.is_empty());
        planned.plan().digest.hash.clone()
    };
    assert_ne!(mounting("one"), mounting("two"));
}

#[test]
fn a_digest_has_one_spelling() {
    let hash = "0123456789abcdef0123456789abcdef";
    let read = |text: &str| text.parse::<Digest>().map(|digest| digest.to_string());
    for spelling in ["0", "505700000", "505700000+2"] {
        let text = format!("{hash}-{spelling}");
        assert_eq!(read(&text), Ok(text));
    }
    for wrong in ["+5", "05", "5+0", "5+", "5 ", "", "9223372036854775808"] {
        assert!(read(&format!("{hash}-{wrong}")).is_err(), "{wrong}");
    }
    for wrong in ["0123456789abcdef-5", "0123456789ABCDEF0123456789ABCDEF-5", "-5", ""] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
