//! `podform state backup`: a copy of the state of one moment, while others may be writing.

use crate::cli::args::BackupArgs;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::session::Session;

/// Runs the command.
pub async fn run(shell: &Shell, args: &BackupArgs) -> Result<Exit, Failure> {
    let BackupArgs { to } = args;
    let session = Session::of_spec(shell).await?;
    session.state.backup(to)?;
    shell.output.note(&format!("saved as `{}`; `--state` uses it", to.display()));
    Ok(exit::DONE)
}
