//! Writes the state without asking anything of the account, as a run of its own in the history.

use std::collections::BTreeSet;

use super::clock::HostClock;
use super::failure::Failure;
use super::flags::LockTimeout;
use super::place::HeldState;
use super::session::Session;
use super::shell::Shell;
use crate::model::address::Address;
use crate::model::clock::Clock;
use crate::model::plan::{Finding, Plan, Step};
use crate::model::prior::Prior;
use crate::plan::COMMAND_IS_GUESS;
use crate::state::place::{Held, Place};
use crate::state::{Batch, Journal, RecordChange, StateError, Store};

/// Waits until another run has ended, so that what is decided next is decided from what it leaves behind.
///
/// # Errors
/// It goes on for longer than the command waits, or the state cannot be used.
pub async fn wait_for_others(
    session: &Session<'_>,
    (command, lock): (&str, &LockTimeout),
) -> Result<(), Failure> {
    let holder = session.shell.env.holder(command);
    // A lock would make the state where there is none.
    if lock.patience().is_zero() || session.state.who_writes(&holder.host, HostClock.now()).await?.is_none() {
        return Ok(());
    }
    session.shell.output.detail(&format!("waiting for the lock, at most {:?}", lock.patience()));
    give_back(session.shell, session.state.lock(&holder, &HostClock, lock.patience()).await?).await;
    Ok(())
}

/// Writes changes that were decided from `seen`, all of them or none.
///
/// # Errors
/// Somebody else writes, or wrote meanwhile.
pub async fn record(
    session: &Session<'_>,
    (command, lock): (&str, &LockTimeout),
    seen: &Prior,
    changes: Vec<RecordChange>,
    summary: &str,
) -> Result<(), Failure> {
    let holder = session.shell.env.holder(command);
    let locked = session.state.lock(&holder, &HostClock, lock.patience()).await?;
    // What is short is done to its end, so that the lease is given back and the run has an end in the history.
    let _not_interrupted = session.shell.signals.give();
    let written = async {
        if locked.load().await?.serial != seen.serial {
            return Err(Failure::StateMoved);
        }
        let run = session.new_run(command, String::new());
        locked.begin(&run).await?;
        locked.commit(&Batch { entries: Vec::new(), changes }).await?;
        locked.finish(&run.id, session.account.clock.now(), summary).await?;
        Ok(())
    }
    .await;
    give_back(session.shell, locked).await;
    written
}

/// Gives the lock back. What was done is done, so that it cannot be given back is only said.
pub async fn give_back(shell: &Shell, locked: HeldState) {
    match locked.release().await {
        // What it was lost to is what the command failed with.
        Ok(()) | Err(StateError::Fenced { .. } | StateError::Unknown { .. }) => {}
        Err(error) => shell.output.note(&format!(
            "warning: the lock could not be given back and stays until its lease expires: {error}"
        )),
    }
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
