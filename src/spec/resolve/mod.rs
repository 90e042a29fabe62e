//! [`Spec`] to [`Resolved`]: every reference exists, every rule between keys holds, every default is filled.
//!
//! Values were checked one by one while the tree was read; this looks at how they fit together.

mod job;
mod pod;
mod ready;
mod update;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{Budget, Move, OnRemove, WIDEST_WAVE, WantedSecret, WantedVolume};
use crate::model::id::{ProjectName, RegistryId};
use crate::model::location::Location;
use crate::model::pod::EnvValue;
use crate::model::prior::{Api, ProviderKind};
use crate::model::registry::Credentials;
use crate::model::secret::SecretName;
use crate::model::settings::Field;
use crate::model::volume::{VolumeConfig, VolumeTier};

use super::cycles;
use super::diagnostic::{Collector, Diagnostic, Problem, listed};
use super::moves;
use super::pod::{Pod, Replicas};
use super::positions::{AllPlaces, Places};
use super::references::{self, Meant};
use super::sensitive::shown;
use super::source::{Span, Spanned};
use super::syntax::{RegistryDeclaration, SecretDeclaration, Spec, Username, Volume};

pub(super) use self::pod::{ResolvedPod, ResolvedStorage};

/// The most pods of one spec, replicas counted; every command is measured with as many.
const MAX_PODS: usize = 100_000;

/// The most dependencies between them.
const MAX_EDGES: usize = 1_000_000;

/// A spec without dangling references, with all defaults filled. Only [`resolve`] makes it.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub project: ProjectName,
    pub kind: ProviderKind,
    pub api: Api,
    pub state: Location,
    pub secrets: BTreeMap<String, SecretDeclaration>,
    /// Those of them that podform makes in RunPod.
    pub made: BTreeMap<Key, WantedSecret>,
    /// Credentials that others stored, by the names that the spec has for them.
    pub registries: BTreeMap<String, RegistryId>,
    /// Those that podform stores.
    pub stored: BTreeMap<Key, Credentials>,
    pub volumes: BTreeMap<Key, WantedVolume>,
    pub pods: BTreeMap<Key, Box<ResolvedPod>>,
    /// What the references in their texts mean.
    pub references: BTreeMap<Key, Meant>,
    pub places: AllPlaces,
    pub moved: Vec<Move>,
    pub removed: BTreeMap<Address, OnRemove>,
    pub budget: Budget,
}

/// Checks a spec as a whole; `None` after it has reported why.
pub(super) fn resolve(mut spec: Spec, profiles: &[String], log: &mut Collector) -> Option<Resolved> {
    let mut resolver = Resolver { spec: &spec, profiles, log };
    resolver.unknown_profiles();
    resolver.limits()?;
    resolver.adopted_twice();
    resolver.conditions();
    cycles::report(&spec, log);
    let references = references::resolve(&spec, log);
    let moved = moves::resolve(&spec, log);
    let removed = moves::removed(&spec, log);
    let typed = std::mem::take(&mut spec.pods);
    let mut resolver = Resolver { spec: &spec, profiles, log };
    let mut places = AllPlaces::default();
    let made = resolver.made(&mut places.secrets);
    let stored = resolver.stored(&mut places.registries);
    let volumes = resolver.volumes(&mut places.volumes);
    let pods = typed
        .into_iter()
        .filter_map(|(key, pod)| {
            places.pods.insert(key.clone(), pod.places());
            let resolved = resolver.pod(&key, *pod)?;
            Some((key, Box::new(resolved)))
        })
        .collect();
    let api = resolver.api();
    let project = spec.project?.value;
    let kind = spec.provider.kind.map_or(ProviderKind::Runpod, |kind| kind.value);
    let state = spec.state.map_or_else(|| default_state(kind, &project), |place| place.value);
    Some(Resolved {
        kind,
        api,
        state,
        made,
        secrets: spec.secrets.into_iter().map(|(name, source)| (name, source.value)).collect(),
        registries: spec
            .registries
            .into_iter()
            .filter_map(|(name, registry)| match registry.value {
                RegistryDeclaration::Given(id) => Some((name, id)),
                RegistryDeclaration::Made { .. } => None,
            })
            .collect(),
        stored,
        volumes,
        pods,
        references,
        places,
        moved,
        removed,
        budget: spec.budget,
        project,
    })
}

