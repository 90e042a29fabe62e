//! [`Resolved`] back to YAML text: one merged file with every default filled in, secrets as references.
//!
//! The text is a spec that means the same.

use crate::model::address::{Address, Key};
use crate::model::desired::{
    AtOnce, Budget, CloudWish, ComputeWish, CpuWish, CudaWish, GpuChoice, GpuCount, GpuWish, Hardware,
    HostLimits, Lifecycle, Move, OnRemove, WantedVolume,
};
use crate::model::job::{Job, Until};
use crate::model::money::Hourly;
use crate::model::pod::EnvValue;
use crate::model::ready::{Boot, Probe, Ready};
use crate::model::registry::Credentials;
use crate::model::retry::{Patience, Retry, Wider};
use crate::model::secret::{SecretName, SecretSource};
use crate::model::volume::VolumeConfig;

use super::forms::{write_memory, write_monthly, write_price, write_size};
use super::interpolate::Text;
use super::lower::default_name;
use super::pod::{Env, EnvSyntax, Replicas};
use super::resolve::{Resolved, ResolvedPod, ResolvedStorage};
use super::syntax::SecretDeclaration;
use super::written::{Map, Written};

/// What stands in place of a literal that looks like a secret. It is refused when it is read, so that nobody sends it.
pub(super) const HIDDEN: &str = "(secret)";

/// Writes the file.
pub(super) fn write(resolved: &Resolved) -> String {
    spec_map(resolved).page()
}

/// Writes a text that is to mean itself where variables are replaced.
pub(super) fn text(text: &str) -> Written {
    Written::Text(text.replace("${", "$${"))
}

/// Writes a list of such texts.
pub(super) fn texts(items: impl IntoIterator<Item = impl AsRef<str>>) -> Written {
    Written::List(items.into_iter().map(|item| text(item.as_ref())).collect())
}

fn template(text: &Text) -> Written {
    Written::Text(text.as_typed())
}

fn templates(texts: &[Text]) -> Written {
    Written::List(texts.iter().map(template).collect())
}

fn spec_map(resolved: &Resolved) -> Map {
    let Resolved {
        project,
        kind,
        api,
        state,
        secrets,
        made: _,
        registries,
        stored,
        volumes,
        pods,
        references: _,
        places: _,
        moved,
        removed,
        budget,
    } = resolved;
    let mut spec = Map::default();
    spec.put("version", 1);
    spec.put("project", text(project.as_str()));
    let mut provider = Map::default();
    provider.put("kind", kind.word());
    provider.put("api", api.word());
    spec.put("provider", provider);
    spec.put(state.key(), text(&state.written()));
    let mut map = Map::default();
    for (name, source) in secrets {
        map.put(name, secret_map(source));
    }
    spec.put_unless_empty("secrets", map);
    spec.put_unless_empty("budget", budget_map(*budget));
    let mut map = Map::default();
    for (name, id) in registries {
        let mut registry = Map::default();
        registry.put("id", text(id.as_str()));
        map.put(name, registry);
    }
    for (key, credentials) in stored {
        map.put(key.as_str(), credentials_map(credentials));
    }
    spec.put_unless_empty("registries", map);
    let mut map = Map::default();
    for (key, volume) in volumes {
        map.put(key.as_str(), volume_map(volume));
    }
    spec.put_unless_empty("volumes", map);
    let mut map = Map::default();
    for (key, pod) in pods {
        map.put(key.as_str(), pod_map(resolved, key, pod));
    }
    spec.put("pods", map);
    if !moved.is_empty() {
        spec.put("moved", moved.iter().map(|entry| move_map(entry).into()).collect::<Vec<Written>>());
    }
    if !removed.is_empty() {
        spec.put("removed", removed.iter().map(|entry| removal_map(entry).into()).collect::<Vec<Written>>());
    }
    spec
}

fn removal_map((from, then): (&Address, &OnRemove)) -> Map {
    let mut map = Map::default();
    map.put("from", text(&from.to_string()));
    map.put("then", then.word());
    map
}

fn secret_map(source: &SecretDeclaration) -> Map {
    let mut map = Map::default();
    match source {
        SecretDeclaration::Runpod { name, from } => {
            map.put("runpod", text(name));
            if let Some(from) = from {
                map.put("from", source_map(from));
            }
        }
        SecretDeclaration::Read(source) => return source_map(source),
    }
    map
}

