//! What stands in files of the model's values: one list of words for each type, for state, plan file and spec cache.
//!
//! serde is let into the model here alone, and only towards the borders: a value is read from a file and written to it
//! without a second type beside its own. Every word of a file stands in a row of a list, so that a rename in the model
//! changes no file, and each list takes its type apart in full, so that a new member does not compile until it has a row.
//! Changing a row changes the formats, so their versions rise with it. A reader checks the version first; an unknown
//! field after that is damage, never a newer program's addition, and is refused.
//!
//! A list serves JSON and formats without names alike: in what people may read, a member that is `None` is left out.
//! Start at [`Stored`] and at the lists in [`pod`]; `form` has the macros that they are written with.

mod desired;
pub(crate) mod form;
mod plan;
mod pod;
mod record;
mod retry;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::value::Error as TextError;
use serde::de::{Deserialize, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

pub(crate) use form::stored_structs;

/// A value that can be written to a file and read back.
pub(crate) trait Stored: Sized {
    /// Whether it is written as one text, so that it can be the key of a map.
    const TEXT: bool = false;
    /// Whether JSON's `null` is one of its values.
    const NULLABLE: bool = false;

    fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;

    fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;

    /// Tells whether it is what a missing member means.
    fn is_absent(&self) -> bool {
        false
    }

    /// Returns what a missing member means, if it may be missing.
    fn absent() -> Option<Self> {
        None
    }
}

/// An enum whose variants have words of their own.
pub(crate) trait StoredEnum {
    fn word(&self) -> &'static str;
}

/// A value on its way from a file, or a reference to one on its way there.
pub(crate) struct As<T>(pub T);

impl<T: Stored> Serialize for As<&T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.store(to)
    }
}

impl<'de, T: Stored> Deserialize<'de> for As<T> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::load(from).map(Self)
    }
}

/// Reads what is stored as one text or word.
pub(crate) fn from_text<T: Stored>(text: &str) -> Result<T, TextError> {
    T::load(text.into_deserializer())
}

/// Reads a text with its own parser.
fn parsed<'de, T, D: Deserializer<'de>>(
    from: D,
    what: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct Text<T>(&'static str, fn(&str) -> Option<T>);

    impl<T> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "the text of a {}", self.0)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            let Self(what, parse) = self;
            parse(text).ok_or_else(|| E::custom(format_args!("`{text}` is no {what}")))
        }
    }

    from.deserialize_str(Text(what, parse))
}

/// Values that serde knows.
macro_rules! plain {
    ($($type:ty),+) => {$(
        impl Stored for $type {
            fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.serialize(to)
            }

            #[inline]
            fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::deserialize(from)
            }
        }
    )+};
}

plain!(bool, u16, u32, u64, usize, i64);

impl Stored for String {
    const TEXT: bool = true;

    fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }

    #[inline]
    fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(from)
    }
}

/// An optional value in an optional one is a list of it: `null` can only stand for one of the two.
impl<T: Stored> Stored for Option<T> {
    const NULLABLE: bool = true;

    fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            None => to.serialize_none(),
            Some(value) if T::NULLABLE => to.serialize_some(&(As(value),)),
            Some(value) => to.serialize_some(&As(value)),
        }
    }

    #[inline]
    fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if T::NULLABLE {
            Ok(Option::<(As<T>,)>::deserialize(from)?.map(|(As(value),)| value))
        } else {
            Ok(Option::<As<T>>::deserialize(from)?.map(|As(value)| value))
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

macro_rules! pointers {
    ($($pointer:ident),+) => {$(
        impl<T: Stored> Stored for $pointer<T> {
            fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.as_ref().store(to)
            }

            fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                T::load(from).map(Self::new)
            }
        }
    )+};
}

pointers!(Box, Arc);

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (As(&self.0), As(&self.1)).serialize(to)
    }

    fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (As(a), As(b)) = Deserialize::deserialize(from)?;
        Ok((a, b))
    }
}

/// Reads a list. serde gives it little room before its values are there, whatever length it claims.
fn list<'de, T: Stored, C: FromIterator<T>, D: Deserializer<'de>>(from: D) -> Result<C, D::Error> {
    Ok(Vec::<As<T>>::deserialize(from)?.into_iter().map(|As(value)| value).collect())
}

impl<T: Stored> Stored for Vec<T> {
    fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(As))
    }

    fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        list(from)
    }
}

impl<T: Stored + Ord> Stored for BTreeSet<T> {
    fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(As))
    }

    fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        list(from)
    }
}

