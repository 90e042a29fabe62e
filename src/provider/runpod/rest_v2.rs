//! REST v2, `https://api.runpod.io/v2`: the default.
//!
//! It has an observed status, problem+json errors, pages and a catalog with stock. A create names one GPU type and always
//! its count: without the count the API answers that it has no instances.

mod call;
mod catalog;
mod logs;
mod pod;
mod registry;
mod secret;
mod volume;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use super::answer::created;
use super::transport::{Request, Transport, segment, unsendable};
use crate::model::id::TemplateId;
use crate::model::id::{PodId, SecretId, VolumeId};
use crate::model::live::{LivePod, LiveVolume};
use crate::model::pod::Storage;
use crate::model::request::{PatchRequest, PodRequest, SecretRequest, VolumeRequest};
use crate::model::secret::Secret;
use crate::model::size::Gigabytes;
use crate::model::template::Template;
use crate::provider::walk::Walk;
use crate::provider::{Call, ListedPod, ListedSecret, ListedVolume, ProviderError, Verb};
use call::{List, Paging, delete, get, read, whole, write};
pub(super) use catalog::catalog;
pub use logs::RunpodLog;
pub(super) use logs::open_log;
use pod::{PodEntry, live_pod, not_an_entry};
pub(super) use registry::{create_registry, delete_registry, list_registries, registry};
use secret::SecretEntry;
use volume::{VolumeEntry, VolumeWire, live_volume};

pub(super) async fn read_pods(
    transport: &Transport,
    walk: &mut Walk<ListedPod>,
) -> Result<(), ProviderError> {
    let call = Verb::ListPods.by("GET /v2/pods");
    let list = List { call, path: "/pods", key: "pods", paging: Paging::Pages };
    read(transport, list, walk, |answer, entry| {
        answer.listed(entry.map_or_else(not_an_entry, |PodEntry(entry)| entry))
    })
    .await
}

pub(super) async fn list_volumes(transport: &Transport) -> Result<Vec<ListedVolume>, ProviderError> {
    let call = Verb::ListVolumes.by("GET /v2/network-volumes");
    whole(transport, call, ("/network-volumes", "networkVolumes"), |answer, entry| {
        answer.listed(entry.map_or_else(not_an_entry, |VolumeEntry(entry)| entry))
    })
    .await
}

/// Counts the keys, which nobody needs to see.
pub(super) async fn ssh_keys(transport: &Transport) -> Result<usize, ProviderError> {
    let call = Verb::ReadSshKeys.by("GET /v2/account/ssh-keys");
    let under = ("/account/ssh-keys", "keys");
    Ok(whole(transport, call, under, |_, key: Option<String>| key).await?.len())
}

pub(super) async fn list_secrets(transport: &Transport) -> Result<Vec<ListedSecret>, ProviderError> {
    let call = Verb::ListSecrets.by("GET /v2/account/secrets");
    whole(transport, call, ("/account/secrets", "secrets"), |answer, entry| {
        answer.listed(entry.map_or_else(not_an_entry, |SecretEntry(entry)| entry))
    })
    .await
}

