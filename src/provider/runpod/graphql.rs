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
mod pod;
mod registry;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Answer;
use super::command;
use super::transport::{Transport, unsendable};
use super::wire::{Entries, Entry, Unfit, object_id};
use crate::model::id::{PodId, VolumeId};
use crate::model::live::{LivePod, LiveVolume};
use crate::model::money::Hourly;
use crate::model::pod::Storage;
use crate::model::prior::Api;
use crate::model::request::{PatchRequest, VolumeRequest};
use crate::model::settings::{Ability, Field, PodSettings};
use crate::model::size::Gigabytes;
use crate::model::volume::{VolumeConfig, VolumeTier};
use crate::provider::walk::Walk;
use crate::provider::{Certainty, ListedPod, ListedVolume, ProviderError, Rejection, Verb};
use call::{Operation, change, send};
pub(super) use catalog::catalog;
use create::CreatedWire;
pub(super) use create::create_pod;
use pod::{MyselfWire, POD, PodWire, live_pod, pod_entry, settings_input, volume_entry};
pub(super) use registry::{create_registry, delete_registry, list_registries, registry};

pub(super) async fn read_pods(
    transport: &Transport,
    walk: &mut Walk<ListedPod>,
) -> Result<(), ProviderError> {
    let operation = Operation::new(Verb::ListPods.by("GraphQL query myself.pods"), "myself");
    let query = format!("query Pods {{ myself {{ pods {{ {POD} }} }} }}");
    let (answer, myself) = send::<MyselfWire>(transport, operation, &query, Value::Null, Vec::new()).await?;
    let read = || -> Result<Vec<ListedPod>, Unfit> {
        let Entries(pods) = myself.required("myself")?.pods.required("myself.pods")?;
        Ok(pods.into_iter().map(|entry| answer.listed(pod_entry(entry))).collect())
    };
    walk.end(read().map_err(|unfit| answer.unfit(unfit))?);
    Ok(())
}

/// Counts the keys, a line each, which nobody needs to see; `None` where the answer does not speak of them.
pub(super) async fn ssh_keys(transport: &Transport) -> Result<Option<usize>, ProviderError> {
    let operation = Operation::new(Verb::ReadSshKeys.by("GraphQL query myself.pubKey"), "myself");
    let query = "query SshKeys { myself { pubKey } }";
    let (answer, myself) =
        send::<BTreeMap<String, Value>>(transport, operation, query, json!({}), Vec::new()).await?;
    let mut myself = myself.required("myself").map_err(|unfit| answer.unfit(unfit))?;
    Ok(match myself.remove("pubKey") {
        Some(Value::String(keys)) => Some(keys.lines().filter(|line| !line.trim().is_empty()).count()),
        Some(Value::Null) => Some(0),
        Some(_) | None => None,
    })
}

pub(super) async fn list_volumes(transport: &Transport) -> Result<Vec<ListedVolume>, ProviderError> {
    let (answer, entries) = volume_entries(transport).await?;
    Ok(entries.into_iter().map(|entry| answer.listed(entry)).collect())
}

async fn volume_entries(
    transport: &Transport,
) -> Result<(Answer, Vec<Entry<LiveVolume, VolumeId>>), ProviderError> {
    let operation = Operation::new(Verb::ListVolumes.by("GraphQL query myself.networkVolumes"), "myself");
    let query = "query Volumes { myself { networkVolumes { id name size dataCenterId } } }";
    let (answer, myself) = send::<MyselfWire>(transport, operation, query, Value::Null, Vec::new()).await?;
    let read = || myself.required("myself")?.network_volumes.required("myself.networkVolumes");
    match read() {
        Ok(Entries(volumes)) => Ok((answer, volumes.into_iter().map(volume_entry).collect())),
        Err(unfit) => Err(answer.unfit(unfit)),
    }
}

pub(super) async fn pod(transport: &Transport, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
    let operation = Operation::new(Verb::ReadPod.by("GraphQL query pod"), "pod");
    let query = format!("query Pod($input: PodFilter!) {{ pod(input: $input) {{ {POD} }} }}");
    let variables = json!({ "input": { "podId": id.as_str() } });
    let (answer, pod) = send::<PodWire>(transport, operation, &query, variables, Vec::new()).await?;
    let read = || pod.nullable("pod")?.map(|wire| live_pod(id.clone(), wire).1).transpose();
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
    let operation = Operation::new(Verb::UpdatePod.by("GraphQL podEditJob"), "podEditJob");
    let PatchRequest { id, settings } = request;
    let mut given = request.given();
    let can_change = |field: &Field| matches!(field.ability(Api::Graphql), Some(Ability::Change(_)));
    if let Some(field) = given.fields().find(|field| !can_change(field)) {
        let detail = format!("GraphQL cannot change `{field}` of a pod");
        return Err(unsendable(operation.call, &detail));
    }
    if given.storage == Some(&Storage::None) {
        return Err(unsendable(operation.call, "a mount cannot be removed from a pod"));
    }
    let docker_args = match (given.command, given.entrypoint) {
        (None, None) => None,
        (Some(command), Some(entrypoint)) => Some(command::docker_args(command, entrypoint)),
        // One field holds both, so the other half would be lost.
        (Some(_), None) | (None, Some(_)) => {
            return Err(unsendable(operation.call, "half of a command cannot be changed"));
        }
    };
    // Image and disk are part of every update: what does not change must be sent as it is.
    let current = if given.image.is_none() || given.disk.is_none() {
        current(transport, id).await?.settings
    } else {
        PodSettings::default()
    };
    given.image = given.image.or(current.image.as_ref());
    given.disk = given.disk.or(current.disk.as_ref());
    if given.image.is_none() || given.disk.is_none() {
        return Err(unsendable(operation.call, "GraphQL does not tell the image and the disk of the pod"));
    }
    let mut input = settings_input(&given, docker_args);
    input.insert("podId".to_owned(), json!(id.as_str()));
    let query = "mutation Edit($input: PodEditJobInput!) { podEditJob(input: $input) { id } }";
    let hidden = settings.env.iter().flat_map(BTreeMap::values).cloned().collect();
    change(transport, operation, query, json!({ "input": input }), hidden).await
}

