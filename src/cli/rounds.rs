//! What a run does under the lock, once or several times: what found nothing free is tried again after a while, and
//! meanwhile others may have the lock.
//!
//! Between two rounds nothing of the run is open in the journal, so whoever is killed then leaves nothing to find out. Each
//! round settles, looks and plans as the first one did; only what is left of the approved plan is done, and if something
//! else is needed now, the run ends. When to try again and when to give up is decided in [`crate::apply::waiting`].

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::clock::{AccountClock, HostClock};
use super::execution::{Execution, Prepared, Teller};
use super::exit::{self, Exit};
use super::failure::Failure;
use super::flags::RunArgs;
use super::place::HeldState;
use super::progress::Progress;
use super::recording::give_back;
use super::running::{guarded, running_pods};
use super::session::Session;
use super::signals::{Guarded, Signals};
use crate::apply::waiting::{Pause, Told, Waiting};
use crate::apply::{self, Context, Interrupt, Limited, Reporter};
use crate::model::address::Address;
use crate::model::clock::Clock;
use crate::model::outcome::{EndResult, Outcome, StoppedBy};
use crate::model::plan::{ActionId, ApprovedPlan, Plan, Reason};
use crate::model::prior::{Prior, ProviderKind};
use crate::model::progress::Notice;
use crate::plan::{self, Again, Options, Rotation, made_elsewhere, outdated};
use crate::provider::runpod::Runpod;
use crate::provider::{Certainty, Observe, ServerTime};
use crate::render::outcome::Remaining;
use crate::state::place::{Held, Place};
use crate::state::{Run, Store};

/// How one round ended.
enum Round {
    /// The run is over.
    Over(Exit),
    /// Something of what was approved waits for capacity.
    Waits(Box<ApprovedPlan>),
}

/// What all rounds of a run have in common.
struct Rounds<'a> {
    execution: &'a Execution<'a>,
    session: &'a Session<'a>,
    teller: &'a Teller<'a>,
    progress: &'a Progress<'a>,
    waiting: Waiting,
    /// What was said to be left to the next apply.
    left: BTreeSet<ActionId>,
    began: Instant,
}

impl Execution<'_> {
    /// Runs what `prepare` comes to, and goes on with what found nothing free for as long as it may wait.
    ///
    /// # Errors
    /// Nothing was begun, or nothing more after a wait.
    pub(super) async fn in_rounds(
        &self,
        session: &Session<'_>,
        teller: &Teller<'_>,
        prepare: impl AsyncFnOnce(&Port<'_>, Prior) -> Result<Prepared, Failure>,
    ) -> Result<Exit, Failure> {
        let mut signals = self.shell.signals.give();
        let progress = teller.progress();
        let waiting = Waiting::new(self.wait_capacity);
        let began = Instant::now();
        let mut rounds = Rounds {
            execution: self,
            session,
            teller,
            progress: &progress,
            waiting,
            left: BTreeSet::new(),
            began,
        };
        let patience = self.run.lock.patience();
        if !patience.is_zero() {
            self.shell.output.detail(&format!("waiting for the lock, at most {patience:?}"));
        }
        let first = async |_: &mut Rounds<'_>, port: &Port<'_>, prior| prepare(port, prior).await;
        match rounds.round(&mut signals, patience, None, first).await? {
            Round::Over(exit) => Ok(exit),
            Round::Waits(approved) => rounds.wait(&mut signals, &approved).await,
        }
    }
}

