//! YAML text to a tree that knows where every key and value was written.
//!
//! Only `parse` knows the parser. The tree has YAML 1.2's core schema with one deviation: numbers that
//! readers of YAML 1.1 and 1.2 disagree about (`010`, `1_000`, `0b1`) stay texts. Aliases share their nodes and merge
//! keys (`<<`) are applied. Time and memory are bounded: file size, nesting, and the number of values that a reader
//! meets after aliases are expanded all have a limit, so that a few lines of aliases of aliases cannot hang a run.

mod parse;

use std::borrow::Cow;
use std::rc::Rc;

use super::source::Span;

pub use self::parse::MAX_BYTES;
pub(super) use self::parse::{MAX_NODES, parse};

/// A text counts as one more value for each so many bytes, so that the limit of values is one of memory too.
const BYTES_OF_A_VALUE: usize = 64;

/// One value. A spec has millions of them, so texts stay in the file where they can, and copies share what is inside.
#[derive(Clone, Debug)]
pub(super) struct Node<'t> {
    pub span: Span,
    pub value: Value<'t>,
    weight: u32,
    depth: u16,
    /// Whether a scalar in it may name a variable.
    has_dollar: bool,
    /// Whether a variable in it could not be filled in, which was reported.
    is_unfilled: bool,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Value<'t> {
    Scalar(Scalar<'t>),
    Sequence(Rc<Vec<Node<'t>>>),
    Mapping(Rc<Vec<Entry<'t>>>),
}

/// A scalar as it was written, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar<'t> {
    pub text: Cow<'t, str>,
    pub style: Style,
}

/// What decides the type of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Its text.
    Plain,
    /// Nothing: it is a text.
    Quoted,
    /// The reader. It was quoted and held a variable, and inside `{ }` and `[ ]` a variable cannot stand without quotes.
    Filled,
}

/// What a scalar means in YAML 1.2's core schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    Null,
    Boolean(bool),
    Integer(i64),
    Float,
    Text,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry<'t> {
    pub key: Cow<'t, str>,
    pub key_span: Span,
    pub value: Node<'t>,
}

impl<'t> Node<'t> {
    pub(super) fn scalar(span: Span, scalar: Scalar<'t>) -> Self {
        let weight = u32::try_from(1 + scalar.text.len() / BYTES_OF_A_VALUE).unwrap_or(u32::MAX);
        let has_dollar = scalar.text.contains("${");
        Self { span, value: Value::Scalar(scalar), weight, depth: 1, has_dollar, is_unfilled: false }
    }

    pub(super) fn sequence(span: Span, items: Vec<Self>) -> Self {
        let mut node = Self::empty(span, Value::Sequence(Rc::default()));
        items.iter().for_each(|item| node.takes_in(item));
        Self { value: Value::Sequence(Rc::new(items)), ..node }
    }

    pub(super) fn mapping(span: Span, entries: Vec<Entry<'t>>) -> Self {
        let mut node = Self::empty(span, Value::Mapping(Rc::default()));
        entries.iter().for_each(|entry| node.takes_in(&entry.value));
        Self { value: Value::Mapping(Rc::new(entries)), ..node }
    }

    fn empty(span: Span, value: Value<'t>) -> Self {
        Self { span, value, weight: 1, depth: 1, has_dollar: false, is_unfilled: false }
    }

    /// Notes that a variable in a scalar could not be filled in, so that nobody complains of the value as well.
    pub(super) fn unfilled(self) -> Self {
        Self { is_unfilled: true, ..self }
    }

    /// Tells whether this is a scalar with a variable that could not be filled in.
    pub(super) fn is_unfilled(&self) -> bool {
        self.is_unfilled
    }

    fn takes_in(&mut self, inner: &Self) {
        self.weight = self.weight.saturating_add(inner.weight);
        self.depth = self.depth.max(inner.depth + 1);
        self.has_dollar |= inner.has_dollar;
    }

    /// Tells whether a scalar in it may name a variable.
    pub(super) fn has_dollar(&self) -> bool {
        self.has_dollar
    }

    /// Returns the number of values in it with aliases expanded, itself included.
    pub(super) fn weight(&self) -> usize {
        self.weight as usize
    }

