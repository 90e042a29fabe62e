//! One pod against the rest of the spec.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{CloudWish, ComputeWish, CpuWish, Hardware, OnStuckResume};
use crate::model::id::DataCenterId;
use crate::model::job::{Job, Until};
use crate::model::pod::Cloud;
use crate::model::prior::Api;
use crate::model::registry::Registry;
use crate::model::size::Gigabytes;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::interpolate::Text;
use crate::spec::lower::pod_name;
use crate::spec::pod::{EnvSyntax, MAX_NAME, Mount, Pod};
use crate::spec::sensitive::shown;
use crate::spec::source::{Span, Spanned};
use crate::spec::syntax::{RegistryDeclaration, Volume};

use super::{Resolver, job};

/// A pod of the spec, before it is multiplied.
#[derive(Clone, Debug)]
pub(in crate::spec) struct ResolvedPod {
    /// What needs no other part of the spec, and what the rest was made of.
    pub typed: Pod,
    /// Whether the chosen profiles select it.
    pub selected: bool,
    /// A template has it otherwise.
    pub image: Option<Text>,
    /// Its name in the spec and what that stands for.
    pub registry: Option<(String, Registry)>,
    pub storage: ResolvedStorage,
    pub hardware: Hardware,
    pub depends_on: BTreeSet<Key>,
    /// How far jobs among those must be.
    pub until: BTreeMap<Key, Until>,
    pub job: Option<Job>,
}

/// What a pod mounts.
#[derive(Clone, Debug)]
pub(in crate::spec) enum ResolvedStorage {
    None,
    Local { size: Gigabytes, path: Text },
    Network { volume: Key, path: Text },
}

