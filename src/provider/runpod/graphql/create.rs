//! Creates of pods: one mutation for GPU pods, another for CPU pods, one data center at a time.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::{Operation, send};
use super::catalog::CpuFlavorWire;
use super::{EnvInput, env_input, ports_text};
use crate::model::id::{CpuFlavorId, CudaVersion, DataCenterId, GpuTypeId, PodId, RegistryId};
use crate::model::pod::Compute;
use crate::model::request::{Mount, PodRequest};
use crate::provider::runpod::convert;
use crate::provider::runpod::error::Verb;
use crate::provider::runpod::transport::{Transport, unsendable};
use crate::provider::runpod::wire::{Dollars, Wire, object_id, objects};
use crate::provider::{Certainty, ProviderError, Rejection};

/// Creates a pod in the first of its data centers that has room.
///
/// Each request names another data center, and the next goes out only after the API certainly refused the last for
/// lack of capacity, so that no two pods come of it.
pub(in crate::provider::runpod) async fn create_pod(
    transport: &Transport,
    request: &PodRequest,
) -> Result<PodId, ProviderError> {
    let mut data_centers = request.data_centers.iter();
    let mut data_center = data_centers.next();
    loop {
        let created = match &request.compute {
            Compute::Gpu { id, count } => create_gpu_pod(transport, request, id, *count, data_center).await,
            Compute::Cpu { flavor, vcpus } => {
                create_cpu_pod(transport, request, flavor, *vcpus, data_center).await
            }
        };
        match created {
            Err(error) if error.certainty == Certainty::Rejected(Rejection::NoCapacity) => {
                data_center = data_centers.next();
                if data_center.is_none() {
                    return Err(error);
                }
            }
            created => return created,
        }
    }
}

async fn create_gpu_pod(
    transport: &Transport,
    request: &PodRequest,
    id: &GpuTypeId,
    count: u32,
    data_center: Option<&DataCenterId>,
) -> Result<PodId, ProviderError> {
    let operation = Operation {
        call: "GraphQL podFindAndDeployOnDemand",
        verb: Verb::Create,
        field: "podFindAndDeployOnDemand",
    };
    let query = "mutation Create($input: PodFindAndDeployOnDemandInput) \
        { podFindAndDeployOnDemand(input: $input) { id } }";
    let mut input = create_input(request, data_center);
    input.gpu_type_id = Some(id.as_str());
    input.gpu_count = Some(count);
    input.global_network = Some(request.global_networking);
    input.allowed_cuda_versions = request.cuda.iter().map(CudaVersion::as_str).collect();
    input.min_cuda_version = request.min_cuda.as_ref().map(CudaVersion::as_str);
    input.volume_in_gb = Some(match &request.mount {
        Mount::None | Mount::Network { .. } => 0,
        Mount::Local { size, path: _ } => size.0,
    });
    create(transport, operation, query, &input, request).await
}

async fn create_cpu_pod(
    transport: &Transport,
    request: &PodRequest,
    flavor: &CpuFlavorId,
    vcpus: u32,
    data_center: Option<&DataCenterId>,
) -> Result<PodId, ProviderError> {
    let operation = Operation { call: "GraphQL deployCpuPod", verb: Verb::Create, field: "deployCpuPod" };
    if matches!(request.mount, Mount::Local { .. }) {
        return Err(unsendable(operation.call, "a CPU pod has no disk on its host"));
    }
    // The id of an instance ends in its memory, which only the flavor tells.
    let instance = instance_id(transport, flavor, vcpus).await.map_err(|error| ProviderError {
        certainty: match error.certainty {
            // Only a read failed; no pod can have come of it.
            Certainty::Unknown => Certainty::NotDone,
            certainty => certainty,
        },
        ..error
    })?;
    let query = "mutation Create($input: deployCpuPodInput!) { deployCpuPod(input: $input) { id } }";
    let mut input = create_input(request, data_center);
    input.instance_id = Some(&instance);
    create(transport, operation, query, &input, request).await
}

