//! How the records change with what an action did.
//!
//! Nothing of ours is ever dropped from the records before it is gone: a pod that a replacement leaves behind is
//! deposed, and an entry that is removed while it still has deposed pods keeps the first of them as its own. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::clock::Moment;
use crate::model::id::{PodId, RemoteId};
use crate::model::live::LivePod;
use crate::model::plan::{Action, ActionId, Record, RecordAfter};
use crate::model::prior::{Recorded, RecordedObject};
use crate::state::RecordChange;

/// Returns the entry of an object with this id. The plan says which pods a new object leaves behind.
pub fn put(
    address: &Address,
    record: &Record,
    id: RemoteId,
    previous: Option<&Recorded>,
    now: Moment,
) -> RecordChange {
    let Record { id: _, token, lifecycle, retired, deposed, object } = record;
    let same = previous.filter(|previous| previous.id == id);
    // Deposed pods of the same object may be gone since the plan was made, or the plan may have seen that they are.
    let mut deposed: BTreeSet<PodId> =
        deposed.iter().filter(|id| same.is_none_or(|same| same.deposed.contains(id))).cloned().collect();
    if let RemoteId::Pod(current) = &id {
        deposed.remove(current);
    }
    let recorded = Recorded {
        token: token.clone().or_else(|| same.and_then(|same| same.token.clone())),
        recorded_at: same.map_or(now.here, |same| same.recorded_at),
        server_time: same.map_or(now.there, |same| same.server_time),
        rebuilt: same.is_some_and(|same| same.rebuilt),
        id,
        deposed,
        lifecycle: lifecycle.clone(),
        retired: *retired,
        object: object.clone(),
    };
    RecordChange::Put(address.clone(), Box::new(recorded))
}

/// Returns the changes that drop an entry whose object is gone or given up.
pub fn remove(address: &Address, previous: Option<&Recorded>, tombstone: bool) -> Vec<RecordChange> {
    let Some(previous) = previous else { return Vec::new() };
    let mut changes = Vec::new();
    if let (true, Some(token)) = (tombstone, &previous.token) {
        changes.push(RecordChange::Tombstone(token.clone()));
    }
    let mut deposed = previous.deposed.clone();
    changes.push(match deposed.pop_first() {
        None => RecordChange::Remove(address.clone()),
        Some(left) => RecordChange::Put(
            address.clone(),
            Box::new(Recorded { id: RemoteId::Pod(left), token: None, deposed, ..previous.clone() }),
        ),
    });
    changes
}

/// Returns the change that drops a deposed pod which is gone.
pub fn remove_deposed(address: &Address, previous: Option<&Recorded>, gone: &PodId) -> Vec<RecordChange> {
    let Some(previous) = previous else { return Vec::new() };
    let deposed: BTreeSet<PodId> = previous.deposed.iter().filter(|id| *id != gone).cloned().collect();
    vec![RecordChange::Put(address.clone(), Box::new(Recorded { deposed, ..previous.clone() }))]
}

/// Returns the changes after a pod of this action is gone.
pub fn pod_gone(
    id: &ActionId,
    action: &Action,
    previous: Option<&Recorded>,
    pod: &PodId,
) -> Vec<RecordChange> {
    let is_current = previous.is_some_and(|previous| previous.id == RemoteId::Pod(pod.clone()));
    match &action.record {
        RecordAfter::Remove { tombstone } if is_current => remove(&id.address, previous, *tombstone),
        // The first half of a replacement can keep the values, but an entry without an object is no entry.
        RecordAfter::Put(_) | RecordAfter::MovedFrom(_) | RecordAfter::Deposed(_) if is_current => {
            remove(&id.address, previous, false)
        }
        RecordAfter::Remove { .. }
        | RecordAfter::Put(_)
        | RecordAfter::MovedFrom(_)
        | RecordAfter::Deposed(_) => remove_deposed(&id.address, previous, pod),
    }
}

