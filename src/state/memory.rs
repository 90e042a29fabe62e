//! A state in memory, for tests.
//!
//! It follows the same rules as the SQLite state and refuses the same batches; a test compares the two.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{Lineage, RunId, Serial};
use crate::model::journal::Entry;
use crate::model::prior::{Binding, Prior};
use crate::state::contents::{Contents, Write};
use crate::state::lease::{self, Holder, Lease};
use crate::state::place::{Held, Place};
use crate::state::{Batch, Journal, PastRun, Run, Standing, StateError, Store};

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
        written(contents, None, write)
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

/// Judges a write and takes it over.
fn written(contents: &mut Contents, owner: Option<&Binding>, write: &Write) -> Result<Serial, StateError> {
    let delta = contents.draft(owner, write).map_err(|error| StateError::Failed {
        doing: "write",
        path: name(),
        why: error.to_string(),
    })?;
    contents.absorb(delta);
    Ok(contents.serial)
}

/// Stands where other states have a path.
fn name() -> String {
    "memory".to_owned()
}

/// A place in memory, which keeps the promises of [`place`](crate::state::place) in the plainest way.
#[derive(Clone, Debug)]
pub struct MemoryPlace {
    kept: Rc<RefCell<Kept>>,
    binding: Binding,
    proposed: Lineage,
}

#[derive(Debug)]
struct Kept {
    contents: Option<Contents>,
    lease: Option<Lease>,
    fence: i64,
}

/// A state in memory, held.
#[derive(Debug)]
pub struct HeldMemory {
    place: MemoryPlace,
    fence: i64,
}

impl MemoryPlace {
    /// Makes a place without a state.
    pub fn new(binding: Binding, proposed: Lineage) -> Self {
        let kept = Rc::new(RefCell::new(Kept { contents: None, lease: None, fence: 0 }));
        Self { kept, binding, proposed }
    }

    /// Returns the same place as another one names it.
    pub fn named(&self, binding: Binding, proposed: Lineage) -> Self {
        Self { kept: Rc::clone(&self.kept), binding, proposed }
    }

    /// Returns what is there, if it is of this project.
    fn seen(&self) -> Result<Option<Contents>, StateError> {
        let contents = self.kept.borrow().contents.clone();
        let owner = contents.as_ref().and_then(|contents| contents.owner.as_ref());
        self.binding.ensure_owns(owner, &name())?;
        Ok(contents)
    }

    /// Returns what is there, if it is the one to use.
    fn active(&self) -> Result<Contents, StateError> {
        let contents = self.seen()?.unwrap_or_else(|| Contents::empty(self.proposed.clone()));
        contents.standing.ensure_active(&name())?;
        Ok(contents)
    }
}

impl Store for MemoryPlace {
    async fn load(&self) -> Result<Prior, StateError> {
        Ok(self.active()?.prior())
    }
}

impl Place for MemoryPlace {
    type Held = HeldMemory;

    fn name(&self) -> String {
        name()
    }

    async fn serial(&self) -> Result<Serial, StateError> {
        Ok(self.active()?.serial)
    }

    async fn runs(&self) -> Result<Vec<PastRun>, StateError> {
        Ok(self.active()?.runs)
    }

    async fn history(&self) -> Result<Vec<PastRun>, StateError> {
        Ok(self.active()?.history())
    }

    async fn lease(&self) -> Result<Option<Lease>, StateError> {
        self.seen()?;
        Ok(self.kept.borrow().lease.clone())
    }

    async fn who_writes(&self, _host: &str, now: Timestamp) -> Result<Option<Lease>, StateError> {
        Ok(self.lease().await?.filter(|lease| now < lease.expires_at))
    }

    async fn lock(
        &self,
        holder: &Holder,
        clock: &impl Clock,
        wait: Duration,
    ) -> Result<HeldMemory, StateError> {
        let began = Instant::now();
        self.seen()?;
        loop {
            let now = clock.now();
            let other = self.kept.borrow().lease.clone().filter(|lease| now < lease.expires_at);
            let Some(other) = other else {
                let kept = &mut *self.kept.borrow_mut();
                kept.fence += 1;
                let lease = Lease {
                    holder: holder.clone(),
                    since: now,
                    expires_at: lease::expiry(now),
                    fence: kept.fence,
                };
                kept.lease = Some(lease);
                return Ok(HeldMemory { place: self.clone(), fence: kept.fence });
            };
            if began.elapsed() >= wait {
                return Err(StateError::Locked { path: name(), holder: other.to_string(), is_alive: false });
            }
            sleep(lease::RETRY).await;
        }
    }

    async fn unlock(&self) -> Result<Option<Lease>, StateError> {
        self.seen()?;
        let kept = &mut *self.kept.borrow_mut();
        kept.fence += 1;
        Ok(kept.lease.take())
    }

    async fn contents(&self) -> Result<Option<Contents>, StateError> {
        self.seen()
    }
}

impl HeldMemory {
    /// Does something with what is kept, unless another one has taken over.
    fn under_lock<T>(&self, work: impl FnOnce(&mut Kept) -> Result<T, StateError>) -> Result<T, StateError> {
        let kept = &mut *self.place.kept.borrow_mut();
        if kept.fence == self.fence && kept.lease.is_some() {
            work(kept)
        } else {
            Err(StateError::Fenced { path: name() })
        }
    }

    fn write(&self, write: &Write) -> Result<Serial, StateError> {
        self.under_lock(|kept| {
            let contents = kept.contents.take();
            let mut contents = contents.unwrap_or_else(|| Contents::empty(self.place.proposed.clone()));
            let active = contents.standing.ensure_active(&name());
            let serial = active.and_then(|()| written(&mut contents, Some(&self.place.binding), write));
            kept.contents = Some(contents);
            serial
        })
    }
}

impl Store for HeldMemory {
    async fn load(&self) -> Result<Prior, StateError> {
        self.place.load().await
    }
}

impl Journal for HeldMemory {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        self.write(&Write::Begin(run.clone())).map(drop)
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        self.write(&Write::Commit(batch.clone()))
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        self.write(&Write::Finish { run: run.clone(), at, summary: summary.to_owned() }).map(drop)
    }
}

impl Held for HeldMemory {
    async fn keep(&self, clock: &impl Clock) -> StateError {
        loop {
            sleep(lease::beat(lease::LEASE)).await;
            let renewed = self.under_lock(|kept| {
                if let Some(lease) = &mut kept.lease {
                    lease.expires_at = lease::expiry(clock.now());
                }
                Ok(())
            });
            if let Err(error) = renewed {
                return error;
            }
        }
    }

    async fn replace(&self, contents: &Contents) -> Result<(), StateError> {
        self.under_lock(|kept| {
            kept.contents = Some(contents.clone());
            Ok(())
        })
    }

    async fn stand(&self, standing: Standing) -> Result<(), StateError> {
        self.under_lock(|kept| {
            kept.contents = kept.contents.take().map(|contents| contents.standing_as(standing));
            Ok(())
        })
    }

    async fn release(self) -> Result<(), StateError> {
        self.under_lock(|kept| {
            kept.lease = None;
            Ok(())
        })
    }
}
