//! The invariants that tie a plan to what was asked for: nothing is touched that the command line left out, nothing goes
//! for a target that the target depends on, and nothing is acted upon that is not known to be ours.
//!
//! They are told from the plan that came out, never from how it was made, so that a mistake of `reach` or `ownership` is
//! seen. Where an address has been renamed is taken from the planner, as there is nothing else to take it from.

mod arrival;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::Wanted;
use crate::model::id::RemoteId;
use crate::model::live::{LivePod, LiveRegistry, LiveSecret, LiveVolume, PodStatus, Seen};
use crate::model::marker::VolumeMark;
use crate::model::plan::{Action, ActionId, Disruption, OnStuck, Operation, Plan, Step, pods};
use crate::model::pod::RunState;

use super::check::{Violation, check, objects_of};
use super::hold::recorded_dependencies;
use super::moves::Renamed;
use super::ownership::known_volume;
use super::scope::{Pattern, dependencies};
use super::{Inputs, renamed};

/// Returns every invariant that a plan breaks which was made from these inputs, those of [`check`] included.
pub fn check_bounds(inputs: &Inputs<'_>, plan: &Plan) -> Vec<Violation> {
    let mut violations = check(plan);
    let (renamed, _) = renamed(inputs);
    let mut acting: BTreeMap<&Address, Vec<(Step, &Action)>> = BTreeMap::new();
    for (id, action) in &plan.actions {
        acting.entry(&id.address).or_default().push((id.step, action));
    }
    let bounds = Bounds { inputs, plan, renamed: &renamed, acting, dependents: dependents(inputs, &renamed) };
    let asked_for = bounds.asked_for();
    for address in bounds.acting.keys() {
        if !asked_for.contains(address) {
            violations.push(Violation::OutOfBounds((*address).clone()));
        }
    }
    violations.extend(bounds.still_needed());
    violations.extend(bounds.not_its_own());
    let mut after = After::new();
    for (first, then) in &plan.edges {
        after.entry(first).or_default().push(then);
    }
    violations.extend(bounds.too_many_down(&after));
    violations.extend(bounds.down_too_early(&after));
    violations.extend(bounds.too_early(&after));
    violations
}

struct Bounds<'a> {
    inputs: &'a Inputs<'a>,
    plan: &'a Plan,
    renamed: &'a Renamed<'a>,
    acting: BTreeMap<&'a Address, Vec<(Step, &'a Action)>>,
    /// What depended on each address when it was last applied, or mounts its volume at this moment.
    dependents: BTreeMap<Address, BTreeSet<&'a Address>>,
}

