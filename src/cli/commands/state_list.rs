//! `podform state list`: the recorded objects, without asking the account.

use serde_json::json;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{VERSION, printed, recorded};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::table::Table;
use crate::model::prior::{RecordedObject, RecordedPod};
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
        let objects = prior.objects.iter().map(|(address, object)| recorded(address, object));
        let document = json!({ "version": VERSION, "objects": objects.collect::<Vec<_>>() });
        shell.output.data(&printed(&document));
        return Ok(exit::DONE);
    }
    let mut table = Table::new(["ADDRESS", "ID", "RECORDED"]);
    for (address, recorded) in &prior.objects {
        table.row([address.to_string(), recorded.id.to_string(), summary(&recorded.record.object)]);
    }
    shell.output.data(&table.to_string());
    if prior.objects.is_empty() {
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
