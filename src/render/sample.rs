//! Plans made by hand for the tests of all formats: one with every class of action, one of any size.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::catalog::Stock;
use crate::model::clock::Timestamp;
use crate::model::desired::{HostLimits, Lifecycle};
use crate::model::id::{
    CpuFlavorId, DataCenterId, EnvKey, GpuTypeId, Lineage, PodId, ProjectName, RemoteId, RunNonce, Serial,
    VolumeId,
};
use crate::model::live::PodStatus;
use crate::model::marker::Token;
use crate::model::money::{Amount, Hourly, Monthly, Price};
use crate::model::plan::{
    Action, ActionId, Attempt, Basis, Block, BudgetLimit, Candidate, Cause, Consequence, CostChange,
    CostSummary, Digest, Disruption, Drift, DriftKind, Endpoint, FieldChange, FieldDrift, Finding, Held,
    OnStuck, Operation, Owner, Plan, Planned, PodCreation, Reason, Record, RecordAfter, Severity, Split,
    Step, Subject, Unmanaged,
};
use crate::model::pod::{Access, Cloud, Compute, EnvValue, Placement, Port, Protocol, RunState, Storage};
use crate::model::prior::{Api, RecordedObject, RecordedPod};
use crate::model::secret::SecretName;
use crate::model::settings::{Container, Field, PodPatch};
use crate::model::size::Gigabytes;
use crate::model::value::Value;
use crate::model::volume::{VolumeConfig, VolumeTier};

use super::rows::container_values;

pub fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub fn id(at: &str, step: Step) -> ActionId {
    ActionId { address: address(at), step }
}

/// Returns the value that a field has where a screen shows this text.
fn value(field: &Field, text: &str) -> Value {
    match field {
        Field::Name | Field::Image | Field::Env(_) | Field::Registry | Field::Volumes => {
            Value::Text(text.to_owned())
        }
        Field::Command | Field::Entrypoint => Value::Command(text.split(' ').map(str::to_owned).collect()),
        Field::Disk | Field::Size => Value::Size(Gigabytes(text.trim_end_matches(" GB").parse().unwrap())),
        Field::GpuCount => Value::Number(text.parse().unwrap()),
        Field::GlobalNetworking | Field::Locked | Field::Ssh | Field::Jupyter => {
            Value::Switch(text.parse().unwrap())
        }
        _ => Value::word(text),
    }
}

pub fn changed(field: Field, before: &str, after: &str, disruption: Disruption) -> FieldChange {
    let (before, after) = (value(&field, before), value(&field, after));
    FieldChange { field, before, after, cause: Cause::Spec, disruption }
}

/// An amount a month from whole cents an hour of compute and dollars a month of storage.
fn split(cents: i64, storage: i64) -> Split {
    Split {
        compute: Amount::known(Hourly(cents * 10_000).monthly()),
        storage: Amount::known(Monthly(storage * 1_000_000)),
    }
}

fn cost(before: Split, after: Split) -> CostChange {
    CostChange { before, after }
}

pub fn container(name: &str) -> Container {
    Container {
        name: name.to_owned(),
        image: "vllm/vllm-openai:v0.19.1".to_owned(),
        command: ["--model", "Qwen/Qwen3-32B-FP8", "--port", "8000"].map(str::to_owned).into(),
        entrypoint: Vec::new(),
        env: [
            (EnvKey::new("HF_HOME"), EnvValue::Plain("/models/hf".to_owned())),
            (EnvKey::new("WANDB_API_KEY"), EnvValue::Secret(SecretName::Declared("wandb_key".to_owned()))),
        ]
        .into(),
        ports: [
            Port { number: 8000, protocol: Protocol::Http },
            Port { number: 22, protocol: Protocol::Tcp },
        ]
        .into(),
        disk: Gigabytes(60),
        registry: None,
        storage: Storage::Network { volume: address("volume.models"), path: "/models".to_owned() },
        global_networking: false,
        locked: None,
    }
}

