//! Variables in scalars: `${NAME}`, `${NAME:-default}` and `${NAME:?message}`; `$${` stands for `${`.
//!
//! `$NAME` stays as it is, so that shell commands survive; [`super::dollars`] warns where that may surprise. Only scalars are replaced, never keys and never structure:
//! a value cannot add keys. A plain scalar takes its type after the replacement (`replicas: ${COUNT}` is a number), and a
//! quoted one is a number where one is expected (`{ count: "${COUNT}" }`).
//!
//! `${REPLICA}` is not known before a pod is multiplied. It travels inside the text as a mark with a NUL character, which
//! YAML scalars cannot hold otherwise ([`super::yaml`] refuses it), and [`Text`] puts the number in. What `${pods.KEY.url}`
//! stands for is not known before that pod has an id, so it travels on, see [`crate::model::reference`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::reference::{self, Part, Reference};

use super::diagnostic::{Collector, Diagnostic, Problem};
use super::references;
use super::source::{Sources, Span, Spanned};
use super::yaml::{Entry, Node, Scalar, Style, Value};

/// The name that stands for the number of a replica.
pub(super) const REPLICA: &str = "REPLICA";

const MARK: &str = "\0#";

/// The longest text that variables make; RunPod's own limits are far below, and a long value used often fills the memory.
const MAX_TEXT: usize = 1 << 20;

/// A text that may hold `${REPLICA}` and references to other pods.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(String);

impl Text {
    /// Wraps an interpolated scalar.
    pub(super) fn new(interpolated: impl Into<String>) -> Self {
        Self(interpolated.into())
    }

    /// Returns the text for one replica. A pod without replicas cannot hold `${REPLICA}`.
    pub(super) fn for_replica(&self, number: Option<u32>) -> String {
        match number {
            Some(number) => self.0.replace(MARK, &number.to_string()),
            None => self.0.replace(MARK, ""),
        }
    }

    /// Makes it the text for one replica.
    pub(super) fn into_replica(self, number: Option<u32>) -> String {
        if self.holds_replica() { self.for_replica(number) } else { self.0 }
    }

    /// Returns the text as a spec file must hold it to mean the same.
    pub(super) fn as_typed(&self) -> String {
        let typed = reference::parts(&self.0).map(|part| match part {
            Part::Literal(literal) => literal.replace("${", "$${").replace(MARK, "${REPLICA}"),
            Part::Reference(reference) => format!("${{pods.{reference}}}"),
            // Only a reader of references writes marks.
            Part::Broken(inside) => inside.to_owned(),
        });
        typed.collect()
    }

    /// Returns the text of which to ask whether it is a secret; nothing if it only refers to other pods.
    pub(super) fn judged(&self) -> Option<Cow<'_, str>> {
        (!reference::is_all(&self.0)).then(|| reference::typed(&self.0))
    }

    /// Tells whether it refers to other pods.
    pub(super) fn holds_references(&self) -> bool {
        reference::is_in(&self.0)
    }

    /// Tells whether `${REPLICA}` stands in it.
    pub(super) fn holds_replica(&self) -> bool {
        holds_replica(&self.0)
    }

    /// Returns the text for messages and checks.
    pub(super) fn raw(&self) -> &str {
        &self.0
    }
}

/// Returns the names of variables in a text as it was written, each with what stands between its name and its `}`.
pub(super) fn named(written: &str) -> impl Iterator<Item = (&str, &str)> {
    let inside = |at: usize| written[at + 2..].split('}').next().unwrap_or_default();
    written.match_indices("${").filter(|(at, _)| !written[..*at].ends_with('$')).map(move |(at, _)| {
        let inside = inside(at);
        let end = inside.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inside.len());
        inside.split_at(end)
    })
}

/// Tells whether an interpolated scalar waits for the number of its replica.
pub(super) fn holds_replica(text: &str) -> bool {
    text.contains(MARK)
}

/// The values of the variables.
pub(super) struct Variables {
    values: BTreeMap<String, String>,
    used: BTreeSet<String>,
    /// What was referred to since it was last asked for.
    references: Vec<Spanned<Reference>>,
}

/// Whether references to other pods can stand in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Referring {
    Allowed,
    Refused,
}

