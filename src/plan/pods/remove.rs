//! A pod that is not wanted, or that is gone and not to come back.

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::desired::{OnRemove, WantedPod};
use crate::model::id::RemoteId;
use crate::model::live::LivePod;
use crate::model::plan::{
    Block, Consequence, DriftKind, Operation, Reason, Record, RecordAfter, Split, Step,
};
use crate::model::pod::RunState;
use crate::model::prior::{Recorded, RecordedPod};
use crate::model::settings::Field;
use crate::model::value::Value;

use super::PodPlanner;
use super::record::{pod_of, run_change, set_run};
use crate::model::size::Gigabytes;
use crate::plan::draft::{Draft, Planning, record_of};
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
    let disk = pod_of(&recorded.object).map_or(Gigabytes(0), |pod| pod.container.disk);
    draft.keep_steps(|step| match step {
        Step::Move | Step::DeleteDeposed => true,
        Step::Adopt
        | Step::Record
        | Step::Stop
        | Step::Update
        | Step::Start
        | Step::Delete
        | Step::Create
        | Step::Forget => false,
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
    let comes_back = context.wanted(address).is_some();
    draft.findings.push(finding::terminated_with_volume(address, volume, comes_back));
    draft.push(Planning {
        step: Step::Delete,
        operation: Operation::DeletePods { ids: BTreeSet::from([live.id.clone()]) },
        reason: Reason::VolumeRemoved,
        changes: Vec::new(),
        consequences: Body { pod: live, disk, volume: Some(volume) }.deleted(),
        after: Split::default(),
        record: RecordAfter::Remove { tombstone: false },
    });
}

impl<'a> PodPlanner<'_, 'a> {
    pub(super) fn forget_vanished(&mut self, recorded: &'a Recorded, wanted: Option<&'a WantedPod>) {
        self.begin(None, None);
        self.draft.drift.push(DriftKind::Vanished);
        self.delete_surplus(RecordAfter::Deposed(BTreeSet::new()));
        self.forget(recorded);
        if wanted.is_some() {
            self.draft.findings.push(finding::created_when_running(self.address));
        }
    }

    pub(super) fn remove(&mut self, recorded: &Recorded, live: &'a LivePod, successor: Option<&'a LivePod>) {
        let Some(pod) = pod_of(&recorded.object) else { return };
        self.surplus.extend(successor);
        self.begin(Some(live), Some(pod));
        self.run_drift(pod.run, live);
        self.delete_surplus(RecordAfter::Deposed(BTreeSet::new()));
        let is_recorded = self.context.renamed.objects.contains_key(self.address);
        let reason = if is_recorded { self.removal_reason() } else { Reason::Orphaned };
        if self.context.inputs.options.destroy {
            return self.terminate(recorded, pod, live, reason);
        }
        let declared = self.context.inputs.desired.removal(self.address);
        if declared == Some(OnRemove::Terminate) {
            return self.terminate(recorded, pod, live, reason);
        }
        match declared.unwrap_or(recorded.lifecycle.on_remove) {
            OnRemove::Terminate if !recorded.retired => self.terminate(recorded, pod, live, reason),
            OnRemove::Terminate | OnRemove::Stop => self.retire(recorded, pod, live, reason),
            // What was kept stopped stays so, unless the spec says now that it is given up.
            OnRemove::Forget if recorded.retired && declared.is_none() => {
                self.retire(recorded, pod, live, reason);
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
        let record = Record { id: Some(id), ..record_of(recorded) };
        let after = self.draft.after;
        self.draft.push(Planning {
            step: Step::Adopt,
            operation: Operation::Local,
            reason: self.by.map_or(Reason::Migrated, Successor::reason),
            changes: Vec::new(),
            consequences: Vec::new(),
            after,
            record: RecordAfter::Put(Box::new(record)),
        });
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
        if !recorded.lifecycle.protect {
            return;
        }
        let mut record = Record { id: Some(RemoteId::Pod(live.id.clone())), ..record_of(recorded) };
        record.lifecycle.protect = false;
        let (before, after) =
            (Value::Lifecycle(recorded.lifecycle.clone()), Value::Lifecycle(record.lifecycle.clone()));
        let cost = self.draft.after;
        self.draft.push(Planning {
            step: Step::Record,
            operation: Operation::Local,
            reason: Reason::LifecycleChanged,
            changes: vec![shown::by_spec(Field::Lifecycle, before, after)],
            consequences: Vec::new(),
            after: cost,
            record: RecordAfter::Put(Box::new(record)),
        });
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
        let mut record = record_of(recorded);
        record.id = Some(RemoteId::Pod(live.id.clone()));
        record.deposed.clear();
        record.retired = true;
        set_run(&mut record, RunState::Stopped);
        let after = cost::stopped_live(live);
        if live.status.is_up() {
            self.refuse_locked(live, Step::Stop);
            let consequences = self.body(live, pod.container.disk).stopped();
            let reason = if recorded.retired { Reason::StateDrifted } else { reason };
            self.draft.push(Planning {
                step: Step::Stop,
                operation: Operation::StopPod { id: live.id.clone() },
                changes: vec![run_change(&reason, RunState::Running, RunState::Stopped)],
                reason,
                consequences,
                after,
                record: RecordAfter::Put(Box::new(record)),
            });
        } else if !recorded.retired {
            self.draft.push(Planning {
                step: Step::Record,
                operation: Operation::Local,
                reason,
                changes: Vec::new(),
                consequences: Vec::new(),
                after,
                record: RecordAfter::Put(Box::new(record)),
            });
        }
        self.draft.findings.push(finding::retired(self.address, after.total().known));
    }

    /// What an earlier run created and nothing records goes as it would if it had been recorded.
    pub(super) fn remove_orphan(&mut self, live: &'a LivePod, sent: &Record) {
        let Record { id: _, token, lifecycle, retired, deposed: _, object } = sent;
        if lifecycle.on_remove == OnRemove::Forget && !self.context.inputs.options.destroy {
            self.draft.findings.push(finding::forgotten(self.address));
            self.draft.strangers.push(live);
            return;
        }
        let recorded = Recorded {
            id: RemoteId::Pod(live.id.clone()),
            token: token.clone(),
            recorded_at: self.context.inputs.live.observed_at,
            server_time: self.context.inputs.live.server_time,
            deposed: BTreeSet::new(),
            lifecycle: lifecycle.clone(),
            retired: *retired,
            rebuilt: false,
            object: object.clone(),
        };
        self.remove(&recorded, live, None);
    }
}
