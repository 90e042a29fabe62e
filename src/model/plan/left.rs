//! What a plan leaves alone, and what it remarks on.

use super::{ActionId, Split, Step};
use crate::model::address::Address;
use crate::model::catalog::CatalogPart;
use crate::model::clock::Timestamp;
use crate::model::id::{PodId, ProjectName, RemoteId, TemplateId};
use crate::model::job::End;
use crate::model::live::PodStatus;
use crate::model::money::{Amount, Hourly, Monthly};
use crate::model::provenance::Part;
use crate::model::settings::Field;
use crate::model::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A difference between what was recorded and what is live that others made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    pub address: Address,
    pub kind: DriftKind,
}

/// What others did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriftKind {
    /// The object is gone.
    Vanished,
    /// It was stopped, or its process ended.
    Stopped,
    /// Somebody bid more for its GPUs.
    Interrupted,
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
    pub field: Field,
    pub recorded: Value,
    pub live: Value,
    /// Whether it stays as it is: setting it back would lose what others put there, or is nobody's wish.
    pub left_alone: bool,
}

/// Some addresses, of which the first few are named: each of many that are held for the same many would repeat them all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
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
    /// RunPod moves it to this pod, which has no GPU yet.
    Migrating { id: PodId },
    /// Something that it depends on is held.
    DependsOn(Address),
    /// A job that must be done, or have ended, before it comes up has not, and this plan does not run it.
    Job {
        address: Address,
        /// How it ended; `None` where it has not.
        ended: Option<End>,
    },
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
    /// The state has an object here that carries the mark of another project, and not the one of this address.
    RecordedOther {
        /// The object.
        id: RemoteId,
        /// The project that its mark names.
        project: ProjectName,
    },
    /// The state has an object here that carries the mark of another address.
    RecordedElsewhere {
        /// The object.
        id: RemoteId,
        /// The address whose mark it carries.
        holder: Address,
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
    /// Its variables refer to secrets of the account that it does not have: the pod would get the references themselves.
    NoSecret {
        /// The names, as the spec has them.
        names: BTreeSet<String>,
    },
    /// What it takes from a template is not known.
    NoTemplate { id: TemplateId, why: String },
    /// REST v2 and others cannot do what is wanted.
    NotPossible(String),
    /// A run that goes on is about to change it.
    InProgress,
    /// It needs a price and a stock, and this part of the catalog could not be read.
    NoCatalog {
        /// What could not be read.
        part: CatalogPart,
        why: String,
    },
}

impl Held {
    /// Tells whether it may pass by itself, so that the same plan can be made a while later. What `held` says of others
    /// decides about what depends on them.
    pub fn passes(&self, held: &BTreeMap<Address, Self>) -> bool {
        let mut last = self;
        // Each is held for the sake of one that was held before it.
        for _ in 0..=held.len() {
            match last {
                Self::Unreadable(_)
                | Self::Unsettled { .. }
                | Self::Migrating { .. }
                | Self::NoTemplate { .. }
                | Self::InProgress
                | Self::NoCatalog { .. } => return true,
                Self::DependsOn(address) => match held.get(address) {
                    Some(before) => last = before,
                    None => return false,
                },
                Self::Job { .. }
                | Self::Duplicate { .. }
                | Self::Marked { .. }
                | Self::Copied { .. }
                | Self::OtherProject { .. }
                | Self::RecordedOther { .. }
                | Self::RecordedElsewhere { .. }
                | Self::Rebuilt { .. }
                | Self::MayBeRenamed { .. }
                | Self::Unplaced { .. }
                | Self::NoSecret { .. }
                | Self::NotPossible(_) => return false,
            }
        }
        false
    }
}

/// Why nothing may be done at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// The action would delete or replace a protected object.
    Protected {
        address: Address,
        /// What would be done.
        step: Step,
    },
    /// The pod is locked on RunPod and would have to be stopped, reset or terminated.
    Locked {
        address: Address,
        /// What would be done.
        step: Step,
    },
    /// Objects carry the mark of a later version of this state, so that it is older than the account.
    StateOlder(Unknown),
    /// The state has no record, and objects carry the mark of this project that it does not know.
    StateEmpty(Unknown),
    /// All recorded objects are gone at once: more likely another account than a disaster.
    AllVanished { count: usize },
    /// A `destroy_first` replacement would give up a pod while no candidate has stock.
    NoStock { address: Address },
    /// Only `create_first` or a removed dependency can help: a network volume would shrink or move.
    VolumeCannotChange { address: Address, why: String },
    /// No GPU of the live catalog satisfies the spec.
    NoCandidate {
        address: Address,
        /// Each rejected type with its reason.
        why: Vec<String>,
    },
    /// The spec names a place that RunPod does not have, or that does not have what is wanted there.
    NoSuchPlace {
        address: Address,
        /// Which key names it.
        field: Field,
        /// What is wrong with it, and which there are.
        why: String,
    },
    /// Everything that the spec wants may cost more than its budget.
    OverBudget {
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
    /// Returns the address that it is about; `None` if it is about the whole plan.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Protected { address, .. }
            | Self::Locked { address, .. }
            | Self::NoStock { address }
            | Self::VolumeCannotChange { address, .. }
            | Self::NoCandidate { address, .. }
            | Self::NoSuchPlace { address, .. } => Some(address),
            Self::StateOlder(_)
            | Self::StateEmpty(_)
            | Self::AllVanished { .. }
            | Self::OverBudget { .. }
            | Self::Cycle(_) => None,
        }
    }

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
    pub address: Address,
    /// The field, where it is about one.
    pub field: Option<Field>,
}

/// Something that podform does not manage. It is never touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmanaged {
    pub id: RemoteId,
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
    /// RunPod's own, which moves a pod with it.
    Runpod,
    /// Another podform project's.
    Project(ProjectName),
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