/// Whether `${REPLICA}` means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// In a pod with `replicas`.
    Replicated,
    /// Everywhere else.
    Single,
}

impl Variables {
    pub(super) fn new(values: BTreeMap<String, String>) -> Self {
        Self { values, used: BTreeSet::new(), references: Vec::new() }
    }

    /// Returns the given names that nothing uses.
    pub(super) fn unused<'a>(&self, names: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
        names.filter(|name| !self.used.contains(*name)).collect()
    }

    /// Takes what was referred to since this was last asked for.
    pub(super) fn take_references(&mut self) -> Vec<Spanned<Reference>> {
        std::mem::take(&mut self.references)
    }

    /// Returns the names that were asked for, those without a value included.
    pub(super) fn into_used(self) -> BTreeSet<String> {
        self.used
    }

    /// Replaces the variables in all scalars of a tree; an unusable one is reported and left as it is.
    pub(super) fn apply<'t>(
        &mut self,
        node: &Node<'t>,
        scope: Scope,
        sources: &Sources,
        log: &mut Collector,
    ) -> Node<'t> {
        self.replaced(node, (scope, Referring::Refused), sources, log)
    }

    /// Replaces the variables of a pod, which may refer to others in some of its keys.
    pub(super) fn apply_to_pod<'t>(
        &mut self,
        pod: &Node<'t>,
        scope: Scope,
        sources: &Sources,
        log: &mut Collector,
    ) -> Node<'t> {
        let Value::Mapping(entries) = &pod.value else { return self.apply(pod, scope, sources, log) };
        if !pod.has_dollar() {
            return pod.clone();
        }
        let replaced = entries.iter().map(|entry| {
            let referring = if references::PLACES.contains(&&*entry.key) {
                Referring::Allowed
            } else {
                Referring::Refused
            };
            let value = self.replaced(&entry.value, (scope, referring), sources, log);
            Entry { key: entry.key.clone(), key_span: entry.key_span, value }
        });
        Node::mapping(pod.span, replaced.collect())
    }

    fn replaced<'t>(
        &mut self,
        node: &Node<'t>,
        (scope, referring): (Scope, Referring),
        sources: &Sources,
        log: &mut Collector,
    ) -> Node<'t> {
        if !node.has_dollar() {
            return node.clone();
        }
        match &node.value {
            Value::Scalar(Scalar { text, style }) => {
                let span = node.span;
                let places = sources.slice(span).match_indices("${");
                let mut reader = Reader {
                    variables: self,
                    scope,
                    referring,
                    sources,
                    log,
                    span,
                    places,
                    has_failed: false,
                };
                let style = match style {
                    Style::Plain => Style::Plain,
                    Style::Quoted | Style::Filled => Style::Filled,
                };
                let scalar = Scalar { text: reader.replace(text).into(), style };
                let replaced = Node::scalar(node.span, scalar);
                if reader.has_failed { replaced.unfilled() } else { replaced }
            }
            Value::Sequence(items) => Node::sequence(
                node.span,
                items.iter().map(|item| self.replaced(item, (scope, referring), sources, log)).collect(),
            ),
            Value::Mapping(entries) => Node::mapping(
                node.span,
                entries
                    .iter()
                    .map(|entry| Entry {
                        key: entry.key.clone(),
                        key_span: entry.key_span,
                        value: self.replaced(&entry.value, (scope, referring), sources, log),
                    })
                    .collect(),
            ),
        }
    }
}

/// Tells whether a text can name a variable.
pub(super) fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

struct Reader<'a> {
    variables: &'a mut Variables,
    scope: Scope,
    referring: Referring,
    sources: &'a Sources,
    log: &'a mut Collector,
    span: Span,
    /// Where the next `${` are written, asked for once each: seeking them from the start would take the square of their
    /// number.
    places: std::str::MatchIndices<'a, &'static str>,
    has_failed: bool,
}