/// Returns the changes of an action without a call.
pub fn local(id: &ActionId, action: &Action, previous: Option<&Recorded>, now: Moment) -> Vec<RecordChange> {
    match &action.record {
        RecordAfter::Put(record) => {
            let remote = record.id.clone().or_else(|| previous.map(|previous| previous.id.clone()));
            remote.map(|remote| put(&id.address, record, remote, previous, now)).into_iter().collect()
        }
        RecordAfter::Remove { tombstone } => remove(&id.address, previous, *tombstone),
        RecordAfter::MovedFrom(from) => {
            vec![RecordChange::Rename { from: from.clone(), to: id.address.clone() }]
        }
        RecordAfter::Deposed(deposed) => previous
            .map(|previous| {
                let recorded = Recorded { deposed: deposed.clone(), ..previous.clone() };
                RecordChange::Put(id.address.clone(), Box::new(recorded))
            })
            .into_iter()
            .collect(),
    }
}

/// Returns the record with what a live pod tells beyond the request: where it landed.
pub fn landed(record: &Record, live: &LivePod) -> Record {
    let mut record = record.clone();
    if let RecordedObject::Pod(pod) = &mut record.object {
        let pod = Arc::make_mut(pod);
        pod.data_center = live.data_center.clone().or_else(|| pod.data_center.clone());
        pod.cloud = live.cloud.or(pod.cloud);
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::fixtures::{record, recorded, token};
    use crate::model::clock::Timestamp;

    fn address() -> Address {
        "llm".parse().unwrap()
    }

    fn pod(id: &str) -> RemoteId {
        RemoteId::Pod(PodId::new(id))
    }

    fn now() -> Moment {
        let at = |second| Timestamp::from_second(second).unwrap();
        Moment { here: at(500), there: Some(at(400)) }
    }

    fn entry(change: RecordChange) -> Recorded {
        change.entry().expect("an entry").1.clone()
    }

    #[test]
    fn a_new_object_leaves_behind_what_the_plan_says() {
        let previous = recorded("old");
        let record = Record { deposed: [PodId::new("old")].into(), ..record() };
        let entry = entry(put(&address(), &record, pod("new"), Some(&previous), now()));
        assert_eq!((entry.id, entry.deposed), (pod("new"), BTreeSet::from([PodId::new("old")])));
        assert_eq!((entry.recorded_at, entry.server_time), (now().here, now().there));
    }

    #[test]
    fn the_same_object_keeps_its_age_and_its_token() {
        let previous = Recorded { token: Some(token()), rebuilt: true, ..recorded("old") };
        let entry = entry(put(&address(), &record(), pod("old"), Some(&previous), now()));
        assert_eq!((entry.recorded_at, entry.server_time), (previous.recorded_at, previous.server_time));
        assert_eq!((entry.token, entry.rebuilt), (Some(token()), true));
    }

    #[test]
    fn deposed_pods_stay_unless_the_plan_or_the_run_saw_them_go() {
        let both = |ids: [&str; 2]| BTreeSet::from(ids.map(PodId::new));
        let previous = Recorded { deposed: both(["a", "b"]), ..recorded("old") };
        let record = Record { deposed: both(["b", "c"]), ..record() };
        let entry = entry(put(&address(), &record, pod("old"), Some(&previous), now()));
        assert_eq!(entry.deposed, BTreeSet::from([PodId::new("b")]));
    }

    #[test]
    fn an_entry_with_a_deposed_pod_is_never_dropped() {
        let previous = Recorded { deposed: BTreeSet::from([PodId::new("older")]), ..recorded("old") };
        let [change] = <[_; 1]>::try_from(remove(&address(), Some(&previous), false)).unwrap();
        assert_eq!(entry(change).id, pod("older"));
        assert_eq!(remove(&address(), Some(&recorded("old")), false), [RecordChange::Remove(address())]);
    }
}
