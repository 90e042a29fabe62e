//! Many pods, for correctness: nothing is planned where nothing differs, no difference is missed, and an apply leaves
//! nothing to do. What it takes is counted in requests and in paused time, which are the same on every computer.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use podform::apply::{self, Context, Interrupt, Limited, Settings};
use podform::model::clock::{Clock, Timestamp};
use podform::model::id::{Lineage, RunId, Serial};
use podform::model::outcome::{EndResult, Outcome};
use podform::model::plan::{Approval, ApprovedPlan, Plan, Planned, Step};
use podform::model::prior::{Prior, ProviderKind};
use podform::model::secret::Secrets;
use podform::provider::runpod::Runpod;
use podform::simulator::Simulation;
use podform::simulator::exchange::Operation;
use podform::spec::Loaded;
use podform::state::memory::MemoryState;
use podform::state::sqlite::StateFile;
use podform::state::{Batch, Journal, Run, StateError, Store};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::fleet::{Fleet, HOMES, Shares, Turn, client, loaded, moment, planned, simulation};
use crate::kit;

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

    let spec = loaded(&fleet.edited_spec());
    let state = MemoryState::from_prior(applied.prior);
    let outcome = executed(&applied.simulation, &spec, &state, plan, 100).await;
    let undone: Vec<_> =
        outcome.actions.iter().filter(|(_, ended)| ended.result != EndResult::Done).collect();
    assert!(outcome.is_complete(), "{:?}: {:#?}", outcome.stopped_by, &undone[..undone.len().min(3)]);
    let prior = state.load().await.unwrap();
    let again = plan_again(&applied.simulation, &spec, &prior).await;
    let Planned::NoChanges(plan) = again else { panic!("{} actions", again.plan().actions.len()) };
    assert_eq!(plan.unchanged.len(), PODS + HOMES.len());
}

#[tokio::test(start_paused = true)]
async fn an_empty_account_becomes_the_whole_fleet() {
    let spec = loaded(&Fleet::steady(PODS).spec());
    let simulation = simulation(50, Duration::ZERO);
    let folder = tempfile::tempdir().unwrap();
    let binding = kit::binding(&spec.settings.project, ProviderKind::Simulator, "in this process");
    let file = StateFile::new(folder.path().join("fleet.db"), binding, Lineage::new("fleet"));
    let state =
        file.lock(&kit::holder("ann", "box"), &WorldClock(&simulation), Duration::ZERO).await.unwrap();
    let first = plan_again(&simulation, &spec, &state.load().await.unwrap()).await;
    let Planned::Changes(plan) = first else { panic!("{first:?}") };
    assert_eq!(plan.actions.len(), PODS + HOMES.len());
    let outcome = executed(&simulation, &spec, &state, plan, 100).await;
    assert_complete(&outcome);
    let again = plan_again(&simulation, &spec, &state.load().await.unwrap()).await;
    let Planned::NoChanges(plan) = again else { panic!("{} actions", again.plan().actions.len()) };
    assert_eq!(plan.unchanged.len(), PODS + HOMES.len());
}

/// Four pages, of which the members of a cluster are left out after they were cut.
#[tokio::test(start_paused = true)]
async fn an_account_of_four_pages_is_seen_whole() {
    const MEMBERS: usize = 100;
    let shares = Shares { changed: 2, stopped: 1, vanished: 1, unmanaged: 200 };
    let fleet = Fleet { shares, ..Fleet::steady(1_250) };
    let applied = fleet.apply().await;
    let simulation = &applied.simulation;
    simulation.edit(|world| {
        let strangers = world.all_pods().filter(|pod| pod.settings.name.starts_with("somebody-"));
        for member in strangers.map(|pod| pod.id.clone()).step_by(25).take(MEMBERS).collect::<Vec<_>>() {
            world.join_cluster(&member, "cl1");
        }
    });
    let pages = || simulation.requests().get(&Operation::List).copied().unwrap_or(0);
    let spec = loaded(&fleet.edited_spec());
    let state = MemoryState::from_prior(applied.prior);
    let before = pages();
    let Planned::Changes(plan) = plan_again(simulation, &spec, &state.load().await.unwrap()).await else {
        panic!("there are changes")
    };
    assert_eq!(pages() - before, 4);
    let turns = fleet.turns();
    let changed = turns.iter().filter(|turn| **turn != Turn::Same).count();
    assert_eq!((plan.actions.len(), plan.unmanaged.len()), (changed, 2_500 - MEMBERS));
    assert_complete(&executed(simulation, &spec, &state, plan, 100).await);
    let again = plan_again(simulation, &spec, &state.load().await.unwrap()).await;
    let Planned::NoChanges(plan) = again else { panic!("{} actions", again.plan().actions.len()) };
    assert_eq!((plan.unchanged.len(), plan.unmanaged.len()), (1_250 + HOMES.len(), 2_500 - MEMBERS));
}

