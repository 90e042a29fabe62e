//! The stored form of a plan. Values that the database stores too are in `state::stored`.
//!
//! It follows the model's types one by one and in their order, so that a field that is added there fails to compile
//! here. Money is in micro-dollars, sizes in gigabytes, and both say so in their names; times are RFC 3339.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::model::address::Address;
use crate::model::catalog::{CatalogPart, Stock};
use crate::model::clock::Timestamp;
use crate::model::desired::GpuOrder;
use crate::model::id::{
    CudaVersion, DataCenterId, EnvKey, GpuName, Lineage, PodId, ProjectName, RegistryId, RemoteId, RunNonce,
    Serial, VolumeId,
};
use crate::model::live::PodStatus;
use crate::model::marker::Token;
use crate::model::money::{Amount, Hourly, Monthly, Price};
use crate::model::plan::{
    Action, ActionId, Attempt, Basis, Block, BudgetLimit, Candidate, Cause, Consequence, CostChange,
    CostSummary, Digest, Disruption, Drift, DriftKind, Endpoint, EnvPatch, FieldChange, FieldDrift, Finding,
    Held, InProgress, OnStuck, Operation, Owner, Plan, Planned, PodCreation, PodPatch, Reason, Record,
    RecordAfter, Several, Severity, Shown, Split, Subject, Unknown, Unmanaged, WishedGpus,
};
use crate::model::provenance::Part;
use crate::model::size::Gigabytes;
use crate::state::stored::{
    NotUnderstood, StoredAccess, StoredApi, StoredCloud, StoredCompute, StoredContainer, StoredEnvValue,
    StoredPort, StoredRecord, StoredRemoteId, StoredStorage, StoredVolume, read_action, read_env, read_step,
    read_text, read_texts, read_token, store_env, stored_words,
};

type Read<T> = Result<T, NotUnderstood>;

stored_words! {
    StoredDisruption of Disruption {
        InPlace = "in_place", NextStart = "next_start", Reset = "reset", Replace = "replace",
    }
    StoredCause of Cause {
        Spec = "spec", Outside = "outside", Both = "both", ApiDefault = "api_default",
        NotAttributable = "not_attributable", Ignored = "ignored", NewPodOnly = "new_pod_only",
    }
    StoredCatalogPart of CatalogPart { Gpus = "gpus", Cpus = "cpus", DataCenters = "data_centers" }
    StoredSeverity of Severity { Warning = "warning", Note = "note" }
    StoredStock of Stock {
        None = "none", NotAsked = "not_asked", Low = "low", Medium = "medium", High = "high",
    }
    StoredGpuOrder of GpuOrder { Listed = "listed", Price = "price", Availability = "availability" }
    StoredStatus of PodStatus {
        Provisioning = "provisioning", Starting = "starting", Running = "running", Exited = "exited",
        Error = "error", Terminated = "terminated",
    }
    StoredReason of Reason {
        New = "new", Vanished = "vanished", Migrated = "migrated", FoundInJournal = "found_in_journal",
        AdoptNamed = "adopt_named", Changed = "changed", StateWanted = "state_wanted",
        StateDrifted = "state_drifted", GpusLost = "gpus_lost", Replaced = "replaced", VolumeReplaced = "volume_replaced",
        Requested = "requested", Removed = "removed", Shrunk = "shrunk", Destroyed = "destroyed",
        Deposed = "deposed", Duplicate = "duplicate", Orphaned = "orphaned", Renamed = "renamed",
        LifecycleChanged = "lifecycle_changed", VolumeRemoved = "volume_removed",
    }
}

/// Reads a time.
fn read_time(text: &str) -> Read<Timestamp> {
    read_text("time", text)
}

/// Reads an address.
fn read_address(text: &str) -> Read<Address> {
    read_text("address", text)
}

/// Reads a token.
fn token(text: &str) -> Read<Token> {
    read_text("token", text)
}

/// Stores ids as texts.
fn texts<'a, T: ToString + 'a>(values: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    values.into_iter().map(T::to_string).collect()
}

/// Converts each element.
fn all<A, B: From<A>>(values: impl IntoIterator<Item = A>) -> Vec<B> {
    values.into_iter().map(B::from).collect()
}

/// Reads each element.
fn read_all<A, B: TryFrom<A, Error = NotUnderstood>>(values: Vec<A>) -> Read<Vec<B>> {
    values.into_iter().map(B::try_from).collect()
}

/// Reads what stands at addresses.
fn read_by_address<A, B: TryFrom<A, Error = NotUnderstood>>(
    stored: BTreeMap<String, A>,
) -> Read<BTreeMap<Address, B>> {
    stored.into_iter().map(|(address, value)| Ok((read_address(&address)?, value.try_into()?))).collect()
}

/// Writes what stands under a key each, one entry at a time: the stored form of a large plan is larger than the plan.
struct Entries<'a, K, V, S>(&'a BTreeMap<K, V>, PhantomData<S>);

impl<'a, K, V, S> Entries<'a, K, V, S> {
    fn of(entries: &'a BTreeMap<K, V>) -> Self {
        Self(entries, PhantomData)
    }
}

impl<'a, K: ToString, V, S: From<&'a V> + Serialize> Serialize for Entries<'a, K, V, S> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key.to_string(), S::from(value))))
    }
}

/// The planner's answer, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum StoredPlanned {
    #[serde(rename = "changes")]
    Changes(Box<StoredPlan>),
    #[serde(rename = "no_changes")]
    NoChanges(Box<StoredPlan>),
    #[serde(rename = "blocked")]
    Blocked { reasons: Vec<StoredBlock>, plan: Box<StoredPlan> },
}

impl TryFrom<StoredPlanned> for Planned {
    type Error = NotUnderstood;

    fn try_from(stored: StoredPlanned) -> Read<Self> {
        Ok(match stored {
            StoredPlanned::Changes(plan) => Self::Changes((*plan).try_into()?),
            StoredPlanned::NoChanges(plan) => Self::NoChanges((*plan).try_into()?),
            StoredPlanned::Blocked { reasons, plan } => {
                Self::Blocked { reasons: read_all(reasons)?, plan: (*plan).try_into()? }
            }
        })
    }
}

