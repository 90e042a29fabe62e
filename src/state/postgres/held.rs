//! The state while this process holds it.
//!
//! What is there was read under the lock, and nobody else writes, so each write is judged in memory first. What it makes of
//! the state goes out as one transaction of two round trips: the fence is locked and compared, then all rows and the commit.
//! An error after the commit was sent leaves it in doubt, and that is resolved before anything else: see
//! [`HeldPostgres::find_out`]. Any error that ends a write ends this value: what it knows may be old from there on.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::Poll;

use futures_util::future::{MaybeDone, join, maybe_done};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::fault::Fault;
use super::fence::Fence;
use super::link::{Link, Statement};
use super::write::{MetaRow, Numbers};
use super::{BEGIN_WRITE, PATIENCE, PostgresState};
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{RunId, Serial};
use crate::model::prior::Prior;
use crate::state::contents::{Contents, Delta, Write};
use crate::state::lease::{self, RETRY};
use crate::state::place::{Held, Place};
use crate::state::{Batch, Journal, Run, Standing, StateError, Store};

/// How often the commit of one write may get no answer.
const DOUBTS: u32 = 3;

/// A state that this process may write, until the lock is given back or lost.
#[derive(Debug)]
pub struct HeldPostgres {
    place: PostgresState,
    /// By which this take is told from every other one.
    holder_id: String,
    /// One transaction at a time, heartbeats included. Taken out while one is under way: a transaction that was broken off
    /// takes its connection with it.
    link: Mutex<Option<Link>>,
    inner: RefCell<Inner>,
}

#[derive(Debug)]
struct Inner {
    contents: Contents,
    next: Numbers,
    /// The number of this holder; a higher one in the row means that another has taken over.
    fence: i64,
    /// The newest write that the server confirmed.
    last_batch: Option<String>,
    /// How many writes were begun.
    batches: u64,
    /// Why nothing is read or written any more.
    broken: Option<StateError>,
}

/// How a transaction ended that did not succeed.
pub(super) enum Failed {
    /// It certainly came to nothing.
    NotDone(Fault),
    /// The commit was sent, and there was no answer.
    InDoubt(String),
}

impl Failed {
    /// Returns it for who does the same again, whether it happened or not.
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::NotDone(fault) => fault,
            Self::InDoubt(why) => Fault::Lost(why),
        }
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::NotDone(fault)
    }
}

impl HeldPostgres {
    pub(super) fn new(
        place: PostgresState,
        holder_id: String,
        link: Link,
        fence: i64,
        contents: Contents,
        next: Numbers,
    ) -> Self {
        let inner = Inner { contents, next, fence, last_batch: None, batches: 0, broken: None };
        Self { place, holder_id, link: Mutex::new(Some(link)), inner: RefCell::new(inner) }
    }

    /// Judges a write, makes it durable and takes it over.
    async fn write(&self, write: &Write) -> Result<Serial, StateError> {
        let mut slot = self.link.lock().await;
        self.ensure_active()?;
        let (delta, statements) = self.draft(write).map_err(|fault| self.error(fault))?;
        self.make_durable(&mut slot, statements).await?;
        let inner = &mut *self.inner.borrow_mut();
        inner.next.run = inner.next.run.saturating_add(i64::from(delta.begun.is_some()));
        inner.next.event = inner.next.event.saturating_add(delta.entries.len() as i64);
        inner.contents.absorb(delta);
        Ok(inner.contents.serial)
    }

    fn draft(&self, write: &Write) -> Result<(Delta, Vec<Statement>), Fault> {
        let Inner { contents, next, .. } = &*self.inner.borrow();
        let rows = self.place.rows();
        let delta = contents.draft(Some(&self.place.binding), write)?;
        let mut statements = rows.of_delta(&delta, *next)?;
        statements.push(rows.put_meta(&MetaRow {
            owner: &self.place.binding,
            standing: &contents.standing,
            lineage: delta.lineage.as_ref().unwrap_or(&contents.lineage),
            serial: delta.serial,
        })?);
        Ok((delta, statements))
    }

