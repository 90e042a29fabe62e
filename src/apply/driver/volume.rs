//! What is done to network volumes.

use std::time::Duration;

use tokio::time::Instant;

use super::call::{Answer, Elsewhere, Ensured, Going, could_not_look};
use super::lookout::{Look, Sight};
use super::{Act, Engine};
use crate::apply::ending::Halt;
use crate::apply::gate::Request;
use crate::apply::recover::{self, Search, Sighting};
use crate::apply::request;
use crate::apply::retry::{self, Kind, Next};
use crate::apply::{Reporter, readback, record};
use crate::model::address::Address;
use crate::model::clock::Clock;
use crate::model::id::{RemoteId, VolumeId};
use crate::model::journal::{Event, Sent};
use crate::model::live::LiveVolume;
use crate::model::marker::Token;
use crate::model::plan::RecordAfter;
use crate::model::progress::Notice;
use crate::model::request::VolumeRequest;
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeConfig;
use crate::provider::{Mutate, Observe};
use crate::state::{Journal, RecordChange};

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Creates a volume. Its name carries the token, so there is no second one to try with.
    pub(super) async fn create_volume(
        &self,
        act: &Act<'_>,
        name: &str,
        config: &VolumeConfig,
        token: &Token,
    ) -> Result<Vec<RecordChange>, Halt> {
        let RecordAfter::Put(after) = &act.action.record else {
            return Err(Halt::Failed("the plan does not say what to record".to_owned()));
        };
        let sent = request::sent_volume(name, config, token, after);
        let (id, since) = self.make_volume(act, name, config, (token, &sent)).await?;
        self.read_back_volume(act, &id, since, |live| readback::volume(config, live)).await?;
        let previous = self.ledger.recorded(&act.id.address);
        let remote = RemoteId::Volume(id);
        Ok(vec![record::put(&act.id.address, &sent.record, remote, previous.as_ref(), self.moment())])
    }

    async fn make_volume(
        &self,
        act: &Act<'_>,
        name: &str,
        config: &VolumeConfig,
        (token, sent): (&Token, &Sent),
    ) -> Result<(VolumeId, Instant), Halt> {
        let request = VolumeRequest { name: name.to_owned(), config: config.clone() };
        let mut tries = 0;
        loop {
            let call = async |port: &'a P, _: Going| port.create_volume(&request).await;
            let Answer { result, going: _, sent_at, ended } =
                self.send(act, Some((token, sent)), call).await?;
            let error = match result {
                Ok(id) => {
                    let changes = self.found_volume(act, sent, &id);
                    let accepted = Event::Accepted { id: Some(RemoteId::Volume(id.clone())) };
                    self.answered(act, sent_at, accepted, changes).await?;
                    return Ok((id, ended));
                }
                Err(error) => error,
            };
            let why = error.to_string();
            let next = retry::after_write(Kind::Create, &error, tries, self.backoff(tries));
            if next == Next::LookUp {
                self.answered(act, sent_at, Event::Unknown { why: why.clone() }, Vec::new()).await?;
                if let Some(id) = self.look_up_volume(act, name, sent, ended).await? {
                    return Ok((id, ended));
                }
                let why = format!("{why}; it did not happen");
                self.note(act, Event::Refused { why: why.clone() }).await?;
                return Err(Halt::Failed(why));
            }
            self.answered(act, sent_at, Event::Refused { why: why.clone() }, Vec::new()).await?;
            match self.after_refused_create(act, next, why.clone()).await? {
                Elsewhere::SamePlace => {}
                // A volume has one place.
                Elsewhere::OtherPlace | Elsewhere::OtherCloud => return Err(Halt::Failed(why)),
            }
            tries += 1;
        }
    }

    async fn look_up_volume(
        &self,
        act: &Act<'_>,
        name: &str,
        sent: &Sent,
        ended: Instant,
    ) -> Result<Option<VolumeId>, Halt> {
        let settings = &self.context.settings;
        let mut search = Search::new(Duration::ZERO, settings.settling);
        let _searching = self.searching(act, ended + settings.settling);
        let deadline = ended + settings.settling + settings.wait_timeout;
        let mut looks = self.volumes.since(ended, deadline);
        loop {
            let Some(Look { sheet, waited }) = self.next_look(&mut looks).await? else {
                return Err(unlisted());
            };
            let sighting = recover::sight_volume(name, &sheet.entries, |id| self.ledger.records().has(id));
            if let Sighting::These(ids) = &sighting {
                let Some(id) = recover::choose_volume(ids) else {
                    return Err(Halt::Unknown(format!("several network volumes are named `{name}`")));
                };
                let changes = self.found_volume(act, sent, &id);
                let accepted = Event::Accepted { id: Some(RemoteId::Volume(id.clone())) };
                self.ledger.commit(act.id, vec![(self.ledger.now(), accepted)], changes).await?;
                return Ok(Some(id));
            }
            if search.settles(waited, &sighting) {
                return Ok(None);
            }
        }
    }

    fn found_volume(&self, act: &Act<'_>, sent: &Sent, id: &VolumeId) -> Vec<RecordChange> {
        let remote = RemoteId::Volume(id.clone());
        act.object.replace(Some(remote.clone()));
        let previous = self.ledger.recorded(&act.id.address);
        vec![record::put(&act.id.address, &sent.record, remote, previous.as_ref(), self.moment())]
    }

    pub(super) async fn grow_volume(
        &self,
        act: &Act<'_>,
        id: &VolumeId,
        size: Gigabytes,
    ) -> Result<Vec<RecordChange>, Halt> {
        let object = RemoteId::Volume(id.clone());
        act.object.replace(Some(object.clone()));
        let pass = self.permit(act, Request::Change, &object).await?;
        let seen = async || {
            let live = self.look_at_volume(id).await?;
            Ok(live.is_some_and(|live| readback::grown(size, &live).is_none()))
        };
        let call = async |port: &'a P, _: Going| port.grow_volume(id, size).await;
        let since = match self.ensure(act, pass, (Kind::Change, Some(object)), call, seen).await? {
            Ensured::Taken(since) => since,
            Ensured::Gone(_) | Ensured::Stuck(_) => return Err(vanished(id)),
        };
        self.read_back_volume(act, id, since, |live| readback::grown(size, live)).await?;
        Ok(self.recorded_after(act, RemoteId::Volume(id.clone())))
    }

    pub(super) async fn delete_volume(
        &self,
        act: &Act<'_>,
        id: &VolumeId,
    ) -> Result<Vec<RecordChange>, Halt> {
        let object = RemoteId::Volume(id.clone());
        act.object.replace(Some(object.clone()));
        let pass = self.permit(act, Request::Delete, &object).await?;
        let seen = async || Ok(self.look_at_volume(id).await?.is_none());
        let call = async |port: &'a P, _: Going| port.delete_volume(id).await;
        let since = match self.ensure(act, pass, (Kind::Delete, None), call, seen).await? {
            Ensured::Taken(since) | Ensured::Gone(since) => since,
            Ensured::Stuck(why) => return Err(Halt::Failed(why)),
        };
        let mut looks = self.watch(act, &self.volumes, since);
        loop {
            let Some(Look { sheet, waited }) = self.next_look(&mut looks).await? else {
                return Err(unlisted());
            };
            match sheet.sight(id) {
                Sight::Absent => return Ok(self.recorded_after(act, RemoteId::Volume(id.clone()))),
                Sight::Live(_) | Sight::Unreadable => {}
            }
            if waited >= self.context.settings.settling {
                return match self.look_at_volume(id).await? {
                    None => Ok(self.recorded_after(act, RemoteId::Volume(id.clone()))),
                    Some(_) => Err(Halt::Failed(format!("the API said yes, but `{id}` is still there"))),
                };
            }
        }
    }

    async fn look_at_volume(&self, id: &VolumeId) -> Result<Option<LiveVolume>, Halt> {
        let read = self.ask(async |port: &'a P| port.volume(id).await);
        self.unless_cut_short(read).await?.map_err(|error| could_not_look(&error))
    }

    /// Waits until a volume is seen as promised.
    async fn read_back_volume(
        &self,
        act: &Act<'_>,
        id: &VolumeId,
        since: Instant,
        difference: impl Fn(&LiveVolume) -> Option<String>,
    ) -> Result<(), Halt> {
        let mut looks = self.watch(act, &self.volumes, since);
        loop {
            let Some(Look { sheet, waited }) = self.next_look(&mut looks).await? else {
                return Err(unlisted());
            };
            match sheet.sight(id) {
                Sight::Live(volume) if difference(volume).is_none() => return Ok(()),
                Sight::Live(_) | Sight::Absent | Sight::Unreadable => {}
            }
            if waited >= self.context.settings.settling {
                let live = self.look_at_volume(id).await?.ok_or_else(|| vanished(id))?;
                return difference(&live).map_or(Ok(()), |difference| Err(Halt::Failed(difference)));
            }
        }
    }

    /// Tells that a create is being looked up, until dropped.
    pub(super) fn searching(&self, act: &Act<'_>, settled: Instant) -> Searching<'_, 'a, P, J, C, R> {
        let address = act.id.address.clone();
        self.searching.borrow_mut().insert(address.clone(), settled);
        let searching = self.searching.borrow();
        let latest = searching.values().max().copied().unwrap_or(settled);
        let remaining = latest.saturating_duration_since(Instant::now());
        self.tell(Notice::Settling { addresses: searching.keys().cloned().collect(), remaining });
        Searching { engine: self, address }
    }
}

/// A create that is being looked up.
pub(super) struct Searching<'e, 'a, P, J, C, R> {
    engine: &'e Engine<'a, P, J, C, R>,
    address: Address,
}

impl<P, J, C, R> Drop for Searching<'_, '_, P, J, C, R> {
    fn drop(&mut self) {
        self.engine.searching.borrow_mut().remove(&self.address);
    }
}

fn vanished(id: &VolumeId) -> Halt {
    Halt::Failed(format!("network volume `{id}` is not there any more"))
}

fn unlisted() -> Halt {
    Halt::Unknown("network volumes could not be listed".to_owned())
}
