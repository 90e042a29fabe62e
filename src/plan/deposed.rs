//! Pods that others took the place of and that are still there, as the second half of a replacement did not succeed.

use std::collections::BTreeSet;

use super::{Context, Drafts, finding};
use crate::model::id::{PodId, RemoteId};
use crate::model::live::{LivePod, PodStatus, Seen};
use crate::model::plan::{Finding, Operation};

/// Says which of them are billed and go on being so, as no step of the plan terminates them.
pub(super) fn left(context: &Context<'_>, drafts: &Drafts<'_>) -> Vec<Finding> {
    let actions = drafts.values().flat_map(|draft| &draft.steps).map(|(_, action)| &action.operation);
    let ends: BTreeSet<&PodId> = actions
        .filter_map(|operation| if let Operation::DeletePods { ids } = operation { Some(ids) } else { None })
        .flatten()
        .collect();
    let mut findings = Vec::new();
    for (address, recorded) in &context.renamed.objects {
        for id in recorded.record.deposed.iter().filter(|id| !ends.contains(id)) {
            let seen = context.inputs.live.pods.get(id).and_then(Seen::found);
            // Why one that others have marked since is left alone is said with what is held.
            let is_ours = |pod: &LivePod| {
                pod.status != PodStatus::Terminated
                    && context.ownership.deposed_marked_by_other(pod).is_none()
            };
            if seen.is_some_and(is_ours) {
                findings.push(finding::deposed_left(address, &RemoteId::Pod(id.clone())));
            }
        }
    }
    findings
}