/// The planner's answer, as it is written.
#[derive(Serialize)]
pub(super) enum WrittenPlanned<'a> {
    #[serde(rename = "changes")]
    Changes(WrittenPlan<'a>),
    #[serde(rename = "no_changes")]
    NoChanges(WrittenPlan<'a>),
    #[serde(rename = "blocked")]
    Blocked { reasons: Vec<StoredBlock>, plan: WrittenPlan<'a> },
}

impl<'a> From<&'a Planned> for WrittenPlanned<'a> {
    fn from(planned: &'a Planned) -> Self {
        match planned {
            Planned::Changes(plan) => Self::Changes(plan.into()),
            Planned::NoChanges(plan) => Self::NoChanges(plan.into()),
            Planned::Blocked { reasons, plan } => Self::Blocked { reasons: all(reasons), plan: plan.into() },
        }
    }
}

/// The plan, as it is written; actions by their id as it prints, `llm:create`.
#[derive(Serialize)]
pub(super) struct WrittenPlan<'a> {
    basis: StoredBasis,
    digest: StoredDigest,
    actions: Entries<'a, ActionId, Action, StoredAction>,
    edges: Vec<StoredEdge>,
    referenced: BTreeMap<String, String>,
    held: Entries<'a, Address, Held, StoredHeld>,
    drift: Vec<StoredDrift>,
    findings: Vec<StoredFinding>,
    unmanaged: Vec<StoredUnmanaged>,
    unchanged: Vec<String>,
    recorded: Entries<'a, Address, Record, StoredRecord>,
    out_of_scope: usize,
    in_progress: Option<StoredInProgress>,
    cost: StoredCostSummary,
    at_most: BTreeMap<String, StoredSplit>,
}

impl<'a> From<&'a Plan> for WrittenPlan<'a> {
    fn from(plan: &'a Plan) -> Self {
        let Plan {
            basis,
            actions,
            edges,
            referenced,
            held,
            drift,
            findings,
            unmanaged,
            unchanged,
            recorded,
            out_of_scope,
            in_progress,
            cost,
            at_most,
            digest,
        } = plan;
        Self {
            basis: basis.into(),
            digest: digest.into(),
            actions: Entries::of(actions),
            edges: all(edges),
            referenced: referenced
                .iter()
                .map(|(address, id)| (address.to_string(), id.to_string()))
                .collect(),
            held: Entries::of(held),
            drift: all(drift),
            findings: all(findings),
            unmanaged: all(unmanaged),
            unchanged: texts(unchanged),
            recorded: Entries::of(recorded),
            out_of_scope: *out_of_scope,
            in_progress: in_progress.as_ref().map(Into::into),
            cost: (*cost).into(),
            at_most: at_most.iter().map(|(address, split)| (address.to_string(), (*split).into())).collect(),
        }
    }
}

/// The plan, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredPlan {
    basis: StoredBasis,
    digest: StoredDigest,
    actions: BTreeMap<String, StoredAction>,
    edges: Vec<StoredEdge>,
    referenced: BTreeMap<String, String>,
    held: BTreeMap<String, StoredHeld>,
    drift: Vec<StoredDrift>,
    findings: Vec<StoredFinding>,
    unmanaged: Vec<StoredUnmanaged>,
    unchanged: Vec<String>,
    recorded: BTreeMap<String, StoredRecord>,
    out_of_scope: usize,
    in_progress: Option<StoredInProgress>,
    cost: StoredCostSummary,
    at_most: BTreeMap<String, StoredSplit>,
}

/// A run that went on.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredInProgress {
    who: String,
    command: String,
    since: String,
    addresses: Vec<String>,
}

impl From<&InProgress> for StoredInProgress {
    fn from(running: &InProgress) -> Self {
        let InProgress { who, command, since, addresses } = running;
        let (who, command) = (who.clone(), command.clone());
        Self { who, command, since: since.to_string(), addresses: texts(addresses) }
    }
}

impl TryFrom<StoredInProgress> for InProgress {
    type Error = NotUnderstood;

    fn try_from(stored: StoredInProgress) -> Read<Self> {
        let StoredInProgress { who, command, since, addresses } = stored;
        let since = read_text("time", &since)?;
        Ok(Self { who, command, since, addresses: read_texts("address", &addresses)? })
    }
}

impl TryFrom<StoredPlan> for Plan {
    type Error = NotUnderstood;

    fn try_from(stored: StoredPlan) -> Read<Self> {
        let StoredPlan {
            basis,
            digest,
            actions,
            edges,
            referenced,
            held,
            drift,
            findings,
            unmanaged,
            unchanged,
            recorded,
            out_of_scope,
            in_progress,
            cost,
            at_most,
        } = stored;
        let action = |(id, action): (String, StoredAction)| Ok((read_action(&id)?, action.try_into()?));
        let referenced = referenced.into_iter();
        let volume = |(address, id): (String, String)| Ok((read_address(&address)?, VolumeId::new(id)));
        Ok(Self {
            basis: basis.try_into()?,
            actions: actions.into_iter().map(action).collect::<Read<_>>()?,
            edges: edges.iter().map(StoredEdge::read).collect::<Read<_>>()?,
            referenced: referenced.map(volume).collect::<Read<_>>()?,
            held: read_by_address(held)?,
            drift: read_all(drift)?,
            findings: read_all(findings)?,
            unmanaged: read_all(unmanaged)?,
            unchanged: read_texts("address", &unchanged)?,
            recorded: read_by_address(recorded)?,
            out_of_scope,
            in_progress: in_progress.map(TryInto::try_into).transpose()?,
            cost: cost.into(),
            at_most: at_most
                .into_iter()
                .map(|(address, split)| Ok((read_address(&address)?, split.into())))
                .collect::<Read<_>>()?,
            digest: digest.into(),
        })
    }
}

/// A dependency.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEdge {
    first: String,
    then: String,
}

impl From<&(ActionId, ActionId)> for StoredEdge {
    fn from((first, then): &(ActionId, ActionId)) -> Self {
        Self { first: first.to_string(), then: then.to_string() }
    }
}

impl StoredEdge {
    fn read(&self) -> Read<(ActionId, ActionId)> {
        Ok((read_action(&self.first)?, read_action(&self.then)?))
    }
}

/// What the plan was made from.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBasis {
    project: String,
    endpoint: StoredEndpoint,
    api: StoredApi,
    spec_digest: String,
    lineage: String,
    serial: u64,
    nonce: String,
    observed_at: String,
}

impl From<&Basis> for StoredBasis {
    fn from(basis: &Basis) -> Self {
        let Basis {
            project,
            endpoint,
            api,
            spec_digest,
            lineage,
            serial: Serial(serial),
            nonce,
            observed_at,
        } = basis;
        Self {
            project: project.to_string(),
            endpoint: endpoint.into(),
            api: (*api).into(),
            spec_digest: spec_digest.clone(),
            lineage: lineage.to_string(),
            serial: *serial,
            nonce: nonce.to_string(),
            observed_at: observed_at.to_string(),
        }
    }
}

impl TryFrom<StoredBasis> for Basis {
    type Error = NotUnderstood;

