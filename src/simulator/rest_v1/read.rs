//! Bodies and queries that REST v1 takes: no field is required, unknown ones are ignored, defaults are generous.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Wrong;
use super::show::{Include, desired_status};
use crate::simulator::command;
use crate::simulator::exchange::Request;
use crate::simulator::world::World;
use crate::simulator::world::billing::{Bucket, Grouping};
use crate::simulator::world::facts::{self, TemplateFact, facts};
use crate::simulator::world::hosts::{Cloud, Offer};
use crate::simulator::world::moment::Moment;
use crate::simulator::world::money::HourlyPrice;
use crate::simulator::world::order::{ComputeOrder, CudaRule, PodChange, PodOrder};
use crate::simulator::world::placement::StockQuery;
use crate::simulator::world::pod::{Compute, Mount, Pod, PodId};
use crate::simulator::world::refusal::Refusal;
use crate::simulator::world::volume::{VolumeId, VolumeOrder};

const CUDA: [&str; 12] =
    ["13.0", "12.9", "12.8", "12.7", "12.6", "12.5", "12.4", "12.3", "12.2", "12.1", "12.0", "11.8"];

/// A body, with errors in the words of v1's validator.
struct Body {
    fields: Map<String, Value>,
}

impl Body {
    fn parse(body: &[u8]) -> Result<Body, Wrong> {
        let value =
            if body.is_empty() { json!({}) } else { serde_json::from_slice(body).unwrap_or(Value::Null) };
        let wrong = || Wrong::Body("body must be a JSON object".to_owned());
        Ok(Body { fields: value.as_object().cloned().ok_or_else(wrong)? })
    }

    /// A field that is `null` counts as absent.
    fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn take<'a, T>(
        &'a self,
        name: &str,
        kind: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Wrong> {
        let wrong = || Wrong::Body(format!("body/{name} must be {kind}"));
        self.get(name).map(|value| read(value).ok_or_else(wrong)).transpose()
    }

    fn text(&self, name: &str) -> Result<Option<String>, Wrong> {
        self.take(name, "string", |value| value.as_str().map(str::to_owned))
    }

    fn flag(&self, name: &str) -> Result<bool, Wrong> {
        Ok(self.take(name, "boolean", Value::as_bool)?.unwrap_or(false))
    }

