//! GraphQL, `https://api.runpod.io/graphql`: to be retired early in 2027.
//!
//! Values travel as variables, never inside the query. Errors come with status 200 beside `data`, or with 400 where
//! the query itself is refused. A create takes one data center, so several are tried one after the other; an update
//! wants the image and the container disk every time, and cannot rename, lock or network a pod.
//!
//! The catalog here also serves REST v1, which has none.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::convert;
use super::error::Verb;
use super::transport::{Answer, Request, Transport, unsendable};
use super::wire::{Count, Dollars, EnvPairs, Unfit, Wire};
use crate::model::catalog::{Catalog, CpuFlavor, DataCenter, GpuType, Stock, StockAnswer, StockQuery};
use crate::model::clock::Timestamp;
use crate::model::desired::CudaWish;
use crate::model::id::{
    CpuFlavorId, CudaVersion, DataCenterId, EnvKey, GpuTypeId, PodId, RegistryId, VolumeId,
};
use crate::model::live::{Endpoints, LivePod, LiveVolume, PodRole, PodStatus};
use crate::model::money::Price;
use crate::model::pod::{Cloud, Compute, Port};
use crate::model::prior::Api;
use crate::model::request::{Mount, PatchRequest, PodRequest, VolumeRequest};
use crate::model::secret::Secret;
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeTier;
use crate::provider::{Certainty, Listed, ProviderError, Rejection};

/// Everything that is read of a pod.
const POD: &str = "id name imageName dockerArgs env ports containerDiskInGb volumeInGb volumeMountPath \
    networkVolumeId containerRegistryAuthId desiredStatus gpuCount vcpuCount cpuFlavorId costPerHr locked \
    createdAt aiApiId clusterId machine { podHostId gpuTypeId secureCloud dataCenterId } \
    runtime { uptimeInSeconds ports { ip isIpPublic privatePort publicPort type } }";
/// The largest host has so many GPUs; it stands in where the catalog does not say.
const LARGEST_HOST: u32 = 8;

/// One operation: what errors call it, and the field of `data` that holds its result.
#[derive(Clone, Copy)]
struct Operation {
    call: &'static str,
    verb: Verb,
    field: &'static str,
}

impl Operation {
    const fn read(call: &'static str, field: &'static str) -> Self {
        Self { call, verb: Verb::Read, field }
    }

    const fn change(call: &'static str, field: &'static str) -> Self {
        Self { call, verb: Verb::Change, field }
    }
}

