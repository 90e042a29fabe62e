//! Actions made by hand, one of each kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::catalog::Stock;
use crate::model::desired::{HostLimits, Lifecycle};
use crate::model::id::{DataCenterId, EnvKey, GpuTypeId, PodId, RemoteId, VolumeId};
use crate::model::money::{Amount, Hourly, Monthly, Price};
use crate::model::plan::{
    Action, ActionId, Attempt, Candidate, Cause, Consequence, CostChange, Disruption, FieldChange, OnStuck,
    Operation, PodCreation, Reason, RecordAfter, Split, Step,
};
use crate::model::pod::{
    Access, Cloud, Compute, EnvValue, Placement, Port, Protocol, Rent, RunState, Storage,
};
use crate::model::prior::{Record, RecordedObject, RecordedPod, RecordedRun};
use crate::model::secret::SecretName;
use crate::model::settings::{Container, Field, PodPatch};
use crate::model::size::Gigabytes;
use crate::model::value::Value;
use crate::model::volume::{VolumeConfig, VolumeTier};

use crate::kit::{address, attempt_token, pod_id, volume_id, with};
use crate::render::rows::container_values;

pub fn id(at: &str, step: Step) -> ActionId {
    ActionId { address: address(at), step }
}

/// Returns the value that a field has where a screen shows this text.
fn value(field: &Field, text: &str) -> Value {
    match field {
        Field::Name | Field::Image | Field::Env(_) => Value::Text(text.to_owned()),
        Field::Command => Value::Command(text.split(' ').map(str::to_owned).collect()),
        Field::Size => Value::Size(Gigabytes(text.trim_end_matches(" GB").parse().unwrap())),
        Field::GpuCount => Value::Number(text.parse().unwrap()),
        Field::GlobalNetworking | Field::Ssh | Field::Jupyter => Value::Switch(text.parse().unwrap()),
        _ => Value::word(text),
    }
}

fn differs(field: Field, before: Value, after: Value, cause: Cause, disruption: Disruption) -> FieldChange {
    FieldChange { field, before, after, cause, disruption }
}

pub fn changed(field: Field, before: &str, after: &str, disruption: Disruption) -> FieldChange {
    let (before, after) = (value(&field, before), value(&field, after));
    differs(field, before, after, Cause::Spec, disruption)
}

fn set(field: Field, after: &str) -> FieldChange {
    let after = value(&field, after);
    differs(field, Value::Absent, after, Cause::Spec, Disruption::InPlace)
}

pub(super) fn env(key: &str) -> Field {
    Field::Env(EnvKey::new(key))
}

/// An amount a month from whole cents an hour of compute and dollars a month of storage.
pub(super) fn split(cents: i64, storage: i64) -> Split {
    Split {
        compute: Amount::known(Hourly(cents * 10_000).monthly()),
        storage: Amount::known(Monthly(storage * 1_000_000)),
        runs: None,
    }
}

pub(super) fn center() -> DataCenterId {
    DataCenterId::new("EU-RO-1")
}

fn container(name: &str) -> Container {
    Container {
        name: name.to_owned(),
        image: "vllm/vllm-openai:v0.19.1".to_owned(),
        command: ["--model", "Qwen/Qwen3-32B-FP8", "--port", "8000"].map(str::to_owned).into(),
        env: Arc::new(
            [
                (EnvKey::new("HF_HOME"), EnvValue::Plain("/models/hf".to_owned())),
                (
                    EnvKey::new("WANDB_API_KEY"),
                    EnvValue::Secret(SecretName::Declared("wandb_key".to_owned())),
                ),
            ]
            .into(),
        ),
        ports: [
            Port { number: 8000, protocol: Protocol::Http },
            Port { number: 22, protocol: Protocol::Tcp },
        ]
        .into(),
        disk: Gigabytes(60),
        storage: Storage::Network { volume: address("volume.models"), path: "/models".to_owned() },
        ..Container::default()
    }
}

