//! What of a plan that is made after a wait goes on with the one that was approved before it.
//!
//! The account was anybody's meanwhile, so the plan is made anew, and nothing is taken from the old one but the right to do
//! what it said. What is left of it may be done, and nothing else: not more, not to other objects, not with other values,
//! not in another order and with no consequence that nobody saw.
//!
//! Judged is what waits, what stands behind that, and what either needs by now. All else may be as it is: a wait is long, and
//! jobs end and pods drift in it that have nothing to do with it. Nothing is done about them, as nobody approved that.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::id::{PodId, RemoteId};
use crate::model::outcome::{EndResult, Outcome};
use crate::model::plan::{
    Action, ActionId, Block, OnStuck, Operation, Plan, Planned, Reason, RecordAfter, Step, at,
};

use super::digest::{creates_the_same, does_the_same, is_of_waves};
use super::registries::sent_by;

/// What is left to do after a wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Again {
    /// A plan of what is due and what may follow it, under the approved digest.
    pub plan: Plan,
    /// What was waited for, or stands behind that, and is not in the plan of now, as it is done.
    pub not_needed: BTreeSet<ActionId>,
    /// What is due and cannot be tried at this moment, for a reason that passes by itself.
    pub put_off: BTreeSet<ActionId>,
    /// What the plan of now has besides, which this run does not do.
    pub left: BTreeSet<ActionId>,
}

/// Compares the plan of now with an approved one, of which the run came as far as `outcome` says; of what waits, only what
/// is `due` is done.
///
/// # Errors
/// What waits, or stands behind that, is no longer as it was approved, or needs what was not; says how, in words.
pub fn again(
    approved: &Plan,
    outcome: &Outcome,
    due: &BTreeSet<ActionId>,
    now: &Planned,
) -> Result<Again, Vec<String>> {
    let (plan, blocks) = match now {
        Planned::Changes(plan) | Planned::NoChanges(plan) => (plan, &[][..]),
        Planned::Blocked { reasons, plan } => (plan, &reasons[..]),
    };
    let rounds = Rounds { approved, outcome };
    let open = rounds.open();
    if rounds.is_blocked(&open, blocks) {
        return Err(vec!["it is blocked now".to_owned()]);
    }
    let concerned = concerned(&open, plan);
    let waiting: BTreeSet<&ActionId> = rounds.waiting().collect();
    let held = waiting.iter().filter_map(|id| Some((*id, plan.held.get(&id.address)?)));
    let (put_off, held): (Vec<_>, Vec<_>) = held.partition(|(_, held)| held.passes(&plan.held));
    let mut reasons: Vec<String> =
        held.iter().map(|(id, _)| format!("`{}` is held now; `podform plan` says why", id.address)).collect();
    let put_off = put_off.into_iter().map(|(id, _)| id).filter(|id| due.contains(*id));
    let put_off: BTreeSet<ActionId> = put_off.cloned().collect();
    // What is only waited for, or written down, is not changed, so nobody had to approve it.
    let changes = concerned.iter().filter(|id| !id.step.only_waits() && id.step != Step::Record);
    let known = changes.filter_map(|id| Some((*id, plan.actions.get(*id)?)));
    let known = known.filter(|(id, action)| !rounds.gave_up(id) && !rounds.follows_from_an_end(id, action));
    reasons.extend(known.filter_map(|(id, action)| rounds.objection(id, action)));
    reasons.extend(rounds.disorder(plan, &concerned));
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let is_planned = |id: &ActionId| plan.actions.contains_key(id) || plan.actions.contains_key(&created(id));
    let is_over =
        |id: &&ActionId| !is_planned(id) && !plan.held.contains_key(&id.address) && !rounds.gave_up(id);
    let not_needed: BTreeSet<ActionId> = rounds.behind().chain(waiting).filter(is_over).cloned().collect();
    let part = rounds.part(plan, due, &concerned);
    // It would be due for ever.
    let stranded = |id: &&ActionId| {
        let is_in = part.actions.contains_key(*id) || part.actions.contains_key(&created(id));
        !is_in && !not_needed.contains(*id) && !put_off.contains(*id)
    };
    let stranded: Vec<String> = due
        .iter()
        .filter(stranded)
        .map(|id| format!("`{id}` needs something now that this run has given up"))
        .collect();
    if !stranded.is_empty() {
        return Err(stranded);
    }
    let left = plan.actions.keys().filter(|id| !concerned.contains(id) && rounds.is_news(id));
    Ok(Again { left: left.cloned().collect(), plan: part, not_needed, put_off })
}