fn candidate(gpu: &str, price: Price, stock: Stock) -> Candidate {
    Candidate {
        price,
        stock,
        stock_by_data_center: Arc::new([(DataCenterId::new("EU-RO-1"), stock)].into()),
        placement: Placement {
            compute: Compute::Gpu { id: GpuTypeId::new(gpu), count: 1 },
            cloud: Cloud::Secure,
            data_centers: [DataCenterId::new("EU-RO-1")].into(),
            host: HostLimits::default(),
        },
    }
}

fn token(at: &str, attempt: u32) -> Token {
    Token::derive(&Lineage::new("line"), &RunNonce::new("nonce"), &address(at), attempt)
}

pub fn creation(at: &str) -> PodCreation {
    let candidates = [
        candidate("NVIDIA RTX 6000 Ada Generation", Price::Known(Hourly(770_000)), Stock::Low),
        candidate("NVIDIA L40S", Price::Known(Hourly(860_000)), Stock::High),
    ];
    PodCreation {
        container: container(&format!("acme-{}", at.replace('[', "-").replace(']', ""))),
        access: Access { ssh: true, jupyter: false },
        wished: None,
        attempts: (0..)
            .zip(candidates)
            .map(|(number, candidate)| Attempt {
                candidate,
                token: token(at, 2 * number),
                second_token: token(at, 2 * number + 1),
            })
            .collect(),
    }
}

fn recorded_pod(name: &str, run: RunState) -> RecordedPod {
    RecordedPod {
        container: container(name),
        access: Some(Access { ssh: true, jupyter: false }),
        compute: Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA L40S"), count: 1 }),
        cloud: Some(Cloud::Secure),
        data_center: Some(DataCenterId::new("EU-RO-1")),
        run,
        depends_on: [address("volume.models")].into(),
    }
}

fn record(id: Option<&str>, run: RunState, name: &str) -> Record {
    Record {
        id: id.map(|id| RemoteId::Pod(PodId::new(id))),
        token: None,
        lifecycle: Lifecycle::default(),
        retired: false,
        deposed: BTreeSet::new(),
        object: RecordedObject::Pod(Arc::new(recorded_pod(name, run))),
    }
}

fn volume_record(id: Option<&str>, size: u32) -> Record {
    Record {
        id: id.map(|id| RemoteId::Volume(VolumeId::new(id))),
        token: None,
        lifecycle: Lifecycle::default(),
        retired: false,
        deposed: BTreeSet::new(),
        object: RecordedObject::Volume(volume(size)),
    }
}

fn volume(size: u32) -> VolumeConfig {
    VolumeConfig {
        size: Gigabytes(size),
        data_center: DataCenterId::new("EU-RO-1"),
        tier: VolumeTier::Standard,
    }
}

fn put(id: Option<&str>, run: RunState, name: &str) -> RecordAfter {
    RecordAfter::Put(Box::new(record(id, run, name)))
}

const REMOVE: RecordAfter = RecordAfter::Remove { tombstone: false };

fn local(reason: Reason, record: RecordAfter) -> Action {
    Action {
        operation: Operation::Local,
        reason,
        changes: Vec::new(),
        consequences: Vec::new(),
        cost: CostChange::default(),
        record,
    }
}

fn pods(ids: &[&str]) -> BTreeSet<PodId> {
    ids.iter().map(|id| PodId::new(*id)).collect()
}

pub fn create(at: &str) -> Action {
    let creation = creation(at);
    let name = creation.container.name.clone();
    let mut changes = created(container_values(&creation.container));
    changes.extend(created(vec![
        (Field::GpuCount, value(&Field::GpuCount, "1")),
        (Field::Ssh, value(&Field::Ssh, "true")),
        (Field::Jupyter, value(&Field::Jupyter, "false")),
        (Field::State, value(&Field::State, "running")),
    ]));
    Action {
        operation: Operation::CreatePod(Box::new(creation)),
        reason: Reason::New,
        changes,
        consequences: Vec::new(),
        cost: cost(Split::default(), split(77, 6)),
        record: put(None, RunState::Running, &name),
    }
}

