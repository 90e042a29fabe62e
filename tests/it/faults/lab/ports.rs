//! Ports that end the process at a chosen moment, and what they saw until then.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use podform::apply::Settings;
use podform::model::catalog::{Catalog, StockQuery};
use podform::model::clock::Timestamp;
use podform::model::id::TemplateId;
use podform::model::id::{PodId, RegistryId, RunId, SecretId, Serial, VolumeId};
use podform::model::live::{LivePod, LiveRegistry, LiveVolume};
use podform::model::marker::Token;
use podform::model::money::Hourly;
use podform::model::ready::{Probe, Readiness};
use podform::model::request::{PatchRequest, PodRequest, RegistryRequest, SecretRequest, VolumeRequest};
use podform::model::secret::Secret;
use podform::model::size::Gigabytes;
use podform::model::template::Template;
use podform::provider::reach::{AskPods, Hearing};
use podform::provider::runpod::Runpod;
use podform::provider::walk::Walk;
use podform::provider::{
    Certainty, Listed, ListedPod, ListedRegistry, ListedSecret, ListedVolume, Mutate, Observe, ProviderError,
    Quota, ServerTime,
};
use podform::state::{Batch, Journal, Run, StateError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::runs::Runs;
use super::serving::Serving;

/// When the process ends. Writes of the journal and calls of the provider are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Before the write is durable.
    BeforeCommit(u64),
    /// After it is, without knowing.
    AfterCommit(u64),
    /// Before the request is sent.
    BeforeCall(u64),
    /// After it took effect, before its answer is read.
    OnWire(u64),
    /// While it is on its way: it arrives after the process is gone.
    Late(u64),
}

impl Crash {
    const WORDS: [&str; 5] = ["before-commit", "after-commit", "before-call", "on-wire", "late"];
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, number) = match self {
            Self::BeforeCommit(number) => (0, number),
            Self::AfterCommit(number) => (1, number),
            Self::BeforeCall(number) => (2, number),
            Self::OnWire(number) => (3, number),
            Self::Late(number) => (4, number),
        };
        write!(f, "{}:{number}", Self::WORDS[word])
    }
}

impl FromStr for Crash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, number) = text.split_once(':').ok_or("a crash is WORD:NUMBER")?;
        let number = number.parse().map_err(|_| format!("`{number}` is no number"))?;
        match Self::WORDS.iter().position(|known| *known == word) {
            Some(0) => Ok(Self::BeforeCommit(number)),
            Some(1) => Ok(Self::AfterCommit(number)),
            Some(2) => Ok(Self::BeforeCall(number)),
            Some(3) => Ok(Self::OnWire(number)),
            Some(4) => Ok(Self::Late(number)),
            Some(_) | None => Err(format!("`{word}` is no crash")),
        }
    }
}

/// How long a request that outlives its process is on its way.
const LATE: Duration = Duration::from_secs(20);

/// One life of a process.
#[derive(Default)]
pub struct Life {
    pub crash: Option<Crash>,
    pub commits: Cell<u64>,
    pub calls: RefCell<Vec<&'static str>>,
    /// How many calls were refused because of the quota.
    pub throttled: Cell<u64>,
    /// The versions of the state that its commits made.
    pub serials: RefCell<Vec<Serial>>,
    pub ended: Notify,
    /// For a process that is not over where it crashes, but stopped.
    pub stopped: Option<Stopped>,
}

/// What becomes of a stopped process.
#[derive(Default)]
pub struct Stopped {
    wake: Notify,
    woken: Cell<bool>,
    /// Whether another process has the lock.
    pub overtaken: Cell<bool>,
    pub taken_over: Notify,
    /// The moment before its last commit that went through was sent.
    committed: Cell<Option<Instant>>,
    /// How many of its writes were refused.
    pub fenced: Cell<u64>,
    /// What it did and must not.
    pub wrong: RefCell<Vec<String>>,
}

impl Stopped {
    /// Lets it go on.
    pub fn wake(&self) {
        self.woken.set(true);
        self.wake.notify_one();
    }

