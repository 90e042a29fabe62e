//! Runs the actions of a plan: the one place that waits, sends and commits.
//!
//! Everything runs as one task. Actions are futures that are polled first; the [`ledger`] writes what they queued in
//! that turn as one commit, and one [`lookout`] for each kind of object lists for all who wait. So a run does the same
//! things in the same order whenever the provider answers the same. Nothing here decides: what runs next, what follows
//! an answer and what counts as certain is asked of the pure files beside this directory. Start at [`execute`].

mod call;
mod create;
mod job;
mod ledger;
mod lookout;
mod permit;
mod pod;
mod ready;
mod records;
mod registry;
mod secret;
mod settle;
#[cfg(test)]
mod tests;
mod until;
mod update;
mod volume;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

pub use settle::settle;

use self::ledger::Ledger;
use self::lookout::Lookout;
use self::ready::Began;
use self::until::Watched as _;
use super::ending::{Halt, ending};
use super::schedule::Schedule;
use super::{Context, Interrupt, Reporter, Settings};
use crate::model::address::Address;
use crate::model::clock::Clock;
use crate::model::id::{PodId, RegistryId, RemoteId, SecretId, VolumeId};
use crate::model::journal::Event;
use crate::model::outcome::{EndResult, Ended, Lasting, Outcome, StoppedBy};
use crate::model::plan::{Action, ActionId, ApprovedPlan, Operation, Plan};
use crate::model::pod::Cloud;
use crate::model::prior::Prior;
use crate::model::progress::Notice;
use crate::model::retry::Waits;
use crate::provider::{Mutate, Observe};
use crate::state::{Journal, RecordChange};

/// Executes a plan to its end, or as far as it gets.
///
/// `prior` must be the state that the plan was made from. Actions of earlier runs that are still open must have been
/// settled before, see [`settle()`].
pub async fn execute<P, J, C, R>(
    approved: &ApprovedPlan,
    prior: &Prior,
    context: Context<'_, P, J, C, R>,
) -> Outcome
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    let plan = approved.plan();
    if let Err(error) = context.journal.begin(context.run).await {
        return not_begun(plan, StoppedBy::Journal(error.to_string()));
    }
    let engine = Engine::new(approved, prior, context);
    let Settings { poll, ahead, parallelism, .. } = engine.context.settings;
    // While as many requests go out as may, nobody is idle who waits for pods. For the others pods wait.
    let is_full = || engine.on_wire.get() >= parallelism;
    let never_full = || false;
    // The ledger is polled after the actions, so that the intents of one turn share a commit.
    let outcome = tokio::select! {
        biased;
        outcome = engine.run() => outcome,
        never = engine.ledger.write(ahead) => match never {},
        never = engine.pods.keep(poll, is_full, async || engine.list_pods().await) => match never {},
        never = engine.volumes.keep(poll, never_full, async || engine.list_volumes().await) => match never {},
        never = engine.secrets.keep(poll, never_full, async || engine.list_secrets().await) => match never {},
        never = engine.registries.keep(poll, never_full, async || engine.list_registries().await) => match never {},
        never = engine.tell_interrupt() => match never {},
    };
    finish(&engine, outcome).await
}

/// An action that runs.
struct Act<'a> {
    id: &'a ActionId,
    action: &'a Action,
    /// The number of the next attempt.
    attempt: Cell<u32>,
    refused: RefCell<Vec<String>>,
    /// Those of them that made a pod which never ran.
    given_up: RefCell<Vec<String>>,
    replaced: Cell<bool>,
    object: RefCell<Option<RemoteId>>,
    began: Began,
    ready_after: Cell<Option<Duration>>,
    log: RefCell<Vec<String>>,
    lasting: Cell<Option<Lasting>>,
}

