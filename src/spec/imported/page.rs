//! The spec text of what was chosen.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::catalog::Catalog;
use crate::model::clock::Timestamp;
use crate::model::id::{CudaVersion, EnvKey, GpuName, GpuTypeId, ProjectName, RegistryId, VolumeId};
use crate::model::job;
use crate::model::live::{LivePod, LiveVolume, Rental};
use crate::model::money::{Hourly, Price};
use crate::model::pod::{Cloud, Compute, Storage};
use crate::model::secret::Secret;
use crate::model::sensitive::is_secret_beside_references;
use crate::model::settings::{Container, Field, Observed, PodSettings, Setting};
use crate::model::template::Template;
use crate::model::value::Value;
use crate::model::volume::VolumeTier;
use crate::spec::Settings;
use crate::spec::config::{rent_map, text, texts};
use crate::spec::forms::write_size;
use crate::spec::resolve::default_state;
use crate::spec::written::{Map, Written};

use super::{Chosen, Known, free_key};

/// A secret that the text refers to, to be set in the environment before an apply needs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReferencedSecret {
    /// The name under `secrets:`.
    pub name: String,
    /// The variable that it is read from.
    pub variable: String,
}

/// Spec text and what belongs to it.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The YAML.
    pub text: String,
    /// The secrets that it refers to.
    pub secrets: Vec<ReferencedSecret>,
}

/// Writes objects as spec text. A header makes it a spec of its own; without one it is a layer.
pub fn write_live(
    header: Option<&Settings>,
    chosen: &Chosen<'_>,
    known: &Known,
    catalog: &Catalog,
) -> Imported {
    let mut volumes = known.volumes.clone();
    volumes.extend(chosen.volumes.iter().map(|(key, volume)| (volume.id.clone(), key.clone())));
    let mut names = SecretNames::default();
    let mut page = Page { project: &known.project, catalog, volumes, names: &mut names };
    let mut spec = Map::default();
    if let Some(settings) = header {
        page.header(settings, &mut spec);
    }
    let pods = page.pods(chosen);
    let mounted = page.volumes(chosen);
    let used = chosen.pods.values().filter_map(|pod| pod.settings.registry.as_ref()?.as_ref());
    let registries = registries(used.collect());
    spec.put_unless_empty("secrets", page.names.section());
    spec.put_unless_empty("registries", registries);
    spec.put_unless_empty("volumes", mounted);
    spec.put("pods", pods);
    Imported { text: spec.page(), secrets: names.referenced() }
}

/// Writes what a template gives to a pod as spec text. What it runs on is not a template's to say.
pub fn write_template(template: &Template, known: &Known) -> Imported {
    let mut names = SecretNames::default();
    let volumes = BTreeMap::new();
    let catalog = &Catalog::empty(Timestamp::UNIX_EPOCH);
    let mut page = Page { project: &known.project, catalog, volumes, names: &mut names };
    let is_free = |key| !known.taken.contains(&Address::pod(key));
    let key = free_key(&template.name, &known.project, is_free);
    let pod = page.template(&key, template);
    let mut spec = Map::default();
    spec.put_unless_empty("secrets", page.names.section());
    spec.put_unless_empty("registries", registries(template.settings.registry.iter().flatten().collect()));
    let mut pods = Map::default();
    pods.put(key.as_str(), pod);
    spec.put("pods", pods);
    Imported { text: spec.page(), secrets: names.referenced() }
}

fn registries(used: BTreeSet<&RegistryId>) -> Map {
    let mut section = Map::default();
    for id in used {
        let mut map = Map::default();
        map.put("id", text(id.as_str()));
        section.put(&registry_name(id), map);
    }
    section
}

/// Names for secrets: the variable's, and the pod's before it where two pods have different values.
#[derive(Default)]
struct SecretNames {
    used: BTreeMap<String, (String, Secret<String>)>,
}

impl SecretNames {
    fn name(&mut self, pod: &Key, variable: &EnvKey, value: &Secret<String>) -> String {
        let plain = spelled(variable.as_str());
        let own = spelled(&format!("{pod}_{variable}"));
        let numbered = (2..).map(|number| format!("{own}_{number}"));
        let mut wishes = [plain, own.clone()].into_iter().chain(numbered);
        let is_free = |name: &String| self.used.get(name).is_none_or(|(_, held)| held == value);
        let name = wishes.find(is_free).unwrap_or(own);
        let variable = name.to_ascii_uppercase();
        self.used.insert(name.clone(), (variable, value.clone()));
        name
    }
}

impl SecretNames {
    /// Writes where each value is read from.
    fn section(&self) -> Map {
        let mut secrets = Map::default();
        for (name, (variable, _)) in &self.used {
            let mut source = Map::default();
            source.put("env", text(variable));
            secrets.put(name, source);
        }
        secrets
    }

    fn referenced(self) -> Vec<ReferencedSecret> {
        let names = self.used.into_iter();
        names.map(|(name, (variable, _))| ReferencedSecret { name, variable }).collect()
    }
}

