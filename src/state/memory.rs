//! A state in memory, for tests.
//!
//! It follows the same rules as the SQLite state and refuses the same batches; a test compares the two.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, RunId, Serial};
use crate::model::journal::{ActionStatus, Entry, Event};
use crate::model::marker::Token;
use crate::model::prior::{KnownToken, Prior, Recorded};
use crate::state::{
    Batch, Journal, PastRun, RecordChange, Refused, Run, StateError, Store, asked_unknown, fold,
};

/// A state in memory.
#[derive(Debug)]
pub struct MemoryState(RefCell<Inner>);

#[derive(Debug)]
struct Inner {
    /// Without `open`, which follows from the entries.
    prior: Prior,
    runs: Vec<PastRun>,
    entries: Vec<Entry>,
    drops_events: bool,
}

impl MemoryState {
    /// Makes an empty state.
    pub fn new(lineage: Lineage) -> Self {
        Self::from_prior(Prior::empty(lineage))
    }

    /// Makes a state that has records; what the journal has open is left out.
    pub fn from_prior(prior: Prior) -> Self {
        Self(RefCell::new(Inner {
            prior: Prior { open: Vec::new(), ..prior },
            runs: Vec::new(),
            entries: Vec::new(),
            drops_events: false,
        }))
    }

    /// Forgets every event, and with it every token, from here on: what happens without a journal.
    pub fn drop_events(&self) {
        self.0.borrow_mut().drops_events = true;
    }

    /// Returns all events, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.borrow().entries.clone()
    }

    /// Returns all runs, in order.
    pub fn history(&self) -> Vec<PastRun> {
        let inner = self.0.borrow();
        let with_entries = |past: &PastRun| {
            let own = inner.entries.iter().filter(|entry| entry.run == past.run.id).cloned().collect();
            PastRun { entries: own, ..past.clone() }
        };
        inner.runs.iter().map(with_entries).collect()
    }
}

impl Store for MemoryState {
    async fn load(&self) -> Result<Prior, StateError> {
        let inner = self.0.borrow();
        let open = fold::open_intents(inner.entries.iter().cloned());
        let open = open.map_err(|error| failed("read", error.to_string()))?;
        Ok(Prior { open, ..inner.prior.clone() })
    }
}

impl Journal for MemoryState {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        let mut inner = self.0.borrow_mut();
        if inner.runs.iter().any(|past| past.run.id == run.id) {
            return Err(refused(&Refused::RunExists(run.id.clone())));
        }
        inner.runs.push(PastRun { run: run.clone(), ended_at: None, summary: None, entries: Vec::new() });
        Ok(())
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        let mut inner = self.0.borrow_mut();
        inner.write(batch).map_err(|error| refused(&error))?;
        Ok(inner.prior.serial)
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        let mut inner = self.0.borrow_mut();
        let Some(past) = inner.runs.iter_mut().find(|past| past.run.id == *run) else {
            return Err(refused(&Refused::RunUnknown(run.clone())));
        };
        past.ended_at = Some(at);
        past.summary = Some(summary.to_owned());
        Ok(())
    }
}

impl Inner {
    /// Writes the whole batch or nothing.
    fn write(&mut self, batch: &Batch) -> Result<(), Refused> {
        let before = self.entries.len();
        match self.prior_after(batch) {
            Ok(prior) => {
                self.prior = prior;
                Ok(())
            }
            Err(refused) => {
                self.entries.truncate(before);
                Err(refused)
            }
        }
    }

