//! What bodies ask for over REST v1: no field is required, unknown ones are ignored, defaults are generous.

use super::body::Body;
use super::{Wrong, settings};
use crate::simulator::world::World;
use crate::simulator::world::facts::facts;
use crate::simulator::world::hosts::{Cloud, Offer};
use crate::simulator::world::money::HourlyPrice;
use crate::simulator::world::order::{ComputeOrder, CudaRule, PodChange, PodOrder};
use crate::simulator::world::placement::StockQuery;
use crate::simulator::world::pod::{Mount, Pod, PodId};
use crate::simulator::world::refusal::Refusal;
use crate::simulator::world::template::Template;
use crate::simulator::world::volume::{VolumeId, VolumeOrder};

const CUDA: [&str; 12] =
    ["13.0", "12.9", "12.8", "12.7", "12.6", "12.5", "12.4", "12.3", "12.2", "12.1", "12.0", "11.8"];

/// Makes the pod that a body asks for.
pub(super) fn create_pod(world: &mut World, body: &[u8], spot: bool) -> Result<PodId, Wrong> {
    let body = Body::parse(body)?;
    let is_spot = body.flag("interruptible")?.unwrap_or(false);
    if is_spot && !spot {
        return Err(Wrong::Spot);
    }
    let template = template(world, &body)?;
    let given = Template::under(template.as_ref(), settings::given(&body)?);
    if given.image.is_none() {
        return Err(Wrong::Body("body must have required property 'imageName'".to_owned()));
    }
    let known: Vec<&str> =
        facts().data_centers.iter().filter(|fact| fact.in_v1_enum).map(|fact| &*fact.id).collect();
    let mut data_centers = body.some_of("dataCenterIds", &known)?;
    let by_list =
        body.one_of("dataCenterPriority", &["availability", "custom"])?.as_deref() == Some("custom");
    let in_turn = by_list && !data_centers.is_empty();
    if data_centers.is_empty() {
        data_centers = known.into_iter().map(str::to_owned).collect();
    }
    let cloud = match body.one_of("cloudType", &["SECURE", "COMMUNITY"])?.as_deref() {
        Some("COMMUNITY") => Cloud::Community,
        Some(_) | None => Cloud::Secure,
    };
    let compute = compute(world, &body, cloud)?;
    let is_cpu = matches!(compute, ComputeOrder::Cpu { .. });
    let order = PodOrder {
        has_disk: true,
        settings: settings::usual().with(given),
        mount: mount(&body, is_cpu, template.as_ref())?,
        compute,
        clouds: vec![cloud],
        data_centers: Vec::new(),
        countries: body.texts("countryCodes")?.unwrap_or_default(),
        ssh: false,
        jupyter: false,
        template: template.map(|template| template.id.clone()),
        bid: is_spot.then(HourlyPrice::default),
    };
    let attempts: Vec<Vec<String>> =
        if in_turn { data_centers.into_iter().map(|id| vec![id]).collect() } else { vec![data_centers] };
    let mut refusal = Refusal::NoCapacity;
    for data_centers in attempts {
        match world.create_pod(PodOrder { data_centers, ..order.clone() }) {
            Ok(id) => return Ok(id),
            Err(Refusal::NoCapacity) => {}
            Err(other) => {
                refusal = other;
                break;
            }
        }
    }
    Err(refusal.into())
}

fn template(world: &World, body: &Body) -> Result<Option<Template>, Wrong> {
    Ok(body.text("templateId")?.map(|id| world.template(&id)).transpose()?)
}

fn mount(body: &Body, is_cpu: bool, template: Option<&Template>) -> Result<Mount, Wrong> {
    let path = body.text("volumeMountPath")?.unwrap_or_else(|| "/workspace".to_owned());
    let usual = template.map_or(20, |template| match template.mount {
        Mount::Persistent { size, .. } => size,
        Mount::Nothing | Mount::Network { .. } => 0,
    });
    let size = body.number("volumeInGb", 0)?.unwrap_or(usual);
    Ok(match body.text("networkVolumeId")? {
        Some(volume) => Mount::Network { volume: VolumeId(volume), path },
        None if is_cpu || size == 0 => Mount::Nothing,
        None => Mount::Persistent { size, path },
    })
}

