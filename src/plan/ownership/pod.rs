//! What is known of a pod's address.

use std::collections::BTreeSet;

use super::claim::{Claim, adoptable, created_by_us, open, sort_duplicates};
use super::{Ownership, not_possible};
use crate::model::address::Address;
use crate::model::clock::SignedDuration;
use crate::model::id::{EnvKey, PodId, RemoteId};
use crate::model::live::{LivePod, PodRole, PodStatus, Seen};
use crate::model::marker::MARKER_KEY;
use crate::model::plan::{Finding, Held};
use crate::model::pod::{Compute, Storage};
use crate::model::prior::Recorded;
use crate::model::provenance::{Likeness, Part, likeness_to_record};
use crate::plan::presence::{Sighting, Successor};

/// How long RunPod may take to move a pod with its data. How long it takes until it gives up is in no document; a pod
/// without GPUs that is older has lost them.
const LONGEST_MOVE: SignedDuration = SignedDuration::from_hours(6);

pub(in crate::plan) struct PodView<'a> {
    pub(in crate::plan) sighting: Sighting<'a, LivePod>,
    /// Duplicates that are provably ours and hold no data.
    pub(in crate::plan) retire: Vec<&'a LivePod>,
    /// Copies of its marker.
    pub(in crate::plan) findings: Vec<Finding>,
    /// Pods of `findings`, which are listed as unmanaged.
    pub(in crate::plan) copies: BTreeSet<PodId>,
}

