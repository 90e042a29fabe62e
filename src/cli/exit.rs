//! Exit codes: the part of the command line that scripts rely on.

use std::process::ExitCode;

use crate::model::outcome::{EndResult, Outcome, StoppedBy};

/// How a command ended.
#[must_use = "the exit code is the answer that scripts read"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(u8);

/// Done, or nothing to do.
pub const DONE: Exit = Exit(0);
/// An unexpected failure, a declined prompt or a state file that cannot be used.
pub const FAILED: Exit = Exit(1);
/// With `--detailed-exitcode`: the plan has changes, or `drift` found drift.
pub const CHANGES: Exit = Exit(2);
/// The spec, a flag, a usage or a plan file is invalid.
pub const INVALID: Exit = Exit(3);
/// Blocked: protection, a lock flag, missing stock, or everything held back.
pub const BLOCKED: Exit = Exit(4);
/// Another run holds the lock.
pub const LOCKED: Exit = Exit(5);
/// The saved plan, the approved digest or the state that was read is stale, as another run came before.
pub const STALE: Exit = Exit(6);
/// An apply ended incomplete.
pub const INCOMPLETE: Exit = Exit(7);
/// The API could not be used, and nothing was done.
pub const API: Exit = Exit(8);
/// Interrupted; the state is consistent and the next plan goes on.
pub const INTERRUPTED: Exit = Exit(130);

impl Exit {
    /// Returns the code as the system wants it, for a process that ends by itself.
    pub fn code(self) -> i32 {
        i32::from(self.0)
    }

    /// Returns the code of an apply.
    ///
    /// Where several codes fit, the one that says most about what to do next wins: an interrupt before a refused
    /// key, a refused key before an incomplete apply, as long as nothing was done.
    pub fn of_apply(outcome: &Outcome, held: usize) -> Self {
        let done = outcome.actions.values().any(|ended| matches!(ended.result, EndResult::Done));
        let unknown = outcome.actions.values().any(|ended| matches!(ended.result, EndResult::Unknown(_)));
        match &outcome.stopped_by {
            Some(StoppedBy::Interrupt) => INTERRUPTED,
            Some(StoppedBy::KeyRefused(_) | StoppedBy::ApiUnusable(_)) if !done && !unknown => API,
            Some(
                StoppedBy::KeyRefused(_)
                | StoppedBy::ApiUnusable(_)
                | StoppedBy::NoFunds
                | StoppedBy::Journal(_)
                | StoppedBy::Bug(_),
            ) => INCOMPLETE,
            None if !outcome.is_complete() || held > 0 => INCOMPLETE,
            None => DONE,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Ended;
    use crate::model::plan::{ActionId, Step};

    fn outcome(results: &[EndResult], stopped_by: Option<StoppedBy>) -> Outcome {
        let actions = results.iter().enumerate().map(|(number, result)| {
            let address = format!("pod[{number}]").parse().unwrap();
            let ended = Ended::new(result.clone());
            (ActionId { address, step: Step::Create }, ended)
        });
        Outcome { actions: actions.collect(), stopped_by }
    }

    #[test]
    fn the_code_of_an_apply_says_what_matters_most() {
        let refused = || Some(StoppedBy::KeyRefused("401".into()));
        let failed = || EndResult::Failed("no capacity".into());
        let cases = [
            (outcome(&[], None), 0, DONE),
            (outcome(&[EndResult::Done], None), 0, DONE),
            (outcome(&[EndResult::Done], None), 1, INCOMPLETE),
            (outcome(&[EndResult::Done, failed()], None), 0, INCOMPLETE),
            (outcome(&[EndResult::Unknown("timeout".into())], None), 0, INCOMPLETE),
            (outcome(&[failed()], refused()), 0, API),
            (outcome(&[EndResult::Done, failed()], refused()), 0, INCOMPLETE),
            (outcome(&[EndResult::Unknown("timeout".into())], refused()), 0, INCOMPLETE),
            (outcome(&[failed()], Some(StoppedBy::NoFunds)), 0, INCOMPLETE),
            (outcome(&[EndResult::Done], Some(StoppedBy::Interrupt)), 0, INTERRUPTED),
            (outcome(&[], Some(StoppedBy::Journal("disk full".into()))), 0, INCOMPLETE),
            (outcome(&[failed()], Some(StoppedBy::Bug("no such entry".into()))), 0, INCOMPLETE),
        ];
        for (outcome, held, exit) in cases {
            assert_eq!(Exit::of_apply(&outcome, held), exit, "{outcome:?}, {held} held");
        }
    }
}
