//! A pod that is a job: whether its run goes on, ended or is to begin again.
//!
//! A job that has ended is neither drift nor started again. It runs again when something changes in the spec that it was
//! given (`rerun_on`), by `--replace`, or if podform itself stopped it before. Any other change waits for that: applied to
//! a pod that is up it would run the job once more, and for a pod that is down nobody needs it earlier.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use crate::model::address::Address;
use crate::model::desired::WantedPod;
use crate::model::id::RemoteId;
use crate::model::job::{self, End, Job, JobLog, RecordedJob, Then, UnseenJob};
use crate::model::live::{Live, LivePod, Ran, Seen};
use crate::model::marker::Token;
use crate::model::plan::{
    Cause, Consequence, Disruption, DriftKind, FieldChange, Held, Operation, Reason, RecordAfter, Split, Step,
};
use crate::model::pod::RunState;
use crate::model::prior::{Record, Recorded, RecordedPod, RecordedRun};
use crate::model::settings::{Container, Field};
use crate::model::value::Value;

use super::PodPlanner;
use super::create::creation_again;
use super::record::{put, set_run};
use crate::plan::compare::Comparison;
use crate::plan::draft::Planning;
use crate::plan::jobs::JobAfter;
use crate::plan::{Context, Inputs, effect, finding, shown};

/// How the last run of a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Its pod was given no run.
    Never,
    /// It goes on, or is about to begin.
    Goes,
    /// Podform stopped it, or did not come to start it.
    CutShort,
    Ended(End),
    /// It is down, and what its log says could not be read.
    NotKnown(String),
}

impl Stands {
    /// Judges the run of a pod that is there. What is on record of another run says nothing of this one, and a state of which
    /// nobody knows what came after it does not tell that a run never began.
    fn of(
        (recorded, unseen): (Option<&RecordedPod>, Option<&UnseenJob>),
        live: &LivePod,
        log: Option<&JobLog>,
    ) -> Self {
        let was = recorded.and_then(|recorded| recorded.job.as_ref());
        let Some(run) = run_of(live, was) else {
            // A service that became a job while it was down has none on record.
            let was = was.filter(|was| was.run.is_some() || was.ended.is_some());
            // Whoever took its shell away ended its run.
            return was.map_or(Self::Never, |was| Self::Ended(was.ended.unwrap_or(End::Unknown)));
        };
        let is_known = was.filter(|was| was.run.as_ref() == Some(run));
        if let Some(end) = is_known.and_then(|was| was.ended) {
            return Self::Ended(end);
        }
        let is_stopped = recorded.is_some_and(|recorded| recorded.run.state() == RunState::Stopped);
        let is_outdated = unseen == Some(&UnseenJob::NotKnown) && is_known.is_none();
        match (log, live.status.is_up()) {
            (Some(JobLog::Ended(code)), _) => Self::Ended(End::of_code(*code)),
            (Some(JobLog::Silent | JobLog::Unread(_)) | None, true) => Self::Goes,
            // A run that was prepared and never begun leaves the end of the one before it.
            (Some(JobLog::Silent), false) if is_stopped && !is_outdated => {
                was.and_then(|was| was.ended).map_or(Self::CutShort, Self::Ended)
            }
            (Some(JobLog::Silent), false) => Self::Ended(End::Unknown),
            (Some(JobLog::Unread(why)), false) => Self::NotKnown(format!("its log could not be read: {why}")),
            (None, false) => Self::NotKnown("its log was not read".to_owned()),
        }
    }

    /// Returns it as it is recorded: an end that nobody knows is looked for again while there is a log.
    fn recorded(&self) -> Option<End> {
        match self {
            Self::Ended(End::Unknown) | Self::Never | Self::Goes | Self::CutShort | Self::NotKnown(_) => None,
            Self::Ended(end @ (End::Done | End::Failed(_))) => Some(*end),
        }
    }

    fn value(&self) -> Value {
        if *self == Self::Never { Value::Absent } else { Value::word(self) }
    }
}

impl fmt::Display for Stands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("not begun"),
            Self::Goes => f.write_str("under way"),
            Self::CutShort => f.write_str("stopped"),
            Self::Ended(end) => end.fmt(f),
            Self::NotKnown(_) => f.write_str("not known"),
        }
    }
}

