//! `podform validate`: checks the spec without network, state or key.

use std::mem::ManuallyDrop;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::model::desired::{Desired, Wanted};
use crate::render::words::count;

pub fn run(shell: &Shell) -> Result<Exit, Failure> {
    // Never freed, as the process ends with it.
    let loaded = ManuallyDrop::new(shell.load_spec()?);
    shell.output.data(&format!("The spec is valid: {}.\n", summary(&loaded.desired)));
    Ok(exit::DONE)
}

/// Counts what a spec wants: `3 pods and 1 network volume`.
fn summary(desired: &Desired) -> String {
    let pods = desired.wanted.values().filter(|wanted| matches!(wanted, Wanted::Pod(_))).count();
    let volumes = desired.wanted.len() - pods;
    format!("{} and {}", count(pods, "pod"), count(volumes, "network volume"))
}
