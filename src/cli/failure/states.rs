//! What the errors of states and of their moves mean for a person.

use std::borrow::Cow;

use crate::cli::exit::{Exit, FAILED, INVALID, LOCKED, STALE};
use crate::state::StateError;
use crate::state::moving::MoveError;

/// Returns the exit code, and what to do about it where no command has to be spelled out.
pub(super) fn of_move(error: &MoveError) -> (Exit, &'static str) {
    match error {
        MoveError::State(error) => of_state(error),
        MoveError::Nothing(_) => (
            INVALID,
            "check `--state` and the spec: they name the place where the state lies, `--to` where it goes",
        ),
        MoveError::Occupied(_) => (INVALID, "name a place that has none with `--to`"),
        MoveError::MovedElsewhere { .. }
        | MoveError::IncomingElsewhere { .. }
        | MoveError::Gone { .. }
        | MoveError::SourceGone { .. } => (INVALID, ""),
        MoveError::Differs(_) => (FAILED, "give the move up with `--abandon`: the state lies where it was"),
        MoveError::TooLate(_) => (INVALID, "`--from-moved` undoes it, if nothing was written there since"),
        MoveError::Written { .. } => {
            (INVALID, "move the state itself back: `podform --state THERE state migrate --to HERE`")
        }
        MoveError::NotEnded(_) => {
            (INVALID, "leave `--from-moved` out to end it, or give it up with `--abandon`")
        }
        MoveError::Returning(_) => (INVALID, "the same with `--from-moved` ends that"),
        MoveError::NeverMoved(_) => (INVALID, "without `--abandon` and `--from-moved` it is moved there"),
    }
}

/// Returns what to do about a move, with the command that does it.
pub(super) fn way_on(error: &MoveError) -> Cow<'static, str> {
    let text = match error {
        MoveError::State(error) => return way_of_state(error),
        MoveError::MovedElsewhere { place, to } => {
            if_lost("begin at the place where the state lies, with `--state`", place, to)
        }
        MoveError::IncomingElsewhere { place, from } => format!(
            "`{}` ends that move, and with `--abandon` gives it up; if `{from}` is lost for good, `{}` makes this the place of the state",
            migrate(from, place, ""),
            migrate(place, from, " --abandon --lost"),
        ),
        MoveError::Gone { place, to } => format!(
            "look for it first: nothing may begin anew while it may be somewhere; if it is gone for good, `{}` goes back to what lies here, or `--abandon --lost` where `{to}` cannot be reached",
            migrate(place, to, " --abandon"),
        ),
        MoveError::SourceGone { place, from } => format!(
            "look for it first; if it is gone for good, `{}` makes what was filled the state",
            migrate(place, from, " --abandon --lost"),
        ),
        _ => of_move(error).1.to_owned(),
    };
    text.into()
}

/// Returns what to do about a state that cannot be used, with the command that does it.
pub(super) fn way_of_state(error: &StateError) -> Cow<'static, str> {
    match error {
        StateError::Moved { path, to } => format!(
            "name its new place in the spec with `state_url:` or `state_file:`, or with `--state`; if that says that it is still being filled, `{}` goes on with the move; if it is lost for good, the same with `--abandon --lost` goes back",
            migrate(path, to, ""),
        )
        .into(),
        StateError::Incoming { path, from } => format!(
            "the move has not ended: `{}` goes on with it, and with `--abandon` gives it up",
            migrate(from, path, ""),
        )
        .into(),
        _ => of_state(error).1.into(),
    }
}

/// Says what is better than a backup that a move left behind, and what is left if the other place of the move is lost.
pub(super) fn of_left_behind(backup: &str, lost: &str) -> String {
    let command = migrate(backup, lost, " --abandon --lost");
    format!(
        "take a backup there; if `{lost}` is lost for good, `{command}` makes the backup one that can be restored"
    )
}

/// Says what is better, and what is left if the other place of a move is lost.
fn if_lost(better: &str, place: &str, lost: &str) -> String {
    let command = migrate(place, lost, " --abandon --lost");
    format!("{better}; if `{lost}` is lost for good, `{command}` makes what is left here the state")
}

/// Returns the command that moves a state, as a shell takes it.
pub(super) fn migrate(from: &str, to: &str, flags: &str) -> String {
    format!("podform --state {} state migrate --to {}{flags}", of_shell(from), of_shell(to))
}

/// Returns what a shell reads as this one word.
fn of_shell(word: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}

/// Returns the exit code, and what to do about it where no command has to be spelled out.
pub(super) fn of_state(error: &StateError) -> (Exit, &'static str) {
    match error {
        StateError::Newer { .. } => (FAILED, "update podform, or give another file with `--state PATH`"),
        StateError::BoundElsewhere { .. } => (INVALID, "give the state of this project with `--state PATH`"),
        StateError::Corrupt { path, .. } | StateError::Foreign { path } if path.contains("://") => (
            FAILED,
            "restore what the store itself keeps (versions, a point in time), or name a new place with `--state` and run `podform state restore FILE` or `podform state rebuild` there; the pods go on running meanwhile",
        ),
        StateError::Foreign { .. } => (
            FAILED,
            "give the state of this project with `--state PATH`; if this was it, restore a backup, or move the file away and run `podform state rebuild`",
        ),
        StateError::Corrupt { .. } => (
            FAILED,
            "restore a backup of it, or move the file away and run `podform state rebuild`; the pods go on running meanwhile",
        ),
        StateError::ReadOnly { .. } => {
            (FAILED, "plan needs no writing; apply does, so give another file with `--state PATH`")
        }
        StateError::Locked { is_alive: true, .. } => (
            LOCKED,
            "wait for it with `--lock-timeout 5m`; if it hangs, end its process, and the lock goes with it",
        ),
        StateError::Locked { is_alive: false, .. } => (
            LOCKED,
            "`--lock-timeout 5m` waits for it, or until it has given no sign of life for as long as its lease; if that run is gone for good, `podform --state THERE unlock` removes its lock at once",
        ),
        StateError::Unknown { .. } => (
            FAILED,
            "the run ended as if it had been killed; `podform plan` shows what there is, and the next apply finds out what became of it",
        ),
        StateError::Moved { .. } | StateError::Incoming { .. } => (INVALID, ""),
        StateError::Fenced { .. } => (STALE, "look at what the other run did: `podform plan`"),
        StateError::Failed { doing: "back up to", .. } => {
            (FAILED, "`podform state backup FILE` needs a FILE that is new, in a folder that can be written")
        }
        StateError::Failed { .. } => {
            (FAILED, "`podform doctor` looks at it; another place can be given with `--state`")
        }
    }
}
