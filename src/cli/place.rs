//! The state of a spec where it lies, whichever engine keeps it.

use std::time::Duration;

#[cfg(any(feature = "postgres", feature = "object-store"))]
use super::credentials;
use super::env::Environment;
use super::failure::Failure;
use crate::apply::Settings;
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{Lineage, RunId, Serial};
use crate::model::location::Location;
use crate::model::prior::{Binding, Prior};
use crate::state::contents::Contents;
use crate::state::lease::{self, Holder, Lease};
#[cfg(feature = "object-store")]
use crate::state::object_log::{self, HeldLog, ObjectLog};
use crate::state::place::{Compacted, Held, Place};
#[cfg(feature = "postgres")]
use crate::state::postgres::{HeldPostgres, PostgresState};
use crate::state::sqlite::{LockedState, StateFile};
use crate::state::{Batch, Journal, PastRun, Run, Standing, StateError, Store};

/// A state where it lies.
pub enum StateAt {
    File(Box<StateFile>),
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresState>),
    #[cfg(feature = "object-store")]
    Objects(Box<ObjectLog>),
}

/// A state whose lock this process holds.
pub enum HeldState {
    File(Box<LockedState>),
    #[cfg(feature = "postgres")]
    Postgres(Box<HeldPostgres>),
    #[cfg(feature = "object-store")]
    Objects(Box<HeldLog>),
}

/// Does the same with whatever it is.
macro_rules! whichever {
    ($type:ident, $value:expr, $state:ident => $does:expr) => {
        match $value {
            $type::File($state) => $does,
            #[cfg(feature = "postgres")]
            $type::Postgres($state) => $does,
            #[cfg(feature = "object-store")]
            $type::Objects($state) => $does,
        }
    };
}

impl StateAt {
    /// Names a state; nothing is asked of it yet. `proposed` is the lineage that it gets at its first use.
    ///
    /// # Errors
    /// What opens it cannot be read, or this podform was built without the engine.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "object-store")),
        expect(unused_variables, reason = "a file is opened by nothing that the environment has")
    )]
    pub fn open(
        location: &Location,
        binding: Binding,
        proposed: Lineage,
        env: &Environment,
    ) -> Result<Self, Failure> {
        match location {
            Location::File(path) => Ok(Self::File(Box::new(StateFile::new(path, binding, proposed)))),
            #[cfg(feature = "postgres")]
            Location::Postgres(database) => {
                let (roots, credentials) = credentials::of_database(database, env)?;
                let state = PostgresState::new(database.clone(), roots, credentials, binding, proposed);
                Ok(Self::Postgres(Box::new(state)))
            }
            #[cfg(not(feature = "postgres"))]
            Location::Postgres(_) => Err(Failure::EngineMissing { feature: "postgres" }),
            #[cfg(feature = "object-store")]
            Location::Objects(bucket) => {
                let variables = credentials::of_bucket(env);
                let log = object_log::open(bucket, &variables, location.to_string(), binding, proposed)?;
                Ok(Self::Objects(Box::new(log)))
            }
            #[cfg(not(feature = "object-store"))]
            Location::Objects(_) => Err(Failure::EngineMissing { feature: "object-store" }),
        }
    }

    /// Returns how long a lease lasts there without being renewed.
    pub fn lease_length(&self) -> Duration {
        match self {
            Self::File(_) => lease::LEASE,
            #[cfg(feature = "postgres")]
            Self::Postgres(state) => state.lease_length(),
            #[cfg(feature = "object-store")]
            Self::Objects(state) => state.lease_length(),
        }
    }

    /// Returns how many actions run beyond those that send something, because they wait for the journal. Few at a time do
    /// not notice the millisecond that a file takes, many that are answered together do. Whoever runs one action after the
    /// other wants to see each for itself.
    pub fn ahead(&self, parallelism: usize) -> usize {
        let is_quick = self.file().is_some() && parallelism <= Settings::RUNPOD.parallelism;
        if is_quick || parallelism == 1 { 0 } else { 2 * parallelism }
    }

    /// Tells whether this user may write there, where that can be told without writing.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn may_write(&self) -> Result<Option<bool>, StateError> {
        match self {
            // A file is opened for it, which nothing else tells for certain.
            Self::File(_) => Ok(None),
            #[cfg(feature = "postgres")]
            Self::Postgres(state) => state.may_write().await.map(Some),
            #[cfg(feature = "object-store")]
            Self::Objects(state) => Ok(state.may_write()),
        }
    }

    /// Returns what to look at where it cannot be used.
    pub fn needs(&self) -> &'static str {
        match self {
            Self::File(_) => "look at the rights of this user in its folder, or give another with `--state`",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {
                "look at `PGUSER` and `PGPASSWORD`, the rights of that role, and the way to the server; or give another place with `--state`"
            }
            #[cfg(feature = "object-store")]
            Self::Objects(state) if state.is_folder() => {
                "look at the rights of this user in the folder, and whether it is mounted; or give another place with `--state`"
            }
            #[cfg(feature = "object-store")]
            Self::Objects(_) => {
                "look at the credentials in the environment and what they may do, the bucket's name, its `region` and `endpoint`; or give another place with `--state`"
            }
        }
    }

    /// Returns the file, where it is one of this computer.
    pub fn file(&self) -> Option<&StateFile> {
        match self {
            Self::File(file) => Some(file),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
            #[cfg(feature = "object-store")]
            Self::Objects(_) => None,
        }
    }
}

