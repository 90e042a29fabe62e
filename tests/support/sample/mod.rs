//! Plans made by hand for the tests of all formats: one with every class of action, one of any size.

mod actions;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::catalog::Stock;
use crate::model::id::{CpuFlavorId, DataCenterId, EnvKey, RemoteId};
use crate::model::live::PodStatus;
use crate::model::money::{Amount, Monthly, Price};
use crate::model::plan::{
    Action, Block, BudgetLimit, Consequence, CostSummary, Digest, Disruption, Drift, DriftKind, FieldDrift,
    Finding, Held, Operation, Owner, Plan, Planned, Severity, Split, Step, Subject, Unmanaged,
};
use crate::model::pod::{Compute, EnvValue, RunState, Storage};
use crate::model::prior::RecordedObject;
use crate::model::settings::{Container, Field, PodPatch};
use crate::model::size::Gigabytes;
use crate::model::value::Value;

pub use self::actions::{changed, create, creation, id, update};
use self::actions::{
    created, env, local_actions, pod_actions, pod_object, scripted, split, update_pod, volume, volume_actions,
};
pub use crate::kit::{address, empty_plan};
use crate::kit::{pod_id, volume_id};

fn finding(severity: Severity, code: &'static str, at: &str, field: Field, message: &str) -> Finding {
    let subject = Some(Subject { address: address(at), field: Some(field) });
    Finding { severity, code, subject, message: message.to_owned() }
}

fn findings() -> Vec<Finding> {
    let unpinned = |at| {
        let message = "the image has no fixed version, so a reset can bring another program";
        finding(Severity::Warning, "unpinned-image", at, Field::Image, message)
    };
    let expanded = "`RTX 6000 Ada` stands for `NVIDIA RTX 6000 Ada Generation`";
    vec![
        finding(Severity::Note, "family-expanded", "new", Field::Gpu, expanded),
        unpinned("llm[0]"),
        unpinned("llm[1]"),
    ]
}

fn unmanaged() -> [Unmanaged; 2] {
    [
        Unmanaged {
            id: pod_id("m1ne00000000aa"),
            name: "old notebook".to_owned(),
            status: Some(PodStatus::Running),
            created_at: "2026-11-12T11:00:00Z".parse().ok(),
            cost: split(69, 12),
            owner: Owner::Nobody,
        },
        Unmanaged {
            id: pod_id("ours00000000aa"),
            name: "acme-llm-9".to_owned(),
            status: Some(PodStatus::Exited),
            created_at: None,
            cost: Split { compute: Amount::of(Price::Unknown), storage: Amount::ZERO, runs: None },
            owner: Owner::Lost(address("llm[9]")),
        },
    ]
}

/// A plan with every class of action, drift, held addresses, findings and unmanaged objects.
pub fn full_plan() -> Plan {
    let unreadable = || Held::Unreadable("the answer could not be understood".to_owned());
    let token = FieldDrift {
        field: env("TOKEN"),
        recorded: Value::Absent,
        live: Value::OtherValue,
        left_alone: true,
    };
    let unmanaged = unmanaged();
    Plan {
        actions: volume_actions().into_iter().chain(pod_actions()).chain(local_actions()).collect(),
        edges: [
            (id("volume.fresh", Step::Create), id("new", Step::Create)),
            (id("volume.models", Step::Update), id("llm[0]", Step::Update)),
            (id("swap", Step::Delete), id("swap", Step::Create)),
            (id("swift", Step::Create), id("swift", Step::Delete)),
            (id("llm[3]", Step::Delete), id("volume.old", Step::Delete)),
        ]
        .into(),
        held: [
            (address("dark[0]"), unreadable()),
            (address("dark[1]"), unreadable()),
            (address("late"), Held::DependsOn(address("dark[0]"))),
        ]
        .into(),
        drift: vec![
            Drift { address: address("train"), kind: DriftKind::Stopped },
            Drift { address: address("lost"), kind: DriftKind::Vanished },
            Drift { address: address("prep"), kind: DriftKind::Fields(vec![token]) },
        ],
        findings: findings(),
        unchanged: [address("keep[0]"), address("keep[1]"), address("volume.data")].into(),
        recorded: recorded(),
        out_of_scope: 2,
        cost: CostSummary {
            now: split(700, 400),
            after: split(640, 380),
            at_most: split(700, 380),
            unmanaged: unmanaged[0].cost + unmanaged[1].cost,
        },
        digest: Digest { monthly: Amount::known(Monthly(5_490_000_000)), ..empty_plan().digest },
        unmanaged: unmanaged.into(),
        ..empty_plan()
    }
}

