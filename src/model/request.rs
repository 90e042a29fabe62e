//! Requests with everything resolved, secrets included: what goes over the wire and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use super::id::{CudaVersion, DataCenterId, EnvKey, PodId, RegistryId, VolumeId};
use super::pod::{Access, Cloud, Compute, Port};
use super::secret::Secret;
use super::size::Gigabytes;
use super::volume::VolumeTier;

/// A request to create a pod. The marker is one of the variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRequest {
    /// The name.
    pub name: String,
    /// The image.
    pub image: String,
    /// The arguments; empty means the image's own.
    pub command: Vec<String>,
    /// The entrypoint; `None` means the image's own.
    pub entrypoint: Option<Vec<String>>,
    /// All variables.
    pub env: BTreeMap<EnvKey, Secret<String>>,
    /// The ports.
    pub ports: BTreeSet<Port>,
    /// The container disk.
    pub disk: Gigabytes,
    /// Registry credentials.
    pub registry: Option<RegistryId>,
    /// The mount.
    pub mount: Mount,
    /// The private network.
    pub global_networking: bool,
    /// The services.
    pub access: Access,
    /// The machine.
    pub compute: Compute,
    /// The cloud.
    pub cloud: Cloud,
    /// Allowed data centers; empty allows all.
    pub data_centers: BTreeSet<DataCenterId>,
    /// Allowed CUDA versions; empty allows all.
    pub cuda: BTreeSet<CudaVersion>,
    /// The least CUDA version; excludes `cuda`.
    pub min_cuda: Option<CudaVersion>,
}

/// A mount with a resolved volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mount {
    /// Nothing.
    None,
    /// A disk on the host.
    Local {
        /// Its size.
        size: Gigabytes,
        /// Where.
        path: String,
    },
    /// A network volume.
    Network {
        /// Which.
        id: VolumeId,
        /// Where.
        path: String,
    },
}

/// A request to change a pod; `None` leaves a field as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchRequest {
    /// Which pod.
    pub id: PodId,
    /// The image after the change: GraphQL wants it in every update.
    pub image_after: String,
    /// The container disk after the change: GraphQL wants it in every update.
    pub disk_after: Gigabytes,
    /// The name.
    pub name: Option<String>,
    /// The image.
    pub image: Option<String>,
    /// The arguments.
    pub command: Option<Vec<String>>,
    /// The entrypoint.
    pub entrypoint: Option<Vec<String>>,
    /// The whole environment.
    pub env: Option<BTreeMap<EnvKey, Secret<String>>>,
    /// The ports.
    pub ports: Option<BTreeSet<Port>>,
    /// The container disk.
    pub disk: Option<Gigabytes>,
    /// Registry credentials.
    pub registry: Option<Option<RegistryId>>,
    /// The mount.
    pub mount: Option<Mount>,
    /// The private network.
    pub global_networking: Option<bool>,
    /// RunPod's lock.
    pub locked: Option<bool>,
}

/// A request to create a network volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRequest {
    /// The name, which carries the token.
    pub name: String,
    /// The size.
    pub size: Gigabytes,
    /// Where.
    pub data_center: DataCenterId,
    /// The tier.
    pub tier: VolumeTier,
}
