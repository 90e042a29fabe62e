//! What to do with an address, by whether it is wanted, recorded and live: one table without a wildcard.

use crate::model::plan::{Held, Reason};
use crate::model::pod::RunState;
use crate::model::prior::{Record, Recorded};

/// An address as the record and the account show it together. `T` is the live object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sighting<'a, T> {
    /// Recorded, and live under the recorded id.
    Kept { recorded: &'a Recorded, object: &'a T },
    /// Recorded and gone, but a live object takes its place under another id.
    Migrated { recorded: &'a Recorded, object: &'a T, by: Successor },
    /// Recorded and live, and so is what an unfinished replacement created.
    Superseded { recorded: &'a Recorded, object: &'a T, successor: &'a T, asked: &'a Record },
    /// Recorded and gone.
    Gone { recorded: &'a Recorded },
    /// Not recorded, but live with a token of our journal, which also says what its record was to be.
    Journal { object: &'a T, asked: &'a Record },
    /// Not recorded, but live under the id that `adopt:` names.
    Named { object: &'a T },
    /// Neither recorded nor live.
    Never,
    /// It is not known.
    Hidden(Held),
}

/// How it is known that an object takes the place of the recorded one that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Successor {
    /// It alone carries its token and equals it, as RunPod leaves a pod that it moved.
    Moved,
    /// `adopt:` names it.
    Named,
    /// A create of ours made it of which no end is known.
    Made,
}

impl Successor {
    /// Returns why it is taken over.
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Moved => Reason::Migrated,
            Self::Named => Reason::AdoptNamed,
            Self::Made => Reason::FoundInJournal,
        }
    }
}

/// What is to be done at an address.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Case<'a, T> {
    /// Compare with what is wanted.
    Compare {
        recorded: &'a Recorded,
        object: &'a T,
    },
    /// Take a live object over, then compare. A pod that it replaced and that still exists is to go.
    Adopt {
        object: &'a T,
        known: Known<'a>,
        deposed: Option<&'a T>,
    },
    Create,
    /// Create again what vanished.
    CreateAgain {
        recorded: &'a Recorded,
    },
    /// Nothing: it is created when it is first wanted running.
    NotYet,
    /// Drop the record of what vanished.
    Forget {
        recorded: &'a Recorded,
    },
    /// Remove as `on_remove` says. A successor that an unfinished replacement made goes with it.
    Remove {
        recorded: &'a Recorded,
        object: &'a T,
        by: Option<Successor>,
        successor: Option<&'a T>,
    },
    /// Remove what an earlier run created and nothing records.
    RemoveOrphan {
        object: &'a T,
        asked: &'a Record,
    },
    /// Nothing to do and nothing there.
    Nothing,
    /// Leave it alone.
    Hold(Held),
}

/// What is known of an object that is taken over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Known<'a> {
    /// It takes the place of the recorded one under another id.
    Migrated(&'a Recorded, Successor),
    /// What its create was to record.
    Asked(&'a Record),
    /// `adopt:` names it, and nothing more is known.
    Nothing,
}

impl Known<'_> {
    /// Returns why it is taken over.
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Migrated(_, by) => by.reason(),
            Self::Asked(_) => Reason::FoundInJournal,
            Self::Nothing => Reason::AdoptNamed,
        }
    }
}

