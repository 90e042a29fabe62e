//! How the records change with what an action did.
//!
//! Nothing of ours is ever dropped from the records before it is gone: what a replacement leaves behind is deposed, and an
//! entry that is removed while it still has something deposed keeps the first of it as its own. Pure.

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::clock::Moment;
use crate::model::id::RemoteId;
use crate::model::job::{self, End};
use crate::model::live::LivePod;
use crate::model::plan::{Action, ActionId, RecordAfter};
use crate::model::prior::{Record, Recorded, RecordedObject, RecordedRun};
use crate::state::RecordChange;

/// Returns the entry of an object with this id. The plan says which pods a new object leaves behind.
pub fn put(
    address: &Address,
    record: &Record,
    id: RemoteId,
    previous: Option<&Recorded>,
    now: Moment,
) -> RecordChange {
    let mut record = record.clone();
    let same = previous.filter(|previous| previous.id == id);
    // What the same object took the place of may be gone since the plan was made, or the plan may have seen that it is.
    record.retain_deposed(|left| {
        *left != id && same.is_none_or(|same| same.record.deposed_ids().any(|still| still == *left))
    });
    let recorded = match same {
        Some(same) => {
            record.token = record.token.or_else(|| same.record.token.clone());
            Recorded { record, ..same.clone() }
        }
        None => Recorded::new(id, record, now),
    };
    RecordChange::Put(address.clone(), Box::new(recorded))
}

/// Returns the entry of what a create of an earlier run is found to have made. What came on record since then stays there, as
/// what this one takes the place of.
pub fn found(
    address: &Address,
    record: &Record,
    id: RemoteId,
    previous: Option<&Recorded>,
    now: Moment,
) -> RecordChange {
    let mut record = record.clone();
    if let (RecordedObject::Registry(registry), Some(previous)) = (&mut record.object, previous) {
        let since = previous.ids().filter(|since| *since != id).filter_map(|since| match since {
            RemoteId::Registry(since) => Some(since),
            RemoteId::Pod(_) | RemoteId::Volume(_) | RemoteId::Secret(_) => None,
        });
        registry.deposed.extend(since);
    }
    put(address, &record, id, previous, now)
}

/// Returns the changes after a created pod was given up: what it was to take the place of is recorded as it was before.
pub fn given_up(
    address: &Address,
    created: Option<&Recorded>,
    before: Option<&Recorded>,
) -> Vec<RecordChange> {
    let left: BTreeSet<RemoteId> =
        created.into_iter().flat_map(|created| created.record.deposed_ids()).collect();
    let Some(before) = before.filter(|before| left.contains(&before.id)) else {
        return remove(address, created, false);
    };
    let mut recorded = before.clone();
    recorded.record.retain_deposed(|id| left.contains(id));
    vec![RecordChange::Put(address.clone(), Box::new(recorded))]
}

/// Returns the changes that drop an entry whose object is gone or given up.
pub fn remove(address: &Address, previous: Option<&Recorded>, tombstone: bool) -> Vec<RecordChange> {
    // Without an entry something may be known of a job all the same.
    let Some(previous) = previous else { return vec![RecordChange::Remove(address.clone())] };
    let mut changes = Vec::new();
    if let (true, Some(token)) = (tombstone, &previous.record.token) {
        changes.push(RecordChange::Tombstone(token.clone()));
    }
    let mut record = Record { token: None, ..previous.record.clone() };
    changes.push(match record.pop_deposed() {
        None => RecordChange::Remove(address.clone()),
        // Its own values are not on record any more. What an API shows is compared with it, and the rest is not known.
        Some(left) => {
            if let Some(pod) = record.object.pod_mut() {
                pod.access = None;
            }
            let recorded = Recorded { id: left, record, ..previous.clone() };
            RecordChange::Put(address.clone(), Box::new(recorded))
        }
    });
    changes
}

