//! SSH without a key: `ssh: true` lets in those whose keys the account has when the pod is made, and nobody else.

use super::{Context, Drafts, finding};
use crate::model::desired::{Desired, Wanted};
use crate::model::plan::{Finding, Step};
use crate::model::pod::RunState;
use crate::model::prior::Prior;

/// Tells whether the account is to be asked for its SSH keys, which costs a call: a pod that is there keeps those that it
/// was made with.
pub fn needs_ssh_keys(desired: &Desired, prior: &Prior) -> bool {
    desired.wanted.iter().any(|(address, wanted)| match wanted {
        Wanted::Pod(pod) => {
            pod.access.ssh && pod.run == RunState::Running && !prior.objects.contains_key(address)
        }
        Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_) => false,
    })
}

/// Says of each pod that is to be made with SSH that the account has no key.
pub(super) fn without_keys(context: &Context<'_>, drafts: &Drafts<'_>) -> Vec<Finding> {
    if context.inputs.live.ssh_keys != Some(0) {
        return Vec::new();
    }
    let made = drafts.iter().filter(|(_, draft)| draft.has(Step::Create) && draft.held.is_none());
    let with_ssh = made.filter(|(address, _)| match context.wanted(address) {
        Some(Wanted::Pod(pod)) => pod.access.ssh,
        Some(Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None => false,
    });
    with_ssh.map(|(address, _)| finding::no_ssh_keys(address)).collect()
}
