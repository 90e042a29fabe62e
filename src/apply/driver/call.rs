//! One request and what follows it: permission, intent, the wire, the answer.
//!
//! What is on the wire has a box of its own. Thousands of actions wait for what their requests began, and each would
//! keep the room for the largest of them until its end.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::ledger::Committed;
use super::{Act, Engine, interrupted, secret};
use crate::apply::ending::Halt;
use crate::apply::gate::Pass;
use crate::apply::limiter::Limited;
use crate::apply::retry::{self, Next};
use crate::apply::{Context, Interrupt, Reporter, Settings, shown};
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{RemoteId, Serial};
use crate::model::journal::{Asked, Event};
use crate::model::marker::Token;
use crate::model::progress::Notice;
use crate::provider::walk::{Walk, walk};
use crate::provider::{
    Certainty, ListedPod, ListedRegistry, ListedSecret, ListedVolume, Mutate, Observe, ProviderError, Verb,
};
use crate::state::{Journal, RecordChange};

/// What a request goes out with.
#[derive(Clone, Copy)]
pub(super) struct Going {
    /// The version of the state that has its intent.
    pub(super) serial: Serial,
    /// The provider's time shortly before, where it was told.
    pub(super) server_time: Option<Timestamp>,
}

/// An answer, and when its request went out and ended.
pub(super) struct Answer<T> {
    pub(super) result: Result<T, ProviderError>,
    pub(super) going: Going,
    pub(super) sent_at: Timestamp,
    pub(super) ended: Instant,
}

/// How a repeatable request ended.
pub(super) enum Ensured {
    /// It took effect, or will; not before this moment.
    Taken(Instant),
    /// Its object is not there.
    Gone(Instant),
    /// The pod's host is full.
    Stuck(String),
}

