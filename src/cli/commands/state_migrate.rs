//! `podform state migrate`: moves the state with its journal and history to another place, and back.

use std::time::Duration;

use crate::cli::clock::HostClock;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::flags::LockTimeout;
use crate::cli::inside;
use crate::cli::place::{HeldState, StateAt};
use crate::cli::recording::give_back;
use crate::cli::session::{Session, refused_of_spec};
use crate::cli::shell::Shell;
use crate::model::location::Location;
use crate::state::Standing;
use crate::state::lease::Holder;
use crate::state::moving::{self, End, MoveError, Way, go};
use crate::state::place::Place;

/// Move the state, with its journal and history, to another place
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform state migrate --to s3://acme-state/podform/llm\n  \
                  podform state migrate --to postgres://db.acme.example/pods --abandon\n  \
                  podform state migrate --to postgres://db.acme.example/pods --abandon --lost\n  \
                  podform --state state/llm.db state migrate --to s3://acme-state/podform/llm --from-moved\n\n\
                  Until it has ended neither place can be written. A move that was killed is gone on with by the \
                  same command. `--abandon --lost` trusts you that the other place is gone: what comes back there \
                  must never be used again.")]
pub struct Args {
    /// Where it goes: a file, or a URL of a database or bucket
    #[arg(long, value_name = "PATH|URL")]
    to: String,
    /// Give up a move that has not ended, or whose new place holds no state any more
    #[arg(long, conflicts_with = "from_moved")]
    abandon: bool,
    /// With `--abandon`: the other place is lost for good, so go back without opening it
    #[arg(long, requires = "abandon")]
    lost: bool,
    /// Undo a move that has ended, if nothing was written there since
    #[arg(long)]
    from_moved: bool,
    #[command(flatten)]
    lock: LockTimeout,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let to: Location = args.to.parse().map_err(|why| Failure::NoLocation { name: "--to", why })?;
    let session = Session::of_spec(shell).await?;
    let said = if args.lost {
        without(&session, &to, args.lock.patience()).await?
    } else {
        between(&session, &to, args).await?
    };
    shell.output.note(&said);
    Ok(exit::DONE)
}

/// Goes back to what lies here, whatever became of the other place.
async fn without(session: &Session<'_>, lost: &Location, wait: Duration) -> Result<String, Failure> {
    let (shell, source) = (session.shell, &session.state);
    if source.contents().await?.is_none() {
        return Err(MoveError::Nothing(source.name()).into());
    }
    let held = source.lock(&shell.env.holder("state migrate"), &HostClock, wait).await?;
    let _not_interrupted = shell.signals.give();
    let went_back = moving::without(End { place: source, held: &held }, &lost.to_string()).await;
    give_back(shell, held).await;
    went_back?;
    Ok(gone_back(&source.name(), &lost.to_string()))
}

/// Says what it means that the state of a lost place is gone on with from what was left.
fn gone_back(source: &str, lost: &str) -> String {
    format!(
        "the state lies at `{source}`; never use again what is or comes back at `{lost}`: there would be two states of the same pods. What was written there since the move is not known here, so read what `podform plan` says before you apply it"
    )
}