fn created(values: Vec<(Field, Value)>) -> Vec<FieldChange> {
    let change = |(field, after)| FieldChange {
        field,
        before: Value::Absent,
        after,
        cause: Cause::Spec,
        disruption: Disruption::InPlace,
    };
    values.into_iter().map(change).collect()
}

/// An update of one replica, as after an edit of the image and of a secret.
pub fn update(remote: &str, after: &str) -> Action {
    Action {
        operation: Operation::UpdatePod {
            id: PodId::new(remote),
            patch: Box::new(PodPatch { image: Some(after.to_owned()), ..PodPatch::default() }),
            disruption: Disruption::Reset,
        },
        reason: Reason::Changed,
        changes: vec![
            changed(Field::Image, "vllm/vllm-openai:v0.18.0", after, Disruption::Reset),
            FieldChange {
                field: Field::Env(EnvKey::new("WANDB_API_KEY")),
                before: Value::Secret,
                after: Value::Secret,
                cause: Cause::NotAttributable,
                disruption: Disruption::Reset,
            },
        ],
        consequences: vec![
            Consequence::ContainerDiskLost { size: Gigabytes(60) },
            Consequence::NetworkVolumeKept { volume: address("volume.models") },
            Consequence::PublicPortsChange,
        ],
        cost: cost(split(86, 6), split(86, 6)),
        record: put(Some(remote), RunState::Running, "acme-llm"),
    }
}

fn stop() -> Action {
    Action {
        operation: Operation::StopPod { id: PodId::new("stud10000000aa") },
        reason: Reason::StateWanted,
        changes: vec![changed(Field::State, "running", "stopped", Disruption::InPlace)],
        consequences: vec![
            Consequence::ContainerDiskLost { size: Gigabytes(40) },
            Consequence::LocalVolumeKept { size: Gigabytes(100), path: "/workspace".to_owned() },
        ],
        cost: cost(split(69, 14), split(0, 20)),
        record: put(Some("stud10000000aa"), RunState::Stopped, "acme-studio"),
    }
}

fn start(at: &str) -> Action {
    Action {
        operation: Operation::StartPod {
            id: PodId::new("tra1n0000000aa"),
            compute: None,
            on_stuck: OnStuck::Replace(Box::new(creation(at))),
        },
        reason: Reason::StateDrifted,
        changes: vec![FieldChange {
            field: Field::State,
            before: Value::word("stopped"),
            after: Value::word("running"),
            cause: Cause::Outside,
            disruption: Disruption::InPlace,
        }],
        consequences: vec![Consequence::StartMayFail { then_replaced: true }],
        cost: cost(split(0, 20), split(86, 14)),
        record: put(Some("tra1n0000000aa"), RunState::Running, "acme-train"),
    }
}

fn replace_delete() -> Action {
    Action {
        operation: Operation::DeletePods { ids: pods(&["swap00000000aa"]) },
        reason: Reason::Replaced,
        changes: vec![changed(
            Field::Gpu,
            "NVIDIA A40 x1",
            "NVIDIA L40S or RTX 6000 Ada",
            Disruption::Replace,
        )],
        consequences: vec![
            Consequence::LocalVolumeLost { size: Gigabytes(200), path: "/workspace".to_owned() },
            Consequence::ContainerDiskLost { size: Gigabytes(60) },
            Consequence::NewPodId,
        ],
        cost: cost(split(44, 26), Split::default()),
        record: REMOVE,
    }
}

fn replace_create(at: &str) -> Action {
    Action { reason: Reason::Replaced, changes: Vec::new(), ..create(at) }
}

