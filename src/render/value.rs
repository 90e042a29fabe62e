//! The text of values. Nowhere else is a value of a plan made text.

use std::borrow::Cow;

use crate::model::desired::Lifecycle;
use crate::model::pod::Storage;
use crate::model::text::shell_words;
use crate::model::value::Value;

/// Returns the text of a value that has one.
pub fn text(value: &Value) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::Text(text) | Value::Word(text) | Value::Referring(text) => Cow::Borrowed(text),
        Value::Command(words) => shell_words(words).into(),
        Value::List(items) => items.join(", ").into(),
        Value::Number(number) => number.to_string().into(),
        Value::Size(size) => size.to_string().into(),
        Value::Switch(on) => on.to_string().into(),
        Value::Mount(Storage::Local { size, path }) => format!("local {size} at {path}").into(),
        Value::Mount(Storage::Network { volume, path }) => format!("{volume} at {path}").into(),
        Value::Mounted { volume, path } => format!("network volume {volume} at {path}").into(),
        Value::Lifecycle(lifecycle) => lines(lifecycle).into(),
        Value::Mount(Storage::None)
        | Value::Absent
        | Value::Secret
        | Value::OtherValue
        | Value::KnownAfterApply => return None,
    })
}

/// Tells whether others wrote the text of a value, so that it could read like one of podform's own words.
pub fn is_free_text(value: &Value) -> bool {
    matches!(
        value,
        Value::Text(_) | Value::Referring(_) | Value::Command(_) | Value::Mount(_) | Value::Mounted { .. }
    )
}

/// Returns the value with its texts changed.
pub fn map_texts(value: &Value, change: impl Fn(&str) -> String) -> Value {
    let all = |texts: &[String]| texts.iter().map(|text| change(text)).collect();
    match value {
        Value::Text(text) => Value::Text(change(text)),
        Value::Word(text) => Value::Word(change(text)),
        Value::Referring(text) => Value::Referring(change(text)),
        Value::Command(words) => Value::Command(all(words)),
        Value::List(items) => Value::List(all(items)),
        Value::Mount(Storage::Local { size, path }) => {
            Value::Mount(Storage::Local { size: *size, path: change(path) })
        }
        Value::Mount(Storage::Network { volume, path }) => {
            Value::Mount(Storage::Network { volume: volume.clone(), path: change(path) })
        }
        Value::Mounted { volume, path } => Value::Mounted { volume: volume.clone(), path: change(path) },
        Value::Mount(Storage::None)
        | Value::Number(_)
        | Value::Size(_)
        | Value::Switch(_)
        | Value::Lifecycle(_)
        | Value::Absent
        | Value::Secret
        | Value::OtherValue
        | Value::KnownAfterApply => value.clone(),
    }
}

/// Returns what podform may do to an object, one key on each line.
fn lines(lifecycle: &Lifecycle) -> String {
    let Lifecycle { protect, on_remove, on_replace, on_stuck_resume, ignore_changes } = lifecycle;
    let (on_remove, on_replace) = (on_remove.word(), on_replace.word());
    let on_stuck_resume = on_stuck_resume.word();
    let ignored: Vec<String> = ignore_changes.iter().map(ToString::to_string).collect();
    format!(
        "protect: {protect}\non_remove: {on_remove}\non_replace: {on_replace}\non_stuck_resume: {on_stuck_resume}\n\
         ignore_changes: [{}]",
        ignored.join(", ")
    )
}
