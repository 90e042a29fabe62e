//! What GraphQL says of the account, pods and volumes.
//!
//! Objects are built whole and then cut down to what was asked for; fields that take arguments are worked out while cutting.

use serde_json::{Map, Value, json};

use super::catalog::data_center_body;
use super::document::Field;
use super::settings;
use crate::simulator::world::chance::{between, hex};
use crate::simulator::world::facts;
use crate::simulator::world::hosts::Cloud;
use crate::simulator::world::order::port_parts;
use crate::simulator::world::phase::Phase;
use crate::simulator::world::pod::{Compute, Mount, Pod, Status};
use crate::simulator::world::registry::Registry;
use crate::simulator::world::settings::Settings;
use crate::simulator::world::template::Template;
use crate::simulator::world::volume::Volume;
use crate::simulator::world::{Listing, World};

/// How long the runtime of a stopped pod is still shown, in milliseconds.
const STALE_RUNTIME: u64 = 10_000;

/// Works a field of an object out from its arguments, or leaves it to the object.
type WorkOut<'a> = &'a dyn Fn(&Map<String, Value>, &Field) -> Option<Value>;

/// Cuts a value down to what is asked of it; a list is cut item by item.
pub(super) fn project(value: &Value, selection: &[Field]) -> Value {
    cut(value, selection, &|_, _| None)
}

/// Cuts like [`project`], with fields that are worked out from their arguments.
pub(super) fn cut(value: &Value, selection: &[Field], work_out: WorkOut<'_>) -> Value {
    if selection.is_empty() {
        return value.clone();
    }
    if let Some(items) = value.as_array() {
        return items.iter().map(|item| cut(item, selection, work_out)).collect();
    }
    let Some(object) = value.as_object() else { return Value::Null };
    let answer = |field: &Field| {
        if field.name == "__typename" {
            return field.arguments.get("__typename").cloned().unwrap_or_default();
        }
        let inner =
            work_out(object, field).or_else(|| object.get(&field.name).cloned()).unwrap_or(Value::Null);
        cut(&inner, &field.selection, work_out)
    };
    selection.iter().map(|field| (field.key.clone(), answer(field))).collect::<Map<String, Value>>().into()
}

pub(super) fn user(world: &World, field: &Field, listing: Listing) -> Value {
    let account = world.account();
    let pods = if field.selects("pods") { world.listing(listing) } else { Vec::new() };
    let body = json!({
        "id": "user_2simulatedAccountOfNobody",
        "email": "nobody@simulator.invalid",
        "pubKey": account.ssh_keys.join("\n"),
        "clientBalance": account.balance as f64 / 1e6,
        "currentSpendPerHr": world.spend_per_hour().usd(),
        "spendLimit": 80,
        "notifyPodsStale": true,
        "notifyPodsGeneral": true,
        "notifyLowBalance": true,
        "pods": pods.iter().map(|pod| pod_body(world, pod)).collect::<Vec<Value>>(),
        "networkVolumes": world.listed_volumes().into_iter().map(volume).collect::<Vec<Value>>(),
        "containerRegistryCreds": world.registries().iter().map(registry).collect::<Vec<Value>>(),
        "podTemplates": world.templates().iter().map(template).collect::<Vec<Value>>(),
        "endpoints": [],
        "secrets": [],
    });
    project(&body, &field.selection)
}

pub(super) fn registry(Registry { id, name }: &Registry) -> Value {
    json!({ "id": id, "name": name })
}

fn template(template: &Template) -> Value {
    let Settings { name, image, registry, .. } = &template.settings;
    json!({ "id": template.id, "name": name, "imageName": image, "containerRegistryAuthId": registry })
}

pub(super) fn volume(volume: &Volume) -> Value {
    let Volume { id, name, size, data_center, tier: _, created_at: _, visible_at: _ } = volume;
    json!({
        "id": id.0,
        "name": name,
        "size": size,
        "dataCenterId": data_center,
        "dataCenter": facts::data_center(data_center).map(data_center_body),
    })
}

pub(super) fn pod(world: &World, pod: &Pod, selection: &[Field]) -> Value {
    project(&pod_body(world, pod), selection)
}

