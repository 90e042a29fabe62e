//! Looks until it is known what became of a request: the one loop that waits, for judges of [`verdict`].

use std::collections::BTreeSet;
use std::fmt::Display;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::call::{Going, no_answer};
use super::lookout::{Look, Lookout, Looks, Sheet};
use super::{Act, Engine, secret};
use crate::apply::ending::Halt;
use crate::apply::gate::Request;
use crate::apply::recover::{Looked, Search, Sighting};
use crate::apply::verdict::{self, Seen, Verdict};
use crate::apply::{Reporter, Settings};
use crate::model::address::Address;
use crate::model::clock::Clock;
use crate::model::id::{PodId, RegistryId, RemoteId, SecretId, VolumeId};
use crate::model::live::{LivePod, LiveRegistry, LiveSecret, LiveVolume, PodStatus};
use crate::model::progress::Notice;
use crate::provider::{Listed, Mutate, Observe, ProviderError, Verb};
use crate::state::{Journal, RecordChange};

/// The id of what can be looked for: a pod, a network volume, a secret or credentials for a registry.
pub(super) trait Watched: Ord + Clone + Display {
    type Object;
    const READ: Verb;
    const CREATE: Verb;

    /// Returns the listings in which it stands.
    fn lookout<'e, P, J, C, R>(engine: &'e Engine<'_, P, J, C, R>) -> &'e Lookout<Self>;
    async fn read(&self, port: &impl Observe) -> Result<Option<Self::Object>, ProviderError>;
    fn of(entry: &Listed<Self::Object, Self>) -> Option<&Self>;
    /// Tells whether nothing is left of an object that is still shown.
    fn has_ended(object: &Self::Object) -> bool;
    fn remote(&self) -> RemoteId;
}

impl Watched for PodId {
    type Object = LivePod;
    const READ: Verb = Verb::ReadPod;
    const CREATE: Verb = Verb::CreatePod;

    fn lookout<'e, P, J, C, R>(engine: &'e Engine<'_, P, J, C, R>) -> &'e Lookout<Self> {
        &engine.pods
    }

    async fn read(&self, port: &impl Observe) -> Result<Option<LivePod>, ProviderError> {
        port.pod(self).await
    }

    fn of(entry: &Listed<LivePod, Self>) -> Option<&Self> {
        entry.id()
    }

    fn has_ended(pod: &LivePod) -> bool {
        pod.status == PodStatus::Terminated
    }

    fn remote(&self) -> RemoteId {
        RemoteId::Pod(self.clone())
    }
}

impl Watched for VolumeId {
    type Object = LiveVolume;
    const READ: Verb = Verb::ReadVolume;
    const CREATE: Verb = Verb::CreateVolume;

    fn lookout<'e, P, J, C, R>(engine: &'e Engine<'_, P, J, C, R>) -> &'e Lookout<Self> {
        &engine.volumes
    }

    async fn read(&self, port: &impl Observe) -> Result<Option<LiveVolume>, ProviderError> {
        port.volume(self).await
    }

    fn of(entry: &Listed<LiveVolume, Self>) -> Option<&Self> {
        entry.id()
    }

    fn has_ended(_: &LiveVolume) -> bool {
        false
    }

    fn remote(&self) -> RemoteId {
        RemoteId::Volume(self.clone())
    }
}

impl Watched for SecretId {
    type Object = LiveSecret;
    const READ: Verb = Verb::ListSecrets;
    const CREATE: Verb = Verb::CreateSecret;

    fn lookout<'e, P, J, C, R>(engine: &'e Engine<'_, P, J, C, R>) -> &'e Lookout<Self> {
        &engine.secrets
    }

    /// The list is whole, so that it answers for one as well.
    async fn read(&self, port: &impl Observe) -> Result<Option<LiveSecret>, ProviderError> {
        let listed = secret::list(port).await?;
        let mut found = None;
        for entry in listed {
            match entry {
                Listed::Found(secret) if secret.id == *self => found = Some(*secret),
                Listed::Found(_) => {}
                Listed::Unreadable { id, why, .. } if id == *self => return Err(no_answer(Self::READ, why)),
                Listed::Unreadable { .. } => {}
                Listed::Nameless { why } => return Err(no_answer(Self::READ, why)),
            }
        }
        Ok(found)
    }

