//! Which live object belongs to which address, and which to nobody we know.
//!
//! The recorded id decides first. A mark shows where an object came from and is no proof of ownership; what it proves
//! is judged in `model::provenance`. A pod that is not the recorded one is ours only if our own request made it, or if
//! the recorded one is gone and this is the only one with its token and equals its record, as RunPod's migration leaves
//! it.

mod claim;
mod open;
mod pod;
mod volume;

use std::collections::{BTreeMap, BTreeSet};

use self::claim::{Claim, Provenance};
use self::open::Open;
use self::pod::is_plain;

pub(super) use self::pod::PodView;
pub(super) use self::volume::known_volume;
use crate::model::address::{Address, Kind};
use crate::model::desired::{Wanted, WantedVolume};
use crate::model::id::{PodId, ProjectName, RemoteId, VolumeId};
use crate::model::journal::Asked;
use crate::model::live::{Live, LivePod, LiveVolume, PodRole, Seen, Unreadable};
use crate::model::marker::{Token, VolumeMark};
use crate::model::plan::{Finding, Held};
use crate::model::prior::Recorded;
use crate::plan::moves::Renamed;
use crate::plan::presence::Sighting;
use crate::plan::rebuild::{Names, named_at};
use crate::plan::{Inputs, finding};

pub(super) struct Ownership<'a> {
    inputs: &'a Inputs<'a>,
    renamed: &'a Renamed<'a>,
    claims: BTreeMap<Address, Vec<Claim<'a>>>,
    volume_claims: BTreeMap<Address, Vec<(&'a LiveVolume, &'a Asked)>>,
    /// At which address each of them is claimed.
    claimed_at: BTreeMap<RemoteId, Address>,
    /// The first address that names each object by `adopt`.
    named_at: BTreeMap<RemoteId, &'a Address>,
    pub(super) recorded: BTreeSet<RemoteId>,
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

/// Whether a listing has entries that may be anything.
pub(super) struct Unread {
    secrets: bool,
    registries: bool,
    pods: bool,
    volumes: bool,
}

impl Unread {
    fn of(project: &ProjectName, live: &Live, recorded: &BTreeSet<RemoteId>) -> Self {
        // What is on record is no new object, and what says that it is another project's is none of ours; any other entry
        // may be what an open create has made, so that nothing may be made in its place.
        let may_be_new = |id: RemoteId| {
            !recorded.contains(&id) && live.origins.get(&id).is_none_or(|origin| origin.may_be_of(project))
        };
        let pod = |(id, seen): (&PodId, &Seen<_>)| is_unread(seen) && may_be_new(RemoteId::Pod(id.clone()));
        let volume =
            |(id, seen): (&VolumeId, &Seen<_>)| is_unread(seen) && may_be_new(RemoteId::Volume(id.clone()));
        Self {
            secrets: !live.secrets.is_whole(),
            registries: !live.registries.is_whole(),
            pods: live.unseen_pod().is_some() || live.pods.iter().any(pod),
            volumes: live.unseen_volume().is_some() || live.volumes.iter().any(volume),
        }
    }

    /// Tells whether one of them may be the object of an address.
    pub(super) fn may_be(&self, address: &Address) -> bool {
        match address.kind() {
            Kind::Secret => self.secrets,
            Kind::Registry => self.registries,
            Kind::Volume => self.volumes,
            Kind::Pod => self.pods,
        }
    }
}

