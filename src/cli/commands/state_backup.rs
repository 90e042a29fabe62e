//! `podform state backup`: a copy of the state of one moment, while others may be writing.

use std::path::PathBuf;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::state::place::Place;
use crate::state::sqlite::StateFile;

/// Copy the state to a new file, while others may be writing
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform state backup backups/monday.db")]
pub struct Args {
    /// The file to write, which must not exist yet
    #[arg(value_name = "FILE")]
    to: PathBuf,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { to } = args;
    let session = Session::of_spec(shell).await?;
    let contents = session.state.contents().await?;
    let contents = contents.ok_or_else(|| Failure::NoState { name: session.state.name() })?;
    StateFile::write_new(to, &contents)?;
    shell.output.note(&format!("saved as `{}`; `podform state restore` puts it back", to.display()));
    Ok(exit::DONE)
}
