//! What `--rotate` names: a secret or credentials for a registry that podform makes in RunPod.

use std::fmt;
use std::str::FromStr;

use crate::model::address::{Address, AddressError, Key, Kind};

/// A name as `secrets:` and `registries:` have it, or a whole address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rotation {
    Named(Key),
    At(Address),
}

impl Rotation {
    /// Tells whether it is about an address.
    pub(super) fn is_about(&self, address: &Address) -> bool {
        match self {
            Self::At(named) => named == address,
            Self::Named(key) => {
                address.key() == key && matches!(address.kind(), Kind::Secret | Kind::Registry)
            }
        }
    }
}

impl FromStr for Rotation {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.starts_with("secret.") || text.starts_with("registry.") {
            return text.parse().map(Self::At);
        }
        Key::of_name(text).map(Self::Named)
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(key) => key.fmt(f),
            Self::At(address) => address.fmt(f),
        }
    }
}
