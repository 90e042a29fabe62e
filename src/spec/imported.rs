//! Live objects as spec text, for those who come with an account that has pods already.
//!
//! The text is a layer for `-f`, or a whole spec where there is none to lay it on. Each object in it carries `adopt:`.
//! A pod whose key leaves the file again is forgotten rather than terminated, and a volume is protected, until
//! somebody decides otherwise: what a person made by hand is not ended by a file that was left out.

use std::collections::{BTreeMap, BTreeSet};

use super::Settings;
use super::config::{text, texts};
use super::forms::write_size;
use super::image;
use super::interpolate::is_variable_name;
use super::pod::is_runpod_reference;
use super::resolve::default_state;
use super::written::Map;
use crate::model::address::{Address, Key};
use crate::model::catalog::Catalog;
use crate::model::id::{EnvKey, GpuName, GpuTypeId, ProjectName, RegistryId, RemoteId, VolumeId};
use crate::model::live::{Live, LivePod, LiveVolume, PodRole, PodStatus, Seen};
use crate::model::marker::{MARKER_KEY, Marker, Token, VolumeMark};
use crate::model::pod::{Cloud, Compute, Storage};
use crate::model::prior::Api;
use crate::model::secret::Secret;
use crate::model::sensitive::{is_secret, is_secret_argument, is_secret_value};
use crate::model::volume::VolumeTier;

/// What the spec and the state know already.
#[derive(Clone, Debug)]
pub struct Known {
    /// The owner of what is taken over.
    pub project: ProjectName,
    /// Managed objects.
    pub managed: BTreeSet<RemoteId>,
    /// Tokens of objects that were given up on purpose.
    pub given_up: BTreeSet<Token>,
    /// Addresses that are taken.
    pub taken: BTreeSet<Address>,
    /// Network volumes that have an address, so that pods can mount them by it.
    pub volumes: BTreeMap<VolumeId, Key>,
    /// The API that is spoken.
    pub api: Api,
}

/// The live objects that can be taken over, each under the key that it is to have.
#[derive(Clone, Debug, Default)]
pub struct Chosen<'a> {
    /// The pods.
    pub pods: BTreeMap<Key, &'a LivePod>,
    /// The network volumes.
    pub volumes: BTreeMap<Key, &'a LiveVolume>,
    /// What stays unmanaged, with the reason.
    pub left_out: Vec<(RemoteId, String)>,
}

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

/// Chooses every unmanaged object that a spec can hold.
pub fn choose<'a>(live: &'a Live, known: &Known) -> Chosen<'a> {
    let mut chosen = Chosen::default();
    let mut taken = known.taken.clone();
    for volume in live.volumes.values().filter_map(Seen::found) {
        let id = RemoteId::Volume(volume.id.clone());
        if known.managed.contains(&id) || known.volumes.contains_key(&volume.id) {
            continue;
        }
        match volume_mark(volume, known) {
            Some(mark) => chosen.left_out.push((id, elsewhere(&mark.project, known))),
            None => {
                let key = free_key(&volume.name, &known.project, |key| taken.insert(Address::Volume(key)));
                chosen.volumes.insert(key, volume);
            }
        }
    }
    for pod in live.pods.values().filter_map(Seen::found) {
        let id = RemoteId::Pod(pod.id.clone());
        if known.managed.contains(&id) || pod.status == PodStatus::Terminated {
            continue;
        }
        match belongs_elsewhere(pod, known).or_else(|| unfit(pod, known.api)) {
            Some(reason) => chosen.left_out.push((id, reason)),
            None => {
                let key = free_key(pod.name(), &known.project, |key| taken.insert(Address::pod(key)));
                chosen.pods.insert(key, pod);
            }
        }
    }
    chosen
}

