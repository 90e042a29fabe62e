//! `podform apply`: makes the account as the spec wants it.

use std::path::Path;

use crate::cli::approval::Approver;
use crate::cli::args::{ApplyArgs, RunArgs};
use crate::cli::execution::Execution;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::saved::{self, read_plan};
use crate::state::planfile::SavedPlan;

/// Runs the command.
pub async fn run(shell: &Shell, args: &ApplyArgs) -> Result<Exit, Failure> {
    let ApplyArgs { plan_file, scope, run } = args;
    if let Some(path) = plan_file {
        return apply_saved(shell, path, run).await;
    }
    let approver = Approver::find(run, &shell.env)?;
    let execution = Execution {
        shell,
        command: "apply",
        question: "Apply this plan?",
        options: scope.options(false, &shell.global.profiles),
        run,
    };
    execution.go(shell.load_spec()?, &approver).await
}

/// Runs a saved plan with the spec that it names.
async fn apply_saved(shell: &Shell, path: &Path, run: &RunArgs) -> Result<Exit, Failure> {
    let saved = read_plan(path)?;
    let SavedPlan { planned, inputs, positions: _ } = &saved;
    let loaded = saved::load_spec(shell, inputs)?;
    let command = if inputs.destroy { "destroy" } else { "apply" };
    let options = saved::options_of(inputs).map_err(|error| Failure::Flag(error.to_string()))?;
    let execution = Execution { shell, command, question: "", options, run };
    execution.go_saved(loaded, planned).await
}
