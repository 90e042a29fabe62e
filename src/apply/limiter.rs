//! One limiter for a run: nothing is sent that the API has announced to refuse.
//!
//! RunPod announces small quotas in its answers and says `Retry-After` when they are used up. All requests of a run go
//! through one [`Limited`], plan and apply alike, so that they share what is left. A write takes its [`Turn`] before
//! its intent is committed, as the wait can be long and an intent must not grow old; reads take theirs by themselves.
//! A wait that is longer than anybody would sit through is refused at once, and says how long it would be. What a
//! plan looks at is asked again if the API stumbles, so that one bad answer of many does not end a run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Reporter, retry, shown};
use crate::model::catalog::{Catalog, StockQuery};
use crate::model::clock::Timestamp;
use crate::model::id::TemplateId;
use crate::model::id::{PodId, RegistryId, VolumeId};
use crate::model::live::{LivePod, LiveRegistry, LiveVolume};
use crate::model::marker::Token;
use crate::model::progress::Notice;
use crate::model::template::Template;
use crate::provider::walk::Walk;
use crate::provider::{
    Certainty, ListedPod, ListedRegistry, ListedSecret, ListedVolume, Mutate, Observe, ProviderError, Quota,
    ServerTime, Verb,
};

/// A provider whose quota is obeyed.
pub struct Limited<'a, P, R> {
    port: &'a P,
    reporter: &'a R,
    gate: RefCell<Gate>,
    in_flight: Cell<u32>,
    /// Until when a wait was told, so that many who wait together say it once.
    told: Cell<Option<Instant>>,
    changed: Notify,
    random: RefCell<fastrand::Rng>,
}

impl<'a, P: Observe, R: Reporter> Limited<'a, P, R> {
    /// Wraps a provider; waiting is told to the reporter. The seed is that of the jitter.
    pub fn new(port: &'a P, reporter: &'a R, seed: u64) -> Self {
        Self {
            port,
            reporter,
            gate: RefCell::new(Gate::default()),
            in_flight: Cell::new(0),
            told: Cell::new(None),
            changed: Notify::new(),
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
        }
    }

    /// Waits until a request may be sent and reserves it.
    ///
    /// # Errors
    /// The API allows nothing for longer than [`retry::PATIENCE`].
    pub async fn turn(&self, verb: Verb) -> Result<Turn<'_, 'a, P, R>, ProviderError> {
        loop {
            let pass = self.gate.borrow_mut().pass(Instant::now(), self.in_flight.get());
            match pass {
                Pass::Free => break,
                Pass::At(moment) => {
                    let wait = moment.saturating_duration_since(Instant::now());
                    if wait > retry::PATIENCE {
                        return Err(used_up(verb, wait));
                    }
                    if !self.told.get().is_some_and(|told| is_same_end(told, moment)) {
                        self.reporter.notice(Notice::QuotaWait(wait));
                        self.told.set(Some(moment));
                    }
                    tokio::select! { biased; () = self.changed.notified() => {} () = sleep_until(moment) => {} }
                }
                Pass::AfterAnAnswer => self.changed.notified().await,
            }
        }
        self.in_flight.set(self.in_flight.get() + 1);
        Ok(Turn { limited: self })
    }

    /// Looks, and again a few times if the API stumbles.
    async fn look<T>(
        &self,
        verb: Verb,
        mut call: impl AsyncFnMut() -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        let mut tries = 0;
        loop {
            let turn = self.turn(verb).await?;
            let answer = call().await;
            turn.end(answer.as_ref().err());
            let Err(error) = &answer else { return answer };
            let jitter = self.random.borrow_mut().f64();
            let Some(wait) = retry::after_look(error, tries, retry::backoff(tries, jitter)) else {
                return answer;
            };
            sleep(wait).await;
            tries += 1;
        }
    }
}

/// One reserved request. Dropping it lets others go.
#[must_use = "a reserved request keeps others waiting"]
pub struct Turn<'t, 'a, P: Observe, R> {
    limited: &'t Limited<'a, P, R>,
}