fn candidate(gpu: &str, price: Price, stock: Stock) -> Candidate {
    Candidate {
        price,
        stock,
        stock_by_data_center: Arc::new([(center(), stock)].into()),
        placement: Placement {
            compute: Compute::Gpu { id: GpuTypeId::new(gpu), count: 1 },
            cloud: Cloud::Secure,
            data_centers: [center()].into(),
            host: HostLimits::default(),
            rent: Rent::OnDemand,
        },
    }
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
        boot: None,
        attempts: (0..)
            .zip(candidates)
            .map(|(number, candidate)| Attempt {
                candidate,
                after: None,
                token: attempt_token(at, 2 * number),
                second_token: attempt_token(at, 2 * number + 1),
            })
            .collect(),
        retry: None,
    }
}

pub(super) fn pod_object(run: RunState, name: &str) -> RecordedObject {
    let pod = RecordedPod {
        container: container(name),
        access: Some(Access { ssh: true, jupyter: false }),
        compute: Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA L40S"), count: 1 }),
        cloud: Some(Cloud::Secure),
        data_center: Some(center()),
        run: RecordedRun::seen(run == RunState::Running),
        job: None,
        depends_on: [address("volume.models")].into(),
    };
    RecordedObject::Pod(Arc::new(pod))
}

pub(super) fn volume(size: u32) -> VolumeConfig {
    VolumeConfig { size: Gigabytes(size), data_center: center(), tier: VolumeTier::Standard }
}

fn put(id: Option<&str>, run: RunState, name: &str) -> RecordAfter {
    put_object(id.map(pod_id), pod_object(run, name))
}

fn put_object(id: Option<RemoteId>, object: RecordedObject) -> RecordAfter {
    RecordAfter::put(id, Record::new(None, Lifecycle::default(), object))
}

const REMOVE: RecordAfter = RecordAfter::Remove { tombstone: false };
const FORGET: RecordAfter = RecordAfter::Remove { tombstone: true };

/// An action that changes no value, loses nothing and costs nothing.
fn action(operation: Operation, reason: Reason, record: RecordAfter) -> Action {
    Action { reason, ..with(operation, record) }
}

fn delete(id: &str, reason: Reason, record: RecordAfter) -> Action {
    action(Operation::DeletePods { ids: [PodId::new(id)].into() }, reason, record)
}

pub fn create(at: &str) -> Action {
    let creation = creation(at);
    let record = put(None, RunState::Running, &creation.container.name);
    let mut changes = created(&creation.container);
    changes.extend([
        set(Field::GpuCount, "1"),
        set(Field::Ssh, "true"),
        set(Field::Jupyter, "false"),
        set(Field::State, "running"),
    ]);
    let cost = CostChange { before: Split::default(), after: split(77, 6) };
    Action { changes, cost, ..action(Operation::CreatePod(Box::new(creation)), Reason::New, record) }
}

pub(super) fn created(container: &Container) -> Vec<FieldChange> {
    let change = |(field, after)| differs(field, Value::Absent, after, Cause::Spec, Disruption::InPlace);
    container_values(container).into_iter().map(change).collect()
}

fn wiped(size: u32) -> Consequence {
    Consequence::ContainerDiskLost { size: Gigabytes(size) }
}

pub(super) fn update_pod(remote: &str, patch: PodPatch, disruption: Disruption) -> Operation {
    Operation::UpdatePod { id: PodId::new(remote), patch: Box::new(patch), disruption }
}

/// An update of one replica, as after an edit of the image and of a secret.
pub fn update(remote: &str, after: &str) -> Action {
    let patch = PodPatch { image: Some(after.to_owned()), ..PodPatch::default() };
    let (key, cause) = (env("WANDB_API_KEY"), Cause::NotAttributable);
    Action {
        changes: vec![
            changed(Field::Image, "vllm/vllm-openai:v0.18.0", after, Disruption::Reset),
            differs(key, Value::Secret, Value::Secret, cause, Disruption::Reset),
        ],
        consequences: vec![
            wiped(60),
            Consequence::NetworkVolumeKept { volume: address("volume.models") },
            Consequence::PublicPortsChange,
        ],
        cost: CostChange { before: split(86, 6), after: split(86, 6) },
        ..action(
            update_pod(remote, patch, Disruption::Reset),
            Reason::Changed,
            put(Some(remote), RunState::Running, "acme-llm"),
        )
    }
}

