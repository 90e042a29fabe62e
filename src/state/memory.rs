//! A state in memory, for tests.
//!
//! It follows the same rules as the SQLite state and refuses the same batches; a test compares the two.

use std::cell::RefCell;

use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, RunId, Serial};
use crate::model::journal::Entry;
use crate::model::prior::Prior;
use crate::state::contents::{Contents, Write};
use crate::state::{Batch, Journal, PastRun, Run, StateError, Store};

/// A state in memory.
#[derive(Debug)]
pub struct MemoryState(RefCell<Inner>);

#[derive(Debug)]
struct Inner {
    contents: Contents,
    drops_events: bool,
}

impl MemoryState {
    /// Makes an empty state.
    pub fn new(lineage: Lineage) -> Self {
        Self::from_prior(Prior::empty(lineage))
    }

    /// Makes a state that has records; what the journal has open is left out.
    pub fn from_prior(prior: Prior) -> Self {
        Self(RefCell::new(Inner { contents: Contents::from_prior(prior), drops_events: false }))
    }

    /// Forgets every event, and with it every token, from here on: what happens without a journal.
    pub fn drop_events(&self) {
        self.0.borrow_mut().drops_events = true;
    }

    /// Returns all events, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.borrow().contents.entries.clone()
    }

    /// Returns all runs, in order.
    pub fn history(&self) -> Vec<PastRun> {
        self.0.borrow().contents.history()
    }

    fn write(&self, write: &Write) -> Result<Serial, StateError> {
        let Inner { contents, drops_events: _ } = &mut *self.0.borrow_mut();
        let delta = contents.draft(None, write).map_err(|error| StateError::Failed {
            doing: "write",
            path: "memory".to_owned(),
            why: error.to_string(),
        })?;
        contents.absorb(delta);
        Ok(contents.serial)
    }
}

impl Store for MemoryState {
    async fn load(&self) -> Result<Prior, StateError> {
        Ok(self.0.borrow().contents.prior())
    }
}

impl Journal for MemoryState {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        self.write(&Write::Begin(run.clone())).map(drop)
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        let mut batch = batch.clone();
        if self.0.borrow().drops_events {
            batch.entries.clear();
        }
        self.write(&Write::Commit(batch))
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        self.write(&Write::Finish { run: run.clone(), at, summary: summary.to_owned() }).map(drop)
    }
}
