//! Which live object belongs to which address, and which to nobody we know.
//!
//! The recorded id decides first. A mark shows where an object came from and is no proof of ownership; what it proves
//! is judged in `model::provenance`. A pod that is not the recorded one is ours only if our own request made it, or if
//! the recorded one is gone and this is the only one with its token and equals its record, as RunPod's migration leaves
//! it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::desired::{Wanted, WantedVolume};
use crate::model::id::{EnvKey, PodId, ProjectName, RemoteId, VolumeId};
use crate::model::journal::{ActionStatus, Sent};
use crate::model::live::{Live, LivePod, LiveVolume, PodRole, PodStatus, Seen};
use crate::model::marker::{MARKER_KEY, Token, VolumeMark};
use crate::model::plan::{Finding, Held, Step};
use crate::model::pod::Storage;
use crate::model::prior::{KnownToken, OpenIntent, Prior, Recorded, RecordedObject};
use crate::model::provenance::{
    Likeness, Part, Provenance as Judged, Spare, Viewpoint, Witness, judge_pod, judge_volume,
    likeness_to_record,
};

use super::presence::{Sighting, Successor};
use super::{Inputs, finding, moves::Renamed, rebuild::Names, rebuild::is_gone, rebuild::named_at};

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
    Window(&'a Sent, Spare),
    /// Outside of that window: a copy.
    Copy,
    /// Outside of the window of a request that is still open: a copy of what it made, or that itself, moved by RunPod.
    Late,
    /// It cannot be told.
    Untold,
}

/// Who owns what.
pub(super) struct Ownership<'a> {
    inputs: &'a Inputs<'a>,
    renamed: &'a Renamed<'a>,
    claims: BTreeMap<Address, Vec<Claim<'a>>>,
    volume_claims: BTreeMap<Address, Vec<(&'a LiveVolume, &'a Sent)>>,
    /// At which address each of them is claimed.
    claimed_at: BTreeMap<RemoteId, Address>,
    /// The first address that names each object by `adopt`.
    named_at: BTreeMap<RemoteId, &'a Address>,
    /// The ids on record.
    recorded: BTreeSet<RemoteId>,
    /// The addresses of the recorded tokens.
    holders: BTreeMap<&'a Token, &'a Address>,
    /// Open requests that may have created something.
    open: Open<'a>,
    /// Whether an entry of a listing cannot be read and is not known to be on record.
    pub(super) unread: Unread,
    /// Ids of live pods that belong to nobody we know.
    pub(super) strangers: BTreeSet<PodId>,
    /// Live volumes that belong to nobody we know.
    pub(super) stranger_volumes: BTreeSet<VolumeId>,
    /// Those of them that carry the mark of an address which has another one.
    pub(super) second_volumes: Vec<(Address, VolumeId)>,
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

/// Whether a listing has entries that may be anything.
pub(super) struct Unread {
    pods: bool,
    volumes: bool,
}

impl Unread {
    fn of(project: &ProjectName, live: &Live, recorded: &BTreeSet<RemoteId>) -> Self {
        let may_be_ours = |id: RemoteId| live.origins.get(&id).is_none_or(|origin| origin.may_be_of(project));
        let pods = live.pods.iter().filter(|(_, seen)| is_unread(seen));
        let mut pods = pods.filter(|(id, _)| may_be_ours(RemoteId::Pod(PodId::clone(id))));
        let volumes = live.volumes.iter().filter(|(_, seen)| is_unread(seen));
        let mut volumes = volumes.filter(|(id, _)| may_be_ours(RemoteId::Volume(VolumeId::clone(id))));
        Self {
            pods: live.unseen_pod().is_some()
                || pods.any(|(id, _)| !recorded.contains(&RemoteId::Pod(id.clone()))),
            volumes: live.unseen_volume().is_some()
                || volumes.any(|(id, _)| !recorded.contains(&RemoteId::Volume(id.clone()))),
        }
    }

