//! Values that are looked for, all at once: a walk over the text and the sorted values, of which each step may take
//! whatever the place can stand for.

use std::collections::BTreeSet;
use std::ops::Range;

use super::SHOWN;
use super::spelling::{in_base64, line_breaks, spell};

/// Values of fewer characters are hidden only where they stand alone.
const LEAST_ANYWHERE: usize = 4;
/// Values of fewer bytes are not looked for in Base64, where a few signs mean nothing.
const LEAST_ENCODED: usize = 6;
/// How long a search may be, beside what the length of the text allows.
const STEPS: usize = 100_000;
/// How much of a value must be there for its beginning to be hidden; and half of it.
const LEAST_BEGINNING: usize = 8;

/// A character that a place can stand for, and the place behind it.
type Spelled = (char, usize);

/// Values in the order of their characters, so that those with a common beginning are next to each other.
pub(super) struct Needles(pub(super) Vec<Vec<char>>);

/// Returns a text without the values of these groups.
pub(super) fn hide(text: &str, groups: &[&Needles]) -> String {
    let text: Vec<char> = text.chars().collect();
    // A server cannot make the search long: what is too much to look through is not shown.
    let mut steps = STEPS + (16 + groups.len()) * text.len();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut first = Vec::new();
    while at < text.len() {
        first.clear();
        spell(&text, at, &mut first);
        match groups.iter().filter_map(|group| group.longest(&text, (at, &first), &mut steps)).max() {
            Some(end) => {
                out.push_str(SHOWN);
                at = end;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
        if steps == 0 {
            return SHOWN.to_owned();
        }
    }
    out
}

impl Needles {
    /// Takes secrets, which are looked for in Base64 too.
    pub(super) fn of_secrets(secrets: &BTreeSet<String>) -> Self {
        let encoded = secrets.iter().filter(|value| value.len() >= LEAST_ENCODED);
        let encoded = encoded.flat_map(|value| in_base64(value.as_bytes()));
        Self::sorted(secrets.iter().flat_map(|value| parts(value)).chain(encoded))
    }

    pub(super) fn of<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        Self::sorted(values.flat_map(parts))
    }

    fn sorted(texts: impl Iterator<Item = String>) -> Self {
        let texts: BTreeSet<String> = texts.collect();
        Self(texts.iter().map(|text| text.chars().collect()).collect())
    }

    /// Joins two groups: sorting takes what is in order already as it is.
    pub(super) fn with(mut self, mut other: Self) -> Self {
        self.0.append(&mut other.0);
        self.0.sort();
        self.0.dedup();
        self
    }

    /// Returns where the longest value ends that begins at a place with what that may stand for, in whichever spelling.
    fn longest(&self, text: &[char], (at, first): (usize, &[Spelled]), steps: &mut usize) -> Option<usize> {
        let mut longest = None;
        if self.0.is_empty() {
            return longest;
        }
        *steps = steps.saturating_sub(1);
        let mut spellings = Vec::new();
        let mut open: Vec<_> = self.continued(0..self.0.len(), 0, first).collect();
        while let Some((place, values, depth)) = open.pop() {
            *steps = steps.saturating_sub(1);
            if *steps == 0 {
                return None;
            }
            let is_whole = self.0[values.start].len() == depth;
            let alone = || depth >= LEAST_ANYWHERE || stands_alone(text, at..place);
            let is_cut = || self.is_beginning(&values, depth) && is_cut_at(text, place);
            if (is_whole && alone()) || is_cut() {
                longest = longest.max(Some(place));
            }
            if place >= text.len() {
                continue;
            }
            spellings.clear();
            spell(text, place, &mut spellings);
            open.extend(self.continued(values.clone(), depth, &spellings));
            if depth >= LEAST_ANYWHERE {
                open.extend(line_breaks(text, place).map(|next| (next, values.clone(), depth)));
            }
        }
        longest
    }

    /// Returns the values that go on with what is spelled, each with the place behind it.
    fn continued(
        &self,
        values: Range<usize>,
        depth: usize,
        spelled: &[Spelled],
    ) -> impl Iterator<Item = (usize, Range<usize>, usize)> {
        spelled.iter().filter_map(move |(c, next)| {
            let start =
                values.start + self.0[values.clone()].partition_point(|value| value.get(depth) < Some(c));
            let others = &self.0[start..values.end];
            // At nearly all places no value begins.
            if others.first()?.get(depth) != Some(c) {
                return None;
            }
            let count = others.partition_point(|value| value.get(depth) == Some(c));
            Some((*next, start..start + count, depth + 1))
        })
    }

    /// Tells whether so many characters are enough of one of these values to give it away.
    fn is_beginning(&self, values: &Range<usize>, depth: usize) -> bool {
        /// Among values that begin alike the first few decide.
        const FEW: usize = 16;
        depth >= LEAST_BEGINNING
            && self.0[values.clone()].iter().take(FEW).any(|value| value.len() <= 2 * depth)
    }
}

/// Returns a value as it may be looked for: whole, without blanks around it, and each line of some length.
fn parts(value: &str) -> impl Iterator<Item = String> {
    let lines = value.lines().map(str::trim).filter(|line| line.chars().count() >= LEAST_BEGINNING);
    let parts = [value, value.trim()].into_iter().chain(lines);
    parts.filter(|part| !part.trim().is_empty()).map(str::to_owned)
}

fn stands_alone(text: &[char], range: Range<usize>) -> bool {
    let joined = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
    !joined(range.start.checked_sub(1).and_then(|before| text.get(before))) && !joined(text.get(range.end))
}

/// Tells whether a text seems to be cut off at a place.
fn is_cut_at(text: &[char], at: usize) -> bool {
    match text.get(at) {
        None | Some('…' | '"' | '\'' | '`' | '\\' | '*' | '[' | '<') => true,
        Some('.') => text[at..].starts_with(&['.', '.']),
        Some(_) => false,
    }
}
