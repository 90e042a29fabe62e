//! The mutations that make and change pods.

use serde_json::Value;

use super::input::{Input, cuda, flag, number, text, texts};
use super::{FieldError, refused, settings};
use crate::simulator::world::World;
use crate::simulator::world::hosts::Cloud;
use crate::simulator::world::money::HourlyPrice;
use crate::simulator::world::order::{ComputeOrder, PodChange, PodOrder};
use crate::simulator::world::pod::{Mount, PodId};
use crate::simulator::world::template::Template;
use crate::simulator::world::volume::VolumeId;

/// Makes a GPU pod; with a bid, an interruptible one.
pub(super) fn gpu(world: &mut World, input: &Input, bid: Option<f64>) -> Result<PodId, FieldError> {
    let refuse = |refusal| refused("podFindAndDeployOnDemand", refusal);
    let mut ids = texts(input, "gpuTypeIdList");
    ids.splice(0..0, text(input, "gpuTypeId"));
    let count = number(input, "gpuCount").unwrap_or(1);
    // The minimums are for the whole pod, machines are described by GPU.
    let each = |name: &str| number(input, name).unwrap_or(0).div_ceil(count.max(1));
    let (min_ram, min_vcpu) = (each("minMemoryInGb"), each("minVcpuCount"));
    let mut order =
        order(world, input, ComputeOrder::Gpu { ids, count, cuda: cuda(input), min_ram, min_vcpu })?;
    let size = number(input, "volumeInGb").unwrap_or(0);
    if let (Mount::Nothing, 1..) = (&order.mount, size) {
        order.mount = Mount::Persistent { size, path: mount_path(input) };
    }
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
    let order = order(world, input, ComputeOrder::Cpu { flavors: vec![flavor.to_owned()], vcpus })?;
    world.create_pod(order).map_err(|refusal| refused("deployCpuPod", refusal))
}

fn order(world: &World, input: &Input, compute: ComputeOrder) -> Result<PodOrder, FieldError> {
    let template = text(input, "templateId").map(|id| world.template(&id)).transpose();
    let template = template.map_err(|refusal| refused("create", refusal))?;
    // Leaving out `dockerArgs` was seen to end in a failure that says nothing.
    if !input.contains_key("dockerArgs") {
        return Err(FieldError::internal());
    }
    let given = Template::under(template.as_ref(), settings::given(input));
    if given.image.is_none() {
        return Err(FieldError::runpod("Image name is required."));
    }
    let clouds = match input.get("cloudType").and_then(Value::as_str) {
        Some("SECURE") => vec![Cloud::Secure],
        Some("COMMUNITY") => vec![Cloud::Community],
        Some(_) | None => vec![Cloud::Secure, Cloud::Community],
    };
    let volume = text(input, "networkVolumeId").map(VolumeId);
    Ok(PodOrder {
        has_disk: true,
        settings: settings::usual().with(given),
        mount: volume.map_or(Mount::Nothing, |volume| Mount::Network { volume, path: mount_path(input) }),
        compute,
        clouds,
        data_centers: text(input, "dataCenterId").into_iter().collect(),
        countries: text(input, "countryCode").into_iter().collect(),
        ssh: flag(input, "startSsh"),
        jupyter: flag(input, "startJupyter"),
        template: template.map(|template| template.id.clone()),
        bid: None,
    })
}

fn mount_path(input: &Input) -> String {
    text(input, "volumeMountPath").unwrap_or_else(|| "/workspace".to_owned())
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
    let mount = &world.pod(id).map_err(refuse)?.mount;
    let (size, path) = (number(input, "volumeInGb"), text(input, "volumeMountPath"));
    let change = PodChange::of(settings::given(input), mount, size, path).map_err(refuse)?;
    let change = PodChange { reset: true, ..change };
    world.update_pod(id, change).map_err(refuse)
}