impl Resolver<'_> {
    pub(super) fn pod(&mut self, key: &Key, mut pod: Pod) -> Option<ResolvedPod> {
        let registry = self.registry(&pod);
        self.secrets(&pod);
        let storage = self.storage(&pod);
        let hardware = self.hardware(key, &pod, storage.as_ref());
        let depends_on = self.depends_on(key, &pod);
        self.waits_for_its_host(&pod);
        let job = self.job(key, &pod);
        self.length_of_name(&pod);
        self.update(&pod);
        self.ready(&pod);
        self.boot(&pod);
        if let (Some(adopt), Some(replicas)) = (&pod.adopt, &pod.replicas) {
            let detail = "one pod cannot become all replicas";
            let mistake = Diagnostic::at(Problem::ConflictingKeys, adopt.span, detail)
                .label(replicas.span, "several pods here");
            let number = replicas.value.numbers().next().unwrap_or_default();
            let id = adopt.value.as_str();
            self.log.push(mistake.help(format!("take it over with `podform import '{key}[{number}]' {id}`")));
        }
        self.template(&pod);
        if pod.image.is_none() && pod.template.is_none() {
            // A wrong image was reported where it stands, so only an absent one is reported here; the reader cannot
            // tell, as `defaults` may have had it.
            self.missing_image(key, &pod);
        }
        let selected = match &pod.profiles {
            Some(Spanned { value: profiles, span: _ }) if !profiles.is_empty() => {
                self.profiles.iter().any(|chosen| profiles.contains(chosen))
            }
            Some(_) | None => true,
        };
        let image = match pod.image.take() {
            Some(image) => Some(image.value),
            None if pod.template.is_some() && !pod.image_was_typed => None,
            None => return None,
        };
        Some(ResolvedPod {
            until: job::until(&pod),
            job,
            typed: pod,
            selected,
            image,
            registry,
            storage: storage?,
            hardware: hardware?,
            depends_on,
        })
    }

    fn template(&mut self, pod: &Pod) {
        let Some(template) = &pod.template else { return };
        match self.api() {
            Api::V2 => {}
            Api::V1 | Api::Graphql => {
                let detail = "a template is read over REST v2 only";
                let mistake = Diagnostic::at(Problem::ConflictingKeys, template.span, detail);
                self.log.push(
                    mistake.help("write `provider: { api: v2 }`, or the values of the template into the pod"),
                );
            }
        }
    }

    /// Who waits for the host of a stopped pod says how long.
    fn waits_for_its_host(&mut self, pod: &Pod) {
        let Some(lifecycle) = &pod.lifecycle else { return };
        if lifecycle.value.on_stuck_resume != OnStuckResume::Wait || pod.retry.is_some() {
            return;
        }
        let detail = "`on_stuck_resume: wait` waits as long as `retry` says, which is missing";
        let mistake = Diagnostic::at(Problem::MissingKey, lifecycle.span, detail);
        self.log.push(mistake.help("add `retry: { for: 2h }` to the pod or to `defaults`"));
    }

    fn missing_image(&mut self, key: &Key, pod: &Pod) {
        if pod.image_was_typed {
            return;
        }
        let mistake = Diagnostic::at(Problem::MissingKey, pod.span, format!("the pod `{key}` needs `image`"));
        self.log.push(mistake.help("add `image: NAME:TAG` to it or to `defaults`, or name a `template`"));
    }

    fn registry(&mut self, pod: &Pod) -> Option<(String, Registry)> {
        let name = pod.registry.as_ref()?;
        if let Some(registry) = self.spec.registries.get(&name.value) {
            let registry = match &registry.value {
                RegistryDeclaration::Given(id) => Registry::Given(id.clone()),
                // The key was checked when it was read.
                RegistryDeclaration::Made { .. } => {
                    Registry::Made(Address::Registry(Key::of_name(&name.value).ok()?))
                }
            };
            return Some((name.value.clone(), registry));
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

    fn secrets(&mut self, pod: &Pod) {
        for (key, value) in pod.env.iter().flat_map(|env| &env.value) {
            let EnvSyntax::Secret(name) = &value.value else {
                continue;
            };
            self.no_secret(name, key.as_str());
        }
    }

    fn storage(&mut self, pod: &Pod) -> Option<ResolvedStorage> {
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

    fn hardware(&mut self, key: &Key, pod: &Pod, storage: Option<&ResolvedStorage>) -> Option<Hardware> {
        let compute = self.compute(key, pod);
        let mut cloud = pod.cloud();
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
        if let (Some(rent), Api::V2) = (pod.rent, self.api())
            && rent.value.bid().is_some()
        {
            let detail = "REST v2 cannot ask for a spot pod";
            let mistake = Diagnostic::at(Problem::ConflictingKeys, rent.span, detail);
            self.log.push(mistake.help(
                "RunPod took spot pods off sale in May 2026; remove `rent:`, or write `provider: { api: graphql }` \
                 where they are still sold",
            ));
        }
        for (span, why) in pod.only_of_gpus() {
            let Some(cpu) = &pod.cpu else { break };
            let mistake = Diagnostic::at(Problem::ConflictingKeys, span, why);
            self.log.push(mistake.label(cpu.span, "a CPU pod by this"));
        }
        let typed = pod.data_centers().map(|list| list.value.as_slice()).unwrap_or_default();
        let mut data_centers: BTreeSet<DataCenterId> = typed.iter().map(|id| id.value.clone()).collect();
        if let Some((home, place)) = storage.and_then(|storage| self.home(storage)) {
            if let (false, true, Some(list)) =
                (data_centers.contains(&home), !typed.is_empty(), pod.data_centers())
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
            countries: pod.countries().map(|list| list.value.clone()).unwrap_or_default(),
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

    fn compute(&mut self, key: &Key, pod: &Pod) -> Option<ComputeWish> {
        match (&pod.gpu, &pod.cpu) {
            (Some(gpu), None) => Some(ComputeWish::Gpu(gpu.value.wish(pod.host(), pod.rent()))),
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

    fn depends_on(&mut self, key: &Key, pod: &Pod) -> BTreeSet<Key> {
        let mut known: BTreeMap<Key, Span> = BTreeMap::new();
        for name in pod.depends_on.iter().flat_map(|list| &list.value) {
            match name.value.pod.parse::<Key>() {
                Ok(other) if other != *key && self.spec.pod_names.contains(&name.value.pod) => {
                    match known.get(&other) {
                        Some(place) => {
                            let detail = format!("`{other}` stands here for the second time");
                            let mistake = Diagnostic::at(Problem::InvalidValue, name.span, detail);
                            self.log.push(mistake.label(*place, "first here"));
                        }
                        None => drop(known.insert(other, name.span)),
                    }
                }
                // A pod that waits for itself is a cycle of one, reported with the other cycles.
                Ok(other) if other == *key => {}
                Ok(_) | Err(_) => {
                    let pod = name.value.pod.clone();
                    self.undefined_pod(&Spanned { value: pod, span: name.span });
                }
            }
        }
        known.into_keys().collect()
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

    fn length_of_name(&mut self, pod: &Pod) {
        let (Some(name), Some(replicas)) = (&pod.name, pod.replicas()) else {
            return;
        };
        let last = replicas.numbers().last().unwrap_or_default();
        let longest = pod_name(&name.value, Some(last));
        let length = longest.chars().count();
        if length > MAX_NAME {
            let detail =
                format!("a name has at most {MAX_NAME} characters, and the last replica's has {length}");
            self.log.push(Diagnostic::at(Problem::InvalidName, name.span, detail));
        }
    }
}
