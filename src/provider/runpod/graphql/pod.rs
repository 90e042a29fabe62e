//! Pods and network volumes on GraphQL: what is asked for and what is shown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::model::id::{DataCenterId, PodId, RegistryId, VolumeId};
use crate::model::live::{Endpoints, LivePod, LiveVolume, Origin, PodRole, PodStatus, Ran};
use crate::model::marker::Marker;
use crate::model::settings::{Given, Observed, PodSettings};
use crate::model::size::Gigabytes;
use crate::provider::runpod::command;
use crate::provider::runpod::convert::{self, given};
use crate::provider::runpod::wire::{
    Count, Dollars, Entries, Entry, EnvPairs, Unfit, Wire, object_id, objects,
};

/// Returns what creates and updates have in common. `docker_args` is one text for the command and the entrypoint.
///
/// The name and the private network are for creates only, and there is no lock.
pub(super) fn settings_input(
    settings: &PodSettings<Given<'_>>,
    docker_args: Option<String>,
) -> Map<String, Value> {
    let PodSettings {
        name,
        image,
        command: _,
        entrypoint: _,
        env,
        ports,
        disk,
        registry,
        storage,
        global_networking,
        locked: _,
    } = settings;
    let variable = |(key, value): (&str, &str)| json!({ "key": key, "value": value });
    let (size, path) = storage.map_or((None, None), convert::size_and_path);
    given([
        ("name", name.map(|name| json!(name))),
        ("imageName", image.map(|image| json!(image))),
        ("dockerArgs", docker_args.map(|args| json!(args))),
        ("env", env.map(|env| convert::exposed(env).into_iter().map(variable).collect())),
        (
            "ports",
            ports.map(|ports| json!(ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))),
        ),
        ("containerDiskInGb", disk.map(|size| json!(size.0))),
        ("volumeInGb", size.map(|size| json!(size.0))),
        ("volumeMountPath", path.map(|path| json!(path))),
        // An empty id takes the credentials away.
        ("containerRegistryAuthId", registry.map(|id| json!(id.as_ref().map_or("", RegistryId::as_str)))),
        ("globalNetwork", global_networking.map(|on| json!(on))),
    ])
}

/// Everything that is read of a pod.
pub(super) const POD: &str = "id name imageName dockerArgs env ports containerDiskInGb volumeInGb volumeMountPath \
    networkVolumeId containerRegistryAuthId desiredStatus gpuCount vcpuCount cpuFlavorId costPerHr locked podType \
    lastStatusChange createdAt aiApiId clusterId machine { podHostId gpuTypeId secureCloud dataCenterId } \
    runtime { uptimeInSeconds ports { ip isIpPublic privatePort publicPort type } }";

objects!(MachineWire, MyselfWire, PodWire, RuntimePortWire, RuntimeWire, VolumeWire);

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct MyselfWire {
    pub(super) pods: Wire<Entries<PodWire>>,
    pub(super) network_volumes: Wire<Entries<VolumeWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodWire {
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
    pod_type: Wire<String>,
    last_status_change: Wire<String>,
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

/// Reads one entry of the listing of pods.
pub(super) fn pod_entry(wire: Option<PodWire>) -> Entry<LivePod, PodId> {
    let mut wire = wire.ok_or(Unfit::Odd("myself.pods[]"))?;
    let id = PodId::new(object_id(std::mem::take(&mut wire.id), "myself.pods[].id")?);
    let (origin, pod) = live_pod(id.clone(), wire);
    Ok((id, origin, pod.map(Box::new)))
}

/// Reads one entry of the listing of network volumes.
pub(super) fn volume_entry(wire: Option<VolumeWire>) -> Entry<LiveVolume, VolumeId> {
    let VolumeWire { id, name, size, data_center_id } = wire.ok_or(Unfit::Odd("networkVolumes[]"))?;
    let id = VolumeId::new(object_id(id, "networkVolumes[].id")?);
    let origin = convert::origin_of_volume(&name);
    let read = || {
        Ok(Box::new(LiveVolume {
            id: id.clone(),
            name: name.required("networkVolumes[].name")?,
            size: size.required("networkVolumes[].size").map(|Count(size)| Gigabytes(size))?,
            data_center: DataCenterId::new(data_center_id.required("networkVolumes[].dataCenterId")?),
            tier: None,
        }))
    };
    let volume = read();
    Ok((id, origin, volume))
}

/// Reads a pod, and where it comes from.
pub(super) fn live_pod(id: PodId, mut wire: PodWire) -> (Origin, Result<LivePod, Unfit>) {
    let origin = convert::take_origin(&mut wire.env, |EnvPairs(env)| env);
    let pod = converted(id, origin.marker().cloned(), wire);
    (origin, pod)
}

/// Converts a pod. What would show as a difference if it were guessed must be there.
fn converted(id: PodId, marker: Option<Marker>, wire: PodWire) -> Result<LivePod, Unfit> {
    let name = wire.name.required("name")?;
    let env = wire.env.nullable("env")?.map(|EnvPairs(env)| env).unwrap_or_default();
    let ports = wire.ports.nullable("ports")?.unwrap_or_default();
    let args = wire.docker_args.said("dockerArgs")?;
    let read = args.map(|args| command::read_command(&args.unwrap_or_default()));
    let command_is_guess = read.as_ref().is_some_and(|read| read.is_guess);
    let (command, entrypoint) = read.map(|read| (read.command, read.entrypoint)).unzip();
    // The intent reads RUNNING while the image is pulled; the container reports once it is up.
    let runtime = wire.runtime.shown();
    let up = if runtime.is_some() { PodStatus::Running } else { PodStatus::Starting };
    let machine = wire.machine.shown().unwrap_or_default();
    let network_id = wire.network_volume_id.optional("networkVolumeId")?;
    let registry = wire.container_registry_auth_id.said("containerRegistryAuthId")?;
    let settings = PodSettings::<Observed> {
        image: wire.image_name.optional("imageName")?,
        command,
        entrypoint,
        env,
        ports: Some(convert::ports(ports.split(',')).ok_or(Unfit::Odd("ports"))?),
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
        role: match wire.cluster_id.shown().filter(|cluster| !cluster.is_empty()) {
            Some(_) => PodRole::ClusterMember,
            None => convert::role(id.as_str(), name, wire.ai_api_id.shown().as_deref()),
        },
        id,
        settings,
        command_is_guess,
        status: convert::intended_status(&wire.desired_status.required("desiredStatus")?, up)?,
        marker,
        cloud: convert::cloud_of_machine(machine.secure_cloud),
        data_center: machine.data_center_id.shown().map(DataCenterId::new),
        compute: convert::compute(machine.gpu_type_id, wire.gpu_count, wire.cpu_flavor_id, wire.vcpu_count),
        cuda: None,
        created_at: wire.created_at.shown().and_then(|text| text.parse().ok()),
        ran: Ran::NotTold,
        price: convert::price(wire.cost_per_hr),
        rental: convert::rental(
            wire.pod_type.shown().map(|kind| matches!(kind.as_str(), "INTERRUPTABLE" | "BID")),
            wire.last_status_change.shown(),
        ),
        endpoints: endpoints(machine.pod_host_id.shown(), runtime.unwrap_or_default()),
    };
    Ok(convert::or_mover(pod, is_free))
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
pub(super) struct VolumeWire {
    id: Wire<String>,
    name: Wire<String>,
    size: Wire<Count>,
    data_center_id: Wire<String>,
}
