//! [`Spec`] to [`Resolved`]: every reference exists, every rule between keys holds, every default is filled.
//!
//! Values were checked one by one while the tree was read; this looks at how they fit together.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{
    Budget, CloudWish, ComputeWish, CpuWish, CudaWish, GpuOrder, GpuWish, Hardware, Lifecycle, OnRemove,
    WantedVolume,
};
use crate::model::id::{DataCenterId, EnvKey, PodId, ProjectName, RegistryId};
use crate::model::pod::{Access, Cloud, Port, RunState};
use crate::model::prior::{Api, ProviderKind};
use crate::model::settings::Field;
use crate::model::size::Gigabytes;
use crate::model::volume::{VolumeConfig, VolumeTier};

use super::cycles;
use super::diagnostic::{Collector, Diagnostic, Problem, listed};
use super::interpolate::Text;
use super::moves;
use super::pod_section::MAX_NAME;
use super::positions::{AllPlaces, Places};
use super::sensitive::shown;
use super::source::{Span, Spanned};
use super::syntax::{self, EnvEntry, EnvSyntax, Mount, SecretDeclaration, Spec, Volume};

/// The container disk of a pod that does not say: RunPod's APIs disagree (v2 has no default, v1 50, GraphQL 10), and
/// this fits the smallest CPU pods, whose disk is limited.
pub(super) const DEFAULT_DISK: Gigabytes = Gigabytes(20);

/// The most pods of one spec, replicas counted; every command is measured with as many.
const MAX_PODS: usize = 100_000;

/// The most dependencies between them.
const MAX_EDGES: usize = 1_000_000;

/// A spec without dangling references, with all defaults filled. Only [`resolve`] makes it.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub(super) project: ProjectName,
    pub(super) kind: ProviderKind,
    pub(super) api: Api,
    pub(super) state_file: String,
    pub(super) secrets: BTreeMap<String, SecretDeclaration>,
    pub(super) registries: BTreeMap<String, RegistryId>,
    pub(super) volumes: BTreeMap<Key, WantedVolume>,
    pub(super) pods: BTreeMap<Key, Box<ResolvedPod>>,
    pub(super) places: AllPlaces,
    pub(super) moved: Vec<crate::model::desired::Move>,
    pub(super) removed: BTreeMap<Address, OnRemove>,
    pub(super) budget: Budget,
}

/// A pod of the spec, before it is multiplied.
#[derive(Clone, Debug)]
pub(super) struct ResolvedPod {
    /// Whether the chosen profiles select it.
    pub selected: bool,
    pub replicas: Option<u32>,
    /// The name as typed; `None` where the project and the key make it.
    pub name: Option<Text>,
    pub image: Text,
    pub registry: Option<(String, RegistryId)>,
    pub command: Vec<Text>,
    pub entrypoint: Option<Vec<Text>>,
    pub env: BTreeMap<EnvKey, EnvSyntax>,
    pub ports: BTreeSet<Port>,
    pub disk: Gigabytes,
    pub storage: ResolvedStorage,
    pub global_networking: bool,
    pub locked: Option<bool>,
    pub hardware: Hardware,
    pub access: Access,
    pub run: RunState,
    pub lifecycle: Lifecycle,
    pub depends_on: BTreeSet<Key>,
    pub adopt: Option<PodId>,
    pub labels: BTreeMap<String, Text>,
    pub profiles: BTreeSet<String>,
}

/// What a pod mounts.
#[derive(Clone, Debug)]
pub(super) enum ResolvedStorage {
    None,
    Local { size: Gigabytes, path: Text },
    Network { volume: Key, path: Text },
}

