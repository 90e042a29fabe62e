//! A laboratory for applies that go wrong: the real planner, engine and client over the simulator in this process, in
//! paused time, with a process that ends when it is told to and is started again until nothing is left to do.
//!
//! A [`Case`] says everything that a run depends on and prints as one line, so every violation can be repeated.

pub mod campaign;
pub mod case;
mod check;
pub mod journals;
mod lock;
mod overtaken;
pub mod ports;
pub mod projects;
mod runs;
mod serving;
pub mod shapes;
mod threaded;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use podform::apply::waiting::{Pause, Told, Waiting};
use podform::apply::{self, Context, Interrupt, Limited, Reporter, Settings};
use podform::model::address::Address;
use podform::model::catalog::Catalog;
use podform::model::clock::{Clock, SignedDuration, Timestamp};
use podform::model::desired::Desired;
use podform::model::id::{EnvKey, ProjectName, RunNonce};
use podform::model::job::End;
use podform::model::journal::ActionStatus;
use podform::model::live::Live;
use podform::model::plan::{self as plan_model, Approval, ApprovedPlan, Endpoint, Plan, Planned};
use podform::model::pod::{Compute, Placement};
use podform::model::prior::RecordedObject;
use podform::model::prior::{Api, Prior};
use podform::model::progress::Notice;
use podform::model::request::RegistryRequest;
use podform::model::request::{PodRequest, VolumeRequest};
use podform::model::secret::{Secret, SecretName, Secrets};
use podform::model::size::Gigabytes;
use podform::model::volume::{VolumeConfig, VolumeTier};
use podform::plan::Rotation;
use podform::plan::{self, Again, Inputs, Options, stock_questions};
use podform::provider::runpod::Runpod;
use podform::provider::{Mutate, Observe};
use podform::simulator::{self, QuotaSetting, Simulation, World};
use podform::state::contents::Contents;
use podform::state::place::{Held, Place};
use podform::state::{Run, StateError, Store};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use crate::kit;
use case::{Case, Without};
use check::check;
use journals::Engine;
use lock::Lock;
use overtaken::Succeeds;
use ports::{Life, MortalJournal, MortalPort};
use runs::Runs;
use serving::Serving;
use shapes::SHAPES;

/// The GPUs of the shapes.
const USED_GPUS: [&str; 3] = ["NVIDIA L40S", "NVIDIA GeForce RTX 4090", "NVIDIA RTX 6000 Ada Generation"];
/// How long after a run the next one begins; by then nothing counts as too new.
const BETWEEN_RUNS: Duration = Duration::from_secs(150);
/// How soon after a crash the next run begins.
const RESTART: Duration = Duration::from_secs(3);
/// How many runs may be needed until nothing is left to do.
const RUNS: usize = 12;

/// What a schedule showed.
#[derive(Debug, Default)]
pub struct Report {
    /// What must not be; empty if all is well.
    pub violations: Vec<String>,
    /// How many runs it took, the crashed ones included.
    pub runs: usize,
    /// Journal writes of the first run.
    pub commits: u64,
    /// The provider calls of all runs, in order.
    pub calls: Vec<&'static str>,
    /// How many calls were refused because of the quota.
    pub throttled: u64,
    /// How many of the calls the first run made.
    pub first_calls: usize,
    /// Whether another process took over from the first one.
    pub is_overtaken: bool,
    /// How many writes of the first were refused after that.
    pub fenced: u64,
    /// What the last plan, which had nothing to do, remarked.
    pub findings: Vec<String>,
    /// What was said about each run, for repeating a violation.
    pub story: Vec<String>,
}

/// What the last spec of a shape is applied to.
pub struct Base {
    world: World,
    contents: Contents,
    prior: Prior,
    desired: Desired,
    catalog: Catalog,
}