/// Decides what is to be done. `wanted` is `None` for an address that is not in the spec.
pub(super) fn case<'a, T>(wanted: Option<RunState>, sighting: Sighting<'a, T>) -> Case<'a, T> {
    use RunState::{Running, Stopped};
    match (wanted, sighting) {
        (None | Some(Running | Stopped), Sighting::Hidden(held)) => Case::Hold(held),

        (Some(Running | Stopped), Sighting::Kept { recorded, object }) => Case::Compare { recorded, object },
        (Some(Running | Stopped), Sighting::Migrated { recorded, object, by }) => {
            Case::Adopt { object, known: Known::Migrated(recorded, by), deposed: None }
        }
        (Some(Running | Stopped), Sighting::Superseded { recorded: _, object, successor, asked }) => {
            Case::Adopt { object: successor, known: Known::Asked(asked), deposed: Some(object) }
        }
        (Some(Running | Stopped), Sighting::Journal { object, asked }) => {
            Case::Adopt { object, known: Known::Asked(asked), deposed: None }
        }
        (Some(Running | Stopped), Sighting::Named { object }) => {
            Case::Adopt { object, known: Known::Nothing, deposed: None }
        }

        (Some(Running), Sighting::Gone { recorded }) => Case::CreateAgain { recorded },
        (Some(Stopped) | None, Sighting::Gone { recorded }) => Case::Forget { recorded },
        (Some(Running), Sighting::Never) => Case::Create,
        (Some(Stopped), Sighting::Never) => Case::NotYet,

        (None, Sighting::Kept { recorded, object }) => {
            Case::Remove { recorded, object, by: None, successor: None }
        }
        (None, Sighting::Migrated { recorded, object, by }) => {
            Case::Remove { recorded, object, by: Some(by), successor: None }
        }
        (None, Sighting::Superseded { recorded, object, successor, asked: _ }) => {
            Case::Remove { recorded, object, by: None, successor: Some(successor) }
        }
        (None, Sighting::Journal { object, asked }) => Case::RemoveOrphan { object, asked },
        (None, Sighting::Named { object: _ } | Sighting::Never) => Case::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;

    fn word<T>(case: &Case<'_, T>) -> String {
        match case {
            Case::Compare { .. } => "compare".to_owned(),
            Case::Adopt { object: _, known, deposed } => {
                let also = if deposed.is_some() { ", the old one goes" } else { "" };
                format!("adopt, {:?}{also}", known.reason())
            }
            Case::Create => "create".to_owned(),
            Case::CreateAgain { .. } => "create again".to_owned(),
            Case::NotYet => "nothing yet".to_owned(),
            Case::Forget { .. } => "forget".to_owned(),
            Case::Remove { recorded: _, object: _, by: _, successor } => {
                let also = if successor.is_some() { " with its successor" } else { "" };
                format!("as on_remove says{also}")
            }
            Case::RemoveOrphan { .. } => "as on_remove was to say".to_owned(),
            Case::Nothing => "nothing".to_owned(),
            Case::Hold(_) => "hold".to_owned(),
        }
    }

    #[test]
    fn the_table_is_as_documented() {
        let (asked, recorded) = (kit::record(), kit::recorded("p"));
        let sightings = [
            ("kept", Sighting::Kept { recorded: &recorded, object: &1 }),
            ("migrated", Sighting::Migrated { recorded: &recorded, object: &1, by: Successor::Moved }),
            (
                "gone, another named",
                Sighting::Migrated { recorded: &recorded, object: &1, by: Successor::Named },
            ),
            (
                "gone, another made",
                Sighting::Migrated { recorded: &recorded, object: &1, by: Successor::Made },
            ),
            (
                "superseded",
                Sighting::Superseded { recorded: &recorded, object: &1, successor: &2, asked: &asked },
            ),
            ("gone", Sighting::Gone { recorded: &recorded }),
            ("journal", Sighting::Journal { object: &1, asked: &asked }),
            ("named", Sighting::Named { object: &1 }),
            ("never", Sighting::Never),
            ("hidden", Sighting::Hidden(Held::Unreadable(String::new()))),
        ];
        let mut table = String::new();
        for (name, sighting) in sightings {
            let wishes = [Some(RunState::Running), Some(RunState::Stopped), None];
            let cells = wishes.map(|wanted| word(&case(wanted, sighting.clone())));
            table.push_str(&format!("{name}: {}\n", cells.join(" | ")));
        }
        insta::assert_snapshot!(table, @"
        kept: compare | compare | as on_remove says
        migrated: adopt, Migrated | adopt, Migrated | as on_remove says
        gone, another named: adopt, AdoptNamed | adopt, AdoptNamed | as on_remove says
        gone, another made: adopt, FoundInJournal | adopt, FoundInJournal | as on_remove says
        superseded: adopt, FoundInJournal, the old one goes | adopt, FoundInJournal, the old one goes | as on_remove says with its successor
        gone: create again | forget | forget
        journal: adopt, FoundInJournal | adopt, FoundInJournal | as on_remove was to say
        named: adopt, AdoptNamed | adopt, AdoptNamed | nothing
        never: create | nothing yet | nothing
        hidden: hold | hold | hold
        ");
    }
}