pub(super) async fn list_pods(transport: &Transport) -> Result<Vec<Listed>, ProviderError> {
    let operation = Operation::read("GraphQL query myself.pods", "myself");
    let query = format!("query Pods {{ myself {{ pods {{ {POD} }} }} }}");
    let (answer, myself) = send::<MyselfWire>(transport, operation, &query, Value::Null, Vec::new()).await?;
    let read = || -> Result<Vec<Listed>, Unfit> {
        let pods = myself.required("myself")?.pods.required("myself.pods")?;
        pods.into_iter().map(listed).collect()
    };
    read().map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn list_volumes(transport: &Transport) -> Result<Vec<LiveVolume>, ProviderError> {
    let operation = Operation::read("GraphQL query myself.networkVolumes", "myself");
    let query = "query Volumes { myself { networkVolumes { id name size dataCenterId } } }";
    let (answer, myself) = send::<MyselfWire>(transport, operation, query, Value::Null, Vec::new()).await?;
    let read = || -> Result<Vec<LiveVolume>, Unfit> {
        let volumes = myself.required("myself")?.network_volumes.required("myself.networkVolumes")?;
        volumes.into_iter().map(live_volume).collect()
    };
    read().map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn pod(transport: &Transport, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
    let operation = Operation::read("GraphQL query pod", "pod");
    let query = format!("query Pod($input: PodFilter!) {{ pod(input: $input) {{ {POD} }} }}");
    let variables = json!({ "input": { "podId": id.as_str() } });
    let (answer, pod) = send::<PodWire>(transport, operation, &query, variables, Vec::new()).await?;
    let read = || pod.nullable("pod")?.map(|wire| live_pod(id.clone(), wire)).transpose();
    read().map_err(|unfit| answer.unfit(unfit))
}

/// Reads one network volume from the list of all: there is no query for one.
pub(super) async fn volume(
    transport: &Transport,
    id: &VolumeId,
) -> Result<Option<LiveVolume>, ProviderError> {
    Ok(list_volumes(transport).await?.into_iter().find(|volume| volume.id == *id))
}

/// Creates a pod in the first of its data centers that has room.
///
/// Each request names another data center, and the next goes out only after the API certainly refused the last for
/// lack of capacity, so that no two pods come of it.
pub(super) async fn create_pod(transport: &Transport, request: &PodRequest) -> Result<PodId, ProviderError> {
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

fn instance_name(flavor: &str, vcpus: u32, gigabytes_per_vcpu: f64) -> String {
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
    let read = || created.required(operation.field)?.id.required("id");
    read().map(PodId::new).map_err(|unfit| answer.unfit(unfit))
}

/// Changes a pod by the one mutation there is, which resets it.
pub(super) async fn update_pod(transport: &Transport, request: &PatchRequest) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL podEditJob", "podEditJob");
    let PatchRequest {
        id,
        image_after,
        disk_after,
        name,
        // Both are always sent, as they are to be afterwards.
        image: _,
        disk: _,
        command,
        entrypoint,
        env,
        ports,
        registry,
        mount,
        global_networking,
        locked,
    } = request;
    if name.is_some() || locked.is_some() || global_networking.is_some() {
        let detail = "GraphQL cannot change the name, the lock or the private network of a pod";
        return Err(unsendable(operation.call, detail));
    }
    let (volume_in_gb, volume_mount_path) = match mount {
        None => (None, None),
        Some(Mount::None) => return Err(unsendable(operation.call, "a mount cannot be removed from a pod")),
        Some(Mount::Local { size, path }) => (Some(size.0), Some(path.as_str())),
        Some(Mount::Network { id: _, path }) => (None, Some(path.as_str())),
    };
    let docker_args = match (command, entrypoint) {
        (None, None) => None,
        (Some(command), Some(entrypoint)) => Some(convert::docker_args(command, entrypoint)),
        // One field holds both, so that the other half must be sent as it is.
        (Some(command), None) => {
            Some(convert::docker_args(command, &current(transport, id).await?.entrypoint.unwrap_or_default()))
        }
        (None, Some(entrypoint)) => {
            Some(convert::docker_args(&current(transport, id).await?.command.unwrap_or_default(), entrypoint))
        }
    };
    let input = EditInput {
        pod_id: id.as_str(),
        image_name: image_after,
        container_disk_in_gb: disk_after.0,
        docker_args,
        env: env.as_ref().map(env_input),
        ports: ports.as_ref().map(ports_text),
        volume_in_gb,
        volume_mount_path,
        container_registry_auth_id: registry
            .as_ref()
            .map(|registry| registry.as_ref().map_or("", RegistryId::as_str)),
    };
    let query = "mutation Edit($input: PodEditJobInput!) { podEditJob(input: $input) { id } }";
    let hidden = env.iter().flat_map(BTreeMap::values).cloned().collect();
    change(transport, operation, query, json!({ "input": input }), hidden).await
}

/// Reads the pod that a change needs to know before.
async fn current(transport: &Transport, id: &PodId) -> Result<LivePod, ProviderError> {
    let found = pod(transport, id).await?;
    found.ok_or_else(|| ProviderError {
        certainty: Certainty::Rejected(Rejection::NotFound),
        ..unsendable("GraphQL query pod", "there is no such pod")
    })
}

pub(super) async fn start_pod(transport: &Transport, id: &PodId, gpus: u32) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL podResume", "podResume");
    let query = "mutation Start($input: PodResumeInput!) { podResume(input: $input) { id } }";
    let mut input = json!({ "podId": id.as_str() });
    if gpus > 0 {
        input["gpuCount"] = json!(gpus);
    }
    change(transport, operation, query, json!({ "input": input }), Vec::new()).await
}

pub(super) async fn stop_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL podStop", "podStop");
    let query = "mutation Stop($input: PodStopInput!) { podStop(input: $input) { id } }";
    let variables = json!({ "input": { "podId": id.as_str() } });
    change(transport, operation, query, variables, Vec::new()).await
}

