//! Several projects in one account, and everything that people do to them: applies and edits, renames, copies in the
//! console, lost states, old backups, rebuilds, imports. The real planner, engine and client, the simulator in this
//! process, paused time.
//!
//! A [`Case`] is a seed and prints as one line. Its steps are drawn one by one, each from the seed and its own number,
//! so a schedule can be cut short and single steps can be left out without changing what the others draw.

pub mod campaign;
mod commands;
pub mod ledger;
pub mod sheet;
mod steps;
pub mod wire;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use podform::model::catalog::Catalog;
use podform::model::clock::{Clock, SignedDuration, Timestamp};
use podform::model::desired::Desired;
use podform::model::id::Lineage;
use podform::model::outcome::Outcome;
use podform::model::plan::Planned;
use podform::plan::{Options, stock_questions};
use podform::provider::Observe;
use podform::provider::runpod::Runpod;
use podform::render::style::Style;
use podform::render::{self, Format};
use podform::simulator::{self, Simulation, World};
use podform::state::Store;
use podform::state::memory::MemoryState;
use tokio::time::sleep;

use super::{
    BETWEEN_RUNS, Story, USED_GPUS, WorldClock, client, in_paused_time, make_foreign, settings, time,
};
use crate::kit;
use ledger::Ledger;
use sheet::Sheet;
use wire::Reading;

/// The names of projects. Most begin as another one does.
const NAMES: [&str; 5] = ["acme", "acme-prod", "acme-prod-eu", "acm", "beta"];
/// How many runs in a row a project may need until nothing is left to do.
const RUNS: usize = 8;
/// Requests a minute; enough that a schedule is not about waiting for them.
const QUOTA: u32 = 600;

/// What a schedule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Kind {
    /// People do everything that they can, and at the end each project runs until nothing is left to do.
    #[default]
    People,
    /// Projects live on; when all is as wanted, every state is lost and rebuilt. Nothing is made then, and no data lost.
    Rebuild,
}

/// Everything that one schedule depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub kind: Kind,
    pub seed: u64,
    /// How many steps are taken.
    pub steps: usize,
    /// Steps that are left out.
    pub without: BTreeSet<usize>,
    pub reading: Reading,
}

impl Case {
    pub fn of(kind: Kind, seed: u64) -> Self {
        let steps = fastrand::Rng::with_seed(seed).usize(8..20);
        Self { kind, seed, steps, without: BTreeSet::new(), reading: Reading::AsItIs }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, seed, steps, without, reading } = self;
        match kind {
            Kind::People => {}
            Kind::Rebuild => f.write_str("kind=rebuild ")?,
        }
        write!(f, "seed={seed} steps={steps}")?;
        if !without.is_empty() {
            let steps: Vec<String> = without.iter().map(ToString::to_string).collect();
            write!(f, " without={}", steps.join(","))?;
        }
        if *reading != Reading::AsItIs {
            write!(f, " reading={}", reading.word())?;
        }
        Ok(())
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut case = Self::of(Kind::People, 0);
        for word in text.split_whitespace() {
            let (key, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is not KEY=VALUE"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("`{word}` has no number"));
            let count = || value.parse::<usize>().map_err(|_| format!("`{word}` has no number"));
            match key {
                "kind" if value == "rebuild" => case.kind = Kind::Rebuild,
                "seed" => case = Self { reading: case.reading, ..Self::of(case.kind, number()?) },
                "steps" => case.steps = count()?,
                "without" => {
                    let steps = value.split(',').map(|step| step.parse().map_err(|_| "no step".to_owned()));
                    case.without = steps.collect::<Result<_, String>>()?;
                }
                "reading" => {
                    let known = Reading::ALL.into_iter().find(|reading| reading.word() == value);
                    case.reading = known.ok_or_else(|| format!("`{word}` is no reading"))?;
                }
                _ => return Err(format!("`{word}` is not known")),
            }
        }
        Ok(case)
    }
}

/// What a schedule showed.
#[derive(Debug, Default)]
pub struct Report {
    /// What must not be; empty if all is well.
    pub violations: Vec<String>,
    /// After which step the first of them was there; the number of steps for one that only the end showed.
    pub broken_at: usize,
    pub runs: u64,
    pub requests: u64,
    /// How many projects ended with nothing left to do, and how many with a reason why not.
    pub ended: [u64; 2],
    /// What happened, for repeating a violation.
    pub story: Vec<String>,
}

/// What all schedules begin with.
pub struct Base {
    world: World,
    catalog: Catalog,
}

impl Base {
    /// Prepares a world with objects that are nobody's.
    pub fn new() -> Self {
        in_paused_time(async {
            let simulation = Simulation::new(settings(1, QUOTA));
            simulation.edit(|world| world.set_balance(1_000_000_000_000));
            let client = client(&simulation);
            make_foreign(&client).await;
            let mut sheet = Sheet::of("acme");
            for gpu in 0..sheet::GPUS.len() {
                sheet.pods.insert(format!("gpu-{gpu}"), sheet::Pod { gpu, ..sheet::Pod::default() });
            }
            let desired = loaded(&sheet).expect("a spec without mistakes");
            let catalog = client.catalog(&stock_questions(&desired), time(&simulation)).await;
            let mut catalog = catalog.expect("a catalog");
            // What no spec asks for would only take time, in every plan of every schedule.
            catalog.gpus.retain(|id, _| USED_GPUS.contains(&id.as_str()));
            Self { world: simulation.inspect(Clone::clone), catalog }
        })
    }
}

