//! [`Resolved`] to [`Desired`]: replicas are numbered, references become addresses, positions are left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::address::{Address, Key};
use crate::model::desired::{Deselected, Desired, Wanted, WantedPod};
use crate::model::id::{EnvKey, ProjectName};
use crate::model::job;
use crate::model::pod::{EnvValue, Storage};
use crate::model::registry::{Credentials, Registry};
use crate::model::secret::{self, Secret, SecretName, Secrets};
use crate::model::settings::{Container, Field};
use crate::model::template::FromTemplate;

use super::interpolate::Text;
use super::pod::{EnvSyntax, Pod};
use super::positions::AllPlaces;
use super::references;
use super::resolve::{Resolved, ResolvedPod, ResolvedStorage, replicas};
use super::source::Spanned;
use super::syntax::SecretDeclaration;

/// What a spec wants, and beside it the literal values that must not be compared, stored or shown.
#[derive(Debug)]
pub(super) struct Lowered {
    pub desired: Desired,
    pub literals: Secrets,
    pub places: AllPlaces,
}

/// Lowers a spec. Nothing can be wrong any more.
pub(super) fn lower(resolved: Resolved) -> Lowered {
    let Resolved {
        project,
        kind: _,
        api: _,
        state: _,
        secrets,
        made,
        registries: _,
        stored,
        volumes,
        pods,
        references,
        places,
        moved,
        removed,
        budget,
    } = resolved;
    let mut used: BTreeSet<String> = made.keys().map(|key| key.as_str().to_owned()).collect();
    let by_name: BTreeMap<String, Address> = made
        .iter()
        .map(|(key, secret)| (secret.name.to_ascii_lowercase(), Address::Secret(key.clone())))
        .collect();
    let made = made.into_iter().map(|(key, secret)| (Address::Secret(key), Wanted::Secret(secret)));
    used.extend(stored.values().flat_map(Credentials::secrets).filter_map(|name| match name {
        SecretName::Declared(name) => Some(name.clone()),
        SecretName::Literal { .. } => None,
    }));
    let stored = stored.into_iter().map(|(key, stored)| (Address::Registry(key), Wanted::Registry(stored)));
    let volumes = volumes.into_iter().map(|(key, volume)| (Address::Volume(key), Wanted::Volume(volume)));
    let mut wanted: Vec<(Address, Wanted)> = volumes.chain(made).chain(stored).collect();
    let mut out_of_scope = BTreeMap::new();
    let (mut ready, mut boot) = (BTreeMap::new(), BTreeMap::new());
    let waited_for = waited_for(&pods);
    let mut literals = Secrets::default();
    let replicated =
        pods.iter().filter(|(_, pod)| pod.typed.replicas.is_some()).map(|(key, _)| key.clone()).collect();
    let protected =
        pods.iter().filter(|(_, pod)| pod.typed.is_protected()).map(|(key, _)| key.clone()).collect();
    let dropped = pods.iter().flat_map(|(key, pod)| {
        let without = pod.typed.replicas().into_iter().flat_map(|replicas| &replicas.without);
        without.map(|number| Address::replica(key.clone(), *number))
    });
    let dropped = dropped.collect();
    let retries = pods.iter().filter_map(|(key, pod)| Some((key.clone(), pod.typed.patience()?))).collect();
    for (key, pod) in pods {
        let addresses = replicas(&key, pod.typed.replicas());
        if !pod.selected {
            let run = pod.typed.wanted_state();
            let is_job = pod.typed.is_job();
            let profiles = pod.typed.profiles.map(|profiles| profiles.value).unwrap_or_default();
            let deselected = Deselected { profiles, run, is_job };
            out_of_scope.extend(addresses.into_iter().map(|address| (address, deselected.clone())));
            continue;
        }
        if let Some(asked) = &pod.typed.ready {
            let asked = &asked.value.value;
            ready.extend(addresses.iter().map(|address| (address.clone(), asked.clone())));
        }
        if let Some(limit) = &pod.typed.boot {
            boot.extend(addresses.iter().map(|address| (address.clone(), limit.value)));
        }
        let replicas = std::iter::repeat_n(pod, addresses.len());
        for (address, pod) in addresses.into_iter().zip(replicas) {
            let env = Env { declared: &secrets, address: &address, used: &mut used, literals: &mut literals };
            let mut lowered = lower_pod(&project, &waited_for, *pod, env);
            if let Some(meant) = references.get(&key) {
                references::put_in(meant, &mut lowered);
            }
            lowered.depends_on.extend(made_for(&lowered, &by_name));
            wanted.push((address, Wanted::Pod(Box::new(lowered))));
        }
    }
    let secrets =
        used.into_iter()
            .filter_map(|name| match secrets.get(&name)? {
                SecretDeclaration::Read(source)
                | SecretDeclaration::Runpod { name: _, from: Some(source) } => Some((name, source.clone())),
                SecretDeclaration::Runpod { name: _, from: None } => None,
            })
            .collect();
    let wanted = wanted.into_iter().collect();
    let desired = Desired {
        project,
        wanted,
        out_of_scope,
        replicated,
        dropped,
        protected,
        moved,
        removed,
        ready,
        boot,
        retries,
        secrets,
        budget,
    };
    Lowered { desired, literals, places }
}

