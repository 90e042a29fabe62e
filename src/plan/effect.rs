//! What an action does to data, addresses and machines: the consequences that a reviewer must know.

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::live::{LivePod, Ran};
use crate::model::plan::{Consequence, Disruption, FieldChange};
use crate::model::pod::{Port, Protocol, Storage};
use crate::model::settings::Container;
use crate::model::size::Gigabytes;

/// A live pod with what is needed to name what it mounts.
pub(super) struct Body<'a> {
    pub(super) pod: &'a LivePod,
    /// The size of its container disk where the API does not say.
    pub(super) disk: Gigabytes,
    /// The address of the network volume that it mounts, if it is one of ours.
    pub(super) volume: Option<&'a Address>,
    /// The run of a job goes on there.
    pub(super) runs_job: bool,
}

impl Body<'_> {
    fn disk(&self) -> Gigabytes {
        self.pod.settings.disk.unwrap_or(self.disk)
    }

    /// The container disk of a stopped pod is gone already.
    fn disk_lost(&self) -> Option<Consequence> {
        self.pod.status.is_up().then(|| Consequence::ContainerDiskLost { size: self.disk() })
    }

    fn run_lost(&self) -> Option<Consequence> {
        let since = match self.pod.ran {
            Ran::Once { since } => since,
            Ran::NotTold | Ran::Never => None,
        };
        self.runs_job.then_some(Consequence::RunCutShort { since })
    }

    fn storage_kept(&self) -> Option<Consequence> {
        match &self.pod.settings.storage {
            Storage::None => None,
            Storage::Local { size, path } => {
                Some(Consequence::LocalVolumeKept { size: *size, path: path.clone() })
            }
            Storage::Network { .. } => self.network_kept(),
        }
    }

    fn network_kept(&self) -> Option<Consequence> {
        self.volume.map(|volume| Consequence::NetworkVolumeKept { volume: volume.clone() })
    }

    fn local_lost(&self) -> Option<Consequence> {
        match &self.pod.settings.storage {
            Storage::Local { size, path } => {
                Some(Consequence::LocalVolumeLost { size: *size, path: path.clone() })
            }
            Storage::None | Storage::Network { .. } => None,
        }
    }

    /// Returns what a stop does.
    pub(super) fn stopped(&self) -> Vec<Consequence> {
        sorted([self.run_lost(), self.disk_lost(), self.storage_kept()])
    }

    /// Returns what terminating the pod does.
    pub(super) fn deleted(&self) -> Vec<Consequence> {
        sorted([self.run_lost(), self.disk_lost(), self.local_lost(), self.network_kept()])
    }

    /// Returns what an update does.
    pub(super) fn updated(&self, disruption: Disruption, ports_after: &BTreeSet<Port>) -> Vec<Consequence> {
        match disruption {
            Disruption::InPlace => Vec::new(),
            Disruption::NextStart => vec![Consequence::TakesEffectAtNextStart],
            Disruption::Reset | Disruption::Replace => {
                let changing = changing(self.pod.ports(), ports_after);
                sorted([self.run_lost(), self.disk_lost(), self.storage_kept(), changing])
            }
        }
    }

    /// Returns what a start does and risks. Its replacement, if the host is full, is approved with it.
    pub(super) fn started(&self, then_replaced: bool, ports: &BTreeSet<Port>) -> Vec<Consequence> {
        let may_fail = Some(Consequence::StartMayFail { then_replaced });
        if then_replaced {
            let new_id = Some(Consequence::NewPodId);
            sorted([may_fail, self.local_lost(), self.network_kept(), new_id, changing(ports.iter(), ports)])
        } else {
            sorted([may_fail, self.storage_kept(), changing(ports.iter(), ports)])
        }
    }
}

fn changing<'a>(mut before: impl Iterator<Item = &'a Port>, after: &BTreeSet<Port>) -> Option<Consequence> {
    let is_tcp = |port: &Port| match port.protocol {
        Protocol::Tcp => true,
        Protocol::Http => false,
    };
    (before.any(is_tcp) && after.iter().any(is_tcp)).then_some(Consequence::PublicPortsChange)
}

fn sorted<const N: usize>(consequences: [Option<Consequence>; N]) -> Vec<Consequence> {
    let mut consequences: Vec<Consequence> = consequences.into_iter().flatten().collect();
    consequences.sort();
    consequences
}

/// Returns what was lost when a pod vanished, and what survives it.
pub(super) fn vanished(container: &Container) -> Vec<Consequence> {
    match &container.storage {
        Storage::None => vec![Consequence::VanishedWithData { size: container.disk }],
        Storage::Local { size, path: _ } => vec![Consequence::VanishedWithData { size: *size }],
        Storage::Network { volume, path: _ } => {
            vec![Consequence::NetworkVolumeKept { volume: volume.clone() }]
        }
    }
}

/// Returns the strongest disruption of an update. A stopped pod has no container to reset: a change waits for the
/// start that makes it anew.
pub(super) fn of_update(changes: &[FieldChange], is_up: bool) -> Disruption {
    let strongest = changes.iter().map(|change| change.disruption).max().unwrap_or(Disruption::InPlace);
    if is_up { strongest } else { Disruption::InPlace }
}

/// Weakens the disruption of each change of a stopped pod, see [`of_update`].
pub(super) fn on_stopped(changes: Vec<FieldChange>, is_up: bool) -> Vec<FieldChange> {
    let weaken = |change: FieldChange| match (is_up, change.disruption) {
        (false, Disruption::Reset | Disruption::NextStart) => {
            FieldChange { disruption: Disruption::InPlace, ..change }
        }
        (true, _) | (false, Disruption::InPlace | Disruption::Replace) => change,
    };
    changes.into_iter().map(weaken).collect()
}
