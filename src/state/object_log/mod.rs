//! The state in object storage: a log of objects of which each is created only if it is absent.
//!
//! **The log alone decides.** Its next number is the lock: who takes over writes the next entry, so the next write of the
//! holder before meets it and is fenced, whatever any clock says. A holder writes a sign of life beside the log; who waits
//! for the lock watches it by his own monotonic clock, for as long as the holder said that he may be silent. No clock of a
//! store and no two clocks are compared for anything but a display.
//!
//! `log/N` is one write or one change of the lock, `snapshot/N` is everything up to that entry, `lease/N` the sign of life
//! of whom entry `N` gave the lock to, and `floor` names the snapshot before which the log may be gone. Everything is
//! found out by [`replay`], which is pure; a write that got no answer is found out about in [`mod@write`].

mod compact;
mod format;
mod held;
mod lock;
mod open;
mod probe;
mod read;
mod replay;
mod requests;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;
use rustix::fs::Access;

use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{Lineage, Serial};
use crate::model::prior::{Binding, Prior};
use crate::state::contents::Contents;
use crate::state::lease::{Holder, Lease};
use crate::state::place::Place;
use crate::state::{PastRun, StateError, Store};
use format::{Change, Logged, Unfit};
use replay::Replay;
use requests::{Folder, Lost, Object, Requests};
use write::Created;

pub use compact::YOUNGEST;
pub use held::HeldLog;
pub use open::{CREDENTIALS, open};
pub use requests::Counts;

/// How many entries a log may have that no snapshot covers.
pub const BETWEEN_SNAPSHOTS: u64 = 500;

/// Names a state in object storage, to whom it must belong, and the lineage that it gets at its first use.
#[derive(Clone, Debug)]
pub struct ObjectLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    requests: Requests,
    /// As messages have it, without credentials.
    name: String,
    binding: Binding,
    proposed: Lineage,
    lease: Duration,
}

impl ObjectLog {
    /// Names a state; asks nothing of the store. `lease` is how long a holder of the lock may give no sign of life.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        name: String,
        prefix: Path,
        binding: Binding,
        proposed: Lineage,
        lease: Duration,
    ) -> Self {
        let requests = Requests { store, prefix, counts: Counts::default(), folder: None };
        Self(Arc::new(Inner { requests, name, binding, proposed, lease }))
    }

    /// Returns how long a holder of the lock may give no sign of life.
    pub fn lease_length(&self) -> Duration {
        self.0.lease
    }

    /// Tells whether it is a folder of this computer.
    pub fn is_folder(&self) -> bool {
        self.0.requests.folder.is_some()
    }

    /// Tells whether this user may write to it, where that can be told without writing: in a folder.
    pub fn may_write(&self) -> Option<bool> {
        let folder = self.0.requests.folder.as_ref()?;
        // One that is not there yet is made in the nearest that is.
        let there = folder.ancestors().find(|folder| folder.exists())?;
        let kinds = [Folder::Log, Folder::Snapshots, Folder::Leases].map(|kind| folder.join(kind.name()));
        let mut all = kinds.iter().filter(|kind| kind.exists()).map(PathBuf::as_path).chain([there]);
        let rights = Access::WRITE_OK | Access::EXEC_OK;
        Some(all.all(|folder| rustix::fs::access(folder, rights).is_ok()))
    }

    /// Returns how many requests were made for it.
    pub fn counts(&self) -> &Counts {
        &self.0.requests.counts
    }

    /// Reads what may be used.
    async fn active(&self) -> Result<Replay, StateError> {
        let replay = self.read().await?;
        self.ensure_active(&replay.contents)?;
        Ok(replay)
    }

    fn ensure_active(&self, contents: &Contents) -> Result<(), StateError> {
        contents.standing.ensure_active(&self.0.name)
    }

    /// Refuses a state of another project.
    fn ensure_ours(&self, owner: Option<&Binding>) -> Result<(), StateError> {
        self.0.binding.ensure_owns(owner, &self.0.name)
    }

    fn shown(&self) -> String {
        self.0.name.clone()
    }

    fn failed(&self, doing: &'static str, why: impl Into<String>) -> StateError {
        StateError::Failed { doing, path: self.shown(), why: why.into() }
    }

    fn fenced(&self) -> StateError {
        StateError::Fenced { path: self.shown() }
    }

    fn corrupt(&self, object: &Object, what: impl std::fmt::Display) -> StateError {
        StateError::Corrupt { path: self.shown(), what: format!("`{object}`: {what}") }
    }

    /// Says what is in the place of what a store keeps.
    fn odd(&self, what: String) -> StateError {
        StateError::Corrupt { path: self.shown(), what }
    }

    /// Says why an object could not be got.
    fn unread(&self, object: &Object, lost: Lost) -> StateError {
        match lost {
            Lost::TooLarge(_) => self.corrupt(object, lost.why()),
            Lost::Odd(what) => self.odd(what),
            Lost::Refused(why) | Lost::Exists(why) | Lost::Unsure(why) => self.failed("read", why),
        }
    }

    /// Says why an object could not be used.
    fn unfit(&self, object: &Object, unfit: Unfit) -> StateError {
        let path = || format!("{object} of {}", self.0.name);
        match unfit {
            Unfit::Newer(found) => StateError::Newer { path: path(), found, known: format::VERSION },
            Unfit::Foreign => StateError::Foreign { path: path() },
            Unfit::Damaged(what) => self.corrupt(object, what),
        }
    }
}

