//! What an action puts on record, and the values that it sends from there.

use super::call::Going;
use super::{Act, Engine};
use crate::apply::ending::Halt;
use crate::apply::request::Sources;
use crate::apply::{Reporter, record};
use crate::model::address::Address;
use crate::model::clock::{Clock, Moment};
use crate::model::id::{PodId, RegistryId, RemoteId, VolumeId};
use crate::model::journal::Event;
use crate::model::marker::{Marker, Token};
use crate::model::plan::RecordAfter;
use crate::model::prior::Record;
use crate::provider::{Mutate, Observe, ServerTime};
use crate::state::{Journal, RecordChange};

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Only writes to the state; the change is committed with the success.
    pub(super) async fn record_only(&self, act: &Act<'_>) -> Result<Vec<RecordChange>, Halt> {
        self.go_on()?;
        let now = self.moment();
        let previous = self.ledger.recorded(&act.id.address);
        let changes = record::local(act.id, act.action, previous.as_ref(), now);
        let object = changes.iter().find_map(RecordChange::entry).map(|(_, recorded)| recorded.id.clone());
        act.object.replace(object.or_else(|| previous.map(|previous| previous.id)));
        let intended = Event::Intended { attempt: 0, token: None, asked: None, server_time: now.there };
        let events = [intended, Event::Started, Event::Accepted { id: None }].map(|event| (now.here, event));
        self.ledger.commit(act.id, events.into(), Vec::new()).await?;
        Ok(changes)
    }

    /// Returns what the records say after a success with this object.
    pub(super) fn recorded_after(&self, act: &Act<'_>, id: RemoteId) -> Vec<RecordChange> {
        match &act.action.record {
            RecordAfter::Put { id: _, record } => self.put(act, record, id),
            RecordAfter::Remove { .. }
            | RecordAfter::MovedFrom(_)
            | RecordAfter::Ended
            | RecordAfter::Deposed(_) => {
                let previous = self.ledger.recorded(&act.id.address);
                record::local(act.id, act.action, previous.as_ref(), self.moment())
            }
        }
    }

    /// Returns what puts an object on record at the address of an action.
    pub(super) fn put(&self, act: &Act<'_>, record: &Record, id: RemoteId) -> Vec<RecordChange> {
        let previous = self.ledger.recorded(&act.id.address);
        vec![record::put(&act.id.address, record, id, previous.as_ref(), self.moment())]
    }

    /// Takes an object that is gone from the records.
    pub(super) async fn gone(&self, act: &Act<'_>, id: &RemoteId) -> Result<(), Halt> {
        let previous = self.ledger.recorded(&act.id.address);
        let changes = record::gone(act.id, act.action, previous.as_ref(), id);
        self.ledger.commit(act.id, Vec::new(), changes).await.map(|_| ())
    }

    /// Returns what a create is to record.
    pub(super) fn record_after<'p>(&self, act: &Act<'p>) -> Result<&'p Record, Halt> {
        let after = act.action.record.record();
        after.ok_or_else(|| Halt::Failed("the plan does not say what to record".to_owned()))
    }

    /// Returns the id of the pod on record at an address, which this run may have made.
    pub(super) fn pod_id(&self, address: &Address) -> Option<PodId> {
        match self.ledger.records().get(address).map(|recorded| &recorded.id) {
            Some(RemoteId::Pod(id)) => Some(id.clone()),
            Some(RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_)) | None => None,
        }
    }

    /// Returns the id of the network volume at an address; one of this run may be newer than the plan's.
    pub(super) fn volume_id(&self, address: &Address) -> Option<VolumeId> {
        match self.ledger.records().get(address).map(|recorded| &recorded.id) {
            Some(RemoteId::Volume(id)) => Some(id.clone()),
            Some(RemoteId::Pod(_) | RemoteId::Secret(_) | RemoteId::Registry(_)) | None => {
                self.plan.referenced.get(address).cloned()
            }
        }
    }

    /// Returns the id of the credentials on record at an address, which this run may have stored.
    pub(super) fn registry_id(&self, address: &Address) -> Option<RegistryId> {
        match self.ledger.records().get(address).map(|recorded| &recorded.id) {
            Some(RemoteId::Registry(id)) => Some(id.clone()),
            Some(RemoteId::Pod(_) | RemoteId::Volume(_) | RemoteId::Secret(_)) | None => None,
        }
    }

    pub(super) fn sources<'s>(
        &'s self,
        volumes: &'s dyn Fn(&Address) -> Option<VolumeId>,
        registries: &'s dyn Fn(&Address) -> Option<RegistryId>,
    ) -> Sources<'s> {
        Sources { secrets: self.context.secrets, volumes, registries }
    }

    /// Returns the present by both clocks.
    pub(super) fn moment(&self) -> Moment {
        let there = self.context.provider.server_time().map(ServerTime::now);
        Moment { here: self.ledger.now(), there }
    }

    /// Returns the mark of a pod with this token as it is to be written at the address of an action.
    pub(super) fn mark(&self, act: &Act<'_>, token: &Token, going: Going) -> Marker {
        let before = || self.ledger.recorded(&act.id.address).map(|recorded| recorded.record);
        let record = act.action.record.record().cloned().or_else(before);
        let protected = record.is_some_and(|record| record.lifecycle.protect);
        Marker {
            project: self.context.project.clone(),
            address: act.id.address.clone(),
            token: token.clone(),
            lineage: self.prior.lineage.clone(),
            serial: going.serial,
            created: going.server_time,
            protected,
        }
    }
}