pub(super) async fn delete_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL podTerminate", "podTerminate");
    let query = "mutation Delete($input: PodTerminateInput!) { podTerminate(input: $input) }";
    let variables = json!({ "input": { "podId": id.as_str() } });
    change(transport, operation, query, variables, Vec::new()).await
}

pub(super) async fn create_volume(
    transport: &Transport,
    request: &VolumeRequest,
) -> Result<VolumeId, ProviderError> {
    let operation =
        Operation { call: "GraphQL createNetworkVolume", verb: Verb::Create, field: "createNetworkVolume" };
    let VolumeRequest { name, size, data_center, tier } = request;
    match tier {
        VolumeTier::Standard => {}
        VolumeTier::HighPerformance => {
            return Err(unsendable(operation.call, "GraphQL knows no tiers of volumes"));
        }
    }
    let query = "mutation CreateVolume($input: CreateNetworkVolumeInput!) \
        { createNetworkVolume(input: $input) { id } }";
    let variables =
        json!({ "input": { "name": name, "size": size.0, "dataCenterId": data_center.as_str() } });
    let (answer, created) = send::<CreatedWire>(transport, operation, query, variables, Vec::new()).await?;
    let read = || created.required(operation.field)?.id.required("id");
    read().map(VolumeId::new).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn grow_volume(
    transport: &Transport,
    id: &VolumeId,
    size: Gigabytes,
) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL updateNetworkVolume", "updateNetworkVolume");
    let query = "mutation GrowVolume($input: UpdateNetworkVolumeInput!) \
        { updateNetworkVolume(input: $input) { id } }";
    let variables = json!({ "input": { "id": id.as_str(), "size": size.0 } });
    change(transport, operation, query, variables, Vec::new()).await
}

pub(super) async fn delete_volume(transport: &Transport, id: &VolumeId) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL deleteNetworkVolume", "deleteNetworkVolume");
    let query =
        "mutation DeleteVolume($input: DeleteNetworkVolumeInput!) { deleteNetworkVolume(input: $input) }";
    let variables = json!({ "input": { "id": id.as_str() } });
    change(transport, operation, query, variables, Vec::new()).await
}

/// Reads the catalog, and the stock for as many questions as can be afforded, in two requests.
pub(super) async fn catalog(
    transport: &Transport,
    questions: &BTreeSet<StockQuery>,
    now: Timestamp,
) -> Result<Catalog, ProviderError> {
    let asked: Vec<&StockQuery> = convert::affordable(questions).into_iter().flatten().collect();
    let (query, variables) = catalog_query(&asked);
    let operation = Operation::read("GraphQL query gpuTypes", "gpuTypes");
    let (answer, mut data) = fetch(transport, operation, &query, variables, Vec::new()).await?;
    let unfit = |unfit| answer.unfit(unfit);

    let mut gpus = BTreeMap::new();
    let mut gpu_stock: BTreeMap<StockQuery, BTreeMap<GpuTypeId, StockAnswer>> =
        asked.iter().map(|question| ((*question).clone(), BTreeMap::new())).collect();
    for entry in take::<Vec<Value>>(&mut data, "gpuTypes").required("gpuTypes").map_err(unfit)? {
        let gpu = gpu_type(&entry).map_err(unfit)?;
        for (number, question) in asked.iter().enumerate() {
            let stock = gpu_stock.entry((*question).clone()).or_default();
            stock.insert(gpu.id.clone(), stock_answer(&entry, number, question));
        }
        gpus.insert(gpu.id.clone(), gpu);
    }
    convert::complete_stock(&gpus, &mut gpu_stock);

    let data_centers = take::<Vec<DataCenterWire>>(&mut data, "dataCenters").required("dataCenters");
    let data_centers = data_centers.map_err(unfit)?.into_iter().map(data_center);
    let data_centers = data_centers.collect::<Result<_, Unfit>>().map_err(unfit)?;
    let flavors =
        take::<Vec<CpuFlavorWire>>(&mut data, "cpuFlavors").required("cpuFlavors").map_err(unfit)?;
    let flavors = flavors.into_iter().map(Flavor::read).collect::<Result<Vec<_>, Unfit>>().map_err(unfit)?;

    let mut catalog = Catalog {
        observed_at: now,
        gpus,
        cpus: BTreeMap::new(),
        data_centers,
        gpu_stock,
        cpu_stock: BTreeMap::new(),
    };
    add_cpus(transport, flavors, &mut catalog).await?;
    Ok(catalog)
}

