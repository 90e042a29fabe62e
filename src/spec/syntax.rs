//! [`Spec`]: what was typed, with every value's place.
//!
//! Defaults are merged under the pods and variables are replaced, but no reference is checked and nothing is filled in.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{
    Budget, CloudWish, CudaWish, GpuChoice, GpuOrder, MemoryRange, OnRemove, OnReplace, OnStuckResume,
};
use crate::model::id::{
    CountryCode, CpuFlavorId, DataCenterId, EnvKey, PodId, ProjectName, RegistryId, VolumeId,
};
use crate::model::money::Hourly;
use crate::model::pod::{Port, RunState};
use crate::model::prior::{Api, ProviderKind};
use crate::model::secret::Secret;
use crate::model::settings::Field;
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeTier;

use super::interpolate::Text;
use super::source::{Span, Spanned};

/// One merged spec.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// `project`
    pub project: Option<Spanned<ProjectName>>,
    /// `provider`
    pub provider: Provider,
    /// `state_file`
    pub state_file: Option<Spanned<String>>,
    /// `secrets`
    pub secrets: BTreeMap<String, Spanned<SecretDeclaration>>,
    /// `registries`
    pub registries: BTreeMap<String, Spanned<RegistryId>>,
    /// `volumes`
    pub volumes: BTreeMap<Key, Spanned<Volume>>,
    /// `pods`
    pub pods: BTreeMap<Key, Box<Pod>>,
    /// `moved`
    pub moved: Vec<Move>,
    /// `removed`
    pub removed: Vec<Removal>,
    /// `budget`
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
    /// `kind`
    pub kind: Option<Spanned<ProviderKind>>,
    /// `api`
    pub api: Option<Spanned<Api>>,
}

/// An entry of `secrets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretDeclaration {
    /// `{ runpod: NAME }`: stays in RunPod.
    Runpod(String),
    /// `{ env: NAME }`: read from the environment of plan and apply.
    Env(String),
    /// `{ file: PATH }`: read from a file in the working directory.
    File(String),
}

/// An entry of the top-level `volumes`.
#[derive(Clone, Debug)]
pub enum Volume {
    /// `{ id: ID }`
    Referenced(Spanned<VolumeId>),
    /// Everything else; what is missing was reported.
    Managed {
        /// `size`
        size: Option<Spanned<Gigabytes>>,
        /// `data_center`
        data_center: Option<Spanned<DataCenterId>>,
        /// `tier`
        tier: Option<Spanned<VolumeTier>>,
        /// `protect`
        protect: Option<Spanned<bool>>,
        /// `adopt`
        adopt: Option<Spanned<VolumeId>>,
    },
}

/// An entry of `pods`, with `defaults` merged under it.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Where its key stands.
    pub span: Span,
    /// `name`
    pub name: Option<Spanned<Text>>,
    /// `image`
    pub image: Option<Spanned<Text>>,
    /// Whether `image` stands there, even if its value was wrong.
    pub image_was_typed: bool,
    /// `registry`
    pub registry: Option<Spanned<String>>,
    /// `command`
    pub command: Option<Spanned<Vec<Text>>>,
    /// `entrypoint`
    pub entrypoint: Option<Spanned<Vec<Text>>>,
    /// `env`, in file order.
    pub env: Vec<EnvEntry>,
    /// `ports`
    pub ports: Option<Spanned<Vec<Spanned<Port>>>>,
    /// `gpu`
    pub gpu: Option<Spanned<Gpu>>,
    /// `cpu`
    pub cpu: Option<Spanned<Cpu>>,
    /// Whether `gpu` or `cpu` stands there, even if its value was wrong.
    pub compute_was_typed: bool,
    /// `cuda`
    pub cuda: Option<Spanned<CudaWish>>,
    /// `max_price`
    pub max_price: Option<Spanned<Hourly>>,
    /// `placement.data_centers`
    pub data_centers: Option<Spanned<Vec<Spanned<DataCenterId>>>>,
    /// `placement.countries`
    pub countries: Option<Spanned<Vec<Spanned<CountryCode>>>>,
    /// `cloud`
    pub cloud: Option<Spanned<CloudWish>>,
    /// `disk`
    pub disk: Option<Spanned<Gigabytes>>,
    /// `volumes`
    pub volumes: Option<Spanned<Vec<Spanned<Mount>>>>,
    /// `ssh`
    pub ssh: Option<Spanned<bool>>,
    /// `jupyter`
    pub jupyter: Option<Spanned<bool>>,
    /// `global_networking`
    pub global_networking: Option<Spanned<bool>>,
    /// `locked`
    pub locked: Option<Spanned<bool>>,
    /// `depends_on`
    pub depends_on: Option<Spanned<Vec<Spanned<String>>>>,
    /// `replicas`
    pub replicas: Option<Spanned<u32>>,
    /// `state`
    pub state: Option<Spanned<RunState>>,
    /// `lifecycle`
    pub lifecycle: Lifecycle,
    /// `labels`
    pub labels: BTreeMap<String, Spanned<Text>>,
    /// `profiles`
    pub profiles: Option<Spanned<Vec<Spanned<String>>>>,
    /// `adopt`
    pub adopt: Option<Spanned<PodId>>,
}

