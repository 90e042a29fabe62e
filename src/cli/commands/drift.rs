//! `podform drift`: what others changed since the last apply. What it looks with cannot write.

use crate::cli::args::DriftArgs;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::session::Session;
use crate::model::plan::Plan;
use crate::plan::Options;
use crate::render::human::write_drift;

/// Runs the command.
pub async fn run(shell: &Shell, args: &DriftArgs) -> Result<Exit, Failure> {
    let session = Session::of_spec(shell).await?;
    let planned = session.plan_only(&Options::to_look()).await?;
    let mut text = String::new();
    write_drift(&mut text, &planned, shell.output.style()).expect("a string takes every text");
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    let Plan { drift, held, .. } = planned.plan();
    match (drift.is_empty(), held.is_empty()) {
        (true, true) => text.push_str("No drift.\n"),
        (true, false) => text.push_str("No drift in what could be looked at.\n"),
        (false, _) => {}
    }
    shell.output.data(&text);
    Ok(match (drift.is_empty(), held.is_empty()) {
        (false, _) if args.detailed_exitcode => exit::CHANGES,
        (true, false) => exit::BLOCKED,
        (false, _) | (true, true) => exit::DONE,
    })
}
