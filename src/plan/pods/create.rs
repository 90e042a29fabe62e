//! A wanted pod that is not there, or that only another pod can replace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::catalog::{CatalogPart, Stock};
use crate::model::desired::{ComputeWish, OnReplace, WantedPod};
use crate::model::id::PodId;
use crate::model::job::RecordedJob;
use crate::model::live::LivePod;
use crate::model::marker::Token;
use crate::model::plan::{
    Attempt, Block, Candidate, Cause, Consequence, DriftKind, FieldChange, Held, Operation, PodCreation,
    Reason, RecordAfter, Split, Step, WishedGpus,
};
use crate::model::prior::{Api, Record, Recorded, RecordedObject, RecordedPod, RecordedRun};
use crate::model::seconds::Seconds;
use crate::model::settings::{Container, Field, Setting};
use crate::model::value::Value;

use super::{PodPlanner, minus};
use crate::plan::compare::Comparison;
use crate::plan::draft::Planning;
use crate::plan::effect;
use crate::plan::jobs::JobAfter;
use crate::plan::places::{self, Looked, Misplaced};
use crate::plan::{cost, finding, placement, shown, weight};

/// Why a pod without GPUs is held that wants the private network.
const NETWORK_NEEDS_GPU: &str =
    "a pod without GPUs cannot join the private network; remove `global_networking`";

