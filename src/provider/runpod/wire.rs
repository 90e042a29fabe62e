//! Fields of answers, taken apart one by one.
//!
//! serde's own messages are never shown: they quote the offending value, which can be a secret of an environment,
//! and do not name the field. So every field of a wire type is a [`Wire`], which cannot fail to be read; the
//! conversion asks for what it needs and names the field that is missing.
//!
//! Answers are read in one pass, without a tree in between: a listing of a large account has some hundred megabytes.
//! So a type says which kinds of JSON it takes ([`Field`]), and every other kind is passed over.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use crate::model::id::EnvKey;
use crate::model::live::Origin;
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

impl<T: Field> Wire<T> {
    /// Returns the value as an entry of a list or an object.
    fn or_null(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Null => T::of_null(),
            Self::Absent | Self::Odd => None,
        }
    }
}

impl<'de, T: Field> Deserialize<'de> for Wire<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WireVisitor(PhantomData))
    }
}

/// What a field can be read as. Each function is for one kind of JSON and answers `None` where that is no such value;
/// an error is a broken answer only.
pub(super) trait Field: Sized {
    /// Takes null inside of a list or an object; as a field of its own it is [`Wire::Null`].
    fn of_null() -> Option<Self> {
        None
    }

    /// Takes a text.
    fn of_text(_: &str) -> Option<Self> {
        None
    }

    /// Takes a text that is the field's own.
    fn of_string(text: String) -> Option<Self> {
        Self::of_text(&text)
    }

    /// Takes `true` or `false`.
    fn of_flag(_: bool) -> Option<Self> {
        None
    }

    /// Takes a number.
    fn of_number(_: Number) -> Option<Self> {
        None
    }

