//! The command line: the only module that prints, and the shell that joins all the others.
//!
//! It decides nothing about pods. It reads the environment, files and secrets, hands them to the pure parts, asks
//! the person, and turns the answer into output and an exit code. Start at [`run()`]; what a person can type is in
//! `commands`, a thin file for each with its flags; what scripts read is in [`exit`], and every way to fail in `failure`.
//!
//! To add a command: its file with its flags in `commands`, a variant in `commands/mod.rs`, a script in `tests/scripts`.
//! To add a way to fail: its row in `failure`, with text, exit code and hint.

mod account;
mod approval;
mod border;
mod cache;
mod child;
mod clock;
mod commands;
#[cfg(any(feature = "postgres", feature = "object-store"))]
mod credentials;
mod descent;
pub mod env;
mod events;
mod execution;
pub mod exit;
mod failure;
mod files;
mod flags;
mod inside;
mod json;
mod load;
mod names;
mod naming;
mod output;
mod place;
mod progress;
mod prompt;
mod readiness;
mod recording;
mod report;
mod rounds;
mod run;
mod running;
pub mod saved;
mod secrets;
mod session;
mod shell;
mod show;
mod signals;
mod since;
mod table;
mod tolerance;

pub use commands::Cli;
pub use run::run;
