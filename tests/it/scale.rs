//! Many pods, for correctness: nothing is planned where nothing differs, no difference is missed, and a plan makes the
//! same calls however many pods there are.

use std::collections::BTreeMap;

use podform::model::plan::{Planned, Step};
use podform::model::prior::Prior;
use podform::simulator::Simulation;
use podform::spec::Loaded;

use crate::fleet::{Fleet, HOMES, Shares, Turn, client, loaded, moment, planned};

const PODS: usize = 10_000;

#[tokio::test(start_paused = true)]
async fn a_fleet_as_it_was_applied_has_no_changes() {
    let fleet = Fleet::steady(PODS);
    let applied = fleet.apply().await;
    let account = client(&applied.simulation);
    let now = moment(&applied.simulation);
    let planned = planned(&account, &loaded(&fleet.spec()), &applied.prior, now).await;
    let Planned::NoChanges(plan) = planned else { panic!("{} actions", planned.plan().actions.len()) };
    assert_eq!((plan.unchanged.len(), plan.findings.len(), plan.unmanaged.len()), (PODS + HOMES.len(), 0, 0));
}

#[tokio::test(start_paused = true)]
async fn every_difference_of_a_fleet_is_planned_and_nothing_else() {
    let fleet =
        Fleet { shares: Shares { changed: 2, stopped: 1, vanished: 1, unmanaged: 3 }, ..Fleet::steady(PODS) };
    let applied = fleet.apply().await;
    let account = client(&applied.simulation);
    let now = moment(&applied.simulation);
    let planned = planned(&account, &loaded(&fleet.edited_spec()), &applied.prior, now).await;
    let Planned::Changes(plan) = planned else { panic!("{planned:?}") };
    let mut steps: BTreeMap<Step, usize> = BTreeMap::new();
    for id in plan.actions.keys() {
        *steps.entry(id.step).or_default() += 1;
    }
    let turns = fleet.turns();
    let count = |turn| turns.iter().filter(|taken| **taken == turn).count();
    let expected = [
        (Step::Update, count(Turn::Changed)),
        (Step::Start, count(Turn::Stopped)),
        (Step::Create, count(Turn::Vanished)),
    ];
    assert_eq!(steps, BTreeMap::from(expected));
    assert_eq!(plan.unmanaged.len(), fleet.strangers());
    assert_eq!(plan.unchanged.len(), count(Turn::Same) + HOMES.len());
}

#[tokio::test(start_paused = true)]
async fn a_plan_makes_as_many_calls_for_a_thousand_pods_as_for_ten() {
    let mut counts = Vec::new();
    for pods in [10, 1_000] {
        let fleet =
            Fleet { shares: Shares { changed: 10, stopped: 10, ..Shares::default() }, ..Fleet::steady(pods) };
        let applied = fleet.apply().await;
        let before: u64 = applied.simulation.requests().values().sum();
        let planned = plan_again(&applied.simulation, &loaded(&fleet.edited_spec()), &applied.prior).await;
        assert!(matches!(planned, Planned::Changes(_)));
        counts.push(applied.simulation.requests().values().sum::<u64>() - before);
    }
    assert_eq!(counts, [5, 5]);
}

async fn plan_again(simulation: &Simulation, spec: &Loaded, prior: &Prior) -> Planned {
    planned(&client(simulation), spec, prior, moment(simulation)).await
}
