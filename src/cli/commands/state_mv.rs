//! `podform state mv`: gives recorded objects another address. `moved:` in the spec does the same for everybody.

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::flags::LockTimeout;
use crate::cli::naming;
use crate::cli::recording::{record, wait_for_others};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::address::Address;
use crate::state::RecordChange;
use crate::state::Store;
use crate::state::edit::rename;

/// Give recorded objects another address; `moved:` in the spec does it for everybody
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform state mv data-prep prep")]
pub struct Args {
    /// The recorded address; without a number it stands for all replicas
    #[arg(value_name = "FROM")]
    from: Address,
    /// The address that it gets
    #[arg(value_name = "TO")]
    to: Address,
    #[command(flatten)]
    lock: LockTimeout,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { from, to, lock } = args;
    let session = Session::of_spec(shell).await?;
    wait_for_others(&session, ("state mv", lock)).await?;
    let prior = session.state.load().await?;
    naming::known(&session.loaded.desired, &prior, from)?;
    let changes = rename(&prior, from, to)?;
    let told: String = changes
        .iter()
        .filter_map(|change| {
            let RecordChange::Rename { from, to } = change else { return None };
            Some(format!("{from} -> {to}\n"))
        })
        .collect();
    record(&session, ("state mv", lock), &prior, changes, &format!("{from} is {to}")).await?;
    shell.output.data(&told);
    let next = if from.key() == to.key() {
        "next: run `podform plan`".to_owned()
    } else {
        let (from, to) = (from.key(), to.key());
        format!("next: rename `{from}` to `{to}` in the spec, then run `podform plan`")
    };
    shell.output.note(&next);
    Ok(exit::DONE)
}
