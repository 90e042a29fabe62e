//! Pods of which REST v1 does not tell when they run, where something of a plan waits for that.
//!
//! It reads `RUNNING` from the moment at which a pod is wanted so. Only the public ports of Secure Cloud show whether it is
//! up, where the pod publishes one, and a question to the pod itself.

use crate::model::address::{Address, Key};
use crate::model::desired::{CloudWish, Wanted, WantedPod};
use crate::model::plan::{Finding, Reason, Step};
use crate::model::pod::{Cloud, Protocol, RunState};
use crate::model::prior::Api;

use super::draft::Draft;
use super::{Context, Drafts, finding};

/// Says which former pods go, and of which keys the next wave goes down, before anybody knows that the new pod runs.
pub(super) fn findings<'k>(
    context: &Context<'_>,
    drafts: &Drafts<'_>,
    in_waves: impl Iterator<Item = &'k Key>,
) -> Vec<Finding> {
    match context.inputs.api {
        Api::V2 | Api::Graphql => return Vec::new(),
        Api::V1 => {}
    }
    let former = drafts.iter().filter(|(address, draft)| is_untold(context, address) && makes_first(draft));
    let former = former.map(|(address, _)| finding::former_goes_unseen(address));
    let waves = in_waves.filter(|key| {
        let mut replicas = drafts.keys().filter(|address| address.is_pod() && address.key() == *key);
        replicas.any(|address| is_untold(context, address))
    });
    former.chain(waves.map(finding::waves_go_unseen)).collect()
}

/// Tells whether a pod is wanted to run and nothing would show that it does.
fn is_untold(context: &Context<'_>, address: &Address) -> bool {
    let Some(pod) = context.wanted(address).and_then(Wanted::pod) else { return false };
    let is_asked = context.inputs.desired.ready.contains_key(address);
    pod.run == RunState::Running && !is_asked && !shows_ports(pod)
}

fn shows_ports(pod: &WantedPod) -> bool {
    let publishes = pod.container.ports.iter().any(|port| port.protocol == Protocol::Tcp);
    publishes && pod.hardware.cloud == CloudWish::Only(Cloud::Secure)
}

/// Tells whether a pod is terminated once another one has taken its place.
fn makes_first(draft: &Draft<'_>) -> bool {
    let mut steps = draft.steps.iter().skip_while(|(step, _)| *step != Step::Create);
    steps.any(|(step, action)| {
        *step == Step::Delete || *step == Step::DeleteDeposed && action.reason == Reason::Deposed
    })
}
