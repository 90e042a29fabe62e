//! What bodies ask for over REST v2.

use serde_json::Value;

use super::body::{self, Fields};
use super::settings;
use super::{LARGEST_CREATE, Problem};
use crate::simulator::exchange::{Contract, Operation};
use crate::simulator::world::World;
use crate::simulator::world::hosts::Cloud;
use crate::simulator::world::order::{ComputeOrder, CudaRule, PodChange, PodOrder, check_registry};
use crate::simulator::world::pod::{Action, Mount};
use crate::simulator::world::refusal::Refusal;
use crate::simulator::world::settings::SettingsChange;
use crate::simulator::world::template::Template;
use crate::simulator::world::volume::{Tier, VolumeId, VolumeOrder};

/// The fields that a create adds to the container fields: they all count as additional when one of them is missing.
const CREATE_FIELDS: [&str; 10] = [
    "name",
    "cloud",
    "cpu",
    "dataCenterIds",
    "globalNetworking",
    "gpu",
    "mounts",
    "startJupyter",
    "startSsh",
    "templateId",
];

const ACTIONS: [Action; 4] = [Action::Start, Action::Stop, Action::Restart, Action::Terminate];

/// Returns what is asked for, over the template if one is named, once its image is known to be there.
fn over_template(settings: SettingsChange, template: Option<&Template>) -> Result<SettingsChange, Refusal> {
    let settings = Template::under(template, settings);
    settings.image.as_deref().map_or(Ok(()), check_registry)?;
    Ok(settings)
}

fn template_named(world: &World, id: Option<String>) -> Result<Option<Template>, Problem> {
    let Some(template) = id.map(|id| world.template(&id)).transpose()? else { return Ok(None) };
    if template.serverless {
        let text = "templateId: the template is for serverless endpoints";
        return Err(Problem::invalid(vec![text.to_owned()]));
    }
    Ok(Some(template))
}

/// What a body says of mounts.
#[derive(Default)]
struct Mounts {
    persistent: Option<(u32, String)>,
    network: Option<Vec<(String, String)>>,
}

pub(super) fn persistent(fields: &mut Fields<'_>) -> Option<(u32, String)> {
    fields.require("size");
    fields.require("path");
    let (size, path) = (fields.number("size", 10, u32::MAX), fields.text("path"));
    size.zip(path)
}

fn mounts(fields: &mut Fields<'_>) -> Mounts {
    let network = |fields: &mut Fields<'_>| {
        fields.require("volumeId");
        fields.require("path");
        let (volume, path) = (fields.text("volumeId"), fields.text("path"));
        volume.zip(path)
    };
    let mounts = fields.object("mounts", |fields| Mounts {
        persistent: fields.object("persistent", persistent).flatten(),
        network: fields.at_most_one("network", network).map(|mounts| mounts.into_iter().flatten().collect()),
    });
    mounts.unwrap_or_default()
}

/// What a body says of GPUs; a count that is missing is told apart, because the service then finds no capacity.
struct Gpu {
    id: String,
    count: Option<u32>,
    allowed: Vec<String>,
    least: Option<String>,
    min_ram: u32,
    min_vcpu: u32,
}

fn gpu(fields: &mut Fields<'_>) -> Gpu {
    fields.require("id");
    let gpu = Gpu {
        id: fields.text("id").unwrap_or_default(),
        count: fields.number("count", 1, u32::MAX),
        allowed: fields.texts("allowedCudaVersions").unwrap_or_default(),
        least: fields.text("minCudaVersion"),
        min_ram: fields.number("minRamPerGpu", 1, u32::MAX).unwrap_or(0),
        min_vcpu: fields.number("minVcpuCountPerGpu", 1, u32::MAX).unwrap_or(0),
    };
    for version in gpu.allowed.iter().chain(&gpu.least).filter(|version| !is_release(version)) {
        fields.wrong(&format!("'{version}' does not match pattern '^\\d+\\.\\d+$'"));
    }
    gpu
}

/// Returns whether a CUDA version is `major.minor`.
pub(super) fn is_release(version: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    version.split_once('.').is_some_and(|(major, minor)| digits(major) && digits(minor))
}