impl Base {
    /// Applies all but the last spec in peace, beside objects that are not ours.
    pub fn new(shape: usize) -> Self {
        let shape = &SHAPES[shape];
        let (last, before) = shape.specs.split_last().expect("a shape has specs");
        in_paused_time(async {
            let simulation = Simulation::new(settings(1, 60));
            let client = client(&simulation);
            make_foreign(&client).await;
            let place = journals::memory();
            let desired: Vec<Desired> =
                before.iter().map(|text| kit::loaded(text).unwrap().desired).collect();
            let questions = stock_questions(&kit::loaded(last).unwrap().desired);
            let mut catalog = client.catalog(&questions, time(&simulation)).await.expect("a catalog");
            // What no shape asks for would only take time, in every plan of every schedule.
            catalog.gpus.retain(|id, _| USED_GPUS.contains(&id.as_str()));
            for desired in &desired {
                let case = Case::of(0);
                let lab = Lab::new(&case, &simulation, &place, (desired, &catalog), false);
                let report = lab.converge(0).await;
                assert!(report.violations.is_empty(), "{}: {:?}", shape.name, report);
                sleep(BETWEEN_RUNS).await;
            }
            if shape.full_host {
                simulation.edit(|world| {
                    let hosts: Vec<_> = world
                        .all_pods()
                        .filter(|pod| pod.settings.name == "lab-llm")
                        .map(|pod| pod.host.clone())
                        .collect();
                    hosts.iter().for_each(|host| world.fill_host(host));
                });
            }
            let world = simulation.inspect(Clone::clone);
            let contents = place.contents().await.expect("a state");
            let contents = contents.unwrap_or_else(|| Contents::empty(journals::lineage()));
            let desired = kit::loaded(last).unwrap().desired;
            Self { world, prior: contents.prior(), contents, desired, catalog }
        })
    }
}

/// Plays a schedule and checks what is left at the end.
pub fn play(base: &Base, case: &Case) -> Report {
    Engine::Memory.play(base, case, false)
}

/// Plays a schedule and tells what happened.
pub fn tell(base: &Base, case: &Case) -> Report {
    Engine::Memory.play(base, case, true)
}

/// Plays the first run of a schedule and returns what the journal then has open, by what is done and how far it came.
pub fn left_open(base: &Base, case: &Case) -> Vec<(plan_model::Step, ActionStatus)> {
    in_paused_time(async {
        let place = journals::memory();
        let simulation = prepared(base, case, &place).await;
        let lab = Lab::new(case, &simulation, &place, (&base.desired, &base.catalog), false).rotating(base);
        let life = Life::new(case.crashes.first().copied());
        lab.live(0, &life, watch::channel(Interrupt::None).1).await;
        let open = place.load().await.expect("a state").open;
        open.into_iter().map(|intent| (intent.action.step, intent.status)).collect()
    })
}

/// Plays a run that may wait, and one with another spec that begins half a minute later, and returns what each says and what
/// is left that must not be.
pub fn beside(base: &Base, case: &Case, other: &str) -> ([String; 2], Vec<String>) {
    in_paused_time(async {
        let place = journals::memory();
        let simulation = prepared(base, case, &place).await;
        let other = kit::loaded(other).expect("a spec").desired;
        let [first, second] = [&base.desired, &other]
            .map(|desired| Lab::new(case, &simulation, &place, (desired, &base.catalog), false));
        let lives = [Life::new(None), Life::new(None)];
        let quiet = || watch::channel(Interrupt::None).1;
        let later = async {
            sleep(Duration::from_secs(30)).await;
            second.process(1, &lives[1], quiet()).await
        };
        let (first, second) = tokio::join!(first.process(0, &lives[0], quiet()), later);
        let said = [first, second].map(|step| match step {
            Step::NothingToDo { .. } => "nothing to do".to_owned(),
            Step::Went { said, broken } => said + &broken.concat(),
            Step::Waits(pause) => format!("{pause:?}"),
        });
        let prior = place.load().await.expect("a state");
        (said, simulation.inspect(|world| check(base, case, world, &prior)))
    })
}

