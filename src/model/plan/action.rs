//! What is done, with everything that doing it needs.

use super::{Consequence, CostChange, FieldChange, Reason};
use crate::model::address::Address;
use crate::model::catalog::Stock;
use crate::model::clock::Timestamp;
use crate::model::desired::{GpuCount, GpuOrder};
use crate::model::id::{DataCenterId, EnvKey, GpuName, PodId, RegistryId, RemoteId, SecretId, VolumeId};
use crate::model::job::Until;
use crate::model::marker::Token;
use crate::model::money::{Hourly, Price};
use crate::model::pod::{Access, Compute, EnvValue, Placement};
use crate::model::prior::Record;
use crate::model::ready::{Boot, Ready};
use crate::model::registry::Credentials;
use crate::model::retry::Patience;
use crate::model::seconds::Seconds;
use crate::model::secret::SecretName;
use crate::model::settings::{Container, PodPatch};
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// Names one action: an address and what is done there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionId {
    pub address: Address,
    pub step: Step,
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.address, self.step)
    }
}

/// Returns what is kept of the actions at an address, in the order of their steps.
pub fn at<'m, T>(
    of_actions: &'m BTreeMap<ActionId, T>,
    address: &Address,
) -> impl Iterator<Item = (&'m ActionId, &'m T)> + use<'m, T> {
    let first = ActionId { address: address.clone(), step: Step::Move };
    let address = address.clone();
    of_actions.range(first..).take_while(move |(id, _)| id.address == address)
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
    Stop,
    /// Change in place, with or without a reset; grow a volume.
    Update,
    Start,
    /// Terminate or delete the recorded object.
    Delete,
    /// Terminate pods that an earlier replacement left behind; delete credentials that others took the place of.
    DeleteDeposed,
    Create,
    /// Wait until the run of a job has ended.
    Await,
    /// Drop the record; no call.
    Forget,
    /// Wait until an object that others wait for is ready; nothing is changed.
    Ready,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 12] = [
        Self::Move,
        Self::Adopt,
        Self::Record,
        Self::Stop,
        Self::Update,
        Self::Start,
        Self::Delete,
        Self::DeleteDeposed,
        Self::Create,
        Self::Await,
        Self::Forget,
        Self::Ready,
    ];

    /// Tells whether nothing is changed and nothing sent: others wait for what is there.
    pub fn only_waits(self) -> bool {
        match self {
            Self::Ready | Self::Await => true,
            Self::Move
            | Self::Adopt
            | Self::Record
            | Self::Stop
            | Self::Update
            | Self::Start
            | Self::Delete
            | Self::DeleteDeposed
            | Self::Create
            | Self::Forget => false,
        }
    }

    /// Returns the word that stands in ids, plan files and the journal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Adopt => "adopt",
            Self::Record => "record",
            Self::Stop => "stop",
            Self::Update => "update",
            Self::Start => "start",
            Self::Await => "await",
            Self::Delete => "delete",
            Self::DeleteDeposed => "delete-deposed",
            Self::Create => "create",
            Self::Forget => "forget",
            Self::Ready => "ready",
        }
    }

    /// Tells whether the step only writes to the state.
    pub fn is_local(self) -> bool {
        match self {
            Self::Move | Self::Adopt | Self::Record | Self::Forget => true,
            Self::Stop
            | Self::Update
            | Self::Start
            | Self::Await
            | Self::Delete
            | Self::DeleteDeposed
            | Self::Create
            | Self::Ready => false,
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
    /// What its pod must answer before the action is done; `None` where it is enough that it runs.
    pub ready: Option<Ready>,
}

/// What is sent to the provider.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Nothing; only the state is written.
    Local,
    /// Make a secret of the account.
    CreateSecret {
        /// Its name on RunPod.
        name: String,
        /// Its description, which is the mark.
        mark: String,
        /// Whose value it gets.
        value: SecretName,
        /// The token of the attempt.
        token: Token,
    },
    /// Give a secret of the account a value.
    SetSecret {
        id: SecretId,
        /// Whose value it gets.
        value: SecretName,
        /// RunPod's time at which it was last set, so that it can be seen that it is set anew.
        set_at: Option<Timestamp>,
    },
    /// Delete a secret of the account.
    DeleteSecret {
        id: SecretId,
    },
    /// Store credentials for a container registry.
    CreateRegistry {
        /// Their name on RunPod, which carries the token for good.
        name: String,
        credentials: Credentials,
        /// The token of the attempt.
        token: Token,
    },
    /// Delete credentials for a container registry; more than one only for deposed ones.
    DeleteRegistries {
        ids: BTreeSet<RegistryId>,
    },
    /// Create a network volume.
    CreateVolume {
        /// Its name on RunPod, which carries the token for good.
        name: String,
        config: VolumeConfig,
        /// The token of the attempt.
        token: Token,
    },
    /// Grow a network volume.
    GrowVolume {
        id: VolumeId,
        size: Gigabytes,
    },
    /// Delete a network volume and all that is on it.
    DeleteVolume {
        id: VolumeId,
    },
    CreatePod(Box<PodCreation>),
    /// Change a pod.
    UpdatePod {
        id: PodId,
        /// The new values.
        patch: Box<PodPatch>,
        /// What that does to a running pod.
        disruption: Disruption,
    },
    /// Start a stopped pod on its host.
    StartPod {
        id: PodId,
        /// The machine that it must come back with; with fewer GPUs it is stuck.
        compute: Option<Compute>,
        /// What is offered for each GPU an hour, of a pod that is rented so.
        bid: Option<Hourly>,
        /// What happens if its host is full.
        on_stuck: OnStuck,
    },
    StopPod {
        id: PodId,
    },
    /// Wait until the run of the job at the address has ended; nothing is sent.
    AwaitJob {
        /// Which end is enough.
        until: Until,
    },
    /// Terminate pods; more than one only for deposed ones.
    DeletePods {
        ids: BTreeSet<PodId>,
    },
    /// Nothing: a pod that runs is asked whether it is ready, as others wait for it.
    AwaitPod {
        id: PodId,
    },
}