    fn try_from(stored: StoredBasis) -> Read<Self> {
        let StoredBasis { project, endpoint, api, spec_digest, lineage, serial, nonce, observed_at } = stored;
        Ok(Self {
            project: ProjectName::new(project),
            endpoint: endpoint.into(),
            api: api.into(),
            spec_digest,
            lineage: Lineage::new(lineage),
            serial: Serial(serial),
            nonce: RunNonce::new(nonce),
            observed_at: read_time(&observed_at)?,
        })
    }
}

/// Where requests go.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredEndpoint {
    Runpod(String),
    Simulator,
}

impl From<&Endpoint> for StoredEndpoint {
    fn from(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Runpod(origin) => Self::Runpod(origin.clone()),
            Endpoint::Simulator => Self::Simulator,
        }
    }
}

impl From<StoredEndpoint> for Endpoint {
    fn from(stored: StoredEndpoint) -> Self {
        match stored {
            StoredEndpoint::Runpod(origin) => Self::Runpod(origin),
            StoredEndpoint::Simulator => Self::Simulator,
        }
    }
}

/// What was approved.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredDigest {
    hash: String,
    monthly: StoredAmount,
}

impl From<&Digest> for StoredDigest {
    fn from(digest: &Digest) -> Self {
        let Digest { hash, monthly } = digest;
        Self { hash: hash.clone(), monthly: (*monthly).into() }
    }
}

impl From<StoredDigest> for Digest {
    fn from(stored: StoredDigest) -> Self {
        let StoredDigest { hash, monthly } = stored;
        Self { hash, monthly: monthly.into() }
    }
}

/// One action.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAction {
    operation: StoredOperation,
    reason: StoredReason,
    changes: Vec<StoredFieldChange>,
    consequences: Vec<StoredConsequence>,
    cost: StoredCostChange,
    record: StoredRecordAfter,
}

impl From<&Action> for StoredAction {
    fn from(action: &Action) -> Self {
        let Action { operation, reason, changes, consequences, cost, record } = action;
        Self {
            operation: operation.into(),
            reason: reason.clone().into(),
            changes: all(changes),
            consequences: all(consequences),
            cost: (*cost).into(),
            record: record.into(),
        }
    }
}

impl TryFrom<StoredAction> for Action {
    type Error = NotUnderstood;

    fn try_from(stored: StoredAction) -> Read<Self> {
        let StoredAction { operation, reason, changes, consequences, cost, record } = stored;
        Ok(Self {
            operation: operation.try_into()?,
            reason: reason.into(),
            changes: read_all(changes)?,
            consequences: read_all(consequences)?,
            cost: cost.into(),
            record: record.try_into()?,
        })
    }
}

/// What is sent.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StoredOperation {
    Local,
    CreateVolume { name: String, config: StoredVolume, token: String },
    GrowVolume { id: String, size_gb: u32 },
    DeleteVolume { id: String },
    CreatePod(Box<StoredPodCreation>),
    UpdatePod { id: String, patch: Box<StoredPodPatch>, disruption: StoredDisruption },
    StartPod { id: String, compute: Option<StoredCompute>, on_stuck: StoredOnStuck },
    StopPod { id: String },
    DeletePods { ids: Vec<String> },
}

impl From<&Operation> for StoredOperation {
    fn from(operation: &Operation) -> Self {
        match operation {
            Operation::Local => Self::Local,
            Operation::CreateVolume { name, config, token } => {
                Self::CreateVolume { name: name.clone(), config: config.into(), token: token.to_string() }
            }
            Operation::GrowVolume { id, size: Gigabytes(size_gb) } => {
                Self::GrowVolume { id: id.to_string(), size_gb: *size_gb }
            }
            Operation::DeleteVolume { id } => Self::DeleteVolume { id: id.to_string() },
            Operation::CreatePod(creation) => Self::CreatePod(Box::new(creation.as_ref().into())),
            Operation::UpdatePod { id, patch, disruption } => Self::UpdatePod {
                id: id.to_string(),
                patch: Box::new(patch.as_ref().into()),
                disruption: (*disruption).into(),
            },
            Operation::StartPod { id, compute, on_stuck } => Self::StartPod {
                id: id.to_string(),
                compute: compute.as_ref().map(Into::into),
                on_stuck: on_stuck.into(),
            },
            Operation::StopPod { id } => Self::StopPod { id: id.to_string() },
            Operation::DeletePods { ids } => Self::DeletePods { ids: texts(ids) },
        }
    }
}

impl TryFrom<StoredOperation> for Operation {
    type Error = NotUnderstood;

    fn try_from(stored: StoredOperation) -> Read<Self> {
        Ok(match stored {
            StoredOperation::Local => Self::Local,
            StoredOperation::CreateVolume { name, config, token: text } => {
                Self::CreateVolume { name, config: config.into(), token: token(&text)? }
            }
            StoredOperation::GrowVolume { id, size_gb } => {
                Self::GrowVolume { id: VolumeId::new(id), size: Gigabytes(size_gb) }
            }
            StoredOperation::DeleteVolume { id } => Self::DeleteVolume { id: VolumeId::new(id) },
            StoredOperation::CreatePod(creation) => Self::CreatePod(Box::new((*creation).try_into()?)),
            StoredOperation::UpdatePod { id, patch, disruption } => Self::UpdatePod {
                id: PodId::new(id),
                patch: Box::new((*patch).try_into()?),
                disruption: disruption.into(),
            },
            StoredOperation::StartPod { id, compute, on_stuck } => Self::StartPod {
                id: PodId::new(id),
                compute: compute.map(Into::into),
                on_stuck: on_stuck.try_into()?,
            },
            StoredOperation::StopPod { id } => Self::StopPod { id: PodId::new(id) },
            StoredOperation::DeletePods { ids } => {
                Self::DeletePods { ids: ids.into_iter().map(PodId::new).collect() }
            }
        })
    }
}

/// What happens if a pod cannot come back.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredOnStuck {
    Fail,
    Replace(Box<StoredPodCreation>),
}

impl From<&OnStuck> for StoredOnStuck {
    fn from(on_stuck: &OnStuck) -> Self {
        match on_stuck {
            OnStuck::Fail => Self::Fail,
            OnStuck::Replace(creation) => Self::Replace(Box::new(creation.as_ref().into())),
        }
    }
}

impl TryFrom<StoredOnStuck> for OnStuck {
    type Error = NotUnderstood;

    fn try_from(stored: StoredOnStuck) -> Read<Self> {
        Ok(match stored {
            StoredOnStuck::Fail => Self::Fail,
            StoredOnStuck::Replace(creation) => Self::Replace(Box::new((*creation).try_into()?)),
        })
    }
}

