//! What a whole plan amounts to: its counts, what it loses and what of it is not known.

use crate::model::address::Address;
use crate::model::plan::CostSummary;
use crate::render::ranges::ranges_to;
use crate::render::view::{Counts, Lost};

use super::count;

/// Returns Terraform's line, which other tools look for.
pub(crate) fn plan_line(counts: Counts) -> String {
    let import = if counts.import > 0 { format!("{} to import, ", counts.import) } else { String::new() };
    let (add, change, destroy) = (counts.to_add(), counts.to_change(), counts.to_destroy());
    format!("Plan: {import}{add} to add, {change} to change, {destroy} to destroy.")
}

/// Returns the line that says what Terraform's words cannot: starts, stops, resets, and what is left alone.
pub(crate) fn own_line(counts: Counts) -> String {
    let updates = if counts.reset > 0 {
        format!("to update ({} with a reset)", counts.reset)
    } else {
        "to update".to_owned()
    };
    let kinds = [
        (counts.create, "to create"),
        (counts.replace, "to replace"),
        (counts.start, "to start"),
        (counts.stop, "to stop"),
        (counts.update, updates.as_str()),
        (counts.destroy, "to destroy"),
        (counts.import, "to import"),
        (counts.moved, "to move"),
        (counts.record, "to record"),
        (counts.forget, "to forget"),
        (counts.awaited, "to wait for"),
        (counts.held, "held"),
        (counts.unchanged, "unchanged"),
        (counts.out_of_scope, "out of scope"),
    ];
    let some = kinds.into_iter().filter(|(number, _)| *number > 0);
    let words: Vec<String> = some.map(|(number, words)| format!("{number} {words}")).collect();
    if words.is_empty() { "Nothing changes.".to_owned() } else { format!("That is {}.", words.join(", ")) }
}

impl Lost {
    /// Returns what is lost, the worst first, and what of it only if a start fails; empty if nothing is.
    pub(crate) fn words(self) -> String {
        let kinds = [(self.network_volumes, "network volume"), (self.local_volumes, "local volume")];
        let kinds = kinds.into_iter().filter_map(|(lost, noun)| sized(lost, noun));
        let runs = (self.runs > 0).then(|| count(self.runs, "job run"));
        let words = kinds.chain(runs).collect::<Vec<_>>().join(", ");
        match self.at_failed_starts {
            0 => words,
            number => format!("{words}; at {number} of them only if a start fails"),
        }
    }

    /// Returns the container disks that are wiped, which is no loss of data.
    pub(crate) fn wiped_words(self) -> Option<String> {
        sized(self.container_disks, "container disk")
    }

    /// Returns what was lost before the plan.
    pub(crate) fn gone_words(self) -> Option<String> {
        let (number, size) = self.gone;
        let each = if number == 1 { "vanished with its" } else { "vanished with their" };
        (number > 0).then(|| format!("{} {each} data ({size} GB)", count(number, "object")))
    }
}

fn sized((number, size): (usize, u64), noun: &str) -> Option<String> {
    (number > 0).then(|| format!("{} ({size} GB)", count(number, noun)))
}

/// Returns the line on prices that are not known afterwards, if there are any.
pub(crate) fn unknown_prices(cost: &CostSummary) -> Option<String> {
    let unknown = cost.after.total().unknown_parts;
    (unknown > 0).then(|| format!("{} unknown: the sums are lower bounds.", count(unknown as usize, "price")))
}

/// The most characters of addresses that are as wanted. Whoever needs all of many has the JSON.
const MOST_UNCHANGED: usize = 1_000;

/// Returns how many addresses a plan is not about, by the profiles and targets that were chosen.
pub(crate) fn out_of_scope(number: usize) -> Option<String> {
    match number {
        0 => None,
        1 => Some("1 address is out of scope and was not compared".to_owned()),
        _ => Some(format!("{number} addresses are out of scope and were not compared")),
    }
}

/// Returns which addresses are unchanged, in few words.
pub(crate) fn unchanged<'a>(addresses: impl ExactSizeIterator<Item = &'a Address>) -> Option<String> {
    let number = addresses.len();
    let names = ranges_to(addresses, MOST_UNCHANGED);
    match number {
        0 => None,
        1 => Some(format!("1 address is as wanted: {names}")),
        _ => Some(format!("{number} addresses are as wanted: {names}")),
    }
}
