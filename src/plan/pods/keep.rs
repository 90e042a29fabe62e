//! A wanted pod that is there: brought to what is wanted, step by step.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::desired::{ComputeWish, OnReplace, OnStuckResume, WantedPod};
use crate::model::id::{PodId, RemoteId};
use crate::model::job::RecordedJob;
use crate::model::live::{LivePod, PodStatus, Rental};
use crate::model::marker::Token;
use crate::model::money::Hourly;
use crate::model::plan::{
    Cause, Disruption, DriftKind, FieldChange, OnStuck, Operation, PodCreation, Reason, RecordAfter, Step,
    pods, texts,
};
use crate::model::pod::{RunState, Storage};
use crate::model::prior::{Api, KnownToken, Record, Recorded, RecordedObject, RecordedPod, RecordedRun};
use crate::model::provenance::{Provenance as Judged, Viewpoint, Witness, judge_pod};
use crate::model::settings::{Container, Field, PodPatch};
use crate::model::size::Gigabytes;
use crate::model::value::Value;

use super::PodPlanner;
use super::create::Ways;
use super::job::{Left, Verdict, job_drift};
use super::record::{is_news, put, run_change, same_rules, set_run};
use crate::plan::compare::{Compared, Comparison, Pair};
use crate::plan::draft::Planning;
use crate::plan::effect;
use crate::plan::jobs::JobAfter;
use crate::plan::presence::{Known, Successor};
use crate::plan::{Inputs, cost, finding, references, satisfaction, shown};

