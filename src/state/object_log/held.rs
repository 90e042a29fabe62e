//! The state while its lock is held: contents in memory, one write after the other.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::BETWEEN_SNAPSHOTS;
use super::ObjectLog;
use super::format::{Beat, Change, Logged, Snapshot, Whole};
use super::replay::Replay;
use super::requests::Object;
use super::write::Created;
use crate::model::clock::{Clock, SignedDuration, Timestamp};
use crate::model::id::{RunId, Serial};
use crate::model::prior::{Binding, Prior};
use crate::state::contents::{Contents, Delta, Write};
use crate::state::lease::{self, Holder};
use crate::state::place::{Compacted, Held};
use crate::state::{Batch, Journal, Run, Standing, StateError, Store};

/// After how many entries a snapshot that failed is tried again.
const AFTER_FAILURE: u64 = 50;

/// A state in object storage whose lock this process took.
#[derive(Debug)]
pub struct HeldLog {
    pub(super) log: ObjectLog,
    holder: Holder,
    /// The number of the entry that took the lock.
    pub(super) fence: u64,
    pub(super) writer: Mutex<Writer>,
    beats: Cell<u64>,
    /// What time it was when, by the holder's clock.
    known: Cell<(Timestamp, Instant)>,
}

/// What one write after the other needs.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) replay: Replay,
    /// How many entries were written.
    written: u64,
    /// Whether one of them changed more than the lock.
    has_changed: bool,
    /// The entry after which a snapshot is due.
    snapshot_due: u64,
    heard: Heard,
    /// Why nothing more is written or read.
    lost: Option<Lost>,
}

/// Why a lock can be used no longer.
#[derive(Clone, Debug)]
enum Lost {
    Fenced,
    Unknown(String),
}

/// When it was last certain that the lock is held.
#[derive(Clone, Copy, Debug)]
struct Heard {
    monotonic: Instant,
    wall: SystemTime,
}

impl Heard {
    #[expect(
        clippy::disallowed_methods,
        reason = "a monotonic clock stands still while a computer sleeps; nothing is recorded, it only looks once more"
    )]
    fn now() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    /// Returns how long ago it was, by the clock that says the most.
    fn silence(&self) -> Duration {
        let now = Self::now();
        // A wall clock that was set back says nothing.
        let wall = now.wall.duration_since(self.wall).unwrap_or_default();
        now.monotonic.saturating_duration_since(self.monotonic).max(wall)
    }
}

impl HeldLog {
    pub(super) fn new(log: ObjectLog, replay: Replay, holder: Holder, at: Timestamp) -> Self {
        let fence = replay.next - 1;
        let writer = Writer {
            snapshot_due: replay.snapshot.saturating_add(BETWEEN_SNAPSHOTS),
            replay,
            written: 0,
            has_changed: false,
            heard: Heard::now(),
            lost: None,
        };
        let known = Cell::new((at, Instant::now()));
        Self { log, holder, fence, writer: Mutex::new(writer), beats: Cell::new(0), known }
    }

    /// Returns the time by the holder's clock, as far as it was told.
    fn now(&self) -> Timestamp {
        let (at, since) = self.known.get();
        let passed = SignedDuration::try_from(since.elapsed()).unwrap_or_default();
        at.saturating_add(passed).unwrap_or(at)
    }

    /// Refuses whatever follows a lost lock or a write that nobody knows about.
    pub(super) fn ensure_usable(&self, writer: &Writer) -> Result<(), StateError> {
        match &writer.lost {
            None => Ok(()),
            Some(Lost::Fenced) => Err(self.log.fenced()),
            Some(Lost::Unknown(why)) => Err(StateError::Unknown { path: self.log.shown(), why: why.clone() }),
        }
    }

    /// Makes sure that nobody has taken over. A number that is free says so only together with the floor: a computer that
    /// slept for days may find one free again.
    pub(super) async fn look_again(&self, writer: &mut Writer) -> Result<(), StateError> {
        let next = writer.replay.next;
        let heard = Heard::now();
        let is_taken = self.log.fetch(&Object::Entry(next)).await?.is_some();
        if is_taken || self.log.floor().await?.is_some_and(|floor| floor >= next) {
            writer.lost = Some(Lost::Fenced);
            return Err(self.log.fenced());
        }
        writer.heard = heard;
        Ok(())
    }

    /// Judges a write, makes it durable, and only then believes it.
    async fn write(&self, write: Write) -> Result<Serial, StateError> {
        let writer = &mut *self.writer.lock().await;
        self.ensure_usable(writer)?;
        self.log.ensure_active(&writer.replay.contents)?;
        let owner = self.first_owner(&writer.replay.contents);
        let judged = writer.replay.contents.draft(owner.as_ref(), &write);
        let delta = judged.map_err(|refused| self.log.failed("write", refused.to_string()))?;
        self.append_judged(writer, Change::Written { owner, write }, Some(delta)).await?;
        Ok(writer.replay.contents.serial)
    }

    /// Returns to whom the state belongs from here on, at its first use.
    fn first_owner(&self, contents: &Contents) -> Option<Binding> {
        contents.owner.is_none().then(|| self.log.0.binding.clone())
    }

    /// Writes the next entry.
    pub(super) async fn append(&self, writer: &mut Writer, change: Change) -> Result<(), StateError> {
        self.append_judged(writer, change, None).await
    }