fn stop() -> Action {
    let id = "stud10000000aa";
    Action {
        changes: vec![changed(Field::State, "running", "stopped", Disruption::InPlace)],
        consequences: vec![
            wiped(40),
            Consequence::LocalVolumeKept { size: Gigabytes(100), path: "/workspace".to_owned() },
        ],
        cost: CostChange { before: split(69, 14), after: split(0, 20) },
        ..action(
            Operation::StopPod { id: PodId::new(id) },
            Reason::StateWanted,
            put(Some(id), RunState::Stopped, "acme-studio"),
        )
    }
}

fn start(at: &str) -> Action {
    let id = "tra1n0000000aa";
    let on_stuck = OnStuck::Replace(Box::new(creation(at)));
    let (stopped, running) = (Value::word("stopped"), Value::word("running"));
    Action {
        changes: vec![differs(Field::State, stopped, running, Cause::Outside, Disruption::InPlace)],
        consequences: vec![Consequence::StartMayFail { then_replaced: true }],
        cost: CostChange { before: split(0, 20), after: split(86, 14) },
        ..action(
            Operation::StartPod { id: PodId::new(id), compute: None, bid: None, on_stuck },
            Reason::StateDrifted,
            put(Some(id), RunState::Running, "acme-train"),
        )
    }
}

fn replace_delete() -> Action {
    let (before, after) = ("NVIDIA A40 x1", "NVIDIA L40S or RTX 6000 Ada");
    Action {
        changes: vec![changed(Field::Gpu, before, after, Disruption::Replace)],
        consequences: vec![
            Consequence::LocalVolumeLost { size: Gigabytes(200), path: "/workspace".to_owned() },
            wiped(60),
            Consequence::NewPodId,
        ],
        cost: CostChange { before: split(44, 26), after: Split::default() },
        ..delete("swap00000000aa", Reason::Replaced, REMOVE)
    }
}

fn replace_create(at: &str) -> Action {
    Action { reason: Reason::Replaced, changes: Vec::new(), ..create(at) }
}

pub(super) fn scripted() -> Action {
    let id = "prep00000000aa";
    let command = |text| value(&Field::Command, text);
    let (before, after) = (
        command("--model Qwen/Qwen3-8B --port 8000 --max-model-len 8192"),
        command("--model Qwen/Qwen3-32B-FP8 --port 8000 --max-model-len 8192 --seed 7"),
    );
    Action {
        changes: vec![
            differs(Field::Command, before, after, Cause::Both, Disruption::InPlace),
            changed(
                env("SETUP"),
                "set -eu\napt-get update\npip install vllm\n",
                "set -eu\npip install vllm==0.19.1\nexec serve\n",
                Disruption::InPlace,
            ),
            differs(env("TOKEN"), Value::OtherValue, Value::Absent, Cause::Outside, Disruption::InPlace),
            changed(Field::GlobalNetworking, "false", "true", Disruption::NextStart),
        ],
        consequences: vec![Consequence::TakesEffectAtNextStart],
        cost: CostChange { before: split(12, 2), after: split(12, 2) },
        ..action(
            update_pod(id, PodPatch::default(), Disruption::InPlace),
            Reason::Changed,
            put(Some(id), RunState::Running, "acme-prep"),
        )
    }
}

