//! What is done to pods.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::call::{Answer, Elsewhere, Ensured, Going};
use super::lookout::{Look, Sight};
use super::permit::shut;
use super::{Act, Engine};
use crate::apply::ending::Halt;
use crate::apply::gate::{self, Made, Pass, Request};
use crate::apply::recover::{self, Choice, Search, Sighting};
use crate::apply::request::{self, Missing};
use crate::apply::retry::{self, Kind, Next};
use crate::apply::{Reporter, readback, record, shown};
use crate::model::address::Address;
use crate::model::clock::Clock;
use crate::model::id::{PodId, RemoteId};
use crate::model::journal::{Event, Sent};
use crate::model::live::{LivePod, PodStatus};
use crate::model::marker::{Marker, Token};
use crate::model::plan::{Attempt, Disruption, OnStuck, PodCreation, Record, RecordAfter};
use crate::model::pod::Compute;
use crate::model::prior::KnownToken;
use crate::model::progress::Notice;
use crate::model::request::{PatchRequest, PodRequest};
use crate::model::settings::{PodPatch, PodSettings};
use crate::provider::{Mutate, Observe};
use crate::state::{Journal, RecordChange};

/// A pod that a create made.
struct Created {
    id: PodId,
    sent: Sent,
    request: PodRequest,
    since: Instant,
}

/// What became of one attempt to create.
enum Tried {
    Created(Box<Created>),
    /// Not there: the next candidate.
    NextCandidate(String),
    /// It certainly did not happen, though it was sent.
    NotDone(String),
}

/// How the wait for a pod ended.
enum Waited {
    Running(Box<LivePod>),
    /// It came back without its GPUs.
    Stuck(String),
}