fn compute(world: &World, body: &Body, cloud: Cloud) -> Result<ComputeOrder, Wrong> {
    if body.one_of("computeType", &["GPU", "CPU"])?.as_deref() == Some("CPU") {
        let known: Vec<&str> = facts().cpus.iter().map(|fact| &*fact.id).collect();
        let mut flavors = body.some_of("cpuFlavorIds", &known)?;
        if flavors.is_empty() {
            flavors = known.into_iter().map(str::to_owned).collect();
        }
        let vcpus = body.number("vcpuCount", 1)?.unwrap_or(2);
        if body.one_of("cpuFlavorPriority", &["availability", "custom"])?.as_deref() != Some("custom") {
            most_available_first(world, &mut flavors, vcpus, cloud, Offer::Cpu);
        }
        return Ok(ComputeOrder::Cpu { flavors, vcpus });
    }
    let known: Vec<&str> =
        facts().gpus.iter().filter(|fact| fact.in_v1_create_enum).map(|fact| &*fact.id).collect();
    let mut ids = body.some_of("gpuTypeIds", &known)?;
    if ids.is_empty() {
        ids = known.into_iter().map(str::to_owned).collect();
    }
    let count = body.number("gpuCount", 1)?.unwrap_or(1);
    if body.one_of("gpuTypePriority", &["availability", "custom"])?.as_deref() != Some("custom") {
        most_available_first(world, &mut ids, count, cloud, Offer::Gpu);
    }
    let allowed = body.some_of("allowedCudaVersions", &CUDA)?;
    Ok(ComputeOrder::Gpu {
        ids,
        count,
        cuda: if allowed.is_empty() { CudaRule::Any } else { CudaRule::OneOf(allowed) },
        min_ram: body.number("minRAMPerGPU", 0)?.unwrap_or(8),
        min_vcpu: body.number("minVCPUPerGPU", 0)?.unwrap_or(2),
    })
}

/// The order that `availability` means; equals keep the order of the list.
fn most_available_first(
    world: &World,
    units: &mut [String],
    count: u32,
    cloud: Cloud,
    offer: fn(String) -> Offer,
) {
    let query = StockQuery { count, cloud, cuda: CudaRule::Any, countries: Vec::new() };
    units.sort_by_cached_key(|unit| {
        std::cmp::Reverse(world.stock(&offer(unit.clone()), &query).values().sum::<u32>())
    });
}

pub(super) fn update_pod(pod: &Pod, body: &[u8]) -> Result<PodChange, Wrong> {
    let body = Body::parse(body)?;
    let settings = settings::given(&body)?;
    let size = body.number("volumeInGb", 0)?;
    let path = body.text("volumeMountPath")?;
    // Also where nothing of it changes.
    let reset = settings::reset(&settings) || size.is_some() || path.is_some();
    Ok(PodChange { reset, ..PodChange::of(settings, &pod.mount, size, path)? })
}

pub(super) fn create_volume(body: &[u8]) -> Result<VolumeOrder, Wrong> {
    let body = Body::parse(body)?;
    let missing = |name: &str| Wrong::Body(format!("body must have required property '{name}'"));
    let size = size(&body)?.ok_or_else(|| missing("size"))?;
    let name = body.text("name")?.ok_or_else(|| missing("name"))?;
    let data_center = body.text("dataCenterId")?.ok_or_else(|| missing("dataCenterId"))?;
    Ok(VolumeOrder { name, size, data_center, tier: None })
}

/// Reads the name of credentials; what they hold is not kept.
pub(super) fn create_registry(body: &[u8]) -> Result<String, Wrong> {
    let body = Body::parse(body)?;
    let text = |name: &str| {
        let missing = || Wrong::Body(format!("body must have required property '{name}'"));
        body.text(name)?.ok_or_else(missing)
    };
    let name = text("name")?;
    text("username")?;
    text("password")?;
    Ok(name)
}

pub(super) fn update_volume(body: &[u8]) -> Result<(Option<String>, Option<u32>), Wrong> {
    let body = Body::parse(body)?;
    Ok((body.text("name")?, size(&body)?))
}

fn size(body: &Body) -> Result<Option<u32>, Wrong> {
    let size = body.number("size", 0)?;
    if size.is_some_and(|size| size > 4000) {
        return Err(Wrong::Body("body/size must be <= 4000".to_owned()));
    }
    Ok(size)
}
