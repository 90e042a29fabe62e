//! The plan: an immutable graph of actions that leaves its execution no meaningful choice.
//!
//! Ids, creation tokens, order, the ordered candidates and every value to send are in here. Secrets are in here by
//! name only, so a plan may be stored, shown and attached to a public pull request.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::address::Address;
use super::catalog::{CatalogPart, Stock};
use super::clock::Timestamp;
use super::desired::{GpuOrder, Lifecycle};
use super::id::{
    DataCenterId, EnvKey, GpuName, Lineage, PodId, ProjectName, RemoteId, RunNonce, Serial, VolumeId,
};
use super::live::PodStatus;
use super::marker::Token;
use super::money::{Amount, Hourly, Monthly, Price};
use super::pod::{Access, Compute, EnvValue, Placement};
use super::prior::{Api, Binding, ProviderKind, RecordedObject};
use super::provenance::Part;
use super::settings::{Container, Field, PodPatch};
use super::size::Gigabytes;
use super::value::Value;
use super::volume::VolumeConfig;

/// The planner's answer.
#[must_use = "a plan must be shown to a person or executed"]
#[derive(Clone, Debug, PartialEq)]
pub enum Planned {
    /// There is something to do.
    Changes(Plan),
    /// Everything is as wanted and nothing is held.
    NoChanges(Plan),
    /// Nothing may be done; the plan shows what would be. Also the answer if nothing is left to do but held addresses.
    Blocked {
        /// Why, in address order.
        reasons: Vec<Block>,
        /// What would be done otherwise.
        plan: Plan,
    },
}

impl Planned {
    /// Returns the plan, to be shown.
    pub fn plan(&self) -> &Plan {
        match self {
            Self::Changes(plan) | Self::NoChanges(plan) | Self::Blocked { reasons: _, plan } => plan,
        }
    }

    /// Tells whether the state is in doubt, so that nothing could be planned from it.
    pub fn is_without_a_plan(&self) -> bool {
        match self {
            Self::Blocked { reasons, plan: _ } => reasons.iter().any(Block::is_about_the_state),
            Self::Changes(_) | Self::NoChanges(_) => false,
        }
    }

    /// Tells whether nothing may be done.
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::Blocked { .. })
    }
}

/// What is to be done, and everything that a reviewer should know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What it was made from.
    pub basis: Basis,
    /// The actions.
    pub actions: BTreeMap<ActionId, Action>,
    /// `(first, then)`: real dependencies only. Acyclic.
    pub edges: BTreeSet<(ActionId, ActionId)>,
    /// Volumes of the spec that are given by `id:`, so that a mount can be resolved; they are never changed.
    pub referenced: BTreeMap<Address, VolumeId>,
    /// Addresses that are left alone in this plan, with what depends on them.
    pub held: BTreeMap<Address, Held>,
    /// What others changed since the last apply, by address.
    pub drift: Vec<Drift>,
    /// What the planner noticed or did not do, and why.
    pub findings: Vec<Finding>,
    /// Pods and volumes that podform does not manage.
    pub unmanaged: Vec<Unmanaged>,
    /// Addresses that are as wanted.
    pub unchanged: BTreeSet<Address>,
    /// Every managed object as the state has it, each with its id; for formats that show whole objects. Outside the
    /// digest.
    pub recorded: BTreeMap<Address, Record>,
    /// How many addresses of the spec were deselected.
    pub out_of_scope: usize,
    /// The run that goes on while the plan is made.
    pub in_progress: Option<InProgress>,
    /// What it costs now and after.
    pub cost: CostSummary,
    /// What each address that has actions costs a month after them, on its dearest candidate.
    pub at_most: BTreeMap<Address, Split>,
    /// Identifies what is approved.
    pub digest: Digest,
}

/// A run of this project that goes on while somebody else looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InProgress {
    /// Who runs it: `user on host, process 7`.
    pub who: String,
    /// The command, such as `apply`.
    pub command: String,
    /// Since when.
    pub since: Timestamp,
    /// Where it has begun something and not ended it.
    pub addresses: BTreeSet<Address>,
}