/// Checks a spec as a whole; `None` after it has reported why.
pub(super) fn resolve(mut spec: Spec, profiles: &[String], log: &mut Collector) -> Option<Resolved> {
    let mut resolver = Resolver { spec: &spec, profiles, log };
    resolver.unknown_profiles();
    resolver.limits()?;
    resolver.adopted_twice();
    cycles::report(&spec, log);
    let moved = moves::resolve(&spec, log);
    let removed = moves::removed(&spec, log);
    let typed = std::mem::take(&mut spec.pods);
    let mut resolver = Resolver { spec: &spec, profiles, log };
    let mut places = AllPlaces::default();
    let volumes = resolver.volumes(&mut places.volumes);
    let pods = typed
        .into_iter()
        .filter_map(|(key, pod)| {
            places.pods.insert(key.clone(), places_of(&pod));
            let resolved = resolver.pod(&key, *pod)?;
            Some((key, Box::new(resolved)))
        })
        .collect();
    let api = resolver.api();
    let project = spec.project?.value;
    let kind = spec.provider.kind.map_or(ProviderKind::Runpod, |kind| kind.value);
    let state_file = spec.state_file.map_or_else(|| default_state(kind, &project), |path| path.value);
    Some(Resolved {
        kind,
        api,
        state_file,
        secrets: spec.secrets.into_iter().map(|(name, source)| (name, source.value)).collect(),
        registries: spec.registries.into_iter().map(|(name, id)| (name, id.value)).collect(),
        volumes,
        pods,
        places,
        moved,
        removed,
        budget: spec.budget,
        project,
    })
}

/// Returns the state of a spec that names none. That of the simulator is another file than that of the account, so that
/// a trial neither meets a state of the account nor is in its way afterwards.
pub(super) fn default_state(kind: ProviderKind, project: &ProjectName) -> String {
    match kind {
        ProviderKind::Runpod => format!("state/{project}.db"),
        ProviderKind::Simulator => format!("state/{project}.simulated.db"),
    }
}

/// Checks values against the rest of the spec.
struct Resolver<'a> {
    /// While pods are resolved they are not in it: they are taken out, one after the other.
    spec: &'a Spec,
    profiles: &'a [String],
    log: &'a mut Collector,
}

