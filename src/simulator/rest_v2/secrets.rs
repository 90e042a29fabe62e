//! Secrets of the account as REST v2 takes and shows them; never their values.

use serde::Serialize;

use super::body::{self, Fields};
use super::page::List;
use super::{Answer, Problem, json, ok};
use crate::simulator::exchange::Request;
use crate::simulator::world::World;
use crate::simulator::world::secret::AccountSecret;

/// The longest name, in characters.
const LONGEST_NAME: usize = 191;
/// A value must be shorter than this, in bytes.
const VALUE_LIMIT: usize = 16_777_216;
/// The longest description, in bytes.
const LONGEST_DESCRIPTION: usize = 65_535;

/// What is asked of one secret, or of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretCall {
    List,
    Create,
    Get(String),
    Update(String),
    Delete(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretBody<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    created_at: String,
    value_last_updated_at: String,
}

pub(super) fn answer(world: &mut World, call: &SecretCall, request: &Request) -> Result<Answer, Problem> {
    match call {
        SecretCall::List => {
            let secrets = world.secrets(request.parameter("name")).map(shown).collect();
            Ok(ok(&List::whole("secrets", secrets)))
        }
        SecretCall::Create => {
            let (name, description) = body::read(&request.body, create)?;
            if name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("RUNPOD")) {
                return Err(Problem::new(400, "secret names may not begin with RUNPOD"));
            }
            let taken = || Problem::new(409, "a secret with this name already exists");
            world.create_secret(name, description).map(|made| json(201, &shown(made))).ok_or_else(taken)
        }
        SecretCall::Get(id) => world
            .secrets(None)
            .find(|secret| secret.id == *id)
            .map(|secret| ok(&shown(secret)))
            .ok_or_else(unknown),
        SecretCall::Update(id) => {
            let (sets_value, description) = body::read(&request.body, |fields| {
                if fields.is_empty() {
                    fields.wrong("minProperties: got 0, want 1");
                }
                (value(fields), self::description(fields))
            })?;
            let now = world.now();
            let secret = world.secret_mut(id).ok_or_else(unknown)?;
            if sets_value {
                secret.value_set_at = now;
            }
            if let Some(description) = description {
                secret.description = Some(description).filter(|text| !text.is_empty());
            }
            Ok(ok(&shown(secret)))
        }
        SecretCall::Delete(id) => world.delete_secret(id).then(|| Answer::empty(204)).ok_or_else(unknown),
    }
}

fn unknown() -> Problem {
    Problem::new(404, "secret not found")
}

fn shown(secret: &AccountSecret) -> SecretBody<'_> {
    let AccountSecret { id, name, description, created_at, value_set_at } = secret;
    SecretBody {
        id,
        name,
        description: description.as_deref(),
        created_at: created_at.rfc3339(),
        value_last_updated_at: value_set_at.rfc3339(),
    }
}

fn create(fields: &mut Fields<'_>) -> (String, Option<String>) {
    fields.require("name");
    fields.require("value");
    let name = fields.filled_text("name").unwrap_or_default();
    let length = name.chars().count();
    if length > LONGEST_NAME {
        fields.wrong_at("name", &format!("maxLength: got {length}, want {LONGEST_NAME}"));
    }
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    let goes_on = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    let is_name = name.starts_with(begins) && name.chars().all(goes_on);
    if !name.is_empty() && !is_name {
        fields.wrong_at("name", &format!("'{name}' does not match pattern '^[a-zA-Z_][a-zA-Z0-9_.\\-/]*$'"));
    }
    value(fields);
    (name, description(fields))
}

/// Checks a value and tells whether there is one.
fn value(fields: &mut Fields<'_>) -> bool {
    let Some(value) = fields.filled_text("value") else { return false };
    if value.len() >= VALUE_LIMIT {
        fields.wrong_at("value", "maxLength: the value is too long");
    }
    true
}

fn description(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.text("description")?;
    if text.len() > LONGEST_DESCRIPTION {
        fields.wrong_at("description", &format!("maxLength: got {}, want {LONGEST_DESCRIPTION}", text.len()));
    }
    Some(text)
}
