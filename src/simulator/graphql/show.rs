//! What GraphQL says of the account, pods, volumes and the catalog.
//!
//! Objects are built whole and then cut down to what was asked for; fields that take arguments are worked out while cutting.

use serde_json::{Map, Value, json};

use super::deploy::written_args;
use super::document::Field;
use crate::simulator::world::chance::{between, hex};
use crate::simulator::world::facts::{self, CpuFact, DataCenterFact, GpuFact, facts};
use crate::simulator::world::hosts::{Cloud, Offer};
use crate::simulator::world::money::HourlyPrice;
use crate::simulator::world::order::CudaRule;
use crate::simulator::world::placement::{Stock, StockQuery};
use crate::simulator::world::pod::{Compute, Mount, Phase, Pod, Status};
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
fn cut(value: &Value, selection: &[Field], work_out: WorkOut<'_>) -> Value {
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
        "containerRegistryCreds": [],
        "podTemplates": [],
        "endpoints": [],
        "secrets": [],
    });
    project(&body, &field.selection)
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
    json!({
        "id": pod.id.0,
        "name": pod.name,
        "machineId": pod.host.0,
        "imageName": pod.image,
        "dockerArgs": written_args(&pod.entrypoint, &pod.args),
        "dockerId": pod.reporting(now).map(|_| hex(world.seed(), &["container", &pod.id.0, &pod.containers.to_string()], 12)),
        "gpuCount": count,
        "vcpuCount": pod.vcpus,
        "memoryInGb": pod.memory,
        "containerDiskInGb": pod.disk,
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
        "env": pod.env.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<String>>(),
        "ports": pod.ports.join(","),
        "podType": if pod.interruptible { "INTERRUPTABLE" } else { "RESERVED" },
        "templateId": pod.template,
        "networkVolumeId": volume_id,
        "networkVolume": volume_id.and_then(|id| world.volume(id).ok()).map(volume),
        "containerRegistryAuthId": pod.registry,
        "cpuFlavorId": flavor,
        "slsVersion": 0,
        "consumerUserId": "user_2simulatedAccountOfNobody",
        "locked": pod.locked,
        "version": pod.containers,
        "gpus": gpus(world, pod, gpu, count),
        "ipAddress": pod.ip,
        "latestTelemetry": { "state": state, "time": now.rfc3339_millis() },
        "machine": machine(world, pod, gpu),
        "runtime": runtime(world, pod),
    })
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
    let parts = pod.ports.iter().filter_map(|port| crate::simulator::world::order::port_parts(port));
    let show = |(private, protocol): (u32, &str)| {
        // HTTP ports go through a proxy and show an address inside RunPod's network.
        let public = protocol == "tcp";
        let inside = format!("100.65.{}.{}", between(world.seed(), &["inside", &pod.host.0], 0, 63), 101);
        json!({
            "ip": if public { pod.ip.clone() } else { inside },
            "isIpPublic": public,
            "privatePort": private,
            "publicPort": pod.public_port(world.seed(), private),
            "type": protocol,
        })
    };
    parts.map(show).collect()
}

pub(super) fn gpu_types(world: &World, field: &Field) -> Value {
    let input = field.input();
    let id = input.get("id").and_then(Value::as_str);
    let ids: Option<Vec<&str>> =
        input.get("ids").and_then(Value::as_array).map(|ids| ids.iter().filter_map(Value::as_str).collect());
    let wanted = |fact: &&GpuFact| {
        fact.display_name.is_some()
            && id.is_none_or(|id| id == fact.id)
            && ids.as_ref().is_none_or(|ids| ids.contains(&fact.id.as_str()))
    };
    let types: Vec<Value> =
        facts().gpus.iter().filter(wanted).map(|fact| gpu_type_body(world, fact)).collect();
    cut(&Value::Array(types), &field.selection, &|object, field| {
        let id = object.get("id").and_then(Value::as_str)?;
        (field.name == "lowestPrice").then(|| lowest_price(world, id, &field.input()))
    })
}

fn usd(price: Option<HourlyPrice>) -> Value {
    // A cloud that does not offer a card shows `null`, and so does one whose price is not known.
    price.map_or(Value::Null, |price| json!(price.usd()))
}

