//! Bodies that REST v2 takes, checked as its JSON Schema validator checks them: all violations at once, what is missing first.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Problem, parse};
use crate::simulator::exchange::Operation;
use crate::simulator::world::facts::{self, TemplateFact};
use crate::simulator::world::hosts::Cloud;
use crate::simulator::world::order::{ComputeOrder, CudaRule, PodChange, PodOrder, check_registry};
use crate::simulator::world::pod::{Action, Mount};
use crate::simulator::world::refusal::Refusal;
use crate::simulator::world::volume::{Tier, VolumeId, VolumeOrder};

/// The container disk of a pod that does not say; the document gives no default.
const DEFAULT_DISK: u32 = 10;

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

/// What is wrong with a body.
#[derive(Default)]
struct Violations {
    missing: Vec<String>,
    other: Vec<String>,
}

impl Violations {
    fn finish<T>(self, value: T) -> Result<T, Problem> {
        let errors: Vec<String> = self.missing.into_iter().chain(self.other).collect();
        if errors.is_empty() { Ok(value) } else { Err(Problem::invalid(errors)) }
    }

    fn wrong(&mut self, path: &str, value: &Value, wanted: &str) {
        self.other.push(format!("{path}: got {}, want {wanted}", kind(value)));
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// An object of the body and the fields that were asked for.
struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    fn open(value: &'a Value, path: &str, violations: &mut Violations) -> Option<Fields<'a>> {
        match value.as_object() {
            Some(map) => Some(Fields { path: path.to_owned(), map, known: Vec::new() }),
            None => {
                violations.wrong(path, value, "object");
                None
            }
        }
    }

    fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.map.get(name)
    }

    fn require(&self, name: &str, violations: &mut Violations) {
        if !self.map.contains_key(name) {
            violations.missing.push(format!("{}: missing property '{name}'", self.path));
        }
    }

    fn text(&mut self, name: &'static str, violations: &mut Violations) -> Option<String> {
        let value = self.value(name)?;
        if value.as_str().is_none() {
            violations.wrong(&self.at(name), value, "string");
        }
        value.as_str().map(str::to_owned)
    }

    fn filled_text(&mut self, name: &'static str, violations: &mut Violations) -> Option<String> {
        let text = self.text(name, violations)?;
        if text.is_empty() {
            violations.other.push(format!("{}: minLength: got 0, want 1", self.at(name)));
        }
        Some(text)
    }

    fn flag(&mut self, name: &'static str, violations: &mut Violations) -> Option<bool> {
        let value = self.value(name)?;
        if value.as_bool().is_none() {
            violations.wrong(&self.at(name), value, "boolean");
        }
        value.as_bool()
    }

    fn number(
        &mut self,
        name: &'static str,
        low: u32,
        high: u32,
        violations: &mut Violations,
    ) -> Option<u32> {
        let value = self.value(name)?;
        let path = self.at(name);
        let Some(number) = value.as_i64() else {
            violations.wrong(&path, value, "integer");
            return None;
        };
        if number < i64::from(low) {
            violations.other.push(format!("{path}: minimum: got {number}, want {low}"));
        }
        if number > i64::from(high) {
            violations.other.push(format!("{path}: maximum: got {number}, want {high}"));
        }
        u32::try_from(number).ok()
    }

    fn texts(&mut self, name: &'static str, violations: &mut Violations) -> Option<Vec<String>> {
        let value = self.value(name)?;
        let path = self.at(name);
        let Some(items) = value.as_array() else {
            violations.wrong(&path, value, "array");
            return None;
        };
        for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_string()) {
            violations.wrong(&format!("{path}[{index}]"), item, "string");
        }
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn text_map(
        &mut self,
        name: &'static str,
        violations: &mut Violations,
    ) -> Option<BTreeMap<String, String>> {
        let value = self.value(name)?;
        let path = self.at(name);
        let Some(items) = value.as_object() else {
            violations.wrong(&path, value, "object");
            return None;
        };
        for (key, item) in items.iter().filter(|(_, item)| !item.is_string()) {
            violations.wrong(&format!("{path}.{key}"), item, "string");
        }
        let texts = items.iter().filter_map(|(key, item)| Some((key.clone(), item.as_str()?.to_owned())));
        Some(texts.collect())
    }

    fn close(self, violations: &mut Violations) {
        self.close_as_if_unknown(&[], violations);
    }

    /// Reports unknown fields, and these known ones with them.
    fn close_as_if_unknown(self, unknown: &[&str], violations: &mut Violations) {
        let extra: Vec<String> = self
            .map
            .keys()
            .filter(|key| !self.known.contains(&key.as_str()) || unknown.contains(&key.as_str()))
            .map(|key| format!("'{key}'"))
            .collect();
        if !extra.is_empty() {
            violations.other.push(format!(
                "{}: additional properties {} not allowed",
                self.path,
                extra.join(", ")
            ));
        }
    }
}

/// The container fields that creates and updates share.
struct Container {
    image: Option<String>,
    args: Option<String>,
    disk: Option<u32>,
    env: Option<BTreeMap<String, String>>,
    ports: Option<Vec<String>>,
    registry: Option<Option<String>>,
}

impl Container {
    /// Takes from a template what the body does not say.
    fn over(self, template: Option<&TemplateFact>) -> Container {
        let Some(template) = template else { return self };
        Container {
            image: self.image.or_else(|| Some(template.image.clone())),
            args: self.args,
            disk: self.disk.or(Some(template.disk)),
            env: Some(template.env_under(self.env.unwrap_or_default())),
            ports: self.ports.or_else(|| Some(template.ports.clone())),
            registry: self.registry,
        }
    }
}

fn template_named(id: Option<String>) -> Result<Option<&'static TemplateFact>, Refusal> {
    id.map(|id| facts::template(&id).ok_or(Refusal::NoSuchTemplate)).transpose()
}

