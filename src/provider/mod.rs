//! Ports to a provider of pods: what podform asks, and what it has done.
//!
//! The ports speak the vocabulary of [`crate::model`] only; wire formats and HTTP live in `provider::runpod`. An
//! implementation sends each request once. Whether to ask again is decided in `apply`, which alone knows what a
//! repetition could double. Start at [`Observe`] and [`ProviderError`].
//!
//! To add a request: a method of a port, its verb, and its call in each API of `runpod`; the simulator must answer it
//! too, as nastily as RunPod does. To add an API: a file beside `runpod/rest_v2.rs`, and a row in `tests/it/wire`.

pub mod logs;
pub mod observe;
pub mod probe;
pub mod reach;
pub mod runpod;
pub mod speed;
pub mod walk;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::model::catalog::{Catalog, StockQuery};
use crate::model::clock::Timestamp;
use crate::model::id::{PodId, RegistryId, RequestId, SecretId, TemplateId, VolumeId};
use crate::model::live::{LivePod, LiveRegistry, LiveSecret, LiveVolume, Origin};
use crate::model::marker::Token;
use crate::model::money::Hourly;
use crate::model::request::{PatchRequest, PodRequest, RegistryRequest, SecretRequest, VolumeRequest};
use crate::model::secret::Secret;
use crate::model::size::Gigabytes;
use crate::model::template::Template;
use walk::Walk;

/// Reads, which cost nothing and may be repeated.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so no future needs to be `Send`")]
pub trait Observe {
    /// Reads the next page of the listing of every pod of the account, those of endpoints and clusters as far as the API
    /// shows them.
    ///
    /// # Errors
    /// The page as a whole could not be read; the walk stands where it stood. A single entry that cannot be read is one
    /// of [`Listed`].
    async fn read_pods(&self, walk: &mut Walk<ListedPod>) -> Result<(), ProviderError>;

    /// Lists every pod of the account.
    ///
    /// # Errors
    /// See [`Self::read_pods`].
    async fn list_pods(&self) -> Result<Vec<ListedPod>, ProviderError> {
        walk::walk(async |walk| self.read_pods(walk).await).await.map(Walk::into_entries)
    }

    /// Lists every network volume of the account.
    ///
    /// # Errors
    /// The listing as a whole could not be read. A single entry that cannot be read is one of [`Listed`].
    async fn list_volumes(&self) -> Result<Vec<ListedVolume>, ProviderError>;

    /// Lists the secrets of the account, without their values; `None` from an API that has no list of them.
    ///
    /// # Errors
    /// The listing as a whole could not be read.
    async fn list_secrets(&self) -> Result<Option<Vec<ListedSecret>>, ProviderError>;

    /// Lists the account's credentials for container registries, by their names alone.
    ///
    /// # Errors
    /// The listing as a whole could not be read.
    async fn list_registries(&self) -> Result<Vec<ListedRegistry>, ProviderError>;

    /// Reads the name of credentials for a registry; `None` means that the API says that there are none.
    ///
    /// # Errors
    /// The answer says neither.
    async fn registry(&self, id: &RegistryId) -> Result<Option<LiveRegistry>, ProviderError>;

    /// Reads one pod; `None` means that the API says that there is none.
    ///
    /// # Errors
    /// The answer says neither.
    async fn pod(&self, id: &PodId) -> Result<Option<LivePod>, ProviderError>;

    /// Reads in the log of a pod with which exit code a run of a job ended; `None` means that the log does not say. What
    /// nothing follows for so long of a log without an end is all of it.
    ///
    /// # Errors
    /// The API has no logs, or the log could not be read.
    async fn exit_code(
        &self,
        id: &PodId,
        run: &Token,
        silence: Duration,
    ) -> Result<Option<u32>, ProviderError>;

    /// Reads one network volume; `None` means that the API says that there is none.
    ///
    /// # Errors
    /// The answer says neither.
    async fn volume(&self, id: &VolumeId) -> Result<Option<LiveVolume>, ProviderError>;