impl Reader<'_> {
    fn fail(&mut self, mistake: Diagnostic) {
        self.has_failed = true;
        self.log.push(mistake);
    }

    fn replace(&mut self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let before = &rest[..at];
            let inside = &rest[at + 2..];
            let span = self.next_occurrence();
            if let Some(before) = before.strip_suffix('$') {
                result.push_str(before);
                result.push_str("${");
                rest = inside;
                continue;
            }
            result.push_str(before);
            let Some(end) = inside.find('}') else {
                self.fail(
                    Diagnostic::at(Problem::InvalidInterpolation, span, "`${` without its `}`")
                        .help("write `$${` where `${` itself is meant"),
                );
                return text.to_owned();
            };
            result.push_str(&self.value(&inside[..end], span));
            rest = &inside[end + 1..];
            if result.len() > MAX_TEXT {
                let detail = format!("the text has more than {MAX_TEXT} bytes once variables are put in");
                self.fail(Diagnostic::at(Problem::InvalidInterpolation, span, detail));
                return text.to_owned();
            }
        }
        result.push_str(rest);
        result
    }

    fn value(&mut self, inside: &str, span: Span) -> String {
        if let Some(referred) = inside.strip_prefix(references::BEGINNING) {
            return match references::read(referred, self.referring, span) {
                Ok(reference) => {
                    let marked = reference.marked();
                    self.variables.references.push(Spanned { value: reference, span });
                    marked
                }
                Err(mistake) => {
                    self.fail(*mistake);
                    format!("${{{inside}}}")
                }
            };
        }
        let name_end =
            inside.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inside.len());
        let (name, form) = inside.split_at(name_end);
        let as_typed = || format!("${{{inside}}}");
        let well_formed = form.is_empty() || form.starts_with(":-") || form.starts_with(":?");
        if !is_variable_name(name) || !well_formed || form.contains("${") {
            let detail = format!("`{}` is no variable", as_typed());
            let help = "write `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, or `$${` for `${` itself";
            self.fail(Diagnostic::at(Problem::InvalidInterpolation, span, detail).help(help));
            return as_typed();
        }
        if name == REPLICA {
            return self.replica(form, span).unwrap_or_else(as_typed);
        }
        self.variables.used.insert(name.to_owned());
        let value = self.variables.values.get(name);
        if let Some(value) = value.filter(|value| form.is_empty() || !value.is_empty()) {
            return value.clone();
        }
        if let Some(default) = form.strip_prefix(":-") {
            return default.to_owned();
        }
        let detail = match form.strip_prefix(":?") {
            Some(message) if !message.is_empty() => format!("`{name}`: {message}"),
            Some(_) if value.is_some() => format!("`{name}` is empty"),
            Some(_) | None => format!("`{name}` has no value"),
        };
        let help = self.missing(name, form);
        self.fail(Diagnostic::at(Problem::UndefinedVariable, span, detail).help(help));
        as_typed()
    }

    /// Says what to do about a variable that has no value, or an empty one that may not be empty.
    fn missing(&self, name: &str, form: &str) -> String {
        let values = &self.variables.values;
        if values.contains_key(name) {
            return format!(
                "`{name}` has an empty value; give it another one under `vars:` or by `--var {name}=VALUE`"
            );
        }
        match self.log.closest(name, values.keys().map(String::as_str)) {
            Some(other) => format!("did you mean `${{{other}}}`?"),
            None if form.is_empty() => format!(
                "define `{name}` under `vars:`, or give `--var {name}=VALUE`; write `$${{{name}}}` to send `${{{name}}}` itself"
            ),
            None => format!("define `{name}` under `vars:`, or give `--var {name}=VALUE`"),
        }
    }

    fn replica(&mut self, form: &str, span: Span) -> Option<String> {
        if self.scope == Scope::Replicated && form.is_empty() {
            return Some(MARK.to_string());
        }
        let detail = match self.scope {
            Scope::Replicated => "`${REPLICA}` always has a value and takes no default",
            Scope::Single => "`${REPLICA}` is the number of a replica, and this is no pod with `replicas`",
        };
        self.fail(Diagnostic::at(Problem::InvalidInterpolation, span, detail));
        None
    }

    /// Returns the place of the next `${` of the scalar, or the whole scalar where escapes hide it.
    fn next_occurrence(&mut self) -> Span {
        let written = self.sources.slice(self.span);
        let Some((at, _)) = self.places.next() else {
            return self.span;
        };
        let start = self.span.range().start + at;
        let length = written[at..].find('}').map_or(2, |end| end + 1);
        Span::new(self.span.file, start..start + length)
    }
}
