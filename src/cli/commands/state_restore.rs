//! `podform state restore`: puts a backup in the place of the state, after showing what that loses.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::cli::clock::HostClock;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::flags::LockTimeout;
use crate::cli::place::HeldState;
use crate::cli::prompt;
use crate::cli::recording::give_back;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::address::Address;
use crate::model::clock::Clock;
use crate::plan::unknown_since;
use crate::render::words;
use crate::state::contents::Contents;
use crate::state::place::{Held, Place};
use crate::state::sqlite::StateFile;
use crate::state::{Journal, Standing, StateError};

/// Put a backup in the place of the state, after showing what that loses
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform state restore backups/monday.db\n\n\
                  The next plan says so first, and changes nothing, if the account has a pod, volume, secret or registry \
                  with a mark that the backup cannot know. What leaves no mark, such as an update, a stop or a \
                  removal, it takes for a change from outside: read that plan before you apply it.")]
pub struct Args {
    /// The file that `podform state backup` wrote
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
    #[command(flatten)]
    lock: LockTimeout,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { from, auto_approve, lock } = args;
    let session = Session::of_spec(shell).await?;
    let binding = session.account.binding.clone();
    let file = from.display().to_string();
    let backup = StateFile::new(from, binding, session.account.names.lineage()).contents()?;
    let backup = backup.ok_or_else(|| Failure::NoBackup { name: file.clone() })?;
    ensure_lies_here(session.state.contents().await.ok().flatten(), (&backup, file), &session.state.name())?;
    if !auto_approve && !shell.env.stdin_is_terminal {
        return Err(Failure::NobodyToAnswer);
    }
    let locked = session.state.lock(&shell.env.holder("state restore"), &HostClock, lock.patience()).await?;
    let restored = restore(&session, &locked, backup, *auto_approve).await;
    give_back(shell, locked).await;
    restored?;
    shell.output.note("the backup is the state; next: podform plan");
    Ok(exit::DONE)
}

async fn restore(
    session: &Session<'_>,
    locked: &HeldState,
    backup: Contents,
    is_approved: bool,
) -> Result<(), Failure> {
    let shell = session.shell;
    let present = session.state.contents().await?.filter(Contents::is_used);
    for line in present.as_ref().map(|present| lost(present, &backup)).unwrap_or_default() {
        shell.output.note(&line);
    }
    let now = present.as_ref().map(Contents::prior);
    let unknown = unknown_since(&session.loaded.desired, &backup.prior(), now.as_ref());
    if !unknown.is_empty() {
        shell.output.note(&words::unknown_jobs("the backup may be older than their last run", &unknown));
    }
    if !is_approved {
        shell.output.alarm("\nPut the backup in the place of the state? Only `yes` is accepted.");
        if !prompt::is_approved().await {
            return Err(Failure::Declined);
        }
    }
    let _not_interrupted = shell.signals.give();
    locked.replace(&backup.standing_as(Standing::Active).not_knowing(unknown)).await?;
    let run = session.new_run("state restore", String::new());
    locked.begin(&run).await?;
    locked.finish(&run.id, session.account.clock.now(), "a backup was restored").await?;
    Ok(())
}

/// Makes sure that the state does not lie elsewhere: there would be two that can be used.
fn ensure_lies_here(
    present: Option<Contents>,
    (backup, file): (&Contents, String),
    name: &str,
) -> Result<(), Failure> {
    match present.as_ref().map(Contents::standing) {
        Some(Standing::Moved { to }) => {
            return Err(StateError::Moved { path: name.to_owned(), to: to.clone() }.into());
        }
        Some(Standing::Incoming { from }) => {
            return Err(StateError::Incoming { path: name.to_owned(), from: from.clone() }.into());
        }
        Some(Standing::Active) | None => {}
    }
    match backup.standing() {
        // What moved here is put back here.
        Standing::Moved { to } if to != name => Err(Failure::LiesElsewhere { backup: file, to: to.clone() }),
        // What it was filled from may have been written since, and may be in use.
        Standing::Incoming { from } if from != name => {
            Err(Failure::HalfFilled { backup: file, from: from.clone() })
        }
        Standing::Moved { .. } | Standing::Incoming { .. } | Standing::Active => Ok(()),
    }
}

/// Says what the state has that the backup has not.
fn lost(present: &Contents, backup: &Contents) -> Vec<String> {
    let (now, then) = (present.prior(), backup.prior());
    let mut lines = Vec::new();
    if now.lineage != then.lineage {
        lines.push("warning: the backup is of another state, which began on its own".to_owned());
    }
    lines.push(format!("the state is at serial {}, the backup at {}", now.serial, then.serial));
    let runs: BTreeSet<_> = backup.runs().iter().map(|past| &past.run.id).collect();
    let later = present.runs().iter().filter(|past| !runs.contains(&past.run.id)).count();
    if later > 0 {
        lines.push(format!("{} of the history would be lost", words::count(later, "run")));
    }
    let listed = |what: &str, addresses: Vec<&Address>| {
        let addresses: Vec<String> = addresses.iter().map(|address| format!("`{address}`")).collect();
        (!addresses.is_empty()).then(|| format!("{what}: {}", addresses.join(", ")))
    };
    let forgotten = now.objects.keys().filter(|address| !then.objects.contains_key(address)).collect();
    let other = now
        .objects
        .iter()
        .filter(|(address, recorded)| then.objects.get(address).is_some_and(|then| then != *recorded));
    let back = then.objects.keys().filter(|address| !now.objects.contains_key(address)).collect();
    lines.extend(listed("not recorded any more", forgotten));
    lines.extend(listed("recorded as they were then", other.map(|(address, _)| address).collect()));
    lines.extend(listed("recorded again", back));
    if !now.open.is_empty() {
        let open = words::count(now.open.len(), "action");
        lines.push(format!("warning: {open} that an earlier run left open would be forgotten"));
    }
    lines
}
