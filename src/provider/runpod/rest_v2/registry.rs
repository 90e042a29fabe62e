//! Credentials for container registries on REST v2, which never shows what they hold and changes none.

use reqwest::Method;
use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::json;

use super::call::{delete, get, whole, write};
use super::pod::not_an_entry;
use crate::model::id::RegistryId;
use crate::model::live::{LiveRegistry, Origin};
use crate::model::request::RegistryRequest;
use crate::provider::runpod::answer::created;
use crate::provider::runpod::transport::{Request, Transport, segment};
use crate::provider::runpod::wire::{Entry, Field, Unfit, Wire, object_id, objects};
use crate::provider::{ListedRegistry, ProviderError, Verb};

pub(in crate::provider::runpod) async fn list_registries(
    transport: &Transport,
) -> Result<Vec<ListedRegistry>, ProviderError> {
    let call = Verb::ListRegistries.by("GET /v2/registries");
    whole(transport, call, ("/registries", "registries"), |answer, entry| {
        answer.listed(entry.map_or_else(not_an_entry, |RegistryEntry(entry)| entry))
    })
    .await
}

pub(in crate::provider::runpod) async fn registry(
    transport: &Transport,
    id: &RegistryId,
) -> Result<Option<LiveRegistry>, ProviderError> {
    let call = Verb::ReadRegistry.by("GET /v2/registries/{id}");
    let path = format!("/registries/{}", segment(call, id.as_str())?);
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
    let call = Verb::CreateRegistry.by("POST /v2/registries");
    let body = json!({ "name": name, "username": username.expose(), "password": password.expose() });
    let hidden = vec![username.clone(), password.clone()];
    let request = write(call, Method::POST, "/registries".to_owned(), &body);
    created(&transport.send(Request { hidden, ..request }).await?).map(RegistryId::new)
}

pub(in crate::provider::runpod) async fn delete_registry(
    transport: &Transport,
    id: &RegistryId,
) -> Result<(), ProviderError> {
    let call = Verb::DeleteRegistry.by("DELETE /v2/registries/{id}");
    let path = format!("/registries/{}", segment(call, id.as_str())?);
    transport.send(delete(call, path)).await?.accept()
}

objects!(RegistryWire);

/// One entry of the listing of credentials.
struct RegistryEntry(Entry<LiveRegistry, RegistryId>);

impl Field for RegistryEntry {
    fn of_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        Ok(RegistryWire::of_object(object)?.map(|wire| Self(registry_entry(wire))))
    }
}

fn registry_entry(mut wire: RegistryWire) -> Entry<LiveRegistry, RegistryId> {
    let id = RegistryId::new(object_id(std::mem::take(&mut wire.id), "registries[].id")?);
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
