//! What an apply says while it runs.
//!
//! A line holds no elapsed time, so that the output of a run without a terminal is the same each time. A terminal
//! shows the time by itself, beside the short texts for its spinners.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::address::Address;
use crate::model::clock::{Age, SignedDuration};
use crate::model::id::PodId;
use crate::model::outcome::{EndResult, Ended, Fate, Recovered};
use crate::model::plan::{ActionId, Step};
use crate::model::progress::Notice;

use super::escape::visible;
use super::ranges::ranges_to;
use super::words;

/// Returns the line for a notice, for logs and pipes.
pub fn line(notice: &Notice) -> String {
    match notice {
        Notice::Began(action) => format!("{}: {}", action.address, doing(action.step)),
        Notice::AttemptRefused { action, why } => format!("{}: tried {}", action.address, visible(why)),
        Notice::Waiting { action, what } => format!("{}: waiting for {}", action.address, visible(what)),
        Notice::QuotaWait(wait) => quota_wait(wait),
        Notice::CapacityWait { addresses, next, left } => capacity_wait(addresses, next, left),
        Notice::NotNeeded(action) => {
            format!(
                "{}: {} is not needed any more, as somebody else did it",
                action.address,
                noun(action.step)
            )
        }
        Notice::Settling { addresses, remaining: _ } => {
            format!("looking for creates whose answer was lost: {}", ranges_to(addresses, 200))
        }
        Notice::Ended { action, ended } => ended_line(action, ended),
        Notice::Recovered(recovered) => recovered_line(recovered),
        Notice::Interrupted { in_flight } => format!(
            "interrupted: nothing more is begun, {} on the wire awaited",
            words::count(*in_flight, "request")
        ),
    }
}

/// Returns the short text for a spinner; the terminal puts the action's address before it and the time behind it.
///
/// A notice about no single action has none and is shown as a line or in the footer.
pub fn spinner(notice: &Notice) -> Option<(&ActionId, String)> {
    match notice {
        Notice::Began(action) => Some((action, doing(action.step).to_owned())),
        Notice::AttemptRefused { action, why } => Some((action, format!("tried {}", visible(why)))),
        Notice::Waiting { action, what } => Some((action, format!("waiting for {}", visible(what)))),
        Notice::QuotaWait(_)
        | Notice::CapacityWait { .. }
        | Notice::NotNeeded(_)
        | Notice::Settling { .. }
        | Notice::Ended { .. }
        | Notice::Recovered(_)
        | Notice::Interrupted { .. } => None,
    }
}

/// Returns the text for the footer of a terminal while the whole run waits.
pub fn footer(notice: &Notice) -> Option<String> {
    match notice {
        Notice::QuotaWait(wait) => Some(quota_wait(wait)),
        Notice::CapacityWait { addresses, next, left } => Some(capacity_wait(addresses, next, left)),
        Notice::Settling { addresses, remaining } => Some(format!(
            "looking for creates whose answer was lost: {}, certain in {}",
            ranges_to(addresses, 60),
            rounded_up(remaining)
        )),
        Notice::Began(_)
        | Notice::AttemptRefused { .. }
        | Notice::Waiting { .. }
        | Notice::NotNeeded(_)
        | Notice::Ended { .. }
        | Notice::Recovered(_)
        | Notice::Interrupted { .. } => None,
    }
}

/// A wait is said even in a log: unlike the time that has passed, it is what to expect.
fn quota_wait(wait: &Duration) -> String {
    format!("waiting {} for the API's quota", rounded_up(wait))
}

/// What is told here is a plan and no measure: in a log it says when to look again.
fn capacity_wait(addresses: &BTreeSet<Address>, next: &Duration, left: &Duration) -> String {
    let names = ranges_to(addresses, 60);
    let (next, left) = (rounded_up(next), rounded_up(left));
    format!(
        "no capacity for {names}: the lock is given back, the next try is in {next}, the last one in {left}"
    )
}