    fn wrote<T>(&self, number: u64, asked: Instant, written: &Result<T, StateError>) {
        match written {
            Ok(_) => {
                self.committed.set(Some(asked));
                if self.overtaken.get() {
                    let wrong = format!("its write {number} went through after it was overtaken");
                    self.wrong.borrow_mut().push(wrong);
                }
            }
            Err(StateError::Fenced { .. }) => self.fenced.set(self.fenced.get() + 1),
            Err(_) => {}
        }
    }

    /// Looks whether what is sent was intended a short time ago.
    fn sends(&self, name: &str) {
        let age = self.committed.get().map(|asked| asked.elapsed());
        if self.woken.get() && age.is_none_or(|age| age > Settings::RUNPOD.intent_validity) {
            self.wrong.borrow_mut().push(format!("it sent `{name}` long after its intent: {age:?}"));
        }
    }
}

impl Life {
    pub fn new(crash: Option<Crash>) -> Self {
        Self { crash, ..Self::default() }
    }

    /// A life that goes on after its crash, when it is woken.
    pub fn stopping(at: Crash) -> Self {
        Self { crash: Some(at), stopped: Some(Stopped::default()), ..Self::default() }
    }

    /// Returns when the process goes on, if ever.
    async fn end(&self) {
        self.ended.notify_one();
        match &self.stopped {
            Some(stopped) => stopped.wake.notified().await,
            None => std::future::pending().await,
        }
    }

    async fn commit<T>(&self, write: impl Future<Output = Result<T, StateError>>) -> Result<T, StateError> {
        let number = self.commits.get() + 1;
        self.commits.set(number);
        if self.crash == Some(Crash::BeforeCommit(number)) {
            self.end().await;
        }
        let asked = Instant::now();
        let written = write.await;
        if let Some(stopped) = &self.stopped {
            stopped.wrote(number, asked, &written);
        }
        if self.crash == Some(Crash::AfterCommit(number)) {
            self.end().await;
        }
        written
    }

    async fn read<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let number = self.count(name);
        if let Some(Crash::BeforeCall(at) | Crash::OnWire(at) | Crash::Late(at)) = self.crash
            && at == number
        {
            self.end().await;
        }
        let answer = call.await;
        self.learn(answer.as_ref().err());
        answer
    }

    async fn write<T: 'static>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, ProviderError>> + 'static,
    ) -> Result<T, ProviderError> {
        let number = self.count(name);
        let answer = match (self.crash, &self.stopped) {
            (crash, Some(stopped)) => {
                stopped.sends(name);
                self.handed_over(crash, number, call).await
            }
            (Some(Crash::BeforeCall(at)), None) if at == number => {
                self.end().await;
                call.await
            }
            (Some(Crash::OnWire(at)), None) if at == number => {
                let answer = call.await;
                self.end().await;
                answer
            }
            (Some(Crash::Late(at)), None) if at == number => {
                tokio::task::spawn_local(async move {
                    sleep(LATE).await;
                    let _ = call.await;
                });
                self.end().await;
                std::future::pending().await
            }
            _ => call.await,
        };
        self.learn(answer.as_ref().err());
        answer
    }

    /// Sends what arrives although its process is stopped meanwhile. Between the last look at the clock and the wire nothing
    /// waits, so a process that is stopped before a write has handed it over.
    async fn handed_over<T: 'static>(
        &self,
        crash: Option<Crash>,
        number: u64,
        call: impl Future<Output = T> + 'static,
    ) -> T {
        let is_late = crash == Some(Crash::Late(number));
        let mut sent = tokio::task::spawn_local(async move {
            if is_late {
                sleep(LATE).await;
            }
            call.await
        });
        let answer = if crash == Some(Crash::OnWire(number)) {
            let answer = (&mut sent).await;
            self.end().await;
            answer
        } else {
            if is_late || crash == Some(Crash::BeforeCall(number)) {
                self.end().await;
            }
            sent.await
        };
        answer.expect("a request that was handed over comes to an end")
    }

    fn learn(&self, error: Option<&ProviderError>) {
        if error.is_some_and(|error| matches!(error.certainty, Certainty::Throttled { .. })) {
            self.throttled.set(self.throttled.get() + 1);
        }
    }

    fn count(&self, name: &'static str) -> u64 {
        let mut calls = self.calls.borrow_mut();
        calls.push(name);
        calls.len() as u64
    }
}

