//! Creates of earlier runs that are still open: what they may have made, and how long an address waits for it.

use std::collections::{BTreeMap, BTreeSet};

use super::Ownership;
use super::claim::{Claim, open};
use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::id::RemoteId;
use crate::model::journal::ActionStatus;
use crate::model::marker::Token;
use crate::model::plan::{Held, Step};
use crate::model::prior::{KnownToken, OpenIntent, Recorded};
use crate::plan::Inputs;
use crate::plan::moves::Renamed;

/// Open requests by what they are asked for.
#[derive(Default)]
pub(super) struct Open<'a> {
    pub(super) by_address: BTreeMap<&'a Address, Vec<&'a OpenIntent>>,
    pub(super) tokens: BTreeSet<&'a Token>,
    pub(super) accepted: BTreeMap<RemoteId, &'a OpenIntent>,
}

impl<'a> Open<'a> {
    pub(super) fn of(renamed: &'a Renamed<'a>) -> Self {
        let mut open = Self::default();
        for intent in renamed.open.iter().filter(|intent| may_still_create(intent)) {
            open.by_address.entry(&intent.action.address).or_default().push(intent);
            open.tokens.extend(intent.token.as_ref());
            if let Some(id) = accepted(intent) {
                open.accepted.entry(id).or_insert(intent);
            }
        }
        open
    }
}

impl<'a> Ownership<'a> {
    /// Returns the create whose answer named this object, if it is still open.
    pub(super) fn accepted_as(&self, id: &RemoteId) -> Option<(Address, &'a Token, &'a KnownToken)> {
        let intent = self.open.accepted.get(id)?;
        let (token, known) = self.inputs.prior.tokens.get_key_value(intent.token.as_ref()?)?;
        Some((intent.action.address.clone(), token, known))
    }

    /// Holds an address if a create of an earlier run may still show up there and has not.
    pub(super) fn unsettled(
        &self,
        address: &Address,
        recorded: Option<&Recorded>,
        claims: &[Claim<'a>],
    ) -> Option<Held> {
        // What was waited for is here; no run sends a create for an address at which an earlier one is open.
        if claims.iter().any(|claim| open(claim).is_some()) {
            return None;
        }
        self.unsettled_intent(address, recorded)
    }

    /// How long ago a create was intended is told by RunPod's clock alone; where it is not, it may still show up.
    pub(in crate::plan) fn unsettled_intent(
        &self,
        address: &Address,
        recorded: Option<&Recorded>,
    ) -> Option<Held> {
        let is_recorded = |intent: &OpenIntent| {
            recorded.is_some_and(|recorded| {
                (intent.token.is_some() && recorded.record.token == intent.token)
                    || accepted(intent).as_ref() == Some(&recorded.id)
            })
        };
        let Inputs { live, settling, .. } = self.inputs;
        let open = self.open.by_address.get(address).into_iter().flatten();
        let mut latest = None;
        for intent in open.filter(|intent| !is_recorded(intent)) {
            // However long ago it was: what it made may be listed and not understood.
            if self.unread.may_be(address) {
                let why =
                    "what a create of an earlier run made may be an entry of the listing that cannot be read";
                return Some(Held::Unreadable(why.to_owned()));
            }
            let (Some(then), Some(now)) = (intent.server_time, live.server_time) else {
                let why = "a create of an earlier run may still show up, and RunPod did not tell its time";
                return Some(Held::Unreadable(why.to_owned()));
            };
            // Listings lag behind creates; within the settling time "not listed" is no answer.
            let until = then.checked_add(*settling).unwrap_or(Timestamp::MAX);
            latest = latest.max(Some(until)).filter(|until| now < *until);
        }
        latest.map(|until| Held::Unsettled { until })
    }
}

/// Tells whether an open intent is a request that may have created something.
fn may_still_create(intent: &OpenIntent) -> bool {
    let creates = match intent.action.step {
        // The replacement of a stuck pod is part of its start, and the end of one that never ran is part of its create.
        Step::Create | Step::Start => intent.token.is_some(),
        Step::Move
        | Step::Adopt
        | Step::Record
        | Step::Stop
        | Step::Await
        | Step::Update
        | Step::Delete
        | Step::DeleteDeposed
        | Step::Forget
        | Step::Ready => false,
    };
    let may_have_happened = match &intent.status {
        ActionStatus::Intended
        | ActionStatus::Started
        | ActionStatus::Accepted { .. }
        | ActionStatus::Unknown { .. } => true,
        ActionStatus::Pending
        | ActionStatus::Refused
        | ActionStatus::Succeeded
        | ActionStatus::Failed
        | ActionStatus::Skipped => false,
    };
    creates && may_have_happened
}

pub(super) fn accepted(intent: &OpenIntent) -> Option<RemoteId> {
    match &intent.status {
        ActionStatus::Accepted { id } | ActionStatus::Unknown { id } if may_still_create(intent) => {
            id.clone()
        }
        ActionStatus::Accepted { .. }
        | ActionStatus::Unknown { .. }
        | ActionStatus::Pending
        | ActionStatus::Intended
        | ActionStatus::Started
        | ActionStatus::Refused
        | ActionStatus::Succeeded
        | ActionStatus::Failed
        | ActionStatus::Skipped => None,
    }
}