/// What a create needs.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPodCreation {
    container: StoredContainer,
    access: StoredAccess,
    wished: Option<StoredWishedGpus>,
    attempts: Vec<StoredAttempt>,
}

impl From<&PodCreation> for StoredPodCreation {
    fn from(creation: &PodCreation) -> Self {
        let PodCreation { container, access, wished, attempts } = creation;
        Self {
            container: container.into(),
            access: (*access).into(),
            wished: wished.as_ref().map(StoredWishedGpus::from),
            attempts: all(attempts),
        }
    }
}

impl TryFrom<StoredPodCreation> for PodCreation {
    type Error = NotUnderstood;

    fn try_from(stored: StoredPodCreation) -> Read<Self> {
        let StoredPodCreation { container, access, wished, attempts } = stored;
        Ok(Self {
            container: container.try_into()?,
            access: access.into(),
            wished: wished.map(Into::into),
            attempts: read_all(attempts)?,
        })
    }
}

/// The GPUs that the spec wishes for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredWishedGpus {
    order: StoredGpuOrder,
    names: Vec<String>,
}

impl From<&WishedGpus> for StoredWishedGpus {
    fn from(wished: &WishedGpus) -> Self {
        let WishedGpus { order, names } = wished;
        Self { order: (*order).into(), names: texts(names) }
    }
}

impl From<StoredWishedGpus> for WishedGpus {
    fn from(stored: StoredWishedGpus) -> Self {
        let StoredWishedGpus { order, names } = stored;
        Self { order: order.into(), names: names.into_iter().map(GpuName::new).collect() }
    }
}

/// One create request.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAttempt {
    candidate: StoredCandidate,
    token: String,
    second_token: String,
}

impl From<&Attempt> for StoredAttempt {
    fn from(attempt: &Attempt) -> Self {
        let Attempt { candidate, token, second_token } = attempt;
        Self { candidate: candidate.into(), token: token.to_string(), second_token: second_token.to_string() }
    }
}

impl TryFrom<StoredAttempt> for Attempt {
    type Error = NotUnderstood;

    fn try_from(stored: StoredAttempt) -> Read<Self> {
        let StoredAttempt { candidate, token: text, second_token } = stored;
        Ok(Self { candidate: candidate.into(), token: token(&text)?, second_token: token(&second_token)? })
    }
}

/// One way to place a pod. An unknown price is `null`, never 0.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCandidate {
    compute: StoredCompute,
    cloud: StoredCloud,
    data_centers: Vec<String>,
    cuda: Vec<String>,
    min_cuda: Option<String>,
    hourly_micro_dollars: Option<i64>,
    stock: StoredStock,
    stock_by_data_center: BTreeMap<String, StoredStock>,
}

impl From<&Candidate> for StoredCandidate {
    fn from(candidate: &Candidate) -> Self {
        let Candidate { compute, cloud, data_centers, cuda, min_cuda, price, stock, stock_by_data_center } =
            candidate;
        let by_data_center = stock_by_data_center.iter();
        Self {
            compute: compute.into(),
            cloud: (*cloud).into(),
            data_centers: texts(data_centers),
            cuda: texts(cuda),
            min_cuda: min_cuda.as_ref().map(CudaVersion::to_string),
            hourly_micro_dollars: match price {
                Price::Known(Hourly(micro)) => Some(*micro),
                Price::Unknown => None,
            },
            stock: (*stock).into(),
            stock_by_data_center: by_data_center
                .map(|(id, stock)| (id.to_string(), (*stock).into()))
                .collect(),
        }
    }
}

impl From<StoredCandidate> for Candidate {
    fn from(stored: StoredCandidate) -> Self {
        let StoredCandidate {
            compute,
            cloud,
            data_centers,
            cuda,
            min_cuda,
            hourly_micro_dollars,
            stock,
            stock_by_data_center,
        } = stored;
        let by_data_center = stock_by_data_center.into_iter();
        Self {
            compute: compute.into(),
            cloud: cloud.into(),
            data_centers: data_centers.into_iter().map(DataCenterId::new).collect(),
            cuda: cuda.into_iter().map(CudaVersion::new).collect(),
            min_cuda: min_cuda.map(CudaVersion::new),
            price: hourly_micro_dollars.map_or(Price::Unknown, |micro| Price::Known(Hourly(micro))),
            stock: stock.into(),
            stock_by_data_center: Arc::new(
                by_data_center.map(|(id, stock)| (DataCenterId::new(id), stock.into())).collect(),
            ),
        }
    }
}

/// The values that an update sends; what is missing stays as it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPodPatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entrypoint: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    env: Option<StoredEnvPatch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ports: Option<Vec<StoredPort>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disk_gb: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registry: Option<StoredRegistry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    storage: Option<StoredStorage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    global_networking: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
}

impl From<&PodPatch> for StoredPodPatch {
    fn from(patch: &PodPatch) -> Self {
        let PodPatch {
            name,
            image,
            command,
            entrypoint,
            env,
            ports,
            disk,
            registry,
            storage,
            global_networking,
            locked,
        } = patch;
        Self {
            name: name.clone(),
            image: image.clone(),
            command: command.clone(),
            entrypoint: entrypoint.clone(),
            env: env.as_ref().map(Into::into),
            ports: ports.as_ref().map(all),
            disk_gb: disk.map(|Gigabytes(gigabytes)| gigabytes),
            registry: registry.as_ref().map(Into::into),
            storage: storage.as_ref().map(Into::into),
            global_networking: *global_networking,
            locked: *locked,
        }
    }
}

impl TryFrom<StoredPodPatch> for PodPatch {
    type Error = NotUnderstood;

    fn try_from(stored: StoredPodPatch) -> Read<Self> {
        let StoredPodPatch {
            name,
            image,
            command,
            entrypoint,
            env,
            ports,
            disk_gb,
            registry,
            storage,
            global_networking,
            locked,
        } = stored;
        Ok(Self {
            name,
            image,
            command,
            entrypoint,
            env: env.map(TryInto::try_into).transpose()?,
            ports: ports.map(|ports| ports.into_iter().map(Into::into).collect()),
            disk: disk_gb.map(Gigabytes),
            registry: registry.map(Into::into),
            storage: storage.map(TryInto::try_into).transpose()?,
            global_networking,
            locked,
        })
    }
}

/// Registry credentials that an update sets; `none` clears them, which JSON's `null` could not tell from "as it is".
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredRegistry {
    None,
    Id(String),
}

impl From<&Option<RegistryId>> for StoredRegistry {
    fn from(registry: &Option<RegistryId>) -> Self {
        registry.as_ref().map_or(Self::None, |id| Self::Id(id.to_string()))
    }
}

