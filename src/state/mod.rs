//! Ports to the recorded state and the journal.
//!
//! What is recorded and the events that led to it are written in one commit, so that they cannot disagree. The ports
//! are async so that a database over a network fits behind them; SQLite's futures are ready at once. They know
//! neither the planner nor the provider. Start at [`Journal::commit`]; [`sqlite`] keeps a state in a file, [`memory`]
//! for the length of a test, and [`planfile`] is the saved plan. [`whole`] is how files get onto the disk.
//!
//! To add what is kept: a member in the model with its word in `model::stored`, or a column with a step in
//! `sqlite::migrations`. To add a store: both ports, and the tests of `tests/it/state` over it.

pub mod contents;
pub mod edit;
pub mod lease;
pub mod memory;
pub mod moving;
#[cfg(feature = "object-store")]
pub mod object_log;
pub mod place;
pub mod planfile;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;
pub mod whole;

mod fold;
mod refused;
mod text;
mod words;

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, RunId, RunNonce, Serial};
use crate::model::job::UnseenJob;
use crate::model::journal::{Asked, Entry};
use crate::model::marker::Token;
use crate::model::plan::Approval;
use crate::model::prior::{Binding, KnownToken, Prior, ProviderKind, Recorded};

use refused::Refused;

/// Reads the recorded state. Reading never waits for a lock.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so no future needs to be `Send`")]
pub trait Store {
    /// Reads everything that a plan needs.
    ///
    /// # Errors
    /// The state cannot be read or is damaged.
    async fn load(&self) -> Result<Prior, StateError>;
}

/// Writes the state, by the holder of the run lock only.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so no future needs to be `Send`")]
pub trait Journal {
    /// Notes the beginning of a run.
    ///
    /// # Errors
    /// Nothing was written.
    async fn begin(&self, run: &Run) -> Result<(), StateError>;

    /// Makes a batch durable, all of it or nothing, and returns the new serial.
    ///
    /// # Errors
    /// Nothing was written. [`StateError::Fenced`] means that another run has taken over.
    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError>;

    /// Notes the end of a run.
    ///
    /// # Errors
    /// Nothing was written; the run stays open and the next one looks after it.
    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError>;
}

/// One apply or destroy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    /// When it began.
    pub at: Timestamp,
    /// `apply`, `destroy`, `import` and so on.
    pub command: String,
    /// The digest of the plan that was approved.
    pub plan_digest: String,
    /// Who runs it: user and host.
    pub who: String,
    /// What makes the tokens of its plan its own, for what executes a plan. A plan is executed once.
    pub nonce: Option<RunNonce>,
    /// Who approved it, for what executes a plan.
    pub approved: Option<Approved>,
}

/// Who approved a run and from where it was started, as far as its environment tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    pub how: Approval,
    /// Who: the user whom continuous integration names, or the one who runs it.
    pub by: String,
    /// What continuous integration ran for.
    pub source: Source,
}

/// What continuous integration says that it runs for. The texts are its own.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Source {
    pub commit: Option<String>,
    /// The number of the pull request.
    pub pull_request: Option<String>,
    /// Where the job can be looked at.
    pub url: Option<String>,
}

/// How the words begin by which a later run ends one that was killed.
pub const CUT_SHORT: &str = "cut short";

/// One run as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// How it began.
    pub run: Run,
    /// When it ended; `None` for a run that goes on or crashed.
    pub ended_at: Option<Timestamp>,
    /// How it ended, in words.
    pub summary: Option<String>,
    /// Its events, in order.
    pub entries: Vec<Entry>,
}

/// What is made durable in one commit.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Batch {
    /// Events, in order.
    pub entries: Vec<Entry>,
    /// Changes of records, in order, after the events.
    pub changes: Vec<RecordChange>,
}

/// One change of the recorded objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordChange {
    /// The address has this entry.
    Put(Address, Box<Recorded>),
    /// The address has no entry, and nothing is known of a job there.
    Remove(Address),
    /// What is known of a job of whose last run no record tells.
    Unseen(Address, UnseenJob),
    /// The entry moves to another address, which must be free, and what is known of a job with it.
    Rename {
        /// The old address.
        from: Address,
        /// The new one.
        to: Address,
    },
    /// Objects with this token count as unmanaged from here on.
    Tombstone(Token),
    /// It could not be told which of the objects with this token its request made, so nothing is concluded any more from
    /// when that was.
    Doubt(Token),
    /// The token of this object is known from here on, without a record of it; with RunPod's time before its create, if
    /// that is certain.
    Know(Address, Box<Recorded>, Option<Timestamp>),
    /// The state goes on as the one that marks in the account name, from above the highest version that they show.
    Continue {
        /// Which state.
        lineage: Lineage,
        /// The version.
        above: Serial,
    },
}

