//! The way from a plan to its end, the same for `apply` and `destroy`: lock, recover, plan, show, approve, execute.
//!
//! Up to the approval the first signal ends the command, as nothing was begun. From there on the first one lets what
//! is on the wire come to its end, and the second gives it up; the journal knows either way.

use tokio::sync::watch;

use super::approval::Approver;
use super::clock::{AccountClock, HostClock};
use super::descent;
use super::events::Events;
use super::exit::{self, Exit};
use super::failure::Failure;
use super::flags::RunArgs;
use super::place::HeldState;
use super::progress::Progress;
use super::recording::give_back;
use super::running::{guarded, running_pods};
use super::saved;
use super::secrets::sent_by;
use super::session::Session;
use super::shell::Shell;
use super::show;
use super::signals::{Guarded, Signals};
use crate::apply::{self, Context, Interrupt, Limited};
use crate::model::commit::CommitId;
use crate::model::id::Lineage;
use crate::model::outcome::{Outcome, StoppedBy};
use crate::model::plan::{Approval, ApprovedPlan, Endpoint, Plan, Planned};
use crate::model::prior::{Binding, Prior};
use crate::plan::{Options, made_elsewhere};
use crate::provider::runpod::Runpod;
use crate::render::Format;
use crate::render::outcome::{Remaining, write_outcome};
use crate::spec::Loaded;
use crate::state::place::{Held, Place};
use crate::state::{Run, Store};

/// One run of `apply` or `destroy`.
pub struct Execution<'a> {
    pub shell: &'a Shell,
    /// The command, for the journal.
    pub command: &'static str,
    pub question: &'static str,
    pub options: Options,
    pub run: &'a RunArgs,
}

/// What a run comes to before anything is begun.
enum Prepared {
    /// Nothing is to be done, or nothing may be done.
    Nothing(Exit),
    /// This may run, from this state.
    Approved(Box<ApprovedPlan>, Prior),
}

impl Execution<'_> {
    /// Plans, gets the approval and executes.
    ///
    /// # Errors
    /// Nothing was begun.
    pub async fn go(&self, loaded: Loaded, approver: &Approver) -> Result<Exit, Failure> {
        let session = self.session(loaded, None).await?;
        let teller = self.teller(&session);
        self.under_lock(&session, &teller, async |port, prior| {
            let planned = session.plan(port, &prior, &self.options, None).await?;
            // Why nothing may be done is shown even to who wants to hear nothing.
            if *approver == Approver::Person || !self.shell.global.quiet || planned.is_blocked() {
                teller.plan(&planned);
            }
            let output = &self.shell.output;
            let approve = async |plan| approver.approve(plan, self.question, output).await;
            self.prepared(&session, planned, prior, approve).await
        })
        .await
    }

    /// Plans what a saved plan was made for, checks that it is what the saved plan says, and executes it. Never the
    /// saved one: a file is no authority for what is done to the account.
    ///
    /// # Errors
    /// Nothing was begun; the plan is stale, among others.
    pub async fn go_saved(&self, loaded: Loaded, saved: &Planned) -> Result<Exit, Failure> {
        let basis = &saved.plan().basis;
        let session = self.session(loaded, Some(basis.lineage.clone())).await?;
        let Binding { project, .. } = &session.account.binding;
        saved::ensure_same_account(basis, project, &Endpoint::from(&session.account.binding))?;
        let teller = self.teller(&session);
        self.under_lock(&session, &teller, async |port, prior| {
            saved::ensure_unused(&session.state.runs().await?, &basis.nonce)?;
            let nonce = Some(basis.nonce.clone());
            let planned = session.plan(port, &prior, &self.options, nonce).await?;
            let tolerance = self.run.price_tolerance.unwrap_or_default();
            let planned = saved::agreed(saved, planned, &prior, tolerance).map_err(|moved| {
                teller.difference(saved, &moved.now);
                Failure::StalePlan { reasons: moved.reasons.join("; ") }
            })?;
            if !self.shell.global.quiet || planned.is_blocked() {
                teller.plan(&planned);
            }
            let approve = async |plan| Ok(ApprovedPlan::new(plan, Approval::SavedPlan));
            self.prepared(&session, planned, prior, approve).await
        })
        .await
    }

    async fn session(&self, loaded: Loaded, lineage: Option<Lineage>) -> Result<Session<'_>, Failure> {
        let mut session = Session::open(self.shell, loaded, lineage).await?;
        if !self.options.destroy {
            session.read_templates().await;
        }
        Ok(session)
    }

    async fn under_lock(
        &self,
        session: &Session<'_>,
        teller: &Teller<'_>,
        prepare: impl AsyncFnOnce(&Port<'_>, Prior) -> Result<Prepared, Failure>,
    ) -> Result<Exit, Failure> {
        let mut signals = self.shell.signals.give();
        let holder = self.shell.env.holder(self.command);
        let patience = self.run.lock.patience();
        if !patience.is_zero() {
            self.shell.output.detail(&format!("waiting for the lock, at most {patience:?}"));
        }
        let locked = session.state.lock(&holder, &HostClock, patience);
        let locked = before_anything(&mut signals, locked).await??;
        let progress = teller.progress();
        let port = Limited::new(session.account.writer(), &progress, session.account.names.seed());
        let (sender, interrupt) = watch::channel(Interrupt::None);
        let engine =
            Engine { execution: self, session, locked: &locked, port: &port, progress: &progress, interrupt };
        let work = async {
            // Settling may terminate duplicates, so it is told of a signal and not dropped.
            let prior = told(&mut signals, &sender, engine.settled()).await?;
            if *sender.borrow() != Interrupt::None {
                return Err(Failure::Interrupted);
            }
            match before_anything(&mut signals, prepare(&port, prior)).await?? {
                Prepared::Nothing(exit) => Ok(exit),
                Prepared::Approved(approved, prior) => {
                    let outcome = told(&mut signals, &sender, engine.execute(&approved, &prior)).await;
                    let remaining = before_anything(&mut signals, engine.remaining(&outcome)).await;
                    let remaining = remaining.unwrap_or_default();
                    teller.outcome(approved.plan(), &outcome, &remaining);
                    // What is there twice is no more as wanted than what was held.
                    let left = approved.plan().held.len() + remaining.made_elsewhere.len();
                    Ok(Exit::of_apply(&outcome, left))
                }
            }
        };
        let exit = renewing(&locked, work).await;
        give_back(self.shell, locked).await;
        exit
    }

    /// Gets the approval for a plan that has changes and what it needs for them.
    async fn prepared(
        &self,
        session: &Session<'_>,
        planned: Planned,
        prior: Prior,
        approve: impl AsyncFnOnce(Plan) -> Result<ApprovedPlan, Failure>,
    ) -> Result<Prepared, Failure> {
        match planned {
            Planned::NoChanges(_) => Ok(Prepared::Nothing(exit::DONE)),
            Planned::Blocked { .. } => Ok(Prepared::Nothing(exit::BLOCKED)),
            Planned::Changes(plan) => {
                self.ensure_commit(session).await?;
                ensure_secrets(&plan, session)?;
                Ok(Prepared::Approved(Box::new(approve(plan).await?), prior))
            }
        }
    }

    /// Makes sure that continuous integration does not go back behind what was applied.
    async fn ensure_commit(&self, session: &Session<'_>) -> Result<(), Failure> {
        let env = &self.shell.env;
        let Some(commit) = env.source().commit else { return Ok(()) };
        let commit = commit.parse::<CommitId>().map_err(|source| Failure::NoCommit { commit, source })?;
        if self.run.accept_commit {
            return Ok(());
        }
        let runs = session.state.runs().await?;
        descent::ensure_later(saved::last_commit(&runs), &commit, env.path())
    }

    /// Chooses who is told, and begins to tell.
    fn teller<'s>(&'s self, session: &'s Session<'s>) -> Teller<'s> {
        if self.run.json {
            Teller::Program(Events::begin(&self.shell.output, &session.account.clock))
        } else {
            Teller::Person(session)
        }
    }
}