fn container(fields: &mut Fields<'_>, violations: &mut Violations) -> Container {
    let clears_registry = fields.map.get("registry").is_some_and(Value::is_null);
    let registry = if clears_registry {
        fields.known.push("registry");
        Some(None)
    } else {
        fields.text("registry", violations).map(Some)
    };
    Container {
        image: fields.text("image", violations),
        args: fields.text("args", violations),
        disk: fields.number("disk", 1, u32::MAX, violations),
        env: fields.text_map("env", violations),
        ports: fields.texts("ports", violations),
        registry,
    }
}

/// What a body says of mounts.
#[derive(Default)]
struct Mounts {
    persistent: Option<(u32, String)>,
    network: Option<Vec<(String, String)>>,
}

fn mounts(fields: &mut Fields<'_>, violations: &mut Violations) -> Option<Mounts> {
    let value = fields.value("mounts")?;
    let mut mounts = Mounts::default();
    let mut inner = Fields::open(value, &fields.at("mounts"), violations)?;
    if let Some(value) = inner.value("persistent")
        && let Some(mut persistent) = Fields::open(value, &inner.at("persistent"), violations)
    {
        persistent.require("size", violations);
        persistent.require("path", violations);
        let size = persistent.number("size", 10, u32::MAX, violations);
        let path = persistent.text("path", violations);
        mounts.persistent = size.zip(path);
        persistent.close(violations);
    }
    if let Some(value) = inner.value("network") {
        mounts.network = network(value, &inner.at("network"), violations);
    }
    inner.close(violations);
    Some(mounts)
}

fn network(value: &Value, path: &str, violations: &mut Violations) -> Option<Vec<(String, String)>> {
    let Some(items) = value.as_array() else {
        violations.wrong(path, value, "array");
        return None;
    };
    if items.len() > 1 {
        violations.other.push(format!("{path}: maxItems: got {}, want 1", items.len()));
    }
    let mut mounts = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(mut mount) = Fields::open(item, &format!("{path}[{index}]"), violations) {
            mount.require("volumeId", violations);
            mount.require("path", violations);
            let volume = mount.text("volumeId", violations);
            let at = mount.text("path", violations);
            mounts.extend(volume.zip(at));
            mount.close(violations);
        }
    }
    Some(mounts)
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

fn gpu(fields: &mut Fields<'_>, violations: &mut Violations) -> Option<Gpu> {
    let value = fields.value("gpu")?;
    let mut inner = Fields::open(value, &fields.at("gpu"), violations)?;
    inner.require("id", violations);
    let gpu = Gpu {
        id: inner.text("id", violations).unwrap_or_default(),
        count: inner.number("count", 1, u32::MAX, violations),
        allowed: inner.texts("allowedCudaVersions", violations).unwrap_or_default(),
        least: inner.text("minCudaVersion", violations),
        min_ram: inner.number("minRamPerGpu", 1, u32::MAX, violations).unwrap_or(0),
        min_vcpu: inner.number("minVcpuCountPerGpu", 1, u32::MAX, violations).unwrap_or(0),
    };
    for version in gpu.allowed.iter().chain(&gpu.least).filter(|version| !is_release(version)) {
        violations.other.push(format!("{}: '{version}' does not match pattern '^\\d+\\.\\d+$'", inner.path));
    }
    inner.close(violations);
    Some(gpu)
}