/// What a plan was made from; a saved plan is stale when this has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The project.
    pub project: ProjectName,
    /// Where its requests go.
    pub endpoint: Endpoint,
    /// The API that is spoken.
    pub api: Api,
    /// Hash over `Desired`, not over the bytes of the files.
    pub spec_digest: String,
    /// The state.
    pub lineage: Lineage,
    /// Its version.
    pub serial: Serial,
    /// What makes the tokens of this plan its own.
    pub nonce: RunNonce,
    /// When the account was looked at.
    pub observed_at: Timestamp,
}

/// Where the requests of a plan go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// RunPod, or what stands in for it, at this origin.
    Runpod(String),
    /// The simulator. Which world it is decides nothing that an approval could be about.
    Simulator,
}

impl From<&Binding> for Endpoint {
    fn from(binding: &Binding) -> Self {
        let Binding { project: _, kind, origin } = binding;
        match kind {
            ProviderKind::Runpod => Self::Runpod(origin.clone()),
            ProviderKind::Simulator => Self::Simulator,
        }
    }
}

/// Identifies what is approved: a hash without prices, and the price beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Over actions, values, order edges, candidates and consequences; 32 hexadecimal digits.
    pub hash: String,
    /// A month of every address that has actions, each pod on its dearest candidate. What else the project has is
    /// left out, so that its prices never make an approval stale.
    pub monthly: Amount,
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hash, monthly: Amount { known: Monthly(micro), unknown_parts } } = self;
        write!(f, "{hash}-{micro}")?;
        if *unknown_parts > 0 { write!(f, "+{unknown_parts}") } else { Ok(()) }
    }
}

/// Something that is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is a hash and an amount, such as `0123456789abcdef0123456789abcdef-505700000`")]
pub struct NoDigest;

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (hash, amount) = text.split_once('-').ok_or(NoDigest)?;
        let (micro, unknown_parts) = amount.split_once('+').unwrap_or((amount, "0"));
        let known = Monthly(micro.parse().map_err(|_| NoDigest)?);
        let unknown_parts = unknown_parts.parse().map_err(|_| NoDigest)?;
        let digest = Self { hash: hash.to_owned(), monthly: Amount { known, unknown_parts } };
        let is_hash = hash.len() == 32 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        // One digest has one spelling: `+5` and `05` are numbers too.
        if is_hash && digest.to_string() == text { Ok(digest) } else { Err(NoDigest) }
    }
}

/// Names one action: an address and what is done there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionId {
    /// The address.
    pub address: Address,
    /// The step.
    pub step: Step,
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.address, self.step)
    }
}

