//! REST v1, `https://rest.runpod.io/v1`: past its published retirement date, after which it answers 410.
//!
//! It shows what is intended and not what is, knows no creation time and no tier of a volume, and has no catalog:
//! prices and stock come from GraphQL. It fills what a create leaves out with defaults of its own (two ports, a
//! volume of 20 GB), so a create says everything. It has no switch for SSH or Jupyter.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::convert;
use super::error::Verb;
use super::transport::{Request, Transport, created, segment, unsendable};
use super::wire::{Count, Dollars, EnvMap, Unfit, Wire};
use crate::model::id::{CudaVersion, DataCenterId, PodId, RegistryId, VolumeId};
use crate::model::live::{Endpoints, LivePod, LiveVolume, PodStatus};
use crate::model::pod::{Cloud, Compute, Port, Protocol};
use crate::model::prior::Api;
use crate::model::request::{Mount, PatchRequest, PodRequest, VolumeRequest};
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeTier;
use crate::provider::{Listed, ProviderError};

/// The CUDA versions that a create may name; the API has no lower limit, so one is spelled out.
const CUDA_VERSIONS: [&str; 12] =
    ["11.8", "12.0", "12.1", "12.2", "12.3", "12.4", "12.5", "12.6", "12.7", "12.8", "12.9", "13.0"];
/// Without these a pod has no data center and no network volume.
const INCLUDE: &str = "includeMachine=true&includeNetworkVolume=true";

