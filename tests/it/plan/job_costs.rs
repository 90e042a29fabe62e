//! Jobs and money: what a month and an hour cost with them, and what a budget makes of it.

use insta::assert_snapshot;
use podform::model::desired::{Budget, ComputeWish, OnExceed, OnReplace, WantedPod};
use podform::model::job::{JobLog, Then};
use podform::model::live::PodStatus;
use podform::model::money::{Hourly, Monthly};
use podform::model::plan::{Planned, Split};
use podform::model::pod::{RunState, Storage};
use podform::model::size::Gigabytes;

use super::jobs::{begun, job, shows};
use super::world::{World, address, gpus};

/// A month of an RTX 4090 is $503.70, and its container disk of 20 GB $2.00.
fn money(cost: Split) -> String {
    let runs =
        cost.runs.map_or(String::new(), |runs| format!(" and {}/h by runs", runs.total().known.hourly()));
    format!("{}{runs}", cost.total().known)
}

fn told(world: &World) -> String {
    let planned = world.plan();
    let plan = planned.plan();
    let broken = world.violations(plan);
    assert!(broken.is_empty(), "{broken:?}");
    let steps = plan.actions.iter();
    let steps = steps
        .map(|(id, action)| format!("{id} {} -> {}\n", money(action.cost.before), money(action.cost.after)));
    let blocks = match &planned {
        Planned::Blocked { reasons, plan: _ } => reasons.clone(),
        Planned::Changes(_) | Planned::NoChanges(_) => Vec::new(),
    };
    let blocks = blocks.iter().map(|block| format!("blocked: {block:?}\n"));
    let over = plan.findings.iter().filter(|finding| finding.code == "over-budget");
    let over = over.map(|finding| format!("warned: {}\n", finding.message));
    let all: String = steps.chain(blocks).chain(over).collect();
    let cost = plan.cost;
    format!("{all}{} -> {}, at most {}", money(cost.now), money(cost.after), money(cost.at_most))
}

fn monthly(dollars: i64) -> Budget {
    let max_monthly = Some(Monthly(dollars * 1_000_000));
    Budget { max_hourly: None, max_monthly, on_exceed: OnExceed::Fail }
}

fn hourly(cents: i64) -> Budget {
    let max_hourly = Some(Hourly(cents * 10_000));
    Budget { max_hourly, max_monthly: None, on_exceed: OnExceed::Fail }
}

fn within(mut world: World, budget: Budget) -> World {
    world.desired.budget = budget;
    world
}

fn on_four(pod: &mut WantedPod) {
    pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S:4"]));
}

fn done(then: Then) -> World {
    shows(begun(then), PodStatus::Exited, Some(JobLog::Ended(0))).applied()
}

