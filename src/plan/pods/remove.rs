//! A pod that is not wanted, or that is gone and not to come back.

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::clock::Moment;
use crate::model::desired::{OnRemove, WantedPod};
use crate::model::id::RemoteId;
use crate::model::live::{Live, LivePod, PodStatus};
use crate::model::plan::{Block, Consequence, DriftKind, Held, Operation, Reason, RecordAfter, Split, Step};
use crate::model::pod::RunState;
use crate::model::prior::{Record, Recorded, RecordedPod, RecordedRun};

use super::PodPlanner;
use super::job::goes;
use super::record::{put, run_change, set_run};
use crate::model::size::Gigabytes;
use crate::plan::draft::{Draft, Planning};
use crate::plan::effect::Body;
use crate::plan::presence::Successor;
use crate::plan::{Context, cost, finding, shown};

/// Plans to terminate a pod that stands in the way of deleting the network volume that it mounts.
pub(in crate::plan) fn terminate_with_volume(
    context: &Context<'_>,
    address: &Address,
    live: &LivePod,
    volume: &Address,
    draft: &mut Draft<'_>,
) {
    let Some(recorded) = context.renamed.recorded(address) else { return };
    let disk = recorded.record.object.pod().map_or(Gigabytes(0), |pod| pod.container.disk);
    draft.keep_steps(|step| match step {
        Step::Move | Step::DeleteDeposed => true,
        Step::Adopt
        | Step::Record
        | Step::Stop
        | Step::Update
        | Step::Start
        | Step::Await
        | Step::Delete
        | Step::Create
        | Step::Forget
        | Step::Ready => false,
    });
    if context.is_protected(address) {
        draft.blocks.push(Block::Protected { address: address.clone(), step: Step::Delete });
    }
    if live.is_locked() {
        draft.blocks.push(Block::Locked { address: address.clone(), step: Step::Delete });
    }
    // What waits for the pod to run again waits for the one that is made then.
    draft
        .findings
        .retain(|finding| !["replaced-when-running", "retired", "bound-to-host"].contains(&finding.code));
    let runs_job = goes(Some(recorded), live, context.inputs.live);
    let comes_back = context.wanted(address).is_some();
    draft.findings.push(finding::terminated_with_volume(address, volume, comes_back));
    draft.push(Planning {
        step: Step::Delete,
        operation: Operation::DeletePods { ids: BTreeSet::from([live.id.clone()]) },
        reason: Reason::VolumeRemoved,
        changes: Vec::new(),
        consequences: Body { pod: live, disk, volume: Some(volume), runs_job }.deleted(),
        after: Split::default(),
        record: RecordAfter::Remove { tombstone: false },
    });
}

