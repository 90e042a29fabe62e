//! Waits until a pod is ready: a listing says that it runs, and then it is asked itself.

use std::time::Duration;

use tokio::time::Instant;

use super::job::job_of;
use super::lookout::Sheet;
use super::until::Watched;
use super::{Act, Engine};
use crate::apply::Reporter;
use crate::apply::ending::Halt;
use crate::apply::readiness::Asking;
use crate::apply::verdict::{self, Sight, Verdict};
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{PodId, RemoteId};
use crate::model::live::{LivePod, PodStatus};
use crate::model::outcome::Lasting;
use crate::model::plan::Operation;
use crate::model::ready::{Probe, Readiness, Ready};
use crate::model::seconds::Seconds;
use crate::provider::reach::Hearing;
use crate::provider::{Mutate, Observe, ServerTime, Verb};
use crate::state::Journal;

/// When something began, by the clock of this computer and by that of the account.
#[derive(Clone, Copy)]
pub(super) struct Began {
    here: Instant,
    there: Timestamp,
    /// The provider's time, where an answer told it.
    server: Option<Timestamp>,
}

/// How the wait for a pod ended.
enum Waited {
    Ready,
    /// The time is over.
    Late,
    /// The container ended.
    Ended(PodStatus),
}

impl<P, J, C, R> Engine<'_, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Begins to measure how long something takes.
    pub(super) fn begin(&self) -> Began {
        let server = self.context.provider.server_time().map(ServerTime::now);
        Began { here: Instant::now(), there: self.ledger.now(), server }
    }

    /// Returns how long something has taken in the account's time: by the clock of this computer that never jumps, times
    /// the speed of the account's, and where that goes at no speed at all, by it.
    pub(super) fn took(&self, began: Began) -> Duration {
        if self.context.settings.keeps_time {
            return self.context.settings.speed.there(began.here.elapsed());
        }
        Duration::try_from(self.ledger.now().duration_since(began.there)).unwrap_or_default()
    }

    /// Tells whether a time is over. A simulated world that stands still ends no wait, so real time counts there too.
    pub(super) fn is_over(&self, began: Began, within: Seconds) -> bool {
        self.took(began) >= within.duration() || began.here.elapsed() >= within.duration()
    }

    /// Waits until the pod of an action is ready. It is kept whatever comes of it.
    pub(super) async fn await_ready(&self, act: &Act<'_>, ready: &Ready) -> Result<(), Halt> {
        let Some(RemoteId::Pod(id)) = act.object.borrow().clone() else {
            return Err(Halt::Failed("there is no pod that could be asked whether it is ready".to_owned()));
        };
        let mut asking = Asking::new(ready);
        let waited = match self.until_ready(act, &id, ready, &mut asking).await? {
            Waited::Ready => {
                act.ready_after.set(Some(self.took(act.began)));
                return Ok(());
            }
            Waited::Late => {
                act.lasting.set(Some(Lasting::NotReady));
                asking.late()
            }
            Waited::Ended(status) => {
                let is_job = act.action.record.record().and_then(job_of).is_some();
                act.lasting.set(is_job.then_some(Lasting::JobEnded));
                asking.ended(status)
            }
        };
        let lines = self.unless_cut_short(self.context.pods.last_lines(&id)).await?;
        act.log.replace(lines);
        Err(Halt::Failed(waited))
    }

    async fn until_ready(
        &self,
        act: &Act<'_>,
        id: &PodId,
        ready: &Ready,
        asking: &mut Asking<'_>,
    ) -> Result<Waited, Halt> {
        let began = self.begin();
        self.only_looks(act);
        // A container that was made anew has had a former one, whose lines may still be told.
        let is_as_it_was =
            matches!(act.action.operation, Operation::AwaitPod { .. } | Operation::CreatePod(_));
        let not_before = (!is_as_it_was).then(|| act.began.server.unwrap_or(act.began.there));
        let mut heard = Hearing { not_before, ..Hearing::default() };
        let settling = self.context.settings.settling;
        let deadline = began.here + ready.within.duration();
        let looks = PodId::lookout(self).since(began.here, deadline + settling);
        let judged = self.until(act, looks, async |sheet: &Sheet<PodId>, looked| {
            let live = match sheet.sight(id) {
                Sight::Live(live) if live.status.is_up() => Some(live.clone()),
                Sight::Live(_) | Sight::Absent if looked.began >= settling => match self.look_at(id).await? {
                    None => return Ok(Verdict::Failed(verdict::vanished(&id.remote()))),
                    Some(live) if !live.status.is_up() => {
                        return Ok(Verdict::Done(Waited::Ended(live.status)));
                    }
                    Some(live) => Some(live),
                },
                Sight::Live(_) | Sight::Absent | Sight::Unreadable => None,
            };
            let mut told = None;
            if let Some(live) = live.filter(|live| live.status == PodStatus::Running) {
                let answer = self.question(&live, &ready.probe, &mut heard).await?;
                if answer == Readiness::Ready {
                    return Ok(Verdict::Done(Waited::Ready));
                }
                told = asking.hear(answer);
            }
            Ok(if self.is_over(began, ready.within) {
                Verdict::Done(Waited::Late)
            } else {
                Verdict::GoOn(told)
            })
        });
        Ok(judged.await?.map_or(Waited::Late, |(_, waited)| waited))
    }

    /// Asks a pod that runs. A log is read from the API, so that its quota is obeyed.
    async fn question(&self, pod: &LivePod, probe: &Probe, heard: &mut Hearing) -> Result<Readiness, Halt> {
        let asked = async {
            let turn = match probe {
                Probe::Http { .. } | Probe::Tcp { .. } => None,
                Probe::Log { .. } => match self.context.provider.turn(Verb::ReadLog).await {
                    Ok(turn) => Some(turn),
                    Err(error) => return Readiness::Unknown(error.to_string()),
                },
            };
            let answer = self.context.pods.ask(pod, probe, heard).await;
            if let Some(turn) = turn {
                turn.end(None);
            }
            answer
        };
        self.unless_cut_short(asked).await
    }
}
