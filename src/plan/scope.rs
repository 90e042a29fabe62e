//! Which addresses a plan is about: profiles, targets and exclusions.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use crate::model::address::{Address, Key};
use crate::model::desired::{Desired, WantedPod};

use super::moves::Renamed;
use super::{Drafts, Inputs, Options};

/// A glob over printed addresses: `*` stands for any characters, `?` for one. Brackets stand for themselves, as
/// addresses have them. A pattern without a replica number also matches every replica.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(String);

impl Pattern {
    /// Tells whether the pattern is about this address.
    pub fn matches(&self, address: &Address) -> bool {
        let printed = address.to_string();
        let without_replica = printed.split('[').next().unwrap_or_default();
        glob(self.0.as_bytes(), printed.as_bytes())
            || address.is_pod() && glob(self.0.as_bytes(), without_replica.as_bytes())
    }
}

impl FromStr for Pattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Matches in time proportional to the product of both lengths, whatever the pattern: a mismatch goes back to the
/// last star only.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut position) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                last_star = Some((at, position));
                at += 1;
            }
            Some(&expected) if expected == b'?' || expected == text[position] => {
                at += 1;
                position += 1;
            }
            Some(_) | None => {
                let Some((star, matched)) = last_star else { return false };
                last_star = Some((star, matched + 1));
                at = star + 1;
                position = matched + 1;
            }
        }
    }
    pattern[at..].iter().all(|&rest| rest == b'*')
}

/// Decides for every address whether the command line asks for it.
///
/// An object that is renamed answers to its old address too: it is the same object, and a plan that knew it by one name
/// only would create it a second time or remove it.
pub(super) struct Scope<'a> {
    desired: &'a Desired,
    options: &'a Options,
    renamed: &'a Renamed<'a>,
    /// The keys of pods that no chosen profile selects.
    deselected: BTreeSet<&'a Key>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(inputs: &Inputs<'a>, renamed: &'a Renamed<'a>) -> Self {
        let Inputs { desired, options, .. } = *inputs;
        let covers_all = options.destroy && options.whatever_profile;
        let pods = desired.out_of_scope.keys().filter(|address| address.is_pod() && !covers_all);
        Self { desired, options, renamed, deselected: pods.map(Address::key).collect() }
    }

    /// Tells whether the plan is about an address without anything else that brings it in.
    pub(super) fn chooses(&self, address: &Address) -> bool {
        self.allows(address) && (self.options.targets.is_empty() || self.is_target(address))
    }

    /// Tells whether a target may take an address along.
    pub(super) fn allows(&self, address: &Address) -> bool {
        !self.is_deselected(address) && self.excluded_by(address).is_none()
    }

    /// Tells whether a target names an address.
    pub(super) fn is_target(&self, address: &Address) -> bool {
        self.first(&self.options.targets, address).is_some()
    }

    /// Returns the first pattern that excludes an address.
    pub(super) fn excluded_by(&self, address: &Address) -> Option<&'a Pattern> {
        self.first(&self.options.excludes, address)
    }

    /// Tells whether an address stands in the spec and no chosen profile selects it.
    ///
    /// A replica that the spec no longer counts is out of scope with its pod, or shrinking a deselected pod would
    /// remove replicas of it.
    pub(super) fn is_deselected(&self, address: &Address) -> bool {
        address.is_pod() && self.deselected.contains(address.key())
    }

    /// Returns how many addresses this plan leaves alone: of the spec, and of the state when all is destroyed.
    pub(super) fn left_out(&self, drafts: &Drafts<'_>) -> usize {
        let left = |address: &&Address| !drafts.contains_key(address);
        if self.options.destroy {
            return self.renamed.objects.keys().filter(left).count();
        }
        self.desired.wanted.keys().filter(left).count() + self.desired.out_of_scope.len()
    }

    /// Returns the targets that bring nothing into the plan.
    pub(super) fn empty_targets(&self, drafts: &Drafts<'_>) -> Vec<&'a Pattern> {
        let brings = |pattern: &&Pattern| {
            drafts.keys().any(|address| pattern.matches(address) || self.was(address, pattern))
        };
        self.options.targets.iter().filter(|pattern| !brings(pattern)).collect()
    }

    fn was(&self, address: &Address, pattern: &Pattern) -> bool {
        self.renamed.moves.get(address).is_some_and(|old| pattern.matches(old))
    }

    fn first(&self, patterns: &'a [Pattern], address: &Address) -> Option<&'a Pattern> {
        patterns.iter().find(|pattern| pattern.matches(address) || self.was(address, pattern))
    }
}

/// Returns what must be ready before a pod, the network volume that it mounts included.
pub(super) fn dependencies(pod: &WantedPod) -> BTreeSet<Address> {
    let mut dependencies = pod.depends_on.clone();
    dependencies.extend(pod.container.storage.volume().cloned());
    dependencies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_printed_addresses() {
        let cases = [
            ("llm", "llm", true),
            ("llm", "llm[3]", true),
            ("llm[3]", "llm[3]", true),
            ("llm[3]", "llm", false),
            ("llm[*]", "llm[12]", true),
            ("l*m", "llm[0]", true),
            ("l?m", "llm", true),
            ("l?m", "lm", false),
            ("volume.*", "volume.models", true),
            ("*", "volume.models", true),
            ("models", "volume.models", false),
            ("*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
            ("", "llm", false),
        ];
        for (pattern, address, expected) in cases {
            let pattern: Pattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(&address.parse().unwrap()), expected, "{pattern} on {address}");
        }
    }
}