impl From<StoredRegistry> for Option<RegistryId> {
    fn from(stored: StoredRegistry) -> Self {
        match stored {
            StoredRegistry::None => None,
            StoredRegistry::Id(id) => Some(RegistryId::new(id)),
        }
    }
}

/// A new environment; what is carried over is in it by name only.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEnvPatch {
    declared: BTreeMap<String, StoredEnvValue>,
    carry: Vec<String>,
    token: Option<String>,
}

impl From<&EnvPatch> for StoredEnvPatch {
    fn from(patch: &EnvPatch) -> Self {
        let EnvPatch { declared, carry, token } = patch;
        Self {
            declared: store_env(declared),
            carry: texts(carry),
            token: token.as_ref().map(Token::to_string),
        }
    }
}

impl TryFrom<StoredEnvPatch> for EnvPatch {
    type Error = NotUnderstood;

    fn try_from(stored: StoredEnvPatch) -> Read<Self> {
        let StoredEnvPatch { declared, carry, token } = stored;
        Ok(Self {
            declared: read_env(declared)?,
            carry: carry.into_iter().map(EnvKey::new).collect(),
            token: read_token(token.as_deref())?,
        })
    }
}

/// What the state says after an action.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StoredRecordAfter {
    Put(Box<StoredRecord>),
    Remove { tombstone: bool },
    MovedFrom(String),
    Deposed(Vec<String>),
}

impl From<&RecordAfter> for StoredRecordAfter {
    fn from(after: &RecordAfter) -> Self {
        match after {
            RecordAfter::Put(record) => Self::Put(Box::new(record.as_ref().into())),
            RecordAfter::Remove { tombstone } => Self::Remove { tombstone: *tombstone },
            RecordAfter::MovedFrom(address) => Self::MovedFrom(address.to_string()),
            RecordAfter::Deposed(ids) => Self::Deposed(texts(ids)),
        }
    }
}

impl TryFrom<StoredRecordAfter> for RecordAfter {
    type Error = NotUnderstood;

    fn try_from(stored: StoredRecordAfter) -> Read<Self> {
        Ok(match stored {
            StoredRecordAfter::Put(record) => Self::Put(Box::new((*record).try_into()?)),
            StoredRecordAfter::Remove { tombstone } => Self::Remove { tombstone },
            StoredRecordAfter::MovedFrom(address) => Self::MovedFrom(read_address(&address)?),
            StoredRecordAfter::Deposed(ids) => Self::Deposed(ids.into_iter().map(PodId::new).collect()),
        })
    }
}

/// One field that differs.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFieldChange {
    field: String,
    before: StoredShown,
    after: StoredShown,
    cause: StoredCause,
    disruption: StoredDisruption,
}

impl From<&FieldChange> for StoredFieldChange {
    fn from(change: &FieldChange) -> Self {
        let FieldChange { field, before, after, cause, disruption } = change;
        Self {
            field: field.to_string(),
            before: before.into(),
            after: after.into(),
            cause: (*cause).into(),
            disruption: (*disruption).into(),
        }
    }
}

impl TryFrom<StoredFieldChange> for FieldChange {
    type Error = NotUnderstood;

    fn try_from(stored: StoredFieldChange) -> Read<Self> {
        let StoredFieldChange { field, before, after, cause, disruption } = stored;
        Ok(Self {
            field: read_text("field", &field)?,
            before: before.into(),
            after: after.into(),
            cause: cause.into(),
            disruption: disruption.into(),
        })
    }
}

/// A value as it may be shown.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredShown {
    Absent,
    Text(String),
    Secret,
    OtherValue,
    KnownAfterApply,
}

impl From<&Shown> for StoredShown {
    fn from(shown: &Shown) -> Self {
        match shown {
            Shown::Absent => Self::Absent,
            Shown::Text(text) => Self::Text(text.clone()),
            Shown::Secret => Self::Secret,
            Shown::OtherValue => Self::OtherValue,
            Shown::KnownAfterApply => Self::KnownAfterApply,
        }
    }
}

impl From<StoredShown> for Shown {
    fn from(stored: StoredShown) -> Self {
        match stored {
            StoredShown::Absent => Self::Absent,
            StoredShown::Text(text) => Self::Text(text),
            StoredShown::Secret => Self::Secret,
            StoredShown::OtherValue => Self::OtherValue,
            StoredShown::KnownAfterApply => Self::KnownAfterApply,
        }
    }
}

/// What an action loses, keeps or risks.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StoredConsequence {
    NetworkVolumeLost { volume: String, size_gb: u32 },
    LocalVolumeLost { size_gb: u32, path: String },
    VanishedWithData { size_gb: u32 },
    ContainerDiskLost { size_gb: u32 },
    LocalVolumeKept { size_gb: u32, path: String },
    NetworkVolumeKept { volume: String },
    NewPodId,
    PublicPortsChange,
    StartMayFail { then_replaced: bool },
    ScarceGpuGivenUp,
    TakesEffectAtNextStart,
    GoesOnUnmanaged,
}

impl From<&Consequence> for StoredConsequence {
    fn from(consequence: &Consequence) -> Self {
        match consequence {
            Consequence::NetworkVolumeLost { volume, size: Gigabytes(size_gb) } => {
                Self::NetworkVolumeLost { volume: volume.to_string(), size_gb: *size_gb }
            }
            Consequence::LocalVolumeLost { size: Gigabytes(size_gb), path } => {
                Self::LocalVolumeLost { size_gb: *size_gb, path: path.clone() }
            }
            Consequence::VanishedWithData { size: Gigabytes(size_gb) } => {
                Self::VanishedWithData { size_gb: *size_gb }
            }
            Consequence::ContainerDiskLost { size: Gigabytes(size_gb) } => {
                Self::ContainerDiskLost { size_gb: *size_gb }
            }
            Consequence::LocalVolumeKept { size: Gigabytes(size_gb), path } => {
                Self::LocalVolumeKept { size_gb: *size_gb, path: path.clone() }
            }
            Consequence::NetworkVolumeKept { volume } => {
                Self::NetworkVolumeKept { volume: volume.to_string() }
            }
            Consequence::NewPodId => Self::NewPodId,
            Consequence::PublicPortsChange => Self::PublicPortsChange,
            Consequence::StartMayFail { then_replaced } => {
                Self::StartMayFail { then_replaced: *then_replaced }
            }
            Consequence::ScarceGpuGivenUp => Self::ScarceGpuGivenUp,
            Consequence::TakesEffectAtNextStart => Self::TakesEffectAtNextStart,
            Consequence::GoesOnUnmanaged => Self::GoesOnUnmanaged,
        }
    }
}

impl TryFrom<StoredConsequence> for Consequence {
    type Error = NotUnderstood;

