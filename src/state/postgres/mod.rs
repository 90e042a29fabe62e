//! The state in a PostgreSQL database, one schema for any number of projects.
//!
//! [`PostgresState`] names a state and reads it: a role that may only read suffices, and no row is locked. Its
//! [`lock`](Place::lock) makes a [`HeldPostgres`], the only thing that writes: see [`held`]. What a row may say is in
//! [`schema`], who may write in [`fence`]. No session keeps anything from one transaction to the next, so a pooler that
//! gives each transaction another connection (PgBouncer in transaction mode) may stand in between.

mod fault;
mod fence;
mod held;
mod link;
pub mod passfile;
mod read;
mod schema;
mod server;
mod write;

use std::time::Duration;

use futures_util::future::join;
use tokio::time::{Instant, sleep};

use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{Lineage, Serial};
use crate::model::location::Database;
use crate::model::prior::{Binding, Prior};
use crate::state::contents::Contents;
use crate::state::lease::{Holder, Lease, RETRY};
use crate::state::place::Place;
use crate::state::{PastRun, Standing, StateError, Store};
use fault::Fault;
pub use held::HeldPostgres;
use link::Link;
use read::{Events, Meta, Rows};
pub use server::Credentials;
use server::Server;
use write::Numbers;

/// How a transaction that writes begins, as one message and before it locks anything: so a holder whose connection died
/// in the middle blocks nobody for long.
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; \
                           SET LOCAL idle_in_transaction_session_timeout = '10s'; SET LOCAL lock_timeout = '5s'";

/// How one that reads begins: all of it sees one moment.
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// For how long something is tried again that did not get through.
const PATIENCE: Duration = Duration::from_secs(20);

/// Names a state, to whom it must belong, and the lineage that it gets at its first use.
#[derive(Clone, Debug)]
pub struct PostgresState {
    server: Server,
    binding: Binding,
    proposed: Lineage,
}

impl PostgresState {
    /// Names a state; connects to nothing. `roots` are the certificates (PEM) of the file that the database's name gives.
    pub fn new(
        database: Database,
        roots: Option<Vec<u8>>,
        credentials: Credentials,
        binding: Binding,
        proposed: Lineage,
    ) -> Self {
        Self { server: Server::new(database, roots, credentials), binding, proposed }
    }

    fn rows(&self) -> Rows<'_> {
        Rows { schema: self.server.schema(), state: self.binding.project.as_str() }
    }

    async fn connect(&self) -> Result<Link, Fault> {
        Link::open(&self.server).await
    }

    /// Reads something of one moment, refused if it belongs to another project; `None` where there are no tables.
    async fn read<T>(
        &self,
        what: impl AsyncFnOnce(&Link, Rows<'_>, Option<Meta>) -> Result<T, Fault>,
    ) -> Result<Option<T>, StateError> {
        let read = async {
            let link = self.connect().await?;
            if schema::version(&link, BEGIN_READ, &self.server).await? == 0 {
                return Ok(None);
            }
            let meta = self.owned(self.rows().meta(&link).await?)?;
            let read = what(&link, self.rows(), meta).await?;
            link.batch("COMMIT").await?;
            Ok(Some(read))
        };
        read.await.map_err(|fault: Fault| fault.into_error("read", &self.server))
    }

    /// Reads something of a state that was used and is the one to use.
    async fn read_active<T>(
        &self,
        what: impl AsyncFnOnce(&Link, Rows<'_>, Meta) -> Result<T, Fault>,
    ) -> Result<Option<T>, StateError> {
        let read = self.read(async |link, rows, meta| {
            let Some(meta) = meta else { return Ok(None) };
            self.ensure_active(&meta.standing)?;
            what(link, rows, meta).await.map(Some)
        });
        Ok(read.await?.flatten())
    }

    /// Refuses a state of another project, provider or origin.
    fn owned(&self, meta: Option<Meta>) -> Result<Option<Meta>, Fault> {
        self.binding.ensure_owns(meta.as_ref().map(|meta| &meta.owner), &self.name())?;
        Ok(meta)
    }

    /// Refuses a state that is not the one to use.
    fn ensure_active(&self, standing: &Standing) -> Result<(), StateError> {
        standing.ensure_active(&self.name())
    }

    /// Returns how long a lease lasts without being renewed.
    pub fn lease_length(&self) -> Duration {
        self.server.database.lease
    }

    /// Tells whether its role may write it, or make what is not there yet; nothing is written for it.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn may_write(&self) -> Result<bool, StateError> {
        let asked = async { schema::may_write(&self.connect().await?, &self.server).await };
        asked.await.map_err(|fault: Fault| fault.into_error("read", &self.server))
    }

    /// Takes the lock if it is free, and reads under it what writes are judged by. A take whose commit got no answer may
    /// have happened: `maybe_ours` remembers that, so that the next try finds itself as the holder and takes over.
    ///
    /// Three round trips: the fence, the rows, the commit.
    async fn try_lock(
        &self,
        slot: &mut Option<Link>,
        holder: &Holder,
        maybe_ours: &mut bool,
    ) -> Result<Result<HeldPostgres, Option<Lease>>, Fault> {
        let link = match slot.take() {
            Some(link) => link,
            None => self.connect().await?,
        };
        let rows = self.rows();
        let make = rows.make_fence();
        let begin = join(link.batch(BEGIN_WRITE), link.execute(&make));
        let ((begun, made), (fence, meta)) =
            join(begin, join(rows.locked_fence(&link), rows.meta(&link))).await;
        // The first that failed says why; those behind it fail because of it.
        begun.and(made.map(drop))?;
        let (fence, meta) = (fence?, self.owned(meta?)?);
        let fence = fence.ok_or_else(|| Fault::Damaged("its row of `lease` cannot be made".to_owned()))?;
        let is_own = *maybe_ours && fence.holder_id.as_ref() == Some(&holder.id);
        if fence.is_running && !is_own {
            link.batch("ROLLBACK").await?;
            *slot = Some(link);
            return Ok(Err(fence.lease));
        }
        let reading = join(self.judged(&link, meta), rows.highest_numbers(&link));
        let (number, (contents, highest)) =
            join(rows.take(&link, holder, self.server.database.lease), reading).await;
        let (number, contents, (run, event)) = (number?, contents?, highest?);
        *maybe_ours = true;
        held::commit(&link, &[]).await.map_err(held::Failed::into_fault)?;
        let next = Numbers { run: run.saturating_add(1), event: event.saturating_add(1) };
        Ok(Ok(HeldPostgres::new(self.clone(), holder.id.clone(), link, number, contents, next)))
    }

    async fn judged(&self, link: &Link, meta: Option<Meta>) -> Result<Contents, Fault> {
        match meta {
            Some(meta) => self.rows().contents(link, meta, Events::Judged).await,
            None => Ok(Contents::empty(self.proposed.clone())),
        }
    }

    /// Removes the holder in one transaction.
    async fn clear(&self) -> Result<Option<Lease>, Fault> {
        let link = self.connect().await?;
        let rows = self.rows();
        if schema::version(&link, BEGIN_WRITE, &self.server).await? == 0 {
            return Ok(None);
        }
        let (fence, meta) = join(rows.locked_fence(&link), rows.meta(&link)).await;
        let (fence, _) = (fence?, self.owned(meta?)?);
        let Some(lease) = fence.and_then(|fence| fence.lease) else { return Ok(None) };
        held::commit(&link, &[rows.clear()]).await.map_err(|failed| match failed {
            held::Failed::InDoubt(why) => StateError::Unknown { path: self.name(), why }.into(),
            not_done => not_done.into_fault(),
        })?;
        Ok(Some(lease))
    }
}

