//! What a lost or older state had recorded, as far as the live objects still tell.
//!
//! Every object with this project's mark is taken at the address that its mark names, after the renames of the spec,
//! whether the spec has it or not: what is on record is planned for in the open, and nothing is lost sight of. A pod
//! that may be a copy is left, and so are two with one address: a person says which. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::clock::{Moment, Timestamp};
use crate::model::desired::{Desired, Lifecycle, Move, Wanted, WantedVolume};
use crate::model::id::{Lineage, RemoteId, Serial, VolumeId};
use crate::model::job::RecordedJob;
use crate::model::live::{Live, LivePod, LiveRegistry, LiveSecret, LiveVolume, PodRole, PodStatus, Seen};
use crate::model::marker::{Marker, RegistryMark, SecretMark, VolumeMark};
use crate::model::plan::{ActionId, Plan, Reason, RecordAfter, Step};
use crate::model::pod::Storage;
use crate::model::prior::{
    KnownToken, Prior, Record, Recorded, RecordedObject, RecordedPod, RecordedRegistry, RecordedRun,
    RecordedSecret,
};
use crate::model::provenance::{Provenance, Untold, Viewpoint, Witness, judge_pod};
use crate::model::registry::Registry;
use crate::model::settings::Container;
use crate::model::volume::{VolumeConfig, VolumeTier};

use super::ownership::known_volume;
use super::registries::known_registry;

/// What a rebuild starts from.
#[derive(Clone, Copy, Debug)]
pub struct Rebuilding<'a> {
    /// The spec, whose renames are followed.
    pub desired: &'a Desired,
    /// What is recorded all the same.
    pub prior: &'a Prior,
    /// What was seen.
    pub live: &'a Live,
    /// The state whose objects are taken, where there are those of several.
    pub lineage: Option<&'a Lineage>,
    /// The present.
    pub now: Moment,
}

/// What a rebuild found.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebuilt {
    /// Which state it is.
    pub lineage: Lineage,
    /// The highest version of it that a mark shows.
    pub above: Serial,
    pub taken: BTreeMap<Address, Found>,
    /// What is left as it is, with the reason.
    pub left: Vec<(Address, Found, String)>,
    /// What cannot be read and is, or may be, of this project; with the address that its mark names, if it tells.
    pub unread: BTreeMap<RemoteId, Option<Address>>,
    /// Whether an entry of a listing has not even an id.
    pub has_nameless: bool,
}

/// One marked object.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its record, as far as the object itself tells.
    pub recorded: Recorded,
    /// The address that its mark names. A later plan follows the renames of its spec from there.
    pub marked: Address,
    /// RunPod's time before its create, by its mark.
    pub created: Option<Timestamp>,
}

/// A token that an object in the account carries, for the journal of the rebuilt state.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownObject {
    /// The address that its mark names.
    pub address: Address,
    /// The record, as far as the object itself tells.
    pub recorded: Recorded,
    /// RunPod's time before its create, if that is certain.
    pub created: Option<Timestamp>,
}

/// Objects of several states carry this project's mark.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are objects of several states of this project, or of another one than asked for")]
pub struct SeveralStates {
    /// How many pods each has in the account.
    pub pods: BTreeMap<Lineage, usize>,
}