impl<'a> PodPlanner<'_, 'a> {
    pub(super) fn keep(&mut self, wanted: &'a WantedPod, recorded: &'a Recorded, live: &'a LivePod) {
        let Some(pod) = recorded.record.object.pod() else { return };
        self.begin(Some(live), Some(pod));
        self.run_drift(pod, live);
        let from = self.context.renamed.moves.get(self.address).unwrap_or(self.address);
        self.stored = self.context.inputs.prior.objects.get(from).map(|stored| &stored.record.object);
        let record = recorded.record.clone();
        self.reconcile(Reconciling {
            wanted,
            live,
            recorded: Some(pod),
            rebuilt: recorded.rebuilt,
            record,
            adopt: None,
        });
    }

    pub(super) fn adopt(&mut self, wanted: &'a WantedPod, live: &'a LivePod, known: Known<'a>) {
        let (recorded, token) = match known {
            Known::Migrated(recorded, by) => {
                self.draft.drift.push(match by {
                    Successor::Moved => {
                        DriftKind::Migrated { from: recorded.id.clone(), to: RemoteId::Pod(live.id.clone()) }
                    }
                    Successor::Named | Successor::Made => DriftKind::Vanished,
                });
                // What another create of ours made carries the token of that one.
                let made = live.marker.as_ref().filter(|_| by == Successor::Made);
                let token = made.map(|marker| marker.token.clone()).or_else(|| recorded.record.token.clone());
                (recorded.record.object.pod(), token)
            }
            Known::Asked(asked) => (asked.object.pod(), asked.token.clone()),
            Known::Nothing => (None, self.token_taken_back(live)),
        };
        self.begin(Some(live), recorded);
        let pod = RecordedPod {
            container: wanted.container.clone(),
            access: recorded.and_then(|recorded| recorded.access),
            compute: live.compute.clone().or_else(|| recorded.and_then(|recorded| recorded.compute.clone())),
            cloud: live.cloud.or_else(|| recorded.and_then(|recorded| recorded.cloud)),
            data_center: live.data_center.clone(),
            run: RecordedRun::seen(live.status.is_up()),
            job: recorded.and_then(|recorded| recorded.job.clone()),
            depends_on: wanted.depends_on.clone(),
        };
        let object = RecordedObject::Pod(Arc::new(pod));
        let deposed = self.surplus_ids();
        let record = Record { deposed, ..Record::new(token, wanted.lifecycle.clone(), object) };
        self.reconcile(Reconciling {
            wanted,
            live,
            recorded,
            rebuilt: false,
            record,
            adopt: Some(known.reason()),
        });
    }

    /// Returns the token of a pod that this state made, gave up and takes back by its id. Without it on record, RunPod could
    /// give the pod another id, and the address would count as empty beside it.
    fn token_taken_back(&self, live: &LivePod) -> Option<Token> {
        let Inputs { desired, prior, .. } = *self.context.inputs;
        let token = &live.marker.as_ref()?.token;
        let given_up = prior.tokens.get(token).filter(|known| known.tombstone)?;
        let known = KnownToken { tombstone: false, ..given_up.clone() };
        match judge_pod(Viewpoint::of(&desired.project, prior), live, Witness::Journal(&known)) {
            Judged::Ours(_) => Some(token.clone()),
            Judged::Unmarked
            | Judged::OtherProject(_)
            | Judged::OtherState(_)
            | Judged::NewerState(_)
            | Judged::GivenUp
            | Judged::Copy { .. }
            | Judged::NotTold(_) => None,
        }
    }

    pub(super) fn surplus_ids(&self) -> BTreeSet<PodId> {
        self.surplus.iter().map(|pod| pod.id.clone()).collect()
    }

    pub(super) fn run_drift(&mut self, recorded: &RecordedPod, live: &LivePod) {
        if self.failed_after_update(live) {
            return;
        }
        if recorded.job.is_some() {
            return self.draft.drift.extend(job_drift(recorded, live));
        }
        match (recorded.run.state(), live.status.is_up()) {
            (RunState::Running, false) if live.rental == Some(Rental::Spot { outbid: true }) => {
                self.draft.drift.push(DriftKind::Interrupted);
            }
            (RunState::Running, false) => self.draft.drift.push(DriftKind::Stopped),
            (RunState::Stopped, true) => self.draft.drift.push(DriftKind::Started),
            (RunState::Running, true) | (RunState::Stopped, false) => {}
        }
    }

    /// Tells whether a pod is down that was sent a change whose end nobody saw. Over v1 and GraphQL a container that failed
    /// reads as a pod that was stopped.
    fn failed_after_update(&self, live: &LivePod) -> bool {
        let may_have_failed = match live.status {
            PodStatus::Error => true,
            PodStatus::Exited => self.context.inputs.api != Api::V2,
            PodStatus::Provisioning | PodStatus::Starting | PodStatus::Running | PodStatus::Terminated => {
                false
            }
        };
        may_have_failed && self.was_sent_an_update()
    }

    /// Tells whether an earlier run has sent a change of this pod of which it did not see what became.
    fn was_sent_an_update(&self) -> bool {
        let mut open = self.context.renamed.open.iter().map(|intent| &intent.action);
        open.any(|action| action.step == Step::Update && action.address == *self.address)
    }

    fn reconcile(&mut self, reconciling: Reconciling<'a>) {
        let Reconciling { wanted, live, recorded, rebuilt, record, adopt } = reconciling;
        let volume = wanted.container.storage.volume().and_then(|volume| self.context.volumes.id(volume));
        let inputs = self.context.inputs;
        let pair = Pair {
            address: self.address,
            wanted,
            written: self.context.written(self.address).unwrap_or(&wanted.container),
            recorded,
            rebuilt,
            live,
            token: record.token.clone(),
            volume,
            registries: self.context.registries,
            catalog: self.context.catalog,
            secrets: inputs.secrets,
            api: inputs.api,
        };
        let Compared { mut comparison, mut applied, seen } = pair.compare();
        self.draft.findings.append(&mut comparison.findings);
        if self.was_sent_an_update() {
            // An earlier run sent what the spec says, and did not come to see it.
            let wanted = |field: &Field| references::given(&wanted.container, field);
            comparison.drift.retain(|drift| drift.live != wanted(&drift.field));
        }
        if !comparison.drift.is_empty() {
            self.draft.drift.push(DriftKind::Fields(std::mem::take(&mut comparison.drift)));
        }
        if comparison.mark_removed {
            self.draft.drift.push(DriftKind::MarkRemoved);
        }
        let requested = self.context.is_to_be_replaced(self.address);
        if adopt.is_some() && live.command_is_guess {
            self.draft.findings.push(finding::command_is_guess(self.address));
        }
        let mut run = None;
        if !requested && let Some(job) = &wanted.job {
            match self.judge_job(wanted, live, recorded, rebuilt, &comparison) {
                Some(Verdict::Run(again)) => {
                    run = Some(again.run.clone());
                    self.begin_run(job, wanted, again, &mut comparison);
                }
                Some(Verdict::Leave(stands)) => {
                    let left = Left { wanted, job, live, record, adopt, comparison, seen, stands };
                    return self.leave_job(left);
                }
                Some(Verdict::Hold(held)) => return self.draft.hold(held),
                None => {}
            }
        }
        let needs_replacement = requested || comparison.replacing().next().is_some();
        if needs_replacement && wanted.run == RunState::Running {
            // On record before it is replaced: the engine ends only what the address has.
            let mut record = record;
            if let Some(reason) = adopt {
                if let Some(pod) = record.object.pod_mut() {
                    pod.container = seen;
                }
                self.draft.local(Step::Adopt, reason, Vec::new(), put(live, &record));
            }
            let goes_first = match wanted.lifecycle.on_replace {
                OnReplace::DestroyFirst => true,
                OnReplace::CreateFirst => self.former(wanted).is_empty(),
            };
            if goes_first {
                self.delete_surplus();
            }
            let begun = self.draft.steps.len();
            self.replace(wanted, live, recorded, comparison, requested);
            if self.draft.has(Step::Create) {
                self.delete_surplus_last(begun);
            }
            return;
        }
        if needs_replacement {
            self.defer_replacement(&comparison, requested, &seen, &mut applied);
        }
        self.draft.job = run.as_ref().map(|_| JobAfter::Runs);
        let job = run.map(|run| RecordedJob::begun(Some(run)));
        self.converge(Converging { wanted, live, recorded, record, adopt, comparison, applied, seen, job });
    }

    /// A stopped pod is not replaced: that would start and bill a pod that nobody wants to run.
    fn defer_replacement(
        &mut self,
        comparison: &Comparison,
        requested: bool,
        seen: &Container,
        applied: &mut Container,
    ) {
        let fields: Vec<Field> = comparison.replacing().map(|change| change.field.clone()).collect();
        // The record keeps the storage that the pod has: with the wanted one it would never be replaced.
        if fields.contains(&Field::Volumes) {
            applied.storage = seen.storage.clone();
        }
        if !fields.is_empty() {
            self.draft.findings.push(finding::replaced_when_running(self.address, &fields));
        }
        if requested {
            self.draft.findings.push(finding::replace_without_effect(self.address, "it is wanted stopped"));
        }
    }

    /// Plans everything that needs no replacement.
    fn converge(&mut self, converging: Converging<'a>) {
        let Converging { wanted, live, recorded, record, adopt, comparison, applied, seen, job } = converging;
        let is_up = live.status.is_up();
        let changes = effect::on_stopped(comparison.in_place(), is_up && wanted.run == RunState::Running);
        let lost_gpus = satisfaction::lost_gpus(live, recorded);
        let run = match (wanted.run, is_up, lost_gpus) {
            (RunState::Running, true, false) | (RunState::Stopped, false, _) => Run::Stay,
            (RunState::Running, true, true) => Run::Again,
            (RunState::Running, false, _) => Run::Start,
            (RunState::Stopped, true, _) => Run::Stop,
        };
        if wanted.run == RunState::Running {
            self.say_not_running(live);
        }
        let before = record.clone();
        // The surplus is on record before it is deleted: the engine ends only what the address has.
        let mut record = Record { deposed: self.surplus_ids(), ..record };
        // What is still to be changed is recorded by its own step, after it happened.
        let container = if changes.is_empty() { &applied } else { &seen };
        self.describe(
            &mut record,
            wanted,
            live,
            if adopt.is_some() || changes.is_empty() { Some(container) } else { None },
        );
        match adopt {
            Some(reason) => self.draft.local(Step::Adopt, reason, Vec::new(), put(live, &record)),
            None => {
                let nothing_follows = changes.is_empty() && run == Run::Stay && self.surplus.is_empty();
                self.record_step(live, (&before, &record), nothing_follows);
                self.drop_outlived();
            }
        }
        record.deposed = self.former(wanted);
        if record.deposed.is_empty() {
            self.delete_surplus();
        }
        let (begun, beside) = (self.draft.steps.len(), self.surplus_cost());
        let reason = match run {
            Run::Start | Run::Stay if job.is_some() => Reason::RunAgain,
            Run::Start if self.failed_after_update(live) => Reason::Failed,
            Run::Start if recorded.is_some_and(|recorded| has_failed(recorded, live)) => Reason::Failed,
            Run::Stay | Run::Stop | Run::Start => run_reason(recorded, wanted.run),
            Run::Again => Reason::GpusLost,
        };
        let mut steps = Steps { wanted, live, recorded, record, reason, comparison, changes, applied, job };
        match run {
            Run::Stay => self.update(&mut steps, is_up),
            // Stopped first: a change of a running pod resets it, and it would start anew only to be stopped.
            Run::Stop => {
                if matches!(steps.live.settings.storage, Storage::Local { .. }) {
                    let replaced = match wanted.lifecycle.on_stuck_resume {
                        OnStuckResume::Fail | OnStuckResume::Wait => false,
                        OnStuckResume::Replace => !wanted.lifecycle.protect,
                    };
                    self.draft.findings.push(finding::bound_to_host(self.address, replaced));
                }
                self.stop(&mut steps);
                self.update(&mut steps, false);
            }
            // Changed while it is stopped, which resets nothing: it starts once, with the new values.
            Run::Start => {
                self.update(&mut steps, false);
                self.start(&mut steps);
            }
            Run::Again => {
                self.stop(&mut steps);
                self.update(&mut steps, false);
                self.start(&mut steps);
            }
        }
        self.draft.bill_beside(begun, beside);
        self.delete_surplus_last(begun);
    }

    /// Brings everything in the record up to date that no call is needed for.
    pub(super) fn describe(
        &self,
        record: &mut Record,
        wanted: &WantedPod,
        live: &LivePod,
        container: Option<&Container>,
    ) {
        record.lifecycle = wanted.lifecycle.clone();
        record.retired = false;
        let RecordedObject::Pod(pod) = &mut record.object else { return };
        let is_up = live.status.is_up();
        // One that lost its GPUs shows what it came back with; the record keeps what it must have, by which a loss is told.
        let seen = Some(live).filter(|_| is_up && !satisfaction::lost_gpus(live, Some(pod)));
        let described = RecordedPod {
            container: container.unwrap_or(&pod.container).clone(),
            access: pod.access,
            compute: seen.and_then(|live| live.compute.clone()).or_else(|| pod.compute.clone()),
            cloud: seen.and_then(|live| live.cloud).or(pod.cloud),
            data_center: seen.and_then(|live| live.data_center.clone()).or_else(|| pod.data_center.clone()),
            run: if has_failed(pod, live) { pod.run } else { RecordedRun::seen(is_up) },
            job: wanted.job.as_ref().and(pod.job.clone()),
            depends_on: wanted.depends_on.clone(),
        };
        // Most records say already what is so, and are shared with the state then.
        if **pod != described {
            *pod = Arc::new(described);
        }
    }

    /// Tells whether what a pod depends on differs only in those that it refers to, or was told the ids of. An update that
    /// follows shows that, and records it.
    fn comes_with_references(&self, before: &RecordedPod, after: &RecordedPod) -> bool {
        let written = self.context.written(self.address).map(pods).unwrap_or_default();
        let was_told = |dependency: &Address| match self.context.renamed.recorded(dependency).map(|it| &it.id)
        {
            Some(RemoteId::Pod(id)) => texts(&before.container).any(|text| text.contains(id.as_str())),
            Some(RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_)) | None => false,
        };
        before.depends_on.difference(&after.depends_on).all(was_told)
            && after.depends_on.difference(&before.depends_on).all(|new| written.contains(new))
    }

    /// Writes what changed without a call: what podform may do, and what the state did not know.
    pub(super) fn record_step(
        &mut self,
        live: &LivePod,
        (before, after): (&Record, &Record),
        nothing_follows: bool,
    ) {
        let mut changes = Vec::new();
        if !same_rules(&before.lifecycle, &after.lifecycle) {
            changes.push(shown::lifecycle(&before.lifecycle, &after.lifecycle));
        }
        if let (RecordedObject::Pod(before), RecordedObject::Pod(after)) = (&before.object, &after.object)
            && before.depends_on != after.depends_on
            && (nothing_follows || !self.comes_with_references(before, after))
        {
            let (before, after) = (Value::list(&before.depends_on), Value::list(&after.depends_on));
            changes.push(shown::by_spec(Field::DependsOn, before, after));
        }
        let by_spec = !changes.is_empty() || before.retired != after.retired;
        // What the state has, under the names that it has, is what a reader of the plan knows.
        let stored = self.stored.unwrap_or(&before.object);
        let is_rewritten = *stored != before.object;
        if nothing_follows && (is_rewritten || is_news(before, after)) {
            let others = shown::recorded_differences(stored, &after.object);
            let listed: BTreeSet<Field> = changes.iter().map(|change| change.field.clone()).collect();
            changes.extend(others.into_iter().filter(|change| !listed.contains(&change.field)));
        }
        let has_ended = |record: &Record| record.object.pod()?.job.as_ref()?.ended;
        let ended = has_ended(before) != has_ended(after);
        if ended {
            // Nobody changed it: the job came to its end.
            let moved =
                changes.iter_mut().filter(|change| [Field::State, Field::Run].contains(&change.field));
            moved.for_each(|change| change.cause = Cause::Outside);
        }
        // A job that is left as it is has been given nothing by anybody.
        let is_job = after.object.pod().is_some_and(|pod| pod.job.is_some());
        for change in changes.iter_mut().filter(|_| is_job) {
            if self.draft.drift.iter().any(|drift| has_moved(drift, &change.field)) {
                change.cause = Cause::Outside;
            }
        }
        if !by_spec && changes.is_empty() {
            return;
        }
        let reason = if ended {
            Reason::JobEnded
        } else if by_spec {
            Reason::LifecycleChanged
        } else {
            Reason::Changed
        };
        self.draft.local(Step::Record, reason, changes, put(live, after));
    }

    /// Replaced pods that are gone by themselves leave the state.
    pub(super) fn drop_outlived(&mut self) {
        if !self.outlived || !self.surplus.is_empty() || self.draft.has(Step::Record) {
            return;
        }
        let none = RecordAfter::Deposed(BTreeSet::new());
        self.draft.local(Step::Record, Reason::Deposed, Vec::new(), none);
    }

    fn update(&mut self, steps: &mut Steps<'a>, is_up: bool) {
        if steps.changes.is_empty() {
            return;
        }
        let disruption = effect::of_update(&steps.changes, is_up);
        let mut patch = steps.comparison.patch.clone();
        // A lock of RunPod's forbids what stops or resets a pod, and nothing else.
        match disruption {
            Disruption::InPlace | Disruption::NextStart => {}
            Disruption::Reset | Disruption::Replace => self.open_lock(steps, &mut patch),
        }
        if let Some(pod) = steps.record.object.pod_mut() {
            pod.container = steps.applied.clone();
            if let Some(job) = &steps.job {
                pod.job = Some(job.clone());
            }
        }
        let disk = steps.applied.disk;
        let consequences = self.body(steps.live, disk).updated(disruption, &steps.applied.ports);
        let catalog = self.context.inputs.catalog;
        let after = if is_up {
            cost::live_running(
                catalog,
                steps.live,
                steps.recorded,
                bid_for(steps.wanted, steps.live),
                &steps.billed(),
            )
        } else {
            cost::stopped_pod(&steps.billed())
        };
        self.draft.push(Planning {
            step: Step::Update,
            operation: Operation::UpdatePod { id: steps.live.id.clone(), patch: Box::new(patch), disruption },
            reason: if steps.job.is_some() { Reason::RunAgain } else { Reason::Changed },
            changes: steps.changes.clone(),
            consequences,
            after,
            record: put(steps.live, &steps.record),
        });
    }

    /// Lets a change reset a pod whose lock is the spec's: it is opened before and, where it is wanted, closed again. Any
    /// other lock is somebody's who did not want that.
    fn open_lock(&mut self, steps: &Steps<'a>, patch: &mut PodPatch) {
        let can_lock = match self.context.inputs.api {
            Api::V2 | Api::V1 => true,
            Api::Graphql => false,
        };
        match steps.wanted.container.locked.filter(|_| can_lock) {
            None => self.refuse_locked(steps.live, Step::Update),
            Some(true) => {
                patch.locked = Some(Some(true));
                if steps.live.is_locked() {
                    self.draft.findings.push(finding::lock_opened(self.address));
                }
            }
            Some(false) if steps.live.is_locked() => patch.locked = Some(Some(false)),
            Some(false) => {}
        }
    }

    fn stop(&mut self, steps: &mut Steps<'a>) {
        self.refuse_locked(steps.live, Step::Stop);
        set_run(&mut steps.record, RecordedRun::Stopped);
        let disk = steps.record.object.pod().map_or(Gigabytes(0), |pod| pod.container.disk);
        let after = cost::stopped_live(steps.live);
        let consequences = self.body(steps.live, disk).stopped();
        let reason = steps.reason.clone();
        self.draft.push(Planning {
            step: Step::Stop,
            operation: Operation::StopPod { id: steps.live.id.clone() },
            changes: vec![run_change(&reason, RunState::Running, RunState::Stopped)],
            reason,
            consequences,
            after,
            record: put(steps.live, &steps.record),
        });
    }

    fn start(&mut self, steps: &mut Steps<'a>) {
        set_run(&mut steps.record, RecordedRun::Running);
        let wanted = steps.wanted;
        let creation = self.stuck_replacement(steps);
        let then_replaced = creation.is_some();
        let consequences =
            self.body(steps.live, steps.applied.disk).started(then_replaced, &steps.applied.ports);
        let catalog = self.context.inputs.catalog;
        let bid = bid_for(wanted, steps.live);
        let after = cost::live_running(catalog, steps.live, steps.recorded, bid, &steps.billed());
        let recorded = steps.recorded.and_then(|recorded| recorded.compute.clone());
        let reason = steps.reason.clone();
        let mut changes = vec![run_change(&reason, RunState::Stopped, RunState::Running)];
        if then_replaced {
            let only_new = steps.comparison.only_new.iter().cloned();
            changes.extend(only_new.map(|change| FieldChange { disruption: Disruption::Replace, ..change }));
        }
        let dearest = creation.as_ref().map(|creation| {
            let candidates = creation.attempts.iter().map(|attempt| &attempt.candidate);
            cost::on_dearest(&wanted.container, candidates)
        });
        let waits = wanted.lifecycle.on_stuck_resume == OnStuckResume::Wait;
        let patience = self.context.inputs.desired.retry(self.address).filter(|_| waits);
        if !then_replaced && patience.is_none() {
            self.draft.findings.push(finding::resume_may_fail(self.address));
        }
        let on_stuck = match (creation, patience) {
            (Some(creation), _) => OnStuck::Replace(Box::new(creation)),
            (None, Some(retry)) => OnStuck::Wait(retry.patience),
            (None, None) => OnStuck::Fail,
        };
        self.draft.push(Planning {
            step: Step::Start,
            operation: Operation::StartPod {
                id: steps.live.id.clone(),
                compute: recorded.or_else(|| steps.live.compute.clone()),
                bid,
                on_stuck,
            },
            changes,
            reason,
            consequences,
            after,
            record: put(steps.live, &steps.record),
        });
        if let Some(dearest) = dearest {
            self.draft.at_most = cost::dearer(after, dearest);
        }
    }

    /// Returns what replaces the pod if its host is full. Protection and RunPod's lock forbid it, and so does a start
    /// that only something else asks for.
    fn stuck_replacement(&self, steps: &Steps<'a>) -> Option<PodCreation> {
        let lifecycle = &steps.wanted.lifecycle;
        let may_replace = match lifecycle.on_stuck_resume {
            OnStuckResume::Fail | OnStuckResume::Wait => false,
            OnStuckResume::Replace => !lifecycle.protect && !steps.live.is_locked() && !self.is_spared,
        };
        let ways = if may_replace { Ways::of(self.choices(steps.wanted)) } else { None };
        ways.map(|ways| self.creation(steps.wanted, ways))
    }
}