pub(super) async fn pod(transport: &Transport, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
    let call = Verb::ReadPod.by("GET /v2/pods/{id}");
    let answer = transport.send(get(call, format!("/pods/{}", segment(call, id.as_str())?))).await?;
    if answer.says_not_found() {
        return Ok(None);
    }
    live_pod(id.clone(), answer.decode()?).1.map(Some).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn template(
    transport: &Transport,
    id: &TemplateId,
) -> Result<Option<Template>, ProviderError> {
    let call = Verb::ReadTemplate.by("GET /v2/templates/{id}");
    let answer = transport.send(get(call, format!("/templates/{}", segment(call, id.as_str())?))).await?;
    if answer.says_not_found() {
        return Ok(None);
    }
    let read = pod::template(answer.decode()?, answer.decode()?);
    read.map(Some).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn volume(
    transport: &Transport,
    id: &VolumeId,
) -> Result<Option<LiveVolume>, ProviderError> {
    let call = Verb::ReadVolume.by("GET /v2/network-volumes/{id}");
    let path = format!("/network-volumes/{}", segment(call, id.as_str())?);
    let answer = transport.send(get(call, path)).await?;
    if answer.says_not_found() {
        return Ok(None);
    }
    live_volume(id.clone(), answer.decode::<VolumeWire>()?).map(Some).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn create_pod(transport: &Transport, request: &PodRequest) -> Result<PodId, ProviderError> {
    let call = Verb::CreatePod.by("POST /v2/pods");
    let answer = transport
        .send(Request {
            hidden: request.settings.env.values().cloned().collect(),
            ..write(call, Method::POST, "/pods".to_owned(), &pod::create_body(request))
        })
        .await?;
    created(&answer).map(PodId::new)
}

pub(super) async fn update_pod(transport: &Transport, request: &PatchRequest) -> Result<(), ProviderError> {
    let call = Verb::UpdatePod.by("PATCH /v2/pods/{id}");
    if request.settings.storage == Some(Storage::None) {
        return Err(unsendable(call, "a mount cannot be removed from a pod"));
    }
    let path = format!("/pods/{}", segment(call, request.id.as_str())?);
    let answer = transport
        .send(Request {
            hidden: request.settings.env.iter().flat_map(BTreeMap::values).cloned().collect(),
            ..write(call, Method::PATCH, path, &pod::update_body(request))
        })
        .await?;
    answer.accept()
}

pub(super) async fn start_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    act(transport, Verb::StartPod.by("POST /v2/pods/{id}/action (start)"), id, "start").await
}

pub(super) async fn stop_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    act(transport, Verb::StopPod.by("POST /v2/pods/{id}/action (stop)"), id, "stop").await
}

async fn act(
    transport: &Transport,
    call: Call,
    id: &PodId,
    action: &'static str,
) -> Result<(), ProviderError> {
    let path = format!("/pods/{}/action", segment(call, id.as_str())?);
    transport.send(write(call, Method::POST, path, &json!({ "action": action }))).await?.accept()
}

pub(super) async fn delete_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    let call = Verb::DeletePod.by("DELETE /v2/pods/{id}");
    let path = format!("/pods/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}

pub(super) async fn create_volume(
    transport: &Transport,
    request: &VolumeRequest,
) -> Result<VolumeId, ProviderError> {
    let body = volume::create_body(request);
    let path = "/network-volumes".to_owned();
    let request = write(Verb::CreateVolume.by("POST /v2/network-volumes"), Method::POST, path, &body);
    created(&transport.send(request).await?).map(VolumeId::new)
}

pub(super) async fn grow_volume(
    transport: &Transport,
    id: &VolumeId,
    size: Gigabytes,
) -> Result<(), ProviderError> {
    let call = Verb::GrowVolume.by("PATCH /v2/network-volumes/{id}");
    let path = format!("/network-volumes/{}", segment(call, id.as_str())?);
    let body = json!({ "size": size.0 });
    transport.send(write(call, Method::PATCH, path, &body)).await?.accept()
}

pub(super) async fn delete_volume(transport: &Transport, id: &VolumeId) -> Result<(), ProviderError> {
    let call = Verb::DeleteVolume.by("DELETE /v2/network-volumes/{id}");
    let path = format!("/network-volumes/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}

pub(super) async fn create_secret(
    transport: &Transport,
    request: &SecretRequest,
) -> Result<SecretId, ProviderError> {
    let SecretRequest { name, description, value } = request;
    let call = Verb::CreateSecret.by("POST /v2/account/secrets");
    let body = json!({ "name": name, "description": description, "value": value.expose() });
    let request = write(call, Method::POST, "/account/secrets".to_owned(), &body);
    let answer = transport.send(Request { hidden: vec![value.clone()], ..request }).await?;
    created(&answer).map(SecretId::new)
}

/// Sends the value alone: with a description beside it an error could follow a changed value.
pub(super) async fn set_secret(
    transport: &Transport,
    id: &SecretId,
    value: &Secret<String>,
) -> Result<(), ProviderError> {
    let call = Verb::SetSecret.by("PATCH /v2/account/secrets/{id}");
    let path = format!("/account/secrets/{}", segment(call, id.as_str())?);
    let request = write(call, Method::PATCH, path, &json!({ "value": value.expose() }));
    transport.send(Request { hidden: vec![value.clone()], ..request }).await?.accept()
}

pub(super) async fn delete_secret(transport: &Transport, id: &SecretId) -> Result<(), ProviderError> {
    let call = Verb::DeleteSecret.by("DELETE /v2/account/secrets/{id}");
    let path = format!("/account/secrets/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}
