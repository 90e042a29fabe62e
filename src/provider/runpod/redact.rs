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

mod needles;
mod spelling;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use needles::{Needles, hide};

use crate::model::secret::Secret;
use crate::model::sensitive;

/// What stands in place of a value.
const SHOWN: &str = "(hidden)";
/// The longest explanation that is passed on, in characters.
const LENGTH: usize = 300;
/// More of an explanation than this is not looked at: what is shown of it is far shorter.
const LOOKED_AT: usize = 16 << 10;
/// Of the values that the account shows and nobody declared, shorter ones are words.
const LEAST_SEEN: usize = 6;

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
        // Collected apart, as a set is made from many at once faster than it takes them in.
        known.open.append(&mut open.into_iter().collect());
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
        self.0.borrow_mut().listed.clear();
        self.see_more(values);
    }

    /// Hides the values of a further page of the listing too.
    pub(super) fn see_more<'a>(&self, values: impl IntoIterator<Item = &'a Secret<String>>) {
        let mut known = self.0.borrow_mut();
        let values = values.into_iter().filter(|value| is_worth_hiding(value));
        known.listed.extend(values.map(|value| value.expose().clone()));
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