impl RecordChange {
    /// Returns the entry that an address has after it, if it writes one.
    pub fn entry(&self) -> Option<(&Address, &Recorded)> {
        match self {
            Self::Put(address, recorded) => Some((address, recorded)),
            Self::Remove(_)
            | Self::Unseen(..)
            | Self::Rename { .. }
            | Self::Tombstone(_)
            | Self::Doubt(_)
            | Self::Know(..)
            | Self::Continue { .. } => None,
        }
    }
}

/// Whether a state is the one to use. Only a move from one place to another changes it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Standing {
    #[default]
    Active,
    /// It is being filled from another place, which still is the one to use.
    Incoming {
        /// How that place is named.
        from: String,
    },
    /// It lies at another place now.
    Moved {
        /// How that place is named.
        to: String,
    },
}

impl Standing {
    /// Refuses the state at `path` to somebody who would use it, unless it is the one to use.
    fn ensure_active(&self, path: &str) -> Result<(), StateError> {
        let path = path.to_owned();
        match self {
            Self::Active => Ok(()),
            Self::Moved { to } => Err(StateError::Moved { path, to: to.clone() }),
            Self::Incoming { from } => Err(StateError::Incoming { path, from: from.clone() }),
        }
    }
}

/// Why the state could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// Written by a newer podform.
    #[error("state `{path}` has schema version {found}, this podform knows up to {known}")]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A database, but not a podform state.
    #[error("`{path}` is not a podform state")]
    Foreign {
        /// The file.
        path: String,
    },
    /// Not readable as what it should be.
    #[error("state `{path}` is damaged: {what}")]
    Corrupt {
        /// The file.
        path: String,
        /// What was found.
        what: String,
    },
    /// It belongs to another project, provider or origin.
    #[error("state `{path}` belongs to {owner}, not to {asked}")]
    BoundElsewhere {
        /// The file.
        path: String,
        /// What it belongs to.
        owner: String,
        asked: String,
    },
    /// The folder or file cannot be written.
    #[error("state `{path}` cannot be written: {why}")]
    ReadOnly {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// Another run holds the lock.
    #[error("another run holds the state `{path}`: {holder}")]
    Locked {
        /// The file.
        path: String,
        /// Who, where and since when.
        holder: String,
        /// Whether its process is certainly alive, so that only its end frees the lock.
        is_alive: bool,
    },
    /// Another run took over while this one was not looking; nothing was written.
    #[error("another run has taken over the state `{path}`")]
    Fenced {
        /// The file.
        path: String,
    },
    /// A commit got no answer, and it could not be found out whether it happened. The run ends as if killed.
    #[error("it is not known whether state `{path}` was written: {why}")]
    Unknown {
        /// The state.
        path: String,
        /// What was said.
        why: String,
    },
    /// It was moved.
    #[error("state `{path}` was moved to `{to}`")]
    Moved {
        path: String,
        /// How its new place is named.
        to: String,
    },
    /// It is being filled from another place, which still is the one to use.
    #[error("state `{path}` is being filled from `{from}`")]
    Incoming {
        path: String,
        /// How the other place is named.
        from: String,
    },
    /// Anything else that the system or SQLite said.
    #[error("failed to {doing} state `{path}`: {why}")]
    Failed {
        /// What was being done: `open`, `read`, `write`.
        doing: &'static str,
        /// The file.
        path: String,
        /// What was said.
        why: String,
    },
}

impl Binding {
    /// Refuses the state at `path`, which belongs to `owner` if it was ever used, to anybody else.
    fn ensure_owns(&self, owner: Option<&Self>, path: &str) -> Result<(), StateError> {
        match owner {
            Some(owner) if owner != self => Err(StateError::BoundElsewhere {
                path: path.to_owned(),
                owner: owner.shown(),
                asked: self.shown(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Returns it as it stands in messages.
    fn shown(&self) -> String {
        let Self { project, kind, origin } = self;
        let kind = match kind {
            ProviderKind::Runpod => "RunPod",
            ProviderKind::Simulator => "the simulator",
        };
        format!("project `{project}` on {kind} at `{origin}`")
    }
}

/// Returns what is known of a token that only a record has, as after a rebuild: nothing of what its create asked for.
fn known_by_record(address: &Address, recorded: &Recorded, server_time: Option<Timestamp>) -> KnownToken {
    KnownToken {
        address: address.clone(),
        intended_at: recorded.recorded_at,
        server_time,
        asked: Asked { name: None, data_centers: BTreeSet::new(), record: Box::new(recorded.record.clone()) },
        tombstone: false,
    }
}