/// Says what a state had recorded by the marks in the account.
///
/// # Errors
/// It is not said which of several states is meant.
pub fn rebuild(from: Rebuilding<'_>) -> Result<Rebuilt, SeveralStates> {
    let Rebuilding { desired, prior, live, lineage, now: _ } = from;
    // What an earlier rebuild only left is looked at again: another API may tell more.
    let unknown = unknown_pods(desired, prior, live, |known| known.is_some_and(is_explained));
    let lineage = chosen_lineage(prior, lineage, &unknown)?;
    let mut rebuilt = Rebuilt {
        above: highest(desired, live, &lineage),
        lineage,
        taken: BTreeMap::new(),
        left: Vec::new(),
        unread: may_be_ours(desired, prior, live),
        has_nameless: live.unseen_pod().is_some() || live.unseen_volume().is_some(),
    };
    let names = Names::of(desired);
    let mut claims: BTreeMap<Address, Vec<Found>> = BTreeMap::new();
    let view = Viewpoint { lineage: &rebuilt.lineage, ..Viewpoint::of(&desired.project, prior) };
    // What the spec names by its id belongs where it says, whatever the mark does.
    let named_at = named_at(desired);
    for (pod, marker) in unknown {
        let named = named_at.get(&RemoteId::Pod(pod.id.clone())).copied().cloned();
        let is_named = named.is_some();
        let address = named.unwrap_or_else(|| address_now(&marker.address, desired));
        let found = Found {
            recorded: pod_record(from, pod, marker),
            marked: marker.address.clone(),
            created: marker.created,
        };
        let why = if is_named {
            None
        } else if marker.lineage == rebuilt.lineage {
            doubt(&judge_pod(view, pod, Witness::Mark), &address)
                .or_else(|| names.instead_of(&address, pod).map(|other| named_otherwise(&address, other)))
        } else {
            Some(format!("it belongs to another state of this project, `--lineage {}`", marker.lineage))
        };
        match why {
            Some(why) => rebuilt.left.push((address, found, why)),
            None => claims.entry(address).or_default().push(found),
        }
    }
    for (volume, mark) in unknown_volumes(desired, prior, live, |known| known.is_some_and(is_explained)) {
        let recorded = volume_record(from, volume, &mark);
        let found = Found { recorded, marked: mark.address(), created: None };
        let named = named_at.get(&RemoteId::Volume(volume.id.clone())).copied().cloned();
        let address = named.unwrap_or_else(|| address_now(&mark.address(), desired));
        claims.entry(address).or_default().push(found);
    }
    for (secret, mark) in unknown_secrets(desired, prior, live, |known| known.is_some_and(is_explained)) {
        let found =
            Found { recorded: secret_record(from, secret, &mark), marked: mark.address(), created: None };
        claims.entry(address_now(&mark.address(), desired)).or_default().push(found);
    }
    for (registry, mark) in unknown_registries(desired, prior, live, |known| known.is_some_and(is_explained))
    {
        let found =
            Found { recorded: registry_record(from, registry, &mark), marked: mark.address(), created: None };
        claims.entry(address_now(&mark.address(), desired)).or_default().push(found);
    }
    for (address, found) in claims {
        rebuilt.settle(address, found, from);
    }
    Ok(rebuilt)
}

fn may_be_ours(desired: &Desired, prior: &Prior, live: &Live) -> BTreeMap<RemoteId, Option<Address>> {
    let managed = prior.remote_ids();
    let unknown = live.origins.iter().filter(|(id, _)| !managed.contains(*id));
    let ours = unknown.filter(|(_, origin)| origin.may_be_of(&desired.project));
    ours.map(|(id, origin)| (id.clone(), origin.address_in(&desired.project))).collect()
}

