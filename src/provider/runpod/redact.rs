//! What no text of the API may show, and how it is taken out.
//!
//! A server quotes what it was sent and what it has: `decode env {"TOKEN":"sk-..."} failed`, in the answer to a read as
//! well as to a write. So the client is told all secret values of the run, learns those of the environments that it
//! reads, and looks for each in every text that leaves it, however it is spelled: as it is, escaped for JSON or for a
//! shell (once or more often), percent-encoded, as HTML entities, over several lines, cut off, in hexadecimal or Base64.
//! What it was never told is recognised by its form.
//!
//! A value is found by walking the text and all values at once, sorted, so that the time does not grow with their number.
//! Values of up to three characters are hidden only where they stand alone, as they are in many words by chance.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use crate::model::secret::Secret;
use crate::model::sensitive;

/// What stands in place of a value.
const SHOWN: &str = "(hidden)";
/// The longest explanation that is passed on, in characters.
const LENGTH: usize = 300;
/// More of an explanation than this is not looked at: what is shown of it is far shorter.
const LOOKED_AT: usize = 16 << 10;
/// Values of fewer characters are hidden only where they stand alone.
const LEAST_ANYWHERE: usize = 4;
/// Values of fewer bytes are not looked for in Base64, where a few signs mean nothing.
const LEAST_ENCODED: usize = 6;
/// Of the values that the account shows and nobody declared, shorter ones are words.
const LEAST_SEEN: usize = 6;
/// Wrapped lines are indented by no more than this.
const MOST_BLANKS: usize = 64;
/// How long a search may be, beside what the length of the text allows.
const STEPS: usize = 100_000;
/// More backslashes in a row are no quoting: each layer doubles them.
const MOST_BACKSLASHES: usize = 16;
/// So many times a text is taken to be encoded one over the other.
const MOST_LAYERS: usize = 4;
/// How much of a value must be there for its beginning to be hidden; and half of it.
const LEAST_BEGINNING: usize = 8;

/// The values that no text may show: the key, the secrets of the run, and the environments that were sent or read.
struct Known {
    /// The key, and what was declared a secret.
    secrets: BTreeSet<String>,
    /// What the spec holds in the clear, so that hiding it would only make errors useless.
    open: BTreeSet<String>,
    /// Sent in an environment, or read with a single pod.
    met: BTreeSet<Rc<str>>,
    /// Read with the last listing. Each replaces the one before: a run lists many times.
    listed: Vec<String>,
    /// Ready to be looked for; most runs never need it.
    needles: Sought,
}

/// What is looked for, each part made when a text first asks for it.
#[derive(Default)]
struct Sought {
    secrets: Option<Needles>,
    listed: Option<Needles>,
    met: Growing,
}

/// Needles that grow with each request. Small groups are joined to larger ones, as a counter carries its digits: so each
/// value is sorted in as often as the number of all has digits, and not once for each request that is refused.
#[derive(Default)]
struct Growing {
    /// The largest first, each more than the next one.
    groups: Vec<Needles>,
    /// What belongs to no group yet.
    fresh: Vec<Rc<str>>,
}

/// Takes known values out of texts; whoever holds one sees what becomes known later too.
#[derive(Clone)]
pub(super) struct Redactor(Rc<RefCell<Known>>);

impl Redactor {
    /// Hides one value, the key.
    pub(super) fn new(key: &Secret<String>) -> Self {
        Self(Rc::new(RefCell::new(Known {
            secrets: BTreeSet::from([key.expose().clone()]),
            open: BTreeSet::new(),
            met: BTreeSet::new(),
            listed: Vec::new(),
            needles: Sought::default(),
        })))
    }

