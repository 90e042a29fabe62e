//! Credentials for container registries on REST v1, which never shows what they hold and changes none.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{delete, get, write};
use crate::model::id::RegistryId;
use crate::model::live::{LiveRegistry, Origin};
use crate::model::request::RegistryRequest;
use crate::provider::runpod::answer::created;
use crate::provider::runpod::transport::{Request, Transport, segment};
use crate::provider::runpod::wire::{Entry, Unfit, Wire, object_id};
use crate::provider::{ListedRegistry, ProviderError, Verb};

pub(in crate::provider::runpod) async fn list_registries(
    transport: &Transport,
) -> Result<Vec<ListedRegistry>, ProviderError> {
    let call = Verb::ListRegistries.by("GET /v1/containerregistryauth");
    let answer = transport.send(get(call, "/containerregistryauth".to_owned())).await?;
    let entries = answer.decode::<Vec<Value>>()?.into_iter();
    Ok(entries.map(|entry| answer.listed(registry_entry(entry))).collect())
}

pub(in crate::provider::runpod) async fn registry(
    transport: &Transport,
    id: &RegistryId,
) -> Result<Option<LiveRegistry>, ProviderError> {
    let call = Verb::ReadRegistry.by("GET /v1/containerregistryauth/{id}");
    let path = format!("/containerregistryauth/{}", segment(call, id.as_str())?);
    let answer = transport.send(get(call, path)).await?;
    if answer.says_not_found() {
        return Ok(None);
    }
    let wire: RegistryWire = answer.decode()?;
    live_registry(id.clone(), wire).map(Some).map_err(|unfit| answer.unfit(unfit))
}

pub(in crate::provider::runpod) async fn create_registry(
    transport: &Transport,
    request: &RegistryRequest,
) -> Result<RegistryId, ProviderError> {
    let RegistryRequest { name, username, password } = request;
    let call = Verb::CreateRegistry.by("POST /v1/containerregistryauth");
    let body = json!({ "name": name, "username": username.expose(), "password": password.expose() });
    let hidden = vec![username.clone(), password.clone()];
    let request = write(call, Method::POST, "/containerregistryauth".to_owned(), &body);
    created(&transport.send(Request { hidden, ..request }).await?).map(RegistryId::new)
}

pub(in crate::provider::runpod) async fn delete_registry(
    transport: &Transport,
    id: &RegistryId,
) -> Result<(), ProviderError> {
    let call = Verb::DeleteRegistry.by("DELETE /v1/containerregistryauth/{id}");
    let path = format!("/containerregistryauth/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}

fn registry_entry(entry: Value) -> Entry<LiveRegistry, RegistryId> {
    let mut wire = RegistryWire::deserialize(entry).map_err(|_| Unfit::Odd("[]"))?;
    let id = RegistryId::new(object_id(std::mem::take(&mut wire.id), "[].id")?);
    Ok((id.clone(), Origin::NotTold, live_registry(id, wire).map(Box::new)))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RegistryWire {
    id: Wire<String>,
    name: Wire<String>,
}

fn live_registry(id: RegistryId, wire: RegistryWire) -> Result<LiveRegistry, Unfit> {
    Ok(LiveRegistry { id, name: wire.name.required("name")? })
}