    /// Tells whether one of them may be the object of an address.
    pub(super) fn may_be(&self, address: &Address) -> bool {
        if address.is_pod() { self.pods } else { self.volumes }
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
            claimed_at: BTreeMap::new(),
            named_at: named_at(inputs.desired),
            recorded: inputs.prior.remote_ids(),
            holders: BTreeMap::new(),
            open: Open::of(renamed),
            unread: Unread::of(&inputs.desired.project, inputs.live, &inputs.prior.remote_ids()),
            strangers: BTreeSet::new(),
            stranger_volumes: BTreeSet::new(),
            second_volumes: Vec::new(),
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
                Some((address, claim)) => {
                    ownership.claimed_at.insert(RemoteId::Pod(id.clone()), address.clone());
                    ownership.claims.entry(address).or_default().push(claim);
                }
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

    /// Returns what a rebuild saw and could not give an address, by the address of its mark: more of them than the address
    /// has room for, or of one that nobody wants. A key may have had another name when their create was sent, so one of
    /// them may be what stands under another key by now.
    pub(super) fn unplaced(&self) -> BTreeMap<&Address, BTreeSet<RemoteId>> {
        let Inputs { desired, prior, .. } = *self.inputs;
        let names = Names::of(desired);
        let is_surplus = |address: &Address, claims: usize| {
            !desired.wanted.contains_key(address)
                || claims + usize::from(self.renamed.recorded(address).is_some()) > 1
        };
        // A token that only a rebuild has seen came without what was sent.
        let is_doubtful = |claim: &&Claim<'_>| {
            let known = prior.tokens.get(claim.token);
            claim.provenance == Provenance::Untold && known.is_some_and(|known| known.sent.name.is_empty())
        };
        let pods = self.claims.iter().map(|(address, claims)| {
            let seen: Vec<&Claim<'a>> = claims.iter().filter(is_doubtful).collect();
            let is_named_otherwise = seen.iter().any(|claim| names.instead_of(address, claim.pod).is_some());
            let ids = seen.iter().map(|claim| RemoteId::Pod(claim.pod.id.clone()));
            (address, ids.collect::<BTreeSet<RemoteId>>(), is_named_otherwise)
        });
        let volumes = self.volume_claims.iter().map(|(address, claims)| {
            let seen = claims.iter().filter(|(_, sent)| sent.name.is_empty());
            (address, seen.map(|(volume, _)| RemoteId::Volume(volume.id.clone())).collect(), false)
        });
        pods.chain(volumes)
            .filter(|(address, ids, named)| !ids.is_empty() && (*named || is_surplus(address, ids.len())))
            .filter(|(address, _, _)| desired.removal(address).is_none())
            .map(|(address, ids, _)| (address, ids))
            .collect()
    }