/// Makes the world that a schedule begins with, and the state, in the place of what is there.
async fn prepared(base: &Base, case: &Case, place: &impl Place) -> Simulation {
    let simulation = Simulation::new(settings(case.seed, case.quota));
    simulation.edit(|world| *world = base.world.clone());
    let faults = format!("{}{}", case.faults, SHAPES[case.shape].always());
    simulation.set_faults(faults.parse().expect("cases hold faults that can be read"));
    let clock = WorldClock::new(&simulation);
    lock::free(place).await.expect("a state of ours");
    let held = place.lock(&lock::holder("prepares"), &clock, Duration::ZERO).await.expect("it is free");
    held.replace(&base.contents).await.expect("nobody else has it");
    held.release().await.expect("nobody else has it");
    simulation
}

/// Plays a schedule over a fresh place.
fn over(place: &impl Place, base: &Base, case: &Case, wanted: bool) -> Report {
    over_failing(place, base, case, wanted, |_fails| {})
}

/// Plays a schedule over a fresh place that `set` has fail for as long as processes run.
fn over_failing(place: &impl Place, base: &Base, case: &Case, wanted: bool, set: impl Fn(bool)) -> Report {
    in_paused_time(async {
        let simulation = prepared(base, case, place).await;
        set(true);
        let lab =
            || Lab::new(case, &simulation, place, (&base.desired, &base.catalog), wanted).rotating(base);
        let mut report = match case.stop {
            Some((stop, wakes)) => overtaken::play(&lab(), lab(), stop, Duration::from_secs(wakes)).await,
            None => lab().converge(0).await,
        };
        set(false);
        let prior = place.load().await.expect("a state");
        report.violations.extend(simulation.inspect(|world| check(base, case, world, &prior)));
        report
    })
}

pub fn in_paused_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(LocalSet::new().run_until(work))
}

fn settings(seed: u64, quota: u32) -> simulator::Settings {
    simulator::Settings {
        seed,
        quota: QuotaSetting::PerMinute(quota),
        speed: 1,
        abundance: 2,
        latency: Duration::from_millis(200),
        ..simulator::Settings::default()
    }
}

fn client(simulation: &Simulation) -> Rc<Runpod> {
    let key = Secret::new("rpa_lab".to_owned());
    Rc::new(Runpod::in_process(Api::V2, simulation.router(), &key).expect("a client"))
}

/// Makes what must never be touched: a pod without a marker, one of another project, and a volume.
async fn make_foreign(client: &Runpod) {
    for (name, marker) in
        [("theirs", None), ("other-project", Some("other/llm/00000000000000aa/line/1/2026-11-02T09:00:01Z"))]
    {
        let env = marker.map(|marker| (EnvKey::new("PODFORM_MARK"), Secret::new(marker.to_owned())));
        let request = PodRequest {
            settings: podform::model::settings::PodSettings {
                name: name.to_owned(),
                image: "img:9".to_owned(),
                env: env.into_iter().collect(),
                disk: Gigabytes(10),
                ..kit::pod_request().settings
            },
            placement: Placement {
                compute: Compute::Cpu { flavor: podform::model::id::CpuFlavorId::new("cpu3c"), vcpus: 2 },
                ..kit::pod_request().placement
            },
            ..kit::pod_request()
        };
        client.create_pod(&request).await.expect("a foreign pod");
    }
    let request = VolumeRequest {
        name: "theirs".to_owned(),
        config: VolumeConfig {
            size: Gigabytes(10),
            data_center: podform::model::id::DataCenterId::new("EU-RO-1"),
            tier: VolumeTier::Standard,
        },
    };
    client.create_volume(&request).await.expect("a foreign volume");
    let secret = || Secret::new("theirs".to_owned());
    let request = RegistryRequest { name: "theirs".to_owned(), username: secret(), password: secret() };
    client.create_registry(&request).await.expect("foreign credentials");
}

/// The world's time, so that creation times and records agree.
fn time(simulation: &Simulation) -> Timestamp {
    let millis = simulation.inspect(|world| world.now().millis());
    Timestamp::from_millisecond(i64::try_from(millis).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX)
}

/// A clock that goes with the world: a second for each request, and the time that passes.
pub struct WorldClock<'a> {
    simulation: &'a Simulation,
    origin: Timestamp,
    began: Instant,
    requests_before: u64,
}

impl<'a> WorldClock<'a> {
    pub fn new(simulation: &'a Simulation) -> Self {
        Self {
            simulation,
            origin: time(simulation),
            began: Instant::now(),
            requests_before: simulation.requests().values().sum(),
        }
    }
}