    /// Takes a list.
    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// Takes an object.
    fn of_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

struct WireVisitor<T>(PhantomData<T>);

impl<'de, T: Field> Visitor<'de> for WireVisitor<T> {
    type Value = Wire<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Wire<T>, E> {
        Ok(Wire::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Wire<T>, E> {
        Ok(is_or_odd(T::of_flag(flag)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Wire<T>, E> {
        Ok(is_or_odd(T::of_number(number.into())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Wire<T>, E> {
        Ok(is_or_odd(T::of_number(number.into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Wire<T>, E> {
        Ok(is_or_odd(Number::from_f64(number).and_then(T::of_number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Wire<T>, E> {
        Ok(is_or_odd(T::of_text(text)))
    }

    fn visit_string<E>(self, text: String) -> Result<Wire<T>, E> {
        Ok(is_or_odd(T::of_string(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Wire<T>, A::Error> {
        T::of_list(list).map(is_or_odd)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Wire<T>, A::Error> {
        T::of_object(object).map(is_or_odd)
    }
}

fn is_or_odd<T>(read: Option<T>) -> Wire<T> {
    read.map_or(Wire::Odd, Wire::Is)
}

/// Makes structs whose fields are all [`Wire`] readable as fields themselves.
macro_rules! objects {
    ($($name:ident),+ $(,)?) => {$(
        impl $crate::provider::runpod::wire::Field for $name {
            fn of_object<'de, A: serde::de::MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
                let object = serde::de::value::MapAccessDeserializer::new(object);
                serde::Deserialize::deserialize(object).map(Some)
            }
        }
    )+};
}
pub(super) use objects;

impl Field for String {
    fn of_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn of_string(text: String) -> Option<Self> {
        Some(text)
    }
}

impl Field for bool {
    fn of_flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

impl Field for u64 {
    fn of_number(number: Number) -> Option<Self> {
        number.as_u64()
    }
}

impl Field for Value {
    fn of_null() -> Option<Self> {
        Some(Self::Null)
    }

    fn of_string(text: String) -> Option<Self> {
        Some(Self::String(text))
    }

    fn of_text(text: &str) -> Option<Self> {
        Some(Self::String(text.to_owned()))
    }

    fn of_flag(flag: bool) -> Option<Self> {
        Some(Self::Bool(flag))
    }

    fn of_number(number: Number) -> Option<Self> {
        Some(Self::Number(number))
    }

    fn of_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        Self::deserialize(serde::de::value::SeqAccessDeserializer::new(list)).map(Some)
    }

    fn of_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        Self::deserialize(serde::de::value::MapAccessDeserializer::new(object)).map(Some)
    }
}

/// The most entries of a list that is read. A pod takes more than a kilobyte in memory, however short it is told.
pub(super) const MOST_ENTRIES: usize = 200_000;

/// The entries of a listing; `None` stands for one of another form, so that the others can be read all the same. A list
/// that is too long to be kept is none.
pub(super) struct Entries<T>(pub(super) Vec<Option<T>>);

impl<T: Field> Field for Entries<T> {
    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut entries = Some(Vec::new());
        while let Some(entry) = list.next_element::<Wire<T>>()? {
            match &mut entries {
                Some(kept) if kept.len() < MOST_ENTRIES => kept.push(entry.or_null()),
                Some(_) | None => entries = None,
            }
        }
        Ok(entries.map(Self))
    }
}

/// A list with an entry of another form is none at all: which entry it would lack is not known. Nor is one that is too
/// long to be kept.
impl<T: Field> Field for Vec<T> {
    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut entries = Some(Self::new());
        while let Some(entry) = list.next_element::<Wire<T>>()? {
            match (entry.or_null(), &mut entries) {
                (Some(entry), Some(entries)) if entries.len() < MOST_ENTRIES => entries.push(entry),
                (Some(_) | None, _) => entries = None,
            }
        }
        Ok(entries)
    }
}

impl<T: Field> Field for BTreeMap<String, T> {
    fn of_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut entries = Some(Self::new());
        while let Some((key, value)) = object.next_entry::<String, Wire<T>>()? {
            match (value.or_null(), &mut entries) {
                (Some(value), Some(entries)) => drop(entries.insert(key, value)),
                (Some(_) | None, _) => entries = None,
            }
        }
        Ok(entries)
    }
}

/// One page of a listing: the entries under a key, and where the list goes on.
pub(super) struct Page<T> {
    pub(super) entries: Wire<Entries<T>>,
    pub(super) pagination: Wire<PaginationWire>,
}

objects!(PaginationWire);

/// Where a list goes on after a page.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PaginationWire {
    pub(super) next_cursor: Wire<String>,
    pub(super) has_next_page: Wire<bool>,
}

/// Reads a [`Page`] whose entries stand under this key.
pub(super) struct PageUnder<T>(&'static str, PhantomData<T>);

impl<T> PageUnder<T> {
    pub(super) fn key(key: &'static str) -> Self {
        Self(key, PhantomData)
    }
}

impl<'de, T: Field> DeserializeSeed<'de> for PageUnder<T> {
    type Value = Page<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page<T>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Field> Visitor<'de> for PageUnder<T> {
    type Value = Page<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a listing")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Page<T>, A::Error> {
        let mut page = Page { entries: Wire::Absent, pagination: Wire::Absent };
        while let Some(key) = object.next_key::<String>()? {
            match key.as_str() {
                key if key == self.0 => page.entries = object.next_value()?,
                "pagination" => page.pagination = object.next_value()?,
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(page)
    }
}

/// What one entry of a listing says: its id, where it comes from and, as far as it can be read, the object; or not even
/// its id.
pub(super) type Entry<O, I> = Result<(I, Origin, Result<Box<O>, Unfit>), Unfit>;

/// Reads the id of a pod or a network volume.
///
/// It becomes a part of URLs, and is written into specs and states. RunPod makes ids of letters and digits, so what
/// holds anything that could lead to another object, or no end, is the id of none.
pub(super) fn object_id(id: Wire<String>, field: &'static str) -> Result<String, Unfit> {
    const LONGEST: usize = 64;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let id = id.required(field)?;
    let is_id = (1..=LONGEST).contains(&id.len()) && id.bytes().all(is_part);
    if is_id { Ok(id) } else { Err(Unfit::Odd(field)) }
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

impl Field for Count {
    fn of_number(number: Number) -> Option<Self> {
        let number = number.as_f64()?;
        let whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        whole.then_some(Self(number as u32))
    }

    fn of_text(text: &str) -> Option<Self> {
        Self::of_number(Number::from_f64(text.trim().parse().ok()?)?)
    }
}

/// A number with a fraction, sent as `0.74` or `"0.74"`.
#[derive(Clone, Copy)]
pub(super) struct Dollars(pub(super) f64);

impl Field for Dollars {
    fn of_number(number: Number) -> Option<Self> {
        number.as_f64().map(Self)
    }

    fn of_text(text: &str) -> Option<Self> {
        text.trim().parse().ok().map(Self)
    }
}

/// An environment sent as a map. Its values are hidden as soon as they are read.
pub(super) struct EnvMap(pub(super) BTreeMap<EnvKey, Secret<String>>);

impl Field for EnvMap {
    fn of_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut env = Some(BTreeMap::new());
        while let Some((key, value)) = object.next_entry::<String, Wire<EnvText>>()? {
            let text = match value {
                Wire::Is(EnvText(text)) => text,
                Wire::Null | Wire::Absent => String::new(),
                Wire::Odd => {
                    env = None;
                    continue;
                }
            };
            if let Some(env) = &mut env {
                env.insert(EnvKey::new(key), Secret::new(text));
            }
        }
        Ok(env.map(Self))
    }
}

/// A value of an environment, which may have been typed as a number.
struct EnvText(String);

impl Field for EnvText {
    fn of_text(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }

    fn of_string(text: String) -> Option<Self> {
        Some(Self(text))
    }

    fn of_flag(flag: bool) -> Option<Self> {
        Some(Self(flag.to_string()))
    }

    fn of_number(number: Number) -> Option<Self> {
        Some(Self(number.to_string()))
    }
}

/// An environment sent as a list of `KEY=VALUE`, as GraphQL does. The value begins after the first `=`.
pub(super) struct EnvPairs(pub(super) BTreeMap<EnvKey, Secret<String>>);

impl Field for EnvPairs {
    fn of_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        let split = |pair: &String| {
            let (key, value) = pair.split_once('=')?;
            Some((EnvKey::new(key), Secret::new(value.to_owned())))
        };
        let pairs = Vec::<String>::of_list(list)?;
        Ok(pairs.and_then(|pairs| pairs.iter().map(split).collect::<Option<_>>()).map(Self))
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
    fn a_list_that_is_too_long_to_be_kept_is_none() {
        let list = |entries: usize| format!("[{}]", vec!["true"; entries].join(","));
        let read = |entries| serde_json::from_str::<Wire<Vec<bool>>>(&list(entries)).unwrap();
        assert!(matches!(read(MOST_ENTRIES), Wire::Is(kept) if kept.len() == MOST_ENTRIES));
        assert!(matches!(read(MOST_ENTRIES + 1), Wire::Odd));
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