fn cpu(fields: &mut Fields<'_>) -> (String, u32) {
    fields.require("id");
    fields.require("vcpuCount");
    let id = fields.filled_text("id").unwrap_or_default();
    (id, fields.number("vcpuCount", 2, u32::MAX).unwrap_or_default())
}

/// What a create's body says, the rules between its fields apart.
struct Create {
    template: Option<String>,
    settings: SettingsChange,
    command: settings::Command,
    mounts: Mounts,
    gpu: Option<Gpu>,
    cpu: Option<(String, u32)>,
    cloud: Option<Cloud>,
    data_centers: Option<Vec<String>>,
    ssh: Option<bool>,
    jupyter: Option<bool>,
}

fn create(fields: &mut Fields<'_>, contract: Contract) -> Create {
    fields.require("name");
    let template = fields.filled_text("templateId");
    if template.is_none() {
        fields.require("image");
    }
    let (settings, command) = settings::of_create(fields, contract);
    let create = Create {
        template,
        settings,
        command,
        mounts: mounts(fields),
        gpu: fields.object("gpu", gpu),
        cpu: fields.object("cpu", cpu),
        cloud: fields.one_of("cloud", &[("SECURE", Cloud::Secure), ("COMMUNITY", Cloud::Community)]),
        data_centers: fields.texts("dataCenterIds"),
        ssh: fields.flag("startSsh"),
        jupyter: fields.flag("startJupyter"),
    };
    if !fields.has("name") {
        fields.disown(&CREATE_FIELDS);
    }
    create
}

pub(super) fn create_pod(world: &World, body: &[u8], contract: Contract) -> Result<PodOrder, Problem> {
    let Create { template, settings, command, mounts, gpu, cpu, cloud, data_centers, ssh, jupyter } =
        body::read(body, |fields| create(fields, contract))?;
    let given = command.under(settings)?;
    let template = template_named(world, template)?;
    let own = settings::weight(&given);
    let settings = over_template(given, template.as_ref())?;
    let expanded = (body.len() + settings::weight(&settings)).saturating_sub(own);
    if contract == Contract::Autumn && template.is_some() && expanded > LARGEST_CREATE {
        return Err(Problem::new(413, "request body too large"));
    }
    let compute = compute(gpu, cpu)?;
    let mount = match (first_mount(mounts)?, &compute, &template) {
        (Mount::Nothing, ComputeOrder::Gpu { .. }, Some(template)) => template.mount.clone(),
        (mount, _, _) => mount,
    };
    Ok(PodOrder {
        has_disk: contract == Contract::August || settings.disk.is_some(),
        settings: settings::usual().with(settings),
        mount,
        compute,
        clouds: vec![cloud.unwrap_or(Cloud::Secure)],
        data_centers: data_centers.unwrap_or_default(),
        countries: Vec::new(),
        ssh: ssh.unwrap_or(template.as_ref().is_some_and(|template| template.ssh)),
        jupyter: jupyter.unwrap_or(template.as_ref().is_some_and(|template| template.jupyter)),
        template: None,
        bid: None,
    })
}

fn first_mount(mounts: Mounts) -> Result<Mount, Problem> {
    let Mounts { persistent, network } = mounts;
    match (persistent, network.into_iter().flatten().next()) {
        (None, None) => Ok(Mount::Nothing),
        (Some((size, path)), None) => Ok(Mount::Persistent { size, path }),
        (None, Some((volume, path))) => Ok(Mount::Network { volume: VolumeId(volume), path }),
        (Some(_), Some(_)) => {
            Err(Problem::new(400, "mounts.persistent and mounts.network are mutually exclusive"))
        }
    }
}

