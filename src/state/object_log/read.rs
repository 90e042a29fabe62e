//! Reading a log: from a snapshot, number by number, until there is none.
//!
//! Listings may lag, so they only say where to begin and what to ask for at once; what there is, the objects say. A
//! compaction writes the floor before it deletes, so whoever meets a hole that one made finds the floor above it.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::ObjectLog;
use super::format::{Floor, Holding, Logged, Snapshot, decode};
use super::replay::Replay;
use super::requests::{Folder, Listed, Lost, Object, Read};
use crate::model::clock::{SignedDuration, Timestamp};
use crate::model::stored::Stored;
use crate::state::StateError;
use crate::state::lease::Lease;

/// How many entries are asked for at once.
const AHEAD: u64 = 16;

/// How often reading begins anew because the log was compacted meanwhile.
const ATTEMPTS: usize = 8;

/// How often one question is asked, with pauses that double.
const TRIES: usize = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// For how long a question that got no answer is asked again.
const PATIENCE: Duration = Duration::from_secs(20);

/// How far a log was read.
enum End {
    /// To its end.
    Whole,
    /// To a hole that a compaction left; it is to be read from this snapshot on.
    Below(u64),
}

impl ObjectLog {
    /// Reads everything.
    pub(super) async fn read(&self) -> Result<Replay, StateError> {
        let mut replay = self.newest_snapshot().await?;
        for _ in 0..ATTEMPTS {
            let behind = replay.next - 1;
            let listed = self.listed(Folder::Log, behind).await?;
            match self.follow(&mut replay, highest(&listed)).await? {
                End::Whole if replay.next == 1 && self.has_begun().await? => {}
                End::Whole => {
                    self.ensure_ours(replay.contents.owner.as_ref())?;
                    return Ok(replay);
                }
                End::Below(number) => {
                    let object = Object::Snapshot(number);
                    let missing = || self.corrupt(&object, "`floor` names it, and it is not there");
                    replay = self.snapshot(number).await?.ok_or_else(missing)?;
                }
            }
        }
        Err(self.failed("read", "it is compacted faster than it can be read; try again"))
    }

    /// Refuses a sign of life without any entry: whoever gave it held the lock of a log that is not there any more. Tells
    /// whether that log has come into being meanwhile.
    async fn has_begun(&self) -> Result<bool, StateError> {
        let leases = self.listed(Folder::Leases, 0).await?;
        let Some(newest) = leases.iter().map(|listed| listed.number).max() else { return Ok(false) };
        let first = Object::Entry(1);
        if self.fetch(&first).await?.is_some() || self.floor().await?.is_some() {
            return Ok(true);
        }
        Err(self.corrupt(&first, format!("it is missing, and `{}` is there", Object::Lease(newest))))
    }

    /// Goes on to the end of the log, without asking whether there is a hole.
    pub(super) async fn catch_up(&self, replay: &mut Replay) -> Result<(), StateError> {
        match self.follow(replay, 0).await? {
            End::Whole => {}
            End::Below(_) => *replay = self.read().await?,
        }
        self.ensure_ours(replay.contents.owner.as_ref())
    }

    /// Reads on until a number has no entry; `highest` is the highest one that a listing from before has.
    async fn follow(&self, replay: &mut Replay, highest: u64) -> Result<End, StateError> {
        loop {
            while self.read_ahead(replay, highest).await? {}
            let end = replay.next;
            match self.floor().await? {
                Some(floor) if floor >= end => return Ok(End::Below(floor)),
                Some(_) | None => {}
            }
            if highest <= end {
                return Ok(End::Whole);
            }
            // Entries come into being in their order, so one that was listed proves those before it.
            let object = Object::Entry(end);
            if self.fetch(&object).await?.is_none() {
                let higher = Object::Entry(highest);
                return Err(self.corrupt(&object, format!("it is missing, and `{higher}` is there")));
            }
        }
    }

    /// Reads some entries at once and tells whether there may be more.
    async fn read_ahead(&self, replay: &mut Replay, highest: u64) -> Result<bool, StateError> {
        let first = replay.next;
        let last = highest.min(first.saturating_add(AHEAD - 1)).max(first);
        let objects: Vec<Object> = (first..=last).map(Object::Entry).collect();
        let answers = join_all(objects.iter().map(|object| self.fetch(object))).await;
        for (object, answer) in objects.iter().zip(answers) {
            let Some(read) = answer? else { return Ok(false) };
            let logged: Logged = self.decoded(object, &read)?;
            replay.follow(logged).map_err(|what| self.corrupt(object, what))?;
        }
        Ok(true)
    }

