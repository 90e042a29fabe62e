//! `podform state rebuild`: recreates a lost state from the markers of live pods, the names of volumes and `adopt:`.

use std::collections::BTreeSet;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::recording::{record, remarks, taken_over};
use crate::cli::run::Shell;
use crate::cli::session::Session;
use crate::model::address::Address;
use crate::plan::{Options, traces};
use crate::state::RecordChange;

/// Runs the command.
pub async fn run(shell: &Shell) -> Result<Exit, Failure> {
    let mut session = Session::of_spec(shell).await?;
    let prior = session.state.read()?;
    let live = session.look(session.account.reader(), &prior).await?;
    let traces = traces(&session.loaded.desired, &prior, &live);
    for (id, reason) in &traces.left {
        shell.output.note(&format!("`{id}` is left alone: {reason}"));
    }
    traces.name_in(&mut session.loaded.desired);
    let planned = session.plan_only(&Options::to_look()).await?;
    let mut records = taken_over(planned.plan(), session.moment());
    for (address, recorded) in &mut records {
        if let Some((_, token)) = traces.pods.get(address) {
            recorded.token = Some(token.clone());
        }
    }
    let asked: BTreeSet<Address> = records.iter().map(|(address, _)| address.clone()).collect();
    let asked = &asked | &traces.pods.keys().chain(traces.volumes.keys()).cloned().collect();
    for remark in remarks(planned.plan(), &asked) {
        shell.output.note(&remark);
    }
    if records.is_empty() {
        shell.output.note("nothing in the account is missing in the state");
        return Ok(exit::DONE);
    }
    let found: Vec<String> =
        records.iter().map(|(address, recorded)| format!("{address} {}\n", recorded.id)).collect();
    let changes =
        records.into_iter().map(|(address, recorded)| RecordChange::Put(address, Box::new(recorded)));
    record(&session, "state rebuild", &prior, changes.collect(), &format!("{} found again", found.len()))
        .await?;
    shell.output.data(&found.concat());
    shell.output.note("these are in the state again; next: podform plan");
    Ok(exit::DONE)
}
