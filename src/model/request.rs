//! Requests with everything resolved, secrets included: what goes over the wire and nowhere else.

use super::id::PodId;
use super::pod::{Access, Placement};
use super::secret::Secret;
use super::settings::{Asked, AskedChange, Given, PodSettings};
use super::volume::VolumeConfig;

/// A request to create a pod. The mark is one of the variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRequest {
    pub settings: PodSettings<Asked>,
    /// The services.
    pub access: Access,
    pub placement: Placement,
}

impl PodRequest {
    /// Returns the settings that a create gives: no API takes a lock at creation, and having no credentials is said by
    /// leaving them out.
    pub fn given(&self) -> PodSettings<Given<'_>> {
        let registry = Some(&self.settings.registry).filter(|id| id.is_some());
        let all = self.settings.given(Some(&self.settings.env), Some(&self.settings.storage), registry);
        PodSettings { locked: None, ..all }
    }
}

/// A request to change a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchRequest {
    pub id: PodId,
    pub settings: PodSettings<AskedChange>,
}

impl PatchRequest {
    /// Returns the settings that an update gives.
    pub fn given(&self) -> PodSettings<Given<'_>> {
        let PodSettings { env, storage, registry, .. } = &self.settings;
        self.settings.given(env.as_ref(), storage.as_ref(), registry.as_ref())
    }
}

/// A request to make a secret of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRequest {
    pub name: String,
    /// The mark.
    pub description: String,
    pub value: Secret<String>,
}

/// A request to store credentials for a container registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryRequest {
    /// The name, which carries the token.
    pub name: String,
    pub username: Secret<String>,
    pub password: Secret<String>,
}

/// A request to create a network volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRequest {
    /// The name, which carries the token.
    pub name: String,
    pub config: VolumeConfig,
}