impl Clock for WorldClock<'_> {
    fn now(&self) -> Timestamp {
        let requests = self.simulation.requests().values().sum::<u64>() - self.requests_before;
        self.origin
            .checked_add(self.began.elapsed() + Duration::from_secs(requests))
            .unwrap_or(Timestamp::MAX)
    }
}

/// Keeps what was said, if somebody wants to read it: in a campaign it would take most of the time.
struct Story {
    wanted: bool,
    lines: RefCell<Vec<String>>,
}

impl Story {
    fn add(&self, line: impl FnOnce() -> String) {
        if self.wanted {
            self.lines.borrow_mut().push(line());
        }
    }
}

impl Reporter for Story {
    fn notice(&self, notice: Notice) {
        self.add(|| format!("{notice:?}"));
    }
}

/// One schedule on its way.
struct Lab<'a, P> {
    case: &'a Case,
    place: &'a P,
    desired: &'a Desired,
    catalog: &'a Catalog,
    client: Rc<Runpod>,
    clock: WorldClock<'a>,
    serving: Serving<'a>,
    runs: Runs<'a>,
    story: Story,
    /// What is to be rotated, and how it is recorded at first.
    rotate: Option<(Address, Option<String>)>,
    /// The stopped process whose place its processes take.
    succeeds: Option<Succeeds>,
}

/// How one run ended.
enum RunEnd {
    Crashed,
    Done(Step),
}

/// How far one run came.
enum Step {
    NothingToDo {
        findings: Vec<String>,
    },
    /// It applied something, or could not: what it says, and what was wrong with the plan.
    Went {
        said: String,
        broken: Vec<String>,
    },
    /// Something waits for capacity, with nothing open.
    Waits(Pause),
}

/// What a process keeps from one round to the next.
struct Rounds {
    approved: Option<Plan>,
    waiting: Waiting,
}

impl Step {
    fn stopped(said: String) -> Self {
        Self::Went { said, broken: Vec::new() }
    }

    /// Adds that the lock could not be given back.
    fn and(self, error: &StateError) -> Self {
        match self {
            Self::NothingToDo { .. } => Self::stopped(format!("nothing to do, but {error}")),
            Self::Waits(_) => Self::stopped(format!("something waits, but {error}")),
            Self::Went { said, broken } => Self::Went { said: format!("{said}, and {error}"), broken },
        }
    }
}

impl<'a, P: Place> Lab<'a, P> {
    fn new(
        case: &'a Case,
        simulation: &'a Simulation,
        place: &'a P,
        (desired, catalog): (&'a Desired, &'a Catalog),
        story_wanted: bool,
    ) -> Self {
        Self {
            case,
            place,
            desired,
            catalog,
            client: client(simulation),
            clock: WorldClock::new(simulation),
            serving: Serving::new(simulation, desired),
            runs: Runs::new(simulation),
            story: Story { wanted: story_wanted, lines: RefCell::default() },
            rotate: None,
            succeeds: None,
        }
    }

    /// Has what a shape wants to be rotated, as it is recorded at first.
    fn rotating(self, base: &Base) -> Self {
        let rotate = SHAPES[self.case.shape].rotate.map(|name| {
            let address: Address = name.parse().expect("an address");
            let before = last_sent(&base.prior, &address);
            (address, before)
        });
        Self { rotate, ..self }
    }