fn grow() -> Action {
    Action {
        operation: Operation::GrowVolume { id: VolumeId::new("agv6w2qcg7"), size: Gigabytes(800) },
        reason: Reason::Changed,
        changes: vec![changed(Field::Size, "500 GB", "800 GB", Disruption::InPlace)],
        consequences: Vec::new(),
        cost: cost(split(0, 35), split(0, 56)),
        record: RecordAfter::Put(Box::new(volume_record(Some("agv6w2qcg7"), 800))),
    }
}

fn delete_volume() -> Action {
    Action {
        operation: Operation::DeleteVolume { id: VolumeId::new("0ldv0lume1") },
        reason: Reason::Removed,
        changes: Vec::new(),
        consequences: vec![Consequence::NetworkVolumeLost {
            volume: address("volume.old"),
            size: Gigabytes(300),
        }],
        cost: cost(split(0, 21), Split::default()),
        record: REMOVE,
    }
}

fn delete_pod() -> Action {
    Action {
        operation: Operation::DeletePods { ids: pods(&["g0ne00000000aa"]) },
        reason: Reason::Shrunk,
        changes: Vec::new(),
        consequences: vec![Consequence::ContainerDiskLost { size: Gigabytes(60) }],
        cost: cost(split(86, 6), Split::default()),
        record: REMOVE,
    }
}

fn scripted() -> Action {
    Action {
        operation: Operation::UpdatePod {
            id: PodId::new("prep00000000aa"),
            patch: Box::default(),
            disruption: Disruption::InPlace,
        },
        reason: Reason::Changed,
        changes: vec![
            FieldChange {
                field: Field::Command,
                before: value(&Field::Command, "--model Qwen/Qwen3-8B --port 8000 --max-model-len 8192"),
                after: value(
                    &Field::Command,
                    "--model Qwen/Qwen3-32B-FP8 --port 8000 --max-model-len 8192 --seed 7",
                ),
                cause: Cause::Both,
                disruption: Disruption::InPlace,
            },
            FieldChange {
                field: Field::Env(EnvKey::new("SETUP")),
                before: Value::Text("set -eu\napt-get update\npip install vllm\n".to_owned()),
                after: Value::Text("set -eu\npip install vllm==0.19.1\nexec serve\n".to_owned()),
                cause: Cause::Spec,
                disruption: Disruption::InPlace,
            },
            FieldChange {
                field: Field::Env(EnvKey::new("TOKEN")),
                before: Value::OtherValue,
                after: Value::Absent,
                cause: Cause::Outside,
                disruption: Disruption::InPlace,
            },
            changed(Field::GlobalNetworking, "false", "true", Disruption::NextStart),
        ],
        consequences: vec![Consequence::TakesEffectAtNextStart],
        cost: cost(split(12, 2), split(12, 2)),
        record: put(Some("prep00000000aa"), RunState::Running, "acme-prep"),
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
            observed_at: "2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap(),
        },
        actions: BTreeMap::new(),
        edges: BTreeSet::new(),
        referenced: BTreeMap::new(),
        held: BTreeMap::new(),
        drift: Vec::new(),
        findings: Vec::new(),
        unmanaged: Vec::new(),
        unchanged: BTreeSet::new(),
        recorded: BTreeMap::new(),
        out_of_scope: 0,
        in_progress: None,
        cost: CostSummary::default(),
        at_most: BTreeMap::new(),
        digest: Digest { hash: "3f2a9c4be01d77863f2a9c4be01d7786".to_owned(), monthly: Amount::ZERO },
    }
}