impl Resolver<'_> {
    fn api(&self) -> Api {
        self.spec.provider.api.map_or(Api::V2, |api| api.value)
    }

    /// Refuses specs whose replicas and their dependencies would fill the memory.
    fn limits(&mut self) -> Option<()> {
        let count = |pod: &syntax::Pod| pod.replicas.map_or(1, |replicas| replicas.value as usize);
        let mut pods = 0;
        let mut edges = 0;
        for pod in self.spec.pods.values() {
            let waits_for = pod.depends_on.iter().flat_map(|list| &list.value).filter_map(|name| {
                let key: Key = name.value.parse().ok()?;
                self.spec.pods.get(&key).map(|pod| count(pod))
            });
            edges += count(pod).saturating_mul(waits_for.sum());
            pods += count(pod);
            if pods > MAX_PODS || edges > MAX_EDGES {
                let detail = format!("more than {MAX_PODS} pods, or {MAX_EDGES} dependencies between them");
                self.log.push(Diagnostic::at(Problem::TooManyNodes, pod.span, detail));
                return None;
            }
        }
        Some(())
    }

    fn unknown_profiles(&mut self) {
        let known: BTreeSet<&str> = self
            .spec
            .pods
            .values()
            .flat_map(|pod| pod.profiles.iter().flat_map(|profiles| &profiles.value))
            .map(|profile| profile.value.as_str())
            .collect();
        for profile in self.profiles.iter().filter(|profile| !known.contains(profile.as_str())) {
            let detail = format!("no pod has the profile {}", shown(profile));
            let mistake = Diagnostic::anywhere(Problem::UndefinedProfile, detail);
            self.log.push(match self.log.closest(profile, known.iter().copied()) {
                Some(near) => mistake.help(format!("did you mean `{near}`?")),
                None if known.is_empty() => mistake.help("no pod of the spec has `profiles`"),
                None => mistake.help(format!("the spec has {}", listed(&known, "and"))),
            });
        }
    }

    fn volumes(&mut self, all_places: &mut BTreeMap<Key, Places>) -> BTreeMap<Key, WantedVolume> {
        let mut volumes = BTreeMap::new();
        for (key, volume) in &self.spec.volumes {
            let mut places = Places::new(volume.span);
            let wanted = match &volume.value {
                Volume::Referenced(id) => WantedVolume::Referenced { id: id.value.clone() },
                Volume::Managed { size, data_center, tier, protect, adopt } => {
                    places.put(Field::Size, size.as_ref());
                    places.put(Field::DataCenter, data_center.as_ref());
                    places.put(Field::Tier, tier.as_ref());
                    places.put(Field::Lifecycle, protect.as_ref());
                    places.put(Field::Adopt, adopt.as_ref());
                    let (Some(size), Some(data_center)) = (size, data_center) else {
                        continue;
                    };
                    WantedVolume::Managed {
                        config: VolumeConfig {
                            size: size.value,
                            data_center: data_center.value.clone(),
                            tier: tier.map_or(VolumeTier::Standard, |tier| tier.value),
                        },
                        protect: protect.is_some_and(|protect| protect.value),
                        adopt: adopt.as_ref().map(|adopt| adopt.value.clone()),
                    }
                }
            };
            all_places.insert(key.clone(), places);
            volumes.insert(key.clone(), wanted);
        }
        volumes
    }

    /// Two addresses cannot take over one object.
    fn adopted_twice(&mut self) {
        let pods = self.spec.pods.values().filter_map(|pod| pod.adopt.as_ref());
        let pods = pods.map(|id| (id.value.as_str(), id.span));
        let volumes = self.spec.volumes.values().filter_map(|volume| match &volume.value {
            Volume::Managed { adopt: Some(id), .. } => Some((id.value.as_str(), id.span)),
            Volume::Managed { adopt: None, .. } | Volume::Referenced(_) => None,
        });
        let mut adopted: Vec<(&str, Span)> = pods.chain(volumes).collect();
        adopted.sort_by_key(|(_, span)| *span);
        let mut first: BTreeMap<&str, Span> = BTreeMap::new();
        for (id, span) in adopted {
            match first.get(id) {
                Some(place) => {
                    let detail = format!("`{id}` cannot be taken over twice");
                    self.log.push(
                        Diagnostic::at(Problem::InvalidValue, span, detail).label(*place, "first here"),
                    );
                }
                None => {
                    first.insert(id, span);
                }
            }
        }
    }

    fn pod(&mut self, key: &Key, mut pod: syntax::Pod) -> Option<ResolvedPod> {
        let registry = self.registry(&pod);
        let env = self.env(std::mem::take(&mut pod.env));
        let storage = self.storage(&pod);
        let hardware = self.hardware(key, &pod, storage.as_ref());
        let depends_on = self.depends_on(key, &pod);
        self.length_of_name(&pod);
        self.entrypoint(&pod);
        if let (Some(adopt), Some(replicas)) = (&pod.adopt, &pod.replicas) {
            let detail = "one pod cannot become all replicas";
            let mistake = Diagnostic::at(Problem::ConflictingKeys, adopt.span, detail)
                .label(replicas.span, "several pods here");
            self.log.push(mistake.help("take it over with `podform import 'KEY[0]' ID`"));
        }
        if pod.image.is_none() {
            // A wrong image was reported where it stands, so only an absent one is reported here; the reader cannot
            // tell, as `defaults` may have had it.
            self.missing_image(key, &pod);
        }
        let profiles: BTreeSet<String> =
            pod.profiles.into_iter().flat_map(|list| list.value).map(|profile| profile.value).collect();
        let selected = profiles.is_empty() || self.profiles.iter().any(|chosen| profiles.contains(chosen));
        let ports = pod.ports.iter().flat_map(|ports| &ports.value).map(|port| port.value).collect();
        Some(ResolvedPod {
            selected,
            replicas: pod.replicas.map(|replicas| replicas.value),
            name: pod.name.map(|name| name.value),
            image: pod.image?.value,
            registry,
            command: pod.command.map(|command| command.value).unwrap_or_default(),
            entrypoint: pod.entrypoint.map(|entrypoint| entrypoint.value),
            env,
            ports,
            disk: pod.disk.map_or(DEFAULT_DISK, |disk| disk.value),
            storage: storage?,
            global_networking: pod.global_networking.is_some_and(|on| on.value),
            locked: pod.locked.map(|locked| locked.value),
            hardware: hardware?,
            access: Access {
                ssh: pod.ssh.is_some_and(|on| on.value),
                jupyter: pod.jupyter.is_some_and(|on| on.value),
            },
            run: pod.state.map_or(RunState::Running, |state| state.value),
            lifecycle: lifecycle(&pod.lifecycle),
            depends_on,
            adopt: pod.adopt.map(|adopt| adopt.value),
            labels: pod.labels.into_iter().map(|(name, value)| (name, value.value)).collect(),
            profiles,
        })
    }

    fn missing_image(&mut self, key: &Key, pod: &syntax::Pod) {
        if pod.image_was_typed {
            return;
        }
        let mistake = Diagnostic::at(Problem::MissingKey, pod.span, format!("the pod `{key}` needs `image`"));
        self.log.push(mistake.help("add `image: NAME:TAG` to it or to `defaults`"));
    }

    fn registry(&mut self, pod: &syntax::Pod) -> Option<(String, RegistryId)> {
        let name = pod.registry.as_ref()?;
        if let Some(id) = self.spec.registries.get(&name.value) {
            return Some((name.value.clone(), id.value.clone()));
        }
        if !self.spec.registry_names.contains(&name.value) {
            let detail = format!("`registries` has no {}", shown(&name.value));
            let mistake = Diagnostic::at(Problem::InvalidValue, name.span, detail);
            let near = self.log.closest(&name.value, self.spec.registry_names.iter().map(String::as_str));
            self.log.push(match near {
                Some(near) => mistake.fix(name.span, near, "did you mean"),
                None => mistake.help(format!("add `{}: {{ id: ID }}` under `registries:`", name.value)),
            });
        }
        None
    }

    fn env(&mut self, entries: Vec<EnvEntry>) -> BTreeMap<EnvKey, EnvSyntax> {
        let mut env = BTreeMap::new();
        for EnvEntry { key, value } in entries {
            if let EnvSyntax::Secret(name) = &value
                && !self.spec.secret_names.contains(&name.value)
            {
                let detail = format!("`secrets` has no {}", shown(&name.value));
                let mistake = Diagnostic::at(Problem::UndefinedSecret, name.span, detail);
                let near = self.log.closest(&name.value, self.spec.secret_names.iter().map(String::as_str));
                self.log.push(match near {
                    Some(near) => mistake.fix(name.span, near, "did you mean"),
                    None => mistake
                        .help(format!("add `{}: {{ env: {} }}` under `secrets:`", name.value, key.value)),
                });
            }
            env.insert(key.value, value);
        }
        env
    }

    fn storage(&mut self, pod: &syntax::Pod) -> Option<ResolvedStorage> {
        let mounts = pod.volumes.as_ref().map(|mounts| mounts.value.as_slice()).unwrap_or_default();
        if let [first, second, ..] = mounts {
            let both_network =
                matches!((&first.value, &second.value), (Mount::Network { .. }, Mount::Network { .. }));
            let detail = if both_network {
                "a pod mounts at most one network volume"
            } else {
                "a pod mounts one volume, a network volume or a local one"
            };
            let mistake = Diagnostic::at(Problem::ConflictingKeys, second.span, detail);
            self.log.push(mistake.label(first.span, "the first one").help("this is a limit of RunPod's API"));
        }
        for mount in mounts {
            if let Mount::Network { name, path: _ } = &mount.value {
                self.known_volume(name, mount.span);
            }
        }
        match mounts.first().map(|mount| &mount.value) {
            None => Some(ResolvedStorage::None),
            Some(Mount::Local { size, path }) => {
                if let (Some(cpu), Some(mount)) = (&pod.cpu, mounts.first()) {
                    let mistake = Diagnostic::at(
                        Problem::ConflictingKeys,
                        mount.span,
                        "a CPU pod has no local volume",
                    )
                    .label(cpu.span, "a CPU pod by this")
                    .help(
                        "mount a network volume, or use the container `disk`, which is wiped on every stop",
                    );
                    self.log.push(mistake);
                }
                Some(ResolvedStorage::Local { size: *size, path: path.clone() })
            }
            Some(Mount::Network { name, path }) => {
                let volume: Key = name.parse().ok()?;
                self.spec.volumes.get(&volume)?;
                Some(ResolvedStorage::Network { volume, path: path.clone() })
            }
        }
    }

    fn known_volume(&mut self, name: &str, span: Span) {
        if self.spec.volume_names.contains(name) {
            return;
        }
        let mistake =
            Diagnostic::at(Problem::UndefinedVolume, span, format!("`volumes` has no {}", shown(name)));
        // Flags and `moved` name a volume by its address, so that is what people write here too.
        let key = ["volume.", "volumes."].iter().find_map(|section| name.strip_prefix(section));
        let key = key.unwrap_or(name);
        if self.spec.volume_names.contains(key) {
            self.log.push(mistake.help(format!("did you mean `{key}`? A mount names a volume by its key")));
            return;
        }
        self.log.push(match self.log.closest(key, self.spec.volume_names.iter().map(String::as_str)) {
            Some(near) => mistake.help(format!("did you mean `{near}`?")),
            None => mistake.help(format!(
                "add `{key}: {{ size: 100GB, data_center: EU-RO-1 }}` under the top-level `volumes:`"
            )),
        });
    }

    fn hardware(
        &mut self,
        key: &Key,
        pod: &syntax::Pod,
        storage: Option<&ResolvedStorage>,
    ) -> Option<Hardware> {
        let compute = self.compute(key, pod);
        let mut cloud = pod.cloud.map_or(CloudWish::Only(Cloud::Secure), |cloud| cloud.value);
        let only_secure = match (storage, &pod.cpu) {
            (Some(ResolvedStorage::Network { .. }), _) => Some("network volumes are in Secure Cloud only"),
            (_, Some(_)) => Some("CPU pods are in Secure Cloud only"),
            (Some(ResolvedStorage::None | ResolvedStorage::Local { .. }) | None, None) => None,
        };
        if let Some(reason) = only_secure {
            if let (CloudWish::Only(Cloud::Community), Some(typed)) = (cloud, pod.cloud) {
                let mistake = Diagnostic::at(Problem::ConflictingKeys, typed.span, reason);
                self.log.push(mistake.fix(typed.span, "secure", "write"));
            }
            cloud = CloudWish::Only(Cloud::Secure);
        }
        if let (Some(cuda), Some(cpu)) = (&pod.cuda, &pod.cpu) {
            let mistake = Diagnostic::at(Problem::ConflictingKeys, cuda.span, "a CPU pod has no CUDA");
            self.log.push(mistake.label(cpu.span, "a CPU pod by this"));
        }
        let typed = pod.data_centers.as_ref().map(|list| list.value.as_slice()).unwrap_or_default();
        let mut data_centers: BTreeSet<DataCenterId> = typed.iter().map(|id| id.value.clone()).collect();
        if let Some((home, place)) = storage.and_then(|storage| self.home(storage)) {
            if let (false, true, Some(list)) =
                (data_centers.contains(&home), !typed.is_empty(), &pod.data_centers)
            {
                let detail = format!("the pod's volume is in `{home}`, which is not in this list");
                let mistake = Diagnostic::at(Problem::ConflictingKeys, list.span, detail);
                self.log.push(mistake.label(place, "the volume's data center"));
            }
            data_centers = BTreeSet::from([home]);
        }
        Some(Hardware {
            compute: compute?,
            cloud,
            data_centers,
            countries: pod
                .countries
                .iter()
                .flat_map(|list| &list.value)
                .map(|code| code.value.clone())
                .collect(),
            max_price: pod.max_price.map(|price| price.value),
        })
    }

    /// Returns where a mounted volume of this spec lives, as its pod must live there too.
    fn home(&self, storage: &ResolvedStorage) -> Option<(DataCenterId, Span)> {
        let ResolvedStorage::Network { volume, path: _ } = storage else {
            return None;
        };
        match &self.spec.volumes.get(volume)?.value {
            Volume::Managed { data_center: Some(id), .. } => Some((id.value.clone(), id.span)),
            Volume::Managed { data_center: None, .. } | Volume::Referenced(_) => None,
        }
    }

    fn compute(&mut self, key: &Key, pod: &syntax::Pod) -> Option<ComputeWish> {
        match (&pod.gpu, &pod.cpu) {
            (Some(gpu), None) => Some(ComputeWish::Gpu(gpu_wish(&gpu.value, pod.cuda.as_ref()))),
            (None, Some(cpu)) => Some(ComputeWish::Cpu(CpuWish {
                flavors: cpu.value.flavors.iter().map(|flavor| flavor.value.clone()).collect(),
                vcpus: cpu.value.vcpus?.value,
            })),
            (Some(gpu), Some(cpu)) => {
                let detail = format!("the pod `{key}` has both `gpu` and `cpu`");
                let mistake = Diagnostic::at(Problem::ConflictingKeys, cpu.span, detail);
                self.log.push(mistake.label(gpu.span, "`gpu` here").help("keep one of them"));
                None
            }
            (None, None) => {
                if !pod.compute_was_typed {
                    let detail = format!("the pod `{key}` needs `gpu` or `cpu`");
                    let mistake = Diagnostic::at(Problem::MissingKey, pod.span, detail);
                    self.log.push(
                        mistake.help("add `gpu: L40S`, or `cpu: { flavors: [cpu5c, cpu3c], vcpus: 4 }`"),
                    );
                }
                None
            }
        }
    }

    fn depends_on(&mut self, key: &Key, pod: &syntax::Pod) -> BTreeSet<Key> {
        let mut known = BTreeSet::new();
        for name in pod.depends_on.iter().flat_map(|list| &list.value) {
            match name.value.parse::<Key>() {
                Ok(other) if other != *key && self.spec.pod_names.contains(&name.value) => {
                    known.insert(other);
                }
                // A pod that waits for itself is a cycle of one, reported with the other cycles.
                Ok(other) if other == *key => {}
                Ok(_) | Err(_) => self.undefined_pod(name),
            }
        }
        known
    }

    fn undefined_pod(&mut self, name: &Spanned<String>) {
        let mistake =
            Diagnostic::at(Problem::UndefinedPod, name.span, format!("`pods` has no {}", shown(&name.value)));
        let replicated = name.value.split_once('[').filter(|(key, _)| self.spec.pod_names.contains(*key));
        let is_volume = name.value.starts_with("volume.") || self.spec.volume_names.contains(&name.value);
        let near = self.log.closest(&name.value, self.spec.pod_names.iter().map(String::as_str));
        self.log.push(match (replicated, near) {
            (Some((key, _)), _) => mistake.fix(name.span, key, "a key stands for all of its replicas"),
            (None, _) if is_volume => mistake.help("a volume is always there before the pods that mount it"),
            (None, Some(near)) => mistake.fix(name.span, near, "did you mean"),
            (None, None) => mistake,
        });
    }

    fn length_of_name(&mut self, pod: &syntax::Pod) {
        let (Some(name), Some(replicas)) = (&pod.name, pod.replicas) else {
            return;
        };
        let last = replicas.value.saturating_sub(1);
        let longest = super::lower::pod_name(&name.value, Some(last));
        let length = longest.chars().count();
        if length > MAX_NAME {
            let detail =
                format!("a name has at most {MAX_NAME} characters, and the last replica's has {length}");
            self.log.push(Diagnostic::at(Problem::InvalidName, name.span, detail));
        }
    }

    fn entrypoint(&mut self, pod: &syntax::Pod) {
        let Some(entrypoint) = &pod.entrypoint else {
            return;
        };
        if self.api() == Api::V2 {
            let mistake = Diagnostic::at(Problem::ConflictingKeys, entrypoint.span, "REST v2 cannot set an entrypoint")
                .help("give the whole program in `command`, set the entrypoint in the image, or use `provider: { api: v1 }`");
            self.log.push(match self.spec.provider.api {
                Some(api) => mistake.label(api.span, "REST v2 here"),
                None => mistake,
            });
        }
    }
}

