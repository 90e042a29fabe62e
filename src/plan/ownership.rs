//! Which live object belongs to which address, and which to nobody we know.
//!
//! The recorded id decides first. A marker shows where a pod came from and is no proof of ownership, as cloning a
//! pod copies it: an unrecorded pod with a known token is ours only if it was created in the window of our own
//! request. Volumes have no marker; their token stands in their name.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::clock::{SignedDuration, Timestamp};
use crate::model::desired::{Wanted, WantedVolume};
use crate::model::id::{PodId, RemoteId, VolumeId};
use crate::model::journal::{ActionStatus, Sent};
use crate::model::live::{LivePod, LiveStorage, LiveVolume, PodRole, PodStatus, Seen};
use crate::model::marker::Token;
use crate::model::plan::{Finding, Held, Step};
use crate::model::prior::{KnownToken, OpenIntent, Recorded};

use super::presence::Sighting;
use super::{Inputs, finding, moves::Renamed};

/// How far the clocks of this computer and of the API may differ.
const SKEW: SignedDuration = SignedDuration::from_secs(120);
/// A request goes out within 5 s of its intent and is given up after 30 s.
const REQUEST: SignedDuration = SignedDuration::from_secs(35);

/// A live pod that no record names but whose token, or id, the journal knows.
struct Claim<'a> {
    pod: &'a LivePod,
    token: &'a Token,
    provenance: Provenance<'a>,
}

/// Whether a pod with one of our tokens was created by us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Provenance<'a> {
    /// By the open request of an earlier run.
    Open(&'a Sent),
    /// In the window of a request that has come to its end.
    Window(&'a Sent),
    /// Outside of that window: a copy.
    Copy,
    /// The API does not say when it was created.
    Untold,
}

/// Who owns what.
pub(super) struct Ownership<'a> {
    inputs: &'a Inputs<'a>,
    renamed: &'a Renamed<'a>,
    claims: BTreeMap<Address, Vec<Claim<'a>>>,
    volume_claims: BTreeMap<Address, Vec<(&'a LiveVolume, &'a Sent)>>,
    /// The ids on record.
    recorded: BTreeSet<RemoteId>,
    /// The addresses of the recorded tokens.
    holders: BTreeMap<&'a Token, &'a Address>,
    /// Open requests that may have created something.
    open: Open<'a>,
    /// Ids of live pods that belong to nobody we know.
    pub(super) strangers: BTreeSet<PodId>,
    /// Live volumes that belong to nobody we know.
    pub(super) stranger_volumes: BTreeSet<VolumeId>,
}

/// Open requests by what they are asked for.
#[derive(Default)]
struct Open<'a> {
    by_address: BTreeMap<&'a Address, Vec<&'a OpenIntent>>,
    tokens: BTreeSet<&'a Token>,
    accepted: BTreeMap<RemoteId, &'a OpenIntent>,
}

