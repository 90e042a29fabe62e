//! What the provider showed, and what it did not.
//!
//! Three cases for every object, never two: found, absent, or could not look. A field is `None` where the API that
//! was asked does not say; it is then compared with the record instead.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::address::Address;
use super::clock::{SignedDuration, Timestamp};
use super::id::{CudaVersion, DataCenterId, PodId, ProjectName, RegistryId, RemoteId, SecretId, VolumeId};
use super::job::JobLog;
use super::marker::{Marker, RegistryMark, SecretMark, Token, VolumeMark};
use super::money::Price;
use super::pod::{Cloud, Compute, Port};
use super::settings::{Observed, PodSettings};
use super::size::Gigabytes;
use super::volume::VolumeTier;

/// The account as it was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// When the listing was answered, by the clock of this computer.
    pub observed_at: Timestamp,
    /// RunPod's time by the answers, for ages that count from an earlier run; `None` where no answer told it.
    pub server_time: Option<Timestamp>,
    /// How many SSH keys the account has, where it was asked and told.
    pub ssh_keys: Option<usize>,
    /// Every pod of the listing, and every recorded pod.
    pub pods: BTreeMap<PodId, Seen<LivePod>>,
    /// What the logs of jobs say of their runs, where that is not on record.
    pub jobs: BTreeMap<PodId, JobLog>,
    /// Every network volume of the listing, and every recorded one.
    pub volumes: BTreeMap<VolumeId, Seen<LiveVolume>>,
    /// What is wrong with each pod of the listing that has no id; it may be any pod that is not among `pods`.
    pub nameless_pods: Vec<String>,
    /// What is wrong with each network volume of the listing that has no id.
    pub nameless_volumes: Vec<String>,
    /// Where the entries of the listing come from that cannot be read.
    pub origins: BTreeMap<RemoteId, Origin>,
    /// Pods that run and were not ready when they were asked, after the listing. Only those are asked whose replicas are
    /// to be changed in waves.
    pub unready: BTreeSet<PodId>,
    /// The secrets of the account.
    pub secrets: Inventory<LiveSecret>,
    /// The account's credentials for container registries.
    pub registries: Inventory<LiveRegistry>,
}

/// Objects of the account that are only looked at where something is planned about one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Inventory<T> {
    /// Nobody needed to know.
    #[default]
    NotAsked,
    /// This API does not list them.
    NotTold,
    /// They could not be listed, and why.
    Unread(String),
    Listed {
        /// What could be read, in the order of the listing.
        found: Vec<T>,
        /// What is wrong with the entries that could not be read: any of them may be what is not found.
        odd: Vec<String>,
    },
}

impl<T> Inventory<T> {
    /// Returns what could be read, which is nothing where there is no list.
    pub fn found(&self) -> &[T] {
        match self {
            Self::Listed { found, odd: _ } => found,
            Self::NotAsked | Self::NotTold | Self::Unread(_) => &[],
        }
    }

    /// Tells whether all that there is could be read.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Listed { found: _, odd } if odd.is_empty())
    }
}

/// A secret of the account as the API shows it: never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSecret {
    pub id: SecretId,
    /// Unique in any case of letters, and for good.
    pub name: String,
    /// Ours is a mark.
    pub description: Option<String>,
    /// When its value was last set; `None` where it never was, or that is not told.
    pub value_set_at: Option<Timestamp>,
}

impl LiveSecret {
    /// Returns its mark, if its description is one.
    pub fn mark(&self) -> Option<SecretMark> {
        self.description.as_deref()?.parse().ok()
    }
}

/// Credentials for a container registry as the API shows them: never what they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRegistry {
    pub id: RegistryId,
    /// Unique, and for good; ours is a mark.
    pub name: String,
}

impl LiveRegistry {
    /// Returns its mark, if its name is one.
    pub fn mark(&self) -> Option<RegistryMark> {
        self.name.parse().ok()
    }
}

