//! `podform state migrate`: moves the state with its journal and history to another place, and back.

use crate::cli::clock::HostClock;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::flags::LockTimeout;
use crate::cli::place::StateAt;
use crate::cli::recording::give_back;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::location::Location;
use crate::state::moving::{End, MoveError, Way, go};
use crate::state::place::Place;

/// Move the state, with its journal and history, to another place
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform state migrate --to s3://acme-state/podform/llm\n  \
                  podform state migrate --to postgres://db.acme.example/pods --abandon\n  \
                  podform --state state/llm.db state migrate --to s3://acme-state/podform/llm --from-moved\n\n\
                  Until it has ended neither place can be written. A move that was killed is gone on with by the \
                  same command.")]
pub struct Args {
    /// Where it goes: a file, or a URL of a database or bucket
    #[arg(long, value_name = "PATH|URL")]
    to: String,
    /// Give up a move that has not ended
    #[arg(long, conflicts_with = "from_moved")]
    abandon: bool,
    /// Undo a move that has ended, if nothing was written there since
    #[arg(long)]
    from_moved: bool,
    #[command(flatten)]
    lock: LockTimeout,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { to, abandon, from_moved, lock } = args;
    let to: Location = to.parse().map_err(|why| Failure::NoLocation { name: "--to", why })?;
    let way = match (abandon, from_moved) {
        (true, _) => Way::Abandon,
        (false, true) => Way::Back,
        (false, false) => Way::There,
    };
    let session = Session::of_spec(shell).await?;
    let source = &session.state;
    let binding = session.account.binding.clone();
    let target = StateAt::open(&to, binding, session.account.names.lineage(), &shell.env)?;
    if source.name() == target.name() {
        return Err(Failure::SamePlace { name: target.name() });
    }
    if source.contents().await?.is_none() {
        // A lock would make it, and the place that it is to go to.
        return Err(MoveError::Nothing(source.name()).into());
    }
    let holder = shell.env.holder("state migrate");
    let from = source.lock(&holder, &HostClock, lock.patience()).await?;
    let into = match target.lock(&holder, &HostClock, lock.patience()).await {
        Ok(into) => into,
        Err(error) => {
            give_back(shell, from).await;
            return Err(error.into());
        }
    };
    // Each of its steps is short, and what is between two of them helps nobody.
    let _not_interrupted = shell.signals.give();
    let moved = go(way, End { place: source, held: &from }, End { place: &target, held: &into }).await;
    give_back(shell, into).await;
    give_back(shell, from).await;
    moved?;
    let said = match way {
        Way::There => format!(
            "the state lies at `{target}`, and `{source}` says so; next: name it in the spec (`{key}: {to}`), and run `podform plan`",
            target = target.name(),
            source = source.name(),
            key = to.key(),
            to = to.written(),
        ),
        Way::Abandon => format!("the move is given up; the state lies at `{}` as before", source.name()),
        Way::Back => format!("the state lies at `{}` again, and `{}` says so", source.name(), target.name()),
    };
    shell.output.note(&said);
    Ok(exit::DONE)
}
