//! How failures are told: the error, its causes, what to do next, and the exit code. All in one place, so that the
//! modules below need not know who reads them.

use std::error::Error;
use std::io;

use super::exit::{self, Exit};
use super::failure::Failure;
use super::files::FileError;
use super::output::Output;
use super::secrets::SecretError;
use crate::model::clock::{Age, SignedDuration};
use crate::provider::{Certainty, ProviderError, Rejection};
use crate::spec::Form;
use crate::state::StateError;

/// Prints a failure to standard error and returns its exit code.
pub fn print(output: &Output, failure: &Failure) -> Exit {
    if let Failure::Spec(diagnostics) = failure {
        let form = if output.is_colored() { Form::Coloured } else { Form::Plain };
        output.alarm(diagnostics.render(form).trim_end());
    } else {
        output.alarm(&text_of(failure));
    }
    exit_of(failure)
}

/// Returns the error, its causes and its hint, a line each.
pub(super) fn text_of(failure: &Failure) -> String {
    let mut lines = vec![format!("error: {failure}")];
    lines.extend(causes_and_hint(failure));
    lines.join("\n")
}

/// Returns what stands below an error: its causes and its hint, one each.
pub fn causes_and_hint(failure: &Failure) -> Vec<String> {
    let causes = std::iter::successors(failure.source(), |error: &&(dyn Error + '_)| (*error).source());
    let mut lines: Vec<String> = causes.map(|error| format!("  because {error}")).collect();
    lines.extend(hint_of(failure).map(|hint| format!("hint: {hint}")));
    lines
}

/// Returns the error with its causes, and its hint, each in one line.
pub fn line_of(failure: &Failure) -> (String, Option<String>) {
    if let Failure::Spec(_) = failure {
        let next = "`podform validate` tells the mistakes; `podform init` writes a spec where there is none";
        return (failure.to_string(), Some(next.to_owned()));
    }
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    (text, hint_of(failure))
}

/// Returns the exit code of a failure.
pub fn exit_of(failure: &Failure) -> Exit {
    match failure {
        Failure::Spec(_)
        | Failure::File(_)
        | Failure::Directory { .. }
        | Failure::Flag(_)
        | Failure::Secret(_)
        | Failure::MissingSecrets(_)
        | Failure::ByHand { .. }
        | Failure::PlanFile { .. }
        | Failure::UnsoundPlan { .. }
        | Failure::NoCommit { .. }
        | Failure::StateOutside(_)
        | Failure::NobodyToAsk { .. } => exit::INVALID,
        Failure::Unknown { .. } | Failure::Deselected { .. } | Failure::LeftOut { .. } => exit::INVALID,
        Failure::NotRecorded { .. } | Failure::NoPod { .. } | Failure::NoLogs(_) => exit::INVALID,
        Failure::PodGone { .. } | Failure::NoWayIn { .. } => exit::FAILED,
        Failure::NoKey | Failure::Setup(_) | Failure::Provider(_) => exit::API,
        Failure::State(error) => exit_of_state(error),
        Failure::Simulator(_)
        | Failure::Declined
        | Failure::Signals(_)
        | Failure::System { .. }
        | Failure::Bug => exit::FAILED,
        Failure::OtherDigest { .. }
        | Failure::OtherPrice { .. }
        | Failure::Stale(_)
        | Failure::UsedPlan { .. }
        | Failure::EarlierCommit { .. }
        | Failure::UnknownCommit { .. } => exit::STALE,
        Failure::Interrupted => exit::INTERRUPTED,
    }
}

fn exit_of_state(error: &StateError) -> Exit {
    match error {
        StateError::Locked { .. } | StateError::Fenced { .. } => exit::LOCKED,
        StateError::BoundElsewhere { .. } => exit::INVALID,
        StateError::Newer { .. }
        | StateError::Foreign { .. }
        | StateError::Corrupt { .. }
        | StateError::ReadOnly { .. }
        | StateError::Failed { .. } => exit::FAILED,
    }
}

/// Returns what to do about a failure, where there is something to say that the error does not.
fn hint_of(failure: &Failure) -> Option<String> {
    let hint = match failure {
        Failure::MissingSecrets(_) => "plan works without them; set them for apply",
        Failure::NoKey => {
            "export a key from RunPod's settings, or add `-f examples/on-simulator.yaml` to try without an account"
        }
        Failure::Setup(_) => "`RUNPOD_API_BASE_URL` is an origin such as `https://api.runpod.io`",
        Failure::Provider(source) => return hint_of_provider(source),
        Failure::State(error) => return hint_of_state(error),
        Failure::StateOutside(_) => {
            "`--state PATH` and `PODFORM_STATE` may name any file; a spec names one below its own folder"
        }
        Failure::NobodyToAsk { .. } => {
            "give `--auto-approve`, `--approved DIGEST` with the digest of a plan that you have read, or a saved plan"
        }
        Failure::OtherDigest { .. } => "read the plan again and approve the digest that it ends with",
        Failure::OtherPrice { .. } => {
            "read the plan again; `--price-tolerance 5%` lets a small move of the cost pass"
        }
        Failure::UsedPlan { .. } => {
            "a saved plan runs once, even if it did not come to its end; plan again and read what is left"
        }
        Failure::NoCommit { .. } => "`GITHUB_SHA` or `CI_COMMIT_SHA` holds the full id of a commit",
        Failure::EarlierCommit { .. } => {
            "what was approved for an older commit may undo what came later; `--accept-commit` applies it all the same, once"
        }
        Failure::UnknownCommit { .. } => {
            "check out the whole history, with `fetch-depth: 0` on GitHub; `--accept-commit` goes on without knowing, once"
        }
        Failure::Stale(_) => "plan again and read what has changed",
        Failure::Declined => "only `yes` approves",
        Failure::Bug => {
            "please report what stands above; whatever was sent is in the journal, and the next `podform apply` goes on from there"
        }
        Failure::ByHand { verb, address } => {
            return Some(format!(
                "write `state: {verb}` under `pods.{}` in the spec, then run `podform apply`",
                address.split('[').next().unwrap_or(address)
            ));
        }
        Failure::Unknown { flag: _, name: _, near: Some(near), known: _ } => {
            return Some(format!("did you mean `{near}`?"));
        }
        Failure::Unknown { flag: _, name: _, near: None, known } if known.is_empty() => {
            "neither the spec nor the state has any address"
        }
        Failure::Unknown { flag: _, name: _, near: None, known } => {
            return Some(format!("there is {known}"));
        }
        Failure::Deselected { profiles, .. } => {
            let flags: Vec<String> =
                profiles.iter().map(|profile| format!("`--profile {profile}`")).collect();
            return Some(format!("add {}", flags.join(" or ")));
        }
        Failure::LeftOut { address, dependency, pattern: _ } => {
            return Some(format!("leave `{address}` out as well, or make `{dependency}` first"));
        }
        Failure::NotRecorded { address: _, replicas } if !replicas.is_empty() => {
            return Some(format!("name one of its pods: {}", replicas.join(", ")));
        }
        Failure::NotRecorded { .. } => {
            "`podform state list` shows what is recorded; `podform apply` creates what is only in the spec"
        }
        Failure::NoPod { .. } => "`podform status` lists the pods of the project",
        Failure::PodGone { .. } => "`podform plan` shows what to do about it",
        Failure::NoLogs(_) => {
            "remove `provider.api` from the spec, or lay a file with `provider: { api: v2 }` on it with another `-f`"
        }
        Failure::NoWayIn { address: _, why: _, hint } => hint,
        Failure::File(FileError { doing: _, path: _, source }) => hint_of_io(source),
        Failure::Directory { .. } => {
            "check the path after `-C`; `podform init DIR` makes a folder with a spec"
        }
        // Most of them say themselves what to run.
        Failure::Flag(text) if text.contains("`podform ") => return None,
        Failure::Flag(_) => "`podform COMMAND --help` shows what the command takes, with an example",
        Failure::Secret(error) => match error {
            SecretError::OfOthers { .. } => "give the pod a value of its own, in a variable of another name",
            SecretError::OfGit { .. } => "copy the value to a file of its own, such as one below `.secrets/`",
            SecretError::Outside { .. } => "move the file below the folder of the spec, or use `env:`",
            SecretError::Unreadable { source, .. } => hint_of_io(source),
        },
        Failure::Simulator(_) => {
            "`podform simulate --store FILE` serves a world of its own; without `state/simulator.db` a new one begins"
        }
        Failure::Interrupted => "`podform plan` shows what is to be done",
        Failure::PlanFile { .. } | Failure::UnsoundPlan { .. } => {
            "make another plan with `podform plan -o FILE`"
        }
        Failure::System { doing: "run `ssh`", source: _ } => "install OpenSSH, or copy what `--print` prints",
        Failure::Signals(_) | Failure::System { .. } => "`podform doctor` tells what can be used here",
        // Mistakes of a spec are told with their places, and each with its own help.
        Failure::Spec(_) => return None,
    };
    Some(hint.to_owned())
}

/// Returns what to do about what the system refused.
fn hint_of_io(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            "give another name, or move away what is there: nothing is overwritten"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "give a path that this user may use"
        }
        io::ErrorKind::StorageFull => "make room on the disk",
        _ => "check the path, which begins at the folder of `-C`",
    }
}

