//! What waits for the end of a job, and the step that waits.
//!
//! A job that has ended well enough is waited for no more. One that goes on, or is begun by this plan, gets a step of its
//! own that waits, so that a run that is interrupted there has nothing to take back: the next plan has the step again.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::desired::{Desired, Wanted, WantedPod};
use crate::model::id::{PodId, RemoteId};
use crate::model::job::{End, RecordedJob, Until};
use crate::model::live::{Live, PodStatus, Seen};
use crate::model::marker::Token;
use crate::model::plan::{Finding, Held, Operation, Reason, RecordAfter, Step};
use crate::model::prior::Prior;

use super::draft::{Draft, Planning};
use super::graph::brought_up;
use super::pods::{Stands, run_of, stands};
use super::{Context, Drafts, finding};

/// Returns the runs that the logs of pods are asked about: of jobs of ours whose container has come up, and whose end is
/// not on record; each with whether the pod is up. What `adopt:` names is to be ours.
pub fn asked_of_logs(desired: &Desired, prior: &Prior, live: &Live) -> BTreeMap<PodId, (Token, bool)> {
    let recorded = prior.objects.values().filter_map(|recorded| match &recorded.id {
        RemoteId::Pod(id) => Some((id, recorded.record.object.pod()?.job.as_ref())),
        RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_) => None,
    });
    let recorded: BTreeMap<&PodId, Option<&RecordedJob>> = recorded.collect();
    let named: BTreeSet<&PodId> =
        desired.wanted.values().filter_map(|wanted| wanted.pod()?.adopt.as_ref()).collect();
    let runs = live.pods.values().filter_map(Seen::found).filter_map(|pod| {
        let on_record = recorded.get(&pod.id);
        let was = on_record.copied().flatten();
        let run = run_of(pod, was)?;
        let is_ours = on_record.is_some()
            || named.contains(&pod.id)
            || pod.marker.as_ref().is_some_and(|marker| marker.project == desired.project);
        let is_told = was.is_some_and(|was| was.ended.is_some() && was.run.as_ref() == Some(run));
        let has_begun = match pod.status {
            PodStatus::Running | PodStatus::Exited | PodStatus::Error => true,
            PodStatus::Provisioning | PodStatus::Starting | PodStatus::Terminated => false,
        };
        (is_ours && !is_told && has_begun).then(|| (pod.id.clone(), (run.clone(), pod.status.is_up())))
    });
    runs.collect()
}

/// How a job stands once the steps of its address are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobAfter {
    /// Its run goes on.
    Runs,
    /// It does not run, and has not ended by itself.
    Idle,
    Ended(End),
}

impl From<&Stands> for JobAfter {
    fn from(stands: &Stands) -> Self {
        match stands {
            Stands::Goes => Self::Runs,
            Stands::Ended(end) => Self::Ended(*end),
            Stands::Never | Stands::CutShort | Stands::NotKnown(_) => Self::Idle,
        }
    }
}

/// Returns why a pod cannot come up yet: a job of those that it waits for has ended otherwise, or does not run.
pub(super) fn unmet(context: &Context<'_>, drafts: &Drafts<'_>, pod: &WantedPod) -> Option<Held> {
    pod.until.iter().find_map(|(address, until)| {
        let (after, waits) = match drafts.get(address) {
            Some(draft) => (draft.job, true),
            // What the plan is not about is not waited for either.
            None => (stands(context, address).as_ref().map(JobAfter::from), false),
        };
        let ended = match after {
            Some(JobAfter::Runs) if waits => return None,
            Some(JobAfter::Ended(end)) if until.accepts(end) => return None,
            Some(JobAfter::Ended(end)) => Some(end),
            Some(JobAfter::Runs | JobAfter::Idle) | None => None,
        };
        Some(Held::Job { address: address.clone(), ended })
    })
}

/// Returns what comes up although a job has not come to a good end on which it depends without waiting for that.
pub(super) fn failed_before(context: &Context<'_>, drafts: &Drafts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (address, _) in drafts.iter().filter(|(_, draft)| brought_up(draft).is_some()) {
        let Some(Wanted::Pod(pod)) = context.wanted(address) else { continue };
        for job in pod.depends_on.iter().filter(|job| !pod.until.contains_key(*job)) {
            let after = match drafts.get(job) {
                Some(draft) => draft.job,
                None => stands(context, job).as_ref().map(JobAfter::from),
            };
            if let Some(JobAfter::Ended(end @ (End::Failed(_) | End::Unknown))) = after {
                findings.push(finding::after_failed_job(address, job, end));
            }
        }
    }
    findings
}

/// Adds a step that waits to every job whose end something waits for that comes up in this plan.
///
/// One step serves all of them. Where some ask for any end and others for a good one it waits for a good one: with another
/// end the former come up with the next plan.
pub(super) fn wait(context: &Context<'_>, drafts: &mut Drafts<'_>) {
    let mut awaited: BTreeMap<Address, Until> = BTreeMap::new();
    for (address, draft) in drafts.iter() {
        let Some(Wanted::Pod(pod)) = context.wanted(address) else { continue };
        if brought_up(draft).is_none() {
            continue;
        }
        for (job, until) in &pod.until {
            let strongest = awaited.entry(job.clone()).or_insert(*until);
            *strongest = until.min(strongest).to_owned();
        }
    }
    for (address, until) in awaited {
        let is_waited_for =
            |draft: &&mut Draft<'_>| draft.held.is_none() && draft.job == Some(JobAfter::Runs);
        let Some(draft) = drafts.get_mut(&address).filter(is_waited_for) else { continue };
        let at_most = draft.at_most;
        draft.push(Planning {
            step: Step::Await,
            operation: Operation::AwaitJob { until },
            reason: Reason::WaitedFor,
            changes: Vec::new(),
            consequences: Vec::new(),
            after: draft.after,
            record: RecordAfter::Ended,
        });
        draft.at_most = at_most;
    }
}
