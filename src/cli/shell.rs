//! What every command is given.

use std::cell::OnceCell;
use std::path::Path;

use super::env::Environment;
use super::failure::Failure;
use super::flags::Global;
use super::output::Output;
use super::signals::Taken;

/// The process around a command.
pub struct Shell {
    pub env: Environment,
    pub global: Global,
    pub output: Output,
    pub signals: Taken,
    /// What came from standard input in place of a spec file. It can be read only once, and a command may need it again.
    pub(super) standard_input: OnceCell<Vec<u8>>,
}

impl Shell {
    pub fn new(env: Environment, global: Global, output: Output, signals: Taken) -> Self {
        Self { env, global, output, signals, standard_input: OnceCell::new() }
    }

    /// Moves to a directory, so that every path means what it would mean there.
    pub fn enter(directory: &Path) -> Result<(), Failure> {
        std::env::set_current_dir(directory)
            .map_err(|source| Failure::Directory { path: directory.display().to_string(), source })
    }

    /// Tells whether a person watches what goes on, so that spinners are worth drawing.
    pub fn watches_progress(&self) -> bool {
        self.env.stderr_is_terminal && !self.global.quiet
    }
}
