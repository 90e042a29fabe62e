//! Waiting for jobs: until one has ended, and whether one that is down again so soon has run at all.

use std::time::Duration;

use tokio::time::Instant;

use super::lookout::Sheet;
use super::until::Watched;
use super::{Act, Engine};
use crate::apply::ending::Halt;
use crate::apply::recover::Looked;
use crate::apply::verdict::{Sight, Verdict};
use crate::apply::{Reporter, Settings, record, shown};
use crate::model::clock::Clock;
use crate::model::id::{PodId, RemoteId};
use crate::model::job::{End, RecordedJob, Until};
use crate::model::journal::Event;
use crate::model::live::LivePod;
use crate::model::marker::Token;
use crate::model::outcome::Lasting;
use crate::model::prior::{Record, Recorded};
use crate::model::progress::Notice;
use crate::provider::{Mutate, Observe, Verb};
use crate::state::{Journal, RecordChange};

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Waits until the run of the job at the address of an action has ended. Nothing is sent and nothing noted before it has,
    /// so a wait that is cut short leaves nothing behind and the next plan waits again.
    pub(super) async fn await_job(&self, act: &Act<'_>, until: Until) -> Result<Vec<RecordChange>, Halt> {
        self.go_on()?;
        let recorded = self.ledger.recorded(&act.id.address);
        let Some((id, run)) = recorded.as_ref().and_then(run_of) else {
            return Err(Halt::Failed("no run of a job is on record".to_owned()));
        };
        act.object.replace(Some(id.remote()));
        let Settings { parallelism, job_timeout, speed, .. } = self.context.settings;
        if parallelism > 1 {
            self.watching.borrow_mut().push(act.id.clone());
        }
        self.tell(Notice::Waiting { action: act.id.clone(), what: "the end of its job".to_owned() });
        let since = Instant::now();
        let mut waiting = Waiting { id: &id, run: &run, looks: 0, down_since: None };
        let looks = PodId::lookout(self).since(since, since + speed.here(job_timeout));
        let judged =
            self.until(act, looks, async |sheet, looked| self.look_at_job(&mut waiting, sheet, looked).await);
        let judged = match judged.await? {
            Some((_, judged)) => Some(judged),
            // It may have ended since the last listing, and a log is read with few of them.
            None => self.look_once_more(&id, &run).await?,
        };
        let Some((end, is_up)) = judged else {
            let limit = shown(job_timeout);
            let why = format!("its job is still under way after {limit}; the next apply goes on waiting");
            return Err(Halt::NotNow(why));
        };
        let now = self.moment();
        let previous = self.ledger.recorded(&act.id.address);
        let changes = record::ended(&act.id.address, previous, (end, is_up), now);
        let intended = Event::Intended { attempt: 0, token: None, asked: None, server_time: now.there };
        let events = [intended, Event::Started, Event::Accepted { id: Some(id.remote()) }];
        let events = events.map(|event| (now.here, event)).into();
        if until.accepts(end) {
            self.ledger.commit(act.id, events, Vec::new()).await?;
            return Ok(changes);
        }
        // How it ended is known whatever becomes of those who waited for another end.
        self.ledger.commit(act.id, events, changes).await?;
        act.lasting.set(Some(Lasting::JobEnded));
        Err(Halt::Failed(format!("its job {end}")))
    }

    async fn look_at_job(
        &self,
        waiting: &mut Waiting<'_>,
        sheet: &Sheet<PodId>,
        looked: Looked,
    ) -> Result<Verdict<(End, bool)>, Halt> {
        let Settings { settling, .. } = self.context.settings;
        let is_settled = looked.began >= settling;
        let is_up = match sheet.sight(waiting.id) {
            Sight::Live(live) => live.status.is_up(),
            Sight::Absent if is_settled => match self.look_at(waiting.id).await? {
                Some(live) => live.status.is_up(),
                None => return Ok(Verdict::Done((End::Unknown, false))),
            },
            Sight::Absent | Sight::Unreadable => return Ok(Verdict::GoOn(None)),
        };
        let now = Instant::now();
        waiting.looks += 1;
        if is_up {
            waiting.down_since = None;
            // One that stops itself is read once it is down; the log of one that is kept tells alone.
            if waiting.looks % LISTINGS_PER_READ != 1 {
                return Ok(Verdict::GoOn(None));
            }
        }
        let told = self.exit_code(waiting.id, waiting.run, is_up).await?;
        let down_for = |since: Instant| now.saturating_duration_since(since);
        Ok(match told {
            Told::Ended(code) => Verdict::Done((End::of_code(code), is_up)),
            Told::NotYet | Told::NotRead if is_up => Verdict::GoOn(None),
            Told::NotRead => Verdict::GoOn(None),
            // A log may lag behind as a listing does.
            Told::NotYet if down_for(*waiting.down_since.get_or_insert(now)) >= settling => {
                Verdict::Done((End::Unknown, false))
            }
            Told::NotYet => Verdict::GoOn(None),
        })
    }

    async fn look_once_more(&self, id: &PodId, run: &Token) -> Result<Option<(End, bool)>, Halt> {
        let Some(live) = self.look_at(id).await? else { return Ok(None) };
        let is_up = live.status.is_up();
        Ok(match self.exit_code(id, run, is_up).await? {
            Told::Ended(code) => Some((End::of_code(code), is_up)),
            Told::NotYet | Told::NotRead => None,
        })
    }

    pub(super) async fn exit_code(&self, id: &PodId, run: &Token, is_up: bool) -> Result<Told, Halt> {
        let Settings { log_silence, request_timeout, .. } = self.context.settings;
        // The log of a pod that is down has an end of its own.
        let silence: Duration = if is_up { log_silence } else { request_timeout };
        let read = self.ask(Verb::ReadLog, async |port: &'a P| port.exit_code(id, run, silence).await);
        Ok(match self.unless_cut_short(Box::pin(read)).await? {
            Ok(Some(code)) => Told::Ended(code),
            Ok(None) => Told::NotYet,
            Err(_) => Told::NotRead,
        })
    }

    /// Returns the pod of an action's job that is down already because its run has ended, as the log tells.
    pub(super) async fn has_run(&self, act: &Act<'_>, id: &PodId) -> Result<Option<LivePod>, Halt> {
        let planned = act.action.record.record().and_then(job_of).and_then(|job| job.run.clone());
        let recorded = || self.ledger.recorded(&act.id.address).as_ref().and_then(run_of).map(|(_, run)| run);
        let Some(run) = planned.or_else(recorded) else { return Ok(None) };
        match self.exit_code(id, &run, false).await? {
            Told::Ended(_) => self.look_at(id).await,
            Told::NotYet | Told::NotRead => Ok(None),
        }
    }
}

/// The log of a job whose pod is up is read with every so many listings.
const LISTINGS_PER_READ: u32 = 12;

/// A job that is waited for.
struct Waiting<'w> {
    id: &'w PodId,
    run: &'w Token,
    /// How many listings showed its pod.
    looks: u32,
    down_since: Option<Instant>,
}

/// What a log told.
pub(super) enum Told {
    Ended(u32),
    NotYet,
    NotRead,
}

pub(super) fn job_of(record: &Record) -> Option<&RecordedJob> {
    record.object.pod()?.job.as_ref()
}

fn run_of(recorded: &Recorded) -> Option<(PodId, Token)> {
    let RemoteId::Pod(id) = &recorded.id else { return None };
    Some((id.clone(), job_of(&recorded.record)?.run.clone()?))
}