impl<'a> Bounds<'a> {
    /// Returns the addresses with actions that a target names or that go along with one, and that nothing leaves out.
    fn asked_for(&self) -> BTreeSet<&'a Address> {
        let targets = &self.inputs.options.targets;
        let allowed = self.acting.keys().copied().filter(|address| !self.is_left_out(address));
        let (mut found, mut others): (Vec<_>, Vec<_>) =
            allowed.partition(|address| targets.is_empty() || self.is_named(targets, address));
        let mut asked_for: BTreeSet<&Address> = BTreeSet::new();
        while let Some(address) = found.pop() {
            asked_for.insert(address);
            let (along, rest): (Vec<_>, Vec<_>) =
                others.into_iter().partition(|other| self.goes_along(other, address));
            others = rest;
            found.extend(along);
        }
        asked_for
    }

    fn is_named(&self, patterns: &[Pattern], address: &Address) -> bool {
        let earlier = self.renamed.moves.get(address);
        let matches = |pattern: &Pattern| {
            pattern.matches(address) || earlier.is_some_and(|earlier| pattern.matches(earlier))
        };
        patterns.iter().any(matches)
    }

    /// Tells whether the command line excludes an address, or no chosen profile selects it.
    fn is_left_out(&self, address: &Address) -> bool {
        let Inputs { desired, options, .. } = self.inputs;
        let covers_all = options.destroy && options.whatever_profile;
        let is_deselected = !covers_all
            && address.is_pod()
            && desired.out_of_scope.keys().any(|other| other.is_pod() && other.key() == address.key());
        is_deselected || self.is_named(&options.excludes, address)
    }

    fn wanted(&self, address: &Address) -> Option<&'a Wanted> {
        let Inputs { desired, options, .. } = *self.inputs;
        desired.wanted.get(address).filter(|_| !options.destroy)
    }

    fn steps(&self, address: &Address) -> &[(Step, &'a Action)] {
        self.acting.get(address).map_or(&[], Vec::as_slice)
    }

    fn has(&self, address: &Address, step: Step) -> bool {
        self.steps(address).iter().any(|(own, _)| *own == step)
    }

    /// Tells whether something may be done to an address because of what is done to another one.
    fn goes_along(&self, address: &Address, with: &Address) -> bool {
        let only_moves = self.steps(address).iter().all(|(step, _)| *step == Step::Move);
        self.is_needed(address, with)
            || self.is_bound(address, with)
            || only_moves && self.makes_way(with)
            || self.is_awaited(address, with)
    }

    /// Tells whether nothing is done to a job but that its end is waited for, before a pod comes up.
    fn is_awaited(&self, job: &Address, by: &Address) -> bool {
        let only_waits = self.steps(job).iter().all(|(step, _)| matches!(step, Step::Await | Step::Move));
        let is_reset = self.steps(by).iter().any(|(_, action)| action.operation.resets());
        let comes_up = self.has(by, Step::Create) || self.has(by, Step::Start) || is_reset;
        let waits = self.wanted(by).and_then(Wanted::pod).is_some_and(|pod| pod.until.contains_key(job));
        only_waits && comes_up && waits
    }

    /// Tells whether an address is brought up for a pod that is created, started or changed. One that is there is taken
    /// as it is, and nothing goes for that.
    fn is_needed(&self, address: &Address, by: &Address) -> bool {
        let is_brought_up = [Step::Create, Step::Start, Step::Update].iter().any(|step| self.has(by, *step));
        let depends = match self.wanted(by) {
            Some(Wanted::Pod(pod)) => dependencies(pod).contains(address),
            Some(Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None => false,
        };
        let loses = self.steps(address).iter().any(|(_, action)| may_end_something(action));
        is_brought_up && depends && !self.is_ready(address) && !loses
    }

    fn is_ready(&self, address: &Address) -> bool {
        let recorded = self.renamed.recorded(address).map(|recorded| &recorded.id);
        recorded.is_some_and(|id| {
            live_pod(self.inputs, id).is_some_and(|pod| pod.status.is_up())
                || live_volume(self.inputs, id).is_some()
                || live_secret(self.inputs, id).is_some()
                || live_registry(self.inputs, id).is_some() && !self.has(address, Step::Create)
        })
    }

    fn runs(&self, address: &Address) -> bool {
        let recorded = self.renamed.recorded(address).map(|recorded| &recorded.id);
        let pod = recorded.and_then(|id| live_pod(self.inputs, id));
        pod.is_some_and(|pod| pod.status == PodStatus::Running)
    }

    /// Tells whether an address cannot stay as it is without another one, which goes or gets another id.
    fn is_bound(&self, address: &Address, to: &Address) -> bool {
        let gets_another_id = !to.is_pod() && (self.has(to, Step::Create) || self.has(to, Step::Adopt));
        let is_held_by = || self.wanted(address).is_none() || self.mounts(address, to);
        let goes_with = self.is_taken_away(to) && is_held_by();
        let is_tied = gets_another_id || goes_with;
        is_tied && self.dependents(to).any(|dependent| dependent == address) || self.is_told_of(address, to)
    }

    /// Tells whether a pod was told of one which gets another id, and still refers to it.
    fn is_told_of(&self, address: &Address, to: &Address) -> bool {
        let is_there = self.renamed.objects.contains_key(to);
        let is_another = is_there && (self.has(to, Step::Create) || self.has(to, Step::Adopt));
        let refers = || match self.wanted(address) {
            Some(Wanted::Pod(pod)) => pods(&pod.container).contains(to),
            Some(Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None => false,
        };
        is_another && self.dependents(to).any(|dependent| dependent == address) && refers()
    }

    /// Tells whether the pod of an address mounts the network volume of another one as it is, or pulls with its credentials.
    fn mounts(&self, pod: &Address, used: &Address) -> bool {
        let (Some(pod), Some(used)) = (self.renamed.recorded(pod), self.renamed.recorded(used)) else {
            return false;
        };
        let mut ids = live_pod(self.inputs, &pod.id).into_iter().flat_map(uses);
        ids.any(|id| id == used.id)
    }

    /// Tells whether a record moves to an address. What is recorded there has to move on.
    fn makes_way(&self, to: &Address) -> bool {
        self.has(to, Step::Move)
    }

    /// Tells whether an address loses its object, or has it stopped for good.
    fn is_taken_away(&self, address: &Address) -> bool {
        let comes_back = self.has(address, Step::Create) || self.has(address, Step::Start);
        !comes_back
            && self.wanted(address).is_none()
            && (self.has(address, Step::Delete) || self.has(address, Step::Stop))
    }

    fn dependents(&self, address: &Address) -> impl Iterator<Item = &'a Address> {
        self.dependents.get(address).into_iter().flatten().copied()
    }

    /// What this plan is not about keeps what it depends on.
    fn still_needed(&self) -> Vec<Violation> {
        let Plan { held, unchanged, .. } = self.plan;
        let is_left_out = |address: &Address| {
            !self.acting.contains_key(address) && !held.contains_key(address) && !unchanged.contains(address)
        };
        // What the spec has no longer depends on what leaves it.
        let depends_still = |address: &Address| {
            self.inputs.options.destroy || self.wanted(address).is_none() && !self.is_left_out(address)
        };
        let is_here = |address: &Address| {
            let recorded = self.renamed.recorded(address);
            recorded.is_some_and(|recorded| live_pod(self.inputs, &recorded.id).is_some())
        };
        let mut violations = Vec::new();
        for gone in self.acting.keys().filter(|address| self.is_taken_away(address)) {
            let kept = self.dependents(gone);
            for kept in kept.filter(|kept| is_left_out(kept) && depends_still(kept) && is_here(kept)) {
                violations.push(Violation::StillNeeded((*gone).clone(), kept.clone()));
            }
        }
        violations
    }

    /// What is acted upon is recorded at its address, taken over there, or was made by a request for it.
    fn not_its_own(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (address, steps) in &self.acting {
            let own = self.own(address, steps);
            let objects: BTreeSet<RemoteId> =
                steps.iter().flat_map(|(_, action)| objects_of(&action.operation)).collect();
            let others = objects.into_iter().filter(|id| !own.contains(id) && !self.is_made_for(id, address));
            violations.extend(others.map(|id| Violation::NotItsOwn((*address).clone(), id)));
        }
        violations
    }

    fn own(&self, address: &Address, steps: &[(Step, &Action)]) -> BTreeSet<RemoteId> {
        let mut own: BTreeSet<RemoteId> = BTreeSet::new();
        let displaced = self.renamed.displaced.get(address).copied();
        for recorded in self.renamed.recorded(address).into_iter().chain(displaced) {
            own.extend(recorded.ids());
        }
        let adopting = steps.iter().filter(|(step, _)| *step == Step::Adopt);
        own.extend(adopting.filter_map(|(_, action)| action.record.id().cloned()));
        own
    }

    /// Replicas that run and are taken down wait for each other, but for as many as may be down at once.
    fn too_many_down(&self, after: &After<'a>) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (key, at_once) in &self.plan.waves {
            let replicas = self.acting.keys().filter(|address| address.is_pod() && address.key() == key);
            let turns: Vec<Turn<'_>> = replicas.filter_map(|address| self.turn(address, after)).collect();
            let together = |turn: &Turn<'_>| {
                turns.iter().filter(|other| !turn.waits_for(other) && !other.waits_for(turn)).count()
            };
            let is_early = self.leaves_too_early(key, after);
            if is_early || turns.iter().any(|turn| together(turn) > *at_once as usize) {
                violations.push(Violation::TooManyDown(key.clone(), *at_once));
            }
        }
        violations
    }

    /// Tells whether a replica that serves and leaves goes before there is one that comes, and is not in the way of that.
    fn leaves_too_early(&self, key: &Key, after: &After<'a>) -> bool {
        let of_key = || self.acting.keys().filter(|address| address.is_pod() && address.key() == key);
        let step_of = |address: &Address, which: fn(Step) -> bool| {
            let step = self.steps(address).iter().map(|(step, _)| *step).find(|step| which(*step))?;
            Some(ActionId { address: address.clone(), step })
        };
        let stays = |volume: Option<&Address>| volume.is_none_or(|volume| !self.has(volume, Step::Delete));
        let recorded = |address: &Address| {
            let record = self.renamed.recorded(address)?.record.object.pod()?;
            record.container.storage.volume()
        };
        let is_wanted = |address: &Address| {
            let wanted = self.wanted(address).and_then(Wanted::pod);
            wanted.is_some_and(|pod| pod.run == RunState::Running && stays(pod.container.storage.volume()))
        };
        let leaving = of_key().filter(|address| self.wanted(address).is_none() && self.runs(address));
        let leaving = leaving.filter(|address| stays(recorded(address)));
        let leaving: Vec<ActionId> = leaving
            .filter_map(|address| step_of(address, |step| matches!(step, Step::Stop | Step::Delete)))
            .collect();
        let coming = of_key().filter(|address| is_wanted(address) && !self.runs(address));
        let mut coming = coming.filter_map(|address| step_of(address, |step| step == Step::Create));
        !leaving.is_empty()
            && coming.any(|create| {
                let behind = reached(&create, after);
                leaving
                    .iter()
                    .any(|leave| !behind.contains(leave) && !reached(leave, after).contains(&create))
            })
    }

    /// What is to run on is not taken down before there is what it waits for to be brought up again, unless it is in the way
    /// of that.
    fn down_too_early(&self, after: &After<'a>) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (first, then) in &self.plan.edges {
            let pod = self.wanted(&then.address).and_then(Wanted::pod);
            let waits = pod.is_some_and(|pod| {
                pod.run == RunState::Running && dependencies(pod).contains(&first.address)
            });
            if !waits || !matches!(then.step, Step::Create | Step::Start) {
                continue;
            }
            for (step, _) in
                self.steps(&then.address).iter().filter(|(step, action)| takes_down(*step, action))
            {
                let down = ActionId { address: then.address.clone(), step: *step };
                let follows = |id: &ActionId| self.plan.edges.contains(&(id.clone(), down.clone()));
                if !follows(first) && !follows(then) && !reached(&down, after).contains(first) {
                    violations.push(Violation::DownTooEarly(down, first.clone()));
                }
            }
        }
        violations
    }

    /// Returns what takes down a replica that runs and is to run on, and what waits for all that is done to it.
    fn turn(&self, address: &Address, after: &After<'a>) -> Option<Turn<'a>> {
        let of = |which: fn(Step, &Action) -> bool| {
            let steps = self.steps(address).iter().filter(move |(step, action)| which(*step, action));
            steps.map(|(step, _)| ActionId { address: address.clone(), step: *step }).collect::<Vec<_>>()
        };
        let down = of(takes_down);
        if down.is_empty() || self.is_taken_away(address) || !self.runs(address) {
            return None;
        }
        let all = of(|step, action| takes_down(step, action) || matches!(step, Step::Create | Step::Start));
        let sets = all.iter().map(|step| reached(step, after));
        let waiting = sets.reduce(|all, one| &all & &one).unwrap_or_default();
        Some(Turn { down, waiting })
    }

    /// Tells whether the journal knows the token of an object for an address.
    fn is_made_for(&self, id: &RemoteId, address: &Address) -> bool {
        let Inputs { desired, prior, .. } = self.inputs;
        let of_pod = live_pod(self.inputs, id).and_then(|pod| {
            let mark = pod.marker.as_ref().filter(|mark| mark.project == desired.project)?;
            prior.tokens.get(&mark.token)
        });
        let of_volume = live_volume(self.inputs, id).and_then(|volume| {
            let mark =
                volume.name.parse().ok().filter(|mark: &VolumeMark| mark.project == desired.project)?;
            known_volume(prior, &mark).map(|(_, known)| known)
        });
        let known = of_pod.or(of_volume);
        known.is_some_and(|known| !known.tombstone && self.renamed.address_now(&known.address) == *address)
    }
}