impl Store for PostgresState {
    async fn load(&self) -> Result<Prior, StateError> {
        let read = self.read_active(async |link, rows, meta| rows.prior(link, meta).await);
        Ok(read.await?.unwrap_or_else(|| Prior::empty(self.proposed.clone())))
    }
}

impl Place for PostgresState {
    type Held = HeldPostgres;

    fn name(&self) -> String {
        self.server.name.clone()
    }

    async fn serial(&self) -> Result<Serial, StateError> {
        let read = self.read_active(async |_, _, meta| Ok(meta.serial));
        Ok(read.await?.unwrap_or_default())
    }

    async fn runs(&self) -> Result<Vec<PastRun>, StateError> {
        let read = self.read_active(async |link, rows, _| rows.runs(link).await);
        Ok(read.await?.unwrap_or_default())
    }

    async fn history(&self) -> Result<Vec<PastRun>, StateError> {
        let read = self.read_active(async |link, rows, meta| rows.contents(link, meta, Events::All).await);
        Ok(read.await?.map(|contents| contents.history()).unwrap_or_default())
    }

    async fn lease(&self) -> Result<Option<Lease>, StateError> {
        let fence = self.read(async |link, rows, _| rows.fence(link).await).await?.flatten();
        Ok(fence.and_then(|fence| fence.lease))
    }

    /// The server's clock alone says whether a lease has expired.
    async fn who_writes(&self, _host: &str, _now: Timestamp) -> Result<Option<Lease>, StateError> {
        let fence = self.read(async |link, rows, _| rows.fence(link).await).await?.flatten();
        Ok(fence.filter(|fence| fence.is_running).and_then(|fence| fence.lease))
    }

    async fn lock(
        &self,
        holder: &Holder,
        _clock: &impl Clock,
        wait: Duration,
    ) -> Result<HeldPostgres, StateError> {
        let began = Instant::now();
        // What cannot be reached at all is said at once.
        let mut slot = Some(self.connect().await.map_err(|fault| fault.into_error("open", &self.server))?);
        let (mut is_ready, mut maybe_ours, mut last_answer) = (false, false, began);
        loop {
            let tried = async {
                if !is_ready {
                    schema::ensure(&mut slot, self).await?;
                    is_ready = true;
                }
                self.try_lock(&mut slot, holder, &mut maybe_ours).await
            };
            match tried.await {
                Ok(Ok(held)) => return Ok(held),
                Ok(Err(lease)) => {
                    if began.elapsed() >= wait {
                        let unnamed = "a process that has not said who it is".to_owned();
                        let holder = lease.map_or(unnamed, |lease| lease.to_string());
                        return Err(StateError::Locked { path: self.name(), holder, is_alive: false });
                    }
                    last_answer = Instant::now();
                }
                Err(fault) if fault.may_pass() && last_answer.elapsed() < PATIENCE => {}
                Err(fault) => return Err(fault.into_error("write", &self.server)),
            }
            sleep(RETRY).await;
        }
    }

    async fn unlock(&self) -> Result<Option<Lease>, StateError> {
        self.clear().await.map_err(|fault| fault.into_error("write", &self.server))
    }

    async fn contents(&self) -> Result<Option<Contents>, StateError> {
        let read = self.read(async |link, rows, meta| match meta {
            Some(meta) => rows.contents(link, meta, Events::All).await.map(Some),
            None => Ok(None),
        });
        Ok(read.await?.flatten())
    }
}
