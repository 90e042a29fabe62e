//! The stored form of the model's values, shared by the rows of the database and the plan file.
//!
//! These types exist so that a rename in the model cannot change a file: every word in a file stands here once.
//! Changing one of them changes both formats, so both versions rise with it. A reader checks the version first;
//! an unknown field after that is damage, never a newer program's addition, and is refused. What has a default may
//! be missing, so an optional field can be added for older files. Start at [`StoredObject`].

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::address::Address;
use crate::model::desired::{Lifecycle, OnRemove, OnReplace, OnStuckResume};
use crate::model::field::Field;
use crate::model::id::{CpuFlavorId, DataCenterId, EnvKey, GpuTypeId, PodId, RegistryId, RemoteId, VolumeId};
use crate::model::journal::Sent;
use crate::model::marker::Token;
use crate::model::plan::{ActionId, Approval, Record, Step};
use crate::model::pod::{Access, Cloud, Compute, Container, EnvValue, Port, Protocol, RunState, Storage};
use crate::model::prior::{Api, ProviderKind, RecordedObject, RecordedPod};
use crate::model::secret::SecretName;
use crate::model::size::Gigabytes;
use crate::model::volume::{VolumeConfig, VolumeTier};
use crate::state::{Approved, Source};

/// A stored text that does not mean what it should; says which in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotUnderstood(pub(super) String);

/// Reads a text that has a parser, such as an address or a time.
pub(super) fn read_text<T: FromStr>(what: &str, text: &str) -> Result<T, NotUnderstood> {
    text.parse().map_err(|_| NotUnderstood(format!("`{text}` is no {what}")))
}

/// Reads an action's step from its word.
pub(super) fn read_step(word: &str) -> Result<Step, NotUnderstood> {
    let known = Step::ALL.into_iter().find(|step| step.word() == word);
    known.ok_or_else(|| NotUnderstood(format!("`{word}` is no step")))
}

/// Reads an action's id as it prints: `llm:create`.
pub(super) fn read_action(text: &str) -> Result<ActionId, NotUnderstood> {
    let Some((address, step)) = text.rsplit_once(':') else {
        return Err(NotUnderstood(format!("`{text}` is no action")));
    };
    Ok(ActionId { address: read_text("address", address)?, step: read_step(step)? })
}

/// Reads a list of texts that have a parser.
pub(super) fn read_texts<T: FromStr + Ord>(
    what: &str,
    texts: &[String],
) -> Result<BTreeSet<T>, NotUnderstood> {
    texts.iter().map(|text| read_text(what, text)).collect()
}

/// Defines the stored words of an enum without fields, with both conversions.
macro_rules! stored_words {
    ($($stored:ident of $model:ident { $($variant:ident = $word:literal),+ $(,)? })+) => {$(
        #[derive(Clone, Copy, Debug, Serialize, Deserialize)]
        pub(super) enum $stored {
            $(#[serde(rename = $word)] $variant),+
        }

        impl $stored {
            /// Returns the word that stands in files.
            #[allow(dead_code, reason = "not every enum stands in a column of its own")]
            pub(super) fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl From<$model> for $stored {
            fn from(value: $model) -> Self {
                match value { $($model::$variant => Self::$variant),+ }
            }
        }

        impl From<$stored> for $model {
            fn from(stored: $stored) -> Self {
                match stored { $($stored::$variant => Self::$variant),+ }
            }
        }
    )+};
}
pub(super) use stored_words;

stored_words! {
    StoredProtocol of Protocol { Http = "http", Tcp = "tcp" }
    StoredRun of RunState { Running = "running", Stopped = "stopped" }
    StoredCloud of Cloud { Secure = "secure", Community = "community" }
    StoredTier of VolumeTier { Standard = "standard", HighPerformance = "high_performance" }
    StoredOnRemove of OnRemove { Terminate = "terminate", Stop = "stop", Forget = "forget" }
    StoredOnReplace of OnReplace { DestroyFirst = "destroy_first", CreateFirst = "create_first" }
    StoredOnStuckResume of OnStuckResume { Fail = "fail", Replace = "replace" }
    StoredProviderKind of ProviderKind { Runpod = "runpod", Simulator = "simulator" }
    StoredApi of Api { V2 = "v2", V1 = "v1", Graphql = "graphql" }
    StoredApproval of Approval {
        Prompt = "prompt", Flag = "flag", Digest = "digest", SavedPlan = "saved_plan",
    }
}

/// The stored form of [`Approved`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredApproved {
    how: StoredApproval,
    by: String,
    commit: Option<String>,
    pull_request: Option<String>,
    url: Option<String>,
}

impl From<&Approved> for StoredApproved {
    fn from(approved: &Approved) -> Self {
        let Approved { how, by, source: Source { commit, pull_request, url } } = approved.clone();
        Self { how: how.into(), by, commit, pull_request, url }
    }
}

impl From<StoredApproved> for Approved {
    fn from(stored: StoredApproved) -> Self {
        let StoredApproved { how, by, commit, pull_request, url } = stored;
        Self { how: how.into(), by, source: Source { commit, pull_request, url } }
    }
}

/// The values last applied to an object.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum StoredObject {
    #[serde(rename = "pod")]
    Pod(Box<StoredPod>),
    #[serde(rename = "volume")]
    Volume(StoredVolume),
}