/// What waits for each action, but for what waits for that.
type After<'a> = BTreeMap<&'a ActionId, Vec<&'a ActionId>>;

/// One replica that is taken down.
struct Turn<'a> {
    /// What takes it down.
    down: Vec<ActionId>,
    /// What waits until it is up again.
    waiting: BTreeSet<&'a ActionId>,
}

impl Turn<'_> {
    fn waits_for(&self, other: &Self) -> bool {
        self.down.iter().all(|down| other.waiting.contains(down))
    }
}

fn reached<'a>(from: &ActionId, after: &After<'a>) -> BTreeSet<&'a ActionId> {
    let mut open: Vec<&'a ActionId> = after.get(from).cloned().unwrap_or_default();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(after.get(id).into_iter().flatten());
        }
    }
    seen
}

/// Tells whether an action takes a pod down that is on record.
fn takes_down(step: Step, action: &Action) -> bool {
    match &action.operation {
        Operation::DeletePods { ids: _ } => step == Step::Delete,
        Operation::StopPod { id: _ } => true,
        Operation::UpdatePod { disruption, .. } => *disruption == Disruption::Reset,
        Operation::Local
        | Operation::CreateSecret { .. }
        | Operation::CreateRegistry { .. }
        | Operation::SetSecret { .. }
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::CreatePod(_)
        | Operation::StartPod { .. }
        | Operation::AwaitJob { until: _ }
        | Operation::DeleteVolume { id: _ }
        | Operation::DeleteSecret { id: _ }
        | Operation::DeleteRegistries { ids: _ }
        | Operation::AwaitPod { id: _ } => false,
    }
}

