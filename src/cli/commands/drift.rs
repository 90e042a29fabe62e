//! `podform drift`: what others changed since the last apply. What it looks with cannot write.

use crate::cli::args::DriftArgs;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::session::Session;
use crate::plan::Options;
use crate::render::words;

/// Runs the command.
pub async fn run(shell: &Shell, args: &DriftArgs) -> Result<Exit, Failure> {
    let session = Session::open(shell, shell.load_spec()?, None).await?;
    let planned = session.plan_only(&Options::default()).await?;
    let drift = &planned.plan().drift;
    if drift.is_empty() {
        shell.output.data("No drift.\n");
        return Ok(exit::DONE);
    }
    for found in drift {
        shell.output.data(&format!("{}: {}\n", found.address, words::drift(&found.kind)));
    }
    Ok(if args.detailed_exitcode { exit::CHANGES } else { exit::DONE })
}
