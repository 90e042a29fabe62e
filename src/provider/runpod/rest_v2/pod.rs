//! Pods on REST v2: what is asked for and what is shown.

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::{Map, Value, json};

use std::mem::take;

use crate::model::desired::HostLimits;
use crate::model::id::{CpuFlavorId, CudaVersion, DataCenterId, GpuTypeId, PodId, RegistryId, VolumeId};
use crate::model::live::{Endpoints, LivePod, Origin, PodRole, PodStatus, Ran};
use crate::model::marker::Marker;
use crate::model::pod::{Compute, Placement, Storage};
use crate::model::request::{PatchRequest, PodRequest};
use crate::model::settings::Observed;
use crate::model::settings::{Given, PodSettings};
use crate::model::size::Gigabytes;
use crate::model::template::Template;
use crate::provider::runpod::command::{self, CommandRead};
use crate::provider::runpod::convert::{self, given};
use crate::provider::runpod::wire::{Count, Dollars, Entry, EnvMap, Field, Unfit, Wire, object_id, objects};

/// Returns the body of a create.
pub(super) fn create_body(request: &PodRequest) -> Value {
    let PodRequest { settings: _, access, placement } = request;
    // The spec refuses another one for this API.
    let Placement { compute, cloud, data_centers, host, rent: _ } = placement;
    let HostLimits { cuda, min_vcpu, min_memory } = host;
    let all = request.given();
    // What is left out is the image's own.
    let own = |words: Option<&'_ Vec<String>>| words.is_some_and(|words| !words.is_empty());
    let command = all.command.filter(|words| own(Some(words)));
    let entrypoint = all.entrypoint.filter(|words| own(Some(words)));
    let mut body = settings_body(&PodSettings { command, entrypoint, ..all });
    let (gpu, cpu) = match compute {
        Compute::Gpu { id, count } => {
            let gpu = given([
                ("id", Some(json!(id.as_str()))),
                ("count", Some(json!(count))),
                ("allowedCudaVersions", convert::some_texts(cuda.allowed())),
                ("minCudaVersion", cuda.least().map(|version| json!(version))),
                ("minVcpuCountPerGpu", min_vcpu.map(|vcpus| json!(vcpus))),
                ("minRamPerGpu", min_memory.map(|memory| json!(memory.0))),
            ]);
            (Some(gpu.into()), None)
        }
        Compute::Cpu { flavor, vcpus } => (None, Some(json!({ "id": flavor.as_str(), "vcpuCount": vcpus }))),
    };
    body.extend(given([
        ("gpu", gpu),
        ("cpu", cpu),
        ("cloud", Some(json!(convert::cloud_word(*cloud)))),
        ("dataCenterIds", convert::some_texts(data_centers.iter().map(DataCenterId::as_str))),
        ("startSsh", Some(json!(access.ssh))),
        ("startJupyter", Some(json!(access.jupyter))),
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
    given([
        ("name", name.map(|name| json!(name))),
        ("image", image.map(|image| json!(image))),
        // As lists, so that there is nothing to quote; empty ones are the image's own again.
        ("cmd", command.map(|words| json!(words))),
        ("entrypoint", entrypoint.map(|words| json!(words))),
        ("env", env.map(|env| json!(convert::exposed(env)))),
        ("ports", ports.map(convert::port_texts)),
        ("disk", disk.map(|size| json!(size.0))),
        // Null takes the credentials away.
        ("registry", registry.map(|id| json!(id.as_ref().map(RegistryId::as_str)))),
        ("mounts", storage.and_then(mounts)),
        ("globalNetworking", global_networking.map(|on| json!(on))),
        ("locked", locked.map(|locked| json!(locked))),
    ])
}

fn mounts(storage: &Storage<VolumeId>) -> Option<Value> {
    match storage {
        Storage::None => None,
        Storage::Local { size, path } => Some(json!({ "persistent": { "size": size.0, "path": path } })),
        Storage::Network { volume, path } => {
            Some(json!({ "network": [{ "volumeId": volume.as_str(), "path": path }] }))
        }
    }
}

objects!(
    CpuConfigWire,
    GlobalNetworkingWire,
    GpuConfigWire,
    MountsWire,
    NetworkMountWire,
    PersistentWire,
    PodWire,
    RuntimePortWire,
    RuntimeWire,
    SshEndpointWire,
    SshWire
);

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodWire {
    id: Wire<String>,
    name: Wire<String>,
    status: Wire<String>,
    image: Wire<String>,
    args: Wire<String>,
    cmd: Wire<Vec<String>>,
    entrypoint: Wire<Vec<String>>,
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
    started_at: Wire<String>,
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

/// One entry of the listing of pods. It is converted as it is read, since the form of the API takes many times the room.
pub(super) struct PodEntry(pub(super) Entry<LivePod, PodId>);

impl Field for PodEntry {
    fn of_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        Ok(PodWire::of_object(object)?.map(|wire| Self(pod_entry(wire))))
    }
}

fn pod_entry(mut wire: PodWire) -> Entry<LivePod, PodId> {
    let id = PodId::new(object_id(take(&mut wire.id), "pods[].id")?);
    let (origin, pod) = live_pod(id.clone(), wire);
    Ok((id, origin, pod.map(Box::new)))
}

/// Returns what an entry of another form says.
pub(super) fn not_an_entry<O, I>() -> Entry<O, I> {
    Err(Unfit::Odd("[]"))
}

/// Reads a pod, and where it comes from.
pub(super) fn live_pod(id: PodId, mut wire: PodWire) -> (Origin, Result<LivePod, Unfit>) {
    let origin = convert::take_origin(&mut wire.env, |EnvMap(env)| env);
    let pod = converted(id, origin.marker().cloned(), wire);
    (origin, pod)
}

/// What a template says beside what it gives to a pod.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct TemplateWire {
    serverless: Wire<bool>,
    category: Wire<String>,
    #[serde(rename = "startSsh")]
    start_ssh: Wire<bool>,
    #[serde(rename = "startJupyter")]
    start_jupyter: Wire<bool>,
    #[serde(rename = "allowedCudaVersions")]
    allowed_cuda_versions: Wire<Vec<String>>,
}

/// Converts a template, which is written as a pod is.
pub(super) fn template(mut wire: PodWire, beside: TemplateWire) -> Result<Template, Unfit> {
    let name = wire.name.optional("name")?.unwrap_or_default();
    wire.name = Wire::Is(name.clone());
    if matches!(wire.mounts, Wire::Absent) {
        wire.mounts = Wire::Null;
    }
    let (settings, _) = settings(&mut wire)?;
    let cuda = beside.allowed_cuda_versions.nullable("allowedCudaVersions");
    Ok(Template {
        name,
        settings,
        is_serverless: beside.serverless.optional("serverless")?.unwrap_or_default(),
        is_cpu: beside.category.shown().as_deref() == Some("CPU"),
        ssh: beside.start_ssh.shown().unwrap_or_default(),
        jupyter: beside.start_jupyter.shown().unwrap_or_default(),
        cuda: cuda.ok().flatten().unwrap_or_default().into_iter().map(CudaVersion::new).collect(),
    })
}

/// Reads the settings, and whether the command is a guess. What would show as a difference if it were guessed must be
/// there.
fn settings(wire: &mut PodWire) -> Result<(PodSettings<Observed>, bool), Unfit> {
    let env = take(&mut wire.env).nullable("env")?.map(|EnvMap(env)| env).unwrap_or_default();
    let ports = take(&mut wire.ports).nullable("ports")?.unwrap_or_default();
    let read = command_of(take(&mut wire.args), take(&mut wire.cmd), take(&mut wire.entrypoint))?;
    let command_is_guess = read.as_ref().is_some_and(|read| read.is_guess);
    let (command, entrypoint) = read.map(|read| (read.command, read.entrypoint)).unzip();
    let settings = PodSettings {
        name: Some(take(&mut wire.name).required("name")?),
        image: take(&mut wire.image).optional("image")?,
        command,
        entrypoint,
        env,
        ports: Some(convert::ports(ports.iter().map(String::as_str)).ok_or(Unfit::Odd("ports"))?),
        disk: take(&mut wire.disk).optional("disk")?.map(|Count(size)| Gigabytes(size)),
        storage: take(&mut wire.mounts).nullable("mounts")?.map_or(Ok(Storage::None), storage)?,
        registry: take(&mut wire.registry).said("registry")?.map(|id| id.map(RegistryId::new)),
        locked: take(&mut wire.locked).optional("locked")?.map(Some),
        global_networking: match take(&mut wire.global_networking).optional("globalNetworking")? {
            Some(GlobalNetworkingWire { enabled }) => enabled.optional("globalNetworking.enabled")?,
            None => None,
        },
    };
    Ok((settings, command_is_guess))
}

/// Converts a pod.
fn converted(id: PodId, marker: Option<Marker>, mut wire: PodWire) -> Result<LivePod, Unfit> {
    let (settings, command_is_guess) = settings(&mut wire)?;
    let role = match wire.cluster {
        Wire::Absent | Wire::Null => {
            convert::role(id.as_str(), settings.name.as_deref().unwrap_or_default(), None)
        }
        Wire::Odd | Wire::Is(_) => PodRole::ClusterMember,
    };
    let is_free = convert::is_free(&wire.cost);
    let pod = LivePod {
        run: None,
        role,
        id,
        settings,
        status: status_of(&wire.status.required("status")?)?,
        marker,
        cloud: wire.cloud.optional("cloud")?.and_then(|word| convert::cloud(&word)),
        data_center: wire.data_center_id.optional("dataCenterId")?.map(DataCenterId::new),
        compute: compute(wire.gpu.optional("gpu")?, wire.cpu.optional("cpu")?)?,
        cuda: wire.cuda_version.shown().map(CudaVersion::new),
        created_at: wire.created_at.shown().and_then(|text| text.parse().ok()),
        ran: ran(&wire.started_at),
        price: convert::price(wire.cost),
        rental: None,
        command_is_guess,
        endpoints: endpoints(wire.ssh.shown().unwrap_or_default(), wire.runtime.shown().unwrap_or_default()),
    };
    Ok(convert::or_mover(pod, is_free))
}

/// Reads whether the container has run: `startedAt` is null until it first does, and whatever else it says is no null.
fn ran(started_at: &Wire<String>) -> Ran {
    match started_at {
        Wire::Null => Ran::Never,
        Wire::Is(text) => Ran::Once { since: text.parse().ok() },
        Wire::Absent | Wire::Odd => Ran::NotTold,
    }
}

/// Reads command and entrypoint: from their lists where one says something, as null, an empty list and none at all are one
/// thing there, else from the text that is stored. `None` where neither is told.
fn command_of(
    args: Wire<String>,
    cmd: Wire<Vec<String>>,
    entrypoint: Wire<Vec<String>>,
) -> Result<Option<CommandRead>, Unfit> {
    let listed = CommandRead {
        command: cmd.optional("cmd")?.unwrap_or_default(),
        entrypoint: entrypoint.optional("entrypoint")?.unwrap_or_default(),
        is_guess: false,
    };
    let args = args.said("args")?;
    if listed != CommandRead::default() {
        return Ok(Some(listed));
    }
    Ok(args.map(|args| command::read_command(&args.unwrap_or_default())))
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

fn storage(MountsWire { persistent, network }: MountsWire) -> Result<Storage<VolumeId>, Unfit> {
    if let Some(PersistentWire { size, path }) = persistent.optional("mounts.persistent")? {
        let Count(size) = size.required("mounts.persistent.size")?;
        return Ok(Storage::Local { size: Gigabytes(size), path: path.required("mounts.persistent.path")? });
    }
    let network = network.optional("mounts.network")?.and_then(|mounts| mounts.into_iter().next());
    let Some(NetworkMountWire { volume_id, path }) = network else {
        return Ok(Storage::None);
    };
    Ok(Storage::Network {
        volume: VolumeId::new(object_id(volume_id, "mounts.network[0].volumeId")?),
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