/// Writes the query for the catalog. Each question becomes an alias, one for each of its countries: the API takes
/// one country at a time.
fn catalog_query(asked: &[&StockQuery]) -> (String, Value) {
    let mut variables = serde_json::Map::new();
    let mut selection = String::new();
    for (number, question) in asked.iter().enumerate() {
        for (alias, country) in aliases(number, question) {
            selection.push_str(&format!(
                " {alias}: lowestPrice(input: ${alias}) \
                 {{ stockStatus gpuTypeDatacenters {{ dataCenterId availability }} }}"
            ));
            variables.insert(alias, lowest_price_input(question, country));
        }
    }
    let declared: Vec<String> =
        variables.keys().map(|alias| format!("${alias}: GpuLowestPriceInput!")).collect();
    let declared = if declared.is_empty() { String::new() } else { format!("({})", declared.join(", ")) };
    let query = format!(
        "query Catalog{declared} {{ \
         gpuTypes {{ id displayName memoryInGb securePrice communityPrice maxGpuCount{selection} }} \
         dataCenters {{ id storageSupport globalNetwork }} \
         cpuFlavors {{ id displayName minVcpu maxVcpu ramMultiplier }} }}"
    );
    (query, Value::Object(variables))
}

/// Returns the aliases of one question, with the country that each is about.
fn aliases(number: usize, question: &StockQuery) -> Vec<(String, Option<&str>)> {
    if question.countries.is_empty() {
        return vec![(format!("q{number}"), None)];
    }
    let countries = question.countries.iter().enumerate();
    countries.map(|(part, country)| (format!("q{number}c{part}"), Some(country.as_str()))).collect()
}

fn lowest_price_input(question: &StockQuery, country: Option<&str>) -> Value {
    let StockQuery { count, cloud, countries: _, cuda } = question;
    let secure = match cloud {
        Cloud::Secure => true,
        Cloud::Community => false,
    };
    let mut input = json!({ "gpuCount": count, "secureCloud": secure });
    if let Some(country) = country {
        input["countryCode"] = json!(country);
    }
    match cuda {
        CudaWish::Any => {}
        CudaWish::AtLeast(version) => input["minCudaVersion"] = json!(version.as_str()),
        CudaWish::OneOf(versions) => {
            let versions: Vec<&str> = versions.iter().map(CudaVersion::as_str).collect();
            input["allowedCudaVersions"] = json!(versions);
        }
    }
    input
}

/// Joins the answers of all countries of a question: the best of them, and all their data centers.
fn stock_answer(entry: &Value, number: usize, question: &StockQuery) -> StockAnswer {
    let mut joined = StockAnswer { best: Stock::None, data_centers: BTreeMap::new() };
    for (alias, _) in aliases(number, question) {
        let lowest = entry.get(&alias).cloned().unwrap_or_default();
        let LowestPriceWire { stock_status, gpu_type_datacenters } =
            LowestPriceWire::deserialize(lowest).unwrap_or_default();
        // No word means no stock here, unlike on REST.
        let best = stock_status.shown().map_or(Stock::None, |word| convert::stock(&word));
        joined.best = joined.best.max(best);
        for DataCenterStockWire { data_center_id, availability } in
            gpu_type_datacenters.shown().unwrap_or_default()
        {
            let stock = availability.shown().map_or(Stock::None, |word| convert::stock(&word));
            if let (Some(id), true) = (data_center_id.shown(), stock != Stock::None) {
                joined.data_centers.insert(DataCenterId::new(id), stock);
            }
        }
    }
    joined
}

