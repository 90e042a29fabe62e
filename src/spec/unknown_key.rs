//! What to say about a key that the format does not have: how it is spelled here, where it belongs, or what there is.

use super::diagnostic::{Collector, Diagnostic, Problem, listed};
use super::pod::POD;
use super::sensitive::shown;
use super::words::{self, Section, Word};
use super::yaml::Entry;

/// Returns what to say about a key that the format does not have, and the key that was probably meant.
pub(super) fn unknown_key(
    entry: &Entry<'_>,
    section: &Section,
    log: &Collector,
) -> (Diagnostic, Option<&'static str>) {
    let Entry { key, key_span, value: _ } = entry;
    let name = section.name;
    let unknown = |problem| Diagnostic::at(problem, *key_span, format!("{name} has no `{}`", shown_key(key)));
    if let Some(elsewhere) = elsewhere(key, section) {
        return (unknown(Problem::UnknownKey).help(elsewhere), None);
    }
    match section.word(key) {
        Some(Word::NotSupported(reason)) => (unknown(Problem::NotSupportedYet).help(reason), None),
        Some(Word::Spelled(right)) => {
            let reason = format!("it is spelled `{right}` here");
            (unknown(Problem::UnknownKey).fix(*key_span, right, reason), Some(right))
        }
        Some(Word::Written(shape)) => {
            (unknown(Problem::UnknownKey).help(format!("it is written {shape} here")), None)
        }
        None => match log.closest(key, section.keys.iter().copied()) {
            Some(right) => (unknown(Problem::UnknownKey).fix(*key_span, right, "did you mean"), Some(right)),
            None => {
                let keys = listed(section.keys, "and");
                (unknown(Problem::UnknownKey).help(format!("{name} has {keys}")), None)
            }
        },
    }
}

/// Says where a key belongs that has its place on another level of the file.
fn elsewhere(key: &str, section: &Section) -> Option<String> {
    let (top, pod) = (&words::SPEC, &POD);
    let is_known = section.word(key).is_some();
    if section.name != top.name && key.starts_with("x-") {
        return Some("keys for anchors, which begin with `x-`, stand at the top of the file".to_owned());
    }
    if section.name == pod.name && !is_known {
        let right = top.keys.iter().find(|known| **known == key)?;
        return Some(format!("`{right}:` stands at the top of the file"));
    }
    if section.name != top.name || is_known {
        return None;
    }
    let at_a_pod = "it belongs to a pod, under a key of `pods:`";
    Some(match pod.word(key)? {
        Word::NotSupported(reason) => reason.to_owned(),
        Word::Spelled(right) if right == key => at_a_pod.to_owned(),
        Word::Spelled(right) => format!("{at_a_pod}, where it is spelled `{right}`"),
        Word::Written(shape) => format!("{at_a_pod}, where it is written {shape}"),
    })
}

/// Returns a key without what would disturb a terminal.
fn shown_key(key: &str) -> String {
    shown(key).trim_matches('`').to_owned()
}