impl<'a, P: Observe, R> Turn<'_, 'a, P, R> {
    /// Returns the provider, for the one request.
    pub fn port(&self) -> &'a P
    where
        P: Mutate,
    {
        self.limited.port
    }

    /// Learns from the answer.
    pub fn end(self, error: Option<&ProviderError>) {
        let Limited { port, gate, in_flight, .. } = self.limited;
        let throttled = error.and_then(|error| match error.certainty {
            Certainty::Throttled { retry_after } => retry_after,
            Certainty::Rejected(_) | Certainty::NotDone | Certainty::Unknown => None,
        });
        // Without an answer the announced numbers are those of an earlier one.
        if error.is_none_or(|error| error.status.is_some()) {
            let others = in_flight.get().saturating_sub(1);
            gate.borrow_mut().learn(Instant::now(), port.quota(), others, throttled);
        }
    }
}

impl<P: Observe, R> Drop for Turn<'_, '_, P, R> {
    fn drop(&mut self) {
        let Limited { in_flight, changed, .. } = self.limited;
        in_flight.set(in_flight.get().saturating_sub(1));
        changed.notify_waiters();
    }
}

impl<P: Observe, R: Reporter> Observe for Limited<'_, P, R> {
    async fn read_pods(&self, walk: &mut Walk<ListedPod>) -> Result<(), ProviderError> {
        self.look(Verb::ListPods, async || self.port.read_pods(walk).await).await
    }

    async fn list_volumes(&self) -> Result<Vec<ListedVolume>, ProviderError> {
        self.look(Verb::ListVolumes, async || self.port.list_volumes().await).await
    }

    async fn list_secrets(&self) -> Result<Option<Vec<ListedSecret>>, ProviderError> {
        self.look(Verb::ListSecrets, async || self.port.list_secrets().await).await
    }

    async fn list_registries(&self) -> Result<Vec<ListedRegistry>, ProviderError> {
        self.look(Verb::ListRegistries, async || self.port.list_registries().await).await
    }

    async fn registry(&self, id: &RegistryId) -> Result<Option<LiveRegistry>, ProviderError> {
        self.look(Verb::ReadRegistry, async || self.port.registry(id).await).await
    }

    async fn pod(&self, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
        self.look(Verb::ReadPod, async || self.port.pod(id).await).await
    }

    async fn volume(&self, id: &VolumeId) -> Result<Option<LiveVolume>, ProviderError> {
        self.look(Verb::ReadVolume, async || self.port.volume(id).await).await
    }

    async fn exit_code(
        &self,
        id: &PodId,
        run: &Token,
        silence: Duration,
    ) -> Result<Option<u32>, ProviderError> {
        self.look(Verb::ReadLog, async || self.port.exit_code(id, run, silence).await).await
    }

    async fn template(&self, id: &TemplateId) -> Result<Option<Template>, ProviderError> {
        self.look(Verb::ReadTemplate, async || self.port.template(id).await).await
    }

    async fn catalog(
        &self,
        questions: &BTreeSet<StockQuery>,
        now: Timestamp,
    ) -> Result<Catalog, ProviderError> {
        self.look(Verb::ReadCatalog, async || self.port.catalog(questions, now).await).await
    }

    async fn partial_catalog(&self, questions: &BTreeSet<StockQuery>, now: Timestamp) -> Catalog {
        let read = async || Ok(self.port.partial_catalog(questions, now).await);
        let catalog = self.look(Verb::ReadCatalog, read).await;
        catalog.unwrap_or_else(|error| Catalog::unread(now, &error.to_string()))
    }

    fn quota(&self) -> Option<Quota> {
        self.port.quota()
    }

    fn server_time(&self) -> Option<ServerTime> {
        self.port.server_time()
    }
}

/// What is known of the quota.
#[derive(Debug, Default)]
struct Gate {
    /// The window, once an answer announced one.
    window: Option<Window>,
    /// Nothing is sent before this moment.
    closed_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    remaining: u32,
    ends: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Free,
    At(Instant),
    /// A window has ended and what the next one allows is not known yet: one request goes first.
    AfterAnAnswer,
}