impl Rounds<'_> {
    /// Tries again until nothing waits any more.
    async fn wait(&mut self, signals: &mut Signals, approved: &ApprovedPlan) -> Result<Exit, Failure> {
        loop {
            let Some(Pause { addresses, next, left }) = self.waiting.next(self.told()) else {
                let remaining = Remaining::default();
                return Ok(self.tell_outcome(approved.plan(), None, &remaining));
            };
            self.progress.notice(Notice::CapacityWait { addresses, next, left });
            let speed = self.session.account.speed();
            let pause = before_anything(signals, self.session.account.clock.pause(speed.here(next))).await;
            let tried = match pause {
                Ok(()) => {
                    let again = async |rounds: &mut Self, port: &Port<'_>, prior| {
                        rounds.prepare(port, prior, approved).await
                    };
                    // Who has the lock now may have it for a while, and the wait is not over before its time.
                    let patience = speed.here(left).max(self.execution.run.lock.patience());
                    Box::pin(self.round(signals, patience, Some(approved), again)).await
                }
                Err(interrupted) => Err(interrupted),
            };
            match tried {
                Ok(Round::Over(exit)) => return Ok(exit),
                Ok(Round::Waits(_)) => {}
                Err(failure) if passes(&failure) && self.waiting.postpone(self.told()) => {
                    let output = &self.execution.shell.output;
                    output.note(&format!("warning: this try came to nothing: {}", said(&failure)));
                }
                Err(failure) => return self.cut_off(approved.plan(), failure),
            }
        }
    }

    /// Takes the lock, does what `prepare` comes to, and gives the lock back.
    async fn round(
        &mut self,
        signals: &mut Signals,
        patience: Duration,
        approved: Option<&ApprovedPlan>,
        prepare: impl AsyncFnOnce(&mut Self, &Port<'_>, Prior) -> Result<Prepared, Failure>,
    ) -> Result<Round, Failure> {
        let Self { execution, session, progress, .. } = *self;
        let holder = execution.shell.env.holder(execution.command);
        let locked = session.state.lock(&holder, &HostClock, patience);
        let locked = before_anything(signals, locked).await??;
        let port = Limited::new(session.account.writer(), progress, session.account.names.seed());
        let (sender, interrupt) = watch::channel(Interrupt::None);
        let engine = Engine { execution, session, locked: &locked, port: &port, progress, interrupt };
        let work = async {
            // Settling may terminate duplicates, so it is told of a signal and not dropped.
            let prior = told(signals, &sender, engine.settled()).await?;
            if *sender.borrow() != Interrupt::None {
                return Err(Failure::Interrupted);
            }
            let (now, prior) = match before_anything(signals, prepare(self, &port, prior)).await?? {
                Prepared::Nothing(exit) => return Ok(Round::Over(exit)),
                Prepared::Approved(now, prior) => (now, prior),
            };
            let waits = self.waiting.begin(self.told());
            let now = now.waiting(waits);
            let approved = approved.unwrap_or(&now);
            if !now.plan().actions.is_empty() {
                let outcome = told(signals, &sender, engine.execute(&now, &prior)).await;
                let at = self.told();
                self.waiting.take(approved.plan(), now.plan(), outcome, at);
            }
            if self.waiting.next(self.told()).is_some() {
                return Ok(Round::Waits(Box::new(now)));
            }
            let remaining = before_anything(signals, engine.remaining(self.waiting.outcome())).await;
            let remaining = remaining.unwrap_or_default();
            Ok(Round::Over(self.tell_outcome(approved.plan(), None, &remaining)))
        };
        let round = renewing(&locked, work).await;
        give_back(execution.shell, locked).await;
        round
    }

    /// Ends a run that cannot go on. Earlier rounds have done things, so how they ended is told, and the code is that of a run
    /// which came so far.
    fn cut_off(&self, plan: &Plan, failure: Failure) -> Result<Exit, Failure> {
        if matches!(failure, Failure::Interrupted) {
            return Ok(self.tell_outcome(plan, Some(StoppedBy::Interrupt), &Remaining::default()));
        }
        let told = self.tell_outcome(plan, None, &Remaining::default());
        let has_acted = self.waiting.outcome().actions.values().any(|ended| match ended.result {
            EndResult::Done | EndResult::Unknown(_) => true,
            EndResult::Failed(_)
            | EndResult::Waiting(_)
            | EndResult::NoCapacity(_)
            | EndResult::Skipped(_) => false,
        });
        if has_acted && failure.exit() == exit::API && told == exit::INCOMPLETE {
            return Err(Failure::CutOff { source: Box::new(failure) });
        }
        Err(failure)
    }

    /// Shows how everything ended, and returns the code that says it.
    fn tell_outcome(&self, plan: &Plan, by: Option<StoppedBy>, remaining: &Remaining) -> Exit {
        let mut outcome = self.waiting.so_far(self.told());
        outcome.stopped_by = outcome.stopped_by.or(by);
        self.teller.outcome(plan, &outcome, remaining);
        // What is there twice, or has an address of a pod that is gone, is no more as wanted than what was held.
        Exit::of_apply(&outcome, plan.held.len() + remaining.made_elsewhere.len() + remaining.outdated.len())
    }

    /// Plans anew after a wait, and returns what of that goes on with what was approved.
    async fn prepare(
        &mut self,
        port: &Port<'_>,
        prior: Prior,
        approved: &ApprovedPlan,
    ) -> Result<Prepared, Failure> {
        let plan = approved.plan();
        let options = Options {
            tokens_used: self.waiting.tokens_used().clone(),
            ..left_of(&self.execution.options, plan, self.waiting.outcome())
        };
        let nonce = Some(plan.basis.nonce.clone());
        let now = self.session.plan(port, &prior, &options, nonce).await?;
        let moved = |reasons: Vec<String>| Failure::MovedWhileWaiting { reasons: reasons.join("; ") };
        let due = self.waiting.due(self.told());
        let Again { plan: part, not_needed, put_off, left } =
            plan::again(plan, self.waiting.outcome(), &due, &now).map_err(moved)?;
        self.ensure_price(plan, &part)?;
        self.say_left(left);
        for id in put_off {
            let output = &self.execution.shell.output;
            output.note(&format!("warning: `{id}` cannot be tried now; `podform plan` says why"));
            self.waiting.put_off(&id, self.told());
        }
        for id in not_needed {
            self.progress.notice(Notice::NotNeeded(id.clone()));
            self.waiting.not_needed(&id);
        }
        Ok(Prepared::Approved(Box::new(ApprovedPlan::new(part, approved.approval())), prior))
    }

    /// Says once what others made necessary meanwhile, as this run does nothing about it.
    fn say_left(&mut self, left: BTreeSet<ActionId>) {
        let fresh: Vec<String> = left.difference(&self.left).map(|id| format!("`{id}`")).collect();
        if !fresh.is_empty() {
            let fresh = fresh.join(", ");
            let note = format!("note: needed by now and not approved, so left to the next apply: {fresh}");
            self.execution.shell.output.note(&note);
        }
        self.left.extend(left);
    }

    /// Makes sure that what is left costs no more than it did when it was approved.
    fn ensure_price(&self, approved: &Plan, part: &Plan) -> Result<(), Failure> {
        let tolerance = self.execution.run.price_tolerance.unwrap_or_default();
        let dearer = part.at_most.iter().filter(|(address, now)| {
            let then = approved.at_most.get(*address).copied().unwrap_or_default().total();
            let now = now.total();
            let is_cheaper = now.known <= then.known && now.unknown_parts <= then.unknown_parts;
            !is_cheaper && !tolerance.admits(then, now)
        });
        let reasons: Vec<String> = dearer
            .map(|(address, _)| format!("`{address}` has become dearer than what was approved"))
            .collect();
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(Failure::MovedWhileWaiting { reasons: reasons.join("; ") })
        }
    }

    fn told(&self) -> Told {
        let account = &self.session.account;
        let speed = account.speed();
        let there = match self.session.loaded.settings.kind {
            ProviderKind::Runpod => {
                let told = account.reader().server_time();
                told.map(|told| ServerTime { ago: speed.there(told.ago), ..told }.now())
            }
            ProviderKind::Simulator => Some(account.clock.now()),
        };
        Told { there, ran: speed.there(self.began.elapsed()) }
    }
}