fn actions() -> BTreeMap<ActionId, Action> {
    let replaced_first = "swap";
    let made_first = "swift";
    let mut actions: BTreeMap<ActionId, Action> = [
        (
            id("volume.fresh", Step::Create),
            Action {
                operation: Operation::CreateVolume {
                    name: "acme-fresh-0123abcd".to_owned(),
                    config: volume(100),
                    token: token("volume.fresh", 0),
                },
                reason: Reason::New,
                changes: created(vec![
                    (Field::Size, value(&Field::Size, "100 GB")),
                    (Field::DataCenter, value(&Field::DataCenter, "EU-RO-1")),
                    (Field::Tier, value(&Field::Tier, "standard")),
                ]),
                consequences: Vec::new(),
                cost: cost(Split::default(), split(0, 7)),
                record: RecordAfter::Put(Box::new(volume_record(None, 100))),
            },
        ),
        (id("volume.models", Step::Update), grow()),
        (id("volume.old", Step::Delete), delete_volume()),
        (id("new", Step::Create), create("new")),
        (id("studio", Step::Stop), stop()),
        (id("train", Step::Start), start("train")),
        (id("prep", Step::Update), scripted()),
        (id("llm[3]", Step::Delete), delete_pod()),
        (id(replaced_first, Step::Delete), replace_delete()),
        (id(replaced_first, Step::Create), replace_create(replaced_first)),
        (
            id(made_first, Step::Create),
            Action { cost: cost(split(44, 26), split(44 + 77, 26 + 6)), ..replace_create(made_first) },
        ),
        (
            id(made_first, Step::Delete),
            Action { cost: cost(split(44 + 77, 26 + 6), split(77, 6)), ..replace_delete() },
        ),
        (
            id("crm", Step::DeleteDeposed),
            Action {
                operation: Operation::DeletePods { ids: pods(&["deposed00000aa"]) },
                cost: cost(split(86 + 69, 12), split(69, 6)),
                record: RecordAfter::Deposed(BTreeSet::new()),
                ..Action { reason: Reason::Deposed, ..delete_pod() }
            },
        ),
        (
            id("found", Step::Adopt),
            local(Reason::AdoptNamed, put(Some("f0und0000000aa"), RunState::Running, "found")),
        ),
        (id("clean", Step::Move), local(Reason::Renamed, RecordAfter::MovedFrom(address("wash")))),
        (
            id("vault", Step::Record),
            Action {
                changes: vec![changed(
                    Field::Lifecycle,
                    "protect: true",
                    "protect: false",
                    Disruption::InPlace,
                )],
                ..local(
                    Reason::LifecycleChanged,
                    put(Some("vau1t0000000aa"), RunState::Running, "acme-vault"),
                )
            },
        ),
        (
            id("lost", Step::Forget),
            Action {
                consequences: vec![Consequence::VanishedWithData { size: Gigabytes(50) }],
                ..local(Reason::Vanished, RecordAfter::Remove { tombstone: true })
            },
        ),
        (
            id("free", Step::Forget),
            Action {
                consequences: vec![Consequence::GoesOnUnmanaged],
                ..local(Reason::Removed, RecordAfter::Remove { tombstone: true })
            },
        ),
    ]
    .into();
    for (number, remote) in [(0, "llm000000000aa"), (1, "llm000000000ab"), (2, "llm000000000ac")] {
        let update = update(remote, "vllm/vllm-openai:v0.19.1");
        actions.insert(id(&format!("llm[{number}]"), Step::Update), update);
    }
    actions
}

