//! `podform show`: prints a saved plan, without network, state or spec.

use crate::cli::args::ShowArgs;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::saved::read_plan;
use crate::cli::show;
use crate::render::no_positions;

/// Runs the command.
pub fn run(shell: &Shell, args: &ShowArgs) -> Result<Exit, Failure> {
    let saved = read_plan(&args.plan_file)?;
    show::plan(&shell.output, &saved.planned, args.format, &no_positions);
    Ok(exit::DONE)
}
