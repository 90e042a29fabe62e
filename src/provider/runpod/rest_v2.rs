//! REST v2, `https://api.runpod.io/v2`: the default.
//!
//! It has an observed status, problem+json errors and a catalog with stock, and no entrypoint. A create names one
//! GPU type and always its count: without the count the API answers that it has no instances.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::convert;
use super::error::Verb;
use super::transport::{Answer, Request, Transport, created, segment, unsendable};
use super::wire::{Count, Dollars, EnvMap, Unfit, Wire};
use crate::model::catalog::{Catalog, CpuFlavor, DataCenter, GpuType, Stock, StockAnswer, StockQuery};
use crate::model::clock::Timestamp;
use crate::model::desired::CudaWish;
use crate::model::id::{
    CountryCode, CpuFlavorId, CudaVersion, DataCenterId, GpuTypeId, PodId, RegistryId, VolumeId,
};
use crate::model::live::{Endpoints, LivePod, LiveStorage, LiveVolume, PodRole, PodStatus};
use crate::model::pod::{Compute, Port};
use crate::model::prior::Api;
use crate::model::request::{Mount, PatchRequest, PodRequest, VolumeRequest};
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeTier;
use crate::provider::{Certainty, Listed, ProviderError};

/// The most pages of one listing that are read. The API has no pages yet, but announces them.
const PAGES: usize = 50;
/// What stays as it is in the value of a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b',');

pub(super) async fn list_pods(transport: &Transport) -> Result<Vec<Listed>, ProviderError> {
    let listing = list::<PodWire>(transport, "GET /v2/pods", "/pods", "pods").await?;
    let entries = listing.entries.into_iter().map(listed);
    entries.collect::<Result<_, Unfit>>().map_err(|unfit| listing.answer.unfit(unfit))
}

pub(super) async fn list_volumes(transport: &Transport) -> Result<Vec<LiveVolume>, ProviderError> {
    let listing =
        list::<VolumeWire>(transport, "GET /v2/network-volumes", "/network-volumes", "networkVolumes")
            .await?;
    let volumes = listing.entries.into_iter().map(live_volume);
    volumes.collect::<Result<_, Unfit>>().map_err(|unfit| listing.answer.unfit(unfit))
}

pub(super) async fn pod(transport: &Transport, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
    let call = "GET /v2/pods/{id}";
    let answer = transport.send(get(call, format!("/pods/{}", segment(call, id.as_str())?))).await?;
    if answer.says_not_found() {
        return Ok(None);
    }
    let wire: PodWire = answer.decode()?;
    live_pod(id.clone(), wire).map(Some).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn volume(
    transport: &Transport,
    id: &VolumeId,
) -> Result<Option<LiveVolume>, ProviderError> {
    let call = "GET /v2/network-volumes/{id}";
    let path = format!("/network-volumes/{}", segment(call, id.as_str())?);
    let answer = transport.send(get(call, path)).await?;
    if answer.says_not_found() {
        return Ok(None);
    }
    live_volume(answer.decode()?).map(Some).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn create_pod(transport: &Transport, request: &PodRequest) -> Result<PodId, ProviderError> {
    let call = "POST /v2/pods";
    if request.entrypoint.as_ref().is_some_and(|words| !words.is_empty()) {
        return Err(unsendable(call, "REST v2 cannot set an entrypoint"));
    }
    let answer = transport
        .send(Request {
            hidden: request.env.values().cloned().collect(),
            ..write(call, Verb::Create, Method::POST, "/pods".to_owned(), &CreatePodBody::from(request))
        })
        .await?;
    created(&answer).map(PodId::new)
}

pub(super) async fn update_pod(transport: &Transport, request: &PatchRequest) -> Result<(), ProviderError> {
    let call = "PATCH /v2/pods/{id}";
    if request.entrypoint.as_ref().is_some_and(|words| !words.is_empty()) {
        return Err(unsendable(call, "REST v2 cannot set an entrypoint"));
    }
    if request.mount == Some(Mount::None) {
        return Err(unsendable(call, "a mount cannot be removed from a pod"));
    }
    let path = format!("/pods/{}", segment(call, request.id.as_str())?);
    let answer = transport
        .send(Request {
            hidden: request.env.iter().flat_map(BTreeMap::values).cloned().collect(),
            ..write(call, Verb::Change, Method::PATCH, path, &UpdatePodBody::from(request))
        })
        .await?;
    answer.accept()
}

pub(super) async fn start_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    act(transport, "POST /v2/pods/{id}/action (start)", id, "start").await
}

pub(super) async fn stop_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    act(transport, "POST /v2/pods/{id}/action (stop)", id, "stop").await
}

