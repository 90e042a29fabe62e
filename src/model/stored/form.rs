//! The macros that lists are written with, and what all of their expansions share.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{As, Stored};

/// Identifiers: any text is one.
macro_rules! ids {
    ($($name:ident),+ $(,)?) => {$(
        impl Stored for $name {
            const TEXT: bool = true;

            fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }

            #[inline]
            fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::load(from).map(Self::new)
            }
        }
    )+};
}
pub(super) use ids;

/// Values that are written as they print, each with what a person calls it.
macro_rules! texts {
    ($($name:ident = $what:literal),+ $(,)?) => {$(
        impl Stored for $name {
            const TEXT: bool = true;

            fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }

            fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                parsed(from, $what, |text| text.parse().ok())
            }
        }
    )+};
}
pub(super) use texts;

/// Numbers that mean something.
macro_rules! amounts {
    ($($name:ident),+ $(,)?) => {$(
        impl Stored for $name {
            fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.0.store(to)
            }

            #[inline]
            fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Stored::load(from).map(Self)
            }
        }
    )+};
}
pub(super) use amounts;

/// Structs: each member in a row, with its word in files where that is another one.
macro_rules! stored_structs {
    ($($name:ident { $($field:ident $(= $word:literal)?),+ $(,)? })+) => {$(
        const _: () = {
            use serde::ser::SerializeStruct as _;
            use $crate::model::stored::form::*;

            fields!($name, [$name], { $($field $(= $word)?),+ });

            impl $crate::model::stored::Stored for $name {
                fn store<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    let Self { $($field),+ } = self;
                    let readable = to.is_human_readable();
                    let mut to = to.serialize_struct(stringify!($name), WORDS.len())?;
                    store_fields!(to, readable, { $($field $(= $word)?),+ })
                }

                fn load<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    serde::de::DeserializeSeed::deserialize(Fields, from)
                }
            }
        };
    )+};
}
pub(crate) use stored_structs;

/// Enums: each variant in a row behind its word, with values, with members as structs have them, or with nothing.
macro_rules! stored_enums {
    ($($name:ident { $(
        $word:literal = $variant:ident $(($($value:ident),+))? $({ $($field:ident $(= $member:literal)?),+ $(,)? })?
    ),+ $(,)? })+) => {$(
        const _: () = {
            #[allow(unused_imports, reason = "for variants with members")]
            use serde::ser::SerializeStructVariant as _;
            use serde::de::{EnumAccess, VariantAccess};
            use $crate::model::stored::form::*;

            const WORDS: &[&str] = &[$($word),+];
            enum Index { $($variant),+ }

            impl $crate::model::stored::Stored for $name {
                fn store<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    match self {$(
                        Self::$variant $(($($value),+))? $({ $($field),+ })? => store_variant!(
                            to, $name, Index::$variant as u32, $word $(, ($($value),+))?
                            $(, { $($field $(= $member)?),+ })?
                        ),
                    )+}
                }

                fn load<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    from.deserialize_enum(stringify!($name), WORDS, Variants)
                }
            }

            impl $crate::model::stored::StoredEnum for $name {
                fn word(&self) -> &'static str {
                    match self { $(Self::$variant { .. } => $word),+ }
                }
            }

            struct Variants;

            impl<'de> serde::de::Visitor<'de> for Variants {
                type Value = $name;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(concat!("one of ", stringify!($name)))
                }

                fn visit_enum<A: EnumAccess<'de>>(self, from: A) -> Result<$name, A::Error> {
                    let (index, from) = from.variant_seed(Word::of_variant(WORDS))?;
                    $(if index == Index::$variant as usize {
                        return load_variant!(
                            from, $name, $variant $(, ($($value),+))? $(, { $($field $(= $member)?),+ })?
                        );
                    })+
                    Err(no_index(index))
                }
            }
        };
    )+};
}
pub(crate) use stored_enums;

/// The word of a member: its name, unless a row says otherwise.
macro_rules! word {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident = $word:literal) => {
        $word
    };
}
pub(crate) use word;

macro_rules! store_fields {
    ($to:ident, $readable:ident, { $($field:ident $(= $word:literal)?),+ }) => {{
        $(if !($readable && $crate::model::stored::Stored::is_absent($field)) {
            $to.serialize_field(word!($field $(= $word)?), &$crate::model::stored::As($field))?;
        })+
        $to.end()
    }};
}
pub(crate) use store_fields;

macro_rules! store_variant {
    ($to:ident, $name:ident, $index:expr, $word:literal) => {
        $to.serialize_unit_variant(stringify!($name), $index, $word)
    };
    ($to:ident, $name:ident, $index:expr, $word:literal, ($value:ident)) => {
        $to.serialize_newtype_variant(stringify!($name), $index, $word, &$crate::model::stored::As($value))
    };
    ($to:ident, $name:ident, $index:expr, $word:literal, ($($value:ident),+)) => {{
        let values = ($($crate::model::stored::As($value)),+);
        $to.serialize_newtype_variant(stringify!($name), $index, $word, &values)
    }};
    ($to:ident, $name:ident, $index:expr, $word:literal, { $($field:ident $(= $member:literal)?),+ }) => {{
        let readable = $to.is_human_readable();
        let count = [$(stringify!($field)),+].len();
        let mut to = $to.serialize_struct_variant(stringify!($name), $index, $word, count)?;
        store_fields!(to, readable, { $($field $(= $member)?),+ })
    }};
}
pub(crate) use store_variant;

