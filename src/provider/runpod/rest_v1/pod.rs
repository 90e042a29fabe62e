//! Pods and network volumes on REST v1: what is asked for and what is shown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::model::desired::HostLimits;
use crate::model::id::{DataCenterId, PodId, RegistryId, VolumeId};
use crate::model::live::{Endpoints, LivePod, LiveVolume, Origin, PodStatus, Ran};
use crate::model::marker::Marker;
use crate::model::pod::{Cloud, Compute, Placement, Port, Protocol};
use crate::model::request::{PatchRequest, PodRequest};
use crate::model::settings::{Given, Observed, PodSettings};
use crate::model::size::Gigabytes;
use crate::provider::runpod::convert::{self, given};
use crate::provider::runpod::wire::{Count, Dollars, Entry, EnvMap, Unfit, Wire, object_id, objects};

/// The CUDA versions that a create may name; the API has no lower limit, so one is spelled out.
const CUDA_VERSIONS: [&str; 12] =
    ["11.8", "12.0", "12.1", "12.2", "12.3", "12.4", "12.5", "12.6", "12.7", "12.8", "12.9", "13.0"];

/// Returns the CUDA versions to name; empty allows all.
pub(super) fn allowed_cuda(request: &PodRequest) -> Vec<&str> {
    let number = |version: &str| {
        let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    let cuda = &request.placement.host.cuda;
    match cuda.least() {
        None => cuda.allowed().collect(),
        Some(least) => {
            let least = number(least);
            CUDA_VERSIONS.into_iter().filter(|version| least.is_some() && number(version) >= least).collect()
        }
    }
}

/// Returns the body of a create. There is no switch for SSH or Jupyter.
pub(super) fn create_body(request: &PodRequest, allowed_cuda: Vec<&str>) -> Value {
    let PodRequest { settings, access: _, placement } = request;
    // Its limit on CUDA is in the allowed versions.
    let Placement { compute, cloud, data_centers, host, rent } = placement;
    let HostLimits { cuda: _, min_vcpu, min_memory } = host;
    let mut body = settings_body(&request.given());
    let (kind, gpu, cpu) = match compute {
        Compute::Gpu { id, count } => ("GPU", Some((id.as_str(), count)), None),
        Compute::Cpu { flavor, vcpus } => ("CPU", None, Some((flavor.as_str(), vcpus))),
    };
    // 0 means none; left out it would be 20.
    body.entry("volumeInGb").or_insert(json!(0));
    body.extend(given([
        ("networkVolumeId", settings.storage.volume().map(|id| json!(id.as_str()))),
        ("cloudType", Some(json!(convert::cloud_word(*cloud)))),
        ("computeType", Some(json!(kind))),
        ("gpuTypeIds", gpu.map(|(id, _)| json!([id]))),
        ("gpuCount", gpu.map(|(_, count)| json!(count))),
        ("allowedCudaVersions", convert::some_texts(allowed_cuda)),
        ("minVCPUPerGPU", min_vcpu.map(|vcpus| json!(vcpus))),
        ("minRAMPerGPU", min_memory.map(|memory| json!(memory.0))),
        ("cpuFlavorIds", cpu.map(|(id, _)| json!([id]))),
        ("vcpuCount", cpu.map(|(_, vcpus)| json!(vcpus))),
        ("dataCenterIds", convert::some_texts(data_centers.iter().map(DataCenterId::as_str))),
        // There is no field for the bid.
        ("interruptible", Some(json!(rent.bid().is_some()))),
    ]));
    body.into()
}

/// Returns the body of an update.
pub(super) fn update_body(request: &PatchRequest) -> Value {
    settings_body(&request.given()).into()
}

fn settings_body(settings: &PodSettings<Given<'_>>) -> Map<String, Value> {
    let PodSettings {
        name,
        image,
        command,
        entrypoint,
        env,
        ports,
        disk,
        registry,
        storage,
        global_networking,
        locked,
    } = settings;
    let (size, path) = storage.map_or((None, None), convert::size_and_path);
    given([
        ("name", name.map(|name| json!(name))),
        ("locked", locked.map(|locked| json!(locked))),
        ("imageName", image.map(|image| json!(image))),
        ("dockerStartCmd", command.map(|words| json!(words))),
        ("dockerEntrypoint", entrypoint.map(|words| json!(words))),
        ("env", env.map(|env| json!(convert::exposed(env)))),
        ("ports", ports.map(convert::port_texts)),
        ("containerDiskInGb", disk.map(|size| json!(size.0))),
        ("volumeInGb", size.map(|size| json!(size.0))),
        ("volumeMountPath", path.map(|path| json!(path))),
        // The document allows no null here; an empty id takes the credentials away.
        ("containerRegistryAuthId", registry.map(|id| json!(id.as_ref().map_or("", RegistryId::as_str)))),
        ("globalNetworking", global_networking.map(|on| json!(on))),
    ])
}

objects!(GpuWire, MachineWire, PodWire, VolumeWire);

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodWire {
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
    interruptible: Wire<bool>,
    last_status_change: Wire<String>,
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

/// Reads one entry of the listing of pods.
pub(super) fn pod_entry(entry: Value) -> Entry<LivePod, PodId> {
    let mut wire = PodWire::deserialize(entry).map_err(|_| Unfit::Odd("[]"))?;
    let id = PodId::new(object_id(std::mem::take(&mut wire.id), "[].id")?);
    let (origin, pod) = live_pod(id.clone(), wire);
    Ok((id, origin, pod.map(Box::new)))
}

/// Reads one entry of the listing of network volumes.
pub(super) fn volume_entry(entry: Value) -> Entry<LiveVolume, VolumeId> {
    let mut wire = VolumeWire::deserialize(entry).map_err(|_| Unfit::Odd("[]"))?;
    let id = VolumeId::new(object_id(std::mem::take(&mut wire.id), "[].id")?);
    let origin = convert::origin_of_volume(&wire.name);
    Ok((id.clone(), origin, live_volume(id, wire).map(Box::new)))
}

/// Reads a pod, and where it comes from.
pub(super) fn live_pod(id: PodId, mut wire: PodWire) -> (Origin, Result<LivePod, Unfit>) {
    let origin = convert::take_origin(&mut wire.env, |EnvMap(env)| env);
    let pod = converted(id, origin.marker().cloned(), wire);
    (origin, pod)
}

/// Converts a pod. Every field may be null; what would show as a difference if it were guessed must be there.
fn converted(id: PodId, marker: Option<Marker>, wire: PodWire) -> Result<LivePod, Unfit> {
    let name = wire.name.optional("name")?.unwrap_or_default();
    let env = wire.env.nullable("env")?.map(|EnvMap(env)| env).unwrap_or_default();
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
    let settings = PodSettings::<Observed> {
        image: wire.image.optional("image")?.or(wire.image_name.optional("imageName")?),
        command: wire.docker_start_cmd.optional("dockerStartCmd")?,
        entrypoint: wire.docker_entrypoint.optional("dockerEntrypoint")?,
        env,
        ports: Some(ports),
        disk: wire.container_disk_in_gb.optional("containerDiskInGb")?.map(|Count(size)| Gigabytes(size)),
        storage: convert::storage(network_id, wire.volume_in_gb, wire.volume_mount_path)?,
        registry: registry.map(convert::registry),
        locked: wire.locked.optional("locked")?.map(Some),
        global_networking: None,
        name: Some(name),
    };
    let name = settings.name.as_deref().unwrap_or_default();
    let is_free = convert::is_free(&wire.cost_per_hr);
    let pod = LivePod {
        run: None,
        role: convert::role(id.as_str(), name, wire.endpoint_id.shown().as_deref()),
        id,
        settings,
        status: convert::intended_status(&wire.desired_status.required("desiredStatus")?, up)?,
        marker,
        cloud,
        data_center: machine.data_center_id.shown().or(network.data_center_id.shown()).map(DataCenterId::new),
        compute: convert::compute(gpu.id, gpu.count, wire.cpu_flavor_id, wire.vcpu_count),
        cuda: None,
        created_at: None,
        ran: Ran::NotTold,
        price: convert::price(wire.cost_per_hr),
        command_is_guess: false,
        rental: convert::rental(wire.interruptible.shown(), wire.last_status_change.shown()),
        endpoints,
    };
    Ok(convert::or_mover(pod, is_free))
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
pub(super) struct VolumeWire {
    id: Wire<String>,
    name: Wire<String>,
    size: Wire<Count>,
    data_center_id: Wire<String>,
}

pub(super) fn live_volume(id: VolumeId, wire: VolumeWire) -> Result<LiveVolume, Unfit> {
    let VolumeWire { id: _, name, size, data_center_id } = wire;
    Ok(LiveVolume {
        id,
        name: name.required("name")?,
        size: size.required("size").map(|Count(size)| Gigabytes(size))?,
        data_center: DataCenterId::new(data_center_id.required("dataCenterId")?),
        tier: None,
    })
}