impl<'a> Ownership<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>, renamed: &'a Renamed<'a>) -> Self {
        let recorded = inputs.prior.remote_ids();
        let mut ownership = Self {
            inputs,
            renamed,
            claims: BTreeMap::new(),
            volume_claims: BTreeMap::new(),
            claimed_at: BTreeMap::new(),
            named_at: named_at(inputs.desired),
            holders: BTreeMap::new(),
            open: Open::of(renamed),
            unread: Unread::of(&inputs.desired.project, inputs.live, &recorded),
            recorded,
            strangers: BTreeSet::new(),
            stranger_volumes: BTreeSet::new(),
            second_volumes: Vec::new(),
        };
        for (address, recorded) in &renamed.objects {
            if let Some(token) = &recorded.record.token {
                ownership.holders.entry(token).or_insert(address);
            }
        }
        for (id, seen) in &inputs.live.pods {
            let Some(pod) = seen.found() else { continue };
            if pod.role == PodRole::Mover && !ownership.recorded.contains(&RemoteId::Pod(id.clone())) {
                ownership.strangers.insert(id.clone());
            }
            if !is_plain(pod) {
                continue;
            }
            // The id decides, whatever its mark says by now: anybody can write into an environment.
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
            claim.provenance == Provenance::Untold && known.is_some_and(|known| known.asked.name.is_none())
        };
        let pods = self.claims.iter().map(|(address, claims)| {
            let seen: Vec<&Claim<'a>> = claims.iter().filter(is_doubtful).collect();
            let is_named_otherwise = seen.iter().any(|claim| names.instead_of(address, claim.pod).is_some());
            let ids = seen.iter().map(|claim| RemoteId::Pod(claim.pod.id.clone()));
            (address, ids.collect::<BTreeSet<RemoteId>>(), is_named_otherwise)
        });
        let volumes = self.volume_claims.iter().map(|(address, claims)| {
            let seen = claims.iter().filter(|(_, asked)| asked.name.is_none());
            (address, seen.map(|(volume, _)| RemoteId::Volume(volume.id.clone())).collect(), false)
        });
        pods.chain(volumes)
            .filter(|(address, ids, named)| !ids.is_empty() && (*named || is_surplus(address, ids.len())))
            .filter(|(address, _, _)| desired.removal(address).is_none())
            .map(|(address, ids, _)| (address, ids))
            .collect()
    }

    /// Judges what `adopt` names: `take` says whether there is anything to take, or why it must not be.
    fn named<O>(
        &self,
        address: &Address,
        id: &RemoteId,
        (seen, unseen): (Option<&'a Seen<O>>, Option<Unreadable>),
        findings: &mut Vec<Finding>,
        take: impl FnOnce(&'a O) -> Result<bool, Held>,
    ) -> Sighting<'a, O> {
        // What the spec and the state say goes before what is seen: an id that is taken is refused also where nobody could
        // look, and a listing that lags never lets it through.
        if let Some(held) = self.named_elsewhere(address, id) {
            return Sighting::Hidden(held);
        }
        if self.recorded.contains(id) {
            return Sighting::Hidden(not_possible(id, "which the state has under another address"));
        }
        match seen {
            Some(Seen::Found(object)) => match take(object) {
                Ok(true) => return Sighting::Named { object },
                Ok(false) => {}
                Err(held) => return Sighting::Hidden(held),
            },
            Some(Seen::Unreadable(why)) => return Sighting::Hidden(Held::Unreadable(why.to_string())),
            Some(Seen::Absent) | None => {}
        }
        match unseen {
            // An entry without an id may be it, so it is not said to be missing.
            Some(why) => Sighting::Hidden(Held::Unreadable(format!("{} `{id}`: {why}", kind_of(id)))),
            None => {
                findings.push(finding::adopt_not_found(address, id));
                Sighting::Never
            }
        }
    }

    /// Holds what another project marks, or another address has by its token: `adopt` is no authority over these.
    fn is_free<'h>(
        &self,
        id: &RemoteId,
        project: Option<&ProjectName>,
        holder: impl FnOnce() -> Option<&'h Address>,
    ) -> Result<(), Held> {
        if let Some(project) = self.other_project(project) {
            return Err(Held::OtherProject { id: id.clone(), project });
        }
        let taken = |holder: &Address| not_possible(id, &format!("which is that of `{holder}` by its token"));
        holder().map_or(Ok(()), |holder| Err(taken(holder)))
    }

    /// Holds a recorded object that carries another project's mark, or that of another address. A record is a row that
    /// anybody with the right to write there can change, and an id in it that was never this address's own is no reason to
    /// touch what a mark says is theirs. What was taken over from there is on record without a token, or with the one that it
    /// carries.
    fn is_marked_by_other(
        &self,
        address: &Address,
        recorded: &Recorded,
        mark: Option<(&ProjectName, &Token)>,
        holder: Option<&Address>,
    ) -> Option<Held> {
        let (project, marked) = mark?;
        recorded.record.token.as_ref().filter(|token| token.short() != marked.short())?;
        let id = recorded.id.clone();
        if let Some(project) = self.other_project(Some(project)) {
            return Some(Held::RecordedOther { id, project });
        }
        // Where that address has its own mark as well, somebody has copied it into this one's environment.
        let holder = holder.filter(|holder| *holder != address && !self.carries(holder, marked))?.clone();
        Some(Held::RecordedElsewhere { id, holder })
    }

    /// Tells whether the recorded object of an address carries a token.
    fn carries(&self, address: &Address, token: &Token) -> bool {
        let Live { pods, volumes, .. } = self.inputs.live;
        let carried = match self.recorded(address).map(|recorded| &recorded.id) {
            Some(RemoteId::Pod(id)) => {
                let marker = pods.get(id).and_then(|seen| seen.found()?.marker.as_ref());
                marker.map(|marker| marker.token.clone())
            }
            Some(RemoteId::Volume(id)) => {
                let mark = volumes.get(id).and_then(|seen| seen.found()?.name.parse::<VolumeMark>().ok());
                mark.map(|mark| mark.token)
            }
            Some(RemoteId::Secret(_) | RemoteId::Registry(_)) | None => None,
        };
        carried.is_some_and(|carried| carried.short() == token.short())
    }

    /// The same for a pod that the record says to be replaced. Which token it had is not on record any more, so one that was
    /// taken over from another project is a person's to end too.
    pub(super) fn deposed_marked_by_other(&self, pod: &LivePod) -> Option<Held> {
        let project = self.other_project(pod.marker.as_ref().map(|marker| &marker.project))?;
        Some(Held::RecordedOther { id: RemoteId::Pod(pod.id.clone()), project })
    }

    /// Holds all but the first address that `adopt` gives one object to: the state refuses a second record of it.
    fn named_elsewhere(&self, address: &Address, id: &RemoteId) -> Option<Held> {
        let first = self.named_at.get(id).filter(|first| **first != address)?;
        Some(Held::NotPossible(format!("`adopt` of `{first}` names `{id}` as well")))
    }

    /// Returns the project of a mark if it is not ours.
    fn other_project(&self, project: Option<&ProjectName>) -> Option<ProjectName> {
        let Inputs { desired, options, .. } = *self.inputs;
        let other = project.filter(|project| **project != desired.project);
        other.filter(|project| options.from_project.as_ref() != Some(*project)).cloned()
    }

    fn is_wanted(&self, address: &Address) -> bool {
        !self.inputs.options.destroy && self.inputs.desired.wanted.contains_key(address)
    }

    /// Returns the id of a network volume on record, or of one that the spec gives by its id.
    fn volume_id(&self, address: &Address) -> Option<&VolumeId> {
        match (self.inputs.desired.wanted.get(address), self.renamed.recorded(address).map(|held| &held.id)) {
            (Some(Wanted::Volume(WantedVolume::Referenced { id })), _) => Some(id),
            (_, Some(RemoteId::Volume(id))) => Some(id),
            (_, Some(RemoteId::Pod(_) | RemoteId::Secret(_) | RemoteId::Registry(_)) | None) => None,
        }
    }

    pub(super) fn recorded(&self, address: &Address) -> Option<&'a Recorded> {
        self.renamed.recorded(address)
    }

    /// Tells whether the create of a volume is still open in the journal, so that an unrecorded one is new and empty.
    pub(super) fn is_open(&self, address: &Address) -> bool {
        self.open.by_address.contains_key(address)
    }
}

fn not_possible(id: &RemoteId, why: &str) -> Held {
    Held::NotPossible(format!("`adopt` names {} `{id}`, {why}", kind_of(id)))
}

fn kind_of(id: &RemoteId) -> &'static str {
    match id {
        RemoteId::Pod(_) => "pod",
        RemoteId::Volume(_) => "network volume",
        RemoteId::Secret(_) => "secret",
        RemoteId::Registry(_) => "registry",
    }
}

fn is_unread<T>(seen: &Seen<T>) -> bool {
    match seen {
        Seen::Unreadable(_) => true,
        Seen::Found(_) | Seen::Absent => false,
    }
}
