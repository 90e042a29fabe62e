//! How an action ends, given how far it came.
//!
//! A failure is said only of what is certain. What was sent and not answered is unknown, and what was taken and not
//! seen through is unknown as well, however the action was cut short. Pure.

use crate::model::journal::{ActionStatus, Event};
use crate::model::outcome::EndResult;

/// Why an action did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It certainly failed.
    Failed(String),
    /// It was refused for now.
    NotNow(String),
    /// Nothing is free for it, and the run is to try it again.
    NoCapacity(String),
    /// It is not known how it ended.
    Unknown(String),
    /// It was cut short, by a signal or because the whole apply stops.
    CutShort(String),
    /// The journal cannot be written.
    JournalBroken,
    /// It panicked, so nothing that it says of itself counts.
    Panicked(String),
}

/// Returns the last event of an action, if one is still to be written, and how it ended.
pub fn ending(status: &ActionStatus, halt: Halt) -> (Option<Event>, EndResult) {
    match halt {
        Halt::Failed(why) => match status {
            ActionStatus::Pending => (Some(Event::Skipped { why: why.clone() }), EndResult::Failed(why)),
            ActionStatus::Intended | ActionStatus::Accepted { .. } | ActionStatus::Refused => {
                (Some(Event::Failed { why: why.clone() }), EndResult::Failed(why))
            }
            ActionStatus::Started => (Some(Event::Unknown { why: why.clone() }), EndResult::Unknown(why)),
            ActionStatus::Unknown { .. }
            | ActionStatus::Succeeded
            | ActionStatus::Failed
            | ActionStatus::Skipped => (None, EndResult::Unknown(why)),
        },
        // To the journal it is an end like any other: the next plan begins anew.
        Halt::NotNow(why) => match ending(status, Halt::Failed(why)) {
            (event, EndResult::Failed(why)) => (event, EndResult::Waiting(why)),
            other => other,
        },
        // Likewise: while it is waited for, nothing is open in the journal.
        Halt::NoCapacity(why) => match ending(status, Halt::Failed(why)) {
            (event, EndResult::Failed(why)) => (event, EndResult::NoCapacity(why)),
            other => other,
        },
        Halt::Unknown(why) => match status {
            ActionStatus::Intended | ActionStatus::Started | ActionStatus::Accepted { .. } => {
                (Some(Event::Unknown { why: why.clone() }), EndResult::Unknown(why))
            }
            ActionStatus::Pending | ActionStatus::Refused => ending(status, Halt::Failed(why)),
            ActionStatus::Unknown { .. }
            | ActionStatus::Succeeded
            | ActionStatus::Failed
            | ActionStatus::Skipped => (None, EndResult::Unknown(why)),
        },
        Halt::CutShort(why) => match status {
            ActionStatus::Pending => (Some(Event::Skipped { why: why.clone() }), EndResult::Skipped(why)),
            ActionStatus::Intended | ActionStatus::Refused => ending(status, Halt::Failed(why)),
            // It stays as it is: the next run goes on from there.
            ActionStatus::Accepted { .. } => {
                (None, EndResult::Unknown(format!("{why}: taken by the API, not waited for")))
            }
            ActionStatus::Started
            | ActionStatus::Unknown { .. }
            | ActionStatus::Succeeded
            | ActionStatus::Failed
            | ActionStatus::Skipped => (None, EndResult::Unknown(why)),
        },
        Halt::JournalBroken if *status == ActionStatus::Pending => {
            (None, EndResult::Skipped(UNWRITABLE.to_owned()))
        }
        Halt::JournalBroken => (None, as_it_was(status, UNWRITABLE.to_owned())),
        // The journal is left as it is: its last entry is true, and the next run goes on from there.
        Halt::Panicked(why) => (None, as_it_was(status, why)),
    }
}

const UNWRITABLE: &str = "the journal cannot be written";

/// Returns what can be said of an action of which the journal learns nothing more.
fn as_it_was(status: &ActionStatus, why: String) -> EndResult {
    match status {
        ActionStatus::Pending | ActionStatus::Refused | ActionStatus::Failed | ActionStatus::Skipped => {
            EndResult::Failed(why)
        }
        ActionStatus::Intended
        | ActionStatus::Started
        | ActionStatus::Accepted { .. }
        | ActionStatus::Succeeded
        | ActionStatus::Unknown { .. } => EndResult::Unknown(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [ActionStatus; 6] = [
        ActionStatus::Pending,
        ActionStatus::Intended,
        ActionStatus::Started,
        ActionStatus::Accepted { id: None },
        ActionStatus::Refused,
        ActionStatus::Unknown { id: None },
    ];

    #[test]
    fn every_last_event_is_legal_and_no_loose_end_is_called_a_failure() {
        let why = || "why".to_owned();
        let halts = [
            Halt::Failed(why()),
            Halt::NotNow(why()),
            Halt::NoCapacity(why()),
            Halt::Unknown(why()),
            Halt::CutShort(why()),
            Halt::JournalBroken,
            Halt::Panicked(why()),
        ];
        for halt in halts {
            for status in STATUSES {
                let (event, result) = ending(&status, halt.clone());
                if let Some(event) = event {
                    status.clone().next(&event).unwrap();
                }
                let loose = matches!(status, ActionStatus::Started | ActionStatus::Unknown { .. });
                assert!(!loose || matches!(result, EndResult::Unknown(_)), "{halt:?} {status:?} {result:?}");
            }
        }
    }
}