/// Returns how the job of an address stands that the plan is not about; `None` where the state has none.
pub(in crate::plan) fn stands(context: &Context<'_>, address: &Address) -> Option<Stands> {
    if let Some(recorded) = context.renamed.recorded(address) {
        let unseen = context.renamed.unseen.get(address).map(Cow::as_ref);
        return job_stands((recorded, unseen), context.inputs.live);
    }
    let known = context.renamed.unseen.get(address)?;
    Some(match known.as_ref() {
        UnseenJob::NotKnown => Stands::NotKnown(known.to_string()),
        UnseenJob::Done(_) => Stands::Ended(End::Done),
    })
}

/// Tells whether the run of a job goes on on a pod that an address has or had.
pub(super) fn goes(recorded: Option<&Recorded>, pod: &LivePod, live: &Live) -> bool {
    let is_its = |recorded: &&Recorded| recorded.id == RemoteId::Pod(pod.id.clone());
    let recorded = recorded.filter(is_its).and_then(|recorded| recorded.record.object.pod());
    pod.status.is_up() && Stands::of((recorded, None), pod, live.jobs.get(&pod.id)) == Stands::Goes
}

/// Returns how a recorded job stands of which this is known besides; `None` for anything else.
pub fn job_stands((recorded, unseen): (&Recorded, Option<&UnseenJob>), live: &Live) -> Option<Stands> {
    let pod = recorded.record.object.pod()?;
    let was = pod.job.as_ref()?;
    let RemoteId::Pod(id) = &recorded.id else { return None };
    match live.pods.get(id).and_then(Seen::found) {
        Some(seen) => Some(Stands::of((Some(pod), unseen), seen, live.jobs.get(id))),
        None => Some(Stands::Ended(was.ended.unwrap_or(End::Unknown))),
    }
}

/// Returns the run that a pod was last given; the one on record where the API does not show its entrypoint.
pub(in crate::plan) fn run_of<'a>(live: &'a LivePod, was: Option<&'a RecordedJob>) -> Option<&'a Token> {
    let recorded = || was.filter(|_| live.settings.entrypoint.is_none())?.run.as_ref();
    live.run.as_ref().or_else(recorded)
}

/// Tells whether a pod was given another run than the one on record.
fn is_other_run(recorded: &RecordedPod, live: &LivePod) -> bool {
    let was = recorded.job.as_ref();
    was.is_some_and(|was| run_of(live, Some(was)).is_some_and(|run| was.run.as_ref() != Some(run)))
}

/// Tells what others did to the pod of a job. That a run ends is no doing of others.
pub(super) fn job_drift(recorded: &RecordedPod, live: &LivePod) -> Option<DriftKind> {
    if is_other_run(recorded, live) {
        return None;
    }
    let has_ended = recorded.job.as_ref().is_some_and(|job| job.ended.is_some());
    match (recorded.run.state(), live.status.is_up()) {
        (RunState::Stopped, true) if is_slow_to_stop(recorded, live) => None,
        (RunState::Stopped, true) => Some(DriftKind::Started),
        // Whoever stays up does not stop itself.
        (RunState::Running, false) if has_ended && job::keeps(&recorded.container.entrypoint) => {
            Some(DriftKind::Stopped)
        }
        (RunState::Running, true | false) | (RunState::Stopped, false) => None,
    }
}

/// Tells whether a pod is up in which nothing was begun since a wait saw the end of its job: it stops itself, and has not come
/// to it.
fn is_slow_to_stop(recorded: &RecordedPod, live: &LivePod) -> bool {
    match (recorded.job.as_ref().and_then(|job| job.end_seen_at), live.ran) {
        (Some(seen), Ran::Once { since: Some(since) }) => since <= seen,
        (Some(_), Ran::Once { since: None } | Ran::NotTold | Ran::Never) | (None, _) => false,
    }
}

/// What is to happen to a job.
pub(super) enum Verdict {
    /// A run begins.
    Run(Again),
    /// Nothing but what follows from its end.
    Leave(Stands),
    /// It cannot be told.
    Hold(Held),
}

/// A run that begins.
pub(super) struct Again {
    pub(super) run: Token,
    change: FieldChange,
}

/// A job that is left as it is.
pub(super) struct Left<'a> {
    pub(super) wanted: &'a WantedPod,
    pub(super) job: &'a Job,
    pub(super) live: &'a LivePod,
    pub(super) record: Record,
    pub(super) adopt: Option<Reason>,
    pub(super) comparison: Comparison,
    pub(super) seen: Container,
    pub(super) stands: Stands,
}