impl<'a> Open<'a> {
    fn of(renamed: &'a Renamed<'a>) -> Self {
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

/// What is known of a pod's address.
pub(super) struct PodView<'a> {
    pub(super) sighting: Sighting<'a, LivePod>,
    /// Duplicates that are provably ours and hold no data.
    pub(super) retire: Vec<&'a LivePod>,
    /// Copies of its marker.
    pub(super) findings: Vec<Finding>,
    /// Pods of `findings`, which are listed as unmanaged.
    pub(super) copies: BTreeSet<PodId>,
}

impl<'a> Ownership<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>, renamed: &'a Renamed<'a>) -> Self {
        let mut ownership = Self {
            inputs,
            renamed,
            claims: BTreeMap::new(),
            volume_claims: BTreeMap::new(),
            recorded: inputs.prior.remote_ids(),
            holders: BTreeMap::new(),
            open: Open::of(renamed),
            strangers: BTreeSet::new(),
            stranger_volumes: BTreeSet::new(),
        };
        for (address, recorded) in &renamed.objects {
            if let Some(token) = &recorded.token {
                ownership.holders.entry(token).or_insert(address);
            }
        }
        for (id, seen) in &inputs.live.pods {
            let Some(pod) = seen.found().filter(|pod| is_plain(pod)) else { continue };
            if ownership.recorded.contains(&RemoteId::Pod(id.clone())) {
                continue;
            }
            match ownership.claim(pod) {
                Some((address, claim)) => ownership.claims.entry(address).or_default().push(claim),
                None => {
                    ownership.strangers.insert(id.clone());
                }
            }
        }
        ownership.claim_volumes();
        ownership
    }

    /// Returns every address that only live objects and the journal know.
    pub(super) fn addresses(&self) -> BTreeSet<Address> {
        let open = self.open.by_address.keys().copied();
        self.claims.keys().chain(self.volume_claims.keys()).chain(open).cloned().collect()
    }

    fn claim(&self, pod: &'a LivePod) -> Option<(Address, Claim<'a>)> {
        if let Some((address, token, known)) = self.accepted_as(&RemoteId::Pod(pod.id.clone())) {
            return Some((address, Claim { pod, token, provenance: Provenance::Open(&known.sent) }));
        }
        let marker = pod.marker.as_ref().filter(|marker| marker.project == self.inputs.desired.project)?;
        let token = &marker.token;
        let known = self.inputs.prior.tokens.get(token);
        if known.is_some_and(|known| known.tombstone) {
            return None;
        }
        let address = match (self.holders.get(token), known) {
            (Some(address), _) => Address::clone(address),
            (None, Some(known)) => self.renamed.address_now(&known.address),
            (None, None) => return None,
        };
        Some((address, Claim { pod, token, provenance: self.provenance(pod, token, known) }))
    }

    /// Returns the create whose answer named this object, if it is still open.
    fn accepted_as(&self, id: &RemoteId) -> Option<(Address, &'a Token, &'a KnownToken)> {
        let intent = self.open.accepted.get(id)?;
        let (token, known) = self.inputs.prior.tokens.get_key_value(intent.token.as_ref()?)?;
        Some((intent.action.address.clone(), token, known))
    }

    fn provenance(&self, pod: &LivePod, token: &Token, known: Option<&'a KnownToken>) -> Provenance<'a> {
        let is_open = self.open.tokens.contains(token);
        match (pod.created_at, known) {
            (Some(created), Some(known)) if !in_window(created, known.intended_at) => Provenance::Copy,
            (Some(_) | None, Some(known)) if is_open => Provenance::Open(&known.sent),
            (Some(_), Some(known)) => Provenance::Window(&known.sent),
            (Some(_) | None, None) | (None, Some(_)) => Provenance::Untold,
        }
    }

    fn claim_volumes(&mut self) {
        let referenced: BTreeSet<&VolumeId> = self
            .inputs
            .desired
            .wanted
            .values()
            .filter_map(|wanted| match wanted {
                Wanted::Volume(WantedVolume::Referenced { id }) => Some(id),
                Wanted::Volume(WantedVolume::Managed { .. }) | Wanted::Pod(_) => None,
            })
            .collect();
        for (id, seen) in &self.inputs.live.volumes {
            let Some(volume) = seen.found() else { continue };
            if self.recorded.contains(&RemoteId::Volume(id.clone())) || referenced.contains(id) {
                continue;
            }
            match self.volume_owner(volume) {
                Some((address, sent)) => {
                    self.volume_claims.entry(address).or_default().push((volume, sent));
                }
                None => {
                    self.stranger_volumes.insert(id.clone());
                }
            }
        }
    }

    /// A name is kept for good, so the key in it is the one at creation. A volume with the token of a recorded one
    /// was named so by hand.
    fn volume_owner(&self, volume: &LiveVolume) -> Option<(Address, &'a Sent)> {
        if let Some((address, _, known)) = self.accepted_as(&RemoteId::Volume(volume.id.clone())) {
            return Some((address, &known.sent));
        }
        let project = &self.inputs.desired.project;
        let carries = |token: &Token, known: &KnownToken| {
            !known.address.is_pod() && volume.name == token.volume_name(project, known.address.key())
        };
        let is_recorded = |token: &Token| self.holders.contains_key(token);
        let mut known = self.inputs.prior.tokens.iter();
        known
            .find(|(token, known)| !known.tombstone && !is_recorded(token) && carries(token, known))
            .map(|(_, known)| (self.renamed.address_now(&known.address), &known.sent))
    }

    /// Returns what is known of a pod's address.
    pub(super) fn pod(&self, address: &Address, named: Option<&PodId>) -> PodView<'a> {
        let empty = Vec::new();
        let claims = self.claims.get(address).unwrap_or(&empty);
        let mut view = PodView {
            sighting: Sighting::Never,
            retire: Vec::new(),
            findings: Vec::new(),
            copies: BTreeSet::new(),
        };
        view.sighting = match self.renamed.recorded(address) {
            Some(recorded) => self.recorded_pod(address, recorded, claims, &mut view),
            None => self.unrecorded_pod(address, claims, named, &mut view),
        };
        view
    }

    fn recorded_pod(
        &self,
        address: &Address,
        recorded: &'a Recorded,
        claims: &[Claim<'a>],
        view: &mut PodView<'a>,
    ) -> Sighting<'a, LivePod> {
        if let Some(until) = self.unsettled(address, Some(recorded), claims) {
            return Sighting::Hidden(Held::Unsettled { until });
        }
        let RemoteId::Pod(id) = &recorded.id else {
            return Sighting::Hidden(Held::Unreadable("the state records a volume here".to_owned()));
        };
        match self.inputs.live.pods.get(id) {
            None => Sighting::Hidden(Held::Unreadable(format!("pod `{id}` was not looked at"))),
            Some(Seen::Unreadable(why)) => Sighting::Hidden(Held::Unreadable(why.to_string())),
            Some(Seen::Found(object)) if object.status != PodStatus::Terminated => {
                let successor = claims.iter().find_map(|claim| Some((claim.pod, open(claim)?)));
                let others = claims.iter().filter(|claim| open(claim).is_none());
                if let Some(held) = sort_duplicates(address, others, view) {
                    return Sighting::Hidden(held);
                }
                match successor {
                    Some((successor, sent)) => {
                        Sighting::Superseded { recorded, object, successor, sent: &sent.record }
                    }
                    None => Sighting::Kept { recorded, object },
                }
            }
            Some(Seen::Absent | Seen::Found(_)) => gone_pod(address, recorded, claims, view),
        }
    }

    fn unrecorded_pod(
        &self,
        address: &Address,
        claims: &[Claim<'a>],
        named: Option<&PodId>,
        view: &mut PodView<'a>,
    ) -> Sighting<'a, LivePod> {
        if let Some(until) = self.unsettled(address, None, claims) {
            return Sighting::Hidden(Held::Unsettled { until });
        }
        match adoptable(address, claims, view) {
            Ok(Some((object, sent))) => return Sighting::Journal { object, sent: &sent.record },
            Err(held) => return Sighting::Hidden(held),
            Ok(None) => {}
        }
        let Some(id) = named else { return Sighting::Never };
        if self.recorded.contains(&RemoteId::Pod(id.clone())) {
            let why = format!("`adopt` names pod `{id}`, which the state has under another address");
            return Sighting::Hidden(Held::NotPossible(why));
        }
        match self.inputs.live.pods.get(id) {
            Some(Seen::Found(object)) if !is_plain(object) => {
                let why =
                    format!("`adopt` names pod `{id}`, which belongs to an endpoint, a cluster or a host");
                Sighting::Hidden(Held::NotPossible(why))
            }
            Some(Seen::Found(object)) if object.status != PodStatus::Terminated => Sighting::Named { object },
            Some(Seen::Unreadable(why)) => Sighting::Hidden(Held::Unreadable(why.to_string())),
            Some(Seen::Absent | Seen::Found(_)) | None => {
                view.findings.push(finding::adopt_not_found(address, id));
                Sighting::Never
            }
        }
    }

    /// Returns until when a create of an earlier run may still show up, if one is open and has not.
    fn unsettled(
        &self,
        address: &Address,
        recorded: Option<&Recorded>,
        claims: &[Claim<'a>],
    ) -> Option<Timestamp> {
        if claims.iter().any(|claim| open(claim).is_some()) {
            return None;
        }
        self.unsettled_intent(address, recorded)
    }

    fn unsettled_intent(&self, address: &Address, recorded: Option<&Recorded>) -> Option<Timestamp> {
        let is_recorded = |intent: &OpenIntent| {
            recorded.is_some_and(|recorded| {
                (intent.token.is_some() && recorded.token == intent.token)
                    || accepted(intent).as_ref() == Some(&recorded.id)
            })
        };
        let open = self.open.by_address.get(address).into_iter().flatten();
        let open = open.filter(|intent| !is_recorded(intent));
        let until =
            open.map(|intent| intent.since.checked_add(self.inputs.settling).unwrap_or(Timestamp::MAX));
        until.max().filter(|until| self.inputs.live.observed_at < *until)
    }

    /// Returns what is known of a volume's address.
    pub(super) fn volume(
        &self,
        address: &Address,
        named: Option<&VolumeId>,
        findings: &mut Vec<Finding>,
    ) -> Sighting<'a, LiveVolume> {
        let recorded = self.renamed.recorded(address);
        let claims = self.volume_claims.get(address).map_or(&[][..], Vec::as_slice);
        if claims.is_empty()
            && let Some(until) = self.unsettled_intent(address, recorded)
        {
            return Sighting::Hidden(Held::Unsettled { until });
        }
        match recorded {
            Some(recorded) => self.recorded_volume(recorded),
            None => match claims {
                [] => self.named_volume(address, named, findings),
                [(object, sent)] => Sighting::Journal { object, sent: &sent.record },
                [_, _, ..] => {
                    let ids: Vec<&str> = claims.iter().map(|(volume, _)| volume.id.as_str()).collect();
                    let why = format!("several network volumes carry its token: {}", ids.join(", "));
                    Sighting::Hidden(Held::NotPossible(why))
                }
            },
        }
    }

    fn recorded_volume(&self, recorded: &'a Recorded) -> Sighting<'a, LiveVolume> {
        let RemoteId::Volume(id) = &recorded.id else {
            return Sighting::Hidden(Held::Unreadable("the state records a pod here".to_owned()));
        };
        match self.inputs.live.volumes.get(id) {
            None => Sighting::Hidden(Held::Unreadable(format!("network volume `{id}` was not looked at"))),
            Some(Seen::Unreadable(why)) => Sighting::Hidden(Held::Unreadable(why.to_string())),
            Some(Seen::Found(object)) => Sighting::Kept { recorded, object },
            Some(Seen::Absent) => Sighting::Gone { recorded },
        }
    }

    fn named_volume(
        &self,
        address: &Address,
        named: Option<&VolumeId>,
        findings: &mut Vec<Finding>,
    ) -> Sighting<'a, LiveVolume> {
        let Some(id) = named else { return Sighting::Never };
        if self.recorded.contains(&RemoteId::Volume(id.clone())) {
            let why =
                format!("`adopt` names network volume `{id}`, which the state has under another address");
            return Sighting::Hidden(Held::NotPossible(why));
        }
        match self.inputs.live.volumes.get(id) {
            Some(Seen::Found(object)) => Sighting::Named { object },
            Some(Seen::Unreadable(why)) => Sighting::Hidden(Held::Unreadable(why.to_string())),
            Some(Seen::Absent) | None => {
                findings.push(finding::adopt_not_found(address, id));
                Sighting::Never
            }
        }
    }

    /// Returns the record of an address.
    pub(super) fn recorded(&self, address: &Address) -> Option<&'a Recorded> {
        self.renamed.recorded(address)
    }

    /// Tells whether the create of a volume is still open in the journal, so that an unrecorded one is new and empty.
    pub(super) fn is_open(&self, address: &Address) -> bool {
        self.open.by_address.contains_key(address)
    }
}

