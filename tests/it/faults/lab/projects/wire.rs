//! The ports of one run: everything that it sends is entered into the ledger, and what it sees can be read in the way
//! of a planner that trusts what it must not.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use podform::model::catalog::{Catalog, StockQuery};
use podform::model::clock::{SignedDuration, Timestamp};
use podform::model::id::TemplateId;
use podform::model::id::{EnvKey, PodId, RegistryId, SecretId, VolumeId};
use podform::model::live::{LivePod, LiveRegistry, LiveVolume};
use podform::model::marker::Token;
use podform::model::money::Hourly;
use podform::model::request::{PatchRequest, PodRequest, RegistryRequest, SecretRequest, VolumeRequest};
use podform::model::secret::Secret;
use podform::model::size::Gigabytes;
use podform::model::template::Template;
use podform::provider::runpod::Runpod;
use podform::provider::walk::Walk;
use podform::provider::{
    Listed, ListedPod, ListedRegistry, ListedSecret, ListedVolume, Mutate, Observe, ProviderError, Quota,
    ServerTime,
};
use podform::simulator::world::pod::PodId as WorldPodId;
use podform::simulator::{Simulation, World};

use super::ledger::{Ledger, Touch};

/// How what is seen is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reading {
    /// As it is.
    #[default]
    AsItIs,
    /// A volume's name is ours if it begins with the name of our project, and the rest is its key.
    NamesByPrefix,
    /// A copy of a pod was created when its original was, so where it comes from is not asked.
    CopiesAsOriginals,
}

impl Reading {
    pub const ALL: [Self; 3] = [Self::AsItIs, Self::NamesByPrefix, Self::CopiesAsOriginals];

    /// Returns the word that a case has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::AsItIs => "as-it-is",
            Self::NamesByPrefix => "names-by-prefix",
            Self::CopiesAsOriginals => "copies-as-originals",
        }
    }
}

/// The account as a run of one project reaches it.
pub struct Wire<'a> {
    pub client: Rc<Runpod>,
    pub simulation: &'a Simulation,
    pub ledger: &'a RefCell<Ledger>,
    pub project: &'a str,
    pub reading: Reading,
}

impl Wire<'_> {
    fn touch(&self, id: &str, touch: Touch, verb: &str) {
        let note = |world: &World| self.ledger.borrow_mut().note_touch(world, self.project, id, touch, verb);
        self.simulation.inspect(note);
    }

    fn note_sent(&self, address: &str, carried: &str) {
        let create = (self.project.to_owned(), address.to_owned(), carried.to_owned());
        self.ledger.borrow_mut().sent.push(create);
    }

    fn find_made(&self) {
        self.simulation.inspect(|world| self.ledger.borrow_mut().find_made(world));
    }

    fn seen(&self, mut pod: LivePod) -> LivePod {
        match self.reading {
            Reading::AsItIs | Reading::NamesByPrefix => {}
            Reading::CopiesAsOriginals => {
                let original = self.ledger.borrow().original(pod.id.as_str());
                let created = original.and_then(|original| {
                    self.simulation.inspect(|world| Some(world.any_pod(&WorldPodId(original))?.created_at))
                });
                let created = created.and_then(|at| i64::try_from(at.millis()).ok());
                let created = created.and_then(|at| Timestamp::from_millisecond(at).ok());
                let created = created.and_then(|at| at.checked_add(SignedDuration::from_secs(1)).ok());
                pod.created_at = created.or(pod.created_at);
            }
        }
        pod
    }

    fn seen_volume(&self, mut volume: LiveVolume) -> LiveVolume {
        match self.reading {
            Reading::AsItIs | Reading::CopiesAsOriginals => {}
            Reading::NamesByPrefix => {
                let parts: Vec<&str> = volume.name.split('.').collect();
                if let [project, key, token] = parts[..]
                    && let Some(rest) = project.strip_prefix(&format!("{}-", self.project))
                {
                    volume.name = format!("{}.{rest}-{key}.{token}", self.project);
                }
            }
        }
        volume
    }
}

