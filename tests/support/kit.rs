//! Small values that tests begin with: each is whole, and a test edits what it is about.
//!
//! Unit tests, integration tests and benchmarks share this file, each as a module `kit` of its own crate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use podform::apply::Reporter;
use podform::model::address::Address;
use podform::model::catalog::Stock;
use podform::model::clock::{Clock, Moment, Timestamp};
use podform::model::desired::{Budget, Desired, HostLimits, Lifecycle};
use podform::model::id::{
    DataCenterId, GpuTypeId, Lineage, PodId, ProjectName, RemoteId, RunId, RunNonce, Serial, VolumeId,
};
use podform::model::journal::Asked;
use podform::model::live::{Endpoints, LivePod, PodRole, PodStatus, Ran};
use podform::model::marker::{Marker, Token};
use podform::model::money::{Amount, Price};
use podform::model::plan::{
    Action, ActionId, Attempt, Basis, Candidate, CostChange, CostSummary, Digest, Disruption, Endpoint,
    OnStuck, Operation, Plan, PodCreation, Reason, RecordAfter, Step,
};
use podform::model::pod::{Access, Cloud, Compute, Placement, Rent, Storage};
use podform::model::prior::{
    Api, Binding, KnownToken, ProviderKind, Record, Recorded, RecordedObject, RecordedPod, RecordedRun,
};
use podform::model::progress::Notice;
use podform::model::request::PodRequest;
use podform::model::settings::{Container, PodPatch, PodSettings};
use podform::model::size::Gigabytes;
use podform::spec::{Form, Input, Loaded, SourceFile, load};
use podform::state::Run;
use podform::state::lease::Holder;

pub fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub fn pod_id(id: &str) -> RemoteId {
    RemoteId::Pod(PodId::new(id))
}

pub fn volume_id(id: &str) -> RemoteId {
    RemoteId::Volume(VolumeId::new(id))
}

