//! Which addresses a plan is about: profiles, targets and exclusions.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Tells whether the pattern is about this address. For many patterns see [`Patterns`].
    pub(super) fn matches(&self, address: &Address) -> bool {
        let printed = address.to_string();
        self.is_about(&printed, address.is_pod())
    }

    fn is_about(&self, printed: &str, is_pod: bool) -> bool {
        let Self(text) = self;
        let without_replica = printed.split('[').next().unwrap_or_default();
        glob(text.as_bytes(), printed.as_bytes())
            || is_pod && glob(text.as_bytes(), without_replica.as_bytes())
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

/// Patterns in the order in which they were given, found by how they begin: only those are tried on an address whose
/// text up to the first wildcard it begins with. So a name for each of many pods costs a look-up each.
pub(super) struct Patterns<'a> {
    given: &'a [Pattern],
    /// The first of each text, by what stands before its first wildcard.
    by_beginning: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Patterns<'a> {
    pub(super) fn new(given: &'a [Pattern]) -> Self {
        let mut firsts: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, Pattern(text)) in given.iter().enumerate() {
            firsts.entry(text).or_insert(number);
        }
        let mut by_beginning: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (text, number) in firsts {
            let beginning = text.find(['*', '?']).map_or(text, |end| &text[..end]);
            by_beginning.entry(beginning).or_default().push(number);
        }
        Self { given, by_beginning }
    }

    /// Returns the patterns that are about an address, by the text of each once; in no order.
    pub(super) fn about(&self, address: &Address) -> Vec<&'a Pattern> {
        self.numbers(address).into_iter().map(|number| &self.given[number]).collect()
    }

    /// Returns those of these patterns that are about none of these addresses, in order.
    pub(super) fn about_none<'b>(
        &self,
        addresses: impl IntoIterator<Item = &'b Address>,
    ) -> Vec<&'a Pattern> {
        let mut used: BTreeSet<&Pattern> = BTreeSet::new();
        // Once all are used, as when there are none, nothing more can change.
        let all: usize = self.by_beginning.values().map(Vec::len).sum();
        for address in addresses {
            if used.len() == all {
                break;
            }
            used.extend(self.about(address));
        }
        self.given.iter().filter(|pattern| !used.contains(pattern)).collect()
    }

    fn numbers(&self, address: &Address) -> Vec<usize> {
        if self.given.is_empty() {
            return Vec::new();
        }
        let printed = address.to_string();
        let is_about = |number: &usize| self.given[*number].is_about(&printed, address.is_pod());
        let beginnings = (0..=printed.len()).filter_map(|end| printed.get(..end));
        let tried = beginnings.filter_map(|beginning| self.by_beginning.get(beginning)).flatten();
        tried.copied().filter(is_about).collect()
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
    targets: Patterns<'a>,
    excludes: Patterns<'a>,
    /// The keys of pods that no chosen profile selects.
    deselected: BTreeSet<&'a Key>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(inputs: &Inputs<'a>, renamed: &'a Renamed<'a>) -> Self {
        let Inputs { desired, options, .. } = *inputs;
        let covers_all = options.destroy && options.whatever_profile;
        let pods = desired.out_of_scope.keys().filter(|address| address.is_pod() && !covers_all);
        Self {
            desired,
            options,
            renamed,
            targets: Patterns::new(&options.targets),
            excludes: Patterns::new(&options.excludes),
            deselected: pods.map(Address::key).collect(),
        }
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
        self.first(&self.targets, address).is_some()
    }

    /// Returns the first pattern that excludes an address.
    pub(super) fn excluded_by(&self, address: &Address) -> Option<&'a Pattern> {
        self.first(&self.excludes, address)
    }

    /// Tells whether an address stands in the spec and no chosen profile selects it.
    ///
    /// A replica that the spec no longer counts is out of scope with its pod, or shrinking a deselected pod would
    /// remove replicas of it.
    pub(super) fn is_deselected(&self, address: &Address) -> bool {
        address.is_pod() && self.deselected.contains(address.key())
    }

    /// Returns how many addresses this plan leaves alone: of the spec and of the state, or of the state only when all is
    /// destroyed.
    pub(super) fn left_out(&self, drafts: &Drafts<'_>) -> usize {
        let recorded = self.renamed.objects.keys();
        if self.options.destroy {
            return recorded.filter(|address| !drafts.contains_key(address)).count();
        }
        let Desired { wanted, out_of_scope, .. } = self.desired;
        let all: BTreeSet<&Address> = wanted.keys().chain(out_of_scope.keys()).chain(recorded).collect();
        all.into_iter().filter(|address| !drafts.contains_key(*address)).count()
    }

    /// Returns the targets that bring nothing into the plan.
    pub(super) fn empty_targets(&self, drafts: &Drafts<'_>) -> Vec<&'a Pattern> {
        let names = drafts.keys().flat_map(|address| [Some(*address), self.renamed.moves.get(*address)]);
        self.targets.about_none(names.flatten())
    }

    /// Returns the targets that name an address as it is.
    pub(super) fn targets_of(&self, address: &Address) -> Vec<&'a Pattern> {
        self.targets.about(address)
    }

    /// An object that is renamed is found by its old address as well.
    fn first(&self, patterns: &Patterns<'a>, address: &Address) -> Option<&'a Pattern> {
        let names = [Some(address), self.renamed.moves.get(address)];
        let first = names.into_iter().flatten().flat_map(|name| patterns.numbers(name)).min()?;
        patterns.given.get(first)
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
            let patterns = [pattern.parse().unwrap()];
            let address = address.parse().unwrap();
            assert_eq!(
                !Patterns::new(&patterns).about(&address).is_empty(),
                expected,
                "{pattern} on {address}"
            );
        }
    }

    #[test]
    fn the_first_of_many_patterns_decides_and_each_that_is_about_nothing_is_found() {
        let given: Vec<Pattern> = ["web", "llm[1]", "l*", "l*", "llm", "*m*", "llmx", "volume.?", "llm", ""]
            .map(|text| text.parse().unwrap())
            .into();
        let patterns = Patterns::new(&given);
        let about = |address: &str| {
            let numbers = patterns.numbers(&address.parse().unwrap());
            let mut texts: Vec<usize> = numbers;
            texts.sort_unstable();
            texts
        };
        assert_eq!(about("llm[1]"), [1, 2, 4, 5]);
        assert_eq!(about("llm[2]"), [2, 4, 5]);
        assert_eq!(about("volume.m"), [5, 7]);
        assert_eq!(about("other"), [0_usize; 0]);
        let addresses: Vec<Address> = ["llm[1]", "volume.m"].map(|text| text.parse().unwrap()).into();
        let unused: Vec<String> = patterns.about_none(&addresses).iter().map(ToString::to_string).collect();
        assert_eq!(unused, ["web", "llmx", ""]);
    }
}