impl From<&RecordedObject> for StoredObject {
    fn from(object: &RecordedObject) -> Self {
        match object {
            RecordedObject::Pod(pod) => Self::Pod(Box::new(pod.as_ref().into())),
            RecordedObject::Volume(volume) => Self::Volume(volume.into()),
        }
    }
}

impl TryFrom<StoredObject> for RecordedObject {
    type Error = NotUnderstood;

    fn try_from(stored: StoredObject) -> Result<Self, NotUnderstood> {
        Ok(match stored {
            StoredObject::Pod(pod) => Self::Pod(Arc::new((*pod).try_into()?)),
            StoredObject::Volume(volume) => Self::Volume(volume.into()),
        })
    }
}

/// The values last applied to a pod.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredPod {
    container: StoredContainer,
    #[serde(default)]
    access: Option<StoredAccess>,
    #[serde(default)]
    compute: Option<StoredCompute>,
    #[serde(default)]
    cloud: Option<StoredCloud>,
    #[serde(default)]
    data_center: Option<String>,
    run: StoredRun,
    depends_on: Vec<String>,
}

impl From<&RecordedPod> for StoredPod {
    fn from(pod: &RecordedPod) -> Self {
        let RecordedPod { container, access, compute, cloud, data_center, run, depends_on } = pod;
        Self {
            container: container.into(),
            access: access.map(Into::into),
            compute: compute.as_ref().map(Into::into),
            cloud: cloud.map(Into::into),
            data_center: data_center.as_ref().map(DataCenterId::to_string),
            run: (*run).into(),
            depends_on: depends_on.iter().map(Address::to_string).collect(),
        }
    }
}

impl TryFrom<StoredPod> for RecordedPod {
    type Error = NotUnderstood;

    fn try_from(stored: StoredPod) -> Result<Self, NotUnderstood> {
        let StoredPod { container, access, compute, cloud, data_center, run, depends_on } = stored;
        Ok(Self {
            container: container.try_into()?,
            access: access.map(Into::into),
            compute: compute.map(Into::into),
            cloud: cloud.map(Into::into),
            data_center: data_center.map(DataCenterId::new),
            run: run.into(),
            depends_on: read_texts("address", &depends_on)?,
        })
    }
}

/// A network volume.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredVolume {
    size_gb: u32,
    data_center: String,
    tier: StoredTier,
}

impl From<&VolumeConfig> for StoredVolume {
    fn from(volume: &VolumeConfig) -> Self {
        let VolumeConfig { size: Gigabytes(size_gb), data_center, tier } = volume;
        Self { size_gb: *size_gb, data_center: data_center.to_string(), tier: (*tier).into() }
    }
}