/// One run of a plan.
struct Engine<'a, P, J, C, R> {
    plan: &'a Plan,
    /// The state that the plan was made from.
    prior: &'a Prior,
    context: Context<'a, P, J, C, R>,
    /// Who waits for capacity, and since when.
    waits: &'a Waits,
    ledger: Ledger<'a, J, C>,
    pods: Lookout<PodId>,
    volumes: Lookout<VolumeId>,
    secrets: Lookout<SecretId>,
    registries: Lookout<RegistryId>,
    /// Why nothing more is sent.
    stopped: RefCell<Option<StoppedBy>>,
    /// Clouds in which the key may not create.
    forbidden: RefCell<BTreeSet<Cloud>>,
    random: RefCell<fastrand::Rng>,
    on_wire: Cell<usize>,
    wire: Wire,
    /// Held by the one that asks for the provider's time, which serves all that need it.
    asking: Mutex<()>,
    /// Actions that do nothing more but look, until the schedule is told.
    watching: RefCell<Vec<ActionId>>,
    /// Creates whose fate is unknown, and when it is certain at the latest.
    searching: RefCell<BTreeMap<Address, Instant>>,
}

/// How many requests go out at once, where more actions run than that.
///
/// A journal that takes long makes its intents ahead and notes its answers behind, and neither may keep a request from
/// going out.
struct Wire(Option<Semaphore>);

impl Wire {
    fn of(settings: &Settings) -> Self {
        Self((settings.ahead > 0).then(|| Semaphore::new(settings.parallelism.max(1))))
    }

    /// Waits until one more request may go out, which is told by what is returned until that is dropped.
    async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.0.as_ref()?.acquire().await.ok()
    }
}

/// Actions on their way. Only those are polled that were told something: a thousand that wait for their pods must not be
/// asked about each answer to another one.
type Crew<'r> = FuturesUnordered<Named<'r>>;

/// An action, and how it ended.
type Named<'r> = LocalBoxFuture<'r, (ActionId, Result<Ended, Panic>)>;