fn hint_of_provider(error: &ProviderError) -> Option<String> {
    let hint = match &error.certainty {
        Certainty::Rejected(Rejection::KeyRefused) => "check `RUNPOD_API_KEY`: RunPod does not know this key",
        Certainty::Rejected(Rejection::Forbidden) => {
            "the key needs the permission to read and write pods, and a firewall must let this machine through"
        }
        Certainty::Rejected(Rejection::Gone) => {
            "this API is retired; remove `provider.api` from the spec to use REST v2"
        }
        Certainty::Rejected(Rejection::NoFunds) => "add funds to the account in RunPod's console",
        Certainty::Rejected(
            Rejection::NoCapacity | Rejection::NotFound | Rejection::Conflict | Rejection::Invalid,
        ) => "`podform doctor` tells what can be used; `podform plan` looks again",
        Certainty::Throttled { retry_after: Some(wait) } if wait.as_secs() > 60 => {
            return Some(format!(
                "try again in {}",
                Age(SignedDuration::try_from(*wait).unwrap_or_default())
            ));
        }
        Certainty::Throttled { .. } => "the API's quota is used up; try again in a minute",
        Certainty::NotDone => "check the network, and `RUNPOD_API_BASE_URL` if it is set",
        Certainty::Unknown => "nothing was changed; try again",
    };
    Some(hint.to_owned())
}

