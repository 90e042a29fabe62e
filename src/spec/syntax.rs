//! [`Spec`]: what was typed, with every value's place.
//!
//! Defaults are merged under the pods and variables are replaced, but no reference is checked and nothing is filled in.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{Budget, OnRemove};
use crate::model::id::{DataCenterId, ProjectName, RegistryId, VolumeId};
use crate::model::location::Location;
use crate::model::prior::{Api, ProviderKind};
use crate::model::secret::SecretSource;
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeTier;

use super::pod::Pod;
use super::source::Spanned;

/// One merged spec.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    pub project: Option<Spanned<ProjectName>>,
    pub provider: Provider,
    pub state: Option<Spanned<Location>>,
    pub secrets: BTreeMap<String, Spanned<SecretDeclaration>>,
    pub registries: BTreeMap<String, Spanned<RegistryDeclaration>>,
    pub volumes: BTreeMap<Key, Spanned<Volume>>,
    pub pods: BTreeMap<Key, Box<Pod>>,
    pub moved: Vec<Move>,
    pub removed: Vec<Removal>,
    pub budget: Budget,
    /// All keys of `secrets`, those with a mistake included, so that one mistake is not reported twice.
    pub secret_names: BTreeSet<String>,
    /// All keys of `registries`, likewise.
    pub registry_names: BTreeSet<String>,
    /// All keys of the top-level `volumes`, likewise.
    pub volume_names: BTreeSet<String>,
    /// All keys of `pods`, likewise.
    pub pod_names: BTreeSet<String>,
}

/// `provider`
#[derive(Clone, Debug, Default)]
pub struct Provider {
    pub kind: Option<Spanned<ProviderKind>>,
    pub api: Option<Spanned<Api>>,
}

/// An entry of `secrets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretDeclaration {
    /// `{ runpod: NAME }`: stays in RunPod. With `from`, podform makes it there.
    Runpod { name: String, from: Option<SecretSource> },
    /// `{ env: NAME }` or `{ file: PATH }`: read by plan and apply.
    Read(SecretSource),
}

/// An entry of `registries`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryDeclaration {
    /// `{ id: ID }`: stored in RunPod by somebody else.
    Given(RegistryId),
    /// `{ username: NAME, password: { secret: NAME } }`: podform stores them there. What has a mistake is missing.
    Made { username: Option<Username>, password: Option<Spanned<String>> },
}

/// How the user of a registry was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Username {
    Typed(String),
    /// The name of a secret.
    Secret(Spanned<String>),
}

/// An entry of the top-level `volumes`.
#[derive(Clone, Debug)]
pub enum Volume {
    /// `{ id: ID }`
    Referenced(Spanned<VolumeId>),
    /// Everything else; what is missing was reported.
    Managed {
        size: Option<Spanned<Gigabytes>>,
        data_center: Option<Spanned<DataCenterId>>,
        tier: Option<Spanned<VolumeTier>>,
        protect: Option<Spanned<bool>>,
        adopt: Option<Spanned<VolumeId>>,
    },
}

/// An entry of `removed`.
#[derive(Clone, Debug)]
pub struct Removal {
    pub from: Spanned<Address>,
    pub then: Spanned<OnRemove>,
}

/// An entry of `moved`.
#[derive(Clone, Debug)]
pub struct Move {
    pub from: Spanned<Address>,
    pub to: Spanned<Address>,
}
