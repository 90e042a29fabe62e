//! The client of RunPod's three APIs behind the ports of [`crate::provider`].
//!
//! [`Runpod`] picks the API; `rest_v2`, `rest_v1` and `graphql` each hold the wire types and calls of one, private
//! to it, and `convert` what they have in common. `transport` sends one request and reads one answer, `wire` takes
//! answers apart field by field, and `error` decides what an answer says about the effect of its request. Nothing
//! here repeats a request: only `apply` knows what a repetition could double.
//!
//! Answers are read leniently, since unknown fields, nulls and new words must not stop a plan, and reported
//! strictly: no error text carries a value of an environment, sent or received, or the key.

mod convert;
mod error;
mod rest_v2;
mod transport;
mod wire;

use std::collections::BTreeSet;

use axum::Router;

use crate::model::catalog::{Catalog, StockQuery};
use crate::model::clock::Timestamp;
use crate::model::id::{PodId, VolumeId};
use crate::model::live::{LivePod, LiveVolume};
use crate::model::prior::Api;
use crate::model::request::{PatchRequest, PodRequest, VolumeRequest};
use crate::model::secret::Secret;
use crate::model::size::Gigabytes;
use crate::provider::{Listed, Mutate, Observe, ProviderError, Quota};

use transport::Transport;
pub use transport::{Origins, SetupError};

/// RunPod, spoken to over one of its APIs.
#[derive(Debug)]
pub struct Runpod {
    transport: Transport,
}

impl Runpod {
    /// Prepares a client over HTTP. Nothing is sent or looked up before the first call.
    ///
    /// # Errors
    /// The key cannot stand in a header.
    pub fn over_http(api: Api, origins: Origins, key: &Secret<String>) -> Result<Self, SetupError> {
        spoken(api)?;
        Ok(Self { transport: Transport::http(origins, key)? })
    }

    /// Prepares a client that calls a router in this process, so that a run under paused time is exact.
    ///
    /// # Errors
    /// The key cannot stand in a header.
    pub fn in_process(api: Api, router: Router, key: &Secret<String>) -> Result<Self, SetupError> {
        spoken(api)?;
        Ok(Self { transport: Transport::in_process(router, key)? })
    }
}

fn spoken(api: Api) -> Result<(), SetupError> {
    match api {
        Api::V2 => Ok(()),
        Api::V1 | Api::Graphql => Err(SetupError::NotSpoken),
    }
}

impl Observe for Runpod {
    async fn list_pods(&self) -> Result<Vec<Listed>, ProviderError> {
        rest_v2::list_pods(&self.transport).await
    }

    async fn list_volumes(&self) -> Result<Vec<LiveVolume>, ProviderError> {
        rest_v2::list_volumes(&self.transport).await
    }

    async fn pod(&self, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
        rest_v2::pod(&self.transport, id).await
    }

    async fn volume(&self, id: &VolumeId) -> Result<Option<LiveVolume>, ProviderError> {
        rest_v2::volume(&self.transport, id).await
    }

    async fn catalog(
        &self,
        questions: &BTreeSet<StockQuery>,
        now: Timestamp,
    ) -> Result<Catalog, ProviderError> {
        rest_v2::catalog(&self.transport, questions, now).await
    }

    fn quota(&self) -> Option<Quota> {
        self.transport.quota()
    }
}

impl Mutate for Runpod {
    async fn create_pod(&self, request: &PodRequest) -> Result<PodId, ProviderError> {
        rest_v2::create_pod(&self.transport, request).await
    }

    async fn update_pod(&self, request: &PatchRequest) -> Result<(), ProviderError> {
        rest_v2::update_pod(&self.transport, request).await
    }

    async fn start_pod(&self, id: &PodId, _gpus: u32) -> Result<(), ProviderError> {
        rest_v2::start_pod(&self.transport, id).await
    }

    async fn stop_pod(&self, id: &PodId) -> Result<(), ProviderError> {
        rest_v2::stop_pod(&self.transport, id).await
    }

    async fn delete_pod(&self, id: &PodId) -> Result<(), ProviderError> {
        rest_v2::delete_pod(&self.transport, id).await
    }

    async fn create_volume(&self, request: &VolumeRequest) -> Result<VolumeId, ProviderError> {
        rest_v2::create_volume(&self.transport, request).await
    }

    async fn grow_volume(&self, id: &VolumeId, size: Gigabytes) -> Result<(), ProviderError> {
        rest_v2::grow_volume(&self.transport, id, size).await
    }

    async fn delete_volume(&self, id: &VolumeId) -> Result<(), ProviderError> {
        rest_v2::delete_volume(&self.transport, id).await
    }
}
