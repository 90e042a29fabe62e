//! Plans one pod: from what the presence table says to the steps, their values and their consequences.

mod boot;
mod create;
mod job;
mod keep;
mod record;
mod remove;
mod rerun;
mod unseen;

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::desired::{Wanted, WantedPod};
use crate::model::id::{PodId, RemoteId};
use crate::model::live::{LivePod, PodStatus, Seen};
use crate::model::money::Amount;
use crate::model::plan::{
    Action, Block, Consequence, Disruption, DriftKind, Held, Operation, Reason, RecordAfter, Split, Step,
};
use crate::model::pod::{RunState, Storage};
use crate::model::prior::{Recorded, RecordedObject, RecordedPod};
use crate::model::size::Gigabytes;

use crate::plan::draft::{Draft, Planning};
use crate::plan::effect::{self, Body};
use crate::plan::ownership::PodView;
use crate::plan::presence::{Case, Successor, case};
use crate::plan::reach::Part;
use crate::plan::{Context, cost, env, finding};

pub use job::{Stands, job_stands};
pub(super) use job::{run_of, stands};
pub(super) use remove::terminate_with_volume;

/// Plans the address of a pod.
pub(super) fn draft<'a>(
    context: &Context<'a>,
    address: &'a Address,
    wanted: Option<&'a WantedPod>,
    part: Part,
) -> Draft<'a> {
    let mut draft = planned(context, address, wanted, part);
    let keeps = wanted.and_then(|wanted| wanted.job.as_ref()).is_some_and(|job| job.then.keeps());
    let begins = |(step, action): &(Step, Action)| match (step, &action.operation) {
        (Step::Create | Step::Start, _) => true,
        (_, Operation::UpdatePod { disruption, .. }) => *disruption == Disruption::Reset,
        _ => false,
    };
    if keeps && draft.steps.iter().any(begins) {
        draft.findings.push(finding::job_kept(address));
    }
    draft
}

fn planned<'a>(
    context: &Context<'a>,
    address: &'a Address,
    wanted: Option<&'a WantedPod>,
    part: Part,
) -> Draft<'a> {
    // `adopt:` explains which pod is meant, also to a plan that destroys it.
    let named = match context.inputs.desired.wanted.get(address) {
        Some(Wanted::Pod(pod)) => pod.adopt.as_ref(),
        Some(Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None => None,
    };
    let PodView { sighting, retire, findings, copies } = context.ownership.pod(address, named);
    let mut planner = PodPlanner {
        context,
        address,
        draft: Draft { findings, ..Draft::default() },
        duplicates: retire.iter().map(|pod| pod.id.clone()).collect(),
        surplus: retire,
        by: None,
        outlived: false,
        stored: None,
        is_spared: part == Part::Needed,
    };
    let live = &context.inputs.live.pods;
    planner.draft.strangers = copies.iter().filter_map(|id| live.get(id)?.found()).collect();
    let deposed = context.renamed.recorded(address).and_then(|recorded| planner.look_at_deposed(recorded));
    if let Some(wanted) = wanted {
        planner.remark_on(wanted);
    }
    let case = case(wanted.map(|wanted| wanted.run), sighting);
    let case = deposed.map_or(case, Case::Hold);
    if let (Case::CreateAgain { recorded } | Case::Forget { recorded }, Some(wanted)) = (&case, wanted)
        && let Some(job) = &wanted.job
        && let Some(was) = recorded.record.object.pod().and_then(|pod| pod.job.as_ref())
    {
        planner.gone_job(wanted, job, recorded, was);
        return planner.draft;
    }
    if let Some(known) = context.renamed.unseen.get(address) {
        match (&case, wanted, wanted.and_then(|wanted| wanted.job.as_ref())) {
            (Case::Create | Case::NotYet, Some(wanted), Some(job)) => {
                planner.unseen_job(wanted, job, known);
                return planner.draft;
            }
            (Case::Nothing, None, _) => {
                planner.forget_unseen();
                return planner.draft;
            }
            _ => {}
        }
    }
    match case {
        Case::Hold(held) => planner.hold(held),
        Case::Nothing => {}
        Case::RemoveOrphan { object, asked } => planner.remove_orphan(object, asked),
        Case::Remove { recorded, object, by, successor } => {
            planner.by = by;
            planner.remove(recorded, object, successor);
        }
        Case::Forget { recorded } => planner.forget_vanished(recorded, wanted),
        Case::NotYet => planner.draft.findings.push(finding::created_when_running(address)),
        Case::Create => planner.with(wanted, |planner, wanted| planner.create_new(wanted)),
        Case::CreateAgain { recorded } => {
            planner.with(wanted, |planner, wanted| planner.create_again(wanted, recorded));
        }
        Case::Compare { recorded, object } => {
            planner.with(wanted, |planner, wanted| planner.keep(wanted, recorded, object));
        }
        Case::Adopt { object, known, deposed } => {
            if let Some(deposed) = deposed {
                planner.surplus.push(deposed);
                planner.refuse_protected(planner.is_protected(), Step::DeleteDeposed);
            }
            planner.with(wanted, |planner, wanted| planner.adopt(wanted, object, known));
        }
    }
    planner.draft
}

