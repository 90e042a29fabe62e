//! The settings of a pod as REST v2 takes and shows them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::body::Fields;
use crate::simulator::world::World;
use crate::simulator::world::chance::between;
use crate::simulator::world::pod::Pod;
use crate::simulator::world::settings::{Settings, SettingsChange};

/// The container disk of a pod that does not say; the document gives no default.
const DEFAULT_DISK: u32 = 10;

/// Returns the settings of a pod whose create gives none.
pub(super) fn usual() -> Settings {
    Settings { disk: DEFAULT_DISK, ..Settings::default() }
}

/// Reads what a create gives: no lock, and an entrypoint is unknown to this API.
pub(super) fn of_create(fields: &mut Fields<'_>) -> SettingsChange {
    SettingsChange {
        name: fields.filled_text("name"),
        locked: None,
        global_networking: fields.flag("globalNetworking"),
        registry: fields.clearable_text("registry"),
        image: fields.text("image"),
        args: fields.text("args"),
        entrypoint: None,
        disk: fields.number("disk", 1, u32::MAX),
        env: fields.text_map("env"),
        ports: fields.texts("ports"),
    }
}

/// Reads what an update gives.
pub(super) fn of_update(fields: &mut Fields<'_>) -> SettingsChange {
    SettingsChange { locked: fields.flag("locked"), ..of_create(fields) }
}

/// What a pod's body begins with after the identifier.
#[derive(Serialize)]
pub(super) struct ContainerBody {
    name: String,
    image: String,
    args: String,
    disk: u32,
    ports: Vec<String>,
    env: BTreeMap<String, String>,
    registry: Option<String>,
}

/// What it says further below.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SwitchesBody {
    locked: bool,
    global_networking: NetworkingBody,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkingBody {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal_dns: Option<String>,
}

pub(super) fn shown(world: &World, pod: &Pod) -> (ContainerBody, SwitchesBody) {
    // What is on the network follows the setting at the next start only.
    let Settings {
        name,
        locked,
        global_networking: _,
        image,
        args,
        entrypoint: _,
        env,
        ports,
        disk,
        registry,
    } = pod.settings.clone();
    let container = ContainerBody { name, image, args, disk, ports, env, registry };
    (container, SwitchesBody { locked, global_networking: networking(world, pod) })
}

fn networking(world: &World, pod: &Pod) -> NetworkingBody {
    if !pod.networked {
        return NetworkingBody { enabled: false, ip: None, internal_dns: None };
    }
    let part = |name: &str| between(world.seed(), &["global network", name, &pod.id.0], 1, 254);
    NetworkingBody {
        enabled: true,
        ip: Some(format!("10.{}.{}.{}", part("first"), part("second"), part("third"))),
        internal_dns: Some(format!("{}.runpod.internal", pod.id.0)),
    }
}