    /// Reads the newest snapshot that is there.
    async fn newest_snapshot(&self) -> Result<Replay, StateError> {
        let mut listed = self.listed(Folder::Snapshots, 0).await?;
        listed.sort_unstable_by_key(|listed| std::cmp::Reverse(listed.number));
        for Listed { number, written_at: _ } in listed {
            if let Some(replay) = self.snapshot(number).await? {
                return Ok(replay);
            }
        }
        Ok(Replay::empty(&self.0.proposed))
    }

    pub(super) async fn snapshot(&self, number: u64) -> Result<Option<Replay>, StateError> {
        let object = Object::Snapshot(number);
        let Some(read) = self.fetch(&object).await? else { return Ok(None) };
        let snapshot: Snapshot = self.decoded(&object, &read)?;
        if snapshot.number != number {
            return Err(self.corrupt(&object, format!("it says that it is number {}", snapshot.number)));
        }
        let replay = Replay::from_snapshot(snapshot, &self.0.proposed);
        replay.map(Some).map_err(|what| self.corrupt(&object, what))
    }

    /// Returns the snapshot before which the log may be gone.
    pub(super) async fn floor(&self) -> Result<Option<u64>, StateError> {
        let Some(read) = self.fetch(&Object::Floor).await? else { return Ok(None) };
        let Floor { snapshot } = self.decoded(&Object::Floor, &read)?;
        Ok(Some(snapshot))
    }

    /// Reads an object; `None` if there is none.
    pub(super) async fn fetch(&self, object: &Object) -> Result<Option<Read>, StateError> {
        let read = insisting(|| self.0.requests.get(object)).await;
        read.map_err(|lost| self.unread(object, lost))
    }

    /// Lists a folder behind a number.
    pub(super) async fn listed(&self, folder: Folder, behind: u64) -> Result<Vec<Listed>, StateError> {
        let listed = insisting(|| self.0.requests.list(folder, behind)).await;
        listed.map_err(|lost| match lost {
            Lost::Odd(what) => self.odd(what),
            lost => self.failed("read", lost.why()),
        })
    }

    fn decoded<T: Stored>(&self, object: &Object, read: &Read) -> Result<T, StateError> {
        decode(object, &read.text).map_err(|unfit| self.unfit(object, unfit))
    }

    /// Returns who holds the lock or died with it, with the time of the store for his last sign of life.
    pub(super) async fn lease_of(&self, replay: &Replay) -> Result<Option<Lease>, StateError> {
        let Some(Holding { number, holder, lease_ms, since }) = &replay.holding else { return Ok(None) };
        let beat = match self.fetch(&Object::Lease(*number)).await? {
            Some(beat) => Some(beat),
            None => self.fetch(&Object::Entry(*number)).await?,
        };
        let last = beat.map_or(*since, |beat| beat.written_at);
        Ok(Some(Lease {
            holder: holder.clone(),
            since: *since,
            expires_at: later(last, *lease_ms),
            fence: i64::try_from(*number).unwrap_or(i64::MAX),
        }))
    }
}

/// Asks again where an answer says nothing, as every store is busy at times: to ask changes nothing.
async fn insisting<T>(ask: impl AsyncFn() -> Result<T, Lost>) -> Result<T, Lost> {
    let mut pause = FIRST_PAUSE;
    let began = Instant::now();
    for _ in 1..TRIES {
        match ask().await {
            // A store that says nothing for so long is not merely busy, and a person waits.
            Err(Lost::Unsure(_)) if began.elapsed() < PATIENCE => sleep(pause).await,
            answer => return answer,
        }
        pause *= 2;
    }
    ask().await
}

fn highest(listed: &[Listed]) -> u64 {
    listed.iter().map(|listed| listed.number).max().unwrap_or(0)
}

fn later(time: Timestamp, milliseconds: u64) -> Timestamp {
    let length = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
    time.saturating_add(length).unwrap_or(Timestamp::MAX)
}
