//! What the state recorded last.
//!
//! Every entry has a remote id; an object whose create is not known to have happened is an [`OpenIntent`], not an
//! entry. Nothing secret and nothing derived from a secret is in here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::address::{Address, Kind};
use super::clock::{Moment, Timestamp};
use super::desired::Lifecycle;
use super::id::{DataCenterId, Lineage, PodId, ProjectName, RegistryId, RemoteId, RunId, Serial};
use super::job::{RecordedJob, UnseenJob};
use super::journal::{ActionStatus, Asked};
use super::marker::Token;
use super::plan::ActionId;
use super::pod::{Access, Cloud, Compute, RunState};
use super::registry::Credentials;
use super::settings::Container;
use super::volume::VolumeConfig;

/// The recorded state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prior {
    /// Which state this is.
    pub lineage: Lineage,
    /// Which version of it.
    pub serial: Serial,
    /// The managed objects.
    pub objects: BTreeMap<Address, Recorded>,
    /// Every token that this state ever intended to use, so that late arrivals are recognised.
    pub tokens: BTreeMap<Token, KnownToken>,
    /// Actions of earlier runs that did not come to an end.
    pub open: Vec<OpenIntent>,
    /// Jobs of whose last run no record tells.
    pub unseen: BTreeMap<Address, UnseenJob>,
}

impl Prior {
    /// Returns the state of a project before its first apply.
    pub fn empty(lineage: Lineage) -> Self {
        Self {
            lineage,
            serial: Serial::default(),
            objects: BTreeMap::new(),
            tokens: BTreeMap::new(),
            open: Vec::new(),
            unseen: BTreeMap::new(),
        }
    }

    /// Returns the remote ids of all recorded objects, deposed ones included.
    pub fn remote_ids(&self) -> BTreeSet<RemoteId> {
        self.objects.values().flat_map(Recorded::ids).collect()
    }

    /// Returns what [`remote_ids`](Self::remote_ids) does, each with when it was recorded by RunPod's clock, so that it is
    /// looked for.
    pub fn to_look_for(&self) -> BTreeMap<RemoteId, Option<Timestamp>> {
        let objects = self.objects.values();
        let there = objects.flat_map(|recorded| {
            let ids = recorded.ids().filter(|id| !(recorded.is_gone() && *id == recorded.id));
            ids.map(|id| (id, recorded.server_time))
        });
        there.collect()
    }
}

/// Returns the jobs of which something is known and no pod is on record.
pub fn without_record(prior: &Prior) -> impl Iterator<Item = (&Address, &UnseenJob)> {
    prior.unseen.iter().filter(|(address, _)| !prior.objects.contains_key(*address))
}

/// To what a state file belongs; it is refused for any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The project of the spec.
    pub project: ProjectName,
    /// `runpod` or `simulator`.
    pub kind: ProviderKind,
    /// The origin of the API, such as `https://api.runpod.io`; for the simulator, the path of its store.
    pub origin: String,
}

/// Which provider the spec names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderKind {
    Runpod,
    /// The built-in simulator of RunPod.
    Simulator,
}

impl ProviderKind {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Runpod => "runpod",
            Self::Simulator => "simulator",
        }
    }
}

/// Which of RunPod's APIs is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    /// REST v2, the default.
    V2,
    /// REST v1, past its published retirement date of 2026-11-15.
    V1,
    /// GraphQL, to be retired early in 2027.
    Graphql,
}

impl Api {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V1 => "v1",
            Self::Graphql => "graphql",
        }
    }
}

/// One managed object as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub id: RemoteId,
    /// What was last applied.
    pub record: Record,
    /// When the id was recorded, by the clock of the computer that did.
    pub recorded_at: Timestamp,
    /// RunPod's time then, where it was told. A listing may lag behind it.
    pub server_time: Option<Timestamp>,
    /// A rebuild found it by its mark, so that what was last applied is not known but for what is live.
    pub rebuilt: bool,
}

