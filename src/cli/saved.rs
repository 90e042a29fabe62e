//! Saved plans: reading one, and the check that nothing has moved since it was made.

use std::path::Path;

use super::failure::Failure;
use super::files::{FileError, STANDARD_INPUT_NAME, read_at_most};
use super::flags::patterns;
use super::load::LoadError;
use super::shell::Shell;
use super::tolerance::PriceTolerance;
use crate::model::address::{Address, AddressError};
use crate::model::clock::Timestamp;
use crate::model::id::{ProjectName, RunNonce};
use crate::model::plan::{Action, ActionId, Attempt, Basis, Endpoint, Operation, Plan, Planned};
use crate::model::prior::Prior;
use crate::plan::{self, Options, SinceEnd};
use crate::render::money::AMonth;
use crate::spec::Loaded;
use crate::state::PastRun;
use crate::state::planfile::{self, PlanFileError, PlanInputs, SavedPlan};

/// Returns the address that was typed in the place of a saved plan. A file that is there goes before an address.
pub fn address_of(path: &Path) -> Option<Address> {
    let address = path.to_str()?.parse().ok()?;
    (!path.try_exists().unwrap_or(true)).then_some(address)
}

/// Reads a saved plan.
pub fn read_plan(path: &Path) -> Result<SavedPlan, Failure> {
    let shown = || path.display().to_string();
    let bytes = read_at_most(path, planfile::LARGEST as u64).map_err(|source| FileError {
        doing: "read",
        path: shown(),
        source,
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Unreadable::File(PlanFileError::NotAPlan));
    text.and_then(read_text).map_err(|unreadable| match unreadable {
        Unreadable::File(source) => Failure::PlanFile { path: shown(), source },
        Unreadable::Unsound(what) => Failure::UnsoundPlan { path: shown(), what },
    })
}

/// Why a text is no saved plan that is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is none, or not as it was written.
    File(PlanFileError),
    /// It contradicts itself; says how.
    Unsound(String),
}

/// Reads the text of a saved plan, for everything that shows or compares one.
pub fn read_text(text: &str) -> Result<SavedPlan, Unreadable> {
    let saved = planfile::read(text).map_err(Unreadable::File)?;
    ensure_sound(&saved.planned).map_err(Unreadable::Unsound)?;
    Ok(saved)
}

/// Makes sure that a plan has the digest that it says, and hangs together. Its content may have been edited and summed
/// again, and what is shown must at least be what its digest stands for.
fn ensure_sound(planned: &Planned) -> Result<(), String> {
    let plan = planned.plan();
    let found = plan::digest(plan);
    if found != plan.digest {
        return Err(format!("it says that its digest is `{}`, and what it plans has `{found}`", plan.digest));
    }
    // A blocked plan may be blocked because it does not hang together.
    let violation = plan::check(plan).into_iter().next().filter(|_| !planned.is_blocked());
    violation.map_or(Ok(()), |violation| Err(violation.to_string()))
}

/// Reads the spec that a saved plan was made from, with the variables of this run.
///
/// # Errors
/// The spec is gone or has mistakes, or the variables are others. Which mistakes is not said: telling them quotes
/// lines, and the paths stand in a file that anybody may have written.
pub fn load_spec(shell: &Shell, inputs: &PlanInputs) -> Result<Loaded, Failure> {
    let PlanInputs { spec_files, variables, profiles, .. } = inputs;
    if !shell.global.files.is_empty() || !shell.global.profiles.is_empty() {
        return Err(Failure::PlanNamesItsSpec);
    }
    let given = shell.global.variables.iter().map(|given| &given.name).cloned().collect();
    if *variables != given {
        return Err(Failure::OtherVariables { names: variables.clone() });
    }
    let profiles: Vec<String> = profiles.iter().cloned().collect();
    shell.load_files(spec_files, &profiles).map_err(|error| {
        let reasons = match error {
            LoadError::File(FileError { path, source, .. }) if path == STANDARD_INPUT_NAME => {
                format!("its spec came from standard input ({source}); pipe the same one into this command")
            }
            LoadError::File(FileError { path, source, .. }) => format!("`{path}` cannot be read: {source}"),
            LoadError::Spec(_) => {
                "its spec is not valid any more; `podform validate` tells the mistakes".to_owned()
            }
        };
        Failure::StalePlan { reasons }
    })
}

/// Returns the planner's options that a saved plan was made with.
pub fn options_of(inputs: &PlanInputs) -> Result<Options, AddressError> {
    let PlanInputs {
        spec_files: _,
        variables: _,
        profiles,
        targets,
        excludes,
        replaces,
        rotates,
        unprotects,
        ..
    } = inputs;
    Ok(Options {
        targets: patterns(targets),
        excludes: patterns(excludes),
        replace: replaces.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
        rotate: rotates.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
        destroy: inputs.destroy,
        whatever_profile: profiles.is_empty(),
        accept_vanished: inputs.accept_vanished,
        unprotect: unprotects.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
        ..Options::default()
    })
}

/// Makes sure that a saved plan is for the project and the account that the spec names at this moment, before anything is
/// asked there: where a file comes from is not known, and the key is sent with each question.
pub fn ensure_same_account(saved: &Basis, project: &ProjectName, endpoint: &Endpoint) -> Result<(), Failure> {
    let place = |endpoint: &Endpoint| match endpoint {
        Endpoint::Runpod(origin) => format!("RunPod at `{origin}`"),
        Endpoint::Simulator => "the simulator".to_owned(),
    };
    let mut reasons = Vec::new();
    if saved.project != *project {
        reasons.push(format!(
            "it was made for project `{}`, and its spec is that of `{project}`",
            saved.project
        ));
    }
    if saved.endpoint != *endpoint {
        let (then, now) = (place(&saved.endpoint), place(endpoint));
        reasons.push(format!("it was made for {then}, and its spec is for {now}"));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Failure::StalePlan { reasons: reasons.join("; ") }) }
}

