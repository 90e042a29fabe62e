//! `podform config`: prints the spec with everything merged and filled in, secrets as references.

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;

pub fn run(shell: &Shell) -> Result<Exit, Failure> {
    let text = shell.check_spec()?.config();
    shell.output.data(&text);
    Ok(exit::DONE)
}