/// Returns a name in small letters, digits and `_`, short enough that a number fits behind it.
fn spelled(name: &str) -> String {
    const LONGEST: usize = 60;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    name.chars().map(plain).take(LONGEST).collect()
}

/// Writes the sections.
struct Page<'a> {
    project: &'a ProjectName,
    catalog: &'a Catalog,
    volumes: BTreeMap<VolumeId, Key>,
    names: &'a mut SecretNames,
}

impl Page<'_> {
    fn header(&mut self, settings: &Settings, spec: &mut Map) {
        let Settings { project, kind, api, state } = settings;
        spec.put("version", 1);
        spec.put("project", text(project.as_str()));
        let mut provider = Map::default();
        provider.put("kind", kind.word());
        provider.put("api", api.word());
        spec.put("provider", provider);
        if *state != default_state(*kind, project) {
            spec.put(state.key(), text(&state.written()));
        }
    }

    fn volumes(&mut self, chosen: &Chosen<'_>) -> Map {
        let mut section = Map::default();
        for (key, volume) in &chosen.volumes {
            let LiveVolume { id, name: _, size, data_center, tier } = volume;
            let mut map = Map::default();
            map.put("size", write_size(*size));
            map.put("data_center", text(data_center.as_str()));
            map.put("adopt", text(id.as_str()));
            if let Some(tier @ VolumeTier::HighPerformance) = tier {
                map.put("tier", tier.word());
            }
            map.put("protect", true);
            section.put(key.as_str(), map);
        }
        let given = self.volumes.values().cloned().collect::<BTreeSet<Key>>();
        let mounted: BTreeMap<&VolumeId, Key> = chosen
            .pods
            .values()
            .filter_map(|pod| match &pod.settings.storage {
                Storage::Network { volume: id, path: _ } if !self.volumes.contains_key(id) => Some(id),
                Storage::Network { .. } | Storage::Local { .. } | Storage::None => None,
            })
            .map(|id| (id, unlisted_key(id, &given)))
            .collect();
        for (id, key) in mounted {
            let mut map = Map::default();
            map.put("id", text(id.as_str()));
            section.put(key.as_str(), map);
        }
        section
    }

    fn pods(&mut self, chosen: &Chosen<'_>) -> Map {
        let mut section = Map::default();
        for (key, pod) in &chosen.pods {
            let pod = self.pod(key, pod);
            section.put(key.as_str(), pod);
        }
        section
    }

    fn pod(&mut self, key: &Key, pod: &LivePod) -> Map {
        let mut map = Map::default();
        if pod.name() != format!("{}-{key}", self.project) {
            map.put("name", text(pod.name()));
        }
        self.container(key, &pod.settings, &mut map);
        self.hardware(pod, &mut map);
        map.put_some("disk", pod.settings.disk.map(write_size));
        self.storage(&pod.settings, &mut map);
        let said = pod.settings.known(&Container::default(), BTreeMap::new(), Storage::None, None);
        for (name, injected) in [("ssh", "PUBLIC_KEY"), ("jupyter", "JUPYTER_PASSWORD")] {
            if pod.settings.env.contains_key(&EnvKey::new(injected)) {
                map.put(name, true);
            }
        }
        for (field, value) in said.values().into_iter().filter(|(field, _)| !PLACED.contains(field)) {
            map.put_some(&field.to_string(), written(value));
        }
        if !pod.status.is_up() {
            map.put("state", "stopped");
        }
        map.put("adopt", text(pod.id.as_str()));
        let mut lifecycle = Map::default();
        lifecycle.put("on_remove", "forget");
        map.put("lifecycle", lifecycle);
        map
    }

    /// Writes what runs in the pod.
    fn container(&mut self, key: &Key, settings: &PodSettings<Observed>, map: &mut Map) {
        map.put("image", text(settings.image.as_deref().unwrap_or_default()));
        if let Some(Some(id)) = &settings.registry {
            map.put("registry", text(&registry_name(id)));
        }
        let said = settings.known(&Container::default(), BTreeMap::new(), Storage::None, None);
        map.put_some("command", written(said.command.value()));
        match job::then_of(&said.entrypoint) {
            Some(then) => {
                map.put("run", "job");
                map.put_some("then", then.keeps().then(|| then.word()));
            }
            None => map.put_some("entrypoint", written(said.entrypoint.value())),
        }
        map.put_unless_empty("env", self.env(key, &settings.env));
        map.put_some("ports", written(said.ports.value()));
    }

    fn template(&mut self, key: &Key, template: &Template) -> Map {
        let Template { name: _, settings, is_serverless: _, is_cpu, ssh, jupyter, cuda } = template;
        let mut map = Map::default();
        self.container(key, settings, &mut map);
        map.put_some("disk", settings.disk.map(write_size));
        self.storage(settings, &mut map);
        map.put_some("ssh", ssh.then_some(true));
        map.put_some("jupyter", jupyter.then_some(true));
        if !is_cpu && !cuda.is_empty() {
            map.put("cuda", texts(cuda.iter().map(CudaVersion::as_str)));
        }
        map
    }

    fn env(&mut self, key: &Key, env: &BTreeMap<EnvKey, Secret<String>>) -> Map {
        let mut variables = Map::default();
        for (name, value) in env.iter().filter(|(name, _)| !name.is_of_the_platform()) {
            let value_text = value.expose();
            let written = if is_secret_beside_references(name.as_str(), value_text) {
                let mut reference = Map::default();
                reference.put("secret", text(&self.names.name(key, name, value)));
                reference.into()
            } else {
                text(value_text)
            };
            variables.put(name.as_str(), written);
        }
        variables
    }

    fn hardware(&mut self, pod: &LivePod, map: &mut Map) {
        match &pod.compute {
            Some(Compute::Gpu { id, count }) => {
                let name = friendly(id, self.catalog);
                let wish = if *count > 1 { format!("{name}:{count}") } else { name };
                map.put("gpu", text(&wish));
            }
            Some(Compute::Cpu { flavor, vcpus }) => {
                let mut cpu = Map::default();
                cpu.put("flavors", texts([flavor.as_str()]));
                cpu.put("vcpus", *vcpus);
                map.put("cpu", cpu);
            }
            None => {}
        }
        if let (Some(Rental::Spot { .. }), Some(Compute::Gpu { id: _, count })) = (pod.rental, &pod.compute)
            && let Price::Known(whole) = pod.price
        {
            map.put("rent", rent_map(Hourly(whole.0 / i64::from((*count).max(1)))));
        }
        match pod.cloud {
            Some(Cloud::Secure) => {}
            Some(Cloud::Community) => map.put("cloud", "community"),
            None => map.put("cloud", "any"),
        }
        if let Some(place) = &pod.data_center {
            let mut placement = Map::default();
            placement.put("data_centers", texts([place.as_str()]));
            map.put("placement", placement);
        }
    }

    fn storage(&mut self, settings: &PodSettings<Observed>, map: &mut Map) {
        let mount = match &settings.storage {
            Storage::None => return,
            Storage::Local { size, path } => {
                let mut local = Map::default();
                local.put("local", write_size(*size));
                local.put("path", text(path));
                local.into()
            }
            Storage::Network { volume: id, path } => {
                let given = self.volumes.values().cloned().collect();
                let key = self.volumes.get(id).cloned().unwrap_or_else(|| unlisted_key(id, &given));
                text(&format!("{key}:{path}"))
            }
        };
        map.put("volumes", vec![mount]);
    }
}