/// What an action said when it panicked.
type Panic = Box<dyn Any + Send>;

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    fn new(approved: &'a ApprovedPlan, prior: &'a Prior, context: Context<'a, P, J, C, R>) -> Self {
        let ledger = Ledger::new(context.journal, context.clock, &context.run.id, prior);
        let random = RefCell::new(fastrand::Rng::with_seed(context.settings.seed));
        let wire = Wire::of(&context.settings);
        Self {
            plan: approved.plan(),
            prior,
            context,
            waits: approved.waits(),
            ledger,
            pods: Lookout::default(),
            volumes: Lookout::default(),
            secrets: Lookout::default(),
            registries: Lookout::default(),
            stopped: RefCell::default(),
            forbidden: RefCell::default(),
            random,
            on_wire: Cell::default(),
            wire,
            asking: Mutex::default(),
            watching: RefCell::default(),
            searching: RefCell::default(),
        }
    }

    async fn run(&self) -> Outcome {
        let Settings { parallelism, ahead, .. } = self.context.settings;
        let mut schedule = Schedule::new(self.plan, parallelism + ahead);
        let mut running = Crew::new();
        let mut outcome = Outcome::default();
        let mut skipped = Vec::new();
        loop {
            if let Some(why) = self.why_stopped() {
                skipped.extend(schedule.stop(&why));
            }
            for id in schedule.ready() {
                schedule.begin(&id);
                running.push(named(id.clone(), self.act(id)));
            }
            if running.is_empty() {
                break;
            }
            let ended = self.next_turn(&mut running).await;
            for id in self.watching.take() {
                schedule.watch(&id);
            }
            for (id, ended) in ended {
                match ended.result {
                    EndResult::Done => schedule.done(&id),
                    // What depends on it waits with it: it is neither told nor noted as left out.
                    EndResult::NoCapacity(_) => {
                        let waiting = schedule.not_done(&id).into_iter();
                        let waiting = waiting.map(|(id, why)| (id, self::ended(EndResult::Skipped(why))));
                        outcome.actions.extend(waiting);
                    }
                    EndResult::Failed(_)
                    | EndResult::Waiting(_)
                    | EndResult::Skipped(_)
                    | EndResult::Unknown(_) => {
                        skipped.extend(schedule.not_done(&id));
                    }
                }
                outcome.actions.insert(id, ended);
            }
        }
        skipped.extend(schedule.stop("its order has no beginning"));
        self.skip(skipped, &mut outcome).await;
        outcome
    }

    /// Runs one action and notes how it ended. What success changes in the records is committed with it, so that neither
    /// is known without the other.
    async fn act(&self, id: ActionId) -> Ended {
        let Some(action) = self.plan.actions.get(&id) else {
            return ended(EndResult::Failed("it is not in the plan".to_owned()));
        };
        self.tell(Notice::Began(id.clone()));
        // What it refers to is there by now, made by this run or before it.
        let action = match action.filled(|pod| self.pod_id(pod)) {
            Ok(action) => action,
            Err(unknown) => {
                return ended(EndResult::Failed(format!(
                    "it refers to `{unknown}`, of which no id is known"
                )));
            }
        };
        let act = Act {
            id: &id,
            action: &action,
            attempt: Cell::new(0),
            refused: RefCell::default(),
            given_up: RefCell::default(),
            replaced: Cell::default(),
            object: RefCell::default(),
            began: self.begin(),
            ready_after: Cell::default(),
            log: RefCell::default(),
            lasting: Cell::default(),
        };
        let result = match self.see_to(&act).await {
            Ok(()) => EndResult::Done,
            Err(Halt::NoCapacity(why)) if self.waits.patience(action.operation.patience()).is_none() => {
                self.halt(&id, Halt::Failed(why)).await
            }
            Err(halt) => self.halt(&id, halt).await,
        };
        Ended {
            result,
            id: act.object.into_inner(),
            attempts: act.refused.into_inner(),
            given_up: act.given_up.into_inner(),
            replaced: act.replaced.into_inner(),
            ready_after: act.ready_after.into_inner(),
            log: act.log.into_inner(),
            lasting: act.lasting.into_inner(),
        }
    }

    /// Performs an action, waits until its pod is ready and commits that it is done.
    async fn see_to(&self, act: &Act<'_>) -> Result<(), Halt> {
        let mut changes = self.perform(act).await?;
        let mut events = Vec::new();
        if matches!(act.action.operation, Operation::AwaitPod { .. }) {
            // Nothing is on its way, so nothing is left open if the wait is cut short.
            events.extend([intended(), Event::Started, Event::Accepted { id: None }]);
        } else if act.action.ready.is_some() && !changes.is_empty() {
            // What was done is on record whether its pod becomes ready or not.
            self.ledger.commit(act.id, Vec::new(), std::mem::take(&mut changes)).await?;
        }
        if let Some(ready) = &act.action.ready {
            self.await_ready(act, ready).await?;
        }
        events.push(Event::Succeeded);
        let events = events.into_iter().map(|event| (self.ledger.now(), event)).collect();
        self.ledger.commit(act.id, events, changes).await.map(|_| ())
    }

    /// Waits until an action ended or does nothing more but look, tells of those that ended and returns them.
    ///
    /// One that panics takes no other one with it: their requests come to an end, and nothing more is begun.
    async fn next_turn(&self, running: &mut Crew<'_>) -> Vec<(ActionId, Ended)> {
        let turn = poll_fn(|task| {
            let mut turn = Vec::new();
            while let Poll::Ready(Some(one)) = running.poll_next_unpin(task) {
                turn.push(one);
            }
            let is_news = !turn.is_empty() || !self.watching.borrow().is_empty();
            if is_news { Poll::Ready(turn) } else { Poll::Pending }
        });
        let told = turn.await.into_iter().map(|(id, result)| {
            let ended = result.unwrap_or_else(|panic| {
                let why = words(&*panic);
                self.stop(StoppedBy::Bug(why.clone()));
                let halt = Halt::Panicked(format!("panicked: {why}"));
                ended(ending(&self.ledger.status(&id), halt).1)
            });
            self.tell(Notice::Ended { action: id.clone(), ended: ended.clone() });
            (id, ended)
        });
        told.collect()
    }

    /// Does what the plan says and returns what success changes in the records.
    async fn perform(&self, act: &Act<'_>) -> Result<Vec<RecordChange>, Halt> {
        self.permit_record(act).await?;
        match &act.action.operation {
            Operation::Local => self.record_only(act).await,
            Operation::CreateSecret { name, mark, value, token } => {
                self.create_secret(act, (name, mark), value, token).await
            }
            Operation::SetSecret { id, value, set_at } => self.set_secret(act, id, value, *set_at).await,
            Operation::DeleteSecret { id } => self.delete_secret(act, id).await,
            Operation::CreateRegistry { name, credentials, token } => {
                self.create_registry(act, name, credentials, token).await
            }
            Operation::DeleteRegistries { ids } => self.delete_registries(act, ids).await,
            Operation::CreateVolume { name, config, token } => {
                self.create_volume(act, name, config, token).await
            }
            Operation::GrowVolume { id, size } => self.grow_volume(act, id, *size).await,
            Operation::DeleteVolume { id } => self.delete_volume(act, id).await,
            Operation::CreatePod(creation) => self.create_pod(act, creation).await,
            Operation::UpdatePod { id, patch, disruption } => {
                self.update_pod(act, id, patch, *disruption).await
            }
            Operation::StartPod { id, compute, bid, on_stuck } => {
                self.start_pod(act, id, (compute.as_ref(), *bid), on_stuck).await
            }
            Operation::StopPod { id } => self.stop_pod(act, id).await,
            Operation::AwaitJob { until } => self.await_job(act, *until).await,
            Operation::DeletePods { ids } => self.delete_pods(act, ids).await,
            Operation::AwaitPod { id } => {
                self.go_on()?;
                act.object.replace(Some(id.remote()));
                if act.action.ready.is_none() {
                    self.await_running(act, id).await?;
                }
                Ok(Vec::new())
            }
        }
    }

    async fn halt(&self, id: &ActionId, halt: Halt) -> EndResult {
        let (event, result) = ending(&self.ledger.status(id), halt);
        let Some(event) = event else { return result };
        match self.ledger.commit(id, vec![(self.ledger.now(), event)], Vec::new()).await {
            Ok(_) => result,
            Err(halt) => ending(&self.ledger.status(id), halt).1,
        }
    }

    /// Notes in one commit what was not begun.
    async fn skip(&self, skipped: Vec<(ActionId, String)>, outcome: &mut Outcome) {
        let mut noting = Crew::new();
        for (id, why) in skipped {
            let action = id.clone();
            let note = async move {
                let event = (self.ledger.now(), Event::Skipped { why: why.clone() });
                // A journal that cannot be written is told with the whole run.
                let _ = self.ledger.commit(&action, vec![event], Vec::new()).await;
                ended(EndResult::Skipped(why))
            };
            noting.push(named(id, note));
        }
        while !noting.is_empty() {
            outcome.actions.extend(self.next_turn(&mut noting).await);
        }
    }

    /// Tells a person that a signal was understood.
    async fn tell_interrupt(&self) -> Infallible {
        interrupted(&self.context.interrupt, Interrupt::First).await;
        self.tell(Notice::Interrupted { in_flight: self.on_wire.get() });
        std::future::pending().await
    }

    fn tell(&self, notice: Notice) {
        self.context.reporter.notice(notice);
    }

    fn stop(&self, by: StoppedBy) {
        self.stopped.borrow_mut().get_or_insert(by);
    }

    fn why_stopped(&self) -> Option<String> {
        if self.ledger.broken().is_some() {
            return Some("the journal cannot be written".to_owned());
        }
        if let Some(by) = &*self.stopped.borrow() {
            return Some(match by {
                StoppedBy::Interrupt => "interrupted".to_owned(),
                StoppedBy::NoFunds => "the account has no money left".to_owned(),
                StoppedBy::KeyRefused(_) => "the key was refused".to_owned(),
                StoppedBy::ApiUnusable(_) => "the API cannot be used".to_owned(),
                StoppedBy::Journal(_) => "the journal cannot be written".to_owned(),
                StoppedBy::Bug(_) => "another action met a bug in podform".to_owned(),
            });
        }
        (*self.context.interrupt.borrow() >= Interrupt::First).then(|| "interrupted".to_owned())
    }

    /// Refuses to send anything once the run stops.
    fn go_on(&self) -> Result<(), Halt> {
        match self.why_stopped() {
            None => Ok(()),
            Some(_) if self.ledger.broken().is_some() => Err(Halt::JournalBroken),
            Some(why) => Err(Halt::CutShort(why)),
        }
    }
}

