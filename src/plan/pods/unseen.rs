//! A job that has no record: nobody knows whether it has run, or somebody said that it is done.
//!
//! A job whose pod was terminated has left nothing in the account. Where the state that knew of it is lost, it is not run
//! on a guess: a person says that it has run, or has it run again.

use std::collections::BTreeSet;

use crate::model::desired::WantedPod;
use crate::model::job::{End, Job, UnseenJob};
use crate::model::plan::{Held, Operation, Reason, RecordAfter, Split, Step};
use crate::model::pod::RunState;
use crate::model::settings::Container;

use super::PodPlanner;
use super::job::Stands;
use crate::plan::draft::Planning;
use crate::plan::jobs::JobAfter;
use crate::plan::{finding, shown};

impl<'a> PodPlanner<'_, 'a> {
    /// Plans a job of which no pod is on record and something is known all the same.
    pub(super) fn unseen_job(&mut self, wanted: &'a WantedPod, job: &Job, known: &UnseenJob) {
        self.begin(None, None);
        let requested = self.context.is_to_be_replaced(self.address);
        let is_wanted = wanted.run == RunState::Running;
        let again = match known {
            UnseenJob::NotKnown => requested.then_some(Reason::New),
            UnseenJob::Done(_) if requested => Some(Reason::Requested),
            UnseenJob::Done(given) => {
                self.is_written_otherwise(wanted, job, given).then_some(Reason::RunAgain)
            }
        };
        if let Some(reason) = again.filter(|_| is_wanted) {
            let Some(ways) = self.candidates(wanted) else { return };
            return self.create(wanted, ways, reason, shown::creation(wanted), Vec::new(), BTreeSet::new());
        }
        match known {
            UnseenJob::NotKnown if is_wanted => {
                let held = self.not_known();
                self.draft.hold_where_it_moves(held);
            }
            UnseenJob::NotKnown => self.draft.job = Some(JobAfter::Idle),
            UnseenJob::Done(_) => {
                self.draft.job = Some(JobAfter::Ended(End::Done));
                self.draft.findings.extend(finding::job(self.address, &Stands::Ended(End::Done)));
            }
        }
    }

    /// Returns why a job does not run of which nobody knows whether it has.
    pub(super) fn not_known(&self) -> Held {
        let address = self.address;
        Held::NotPossible(format!(
            "nobody knows whether its job has run, as the state that would was lost or is an older one; `podform state done {address}` says \
             that it is done, `--replace {address}` runs it"
        ))
    }

    /// Forgets what is known of a job that the spec does not have any more.
    pub(super) fn forget_unseen(&mut self) {
        self.begin(None, None);
        let destroyed = self.context.inputs.options.destroy;
        self.draft.push(Planning {
            step: Step::Forget,
            operation: Operation::Local,
            reason: if destroyed { Reason::Destroyed } else { Reason::Removed },
            changes: Vec::new(),
            consequences: Vec::new(),
            after: Split::default(),
            record: RecordAfter::Remove { tombstone: false },
        });
    }

    /// Tells whether the spec gives a job something else than it did when somebody said that it is done.
    pub(super) fn is_written_otherwise(&self, wanted: &WantedPod, job: &Job, given: &Container) -> bool {
        let written = self.context.written(self.address).unwrap_or(&wanted.container);
        job.changed(given, written).iter().any(|field| !wanted.lifecycle.ignores(field))
    }
}
