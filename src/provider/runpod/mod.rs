//! The client of RunPod's three APIs behind the ports of [`crate::provider`].
//!
//! [`Runpod`] picks the API; `rest_v2`, `rest_v1` and `graphql` each hold the wire types and calls of one, private
//! to it, and `convert` what they have in common. `transport` sends one request to one of the `origins`, `answer` reads
//! what comes back, `wire` takes it apart field by field, `error` decides what an answer says about the effect of its request, and `redact` takes
//! secrets out of what it says. Nothing here repeats a request: only `apply` knows what a repetition could double.
//!
//! Answers are read leniently, since unknown fields, nulls and new words must not stop a plan, and reported
//! strictly: no error text carries a value of an environment, sent or received, or the key.

mod answer;
mod command;
mod convert;
mod doors;
mod error;
mod events;
mod graphql;
mod origins;
mod redact;
mod rest_v1;
mod rest_v2;
mod transport;
mod wire;

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;

use crate::model::catalog::{Catalog, CatalogPart, StockQuery};
use crate::model::clock::Timestamp;
use crate::model::id::TemplateId;
use crate::model::id::{PodId, RegistryId, SecretId, VolumeId};
use crate::model::live::{LivePod, LiveRegistry, LiveVolume};
use crate::model::marker::Token;
use crate::model::money::Hourly;
use crate::model::prior::Api;
use crate::model::request::{PatchRequest, PodRequest, RegistryRequest, SecretRequest, VolumeRequest};
use crate::model::secret::Secret;
use crate::model::size::Gigabytes;
use crate::model::template::Template;
use crate::provider::logs::{self, LogWish, ReadLogs};
use crate::provider::probe::{Probe, WriteScope};
use crate::provider::speed::Speed;
use crate::provider::walk::Walk;
use crate::provider::{
    Certainty, Listed, ListedPod, ListedRegistry, ListedSecret, ListedVolume, Mutate, Observe, ProviderError,
    Quota, Rejection, ServerTime, Verb,
};

use doors::Doors;
pub use origins::{Origins, SetupError};
pub use rest_v2::RunpodLog;
use transport::{Transport, unsendable};

/// Why nothing is sent about a secret over the older APIs.
const NO_SECRETS: &str = "only REST v2 has secrets of the account";

/// RunPod, spoken to over one of its APIs.
#[derive(Debug)]
pub struct Runpod {
    api: Api,
    transport: Transport,
    doors: Doors,
}

impl Runpod {
    /// Prepares a client over HTTP. Nothing is sent or looked up before the first call. `awake` tells the time by a
    /// clock that goes on while this computer is suspended.
    ///
    /// # Errors
    /// The key cannot stand in a header.
    pub fn over_http(
        api: Api,
        origins: Origins,
        key: &Secret<String>,
        awake: fn() -> Timestamp,
    ) -> Result<Self, SetupError> {
        let doors = Doors::over_http(&origins);
        Ok(Self { api, transport: Transport::http(origins, key, awake)?, doors })
    }

    /// Prepares a client that calls a router in this process, so that a run under paused time is exact.
    ///
    /// # Errors
    /// The key cannot stand in a header.
    pub fn in_process(api: Api, router: Router, key: &Secret<String>) -> Result<Self, SetupError> {
        let doors = Doors::in_process(router.clone());
        Ok(Self { api, transport: Transport::in_process(router, key)?, doors })
    }

    /// Returns how fast the account's time goes, as far as answers have told it.
    pub fn speed(&self) -> Speed {
        self.transport.speed()
    }

    /// Makes known which values no error and no line of a log may show, and which the spec shows anyway. The key and
    /// whatever is sent or read in an environment need not be told.
    pub fn hide<'a>(
        &self,
        secrets: impl IntoIterator<Item = &'a Secret<String>>,
        open: impl IntoIterator<Item = String>,
    ) {
        self.transport.redactor().tell(secrets, open);
    }
}

/// How much of a catalog is enough.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// All of it; a part that cannot be read is an error.
    Whole,
    /// Whatever can be read.
    WhatThereIs,
}

impl Reading {
    /// Notes a part that could not be read, or returns the error.
    fn settle(
        self,
        part: CatalogPart,
        read: Result<(), ProviderError>,
        catalog: &mut Catalog,
    ) -> Result<(), ProviderError> {
        match (self, read) {
            (Self::WhatThereIs, Err(error)) => {
                catalog.unread.insert(part, error.to_string());
                Ok(())
            }
            (Self::Whole | Self::WhatThereIs, read) => read,
        }
    }
}

