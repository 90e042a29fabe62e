//! What a plan does with a catalog that names no such place, or that could not be read.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use podform::model::catalog::{Catalog, CatalogPart, DataCenter, LeftOut};
use podform::model::desired::{ComputeWish, CpuWish, OnStuckResume, Wanted, WantedPod, WantedVolume};
use podform::model::id::{CountryCode, CpuFlavorId, DataCenterId};
use podform::model::live::Seen;
use podform::model::plan::{Held, InProgress, Planned};

use super::cases::{image_2, local, on, plan, settles, stopped};
use super::world::{World, address, catalog, config, time};

/// Two data centers with network volumes, and `CA-MTL-2` without.
fn world() -> World {
    let mut world = World::default();
    let place = DataCenter {
        id: DataCenterId::new("CA-MTL-2"),
        country: Some(CountryCode::new("CA")),
        global_network: false,
        volume_tiers: BTreeSet::new(),
    };
    world.catalog.data_centers.insert(place.id.clone(), place);
    world
}

fn with_volume_in(place: &str) -> World {
    let mut world = world().want("llm", |_| {});
    let mut config = config(10);
    config.data_center = DataCenterId::new(place);
    let volume = WantedVolume::Managed { config, protect: false, adopt: None };
    world.desired.wanted.insert(address("volume.data"), Wanted::Volume(volume));
    world
}

fn in_data_centers(ids: &'static [&'static str]) -> impl Fn(&mut WantedPod) {
    move |pod| pod.hardware.data_centers = ids.iter().map(|id| DataCenterId::new(*id)).collect()
}

fn in_countries(ids: &'static [&'static str]) -> impl Fn(&mut WantedPod) {
    move |pod| pod.hardware.countries = ids.iter().map(|id| CountryCode::new(*id)).collect()
}

/// Returns why a plan is blocked.
fn reasons(world: &World) -> String {
    match world.plan() {
        Planned::Blocked { reasons, plan: _ } => {
            reasons.iter().map(podform::render::words::block).collect::<Vec<_>>().join("\n")
        }
        Planned::Changes(plan) | Planned::NoChanges(plan) => panic!("{plan:?}"),
    }
}

#[test]
fn a_volume_in_no_such_place_blocks_before_anything_is_created() {
    assert_snapshot!(reasons(&with_volume_in("eu-ro-1")), @"`volume.data`: RunPod has no data center `eu-ro-1`; did you mean `EU-RO-1`?");
    assert_snapshot!(reasons(&with_volume_in("EU-RO-9")), @"`volume.data`: RunPod has no data center `EU-RO-9`; did you mean `EU-RO-1`?");
    assert_snapshot!(reasons(&with_volume_in("CZ")), @"`volume.data`: RunPod has no data center `CZ`; there are: EU-RO-1, US-TX-3");
    assert_snapshot!(reasons(&with_volume_in("CA-MTL-2")), @"`volume.data`: `CA-MTL-2` has no network volumes; these have: EU-RO-1, US-TX-3");
    assert!(matches!(with_volume_in("US-TX-3").plan(), Planned::Changes(_)));
}

#[test]
fn a_pod_in_no_such_place_blocks_before_anything_is_created() {
    let other = || world().want("other", |_| {});
    assert_snapshot!(reasons(&other().want("llm", in_data_centers(&["EU-RO-1", "US-TX-33"]))), @"`llm`: RunPod has no data center `US-TX-33`; did you mean `US-TX-3`?");
    assert_snapshot!(reasons(&other().want("llm", in_data_centers(&["MARS"]))), @"`llm`: RunPod has no data center `MARS`; there are: CA-MTL-2, EU-RO-1, US-TX-3");
    assert_snapshot!(reasons(&other().want("llm", in_countries(&["RO", "XX"]))), @"`llm`: RunPod has no data center in `XX`; it has some in: CA, RO, US");
    let replaced = other().have("llm", |_| {}).want("llm", |pod| {
        on("L40S")(pod);
        in_data_centers(&["EU-RO-2"])(pod);
    });
    assert_snapshot!(reasons(&replaced), @"`llm`: RunPod has no data center `EU-RO-2`; did you mean `EU-RO-1`?");
    assert!(matches!(other().want("llm", in_countries(&["RO"])).plan(), Planned::Changes(_)));
}

/// Knows nothing of what RunPod sells.
fn unread() -> World {
    World { catalog: Catalog::unread(time(0), "GET /v2/catalog/gpus failed: 503"), ..World::default() }
}