/// A map whose keys are no texts is a list of pairs, as JSON has no other keys.
impl<K: Stored + Ord, V: Stored> Stored for BTreeMap<K, V> {
    fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let entries = self.iter().map(|(key, value)| (As(key), As(value)));
        if K::TEXT { to.collect_map(entries) } else { to.collect_seq(entries) }
    }

    fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries<K, V>(PhantomData<(K, V)>);

        impl<'de, K: Stored + Ord, V: Stored> Visitor<'de> for Entries<K, V> {
            type Value = BTreeMap<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
                let entries = std::iter::from_fn(|| from.next_entry().transpose());
                entries.map(|entry| entry.map(|(As(key), As(value))| (key, value))).collect()
            }
        }

        if K::TEXT { from.deserialize_map(Entries(PhantomData)) } else { list(from) }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::model::address::Key;
    use crate::model::id::{EnvKey, PodId, RemoteId};
    use crate::model::plan::{ActionId, Step};
    use crate::model::pod::{Cloud, Compute, Port};
    use crate::model::settings::Field;

    fn json<T: Stored>(text: &str) -> Result<T, String> {
        serde_json::from_str(text).map(|As(value)| value).map_err(|error| error.to_string())
    }

    fn compact<T: Stored>(bytes: &[u8]) -> Option<T> {
        postcard::from_bytes(bytes).ok().map(|As(value)| value)
    }

    fn assert_comes_back<T: Stored + PartialEq + Debug>(value: T) {
        assert_eq!(json(&serde_json::to_string(&As(&value)).unwrap()).as_ref(), Ok(&value));
        assert_eq!(compact(&postcard::to_stdvec(&As(&value)).unwrap()), Some(value));
    }

    #[test]
    fn every_shape_comes_back_from_both_forms() {
        for value in [None, Some(None), Some(Some(7_u32))] {
            assert_comes_back(value);
        }
        assert_comes_back(BTreeMap::from([(Field::Env(EnvKey::new("A")), true), (Field::Name, false)]));
        assert_comes_back(BTreeMap::from([(RemoteId::Pod(PodId::new("a")), i64::MIN)]));
        for step in Step::ALL {
            assert_comes_back(BTreeSet::from([ActionId { address: "volume.models".parse().unwrap(), step }]));
        }
    }

    #[test]
    fn json_that_is_not_of_the_form_says_where_and_what() {
        let port = |text| json::<Port>(text).unwrap_err();
        let compute = |text| json::<Compute>(text).unwrap_err();
        let said = [
            port(r#"{"number":1}"#),
            port(r#"{"number":1,"protocol":"udp"}"#),
            port(r#"{"number":1,"number":2}"#),
            port(r#"{"number":1,"protocol":"tcp","name":"a"}"#),
            port("[1]"),
            port("7"),
            compute(r#""gpu""#),
            compute(r#"{"gpu":{"id":"L40S","count":-1}}"#),
            json::<BTreeSet<ActionId>>(r#"["llm:burn"]"#).unwrap_err(),
        ];
        insta::assert_snapshot!(said.join("\n"), @r"
        missing field `protocol` at line 1 column 12
        unknown variant `udp`, expected `http` or `tcp` at line 1 column 28
        duplicate field `number` at line 1 column 20
        unknown field `name`, expected `number` or `protocol` at line 1 column 35
        invalid length 1, expected one more at line 1 column 3
        invalid type: integer `7`, expected the members of Port at line 1 column 1
        invalid type: unit variant, expected newtype variant
        invalid value: integer `-1`, expected u32 at line 1 column 30
        `llm:burn` is no action at line 1 column 11
        ");
    }

    #[test]
    fn bytes_that_are_not_of_the_form_are_nothing() {
        assert_eq!(compact::<u64>(&[0x80; 10]), None);
        assert_eq!(compact::<u16>(&[0xff, 0xff, 0xff, 0x01]), None);
        assert_eq!(compact::<bool>(&[2]), None);
        assert_eq!(compact::<String>(&[3, b'a', b'b']), None);
        assert_eq!(compact::<String>(&[1, 0xff]), None);
        assert_eq!(compact::<Vec<String>>(&[0xff, 0xff, 0xff, 0xff, 0x0f]), None);
        assert_eq!(compact::<BTreeMap<String, bool>>(&[0xff, 0xff, 0xff, 0xff, 0x0f]), None);
        assert_eq!(compact::<Cloud>(&[2]), None);
        assert_eq!(compact::<Field>(&[1, b'a']), None);
        assert_eq!(compact::<Key>(&[1, b'A']), None);
    }
}