impl<'a> PodPlanner<'_, 'a> {
    /// Decides whether a job of which a pod is there is to run.
    pub(super) fn judge_job(
        &mut self,
        wanted: &WantedPod,
        live: &LivePod,
        recorded: Option<&RecordedPod>,
        rebuilt: bool,
        comparison: &Comparison,
    ) -> Option<Verdict> {
        let job = wanted.job.as_ref()?;
        let log = self.context.inputs.live.jobs.get(&live.id);
        let unseen = self.context.renamed.unseen.get(self.address).map(Cow::as_ref);
        let stands = Stands::of((recorded, unseen), live, log);
        // What a rebuild found is not what the spec said then, and a run that began unrecorded was given something else, so
        // that only what is live can tell.
        let has_begun = live.status.is_up() || matches!(log, Some(JobLog::Ended(_)));
        let given = recorded.filter(|recorded| !(rebuilt || has_begun && is_other_run(recorded, live)));
        let given = given.map(|recorded| &recorded.container);
        let said = recorded.and_then(|recorded| recorded.job.as_ref()?.given.as_deref());
        let changed = match said {
            Some(given) => self.is_written_otherwise(wanted, job, given),
            None => self.is_given_another((job, wanted), given, Some(comparison)),
        };
        let runs = match (&stands, wanted.run) {
            (_, RunState::Stopped) => false,
            (Stands::Never | Stands::CutShort, RunState::Running) => true,
            (Stands::Goes | Stands::Ended(_) | Stands::NotKnown(_), RunState::Running) => changed,
        };
        if let (Stands::NotKnown(why), false) = (&stands, runs || wanted.run == RunState::Stopped) {
            return Some(Verdict::Hold(Held::Unreadable(why.clone())));
        }
        let is_other = recorded.is_some_and(|recorded| is_other_run(recorded, live));
        if stands == Stands::Ended(End::Unknown)
            && wanted.run == RunState::Running
            && unseen == Some(&UnseenJob::NotKnown)
            && (runs || is_other)
        {
            return Some(Verdict::Hold(self.not_known()));
        }
        if !runs {
            return Some(Verdict::Leave(stands));
        }
        let after = if stands == Stands::Never { "runs" } else { "runs again" };
        let change = FieldChange {
            field: Field::Run,
            before: stands.value(),
            after: Value::word(after),
            cause: Cause::Spec,
            disruption: Disruption::Reset,
        };
        Some(Verdict::Run(Again { run: self.new_run(), change }))
    }

    /// Returns the name of a run that an update begins. The attempts of a create have the lower numbers.
    fn new_run(&self) -> Token {
        let Inputs { prior, nonce, .. } = *self.context.inputs;
        Token::derive(&prior.lineage, nonce, self.address, u32::MAX)
    }

    /// Makes an update begin a run. The run is sent along with the command, as both are one text on RunPod.
    pub(super) fn begin_run(&self, job: &Job, wanted: &WantedPod, again: Again, comparison: &mut Comparison) {
        let Again { run, change } = again;
        comparison.changes.retain(|change| change.field != Field::Entrypoint);
        comparison.changes.push(change);
        comparison.changes.sort_by(|left, right| left.field.cmp(&right.field));
        comparison.patch.entrypoint = Some(job::for_run(&job::entrypoint(job.then), &run));
        comparison.patch.command.get_or_insert_with(|| wanted.container.command.clone());
    }

    /// Leaves a job as it is, but for what follows from its end: it is recorded, and its pod is stopped or terminated.
    pub(super) fn leave_job(&mut self, left: Left<'a>) {
        let Left { wanted, job, live, record, adopt, comparison, seen, stands } = left;
        self.remark_on_job(&stands, &comparison, wanted);
        if wanted.run == RunState::Running {
            self.draft.findings.extend(self.overdue(live));
        }
        let was_started = self.draft.drift.contains(&DriftKind::Started);
        if was_started && matches!(stands, Stands::Ended(_)) {
            self.draft.findings.push(finding::job_started(self.address, self.draft.now.rate()));
        }
        self.draft.job = Some(match wanted.run {
            RunState::Stopped if stands == Stands::Goes => JobAfter::Idle,
            RunState::Running | RunState::Stopped => JobAfter::from(&stands),
        });
        let before = record.clone();
        let mut record = Record { deposed: self.surplus_ids(), ..record };
        let is_other = record.object.pod().is_some_and(|recorded| is_other_run(recorded, live));
        // What somebody said says nothing of what the pod has.
        let is_said = record.object.pod().and_then(|pod| pod.job.as_ref()?.given.as_ref()).is_some();
        let is_seen = adopt.is_some() || is_said || is_other && stands != Stands::CutShort;
        self.describe(&mut record, wanted, live, is_seen.then_some(&seen));
        let is_up = live.status.is_up();
        let was = record.object.pod().and_then(|pod| pod.job.as_ref());
        let run = run_of(live, was).or(was.and_then(|was| was.run.as_ref())).cloned();
        let ended = stands.recorded();
        let same = was.filter(|was| was.run == run && was.ended == ended);
        let end_seen_at = same.and_then(|was| was.end_seen_at);
        let given = same.and_then(|was| was.given.clone());
        if let Some(pod) = record.object.pod_mut() {
            pod.job = Some(RecordedJob { run, ended, gone: false, end_seen_at, given });
        }
        // It was not podform that stopped it, so it is not podform's to start it again.
        if stands == Stands::Ended(End::Unknown) && !is_up {
            set_run(&mut record, RecordedRun::Running);
        }
        let is_protected = self.is_protected();
        let terminates = job.then == Then::Terminate && stands == Stands::Ended(End::Done);
        if terminates && is_protected {
            self.draft.findings.push(finding::job_protected(self.address));
        }
        let terminates = terminates && !is_protected;
        let stops = live.status.is_up()
            && match &stands {
                Stands::Ended(_) => !job.then.keeps() || wanted.run == RunState::Stopped,
                Stands::Never | Stands::Goes | Stands::CutShort | Stands::NotKnown(_) => {
                    wanted.run == RunState::Stopped
                }
            };
        if live.status.is_up() && !stops && live.settings.entrypoint.as_deref().is_some_and(job::keeps) {
            self.draft.findings.push(finding::job_kept(self.address));
        }
        match adopt {
            Some(reason) => self.draft.local(Step::Adopt, reason, Vec::new(), put(live, &record)),
            None => {
                // On record before the pod is terminated, as nothing tells it afterwards.
                let nothing_follows = terminates || !stops && self.surplus.is_empty();
                self.record_step(live, (&before, &record), nothing_follows);
                self.drop_outlived();
            }
        }
        self.delete_surplus();
        record.deposed.clear();
        if terminates {
            self.terminate_done(live, record);
        } else if stops {
            let reason = match &stands {
                _ if was_started => Reason::StateDrifted,
                Stands::Ended(_) => Reason::JobEnded,
                Stands::Never | Stands::Goes | Stands::CutShort | Stands::NotKnown(_) => Reason::StateWanted,
            };
            self.stop_job(live, record, reason);
        }
    }

    fn remark_on_job(&mut self, stands: &Stands, comparison: &Comparison, wanted: &WantedPod) {
        self.draft.findings.extend(finding::job(self.address, stands));
        let fields: Vec<Field> = comparison
            .changes
            .iter()
            .map(|change| if change.field == Field::Entrypoint { Field::Then } else { change.field.clone() })
            .collect();
        if !fields.is_empty() && *stands != Stands::Never {
            let is_wanted = wanted.run == RunState::Running;
            self.draft.findings.push(finding::left_to_next_run(self.address, &fields, is_wanted));
        }
    }

    fn stop_job(&mut self, live: &'a LivePod, mut record: Record, reason: Reason) {
        self.refuse_locked(live, Step::Stop);
        set_run(&mut record, RecordedRun::Stopped);
        let disk = record.object.pod().map(|pod| pod.container.disk).unwrap_or_default();
        let consequences = self.body(live, disk).stopped();
        // Nobody changed anything where a pod does not go with its run.
        let changes = match reason {
            Reason::JobEnded => Vec::new(),
            _ => vec![super::record::run_change(&reason, RunState::Running, RunState::Stopped)],
        };
        self.draft.push(Planning {
            step: Step::Stop,
            operation: Operation::StopPod { id: live.id.clone() },
            changes,
            reason,
            consequences,
            after: crate::plan::cost::stopped_live(live),
            record: put(live, &record),
        });
    }

    /// Terminates the pod of a job that is done. What it was given stays on record without it.
    fn terminate_done(&mut self, live: &'a LivePod, mut record: Record) {
        self.refuse_locked(live, Step::Delete);
        set_run(&mut record, RecordedRun::Stopped);
        let mut disk = Default::default();
        if let Some(pod) = record.object.pod_mut() {
            disk = pod.container.disk;
            if let Some(job) = &mut pod.job {
                job.gone = true;
            }
        }
        let consequences = self.body(live, disk).deleted();
        self.draft.push(Planning {
            step: Step::Delete,
            operation: Operation::DeletePods { ids: BTreeSet::from([live.id.clone()]) },
            reason: Reason::JobEnded,
            changes: Vec::new(),
            consequences,
            after: Split::default(),
            record: put(live, &record),
        });
    }

    /// Plans a job whose pod is no more. Only what is on record tells then how it ended.
    pub(super) fn gone_job(
        &mut self,
        wanted: &'a WantedPod,
        job: &Job,
        recorded: &'a Recorded,
        was: &RecordedJob,
    ) {
        self.begin(None, None);
        if !was.gone {
            self.draft.drift.push(DriftKind::Vanished);
        }
        let Some(pod) = recorded.record.object.pod() else { return };
        let requested = self.context.is_to_be_replaced(self.address);
        let changed = match was.given.as_deref() {
            Some(given) => self.is_written_otherwise(wanted, job, given),
            None => self.is_given_another((job, wanted), Some(&pod.container), None),
        };
        // It was stopped by podform, so its end is not what is missing.
        let is_cut_short = !was.gone && was.ended.is_none() && pod.run.state() == RunState::Stopped;
        if wanted.run == RunState::Running && (requested || changed || is_cut_short) {
            let unseen = self.context.renamed.unseen.get(self.address).map(Cow::as_ref);
            if !requested && unseen == Some(&UnseenJob::NotKnown) {
                let held = self.not_known();
                self.draft.hold_where_it_moves(held);
                return;
            }
            let Some(candidates) = self.candidates(wanted) else { return };
            let mut consequences = Vec::new();
            if !was.gone {
                consequences = effect::vanished(&pod.container);
            }
            consequences.push(Consequence::NewPodId);
            self.delete_surplus();
            let reason = if requested { Reason::Requested } else { Reason::RunAgain };
            let changes = creation_again(wanted, Some(pod));
            self.create(wanted, candidates, reason, changes, consequences, BTreeSet::new());
            return;
        }
        let end = was.ended.unwrap_or(End::Unknown);
        self.draft.job = Some(JobAfter::Ended(end));
        self.draft.findings.extend(finding::job(self.address, &Stands::Ended(end)));
        if was.gone {
            self.record_renamed(recorded);
            return;
        }
        let mut record = recorded.record.clone();
        set_run(&mut record, RecordedRun::Stopped);
        let after = RecordedJob { ended: Some(end), gone: true, ..was.clone() };
        if let Some(pod) = record.object.pod_mut() {
            pod.job = Some(after);
        }
        let change = FieldChange {
            field: Field::Run,
            before: was.ended.map_or(Value::word("under way"), Value::word),
            after: Value::word(end),
            cause: Cause::Outside,
            disruption: Disruption::InPlace,
        };
        let put = RecordAfter::put(Some(recorded.id.clone()), record);
        self.draft.push(Planning {
            step: Step::Record,
            operation: Operation::Local,
            reason: Reason::JobEnded,
            changes: vec![change],
            consequences: effect::vanished(&pod.container),
            after: Split::default(),
            record: put,
        });
    }

    /// Records under which addresses things go by now that a job without a pod was given: their renames leave the spec.
    fn record_renamed(&mut self, recorded: &Recorded) {
        let Recorded { id, record, .. } = recorded;
        let from = self.context.renamed.moves.get(self.address).unwrap_or(self.address);
        let Some(stored) = self.context.inputs.prior.objects.get(from) else { return };
        if stored.record.object != record.object {
            let changes = shown::recorded_differences(&stored.record.object, &record.object);
            let put = RecordAfter::put(Some(id.clone()), record.clone());
            self.draft.local(Step::Record, Reason::Changed, changes, put);
        }
    }
}
