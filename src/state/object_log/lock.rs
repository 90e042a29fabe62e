//! Taking the lock: at once where it is free, else after its holder has given no sign of life for as long as he said.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::ObjectLog;
use super::format::{Change, Holding, Logged};
use super::held::HeldLog;
use super::replay::Replay;
use super::requests::{Object, Read};
use super::write::Created;
use crate::model::clock::Clock;
use crate::state::StateError;
use crate::state::lease::{self, Holder};

/// How long the pause between two looks at a lock may be at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What a holder was seen to do last, and since when he has been seen to do nothing else.
struct Watched {
    sign: Sign,
    since: Instant,
}

/// A sign of life: his, or an entry of his.
#[derive(PartialEq, Eq)]
struct Sign {
    next: u64,
    beat: Option<Read>,
}

impl ObjectLog {
    pub(super) async fn take(
        &self,
        holder: &Holder,
        clock: &impl Clock,
        wait: Duration,
    ) -> Result<HeldLog, StateError> {
        let began = Instant::now();
        let mut replay = self.read().await?;
        if replay.next == 1 {
            self.probe(holder).await?;
        }
        let mut watched: Option<Watched> = None;
        loop {
            let free = match &replay.holding {
                None => true,
                Some(holding) => self.is_silent(&replay, holding, &mut watched).await?,
            };
            if free {
                if let Some(held) = self.try_take(&replay, holder, clock).await? {
                    return Ok(held);
                }
                // Somebody was faster; who, the log says.
                replay = self.read().await?;
                continue;
            }
            let left = wait.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(self.locked(&replay).await?);
            }
            let pause = (self.0.lease / 60).clamp(lease::RETRY, LONGEST_PAUSE);
            sleep(pause.min(left)).await;
            self.catch_up(&mut replay).await?;
        }
    }

    /// Tells whether the holder has given no sign of life for as long as he said that he may.
    async fn is_silent(
        &self,
        replay: &Replay,
        holding: &Holding,
        watched: &mut Option<Watched>,
    ) -> Result<bool, StateError> {
        // What is seen was so at some time between question and answer, so the silence lasts from the first answer to
        // the last question.
        let asked = Instant::now();
        let beat = self.fetch(&Object::Lease(holding.number)).await?;
        let sign = Sign { next: replay.next, beat };
        match watched {
            Some(watched) if watched.sign == sign => {
                let silence = asked.saturating_duration_since(watched.since);
                Ok(silence >= Duration::from_millis(holding.lease_ms))
            }
            _ => {
                *watched = Some(Watched { sign, since: Instant::now() });
                Ok(false)
            }
        }
    }

    /// Writes the entry that takes the lock; `None` if somebody else's is there.
    async fn try_take(
        &self,
        replay: &Replay,
        holder: &Holder,
        clock: &impl Clock,
    ) -> Result<Option<HeldLog>, StateError> {
        let mut replay = replay.clone();
        if replay.contents.owner.is_none() {
            replay.contents.lineage = self.0.proposed.clone();
        }
        let number = replay.next;
        let at = clock.now();
        let logged = Logged {
            number,
            batch: format!("{} {number} 0", holder.id),
            fence: number,
            lineage: replay.contents.lineage.clone(),
            at: Some(at),
            change: Change::Taken {
                holder: holder.clone(),
                lease_ms: u64::try_from(self.0.lease.as_millis()).unwrap_or(u64::MAX),
                takes_over: replay.holding.is_some(),
            },
        };
        let (object, text) = self.written(&logged)?;
        match self.create(&object, &text).await {
            Created::Done => {}
            Created::Taken => return Ok(None),
            Created::Refused(why) => return Err(self.failed("lock", why)),
            Created::Unknown(why) => return Err(StateError::Unknown { path: self.shown(), why }),
        }
        // A computer that slept for days between looking and writing may have found a number free that was compacted away.
        if self.floor().await?.is_some_and(|floor| floor >= number) {
            return Ok(None);
        }
        replay.follow(logged).map_err(|what| self.failed("lock", what))?;
        Ok(Some(HeldLog::new(self.clone(), replay, holder.clone(), at)))
    }

    async fn locked(&self, replay: &Replay) -> Result<StateError, StateError> {
        let lease = self.lease_of(replay).await?;
        let holder = lease.map_or("a process that is gone already".to_owned(), |lease| lease.to_string());
        Ok(StateError::Locked { path: self.shown(), holder, is_alive: false })
    }
}
