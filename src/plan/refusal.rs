//! What a command line asks for that cannot be planned: names that nothing has, and dependencies that are left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::desired::{Wanted, WantedPod};
use crate::model::pod::RunState;

use super::catalog_index::CatalogIndex;
use super::moves;
use super::ownership::Ownership;
use super::reach::{Standing, is_waited_for, standing};
use super::references::References;
use super::registries::RegistryIndex;
use super::scope::{Pattern, Patterns, Scope, dependencies};
use super::volume_index::VolumeIndex;
use super::{Context, Inputs};

/// The flag that a name was given with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// `--target`.
    Target,
    /// `--exclude`.
    Exclude,
    /// `--replace`.
    Replace,
    /// `--rotate`.
    Rotate,
    /// `--unprotect`.
    Unprotect,
}

/// Why there can be no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No address has this name.
    Unmatched {
        /// Where it was given.
        flag: Flag,
        /// The name, which can be empty.
        name: String,
        /// The addresses that there are; all that name nothing share them.
        known: Arc<BTreeSet<Address>>,
    },
    /// Several addresses have this name, and one is meant.
    Ambiguous {
        /// Where it was given.
        flag: Flag,
        name: String,
        addresses: BTreeSet<Address>,
    },
    /// A pod would be made without something that it depends on, which does not exist and is excluded.
    Excluded {
        /// The pod.
        address: Address,
        /// What it depends on.
        dependency: Address,
        /// What excludes it.
        pattern: Pattern,
    },
    /// The same for a dependency that no chosen profile selects.
    Deselected {
        /// The pod.
        address: Address,
        /// What it depends on.
        dependency: Address,
        /// The profiles that would select it.
        profiles: BTreeSet<String>,
    },
}

/// Returns what stands against planning what is asked for.
pub fn refusals(inputs: &Inputs<'_>) -> Vec<Refusal> {
    let options = inputs.options;
    let names_addresses = !(options.targets.is_empty()
        && options.excludes.is_empty()
        && options.replace.is_empty()
        && options.rotate.is_empty()
        && options.unprotect.is_empty());
    if options.only_looks || !names_addresses && inputs.desired.out_of_scope.is_empty() {
        return Vec::new();
    }
    let renamed = moves::rename(inputs.prior, inputs.desired, &BTreeMap::new());
    let scope = Scope::new(inputs, &renamed);
    let ownership = Ownership::new(inputs, &renamed);
    let volumes = VolumeIndex::new(inputs, &renamed, &ownership);
    let registries = RegistryIndex::new(inputs, &renamed, &ownership, &scope);
    let catalog = CatalogIndex::new(inputs.desired, inputs.catalog);
    let references = References::new(inputs);
    let context = Context {
        inputs,
        renamed: &renamed,
        ownership: &ownership,
        volumes: &volumes,
        registries: &registries,
        catalog: &catalog,
        references: &references,
    };
    let mut refusals = unmatched(&context);
    if refusals.is_empty() && !options.destroy {
        refusals.extend(left_out(&context, &scope));
    }
    refusals
}

