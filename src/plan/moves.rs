//! Renames: `moved:` of the spec, and `llm` and `llm[0]`, which are one address when the key `replicas` comes or goes.
//!
//! Everything after this step sees the record as if the renames had been applied; the plan has one action for each.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{Desired, Move};
use crate::model::job::UnseenJob;
use crate::model::plan::Finding;
use crate::model::prior::{OpenIntent, Prior, Recorded, without_record};
use crate::model::registry::Registry;

use super::finding;

/// The record under the addresses of this spec.
pub(super) struct Renamed<'a> {
    /// Borrowed from the state wherever no rename is about them.
    pub(super) objects: BTreeMap<Address, Cow<'a, Recorded>>,
    /// New address to old one, for records that move and for what is known of jobs without one.
    pub(super) moves: BTreeMap<Address, Address>,
    /// Open intents under the addresses of this spec.
    pub(super) open: Vec<OpenIntent>,
    pub(super) findings: Vec<Finding>,
    /// Records of gone replicas whose place another record takes.
    pub(super) displaced: BTreeMap<Address, &'a Recorded>,
    /// What is known of jobs of whose last run no record tells.
    pub(super) unseen: BTreeMap<Address, Cow<'a, UnseenJob>>,
    /// Old address to new one, without those that stay.
    by_old: BTreeMap<Address, Address>,
}

impl Renamed<'_> {
    /// Returns the record of an address in this spec.
    pub(super) fn recorded(&self, address: &Address) -> Option<&Recorded> {
        self.objects.get(address).map(Cow::as_ref)
    }

    /// Returns the address in this spec of what was created for `address`.
    pub(super) fn address_now(&self, address: &Address) -> Address {
        self.by_old.get(address).unwrap_or(address).clone()
    }

    /// Returns where what stands at an address moves to.
    pub(super) fn moves_to(&self, from: &Address) -> Option<&Address> {
        self.by_old.get(from).filter(|to| self.moves.get(*to) == Some(from))
    }
}

/// Applies the renames of the spec, and those that close gaps, to the record, whatever the plan is about: under its old address an object would look like one
/// whose key has left the spec.
pub(super) fn rename<'a>(
    prior: &'a Prior,
    desired: &Desired,
    closings: &BTreeMap<Address, Address>,
) -> Renamed<'a> {
    let pairs = pairs(prior, desired);
    let mut findings = Vec::new();
    let mut at = settle(prior.objects.keys(), &BTreeSet::new(), &pairs, &mut findings);
    let mut displaced = BTreeMap::new();
    for (gap, spare) in closings {
        let Some(original) = at.remove(spare) else { continue };
        match at.insert(gap, original) {
            Some(gone) if gone == gap => {
                displaced.extend(prior.objects.get(gap).map(|recorded| (gap.clone(), recorded)));
            }
            // Under its old address it is forgotten as what has left the spec.
            Some(gone) => {
                at.entry(gone).or_insert(gone);
            }
            None => {}
        }
    }
    // What stands at the new address is known better there.
    let taken = at.keys().copied().collect();
    let jobs = without_record(prior).map(|(address, _)| address);
    for (to, from) in settle(jobs, &taken, &pairs, &mut findings) {
        at.entry(to).or_insert(from);
    }
    let moves = at.iter().filter(|(to, from)| to != from);
    let mut by_old: BTreeMap<Address, Address> =
        moves.clone().map(|(to, from)| (Address::clone(from), Address::clone(to))).collect();
    let moves = moves.map(|(to, from)| (Address::clone(to), Address::clone(from))).collect();
    for (from, to) in &pairs {
        // Tokens of addresses without a record follow the spec's rename too.
        if at.get(from) != Some(&from) {
            by_old.entry(from.clone()).or_insert_with(|| to.clone());
        }
    }
    let mut renamed = Renamed {
        objects: BTreeMap::new(),
        moves,
        open: Vec::new(),
        findings,
        displaced,
        unseen: BTreeMap::new(),
        by_old,
    };
    renamed.objects = prior
        .objects
        .iter()
        .filter(|(address, _)| !renamed.displaced.contains_key(address))
        .map(|(address, recorded)| (renamed.address_now(address), rewritten(recorded, &renamed)))
        .collect();
    // What comes along with a record takes the place of what was known where that goes.
    let (comes, stays): (Vec<_>, Vec<_>) =
        prior.unseen.iter().partition(|(address, _)| renamed.address_now(address) != **address);
    let unseen = stays.into_iter().chain(comes);
    renamed.unseen =
        unseen.map(|(address, job)| (renamed.address_now(address), given_by(job, &renamed))).collect();
    renamed.open = prior.open.iter().cloned().map(|intent| reopened(intent, &renamed)).collect();
    renamed
}

