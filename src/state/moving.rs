//! How a state moves from one place to another, so that at no moment two places have it.
//!
//! What is done next follows from what both places say, and each step is one commit at one of them. So a move that was
//! killed anywhere is gone on with by looking again, and the way back is found likewise. Between its first step and its
//! last one neither place can be written by anything else: the target is [`Incoming`](Standing::Incoming) until the source
//! is [`Moved`](Standing::Moved), and only then becomes active.

use super::contents::Contents;
use super::place::{Held, Place};
use super::{Standing, StateError};
use crate::model::id::Serial;

/// Which way a state moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the source to the target.
    There,
    /// A move is given up: one that has not ended, or whose target holds no state any more.
    Abandon,
    /// A move that has ended is undone, as long as nothing was written at the target.
    Back,
}

/// Why a state does not move. Nothing was changed, or no more than a step that the next try takes up.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("there is no state at `{0}`, so nothing has to be moved")]
    Nothing(String),
    #[error("`{place}` was moved to `{to}`, and there is no state there")]
    Gone { place: String, to: String },
    #[error("`{place}` is being filled from `{from}`, and there is no state there")]
    SourceGone { place: String, from: String },
    #[error("there is a state at `{0}` already")]
    Occupied(String),
    #[error("`{place}` was moved to `{to}`")]
    MovedElsewhere { place: String, to: String },
    #[error("`{place}` is being filled from `{from}`")]
    IncomingElsewhere { place: String, from: String },
    #[error("what is read back at `{0}` is not what was written there")]
    Differs(String),
    #[error("`{0}` is in use already, so the move cannot be given up any more")]
    TooLate(String),
    #[error(
        "`{place}` was written since it was moved there: it is at serial {found}, and was moved at {moved}"
    )]
    Written { place: String, found: Serial, moved: Serial },
    #[error("the move to `{0}` has not come to its end")]
    NotEnded(String),
    #[error("the move to `{0}` is being undone")]
    Returning(String),
    #[error("nothing was moved from here to `{0}`")]
    NeverMoved(String),
    #[error(transparent)]
    State(#[from] StateError),
}

/// One end of a move, under its lock.
pub struct End<'a, P: Place> {
    pub place: &'a P,
    pub held: &'a P::Held,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// The target gets everything, as incoming.
    Fill,
    /// The source says that it was moved.
    PassOn,
    /// The target becomes the one to use.
    Open,
    /// The source becomes the one to use again.
    Reopen,
    /// The target is emptied.
    Clear,
    /// The target says that it was moved back.
    Close,
    Done,
}

/// What is at one end.
struct Seen {
    name: String,
    /// `None` where there is no state, or none that was ever used.
    contents: Option<Contents>,
}

impl Seen {
    async fn at<P: Place>(end: &End<'_, P>) -> Result<Self, StateError> {
        Self::of(end.place).await
    }

    async fn of<P: Place>(place: &P) -> Result<Self, StateError> {
        let contents = place.contents().await?.filter(Contents::is_used);
        Ok(Self { name: place.name(), contents })
    }

    fn standing(&self) -> Option<&Standing> {
        self.contents.as_ref().map(|contents| &contents.standing)
    }

    fn serial(&self) -> Serial {
        self.contents.as_ref().map_or_else(Serial::default, |contents| contents.serial)
    }

    /// Tells whether both hold the same.
    fn equals(&self, other: &Self) -> bool {
        match (&self.contents, &other.contents) {
            (Some(one), Some(other)) => one.holds_the_same(other),
            (None, _) | (_, None) => false,
        }
    }

    /// Tells whether it was there before the other one, as the same state.
    fn precedes(&self, other: &Self) -> bool {
        let both = self.contents.as_ref().zip(other.contents.as_ref());
        both.is_some_and(|(one, other)| one.lineage == other.lineage && one.serial <= other.serial)
    }
}

