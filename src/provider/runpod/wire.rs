//! Fields of answers, taken apart one by one.
//!
//! serde's own messages are never shown: they quote the offending value, which can be a secret of an environment,
//! and do not name the field. So every field of a wire type is a [`Wire`], which cannot fail to be read; the
//! conversion asks for what it needs and names the field that is missing.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::id::EnvKey;
use crate::model::secret::Secret;

/// One field of an answer.
#[derive(Default)]
pub(super) enum Wire<T> {
    /// It is not there.
    #[default]
    Absent,
    /// It is there and says nothing.
    Null,
    /// Its value has another form than the documented one.
    Odd,
    /// It could be read.
    Is(T),
}

impl<T> Wire<T> {
    /// Returns the value, which the conversion cannot do without.
    pub(super) fn required(self, field: &'static str) -> Result<T, Unfit> {
        match self {
            Self::Is(value) => Ok(value),
            Self::Absent | Self::Null => Err(Unfit::Missing(field)),
            Self::Odd => Err(Unfit::Odd(field)),
        }
    }

    /// Returns the value or `None` for null; the field itself must be there.
    pub(super) fn nullable(self, field: &'static str) -> Result<Option<T>, Unfit> {
        match self {
            Self::Is(value) => Ok(Some(value)),
            Self::Null => Ok(None),
            Self::Absent => Err(Unfit::Missing(field)),
            Self::Odd => Err(Unfit::Odd(field)),
        }
    }

    /// Returns the value, or `None` where the API does not say; a value that cannot be read is not taken for that.
    pub(super) fn optional(self, field: &'static str) -> Result<Option<T>, Unfit> {
        match self {
            Self::Is(value) => Ok(Some(value)),
            Self::Absent | Self::Null => Ok(None),
            Self::Odd => Err(Unfit::Odd(field)),
        }
    }

    /// Returns `None` where the field is not there, and `Some(None)` where it is null.
    pub(super) fn said(self, field: &'static str) -> Result<Option<Option<T>>, Unfit> {
        match self {
            Self::Is(value) => Ok(Some(Some(value))),
            Self::Null => Ok(Some(None)),
            Self::Absent => Ok(None),
            Self::Odd => Err(Unfit::Odd(field)),
        }
    }

    /// Returns the value if it can be read; for fields that are only shown.
    pub(super) fn shown(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Null | Self::Odd => None,
        }
    }

    /// Converts the value, if there is one.
    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Wire<U> {
        match self {
            Self::Is(value) => Wire::Is(convert(value)),
            Self::Absent => Wire::Absent,
            Self::Null => Wire::Null,
            Self::Odd => Wire::Odd,
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Wire<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Null,
            value => T::deserialize(value).map_or(Self::Odd, Self::Is),
        })
    }
}

/// Why an answer cannot be used, naming the field and never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// The field is not there.
    #[error("the answer has no field `{0}`")]
    Missing(&'static str),
    /// The field holds something else than documented.
    #[error("the field `{0}` of the answer is not understood")]
    Odd(&'static str),
}

/// A whole number, sent as `1`, `1.0` or `"1"`.
#[derive(Clone, Copy)]
pub(super) struct Count(pub(super) u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Dollars(number) = Dollars::deserialize(deserializer)?;
        let whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        if whole { Ok(Self(number as u32)) } else { Err(serde::de::Error::custom("not a count")) }
    }
}

/// A number with a fraction, sent as `0.74` or `"0.74"`.
#[derive(Clone, Copy)]
pub(super) struct Dollars(pub(super) f64);

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        number.map(Self).ok_or_else(|| serde::de::Error::custom("not a number"))
    }
}

/// An environment sent as a map. Its values are hidden as soon as they are read.
pub(super) struct EnvMap(pub(super) BTreeMap<EnvKey, Secret<String>>);

impl<'de> Deserialize<'de> for EnvMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, Value>::deserialize(deserializer)?;
        let mut env = BTreeMap::new();
        for (key, value) in values {
            let text = match value {
                Value::String(text) => text,
                Value::Null => String::new(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(serde::de::Error::custom("not a text"));
                }
            };
            env.insert(EnvKey::new(key), Secret::new(text));
        }
        Ok(Self(env))
    }
}

/// An environment sent as a list of `KEY=VALUE`, as GraphQL does. The value begins after the first `=`.
pub(super) struct EnvPairs(pub(super) BTreeMap<EnvKey, Secret<String>>);

impl<'de> Deserialize<'de> for EnvPairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = Vec::<String>::deserialize(deserializer)?;
        let split = |pair: &String| {
            let (key, value) = pair.split_once('=')?;
            Some((EnvKey::new(key), Secret::new(value.to_owned())))
        };
        let env: Option<BTreeMap<_, _>> = pairs.iter().map(split).collect();
        env.map(Self).ok_or_else(|| serde::de::Error::custom("not KEY=VALUE"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Sample {
        a: Wire<Count>,
        b: Wire<Dollars>,
        env: Wire<EnvMap>,
    }

    fn sample(text: &str) -> Sample {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_read_from_numbers_and_texts() {
        for (text, count) in
            [("1", Some(1)), ("1.0", Some(1)), ("\"12\"", Some(12)), ("1.5", None), ("-1", None)]
        {
            let read = sample(&format!(r#"{{"a":{text}}}"#)).a.shown().map(|Count(count)| count);
            assert_eq!(read, count, "{text}");
        }
        let Some(Dollars(price)) = sample(r#"{"b":"0.74"}"#).b.shown() else { panic!("0.74 is a number") };
        assert!((price - 0.74).abs() < 1e-9);
    }

    #[test]
    fn a_field_is_absent_null_odd_or_there() {
        let missing = sample("{}").a.required("a").err();
        let null = sample(r#"{"a":null}"#).a.nullable("a").map(|count| count.is_none());
        let odd = sample(r#"{"a":[]}"#).a.optional("a").err();
        assert_eq!((missing, null, odd), (Some(Unfit::Missing("a")), Ok(true), Some(Unfit::Odd("a"))));
    }

    #[test]
    fn an_odd_environment_is_named_without_its_values() {
        let odd = sample(r#"{"env":{"TOKEN":["hunter2"]}}"#).env.required("env").err().unwrap();
        assert_eq!(odd.to_string(), "the field `env` of the answer is not understood");
    }
}