/// Returns the id of an instance, such as `cpu3c-2-4`.
async fn instance_id(
    transport: &Transport,
    flavor: &CpuFlavorId,
    vcpus: u32,
) -> Result<String, ProviderError> {
    let operation = Operation::read("GraphQL query cpuFlavors", "cpuFlavors");
    let query = "query Flavor($input: CpuFlavorInput) { cpuFlavors(input: $input) { id ramMultiplier } }";
    let variables = json!({ "input": { "id": flavor.as_str() } });
    let (answer, flavors) =
        send::<Vec<CpuFlavorWire>>(transport, operation, query, variables, Vec::new()).await?;
    let flavors = flavors.shown().unwrap_or_default();
    let of_flavor = |wire: CpuFlavorWire| {
        (wire.id.shown()? == flavor.as_str()).then(|| wire.ram_multiplier.shown()).flatten()
    };
    match flavors.into_iter().find_map(of_flavor) {
        Some(Dollars(ratio)) => Ok(instance_name(flavor.as_str(), vcpus, ratio)),
        None => Err(answer.error(Certainty::Rejected(Rejection::Invalid), "there is no such CPU flavor")),
    }
}

pub(super) fn instance_name(flavor: &str, vcpus: u32, gigabytes_per_vcpu: f64) -> String {
    format!("{flavor}-{vcpus}-{}", (f64::from(vcpus) * gigabytes_per_vcpu) as u32)
}

async fn create(
    transport: &Transport,
    operation: Operation,
    query: &str,
    input: &CreateInput<'_>,
    request: &PodRequest,
) -> Result<PodId, ProviderError> {
    let hidden = request.env.values().cloned().collect();
    let variables = json!({ "input": input });
    let (answer, created) = send::<CreatedWire>(transport, operation, query, variables, hidden).await?;
    let read = || object_id(created.required(operation.field)?.id, "id");
    read().map(PodId::new).map_err(|unfit| answer.unfit(unfit))
}

/// What both creates take; the fields of only one of them are filled in there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateInput<'a> {
    name: &'a str,
    image_name: &'a str,
    /// Left out, it has been answered with `Something went wrong`.
    docker_args: String,
    env: Vec<EnvInput<'a>>,
    ports: String,
    container_disk_in_gb: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_mount_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_volume_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_registry_auth_id: Option<&'a str>,
    start_ssh: bool,
    start_jupyter: bool,
    cloud_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_center_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_in_gb: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpu_type_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpu_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    global_network: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_cuda_versions: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_cuda_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<&'a str>,
}

fn create_input<'a>(request: &'a PodRequest, data_center: Option<&'a DataCenterId>) -> CreateInput<'a> {
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
        access,
        cloud,
        // One at a time, given beside the request.
        data_centers: _,
        // For GPU pods only, filled in there.
        global_networking: _,
        compute: _,
        cuda: _,
        min_cuda: _,
    } = request;
    let (volume_mount_path, network_volume_id) = match mount {
        Mount::None => (None, None),
        Mount::Local { size: _, path } => (Some(path.as_str()), None),
        Mount::Network { id, path } => (Some(path.as_str()), Some(id.as_str())),
    };
    CreateInput {
        name,
        image_name: image,
        docker_args: convert::docker_args(command, entrypoint.as_deref().unwrap_or_default()),
        env: env_input(env),
        ports: ports_text(ports),
        container_disk_in_gb: disk.0,
        volume_mount_path,
        network_volume_id,
        container_registry_auth_id: registry.as_ref().map(RegistryId::as_str),
        start_ssh: access.ssh,
        start_jupyter: access.jupyter,
        cloud_type: convert::cloud_word(*cloud),
        data_center_id: data_center.map(DataCenterId::as_str),
        volume_in_gb: None,
        gpu_type_id: None,
        gpu_count: None,
        global_network: None,
        allowed_cuda_versions: Vec::new(),
        min_cuda_version: None,
        instance_id: None,
    }
}

objects!(CreatedWire);

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct CreatedWire {
    pub(super) id: Wire<String>,
}
