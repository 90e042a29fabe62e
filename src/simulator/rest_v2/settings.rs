//! The settings of a pod as REST v2 takes and shows them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::Problem;
use super::body::Fields;
use crate::simulator::command::{self, Stored};
use crate::simulator::exchange::{Contract, Twist, Unset};
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

/// What a body says of the command: as one text, as its two parts, or as both.
pub(super) struct Command {
    args: Option<String>,
    cmd: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
}

impl Command {
    fn read(fields: &mut Fields<'_>, contract: Contract) -> Self {
        let args = fields.text("args");
        match contract {
            Contract::August => Self { args, cmd: None, entrypoint: None },
            Contract::Autumn => {
                Self { args, cmd: fields.texts("cmd"), entrypoint: fields.texts("entrypoint") }
            }
        }
    }

    /// Adds it to what else is given. A part that is left out stays; a text is the whole command.
    pub(super) fn under(self, settings: SettingsChange) -> Result<SettingsChange, Problem> {
        let Self { args, cmd, entrypoint } = self;
        let Some(text) = args else {
            let (args, listed) = cmd.map(|words| (command::line(&words), true)).unzip();
            return Ok(SettingsChange { args, entrypoint, listed, ..settings });
        };
        let Stored { args, entrypoint: whole, listed } = command::stored(&text);
        let listed = listed || cmd.is_some();
        let is_same = cmd.is_none_or(|cmd| cmd == command::words(&args))
            && entrypoint.is_none_or(|entrypoint| entrypoint == whole);
        if !is_same {
            return Err(Problem::new(400, "args, cmd and entrypoint describe different commands"));
        }
        Ok(SettingsChange { args: Some(args), entrypoint: Some(whole), listed: Some(listed), ..settings })
    }
}

/// Returns about how many bytes what is given takes in a body.
pub(super) fn weight(given: &SettingsChange) -> usize {
    let SettingsChange { image, args, entrypoint, env, ports, .. } = given;
    json!({ "image": image, "cmd": args, "entrypoint": entrypoint, "env": env, "ports": ports })
        .to_string()
        .len()
}

/// Reads what a create gives: no lock.
pub(super) fn of_create(fields: &mut Fields<'_>, contract: Contract) -> (SettingsChange, Command) {
    let settings = SettingsChange {
        name: fields.filled_text("name"),
        locked: None,
        global_networking: fields.flag("globalNetworking"),
        registry: fields.clearable_text("registry"),
        image: fields.text("image"),
        args: None,
        entrypoint: None,
        listed: None,
        disk: fields.number("disk", 1, u32::MAX),
        env: fields.text_map("env"),
        ports: fields.texts("ports"),
    };
    (settings, Command::read(fields, contract))
}

/// Reads what an update gives.
pub(super) fn of_update(fields: &mut Fields<'_>, contract: Contract) -> (SettingsChange, Command) {
    let locked = fields.flag("locked");
    let (settings, command) = of_create(fields, contract);
    (SettingsChange { locked, ..settings }, command)
}

/// What a pod's body begins with after the identifier.
#[derive(Serialize)]
pub(super) struct ContainerBody {
    name: String,
    image: String,
    args: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cmd: Option<Option<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entrypoint: Option<Option<Vec<String>>>,
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

pub(super) fn shown(world: &World, pod: &Pod, twist: Twist) -> (ContainerBody, SwitchesBody) {
    let locked = pod.settings.locked;
    (
        container(pod.settings.clone(), twist),
        SwitchesBody { locked, global_networking: networking(world, pod) },
    )
}

/// Returns what a pod and a template show alike.
pub(super) fn container(settings: Settings, twist: Twist) -> ContainerBody {
    // What is on the network follows the setting at the next start only.
    let Settings {
        name,
        locked: _,
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
    let stored = command::text(&args, &entrypoint, listed);
    // Of what came as one line the parts are not told.
    let words = if stored == args { Vec::new() } else { command::words(&args) };
    let list = |words: Vec<String>| match twist.unset {
        _ if twist.contract == Contract::August => None,
        _ if !words.is_empty() => Some(Some(words)),
        Unset::Absent => None,
        Unset::Null => Some(None),
        Unset::Empty => Some(Some(words)),
    };
    let (cmd, entrypoint) = (list(words), list(entrypoint));
    ContainerBody { name, image, args: stored, cmd, entrypoint, disk, ports, env, registry }
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
