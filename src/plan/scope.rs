//! Which addresses a plan is about: profiles, targets and exclusions.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use crate::model::address::{Address, Key};
use crate::model::desired::{Desired, Wanted, WantedPod};

use super::{Inputs, Options};

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

/// Decides for every address whether the plan is about it.
pub(super) struct Scope<'a> {
    desired: &'a Desired,
    options: &'a Options,
    /// The keys of pods that no chosen profile selects.
    deselected: BTreeSet<&'a Key>,
    /// The targets with everything that they depend on; `None` without targets.
    targeted: Option<BTreeSet<Address>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(inputs: &Inputs<'a>) -> Self {
        let Inputs { desired, options, .. } = *inputs;
        let targeted = (!options.targets.is_empty()).then(|| {
            let matched = desired.wanted.keys().filter(|address| any(&options.targets, address));
            with_dependencies(desired, matched.cloned().collect())
        });
        let pods = desired.out_of_scope.iter().filter(|address| address.is_pod());
        Self { desired, options, deselected: pods.map(Address::key).collect(), targeted }
    }

    /// Tells whether an address is compared, changed and removed by this plan.
    ///
    /// A replica that the spec no longer counts is out of scope with its pod, or shrinking a deselected pod would
    /// remove replicas of it.
    pub(super) fn contains(&self, address: &Address) -> bool {
        let deselected = self.desired.out_of_scope.contains(address)
            || address.is_pod() && self.deselected.contains(address.key());
        let targeted = match &self.targeted {
            None => true,
            Some(targeted) => targeted.contains(address) || any(&self.options.targets, address),
        };
        !deselected && targeted && !any(&self.options.excludes, address)
    }

    /// Returns how many addresses of the spec were deselected.
    pub(super) fn deselected(&self) -> usize {
        let by_options = self.desired.wanted.keys().filter(|address| !self.contains(address)).count();
        by_options + self.desired.out_of_scope.len()
    }
}

fn any(patterns: &[Pattern], address: &Address) -> bool {
    patterns.iter().any(|pattern| pattern.matches(address))
}

/// A targeted pod without its volume could not be created, so targets bring what they depend on.
fn with_dependencies(desired: &Desired, targets: BTreeSet<Address>) -> BTreeSet<Address> {
    let mut found = targets.clone();
    let mut open: Vec<Address> = targets.into_iter().collect();
    while let Some(address) = open.pop() {
        let Some(Wanted::Pod(pod)) = desired.wanted.get(&address) else { continue };
        for dependency in dependencies(pod) {
            if found.insert(dependency.clone()) {
                open.push(dependency);
            }
        }
    }
    found
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