/// Fills the defaults of a `gpu`.
pub(super) fn gpu_wish(gpu: &syntax::Gpu, cuda: Option<&Spanned<CudaWish>>) -> GpuWish {
    // Without a list there is no order to follow, and any GPU with enough memory is as good as any other.
    let default_order = if gpu.any_of.is_empty() { GpuOrder::Price } else { GpuOrder::Listed };
    GpuWish {
        any_of: gpu.any_of.iter().map(|choice| choice.value.clone()).collect(),
        order: gpu.order.map_or(default_order, |order| order.value),
        count: gpu.count.map_or(1, |count| count.value),
        memory: gpu.memory.map(|memory| memory.value).unwrap_or_default(),
        cuda: cuda.map_or(CudaWish::Any, |cuda| cuda.value.clone()),
    }
}

fn lifecycle(typed: &syntax::Lifecycle) -> Lifecycle {
    let syntax::Lifecycle { span: _, protect, on_remove, on_replace, on_stuck_resume, ignore_changes } =
        typed;
    Lifecycle {
        protect: protect.is_some_and(|protect| protect.value),
        on_remove: on_remove.map(|choice| choice.value).unwrap_or_default(),
        on_replace: on_replace.map(|choice| choice.value).unwrap_or_default(),
        on_stuck_resume: on_stuck_resume.map(|choice| choice.value).unwrap_or_default(),
        ignore_changes: ignore_changes.iter().map(|field| field.value.clone()).collect(),
    }
}

