//! `podform completions`: made from the definition of the command line.

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;

/// Print completions for a shell
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform completions bash > /etc/bash_completion.d/podform")]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
}

pub fn run(shell: &Shell, args: &Args, whole: &mut clap::Command) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, whole, "podform", &mut text);
    shell.output.as_written(&String::from_utf8_lossy(&text));
    Ok(exit::DONE)
}
