//! The driver against a provider and a journal in memory that do as they are told.

mod dead_runs;
mod permits;
mod ready;
mod runs;
mod waits;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::apply::{Context, Interrupt, Limited, Settings, execute, settle};
use crate::kit::{
    self, action, asked, attempt_token, compute, creation_at, delete, id, live_pod, plan, record, recorded,
    start, stop, update, with,
};
use crate::model::catalog::{Catalog, StockQuery};
use crate::model::clock::{Clock, SignedDuration, Timestamp};
use crate::model::id::TemplateId;
use crate::model::id::{
    GpuTypeId, Lineage, PodId, ProjectName, RegistryId, RemoteId, RunId, SecretId, Serial, VolumeId,
};
use crate::model::journal::{ActionStatus, Event};
use crate::model::live::{LivePod, LiveRegistry, LiveVolume, PodStatus};
use crate::model::marker::{MARKER_KEY, Marker, Token};
use crate::model::money::Hourly;
use crate::model::outcome::{EndResult, Fate, Outcome, StoppedBy};
use crate::model::plan::{Approval, ApprovedPlan, Disruption, OnStuck, Operation, Plan, RecordAfter};
use crate::model::pod::Compute;
use crate::model::prior::{KnownToken, OpenIntent, Prior};
use crate::model::ready::{Probe, Readiness};
use crate::model::request::{PatchRequest, PodRequest, RegistryRequest, SecretRequest, VolumeRequest};
use crate::model::retry::Waits;
use crate::model::secret::{Secret, Secrets};
use crate::model::size::Gigabytes;
use crate::model::template::Template;
use crate::provider::reach::{AskPods, Hearing};
use crate::provider::walk::Walk;
use crate::provider::{
    Certainty, Listed, ListedPod, ListedRegistry, ListedSecret, ListedVolume, Mutate, Observe, ProviderError,
    Quota, Rejection, ServerTime, Verb,
};
use crate::state::{Batch, Journal, RecordChange, Run, StateError};

/// What the provider does with one write.
#[derive(Clone)]
enum Reply {
    /// Does it and says so.
    Ok,
    /// Does not do it, but says so.
    Idle,
    /// Does not do it and answers this.
    No(Certainty),
    /// Does it and answers this.
    Done(Certainty),
    /// Does it after this time.
    Slow(Duration),
    /// Meets a mistake in podform.
    Panics,
}

#[derive(Default)]
struct Provider {
    pods: RefCell<BTreeMap<PodId, LivePod>>,
    replies: RefCell<VecDeque<Reply>>,
    calls: RefCell<Vec<String>>,
    /// What a start gives.
    start_with: RefCell<Option<Compute>>,
    made: Cell<u32>,
    /// What pods answer, one after the other; then they are ready.
    answers: RefCell<VecDeque<Readiness>>,
    /// How pods are that are created, one after the other; then they run.
    made_as: RefCell<VecDeque<LivePod>>,
}

impl Provider {
    fn with(pods: impl IntoIterator<Item = LivePod>) -> Self {
        let pods = pods.into_iter().map(|pod| (pod.id.clone(), pod)).collect();
        Self { pods: RefCell::new(pods), ..Self::default() }
    }

    fn replies(self, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.replies.borrow_mut().extend(replies);
        self
    }

    async fn write<T>(&self, call: String, effect: impl FnOnce() -> T, idle: T) -> Result<T, ProviderError> {
        self.calls.borrow_mut().push(call);
        let reply = self.replies.borrow_mut().pop_front().unwrap_or(Reply::Ok);
        match reply {
            Reply::Ok => Ok(effect()),
            Reply::Idle => Ok(idle),
            Reply::No(certainty) => Err(error(certainty)),
            Reply::Done(certainty) => {
                effect();
                Err(error(certainty))
            }
            Reply::Slow(time) => {
                sleep(time).await;
                Ok(effect())
            }
            Reply::Panics => panic!("no such entry"),
        }
    }

    fn set(&self, id: &PodId, change: impl FnOnce(&mut LivePod)) {
        if let Some(pod) = self.pods.borrow_mut().get_mut(id) {
            change(pod);
        }
    }

    fn names(&self) -> Vec<String> {
        self.pods.borrow().keys().map(PodId::to_string).collect()
    }
}