    /// Runs until nothing is left to do. The first of its processes has the number `from`.
    async fn converge(&self, from: usize) -> Report {
        let mut report = Report::default();
        let mut last = String::new();
        let signals = self.signals();
        for number in 0..RUNS + self.case.crashes.len() {
            let life = Life::new(self.case.crashes.get(number).copied());
            let interrupt = if number == 0 { signals.clone() } else { watch::channel(Interrupt::None).1 };
            let ended = self.live(from + number, &life, interrupt).await;
            report.runs += 1;
            report.calls.extend(life.calls.borrow().iter());
            report.throttled += life.throttled.get();
            if number == 0 {
                report.commits = life.commits.get();
                report.first_calls = life.calls.borrow().len();
            }
            match ended {
                RunEnd::Crashed => {
                    self.story.add(|| format!("run {number} crashed"));
                    sleep(RESTART).await;
                    continue;
                }
                RunEnd::Done(Step::NothingToDo { findings }) => {
                    report.findings = findings;
                    report.violations.extend(self.wrong());
                    report.story = self.story.lines.take();
                    return report;
                }
                RunEnd::Done(Step::Waits(pause)) => unreachable!("a process waits by itself: {pause:?}"),
                RunEnd::Done(Step::Went { said, broken }) => {
                    last = format!("run {number}: {said}");
                    self.story.add(|| last.clone());
                    report.violations.extend(broken);
                }
            }
            sleep(BETWEEN_RUNS).await;
        }
        report.violations.push(format!("it never comes to an end: {last}"));
        report.violations.extend(self.wrong());
        report.story = self.story.lines.take();
        report
    }

    /// Lives one life of the process, to its end or to its crash.
    async fn live(&self, number: usize, life: &Life, interrupt: watch::Receiver<Interrupt>) -> RunEnd {
        let ended = tokio::select! {
            biased;
            () = life.ended.notified() => RunEnd::Crashed,
            step = self.process(number, life, interrupt) => RunEnd::Done(step),
        };
        if let Some(succeeds) = &self.succeeds {
            succeeds.ends(life);
        }
        ended
    }

    /// Lives in rounds, as the command does: what found nothing free is tried again after a while.
    async fn process(&self, number: usize, life: &Life, interrupt: watch::Receiver<Interrupt>) -> Step {
        let mut rounds = Rounds { approved: None, waiting: Waiting::new(None) };
        loop {
            let step = self.round(number, life, interrupt.clone(), &mut rounds).await;
            let Step::Waits(pause) = step else { return step };
            self.story.add(|| format!("waits {pause:?}"));
            sleep(pause.next).await;
            if *interrupt.borrow() != Interrupt::None {
                return Step::stopped("interrupted in a wait".to_owned());
            }
        }
    }

    fn told(&self) -> Told {
        Told { there: Some(self.clock.now()), ran: self.clock.began.elapsed() }
    }

    /// Takes the lock, runs, and gives it back.
    async fn round(
        &self,
        number: usize,
        life: &Life,
        interrupt: watch::Receiver<Interrupt>,
        rounds: &mut Rounds,
    ) -> Step {
        let holder = lock::holder(&format!("run-{number}-{}", self.clock.now().as_millisecond()));
        let Case { succession, without, .. } = self.case;
        let lock = match Lock::take(self.place, &self.clock, holder, *succession, *without).await {
            Ok(lock) => lock,
            Err(error) => return Step::stopped(format!("no lock: {error}")),
        };
        if let Some(succeeds) = &self.succeeds {
            succeeds.begins(self.place.serial().await.expect("a state that can be read"));
        }
        // It is large, and each of those around it would have room for it.
        let step = lock.renewing(Box::pin(self.run(&lock, life, interrupt, rounds))).await;
        match lock.release().await {
            Ok(()) => step,
            Err(error) => step.and(&error),
        }
    }

