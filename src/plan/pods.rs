//! Plans one pod: from what the presence table says to the steps, their values and their consequences.

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::catalog::Stock;
use crate::model::desired::{OnRemove, OnReplace, OnStuckResume, WantedPod};
use crate::model::field::Field;
use crate::model::id::{PodId, RemoteId};
use crate::model::live::{LivePod, LiveStorage, PodStatus, Seen};
use crate::model::marker::Token;
use crate::model::money::Amount;
use crate::model::plan::{
    Attempt, Block, Candidate, Cause, Consequence, Disruption, DriftKind, FieldChange, Held, OnStuck,
    Operation, PodCreation, Reason, Record, RecordAfter, Shown, Split, Step,
};
use crate::model::pod::{Container, RunState};
use crate::model::prior::{Api, Recorded, RecordedObject, RecordedPod};
use crate::model::size::Gigabytes;

use super::compare::{Compared, Comparison, ENTRYPOINT_ON_V2, Pair};
use super::draft::{Draft, Planning, record_of};
use super::effect::{self, Body};
use super::ownership::PodView;
use super::presence::{Case, Known, case};
use super::{Context, cost, env, finding, placement, shown};

/// Plans the address of a pod.
pub(super) fn draft<'a>(
    context: &Context<'a>,
    address: &'a Address,
    wanted: Option<&'a WantedPod>,
) -> Draft<'a> {
    let named = wanted.and_then(|wanted| wanted.adopt.as_ref());
    let PodView { sighting, retire, findings, copies } = context.ownership.pod(address, named);
    let mut planner = PodPlanner {
        context,
        address,
        draft: Draft { findings, ..Draft::default() },
        surplus: retire,
        outlived: false,
        rewritten: false,
    };
    let live = &context.inputs.live.pods;
    planner.draft.strangers = copies.iter().filter_map(|id| live.get(id)?.found()).collect();
    let deposed = context.renamed.objects.get(address).and_then(|recorded| planner.look_at_deposed(recorded));
    if let Some(wanted) = wanted {
        planner.remark_on(wanted);
    }
    let case = case(wanted.map(|wanted| wanted.run), sighting);
    match deposed.map_or(case, Case::Hold) {
        Case::Hold(held) => planner.hold(held),
        Case::Nothing => {}
        Case::RemoveOrphan { object, sent } => planner.remove_orphan(object, sent),
        Case::Remove { recorded, object, successor } => planner.remove(recorded, object, successor),
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
    /// The state still names replaced pods that are gone.
    outlived: bool,
    /// The state still names renamed objects by their old addresses.
    rewritten: bool,
}