fn pod_body(world: &World, pod: &Pod) -> Value {
    let now = world.now();
    let status = pod.status(now);
    let (volume_size, mount_path, volume_id) = match &pod.mount {
        Mount::Nothing => (0, None, None),
        Mount::Persistent { size, path } => (*size, Some(path), None),
        Mount::Network { volume, path } => (0, Some(path), Some(&volume.0)),
    };
    let (gpu, count, flavor) = match &pod.compute {
        Compute::Gpu { id, attached, .. } => (Some(id), *attached, None),
        Compute::Cpu { flavor, .. } => (None, 0, Some(flavor)),
    };
    let price = pod.price.unwrap_or_default().usd();
    let state = if status == Status::Running { "running" } else { "exited" };
    let mut body = json!({
        "id": pod.id.0,
        "machineId": pod.host.0,
        "dockerId": pod.reporting(now).map(|_| hex(world.seed(), &["container", &pod.id.0, &pod.containers.to_string()], 12)),
        "gpuCount": count,
        "vcpuCount": pod.vcpus,
        "memoryInGb": pod.memory,
        "volumeInGb": volume_size,
        "volumeMountPath": mount_path,
        "volumeEncrypted": false,
        "desiredStatus": desired(status),
        "lastStatusChange": pod.last_status_change(now),
        "lastStartedAt": pod.started_at.filter(|at| *at <= now).map(|at| at.rfc3339_millis()),
        "createdAt": pod.created_at.rfc3339_millis(),
        // Both were seen to be 0 whatever the pod does.
        "uptimeSeconds": 0,
        "costMultiplier": 1,
        "costPerHr": price,
        "adjustedCostPerHr": price,
        "podType": if pod.interruptible { "INTERRUPTABLE" } else { "RESERVED" },
        "templateId": pod.template,
        "clusterId": pod.cluster,
        "networkVolumeId": volume_id,
        "networkVolume": volume_id.and_then(|id| world.volume(id).ok()).map(volume),
        "cpuFlavorId": flavor,
        "slsVersion": 0,
        "consumerUserId": "user_2simulatedAccountOfNobody",
        "version": pod.containers,
        "gpus": gpus(world, pod, gpu, count),
        "ipAddress": pod.ip,
        "latestTelemetry": { "state": state, "time": now.rfc3339_millis() },
        "machine": machine(world, pod, gpu),
        "runtime": runtime(world, pod),
    });
    if let Some(fields) = body.as_object_mut() {
        fields.extend(settings::shown(&pod.settings));
    }
    body
}

fn desired(status: Status) -> &'static str {
    match status {
        Status::Provisioning | Status::Starting | Status::Running => "RUNNING",
        Status::Exited | Status::Error => "EXITED",
        Status::Terminated => "TERMINATED",
    }
}

/// The identifier of one of a pod's GPUs, as the driver gives it.
fn gpu_uuid(world: &World, pod: &Pod, number: u32) -> String {
    let digits = hex(world.seed(), &["gpu", &pod.id.0, &number.to_string()], 32);
    format!(
        "GPU-{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}

fn gpus(world: &World, pod: &Pod, gpu: Option<&String>, count: u32) -> Vec<Value> {
    let fact = gpu.and_then(|id| facts::gpu(id));
    let one = |number| {
        json!({
            "id": gpu_uuid(world, pod, number),
            "displayName": fact.and_then(|fact| fact.display_name.clone()),
            "memoryInGb": fact.and_then(|fact| fact.memory_in_gb),
        })
    };
    (0..count).map(one).collect()
}

fn machine(world: &World, pod: &Pod, gpu: Option<&String>) -> Value {
    let fact = facts::data_center(&pod.data_center);
    json!({
        "podHostId": pod.proxy_user(world.seed()),
        "gpuDisplayName": gpu.and_then(|id| facts::gpu(id)).and_then(|fact| fact.display_name.clone()),
        "gpuTypeId": gpu,
        "location": fact.map(|fact| &fact.country_code),
        "secureCloud": pod.cloud == Cloud::Secure,
        "dataCenterId": pod.data_center,
        "supportPublicIp": true,
        "costPerHr": pod.price.unwrap_or_default().usd(),
        "currentPricePerGpu": pod.price.unwrap_or_default().usd(),
        "maxDownloadSpeedMbps": 9_400,
        "maxUploadSpeedMbps": 8_700,
        "diskThroughputMBps": 3_200,
        "gpuAvailable": world.free_units(&pod.host),
        "cpuCount": pod.vcpus,
    })
}

/// The runtime of a container that reports, and for a while that of one that was stopped.
fn runtime(world: &World, pod: &Pod) -> Value {
    let now = world.now();
    let (began, ports) = match (pod.reporting(now), pod.phase) {
        (Some(boot), _) => (boot.ready_at, boot.ports_at <= now),
        (None, Phase::Stopped { at, .. }) if now.since(at) < STALE_RUNTIME => (at, pod.started_at.is_some()),
        (None, Phase::Up(_) | Phase::Stopped { .. } | Phase::Lost { .. } | Phase::Gone { .. }) => {
            return Value::Null;
        }
    };
    let count = match pod.compute {
        Compute::Gpu { attached, .. } => attached,
        Compute::Cpu { .. } => 0,
    };
    let part = |what: &str| between(world.seed(), &["use", what, &pod.id.0], 0, 97);
    let gpu = |number: u32| {
        json!({
            "id": gpu_uuid(world, pod, number),
            "gpuUtilPercent": part(&format!("gpu {number}")),
            "memoryUtilPercent": part(&format!("vram {number}")),
        })
    };
    json!({
        "uptimeInSeconds": now.since(began) / 1000,
        "ports": ports.then(|| runtime_ports(world, pod)),
        "gpus": (0..count).map(gpu).collect::<Vec<Value>>(),
        "container": { "cpuPercent": part("cpu"), "memoryPercent": part("memory") },
    })
}

fn runtime_ports(world: &World, pod: &Pod) -> Vec<Value> {
    let parts = pod.settings.ports.iter().filter_map(|port| port_parts(port));
    let show = |(private, protocol): (u32, &str)| {
        // HTTP ports go through a proxy and show an address inside RunPod's network.
        let public = protocol == "tcp";
        json!({
            "ip": if public { pod.ip.clone() } else { pod.inner_ip(world.seed()) },
            "isIpPublic": public,
            "privatePort": private,
            "publicPort": pod.public_port(world.seed(), private),
            "type": protocol,
        })
    };
    parts.map(show).collect()
}