/// Asks for price and stock of every flavor at its smallest size, which takes the ids of the first answer.
async fn add_cpus(
    transport: &Transport,
    flavors: Vec<Flavor>,
    catalog: &mut Catalog,
) -> Result<(), ProviderError> {
    if flavors.is_empty() {
        return Ok(());
    }
    let mut variables = serde_json::Map::new();
    let mut declared = Vec::new();
    let mut selection = String::new();
    for (number, flavor) in flavors.iter().enumerate() {
        let Flavor { cpu, ratio } = flavor;
        let instance = instance_name(cpu.id.as_str(), cpu.min_vcpus, *ratio);
        declared.push(format!("$f{number}: CpuFlavorInput, $s{number}: SpecificsInput"));
        selection.push_str(&format!(
            " f{number}: cpuFlavors(input: $f{number}) \
             {{ specifics(input: $s{number}) {{ stockStatus securePrice }} }}"
        ));
        variables.insert(format!("f{number}"), json!({ "id": cpu.id.as_str() }));
        variables.insert(format!("s{number}"), json!({ "instanceId": instance }));
    }
    let query = format!("query CpuStock({}) {{{selection} }}", declared.join(", "));
    let operation = Operation::read("GraphQL query cpuFlavors", "f0");
    let (_, mut data) = fetch(transport, operation, &query, Value::Object(variables), Vec::new()).await?;
    for (number, Flavor { mut cpu, ratio: _ }) in flavors.into_iter().enumerate() {
        let answers = take::<Vec<FlavorStockWire>>(&mut data, &format!("f{number}")).shown();
        let specifics =
            answers.unwrap_or_default().into_iter().next().and_then(|wire| wire.specifics.shown());
        let SpecificsWire { stock_status, secure_price } = specifics.unwrap_or_default();
        // The price is that of the whole instance.
        let vcpus = f64::from(cpu.min_vcpus.max(1));
        cpu.per_vcpu = convert::price(secure_price.map(|Dollars(price)| Dollars(price / vcpus)));
        let best = stock_status.shown().map_or(Stock::None, |word| convert::stock(&word));
        catalog.cpu_stock.insert(cpu.id.clone(), StockAnswer { best, data_centers: BTreeMap::new() });
        catalog.cpus.insert(cpu.id.clone(), cpu);
    }
    Ok(())
}

/// Sends a mutation whose result says no more than that it succeeded.
async fn change(
    transport: &Transport,
    operation: Operation,
    query: &str,
    variables: Value,
    hidden: Vec<Secret<String>>,
) -> Result<(), ProviderError> {
    fetch(transport, operation, query, variables, hidden).await.map(|_| ())
}

/// Sends an operation and takes its field out of the answer.
async fn send<T: DeserializeOwned>(
    transport: &Transport,
    operation: Operation,
    query: &str,
    variables: Value,
    hidden: Vec<Secret<String>>,
) -> Result<(Answer, Wire<T>), ProviderError> {
    let (answer, mut data) = fetch(transport, operation, query, variables, hidden).await?;
    let field = take(&mut data, operation.field);
    Ok((answer, field))
}