/// What is done at an address. A plan has each step of an address at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Record another address for an object; no call.
    Move,
    /// Record an object that exists; no call.
    Adopt,
    /// Record what podform may do to an object; no call.
    Record,
    /// Stop.
    Stop,
    /// Change in place, with or without a reset; grow a volume.
    Update,
    /// Start.
    Start,
    /// Terminate or delete the recorded object.
    Delete,
    /// Terminate pods that an earlier replacement left behind.
    DeleteDeposed,
    /// Create.
    Create,
    /// Drop the record; no call.
    Forget,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 10] = [
        Self::Move,
        Self::Adopt,
        Self::Record,
        Self::Stop,
        Self::Update,
        Self::Start,
        Self::Delete,
        Self::DeleteDeposed,
        Self::Create,
        Self::Forget,
    ];

    /// Returns the word that stands in ids, plan files and the journal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Adopt => "adopt",
            Self::Record => "record",
            Self::Stop => "stop",
            Self::Update => "update",
            Self::Start => "start",
            Self::Delete => "delete",
            Self::DeleteDeposed => "delete-deposed",
            Self::Create => "create",
            Self::Forget => "forget",
        }
    }

    /// Tells whether the step only writes to the state.
    pub fn is_local(self) -> bool {
        match self {
            Self::Move | Self::Adopt | Self::Record | Self::Forget => true,
            Self::Stop | Self::Update | Self::Start | Self::Delete | Self::DeleteDeposed | Self::Create => {
                false
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One step, with everything that its execution needs and that a reviewer wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// What is done.
    pub operation: Operation,
    /// Why.
    pub reason: Reason,
    /// The values that change.
    pub changes: Vec<FieldChange>,
    /// What is lost, kept and risked.
    pub consequences: Vec<Consequence>,
    /// What the address costs before and after the action.
    pub cost: CostChange,
    /// What the state says after success.
    pub record: RecordAfter,
}

/// What is sent to the provider.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Nothing; only the state is written.
    Local,
    /// Create a network volume.
    CreateVolume {
        /// Its name on RunPod, which carries the token for good.
        name: String,
        /// What it is to be.
        config: VolumeConfig,
        /// The token of the attempt.
        token: Token,
    },
    /// Grow a network volume.
    GrowVolume {
        /// Which.
        id: VolumeId,
        /// To this size.
        size: Gigabytes,
    },
    /// Delete a network volume and all that is on it.
    DeleteVolume {
        /// Which.
        id: VolumeId,
    },
    /// Create a pod.
    CreatePod(Box<PodCreation>),
    /// Change a pod.
    UpdatePod {
        /// Which.
        id: PodId,
        /// The new values.
        patch: Box<PodPatch>,
        /// What that does to a running pod.
        disruption: Disruption,
    },
    /// Start a stopped pod on its host.
    StartPod {
        /// Which.
        id: PodId,
        /// The machine that it must come back with; with fewer GPUs it is stuck.
        compute: Option<Compute>,
        /// What happens if its host is full.
        on_stuck: OnStuck,
    },
    /// Stop a pod.
    StopPod {
        /// Which.
        id: PodId,
    },
    /// Terminate pods; more than one only for deposed ones.
    DeletePods {
        /// Which.
        ids: BTreeSet<PodId>,
    },
}

impl Operation {
    /// Returns the attempts to create a pod, in order; empty for what creates none.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::CreatePod(creation)
            | Self::StartPod { id: _, compute: _, on_stuck: OnStuck::Replace(creation) } => {
                creation.attempts.as_slice()
            }
            Self::StartPod { id: _, compute: _, on_stuck: OnStuck::Fail }
            | Self::Local
            | Self::CreateVolume { .. }
            | Self::GrowVolume { .. }
            | Self::DeleteVolume { .. }
            | Self::UpdatePod { .. }
            | Self::StopPod { .. }
            | Self::DeletePods { .. } => &[],
        }
    }
}

/// What happens if a pod cannot come back on its host.
#[derive(Clone, Debug, PartialEq)]
pub enum OnStuck {
    /// The start fails.
    Fail,
    /// The pod is replaced as given here: the old one is terminated, then the new one is created.
    Replace(Box<PodCreation>),
}

/// Everything that a create needs but the values of secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct PodCreation {
    /// The container.
    pub container: Container,
    /// The services.
    pub access: Access,
    /// The GPUs that the spec wishes for; `None` for a pod without. What is approved is this order: that of the
    /// attempts also depends on stock and prices.
    pub wished: Option<WishedGpus>,
    /// The attempts, in order. A capacity answer leads to the next one.
    pub attempts: Vec<Attempt>,
}

/// Which GPUs the spec wishes for, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WishedGpus {
    /// In which order the candidates are tried.
    pub order: GpuOrder,
    /// As typed.
    pub names: Vec<GpuName>,
}

/// One create request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What is asked for.
    pub candidate: Candidate,
    /// The token that it carries.
    pub token: Token,
    /// The token for one more try if the first is settled as not done.
    pub second_token: Token,
}

/// One way to place a pod, with what it costs and how likely it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is asked for.
    pub placement: Placement,
    /// Price of the whole pod an hour, compute only.
    pub price: Price,
    /// The best stock in the allowed data centers.
    pub stock: Stock,
    /// Stock by allowed data center.
    pub stock_by_data_center: Arc<BTreeMap<DataCenterId, Stock>>,
}