#[test]
fn only_what_needs_a_price_waits_for_the_catalog() {
    let world = unread()
        .have("changed", |_| {})
        .want("changed", image_2)
        .want("new", |_| {})
        .want("prep", |pod| {
            let flavors = vec![CpuFlavorId::new("cpu5c")];
            pod.hardware.compute = ComputeWish::Cpu(CpuWish { flavors, vcpus: 4 });
        })
        .have("gone", |_| {})
        .want("gone", |_| {})
        .seen("gone", Seen::Absent)
        .have("replaced", |_| {})
        .want("replaced", |pod| pod.access.jupyter = true)
        .have("stops", |_| {})
        .want("stops", stopped)
        .have("leaves", |_| {})
        .have("starts", |pod| {
            stopped(pod);
            pod.container.storage = local(50);
        })
        .want("starts", |pod| {
            pod.container.storage = local(50);
            pod.lifecycle.on_stuck_resume = OnStuckResume::Replace;
        })
        .want_volume("volume.data", 100, false);
    assert_snapshot!(plan(&world), @r#"
    volume.data:create New
    changed:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    leaves:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    starts:record LifecycleChanged
      lifecycle: protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: fail, ignore_changes: [] -> protect: false, on_remove: terminate, on_replace: destroy_first, on_stuck_resume: replace, ignore_changes: [] by Spec
    starts:start StateWanted
      state: stopped -> running by Spec
      ! LocalVolumeKept { size: Gigabytes(50), path: "/workspace" }
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    stops:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    held gone: NoCatalog { part: Gpus, why: "GET /v2/catalog/gpus failed: 503" }
    held new: NoCatalog { part: Gpus, why: "GET /v2/catalog/gpus failed: 503" }
    held prep: NoCatalog { part: Cpus, why: "GET /v2/catalog/gpus failed: 503" }
    held replaced: NoCatalog { part: Gpus, why: "GET /v2/catalog/gpus failed: 503" }
    drift gone: Vanished
    Warning : the catalog's CPU flavors could not be read, so what needs their price and stock waits: GET /v2/catalog/gpus failed: 503 (catalog-not-read)
    Warning : the catalog's GPU types could not be read, so what needs their price and stock waits: GET /v2/catalog/gpus failed: 503 (catalog-not-read)
    Warning : the catalog's data centers could not be read, so places are not checked: GET /v2/catalog/gpus failed: 503 (catalog-not-read)
    Warning volume.data: `data_center` is not checked: the catalog's data centers could not be read (place-not-checked)
    Warning starts: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    cost $18.00+? -> $18.00+?, at most $18.00+?
    "#);
}

#[test]
fn destroying_needs_no_catalog() {
    let world = unread()
        .have_volume("volume.data", 100, false)
        .have("llm", |_| {})
        .option(|options| options.destroy = true);
    assert_snapshot!(settles(&world), @r#"
    volume.data:delete Destroyed (tombstone)
      ! NetworkVolumeLost { volume: Volume(Key("data")), size: Gigabytes(100) }
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    Warning : the catalog's CPU flavors could not be read, so what needs their price and stock waits: GET /v2/catalog/gpus failed: 503 (catalog-not-read)
    Warning : the catalog's GPU types could not be read, so what needs their price and stock waits: GET /v2/catalog/gpus failed: 503 (catalog-not-read)
    Warning : the catalog's data centers could not be read, so places are not checked: GET /v2/catalog/gpus failed: 503 (catalog-not-read)
    cost $9.00+? -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_place_is_not_checked_where_its_list_could_not_be_read() {
    let mut world = with_volume_in("eu-ro-1").want("fixed", in_data_centers(&["MARS"]));
    world.catalog.data_centers.clear();
    world
        .catalog
        .unread
        .insert(CatalogPart::DataCenters, "GET /v2/catalog/datacenters failed: 503".to_owned());
    assert_snapshot!(plan(&world), @"
    volume.data:create New
    fixed:create New on NVIDIA GeForce RTX 4090 x1 secure
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    Warning : the catalog's data centers could not be read, so places are not checked: GET /v2/catalog/datacenters failed: 503 (catalog-not-read)
    Warning volume.data: `data_center` is not checked: the catalog's data centers could not be read (place-not-checked)
    Warning fixed: `data_center` is not checked: the catalog's data centers could not be read (place-not-checked)
    cost $0.00 -> $1,012.10, at most $1,012.10
    ");
    let by_country = world.want("there", in_countries(&["RO"]));
    assert!(by_country.plan().plan().held.contains_key(&address("there")));
}

#[test]
fn an_entry_that_was_left_out_is_said() {
    let mut world = World::default().want("llm", |_| {});
    world.catalog = catalog();
    world.catalog.left_out.push(LeftOut {
        part: CatalogPart::Gpus,
        id: Some("NVIDIA B300".to_owned()),
        why: "no memory".to_owned(),
    });
    assert_snapshot!(plan(&world), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    Note : `NVIDIA B300` of the catalog's GPU types is left out: no memory (entry-left-out)
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn a_place_whose_entry_was_left_out_is_not_taken_for_none() {
    let mut world = with_volume_in("EU-RO-1");
    let id = DataCenterId::new("EU-RO-1");
    world.catalog.data_centers.remove(&id);
    world.catalog.left_out.push(LeftOut {
        part: CatalogPart::DataCenters,
        id: Some(id.to_string()),
        why: "no tiers".to_owned(),
    });
    assert!(matches!(world.plan(), Planned::Changes(_)));
}

#[test]
fn what_a_run_has_begun_is_in_progress_and_neither_drift_nor_a_change() {
    let mut world = World::default()
        .have("llm", |_| {})
        .want("llm", image_2)
        .outside("llm", |pod| pod.settings.image = Some("theirs:7".to_owned()))
        .want("next", |pod| pod.depends_on = [address("llm")].into())
        .have("other", |_| {})
        .want("other", image_2);
    world.in_progress = Some(InProgress {
        who: "ann on box, process 7".to_owned(),
        command: "apply".to_owned(),
        since: time(9_000),
        addresses: [address("llm")].into(),
    });
    let planned = world.plan();
    let held = &planned.plan().held;
    assert_eq!(held[&address("llm")], Held::InProgress);
    assert_eq!(held[&address("next")], Held::DependsOn(address("llm")));
    assert_eq!(planned.plan().drift, []);
    assert!(planned.plan().actions.keys().all(|id| id.address == address("other")));
    assert_eq!(planned.plan().in_progress, world.in_progress);
}
