//! Edits of the record that a person asks for: other addresses, and giving objects up. Nothing of them reaches the
//! account. Pure; the caller commits the changes.

use std::collections::BTreeSet;

use super::RecordChange;
use crate::model::address::{Address, Key, Kind};
use crate::model::id::RemoteId;
use crate::model::job::{self, End, RecordedJob, UnseenJob};
use crate::model::marker::Token;
use crate::model::prior::{OpenIntent, Prior, Recorded, RecordedRun};
use crate::model::settings::Container;

/// Why a record is not edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is nothing under this address.
    #[error("`{0}` is not in the state; `podform state list` shows what is")]
    NotRecorded(Address),
    /// The new address is taken.
    #[error("`{0}` is in the state already")]
    Taken(Address),
    /// A volume cannot become a pod, nor the other way round.
    #[error(
        "`{from}` cannot become `{to}`: one is a network volume, the other a pod{}",
        as_kind_of(from, to)
    )]
    OtherKind {
        /// The old address.
        from: Address,
        /// The new one.
        to: Address,
    },
    /// How its job ended is to be seen.
    #[error("`{address}` is in the state with the pod `{id}`, {tells}")]
    HasPod {
        address: Address,
        id: RemoteId,
        /// What its pod tells, as the sentence goes on.
        tells: String,
    },
    /// What it took the place of would be nobody's, and the next apply would end it.
    #[error(
        "`{address}` has taken the place of {}, which is still there; `podform apply` ends that once `{address}` runs, and \
         then it can be given up",
        names(former)
    )]
    HasFormer { address: Address, former: BTreeSet<RemoteId> },
    /// An earlier run left something open there.
    #[error("an earlier run left an action of `{0}` open; `podform apply` finds out what became of it")]
    Open(Address),
}

fn names(ids: &BTreeSet<RemoteId>) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

/// Says how to rename an object to the key of an address of the other kind.
fn as_kind_of(from: &Address, to: &Address) -> String {
    let key = to.key().clone();
    let to = match from.kind() {
        Kind::Pod => Address::pod(key),
        Kind::Volume => Address::Volume(key),
        Kind::Secret => Address::Secret(key),
        Kind::Registry => Address::Registry(key),
    };
    if to == *from { String::new() } else { format!("; write `podform state mv {from} {to}`") }
}

/// Returns the changes that give records another address. A bare key stands for all its replicas.
///
/// # Errors
/// There is no such record, or the new address cannot be had.
pub fn rename(prior: &Prior, from: &Address, to: &Address) -> Result<Vec<RecordChange>, EditError> {
    if from.kind() != to.kind() {
        return Err(EditError::OtherKind { from: from.clone(), to: to.clone() });
    }
    let pairs = pairs(prior, from, to);
    if pairs.is_empty() {
        return Err(EditError::NotRecorded(from.clone()));
    }
    let mut changes = Vec::new();
    for (from, to) in &pairs {
        ensure_settled(prior, from)?;
        if prior.objects.contains_key(to) || prior.unseen.contains_key(to) {
            return Err(EditError::Taken(to.clone()));
        }
        changes.push(RecordChange::Rename { from: from.clone(), to: to.clone() });
    }
    let now = |address: &Address| {
        let moved = pairs.iter().find(|(from, _)| from == address);
        moved.map_or(address, |(_, to)| to).clone()
    };
    for (address, recorded) in &prior.objects {
        let rewritten = rewritten(recorded, now);
        if rewritten != *recorded {
            changes.push(RecordChange::Put(now(address), Box::new(rewritten)));
        }
    }
    Ok(changes)
}