fn unmatched(context: &Context<'_>) -> Vec<Refusal> {
    let Inputs { desired, prior, options, .. } = *context.inputs;
    let in_spec = || desired.wanted.keys().chain(desired.out_of_scope.keys());
    let recorded = prior.objects.keys().chain(context.renamed.objects.keys());
    let mut known = context.ownership.addresses();
    let jobs = prior.unseen.keys().chain(context.renamed.unseen.keys());
    known.extend(in_spec().chain(recorded).chain(jobs).cloned());
    let known = Arc::new(known);
    let unmatched = |(flag, given)| {
        let patterns = Patterns::new(given).about_none(known.iter()).into_iter();
        let known = &known;
        patterns.map(move |pattern| Refusal::Unmatched {
            flag,
            name: pattern.to_string(),
            known: Arc::clone(known),
        })
    };
    let given = [(Flag::Target, &options.targets[..]), (Flag::Exclude, &options.excludes[..])];
    let mut refusals: Vec<Refusal> = given.into_iter().flat_map(unmatched).collect();
    let all = names_of(known.iter());
    let unprotected = options.unprotect.iter().filter(|name| !all.contains(*name));
    refusals.extend(unprotected.map(|name| Refusal::Unmatched {
        flag: Flag::Unprotect,
        name: name.to_string(),
        known: Arc::clone(&known),
    }));
    let named = names_of(in_spec());
    let known = Arc::new(in_spec().cloned().collect());
    let replaced = options.replace.iter().filter(|name| !named.contains(*name));
    refusals.extend(replaced.map(|name| Refusal::Unmatched {
        flag: Flag::Replace,
        name: name.to_string(),
        known: Arc::clone(&known),
    }));
    for rotation in &options.rotate {
        let about: Vec<&Address> = in_spec().filter(|address| rotation.is_about(address)).collect();
        match about[..] {
            [] => refusals.push(Refusal::Unmatched {
                flag: Flag::Rotate,
                name: rotation.to_string(),
                known: Arc::clone(&known),
            }),
            [_] => {}
            [_, _, ..] => refusals.push(Refusal::Ambiguous {
                flag: Flag::Rotate,
                name: rotation.to_string(),
                addresses: about.into_iter().cloned().collect(),
            }),
        }
    }
    refusals
}

/// Returns what these addresses can be called: a bare key means all its replicas.
pub(super) fn names_of<'a>(addresses: impl Iterator<Item = &'a Address>) -> BTreeSet<Cow<'a, Address>> {
    let names = addresses.flat_map(|address| {
        let bare = match address {
            Address::Pod { key, replica: Some(_) } => Some(Cow::Owned(Address::pod(key.clone()))),
            Address::Pod { key: _, replica: None }
            | Address::Volume(_)
            | Address::Secret(_)
            | Address::Registry(_) => None,
        };
        [Some(Cow::Borrowed(address)), bare]
    });
    names.flatten().collect()
}

/// Looks at the pods that are to be made or started, and at what they take along.
fn left_out(context: &Context<'_>, scope: &Scope<'_>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let wanted = context.inputs.desired.wanted.keys();
    let mut open: Vec<&Address> = wanted.filter(|address| scope.chooses(address)).collect();
    let mut seen: BTreeSet<&Address> = open.iter().copied().collect();
    while let Some(address) = open.pop() {
        let Some(pod) = brought_up(context, address) else { continue };
        for dependency in dependencies(pod) {
            if standing(context, &dependency) == Standing::Ready || !is_waited_for(context, &dependency) {
                continue;
            }
            if scope.allows(&dependency) {
                if let Some((dependency, _)) = context.inputs.desired.wanted.get_key_value(&dependency)
                    && seen.insert(dependency)
                {
                    open.push(dependency);
                }
            } else if standing(context, &dependency) == Standing::Missing {
                refusals.push(refusal(context, scope, address, dependency));
            }
        }
    }
    refusals.sort_by_key(|refusal| match refusal {
        Refusal::Unmatched { .. } | Refusal::Ambiguous { .. } => None,
        Refusal::Excluded { address, dependency, .. } | Refusal::Deselected { address, dependency, .. } => {
            Some((address.clone(), dependency.clone()))
        }
    });
    refusals
}

/// Returns a wanted pod that does not run and is to run.
fn brought_up<'a>(context: &Context<'a>, address: &Address) -> Option<&'a WantedPod> {
    let Some(Wanted::Pod(pod)) = context.wanted(address) else { return None };
    let is_down = match standing(context, address) {
        Standing::Missing | Standing::Stopped | Standing::Over => true,
        Standing::Ready | Standing::Unknown => false,
    };
    (pod.run == RunState::Running && is_down).then_some(pod)
}

fn refusal(context: &Context<'_>, scope: &Scope<'_>, address: &Address, dependency: Address) -> Refusal {
    let address = address.clone();
    match scope.excluded_by(&dependency) {
        Some(pattern) => Refusal::Excluded { address, dependency, pattern: pattern.clone() },
        None => {
            let deselected = context.inputs.desired.out_of_scope.get(&dependency);
            let profiles = deselected.map(|deselected| deselected.profiles.clone()).unwrap_or_default();
            Refusal::Deselected { address, dependency, profiles }
        }
    }
}
