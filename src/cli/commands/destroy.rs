//! `podform destroy`: terminates every managed pod and deletes every managed volume.

use crate::cli::approval::Approver;
use crate::cli::args::{DestroyArgs, Scope};
use crate::cli::execution::Execution;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::run::Shell;

/// Runs the command.
pub async fn run(shell: &Shell, args: &DestroyArgs) -> Result<Exit, Failure> {
    let DestroyArgs { run } = args;
    let approver = Approver::find(run, &shell.env)?;
    let execution = Execution {
        shell,
        command: "destroy",
        question: "Destroy all of this?",
        options: Scope::default().options(true),
        run,
    };
    execution.go(shell.load_spec()?, &approver).await
}