impl Store for StateAt {
    async fn load(&self) -> Result<Prior, StateError> {
        whichever!(Self, self, state => state.load().await)
    }
}

impl Place for StateAt {
    type Held = HeldState;

    fn name(&self) -> String {
        whichever!(Self, self, state => state.name())
    }

    async fn serial(&self) -> Result<Serial, StateError> {
        whichever!(Self, self, state => Place::serial(state.as_ref()).await)
    }

    async fn runs(&self) -> Result<Vec<PastRun>, StateError> {
        whichever!(Self, self, state => Place::runs(state.as_ref()).await)
    }

    async fn history(&self) -> Result<Vec<PastRun>, StateError> {
        whichever!(Self, self, state => Place::history(state.as_ref()).await)
    }

    async fn lease(&self) -> Result<Option<Lease>, StateError> {
        whichever!(Self, self, state => Place::lease(state.as_ref()).await)
    }

    async fn who_writes(&self, host: &str, now: Timestamp) -> Result<Option<Lease>, StateError> {
        whichever!(Self, self, state => Place::who_writes(state.as_ref(), host, now).await)
    }

    async fn lock(
        &self,
        holder: &Holder,
        clock: &impl Clock,
        wait: Duration,
    ) -> Result<HeldState, StateError> {
        match self {
            Self::File(state) => Place::lock(state.as_ref(), holder, clock, wait)
                .await
                .map(|held| HeldState::File(Box::new(held))),
            #[cfg(feature = "postgres")]
            Self::Postgres(state) => {
                state.lock(holder, clock, wait).await.map(|held| HeldState::Postgres(Box::new(held)))
            }
            #[cfg(feature = "object-store")]
            Self::Objects(state) => {
                state.lock(holder, clock, wait).await.map(|held| HeldState::Objects(Box::new(held)))
            }
        }
    }

    async fn unlock(&self) -> Result<Option<Lease>, StateError> {
        whichever!(Self, self, state => Place::unlock(state.as_ref()).await)
    }

    async fn contents(&self) -> Result<Option<Contents>, StateError> {
        whichever!(Self, self, state => Place::contents(state.as_ref()).await)
    }
}

impl Store for HeldState {
    async fn load(&self) -> Result<Prior, StateError> {
        whichever!(Self, self, state => state.load().await)
    }
}

impl Journal for HeldState {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        whichever!(Self, self, state => state.begin(run).await)
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        whichever!(Self, self, state => state.commit(batch).await)
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        whichever!(Self, self, state => state.finish(run, at, summary).await)
    }
}

impl Held for HeldState {
    async fn keep(&self, clock: &impl Clock) -> StateError {
        whichever!(Self, self, state => state.keep(clock).await)
    }

    async fn replace(&self, contents: &Contents) -> Result<(), StateError> {
        whichever!(Self, self, state => state.replace(contents).await)
    }

    async fn stand(&self, standing: Standing) -> Result<(), StateError> {
        whichever!(Self, self, state => state.stand(standing).await)
    }

    async fn compact(&self, keep: Duration) -> Result<Option<Compacted>, StateError> {
        whichever!(Self, self, state => state.compact(keep).await)
    }

    async fn release(self) -> Result<(), StateError> {
        whichever!(Self, self, state => state.release().await)
    }
}
