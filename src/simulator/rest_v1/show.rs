//! What REST v1 says of pods and volumes.
//!
//! The bodies are built as values and not as structs, because of the loose form: live answers leave fields out or send `null` and strings where
//! the document has objects and numbers.

use serde_json::{Map, Value, json};

use super::settings;
use crate::simulator::world::World;
use crate::simulator::world::facts::{self, GpuFact};
use crate::simulator::world::hosts::Cloud;
use crate::simulator::world::pod::{Compute, Mount, Pod, Status};
use crate::simulator::world::registry::Registry;
use crate::simulator::world::volume::Volume;

/// Which parts a request wants, and in which form.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Include {
    pub machine: bool,
    pub network_volume: bool,
    pub savings_plans: bool,
    /// As seen live: prices as text, `null` and `{}` where the document has objects.
    pub loose: bool,
}

/// Returns the intent that v1 shows: a pod that is on its way up counts as running.
pub(super) fn desired_status(pod: &Pod, world: &World) -> &'static str {
    match pod.status(world.now()) {
        Status::Provisioning | Status::Starting | Status::Running => "RUNNING",
        Status::Exited | Status::Error => "EXITED",
        Status::Terminated => "TERMINATED",
    }
}

pub(super) fn pod(world: &World, pod: &Pod, include: Include) -> Value {
    let cost = pod.price.unwrap_or_default().usd();
    let open = pod.open_ports(world.seed(), world.now());
    let public = open.as_ref().is_some_and(|ports| ports.iter().any(|port| port.public.is_some()));
    let (volume_size, mount_path) = volume_of(&pod.mount);
    let mut body = json!({
        "adjustedCostPerHr": cost,
        "consumerUserId": "user_2simulatedAccountOfNobody",
        "costPerHr": if include.loose { json!(format!("{cost}")) } else { json!(cost) },
        "desiredStatus": desired_status(pod, world),
        "id": pod.id.0,
        "interruptible": pod.interruptible,
        "lastStartedAt": pod.started_at.unwrap_or(pod.created_at).rfc3339_millis(),
        "lastStatusChange": pod.last_status_change(world.now()),
        "machineId": pod.host.0,
        "memoryInGb": pod.memory,
        "portMappings": open.map(|ports| {
            let mapped = ports.iter().filter_map(|port| Some((port.private.to_string(), json!(port.public?))));
            mapped.collect::<Map<String, Value>>()
        }),
        "publicIp": public.then_some(&pod.ip),
        "slsVersion": 0,
        "vcpuCount": pod.vcpus,
        "volumeEncrypted": false,
        "volumeInGb": volume_size,
    });
    if let Some(fields) = body.as_object_mut() {
        fields.extend(settings::shown(&pod.settings));
        extra(fields, world, pod, include);
        absent(fields, pod, include);
        fields.extend(mount_path.map(|path| ("volumeMountPath".to_owned(), json!(path))));
    }
    body
}

/// Adds what not every pod has and what not every request wants.
fn extra(fields: &mut Map<String, Value>, world: &World, pod: &Pod, include: Include) {
    let mut put = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    let up = pod.status(world.now()).holds_compute();
    match &pod.compute {
        Compute::Gpu { .. } if include.loose && !up => put("gpu", Value::Null),
        Compute::Gpu { id, attached, .. } => put("gpu", gpu_type(id, Some(*attached))),
        Compute::Cpu { flavor, .. } => {
            put("cpuFlavorId", json!(flavor));
            if include.loose {
                put("gpu", Value::Null);
            }
        }
    }
    if include.machine {
        put("machine", if include.loose && !up { json!({}) } else { machine(world, pod) });
    }
    if include.savings_plans {
        put("savingsPlans", json!([]));
    }
    if let Mount::Network { volume: id, .. } = &pod.mount {
        put("networkVolumeId", json!(id.0));
        if let (true, Ok(found)) = (include.network_volume, world.volume(&id.0)) {
            put("networkVolume", volume(found));
        }
    }
}

/// Adds what the document calls a text and what the pod does not have: left out, or, as seen live, null.
fn absent(fields: &mut Map<String, Value>, pod: &Pod, include: Include) {
    for (name, value) in [("aiApiId", None), ("endpointId", None), ("templateId", pod.template.as_ref())] {
        if value.is_some() || include.loose {
            fields.insert(name.to_owned(), json!(value));
        }
    }
}

fn volume_of(mount: &Mount) -> (u32, Option<&str>) {
    match mount {
        Mount::Nothing => (0, None),
        Mount::Persistent { size, path } => (*size, Some(path)),
        Mount::Network { path, .. } => (0, Some(path)),
    }
}

/// Prices that are not known are left out.
fn gpu_type(id: &str, count: Option<u32>) -> Value {
    let fact = facts::gpu(id);
    let mut body =
        json!({ "id": id, "displayName": fact.and_then(|fact| fact.display_name.as_deref()).unwrap_or(id) });
    if let Some(fields) = body.as_object_mut() {
        fields.extend(count.map(|count| ("count".to_owned(), json!(count))));
        for (name, price) in [
            ("securePrice", fact.and_then(GpuFact::secure_price)),
            ("communityPrice", fact.and_then(GpuFact::community_price)),
        ] {
            fields.extend(price.map(|price| (name.to_owned(), json!(price.usd()))));
        }
    }
    body
}

fn machine(world: &World, pod: &Pod) -> Value {
    let location = facts::data_center(&pod.data_center)
        .map(|fact| fact.location.as_deref().unwrap_or(&fact.country_code));
    let mut body = json!({
        "dataCenterId": pod.data_center,
        "location": location,
        "secureCloud": pod.cloud == Cloud::Secure,
        "supportPublicIp": true,
        "costPerHr": pod.price.unwrap_or_default().usd(),
        "cpuCount": pod.vcpus,
        "maxDownloadSpeedMbps": 9_400,
        "maxUploadSpeedMbps": 8_700,
        "diskThroughputMBps": 3_200,
    });
    if let Some(fields) = body.as_object_mut() {
        match &pod.compute {
            Compute::Gpu { id, count, .. } => {
                let each = pod.price.unwrap_or_default().usd() / f64::from((*count).max(1));
                fields.insert("gpuTypeId".to_owned(), json!(id));
                fields.insert("gpuType".to_owned(), gpu_type(id, None));
                let name = facts::gpu(id).and_then(|fact| fact.display_name.as_deref()).unwrap_or(id);
                fields.insert("gpuDisplayName".to_owned(), json!(name));
                fields.insert("currentPricePerGpu".to_owned(), json!(each));
                fields.insert("gpuAvailable".to_owned(), json!(world.free_units(&pod.host)));
                fields.insert("minPodGpuCount".to_owned(), json!(1));
            }
            Compute::Cpu { flavor, .. } => {
                let group = facts::cpu(flavor).map_or(flavor.as_str(), |fact| fact.group_id.as_str());
                fields.insert("gpuTypeId".to_owned(), json!("unknown"));
                fields.insert("cpuTypeId".to_owned(), json!(flavor));
                fields.insert("cpuType".to_owned(), json!({ "id": flavor, "groupId": group }));
            }
        }
    }
    body
}

pub(super) fn registry(Registry { id, name }: &Registry) -> Value {
    json!({ "id": id, "name": name })
}

pub(super) fn volume(volume: &Volume) -> Value {
    let Volume { id, name, size, data_center, tier: _, created_at: _, visible_at: _ } = volume;
    json!({ "id": id.0, "name": name, "size": size, "dataCenterId": data_center })
}