impl Runpod {
    async fn read_catalog(
        &self,
        questions: &BTreeSet<StockQuery>,
        now: Timestamp,
        reading: Reading,
    ) -> Result<Catalog, ProviderError> {
        match self.api {
            Api::V2 => rest_v2::catalog(&self.transport, questions, now, reading).await,
            Api::Graphql => graphql::catalog(&self.transport, questions, now, reading).await,
            // REST v1 has no catalog of its own, and takes less than the one of GraphQL shows.
            Api::V1 => {
                let catalog = graphql::catalog(&self.transport, questions, now, reading).await?;
                Ok(Catalog { not_taken: rest_v1::not_taken(&catalog), ..catalog })
            }
        }
    }
}

/// Calls a function of the API that was chosen.
macro_rules! spoken {
    ($self:ident . $call:ident ( $($argument:expr),* )) => {
        match $self.api {
            Api::V2 => rest_v2::$call(&$self.transport, $($argument),*).await,
            Api::V1 => rest_v1::$call(&$self.transport, $($argument),*).await,
            Api::Graphql => graphql::$call(&$self.transport, $($argument),*).await,
        }
    };
}

impl Observe for Runpod {
    async fn read_pods(&self, walk: &mut Walk<ListedPod>) -> Result<(), ProviderError> {
        let before = walk.entries().len();
        let is_first = walk.pages() == 0;
        spoken!(self.read_pods(walk))?;
        let pods = walk.entries()[before..].iter().filter_map(Listed::found);
        let values = pods.flat_map(|pod| pod.settings.env.values());
        let redactor = self.transport.redactor();
        if is_first {
            redactor.see_listing(values)
        } else {
            redactor.see_more(values)
        }
        Ok(())
    }

    async fn list_volumes(&self) -> Result<Vec<ListedVolume>, ProviderError> {
        spoken!(self.list_volumes())
    }

    async fn list_secrets(&self) -> Result<Option<Vec<ListedSecret>>, ProviderError> {
        match self.api {
            Api::V2 => rest_v2::list_secrets(&self.transport).await.map(Some),
            Api::V1 | Api::Graphql => Ok(None),
        }
    }

    async fn list_registries(&self) -> Result<Vec<ListedRegistry>, ProviderError> {
        spoken!(self.list_registries())
    }

    async fn registry(&self, id: &RegistryId) -> Result<Option<LiveRegistry>, ProviderError> {
        spoken!(self.registry(id))
    }

    async fn pod(&self, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
        let pod = spoken!(self.pod(id))?;
        self.transport.redactor().see(pod.iter().flat_map(|pod| pod.settings.env.values()));
        Ok(pod)
    }

    async fn exit_code(
        &self,
        id: &PodId,
        run: &Token,
        silence: Duration,
    ) -> Result<Option<u32>, ProviderError> {
        logs::exit_code(self, id, run, silence).await
    }

    async fn template(&self, id: &TemplateId) -> Result<Option<Template>, ProviderError> {
        match self.api {
            Api::V2 => {
                let template = rest_v2::template(&self.transport, id).await?;
                let values = template.iter().flat_map(|template| template.settings.env.values());
                self.transport.redactor().see(values);
                Ok(template)
            }
            Api::V1 | Api::Graphql => Err(unsendable(
                Verb::ReadTemplate.by("GET /v2/templates/{id}"),
                "templates are read over REST v2 only, and the spec names another API",
            )),
        }
    }

    async fn volume(&self, id: &VolumeId) -> Result<Option<LiveVolume>, ProviderError> {
        spoken!(self.volume(id))
    }

    async fn catalog(
        &self,
        questions: &BTreeSet<StockQuery>,
        now: Timestamp,
    ) -> Result<Catalog, ProviderError> {
        self.read_catalog(questions, now, Reading::Whole).await
    }

    async fn partial_catalog(&self, questions: &BTreeSet<StockQuery>, now: Timestamp) -> Catalog {
        let catalog = self.read_catalog(questions, now, Reading::WhatThereIs).await;
        catalog.unwrap_or_else(|error| Catalog::unread(now, &error.to_string()))
    }

    fn quota(&self) -> Option<Quota> {
        self.transport.quota()
    }

    fn server_time(&self) -> Option<ServerTime> {
        self.transport.server_time()
    }
}