fn compute(gpu: Option<Gpu>, cpu: Option<(String, u32)>) -> Result<ComputeOrder, Problem> {
    match (gpu, cpu) {
        (Some(gpu), None) => {
            let Gpu { id, count, allowed, least, min_ram, min_vcpu } = gpu;
            let cuda = match (allowed.is_empty(), least) {
                (true, None) => CudaRule::Any,
                (false, None) => CudaRule::OneOf(allowed),
                (true, Some(least)) => CudaRule::AtLeast(least),
                (false, Some(_)) => {
                    let text = "gpu.allowedCudaVersions and gpu.minCudaVersion are mutually exclusive";
                    return Err(Problem::new(400, text));
                }
            };
            // The document says that the count defaults to 1; the service finds no capacity for a request without it.
            Ok(ComputeOrder::Gpu { ids: vec![id], count: count.unwrap_or(0), cuda, min_ram, min_vcpu })
        }
        (None, Some((flavor, vcpus))) => Ok(ComputeOrder::Cpu { flavors: vec![flavor], vcpus }),
        (None, None) | (Some(_), Some(_)) => Err(Problem::new(400, "exactly one of gpu or cpu must be set")),
    }
}

pub(super) fn update_pod(world: &World, body: &[u8], contract: Contract) -> Result<PodChange, Problem> {
    let ((settings, command), template, mounts) = body::read(body, |fields| {
        (settings::of_update(fields, contract), fields.text("templateId"), mounts(fields))
    })?;
    let settings = command.under(settings)?;
    let template = template_named(world, template)?;
    if mounts.network.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::new(400, "mounts.network must not be empty: mounts cannot be cleared"));
    }
    let network = mounts.network.into_iter().flatten().next();
    Ok(PodChange {
        settings: over_template(settings, template.as_ref())?,
        persistent: mounts.persistent.map(|(size, path)| (Some(size), Some(path))),
        network: network.map(|(volume, path)| (Some(volume), path)),
        reset: false,
    })
}

pub(super) fn action(body: &[u8]) -> Result<Action, Problem> {
    let action = body::read(body, |fields| {
        fields.require("action");
        fields.one_of("action", &ACTIONS.map(|action| (action.name(), action)))
    });
    action?.ok_or_else(|| Problem::new(400, "request could not be processed"))
}

/// Returns what kind of request an action is, before its body is checked.
pub(super) fn action_of(body: &[u8]) -> Operation {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let name = value.get("action").and_then(Value::as_str);
    match ACTIONS.into_iter().find(|action| Some(action.name()) == name) {
        Some(Action::Start) => Operation::Start,
        Some(Action::Stop) => Operation::Stop,
        Some(Action::Restart) => Operation::Restart,
        Some(Action::Terminate) => Operation::Terminate,
        None => Operation::Other,
    }
}

pub(super) fn create_volume(body: &[u8]) -> Result<VolumeOrder, Problem> {
    body::read(body, |fields| {
        for name in ["name", "size", "dataCenter"] {
            fields.require(name);
        }
        VolumeOrder {
            name: fields.filled_text("name").unwrap_or_default(),
            size: fields.number("size", 10, 4096).unwrap_or_default(),
            data_center: fields.filled_text("dataCenter").unwrap_or_default(),
            tier: fields
                .one_of("type", &[Tier::Standard, Tier::HighPerformance].map(|tier| (tier.name(), tier))),
        }
    })
}

pub(super) fn update_volume(body: &[u8]) -> Result<(Option<String>, Option<u32>), Problem> {
    body::read(body, |fields| {
        if fields.is_empty() {
            fields.wrong("minProperties: got 0, want 1");
        }
        (fields.filled_text("name"), fields.number("size", 10, 4096))
    })
}

pub(super) fn ssh_keys(body: &[u8]) -> Result<Vec<String>, Problem> {
    body::read(body, |fields| {
        fields.require("keys");
        let keys = fields.texts("keys").unwrap_or_default();
        if !keys.iter().all(|key| is_key(key)) {
            fields.wrong_at("keys", "an entry is not an authorized_keys line");
        }
        keys
    })
}

/// Returns whether a text fits `^(ssh|ecdsa|sk)-[^\s]+ [^\s]+([ \t][^\n\r]*)?$`.
fn is_key(text: &str) -> bool {
    let Some((kind, rest)) = text.split_once(' ') else { return false };
    let (key, comment) = rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len()));
    let is_word = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
    let is_kind = |prefix: &str| kind.strip_prefix(prefix).is_some_and(is_word);
    ["ssh-", "ecdsa-", "sk-"].into_iter().any(is_kind) && is_word(key) && !comment.contains(['\n', '\r'])
}
