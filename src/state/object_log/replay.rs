//! What the log makes of a state, entry by entry. Pure.

use super::format::{Change, Holding, Logged, Snapshot};
use crate::model::id::Lineage;
use crate::state::Standing;
use crate::state::contents::{Contents, Delta};

/// A state as far as its log was read.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    pub(super) contents: Contents,
    /// Who has the lock.
    pub(super) holding: Option<Holding>,
    /// The number of the next entry.
    pub(super) next: u64,
    /// The last entry that a snapshot is known to cover.
    pub(super) snapshot: u64,
}

impl Replay {
    /// Returns a state without a log.
    pub(super) fn empty(proposed: &Lineage) -> Self {
        Self { contents: Contents::empty(proposed.clone()), holding: None, next: 1, snapshot: 0 }
    }

    /// Begins at a snapshot.
    ///
    /// # Errors
    /// It contradicts itself.
    pub(super) fn from_snapshot(snapshot: Snapshot, proposed: &Lineage) -> Result<Self, String> {
        let Snapshot { number, holding, whole } = snapshot;
        let next = number.checked_add(1).ok_or("its number is the last that there can be")?;
        if holding.as_ref().is_some_and(|holding| holding.number > number) {
            return Err("its lock was taken after it".to_owned());
        }
        let mut contents = whole.contents().map_err(|error| error.to_string())?;
        if contents.owner.is_none() {
            contents.lineage = proposed.clone();
        }
        Ok(Self { contents, holding, next, snapshot: number })
    }

    /// Goes on by one entry.
    ///
    /// # Errors
    /// It cannot follow what is there; nothing was changed.
    pub(super) fn follow(&mut self, logged: Logged) -> Result<(), String> {
        let Logged { number, batch: _, fence, lineage, at, change } = logged;
        if number != self.next {
            return Err(format!("it says that it is number {number}"));
        }
        let next = number.checked_add(1).ok_or("its number is the last that there can be")?;
        if self.contents.owner.is_some() && lineage != self.contents.lineage {
            return Err("it is of another lineage".to_owned());
        }
        match change {
            Change::Taken { holder, lease_ms, takes_over } => {
                if fence != number || takes_over != self.holding.is_some() {
                    return Err("it takes a lock otherwise than that is".to_owned());
                }
                let since = at.ok_or("it does not say when the lock was taken")?;
                self.holding = Some(Holding { number, holder, lease_ms, since });
            }
            change => {
                if self.holding.as_ref().is_none_or(|holding| holding.number != fence) {
                    return Err("its writer does not have the lock".to_owned());
                }
                self.change(lineage, change)?;
            }
        }
        self.next = next;
        Ok(())
    }

    /// Goes on by the writer's own entry, which he has judged before he wrote it.
    pub(super) fn absorb(&mut self, delta: Delta) {
        self.contents.absorb(delta);
        self.next += 1;
    }

    /// Makes a change of somebody who has the lock.
    fn change(&mut self, lineage: Lineage, change: Change) -> Result<(), String> {
        match change {
            Change::Taken { .. } => return Err("it takes a lock that is had".to_owned()),
            Change::Released | Change::Unlocked => self.holding = None,
            Change::Written { owner, write } => {
                if self.contents.standing != Standing::Active {
                    return Err("it writes to a state that is not the one to use".to_owned());
                }
                self.ensure_first(owner.is_some())?;
                let delta = self.contents.draft(owner.as_ref(), &write).map_err(|error| error.to_string())?;
                self.begin(lineage);
                self.contents.absorb(delta);
            }
            Change::Stood { owner, standing } => {
                self.ensure_first(owner.is_some())?;
                self.begin(lineage);
                self.contents.owner = owner.or(self.contents.owner.take());
                self.contents.standing = standing;
            }
            Change::Replaced(whole) => {
                self.contents = whole.contents().map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// The first write says to whom a state belongs, and no other does.
    fn ensure_first(&self, is_first: bool) -> Result<(), String> {
        if is_first == self.contents.owner.is_none() {
            Ok(())
        } else {
            Err("it does not say as it should to whom the state belongs".to_owned())
        }
    }

    /// Takes over the lineage that the first writer proposed.
    fn begin(&mut self, lineage: Lineage) {
        if self.contents.owner.is_none() {
            self.contents.lineage = lineage;
        }
    }

    /// Tells whether nobody has used the state yet.
    pub(super) fn is_unused(&self) -> bool {
        let Contents { owner, standing, runs, .. } = &self.contents;
        owner.is_none() && *standing == Standing::Active && runs.is_empty()
    }
}