/// Where an object comes from that cannot be read as a whole, as far as that much of it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its mark cannot be read either, so it may be anybody's.
    NotTold,
    /// It carries no mark that podform writes.
    Unmarked,
    /// A pod with this mark.
    Pod(Marker),
    /// A network volume with this name.
    Volume(VolumeMark),
}

impl Origin {
    /// Returns the mark of a pod.
    pub fn marker(&self) -> Option<&Marker> {
        match self {
            Self::Pod(marker) => Some(marker),
            Self::NotTold | Self::Unmarked | Self::Volume(_) => None,
        }
    }

    /// Returns the address that its mark names, if it is one of this project.
    pub fn address_in(&self, project: &ProjectName) -> Option<Address> {
        match self {
            Self::Pod(marker) if marker.project == *project => Some(marker.address.clone()),
            Self::Volume(mark) if mark.project == *project => Some(mark.address()),
            Self::Pod(_) | Self::Volume(_) | Self::Unmarked | Self::NotTold => None,
        }
    }

    /// Tells whether it may be of this project, as far as it says.
    pub fn may_be_of(&self, project: &ProjectName) -> bool {
        *self == Self::NotTold || self.address_in(project).is_some()
    }
}

impl Live {
    /// Returns why what was recorded at this time of RunPod's and is not there cannot count as gone yet.
    pub fn not_yet_gone(&self, recorded: Option<Timestamp>) -> Option<Unreadable> {
        let age = self.server_time.zip(recorded).map(|(now, then)| now.duration_since(then));
        Unreadable::not_yet_gone(age)
    }

    /// Tells why a pod that is not among the pods may be there all the same.
    pub fn unseen_pod(&self) -> Option<Unreadable> {
        (!self.nameless_pods.is_empty()).then_some(Unreadable::MayBeNameless)
    }

    /// Tells why a network volume that is not among the volumes may be there all the same.
    pub fn unseen_volume(&self) -> Option<Unreadable> {
        (!self.nameless_volumes.is_empty()).then_some(Unreadable::MayBeNameless)
    }
}

/// What is known of one remote object.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<T> {
    /// It exists.
    Found(T),
    /// It is not in the listing and a request by its id was answered with 404, or it reads `TERMINATED`.
    Absent,
    /// It is not known whether it exists or how it looks.
    Unreadable(Unreadable),
}

impl<T> Seen<T> {
    /// Returns the object if it was found.
    pub fn found(&self) -> Option<&T> {
        match self {
            Self::Found(object) => Some(object),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

/// Why an object could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unreadable {
    /// Recorded less than 120 s ago and not listed: listings lag behind creates.
    TooNew,
    /// Not listed, and no answer told RunPod's time, now or when it was recorded, so that it may be too new.
    AgeNotTold,
    /// Not listed, but the listing has an entry without an id.
    MayBeNameless,
    /// The API's answer could not be understood.
    Malformed(String),
    /// The request failed.
    Failed(String),
}

/// An object recorded less than this ago is never absent, whatever the API says.
const SETTLING: SignedDuration = SignedDuration::from_secs(120);

impl Unreadable {
    /// Returns why what was recorded so long ago, by RunPod's clock, and is not there cannot count as gone yet.
    pub fn not_yet_gone(age: Option<SignedDuration>) -> Option<Self> {
        match age {
            None => Some(Self::AgeNotTold),
            Some(age) if age < SETTLING => Some(Self::TooNew),
            Some(_) => None,
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooNew => f.write_str("recorded less than 120 s ago and not listed yet"),
            Self::AgeNotTold => f.write_str(
                "not listed, and how long ago it was recorded is not known, as RunPod did not tell its time; if it is \
                 gone, `podform state rm` gives it up",
            ),
            Self::MayBeNameless => f.write_str(
                "not listed, but an entry of the listing has no id that could be read, and may be it",
            ),
            Self::Malformed(what) | Self::Failed(what) => what.fmt(f),
        }
    }
}

/// A pod as the API shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct LivePod {
    pub id: PodId,
    /// What it is doing.
    pub status: PodStatus,
    /// Its settings, as far as the API says; the environment with what the platform injected.
    pub settings: PodSettings<Observed>,
    /// Its command was told as a text that RunPod may cut into other words than are read here.
    pub command_is_guess: bool,
    /// The marker, if its environment has one that can be read.
    pub marker: Option<Marker>,
    pub cloud: Option<Cloud>,
    pub data_center: Option<DataCenterId>,
    /// The machine that it has; a stopped pod can read `None`.
    pub compute: Option<Compute>,
    /// The CUDA version of its host.
    pub cuda: Option<CudaVersion>,
    /// When it was created; REST v1 does not say.
    pub created_at: Option<Timestamp>,
    /// Whether its container has run.
    pub ran: Ran,
    /// What the API says that it costs; 0 for a stopped pod, whose storage is billed all the same.
    pub price: Price,
    /// How it is rented; REST v2 does not say.
    pub rental: Option<Rental>,
    /// What it belongs to if it is no plain pod.
    pub role: PodRole,
    /// How it can be reached while it runs.
    pub endpoints: Endpoints,
    /// The run of a job that it was last given.
    pub run: Option<Token>,
}

impl LivePod {
    /// Returns its name, which every API tells; not unique.
    pub fn name(&self) -> &str {
        self.settings.name.as_deref().unwrap_or_default()
    }

