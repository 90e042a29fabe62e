//! The settings of a pod as REST v1 takes and shows them.

use serde_json::{Value, json};

use super::Wrong;
use super::body::Body;
use crate::simulator::command;
use crate::simulator::world::settings::{Settings, SettingsChange};

/// Returns the settings of a pod whose create gives none.
pub(super) fn usual() -> Settings {
    Settings {
        name: "my pod".to_owned(),
        ports: vec!["8888/http".to_owned(), "22/tcp".to_owned()],
        disk: 50,
        ..Settings::default()
    }
}

/// Reads what a create or an update gives.
pub(super) fn given(body: &Body) -> Result<SettingsChange, Wrong> {
    let name = body.text("name")?;
    if name.as_ref().is_some_and(|name| name.chars().count() > 191) {
        return Err(Wrong::Body("body/name must NOT have more than 191 characters".to_owned()));
    }
    Ok(SettingsChange {
        name,
        locked: body.flag("locked")?,
        global_networking: body.flag("globalNetworking")?,
        image: body.text("imageName")?,
        args: body.texts("dockerStartCmd")?.map(|words| command::line(&words)),
        entrypoint: body.texts("dockerEntrypoint")?,
        listed: body.get("dockerStartCmd").map(|_| true),
        env: body.text_map("env")?,
        ports: ports(body)?,
        disk: body.number("containerDiskInGb", 0)?,
        // An empty one takes it away.
        registry: body.text("containerRegistryAuthId")?.map(|id| Some(id).filter(|id| !id.is_empty())),
    })
}

/// Returns whether the container is made anew for them: here for the private network too.
pub(super) fn reset(given: &SettingsChange) -> bool {
    given.resets() || given.global_networking.is_some()
}

/// The ports, which some clients send as one text with commas.
fn ports(body: &Body) -> Result<Option<Vec<String>>, Wrong> {
    match body.get("ports").and_then(Value::as_str) {
        Some(text) => Ok(Some(text.split(',').map(|port| port.trim().to_owned()).collect())),
        None => body.texts("ports"),
    }
}

/// Returns the fields that show them; one without a registry leaves it out.
pub(super) fn shown(settings: &Settings) -> impl Iterator<Item = (String, Value)> {
    let Settings {
        name,
        locked,
        global_networking: _,
        image,
        args,
        entrypoint,
        listed: _,
        env,
        ports,
        disk,
        registry,
    } = settings;
    let always = [
        ("name", json!(name)),
        ("locked", json!(locked)),
        ("image", json!(image)),
        ("dockerStartCmd", json!(command::words(args))),
        ("dockerEntrypoint", json!(entrypoint)),
        ("env", json!(env)),
        ("ports", json!(ports)),
        ("containerDiskInGb", json!(disk)),
    ];
    let registry = registry.as_ref().map(|registry| ("containerRegistryAuthId", json!(registry)));
    always.into_iter().chain(registry).map(|(name, value)| (name.to_owned(), value))
}