fn gpu_type_body(world: &World, fact: &GpuFact) -> Value {
    let secure = world.largest_machine(&fact.id, Cloud::Secure);
    let community = world.largest_machine(&fact.id, Cloud::Community);
    json!({
        "id": fact.id,
        "displayName": fact.display_name,
        "manufacturer": fact.manufacturer,
        "memoryInGb": fact.memory_in_gb,
        "secureCloud": secure > 0,
        "communityCloud": community > 0,
        "securePrice": usd(world.price(fact.secure_price())),
        "communityPrice": usd(world.price(fact.community_price())),
        "maxGpuCount": secure.max(community),
        "maxGpuCountSecureCloud": secure,
        "maxGpuCountCommunityCloud": community,
        "minPodGpuCount": 1,
        "nodeGroupDatacenters": [],
    })
}

fn lowest_price(world: &World, id: &str, input: &Map<String, Value>) -> Value {
    let text = |name: &str| input.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let clouds: &[Cloud] = match input.get("secureCloud").and_then(Value::as_bool) {
        Some(true) => &[Cloud::Secure],
        Some(false) => &[Cloud::Community],
        None => &[Cloud::Secure, Cloud::Community],
    };
    let allowed = input.get("allowedCudaVersions").and_then(Value::as_array);
    let cuda = match (allowed, text("minCudaVersion").or_else(|| text("cudaVersion"))) {
        (Some(versions), _) if !versions.is_empty() => {
            CudaRule::OneOf(versions.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        (_, Some(least)) => CudaRule::AtLeast(least.to_owned()),
        (_, None) => CudaRule::Any,
    };
    let count = input
        .get("gpuCount")
        .and_then(Value::as_u64)
        .and_then(|count| u32::try_from(count).ok())
        .unwrap_or(1);
    let mut places: Vec<(&str, u32)> = Vec::new();
    for cloud in clouds {
        let countries = text("countryCode").map(str::to_owned).into_iter().collect();
        let query = StockQuery { count, cloud: *cloud, cuda: cuda.clone(), countries };
        places.extend(world.stock(&Offer::Gpu(id.to_owned()), &query));
    }
    places.retain(|(place, _)| text("dataCenterId").is_none_or(|wanted| wanted == *place));
    let fact = facts::gpu(id);
    let price = |cloud: &Cloud| match cloud {
        Cloud::Secure => fact.and_then(GpuFact::secure_price),
        Cloud::Community => fact.and_then(GpuFact::community_price),
    };
    let best = Stock::of(places.iter().map(|(_, fitting)| *fitting).max().unwrap_or(0));
    let free: u32 = places.iter().map(|(_, fitting)| fitting * count).sum();
    json!({
        "gpuName": fact.and_then(|fact| fact.display_name.clone()),
        "gpuTypeId": id,
        "minimumBidPrice": Value::Null,
        "uninterruptablePrice": if places.is_empty() { Value::Null } else { usd(clouds.iter().filter_map(price).min()) },
        "minMemory": fact.and_then(|fact| fact.ram_gb_per_gpu),
        "minVcpu": fact.and_then(|fact| fact.vcpu_per_gpu),
        "stockStatus": stock_word(best),
        "maxUnreservedGpuCount": free,
        "maxGpuCount": clouds.iter().map(|cloud| world.largest_machine(id, *cloud)).max(),
        "gpuTypeDatacenters": places.iter().map(|(place, fitting)| json!({
            "dataCenterId": place,
            "supportNetworkVolumes": facts::data_center(place).is_some_and(DataCenterFact::has_storage),
            "availability": stock_word(Stock::of(*fitting)),
        })).collect::<Vec<Value>>(),
        "dataCenterId": text("dataCenterId"),
        "countryCode": text("countryCode"),
    })
}

/// GraphQL has words of its own for stock, and none for none.
fn stock_word(stock: Stock) -> Option<&'static str> {
    match stock {
        Stock::None => None,
        Stock::Low => Some("Low"),
        Stock::Medium => Some("Medium"),
        Stock::High => Some("High"),
    }
}

pub(super) fn cpu_flavors(world: &World, field: &Field) -> Value {
    let input = field.input();
    let id = input.get("id").and_then(Value::as_str);
    let flavors = facts().cpus.iter().filter(|fact| id.is_none_or(|id| id == fact.id)).map(cpu_body);
    cut(&Value::Array(flavors.collect()), &field.selection, &|object, field| {
        let id = object.get("id").and_then(Value::as_str)?;
        (field.name == "specifics").then(|| specifics(world, id, &field.input()))
    })
}

fn cpu_body(fact: &CpuFact) -> Value {
    json!({
        "id": fact.id,
        "groupId": fact.group_id,
        "groupName": fact.group_name,
        "displayName": fact.display_name,
        "minVcpu": fact.min_vcpu,
        "maxVcpu": fact.max_vcpu,
        "vcpuBurstable": false,
        "ramMultiplier": fact.ram_gb_per_vcpu,
        "diskLimitPerVcpu": fact.disk_limit_gb_per_vcpu,
    })
}

fn specifics(world: &World, flavor: &str, input: &Map<String, Value>) -> Value {
    let instance = input.get("instanceId").and_then(Value::as_str).unwrap_or_default();
    let count = instance.split('-').nth(1).and_then(|vcpus| vcpus.parse().ok()).unwrap_or(2);
    let query = StockQuery { count, cloud: Cloud::Secure, cuda: CudaRule::Any, countries: Vec::new() };
    let stock = world.stock(&Offer::Cpu(flavor.to_owned()), &query);
    let place = input.get("dataCenterId").and_then(Value::as_str);
    let fitting =
        stock.iter().filter(|(id, _)| place.is_none_or(|place| place == **id)).map(|(_, fitting)| *fitting);
    let fact = facts::cpu(flavor);
    json!({
        "stockStatus": stock_word(Stock::of(fitting.max().unwrap_or(0))),
        "securePrice": usd(fact.and_then(CpuFact::price_per_vcpu).map(|price| price.times(count))),
        "slsPrice": usd(fact.and_then(CpuFact::serverless_price_per_vcpu).map(|price| price.times(count))),
    })
}

fn data_center_body(fact: &DataCenterFact) -> Value {
    json!({
        "id": fact.id,
        "name": fact.name(),
        "location": fact.location.as_deref().unwrap_or(&fact.country_code),
        "listed": true,
        "storageSupport": fact.has_storage(),
        "globalNetwork": fact.has_global_network(),
        "region": fact.region,
        "compliance": [],
    })
}

pub(super) fn data_centers(world: &World, selection: &[Field]) -> Value {
    let centers = facts().data_centers.iter().map(data_center_body);
    cut(&Value::Array(centers.collect()), selection, &|object, field| {
        let id = object.get("id").and_then(Value::as_str)?;
        (field.name == "gpuAvailability").then(|| gpu_availability(world, id, &field.input()))
    })
}

fn gpu_availability(world: &World, place: &str, input: &Map<String, Value>) -> Value {
    let count = input
        .get("gpuCount")
        .and_then(Value::as_u64)
        .and_then(|count| u32::try_from(count).ok())
        .unwrap_or(1);
    let cloud = match input.get("secureCloud").and_then(Value::as_bool) {
        Some(false) => Cloud::Community,
        Some(true) | None => Cloud::Secure,
    };
    let query = StockQuery { count, cloud, cuda: CudaRule::Any, countries: Vec::new() };
    let one = |fact: &GpuFact| {
        let fitting = *world.stock(&Offer::Gpu(fact.id.clone()), &query).get(place)?;
        let stock = Stock::of(fitting);
        Some(json!({
            "available": stock != Stock::None,
            "stockStatus": stock_word(stock),
            "gpuTypeId": fact.id,
            "gpuTypeDisplayName": fact.display_name,
            "displayName": fact.display_name,
            "id": format!("{place}-{}", fact.id),
        }))
    };
    facts().gpus.iter().filter_map(one).collect()
}

/// The codes of all data centers; the real list was seen to hold `null` too.
pub(super) fn country_codes() -> Value {
    let mut codes: Vec<&str> = facts().data_centers.iter().map(|fact| fact.country_code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.into_iter().map(|code| json!(code)).chain([Value::Null]).collect()
}

pub(super) fn serverless_pools(selection: &[Field]) -> Value {
    let mut pools: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for fact in &facts().gpus {
        if let Some(pool) = &fact.serverless_pool {
            pools.entry(pool).or_default().push(&fact.id);
        }
    }
    let pools = pools.into_iter().map(|(id, types)| json!({ "id": id, "gpuTypeIds": types }));
    project(&Value::Array(pools.collect()), selection)
}
