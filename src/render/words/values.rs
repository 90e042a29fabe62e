//! Values as they stand on one line, or as the lines in which they differ.

use similar::TextDiff;

use crate::model::settings::Field;
use crate::model::value::Value;
use crate::render::escape::{Quoted, visible};
use crate::render::rows::command_lines;
use crate::render::value;

/// Returns a value as it is shown. Free text is quoted, so that it cannot be taken for a mark such as `(secret)`.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Secret => "(secret)".to_owned(),
        Value::OtherValue => "(other value)".to_owned(),
        Value::KnownAfterApply => "(known after apply)".to_owned(),
        Value::Referring(text) => format!("{} (known after apply)", Quoted(text)),
        value => match value::text(value) {
            None => "(none)".to_owned(),
            Some(text) if value::is_free_text(value) => Quoted(&text).to_string(),
            Some(text) => visible(&text).to_string(),
        },
    }
}

/// Returns the values of a row as they stand on one line; the second only where both are worth showing.
pub(crate) fn values(before: &Value, after: &Value) -> (String, Option<String>) {
    match (before, after) {
        (Value::Absent, after) => (shown(after), None),
        (before, Value::Absent) => (shown(before), None),
        (before, after) if before == after => (shown(after), None),
        (before, after) => (shown(before), Some(shown(after))),
    }
}

/// Returns the lines of a value that has several, as a unified difference where both sides are known.
pub(crate) fn difference_lines(field: &Field, before: &Value, after: &Value) -> Option<Vec<String>> {
    const MOST_LINES: usize = 400;
    let text = |value: &Value| value::text(value).map(|text| laid_out(field, &text));
    let lines: Vec<String> = match (text(before), text(after)) {
        (Some(before), Some(after)) if before.contains('\n') || after.contains('\n') => {
            // The few keys of a lifecycle need no lines around them to be found.
            unified(&before, &after, if *field == Field::Lifecycle { 0 } else { 3 })
        }
        (None, Some(only)) if *before == Value::Absent && only.contains('\n') => signed('+', &only),
        (Some(only), None) if *after == Value::Absent && only.contains('\n') => signed('-', &only),
        (Some(_) | None, Some(_) | None) => return None,
    };
    let rest = lines.len().saturating_sub(MOST_LINES);
    let mut lines: Vec<String> = lines.into_iter().take(MOST_LINES).collect();
    if rest > 0 {
        lines.push(format!("... ({rest} more lines)"));
    }
    Some(lines)
}

fn laid_out(field: &Field, text: &str) -> String {
    match field {
        Field::Command | Field::Entrypoint if !text.contains('\n') && text.len() > 40 => command_lines(text),
        _ => text.to_owned(),
    }
}

fn signed(sign: char, text: &str) -> Vec<String> {
    text.lines().map(|line| format!("{sign}{}", visible(line))).collect()
}

fn unified(before: &str, after: &str, context: usize) -> Vec<String> {
    // A last line without a line break is the same line to a reader.
    let ended = |text: &str| if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    let (before, after) = (ended(before), ended(after));
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(context).iter_hunks() {
        // Without lines around it a hunk needs no place.
        if context > 0 {
            lines.push(hunk.header().to_string());
        }
        for change in hunk.iter_changes() {
            let line = change.value();
            lines.push(format!("{}{}", change.tag(), visible(line.strip_suffix('\n').unwrap_or(line))));
        }
    }
    lines
}
