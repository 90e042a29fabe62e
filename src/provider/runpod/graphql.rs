//! GraphQL, `https://api.runpod.io/graphql`: to be retired early in 2027.
//!
//! Values travel as variables, never inside the query. Errors come with status 200 beside `data`, or with 400 where
//! the query itself is refused. A create takes one data center, so several are tried one after the other; an update
//! wants the image and the container disk every time, and cannot rename, lock or network a pod.
//!
//! The catalog here also serves REST v1, which has none.

mod call;
mod catalog;
mod create;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::convert;
use super::error::Verb;
use super::transport::{Answer, Transport, unsendable};
use super::wire::{Entries, Entry, Unfit, object_id};
use crate::model::id::{EnvKey, PodId, RegistryId, VolumeId};
use crate::model::live::{LivePod, LiveVolume};
use crate::model::pod::Port;
use crate::model::request::{Mount, PatchRequest, VolumeRequest};
use crate::model::secret::Secret;
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeTier;
use crate::provider::{Certainty, ListedPod, ListedVolume, ProviderError, Rejection};
use call::{Operation, change, send};
pub(super) use catalog::catalog;
use create::CreatedWire;
pub(super) use create::create_pod;
use read::{MyselfWire, POD, PodWire, live_pod, pod_entry, volume_entry};

pub(super) async fn list_pods(transport: &Transport) -> Result<Vec<ListedPod>, ProviderError> {
    let operation = Operation::read("GraphQL query myself.pods", "myself");
    let query = format!("query Pods {{ myself {{ pods {{ {POD} }} }} }}");
    let (answer, myself) = send::<MyselfWire>(transport, operation, &query, Value::Null, Vec::new()).await?;
    let read = || -> Result<Vec<ListedPod>, Unfit> {
        let Entries(pods) = myself.required("myself")?.pods.required("myself.pods")?;
        Ok(pods.into_iter().map(|entry| answer.listed(pod_entry(entry))).collect())
    };
    read().map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn list_volumes(transport: &Transport) -> Result<Vec<ListedVolume>, ProviderError> {
    let (answer, entries) = volume_entries(transport).await?;
    Ok(entries.into_iter().map(|entry| answer.listed(entry)).collect())
}

async fn volume_entries(
    transport: &Transport,
) -> Result<(Answer, Vec<Entry<LiveVolume, VolumeId>>), ProviderError> {
    let operation = Operation::read("GraphQL query myself.networkVolumes", "myself");
    let query = "query Volumes { myself { networkVolumes { id name size dataCenterId } } }";
    let (answer, myself) = send::<MyselfWire>(transport, operation, query, Value::Null, Vec::new()).await?;
    let read = || myself.required("myself")?.network_volumes.required("myself.networkVolumes");
    match read() {
        Ok(Entries(volumes)) => Ok((answer, volumes.into_iter().map(volume_entry).collect())),
        Err(unfit) => Err(answer.unfit(unfit)),
    }
}

pub(super) async fn pod(transport: &Transport, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
    let operation = Operation::read("GraphQL query pod", "pod");
    let query = format!("query Pod($input: PodFilter!) {{ pod(input: $input) {{ {POD} }} }}");
    let variables = json!({ "input": { "podId": id.as_str() } });
    let (answer, pod) = send::<PodWire>(transport, operation, &query, variables, Vec::new()).await?;
    let read = || pod.nullable("pod")?.map(|wire| live_pod(id.clone(), wire)).transpose();
    read().map_err(|unfit| answer.unfit(unfit))
}

/// Reads one network volume from the list of all: there is no query for one. It is not said to be missing while an entry
/// of the list may be it.
pub(super) async fn volume(
    transport: &Transport,
    id: &VolumeId,
) -> Result<Option<LiveVolume>, ProviderError> {
    let (answer, entries) = volume_entries(transport).await?;
    let mut nameless = None;
    for entry in entries {
        match entry {
            Ok((listed, _, volume)) if listed == *id => {
                return volume.map(|volume| Some(*volume)).map_err(|unfit| answer.unfit(unfit));
            }
            Ok(_) => {}
            Err(unfit) => nameless = Some(unfit),
        }
    }
    nameless.map_or(Ok(None), |unfit| Err(answer.unfit(unfit)))
}

/// Changes a pod by the one mutation there is, which resets it.
pub(super) async fn update_pod(transport: &Transport, request: &PatchRequest) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL podEditJob", "podEditJob");
    let PatchRequest {
        id,
        image_after,
        disk_after,
        name,
        // Both are always sent, as they are to be afterwards.
        image: _,
        disk: _,
        command,
        entrypoint,
        env,
        ports,
        registry,
        mount,
        global_networking,
        locked,
    } = request;
    if name.is_some() || locked.is_some() || global_networking.is_some() {
        let detail = "GraphQL cannot change the name, the lock or the private network of a pod";
        return Err(unsendable(operation.call, detail));
    }
    let (volume_in_gb, volume_mount_path) = match mount {
        None => (None, None),
        Some(Mount::None) => return Err(unsendable(operation.call, "a mount cannot be removed from a pod")),
        Some(Mount::Local { size, path }) => (Some(size.0), Some(path.as_str())),
        Some(Mount::Network { id: _, path }) => (None, Some(path.as_str())),
    };
    let docker_args = match (command, entrypoint) {
        (None, None) => None,
        (Some(command), Some(entrypoint)) => Some(convert::docker_args(command, entrypoint)),
        // One field holds both, so that the other half must be sent as it is.
        (Some(command), None) => {
            Some(convert::docker_args(command, &current(transport, id).await?.entrypoint.unwrap_or_default()))
        }
        (None, Some(entrypoint)) => {
            Some(convert::docker_args(&current(transport, id).await?.command.unwrap_or_default(), entrypoint))
        }
    };
    let input = EditInput {
        pod_id: id.as_str(),
        image_name: image_after,
        container_disk_in_gb: disk_after.0,
        docker_args,
        env: env.as_ref().map(env_input),
        ports: ports.as_ref().map(ports_text),
        volume_in_gb,
        volume_mount_path,
        container_registry_auth_id: registry
            .as_ref()
            .map(|registry| registry.as_ref().map_or("", RegistryId::as_str)),
    };
    let query = "mutation Edit($input: PodEditJobInput!) { podEditJob(input: $input) { id } }";
    let hidden = env.iter().flat_map(BTreeMap::values).cloned().collect();
    change(transport, operation, query, json!({ "input": input }), hidden).await
}