    fn number(&self, name: &str, least: u32) -> Result<Option<u32>, Wrong> {
        let number = self.take(name, "integer", |value| u32::try_from(value.as_i64()?).ok())?;
        match number {
            Some(number) if number < least => Err(Wrong::Body(format!("body/{name} must be >= {least}"))),
            number => Ok(number),
        }
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Wrong> {
        let texts = |value: &Value| {
            value
                .as_array()?
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<Vec<String>>>()
        };
        self.take(name, "array of strings", texts)
    }

    /// The ports, which some clients send as one text with commas.
    fn ports(&self) -> Result<Option<Vec<String>>, Wrong> {
        match self.get("ports").and_then(Value::as_str) {
            Some(text) => Ok(Some(text.split(',').map(|port| port.trim().to_owned()).collect())),
            None => self.texts("ports"),
        }
    }

    fn env(&self) -> Result<Option<BTreeMap<String, String>>, Wrong> {
        let env = |value: &Value| {
            let pairs = value.as_object()?.iter();
            pairs.map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect::<Option<_>>()
        };
        self.take("env", "object of strings", env)
    }

    fn one_of(&self, name: &str, allowed: &[&str]) -> Result<Option<String>, Wrong> {
        let text = self.text(name)?;
        check_allowed(&format!("body/{name}"), text.as_deref(), allowed)?;
        Ok(text)
    }

    fn some_of(&self, name: &str, allowed: &[&str]) -> Result<Vec<String>, Wrong> {
        let texts = self.texts(name)?.unwrap_or_default();
        for (index, text) in texts.iter().enumerate() {
            check_allowed(&format!("body/{name}/{index}"), Some(text), allowed)?;
        }
        Ok(texts)
    }
}

fn check_allowed(at: &str, text: Option<&str>, allowed: &[&str]) -> Result<(), Wrong> {
    match text {
        Some(text) if !allowed.contains(&text) => {
            Err(Wrong::Body(format!("{at} must be one of the allowed values: {}", allowed.join(", "))))
        }
        Some(_) | None => Ok(()),
    }
}

/// Makes the pod that a body asks for.
pub(super) fn create_pod(world: &mut World, body: &[u8], spot: bool) -> Result<PodId, Wrong> {
    let body = Body::parse(body)?;
    if body.flag("interruptible")? && !spot {
        return Err(Wrong::Spot);
    }
    let template = template(&body)?;
    let image = body.text("imageName")?.or_else(|| template.map(|template| template.image.clone()));
    let Some(image) = image else {
        return Err(Wrong::Body("body must have required property 'imageName'".to_owned()));
    };
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
    let ports = || match template {
        Some(template) => template.ports.clone(),
        None => vec!["8888/http".to_owned(), "22/tcp".to_owned()],
    };
    let env = body.env()?.unwrap_or_default();
    let order = PodOrder {
        name: name(&body)?.unwrap_or_else(|| "my pod".to_owned()),
        image,
        args: command::line(&body.texts("dockerStartCmd")?.unwrap_or_default()),
        entrypoint: body.texts("dockerEntrypoint")?.unwrap_or_default(),
        env: template.map_or(env.clone(), |template| template.env_under(env)),
        ports: body.ports()?.unwrap_or_else(ports),
        disk: body.number("containerDiskInGb", 0)?.or(template.map(|template| template.disk)).unwrap_or(50),
        registry: body.text("containerRegistryAuthId")?,
        mount: mount(&body, is_cpu, template)?,
        compute,
        clouds: vec![cloud],
        data_centers: Vec::new(),
        countries: body.texts("countryCodes")?.unwrap_or_default(),
        global_networking: body.flag("globalNetworking")?,
        ssh: false,
        jupyter: false,
        locked: body.flag("locked")?,
        template: template.map(|template| template.id.clone()),
        bid: body.flag("interruptible")?.then(HourlyPrice::default),
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

fn name(body: &Body) -> Result<Option<String>, Wrong> {
    let name = body.text("name")?;
    if name.as_ref().is_some_and(|name| name.chars().count() > 191) {
        return Err(Wrong::Body("body/name must NOT have more than 191 characters".to_owned()));
    }
    Ok(name)
}

fn template(body: &Body) -> Result<Option<&'static TemplateFact>, Wrong> {
    let named = |id: String| facts::template(&id).ok_or(Refusal::NoSuchTemplate);
    Ok(body.text("templateId")?.map(named).transpose()?)
}

fn mount(body: &Body, is_cpu: bool, template: Option<&TemplateFact>) -> Result<Mount, Wrong> {
    let path = body.text("volumeMountPath")?.unwrap_or_else(|| "/workspace".to_owned());
    let usual = template.map_or(20, |template| template.volume.unwrap_or(0));
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
    let in_place = ["name", "locked"];
    let resetting = [
        "imageName",
        "env",
        "ports",
        "dockerEntrypoint",
        "dockerStartCmd",
        "containerDiskInGb",
        "containerRegistryAuthId",
        "volumeMountPath",
        "globalNetworking",
        "volumeInGb",
    ];
    let size = body.number("volumeInGb", 0)?;
    let path = body.text("volumeMountPath")?;
    let (persistent, network) = match (&pod.mount, size, path) {
        (_, None, None) => (None, None),
        (Mount::Persistent { .. }, size, path) => (Some((size, path)), None),
        (Mount::Network { .. }, _, Some(path)) => (None, Some((None, path))),
        (Mount::Network { .. }, Some(_), None) | (Mount::Nothing, None | Some(0), _) => (None, None),
        (Mount::Nothing, Some(_), _) => {
            return Err(Refusal::rule("A volume cannot be added to this pod.").into());
        }
    };
    Ok(PodChange {
        name: name(&body)?,
        locked: body.take("locked", "boolean", Value::as_bool)?,
        image: body.text("imageName")?,
        args: body.texts("dockerStartCmd")?.map(|words| command::line(&words)),
        entrypoint: body.texts("dockerEntrypoint")?,
        env: body.env()?,
        ports: body.ports()?,
        disk: body.number("containerDiskInGb", 0)?,
        registry: body.text("containerRegistryAuthId")?.map(Some),
        persistent,
        network,
        global_networking: body.take("globalNetworking", "boolean", Value::as_bool)?,
        // What is neither known nor in place is ignored, and an empty body resets nothing.
        reset: resetting.iter().any(|name| !in_place.contains(name) && body.get(name).is_some()),
    })
}

pub(super) fn create_volume(body: &[u8]) -> Result<VolumeOrder, Wrong> {
    let body = Body::parse(body)?;
    let missing = |name: &str| Wrong::Body(format!("body must have required property '{name}'"));
    let size = size(&body)?.ok_or_else(|| missing("size"))?;
    let name = body.text("name")?.ok_or_else(|| missing("name"))?;
    let data_center = body.text("dataCenterId")?.ok_or_else(|| missing("dataCenterId"))?;
    Ok(VolumeOrder { name, size, data_center, tier: None })
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

fn boolean(request: &Request, name: &str) -> Result<bool, Wrong> {
    match request.parameter(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Wrong::Body(format!("querystring/{name} must be boolean"))),
    }
}

/// Reads which parts a request wants. The document shows no part for templates, and there are no workers here, so those two change nothing.
pub(super) fn include(request: &Request, loose: bool) -> Result<Include, Wrong> {
    boolean(request, "includeTemplate")?;
    boolean(request, "includeWorkers")?;
    Ok(Include {
        machine: boolean(request, "includeMachine")?,
        network_volume: boolean(request, "includeNetworkVolume")?,
        savings_plans: boolean(request, "includeSavingsPlans")?,
        loose,
    })
}

/// The filters of a listing: all must hold, and of a repeated key any value.
pub(super) struct Filter<'a> {
    compute_type: Option<&'a str>,
    cpu_flavors: Vec<&'a str>,
    data_centers: Vec<&'a str>,
    desired: Option<&'a str>,
    endpoint: Option<&'a str>,
    gpu_types: Vec<&'a str>,
    id: Option<&'a str>,
    image: Option<&'a str>,
    name: Option<&'a str>,
    volume: Option<&'a str>,
    template: Option<&'a str>,
}

pub(super) fn filter(request: &Request) -> Result<Filter<'_>, Wrong> {
    let filter = Filter {
        compute_type: request.parameter("computeType"),
        cpu_flavors: request.parameters("cpuFlavorId"),
        data_centers: request.parameters("dataCenterId"),
        desired: request.parameter("desiredStatus"),
        endpoint: request.parameter("endpointId"),
        gpu_types: request.parameters("gpuTypeId"),
        id: request.parameter("id"),
        image: request.parameter("imageName"),
        name: request.parameter("name"),
        volume: request.parameter("networkVolumeId"),
        template: request.parameter("templateId"),
    };
    check_allowed("querystring/computeType", filter.compute_type, &["GPU", "CPU"])?;
    check_allowed("querystring/desiredStatus", filter.desired, &["RUNNING", "EXITED", "TERMINATED"])?;
    Ok(filter)
}

