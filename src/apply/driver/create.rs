//! How something is made: one create after the other until one is known to have happened, or all are known not to.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::call::{Answer, Going, no_answer};
use super::lookout::Sheet;
use super::permit::shut;
use super::until::Watched;
use super::{Act, Engine};
use crate::apply::ending::Halt;
use crate::apply::gate::{self, Made, Request};
use crate::apply::recover::{self, Choice};
use crate::apply::request;
use crate::apply::retry::{self, Kind, Next};
use crate::apply::verdict::{self, Cause, Running, Verdict, Waited};
use crate::apply::{Reporter, readback, record, waiting};
use crate::model::address::Address;
use crate::model::clock::Clock;
use crate::model::id::{PodId, RemoteId};
use crate::model::journal::{Asked, Event};
use crate::model::live::{LivePod, PodStatus};
use crate::model::marker::Token;
use crate::model::money::Price;
use crate::model::outcome::Lasting;
use crate::model::plan::{Attempt, Candidate, Disruption, PodCreation};
use crate::model::pod::{Cloud, Placement};
use crate::model::prior::{KnownToken, Recorded};
use crate::model::ready::{Boot, OnNoBoot};
use crate::model::request::PodRequest;
use crate::provider::{Mutate, Observe, ProviderError};
use crate::state::{Journal, RecordChange};

struct Created<'p> {
    id: PodId,
    asked: Asked,
    request: PodRequest,
    since: Instant,
    candidate: &'p Candidate,
    /// What the plan has left if this one never runs.
    rest: &'p [Attempt],
}

/// How the wait for a created pod ended.
enum Booted {
    /// It runs and is as promised; what that changes in the records.
    Done(Vec<RecordChange>),
    /// It never ran and is gone; in words, with what it cost.
    GivenUp(String),
}