/// Plays a schedule.
pub fn play(base: &Base, case: &Case) -> Report {
    play_and(base, case, false)
}

/// Plays a schedule and tells what happened.
pub fn tell(base: &Base, case: &Case) -> Report {
    play_and(base, case, true)
}

/// Lets a test act in an account, and returns what must not have been.
pub fn acted(base: &Base, act: impl AsyncFnOnce(&mut Account<'_>)) -> Vec<String> {
    in_paused_time(async {
        let case = Case::of(Kind::People, 1);
        let simulation = Simulation::new(simulator::Settings { abundance: 1, ..settings(case.seed, QUOTA) });
        simulation.edit(|world| *world = base.world.clone());
        let mut account = Account::new(&simulation, &base.catalog, &case, true);
        act(&mut account).await;
        std::mem::take(&mut account.ledger.borrow_mut().violations)
    })
}

fn play_and(base: &Base, case: &Case, is_told: bool) -> Report {
    in_paused_time(async {
        let simulation = Simulation::new(simulator::Settings { abundance: 1, ..settings(case.seed, QUOTA) });
        simulation.edit(|world| *world = base.world.clone());
        Account::new(&simulation, &base.catalog, case, is_told).play().await
    })
}

/// Reads a spec.
fn loaded(sheet: &Sheet) -> Result<Desired, String> {
    kit::loaded(&sheet.text()).map(|loaded| loaded.desired)
}

/// Returns what a person is shown of a plan.
pub fn told(planned: &Planned) -> String {
    let mut told = String::new();
    render::write_plan(&mut told, Format::Human, planned, &render::no_positions, Style::PLAIN)
        .expect("a string takes every text");
    told
}

/// The clock of a computer, which somebody sets now and then.
struct JumpingClock<'a> {
    world: WorldClock<'a>,
    ahead: Cell<SignedDuration>,
}

impl Clock for JumpingClock<'_> {
    fn now(&self) -> Timestamp {
        self.world.now().checked_add(self.ahead.get()).unwrap_or(Timestamp::MAX)
    }
}

/// A state, and what the person who keeps it knows.
struct Kept {
    state: MemoryState,
    /// Objects whose protection this state has taken in and not lifted.
    protected: BTreeSet<String>,
    /// Objects that were given up with `state rm`, as far as this state knows.
    given_up: BTreeSet<String>,
}

impl Kept {
    async fn copied(&self) -> Self {
        let prior = self.state.load().await.expect("a state that can be read");
        Self {
            state: MemoryState::from_prior(prior),
            protected: self.protected.clone(),
            given_up: self.given_up.clone(),
        }
    }
}

/// A team with its spec and its states.
struct Project {
    sheet: Sheet,
    /// The state of each name that the project had.
    states: BTreeMap<String, Kept>,
    /// Copies of the state of a name, oldest first.
    backups: Vec<(String, Kept)>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// The spec has mistakes.
    Mistaken,
    NothingToDo(Box<Planned>),
    Blocked(Box<Planned>),
    Applied(Box<Outcome>),
    CouldNotLook(String),
}

/// An account on its way through a schedule.
pub struct Account<'a> {
    case: &'a Case,
    catalog: &'a Catalog,
    simulation: &'a Simulation,
    clock: JumpingClock<'a>,
    client: Rc<Runpod>,
    ledger: RefCell<Ledger>,
    projects: Vec<Project>,
    story: Story,
    /// Makes names of runs and states their own.
    names: Cell<u64>,
    runs: u64,
}

impl<'a> Account<'a> {
    fn new(simulation: &'a Simulation, catalog: &'a Catalog, case: &'a Case, is_told: bool) -> Self {
        let mut ledger = Ledger::default();
        simulation.inspect(|world| {
            world.all_pods().for_each(|pod| ledger.note_foreign(&pod.id.0));
            world.all_volumes().for_each(|volume| ledger.note_foreign(&volume.id.0));
        });
        Self {
            case,
            catalog,
            simulation,
            clock: JumpingClock {
                world: WorldClock::new(simulation),
                ahead: Cell::new(SignedDuration::ZERO),
            },
            client: client(simulation),
            ledger: RefCell::new(ledger),
            projects: Vec::new(),
            story: Story { wanted: is_told, lines: RefCell::default() },
            names: Cell::new(0),
            runs: 0,
        }
    }