impl Rebuilt {
    /// Tells whether the account was read to its last entry.
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty() && !self.has_nameless
    }

    /// Tells whether a state may have lost what it knew: it was never written, the account has what it does not
    /// know, or there are jobs of which it knows nothing but what somebody said.
    pub fn tells_of_loss(&self, prior: &Prior) -> bool {
        prior.serial == Serial::default()
            || self.above > prior.serial
            || !prior.unseen.is_empty()
            || !self.taken.is_empty()
            || !self.left.is_empty()
    }

    /// Writes what is taken into the spec, as `adopt:` would, so that a plan compares it.
    pub fn name_in(&self, desired: &mut Desired) {
        for (address, found) in &self.taken {
            match (desired.wanted.get_mut(address), &found.recorded.id) {
                (Some(Wanted::Pod(pod)), RemoteId::Pod(id)) => pod.adopt = Some(id.clone()),
                (Some(Wanted::Volume(WantedVolume::Managed { adopt, .. })), RemoteId::Volume(id)) => {
                    *adopt = Some(id.clone());
                }
                (
                    Some(Wanted::Pod(_) | Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None,
                    RemoteId::Pod(_) | RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_),
                ) => {}
            }
        }
    }

    /// Returns what was recorded before, where an entry whose object is gone makes room for the one that was found.
    pub fn beside(&self, prior: &Prior, live: &Live) -> Prior {
        let mut beside = prior.clone();
        beside
            .objects
            .retain(|address, recorded| !self.taken.contains_key(address) || !is_gone(&recorded.id, live));
        beside
    }

    /// Returns the records: as the plan with [`Self::name_in`] takes them over, otherwise as the objects themselves tell.
    ///
    /// What the plan would adopt besides, as it is known from the journal or was moved by RunPod, is an apply's to record:
    /// it looks after the request that is still open, or after the record that is there.
    pub fn records(&self, taking_over: &Plan, now: Moment) -> BTreeMap<Address, Recorded> {
        let named = |address: &Address| {
            let adopt = ActionId { address: address.clone(), step: Step::Adopt };
            taking_over.actions.get(&adopt).is_some_and(|action| action.reason == Reason::AdoptNamed)
        };
        let mut records: BTreeMap<Address, Recorded> = taken_over(taking_over, now)
            .into_iter()
            .filter(|(address, _)| self.taken.contains_key(address) || named(address))
            .collect();
        for recorded in records.values_mut() {
            recorded.rebuilt = true;
        }
        for (address, Found { recorded: found, .. }) in &self.taken {
            match records.get_mut(address).filter(|planned| planned.id == found.id) {
                Some(planned) => {
                    planned.record.token.clone_from(&found.record.token);
                    // What was protected stays so until an apply lifts it in the open.
                    planned.record.lifecycle.protect |= found.record.lifecycle.protect;
                }
                None => {
                    records.insert(address.clone(), found.clone());
                }
            }
        }
        records
    }

    /// Returns every token that was seen, of what is taken and of what is left.
    pub fn known(&self) -> Vec<KnownObject> {
        let known = |found: &Found, created| KnownObject {
            address: found.marked.clone(),
            recorded: found.recorded.clone(),
            created,
        };
        let taken = self.taken.values().map(|found| known(found, found.created));
        // When a copy was asked for is not what its mark says, so nothing is concluded from that later.
        let left = self.left.iter().map(|(_, found, _)| known(found, None));
        taken.chain(left).collect()
    }

    fn settle(&mut self, address: Address, mut found: Vec<Found>, from: Rebuilding<'_>) {
        let why = match (found.as_slice(), holder(&address, from)) {
            (_, Some(holder)) => format!("`{address}` is recorded with `{holder}`, which is there"),
            ([one], None) if named(&address, from.desired).is_none_or(|id| id == one.recorded.id) => {
                self.taken.extend(found.pop().map(|one| (address, one)));
                return;
            }
            ([_], None) => format!("`adopt` of `{address}` names another object"),
            (_, None) => {
                let ids: Vec<String> = found.iter().map(|one| format!("`{}`", one.recorded.id)).collect();
                format!(
                    "{} carry the mark of `{address}`; `podform import {address} ID` chooses",
                    ids.join(" and ")
                )
            }
        };
        self.left.extend(found.into_iter().map(|one| (address.clone(), one, why.clone())));
    }
}

/// Returns the records of all objects that a plan takes over.
pub fn taken_over(plan: &Plan, now: Moment) -> Vec<(Address, Recorded)> {
    let adoptions = plan.actions.iter().filter(|(id, _)| id.step == Step::Adopt);
    adoptions
        .filter_map(|(ActionId { address, step: _ }, action)| {
            let RecordAfter::Put { id: Some(id), record } = &action.record else { return None };
            Some((address.clone(), Recorded::new(id.clone(), record.as_ref().clone(), now)))
        })
        .collect()
}

/// Returns why a pod of this state may be somebody's copy.
fn doubt(provenance: &Provenance, address: &Address) -> Option<String> {
    let why = match provenance {
        Provenance::Ours(_) => return None,
        Provenance::Copy { asked, created } => {
            format!("it was created at {created:.0}, but its mark is of {asked:.0}, so it may be a copy")
        }
        Provenance::NotTold(Untold::Creation) => {
            "the API does not tell when it was created, so it may be a copy".to_owned()
        }
        Provenance::NotTold(Untold::Request) => {
            "its mark does not tell when it was asked for, so it may be a copy".to_owned()
        }
        Provenance::Unmarked
        | Provenance::OtherProject(_)
        | Provenance::OtherState(_)
        | Provenance::NewerState(_)
        | Provenance::GivenUp => "its mark says something else".to_owned(),
    };
    Some(format!("{why}; `podform import {address} ID` takes it"))
}