/// How a create ended.
pub(super) enum Tried<I> {
    /// It made this, not before this moment.
    Created(I, Instant),
    /// It was refused, and would be wherever this place is: the plan's next one.
    OtherPlace(String),
    /// The key may not create in this cloud.
    OtherCloud(String),
    /// It certainly did not happen, though it was sent.
    NotDone(String),
}

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Sends a create, again with the same token while it certainly did not happen. Where its answer is missing,
    /// `look_up` finds out what became of it: asking again could make a second one.
    pub(super) async fn create<I: Watched>(
        &self,
        act: &Act<'_>,
        (token, asked): (&Token, &Asked),
        call: impl AsyncFn(&'a P, Going) -> Result<I, ProviderError>,
        look_up: impl AsyncFn(&KnownToken, Instant) -> Result<Option<I>, Halt>,
    ) -> Result<Tried<I>, Halt> {
        let mut tries = 0;
        loop {
            let Answer { result, going, sent_at, ended } =
                Box::pin(self.send(act, I::CREATE, Some((token, asked)), &call)).await?;
            let error = match result.and_then(|id| self.unheld(id)) {
                Ok(id) => {
                    // The record is durable with the answer: after a crash in between nobody would know whose it is.
                    let accepted = Event::Accepted { id: Some(id.remote()) };
                    self.answered(act, sent_at, accepted, self.found(act, asked, &id)).await?;
                    return Ok(Tried::Created(id, ended));
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
                    asked: asked.clone(),
                    tombstone: false,
                };
                if let Some(id) = look_up(&known, ended).await? {
                    return Ok(Tried::Created(id, ended));
                }
                let why = format!("{why}; it did not happen");
                self.note(act, Event::Refused { why: why.clone() }).await?;
                return Ok(Tried::NotDone(why));
            }
            self.answered(act, sent_at, Event::Refused { why: why.clone() }, Vec::new()).await?;
            match next {
                Next::Again { after } => {
                    self.refused(act, why);
                    self.pause(after).await?;
                }
                Next::NextCandidate => return Ok(Tried::OtherPlace(why)),
                Next::SkipCloud => return Ok(Tried::OtherCloud(why)),
                Next::Stop(by) => {
                    self.stop(by);
                    return Err(Halt::Failed(why));
                }
                Next::NotNow => return Err(Halt::NotNow(why)),
                // All but the last follow other answers only.
                Next::LookUp | Next::Look { .. } | Next::Stuck | Next::Gone | Next::GiveUp | Next::Fail => {
                    return Err(Halt::Failed(why));
                }
            }
            tries += 1;
        }
    }

    /// Refuses an id that another object has: whatever was made, this is not it, and its token finds it.
    fn unheld<I: Watched>(&self, id: I) -> Result<I, ProviderError> {
        let records = self.ledger.records();
        let Some(holder) = records.holder(&id.remote()) else { return Ok(id) };
        let detail = format!("its answer names `{id}`, which is on record for `{holder}`");
        Err(no_answer(I::CREATE, detail))
    }

    /// Returns what records the object of a create.
    fn found<I: Watched>(&self, act: &Act<'_>, asked: &Asked, id: &I) -> Vec<RecordChange> {
        act.object.replace(Some(id.remote()));
        self.put(act, &asked.record, id.remote())
    }

    /// Records what a create without an answer was found to have made.
    pub(super) async fn adopted<I: Watched>(&self, act: &Act<'_>, asked: &Asked, id: &I) -> Result<I, Halt> {
        let accepted = Event::Accepted { id: Some(id.remote()) };
        let changes = self.found(act, asked, id);
        self.ledger.commit(act.id, vec![(self.ledger.now(), accepted)], changes).await?;
        Ok(id.clone())
    }

    pub(super) async fn create_pod(
        &self,
        act: &Act<'_>,
        creation: &PodCreation,
    ) -> Result<Vec<RecordChange>, Halt> {
        let mut left = creation.attempts.as_slice();
        let before = self.ledger.recorded(&act.id.address);
        // Of all tries, as what the last one met says nothing of those before it.
        let mut full = BTreeSet::new();
        loop {
            // Boxed like what is on the wire: nothing of it is needed while the pod is waited for.
            let Some(created) = Box::pin(self.place(act, creation, left, &mut full)).await? else {
                let why = "no candidate of the plan could be created".to_owned();
                let helps = waiting::may_help(&full, &self.forbidden.borrow());
                return Err(if helps { Halt::NoCapacity(why) } else { Halt::Failed(why) });
            };
            let why = match self.see_through(act, creation, &created, before.as_ref()).await? {
                Booted::Done(changes) => return Ok(changes),
                Booted::GivenUp(why) => why,
            };
            match creation.boot.map(|boot| boot.or_else) {
                Some(OnNoBoot::NextCandidate) => {
                    act.given_up.borrow_mut().push(why.clone());
                    self.refused(act, why);
                    left = created.rest;
                }
                Some(OnNoBoot::Fail) | None => return Err(Halt::Failed(why)),
            }
        }
    }

    /// Tries the plan's candidates in the plan's order; `None` if none could be created. Notes in which clouds there was one
    /// without capacity.
    ///
    /// Each has a second token, for one more create where the first may have been lost on its way: should that one
    /// arrive after all, it is told from the second by its token.
    async fn place<'p>(
        &self,
        act: &Act<'_>,
        creation: &'p PodCreation,
        attempts: &'p [Attempt],
        full: &mut BTreeSet<Cloud>,
    ) -> Result<Option<Created<'p>>, Halt> {
        let waited = self.waits.of(&act.id.address);
        for (number, attempt) in (1..).zip(attempts).filter(|(_, attempt)| waiting::is_open(attempt, waited))
        {
            let Placement { compute, cloud, .. } = &attempt.candidate.placement;
            let refused = |why: String| self.refused(act, format!("{compute} {cloud}: {why}"));
            if self.forbidden.borrow().contains(cloud) {
                refused("creates were forbidden there before".to_owned());
                continue;
            }
            let volumes = |address: &Address| self.volume_id(address);
            let registries = |address: &Address| self.registry_id(address);
            let sources = self.sources(&volumes, &registries);
            let request = request::create(sources, creation, &attempt.candidate);
            let request = request.map_err(|missing| Halt::Failed(missing.to_string()))?;
            for token in [&attempt.token, &attempt.second_token] {
                let request = request::for_run(&request, token);
                let asked = request::asked_pod(creation, attempt, token, self.record_after(act)?);
                match self.attempt(act, &request, (token, &asked)).await? {
                    Tried::Created(id, since) => {
                        let rest = attempts.get(number..).unwrap_or_default();
                        let candidate = &attempt.candidate;
                        return Ok(Some(Created { id, asked, request, since, candidate, rest }));
                    }
                    Tried::NotDone(why) => refused(why),
                    Tried::OtherPlace(why) => {
                        full.insert(*cloud);
                        refused(why);
                        break;
                    }
                    Tried::OtherCloud(why) => {
                        self.forbidden.borrow_mut().insert(*cloud);
                        refused(why);
                        break;
                    }
                }
            }
        }
        Ok(None)
    }

    /// Creates a pod with one token.
    async fn attempt(
        &self,
        act: &Act<'_>,
        request: &PodRequest,
        (token, asked): (&Token, &Asked),
    ) -> Result<Tried<PodId>, Halt> {
        let call = async |port: &'a P, going: Going| {
            let mut request = request.clone();
            request::mark(&mut request.settings.env, &self.mark(act, token, going));
            port.create_pod(&request).await
        };
        let look_up = async |known: &KnownToken, ended| {
            let sight = |sheet: &Sheet<PodId>| {
                recover::sight_pod(token, &sheet.may_carry(token), |id| self.ledger.records().has(id))
            };
            let late = "the listing has an entry that cannot be read";
            let Some((sheet, ids)) = self.look_up(act, ended, sight, late).await? else { return Ok(None) };
            let found = recover::carriers(&sheet.may_carry(token), &ids);
            self.adopt(act, asked, recover::choose(self.view(), &found, known)).await.map(Some)
        };
        self.create(act, (token, asked), call, look_up).await
    }

    /// Records the pod that is ours and retires what the same create made besides.
    async fn adopt(&self, act: &Act<'_>, asked: &Asked, choice: Choice) -> Result<PodId, Halt> {
        let (id, retire, doubtful) = match choice {
            Choice::Adopt { id, retire, doubtful } => (id, retire, doubtful),
            Choice::Doubtful(ids) => return Err(Halt::Unknown(look_at_these(&ids))),
        };
        // Recorded before a duplicate is ended: a run that dies in between leaves a pod too many, whose token every plan
        // looks for, and never the only one without a record.
        let id = self.adopted(act, asked, &id).await?;
        for duplicate in &retire {
            self.refused(act, format!("the same create made `{duplicate}` as well, which is terminated"));
            // The choice has looked at it.
            let remote = RemoteId::Pod(duplicate.clone());
            let standing = gate::standing(&act.id.address, &remote, &self.ledger.records());
            let pass = gate::check(Request::Delete, &remote, &standing, Made::ByUsAndSpare).map_err(shut)?;
            self.terminate(act, pass, duplicate, Some(id.remote())).await?;
        }
        if doubtful.is_empty() {
            return Ok(id);
        }
        // It is recorded, but a person has to look before anything else happens at this address.
        Err(Halt::Failed(look_at_these(&doubtful)))
    }

    /// Waits until a created pod runs and is as promised. It is on record by then, so whatever fails here leaves a pod
    /// that the next plan compares.
    async fn see_through(
        &self,
        act: &Act<'_>,
        creation: &PodCreation,
        created: &Created<'_>,
        before: Option<&Recorded>,
    ) -> Result<Booted, Halt> {
        let Created { id, asked, request, since, candidate: _, rest: _ } = created;
        let live = match creation.boot {
            None => match self.wait_up(act, id, (Cause::Created, *since), None).await? {
                Waited::Running(live) => live,
                Waited::Stuck(why) => return Err(Halt::Failed(why)),
            },
            Some(boot) => match self.wait_booted(act, created, boot, before).await? {
                Ok(live) => live,
                Err(given_up) => return Ok(Booted::GivenUp(given_up)),
            },
        };
        if let Some(difference) = readback::created(request, &live) {
            return Err(Halt::Failed(difference));
        }
        // A create cannot lock.
        if creation.container.locked == Some(true) {
            let lock = request::lock(id, true);
            self.change(act, &lock, None, Disruption::InPlace).await?;
        }
        Ok(Booted::Done(self.put(act, &record::landed(&asked.record, &live), id.remote())))
    }

    /// Waits until a pod that this action created runs. One that never did within its time is ended, if nothing can be
    /// lost with it; then says so with what it cost. Any other one is kept.
    async fn wait_booted(
        &self,
        act: &Act<'_>,
        created: &Created<'_>,
        boot: Boot,
        before: Option<&Recorded>,
    ) -> Result<Result<Box<LivePod>, String>, Halt> {
        let Created { id, asked, since, candidate, .. } = created;
        let began = self.begin();
        let mut running = Running::new(id, Cause::Created, None);
        let deadline = *since + boot.within.duration();
        let waited = self.until_seen_by(act, id, (*since, deadline), |seen| match running.judge(seen) {
            Verdict::GoOn(_) if self.is_over(began, boot.within) => Verdict::Done(None),
            Verdict::GoOn(told) => Verdict::GoOn(told),
            Verdict::Ask => Verdict::Ask,
            Verdict::Done(waited) => Verdict::Done(Some(waited)),
            Verdict::Failed(why) => Verdict::Failed(why),
        });
        let waited = waited.await;
        if let Err(Halt::Failed(_)) = &waited {
            self.note_failed(act, id).await?;
        }
        match waited?.flatten() {
            Some(Waited::Running(live)) => return Ok(Ok(live)),
            Some(Waited::Stuck(why)) => return Err(Halt::Failed(why)),
            None => {}
        }
        let Some(live) = self.look_at(id).await? else {
            return Err(Halt::Failed(verdict::vanished(&id.remote())));
        };
        if live.status == PodStatus::Running {
            return Ok(Ok(Box::new(live)));
        }
        if let Err(why) = verdict::may_be_given_up(asked, &live) {
            let why = format!("not RUNNING within {}, is {}; it is kept, as {why}", boot.within, live.status);
            return Err(Halt::Unknown(why));
        }
        let pass = self.permit(act, Request::Delete, &id.remote()).await?;
        let ended = self.terminate(act, pass, id, None).await;
        ended.map_err(|halt| not_given_up(act, boot, halt))?;
        // Durable before another create: a run that dies in between leaves no record of a pod that is gone.
        let created = self.ledger.recorded(&act.id.address);
        let changes = record::given_up(&act.id.address, created.as_ref(), before);
        self.ledger.commit(act.id, Vec::new(), changes).await?;
        act.object.replace(None);
        let price = if live.price == Price::Unknown { candidate.price } else { live.price };
        let Placement { compute, cloud, .. } = &candidate.placement;
        let cost = verdict::cost_of(price, self.took(began));
        Ok(Err(format!(
            "{compute} {cloud}: `{id}` did not run within {} and was given up; {cost}",
            boot.within
        )))
    }
}

/// Says of a pod that could not be given up why that was to be; no plan does it again.
fn not_given_up(act: &Act<'_>, boot: Boot, halt: Halt) -> Halt {
    let told = |why: String| format!("did not run within {}, and could not be given up: {why}", boot.within);
    match halt {
        Halt::Failed(why) => {
            act.lasting.set(Some(Lasting::NeverRan));
            Halt::Failed(told(why))
        }
        Halt::Unknown(why) => Halt::Unknown(told(why)),
        halt => halt,
    }
}

fn look_at_these(ids: &BTreeSet<PodId>) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    format!(
        "{} may have been made by the same create: look at it, then terminate or import it",
        ids.join(", ")
    )
}