/// Sends an operation and returns `data`, which has the operation's field.
async fn fetch(
    transport: &Transport,
    operation: Operation,
    query: &str,
    variables: Value,
    hidden: Vec<Secret<String>>,
) -> Result<(Answer, BTreeMap<String, Value>), ProviderError> {
    let Operation { call, verb, field } = operation;
    let body = json!({ "query": query, "variables": variables }).to_string().into_bytes();
    let path = String::new();
    let request =
        Request { call, verb, api: Api::Graphql, method: Method::POST, path, body: Some(body), hidden };
    let answer = transport.send(request).await?;
    let EnvelopeWire { data, errors } = answer.decode()?;
    let failed = errors.shown().is_some_and(|errors| !errors.is_empty());
    let data = data.shown().unwrap_or_default();
    let result = data.get(field).filter(|result| !result.is_null());
    // With errors beside it, what a query found may lack fields. A mutation that names its object happened.
    if failed && (verb == Verb::Read || result.is_none()) {
        return Err(answer.failure());
    }
    if !data.contains_key(field) {
        return Err(answer.unfit(Unfit::Missing(field)));
    }
    Ok((answer, data))
}

/// Takes one field out of `data`.
fn take<T: DeserializeOwned>(data: &mut BTreeMap<String, Value>, field: &str) -> Wire<T> {
    let value = data.remove(field).map(Wire::deserialize);
    value.and_then(Result::ok).unwrap_or_default()
}

fn env_input(env: &BTreeMap<EnvKey, Secret<String>>) -> Vec<EnvInput<'_>> {
    convert::exposed(env).into_iter().map(|(key, value)| EnvInput { key, value }).collect()
}

fn ports_text(ports: &BTreeSet<Port>) -> String {
    ports.iter().map(Port::to_string).collect::<Vec<_>>().join(",")
}