    /// Tells whether it is known to be locked on RunPod.
    pub fn is_locked(&self) -> bool {
        self.settings.locked == Some(Some(true))
    }

    /// Returns its published ports, which every API tells.
    pub fn ports(&self) -> impl Iterator<Item = &Port> {
        self.settings.ports.iter().flatten()
    }
}

/// Whether the container of a pod that is up has run. Only REST v2 tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Ran {
    #[default]
    NotTold,
    /// RunPod has no time at which it first ran.
    Never,
    Once {
        /// Since when it runs.
        since: Option<Timestamp>,
    },
}

/// How a pod is rented, as the API tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rental {
    OnDemand,
    /// By a bid, which no API tells.
    Spot {
        /// Somebody who pays more has its GPUs.
        outbid: bool,
    },
}

/// What a pod is doing; REST v2's words. The other APIs are mapped to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodStatus {
    /// Accepted; compute is billed from here on.
    Provisioning,
    /// The image is pulled and the container made.
    Starting,
    /// The container is up.
    Running,
    /// Stopped, by a person or because its process ended.
    Exited,
    /// The container failed.
    Error,
    /// Gone; treated as absent.
    Terminated,
}

impl PodStatus {
    /// Tells whether the pod runs or is about to, so that its compute is billed.
    pub fn is_up(self) -> bool {
        match self {
            Self::Provisioning | Self::Starting | Self::Running => true,
            Self::Exited | Self::Error | Self::Terminated => false,
        }
    }
}

impl fmt::Display for PodStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Provisioning => "PROVISIONING",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Exited => "EXITED",
            Self::Error => "ERROR",
            Self::Terminated => "TERMINATED",
        })
    }
}

/// What a pod belongs to. Only plain pods are ever managed or imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodRole {
    /// A pod that a person or podform made.
    Plain,
    /// A worker of a serverless endpoint.
    EndpointWorker,
    ClusterMember,
    /// A host's own background pod, named `<machine>-BG`.
    Background,
    /// A pod that RunPod runs for as long as it moves another one, and does not bill.
    Mover,
}

/// How a running pod can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Endpoints {
    /// The SSH command through RunPod's proxy.
    pub ssh_proxy: Option<String>,
    /// The SSH command to the pod's public address.
    pub ssh_direct: Option<String>,
    /// Public TCP ports: inside port to `host:port`.
    pub tcp: BTreeMap<u32, String>,
    /// Seconds since the container started.
    pub uptime_seconds: Option<u64>,
}

/// A network volume as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveVolume {
    pub id: VolumeId,
    /// Its name; ours is a [`VolumeMark`].
    pub name: String,
    pub size: Gigabytes,
    pub data_center: DataCenterId,
    /// Its tier; only REST v2 says.
    pub tier: Option<VolumeTier>,
}