/// A new environment. An update replaces the whole map, so what is not ours must be carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvPatch {
    /// Declared variables.
    pub declared: BTreeMap<EnvKey, EnvValue>,
    /// Live variables that neither the spec nor the record knows, or that are ignored; their values are copied
    /// directly before the request, in memory.
    pub carry: BTreeSet<EnvKey>,
    /// The token whose marker is sent, for pods that podform created.
    pub token: Option<Token>,
}

/// What a change does to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disruption {
    /// Nothing.
    InPlace,
    /// Nothing until its next start.
    NextStart,
    /// The container is made anew: its disk is wiped and public TCP ports change.
    Reset,
    /// The pod cannot be changed so; a new one takes its place.
    Replace,
}

/// What the state says after an action.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordAfter {
    /// The same as before, with the remote id that the action brought.
    Put(Box<Record>),
    /// Nothing: the entry is dropped.
    Remove {
        /// Whether its token is never to be adopted again.
        tombstone: bool,
    },
    /// The entry moves here from another address.
    MovedFrom(Address),
    /// The entry, if there is one, stays but for this: the pods that are deposed from here on.
    Deposed(BTreeSet<PodId>),
}

/// A state entry but for what only the provider's answer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The id; `None` where the action brings it.
    pub id: Option<RemoteId>,
    /// The token that the object carries, as far as it is known before the action.
    pub token: Option<Token>,
    /// What podform may do to it.
    pub lifecycle: Lifecycle,
    /// Kept stopped after its key has left the spec.
    pub retired: bool,
    /// Pods that were replaced and still exist. In a replacement that creates first, the old pod is in here from
    /// the create on until its delete.
    pub deposed: BTreeSet<PodId>,
    /// The values. Compute, cloud and data center are `None` where only the provider's answer tells.
    pub object: RecordedObject,
}

/// Why an action is in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It stands in the spec and was never created.
    New,
    /// It was recorded and is gone.
    Vanished,
    /// RunPod migrated it: a pod with its token has another id.
    Migrated,
    /// A create of an earlier run turned out to have happened.
    FoundInJournal,
    /// `adopt:` names it.
    AdoptNamed,
    /// Values differ.
    Changed,
    /// `state:` in the spec differs from what was applied.
    StateWanted,
    /// It was stopped, started or ended by others.
    StateDrifted,
    /// It runs with fewer GPUs than it had, and a stop and a start may bring them back.
    GpusLost,
    /// The live pod no longer satisfies the spec.
    Replaced,
    /// Its mount or its data center must change with the volume that is replaced.
    VolumeReplaced,
    /// `--replace` asks for it.
    Requested,
    /// Its key has left the spec.
    Removed,
    /// The number of replicas shrank.
    Shrunk,
    /// `destroy` asks for it.
    Destroyed,
    /// An earlier replacement left it behind.
    Deposed,
    /// It is the second pod of one create, and nothing is in it.
    Duplicate,
    /// It was created by us and neither spec nor state knows it.
    Orphaned,
    /// `moved:` or a change of `replicas` renames it.
    Renamed,
    /// Only what podform may do to it changes.
    LifecycleChanged,
    /// The network volume that it mounts is deleted, which RunPod refuses while a pod mounts it.
    VolumeRemoved,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Which.
    pub field: Field,
    /// The live value.
    pub before: Value,
    /// The wanted value.
    pub after: Value,
    /// Who changed it.
    pub cause: Cause,
    /// What applying it does.
    pub disruption: Disruption,
}

/// Who changed a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The spec.
    Spec,
    /// Somebody outside.
    Outside,
    /// Both, to different values.
    Both,
    /// Nobody: the API filled it in.
    ApiDefault,
    /// Cannot be told, as nothing derived from a secret is stored.
    NotAttributable,
    /// The spec or somebody outside; `ignore_changes` leaves it alone on the present pod, and only a new one gets it.
    Ignored,
    /// The spec or somebody outside; nothing can or should set it on the present pod, and only a new one gets it.
    NewPodOnly,
}

