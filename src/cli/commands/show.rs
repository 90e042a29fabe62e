//! `podform show`: prints a saved plan, without network, state or spec; or all that is known of one object.

use crate::cli::args::ShowArgs;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::saved::read_plan;
use crate::cli::show;
use crate::model::address::Address;
use crate::render::Format;
use crate::state::planfile::SavedPlan;

use super::show_address;

/// Runs the command.
pub async fn run(shell: &Shell, args: &ShowArgs) -> Result<Exit, Failure> {
    let ShowArgs { what, format, json } = args;
    let address = what.to_str().and_then(|text| text.parse::<Address>().ok());
    if let Some(address) = address.filter(|_| !is_file(what)) {
        return show_address::run(shell, &address, *json).await;
    }
    let saved = read_plan(what)?;
    let SavedPlan { planned, inputs: _, positions } = &saved;
    let format = if *json { Format::Json } else { *format };
    show::plan(&shell.output, planned, format, &|subject| positions.get(subject).cloned());
    Ok(exit::DONE)
}

/// Tells whether there is such a file; a file that is there goes before an address.
fn is_file(path: &std::path::Path) -> bool {
    path.try_exists().unwrap_or(true)
}