/// Moves a state, or goes on with a move, to its end.
///
/// # Errors
/// Nothing more was done; trying again goes on from there.
pub async fn go<S: Place, T: Place>(
    way: Way,
    source: End<'_, S>,
    target: End<'_, T>,
) -> Result<(), MoveError> {
    let mut steps = 0;
    loop {
        let (from, to) = (Seen::at(&source).await?, Seen::at(&target).await?);
        let step = next(way, &from, &to)?;
        if step == Step::Done && way == Way::Abandon && steps == 0 {
            return Err(MoveError::NeverMoved(to.name));
        }
        steps += 1;
        match step {
            Step::Fill => {
                let Some(contents) = from.contents else { return Err(MoveError::Nothing(from.name)) };
                let incoming = Standing::Incoming { from: from.name };
                target.held.replace(&contents.clone().standing_as(incoming)).await?;
                // Read back before anything depends on it.
                let back = target.place.contents().await?;
                if !back.is_some_and(|back| back.holds_the_same(&contents)) {
                    return Err(MoveError::Differs(to.name));
                }
            }
            Step::PassOn => source.held.stand(Standing::Moved { to: to.name }).await?,
            Step::Open => target.held.stand(Standing::Active).await?,
            Step::Reopen => source.held.stand(Standing::Active).await?,
            Step::Close => target.held.stand(Standing::Moved { to: from.name }).await?,
            Step::Clear => {
                let lineage = to.contents.map(|contents| contents.lineage);
                let Some(lineage) = lineage else { return Ok(()) };
                target.held.replace(&Contents::empty(lineage)).await?;
            }
            Step::Done => return Ok(()),
        }
    }
}

/// Tells what stands against a move, as far as it can be told without a lock.
///
/// # Errors
/// What [`go`] would say.
pub async fn look<S: Place, T: Place>(way: Way, source: &S, target: &T) -> Result<(), MoveError> {
    let (from, to) = (Seen::of(source).await?, Seen::of(target).await?);
    next(way, &from, &to).map(drop)
}

/// Makes the state that is left at one end of a move the one to use, without asking anything of the other end, which is
/// lost for good: its user says so, as nothing else can tell.
///
/// # Errors
/// Nothing was done.
pub async fn without<P: Place>(left: End<'_, P>, lost: &str) -> Result<(), MoveError> {
    let seen = Seen::at(&left).await?;
    match alone(&seen, lost)? {
        Step::Done => Err(MoveError::NeverMoved(lost.to_owned())),
        _ => Ok(left.held.stand(Standing::Active).await?),
    }
}

/// Decides from what one end says, the other one being lost.
fn alone(left: &Seen, lost: &str) -> Result<Step, MoveError> {
    match left.standing() {
        None => Err(MoveError::Nothing(left.name.clone())),
        Some(Standing::Active) => Ok(Step::Done),
        // What fills a place is one commit, so what is there is whole.
        Some(Standing::Moved { to: other } | Standing::Incoming { from: other }) if other == lost => {
            Ok(Step::Reopen)
        }
        Some(Standing::Moved { to: other }) => Err(moved(left, other)),
        Some(Standing::Incoming { from: other }) => Err(incoming(left, other)),
    }
}

/// Decides from what both ends say.
fn next(way: Way, from: &Seen, to: &Seen) -> Result<Step, MoveError> {
    match way {
        Way::There => there(from, to),
        Way::Abandon => abandon(from, to),
        Way::Back => back(from, to),
    }
}

