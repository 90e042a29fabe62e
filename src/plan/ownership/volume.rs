//! What is known of a network volume's address. A volume has no environment: its name is its mark.

use std::collections::BTreeSet;

use super::Ownership;
use crate::model::address::{Address, Kind};
use crate::model::desired::{Wanted, WantedVolume};
use crate::model::id::{RemoteId, VolumeId};
use crate::model::journal::Asked;
use crate::model::live::{LiveVolume, Seen};
use crate::model::marker::{Token, VolumeMark};
use crate::model::plan::{Finding, Held};
use crate::model::prior::{KnownToken, Prior, Recorded};
use crate::model::provenance::{Provenance as Judged, Viewpoint, Witness, judge_volume};
use crate::plan::presence::Sighting;

impl<'a> Ownership<'a> {
    pub(super) fn claim_volumes(&mut self) {
        let referenced: BTreeSet<&VolumeId> = self
            .inputs
            .desired
            .wanted
            .values()
            .filter_map(|wanted| match wanted {
                Wanted::Volume(WantedVolume::Referenced { id }) => Some(id),
                Wanted::Volume(WantedVolume::Managed { .. })
                | Wanted::Pod(_)
                | Wanted::Secret(_)
                | Wanted::Registry(_) => None,
            })
            .collect();
        for (id, seen) in &self.inputs.live.volumes {
            let Some(volume) = seen.found() else { continue };
            // By id again, not by name; and what the spec refers to by its id is never made ours by a name.
            if self.recorded.contains(&RemoteId::Volume(id.clone())) || referenced.contains(id) {
                continue;
            }
            match self.volume_owner(volume) {
                // Its address has another one, so it is too many, and nobody but a person says of what it is a copy.
                Some((address, _)) if self.renamed.recorded(&address).is_some() => {
                    self.stranger_volumes.insert(id.clone());
                    self.second_volumes.push((address, id.clone()));
                }
                Some((address, asked)) => {
                    self.claimed_at.insert(RemoteId::Volume(id.clone()), address.clone());
                    self.volume_claims.entry(address).or_default().push((volume, asked));
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
    fn volume_owner(&self, volume: &LiveVolume) -> Option<(Address, &'a Asked)> {
        if let Some((address, _, known)) = self.accepted_as(&RemoteId::Volume(volume.id.clone())) {
            return Some((address, &known.asked));
        }
        let mark: VolumeMark = volume.name.parse().ok()?;
        let (token, known) = known_volume(self.inputs.prior, &mark)?;
        let view = Viewpoint::of(&self.inputs.desired.project, self.inputs.prior);
        // The name that was asked for is whole; a token that a rebuild saw in the account came without one.
        let asked_for = known.asked.name.is_none() || known.asked.name.as_ref() == Some(&volume.name);
        match judge_volume(view, Some(&mark), Witness::Journal(known)) {
            Judged::Ours(_) if !self.holders.contains_key(token) && asked_for => {
                Some((self.renamed.address_now(&known.address), &known.asked))
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

    /// Returns what is known of a volume's address.
    pub(in crate::plan) fn volume(
        &self,
        address: &Address,
        named: Option<&VolumeId>,
        findings: &mut Vec<Finding>,
    ) -> Sighting<'a, LiveVolume> {
        let recorded = self.renamed.recorded(address);
        let claims = self.volume_claims.get(address).map_or(&[][..], Vec::as_slice);
        // A second volume costs money for good and splits the data in two, so an address waits until the create settles.
        if claims.is_empty()
            && let Some(held) = self.unsettled_intent(address, recorded)
        {
            return Sighting::Hidden(held);
        }
        match recorded {
            Some(recorded) => self.recorded_volume(address, recorded),
            None => match claims {
                [] => self.named_volume(address, named, findings),
                [(object, asked)] => Sighting::Journal { object, asked: &asked.record },
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

    fn recorded_volume(&self, address: &Address, recorded: &'a Recorded) -> Sighting<'a, LiveVolume> {
        let RemoteId::Volume(id) = &recorded.id else {
            return Sighting::Hidden(Held::Unreadable("the state records a pod here".to_owned()));
        };
        match self.inputs.live.volumes.get(id) {
            None => Sighting::Hidden(Held::Unreadable(format!("network volume `{id}` was not looked at"))),
            Some(Seen::Unreadable(why)) => Sighting::Hidden(Held::Unreadable(why.to_string())),
            Some(Seen::Found(object)) => {
                let mark = object.name.parse::<VolumeMark>().ok();
                let holder = self.holder_of_name(object);
                let mark = mark.as_ref().map(|mark| (&mark.project, &mark.token));
                match self.is_marked_by_other(address, recorded, mark, holder.as_ref()) {
                    Some(held) => Sighting::Hidden(held),
                    None => Sighting::Kept { recorded, object },
                }
            }
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
        let remote = RemoteId::Volume(id.clone());
        let account = (self.inputs.live.volumes.get(id), self.inputs.live.unseen_volume());
        let take = |volume: &LiveVolume| {
            let mark = volume.name.parse::<VolumeMark>().ok();
            let project = mark.as_ref().map(|mark| &mark.project);
            self.is_free(&remote, project, || self.volume_holder(address, id)).map(|()| true)
        };
        self.named(address, &remote, account, findings, take)
    }
}

/// Returns what the journal knows of the token in a volume's name.
pub(in crate::plan) fn known_volume<'a>(
    prior: &'a Prior,
    mark: &VolumeMark,
) -> Option<(&'a Token, &'a KnownToken)> {
    // Tokens are sorted by their digits, so those that begin alike stand together.
    let from = prior.tokens.range(mark.token.clone()..);
    let mut alike = from.take_while(|(token, _)| token.short() == mark.token.short());
    alike.find(|(_, known)| known.address.kind() == Kind::Volume)
}