/// Makes sure that no run has begun to execute this plan, or another one whose tokens are the same. One that ended
/// half-way is no exception: what it did is in the state, and what is left is another plan.
pub fn ensure_unused(runs: &[PastRun], nonce: &RunNonce) -> Result<(), Failure> {
    match runs.iter().find(|past| past.run.nonce.as_ref() == Some(nonce)) {
        Some(past) => Err(Failure::UsedPlan { at: past.run.at, by: past.run.who.clone() }),
        None => Ok(()),
    }
}

/// Returns the commit that was applied last, as the state has it.
pub fn last_commit(runs: &[PastRun]) -> Option<&str> {
    let approved = runs.iter().rev().filter_map(|past| past.run.approved.as_ref());
    approved.filter_map(|approved| approved.source.commit.as_deref()).next()
}

/// What has moved since a plan was saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// In words; at least one.
    pub reasons: Vec<String>,
    /// The plan of now.
    pub now: Planned,
}

/// Returns the plan to execute for a saved one: the plan of now, and never the other, if both are the same. A job that the
/// saved one waits for may have ended since.
pub fn agreed(
    saved: &Planned,
    now: Planned,
    prior: &Prior,
    tolerance: PriceTolerance,
) -> Result<Planned, Box<Moved>> {
    let reasons = moved(saved, &now, prior, tolerance);
    if reasons.is_empty() {
        return Ok(now);
    }
    match plan::since_end(saved.plan(), now.plan()).filter(|_| !saved.is_blocked() && !now.is_blocked()) {
        Some(since) if is_left(&since, prior, tolerance) => Ok(Planned::Changes(since.to_execute)),
        Some(_) | None => Err(Box::new(Moved { reasons, now })),
    }
}

/// Tells whether a saved plan is what is planned now, but for its waits for jobs that have ended since.
fn is_left(since: &SinceEnd, prior: &Prior, tolerance: PriceTolerance) -> bool {
    let [saved, now] = [&since.saved, &since.now].map(|plan| Planned::Changes(plan.clone()));
    moved(&saved, &now, prior, tolerance).is_empty()
}

/// Says in how far a saved plan is no longer what would be done; nothing if it still is.
///
/// The spec must be the one that the plan was made from even where that changes nothing in the plan, and the state
/// another version of the same one: what was approved was a plan for them. A plan that may not run now may not run
/// because it once might have.
fn moved(saved: &Planned, now: &Planned, prior: &Prior, tolerance: PriceTolerance) -> Vec<String> {
    let (before, after) = (saved.plan(), now.plan());
    let (old, new) = (&before.digest, &after.digest);
    let mut reasons = Vec::new();
    let mut add = |holds: bool, reason: &str| {
        if holds {
            reasons.push(reason.to_owned());
        }
    };
    let spec = match before.templates.is_empty() {
        true => "the spec has changed since it was made",
        false => "the spec or a template that it names has changed since it was made",
    };
    add(before.basis.spec_digest != after.basis.spec_digest, spec);
    add(before.basis.lineage != prior.lineage, "it was made from another state");
    add(old.hash != new.hash, "another plan is needed now");
    for address in set_since(before, after) {
        add(true, &format!("the value of `{address}` has been set since it was made"));
    }
    for id in disguised(before, after) {
        add(true, &format!("what it shows of `{id}` is as now, and what it would do is not"));
    }
    add(now.is_blocked() && !saved.is_blocked(), "it is blocked now");
    add(saved.is_blocked() && !now.is_blocked(), "it was blocked when it was made");
    if old.hash == new.hash && !tolerance.admits(old.monthly, new.monthly) {
        reasons.push(format!(
            "prices have moved: what it changes costs at most {} a month in place of {}",
            AMonth(new.monthly),
            AMonth(old.monthly)
        ));
    }
    reasons
}

/// Returns the secrets whose value would go without anybody having seen that it is there.
fn set_since<'a>(saved: &'a Plan, now: &Plan) -> impl Iterator<Item = &'a Address> {
    let both = saved.actions.iter().filter_map(|(id, then)| Some((id, then, now.actions.get(id)?)));
    both.filter(|(_, then, now)| set_at(&then.operation) != set_at(&now.operation))
        .map(|(id, _, _)| &id.address)
}

/// Returns when the value was last set that an operation puts another in the place of.
fn set_at(operation: &Operation) -> Option<Timestamp> {
    if let Operation::SetSecret { id: _, value: _, set_at } = operation { *set_at } else { None }
}

/// Returns the actions that look as they do now and do something else, of which no difference is printed: seldom, such as
/// for a variable that others added and that is carried over, or in a file that somebody edited.
fn disguised<'a>(saved: &'a Plan, now: &Plan) -> impl Iterator<Item = &'a ActionId> {
    let both = saved.actions.iter().filter_map(|(id, then)| Some((id, then, now.actions.get(id)?)));
    both.filter(|(_, then, now)| looks(then) == looks(now) && !plan::is_same(then, now)).map(|(id, _, _)| id)
}

/// Returns what is printed of an action but for its cost.
fn looks(action: &Action) -> impl PartialEq + use<'_> {
    let Action { operation, reason, changes, consequences, cost: _, record: _, ready } = action;
    let places: Vec<_> = operation
        .attempts()
        .iter()
        .map(|Attempt { candidate, .. }| {
            (&candidate.placement.compute, candidate.placement.cloud, &candidate.placement.data_centers)
        })
        .collect();
    (reason, changes, consequences, places, set_at(operation), ready)
}
