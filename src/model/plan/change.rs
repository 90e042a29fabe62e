//! Why something is done, what changes by it, and what it costs.

use super::{Disruption, Several};
use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::money::Amount;
use crate::model::settings::Field;
use crate::model::size::Gigabytes;
use crate::model::value::Value;

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
    /// It was down when podform looked at it after its own create, start or reset.
    Failed,
    /// It runs with fewer GPUs than it had, and a stop and a start may bring them back.
    GpusLost,
    /// The live pod no longer satisfies the spec.
    Replaced,
    /// Its mount or its data center must change with the volume that is replaced.
    VolumeReplaced,
    /// `--replace` asks for it.
    Requested,
    /// `--rotate` asks for it.
    RotateRequested,
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
    /// The run of a job ended.
    JobEnded,
    /// A job is to run, or to run again.
    RunAgain,
    /// The network volume that it mounts is deleted, which RunPod refuses while a pod mounts it.
    VolumeRemoved,
    /// What is brought up waits until it is ready, or until its job has ended.
    WaitedFor,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
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
    /// Nobody: the pod that it refers to is another one.
    Reference,
}

/// What an action loses, keeps or risks. Actions that lose data are shown first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consequence {
    /// A network volume and everything on it is deleted.
    NetworkVolumeLost { volume: Address, size: Gigabytes },
    /// The disk on the pod's host is deleted.
    LocalVolumeLost {
        size: Gigabytes,
        /// Where it was mounted.
        path: String,
    },
    /// The run of a job is ended before it has come to its end, and what it has done by then may be worth nothing.
    RunCutShort {
        /// Since when its container runs, where that is known.
        since: Option<Timestamp>,
    },
    /// The data was lost already, when the object vanished.
    VanishedWithData { size: Gigabytes },
    /// The container disk is wiped.
    ContainerDiskLost { size: Gigabytes },
    /// The disk on the pod's host stays.
    LocalVolumeKept {
        size: Gigabytes,
        /// Where it is mounted.
        path: String,
    },
    /// A network volume stays.
    NetworkVolumeKept { volume: Address },
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
    /// These pods go on with the value that they booted with, and get the new one at their next start.
    ValueAtNextStart { pods: Several },
    /// Templates of the account that name these credentials lose them, of which RunPod tells nobody.
    TemplatesLoseIt,
}

impl Consequence {
    /// Tells whether a volume or a run of a job is lost by the action itself. A container disk is no place for data: each stop and each
    /// reset wipes it, so its loss is only noted.
    pub fn loses_data(&self) -> bool {
        match self {
            Self::NetworkVolumeLost { .. } | Self::LocalVolumeLost { .. } | Self::RunCutShort { .. } => true,
            Self::ContainerDiskLost { .. }
            | Self::VanishedWithData { .. }
            | Self::LocalVolumeKept { .. }
            | Self::NetworkVolumeKept { .. }
            | Self::NewPodId
            | Self::PublicPortsChange
            | Self::StartMayFail { .. }
            | Self::ScarceGpuGivenUp
            | Self::TakesEffectAtNextStart
            | Self::GoesOnUnmanaged
            | Self::ValueAtNextStart { .. }
            | Self::TemplatesLoseIt => false,
        }
    }
}

/// What something costs a month, compute and storage apart, and jobs apart from both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Split {
    /// GPUs or vCPUs.
    pub compute: Amount,
    /// Container disk, local volume, network volume.
    pub storage: Amount,
    /// What jobs cost while they run. How long they do is not known, so it is no part of what a month costs; `None` where
    /// there are none.
    pub runs: Option<Runs>,
}

/// What jobs cost while they run, as if for a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Runs {
    /// GPUs or vCPUs.
    pub compute: Amount,
    /// Container disks.
    pub disks: Amount,
}

impl Runs {
    /// Returns both together.
    pub fn total(self) -> Amount {
        self.compute + self.disks
    }
}

impl Split {
    /// Returns what a month costs without jobs.
    pub fn total(self) -> Amount {
        self.compute + self.storage
    }

    /// Returns what everything costs while jobs run, as if for a month.
    pub fn rate(self) -> Amount {
        self.total() + self.runs.unwrap_or_default().total()
    }

    /// Combines each part with that of another.
    pub fn each(self, other: Self, combine: impl Fn(Amount, Amount) -> Amount) -> Self {
        let runs = (self.runs.is_some() || other.runs.is_some())
            .then(|| {
                let [one, other] = [self, other].map(|split| split.runs.unwrap_or_default());
                Runs { compute: combine(one.compute, other.compute), disks: combine(one.disks, other.disks) }
            })
            .filter(|runs| *runs != Runs::default());
        Self {
            compute: combine(self.compute, other.compute),
            storage: combine(self.storage, other.storage),
            runs,
        }
    }
}

impl std::ops::Add for Split {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.each(other, std::ops::Add::add)
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