/// Returns the addresses of the pods that others wait for, whether a chosen profile selects them or not.
fn waited_for(pods: &BTreeMap<Key, Box<ResolvedPod>>) -> BTreeMap<Key, Vec<Address>> {
    let keys: BTreeSet<&Key> = pods.values().flat_map(|pod| &pod.depends_on).collect();
    let addresses =
        |key: &Key| pods.get(key).map(|pod| replicas(key, pod.typed.replicas())).unwrap_or_default();
    keys.into_iter().map(|key| (key.clone(), addresses(key))).collect()
}

/// Returns the secrets that podform makes in RunPod and a pod's variables refer to: they are there before it boots.
pub(super) fn made_for(pod: &WantedPod, by_name: &BTreeMap<String, Address>) -> Vec<Address> {
    if by_name.is_empty() {
        return Vec::new();
    }
    let texts = pod.container.env.values().filter_map(|value| match value {
        EnvValue::Plain(text) => Some(text),
        EnvValue::Secret(_) => None,
    });
    let named = texts.flat_map(|text| secret::references(text));
    named.filter_map(|name| by_name.get(&name.to_ascii_lowercase())).cloned().collect()
}

fn lower_pod(
    project: &ProjectName,
    waited_for: &BTreeMap<Key, Vec<Address>>,
    pod: ResolvedPod,
    mut environment: Env<'_>,
) -> WantedPod {
    let numbered = is_numbered(&pod);
    let template = from_template(&pod);
    let ResolvedPod { typed, selected: _, image, registry, storage, hardware, depends_on, until, job } = pod;
    let number = match environment.address {
        Address::Pod { key: _, replica } => *replica,
        Address::Volume(_) | Address::Secret(_) | Address::Registry(_) => None,
    };
    let texts = |texts: Option<Spanned<Vec<Text>>>| -> Vec<String> {
        let texts = texts.into_iter().flat_map(|texts| texts.value);
        texts.map(|text| text.into_replica(number)).collect()
    };
    let storage = lower_storage(storage, number);
    let mounted = storage.volume().cloned();
    let depends_on = depends_on.iter().flat_map(|key| waited_for.get(key).into_iter().flatten()).cloned();
    let registry = registry.map(|(_, registry)| registry);
    let pulled = registry.as_ref().and_then(Registry::made).cloned();
    let (disk, global_networking) = (typed.disk(), typed.has_global_networking());
    let until = until.into_iter().flat_map(|(key, until)| {
        let jobs = waited_for.get(&key).into_iter().flatten();
        jobs.map(move |address| (address.clone(), until))
    });
    let until = until.collect();
    let (access, run, at_once) = (typed.access(), typed.wanted_state(), typed.at_once());
    let mut unwanted_env = BTreeSet::new();
    let mut env = BTreeMap::new();
    for (key, value) in typed.env.into_iter().flat_map(|env| env.value) {
        if matches!(value.value, EnvSyntax::Absent) {
            unwanted_env.insert(key);
        } else if let Some(value) = environment.value(&key, value.value, number) {
            env.insert(key, value);
        }
    }
    let container = Container {
        name: match typed.name {
            Some(name) => pod_name(&name.value, number),
            None => pod_name(&default_name(project, environment.address.key()), number),
        },
        image: image.map(|image| image.into_replica(number)).unwrap_or_default(),
        command: texts(typed.command),
        entrypoint: match &job {
            Some(job) => job::entrypoint(job.then),
            None => texts(typed.entrypoint),
        },
        env: Arc::new(env),
        ports: typed.ports.map(|ports| ports.value).unwrap_or_default(),
        disk,
        registry,
        storage,
        global_networking,
        locked: typed.locked.map(|locked| locked.value),
    };
    let labels = typed.labels.into_iter().flat_map(|labels| labels.value);
    WantedPod {
        container,
        hardware,
        unwanted_env,
        access,
        run,
        job,
        lifecycle: typed.lifecycle.map(|lifecycle| lifecycle.value).unwrap_or_default(),
        at_once,
        depends_on: depends_on.chain(mounted).chain(pulled).collect(),
        until,
        numbered,
        adopt: typed.adopt.map(|adopt| adopt.value),
        template,
        labels: labels.map(|(name, value)| (name, value.into_replica(number))).collect(),
    }
}

