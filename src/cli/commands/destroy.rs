//! `podform destroy`: terminates every managed pod and deletes every managed volume, or those that are named.

use crate::cli::approval::Approver;
use crate::cli::args::{DestroyArgs, Selection};
use crate::cli::execution::Execution;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::run::Shell;

/// Runs the command.
pub async fn run(shell: &Shell, args: &DestroyArgs) -> Result<Exit, Failure> {
    let DestroyArgs { plan_file, selection, run } = args;
    if let Some(path) = plan_file {
        return Err(Failure::Flag(format!(
            "`destroy` plans by itself; `podform apply {}` runs a saved plan, one of `plan --destroy` too",
            path.display()
        )));
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
    };
    execution.go(shell.load_spec()?, &approver).await
}