/// Tells whether an action ends something, or ends it if it does not go as it should.
fn may_end_something(action: &Action) -> bool {
    match &action.operation {
        Operation::DeletePods { ids: _ }
        | Operation::DeleteVolume { id: _ }
        | Operation::DeleteSecret { id: _ }
        | Operation::DeleteRegistries { ids: _ }
        | Operation::StartPod { on_stuck: OnStuck::Replace(_), .. } => true,
        Operation::Local
        | Operation::CreateSecret { .. }
        | Operation::CreateRegistry { .. }
        | Operation::SetSecret { .. }
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::CreatePod(_)
        | Operation::UpdatePod { .. }
        | Operation::StartPod { on_stuck: OnStuck::Fail | OnStuck::Wait(_), .. }
        | Operation::StopPod { id: _ }
        | Operation::AwaitPod { id: _ }
        | Operation::AwaitJob { until: _ } => false,
    }
}

fn dependents<'a>(inputs: &Inputs<'a>, renamed: &'a Renamed<'_>) -> BTreeMap<Address, BTreeSet<&'a Address>> {
    let ids = renamed.objects.iter();
    let used_by_id: BTreeMap<RemoteId, &Address> =
        ids.flat_map(|(address, recorded)| recorded.ids().map(move |id| (id, address))).collect();
    let mut dependents: BTreeMap<Address, BTreeSet<&Address>> = BTreeMap::new();
    for (address, recorded) in &renamed.objects {
        let mut needed = recorded_dependencies(recorded);
        let used = live_pod(inputs, &recorded.id).into_iter().flat_map(uses);
        needed.extend(used.filter_map(|id| used_by_id.get(&id).copied().cloned()));
        for dependency in needed {
            dependents.entry(dependency).or_default().insert(address);
        }
    }
    dependents
}

