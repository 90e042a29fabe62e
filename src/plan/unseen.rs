//! Which jobs of a spec may have run without anything that says so: neither a record nor a pod.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::desired::Desired;
use crate::model::id::RemoteId;
use crate::model::job::{RecordedJob, UnseenJob};
use crate::model::live::Live;
use crate::model::prior::{Prior, Recorded};

use super::moves::{Renamed, rename};
use super::rebuild::is_gone;

/// Returns the jobs of a spec, also those that no chosen profile selects.
pub fn jobs(desired: &Desired) -> impl Iterator<Item = &Address> {
    let pods = desired.wanted.iter().filter_map(|(address, wanted)| Some((address, wanted.pod()?)));
    let left_out = desired.out_of_scope.iter().filter(|(_, pod)| pod.is_job);
    pods.filter(|(_, pod)| pod.job.is_some())
        .map(|(address, _)| address)
        .chain(left_out.map(|(address, _)| address))
}

/// Returns the jobs of a spec of which neither the account nor a state that may be an older one tells, under the addresses that
/// the state has for them: those that it knows nothing of, and those whose recorded pod is gone.
pub fn unknown_jobs(desired: &Desired, prior: &Prior, live: &Live) -> BTreeSet<Address> {
    let renamed = rename(prior, desired, &BTreeMap::new());
    let is_unknown = |address: &&Address| match renamed.recorded(address) {
        Some(recorded) => is_gone(&recorded.id, live) || recorded.is_gone(),
        None => !renamed.unseen.contains_key(*address),
    };
    let unknown = jobs(desired).filter(is_unknown);
    unknown.map(|address| renamed.moves.get(address).unwrap_or(address).clone()).collect()
}

/// Returns of which jobs nobody knows any more what they have done once an older state is put in the place of the present one,
/// under the addresses that the older one has for them: those that it knows nothing of or something else, unless the present
/// one shows that they did not run since.
pub fn unknown_since(desired: &Desired, then: &Prior, now: Option<&Prior>) -> BTreeSet<Address> {
    let was = rename(then, desired, &BTreeMap::new());
    // A state that began anew, or is older still, does not tell.
    let now = now.filter(|now| now.lineage == then.lineage && now.serial >= then.serial);
    let now = now.map(|now| (now, rename(now, desired, &BTreeMap::new())));
    let may_have_run = |address: &Address| match &now {
        None => true,
        Some((now, is)) => {
            let (before, after) = (known(&was, address), known(is, address));
            // What was taken off record after its pod was gone can only have run on a pod that was asked for since.
            let is_forgotten = after == (None, None)
                && was.recorded(address).is_some_and(Recorded::is_gone)
                && before.1.is_none();
            before != after && !is_forgotten || is_sent(then, (now, is), address)
        }
    };
    let unknown = jobs(desired).filter(|address| may_have_run(address));
    unknown.map(|address| was.moves.get(address).unwrap_or(address).clone()).collect()
}

/// Returns what a state knows of the last run of a job.
fn known<'r>(
    state: &'r Renamed<'_>,
    address: &Address,
) -> (Option<(&'r RemoteId, Option<&'r RecordedJob>)>, Option<&'r UnseenJob>) {
    let recorded = state.recorded(address);
    let recorded = recorded
        .map(|recorded| (&recorded.id, recorded.record.object.pod().and_then(|pod| pod.job.as_ref())));
    (recorded, state.unseen.get(address).map(Cow::as_ref))
}

/// Tells whether a pod of an address was asked for since.
fn is_sent(then: &Prior, (now, is): (&Prior, &Renamed<'_>), address: &Address) -> bool {
    let since = now.tokens.iter().filter(|(token, _)| !then.tokens.contains_key(token));
    since.into_iter().any(|(_, known)| is.address_now(&known.address) == *address)
}
