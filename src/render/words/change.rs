//! The header of a change, in the grammar of Terraform's headers, which other tools parse, and what stands below it.

use crate::model::address::Address;
use crate::model::plan::{Reason, RecordAfter, Step};
use crate::model::ready::{Boot, OnNoBoot};
use crate::model::value::Value;
use crate::render::escape::visible;
use crate::render::value;
use crate::render::view::{Change, Group, Verb};

use super::{count, reason};

/// Returns the header of a group in Terraform's grammar.
pub(crate) fn header(name: &str, group: &Group<'_>) -> String {
    let each = &group.each;
    match each.verb {
        Verb::Create => format!("{name} will be created"),
        Verb::DestroyThenCreate | Verb::CreateThenDestroy => format!("{name} must be replaced"),
        Verb::Update if each.restarts() && !each.has(Step::Update) => {
            format!("{name} will be stopped and started again")
        }
        Verb::Update => format!("{name} will be updated in-place"),
        Verb::Start => format!("{name} will be started"),
        Verb::Stop => format!("{name} will be stopped"),
        Verb::Destroy => format!("{name} will be destroyed"),
        Verb::DestroyDeposed if each.is_because(&Reason::Duplicate) => {
            format!("{name} (a second pod of one create) will be destroyed")
        }
        Verb::DestroyDeposed => format!("{name} (left behind by a replacement) will be destroyed"),
        Verb::Import => format!("{name} will be imported"),
        Verb::Move => match moved_from(group) {
            Some(from) => format!("{from} has moved to {name}"),
            None => format!("{name} has moved"),
        },
        Verb::Await => format!("{name} is a job that is waited for"),
        Verb::Record => format!("{name} will be changed in the state only"),
        Verb::Forget if each.is_because(&Reason::Vanished) => {
            format!("{name} is gone and will be forgotten")
        }
        Verb::Forget if forgets_only(group) => {
            format!("{name} has no pod; what is known of its job will be forgotten")
        }
        Verb::Ready if each.ready.is_none() && group.addresses.len() > 1 => {
            format!("{name} will be waited for until they run")
        }
        Verb::Ready if each.ready.is_none() => format!("{name} will be waited for until it runs"),
        Verb::Ready if group.addresses.len() > 1 => format!("{name} will be asked whether they are ready"),
        Verb::Ready => format!("{name} will be asked whether it is ready"),
        Verb::Forget => format!("{name} will no longer be managed by podform, but will not be destroyed"),
    }
}

/// Tells whether nothing is given up but what is known of a job: a pod that goes on unmanaged has its token kept.
fn forgets_only(group: &Group<'_>) -> bool {
    let mut forgets =
        group.each.steps.iter().filter(|(id, _)| id.step == Step::Forget && id.address.is_pod());
    forgets.any(|(_, action)| action.record == RecordAfter::Remove { tombstone: false })
}

/// Returns what stands in parentheses below the header.
pub(crate) fn comments(group: &Group<'_>) -> Vec<String> {
    let each = &group.each;
    let mut comments = Vec::new();
    if group.addresses.len() > 1 {
        let numbered = each.rows.iter().any(|row| has_pattern(&row.before) || has_pattern(&row.after));
        let legend = if numbered { "; {n} is the number of the replica" } else { "" };
        comments.push(format!("{} alike{legend}", count(group.addresses.len(), "pod")));
    }
    let in_header = |reason: &Reason| {
        matches!(
            (each.verb, reason),
            (Verb::Move, Reason::Renamed)
                | (Verb::DestroyDeposed, Reason::Deposed | Reason::Duplicate)
                | (Verb::Forget, Reason::Vanished)
        )
    };
    let telling = each.reasons.iter().filter(|reason| !in_header(reason));
    let because: Vec<&str> = telling.filter_map(|reason| self::reason(reason)).collect();
    if !because.is_empty() {
        comments.push(format!("because {}", because.join(", and ")));
    }
    if each.verb != Verb::Move && each.has(Step::Move) {
        let from = moved_from(group).map_or_else(String::new, |from| format!(" from {from}"));
        comments.push(format!("moved{from}"));
    }
    let updates = each.has(Step::Update);
    let besides = [
        (each.verb != Verb::Import && each.has(Step::Adopt), "imported first"),
        (each.verb != Verb::Await && each.has(Step::Await), "and its job is waited for"),
        (each.verb == Verb::Start && updates, "after an update in place"),
        (each.verb == Verb::Stop && updates, "with an update in place"),
        (each.verb == Verb::Update && updates && each.restarts(), "stopped before and started after it"),
    ];
    comments.extend(besides.into_iter().filter(|(holds, _)| *holds).map(|(_, words)| words.to_owned()));
    if group.addresses.len() == 1 && !each.ids.is_empty() {
        let ids: Vec<String> = each.ids.iter().map(|id| visible(&id.to_string()).to_string()).collect();
        comments.push(format!("id {}", ids.join(", ")));
    }
    comments
}

/// Returns what a pod must do before it counts as done, each behind its key.
pub(crate) fn promises(each: &Change<'_>) -> Vec<(&'static str, String)> {
    let ready = each.ready.map(|ready| ("ready", visible(&ready.to_string()).to_string()));
    let boot = each.boot.map(|Boot { within, or_else }| {
        let then = match or_else {
            OnNoBoot::NextCandidate => "the next place is tried",
            OnNoBoot::Fail => "the create has failed",
        };
        ("boot", format!("given up if it never runs within {within}; then {then}"))
    });
    boot.into_iter().chain(ready).collect()
}

fn has_pattern(value: &Value) -> bool {
    value::text(value).is_some_and(|text| text.contains("{n}"))
}

/// Returns where a change moves from, unless it is one of several alike.
fn moved_from<'a>(group: &Group<'a>) -> Option<&'a Address> {
    if group.addresses.len() == 1 { group.each.moved_from() } else { None }
}
