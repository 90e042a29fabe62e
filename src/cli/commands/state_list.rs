//! `podform state list`: the recorded objects, without asking the account.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{VERSION, printed, recorded, unseen};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::table::Table;
use crate::model::prior::{RecordedObject, RecordedPod, without_record};
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
        let objects = prior.objects.iter().map(|(address, object)| (address, recorded(address, object)));
        let jobs = without_record(&prior).map(|(address, job)| (address, unseen(address, job)));
        let objects: BTreeMap<_, _> = objects.chain(jobs).collect();
        let document = json!({ "version": VERSION, "objects": objects.into_values().collect::<Vec<_>>() });
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
            let RecordedPod { container, compute, run, .. } = &**pod;
            let compute = compute.as_ref().map_or_else(String::new, |compute| format!(" on {compute}"));
            format!("{run}, {}{compute}", container.image)
        }
    }
}