    /// Makes statements durable under a new batch id, or ends this value.
    async fn make_durable(
        &self,
        slot: &mut Option<Link>,
        statements: Vec<Statement>,
    ) -> Result<(), StateError> {
        let batch = {
            let inner = &mut *self.inner.borrow_mut();
            inner.batches += 1;
            // For whoever drops this future: of its write nothing is known then.
            inner.broken = Some(self.unknown("a write was broken off".to_owned()));
            format!("{}/{}/{}", self.holder_id, inner.fence, inner.batches)
        };
        let done = self.write_until_known(slot, &statements, &batch).await;
        let inner = &mut *self.inner.borrow_mut();
        inner.broken = done.as_ref().err().cloned();
        if done.is_ok() {
            inner.last_batch = Some(batch);
        }
        done
    }

    /// Tries until it is known that the statements are durable or that they are not.
    async fn write_until_known(
        &self,
        slot: &mut Option<Link>,
        statements: &[Statement],
        batch: &str,
    ) -> Result<(), StateError> {
        let (mut tries, mut doubts) = (0, 0);
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            tries += 1;
            match self.try_write(slot, statements, batch).await {
                Ok(()) => return Ok(()),
                // A connection that fell silent is given up only after a while: there is always a second try.
                Err(Failed::NotDone(fault))
                    if fault.may_pass() && (tries < 2 || Instant::now() < deadline) =>
                {
                    sleep(RETRY).await;
                }
                Err(Failed::NotDone(fault)) => return Err(self.error(fault)),
                Err(Failed::InDoubt(why)) => {
                    doubts += 1;
                    if self.find_out(slot, batch, &why).await? {
                        return Ok(());
                    }
                    if doubts == DOUBTS {
                        return Err(self.error(Fault::Lost(format!("no commit gets through: {why}"))));
                    }
                    deadline = Instant::now() + PATIENCE;
                }
            }
        }
    }

    /// Runs one transaction.
    async fn try_write(
        &self,
        slot: &mut Option<Link>,
        statements: &[Statement],
        batch: &str,
    ) -> Result<(), Failed> {
        let link = self.linked(slot).await?;
        let fence = self.locked_fence(&link).await?;
        let is_ours = |fence: &Fence| {
            fence.number == self.inner.borrow().fence && fence.holder_id.as_ref() == Some(&self.holder_id)
        };
        let fence = Some(fence).filter(is_ours).ok_or_else(|| Fault::State(self.fenced()))?;
        self.ensure_nothing_lost(&fence)?;
        let mut all = vec![self.place.rows().note_batch(batch, self.place.server.database.lease)];
        all.extend_from_slice(statements);
        commit(&link, &all).await?;
        *slot = Some(link);
        Ok(())
    }

    /// Finds out whether a write happened whose commit got no answer, and returns that.
    ///
    /// The lock on the fence's row waits for the old transaction to end, however it does. Without its batch the number is
    /// raised, so that nothing of it can come after all.
    ///
    /// # Errors
    /// [`StateError::Fenced`], or [`StateError::Unknown`] if it cannot be found out.
    async fn find_out(&self, slot: &mut Option<Link>, batch: &str, why: &str) -> Result<bool, StateError> {
        let mut raised = 0;
        let finding = async {
            loop {
                match self.look_for(slot, batch, &mut raised).await {
                    Err(fault) if fault.may_pass() => sleep(RETRY).await,
                    result => return result,
                }
            }
        };
        match timeout(PATIENCE, finding).await {
            Ok(Ok(is_there)) => Ok(is_there),
            Ok(Err(Fault::State(error))) => Err(error),
            Ok(Err(fault)) => Err(self.unknown(fault.said(&self.place.server))),
            Err(_) => Err(self.unknown(Fault::Lost(why.to_owned()).said(&self.place.server))),
        }
    }

    async fn look_for(&self, slot: &mut Option<Link>, batch: &str, raised: &mut i64) -> Result<bool, Fault> {
        let link = self.linked(slot).await?;
        let before = self.inner.borrow().fence;
        // A raise that got no answer may have happened.
        let is_ours = |fence: &Fence| {
            (before..=before + *raised).contains(&fence.number)
                && fence.holder_id.as_ref() == Some(&self.holder_id)
        };
        let fence = Some(self.locked_fence(&link).await?).filter(is_ours);
        let fence = fence.ok_or_else(|| Fault::State(self.fenced()))?;
        if fence.last_batch.as_deref() == Some(batch) {
            link.batch("ROLLBACK").await?;
            *slot = Some(link);
            return Ok(true);
        }
        self.ensure_nothing_lost(&fence)?;
        *raised += 1;
        commit(&link, &[self.place.rows().raise()]).await.map_err(Failed::into_fault)?;
        self.inner.borrow_mut().fence = fence.number + 1;
        *slot = Some(link);
        Ok(false)
    }

    /// Begins a transaction and locks the fence in it: one round trip, as both are sent before either is answered.
    async fn locked_fence(&self, link: &Link) -> Result<Fence, Fault> {
        let rows = self.place.rows();
        let (begun, fence) = join(link.batch(BEGIN_WRITE), rows.locked_fence(link)).await;
        begun?;
        // Nobody who takes over deletes it.
        fence?.ok_or_else(|| Fault::Damaged("its row of `lease` is missing, and it was there".to_owned()))
    }

    /// Refuses to build on what the server has forgotten: the newest write that it confirmed is not there.
    fn ensure_nothing_lost(&self, fence: &Fence) -> Result<(), Fault> {
        if fence.last_batch == self.inner.borrow().last_batch {
            return Ok(());
        }
        let why = "the server does not have the last write that it confirmed; was it restored, or has a standby taken over?";
        Err(Fault::State(StateError::Failed { doing: "write", path: self.place.name(), why: why.to_owned() }))
    }

    /// Takes the connection out, or makes a new one.
    async fn linked(&self, slot: &mut Option<Link>) -> Result<Link, Fault> {
        match slot.take() {
            Some(link) => Ok(link),
            None => self.place.connect().await,
        }
    }

    /// Changes the lease of this holder, again for as long as that does not get through; both changes may happen twice.
    async fn change_lease(
        &self,
        slot: &mut Option<Link>,
        change: impl Fn() -> Statement,
    ) -> Result<(), StateError> {
        let deadline = Instant::now() + PATIENCE;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_change_lease(slot, &change()).await {
                Ok(1) => return Ok(()),
                Ok(_) => return Err(self.fenced()),
                Err(fault) if fault.may_pass() && (tries < 2 || Instant::now() < deadline) => {
                    sleep(RETRY).await;
                }
                Err(fault) => return Err(self.error(fault)),
            }
        }
    }

    /// One round trip.
    async fn try_change_lease(&self, slot: &mut Option<Link>, change: &Statement) -> Result<u64, Fault> {
        let link = self.linked(slot).await?;
        let (begun, committed) =
            join(link.batch(BEGIN_WRITE), commit(&link, std::slice::from_ref(change))).await;
        begun?;
        let changed = committed.map_err(Failed::into_fault)?;
        *slot = Some(link);
        Ok(changed.into_iter().sum())
    }

    fn ensure_whole(&self) -> Result<(), StateError> {
        self.inner.borrow().broken.as_ref().map_or(Ok(()), |error| Err(error.clone()))
    }

    fn ensure_active(&self) -> Result<(), StateError> {
        self.ensure_whole()?;
        self.place.ensure_active(&self.inner.borrow().contents.standing)
    }

    fn error(&self, fault: Fault) -> StateError {
        fault.into_error("write", &self.place.server)
    }

    fn fenced(&self) -> StateError {
        StateError::Fenced { path: self.place.name() }
    }

    fn unknown(&self, why: String) -> StateError {
        StateError::Unknown { path: self.place.name(), why }
    }
}