impl Operation {
    /// Returns the attempts to create a pod, in order; empty for what creates none.
    pub fn attempts(&self) -> &[Attempt] {
        self.creation().map_or(&[], |creation| &creation.attempts)
    }

    /// Returns the pod that it creates, or would create in the place of one that cannot come back.
    pub fn creation(&self) -> Option<&PodCreation> {
        match self {
            Self::CreatePod(creation) | Self::StartPod { on_stuck: OnStuck::Replace(creation), .. } => {
                Some(creation)
            }
            Self::StartPod { on_stuck: OnStuck::Fail | OnStuck::Wait(_), .. }
            | Self::Local
            | Self::CreateSecret { .. }
            | Self::SetSecret { .. }
            | Self::DeleteSecret { .. }
            | Self::CreateRegistry { .. }
            | Self::DeleteRegistries { .. }
            | Self::CreateVolume { .. }
            | Self::GrowVolume { .. }
            | Self::DeleteVolume { .. }
            | Self::UpdatePod { .. }
            | Self::StopPod { .. }
            | Self::DeletePods { .. }
            | Self::AwaitPod { .. }
            | Self::AwaitJob { .. } => None,
        }
    }

    /// Tells whether it makes the container of a pod anew where it is.
    pub fn resets(&self) -> bool {
        matches!(self, Self::UpdatePod { disruption: Disruption::Reset, .. })
    }

    /// Returns how long a lack of capacity is waited out.
    pub fn patience(&self) -> Option<Patience> {
        match self {
            Self::StartPod { on_stuck: OnStuck::Wait(patience), .. } => Some(*patience),
            other => other.creation().and_then(|creation| creation.retry),
        }
    }

    /// Returns what it changes of a pod that stays.
    pub fn patch(&self) -> Option<&PodPatch> {
        match self {
            Self::UpdatePod { id: _, patch, disruption: _ } => Some(patch),
            Self::Local
            | Self::CreateSecret { .. }
            | Self::SetSecret { .. }
            | Self::DeleteSecret { .. }
            | Self::CreateRegistry { .. }
            | Self::DeleteRegistries { .. }
            | Self::CreateVolume { .. }
            | Self::GrowVolume { .. }
            | Self::DeleteVolume { .. }
            | Self::CreatePod(_)
            | Self::StartPod { .. }
            | Self::StopPod { .. }
            | Self::DeletePods { .. }
            | Self::AwaitPod { .. }
            | Self::AwaitJob { .. } => None,
        }
    }
}

/// What happens if a pod cannot come back on its host.
#[derive(Clone, Debug, PartialEq)]
pub enum OnStuck {
    /// The start fails.
    Fail,
    /// The start is tried again while there is patience, and fails then.
    Wait(Patience),
    /// The pod is replaced as given here: the old one is terminated, then the new one is created.
    Replace(Box<PodCreation>),
}

/// Everything that a create needs but the values of secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct PodCreation {
    pub container: Container,
    /// The services.
    pub access: Access,
    /// The GPUs that the spec wishes for; `None` for a pod without. What is approved is this order: that of the
    /// attempts also depends on stock and prices.
    pub wished: Option<WishedGpus>,
    /// The attempts, in order. A capacity answer leads to the next one.
    pub attempts: Vec<Attempt>,
    /// When a pod that never ran is given up.
    pub boot: Option<Boot>,
    /// What follows if none of them can be had; without it, the create fails then.
    pub retry: Option<Patience>,
}

/// Which GPUs the spec wishes for, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WishedGpus {
    /// In which order the candidates are tried.
    pub order: GpuOrder,
    /// The names as typed, each with how many of that type.
    pub any_of: Vec<(GpuName, GpuCount)>,
}

/// One create request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What is asked for.
    pub candidate: Candidate,
    /// How long must have been waited before it is tried; `None` for what is tried from the start.
    pub after: Option<Seconds>,
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
    /// This, of the object that is named, or else of the one that the action brings.
    Put { id: Option<RemoteId>, record: Box<Record> },
    /// Nothing: the entry is dropped.
    Remove {
        /// Whether its token is never to be adopted again.
        tombstone: bool,
    },
    /// The entry moves here from another address.
    MovedFrom(Address),
    /// The entry stays, but for how the job's run ended, which the wait for it tells.
    Ended,
    /// The entry, if there is one, stays but for this: the pods that are deposed from here on.
    Deposed(BTreeSet<PodId>),
}

impl RecordAfter {
    /// Records this of an object; `None` is the one that the action brings.
    pub fn put(id: Option<RemoteId>, record: Record) -> Self {
        Self::Put { id, record: Box::new(record) }
    }

    /// Returns what is recorded of an object anew.
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Put { id: _, record } => Some(record),
            Self::Remove { .. } | Self::MovedFrom(_) | Self::Deposed(_) | Self::Ended => None,
        }
    }

    /// Returns the object that is named.
    pub fn id(&self) -> Option<&RemoteId> {
        match self {
            Self::Put { id, record: _ } => id.as_ref(),
            Self::Remove { .. } | Self::MovedFrom(_) | Self::Deposed(_) | Self::Ended => None,
        }
    }
}