impl Filter<'_> {
    pub(super) fn takes(&self, world: &World, pod: &Pod) -> bool {
        let Filter {
            compute_type,
            cpu_flavors,
            data_centers,
            desired,
            endpoint,
            gpu_types,
            id,
            image,
            name,
            volume,
            template,
        } = self;
        let one = |wanted: &Option<&str>, is: &str| wanted.is_none_or(|wanted| wanted == is);
        let any = |wanted: &[&str], is: &str| wanted.is_empty() || wanted.contains(&is);
        let (kind, gpu, flavor) = match &pod.compute {
            Compute::Gpu { id, .. } => ("GPU", id.as_str(), ""),
            Compute::Cpu { flavor, .. } => ("CPU", "", flavor.as_str()),
        };
        let mounted = match &pod.mount {
            Mount::Network { volume, .. } => volume.0.as_str(),
            Mount::Nothing | Mount::Persistent { .. } => "",
        };
        one(compute_type, kind)
            && any(cpu_flavors, flavor)
            && any(data_centers, &pod.data_center)
            && one(desired, desired_status(pod, world))
            && endpoint.is_none()
            && any(gpu_types, gpu)
            && one(id, &pod.id.0)
            && one(image, &pod.image)
            && one(name, &pod.name)
            && one(volume, mounted)
            && one(template, pod.template.as_deref().unwrap_or_default())
    }
}

/// Answers what pods cost; without times, in the last 30 days.
pub(super) fn bills(world: &World, request: &Request) -> Result<Value, Wrong> {
    let sizes = Bucket::ALL.map(Bucket::name);
    check_allowed("querystring/bucketSize", request.parameter("bucketSize"), &sizes)?;
    check_allowed("querystring/grouping", request.parameter("grouping"), &["podId", "gpuTypeId"])?;
    let bucket = request.parameter("bucketSize").and_then(Bucket::named).unwrap_or(Bucket::Day);
    let grouping = match request.parameter("grouping") {
        Some("podId") => Grouping::Pod,
        Some(_) | None => Grouping::GpuType,
    };
    let month_ago = Moment::from_millis(world.now().millis().saturating_sub(30 * 86_400_000));
    let from = time(request, "startTime")?.unwrap_or(month_ago);
    let to = time(request, "endTime")?.unwrap_or(world.now());
    let (pod_id, gpu) = (request.parameter("podId"), request.parameter("gpuTypeId"));
    let wanted = |pod: &Pod| {
        let has_gpu = |wanted: &str| matches!(&pod.compute, Compute::Gpu { id, .. } if id == wanted);
        pod_id.is_none_or(|id| id == pod.id.0) && gpu.is_none_or(has_gpu)
    };
    let records =
        world.bills((from, to), bucket, grouping, wanted).into_iter().map(|((begin, group), bill)| {
            let mut record = json!({
                "amount": bill.micros as f64 / 1e6,
                "diskSpaceBilledGb": bill.disk,
                "time": begin.rfc3339(),
                "timeBilledMs": bill.millis,
            });
            match grouping {
                Grouping::Pod => record["podId"] = json!(group),
                Grouping::GpuType => record["gpuTypeId"] = json!(group),
            }
            record
        });
    Ok(Value::Array(records.collect()))
}

fn time(request: &Request, name: &str) -> Result<Option<Moment>, Wrong> {
    let Some(text) = request.parameter(name) else { return Ok(None) };
    let wrong = || Wrong::Body(format!("querystring/{name} must match format \"date-time\""));
    Moment::parse(text).map(Some).ok_or_else(wrong)
}