fn there(from: &Seen, to: &Seen) -> Result<Step, MoveError> {
    match (from.standing(), to.standing()) {
        (None, Some(Standing::Incoming { from: other })) if *other == from.name => {
            Err(source_gone(to, other))
        }
        (None, _) => Err(MoveError::Nothing(from.name.clone())),
        (Some(Standing::Incoming { from: other }), _) => Err(incoming(from, other)),
        (Some(Standing::Moved { to: other }), _) if *other != to.name => Err(moved(from, other)),
        (Some(Standing::Moved { to: other }), None) => Err(gone(from, other)),
        (Some(Standing::Moved { .. }), Some(Standing::Active)) => Ok(Step::Done),
        (Some(Standing::Moved { .. }), Some(Standing::Moved { .. })) => {
            Err(MoveError::Returning(to.name.clone()))
        }
        (Some(_), Some(Standing::Incoming { from: other })) if *other != from.name => {
            Err(incoming(to, other))
        }
        (Some(Standing::Moved { .. }), Some(Standing::Incoming { .. })) if to.equals(from) => Ok(Step::Open),
        (Some(Standing::Moved { .. }), Some(Standing::Incoming { .. })) => {
            Err(MoveError::Differs(to.name.clone()))
        }
        (Some(Standing::Active), None) => Ok(Step::Fill),
        (Some(Standing::Active), Some(Standing::Active)) => Err(MoveError::Occupied(to.name.clone())),
        // What was filled before this try may be older than what was written since.
        (Some(Standing::Active), Some(Standing::Incoming { .. })) => {
            Ok(if to.equals(from) { Step::PassOn } else { Step::Fill })
        }
        (Some(Standing::Active), Some(Standing::Moved { to: other })) => {
            // What it is an older version of may come back, by whichever way it went.
            if to.precedes(from) { Ok(Step::Fill) } else { Err(moved(to, other)) }
        }
    }
}

fn abandon(from: &Seen, to: &Seen) -> Result<Step, MoveError> {
    match (from.standing(), to.standing()) {
        (_, Some(Standing::Active)) => Err(MoveError::TooLate(to.name.clone())),
        (_, Some(Standing::Incoming { from: other })) if *other != from.name => Err(incoming(to, other)),
        // It is at one place only.
        (Some(Standing::Moved { to: other }), Some(Standing::Incoming { .. }) | None)
            if *other == to.name =>
        {
            Ok(Step::Reopen)
        }
        (Some(Standing::Moved { to: other }), _) => Err(moved(from, other)),
        (Some(Standing::Incoming { from: other }), _) => Err(incoming(from, other)),
        (Some(Standing::Active), Some(Standing::Incoming { .. })) => Ok(Step::Clear),
        // It may be the only one that is left.
        (None, Some(Standing::Incoming { from: other })) => Err(source_gone(to, other)),
        (Some(Standing::Active) | None, Some(Standing::Moved { .. }) | None) => Ok(Step::Done),
    }
}

fn back(from: &Seen, to: &Seen) -> Result<Step, MoveError> {
    match (from.standing(), to.standing()) {
        (Some(Standing::Active), Some(Standing::Moved { to: other })) if *other == from.name => {
            Ok(Step::Done)
        }
        (Some(Standing::Moved { to: other }), _) if *other != to.name => Err(moved(from, other)),
        (Some(Standing::Moved { .. }), Some(Standing::Active)) if to.equals(from) => Ok(Step::Close),
        (Some(Standing::Moved { .. }), Some(Standing::Active)) => {
            Err(MoveError::Written { place: to.name.clone(), found: to.serial(), moved: from.serial() })
        }
        (Some(Standing::Moved { .. }), Some(Standing::Incoming { .. })) => {
            Err(MoveError::NotEnded(to.name.clone()))
        }
        (Some(Standing::Moved { .. }), Some(Standing::Moved { to: other })) if *other == from.name => {
            Ok(Step::Reopen)
        }
        (Some(Standing::Moved { .. }), Some(Standing::Moved { to: other })) => Err(moved(to, other)),
        (Some(Standing::Moved { to: other }), None) => Err(gone(from, other)),
        (Some(Standing::Active | Standing::Incoming { .. }) | None, _) => {
            Err(MoveError::NeverMoved(to.name.clone()))
        }
    }
}

fn moved(seen: &Seen, to: &str) -> MoveError {
    MoveError::MovedElsewhere { place: seen.name.clone(), to: to.to_owned() }
}

fn gone(seen: &Seen, to: &str) -> MoveError {
    MoveError::Gone { place: seen.name.clone(), to: to.to_owned() }
}

fn source_gone(seen: &Seen, from: &str) -> MoveError {
    MoveError::SourceGone { place: seen.name.clone(), from: from.to_owned() }
}

fn incoming(seen: &Seen, from: &str) -> MoveError {
    MoveError::IncomingElsewhere { place: seen.name.clone(), from: from.to_owned() }
}