/// One variable of a pod.
#[derive(Clone, Debug)]
pub struct EnvEntry {
    /// Its name.
    pub key: Spanned<EnvKey>,
    /// Its value.
    pub value: EnvSyntax,
}

/// How the value of a variable was given.
#[derive(Clone, Debug)]
pub enum EnvSyntax {
    /// `KEY: value`
    Literal(Spanned<Text>),
    /// `KEY: value`, and key or value look like a secret.
    LiteralSecret(Secret<Text>),
    /// `KEY: { secret: NAME }`
    Secret(Spanned<String>),
    /// `KEY: null`: there is to be no such variable.
    Absent,
}

/// `gpu` in its long form; the short forms are rewritten to it.
#[derive(Clone, Debug, Default)]
pub struct Gpu {
    /// `any_of`
    pub any_of: Vec<Spanned<GpuChoice>>,
    /// `order`
    pub order: Option<Spanned<GpuOrder>>,
    /// `count`
    pub count: Option<Spanned<u32>>,
    /// `memory`
    pub memory: Option<Spanned<MemoryRange>>,
}

/// `cpu`
#[derive(Clone, Debug, Default)]
pub struct Cpu {
    /// `flavors`
    pub flavors: Vec<Spanned<CpuFlavorId>>,
    /// `vcpus`
    pub vcpus: Option<Spanned<u32>>,
}

/// An entry of a pod's `volumes`.
#[derive(Clone, Debug)]
pub enum Mount {
    /// `NAME:/path`
    Network {
        /// The key under the top-level `volumes`.
        name: String,
        /// Where it is mounted.
        path: Text,
    },
    /// `{ local: SIZE, path: PATH }`
    Local {
        /// `local`
        size: Gigabytes,
        /// `path`
        path: Text,
    },
}

/// `lifecycle`
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Where it stands.
    pub span: Option<Span>,
    /// `protect`
    pub protect: Option<Spanned<bool>>,
    /// `on_remove`
    pub on_remove: Option<Spanned<OnRemove>>,
    /// `on_replace`
    pub on_replace: Option<Spanned<OnReplace>>,
    /// `on_stuck_resume`
    pub on_stuck_resume: Option<Spanned<OnStuckResume>>,
    /// `ignore_changes`
    pub ignore_changes: Vec<Spanned<Field>>,
}

/// An entry of `removed`.
#[derive(Clone, Debug)]
pub struct Removal {
    /// `from`
    pub from: Spanned<Address>,
    /// `then`
    pub then: Spanned<OnRemove>,
}

/// An entry of `moved`.
#[derive(Clone, Debug)]
pub struct Move {
    /// `from`
    pub from: Spanned<Address>,
    /// `to`
    pub to: Spanned<Address>,
}