/// Returns the network volume that a pod mounts and the credentials that it pulls with.
fn uses(pod: &LivePod) -> impl Iterator<Item = RemoteId> {
    let volume = pod.settings.storage.volume().cloned().map(RemoteId::Volume);
    let registry = pod.settings.registry.clone().flatten().map(RemoteId::Registry);
    volume.into_iter().chain(registry)
}

fn live_pod<'a>(inputs: &Inputs<'a>, id: &RemoteId) -> Option<&'a LivePod> {
    match id {
        RemoteId::Pod(id) => inputs.live.pods.get(id).and_then(Seen::found),
        RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_) => None,
    }
}

fn live_volume<'a>(inputs: &Inputs<'a>, id: &RemoteId) -> Option<&'a LiveVolume> {
    match id {
        RemoteId::Volume(id) => inputs.live.volumes.get(id).and_then(Seen::found),
        RemoteId::Pod(_) | RemoteId::Secret(_) | RemoteId::Registry(_) => None,
    }
}

fn live_secret<'a>(inputs: &Inputs<'a>, id: &RemoteId) -> Option<&'a LiveSecret> {
    let RemoteId::Secret(id) = id else { return None };
    inputs.live.secrets.found().iter().find(|secret| secret.id == *id)
}

fn live_registry<'a>(inputs: &Inputs<'a>, id: &RemoteId) -> Option<&'a LiveRegistry> {
    let RemoteId::Registry(id) = id else { return None };
    inputs.live.registries.found().iter().find(|registry| registry.id == *id)
}
