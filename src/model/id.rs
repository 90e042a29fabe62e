//! One type for each kind of identifier, so that no two can be swapped.

use std::fmt;

use super::address::Kind;

/// Defines a newtype over `String` for an identifier whose every value is legal as received.
macro_rules! opaque_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it was received.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the text as it was received.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )+};
}

opaque_id! {
    /// The id that RunPod gave a pod, such as `xedezhzb9la3ye`.
    PodId,
    /// The id that RunPod gave a network volume, such as `agv6w2qcg7`.
    VolumeId,
    /// RunPod's id of a GPU type, such as `NVIDIA GeForce RTX 4090`.
    GpuTypeId,
    /// A GPU as a person names it: an id, a display name (`RTX 4090`) or a family (`H100`).
    GpuName,
    /// RunPod's id of a CPU flavor, such as `cpu5c`.
    CpuFlavorId,
    /// RunPod's id of a data center, such as `EU-RO-1`.
    DataCenterId,
    /// A two-letter country code, such as `RO`.
    CountryCode,
    /// The id of a template, such as `30zmvf89kd`.
    TemplateId,
    /// The id of stored credentials for a container registry.
    RegistryId,
    /// The id that RunPod gave a secret of the account.
    SecretId,
    /// A version of CUDA as `major.minor`, such as `12.8`; RunPod matches it exactly.
    CudaVersion,
    /// The name of an environment variable of a pod.
    EnvKey,
    /// The request id that the API put on an answer, for support.
    RequestId,
    /// The project that owns the objects; `[a-z0-9-]`, 1 to 40 characters, checked by the spec.
    ProjectName,
    /// Random name of a state, made once when the state is made.
    Lineage,
    /// Random text that makes the tokens of one run different from those of any other; an input of the planner.
    RunNonce,
    /// Names one run in the journal.
    RunId,
}

/// Counts the writes to a state; a plan made at one serial is stale at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Serial(pub u64);

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The remote identity of a managed object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemoteId {
    Pod(PodId),
    /// A network volume.
    Volume(VolumeId),
    /// A secret of the account.
    Secret(SecretId),
    /// Stored credentials for a container registry.
    Registry(RegistryId),
}

impl RemoteId {
    /// Returns what kind of object it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Pod(_) => Kind::Pod,
            Self::Volume(_) => Kind::Volume,
            Self::Secret(_) => Kind::Secret,
            Self::Registry(_) => Kind::Registry,
        }
    }
}

impl fmt::Display for RemoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(id) => id.fmt(f),
            Self::Volume(id) => id.fmt(f),
            Self::Secret(id) => id.fmt(f),
            Self::Registry(id) => id.fmt(f),
        }
    }
}

impl EnvKey {
    /// Tells whether RunPod itself puts a variable of this name into pods.
    pub fn is_of_the_platform(&self) -> bool {
        let name = self.as_str();
        name.starts_with("RUNPOD_") || ["PUBLIC_KEY", "JUPYTER_PASSWORD"].contains(&name)
    }
}