fn error(certainty: Certainty) -> ProviderError {
    ProviderError {
        call: Verb::UpdatePod.by("WRITE"),
        certainty,
        status: Some(500),
        detail: "so".to_owned(),
        request_id: None,
    }
}

impl AskPods for Provider {
    fn ask<'f>(
        &'f self,
        pod: &'f LivePod,
        probe: &'f Probe,
        _: &'f mut Hearing,
    ) -> LocalBoxFuture<'f, Readiness> {
        let answer = self.answers.borrow_mut().pop_front().unwrap_or(Readiness::Ready);
        self.calls.borrow_mut().push(format!("ask {} {probe}", pod.id));
        std::future::ready(answer).boxed_local()
    }

    fn last_lines<'f>(&'f self, _: &'f PodId) -> LocalBoxFuture<'f, Vec<String>> {
        std::future::ready(vec!["the last line".to_owned()]).boxed_local()
    }
}

impl Observe for Provider {
    async fn read_pods(&self, walk: &mut Walk<ListedPod>) -> Result<(), ProviderError> {
        walk.end(self.pods.borrow().values().map(|pod| Listed::Found(Box::new(pod.clone()))).collect());
        Ok(())
    }

    async fn list_volumes(&self) -> Result<Vec<ListedVolume>, ProviderError> {
        Ok(Vec::new())
    }

    async fn list_secrets(&self) -> Result<Option<Vec<ListedSecret>>, ProviderError> {
        Ok(None)
    }

    async fn list_registries(&self) -> Result<Vec<ListedRegistry>, ProviderError> {
        Ok(Vec::new())
    }

    async fn registry(&self, _: &RegistryId) -> Result<Option<LiveRegistry>, ProviderError> {
        Ok(None)
    }

    async fn pod(&self, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
        Ok(self.pods.borrow().get(id).cloned())
    }

    async fn exit_code(&self, _: &PodId, _: &Token, _: Duration) -> Result<Option<u32>, ProviderError> {
        Ok(None)
    }

    async fn template(&self, _: &TemplateId) -> Result<Option<Template>, ProviderError> {
        Ok(None)
    }

    async fn volume(&self, _: &VolumeId) -> Result<Option<LiveVolume>, ProviderError> {
        Ok(None)
    }

    async fn catalog(&self, _: &BTreeSet<StockQuery>, _: Timestamp) -> Result<Catalog, ProviderError> {
        Err(error(Certainty::NotDone))
    }

    async fn partial_catalog(&self, _: &BTreeSet<StockQuery>, now: Timestamp) -> Catalog {
        Catalog::unread(now, "not asked")
    }

    fn quota(&self) -> Option<Quota> {
        None
    }

    fn server_time(&self) -> Option<ServerTime> {
        Some(ServerTime { date: At.now(), ago: Duration::ZERO })
    }
}

impl Mutate for Provider {
    async fn create_pod(&self, request: &PodRequest) -> Result<PodId, ProviderError> {
        let number = self.made.get() + 1;
        self.made.set(number);
        let made = PodId::new(format!("made-{number}"));
        let marker = request
            .settings
            .env
            .iter()
            .find(|(key, _)| key.as_str() == MARKER_KEY)
            .and_then(|(_, value)| value.expose().parse::<Marker>().ok());
        let pod = LivePod {
            marker,
            cloud: Some(request.placement.cloud),
            compute: Some(request.placement.compute.clone()),
            ..self.made_as.borrow_mut().pop_front().unwrap_or_else(|| live_pod("", PodStatus::Running))
        };
        let pod = LivePod { id: made.clone(), ..pod };
        let effect = || {
            self.pods.borrow_mut().insert(made.clone(), pod);
            made.clone()
        };
        self.write(format!("create {}", request.placement.cloud), effect, made.clone()).await
    }

    async fn update_pod(&self, request: &PatchRequest) -> Result<(), ProviderError> {
        let effect = || self.set(&request.id, |pod| pod.settings.name = request.settings.name.clone());
        self.write(format!("update {}", request.id), effect, ()).await
    }

    async fn start_pod(&self, id: &PodId, gpus: u32, _: Option<Hourly>) -> Result<(), ProviderError> {
        let effect = || {
            self.set(id, |pod| {
                pod.status = PodStatus::Running;
                pod.compute = self.start_with.borrow().clone().or_else(|| pod.compute.clone());
            });
        };
        self.write(format!("start {id} {gpus}"), effect, ()).await
    }