/// A plan with every class of action, drift, held addresses, findings and unmanaged objects.
pub fn full_plan() -> Plan {
    let unknown = Split { compute: Amount::of(Price::Unknown), storage: Amount::ZERO };
    Plan {
        actions: actions(),
        edges: [
            (id("volume.fresh", Step::Create), id("new", Step::Create)),
            (id("volume.models", Step::Update), id("llm[0]", Step::Update)),
            (id("swap", Step::Delete), id("swap", Step::Create)),
            (id("swift", Step::Create), id("swift", Step::Delete)),
            (id("llm[3]", Step::Delete), id("volume.old", Step::Delete)),
        ]
        .into(),
        held: [
            (address("dark[0]"), Held::Unreadable("the answer could not be understood".to_owned())),
            (address("dark[1]"), Held::Unreadable("the answer could not be understood".to_owned())),
            (address("late"), Held::DependsOn(address("dark[0]"))),
        ]
        .into(),
        drift: vec![
            Drift { address: address("train"), kind: DriftKind::Stopped },
            Drift { address: address("lost"), kind: DriftKind::Vanished },
            Drift {
                address: address("prep"),
                kind: DriftKind::Fields(vec![FieldDrift {
                    field: Field::Env(EnvKey::new("TOKEN")),
                    recorded: Value::Absent,
                    live: Value::OtherValue,
                    left_alone: true,
                }]),
            },
        ],
        findings: vec![
            Finding {
                severity: Severity::Note,
                code: "family-expanded",
                subject: Some(Subject { address: address("new"), field: Some(Field::Gpu) }),
                message: "`RTX 6000 Ada` stands for `NVIDIA RTX 6000 Ada Generation`".to_owned(),
            },
            Finding {
                severity: Severity::Warning,
                code: "unpinned-image",
                subject: Some(Subject { address: address("llm[0]"), field: Some(Field::Image) }),
                message: "the image has no fixed version, so a reset can bring another program".to_owned(),
            },
            Finding {
                severity: Severity::Warning,
                code: "unpinned-image",
                subject: Some(Subject { address: address("llm[1]"), field: Some(Field::Image) }),
                message: "the image has no fixed version, so a reset can bring another program".to_owned(),
            },
        ],
        unmanaged: vec![
            Unmanaged {
                id: RemoteId::Pod(PodId::new("m1ne00000000aa")),
                name: "old notebook".to_owned(),
                status: Some(PodStatus::Running),
                created_at: "2026-11-12T11:00:00Z".parse().ok(),
                cost: split(69, 12),
                owner: Owner::Nobody,
            },
            Unmanaged {
                id: RemoteId::Pod(PodId::new("ours00000000aa")),
                name: "acme-llm-9".to_owned(),
                status: Some(PodStatus::Exited),
                created_at: None,
                cost: unknown,
                owner: Owner::Lost(address("llm[9]")),
            },
        ],
        unchanged: [address("keep[0]"), address("keep[1]"), address("volume.data")].into(),
        recorded: recorded(),
        out_of_scope: 2,
        in_progress: None,
        cost: CostSummary {
            now: split(700, 400),
            after: split(640, 380),
            at_most: split(700, 380),
            unmanaged: split(69, 12) + unknown,
        },
        digest: Digest {
            hash: "3f2a9c4be01d77863f2a9c4be01d7786".to_owned(),
            monthly: Amount::known(Monthly(5_490_000_000)),
        },
        ..empty_plan()
    }
}

fn recorded() -> BTreeMap<Address, Record> {
    let pods = [
        ("keep[0]", "keep00000000aa", RunState::Running),
        ("keep[1]", "keep00000000ab", RunState::Stopped),
        ("studio", "stud10000000aa", RunState::Running),
        ("train", "tra1n0000000aa", RunState::Running),
        ("prep", "prep00000000aa", RunState::Running),
        ("llm[0]", "llm000000000aa", RunState::Running),
        ("llm[1]", "llm000000000ab", RunState::Running),
        ("llm[2]", "llm000000000ac", RunState::Running),
        ("llm[3]", "g0ne00000000aa", RunState::Running),
        ("swap", "swap00000000aa", RunState::Running),
        ("swift", "swap00000000ab", RunState::Running),
        ("crm", "crm000000000aa", RunState::Running),
        ("wash", "wash00000000aa", RunState::Running),
        ("vault", "vau1t0000000aa", RunState::Running),
        ("lost", "lost00000000aa", RunState::Stopped),
        ("free", "free00000000aa", RunState::Running),
    ];
    let volumes = [
        ("volume.data", "dat4v0lume", 100),
        ("volume.models", "agv6w2qcg7", 500),
        ("volume.old", "0ldv0lume1", 300),
    ];
    let pods = pods.into_iter().map(|(at, remote, run)| {
        (address(at), record(Some(remote), run, &format!("acme-{}", at.split('[').next().unwrap_or(at))))
    });
    let volumes =
        volumes.into_iter().map(|(at, remote, size)| (address(at), volume_record(Some(remote), size)));
    pods.chain(volumes).collect()
}

