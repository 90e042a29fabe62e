//! The mutations that make and change pods.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{FieldError, refused};
use crate::simulator::command;
use crate::simulator::world::World;
use crate::simulator::world::facts;
use crate::simulator::world::hosts::Cloud;
use crate::simulator::world::money::HourlyPrice;
use crate::simulator::world::order::{ComputeOrder, CudaRule, PodChange, PodOrder};
use crate::simulator::world::pod::{Mount, PodId};
use crate::simulator::world::refusal::Refusal;
use crate::simulator::world::volume::VolumeId;

type Input = Map<String, Value>;

fn text(input: &Input, name: &str) -> Option<String> {
    input.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn texts(input: &Input, name: &str) -> Vec<String> {
    let items = input.get(name).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn number(input: &Input, name: &str) -> Option<u32> {
    input.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
}

fn flag(input: &Input, name: &str) -> bool {
    input.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Makes a GPU pod; with a bid, an interruptible one.
pub(super) fn gpu(world: &mut World, input: &Input, bid: Option<f64>) -> Result<PodId, FieldError> {
    let refuse = |refusal| refused("podFindAndDeployOnDemand", refusal);
    let mut ids = texts(input, "gpuTypeIdList");
    ids.splice(0..0, text(input, "gpuTypeId"));
    let count = number(input, "gpuCount").unwrap_or(1);
    let allowed = texts(input, "allowedCudaVersions");
    let cuda =
        match (allowed.is_empty(), text(input, "minCudaVersion").or_else(|| text(input, "cudaVersion"))) {
            (false, _) => CudaRule::OneOf(allowed),
            (true, Some(least)) => CudaRule::AtLeast(least),
            (true, None) => CudaRule::Any,
        };
    // The minimums are for the whole pod, machines are described by GPU.
    let each = |name: &str| number(input, name).unwrap_or(0).div_ceil(count.max(1));
    let (min_ram, min_vcpu) = (each("minMemoryInGb"), each("minVcpuCount"));
    let mut order = order(input, ComputeOrder::Gpu { ids, count, cuda, min_ram, min_vcpu })?;
    let size = number(input, "volumeInGb").unwrap_or(0);
    if let (Mount::Nothing, 1..) = (&order.mount, size) {
        order.mount = Mount::Persistent { size, path: mount_path(input) };
    }
    order.global_networking = flag(input, "globalNetwork");
    order.bid = bid.map(HourlyPrice::from_usd);
    world.create_pod(order).map_err(refuse)
}

/// Makes a CPU pod of an instance such as `cpu5c-4-8`.
pub(super) fn cpu(world: &mut World, input: &Input) -> Result<PodId, FieldError> {
    let instance = text(input, "instanceId").unwrap_or_default();
    let mut parts = instance.split('-');
    let (flavor, vcpus) = (parts.next(), parts.next().and_then(|vcpus| vcpus.parse().ok()));
    let (Some(flavor), Some(vcpus)) = (flavor, vcpus) else {
        return Err(FieldError::runpod(format!("Instance {instance} not found.")));
    };
    let order = order(input, ComputeOrder::Cpu { flavors: vec![flavor.to_owned()], vcpus })?;
    world.create_pod(order).map_err(|refusal| refused("deployCpuPod", refusal))
}

fn order(input: &Input, compute: ComputeOrder) -> Result<PodOrder, FieldError> {
    let template = match text(input, "templateId").map(|id| facts::template(&id)) {
        Some(None) => return Err(refused("create", Refusal::NoSuchTemplate)),
        found => found.flatten(),
    };
    // Leaving out `dockerArgs` was seen to end in a failure that says nothing.
    if !input.contains_key("dockerArgs") {
        return Err(FieldError::internal());
    }
    let image = text(input, "imageName").or_else(|| template.map(|template| template.image.clone()));
    let Some(image) = image else {
        return Err(FieldError::runpod("Image name is required."));
    };
    let (entrypoint, args) = docker_args(input);
    let clouds = match input.get("cloudType").and_then(Value::as_str) {
        Some("SECURE") => vec![Cloud::Secure],
        Some("COMMUNITY") => vec![Cloud::Community],
        Some(_) | None => vec![Cloud::Secure, Cloud::Community],
    };
    let volume = text(input, "networkVolumeId").map(VolumeId);
    let of_template = || template.map(|template| template.ports.clone());
    let env = env(input).unwrap_or_default();
    Ok(PodOrder {
        name: text(input, "name").unwrap_or_else(|| "my pod".to_owned()),
        image,
        args,
        entrypoint,
        env: template.map_or(env.clone(), |template| template.env_under(env)),
        ports: ports(input).or_else(of_template).unwrap_or_default(),
        disk: number(input, "containerDiskInGb").or(template.map(|template| template.disk)).unwrap_or(10),
        registry: text(input, "containerRegistryAuthId"),
        mount: volume.map_or(Mount::Nothing, |volume| Mount::Network { volume, path: mount_path(input) }),
        compute,
        clouds,
        data_centers: text(input, "dataCenterId").into_iter().collect(),
        countries: text(input, "countryCode").into_iter().collect(),
        global_networking: false,
        ssh: flag(input, "startSsh"),
        jupyter: flag(input, "startJupyter"),
        locked: false,
        template: template.map(|template| template.id.clone()),
        bid: None,
    })
}

fn mount_path(input: &Input) -> String {
    text(input, "volumeMountPath").unwrap_or_else(|| "/workspace".to_owned())
}

/// Pairs without a key are left out: a client sends one when it has none.
fn env(input: &Input) -> Option<BTreeMap<String, String>> {
    let pairs = input.get("env").and_then(Value::as_array)?.iter();
    let pair = |pair: &Value| Some((pair["key"].as_str()?.to_owned(), pair["value"].as_str()?.to_owned()));
    Some(pairs.filter_map(pair).filter(|(key, _)| !key.is_empty()).collect())
}

fn ports(input: &Input) -> Option<Vec<String>> {
    let text = input.get("ports").and_then(Value::as_str)?;
    Some(text.split(',').map(str::trim).filter(|port| !port.is_empty()).map(str::to_owned).collect())
}

/// Reads `dockerArgs`: a command line, or JSON with the command and the entrypoint as lists.
fn docker_args(input: &Input) -> (Vec<String>, String) {
    let text = input.get("dockerArgs").and_then(Value::as_str).unwrap_or_default();
    let words = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() => (words(&value["entrypoint"]), command::line(&words(&value["cmd"]))),
        Ok(_) | Err(_) => (Vec::new(), text.to_owned()),
    }
}

/// Writes `dockerArgs`; the JSON form is needed only for an entrypoint.
pub(super) fn written_args(entrypoint: &[String], args: &str) -> String {
    if entrypoint.is_empty() {
        return args.to_owned();
    }
    json!({ "cmd": command::words(args), "entrypoint": entrypoint }).to_string()
}

/// Checks that a pod is started by the mutation of its kind.
pub(super) fn check_rental(world: &World, id: &str, bid: bool) -> Result<(), FieldError> {
    match world.pod(id).map(|pod| pod.interruptible) {
        Ok(true) if !bid => Err(FieldError::runpod("Cannot resume a spot pod as an on demand pod.")),
        Ok(false) if bid => Err(FieldError::runpod("Cannot resume an on demand pod as a spot pod.")),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Changes a pod, which makes its container anew. There is no way to rename one here.
pub(super) fn edit(world: &mut World, id: &str, input: &Input) -> Result<PodId, FieldError> {
    let refuse = |refusal| refused("podEditJob", refusal);
    let mount = world.pod(id).map_err(refuse)?.mount.clone();
    let (size, path) = (number(input, "volumeInGb"), text(input, "volumeMountPath"));
    let (persistent, network) = match (mount, size, path) {
        (_, None, None) | (Mount::Nothing, None | Some(0), _) | (Mount::Network { .. }, Some(_), None) => {
            (None, None)
        }
        (Mount::Persistent { .. }, size, path) => (Some((size, path)), None),
        (Mount::Network { .. }, _, Some(path)) => (None, Some((None, path))),
        (Mount::Nothing, Some(_), _) => {
            return Err(FieldError::runpod("A volume cannot be added to this pod."));
        }
    };
    let args = input.contains_key("dockerArgs").then(|| docker_args(input));
    let (entrypoint, args) = args.unzip();
    let change = PodChange {
        image: text(input, "imageName"),
        args,
        entrypoint,
        env: env(input),
        ports: ports(input),
        disk: number(input, "containerDiskInGb"),
        registry: text(input, "containerRegistryAuthId").map(Some),
        persistent,
        network,
        reset: true,
        ..PodChange::default()
    };
    world.update_pod(id, change).map_err(refuse)
}