impl Recorded {
    /// Returns the entry of an object that comes on record.
    pub fn new(id: RemoteId, record: Record, now: Moment) -> Self {
        Self { id, record, recorded_at: now.here, server_time: now.there, rebuilt: false }
    }

    /// Tells whether it is a job whose pod is known to be no more.
    pub fn is_gone(&self) -> bool {
        self.record.object.pod().and_then(|pod| pod.job.as_ref()).is_some_and(|job| job.gone)
    }

    /// Tells whether it is a job whose pod was there when its end was seen.
    pub fn has_told_its_end(&self) -> bool {
        let job = self.record.object.pod().and_then(|pod| pod.job.as_ref());
        job.is_some_and(|job| job.ended.is_some() && !job.gone)
    }

    /// Returns the object and what it replaced that still exists.
    pub fn ids(&self) -> impl Iterator<Item = RemoteId> {
        self.record.deposed_ids().chain([self.id.clone()])
    }
}

/// What is said of a managed object: by a plan and by its request before it is there, by the state from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The token that it was created with; `None` for imported objects, and where only the attempt knows.
    pub token: Option<Token>,
    /// What podform may do to it.
    pub lifecycle: Lifecycle,
    /// Its key has left the spec with `on_remove: stop`; it is kept stopped.
    pub retired: bool,
    /// Pods that were replaced and still exist. In a replacement that creates first, the old pod is in here from the
    /// create on until its delete.
    pub deposed: BTreeSet<PodId>,
    /// The values. A pod's compute, cloud and data center are `None` where only the provider's answer tells.
    pub object: RecordedObject,
}

impl Record {
    /// Returns what is said of an object that replaces nothing and is not kept beyond its key.
    pub fn new(token: Option<Token>, lifecycle: Lifecycle, object: RecordedObject) -> Self {
        Self { token, lifecycle, retired: false, deposed: BTreeSet::new(), object }
    }

    /// Returns what the object took the place of and that still exists.
    pub fn deposed_ids(&self) -> impl Iterator<Item = RemoteId> {
        let registries = self.object.registry().into_iter().flat_map(|registry| &registry.deposed);
        let registries = registries.cloned().map(RemoteId::Registry);
        self.deposed.iter().cloned().map(RemoteId::Pod).chain(registries)
    }

    /// Drops those of them that are not to be kept.
    pub fn retain_deposed(&mut self, is_kept: impl Fn(&RemoteId) -> bool) {
        self.deposed.retain(|pod| is_kept(&RemoteId::Pod(pod.clone())));
        if let RecordedObject::Registry(registry) = &mut self.object {
            registry.deposed.retain(|id| is_kept(&RemoteId::Registry(id.clone())));
        }
    }

    /// Takes the first of them out.
    pub fn pop_deposed(&mut self) -> Option<RemoteId> {
        let first = self.deposed_ids().next()?;
        self.retain_deposed(|id| *id != first);
        Some(first)
    }
}

/// The values last applied to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedObject {
    /// A pod. The state, the plan and each of its steps share one record for as long as they say the same.
    Pod(Arc<RecordedPod>),
    /// A network volume.
    Volume(VolumeConfig),
    /// A secret of the account.
    Secret(RecordedSecret),
    /// Credentials for a container registry.
    Registry(RecordedRegistry),
}

/// What is kept of a secret of the account: neither its value nor anything derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedSecret {
    /// Its name on RunPod, for good.
    pub name: String,
    /// RunPod's time at which podform's own write last set the value, as RunPod told it; `None` where that was not seen,
    /// so that a write of others cannot be told from it.
    pub value_set_at: Option<Timestamp>,
}

/// What is kept of credentials for a container registry: neither the password nor anything derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRegistry {
    /// Its name on RunPod, for good.
    pub name: String,
    /// Where what was sent came from; `None` where a rebuild found them.
    pub sent: Option<Credentials>,
    /// Those that they took the place of and that still exist. RunPod changes no credentials, so others take their place,
    /// and the old ones are deleted once no pod pulls with them.
    pub deposed: BTreeSet<RegistryId>,
}