/// Who reads how it goes.
enum Teller<'a> {
    /// A person, on standard output and, while it goes on, on standard error.
    Person(&'a Session<'a>),
    /// A program, on standard output.
    Program(Events<'a>),
}

impl Teller<'_> {
    fn plan(&self, planned: &Planned) {
        match self {
            Self::Person(session) => {
                let positions = |subject: &_| session.position(subject);
                show::plan(&session.shell.output, planned, Format::Human, &positions);
            }
            Self::Program(events) => events.plan(planned),
        }
    }

    /// Shows what an approved plan and the plan of now differ in. A program finds the reasons in the failure.
    fn difference(&self, approved: &Planned, now: &Planned) {
        match self {
            Self::Person(session) => show::difference(&session.shell.output, approved, now),
            Self::Program(_) => {}
        }
    }

    fn progress(&self) -> Progress<'_> {
        match self {
            Self::Person(session) => Progress::new(&session.shell.output, session.shell.watches_progress()),
            Self::Program(events) => Progress::to_events(events),
        }
    }

    /// Shows how it ended; to a person also what runs now and how to stop its bill.
    fn outcome(&self, plan: &Plan, outcome: &Outcome, remaining: &Remaining) {
        match self {
            Self::Person(session) => {
                let output = &session.shell.output;
                output.data_in_pieces(|out| write_outcome(out, plan, outcome, remaining, output.style()));
            }
            Self::Program(events) => events.outcome(plan, outcome, remaining),
        }
    }
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
type Port<'a> = Limited<'a, Runpod, Progress<'a>>;

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
        let RunArgs { parallelism, wait_timeout, .. } = self.execution.run;
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
                wait_timeout: wait_timeout.0,
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
        let remaining = live.map(|live| Remaining {
            running: running_pods(&prior, &live),
            guarded: guarded(&prior, &live),
            made_elsewhere: made_elsewhere(&self.session.loaded.desired, &prior, &live),
        });
        remaining.unwrap_or_default()
    }
}

/// Makes sure that every secret that the plan sends is there.
fn ensure_secrets(plan: &Plan, session: &Session<'_>) -> Result<(), Failure> {
    let absent = sent_by(plan).into_iter().filter(|name| session.secrets.get(name).is_none());
    let reasons: Vec<String> = absent
        .map(|name| {
            let reason = session.missing.get(&name.to_string());
            let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            format!("`{name}`{reason}")
        })
        .collect();
    if reasons.is_empty() { Ok(()) } else { Err(Failure::MissingSecrets { reasons }) }
}
