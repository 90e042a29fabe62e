//! [`Resolved`] to [`Desired`]: replicas are numbered, references become addresses, positions are left behind.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{Deselected, Desired, Wanted, WantedPod};
use crate::model::id::{EnvKey, ProjectName};
use crate::model::pod::{EnvValue, Storage};
use crate::model::secret::{Secret, SecretName, SecretSource, Secrets};
use crate::model::settings::Container;

use super::interpolate::Text;
use super::positions::AllPlaces;
use super::resolve::{Resolved, ResolvedPod, ResolvedStorage, replicas};
use super::source::Spanned;
use super::syntax::{EnvSyntax, SecretDeclaration};

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
        state_file: _,
        secrets,
        registries: _,
        volumes,
        pods,
        places,
        moved,
        removed,
        budget,
    } = resolved;
    let mut wanted = BTreeMap::new();
    let mut out_of_scope = BTreeMap::new();
    wanted.extend(volumes.into_iter().map(|(key, volume)| (Address::Volume(key), Wanted::Volume(volume))));
    let waited_for = waited_for(&pods);
    let mut used = BTreeSet::new();
    let mut literals = Secrets::default();
    let replicated =
        pods.iter().filter(|(_, pod)| pod.replicas.is_some()).map(|(key, _)| key.clone()).collect();
    let protected =
        pods.iter().filter(|(_, pod)| pod.lifecycle.protect).map(|(key, _)| key.clone()).collect();
    for (key, pod) in pods {
        let addresses = replicas(&key, pod.replicas);
        if !pod.selected {
            let deselected = Deselected { profiles: pod.profiles, run: pod.run };
            out_of_scope.extend(addresses.into_iter().map(|address| (address, deselected.clone())));
            continue;
        }
        let replicas = std::iter::repeat_n(pod, addresses.len());
        for (address, pod) in addresses.into_iter().zip(replicas) {
            let env = Env { declared: &secrets, address: &address, used: &mut used, literals: &mut literals };
            let lowered = lower_pod(&project, &waited_for, *pod, env);
            wanted.insert(address, Wanted::Pod(Box::new(lowered)));
        }
    }
    let secrets = used
        .into_iter()
        .filter_map(|name| match secrets.get(&name)? {
            SecretDeclaration::Env(variable) => Some((name, SecretSource::Env(variable.clone()))),
            SecretDeclaration::File(path) => Some((name, SecretSource::File(path.clone()))),
            SecretDeclaration::Runpod(_) => None,
        })
        .collect();
    let desired =
        Desired { project, wanted, out_of_scope, replicated, protected, moved, removed, secrets, budget };
    Lowered { desired, literals, places }
}

/// Returns the addresses of the pods that others wait for, whether a chosen profile selects them or not.
fn waited_for(pods: &BTreeMap<Key, Box<ResolvedPod>>) -> BTreeMap<Key, Vec<Address>> {
    let keys: BTreeSet<&Key> = pods.values().flat_map(|pod| &pod.depends_on).collect();
    let addresses = |key: &Key| pods.get(key).map(|pod| replicas(key, pod.replicas)).unwrap_or_default();
    keys.into_iter().map(|key| (key.clone(), addresses(key))).collect()
}

fn lower_pod(
    project: &ProjectName,
    waited_for: &BTreeMap<Key, Vec<Address>>,
    pod: ResolvedPod,
    mut environment: Env<'_>,
) -> WantedPod {
    let ResolvedPod {
        selected: _,
        replicas: _,
        name,
        image,
        registry,
        command,
        entrypoint,
        env,
        ports,
        disk,
        storage,
        global_networking,
        locked,
        hardware,
        access,
        run,
        lifecycle,
        depends_on,
        adopt,
        labels,
        profiles: _,
    } = pod;
    let path = match &storage {
        ResolvedStorage::None => None,
        ResolvedStorage::Local { size: _, path } | ResolvedStorage::Network { volume: _, path } => Some(path),
    };
    let in_env = env.values().any(|value| match value {
        EnvSyntax::Literal(text) => text.value.holds_replica(),
        EnvSyntax::LiteralSecret(text) => text.expose().holds_replica(),
        EnvSyntax::Secret(_) | EnvSyntax::Absent => false,
    });
    let mut texts = std::iter::once(&image).chain(path).chain(&command).chain(entrypoint.iter().flatten());
    let numbered = in_env || texts.any(Text::holds_replica);
    let number = match environment.address {
        Address::Pod { key: _, replica } => *replica,
        Address::Volume(_) => None,
    };
    let texts =
        |texts: Vec<Text>| texts.into_iter().map(|text| text.into_replica(number)).collect::<Vec<String>>();
    let (storage, mounted) = match storage {
        ResolvedStorage::None => (Storage::None, None),
        ResolvedStorage::Local { size, path } => {
            (Storage::Local { size, path: path.into_replica(number) }, None)
        }
        ResolvedStorage::Network { volume, path } => {
            let volume = Address::Volume(volume);
            (Storage::Network { volume: volume.clone(), path: path.into_replica(number) }, Some(volume))
        }
    };
    let (unwanted, env): (BTreeMap<EnvKey, EnvSyntax>, BTreeMap<EnvKey, EnvSyntax>) =
        env.into_iter().partition(|(_, value)| matches!(value, EnvSyntax::Absent));
    let container = Container {
        name: match name {
            Some(name) => pod_name(&name, number),
            None => pod_name(&default_name(project, environment.address.key()), number),
        },
        image: image.into_replica(number),
        command: texts(command),
        entrypoint: entrypoint.map(texts).unwrap_or_default(),
        env: env
            .into_iter()
            .filter_map(|(key, value)| {
                let value = environment.value(&key, value, number)?;
                Some((key, value))
            })
            .collect(),
        ports,
        disk,
        registry: registry.map(|(_, id)| id),
        storage,
        global_networking,
        locked,
    };
    WantedPod {
        container,
        hardware,
        unwanted_env: unwanted.into_keys().collect(),
        access,
        run,
        lifecycle,
        depends_on: depends_on
            .iter()
            .flat_map(|key| waited_for.get(key).into_iter().flatten())
            .cloned()
            .chain(mounted)
            .collect(),
        numbered,
        adopt,
        labels: labels.into_iter().map(|(name, value)| (name, value.into_replica(number))).collect(),
    }
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
            EnvSyntax::Literal(text) => Some(EnvValue::Plain(text.value.into_replica(number))),
            EnvSyntax::LiteralSecret(text) => {
                let name = SecretName::Literal { address: self.address.clone(), key: key.clone() };
                self.literals.insert(name.clone(), Secret::new(text.expose().for_replica(number)));
                Some(EnvValue::Secret(name))
            }
            EnvSyntax::Secret(Spanned { value: name, span: _ }) => match self.declared.get(&name)? {
                // RunPod puts the value in when the pod starts; the reference itself is no secret.
                SecretDeclaration::Runpod(stored) => {
                    Some(EnvValue::Plain(format!("{{{{ RUNPOD_SECRET_{stored} }}}}")))
                }
                SecretDeclaration::Env(_) | SecretDeclaration::File(_) => {
                    self.used.insert(name.clone());
                    Some(EnvValue::Secret(SecretName::Declared(name)))
                }
            },
        }
    }
}