impl<'a> PodPlanner<'_, 'a> {
    /// The cases of a wanted pod come with what is wanted.
    fn with(&mut self, wanted: Option<&'a WantedPod>, plan: impl FnOnce(&mut Self, &'a WantedPod)) {
        if let Some(wanted) = wanted {
            plan(self, wanted);
        }
    }

    fn remark_on(&mut self, wanted: &WantedPod) {
        let container = &wanted.container;
        if finding::is_unpinned(&container.image) {
            self.draft.findings.push(finding::unpinned_image(self.address, &container.image));
        }
        self.draft.findings.extend(env::literal_findings(self.address, &container.env));
    }

    /// Replaced pods that still exist are to go; one that could not be looked at holds the address.
    fn look_at_deposed(&mut self, recorded: &'a Recorded) -> Option<Held> {
        for id in &recorded.deposed {
            match self.context.inputs.live.pods.get(id) {
                Some(Seen::Found(pod)) if pod.status != PodStatus::Terminated => self.surplus.push(pod),
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
        let recorded = self.context.renamed.objects.get(self.address);
        let now = recorded.and_then(|recorded| match (&recorded.id, pod_of(&recorded.object)) {
            (RemoteId::Pod(id), Some(pod)) => Some(self.recorded_cost(id, pod)),
            (RemoteId::Pod(_) | RemoteId::Volume(_), _) => None,
        });
        self.draft.costs_now(now.unwrap_or_default());
        self.draft.hold(held);
    }

    fn recorded_cost(&self, id: &PodId, recorded: &RecordedPod) -> Split {
        let inputs = self.context.inputs;
        match inputs.live.pods.get(id).and_then(Seen::found) {
            Some(pod) => cost::live_pod(inputs.catalog, pod, Some(recorded)),
            None => cost::recorded_pod(inputs.catalog, recorded),
        }
    }

    // What every case begins with.

    fn begin(&mut self, live: Option<&LivePod>, recorded: Option<&RecordedPod>) {
        let catalog = self.context.inputs.catalog;
        let current = live.map(|pod| cost::live_pod(catalog, pod, recorded)).unwrap_or_default();
        let surplus: Split = self.surplus.iter().map(|pod| cost::live_pod(catalog, pod, None)).sum();
        self.draft.costs_now(current + surplus);
        if let Some(from) = self.context.renamed.moves.get(self.address) {
            let after = self.draft.after;
            self.draft.push(Planning {
                step: Step::Move,
                operation: Operation::Local,
                reason: Reason::Renamed,
                changes: Vec::new(),
                consequences: Vec::new(),
                after,
                record: RecordAfter::MovedFrom(from.clone()),
            });
        }
    }

    /// Terminates what an earlier replacement left behind, and duplicates of ours.
    fn delete_surplus(&mut self, record: RecordAfter) {
        if self.surplus.is_empty() {
            return;
        }
        let surplus = std::mem::take(&mut self.surplus);
        let catalog = self.context.inputs.catalog;
        let freed: Split = surplus.iter().map(|pod| cost::live_pod(catalog, pod, None)).sum();
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
            reason: Reason::Deposed,
            changes: Vec::new(),
            consequences,
            after,
            record,
        });
    }

    fn body<'b>(&'b self, pod: &'b LivePod, disk: Gigabytes) -> Body<'b> {
        let volume = match &pod.storage {
            LiveStorage::Network { id, path: _ } => self.context.volumes.address_of(id),
            LiveStorage::None | LiveStorage::Local { .. } => None,
        };
        Body { pod, disk, volume }
    }

    fn refuse_locked(&mut self, pod: &LivePod, step: Step) {
        if pod.locked == Some(true) {
            self.draft.blocks.push(Block::Locked { address: self.address.clone(), step });
        }
    }

    /// Tells whether protection was applied; it holds until an apply has lifted it.
    fn is_protected(&self) -> bool {
        let recorded = self.context.renamed.objects.get(self.address);
        recorded.is_some_and(|recorded| recorded.lifecycle.protect)
    }

    fn refuse_protected(&mut self, protect: bool, step: Step) {
        if protect {
            self.draft.blocks.push(Block::Protected { address: self.address.clone(), step });
        }
    }

    // Wanted and there.

    fn keep(&mut self, wanted: &'a WantedPod, recorded: &'a Recorded, live: &'a LivePod) {
        let Some(pod) = pod_of(&recorded.object) else { return };
        self.begin(Some(live), Some(pod));
        self.run_drift(pod.run, live);
        let from = self.context.renamed.moves.get(self.address).unwrap_or(self.address);
        let stored = self.context.inputs.prior.objects.get(from);
        self.rewritten = stored.is_some_and(|stored| stored.object != recorded.object);
        let record = record_of(recorded);
        self.reconcile(Reconciling { wanted, live, recorded: Some(pod), record, adopt: None });
    }

    fn adopt(&mut self, wanted: &'a WantedPod, live: &'a LivePod, known: Known<'a>) {
        let id = RemoteId::Pod(live.id.clone());
        let (recorded, token) = match known {
            Known::Migrated(recorded) => {
                let (from, to) = (recorded.id.clone(), id.clone());
                self.draft.drift.push(DriftKind::Migrated { from, to });
                (pod_of(&recorded.object), recorded.token.clone())
            }
            Known::Sent(sent) => (pod_of(&sent.object), sent.token.clone()),
            Known::Nothing => (None, None),
        };
        self.begin(Some(live), recorded);
        let record = Record {
            id: Some(id),
            token,
            lifecycle: wanted.lifecycle.clone(),
            retired: false,
            deposed: self.surplus_ids(),
            object: RecordedObject::Pod(Box::new(RecordedPod {
                container: wanted.container.clone(),
                access: recorded.and_then(|recorded| recorded.access),
                compute: live
                    .compute
                    .clone()
                    .or_else(|| recorded.and_then(|recorded| recorded.compute.clone())),
                cloud: live.cloud.or_else(|| recorded.and_then(|recorded| recorded.cloud)),
                data_center: live.data_center.clone(),
                run: if live.status.is_up() { RunState::Running } else { RunState::Stopped },
                depends_on: wanted.depends_on.clone(),
            })),
        };
        self.reconcile(Reconciling { wanted, live, recorded, record, adopt: Some(known.reason()) });
    }

    fn surplus_ids(&self) -> BTreeSet<PodId> {
        self.surplus.iter().map(|pod| pod.id.clone()).collect()
    }

    fn run_drift(&mut self, recorded: RunState, live: &LivePod) {
        match (recorded, live.status.is_up()) {
            (RunState::Running, false) => self.draft.drift.push(DriftKind::Stopped),
            (RunState::Stopped, true) => self.draft.drift.push(DriftKind::Started),
            (RunState::Running, true) | (RunState::Stopped, false) => {}
        }
    }

    /// Brings a live pod to what is wanted.
    fn reconcile(&mut self, reconciling: Reconciling<'a>) {
        let Reconciling { wanted, live, recorded, record, adopt } = reconciling;
        let volume = wanted.container.storage.volume().and_then(|volume| self.context.volumes.id(volume));
        let inputs = self.context.inputs;
        let pair = Pair {
            address: self.address,
            wanted,
            recorded,
            live,
            token: record.token.clone(),
            volume,
            catalog: inputs.catalog,
            secrets: inputs.secrets,
            api: inputs.api,
        };
        let Compared { mut comparison, mut applied, seen } = pair.compare();
        self.draft.findings.append(&mut comparison.findings);
        if !comparison.drift.is_empty() {
            self.draft.drift.push(DriftKind::Fields(std::mem::take(&mut comparison.drift)));
        }
        if !comparison.impossible.is_empty() {
            self.draft.hold(Held::NotPossible(comparison.impossible.join("; ")));
            return;
        }
        let requested = inputs.options.replace.contains(self.address);
        let needs_replacement = requested || comparison.replacing().next().is_some();
        if needs_replacement && wanted.run == RunState::Running {
            let mut record = record;
            if let Some(reason) = adopt {
                set_container(&mut record, &seen);
                self.adopt_step(reason, &record);
            }
            self.delete_surplus(RecordAfter::Deposed(BTreeSet::new()));
            self.replace(wanted, live, recorded, comparison, requested);
            return;
        }
        if needs_replacement {
            self.defer_replacement(&comparison, requested, &seen, &mut applied);
        }
        self.converge(Converging { wanted, live, recorded, record, adopt, comparison, applied, seen });
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

    fn adopt_step(&mut self, reason: Reason, record: &Record) {
        let after = self.draft.after;
        self.draft.push(Planning {
            step: Step::Adopt,
            operation: Operation::Local,
            reason,
            changes: Vec::new(),
            consequences: Vec::new(),
            after,
            record: RecordAfter::Put(Box::new(record.clone())),
        });
    }

    /// Plans everything that needs no replacement.
    fn converge(&mut self, converging: Converging<'a>) {
        let Converging { wanted, live, recorded, record, adopt, comparison, applied, seen } = converging;
        let is_up = live.status.is_up();
        let changes = effect::on_stopped(comparison.in_place(), is_up && wanted.run == RunState::Running);
        let lost_gpus = placement::lost_gpus(live, recorded);
        let run = match (wanted.run, is_up, lost_gpus) {
            (RunState::Running, true, false) | (RunState::Stopped, false, _) => Run::Stay,
            (RunState::Running, true, true) => Run::Again,
            (RunState::Running, false, _) => Run::Start,
            (RunState::Stopped, true, _) => Run::Stop,
        };
        if wanted.run == RunState::Running && is_up && live.status != PodStatus::Running {
            self.draft.findings.push(finding::not_running_yet(self.address, live.status));
        }
        let before = record.clone();
        let mut record = record;
        let container = if changes.is_empty() { &applied } else { &seen };
        self.describe(
            &mut record,
            wanted,
            live,
            if adopt.is_some() || changes.is_empty() { Some(container) } else { None },
        );
        match adopt {
            Some(reason) => {
                self.adopt_step(reason, &record);
            }
            None => {
                let nothing_follows = changes.is_empty() && run == Run::Stay && self.surplus.is_empty();
                self.record_step(&before, &record, nothing_follows);
                self.drop_outlived();
            }
        }
        self.delete_surplus(RecordAfter::Deposed(BTreeSet::new()));
        record.deposed.clear();
        let mut steps = Steps { wanted, live, recorded, record, comparison, changes, applied };
        match run {
            Run::Stay => self.update(&mut steps, is_up),
            Run::Stop => {
                self.stop(&mut steps);
                self.update(&mut steps, false);
            }
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
    }

    /// Brings everything in the record up to date that no call is needed for.
    fn describe(
        &self,
        record: &mut Record,
        wanted: &WantedPod,
        live: &LivePod,
        container: Option<&Container>,
    ) {
        record.lifecycle = wanted.lifecycle.clone();
        record.retired = false;
        let RecordedObject::Pod(pod) = &mut record.object else { return };
        pod.depends_on = wanted.depends_on.clone();
        pod.run = if live.status.is_up() { RunState::Running } else { RunState::Stopped };
        if let Some(container) = container {
            pod.container = container.clone();
        }
        if live.status.is_up() && !placement::lost_gpus(live, Some(pod)) {
            pod.compute = live.compute.clone().or(pod.compute.take());
            pod.cloud = live.cloud.or(pod.cloud);
            pod.data_center = live.data_center.clone().or(pod.data_center.take());
        }
    }

    /// Writes what changed without a call: what podform may do, and what the state did not know.
    fn record_step(&mut self, before: &Record, after: &Record, nothing_follows: bool) {
        let mut changes = Vec::new();
        let (lifecycle_before, lifecycle_after) =
            (shown::lifecycle(&before.lifecycle), shown::lifecycle(&after.lifecycle));
        if lifecycle_before != lifecycle_after {
            changes.push(by_spec(Field::Lifecycle, lifecycle_before, lifecycle_after));
        }
        if let (RecordedObject::Pod(before), RecordedObject::Pod(after)) = (&before.object, &after.object)
            && before.depends_on != after.depends_on
        {
            let (before, after) = (shown::list(&before.depends_on), shown::list(&after.depends_on));
            changes.push(by_spec(Field::DependsOn, before, after));
        }
        let by_spec = !changes.is_empty() || before.retired != after.retired;
        if !by_spec && (!nothing_follows || !self.rewritten && !is_news(before, after)) {
            return;
        }
        let cost = self.draft.after;
        self.draft.push(Planning {
            step: Step::Record,
            operation: Operation::Local,
            reason: if by_spec { Reason::LifecycleChanged } else { Reason::Changed },
            changes,
            consequences: Vec::new(),
            after: cost,
            record: RecordAfter::Put(Box::new(after.clone())),
        });
    }

    /// Replaced pods that are gone by themselves leave the state.
    fn drop_outlived(&mut self) {
        if !self.outlived || !self.surplus.is_empty() || self.draft.has(Step::Record) {
            return;
        }
        let after = self.draft.after;
        self.draft.push(Planning {
            step: Step::Record,
            operation: Operation::Local,
            reason: Reason::Deposed,
            changes: Vec::new(),
            consequences: Vec::new(),
            after,
            record: RecordAfter::Deposed(BTreeSet::new()),
        });
    }

    fn update(&mut self, steps: &mut Steps<'a>, is_up: bool) {
        if steps.changes.is_empty() {
            return;
        }
        let disruption = effect::of_update(&steps.changes, is_up);
        match disruption {
            Disruption::InPlace | Disruption::NextStart => {}
            Disruption::Reset | Disruption::Replace => self.refuse_locked(steps.live, Step::Update),
        }
        set_container(&mut steps.record, &steps.applied);
        let disk = steps.applied.disk;
        let consequences = self.body(steps.live, disk).updated(disruption, &steps.applied.ports);
        let catalog = self.context.inputs.catalog;
        let after = if is_up {
            cost::live_running(catalog, steps.live, steps.recorded, &steps.applied)
        } else {
            cost::stopped_pod(&steps.applied)
        };
        self.draft.push(Planning {
            step: Step::Update,
            operation: Operation::UpdatePod {
                id: steps.live.id.clone(),
                patch: Box::new(steps.comparison.patch.clone()),
                disruption,
            },
            reason: Reason::Changed,
            changes: steps.changes.clone(),
            consequences,
            after,
            record: RecordAfter::Put(Box::new(steps.record.clone())),
        });
    }

    fn stop(&mut self, steps: &mut Steps<'a>) {
        self.refuse_locked(steps.live, Step::Stop);
        set_run(&mut steps.record, RunState::Stopped);
        let container = container_of(&steps.record);
        let disk = container.map_or(Gigabytes(0), |container| container.disk);
        let after = container.map(cost::stopped_pod).unwrap_or_default();
        let consequences = self.body(steps.live, disk).stopped();
        let reason = run_reason(steps.recorded, steps.wanted.run);
        self.draft.push(Planning {
            step: Step::Stop,
            operation: Operation::StopPod { id: steps.live.id.clone() },
            changes: vec![run_change(&reason, RunState::Running, RunState::Stopped)],
            reason,
            consequences,
            after,
            record: RecordAfter::Put(Box::new(steps.record.clone())),
        });
    }

    fn start(&mut self, steps: &mut Steps<'a>) {
        set_run(&mut steps.record, RunState::Running);
        let wanted = steps.wanted;
        let creation = self.stuck_replacement(steps);
        let then_replaced = creation.is_some();
        let consequences =
            self.body(steps.live, steps.applied.disk).started(then_replaced, &steps.applied.ports);
        if !then_replaced {
            self.draft.findings.push(finding::resume_may_fail(self.address));
        }
        let catalog = self.context.inputs.catalog;
        let after = cost::live_running(catalog, steps.live, steps.recorded, &steps.applied);
        let recorded = steps.recorded.and_then(|recorded| recorded.compute.clone());
        let reason = run_reason(steps.recorded, wanted.run);
        let dearest = creation.as_ref().map(|creation| {
            let candidates: Vec<Candidate> =
                creation.attempts.iter().map(|attempt| attempt.candidate.clone()).collect();
            cost::on_dearest(&wanted.container, &candidates)
        });
        self.draft.push(Planning {
            step: Step::Start,
            operation: Operation::StartPod {
                id: steps.live.id.clone(),
                compute: recorded.or_else(|| steps.live.compute.clone()),
                on_stuck: creation.map_or(OnStuck::Fail, |creation| OnStuck::Replace(Box::new(creation))),
            },
            changes: vec![run_change(&reason, RunState::Stopped, RunState::Running)],
            reason,
            consequences,
            after,
            record: RecordAfter::Put(Box::new(steps.record.clone())),
        });
        if let Some(dearest) = dearest {
            self.draft.at_most = cost::dearer(after, dearest);
        }
    }

    /// Returns what replaces the pod if its host is full. Protection and RunPod's lock forbid it.
    fn stuck_replacement(&self, steps: &Steps<'a>) -> Option<PodCreation> {
        let lifecycle = &steps.wanted.lifecycle;
        let may_replace = match lifecycle.on_stuck_resume {
            OnStuckResume::Fail => false,
            OnStuckResume::Replace => !lifecycle.protect && steps.live.locked != Some(true),
        };
        let candidates = if may_replace { self.choices(steps.wanted).candidates } else { Vec::new() };
        (!candidates.is_empty()).then(|| self.creation(steps.wanted, candidates))
    }

    // Creation and replacement.

    fn choices(&self, wanted: &WantedPod) -> placement::Choices {
        let place = wanted.container.storage.volume().and_then(|volume| self.context.volumes.place(volume));
        placement::choices(wanted, self.context.inputs.catalog, place)
    }

    fn creation(&self, wanted: &WantedPod, candidates: Vec<Candidate>) -> PodCreation {
        let inputs = self.context.inputs;
        let token = |attempt| Token::derive(&inputs.prior.lineage, inputs.nonce, self.address, attempt);
        let attempts = candidates.into_iter().zip((0..).step_by(2)).map(|(candidate, attempt)| Attempt {
            candidate,
            token: token(attempt),
            second_token: token(attempt + 1),
        });
        PodCreation { container: self.container(wanted), access: wanted.access, attempts: attempts.collect() }
    }

    /// GraphQL cannot lock, so there nothing is asked for and nothing recorded.
    fn container(&self, wanted: &WantedPod) -> Container {
        let locked = match self.context.inputs.api {
            Api::V2 | Api::V1 => wanted.container.locked,
            Api::Graphql => None,
        };
        Container { locked, ..wanted.container.clone() }
    }

    fn create_new(&mut self, wanted: &'a WantedPod) {
        self.begin(None, None);
        if let Some(candidates) = self.candidates(wanted) {
            self.create(
                wanted,
                candidates,
                Reason::New,
                shown::creation(wanted),
                Vec::new(),
                BTreeSet::new(),
            );
        }
    }

    fn create_again(&mut self, wanted: &'a WantedPod, recorded: &'a Recorded) {
        self.begin(None, None);
        self.draft.drift.push(DriftKind::Vanished);
        let Some(candidates) = self.candidates(wanted) else { return };
        let mut consequences =
            pod_of(&recorded.object).map(|pod| effect::vanished(&pod.container)).unwrap_or_default();
        consequences.push(Consequence::NewPodId);
        self.delete_surplus(RecordAfter::Deposed(BTreeSet::new()));
        let changes = shown::creation(wanted);
        self.create(wanted, candidates, Reason::Vanished, changes, consequences, BTreeSet::new());
    }

    /// Returns the candidates, or notes why there can be no pod.
    fn candidates(&mut self, wanted: &WantedPod) -> Option<Vec<Candidate>> {
        let entrypoint = wanted.container.entrypoint.as_ref();
        if self.context.inputs.api == Api::V2 && entrypoint.is_some_and(|words| !words.is_empty()) {
            self.draft.hold(Held::NotPossible(ENTRYPOINT_ON_V2.to_owned()));
            return None;
        }
        let placement::Choices { candidates, rejected } = self.choices(wanted);
        if candidates.is_empty() {
            let address = self.address.clone();
            self.draft.blocks.push(Block::NoCandidate { address, why: rejected });
            return None;
        }
        if !rejected.is_empty() && rejected.len() <= MOST_REJECTIONS_SHOWN {
            self.draft.findings.push(finding::rejected_candidates(self.address, &rejected));
        }
        Some(candidates)
    }

    fn create(
        &mut self,
        wanted: &'a WantedPod,
        candidates: Vec<Candidate>,
        reason: Reason,
        changes: Vec<FieldChange>,
        consequences: Vec<Consequence>,
        deposed: BTreeSet<PodId>,
    ) {
        self.remark_on_creation(wanted);
        let container = &wanted.container;
        let beside = if deposed.is_empty() { Split::default() } else { self.draft.after };
        let first = candidates.first().map(|first| cost::on_candidate(container, first)).unwrap_or_default();
        let dearest = cost::on_dearest(container, &candidates);
        let record = Record {
            id: None,
            token: None,
            lifecycle: wanted.lifecycle.clone(),
            retired: false,
            deposed,
            object: RecordedObject::Pod(Box::new(RecordedPod {
                container: self.container(wanted),
                access: Some(wanted.access),
                compute: None,
                cloud: None,
                data_center: None,
                run: RunState::Running,
                depends_on: wanted.depends_on.clone(),
            })),
        };
        self.draft.push(Planning {
            step: Step::Create,
            operation: Operation::CreatePod(Box::new(self.creation(wanted, candidates))),
            reason,
            changes,
            consequences,
            after: beside + first,
            record: RecordAfter::Put(Box::new(record)),
        });
        self.draft.at_most = dearest;
    }

    fn remark_on_creation(&mut self, wanted: &WantedPod) {
        match self.context.inputs.api {
            Api::V2 => {}
            Api::Graphql => {
                if wanted.container.locked == Some(true) {
                    self.draft.findings.push(finding::not_changeable(self.address, Field::Locked));
                }
            }
            Api::V1 => {
                let services = [(Field::Ssh, wanted.access.ssh), (Field::Jupyter, wanted.access.jupyter)];
                for (field, _) in services.into_iter().filter(|(_, asked)| *asked) {
                    self.draft.findings.push(finding::access_not_possible(self.address, field));
                }
            }
        }
    }

    fn replace(
        &mut self,
        wanted: &'a WantedPod,
        live: &'a LivePod,
        recorded: Option<&'a RecordedPod>,
        comparison: Comparison,
        requested: bool,
    ) {
        let reason = if comparison.replacing().next().is_none() && requested {
            Reason::Requested
        } else if comparison.volume_replaced && comparison.replacing().count() == 1 {
            Reason::VolumeReplaced
        } else {
            Reason::Replaced
        };
        self.refuse_protected(self.is_protected() || wanted.lifecycle.protect, Step::Delete);
        self.refuse_locked(live, Step::Delete);
        let Some(candidates) = self.candidates(wanted) else { return };
        let disk = recorded.map_or(wanted.container.disk, |recorded| recorded.container.disk);
        let mut lost = self.body(live, disk).deleted();
        let new_id = vec![Consequence::NewPodId];
        let delete = |after, consequences, record| Planning {
            step: Step::Delete,
            operation: Operation::DeletePods { ids: BTreeSet::from([live.id.clone()]) },
            reason: reason.clone(),
            changes: Vec::new(),
            consequences,
            after,
            record,
        };
        match wanted.lifecycle.on_replace {
            OnReplace::DestroyFirst => {
                lost.extend(self.scarcity(&candidates));
                self.draft.push(delete(Split::default(), lost, RecordAfter::Remove { tombstone: false }));
                self.create(wanted, candidates, reason.clone(), comparison.changes, new_id, BTreeSet::new());
            }
            OnReplace::CreateFirst => {
                let deposed = BTreeSet::from([live.id.clone()]);
                let current = cost::live_pod(self.context.inputs.catalog, live, recorded);
                self.create(wanted, candidates, reason.clone(), comparison.changes, new_id, deposed);
                let dearest = self.draft.at_most;
                let after = minus(self.draft.after, current);
                self.draft.push(delete(after, lost, RecordAfter::Deposed(BTreeSet::new())));
                self.draft.at_most = dearest;
            }
        }
    }

    /// Giving up a pod while nothing is free is refused, and while little is free it is said.
    fn scarcity(&mut self, candidates: &[Candidate]) -> Option<Consequence> {
        let best = candidates.iter().map(|candidate| candidate.stock).max()?;
        let any_unknown = candidates.iter().any(|candidate| candidate.stock == Stock::NotAsked);
        match best {
            Stock::None => {
                self.draft.blocks.push(Block::NoStock { address: self.address.clone() });
                None
            }
            Stock::Low if !any_unknown => {
                self.draft.findings.push(finding::scarce(self.address));
                Some(Consequence::ScarceGpuGivenUp)
            }
            Stock::Low | Stock::NotAsked | Stock::Medium | Stock::High => None,
        }
    }

    // Not wanted, or not there.

    fn forget_vanished(&mut self, recorded: &'a Recorded, wanted: Option<&'a WantedPod>) {
        self.begin(None, None);
        self.draft.drift.push(DriftKind::Vanished);
        self.delete_surplus(RecordAfter::Deposed(BTreeSet::new()));
        let after = self.draft.after;
        self.draft.push(Planning {
            step: Step::Forget,
            operation: Operation::Local,
            reason: Reason::Vanished,
            changes: Vec::new(),
            consequences: pod_of(&recorded.object)
                .map(|pod| effect::vanished(&pod.container))
                .unwrap_or_default(),
            after,
            record: RecordAfter::Remove { tombstone: false },
        });
        if wanted.is_some() {
            self.draft.findings.push(finding::created_when_running(self.address));
        }
    }

    fn remove(&mut self, recorded: &Recorded, live: &'a LivePod, successor: Option<&'a LivePod>) {
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
        match recorded.lifecycle.on_remove {
            OnRemove::Terminate if !recorded.retired => self.terminate(recorded, pod, live, reason),
            OnRemove::Terminate | OnRemove::Stop => self.retire(recorded, pod, live, reason),
            OnRemove::Forget if recorded.retired => self.retire(recorded, pod, live, reason),
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

    fn removal_reason(&self) -> Reason {
        let key = self.address.key();
        let has_replicas = |address: &Address| match address {
            Address::Pod { key: other, replica: Some(_) } => other == key,
            Address::Pod { key: _, replica: None } | Address::Volume(_) => false,
        };
        if self.context.inputs.options.destroy {
            Reason::Destroyed
        } else if self.context.inputs.desired.wanted.keys().any(has_replicas) {
            Reason::Shrunk
        } else {
            Reason::Removed
        }
    }

    fn terminate(&mut self, recorded: &Recorded, pod: &RecordedPod, live: &LivePod, reason: Reason) {
        self.refuse_protected(recorded.lifecycle.protect, Step::Delete);
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
        let after = cost::stopped_pod(&pod.container);
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
    fn remove_orphan(&mut self, live: &'a LivePod, sent: &Record) {
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
            deposed: BTreeSet::new(),
            lifecycle: lifecycle.clone(),
            retired: *retired,
            object: object.clone(),
        };
        self.remove(&recorded, live, None);
    }
}

/// More rejected types than this are the whole catalog, which nobody reads.
const MOST_REJECTIONS_SHOWN: usize = 8;

/// A live pod on its way to what is wanted.
struct Reconciling<'a> {
    wanted: &'a WantedPod,
    live: &'a LivePod,
    recorded: Option<&'a RecordedPod>,
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
}

/// What the steps of one pod have in common; `record` moves along with them.
struct Steps<'a> {
    wanted: &'a WantedPod,
    live: &'a LivePod,
    recorded: Option<&'a RecordedPod>,
    record: Record,
    comparison: Comparison,
    changes: Vec<FieldChange>,
    applied: Container,
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

fn pod_of(object: &RecordedObject) -> Option<&RecordedPod> {
    match object {
        RecordedObject::Pod(pod) => Some(pod),
        RecordedObject::Volume(_) => None,
    }
}

fn container_of(record: &Record) -> Option<&Container> {
    match &record.object {
        RecordedObject::Pod(pod) => Some(&pod.container),
        RecordedObject::Volume(_) => None,
    }
}

fn set_container(record: &mut Record, container: &Container) {
    match &mut record.object {
        RecordedObject::Pod(pod) => pod.container = container.clone(),
        RecordedObject::Volume(_) => {}
    }
}

fn set_run(record: &mut Record, run: RunState) {
    match &mut record.object {
        RecordedObject::Pod(pod) => pod.run = run,
        RecordedObject::Volume(_) => {}
    }
}

/// Tells whether writing the record is worth an action of its own. Compute, cloud and place come by themselves with
/// the next call.
fn is_news(before: &Record, after: &Record) -> bool {
    // Which pods are deposed is written by the steps that are about them.
    let Record { id, token, lifecycle, retired, deposed: _, object } = before;
    let same_object = match (object, &after.object) {
        (RecordedObject::Pod(before), RecordedObject::Pod(after)) => {
            let RecordedPod { container, access: _, compute, cloud: _, data_center, run, depends_on } =
                before.as_ref();
            let moved = |before: bool, same: bool| before && !same;
            *container == after.container
                && !moved(compute.is_some(), *compute == after.compute)
                && !moved(data_center.is_some(), *data_center == after.data_center)
                && *run == after.run
                && *depends_on == after.depends_on
        }
        (RecordedObject::Volume(before), RecordedObject::Volume(after)) => before == after,
        (RecordedObject::Pod(_), RecordedObject::Volume(_))
        | (RecordedObject::Volume(_), RecordedObject::Pod(_)) => false,
    };
    !(same_object
        && *id == after.id
        && *token == after.token
        && *lifecycle == after.lifecycle
        && *retired == after.retired)
}

fn by_spec(field: Field, before: Shown, after: Shown) -> FieldChange {
    FieldChange { field, before, after, cause: Cause::Spec, disruption: Disruption::InPlace }
}

/// Tells apart a wish that changed from a pod that others stopped or started.
fn run_reason(recorded: Option<&RecordedPod>, wanted: RunState) -> Reason {
    match recorded {
        Some(recorded) if recorded.run == wanted => Reason::StateDrifted,
        Some(_) | None => Reason::StateWanted,
    }
}

fn run_change(reason: &Reason, before: RunState, after: RunState) -> FieldChange {
    let cause = if *reason == Reason::StateDrifted { Cause::Outside } else { Cause::Spec };
    let (before, after) = (shown::text(&before), shown::text(&after));
    FieldChange { field: Field::State, before, after, cause, disruption: Disruption::InPlace }
}

/// Takes a part out of a sum that it is in.
fn minus(sum: Split, part: Split) -> Split {
    let less = |sum: Amount, part: Amount| Amount {
        known: sum.known - part.known,
        unknown_parts: sum.unknown_parts.saturating_sub(part.unknown_parts),
    };
    Split { compute: less(sum.compute, part.compute), storage: less(sum.storage, part.storage) }
}
