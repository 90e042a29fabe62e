//! Looks at an account: the listings, and what they leave out.
//!
//! A listing lags behind creates, so an object that is recorded but not listed is asked for by its id before it
//! counts as absent, and one that was recorded moments ago never counts as absent. The decision is the pure
//! function [`judge`]; [`observe`] only asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use super::{Certainty, Listed, ListedPod, ListedVolume, Observe, ProviderError};
use crate::model::clock::{SignedDuration, Timestamp};
use crate::model::id::{PodId, RegistryId, RemoteId, VolumeId};
use crate::model::job::JobLog;
use crate::model::live::{
    Inventory, Live, LivePod, LiveRegistry, LiveSecret, LiveVolume, Origin, PodStatus, Seen, Unreadable,
};
use crate::model::marker::Token;

/// The most recorded objects that are asked for one by one. More are looked for in a second listing.
const SINGLE_GETS: usize = 20;
/// The time between the two listings; by then a listing has caught up.
const SECOND_LOOK: Duration = Duration::from_secs(10);

/// Looks at all pods and network volumes, and at the recorded ones that the listings leave out.
///
/// `recorded` has RunPod's time at which each was recorded, where it was told. It makes two GETs, and one for each recorded object that is not listed; above 20 of those, two more listings.
///
/// # Errors
/// A listing could not be read, so that nothing is known of the account.
pub async fn observe(
    port: &impl Observe,
    recorded: &BTreeMap<RemoteId, Option<Timestamp>>,
    now: Timestamp,
) -> Result<Live, ProviderError> {
    let Listing { entries: mut pods, nameless: mut nameless_pods, origins } =
        pods_of(port.list_pods().await?);
    let pod_origins = origins.into_iter().map(|(id, origin)| (RemoteId::Pod(id), origin));
    let Listing { entries: mut volumes, nameless: mut nameless_volumes, origins } =
        volumes_of(port.list_volumes().await?);
    let volume_origins = origins.into_iter().map(|(id, origin)| (RemoteId::Volume(id), origin));
    let origins = pod_origins.chain(volume_origins).collect();

    let server_time = port.server_time().map(|told| told.date);
    let missing: BTreeMap<&RemoteId, Option<SignedDuration>> = recorded
        .iter()
        .filter(|(id, _)| match id {
            RemoteId::Pod(id) => !pods.contains_key(id),
            RemoteId::Volume(id) => !volumes.contains_key(id),
            // Lists of their own; see `secrets` and `registries`.
            RemoteId::Secret(_) | RemoteId::Registry(_) => false,
        })
        .map(|(id, recorded)| (id, server_time.zip(*recorded).map(|(now, then)| now.duration_since(then))))
        .collect();
    let mut looks = if missing.len() > SINGLE_GETS {
        look_again(port, &missing).await
    } else {
        look_at_each(port, missing.keys().copied().collect()).await
    };
    nameless_pods.append(&mut looks.nameless_pods);
    nameless_volumes.append(&mut looks.nameless_volumes);
    for (id, age) in missing {
        match id {
            RemoteId::Pod(id) => {
                let look = looks.pods.remove(id).unwrap_or_else(|| looks.otherwise());
                pods.insert(id.clone(), judge(look, age, !nameless_pods.is_empty()));
            }
            RemoteId::Volume(id) => {
                let look = looks.volumes.remove(id).unwrap_or_else(|| looks.otherwise());
                volumes.insert(id.clone(), judge(look, age, !nameless_volumes.is_empty()));
            }
            RemoteId::Secret(_) | RemoteId::Registry(_) => {}
        }
    }
    pods.values_mut().filter(|seen| is_terminated(seen)).for_each(|seen| *seen = Seen::Absent);
    Ok(Live {
        observed_at: now,
        server_time,
        ssh_keys: None,
        pods,
        jobs: BTreeMap::new(),
        volumes,
        nameless_pods,
        nameless_volumes,
        origins,
        unready: BTreeSet::new(),
        secrets: Inventory::NotAsked,
        registries: Inventory::NotAsked,
    })
}

/// Looks at the secrets of the account: their list is whole, and a name stands in it once, so that a create of one that is not
/// listed yet makes no second one and is refused. A key that may not see them must not stop a plan, so a failure is an answer too.
pub async fn secrets(port: &impl Observe) -> Inventory<LiveSecret> {
    let listed = match port.list_secrets().await {
        Ok(Some(listed)) => listed,
        Ok(None) => return Inventory::NotTold,
        Err(error) => return Inventory::Unread(error.to_string()),
    };
    let (found, odd) = parted(listed);
    Inventory::Listed { found, odd }
}