impl<'a> PodPlanner<'_, 'a> {
    pub(super) fn choices(&self, wanted: &WantedPod) -> placement::Choices {
        let place = wanted.container.storage.volume().and_then(|volume| self.context.volumes.place(volume));
        placement::choices(wanted, self.context.catalog.wider(self.address), self.context.catalog, place)
    }

    pub(super) fn creation(&self, wanted: &WantedPod, ways: Ways) -> PodCreation {
        let inputs = self.context.inputs;
        let token = |attempt| Token::derive(&inputs.prior.lineage, inputs.nonce, self.address, attempt);
        let Ways { candidates, later } = ways;
        let candidates = candidates.into_iter().map(|candidate| (None, candidate));
        let later = later.into_iter().map(|(after, candidate)| (Some(after), candidate));
        // A plan that goes on with another one after a wait has tokens of its own, of the same nonce.
        let first = inputs.options.tokens_used.get(self.address).copied().unwrap_or_default();
        let attempts =
            candidates.chain(later).zip((first..).step_by(2)).map(|((after, candidate), attempt)| Attempt {
                candidate,
                after,
                token: token(attempt),
                second_token: token(attempt + 1),
            });
        let wished = match &wanted.hardware.compute {
            ComputeWish::Gpu(wish) => {
                let any_of = wish.any_of.iter().map(|choice| (choice.name.clone(), wish.count_of(choice)));
                Some(WishedGpus { order: wish.order, any_of: any_of.collect() })
            }
            ComputeWish::Cpu(_) => None,
        };
        PodCreation {
            container: self.container(wanted),
            access: wanted.access,
            wished,
            attempts: attempts.collect(),
            boot: inputs.desired.boot.get(self.address).copied(),
            retry: inputs.desired.retry(self.address).map(|retry| retry.patience),
        }
    }

    /// GraphQL cannot lock, so there nothing is asked for and nothing recorded.
    fn container(&self, wanted: &WantedPod) -> Container {
        let locked = match self.context.inputs.api {
            Api::V2 | Api::V1 => wanted.container.locked,
            Api::Graphql => None,
        };
        Container { locked, ..wanted.container.clone() }
    }

    pub(super) fn create_new(&mut self, wanted: &'a WantedPod) {
        self.begin(None, None);
        if let Some(ways) = self.candidates(wanted) {
            self.create(wanted, ways, Reason::New, shown::creation(wanted), Vec::new(), BTreeSet::new());
        }
    }

    pub(super) fn create_again(&mut self, wanted: &'a WantedPod, recorded: &'a Recorded) {
        self.begin(None, None);
        // A job that is no job any more, of which the pod was terminated when it was done.
        let was_terminated = recorded.is_gone();
        if !was_terminated {
            self.draft.drift.push(DriftKind::Vanished);
        }
        let Some(ways) = self.candidates(wanted) else { return };
        let lost = recorded.record.object.pod().filter(|_| !was_terminated);
        let mut consequences = lost.map(|pod| effect::vanished(&pod.container)).unwrap_or_default();
        consequences.push(Consequence::NewPodId);
        let stays = match wanted.lifecycle.on_replace {
            OnReplace::DestroyFirst => BTreeSet::new(),
            // What was to take its place is gone, so it may be the one that serves.
            OnReplace::CreateFirst => self.former(wanted),
        };
        if stays.is_empty() {
            self.delete_surplus();
        }
        let changes = creation_again(wanted, recorded.record.object.pod());
        let reason = if was_terminated { Reason::Changed } else { Reason::Vanished };
        let begun = self.draft.steps.len();
        self.create(wanted, ways, reason, changes, consequences, stays);
        self.delete_surplus_last(begun);
    }

    /// Returns the candidates, or notes why there can be no pod.
    pub(super) fn candidates(&mut self, wanted: &WantedPod) -> Option<Ways> {
        if self.is_network_impossible(wanted) {
            self.draft.findings.push(finding::network_needs_gpu(self.address));
            self.draft.hold(Held::NotPossible(NETWORK_NEEDS_GPU.to_owned()));
            return None;
        }
        let inputs = self.context.inputs;
        if inputs.api == Api::V2 && weight::of_create(wanted, inputs.secrets) > weight::MOST {
            self.draft.hold(Held::NotPossible(weight::too_large()));
            return None;
        }
        self.look_at_places(wanted)?;
        let placement::Choices { candidates, later, mut rejected, unknown, unknown_later, left_out } =
            self.choices(wanted);
        if !left_out.is_empty() {
            self.draft.findings.push(finding::places_left_out(self.address, &placement::joined(&left_out)));
        }
        if candidates.is_empty() {
            let address = self.address.clone();
            self.draft.blocks.push(Block::NoCandidate { address, why: rejected });
            return None;
        }
        let ways = Ways { candidates, later };
        if ways.all().any(|candidate| candidate.placement.rent.bid().is_some()) {
            let api = self.context.inputs.api;
            self.draft.findings.push(finding::spot_off_sale(self.address, api));
        }
        let field = match wanted.hardware.compute {
            ComputeWish::Gpu(_) => Field::Gpu,
            ComputeWish::Cpu(_) => Field::Cpu,
        };
        for (field, unknown) in [(field.clone(), unknown), (Field::Retry, unknown_later)] {
            if !unknown.is_empty() {
                rejected.retain(|line| !unknown.contains(line));
                self.draft.findings.push(finding::unknown_hardware(self.address, field, &unknown));
            }
        }
        if !rejected.is_empty() && rejected.len() <= MOST_REJECTIONS_SHOWN {
            self.draft.findings.push(finding::rejected_candidates(self.address, field, &rejected));
        }
        Some(ways)
    }

    /// Notes why a pod cannot be placed whatever its machine; `None` if it cannot.
    fn look_at_places(&mut self, wanted: &WantedPod) -> Option<()> {
        let (catalog, address) = (self.context.inputs.catalog, self.address);
        let machines = match wanted.hardware.compute {
            ComputeWish::Gpu(_) => CatalogPart::Gpus,
            ComputeWish::Cpu(_) => CatalogPart::Cpus,
        };
        // Countries are resolved by the catalog; data centers go out as they are typed.
        let places = (!wanted.hardware.countries.is_empty()).then_some(CatalogPart::DataCenters);
        let unread = [Some(machines), places].into_iter().flatten();
        let mut unread = unread.filter_map(|part| Some((part, catalog.unread.get(&part)?)));
        if let Some((part, why)) = unread.next() {
            self.draft.hold(Held::NoCatalog { part, why: why.clone() });
            return None;
        }
        match places::of_pod(&wanted.hardware, catalog) {
            Looked::Good => {}
            Looked::NotChecked => {
                self.draft.findings.push(finding::place_not_checked(address, Field::DataCenter));
            }
            Looked::Bad(Misplaced { field, why }) => {
                self.draft.blocks.push(Block::NoSuchPlace { address: address.clone(), field, why });
                return None;
            }
        }
        Some(())
    }

    /// Tells whether the private network is wanted where no API gives it. GraphQL makes the pod without it.
    fn is_network_impossible(&self, wanted: &WantedPod) -> bool {
        let is_refused = match self.context.inputs.api {
            Api::V2 | Api::V1 => true,
            Api::Graphql => false,
        };
        let is_cpu = matches!(wanted.hardware.compute, ComputeWish::Cpu(_));
        is_refused && is_cpu && wanted.container.global_networking
    }

    pub(super) fn create(
        &mut self,
        wanted: &'a WantedPod,
        ways: Ways,
        reason: Reason,
        changes: Vec<FieldChange>,
        consequences: Vec<Consequence>,
        deposed: BTreeSet<PodId>,
    ) {
        self.remark_on_creation(wanted);
        self.draft.job = wanted.job.as_ref().map(|_| JobAfter::Runs);
        let container = &wanted.container;
        let beside = if deposed.is_empty() { Split::default() } else { self.draft.after };
        let first =
            ways.candidates.first().map(|first| cost::on_candidate(container, first)).unwrap_or_default();
        let dearest = cost::on_dearest(container, ways.all());
        let object = RecordedObject::Pod(Arc::new(RecordedPod {
            container: self.container(wanted),
            access: Some(wanted.access),
            compute: None,
            cloud: None,
            data_center: None,
            run: RecordedRun::Running,
            job: wanted.job.as_ref().map(|_| RecordedJob::begun(None)),
            depends_on: wanted.depends_on.clone(),
        }));
        let record = Record { deposed, ..Record::new(None, wanted.lifecycle.clone(), object) };
        self.draft.push(Planning {
            step: Step::Create,
            operation: Operation::CreatePod(Box::new(self.creation(wanted, ways))),
            reason,
            changes,
            consequences,
            after: beside + first,
            record: RecordAfter::put(None, record),
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
                let is_cpu = matches!(wanted.hardware.compute, ComputeWish::Cpu(_));
                if is_cpu && wanted.container.global_networking {
                    self.draft.findings.push(finding::cpu_network_not_possible(self.address));
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

    pub(super) fn replace(
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
        self.refuse_protected(self.is_protected(), Step::Delete);
        self.refuse_locked(live, Step::Delete);
        let Some(ways) = self.candidates(wanted) else { return };
        let disk = recorded.map_or(wanted.container.disk, |recorded| recorded.container.disk);
        let mut lost = self.body(live, disk).deleted();
        let new_id = vec![Consequence::NewPodId];
        let Comparison { mut changes, only_new, .. } = comparison;
        changes.extend(only_new);
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
                lost.extend(self.scarcity(&ways.candidates));
                self.draft.push(delete(Split::default(), lost, RecordAfter::Remove { tombstone: false }));
                self.create(wanted, ways, reason.clone(), changes, new_id, BTreeSet::new());
            }
            OnReplace::CreateFirst => {
                let former = self.surplus_ids();
                let deposed = former.iter().chain([&live.id]).cloned().collect();
                if let Some(volume) = wanted.container.storage.volume() {
                    self.draft.findings.push(finding::two_writers(self.address, volume));
                }
                let current = cost::managed_pod(self.context.inputs.catalog, live, recorded);
                self.create(wanted, ways, reason.clone(), changes, new_id, deposed);
                let dearest = self.draft.at_most;
                let after = minus(self.draft.after, current);
                self.draft.push(delete(after, lost, RecordAfter::Deposed(former)));
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
}

/// The ways to place a pod, of which there is one at least.
pub(super) struct Ways {
    candidates: Vec<Candidate>,
    /// What is tried as well after a while.
    later: Vec<(Seconds, Candidate)>,
}

impl Ways {
    pub(super) fn of(choices: placement::Choices) -> Option<Self> {
        let placement::Choices { candidates, later, rejected: _, unknown: _, unknown_later: _, left_out: _ } =
            choices;
        (!candidates.is_empty()).then_some(Self { candidates, later })
    }

    fn all(&self) -> impl Iterator<Item = &Candidate> + Clone {
        self.candidates.iter().chain(self.later.iter().map(|(_, candidate)| candidate))
    }
}

/// Lists every field of a pod that is created again. Told apart are the ignored ones of which the record has another value:
/// of the machine it has where the pod landed, and not what was asked for then.
pub(super) fn creation_again(wanted: &WantedPod, recorded: Option<&RecordedPod>) -> Vec<FieldChange> {
    let settings = recorded.into_iter().flat_map(|recorded| recorded.container.values());
    let access = recorded.and_then(|recorded| recorded.access).into_iter();
    let access =
        access.flat_map(|has| [(Field::Ssh, has.ssh.value()), (Field::Jupyter, has.jupyter.value())]);
    let before: BTreeMap<Field, Value> = settings.chain(access).collect();
    let mut changes = shown::creation(wanted);
    for change in &mut changes {
        let differs = match (before.get(&change.field), &change.field) {
            (Some(before), _) => *before != change.after,
            (None, Field::Env(_)) => recorded.is_some(),
            (None, _) => false,
        };
        if differs && wanted.lifecycle.ignores(&change.field) {
            change.cause = Cause::Ignored;
        }
    }
    changes
}

/// More rejected types than this are the whole catalog, which nobody reads.
const MOST_REJECTIONS_SHOWN: usize = 8;
