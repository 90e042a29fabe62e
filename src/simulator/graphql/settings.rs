//! The settings of a pod as GraphQL takes and shows them. Which of them a mutation takes, the schema says.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::input::{Input, number, text};
use crate::simulator::command::{self, Stored};
use crate::simulator::world::settings::{Settings, SettingsChange};

/// Returns the settings of a pod whose create gives none.
pub(super) fn usual() -> Settings {
    Settings { name: "my pod".to_owned(), disk: 10, ..Settings::default() }
}

/// Reads what a mutation gives.
pub(super) fn given(input: &Input) -> SettingsChange {
    let command = input.get("dockerArgs").map(|text| command::stored(text.as_str().unwrap_or_default()));
    let (args, entrypoint, listed) = command
        .map_or((None, None, None), |Stored { args, entrypoint, listed }| {
            (Some(args), Some(entrypoint), Some(listed))
        });
    SettingsChange {
        name: text(input, "name"),
        locked: None,
        global_networking: input.get("globalNetwork").and_then(Value::as_bool),
        image: text(input, "imageName"),
        args,
        entrypoint,
        listed,
        env: env(input),
        ports: ports(input),
        disk: number(input, "containerDiskInGb"),
        // An empty one takes it away.
        registry: input
            .get("containerRegistryAuthId")
            .and_then(Value::as_str)
            .map(|id| Some(id.to_owned()).filter(|id| !id.is_empty())),
    }
}

/// Pairs without a key are left out: a client sends one when it has none.
fn env(input: &Input) -> Option<BTreeMap<String, String>> {
    let pairs = input.get("env").and_then(Value::as_array)?.iter();
    let pair = |pair: &Value| Some((pair["key"].as_str()?.to_owned(), pair["value"].as_str()?.to_owned()));
    Some(pairs.filter_map(pair).filter(|(key, _)| !key.is_empty()).collect())
}

fn ports(input: &Input) -> Option<Vec<String>> {
    let text = input.get("ports").and_then(Value::as_str)?;
    Some(text.split(',').map(str::trim).filter(|port| !port.is_empty()).map(str::to_owned).collect())
}

/// Returns the fields that show them.
pub(super) fn shown(settings: &Settings) -> impl Iterator<Item = (String, Value)> {
    let Settings {
        name,
        locked,
        global_networking: _,
        image,
        args,
        entrypoint,
        listed,
        env,
        ports,
        disk,
        registry,
    } = settings;
    let pairs: Vec<String> = env.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let fields = [
        ("name", json!(name)),
        ("locked", json!(locked)),
        ("imageName", json!(image)),
        ("dockerArgs", json!(command::text(args, entrypoint, *listed))),
        ("env", json!(pairs)),
        ("ports", json!(ports.join(","))),
        ("containerDiskInGb", json!(disk)),
        ("containerRegistryAuthId", json!(registry)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value))
}
