//! Every command that a person can type, a file each with its flags. They are thin: they join parts and turn what comes
//! out into an exit code.
//!
//! A new one is a file with `Args` and `run`, a variant and an arm here, and a script in `tests/scripts/`.

mod apply;
mod by_hand;
mod completions;
mod config;
mod destroy;
mod doctor;
mod drift;
mod gpus;
mod graph;
mod import;
mod init;
mod logs;
mod man;
mod output;
mod plan;
mod schema;
mod show;
mod show_address;
mod simulate;
pub mod simulator;
mod ssh;
mod state_backup;
mod state_compact;
mod state_done;
mod state_history;
mod state_list;
mod state_migrate;
mod state_mv;
mod state_rebuild;
mod state_restore;
mod state_rm;
mod state_show;
mod status;
mod unlock;
mod validate;

use clap::{CommandFactory, Parser, Subcommand};

use super::exit::Exit;
use super::failure::Failure;
use super::flags::Global;
use super::shell::Shell;

/// Plan and apply for GPU pods on RunPod.
#[derive(Parser)]
#[command(
    name = "podform",
    version,
    about,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Environment: RUNPOD_API_KEY, RUNPOD_API_BASE_URL, PODFORM_STATE, PODFORM_VAR_<NAME>, NO_COLOR.\n\
                  Exit codes: 0 done, 1 failed, 2 changes (with --detailed-exitcode), 3 invalid, 4 blocked, \
                  5 locked, 6 stale, 7 incomplete, 8 API not usable, 130 interrupted."
)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) global: Global,
}

#[derive(Subcommand)]
pub enum Command {
    Init(init::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Destroy(destroy::Args),
    /// Check the spec; needs no network, no state and no key
    #[command(after_help = "Example:\n  podform validate -f base.yaml -f prod.yaml")]
    Validate,
    /// Print the spec with files merged, variables and defaults filled in
    #[command(after_help = "Example:\n  podform config -f base.yaml -f prod.yaml --profile prod")]
    Config,
    Status(status::Args),
    Drift(drift::Args),
    Show(show::Args),
    Logs(logs::Args),
    Ssh(ssh::Args),
    Output(output::Args),
    Doctor(doctor::Args),
    Graph(graph::Args),
    Gpus(gpus::Args),
    Import(import::Args),
    /// Look at the recorded state
    #[command(subcommand)]
    State(StateCommand),
    /// Remove the lock of a run that is gone, showing who held it
    #[command(after_help = "Example:\n  podform unlock")]
    Unlock,
    /// Print the JSON Schema of the spec file, for editors
    #[command(after_help = "Example:\n  podform schema > podform.schema.json\n  \
                      and as the first line of the spec: # yaml-language-server: $schema=podform.schema.json")]
    Schema,
    Completions(completions::Args),
    Man(man::Args),
    Simulate(simulate::Args),
    #[command(hide = true)]
    Stop(by_hand::Args),
    #[command(hide = true)]
    Start(by_hand::Args),
}

#[derive(Subcommand)]
pub enum StateCommand {
    List(state_list::Args),
    Show(state_show::Args),
    Mv(state_mv::Args),
    Rm(state_rm::Args),
    Done(state_done::Args),
    History(state_history::Args),
    Rebuild(state_rebuild::Args),
    Backup(state_backup::Args),
    Restore(state_restore::Args),
    Migrate(state_migrate::Args),
    Compact(state_compact::Args),
}

impl Command {
    /// Tells whether standard output is a stream of events, which a failure must be part of.
    pub fn prints_events(&self) -> bool {
        let (Self::Apply(apply::Args { run, .. }) | Self::Destroy(destroy::Args { run, .. })) = self else {
            return false;
        };
        run.json
    }

    pub async fn run(self, shell: &Shell) -> Result<Exit, Failure> {
        match self {
            Self::Init(args) => init::run(shell, &args).await,
            Self::Plan(args) => plan::run(shell, &args).await,
            Self::Apply(args) => apply::run(shell, &args).await,
            Self::Destroy(args) => destroy::run(shell, &args).await,
            Self::Validate => validate::run(shell),
            Self::Config => config::run(shell),
            Self::Status(args) => status::run(shell, &args).await,
            Self::Drift(args) => drift::run(shell, &args).await,
            Self::Show(args) => show::run(shell, &args).await,
            Self::Logs(args) => logs::run(shell, &args).await,
            Self::Ssh(args) => ssh::run(shell, &args).await,
            Self::Output(args) => output::run(shell, &args).await,
            Self::Doctor(args) => doctor::run(shell, &args).await,
            Self::Graph(args) => graph::run(shell, &args).await,
            Self::Gpus(args) => gpus::run(shell, &args).await,
            Self::Import(args) => import::run(shell, &args).await,
            Self::State(command) => command.run(shell).await,
            Self::Unlock => unlock::run(shell).await,
            Self::Schema => schema::run(shell),
            Self::Completions(args) => completions::run(shell, &args, &mut Cli::command()),
            Self::Man(args) => man::run(shell, &args, Cli::command()),
            Self::Simulate(args) => simulate::run(shell, &args).await,
            Self::Stop(args) => Err(args.refusal("stopped")),
            Self::Start(args) => Err(args.refusal("running")),
        }
    }
}

impl StateCommand {
    async fn run(self, shell: &Shell) -> Result<Exit, Failure> {
        match self {
            Self::List(args) => state_list::run(shell, &args).await,
            Self::Show(args) => state_show::run(shell, &args).await,
            Self::Mv(args) => state_mv::run(shell, &args).await,
            Self::Rm(args) => state_rm::run(shell, &args).await,
            Self::Done(args) => state_done::run(shell, &args).await,
            Self::History(args) => state_history::run(shell, &args).await,
            Self::Rebuild(args) => state_rebuild::run(shell, &args).await,
            Self::Backup(args) => state_backup::run(shell, &args).await,
            Self::Restore(args) => state_restore::run(shell, &args).await,
            Self::Migrate(args) => state_migrate::run(shell, &args).await,
            Self::Compact(args) => state_compact::run(shell, &args).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_visible_command_shows_an_example() {
        let mut groups = vec![Cli::command()];
        while let Some(group) = groups.pop() {
            for command in group.get_subcommands().filter(|command| !command.is_hide_set()) {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                let is_group = command.has_subcommands();
                assert!(is_group || help.contains("podform "), "{} has no example", command.get_name());
                groups.push(command.clone());
            }
        }
    }
}
