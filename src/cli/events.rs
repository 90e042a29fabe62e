//! `--json`: a run as one JSON object a line on standard output, in the words of Terraform's machine-readable UI.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use super::clock::AccountClock;
use super::output::Output;
use crate::model::clock::{Clock, Timestamp};
use crate::model::outcome::Outcome;
use crate::model::plan::{ActionId, Plan, Planned};
use crate::model::progress::Notice;
use crate::render::stream;

/// Writes each event as it comes, so that a reader can follow a long apply.
pub struct Events<'a> {
    output: &'a Output,
    clock: &'a AccountClock,
    /// When each action began, as the lines tell how long it has been going on.
    began: RefCell<BTreeMap<ActionId, Timestamp>>,
}

impl<'a> Events<'a> {
    /// Begins a stream with the version of its format.
    pub fn begin(output: &'a Output, clock: &'a AccountClock) -> Self {
        let events = Self { output, clock, began: RefCell::default() };
        events.write(stream::write_version);
        events
    }

    /// Writes a plan.
    pub fn plan(&self, planned: &Planned) {
        self.write(|out, now| stream::write_plan(out, planned, now));
    }

    /// Writes what happens to an action.
    pub fn notice(&self, notice: &Notice) {
        let now = self.clock.now();
        let began = match notice {
            Notice::Began(action) => *self.began.borrow_mut().entry(action.clone()).or_insert(now),
            Notice::Waiting { action, .. } | Notice::Ended { action, .. } => {
                self.began.borrow().get(action).copied().unwrap_or(now)
            }
            Notice::AttemptRefused { .. }
            | Notice::QuotaWait(_)
            | Notice::Settling { .. }
            | Notice::Recovered(_)
            | Notice::Interrupted { .. } => now,
        };
        let elapsed = Duration::try_from(now.duration_since(began)).unwrap_or_default();
        self.write(|out, now| stream::write_notice(out, notice, elapsed, now));
    }

    /// Writes how it ended.
    pub fn outcome(&self, plan: &Plan, outcome: &Outcome) {
        self.write(|out, now| stream::write_outcome(out, plan, outcome, now));
    }

    fn write(&self, line: impl FnOnce(&mut dyn Write, Timestamp) -> fmt::Result) {
        let mut text = String::new();
        line(&mut text, self.clock.now()).expect("a string takes every text");
        self.output.data(&text);
    }
}
