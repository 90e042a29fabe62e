//! Writing one entry, once, whatever the store answers.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::ObjectLog;
use super::format::{Logged, encode};
use super::requests::{Lost, Object};
use crate::model::stored::Stored;
use crate::state::StateError;

/// For how long it is tried to find out about a write that got no answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The pauses between two tries grow from the one to the other.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// What came of a write.
#[derive(Debug)]
pub(super) enum Created {
    /// It is there.
    Done,
    /// Somebody else's is.
    Taken,
    /// It is not there and never will be.
    Refused(String),
    /// It may be there, or get there yet.
    Unknown(String),
}

impl ObjectLog {
    /// Returns an entry as it is written.
    pub(super) fn written(&self, logged: &Logged) -> Result<(Object, Bytes), StateError> {
        let object = Object::Entry(logged.number);
        let text = self.encoded(&object, logged)?;
        Ok((object, text))
    }

    /// Returns an object as it is written, if it would be read again.
    pub(super) fn encoded<T: Stored>(&self, object: &Object, value: &T) -> Result<Bytes, StateError> {
        let text = encode(object, value).map_err(|error| self.failed("write", error.to_string()))?;
        let size = text.len() as u64;
        if size > object.largest() {
            let most = object.largest();
            return Err(
                self.failed("write", format!("`{object}` would have {size} bytes, of {most} at most"))
            );
        }
        Ok(Bytes::from(text))
    }

    /// Writes these bytes at this number, or finds out whose are there.
    ///
    /// After an answer that says nothing, only what is there tells. That nothing is there does not: the write may still be
    /// under way. So the same bytes are sent again, which can do no harm, until one or the other is there.
    pub(super) async fn create(&self, object: &Object, text: &Bytes) -> Created {
        let mut in_doubt: Option<Instant> = None;
        let mut pause = PAUSES.0;
        loop {
            let why = match self.0.requests.create(object, text).await {
                Ok(()) => return Created::Done,
                // Of an earlier try it says nothing.
                Err(Lost::Refused(why) | Lost::Odd(why)) if in_doubt.is_none() => {
                    return Created::Refused(why);
                }
                Err(lost) => lost.why(),
            };
            match self.0.requests.get(object).await {
                Ok(Some(there)) if there.text == *text => return Created::Done,
                Ok(Some(_)) | Err(Lost::TooLarge(_)) => return Created::Taken,
                Ok(None) | Err(Lost::Refused(_) | Lost::Exists(_) | Lost::Odd(_) | Lost::Unsure(_)) => {}
            }
            let since = *in_doubt.get_or_insert_with(Instant::now);
            if since.elapsed() + pause > PATIENCE {
                return Created::Unknown(why);
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}
