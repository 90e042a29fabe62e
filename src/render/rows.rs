//! Objects as rows of field, value before and value after.

use crate::model::id::TemplateId;
use crate::model::plan::{Cause, Disruption, FieldChange};
use crate::model::settings::{Container, Field};
use crate::model::value::Value;

/// One field of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub field: Field,
    pub before: Value,
    /// The value after.
    pub after: Value,
    /// Who changed it and what applying it does; `None` where a whole object comes into being.
    pub why: Option<(Cause, Disruption)>,
    /// The template that the value after comes from.
    pub template: Option<TemplateId>,
}

impl Row {
    /// Returns the sign of a field that is added, removed or changed.
    pub fn sign(&self) -> &'static str {
        match (&self.before, &self.after) {
            (Value::Absent, _) => "+",
            (_, Value::Absent) => "-",
            (_, _) => "~",
        }
    }
}

impl From<&FieldChange> for Row {
    fn from(change: &FieldChange) -> Self {
        let FieldChange { field, before, after, cause, disruption } = change.clone();
        Self { field, before, after, why: Some((cause, disruption)), template: None }
    }
}

/// Tells whether a created object has this value without anybody asking for it.
pub fn is_usual(row: &Row) -> bool {
    match (&row.field, &row.after) {
        (Field::GlobalNetworking | Field::Ssh | Field::Jupyter, Value::Switch(false))
        | (Field::GpuCount, Value::Number(1)) => true,
        (Field::State, Value::Word(word)) => word == "running",
        (Field::Cuda, Value::Word(word)) => word == "any",
        _ => false,
    }
}

/// Returns the values of a container that differ from what a pod has without saying so.
pub fn container_values(container: &Container) -> Vec<(Field, Value)> {
    let mut values = container.values();
    values.retain(|(field, value)| match value {
        Value::Absent => false,
        Value::Switch(on) => *on || *field != Field::GlobalNetworking,
        _ => true,
    });
    values
}

/// Splits a long command into one option a line, so that a difference shows the option and not the whole command.
///
/// Only the layout changes: a line break goes where a space outside quotes stands before a `-`.
pub fn command_lines(command: &str) -> String {
    let mut lines = String::with_capacity(command.len());
    let (mut quote, mut escaped) = (None, false);
    let mut characters = command.chars().peekable();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, ' ') if !escaped && characters.peek() == Some(&'-') => {
                lines.push('\n');
                continue;
            }
            (None, '\'' | '"') if !escaped => quote = Some(c),
            (Some(open), c) if open == c && !escaped => quote = None,
            (None | Some(_), _) => {}
        }
        escaped = c == '\\' && !escaped && quote != Some('\'');
        lines.push(c);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        let words = ["--model", "Qwen/Qwen3-32B", "it's", "", "a b"].map(str::to_owned);
        assert_eq!(crate::model::text::shell_words(&words), r"--model Qwen/Qwen3-32B 'it'\''s' '' 'a b'");
    }

    #[test]
    fn a_command_breaks_before_options_outside_quotes() {
        assert_eq!(command_lines(r"serve --model 'a --b' -p 8 x\ -y"), "serve\n--model 'a --b'\n-p 8 x\\ -y");
    }
}