impl Gate {
    fn pass(&mut self, now: Instant, in_flight: u32) -> Pass {
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return Pass::At(until);
        }
        self.closed_until = None;
        match &mut self.window {
            None => Pass::Free,
            Some(window) if window.ends <= now => {
                if in_flight == 0 {
                    Pass::Free
                } else {
                    Pass::AfterAnAnswer
                }
            }
            Some(window) if window.remaining == 0 => Pass::At(window.ends),
            Some(window) => {
                window.remaining -= 1;
                Pass::Free
            }
        }
    }

    /// `others` are requests on the wire that the announced number may not count yet.
    ///
    /// Answers overtake each other, so within a window the number only falls: a late answer speaks of a moment before
    /// requests that were answered already. An answer that announces nothing leaves what is known as it is.
    fn learn(&mut self, now: Instant, quota: Option<Quota>, others: u32, retry_after: Option<Duration>) {
        if let Some(Quota { remaining, resets_in }) = quota {
            let (remaining, ends) = (remaining.saturating_sub(others), now + resets_in);
            self.window = Some(match self.window {
                Some(known) if is_same_end(known.ends, ends) => {
                    Window { remaining: remaining.min(known.remaining), ends: known.ends.max(ends) }
                }
                Some(_) | None => Window { remaining, ends },
            });
        }
        if let Some(wait) = retry_after {
            let until = now + wait;
            self.closed_until = Some(self.closed_until.map_or(until, |known| known.max(until)));
        }
    }
}

/// Tells whether two moments are the end of one window: the API announces it in whole seconds, and the shortest
/// window of all lasts a minute.
fn is_same_end(one: Instant, other: Instant) -> bool {
    one.max(other).saturating_duration_since(one.min(other)) < Duration::from_secs(5)
}

fn used_up(verb: Verb, wait: Duration) -> ProviderError {
    ProviderError {
        call: verb.unnamed(),
        certainty: Certainty::Throttled { retry_after: Some(wait) },
        status: None,
        detail: format!("the API's quota is used up for {}", shown(wait)),
        request_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn quota(remaining: u32) -> Option<Quota> {
        Some(Quota { remaining, resets_in: seconds(30) })
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_announced_is_sent_in_a_window() {
        let now = Instant::now();
        let mut gate = Gate::default();
        assert_eq!(gate.pass(now, 0), Pass::Free);
        gate.learn(now, quota(3), 1, None);
        assert_eq!([gate.pass(now, 1), gate.pass(now, 2)], [Pass::Free, Pass::Free]);
        assert_eq!(gate.pass(now, 3), Pass::At(now + seconds(30)));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_window_one_request_asks_what_the_next_allows() {
        let now = Instant::now();
        let mut gate = Gate::default();
        gate.learn(now, quota(0), 0, None);
        let later = now + seconds(30);
        assert_eq!([gate.pass(later, 0), gate.pass(later, 1)], [Pass::Free, Pass::AfterAnAnswer]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_does_not_give_back_what_others_have_used() {
        let now = Instant::now();
        let mut gate = Gate::default();
        gate.learn(now, quota(3), 0, None);
        gate.learn(now, quota(0), 1, None);
        gate.learn(now, quota(2), 0, None);
        assert_eq!(gate.pass(now, 0), Pass::At(now + seconds(30)));
        gate.learn(now + seconds(30), quota(4), 0, None);
        assert_eq!(gate.pass(now + seconds(30), 0), Pass::Free);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_announces_nothing_opens_nothing() {
        let now = Instant::now();
        let mut gate = Gate::default();
        gate.learn(now, quota(0), 0, None);
        gate.learn(now, None, 0, None);
        assert_eq!(gate.pass(now, 0), Pass::At(now + seconds(30)));
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_closes_the_gate_for_all() {
        let now = Instant::now();
        let mut gate = Gate::default();
        gate.learn(now, None, 0, Some(seconds(12)));
        assert_eq!(gate.pass(now, 0), Pass::At(now + seconds(12)));
        assert_eq!(gate.pass(now + seconds(12), 0), Pass::Free);
    }
}