pub(super) fn volume_actions() -> [(ActionId, Action); 3] {
    let create = Operation::CreateVolume {
        name: "acme-fresh-0123abcd".to_owned(),
        config: volume(100),
        token: attempt_token("volume.fresh", 0),
    };
    let grow = Operation::GrowVolume { id: VolumeId::new("agv6w2qcg7"), size: Gigabytes(800) };
    let lost = Consequence::NetworkVolumeLost { volume: address("volume.old"), size: Gigabytes(300) };
    let put = |id: Option<&str>, size| put_object(id.map(volume_id), RecordedObject::Volume(volume(size)));
    let fresh = Action {
        changes: vec![
            set(Field::Size, "100 GB"),
            set(Field::DataCenter, "EU-RO-1"),
            set(Field::Tier, "standard"),
        ],
        cost: CostChange { before: Split::default(), after: split(0, 7) },
        ..action(create, Reason::New, put(None, 100))
    };
    let grown = Action {
        changes: vec![changed(Field::Size, "500 GB", "800 GB", Disruption::InPlace)],
        cost: CostChange { before: split(0, 35), after: split(0, 56) },
        ..action(grow, Reason::Changed, put(Some("agv6w2qcg7"), 800))
    };
    let deleted = Action {
        consequences: vec![lost],
        cost: CostChange { before: split(0, 21), after: Split::default() },
        ..action(Operation::DeleteVolume { id: VolumeId::new("0ldv0lume1") }, Reason::Removed, REMOVE)
    };
    [
        (id("volume.fresh", Step::Create), fresh),
        (id("volume.models", Step::Update), grown),
        (id("volume.old", Step::Delete), deleted),
    ]
}

pub(super) fn pod_actions() -> Vec<(ActionId, Action)> {
    let both = split(44 + 77, 26 + 6);
    let shrunk = Action {
        consequences: vec![wiped(60)],
        cost: CostChange { before: split(86, 6), after: Split::default() },
        ..delete("g0ne00000000aa", Reason::Shrunk, REMOVE)
    };
    let deposed = Action {
        consequences: vec![wiped(60)],
        cost: CostChange { before: split(86 + 69, 12), after: split(69, 6) },
        ..delete("deposed00000aa", Reason::Deposed, RecordAfter::Deposed(BTreeSet::new()))
    };
    let made_first = CostChange { before: split(44, 26), after: both };
    let ended_then = CostChange { before: both, after: split(77, 6) };
    let mut actions = vec![
        (id("new", Step::Create), create("new")),
        (id("studio", Step::Stop), stop()),
        (id("train", Step::Start), start("train")),
        (id("prep", Step::Update), scripted()),
        (id("llm[3]", Step::Delete), shrunk),
        (id("swap", Step::Delete), replace_delete()),
        (id("swap", Step::Create), replace_create("swap")),
        (id("swift", Step::Create), Action { cost: made_first, ..replace_create("swift") }),
        (id("swift", Step::Delete), Action { cost: ended_then, ..replace_delete() }),
        (id("crm", Step::DeleteDeposed), deposed),
    ];
    for (number, remote) in ["llm000000000aa", "llm000000000ab", "llm000000000ac"].into_iter().enumerate() {
        let update = update(remote, "vllm/vllm-openai:v0.19.1");
        actions.push((id(&format!("llm[{number}]"), Step::Update), update));
    }
    actions
}

pub(super) fn local_actions() -> [(ActionId, Action); 5] {
    let local = |reason, record| action(Operation::Local, reason, record);
    let found = put(Some("f0und0000000aa"), RunState::Running, "found");
    let vault = put(Some("vau1t0000000aa"), RunState::Running, "acme-vault");
    let unprotected = changed(Field::Lifecycle, "protect: true", "protect: false", Disruption::InPlace);
    let vanished = Consequence::VanishedWithData { size: Gigabytes(50) };
    let losing = |consequence, reason| Action { consequences: vec![consequence], ..local(reason, FORGET) };
    let vault = Action { changes: vec![unprotected], ..local(Reason::LifecycleChanged, vault) };
    [
        (id("found", Step::Adopt), local(Reason::AdoptNamed, found)),
        (id("clean", Step::Move), local(Reason::Renamed, RecordAfter::MovedFrom(address("wash")))),
        (id("vault", Step::Record), vault),
        (id("lost", Step::Forget), losing(vanished, Reason::Vanished)),
        (id("free", Step::Forget), losing(Consequence::GoesOnUnmanaged, Reason::Removed)),
    ]
}
