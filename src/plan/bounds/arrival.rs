//! Nothing begins that waits for a pod which an earlier run has brought on its way, before that pod runs.

use std::collections::BTreeSet;

use super::{After, Bounds, live_pod, reached, takes_down};
use crate::model::address::Address;
use crate::model::desired::{Wanted, WantedPod};
use crate::model::id::RemoteId;
use crate::model::live::PodStatus;
use crate::model::plan::{Action, ActionId, Reason, Step};
use crate::model::pod::RunState;
use crate::plan::check::Violation;
use crate::plan::scope::dependencies;

impl<'a> Bounds<'a> {
    /// Former pods, dependents and the next wave wait for what is on its way.
    pub(super) fn too_early(&self, after: &After<'a>) -> Vec<Violation> {
        let wanted = self.inputs.desired.wanted.keys();
        wanted.filter(|address| self.is_on_its_way(address)).flat_map(|one| self.before(one, after)).collect()
    }

    /// Tells whether a pod that is wanted to run does not yet, and nothing ends it. What was left out is taken as it is.
    fn is_on_its_way(&self, address: &Address) -> bool {
        let is_planned = self.acting.contains_key(address) || self.plan.unchanged.contains(address);
        let ends = |(step, _): &(Step, &Action)| matches!(step, Step::Stop | Step::Delete);
        let is_wanted = self.wanted_running(address).is_some();
        if !is_planned || !is_wanted || self.steps(address).iter().any(ends) {
            return false;
        }
        let adopted = self.steps(address).iter().filter(|(step, _)| *step == Step::Adopt);
        let recorded = || Some(&self.renamed.recorded(address)?.id);
        let id = adopted.filter_map(|(_, action)| action.record.id()).next().or_else(recorded);
        let status = id.and_then(|id: &RemoteId| live_pod(self.inputs, id)).map(|pod| pod.status);
        matches!(status, Some(PodStatus::Provisioning | PodStatus::Starting))
    }

    fn wanted_running(&self, address: &Address) -> Option<&'a WantedPod> {
        self.wanted(address).and_then(Wanted::pod).filter(|pod| pod.run == RunState::Running)
    }

    /// Returns what begins before a pod runs that is on its way.
    fn before(&self, arriving: &Address, after: &After<'a>) -> Vec<Violation> {
        let runs = |(step, action): &&(Step, &Action)| {
            matches!(step, Step::Create | Step::Start | Step::Ready) || action.operation.resets()
        };
        let mut behind = BTreeSet::new();
        for (step, _) in self.steps(arriving).iter().filter(runs) {
            behind.extend(reached(&ActionId { address: arriving.clone(), step: *step }, after));
        }
        let early = self.acting.iter().flat_map(|(address, steps)| {
            let waiting =
                steps.iter().filter(|(step, action)| self.waits(address, (*step, action), arriving));
            waiting.map(|(step, _)| ActionId { address: (*address).clone(), step: *step })
        });
        early.filter(|id| !behind.contains(id)).map(|id| Violation::TooEarly(id, arriving.clone())).collect()
    }

    fn waits(&self, address: &Address, (step, action): (Step, &Action), arriving: &Address) -> bool {
        if address == arriving {
            return step == Step::DeleteDeposed && action.reason == Reason::Deposed;
        }
        let Some(pod) = self.wanted_running(address) else { return false };
        let brings_up = matches!(step, Step::Create | Step::Start);
        let is_brought_up = brings_up
            || action.operation.resets()
                && !self.has(address, Step::Create)
                && !self.has(address, Step::Start);
        let depends = dependencies(pod).contains(arriving) && !pod.until.contains_key(arriving);
        let is_in_wave = self.plan.waves.contains_key(arriving.key())
            && address.is_pod()
            && address.key() == arriving.key()
            && takes_down(step, action)
            && self.runs(address)
            && ![address, arriving].into_iter().any(|one| self.goes_with_its_volume(one));
        depends && is_brought_up || is_in_wave
    }

    /// All pods are away before a volume is deleted that they are to mount.
    fn goes_with_its_volume(&self, address: &Address) -> bool {
        let volume = self.wanted_running(address).and_then(|pod| pod.container.storage.volume());
        volume.is_some_and(|volume| self.has(volume, Step::Delete))
    }
}
