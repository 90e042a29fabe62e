//! The binary: hands the real environment to the command line.

use std::process::ExitCode;

use podform::cli::{env::Environment, run};

fn main() -> ExitCode {
    run(std::env::args_os(), Environment::from_process).into()
}