/// A journal of a process that can end.
pub struct MortalJournal<'a, J> {
    pub journal: &'a J,
    pub life: &'a Life,
    /// Judges what is written.
    pub runs: &'a Runs<'a>,
}

impl<J: Journal> Journal for MortalJournal<'_, J> {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        self.life.commit(self.journal.begin(run)).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        self.runs.writes(batch);
        let commit = async {
            let serial = self.journal.commit(batch).await?;
            self.life.serials.borrow_mut().push(serial);
            Ok(serial)
        };
        self.life.commit(commit).await
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        self.life.commit(self.journal.finish(run, at, summary)).await
    }
}

/// A provider of a process that can end.
pub struct MortalPort<'a> {
    pub client: Rc<Runpod>,
    pub life: &'a Life,
    /// Shows no markers, as if nothing carried a token.
    pub blind: bool,
    /// Looks at the world after each request that changes something.
    pub serving: &'a Serving<'a>,
    /// Looks at the world whenever a log was read.
    pub runs: &'a Runs<'a>,
}

impl MortalPort<'_> {
    async fn write<T: 'static>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, ProviderError>> + 'static,
    ) -> Result<T, ProviderError> {
        let answer = self.life.write(name, call).await;
        self.serving.look();
        self.runs.look();
        answer
    }

    fn seen(&self, pod: LivePod) -> LivePod {
        if self.blind { LivePod { marker: None, ..pod } } else { pod }
    }
}

impl Observe for MortalPort<'_> {
    async fn read_pods(&self, walk: &mut Walk<ListedPod>) -> Result<(), ProviderError> {
        let from = walk.entries().len();
        self.life.read("list", self.client.read_pods(walk)).await?;
        walk.map_from(from, |entry| match entry {
            Listed::Found(pod) => Listed::Found(Box::new(self.seen(*pod))),
            odd @ (Listed::Unreadable { .. } | Listed::Nameless { .. }) => odd,
        });
        Ok(())
    }

    async fn list_volumes(&self) -> Result<Vec<ListedVolume>, ProviderError> {
        let listed = self.life.read("list-volumes", self.client.list_volumes()).await?;
        Ok(if self.blind { Vec::new() } else { listed })
    }

    async fn list_secrets(&self) -> Result<Option<Vec<ListedSecret>>, ProviderError> {
        self.life.read("list-secrets", self.client.list_secrets()).await
    }

    async fn list_registries(&self) -> Result<Vec<ListedRegistry>, ProviderError> {
        self.life.read("list-registries", self.client.list_registries()).await
    }

    async fn registry(&self, id: &RegistryId) -> Result<Option<LiveRegistry>, ProviderError> {
        self.life.read("get-registry", self.client.registry(id)).await
    }

    async fn pod(&self, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
        let pod = self.life.read("get", self.client.pod(id)).await?;
        Ok(pod.map(|pod| self.seen(pod)))
    }

    async fn exit_code(
        &self,
        id: &PodId,
        run: &Token,
        silence: Duration,
    ) -> Result<Option<u32>, ProviderError> {
        let told = self.life.read("log", self.client.exit_code(id, run, silence)).await;
        self.runs.look();
        told
    }

    async fn template(&self, id: &TemplateId) -> Result<Option<Template>, ProviderError> {
        self.life.read("template", self.client.template(id)).await
    }

    async fn volume(&self, id: &VolumeId) -> Result<Option<LiveVolume>, ProviderError> {
        self.life.read("get-volume", self.client.volume(id)).await
    }

    async fn catalog(
        &self,
        questions: &BTreeSet<StockQuery>,
        now: Timestamp,
    ) -> Result<Catalog, ProviderError> {
        self.life.read("catalog", self.client.catalog(questions, now)).await
    }

    async fn partial_catalog(&self, questions: &BTreeSet<StockQuery>, now: Timestamp) -> Catalog {
        let read = async { Ok(self.client.partial_catalog(questions, now).await) };
        let catalog = self.life.read("catalog", read).await;
        catalog.unwrap_or_else(|error| Catalog::unread(now, &error.to_string()))
    }

    fn quota(&self) -> Option<Quota> {
        self.client.quota()
    }

    fn server_time(&self) -> Option<ServerTime> {
        self.client.server_time()
    }
}

