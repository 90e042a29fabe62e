//! `podform state rebuild`: recreates a lost or older state from the marks of pods, the names of volumes and `adopt:`.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::flags::LockTimeout;
use crate::cli::recording::{record, remarks, wait_for_others};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::address::Address;
use crate::model::desired::Desired;
use crate::model::id::Lineage;
use crate::model::job::UnseenJob;
use crate::model::live::Inventory;
use crate::model::prior::{Prior, Recorded};
use crate::plan::{
    Found, KnownObject, Options, Rebuilding, Rebuilt, SeveralStates, jobs, rebuild, unknown_jobs,
};
use crate::provider::observe;
use crate::render::words;
use crate::state::RecordChange;

/// Recreate a lost state from the marks of the live objects
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform state rebuild && podform plan")]
pub struct Args {
    /// Take the objects of this state, where those of several are found
    #[arg(long, value_name = "ID")]
    lineage: Option<String>,
    /// For a run that throws its state away: refuse jobs, which need one that stays
    #[arg(long)]
    stateless: bool,
    #[command(flatten)]
    lock: LockTimeout,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let mut session = Session::of_spec(shell).await?;
    if args.stateless {
        ensure_no_jobs(&session.loaded.desired)?;
    }
    wait_for_others(&session, ("state rebuild", &args.lock)).await?;
    session.read_templates().await;
    let reader = session.account.reader();
    let (prior, mut live) = session.look_around(reader).await?;
    // The spec may have lost the key of one that is there.
    if live.secrets == Inventory::NotAsked {
        live.secrets = observe::secrets(reader).await;
    }
    if live.registries == Inventory::NotAsked {
        live.registries = observe::registries(reader, &BTreeSet::new()).await;
    }
    session.tell_in_progress(&prior).await?;
    session.tell_left_out(&prior, &live);
    let lineage = args.lineage.as_deref().map(Lineage::new);
    let from = Rebuilding {
        desired: &session.loaded.desired,
        prior: &prior,
        live: &live,
        lineage: lineage.as_ref(),
        now: session.moment(),
    };
    let rebuilt = rebuild(from).map_err(which)?;
    rebuilt.name_in(&mut session.loaded.desired);
    let without = rebuilt.beside(&prior, &live);
    let options = Options { taking_over: true, ..Options::to_look() };
    let planned = session.plan(session.account.reader(), &without, &options, None).await?;
    let records = rebuilt.records(planned.plan(), session.moment());
    let asked: BTreeSet<Address> = records.keys().cloned().collect();
    let mut unknown = BTreeSet::new();
    if rebuilt.tells_of_loss(&prior) {
        unknown = unknown_jobs(&session.loaded.desired, &prior, &live);
        unknown.retain(|job| !records.contains_key(job));
    }
    let changes = changes(&rebuilt, &prior, &records, &unknown);
    for line in unread(&rebuilt) {
        shell.output.note(&line);
    }
    if !unknown.is_empty() {
        shell.output.note(&words::unknown_jobs("no pod of them was found", &unknown));
    }
    // What could not be read may be what is missing, so that more is to come.
    let end = if rebuilt.is_complete() { exit::DONE } else { exit::INCOMPLETE };
    if records.is_empty() && rebuilt.left.is_empty() && rebuilt.above <= prior.serial && unknown.is_empty() {
        if rebuilt.is_complete() {
            shell.output.note("the state knows everything in the account that carries this project's mark");
        }
        return Ok(end);
    }
    let mut summary = format!("{} found again, {} left", records.len(), rebuilt.left.len());
    if !unknown.is_empty() {
        summary.push_str(&format!(", {} not known", words::count(unknown.len(), "job")));
    }
    record(&session, ("state rebuild", &args.lock), &prior, changes, &summary).await?;
    let taken = records.iter().map(|(address, recorded)| format!("{address} {}\n", recorded.id));
    shell.output.data(&taken.collect::<String>());
    for (address, Found { recorded, .. }, why) in &rebuilt.left {
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
    let taken = match taken {
        0 if left == 0 => "nothing of this project is in the account".to_owned(),
        taken => format!("{} {} in the state again", words::count(taken, "object"), is(taken)),
    };
    shell.output.note(&format!("{taken}{of_left}; next: podform plan"));
    Ok(end)
}

/// Says what could not be read and may be of this project.
fn unread(rebuilt: &Rebuilt) -> Vec<String> {
    let again = "run this again once it can be read (`podform doctor` says what is wrong)";
    let unread = rebuilt.unread.iter().map(|(id, marked)| match marked {
        Some(address) => format!("`{id}` of `{address}` cannot be read and is left alone; {again}"),
        None => format!("`{id}` cannot be read, and may be of this project; {again}"),
    });
    let nameless = rebuilt
        .has_nameless
        .then(|| format!("an entry of the account's listing has no id, and may be of this project; {again}"));
    unread.chain(nameless).collect()
}

/// A job whose pod is gone has left nothing in the account that says so: each run would run it again.
fn ensure_no_jobs(desired: &Desired) -> Result<(), Failure> {
    let jobs: Vec<String> = jobs(desired).map(|address| format!("`{address}`")).collect();
    if jobs.is_empty() { Ok(()) } else { Err(Failure::JobsWithoutState { jobs }) }
}

/// Says which states there are to choose from.
fn which(SeveralStates { pods }: SeveralStates) -> Failure {
    let choice = |(lineage, pods)| format!("`--lineage {lineage}` ({})", words::count(pods, "pod"));
    Failure::SeveralStates { choices: pods.into_iter().map(choice).collect() }
}

/// Returns what is written: which state it is, every token seen, the records, and of which jobs nobody knows whether they
/// have run.
fn changes(
    rebuilt: &Rebuilt,
    prior: &Prior,
    records: &BTreeMap<Address, Recorded>,
    unknown: &BTreeSet<Address>,
) -> Vec<RecordChange> {
    // A state with records stays the one that it is.
    let lineage = if prior.objects.is_empty() { &rebuilt.lineage } else { &prior.lineage };
    let mut changes = vec![RecordChange::Continue { lineage: lineage.clone(), above: rebuilt.above }];
    changes.extend(rebuilt.known().into_iter().map(|KnownObject { address, recorded, created }| {
        RecordChange::Know(address, Box::new(recorded), created)
    }));
    let put = |(address, recorded): (&Address, &Recorded)| {
        RecordChange::Put(address.clone(), Box::new(recorded.clone()))
    };
    changes.extend(records.iter().map(put));
    changes.extend(unknown.iter().map(|job| RecordChange::Unseen(job.clone(), UnseenJob::NotKnown)));
    changes
}