/// Reads the pod that a change needs to know before.
async fn current(transport: &Transport, id: &PodId) -> Result<LivePod, ProviderError> {
    let found = pod(transport, id).await?;
    found.ok_or_else(|| ProviderError {
        certainty: Certainty::Rejected(Rejection::NotFound),
        ..unsendable("GraphQL query pod", "there is no such pod")
    })
}

pub(super) async fn start_pod(transport: &Transport, id: &PodId, gpus: u32) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL podResume", "podResume");
    let query = "mutation Start($input: PodResumeInput!) { podResume(input: $input) { id } }";
    let mut input = json!({ "podId": id.as_str() });
    if gpus > 0 {
        input["gpuCount"] = json!(gpus);
    }
    change(transport, operation, query, json!({ "input": input }), Vec::new()).await
}

pub(super) async fn stop_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL podStop", "podStop");
    let query = "mutation Stop($input: PodStopInput!) { podStop(input: $input) { id } }";
    let variables = json!({ "input": { "podId": id.as_str() } });
    change(transport, operation, query, variables, Vec::new()).await
}

pub(super) async fn delete_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL podTerminate", "podTerminate");
    let query = "mutation Delete($input: PodTerminateInput!) { podTerminate(input: $input) }";
    let variables = json!({ "input": { "podId": id.as_str() } });
    change(transport, operation, query, variables, Vec::new()).await
}

pub(super) async fn create_volume(
    transport: &Transport,
    request: &VolumeRequest,
) -> Result<VolumeId, ProviderError> {
    let operation =
        Operation { call: "GraphQL createNetworkVolume", verb: Verb::Create, field: "createNetworkVolume" };
    let VolumeRequest { name, size, data_center, tier } = request;
    match tier {
        VolumeTier::Standard => {}
        VolumeTier::HighPerformance => {
            return Err(unsendable(operation.call, "GraphQL knows no tiers of volumes"));
        }
    }
    let query = "mutation CreateVolume($input: CreateNetworkVolumeInput!) \
        { createNetworkVolume(input: $input) { id } }";
    let variables =
        json!({ "input": { "name": name, "size": size.0, "dataCenterId": data_center.as_str() } });
    let (answer, created) = send::<CreatedWire>(transport, operation, query, variables, Vec::new()).await?;
    let read = || object_id(created.required(operation.field)?.id, "id");
    read().map(VolumeId::new).map_err(|unfit| answer.unfit(unfit))
}

pub(super) async fn grow_volume(
    transport: &Transport,
    id: &VolumeId,
    size: Gigabytes,
) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL updateNetworkVolume", "updateNetworkVolume");
    let query = "mutation GrowVolume($input: UpdateNetworkVolumeInput!) \
        { updateNetworkVolume(input: $input) { id } }";
    let variables = json!({ "input": { "id": id.as_str(), "size": size.0 } });
    change(transport, operation, query, variables, Vec::new()).await
}

pub(super) async fn delete_volume(transport: &Transport, id: &VolumeId) -> Result<(), ProviderError> {
    let operation = Operation::change("GraphQL deleteNetworkVolume", "deleteNetworkVolume");
    let query =
        "mutation DeleteVolume($input: DeleteNetworkVolumeInput!) { deleteNetworkVolume(input: $input) }";
    let variables = json!({ "input": { "id": id.as_str() } });
    change(transport, operation, query, variables, Vec::new()).await
}

fn env_input(env: &BTreeMap<EnvKey, Secret<String>>) -> Vec<EnvInput<'_>> {
    convert::exposed(env).into_iter().map(|(key, value)| EnvInput { key, value }).collect()
}

fn ports_text(ports: &BTreeSet<Port>) -> String {
    ports.iter().map(Port::to_string).collect::<Vec<_>>().join(",")
}

#[derive(Serialize)]
struct EnvInput<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EditInput<'a> {
    pod_id: &'a str,
    image_name: &'a str,
    container_disk_in_gb: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    docker_args: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<Vec<EnvInput<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_in_gb: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_mount_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_registry_auth_id: Option<&'a str>,
}
