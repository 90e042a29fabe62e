//! Live pods that no record names and whose token, or id, the journal knows: by whom they were made.

use std::collections::BTreeSet;

use super::Ownership;
use super::pod::PodView;
use crate::model::address::Address;
use crate::model::id::{PodId, RemoteId};
use crate::model::journal::Asked;
use crate::model::live::LivePod;
use crate::model::marker::Token;
use crate::model::plan::Held;
use crate::model::prior::Recorded;
use crate::model::provenance::{Provenance as Judged, Spare, Viewpoint, Witness, judge_pod};
use crate::plan::finding;
use crate::plan::rebuild::is_gone;

/// A live pod that no record names but whose token, or id, the journal knows.
#[derive(Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) pod: &'a LivePod,
    pub(super) token: &'a Token,
    pub(super) provenance: Provenance<'a>,
}

/// Whether a pod with one of our tokens was created by us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Provenance<'a> {
    /// By the open request of an earlier run.
    Open(&'a Asked),
    /// In the window of a request that has come to its end.
    Window(&'a Asked, Spare),
    /// Outside of that window: a copy.
    Copy,
    /// Outside of the window of a request that is still open: a copy of what it made, or that itself, moved by RunPod.
    Late,
    /// It cannot be told.
    Untold,
}

impl<'a> Ownership<'a> {
    pub(super) fn claim(&self, pod: &'a LivePod) -> Option<(Address, Claim<'a>)> {
        // The answer to our own request named it: better than a mark, which a pod can have lost or got by copying.
        if let Some((address, token, known)) = self.accepted_as(&RemoteId::Pod(pod.id.clone())) {
            return Some((address, Claim { pod, token, provenance: Provenance::Open(&known.asked) }));
        }
        let token = &pod.marker.as_ref()?.token;
        let known = self.inputs.prior.tokens.get(token)?;
        let view = Viewpoint::of(&self.inputs.desired.project, self.inputs.prior);
        let provenance =
            match (judge_pod(view, pod, Witness::Journal(known)), self.open.tokens.contains(token)) {
                (Judged::Ours(_) | Judged::NotTold(_), true) => Provenance::Open(&known.asked),
                (Judged::Ours(spare), false) => Provenance::Window(&known.asked, spare),
                (Judged::NotTold(_), false) => Provenance::Untold,
                (Judged::Copy { .. }, true) => Provenance::Late,
                (Judged::Copy { .. }, false) => Provenance::Copy,
                (
                    Judged::Unmarked
                    | Judged::OtherProject(_)
                    | Judged::OtherState(_)
                    | Judged::NewerState(_)
                    | Judged::GivenUp,
                    _,
                ) => return None,
            };
        let address = match self.holders.get(token) {
            Some(address) => Address::clone(address),
            None => self.renamed.address_now(&known.address),
        };
        // Nobody can tell the pods of a lost state apart but the person who has chosen one by now: a rebuild has not.
        let is_there = |chosen: &Recorded| !chosen.rebuilt && !is_gone(&chosen.id, self.inputs.live);
        let is_chosen = known.asked.name.is_none() && self.renamed.recorded(&address).is_some_and(is_there);
        let provenance = match provenance {
            Provenance::Untold if is_chosen => Provenance::Copy,
            told => told,
        };
        Some((address, Claim { pod, token, provenance }))
    }
}

/// Sorts pods that carry a token of an address beside the recorded pod: to be retired, copied, or for a person.
pub(super) fn sort_duplicates<'c, 'a: 'c>(
    address: &Address,
    claims: impl Iterator<Item = &'c Claim<'a>>,
    view: &mut PodView<'a>,
) -> Option<Held> {
    let mut untold = BTreeSet::new();
    for claim in claims {
        match claim.provenance {
            // Made twice by us, equal and empty: the only spare pod that ends without a question.
            Provenance::Window(_, Spare::MayGo) => view.retire.push(claim.pod),
            Provenance::Open(_)
            | Provenance::Window(_, Spare::HoldsData | Spare::Differs(_) | Spare::NotKnown)
            | Provenance::Copy
            | Provenance::Late => {
                view.findings.push(finding::copied_marker(address, &claim.pod.id));
                view.copies.insert(claim.pod.id.clone());
            }
            Provenance::Untold => {
                untold.insert(claim.pod.id.clone());
            }
        }
    }
    (!untold.is_empty()).then_some(Held::Duplicate { ids: untold })
}

