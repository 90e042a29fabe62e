//! `podform state rm`: gives objects up. Those that are there go on as they are, unmanaged, and are not taken back by their
//! marker. The account is not asked, so what is said holds for one that is gone too.

use std::collections::BTreeSet;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::flags::LockTimeout;
use crate::cli::naming;
use crate::cli::recording::{record, wait_for_others};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::address::Address;
use crate::model::prior::Recorded;
use crate::state::Store;
use crate::state::edit::give_up;

/// Give objects up: they go on as they are, unmanaged
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform state rm llm[2]")]
pub struct Args {
    /// The recorded addresses
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<Address>,
    #[command(flatten)]
    lock: LockTimeout,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { addresses, lock } = args;
    let session = Session::of_spec(shell).await?;
    wait_for_others(&session, ("state rm", lock)).await?;
    let prior = session.state.load().await?;
    let mut named = BTreeSet::new();
    for name in addresses {
        named.extend(naming::known(&session.loaded.desired, &prior, name)?);
    }
    let addresses = named;
    let mut changes = Vec::new();
    for address in &addresses {
        changes.extend(give_up(&prior, address)?);
    }
    record(&session, ("state rm", lock), &prior, changes, &format!("{} given up", addresses.len())).await?;
    for address in &addresses {
        let (told, hint) = match prior.objects.get(address) {
            Some(Recorded { id, .. }) => (
                format!("{address} {id} is not managed any more; if it is there, it goes on as it is\n"),
                "take it out of the spec too, or the next apply creates another one",
            ),
            None => (
                format!("{address}: what was known of its job is forgotten\n"),
                "take it out of the spec too, or the next apply runs it",
            ),
        };
        shell.output.data(&told);
        if session.loaded.desired.wanted.contains_key(address) {
            shell.output.note(&format!("`{address}` is still in the spec: {hint}"));
        }
    }
    Ok(exit::DONE)
}
