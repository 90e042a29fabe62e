//! Secrets in the text of a spec: what messages hide of it.

use std::ops::Range;

use super::source::whole_characters;
use crate::model::sensitive::{is_secret_key, is_secret_value, is_setting, value_ranges};

/// Returns what to hide in a piece of a spec file that need not be valid YAML.
///
/// A snippet around a syntax error has no tree to look up, so this goes by lines: what follows a key that names a
/// secret, and every value that gives itself away.
pub(super) fn ranges_in_text(text: &str) -> Vec<Range<usize>> {
    let mut ranges = value_ranges(text);
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        for (colon, _) in line.match_indices([':', '=']) {
            let before = line[..colon].trim_end_matches(['"', '\'', ' ']);
            let key_start = before
                .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
                .map_or(0, |found| found + before[found..].chars().next().map_or(1, char::len_utf8));
            let rest = &line[colon + 1..];
            let value = scalar(rest.trim(), line[..colon].contains(['{', '[']));
            let text = value.trim_matches(['"', '\'']);
            let key = &before[key_start..];
            // `secret: NAME` is how a spec refers to a secret.
            let is_reference = matches!(key, "secret" | "secrets")
                || value.starts_with(['{', '[', '&', '*', '|', '>', '#'])
                || (text.starts_with("${") && text.ends_with('}'));
            if is_secret_key(key) && !is_reference && !is_setting(text) {
                let start = offset + colon + 1 + (rest.len() - rest.trim_start().len());
                ranges.push(start..start + value.len());
            }
        }
        offset += line.len();
    }
    ranges
}

/// Returns the scalar at the start of a text: up to its closing quote, or to what ends an unquoted one.
///
/// Without a bracket before it on its line it is taken for block style, where only a comment ends it: hiding too much
/// is better than too little.
fn scalar(text: &str, in_flow: bool) -> &str {
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '"' | '\'')) {
        let closing = text[1..].find(quote);
        return &text[..closing.map_or(text.len(), |closing| closing + 2)];
    }
    let comment = text.find(" #").unwrap_or(text.len());
    let after_variable = if text.starts_with("${") { text.find('}').map_or(0, |end| end + 1) } else { 0 };
    let flow_end = text[after_variable..].find([',', '}', ']']).filter(|_| in_flow);
    text[..flow_end.map_or(comment, |end| comment.min(after_variable + end))].trim_end()
}

/// Replaces the ranges by `***`, filled with spaces to the same number of bytes so that other places stay right.
pub(super) fn mask(text: &str, ranges: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in merged(ranges) {
        let range = whole_characters(text, range);
        for (index, byte) in bytes[range].iter_mut().enumerate() {
            if *byte != b'\n' {
                *byte = if index < 3 { b'*' } else { b' ' };
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Joins ranges that overlap or touch.
fn merged(ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut sorted = ranges.to_vec();
    sorted.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => merged.push(range),
        }
    }
    merged
}

/// How much of a value a message quotes.
const SHOWN_LENGTH: usize = 60;

/// Quotes a value in a message: shortened, without control characters, and not at all if it looks like a secret.
pub(super) fn shown(value: &str) -> String {
    if is_secret_value(value) {
        return "(secret)".to_owned();
    }
    let mut quoted = String::new();
    for character in value.chars().take(SHOWN_LENGTH) {
        match character {
            '"' | '\'' | '\\' => quoted.push(character),
            other => quoted.extend(other.escape_debug()),
        }
    }
    if value.chars().nth(SHOWN_LENGTH).is_some() {
        quoted.push_str("...");
    }
    format!("`{quoted}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_hide_secrets_without_moving_anything() {
        let masked = |text: &str| mask(text, &ranges_in_text(text));
        for (text, shown) in [
            ("env: { HF_TOKEN: abc, PORT: 1 }\n", "env: { HF_TOKEN: ***, PORT: 1 }\n"),
            ("  API_KEY: \"x,z\" # note\n", "  API_KEY: ***   # note\n"),
            ("  API_KEY: a,b}c\n", "  API_KEY: ***  \n"),
            ("env: { API_KEY: abc, B: ${X} }\n", "env: { API_KEY: ***, B: ${X} }\n"),
            ("env: { API_KEY: ${X}, B: y }\n", "env: { API_KEY: ${X}, B: y }\n"),
            ("- API_KEY=abcd\n", "- API_KEY=*** \n"),
            ("env: { KEY: { secret: hf } }\n", "env: { KEY: { secret: hf } }\n"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn quoted_values_are_short_and_printable() {
        assert_eq!(shown("a\u{1b}[31m\"b\""), "`a\\u{1b}[31m\"b\"`");
        assert_eq!(shown(&"x".repeat(80)), format!("`{}...`", "x".repeat(60)));
        assert_eq!(shown("hf_abcdefghijklmnopqrst"), "(secret)");
    }
}
