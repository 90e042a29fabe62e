//! `--json`: a run as one JSON object a line on standard output, in the words of Terraform's machine-readable UI.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use super::clock::AccountClock;
use super::failure::Failure;
use super::output::Output;
use super::report;
use crate::model::clock::{Clock, Timestamp};
use crate::model::outcome::Outcome;
use crate::model::plan::{ActionId, Plan, Planned};
use crate::model::progress::Notice;
use crate::render::outcome::{Remaining, other_copy, still_outdated};
use crate::render::stream::{self, Grade, Place, Range};
use crate::spec::{Extent, Position, Severity};

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

    pub fn plan(&self, planned: &Planned) {
        self.write(|out, now| stream::write_plan(out, planned, now));
    }

    pub fn notice(&self, notice: &Notice) {
        let now = self.clock.now();
        let began = match notice {
            Notice::Began(action) => *self.began.borrow_mut().entry(action.clone()).or_insert(now),
            Notice::Waiting { action, .. } | Notice::Ended { action, .. } => {
                self.began.borrow().get(action).copied().unwrap_or(now)
            }
            Notice::AttemptRefused { .. }
            | Notice::QuotaWait(_)
            | Notice::CapacityWait { .. }
            | Notice::NotNeeded(_)
            | Notice::Settling { .. }
            | Notice::Recovered(_)
            | Notice::Interrupted { .. } => now,
        };
        let elapsed = Duration::try_from(now.duration_since(began)).unwrap_or_default();
        self.write(|out, now| stream::write_notice(out, notice, elapsed, now));
    }

    pub fn outcome(&self, plan: &Plan, outcome: &Outcome, remaining: &Remaining) {
        self.write(|out, now| stream::write_outcome(out, plan, outcome, now));
        let warnings = [other_copy(&remaining.made_elsewhere), still_outdated(&remaining.outdated)];
        for warning in warnings.into_iter().flatten() {
            self.write(|out, now| stream::write_diagnostic(out, Grade::Warning, &warning, "", None, now));
        }
    }

    fn write(&self, line: impl FnOnce(&mut dyn Write, Timestamp) -> fmt::Result) {
        write(self.output, self.clock, line);
    }
}

/// Writes why a command ended early. That may be before there is an account, so it goes by the clock of this host.
pub fn write_failure(output: &Output, failure: &Failure) {
    let clock = AccountClock::System;
    if let Failure::Spec { diagnostics } = failure {
        for diagnostic in diagnostics.iter() {
            let grade = match diagnostic.problem.severity() {
                Severity::Error => Grade::Error,
                Severity::Warning => Grade::Warning,
            };
            let range = diagnostics.extent_of(diagnostic).map(range);
            let summary = diagnostic.problem.summary();
            write(output, &clock, |out, now| {
                stream::write_diagnostic(out, grade, summary, &diagnostic.detail, range, now)
            });
        }
        return;
    }
    let detail = report::causes_and_hint(failure).join("\n");
    write(output, &clock, |out, now| {
        stream::write_diagnostic(out, Grade::Error, &failure.to_string(), &detail, None, now)
    });
}

fn range(extent: Extent) -> Range {
    let Extent { file, start, end } = extent;
    let place = |Position { line, column, byte }| Place { line, column, byte };
    Range { filename: file, start: place(start), end: place(end) }
}

fn write(output: &Output, clock: &AccountClock, line: impl FnOnce(&mut dyn Write, Timestamp) -> fmt::Result) {
    output.data_in_pieces(|out| line(out, clock.now()));
}