/// A question to a pod is a call like any other: the process can end at it.
impl AskPods for MortalPort<'_> {
    fn ask<'f>(
        &'f self,
        pod: &'f LivePod,
        probe: &'f Probe,
        heard: &'f mut Hearing,
    ) -> LocalBoxFuture<'f, Readiness> {
        let asked = async { Ok(self.client.ask(pod, probe, heard).await) };
        let answer = self.life.read("probe", asked);
        answer
            .map(|answer| answer.unwrap_or_else(|error| Readiness::Unknown(error.to_string())))
            .boxed_local()
    }

    fn last_lines<'f>(&'f self, pod: &'f PodId) -> LocalBoxFuture<'f, Vec<String>> {
        let lines = self.life.read("logs", async { Ok(self.client.last_lines(pod).await) });
        lines.map(Result::unwrap_or_default).boxed_local()
    }
}

impl Mutate for MortalPort<'_> {
    async fn create_pod(&self, request: &PodRequest) -> Result<PodId, ProviderError> {
        self.serving.begins(&request.settings.name);
        let (client, request) = (Rc::clone(&self.client), request.clone());
        self.write("create", async move { client.create_pod(&request).await }).await
    }

    async fn update_pod(&self, request: &PatchRequest) -> Result<(), ProviderError> {
        let (client, request) = (Rc::clone(&self.client), request.clone());
        self.write("update", async move { client.update_pod(&request).await }).await
    }

    async fn start_pod(&self, id: &PodId, gpus: u32, bid: Option<Hourly>) -> Result<(), ProviderError> {
        self.serving.starts(id);
        let (client, id) = (Rc::clone(&self.client), id.clone());
        self.write("start", async move { client.start_pod(&id, gpus, bid).await }).await
    }

    async fn stop_pod(&self, id: &PodId) -> Result<(), ProviderError> {
        let (client, id) = (Rc::clone(&self.client), id.clone());
        self.write("stop", async move { client.stop_pod(&id).await }).await
    }

    async fn delete_pod(&self, id: &PodId) -> Result<(), ProviderError> {
        let (client, id) = (Rc::clone(&self.client), id.clone());
        self.write("delete", async move { client.delete_pod(&id).await }).await
    }

    async fn create_volume(&self, request: &VolumeRequest) -> Result<VolumeId, ProviderError> {
        let (client, request) = (Rc::clone(&self.client), request.clone());
        self.write("create-volume", async move { client.create_volume(&request).await }).await
    }

    async fn grow_volume(&self, id: &VolumeId, size: Gigabytes) -> Result<(), ProviderError> {
        let (client, id) = (Rc::clone(&self.client), id.clone());
        self.write("grow", async move { client.grow_volume(&id, size).await }).await
    }

    async fn delete_volume(&self, id: &VolumeId) -> Result<(), ProviderError> {
        let (client, id) = (Rc::clone(&self.client), id.clone());
        self.write("delete-volume", async move { client.delete_volume(&id).await }).await
    }

    async fn create_registry(&self, request: &RegistryRequest) -> Result<RegistryId, ProviderError> {
        let (client, request) = (Rc::clone(&self.client), request.clone());
        self.write("create-registry", async move { client.create_registry(&request).await }).await
    }

    async fn delete_registry(&self, id: &RegistryId) -> Result<(), ProviderError> {
        let (client, id) = (Rc::clone(&self.client), id.clone());
        self.write("delete-registry", async move { client.delete_registry(&id).await }).await
    }

    async fn create_secret(&self, request: &SecretRequest) -> Result<SecretId, ProviderError> {
        let (client, request) = (Rc::clone(&self.client), request.clone());
        self.write("create-secret", async move { client.create_secret(&request).await }).await
    }

    async fn set_secret(&self, id: &SecretId, value: &Secret<String>) -> Result<(), ProviderError> {
        let (client, id, value) = (Rc::clone(&self.client), id.clone(), value.clone());
        self.write("set-secret", async move { client.set_secret(&id, &value).await }).await
    }

    async fn delete_secret(&self, id: &SecretId) -> Result<(), ProviderError> {
        let (client, id) = (Rc::clone(&self.client), id.clone());
        self.write("delete-secret", async move { client.delete_secret(&id).await }).await
    }
}