    /// Returns the text of a scalar, none for anything else.
    pub(super) fn text(&self) -> &str {
        match &self.value {
            Value::Scalar(scalar) => &scalar.text,
            Value::Sequence(_) | Value::Mapping(_) => "",
        }
    }

    pub(super) fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar(scalar) => scalar.meaning() == Meaning::Null,
            Value::Sequence(_) | Value::Mapping(_) => false,
        }
    }

    /// Returns the value of a key of a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Entry<'t>> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Returns the entries of a mapping, none for anything else.
    pub(super) fn entries(&self) -> &[Entry<'t>] {
        match &self.value {
            Value::Mapping(entries) => entries,
            Value::Scalar(_) | Value::Sequence(_) => &[],
        }
    }

    /// Names the kind of value for a message.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) => match scalar.meaning() {
                Meaning::Null => "nothing",
                Meaning::Boolean(_) => "a boolean",
                Meaning::Integer(_) => "a whole number",
                Meaning::Float => "a number",
                Meaning::Text => "a text",
            },
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a map",
        }
    }
}

impl Scalar<'_> {
    /// Returns what it means where nothing is expected in particular.
    pub(super) fn meaning(&self) -> Meaning {
        match self.style {
            Style::Plain => self.typed(),
            Style::Quoted | Style::Filled => Meaning::Text,
        }
    }

    /// Returns what it means where a number or a boolean is expected.
    pub(super) fn meaning_as_typed(&self) -> Meaning {
        match self.style {
            Style::Plain | Style::Filled => self.typed(),
            Style::Quoted => Meaning::Text,
        }
    }

    fn typed(&self) -> Meaning {
        let text = &*self.text;
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Meaning::Null,
            "true" | "True" | "TRUE" => return Meaning::Boolean(true),
            "false" | "False" | "FALSE" => return Meaning::Boolean(false),
            _ => {}
        }
        let radix = [("0o", 8), ("0x", 16)]
            .into_iter()
            .find_map(|(prefix, radix)| text.strip_prefix(prefix).map(|digits| (digits, radix)));
        if let Some((digits, radix)) = radix {
            let legal = digits.starts_with(|c: char| c.is_digit(radix));
            return match i64::from_str_radix(digits, radix) {
                Ok(number) if legal => Meaning::Integer(number),
                Ok(_) | Err(_) => Meaning::Text,
            };
        }
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let ambiguous = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        if digits.is_empty() || ambiguous {
            return Meaning::Text;
        }
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map_or(Meaning::Float, Meaning::Integer);
        }
        let float_like = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
            && digits.bytes().any(|byte| byte.is_ascii_digit())
            && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        if float_like && text.parse::<f64>().is_ok_and(f64::is_finite) {
            Meaning::Float
        } else {
            Meaning::Text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let meaning = |text: &str| Scalar { text: text.into(), style: Style::Plain }.meaning();
        for (text, expected) in [
            ("", Meaning::Null),
            ("~", Meaning::Null),
            ("null", Meaning::Null),
            ("true", Meaning::Boolean(true)),
            ("False", Meaning::Boolean(false)),
            ("0", Meaning::Integer(0)),
            ("-12", Meaning::Integer(-12)),
            ("0o10", Meaning::Integer(8)),
            ("0x1F", Meaning::Integer(31)),
            ("1.5", Meaning::Float),
            ("1e3", Meaning::Float),
            (".5", Meaning::Float),
            ("99999999999999999999", Meaning::Float),
        ] {
            assert_eq!(meaning(text), expected, "{text}");
        }
        for text in [
            "no",
            "on",
            "y",
            "010",
            "1_000",
            "0b1",
            "0o8",
            "22:22",
            "2026-11-21",
            "1.2.3",
            "-",
            ".",
            "e5",
            ".inf",
        ] {
            assert_eq!(meaning(text), Meaning::Text, "{text}");
        }
        let quoted = |style| Scalar { text: "1".into(), style };
        assert_eq!(quoted(Style::Quoted).meaning(), Meaning::Text);
        assert_eq!(quoted(Style::Quoted).meaning_as_typed(), Meaning::Text);
        assert_eq!(quoted(Style::Filled).meaning(), Meaning::Text);
        assert_eq!(quoted(Style::Filled).meaning_as_typed(), Meaning::Integer(1));
    }
}
