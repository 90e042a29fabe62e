//! `podform drift`: what others changed since the last apply. What it looks with cannot write.

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::plan::{Held, Plan};
use crate::plan::Options;
use crate::render::human::write_drift;

/// Show what others changed since the last apply; writes nothing
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform drift --detailed-exitcode")]
pub struct Args {
    /// Exit with 2 if there is drift
    #[arg(long)]
    detailed_exitcode: bool,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let mut session = Session::of_spec(shell).await?;
    session.read_templates().await;
    let planned = session.plan_only(&Options::to_look()).await?;
    let mut text = String::new();
    write_drift(&mut text, &planned, shell.output.style()).expect("a string takes every text");
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    if planned.is_without_a_plan() {
        shell.output.data(&text);
        return Ok(exit::BLOCKED);
    }
    let Plan { drift, held, .. } = planned.plan();
    let all_looked_at = !held.values().any(is_unseen);
    match (drift.is_empty(), all_looked_at) {
        (true, true) => text.push_str("No drift.\n"),
        (true, false) => text.push_str("No drift in what could be looked at.\n"),
        (false, _) => {}
    }
    shell.output.data(&text);
    Ok(match (drift.is_empty(), all_looked_at) {
        (false, _) if args.detailed_exitcode => exit::CHANGES,
        (true, false) => exit::BLOCKED,
        (false, _) | (true, true) => exit::DONE,
    })
}

/// Tells whether an address is held because it was not seen as it is; one that waits for something else was.
fn is_unseen(held: &Held) -> bool {
    match held {
        Held::NoCatalog { .. }
        | Held::NoTemplate { .. }
        | Held::InProgress
        | Held::Job { .. }
        | Held::Migrating { .. } => false,
        Held::Unreadable(_)
        | Held::Unsettled { .. }
        | Held::DependsOn(_)
        | Held::Duplicate { .. }
        | Held::Marked { .. }
        | Held::Copied { .. }
        | Held::OtherProject { .. }
        | Held::RecordedOther { .. }
        | Held::RecordedElsewhere { .. }
        | Held::Rebuilt { .. }
        | Held::MayBeRenamed { .. }
        | Held::Unplaced { .. }
        | Held::NoSecret { .. }
        | Held::NotPossible(_) => true,
    }
}