/// Moves it, there or back.
async fn between(session: &Session<'_>, to: &Location, args: &Args) -> Result<String, Failure> {
    let way = match (args.abandon, args.from_moved) {
        (true, _) => Way::Abandon,
        (false, true) => Way::Back,
        (false, false) => Way::There,
    };
    let (shell, source, wait) = (session.shell, &session.state, args.lock.patience());
    let binding = session.account.binding.clone();
    let target = StateAt::open(to, binding, session.account.names.lineage(), &shell.env)?;
    ensure_two((source, &session.location), (&target, to))?;
    if way == Way::There {
        ensure_apart(&session.location, to)?;
    }
    ensure_made(way, source, (&target, to)).await?;
    let holder = shell.env.holder("state migrate");
    let from = source.lock(&holder, &HostClock, wait).await?;
    let into = match lock_other(source, &target, &holder, wait).await {
        Ok(into) => into,
        Err(error) => {
            give_back(shell, from).await;
            return Err(error);
        }
    };
    // Each of its steps is short, and what is between two of them helps nobody.
    let _not_interrupted = shell.signals.give();
    let is_there = target.contents().await.is_ok_and(|found| found.is_some_and(|found| found.is_used()));
    let moved = go(way, End { place: source, held: &from }, End { place: &target, held: &into }).await;
    give_back(shell, into).await;
    give_back(shell, from).await;
    moved?;
    let (source, target) = (source.name(), target.name());
    Ok(match way {
        Way::There => format!(
            "the state lies at `{target}`, and `{source}` says so; next: {}, and run `podform plan`",
            naming(to)
        ),
        Way::Abandon if is_there => {
            format!("the move is given up; the state lies at `{source}` as before")
        }
        Way::Abandon => format!("the move is given up; {}", gone_back(&source, &target)),
        Way::Back => format!("the state lies at `{source}` again, and `{target}` says so"),
    })
}

/// Says how the place is named from here on.
fn naming(to: &Location) -> String {
    let written = to.written();
    match refused_of_spec(to) {
        None => format!("name it in the spec (`{}: {written}`)", to.key()),
        Some(_) => format!(
            "give it with `--state` or in `PODFORM_STATE` (`{written}`), as no spec may name such a place"
        ),
    }
}

/// Makes sure that a lock, which makes a place that is not there, makes none of those that are to be found.
async fn ensure_made(way: Way, source: &StateAt, (target, to): (&StateAt, &Location)) -> Result<(), Failure> {
    let Some(here) = source.contents().await? else {
        moving::look(way, source, target).await?;
        return Err(MoveError::Nothing(source.name()).into());
    };
    let Standing::Moved { to: name } = here.standing() else { return Ok(()) };
    if *name != target.name() || target.contents().await?.is_some() {
        return Ok(());
    }
    match way {
        Way::Abandon if to.path().is_some() => {
            Err(Failure::PathIsEmpty { from: source.name(), to: target.name() })
        }
        Way::Abandon => Ok(()),
        Way::There | Way::Back => Ok(moving::look(way, source, target).await?),
    }
}

/// Makes sure that there are two places, as far as names and files tell.
fn ensure_two(
    (source, from): (&StateAt, &Location),
    (target, to): (&StateAt, &Location),
) -> Result<(), Failure> {
    let (name, other) = (source.name(), target.name());
    if name == other {
        return Err(Failure::SamePlace { name });
    }
    match (from.path(), to.path()) {
        (Some(here), Some(there)) if inside::is_same(here.as_ref(), there.as_ref()) => {
            Err(Failure::SamePlaceTwice { name, other })
        }
        _ => Ok(()),
    }
}

/// Makes sure that neither place lies inside the other one, where what keeps a state takes all that it finds for its own.
fn ensure_apart(from: &Location, to: &Location) -> Result<(), Failure> {
    let is_inside = |below: &Location, above: &Location| {
        let paths = below.path().zip(above.path());
        let paths = paths.and_then(|(below, above)| {
            Some((inside::leads_to(below.as_ref())?, inside::leads_to(above.as_ref())?))
        });
        below.is_below(above) || paths.is_some_and(|(below, above)| below.starts_with(above))
    };
    for (below, above) in [(from, to), (to, from)] {
        if is_inside(below, above) {
            return Err(Failure::PlaceInside { below: below.to_string(), above: above.to_string() });
        }
    }
    Ok(())
}

/// Takes the lock of the other place, unless it is that of this one, by which only its holder tells one that has many names.
async fn lock_other(
    source: &StateAt,
    target: &StateAt,
    holder: &Holder,
    wait: Duration,
) -> Result<HeldState, Failure> {
    // What cannot be read is told by the lock.
    if let Ok(Some(lease)) = target.lease().await
        && lease.holder.id == holder.id
    {
        return Err(Failure::SamePlaceTwice { name: source.name(), other: target.name() });
    }
    Ok(target.lock(holder, &HostClock, wait).await?)
}