impl Store for ObjectLog {
    async fn load(&self) -> Result<Prior, StateError> {
        Ok(self.active().await?.contents.prior())
    }
}

impl Place for ObjectLog {
    type Held = HeldLog;

    fn name(&self) -> String {
        self.shown()
    }

    async fn serial(&self) -> Result<Serial, StateError> {
        Ok(self.active().await?.contents.serial)
    }

    async fn runs(&self) -> Result<Vec<PastRun>, StateError> {
        Ok(self.active().await?.contents.runs)
    }

    async fn history(&self) -> Result<Vec<PastRun>, StateError> {
        Ok(self.active().await?.contents.history())
    }

    async fn lease(&self) -> Result<Option<Lease>, StateError> {
        let replay = self.read().await?;
        self.lease_of(&replay).await
    }

    /// For display only: it compares the time of the store's last sign of life with `now`, and nothing but the log and a
    /// taker's own clock says whether the lock can be taken.
    async fn who_writes(&self, _host: &str, now: Timestamp) -> Result<Option<Lease>, StateError> {
        Ok(self.lease().await?.filter(|lease| now < lease.expires_at))
    }

    async fn lock(&self, holder: &Holder, clock: &impl Clock, wait: Duration) -> Result<HeldLog, StateError> {
        self.take(holder, clock, wait).await
    }

    async fn unlock(&self) -> Result<Option<Lease>, StateError> {
        loop {
            let replay = self.read().await?;
            let Some(lease) = self.lease_of(&replay).await? else { return Ok(None) };
            let fence = replay.holding.as_ref().map_or(0, |holding| holding.number);
            let logged = Logged {
                number: replay.next,
                // Two who do this at once do the same, so that it is done for both.
                batch: format!("unlock {fence}"),
                fence,
                lineage: replay.contents.lineage.clone(),
                at: None,
                change: Change::Unlocked,
            };
            let (object, text) = self.written(&logged)?;
            match self.create(&object, &text).await {
                Created::Done => return Ok(Some(lease)),
                // Its holder, or another, was faster: whose lock is it now?
                Created::Taken => {}
                Created::Refused(why) => return Err(self.failed("unlock", why)),
                Created::Unknown(why) => return Err(StateError::Unknown { path: self.shown(), why }),
            }
        }
    }

    async fn contents(&self) -> Result<Option<Contents>, StateError> {
        let replay = self.read().await?;
        Ok(if replay.is_unused() { None } else { Some(replay.contents) })
    }
}
