//! Pods that refer to one which is made anew only if its host is full.
//!
//! Whether it comes to that no plan knows, and to reset those that refer to it for a start that most likely succeeds would
//! take them down for nothing. So a plan says who would go on with an address that leads nowhere, and the apply in which it
//! comes to that says that it takes another one.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::desired::{Desired, Wanted, WantedPod};
use crate::model::id::RemoteId;
use crate::model::plan::{Finding, Step};
use crate::model::pod::{EnvValue, RunState};
use crate::model::prior::Prior;
use crate::model::reference;
use crate::model::settings::{Container, Field};

use super::dead_addresses::{Kept, goes_on};
use super::{Context, Drafts, finding};

/// Says who goes on with an address of a pod that is started, should that be made anew.
pub(super) fn may_be(context: &Context<'_>, drafts: &Drafts<'_>) -> Vec<Finding> {
    if context.references.are_none() {
        return Vec::new();
    }
    let started = drafts.iter().filter(|(_, draft)| {
        let start = draft.steps.iter().find(|(step, _)| *step == Step::Start);
        start.is_some_and(|(_, action)| action.operation.creation().is_some())
    });
    let pairs = started
        .flat_map(|(referred, _)| context.references.users(referred).map(move |user| (user, *referred)));
    pairs.flat_map(|(user, referred)| kept_by(context, drafts, user, referred)).collect()
}

/// Returns what is said of a pod that refers to one which is started.
fn kept_by(context: &Context<'_>, drafts: &Drafts<'_>, user: &Address, referred: &Address) -> Vec<Finding> {
    let wanted = context.wanted(user).and_then(Wanted::pod);
    let recorded = context.renamed.recorded(user).map(|recorded| &recorded.id);
    let (Some(RemoteId::Pod(id)), Some(wanted), Some(written)) = (recorded, wanted, context.written(user))
    else {
        return Vec::new();
    };
    if !goes_on(context, id, drafts.get(user), Some(wanted)) {
        return Vec::new();
    }
    let fields = texts(written).filter(|(_, _, text)| reference::of(text).any(|one| one.pod == *referred));
    let fields: BTreeSet<Field> = fields.map(|(field, _, _)| field).collect();
    let finding = |field| finding::may_be_outdated(user, &field, referred, why(wanted, &field));
    fields.into_iter().map(finding).collect()
}

/// Returns why a plan tells a pod of nothing else; `None` if it does.
fn why(wanted: &WantedPod, field: &Field) -> Option<Kept> {
    if wanted.lifecycle.ignores(field) {
        Some(Kept::Ignored)
    } else {
        wanted.job.is_some().then_some(Kept::UnderWay)
    }
}

/// Returns who still has an address of the pod that these addresses had before, and is told of the present one by the next
/// plan: each with those that it refers to.
pub fn outdated(
    desired: &Desired,
    prior: &Prior,
    made_anew: &BTreeSet<Address>,
) -> BTreeMap<Address, BTreeSet<Address>> {
    let wanted = desired.wanted.iter().filter_map(|(address, wanted)| Some((address, wanted.pod()?)));
    let mut outdated: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    for (address, pod) in wanted.filter(|(_, pod)| pod.run == RunState::Running && !made_anew.is_empty()) {
        let recorded = prior.objects.get(address).and_then(|recorded| recorded.record.object.pod());
        let Some(recorded) = recorded else { continue };
        let given: BTreeMap<(Field, usize), &str> =
            texts(&recorded.container).map(|(field, at, given)| ((field, at), given)).collect();
        for (field, at, written) in texts(&pod.container) {
            if why(pod, &field).is_some() {
                continue;
            }
            let ids = given.get(&(field, at)).and_then(|given| reference::ids(written, given));
            let referred = reference::of(written).zip(ids.into_iter().flatten());
            let former = referred.filter(|(reference, id)| {
                let now = prior.objects.get(&reference.pod).map(|recorded| recorded.id.to_string());
                // There may be none: the new one could not be had, or was given up.
                made_anew.contains(&reference.pod) && now.is_none_or(|now| now != *id)
            });
            let former: Vec<Address> = former.map(|(reference, _)| reference.pod).collect();
            if !former.is_empty() {
                outdated.entry(address.clone()).or_default().extend(former);
            }
        }
    }
    outdated
}

/// Returns the texts of a pod that can refer to others, each with its place in its field.
fn texts(container: &Container) -> impl Iterator<Item = (Field, usize, &str)> {
    let variables = container.env.iter();
    let variables =
        variables.filter_map(|(key, value)| Some((Field::Env(key.clone()), 0, EnvValue::plain(value)?)));
    let words = container.command.iter().enumerate();
    variables.chain(words.map(|(at, word)| (Field::Command, at, word.as_str())))
}