/// Sorts pods that carry a token of an address beside the recorded pod: to be retired, copied, or for a person.
fn sort_duplicates<'c, 'a: 'c>(
    address: &Address,
    claims: impl Iterator<Item = &'c Claim<'a>>,
    view: &mut PodView<'a>,
) -> Option<Held> {
    let mut untold = BTreeSet::new();
    for claim in claims {
        match claim.provenance {
            Provenance::Window(sent) if equals(claim.pod, sent) && !holds_data(claim.pod) => {
                view.retire.push(claim.pod);
            }
            Provenance::Open(_) | Provenance::Window(_) | Provenance::Copy => {
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

/// A recorded pod is gone: did the platform migrate it, or did a late create of ours take its place?
fn gone_pod<'a>(
    address: &Address,
    recorded: &'a Recorded,
    claims: &[Claim<'a>],
    view: &mut PodView<'a>,
) -> Sighting<'a, LivePod> {
    let is_same = |claim: &Claim<'a>| recorded.token.as_ref() == Some(claim.token);
    let same_token: Vec<&Claim<'a>> = claims.iter().filter(|claim| is_same(claim)).collect();
    let others = claims.iter().filter(|claim| !is_same(claim));
    match same_token.as_slice() {
        [claim] => match sort_duplicates(address, others, view) {
            Some(held) => Sighting::Hidden(held),
            None => Sighting::Migrated { recorded, object: claim.pod },
        },
        [_, _, ..] => {
            let ids = same_token.iter().map(|claim| claim.pod.id.clone()).collect();
            Sighting::Hidden(Held::Duplicate { ids })
        }
        [] => match adoptable(address, claims, view) {
            Ok(Some((object, _))) => Sighting::Migrated { recorded, object },
            Ok(None) => Sighting::Gone { recorded },
            Err(held) => Sighting::Hidden(held),
        },
    }
}

/// Returns the pod to adopt among those that carry a token of an address; the oldest if there are several of ours.
fn adoptable<'a>(
    address: &Address,
    claims: &[Claim<'a>],
    view: &mut PodView<'a>,
) -> Result<Option<(&'a LivePod, &'a Sent)>, Held> {
    let mut ours: Vec<(&'a LivePod, &'a Sent)> =
        claims.iter().filter_map(|claim| Some((claim.pod, created_by_us(claim)?))).collect();
    ours.sort_by_key(|(pod, _)| (pod.created_at, &pod.id));
    let Some((first, rest)) = ours.split_first() else {
        let held = sort_duplicates(address, claims.iter(), view);
        return held.map_or(Ok(None), Err);
    };
    let is_doubtful =
        |(pod, sent): &&(&LivePod, &Sent)| pod.created_at.is_none() || !equals(pod, sent) || holds_data(pod);
    let mut doubtful: BTreeSet<PodId> =
        rest.iter().filter(is_doubtful).map(|(pod, _)| pod.id.clone()).collect();
    if !doubtful.is_empty() {
        doubtful.insert(first.0.id.clone());
        return Err(Held::Duplicate { ids: doubtful });
    }
    view.retire.extend(rest.iter().map(|(pod, _)| *pod));
    let others = claims.iter().filter(|claim| created_by_us(claim).is_none());
    match sort_duplicates(address, others, view) {
        Some(held) => Err(held),
        None => Ok(Some(*first)),
    }
}

/// Returns what was sent, for a pod that our own request created.
fn created_by_us<'a>(claim: &Claim<'a>) -> Option<&'a Sent> {
    match claim.provenance {
        Provenance::Open(sent) | Provenance::Window(sent) => Some(sent),
        Provenance::Copy | Provenance::Untold => None,
    }
}

/// Returns what was sent, for a pod of a request that is still open.
fn open<'a>(claim: &Claim<'a>) -> Option<&'a Sent> {
    match claim.provenance {
        Provenance::Open(sent) => Some(sent),
        Provenance::Window(_) | Provenance::Copy | Provenance::Untold => None,
    }
}

