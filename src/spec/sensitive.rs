//! What looks like a secret: the one list of patterns.
//!
//! A literal in `env:` whose key or value matches is kept out of plans, state and logs and sent all the same; the user
//! is told to move it to `secrets:`. The patterns lean towards hiding: a wrongly hidden value costs a warning, a
//! shown one costs a key.
//!
//! A **key** matches if one of its words (split at `_`, `-`, `.` and at changes from small to capital letters) is in
//! [`KEY_WORDS`], or if it ends in one of [`KEY_ENDINGS`], unless it is one of [`PUBLIC_KEYS`]. Under such a key, an
//! empty value, a number, `true` and `false` are no secrets: `MAX_TOKEN: 4096` is a setting.
//! A **value** matches if it starts with one of [`VALUE_PREFIXES`] followed by at least [`VALUE_LENGTH`] letters,
//! digits, `_` or `-`; if it holds a private key block; or if it is a URL with a password.
//! An **argument** of a command matches if its value does, or if its option is a key that matches.

use std::ops::Range;

/// Words of keys that name a secret.
pub const KEY_WORDS: &[&str] = &[
    "TOKEN",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "CREDENTIAL",
    "CREDENTIALS",
    "APIKEY",
];

/// Ends of keys that name a secret.
pub const KEY_ENDINGS: &[&str] = &[
    "API_KEY",
    "ACCESS_KEY",
    "ACCESS_KEY_ID",
    "PRIVATE_KEY",
    "SECRET_KEY",
    "SIGNING_KEY",
    "ENCRYPTION_KEY",
    "ACCOUNT_KEY",
];

/// Keys that match and are public all the same.
pub const PUBLIC_KEYS: &[&str] = &["PWD", "OLDPWD", "SSH_AUTH_SOCK", "PUBLIC_KEY"];

/// How values begin that some service issued as a secret.
pub const VALUE_PREFIXES: &[&str] = &[
    "hf_",
    "sk-",
    "sk_",
    "rk_",
    "rpa_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "r8_",
    "gsk_",
    "nvapi-",
    "pypi-",
    "npm_",
    "dckr_pat_",
    "tgp_",
    "eyJhbGciOi",
];

/// How much must follow a prefix, so that `sk-learn` stays a word.
pub const VALUE_LENGTH: usize = 12;

/// Tells whether a variable with this key and literal value is treated as a secret.
pub fn is_secret(key: &str, value: &str) -> bool {
    is_secret_value(value) || (is_secret_key(key) && !is_setting(value))
}

/// Tells whether a key names a secret.
pub fn is_secret_key(key: &str) -> bool {
    let words = words(key);
    if PUBLIC_KEYS.contains(&words.as_str()) {
        return false;
    }
    let ends_in = |ending: &str| {
        words.strip_suffix(ending).is_some_and(|before| before.is_empty() || before.ends_with('_'))
    };
    words.split('_').any(|word| KEY_WORDS.contains(&word)) || KEY_ENDINGS.iter().any(|ending| ends_in(ending))
}

/// Tells whether an argument is a secret by its option: `--api-key VALUE` or `--api-key=VALUE`.
///
/// A value that the container's shell puts in (`$KEY`) is none.
pub fn is_secret_argument(previous: Option<&str>, argument: &str) -> bool {
    let is_option =
        |text: &str| text.starts_with('-') && !text.contains(char::is_whitespace) && is_secret_key(text);
    let is_value = |text: &str| !is_setting(text) && !text.starts_with(['-', '$']);
    match argument.split_once('=') {
        Some((option, value)) if option.starts_with('-') => is_option(option) && is_value(value),
        Some(_) | None => previous.is_some_and(is_option) && is_value(argument),
    }
}

/// Tells whether a value itself gives away that it is a secret.
pub fn is_secret_value(value: &str) -> bool {
    !value_ranges(value).is_empty()
}

fn is_setting(value: &str) -> bool {
    let value = value.trim();
    value.is_empty() || value.parse::<f64>().is_ok() || matches!(value, "true" | "false" | "null" | "~")
}

