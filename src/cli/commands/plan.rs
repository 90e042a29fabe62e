//! `podform plan`: shows what apply would do. It writes nothing but the file of `-o`.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::files::{beginning, write_whole_with};
use crate::cli::flags::{Scope, Selection};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::show;
use crate::model::plan::{Planned, Subject};
use crate::render::Format;
use crate::render::view::subjects;
use crate::state::planfile::{self, PlanInputs, SavedPlan};
use crate::state::whole::Readers;

/// Show what apply would do
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform plan -f examples/quickstart.yaml --detailed-exitcode")]
pub struct Args {
    /// Save the plan, for `apply PLANFILE`
    #[arg(short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How to print the plan
    #[arg(long, default_value = "human")]
    format: Format,
    /// Exit with 2 if the plan has changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// Plan to terminate and delete everything that is managed
    #[arg(long)]
    destroy: bool,
    #[command(flatten)]
    scope: Scope,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { output, format, detailed_exitcode, destroy, scope } = args;
    if let Some(path) = output {
        ensure_replaceable(path)?;
    }
    let mut session = Session::of_spec(shell).await?;
    if !*destroy {
        session.read_templates().await;
    }
    // Never freed, as the process ends with it.
    let planned =
        ManuallyDrop::new(session.plan_only(&scope.options(*destroy, &shell.global.profiles)).await?);
    show::plan(&shell.output, &planned, *format, &|subject| session.position(subject));
    let exit = match &*planned {
        Planned::Blocked { .. } => exit::BLOCKED,
        Planned::Changes(_) if *detailed_exitcode => exit::CHANGES,
        Planned::Changes(_) | Planned::NoChanges(_) => exit::DONE,
    };
    if let Some(path) = output {
        let place = |subject: Subject| session.position(&subject).map(|place| (subject, place));
        let positions = subjects(&planned).into_iter().filter_map(place).collect();
        let planned = ManuallyDrop::into_inner(planned);
        let saved = SavedPlan { planned, inputs: inputs(shell, scope, *destroy), positions };
        write_whole_with(path, Readers::Owner, |file| planfile::write(file, &saved))?;
        shell.output.note(&format!("saved as `{}`", path.display()));
    }
    Ok(exit)
}

/// Makes sure that nothing is lost in the place where the plan goes: a spec, a state, whatever it is. A link is taken the
/// place of, and what it leads to stays.
fn ensure_replaceable(path: &Path) -> Result<(), Failure> {
    let Some(beginning) = beginning(path)? else { return Ok(()) };
    if planfile::may_be_replaced(&beginning) {
        return Ok(());
    }
    Err(Failure::NoPlanThere { path: path.display().to_string() })
}

/// Returns what a saved plan must remember, so that it can be checked.
fn inputs(shell: &Shell, scope: &Scope, destroy: bool) -> PlanInputs {
    let Scope { selection: Selection { target, exclude }, replace, rotate, accept_vanished, unprotect } =
        scope;
    PlanInputs {
        spec_files: shell.spec_files(),
        variables: shell.global.variables.iter().map(|given| given.name.clone()).collect(),
        profiles: shell.global.profiles.iter().cloned().collect(),
        targets: target.clone(),
        excludes: exclude.clone(),
        replaces: replace.iter().map(ToString::to_string).collect(),
        rotates: rotate.iter().map(ToString::to_string).collect(),
        unprotects: unprotect.iter().map(ToString::to_string).collect(),
        destroy,
        accept_vanished: *accept_vanished,
    }
}
