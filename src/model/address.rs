//! Addresses: what the spec calls an object, as opposed to what RunPod calls it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The key of an object in the spec: of a pod or volume `[a-z][a-z0-9-]{0,39}`, of a secret or registry
/// `[A-Za-z0-9_-]{1,64}`. Its text is shared: a plan names each many times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// The longest key. Names on RunPod are built from the project and the key and must stay readable in its console.
    pub const MAX_LENGTH: usize = 40;

    /// The longest key of a secret or registry, which is also called by it where it is used.
    pub const MAX_NAME: usize = 64;

    /// Reads the key of a secret or registry.
    ///
    /// # Errors
    /// It is no such key.
    pub fn of_name(text: &str) -> Result<Self, AddressError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let is_key = (1..=Self::MAX_NAME).contains(&text.len()) && text.bytes().all(legal);
        if is_key { Ok(Self(text.into())) } else { Err(AddressError::Name(text.to_owned())) }
    }

    /// Returns the text of the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut characters = text.chars();
        let starts_well = characters.next().is_some_and(|first| first.is_ascii_lowercase());
        let continues_well = characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !starts_well || !continues_well {
            return Err(AddressError::Characters(text.to_owned()));
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(AddressError::TooLong(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The address of one managed object: `llm`, `llm[0]`, `volume.models`, `secret.hf_token` or `registry.ghcr`.
///
/// Pods sort last, as the others are made before them; replicas sort by number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A secret of the account.
    Secret(Key),
    /// Stored credentials for a container registry.
    Registry(Key),
    /// A network volume.
    Volume(Key),
    /// A pod; `replica` is `None` where the spec has no `replicas` key.
    Pod {
        /// The key under `pods:`.
        key: Key,
        /// The number of the replica, from 0.
        replica: Option<u32>,
    },
}

/// What kind of object an address is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Secret,
    Registry,
    Volume,
    Pod,
}

impl Kind {
    /// Returns the word that machine-read formats have for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Registry => "registry",
            Self::Volume => "volume",
            Self::Pod => "pod",
        }
    }
}

impl Address {
    /// Returns what kind of object it is of.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Secret(_) => Kind::Secret,
            Self::Registry(_) => Kind::Registry,
            Self::Volume(_) => Kind::Volume,
            Self::Pod { .. } => Kind::Pod,
        }
    }

    /// Returns the address of a pod without replicas.
    pub fn pod(key: Key) -> Self {
        Self::Pod { key, replica: None }
    }

    /// Returns the address of one replica of a pod.
    pub fn replica(key: Key, number: u32) -> Self {
        Self::Pod { key, replica: Some(number) }
    }

    /// Returns the key that the address stands under in the spec.
    pub fn key(&self) -> &Key {
        match self {
            Self::Secret(key) | Self::Registry(key) | Self::Volume(key) | Self::Pod { key, replica: _ } => {
                key
            }
        }
    }

    /// Tells whether this is a pod.
    pub fn is_pod(&self) -> bool {
        matches!(self, Self::Pod { .. })
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(key) = text.strip_prefix("volume.") {
            return Ok(Self::Volume(key.parse()?));
        }
        if let Some(key) = text.strip_prefix("secret.") {
            return Ok(Self::Secret(Key::of_name(key)?));
        }
        if let Some(key) = text.strip_prefix("registry.") {
            return Ok(Self::Registry(Key::of_name(key)?));
        }
        let Some((key, number)) = text.strip_suffix(']').and_then(|open| open.split_once('[')) else {
            return Ok(Self::pod(text.parse()?));
        };
        let canonical = number == "0" || !number.starts_with(['0', '+']);
        match number.parse() {
            Ok(number) if canonical => Ok(Self::replica(key.parse()?, number)),
            Ok(_) | Err(_) => Err(AddressError::Replica(text.to_owned())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(key) => write!(f, "secret.{key}"),
            Self::Registry(key) => write!(f, "registry.{key}"),
            Self::Volume(key) => write!(f, "volume.{key}"),
            Self::Pod { key, replica: None } => key.fmt(f),
            Self::Pod { key, replica: Some(number) } => write!(f, "{key}[{number}]"),
        }
    }
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A character that keys do not have.
    #[error("`{0}` is no key: a key is a lower-case letter, then lower-case letters, digits and `-`")]
    Characters(String),
    /// Longer than [`Key::MAX_LENGTH`].
    #[error("`{0}` is longer than {max} characters", max = Key::MAX_LENGTH)]
    TooLong(String),
    /// No key of a secret or registry.
    #[error("`{0}` is no key of a secret or registry: 1 to {max} letters, digits, `_` and `-`", max = Key::MAX_NAME)]
    Name(String),
    /// The number in brackets is no replica number.
    #[error("`{0}` does not end in a replica number such as `[0]`")]
    Replica(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_they_are_parsed() {
        for text in ["llm", "llm[0]", "llm[12]", "volume.models", "secret.HF_token", "registry.GHCR_a"] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn texts_that_are_no_address_are_refused() {
        for text in [
            "",
            "LLM",
            "llm[]",
            "llm[01]",
            "llm[+1]",
            "llm[-1]",
            "llm[0]x",
            "volume.",
            "0llm",
            "a.b",
            "secret.",
            "secret.a.b",
            "registry.",
            "registry.a.b",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn replicas_sort_by_number() {
        let mut addresses: Vec<Address> = ["llm[10]", "llm[9]", "llm", "volume.z", "registry.z", "secret.z"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        addresses.sort();
        let sorted: Vec<String> = addresses.iter().map(Address::to_string).collect();
        assert_eq!(sorted, ["secret.z", "registry.z", "volume.z", "llm", "llm[9]", "llm[10]"]);
    }
}
