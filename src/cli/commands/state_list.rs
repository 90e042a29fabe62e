//! `podform state list`: the recorded objects, without asking the account.

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::model::prior::{RecordedObject, RecordedPod};

/// Runs the command.
pub async fn run(shell: &Shell) -> Result<Exit, Failure> {
    let session = Session::open(shell, shell.load_spec()?, None).await?;
    let prior = session.state.read()?;
    let mut table = Table::new(["ADDRESS", "ID", "RECORDED"]);
    for (address, recorded) in &prior.objects {
        table.row([address.to_string(), recorded.id.to_string(), summary(&recorded.object)]);
    }
    shell.output.data(&table.to_string());
    Ok(exit::DONE)
}

fn summary(object: &RecordedObject) -> String {
    match object {
        RecordedObject::Volume(config) => format!("{} in {}", config.size, config.data_center),
        RecordedObject::Pod(pod) => {
            let RecordedPod { container, compute, run, .. } = &**pod;
            let compute = compute.as_ref().map_or_else(String::new, |compute| format!(" on {compute}"));
            format!("{run}, {}{compute}", container.image)
        }
    }
}
