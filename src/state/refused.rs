//! Changes that contradict what is recorded. Each is a defect of the caller; nothing is written.

use crate::model::address::Address;
use crate::model::id::RunId;
use crate::model::journal::IllegalEvent;
use crate::model::marker::Token;

/// Why a batch was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// An event that cannot follow the one before it; the journal could never be read again.
    #[error(transparent)]
    Order(Box<IllegalEvent>),
    /// An intent with a token that does not say what it asks for; a later run could not tell whose object it is.
    #[error("the intent with token `{0}` does not say what it asks for")]
    NothingAsked(Token),
    /// An event or an end of a run that was not begun.
    #[error("run `{0}` was not begun")]
    RunUnknown(RunId),
    /// A second beginning.
    #[error("run `{0}` was begun before")]
    RunExists(RunId),
    /// A rename to an address that has an entry.
    #[error("`{0}` is recorded already")]
    AddressTaken(Address),
    /// A rename of an address without an entry.
    #[error("`{0}` is not recorded")]
    NotRecorded(Address),
    /// A tombstone for a token that was never used.
    #[error("token `{0}` is not in the journal")]
    TokenUnknown(Token),
    /// Two addresses with the same object: each would act on the other's pod.
    #[error("`{0}` would be recorded at two addresses")]
    RecordedTwice(String),
    /// The same, as it was read.
    #[error("`{id}` is recorded both at `{one}` and at `{other}`")]
    ReadTwice { id: String, one: Address, other: Address },
}