fn credentials_map(credentials: &Credentials) -> Map {
    let Credentials { username, password } = credentials;
    let reference = |name: &SecretName| {
        let mut map = Map::default();
        map.put("secret", text(&name.to_string()));
        map
    };
    let mut map = Map::default();
    match username {
        EnvValue::Plain(name) => map.put("username", text(name)),
        EnvValue::Secret(name) => map.put("username", reference(name)),
    }
    map.put("password", reference(password));
    map
}

fn source_map(source: &SecretSource) -> Map {
    let mut map = Map::default();
    match source {
        SecretSource::Env(name) => map.put("env", text(name)),
        SecretSource::File(path) => map.put("file", text(path)),
    }
    map
}

fn move_map(entry: &Move) -> Map {
    let Move { from, to } = entry;
    let mut map = Map::default();
    map.put("from", text(&from.to_string()));
    map.put("to", text(&to.to_string()));
    map
}

fn volume_map(volume: &WantedVolume) -> Map {
    let mut map = Map::default();
    match volume {
        WantedVolume::Referenced { id } => map.put("id", text(id.as_str())),
        WantedVolume::Managed { config: VolumeConfig { size, data_center, tier }, protect, adopt } => {
            map.put("size", write_size(*size));
            map.put("data_center", text(data_center.as_str()));
            map.put_some("adopt", adopt.as_ref().map(|id| text(id.as_str())));
            map.put("tier", tier.word());
            map.put("protect", *protect);
        }
    }
    map
}

fn budget_map(budget: Budget) -> Map {
    let Budget { max_hourly, max_monthly, on_exceed } = budget;
    let mut map = Map::default();
    map.put_some("max_hourly", max_hourly.map(|limit| number(write_price(limit))));
    map.put_some("max_monthly", max_monthly.map(|limit| number(write_monthly(limit))));
    if !map.is_empty() {
        map.put("on_exceed", on_exceed.word());
    }
    map
}

fn pod_map(resolved: &Resolved, key: &Key, pod: &ResolvedPod) -> Map {
    let ResolvedPod { typed, selected: _, image, registry, storage, hardware, depends_on, until, job } = pod;
    let mut map = Map::default();
    let default = default_name(&resolved.project, key);
    map.put("name", template(typed.name.as_ref().map_or(&default, |name| &name.value)));
    map.put_some("template", typed.template.as_ref().map(|id| text(id.value.as_str())));
    map.put_some("image", image.as_ref().map(template));
    map.put_some("registry", registry.as_ref().map(|(name, _)| text(name)));
    // An empty list keeps away what a template has.
    let is_said = |is_empty: bool| typed.template.is_some() || !is_empty;
    let command = typed.command.as_ref().filter(|words| is_said(words.value.is_empty()));
    map.put_some("command", command.map(|words| templates(&words.value)));
    map.put_some("entrypoint", typed.entrypoint.as_ref().map(|words| templates(&words.value)));
    map.put_unless_empty("env", typed.env.as_ref().map(|env| env_map(&env.value)).unwrap_or_default());
    let ports = typed.ports.as_ref().filter(|ports| is_said(ports.value.is_empty()));
    map.put_some("ports", ports.map(|ports| texts(ports.value.iter().map(ToString::to_string))));
    add_hardware(hardware, &mut map);
    let is_left = typed.template.is_some() && typed.disk.is_none();
    map.put_some("disk", (!is_left).then(|| write_size(typed.disk())));
    add_storage(storage, &mut map);
    for (name, on) in typed.switches() {
        map.put_some(name, on);
    }
    if !depends_on.is_empty() {
        let entries = depends_on.iter().map(|key| dependency(key, until.get(key)));
        map.put("depends_on", entries.collect::<Vec<Written>>());
    }
    map.put_some("replicas", typed.replicas().map(replicas));
    if let Some(at_once) = typed.at_once() {
        let mut update = Map::default();
        update.put("at_once", write_at_once(at_once));
        map.put("update", update);
    }
    map.put_some("ready", typed.ready.as_ref().map(|ready| ready_map(&ready.value.value)));
    map.put_some("boot", typed.boot.as_ref().map(|boot| boot_map(boot.value)));
    map.put("state", typed.wanted_state().to_string());
    if let Some(Job { then, rerun_on }) = job {
        map.put("run", "job");
        map.put("then", then.word());
        map.put("rerun_on", texts(rerun_on.iter().map(ToString::to_string)));
    }
    map.put_some("adopt", typed.adopt.as_ref().map(|id| text(id.value.as_str())));
    map.put_some("retry", typed.patience().as_ref().map(retry_map));
    let lifecycle = typed.lifecycle.as_ref().map(|lifecycle| &lifecycle.value);
    map.put("lifecycle", lifecycle_map(lifecycle.unwrap_or(&Lifecycle::default())));
    let mut notes = Map::default();
    for (name, value) in typed.labels.iter().flat_map(|labels| &labels.value) {
        notes.put(name, template(value));
    }
    map.put_unless_empty("labels", notes);
    let profiles = typed.profiles.as_ref().filter(|profiles| !profiles.value.is_empty());
    map.put_some("profiles", profiles.map(|profiles| texts(&profiles.value)));
    map
}

