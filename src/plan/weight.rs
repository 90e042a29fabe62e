//! How large the request for a pod will be.
//!
//! REST v2 answers a create of more than 102,400 bytes with 413, before it looks at anything else: seen on RunPod's reference
//! page in autumn 2026. It is known before, so a plan says it and nothing is tried.

use crate::model::desired::WantedPod;
use crate::model::pod::EnvValue;
use crate::model::secret::Secrets;

/// The most bytes that the body of a create may have.
pub(super) const MOST: usize = 102_400;
/// What the keys of the body, the mark and all that is short take at most: names, data centers, limits.
const FRAME: usize = 2_048;

/// Returns how many bytes the body of a create has, give or take what is short. A secret without a value counts nothing.
pub(super) fn of_create(wanted: &WantedPod, secrets: &Secrets) -> usize {
    let container = &wanted.container;
    let words = container.command.iter().chain(&container.entrypoint).map(|word| quoted(word) + 1);
    let variables = container.env.iter().map(|(key, value)| {
        let value = match value {
            EnvValue::Plain(text) => quoted(text),
            EnvValue::Secret(name) => secrets.get(name).map_or(2, |value| quoted(value.expose())),
        };
        // Beside both, a colon and a comma.
        quoted(key.as_str()) + value + 2
    });
    FRAME + quoted(&container.image) + words.sum::<usize>() + variables.sum::<usize>()
}

/// Says why there can be no such request. By how much is not said: secrets are in it.
pub(super) fn too_large() -> String {
    format!(
        "the request for it is larger than the {MOST} bytes that REST v2 takes; put what is long in its `env`, `command` or \
         `entrypoint` into the image or onto a volume"
    )
}

/// Returns the length of a text as JSON.
fn quoted(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..32 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_length_that_it_has_as_json() {
        for text in ["", "plain", "two\nlines\t\"quoted\"", "a\\b\u{1}\u{7f}ä", "\u{8}\u{c}\r"] {
            assert_eq!(quoted(text), serde_json::to_string(text).unwrap().len(), "{text:?}");
        }
    }
}