/// Reads `address:step`.
pub fn id(text: &str) -> ActionId {
    let (at, step) = text.split_once(':').unwrap();
    let step = Step::ALL.into_iter().find(|known| known.word() == step).unwrap();
    ActionId { address: address(at), step }
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub fn token() -> Token {
    "0123456789abcdef".parse().unwrap()
}

pub fn attempt_token(address: &str, attempt: u32) -> Token {
    Token::derive(&Lineage::new("line"), &RunNonce::new("nonce"), &self::address(address), attempt)
}

pub fn compute() -> Compute {
    Compute::Gpu { id: GpuTypeId::new("H100"), count: 1 }
}

pub fn container() -> Container {
    Container {
        name: "llm".to_owned(),
        image: "image:1".to_owned(),
        disk: Gigabytes(20),
        ..Container::default()
    }
}

pub fn candidate(cloud: Cloud) -> Candidate {
    Candidate {
        price: Price::Unknown,
        stock: Stock::NotAsked,
        stock_by_data_center: Arc::default(),
        placement: Placement {
            compute: compute(),
            cloud,
            data_centers: BTreeSet::new(),
            host: HostLimits::default(),
            rent: Rent::OnDemand,
        },
    }
}

pub fn creation() -> PodCreation {
    creation_at("llm")
}

pub fn creation_at(address: &str) -> PodCreation {
    let attempts = [Cloud::Secure, Cloud::Community].into_iter().zip(0..).map(|(cloud, number)| Attempt {
        candidate: candidate(cloud),
        after: None,
        token: attempt_token(address, 2 * number),
        second_token: attempt_token(address, 2 * number + 1),
    });
    PodCreation {
        container: container(),
        access: Access { ssh: false, jupyter: false },
        wished: None,
        attempts: attempts.collect(),
        boot: None,
        retry: None,
    }
}

pub fn record() -> Record {
    let object = RecordedObject::Pod(Arc::new(RecordedPod {
        container: container(),
        access: None,
        compute: Some(compute()),
        cloud: Some(Cloud::Secure),
        data_center: None,
        run: RecordedRun::Running,
        job: None,
        depends_on: BTreeSet::new(),
    }));
    Record::new(None, Lifecycle::default(), object)
}

pub fn recorded(id: &str) -> Recorded {
    Recorded::new(pod_id(id), record(), Moment { here: at(100), there: Some(at(100)) })
}

pub fn asked() -> Asked {
    Asked { name: Some("llm".to_owned()), data_centers: BTreeSet::new(), record: Box::new(record()) }
}

/// What the journal knows of the token of a create.
pub fn known(asked: Asked, server_time: Option<Timestamp>) -> KnownToken {
    KnownToken {
        address: address("llm"),
        intended_at: Timestamp::UNIX_EPOCH,
        server_time,
        asked,
        tombstone: false,
    }
}

/// The mark of a pod of the project `acme`.
pub fn marker(address: &str, token: Token) -> Marker {
    Marker {
        project: ProjectName::new("acme"),
        address: self::address(address),
        token,
        lineage: Lineage::new("line"),
        serial: Serial(0),
        created: None,
        protected: false,
    }
}

pub fn pod_request() -> PodRequest {
    PodRequest {
        access: Access { ssh: false, jupyter: false },
        settings: container().with(BTreeMap::new(), Storage::None, None),
        placement: Placement {
            compute: compute(),
            cloud: Cloud::Secure,
            data_centers: BTreeSet::new(),
            host: HostLimits::default(),
            rent: Rent::OnDemand,
        },
    }
}

pub fn live_pod(id: &str, status: PodStatus) -> LivePod {
    LivePod {
        id: PodId::new(id),
        status,
        marker: Some(marker("llm", token())),
        cloud: Some(Cloud::Secure),
        data_center: Some(DataCenterId::new("EU-RO-1")),
        compute: Some(compute()),
        cuda: None,
        created_at: None,
        ran: Ran::NotTold,
        price: Price::Unknown,
        rental: None,
        command_is_guess: false,
        role: PodRole::Plain,
        endpoints: Endpoints::default(),
        run: None,
        settings: PodSettings {
            name: Some("llm".to_owned()),
            image: Some("image:1".to_owned()),
            command: Some(Vec::new()),
            ports: Some(BTreeSet::new()),
            disk: Some(Gigabytes(20)),
            registry: Some(None),
            locked: Some(Some(false)),
            ..PodSettings::default()
        },
    }
}

/// An action with what its id says: a create, or something without a call.
pub fn action(text: &str) -> Action {
    let id = id(text);
    let operation = match id.step {
        Step::Create => Operation::CreatePod(Box::new(creation_at(&id.address.to_string()))),
        _ => Operation::Local,
    };
    let record = match id.step {
        Step::Forget => RecordAfter::Remove { tombstone: false },
        _ => RecordAfter::put(None, record()),
    };
    with(operation, record)
}

pub fn with(operation: Operation, record: RecordAfter) -> Action {
    let (changes, consequences, cost) = (Vec::new(), Vec::new(), CostChange::default());
    Action { operation, reason: Reason::New, changes, consequences, cost, record, ready: None }
}

pub fn delete(pod: &str) -> Action {
    with(Operation::DeletePods { ids: [PodId::new(pod)].into() }, RecordAfter::Remove { tombstone: false })
}

pub fn start(pod: &str) -> Action {
    let operation = Operation::StartPod {
        id: PodId::new(pod),
        compute: Some(compute()),
        bid: None,
        on_stuck: OnStuck::Fail,
    };
    with(operation, RecordAfter::put(None, record()))
}

pub fn stop(pod: &str) -> Action {
    with(Operation::StopPod { id: PodId::new(pod) }, RecordAfter::put(None, record()))
}

pub fn update(pod: &str, disruption: Disruption) -> Action {
    let patch = PodPatch { name: Some("other".to_owned()), ..PodPatch::default() };
    let operation = Operation::UpdatePod { id: PodId::new(pod), patch: Box::new(patch), disruption };
    with(operation, RecordAfter::put(None, record()))
}

pub fn plan<'a>(
    actions: impl IntoIterator<Item = (&'a str, Action)>,
    edges: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Plan {
    Plan {
        actions: actions.into_iter().map(|(name, action)| (id(name), action)).collect(),
        edges: edges.into_iter().map(|(first, then)| (id(first), id(then))).collect(),
        ..empty_plan()
    }
}

/// A plan without actions.
pub fn empty_plan() -> Plan {
    Plan {
        basis: Basis {
            project: ProjectName::new("acme"),
            endpoint: Endpoint::Simulator,
            api: Api::V2,
            spec_digest: "5f1d7a84db00d2fc".to_owned(),
            lineage: Lineage::new("line"),
            serial: Serial(7),
            nonce: RunNonce::new("nonce"),
            observed_at: "2026-11-21T12:00:00Z".parse().unwrap(),
        },
        actions: BTreeMap::new(),
        edges: BTreeSet::new(),
        waves: BTreeMap::new(),
        referenced: BTreeMap::new(),
        held: BTreeMap::new(),
        drift: Vec::new(),
        findings: Vec::new(),
        unmanaged: Vec::new(),
        unchanged: BTreeSet::new(),
        recorded: BTreeMap::new(),
        templates: BTreeMap::new(),
        out_of_scope: 0,
        in_progress: None,
        cost: CostSummary::default(),
        at_most: BTreeMap::new(),
        digest: Digest { hash: "3f2a9c4be01d77863f2a9c4be01d7786".to_owned(), monthly: Amount::ZERO },
    }
}

/// A spec that wants nothing.
pub fn desired() -> Desired {
    Desired {
        project: ProjectName::new("acme"),
        wanted: BTreeMap::new(),
        out_of_scope: BTreeMap::new(),
        replicated: BTreeSet::new(),
        dropped: BTreeSet::new(),
        protected: BTreeSet::new(),
        moved: Vec::new(),
        removed: BTreeMap::new(),
        ready: BTreeMap::new(),
        boot: BTreeMap::new(),
        retries: BTreeMap::new(),
        secrets: BTreeMap::new(),
        budget: Budget::default(),
    }
}

pub fn run(id: impl Into<String>, at: Timestamp) -> Run {
    Run {
        id: RunId::new(id),
        at,
        command: "apply".to_owned(),
        plan_digest: String::new(),
        who: "ann@box".to_owned(),
        nonce: None,
        approved: None,
    }
}

pub fn binding(project: &ProjectName, kind: ProviderKind, origin: &str) -> Binding {
    Binding { project: project.clone(), kind, origin: origin.to_owned() }
}

pub fn holder(user: &str, host: &str) -> Holder {
    Holder {
        id: format!("{user}/{host}"),
        user: user.to_owned(),
        host: host.to_owned(),
        pid: 7,
        command: "apply".to_owned(),
        url: None,
    }
}

/// Reads a spec, or says what is wrong with it.
pub fn loaded(text: &str) -> Result<Loaded, String> {
    let file = SourceFile { name: "pods.yaml", bytes: text.as_bytes() };
    let none = BTreeMap::new();
    let input = Input { files: &[file], vars: &none, environment_vars: &none, profiles: &[] };
    load(&input).map_err(|mistakes| mistakes.render(Form::Plain))
}

/// A clock that stands.
pub struct Still(pub Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Keeps to itself how a run goes.
pub struct Silent;

impl Reporter for Silent {
    fn notice(&self, _: Notice) {}
}
