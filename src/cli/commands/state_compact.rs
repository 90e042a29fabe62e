//! `podform state compact`: deletes what a state in a bucket no longer needs.

use std::str::FromStr;
use std::time::Duration;

use crate::cli::clock::HostClock;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::flags::LockTimeout;
use crate::cli::recording::give_back;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::render::words::count;
use crate::state::place::{Held, Place};

/// Delete old objects of a state in a bucket; nothing is lost but copies
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform state compact --keep 90d\n\n\
                  Runs and events stay in the history. Nothing is deleted that is younger than a week, and two copies of \
                  the whole state always stay.")]
pub struct Args {
    /// Keep what is younger than so many days
    #[arg(long, value_name = "DAYS", default_value = "90d")]
    keep: Days,
    #[command(flatten)]
    lock: LockTimeout,
}

#[derive(Clone, Copy, Debug)]
struct Days(u32);

impl FromStr for Days {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let days = text.strip_suffix('d').and_then(|number| number.parse().ok());
        // A holder who was asleep for less finds what was written meanwhile.
        days.filter(|days| *days >= 7).map(Self).ok_or("give a number of days, 7 or more, such as `90d`")
    }
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { keep: Days(days), lock } = args;
    let session = Session::of_spec(shell).await?;
    let nothing = format!("`{}` keeps no copies, so there is nothing to delete", session.state.name());
    // A lock would make the file.
    if session.state.file().is_some() {
        shell.output.note(&nothing);
        return Ok(exit::DONE);
    }
    let holder = shell.env.holder("state compact");
    let locked = session.state.lock(&holder, &HostClock, lock.patience()).await?;
    let done = locked.compact(Duration::from_secs(u64::from(*days) * 86_400)).await;
    give_back(shell, locked).await;
    shell.output.note(&match done? {
        Some(done) => {
            let objects = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "object");
            format!("{} deleted, {} kept", objects(done.deleted), objects(done.kept))
        }
        None => nothing,
    });
    Ok(exit::DONE)
}