macro_rules! load_variant {
    ($from:ident, $name:ident, $variant:ident) => {
        $from.unit_variant().map(|()| $name::$variant)
    };
    ($from:ident, $name:ident, $variant:ident, ($value:ident)) => {
        $from.newtype_variant().map(|$crate::model::stored::As($value)| $name::$variant($value))
    };
    ($from:ident, $name:ident, $variant:ident, ($($value:ident),+)) => {
        $from
            .newtype_variant()
            .map(|($($crate::model::stored::As($value)),+)| $name::$variant($($value),+))
    };
    ($from:ident, $name:ident, $variant:ident, { $($field:ident $(= $member:literal)?),+ }) => {{
        fields!($name, [$name::$variant], { $($field $(= $member)?),+ });
        $from.newtype_variant_seed(Fields)
    }};
}
pub(crate) use load_variant;

/// Defines `Fields`, which reads members, by name or in their order, to what `[..]` constructs.
macro_rules! fields {
    ($name:ident, [$($path:tt)+], { $($field:ident $(= $word:literal)?),+ }) => {
        const WORDS: &[&str] = &[$(word!($field $(= $word)?)),+];

        #[allow(non_camel_case_types, reason = "they count the members")]
        enum Member { $($field),+ }

        struct Fields;

        impl<'de> serde::de::DeserializeSeed<'de> for Fields {
            type Value = $name;

            fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<$name, D::Error> {
                from.deserialize_struct(stringify!($name), WORDS, self)
            }
        }

        impl<'de> serde::de::Visitor<'de> for Fields {
            type Value = $name;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!("the members of ", stringify!($name)))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut from: A) -> Result<$name, A::Error> {
                $(let mut $field = None;)+
                let mut likely = 0;
                while let Some(index) = from.next_key_seed(Word::of_member(WORDS, likely))? {
                    $(if index == Member::$field as usize {
                        put(&mut $field, WORDS[index], &mut from)?;
                    })+
                    likely = index + 1;
                }
                Ok($($path)+ { $($field: found($field, WORDS[Member::$field as usize])?),+ })
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut from: A) -> Result<$name, A::Error> {
                Ok($($path)+ { $($field: next(&mut from, Member::$field as usize)?),+ })
            }
        }
    };
}
pub(crate) use fields;

/// Reads a word of a list to its place there.
pub(crate) struct Word {
    words: &'static [&'static str],
    /// Members mostly come in their order.
    likely: usize,
    is_variant: bool,
}

impl Word {
    pub(crate) fn of_member(words: &'static [&'static str], likely: usize) -> Self {
        Self { words, likely, is_variant: false }
    }

    pub(crate) fn of_variant(words: &'static [&'static str]) -> Self {
        Self { words, likely: 0, is_variant: true }
    }
}

impl<'de> DeserializeSeed<'de> for Word {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<usize, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Word {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word of the format")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
        let Self { words, likely, is_variant } = self;
        if words.get(likely) == Some(&text) {
            return Ok(likely);
        }
        words.iter().position(|word| *word == text).ok_or_else(|| {
            if is_variant { E::unknown_variant(text, words) } else { E::unknown_field(text, words) }
        })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<usize, E> {
        usize::try_from(number).ok().filter(|index| *index < self.words.len()).ok_or_else(|| no_index(number))
    }
}

pub(crate) fn no_index<E: Error>(index: impl fmt::Display) -> E {
    E::custom(format_args!("no word has the number {index}"))
}

/// Reads the value of a member, of which there may be one.
pub(crate) fn put<'de, T: Stored, A: MapAccess<'de>>(
    member: &mut Option<T>,
    word: &'static str,
    from: &mut A,
) -> Result<(), A::Error> {
    if member.is_some() {
        return Err(A::Error::duplicate_field(word));
    }
    let As(value) = from.next_value()?;
    *member = Some(value);
    Ok(())
}

/// Returns the value of a member, or what it means that it is missing.
pub(crate) fn found<T: Stored, E: Error>(member: Option<T>, word: &'static str) -> Result<T, E> {
    member.or_else(T::absent).ok_or_else(|| E::missing_field(word))
}

/// Reads the value of the next member, in a format without names.
#[inline]
pub(crate) fn next<'de, T: Stored, A: SeqAccess<'de>>(from: &mut A, index: usize) -> Result<T, A::Error> {
    let Some(As(value)) = from.next_element()? else {
        return Err(A::Error::invalid_length(index, &"one more"));
    };
    Ok(value)
}