    /// Reads a template; `None` means that the API says that there is none.
    ///
    /// # Errors
    /// The answer says neither, or the API shows no template as a whole.
    async fn template(&self, id: &TemplateId) -> Result<Option<Template>, ProviderError>;

    /// Reads the catalog with the stock for these questions, as many as the call budget allows.
    ///
    /// # Errors
    /// The catalog could not be read.
    async fn catalog(
        &self,
        questions: &BTreeSet<StockQuery>,
        now: Timestamp,
    ) -> Result<Catalog, ProviderError>;

    /// Reads as much of the catalog as can be read, and says what could not.
    async fn partial_catalog(&self, questions: &BTreeSet<StockQuery>, now: Timestamp) -> Catalog;

    /// Returns the tightest quota that the last answers announced, if they announced any.
    fn quota(&self) -> Option<Quota>;

    /// Returns the provider's own time as the last answer with one told it; `None` if none did.
    fn server_time(&self) -> Option<ServerTime>;
}

/// Writes, each of which may be billed or lose data.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so no future needs to be `Send`")]
pub trait Mutate {
    /// Creates a pod and returns its id. Never idempotent.
    ///
    /// # Errors
    /// See [`Certainty`]: an unknown answer is not a failure.
    async fn create_pod(&self, request: &PodRequest) -> Result<PodId, ProviderError>;

    /// Changes a pod.
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn update_pod(&self, request: &PatchRequest) -> Result<(), ProviderError>;

    /// Starts a stopped pod on its host, with so many GPUs where the API can say so, and for this bid for each of them an
    /// hour if it is rented by one.
    ///
    /// # Errors
    /// See [`Certainty`]; a full host is [`Rejection::NoCapacity`].
    async fn start_pod(&self, id: &PodId, gpus: u32, bid: Option<Hourly>) -> Result<(), ProviderError>;

    /// Stops a pod.
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn stop_pod(&self, id: &PodId) -> Result<(), ProviderError>;

    /// Terminates a pod. A pod that is not there is [`Rejection::NotFound`].
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn delete_pod(&self, id: &PodId) -> Result<(), ProviderError>;

    /// Creates a network volume and returns its id. Never idempotent.
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn create_volume(&self, request: &VolumeRequest) -> Result<VolumeId, ProviderError>;

    /// Grows a network volume.
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn grow_volume(&self, id: &VolumeId, size: Gigabytes) -> Result<(), ProviderError>;

    /// Deletes a network volume.
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn delete_volume(&self, id: &VolumeId) -> Result<(), ProviderError>;

    /// Makes a secret of the account and returns its id. A name that is taken is [`Rejection::Conflict`].
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn create_secret(&self, request: &SecretRequest) -> Result<SecretId, ProviderError>;

    /// Gives a secret of the account a value.
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn set_secret(&self, id: &SecretId, value: &Secret<String>) -> Result<(), ProviderError>;

    /// Stores credentials for a container registry and returns their id. Never idempotent.
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn create_registry(&self, request: &RegistryRequest) -> Result<RegistryId, ProviderError>;

    /// Deletes credentials for a container registry. RunPod refuses it while a pod pulls its image with them.
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn delete_registry(&self, id: &RegistryId) -> Result<(), ProviderError>;

    /// Deletes a secret of the account, also while variables refer to it.
    ///
    /// # Errors
    /// See [`Certainty`].
    async fn delete_secret(&self, id: &SecretId) -> Result<(), ProviderError>;
}

/// One entry of a listing: an object, or as much of one as could be read. An odd entry is never left out in silence, since
/// it is an object all the same.
#[derive(Clone, Debug, PartialEq)]
pub enum Listed<O, I> {
    /// It could be read.
    Found(Box<O>),
    /// It could not, but its id could.
    Unreadable {
        id: I,
        /// What is wrong with it, naming the field.
        why: String,
        /// Where it comes from.
        origin: Origin,
    },
    /// Not even its id could be read, so that it may be any object that is not listed otherwise.
    Nameless {
        /// What is wrong with it, naming the field.
        why: String,
    },
}