fn hint_of_state(error: &StateError) -> Option<String> {
    let hint = match error {
        StateError::Newer { .. } => "update podform, or give another file with `--state PATH`",
        StateError::Foreign { .. } => {
            "give the state of this project with `--state PATH`; if this was it, restore a backup, or move the file away and run `podform state rebuild`"
        }
        StateError::BoundElsewhere { .. } => "give the state of this project with `--state PATH`",
        StateError::Corrupt { .. } => {
            "restore a backup of it, or move the file away and run `podform state rebuild`; the pods go on running meanwhile"
        }
        StateError::ReadOnly { .. } => {
            "plan needs no writing; apply does, so give another file with `--state PATH`"
        }
        StateError::Locked { path: _, holder: _, is_alive: true } => {
            "wait for it with `--lock-timeout 5m`; if it hangs, end its process, and the lock goes with it"
        }
        StateError::Locked { path: _, holder: _, is_alive: false } => {
            "wait for it with `--lock-timeout 5m`; if that run is gone for good, run `podform unlock`"
        }
        StateError::Fenced { .. } => "look at what the other run did: `podform plan`",
        StateError::Failed { doing: "back up", .. } => {
            "`podform state backup FILE` needs a state, and a FILE that is new"
        }
        StateError::Failed { .. } => {
            "`podform doctor` looks at it; another file can be given with `--state PATH`"
        }
    };
    Some(hint.to_owned())
}
