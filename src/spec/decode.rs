//! Tree to values, gathering every mistake instead of stopping at the first.
//!
//! A reader returns `None` after it has reported why; its caller goes on with the next key.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::model::address::{AddressError, Key};
use crate::model::reference;

use super::diagnostic::{Collector, Diagnostic, Fix, Problem, listed};
use super::forms::Misread;
use super::interpolate::{Text, holds_replica, named};
use super::sensitive::shown;
use super::source::{Sources, Span, Spanned};
use super::unknown_key::unknown_key;
use super::words::Section;
use super::yaml::{Entry, Meaning, Node, Scalar, Style, Value};

/// Reads values and gathers mistakes.
pub(super) struct Decoder<'a> {
    pub sources: &'a Sources,
    pub log: &'a mut Collector,
    /// Places of literals that look like secrets.
    pub hidden: Vec<Span>,
    /// The values of the variables.
    pub variables: BTreeMap<String, String>,
}

/// The entries of a map whose keys are fixed.
pub(super) struct Fields<'n> {
    node: &'n Node<'n>,
    /// Where the map was written.
    pub span: Span,
    /// Keys that unknown ones were probably meant to be.
    meant: BTreeSet<&'static str>,
    /// Whether there are unknown keys.
    has_unknown: bool,
}

impl<'n> Fields<'n> {
    /// Returns the entry of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'n Entry<'n>> {
        self.node.get(key)
    }

    /// Tells whether a key stands there, even if its value was wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Tells whether a key stands there, or one that was probably meant to be it and was reported as unknown.
    pub(super) fn meant(&self, key: &str) -> bool {
        self.has(key) || self.meant.contains(key)
    }

    /// Tells whether a key is missing and nothing that was reported can be it under another name.
    pub(super) fn lacks(&self, key: &str) -> bool {
        !self.has(key) && !self.has_unknown
    }

    /// Reads the value of a key if it stands there.
    pub(super) fn read<T>(
        &self,
        key: &str,
        decoder: &mut Decoder<'_>,
        read: impl FnOnce(&mut Decoder<'_>, &'n Node<'n>) -> Option<T>,
    ) -> Option<T> {
        let entry = self.get(key)?;
        decoder.present(entry).then(|| read(decoder, &entry.value)).flatten()
    }
}

