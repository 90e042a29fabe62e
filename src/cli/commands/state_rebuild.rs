//! `podform state rebuild`: recreates a lost or older state from the marks of pods, the names of volumes and `adopt:`.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::args::RebuildArgs;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::recording::{record, remarks, taken_over};
use crate::cli::run::Shell;
use crate::cli::session::Session;
use crate::model::address::Address;
use crate::model::desired::{Desired, Wanted, WantedVolume};
use crate::model::id::{Lineage, RemoteId};
use crate::model::prior::{Prior, Recorded};
use crate::plan::{Found, Options, Rebuilding, Rebuilt, SeveralStates, is_gone, rebuild};
use crate::render::words;
use crate::state::RecordChange;

/// Runs the command.
pub async fn run(shell: &Shell, args: &RebuildArgs) -> Result<Exit, Failure> {
    let mut session = Session::of_spec(shell).await?;
    let reader = session.account.reader();
    let (prior, live) = session.look_around(reader).await?;
    let lineage = args.lineage.as_deref().map(Lineage::new);
    let from = Rebuilding {
        desired: &session.loaded.desired,
        prior: &prior,
        live: &live,
        lineage: lineage.as_ref(),
        now: session.moment(),
    };
    let rebuilt = rebuild(from).map_err(|several| Failure::Flag(which(&several)))?;
    name_in(&mut session.loaded.desired, &rebuilt);
    // An entry whose object is gone makes room for the one that was found.
    let mut without = prior.clone();
    without
        .objects
        .retain(|address, recorded| !rebuilt.taken.contains_key(address) || !is_gone(&recorded.id, &live));
    let options = Options { taking_over: true, ..Options::to_look() };
    let planned = session.plan(session.account.reader(), &without, &options, None).await?;
    let planned_records = taken_over(planned.plan(), session.moment()).into_iter().collect();
    let records = records(&rebuilt, planned_records);
    let asked: BTreeSet<Address> = records.keys().cloned().collect();
    let changes = changes(&rebuilt, &prior, &records);
    if records.is_empty() && rebuilt.left.is_empty() && rebuilt.above <= prior.serial {
        shell.output.note("the state knows everything in the account that carries this project's mark");
        return Ok(exit::DONE);
    }
    let summary = format!("{} found again, {} left", records.len(), rebuilt.left.len());
    record(&session, "state rebuild", &prior, changes, &summary).await?;
    let taken = records.iter().map(|(address, recorded)| format!("{address} {}\n", recorded.id));
    shell.output.data(&taken.collect::<String>());
    for (address, Found { recorded, created: _ }, why) in &rebuilt.left {
        shell.output.note(&format!("`{}` of `{address}` is left alone: {why}", recorded.id));
    }
    for remark in remarks(planned.plan(), &asked) {
        shell.output.note(&remark);
    }
    let is = |number: usize| if number == 1 { "is" } else { "are" };
    let (taken, left) = (records.len(), rebuilt.left.len());
    let of_left = match left {
        0 => String::new(),
        left => format!(", {left} {} left alone", is(left)),
    };
    let taken = format!("{} {} in the state again", words::count(taken, "object"), is(taken));
    shell.output.note(&format!("{taken}{of_left}; next: podform plan"));
    Ok(exit::DONE)
}

/// Says which states there are to choose from.
fn which(SeveralStates { pods }: &SeveralStates) -> String {
    let named: Vec<String> = pods
        .iter()
        .map(|(lineage, pods)| format!("`--lineage {lineage}` ({})", words::count(*pods, "pod")))
        .collect();
    format!("pods of several states of this project are in the account; choose one: {}", named.join(", "))
}

/// Writes the found ids into the spec as `adopt:` would, so that a plan compares them.
fn name_in(desired: &mut Desired, rebuilt: &Rebuilt) {
    for (address, Found { recorded, created: _ }) in &rebuilt.taken {
        match (desired.wanted.get_mut(address), &recorded.id) {
            (Some(Wanted::Pod(pod)), RemoteId::Pod(id)) => pod.adopt = Some(id.clone()),
            (Some(Wanted::Volume(WantedVolume::Managed { adopt, .. })), RemoteId::Volume(id)) => {
                *adopt = Some(id.clone());
            }
            (Some(Wanted::Pod(_) | Wanted::Volume(_)) | None, RemoteId::Pod(_) | RemoteId::Volume(_)) => {}
        }
    }
}

/// Returns the records: as the spec explains them where it has them, otherwise as the objects themselves tell.
fn records(rebuilt: &Rebuilt, mut planned: BTreeMap<Address, Recorded>) -> BTreeMap<Address, Recorded> {
    for recorded in planned.values_mut() {
        recorded.rebuilt = true;
    }
    for (address, Found { recorded: found, created: _ }) in &rebuilt.taken {
        match planned.get_mut(address).filter(|planned| planned.id == found.id) {
            Some(planned) => {
                planned.token.clone_from(&found.token);
                // What was protected stays so until an apply lifts it in the open.
                planned.lifecycle.protect |= found.lifecycle.protect;
            }
            None => {
                planned.insert(address.clone(), found.clone());
            }
        }
    }
    planned
}

/// Returns what is written: which state it is, every token seen, and the records.
fn changes(rebuilt: &Rebuilt, prior: &Prior, records: &BTreeMap<Address, Recorded>) -> Vec<RecordChange> {
    let Rebuilt { lineage, above, taken, left } = rebuilt;
    // A state with records stays the one that it is.
    let lineage = if prior.objects.is_empty() { lineage } else { &prior.lineage };
    let mut changes = vec![RecordChange::Continue { lineage: lineage.clone(), above: *above }];
    let taken = taken.iter().map(|(address, found)| {
        RecordChange::Know(address.clone(), Box::new(found.recorded.clone()), found.created)
    });
    changes.extend(taken);
    // When a copy was asked for is not what its mark says, so nothing is concluded from that later.
    let left = left.iter().map(|(address, found, _)| {
        RecordChange::Know(address.clone(), Box::new(found.recorded.clone()), None)
    });
    changes.extend(left);
    let put = |(address, recorded): (&Address, &Recorded)| {
        RecordChange::Put(address.clone(), Box::new(recorded.clone()))
    };
    changes.extend(records.iter().map(put));
    changes
}
