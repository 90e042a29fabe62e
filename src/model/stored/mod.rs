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
                let mut entries = BTreeMap::new();
                while let Some((As(key), As(value))) = from.next_entry()? {
                    entries.insert(key, value);
                }
                Ok(entries)
            }
        }

        if K::TEXT { from.deserialize_map(Entries(PhantomData)) } else { list(from) }
    }
}
