//! `podform apply`: makes the account as the spec wants it.

use std::path::{Path, PathBuf};

use crate::cli::approval::Approver;
use crate::cli::execution::Execution;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::flags::{RunArgs, Scope};
use crate::cli::saved::{self, read_plan};
use crate::cli::shell::Shell;
use crate::state::planfile::SavedPlan;

/// Make the account as the spec wants it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform apply -f examples/quickstart.yaml\n  \
                  podform plan -o release.plan && podform apply release.plan\n  \
                  podform apply --auto-approve --json")]
pub struct Args {
    /// A plan saved by `plan -o`; it is planned again, and runs without a question if that is the same
    #[arg(
        value_name = "PLANFILE",
        conflicts_with_all = [
            "target", "exclude", "replace", "rotate", "accept_vanished", "unprotect", "auto_approve", "approved"
        ]
    )]
    plan_file: Option<PathBuf>,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { plan_file, scope, run } = args;
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
    let options = saved::options_of(inputs)?;
    let execution = Execution { shell, command, question: "", options, run };
    execution.go_saved(loaded, planned).await
}