impl From<StoredVolume> for VolumeConfig {
    fn from(stored: StoredVolume) -> Self {
        let StoredVolume { size_gb, data_center, tier } = stored;
        Self { size: Gigabytes(size_gb), data_center: DataCenterId::new(data_center), tier: tier.into() }
    }
}

/// The changeable part of a pod. Secrets are in it by name only, as [`Container`] has nothing else.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredContainer {
    name: String,
    image: String,
    command: Vec<String>,
    #[serde(default)]
    entrypoint: Option<Vec<String>>,
    env: BTreeMap<String, StoredEnvValue>,
    ports: Vec<StoredPort>,
    disk_gb: u32,
    #[serde(default)]
    registry: Option<String>,
    storage: StoredStorage,
    global_networking: bool,
    #[serde(default)]
    locked: Option<bool>,
}

impl From<&Container> for StoredContainer {
    fn from(container: &Container) -> Self {
        let Container {
            name,
            image,
            command,
            entrypoint,
            env,
            ports,
            disk: Gigabytes(disk_gb),
            registry,
            storage,
            global_networking,
            locked,
        } = container;
        Self {
            name: name.clone(),
            image: image.clone(),
            command: command.clone(),
            entrypoint: entrypoint.clone(),
            env: store_env(env),
            ports: ports.iter().map(Into::into).collect(),
            disk_gb: *disk_gb,
            registry: registry.as_ref().map(RegistryId::to_string),
            storage: storage.into(),
            global_networking: *global_networking,
            locked: *locked,
        }
    }
}

impl TryFrom<StoredContainer> for Container {
    type Error = NotUnderstood;

    fn try_from(stored: StoredContainer) -> Result<Self, NotUnderstood> {
        let StoredContainer {
            name,
            image,
            command,
            entrypoint,
            env,
            ports,
            disk_gb,
            registry,
            storage,
            global_networking,
            locked,
        } = stored;
        Ok(Self {
            name,
            image,
            command,
            entrypoint,
            env: read_env(env)?,
            ports: ports.into_iter().map(Into::into).collect(),
            disk: Gigabytes(disk_gb),
            registry: registry.map(RegistryId::new),
            storage: storage.try_into()?,
            global_networking,
            locked,
        })
    }
}

/// Stores declared variables.
pub(super) fn store_env(env: &BTreeMap<EnvKey, EnvValue>) -> BTreeMap<String, StoredEnvValue> {
    env.iter().map(|(key, value)| (key.to_string(), value.into())).collect()
}

/// Reads declared variables.
pub(super) fn read_env(
    stored: BTreeMap<String, StoredEnvValue>,
) -> Result<BTreeMap<EnvKey, EnvValue>, NotUnderstood> {
    stored.into_iter().map(|(key, value)| Ok((EnvKey::new(key), value.try_into()?))).collect()
}

/// The value of a variable.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum StoredEnvValue {
    #[serde(rename = "plain")]
    Plain(String),
    #[serde(rename = "secret")]
    Secret(String),
    #[serde(rename = "secret_literal")]
    SecretLiteral(StoredSecretLiteral),
}

/// Where a literal stands that looks like a secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredSecretLiteral {
    address: String,
    key: String,
}

impl From<&EnvValue> for StoredEnvValue {
    fn from(value: &EnvValue) -> Self {
        match value {
            EnvValue::Plain(text) => Self::Plain(text.clone()),
            EnvValue::Secret(SecretName::Declared(name)) => Self::Secret(name.clone()),
            EnvValue::Secret(SecretName::Literal { address, key }) => {
                Self::SecretLiteral(StoredSecretLiteral {
                    address: address.to_string(),
                    key: key.to_string(),
                })
            }
        }
    }
}

impl TryFrom<StoredEnvValue> for EnvValue {
    type Error = NotUnderstood;

    fn try_from(stored: StoredEnvValue) -> Result<Self, NotUnderstood> {
        Ok(match stored {
            StoredEnvValue::Plain(text) => Self::Plain(text),
            StoredEnvValue::Secret(name) => Self::Secret(SecretName::Declared(name)),
            StoredEnvValue::SecretLiteral(StoredSecretLiteral { address, key }) => {
                let address = read_text("address", &address)?;
                Self::Secret(SecretName::Literal { address, key: EnvKey::new(key) })
            }
        })
    }
}