/// Settings that stand in a place of their own in a pod, or in a form of their own.
const PLACED: [Field; 8] = [
    Field::Name,
    Field::Image,
    Field::Command,
    Field::Entrypoint,
    Field::Ports,
    Field::Disk,
    Field::Registry,
    Field::Volumes,
];

/// Returns how a spec says what is live; nothing where it need not.
fn written(value: Value) -> Option<Written> {
    match value {
        Value::Switch(on) => on.then(|| on.into()),
        Value::Size(size) => Some(write_size(size).into()),
        Value::Number(number) => Some(number.into()),
        Value::Text(line) | Value::Word(line) => (!line.is_empty()).then(|| text(&line)),
        Value::Command(items) | Value::List(items) => Some(texts(items)),
        Value::Absent
        | Value::Mount(_)
        | Value::Mounted { .. }
        | Value::Lifecycle(_)
        | Value::Secret
        | Value::OtherValue
        | Value::Referring(_)
        | Value::KnownAfterApply => None,
    }
}

/// Returns the name that people use, where it means this type and no other; the id otherwise.
fn friendly(id: &GpuTypeId, catalog: &Catalog) -> String {
    let name = catalog.gpus.get(id).map(|gpu| gpu.name.as_str()).filter(|name| !name.contains([':', '.']));
    let is_only =
        |name: &&str| matches!(catalog.gpus_named(&GpuName::new(*name))[..], [only] if only.id == *id);
    name.filter(is_only).unwrap_or(id.as_str()).to_owned()
}

/// Returns the key of a network volume that pods mount and the listing does not show.
fn unlisted_key(id: &VolumeId, taken: &BTreeSet<Key>) -> Key {
    let mut taken = taken.clone();
    free_key(&format!("volume-{id}"), &ProjectName::new(""), |key| taken.insert(key))
}

/// Returns the name of stored registry credentials, of which the API shows only the id.
fn registry_name(id: &RegistryId) -> String {
    let kept = id.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    kept.take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_secrets_share_a_name_and_different_ones_do_not() {
        let mut names = SecretNames::default();
        let mut name = |pod: &str, key: &str, value: &str| {
            names.name(&pod.parse().unwrap(), &EnvKey::new(key), &Secret::new(value.to_owned()))
        };
        let given = [("a", "x"), ("b", "x"), ("c-d", "y")].map(|(pod, value)| name(pod, "HF_TOKEN", value));
        assert_eq!(given, ["hf_token", "hf_token", "c_d_hf_token"]);
    }
}