/// Returns where the fields of a pod were written.
fn places_of(pod: &syntax::Pod) -> Places {
    let mut places = Places::new(pod.span);
    places.put(Field::Name, pod.name.as_ref());
    places.put(Field::Image, pod.image.as_ref());
    places.put(Field::Registry, pod.registry.as_ref());
    places.put(Field::Command, pod.command.as_ref());
    places.put(Field::Entrypoint, pod.entrypoint.as_ref());
    places.put(Field::Ports, pod.ports.as_ref());
    places.put(Field::Gpu, pod.gpu.as_ref());
    places.put(Field::GpuCount, pod.gpu.as_ref().and_then(|gpu| gpu.value.count.as_ref()));
    places.put(Field::Cpu, pod.cpu.as_ref());
    places.put(Field::Cuda, pod.cuda.as_ref());
    places.put(Field::DataCenter, pod.data_centers.as_ref());
    places.put(Field::Country, pod.countries.as_ref());
    places.put(Field::Cloud, pod.cloud.as_ref());
    places.put(Field::Disk, pod.disk.as_ref());
    places.put(Field::Volumes, pod.volumes.as_ref());
    places.put(Field::Ssh, pod.ssh.as_ref());
    places.put(Field::Jupyter, pod.jupyter.as_ref());
    places.put(Field::GlobalNetworking, pod.global_networking.as_ref());
    places.put(Field::Locked, pod.locked.as_ref());
    places.put(Field::DependsOn, pod.depends_on.as_ref());
    places.put(Field::Replicas, pod.replicas.as_ref());
    places.put(Field::State, pod.state.as_ref());
    places.put(Field::Adopt, pod.adopt.as_ref());
    if let Some(span) = pod.lifecycle.span {
        places.fields.push((Field::Lifecycle, span));
    }
    let env = pod.env.iter().map(|entry| (Field::Env(entry.key.value.clone()), entry.key.span));
    places.fields.extend(env);
    places.fields.shrink_to_fit();
    places
}

/// Returns all addresses of the spec, in and out of scope.
pub(super) fn addresses(spec: &Spec) -> BTreeSet<Address> {
    let volumes = spec.volumes.keys().cloned().map(Address::Volume);
    let pods = spec.pods.iter().flat_map(|(key, pod)| replicas(key, pod.replicas.map(|count| count.value)));
    volumes.chain(pods).collect()
}

/// Returns the addresses of one pod of the spec.
pub(super) fn replicas(key: &Key, count: Option<u32>) -> Vec<Address> {
    match count {
        None => vec![Address::pod(key.clone())],
        Some(count) => (0..count).map(|number| Address::replica(key.clone(), number)).collect(),
    }
}