    fn try_from(stored: StoredConsequence) -> Read<Self> {
        Ok(match stored {
            StoredConsequence::NetworkVolumeLost { volume, size_gb } => {
                Self::NetworkVolumeLost { volume: read_address(&volume)?, size: Gigabytes(size_gb) }
            }
            StoredConsequence::LocalVolumeLost { size_gb, path } => {
                Self::LocalVolumeLost { size: Gigabytes(size_gb), path }
            }
            StoredConsequence::VanishedWithData { size_gb } => {
                Self::VanishedWithData { size: Gigabytes(size_gb) }
            }
            StoredConsequence::ContainerDiskLost { size_gb } => {
                Self::ContainerDiskLost { size: Gigabytes(size_gb) }
            }
            StoredConsequence::LocalVolumeKept { size_gb, path } => {
                Self::LocalVolumeKept { size: Gigabytes(size_gb), path }
            }
            StoredConsequence::NetworkVolumeKept { volume } => {
                Self::NetworkVolumeKept { volume: read_address(&volume)? }
            }
            StoredConsequence::NewPodId => Self::NewPodId,
            StoredConsequence::PublicPortsChange => Self::PublicPortsChange,
            StoredConsequence::StartMayFail { then_replaced } => Self::StartMayFail { then_replaced },
            StoredConsequence::ScarceGpuGivenUp => Self::ScarceGpuGivenUp,
            StoredConsequence::TakesEffectAtNextStart => Self::TakesEffectAtNextStart,
            StoredConsequence::GoesOnUnmanaged => Self::GoesOnUnmanaged,
        })
    }
}

/// A sum a month; with unknown parts it is a lower bound.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredAmount {
    monthly_micro_dollars: i64,
    unknown_parts: u32,
}

impl From<Amount> for StoredAmount {
    fn from(amount: Amount) -> Self {
        let Amount { known: Monthly(monthly_micro_dollars), unknown_parts } = amount;
        Self { monthly_micro_dollars, unknown_parts }
    }
}

impl From<StoredAmount> for Amount {
    fn from(stored: StoredAmount) -> Self {
        let StoredAmount { monthly_micro_dollars, unknown_parts } = stored;
        Self { known: Monthly(monthly_micro_dollars), unknown_parts }
    }
}

/// A cost, compute and storage apart.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSplit {
    compute: StoredAmount,
    storage: StoredAmount,
}

impl From<Split> for StoredSplit {
    fn from(split: Split) -> Self {
        let Split { compute, storage } = split;
        Self { compute: compute.into(), storage: storage.into() }
    }
}

impl From<StoredSplit> for Split {
    fn from(stored: StoredSplit) -> Self {
        let StoredSplit { compute, storage } = stored;
        Self { compute: compute.into(), storage: storage.into() }
    }
}

/// A cost before and after.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCostChange {
    before: StoredSplit,
    after: StoredSplit,
}

impl From<CostChange> for StoredCostChange {
    fn from(cost: CostChange) -> Self {
        let CostChange { before, after } = cost;
        Self { before: before.into(), after: after.into() }
    }
}

impl From<StoredCostChange> for CostChange {
    fn from(stored: StoredCostChange) -> Self {
        let StoredCostChange { before, after } = stored;
        Self { before: before.into(), after: after.into() }
    }
}

/// What everything costs.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCostSummary {
    now: StoredSplit,
    after: StoredSplit,
    at_most: StoredSplit,
    unmanaged: StoredSplit,
}

impl From<CostSummary> for StoredCostSummary {
    fn from(cost: CostSummary) -> Self {
        let CostSummary { now, after, at_most, unmanaged } = cost;
        Self { now: now.into(), after: after.into(), at_most: at_most.into(), unmanaged: unmanaged.into() }
    }
}

impl From<StoredCostSummary> for CostSummary {
    fn from(stored: StoredCostSummary) -> Self {
        let StoredCostSummary { now, after, at_most, unmanaged } = stored;
        Self { now: now.into(), after: after.into(), at_most: at_most.into(), unmanaged: unmanaged.into() }
    }
}

/// A difference that others made.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredDrift {
    address: String,
    kind: StoredDriftKind,
}

impl From<&Drift> for StoredDrift {
    fn from(drift: &Drift) -> Self {
        let Drift { address, kind } = drift;
        Self { address: address.to_string(), kind: kind.into() }
    }
}

impl TryFrom<StoredDrift> for Drift {
    type Error = NotUnderstood;

    fn try_from(stored: StoredDrift) -> Read<Self> {
        let StoredDrift { address, kind } = stored;
        Ok(Self { address: read_address(&address)?, kind: kind.try_into()? })
    }
}

/// What others did.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StoredDriftKind {
    Vanished,
    Stopped,
    Started,
    Migrated { from: StoredRemoteId, to: StoredRemoteId },
    Fields(Vec<StoredFieldDrift>),
    MarkRemoved,
}

impl From<&DriftKind> for StoredDriftKind {
    fn from(kind: &DriftKind) -> Self {
        match kind {
            DriftKind::Vanished => Self::Vanished,
            DriftKind::Stopped => Self::Stopped,
            DriftKind::Started => Self::Started,
            DriftKind::Migrated { from, to } => Self::Migrated { from: from.into(), to: to.into() },
            DriftKind::Fields(fields) => Self::Fields(all(fields)),
            DriftKind::MarkRemoved => Self::MarkRemoved,
        }
    }
}

impl TryFrom<StoredDriftKind> for DriftKind {
    type Error = NotUnderstood;

    fn try_from(stored: StoredDriftKind) -> Read<Self> {
        Ok(match stored {
            StoredDriftKind::Vanished => Self::Vanished,
            StoredDriftKind::Stopped => Self::Stopped,
            StoredDriftKind::Started => Self::Started,
            StoredDriftKind::Migrated { from, to } => Self::Migrated { from: from.into(), to: to.into() },
            StoredDriftKind::Fields(fields) => Self::Fields(read_all(fields)?),
            StoredDriftKind::MarkRemoved => Self::MarkRemoved,
        })
    }
}

/// A field that others changed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFieldDrift {
    field: String,
    recorded: StoredShown,
    live: StoredShown,
    left_alone: bool,
}

impl From<&FieldDrift> for StoredFieldDrift {
    fn from(drift: &FieldDrift) -> Self {
        let FieldDrift { field, recorded, live, left_alone } = drift;
        let (recorded, live) = (recorded.into(), live.into());
        Self { field: field.to_string(), recorded, live, left_alone: *left_alone }
    }
}

impl TryFrom<StoredFieldDrift> for FieldDrift {
    type Error = NotUnderstood;

    fn try_from(stored: StoredFieldDrift) -> Read<Self> {
        let StoredFieldDrift { field, recorded, live, left_alone } = stored;
        let field = read_text("field", &field)?;
        Ok(Self { field, recorded: recorded.into(), live: live.into(), left_alone })
    }
}