#[derive(Serialize)]
struct EnvInput<'a> {
    key: &'a str,
    value: &'a str,
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EditInput<'a> {
    pod_id: &'a str,
    image_name: &'a str,
    container_disk_in_gb: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    docker_args: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<Vec<EnvInput<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_in_gb: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_mount_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_registry_auth_id: Option<&'a str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EnvelopeWire {
    data: Wire<BTreeMap<String, Value>>,
    errors: Wire<Vec<Value>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CreatedWire {
    id: Wire<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct MyselfWire {
    pods: Wire<Vec<PodWire>>,
    network_volumes: Wire<Vec<VolumeWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PodWire {
    id: Wire<String>,
    name: Wire<String>,
    image_name: Wire<String>,
    docker_args: Wire<String>,
    env: Wire<EnvPairs>,
    ports: Wire<String>,
    container_disk_in_gb: Wire<Count>,
    volume_in_gb: Wire<Count>,
    volume_mount_path: Wire<String>,
    network_volume_id: Wire<String>,
    container_registry_auth_id: Wire<String>,
    desired_status: Wire<String>,
    gpu_count: Wire<Count>,
    vcpu_count: Wire<Count>,
    cpu_flavor_id: Wire<String>,
    cost_per_hr: Wire<Dollars>,
    locked: Wire<bool>,
    created_at: Wire<String>,
    ai_api_id: Wire<String>,
    cluster_id: Wire<String>,
    machine: Wire<MachineWire>,
    runtime: Wire<RuntimeWire>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct MachineWire {
    pod_host_id: Wire<String>,
    gpu_type_id: Wire<String>,
    secure_cloud: Wire<bool>,
    data_center_id: Wire<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct RuntimeWire {
    uptime_in_seconds: Wire<u64>,
    ports: Wire<Vec<RuntimePortWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct RuntimePortWire {
    ip: Wire<String>,
    is_ip_public: Wire<bool>,
    private_port: Wire<Count>,
    public_port: Wire<Count>,
    #[serde(rename = "type")]
    protocol: Wire<String>,
}

/// Reads one entry of the listing. One without an id cannot even be reported, so that the listing is unusable.
fn listed(mut wire: PodWire) -> Result<Listed, Unfit> {
    let id = PodId::new(std::mem::take(&mut wire.id).required("myself.pods[].id")?);
    Ok(match live_pod(id.clone(), wire) {
        Ok(pod) => Listed::Pod(Box::new(pod)),
        Err(unfit) => Listed::Unreadable { id, why: unfit.to_string() },
    })
}

/// Converts a pod. What would show as a difference if it were guessed must be there.
fn live_pod(id: PodId, wire: PodWire) -> Result<LivePod, Unfit> {
    let name = wire.name.required("name")?;
    let mut env = wire.env.nullable("env")?.map(|EnvPairs(env)| env).unwrap_or_default();
    let marker = convert::take_marker(&mut env);
    let ports = wire.ports.nullable("ports")?.unwrap_or_default();
    let args = wire.docker_args.said("dockerArgs")?;
    let (command, entrypoint) =
        args.map(|args| convert::split_docker_args(&args.unwrap_or_default())).unzip();
    // The intent reads RUNNING while the image is pulled; the container reports once it is up.
    let runtime = wire.runtime.shown();
    let up = if runtime.is_some() { PodStatus::Running } else { PodStatus::Starting };
    let machine = wire.machine.shown().unwrap_or_default();
    let network_id = wire.network_volume_id.optional("networkVolumeId")?;
    let registry = wire.container_registry_auth_id.said("containerRegistryAuthId")?;
    Ok(LivePod {
        role: match wire.cluster_id.shown().filter(|cluster| !cluster.is_empty()) {
            Some(_) => PodRole::ClusterMember,
            None => convert::role(id.as_str(), &name, wire.ai_api_id.shown().as_deref()),
        },
        id,
        name,
        status: convert::intended_status(&wire.desired_status.required("desiredStatus")?, up)?,
        image: wire.image_name.optional("imageName")?,
        command,
        entrypoint,
        env,
        marker,
        ports: convert::ports(ports.split(',')).ok_or(Unfit::Odd("ports"))?,
        disk: wire.container_disk_in_gb.optional("containerDiskInGb")?.map(|Count(size)| Gigabytes(size)),
        storage: convert::storage(network_id, wire.volume_in_gb, wire.volume_mount_path)?,
        registry: registry.map(convert::registry),
        cloud: convert::cloud_of_machine(machine.secure_cloud),
        data_center: machine.data_center_id.shown().map(DataCenterId::new),
        compute: convert::compute(machine.gpu_type_id, wire.gpu_count, wire.cpu_flavor_id, wire.vcpu_count),
        cuda: None,
        locked: wire.locked.optional("locked")?,
        global_networking: None,
        created_at: wire.created_at.shown().and_then(|text| text.parse().ok()),
        price: convert::price(wire.cost_per_hr),
        endpoints: endpoints(machine.pod_host_id.shown(), runtime.unwrap_or_default()),
    })
}

fn endpoints(host: Option<String>, RuntimeWire { uptime_in_seconds, ports }: RuntimeWire) -> Endpoints {
    let public = |wire: RuntimePortWire| {
        let RuntimePortWire { ip, is_ip_public, private_port, public_port, protocol } = wire;
        let (Count(private), Count(public)) = (private_port.shown()?, public_port.shown()?);
        let reachable = protocol.shown()? == "tcp" && is_ip_public.shown()?;
        reachable.then_some((private, (ip.shown()?, public)))
    };
    let tcp: BTreeMap<u32, (String, u32)> =
        ports.shown().unwrap_or_default().into_iter().filter_map(public).collect();
    Endpoints {
        ssh_proxy: host.map(|host| format!("ssh {host}@ssh.runpod.io")),
        ssh_direct: tcp.get(&22).map(|(ip, port)| format!("ssh root@{ip} -p {port}")),
        tcp: tcp.into_iter().map(|(inside, (ip, port))| (inside, format!("{ip}:{port}"))).collect(),
        uptime_seconds: uptime_in_seconds.shown(),
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct VolumeWire {
    id: Wire<String>,
    name: Wire<String>,
    size: Wire<Count>,
    data_center_id: Wire<String>,
}

fn live_volume(wire: VolumeWire) -> Result<LiveVolume, Unfit> {
    let VolumeWire { id, name, size, data_center_id } = wire;
    Ok(LiveVolume {
        id: VolumeId::new(id.required("networkVolumes[].id")?),
        name: name.required("networkVolumes[].name")?,
        size: size.required("networkVolumes[].size").map(|Count(size)| Gigabytes(size))?,
        data_center: DataCenterId::new(data_center_id.required("networkVolumes[].dataCenterId")?),
        tier: None,
    })
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct GpuTypeWire {
    id: Wire<String>,
    display_name: Wire<String>,
    memory_in_gb: Wire<Count>,
    secure_price: Wire<Dollars>,
    community_price: Wire<Dollars>,
    max_gpu_count: Wire<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct LowestPriceWire {
    stock_status: Wire<String>,
    gpu_type_datacenters: Wire<Vec<DataCenterStockWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DataCenterStockWire {
    data_center_id: Wire<String>,
    availability: Wire<String>,
}

fn gpu_type(entry: &Value) -> Result<GpuType, Unfit> {
    let wire = GpuTypeWire::deserialize(entry).map_err(|_| Unfit::Odd("gpuTypes[]"))?;
    let GpuTypeWire { id, display_name, memory_in_gb, secure_price, community_price, max_gpu_count } = wire;
    let id = GpuTypeId::new(id.required("gpuTypes[].id")?);
    Ok(GpuType {
        name: display_name.shown().unwrap_or_else(|| id.as_str().to_owned()),
        id,
        memory: memory_in_gb.required("gpuTypes[].memoryInGb").map(|Count(size)| Gigabytes(size))?,
        secure: convert::price(secure_price),
        community: convert::price(community_price),
        max_count: max_gpu_count.shown().map_or(LARGEST_HOST, |Count(count)| count),
    })
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DataCenterWire {
    id: Wire<String>,
    storage_support: Wire<bool>,
    global_network: Wire<bool>,
}

fn data_center(wire: DataCenterWire) -> Result<(DataCenterId, DataCenter), Unfit> {
    let DataCenterWire { id, storage_support, global_network } = wire;
    let id = id.required("dataCenters[].id")?;
    let has_volumes = storage_support.shown().unwrap_or(false);
    let data_center = DataCenter {
        country: convert::country(&id),
        global_networking: global_network.shown().unwrap_or(false),
        volume_tiers: has_volumes.then_some(VolumeTier::Standard).into_iter().collect(),
        id: DataCenterId::new(id),
    };
    Ok((data_center.id.clone(), data_center))
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CpuFlavorWire {
    id: Wire<String>,
    display_name: Wire<String>,
    min_vcpu: Wire<Count>,
    max_vcpu: Wire<Count>,
    ram_multiplier: Wire<Dollars>,
}

/// A CPU flavor whose price is not known yet, with its exact memory for each vCPU.
struct Flavor {
    cpu: CpuFlavor,
    ratio: f64,
}

impl Flavor {
    fn read(wire: CpuFlavorWire) -> Result<Self, Unfit> {
        let CpuFlavorWire { id, display_name, min_vcpu, max_vcpu, ram_multiplier } = wire;
        let id = CpuFlavorId::new(id.required("cpuFlavors[].id")?);
        let (Count(min_vcpus), Count(max_vcpus)) =
            (min_vcpu.required("cpuFlavors[].minVcpu")?, max_vcpu.required("cpuFlavors[].maxVcpu")?);
        let Dollars(ratio) = ram_multiplier.required("cpuFlavors[].ramMultiplier")?;
        let cpu = CpuFlavor {
            name: display_name.shown().unwrap_or_else(|| id.as_str().to_owned()),
            id,
            min_vcpus,
            max_vcpus,
            memory_per_vcpu: Gigabytes(ratio as u32),
            per_vcpu: Price::Unknown,
        };
        Ok(Self { cpu, ratio })
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FlavorStockWire {
    specifics: Wire<SpecificsWire>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct SpecificsWire {
    stock_status: Wire<String>,
    secure_price: Wire<Dollars>,
}