    /// Looks, plans and applies once.
    async fn run(
        &self,
        lock: &Lock<'_, P>,
        life: &Life,
        interrupt: watch::Receiver<Interrupt>,
        rounds: &mut Rounds,
    ) -> Step {
        let port = MortalPort {
            client: Rc::clone(&self.client),
            life,
            blind: self.case.without == Without::Lookup,
            serving: &self.serving,
            runs: &self.runs,
        };
        let journal = MortalJournal { journal: lock, life, runs: &self.runs };
        let limited = Limited::new(&port, &self.story, self.case.seed);
        let now = self.clock.now();
        let run = kit::run(lock.name(), now);
        let project = ProjectName::new("lab");
        let mut secrets = Secrets::default();
        for name in ["hf", "kept", "ghcr"] {
            let value = Secret::new(format!("value-of-{name}"));
            secrets.insert(SecretName::Declared(name.to_owned()), value);
        }
        let context = Context {
            provider: &limited,
            pods: &port,
            journal: &journal,
            clock: &self.clock,
            reporter: &self.story,
            project: &project,
            secrets: &secrets,
            run: &run,
            settings: Settings {
                parallelism: self.case.parallelism,
                settling: Duration::from_secs(self.case.settling),
                seed: self.case.seed,
                intent_validity: match self.case.without {
                    Without::Freshness => Duration::from_secs(24 * 60 * 60),
                    Without::Nothing | Without::Lookup | Without::Intents | Without::Fence => {
                        Settings::RUNPOD.intent_validity
                    }
                },
                ..Settings::RUNPOD
            },
            interrupt,
        };
        let mut prior = match lock.load().await {
            Ok(prior) => prior,
            Err(error) => return Step::stopped(format!("no state: {error}")),
        };
        self.runs.on_record(&prior);
        let mut recovered = Vec::new();
        if !prior.open.is_empty() {
            recovered = match apply::settle(&prior, context.clone()).await {
                Ok(recovered) => recovered,
                Err(error) => return Step::stopped(format!("could not look: {error}")),
            };
            prior = match lock.load().await {
                Ok(prior) => prior,
                Err(error) => return Step::stopped(format!("no state: {error}")),
            };
        }
        let mut live =
            match podform::provider::observe::observe(&limited, &prior.to_look_for(), self.clock.now()).await
            {
                Ok(live) => live,
                Err(error) => return Step::stopped(format!("could not look: {error}")),
            };
        if plan::names_secrets(self.desired, &prior) {
            live.secrets = podform::provider::observe::secrets(&limited).await;
        }
        if let Some(sought) = plan::sought_registries(self.desired, &prior) {
            live.registries = podform::provider::observe::registries(&limited, &sought).await;
        }
        let asked = plan::asked_of_logs(self.desired, &prior, &live);
        if !asked.is_empty() {
            let Settings { log_silence, request_timeout, .. } = Settings::RUNPOD;
            podform::provider::observe::jobs(&limited, &mut live, asked, log_silence, request_timeout).await;
        }
        let (planned, broken) = self.plan(&prior, &live, &run, &secrets, rounds);
        if let Some(approved) = &rounds.approved {
            let due = rounds.waiting.due(self.told());
            let Again { plan, not_needed, put_off, left: _ } =
                match plan::again(approved, rounds.waiting.outcome(), &due, &planned) {
                    Ok(again) if broken.is_empty() => again,
                    Ok(_) => return Step::Went { said: "unsound after a wait".to_owned(), broken },
                    Err(reasons) => return Step::stopped(format!("stale: {}", reasons.join("; "))),
                };
            not_needed.iter().for_each(|id| rounds.waiting.not_needed(id));
            put_off.iter().for_each(|id| rounds.waiting.put_off(id, self.told()));
            return self.execute(plan, &prior, context, rounds).await;
        }
        let plan = match planned {
            Planned::NoChanges(plan) => {
                let findings = plan.findings.into_iter().map(|finding| finding.message).collect();
                return Step::NothingToDo { findings };
            }
            // Whether that is as it must be is judged at the end.
            Planned::Blocked { reasons, plan } if reasons.is_empty() && waits_for_people(&plan) => {
                let findings = plan.findings.into_iter().map(|finding| finding.message).collect();
                return Step::NothingToDo { findings };
            }
            Planned::Blocked { reasons, plan } => {
                return Step::stopped(format!(
                    "blocked: {reasons:?} held {:?} findings {:?}",
                    plan.held, plan.findings
                ));
            }
            Planned::Changes(plan) => plan,
        };
        rounds.approved = Some(plan.clone());
        match self.execute(plan, &prior, context, rounds).await {
            Step::Went { said, .. } => Step::Went { said: format!("{said} after {recovered:?}"), broken },
            step if broken.is_empty() => step,
            _ => Step::Went { said: "unsound before a wait".to_owned(), broken },
        }
    }