/// Looks at the account's credentials for registries. Those that are sought and not listed are read by their id before they
/// count as absent. A failure is an answer too, as for [`secrets`].
pub async fn registries(port: &impl Observe, sought: &BTreeSet<RegistryId>) -> Inventory<LiveRegistry> {
    let listed = match port.list_registries().await {
        Ok(listed) => listed,
        Err(error) => return Inventory::Unread(error.to_string()),
    };
    let (mut found, mut odd): (Vec<LiveRegistry>, _) = parted(listed);
    let is_listed = |id: &&RegistryId| found.iter().any(|registry| registry.id == **id);
    let missing: Vec<&RegistryId> = sought.iter().filter(|id| !is_listed(id)).collect();
    for id in missing.iter().take(SINGLE_GETS) {
        match port.registry(id).await {
            Ok(Some(registry)) => found.push(registry),
            Ok(None) => {}
            Err(error) => odd.push(format!("`{id}`: {error}")),
        }
    }
    if let Some(more) = missing.len().checked_sub(SINGLE_GETS).filter(|more| *more > 0) {
        odd.push(format!("{more} more that are not listed, of which none was looked at by its id"));
    }
    Inventory::Listed { found, odd }
}

/// Reads in the logs of pods how the runs of their jobs ended.
///
/// A pod that is listed as down and whose log tells no end is asked for itself: a listing may have it as it was before it was
/// started, and a run that is under way must not be begun again.
pub async fn jobs(
    port: &impl Observe,
    live: &mut Live,
    asked: BTreeMap<PodId, (Token, bool)>,
    silence: Duration,
    timeout: Duration,
) {
    for (id, (run, is_up)) in asked {
        // The log of a pod that is down has an end of its own.
        let patience = if is_up { silence } else { timeout };
        let log = match port.exit_code(&id, &run, patience).await {
            Ok(Some(code)) => JobLog::Ended(code),
            Ok(None) => JobLog::Silent,
            Err(error) => JobLog::Unread(error.to_string()),
        };
        let seen = match log {
            JobLog::Silent | JobLog::Unread(_) if !is_up => match look_at(port.pod(&id).await) {
                Look::There(pod) => Some(Seen::Found(pod)),
                Look::Failed(why) => Some(Seen::Unreadable(why)),
                // It is listed and not there: one of the two answers lags.
                Look::NotThere => None,
            },
            JobLog::Silent | JobLog::Unread(_) | JobLog::Ended(_) => None,
        };
        if let Some(seen) = seen {
            live.pods.insert(id.clone(), if is_terminated(&seen) { Seen::Absent } else { seen });
        }
        live.jobs.insert(id, log);
    }
}

/// Parts what could be read of a listing from what is wrong with the rest.
fn parted<O, I: Display>(listed: Vec<Listed<O, I>>) -> (Vec<O>, Vec<String>) {
    let (mut found, mut odd) = (Vec::new(), Vec::new());
    for entry in listed {
        match entry {
            Listed::Found(object) => found.push(*object),
            Listed::Unreadable { id, why, origin: _ } => odd.push(format!("`{id}`: {why}")),
            Listed::Nameless { why } => odd.push(why),
        }
    }
    (found, odd)
}

/// A listing, sorted: what has an id, and what is wrong with the rest.
struct Listing<I, O> {
    entries: BTreeMap<I, Seen<O>>,
    nameless: Vec<String>,
    origins: Vec<(I, Origin)>,
}

fn pods_of(listed: Vec<ListedPod>) -> Listing<PodId, LivePod> {
    sorted(listed, |pod| pod.id.clone())
}

fn volumes_of(listed: Vec<ListedVolume>) -> Listing<VolumeId, LiveVolume> {
    sorted(listed, |volume| volume.id.clone())
}

fn sorted<I: Ord + Clone, O>(listed: Vec<Listed<O, I>>, id_of: impl Fn(&O) -> I) -> Listing<I, O> {
    let mut listing = Listing { entries: BTreeMap::new(), nameless: Vec::new(), origins: Vec::new() };
    for entry in listed {
        match entry {
            Listed::Found(object) => {
                listing.entries.insert(id_of(&object), Seen::Found(*object));
            }
            Listed::Unreadable { id, why, origin } => {
                listing.origins.push((id.clone(), origin));
                listing.entries.insert(id, Seen::Unreadable(Unreadable::Malformed(why)));
            }
            Listed::Nameless { why } => listing.nameless.push(why),
        }
    }
    listing
}

/// What a second look at an object that is not listed showed.
#[derive(Clone, Debug, PartialEq)]
enum Look<T> {
    /// It exists after all.
    There(T),
    /// The API says, for the second time, that it does not.
    NotThere,
    /// It could not be looked at.
    Failed(Unreadable),
}

/// Decides what is known of an object that is recorded and not listed. Its age is by the provider's clock alone.
///
/// Where the listing has an entry without an id, nothing is absent: some APIs answer for one object from that same list.
fn judge<T>(look: Look<T>, age: Option<SignedDuration>, has_nameless: bool) -> Seen<T> {
    match look {
        Look::There(object) => Seen::Found(object),
        Look::NotThere if has_nameless => Seen::Unreadable(Unreadable::MayBeNameless),
        Look::NotThere => Unreadable::not_yet_gone(age).map_or(Seen::Absent, Seen::Unreadable),
        Look::Failed(why) => Seen::Unreadable(why),
    }
}

