//! Creates of pods: one mutation for GPU pods, another for CPU pods, one data center at a time.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::before_anything;
use super::call::{Operation, send};
use super::catalog::CpuFlavorWire;
use super::pod::settings_input;
use crate::model::desired::HostLimits;
use crate::model::id::{CpuFlavorId, DataCenterId, GpuTypeId, PodId};
use crate::model::pod::{Compute, Storage};
use crate::model::request::PodRequest;
use crate::provider::runpod::command;
use crate::provider::runpod::convert::{self, given};
use crate::provider::runpod::transport::{Transport, unsendable};
use crate::provider::runpod::wire::{Dollars, Wire, object_id, objects};
use crate::provider::{Certainty, ProviderError, Rejection, Verb};

/// Creates a pod in the first of its data centers that has room.
///
/// Each request names another data center, and the next goes out only after the API certainly refused the last for
/// lack of capacity, so that no two pods come of it.
pub(in crate::provider::runpod) async fn create_pod(
    transport: &Transport,
    request: &PodRequest,
) -> Result<PodId, ProviderError> {
    let mut data_centers = request.placement.data_centers.iter();
    let mut data_center = data_centers.next();
    loop {
        let created = match &request.placement.compute {
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
    let bid = request.placement.rent.bid();
    let (operation, query) = match bid {
        None => (
            Operation::new(
                Verb::CreatePod.by("GraphQL podFindAndDeployOnDemand"),
                "podFindAndDeployOnDemand",
            ),
            "mutation Create($input: PodFindAndDeployOnDemandInput) \
                { podFindAndDeployOnDemand(input: $input) { id } }",
        ),
        Some(_) => (
            Operation::new(Verb::CreatePod.by("GraphQL podRentInterruptable"), "podRentInterruptable"),
            "mutation Create($input: PodRentInterruptableInput!) { podRentInterruptable(input: $input) { id } }",
        ),
    };
    let HostLimits { cuda, min_vcpu, min_memory } = &request.placement.host;
    let mut input = create_input(request, data_center);
    input.entry("volumeInGb").or_insert(json!(0));
    input.extend(given([
        ("gpuTypeId", Some(json!(id.as_str()))),
        ("gpuCount", Some(json!(count))),
        ("bidPerGpu", bid.map(|bid| json!(bid.dollars()))),
        ("allowedCudaVersions", convert::some_texts(cuda.allowed())),
        ("minCudaVersion", cuda.least().map(|version| json!(version))),
        // Here both are for the whole pod.
        ("minVcpuCount", min_vcpu.map(|vcpus| json!(vcpus.saturating_mul(count)))),
        ("minMemoryInGb", min_memory.map(|memory| json!(memory.0.saturating_mul(count)))),
    ]));
    create(transport, operation, query, &input, request).await
}

async fn create_cpu_pod(
    transport: &Transport,
    request: &PodRequest,
    flavor: &CpuFlavorId,
    vcpus: u32,
    data_center: Option<&DataCenterId>,
) -> Result<PodId, ProviderError> {
    let operation = Operation { call: Verb::CreatePod.by("GraphQL deployCpuPod"), field: "deployCpuPod" };
    if matches!(request.settings.storage, Storage::Local { .. }) {
        return Err(unsendable(operation.call, "a CPU pod has no disk on its host"));
    }
    // The id of an instance ends in its memory, which only the flavor tells.
    let instance = instance_id(transport, flavor, vcpus).await.map_err(before_anything)?;
    let query = "mutation Create($input: deployCpuPodInput!) { deployCpuPod(input: $input) { id } }";
    let mut input = create_input(request, data_center);
    input.insert("instanceId".to_owned(), json!(instance));
    input.remove("globalNetwork"); // Only pods with a GPU can be on it.
    create(transport, operation, query, &input, request).await
}

/// Returns the id of an instance, such as `cpu3c-2-4`.
async fn instance_id(
    transport: &Transport,
    flavor: &CpuFlavorId,
    vcpus: u32,
) -> Result<String, ProviderError> {
    let operation = Operation::new(Verb::ReadCatalog.by("GraphQL query cpuFlavors"), "cpuFlavors");
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
    input: &Map<String, Value>,
    request: &PodRequest,
) -> Result<PodId, ProviderError> {
    let hidden = request.settings.env.values().cloned().collect();
    let variables = json!({ "input": input });
    let (answer, created) = send::<CreatedWire>(transport, operation, query, variables, hidden).await?;
    let read = || object_id(created.required(operation.field)?.id, "id");
    read().map(PodId::new).map_err(|unfit| answer.unfit(unfit))
}

/// Returns what both creates take; what only one of them does is filled in there.
fn create_input(request: &PodRequest, data_center: Option<&DataCenterId>) -> Map<String, Value> {
    let PodRequest { settings, access, placement } = request;
    // Left out, it has been answered with `Something went wrong`.
    let docker_args = command::docker_args(&settings.command, &settings.entrypoint);
    let mut input = settings_input(&request.given(), Some(docker_args));
    input.extend(given([
        ("networkVolumeId", settings.storage.volume().map(|id| json!(id.as_str()))),
        ("startSsh", Some(json!(access.ssh))),
        ("startJupyter", Some(json!(access.jupyter))),
        ("cloudType", Some(json!(convert::cloud_word(placement.cloud)))),
        ("dataCenterId", data_center.map(|id| json!(id.as_str()))),
    ]));
    input
}

objects!(CreatedWire);

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct CreatedWire {
    pub(super) id: Wire<String>,
}