async fn act(
    transport: &Transport,
    call: &'static str,
    id: &PodId,
    action: &'static str,
) -> Result<(), ProviderError> {
    let path = format!("/pods/{}/action", segment(call, id.as_str())?);
    transport.send(write(call, Verb::Change, Method::POST, path, &ActionBody { action })).await?.accept()
}

pub(super) async fn delete_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    let call = "DELETE /v2/pods/{id}";
    let path = format!("/pods/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}

pub(super) async fn create_volume(
    transport: &Transport,
    request: &VolumeRequest,
) -> Result<VolumeId, ProviderError> {
    let VolumeRequest { name, size, data_center, tier } = request;
    let body = CreateVolumeBody {
        name,
        size: size.0,
        data_center: data_center.as_str(),
        tier: match tier {
            VolumeTier::Standard => "STANDARD",
            VolumeTier::HighPerformance => "HIGH_PERFORMANCE",
        },
    };
    let path = "/network-volumes".to_owned();
    let request = write("POST /v2/network-volumes", Verb::Create, Method::POST, path, &body);
    created(&transport.send(request).await?).map(VolumeId::new)
}

pub(super) async fn grow_volume(
    transport: &Transport,
    id: &VolumeId,
    size: Gigabytes,
) -> Result<(), ProviderError> {
    let call = "PATCH /v2/network-volumes/{id}";
    let path = format!("/network-volumes/{}", segment(call, id.as_str())?);
    let body = GrowVolumeBody { size: size.0 };
    transport.send(write(call, Verb::Change, Method::PATCH, path, &body)).await?.accept()
}

pub(super) async fn delete_volume(transport: &Transport, id: &VolumeId) -> Result<(), ProviderError> {
    let call = "DELETE /v2/network-volumes/{id}";
    let path = format!("/network-volumes/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}

/// Reads the catalog, and the stock for as many questions as can be afforded.
pub(super) async fn catalog(
    transport: &Transport,
    questions: &BTreeSet<StockQuery>,
    now: Timestamp,
) -> Result<Catalog, ProviderError> {
    let mut gpus = BTreeMap::new();
    let mut gpu_stock = BTreeMap::new();
    for question in convert::affordable(questions) {
        let path = gpu_path(question);
        let listing = list::<GpuWire>(transport, "GET /v2/catalog/gpus", &path, "gpus").await?;
        let mut stock = BTreeMap::new();
        for entry in listing.entries {
            let (gpu, answer) = gpu_type(entry).map_err(|unfit| listing.answer.unfit(unfit))?;
            stock.insert(gpu.id.clone(), answer);
            gpus.entry(gpu.id.clone()).or_insert(gpu);
        }
        gpu_stock.extend(question.map(|question| (question.clone(), stock)));
    }
    convert::complete_stock(&gpus, &mut gpu_stock);

    let path = "/catalog/cpus?include=AVAILABILITY&product=POD";
    let listing = list::<CpuWire>(transport, "GET /v2/catalog/cpus", path, "cpus").await?;
    let read = listing.entries.into_iter().map(cpu_flavor);
    let read = read.collect::<Result<Vec<_>, Unfit>>().map_err(|unfit| listing.answer.unfit(unfit))?;
    let cpu_stock = read.iter().map(|(cpu, stock)| (cpu.id.clone(), stock.clone())).collect();
    let cpus = read.into_iter().map(|(cpu, _)| (cpu.id.clone(), cpu)).collect();

    let path = "/catalog/datacenters";
    let listing =
        list::<DataCenterWire>(transport, "GET /v2/catalog/datacenters", path, "dataCenters").await?;
    let read = listing.entries.into_iter().map(data_center);
    let data_centers = read.collect::<Result<_, Unfit>>().map_err(|unfit| listing.answer.unfit(unfit))?;

    Ok(Catalog { observed_at: now, gpus, cpus, data_centers, gpu_stock, cpu_stock })
}

/// Returns path and query of one catalog call; lists are joined by commas, not repeated.
fn gpu_path(question: Option<&StockQuery>) -> String {
    let Some(StockQuery { count, cloud, countries, cuda }) = question else {
        return "/catalog/gpus".to_owned();
    };
    let cloud = convert::cloud_word(*cloud);
    let mut path = format!("/catalog/gpus?include=AVAILABILITY&product=POD&count={count}&cloud={cloud}");
    let mut filter = |name: &str, values: Vec<&str>| {
        if !values.is_empty() {
            let joined = values.join(",");
            path.push_str(&format!("&{name}={}", utf8_percent_encode(&joined, QUERY)));
        }
    };
    filter("countryCodes", countries.iter().map(CountryCode::as_str).collect());
    match cuda {
        CudaWish::Any => {}
        CudaWish::AtLeast(version) => filter("minCudaVersion", vec![version.as_str()]),
        CudaWish::OneOf(versions) => {
            filter("cudaVersions", versions.iter().map(CudaVersion::as_str).collect())
        }
    }
    path
}

/// The entries of a listing, and the answer that errors about them cite.
struct Listing<T> {
    entries: Vec<T>,
    answer: Answer,
}

/// Reads a listing with all its pages.
async fn list<T: DeserializeOwned>(
    transport: &Transport,
    call: &'static str,
    path: &str,
    key: &'static str,
) -> Result<Listing<T>, ProviderError> {
    let mut entries = Vec::new();
    let mut last_page = Vec::new();
    let mut cursor = String::new();
    let mut pages = 0;
    loop {
        pages += 1;
        let separator = if path.contains('?') { '&' } else { '?' };
        let page = match cursor.as_str() {
            "" => path.to_owned(),
            cursor => format!("{path}{separator}cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC)),
        };
        let answer = transport.send(get(call, page)).await?;
        let mut envelope: BTreeMap<String, Value> = answer.decode()?;
        let unfit = |unfit| answer.unfit(unfit);
        let page = match envelope.remove(key) {
            Some(Value::Array(page)) => page,
            Some(_) => return Err(unfit(Unfit::Odd(key))),
            None => return Err(unfit(Unfit::Missing(key))),
        };
        // The API ignores query parameters that it does not know, and would send its first page for ever.
        if pages > PAGES || (!cursor.is_empty() && page == last_page) {
            let detail = "the listing has more pages than can be read";
            return Err(answer.error(Certainty::Unknown, detail));
        }
        for entry in &page {
            entries.push(T::deserialize(entry).map_err(|_| unfit(Unfit::Odd(key)))?);
        }
        match envelope.remove("nextCursor") {
            Some(Value::String(next)) if !next.is_empty() => (cursor, last_page) = (next, page),
            _ => return Ok(Listing { entries, answer }),
        }
    }
}

fn get(call: &'static str, path: String) -> Request {
    Request {
        call,
        verb: Verb::Read,
        api: Api::V2,
        method: Method::GET,
        path,
        body: None,
        hidden: Vec::new(),
    }
}

fn delete(call: &'static str, path: String) -> Request {
    Request { verb: Verb::Change, method: Method::DELETE, ..get(call, path) }
}

fn write(call: &'static str, verb: Verb, method: Method, path: String, body: &impl Serialize) -> Request {
    let body = serde_json::to_vec(body).expect("bodies are maps with text keys");
    Request { verb, method, body: Some(body), ..get(call, path) }
}

#[derive(Serialize)]
struct ActionBody {
    action: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateVolumeBody<'a> {
    name: &'a str,
    size: u32,
    data_center: &'a str,
    #[serde(rename = "type")]
    tier: &'a str,
}

#[derive(Serialize)]
struct GrowVolumeBody {
    size: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreatePodBody<'a> {
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
struct UpdatePodBody<'a> {
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
    fn of(mount: &'a Mount) -> Option<Self> {
        match mount {
            Mount::None => None,
            Mount::Local { size, path } => Some(Self::Persistent { size: size.0, path }),
            Mount::Network { id, path } => {
                Some(Self::Network([NetworkMountBody { volume_id: id.as_str(), path }]))
            }
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PodWire {
    id: Wire<String>,
    name: Wire<String>,
    status: Wire<String>,
    image: Wire<String>,
    args: Wire<String>,
    disk: Wire<Count>,
    env: Wire<EnvMap>,
    ports: Wire<Vec<String>>,
    registry: Wire<String>,
    mounts: Wire<MountsWire>,
    gpu: Wire<GpuConfigWire>,
    cpu: Wire<CpuConfigWire>,
    cluster: Wire<Value>,
    cloud: Wire<String>,
    data_center_id: Wire<String>,
    cuda_version: Wire<String>,
    cost: Wire<Dollars>,
    locked: Wire<bool>,
    global_networking: Wire<GlobalNetworkingWire>,
    created_at: Wire<String>,
    ssh: Wire<SshWire>,
    runtime: Wire<RuntimeWire>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MountsWire {
    persistent: Wire<PersistentWire>,
    network: Wire<Vec<NetworkMountWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PersistentWire {
    size: Wire<Count>,
    path: Wire<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct NetworkMountWire {
    volume_id: Wire<String>,
    path: Wire<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct GpuConfigWire {
    id: Wire<String>,
    count: Wire<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CpuConfigWire {
    id: Wire<String>,
    vcpu_count: Wire<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct GlobalNetworkingWire {
    enabled: Wire<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SshWire {
    proxy: Wire<SshEndpointWire>,
    direct: Wire<SshEndpointWire>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SshEndpointWire {
    command: Wire<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RuntimeWire {
    uptime: Wire<u64>,
    ports: Wire<Vec<RuntimePortWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RuntimePortWire {
    private: Wire<Count>,
    public: Wire<Count>,
    #[serde(rename = "type")]
    protocol: Wire<String>,
    ip: Wire<String>,
}

/// Reads one entry of the listing. One without an id cannot even be reported, so that the listing is unusable.
fn listed(mut wire: PodWire) -> Result<Listed, Unfit> {
    let id = PodId::new(std::mem::take(&mut wire.id).required("pods[].id")?);
    Ok(match live_pod(id.clone(), wire) {
        Ok(pod) => Listed::Pod(Box::new(pod)),
        Err(unfit) => Listed::Unreadable { id, why: unfit.to_string() },
    })
}

/// Converts a pod. What would show as a difference if it were guessed must be there.
fn live_pod(id: PodId, wire: PodWire) -> Result<LivePod, Unfit> {
    let mut env = wire.env.nullable("env")?.map(|EnvMap(env)| env).unwrap_or_default();
    let marker = convert::take_marker(&mut env);
    let ports = wire.ports.nullable("ports")?.unwrap_or_default();
    let command = wire.args.said("args")?;
    Ok(LivePod {
        id,
        name: wire.name.required("name")?,
        status: status_of(&wire.status.required("status")?)?,
        image: wire.image.optional("image")?,
        command: command.map(|args| convert::split_command(&args.unwrap_or_default())),
        entrypoint: None,
        env,
        marker,
        ports: convert::ports(ports.iter().map(String::as_str)).ok_or(Unfit::Odd("ports"))?,
        disk: wire.disk.optional("disk")?.map(|Count(size)| Gigabytes(size)),
        storage: wire.mounts.nullable("mounts")?.map_or(Ok(LiveStorage::None), storage)?,
        registry: wire.registry.said("registry")?.map(|id| id.map(RegistryId::new)),
        cloud: wire.cloud.optional("cloud")?.and_then(|word| convert::cloud(&word)),
        data_center: wire.data_center_id.optional("dataCenterId")?.map(DataCenterId::new),
        compute: compute(wire.gpu.optional("gpu")?, wire.cpu.optional("cpu")?)?,
        cuda: wire.cuda_version.shown().map(CudaVersion::new),
        locked: wire.locked.optional("locked")?,
        global_networking: match wire.global_networking.optional("globalNetworking")? {
            Some(GlobalNetworkingWire { enabled }) => enabled.optional("globalNetworking.enabled")?,
            None => None,
        },
        created_at: wire.created_at.shown().and_then(|text| text.parse().ok()),
        price: convert::price(wire.cost),
        role: match wire.cluster {
            Wire::Absent | Wire::Null => PodRole::Plain,
            Wire::Odd | Wire::Is(_) => PodRole::ClusterMember,
        },
        endpoints: endpoints(wire.ssh.shown().unwrap_or_default(), wire.runtime.shown().unwrap_or_default()),
    })
}

fn status_of(word: &str) -> Result<PodStatus, Unfit> {
    match word {
        "PROVISIONING" => Ok(PodStatus::Provisioning),
        "STARTING" => Ok(PodStatus::Starting),
        "RUNNING" => Ok(PodStatus::Running),
        "EXITED" => Ok(PodStatus::Exited),
        "ERROR" => Ok(PodStatus::Error),
        "TERMINATED" => Ok(PodStatus::Terminated),
        _ => Err(Unfit::Odd("status")),
    }
}

fn storage(MountsWire { persistent, network }: MountsWire) -> Result<LiveStorage, Unfit> {
    if let Some(PersistentWire { size, path }) = persistent.optional("mounts.persistent")? {
        let Count(size) = size.required("mounts.persistent.size")?;
        return Ok(LiveStorage::Local {
            size: Gigabytes(size),
            path: path.required("mounts.persistent.path")?,
        });
    }
    let network = network.optional("mounts.network")?.and_then(|mounts| mounts.into_iter().next());
    let Some(NetworkMountWire { volume_id, path }) = network else {
        return Ok(LiveStorage::None);
    };
    Ok(LiveStorage::Network {
        id: VolumeId::new(volume_id.required("mounts.network[0].volumeId")?),
        path: path.required("mounts.network[0].path")?,
    })
}

/// Reads the machine. A count that is left out is not taken for 1: a pod can come back with 0 GPUs.
fn compute(gpu: Option<GpuConfigWire>, cpu: Option<CpuConfigWire>) -> Result<Option<Compute>, Unfit> {
    if let Some(GpuConfigWire { id, count }) = gpu {
        let id = GpuTypeId::new(id.required("gpu.id")?);
        return Ok(count.optional("gpu.count")?.map(|Count(count)| Compute::Gpu { id, count }));
    }
    let Some(CpuConfigWire { id, vcpu_count }) = cpu else {
        return Ok(None);
    };
    let flavor = CpuFlavorId::new(id.required("cpu.id")?);
    let Count(vcpus) = vcpu_count.required("cpu.vcpuCount")?;
    Ok(Some(Compute::Cpu { flavor, vcpus }))
}

fn endpoints(SshWire { proxy, direct }: SshWire, RuntimeWire { uptime, ports }: RuntimeWire) -> Endpoints {
    let command = |endpoint: Wire<SshEndpointWire>| endpoint.shown()?.command.shown();
    let public = |RuntimePortWire { private, public, protocol, ip }: RuntimePortWire| {
        let (Count(private), Count(public)) = (private.shown()?, public.shown()?);
        (protocol.shown()? == "tcp").then_some((private, format!("{}:{public}", ip.shown()?)))
    };
    Endpoints {
        ssh_proxy: command(proxy),
        ssh_direct: command(direct),
        tcp: ports.shown().unwrap_or_default().into_iter().filter_map(public).collect(),
        uptime_seconds: uptime.shown(),
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct VolumeWire {
    id: Wire<String>,
    name: Wire<String>,
    size: Wire<Count>,
    data_center: Wire<String>,
    #[serde(rename = "type")]
    tier: Wire<String>,
}

fn live_volume(wire: VolumeWire) -> Result<LiveVolume, Unfit> {
    let VolumeWire { id, name, size, data_center, tier } = wire;
    Ok(LiveVolume {
        id: VolumeId::new(id.required("id")?),
        name: name.required("name")?,
        size: size.required("size").map(|Count(size)| Gigabytes(size))?,
        data_center: DataCenterId::new(data_center.required("dataCenter")?),
        tier: tier.optional("type")?.and_then(|word| volume_tier(&word)),
    })
}

fn volume_tier(word: &str) -> Option<VolumeTier> {
    match word {
        "STANDARD" => Some(VolumeTier::Standard),
        "HIGH_PERFORMANCE" => Some(VolumeTier::HighPerformance),
        _ => None,
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct GpuWire {
    id: Wire<String>,
    name: Wire<String>,
    memory: Wire<Count>,
    price: Wire<CloudPricesWire>,
    max_count: Wire<CloudCountsWire>,
    availability: Wire<String>,
    data_centers: Wire<Vec<DataCenterStockWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CloudPricesWire {
    secure: Wire<Dollars>,
    community: Wire<Dollars>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CloudCountsWire {
    secure: Wire<Count>,
    community: Wire<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DataCenterStockWire {
    id: Wire<String>,
    availability: Wire<String>,
}

fn gpu_type(wire: GpuWire) -> Result<(GpuType, StockAnswer), Unfit> {
    let GpuWire { id, name, memory, price, max_count, availability, data_centers } = wire;
    let id = GpuTypeId::new(id.required("gpus[].id")?);
    let CloudPricesWire { secure, community } = price.shown().unwrap_or_default();
    let counts = max_count.required("gpus[].maxCount")?;
    let counts = [counts.secure.shown(), counts.community.shown()];
    let gpu = GpuType {
        name: name.shown().unwrap_or_else(|| id.as_str().to_owned()),
        id,
        memory: memory.required("gpus[].memory").map(|Count(size)| Gigabytes(size))?,
        secure: convert::price(secure),
        community: convert::price(community),
        max_count: counts.into_iter().flatten().map(|Count(count)| count).max().unwrap_or(0),
    };
    Ok((gpu, stock_answer(availability, data_centers)))
}

/// Reads stock. Data centers that show none are left out, as the API leaves out most of them itself.
fn stock_answer(level: Wire<String>, data_centers: Wire<Vec<DataCenterStockWire>>) -> StockAnswer {
    let by_center = |DataCenterStockWire { id, availability }: DataCenterStockWire| {
        let stock = convert::stock(&availability.shown()?);
        (stock != Stock::None).then_some((DataCenterId::new(id.shown()?), stock))
    };
    StockAnswer {
        best: level.shown().map_or(Stock::NotAsked, |word| convert::stock(&word)),
        data_centers: data_centers.shown().unwrap_or_default().into_iter().filter_map(by_center).collect(),
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CpuWire {
    id: Wire<String>,
    name: Wire<String>,
    vcpu: Wire<VcpuRangeWire>,
    ram_gb_per_vcpu: Wire<Dollars>,
    price: Wire<CpuPricesWire>,
    availability: Wire<String>,
    data_centers: Wire<Vec<DataCenterStockWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct VcpuRangeWire {
    min: Wire<Count>,
    max: Wire<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CpuPricesWire {
    secure_per_vcpu: Wire<Dollars>,
}

fn cpu_flavor(wire: CpuWire) -> Result<(CpuFlavor, StockAnswer), Unfit> {
    let CpuWire { id, name, vcpu, ram_gb_per_vcpu, price, availability, data_centers } = wire;
    let id = CpuFlavorId::new(id.required("cpus[].id")?);
    let VcpuRangeWire { min, max } = vcpu.required("cpus[].vcpu")?;
    let CpuPricesWire { secure_per_vcpu } = price.shown().unwrap_or_default();
    let (Count(min_vcpus), Count(max_vcpus)) =
        (min.required("cpus[].vcpu.min")?, max.required("cpus[].vcpu.max")?);
    let cpu = CpuFlavor {
        name: name.shown().unwrap_or_else(|| id.as_str().to_owned()),
        id,
        min_vcpus,
        max_vcpus,
        // Some flavors have half a gigabyte more; what is promised is the whole part.
        memory_per_vcpu: Gigabytes(ram_gb_per_vcpu.shown().map_or(0, |Dollars(size)| size as u32)),
        per_vcpu: convert::price(secure_per_vcpu),
    };
    Ok((cpu, stock_answer(availability, data_centers)))
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DataCenterWire {
    id: Wire<String>,
    global_network: Wire<bool>,
    network_volume_types: Wire<Vec<String>>,
}

fn data_center(wire: DataCenterWire) -> Result<(DataCenterId, DataCenter), Unfit> {
    let DataCenterWire { id, global_network, network_volume_types } = wire;
    let id = id.required("dataCenters[].id")?;
    let tiers = network_volume_types.required("dataCenters[].networkVolumeTypes")?;
    let data_center = DataCenter {
        country: convert::country(&id),
        global_networking: global_network.shown().unwrap_or(false),
        volume_tiers: tiers.iter().filter_map(|word| volume_tier(word)).collect(),
        id: DataCenterId::new(id),
    };
    Ok((data_center.id.clone(), data_center))
}
