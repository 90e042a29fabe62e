//! What is said of a pod that is up and does not run.
//!
//! Only the create that made a pod gives it up, as it alone knows that nobody began anything with it. A pod whose create was
//! cut short boots on and is billed, so whoever plans then is told what it costs and how it goes.

use super::PodPlanner;
use crate::model::live::{LivePod, PodStatus, Ran};
use crate::model::plan::Finding;
use crate::plan::{Inputs, finding};

impl PodPlanner<'_, '_> {
    /// Says that a pod which is wanted running is on its way, or should have run long since.
    pub(super) fn say_not_running(&mut self, live: &LivePod) {
        match live.status {
            PodStatus::Provisioning | PodStatus::Starting => {}
            PodStatus::Running | PodStatus::Exited | PodStatus::Error | PodStatus::Terminated => return,
        }
        let said = self.overdue(live).unwrap_or_else(|| finding::not_running_yet(self.address, live.status));
        self.draft.findings.push(said);
    }

    /// Says that a pod has had more time to boot than the spec gives it. Both times are RunPod's. When it was last started is
    /// not told, so one that was up before is taken for one that was not.
    pub(super) fn overdue(&self, live: &LivePod) -> Option<Finding> {
        let Inputs { desired, live: seen, .. } = *self.context.inputs;
        let boot = desired.boot.get(self.address)?;
        match (live.status, live.ran) {
            (PodStatus::Provisioning | PodStatus::Starting, Ran::Never) => {}
            (PodStatus::Provisioning | PodStatus::Starting, Ran::Once { since: _ } | Ran::NotTold)
            | (
                PodStatus::Running | PodStatus::Exited | PodStatus::Error | PodStatus::Terminated,
                Ran::Never | Ran::Once { since: _ } | Ran::NotTold,
            ) => return None,
        }
        let age = seen.server_time?.duration_since(live.created_at?);
        let is_over = age.as_secs() > i64::from(boot.within.0);
        is_over.then(|| finding::overdue(self.address, live, boot.within, age))
    }
}
