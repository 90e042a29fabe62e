//! The row that says who may write. Whoever changes anything locks it first, so that writes come one after another, and
//! compares its number, so that one who was taken over from writes nothing. All times are the server's.

use std::time::Duration;

use tokio_postgres::Row;

use super::fault::Fault;
use super::link::{Link, Statement};
use super::read::{Rows, only, value};
use crate::model::clock::Timestamp;
use crate::state::lease::{Holder, Lease};
use crate::state::text::{json, parse};

/// What the row says.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    pub(super) number: i64,
    pub(super) holder_id: Option<String>,
    /// The newest batch of the holder.
    pub(super) last_batch: Option<String>,
    pub(super) lease: Option<Lease>,
    /// Whether the lease has not expired.
    pub(super) is_running: bool,
}

impl Rows<'_> {
    /// Reads the row.
    pub(super) async fn fence(&self, link: &Link) -> Result<Option<Fence>, Fault> {
        self.read_fence(link, "").await
    }

    /// Reads the row and locks it until the transaction ends, waiting for others that have it locked.
    pub(super) async fn locked_fence(&self, link: &Link) -> Result<Option<Fence>, Fault> {
        self.read_fence(link, "FOR UPDATE").await
    }

    async fn read_fence(&self, link: &Link, locking: &str) -> Result<Option<Fence>, Fault> {
        let query = format!(
            "SELECT fence, holder_id, last_batch, holder, (extract(epoch FROM since) * 1000000)::bigint,
                    (extract(epoch FROM expires_at) * 1000000)::bigint,
                    coalesce(expires_at > clock_timestamp(), false)
             FROM {} WHERE state = $1 {locking}",
            self.table("lease")
        );
        let rows = link.rows(&query, &[self.state()]).await?;
        rows.first().map(fence).transpose()
    }

    /// Returns what makes the row before the first use of a state. One that was used has it, and a new one would give
    /// numbers again that others still write under.
    pub(super) fn make_fence(&self) -> Statement {
        let text = format!(
            "INSERT INTO {} (state, fence) SELECT $1, 0 WHERE NOT EXISTS (SELECT 1 FROM {} WHERE state = $1)
             ON CONFLICT DO NOTHING",
            self.table("lease"),
            self.table("meta")
        );
        Statement { text, values: vec![self.state()] }
    }

    /// Writes a new holder into the locked row and returns his number.
    pub(super) async fn take(&self, link: &Link, holder: &Holder, lease: Duration) -> Result<i64, Fault> {
        let query = format!(
            "UPDATE {} SET fence = fence + 1, holder_id = $2, holder = $3, last_batch = NULL,
                           since = clock_timestamp(), expires_at = {}
             WHERE state = $1 RETURNING fence",
            self.table("lease"),
            expiry(lease)
        );
        let values = [self.state(), holder.id.as_str().into(), json(holder)?.into()];
        only(&link.rows(&query, &values).await?)
    }

    /// Returns what raises the number and leaves the holder as he is.
    pub(super) fn raise(&self) -> Statement {
        let text = format!("UPDATE {} SET fence = fence + 1 WHERE state = $1", self.table("lease"));
        Statement { text, values: vec![self.state()] }
    }

    /// Returns what renews the lease of this holder and no other.
    pub(super) fn renew(&self, number: i64, holder_id: &str, lease: Duration) -> Statement {
        let text = format!(
            "UPDATE {} SET expires_at = {} WHERE state = $1 AND fence = $2 AND holder_id = $3",
            self.table("lease"),
            expiry(lease)
        );
        Statement { text, values: vec![self.state(), number.into(), holder_id.into()] }
    }

    /// Returns what notes the holder's newest batch; the lease is renewed by the way.
    pub(super) fn note_batch(&self, batch: &str, lease: Duration) -> Statement {
        let text = format!(
            "UPDATE {} SET last_batch = $2, expires_at = {} WHERE state = $1",
            self.table("lease"),
            expiry(lease)
        );
        Statement { text, values: vec![self.state(), batch.into()] }
    }

    /// Returns what takes this holder out, again if that was done already; the number stays, so that no number is given twice.
    pub(super) fn give_back(&self, number: i64, holder_id: &str) -> Statement {
        let text = format!(
            "UPDATE {} SET {NOBODY} WHERE state = $1 AND fence = $2 AND (holder_id = $3 OR holder_id IS NULL)",
            self.table("lease")
        );
        Statement { text, values: vec![self.state(), number.into(), holder_id.into()] }
    }

    /// Returns what takes any holder out and keeps him from writing.
    pub(super) fn clear(&self) -> Statement {
        let text = format!("UPDATE {} SET fence = fence + 1, {NOBODY} WHERE state = $1", self.table("lease"));
        Statement { text, values: vec![self.state()] }
    }
}

const NOBODY: &str = "holder_id = NULL, holder = NULL, since = NULL, expires_at = NULL, last_batch = NULL";

fn expiry(lease: Duration) -> String {
    format!("clock_timestamp() + interval '{} microseconds'", lease.as_micros())
}

fn fence(row: &Row) -> Result<Fence, Fault> {
    let number = value(row, 0)?;
    let lease = match (value::<Option<&str>>(row, 3)?, value(row, 4)?, value(row, 5)?) {
        (Some(holder), Some(since), Some(expires_at)) => Some(Lease {
            holder: parse(holder).map_err(|error| Fault::Damaged(format!("the lease: {error}")))?,
            since: time(since)?,
            expires_at: time(expires_at)?,
            fence: number,
        }),
        (None, ..) => None,
        (Some(_), ..) => return Err(Fault::Damaged("the lease has a holder and no times".to_owned())),
    };
    Ok(Fence {
        number,
        holder_id: value(row, 1)?,
        last_batch: value(row, 2)?,
        lease,
        is_running: value(row, 6)?,
    })
}

fn time(microseconds: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_microsecond(microseconds).map_err(|error| Fault::Damaged(format!("the lease: {error}")))
}
