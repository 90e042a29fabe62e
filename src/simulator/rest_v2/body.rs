//! A body as v2's JSON Schema validator checks it: all violations at once, what is missing first.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Problem, parse};

/// Reads a body, which must be an object, by what is asked of its fields.
pub(super) fn read<T>(body: &[u8], ask: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Problem> {
    let (value, mut violations) = (parse(body)?, Violations::default());
    let asked = Fields::read(&value, "$", &mut violations, ask);
    let Violations { mut missing, other } = violations;
    missing.extend(other);
    asked.filter(|_| missing.is_empty()).ok_or_else(|| Problem::invalid(missing))
}

/// What is wrong with a body.
#[derive(Default)]
struct Violations {
    missing: Vec<String>,
    other: Vec<String>,
}

impl Violations {
    fn wrong(&mut self, at: &str, text: &str) {
        self.other.push(format!("{at}: {text}"));
    }

    fn typed<'a, T>(
        &mut self,
        at: &str,
        value: &'a Value,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let typed = read(value);
        if typed.is_none() {
            self.wrong(at, &format!("got {}, want {wanted}", kind(value)));
        }
        typed
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// An object of the body and the fields that were asked for.
pub(super) struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
    violations: &'a mut Violations,
}

impl<'a> Fields<'a> {
    fn read<T>(
        value: &'a Value,
        path: &str,
        violations: &'a mut Violations,
        ask: impl FnOnce(&mut Fields<'_>) -> T,
    ) -> Option<T> {
        let map = violations.typed(path, value, "object", Value::as_object)?;
        let mut fields = Fields { path: path.to_owned(), map, known: Vec::new(), violations };
        let asked = ask(&mut fields);
        let unknown = map.keys().filter(|key| !fields.known.contains(&key.as_str()));
        let unknown: Vec<String> = unknown.map(|key| format!("'{key}'")).collect();
        if !unknown.is_empty() {
            let text = format!("additional properties {} not allowed", unknown.join(", "));
            fields.violations.wrong(path, &text);
        }
        Some(asked)
    }

    fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.map.get(name)
    }

    fn typed<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(name)?;
        self.violations.typed(&self.at(name), value, wanted, read)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    pub(super) fn require(&mut self, name: &str) {
        if !self.has(name) {
            self.violations.missing.push(format!("{}: missing property '{name}'", self.path));
        }
    }

    /// Takes fields for unknown although they were asked for.
    pub(super) fn disown(&mut self, names: &[&str]) {
        self.known.retain(|known| !names.contains(known));
    }

    /// Notes what is wrong with the object as a whole.
    pub(super) fn wrong(&mut self, text: &str) {
        self.violations.wrong(&self.path, text);
    }

    /// Notes what is wrong with a field.
    pub(super) fn wrong_at(&mut self, name: &str, text: &str) {
        self.violations.wrong(&self.at(name), text);
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.typed(name, "string", text)
    }

    /// Reads a text that may be taken away by `null`.
    pub(super) fn clearable_text(&mut self, name: &'static str) -> Option<Option<String>> {
        if self.map.get(name).is_some_and(Value::is_null) {
            self.known.push(name);
            return Some(None);
        }
        self.text(name).map(Some)
    }

    pub(super) fn filled_text(&mut self, name: &'static str) -> Option<String> {
        let text = self.text(name)?;
        if text.is_empty() {
            self.wrong_at(name, "minLength: got 0, want 1");
        }
        Some(text)
    }

    pub(super) fn one_of<T: Copy>(&mut self, name: &'static str, known: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = known.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<String> = known.iter().map(|(word, _)| format!("'{word}'")).collect();
            self.wrong_at(name, &format!("value must be one of {}", words.join(", ")));
        }
        found
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.typed(name, "boolean", Value::as_bool)
    }

    pub(super) fn number(&mut self, name: &'static str, low: u32, high: u32) -> Option<u32> {
        let number = self.typed(name, "integer", Value::as_i64)?;
        if number < i64::from(low) {
            self.wrong_at(name, &format!("minimum: got {number}, want {low}"));
        }
        if number > i64::from(high) {
            self.wrong_at(name, &format!("maximum: got {number}, want {high}"));
        }
        u32::try_from(number).ok()
    }

    pub(super) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let (items, path) = (self.typed(name, "array", Value::as_array)?, self.at(name));
        let items = items.iter().enumerate();
        let item = |(index, item)| self.violations.typed(&format!("{path}[{index}]"), item, "string", text);
        Some(items.filter_map(item).collect())
    }

    pub(super) fn text_map(&mut self, name: &'static str) -> Option<BTreeMap<String, String>> {
        let (items, path) = (self.typed(name, "object", Value::as_object)?, self.at(name));
        let item = |(key, item): (&String, &Value)| {
            Some((key.clone(), self.violations.typed(&format!("{path}.{key}"), item, "string", text)?))
        };
        Some(items.iter().filter_map(item).collect())
    }

    pub(super) fn object<T>(
        &mut self,
        name: &'static str,
        ask: impl FnOnce(&mut Fields<'_>) -> T,
    ) -> Option<T> {
        let value = self.value(name)?;
        Fields::read(value, &self.at(name), self.violations, ask)
    }

    /// Reads a list of at most one object.
    pub(super) fn at_most_one<T>(
        &mut self,
        name: &'static str,
        mut ask: impl FnMut(&mut Fields<'_>) -> T,
    ) -> Option<Vec<T>> {
        let items = self.typed(name, "array", Value::as_array)?;
        if items.len() > 1 {
            self.wrong_at(name, &format!("maxItems: got {}, want 1", items.len()));
        }
        let path = self.at(name);
        let items = items.iter().enumerate();
        let item = |(index, item)| Fields::read(item, &format!("{path}[{index}]"), self.violations, &mut ask);
        Some(items.filter_map(item).collect())
    }
}