fn dependency(key: &Key, until: Option<&Until>) -> Written {
    let Some(until) = until else { return text(key.as_str()) };
    let mut map = Map::default();
    map.put("pod", text(key.as_str()));
    map.put("until", until.word());
    map.into()
}

fn env_map(env: &Env) -> Map {
    let mut variables = Map::default();
    for (key, value) in env {
        let value = match &value.value {
            EnvSyntax::Literal(text) => template(text),
            EnvSyntax::LiteralSecret(_) => HIDDEN.into(),
            EnvSyntax::Absent => Written::Plain("null".to_owned()),
            EnvSyntax::Secret(name) => {
                let mut reference = Map::default();
                reference.put("secret", text(&name.value));
                reference.into()
            }
        };
        variables.put(key.as_str(), value);
    }
    variables
}

fn add_hardware(hardware: &Hardware, map: &mut Map) {
    let Hardware { compute, cloud, data_centers, countries, max_price } = hardware;
    match compute {
        ComputeWish::Gpu(wish) => {
            let GpuWish { host: HostLimits { cuda, min_vcpu, min_memory }, rent, .. } = wish;
            map.put("gpu", gpu_map(wish));
            match cuda {
                CudaWish::Any => {}
                CudaWish::AtLeast(version) => map.put("cuda", text(&format!(">={version}"))),
                CudaWish::OneOf(versions) => {
                    map.put("cuda", texts(versions.iter().map(|version| version.as_str())));
                }
            }
            map.put_some("min_vcpu", *min_vcpu);
            map.put_some("min_memory", min_memory.map(write_size));
            if let Some(bid) = rent.bid() {
                map.put("rent", rent_map(bid));
            }
        }
        ComputeWish::Cpu(CpuWish { flavors, vcpus }) => {
            let mut cpu = Map::default();
            cpu.put("flavors", texts(flavors.iter().map(|flavor| flavor.as_str())));
            cpu.put("vcpus", *vcpus);
            map.put("cpu", cpu);
        }
    }
    map.put_some("max_price", max_price.map(|price| number(write_price(price))));
    let mut placement = Map::default();
    if !data_centers.is_empty() {
        placement.put("data_centers", texts(data_centers.iter().map(|id| id.as_str())));
    }
    if !countries.is_empty() {
        placement.put("countries", texts(countries.iter().map(|code| code.as_str())));
    }
    map.put_unless_empty("placement", placement);
    map.put("cloud", cloud_name(*cloud));
}

/// Writes which GPUs are wanted; what is asked of their host and how they are rented are keys of the pod.
fn gpu_map(wish: &GpuWish) -> Map {
    let GpuWish { any_of, order, count, memory, host: _, rent: _ } = wish;
    let mut gpu = Map::default();
    if !any_of.is_empty() {
        let choices = any_of.iter().map(|choice| choice_map(choice).into());
        gpu.put("any_of", choices.collect::<Vec<Written>>());
    }
    gpu.put("order", order.word());
    gpu.put("count", gpu_count(*count));
    gpu.put_some("memory", write_memory(*memory).map(|range| text(&range)));
    gpu
}

