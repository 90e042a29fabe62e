//! What is left of a saved plan once a job has ended that it was to wait for.
//!
//! That a job ends is what such a plan expects, so it is no reason to refuse it: what remains is the plan without the
//! wait, if that is planned now and nothing else. What follows from the end itself, such as that the pod of a done job is
//! terminated, nobody approved, and it is left to the next apply. That the job has ended is put on record, as the wait
//! would have done. The same goes for a job that ended meanwhile and that nothing waits for.
//!
//! Of an approved digest there is no plan to compare with. So it is planned once more as if no job had ended: if that has
//! the digest, it is what was approved.

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::job::JobLog;
use crate::model::live::{Live, PodStatus, Seen};
use crate::model::plan::{ActionId, Plan, Planned, Reason, Step, at};

use super::digest::digest;

/// A saved plan and the plan of now, each without the waits that are over.
#[derive(Clone, Debug, PartialEq)]
pub struct SinceEnd {
    /// What the saved plan says beside them.
    pub saved: Plan,
    /// What is planned now beside what follows from the ends.
    pub now: Plan,
    /// The same with the ends put on record, under the digest that was approved.
    pub to_execute: Plan,
}

/// Takes out of a saved plan the waits for jobs that have ended since, and out of the plan of now what follows from ends;
/// `None` if there are none.
pub fn since_end(saved: &Plan, now: &Plan) -> Option<SinceEnd> {
    let over: BTreeSet<&Address> =
        saved.actions.keys().chain(now.actions.keys()).map(|id| &id.address).collect();
    let over: BTreeSet<&Address> =
        over.into_iter().filter(|address| only_waits(saved, address) && has_ended(now, address)).collect();
    if over.is_empty() {
        return None;
    }
    let is_about = |id: &ActionId| over.contains(&id.address);
    let mut to_execute = part(now, |id| !is_about(id) || id.step == Step::Record);
    to_execute.digest = saved.digest.clone();
    Some(SinceEnd {
        saved: summed(part(saved, |id| !is_about(id))),
        now: summed(part(now, |id| !is_about(id))),
        to_execute,
    })
}

/// Returns what was seen with the ends of jobs taken back that are not on record; `None` if there are none.
pub fn before_ends(live: &Live) -> Option<Live> {
    let is_over = |log: &JobLog| matches!(log, JobLog::Ended(_));
    if !live.jobs.values().any(is_over) {
        return None;
    }
    let mut before = live.clone();
    for (id, log) in before.jobs.iter_mut().filter(|(_, log)| is_over(log)) {
        *log = JobLog::Silent;
        if let Some(Seen::Found(pod)) = before.pods.get_mut(id) {
            pod.status = PodStatus::Running;
        }
    }
    Some(before)
}

/// Returns what is to be executed of an approved plan: that of now, where one that waits for jobs was approved and is the same
/// but for the waits that are over.
pub fn left_since_end(approved: &Planned, now: &Planned) -> Option<Plan> {
    if approved.is_blocked() || now.is_blocked() {
        return None;
    }
    let since = since_end(approved.plan(), now.plan())?;
    (since.saved.digest == since.now.digest).then_some(since.to_execute)
}

fn only_waits(plan: &Plan, address: &Address) -> bool {
    at(&plan.actions, address).all(|(id, _)| id.step == Step::Await)
}

/// Tells whether all that is planned at an address follows from the end of its job.
fn has_ended(plan: &Plan, address: &Address) -> bool {
    at(&plan.actions, address).all(|(_, action)| action.reason == Reason::JobEnded)
}

fn part(plan: &Plan, is_in: impl Fn(&ActionId) -> bool) -> Plan {
    let mut part = plan.clone();
    part.actions.retain(|id, _| is_in(id));
    let actions = &part.actions;
    part.edges.retain(|(first, then)| actions.contains_key(first) && actions.contains_key(then));
    part.at_most.retain(|address, _| at(actions, address).next().is_some());
    part
}

fn summed(mut plan: Plan) -> Plan {
    plan.digest = digest(&plan);
    plan
}
