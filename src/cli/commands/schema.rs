//! `podform schema`: the JSON Schema of the spec file, for editors.

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::spec::schema::SCHEMA;

pub fn run(shell: &Shell) -> Result<Exit, Failure> {
    shell.output.data(SCHEMA);
    Ok(exit::DONE)
}