fn named_otherwise(address: &Address, other: &Address) -> String {
    format!(
        "it has the mark of `{address}` and the name of `{other}`, as after a rename; `podform import ADDRESS ID` tells \
         which it is"
    )
}

/// The names that the spec gives to pods. A rename changes a pod's name at once, but its mark only when the variables
/// change next, as that restarts the pod.
pub(super) struct Names<'a> {
    desired: &'a Desired,
    by_name: BTreeMap<&'a str, &'a Address>,
}

impl<'a> Names<'a> {
    pub(super) fn of(desired: &'a Desired) -> Self {
        let names = desired.wanted.iter().filter_map(|(address, wanted)| match wanted {
            Wanted::Pod(pod) => Some((pod.container.name.as_str(), address)),
            Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_) => None,
        });
        Self { desired, by_name: names.collect() }
    }

    /// Returns the address whose name a pod has, if it is not that of its mark and the spec has both.
    pub(super) fn instead_of(&self, marked: &Address, pod: &LivePod) -> Option<&'a Address> {
        let Wanted::Pod(wanted) = self.desired.wanted.get(marked)? else { return None };
        let other = self.by_name.get(pod.name()).filter(|_| wanted.container.name != pod.name())?;
        Some(*other)
    }
}

/// Returns the object on record at an address, unless it is certainly gone.
fn holder(address: &Address, Rebuilding { prior, live, .. }: Rebuilding<'_>) -> Option<RemoteId> {
    let recorded = prior.objects.get(address)?;
    (!is_gone(&recorded.id, live)).then(|| recorded.id.clone())
}

/// Tells whether an object is certainly not there any more.
pub fn is_gone(id: &RemoteId, live: &Live) -> bool {
    match id {
        RemoteId::Pod(id) => match live.pods.get(id) {
            Some(Seen::Absent) => true,
            Some(Seen::Found(pod)) => pod.status == PodStatus::Terminated,
            Some(Seen::Unreadable(_)) | None => false,
        },
        RemoteId::Volume(id) => matches!(live.volumes.get(id), Some(Seen::Absent)),
        RemoteId::Secret(id) => {
            live.secrets.is_whole() && !live.secrets.found().iter().any(|secret| secret.id == *id)
        }
        RemoteId::Registry(id) => {
            live.registries.is_whole() && !live.registries.found().iter().any(|other| other.id == *id)
        }
    }
}

/// Returns the first address that names each object by `adopt`.
pub(super) fn named_at(desired: &Desired) -> BTreeMap<RemoteId, &Address> {
    let mut named_at = BTreeMap::new();
    for address in desired.wanted.keys() {
        if let Some(id) = named(address, desired) {
            named_at.entry(id).or_insert(address);
        }
    }
    named_at
}

/// Returns what `adopt` of an address names.
fn named(address: &Address, desired: &Desired) -> Option<RemoteId> {
    match desired.wanted.get(address)? {
        Wanted::Pod(pod) => pod.adopt.clone().map(RemoteId::Pod),
        Wanted::Volume(WantedVolume::Managed { adopt, .. }) => adopt.clone().map(RemoteId::Volume),
        Wanted::Volume(WantedVolume::Referenced { id: _ }) | Wanted::Secret(_) | Wanted::Registry(_) => None,
    }
}

/// Tells whether the state knows what a token was sent for, or that it was given up.
fn is_explained(known: &KnownToken) -> bool {
    known.tombstone || known.asked.name.is_some()
}