/// What an action loses, keeps or risks. Actions that lose data are shown first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consequence {
    /// A network volume and everything on it is deleted.
    NetworkVolumeLost {
        /// Its address.
        volume: Address,
        /// Its size.
        size: Gigabytes,
    },
    /// The disk on the pod's host is deleted.
    LocalVolumeLost {
        /// Its size.
        size: Gigabytes,
        /// Where it was mounted.
        path: String,
    },
    /// The data was lost already, when the object vanished.
    VanishedWithData {
        /// Size of what was on it.
        size: Gigabytes,
    },
    /// The container disk is wiped.
    ContainerDiskLost {
        /// Its size.
        size: Gigabytes,
    },
    /// The disk on the pod's host stays.
    LocalVolumeKept {
        /// Its size.
        size: Gigabytes,
        /// Where it is mounted.
        path: String,
    },
    /// A network volume stays.
    NetworkVolumeKept {
        /// Its address.
        volume: Address,
    },
    /// The pod gets a new id, and with it new proxy URLs.
    NewPodId,
    /// Public TCP ports and the public address change.
    PublicPortsChange,
    /// The start fails if the pod's host has no free GPU, as its local disk binds it there.
    StartMayFail {
        /// Whether it is replaced then.
        then_replaced: bool,
    },
    /// The old pod is given up before there is a new one, and stock of every candidate is low.
    ScarceGpuGivenUp,
    /// The change takes effect at the next start.
    TakesEffectAtNextStart,
    /// The pod goes on running and being billed, unmanaged.
    GoesOnUnmanaged,
}

impl Consequence {
    /// Tells whether a volume is lost by the action itself. A container disk is no place for data: each stop and each
    /// reset wipes it, so its loss is only noted.
    pub fn loses_data(&self) -> bool {
        match self {
            Self::NetworkVolumeLost { .. } | Self::LocalVolumeLost { .. } => true,
            Self::ContainerDiskLost { .. }
            | Self::VanishedWithData { .. }
            | Self::LocalVolumeKept { .. }
            | Self::NetworkVolumeKept { .. }
            | Self::NewPodId
            | Self::PublicPortsChange
            | Self::StartMayFail { .. }
            | Self::ScarceGpuGivenUp
            | Self::TakesEffectAtNextStart
            | Self::GoesOnUnmanaged => false,
        }
    }
}

/// What something costs a month, compute and storage apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Split {
    /// GPUs or vCPUs.
    pub compute: Amount,
    /// Container disk, local volume, network volume.
    pub storage: Amount,
}

impl Split {
    /// Returns both together.
    pub fn total(self) -> Amount {
        self.compute + self.storage
    }
}

impl std::ops::Add for Split {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { compute: self.compute + other.compute, storage: self.storage + other.storage }
    }
}

impl std::iter::Sum for Split {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), std::ops::Add::add)
    }
}

/// What an address costs a month before and after an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CostChange {
    /// Before.
    pub before: Split,
    /// After, on the first candidate.
    pub after: Split,
}

/// What everything costs a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CostSummary {
    /// Managed objects as they are live.
    pub now: Split,
    /// Managed objects after the plan, each on its first candidate.
    pub after: Split,
    /// The same, each on its dearest candidate.
    pub at_most: Split,
    /// What podform does not manage.
    pub unmanaged: Split,
}

/// A difference between what was recorded and what is live that others made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Where.
    pub address: Address,
    /// What.
    pub kind: DriftKind,
}

/// What others did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriftKind {
    /// The object is gone.
    Vanished,
    /// It was stopped, or its process ended.
    Stopped,
    /// It was started.
    Started,
    /// A pod with its token has another id.
    Migrated {
        /// The recorded id.
        from: RemoteId,
        /// The live id.
        to: RemoteId,
    },
    /// Fields differ: recorded before, live after.
    Fields(Vec<FieldDrift>),
    /// Its mark was taken from its environment, or another one put in its place; the next update of the environment puts
    /// it back.
    MarkRemoved,
}

