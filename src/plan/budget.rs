//! Whether everything that a spec wants stays within its budget.
//!
//! What counts is what the plan may come to: every address on the dearest of its candidates. A plan that is above a
//! limit and begins or enlarges something that is billed is blocked; one that only makes things cheaper must never be,
//! as it is the way back under the limit.

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::desired::{Budget, OnExceed};
use crate::model::money::{Amount, Price};
use crate::model::plan::{Action, Block, BudgetLimit, Finding, Operation, Plan, Split};
use crate::model::pod::Compute;
use crate::model::settings::Field;

use super::finding;

/// What comes of it.
#[derive(Default)]
pub(super) struct Checked {
    pub blocks: Vec<Block>,
    pub findings: Vec<Finding>,
}

/// Compares a plan with the limits; `others` is the cost of what is managed but out of this plan's scope.
pub(super) fn check(plan: &Plan, budget: Budget, others: Split) -> Checked {
    let Budget { max_hourly, max_monthly, on_exceed } = budget;
    let at_most = plan.cost.at_most + others;
    let limits = [max_hourly.map(BudgetLimit::Hourly), max_monthly.map(BudgetLimit::Monthly)];
    let amounts = limits.into_iter().flatten().map(|limit| (limit, counted(limit, at_most)));
    let exceeded: Vec<_> = amounts.filter(|(limit, amount)| exceeds(*limit, *amount)).collect();
    let mut checked = Checked::default();
    if exceeded.iter().any(|(_, at_most)| at_most.unknown_parts > 0) {
        checked
            .findings
            .extend(plan.actions.iter().filter_map(|(id, action)| without_price(&id.address, action)));
    }
    if let (Some(_), Some(runs)) = (max_monthly, at_most.runs) {
        checked.findings.push(finding::jobs_in_no_month(runs.total()));
    }
    for (limit, at_most) in exceeded {
        let is_blocked = match on_exceed {
            OnExceed::Fail => {
                plan.actions.values().any(|action| spends(limit, action)) && !is_cheaper(limit, plan)
            }
            OnExceed::Warn => false,
        };
        if is_blocked {
            checked.blocks.push(Block::OverBudget { limit, at_most });
        } else {
            checked.findings.push(finding::over_budget(limit, at_most));
        }
    }
    checked
}

/// Returns the part of a cost that a limit is about. How long a job runs nobody knows, so it counts by the hour only.
fn counted(limit: BudgetLimit, cost: Split) -> Amount {
    match limit {
        BudgetLimit::Hourly(_) => cost.compute + cost.runs.unwrap_or_default().compute,
        BudgetLimit::Monthly(_) => cost.total(),
    }
}

/// Names what an action may rent for a price that nobody knows.
fn without_price(address: &Address, action: &Action) -> Option<Finding> {
    let Operation::CreatePod(creation) = &action.operation else {
        return None;
    };
    let unknown = creation
        .attempts
        .iter()
        .map(|attempt| &attempt.candidate)
        .filter(|candidate| candidate.price == Price::Unknown);
    let names: BTreeSet<(Field, &str)> = unknown
        .map(|candidate| match &candidate.placement.compute {
            Compute::Gpu { id, count: _ } => (Field::Gpu, id.as_str()),
            Compute::Cpu { flavor, vcpus: _ } => (Field::Cpu, flavor.as_str()),
        })
        .collect();
    let field = names.first()?.0.clone();
    let listed: Vec<String> = names.iter().map(|(_, name)| format!("`{name}`")).collect();
    Some(finding::without_price(address, field, &listed.join(", ")))
}

/// An unknown part may be anything, so it keeps no limit.
fn exceeds(limit: BudgetLimit, amount: Amount) -> bool {
    let limit = match limit {
        BudgetLimit::Hourly(limit) => limit.monthly(),
        BudgetLimit::Monthly(limit) => limit,
    };
    amount.exact().is_none_or(|known| known > limit)
}

/// Tells whether the plan certainly ends below what is billed now.
fn is_cheaper(limit: BudgetLimit, plan: &Plan) -> bool {
    let [after, now] = [plan.cost.at_most, plan.cost.now].map(|cost| counted(limit, cost).exact());
    match (after, now) {
        (Some(after), Some(now)) => after < now,
        (None, _) | (_, None) => false,
    }
}

/// Tells whether an action begins or enlarges something that is billed.
fn spends(limit: BudgetLimit, action: &Action) -> bool {
    match action.operation {
        Operation::CreatePod(_) | Operation::StartPod { .. } => true,
        Operation::CreateVolume { .. } | Operation::GrowVolume { .. } | Operation::UpdatePod { .. } => {
            let [before, after] = [action.cost.before, action.cost.after].map(|cost| counted(limit, cost));
            after.known > before.known || after.unknown_parts > before.unknown_parts
        }
        Operation::Local
        | Operation::CreateSecret { .. }
        | Operation::SetSecret { .. }
        | Operation::DeleteSecret { .. }
        | Operation::CreateRegistry { .. }
        | Operation::DeleteRegistries { .. }
        | Operation::StopPod { .. }
        | Operation::AwaitJob { .. }
        | Operation::DeletePods { .. }
        | Operation::AwaitPod { .. }
        | Operation::DeleteVolume { .. } => false,
    }
}