#[test]
fn a_job_made_a_service_costs_a_month_from_then_on() {
    let service = |world: World| within(world.want("train", |_| ()), monthly(400));
    assert_snapshot!(told(&service(begun(Then::Stop))), @"
    train:update $0.00 and $0.6927/h by runs -> $505.70
    blocked: OverBudget { limit: Monthly(Monthly(400000000)), at_most: Amount { known: Monthly(505700000), unknown_parts: 0 } }
    $0.00 and $0.6927/h by runs -> $505.70, at most $505.70
    ");
    assert_snapshot!(told(&service(done(Then::Stop))), @"
    train:update $0.00 -> $0.00
    train:start $0.00 -> $505.70
    blocked: OverBudget { limit: Monthly(Monthly(400000000)), at_most: Amount { known: Monthly(505700000), unknown_parts: 0 } }
    $0.00 -> $505.70, at most $505.70
    ");
    let replaced = begun(Then::Stop).want("train", on_four);
    assert_snapshot!(told(&within(replaced, monthly(400))), @"
    train:delete $0.00 and $0.6927/h by runs -> $0.00
    train:create $0.00 -> $2,513.20
    blocked: OverBudget { limit: Monthly(Monthly(400000000)), at_most: Amount { known: Monthly(2513200000), unknown_parts: 0 } }
    $0.00 and $0.6927/h by runs -> $2,513.20, at most $2,513.20
    ");
}

#[test]
fn a_service_made_a_job_costs_a_month_until_then() {
    let serving = || World::default().want("train", |_| ()).applied();
    assert_snapshot!(told(&within(serving().want("train", job(Then::Stop)), monthly(400))), @"
    train:update $505.70 -> $0.00 and $0.6927/h by runs
    $505.70 -> $0.00 and $0.6927/h by runs, at most $0.00 and $0.6927/h by runs
    ");
    let beside = serving().want("train", job(Then::Stop)).want("web", |_| ());
    assert_snapshot!(told(&within(beside, monthly(400))), @"
    train:update $505.70 -> $0.00 and $0.6927/h by runs
    web:create $0.00 -> $505.70
    blocked: OverBudget { limit: Monthly(Monthly(400000000)), at_most: Amount { known: Monthly(505700000), unknown_parts: 0 } }
    $505.70 -> $505.70 and $0.6927/h by runs, at most $505.70 and $0.6927/h by runs
    ");
    let create_first = serving().want("train", |pod| {
        job(Then::Stop)(pod);
        on_four(pod);
        pod.lifecycle.on_replace = OnReplace::CreateFirst;
    });
    assert_snapshot!(told(&within(create_first, monthly(400))), @"
    train:delete $505.70 and $3.4427/h by runs -> $0.00 and $3.4427/h by runs
    train:create $505.70 -> $505.70 and $3.4427/h by runs
    $505.70 -> $0.00 and $3.4427/h by runs, at most $0.00 and $3.4427/h by runs
    ");
}

/// A job that is given up makes no room in a month, in which it is not counted, and in an hour all the more.
#[test]
fn a_service_does_not_hide_behind_a_job_that_ends() {
    let mut world = World::default()
        .want("train", |pod| {
            job(Then::Stop)(pod);
            on_four(pod);
        })
        .applied()
        .want("web", |_| ());
    world.desired.wanted.remove(&address("train"));
    assert_snapshot!(told(&within(world.clone(), monthly(400))), @"
    train:delete $0.00 and $3.4427/h by runs -> $0.00
    web:create $0.00 -> $505.70
    blocked: OverBudget { limit: Monthly(Monthly(400000000)), at_most: Amount { known: Monthly(505700000), unknown_parts: 0 } }
    $0.00 and $3.4427/h by runs -> $505.70, at most $505.70
    ");
    assert_snapshot!(told(&within(world, hourly(50))), @"
    train:delete $0.00 and $3.4427/h by runs -> $0.00
    web:create $0.00 -> $505.70
    warned: GPUs and vCPUs may cost $0.69/h, above `budget.max_hourly` of $0.50
    $0.00 and $3.4427/h by runs -> $505.70, at most $505.70
    ");
}

#[test]
fn a_pod_that_is_kept_is_billed_as_a_service_is() {
    let kept = within(World::default().want("train", job(Then::Keep)), monthly(400));
    assert_snapshot!(told(&kept), @"
    train:create $0.00 -> $505.70
    blocked: OverBudget { limit: Monthly(Monthly(400000000)), at_most: Amount { known: Monthly(505700000), unknown_parts: 0 } }
    $0.00 -> $505.70, at most $505.70
    ");
    let up = begun(Then::Keep);
    assert_snapshot!(told(&up), @"$505.70 -> $505.70, at most $505.70");
    let ended = shows(begun(Then::Keep), PodStatus::Running, Some(JobLog::Ended(0)));
    assert_snapshot!(told(&ended), @"
    train:record $505.70 -> $505.70
    $505.70 -> $505.70, at most $505.70
    ");
    assert_snapshot!(told(&within(ended.applied(), monthly(400))), @"
    warned: everything may cost $505.70 a month, above `budget.max_monthly` of $400.00
    $505.70 -> $505.70, at most $505.70
    ");
}

#[test]
fn the_disk_that_a_job_leaves_is_billed_for_the_month() {
    let with_disk = |pod: &mut WantedPod| {
        job(Then::Stop)(pod);
        pod.container.storage = Storage::Local { size: Gigabytes(1_000), path: "/data".to_owned() };
    };
    let world = within(World::default().want("train", with_disk), monthly(150));
    assert_snapshot!(told(&world), @"
    train:create $0.00 -> $200.00 and $0.6927/h by runs
    blocked: OverBudget { limit: Monthly(Monthly(150000000)), at_most: Amount { known: Monthly(200000000), unknown_parts: 0 } }
    $0.00 -> $200.00 and $0.6927/h by runs, at most $200.00 and $0.6927/h by runs
    ");
    let begun = World::default().want("train", with_disk).applied();
    assert_snapshot!(told(&begun), @"$200.00 and $0.6927/h by runs -> $200.00 and $0.6927/h by runs, at most $200.00 and $0.6927/h by runs");
    assert_snapshot!(told(&shows(begun, PodStatus::Exited, Some(JobLog::Ended(0)))), @"
    train:record $200.00 -> $200.00
    $200.00 -> $200.00, at most $200.00
    ");
}

/// What others of the account cost that this plan is not about is told alike.
#[test]
fn a_plan_of_something_else_counts_a_job_by_its_run() {
    for then in [Then::Stop, Then::Keep] {
        let world = begun(then).want("web", |pod| pod.run = RunState::Running);
        let world = within(world, monthly(600));
        let world = world.option(|options| options.targets = vec!["web".parse().unwrap()]);
        let is_blocked = matches!(world.plan(), Planned::Blocked { .. });
        assert_eq!(is_blocked, then == Then::Keep, "{}", told(&world));
    }
}

/// An hour counts what computes, be it for a job or for a service.
#[test]
fn no_disk_counts_in_an_hour() {
    let on_job = |pod: &mut WantedPod| {
        job(Then::Stop)(pod);
        on_four(pod);
    };
    assert_snapshot!(told(&within(World::default().want("train", on_job), hourly(344))), @"
    train:create $0.00 -> $0.00 and $3.4427/h by runs
    $0.00 -> $0.00 and $3.4427/h by runs, at most $0.00 and $3.4427/h by runs
    ");
    assert_snapshot!(told(&within(World::default().want("train", on_job), hourly(343))), @"
    train:create $0.00 -> $0.00 and $3.4427/h by runs
    blocked: OverBudget { limit: Hourly(Hourly(3430000)), at_most: Amount { known: Monthly(2511200000), unknown_parts: 0 } }
    $0.00 -> $0.00 and $3.4427/h by runs, at most $0.00 and $3.4427/h by runs
    ");
    assert_snapshot!(told(&within(World::default().want("train", on_four), hourly(344))), @"
    train:create $0.00 -> $2,513.20
    $0.00 -> $2,513.20, at most $2,513.20
    ");
    assert_snapshot!(told(&within(World::default().want("train", on_four), hourly(343))), @"
    train:create $0.00 -> $2,513.20
    blocked: OverBudget { limit: Hourly(Hourly(3430000)), at_most: Amount { known: Monthly(2511200000), unknown_parts: 0 } }
    $0.00 -> $2,513.20, at most $2,513.20
    ");
}
