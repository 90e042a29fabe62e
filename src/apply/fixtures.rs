//! Small values for the unit tests of this module.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::catalog::Stock;
use crate::model::clock::{Moment, Timestamp};
use crate::model::desired::{HostLimits, Lifecycle};
use crate::model::id::{DataCenterId, GpuTypeId, Lineage, PodId, ProjectName, RemoteId, RunNonce, Serial};
use crate::model::journal::Asked;
use crate::model::live::{Endpoints, LivePod, PodRole, PodStatus};
use crate::model::marker::Token;
use crate::model::money::{Amount, Monthly, Price};
use crate::model::plan::{
    Action, ActionId, Attempt, Basis, Candidate, CostChange, CostSummary, Digest, Disruption, Endpoint,
    OnStuck, Operation, Plan, PodCreation, Reason, RecordAfter, Step,
};
use crate::model::pod::{Access, Cloud, Compute, Placement, RunState, Storage};
use crate::model::prior::{Api, Record, Recorded, RecordedObject, RecordedPod};
use crate::model::request::PodRequest;
use crate::model::settings::{Container, PodPatch, PodSettings};
use crate::model::size::Gigabytes;

pub fn id(text: &str) -> ActionId {
    let (address, step) = text.split_once(':').unwrap();
    let step = Step::ALL.into_iter().find(|known| known.word() == step).unwrap();
    ActionId { address: address.parse().unwrap(), step }
}

pub fn token() -> Token {
    "0123456789abcdef".parse().unwrap()
}

pub fn attempt_token(address: &str, attempt: u32) -> Token {
    Token::derive(&Lineage::new("line"), &RunNonce::new("nonce"), &address.parse().unwrap(), attempt)
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
        },
    }
}

pub fn creation() -> PodCreation {
    creation_at("llm")
}

pub fn creation_at(address: &str) -> PodCreation {
    let attempts = [Cloud::Secure, Cloud::Community].into_iter().zip(0..).map(|(cloud, number)| Attempt {
        candidate: candidate(cloud),
        token: attempt_token(address, 2 * number),
        second_token: attempt_token(address, 2 * number + 1),
    });
    PodCreation {
        container: container(),
        access: Access { ssh: false, jupyter: false },
        wished: None,
        attempts: attempts.collect(),
    }
}

pub fn record() -> Record {
    let object = RecordedObject::Pod(Arc::new(RecordedPod {
        container: container(),
        access: None,
        compute: Some(compute()),
        cloud: Some(Cloud::Secure),
        data_center: None,
        run: RunState::Running,
        depends_on: BTreeSet::new(),
    }));
    Record::new(None, Lifecycle::default(), object)
}

pub fn recorded(id: &str) -> Recorded {
    let at = Timestamp::from_second(100).unwrap();
    Recorded::new(RemoteId::Pod(PodId::new(id)), record(), Moment { here: at, there: Some(at) })
}

pub fn asked() -> Asked {
    Asked { name: Some("llm".to_owned()), data_centers: BTreeSet::new(), record: Box::new(record()) }
}

pub fn pod_request() -> PodRequest {
    PodRequest {
        access: Access { ssh: false, jupyter: false },
        settings: container().with(BTreeMap::new(), Storage::None),
        placement: Placement {
            compute: compute(),
            cloud: Cloud::Secure,
            data_centers: BTreeSet::new(),
            host: HostLimits::default(),
        },
    }
}

pub fn live_pod(id: &str, status: PodStatus) -> LivePod {
    LivePod {
        id: PodId::new(id),
        status,
        marker: Some(crate::model::marker::Marker {
            project: ProjectName::new("acme"),
            address: "llm".parse().unwrap(),
            token: token(),
            lineage: Lineage::new("line"),
            serial: Serial(0),
            created: None,
            protected: false,
        }),
        cloud: Some(Cloud::Secure),
        data_center: Some(DataCenterId::new("EU-RO-1")),
        compute: Some(compute()),
        cuda: None,
        created_at: None,
        price: Price::Unknown,
        role: PodRole::Plain,
        endpoints: Endpoints::default(),
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
    Action {
        operation,
        reason: Reason::New,
        changes: Vec::new(),
        consequences: Vec::new(),
        cost: CostChange::default(),
        record,
    }
}

pub fn delete(pod: &str) -> Action {
    with(Operation::DeletePods { ids: [PodId::new(pod)].into() }, RecordAfter::Remove { tombstone: false })
}

pub fn start(pod: &str) -> Action {
    let operation =
        Operation::StartPod { id: PodId::new(pod), compute: Some(compute()), on_stuck: OnStuck::Fail };
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

pub fn plan<const N: usize, const M: usize>(actions: [(&str, Action); N], edges: [(&str, &str); M]) -> Plan {
    Plan {
        basis: Basis {
            project: ProjectName::new("acme"),
            endpoint: Endpoint::Simulator,
            api: Api::V2,
            spec_digest: String::new(),
            lineage: Lineage::new("line"),
            serial: Serial(0),
            nonce: RunNonce::new("nonce"),
            observed_at: Timestamp::UNIX_EPOCH,
        },
        actions: actions.into_iter().map(|(name, action)| (id(name), action)).collect(),
        edges: edges.into_iter().map(|(first, then)| (id(first), id(then))).collect(),
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
        digest: Digest { hash: String::new(), monthly: Amount { known: Monthly(0), unknown_parts: 0 } },
    }
}
