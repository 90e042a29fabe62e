//! The state of a spec where it lies, whichever engine keeps it.

use std::time::Duration;

use super::env::Environment;
use super::failure::Failure;
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{Lineage, RunId, Serial};
use crate::model::location::Location;
use crate::model::prior::{Binding, Prior};
use crate::state::contents::Contents;
use crate::state::lease::{self, Holder, Lease};
use crate::state::place::{Held, Place};
use crate::state::sqlite::{LockedState, StateFile};
use crate::state::{Batch, Journal, PastRun, Run, Standing, StateError, Store};

/// A state where it lies.
pub enum StateAt {
    File(StateFile),
}

/// A state whose lock this process holds.
pub enum HeldState {
    File(LockedState),
}

/// Does the same with whatever it is.
macro_rules! whichever {
    ($type:ident, $value:expr, $state:ident => $does:expr) => {
        match $value {
            $type::File($state) => $does,
        }
    };
}

impl StateAt {
    /// Names a state; nothing is asked of it yet. `proposed` is the lineage that it gets at its first use.
    pub fn open(
        location: &Location,
        binding: Binding,
        proposed: Lineage,
        _env: &Environment,
    ) -> Result<Self, Failure> {
        match location {
            Location::File(path) => Ok(Self::File(StateFile::new(path, binding, proposed))),
            Location::Postgres(_) => Err(Failure::EngineMissing { feature: "postgres" }),
            Location::Objects(_) => Err(Failure::EngineMissing { feature: "object-store" }),
        }
    }

    /// Returns how long a lease lasts there without being renewed.
    pub fn lease_length(&self) -> Duration {
        match self {
            Self::File(_) => lease::LEASE,
        }
    }

    /// Returns how many actions run beyond those that send something, because they wait for a journal over a network.
    pub fn ahead(&self, parallelism: usize) -> usize {
        match self {
            Self::File(_) => 0,
        }
    }

    /// Returns the file, where it is one of this computer.
    pub fn file(&self) -> Option<&StateFile> {
        match self {
            Self::File(file) => Some(file),
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
        whichever!(Self, self, state => Place::serial(state).await)
    }

    async fn runs(&self) -> Result<Vec<PastRun>, StateError> {
        whichever!(Self, self, state => Place::runs(state).await)
    }

    async fn history(&self) -> Result<Vec<PastRun>, StateError> {
        whichever!(Self, self, state => Place::history(state).await)
    }

    async fn lease(&self) -> Result<Option<Lease>, StateError> {
        whichever!(Self, self, state => Place::lease(state).await)
    }

    async fn who_writes(&self, host: &str, now: Timestamp) -> Result<Option<Lease>, StateError> {
        whichever!(Self, self, state => Place::who_writes(state, host, now).await)
    }

    async fn lock(
        &self,
        holder: &Holder,
        clock: &impl Clock,
        wait: Duration,
    ) -> Result<HeldState, StateError> {
        match self {
            Self::File(state) => Place::lock(state, holder, clock, wait).await.map(HeldState::File),
        }
    }

    async fn unlock(&self) -> Result<Option<Lease>, StateError> {
        whichever!(Self, self, state => Place::unlock(state).await)
    }

    async fn contents(&self) -> Result<Option<Contents>, StateError> {
        whichever!(Self, self, state => Place::contents(state).await)
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

    async fn release(self) -> Result<(), StateError> {
        whichever!(Self, self, state => state.release().await)
    }
}