/// One entry of the listing of pods.
pub type ListedPod = Listed<LivePod, PodId>;
/// One entry of the listing of network volumes.
pub type ListedVolume = Listed<LiveVolume, VolumeId>;
/// One entry of the listing of secrets.
pub type ListedSecret = Listed<LiveSecret, SecretId>;
/// One entry of the listing of credentials for registries.
pub type ListedRegistry = Listed<LiveRegistry, RegistryId>;

impl<O, I> Listed<O, I> {
    /// Returns the object if it could be read.
    pub fn found(&self) -> Option<&O> {
        match self {
            Self::Found(object) => Some(object),
            Self::Unreadable { .. } | Self::Nameless { .. } => None,
        }
    }
}

impl ListedPod {
    /// Returns the id of the pod, if it is told.
    pub fn id(&self) -> Option<&PodId> {
        match self {
            Self::Found(pod) => Some(&pod.id),
            Self::Unreadable { id, .. } => Some(id),
            Self::Nameless { why: _ } => None,
        }
    }
}

impl ListedVolume {
    /// Returns the id of the network volume, if it is told.
    pub fn id(&self) -> Option<&VolumeId> {
        match self {
            Self::Found(volume) => Some(&volume.id),
            Self::Unreadable { id, .. } => Some(id),
            Self::Nameless { why: _ } => None,
        }
    }
}

/// The provider's own time, as an answer told it: what it says of creations is by the same clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerTime {
    /// What the answer said, in whole seconds.
    pub date: Timestamp,
    /// How long ago it came, by a clock that never jumps.
    pub ago: Duration,
}

impl ServerTime {
    /// Returns the time carried on to the present.
    pub fn now(self) -> Timestamp {
        self.date.checked_add(self.ago).unwrap_or(Timestamp::MAX)
    }
}

/// How much of the API's quota is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests left in the window.
    pub remaining: u32,
    /// Time until the window starts again.
    pub resets_in: Duration,
}

/// What is asked of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    ListPods,
    ListVolumes,
    ListSecrets,
    ListRegistries,
    ReadPod,
    ReadVolume,
    ReadRegistry,
    ReadCatalog,
    ReadLog,
    ReadSshKeys,
    ReadTemplate,
    CreatePod,
    UpdatePod,
    StartPod,
    StopPod,
    DeletePod,
    CreateVolume,
    GrowVolume,
    DeleteVolume,
    CreateSecret,
    SetSecret,
    DeleteSecret,
    CreateRegistry,
    DeleteRegistry,
}

impl Verb {
    /// Returns the call that it is by an API, such as `POST /v2/pods`.
    pub const fn by(self, name: &'static str) -> Call {
        Call { verb: self, name }
    }

    /// Returns a call of which no more is known, as it was given up before there was an answer of the API.
    pub const fn unnamed(self) -> Call {
        self.by(UNNAMED)
    }

    /// Tells whether it has no effect.
    pub fn is_read(self) -> bool {
        match self {
            Self::ListPods
            | Self::ListVolumes
            | Self::ListSecrets
            | Self::ListRegistries
            | Self::ReadPod
            | Self::ReadVolume
            | Self::ReadRegistry
            | Self::ReadCatalog
            | Self::ReadLog
            | Self::ReadSshKeys
            | Self::ReadTemplate => true,
            Self::CreatePod
            | Self::UpdatePod
            | Self::StartPod
            | Self::StopPod
            | Self::DeletePod
            | Self::CreateVolume
            | Self::GrowVolume
            | Self::DeleteVolume
            | Self::CreateSecret
            | Self::SetSecret
            | Self::DeleteSecret
            | Self::CreateRegistry
            | Self::DeleteRegistry => false,
        }
    }