/// Returns the pods with this project's mark that are not on record and whose token is not known well enough.
fn unknown_pods<'a>(
    desired: &Desired,
    prior: &Prior,
    live: &'a Live,
    is_known: impl Fn(Option<&KnownToken>) -> bool,
) -> Vec<(&'a LivePod, &'a Marker)> {
    let managed = prior.remote_ids();
    let pods = live.pods.values().filter_map(Seen::found).filter(|pod| is_plain(pod));
    let marked = pods.filter_map(|pod| Some((pod, pod.marker.as_ref()?)));
    let unknown = marked.filter(|(pod, marker)| {
        marker.project == desired.project
            && !is_known(prior.tokens.get(&marker.token))
            && !managed.contains(&RemoteId::Pod(pod.id.clone()))
    });
    unknown.collect()
}

/// Returns such network volumes, by their names.
fn unknown_volumes<'a>(
    desired: &Desired,
    prior: &Prior,
    live: &'a Live,
    is_known: impl Fn(Option<&KnownToken>) -> bool,
) -> Vec<(&'a LiveVolume, VolumeMark)> {
    let managed = prior.remote_ids();
    let volumes = live.volumes.values().filter_map(Seen::found);
    let marked = volumes.filter_map(|volume| Some((volume, volume.name.parse::<VolumeMark>().ok()?)));
    let unknown = marked.filter(|(volume, mark)| {
        mark.project == desired.project
            && !is_known(known_volume(prior, mark).map(|(_, known)| known))
            && !managed.contains(&RemoteId::Volume(volume.id.clone()))
    });
    unknown.collect()
}

/// Returns such secrets of the account, by their descriptions.
fn unknown_secrets<'a>(
    desired: &Desired,
    prior: &Prior,
    live: &'a Live,
    is_known: impl Fn(Option<&KnownToken>) -> bool,
) -> Vec<(&'a LiveSecret, SecretMark)> {
    let managed = prior.remote_ids();
    let marked = live.secrets.found().iter().filter_map(|secret| Some((secret, secret.mark()?)));
    let unknown = marked.filter(|(secret, mark)| {
        mark.project == desired.project
            && !is_known(prior.tokens.get(&mark.token))
            && !managed.contains(&RemoteId::Secret(secret.id.clone()))
    });
    unknown.collect()
}

/// Returns such credentials for registries, by their names.
fn unknown_registries<'a>(
    desired: &Desired,
    prior: &Prior,
    live: &'a Live,
    is_known: impl Fn(Option<&KnownToken>) -> bool,
) -> Vec<(&'a LiveRegistry, RegistryMark)> {
    let managed = prior.remote_ids();
    let marked = live.registries.found().iter().filter_map(|registry| Some((registry, registry.mark()?)));
    let unknown = marked.filter(|(registry, mark)| {
        mark.project == desired.project
            && !is_known(known_registry(prior, mark))
            && !managed.contains(&RemoteId::Registry(registry.id.clone()))
    });
    unknown.collect()
}

/// Chooses the state whose objects are taken: the only one there is, or the one that was asked for.
fn chosen_lineage(
    prior: &Prior,
    asked: Option<&Lineage>,
    unknown: &[(&LivePod, &Marker)],
) -> Result<Lineage, SeveralStates> {
    let mut pods: BTreeMap<Lineage, usize> = BTreeMap::new();
    for (_, marker) in unknown {
        *pods.entry(marker.lineage.clone()).or_default() += 1;
    }
    // What is on record belongs to this state, so what another one has is only taken by its name.
    if !prior.objects.is_empty() && !pods.is_empty() {
        pods.entry(prior.lineage.clone()).or_default();
    }
    let mut found = pods.keys();
    match (asked, found.next(), found.next()) {
        (Some(asked), _, _) if pods.contains_key(asked) => Ok(asked.clone()),
        (None, Some(only), None) => Ok(only.clone()),
        (None, None, _) => Ok(prior.lineage.clone()),
        (Some(_), _, _) | (None, Some(_), Some(_)) => Err(SeveralStates { pods }),
    }
}

/// Returns the highest version of a state that marks show.
fn highest(desired: &Desired, live: &Live, lineage: &Lineage) -> Serial {
    let marks = live.pods.values().filter_map(|seen| seen.found()?.marker.as_ref());
    let own = marks.filter(|marker| marker.project == desired.project && marker.lineage == *lineage);
    own.map(|marker| marker.serial).max().unwrap_or_default()
}