/// Returns what the renames of a spec move of a state, each with its address then.
pub fn moved(prior: &Prior, desired: &Desired) -> BTreeMap<Address, Address> {
    let moves = rename(prior, desired, &BTreeMap::new()).moves;
    moves.into_iter().map(|(to, from)| (from, to)).collect()
}

/// Lists every single rename in file order: bare keys stand for all their replicas.
fn pairs(prior: &Prior, desired: &Desired) -> Vec<(Address, Address)> {
    let mut pairs = Vec::new();
    let mut replicas: BTreeMap<&Key, BTreeSet<Option<u32>>> = BTreeMap::new();
    if !desired.moved.is_empty() {
        let tokens = prior.tokens.values().map(|token| &token.address);
        for address in prior.objects.keys().chain(prior.unseen.keys()).chain(tokens) {
            if let Address::Pod { key, replica } = address {
                replicas.entry(key).or_default().insert(*replica);
            }
        }
    }
    for Move { from, to } in &desired.moved {
        match (from, to) {
            (Address::Pod { key: old, replica: None }, Address::Pod { key: new, replica: None }) => {
                let known = replicas.get(old).into_iter().flatten().copied();
                let all: BTreeSet<Option<u32>> = known.chain([None]).collect();
                pairs.extend(all.into_iter().map(|replica| {
                    let at = |key: &_| Address::Pod { key: Clone::clone(key), replica };
                    (at(old), at(new))
                }));
            }
            (
                Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_),
                Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_),
            ) => {
                pairs.push((from.clone(), to.clone()));
            }
        }
    }
    let twins = twins(prior, desired, &pairs);
    pairs.extend(twins.into_iter().map(|(now, then)| (then, now)));
    pairs
}

/// Returns the addresses of this spec that had the other form before, `llm` or `llm[0]`. Nearly none had, so it begins at
/// what the state names, and at where the renames lead.
fn twins(prior: &Prior, desired: &Desired, pairs: &[(Address, Address)]) -> BTreeMap<Address, Address> {
    let first = desired.wanted.keys().filter_map(|address| match address {
        Address::Pod { key, replica: Some(0) } => Some(key),
        Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_) => None,
    });
    let numbered: BTreeSet<&Key> = first.collect();
    let twin = |address: &Address| match address {
        Address::Pod { key, replica: None } if numbered.contains(key) => {
            Some(Address::replica(key.clone(), 0))
        }
        Address::Pod { key, replica: Some(0) } => Some(Address::pod(key.clone())),
        Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_) => None,
    };
    let pods = prior.objects.values().filter_map(|recorded| recorded.record.object.pod());
    let named = prior.objects.keys().chain(pods.flat_map(|pod| &pod.depends_on));
    let named = named.chain(prior.unseen.keys()).chain(prior.tokens.values().map(|token| &token.address));
    let named = named.chain(prior.open.iter().map(|intent| &intent.action.address));
    let named = named.chain(pairs.iter().map(|(_, to)| to));
    let is_wanted = |address: &Address| desired.wanted.contains_key(address);
    named
        .filter_map(|address| Some((twin(address)?, address.clone())))
        .filter(|(now, then)| is_wanted(now) && !is_wanted(then))
        .collect()
}

