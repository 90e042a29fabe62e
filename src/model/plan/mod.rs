//! The plan: an immutable graph of actions that leaves its execution no meaningful choice.
//!
//! Ids, creation tokens, order, the ordered candidates and every value to send are in here. Secrets are in here by
//! name only, so a plan may be stored, shown and attached to a public pull request.

mod action;
mod change;
mod left;
mod referring;

use crate::model::address::{Address, Key};
use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, ProjectName, RemoteId, RunNonce, Serial, VolumeId};
use crate::model::money::{Amount, Monthly};
use crate::model::prior::{Api, Binding, ProviderKind, RecordedObject};
use crate::model::retry::Waits;
use crate::model::template::FromTemplate;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

pub use action::{
    Action, ActionId, Attempt, Candidate, Disruption, EnvPatch, OnStuck, Operation, PodCreation, RecordAfter,
    Step, WishedGpus, at,
};
pub use change::{Cause, Consequence, CostChange, CostSummary, FieldChange, Reason, Runs, Split};
pub use left::{
    Block, BudgetLimit, Drift, DriftKind, FieldDrift, Finding, Held, Owner, Several, Severity, Subject,
    Unknown, Unmanaged,
};
pub use referring::{fill, pods, texts};

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
    pub actions: BTreeMap<ActionId, Action>,
    /// `(first, then)`: real dependencies only. Acyclic.
    pub edges: BTreeSet<(ActionId, ActionId)>,
    /// Keys whose replicas go down in waves, which are edges, and how many go in one.
    pub waves: BTreeMap<Key, u32>,
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
    /// Every managed object as the state has it, for formats that show whole objects. Outside the digest.
    pub recorded: BTreeMap<Address, (RemoteId, RecordedObject)>,
    /// How many addresses of the spec were deselected.
    pub out_of_scope: usize,
    /// The run that goes on while the plan is made.
    pub in_progress: Option<InProgress>,
    /// What it costs now and after.
    pub cost: CostSummary,
    /// What pods that have actions take from templates, for who reads it. Outside the digest, as the values are in it.
    pub templates: BTreeMap<Address, FromTemplate>,
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
    pub since: Timestamp,
    /// Where it has begun something and not ended it.
    pub addresses: BTreeSet<Address>,
}

/// What a plan was made from; a saved plan is stale when this has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
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

/// A plan that may run. Only `cli::approval`, after a person or a flag said yes, `cli::execution`, after the check that
/// a plan of this moment is what a saved one says, and `cli::rounds`, after the check that it is a part of what was approved
/// before a wait, make one.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovedPlan {
    plan: Plan,
    approval: Approval,
    waits: Waits,
}

impl ApprovedPlan {
    /// Notes that this very plan was approved.
    pub fn new(plan: Plan, approval: Approval) -> Self {
        Self { plan, approval, waits: Waits::default() }
    }

    /// Notes how patient the run is, and how long it has waited already.
    pub fn waiting(self, waits: Waits) -> Self {
        Self { waits, ..self }
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns how long its run waits for capacity, and has waited.
    pub fn waits(&self) -> &Waits {
        &self.waits
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
