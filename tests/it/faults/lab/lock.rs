//! The state as a process has it that took the lock.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use podform::model::clock::Timestamp;
use podform::model::id::{RunId, Serial};
use podform::model::prior::Prior;
use podform::state::lease::{Holder, LEASE, RETRY};
use podform::state::place::{Held, Place};
use podform::state::{Batch, Journal, Run, StateError, Store};

use super::WorldClock;
use super::case::{Succession, Without};

/// A state that a process holds, until it is dropped as if killed, or given back.
pub struct Lock<'a, P: Place> {
    place: &'a P,
    clock: &'a WorldClock<'a>,
    holder: Holder,
    without: Without,
    held: RefCell<Rc<P::Held>>,
}

impl<'a, P: Place> Lock<'a, P> {
    /// Takes the lock, also that of a process that did not give it back.
    pub async fn take(
        place: &'a P,
        clock: &'a WorldClock<'a>,
        holder: Holder,
        succession: Succession,
        without: Without,
    ) -> Result<Self, StateError> {
        let wait = match succession {
            Succession::Expires => LEASE + RETRY,
            Succession::Freed => {
                free(place).await?;
                Duration::ZERO
            }
        };
        let held = RefCell::new(Rc::new(place.lock(&holder, clock, wait).await?));
        Ok(Self { place, clock, holder, without, held })
    }

    /// Renews the lease beside the work, as the command does.
    pub async fn renewing<T>(&self, work: impl Future<Output = T>) -> T {
        let held = self.held();
        let mut work = std::pin::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => done,
            _lost = held.keep(self.clock) => work.await,
        }
    }

    /// Returns what its holder calls itself.
    pub fn name(&self) -> &str {
        &self.holder.id
    }

    pub async fn release(self) -> Result<(), StateError> {
        let held = Rc::into_inner(self.held.into_inner()).expect("nothing works with it any more");
        held.release().await
    }

    fn held(&self) -> Rc<P::Held> {
        Rc::clone(&self.held.borrow())
    }

    /// Writes; without a fence also once the lock is lost, as if it were not.
    async fn write<T>(
        &self,
        write: impl AsyncFn(&P::Held) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        loop {
            match write(&*self.held()).await {
                Err(StateError::Fenced { .. }) if self.without == Without::Fence => {
                    self.place.unlock().await?;
                    let held = self.place.lock(&self.holder, self.clock, Duration::ZERO).await?;
                    self.held.replace(Rc::new(held));
                }
                done => return done,
            }
        }
    }
}

impl<P: Place> Store for Lock<'_, P> {
    async fn load(&self) -> Result<Prior, StateError> {
        self.held().load().await
    }
}

impl<P: Place> Journal for Lock<'_, P> {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        self.write(async |held| held.begin(run).await).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        let unheeded = Batch { entries: Vec::new(), changes: batch.changes.clone() };
        let batch = if self.without == Without::Intents { &unheeded } else { batch };
        self.write(async |held| held.commit(batch).await).await
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        self.write(async |held| held.finish(run, at, summary).await).await
    }
}

/// Frees the lock if somebody did not give it back.
pub async fn free(place: &impl Place) -> Result<(), StateError> {
    if place.lease().await?.is_some() {
        place.unlock().await?;
    }
    Ok(())
}

/// What a process calls itself that takes the lock; nobody else does.
pub fn holder(run: &str) -> Holder {
    Holder { id: run.to_owned(), ..crate::kit::holder("ann", "box") }
}
