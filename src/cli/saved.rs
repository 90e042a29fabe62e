//! Saved plans: reading one, and the check that nothing has moved since it was made.

use std::path::Path;

use super::failure::Failure;
use super::files::{FileError, read_at_most};
use super::load::LoadError;
use super::run::Shell;
use crate::model::plan::{Basis, Plan};
use crate::model::prior::Prior;
use crate::spec::Loaded;
use crate::state::planfile::{self, PlanFileError, PlanInputs, SavedPlan};

/// The largest plan file: a plan of a thousand pods takes about 5 MiB.
const LARGEST_PLAN: u64 = 64 * 1024 * 1024;

/// Reads a saved plan.
///
/// # Errors
/// The file cannot be read or is no plan.
pub fn read_plan(path: &Path) -> Result<SavedPlan, Failure> {
    let shown = || path.display().to_string();
    let bytes = read_at_most(path, LARGEST_PLAN)
        .map_err(|source| Failure::File(FileError { doing: "read", path: shown(), source }))?;
    let saved = match std::str::from_utf8(&bytes) {
        Ok(text) => planfile::read(text),
        Err(_) => Err(PlanFileError::NotAPlan),
    };
    saved.map_err(|source| Failure::PlanFile { path: shown(), source })
}

/// Reads the spec that a saved plan was made from, with the variables of this run.
///
/// # Errors
/// The spec is gone or has mistakes, or the variables are others.
pub fn load_spec(shell: &Shell, inputs: &PlanInputs) -> Result<Loaded, Failure> {
    let PlanInputs { spec_files, variables, profiles, .. } = inputs;
    if !shell.global.files.is_empty() || !shell.global.profiles.is_empty() {
        return Err(Failure::Flag("a saved plan names its own spec files and profiles".to_owned()));
    }
    let given = shell.global.variables.iter().map(|given| &given.name).cloned().collect();
    if *variables != given {
        let names = variables.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Failure::Flag(format!(
            "the saved plan was made with `--var` for: {names}; give the same"
        )));
    }
    let profiles: Vec<String> = profiles.iter().cloned().collect();
    shell.load_files(spec_files, &profiles).map_err(|error| match error {
        LoadError::File(error) => {
            Failure::Stale(format!("`{}` cannot be read: {}", error.path, error.source))
        }
        LoadError::Spec(diagnostics) => Failure::Spec(diagnostics),
    })
}

/// Checks that the state is the one that a plan was made from.
///
/// # Errors
/// Another run has written to it, or it is another state.
pub fn ensure_same_state(basis: &Basis, prior: &Prior) -> Result<(), Failure> {
    if basis.lineage != prior.lineage {
        return Err(Failure::Stale("it was made from another state".to_owned()));
    }
    if basis.serial != prior.serial {
        return Err(Failure::Stale("the state has changed since it was made".to_owned()));
    }
    Ok(())
}

/// Checks that planning again gives the same plan.
///
/// # Errors
/// The spec, the account or a price has changed what would be done.
pub fn ensure_same_plan(saved: &Plan, now: &Plan) -> Result<(), Failure> {
    if saved.basis.spec_digest != now.basis.spec_digest {
        return Err(Failure::Stale("the spec has changed since it was made".to_owned()));
    }
    if saved.digest != now.digest {
        return Err(Failure::Stale(format!(
            "another plan is needed now, with the digest `{}` in place of `{}`",
            now.digest, saved.digest
        )));
    }
    Ok(())
}
