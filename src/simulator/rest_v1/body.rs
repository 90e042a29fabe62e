//! A body of REST v1, with errors in the words of its validator: unknown fields are ignored, and the first wrong one is told.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Wrong;

/// A body, with errors in the words of v1's validator.
pub(super) struct Body {
    fields: Map<String, Value>,
}

impl Body {
    pub(super) fn parse(body: &[u8]) -> Result<Body, Wrong> {
        let value =
            if body.is_empty() { json!({}) } else { serde_json::from_slice(body).unwrap_or(Value::Null) };
        let wrong = || Wrong::Body("body must be a JSON object".to_owned());
        Ok(Body { fields: value.as_object().cloned().ok_or_else(wrong)? })
    }

    /// A field that is `null` counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn take<'a, T>(
        &'a self,
        name: &str,
        kind: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Wrong> {
        let wrong = || Wrong::Body(format!("body/{name} must be {kind}"));
        self.get(name).map(|value| read(value).ok_or_else(wrong)).transpose()
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Wrong> {
        self.take(name, "string", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Wrong> {
        self.take(name, "boolean", Value::as_bool)
    }

    pub(super) fn number(&self, name: &str, least: u32) -> Result<Option<u32>, Wrong> {
        let number = self.take(name, "integer", |value| u32::try_from(value.as_i64()?).ok())?;
        match number {
            Some(number) if number < least => Err(Wrong::Body(format!("body/{name} must be >= {least}"))),
            number => Ok(number),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Wrong> {
        let texts = |value: &Value| {
            value
                .as_array()?
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<Vec<String>>>()
        };
        self.take(name, "array of strings", texts)
    }

    pub(super) fn text_map(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Wrong> {
        let texts = |value: &Value| {
            let pairs = value.as_object()?.iter();
            pairs.map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect::<Option<_>>()
        };
        self.take(name, "object of strings", texts)
    }

    pub(super) fn one_of(&self, name: &str, allowed: &[&str]) -> Result<Option<String>, Wrong> {
        let text = self.text(name)?;
        check_allowed(&format!("body/{name}"), text.as_deref(), allowed)?;
        Ok(text)
    }

    pub(super) fn some_of(&self, name: &str, allowed: &[&str]) -> Result<Vec<String>, Wrong> {
        let texts = self.texts(name)?.unwrap_or_default();
        for (index, text) in texts.iter().enumerate() {
            check_allowed(&format!("body/{name}/{index}"), Some(text), allowed)?;
        }
        Ok(texts)
    }
}

pub(super) fn check_allowed(at: &str, text: Option<&str>, allowed: &[&str]) -> Result<(), Wrong> {
    match text {
        Some(text) if !allowed.contains(&text) => {
            Err(Wrong::Body(format!("{at} must be one of the allowed values: {}", allowed.join(", "))))
        }
        Some(_) | None => Ok(()),
    }
}
