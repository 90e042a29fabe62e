//! Everything that can end a command early.
//!
//! Each variant says what this level was doing; its source says what went wrong below. What a person can do about it
//! and the exit code stand in [`super::report`], so that both are found in one place.

use std::collections::BTreeSet;
use std::error::Error;
use std::io;

use super::files::FileError;
use super::secrets::SecretError;
use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::commit::{CommitId, NoCommit};
use crate::model::id::PodId;
use crate::model::money::Amount;
use crate::model::prior::Api;
use crate::provider::ProviderError;
use crate::provider::runpod::SetupError;
use crate::render::escape::visible;
use crate::render::money::AMonth;
use crate::spec::Diagnostics;
use crate::state::StateError;
use crate::state::edit::EditError;
use crate::state::planfile::PlanFileError;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The spec has mistakes; they were rendered with their places.
    #[error("the spec is not valid")]
    Spec(Diagnostics),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The directory of `-C` cannot be entered.
    #[error("failed to enter `{path}`")]
    Directory {
        /// The directory.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A flag has a value that cannot be.
    #[error("{0}")]
    Flag(String),
    /// A source of secrets is refused.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Values that only apply needs are missing.
    #[error("apply needs secrets that are not there: {}", .0.join(", "))]
    MissingSecrets(
        /// Each with its reason.
        Vec<String>,
    ),
    /// There is no key.
    #[error("`RUNPOD_API_KEY` is not set")]
    NoKey,
    /// The API cannot be pointed to.
    #[error("failed to prepare the client")]
    Setup(#[from] SetupError),
    /// The account or the catalog could not be read.
    #[error("failed to {}", .0.call.verb)]
    Provider(#[from] ProviderError),
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// No address has a name that was given.
    #[error("{}", of_unknown(*flag, name))]
    Unknown {
        /// The flag that it was given with.
        flag: Option<&'static str>,
        /// The name, which can be empty.
        name: String,
        /// What was most likely meant.
        near: Option<String>,
        /// The names that there are, cut to a line.
        known: String,
    },
    /// An address stands in the spec, but no chosen profile selects it.
    #[error("`{flag} {name}` names what no chosen profile selects")]
    Deselected {
        /// The flag that it was given with.
        flag: &'static str,
        /// The name.
        name: Address,
        /// The profiles that would select it.
        profiles: BTreeSet<String>,
    },
    /// A pod would be made without something that it depends on.
    #[error(
        "`{address}` depends on `{dependency}`, which does not exist and is left out by `--exclude {}`",
        visible(pattern)
    )]
    LeftOut {
        /// The pod.
        address: Address,
        /// What it depends on.
        dependency: Address,
        /// What excludes it.
        pattern: String,
    },
    /// A spec may come from another person, who could otherwise choose any file of this host.
    #[error("the spec keeps the state in `{0}`, which is outside the working directory")]
    StateOutside(
        /// The path as it was typed.
        String,
    ),
    /// Nothing is recorded under an address.
    #[error("`{address}` is not in the state")]
    NotRecorded {
        /// The address.
        address: Address,
        /// The recorded pods with this key.
        replicas: Vec<String>,
    },
    /// Only pods have logs and shells.
    #[error("`{address}` is a network volume, and this needs a pod")]
    NoPod {
        /// The address.
        address: Address,
    },
    /// The account does not have a recorded pod any more.
    #[error("the account has no pod `{pod}`, which is recorded for `{address}`")]
    PodGone {
        /// The address.
        address: Address,
        /// The id.
        pod: PodId,
    },
    /// No shell can be opened in a pod.
    #[error("there is no way into `{address}`: {why}")]
    NoWayIn {
        /// The address.
        address: Address,
        /// What is missing.
        why: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The API that the spec names has no logs.
    #[error("logs come over REST v2, and the spec has `provider.api: {}`", .0.word())]
    NoLogs(
        /// The API.
        Api,
    ),
    /// The simulator cannot run, or its world cannot be kept.
    #[error("failed to run the simulator")]
    Simulator(#[source] Box<dyn Error + Send + Sync>),
    /// Nobody can be asked.
    #[error("nobody can be asked for approval: {why}")]
    NobodyToAsk {
        /// The reason.
        why: &'static str,
    },
    /// The person did not say yes.
    #[error("not approved, nothing was done")]
    Declined,
    /// The plan is another one than was approved.
    #[error("the plan has the digest `{found}`, approved was `{approved}`; nothing was done")]
    OtherDigest {
        /// What was approved.
        approved: String,
        /// What the plan has.
        found: String,
    },
    /// The plan is the one that was approved, but no longer at its price.
    #[error(
        "the plan is the one approved, but what it changes costs at most {} a month in place of {}; nothing was done",
        AMonth(*found),
        AMonth(*approved)
    )]
    OtherPrice {
        /// What was approved.
        approved: Amount,
        /// What the plan has.
        found: Amount,
    },
    /// A file is no plan that can be read.
    #[error("failed to read the plan `{path}`")]
    PlanFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: PlanFileError,
    },
    /// A saved plan contradicts itself.
    #[error("the plan `{path}` is not as podform made it: {what}")]
    UnsoundPlan {
        /// The file.
        path: String,
        /// How.
        what: String,
    },
    /// What a saved plan was made from has moved.
    #[error("the saved plan is stale: {0}")]
    Stale(String),
    /// A saved plan was executed before.
    #[error("the saved plan was used already, at {at} by {by}; nothing was done")]
    UsedPlan {
        /// When.
        at: Timestamp,
        /// By whom.
        by: String,
    },
    /// Continuous integration names something as its commit that is none.
    #[error("continuous integration says that it runs for the commit `{commit}`, which is none")]
    NoCommit {
        /// What it says.
        commit: String,
        /// What is wrong with it.
        #[source]
        source: NoCommit,
    },
    /// The commit does not come after the one that was applied last.
    #[error("the commit {} does not come after {}, which was applied last; nothing was done", now.short(), last.short())]
    EarlierCommit {
        /// The one that was applied last.
        last: CommitId,
        /// The one of this run.
        now: CommitId,
    },
    /// It cannot be told whether it does.
    #[error("it cannot be told whether the commit {} comes after the one that was applied last: {why}; nothing was done", now.short())]
    UnknownCommit {
        /// The one of this run.
        now: CommitId,
        /// Why not.
        why: String,
    },
    /// Signals cannot be received.
    #[error("failed to receive signals")]
    Signals(#[source] io::Error),
    /// A signal came before anything was done.
    #[error("interrupted before anything was done")]
    Interrupted,
    /// podform panicked; what it said stands above.
    #[error("podform met a bug of its own and stopped")]
    Bug,
    /// `stop` and `start` would be drift by one's own hand.
    #[error("podform does not stop or start pods by hand: the next apply would undo it")]
    ByHand {
        /// The state to write.
        verb: &'static str,
        /// The pod.
        address: String,
    },
    /// Anything else that the system refused.
    #[error("failed to {doing}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

fn of_unknown(flag: Option<&'static str>, name: &str) -> String {
    match flag {
        Some(flag) if name.is_empty() => format!("`{flag}` names nothing: its address is empty"),
        Some(flag) => format!("`{flag} {}` names nothing: no address is called so", visible(name)),
        None => format!("no address is called `{}`", visible(name)),
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        Self::Flag(error.to_string())
    }
}

impl Failure {
    /// Says that the simulator cannot run.
    pub fn simulator(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Simulator(Box::new(source))
    }
}
