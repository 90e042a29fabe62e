//! `podform completions` and `podform man`: made from the definition of the command line.

use clap::CommandFactory;
use clap_complete::Shell as Kind;

use crate::cli::args::Cli;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;

/// Prints the completions for a shell.
pub fn run(shell: &Shell, kind: Kind) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(kind, &mut Cli::command(), "podform", &mut text);
    shell.output.data(&String::from_utf8_lossy(&text));
    Ok(exit::DONE)
}

/// Prints the manual page, with a section for each command.
pub fn manual(shell: &Shell) -> Result<Exit, Failure> {
    let failed = |source| Failure::System { doing: "write the manual page", source };
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut text).map_err(failed)?;
    shell.output.data(&String::from_utf8_lossy(&text));
    Ok(exit::DONE)
}