impl Ensured {
    /// Returns the moment from which its effect can be seen, where no host can be full.
    pub(super) fn since(self) -> Result<Instant, Halt> {
        match self {
            Self::Taken(since) | Self::Gone(since) => Ok(since),
            Self::Stuck(why) => Err(Halt::Failed(why)),
        }
    }
}

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Sends one request, not before its intent is durable and not long after.
    ///
    /// A create goes out with the provider's time, by which it will be told from a copy; if the last answer is too long
    /// ago for that, something is read first.
    pub(super) async fn send<T>(
        &self,
        act: &Act<'_>,
        verb: Verb,
        create: Option<(&Token, &Asked)>,
        call: impl AsyncFnOnce(&'a P, Going) -> Result<T, ProviderError>,
    ) -> Result<Answer<T>, Halt> {
        let settings = &self.context.settings;
        let attempt = act.next_attempt();
        let mut asked_the_time = false;
        // Kept until the answer is there: what is intended ahead has no place yet, and what is answered needs none.
        let mut place = None;
        let (turn, going, committed) = loop {
            self.go_on()?;
            // The wait for the quota comes first, so that the intent is fresh when the request goes out.
            let turn = self.unless_cut_short(self.context.provider.turn(verb)).await?;
            let turn = turn.map_err(|error| self.no_turn(&error))?;
            let mut server_time = self.fresh_time();
            if create.is_some() && server_time.is_none() && !asked_the_time {
                asked_the_time = true;
                // Many creates begin at once, and one answer tells the time to all.
                let _asking = self.unless_cut_short(self.asking.lock()).await?;
                server_time = self.fresh_time();
                if server_time.is_none() {
                    let read = timeout(settings.request_timeout, turn.port().list_volumes());
                    let answer = self.unless_cut_short(read).await?;
                    // Whether it tells the time is seen at the next turn.
                    let silent = |_| Err(no_answer(Verb::ListVolumes, String::new()));
                    turn.end(answer.unwrap_or_else(silent).as_ref().err());
                    continue;
                }
            }
            let intended = Event::Intended {
                attempt,
                token: create.map(|(token, _)| token.clone()),
                asked: create.map(|(_, asked)| asked.clone()),
                server_time,
            };
            let committed =
                self.ledger.commit(act.id, vec![(self.ledger.now(), intended)], Vec::new()).await?;
            if place.is_none() {
                place = self.unless_cut_short(self.wire.enter()).await?;
            }
            // A signal, or what ended another action, may have come during the commit.
            self.go_on()?;
            if self.ledger.age(&committed) <= settings.intent_validity {
                break (turn, Going { serial: committed.serial, server_time }, committed);
            }
            asked_the_time = false;
        };
        let _wire = OnWire::new(&self.on_wire);
        let sent_at = self.ledger.now();
        let result = tokio::select! {
            biased;
            () = interrupted(&self.context.interrupt, Interrupt::Second) => Err(no_answer(verb, "given up by a second signal".to_owned())),
            answer = timeout(settings.request_timeout, self.in_time(&committed, call(turn.port(), going))) => {
                answer.ok().flatten().unwrap_or_else(|| Err(none_within(verb, settings.request_timeout)))
            }
        };
        turn.end(result.as_ref().err());
        Ok(Answer { result, going, sent_at, ended: Instant::now() })
    }

    /// Gives a request up once nobody reckons with it any more.
    ///
    /// A request waits for its connection, and where the computer is suspended meanwhile it would be sent when it wakes,
    /// under a lock that may be another's by then: who took it over waited until the request could have no effect.
    async fn in_time<T>(&self, committed: &Committed, call: impl Future<Output = T>) -> Option<T> {
        let Settings { intent_validity, request_timeout, .. } = self.context.settings;
        let mut call = pin!(call);
        poll_fn(|task| {
            if self.ledger.age(committed) > intent_validity + request_timeout {
                return Poll::Ready(None);
            }
            call.as_mut().poll(task).map(Some)
        })
        .await
    }

    /// Returns the provider's time if its last answer is not too long ago.
    fn fresh_time(&self) -> Option<Timestamp> {
        let told = self.context.provider.server_time();
        told.filter(|told| told.ago <= self.context.settings.time_validity).map(|told| told.date)
    }

    /// Stops the run, as what was about to be sent may not be sent for a long time.
    fn no_turn(&self, error: &ProviderError) -> Halt {
        if let Some(by) = retry::stops_everything(error) {
            self.stop(by);
        }
        Halt::CutShort(error.detail.clone())
    }

    /// Makes the answer to a request durable.
    pub(super) async fn answered(
        &self,
        act: &Act<'_>,
        sent_at: Timestamp,
        event: Event,
        changes: Vec<RecordChange>,
    ) -> Result<(), Halt> {
        let events = vec![(sent_at, Event::Started), (self.ledger.now(), event)];
        self.ledger.commit(act.id, events, changes).await.map(|_| ())
    }

    /// Makes one more event durable.
    pub(super) async fn note(&self, act: &Act<'_>, event: Event) -> Result<(), Halt> {
        self.ledger.commit(act.id, vec![(self.ledger.now(), event)], Vec::new()).await.map(|_| ())
    }

    /// Sends a repeatable request that the gate lets through until it took effect; `seen` looks whether it has.
    pub(super) async fn ensure(
        &self,
        act: &Act<'_>,
        pass: Pass,
        object: Option<RemoteId>,
        call: impl AsyncFn(&'a P, Going) -> Result<(), ProviderError>,
        seen: impl AsyncFn() -> Result<bool, Halt>,
    ) -> Result<Ensured, Halt> {
        let accepted = Event::Accepted { id: object };
        let mut tries = 0;
        loop {
            let Answer { result, going: _, sent_at, ended } =
                Box::pin(self.send(act, pass.verb(), None, &call)).await?;
            let Err(error) = result else {
                self.answered(act, sent_at, accepted, Vec::new()).await?;
                return Ok(Ensured::Taken(ended));
            };
            let why = error.to_string();
            let refused = Event::Refused { why: why.clone() };
            match retry::after_write(pass.request().into(), &error, tries, self.backoff(tries)) {
                Next::Look { after } => {
                    if self.had_effect(act, sent_at, &error, (&accepted, after), &seen).await? {
                        return Ok(Ensured::Taken(ended));
                    }
                }
                Next::Again { after } => {
                    self.answered(act, sent_at, refused, Vec::new()).await?;
                    self.refused(act, why);
                    self.pause(after).await?;
                }
                Next::Stuck => {
                    self.answered(act, sent_at, refused, Vec::new()).await?;
                    return Ok(Ensured::Stuck(why));
                }
                Next::NotNow => {
                    self.answered(act, sent_at, refused, Vec::new()).await?;
                    return Err(Halt::NotNow(why));
                }
                Next::Gone => {
                    self.answered(act, sent_at, accepted, Vec::new()).await?;
                    return Ok(Ensured::Gone(ended));
                }
                Next::GiveUp => {
                    self.answered(act, sent_at, Event::Unknown { why: why.clone() }, Vec::new()).await?;
                    return Err(Halt::Unknown(why));
                }
                Next::Stop(by) => {
                    self.stop(by);
                    self.answered(act, sent_at, refused, Vec::new()).await?;
                    return Err(Halt::Failed(why));
                }
                // The first three follow creates only.
                Next::LookUp | Next::NextCandidate | Next::SkipCloud | Next::Fail => {
                    self.answered(act, sent_at, refused, Vec::new()).await?;
                    return Err(Halt::Failed(why));
                }
            }
            tries += 1;
        }
    }

    /// Looks whether a repeatable request had its effect although its answer does not say so.
    async fn had_effect(
        &self,
        act: &Act<'_>,
        sent_at: Timestamp,
        error: &ProviderError,
        (accepted, after): (&Event, Duration),
        seen: &impl AsyncFn() -> Result<bool, Halt>,
    ) -> Result<bool, Halt> {
        let why = error.to_string();
        if error.certainty == Certainty::Unknown {
            // Durable before the look: whoever is killed meanwhile leaves it open, not refused.
            self.answered(act, sent_at, Event::Unknown { why: why.clone() }, Vec::new()).await?;
            self.pause(after).await?;
            if seen().await? {
                self.note(act, accepted.clone()).await?;
                return Ok(true);
            }
            self.note(act, Event::Refused { why: format!("{why}; it had no effect") }).await?;
            self.refused(act, why);
            return Ok(false);
        }
        // A conflict says that it is in another status than thought, which may be the wanted one: no pause before.
        if seen().await? {
            self.answered(act, sent_at, accepted.clone(), Vec::new()).await?;
            return Ok(true);
        }
        self.answered(act, sent_at, Event::Refused { why: why.clone() }, Vec::new()).await?;
        self.refused(act, why);
        self.pause(after).await?;
        Ok(false)
    }

    /// Reads, again and again as long as that helps.
    pub(super) async fn ask<T>(
        &self,
        verb: Verb,
        call: impl AsyncFnMut(&'a P) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        let Context { provider, settings, .. } = &self.context;
        let answer = read(provider, settings, |tries| self.backoff(tries), verb, call).await;
        if let Some(by) = answer.as_ref().err().and_then(retry::stops_everything) {
            self.stop(by);
        }
        answer
    }

    /// Lists every pod. A page takes its own turn and has its own time.
    pub(super) async fn list_pods(&self) -> Result<Walk<ListedPod>, ProviderError> {
        walk(async |walk| self.ask(Verb::ListPods, async |port: &'a P| port.read_pods(walk).await).await)
            .await
    }

    /// Lists every network volume.
    pub(super) async fn list_volumes(&self) -> Result<Walk<ListedVolume>, ProviderError> {
        self.ask(Verb::ListVolumes, P::list_volumes).await.map(Walk::from)
    }

    /// Lists every secret of the account.
    pub(super) async fn list_secrets(&self) -> Result<Walk<ListedSecret>, ProviderError> {
        self.ask(Verb::ListSecrets, secret::list::<P>).await.map(Walk::from)
    }

    /// Lists the account's credentials for registries.
    pub(super) async fn list_registries(&self) -> Result<Walk<ListedRegistry>, ProviderError> {
        self.ask(Verb::ListRegistries, P::list_registries).await.map(Walk::from)
    }

    /// Waits, unless a signal comes or the journal breaks.
    pub(super) async fn unless_cut_short<T>(&self, wait: impl Future<Output = T>) -> Result<T, Halt> {
        tokio::select! {
            biased;
            () = interrupted(&self.context.interrupt, Interrupt::First) => Err(Halt::CutShort("interrupted".to_owned())),
            () = self.ledger.until_broken() => Err(Halt::JournalBroken),
            done = wait => Ok(done),
        }
    }

    pub(super) async fn pause(&self, time: Duration) -> Result<(), Halt> {
        self.unless_cut_short(sleep(time)).await
    }

    pub(super) fn backoff(&self, tries: u32) -> Duration {
        retry::backoff(tries, self.random.borrow_mut().f64())
    }

    /// Tells that an attempt was refused.
    pub(super) fn refused(&self, act: &Act<'_>, why: String) {
        act.refused.borrow_mut().push(why.clone());
        self.tell(Notice::AttemptRefused { action: act.id.clone(), why });
    }
}

/// Reads, again and again as long as that helps.
pub(super) async fn read<'a, P: Observe + Mutate, R: Reporter, T>(
    provider: &Limited<'a, P, R>,
    settings: &Settings,
    backoff: impl Fn(u32) -> Duration,
    verb: Verb,
    mut call: impl AsyncFnMut(&'a P) -> Result<T, ProviderError>,
) -> Result<T, ProviderError> {
    let limit = settings.request_timeout;
    let mut tries = 0;
    loop {
        let turn = provider.turn(verb).await?;
        let answer = timeout(limit, call(turn.port())).await;
        let answer = answer.unwrap_or_else(|_| Err(none_within(verb, limit)));
        turn.end(answer.as_ref().err());
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Some(wait) = retry::after_read(&error, tries, backoff(tries)) else { return Err(error) };
        sleep(wait).await;
        tries += 1;
    }
}

/// Returns the error of a request of which the API has said nothing that tells.
pub(super) fn no_answer(verb: Verb, detail: String) -> ProviderError {
    ProviderError {
        call: verb.unnamed(),
        certainty: Certainty::Unknown,
        status: None,
        detail,
        request_id: None,
    }
}

fn none_within(verb: Verb, limit: Duration) -> ProviderError {
    no_answer(verb, format!("no answer within {}", shown(limit)))
}

/// Counts a request on the wire, until dropped.
struct OnWire<'w>(&'w Cell<usize>);

impl<'w> OnWire<'w> {
    fn new(count: &'w Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for OnWire<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