impl RecordedObject {
    /// Returns what kind of object it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Pod(_) => Kind::Pod,
            Self::Volume(_) => Kind::Volume,
            Self::Secret(_) => Kind::Secret,
            Self::Registry(_) => Kind::Registry,
        }
    }

    /// Returns the pod, if it is one.
    pub fn pod(&self) -> Option<&RecordedPod> {
        match self {
            Self::Pod(pod) => Some(pod),
            Self::Volume(_) | Self::Secret(_) | Self::Registry(_) => None,
        }
    }

    /// Returns the pod to change it, for this record alone.
    pub fn pod_mut(&mut self) -> Option<&mut RecordedPod> {
        match self {
            Self::Pod(pod) => Some(Arc::make_mut(pod)),
            Self::Volume(_) | Self::Secret(_) | Self::Registry(_) => None,
        }
    }

    /// Returns the network volume, if it is one.
    pub fn volume(&self) -> Option<&VolumeConfig> {
        match self {
            Self::Volume(config) => Some(config),
            Self::Pod(_) | Self::Secret(_) | Self::Registry(_) => None,
        }
    }

    /// Returns the secret of the account, if it is one.
    pub fn secret(&self) -> Option<&RecordedSecret> {
        match self {
            Self::Secret(secret) => Some(secret),
            Self::Pod(_) | Self::Volume(_) | Self::Registry(_) => None,
        }
    }

    /// Returns the credentials for a registry, if it is some.
    pub fn registry(&self) -> Option<&RecordedRegistry> {
        match self {
            Self::Registry(registry) => Some(registry),
            Self::Pod(_) | Self::Volume(_) | Self::Secret(_) => None,
        }
    }
}

/// The values last applied to a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPod {
    /// The changeable part.
    pub container: Container,
    /// The services set up at creation; `None` for imported pods, as it cannot be read back.
    pub access: Option<Access>,
    /// The machine that it landed on.
    pub compute: Option<Compute>,
    /// The cloud that it landed in.
    pub cloud: Option<Cloud>,
    /// The data center that it landed in.
    pub data_center: Option<DataCenterId>,
    /// How it was left.
    pub run: RecordedRun,
    /// The last run of a job.
    pub job: Option<RecordedJob>,
    /// What must be ready before it; kept so that removals run in the reverse order.
    pub depends_on: BTreeSet<Address>,
}

/// How podform left a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedRun {
    Running,
    Stopped,
    /// Wanted running, and down when podform looked at it after its own create, start or reset. REST v2 alone tells a
    /// container that failed (`ERROR`) from a pod that was stopped, so the next plan could not know it from the pod.
    Failed,
}

impl RecordedRun {
    /// Returns what a pod is recorded as that is seen up or down, where nothing was tried.
    pub fn seen(is_up: bool) -> Self {
        if is_up { Self::Running } else { Self::Stopped }
    }

    /// Returns the state that it was left in.
    pub fn state(self) -> RunState {
        match self {
            Self::Running => RunState::Running,
            Self::Stopped | Self::Failed => RunState::Stopped,
        }
    }
}

/// A token in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownToken {
    /// For which address it was used.
    pub address: Address,
    /// When the request was intended, by the clock of the computer that did.
    pub intended_at: Timestamp,
    /// RunPod's time then, at most [`TIME_VALIDITY`](super::provenance::TIME_VALIDITY) old; `None` where it was not told
    /// or the request is not known.
    pub server_time: Option<Timestamp>,
    /// What the create asked for, to tell a duplicate of ours from a copy.
    pub asked: Asked,
    /// `state rm` and `forget` leave a tombstone: a pod with such a token counts as unmanaged.
    pub tombstone: bool,
}

/// An action of an earlier run that did not come to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIntent {
    pub run: RunId,
    pub action: ActionId,
    /// How far it came.
    pub status: ActionStatus,
    /// The token of the open attempt, for creates.
    pub token: Option<Token>,
    /// When its last event was recorded, by the clock of the computer that did.
    pub since: Timestamp,
    /// RunPod's time at its last intent, where it was told; the settling time counts from here.
    pub server_time: Option<Timestamp>,
}