/// Tells whether a pod looks as the request asked for it.
fn equals(pod: &LivePod, sent: &Sent) -> bool {
    let Sent { name, image, compute, cloud, data_centers, holds_data: _, record: _ } = sent;
    let same_place = pod.data_center.as_ref().is_some_and(|place| data_centers.contains(place));
    pod.name == *name
        && pod.image.as_ref() == Some(image)
        && pod.compute == *compute
        && pod.cloud == *cloud
        && (data_centers.is_empty() || same_place)
}

fn holds_data(pod: &LivePod) -> bool {
    match pod.storage {
        LiveStorage::Local { .. } => true,
        LiveStorage::None | LiveStorage::Network { .. } => false,
    }
}

fn in_window(created: Timestamp, intended: Timestamp) -> bool {
    let after = created.duration_since(intended);
    after >= -SKEW && after <= REQUEST + SKEW
}

/// Tells whether an open intent is a request that may have created something.
fn may_still_create(intent: &OpenIntent) -> bool {
    let creates = match intent.action.step {
        Step::Create => true,
        // The replacement of a stuck pod is part of its start.
        Step::Start => intent.token.is_some(),
        Step::Move
        | Step::Adopt
        | Step::Record
        | Step::Stop
        | Step::Update
        | Step::Delete
        | Step::DeleteDeposed
        | Step::Forget => false,
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

fn accepted(intent: &OpenIntent) -> Option<RemoteId> {
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

/// Only plain pods are ever managed: workers, cluster members and a host's own pods have another owner.
fn is_plain(pod: &LivePod) -> bool {
    match pod.role {
        PodRole::Plain => true,
        PodRole::EndpointWorker | PodRole::ClusterMember | PodRole::Background => false,
    }
}