/// An ideal apply takes as long as its creates, so many at a time.
#[tokio::test(start_paused = true)]
async fn an_apply_takes_hardly_longer_than_its_requests() {
    const CREATES: usize = 1_000;
    const LATENCY: Duration = Duration::from_millis(50);
    let spec = loaded(&Fleet::steady(CREATES).spec());
    for (parallelism, most) in [(10, 1.08), (50, 1.15)] {
        let simulation = simulation(20, LATENCY);
        let state = MemoryState::new(Lineage::new("fleet"));
        let from_nothing = state.load().await.unwrap();
        // As in a command, one client looks and acts: what the look told of RunPod's time serves the creates.
        let account = client(&simulation);
        let before = planned(&account, &spec, &from_nothing, moment(&simulation)).await;
        let Planned::Changes(plan) = before else { panic!("{before:?}") };
        let looked = simulation.requests();
        let began = Instant::now();
        let outcome = executed_by(&account, &simulation, &spec, &state, plan, parallelism).await;
        assert_complete(&outcome);
        let ideal = LATENCY * u32::try_from(CREATES).unwrap() / u32::try_from(parallelism).unwrap();
        let ratio = began.elapsed().as_secs_f64() / ideal.as_secs_f64();
        assert!(ratio <= most, "{ratio:.3} times the ideal with {parallelism} at a time");

        let calls = |operation| simulation.requests().get(&operation).copied().unwrap_or(0);
        let applied = |operation| calls(operation) - looked.get(&operation).copied().unwrap_or(0);
        assert_eq!(applied(Operation::Create), CREATES as u64);
        assert_eq!((applied(Operation::Get), applied(Operation::Catalog)), (0, 0));
        // One listing serves all that wait: as many as there is time for, however many wait.
        assert!(u128::from(applied(Operation::List)) <= began.elapsed().as_millis() / LATENCY.as_millis());
        let prior = state.load().await.unwrap();
        let again = plan_again(&simulation, &spec, &prior).await;
        assert!(matches!(again, Planned::NoChanges(_)), "{} actions", again.plan().actions.len());
    }
}

/// A journal whose commits take their time, one after the other, as in object storage.
struct SlowJournal<'a> {
    state: &'a MemoryState,
    takes: Duration,
    commits: Cell<u32>,
}

impl SlowJournal<'_> {
    async fn put<T>(&self, write: impl Future<Output = Result<T, StateError>>) -> Result<T, StateError> {
        self.commits.set(self.commits.get() + 1);
        tokio::time::sleep(self.takes).await;
        write.await
    }
}

impl Store for SlowJournal<'_> {
    async fn load(&self) -> Result<Prior, StateError> {
        self.state.load().await
    }
}

impl Journal for SlowJournal<'_> {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        self.put(self.state.begin(run)).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        self.put(self.state.commit(batch)).await
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        self.put(self.state.finish(run, at, summary)).await
    }
}

