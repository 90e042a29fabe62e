//! Pods that are rented by a bid, and requests that RunPod does not take.

use insta::assert_snapshot;
use podform::model::desired::{ComputeWish, WantedPod};
use podform::model::live::{LivePod, PodStatus, Rental};
use podform::model::money::Hourly;
use podform::model::pod::{EnvValue, Rent};
use podform::model::prior::Api;
use podform::model::secret::{Secret, SecretName};

use super::cases::{key, plain, plan, settles};
use super::world::World;

fn spot(pod: &mut WantedPod) {
    bidding(200_000)(pod);
}

fn bidding(micro_dollars: i64) -> impl Fn(&mut WantedPod) {
    move |pod| {
        if let ComputeWish::Gpu(gpu) = &mut pod.hardware.compute {
            gpu.rent = Rent::Spot { bid: Hourly(micro_dollars) };
        }
    }
}

fn rented(rental: Rental) -> impl Fn(&mut LivePod) {
    move |pod| pod.rental = Some(rental)
}

fn over(api: Api) -> World {
    let mut world = World { api, ..World::default() };
    world.catalog.not_taken.bids = api == Api::V1;
    world
}

#[test]
fn a_spot_pod_costs_its_bid() {
    assert_snapshot!(settles(&over(Api::Graphql).want("llm", spot)), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    Warning llm: RunPod took spot pods off sale in May 2026, so it may refuse this one (spot-off-sale)
    cost $0.00 -> $148.00, at most $148.00
    ");
}

#[test]
fn over_rest_v1_a_bid_is_no_price() {
    assert_snapshot!(settles(&over(Api::V1).want("llm", spot)), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    Warning llm: RunPod took spot pods off sale in May 2026, so it may refuse this one; REST v1 takes no bid, so that RunPod sets the price: shown is that on demand (spot-off-sale)
    Warning llm: `ssh` is left out: REST v1 cannot set it up (access-not-possible)
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn an_interrupted_pod_is_started_with_the_bid_of_the_spec() {
    let world = over(Api::Graphql)
        .want("llm", bidding(300_000))
        .have("llm", spot)
        .outside("llm", rented(Rental::Spot { outbid: true }))
        .outside("llm", |pod| pod.status = PodStatus::Exited);
    assert_snapshot!(settles(&world), @"
    llm:start StateDrifted
      state: stopped -> running by Outside
      ! PublicPortsChange
      ! StartMayFail { then_replaced: false }
    drift llm: Interrupted
    Warning llm: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    cost $0.00 -> $221.00, at most $221.00
    ");
}

#[test]
fn another_bid_alone_changes_nothing() {
    let world = over(Api::Graphql)
        .want("llm", bidding(300_000))
        .have("llm", spot)
        .outside("llm", rented(Rental::Spot { outbid: false }));
    assert_snapshot!(plan(&world), @"
    no changes
    unchanged llm
    cost $2.00+? -> $2.00+?, at most $2.00+?
    ");
}

#[test]
fn a_pod_that_is_rented_otherwise_is_replaced() {
    let to_spot =
        over(Api::Graphql).want("llm", spot).have("llm", |_| {}).outside("llm", rented(Rental::OnDemand));
    assert_snapshot!(settles(&to_spot), @"
    llm:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA GeForce RTX 4090 x1 secure
      rent: on demand -> spot, bid $0.20/h for each GPU by Spec
      ! NewPodId
    Warning llm: RunPod took spot pods off sale in May 2026, so it may refuse this one (spot-off-sale)
    cost $505.70 -> $148.00, at most $148.00
    ");
    let to_demand = over(Api::Graphql)
        .want("llm", |_| {})
        .have("llm", spot)
        .outside("llm", rented(Rental::Spot { outbid: false }));
    assert_snapshot!(settles(&to_demand), @"
    llm:delete Replaced
      ! ContainerDiskLost { size: Gigabytes(20) }
    llm:create Replaced on NVIDIA GeForce RTX 4090 x1 secure
      rent: spot -> on demand by Spec
      ! NewPodId
    cost $2.00+? -> $505.70, at most $505.70
    ");
}

#[test]
fn a_bid_above_the_limit_is_no_way() {
    let limited = |pod: &mut WantedPod| {
        spot(pod);
        pod.hardware.max_price = Some(Hourly(150_000));
    };
    assert_snapshot!(plan(&over(Api::Graphql).want("llm", limited)), @r#"
    blocked
      because NoCandidate { address: Pod { key: Key("llm"), replica: None }, why: ["NVIDIA GeForce RTX 4090 in secure: $0.20/h is more than $0.15/h"] }
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

/// REST v2 refuses a body of more than 102,400 bytes, the values of secrets in it.
#[test]
fn a_request_that_is_too_large_is_not_sent() {
    let name = SecretName::Declared("key".to_owned());
    let large = |pod: &mut WantedPod| {
        let env = std::sync::Arc::make_mut(&mut pod.container.env);
        env.insert(key("LONG"), plain(&"x".repeat(60_000)));
        env.insert(key("SECRET"), EnvValue::Secret(SecretName::Declared("key".to_owned())));
    };
    let with = |length: usize, api| {
        let mut world = over(api).want("llm", large);
        world.secrets.insert(name.clone(), Secret::new("y".repeat(length)));
        world
    };
    assert_snapshot!(plan(&with(45_000, Api::V2)), @r#"
    blocked
    held llm: NotPossible("the request for it is larger than the 102400 bytes that REST v2 takes; put what is long in its `env`, `command` or `entrypoint` into the image or onto a volume")
    cost $0.00 -> $0.00, at most $0.00
    "#);
    for world in [with(35_000, Api::V2), with(45_000, Api::V1), with(45_000, Api::Graphql)] {
        assert!(plan(&world).starts_with("llm:create New"));
    }
}
