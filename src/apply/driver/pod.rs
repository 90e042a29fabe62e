//! What is done to pods.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::call::{Ensured, Going};
use super::until::Watched;
use super::{Act, Engine};
use crate::apply::ending::Halt;
use crate::apply::gate::{Pass, Request};
use crate::apply::verdict::{self, Cause, Running, Waited};
use crate::apply::{Reporter, record, waiting};
use crate::model::clock::Clock;
use crate::model::id::{PodId, RemoteId};
use crate::model::live::{LivePod, PodStatus, Rental};
use crate::model::money::Hourly;
use crate::model::outcome::Lasting;
use crate::model::plan::{OnStuck, PodCreation};
use crate::model::pod::Compute;
use crate::model::prior::RecordedRun;
use crate::provider::{Mutate, Observe};
use crate::state::{Journal, RecordChange};

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Waits until a pod runs that this run has begun a container of, and records it if that failed.
    pub(super) async fn wait_up(
        &self,
        act: &Act<'_>,
        id: &PodId,
        begun: (Cause, Instant),
        compute: Option<Option<&Compute>>,
    ) -> Result<Waited, Halt> {
        let waited = self.wait_running(act, id, begun, compute).await;
        if let Err(Halt::Failed(_)) = &waited {
            self.note_failed(act, id).await?;
        }
        waited
    }

    /// Records that a pod did not come up, so that the next plan does not blame others. RunPod is known to have taken one
    /// that was outbid.
    pub(super) async fn note_failed(&self, act: &Act<'_>, id: &PodId) -> Result<(), Halt> {
        let is_failed = self.look_at(id).await?.is_some_and(|live| {
            matches!(live.status, PodStatus::Exited | PodStatus::Error)
                && live.rental != Some(Rental::Spot { outbid: true })
        });
        let recorded = self.ledger.recorded(&act.id.address);
        let pod = recorded.as_ref().and_then(|recorded| recorded.record.object.pod());
        let has_run = pod.is_some_and(|pod| pod.job.is_some() && pod.run == RecordedRun::Running);
        let changes = record::failed(&act.id.address, recorded);
        if is_failed {
            act.lasting.set(has_run.then_some(Lasting::JobEnded));
            self.ledger.commit(act.id, Vec::new(), changes).await?;
        }
        Ok(())
    }

    pub(super) async fn start_pod(
        &self,
        act: &Act<'_>,
        id: &PodId,
        (compute, bid): (Option<&Compute>, Option<Hourly>),
        on_stuck: &OnStuck,
    ) -> Result<Vec<RecordChange>, Halt> {
        act.object.replace(Some(id.remote()));
        let gpus = match compute {
            Some(Compute::Gpu { id: _, count }) => *count,
            Some(Compute::Cpu { .. }) | None => 0,
        };
        let seen = async || Ok(self.look_at(id).await?.is_some_and(|live| live.status.is_up()));
        let call = async |port: &'a P, _: Going| port.start_pod(id, gpus, bid).await;
        let pass = self.permit(act, Request::Start, &id.remote()).await?;
        let stuck = match self.ensure(act, pass, Some(id.remote()), call, seen).await? {
            Ensured::Gone(_) => return Err(vanished(id)),
            Ensured::Stuck(why) => why,
            Ensured::Taken(since) => {
                match self.wait_up(act, id, (Cause::Started, since), Some(compute)).await? {
                    Waited::Running(_) => return Ok(self.recorded_after(act, id.remote())),
                    Waited::Stuck(why) => {
                        // It is billed although it is of no use.
                        self.halt_pod(act, id).await?;
                        why
                    }
                }
            }
        };
        match on_stuck {
            OnStuck::Fail | OnStuck::Wait(_) => {
                let record = self.ledger.recorded(&act.id.address);
                let waits = matches!(on_stuck, OnStuck::Wait(_));
                Err(Halt::NoCapacity(format!("{stuck}; {}", waiting::ways_out(record.as_ref(), waits))))
            }
            OnStuck::Replace(creation) => self.replace_stuck(act, id, creation, stuck).await,
        }
    }

    /// Terminates a pod that cannot come back on its host and creates the one that the plan has for this case.
    async fn replace_stuck(
        &self,
        act: &Act<'_>,
        id: &PodId,
        creation: &PodCreation,
        why: String,
    ) -> Result<Vec<RecordChange>, Halt> {
        self.refused(act, format!("{why}; another pod takes its place"));
        let pass = self.permit(act, Request::Delete, &id.remote()).await?;
        self.terminate(act, pass, id, None).await?;
        // Durable before the create: a run that dies in between leaves no record of a pod that is gone.
        let previous = self.ledger.recorded(&act.id.address);
        let changes = record::remove(&act.id.address, previous.as_ref(), false);
        self.ledger.commit(act.id, Vec::new(), changes).await?;
        act.object.replace(None);
        act.replaced.set(true);
        self.create_pod(act, creation).await
    }

    pub(super) async fn stop_pod(&self, act: &Act<'_>, id: &PodId) -> Result<Vec<RecordChange>, Halt> {
        self.halt_pod(act, id).await?;
        Ok(self.recorded_after(act, id.remote()))
    }

    /// Stops a pod and waits until it is stopped.
    async fn halt_pod(&self, act: &Act<'_>, id: &PodId) -> Result<(), Halt> {
        act.object.replace(Some(id.remote()));
        let lacks = |live: Option<&LivePod>| verdict::stopped(id, live);
        let seen = async || Ok(lacks(self.look_at(id).await?.as_ref()).is_none());
        let call = async |port: &'a P, _: Going| port.stop_pod(id).await;
        let pass = self.permit(act, Request::Stop, &id.remote()).await?;
        let since = self.ensure(act, pass, Some(id.remote()), call, seen).await?.since()?;
        self.until_kept(act, (id, since), lacks, Some("EXITED")).await
    }

    pub(super) async fn delete_pods(
        &self,
        act: &Act<'_>,
        ids: &BTreeSet<PodId>,
    ) -> Result<Vec<RecordChange>, Halt> {
        for id in ids {
            act.object.replace(Some(id.remote()));
            let pass = self.permit(act, Request::Delete, &id.remote()).await?;
            self.terminate(act, pass, id, None).await?;
            // One by one, as the next one may fail, and what is gone must not stay on record.
            self.gone(act, &id.remote()).await?;
        }
        Ok(Vec::new())
    }

    /// Terminates a pod and waits until listings agree that it is gone.
    pub(super) async fn terminate(
        &self,
        act: &Act<'_>,
        pass: Pass,
        id: &PodId,
        object: Option<RemoteId>,
    ) -> Result<(), Halt> {
        let seen = async || Ok(self.look_at(id).await?.is_none());
        let call = async |port: &'a P, _: Going| port.delete_pod(id).await;
        let (since, said) = match self.ensure(act, pass, object, call, seen).await? {
            Ensured::Taken(since) => (since, "the API said yes"),
            Ensured::Gone(since) => (since, "the API said that it is gone"),
            Ensured::Stuck(why) => return Err(Halt::Failed(why)),
        };
        let lacks = |live: Option<&LivePod>| verdict::gone(id, said, live);
        self.until_kept(act, (id, since), lacks, Some("its end")).await
    }

    /// Waits until a pod runs that this run does nothing to.
    pub(super) async fn await_running(&self, act: &Act<'_>, id: &PodId) -> Result<(), Halt> {
        self.only_looks(act);
        // An earlier run may have reset it, and others go down once it is up.
        match self.wait_running(act, id, (Cause::Reset, Instant::now()), None).await {
            Ok(_) => Ok(()),
            // Nothing was sent that could be unknown.
            Err(Halt::Unknown(why)) => Err(Halt::Failed(why)),
            Err(halt) => Err(halt),
        }
    }

    /// Waits until a pod runs. `compute` is given where it can come back without its GPUs.
    pub(super) async fn wait_running(
        &self,
        act: &Act<'_>,
        id: &PodId,
        (cause, since): (Cause, Instant),
        compute: Option<Option<&Compute>>,
    ) -> Result<Waited, Halt> {
        let mut running = Running::new(id, cause, compute);
        let waited = match self.until_seen(act, id, since, |seen| running.judge(seen)).await {
            // A job can end before anybody saw it run.
            Err(Halt::Failed(why)) => match self.has_run(act, id).await? {
                Some(live) => Some(Waited::Running(Box::new(live))),
                None => return Err(Halt::Failed(why)),
            },
            waited => waited?,
        };
        waited.ok_or_else(|| Halt::Unknown(running.late(self.context.settings.wait_timeout)))
    }
}

pub(super) fn vanished(id: &PodId) -> Halt {
    Halt::Failed(verdict::vanished(&id.remote()))
}
