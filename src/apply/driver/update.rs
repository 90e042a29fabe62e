//! Changes of pods, and what becomes of a reset whose pod has gone down since the plan was made.
//!
//! A change of a pod that is down begins nothing. Where it was to be reset it was to run with its new settings, so it is
//! started in place of that: it costs the same, runs once, and may fail as every start may, which is then what the records
//! say of it.

use tokio::time::Instant;

use super::call::Going;
use super::job::Told;
use super::pod::vanished;
use super::until::Watched;
use super::{Act, Engine};
use crate::apply::Reporter;
use crate::apply::ending::Halt;
use crate::apply::gate::Request;
use crate::apply::request;
use crate::apply::verdict::{self, Cause, Waited};
use crate::model::address::Address;
use crate::model::clock::Clock;
use crate::model::id::PodId;
use crate::model::live::{LivePod, Rental};
use crate::model::marker::{Marker, Token};
use crate::model::plan::{Disruption, OnStuck};
use crate::model::prior::{Record, RecordedRun};
use crate::model::request::PatchRequest;
use crate::model::settings::{PodPatch, PodSettings};
use crate::provider::{Mutate, Observe};
use crate::state::{Journal, RecordChange};

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    pub(super) async fn update_pod(
        &self,
        act: &Act<'_>,
        id: &PodId,
        patch: &PodPatch,
        disruption: Disruption,
    ) -> Result<Vec<RecordChange>, Halt> {
        self.go_on()?;
        act.object.replace(Some(id.remote()));
        // A change of the environment replaces all of it, so the plan names what is carried over and the values are those
        // of this moment. What the plan saw may have changed since.
        let Some(before) = self.look_at(id).await? else { return Err(vanished(id)) };
        let volumes = |address: &Address| self.volume_id(address);
        let registries = |address: &Address| self.registry_id(address);
        let request = request::patch(self.sources(&volumes, &registries), id, patch, &before);
        let request = request.map_err(|missing| Halt::Failed(missing.to_string()))?;
        let is_reset = disruption == Disruption::Reset;
        let is_down = is_reset && !before.status.is_up();
        if is_down {
            self.ensure_startable(&before)?;
            // A run that dies from here on has begun none of a job either, and the next plan begins it.
            self.note_down(act, None).await?;
        }
        let token = patch.env.as_ref().and_then(|env| env.token.as_ref());
        let mut since = Instant::now();
        for (request, each) in request::in_turn(request, disruption, &before) {
            let each = if is_down && each == Disruption::Reset { Disruption::NextStart } else { each };
            let changed = self.change(act, &request, token.map(|token| (token, &before)), each).await?;
            // What it is waited for below is the reset.
            since = if each == disruption { changed } else { since };
        }
        if !is_reset {
            return Ok(self.recorded_after(act, id.remote()));
        }
        if !is_down {
            let former = self.ledger.recorded(&act.id.address).and_then(|recorded| run_of(&recorded.record));
            // It is seen to have these settings, whatever becomes of its container: without the record the next plan would
            // take them for a change from outside.
            self.ledger.commit(act.id, Vec::new(), self.recorded_after(act, id.remote())).await?;
            match self.wait_up(act, id, (Cause::Reset, since), None).await {
                Ok(Waited::Running(_)) => return Ok(Vec::new()),
                Ok(Waited::Stuck(why)) => return Err(Halt::Failed(why)),
                Err(Halt::Failed(why)) if !self.ended_before(id, former.as_ref()).await? => {
                    return Err(Halt::Failed(why));
                }
                Err(Halt::Failed(_)) => {}
                Err(halt) => return Err(halt),
            }
        }
        self.start_changed(act, id).await
    }

    /// Starts a pod that was to be reset and is down, with the settings that it has by now.
    async fn start_changed(&self, act: &Act<'_>, id: &PodId) -> Result<Vec<RecordChange>, Halt> {
        act.lasting.set(None);
        self.note_down(act, act.action.record.record()).await?;
        let Some(live) = self.look_at(id).await? else { return Err(vanished(id)) };
        self.ensure_startable(&live)?;
        self.refused(act, format!("a reset, and the pod is {}: it is started in place of that", live.status));
        let pod = act.action.record.record().and_then(|record| record.object.pod());
        let compute = pod.and_then(|pod| pod.compute.as_ref()).or(live.compute.as_ref());
        self.start_pod(act, id, (compute, None), &OnStuck::Fail).await
    }

    /// Makes sure that a start costs what the pod did: without its bid, which only a plan to start it names, one API would
    /// rent it on demand.
    fn ensure_startable(&self, live: &LivePod) -> Result<(), Halt> {
        match live.rental {
            Some(Rental::Spot { .. }) => Err(Halt::Failed(format!(
                "it is {} by now, and to start it again takes its bid: the next plan has that",
                live.status
            ))),
            Some(Rental::OnDemand) | None => Ok(()),
        }
    }

    /// Records of the pod of a job that it is down and that no run of it goes on; with `after` that it has changed.
    async fn note_down(&self, act: &Act<'_>, after: Option<&Record>) -> Result<(), Halt> {
        let Some(recorded) = self.ledger.recorded(&act.id.address) else { return Ok(()) };
        let mut record = after.unwrap_or(&recorded.record).clone();
        if let Some(pod) = record.object.pod_mut().filter(|pod| pod.job.is_some()) {
            pod.run = RecordedRun::Stopped;
        }
        let change = self.put(act, &record, recorded.id);
        self.ledger.commit(act.id, Vec::new(), change).await.map(|_| ())
    }

    /// Tells whether the container of a job's former run is what the log of its pod shows, so that no other has begun.
    async fn ended_before(&self, id: &PodId, former: Option<&Token>) -> Result<bool, Halt> {
        let Some(former) = former else { return Ok(false) };
        Ok(matches!(self.exit_code(id, former, false).await?, Told::Ended(_)))
    }

    /// Sends a change and waits until it is seen. One that replaces the variables carries the mark of a token, as the
    /// pod had it before.
    pub(super) async fn change(
        &self,
        act: &Act<'_>,
        request: &PatchRequest,
        marked: Option<(&Token, &LivePod)>,
        disruption: Disruption,
    ) -> Result<Instant, Halt> {
        let id = &request.id;
        let lacks = |live: Option<&LivePod>| verdict::changed(request, disruption, live);
        let seen = async || match self.look_at(id).await? {
            Some(live) => Ok(lacks(Some(&live)).is_none()),
            // There is nothing that it could be sent to again.
            None => Err(vanished(id)),
        };
        let pass = self.permit(act, Request::Change, &id.remote()).await?;
        let call = async |port: &'a P, going: Going| {
            let (Some((token, before)), Some(env)) = (marked, &request.settings.env) else {
                return port.update_pod(request).await;
            };
            let mark = Marker { created: None, ..self.mark(act, token, going) };
            let mark = request::refreshed(mark, before, self.prior.tokens.get(token));
            let mut env = env.clone();
            request::mark(&mut env, &mark);
            let settings = PodSettings { env: Some(env), ..request.settings.clone() };
            port.update_pod(&PatchRequest { id: request.id.clone(), settings }).await
        };
        let since = self.ensure(act, pass, Some(id.remote()), call, seen).await?.since()?;
        self.until_kept(act, (id, since), lacks, None).await?;
        Ok(since)
    }
}

fn run_of(record: &Record) -> Option<Token> {
    record.object.pod()?.job.as_ref()?.run.clone()
}
