//! Credentials for container registries over GraphQL. It has a mutation that changes them, which is not used: what pods
//! pull with would change under them, unlike over the other APIs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Operation, change, send};
use super::create::CreatedWire;
use crate::model::id::RegistryId;
use crate::model::live::{LiveRegistry, Origin};
use crate::model::request::RegistryRequest;
use crate::provider::runpod::answer::Answer;
use crate::provider::runpod::transport::Transport;
use crate::provider::runpod::wire::{Entries, Entry, Unfit, Wire, object_id, objects};
use crate::provider::{ListedRegistry, ProviderError, Verb};

type Registries = Vec<Entry<LiveRegistry, RegistryId>>;

pub(in crate::provider::runpod) async fn list_registries(
    transport: &Transport,
) -> Result<Vec<ListedRegistry>, ProviderError> {
    let (answer, entries) = entries(transport, Verb::ListRegistries).await?;
    Ok(entries.into_iter().map(|entry| answer.listed(entry)).collect())
}

async fn entries(transport: &Transport, verb: Verb) -> Result<(Answer, Registries), ProviderError> {
    let operation = Operation::new(verb.by("GraphQL query myself.containerRegistryCreds"), "myself");
    let query = "query Registries { myself { containerRegistryCreds { id name } } }";
    let (answer, myself) = send::<MyselfWire>(transport, operation, query, Value::Null, Vec::new()).await?;
    let read =
        || myself.required("myself")?.container_registry_creds.required("myself.containerRegistryCreds");
    match read() {
        Ok(Entries(registries)) => Ok((answer, registries.into_iter().map(registry_entry).collect())),
        Err(unfit) => Err(answer.unfit(unfit)),
    }
}

/// Reads one from the list of all: there is no query for one. It is not said to be missing while an entry of the list may
/// be it.
pub(in crate::provider::runpod) async fn registry(
    transport: &Transport,
    id: &RegistryId,
) -> Result<Option<LiveRegistry>, ProviderError> {
    let (answer, entries) = entries(transport, Verb::ReadRegistry).await?;
    let mut nameless = None;
    for entry in entries {
        match entry {
            Ok((listed, _, registry)) if listed == *id => {
                return registry.map(|registry| Some(*registry)).map_err(|unfit| answer.unfit(unfit));
            }
            Ok(_) => {}
            Err(unfit) => nameless = Some(unfit),
        }
    }
    nameless.map_or(Ok(None), |unfit| Err(answer.unfit(unfit)))
}

pub(in crate::provider::runpod) async fn create_registry(
    transport: &Transport,
    request: &RegistryRequest,
) -> Result<RegistryId, ProviderError> {
    let RegistryRequest { name, username, password } = request;
    let operation = Operation::new(Verb::CreateRegistry.by("GraphQL saveRegistryAuth"), "saveRegistryAuth");
    let query =
        "mutation CreateRegistry($input: SaveRegistryAuthInput!) { saveRegistryAuth(input: $input) { id } }";
    let input = json!({ "name": name, "username": username.expose(), "password": password.expose() });
    let hidden = vec![username.clone(), password.clone()];
    let variables = json!({ "input": input });
    let (answer, created) = send::<CreatedWire>(transport, operation, query, variables, hidden).await?;
    let read = || object_id(created.required(operation.field)?.id, "id");
    read().map(RegistryId::new).map_err(|unfit| answer.unfit(unfit))
}

pub(in crate::provider::runpod) async fn delete_registry(
    transport: &Transport,
    id: &RegistryId,
) -> Result<(), ProviderError> {
    let operation =
        Operation::new(Verb::DeleteRegistry.by("GraphQL deleteRegistryAuth"), "deleteRegistryAuth");
    let query = "mutation DeleteRegistry($id: String!) { deleteRegistryAuth(registryAuthId: $id) }";
    change(transport, operation, query, json!({ "id": id.as_str() }), Vec::new()).await
}

objects!(MyselfWire, RegistryWire);

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct MyselfWire {
    container_registry_creds: Wire<Entries<RegistryWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RegistryWire {
    id: Wire<String>,
    name: Wire<String>,
}

fn registry_entry(wire: Option<RegistryWire>) -> Entry<LiveRegistry, RegistryId> {
    let mut wire = wire.ok_or(Unfit::Odd("myself.containerRegistryCreds[]"))?;
    let id = object_id(std::mem::take(&mut wire.id), "myself.containerRegistryCreds[].id")?;
    let id = RegistryId::new(id);
    let registry = wire.name.required("name").map(|name| Box::new(LiveRegistry { id: id.clone(), name }));
    Ok((id, Origin::NotTold, registry))
}
