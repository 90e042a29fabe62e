//! Writes the state without asking anything of the account, as a run of its own in the history.

use std::collections::BTreeSet;
use std::time::Duration;

use super::clock::HostClock;
use super::failure::Failure;
use super::session::Session;
use crate::model::address::Address;
use crate::model::clock::Clock;
use crate::model::plan::{Finding, Plan, Step};
use crate::model::prior::Prior;
use crate::plan::COMMAND_IS_GUESS;
use crate::state::{Batch, Journal, RecordChange, Store};

/// Writes changes that were decided from `seen`, all of them or none.
///
/// # Errors
/// Somebody else writes, or wrote meanwhile.
pub async fn record(
    session: &Session<'_>,
    command: &str,
    seen: &Prior,
    changes: Vec<RecordChange>,
    summary: &str,
) -> Result<(), Failure> {
    let locked = session.state.lock(&session.shell.env.holder(command), &HostClock, Duration::ZERO).await?;
    // What is short is done to its end, so that the lease is given back and the run has an end in the history.
    let _not_interrupted = session.shell.signals.give();
    if locked.load().await?.serial != seen.serial {
        return Err(Failure::StateMoved);
    }
    let run = session.new_run(command, String::new());
    locked.begin(&run).await?;
    locked.commit(&Batch { entries: Vec::new(), changes }).await?;
    locked.finish(&run.id, session.account.clock.now(), summary).await?;
    Ok(())
}

/// Tells, of objects that were taken over, what a plan would change about them and what it could not take over.
pub fn remarks(plan: &Plan, asked: &BTreeSet<Address>) -> Vec<String> {
    let changing =
        |address: &&Address| plan.actions.keys().any(|id| id.address == **address && id.step != Step::Adopt);
    let changed = asked.iter().filter(changing);
    let changed = changed.map(|address| format!("`{address}` differs from the spec; see `podform plan`"));
    let held = plan.held.iter().filter(|(address, _)| asked.contains(*address));
    let held = held.map(|(address, held)| {
        format!("`{address}` is not taken over: {}", crate::render::words::held(held, [address]))
    });
    let guesses = plan.findings.iter().filter(|finding| finding.code == COMMAND_IS_GUESS);
    let guesses = guesses.filter_map(|Finding { subject, message, .. }| {
        let address = &subject.as_ref()?.address;
        asked.contains(address).then(|| format!("`{address}`: {message}"))
    });
    changed.chain(held).chain(guesses).collect()
}