fn retry_map(retry: &Retry) -> Map {
    let Retry { patience: Patience { within, every }, widen } = retry;
    let wider = |Wider { after, gpu, max_price }: &Wider| {
        let mut map = Map::default();
        map.put("after", text(&after.to_string()));
        map.put("gpu", gpu_map(gpu));
        map.put_some("max_price", max_price.map(|price| number(write_price(price))));
        map.into()
    };
    let mut map = Map::default();
    map.put("for", text(&within.to_string()));
    map.put("every", text(&every.to_string()));
    if !widen.is_empty() {
        map.put("widen", widen.iter().map(wider).collect::<Vec<Written>>());
    }
    map
}

/// Returns `rent:` of a pod that is rented by a bid.
pub(super) fn rent_map(bid: Hourly) -> Map {
    let (mut spot, mut rent) = (Map::default(), Map::default());
    spot.put("bid", number(write_price(bid)));
    rent.put("spot", spot);
    rent
}

fn write_at_once(at_once: AtOnce) -> Written {
    match at_once {
        AtOnce::Number(number) => number.into(),
        AtOnce::Percent(_) => text(&at_once.to_string()),
    }
}

fn replicas(replicas: &Replicas) -> Written {
    let Replicas { count, without } = replicas;
    if without.is_empty() {
        return (*count).into();
    }
    let mut map = Map::default();
    map.put("count", *count);
    map.put("without", without.iter().map(|number| (*number).into()).collect::<Vec<Written>>());
    map.into()
}

fn gpu_count(count: GpuCount) -> Written {
    if count.least == count.most { count.least.into() } else { text(&count.to_string()) }
}

fn choice_map(choice: &GpuChoice) -> Map {
    let GpuChoice { name, count, max_price } = choice;
    let mut map = Map::default();
    map.put("type", text(name.as_str()));
    map.put_some("count", count.map(gpu_count));
    map.put_some("max_price", max_price.map(|price| number(write_price(price))));
    map
}

fn add_storage(storage: &ResolvedStorage, map: &mut Map) {
    let mount = match storage {
        ResolvedStorage::None => return,
        ResolvedStorage::Local { size, path } => {
            let mut local = Map::default();
            local.put("local", write_size(*size));
            local.put("path", template(path));
            local.into()
        }
        ResolvedStorage::Network { volume, path } => Written::Text(format!("{volume}:{}", path.as_typed())),
    };
    map.put("volumes", vec![mount]);
}

fn ready_map(ready: &Ready) -> Map {
    let Ready { probe, within } = ready;
    let mut map = Map::default();
    match probe {
        Probe::Http { port, path, statuses } => {
            map.put("http", text(&format!("{port}{path}")));
            if !statuses.is_empty() {
                let statuses = statuses.iter().map(|status| u32::from(*status).into());
                map.put("status", statuses.collect::<Vec<Written>>());
            }
        }
        Probe::Tcp { port } => map.put("tcp", *port),
        Probe::Log { text: line } => map.put("log", text(line)),
    }
    map.put("within", within.to_string());
    map
}

fn boot_map(boot: Boot) -> Map {
    let Boot { within, or_else } = boot;
    let mut map = Map::default();
    map.put("within", within.to_string());
    map.put("else", or_else.word());
    map
}

fn lifecycle_map(lifecycle: &Lifecycle) -> Map {
    let Lifecycle { protect, on_remove, on_replace, on_stuck_resume, ignore_changes } = lifecycle;
    let mut map = Map::default();
    map.put("protect", *protect);
    map.put("on_remove", on_remove.word());
    map.put("on_replace", on_replace.word());
    map.put("on_stuck_resume", on_stuck_resume.word());
    if !ignore_changes.is_empty() {
        map.put("ignore_changes", texts(ignore_changes.iter().map(ToString::to_string)));
    }
    map
}

/// Writes an amount of dollars as a number.
fn number(amount: String) -> Written {
    Written::Plain(amount)
}

fn cloud_name(cloud: CloudWish) -> String {
    match cloud {
        CloudWish::Only(cloud) => cloud.to_string(),
        CloudWish::Any => "any".to_owned(),
    }
}