/// A field that others changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDrift {
    /// Which.
    pub field: Field,
    /// The recorded value.
    pub recorded: Value,
    /// The live value.
    pub live: Value,
    /// Whether it stays as it is: setting it back would lose what others put there, or is nobody's wish.
    pub left_alone: bool,
}

/// Some addresses, of which the first few are named: each of many that are held for the same many would repeat them all.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Several {
    /// The first, at most [`Several::NAMED`].
    pub named: BTreeSet<Address>,
    /// How many there are beside them.
    pub more: usize,
}

impl Several {
    /// How many are named.
    pub const NAMED: usize = 20;

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.more == 0
    }
}

impl<'a> FromIterator<&'a Address> for Several {
    /// Takes addresses in their order.
    fn from_iter<T: IntoIterator<Item = &'a Address>>(addresses: T) -> Self {
        let mut addresses = addresses.into_iter();
        let named = addresses.by_ref().take(Self::NAMED).cloned().collect();
        Self { named, more: addresses.count() }
    }
}

/// Why an address is left alone in this plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// It could not be looked at.
    Unreadable(String),
    /// A create of an earlier run may still show up; see when it is settled.
    Unsettled {
        /// From then on it counts as not done.
        until: Timestamp,
    },
    /// Something that it depends on is held.
    DependsOn(Address),
    /// A second pod carries its token and must be looked at by a person.
    Duplicate {
        /// The pods in question.
        ids: BTreeSet<PodId>,
    },
    /// Objects that carry its mark are there, but the state does not know them: more likely the state was lost, or is
    /// another one, than a second one is wanted.
    Marked {
        /// The objects in question.
        ids: BTreeSet<RemoteId>,
    },
    /// The recorded pod is gone, and what carries its token may be somebody's copy.
    Copied {
        /// The pods in question.
        ids: BTreeSet<PodId>,
        /// In what the only one differs from the record; `None` where there are several, or where taking it for the
        /// pod could end it with its data.
        differs: Option<Part>,
    },
    /// `adopt:` names an object that carries the mark of another project.
    OtherProject {
        /// The object.
        id: RemoteId,
        /// The project that its mark names.
        project: ProjectName,
    },
    /// A rebuild found it, the spec does not have it, and ending it could lose data or make a second one of these.
    Rebuilt {
        /// What the spec would have created besides.
        instead_of: Several,
    },
    /// It would be created, but it may be one of these, which a rebuild found and the spec does not have.
    MayBeRenamed {
        /// The records in question.
        from: Several,
    },
    /// It would be created, but it may be one of these, which a rebuild could not give an address.
    Unplaced {
        /// The objects in question.
        ids: BTreeSet<RemoteId>,
    },
    /// REST v2 and others cannot do what is wanted.
    NotPossible(String),
    /// A run that goes on is about to change it.
    InProgress,
    /// It needs a price and a stock, and this part of the catalog could not be read.
    NoCatalog {
        /// What could not be read.
        part: CatalogPart,
        /// Why.
        why: String,
    },
}

/// Why nothing may be done at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// The action would delete or replace a protected object.
    Protected {
        /// The address.
        address: Address,
        /// What would be done.
        step: Step,
    },
    /// The pod is locked on RunPod and would have to be stopped, reset or terminated.
    Locked {
        /// The address.
        address: Address,
        /// What would be done.
        step: Step,
    },
    /// Objects carry the mark of a later version of this state, so that it is older than the account.
    StateOlder(Unknown),
    /// The state has no record, and objects carry the mark of this project that it does not know.
    StateEmpty(Unknown),
    /// All recorded objects are gone at once: more likely another account than a disaster.
    AllVanished {
        /// How many.
        count: usize,
    },
    /// A `destroy_first` replacement would give up a pod while no candidate has stock.
    NoStock {
        /// The address.
        address: Address,
    },
    /// Only `create_first` or a removed dependency can help: a network volume would shrink or move.
    VolumeCannotChange {
        /// The address.
        address: Address,
        /// Why.
        why: String,
    },
    /// No GPU of the live catalog satisfies the spec.
    NoCandidate {
        /// The address.
        address: Address,
        /// Each rejected type with its reason.
        why: Vec<String>,
    },
    /// The spec names a place that RunPod does not have, or that does not have what is wanted there.
    NoSuchPlace {
        /// The address.
        address: Address,
        /// Which key names it.
        field: Field,
        /// What is wrong with it, and which there are.
        why: String,
    },
    /// Everything that the spec wants may cost more than its budget.
    OverBudget {
        /// The limit.
        limit: BudgetLimit,
        /// What that may come to a month, each address on its dearest candidate.
        at_most: Amount,
    },
    /// The graph of actions would have a cycle.
    Cycle(
        /// The actions along it.
        Vec<ActionId>,
    ),
}

