//! From what was typed to the exit code.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::Parser;
use clap::error::ErrorKind;

use super::commands::{Cli, Command};
use super::env::Environment;
use super::events;
use super::exit::{self, Exit};
use super::failure::Failure;
use super::flags::ColorWhen;
use super::output::{Loudness, Output};
use super::report;
use super::shell::Shell;
use super::signals::Taken;

/// What a person sees who types `podform` and nothing else.
const FIRST_STEPS: &str = "\
podform makes the GPU pods of a RunPod account as a YAML file wants them.

Try it without an account, on the built-in simulator:
  podform init trial --example quickstart && cd trial
  podform plan
  podform apply

With an account:
  export RUNPOD_API_KEY=...
  podform init                   # writes a first pods.yaml
  podform plan

All commands: podform --help
";

/// Does what the arguments say and returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>, env: impl FnOnce() -> Environment) -> Exit {
    // Before anything is read: a signal in the first moments has a code of its own too.
    let signals = Taken::over();
    let env = env();
    let Cli { command, global } = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return explain(&error, &env),
    };
    let loudness = match (global.quiet, global.verbose) {
        (true, _) => Loudness::Quiet,
        (false, true) => Loudness::Verbose,
        (false, false) => Loudness::Usual,
    };
    let output = Output::of_process(&env, global.color, loudness);
    let signals = match signals {
        Ok(signals) => signals,
        Err(source) => return report::print(&output, &Failure::Signals { source }),
    };
    let shell = Shell::new(env, global, output, signals);
    let Some(command) = command else {
        shell.output.data(FIRST_STEPS);
        return exit::DONE;
    };
    let as_events = command.prints_events();
    unless_it_panics(|| start(&shell, command)).unwrap_or_else(|failure| {
        if as_events {
            events::write_failure(&shell.output, &failure);
        }
        report::print(&shell.output, &failure)
    })
}

/// Does the work; a panic ends it as one more failure, after the lock was given back.
fn unless_it_panics(work: impl FnOnce() -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    // Nothing of what the work used is looked at again.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Failure::Bug))
}

/// Prints help as data and mistakes as errors. Clap's own code for mistakes means "changes" here.
fn explain(error: &clap::Error, env: &Environment) -> Exit {
    let output = Output::of_process(env, ColorWhen::Auto, Loudness::Usual);
    let text = error.render();
    let text = if output.is_colored() { text.ansi().to_string() } else { text.to_string() };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output.data(&text);
            exit::DONE
        }
        _ => {
            output.alarm(text.trim_end());
            exit::INVALID
        }
    }
}

/// Runs the command on one thread, as nothing that podform does is worth a second one.
fn start(shell: &Shell, command: Command) -> Result<Exit, Failure> {
    shell.global.directory.as_deref().map_or(Ok(()), Shell::enter)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Failure::System { doing: "start", source })?;
    runtime.block_on(command.run(shell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_a_code_and_a_hint() {
        let failure = unless_it_panics(|| panic!("no such entry")).unwrap_err();
        assert_eq!(failure.exit(), exit::FAILED);
        insta::assert_snapshot!(report::text_of(&failure), @r"
        error: podform met a bug of its own and stopped
        hint: please report what stands above; whatever was sent is in the journal, and the next `podform apply` goes on from there
        ");
    }
}
