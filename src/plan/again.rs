//! What of a plan that is made after a wait goes on with the one that was approved before it.
//!
//! The account was anybody's meanwhile, so the plan is made anew, and nothing is taken from the old one but the right to do
//! what it said. What is left of it may be done, and nothing else: not more, not to other objects, not with other values,
//! not in another order and with no consequence that nobody saw.

use std::collections::BTreeSet;

use crate::model::outcome::{EndResult, Outcome};
use crate::model::plan::{Action, ActionId, OnStuck, Operation, Plan, Planned, Step};

use super::digest::{creates_the_same, does_the_same, is_of_waves};

/// What is left to do after a wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Again {
    /// A plan of what is due and what may follow it, under the approved digest.
    pub plan: Plan,
    /// What was waited for, or stands behind that, and is not in the plan of now, as it is done.
    pub not_needed: BTreeSet<ActionId>,
}

/// Compares the plan of now with an approved one, of which the run came as far as `outcome` says; of what waits, only what
/// is `due` is done.
///
/// # Errors
/// The account or the state is no longer what was approved; says how, in words.
pub fn again(
    approved: &Plan,
    outcome: &Outcome,
    due: &BTreeSet<ActionId>,
    now: &Planned,
) -> Result<Again, Vec<String>> {
    let plan = match now {
        Planned::Changes(plan) | Planned::NoChanges(plan) => plan,
        Planned::Blocked { reasons, plan } if reasons.is_empty() => plan,
        Planned::Blocked { .. } => return Err(vec!["it is blocked now".to_owned()]),
    };
    let rounds = Rounds { approved, outcome };
    let waiting: BTreeSet<&ActionId> = rounds.waiting().collect();
    let mut reasons: Vec<String> = waiting
        .iter()
        .filter(|id| plan.held.contains_key(&id.address))
        .map(|id| format!("`{}` is held now; `podform plan` says why", id.address))
        .collect();
    // What is only waited for is not changed, so nobody had to approve it.
    let known = plan.actions.iter().filter(|(id, _)| !id.step.only_waits() && !rounds.gave_up(id));
    reasons.extend(known.filter_map(|(id, action)| rounds.objection(id, action)));
    reasons.extend(rounds.disorder(plan));
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let is_planned = |id: &ActionId| plan.actions.contains_key(id) || plan.actions.contains_key(&created(id));
    let left =
        |id: &&ActionId| !is_planned(id) && !plan.held.contains_key(&id.address) && !rounds.gave_up(id);
    let not_needed = rounds.behind().chain(waiting).filter(left).cloned().collect();
    Ok(Again { plan: rounds.part(plan, due), not_needed })
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

    /// Tells whether the run left an address unfinished for good. What is left to do there is for the next apply.
    fn gave_up(&self, id: &ActionId) -> bool {
        let at_it = self.outcome.actions.iter().filter(|(ended, _)| ended.address == id.address);
        at_it.into_iter().any(|(_, ended)| match ended.result {
            EndResult::Failed(_) | EndResult::Unknown(_) | EndResult::Waiting(_) => true,
            EndResult::Done | EndResult::NoCapacity(_) | EndResult::Skipped(_) => false,
        })
    }

    /// Says why an action of now is none that was approved and is left to do.
    fn objection(&self, id: &ActionId, action: &Action) -> Option<String> {
        let Some((approved_id, approved)) = self.counterpart(id) else {
            return Some(format!("`{id}` is needed now and was not approved"));
        };
        if self.ended(approved_id) == Some(&EndResult::Done) {
            return Some(format!("`{id}` was done and is needed again"));
        }
        let is_same = match (&approved.operation, &action.operation) {
            (Operation::StartPod { on_stuck: OnStuck::Replace(then), .. }, Operation::CreatePod(now)) => {
                creates_the_same(then, now)
            }
            _ => does_the_same(approved, action),
        };
        let is_seen = action.consequences.iter().all(|one| approved.consequences.contains(one));
        (!is_same || !is_seen).then(|| format!("`{id}` would do something else now"))
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
    fn disorder(&self, plan: &Plan) -> Vec<String> {
        let both = |(first, then): &&(ActionId, ActionId)| {
            !is_of_waves(first, then)
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
    fn part(&self, plan: &Plan, due: &BTreeSet<ActionId>) -> Plan {
        let may_run = |id: &ActionId| {
            if id.step.only_waits() {
                return !self.gave_up(id);
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
            is_open && !self.gave_up(id)
        };
        let mut left_out: BTreeSet<&ActionId> = plan.actions.keys().filter(|id| !may_run(id)).collect();
        loop {
            let behind = plan.edges.iter().filter(|(first, then)| {
                left_out.contains(first) && !left_out.contains(then) && plan.actions.contains_key(then)
            });
            let behind: Vec<&ActionId> = behind.map(|(_, then)| then).collect();
            if behind.is_empty() {
                break;
            }
            left_out.extend(behind);
        }
        let mut part = plan.clone();
        part.actions.retain(|id, _| !left_out.contains(id));
        let actions = &part.actions;
        part.edges.retain(|(first, then)| actions.contains_key(first) && actions.contains_key(then));
        part.at_most.retain(|address, _| actions.keys().any(|id| id.address == *address));
        part.digest = self.approved.digest.clone();
        part
    }
}

/// Returns the create that a start whose host is full turns into.
fn created(id: &ActionId) -> ActionId {
    ActionId { address: id.address.clone(), step: Step::Create }
}