/// A published port.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredPort {
    number: u32,
    protocol: StoredProtocol,
}

impl From<&Port> for StoredPort {
    fn from(port: &Port) -> Self {
        let Port { number, protocol } = *port;
        Self { number, protocol: protocol.into() }
    }
}

impl From<StoredPort> for Port {
    fn from(stored: StoredPort) -> Self {
        let StoredPort { number, protocol } = stored;
        Self { number, protocol: protocol.into() }
    }
}

/// What is mounted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum StoredStorage {
    #[serde(rename = "none")]
    None,
    #[serde(rename = "local")]
    Local { size_gb: u32, path: String },
    #[serde(rename = "network")]
    Network { volume: String, path: String },
}

impl From<&Storage> for StoredStorage {
    fn from(storage: &Storage) -> Self {
        match storage {
            Storage::None => Self::None,
            Storage::Local { size: Gigabytes(size_gb), path } => {
                Self::Local { size_gb: *size_gb, path: path.clone() }
            }
            Storage::Network { volume, path } => {
                Self::Network { volume: volume.to_string(), path: path.clone() }
            }
        }
    }
}

impl TryFrom<StoredStorage> for Storage {
    type Error = NotUnderstood;

    fn try_from(stored: StoredStorage) -> Result<Self, NotUnderstood> {
        Ok(match stored {
            StoredStorage::None => Self::None,
            StoredStorage::Local { size_gb, path } => Self::Local { size: Gigabytes(size_gb), path },
            StoredStorage::Network { volume, path } => {
                Self::Network { volume: read_text("address", &volume)?, path }
            }
        })
    }
}

/// The services set up at creation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredAccess {
    ssh: bool,
    jupyter: bool,
}

impl From<Access> for StoredAccess {
    fn from(access: Access) -> Self {
        let Access { ssh, jupyter } = access;
        Self { ssh, jupyter }
    }
}

impl From<StoredAccess> for Access {
    fn from(stored: StoredAccess) -> Self {
        let StoredAccess { ssh, jupyter } = stored;
        Self { ssh, jupyter }
    }
}

/// A machine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum StoredCompute {
    #[serde(rename = "gpu")]
    Gpu { id: String, count: u32 },
    #[serde(rename = "cpu")]
    Cpu { flavor: String, vcpus: u32 },
}

impl From<&Compute> for StoredCompute {
    fn from(compute: &Compute) -> Self {
        match compute {
            Compute::Gpu { id, count } => Self::Gpu { id: id.to_string(), count: *count },
            Compute::Cpu { flavor, vcpus } => Self::Cpu { flavor: flavor.to_string(), vcpus: *vcpus },
        }
    }
}

impl From<StoredCompute> for Compute {
    fn from(stored: StoredCompute) -> Self {
        match stored {
            StoredCompute::Gpu { id, count } => Self::Gpu { id: GpuTypeId::new(id), count },
            StoredCompute::Cpu { flavor, vcpus } => Self::Cpu { flavor: CpuFlavorId::new(flavor), vcpus },
        }
    }
}

/// What podform may do to an object.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredLifecycle {
    protect: bool,
    on_remove: StoredOnRemove,
    on_replace: StoredOnReplace,
    on_stuck_resume: StoredOnStuckResume,
    ignore_changes: Vec<String>,
}

impl From<&Lifecycle> for StoredLifecycle {
    fn from(lifecycle: &Lifecycle) -> Self {
        let Lifecycle { protect, on_remove, on_replace, on_stuck_resume, ignore_changes } = lifecycle;
        Self {
            protect: *protect,
            on_remove: (*on_remove).into(),
            on_replace: (*on_replace).into(),
            on_stuck_resume: (*on_stuck_resume).into(),
            ignore_changes: ignore_changes.iter().map(Field::to_string).collect(),
        }
    }
}

impl TryFrom<StoredLifecycle> for Lifecycle {
    type Error = NotUnderstood;