    async fn stop_pod(&self, id: &PodId) -> Result<(), ProviderError> {
        self.write(format!("stop {id}"), || self.set(id, |pod| pod.status = PodStatus::Exited), ()).await
    }

    async fn delete_pod(&self, id: &PodId) -> Result<(), ProviderError> {
        let effect = || {
            self.pods.borrow_mut().remove(id);
        };
        self.write(format!("delete {id}"), effect, ()).await
    }

    async fn create_registry(&self, _: &RegistryRequest) -> Result<RegistryId, ProviderError> {
        Err(error(Certainty::NotDone))
    }

    async fn delete_registry(&self, _: &RegistryId) -> Result<(), ProviderError> {
        Err(error(Certainty::NotDone))
    }

    async fn create_volume(&self, _: &VolumeRequest) -> Result<VolumeId, ProviderError> {
        Err(error(Certainty::NotDone))
    }

    async fn grow_volume(&self, _: &VolumeId, _: Gigabytes) -> Result<(), ProviderError> {
        Err(error(Certainty::NotDone))
    }

    async fn delete_volume(&self, _: &VolumeId) -> Result<(), ProviderError> {
        Err(error(Certainty::NotDone))
    }

    async fn create_secret(&self, _: &SecretRequest) -> Result<SecretId, ProviderError> {
        Err(error(Certainty::NotDone))
    }

    async fn set_secret(&self, _: &SecretId, _: &Secret<String>) -> Result<(), ProviderError> {
        Err(error(Certainty::NotDone))
    }

    async fn delete_secret(&self, _: &SecretId) -> Result<(), ProviderError> {
        Err(error(Certainty::NotDone))
    }
}

/// Keeps each commit as lines of text.
#[derive(Default)]
struct Notebook {
    commits: RefCell<Vec<Vec<String>>>,
    /// How many commits succeed.
    room: Option<usize>,
    /// How long the first commit takes.
    first_takes: Cell<Duration>,
    /// How long the computer is suspended during the first commit.
    first_sleeps: Cell<Duration>,
    slept: Rc<Cell<Duration>>,
}

impl Journal for Notebook {
    async fn begin(&self, _: &Run) -> Result<(), StateError> {
        Ok(())
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        sleep(self.first_takes.take()).await;
        self.slept.set(self.slept.get() + self.first_sleeps.take());
        if self.room.is_some_and(|room| self.commits.borrow().len() >= room) {
            return Err(StateError::Failed {
                doing: "write",
                path: "x".to_owned(),
                why: "no space".to_owned(),
            });
        }
        let entries = batch.entries.iter().map(|entry| format!("{} {}", entry.action, shown(&entry.event)));
        let changes = batch.changes.iter().map(|change| match change {
            RecordChange::Put(address, recorded) => {
                format!("{address} is {} deposed {:?}", recorded.id, recorded.record.deposed.len())
            }
            RecordChange::Remove(address) => format!("{address} is nothing"),
            RecordChange::Unseen(address, job) => format!("{address}: {job}"),
            RecordChange::Rename { from, to } => format!("{from} becomes {to}"),
            RecordChange::Tombstone(token) => format!("{token} is dead"),
            RecordChange::Doubt(token) => format!("{token} is doubtful"),
            RecordChange::Know(address, recorded, _) => format!("{} is known at {address}", recorded.id),
            RecordChange::Continue { lineage, above } => format!("goes on as {lineage} above {above}"),
        });
        self.commits.borrow_mut().push(entries.chain(changes).collect());
        Ok(Serial(0))
    }

    async fn finish(&self, _: &RunId, _: Timestamp, _: &str) -> Result<(), StateError> {
        Ok(())
    }
}

fn shown(event: &Event) -> String {
    match event {
        Event::Intended { attempt, token, asked: _, server_time: _ } => {
            let token = token.as_ref().map_or_else(String::new, |_| " with a token".to_owned());
            format!("intended {attempt}{token}")
        }
        Event::Started => "started".to_owned(),
        Event::Accepted { id } => {
            format!("accepted {}", id.as_ref().map_or("-".to_owned(), RemoteId::to_string))
        }
        Event::Refused { .. } => "refused".to_owned(),
        Event::Succeeded => "succeeded".to_owned(),
        Event::Failed { .. } => "failed".to_owned(),
        Event::Unknown { .. } => "unknown".to_owned(),
        Event::Skipped { .. } => "skipped".to_owned(),
    }
}