    fn claim(&self, pod: &'a LivePod) -> Option<(Address, Claim<'a>)> {
        if let Some((address, token, known)) = self.accepted_as(&RemoteId::Pod(pod.id.clone())) {
            return Some((address, Claim { pod, token, provenance: Provenance::Open(&known.sent) }));
        }
        let token = &pod.marker.as_ref()?.token;
        let known = self.inputs.prior.tokens.get(token)?;
        let view = Viewpoint::of(&self.inputs.desired.project, self.inputs.prior);
        let provenance =
            match (judge_pod(view, pod, Witness::Journal(known)), self.open.tokens.contains(token)) {
                (Judged::Ours(_) | Judged::NotTold(_), true) => Provenance::Open(&known.sent),
                (Judged::Ours(spare), false) => Provenance::Window(&known.sent, spare),
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
        let is_chosen = known.sent.name.is_empty() && self.renamed.recorded(&address).is_some_and(is_there);
        let provenance = match provenance {
            Provenance::Untold if is_chosen => Provenance::Copy,
            told => told,
        };
        Some((address, Claim { pod, token, provenance }))
    }

    /// Returns the create whose answer named this object, if it is still open.
    fn accepted_as(&self, id: &RemoteId) -> Option<(Address, &'a Token, &'a KnownToken)> {
        let intent = self.open.accepted.get(id)?;
        let (token, known) = self.inputs.prior.tokens.get_key_value(intent.token.as_ref()?)?;
        Some((intent.action.address.clone(), token, known))
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
                // Its address has another one, so it is too many, and nobody but a person says of what it is a copy.
                Some((address, _)) if self.renamed.recorded(&address).is_some() => {
                    self.stranger_volumes.insert(id.clone());
                    self.second_volumes.push((address, id.clone()));
                }
                Some((address, sent)) => {
                    self.claimed_at.insert(RemoteId::Volume(id.clone()), address.clone());
                    self.volume_claims.entry(address).or_default().push((volume, sent));
                }
                None => {
                    self.stranger_volumes.insert(id.clone());
                    if let Some(address) = self.holder_of_name(volume) {
                        self.second_volumes.push((address, id.clone()));
                    }
                }
            }
        }
    }

    /// Returns the address whose recorded volume has the token in the name of another one.
    fn holder_of_name(&self, volume: &LiveVolume) -> Option<Address> {
        let mark: VolumeMark = volume.name.parse().ok()?;
        let (token, _) = known_volume(self.inputs.prior, &mark)?;
        let is_ours = mark.project == self.inputs.desired.project;
        self.holders.get(token).filter(|_| is_ours).map(|address| Address::clone(address))
    }

    /// A name is kept for good, so the key in it is the one at creation. A volume with the token of a recorded one
    /// was named so by hand.
    fn volume_owner(&self, volume: &LiveVolume) -> Option<(Address, &'a Sent)> {
        if let Some((address, _, known)) = self.accepted_as(&RemoteId::Volume(volume.id.clone())) {
            return Some((address, &known.sent));
        }
        let mark: VolumeMark = volume.name.parse().ok()?;
        let (token, known) = known_volume(self.inputs.prior, &mark)?;
        let view = Viewpoint::of(&self.inputs.desired.project, self.inputs.prior);
        // The name that was asked for is whole; a token that a rebuild saw in the account came without one.
        let asked_for = known.sent.name.is_empty() || known.sent.name == volume.name;
        match judge_volume(view, Some(&mark), Witness::Journal(known)) {
            Judged::Ours(_) if !self.holders.contains_key(token) && asked_for => {
                Some((self.renamed.address_now(&known.address), &known.sent))
            }
            Judged::Ours(_)
            | Judged::Unmarked
            | Judged::OtherProject(_)
            | Judged::OtherState(_)
            | Judged::NewerState(_)
            | Judged::GivenUp
            | Judged::Copy { .. }
            | Judged::NotTold(_) => None,
        }
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
            Some(recorded) => self.recorded_pod(address, recorded, (claims, named), &mut view),
            None => self.unrecorded_pod(address, claims, named, &mut view),
        };
        view
    }

    fn recorded_pod(
        &self,
        address: &Address,
        recorded: &'a Recorded,
        (claims, named): (&[Claim<'a>], Option<&PodId>),
        view: &mut PodView<'a>,
    ) -> Sighting<'a, LivePod> {
        if let Some(held) = self.unsettled(address, Some(recorded), claims) {
            return Sighting::Hidden(held);
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
            Some(Seen::Absent | Seen::Found(_)) => self.gone_pod(address, recorded, (claims, named), view),
        }
    }

    fn unrecorded_pod(
        &self,
        address: &Address,
        claims: &[Claim<'a>],
        named: Option<&PodId>,
        view: &mut PodView<'a>,
    ) -> Sighting<'a, LivePod> {
        if let Some(held) = self.unsettled(address, None, claims) {
            return Sighting::Hidden(held);
        }
        let may_be_a_copy = |claim: &&Claim<'a>| created_by_us(claim).is_none();
        let doubtful = claims.iter().filter(may_be_a_copy).find(|claim| named == Some(&claim.pod.id));
        if let Some(claim) = doubtful {
            return Sighting::Named { object: claim.pod };
        }
        match adoptable(address, claims, self.is_wanted(address), view) {
            Ok(Some((object, sent))) => return Sighting::Journal { object, sent: &sent.record },
            Err(held) => return Sighting::Hidden(held),
            Ok(None) => {}
        }
        let Some(id) = named else { return Sighting::Never };
        if let Some(held) = self.named_elsewhere(address, &RemoteId::Pod(id.clone())) {
            return Sighting::Hidden(held);
        }
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
            Some(Seen::Found(object)) if has_odd_mark(object) => {
                let why = format!(
                    "`adopt` names pod `{id}`, whose mark cannot be read, so another podform may manage it; take \
                     `{MARKER_KEY}` out of its variables first"
                );
                Sighting::Hidden(Held::NotPossible(why))
            }
            Some(Seen::Found(object)) if object.status != PodStatus::Terminated => {
                match self.other_project(object.marker.as_ref().map(|marker| &marker.project)) {
                    Some(project) => {
                        Sighting::Hidden(Held::OtherProject { id: RemoteId::Pod(id.clone()), project })
                    }
                    None => match self.holder_of(address, id) {
                        Some(holder) => {
                            let why =
                                format!("`adopt` names pod `{id}`, which is that of `{holder}` by its token");
                            Sighting::Hidden(Held::NotPossible(why))
                        }
                        None => Sighting::Named { object },
                    },
                }
            }
            Some(Seen::Unreadable(why)) => Sighting::Hidden(Held::Unreadable(why.to_string())),
            Some(Seen::Absent | Seen::Found(_)) | None => match self.inputs.live.unseen_pod() {
                Some(why) => Sighting::Hidden(Held::Unreadable(format!("pod `{id}`: {why}"))),
                None => {
                    view.findings.push(finding::adopt_not_found(address, id));
                    Sighting::Never
                }
            },
        }
    }

    /// Holds all but the first address that `adopt` gives one object to.
    fn named_elsewhere(&self, address: &Address, id: &RemoteId) -> Option<Held> {
        let first = self.named_at.get(id).filter(|first| **first != address)?;
        Some(Held::NotPossible(format!("`adopt` of `{first}` names `{id}` as well")))
    }

    /// Returns the other address that a pod is taken for. One object is never at two addresses.
    fn holder_of(&self, address: &Address, id: &PodId) -> Option<&Address> {
        let other = self.claimed_at.get(&RemoteId::Pod(id.clone())).filter(|other| *other != address)?;
        let takes = match self.pod(other, None).sighting {
            Sighting::Migrated { recorded: _, object, by: _ }
            | Sighting::Journal { object, sent: _ }
            | Sighting::Superseded { recorded: _, object: _, successor: object, sent: _ } => object.id == *id,
            Sighting::Kept { .. }
            | Sighting::Gone { .. }
            | Sighting::Named { .. }
            | Sighting::Never
            | Sighting::Hidden(_) => false,
        };
        takes.then_some(other)
    }

    /// Holds an address if a create of an earlier run may still show up there and has not.
    fn unsettled(
        &self,
        address: &Address,
        recorded: Option<&Recorded>,
        claims: &[Claim<'a>],
    ) -> Option<Held> {
        if claims.iter().any(|claim| open(claim).is_some()) {
            return None;
        }
        self.unsettled_intent(address, recorded)
    }

    /// How long ago a create was intended is told by RunPod's clock alone; where it is not, it may still show up.
    fn unsettled_intent(&self, address: &Address, recorded: Option<&Recorded>) -> Option<Held> {
        let is_recorded = |intent: &OpenIntent| {
            recorded.is_some_and(|recorded| {
                (intent.token.is_some() && recorded.token == intent.token)
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
            let until = then.checked_add(*settling).unwrap_or(Timestamp::MAX);
            latest = latest.max(Some(until)).filter(|until| now < *until);
        }
        latest.map(|until| Held::Unsettled { until })
    }

    /// Returns the project of a mark if it is not ours.
    fn other_project(&self, project: Option<&ProjectName>) -> Option<ProjectName> {
        let Inputs { desired, options, .. } = *self.inputs;
        let other = project.filter(|project| **project != desired.project);
        other.filter(|project| options.from_project.as_ref() != Some(*project)).cloned()
    }

    /// A recorded pod is gone: did the platform migrate it, did a late create of ours take its place, or is what carries
    /// its token somebody's copy?
    fn gone_pod(
        &self,
        address: &Address,
        recorded: &'a Recorded,
        (claims, named): (&[Claim<'a>], Option<&PodId>),
        view: &mut PodView<'a>,
    ) -> Sighting<'a, LivePod> {
        let is_same = |claim: &Claim<'a>| recorded.token.as_ref() == Some(claim.token);
        let same_token: Vec<&Claim<'a>> = claims.iter().filter(|claim| is_same(claim)).collect();
        let others = claims.iter().filter(|claim| !is_same(claim));
        if same_token.is_empty() {
            return match adoptable(address, claims, self.is_wanted(address), view) {
                Ok(Some((object, _))) => Sighting::Migrated { recorded, object, by: Successor::Made },
                Ok(None) => Sighting::Gone { recorded },
                Err(held) => Sighting::Hidden(held),
            };
        }
        let is_wanted = self.is_wanted(address);
        let asked_for = same_token.iter().find(|claim| named == Some(&claim.pod.id));
        let migrated = match (asked_for, &same_token[..]) {
            (Some(claim), _) => Ok((claim.pod, Successor::Named)),
            (None, [claim]) => match self.likeness(claim.pod, recorded) {
                // RunPod's migration and a copy look alike. To go on with it loses nothing; to end it could.
                Likeness::Equal if !is_wanted && has_disk(claim.pod) => Err(None),
                Likeness::Equal => Ok((claim.pod, Successor::Moved)),
                Likeness::AsFarAsTold(part) | Likeness::Differs(part) => Err(Some(part)),
            },
            (None, [] | [_, _, ..]) => Err(None),
        };
        match migrated {
            Err(differs) => {
                let ids = same_token.iter().map(|claim| claim.pod.id.clone()).collect();
                Sighting::Hidden(Held::Copied { ids, differs })
            }
            Ok((object, by)) => match sort_duplicates(address, others, view) {
                Some(held) => Sighting::Hidden(held),
                None => Sighting::Migrated { recorded, object, by },
            },
        }
    }

    fn is_wanted(&self, address: &Address) -> bool {
        !self.inputs.options.destroy && self.inputs.desired.wanted.contains_key(address)
    }

    fn likeness(&self, pod: &LivePod, recorded: &Recorded) -> Likeness {
        match &recorded.object {
            RecordedObject::Pod(record) => {
                let volume = record.container.storage.volume().and_then(|volume| self.volume_id(volume));
                likeness_to_record(pod, record, volume)
            }
            RecordedObject::Volume(_) => Likeness::Differs(Part::Hardware),
        }
    }

    /// Returns the id of a network volume on record, or of one that the spec gives by its id.
    fn volume_id(&self, address: &Address) -> Option<&VolumeId> {
        match (self.inputs.desired.wanted.get(address), self.renamed.recorded(address).map(|held| &held.id)) {
            (Some(Wanted::Volume(WantedVolume::Referenced { id })), _) => Some(id),
            (_, Some(RemoteId::Volume(id))) => Some(id),
            (_, Some(RemoteId::Pod(_)) | None) => None,
        }
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
            && let Some(held) = self.unsettled_intent(address, recorded)
        {
            return Sighting::Hidden(held);
        }
        match recorded {
            Some(recorded) => self.recorded_volume(recorded),
            None => match claims {
                [] => self.named_volume(address, named, findings),
                [(object, sent)] => Sighting::Journal { object, sent: &sent.record },
                [_, _, ..] if claims.iter().any(|(volume, _)| named == Some(&volume.id)) => {
                    self.named_volume(address, named, findings)
                }
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

    fn volume_holder(&self, address: &Address, id: &VolumeId) -> Option<&Address> {
        let other = self.claimed_at.get(&RemoteId::Volume(id.clone())).filter(|other| *other != address)?;
        // Of several that carry one token none is taken.
        let is_only = self.volume_claims.get(other).is_some_and(|claims| claims.len() == 1);
        (is_only && self.is_wanted(other)).then_some(other)
    }

    fn named_volume(
        &self,
        address: &Address,
        named: Option<&VolumeId>,
        findings: &mut Vec<Finding>,
    ) -> Sighting<'a, LiveVolume> {
        let Some(id) = named else { return Sighting::Never };
        if let Some(held) = self.named_elsewhere(address, &RemoteId::Volume(id.clone())) {
            return Sighting::Hidden(held);
        }
        if self.recorded.contains(&RemoteId::Volume(id.clone())) {
            let why =
                format!("`adopt` names network volume `{id}`, which the state has under another address");
            return Sighting::Hidden(Held::NotPossible(why));
        }
        match self.inputs.live.volumes.get(id) {
            Some(Seen::Found(object)) => {
                let mark = object.name.parse::<VolumeMark>().ok();
                match self.other_project(mark.as_ref().map(|mark| &mark.project)) {
                    Some(project) => {
                        Sighting::Hidden(Held::OtherProject { id: RemoteId::Volume(id.clone()), project })
                    }
                    None => match self.volume_holder(address, id) {
                        Some(holder) => {
                            let why = format!(
                                "`adopt` names network volume `{id}`, which is that of `{holder}` by its token"
                            );
                            Sighting::Hidden(Held::NotPossible(why))
                        }
                        None => Sighting::Named { object },
                    },
                }
            }
            Some(Seen::Unreadable(why)) => Sighting::Hidden(Held::Unreadable(why.to_string())),
            Some(Seen::Absent) | None => match self.inputs.live.unseen_volume() {
                Some(why) => Sighting::Hidden(Held::Unreadable(format!("network volume `{id}`: {why}"))),
                None => {
                    findings.push(finding::adopt_not_found(address, id));
                    Sighting::Never
                }
            },
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

fn is_unread<T>(seen: &Seen<T>) -> bool {
    match seen {
        Seen::Unreadable(_) => true,
        Seen::Found(_) | Seen::Absent => false,
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
/// it equals what was sent and holds nothing; else it may be a copy that was made at once. Where a pod is wanted, a person
/// says which, as a third one may be one too many; where none is, it is left alone.
fn adoptable<'a>(
    address: &Address,
    claims: &[Claim<'a>],
    is_wanted: bool,
    view: &mut PodView<'a>,
) -> Result<Option<(&'a LivePod, &'a Sent)>, Held> {
    let mut ours: Vec<(&Claim<'a>, &'a Sent)> =
        claims.iter().filter_map(|claim| Some((claim, created_by_us(claim)?))).collect();
    ours.sort_by_key(|(claim, _)| (claim.pod.created_at, &claim.pod.id));
    let Some(((first, sent), rest)) = ours.split_first() else {
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
        None => Ok(Some((first.pod, sent))),
    }
}

/// Returns what was sent, for a pod that our own request created: an open one, or one of which it is the second.
fn created_by_us<'a>(claim: &Claim<'a>) -> Option<&'a Sent> {
    match claim.provenance {
        Provenance::Open(sent) | Provenance::Window(sent, Spare::MayGo) => Some(sent),
        Provenance::Window(_, Spare::HoldsData | Spare::Differs(_) | Spare::NotKnown)
        | Provenance::Copy
        | Provenance::Late
        | Provenance::Untold => None,
    }
}

/// Returns what was sent, for a pod of a request that is still open.
fn open<'a>(claim: &Claim<'a>) -> Option<&'a Sent> {
    match claim.provenance {
        Provenance::Open(sent) => Some(sent),
        Provenance::Window(..) | Provenance::Copy | Provenance::Late | Provenance::Untold => None,
    }
}

fn has_disk(pod: &LivePod) -> bool {
    match pod.settings.storage {
        Storage::Local { .. } => true,
        Storage::None | Storage::Network { .. } => false,
    }
}

/// Returns what the journal knows of the token in a volume's name.
pub(super) fn known_volume<'a>(prior: &'a Prior, mark: &VolumeMark) -> Option<(&'a Token, &'a KnownToken)> {
    // Tokens are sorted by their digits, so those that begin alike stand together.
    let from = prior.tokens.range(mark.token.clone()..);
    let mut alike = from.take_while(|(token, _)| token.short() == mark.token.short());
    alike.find(|(_, known)| !known.address.is_pod())
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

/// Tells whether a pod carries a mark that this podform does not write.
pub(super) fn has_odd_mark(pod: &LivePod) -> bool {
    pod.marker.is_none() && pod.settings.env.contains_key(&EnvKey::new(MARKER_KEY))
}

/// Only plain pods are ever managed: workers, cluster members and a host's own pods have another owner.
fn is_plain(pod: &LivePod) -> bool {
    match pod.role {
        PodRole::Plain => true,
        PodRole::EndpointWorker | PodRole::ClusterMember | PodRole::Background => false,
    }
}