/// Reads the pod that a change needs to know before.
async fn current(transport: &Transport, id: &PodId) -> Result<LivePod, ProviderError> {
    let found = pod(transport, id).await.map_err(before_anything)?;
    found.ok_or_else(|| ProviderError {
        certainty: Certainty::Rejected(Rejection::NotFound),
        ..unsendable(Verb::ReadPod.by("GraphQL query pod"), "there is no such pod")
    })
}

/// Turns the failure of a read into that of the change that it comes before: nothing can have come of that.
fn before_anything(error: ProviderError) -> ProviderError {
    let certainty = match error.certainty {
        Certainty::Unknown => Certainty::NotDone,
        certainty => certainty,
    };
    ProviderError { certainty, ..error }
}

pub(super) async fn start_pod(
    transport: &Transport,
    id: &PodId,
    gpus: u32,
    bid: Option<Hourly>,
) -> Result<(), ProviderError> {
    let mut input = json!({ "podId": id.as_str() });
    let (operation, query) = match bid {
        None => (
            Operation::new(Verb::StartPod.by("GraphQL podResume"), "podResume"),
            "mutation Start($input: PodResumeInput!) { podResume(input: $input) { id } }",
        ),
        Some(bid) => {
            input["bidPerGpu"] = json!(bid.dollars());
            (
                Operation::new(Verb::StartPod.by("GraphQL podBidResume"), "podBidResume"),
                "mutation Start($input: PodBidResumeInput!) { podBidResume(input: $input) { id } }",
            )
        }
    };
    if gpus > 0 {
        input["gpuCount"] = json!(gpus);
    }
    change(transport, operation, query, json!({ "input": input }), Vec::new()).await
}

pub(super) async fn stop_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    let operation = Operation::new(Verb::StopPod.by("GraphQL podStop"), "podStop");
    let query = "mutation Stop($input: PodStopInput!) { podStop(input: $input) { id } }";
    let variables = json!({ "input": { "podId": id.as_str() } });
    change(transport, operation, query, variables, Vec::new()).await
}

pub(super) async fn delete_pod(transport: &Transport, id: &PodId) -> Result<(), ProviderError> {
    let operation = Operation::new(Verb::DeletePod.by("GraphQL podTerminate"), "podTerminate");
    let query = "mutation Delete($input: PodTerminateInput!) { podTerminate(input: $input) }";
    let variables = json!({ "input": { "podId": id.as_str() } });
    change(transport, operation, query, variables, Vec::new()).await
}

pub(super) async fn create_volume(
    transport: &Transport,
    request: &VolumeRequest,
) -> Result<VolumeId, ProviderError> {
    let operation = Operation {
        call: Verb::CreateVolume.by("GraphQL createNetworkVolume"),
        field: "createNetworkVolume",
    };
    let VolumeRequest { name, config: VolumeConfig { size, data_center, tier } } = request;
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
    let operation = Operation::new(Verb::GrowVolume.by("GraphQL updateNetworkVolume"), "updateNetworkVolume");
    let query = "mutation GrowVolume($input: UpdateNetworkVolumeInput!) \
        { updateNetworkVolume(input: $input) { id } }";
    let variables = json!({ "input": { "id": id.as_str(), "size": size.0 } });
    change(transport, operation, query, variables, Vec::new()).await
}

pub(super) async fn delete_volume(transport: &Transport, id: &VolumeId) -> Result<(), ProviderError> {
    let operation =
        Operation::new(Verb::DeleteVolume.by("GraphQL deleteNetworkVolume"), "deleteNetworkVolume");
    let query =
        "mutation DeleteVolume($input: DeleteNetworkVolumeInput!) { deleteNetworkVolume(input: $input) }";
    let variables = json!({ "input": { "id": id.as_str() } });
    change(transport, operation, query, variables, Vec::new()).await
}