pub(super) async fn list_pods(transport: &Transport) -> Result<Vec<Listed>, ProviderError> {
    let answer = transport.send(get("GET /v1/pods", format!("/pods?{INCLUDE}"))).await?;
    let entries = answer.decode::<Vec<Value>>()?.into_iter().map(listed);
    entries.collect::<Result<_, Unfit>>().map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn list_volumes(transport: &Transport) -> Result<Vec<LiveVolume>, ProviderError> {
    let answer = transport.send(get("GET /v1/networkvolumes", "/networkvolumes".to_owned())).await?;
    let entries = answer.decode::<Vec<Value>>()?.into_iter();
    let volumes =
        entries.map(|entry| live_volume(VolumeWire::deserialize(entry).map_err(|_| Unfit::Odd("[]"))?));
    volumes.collect::<Result<_, Unfit>>().map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn pod(transport: &Transport, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
    let call = "GET /v1/pods/{id}";
    let path = format!("/pods/{}?{INCLUDE}", segment(call, id.as_str())?);
    let answer = transport.send(get(call, path)).await?;
    if answer.says_not_found() {
        return Ok(None);
    }
    live_pod(id.clone(), answer.decode()?).map(Some).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn volume(
    transport: &Transport,
    id: &VolumeId,
) -> Result<Option<LiveVolume>, ProviderError> {
    let call = "GET /v1/networkvolumes/{id}";
    let path = format!("/networkvolumes/{}", segment(call, id.as_str())?);
    let answer = transport.send(get(call, path)).await?;
    if answer.says_not_found() {
        return Ok(None);
    }
    live_volume(answer.decode()?).map(Some).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn create_pod(transport: &Transport, request: &PodRequest) -> Result<PodId, ProviderError> {
    let call = "POST /v1/pods";
    let cuda = allowed_cuda(request);
    if cuda.is_empty() && request.min_cuda.is_some() {
        return Err(unsendable(call, "REST v1 knows no CUDA version that is late enough"));
    }
    let body = CreatePodBody::of(request, cuda);
    let answer = transport
        .send(Request {
            hidden: request.env.values().cloned().collect(),
            ..write(call, Verb::Create, Method::POST, "/pods".to_owned(), &body)
        })
        .await?;
    created(&answer).map(PodId::new)
}

/// Returns the CUDA versions to name; empty allows all.
fn allowed_cuda(request: &PodRequest) -> Vec<&str> {
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

pub(super) async fn update_pod(transport: &Transport, request: &PatchRequest) -> Result<(), ProviderError> {
    let call = "PATCH /v1/pods/{id}";
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
    act(transport, "POST /v1/pods/{id}/start", id, "start").await
}

pub(super) async fn stop_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    act(transport, "POST /v1/pods/{id}/stop", id, "stop").await
}

async fn act(
    transport: &Transport,
    call: &'static str,
    id: &PodId,
    action: &str,
) -> Result<(), ProviderError> {
    let path = format!("/pods/{}/{action}", segment(call, id.as_str())?);
    let request = Request { verb: Verb::Change, method: Method::POST, ..get(call, path) };
    transport.send(request).await?.accept()
}

pub(super) async fn delete_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    let call = "DELETE /v1/pods/{id}";
    let path = format!("/pods/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}

pub(super) async fn create_volume(
    transport: &Transport,
    request: &VolumeRequest,
) -> Result<VolumeId, ProviderError> {
    let call = "POST /v1/networkvolumes";
    let VolumeRequest { name, size, data_center, tier } = request;
    match tier {
        VolumeTier::Standard => {}
        VolumeTier::HighPerformance => return Err(unsendable(call, "REST v1 knows no tiers of volumes")),
    }
    let body = CreateVolumeBody { name, size: size.0, data_center_id: data_center.as_str() };
    let request = write(call, Verb::Create, Method::POST, "/networkvolumes".to_owned(), &body);
    created(&transport.send(request).await?).map(VolumeId::new)
}

pub(super) async fn grow_volume(
    transport: &Transport,
    id: &VolumeId,
    size: Gigabytes,
) -> Result<(), ProviderError> {
    let call = "PATCH /v1/networkvolumes/{id}";
    let path = format!("/networkvolumes/{}", segment(call, id.as_str())?);
    let body = GrowVolumeBody { size: size.0 };
    transport.send(write(call, Verb::Change, Method::PATCH, path, &body)).await?.accept()
}

pub(super) async fn delete_volume(transport: &Transport, id: &VolumeId) -> Result<(), ProviderError> {
    let call = "DELETE /v1/networkvolumes/{id}";
    let path = format!("/networkvolumes/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}

fn get(call: &'static str, path: String) -> Request {
    Request {
        call,
        verb: Verb::Read,
        api: Api::V1,
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
#[serde(rename_all = "camelCase")]
struct CreateVolumeBody<'a> {
    name: &'a str,
    size: u32,
    data_center_id: &'a str,
}

#[derive(Serialize)]
struct GrowVolumeBody {
    size: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreatePodBody<'a> {
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
    fn of(request: &'a PodRequest, allowed_cuda_versions: Vec<&'a str>) -> Self {
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
struct UpdatePodBody<'a> {
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

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PodWire {
    id: Wire<String>,
    name: Wire<String>,
    desired_status: Wire<String>,
    /// Creates and updates call it `imageName`; so do some answers.
    image: Wire<String>,
    image_name: Wire<String>,
    docker_start_cmd: Wire<Vec<String>>,
    docker_entrypoint: Wire<Vec<String>>,
    env: Wire<EnvMap>,
    ports: Wire<Vec<String>>,
    port_mappings: Wire<BTreeMap<String, Count>>,
    public_ip: Wire<String>,
    container_disk_in_gb: Wire<Count>,
    volume_in_gb: Wire<Count>,
    volume_mount_path: Wire<String>,
    network_volume_id: Wire<String>,
    network_volume: Wire<VolumeWire>,
    container_registry_auth_id: Wire<String>,
    endpoint_id: Wire<String>,
    gpu: Wire<GpuWire>,
    cpu_flavor_id: Wire<String>,
    vcpu_count: Wire<Count>,
    cost_per_hr: Wire<Dollars>,
    locked: Wire<bool>,
    machine: Wire<MachineWire>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct GpuWire {
    id: Wire<String>,
    count: Wire<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct MachineWire {
    data_center_id: Wire<String>,
    secure_cloud: Wire<bool>,
}

/// Reads one entry of the listing. One without an id cannot even be reported, so that the listing is unusable.
fn listed(entry: Value) -> Result<Listed, Unfit> {
    let mut wire = PodWire::deserialize(entry).map_err(|_| Unfit::Odd("[]"))?;
    let id = PodId::new(std::mem::take(&mut wire.id).required("[].id")?);
    Ok(match live_pod(id.clone(), wire) {
        Ok(pod) => Listed::Pod(Box::new(pod)),
        Err(unfit) => Listed::Unreadable { id, why: unfit.to_string() },
    })
}

/// Converts a pod. Every field may be null; what would show as a difference if it were guessed must be there.
fn live_pod(id: PodId, wire: PodWire) -> Result<LivePod, Unfit> {
    let name = wire.name.optional("name")?.unwrap_or_default();
    let mut env = wire.env.nullable("env")?.map(|EnvMap(env)| env).unwrap_or_default();
    let marker = convert::take_marker(&mut env);
    let ports = wire.ports.nullable("ports")?.unwrap_or_default();
    let ports = convert::ports(ports.iter().map(String::as_str)).ok_or(Unfit::Odd("ports"))?;
    let machine = wire.machine.shown().unwrap_or_default();
    let cloud = convert::cloud_of_machine(machine.secure_cloud);
    let network = wire.network_volume.optional("networkVolume")?.unwrap_or_default();
    let network_id = wire.network_volume_id.optional("networkVolumeId")?.or(network.id.shown());
    let endpoints = endpoints(wire.public_ip, wire.port_mappings);
    let up = status_when_up(cloud, &ports, &endpoints);
    let gpu = wire.gpu.shown().unwrap_or_default();
    let registry = wire.container_registry_auth_id.said("containerRegistryAuthId")?;
    Ok(LivePod {
        role: convert::role(id.as_str(), &name, wire.endpoint_id.shown().as_deref()),
        id,
        name,
        status: convert::intended_status(&wire.desired_status.required("desiredStatus")?, up)?,
        image: wire.image.optional("image")?.or(wire.image_name.optional("imageName")?),
        command: wire.docker_start_cmd.optional("dockerStartCmd")?,
        entrypoint: wire.docker_entrypoint.optional("dockerEntrypoint")?,
        env,
        marker,
        ports,
        disk: wire.container_disk_in_gb.optional("containerDiskInGb")?.map(|Count(size)| Gigabytes(size)),
        storage: convert::storage(network_id, wire.volume_in_gb, wire.volume_mount_path)?,
        registry: registry.map(convert::registry),
        cloud,
        data_center: machine.data_center_id.shown().or(network.data_center_id.shown()).map(DataCenterId::new),
        compute: convert::compute(gpu.id, gpu.count, wire.cpu_flavor_id, wire.vcpu_count),
        cuda: None,
        locked: wire.locked.optional("locked")?,
        global_networking: None,
        created_at: None,
        price: convert::price(wire.cost_per_hr),
        endpoints,
    })
}

/// Returns what an intent of RUNNING stands for, which it also reads while the image is pulled.
///
/// In Secure Cloud every published TCP port gets a public one, so that a missing one shows that the pod is not up.
fn status_when_up(cloud: Option<Cloud>, ports: &BTreeSet<Port>, endpoints: &Endpoints) -> PodStatus {
    let publishes = ports.iter().any(|port| port.protocol == Protocol::Tcp);
    if cloud == Some(Cloud::Secure) && publishes && endpoints.tcp.is_empty() {
        return PodStatus::Starting;
    }
    PodStatus::Running
}

fn endpoints(ip: Wire<String>, mappings: Wire<BTreeMap<String, Count>>) -> Endpoints {
    let Some(ip) = ip.shown().filter(|ip| !ip.is_empty()) else {
        return Endpoints::default();
    };
    let mappings = mappings.shown().unwrap_or_default();
    let tcp: BTreeMap<u32, u32> = mappings
        .into_iter()
        .filter_map(|(inside, Count(public))| Some((inside.parse().ok()?, public)))
        .collect();
    Endpoints {
        ssh_proxy: None,
        ssh_direct: tcp.get(&22).map(|public| format!("ssh root@{ip} -p {public}")),
        tcp: tcp.into_iter().map(|(inside, public)| (inside, format!("{ip}:{public}"))).collect(),
        uptime_seconds: None,
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
        id: VolumeId::new(id.required("id")?),
        name: name.required("name")?,
        size: size.required("size").map(|Count(size)| Gigabytes(size))?,
        data_center: DataCenterId::new(data_center_id.required("dataCenterId")?),
        tier: None,
    })
}