/// Returns the changes that give an object up: it goes on as it is, unmanaged.
///
/// # Errors
/// There is no such record, or what it took the place of is still there.
pub fn give_up(prior: &Prior, address: &Address) -> Result<Vec<RecordChange>, EditError> {
    let recorded = prior.objects.get(address);
    if recorded.is_none() && !prior.unseen.contains_key(address) {
        return Err(EditError::NotRecorded(address.clone()));
    }
    ensure_settled(prior, address)?;
    let former: BTreeSet<RemoteId> =
        recorded.into_iter().flat_map(|recorded| recorded.record.deposed_ids()).collect();
    if !former.is_empty() {
        return Err(EditError::HasFormer { address: address.clone(), former });
    }
    let tombstone = recorded.and_then(|recorded| recorded.record.token.clone()).map(RecordChange::Tombstone);
    Ok(std::iter::once(RecordChange::Remove(address.clone())).chain(tombstone).collect())
}

/// What is left of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// No pod.
    Nothing,
    /// A pod on record, of which nothing tells how its job ended.
    Mute {
        /// The run that it was last given, where it shows one.
        run: Option<Token>,
    },
    /// A pod that tells, or that may.
    Pod {
        id: RemoteId,
        /// What it tells, as a sentence goes on after its id.
        tells: String,
    },
}

/// Returns the changes that record of a job that it has run with these settings and is done.
///
/// # Errors
/// Its pod tells how its job stands.
pub fn done(
    prior: &Prior,
    address: &Address,
    given: &Container,
    left: Left,
) -> Result<Vec<RecordChange>, EditError> {
    ensure_settled(prior, address)?;
    let recorded = prior.objects.get(address);
    match (left, recorded) {
        (Left::Pod { id, tells }, _) => Err(EditError::HasPod { address: address.clone(), id, tells }),
        (Left::Mute { run }, Some(recorded)) => {
            let mut recorded = recorded.clone();
            if let Some(pod) = recorded.record.object.pod_mut() {
                let was = pod.job.take().and_then(|job| job.run);
                pod.job = Some(RecordedJob {
                    ended: Some(End::Done),
                    given: Some(Box::new(given.clone())),
                    ..RecordedJob::begun(run.or(was))
                });
                // It is down, as one is that has told its end.
                if !job::keeps(&pod.container.entrypoint) {
                    pod.run = RecordedRun::Stopped;
                }
            }
            Ok(vec![RecordChange::Put(address.clone(), Box::new(recorded))])
        }
        (Left::Nothing | Left::Mute { .. }, recorded) => {
            let dropped = recorded.map(|_| RecordChange::Remove(address.clone()));
            let done = UnseenJob::Done(Box::new(given.clone()));
            Ok(dropped.into_iter().chain([RecordChange::Unseen(address.clone(), done)]).collect())
        }
    }
}

/// Makes sure that no earlier run may still bring something under this address.
///
/// # Errors
/// It may.
pub fn ensure_settled(prior: &Prior, address: &Address) -> Result<(), EditError> {
    let is_here = |open: &OpenIntent| open.action.address == *address;
    if prior.open.iter().any(is_here) { Err(EditError::Open(address.clone())) } else { Ok(()) }
}

/// Lists every single rename of recorded objects, and of jobs of which something is known without a record.
fn pairs(prior: &Prior, from: &Address, to: &Address) -> BTreeSet<(Address, Address)> {
    let known = prior.objects.keys().chain(prior.unseen.keys());
    if prior.objects.contains_key(from) || prior.unseen.contains_key(from) {
        return [(from.clone(), to.clone())].into();
    }
    match (from, to) {
        (Address::Pod { key: old, replica: None }, Address::Pod { key: new, replica: None }) => {
            known.filter_map(|address| replica_of(address, old, new)).collect()
        }
        (
            Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_),
            Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_),
        ) => BTreeSet::new(),
    }
}

fn replica_of(address: &Address, old: &Key, new: &Key) -> Option<(Address, Address)> {
    match address {
        Address::Pod { key, replica } if key == old => {
            Some((address.clone(), Address::Pod { key: new.clone(), replica: *replica }))
        }
        Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_) => None,
    }
}

/// Rewrites the addresses inside a record.
fn rewritten(recorded: &Recorded, now: impl Fn(&Address) -> Address) -> Recorded {
    let mut recorded = recorded.clone();
    if let Some(pod) = recorded.record.object.pod_mut() {
        pod.rename(now);
    }
    recorded
}