    /// Executes a plan, and tells whether anything of what was approved still waits.
    async fn execute<Q: Observe + Mutate, J: podform::state::Journal>(
        &self,
        plan: Plan,
        prior: &Prior,
        context: Context<'_, Q, J, WorldClock<'_>, Story>,
        rounds: &mut Rounds,
    ) -> Step {
        let Rounds { approved, waiting } = rounds;
        self.story.add(|| shown(&plan));
        let now = ApprovedPlan::new(plan, Approval::Flag).waiting(waiting.begin(self.told()));
        if let (Some(approved), false) = (approved, now.plan().actions.is_empty()) {
            let outcome = apply::execute(&now, prior, context).await;
            waiting.take(approved, now.plan(), outcome, self.told());
        }
        match waiting.next(self.told()) {
            Some(pause) => Step::Waits(pause),
            None => Step::stopped(format!("{:?}", waiting.outcome())),
        }
    }

    /// Plans, and says what is wrong with the plan.
    fn plan(
        &self,
        prior: &Prior,
        live: &Live,
        run: &Run,
        secrets: &Secrets,
        rounds: &Rounds,
    ) -> (Planned, Vec<String>) {
        let nonce = match &rounds.approved {
            Some(approved) => approved.basis.nonce.clone(),
            None => RunNonce::new(run.id.as_str()),
        };
        let tokens_used = rounds.waiting.tokens_used().clone();
        let inputs = Inputs {
            desired: self.desired,
            prior,
            live,
            catalog: self.catalog,
            secrets,
            endpoint: &Endpoint::Simulator,
            api: Api::V2,
            nonce: &nonce,
            settling: SignedDuration::from_secs(i64::try_from(self.case.settling).unwrap_or(90)),
            options: &Options { rotate: self.to_rotate(prior), tokens_used, ..Options::default() },
            in_progress: None,
        };
        let planned = plan::plan(&inputs);
        let broken = plan::check_bounds(&inputs, planned.plan());
        (planned, broken.iter().map(|violation| format!("unsound plan: {violation}")).collect())
    }

    /// Returns what was wrong at some moment.
    fn wrong(&self) -> Vec<String> {
        [self.serving.wrong(), self.runs.wrong()].concat()
    }

    /// Returns what is to be rotated, until its record says that it was.
    fn to_rotate(&self, prior: &Prior) -> BTreeSet<Rotation> {
        let rotate = self.rotate.iter().filter(|(address, before)| last_sent(prior, address) == *before);
        rotate.map(|(address, _)| Rotation::At(address.clone())).collect()
    }

    fn signals(&self) -> watch::Receiver<Interrupt> {
        let (sender, receiver) = watch::channel(Interrupt::None);
        let signals = self.case.signals.clone();
        tokio::task::spawn_local(async move {
            let mut passed = 0;
            for (signal, level) in signals.iter().zip([Interrupt::First, Interrupt::Second]) {
                sleep(Duration::from_millis(signal.saturating_sub(passed))).await;
                passed = *signal;
                // Nobody listens any more once the run has ended.
                let _ = sender.send(level);
            }
        });
        receiver
    }
}

/// Tells whether nothing is left but what waits for a job to be run again.
fn waits_for_people(plan: &Plan) -> bool {
    plan.held.values().all(|held| matches!(held, plan_model::Held::Job { ended: Some(End::Unknown), .. }))
}

/// Returns what differs in a record once its value was sent again: when that was, or what was made to have it.
fn last_sent(prior: &Prior, address: &Address) -> Option<String> {
    let recorded = prior.objects.get(address)?;
    match &recorded.record.object {
        RecordedObject::Secret(secret) => secret.value_set_at.map(|at| at.to_string()),
        RecordedObject::Pod(_) | RecordedObject::Volume(_) | RecordedObject::Registry(_) => {
            Some(recorded.id.to_string())
        }
    }
}

fn shown(plan: &Plan) -> String {
    let Plan { actions, edges, held, findings, .. } = plan;
    let actions: Vec<String> = actions
        .iter()
        .map(|(id, action)| format!("{id} because {:?} then {:?}", action.reason, action.record))
        .collect();
    let edges: Vec<String> = edges.iter().map(|(first, then)| format!("{first} < {then}")).collect();
    format!("plan {actions:#?} order {edges:?} held {held:?} findings {findings:?}")
}
