//! [`Resolved`] to [`Desired`]: replicas are numbered, references become addresses, positions are left behind.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{Desired, Wanted, WantedPod};
use crate::model::id::{EnvKey, ProjectName};
use crate::model::pod::{Container, EnvValue, Storage};
use crate::model::secret::{Secret, SecretName, SecretSource, Secrets};

use super::interpolate::Text;
use super::resolve::{Resolved, ResolvedPod, ResolvedStorage, replicas};
use super::syntax::{EnvSyntax, SecretDeclaration};

/// What a spec wants, and beside it the literal values that must not be compared, stored or shown.
#[derive(Debug)]
pub(super) struct Lowered {
    pub desired: Desired,
    pub literals: Secrets,
}

/// Lowers a spec. Nothing can be wrong any more.
pub(super) fn lower(resolved: &Resolved) -> Lowered {
    let mut wanted = BTreeMap::new();
    let mut out_of_scope = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut literals = Secrets::default();
    for (key, volume) in &resolved.volumes {
        wanted.insert(Address::Volume(key.clone()), Wanted::Volume(volume.wanted.clone()));
    }
    for (key, pod) in &resolved.pods {
        for address in replicas(key, pod.replicas) {
            if !pod.selected {
                out_of_scope.insert(address);
                continue;
            }
            let mut env = Env { resolved, address: &address, used: &mut used, literals: &mut literals };
            let lowered = lower_pod(resolved, key, pod, &mut env);
            wanted.insert(address, Wanted::Pod(Box::new(lowered)));
        }
    }
    let secrets = used
        .into_iter()
        .filter_map(|name| match resolved.secrets.get(&name)? {
            SecretDeclaration::Env(variable) => Some((name, SecretSource::Env(variable.clone()))),
            SecretDeclaration::File(path) => Some((name, SecretSource::File(path.clone()))),
            SecretDeclaration::Runpod(_) => None,
        })
        .collect();
    let desired = Desired {
        project: resolved.project.clone(),
        wanted,
        out_of_scope,
        moved: resolved.moved.clone(),
        secrets,
        budget: resolved.budget,
    };
    Lowered { desired, literals }
}

fn lower_pod(resolved: &Resolved, key: &Key, pod: &ResolvedPod, env: &mut Env<'_>) -> WantedPod {
    let ResolvedPod {
        places: _,
        selected: _,
        replicas: _,
        name,
        image,
        registry,
        command,
        entrypoint,
        env: variables,
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
    let number = match env.address {
        Address::Pod { key: _, replica } => *replica,
        Address::Volume(_) => None,
    };
    let texts = |texts: &[Text]| texts.iter().map(|text| text.for_replica(number)).collect();
    let (storage, mounted) = match storage {
        ResolvedStorage::None => (Storage::None, None),
        ResolvedStorage::Local { size, path } => {
            (Storage::Local { size: *size, path: path.for_replica(number) }, None)
        }
        ResolvedStorage::Network { volume, path } => {
            let volume = Address::Volume(volume.clone());
            (Storage::Network { volume: volume.clone(), path: path.for_replica(number) }, Some(volume))
        }
    };
    let container = Container {
        name: match name {
            Some(name) => pod_name(name, number),
            None => pod_name(&default_name(&resolved.project, key), number),
        },
        image: image.for_replica(number),
        command: texts(command),
        entrypoint: entrypoint.as_deref().map(texts),
        env: variables
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), env.value(key, value, number)?)))
            .collect(),
        ports: ports.clone(),
        disk: *disk,
        registry: registry.as_ref().map(|(_, id)| id.clone()),
        storage,
        global_networking: *global_networking,
        locked: *locked,
    };
    WantedPod {
        container,
        hardware: hardware.clone(),
        access: *access,
        run: *run,
        lifecycle: lifecycle.clone(),
        depends_on: depends_on.iter().flat_map(|key| in_scope(resolved, key)).chain(mounted).collect(),
        adopt: adopt.clone(),
        labels: labels.iter().map(|(name, value)| (name.clone(), value.for_replica(number))).collect(),
    }
}

/// Returns the addresses of a pod that others wait for. One that no chosen profile selects is nobody's to wait for.
fn in_scope(resolved: &Resolved, key: &Key) -> Vec<Address> {
    match resolved.pods.get(key) {
        Some(pod) if pod.selected => replicas(key, pod.replicas),
        Some(_) | None => Vec::new(),
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

struct Env<'a> {
    resolved: &'a Resolved,
    address: &'a Address,
    used: &'a mut BTreeSet<String>,
    literals: &'a mut Secrets,
}

impl Env<'_> {
    fn value(&mut self, key: &EnvKey, value: &EnvSyntax, number: Option<u32>) -> Option<EnvValue> {
        match value {
            EnvSyntax::Literal(text) => Some(EnvValue::Plain(text.value.for_replica(number))),
            EnvSyntax::LiteralSecret(text) => {
                let name = SecretName::Literal { address: self.address.clone(), key: key.clone() };
                self.literals.insert(name.clone(), Secret::new(text.expose().for_replica(number)));
                Some(EnvValue::Secret(name))
            }
            EnvSyntax::Secret(name) => match self.resolved.secrets.get(&name.value)? {
                // RunPod puts the value in when the pod starts; the reference itself is no secret.
                SecretDeclaration::Runpod(stored) => {
                    Some(EnvValue::Plain(format!("{{{{ RUNPOD_SECRET_{stored} }}}}")))
                }
                SecretDeclaration::Env(_) | SecretDeclaration::File(_) => {
                    self.used.insert(name.value.clone());
                    Some(EnvValue::Secret(SecretName::Declared(name.value.clone())))
                }
            },
        }
    }
}
