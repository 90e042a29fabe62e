//! The way from a plan to its end, the same for `apply` and `destroy`: lock, recover, plan, show, approve, execute.
//!
//! Up to the approval the first signal ends the command, as nothing was begun. From there on the first one lets what
//! is on the wire come to its end, and the second gives it up; the journal knows either way. What happens under the lock,
//! and between two turns of it, is in [`super::rounds`].

use super::approval::Approver;
use super::descent;
use super::events::Events;
use super::exit::{self, Exit};
use super::failure::Failure;
use super::flags::RunArgs;
use super::progress::Progress;
use super::saved;
use super::secrets::sent_by;
use super::session::Session;
use super::shell::Shell;
use super::show;
use crate::model::commit::CommitId;
use crate::model::id::Lineage;
use crate::model::outcome::Outcome;
use crate::model::plan::{Approval, ApprovedPlan, Endpoint, Plan, Planned};
use crate::model::prior::{Binding, Prior};
use crate::model::seconds::Seconds;
use crate::plan::Options;
use crate::render::Format;
use crate::render::outcome::{Remaining, write_outcome};
use crate::spec::Loaded;
use crate::state::place::Place;

/// One run of `apply` or `destroy`.
pub struct Execution<'a> {
    pub shell: &'a Shell,
    /// The command, for the journal.
    pub command: &'static str,
    pub question: &'static str,
    pub options: Options,
    pub run: &'a RunArgs,
    /// How long every pod waits for capacity at least.
    pub wait_capacity: Option<Seconds>,
}

/// What a run comes to before anything is begun.
pub enum Prepared {
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
        self.in_rounds(&session, &teller, async |port, prior| {
            let planned = match approver {
                Approver::Digest { approved, .. } => {
                    session.plan_approved(port, &prior, &self.options, approved).await?
                }
                Approver::Person | Approver::Flag => session.plan(port, &prior, &self.options, None).await?,
            };
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
        self.in_rounds(&session, &teller, async |port, prior| {
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
pub enum Teller<'a> {
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

    pub fn progress(&self) -> Progress<'_> {
        match self {
            Self::Person(session) => Progress::new(&session.shell.output, session.shell.watches_progress()),
            Self::Program(events) => Progress::to_events(events),
        }
    }

    /// Shows how it ended; to a person also what runs now and how to stop its bill.
    pub fn outcome(&self, plan: &Plan, outcome: &Outcome, remaining: &Remaining) {
        match self {
            Self::Person(session) => {
                let output = &session.shell.output;
                output.data_in_pieces(|out| write_outcome(out, plan, outcome, remaining, output.style()));
            }
            Self::Program(events) => events.outcome(plan, outcome, remaining),
        }
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
