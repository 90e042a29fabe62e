//! Ports to a provider of pods: what podform asks, and what it has done.
//!
//! The ports speak the vocabulary of [`crate::model`] only; wire formats and HTTP live in `provider::runpod`. An
//! implementation sends each request once. Whether to ask again is decided in `apply`, which alone knows what a
//! repetition could double. Start at [`Observe`] and [`ProviderError`].

pub mod logs;
pub mod observe;
pub mod probe;
pub mod runpod;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::model::catalog::{Catalog, StockQuery};
use crate::model::clock::Timestamp;
use crate::model::id::{PodId, RequestId, VolumeId};
use crate::model::live::{LivePod, LiveVolume, Origin};
use crate::model::request::{PatchRequest, PodRequest, VolumeRequest};
use crate::model::size::Gigabytes;

/// Reads, which cost nothing and may be repeated.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so no future needs to be `Send`")]
pub trait Observe {
    /// Lists every pod of the account, those of endpoints and clusters as far as the API shows them.
    ///
    /// # Errors
    /// The listing as a whole could not be read. A single entry that cannot be read is one of [`Listed`].
    async fn list_pods(&self) -> Result<Vec<ListedPod>, ProviderError>;

    /// Lists every network volume of the account.
    ///
    /// # Errors
    /// The listing as a whole could not be read. A single entry that cannot be read is one of [`Listed`].
    async fn list_volumes(&self) -> Result<Vec<ListedVolume>, ProviderError>;

    /// Reads one pod; `None` means that the API says that there is none.
    ///
    /// # Errors
    /// The answer says neither.
    async fn pod(&self, id: &PodId) -> Result<Option<LivePod>, ProviderError>;

    /// Reads one network volume; `None` means that the API says that there is none.
    ///
    /// # Errors
    /// The answer says neither.
    async fn volume(&self, id: &VolumeId) -> Result<Option<LiveVolume>, ProviderError>;

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

    /// Starts a stopped pod on its host, with so many GPUs where the API can say so.
    ///
    /// # Errors
    /// See [`Certainty`]; a full host is [`Rejection::NoCapacity`].
    async fn start_pod(&self, id: &PodId, gpus: u32) -> Result<(), ProviderError>;

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
}

/// One entry of a listing: an object, or as much of one as could be read. An odd entry is never left out in silence, since
/// it is an object all the same.
#[derive(Clone, Debug, PartialEq)]
pub enum Listed<O, I> {
    /// It could be read.
    Found(Box<O>),
    /// It could not, but its id could.
    Unreadable {
        /// The id.
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

/// A request that did not lead to a plain success, and what is known about its effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} {}: {detail}{}", self.outcome(), ShownRequestId(self.request_id.as_ref()))]
pub struct ProviderError {
    /// The call in the API's words, such as `POST /v2/pods`. Reads begin with `GET` or with `GraphQL query`.
    pub call: &'static str,
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
        let is_read = self.call.starts_with("GET ") || self.call.starts_with("GraphQL query ");
        match self.certainty {
            Certainty::Unknown | Certainty::NotDone if is_read => "failed".to_owned(),
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
