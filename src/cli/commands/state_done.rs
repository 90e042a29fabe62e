//! `podform state done`: records of jobs that they have run and are done, where nothing else tells. The account is asked only
//! about pods on record.

use std::collections::BTreeMap;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::flags::LockTimeout;
use crate::cli::naming;
use crate::cli::recording::{record, wait_for_others};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::address::Address;
use crate::model::desired::{Desired, WantedPod};
use crate::model::id::RemoteId;
use crate::model::job::{End, UnseenJob};
use crate::model::live::{Live, Seen};
use crate::model::prior::Recorded;
use crate::plan::{Stands, is_gone, job_stands, moved};
use crate::render::words;
use crate::state::Store;
use crate::state::edit::{Left, done};

/// Record that jobs have run as the spec has them and are done, where nothing else tells
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform state done prep\n\n\
                  For a job of which nobody knows whether it has run, as after `podform state rebuild`, for one whose \
                  pod is gone, and for one of which nothing tells how it ended. What waits for it goes on, and it runs again when something changes that `rerun_on` names.")]
pub struct Args {
    /// The jobs in the spec; without a number it stands for all replicas
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<Address>,
    #[command(flatten)]
    lock: LockTimeout,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { addresses, lock } = args;
    let session = Session::of_spec(shell).await?;
    wait_for_others(&session, ("state done", lock)).await?;
    let prior = session.state.load().await?;
    let desired = &session.loaded.desired;
    let mut named = BTreeMap::new();
    for name in addresses {
        named.extend(jobs(desired, name)?);
    }
    // What the spec renames stands in the state under its old address until an apply has moved it.
    let renamed: BTreeMap<Address, Address> =
        moved(&prior, desired).into_iter().map(|(from, to)| (to, from)).collect();
    let recorded_as: Vec<(&Address, &WantedPod)> =
        named.iter().map(|(address, job)| (renamed.get(address).unwrap_or(address), *job)).collect();
    let has_pod = |(address, _): &(&Address, _)| prior.objects.get(*address).is_some_and(may_have_pod);
    let live = match recorded_as.iter().any(has_pod) {
        true => Some(session.look(session.account.reader(), &prior).await?),
        false => None,
    };
    let mut changes = Vec::new();
    for (address, job) in recorded_as {
        let recorded = prior.objects.get(address).filter(|recorded| may_have_pod(recorded));
        let known = |recorded| (recorded, prior.unseen.get(address));
        let left =
            recorded.zip(live.as_ref()).map_or(Left::Nothing, |(recorded, live)| left(known(recorded), live));
        changes.extend(done(&prior, address, &job.container, left)?);
    }
    let summary = format!("{} done", words::count(named.len(), "job"));
    record(&session, ("state done", lock), &prior, changes, &summary).await?;
    for address in named.keys() {
        shell.output.data(&format!("{address} is recorded as done\n"));
    }
    shell.output.note("next: podform plan");
    Ok(exit::DONE)
}

fn may_have_pod(recorded: &Recorded) -> bool {
    !recorded.is_gone() || recorded.record.deposed_ids().next().is_some()
}

/// Returns what the account has left of a job.
fn left((recorded, unseen): (&Recorded, Option<&UnseenJob>), live: &Live) -> Left {
    let tells = |id: &RemoteId, tells: String| Left::Pod { id: id.clone(), tells };
    if let Some(id) = recorded.record.deposed_ids().find(|id| !is_gone(id, live)) {
        return tells(&id, "which the next apply terminates".to_owned());
    }
    let RemoteId::Pod(id) = &recorded.id else { return Left::Nothing };
    match live.pods.get(id) {
        _ if is_gone(&recorded.id, live) => Left::Nothing,
        None if recorded.is_gone() => Left::Nothing,
        Some(Seen::Found(pod)) => match job_stands((recorded, unseen), live) {
            None if pod.status.is_up() => tells(&recorded.id, "which runs as a service".to_owned()),
            None | Some(Stands::Ended(End::Unknown) | Stands::NotKnown(_)) => {
                Left::Mute { run: pod.run.clone() }
            }
            Some(stands) => tells(&recorded.id, format!("which tells of its job: {stands}")),
        },
        Some(Seen::Absent | Seen::Unreadable(_)) | None => {
            tells(&recorded.id, "which could not be looked at".to_owned())
        }
    }
}

/// Returns the jobs of the spec that a name stands for.
fn jobs<'a>(desired: &'a Desired, name: &Address) -> Result<BTreeMap<Address, &'a WantedPod>, Failure> {
    let meant = naming::meant(name, desired.wanted.keys());
    if meant.is_empty() {
        let left_out = naming::meant(name, desired.out_of_scope.keys());
        return Err(match left_out.first().and_then(|address| desired.out_of_scope.get(address)) {
            Some(pod) => {
                Failure::Deselected { flag: "state done", name: name.clone(), profiles: pod.profiles.clone() }
            }
            None => naming::unknown(None, &name.to_string(), &desired.wanted.keys().cloned().collect()),
        });
    }
    let job = |address: Address| {
        let pod =
            desired.wanted.get(&address).and_then(|wanted| wanted.pod()).filter(|pod| pod.job.is_some());
        pod.map(|pod| (address.clone(), pod)).ok_or(Failure::NoJob { address })
    };
    meant.into_iter().map(job).collect()
}