/// The second looks, and what holds for an object of which there is none.
#[derive(Default)]
struct Looks {
    pods: BTreeMap<PodId, Look<LivePod>>,
    volumes: BTreeMap<VolumeId, Look<LiveVolume>>,
    nameless_pods: Vec<String>,
    nameless_volumes: Vec<String>,
    failed: Option<String>,
}

impl Looks {
    fn otherwise<T>(&self) -> Look<T> {
        match &self.failed {
            Some(why) => Look::Failed(Unreadable::Failed(why.clone())),
            None => Look::NotThere,
        }
    }
}

/// Asks for each object by its id.
async fn look_at_each(port: &impl Observe, ids: Vec<&RemoteId>) -> Looks {
    let mut looks = Looks::default();
    for id in ids {
        let throttled = match id {
            RemoteId::Pod(id) => {
                let answer = port.pod(id).await;
                let throttled = throttled(&answer);
                looks.pods.insert(id.clone(), look_at(answer));
                throttled
            }
            RemoteId::Volume(id) => {
                let answer = port.volume(id).await;
                let throttled = throttled(&answer);
                looks.volumes.insert(id.clone(), look_at(answer));
                throttled
            }
            RemoteId::Secret(_) | RemoteId::Registry(_) => None,
        };
        // The other requests would be throttled too, and each counts against the quota.
        if throttled.is_some() {
            looks.failed = throttled;
            break;
        }
    }
    looks
}

fn look_at<T>(answer: Result<Option<T>, ProviderError>) -> Look<T> {
    match answer {
        Ok(Some(object)) => Look::There(object),
        Ok(None) => Look::NotThere,
        Err(error) => Look::Failed(Unreadable::Failed(error.to_string())),
    }
}

fn throttled<T>(answer: &Result<T, ProviderError>) -> Option<String> {
    let error = answer.as_ref().err()?;
    matches!(error.certainty, Certainty::Throttled { .. }).then(|| error.to_string())
}

/// Lists everything a second time, and keeps what was missing the first time.
async fn look_again(port: &impl Observe, missing: &BTreeMap<&RemoteId, Option<SignedDuration>>) -> Looks {
    tokio::time::sleep(SECOND_LOOK).await;
    match (port.list_pods().await, port.list_volumes().await) {
        (Ok(pods), Ok(volumes)) => {
            let (pods, volumes) = (pods_of(pods), volumes_of(volumes));
            let missed = |id: RemoteId| missing.contains_key(&id);
            let pods_missed = pods.entries.into_iter().filter(|(id, _)| missed(RemoteId::Pod(id.clone())));
            let volumes_missed =
                volumes.entries.into_iter().filter(|(id, _)| missed(RemoteId::Volume(id.clone())));
            Looks {
                pods: pods_missed.map(|(id, seen)| (id, look_in_listing(seen))).collect(),
                volumes: volumes_missed.map(|(id, seen)| (id, look_in_listing(seen))).collect(),
                nameless_pods: pods.nameless,
                nameless_volumes: volumes.nameless,
                failed: None,
            }
        }
        (Err(error), _) | (_, Err(error)) => Looks { failed: Some(error.to_string()), ..Looks::default() },
    }
}

fn look_in_listing<T>(seen: Seen<T>) -> Look<T> {
    match seen {
        Seen::Found(object) => Look::There(object),
        Seen::Absent => Look::NotThere,
        Seen::Unreadable(why) => Look::Failed(why),
    }
}

/// A terminated pod may still be shown for a while; there is nothing left of it.
fn is_terminated(seen: &Seen<LivePod>) -> bool {
    seen.found().is_some_and(|pod| pod.status == PodStatus::Terminated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_needs_a_second_answer_and_some_age() {
        let failed = || Unreadable::Failed("no answer".to_owned());
        let table = [
            (Look::There(1), 0, Seen::Found(1)),
            (Look::There(1), 119, Seen::Found(1)),
            (Look::NotThere, -5, Seen::Unreadable(Unreadable::TooNew)),
            (Look::NotThere, 0, Seen::Unreadable(Unreadable::TooNew)),
            (Look::NotThere, 119, Seen::Unreadable(Unreadable::TooNew)),
            (Look::NotThere, 120, Seen::Absent),
            (Look::Failed(failed()), 0, Seen::Unreadable(failed())),
            (Look::Failed(failed()), 9_999, Seen::Unreadable(failed())),
        ];
        for (look, age, seen) in table {
            let told = Some(SignedDuration::from_secs(age));
            assert_eq!(judge(look.clone(), told, false), seen, "{look:?} after {age} s");
        }
        assert_eq!(judge(Look::There(1), None, false), Seen::Found(1));
        assert_eq!(judge(Look::<u8>::NotThere, None, false), Seen::Unreadable(Unreadable::AgeNotTold));
    }

    #[test]
    fn beside_an_entry_without_id_nothing_is_absent() {
        let old = Some(SignedDuration::from_secs(9_999));
        assert_eq!(judge(Look::There(1), old, true), Seen::Found(1));
        for age in [None, Some(SignedDuration::ZERO), old] {
            let seen = judge(Look::<u8>::NotThere, age, true);
            assert_eq!(seen, Seen::Unreadable(Unreadable::MayBeNameless));
        }
    }
}
