//! REST v1, `https://rest.runpod.io/v1`: past its published retirement date, after which it answers 410.
//!
//! It shows what is intended and not what is, knows no creation time and no tier of a volume, and has no catalog:
//! prices and stock come from GraphQL. It fills what a create leaves out with defaults of its own (two ports, a
//! volume of 20 GB), so a create says everything. It has no switch for SSH or Jupyter.

mod pod;
mod registry;
mod taken;

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use super::answer::created;
use super::transport::{Request, Transport, segment, unsendable};
use crate::model::id::{PodId, VolumeId};
use crate::model::live::{LivePod, LiveVolume};
use crate::model::pod::Storage;
use crate::model::prior::Api;
use crate::model::request::{PatchRequest, PodRequest, VolumeRequest};
use crate::model::size::Gigabytes;
use crate::model::volume::{VolumeConfig, VolumeTier};
use crate::provider::walk::Walk;
use crate::provider::{Call, ListedPod, ListedVolume, ProviderError, Verb};
use pod::{
    VolumeWire, allowed_cuda, create_body, live_pod, live_volume, pod_entry, update_body, volume_entry,
};
pub(super) use registry::{create_registry, delete_registry, list_registries, registry};
pub(super) use taken::not_taken;

/// Without these a pod has no data center and no network volume.
const INCLUDE: &str = "includeMachine=true&includeNetworkVolume=true";

pub(super) async fn read_pods(
    transport: &Transport,
    walk: &mut Walk<ListedPod>,
) -> Result<(), ProviderError> {
    let answer = transport.send(get(Verb::ListPods.by("GET /v1/pods"), format!("/pods?{INCLUDE}"))).await?;
    let entries = answer.decode::<Vec<Value>>()?.into_iter();
    walk.end(entries.map(|entry| answer.listed(pod_entry(entry))).collect());
    Ok(())
}

pub(super) async fn list_volumes(transport: &Transport) -> Result<Vec<ListedVolume>, ProviderError> {
    let answer = transport
        .send(get(Verb::ListVolumes.by("GET /v1/networkvolumes"), "/networkvolumes".to_owned()))
        .await?;
    let entries = answer.decode::<Vec<Value>>()?.into_iter();
    Ok(entries.map(|entry| answer.listed(volume_entry(entry))).collect())
}

pub(super) async fn pod(transport: &Transport, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
    let call = Verb::ReadPod.by("GET /v1/pods/{id}");
    let path = format!("/pods/{}?{INCLUDE}", segment(call, id.as_str())?);
    let answer = transport.send(get(call, path)).await?;
    if answer.says_not_found() {
        return Ok(None);
    }
    live_pod(id.clone(), answer.decode()?).1.map(Some).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn volume(
    transport: &Transport,
    id: &VolumeId,
) -> Result<Option<LiveVolume>, ProviderError> {
    let call = Verb::ReadVolume.by("GET /v1/networkvolumes/{id}");
    let path = format!("/networkvolumes/{}", segment(call, id.as_str())?);
    let answer = transport.send(get(call, path)).await?;
    if answer.says_not_found() {
        return Ok(None);
    }
    live_volume(id.clone(), answer.decode::<VolumeWire>()?).map(Some).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn create_pod(transport: &Transport, request: &PodRequest) -> Result<PodId, ProviderError> {
    let call = Verb::CreatePod.by("POST /v1/pods");
    let cuda = allowed_cuda(request);
    if cuda.is_empty() && request.placement.host.cuda.least().is_some() {
        return Err(unsendable(call, "REST v1 knows no CUDA version that is late enough"));
    }
    let body = create_body(request, cuda);
    let answer = transport
        .send(Request {
            hidden: request.settings.env.values().cloned().collect(),
            ..write(call, Method::POST, "/pods".to_owned(), &body)
        })
        .await?;
    created(&answer).map(PodId::new)
}

pub(super) async fn update_pod(transport: &Transport, request: &PatchRequest) -> Result<(), ProviderError> {
    let call = Verb::UpdatePod.by("PATCH /v1/pods/{id}");
    if request.settings.storage == Some(Storage::None) {
        return Err(unsendable(call, "a mount cannot be removed from a pod"));
    }
    let path = format!("/pods/{}", segment(call, request.id.as_str())?);
    let answer = transport
        .send(Request {
            hidden: request.settings.env.iter().flat_map(BTreeMap::values).cloned().collect(),
            ..write(call, Method::PATCH, path, &update_body(request))
        })
        .await?;
    answer.accept()
}

pub(super) async fn start_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    act(transport, Verb::StartPod.by("POST /v1/pods/{id}/start"), id, "start").await
}

pub(super) async fn stop_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    act(transport, Verb::StopPod.by("POST /v1/pods/{id}/stop"), id, "stop").await
}

async fn act(transport: &Transport, call: Call, id: &PodId, action: &str) -> Result<(), ProviderError> {
    let path = format!("/pods/{}/{action}", segment(call, id.as_str())?);
    let request = Request { method: Method::POST, ..get(call, path) };
    transport.send(request).await?.accept()
}

pub(super) async fn delete_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    let call = Verb::DeletePod.by("DELETE /v1/pods/{id}");
    let path = format!("/pods/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}

pub(super) async fn create_volume(
    transport: &Transport,
    request: &VolumeRequest,
) -> Result<VolumeId, ProviderError> {
    let call = Verb::CreateVolume.by("POST /v1/networkvolumes");
    let VolumeRequest { name, config: VolumeConfig { size, data_center, tier } } = request;
    match tier {
        VolumeTier::Standard => {}
        VolumeTier::HighPerformance => return Err(unsendable(call, "REST v1 knows no tiers of volumes")),
    }
    let body = json!({ "name": name, "size": size.0, "dataCenterId": data_center.as_str() });
    let request = write(call, Method::POST, "/networkvolumes".to_owned(), &body);
    created(&transport.send(request).await?).map(VolumeId::new)
}

pub(super) async fn grow_volume(
    transport: &Transport,
    id: &VolumeId,
    size: Gigabytes,
) -> Result<(), ProviderError> {
    let call = Verb::GrowVolume.by("PATCH /v1/networkvolumes/{id}");
    let path = format!("/networkvolumes/{}", segment(call, id.as_str())?);
    let body = json!({ "size": size.0 });
    transport.send(write(call, Method::PATCH, path, &body)).await?.accept()
}

pub(super) async fn delete_volume(transport: &Transport, id: &VolumeId) -> Result<(), ProviderError> {
    let call = Verb::DeleteVolume.by("DELETE /v1/networkvolumes/{id}");
    let path = format!("/networkvolumes/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}

fn get(call: Call, path: String) -> Request {
    Request { call, api: Api::V1, method: Method::GET, path, body: None, hidden: Vec::new() }
}

fn delete(call: Call, path: String) -> Request {
    Request { method: Method::DELETE, ..get(call, path) }
}

fn write(call: Call, method: Method, path: String, body: &impl Serialize) -> Request {
    let body = serde_json::to_vec(body).expect("bodies are maps with text keys");
    Request { method, body: Some(body), ..get(call, path) }
}
