//! JSON whose members stand in the order in which they are written: readers of a plan expect it, and `serde_json` sorts
//! them. The keys of a document stand where it is made and nowhere else, so nothing that is renamed in the model changes
//! one.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::escape::in_json;

#[derive(Clone, Debug)]
pub(super) enum Json {
    /// Leaves out the member that it would be the value of.
    LeftOut,
    Text(Cow<'static, str>),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
    /// Numbers, switches and nulls, and objects whose keys are no words of a format, such as attributes.
    Value(Value),
}

/// Makes an object of members, each written as `"key": value`.
macro_rules! object {
    ($($key:literal: $value:expr),* $(,)?) => {
        $crate::render::object::Json::Object(vec![$(($key, $value.into())),*])
    };
}
pub(super) use object;

/// Returns what prints as a text.
pub(super) fn text(value: impl Display) -> Json {
    Json::Text(value.to_string().into())
}

pub(super) fn texts(values: impl IntoIterator<Item: Display>) -> Json {
    list(values, text)
}

pub(super) fn list<T>(values: impl IntoIterator<Item = T>, one: impl Fn(T) -> Json) -> Json {
    Json::List(values.into_iter().map(one).collect())
}

/// Returns the value of a member that is only there if there is a value.
pub(super) fn if_any(value: Option<impl Into<Json>>) -> Json {
    value.map_or(Json::LeftOut, Into::into)
}

impl Json {
    /// Returns the value of a member that is only there if the list has an entry.
    pub(super) fn unless_empty(self) -> Self {
        match self {
            Self::List(entries) if entries.is_empty() => Self::LeftOut,
            other => other,
        }
    }
}

macro_rules! values {
    ($($variant:ident: $($from:ty),+;)+) => {$($(
        impl From<$from> for Json {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )+)+};
}
values! {
    Text: String, &'static str;
    Value: bool, u32, u64, i64, usize, Value;
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Value(Value::Null), Into::into)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::LeftOut => to.serialize_unit(),
            Self::Text(text) => to.serialize_str(text),
            Self::List(entries) => to.collect_seq(entries),
            Self::Object(members) => to.collect_map(
                members
                    .iter()
                    .filter(|(_, value)| !matches!(value, Self::LeftOut))
                    .map(|(key, value)| (key, value)),
            ),
            Self::Value(value) => value.serialize(to),
        }
    }
}

/// Writes a document and a line break, with nothing invisible in it.
pub(super) fn write_document(out: &mut dyn Write, text: serde_json::Result<String>) -> fmt::Result {
    out.write_str(&in_json(&text.map_err(|_| fmt::Error)?))?;
    out.write_char('\n')
}