impl<'a> PodPlanner<'_, 'a> {
    pub(super) fn forget_vanished(&mut self, recorded: &'a Recorded, wanted: Option<&'a WantedPod>) {
        self.begin(None, None);
        if !recorded.is_gone() {
            self.draft.drift.push(DriftKind::Vanished);
        }
        self.delete_surplus();
        self.forget(recorded, if wanted.is_some() { Reason::Changed } else { self.removal_reason() });
        if wanted.is_some() {
            self.draft.findings.push(finding::created_when_running(self.address));
        }
    }

    pub(super) fn remove(&mut self, recorded: &Recorded, live: &'a LivePod, successor: Option<&'a LivePod>) {
        let Some(pod) = recorded.record.object.pod() else { return };
        self.surplus.extend(successor);
        self.begin(Some(live), Some(pod));
        self.run_drift(pod, live);
        let former_may_serve = live.status != PodStatus::Running && self.has_former();
        self.delete_surplus();
        let is_recorded = self.context.renamed.objects.contains_key(self.address);
        let reason = if is_recorded { self.removal_reason() } else { Reason::Orphaned };
        if self.context.inputs.options.destroy {
            return self.terminate(recorded, pod, live, reason);
        }
        let declared = self.context.inputs.desired.removal(self.address);
        if declared == Some(OnRemove::Terminate) {
            return self.terminate(recorded, pod, live, reason);
        }
        match declared.unwrap_or(recorded.record.lifecycle.on_remove) {
            OnRemove::Terminate if !recorded.record.retired => self.terminate(recorded, pod, live, reason),
            OnRemove::Terminate | OnRemove::Stop => self.retire(recorded, pod, live, reason),
            // What was kept stopped stays so, unless the spec says now that it is given up.
            OnRemove::Forget if recorded.record.retired && declared.is_none() => {
                self.retire(recorded, pod, live, reason);
            }
            OnRemove::Forget if former_may_serve => {
                let why =
                    "what it took the place of may be the one that serves, and this one does not run yet";
                self.draft.hold_where_it_moves(Held::NotPossible(why.to_owned()));
            }
            OnRemove::Forget => {
                self.draft.findings.push(finding::forgotten(self.address));
                self.draft.push(Planning {
                    step: Step::Forget,
                    operation: Operation::Local,
                    reason,
                    changes: Vec::new(),
                    consequences: vec![Consequence::GoesOnUnmanaged],
                    after: Split::default(),
                    record: RecordAfter::Remove { tombstone: true },
                });
            }
        }
    }

    /// What is ended is on record at its address before: one that took the place of another has another id there.
    fn adopt_first(&mut self, recorded: &Recorded, live: &LivePod) {
        let id = RemoteId::Pod(live.id.clone());
        let is_recorded = self.context.renamed.objects.contains_key(self.address);
        if !is_recorded || recorded.id == id {
            return;
        }
        let reason = self.by.map_or(Reason::Migrated, Successor::reason);
        self.draft.local(Step::Adopt, reason, Vec::new(), put(live, &recorded.record));
    }

    /// Tells whether the command line lifts the protection of this address for this plan.
    fn is_unprotected(&self) -> bool {
        self.context.is_unprotected(self.address)
    }

    /// Writes that the protection is lifted before what it forbids: the engine looks at the record.
    fn lift_protection(&mut self, recorded: &Recorded, live: &LivePod) {
        if !self.is_protected() || !self.is_unprotected() {
            return;
        }
        self.draft.findings.push(finding::unprotected(self.address));
        if !recorded.record.lifecycle.protect {
            return;
        }
        let mut record = recorded.record.clone();
        record.lifecycle.protect = false;
        let changes = vec![shown::lifecycle(&recorded.record.lifecycle, &record.lifecycle)];
        self.draft.local(Step::Record, Reason::LifecycleChanged, changes, put(live, &record));
    }

    fn removal_reason(&self) -> Reason {
        if self.context.inputs.options.destroy {
            Reason::Destroyed
        } else if self.context.has_key(self.address.key()) {
            Reason::Shrunk
        } else {
            Reason::Removed
        }
    }

    fn terminate(&mut self, recorded: &Recorded, pod: &RecordedPod, live: &LivePod, reason: Reason) {
        self.adopt_first(recorded, live);
        self.lift_protection(recorded, live);
        self.refuse_protected(self.is_protected() && !self.is_unprotected(), Step::Delete);
        self.refuse_locked(live, Step::Delete);
        let consequences = self.body(live, pod.container.disk).deleted();
        self.draft.push(Planning {
            step: Step::Delete,
            operation: Operation::DeletePods { ids: BTreeSet::from([live.id.clone()]) },
            reason,
            changes: Vec::new(),
            consequences,
            after: Split::default(),
            record: RecordAfter::Remove { tombstone: false },
        });
    }

    /// Keeps the pod stopped, listed with what its storage costs.
    fn retire(&mut self, recorded: &Recorded, pod: &RecordedPod, live: &LivePod, reason: Reason) {
        let mut record = recorded.record.clone();
        record.deposed.clear();
        record.retired = true;
        set_run(&mut record, RecordedRun::Stopped);
        let after = cost::stopped_live(live);
        if live.status.is_up() {
            self.refuse_locked(live, Step::Stop);
            let consequences = self.body(live, pod.container.disk).stopped();
            let reason = if recorded.record.retired { Reason::StateDrifted } else { reason };
            self.draft.push(Planning {
                step: Step::Stop,
                operation: Operation::StopPod { id: live.id.clone() },
                changes: vec![run_change(&reason, RunState::Running, RunState::Stopped)],
                reason,
                consequences,
                after,
                record: put(live, &record),
            });
        } else if !recorded.record.retired {
            self.draft.push(Planning {
                step: Step::Record,
                operation: Operation::Local,
                reason,
                changes: Vec::new(),
                consequences: Vec::new(),
                after,
                record: put(live, &record),
            });
        }
        self.draft.findings.push(finding::retired(self.address, after.total().known));
    }

    /// What an earlier run created and nothing records goes as it would if it had been recorded.
    pub(super) fn remove_orphan(&mut self, live: &'a LivePod, asked: &Record) {
        if asked.lifecycle.on_remove == OnRemove::Forget && !self.context.inputs.options.destroy {
            self.draft.findings.push(finding::forgotten(self.address));
            self.draft.strangers.push(live);
            return;
        }
        let Live { observed_at, server_time, .. } = *self.context.inputs.live;
        let record = Record { deposed: BTreeSet::new(), ..asked.clone() };
        let now = Moment { here: observed_at, there: server_time };
        self.remove(&Recorded::new(RemoteId::Pod(live.id.clone()), record, now), live, None);
    }
}
