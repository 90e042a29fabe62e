//! From what was typed to the command that does it.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use clap::Parser;
use clap::error::ErrorKind;

use super::args::{Cli, ColorWhen, Command, Global, StateCommand};
use super::commands;
use super::env::Environment;
use super::events;
use super::exit::{self, Exit};
use super::failure::Failure;
use super::output::{Loudness, Output};
use super::report;
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

/// What every command is given.
pub struct Shell {
    /// The environment.
    pub env: Environment,
    /// The global flags.
    pub global: Global,
    /// The streams.
    pub output: Output,
    /// The signals.
    pub signals: Taken,
    /// What came from standard input in place of a spec file. It can be read only once, and a command may need it again.
    pub(super) standard_input: OnceCell<Vec<u8>>,
}

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
        Err(source) => {
            let failure = Failure::Signals(source);
            report::print(&output, &failure);
            return report::exit_of(&failure);
        }
    };
    let shell = Shell { env, global, output, signals, standard_input: OnceCell::new() };
    let Some(command) = command else {
        shell.output.data(FIRST_STEPS);
        return exit::DONE;
    };
    let as_events = command.prints_events();
    let ended = unless_it_panics(|| shell.enter_directory().and_then(|()| shell.start(command)));
    ended.unwrap_or_else(|failure| {
        if as_events {
            events::write_failure(&shell.output, &failure);
        }
        report::print(&shell.output, &failure);
        report::exit_of(&failure)
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

impl Shell {
    /// Moves to the directory of `-C`, so that every path means what it would mean there.
    fn enter_directory(&self) -> Result<(), Failure> {
        self.global.directory.as_deref().map_or(Ok(()), Self::enter)
    }

    /// Moves to a directory.
    ///
    /// # Errors
    /// There is none.
    pub fn enter(directory: &Path) -> Result<(), Failure> {
        std::env::set_current_dir(directory)
            .map_err(|source| Failure::Directory { path: directory.display().to_string(), source })
    }

    /// Tells whether a person watches what goes on, so that spinners are worth drawing.
    pub fn watches_progress(&self) -> bool {
        self.env.stderr_is_terminal && !self.global.quiet
    }

    /// Runs the command on one thread, as nothing that podform does is worth a second one.
    fn start(&self, command: Command) -> Result<Exit, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| Failure::System { doing: "start", source })?;
        runtime.block_on(self.obey(command))
    }

    async fn obey(&self, command: Command) -> Result<Exit, Failure> {
        match command {
            Command::Init(args) => commands::init::run(self, &args).await,
            Command::Plan(args) => commands::plan::run(self, &args).await,
            Command::Apply(args) => commands::apply::run(self, &args).await,
            Command::Destroy(args) => commands::destroy::run(self, &args).await,
            Command::Validate => commands::validate::run(self),
            Command::Config => commands::config::run(self),
            Command::Status(args) => commands::status::run(self, &args).await,
            Command::Drift(args) => commands::drift::run(self, &args).await,
            Command::Show(args) => commands::show::run(self, &args).await,
            Command::Logs(args) => commands::logs::run(self, &args).await,
            Command::Ssh(args) => commands::ssh::run(self, &args).await,
            Command::Doctor(args) => commands::doctor::run(self, &args).await,
            Command::Graph(args) => commands::graph::run(self, &args).await,
            Command::Gpus(args) => commands::gpus::run(self, &args).await,
            Command::Import(args) => commands::import::run(self, &args).await,
            Command::State(command) => self.obey_state(command).await,
            Command::Completions(args) => commands::completions::run(self, args.shell),
            Command::Schema => commands::schema::run(self),
            Command::Man(args) => commands::completions::manual(self, &args),
            Command::Unlock => commands::unlock::run(self).await,
            Command::Simulate(args) => commands::simulate::run(self, &args).await,
            Command::Stop(args) => Err(Failure::ByHand { verb: "stopped", address: args.address }),
            Command::Start(args) => Err(Failure::ByHand { verb: "running", address: args.address }),
        }
    }

    async fn obey_state(&self, command: StateCommand) -> Result<Exit, Failure> {
        match command {
            StateCommand::List(args) => commands::state_list::run(self, &args).await,
            StateCommand::Show(args) => commands::state_show::run(self, &args).await,
            StateCommand::Mv(args) => commands::state_mv::run(self, &args).await,
            StateCommand::Rm(args) => commands::state_rm::run(self, &args).await,
            StateCommand::History(args) => commands::state_history::run(self, &args).await,
            StateCommand::Rebuild(args) => commands::state_rebuild::run(self, &args).await,
            StateCommand::Backup(args) => commands::state_backup::run(self, &args).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_a_code_and_a_hint() {
        let failure = unless_it_panics(|| panic!("no such entry")).unwrap_err();
        assert_eq!(report::exit_of(&failure), exit::FAILED);
        insta::assert_snapshot!(report::text_of(&failure), @r"
        error: podform met a bug of its own and stopped
        hint: please report what stands above; whatever was sent is in the journal, and the next `podform apply` goes on from there
        ");
    }
}