/// Returns the options of a run without what it was asked for once and has done.
fn left_of(options: &Options, approved: &Plan, outcome: &Outcome) -> Options {
    let open = |reason: &Reason| -> BTreeSet<Address> {
        let asked = approved.actions.iter().filter(|(_, action)| action.reason == *reason);
        let is_done = |id: &_| outcome.actions.get(id).is_some_and(|ended| ended.result == EndResult::Done);
        asked.filter(|(id, _)| !is_done(id)).map(|(id, _)| id.address.clone()).collect()
    };
    Options {
        replace: if options.replace.is_empty() { BTreeSet::new() } else { open(&Reason::Requested) },
        rotate: match options.rotate.is_empty() {
            true => BTreeSet::new(),
            false => open(&Reason::RotateRequested).into_iter().map(Rotation::At).collect(),
        },
        ..options.clone()
    }
}

/// Tells whether a try came to nothing for a reason that may be gone at the next one.
fn passes(failure: &Failure) -> bool {
    match failure {
        Failure::Provider { source } => match source.certainty {
            Certainty::Throttled { .. } | Certainty::NotDone | Certainty::Unknown => true,
            Certainty::Rejected(_) => false,
        },
        _ => false,
    }
}

/// Says a failure with its causes in one line.
fn said(failure: &Failure) -> String {
    let causes = std::iter::successors(Some(failure as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Runs something that may be dropped at the first signal, as it begins nothing.
async fn before_anything<T>(signals: &mut Signals, future: impl Future<Output = T>) -> Result<T, Failure> {
    match signals.until_first(future).await {
        Guarded::Finished(value) => Ok(value),
        Guarded::Interrupted => Err(Failure::Interrupted),
    }
}

/// Runs an apply to its end and tells it of each signal; it decides itself what that means.
async fn told<T>(
    signals: &mut Signals,
    sender: &watch::Sender<Interrupt>,
    future: impl Future<Output = T>,
) -> T {
    let mut future = std::pin::pin!(future);
    for interrupt in [Interrupt::First, Interrupt::Second] {
        match signals.until_first(&mut future).await {
            Guarded::Finished(value) => return value,
            Guarded::Interrupted => drop(sender.send(interrupt)),
        }
    }
    future.await
}

/// Renews the lease beside the work. If that fails, the work goes on: its next commit tells what is wrong, and
/// dropping it here would leave a request without its end in the journal.
async fn renewing<T>(locked: &HeldState, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => done,
        _lost = locked.keep(&HostClock) => work.await,
    }
}

/// The account with its quota obeyed.
pub type Port<'a> = Limited<'a, Runpod, Progress<'a>>;

/// What a locked run works with.
struct Engine<'a> {
    execution: &'a Execution<'a>,
    session: &'a Session<'a>,
    locked: &'a HeldState,
    port: &'a Port<'a>,
    progress: &'a Progress<'a>,
    interrupt: watch::Receiver<Interrupt>,
}

impl Engine<'_> {
    fn context<'c>(&'c self, run: &'c Run) -> Context<'c, Runpod, HeldState, AccountClock, Progress<'c>> {
        let RunArgs { parallelism, wait_timeout, job_timeout, .. } = self.execution.run;
        Context {
            provider: self.port,
            pods: self.session.account.pods(),
            journal: self.locked,
            clock: &self.session.account.clock,
            reporter: self.progress,
            project: &self.session.loaded.settings.project,
            secrets: &self.session.secrets,
            run,
            settings: apply::Settings {
                parallelism: usize::from(*parallelism),
                ahead: self.session.state.ahead(usize::from(*parallelism)),
                wait_timeout: wait_timeout.duration(),
                job_timeout: job_timeout.duration(),
                ..self.session.pace()
            },
            interrupt: self.interrupt.clone(),
        }
    }

    /// Finds out what became of actions that an earlier run left open, and returns the state after that.
    async fn settled(&self) -> Result<Prior, Failure> {
        let prior = self.locked.load().await?;
        if prior.open.is_empty() {
            return Ok(prior);
        }
        let run = self.session.new_run(self.execution.command, String::new());
        apply::settle(&prior, self.context(&run)).await?;
        Ok(self.locked.load().await?)
    }

    async fn execute(&self, approved: &ApprovedPlan, prior: &Prior) -> Outcome {
        let run = self.session.approved_run(self.execution.command, approved);
        apply::execute(approved, prior, self.context(&run)).await
    }

    /// Returns what runs after an apply. It is over by then, so if the state or the account cannot be read any more,
    /// or somebody is in a hurry, only the list of pods is missing.
    async fn remaining(&self, outcome: &Outcome) -> Remaining {
        if outcome.stopped_by == Some(StoppedBy::Interrupt) {
            return Remaining::default();
        }
        let Ok(prior) = self.locked.load().await else { return Remaining::default() };
        let live = self.session.look(self.port, &prior).await;
        let desired = &self.session.loaded.desired;
        let outdated = outdated(desired, &prior, &outcome.made_anew());
        let Ok(live) = live else { return Remaining { outdated, ..Remaining::default() } };
        Remaining {
            running: running_pods(&prior, &live),
            guarded: guarded(&prior, &live),
            made_elsewhere: made_elsewhere(desired, &prior, &live),
            outdated,
        }
    }
}