    fn of(entry: &Listed<LiveSecret, Self>) -> Option<&Self> {
        match entry {
            Listed::Found(secret) => Some(&secret.id),
            Listed::Unreadable { id, .. } => Some(id),
            Listed::Nameless { why: _ } => None,
        }
    }

    fn has_ended(_: &LiveSecret) -> bool {
        false
    }

    fn remote(&self) -> RemoteId {
        RemoteId::Secret(self.clone())
    }
}

impl Watched for RegistryId {
    type Object = LiveRegistry;
    const READ: Verb = Verb::ReadRegistry;
    const CREATE: Verb = Verb::CreateRegistry;

    fn lookout<'e, P, J, C, R>(engine: &'e Engine<'_, P, J, C, R>) -> &'e Lookout<Self> {
        &engine.registries
    }

    async fn read(&self, port: &impl Observe) -> Result<Option<LiveRegistry>, ProviderError> {
        port.registry(self).await
    }

    fn of(entry: &Listed<LiveRegistry, Self>) -> Option<&Self> {
        match entry {
            Listed::Found(registry) => Some(&registry.id),
            Listed::Unreadable { id, .. } => Some(id),
            Listed::Nameless { why: _ } => None,
        }
    }

    fn has_ended(_: &LiveRegistry) -> bool {
        false
    }

