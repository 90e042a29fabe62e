//! How many GPUs a pod accepts, which may differ by type, and replicas that are left out by number.

use insta::assert_snapshot;
use podform::model::desired::{CloudWish, ComputeWish, GpuCount, GpuOrder, GpuWish, MemoryRange, WantedPod};
use podform::model::id::GpuTypeId;
use podform::model::live::{LivePod, Seen};
use podform::model::money::Hourly;
use podform::model::plan::{Block, Operation, Planned};
use podform::model::pod::Compute;
use podform::model::size::Gigabytes;

use super::cases::{local, plan, settles};
use super::world::{World, address, gpus};

/// Accepts these, each as a spec has it: a name, or `NAME:COUNT`.
fn accepting(names: &'static [&'static str]) -> impl Fn(&mut WantedPod) {
    move |pod| pod.hardware.compute = ComputeWish::Gpu(gpus(names))
}

fn on(id: &'static str, count: u32) -> impl Fn(&mut LivePod) {
    move |pod| pod.compute = Some(Compute::Gpu { id: GpuTypeId::new(id), count })
}

/// Lists how a pod would be placed, in the order of the attempts, each with its price an hour.
fn candidates(edit: impl FnOnce(&mut WantedPod)) -> String {
    let world = World::default().want("llm", edit);
    let planned = world.plan();
    let action = planned.plan().actions.values().next().unwrap().clone();
    let Operation::CreatePod(creation) = action.operation else { panic!("no create") };
    let lines = creation.attempts.iter().map(|attempt| {
        let candidate = &attempt.candidate;
        format!("{} {} {}", candidate.placement.compute, candidate.placement.cloud, candidate.price)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_type_may_have_a_number_of_its_own() {
    assert_snapshot!(candidates(accepting(&["RTX 4090:4", "A100 PCIe", "L40S:2"])), @"
    NVIDIA GeForce RTX 4090 x4 secure $2.76/h
    NVIDIA A100 80GB PCIe x1 secure $1.64/h
    NVIDIA L40S x2 secure $1.72/h
    ");
    let world = World::default().want("llm", accepting(&["RTX 4090:4", "A100 PCIe", "L40S:2"]));
    assert_snapshot!(settles(&world), @"
    llm:create New on NVIDIA GeForce RTX 4090 x4 secure | NVIDIA A100 80GB PCIe x1 secure | NVIDIA L40S x2 secure
    cost $0.00 -> $2,016.80, at most $2,016.80
    ");
}

#[test]
fn of_a_range_the_fewest_come_first_and_the_order_by_price_is_that_of_the_whole_pod() {
    assert_snapshot!(candidates(accepting(&["L40S:2..4", "RTX 4090:2"])), @"
    NVIDIA L40S x2 secure $1.72/h
    NVIDIA L40S x3 secure $2.58/h
    NVIDIA L40S x4 secure $3.44/h
    NVIDIA GeForce RTX 4090 x2 secure $1.38/h
    ");
    let by_price = |pod: &mut WantedPod| {
        let memory = MemoryRange { min: Some(Gigabytes(48)), max: None };
        let count = GpuCount { least: 1, most: 3 };
        let wish = GpuWish { order: GpuOrder::Price, count, memory, ..gpus(&[]) };
        pod.hardware.compute = ComputeWish::Gpu(wish);
        pod.hardware.max_price = Some(Hourly(3_000_000));
    };
    assert_snapshot!(candidates(by_price), @"
    NVIDIA L40S x1 secure $0.86/h
    NVIDIA A100 80GB PCIe x1 secure $1.64/h
    NVIDIA L40S x2 secure $1.72/h
    NVIDIA L40S x3 secure $2.58/h
    NVIDIA H100 PCIe x1 secure $2.39/h
    NVIDIA H100 80GB HBM3 x1 secure $2.99/h
    ");
    // What is said of the fewest is not said of more.
    let world = World::default().want("llm", |pod| {
        by_price(pod);
        pod.hardware.cloud = CloudWish::Any;
        pod.hardware.max_price = Some(Hourly(100_000));
    });
    let Planned::Blocked { reasons, .. } = world.plan() else { panic!("not blocked") };
    let [Block::NoCandidate { address: _, why }] = &reasons[..] else { panic!("{reasons:?}") };
    assert_snapshot!(why.join("\n"), @"
    NVIDIA GeForce RTX 4090: has 24 GB of memory
    NVIDIA L40S x1 in secure: $0.86/h is more than $0.10/h
    NVIDIA L40S x1 in community: $0.79/h is more than $0.10/h
    NVIDIA A100 80GB PCIe x1 in secure: $1.64/h is more than $0.10/h
    NVIDIA A100 80GB PCIe x1 in community: $1.19/h is more than $0.10/h
    NVIDIA H100 PCIe x1 in secure: $2.39/h is more than $0.10/h
    NVIDIA H100 PCIe x1 in community: $1.99/h is more than $0.10/h
    NVIDIA H100 80GB HBM3 x1 in secure: $2.99/h is more than $0.10/h
    NVIDIA H100 80GB HBM3 x1 in community: its price is unknown, so it may be more than $0.10/h
    ");
}

/// A name that stands for a type again may allow more for it.
#[test]
fn each_entry_has_its_own_limit() {
    let limited = |limits: [Option<i64>; 2]| {
        candidates(|pod| {
            let mut wish = gpus(&["L40S:2", "L40S:2"]);
            for (choice, limit) in wish.any_of.iter_mut().zip(limits) {
                choice.max_price = limit.map(Hourly);
            }
            pod.hardware.compute = ComputeWish::Gpu(wish);
        })
    };
    let only = "NVIDIA L40S x2 secure $1.72/h";
    assert_eq!(limited([Some(1_000_000), Some(2_000_000)]), only);
    assert_eq!(limited([Some(2_000_000), None]), only);
}

#[test]
fn a_pod_in_any_accepted_number_of_its_type_is_in_sync() {
    let cases = [
        ("NVIDIA GeForce RTX 4090", 1),
        ("NVIDIA GeForce RTX 4090", 2),
        ("NVIDIA GeForce RTX 4090", 4),
        ("NVIDIA L40S", 4),
        ("NVIDIA L40S", 2),
        ("NVIDIA H100 PCIe", 4),
        ("NVIDIA H100 PCIe", 3),
        // The catalog does not have it.
        ("NVIDIA X", 4),
        ("NVIDIA X", 3),
    ];
    let mut said = String::new();
    for (id, count) in cases {
        let world = World::default()
            .have("llm", |_| {})
            .outside("llm", on(id, count))
            .want("llm", accepting(&["RTX 4090:1..2", "L40S:4"]));
        let shown = plan(&world);
        let differs = shown.lines().filter(|line| line.contains("gpu") || line.contains("no changes"));
        said += &format!("{id} x{count}: {}\n", differs.map(str::trim).collect::<Vec<_>>().join("; "));
    }
    assert_snapshot!(said, @"
    NVIDIA GeForce RTX 4090 x1: no changes
    NVIDIA GeForce RTX 4090 x2: gpu: NVIDIA GeForce RTX 4090 x1 -> NVIDIA GeForce RTX 4090 x2 by Outside
    NVIDIA GeForce RTX 4090 x4: gpu.count: 4 -> 1..2 by Outside
    NVIDIA L40S x4: gpu: NVIDIA GeForce RTX 4090 x1 -> NVIDIA L40S x4 by Outside
    NVIDIA L40S x2: gpu.count: 2 -> 4 by Outside
    NVIDIA H100 PCIe x4: gpu: NVIDIA H100 PCIe -> RTX 4090:1..2 or L40S:4 by Outside
    NVIDIA H100 PCIe x3: gpu: NVIDIA H100 PCIe -> RTX 4090:1..2 or L40S:4 by Outside; gpu.count: 3 -> 1..2 or 4 by Outside
    NVIDIA X x4: gpu: NVIDIA GeForce RTX 4090 x1 -> NVIDIA X x4 by Outside
    NVIDIA X x3: gpu.count: 3 -> 1..2 or 4 by Outside
    ");
}

#[test]
fn the_order_of_two_numbers_of_one_type_is_approved_with_the_plan() {
    let digest = |names| World::default().want("llm", accepting(names)).plan().plan().digest.to_string();
    assert_ne!(digest(&["L40S:2", "L40S:1"]), digest(&["L40S:1", "L40S:2"]));
    assert_eq!(digest(&["L40S:2", "L40S:1"]), digest(&["L40S:2", "L40S:1"]));
}

/// Three replicas, of which the spec leaves out the second.
fn without_the_second(names: &[&str]) -> World {
    let mut world = World::default().want("llm[0]", |_| {}).want("llm[2]", |_| {});
    for name in names {
        world = world.have(name, |_| {});
    }
    world.desired.replicated.insert(address("llm[0]").key().clone());
    world.desired.dropped.insert(address("llm[1]"));
    world
}

#[test]
fn a_replica_that_is_left_out_by_number_goes_and_no_other() {
    assert_snapshot!(settles(&without_the_second(&["llm[0]", "llm[1]", "llm[2]"])), @"
    llm[1]:delete Shrunk
      ! ContainerDiskLost { size: Gigabytes(20) }
    unchanged llm[0] llm[2]
    cost $1,517.10 -> $1,011.40, at most $1,011.40
    ");
}

/// There is none to forget of a number that was never made.
#[test]
fn a_number_that_was_left_out_and_comes_back_beside_one_that_goes_says_how_to_keep_that() {
    let local = |pod: &mut WantedPod| pod.container.storage = local(10);
    let world = World::default()
        .have("llm[0]", local)
        .have("llm[2]", local)
        .want("llm[0]", local)
        .want("llm[1]", local);
    let planned = world.plan();
    let said = planned.plan().findings.iter().find(|finding| finding.code == "replicas-not-alike").unwrap();
    assert_snapshot!(said.message, @"is made while `llm[2]` goes, as replicas with `${REPLICA}`, a local volume or other hardware are not exchanged; `podform state mv llm[2] llm[1]` keeps that pod");
}

#[test]
fn a_replica_that_is_left_out_takes_nobodys_place() {
    let world = without_the_second(&["llm[0]", "llm[1]", "llm[2]"]).seen("llm[2]", Seen::Absent);
    assert_snapshot!(settles(&world), @"
    llm[1]:delete Shrunk
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm[2]:create Vanished on NVIDIA GeForce RTX 4090 x1 secure
      ! VanishedWithData { size: Gigabytes(20) }
      ! NewPodId
    drift llm[2]: Vanished
    unchanged llm[0]
    cost $1,011.40 -> $1,011.40, at most $1,011.40
    ");
}