/// Some addresses, of which the first few are named.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSeveral {
    named: Vec<String>,
    more: usize,
}

impl From<&Several> for StoredSeveral {
    fn from(Several { named, more }: &Several) -> Self {
        Self { named: texts(named), more: *more }
    }
}

impl TryFrom<StoredSeveral> for Several {
    type Error = NotUnderstood;

    fn try_from(StoredSeveral { named, more }: StoredSeveral) -> Read<Self> {
        Ok(Self { named: read_texts("address", &named)?, more })
    }
}

/// Why an address is left alone.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StoredHeld {
    Unreadable(String),
    Unsettled { until: String },
    DependsOn(String),
    Duplicate { ids: Vec<String> },
    Marked { ids: Vec<StoredRemoteId> },
    Copied { ids: Vec<String>, differs: Option<String> },
    OtherProject { id: StoredRemoteId, project: String },
    Rebuilt { instead_of: StoredSeveral },
    MayBeRenamed { from: StoredSeveral },
    Unplaced { ids: Vec<StoredRemoteId> },
    NotPossible(String),
    InProgress,
    NoCatalog { part: StoredCatalogPart, why: String },
}

impl From<&Held> for StoredHeld {
    fn from(held: &Held) -> Self {
        match held {
            Held::Unreadable(why) => Self::Unreadable(why.clone()),
            Held::Unsettled { until } => Self::Unsettled { until: until.to_string() },
            Held::DependsOn(address) => Self::DependsOn(address.to_string()),
            Held::Duplicate { ids } => Self::Duplicate { ids: texts(ids) },
            Held::Marked { ids } => Self::Marked { ids: ids.iter().map(StoredRemoteId::from).collect() },
            Held::Copied { ids, differs } => {
                Self::Copied { ids: texts(ids), differs: differs.map(|part| part.to_string()) }
            }
            Held::OtherProject { id, project } => {
                Self::OtherProject { id: id.into(), project: project.to_string() }
            }
            Held::Rebuilt { instead_of } => Self::Rebuilt { instead_of: instead_of.into() },
            Held::MayBeRenamed { from } => Self::MayBeRenamed { from: from.into() },
            Held::Unplaced { ids } => Self::Unplaced { ids: ids.iter().map(StoredRemoteId::from).collect() },
            Held::NotPossible(why) => Self::NotPossible(why.clone()),
            Held::InProgress => Self::InProgress,
            Held::NoCatalog { part, why } => Self::NoCatalog { part: (*part).into(), why: why.clone() },
        }
    }
}

impl TryFrom<StoredHeld> for Held {
    type Error = NotUnderstood;

    fn try_from(stored: StoredHeld) -> Read<Self> {
        Ok(match stored {
            StoredHeld::Unreadable(why) => Self::Unreadable(why),
            StoredHeld::Unsettled { until } => Self::Unsettled { until: read_time(&until)? },
            StoredHeld::DependsOn(address) => Self::DependsOn(read_address(&address)?),
            StoredHeld::Duplicate { ids } => {
                Self::Duplicate { ids: ids.into_iter().map(PodId::new).collect::<BTreeSet<_>>() }
            }
            StoredHeld::Marked { ids } => Self::Marked { ids: ids.into_iter().map(RemoteId::from).collect() },
            StoredHeld::Copied { ids, differs } => Self::Copied {
                ids: ids.into_iter().map(PodId::new).collect(),
                differs: differs.as_deref().map(read_part).transpose()?,
            },
            StoredHeld::OtherProject { id, project } => {
                Self::OtherProject { id: id.into(), project: ProjectName::new(project) }
            }
            StoredHeld::Rebuilt { instead_of } => Self::Rebuilt { instead_of: instead_of.try_into()? },
            StoredHeld::MayBeRenamed { from } => Self::MayBeRenamed { from: from.try_into()? },
            StoredHeld::Unplaced { ids } => {
                Self::Unplaced { ids: ids.into_iter().map(RemoteId::from).collect() }
            }
            StoredHeld::NotPossible(why) => Self::NotPossible(why),
            StoredHeld::InProgress => Self::InProgress,
            StoredHeld::NoCatalog { part, why } => Self::NoCatalog { part: part.into(), why },
        })
    }
}

fn read_part(word: &str) -> Read<Part> {
    let known = Part::ALL.into_iter().find(|part| part.to_string() == word);
    known.ok_or_else(|| NotUnderstood(format!("`{word}` is no part of a pod")))
}

/// Marked objects that the state does not know.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredUnknown {
    objects: Vec<(StoredRemoteId, String)>,
    monthly: StoredAmount,
}

impl From<&Unknown> for StoredUnknown {
    fn from(Unknown { objects, monthly }: &Unknown) -> Self {
        let objects = objects.iter().map(|(id, address)| (id.into(), address.to_string()));
        Self { objects: objects.collect(), monthly: (*monthly).into() }
    }
}

impl TryFrom<StoredUnknown> for Unknown {
    type Error = NotUnderstood;

    fn try_from(StoredUnknown { objects, monthly }: StoredUnknown) -> Read<Self> {
        let read = |(id, address): (StoredRemoteId, String)| Ok((id.into(), read_address(&address)?));
        Ok(Self { objects: objects.into_iter().map(read).collect::<Read<_>>()?, monthly: monthly.into() })
    }
}

/// Why nothing may be done.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum StoredBlock {
    Protected { address: String, step: String },
    Locked { address: String, step: String },
    StateOlder(StoredUnknown),
    StateEmpty(StoredUnknown),
    AllVanished { count: usize },
    NoStock { address: String },
    VolumeCannotChange { address: String, why: String },
    NoCandidate { address: String, why: Vec<String> },
    NoSuchPlace { address: String, field: String, why: String },
    OverHourlyBudget { limit_micro_dollars: i64, at_most: StoredAmount },
    OverMonthlyBudget { limit_micro_dollars: i64, at_most: StoredAmount },
    Cycle(Vec<String>),
}