/// Returns the words of a key in capital letters, joined by `_`.
fn words(key: &str) -> String {
    let mut words = String::with_capacity(key.len() + 4);
    let mut previous_was_small = false;
    let mut at_end_of_word = false;
    for character in key.chars() {
        let separator = !character.is_ascii_alphanumeric();
        at_end_of_word |= separator || (previous_was_small && character.is_ascii_uppercase());
        if !separator {
            if at_end_of_word && !words.is_empty() {
                words.push('_');
            }
            words.push(character.to_ascii_uppercase());
            at_end_of_word = false;
        }
        previous_was_small = character.is_ascii_lowercase();
    }
    words
}

/// Returns where secrets stand in a value.
fn value_ranges(value: &str) -> Vec<Range<usize>> {
    if value.contains("-----BEGIN ") && value.contains("PRIVATE KEY") {
        return std::iter::once(0..value.len()).collect();
    }
    let mut ranges = Vec::new();
    let body = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut start = 0;
    while start < value.len() {
        let word_start = value[start..].find(body).map_or(value.len(), |found| start + found);
        let word_end = value[word_start..].find(|c| !body(c)).map_or(value.len(), |found| word_start + found);
        let word = &value[word_start..word_end];
        let issued = word.len() > VALUE_LENGTH
            && VALUE_PREFIXES
                .iter()
                .any(|prefix| word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= VALUE_LENGTH));
        if issued {
            ranges.push(word_start..word_end);
        }
        start = word_end.max(start + 1);
        while !value.is_char_boundary(start) {
            start += 1;
        }
    }
    ranges.extend(url_passwords(value));
    ranges
}

/// Returns the passwords of `scheme://user:password@host` in a text.
fn url_passwords(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (scheme, _) in text.match_indices("://") {
        let rest = &text[scheme + 3..];
        let authority = &rest[..rest.find(['/', ' ', '\n', '"', '\'', '?']).unwrap_or(rest.len())];
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some((name, password)) = user.split_once(':')
            && !password.is_empty()
            && !password.starts_with("${")
        {
            let start = scheme + 3 + name.len() + 1;
            ranges.push(start..start + password.len());
        }
    }
    ranges
}

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
        let range = super::source::whole_characters(text, range);
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
    fn keys_that_name_secrets() {
        for key in [
            "HF_TOKEN",
            "WANDB_API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "PASSWORD",
            "dbPassword",
            "JUPYTER_PASSWORD",
            "AWS_ACCESS_KEY_ID",
            "api-key",
            "MY_APIKEY",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in [
            "MAX_TOKENS",
            "TOKENIZERS_PARALLELISM",
            "PUBLIC_KEY",
            "KEYBOARD",
            "AUTHOR",
            "MONKEY",
            "HOME",
            "PWD",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn values_that_give_themselves_away() {
        for value in [
            "hf_abcdefghijklmnopqrst",
            "Bearer sk-proj-0123456789abcdef",
            "postgres://bot:hunter2@db/x",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nabc",
        ] {
            assert!(is_secret_value(value), "{value}");
        }
        for value in ["sk-learn", "hf_home", "https://example.org/a:b@c", "AKIA", "é".repeat(20).as_str()] {
            assert!(!is_secret_value(value), "{value}");
        }
    }

    #[test]
    fn arguments_that_an_option_makes_a_secret() {
        assert!(is_secret_argument(Some("--api-key"), "hunter2"));
        assert!(is_secret_argument(None, "--api-key=hunter2"));
        assert!(is_secret_argument(Some("--api-key"), "a=b"));
        for (previous, argument) in [
            (Some("--api-key"), "$API_KEY"),
            (Some("--api-key"), "--port"),
            (Some("--max-tokens"), "4096"),
            (Some("--tokenizer"), "hf-internal/llama"),
            (Some("--model"), "hunter2"),
            (None, "--port=80"),
            (Some("bash -c 'echo $TOKEN'"), "x"),
        ] {
            assert!(!is_secret_argument(previous, argument), "{previous:?} {argument}");
        }
    }

    #[test]
    fn settings_under_secret_keys_are_no_secrets() {
        for value in ["", "4096", "0.5", "true"] {
            assert!(!is_secret("MAX_TOKEN", value), "{value}");
        }
        assert!(is_secret("MAX_TOKEN", "four"));
    }

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
