//! What an action sends that follows from the ids of other pods.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Action, OnStuck, Operation, RecordAfter};
use crate::model::address::Address;
use crate::model::id::PodId;
use crate::model::pod::EnvValue;
use crate::model::reference;
use crate::model::settings::{Container, PodPatch};

impl Operation {
    /// Returns the pods whose ids take a place in what it sends, and are not in the plan.
    pub fn references(&self) -> BTreeSet<Address> {
        let created = self.creation().map(|creation| &creation.container);
        let (env, command) = match (created, self.patch()) {
            (Some(container), _) => (Some(&*container.env), Some(&container.command)),
            (None, Some(patch)) => (patch.env.as_ref().map(|env| &env.declared), patch.command.as_ref()),
            (None, None) => (None, None),
        };
        let variables = env.into_iter().flat_map(|env| env.values()).filter_map(EnvValue::plain);
        reference::pods(variables.chain(command.into_iter().flatten().map(String::as_str)))
    }
}

impl Action {
    /// Returns the action with the ids of other pods put into what it sends and records.
    ///
    /// # Errors
    /// The address of a pod of which no id is known.
    pub fn filled(&self, id: impl Fn(&Address) -> Option<PodId>) -> Result<Cow<'_, Self>, Address> {
        let recorded = self.record.record().and_then(|record| record.object.pod());
        let mut referred = self.operation.references();
        referred.extend(recorded.map(|pod| pods(&pod.container)).unwrap_or_default());
        if referred.is_empty() {
            return Ok(Cow::Borrowed(self));
        }
        if let Some(unknown) = referred.into_iter().find(|pod| id(pod).is_none()) {
            return Err(unknown);
        }
        let mut action = self.clone();
        match &mut action.operation {
            Operation::CreatePod(creation)
            | Operation::StartPod { on_stuck: OnStuck::Replace(creation), .. } => {
                fill(&mut creation.container, &id);
            }
            Operation::UpdatePod { id: _, patch, disruption: _ } => fill_patch(patch, &id),
            Operation::Local
            | Operation::CreateSecret { .. }
            | Operation::SetSecret { .. }
            | Operation::DeleteSecret { .. }
            | Operation::CreateRegistry { .. }
            | Operation::DeleteRegistries { .. }
            | Operation::CreateVolume { .. }
            | Operation::GrowVolume { .. }
            | Operation::DeleteVolume { .. }
            | Operation::StartPod { on_stuck: OnStuck::Fail | OnStuck::Wait(_), .. }
            | Operation::StopPod { .. }
            | Operation::DeletePods { .. }
            | Operation::AwaitPod { .. }
            | Operation::AwaitJob { .. } => {}
        }
        if let RecordAfter::Put { id: _, record } = &mut action.record
            && let Some(pod) = record.object.pod_mut()
        {
            fill(&mut pod.container, &id);
        }
        Ok(Cow::Owned(action))
    }
}

/// Returns the texts of a pod that can refer to others.
pub fn texts(container: &Container) -> impl Iterator<Item = &str> {
    let variables = container.env.values().filter_map(EnvValue::plain);
    variables.chain(container.command.iter().map(String::as_str))
}

/// Returns the pods that a pod refers to.
pub fn pods(container: &Container) -> BTreeSet<Address> {
    reference::pods(texts(container))
}

/// Puts what is known of ids into the texts of a pod.
pub fn fill(container: &mut Container, id: impl Fn(&Address) -> Option<PodId>) {
    container.command.iter_mut().for_each(|word| fill_text(word, &id));
    if container.env.values().filter_map(EnvValue::plain).any(reference::is_in) {
        Arc::make_mut(&mut container.env).values_mut().for_each(|value| fill_value(value, &id));
    }
}

fn fill_patch(patch: &mut PodPatch, id: impl Fn(&Address) -> Option<PodId>) {
    patch.command.iter_mut().flatten().for_each(|word| fill_text(word, &id));
    let declared = patch.env.iter_mut().flat_map(|env| env.declared.values_mut());
    declared.for_each(|value| fill_value(value, &id));
}

fn fill_value(value: &mut EnvValue, id: impl Fn(&Address) -> Option<PodId>) {
    match value {
        EnvValue::Plain(text) => fill_text(text, id),
        EnvValue::Secret(_) => {}
    }
}

fn fill_text(text: &mut String, id: impl Fn(&Address) -> Option<PodId>) {
    if let Cow::Owned(filled) = reference::filled(text, id) {
        *text = filled;
    }
}
