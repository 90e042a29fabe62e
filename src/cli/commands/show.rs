//! `podform show`: prints a saved plan, without network, state or spec; or all that is known of one object.

use std::path::PathBuf;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::saved::{address_of, read_plan};
use crate::cli::shell::Shell;
use crate::cli::show;
use crate::render::Format;
use crate::state::planfile::SavedPlan;

use super::show_address;

/// Show a saved plan, or all that is known of one object
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  podform show release.plan\n  podform show llm[0]\n  podform show llm[0] --json"
)]
pub struct Args {
    /// A plan saved by `plan -o`, or the address of a pod or volume where there is no such file
    #[arg(value_name = "PLANFILE|ADDRESS")]
    what: PathBuf,
    /// How to print the plan
    #[arg(long, default_value = "human", conflicts_with = "json")]
    format: Format,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { what, format, json } = args;
    if let Some(address) = address_of(what) {
        return show_address::run(shell, &address, *json).await;
    }
    let saved = read_plan(what)?;
    let SavedPlan { planned, inputs: _, positions } = &saved;
    let format = if *json { Format::Json } else { *format };
    show::plan(&shell.output, planned, format, &|subject| positions.get(subject).cloned());
    Ok(exit::DONE)
}