/// Returns the change that drops what others took the place of and is gone.
pub fn remove_deposed(address: &Address, previous: Option<&Recorded>, gone: &RemoteId) -> Vec<RecordChange> {
    let Some(previous) = previous else { return Vec::new() };
    let mut recorded = previous.clone();
    recorded.record.retain_deposed(|id| id != gone);
    vec![RecordChange::Put(address.clone(), Box::new(recorded))]
}

/// Returns the changes after an object of this action is gone.
pub fn gone(
    id: &ActionId,
    action: &Action,
    previous: Option<&Recorded>,
    object: &RemoteId,
) -> Vec<RecordChange> {
    let is_current = previous.is_some_and(|previous| previous.id == *object);
    match &action.record {
        RecordAfter::Remove { tombstone } if is_current => remove(&id.address, previous, *tombstone),
        // What a job was given and how it ended outlives its pod.
        RecordAfter::Put { id: Some(named), record } if is_current && named == object && outlives(record) => {
            let mut recorded = previous.cloned().into_iter().collect::<Vec<_>>();
            recorded.iter_mut().for_each(|recorded| recorded.record = record.as_ref().clone());
            recorded
                .into_iter()
                .map(|recorded| RecordChange::Put(id.address.clone(), Box::new(recorded)))
                .collect()
        }
        // The first half of a replacement can keep the values, but an entry without an object is no entry.
        RecordAfter::Put { .. }
        | RecordAfter::MovedFrom(_)
        | RecordAfter::Deposed(_)
        | RecordAfter::Ended
            if is_current =>
        {
            remove(&id.address, previous, false)
        }
        RecordAfter::Remove { .. }
        | RecordAfter::Put { .. }
        | RecordAfter::MovedFrom(_)
        | RecordAfter::Ended
        | RecordAfter::Deposed(_) => remove_deposed(&id.address, previous, object),
    }
}

fn outlives(record: &Record) -> bool {
    record.object.pod().and_then(|pod| pod.job.as_ref()).is_some_and(|job| job.gone)
}

/// Returns the change that records how the run of a job ended. An end that nobody knows may still be told by its log.
pub fn ended(
    address: &Address,
    previous: Option<Recorded>,
    (end, is_up): (End, bool),
    now: Moment,
) -> Vec<RecordChange> {
    let Some(mut recorded) = previous.filter(|_| end != End::Unknown) else { return Vec::new() };
    let Some(pod) = recorded.record.object.pod_mut() else { return Vec::new() };
    let Some(job) = &mut pod.job else { return Vec::new() };
    job.ended = Some(end);
    job.end_seen_at = now.there;
    // One that is not kept stops itself in this moment.
    if !is_up || !job::keeps(&pod.container.entrypoint) {
        pod.run = RecordedRun::Stopped;
    }
    vec![RecordChange::Put(address.clone(), Box::new(recorded))]
}

/// Returns the change that records of a pod that it did not come up. Whether a job ran before its container failed is told
/// by its log.
pub fn failed(address: &Address, previous: Option<Recorded>) -> Vec<RecordChange> {
    let Some(mut recorded) = previous else { return Vec::new() };
    match recorded.record.object.pod_mut() {
        Some(pod) if pod.job.is_none() => pod.run = RecordedRun::Failed,
        Some(_) | None => return Vec::new(),
    }
    vec![RecordChange::Put(address.clone(), Box::new(recorded))]
}

/// Returns the changes of an action without a call.
pub fn local(id: &ActionId, action: &Action, previous: Option<&Recorded>, now: Moment) -> Vec<RecordChange> {
    match &action.record {
        RecordAfter::Put { id: named, record } => {
            let remote = named.clone().or_else(|| previous.map(|previous| previous.id.clone()));
            remote.map(|remote| put(&id.address, record, remote, previous, now)).into_iter().collect()
        }
        RecordAfter::Remove { tombstone } => remove(&id.address, previous, *tombstone),
        RecordAfter::MovedFrom(from) => {
            vec![RecordChange::Rename { from: from.clone(), to: id.address.clone() }]
        }
        // The wait itself says how.
        RecordAfter::Ended => Vec::new(),
        RecordAfter::Deposed(deposed) => {
            let Some(previous) = previous else { return Vec::new() };
            let mut recorded = previous.clone();
            recorded.record.deposed.clone_from(deposed);
            vec![RecordChange::Put(id.address.clone(), Box::new(recorded))]
        }
    }
}