/// A slow journal is no reason for requests to wait: what is intended is durable before there is a place for it.
#[tokio::test(start_paused = true)]
async fn a_slow_journal_hardly_slows_an_apply() {
    const CREATES: usize = 1_000;
    const LATENCY: Duration = Duration::from_millis(50);
    const AT_A_TIME: usize = 50;
    let spec = loaded(&Fleet::steady(CREATES).spec());
    for (takes, most, commits) in [(5, 1.3, 250), (30, 1.5, 34)] {
        let simulation = simulation(20, LATENCY);
        let state = MemoryState::new(Lineage::new("fleet"));
        let slow = SlowJournal { state: &state, takes: Duration::from_millis(takes), commits: Cell::new(0) };
        let account = client(&simulation);
        let before = planned(&account, &spec, &state.load().await.unwrap(), moment(&simulation)).await;
        let Planned::Changes(plan) = before else { panic!("{before:?}") };
        let began = Instant::now();
        let settings = Settings { parallelism: AT_A_TIME, ahead: 2 * AT_A_TIME, ..Settings::SIMULATOR };
        let outcome = executed_with(&account, &simulation, &spec, &slow, plan, settings).await;
        assert_complete(&outcome);
        let ideal = LATENCY * u32::try_from(CREATES / AT_A_TIME).unwrap();
        let ratio = began.elapsed().as_secs_f64() / ideal.as_secs_f64();
        let made = slow.commits.get();
        assert!(ratio <= most && made <= commits, "{ratio:.3} times the ideal, {made} commits of {takes} ms");
        let again = plan_again(&simulation, &spec, &state.load().await.unwrap()).await;
        assert!(matches!(again, Planned::NoChanges(_)), "{} actions", again.plan().actions.len());
    }
}

/// No answer has told a client of RunPod's time that only acts, and many creates need it at the same moment.
#[tokio::test(start_paused = true)]
async fn creates_that_begin_at_once_ask_for_the_time_once() {
    let spec = loaded(&Fleet::steady(100).spec());
    let mut asked = Vec::new();
    for has_looked in [true, false] {
        let simulation = simulation(5, Duration::from_millis(50));
        let state = MemoryState::new(Lineage::new("fleet"));
        let account = client(&simulation);
        let prior = state.load().await.unwrap();
        let first = planned(&account, &spec, &prior, moment(&simulation)).await;
        let Planned::Changes(plan) = first else { panic!("{first:?}") };
        let lists = || simulation.requests().get(&Operation::ListVolumes).copied().unwrap_or(0);
        let looked = lists();
        let account = if has_looked { account } else { client(&simulation) };
        assert_complete(&executed_by(&account, &simulation, &spec, &state, plan, 50).await);
        asked.push(lists() - looked);
    }
    assert_eq!(asked[1] - asked[0], 1);
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

#[track_caller]
fn assert_complete(outcome: &Outcome) {
    let undone = outcome.actions.iter().filter(|(_, ended)| ended.result != EndResult::Done);
    let first: Vec<_> = undone.take(3).collect();
    assert!(outcome.is_complete(), "{:?}, {first:#?}", outcome.stopped_by);
}

async fn plan_again(simulation: &Simulation, spec: &Loaded, prior: &Prior) -> Planned {
    planned(&client(simulation), spec, prior, moment(simulation)).await
}

async fn executed(
    simulation: &Simulation,
    spec: &Loaded,
    state: &(impl Store + Journal),
    plan: Plan,
    parallelism: usize,
) -> Outcome {
    executed_by(&client(simulation), simulation, spec, state, plan, parallelism).await
}

async fn executed_by(
    account: &Runpod,
    simulation: &Simulation,
    spec: &Loaded,
    state: &(impl Store + Journal),
    plan: Plan,
    parallelism: usize,
) -> Outcome {
    let settings = Settings { parallelism, ..Settings::SIMULATOR };
    executed_with(account, simulation, spec, state, plan, settings).await
}

async fn executed_with(
    account: &Runpod,
    simulation: &Simulation,
    spec: &Loaded,
    state: &(impl Store + Journal),
    plan: Plan,
    settings: Settings,
) -> Outcome {
    let prior = state.load().await.unwrap();
    let limited = Limited::new(account, &kit::Silent, 0);
    let clock = WorldClock(simulation);
    let run = Run { plan_digest: plan.digest.to_string(), ..kit::run("r1", clock.now()) };
    let (_sender, interrupt) = watch::channel(Interrupt::None);
    let context = Context {
        provider: &limited,
        pods: account,
        journal: state,
        clock: &clock,
        reporter: &kit::Silent,
        project: &spec.settings.project,
        secrets: &Secrets::default(),
        run: &run,
        settings,
        interrupt,
    };
    apply::execute(&ApprovedPlan::new(plan, Approval::Flag), &prior, context).await
}

struct WorldClock<'a>(&'a Simulation);

impl Clock for WorldClock<'_> {
    fn now(&self) -> Timestamp {
        moment(self.0)
    }
}