/// Returns the actions of a plan that an approval is still asked of: all at the addresses of what is open, and all that come
/// before one of these.
fn concerned<'p>(open: &BTreeSet<&ActionId>, plan: &'p Plan) -> BTreeSet<&'p ActionId> {
    let addresses: BTreeSet<&Address> = open.iter().map(|id| &id.address).collect();
    let there = plan.actions.keys().filter(|id| addresses.contains(&id.address));
    let backwards = plan.edges.iter().map(|(first, then)| (then, first));
    let mut concerned = reached(there.collect(), backwards);
    concerned.retain(|id| plan.actions.contains_key(*id));
    concerned
}

/// Returns these actions and all that a chain of edges leads to from them.
fn reached<'p>(
    from: BTreeSet<&'p ActionId>,
    edges: impl Iterator<Item = (&'p ActionId, &'p ActionId)>,
) -> BTreeSet<&'p ActionId> {
    let mut beyond: BTreeMap<&ActionId, Vec<&'p ActionId>> = BTreeMap::new();
    for (from, to) in edges {
        beyond.entry(from).or_default().push(to);
    }
    let mut open: Vec<&ActionId> = from.iter().copied().collect();
    let mut reached = from;
    while let Some(id) = open.pop() {
        open.extend(beyond.get(id).into_iter().flatten().copied().filter(|to| reached.insert(to)));
    }
    reached
}

/// An approved plan and how far its run came.
struct Rounds<'a> {
    approved: &'a Plan,
    outcome: &'a Outcome,
}

