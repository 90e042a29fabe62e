//! Keys that look renamed: one goes, and another comes with the same contents.
//!
//! Without `moved:` that is an end and a beginning, and what the old object holds is lost. Whether it is a new name
//! only a person can say, so this suggests and never moves.

use std::collections::BTreeMap;

use crate::model::address::Address;
use crate::model::desired::{Wanted, WantedVolume};
use crate::model::plan::{Finding, Reason};
use crate::model::prior::RecordedObject;
use crate::model::settings::{Container, Field};

use super::{Context, Drafts, finding};

/// The most keys that come or go for which one is looked for: each is compared with each.
const MOST: usize = 100;

/// Returns a finding for each key that comes and is like exactly one that goes.
pub(super) fn findings(context: &Context<'_>, drafts: &Drafts<'_>) -> Vec<Finding> {
    let (gone, new) = (keys(drafts, &Reason::Removed), keys(drafts, &Reason::New));
    let like = |old: &Address, wanted: &Address| {
        let recorded = context.renamed.recorded(old).map(|recorded| &recorded.record.object);
        recorded.zip(context.wanted(wanted)).is_some_and(|(recorded, wanted)| is_like(recorded, wanted))
    };
    // A removal that is declared is no rename.
    let is_declared = |key: &Address| context.inputs.desired.removal(key).is_some();
    let gone: BTreeMap<_, _> = gone.into_iter().filter(|(key, _)| !is_declared(key)).collect();
    if gone.len() > MOST || new.len() > MOST {
        return Vec::new();
    }
    let mut pairs = Vec::new();
    let mut matches: BTreeMap<&Address, usize> = BTreeMap::new();
    for (from, old) in &gone {
        for (to, wanted) in new.iter().filter(|(_, wanted)| like(old, wanted)) {
            pairs.push((from, to, wanted));
            *matches.entry(from).or_default() += 1;
            *matches.entry(to).or_default() += 1;
        }
    }
    pairs.retain(|(from, to, _)| matches.get(from) == Some(&1) && matches.get(to) == Some(&1));
    pairs.into_iter().map(|(from, to, at)| finding::looks_renamed(at, from, to)).collect()
}

/// Returns each key with a step for this reason, as `moved:` names it, and its first address: replicas are alike.
fn keys<'a>(drafts: &Drafts<'a>, reason: &Reason) -> BTreeMap<Address, &'a Address> {
    let mut keys = BTreeMap::new();
    for (address, draft) in drafts {
        if draft.steps.iter().any(|(_, action)| action.reason == *reason) {
            let key = match address {
                Address::Pod { key, replica: _ } => Address::pod(key.clone()),
                Address::Volume(_) | Address::Secret(_) | Address::Registry(_) => Address::clone(address),
            };
            keys.entry(key).or_insert(*address);
        }
    }
    keys
}

fn is_like(recorded: &RecordedObject, wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Pod(wanted) => {
            recorded.pod().is_some_and(|pod| has_contents_of(&pod.container, &wanted.container))
        }
        Wanted::Volume(WantedVolume::Managed { config, protect: _, adopt: _ }) => {
            recorded.volume() == Some(config)
        }
        // A secret has a name of its own, which tells whether it is the same.
        Wanted::Registry(wanted) => {
            recorded.registry().is_some_and(|registry| registry.sent.as_ref() == Some(wanted))
        }
        Wanted::Volume(WantedVolume::Referenced { id: _ }) | Wanted::Secret(_) => false,
    }
}

/// Compares what runs and what it holds. Variables count by their names: a name may be part of a value, and secrets
/// have none here.
fn has_contents_of(one: &Container, other: &Container) -> bool {
    // How it is called and reached may change with its key.
    let mut like = other.clone();
    for field in [Field::Name, Field::Registry, Field::GlobalNetworking, Field::Locked] {
        like.take(&field, one);
    }
    let same_names = one.env.keys().eq(other.env.keys());
    like.env.clone_from(&one.env);
    same_names && *one == like
}