fn recorded() -> BTreeMap<Address, (RemoteId, RecordedObject)> {
    let pods = "keep[0] keep00000000aa, keep[1] keep00000000ab, studio stud10000000aa, train tra1n0000000aa, \
                prep prep00000000aa, llm[0] llm000000000aa, llm[1] llm000000000ab, llm[2] llm000000000ac, \
                llm[3] g0ne00000000aa, swap swap00000000aa, swift swap00000000ab, crm crm000000000aa, \
                wash wash00000000aa, vault vau1t0000000aa, lost lost00000000aa, free free00000000aa";
    let volumes = [
        ("volume.data", "dat4v0lume", 100),
        ("volume.models", "agv6w2qcg7", 500),
        ("volume.old", "0ldv0lume1", 300),
    ];
    let pods = pods.split(", ").filter_map(|pod| pod.split_once(' ')).map(|(at, remote)| {
        let run = if ["keep[1]", "lost"].contains(&at) { RunState::Stopped } else { RunState::Running };
        let key = at.split('[').next().unwrap_or(at);
        (address(at), (pod_id(remote), pod_object(run, &format!("acme-{key}"))))
    });
    let volumes = volumes
        .map(|(at, remote, size)| (address(at), (volume_id(remote), RecordedObject::Volume(volume(size)))));
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
    creation.container = Container {
        name: evil.to_owned(),
        image: evil.to_owned(),
        command: vec![evil.to_owned()],
        env: Arc::new([(EnvKey::new(evil), EnvValue::Plain(evil.to_owned()))].into()),
        storage: Storage::Local { size: Gigabytes(1), path: evil.to_owned() },
        ..creation.container
    };
    let candidate = &mut creation.attempts[0].candidate;
    candidate.placement.compute = Compute::Cpu { flavor: CpuFlavorId::new(evil), vcpus: 2 };
    candidate.placement.data_centers = [DataCenterId::new(evil)].into();
    candidate.stock_by_data_center = Arc::new([(DataCenterId::new(evil), Stock::Low)].into());
    let new = Action {
        changes: created(&creation.container),
        operation: Operation::CreatePod(Box::new(creation)),
        consequences: vec![Consequence::LocalVolumeLost { size: Gigabytes(1), path: evil.to_owned() }],
        ..create("new")
    };
    let update = Action {
        operation: update_pod(evil, PodPatch::default(), Disruption::InPlace),
        changes: vec![
            changed(Field::Image, evil, "short", Disruption::InPlace),
            changed(env(evil), evil, evil, Disruption::InPlace),
            changed(Field::DataCenter, evil, "short", Disruption::InPlace),
        ],
        ..scripted()
    };
    plan.actions.extend([(id("new", Step::Create), new), (id("evil", Step::Update), update)]);
    plan.unmanaged[0].name = evil.to_owned();
    plan.unmanaged[1].id = pod_id(evil);
    plan.findings[0].message = evil.to_owned();
    plan.held.insert(address("late"), Held::NotPossible(evil.to_owned()));
    let kind = DriftKind::Migrated { from: pod_id(evil), to: pod_id(evil) };
    plan.drift.push(Drift { address: address("evil"), kind });
    plan
}

/// The full plan as the planner answers it.
pub fn full() -> Planned {
    Planned::Changes(full_plan())
}
