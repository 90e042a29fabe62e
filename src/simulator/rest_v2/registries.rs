//! Credentials for container registries as REST v2 takes and shows them; never what they hold.

use serde_json::{Value, json};

use super::body::{self, Fields};
use super::page::List;
use super::{Answer, Problem, json, ok};
use crate::simulator::exchange::Request;
use crate::simulator::world::World;
use crate::simulator::world::registry::Registry;

/// What is asked of one registry, or of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryCall {
    List,
    Create,
    Get(String),
    Delete(String),
}

pub(super) fn answer(world: &mut World, call: &RegistryCall, request: &Request) -> Result<Answer, Problem> {
    match call {
        RegistryCall::List => {
            let registries = world.registries().iter().map(shown).collect();
            Ok(ok(&List::whole("registries", registries)))
        }
        RegistryCall::Create => {
            let name = body::read(&request.body, create)?;
            Ok(json(201, &shown(&world.create_registry(name)?)))
        }
        RegistryCall::Get(id) => {
            let registry = world.registry(id).map(|registry| ok(&shown(registry)));
            registry.ok_or_else(|| Problem::new(404, "registry not found"))
        }
        RegistryCall::Delete(id) => {
            world.delete_registry(id)?;
            Ok(Answer::empty(204))
        }
    }
}

fn shown(Registry { id, name }: &Registry) -> Value {
    json!({ "id": id, "name": name })
}

fn create(fields: &mut Fields<'_>) -> String {
    let [name, _, _] = ["name", "username", "password"].map(|field| {
        fields.require(field);
        fields.filled_text(field)
    });
    name.unwrap_or_default()
}
