//! `podform graph`: the order in which a plan would run.

use crate::cli::args::GraphArgs;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::session::Session;
use crate::render::graph::write_graph;
use crate::render::words;

/// Runs the command.
pub async fn run(shell: &Shell, args: &GraphArgs) -> Result<Exit, Failure> {
    let GraphArgs { format, destroy, scope } = args;
    let session = Session::of_spec(shell).await?;
    let planned = session.plan_only(&scope.options(*destroy, &shell.global.profiles)).await?;
    if let Some(running) = &planned.plan().in_progress {
        shell.output.note(&words::in_progress(running));
    }
    let mut text = String::new();
    write_graph(&mut text, planned.plan(), *format).expect("a string takes every text");
    shell.output.data(&text);
    Ok(exit::DONE)
}
