//! Which pods are asked whether they are ready, and when.
//!
//! A pod is asked by the last action that a request is sent for, and one that others wait for also where nothing is to be
//! done to it. One that is wanted stopped is asked by nobody: it is as ready as it is to be. Whether it is ready at this
//! moment decides nothing here but which replicas go first, in `waves`.
//!
//! A pod that says nothing of when it is ready is so once it runs. One that an earlier run has brought on its way, and did
//! not see arrive, is waited for until then.

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::desired::Wanted;
use crate::model::id::{PodId, RemoteId};
use crate::model::live::{PodStatus, Seen};
use crate::model::plan::{Action, Operation, Reason, RecordAfter, Step};
use crate::model::pod::RunState;
use crate::model::prior::Record;
use crate::model::ready::Ready;

use super::draft::{Draft, Planning};
use super::graph;
use super::scope::dependencies;
use super::{Context, Drafts};

/// Adds to the steps which of them end with a question, and steps that only ask.
pub(super) fn ask<'a>(context: &Context<'a>, drafts: &mut Drafts<'a>) {
    for (address, draft) in drafts.iter_mut() {
        let Some(ready) = asked(context, address) else { continue };
        let acts = |step: Step| matches!(step, Step::Create | Step::Start | Step::Update);
        if let Some((_, action)) = draft.steps.iter_mut().rev().find(|(step, _)| acts(*step)) {
            action.ready = Some(ready.clone());
        }
    }
    for address in waited_for(context, drafts) {
        wait_for(context, drafts, &address);
    }
    ask_before_the_former_goes(context, drafts);
}

/// A pod that another one took the place of goes only when that one is ready, also where an earlier run created it.
fn ask_before_the_former_goes(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    let left_over = |step: &(Step, Action)| step.0 == Step::DeleteDeposed && step.1.reason == Reason::Deposed;
    let replaced = drafts.iter().filter(|(address, draft)| {
        draft.steps.iter().any(left_over) && must_be_waited_for(context, drafts, address)
    });
    let replaced: Vec<Address> = replaced.map(|(address, _)| (*address).clone()).collect();
    for address in replaced {
        wait_for(context, drafts, &address);
        let Some(draft) = drafts.get_mut(&address) else { continue };
        let asks = draft.steps.iter().position(|(step, _)| *step == Step::Ready);
        let goes = draft.steps.iter().position(left_over);
        if let (Some(asks), Some(goes)) = (asks, goes)
            && goes < asks
        {
            let step = draft.steps.remove(asks);
            draft.steps.insert(goes, step);
        }
    }
}

/// Adds a step that waits until a pod is ready, if it is up and no other step asks it.
pub(super) fn wait_for(context: &Context<'_>, drafts: &mut Drafts<'_>, address: &Address) {
    // What the command line left out is taken as it is.
    let Some(draft) = drafts.get_mut(address) else { return };
    let is_asked = draft.steps.iter().any(|(step, action)| action.ready.is_some() || *step == Step::Ready);
    if is_asked || draft.held.is_some() || !draft.blocks.is_empty() {
        return;
    }
    if let Some((id, record)) = standing(context, address, draft) {
        push(draft, id, record, asked(context, address).cloned());
    }
}

/// Returns what a pod must answer, if it is wanted to run.
fn asked<'a>(context: &Context<'a>, address: &Address) -> Option<&'a Ready> {
    let Some(Wanted::Pod(pod)) = context.wanted(address) else { return None };
    context.inputs.desired.ready.get(address).filter(|_| pod.run == RunState::Running)
}

/// Returns the pods that must be ready before something of this plan is brought up.
fn waited_for(context: &Context<'_>, drafts: &Drafts<'_>) -> BTreeSet<Address> {
    let brought_up = drafts.iter().filter(|(_, draft)| graph::brought_up(draft).is_some());
    let wanted = brought_up.filter_map(|(address, _)| match context.wanted(address)? {
        Wanted::Pod(pod) => Some(pod),
        Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_) => None,
    });
    let waits = wanted.flat_map(|pod| {
        // Who waits for the end of a job has a step that does.
        let ends = |address: &Address| asked(context, address).is_none() && pod.until.contains_key(address);
        dependencies(pod).into_iter().filter(move |address| !ends(address))
    });
    let mut awaited: BTreeSet<Address> = waits.collect();
    awaited.retain(|address| must_be_waited_for(context, drafts, address));
    awaited
}

/// Tells whether a pod has to be waited for although nothing may be done to it.
fn must_be_waited_for(context: &Context<'_>, drafts: &Drafts<'_>, address: &Address) -> bool {
    asked(context, address).is_some()
        || drafts.get(address).is_some_and(|draft| is_on_its_way(context, address, draft))
}

/// Tells whether a pod that is wanted to run does not yet, and no step of the plan ends with that.
fn is_on_its_way(context: &Context<'_>, address: &Address, draft: &Draft<'_>) -> bool {
    let Some(Wanted::Pod(pod)) = context.wanted(address) else { return false };
    let is_done_to =
        graph::brought_up(draft).is_some() || draft.steps.iter().any(|(step, _)| graph::takes_down(*step));
    if pod.run != RunState::Running || is_done_to {
        return false;
    }
    let Some((id, _)) = standing(context, address, draft) else { return false };
    match context.inputs.live.pods.get(&id).and_then(Seen::found).map(|live| live.status) {
        Some(PodStatus::Provisioning | PodStatus::Starting) => true,
        Some(PodStatus::Running | PodStatus::Exited | PodStatus::Error | PodStatus::Terminated) | None => {
            false
        }
    }
}

/// Returns the pod that is at an address and runs, and what is on record of it after the steps before.
fn standing(context: &Context<'_>, address: &Address, draft: &Draft<'_>) -> Option<(PodId, Record)> {
    let put = draft.steps.iter().rev().find_map(|(_, action)| {
        let RecordAfter::Put { id, record } = &action.record else { return None };
        Some((id.clone()?, record.as_ref().clone()))
    });
    let recorded =
        || context.renamed.recorded(address).map(|recorded| (recorded.id.clone(), recorded.record.clone()));
    let (RemoteId::Pod(id), record) = put.or_else(recorded)? else { return None };
    let live = context.inputs.live.pods.get(&id).and_then(Seen::found)?;
    live.status.is_up().then_some((id, record))
}

fn push(draft: &mut Draft<'_>, id: PodId, record: Record, ready: Option<Ready>) {
    let after = draft.after;
    let at_most = draft.at_most;
    draft.push(Planning {
        step: Step::Ready,
        operation: Operation::AwaitPod { id: id.clone() },
        reason: Reason::WaitedFor,
        changes: Vec::new(),
        consequences: Vec::new(),
        after,
        record: RecordAfter::put(Some(RemoteId::Pod(id)), record),
    });
    draft.at_most = at_most;
    if let Some((_, action)) = draft.steps.last_mut() {
        action.ready = ready;
    }
}