/// Sends statements and the commit of the transaction that is open, all before the first answer, and returns how many
/// rows each changed. One of them that fails takes the transaction with it, whatever follows.
pub(super) async fn commit(link: &Link, statements: &[Statement]) -> Result<Vec<u64>, Failed> {
    let end = Statement { text: "COMMIT".to_owned(), values: Vec::new() };
    let all = statements.iter().chain([&end]);
    let mut changed = in_order(all.map(|statement| link.execute(statement))).await;
    let is_refusal = |result: &Result<u64, Fault>| matches!(result, Err(Fault::Said { .. }));
    // A refusal is certain, and what fails after it fails because of it.
    if let Some(at) = changed.iter().position(is_refusal) {
        changed.swap(0, at);
    }
    let changed: Result<Vec<u64>, Fault> = changed.into_iter().collect();
    match changed {
        Ok(mut changed) => {
            changed.pop();
            Ok(changed)
        }
        Err(Fault::Lost(why)) => Err(Failed::InDoubt(why)),
        Err(fault) => Err(Failed::NotDone(fault)),
    }
}

/// Waits for all requests. Each turn asks them in their order, so that they are sent in their order.
async fn in_order<F: Future>(requests: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut requests: Vec<Pin<Box<MaybeDone<F>>>> =
        requests.map(|request| Box::pin(maybe_done(request))).collect();
    std::future::poll_fn(|context| {
        let mut is_done = true;
        for request in &mut requests {
            is_done &= request.as_mut().poll(context).is_ready();
        }
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    requests.iter_mut().filter_map(|request| request.as_mut().take_output()).collect()
}

impl Store for HeldPostgres {
    async fn load(&self) -> Result<Prior, StateError> {
        let _slot = self.link.lock().await;
        self.ensure_active()?;
        Ok(self.inner.borrow().contents.prior())
    }
}

impl Journal for HeldPostgres {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        self.write(&Write::Begin(run.clone())).await.map(drop)
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        self.write(&Write::Commit(batch.clone())).await
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        self.write(&Write::Finish { run: run.clone(), at, summary: summary.to_owned() }).await.map(drop)
    }
}

impl Held for HeldPostgres {
    async fn keep(&self, _clock: &impl Clock) -> StateError {
        let length = self.place.server.database.lease;
        loop {
            sleep(lease::beat(length)).await;
            let mut slot = self.link.lock().await;
            if let Err(error) = self.ensure_whole() {
                return error;
            }
            let renew = || {
                let fence = self.inner.borrow().fence;
                self.place.rows().renew(fence, &self.holder_id, length)
            };
            if let Err(error) = self.change_lease(&mut slot, renew).await {
                self.inner.borrow_mut().broken = Some(error.clone());
                return error;
            }
        }
    }

    async fn replace(&self, contents: &Contents) -> Result<(), StateError> {
        let mut slot = self.link.lock().await;
        self.ensure_whole()?;
        let binding = &self.place.binding;
        binding.ensure_owns(contents.owner.as_ref(), &self.place.name())?;
        let rows = self.place.rows();
        let statements = rows.of_contents(contents).and_then(|mut statements| {
            let Contents { owner, standing, lineage, serial, .. } = contents;
            // What belongs to nobody is no state, and its next write is its first use.
            if let Some(owner) = owner {
                let row = MetaRow { owner, standing, lineage, serial: *serial };
                statements.push(rows.put_meta(&row)?);
            }
            Ok(statements)
        });
        self.make_durable(&mut slot, statements.map_err(|fault| self.error(fault))?).await?;
        let inner = &mut *self.inner.borrow_mut();
        inner.next = Numbers {
            run: (contents.runs.len() as i64).saturating_add(1),
            event: (contents.entries.len() as i64).saturating_add(1),
        };
        inner.contents = contents.clone();
        Ok(())
    }

    async fn stand(&self, standing: Standing) -> Result<(), StateError> {
        let mut slot = self.link.lock().await;
        self.ensure_whole()?;
        let binding = &self.place.binding;
        let statement = {
            let Contents { lineage, serial, .. } = &self.inner.borrow().contents;
            self.place.rows().put_meta(&MetaRow {
                owner: binding,
                standing: &standing,
                lineage,
                serial: *serial,
            })
        };
        self.make_durable(&mut slot, vec![statement.map_err(|fault| self.error(fault))?]).await?;
        let contents = &mut self.inner.borrow_mut().contents;
        contents.owner = Some(binding.clone());
        contents.standing = standing;
        Ok(())
    }

    async fn release(self) -> Result<(), StateError> {
        let mut slot = self.link.lock().await;
        if let Some(error @ StateError::Fenced { .. }) = &self.inner.borrow().broken {
            return Err(error.clone());
        }
        let give_back = || {
            let fence = self.inner.borrow().fence;
            self.place.rows().give_back(fence, &self.holder_id)
        };
        self.change_lease(&mut slot, give_back).await
    }
}
