//! Why nothing of a plan may be done, and what to do about it.

use crate::model::money::Amount;
use crate::model::plan::{Block, BudgetLimit, Step, Unknown};
use crate::render::escape::visible;
use crate::render::money::{AMonth, AnHour};

use super::count;

/// An unknown part makes it uncertain, unless the rest is above the limit already.
fn above(limit: BudgetLimit, amount: Amount) -> &'static str {
    let known_is_above = match limit {
        BudgetLimit::Hourly(limit) => amount.known.hourly() > limit,
        BudgetLimit::Monthly(limit) => amount.known > limit,
    };
    if known_is_above || amount.exact().is_some() { "above" } else { "perhaps above" }
}

/// Returns why nothing may be done, and what to do about it.
pub fn block(block: &Block) -> String {
    match block {
        Block::Protected { address, step } => format!(
            "`{address}` is protected and would {}; to allow it, apply `protect: false` first or, if it has left the \
             spec, apply what `podform plan --unprotect {address} -o FILE` saves (a destroy: with `--destroy`)",
            suffering(*step)
        ),
        Block::Locked { address, step } => {
            format!("`{address}` is locked on RunPod and would {}; unlock it first", suffering(*step))
        }
        Block::StateOlder(unknown) => format!(
            "the state is older than the account: {} of a later version of it; use the newer state, or \
             `podform state rebuild` takes in what is there",
            marked(unknown)
        ),
        Block::StateEmpty(unknown) => format!(
            "the state has no record, and {} of this project; `podform state rebuild` takes them in, \
             `--state PATH` names the state that has them",
            marked(unknown)
        ),
        Block::AllVanished { count: 1 } => {
            "the only recorded object is gone, and nothing else of this state is in \
             the account: perhaps it is another account or key; `--accept-vanished` goes on"
                .to_owned()
        }
        Block::AllVanished { count } => format!(
            "all {count} recorded objects are gone at once, more likely another account or key than a loss; \
             `--accept-vanished` goes on"
        ),
        Block::OverBudget { limit: budget @ BudgetLimit::Hourly(limit), at_most } => format!(
            "GPUs and vCPUs may cost {}, {} `budget.max_hourly` of {limit}/h; want less, or raise the limit",
            AnHour(*at_most),
            above(*budget, *at_most)
        ),
        Block::OverBudget { limit: budget @ BudgetLimit::Monthly(limit), at_most } => format!(
            "everything may cost {} a month, {} `budget.max_monthly` of {limit}; want less, or raise the limit",
            AMonth(*at_most),
            above(*budget, *at_most)
        ),
        Block::NoStock { address } => format!(
            "`{address}` would be terminated before its replacement exists, and no candidate has stock; \
             `on_replace: create_first` keeps it until there is one"
        ),
        Block::VolumeCannotChange { address, why } | Block::NoSuchPlace { address, field: _, why } => {
            format!("`{address}`: {}", visible(why))
        }
        Block::NoCandidate { address, why } => {
            let why: Vec<String> = why.iter().map(|why| visible(why).to_string()).collect();
            let list = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
            format!("nothing in the catalog satisfies `{address}`{list}")
        }
        Block::Cycle(actions) => {
            let path: Vec<String> = actions.iter().map(|action| format!("`{action}`")).collect();
            format!("the actions wait for each other: {}", path.join(" -> "))
        }
    }
}

/// Says how many objects carry a mark, what they cost and where they belong.
fn marked(Unknown { objects, monthly }: &Unknown) -> String {
    const MOST: usize = 20;
    let named: Vec<String> = objects
        .iter()
        .take(MOST)
        .map(|(id, address)| format!("`{address}` ({})", visible(&id.to_string())))
        .collect();
    let more = match objects.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (objects, carry) = if objects.len() == 1 {
        ("1 object".to_owned(), "carries the mark")
    } else {
        (count(objects.len(), "object"), "carry the mark")
    };
    format!("{objects} ({} a month), {}{more}, {carry}", AMonth(*monthly), named.join(", "))
}

/// Returns what a step does to an object, after "would".
fn suffering(step: Step) -> &'static str {
    match step {
        Step::Move => "be moved",
        Step::Adopt => "be adopted",
        Step::Record => "be recorded",
        Step::Stop => "be stopped",
        Step::Update => "be changed",
        Step::Start => "be started",
        Step::Await => "be waited for",
        Step::Delete | Step::DeleteDeposed => "be destroyed",
        Step::Create => "be created",
        Step::Forget => "be forgotten",
        Step::Ready => "be waited for",
    }
}
