//! `podform destroy`: terminates every managed pod and deletes every managed volume, or those that are named.

use std::path::PathBuf;

use crate::cli::approval::Approver;
use crate::cli::execution::Execution;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::flags::{RunArgs, Selection};
use crate::cli::saved::address_of;
use crate::cli::shell::Shell;

/// Terminate every managed pod and delete every managed volume, or those that are named
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform destroy -f examples/quickstart.yaml\n  \
                  podform destroy --target train\n  podform destroy --exclude volume.*")]
pub struct Args {
    /// A saved plan, as it is given to `apply`, or an address; refused with the command that takes it.
    #[arg(value_name = "PLANFILE", hide = true)]
    plan_file: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { plan_file, selection, run } = args;
    if let Some(path) = plan_file {
        return Err(match address_of(path) {
            Some(address) => Failure::BareAddress { command: "destroy", address },
            None => Failure::DestroyOfPlan { path: path.display().to_string() },
        });
    }
    let Selection { target, exclude } = selection;
    let approver = Approver::find(run, &shell.env)?;
    let execution = Execution {
        shell,
        command: "destroy",
        question: if target.is_empty() && exclude.is_empty() {
            "Destroy all of this?"
        } else {
            "Destroy this, and leave the rest?"
        },
        options: selection.options(true, &shell.global.profiles),
        run,
        wait_capacity: None,
    };
    execution.go(shell.load_spec()?, &approver).await
}
