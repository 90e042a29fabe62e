//! Credentials for container registries, which RunPod stores and pods pull their images with.

use super::address::Address;
use super::id::RegistryId;
use super::pod::EnvValue;
use super::secret::SecretName;
use super::value::Value;

/// Which credentials a pod pulls its image with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Registry {
    /// Stored by somebody else.
    Given(RegistryId),
    /// Those that podform has at this address, whatever their id is by then.
    Made(Address),
}

impl Registry {
    /// Returns the address of those that podform stores.
    pub fn made(&self) -> Option<&Address> {
        match self {
            Self::Given(_) => None,
            Self::Made(address) => Some(address),
        }
    }
}

impl From<&Option<Registry>> for Value {
    fn from(registry: &Option<Registry>) -> Self {
        match registry {
            None => Self::Absent,
            Some(Registry::Given(id)) => Self::Text(id.to_string()),
            Some(Registry::Made(address)) => Self::word(address),
        }
    }
}

/// Where the user and the password come from that podform stores in RunPod. RunPod never shows either again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Typed, or the name of a secret.
    pub username: EnvValue,
    /// Whose value is the password.
    pub password: SecretName,
}

impl Credentials {
    /// Returns the names of the secrets whose values are sent.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        let username = match &self.username {
            EnvValue::Plain(_) => None,
            EnvValue::Secret(name) => Some(name),
        };
        username.into_iter().chain([&self.password])
    }
}