/// Returns whether a CUDA version is `major.minor`.
pub(super) fn is_release(version: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    version.split_once('.').is_some_and(|(major, minor)| digits(major) && digits(minor))
}

fn cpu(fields: &mut Fields<'_>, violations: &mut Violations) -> Option<(String, u32)> {
    let value = fields.value("cpu")?;
    let mut inner = Fields::open(value, &fields.at("cpu"), violations)?;
    inner.require("id", violations);
    inner.require("vcpuCount", violations);
    let id = inner.filled_text("id", violations).unwrap_or_default();
    let count = inner.number("vcpuCount", 2, u32::MAX, violations).unwrap_or_default();
    inner.close(violations);
    Some((id, count))
}

fn cloud(fields: &mut Fields<'_>, violations: &mut Violations) -> Option<Cloud> {
    let text = fields.text("cloud", violations)?;
    match text.as_str() {
        "SECURE" => Some(Cloud::Secure),
        "COMMUNITY" => Some(Cloud::Community),
        _ => {
            violations
                .other
                .push(format!("{}: value must be one of 'SECURE', 'COMMUNITY'", fields.at("cloud")));
            None
        }
    }
}

pub(super) fn create_pod(body: &[u8]) -> Result<PodOrder, Problem> {
    let (value, mut violations) = (parse(body)?, Violations::default());
    let Some(mut fields) = Fields::open(&value, "$", &mut violations) else {
        return violations.finish(()).and(Err(Problem::new(400, "request could not be processed")));
    };
    fields.require("name", &mut violations);
    let unnamed = !fields.map.contains_key("name");
    let template = fields.filled_text("templateId", &mut violations);
    if template.is_none() {
        fields.require("image", &mut violations);
    }
    let name = fields.filled_text("name", &mut violations).unwrap_or_default();
    let container = container(&mut fields, &mut violations);
    let mounts = mounts(&mut fields, &mut violations).unwrap_or_default();
    let gpu = gpu(&mut fields, &mut violations);
    let cpu = cpu(&mut fields, &mut violations);
    let cloud = cloud(&mut fields, &mut violations).unwrap_or(Cloud::Secure);
    let data_centers = fields.texts("dataCenterIds", &mut violations).unwrap_or_default();
    let global_networking = fields.flag("globalNetworking", &mut violations).unwrap_or(false);
    let ssh = fields.flag("startSsh", &mut violations);
    let jupyter = fields.flag("startJupyter", &mut violations);
    fields.close_as_if_unknown(if unnamed { &CREATE_FIELDS } else { &[] }, &mut violations);
    violations.finish(())?;
    let template = template_named(template)?;
    let container = container.over(template);
    container.image.as_deref().map_or(Ok(()), check_registry)?;
    let compute = compute(gpu, cpu)?;
    let mount = match (first_mount(mounts)?, &compute, template) {
        (Mount::Nothing, ComputeOrder::Gpu { .. }, Some(template)) => template.mount(),
        (mount, _, _) => mount,
    };
    Ok(PodOrder {
        name,
        image: container.image.unwrap_or_default(),
        args: container.args.unwrap_or_default(),
        entrypoint: Vec::new(),
        env: container.env.unwrap_or_default(),
        ports: container.ports.unwrap_or_default(),
        disk: container.disk.unwrap_or(DEFAULT_DISK),
        registry: container.registry.flatten(),
        mount,
        compute,
        clouds: vec![cloud],
        data_centers,
        countries: Vec::new(),
        global_networking,
        // A template starts both unless it says otherwise, and no public one does.
        ssh: ssh.unwrap_or(template.is_some()),
        jupyter: jupyter.unwrap_or(template.is_some()),
        locked: false,
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

pub(super) fn update_pod(body: &[u8]) -> Result<PodChange, Problem> {
    let (value, mut violations) = (parse(body)?, Violations::default());
    let Some(mut fields) = Fields::open(&value, "$", &mut violations) else {
        return violations.finish(()).and(Err(Problem::new(400, "request could not be processed")));
    };
    let name = fields.filled_text("name", &mut violations);
    let locked = fields.flag("locked", &mut violations);
    let global_networking = fields.flag("globalNetworking", &mut violations);
    let template = fields.text("templateId", &mut violations);
    let container = container(&mut fields, &mut violations);
    let mounts = mounts(&mut fields, &mut violations).unwrap_or_default();
    fields.close(&mut violations);
    violations.finish(())?;
    let container = container.over(template_named(template)?);
    if mounts.network.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::new(400, "mounts.network must not be empty: mounts cannot be cleared"));
    }
    let network = mounts.network.into_iter().flatten().next();
    container.image.as_deref().map_or(Ok(()), check_registry)?;
    Ok(PodChange {
        name,
        locked,
        image: container.image,
        args: container.args,
        entrypoint: None,
        env: container.env,
        ports: container.ports,
        disk: container.disk,
        registry: container.registry,
        persistent: mounts.persistent.map(|(size, path)| (Some(size), Some(path))),
        network: network.map(|(volume, path)| (Some(volume), path)),
        global_networking,
        reset: false,
    })
}

pub(super) fn action(body: &[u8]) -> Result<Action, Problem> {
    let (value, mut violations) = (parse(body)?, Violations::default());
    let mut action = None;
    if let Some(mut fields) = Fields::open(&value, "$", &mut violations) {
        fields.require("action", &mut violations);
        let text = fields.text("action", &mut violations);
        action = text.as_deref().and_then(action_named);
        if text.is_some() && action.is_none() {
            let text = "$.action: value must be one of 'start', 'stop', 'restart', 'terminate'";
            violations.other.push(text.to_owned());
        }
        fields.close(&mut violations);
    }
    violations.finish(())?;
    action.ok_or_else(|| Problem::new(400, "request could not be processed"))
}

fn action_named(name: &str) -> Option<Action> {
    [Action::Start, Action::Stop, Action::Restart, Action::Terminate]
        .into_iter()
        .find(|action| action.name() == name)
}

/// Returns what kind of request an action is, before its body is checked.
pub(super) fn action_of(body: &[u8]) -> Operation {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    match value.get("action").and_then(Value::as_str).and_then(action_named) {
        Some(Action::Start) => Operation::Start,
        Some(Action::Stop) => Operation::Stop,
        Some(Action::Restart) => Operation::Restart,
        Some(Action::Terminate) => Operation::Terminate,
        None => Operation::Other,
    }
}

pub(super) fn create_volume(body: &[u8]) -> Result<VolumeOrder, Problem> {
    let (value, mut violations) = (parse(body)?, Violations::default());
    let mut order = VolumeOrder { name: String::new(), size: 0, data_center: String::new(), tier: None };
    if let Some(mut fields) = Fields::open(&value, "$", &mut violations) {
        for name in ["name", "size", "dataCenter"] {
            fields.require(name, &mut violations);
        }
        order.name = fields.filled_text("name", &mut violations).unwrap_or_default();
        order.size = fields.number("size", 10, 4096, &mut violations).unwrap_or_default();
        order.data_center = fields.filled_text("dataCenter", &mut violations).unwrap_or_default();
        let tier = fields.text("type", &mut violations);
        order.tier = match tier.as_deref() {
            None => None,
            Some("STANDARD") => Some(Tier::Standard),
            Some("HIGH_PERFORMANCE") => Some(Tier::HighPerformance),
            Some(_) => {
                violations
                    .other
                    .push("$.type: value must be one of 'STANDARD', 'HIGH_PERFORMANCE'".to_owned());
                None
            }
        };
        fields.close(&mut violations);
    }
    violations.finish(order)
}

pub(super) fn update_volume(body: &[u8]) -> Result<(Option<String>, Option<u32>), Problem> {
    let (value, mut violations) = (parse(body)?, Violations::default());
    let (mut name, mut size) = (None, None);
    if let Some(mut fields) = Fields::open(&value, "$", &mut violations) {
        if fields.map.is_empty() {
            violations.other.push("$: minProperties: got 0, want 1".to_owned());
        }
        name = fields.filled_text("name", &mut violations);
        size = fields.number("size", 10, 4096, &mut violations);
        fields.close(&mut violations);
    }
    violations.finish((name, size))
}

pub(super) fn ssh_keys(body: &[u8]) -> Result<Vec<String>, Problem> {
    let (value, mut violations) = (parse(body)?, Violations::default());
    let mut keys = Vec::new();
    if let Some(mut fields) = Fields::open(&value, "$", &mut violations) {
        fields.require("keys", &mut violations);
        keys = fields.texts("keys", &mut violations).unwrap_or_default();
        let is_key = |key: &&String| {
            let mut words = key.split(' ');
            let kind = words.next().unwrap_or_default();
            ["ssh-", "ecdsa-", "sk-"].iter().any(|prefix| kind.starts_with(prefix)) && words.next().is_some()
        };
        if !keys.iter().all(|key| is_key(&key)) {
            violations.other.push("$.keys: an entry is not an authorized_keys line".to_owned());
        }
        fields.close(&mut violations);
    }
    violations.finish(keys)
}