impl Decoder<'_> {
    pub(super) fn report(&mut self, mut diagnostic: Diagnostic) {
        // What a variable gave is mended where that has its value, not by a value in its place.
        let varies = |text: &str| named(text).next().is_some();
        let is_given = |fix: &mut Fix| varies(self.sources.slice(fix.span)) && !varies(&fix.text);
        if let Some(fix) = diagnostic.fix.take_if(is_given) {
            let names: BTreeSet<String> =
                named(self.sources.slice(fix.span)).map(|(name, _)| format!("${{{name}}}")).collect();
            diagnostic =
                diagnostic.help(format!("{} should make this `{}`", listed(&names, "and"), fix.text));
        }
        self.log.push(diagnostic);
    }

    /// Reports a text that is not of its form.
    pub(super) fn misread(&mut self, problem: Problem, span: Span, misread: Misread) {
        let Misread { detail, help, fix } = misread;
        let mut mistake = Diagnostic::at(problem, span, detail);
        if let Some(help) = help {
            mistake = mistake.help(help);
        }
        if let Some(fix) = fix {
            mistake = mistake.fix(span, fix, "write");
        }
        self.report(mistake);
    }

    pub(super) fn wrong_type(&mut self, node: &Node<'_>, wanted: &str) {
        if !node.is_unfilled() {
            self.report(wrong_type(node, wanted));
        }
    }

    /// Names the variables that left nothing in a text, for who looks for what is missing there.
    pub(super) fn empty_variables(&self, span: Span) -> Option<String> {
        let is_empty = |(name, form): &(&str, &str)| {
            let value = self.variables.get(*name).map_or("", String::as_str);
            value.is_empty() && form.strip_prefix(":-").is_none_or(str::is_empty)
        };
        let empty: BTreeSet<String> = named(self.sources.slice(span))
            .filter(is_empty)
            .map(|(name, _)| format!("${{{name}}}"))
            .collect();
        (!empty.is_empty()).then(|| {
            let are = if empty.len() == 1 { "is" } else { "are" };
            format!("{} {are} empty", listed(&empty, "and"))
        })
    }

    /// Reports a key without value.
    pub(super) fn present(&mut self, entry: &Entry<'_>) -> bool {
        if entry.value.is_null() {
            let detail = format!("{} has no value", shown(&entry.key));
            let help = self.empty_variables(entry.value.span).unwrap_or_else(|| {
                "give it a value or delete the line; `null` deletes a key of an earlier file or of `defaults`"
                    .to_owned()
            });
            self.report(Diagnostic::at(Problem::WrongType, entry.key_span, detail).help(help));
            return false;
        }
        !entry.value.is_unfilled()
    }

    /// Reads a map with fixed keys and reports those that it does not have.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node<'n>,
        section: &Section,
        wanted: &str,
    ) -> Option<Fields<'n>> {
        let Value::Mapping(entries) = &node.value else {
            self.wrong_type(node, wanted);
            return None;
        };
        let mut meant = BTreeSet::new();
        let mut has_unknown = false;
        for entry in entries.iter().filter(|entry| !section.keys.contains(&&*entry.key)) {
            let (mistake, key) = unknown_key(entry, section, self.log);
            meant.extend(key);
            has_unknown = true;
            self.report(mistake);
        }
        Some(Fields { node, span: node.span, meant, has_unknown })
    }

    /// Reports the keys of a section that are missing where none may be.
    pub(super) fn need_all(&mut self, fields: &Fields<'_>, section: &Section, help: Option<&str>) {
        for key in section.keys.iter().filter(|key| fields.lacks(key)) {
            let detail = format!("{} needs `{key}`", section.name);
            let mistake = Diagnostic::at(Problem::MissingKey, fields.span, detail);
            self.report(match help {
                Some(help) => mistake.help(help),
                None => mistake,
            });
        }
    }

    /// Reads a map whose keys are names.
    pub(super) fn map<'n>(&mut self, node: &'n Node<'n>, wanted: &str) -> Option<&'n [Entry<'n>]> {
        match &node.value {
            Value::Mapping(entries) => Some(entries),
            Value::Scalar(_) | Value::Sequence(_) => {
                self.wrong_type(node, wanted);
                None
            }
        }
    }

    /// Reads a list.
    pub(super) fn list<'n>(&mut self, node: &'n Node<'n>, wanted: &str) -> Option<&'n [Node<'n>]> {
        match &node.value {
            Value::Sequence(items) => Some(items),
            Value::Scalar(_) if node.is_unfilled() => None,
            Value::Scalar(scalar) => {
                let written = self.sources.slice(node.span);
                let simple =
                    scalar.meaning() != Meaning::Null && !written.contains(['\n', ',', '[', ']', '{', '}']);
                let mistake = wrong_type(node, wanted);
                let fixed = format!("[{written}]");
                self.report(if simple { mistake.fix(node.span, fixed, "write") } else { mistake });
                None
            }
            Value::Mapping(_) => {
                self.wrong_type(node, wanted);
                None
            }
        }
    }

    /// Reads a list and each of its items.
    pub(super) fn items<'n, T>(
        &mut self,
        node: &'n Node<'n>,
        wanted: &str,
        mut read: impl FnMut(&mut Self, &'n Node<'n>) -> Option<T>,
    ) -> Option<Spanned<Vec<T>>> {
        let items = self.list(node, wanted)?;
        let filled = items.iter().filter(|item| !item.is_unfilled());
        let value = filled.filter_map(|item| read(self, item)).collect();
        Some(Spanned { value, span: node.span })
    }

    /// Reads a text in which `${REPLICA}` may stand.
    pub(super) fn text(&mut self, node: &Node<'_>, wanted: &str) -> Option<Spanned<Text>> {
        let scalar = self.text_scalar(node, wanted)?;
        Some(Spanned { value: Text::new(&*scalar.text), span: node.span })
    }

    /// Reads a scalar of any type as it was written: values that end up as texts in the pod.
    pub(super) fn verbatim(&mut self, node: &Node<'_>, wanted: &str) -> Option<Spanned<Text>> {
        match &node.value {
            Value::Scalar(_) if node.is_unfilled() => None,
            Value::Scalar(scalar) if scalar.meaning() != Meaning::Null => {
                Some(Spanned { value: Text::new(&*scalar.text), span: node.span })
            }
            Value::Scalar(_) => {
                let mistake = wrong_type(node, wanted).help("write `\"\"` for an empty text");
                self.report(mistake);
                None
            }
            Value::Sequence(_) | Value::Mapping(_) => {
                self.wrong_type(node, wanted);
                None
            }
        }
    }

    /// Reads a text that is the same for all replicas.
    pub(super) fn word(&mut self, node: &Node<'_>, wanted: &str) -> Option<Spanned<String>> {
        let scalar = self.text_scalar(node, wanted)?;
        self.without_replica(scalar, node.span)?;
        Some(Spanned { value: scalar.text.clone().into_owned(), span: node.span })
    }

    /// Reads a scalar of any type through one of the [`super::forms`].
    pub(super) fn form<T>(
        &mut self,
        node: &Node<'_>,
        wanted: &str,
        problem: Problem,
        read: impl FnOnce(&str) -> Result<T, Misread>,
    ) -> Option<Spanned<T>> {
        let Value::Scalar(scalar) = &node.value else {
            self.wrong_type(node, wanted);
            return None;
        };
        self.without_replica(scalar, node.span)?;
        match read(&scalar.text) {
            Ok(value) => Some(Spanned { value, span: node.span }),
            Err(misread) => {
                self.misread(problem, node.span, misread);
                None
            }
        }
    }

    /// Reads the key of a pod or volume.
    pub(super) fn key(&mut self, text: &str, span: Span) -> Option<Key> {
        match text.parse::<Key>() {
            Ok(key) => Some(key),
            Err(error) => {
                let too_long = matches!(error, AddressError::TooLong(_));
                let mistake = Diagnostic::at(Problem::InvalidName, span, no_address(&error));
                let folded: String = text
                    .chars()
                    .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
                    .collect();
                let mistake = match folded.parse::<Key>() {
                    Ok(key) if !too_long => mistake.fix(span, key.to_string(), "write"),
                    Ok(_) | Err(_) => mistake,
                };
                self.report(mistake);
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, node: &Node<'_>) -> Option<Spanned<bool>> {
        let wanted = "`true` or `false`";
        let Value::Scalar(scalar) = &node.value else {
            self.wrong_type(node, wanted);
            return None;
        };
        self.without_replica(scalar, node.span)?;
        if let Meaning::Boolean(value) = scalar.meaning_as_typed() {
            return Some(Spanned { value, span: node.span });
        }
        let meant = match scalar.text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "true" | "1" => Some("true"),
            "no" | "off" | "n" | "false" | "0" => Some("false"),
            _ => None,
        };
        let mistake = wrong_type(node, wanted);
        self.report(match meant {
            Some(meant) => mistake.fix(node.span, meant, "write"),
            None => mistake,
        });
        None
    }

    pub(super) fn integer(&mut self, node: &Node<'_>, range: RangeInclusive<u32>) -> Option<Spanned<u32>> {
        let wanted = "a whole number";
        let Value::Scalar(scalar) = &node.value else {
            self.wrong_type(node, wanted);
            return None;
        };
        self.without_replica(scalar, node.span)?;
        if let Meaning::Integer(number) = scalar.meaning_as_typed() {
            if let Some(value) = u32::try_from(number).ok().filter(|number| range.contains(number)) {
                return Some(Spanned { value, span: node.span });
            }
            let detail = format!("{number} is not between {} and {}", range.start(), range.end());
            self.report(Diagnostic::at(Problem::InvalidValue, node.span, detail));
            return None;
        }
        let mistake = wrong_type(node, wanted);
        let digits = scalar.text.replace('_', "");
        let decimal = digits.trim_start_matches('0');
        self.report(match decimal.parse::<u32>() {
            Ok(number) if scalar.text.starts_with('0') && scalar.style == Style::Plain => mistake
                .help("a leading 0 means octal to some readers of YAML and nothing to others")
                .fix(node.span, number.to_string(), "write"),
            Ok(number) => mistake.fix(node.span, number.to_string(), "write"),
            Err(_) => mistake,
        });
        None
    }

    /// Reads one of a few fixed words.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node<'_>, choices: &[(&str, T)]) -> Option<Spanned<T>> {
        let wanted = || listed(choices.iter().map(|(word, _)| word), "or");
        let Value::Scalar(scalar) = &node.value else {
            self.wrong_type(node, &wanted());
            return None;
        };
        self.without_replica(scalar, node.span)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == scalar.text) {
            return Some(Spanned { value: *value, span: node.span });
        }
        let wanted = wanted();
        let detail = format!("expected {wanted}, found {}", shown(&scalar.text));
        let mistake = Diagnostic::at(Problem::InvalidValue, node.span, detail);
        let near = self.log.closest(&scalar.text, choices.iter().map(|(word, _)| *word));
        self.report(match near {
            Some(word) => mistake.fix(node.span, word, "did you mean"),
            None => mistake,
        });
        None
    }

    fn text_scalar<'n>(&mut self, node: &'n Node<'n>, wanted: &str) -> Option<&'n Scalar<'n>> {
        if node.is_unfilled() {
            return None;
        }
        let mistake =
            match &node.value {
                Value::Scalar(scalar) => match scalar.meaning() {
                    Meaning::Text if scalar.text.trim().is_empty() => {
                        let detail = format!("expected {wanted}, found an empty text");
                        let mistake = Diagnostic::at(Problem::InvalidValue, node.span, detail);
                        match self.empty_variables(node.span) {
                            Some(empty) => mistake.help(empty),
                            None => mistake,
                        }
                    }
                    Meaning::Text => return Some(scalar),
                    Meaning::Null => wrong_type(node, wanted),
                    Meaning::Boolean(_) | Meaning::Integer(_) | Meaning::Float => wrong_type(node, wanted)
                        .fix(node.span, format!("\"{}\"", scalar.text), "quote it to make it a text"),
                },
                Value::Sequence(_) | Value::Mapping(_) => wrong_type(node, wanted),
            };
        self.report(mistake);
        None
    }

    fn without_replica(&mut self, scalar: &Scalar<'_>, span: Span) -> Option<()> {
        if reference::is_in(&scalar.text) {
            let detail = "a reference to a pod can stand in a text only";
            self.report(Diagnostic::at(Problem::InvalidReference, span, detail));
            return None;
        }
        if !holds_replica(&scalar.text) {
            return Some(());
        }
        let detail =
            "`${REPLICA}` can stand in texts only: `name`, `image`, `command`, `env`, `labels` and paths";
        self.report(Diagnostic::at(Problem::InvalidInterpolation, span, detail));
        None
    }
}

/// Words why a text is no address or key.
pub(super) fn no_address(error: &AddressError) -> String {
    match error {
        AddressError::Characters(text) => {
            format!("{} is no key: a lower-case letter, then lower-case letters, digits and `-`", shown(text))
        }
        AddressError::TooLong(text) => {
            format!("{} is longer than {} characters", shown(text), Key::MAX_LENGTH)
        }
        AddressError::Name(text) => {
            let max = Key::MAX_NAME;
            format!(
                "{} is no key of a secret or registry: 1 to {max} letters, digits, `_` and `-`",
                shown(text)
            )
        }
        AddressError::Replica(text) => format!("{} does not end in a number such as `[0]`", shown(text)),
    }
}

fn wrong_type(node: &Node<'_>, wanted: &str) -> Diagnostic {
    Diagnostic::at(Problem::WrongType, node.span, format!("expected {wanted}, found {}", node.kind()))
}
