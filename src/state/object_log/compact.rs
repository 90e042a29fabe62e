//! Deleting what a snapshot has anyway.
//!
//! First the floor is written, which tells readers where to go on, then what lies below it is deleted. Nothing young is:
//! a holder of the lock who slept, or a write that is still under way, must not find its number free.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;

use super::format::Floor;
use super::held::HeldLog;
use super::requests::{Folder, Listed, Object};
use crate::model::clock::{SignedDuration, Timestamp};
use crate::state::StateError;
use crate::state::place::Compacted;

/// The least age of what is deleted, by the store's clock.
pub const YOUNGEST: Duration = Duration::from_secs(7 * 24 * 3600);

impl HeldLog {
    /// Deletes entries and snapshots that a newer snapshot replaces, but none younger than `keep` or [`YOUNGEST`], and never
    /// the two newest snapshots. No event is lost by that: snapshots hold them all.
    pub(super) async fn delete_replaced(&self, keep: Duration) -> Result<Compacted, StateError> {
        let writer = &mut *self.writer.lock().await;
        self.ensure_usable(writer)?;
        let youngest = earlier(self.time_of_store().await?, keep.max(YOUNGEST));
        let is_old = |listed: &&Listed| listed.written_at <= youngest;
        let entries = self.log.listed(Folder::Log, 0).await?;
        let mut snapshots = self.log.listed(Folder::Snapshots, 0).await?;
        snapshots.sort_unstable_by_key(|listed| listed.number);
        let replaced = snapshots.len().saturating_sub(1);
        let floor = snapshots.iter().take(replaced).rfind(is_old).map(|listed| listed.number);
        let floor = floor.max(self.log.floor().await?);
        let total = (entries.len() + snapshots.len()) as u64;
        let Some(floor) = floor else { return Ok(Compacted { deleted: 0, kept: total }) };
        // Everything below it will be gone, so it must be one that can be read.
        if self.log.snapshot(floor).await?.is_none() {
            return Err(self.log.corrupt(&Object::Snapshot(floor), "it was listed, and it is not there"));
        }
        self.look_again(writer).await?;
        let text = self.log.encoded(&Object::Floor, &Floor { snapshot: floor })?;
        let written = self.log.0.requests.overwrite(&Object::Floor, &text).await;
        written.map_err(|lost| self.log.failed("compact", lost.why()))?;
        if self.log.floor().await? != Some(floor) {
            return Err(self.log.failed("compact", "another run compacts it"));
        }
        let old = |listed: &[Listed], most: u64| -> BTreeSet<u64> {
            listed
                .iter()
                .filter(is_old)
                .map(|listed| listed.number)
                .filter(|number| *number <= most)
                .collect()
        };
        let mut deleted = self.delete_all(Folder::Log, old(&entries, floor)).await?;
        deleted += self.delete_all(Folder::Snapshots, old(&snapshots, floor.saturating_sub(1))).await?;
        let kept = total - deleted;
        let leases = self.log.listed(Folder::Leases, 0).await?;
        let mut leases = old(&leases, floor);
        leases.remove(&self.fence);
        deleted += self.delete_all(Folder::Leases, leases).await?;
        Ok(Compacted { deleted, kept })
    }

    async fn delete_all(&self, folder: Folder, numbers: BTreeSet<u64>) -> Result<u64, StateError> {
        let mut deleted = 0;
        for number in numbers {
            let done = self.log.0.requests.delete(&folder.object(number)).await;
            done.map_err(|lost| self.log.failed("compact", lost.why()))?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Returns the time by the clock that the ages of objects are told by.
    async fn time_of_store(&self) -> Result<Timestamp, StateError> {
        let object = Object::Probe(format!("time-{:020}", self.fence));
        let requests = &self.log.0.requests;
        let written = requests.overwrite(&object, &Bytes::from_static(b"1")).await;
        written.map_err(|lost| self.log.failed("compact", lost.why()))?;
        let read = self.log.fetch(&object).await;
        // What is left of it disturbs nobody.
        let _ = requests.delete(&object).await;
        read?
            .map(|read| read.written_at)
            .ok_or_else(|| self.log.failed("compact", "what was written is not there"))
    }
}

fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.saturating_sub(by).unwrap_or(Timestamp::MIN)
}