/// Returns what is offered for each GPU of a pod that is rented by a bid.
fn bid_for(wanted: &WantedPod, live: &LivePod) -> Option<Hourly> {
    match (&wanted.hardware.compute, live.rental) {
        (ComputeWish::Gpu(gpu), Some(Rental::Spot { .. })) => gpu.rent.bid(),
        (ComputeWish::Gpu(_), Some(Rental::OnDemand) | None) | (ComputeWish::Cpu(_), _) => None,
    }
}

/// A live pod on its way to what is wanted.
struct Reconciling<'a> {
    wanted: &'a WantedPod,
    live: &'a LivePod,
    recorded: Option<&'a RecordedPod>,
    rebuilt: bool,
    /// What the state says, or is to say once the pod is adopted.
    record: Record,
    adopt: Option<Reason>,
}

/// The same after the comparison.
struct Converging<'a> {
    wanted: &'a WantedPod,
    live: &'a LivePod,
    recorded: Option<&'a RecordedPod>,
    record: Record,
    adopt: Option<Reason>,
    comparison: Comparison,
    applied: Container,
    seen: Container,
    /// The run that an update begins.
    job: Option<RecordedJob>,
}

/// What the steps of one pod have in common; `record` moves along with them.
struct Steps<'a> {
    wanted: &'a WantedPod,
    live: &'a LivePod,
    recorded: Option<&'a RecordedPod>,
    record: Record,
    /// Why it is stopped or started.
    reason: Reason,
    comparison: Comparison,
    changes: Vec<FieldChange>,
    applied: Container,
    job: Option<RecordedJob>,
}