fn rounded_up(wait: &Duration) -> Age {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Age(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// Returns what became of an action that an earlier run left open.
pub fn recovered_line(recovered: &Recovered) -> String {
    let Recovered { action, fate } = recovered;
    let (address, step) = (&action.address, noun(action.step));
    let fate = match fate {
        Fate::Adopted { id, retired } if retired.is_empty() => {
            format!("had happened, recorded [id={}]", visible(&id.to_string()))
        }
        Fate::Adopted { id, retired } => format!(
            "had happened, recorded [id={}]; terminated what it had made besides: {}",
            visible(&id.to_string()),
            visible(&listed(retired))
        ),
        Fate::NotDone => "had not happened".to_owned(),
        Fate::Doubtful(ids) => format!(
            "had made more than one pod, and none was touched: {}; look at them first",
            visible(&listed(ids))
        ),
        Fate::LeftToPlan => "is left to the plan, which looks at what is live".to_owned(),
        Fate::Undecided(why) => format!("is still not known: {}", visible(why)),
    };
    format!("{address}: the {step} of an earlier run {fate}")
}

fn listed(ids: &BTreeSet<PodId>) -> String {
    ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")
}

fn ended_line(action: &ActionId, ended: &Ended) -> String {
    let Ended { result, id, attempts: _, given_up: _, replaced, ready_after, log: _, lasting: _ } = ended;
    let address = &action.address;
    match result {
        EndResult::Done => {
            let id = id.as_ref().map_or_else(String::new, |id| format!(" [id={}]", visible(&id.to_string())));
            let ready = ready_after.map_or_else(String::new, |time| format!(", ready after {}", took(time)));
            format!("{address}: {}{id}{ready}", done(action.step, *replaced))
        }
        EndResult::Failed(why) => format!("{address}: {} failed: {}", noun(action.step), visible(why)),
        EndResult::Waiting(why) | EndResult::NoCapacity(why) => {
            format!("{address}: {} waits: {}", noun(action.step), visible(why))
        }
        EndResult::Skipped(why) => format!("{address}: {} skipped: {}", noun(action.step), visible(why)),
        EndResult::Unknown(why) => format!("{address}: {} unknown: {}", noun(action.step), visible(why)),
    }
}

/// Says how long something took, in whole seconds from a clock that counts no less.
pub fn took(time: Duration) -> Age {
    Age(SignedDuration::from_secs(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)))
}

/// Returns what is going on, such as `creating`.
pub fn doing(step: Step) -> &'static str {
    forms(step).0
}

/// Returns what has happened, such as `created`; a start can have made another pod in the place of one that was terminated.
pub fn done(step: Step, replaced: bool) -> &'static str {
    if replaced { "terminated and made anew" } else { forms(step).1 }
}

fn forms(step: Step) -> (&'static str, &'static str) {
    match step {
        Step::Move => ("moving", "moved"),
        Step::Adopt => ("importing", "imported"),
        Step::Record => ("recording", "recorded"),
        Step::Stop => ("stopping", "stopped"),
        Step::Update => ("updating", "updated"),
        Step::Start => ("starting", "started"),
        Step::Await => ("waiting for its job", "job ended"),
        Step::Delete => ("destroying", "destroyed"),
        Step::DeleteDeposed => ("destroying what is left over", "destroyed what is left over"),
        Step::Create => ("creating", "created"),
        Step::Forget => ("forgetting", "forgotten"),
        Step::Ready => ("waiting until it is ready", "waited for"),
    }
}