fn pod_record(from: Rebuilding<'_>, pod: &LivePod, marker: &Marker) -> Recorded {
    let storage = match &pod.settings.storage {
        Storage::None => Storage::None,
        Storage::Local { size, path } => Storage::Local { size: *size, path: path.clone() },
        Storage::Network { volume: id, path } => match volume_address(from, id) {
            Some(volume) => Storage::Network { volume, path: path.clone() },
            // A volume that nobody knows here is mounted all the same, and stays when the pod goes.
            None => Storage::None,
        },
    };
    // Which variables the spec had declared is not known, and any value may be a secret.
    let registry = pod.settings.registry.clone().flatten().map(Registry::Given);
    let seen = pod.settings.known(&Container::default(), BTreeMap::new(), storage, registry);
    let container = Container { locked: None, ..seen };
    let object = RecordedPod {
        container,
        access: None,
        compute: pod.compute.clone(),
        cloud: pod.cloud,
        data_center: pod.data_center.clone(),
        run: RecordedRun::seen(pod.status.is_up()),
        job: pod.run.clone().map(|run| RecordedJob::begun(Some(run))),
        depends_on: BTreeSet::new(),
    };
    let lifecycle = Lifecycle { protect: marker.protected, ..Lifecycle::default() };
    let object = RecordedObject::Pod(Arc::new(object));
    let record = Record::new(Some(marker.token.clone()), lifecycle, object);
    Recorded { rebuilt: true, ..Recorded::new(RemoteId::Pod(pod.id.clone()), record, from.now) }
}

fn volume_record(from: Rebuilding<'_>, volume: &LiveVolume, mark: &VolumeMark) -> Recorded {
    let object = RecordedObject::Volume(VolumeConfig {
        size: volume.size,
        data_center: volume.data_center.clone(),
        tier: volume.tier.unwrap_or(VolumeTier::Standard),
    });
    let record = Record::new(Some(mark.token.clone()), Lifecycle::default(), object);
    Recorded { rebuilt: true, ..Recorded::new(RemoteId::Volume(volume.id.clone()), record, from.now) }
}

fn secret_record(from: Rebuilding<'_>, secret: &LiveSecret, mark: &SecretMark) -> Recorded {
    // Who set its value last is not known.
    let object = RecordedSecret { name: secret.name.clone(), value_set_at: None };
    let record = Record::new(Some(mark.token.clone()), Lifecycle::default(), RecordedObject::Secret(object));
    Recorded { rebuilt: true, ..Recorded::new(RemoteId::Secret(secret.id.clone()), record, from.now) }
}

fn registry_record(from: Rebuilding<'_>, registry: &LiveRegistry, mark: &RegistryMark) -> Recorded {
    // What was sent, and what they took the place of, is not known.
    let object = RecordedRegistry { name: registry.name.clone(), sent: None, deposed: BTreeSet::new() };
    let object = RecordedObject::Registry(object);
    let record = Record::new(Some(mark.token.clone()), Lifecycle::default(), object);
    Recorded { rebuilt: true, ..Recorded::new(RemoteId::Registry(registry.id.clone()), record, from.now) }
}

/// Returns the address of a network volume: on record, given by its id in the spec, or by its name.
fn volume_address(Rebuilding { desired, prior, live, .. }: Rebuilding<'_>, id: &VolumeId) -> Option<Address> {
    let recorded = prior.objects.iter().find(|(_, recorded)| recorded.id == RemoteId::Volume(id.clone()));
    let referenced = desired.wanted.iter().find(
        |(_, wanted)| matches!(wanted, Wanted::Volume(WantedVolume::Referenced { id: named }) if named == id),
    );
    let by_name = || {
        let mark: VolumeMark = live.volumes.get(id)?.found()?.name.parse().ok()?;
        (mark.project == desired.project).then(|| address_now(&mark.address(), desired))
    };
    recorded
        .map(|(address, _)| address.clone())
        .or_else(|| referenced.map(|(address, _)| address.clone()))
        .or_else(by_name)
}