    async fn play(mut self) -> Report {
        self.found_projects();
        let mut broken_at = self.case.steps;
        for number in (0..self.case.steps).filter(|number| !self.case.without.contains(number)) {
            let mut dice =
                fastrand::Rng::with_seed(self.case.seed ^ (number as u64 + 1).wrapping_mul(0x9E37_79B9));
            self.step(number, &mut dice).await;
            if !self.ledger.borrow().violations.is_empty() {
                broken_at = number + 1;
                break;
            }
        }
        if self.case.kind == Kind::Rebuild && self.ledger.borrow().violations.is_empty() {
            self.lose_and_rebuild_all().await;
        }
        let mut ended = [0; 2];
        if self.ledger.borrow().violations.is_empty() {
            for place in 0..self.projects.len() {
                ended[usize::from(!self.quiet(place).await)] += 1;
            }
        }
        Report {
            violations: std::mem::take(&mut self.ledger.borrow_mut().violations),
            broken_at,
            runs: self.runs,
            requests: self.simulation.requests().values().sum(),
            ended,
            story: self.story.lines.take(),
        }
    }

    /// Loses every state and rebuilds it.
    async fn lose_and_rebuild_all(&mut self) {
        for place in 0..self.projects.len() {
            let is_settled = self.quiet(place).await;
            if is_settled {
                let project = self.projects[place].sheet.project.clone();
                self.ledger.borrow_mut().settled.insert(project);
            }
        }
        for place in 0..self.projects.len() {
            sleep(BETWEEN_RUNS).await;
            self.lose_state(place);
            self.rebuild(place).await;
        }
    }

    /// Lets each project begin with a few objects whose keys other projects' names end in.
    fn found_projects(&mut self) {
        let mut dice = fastrand::Rng::with_seed(self.case.seed);
        let mut names = NAMES;
        dice.shuffle(&mut names);
        for name in &names[..dice.usize(2..=4)] {
            let mut sheet = Sheet::of(name);
            for _ in 0..dice.usize(1..4) {
                steps::add_something(&mut sheet, &mut dice);
            }
            self.found(sheet);
        }
    }

    /// Lets a project begin with a spec, and returns its place among all.
    pub fn found(&mut self, sheet: Sheet) -> usize {
        self.story.add(|| sheet.text());
        let states = BTreeMap::from([(sheet.project.clone(), self.fresh())]);
        self.projects.push(Project { sheet, states, backups: Vec::new() });
        self.projects.len() - 1
    }

    /// Returns the spec of a project.
    pub fn sheet(&mut self, place: usize) -> &mut Sheet {
        &mut self.projects[place].sheet
    }

    /// Returns what happened.
    pub fn story(&self) -> String {
        self.story.lines.borrow().join("\n")
    }

    fn fresh(&self) -> Kept {
        let lineage = Lineage::new(self.name("line"));
        Kept { state: MemoryState::new(lineage), protected: BTreeSet::new(), given_up: BTreeSet::new() }
    }

    fn name(&self, kind: &str) -> String {
        self.names.set(self.names.get() + 1);
        format!("{kind}-{}", self.names.get())
    }

    /// Runs a project until nothing is left to do, or nothing may be done, and checks that nothing of it is kept in
    /// silence. Returns whether nothing is left.
    pub async fn quiet(&mut self, place: usize) -> bool {
        let mut last = String::new();
        for _ in 0..RUNS {
            sleep(BETWEEN_RUNS).await;
            match self.apply(place, &Options::default()).await {
                Ended::Mistaken => return false,
                Ended::NothingToDo(planned) => {
                    self.check_told(place, &planned);
                    return true;
                }
                Ended::Blocked(planned) => {
                    // Where the whole plan is refused, its reasons are all that is shown.
                    if matches!(&*planned, Planned::Blocked { reasons, .. } if reasons.is_empty()) {
                        self.check_told(place, &planned);
                    }
                    return false;
                }
                other @ (Ended::Applied(..) | Ended::CouldNotLook(_)) => last = format!("{other:?}"),
            }
            if !self.ledger.borrow().violations.is_empty() {
                return false;
            }
        }
        let project = &self.projects[place].sheet.project;
        self.ledger.borrow_mut().violations.push(format!("{project} never comes to an end: {last}"));
        false
    }

    /// What a project made and still pays for is in its record, in its spec or in the text of its last plan, by its id or
    /// its address.
    fn check_told(&self, place: usize, planned: &Planned) {
        let told = told(planned);
        let recorded: BTreeSet<String> =
            planned.plan().recorded.values().map(|(id, _)| id.to_string()).collect();
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-.[]".contains(c);
        let words: BTreeSet<&str> = told.split(|c| !is_part(c)).map(|word| word.trim_matches('.')).collect();
        let sheet = &self.projects[place].sheet;
        let (project, named) = (&sheet.project, sheet.named());
        let mut ledger = self.ledger.borrow_mut();
        let owned = self.simulation.inspect(|world| ledger.owned(world, project));
        for id in owned {
            let address = &ledger.objects[&id].address;
            let is_known = recorded.contains(&id) || named.contains(&&*id);
            if !is_known && !words.contains(&*id) && !words.contains(&**address) {
                let line = format!("{project} pays for {id}, made for {address}, and says nothing of it");
                ledger.violations.push(line);
            }
        }
    }
}
