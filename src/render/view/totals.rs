//! How many of what, and what is lost, over a whole plan.

use crate::model::plan::{Consequence, Plan, Step};
use crate::model::size::Gigabytes;

use super::change::{Change, Verb};

/// How many addresses have which change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Without replacements.
    pub(crate) create: usize,
    pub(crate) replace: usize,
    /// Without starts and stops.
    pub(crate) update: usize,
    pub(crate) start: usize,
    pub(crate) stop: usize,
    /// Without replacements.
    pub(crate) destroy: usize,
    /// Whatever else happens to them.
    pub(crate) reset: usize,
    /// Whatever else happens to them.
    pub(crate) import: usize,
    /// Whatever else happens to them.
    pub(crate) moved: usize,
    pub(crate) record: usize,
    pub(crate) forget: usize,
    /// Whose job is waited for and nothing else.
    pub(crate) awaited: usize,
    pub(crate) losing: usize,
    pub(crate) unchanged: usize,
    pub(crate) held: usize,
    pub(crate) out_of_scope: usize,
}

impl Counts {
    /// Returns the number of addresses with a verb.
    pub(crate) fn of(&mut self, verb: Verb) -> &mut usize {
        match verb {
            Verb::Create => &mut self.create,
            Verb::DestroyThenCreate | Verb::CreateThenDestroy => &mut self.replace,
            Verb::Update => &mut self.update,
            Verb::Start => &mut self.start,
            Verb::Stop => &mut self.stop,
            Verb::Destroy | Verb::DestroyDeposed => &mut self.destroy,
            Verb::Import => &mut self.import,
            Verb::Move => &mut self.moved,
            Verb::Record => &mut self.record,
            Verb::Forget => &mut self.forget,
            Verb::Ready | Verb::Await => &mut self.awaited,
        }
    }

    /// Returns Terraform's "to add": a replacement adds one and destroys one.
    pub(crate) fn to_add(self) -> usize {
        self.create + self.replace
    }

    /// Returns Terraform's "to change", with starts and stops.
    pub(crate) fn to_change(self) -> usize {
        self.update + self.start + self.stop
    }

    pub(crate) fn to_destroy(self) -> usize {
        self.destroy + self.replace
    }
}

/// What a plan loses, by kind: how many and their size together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Lost {
    pub(crate) network_volumes: (usize, u64),
    pub(crate) local_volumes: (usize, u64),
    /// Of jobs, cut short.
    pub(crate) runs: usize,
    /// No place for data.
    pub(crate) container_disks: (usize, u64),
    /// What was gone with its data before the plan; no part of what the plan loses.
    pub(crate) gone: (usize, u64),
    /// At how many addresses data is lost only if a start fails and the pod is replaced.
    pub(crate) at_failed_starts: usize,
}

impl Lost {
    pub(super) fn of(changes: &[Change<'_>]) -> Self {
        let mut lost = Self::default();
        for change in changes {
            change.consequences.iter().for_each(|consequence| lost.add(consequence));
            lost.at_failed_starts += usize::from(change.verb == Verb::Start && change.loses_data());
        }
        lost
    }

    fn add(&mut self, consequence: &Consequence) {
        let (kind, size) = match consequence {
            Consequence::NetworkVolumeLost { volume: _, size } => (&mut self.network_volumes, size),
            Consequence::LocalVolumeLost { size, path: _ } => (&mut self.local_volumes, size),
            Consequence::RunCutShort { .. } => {
                self.runs += 1;
                return;
            }
            Consequence::ContainerDiskLost { size } => (&mut self.container_disks, size),
            Consequence::VanishedWithData { size } => (&mut self.gone, size),
            Consequence::LocalVolumeKept { .. }
            | Consequence::NetworkVolumeKept { .. }
            | Consequence::NewPodId
            | Consequence::PublicPortsChange
            | Consequence::StartMayFail { .. }
            | Consequence::ScarceGpuGivenUp
            | Consequence::TakesEffectAtNextStart
            | Consequence::GoesOnUnmanaged
            | Consequence::TemplatesLoseIt
            | Consequence::ValueAtNextStart { .. } => return,
        };
        let Gigabytes(gigabytes) = *size;
        kind.0 += 1;
        kind.1 += u64::from(gigabytes);
    }
}

pub(super) fn counts(plan: &Plan, changes: &[Change<'_>]) -> Counts {
    let mut counts = Counts {
        unchanged: plan.unchanged.len(),
        held: plan.held.len(),
        out_of_scope: plan.out_of_scope,
        ..Counts::default()
    };
    for change in changes {
        *counts.of(change.verb) += 1;
        counts.import += usize::from(change.verb != Verb::Import && change.has(Step::Adopt));
        counts.moved += usize::from(change.verb != Verb::Move && change.has(Step::Move));
        counts.losing += usize::from(change.loses_data());
        counts.reset += usize::from(change.steps.iter().any(|(_, action)| action.operation.resets()));
    }
    counts
}
