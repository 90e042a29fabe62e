//! What REST v2 says of pods and volumes.

use serde::Serialize;

use super::Problem;
use super::page::List;
use super::settings::{self, ContainerBody, SwitchesBody};
use crate::simulator::exchange::{Request, Twist};
use crate::simulator::world::World;
use crate::simulator::world::chance::between;
use crate::simulator::world::pod::{Action, Compute, Mount, OpenPort, Pod, Status};
use crate::simulator::world::volume::Volume;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodBody {
    id: String,
    #[serde(flatten)]
    container: ContainerBody,
    status: &'static str,
    actions: Vec<&'static str>,
    mounts: MountsBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpu: Option<GpuBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<CpuBody>,
    cloud: &'static str,
    data_center_id: Option<String>,
    cuda_version: Option<String>,
    ssh: SshBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<ClusterBody>,
    template: Option<String>,
    cost: f64,
    #[serde(flatten)]
    switches: SwitchesBody,
    runtime: Option<RuntimeBody>,
    created_at: String,
    started_at: Option<String>,
}

#[derive(Serialize)]
struct ClusterBody {
    id: String,
    rank: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct MountsBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    persistent: Option<PersistentBody>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    network: Vec<NetworkBody>,
}

#[derive(Serialize)]
struct PersistentBody {
    size: u32,
    path: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkBody {
    volume_id: String,
    path: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GpuBody {
    id: String,
    count: u32,
    memory: u32,
    vcpu_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CpuBody {
    id: String,
    vcpu_count: u32,
    memory: u32,
}

#[derive(Serialize)]
struct SshBody {
    proxy: Option<EndpointBody>,
    direct: Option<EndpointBody>,
}

#[derive(Serialize)]
struct EndpointBody {
    host: String,
    port: u16,
    username: String,
    command: String,
}

#[derive(Serialize)]
struct RuntimeBody {
    uptime: u64,
    gpus: Vec<GpuUseBody>,
    cpu: UseBody,
    memory: UseBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<Vec<PortBody>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GpuUseBody {
    util: u64,
    memory_util: u64,
}

#[derive(Serialize)]
struct UseBody {
    util: u64,
}

#[derive(Serialize)]
struct PortBody {
    private: u32,
    public: Option<u16>,
    #[serde(rename = "type")]
    protocol: String,
    ip: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VolumeBody {
    id: String,
    name: String,
    size: u32,
    data_center: String,
    #[serde(rename = "type")]
    tier: &'static str,
}

/// Answers the newest pods first. Members of clusters are left out unless they are asked for.
pub(super) fn pods(world: &World, request: &Request, twist: Twist) -> Result<List<PodBody>, Problem> {
    let with_members = request.parameter("includeClusterPods") == Some("true");
    let mut pods = world.listing(twist.listing);
    pods.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
    List::page(world.seed(), (request, twist), "pods", pods, |each| {
        (with_members || each.cluster.is_none()).then(|| pod(world, &each, twist))
    })
}

pub(super) fn pod(world: &World, pod: &Pod, twist: Twist) -> PodBody {
    let now = world.now();
    let status = pod.status(now);
    let placed = status != Status::Provisioning;
    let (gpu, cpu) = compute(pod);
    let (container, switches) = settings::shown(world, pod, twist);
    PodBody {
        id: pod.id.0.clone(),
        container,
        status: status.name(),
        actions: status.actions().iter().copied().map(Action::name).collect(),
        mounts: MountsBody::of(&pod.mount),
        gpu,
        cpu,
        cloud: pod.cloud.name(),
        data_center_id: placed.then(|| pod.data_center.clone()),
        cuda_version: pod.cuda.clone().filter(|_| placed),
        ssh: ssh(world, pod, placed),
        cluster: pod.cluster.clone().map(|id| ClusterBody { id, rank: None }),
        template: None,
        // An unknown price is sent as 0, which the document also uses for a stopped pod.
        cost: pod.compute_price(now).unwrap_or_default().usd(),
        switches,
        runtime: runtime(world, pod),
        created_at: pod.created_at.rfc3339(),
        // Null again once it is stopped.
        started_at: pod.started_at.filter(|at| *at <= now && status.holds_compute()).map(|at| at.rfc3339()),
    }
}

fn compute(pod: &Pod) -> (Option<GpuBody>, Option<CpuBody>) {
    match &pod.compute {
        Compute::Gpu { id, count: _, attached } => (
            Some(GpuBody { id: id.clone(), count: *attached, memory: pod.memory, vcpu_count: pod.vcpus }),
            None,
        ),
        Compute::Cpu { flavor, vcpus } => {
            (None, Some(CpuBody { id: flavor.clone(), vcpu_count: *vcpus, memory: pod.memory }))
        }
    }
}

impl MountsBody {
    pub(super) fn of(mount: &Mount) -> Self {
        match mount {
            Mount::Nothing => MountsBody { persistent: None, network: Vec::new() },
            Mount::Persistent { size, path } => MountsBody {
                persistent: Some(PersistentBody { size: *size, path: path.clone() }),
                network: Vec::new(),
            },
            Mount::Network { volume, path } => MountsBody {
                persistent: None,
                network: vec![NetworkBody { volume_id: volume.0.clone(), path: path.clone() }],
            },
        }
    }
}

fn ssh(world: &World, pod: &Pod, placed: bool) -> SshBody {
    let user = pod.proxy_user(world.seed());
    let proxy = EndpointBody {
        host: "ssh.runpod.io".to_owned(),
        port: 22,
        command: format!("ssh {user}@ssh.runpod.io"),
        username: user,
    };
    let open = pod.open_ports(world.seed(), world.now()).unwrap_or_default();
    let shell = open.iter().find(|port| port.private == 22).and_then(|port| port.public);
    SshBody {
        proxy: placed.then_some(proxy),
        direct: shell.map(|port| EndpointBody {
            host: pod.ip.clone(),
            port,
            username: "root".to_owned(),
            command: format!("ssh root@{} -p {port}", pod.ip),
        }),
    }
}

fn runtime(world: &World, pod: &Pod) -> Option<RuntimeBody> {
    let now = world.now();
    let boot = pod.reporting(now)?;
    let part = |what: &str| between(world.seed(), &["use", what, &pod.id.0], 0, 97);
    let gpus = match pod.compute {
        Compute::Gpu { attached, .. } => (0..attached)
            .map(|gpu| GpuUseBody {
                util: part(&format!("gpu {gpu}")),
                memory_util: part(&format!("vram {gpu}")),
            })
            .collect(),
        Compute::Cpu { .. } => Vec::new(),
    };
    let ports = pod.open_ports(world.seed(), now).map(|ports| {
        let show = |port: &OpenPort<'_>| PortBody {
            private: port.private,
            public: port.public,
            protocol: port.protocol.to_owned(),
            // That of an `http` port is in RunPod's own network, behind the proxy.
            ip: Some(port.public.map_or_else(|| pod.inner_ip(world.seed()), |_| pod.ip.clone())),
        };
        ports.iter().map(show).collect()
    });
    Some(RuntimeBody {
        uptime: now.since(boot.ready_at) / 1000,
        gpus,
        cpu: UseBody { util: part("cpu") },
        memory: UseBody { util: part("memory") },
        ports,
    })
}

pub(super) fn volume(volume: &Volume) -> VolumeBody {
    let Volume { id, name, size, data_center, tier, created_at: _, visible_at: _ } = volume;
    VolumeBody {
        id: id.0.clone(),
        name: name.clone(),
        size: *size,
        data_center: data_center.clone(),
        tier: tier.name(),
    }
}

pub(super) fn volumes(world: &World) -> List<VolumeBody> {
    List::whole("networkVolumes", world.listed_volumes().into_iter().map(volume).collect())
}

pub(super) fn ssh_keys(world: &World) -> List<String> {
    List::whole("keys", world.account().ssh_keys.clone())
}
