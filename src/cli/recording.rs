//! Writes the state without asking anything of the account, as a run of its own in the history.

use std::collections::BTreeSet;
use std::time::Duration;

use super::failure::Failure;
use super::session::Session;
use crate::model::address::Address;
use crate::model::clock::{Clock, Moment};
use crate::model::plan::{ActionId, Plan, Record, RecordAfter, Step};
use crate::model::prior::{Prior, Recorded};
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
    let clock = &session.account.clock;
    let locked = session.state.lock(&session.shell.env.holder(command), clock, Duration::ZERO).await?;
    // What is short is done to its end, so that the lease is given back and the run has an end in the history.
    let _not_interrupted = session.shell.signals.give();
    if locked.load().await?.serial != seen.serial {
        return Err(Failure::Flag("another run changed the state meanwhile; run this again".to_owned()));
    }
    let run = session.new_run(command, String::new());
    locked.begin(&run).await?;
    locked.commit(&Batch { entries: Vec::new(), changes }).await?;
    locked.finish(&run.id, clock.now(), summary).await?;
    Ok(())
}

/// Returns the records of all objects that a plan takes over.
pub fn taken_over(plan: &Plan, now: Moment) -> Vec<(Address, Recorded)> {
    let adoptions = plan.actions.iter().filter(|(id, _)| id.step == Step::Adopt);
    adoptions
        .filter_map(|(ActionId { address, step: _ }, action)| {
            let RecordAfter::Put(record) = &action.record else { return None };
            let Record { id, token, lifecycle, retired, deposed, object } = record.as_ref();
            let recorded = Recorded {
                id: id.clone()?,
                token: token.clone(),
                recorded_at: now.here,
                server_time: now.there,
                deposed: deposed.clone(),
                lifecycle: lifecycle.clone(),
                retired: *retired,
                rebuilt: false,
                object: object.clone(),
            };
            Some((address.clone(), recorded))
        })
        .collect()
}

/// Tells, of objects that were taken over, what a plan would change about them and what it could not take over.
pub fn remarks(plan: &Plan, asked: &BTreeSet<Address>) -> Vec<String> {
    let changing =
        |address: &&Address| plan.actions.keys().any(|id| id.address == **address && id.step != Step::Adopt);
    let changed = asked.iter().filter(changing);
    let changed = changed.map(|address| format!("`{address}` differs from the spec; see `podform plan`"));
    let held = plan.held.iter().filter(|(address, _)| asked.contains(*address));
    let held = held.map(|(address, held)| {
        format!("`{address}` is not taken over: {}", crate::render::words::held(held))
    });
    changed.chain(held).collect()
}