    /// Writes the next entry; of a write, `delta` is what it makes of the state.
    async fn append_judged(
        &self,
        writer: &mut Writer,
        change: Change,
        delta: Option<Delta>,
    ) -> Result<(), StateError> {
        self.ensure_usable(writer)?;
        if writer.heard.silence() >= self.log.0.lease {
            self.look_again(writer).await?;
        }
        // A folder that was unmounted would be made anew, without what was in it.
        if self.log.0.requests.folder.as_ref().is_some_and(|folder| !folder.join("log").is_dir()) {
            return Err(self.log.failed("write", "its folder is not there any more".to_owned()));
        }
        let number = writer.replay.next;
        writer.written += 1;
        let logged = Logged {
            number,
            batch: format!("{} {} {}", self.holder.id, self.fence, writer.written),
            fence: self.fence,
            lineage: writer.replay.contents.lineage.clone(),
            at: Some(self.now()),
            change,
        };
        let (object, text) = self.log.written(&logged)?;
        let asked = Heard::now();
        // If nobody waits for the answer, it is not known either.
        writer.lost = Some(Lost::Unknown("nobody waited for its answer".to_owned()));
        match self.log.create(&object, &text).await {
            Created::Done => writer.lost = None,
            Created::Taken => {
                writer.lost = Some(Lost::Fenced);
                return Err(self.log.fenced());
            }
            Created::Refused(why) => {
                writer.lost = None;
                return Err(self.log.failed("write", why));
            }
            Created::Unknown(why) => {
                writer.lost = Some(Lost::Unknown(why.clone()));
                return Err(StateError::Unknown { path: self.log.shown(), why });
            }
        }
        let is_lock = matches!(logged.change, Change::Released);
        match delta {
            Some(delta) => writer.replay.absorb(delta),
            None => {
                if let Err(what) = writer.replay.follow(logged) {
                    writer.lost = Some(Lost::Unknown(what.clone()));
                    return Err(self.log.failed("write", what));
                }
            }
        }
        writer.has_changed |= !is_lock;
        if writer.heard.silence() >= self.log.0.lease {
            self.look_again(writer).await?;
        } else {
            writer.heard = asked;
        }
        if !is_lock && number >= writer.snapshot_due {
            self.snapshot(writer).await;
        }
        Ok(())
    }

    /// Writes a snapshot. Nothing depends on it but how much has to be read, so that it fails is no error.
    pub(super) async fn snapshot(&self, writer: &mut Writer) -> bool {
        let Replay { contents, holding, next, snapshot } = &mut writer.replay;
        let number = *next - 1;
        let object = Object::Snapshot(number);
        let whole = Snapshot { number, holding: holding.clone(), whole: Whole::of(contents) };
        let is_written = match self.log.encoded(&object, &whole) {
            Ok(text) => self.log.0.requests.create(&object, &text).await.is_ok(),
            Err(_) => false,
        };
        if is_written {
            *snapshot = number;
        }
        let entries = if is_written { BETWEEN_SNAPSHOTS } else { AFTER_FAILURE };
        writer.snapshot_due = number.saturating_add(entries);
        is_written
    }
}

impl Store for HeldLog {
    async fn load(&self) -> Result<Prior, StateError> {
        let writer = self.writer.lock().await;
        self.ensure_usable(&writer)?;
        self.log.ensure_active(&writer.replay.contents)?;
        Ok(writer.replay.contents.prior())
    }
}

impl Journal for HeldLog {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        self.write(Write::Begin(run.clone())).await.map(drop)
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        self.write(Write::Commit(batch.clone())).await
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        self.write(Write::Finish { run: run.clone(), at, summary: summary.to_owned() }).await.map(drop)
    }
}

impl Held for HeldLog {
    /// A sign of life that fails is made up for by the next; only when there was none for the whole lease has it failed.
    /// That another took over the next write tells, and not this.
    async fn keep(&self, clock: &impl Clock) -> StateError {
        let mut last = Instant::now();
        let object = Object::Lease(self.fence);
        loop {
            sleep(lease::beat(self.log.0.lease)).await;
            let at = clock.now();
            self.known.set((at, Instant::now()));
            self.beats.set(self.beats.get() + 1);
            let beat = Beat { number: self.fence, beat: self.beats.get(), at, holder: self.holder.clone() };
            let asked = Instant::now();
            let text = match self.log.encoded(&object, &beat) {
                Ok(text) => text,
                Err(error) => return error,
            };
            match self.log.0.requests.overwrite(&object, &text).await {
                Ok(()) => last = asked,
                Err(lost) if last.elapsed() >= self.log.0.lease => {
                    return self.log.failed("renew the lease of", lost.why());
                }
                Err(_) => {}
            }
        }
    }

    async fn replace(&self, contents: &Contents) -> Result<(), StateError> {
        self.log.ensure_ours(contents.owner.as_ref())?;
        let writer = &mut *self.writer.lock().await;
        self.append(writer, Change::Replaced(Box::new(Whole::of(contents)))).await
    }

    async fn stand(&self, standing: Standing) -> Result<(), StateError> {
        let writer = &mut *self.writer.lock().await;
        let owner = self.first_owner(&writer.replay.contents);
        self.append(writer, Change::Stood { owner, standing }).await
    }

    async fn compact(&self, keep: Duration) -> Result<Option<Compacted>, StateError> {
        self.delete_replaced(keep).await.map(Some)
    }

    async fn release(self) -> Result<(), StateError> {
        let writer = &mut *self.writer.lock().await;
        self.append(writer, Change::Released).await?;
        if writer.has_changed || writer.replay.next > writer.snapshot_due {
            self.snapshot(writer).await;
        }
        if self.beats.get() > 0 {
            // Nobody looks at it any more.
            let _ = self.log.0.requests.delete(&Object::Lease(self.fence)).await;
        }
        Ok(())
    }
}
