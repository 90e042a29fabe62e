//! The file as one of the places where a state may lie.

use std::time::Duration;

use tokio::time::sleep;

use super::{LockedState, StateFile, lock, rows, shown};
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::Serial;
use crate::state::contents::Contents;
use crate::state::lease::{self, Holder, Lease};
use crate::state::place::{Held, Place};
use crate::state::{PastRun, Standing, StateError};

impl Place for StateFile {
    type Held = LockedState;

    fn name(&self) -> String {
        shown(self.path())
    }

    async fn serial(&self) -> Result<Serial, StateError> {
        self.serial()
    }

    async fn runs(&self) -> Result<Vec<PastRun>, StateError> {
        self.runs()
    }

    async fn history(&self) -> Result<Vec<PastRun>, StateError> {
        self.history()
    }

    async fn lease(&self) -> Result<Option<Lease>, StateError> {
        self.lease()
    }

    async fn who_writes(&self, host: &str, now: Timestamp) -> Result<Option<Lease>, StateError> {
        self.who_writes(host, now)
    }

    async fn lock(
        &self,
        holder: &Holder,
        clock: &impl Clock,
        wait: Duration,
    ) -> Result<LockedState, StateError> {
        self.lock(holder, clock, wait).await
    }

    async fn unlock(&self) -> Result<Option<Lease>, StateError> {
        self.unlock()
    }

    async fn contents(&self) -> Result<Option<Contents>, StateError> {
        self.contents()
    }
}

impl Held for LockedState {
    async fn keep(&self, clock: &impl Clock) -> StateError {
        loop {
            sleep(lease::beat(lease::LEASE)).await;
            let renewed = self.write(|connection| lock::renew(connection, self.fence, clock.now())).await;
            if let Err(error) = renewed {
                return error;
            }
        }
    }

    async fn replace(&self, contents: &Contents) -> Result<(), StateError> {
        self.write(|connection| rows::replace(connection, contents)).await
    }

    async fn stand(&self, standing: Standing) -> Result<(), StateError> {
        self.write(|connection| {
            rows::ensure_bound(connection, &self.file.binding, &self.file.proposed)?;
            rows::stand(connection, &standing)
        })
        .await
    }

    async fn release(self) -> Result<(), StateError> {
        self.write(lock::clear).await
    }
}
