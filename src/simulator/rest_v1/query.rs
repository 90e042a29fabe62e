//! Queries that REST v1 takes.

use serde_json::{Value, json};

use super::Wrong;
use super::body::check_allowed;
use super::show::{Include, desired_status};
use crate::simulator::exchange::Request;
use crate::simulator::world::World;
use crate::simulator::world::billing::{Bucket, Grouping};
use crate::simulator::world::moment::Moment;
use crate::simulator::world::pod::{Compute, Mount, Pod};

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
pub(super) struct Filter<'a>(&'a Request);

pub(super) fn filter(request: &Request) -> Result<Filter<'_>, Wrong> {
    for (name, allowed) in
        [("computeType", &["GPU", "CPU"][..]), ("desiredStatus", &["RUNNING", "EXITED", "TERMINATED"])]
    {
        check_allowed(&format!("querystring/{name}"), request.parameter(name), allowed)?;
    }
    Ok(Filter(request))
}

impl Filter<'_> {
    pub(super) fn takes(&self, world: &World, pod: &Pod) -> bool {
        let one = |name: &str, is: &str| self.0.parameter(name).is_none_or(|wanted| wanted == is);
        let any = |name: &str, is: &str| {
            let wanted = self.0.parameters(name);
            wanted.is_empty() || wanted.contains(&is)
        };
        let (kind, gpu, flavor) = match &pod.compute {
            Compute::Gpu { id, .. } => ("GPU", id.as_str(), ""),
            Compute::Cpu { flavor, .. } => ("CPU", "", flavor.as_str()),
        };
        let mounted = match &pod.mount {
            Mount::Network { volume, .. } => volume.0.as_str(),
            Mount::Nothing | Mount::Persistent { .. } => "",
        };
        one("computeType", kind)
            && any("cpuFlavorId", flavor)
            && any("dataCenterId", &pod.data_center)
            && one("desiredStatus", desired_status(pod, world))
            && self.0.parameter("endpointId").is_none()
            && any("gpuTypeId", gpu)
            && one("id", &pod.id.0)
            && one("imageName", &pod.settings.image)
            && one("name", &pod.settings.name)
            && one("networkVolumeId", mounted)
            && one("templateId", pod.template.as_deref().unwrap_or_default())
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
