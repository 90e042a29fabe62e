//! The driver against a provider and a journal in memory that do as they are told.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::apply::fixtures::{
    action, attempt_token, compute, creation_at, delete, id, live_pod, plan, record, recorded, sent, start,
    stop, update, with,
};
use crate::apply::{Context, Interrupt, Limited, Reporter, Settings, execute, settle};
use crate::model::catalog::{Catalog, StockQuery};
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{GpuTypeId, Lineage, PodId, ProjectName, RemoteId, RunId, Serial, VolumeId};
use crate::model::journal::{ActionStatus, Event};
use crate::model::live::{LivePod, LiveVolume, PodStatus};
use crate::model::marker::{MARKER_KEY, Marker, Token};
use crate::model::outcome::{EndResult, Fate, Outcome, StoppedBy};
use crate::model::plan::{Approval, ApprovedPlan, Disruption, OnStuck, Operation, Plan, Record, RecordAfter};
use crate::model::pod::Compute;
use crate::model::prior::{KnownToken, OpenIntent, Prior};
use crate::model::progress::Notice;
use crate::model::request::{PatchRequest, PodRequest, VolumeRequest};
use crate::model::secret::Secrets;
use crate::model::size::Gigabytes;
use crate::provider::{
    Certainty, Listed, ListedPod, ListedVolume, Mutate, Observe, ProviderError, Quota, Rejection, ServerTime,
    Verb,
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

impl Observe for Provider {
    async fn list_pods(&self) -> Result<Vec<ListedPod>, ProviderError> {
        Ok(self.pods.borrow().values().map(|pod| Listed::Found(Box::new(pod.clone()))).collect())
    }

    async fn list_volumes(&self) -> Result<Vec<ListedVolume>, ProviderError> {
        Ok(Vec::new())
    }

    async fn pod(&self, id: &PodId) -> Result<Option<LivePod>, ProviderError> {
        Ok(self.pods.borrow().get(id).cloned())
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
            ..live_pod(made.as_str(), PodStatus::Running)
        };
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

    async fn start_pod(&self, id: &PodId, gpus: u32) -> Result<(), ProviderError> {
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

    async fn create_volume(&self, _: &VolumeRequest) -> Result<VolumeId, ProviderError> {
        Err(error(Certainty::NotDone))
    }

    async fn grow_volume(&self, _: &VolumeId, _: Gigabytes) -> Result<(), ProviderError> {
        Err(error(Certainty::NotDone))
    }

    async fn delete_volume(&self, _: &VolumeId) -> Result<(), ProviderError> {
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
}

impl Journal for Notebook {
    async fn begin(&self, _: &Run) -> Result<(), StateError> {
        Ok(())
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        sleep(self.first_takes.take()).await;
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
                format!("{address} is {} deposed {:?}", recorded.id, recorded.deposed.len())
            }
            RecordChange::Remove(address) => format!("{address} is nothing"),
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
        Event::Intended { attempt, token, sent: _, server_time: _ } => {
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

struct Silent;

impl Reporter for Silent {
    fn notice(&self, _: Notice) {}
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
    let run = a_run();
    let limited = Limited::new(provider, &Silent, 0);
    let context = Context {
        provider: &limited,
        journal: &notebook,
        clock: &At,
        reporter: &Silent,
        project: &ProjectName::new("acme"),
        secrets: &Secrets::default(),
        run: &run,
        settings: Settings::RUNPOD,
        interrupt,
    };
    let outcome = execute(&ApprovedPlan::new(plan, Approval::Flag), &prior, context).await;
    Ran { outcome, commits: notebook.commits.into_inner(), calls: provider.calls.take() }
}

fn a_run() -> Run {
    Run {
        id: RunId::new("run"),
        at: At.now(),
        command: "apply".to_owned(),
        plan_digest: String::new(),
        who: String::new(),
        nonce: None,
        approved: None,
    }
}

fn create(address: &str) -> Plan {
    let name = format!("{address}:create");
    plan([(name.as_str(), action(&name))], [])
}

const DONE: EndResult = EndResult::Done;

#[tokio::test(start_paused = true)]
async fn a_create_is_intended_before_and_recorded_directly_after_its_request() {
    let provider = Provider::default();
    let ran = run(create("llm"), prior(), &provider).await;
    assert_eq!(ran.result("llm:create"), DONE);
    assert_eq!(
        ran.commits,
        [
            vec!["llm:create intended 0 with a token"],
            vec!["llm:create started", "llm:create accepted made-1", "llm is made-1 deposed 0"],
            vec!["llm:create succeeded", "llm is made-1 deposed 0"],
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_create_without_an_answer_is_found_and_not_repeated() {
    let provider = Provider::default().replies([Reply::Done(Certainty::Unknown)]);
    let ran = run(create("llm"), prior(), &provider).await;
    assert_eq!((ran.result("llm:create"), ran.calls), (DONE, vec!["create secure".to_owned()]));
    assert_eq!(provider.names(), ["made-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_did_not_happen_is_sent_again_with_another_token() {
    let provider = Provider::default().replies([Reply::No(Certainty::Unknown)]);
    let began = tokio::time::Instant::now();
    let ran = run(create("llm"), prior(), &provider).await;
    assert!(began.elapsed() >= Settings::RUNPOD.settling);
    assert_eq!((ran.result("llm:create"), ran.calls), (DONE, vec!["create secure".to_owned(); 2]));
    let pods = provider.pods.borrow();
    let marker = pods.values().next().and_then(|pod| pod.marker.clone()).unwrap();
    assert_eq!(marker.token, attempt_token("llm", 1));
}

#[tokio::test(start_paused = true)]
async fn no_capacity_leads_to_the_next_candidate() {
    let provider = Provider::default().replies([Reply::No(Certainty::Rejected(Rejection::NoCapacity))]);
    let ran = run(create("llm"), prior(), &provider).await;
    assert_eq!(ran.result("llm:create"), DONE);
    assert_eq!(ran.calls, ["create secure", "create community"]);
    assert_eq!(ran.outcome.actions[&id("llm:create")].attempts, ["H100 x1 secure: WRITE was rejected: so"]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_create_waits_and_keeps_its_token() {
    let throttled = Certainty::Throttled { retry_after: Some(Duration::from_secs(12)) };
    let provider = Provider::default().replies([Reply::No(throttled)]);
    let ran = run(create("llm"), prior(), &provider).await;
    assert_eq!((ran.result("llm:create"), ran.calls.len()), (DONE, 2));
    let pods = provider.pods.borrow();
    assert_eq!(
        pods.values().next().and_then(|pod| pod.marker.clone()).unwrap().token,
        attempt_token("llm", 0)
    );
}

#[tokio::test(start_paused = true)]
async fn without_money_nothing_more_is_sent() {
    let provider = Provider::default().replies([Reply::No(Certainty::Rejected(Rejection::NoFunds))]);
    let plan = plan(
        [("a:create", action("a:create")), ("b:create", action("b:create"))],
        [("a:create", "b:create")],
    );
    let ran = run(plan, prior(), &provider).await;
    assert_eq!(ran.outcome.stopped_by, Some(StoppedBy::NoFunds));
    assert_eq!(ran.calls, ["create secure"]);
    assert!(matches!(ran.result("b:create"), EndResult::Skipped(_)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_stops_the_run_and_leaves_its_action_open_in_the_journal() {
    let slow = Reply::Slow(Duration::from_secs(3));
    let provider = Provider::default().replies([Reply::Panics, slow]);
    let creates = ["a:create", "b:create", "c:create"].map(|name| (name, action(name)));
    let ran = run(plan(creates, [("b:create", "c:create")]), prior(), &provider).await;
    assert_eq!(ran.outcome.stopped_by, Some(StoppedBy::Bug("no such entry".to_owned())));
    assert_eq!(ran.result("a:create"), EndResult::Unknown("panicked: no such entry".to_owned()));
    assert_eq!((ran.result("b:create"), provider.names()), (DONE, vec!["made-2".to_owned()]));
    assert!(matches!(ran.result("c:create"), EndResult::Skipped(_)));
    let of_a: Vec<String> = ran.lines().into_iter().filter(|line| line.starts_with("a:")).collect();
    assert_eq!(of_a, ["a:create intended 0 with a token"]);
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_cloud_is_not_asked_again() {
    let forbidden = Reply::No(Certainty::Rejected(Rejection::Forbidden));
    let provider = Provider::default().replies([forbidden]);
    let plan = plan(
        [("a:create", action("a:create")), ("b:create", action("b:create"))],
        [("a:create", "b:create")],
    );
    let ran = run(plan, prior(), &provider).await;
    assert_eq!(ran.calls, ["create secure", "create community", "create community"]);
    assert!(ran.outcome.is_complete());
}

#[tokio::test(start_paused = true)]
async fn intents_of_one_turn_share_a_commit() {
    let plan = plan(["a:create", "b:create", "c:create"].map(|name| (name, action(name))), []);
    let ran = run(plan, prior(), &Provider::default()).await;
    assert_eq!(ran.commits[0], ["a", "b", "c"].map(|name| format!("{name}:create intended 0 with a token")));
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_grew_old_is_committed_again() {
    let notebook = Notebook { first_takes: Cell::new(Duration::from_secs(6)), ..Notebook::default() };
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let ran = run_with(create("llm"), prior(), &Provider::default(), notebook, interrupt).await;
    let lines = ran.lines();
    assert_eq!(
        lines[..3],
        ["llm:create intended 0 with a token", "llm:create intended 0 with a token", "llm:create started"]
    );
    assert_eq!(ran.calls, ["create secure"]);
}

#[tokio::test(start_paused = true)]
async fn when_the_journal_is_full_nothing_more_is_sent() {
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let notebook = Notebook { room: Some(1), ..Notebook::default() };
    let plan = plan(
        [("a:create", action("a:create")), ("b:create", action("b:create"))],
        [("a:create", "b:create")],
    );
    let ran = run_with(plan, prior(), &Provider::default(), notebook, interrupt).await;
    assert_eq!(ran.calls, ["create secure"]);
    assert!(matches!(ran.outcome.stopped_by, Some(StoppedBy::Journal(_))));
    assert!(matches!(ran.result("a:create"), EndResult::Unknown(_)));
    assert!(matches!(ran.result("b:create"), EndResult::Skipped(_)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_without_a_durable_intent() {
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let notebook = Notebook { room: Some(0), ..Notebook::default() };
    let ran = run_with(create("llm"), prior(), &Provider::default(), notebook, interrupt).await;
    assert_eq!(ran.calls, [""; 0]);
    assert!(matches!(ran.result("llm:create"), EndResult::Skipped(_)));
}

#[tokio::test(start_paused = true)]
async fn the_first_signal_awaits_the_wire_and_the_second_gives_up() {
    let plan = || {
        plan([("a:create", action("a:create")), ("b:create", action("b:create"))], [("a:create", "b:create")])
    };
    for (signals, made, why) in
        [(1, 1, "interrupted: taken by the API, not waited for"), (2, 0, "interrupted")]
    {
        let provider = Provider::default().replies([Reply::Slow(Duration::from_secs(9))]);
        let (sender, interrupt) = watch::channel(Interrupt::None);
        let signal = async {
            sleep(Duration::from_secs(2)).await;
            sender.send(Interrupt::First).unwrap();
            sleep(Duration::from_secs(2)).await;
            if signals == 2 {
                sender.send(Interrupt::Second).unwrap();
            }
        };
        let (ran, ()) =
            tokio::join!(run_with(plan(), prior(), &provider, Notebook::default(), interrupt), signal);
        assert_eq!(provider.names().len(), made);
        assert_eq!(ran.outcome.stopped_by, Some(StoppedBy::Interrupt));
        assert_eq!(ran.result("a:create"), EndResult::Unknown(why.to_owned()));
        assert!(matches!(ran.result("b:create"), EndResult::Skipped(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_an_effect_is_a_failure() {
    let provider = Provider::with([live_pod("p", PodStatus::Running)]).replies([Reply::Idle]);
    let ran = run(plan([("llm:stop", stop("p"))], []), prior_with("llm", "p"), &provider).await;
    assert_eq!(
        ran.result("llm:stop"),
        EndResult::Failed("the API said yes, but it is still RUNNING".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_without_an_answer_is_looked_at_before_it_is_repeated() {
    for (reply, calls) in [(Reply::Done(Certainty::Unknown), 1), (Reply::No(Certainty::Unknown), 2)] {
        let provider = Provider::with([live_pod("p", PodStatus::Running)]).replies([reply]);
        let ran = run(plan([("llm:stop", stop("p"))], []), prior_with("llm", "p"), &provider).await;
        assert_eq!((ran.result("llm:stop"), ran.calls.len()), (DONE, calls));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_comes_back_without_gpus_is_stopped_at_once() {
    let provider = Provider::with([live_pod("p", PodStatus::Exited)]);
    let none = Compute::Gpu { id: GpuTypeId::new("H100"), count: 0 };
    provider.start_with.replace(Some(none));
    let ran = run(plan([("llm:start", start("p"))], []), prior_with("llm", "p"), &provider).await;
    assert_eq!(ran.calls, ["start p 1", "stop p"]);
    assert_eq!(
        ran.result("llm:start"),
        EndResult::Failed("its host has no free GPU: it came back with H100 x0".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_stuck_pod_is_replaced_as_planned() {
    let provider = Provider::with([live_pod("p", PodStatus::Exited)])
        .replies([Reply::No(Certainty::Rejected(Rejection::NoCapacity))]);
    let operation = Operation::StartPod {
        id: PodId::new("p"),
        compute: Some(compute()),
        on_stuck: OnStuck::Replace(Box::new(creation_at("llm"))),
    };
    let action = with(operation, RecordAfter::Put(Box::new(record())));
    let ran = run(plan([("llm:start", action)], []), prior_with("llm", "p"), &provider).await;
    assert_eq!(ran.calls, ["start p 1", "delete p", "create secure"]);
    assert_eq!((ran.result("llm:start"), provider.names()), (DONE, vec!["made-1".to_owned()]));
    assert_eq!(ran.lines().last().unwrap(), "llm is made-1 deposed 0");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_gone_already_counts_as_deleted() {
    let provider = Provider::default().replies([Reply::No(Certainty::Rejected(Rejection::NotFound))]);
    let ran = run(plan([("llm:delete", delete("p"))], []), prior_with("llm", "p"), &provider).await;
    assert_eq!(ran.result("llm:delete"), DONE);
    assert!(ran.lines().contains(&"llm is nothing".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_protected_pod_is_not_deleted_whatever_the_plan_says() {
    let mut prior = prior_with("llm", "p");
    prior.objects.values_mut().for_each(|recorded| recorded.lifecycle.protect = true);
    let provider = Provider::with([live_pod("p", PodStatus::Running)]);
    let ran = run(plan([("llm:delete", delete("p"))], []), prior, &provider).await;
    assert_eq!(ran.result("llm:delete"), EndResult::Failed("it is protected".to_owned()));
    assert_eq!(ran.calls, [""; 0]);
}

/// Nobody's business of ours: no record has it.
const NOT_OURS: &str = "`foreign` is not recorded here and no request of ours is known to have made it, so nothing is sent about it";

#[tokio::test(start_paused = true)]
async fn what_no_record_has_is_not_touched_whatever_the_plan_says() {
    let deposed = |pod: &str| {
        let ids = [PodId::new(pod)].into();
        with(Operation::DeletePods { ids }, RecordAfter::Deposed(BTreeSet::new()))
    };
    let cases = [
        ("llm:delete", delete("foreign")),
        ("llm:stop", stop("foreign")),
        ("llm:start", start("foreign")),
        ("llm:update", update("foreign", Disruption::InPlace)),
        ("llm:delete-deposed", deposed("foreign")),
    ];
    for (name, action) in cases {
        for prior in [prior(), prior_with("llm", "p")] {
            let provider =
                Provider::with([live_pod("p", PodStatus::Running), live_pod("foreign", PodStatus::Running)]);
            let ran = run(plan([(name, action.clone())], []), prior, &provider).await;
            assert_eq!(ran.result(name), EndResult::Failed(NOT_OURS.to_owned()), "{name}");
            assert_eq!(ran.calls, [""; 0], "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_address_has_is_not_touched_from_here() {
    let provider = Provider::with([live_pod("p", PodStatus::Running)]);
    let ran = run(plan([("zz:delete", delete("p"))], []), prior_with("llm", "p"), &provider).await;
    let why = "`p` is recorded at `llm`, so nothing is sent about it from here".to_owned();
    assert_eq!(ran.result("zz:delete"), EndResult::Failed(why));
    assert_eq!(ran.calls, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn no_record_takes_over_what_another_address_has() {
    let taken = |step: &str, pod: &str| {
        let record = Record { id: Some(RemoteId::Pod(PodId::new(pod))), ..record() };
        (format!("zz:{step}"), with(Operation::Local, RecordAfter::Put(Box::new(record))))
    };
    let why = "`p` is recorded at `llm`, so nothing is sent about it from here";
    for ((name, action), why) in
        [(taken("adopt", "p"), why), (taken("record", "p"), why), (taken("record", "foreign"), NOT_OURS)]
    {
        let provider = Provider::with([live_pod("foreign", PodStatus::Running)]);
        let ran = run(plan([(name.as_str(), action)], []), prior_with("llm", "p"), &provider).await;
        assert_eq!(ran.result(&name), EndResult::Failed(why.to_owned()), "{name}");
        assert!(ran.lines().iter().all(|line| !line.starts_with("zz is")), "{:?}", ran.lines());
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_leaves_behind_only_what_its_address_had() {
    let mut action = action("llm:create");
    let RecordAfter::Put(record) = &mut action.record else { panic!("a create records its pod") };
    record.deposed = [PodId::new("foreign")].into();
    let provider = Provider::with([live_pod("foreign", PodStatus::Running)]);
    let ran = run(plan([("llm:create", action)], []), prior_with("llm", "p"), &provider).await;
    assert_eq!(ran.result("llm:create"), EndResult::Failed(NOT_OURS.to_owned()));
    assert_eq!(ran.calls, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_request_of_ours_made_and_no_record_has_may_go() {
    let (mut prior, token) = open_create(ActionStatus::Unknown { id: None });
    prior.open.clear();
    let marker = marked(token);
    let made = |created_at| LivePod {
        marker: Some(marker.clone()),
        created_at: Some(created_at),
        ..live_pod("foreign", PodStatus::Running)
    };
    let ended = async |pod: LivePod, prior: Prior| {
        let provider = Provider::with([pod, live_pod("p", PodStatus::Running)]);
        run(plan([("llm:delete", delete("foreign"))], []), prior, &provider).await.result("llm:delete")
    };
    assert_eq!(ended(made(At.now()), prior.clone()).await, DONE);
    let much_later = Timestamp::from_second(At.now().as_second() + 100_000).unwrap();
    assert_eq!(ended(made(much_later), prior.clone()).await, EndResult::Failed(NOT_OURS.to_owned()));
    // Beside a recorded one it must be one too many and nothing else.
    prior.objects.insert("llm".parse().unwrap(), recorded("p"));
    assert_eq!(ended(made(At.now()), prior.clone()).await, DONE);
    let differs = LivePod {
        settings: crate::model::settings::PodSettings {
            name: Some("edited".to_owned()),
            ..made(At.now()).settings
        },
        ..made(At.now())
    };
    let why = "`foreign` is not recorded here, and may hold something that the recorded one does not";
    assert_eq!(ended(differs, prior).await, EndResult::Failed(why.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_no_record_has_is_neither_grown_nor_deleted() {
    let id = VolumeId::new("foreign");
    let cases = [
        ("volume.data:delete", Operation::DeleteVolume { id: id.clone() }),
        ("volume.data:update", Operation::GrowVolume { id, size: Gigabytes(900) }),
    ];
    for (name, operation) in cases {
        let provider = Provider::default();
        let action = with(operation, RecordAfter::Remove { tombstone: false });
        let ran = run(plan([(name, action)], []), prior(), &provider).await;
        assert_eq!(ran.result(name), EndResult::Failed(NOT_OURS.to_owned()));
        assert_eq!(ran.calls, [""; 0]);
    }
}

fn open_create(status: ActionStatus) -> (Prior, Token) {
    let token = attempt_token("llm", 0);
    let mut prior = prior();
    let known = KnownToken {
        address: "llm".parse().unwrap(),
        intended_at: At.now(),
        server_time: Some(At.now()),
        sent: sent(),
        tombstone: false,
    };
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

async fn settled(prior: &Prior, provider: &Provider) -> (Vec<Fate>, Vec<String>) {
    let notebook = Notebook::default();
    let (_keep, interrupt) = watch::channel(Interrupt::None);
    let run = a_run();
    let limited = Limited::new(provider, &Silent, 0);
    let context = Context {
        provider: &limited,
        journal: &notebook,
        clock: &At,
        reporter: &Silent,
        project: &ProjectName::new("acme"),
        secrets: &Secrets::default(),
        run: &run,
        settings: Settings::RUNPOD,
        interrupt,
    };
    let recovered = settle(prior, context).await.unwrap();
    let fates = recovered.into_iter().map(|recovered| recovered.fate).collect();
    (fates, notebook.commits.into_inner().concat())
}

#[tokio::test(start_paused = true)]
async fn a_create_of_a_dead_run_is_adopted_with_its_record() {
    let (prior, token) = open_create(ActionStatus::Intended);
    let marker = marked(token);
    let provider = Provider::with([LivePod { marker: Some(marker), ..live_pod("p", PodStatus::Running) }]);
    let (fates, lines) = settled(&prior, &provider).await;
    let id = RemoteId::Pod(PodId::new("p"));
    assert_eq!(fates, [Fate::Adopted { id, retired: BTreeSet::new() }]);
    assert_eq!(
        lines,
        ["llm:create started", "llm:create accepted p", "llm is p deposed 0", "llm:create failed"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_of_one_create_is_terminated() {
    let (prior, token) = open_create(ActionStatus::Unknown { id: None });
    let marker = marked(token);
    let twin = |name| LivePod {
        marker: Some(marker.clone()),
        created_at: Some(At.now()),
        ..live_pod(name, PodStatus::Running)
    };
    let provider = Provider::with([twin("p"), twin("q")]);
    let (fates, lines) = settled(&prior, &provider).await;
    let id = RemoteId::Pod(PodId::new("p"));
    assert_eq!(fates, [Fate::Adopted { id, retired: BTreeSet::from([PodId::new("q")]) }]);
    assert_eq!(provider.names(), ["p"]);
    assert_eq!(
        lines,
        [
            "llm:create accepted p",
            "llm is p deposed 0",
            "llm:create intended 0",
            "llm:create started",
            "llm:create accepted p",
            "llm:create failed"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_create_that_may_still_arrive_is_waited_for() {
    let (prior, _) = open_create(ActionStatus::Intended);
    let began = tokio::time::Instant::now();
    let (fates, lines) = settled(&prior, &Provider::default()).await;
    let Settings { intent_validity, request_timeout, settling, .. } = Settings::RUNPOD;
    assert!(began.elapsed() >= intent_validity + request_timeout + settling);
    assert_eq!(fates, [Fate::NotDone]);
    assert_eq!(lines, ["llm:create refused", "llm:create failed"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_on_record_is_left_to_the_plan_at_once() {
    let (prior, _) = open_create(ActionStatus::Accepted { id: Some(RemoteId::Pod(PodId::new("p"))) });
    let began = tokio::time::Instant::now();
    let (fates, lines) = settled(&prior, &Provider::default()).await;
    assert_eq!((began.elapsed(), fates), (Duration::ZERO, vec![Fate::LeftToPlan]));
    assert_eq!(lines, ["llm:create failed"]);
}