/// Returns why a pod is not the spec's to hold; `None` if it is.
pub fn unfit(pod: &LivePod, api: Api) -> Option<String> {
    let is_own = |entrypoint: &&Vec<String>| !entrypoint.is_empty();
    // A marker that can be read is no variable any more.
    let is_marker = |key: &EnvKey| key.as_str() == MARKER_KEY;
    let declared = pod.settings.env.keys().filter(|key| !key.is_of_the_platform()).count();
    let reason = match pod.role {
        PodRole::EndpointWorker => "it is a worker of a serverless endpoint",
        PodRole::ClusterMember => "it is a member of a cluster",
        PodRole::Background => "it is a host's own background pod",
        PodRole::Plain if pod.settings.image.is_none() => "the API does not show its image",
        PodRole::Plain if pod.settings.image.as_deref().is_some_and(|image| image::check(image).is_err()) => {
            "its image is no reference that a registry can have"
        }
        PodRole::Plain if has_no_machine(pod) => "the API does not show its GPUs, as it is stopped",
        PodRole::Plain if holds_secret_arguments(pod) => {
            "its command holds a secret; move it to its environment"
        }
        PodRole::Plain if pod.settings.env.keys().any(is_marker) => {
            "its marker `PODFORM_MARK` cannot be read; remove that variable from the pod"
        }
        PodRole::Plain if pod.settings.env.keys().any(|key| !is_variable_name(key.as_str())) => {
            "it has a variable whose name a spec cannot declare"
        }
        PodRole::Plain if declared > MOST_VARIABLES => "it has more variables than a spec can declare",
        PodRole::Plain if api == Api::V2 && pod.settings.entrypoint.iter().any(|words| is_own(&words)) => {
            "it has an entrypoint of its own, which REST v2 cannot set"
        }
        PodRole::Plain => return None,
    };
    Some(reason.to_owned())
}

/// Returns the other project that a pod says it belongs to. One of a lost state of this project can still be chosen.
pub fn other_project<'a>(pod: &'a LivePod, known: &Known) -> Option<&'a ProjectName> {
    marker(pod, known).map(|marker| &marker.project).filter(|project| **project != known.project)
}

/// Returns the other project that a network volume says it belongs to.
pub fn other_project_of_volume(volume: &LiveVolume, known: &Known) -> Option<ProjectName> {
    volume_mark(volume, known).map(|mark| mark.project).filter(|project| *project != known.project)
}

/// Returns what a volume's name says, unless the state gave the volume up.
fn volume_mark(volume: &LiveVolume, known: &Known) -> Option<VolumeMark> {
    let mark: VolumeMark = volume.name.parse().ok()?;
    let given_up = known.given_up.iter().any(|token| token.short() == mark.token.short());
    Some(mark).filter(|mark| mark.project != known.project || !given_up)
}

/// Returns a pod's marker, unless the state gave the pod up.
fn marker<'a>(pod: &'a LivePod, known: &Known) -> Option<&'a Marker> {
    let given_up =
        |marker: &Marker| marker.project == known.project && known.given_up.contains(&marker.token);
    pod.marker.as_ref().filter(|marker| !given_up(marker))
}