impl Steps<'_> {
    /// Returns what is billed once the changes in place are applied: disks that others grew are, but are not recorded.
    fn billed(&self) -> Container {
        let Self { live, comparison, applied, .. } = self;
        let PodPatch { disk, storage, .. } = &comparison.patch;
        let storage = match (storage, &live.settings.storage) {
            (Some(storage), _) => storage.clone(),
            (None, Storage::Local { size, path }) => Storage::Local { size: *size, path: path.clone() },
            // A network volume is billed at its own address.
            (None, Storage::None | Storage::Network { .. }) => Storage::None,
        };
        Container { disk: disk.or(live.settings.disk).unwrap_or(applied.disk), storage, ..applied.clone() }
    }
}

/// What is to happen to a pod's run state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Stay,
    Stop,
    Start,
    /// Stop and start, to get lost GPUs back.
    Again,
}

/// Tells whether others have changed this field.
fn has_moved(drift: &DriftKind, field: &Field) -> bool {
    match drift {
        DriftKind::Fields(fields) => fields.iter().any(|drifted| drifted.field == *field),
        DriftKind::Stopped | DriftKind::Started => *field == Field::State,
        DriftKind::Interrupted
        | DriftKind::Vanished
        | DriftKind::MarkRemoved
        | DriftKind::Migrated { .. } => false,
    }
}

/// Tells whether a pod is down as it was when podform looked at it after its own create, start or reset.
fn has_failed(recorded: &RecordedPod, live: &LivePod) -> bool {
    recorded.run == RecordedRun::Failed && !live.status.is_up()
}

/// Tells apart a wish that changed from a pod that others stopped or started.
fn run_reason(recorded: Option<&RecordedPod>, wanted: RunState) -> Reason {
    match recorded {
        // A job that has ended was stopped by nobody else.
        Some(recorded) if recorded.run.state() == wanted && recorded.job.is_none() => Reason::StateDrifted,
        Some(_) | None => Reason::StateWanted,
    }
}