struct PodPlanner<'c, 'a> {
    context: &'c Context<'a>,
    address: &'a Address,
    draft: Draft<'a>,
    /// Live pods of this address that are to go whatever becomes of the current one.
    surplus: Vec<&'a LivePod>,
    /// Those of them that are second pods of creates.
    duplicates: BTreeSet<PodId>,
    /// How it is known that a live pod of another id takes the place of the recorded one, where it does.
    by: Option<Successor>,
    /// The state still names replaced pods that are gone.
    outlived: bool,
    /// The record as the state has it, which may still name renamed objects by their old addresses.
    stored: Option<&'a RecordedObject>,
    /// Only a dependency of a target, so that nothing of it may be terminated.
    is_spared: bool,
}

impl<'a> PodPlanner<'_, 'a> {
    /// The cases of a wanted pod come with what is wanted.
    fn with(&mut self, wanted: Option<&'a WantedPod>, plan: impl FnOnce(&mut Self, &'a WantedPod)) {
        if let Some(wanted) = wanted {
            plan(self, wanted);
        }
    }

    fn remark_on(&mut self, wanted: &WantedPod) {
        let image = &wanted.container.image;
        if finding::is_unpinned(image) {
            self.draft.findings.push(finding::unpinned_image(self.address, image));
        }
        self.draft.findings.extend(env::literal_findings(self.address, wanted));
    }

    /// Replaced pods that still exist are to go; one that could not be looked at holds the address.
    fn look_at_deposed(&mut self, recorded: &'a Recorded) -> Option<Held> {
        for id in &recorded.record.deposed {
            match self.context.inputs.live.pods.get(id) {
                Some(Seen::Found(pod)) if pod.status != PodStatus::Terminated => {
                    if let Some(held) = self.context.ownership.deposed_marked_by_other(pod) {
                        return Some(held);
                    }
                    self.surplus.push(pod);
                }
                Some(Seen::Found(_) | Seen::Absent) => self.outlived = true,
                Some(Seen::Unreadable(why)) => {
                    return Some(Held::Unreadable(format!("replaced pod `{id}`: {why}")));
                }
                None => return Some(Held::Unreadable(format!("replaced pod `{id}` was not looked at"))),
            }
        }
        None
    }

    fn hold(&mut self, held: Held) {
        let recorded = self.context.renamed.recorded(self.address);
        let now = recorded.and_then(|recorded| match (&recorded.id, recorded.record.object.pod()) {
            (RemoteId::Pod(id), Some(pod)) => Some(self.recorded_cost(id, pod)),
            (RemoteId::Pod(_) | RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_), _) => None,
        });
        let (catalog, live) = (self.context.inputs.catalog, self.context.inputs.live);
        let is_ours = |pod: &LivePod| self.context.ownership.deposed_marked_by_other(pod).is_none();
        let deposed =
            recorded.and_then(|recorded| cost::of_deposed(catalog, &recorded.record, live, is_ours));
        let duplicates = self.surplus.iter().filter(|pod| self.duplicates.contains(&pod.id));
        let duplicates: Split = duplicates.map(|pod| cost::live_pod(catalog, pod, None)).sum();
        self.draft.costs_now(now.unwrap_or_default() + deposed.unwrap_or_default() + duplicates);
        self.draft.hold(held);
    }

    fn recorded_cost(&self, id: &PodId, recorded: &RecordedPod) -> Split {
        let inputs = self.context.inputs;
        match inputs.live.pods.get(id).and_then(Seen::found) {
            Some(pod) => cost::managed_pod(inputs.catalog, pod, Some(recorded)),
            None => cost::recorded_pod(inputs.catalog, recorded),
        }
    }

    fn begin(&mut self, live: Option<&LivePod>, recorded: Option<&RecordedPod>) {
        let catalog = self.context.inputs.catalog;
        let current = live.map(|pod| cost::managed_pod(catalog, pod, recorded)).unwrap_or_default();
        self.draft.costs_now(current + self.surplus_cost());
        if let Some(gone) = self.context.renamed.displaced.get(self.address) {
            if !gone.is_gone() {
                self.draft.drift.push(DriftKind::Vanished);
            }
            self.forget(gone, Reason::JobEnded);
        }
        if let Some(from) = self.context.renamed.moves.get(self.address) {
            let record = RecordAfter::MovedFrom(from.clone());
            self.draft.local(Step::Move, Reason::Renamed, Vec::new(), record);
        }
    }

    /// Drops the record of what is gone. The pod of a job that podform terminated is missed by nobody, and its record goes for
    /// another reason.
    fn forget(&mut self, gone: &Recorded, otherwise: Reason) {
        let (reason, lost) = if gone.is_gone() {
            (otherwise, None)
        } else {
            (Reason::Vanished, gone.record.object.pod().map(|pod| effect::vanished(&pod.container)))
        };
        let after = self.draft.after;
        self.draft.push(Planning {
            step: Step::Forget,
            operation: Operation::Local,
            reason,
            changes: Vec::new(),
            consequences: lost.unwrap_or_default(),
            after,
            record: RecordAfter::Remove { tombstone: false },
        });
    }

    /// Returns the pods that an earlier replacement left behind and that stay until the pod is up with what is wanted: one of
    /// them may be the one that serves. Second pods of creates serve nobody.
    fn former(&self, wanted: &WantedPod) -> BTreeSet<PodId> {
        if self.has_former() && wanted.run == RunState::Running {
            self.surplus_ids()
        } else {
            BTreeSet::new()
        }
    }

    fn has_former(&self) -> bool {
        self.surplus.iter().any(|pod| !self.duplicates.contains(&pod.id))
    }

    fn surplus_cost(&self) -> Split {
        let catalog = self.context.inputs.catalog;
        self.surplus.iter().map(|pod| cost::managed_pod(catalog, pod, None)).sum()
    }

    /// Terminates what an earlier replacement left behind, and duplicates of ours.
    fn delete_surplus(&mut self) {
        if self.surplus.is_empty() {
            return;
        }
        let freed = self.surplus_cost();
        let surplus = std::mem::take(&mut self.surplus);
        let is_duplicate = surplus.iter().all(|pod| self.duplicates.contains(&pod.id));
        let mut consequences: Vec<Consequence> =
            surplus.iter().flat_map(|pod| self.body(pod, Gigabytes(0)).deleted()).collect();
        consequences.sort();
        consequences.dedup();
        for pod in &surplus {
            self.refuse_locked(pod, Step::DeleteDeposed);
        }
        let after = minus(self.draft.after, freed);
        self.draft.push(Planning {
            step: Step::DeleteDeposed,
            operation: Operation::DeletePods { ids: surplus.iter().map(|pod| pod.id.clone()).collect() },
            reason: if is_duplicate { Reason::Duplicate } else { Reason::Deposed },
            changes: Vec::new(),
            consequences,
            after,
            record: RecordAfter::Deposed(BTreeSet::new()),
        });
    }

    /// Does the same after all other steps from this one on. What they come to on the dearest candidate has nothing of it.
    fn delete_surplus_last(&mut self, begun: usize) {
        let at_most = self.draft.at_most;
        self.delete_surplus();
        if self.draft.steps.len() > begun + 1 {
            self.draft.at_most = at_most;
        }
    }

    fn body<'b>(&'b self, pod: &'b LivePod, disk: Gigabytes) -> Body<'b> {
        let volume = match &pod.settings.storage {
            Storage::Network { volume: id, path: _ } => self.context.volumes.address_of(id),
            Storage::None | Storage::Local { .. } => None,
        };
        let recorded = self.context.renamed.recorded(self.address);
        Body { pod, disk, volume, runs_job: job::goes(recorded, pod, self.context.inputs.live) }
    }

    fn refuse_locked(&mut self, pod: &LivePod, step: Step) {
        if pod.is_locked() {
            self.draft.blocks.push(Block::Locked { address: self.address.clone(), step });
        }
    }

    fn is_protected(&self) -> bool {
        self.context.is_protected(self.address)
    }

    fn refuse_protected(&mut self, protect: bool, step: Step) {
        if protect {
            self.draft.blocks.push(Block::Protected { address: self.address.clone(), step });
        }
    }
}

/// Takes a part out of a sum that it is in.
fn minus(sum: Split, part: Split) -> Split {
    let less = |sum: Amount, part: Amount| Amount {
        known: sum.known - part.known,
        unknown_parts: sum.unknown_parts.saturating_sub(part.unknown_parts),
    };
    sum.each(part, less)
}