struct At;

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_000).unwrap()
    }
}

/// The clock of a computer that may have been suspended.
struct HostClock(Rc<Cell<Duration>>);

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        At.now()
    }

    fn awake(&self) -> Option<Timestamp> {
        Some(At.now() + self.0.get())
    }
}

struct Ran {
    outcome: Outcome,
    commits: Vec<Vec<String>>,
    calls: Vec<String>,
}

impl Ran {
    fn result(&self, action: &str) -> EndResult {
        self.outcome.actions[&id(action)].result.clone()
    }

    fn lines(&self) -> Vec<String> {
        self.commits.concat()
    }
}

fn prior() -> Prior {
    Prior::empty(Lineage::new("line"))
}

fn prior_with(address: &str, pod: &str) -> Prior {
    let mut prior = prior();
    prior.objects.insert(address.parse().unwrap(), recorded(pod));
    prior
}

async fn run(plan: Plan, prior: Prior, provider: &Provider) -> Ran {
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    run_with(plan, prior, provider, Notebook::default(), interrupt).await
}

async fn run_with(
    plan: Plan,
    prior: Prior,
    provider: &Provider,
    notebook: Notebook,
    interrupt: watch::Receiver<Interrupt>,
) -> Ran {
    run_waited((plan, Waits::default()), prior, provider, notebook, interrupt).await
}

/// Runs a plan of a run that has waited before.
async fn run_waited(
    (plan, waits): (Plan, Waits),
    prior: Prior,
    provider: &Provider,
    notebook: Notebook,
    interrupt: watch::Receiver<Interrupt>,
) -> Ran {
    let approved = ApprovedPlan::new(plan, Approval::Flag).waiting(waits);
    let run = async |context: TestContext<'_>| execute(&approved, &prior, context).await;
    let outcome = with_context(provider, &notebook, interrupt, run).await;
    Ran { outcome, commits: notebook.commits.into_inner(), calls: provider.calls.take() }
}

type TestContext<'a> = Context<'a, Provider, Notebook, HostClock, kit::Silent>;

async fn with_context<T>(
    provider: &Provider,
    notebook: &Notebook,
    interrupt: watch::Receiver<Interrupt>,
    run: impl AsyncFnOnce(TestContext<'_>) -> T,
) -> T {
    with_settings(Settings::RUNPOD, provider, notebook, interrupt, run).await
}

async fn with_settings<T>(
    settings: Settings,
    provider: &Provider,
    notebook: &Notebook,
    interrupt: watch::Receiver<Interrupt>,
    run: impl AsyncFnOnce(TestContext<'_>) -> T,
) -> T {
    let context = Context {
        provider: &Limited::new(provider, &kit::Silent, 0),
        pods: provider,
        journal: notebook,
        clock: &HostClock(Rc::clone(&notebook.slept)),
        reporter: &kit::Silent,
        project: &ProjectName::new("acme"),
        secrets: &Secrets::default(),
        run: &kit::run("run", At.now()),
        settings,
        interrupt,
    };
    run(context).await
}

fn create(address: &str) -> Plan {
    let name = format!("{address}:create");
    plan([(name.as_str(), action(&name))], [])
}

const DONE: EndResult = EndResult::Done;

fn open_create(status: ActionStatus) -> (Prior, Token) {
    let token = attempt_token("llm", 0);
    let mut prior = prior();
    let known = KnownToken { intended_at: At.now(), ..kit::known(asked(), Some(At.now())) };
    prior.tokens.insert(token.clone(), known);
    prior.open.push(OpenIntent {
        run: RunId::new("old"),
        action: id("llm:create"),
        status,
        token: Some(token.clone()),
        since: At.now(),
        server_time: Some(At.now()),
    });
    (prior, token)
}

fn marked(token: Token) -> Marker {
    let earlier = live_pod("p", PodStatus::Running).marker.unwrap();
    Marker { token, created: Some(At.now()), ..earlier }
}