    fn try_from(stored: StoredLifecycle) -> Result<Self, NotUnderstood> {
        let StoredLifecycle { protect, on_remove, on_replace, on_stuck_resume, ignore_changes } = stored;
        Ok(Self {
            protect,
            on_remove: on_remove.into(),
            on_replace: on_replace.into(),
            on_stuck_resume: on_stuck_resume.into(),
            ignore_changes: read_texts("field", &ignore_changes)?,
        })
    }
}

/// What a create asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredSent {
    name: String,
    image: String,
    #[serde(default)]
    compute: Option<StoredCompute>,
    #[serde(default)]
    cloud: Option<StoredCloud>,
    data_centers: Vec<String>,
    holds_data: bool,
    record: Box<StoredRecord>,
}

impl From<&Sent> for StoredSent {
    fn from(sent: &Sent) -> Self {
        let Sent { name, image, compute, cloud, data_centers, holds_data, record } = sent;
        Self {
            name: name.clone(),
            image: image.clone(),
            compute: compute.as_ref().map(Into::into),
            cloud: cloud.map(Into::into),
            data_centers: data_centers.iter().map(DataCenterId::to_string).collect(),
            holds_data: *holds_data,
            record: Box::new(record.as_ref().into()),
        }
    }
}

impl TryFrom<StoredSent> for Sent {
    type Error = NotUnderstood;

    fn try_from(stored: StoredSent) -> Result<Self, NotUnderstood> {
        let StoredSent { name, image, compute, cloud, data_centers, holds_data, record } = stored;
        Ok(Self {
            name,
            image,
            compute: compute.map(Into::into),
            cloud: cloud.map(Into::into),
            data_centers: data_centers.into_iter().map(DataCenterId::new).collect(),
            holds_data,
            record: Box::new((*record).try_into()?),
        })
    }
}

/// A state entry as a plan foresees it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredRecord {
    #[serde(default)]
    id: Option<StoredRemoteId>,
    #[serde(default)]
    token: Option<String>,
    lifecycle: StoredLifecycle,
    retired: bool,
    deposed: Vec<String>,
    object: StoredObject,
}

impl From<&Record> for StoredRecord {
    fn from(record: &Record) -> Self {
        let Record { id, token, lifecycle, retired, deposed, object } = record;
        Self {
            id: id.as_ref().map(Into::into),
            token: token.as_ref().map(Token::to_string),
            lifecycle: lifecycle.into(),
            retired: *retired,
            deposed: deposed.iter().map(PodId::to_string).collect(),
            object: object.into(),
        }
    }
}

impl TryFrom<StoredRecord> for Record {
    type Error = NotUnderstood;

    fn try_from(stored: StoredRecord) -> Result<Self, NotUnderstood> {
        let StoredRecord { id, token, lifecycle, retired, deposed, object } = stored;
        Ok(Self {
            id: id.map(Into::into),
            token: read_token(token.as_deref())?,
            lifecycle: lifecycle.try_into()?,
            retired,
            deposed: deposed.into_iter().map(PodId::new).collect(),
            object: object.try_into()?,
        })
    }
}

/// The remote identity of an object.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum StoredRemoteId {
    #[serde(rename = "pod")]
    Pod(String),
    #[serde(rename = "volume")]
    Volume(String),
}

impl From<&RemoteId> for StoredRemoteId {
    fn from(id: &RemoteId) -> Self {
        match id {
            RemoteId::Pod(id) => Self::Pod(id.to_string()),
            RemoteId::Volume(id) => Self::Volume(id.to_string()),
        }
    }
}

impl From<StoredRemoteId> for RemoteId {
    fn from(stored: StoredRemoteId) -> Self {
        match stored {
            StoredRemoteId::Pod(id) => Self::Pod(PodId::new(id)),
            StoredRemoteId::Volume(id) => Self::Volume(VolumeId::new(id)),
        }
    }
}

/// Reads a token where there is one.
pub(super) fn read_token(token: Option<&str>) -> Result<Option<Token>, NotUnderstood> {
    token.map(|text| read_text("token", text)).transpose()
}
