//! The journal as actions use it: events of one turn go into one commit.

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::apply::ending::Halt;
use crate::apply::gate::Records;
use crate::model::address::Address;
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{RunId, Serial};
use crate::model::journal::{ActionStatus, Entry, Event};
use crate::model::plan::ActionId;
use crate::model::prior::{Prior, Recorded};
use crate::state::{Batch, Journal, RecordChange};

/// Collects events, commits them, and mirrors what is durable.
pub(super) struct Ledger<'a, J, C> {
    journal: &'a J,
    clock: &'a C,
    run: &'a RunId,
    queue: RefCell<Vec<Queued>>,
    /// How many batches were queued and how many of them are durable.
    queued: Cell<u64>,
    durable: Cell<u64>,
    broken: RefCell<Option<String>>,
    work: Notify,
    written: Notify,
    /// Told once, and apart from `written`, as all who wait for anything listen to it.
    broke: Notify,
    statuses: RefCell<BTreeMap<ActionId, ActionStatus>>,
    records: RefCell<Records>,
    /// The version of the state by the last commit.
    serial: Cell<Serial>,
}

/// A commit that is durable.
pub(super) struct Committed {
    /// A moment before it began.
    asked: Asked,
    /// The version of the state with it, or a later one.
    pub(super) serial: Serial,
}

/// A moment by both clocks.
#[derive(Clone, Copy)]
struct Asked {
    at: Instant,
    awake: Option<Timestamp>,
}

struct Queued {
    action: ActionId,
    status: ActionStatus,
    entries: Vec<Entry>,
    changes: Vec<RecordChange>,
}

impl<'a, J: Journal, C: Clock> Ledger<'a, J, C> {
    pub(super) fn new(journal: &'a J, clock: &'a C, run: &'a RunId, prior: &Prior) -> Self {
        Self {
            journal,
            clock,
            run,
            queue: RefCell::default(),
            queued: Cell::default(),
            durable: Cell::default(),
            broken: RefCell::default(),
            work: Notify::new(),
            written: Notify::new(),
            broke: Notify::new(),
            statuses: RefCell::default(),
            records: RefCell::new(Records::new(prior.objects.clone())),
            serial: Cell::new(prior.serial),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns how long ago a commit was asked for, by the larger of two clocks: the one that waiting is measured with
    /// stands still while the computer is suspended, and the other one may be set back.
    pub(super) fn age(&self, Committed { asked: Asked { at, awake }, serial: _ }: &Committed) -> Duration {
        let slept = awake.zip(self.clock.awake()).map(|(then, now)| now.duration_since(then));
        let slept = slept.and_then(|slept| Duration::try_from(slept).ok()).unwrap_or_default();
        at.elapsed().max(slept)
    }

    pub(super) fn status(&self, action: &ActionId) -> ActionStatus {
        self.statuses.borrow().get(action).cloned().unwrap_or_default()
    }

    /// Returns the records as they are durable.
    pub(super) fn records(&self) -> Ref<'_, Records> {
        self.records.borrow()
    }

    pub(super) fn recorded(&self, address: &Address) -> Option<Recorded> {
        self.records.borrow().get(address).cloned()
    }

    /// Returns why the journal cannot be written, once it cannot.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.borrow().clone()
    }

    /// Waits until the journal cannot be written.
    pub(super) async fn until_broken(&self) {
        while self.broken.borrow().is_none() {
            self.broke.notified().await;
        }
    }

    /// Returns the version of the state by the last commit.
    pub(super) fn serial(&self) -> Serial {
        self.serial.get()
    }

    /// Makes events of one action and what they change durable.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub(super) async fn commit(
        &self,
        action: &ActionId,
        events: Vec<(Timestamp, Event)>,
        changes: Vec<RecordChange>,
    ) -> Result<Committed, Halt> {
        let mut status = self.status(action);
        for (_, event) in &events {
            status = match status.next(event) {
                Ok(status) => status,
                Err(illegal) => {
                    self.breaks(illegal.to_string());
                    return Err(Halt::JournalBroken);
                }
            };
        }
        let entry = |(at, event)| Entry { at, run: self.run.clone(), action: action.clone(), event };
        let entries = events.into_iter().map(entry).collect();
        let asked = Asked { at: Instant::now(), awake: self.clock.awake() };
        self.queue.borrow_mut().push(Queued { action: action.clone(), status, entries, changes });
        self.queued.set(self.queued.get() + 1);
        let ticket = self.queued.get();
        self.work.notify_one();
        loop {
            if self.durable.get() >= ticket {
                return Ok(Committed { asked, serial: self.serial.get() });
            }
            if self.broken.borrow().is_some() {
                return Err(Halt::JournalBroken);
            }
            self.written.notified().await;
        }
    }

    /// Commits what is queued, as long as the run lasts. It is polled after the actions, so that what they queue in
    /// one turn shares a commit.
    pub(super) async fn write(&self, ahead: usize) -> Infallible {
        // Not before then is the next commit made.
        let mut rested = Instant::now();
        loop {
            self.work.notified().await;
            sleep_until(rested).await;
            let queued = self.queue.take();
            if queued.is_empty() || self.broken.borrow().is_some() {
                continue;
            }
            let count = queued.len() as u64;
            let mut batch = Batch::default();
            let mut statuses = Vec::new();
            for Queued { action, status, entries, changes } in queued {
                statuses.push((action, status));
                batch.entries.extend(entries);
                batch.changes.extend(changes);
            }
            let began = Instant::now();
            match self.journal.commit(&batch).await {
                Ok(serial) => {
                    rested = Instant::now() + rest(began.elapsed(), ahead);
                    self.serial.set(serial);
                    self.statuses.borrow_mut().extend(statuses);
                    self.mirror(batch.changes);
                    self.durable.set(self.durable.get() + count);
                    self.written.notify_waiters();
                }
                Err(error) => self.breaks(error.to_string()),
            }
        }
    }

    fn breaks(&self, why: String) {
        self.broken.borrow_mut().get_or_insert(why);
        self.written.notify_waiters();
        self.broke.notify_waiters();
    }

    fn mirror(&self, changes: Vec<RecordChange>) {
        let mut records = self.records.borrow_mut();
        for change in changes {
            match change {
                RecordChange::Put(address, recorded) => {
                    records.put(address, *recorded);
                }
                RecordChange::Remove(address) => {
                    records.remove(&address);
                }
                RecordChange::Rename { from, to } => {
                    if let Some(recorded) = records.remove(&from) {
                        records.put(to, recorded);
                    }
                }
                RecordChange::Tombstone(_)
                | RecordChange::Unseen(..)
                | RecordChange::Doubt(_)
                | RecordChange::Know(..)
                | RecordChange::Continue { .. } => {}
            }
        }
    }
}

/// Returns how long a journal rests after a commit that took so long.
///
/// While many requests are answered there is always something to commit, and where each commit is paid for and takes its
/// time, a few that hold more cost less and are over no later. What is quick takes its time from this process, on a file
/// at least: half of it is left to requests, where these go out ahead of what is noted. A commit after a pause is made at
/// once.
fn rest(took: Duration, ahead: usize) -> Duration {
    /// What is quicker is no store that is paid by the commit.
    const QUICK: Duration = Duration::from_millis(15);
    if took >= QUICK {
        took / 3
    } else if ahead > 0 {
        took
    } else {
        Duration::ZERO
    }
}