impl ReadLogs for Runpod {
    type Log = RunpodLog;

    async fn open_log(&self, pod: &PodId, wish: &LogWish) -> Result<RunpodLog, ProviderError> {
        match self.api {
            Api::V2 => rest_v2::open_log(&self.transport, pod, wish).await,
            Api::V1 | Api::Graphql => Err(unsendable(
                Verb::ReadLog.by("GET /v2/pods/{id}/logs"),
                "logs come over REST v2 only, and the spec names another API",
            )),
        }
    }
}

impl Probe for Runpod {
    async fn write_scope(&self) -> Result<WriteScope, ProviderError> {
        // No id of RunPod holds a dash.
        match self.stop_pod(&PodId::new("no-such-pod")).await {
            Ok(()) => Ok(WriteScope::NotTold),
            Err(error) => match error.certainty {
                Certainty::Rejected(Rejection::NotFound) => Ok(WriteScope::Writes),
                Certainty::Rejected(Rejection::Forbidden) => Ok(WriteScope::ReadsOnly),
                Certainty::Rejected(_)
                | Certainty::Throttled { .. }
                | Certainty::NotDone
                | Certainty::Unknown => Err(error),
            },
        }
    }

    async fn ssh_keys(&self) -> Result<Option<usize>, ProviderError> {
        match self.api {
            Api::V2 => rest_v2::ssh_keys(&self.transport).await.map(Some),
            Api::V1 => Ok(None),
            Api::Graphql => graphql::ssh_keys(&self.transport).await,
        }
    }
}

impl Mutate for Runpod {
    async fn create_pod(&self, request: &PodRequest) -> Result<PodId, ProviderError> {
        spoken!(self.create_pod(request))
    }

    async fn update_pod(&self, request: &PatchRequest) -> Result<(), ProviderError> {
        spoken!(self.update_pod(request))
    }

    async fn start_pod(&self, id: &PodId, gpus: u32, bid: Option<Hourly>) -> Result<(), ProviderError> {
        match self.api {
            // REST starts a pod with the GPUs that it had.
            Api::V2 => rest_v2::start_pod(&self.transport, id).await,
            Api::V1 => rest_v1::start_pod(&self.transport, id).await,
            Api::Graphql => graphql::start_pod(&self.transport, id, gpus, bid).await,
        }
    }

    async fn stop_pod(&self, id: &PodId) -> Result<(), ProviderError> {
        spoken!(self.stop_pod(id))
    }

    async fn delete_pod(&self, id: &PodId) -> Result<(), ProviderError> {
        spoken!(self.delete_pod(id))
    }

    async fn create_volume(&self, request: &VolumeRequest) -> Result<VolumeId, ProviderError> {
        spoken!(self.create_volume(request))
    }

    async fn grow_volume(&self, id: &VolumeId, size: Gigabytes) -> Result<(), ProviderError> {
        spoken!(self.grow_volume(id, size))
    }

    async fn delete_volume(&self, id: &VolumeId) -> Result<(), ProviderError> {
        spoken!(self.delete_volume(id))
    }

    async fn create_registry(&self, request: &RegistryRequest) -> Result<RegistryId, ProviderError> {
        spoken!(self.create_registry(request))
    }

    async fn delete_registry(&self, id: &RegistryId) -> Result<(), ProviderError> {
        spoken!(self.delete_registry(id))
    }

    async fn create_secret(&self, request: &SecretRequest) -> Result<SecretId, ProviderError> {
        match self.api {
            Api::V2 => rest_v2::create_secret(&self.transport, request).await,
            Api::V1 | Api::Graphql => Err(unsendable(Verb::CreateSecret.unnamed(), NO_SECRETS)),
        }
    }

    async fn set_secret(&self, id: &SecretId, value: &Secret<String>) -> Result<(), ProviderError> {
        match self.api {
            Api::V2 => rest_v2::set_secret(&self.transport, id, value).await,
            Api::V1 | Api::Graphql => Err(unsendable(Verb::SetSecret.unnamed(), NO_SECRETS)),
        }
    }

    async fn delete_secret(&self, id: &SecretId) -> Result<(), ProviderError> {
        match self.api {
            Api::V2 => rest_v2::delete_secret(&self.transport, id).await,
            Api::V1 | Api::Graphql => Err(unsendable(Verb::DeleteSecret.unnamed(), NO_SECRETS)),
        }
    }
}