/// RunPod takes 50 variables; one is left for the marker and one for `PUBLIC_KEY`.
const MOST_VARIABLES: usize = 48;

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
    let registries = page.registries(chosen);
    let mut secrets = Map::default();
    for (name, (variable, _)) in &page.names.used {
        let mut source = Map::default();
        source.put("env", text(variable));
        secrets.put(name, source);
    }
    spec.put_unless_empty("secrets", secrets);
    spec.put_unless_empty("registries", registries);
    spec.put_unless_empty("volumes", mounted);
    spec.put("pods", pods);
    let text = spec.page();
    let secrets = names.used.into_iter().map(|(name, (variable, _))| ReferencedSecret { name, variable });
    Imported { text, secrets: secrets.collect() }
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
        let Settings { project, kind, api, state_file } = settings;
        spec.put("version", 1);
        spec.put("project", text(project.as_str()));
        let mut provider = Map::default();
        provider.put("kind", kind.word());
        provider.put("api", api.word());
        spec.put("provider", provider);
        if *state_file != default_state(*kind, project) {
            spec.put("state_file", text(state_file));
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

    fn registries(&mut self, chosen: &Chosen<'_>) -> Map {
        let mut section = Map::default();
        let used: BTreeSet<&RegistryId> =
            chosen.pods.values().filter_map(|pod| pod.settings.registry.as_ref()?.as_ref()).collect();
        for id in used {
            let mut map = Map::default();
            map.put("id", text(id.as_str()));
            section.put(&registry_name(id), map);
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
        map.put("image", text(pod.settings.image.as_deref().unwrap_or_default()));
        if let Some(Some(id)) = &pod.settings.registry {
            map.put("registry", text(&registry_name(id)));
        }
        for (name, words) in [("command", &pod.settings.command), ("entrypoint", &pod.settings.entrypoint)] {
            if let Some(words) = words.as_ref().filter(|words| !words.is_empty()) {
                map.put(name, texts(words));
            }
        }
        map.put_unless_empty("env", self.env(key, pod));
        if pod.ports().next().is_some() {
            map.put("ports", texts(pod.ports().map(ToString::to_string)));
        }
        self.hardware(pod, &mut map);
        map.put_some("disk", pod.settings.disk.map(write_size));
        self.storage(pod, &mut map);
        for (name, injected) in [("ssh", "PUBLIC_KEY"), ("jupyter", "JUPYTER_PASSWORD")] {
            if pod.settings.env.contains_key(&EnvKey::new(injected)) {
                map.put(name, true);
            }
        }
        if pod.settings.global_networking == Some(true) {
            map.put("global_networking", true);
        }
        if pod.is_locked() {
            map.put("locked", true);
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

    fn env(&mut self, key: &Key, pod: &LivePod) -> Map {
        let mut variables = Map::default();
        for (name, value) in pod.settings.env.iter().filter(|(name, _)| !name.is_of_the_platform()) {
            let value_text = value.expose();
            let written = if is_secret(name.as_str(), value_text) && !is_runpod_reference(value_text) {
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

    fn storage(&mut self, pod: &LivePod, map: &mut Map) {
        let mount = match &pod.settings.storage {
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

fn has_no_machine(pod: &LivePod) -> bool {
    matches!(pod.compute, None | Some(Compute::Gpu { count: 0, .. }))
}

/// Arguments are stored and shown in plans, so a spec refuses secrets among them.
fn holds_secret_arguments(pod: &LivePod) -> bool {
    let holds = |words: &Vec<String>| {
        let previous = std::iter::once(None).chain(words.iter().map(|word| Some(word.as_str())));
        previous
            .zip(words)
            .any(|(previous, word)| is_secret_value(word) || is_secret_argument(previous, word))
    };
    pod.settings.command.as_ref().is_some_and(holds) || pod.settings.entrypoint.as_ref().is_some_and(holds)
}

/// Returns why a pod is another state's, or that of a state of this project that was lost.
fn belongs_elsewhere(pod: &LivePod, known: &Known) -> Option<String> {
    marker(pod, known).map(|marker| elsewhere(&marker.project, known))
}

fn elsewhere(project: &ProjectName, known: &Known) -> String {
    if *project == known.project {
        "it carries this project's mark; `podform state rebuild` takes it back".to_owned()
    } else {
        format!(
            "it belongs to project `{project}`; `podform import --from-project {project}` takes one from there"
        )
    }
}

/// Makes a key of a name, numbered where it is taken. `take` tells whether it was free.
fn free_key(name: &str, project: &ProjectName, mut take: impl FnMut(Key) -> bool) -> Key {
    let lower = name.to_lowercase();
    let own = lower.strip_prefix(&format!("{project}-")).unwrap_or(&lower);
    let mut base = String::new();
    for c in own.chars() {
        match c {
            'a'..='z' => base.push(c),
            '0'..='9' if !base.is_empty() => base.push(c),
            _ if !base.is_empty() && !base.ends_with('-') => base.push('-'),
            _ => {}
        }
    }
    base.truncate(KEY_BASE);
    let base = match base.trim_end_matches('-') {
        "" => "imported",
        base => base,
    };
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    let keys = std::iter::once(base.to_owned()).chain(numbered);
    let mut free = keys.filter_map(|key| key.parse::<Key>().ok().filter(|key| take(key.clone())));
    free.next().expect("there are more numbers than objects")
}

/// How much of a name a key keeps, so that a number fits behind it.
const KEY_BASE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_of_names_and_numbered_where_taken() {
        let mut taken = BTreeSet::new();
        let mut key =
            |name: &str| free_key(name, &ProjectName::new("acme"), |key| taken.insert(key)).to_string();
        let names = ["acme-llm", "LLM", "My Pod (old)!", "4090 box", "", "日本", "x".repeat(60).as_str()]
            .map(&mut key);
        let long = "x".repeat(32);
        assert_eq!(names, ["llm", "llm-2", "my-pod-old", "box", "imported", "imported-2", long.as_str()]);
    }

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