/// Why a pod is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    Created,
    /// It may read as stopped for a while yet.
    Started,
}

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    pub(super) async fn create_pod(
        &self,
        act: &Act<'_>,
        creation: &PodCreation,
    ) -> Result<Vec<RecordChange>, Halt> {
        let created = self.place(act, creation).await?;
        self.see_through(act, creation, *created).await
    }

    /// Tries the plan's candidates in the plan's order.
    async fn place(&self, act: &Act<'_>, creation: &PodCreation) -> Result<Box<Created>, Halt> {
        for attempt in &creation.attempts {
            let place =
                format!("{} {}", attempt.candidate.placement.compute, attempt.candidate.placement.cloud);
            if self.forbidden.borrow().contains(&attempt.candidate.placement.cloud) {
                self.refused(act, format!("{place}: creates were forbidden there before"));
                continue;
            }
            match self.attempt(act, creation, attempt, &attempt.token).await? {
                Tried::Created(created) => return Ok(created),
                Tried::NextCandidate(why) => {
                    self.refused(act, format!("{place}: {why}"));
                    continue;
                }
                Tried::NotDone(why) => self.refused(act, format!("{place}: {why}")),
            }
            match self.attempt(act, creation, attempt, &attempt.second_token).await? {
                Tried::Created(created) => return Ok(created),
                Tried::NextCandidate(why) | Tried::NotDone(why) => {
                    self.refused(act, format!("{place}: {why}"))
                }
            }
        }
        Err(Halt::Failed("no candidate of the plan could be created".to_owned()))
    }

    /// Creates with one token. The token is used again only while the create certainly did not happen.
    async fn attempt(
        &self,
        act: &Act<'_>,
        creation: &PodCreation,
        attempt: &Attempt,
        token: &Token,
    ) -> Result<Tried, Halt> {
        let RecordAfter::Put(after) = &act.action.record else {
            return Err(Halt::Failed("the plan does not say what to record".to_owned()));
        };
        let volumes = |address: &Address| self.volume_id(address);
        let request =
            request::create(self.sources(&volumes), creation, &attempt.candidate).map_err(failed)?;
        let sent = request::sent_pod(creation, attempt, token, after);
        let mut tries = 0;
        loop {
            let call = async |port: &'a P, going: Going| {
                let mut request = request.clone();
                request::mark(&mut request.settings.env, &self.mark(act, token, going));
                port.create_pod(&request).await
            };
            let Answer { result, going, sent_at, ended } = self.send(act, Some((token, &sent)), call).await?;
            let error = match result {
                Ok(id) => {
                    let changes = self.found(act, &sent, &id);
                    let accepted = Event::Accepted { id: Some(RemoteId::Pod(id.clone())) };
                    self.answered(act, sent_at, accepted, changes).await?;
                    return Ok(created(id, sent, request, ended));
                }
                Err(error) => error,
            };
            let why = error.to_string();
            let next = retry::after_write(Kind::Create, &error, tries, self.backoff(tries));
            if next == Next::LookUp {
                self.answered(act, sent_at, Event::Unknown { why: why.clone() }, Vec::new()).await?;
                let known = KnownToken {
                    address: act.id.address.clone(),
                    intended_at: sent_at,
                    server_time: going.server_time,
                    sent: sent.clone(),
                    tombstone: false,
                };
                if let Some(id) = self.look_up(act, token, &known, ended).await? {
                    return Ok(created(id, sent, request, ended));
                }
                let why = format!("{why}; it did not happen");
                self.note(act, Event::Refused { why: why.clone() }).await?;
                return Ok(Tried::NotDone(why));
            }
            self.answered(act, sent_at, Event::Refused { why: why.clone() }, Vec::new()).await?;
            match self.after_refused_create(act, next, why.clone()).await? {
                Elsewhere::SamePlace => {}
                Elsewhere::OtherPlace => return Ok(Tried::NextCandidate(why)),
                Elsewhere::OtherCloud => {
                    self.forbidden.borrow_mut().insert(attempt.candidate.placement.cloud);
                    return Ok(Tried::NextCandidate(why));
                }
            }
            tries += 1;
        }
    }

    /// Looks in listing after listing for the pod of a create without an answer; `None` once it is settled that there
    /// is none.
    async fn look_up(
        &self,
        act: &Act<'_>,
        token: &Token,
        asked: &KnownToken,
        ended: Instant,
    ) -> Result<Option<PodId>, Halt> {
        let settings = &self.context.settings;
        let mut search = Search::new(Duration::ZERO, settings.settling);
        let _searching = self.searching(act, ended + settings.settling);
        let deadline = ended + settings.settling + settings.wait_timeout;
        let mut looks = self.pods.since(ended, deadline);
        loop {
            let Some(Look { sheet, waited }) = self.next_look(&mut looks).await? else {
                return Err(Halt::Unknown("the listing has an entry that cannot be read".to_owned()));
            };
            let entries = sheet.may_carry(token);
            let is_known = |id: &RemoteId| self.ledger.records().has(id);
            let sighting = recover::sight_pod(token, &entries, is_known);
            if let Sighting::These(ids) = &sighting {
                let found = recover::carriers(&entries, ids);
                let choice = recover::choose(self.view(), &found, asked);
                return self.adopt(act, &asked.sent, choice).await.map(Some);
            }
            if search.settles(waited, &sighting) {
                return Ok(None);
            }
        }
    }

    /// Records the pod that is ours and retires what the same create made besides.
    async fn adopt(&self, act: &Act<'_>, sent: &Sent, choice: Choice) -> Result<PodId, Halt> {
        let (id, retire, doubtful) = match choice {
            Choice::Adopt { id, retire, doubtful } => (id, retire, doubtful),
            Choice::Doubtful(ids) => return Err(Halt::Unknown(look_at_these(&ids))),
        };
        let accepted = Event::Accepted { id: Some(RemoteId::Pod(id.clone())) };
        let changes = self.found(act, sent, &id);
        self.ledger.commit(act.id, vec![(self.ledger.now(), accepted)], changes).await?;
        for duplicate in &retire {
            self.refused(act, format!("the same create made `{duplicate}` as well, which is terminated"));
            // The choice has looked at it.
            let remote = RemoteId::Pod(duplicate.clone());
            let standing = gate::standing(&act.id.address, &remote, &self.ledger.records());
            let pass = gate::check(Request::Delete, &remote, &standing, Made::ByUsAndSpare).map_err(shut)?;
            self.terminate(act, pass, duplicate, Some(RemoteId::Pod(id.clone()))).await?;
        }
        if doubtful.is_empty() {
            return Ok(id);
        }
        // It is recorded, but a person has to look before anything else happens at this address.
        Err(Halt::Failed(look_at_these(&doubtful)))
    }

    /// Returns what records the pod of a create.
    fn found(&self, act: &Act<'_>, sent: &Sent, id: &PodId) -> Vec<RecordChange> {
        let remote = RemoteId::Pod(id.clone());
        act.object.replace(Some(remote.clone()));
        let previous = self.ledger.recorded(&act.id.address);
        vec![record::put(&act.id.address, &sent.record, remote, previous.as_ref(), self.moment())]
    }

    /// Waits until a created pod runs and is as promised.
    async fn see_through(
        &self,
        act: &Act<'_>,
        creation: &PodCreation,
        created: Created,
    ) -> Result<Vec<RecordChange>, Halt> {
        let Created { id, sent, request, since } = created;
        let live = match self.wait_running(act, &id, (Since::Created, since), None).await? {
            Waited::Running(live) => live,
            Waited::Stuck(why) => return Err(Halt::Failed(why)),
        };
        if let Some(difference) = readback::created(&request, &live) {
            return Err(Halt::Failed(difference));
        }
        if creation.container.locked == Some(true) {
            let lock = request::lock(&id, true);
            self.change(act, &lock, None, Disruption::InPlace).await?;
        }
        let after: Record = record::landed(&sent.record, &live);
        let previous = self.ledger.recorded(&act.id.address);
        let remote = RemoteId::Pod(id);
        Ok(vec![record::put(&act.id.address, &after, remote, previous.as_ref(), self.moment())])
    }

    pub(super) async fn update_pod(
        &self,
        act: &Act<'_>,
        id: &PodId,
        patch: &PodPatch,
        disruption: Disruption,
    ) -> Result<Vec<RecordChange>, Halt> {
        self.go_on()?;
        act.object.replace(Some(RemoteId::Pod(id.clone())));
        let Some(before) = self.look_at(id).await? else { return Err(vanished(id)) };
        let volumes = |address: &Address| self.volume_id(address);
        let request = request::patch(self.sources(&volumes), id, patch, &before).map_err(failed)?;
        let token = patch.env.as_ref().and_then(|env| env.token.as_ref());
        let since = self.change(act, &request, token.map(|token| (token, &before)), disruption).await?;
        if before.status.is_up() && disruption == Disruption::Reset {
            match self.wait_running(act, id, (Since::Started, since), None).await? {
                Waited::Running(_) => {}
                Waited::Stuck(why) => return Err(Halt::Failed(why)),
            }
        }
        Ok(self.recorded_after(act, RemoteId::Pod(id.clone())))
    }

    /// Sends a change and waits until it is seen. One that replaces the variables carries the mark of a token, as the
    /// pod had it before.
    async fn change(
        &self,
        act: &Act<'_>,
        request: &PatchRequest,
        marked: Option<(&Token, &LivePod)>,
        disruption: Disruption,
    ) -> Result<Instant, Halt> {
        let difference = async || match self.look_at(&request.id).await? {
            Some(live) => Ok(readback::patched(request, disruption, &live)),
            None => Err(vanished(&request.id)),
        };
        let seen = async || Ok(difference().await?.is_none());
        let object = Some(RemoteId::Pod(request.id.clone()));
        let pass = self.permit(act, Request::Change, &RemoteId::Pod(request.id.clone())).await?;
        let call = async |port: &'a P, going: Going| {
            let (Some((token, before)), Some(env)) = (marked, &request.settings.env) else {
                return port.update_pod(request).await;
            };
            let mark = Marker { created: None, ..self.mark(act, token, going) };
            let mark = request::refreshed(mark, before, self.prior.tokens.get(token));
            let mut env = env.clone();
            request::mark(&mut env, &mark);
            port.update_pod(&PatchRequest {
                id: request.id.clone(),
                settings: PodSettings { env: Some(env), ..request.settings.clone() },
            })
            .await
        };
        let since = match self.ensure(act, pass, (Kind::Change, object), call, seen).await? {
            Ensured::Taken(since) => since,
            Ensured::Gone(_) | Ensured::Stuck(_) => return Err(vanished(&request.id)),
        };
        let mut looks = self.watch(act, &self.pods, since);
        loop {
            let Some(Look { sheet, waited }) = self.next_look(&mut looks).await? else {
                return Err(Halt::Unknown("its entry in the listing cannot be read".to_owned()));
            };
            if let Sight::Live(live) = sheet.sight(&request.id)
                && readback::patched(request, disruption, live).is_none()
            {
                return Ok(since);
            }
            if waited >= self.context.settings.settling {
                return difference().await?.map_or(Ok(since), |difference| Err(Halt::Failed(difference)));
            }
        }
    }

    pub(super) async fn start_pod(
        &self,
        act: &Act<'_>,
        id: &PodId,
        compute: Option<&Compute>,
        on_stuck: &OnStuck,
    ) -> Result<Vec<RecordChange>, Halt> {
        act.object.replace(Some(RemoteId::Pod(id.clone())));
        let gpus = match compute {
            Some(Compute::Gpu { id: _, count }) => *count,
            Some(Compute::Cpu { .. }) | None => 0,
        };
        let seen = async || Ok(self.look_at(id).await?.is_some_and(|live| live.status.is_up()));
        let call = async |port: &'a P, _: Going| port.start_pod(id, gpus).await;
        let object = RemoteId::Pod(id.clone());
        let pass = self.permit(act, Request::Start, &object).await?;
        let stuck = match self.ensure(act, pass, (Kind::Start, Some(object)), call, seen).await? {
            Ensured::Gone(_) => return Err(vanished(id)),
            Ensured::Stuck(why) => why,
            Ensured::Taken(since) => {
                match self.wait_running(act, id, (Since::Started, since), Some(compute)).await? {
                    Waited::Running(_) => return Ok(self.recorded_after(act, RemoteId::Pod(id.clone()))),
                    Waited::Stuck(why) => {
                        // It is billed although it is of no use.
                        self.halt_pod(act, id).await?;
                        why
                    }
                }
            }
        };
        match on_stuck {
            OnStuck::Fail => Err(Halt::Failed(stuck)),
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
        self.refused(act, format!("{why}; it is replaced"));
        let pass = self.permit(act, Request::Delete, &RemoteId::Pod(id.clone())).await?;
        self.terminate(act, pass, id, None).await?;
        let previous = self.ledger.recorded(&act.id.address);
        let changes = record::remove(&act.id.address, previous.as_ref(), false);
        self.ledger.commit(act.id, Vec::new(), changes).await?;
        self.create_pod(act, creation).await
    }

    pub(super) async fn stop_pod(&self, act: &Act<'_>, id: &PodId) -> Result<Vec<RecordChange>, Halt> {
        self.halt_pod(act, id).await?;
        Ok(self.recorded_after(act, RemoteId::Pod(id.clone())))
    }

    /// Stops a pod and waits until it is stopped.
    async fn halt_pod(&self, act: &Act<'_>, id: &PodId) -> Result<(), Halt> {
        act.object.replace(Some(RemoteId::Pod(id.clone())));
        let seen = async || Ok(self.look_at(id).await?.is_some_and(|live| !live.status.is_up()));
        let call = async |port: &'a P, _: Going| port.stop_pod(id).await;
        let object = RemoteId::Pod(id.clone());
        let pass = self.permit(act, Request::Stop, &object).await?;
        let since = match self.ensure(act, pass, (Kind::Change, Some(object)), call, seen).await? {
            Ensured::Taken(since) => since,
            Ensured::Gone(_) | Ensured::Stuck(_) => return Err(vanished(id)),
        };
        let mut looks = self.watch(act, &self.pods, since);
        loop {
            let Some(Look { sheet, waited }) = self.next_look(&mut looks).await? else {
                return Err(Halt::Unknown("it is not listed as stopped".to_owned()));
            };
            if let Sight::Live(live) = sheet.sight(id)
                && !live.status.is_up()
            {
                return Ok(());
            }
            if waited >= self.context.settings.settling {
                return match self.look_at(id).await? {
                    None => Err(vanished(id)),
                    Some(live) if live.status.is_up() => {
                        Err(Halt::Failed(format!("the API said yes, but it is still {}", live.status)))
                    }
                    Some(_) => Ok(()),
                };
            }
            self.waiting(act, "EXITED".to_owned());
        }
    }

    pub(super) async fn delete_pods(
        &self,
        act: &Act<'_>,
        ids: &BTreeSet<PodId>,
    ) -> Result<Vec<RecordChange>, Halt> {
        for id in ids {
            act.object.replace(Some(RemoteId::Pod(id.clone())));
            let pass = self.permit(act, Request::Delete, &RemoteId::Pod(id.clone())).await?;
            self.terminate(act, pass, id, None).await?;
            let previous = self.ledger.recorded(&act.id.address);
            let changes = record::pod_gone(act.id, act.action, previous.as_ref(), id);
            self.ledger.commit(act.id, Vec::new(), changes).await?;
        }
        Ok(Vec::new())
    }

    /// Terminates a pod and waits until listings agree that it is gone.
    async fn terminate(
        &self,
        act: &Act<'_>,
        pass: Pass,
        id: &PodId,
        object: Option<RemoteId>,
    ) -> Result<(), Halt> {
        let seen = async || Ok(self.look_at(id).await?.is_none());
        let call = async |port: &'a P, _: Going| port.delete_pod(id).await;
        let (since, said) = match self.ensure(act, pass, (Kind::Delete, object), call, seen).await? {
            Ensured::Taken(since) => (since, "the API said yes"),
            Ensured::Gone(since) => (since, "the API said that it is gone"),
            Ensured::Stuck(why) => return Err(Halt::Failed(why)),
        };
        let mut looks = self.watch(act, &self.pods, since);
        loop {
            let Some(Look { sheet, waited }) = self.next_look(&mut looks).await? else {
                return Err(Halt::Unknown(format!("{said}, but its entry in the listing cannot be read")));
            };
            match sheet.sight(id) {
                Sight::Absent => return Ok(()),
                Sight::Live(_) | Sight::Unreadable if waited >= self.context.settings.settling => {
                    return match self.look_at(id).await? {
                        None => Ok(()),
                        Some(_) => Err(Halt::Failed(format!("{said}, but `{id}` is still there"))),
                    };
                }
                Sight::Live(_) | Sight::Unreadable => {}
            }
            self.waiting(act, "its end".to_owned());
        }
    }

    /// Waits until a pod runs. `compute` is given where it can come back without its GPUs.
    async fn wait_running(
        &self,
        act: &Act<'_>,
        id: &PodId,
        (cause, since): (Since, Instant),
        compute: Option<Option<&Compute>>,
    ) -> Result<Waited, Halt> {
        let settings = &self.context.settings;
        let mut looks = self.watch(act, &self.pods, since);
        let mut status = None;
        loop {
            let Some(Look { sheet, waited }) = self.next_look(&mut looks).await? else {
                let is = status.map_or("not listed".to_owned(), |status: PodStatus| status.to_string());
                let limit = shown(settings.wait_timeout);
                return Err(Halt::Unknown(format!("not RUNNING within {limit}, is {is}; it is kept")));
            };
            let settled = waited >= settings.settling;
            let live = self.status_of(id, sheet.sight(id), cause, settled).await?;
            let Some(live) = live else { continue };
            if let Some(compute) = compute
                && live.status.is_up()
                && readback::lacks_gpus(compute, &live) == Some(true)
            {
                let has = live.compute.as_ref().map_or("nothing".to_owned(), Compute::to_string);
                return Ok(Waited::Stuck(format!("its host has no free GPU: it came back with {has}")));
            }
            match live.status {
                PodStatus::Running => return Ok(Waited::Running(Box::new(live))),
                PodStatus::Exited | PodStatus::Error | PodStatus::Terminated
                    if cause == Since::Created || settled =>
                {
                    return Err(Halt::Failed(format!("it is {} instead of RUNNING", live.status)));
                }
                PodStatus::Provisioning
                | PodStatus::Starting
                | PodStatus::Exited
                | PodStatus::Error
                | PodStatus::Terminated => {
                    if status != Some(live.status) {
                        self.waiting(act, format!("RUNNING, is {}", live.status));
                    }
                    status = Some(live.status);
                }
            }
        }
    }

    /// Returns how a pod is that is waited for, if that can be told. Listings lag, so before anything but success is
    /// concluded the pod itself is asked for.
    async fn status_of(
        &self,
        id: &PodId,
        sight: Sight<'_, LivePod>,
        cause: Since,
        settled: bool,
    ) -> Result<Option<LivePod>, Halt> {
        match sight {
            Sight::Live(live) if live.status.is_up() => Ok(Some(live.clone())),
            Sight::Live(_) if cause == Since::Created || settled => self.look_at(id).await,
            Sight::Absent | Sight::Unreadable if settled => {
                self.look_at(id).await?.map(Some).ok_or_else(|| vanished(id))
            }
            Sight::Live(_) | Sight::Absent | Sight::Unreadable => Ok(None),
        }
    }

    fn waiting(&self, act: &Act<'_>, what: String) {
        self.tell(Notice::Waiting { action: act.id.clone(), what });
    }
}

fn created(id: PodId, sent: Sent, request: PodRequest, since: Instant) -> Tried {
    Tried::Created(Box::new(Created { id, sent, request, since }))
}

fn vanished(id: &PodId) -> Halt {
    Halt::Failed(format!("pod `{id}` is not there any more"))
}

fn look_at_these(ids: &BTreeSet<PodId>) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    format!(
        "{} may have been made by the same create: look at it, then terminate or import it",
        ids.join(", ")
    )
}

fn failed(missing: Missing) -> Halt {
    Halt::Failed(missing.to_string())
}