/// Returns the state of a spec that names none. That of the simulator is another file than that of the account, so that
/// a trial neither meets a state of the account nor is in its way afterwards.
pub(super) fn default_state(kind: ProviderKind, project: &ProjectName) -> Location {
    Location::File(match kind {
        ProviderKind::Runpod => format!("state/{project}.db"),
        ProviderKind::Simulator => format!("state/{project}.simulated.db"),
    })
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
        let count = |pod: &Pod| pod.replicas().map_or(1, Replicas::len);
        let mut pods = 0;
        let mut edges = 0;
        for pod in self.spec.pods.values() {
            let waits_for = pod.depends_on.iter().flat_map(|list| &list.value).filter_map(|name| {
                let key: Key = name.value.pod.parse().ok()?;
                self.spec.pods.get(&key).map(|pod| count(pod))
            });
            edges += count(pod).saturating_mul(waits_for.sum::<usize>().saturating_add(pod.references.len()));
            // Each replica of a wave waits for each of the wave before, unless the waves are large.
            edges += pod.at_once().map_or(0, |at_once| {
                at_once.of(count(pod)).min(count(pod)).min(WIDEST_WAVE).saturating_mul(count(pod))
            });
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
            .map(String::as_str)
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

    /// Returns the secrets that podform makes in RunPod, where no two have one name in any case of letters.
    fn made(&mut self, all_places: &mut BTreeMap<Key, Places>) -> BTreeMap<Key, WantedSecret> {
        let mut made = BTreeMap::new();
        let mut first: BTreeMap<String, Span> = BTreeMap::new();
        for (key, secret) in &self.spec.secrets {
            let SecretDeclaration::Runpod { name, from: Some(_) } = &secret.value else { continue };
            if let Some(place) = first.insert(name.to_ascii_lowercase(), secret.span) {
                let detail = format!("RunPod has one secret of the name `{name}`, in any case of letters");
                let mistake = Diagnostic::at(Problem::ConflictingKeys, secret.span, detail);
                self.log.push(mistake.label(place, "made here as well"));
            }
            // The key was checked when it was read.
            let Ok(key) = Key::of_name(key) else { continue };
            all_places.insert(key.clone(), Places::new(secret.span));
            made.insert(key, WantedSecret { name: name.clone() });
        }
        made
    }

    /// Returns the credentials that podform stores in RunPod. What it sends must be a value that it reads.
    fn stored(&mut self, all_places: &mut BTreeMap<Key, Places>) -> BTreeMap<Key, Credentials> {
        let mut stored = BTreeMap::new();
        for (key, registry) in &self.spec.registries {
            let RegistryDeclaration::Made { username, password } = &registry.value else { continue };
            let username = match username {
                Some(Username::Typed(name)) => Some(EnvValue::Plain(name.clone())),
                Some(Username::Secret(name)) => self.read_secret(name).map(EnvValue::Secret),
                None => None,
            };
            let password = password.as_ref().and_then(|name| self.read_secret(name));
            // The key was checked when it was read.
            let Ok(key) = Key::of_name(key) else { continue };
            all_places.insert(key.clone(), Places::new(registry.span));
            if let Some((username, password)) = username.zip(password) {
                stored.insert(key, Credentials { username, password });
            }
        }
        stored
    }

    /// Returns the name of a secret whose value podform reads.
    fn read_secret(&mut self, name: &Spanned<String>) -> Option<SecretName> {
        match self.spec.secrets.get(&name.value).map(|secret| &secret.value) {
            Some(SecretDeclaration::Read(_) | SecretDeclaration::Runpod { name: _, from: Some(_) }) => {
                Some(SecretName::Declared(name.value.clone()))
            }
            Some(SecretDeclaration::Runpod { name: _, from: None }) => {
                let detail = format!(
                    "the value of {} stays in RunPod, which shows it to nobody, so that it cannot be sent",
                    shown(&name.value)
                );
                let mistake = Diagnostic::at(Problem::InvalidValue, name.span, detail);
                self.log.push(mistake.help("give it by `env` or `file`"));
                None
            }
            None => {
                self.no_secret(name, &name.value.to_ascii_uppercase());
                None
            }
        }
    }

    /// Reports a reference to a secret that is not declared.
    fn no_secret(&mut self, name: &Spanned<String>, variable: &str) {
        if self.spec.secret_names.contains(&name.value) {
            return;
        }
        let detail = format!("`secrets` has no {}", shown(&name.value));
        let mistake = Diagnostic::at(Problem::UndefinedSecret, name.span, detail);
        let near = self.log.closest(&name.value, self.spec.secret_names.iter().map(String::as_str));
        self.log.push(match near {
            Some(near) => mistake.fix(name.span, near, "did you mean"),
            None => mistake.help(format!("add `{}: {{ env: {variable} }}` under `secrets:`", name.value)),
        });
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
}

/// Returns all addresses of the spec, in and out of scope.
pub(super) fn addresses(spec: &Spec) -> BTreeSet<Address> {
    let made = spec.secrets.iter().filter_map(|(key, secret)| match &secret.value {
        SecretDeclaration::Runpod { name: _, from: Some(_) } => Key::of_name(key).ok().map(Address::Secret),
        SecretDeclaration::Runpod { name: _, from: None } | SecretDeclaration::Read(_) => None,
    });
    let stored = spec.registries.iter().filter_map(|(key, registry)| match &registry.value {
        RegistryDeclaration::Made { .. } => Key::of_name(key).ok().map(Address::Registry),
        RegistryDeclaration::Given(_) => None,
    });
    let volumes = spec.volumes.keys().cloned().map(Address::Volume);
    let pods = spec.pods.iter().flat_map(|(key, pod)| replicas(key, pod.replicas()));
    made.chain(stored).chain(volumes).chain(pods).collect()
}

/// Returns the addresses of one pod of the spec.
pub(super) fn replicas(key: &Key, replicas: Option<&Replicas>) -> Vec<Address> {
    match replicas {
        None => vec![Address::pod(key.clone())],
        Some(replicas) => replicas.numbers().map(|number| Address::replica(key.clone(), number)).collect(),
    }
}
