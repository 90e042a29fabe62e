//! How long is waited for capacity.

use super::form::stored_structs;
use crate::model::retry::{Patience, Retry, Wider};

stored_structs! {
    Patience { within = "within_seconds", every = "every_seconds" }
    Retry { patience, widen }
    Wider { after = "after_seconds", gpu, max_price }
}