impl<'a> Ownership<'a> {
    /// Returns what is known of a pod's address.
    pub(in crate::plan) fn pod(&self, address: &Address, named: Option<&PodId>) -> PodView<'a> {
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
        // Before anything else: a create of an earlier run may have made the next pod of this address, and whatever is
        // decided without it would make a second or end the only one.
        if let Some(held) = self.unsettled(address, Some(recorded), claims) {
            return Sighting::Hidden(held);
        }
        let RemoteId::Pod(id) = &recorded.id else {
            return Sighting::Hidden(Held::Unreadable("the state records a volume here".to_owned()));
        };
        match self.inputs.live.pods.get(id) {
            Some(Seen::Unreadable(why)) => Sighting::Hidden(Held::Unreadable(why.to_string())),
            Some(Seen::Found(object)) if object.status != PodStatus::Terminated => {
                let mark = object.marker.as_ref();
                let holder = mark.and_then(|mark| self.holders.get(&mark.token)).map(|holder| &**holder);
                let mark = mark.map(|mark| (&mark.project, &mark.token));
                if let Some(held) = self.is_marked_by_other(address, recorded, mark, holder) {
                    return Sighting::Hidden(held);
                }
                // While RunPod moves a pod, both are there, and the old one refuses to be stopped or ended.
                let is_moved = |claim: &&Claim<'a>| {
                    recorded.record.token.as_ref() == Some(claim.token) && self.is_target(claim.pod, object)
                };
                if let Some(claim) = claims.iter().find(is_moved) {
                    return Sighting::Hidden(Held::Migrating { id: claim.pod.id.clone() });
                }
                // A replacement that creates first was cut off between its create and its delete.
                let successor = claims.iter().find_map(|claim| Some((claim.pod, open(claim)?)));
                let others = claims.iter().filter(|claim| open(claim).is_none());
                if let Some(held) = sort_duplicates(address, others, view) {
                    return Sighting::Hidden(held);
                }
                match successor {
                    Some((successor, asked)) => {
                        Sighting::Superseded { recorded, object, successor, asked: &asked.record }
                    }
                    None => Sighting::Kept { recorded, object },
                }
            }
            // It is known to be no more, and nobody looks for it.
            Some(Seen::Absent | Seen::Found(_)) | None if recorded.is_gone() => {
                self.ended_pod(address, recorded, claims, view)
            }
            // Every recorded id is looked for, so silence about one says nothing of the pod.
            None => Sighting::Hidden(Held::Unreadable(format!("pod `{id}` was not looked at"))),
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
        // Whether it is a copy only a person can tell, and whoever names it by `adopt` has told. Asked before the rest, as
        // that same doubt would hold the address.
        let may_be_a_copy = |claim: &&Claim<'a>| created_by_us(claim).is_none();
        let doubtful = claims.iter().filter(may_be_a_copy).find(|claim| named == Some(&claim.pod.id));
        if let Some(claim) = doubtful {
            return Sighting::Named { object: claim.pod };
        }
        match adoptable(address, claims, self.is_wanted(address), view) {
            Ok(Some((object, asked))) => return Sighting::Journal { object, asked: &asked.record },
            Err(held) => return Sighting::Hidden(held),
            Ok(None) => {}
        }
        let Some(id) = named else { return Sighting::Never };
        let remote = RemoteId::Pod(id.clone());
        let account = (self.inputs.live.pods.get(id), self.inputs.live.unseen_pod());
        let take = |pod: &LivePod| {
            if !is_plain(pod) {
                return Err(not_possible(
                    &remote,
                    "which belongs to an endpoint, a cluster, a host or RunPod",
                ));
            }
            // What a later podform writes may not be readable to this one.
            if has_odd_mark(pod) {
                let why = format!(
                    "whose mark cannot be read, so another podform may manage it; take `{MARKER_KEY}` out of its \
                     variables first"
                );
                return Err(not_possible(&remote, &why));
            }
            if pod.status == PodStatus::Terminated {
                return Ok(false);
            }
            let project = pod.marker.as_ref().map(|marker| &marker.project);
            self.is_free(&remote, project, || self.holder_of(address, id)).map(|()| true)
        };
        self.named(address, &remote, account, &mut view.findings, take)
    }

    /// Returns the other address that a pod is taken for. One object is never at two addresses.
    fn holder_of(&self, address: &Address, id: &PodId) -> Option<&Address> {
        let other = self.claimed_at.get(&RemoteId::Pod(id.clone())).filter(|other| *other != address)?;
        let takes = match self.pod(other, None).sighting {
            Sighting::Migrated { recorded: _, object, by: _ }
            | Sighting::Journal { object, asked: _ }
            | Sighting::Superseded { recorded: _, object: _, successor: object, asked: _ } => {
                object.id == *id
            }
            Sighting::Kept { .. }
            | Sighting::Gone { .. }
            | Sighting::Named { .. }
            | Sighting::Never
            | Sighting::Hidden(_) => false,
        };
        takes.then_some(other)
    }

    /// The pod of a job is known to be no more, so that what carries its token is somebody's copy and nothing that RunPod moved.
    fn ended_pod(
        &self,
        address: &Address,
        recorded: &'a Recorded,
        claims: &[Claim<'a>],
        view: &mut PodView<'a>,
    ) -> Sighting<'a, LivePod> {
        let is_later = |claim: &&Claim<'a>| recorded.record.token.as_ref() != Some(claim.token);
        view.copies.extend(claims.iter().filter(|claim| !is_later(claim)).map(|claim| claim.pod.id.clone()));
        let later: Vec<Claim<'a>> = claims.iter().filter(is_later).cloned().collect();
        match adoptable(address, &later, self.is_wanted(address), view) {
            Ok(Some((object, _))) => Sighting::Migrated { recorded, object, by: Successor::Made },
            Ok(None) => Sighting::Gone { recorded },
            Err(held) => Sighting::Hidden(held),
        }
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
        let is_same = |claim: &Claim<'a>| recorded.record.token.as_ref() == Some(claim.token);
        let same_token: Vec<&Claim<'a>> = claims.iter().filter(|claim| is_same(claim)).collect();
        let others = claims.iter().filter(|claim| !is_same(claim));
        // What an open request or its second made takes the place of the one that is gone. What others carry of older
        // tokens of this address is sorted there as well.
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
            // A pod moves to one place, so of several at least one is a copy, and the marks do not say which.
            (None, [] | [_, _, ..]) => Err(None),
        };
        match migrated {
            Err(differs) => {
                let ids = same_token.iter().map(|claim| claim.pod.id.clone()).collect();
                Sighting::Hidden(Held::Copied { ids, differs })
            }
            Ok((object, _)) if self.waits_for_gpus(object) => {
                Sighting::Hidden(Held::Migrating { id: object.id.clone() })
            }
            Ok((object, by)) => match sort_duplicates(address, others, view) {
                Some(held) => Sighting::Hidden(held),
                None => Sighting::Migrated { recorded, object, by },
            },
        }
    }

    /// Tells whether RunPod may be moving a pod of ours to one with its token: that one is younger, and has no GPU yet.
    fn is_target(&self, pod: &LivePod, from: &LivePod) -> bool {
        let is_later = pod.created_at.is_none() || from.created_at < pod.created_at;
        is_later && self.waits_for_gpus(pod)
    }

    /// Tells whether a pod to which RunPod moved ours may still get its GPUs: it is shown without any until then. Where it
    /// is not told how old it is, it may.
    fn waits_for_gpus(&self, pod: &LivePod) -> bool {
        let has_none = matches!(pod.compute, Some(Compute::Gpu { id: _, count: 0 })) && pod.status.is_up();
        let is_old = match (pod.created_at, self.inputs.live.server_time) {
            (Some(created), Some(now)) => now.duration_since(created) > LONGEST_MOVE,
            (None, Some(_) | None) | (Some(_), None) => false,
        };
        has_none && !is_old
    }

    fn likeness(&self, pod: &LivePod, recorded: &Recorded) -> Likeness {
        let Some(record) = recorded.record.object.pod() else { return Likeness::Differs(Part::Hardware) };
        let volume = record.container.storage.volume().and_then(|volume| self.volume_id(volume));
        likeness_to_record(pod, record, volume)
    }
}

/// Tells whether a pod carries a mark that this podform does not write.
fn has_odd_mark(pod: &LivePod) -> bool {
    pod.marker.is_none() && pod.settings.env.contains_key(&EnvKey::new(MARKER_KEY))
}

fn has_disk(pod: &LivePod) -> bool {
    match pod.settings.storage {
        Storage::Local { .. } => true,
        Storage::None | Storage::Network { .. } => false,
    }
}

/// Only plain pods are ever managed: workers, cluster members and a host's own pods have another owner.
pub(super) fn is_plain(pod: &LivePod) -> bool {
    match pod.role {
        PodRole::Plain => true,
        PodRole::EndpointWorker | PodRole::ClusterMember | PodRole::Background | PodRole::Mover => false,
    }
}