impl From<&Block> for StoredBlock {
    fn from(block: &Block) -> Self {
        match block {
            Block::Protected { address, step } => {
                Self::Protected { address: address.to_string(), step: step.to_string() }
            }
            Block::Locked { address, step } => {
                Self::Locked { address: address.to_string(), step: step.to_string() }
            }
            Block::StateOlder(unknown) => Self::StateOlder(unknown.into()),
            Block::StateEmpty(unknown) => Self::StateEmpty(unknown.into()),
            Block::AllVanished { count } => Self::AllVanished { count: *count },
            Block::NoStock { address } => Self::NoStock { address: address.to_string() },
            Block::VolumeCannotChange { address, why } => {
                Self::VolumeCannotChange { address: address.to_string(), why: why.clone() }
            }
            Block::NoCandidate { address, why } => {
                Self::NoCandidate { address: address.to_string(), why: why.clone() }
            }
            Block::NoSuchPlace { address, field, why } => {
                Self::NoSuchPlace { address: address.to_string(), field: field.to_string(), why: why.clone() }
            }
            Block::OverBudget { limit: BudgetLimit::Hourly(Hourly(limit)), at_most } => {
                Self::OverHourlyBudget { limit_micro_dollars: *limit, at_most: (*at_most).into() }
            }
            Block::OverBudget { limit: BudgetLimit::Monthly(Monthly(limit)), at_most } => {
                Self::OverMonthlyBudget { limit_micro_dollars: *limit, at_most: (*at_most).into() }
            }
            Block::Cycle(actions) => Self::Cycle(texts(actions)),
        }
    }
}

impl TryFrom<StoredBlock> for Block {
    type Error = NotUnderstood;

    fn try_from(stored: StoredBlock) -> Read<Self> {
        Ok(match stored {
            StoredBlock::Protected { address, step } => {
                Self::Protected { address: read_address(&address)?, step: read_step(&step)? }
            }
            StoredBlock::Locked { address, step } => {
                Self::Locked { address: read_address(&address)?, step: read_step(&step)? }
            }
            StoredBlock::StateOlder(unknown) => Self::StateOlder(unknown.try_into()?),
            StoredBlock::StateEmpty(unknown) => Self::StateEmpty(unknown.try_into()?),
            StoredBlock::AllVanished { count } => Self::AllVanished { count },
            StoredBlock::NoStock { address } => Self::NoStock { address: read_address(&address)? },
            StoredBlock::VolumeCannotChange { address, why } => {
                Self::VolumeCannotChange { address: read_address(&address)?, why }
            }
            StoredBlock::NoCandidate { address, why } => {
                Self::NoCandidate { address: read_address(&address)?, why }
            }
            StoredBlock::NoSuchPlace { address, field, why } => Self::NoSuchPlace {
                address: read_address(&address)?,
                field: read_text("field", &field)?,
                why,
            },
            StoredBlock::OverHourlyBudget { limit_micro_dollars, at_most } => Self::OverBudget {
                limit: BudgetLimit::Hourly(Hourly(limit_micro_dollars)),
                at_most: at_most.into(),
            },
            StoredBlock::OverMonthlyBudget { limit_micro_dollars, at_most } => Self::OverBudget {
                limit: BudgetLimit::Monthly(Monthly(limit_micro_dollars)),
                at_most: at_most.into(),
            },
            StoredBlock::Cycle(actions) => {
                Self::Cycle(actions.iter().map(|action| read_action(action)).collect::<Read<_>>()?)
            }
        })
    }
}

/// A remark.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFinding {
    severity: StoredSeverity,
    code: String,
    address: Option<String>,
    field: Option<String>,
    message: String,
}

impl From<&Finding> for StoredFinding {
    fn from(finding: &Finding) -> Self {
        let Finding { severity, code, subject, message } = finding;
        let (address, field) = match subject {
            Some(Subject { address, field }) => {
                (Some(address.to_string()), field.as_ref().map(ToString::to_string))
            }
            None => (None, None),
        };
        Self {
            severity: (*severity).into(),
            code: (*code).to_owned(),
            address,
            field,
            message: message.clone(),
        }
    }
}

impl TryFrom<StoredFinding> for Finding {
    type Error = NotUnderstood;

    fn try_from(stored: StoredFinding) -> Read<Self> {
        let StoredFinding { severity, code, address, field, message } = stored;
        let field = field.map(|text| read_text("field", &text)).transpose()?;
        let subject = match address {
            Some(address) => Some(Subject { address: read_address(&address)?, field }),
            None => None,
        };
        Ok(Self { severity: severity.into(), code: read_code(code)?, subject, message })
    }
}

/// Where in the spec something stands.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredPosition {
    address: String,
    field: Option<String>,
    place: String,
}

impl From<(&Subject, &String)> for StoredPosition {
    fn from((subject, place): (&Subject, &String)) -> Self {
        let Subject { address, field } = subject;
        let field = field.as_ref().map(ToString::to_string);
        Self { address: address.to_string(), field, place: place.clone() }
    }
}

impl TryFrom<StoredPosition> for (Subject, String) {
    type Error = NotUnderstood;

    fn try_from(stored: StoredPosition) -> Read<Self> {
        let StoredPosition { address, field, place } = stored;
        let field = field.map(|text| read_text("field", &text)).transpose()?;
        Ok((Subject { address: read_address(&address)?, field }, place))
    }
}

/// Reads a finding's code, which lives as long as the program: a command reads one plan file.
fn read_code(code: String) -> Read<&'static str> {
    let plausible =
        code.len() <= 60 && code.bytes().all(|c| c.is_ascii_lowercase() || c == b'-' || c.is_ascii_digit());
    if plausible { Ok(code.leak()) } else { Err(NotUnderstood(format!("`{code}` is no code of a finding"))) }
}

/// Something that podform does not manage.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredUnmanaged {
    id: StoredRemoteId,
    name: String,
    status: Option<StoredStatus>,
    created_at: Option<String>,
    cost: StoredSplit,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
}

impl From<&Unmanaged> for StoredUnmanaged {
    fn from(unmanaged: &Unmanaged) -> Self {
        let Unmanaged { id, name, status, created_at, cost, owner } = unmanaged;
        let (lost, project) = match owner {
            Owner::Lost(address) => (Some(address.to_string()), None),
            Owner::Nobody => (None, None),
            Owner::Project(project) => (None, Some(project.to_string())),
        };
        Self {
            id: id.into(),
            name: name.clone(),
            status: status.map(Into::into),
            created_at: created_at.map(|time| time.to_string()),
            cost: (*cost).into(),
            lost,
            project,
        }
    }
}

impl TryFrom<StoredUnmanaged> for Unmanaged {
    type Error = NotUnderstood;

    fn try_from(stored: StoredUnmanaged) -> Read<Self> {
        let StoredUnmanaged { id, name, status, created_at, cost, lost, project } = stored;
        Ok(Self {
            id: RemoteId::from(id),
            name,
            status: status.map(Into::into),
            created_at: created_at.as_deref().map(read_time).transpose()?,
            cost: cost.into(),
            owner: match (lost, project) {
                (Some(address), _) => Owner::Lost(read_address(&address)?),
                (None, Some(project)) => Owner::Project(ProjectName::new(project)),
                (None, None) => Owner::Nobody,
            },
        })
    }
}