    /// Hides secrets from here on, and leaves open values readable that are none of them.
    pub(super) fn tell<'a>(
        &self,
        secrets: impl IntoIterator<Item = &'a Secret<String>>,
        open: impl IntoIterator<Item = String>,
    ) {
        let mut known = self.0.borrow_mut();
        known.secrets.extend(secrets.into_iter().map(|value| value.expose().clone()));
        known.open.extend(open);
        let met = Growing { groups: Vec::new(), fresh: known.met.iter().cloned().collect() };
        known.needles = Sought { secrets: None, listed: None, met };
    }

    /// Hides the values of an environment that is sent.
    pub(super) fn send(&self, values: &[Secret<String>]) {
        self.meet(values);
    }

    /// Hides the values of an environment that was read by itself.
    pub(super) fn see<'a>(&self, values: impl IntoIterator<Item = &'a Secret<String>>) {
        self.meet(values.into_iter().filter(|value| is_worth_hiding(value)));
    }

    fn meet<'a>(&self, values: impl IntoIterator<Item = &'a Secret<String>>) {
        let mut known = self.0.borrow_mut();
        for value in values {
            if !known.met.contains(value.expose().as_str()) {
                let value: Rc<str> = value.expose().as_str().into();
                known.met.insert(Rc::clone(&value));
                known.needles.met.fresh.push(value);
            }
        }
    }

    /// Hides the values of the environments of a listing, in place of those of the one before.
    pub(super) fn see_listing<'a>(&self, values: impl IntoIterator<Item = &'a Secret<String>>) {
        let mut known = self.0.borrow_mut();
        let values = values.into_iter().filter(|value| is_worth_hiding(value));
        known.listed = values.map(|value| value.expose().clone()).collect();
        known.needles.listed = None;
    }

    /// Returns a text in one bounded line without what is hidden.
    pub(super) fn line(&self, text: &str) -> String {
        let end = (0..=LOOKED_AT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let text = self.text(&text[..end]);
        let text = without(&text, &sensitive::value_ranges(&text));
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(LENGTH) {
            None => line,
            Some((end, _)) => format!("{}...", &line[..end]),
        }
    }

    /// Returns a text without the known values, and otherwise as it is.
    pub(super) fn text(&self, text: &str) -> String {
        let mut known = self.0.borrow_mut();
        let Known { secrets, open, met: _, listed, needles } = &mut *known;
        let is_hidden = |value: &&str| !open.contains(*value);
        needles.met.settle(is_hidden);
        let secrets = needles.secrets.get_or_insert_with(|| Needles::of_secrets(secrets));
        let listed = listed.iter().map(String::as_str).filter(is_hidden);
        let listed = needles.listed.get_or_insert_with(|| Needles::of(listed));
        let groups: Vec<&Needles> = [&*secrets, &*listed].into_iter().chain(&needles.met.groups).collect();
        hide(text, &groups)
    }
}

impl Growing {
    /// Gives what is fresh a group.
    fn settle(&mut self, is_hidden: impl Fn(&&str) -> bool) {
        if self.fresh.is_empty() {
            return;
        }
        let fresh = std::mem::take(&mut self.fresh);
        let mut last = Needles::of(fresh.iter().map(|value| &**value).filter(is_hidden));
        while let Some(before) = self.groups.pop_if(|before| before.0.len() <= last.0.len()) {
            last = last.with(before);
        }
        if !last.0.is_empty() {
            self.groups.push(last);
        }
    }
}

/// Tells whether a value of an environment that nobody declared may be a secret rather than a setting.
fn is_worth_hiding(value: &Secret<String>) -> bool {
    value.expose().len() >= LEAST_SEEN && !sensitive::is_setting(value.expose())
}

/// Replaces ranges of a text, which are in order or lie in each other.
fn without(text: &str, ranges: &[Range<usize>]) -> String {
    let mut ranges = ranges.to_vec();
    ranges.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for range in ranges {
        if range.start >= end {
            out.push_str(&text[end..range.start]);
            out.push_str(SHOWN);
        }
        end = end.max(range.end);
    }
    out + &text[end..]
}

/// Values in the order of their characters, so that those with a common beginning are next to each other.
struct Needles(Vec<Vec<char>>);

