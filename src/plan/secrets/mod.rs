//! The secrets of the account that variables refer to.
//!
//! RunPod puts their values in when a pod boots, and boots it with the reference itself where there is no such secret: it
//! runs, is billed and does not work. So what would boot a pod so is held.

mod managed;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Kind};
use crate::model::desired::{Desired, Wanted, WantedPod};
use crate::model::id::EnvKey;
use crate::model::live::Inventory;
use crate::model::plan::{Disruption, Finding, Held, Operation};
use crate::model::pod::{EnvValue, RunState};
use crate::model::prior::Prior;
use crate::model::secret;

pub(super) use managed::{draft, sighting};

use super::draft::Draft;
use super::{Context, Drafts, finding};

/// Tells whether the secrets of the account must be looked at: a variable of the spec refers to one, podform is to make
/// one, or has made one.
pub fn names_secrets(desired: &Desired, prior: &Prior) -> bool {
    let is_named = |wanted: &Wanted| match wanted {
        Wanted::Secret(_) => true,
        Wanted::Pod(pod) => references(pod).next().is_some(),
        Wanted::Volume(_) | Wanted::Registry(_) => false,
    };
    let is_secret = |address: &Address| address.kind() == Kind::Secret;
    // Secrets sort first.
    prior.objects.keys().next().is_some_and(is_secret) || desired.wanted.values().any(is_named)
}

/// Returns the variables of a pod that refer to a secret of the account, with its name.
fn references(pod: &WantedPod) -> impl Iterator<Item = (&EnvKey, &str)> {
    let texts = pod.container.env.iter().filter_map(|(key, value)| match value {
        EnvValue::Plain(text) => Some((key, text)),
        EnvValue::Secret(_) => None,
    });
    texts.flat_map(|(key, text)| secret::references(text).map(move |name| (key, name)))
}

/// Holds every pod that would boot without a secret that it refers to, and says so of those that go on running. Returns
/// what is to be said once, where it is not known which secrets there are.
pub(super) fn hold_without(context: &Context<'_>, drafts: &mut Drafts<'_>) -> Option<Finding> {
    let known = match &context.inputs.live.secrets {
        Inventory::NotAsked => return None,
        Inventory::Listed { found, odd } if odd.is_empty() => {
            found.iter().map(|secret| secret.name.to_ascii_lowercase())
        }
        Inventory::Listed { found: _, odd } => return Some(finding::secrets_not_checked(&odd.join(", "))),
        Inventory::NotTold => return Some(finding::secrets_not_told(context.inputs.api)),
        Inventory::Unread(why) => return Some(finding::secrets_not_checked(why)),
    };
    // What this plan makes is there by then; a pod whose secret is held waits for it as for any dependency.
    let made = context.inputs.desired.wanted.values().filter_map(Wanted::secret);
    let known: BTreeSet<String> = made.map(|secret| secret.name.to_ascii_lowercase()).chain(known).collect();
    for (address, draft) in drafts {
        let Some(pod) = context.wanted(address).and_then(Wanted::pod) else { continue };
        let missing: BTreeMap<&EnvKey, &str> =
            references(pod).filter(|(_, name)| !known.contains(&name.to_ascii_lowercase())).collect();
        if missing.is_empty() || draft.held.is_some() {
            continue;
        }
        if boots(draft) {
            draft.hold(Held::NoSecret { names: missing.values().map(|name| (*name).to_owned()).collect() });
        } else if pod.run == RunState::Running {
            let findings = missing.into_iter().map(|(key, name)| finding::no_secret(address, key, name));
            draft.findings.extend(findings);
        }
    }
    None
}

/// Tells whether a pod boots by what is planned.
pub(super) fn boots(draft: &Draft<'_>) -> bool {
    draft.steps.iter().any(|(_, action)| match &action.operation {
        Operation::CreatePod(_) | Operation::StartPod { .. } => true,
        Operation::UpdatePod { id: _, patch: _, disruption } => *disruption == Disruption::Reset,
        Operation::Local
        | Operation::CreateSecret { .. }
        | Operation::SetSecret { .. }
        | Operation::DeleteSecret { .. }
        | Operation::CreateRegistry { .. }
        | Operation::DeleteRegistries { .. }
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::DeleteVolume { .. }
        | Operation::StopPod { .. }
        | Operation::DeletePods { .. }
        | Operation::AwaitPod { .. }
        | Operation::AwaitJob { .. } => false,
    })
}
