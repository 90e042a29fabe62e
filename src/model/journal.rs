//! What happens to an action, one durable event at a time.
//!
//! [`ActionStatus::next`] is the only table of legal orders: the running engine and recovery both go through it.
//! An event is durable before the world may depend on it: `Intended` before the request, `Accepted` directly after
//! the answer.

use std::collections::BTreeSet;

use super::clock::Timestamp;
use super::id::{DataCenterId, RemoteId, RunId};
use super::marker::Token;
use super::plan::ActionId;
use super::pod::Storage;
use super::prior::Record;

/// One step in the life of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request is about to be sent.
    Intended {
        /// Which attempt, from 0.
        attempt: u32,
        /// The token that the attempt carries, for creates.
        token: Option<Token>,
        /// What the attempt asks for, for creates.
        asked: Option<Asked>,
        /// RunPod's time shortly before, where it is told.
        server_time: Option<Timestamp>,
    },
    /// The request goes out.
    Started,
    /// The provider took it, or it was found to have happened.
    Accepted {
        /// The object, where the request made one.
        id: Option<RemoteId>,
    },
    /// The attempt certainly did not happen.
    Refused {
        /// In words, for people.
        why: String,
    },
    /// It is done and was read back.
    Succeeded,
    /// It ended without being done.
    Failed {
        /// In words, for people.
        why: String,
    },
    /// It is not known whether it happened.
    Unknown {
        /// In words, for people.
        why: String,
    },
    /// It was not begun.
    Skipped {
        /// In words, for people.
        why: String,
    },
}

/// What a create asked for, to tell a duplicate of ours from somebody's copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its name on RunPod; `None` where only the record of an object knows its token, as after a rebuild. No object
    /// equals what nobody knows.
    pub name: Option<String>,
    /// Where a pod may be; empty allows all.
    pub data_centers: BTreeSet<DataCenterId>,
    /// What the state says once the object is found, so that a later run can record it without this run's plan, its
    /// protection included. A pod's machine and cloud are what was asked for.
    pub record: Box<Record>,
}

impl Asked {
    /// Tells whether ending a second object of the request could lose data.
    pub fn holds_data(&self) -> bool {
        let pod = self.record.object.pod().filter(|_| self.name.is_some());
        pod.is_none_or(|pod| matches!(pod.container.storage, Storage::Local { .. }))
    }
}

/// How far an action came.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ActionStatus {
    /// Nothing happened.
    #[default]
    Pending,
    /// A request may go out.
    Intended,
    /// A request went out.
    Started,
    /// It happened; being waited for and read back.
    Accepted {
        /// The object that it made.
        id: Option<RemoteId>,
    },
    /// The last attempt certainly did not happen.
    Refused,
    /// Done.
    Succeeded,
    /// Ended without being done.
    Failed,
    /// Not known; the next run looks again.
    Unknown {
        /// The object that it made, if that is known.
        id: Option<RemoteId>,
    },
    /// Not begun.
    Skipped,
}

impl ActionStatus {
    /// Returns the status after an event.
    ///
    /// # Errors
    /// An event that cannot follow this status: a defect of the engine or a damaged journal.
    pub fn next(self, event: &Event) -> Result<Self, Box<IllegalEvent>> {
        match (self, event) {
            // An intent that waited too long for its request is committed again.
            // An action of several requests, such as a start that turns into a replacement, intends the next one
            // after the last was taken.
            (
                Self::Pending | Self::Intended | Self::Accepted { .. } | Self::Refused,
                Event::Intended { .. },
            ) => Ok(Self::Intended),
            (Self::Intended, Event::Started) => Ok(Self::Started),
            (Self::Started | Self::Unknown { id: None }, Event::Accepted { id }) => {
                Ok(Self::Accepted { id: id.clone() })
            }
            (Self::Unknown { id: Some(known) }, Event::Accepted { id })
                if id.as_ref().is_none_or(|id| *id == known) =>
            {
                Ok(Self::Accepted { id: Some(known) })
            }
            (Self::Intended | Self::Started | Self::Unknown { id: None }, Event::Refused { .. }) => {
                Ok(Self::Refused)
            }
            (Self::Intended | Self::Started, Event::Unknown { .. }) => Ok(Self::Unknown { id: None }),
            (Self::Accepted { id } | Self::Unknown { id }, Event::Unknown { .. }) => Ok(Self::Unknown { id }),
            (Self::Accepted { .. }, Event::Succeeded) => Ok(Self::Succeeded),
            (Self::Intended | Self::Accepted { .. } | Self::Refused, Event::Failed { .. }) => {
                Ok(Self::Failed)
            }
            (Self::Pending, Event::Skipped { .. }) => Ok(Self::Skipped),
            (status, event) => Err(Box::new(IllegalEvent { status, event: event.clone() })),
        }
    }
}

/// An event in an illegal order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal has {event:?} after {status:?}")]
pub struct IllegalEvent {
    /// The status before.
    pub status: ActionStatus,
    pub event: Event,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    pub run: RunId,
    pub action: ActionId,
    /// What happened.
    pub event: Event,
}
