//! Bodies that are sent to REST v2.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::id::{CudaVersion, DataCenterId, RegistryId};
use crate::model::pod::{Compute, Port};
use crate::model::request::{Mount, PatchRequest, PodRequest};
use crate::provider::runpod::convert;

#[derive(Serialize)]
pub(super) struct ActionBody {
    pub(super) action: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateVolumeBody<'a> {
    pub(super) name: &'a str,
    pub(super) size: u32,
    pub(super) data_center: &'a str,
    #[serde(rename = "type")]
    pub(super) tier: &'a str,
}

#[derive(Serialize)]
pub(super) struct GrowVolumeBody {
    pub(super) size: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatePodBody<'a> {
    name: &'a str,
    image: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<String>,
    disk: u32,
    env: BTreeMap<&'a str, &'a str>,
    ports: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mounts: Option<MountsBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpu: Option<GpuBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<CpuBody<'a>>,
    cloud: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_center_ids: Vec<&'a str>,
    global_networking: bool,
    start_ssh: bool,
    start_jupyter: bool,
}

impl<'a> From<&'a PodRequest> for CreatePodBody<'a> {
    fn from(request: &'a PodRequest) -> Self {
        let PodRequest {
            name,
            image,
            command,
            // Refused before this conversion where it says something.
            entrypoint: _,
            env,
            ports,
            disk,
            registry,
            mount,
            global_networking,
            access,
            compute,
            cloud,
            data_centers,
            cuda,
            min_cuda,
        } = request;
        let (gpu, cpu) = match compute {
            Compute::Gpu { id, count } => (
                Some(GpuBody {
                    id: id.as_str(),
                    count: *count,
                    allowed_cuda_versions: cuda.iter().map(CudaVersion::as_str).collect(),
                    min_cuda_version: min_cuda.as_ref().map(CudaVersion::as_str),
                }),
                None,
            ),
            Compute::Cpu { flavor, vcpus } => {
                (None, Some(CpuBody { id: flavor.as_str(), vcpu_count: *vcpus }))
            }
        };
        Self {
            name,
            image,
            args: (!command.is_empty()).then(|| convert::join_command(command)),
            disk: disk.0,
            env: convert::exposed(env),
            ports: ports.iter().map(Port::to_string).collect(),
            registry: registry.as_ref().map(RegistryId::as_str),
            mounts: MountsBody::of(mount),
            gpu,
            cpu,
            cloud: convert::cloud_word(*cloud),
            data_center_ids: data_centers.iter().map(DataCenterId::as_str).collect(),
            global_networking: *global_networking,
            start_ssh: access.ssh,
            start_jupyter: access.jupyter,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdatePodBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<BTreeMap<&'a str, &'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<Vec<String>>,
    /// Null takes the credentials away.
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mounts: Option<MountsBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    global_networking: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
}

impl<'a> From<&'a PatchRequest> for UpdatePodBody<'a> {
    fn from(request: &'a PatchRequest) -> Self {
        let PatchRequest {
            id: _,
            // Only GraphQL needs the values that do not change.
            image_after: _,
            disk_after: _,
            name,
            image,
            command,
            // Refused before this conversion where it says something.
            entrypoint: _,
            env,
            ports,
            disk,
            registry,
            mount,
            global_networking,
            locked,
        } = request;
        Self {
            name: name.as_deref(),
            image: image.as_deref(),
            args: command.as_deref().map(convert::join_command),
            disk: disk.map(|disk| disk.0),
            env: env.as_ref().map(convert::exposed),
            ports: ports.as_ref().map(|ports| ports.iter().map(Port::to_string).collect()),
            registry: registry.as_ref().map(|registry| registry.as_ref().map(RegistryId::as_str)),
            mounts: mount.as_ref().and_then(MountsBody::of),
            global_networking: *global_networking,
            locked: *locked,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GpuBody<'a> {
    id: &'a str,
    count: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_cuda_versions: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_cuda_version: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CpuBody<'a> {
    id: &'a str,
    vcpu_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum MountsBody<'a> {
    Persistent { size: u32, path: &'a str },
    Network([NetworkMountBody<'a>; 1]),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkMountBody<'a> {
    volume_id: &'a str,
    path: &'a str,
}

impl<'a> MountsBody<'a> {
    pub(super) fn of(mount: &'a Mount) -> Option<Self> {
        match mount {
            Mount::None => None,
            Mount::Local { size, path } => Some(Self::Persistent { size: size.0, path }),
            Mount::Network { id, path } => {
                Some(Self::Network([NetworkMountBody { volume_id: id.as_str(), path }]))
            }
        }
    }
}