impl Act<'_> {
    fn next_attempt(&self) -> u32 {
        let attempt = self.attempt.get();
        self.attempt.set(attempt + 1);
        attempt
    }
}

/// Closes the run and says what ended it.
async fn finish<P, J, C, R>(engine: &Engine<'_, P, J, C, R>, mut outcome: Outcome) -> Outcome
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    let interrupted = *engine.context.interrupt.borrow() >= Interrupt::First && !outcome.is_complete();
    outcome.stopped_by = match (engine.ledger.broken(), engine.stopped.borrow().clone()) {
        (Some(why), _) => Some(StoppedBy::Journal(why)),
        (None, Some(by)) => Some(by),
        (None, None) => interrupted.then_some(StoppedBy::Interrupt),
    };
    let done = outcome.actions.values().filter(|ended| ended.result == EndResult::Done).count();
    let waiting = outcome.actions.values().filter(|ended| matches!(ended.result, EndResult::NoCapacity(_)));
    let waiting = match waiting.count() {
        0 => String::new(),
        waiting => format!(", {waiting} waiting for capacity"),
    };
    let summary = format!("{done} of {} actions done{waiting}", outcome.actions.len());
    let Context { journal, clock, run, .. } = &engine.context;
    if let Err(error) = journal.finish(&run.id, clock.now(), &summary).await {
        outcome.stopped_by.get_or_insert(StoppedBy::Journal(error.to_string()));
    }
    outcome
}

fn not_begun(plan: &Plan, by: StoppedBy) -> Outcome {
    let why = "the journal cannot be written".to_owned();
    let skipped = |id: &ActionId| (id.clone(), ended(EndResult::Skipped(why.clone())));
    Outcome { actions: plan.actions.keys().map(skipped).collect(), stopped_by: Some(by) }
}

fn ended(result: EndResult) -> Ended {
    Ended::new(result)
}

/// Returns the intent of an action that sends nothing.
fn intended() -> Event {
    Event::Intended { attempt: 0, token: None, asked: None, server_time: None }
}

/// Waits until a signal of this strength came; for ever if none can come any more.
async fn interrupted(interrupt: &watch::Receiver<Interrupt>, level: Interrupt) {
    if interrupt.clone().wait_for(|now| *now >= level).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Adds the id of its action to a future, so that one that panics can be named.
///
/// What an action shares with others it changes between two waits, never across one, and one that panicked is not
/// polled again.
fn named<'r>(id: ActionId, action: impl Future<Output = Ended> + 'r) -> Named<'r> {
    AssertUnwindSafe(action).catch_unwind().map(|ended| (id, ended)).boxed_local()
}

/// Returns what a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    said.unwrap_or("without a word").to_owned()
}