/// Returns a text without the values of these groups.
fn hide(text: &str, groups: &[&Needles]) -> String {
    let text: Vec<char> = text.chars().collect();
    // A server cannot make the search long: what is too much to look through is not shown.
    let mut steps = STEPS + (16 + groups.len()) * text.len();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match groups.iter().filter_map(|group| group.longest(&text, at, &mut steps)).max() {
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
    fn of_secrets(secrets: &BTreeSet<String>) -> Self {
        let encoded = secrets.iter().filter(|value| value.len() >= LEAST_ENCODED);
        let encoded = encoded.flat_map(|value| in_base64(value.as_bytes()));
        Self::sorted(secrets.iter().flat_map(|value| parts(value)).chain(encoded))
    }

    fn of<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        Self::sorted(values.flat_map(parts))
    }

    fn sorted(texts: impl Iterator<Item = String>) -> Self {
        let texts: BTreeSet<String> = texts.collect();
        Self(texts.iter().map(|text| text.chars().collect()).collect())
    }

    /// Joins two groups: sorting takes what is in order already as it is.
    fn with(mut self, mut other: Self) -> Self {
        self.0.append(&mut other.0);
        self.0.sort();
        self.0.dedup();
        self
    }

    /// Returns where the longest value ends that begins at a place, in whichever spelling.
    fn longest(&self, text: &[char], at: usize, steps: &mut usize) -> Option<usize> {
        let mut longest = None;
        if self.0.is_empty() {
            return longest;
        }
        let mut spellings = Vec::new();
        let mut open = vec![(at, 0..self.0.len(), 0)];
        while let Some((place, values, depth)) = open.pop() {
            *steps = steps.saturating_sub(1);
            if *steps == 0 {
                return None;
            }
            let is_whole = depth > 0 && self.0[values.start].len() == depth;
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
            for (c, next) in &spellings {
                let within = &self.0[values.clone()];
                let start = within.partition_point(|value| value.get(depth) < Some(c));
                let end = within.partition_point(|value| value.get(depth) <= Some(c));
                if start < end {
                    open.push((*next, values.start + start..values.start + end, depth + 1));
                }
            }
            if depth >= LEAST_ANYWHERE {
                open.extend(line_breaks(text, place).map(|next| (next, values.clone(), depth)));
            }
        }
        longest
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

/// Returns a value in Base64, wherever in the encoded text it stands.
fn in_base64(value: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for before in 0..3 {
        let inner = base64_core(value, before);
        // In the alphabet for URLs.
        all.push(inner.replace('+', "-").replace('/', "_"));
        all.push(inner);
    }
    all
}

/// Returns the signs of Base64 that depend on the value alone, with so many other bytes before it.
fn base64_core(value: &[u8], before: usize) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |index: usize| {
        let byte = (index / 8).checked_sub(before).and_then(|at| value.get(at))?;
        Some((byte >> (7 - index % 8)) & 1)
    };
    let signs = (before * 8).div_ceil(6)..(before + value.len()) * 8 / 6;
    let sign = |number: usize| {
        let bits = (0..6).map(|offset| bit(number * 6 + offset).unwrap_or(0));
        char::from(SIGNS[usize::from(bits.fold(0, |sum, bit| sum << 1 | bit))])
    };
    signs.map(sign).collect()
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

/// Returns what a place in a text can stand for, each with the place behind it.
fn spell(text: &[char], at: usize, found: &mut Vec<(char, usize)>) {
    spell_unescaped(text, at, found);
    if let Some(end) = backslash(text, at) {
        spell_escape(text, at, end, found);
    }
}

/// Reads a character as it is, or encoded in any way but with backslashes.
fn spell_unescaped(text: &[char], at: usize, found: &mut Vec<(char, usize)>) {
    let c = text[at];
    found.push((c, at + 1));
    match c {
        '%' => spell_percent(text, at, found),
        '+' => found.push((' ', at + 1)),
        '&' => spell_entity(text, at, found),
        c if c.is_ascii_hexdigit() => {
            let byte = |place: usize| Some((number(text.get(place..place + 2)?, 16)?, place + 2));
            found.extend(utf8(at, byte));
        }
        _ => {}
    }
}

/// Returns the place behind a backslash, which may be encoded itself.
fn backslash(text: &[char], at: usize) -> Option<usize> {
    if !matches!(text.get(at)?, '\\' | '%' | '&') {
        return None;
    }
    let mut found = Vec::new();
    spell_unescaped(text, at, &mut found);
    found.iter().find(|(c, _)| *c == '\\').map(|(_, next)| *next)
}

/// Reads an escape of JSON, of a shell or of a language, whose first backslash ends at `end`; each layer of quoting
/// doubles the backslashes.
fn spell_escape(text: &[char], at: usize, end: usize, found: &mut Vec<(char, usize)>) {
    let ends: Vec<usize> =
        std::iter::successors(Some(end), |end| backslash(text, *end)).take(MOST_BACKSLASHES).collect();
    found.extend([2, 4, 8].iter().filter_map(|count| ends.get(count - 1)).map(|end| ('\\', *end)));
    let run = ends.len();
    let after = *ends.last().unwrap_or(&end);
    let control = |c: char| match c {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        '0' => Some('\0'),
        c => Some(c).filter(|c| !c.is_alphanumeric()),
    };
    match text.get(after) {
        None => {}
        Some('u') if text.get(after + 1) == Some(&'{') => {
            let length = text[after + 2..].iter().take(6).take_while(|c| c.is_ascii_hexdigit()).count();
            let end = after + 2 + length;
            if text.get(end) == Some(&'}')
                && let Some(c) = number(&text[after + 2..end], 16).and_then(char::from_u32)
            {
                found.push((c, end + 1));
            }
        }
        Some('u') => found.extend(utf16(text, after, run)),
        Some('x') => {
            let unit = |place: usize| {
                let digits = text.get(place..place + run + 3)?;
                let is_escape = digits[..run].iter().all(|c| *c == '\\') && digits[run] == 'x';
                is_escape
                    .then(|| number(&digits[run + 1..], 16))
                    .flatten()
                    .map(|byte| (byte, place + run + 3))
            };
            found.extend(utf8(at, unit));
        }
        Some(_) => {
            let mut escaped = Vec::new();
            spell_unescaped(text, after, &mut escaped);
            found.extend(escaped.into_iter().filter_map(|(c, next)| Some((control(c)?, next))));
        }
    }
}

/// Reads `\u0022`, or two of them that are one character; `at` is the `u` behind so many backslashes.
fn utf16(text: &[char], at: usize, run: usize) -> Option<(char, usize)> {
    let unit = |place: usize| {
        let digits = text.get(place + 1..place + 5).filter(|_| text.get(place) == Some(&'u'))?;
        u16::try_from(number(digits, 16)?).ok()
    };
    let first = unit(at)?;
    let second = unit(at + 5 + run);
    let (units, end) = match second {
        Some(second) if (0xd800..0xdc00).contains(&first) => (vec![first, second], at + 10 + run),
        Some(_) | None => (vec![first], at + 5),
    };
    char::decode_utf16(units).next()?.ok().map(|c| (c, end))
}

/// Reads `%22`, as well as `%2522`, which was encoded twice: each `25` behind the sign may be a layer or itself.
fn spell_percent(text: &[char], at: usize, found: &mut Vec<(char, usize)>) {
    let digits = |place: usize| number(text.get(place..place + 2)?, 16);
    let layers = |place: usize| {
        let is_layer = |layer: &usize| digits(place + 1 + 2 * layer) == Some(0x25);
        (0..MOST_LAYERS).take_while(is_layer).count()
    };
    let byte = |place: usize, layer: usize| {
        let start = place + 1 + 2 * layer;
        digits(start).filter(|_| text.get(place) == Some(&'%')).map(|byte| (byte, start + 2))
    };
    for layer in 0..=layers(at) {
        found.extend(utf8(at, |place| byte(place, layer)));
    }
}

/// Reads the bytes of one character; `unit` reads one byte and tells where the next begins.
fn utf8(at: usize, unit: impl Fn(usize) -> Option<(u32, usize)>) -> Option<(char, usize)> {
    let mut bytes = Vec::new();
    let mut place = at;
    while bytes.len() < 4 {
        let (byte, next) = unit(place)?;
        bytes.push(u8::try_from(byte).ok()?);
        place = next;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            return text.chars().next().map(|c| (c, place));
        }
    }
    None
}

/// Reads `&quot;`, `&#34;` or `&#x22;`, as well as `&amp;quot;`, which was escaped twice: each `amp;` may be a layer or the
/// sign itself.
fn spell_entity(text: &[char], at: usize, found: &mut Vec<(char, usize)>) {
    let layers =
        (0..MOST_LAYERS).take_while(|layer| text[at + 1 + 4 * layer..].starts_with(&['a', 'm', 'p', ';']));
    let starts = 0..=layers.count();
    found.extend(starts.filter_map(|layer| entity(text, at + 1 + 4 * layer)));
}

/// Reads the name or number of an entity and its semicolon.
fn entity(text: &[char], start: usize) -> Option<(char, usize)> {
    const LONGEST: usize = 8;
    let length = text.get(start..)?.iter().take(LONGEST).position(|c| *c == ';')?;
    let c = match &text[start..start + length] {
        ['#', 'x' | 'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        ['#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        name => match name.iter().collect::<String>().as_str() {
            "quot" => '"',
            "apos" => '\'',
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "nbsp" => '\u{a0}',
            "Tab" => '\t',
            "NewLine" => '\n',
            _ => return None,
        },
    };
    Some((c, start + length + 1))
}

/// Returns where a text may go on after a line break, written or escaped, that somebody wrapped it with: blanks behind
/// it may indent the line, or be its own.
fn line_breaks(text: &[char], at: usize) -> Range<usize> {
    let end = match text[at] {
        '\n' | '\r' => at + 1,
        _ => {
            let ends = std::iter::successors(backslash(text, at), |end| backslash(text, *end));
            let end = ends.take(MOST_BACKSLASHES).last();
            match end.filter(|end| matches!(text.get(*end), Some('n' | 'r'))) {
                Some(end) => end + 1,
                None => return at..at,
            }
        }
    };
    let blank = |c: &&char| matches!(c, '\n' | '\r' | ' ' | '\t');
    let blanks = text[end..].iter().take(MOST_BLANKS).take_while(blank).count();
    end..end + blanks + 1
}

fn number(digits: &[char], radix: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, c| sum.checked_mul(radix)?.checked_add(c.to_digit(radix)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redactor(values: &[&str]) -> Redactor {
        let redactor = Redactor::new(&Secret::new("rpa_key".to_owned()));
        let secrets: Vec<_> = values.iter().map(|value| Secret::new((*value).to_owned())).collect();
        redactor.tell(&secrets, []);
        redactor
    }

    const AWKWARD: &str = "p\"a\\s/s&w<o>r'd %41+ü🙂\tend";

    /// Returns the awkward value in every spelling that a server was seen to use, and some more.
    fn spellings(value: &str) -> Vec<(&'static str, String)> {
        let json = |text: &str| {
            let quoted = serde_json::to_string(text).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        };
        let ascii = |text: &str, upper: bool| {
            text.chars()
                .flat_map(|c| {
                    let mut units = [0; 2];
                    let units = c.encode_utf16(&mut units).to_vec();
                    units.into_iter().map(move |unit| match (c, upper) {
                        ('a'..='z' | ' ', _) => c.to_string(),
                        (_, false) => format!("\\u{unit:04x}"),
                        (_, true) => format!("\\u{unit:04X}"),
                    })
                })
                .collect::<String>()
        };
        let percent = |text: &str, upper: bool, all: bool| {
            text.bytes()
                .map(|byte| match (byte, upper) {
                    (b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9', _) if !all => char::from(byte).to_string(),
                    (_, true) => format!("%{byte:02X}"),
                    (_, false) => format!("%{byte:02x}"),
                })
                .collect::<String>()
        };
        let html = |text: &str| {
            text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
        };
        let rust = |text: &str| {
            let quoted = format!("{text:?}");
            quoted[1..quoted.len() - 1].to_owned()
        };
        let bytes = |text: &str| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
        let wrapped = |text: &str, at: usize| {
            let end = text.char_indices().nth(at).unwrap().0;
            [&text[..end], "\r\n  ", &text[end..]].concat()
        };
        vec![
            ("as it is", value.to_owned()),
            ("JSON", json(value)),
            ("JSON in JSON", json(&json(value))),
            ("JSON in JSON in JSON", json(&json(&json(value)))),
            (
                "JSON of Go",
                json(value).replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"),
            ),
            ("JSON of PHP", json(value).replace('/', "\\/")),
            ("ASCII JSON", ascii(value, false)),
            ("ASCII JSON in capitals", ascii(value, true)),
            ("percent", percent(value, true, false)),
            ("percent in small letters", percent(value, false, false)),
            ("percent, every byte", percent(value, true, true)),
            ("percent twice", percent(&percent(value, true, false), true, false)),
            ("a form", percent(value, true, false).replace("%20", "+")),
            ("HTML", html(value)),
            ("HTML with numbers", html(value).replace('\'', "&#39;").replace("&quot;", "&#x22;")),
            ("HTML twice", html(&html(value))),
            ("JSON in HTML", html(&json(value))),
            ("JSON in a URL", percent(&json(value), true, false)),
            ("Rust", rust(value)),
            ("bytes", bytes(value)),
            ("wrapped", wrapped(value, 5)),
            ("wrapped in JSON", json(&wrapped(value, 5))),
            ("hexadecimal", bytes(value).replace("\\x", "")),
            ("hexadecimal in capitals", bytes(value).replace("\\x", "").to_uppercase()),
            ("in capitals around", format!("TOKEN={value};")),
        ]
    }

    #[test]
    fn a_value_is_hidden_in_every_spelling() {
        let redactor = redactor(&[AWKWARD]);
        for (name, spelled) in spellings(AWKWARD) {
            let line = redactor.line(&format!("got {spelled}, sorry"));
            assert!(line.contains(SHOWN), "{name}: {line}");
            for trace in ["w<o", "s/s", "end", "r'd", "656e64", "656E64"] {
                assert!(!line.replace("sorry", "").contains(trace), "{name}: {line}");
            }
        }
    }

    #[test]
    fn a_value_is_hidden_in_base64_wherever_it_stands() {
        let redactor = redactor(&["hunter2-hunter2"]);
        // Made with `base64`: the value behind one, two and three other bytes, and before others.
        for (encoded, shown) in [
            ("aHVudGVyMi1odW50ZXIy", "(hidden)"),
            ("OmhpZGRlbg== eGh1bnRlcjItaHVudGVyMg==", "OmhpZGRlbg== eG(hidden)g=="),
            ("eHlodW50ZXIyLWh1bnRlcjI=", "eHl(hidden)I="),
            ("dXNlcjpodW50ZXIyLWh1bnRlcjI6eHl6", "dXNlcjp(hidden)I6eHl6"),
        ] {
            assert_eq!(redactor.text(encoded), shown);
        }
    }

    #[test]
    fn values_hide_with_what_is_around_them_left() {
        let redactor = redactor(&["hunter2", "two\nlines-of-a-key", "q\"uote", "ab", "", " padded-value\n"]);
        let text = "got hunter2, {\"K\":\"q\\\"uote\"}, lines-of-a-key, padded-value, ab but cab\u{7}\r\nend";
        assert_eq!(
            redactor.line(text),
            "got (hidden), {\"K\":\"(hidden)\"}, (hidden), (hidden), (hidden) but cab end"
        );
    }

    #[test]
    fn the_beginning_of_a_value_is_hidden_where_it_was_cut() {
        let redactor = redactor(&["abcdefghijklmnop"]);
        for (text, shown) in [
            ("token abcdefghij... is wrong", "token (hidden)... is wrong"),
            ("token \"abcdefgh\"", "token \"(hidden)\""),
            ("token abcdefghijklm", "token (hidden)"),
            ("token abcdefg... is wrong", "token abcdefg... is wrong"),
            ("abcdefghi is a word", "abcdefghi is a word"),
        ] {
            assert_eq!(redactor.text(text), shown);
        }
    }

    #[test]
    fn what_nobody_declared_is_known_by_where_it_was_read_or_by_its_form() {
        let redactor = redactor(&[]);
        let secret = |text: &str| Secret::new(text.to_owned());
        redactor.tell(&[], ["meta-llama/Llama-3".to_owned()]);
        let first =
            [secret("listed-once"), secret("meta-llama/Llama-3"), secret("8000"), secret("123456789")];
        redactor.see_listing(&first);
        redactor.see(&[secret("seen-alone")]);
        let text = "listed-once seen-alone meta-llama/Llama-3 8000 123456789";
        assert_eq!(redactor.line(text), "(hidden) (hidden) meta-llama/Llama-3 8000 123456789");
        redactor.see_listing(&[secret("listed-twice")]);
        assert_eq!(redactor.line("listed-once listed-twice"), "listed-once (hidden)");
        for (text, shown) in [
            (
                r#"decode env {"MY_TOKEN":"never-seen"} failed"#,
                r#"decode env {"MY_TOKEN":"(hidden)"} failed"#,
            ),
            (r#"env \"API_KEY\": \"never-seen\" failed"#, r#"env \"API_KEY\": \"(hidden)\" failed"#),
            ("DB_PASSWORD=never-seen is refused", "DB_PASSWORD=(hidden) is refused"),
            ("Bearer hf_abcdefghijklmnopqrst", "Bearer (hidden)"),
            ("at https://bot:hunter2@db/x", "at https://bot:(hidden)@db/x"),
            ("invalid token: expected a text", "invalid token: expected a text"),
        ] {
            assert_eq!(redactor.line(text), shown);
        }
    }

    #[test]
    fn explanations_are_bounded() {
        let line = redactor(&[]).line(&"ä".repeat(50_000));
        assert_eq!(line.chars().count(), 303);
    }

    /// Values and a text that are made to be confused with each other.
    #[test]
    fn a_hostile_text_is_given_up_rather_than_looked_through_for_ever() {
        let values: Vec<String> = (40..60).map(|length| "\\".repeat(length) + "x").collect();
        let redactor = redactor(&values.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(redactor.line(&"\\".repeat(16_000)), SHOWN);
    }

    #[test]
    fn many_values_do_not_make_the_search_long() {
        let values: Vec<String> = (0..20_000).map(|number| format!("value-{number:05}-of-many")).collect();
        let redactor = redactor(&values.iter().map(String::as_str).collect::<Vec<_>>());
        let line = redactor.text("value-00001-of-many and value-19999-of-many and value-20000-of-many");
        assert_eq!(line, "(hidden) and (hidden) and value-20000-of-many");
    }

    #[test]
    fn values_that_come_one_by_one_are_hidden_and_are_not_sorted_anew_for_each() {
        let redactor = redactor(&[]);
        for number in 0..5_000 {
            let value = format!("value-{number:05}-of-many");
            redactor.send(&[Secret::new(value.clone())]);
            assert_eq!(redactor.text(&format!("{value} and value-00000-of-many")), "(hidden) and (hidden)");
            let sizes: Vec<usize> =
                redactor.0.borrow().needles.met.groups.iter().map(|group| group.0.len()).collect();
            // As in a binary number: what is joined anew is at most as long as what was joined since.
            assert!(sizes.windows(2).all(|pair| pair[0] > pair[1]), "{sizes:?}");
            assert_eq!(sizes.len(), usize::try_from((number + 1_u32).count_ones()).unwrap());
        }
    }

    #[test]
    fn what_turns_out_to_be_open_is_shown_though_it_was_met() {
        let redactor = redactor(&[]);
        redactor.send(&[Secret::new("debug-level".to_owned()), Secret::new("hidden-value".to_owned())]);
        assert_eq!(redactor.text("debug-level hidden-value"), "(hidden) (hidden)");
        redactor.tell(&[], ["debug-level".to_owned()]);
        assert_eq!(redactor.text("debug-level hidden-value"), "debug-level (hidden)");
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(11),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn no_value_survives_any_spelling(value in "[ -~üλ🙂\\n\\t]{8,40}", before in "[a-z ]{0,9}") {
            prop_assume!(value.trim() == value && value.chars().collect::<BTreeSet<_>>().len() > 4);
            let redactor = redactor(&[&value]);
            for (name, spelled) in spellings(&value) {
                let shown = redactor.text(&format!("{before}{spelled}"));
                prop_assert!(shown.contains(SHOWN), "{name}: {spelled}: {shown}");
                prop_assert!(!shown.contains(&spelled), "{name}: {spelled}: {shown}");
            }
        }

        #[test]
        fn any_text_and_value_are_taken(value in "\\PC{0,12}", text in "[\\\\%&;#xu0-9a-f\"\\PC]{0,80}") {
            let _ = redactor(&[&value]).line(&text);
        }
    }
}
