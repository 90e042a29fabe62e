//! What to do with an address, by whether it is wanted, recorded and live: one table without a wildcard.

use crate::model::plan::{Held, Reason};
use crate::model::pod::RunState;
use crate::model::prior::Recorded;

/// An address as the record and the account show it together. `T` is the live object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sighting<'a, T> {
    /// Recorded, and live under the recorded id.
    Kept { recorded: &'a Recorded, object: &'a T },
    /// Recorded and gone, but a live object carries its token under another id.
    Migrated { recorded: &'a Recorded, object: &'a T },
    /// Recorded and live, and so is what an unfinished replacement created.
    Superseded { recorded: &'a Recorded, object: &'a T, successor: &'a T },
    /// Recorded and gone.
    Gone { recorded: &'a Recorded },
    /// Not recorded, but live with a token of our journal.
    Journal { object: &'a T },
    /// Not recorded, but live under the id that `adopt:` names.
    Named { object: &'a T },
    /// Neither recorded nor live.
    Never,
    /// It is not known.
    Hidden(Held),
}

/// What is to be done at an address.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Case<'a, T> {
    /// Compare with what is wanted.
    Compare { recorded: &'a Recorded, object: &'a T },
    /// Take a live object over, then compare. What was recorded before, if it still exists, is to go.
    Adopt { recorded: Option<&'a Recorded>, object: &'a T, deposed: Option<&'a T>, reason: Reason },
    /// Create.
    Create,
    /// Create again what vanished.
    CreateAgain { recorded: &'a Recorded },
    /// Nothing: it is created when it is first wanted running.
    NotYet,
    /// Drop the record of what vanished.
    Forget { recorded: &'a Recorded },
    /// Remove as `on_remove` says. A successor that an unfinished replacement made goes with it.
    Remove { recorded: &'a Recorded, object: &'a T, successor: Option<&'a T> },
    /// Remove what an earlier run created and nothing records.
    RemoveOrphan { object: &'a T },
    /// Nothing to do and nothing there.
    Nothing,
    /// Leave it alone.
    Hold(Held),
}

/// Decides what is to be done. `wanted` is `None` for an address that is not in the spec.
pub(super) fn case<'a, T>(wanted: Option<RunState>, sighting: Sighting<'a, T>) -> Case<'a, T> {
    use RunState::{Running, Stopped};
    match (wanted, sighting) {
        (None | Some(Running | Stopped), Sighting::Hidden(held)) => Case::Hold(held),

        (Some(Running | Stopped), Sighting::Kept { recorded, object }) => Case::Compare { recorded, object },
        (Some(Running | Stopped), Sighting::Migrated { recorded, object }) => {
            Case::Adopt { recorded: Some(recorded), object, deposed: None, reason: Reason::Migrated }
        }
        (Some(Running | Stopped), Sighting::Superseded { recorded, object, successor }) => Case::Adopt {
            recorded: Some(recorded),
            object: successor,
            deposed: Some(object),
            reason: Reason::FoundInJournal,
        },
        (Some(Running | Stopped), Sighting::Journal { object }) => {
            Case::Adopt { recorded: None, object, deposed: None, reason: Reason::FoundInJournal }
        }
        (Some(Running | Stopped), Sighting::Named { object }) => {
            Case::Adopt { recorded: None, object, deposed: None, reason: Reason::AdoptNamed }
        }

        (Some(Running), Sighting::Gone { recorded }) => Case::CreateAgain { recorded },
        (Some(Stopped) | None, Sighting::Gone { recorded }) => Case::Forget { recorded },
        (Some(Running), Sighting::Never) => Case::Create,
        (Some(Stopped), Sighting::Never) => Case::NotYet,

        (None, Sighting::Kept { recorded, object } | Sighting::Migrated { recorded, object }) => {
            Case::Remove { recorded, object, successor: None }
        }
        (None, Sighting::Superseded { recorded, object, successor }) => {
            Case::Remove { recorded, object, successor: Some(successor) }
        }
        (None, Sighting::Journal { object }) => Case::RemoveOrphan { object },
        (None, Sighting::Named { object: _ } | Sighting::Never) => Case::Nothing,
    }
}