/// Returns the pod to adopt among those that carry a token of an address; the oldest if there are several of ours.
///
/// A request that has come to its end is known by its record. What its token shows besides is a second pod of it only if
/// it equals what was asked for and holds nothing; else it may be a copy that was made at once. Where a pod is wanted, a person
/// says which, as a third one may be one too many; where none is, it is left alone.
pub(super) fn adoptable<'a>(
    address: &Address,
    claims: &[Claim<'a>],
    is_wanted: bool,
    view: &mut PodView<'a>,
) -> Result<Option<(&'a LivePod, &'a Asked)>, Held> {
    let mut ours: Vec<(&Claim<'a>, &'a Asked)> =
        claims.iter().filter_map(|claim| Some((claim, created_by_us(claim)?))).collect();
    // The oldest is the one that people may have begun to use.
    ours.sort_by_key(|(claim, _)| (claim.pod.created_at, &claim.pod.id));
    let Some(((first, asked), rest)) = ours.split_first() else {
        let is_doubtful = |claim: &&Claim<'a>| {
            is_wanted && matches!(claim.provenance, Provenance::Window(..) | Provenance::Late)
        };
        let mut ids: BTreeSet<PodId> =
            claims.iter().filter(is_doubtful).map(|claim| claim.pod.id.clone()).collect();
        let others = claims.iter().filter(|claim| !is_doubtful(claim));
        if let Some(Held::Duplicate { ids: untold }) = sort_duplicates(address, others, view) {
            ids.extend(untold);
        }
        return if ids.is_empty() { Ok(None) } else { Err(Held::Duplicate { ids }) };
    };
    let may_go = |claim: &Claim<'a>| match claim.provenance {
        Provenance::Window(_, spare) => spare == Spare::MayGo,
        Provenance::Open(_) | Provenance::Copy | Provenance::Late | Provenance::Untold => false,
    };
    let stays = rest.iter().filter(|(claim, _)| !may_go(claim));
    let mut doubtful: BTreeSet<PodId> = stays.map(|(claim, _)| claim.pod.id.clone()).collect();
    if !doubtful.is_empty() {
        doubtful.insert(first.pod.id.clone());
        return Err(Held::Duplicate { ids: doubtful });
    }
    view.retire.extend(rest.iter().map(|(claim, _)| claim.pod));
    let others = claims.iter().filter(|claim| created_by_us(claim).is_none());
    match sort_duplicates(address, others, view) {
        Some(held) => Err(held),
        None => Ok(Some((first.pod, asked))),
    }
}

/// Returns what was asked for, for a pod that our own request created: an open one, or one of which it is the second.
pub(super) fn created_by_us<'a>(claim: &Claim<'a>) -> Option<&'a Asked> {
    match claim.provenance {
        Provenance::Open(asked) | Provenance::Window(asked, Spare::MayGo) => Some(asked),
        Provenance::Window(_, Spare::HoldsData | Spare::Differs(_) | Spare::NotKnown)
        | Provenance::Copy
        | Provenance::Late
        | Provenance::Untold => None,
    }
}

/// Returns what was asked for, for a pod of a request that is still open.
pub(super) fn open<'a>(claim: &Claim<'a>) -> Option<&'a Asked> {
    match claim.provenance {
        Provenance::Open(asked) => Some(asked),
        Provenance::Window(..) | Provenance::Copy | Provenance::Late | Provenance::Untold => None,
    }
}
