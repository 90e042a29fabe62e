//! Makes text from outside safe to print: nothing in it can move the cursor, hide characters or break a line.

use std::borrow::Cow;
use std::fmt::{self, Write};

use crate::model::text::{Spelled, is_invisible, is_plain};

/// The longest value that is printed on one line; what is longer is cut, and the cut is said.
pub const LINE_LIMIT: usize = 2_000;

/// Text on one line: control characters, escape sequences and invisible characters are spelled out.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a> {
    text: &'a str,
    limit: usize,
}

/// Returns the text with everything invisible spelled out, cut at [`LINE_LIMIT`] characters.
pub fn visible(text: &str) -> Visible<'_> {
    Visible { text, limit: LINE_LIMIT }
}

/// Returns the text with everything invisible spelled out, cut at this many characters.
pub fn visible_to(text: &str, limit: usize) -> Visible<'_> {
    Visible { text, limit }
}

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, limit } = *self;
        if text.len() <= limit && is_plain(text) {
            return f.write_str(text);
        }
        for c in text.chars().take(limit) {
            Spelled(c).fmt(f)?;
        }
        write_cut(f, text, limit)
    }
}

/// Text in double quotes, as unambiguous as a string literal.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars().take(LINE_LIMIT) {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                c => Spelled(c).fmt(f)?,
            }
        }
        f.write_char('"')?;
        write_cut(f, self.0, LINE_LIMIT)
    }
}

/// Returns JSON with what cannot be seen in its texts as `\u` escapes, so that it can be shown and still means the same.
///
/// Between texts JSON has no other character beyond ASCII than line breaks, so the whole document is gone through. The
/// runners of CI systems obey commands that begin with `##` and a bracket anywhere in a line, and there is no reader of
/// JSON to whom an escaped `#` is not the same.
pub fn in_json(json: &str) -> Cow<'_, str> {
    if json.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) && !json.contains("##") {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 64);
    let mut previous = None;
    for c in json.chars() {
        match c {
            '\n' => out.push(c),
            '#' if previous == Some('#') => out.push_str("\\u0023"),
            c if is_invisible(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
        previous = Some(c);
    }
    Cow::Owned(out)
}

fn write_cut(f: &mut fmt::Formatter<'_>, text: &str, limit: usize) -> fmt::Result {
    // Counting all characters of a long text twice is avoided: most texts have fewer bytes than the limit.
    if text.len() <= limit {
        return Ok(());
    }
    match text.chars().count().saturating_sub(limit) {
        0 => Ok(()),
        rest => write!(f, "... ({rest} more characters)"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_means_the_same_with_everything_in_it_visible() {
        let hostile = "a\u{7f}\u{9b}2J\u{202e}\u{2028}\u{e0041}\u{10fffd} ##[x] ###vso[y] ü";
        for json in [serde_json::json!({ hostile: [hostile] }), serde_json::json!({ "plain": 1 })] {
            for text in [json.to_string(), format!("{json:#}")] {
                let shown = in_json(&text);
                assert!(shown.chars().all(|c| c == '\n' || !is_invisible(c)), "{shown}");
                assert!(!shown.contains("##"), "{shown}");
                assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json);
            }
        }
    }

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        let hostile = "a\u{1b}[31mred\u{7}\nb\tc\r\u{202e}evil\u{200b}\u{9b}2J\u{e0041}";
        assert_eq!(
            visible(hostile).to_string(),
            r"a\u{1b}[31mred\u{7}\nb\tc\r\u{202e}evil\u{200b}\u{9b}2J\u{e0041}"
        );
        assert_eq!(Quoted("say \"hi\" \\ \u{0}").to_string(), r#""say \"hi\" \\ \u{0}""#);
    }

    #[test]
    fn long_text_is_cut_and_the_cut_is_said() {
        assert_eq!(visible_to("abcdef", 4).to_string(), "abcd... (2 more characters)");
        assert_eq!(visible_to("äöüß", 4).to_string(), "äöüß");
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(11),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn nothing_invisible_gets_out(text in "\\PC*|[\\x00-\\xa0\u{202a}-\u{202e}]*") {
            prop_assert!(!visible(&text).to_string().chars().any(is_invisible));
            prop_assert!(!Quoted(&text).to_string().chars().any(is_invisible));
        }
    }
}
