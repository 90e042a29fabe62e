//! `podform state list`: the recorded objects, without asking the account.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{VERSION, printed, recorded};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::table::Table;
use crate::model::prior::{RecordedObject, RecordedPod, without_record};
use crate::render::words;
use crate::state::Store;

/// List the recorded objects
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform state list\n  podform state list --json")]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let session = Session::of_spec(shell).await?;
    let prior = session.state.load().await?;
    session.tell_in_progress(&prior).await?;
    if args.json {
        let addresses: BTreeSet<_> = prior.objects.keys().chain(prior.unseen.keys()).collect();
        let objects: Vec<_> = addresses.into_iter().filter_map(|address| recorded(address, &prior)).collect();
        let document = json!({ "version": VERSION, "objects": objects });
        shell.output.data(&printed(&document));
        return Ok(exit::DONE);
    }
    let mut table = Table::new(["ADDRESS", "ID", "RECORDED"]);
    let objects = prior.objects.iter().map(|(address, recorded)| {
        let mut told = summary(&recorded.record.object);
        told.extend(prior.unseen.get(address).map(|job| format!("; {job} since")));
        (address, [address.to_string(), recorded.id.to_string(), told])
    });
    let jobs = without_record(&prior);
    let jobs =
        jobs.map(|(address, job)| (address, [address.to_string(), String::new(), format!("job, {job}")]));
    let rows: BTreeMap<_, _> = objects.chain(jobs).collect();
    let is_empty = rows.is_empty();
    rows.into_values().for_each(|row| table.row(row));
    shell.output.data(&table.to_string());
    if is_empty {
        shell.output.note("nothing is recorded yet; next: podform plan");
    }
    Ok(exit::DONE)
}

fn summary(object: &RecordedObject) -> String {
    match object {
        RecordedObject::Secret(secret) => format!("secret `{}` of RunPod", secret.name),
        RecordedObject::Registry(registry) => format!("credentials `{}` of RunPod", registry.name),
        RecordedObject::Volume(config) => format!("{} in {}", config.size, config.data_center),
        RecordedObject::Pod(pod) => {
            let RecordedPod { container, compute, run, job, .. } = &**pod;
            let compute = compute.as_ref().map_or_else(String::new, |compute| format!(" on {compute}"));
            let job = job.as_ref().map_or_else(String::new, |job| format!("; {}", words::recorded_job(job)));
            format!("{}, {}{compute}{job}", run.state(), container.image)
        }
    }
}
