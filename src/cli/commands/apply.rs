//! `podform apply`: makes the account as the spec wants it.

use std::path::{Path, PathBuf};

use crate::cli::approval::Approver;
use crate::cli::execution::Execution;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::flags::{RunArgs, Scope};
use crate::cli::saved::{self, address_of, read_plan};
use crate::cli::shell::Shell;
use crate::model::retry::Patience;
use crate::model::seconds::{NoTime, Seconds};
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
    /// Where nothing is free, try again every minute for so long, from 10s to 7 days; where `retry` in the spec says more for a pod, that counts
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    wait_capacity: Option<Seconds>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { plan_file, scope, wait_capacity, run } = args;
    if let Some(path) = plan_file {
        return apply_saved(shell, path, run, *wait_capacity).await;
    }
    let approver = Approver::find(run, &shell.env)?;
    let execution = Execution {
        shell,
        command: "apply",
        question: "Apply this plan?",
        options: scope.options(false, &shell.global.profiles),
        run,
        wait_capacity: *wait_capacity,
    };
    execution.go(shell.load_spec()?, &approver).await
}

/// Runs a saved plan with the spec that it names.
async fn apply_saved(
    shell: &Shell,
    path: &Path,
    run: &RunArgs,
    wait_capacity: Option<Seconds>,
) -> Result<Exit, Failure> {
    if let Some(address) = address_of(path) {
        return Err(Failure::BareAddress { command: "apply", address });
    }
    let saved = read_plan(path)?;
    let SavedPlan { planned, inputs, positions: _ } = &saved;
    let loaded = saved::load_spec(shell, inputs)?;
    let command = if inputs.destroy { "destroy" } else { "apply" };
    let options = saved::options_of(inputs)?;
    let execution = Execution { shell, command, question: "", options, run, wait_capacity };
    execution.go_saved(loaded, planned).await
}

/// Reads how long to wait for capacity.
fn wait(text: &str) -> Result<Seconds, String> {
    let seconds: Seconds = text.parse().map_err(|error: NoTime| error.to_string())?;
    let range = Patience::MOST_OFTEN..=Patience::LONGEST;
    let seconds = Some(seconds).filter(|seconds| range.contains(seconds));
    seconds.ok_or_else(|| format!("write a time between {} and {}", range.start(), range.end()))
}