/// Decides where each of these ends: new address to old one. Nothing of it ends at an address that is taken.
///
/// A rename whose target is taken waits for the rename that frees it; one that is never freed is left out and said.
/// They are tried round after round in the order of the file, but after the first round only those for which something
/// has changed: a chain of many would take as many rounds otherwise.
fn settle<'a>(
    standing: impl Iterator<Item = &'a Address>,
    taken: &BTreeSet<&Address>,
    pairs: &'a [(Address, Address)],
    findings: &mut Vec<Finding>,
) -> BTreeMap<&'a Address, &'a Address> {
    let mut at: BTreeMap<&Address, &Address> = standing.map(|address| (address, address)).collect();
    // Only for where something stands can a rename begin.
    let has_record = |(_, (from, _)): &(usize, &(Address, Address))| at.contains_key(from);
    let mut open: BTreeSet<(usize, usize)> =
        pairs.iter().enumerate().filter(has_record).map(|(number, _)| (0, number)).collect();
    if open.is_empty() {
        return at;
    }
    let mut waiting: BTreeMap<usize, &(Address, Address)> = pairs.iter().enumerate().collect();
    let (mut leaving, mut coming) = (BTreeMap::new(), BTreeMap::new());
    for (number, (from, to)) in pairs.iter().enumerate() {
        leaving.entry(from).or_insert_with(Vec::new).push(number);
        coming.entry(to).or_insert_with(Vec::new).push(number);
    }
    while let Some((round, number)) = open.pop_first() {
        let Some((from, to)) = waiting.get(&number).copied() else { continue };
        if from == to || at.contains_key(to) || taken.contains(to) {
            continue;
        }
        let Some(original) = at.remove(from) else { continue };
        at.insert(to, original);
        waiting.remove(&number);
        // What comes to the address that was left, and what leaves the one that was reached.
        let changed = [coming.get(from), leaving.get(to)].into_iter().flatten().flatten();
        open.extend(changed.map(|&other| (round + usize::from(other <= number), other)));
    }
    for (from, to) in waiting.into_values() {
        if from != to && at.contains_key(from) && (at.contains_key(to) || taken.contains(to)) {
            findings.push(finding::move_target_taken(from, to));
        }
    }
    at
}

/// Rewrites the addresses inside a record.
fn rewritten<'a>(recorded: &'a Recorded, renamed: &Renamed<'_>) -> Cow<'a, Recorded> {
    let Some(pod) = recorded.record.object.pod() else { return Cow::Borrowed(recorded) };
    let is_renamed = |address: &Address| renamed.by_old.contains_key(address);
    let registry = pod.container.registry.as_ref().and_then(Registry::made);
    let mut named = pod.depends_on.iter().chain(pod.container.storage.volume()).chain(registry);
    if !named.any(is_renamed) {
        return Cow::Borrowed(recorded);
    }
    let mut recorded = recorded.clone();
    if let Some(pod) = recorded.record.object.pod_mut() {
        pod.rename(|address| renamed.address_now(address));
    }
    Cow::Owned(recorded)
}

/// Rewrites the addresses inside what is known of a job.
fn given_by<'a>(job: &'a UnseenJob, renamed: &Renamed<'_>) -> Cow<'a, UnseenJob> {
    match job {
        UnseenJob::Done(_) if !renamed.by_old.is_empty() => {
            Cow::Owned(job.renamed(|address| renamed.address_now(address)))
        }
        UnseenJob::Done(_) | UnseenJob::NotKnown => Cow::Borrowed(job),
    }
}

fn reopened(mut intent: OpenIntent, renamed: &Renamed<'_>) -> OpenIntent {
    intent.action.address = renamed.address_now(&intent.action.address);
    intent
}