impl<'a> Rounds<'a> {
    fn ended(&self, id: &ActionId) -> Option<&'a EndResult> {
        self.outcome.actions.get(id).map(|ended| &ended.result)
    }

    fn waiting(&self) -> impl Iterator<Item = &'a ActionId> {
        let ended = self.outcome.actions.iter();
        ended.filter(|(_, ended)| matches!(ended.result, EndResult::NoCapacity(_))).map(|(id, _)| id)
    }

    /// Returns what was not begun.
    fn behind(&self) -> impl Iterator<Item = &'a ActionId> {
        let ended = self.outcome.actions.iter();
        ended.filter(|(_, ended)| matches!(ended.result, EndResult::Skipped(_))).map(|(id, _)| id)
    }

    /// Returns what waits, and what was not begun as it stands behind that.
    fn open(&self) -> BTreeSet<&'a ActionId> {
        let waiting: BTreeSet<&ActionId> = self.waiting().collect();
        let edges = self.approved.edges.iter().map(|(first, then)| (first, then));
        let mut open = reached(waiting.clone(), edges);
        let is_behind = |id: &ActionId| matches!(self.ended(id), Some(EndResult::Skipped(_)));
        open.retain(|id| waiting.contains(id) || is_behind(id));
        open
    }

    /// Tells whether something forbids what is open: where it is, at what it needs, or to the whole plan.
    fn is_blocked(&self, open: &BTreeSet<&ActionId>, blocks: &[Block]) -> bool {
        let needs = open.iter().filter_map(|id| self.approved.actions.get(*id)).flat_map(needed);
        let needs: BTreeSet<&Address> = needs.chain(open.iter().map(|id| &id.address)).collect();
        blocks.iter().any(|block| block.address().is_none_or(|address| needs.contains(address)))
    }

    /// Tells whether the run has not said already that an action is not done.
    fn is_news(&self, id: &ActionId) -> bool {
        let is_told = matches!(self.ended(id), Some(EndResult::Skipped(_))) || self.gave_up(id);
        !is_told && !id.step.only_waits()
    }

    /// Tells whether the run left an address unfinished for good. What is left to do there is for the next apply.
    fn gave_up(&self, id: &ActionId) -> bool {
        at(&self.outcome.actions, &id.address).any(|(_, ended)| match ended.result {
            EndResult::Failed(_) | EndResult::Unknown(_) | EndResult::Waiting(_) => true,
            EndResult::Done | EndResult::NoCapacity(_) | EndResult::Skipped(_) => false,
        })
    }

    /// Tells whether an action is needed now only because a job has ended that the run waited for. It is for the next apply.
    fn follows_from_an_end(&self, id: &ActionId, action: &Action) -> bool {
        let wait = ActionId { address: id.address.clone(), step: Step::Await };
        action.reason == Reason::JobEnded
            && self.approved.actions.contains_key(&wait)
            && self.counterpart(id).is_none()
    }

    /// Says why an action of now is none that was approved and is left to do.
    fn objection(&self, id: &ActionId, action: &Action) -> Option<String> {
        let Some((approved_id, approved)) = self.counterpart(id) else {
            return Some(format!("`{id}` is needed now and was not approved"));
        };
        if self.ended(approved_id) == Some(&EndResult::Done) {
            return Some(format!("`{id}` was done and is needed again"));
        }
        // What it refers to may have been made by this run, so that its id is known by now.
        let filled = approved.filled(|address| self.made(address)).unwrap_or(Cow::Borrowed(approved));
        let is_same = match (&filled.operation, &action.operation) {
            (Operation::StartPod { on_stuck: OnStuck::Replace(then), .. }, Operation::CreatePod(now)) => {
                creates_the_same(then, now)
            }
            _ => does_the_same(&filled, action),
        };
        let is_seen = action.consequences.iter().all(|one| approved.consequences.contains(one));
        (!is_same || !is_seen).then(|| format!("`{id}` would do something else now"))
    }

    /// Returns the pod that the run has made at an address.
    fn made(&self, address: &Address) -> Option<PodId> {
        let create = ActionId { address: address.clone(), step: Step::Create };
        let ended = self.outcome.actions.get(&create).filter(|ended| ended.result == EndResult::Done)?;
        match ended.id.as_ref()? {
            RemoteId::Pod(id) => Some(id.clone()),
            RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_) => None,
        }
    }

    /// Returns the approved action that an action of now goes on with: a create may be the second half of a start whose host
    /// was full.
    fn counterpart(&self, id: &ActionId) -> Option<(&'a ActionId, &'a Action)> {
        let start = ActionId { address: id.address.clone(), step: Step::Start };
        let of_start = || {
            let (start, action) = self.approved.actions.get_key_value(&start)?;
            let is_half = id.step == Step::Create && action.operation.creation().is_some();
            (is_half && matches!(self.ended(start), Some(EndResult::NoCapacity(_))))
                .then_some((start, action))
        };
        self.approved.actions.get_key_value(id).or_else(of_start)
    }

    /// Says where the order of what is left is another one.
    fn disorder(&self, plan: &Plan, concerned: &BTreeSet<&ActionId>) -> Vec<String> {
        let both = |(first, then): &&(ActionId, ActionId)| {
            !is_of_waves(first, then)
                && [first, then].into_iter().any(|id| concerned.contains(id))
                && [first, then].into_iter().all(|id| {
                    !id.step.only_waits()
                        && plan.actions.contains_key(id)
                        && self.approved.actions.contains_key(id)
                        && !self.gave_up(id)
                })
        };
        let before: BTreeSet<_> = self.approved.edges.iter().filter(both).collect();
        let now: BTreeSet<_> = plan.edges.iter().filter(both).collect();
        let moved = before.symmetric_difference(&now);
        moved
            .map(|(first, then)| format!("whether `{first}` comes before `{then}` is otherwise now"))
            .collect()
    }

    /// Returns the part of the plan of now that is to be done at once: what is due, and what was not begun, unless it has to
    /// wait for anything else.
    fn part(&self, plan: &Plan, due: &BTreeSet<ActionId>, concerned: &BTreeSet<&ActionId>) -> Plan {
        let may_run = |id: &ActionId, action: &Action| {
            if !concerned.contains(id) || self.gave_up(id) {
                return false;
            }
            if id.step.only_waits() {
                return true;
            }
            let approved = self.counterpart(id).map(|(id, _)| id);
            let is_open = match approved.and_then(|id| self.ended(id)) {
                Some(EndResult::NoCapacity(_)) => approved.is_some_and(|id| due.contains(id)),
                Some(EndResult::Skipped(_)) => true,
                Some(
                    EndResult::Done | EndResult::Failed(_) | EndResult::Unknown(_) | EndResult::Waiting(_),
                )
                | None => false,
            };
            is_open && self.objection(id, action).is_none()
        };
        let left_out = plan.actions.iter().filter(|(id, action)| !may_run(id, action)).map(|(id, _)| id);
        // What only the records miss keeps nobody waiting.
        let (records, acts): (BTreeSet<&ActionId>, BTreeSet<&ActionId>) =
            left_out.partition(|id| id.step == Step::Record);
        let mut left_out = reached(acts, plan.edges.iter().map(|(first, then)| (first, then)));
        left_out.extend(records);
        let mut part = plan.clone();
        part.actions.retain(|id, _| !left_out.contains(id));
        let actions = &part.actions;
        part.edges.retain(|(first, then)| actions.contains_key(first) && actions.contains_key(then));
        part.at_most.retain(|address, _| at(actions, address).next().is_some());
        part.digest = self.approved.digest.clone();
        part
    }
}

/// Returns the addresses that must be as they are for an action to come to anything.
fn needed(action: &Action) -> impl Iterator<Item = &Address> {
    let pod = match &action.record {
        RecordAfter::Put { id: _, record } => record.object.pod(),
        RecordAfter::Remove { .. }
        | RecordAfter::MovedFrom(_)
        | RecordAfter::Deposed(_)
        | RecordAfter::Ended => None,
    };
    let mounted = pod.and_then(|pod| pod.container.storage.volume());
    let dependencies = pod.into_iter().flat_map(|pod| &pod.depends_on);
    dependencies.chain(mounted).chain(sent_by(&action.operation))
}

/// Returns the create that a start whose host is full turns into.
fn created(id: &ActionId) -> ActionId {
    ActionId { address: id.address.clone(), step: Step::Create }
}