/// Marked objects that the state does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Each with the address that its mark names.
    pub objects: BTreeMap<RemoteId, Address>,
    /// What they cost a month.
    pub monthly: Amount,
}

impl Block {
    /// Tells whether the state itself is in question, so that no plan can be made from it.
    pub fn is_about_the_state(&self) -> bool {
        match self {
            Self::StateOlder(_) | Self::StateEmpty(_) => true,
            Self::Protected { .. }
            | Self::Locked { .. }
            | Self::AllVanished { .. }
            | Self::NoStock { .. }
            | Self::VolumeCannotChange { .. }
            | Self::NoCandidate { .. }
            | Self::NoSuchPlace { .. }
            | Self::OverBudget { .. }
            | Self::Cycle(_) => false,
        }
    }
}

/// One limit of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetLimit {
    /// Of GPUs and vCPUs an hour.
    Hourly(Hourly),
    /// Of everything a month.
    Monthly(Monthly),
}

/// A remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// A stable word for machines, such as `unpinned-image`.
    pub code: &'static str,
    /// What it is about.
    pub subject: Option<Subject>,
    /// One sentence without a full stop, names in backticks.
    pub message: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Look at it before you approve.
    Warning,
    /// For the record.
    Note,
}

/// What a finding is about. The position in the file is looked up by `spec`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The address.
    pub address: Address,
    /// The field, where it is about one.
    pub field: Option<Field>,
}

/// Something that podform does not manage. It is never touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmanaged {
    /// Its id.
    pub id: RemoteId,
    /// Its name.
    pub name: String,
    /// What a pod is doing.
    pub status: Option<PodStatus>,
    /// When it was created, where the API says so.
    pub created_at: Option<Timestamp>,
    /// What it costs a month.
    pub cost: Split,
    /// Whose it says it is.
    pub owner: Owner,
}

/// Whose an object that podform does not manage says it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// This project's: it carries its mark, with a token that the state does not know.
    Lost(Address),
    /// Nobody's that podform knows.
    Nobody,
    /// Another podform project's.
    Project(ProjectName),
}

/// A plan that may run. Only `cli::approval`, after a person or a flag said yes, and `cli::execution`, after the check
/// that a plan of this moment is what a saved one says, make one.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovedPlan {
    plan: Plan,
    approval: Approval,
}

impl ApprovedPlan {
    /// Notes that this very plan was approved.
    pub fn new(plan: Plan, approval: Approval) -> Self {
        Self { plan, approval }
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns how it was approved.
    pub fn approval(&self) -> Approval {
        self.approval
    }
}

/// How a plan was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// A person typed `yes`.
    Prompt,
    /// `--auto-approve`.
    Flag,
    /// `--approved DIGEST`.
    Digest,
    /// A saved plan that is not stale.
    SavedPlan,
}

impl Approval {
    /// Returns the word that programs read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Flag => "flag",
            Self::Digest => "digest",
            Self::SavedPlan => "saved_plan",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_addresses_the_first_are_named_and_the_rest_is_counted() {
        let address = |number: u32| Address::replica("llm".parse().unwrap(), number);
        let all: BTreeSet<Address> = (0..25).map(address).collect();
        let several: Several = all.iter().collect();
        assert_eq!(several, Several { named: (0..20).map(address).collect(), more: 5 });
        assert!(all.iter().take(0).collect::<Several>().is_empty());
    }
}