/// A plan that changes `count` replicas alike.
pub fn alike_plan(count: u32) -> Plan {
    let update = |number| (id(&format!("llm[{number}]"), Step::Update), update("llm000000000aa", "vllm:b"));
    Plan { actions: (0..count).map(update).collect(), ..empty_plan() }
}

/// The blocks of every kind.
pub fn blocks() -> Vec<Block> {
    vec![
        Block::Protected { address: address("llm[0]"), step: Step::Delete },
        Block::Locked { address: address("train"), step: Step::Stop },
        Block::AllVanished { count: 12 },
        Block::NoStock { address: address("swap") },
        Block::OverBudget {
            limit: BudgetLimit::Monthly(Monthly(500_000_000)),
            at_most: Amount { known: Monthly(633_800_000), unknown_parts: 1 },
        },
        Block::VolumeCannotChange {
            address: address("volume.models"),
            why: "a network volume never shrinks (500 GB to 100 GB)".to_owned(),
        },
        Block::NoCandidate {
            address: address("new"),
            why: vec!["`NVIDIA B200`: $5.98/h is over 2.20".to_owned()],
        },
        Block::Cycle(vec![id("a", Step::Create), id("b", Step::Create), id("a", Step::Create)]),
    ]
}

/// A plan in which everything that comes from outside tries to break out.
pub fn hostile_plan() -> Plan {
    let evil =
        "x\u{1b}[2J\u{202e}\n```\n# evil will be created\n</details><script>@everyone ![](http://e/)|`|\"}\r";
    let mut plan = full_plan();
    let mut creation = creation("new");
    creation.container.name = evil.to_owned();
    creation.container.image = evil.to_owned();
    creation.container.command = vec![evil.to_owned()];
    creation.container.env = [(EnvKey::new(evil), EnvValue::Plain(evil.to_owned()))].into();
    creation.container.storage = Storage::Local { size: Gigabytes(1), path: evil.to_owned() };
    creation.attempts[0].candidate.placement.compute =
        Compute::Cpu { flavor: CpuFlavorId::new(evil), vcpus: 2 };
    creation.attempts[0].candidate.placement.data_centers = [DataCenterId::new(evil)].into();
    creation.attempts[0].candidate.stock_by_data_center =
        Arc::new([(DataCenterId::new(evil), Stock::Low)].into());
    plan.actions.insert(
        id("new", Step::Create),
        Action {
            changes: created(container_values(&creation.container)),
            operation: Operation::CreatePod(Box::new(creation)),
            consequences: vec![Consequence::LocalVolumeLost { size: Gigabytes(1), path: evil.to_owned() }],
            ..create("new")
        },
    );
    plan.actions.insert(
        id("evil", Step::Update),
        Action {
            operation: Operation::UpdatePod {
                id: PodId::new(evil),
                patch: Box::default(),
                disruption: Disruption::InPlace,
            },
            changes: vec![
                changed(Field::Image, evil, "short", Disruption::InPlace),
                changed(Field::Env(EnvKey::new(evil)), evil, evil, Disruption::InPlace),
                changed(Field::DataCenter, evil, "short", Disruption::InPlace),
            ],
            ..scripted()
        },
    );
    plan.unmanaged[0].name = evil.to_owned();
    plan.unmanaged[1].id = RemoteId::Pod(PodId::new(evil));
    plan.findings[0].message = evil.to_owned();
    plan.held.insert(address("late"), Held::NotPossible(evil.to_owned()));
    plan.drift.push(Drift {
        address: address("evil"),
        kind: DriftKind::Migrated {
            from: RemoteId::Pod(PodId::new(evil)),
            to: RemoteId::Pod(PodId::new(evil)),
        },
    });
    plan
}

/// The full plan as the planner answers it.
pub fn full() -> Planned {
    Planned::Changes(full_plan())
}