impl Observe for Wire<'_> {
    async fn read_pods(&self, walk: &mut Walk<ListedPod>) -> Result<(), ProviderError> {
        let from = walk.entries().len();
        self.client.read_pods(walk).await?;
        walk.map_from(from, |entry| match entry {
            Listed::Found(pod) => Listed::Found(Box::new(self.seen(*pod))),
            odd @ (Listed::Unreadable { .. } | Listed::Nameless { .. }) => odd,
        });
        Ok(())
    }

    async fn list_volumes(&self) -> Result<Vec<ListedVolume>, ProviderError> {
        let seen = self.client.list_volumes().await?.into_iter().map(|entry| match entry {
            Listed::Found(volume) => Listed::Found(Box::new(self.seen_volume(*volume))),
            odd @ (Listed::Unreadable { .. } | Listed::Nameless { .. }) => odd,
        });
        Ok(seen.collect())
    }

    async fn exit_code(
        &self,
        id: &PodId,
        run: &Token,
        silence: Duration,
    ) -> Result<Option<u32>, ProviderError> {
        self.client.exit_code(id, run, silence).await
    }

    async fn list_secrets(&self) -> Result<Option<Vec<ListedSecret>>, ProviderError> {
        self.client.list_secrets().await
    }

    async fn list_registries(&self) -> Result<Vec<ListedRegistry>, ProviderError> {
        self.client.list_registries().await
    }

    async fn registry(&self, id: &RegistryId) -> Result<Option<LiveRegistry>, ProviderError> {
        self.client.registry(id).await
    }

    async fn pod(&self, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
        Ok(self.client.pod(id).await?.map(|pod| self.seen(pod)))
    }

    async fn template(&self, id: &TemplateId) -> Result<Option<Template>, ProviderError> {
        self.client.template(id).await
    }

    async fn volume(&self, id: &VolumeId) -> Result<Option<LiveVolume>, ProviderError> {
        Ok(self.client.volume(id).await?.map(|volume| self.seen_volume(volume)))
    }

    async fn catalog(
        &self,
        questions: &BTreeSet<StockQuery>,
        now: Timestamp,
    ) -> Result<Catalog, ProviderError> {
        self.client.catalog(questions, now).await
    }

    async fn partial_catalog(&self, questions: &BTreeSet<StockQuery>, now: Timestamp) -> Catalog {
        self.client.partial_catalog(questions, now).await
    }

    fn quota(&self) -> Option<Quota> {
        self.client.quota()
    }

    fn server_time(&self) -> Option<ServerTime> {
        self.client.server_time()
    }
}

impl Mutate for Wire<'_> {
    async fn create_pod(&self, request: &PodRequest) -> Result<PodId, ProviderError> {
        let mark = request.settings.env.get(&EnvKey::new("PODFORM_MARK"));
        let mark = mark.map(|mark| mark.expose().clone()).unwrap_or_default();
        self.note_sent(mark.split('/').nth(1).unwrap_or_default(), &mark);
        let answer = self.client.create_pod(request).await;
        self.find_made();
        answer
    }

    async fn update_pod(&self, request: &PatchRequest) -> Result<(), ProviderError> {
        self.touch(request.id.as_str(), Touch::Change, "change");
        self.client.update_pod(request).await
    }

    async fn start_pod(&self, id: &PodId, gpus: u32, bid: Option<Hourly>) -> Result<(), ProviderError> {
        self.touch(id.as_str(), Touch::Change, "start");
        self.client.start_pod(id, gpus, bid).await
    }

    async fn stop_pod(&self, id: &PodId) -> Result<(), ProviderError> {
        self.touch(id.as_str(), Touch::Change, "stop");
        self.client.stop_pod(id).await
    }

    async fn delete_pod(&self, id: &PodId) -> Result<(), ProviderError> {
        self.touch(id.as_str(), Touch::Delete, "terminate");
        self.client.delete_pod(id).await
    }

    async fn create_volume(&self, request: &VolumeRequest) -> Result<VolumeId, ProviderError> {
        // `<project>.<key>.<token8>`
        let key = request.name.get(self.project.len() + 1..request.name.len() - 9).unwrap_or_default();
        self.note_sent(&format!("volume.{key}"), &request.name);
        let answer = self.client.create_volume(request).await;
        self.find_made();
        answer
    }

    async fn grow_volume(&self, id: &VolumeId, size: Gigabytes) -> Result<(), ProviderError> {
        self.touch(id.as_str(), Touch::Change, "grow");
        self.client.grow_volume(id, size).await
    }

    async fn delete_volume(&self, id: &VolumeId) -> Result<(), ProviderError> {
        self.touch(id.as_str(), Touch::Delete, "delete");
        self.client.delete_volume(id).await
    }

    async fn create_registry(&self, request: &RegistryRequest) -> Result<RegistryId, ProviderError> {
        self.client.create_registry(request).await
    }

    async fn delete_registry(&self, id: &RegistryId) -> Result<(), ProviderError> {
        self.touch(id.as_str(), Touch::Delete, "delete");
        self.client.delete_registry(id).await
    }

    async fn create_secret(&self, request: &SecretRequest) -> Result<SecretId, ProviderError> {
        self.client.create_secret(request).await
    }

    async fn set_secret(&self, id: &SecretId, value: &Secret<String>) -> Result<(), ProviderError> {
        self.touch(id.as_str(), Touch::Change, "set");
        self.client.set_secret(id, value).await
    }

    async fn delete_secret(&self, id: &SecretId) -> Result<(), ProviderError> {
        self.touch(id.as_str(), Touch::Delete, "delete");
        self.client.delete_secret(id).await
    }
}
