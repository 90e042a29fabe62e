//! Bodies that are sent to REST v1.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::id::{CudaVersion, DataCenterId, RegistryId};
use crate::model::pod::{Compute, Port};
use crate::model::request::{Mount, PatchRequest, PodRequest};
use crate::provider::runpod::convert;

/// The CUDA versions that a create may name; the API has no lower limit, so one is spelled out.
const CUDA_VERSIONS: [&str; 12] =
    ["11.8", "12.0", "12.1", "12.2", "12.3", "12.4", "12.5", "12.6", "12.7", "12.8", "12.9", "13.0"];

/// Returns the CUDA versions to name; empty allows all.
pub(super) fn allowed_cuda(request: &PodRequest) -> Vec<&str> {
    let number = |version: &str| {
        let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    match &request.min_cuda {
        None => request.cuda.iter().map(CudaVersion::as_str).collect(),
        Some(least) => {
            let least = number(least.as_str());
            CUDA_VERSIONS.into_iter().filter(|version| least.is_some() && number(version) >= least).collect()
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateVolumeBody<'a> {
    pub(super) name: &'a str,
    pub(super) size: u32,
    pub(super) data_center_id: &'a str,
}

#[derive(Serialize)]
pub(super) struct GrowVolumeBody {
    pub(super) size: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatePodBody<'a> {
    name: &'a str,
    image_name: &'a str,
    docker_start_cmd: &'a [String],
    docker_entrypoint: &'a [String],
    env: BTreeMap<&'a str, &'a str>,
    ports: Vec<String>,
    container_disk_in_gb: u32,
    /// 0 means none; left out it would be 20.
    volume_in_gb: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_mount_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_volume_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_registry_auth_id: Option<&'a str>,
    global_networking: bool,
    cloud_type: &'static str,
    compute_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpu_type_ids: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpu_count: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_cuda_versions: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_flavor_ids: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vcpu_count: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_center_ids: Vec<&'a str>,
    interruptible: bool,
}

impl<'a> CreatePodBody<'a> {
    pub(super) fn of(request: &'a PodRequest, allowed_cuda_versions: Vec<&'a str>) -> Self {
        let PodRequest {
            name,
            image,
            command,
            entrypoint,
            env,
            ports,
            disk,
            registry,
            mount,
            global_networking,
            // There is no switch for either.
            access: _,
            compute,
            cloud,
            data_centers,
            // Both are in the allowed versions.
            cuda: _,
            min_cuda: _,
        } = request;
        let (compute_type, gpu, cpu) = match compute {
            Compute::Gpu { id, count } => ("GPU", Some((id, *count)), None),
            Compute::Cpu { flavor, vcpus } => ("CPU", None, Some((flavor, *vcpus))),
        };
        let (volume_in_gb, volume_mount_path, network_volume_id) = match mount {
            Mount::None => (0, None, None),
            Mount::Local { size, path } => (size.0, Some(path.as_str()), None),
            Mount::Network { id, path } => (0, Some(path.as_str()), Some(id.as_str())),
        };
        Self {
            name,
            image_name: image,
            docker_start_cmd: command,
            docker_entrypoint: entrypoint.as_deref().unwrap_or_default(),
            env: convert::exposed(env),
            ports: ports.iter().map(Port::to_string).collect(),
            container_disk_in_gb: disk.0,
            volume_in_gb,
            volume_mount_path,
            network_volume_id,
            container_registry_auth_id: registry.as_ref().map(RegistryId::as_str),
            global_networking: *global_networking,
            cloud_type: convert::cloud_word(*cloud),
            compute_type,
            gpu_type_ids: gpu.map(|(id, _)| [id.as_str()]),
            gpu_count: gpu.map(|(_, count)| count),
            allowed_cuda_versions,
            cpu_flavor_ids: cpu.map(|(flavor, _)| [flavor.as_str()]),
            vcpu_count: cpu.map(|(_, vcpus)| vcpus),
            data_center_ids: data_centers.iter().map(DataCenterId::as_str).collect(),
            interruptible: false,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdatePodBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    docker_start_cmd: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    docker_entrypoint: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<BTreeMap<&'a str, &'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_disk_in_gb: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_in_gb: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_mount_path: Option<&'a str>,
    /// The document allows no null here; an empty id takes the credentials away.
    #[serde(skip_serializing_if = "Option::is_none")]
    container_registry_auth_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    global_networking: Option<bool>,
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
            entrypoint,
            env,
            ports,
            disk,
            registry,
            mount,
            global_networking,
            locked,
        } = request;
        let (volume_in_gb, volume_mount_path) = match mount {
            None | Some(Mount::None) => (None, None),
            Some(Mount::Local { size, path }) => (Some(size.0), Some(path.as_str())),
            Some(Mount::Network { id: _, path }) => (None, Some(path.as_str())),
        };
        Self {
            name: name.as_deref(),
            locked: *locked,
            image_name: image.as_deref(),
            docker_start_cmd: command.as_deref(),
            docker_entrypoint: entrypoint.as_deref(),
            env: env.as_ref().map(convert::exposed),
            ports: ports.as_ref().map(|ports| ports.iter().map(Port::to_string).collect()),
            container_disk_in_gb: disk.map(|disk| disk.0),
            volume_in_gb,
            volume_mount_path,
            container_registry_auth_id: registry
                .as_ref()
                .map(|registry| registry.as_ref().map_or("", RegistryId::as_str)),
            global_networking: *global_networking,
        }
    }
}