fn lower_storage(storage: ResolvedStorage, number: Option<u32>) -> Storage<Address> {
    match storage {
        ResolvedStorage::None => Storage::None,
        ResolvedStorage::Local { size, path } => Storage::Local { size, path: path.into_replica(number) },
        ResolvedStorage::Network { volume, path } => {
            Storage::Network { volume: Address::Volume(volume), path: path.into_replica(number) }
        }
    }
}

/// Returns which template a pod names and what it leaves to it, beside variables.
fn from_template(pod: &ResolvedPod) -> Option<FromTemplate> {
    let ResolvedPod { typed, image, registry, .. } = pod;
    let left = [
        (Field::Image, image.is_none()),
        (Field::Command, typed.command.is_none()),
        // A job has podform's own.
        (Field::Entrypoint, typed.entrypoint.is_none() && pod.job.is_none()),
        (Field::Ports, typed.ports.is_none()),
        (Field::Disk, typed.disk.is_none()),
        (Field::Registry, registry.is_none()),
    ];
    let left = left.into_iter().filter(|(_, is_left)| *is_left).map(|(field, _)| field);
    let id = typed.template.as_ref()?.value.clone();
    Some(FromTemplate::unread(id, left.collect()))
}

/// Tells whether something of a pod but its name holds the number of its replica.
fn is_numbered(pod: &ResolvedPod) -> bool {
    let ResolvedPod { typed: Pod { command, entrypoint, env, .. }, image, storage, .. } = pod;
    let path = match storage {
        ResolvedStorage::None => None,
        ResolvedStorage::Local { size: _, path } | ResolvedStorage::Network { volume: _, path } => Some(path),
    };
    let variables = env.iter().flat_map(|env| env.value.values()).filter_map(|value| match &value.value {
        EnvSyntax::Literal(text) => Some(text),
        EnvSyntax::LiteralSecret(text) => Some(text.expose()),
        EnvSyntax::Secret(_) | EnvSyntax::Absent => None,
    });
    let words = [command, entrypoint].into_iter().flatten().flat_map(|words| &words.value);
    image.iter().chain(path).chain(words).chain(variables).any(Text::holds_replica)
}

/// Returns the name of a pod that has none of its own, without the number of the replica.
pub(super) fn default_name(project: &ProjectName, key: &Key) -> Text {
    Text::new(format!("{project}-{key}"))
}

/// Returns what the console shows for one replica: the number is added unless the name has it already.
pub(super) fn pod_name(name: &Text, number: Option<u32>) -> String {
    match number {
        Some(number) if !name.holds_replica() => format!("{}-{number}", name.for_replica(None)),
        Some(_) | None => name.for_replica(number),
    }
}

/// What the variables of one pod refer to.
struct Env<'a> {
    declared: &'a BTreeMap<String, SecretDeclaration>,
    address: &'a Address,
    used: &'a mut BTreeSet<String>,
    literals: &'a mut Secrets,
}

impl Env<'_> {
    fn value(&mut self, key: &EnvKey, value: EnvSyntax, number: Option<u32>) -> Option<EnvValue> {
        match value {
            EnvSyntax::Absent => None,
            EnvSyntax::Literal(text) => Some(EnvValue::Plain(text.into_replica(number))),
            EnvSyntax::LiteralSecret(text) => {
                let name = SecretName::Literal { address: self.address.clone(), key: key.clone() };
                self.literals.insert(name.clone(), Secret::new(text.expose().for_replica(number)));
                Some(EnvValue::Secret(name))
            }
            EnvSyntax::Secret(Spanned { value: name, span: _ }) => match self.declared.get(&name)? {
                // RunPod puts the value in when the pod starts; the reference itself is no secret.
                SecretDeclaration::Runpod { name: stored, from: _ } => {
                    Some(EnvValue::Plain(secret::reference_to(stored)))
                }
                SecretDeclaration::Read(_) => {
                    self.used.insert(name.clone());
                    Some(EnvValue::Secret(SecretName::Declared(name)))
                }
            },
        }
    }
}
