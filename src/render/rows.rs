//! Objects as rows of field, value before and value after.

use crate::model::field::Field;
use crate::model::plan::{Cause, Disruption, FieldChange, Shown};
use crate::model::pod::{Container, EnvValue, Storage};

/// One field of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub field: Field,
    /// The value before.
    pub before: Shown,
    /// The value after.
    pub after: Shown,
    /// Who changed it and what applying it does; `None` where a whole object comes into being.
    pub why: Option<(Cause, Disruption)>,
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It had no value before.
    Added,
    /// It has none after.
    Removed,
    /// It has one before and one after.
    Changed,
}

impl Row {
    /// Returns what becomes of the field.
    pub fn edit(&self) -> Edit {
        match (&self.before, &self.after) {
            (Shown::Absent, _) => Edit::Added,
            (_, Shown::Absent) => Edit::Removed,
            (
                Shown::Text(_) | Shown::Secret | Shown::OtherValue | Shown::KnownAfterApply,
                Shown::Text(_) | Shown::Secret | Shown::OtherValue | Shown::KnownAfterApply,
            ) => Edit::Changed,
        }
    }
}

impl From<&FieldChange> for Row {
    fn from(change: &FieldChange) -> Self {
        let FieldChange { field, before, after, cause, disruption } = change.clone();
        Self { field, before, after, why: Some((cause, disruption)) }
    }
}

/// Tells whether a created object has this value without anybody asking for it.
pub fn is_usual(row: &Row) -> bool {
    let Shown::Text(value) = &row.after else { return false };
    match row.field {
        Field::GlobalNetworking | Field::Ssh | Field::Jupyter => value == "false",
        Field::State => value == "running",
        Field::GpuCount => value == "1",
        Field::Cuda => value == "any",
        Field::Name
        | Field::Image
        | Field::Command
        | Field::Entrypoint
        | Field::Env(_)
        | Field::Ports
        | Field::Disk
        | Field::Registry
        | Field::Volumes
        | Field::Locked
        | Field::Gpu
        | Field::Cpu
        | Field::Cloud
        | Field::DataCenter
        | Field::Country
        | Field::Size
        | Field::Tier
        | Field::Lifecycle
        | Field::Adopt
        | Field::DependsOn
        | Field::Replicas => false,
    }
}

/// Returns the values of a container that differ from what a pod has without saying so.
pub fn container_values(container: &Container) -> Vec<(Field, Shown)> {
    let Container {
        name,
        image,
        command,
        entrypoint,
        env,
        ports,
        disk,
        registry,
        storage,
        global_networking,
        locked,
    } = container;
    let text = |text: String| Shown::Text(text);
    let mut values = vec![(Field::Name, text(name.clone())), (Field::Image, text(image.clone()))];
    if !command.is_empty() {
        values.push((Field::Command, text(shell_words(command))));
    }
    if let Some(entrypoint) = entrypoint {
        values.push((Field::Entrypoint, text(shell_words(entrypoint))));
    }
    for (key, value) in env {
        let shown = match value {
            EnvValue::Plain(plain) => text(plain.clone()),
            EnvValue::Secret(_) => Shown::Secret,
        };
        values.push((Field::Env(key.clone()), shown));
    }
    if !ports.is_empty() {
        let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
        values.push((Field::Ports, text(ports.join(", "))));
    }
    values.push((Field::Disk, text(disk.to_string())));
    if let Some(registry) = registry {
        values.push((Field::Registry, text(registry.to_string())));
    }
    match storage {
        Storage::None => {}
        Storage::Local { size, path } => {
            values.push((Field::Volumes, text(format!("local {size} at {path}"))));
        }
        Storage::Network { volume, path } => {
            values.push((Field::Volumes, text(format!("{volume} at {path}"))));
        }
    }
    values.extend(flag(Field::GlobalNetworking, *global_networking));
    if let Some(locked) = locked {
        values.push((Field::Locked, text(locked.to_string())));
    }
    values
}

fn flag(field: Field, set: bool) -> Option<(Field, Shown)> {
    set.then(|| (field, Shown::Text("true".to_owned())))
}

/// Joins words as a shell would read them back.
pub fn shell_words(words: &[String]) -> String {
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
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
        assert_eq!(shell_words(&words), r"--model Qwen/Qwen3-32B 'it'\''s' '' 'a b'");
    }

    #[test]
    fn a_command_breaks_before_options_outside_quotes() {
        assert_eq!(command_lines(r"serve --model 'a --b' -p 8 x\ -y"), "serve\n--model 'a --b'\n-p 8 x\\ -y");
    }
}