    /// Appends the events of a batch and returns what is recorded after it.
    fn prior_after(&mut self, batch: &Batch) -> Result<Prior, Refused> {
        let Batch { entries, changes } = batch;
        let mut prior = self.prior.clone();
        for entry in entries.iter().filter(|_| !self.drops_events) {
            if !self.runs.iter().any(|past| past.run.id == entry.run) {
                return Err(Refused::RunUnknown(entry.run.clone()));
            }
            self.entries.push(entry.clone());
            let of_action = |other: &&Entry| other.run == entry.run && other.action == entry.action;
            let mut events = self.entries.iter().filter(of_action).map(|entry| &entry.event);
            events.try_fold(ActionStatus::default(), ActionStatus::next).map_err(Refused::Order)?;
            learn_token(&mut prior, entry)?;
        }
        for change in changes {
            apply(&mut prior, change)?;
        }
        refuse_recorded_twice(&prior)?;
        prior.serial.0 += 1;
        Ok(prior)
    }
}

/// Keeps the token of an intent.
fn learn_token(prior: &mut Prior, entry: &Entry) -> Result<(), Refused> {
    let Entry { at, run: _, action, event } = entry;
    if let Event::Intended { attempt: _, token: Some(token), asked, server_time } = event {
        let asked = asked.clone().ok_or_else(|| Refused::NothingAsked(token.clone()))?;
        let known = KnownToken {
            address: action.address.clone(),
            intended_at: *at,
            server_time: *server_time,
            asked,
            tombstone: prior.tokens.get(token).is_some_and(|known| known.tombstone),
        };
        prior.tokens.insert(token.clone(), known);
    }
    Ok(())
}

/// Makes one change of the records.
fn apply(prior: &mut Prior, change: &RecordChange) -> Result<(), Refused> {
    match change {
        RecordChange::Put(address, recorded) => {
            learn(&mut prior.tokens, address, recorded, None);
            // What is recorded is given up no longer: somebody took it over again.
            let known = recorded.record.token.as_ref().and_then(|token| prior.tokens.get_mut(token));
            if let Some(known) = known {
                known.tombstone = false;
            }
            prior.objects.insert(address.clone(), recorded.as_ref().clone());
        }
        RecordChange::Remove(address) => {
            prior.objects.remove(address);
        }
        RecordChange::Know(address, recorded, asked) => learn(&mut prior.tokens, address, recorded, *asked),
        RecordChange::Continue { lineage, above } => {
            prior.lineage = lineage.clone();
            prior.serial = prior.serial.max(*above);
        }
        RecordChange::Rename { from, to } => {
            if prior.objects.contains_key(to) {
                return Err(Refused::AddressTaken(to.clone()));
            }
            let Some(recorded) = prior.objects.remove(from) else {
                return Err(Refused::NotRecorded(from.clone()));
            };
            prior.objects.insert(to.clone(), recorded);
        }
        RecordChange::Doubt(token) => match prior.tokens.get_mut(token) {
            Some(known) => known.server_time = None,
            None => return Err(Refused::TokenUnknown(token.clone())),
        },
        RecordChange::Tombstone(token) => match prior.tokens.get_mut(token) {
            Some(known) => known.tombstone = true,
            None => return Err(Refused::TokenUnknown(token.clone())),
        },
    }
    Ok(())
}

/// Keeps the token of an object that the journal has not seen.
fn learn(
    tokens: &mut BTreeMap<Token, KnownToken>,
    address: &Address,
    recorded: &Recorded,
    server_time: Option<Timestamp>,
) {
    if let Some(token) = &recorded.record.token {
        tokens.entry(token.clone()).or_insert_with(|| KnownToken {
            address: address.clone(),
            intended_at: recorded.recorded_at,
            server_time,
            asked: asked_unknown(recorded),
            tombstone: false,
        });
    }
}

/// Refuses two addresses for one object.
fn refuse_recorded_twice(prior: &Prior) -> Result<(), Refused> {
    let mut ids: Vec<_> = prior.objects.values().map(|recorded| &recorded.id).collect();
    ids.sort();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Refused::RecordedTwice(pair[0].to_string())),
        None => Ok(()),
    }
}

fn refused(why: &Refused) -> StateError {
    failed("write", why.to_string())
}

fn failed(doing: &'static str, why: String) -> StateError {
    StateError::Failed { doing, path: path(), why }
}

/// Stands where other states have a path.
fn path() -> String {
    "memory".to_owned()
}
