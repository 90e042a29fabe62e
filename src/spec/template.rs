//! Fills in what pods of a spec take from templates, which only RunPod knows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::desired::{Wanted, WantedPod};
use crate::model::id::{EnvKey, TemplateId};
use crate::model::marker::MARKER_KEY;
use crate::model::pod::{EnvValue, Storage};
use crate::model::reference;
use crate::model::registry::Registry;
use crate::model::secret::{Secret, SecretName, Secrets};
use crate::model::sensitive::{self, hold_a_secret};
use crate::model::settings::Field;
use crate::model::template::{FromTemplate, Template, TemplateVolume};

use super::Loaded;
use super::image;
use super::interpolate::is_variable_name;
use super::lower::made_for;
use super::pod::MAX_ENV;

impl Loaded {
    /// Returns the templates that pods of the spec name.
    pub fn templates(&self) -> BTreeSet<&TemplateId> {
        let pods = self.desired.wanted.values().filter_map(Wanted::pod);
        pods.filter_map(|pod| Some(&pod.template.as_ref()?.id)).collect()
    }

    /// Fills in what the pods leave to their templates; each is what was found, or why it is not known. A pod whose
    /// template is of no use to it keeps the reason, so that a plan holds it and it alone.
    pub fn fill(&mut self, templates: &BTreeMap<TemplateId, Result<Template, String>>) {
        let Self { desired, literal_secrets, .. } = self;
        let made = desired.wanted.iter().filter_map(|(address, wanted)| {
            Some((wanted.secret()?.name.to_ascii_lowercase(), address.clone()))
        });
        let made: BTreeMap<String, Address> = made.collect();
        for (address, wanted) in &mut desired.wanted {
            let Wanted::Pod(pod) = wanted else { continue };
            let Some(from) = pod.template.clone() else { continue };
            let Some(found) = templates.get(&from.id) else { continue };
            let found = found.as_ref().map_err(String::clone);
            match found.and_then(|template| usable(template, pod).map(|()| template)) {
                Ok(template) => {
                    fill(address, pod, template, literal_secrets);
                    pod.depends_on.extend(made_for(pod, &made));
                }
                Err(why) => pod.template = Some(FromTemplate { missing: Some(why), ..from }),
            }
        }
    }
}

/// Checks what a pod leaves to a template as strictly as what a spec says: RunPod takes any text, and a template may be
/// somebody else's.
fn usable(template: &Template, pod: &WantedPod) -> Result<(), String> {
    let Template { settings, is_serverless, .. } = template;
    let left = pod.template.iter().flat_map(|from| &from.fields).collect::<BTreeSet<_>>();
    let given = || settings.env.keys().filter(|key| is_a_templates(key));
    let of_both: BTreeSet<&EnvKey> = given().chain(pod.container.env.keys()).collect();
    let image = settings.image.as_deref().unwrap_or_default();
    let words = [(Field::Command, &settings.command), (Field::Entrypoint, &settings.entrypoint)];
    let mut words =
        words.into_iter().filter(|(field, _)| left.contains(field)).filter_map(|(_, words)| words.as_ref());
    let why = if *is_serverless {
        "it is for endpoints, not for pods"
    } else if left.contains(&Field::Image) && image.is_empty() {
        "it names no image"
    } else if left.contains(&Field::Image) && (image.contains('$') || image::check(image).is_err()) {
        "its image is no reference that a registry can have"
    } else if words.any(|words| hold_a_secret(words)) {
        "its command holds what looks like a secret, and plans show commands"
    } else if given().any(|key| !is_variable_name(key.as_str())) {
        "it has a variable whose name a spec cannot declare"
    } else if of_both.len() > MAX_ENV {
        "its variables and those of the spec are more than a pod can have"
    } else {
        return Ok(());
    };
    Err(format!("{why}; name another, or write its values into the pod"))
}

/// What the spec has goes first, for variables one by one.
fn fill(address: &Address, pod: &mut WantedPod, template: &Template, secrets: &mut Secrets) {
    let Some(FromTemplate { id: _, fields, missing, volume, cuda }) = &mut pod.template else { return };
    cuda.clone_from(&template.cuda);
    *missing = None;
    let given = &template.settings;
    *volume = match &given.storage {
        Storage::Local { size, path } => Some(TemplateVolume { size: *size, path: path.clone() }),
        Storage::Network { .. } | Storage::None => None,
    };
    let container = &mut pod.container;
    if fields.contains(&Field::Image) {
        container.image = given.image.clone().unwrap_or_default();
    }
    if fields.contains(&Field::Command) {
        let words = given.command.iter().flatten();
        // No program takes a NUL character, and here it would begin a reference to a pod.
        container.command = words.map(|word| word.replace('\0', "")).collect();
    }
    if fields.contains(&Field::Entrypoint) {
        container.entrypoint = given.entrypoint.clone().unwrap_or_default();
    }
    if fields.contains(&Field::Ports) {
        container.ports = given.ports.clone().unwrap_or_default();
    }
    if let (true, Some(disk)) = (fields.contains(&Field::Disk), given.disk) {
        container.disk = disk;
    }
    if fields.contains(&Field::Registry) {
        container.registry = given.registry.clone().flatten().map(Registry::Given);
    }
    // What the template says nothing of is a default, and not from it.
    fields.retain(|field| match field {
        Field::Command => !container.command.is_empty(),
        Field::Entrypoint => !container.entrypoint.is_empty(),
        Field::Ports => !container.ports.is_empty(),
        Field::Disk => given.disk.is_some(),
        Field::Registry => container.registry.is_some(),
        _ => true,
    });
    let env = Arc::make_mut(&mut container.env);
    for (key, value) in given.env.iter().filter(|(key, _)| is_a_templates(key)) {
        if env.contains_key(key) || pod.unwanted_env.contains(key) {
            continue;
        }
        env.insert(key.clone(), variable(address, key, value, secrets));
        fields.insert(Field::Env(key.clone()));
    }
}

/// A template that was saved from a pod has that pod's mark, which says whose it is, and what RunPod set there: an id, a
/// password of Jupyter, somebody's SSH key. None of it is for another pod.
fn is_a_templates(key: &EnvKey) -> bool {
    key.as_str() != MARKER_KEY && !key.is_of_the_platform()
}

/// A template shows its variables to all who may see it; what looks like a secret is hidden all the same.
fn variable(address: &Address, key: &EnvKey, value: &Secret<String>, secrets: &mut Secrets) -> EnvValue {
    let text = value.expose();
    // What could be taken for a reference to a pod is sent as it is, and never looked into.
    if !sensitive::is_secret_beside_references(key.as_str(), text) && !reference::is_in(text) {
        return EnvValue::Plain(text.clone());
    }
    let name = SecretName::Literal { address: address.clone(), key: key.clone() };
    secrets.insert(name.clone(), value.clone());
    EnvValue::Secret(name)
}