    fn remote(&self) -> RemoteId {
        RemoteId::Registry(self.clone())
    }
}

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Looks at listing after listing until a judge has decided, and returns the one that it did by; `None` if there is
    /// none in time.
    pub(super) async fn until<I: Watched, T>(
        &self,
        act: &Act<'_>,
        mut looks: Looks<'_, I>,
        mut judge: impl AsyncFnMut(&Sheet<I>, Looked) -> Result<Verdict<T>, Halt>,
    ) -> Result<Option<(Rc<Sheet<I>>, T)>, Halt> {
        loop {
            let look = self.unless_cut_short(looks.next()).await?.map_err(|error| could_not_look(&error))?;
            let Some(Look { sheet, looked }) = look else { return Ok(None) };
            match judge(&sheet, looked).await? {
                Verdict::GoOn(Some(what)) => self.tell(Notice::Waiting { action: act.id.clone(), what }),
                Verdict::GoOn(None) | Verdict::Ask => {}
                Verdict::Done(done) => return Ok(Some((sheet, done))),
                Verdict::Failed(why) => return Err(Halt::Failed(why)),
            }
        }
    }

    /// Looks for one object until a judge has decided, and asks for it by its id where the judge wants that.
    ///
    /// The provider has taken the request up by then, so its place is given to another action.
    pub(super) async fn until_seen<I: Watched, T>(
        &self,
        act: &Act<'_>,
        id: &I,
        since: Instant,
        judge: impl FnMut(&Seen<'_, I::Object>) -> Verdict<T>,
    ) -> Result<Option<T>, Halt> {
        let Settings { wait_timeout, speed, .. } = self.context.settings;
        let deadline = since + speed.here(wait_timeout);
        self.until_seen_by(act, id, (since, deadline), judge).await
    }

    /// The same with a deadline of its own.
    pub(super) async fn until_seen_by<I: Watched, T>(
        &self,
        act: &Act<'_>,
        id: &I,
        (since, deadline): (Instant, Instant),
        mut judge: impl FnMut(&Seen<'_, I::Object>) -> Verdict<T>,
    ) -> Result<Option<T>, Halt> {
        let Settings { settling, .. } = self.context.settings;
        self.only_looks(act);
        let looks = I::lookout(self).since(since, deadline);
        let judged = self.until(act, looks, async |sheet, looked| {
            let mut seen = Seen { listed: sheet.sight(id), asked: None, settled: looked.began >= settling };
            let verdict = judge(&seen);
            if !matches!(verdict, Verdict::Ask) {
                return Ok(verdict);
            }
            let live = self.look_at(id).await?;
            seen.asked = Some(live.as_ref());
            Ok(judge(&seen))
        });
        Ok(judged.await?.map(|(_, done)| done))
    }

    /// Gives the place of an action to another one, as it does nothing more but look. With one place actions run one after
    /// the other, so that somebody can watch each.
    pub(super) fn only_looks(&self, act: &Act<'_>) {
        if self.context.settings.parallelism > 1 {
            self.watching.borrow_mut().push(act.id.clone());
        }
    }

    /// Deletes what a listing alone shows to be gone.
    pub(super) async fn delete<I: Watched>(
        &self,
        act: &Act<'_>,
        id: &I,
        call: impl AsyncFn(&'a P, Going) -> Result<(), ProviderError>,
    ) -> Result<Vec<RecordChange>, Halt> {
        self.end(act, id, call).await?;
        Ok(self.recorded_after(act, id.remote()))
    }

    /// Deletes it and waits until it is not shown any more, whatever that changes in the records.
    pub(super) async fn end<I: Watched>(
        &self,
        act: &Act<'_>,
        id: &I,
        call: impl AsyncFn(&'a P, Going) -> Result<(), ProviderError>,
    ) -> Result<(), Halt> {
        act.object.replace(Some(id.remote()));
        let pass = self.permit(act, Request::Delete, &id.remote()).await?;
        let seen = async || Ok(self.look_at(id).await?.is_none());
        let since = self.ensure(act, pass, None, call, seen).await?.since()?;
        self.until_kept(act, (id, since), |live| verdict::gone(id, "the API said yes", live), None).await
    }

    /// Waits until something came about; see [`verdict::promised`].
    pub(super) async fn until_kept<I: Watched>(
        &self,
        act: &Act<'_>,
        (id, since): (&I, Instant),
        lacks: impl Fn(Option<&I::Object>) -> Option<String>,
        waits_for: Option<&str>,
    ) -> Result<(), Halt> {
        let seen = self.until_seen(act, id, since, |seen| verdict::promised(seen, &lacks, waits_for)).await?;
        let Settings { wait_timeout, settling, .. } = self.context.settings;
        seen.ok_or_else(|| Halt::Unknown(verdict::late(wait_timeout, settling)))
    }

    /// Looks for what a create without an answer made, which a listing shows to `sight`; `None` once it is settled that
    /// there is nothing. `late` says what is known if neither is seen in time.
    ///
    /// The create keeps its place meanwhile: its action may send again.
    pub(super) async fn look_up<I: Watched>(
        &self,
        act: &Act<'_>,
        ended: Instant,
        sight: impl Fn(&Sheet<I>) -> Sighting,
        late: &str,
    ) -> Result<Option<(Rc<Sheet<I>>, BTreeSet<RemoteId>)>, Halt> {
        let Settings { settling, wait_timeout, .. } = self.context.settings;
        let mut search = Search::new(Duration::ZERO, settling);
        let _searching = self.searching(act, ended + settling);
        let looks = I::lookout(self).since(ended, ended + settling + wait_timeout);
        let judge = async |sheet: &Sheet<I>, looked| Ok(verdict::searched(&mut search, looked, sight(sheet)));
        let judged = self.until(act, looks, judge).await?;
        let (sheet, found) = judged.ok_or_else(|| Halt::Unknown(late.to_owned()))?;
        Ok(found.map(|ids| (sheet, ids)))
    }

    /// Tells that a create is being looked up, until dropped.
    fn searching(&self, act: &Act<'_>, settled: Instant) -> Searching<'_, 'a, P, J, C, R> {
        let address = act.id.address.clone();
        self.searching.borrow_mut().insert(address.clone(), settled);
        let searching = self.searching.borrow();
        let latest = searching.values().max().copied().unwrap_or(settled);
        let remaining = latest.saturating_duration_since(Instant::now());
        self.tell(Notice::Settling { addresses: searching.keys().cloned().collect(), remaining });
        Searching { engine: self, address }
    }

    pub(super) async fn look_at<I: Watched>(&self, id: &I) -> Result<Option<I::Object>, Halt> {
        let read = Box::pin(self.ask(I::READ, async |port: &'a P| id.read(port).await));
        let live = self.unless_cut_short(read).await?.map_err(|error| could_not_look(&error))?;
        Ok(live.filter(|live| !I::has_ended(live)))
    }
}

fn could_not_look(error: &ProviderError) -> Halt {
    Halt::Unknown(format!("could not be looked at: {error}"))
}

/// A create that is being looked up.
struct Searching<'e, 'a, P, J, C, R> {
    engine: &'e Engine<'a, P, J, C, R>,
    address: Address,
}

impl<P, J, C, R> Drop for Searching<'_, '_, P, J, C, R> {
    fn drop(&mut self) {
        self.engine.searching.borrow_mut().remove(&self.address);
    }
}