    /// Tells whether it makes an object, so that a second one would be billed too.
    pub fn is_create(self) -> bool {
        matches!(self, Self::CreatePod | Self::CreateVolume | Self::CreateSecret | Self::CreateRegistry)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            // To a person both listings are the account.
            Self::ListPods | Self::ListVolumes => "read the account",
            Self::ListSecrets => "read the secrets",
            Self::ListRegistries | Self::ReadRegistry => "read the registries",
            Self::ReadPod => "read the pod",
            Self::ReadVolume => "read the network volume",
            Self::ReadCatalog => "read the catalog",
            Self::ReadLog => "read the log",
            Self::ReadSshKeys => "read the SSH keys",
            Self::ReadTemplate => "read the template",
            Self::CreatePod => "create a pod",
            Self::UpdatePod => "change a pod",
            Self::StartPod => "start a pod",
            Self::StopPod => "stop a pod",
            Self::DeletePod => "terminate a pod",
            Self::CreateVolume => "create a network volume",
            Self::GrowVolume => "grow a network volume",
            Self::DeleteVolume => "delete a network volume",
            Self::CreateSecret => "create a secret",
            Self::SetSecret => "set a secret",
            Self::DeleteSecret => "delete a secret",
            Self::CreateRegistry => "store credentials for a registry",
            Self::DeleteRegistry => "delete credentials for a registry",
        })
    }
}

/// What a call is named that never got an answer of the API.
const UNNAMED: &str = "the request";

/// A call, in podform's words and in those of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// What was to be done.
    pub verb: Verb,
    /// How the API calls it.
    pub name: &'static str,
}

impl Call {
    /// Tells whether the API was asked to read, so that nobody needs to be told of an effect.
    fn is_named_read(self) -> bool {
        self.verb.is_read() && self.name != UNNAMED
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A request that did not lead to a plain success, and what is known about its effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} {}: {detail}{}", self.outcome(), ShownRequestId(self.request_id.as_ref()))]
pub struct ProviderError {
    /// What was being done.
    pub call: Call,
    /// What is known.
    pub certainty: Certainty,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What the API said, in one line and without any value that was sent.
    pub detail: String,
    /// The request id, for RunPod's support.
    pub request_id: Option<RequestId>,
}

impl ProviderError {
    /// Says how the call ended. A read has no effect that could be in doubt.
    fn outcome(&self) -> String {
        match self.certainty {
            Certainty::Unknown | Certainty::NotDone if self.call.is_named_read() => "failed".to_owned(),
            Certainty::Rejected(_)
            | Certainty::Throttled { .. }
            | Certainty::NotDone
            | Certainty::Unknown => self.certainty.to_string(),
        }
    }
}

/// What is known about the effect of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// The API refused it: certainly not done, and the same request would be refused again.
    Rejected(Rejection),
    /// Certainly not done; allowed again after this time.
    Throttled {
        /// What `Retry-After` said.
        retry_after: Option<Duration>,
    },
    /// Certainly not done: it never reached the API.
    NotDone,
    /// Done or not: the answer is missing, unreadable or a server error.
    Unknown,
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rejected(_) => "was rejected",
            Self::Throttled { .. } => "was throttled",
            Self::NotDone => "was not done",
            Self::Unknown => "may or may not have been done",
        })
    }
}

/// Why the API refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejection {
    /// Nothing free: try the next candidate.
    NoCapacity,
    /// The account has no money: stop everything.
    NoFunds,
    /// The key is not accepted: stop everything.
    KeyRefused,
    /// The key may not do this, or not in this pool.
    Forbidden,
    /// There is no such object.
    NotFound,
    /// Not in this status.
    Conflict,
    /// The request is malformed: ours to mend.
    Invalid,
    /// RunPod moves the pod to another machine: not now, whatever is asked.
    Migrating,
    /// RunPod asked something of itself that it does not know: neither we nor another candidate mend that.
    Broken,
    /// The API is retired.
    Gone,
}

/// The request id in brackets, where there is one.
struct ShownRequestId<'a>(Option<&'a RequestId>);

impl fmt::Display for ShownRequestId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |id| write!(f, " (request {id})"))
    }
}