/// Returns the record with what a live pod tells beyond the request: where it landed.
pub fn landed(record: &Record, live: &LivePod) -> Record {
    let mut record = record.clone();
    if let Some(pod) = record.object.pod_mut() {
        pod.data_center = live.data_center.clone().or_else(|| pod.data_center.clone());
        pod.cloud = live.cloud.or(pod.cloud);
    }
    record
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kit::{self, at, pod_id as pod, record, recorded, token};
    use crate::model::id::{PodId, RegistryId};
    use crate::model::prior::RecordedRegistry;

    fn address() -> Address {
        kit::address("llm")
    }

    fn now() -> Moment {
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
        assert_eq!((entry.id, entry.record.deposed), (pod("new"), BTreeSet::from([PodId::new("old")])));
        assert_eq!((entry.recorded_at, entry.server_time), (now().here, now().there));
    }

    #[test]
    fn the_same_object_keeps_its_age_and_its_token() {
        let mut previous = Recorded { rebuilt: true, ..recorded("old") };
        previous.record.token = Some(token());
        let entry = entry(put(&address(), &record(), pod("old"), Some(&previous), now()));
        assert_eq!((entry.recorded_at, entry.server_time), (previous.recorded_at, previous.server_time));
        assert_eq!((entry.record.token, entry.rebuilt), (Some(token()), true));
    }

    #[test]
    fn deposed_pods_stay_unless_the_plan_or_the_run_saw_them_go() {
        let both = |ids: [&str; 2]| BTreeSet::from(ids.map(PodId::new));
        let mut previous = recorded("old");
        previous.record.deposed = both(["a", "b"]);
        let record = Record { deposed: both(["b", "c"]), ..record() };
        let entry = entry(put(&address(), &record, pod("old"), Some(&previous), now()));
        assert_eq!(entry.record.deposed, BTreeSet::from([PodId::new("b")]));
    }

    #[test]
    fn an_entry_with_a_deposed_pod_is_never_dropped() {
        let mut previous = recorded("old");
        previous.record.deposed = BTreeSet::from([PodId::new("older")]);
        let [change] = <[_; 1]>::try_from(remove(&address(), Some(&previous), false)).unwrap();
        assert_eq!(entry(change).id, pod("older"));
        assert_eq!(remove(&address(), Some(&recorded("old")), false), [RecordChange::Remove(address())]);
    }

    #[test]
    fn what_came_on_record_since_stays_beside_what_is_found() {
        let of = |name: &str| Record {
            object: RecordedObject::Registry(RecordedRegistry {
                name: name.to_owned(),
                sent: None,
                deposed: [RegistryId::new(format!("before-{name}"))].into(),
            }),
            ..record()
        };
        let id = |id: &str| RemoteId::Registry(RegistryId::new(id));
        let since = Recorded { id: id("since"), record: of("since"), ..recorded("old") };
        let address = kit::address("registry.ghcr");
        let found = entry(super::found(&address, &of("late"), id("late"), Some(&since), now()));
        let deposed: Vec<String> = found.record.deposed_ids().map(|id| id.to_string()).collect();
        assert_eq!(
            (found.id, deposed),
            (id("late"), ["before-late", "before-since", "since"].map(str::to_owned).into())
        );
        let same = Recorded { id: id("late"), record: of("late"), ..recorded("old") };
        let again = entry(super::found(&address, &of("late"), id("late"), Some(&same), now()));
        assert_eq!(again.record.deposed_ids().count(), 1);
    }
}