/// Returns the step as a noun.
pub fn noun(step: Step) -> &'static str {
    match step {
        Step::DeleteDeposed => "delete of what is left over",
        Step::Ready => "wait until it is ready",
        Step::Await => "wait for its job",
        Step::Move
        | Step::Adopt
        | Step::Record
        | Step::Stop
        | Step::Update
        | Step::Start
        | Step::Delete
        | Step::Create
        | Step::Forget => step.word(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::kit::{id as action, pod_id};

    fn ended(result: EndResult) -> Ended {
        let id = Some(pod_id("xedezhzb9la3ye"));
        Ended { id, ..Ended::new(result) }
    }

    fn notices() -> Vec<Notice> {
        let create = action("llm[0]:create");
        vec![
            Notice::Began(create.clone()),
            Notice::AttemptRefused {
                action: create.clone(),
                why: "L40S secure: no capacity\u{1b}[2J".into(),
            },
            Notice::Waiting { action: create.clone(), what: "RUNNING, is STARTING".into() },
            Notice::QuotaWait(Duration::from_millis(11_200)),
            Notice::Settling {
                addresses: vec![
                    "llm[1]".parse().unwrap(),
                    "llm[2]".parse().unwrap(),
                    "llm[3]".parse().unwrap(),
                ],
                remaining: Duration::from_secs(90),
            },
            Notice::Ended { action: create, ended: ended(EndResult::Done) },
            Notice::Ended {
                action: action("train:stop"),
                ended: ended(EndResult::Failed("no such pod".into())),
            },
            Notice::Ended {
                action: action("train:start"),
                ended: ended(EndResult::Skipped("stop failed".into())),
            },
            Notice::Ended {
                action: action("train:delete"),
                ended: ended(EndResult::Waiting("a migration is in progress".into())),
            },
            Notice::Ended {
                action: action("a:delete-deposed"),
                ended: ended(EndResult::Unknown("timed out".into())),
            },
            Notice::Recovered(Recovered {
                action: action("llm[0]:create"),
                fate: Fate::Adopted {
                    id: pod_id("xedezhzb9la3ye"),
                    retired: [PodId::new("tw1ce000000000")].into(),
                },
            }),
            Notice::Interrupted { in_flight: 1 },
        ]
    }

    #[test]
    fn lines_hold_no_elapsed_time_and_no_control_characters() {
        let lines: Vec<String> = notices().iter().map(line).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        llm[0]: creating
        llm[0]: tried L40S secure: no capacity\u{1b}[2J
        llm[0]: waiting for RUNNING, is STARTING
        waiting 12 s for the API's quota
        looking for creates whose answer was lost: llm[1..3]
        llm[0]: created [id=xedezhzb9la3ye]
        train: stop failed: no such pod
        train: start skipped: stop failed
        train: delete waits: a migration is in progress
        a: delete of what is left over unknown: timed out
        llm[0]: the create of an earlier run had happened, recorded [id=xedezhzb9la3ye]; terminated what it had made besides: tw1ce000000000
        interrupted: nothing more is begun, 1 request on the wire awaited
        "#);
    }

    #[test]
    fn spinners_are_short_and_only_for_single_actions() {
        let notices = notices();
        let texts: Vec<String> = notices
            .iter()
            .map(|notice| match (spinner(notice), footer(notice)) {
                (Some((action, text)), _) => format!("spinner {}: {text}", action.address),
                (None, Some(text)) => format!("footer {text}"),
                (None, None) => format!("line {}", line(notice)),
            })
            .collect();
        insta::assert_snapshot!(texts.join("\n"), @r#"
        spinner llm[0]: creating
        spinner llm[0]: tried L40S secure: no capacity\u{1b}[2J
        spinner llm[0]: waiting for RUNNING, is STARTING
        footer waiting 12 s for the API's quota
        footer looking for creates whose answer was lost: llm[1..3], certain in 90 s
        line llm[0]: created [id=xedezhzb9la3ye]
        line train: stop failed: no such pod
        line train: start skipped: stop failed
        line train: delete waits: a migration is in progress
        line a: delete of what is left over unknown: timed out
        line llm[0]: the create of an earlier run had happened, recorded [id=xedezhzb9la3ye]; terminated what it had made besides: tw1ce000000000
        line interrupted: nothing more is begun, 1 request on the wire awaited
        "#);
    }
}