/// Returns what carries this project's mark and is unknown to the state.
pub fn unknown_to(desired: &Desired, prior: &Prior, live: &Live) -> BTreeSet<RemoteId> {
    claims(desired, prior, live).into_values().flatten().collect()
}

/// The unknown objects that carry the mark of an address.
pub(super) type Claims = BTreeMap<Address, BTreeSet<RemoteId>>;

/// Returns what carries the mark of an address of this project and is unknown to the state: neither recorded, nor of a
/// token that it knows, as it does of what was given up.
pub(super) fn claims(desired: &Desired, prior: &Prior, live: &Live) -> Claims {
    let mut claims = Claims::new();
    for (pod, marker) in unknown_pods(desired, prior, live, |known| known.is_some()) {
        let id = RemoteId::Pod(pod.id.clone());
        claims.entry(address_now(&marker.address, desired)).or_default().insert(id);
    }
    for (volume, mark) in unknown_volumes(desired, prior, live, |known| known.is_some()) {
        let id = RemoteId::Volume(volume.id.clone());
        claims.entry(address_now(&mark.address(), desired)).or_default().insert(id);
    }
    for (secret, mark) in unknown_secrets(desired, prior, live, |known| known.is_some()) {
        let id = RemoteId::Secret(secret.id.clone());
        claims.entry(address_now(&mark.address(), desired)).or_default().insert(id);
    }
    for (registry, mark) in unknown_registries(desired, prior, live, |known| known.is_some()) {
        let id = RemoteId::Registry(registry.id.clone());
        claims.entry(address_now(&mark.address(), desired)).or_default().insert(id);
    }
    claims
}

/// Returns what cannot be read and carries the mark of an address of this project.
pub(super) fn unread(desired: &Desired, live: &Live) -> Claims {
    let mut claims = Claims::new();
    for (id, origin) in &live.origins {
        let Some(address) = origin.address_in(&desired.project) else { continue };
        claims.entry(address_now(&address, desired)).or_default().insert(id.clone());
    }
    claims
}

fn is_plain(pod: &LivePod) -> bool {
    pod.role == PodRole::Plain && pod.status != PodStatus::Terminated
}

/// Follows the renames of the spec from the address at creation, each at most once.
fn address_now(created: &Address, desired: &Desired) -> Address {
    let mut address = created.clone();
    let mut moves: Vec<&Move> = desired.moved.iter().collect();
    while let Some(place) = moves.iter().position(|entry| renamed(&address, entry).is_some()) {
        address = renamed(&address, moves.remove(place)).unwrap_or(address);
    }
    let twin = match &address {
        Address::Pod { key, replica: None } => Address::replica(key.clone(), 0),
        Address::Pod { key, replica: Some(0) } => Address::pod(key.clone()),
        Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_) => {
            return address;
        }
    };
    let is_wanted = |address: &Address| desired.wanted.contains_key(address);
    if !is_wanted(&address) && is_wanted(&twin) { twin } else { address }
}

/// Returns where one rename leads from an address; a bare key stands for all its replicas.
fn renamed(address: &Address, entry: &Move) -> Option<Address> {
    let Move { from, to } = entry;
    match (address, from, to) {
        (_, _, _) if address == from => Some(to.clone()),
        (
            Address::Pod { key, replica },
            Address::Pod { key: old, replica: None },
            Address::Pod { key: new, replica: None },
        ) if key == old => Some(Address::Pod { key: new.clone(), replica: *replica }),
        (
            Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_),
            Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_),
            Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_),
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;

    #[test]
    fn addresses_at_creation_follow_the_renames_of_the_spec() {
        let moved = |from: &str, to: &str| Move { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let desired = Desired {
            moved: vec![
                moved("b", "c"),
                moved("a", "b"),
                moved("volume.old", "volume.new"),
                moved("x[1]", "y[0]"),
            ],
            ..kit::desired()
        };
        let now = |address: &str| address_now(&address.parse().unwrap(), &desired).to_string();
        let named = ["a", "a[3]", "c", "volume.old", "x[1]", "x[0]"].map(now);
        assert_eq!(named, ["c", "c[3]", "c", "volume.new", "y[0]", "x[0]"]);
    }
}
