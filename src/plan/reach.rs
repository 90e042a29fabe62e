//! What a plan reaches beyond what the command line chose, and what it leaves standing for what was left out.
//!
//! Bringing a target up or changing it takes along those of its dependencies that are missing or stopped; one that runs
//! is taken as it is. Taking a target away takes along what depends on it, and a volume that gets another id what mounts
//! it. Nothing that a target depends on is taken away for it, and nothing is taken away that something which was left
//! out depends on. Whatever goes along or stays for such a reason is named in a finding.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Kind};
use crate::model::desired::{Deselected, Desired, Wanted, WantedPod, WantedVolume};
use crate::model::id::RemoteId;
use crate::model::live::{LivePod, Seen};
use crate::model::plan::{Finding, Held, Step};
use crate::model::pod::{RunState, Storage};
use crate::model::prior::{Prior, Recorded};

use super::draft::Draft;
use super::graph::brought_up;
use super::hold::{is_taken_away, recorded_dependencies};
use super::jobs::JobAfter;
use super::pods::{Stands, stands};
use super::presence::Sighting;
use super::scope::{Scope, dependencies};
use super::{Context, Drafts, finding, secrets};

/// What is planned, with a remark on everything that the command line did not choose itself.
pub(super) struct Reach<'a> {
    pub(super) drafts: Drafts<'a>,
    pub(super) findings: Vec<Finding>,
}

/// Why an address is in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The command line chose it.
    Chosen,
    /// Something chosen needs it. It is brought up, and nothing of it is taken away.
    Needed,
    /// It cannot stay as it is without something chosen.
    Bound,
    /// Its record leaves an address that the record of something chosen moves to. Nothing else is done to it.
    MakesWay,
    /// It is a job under way, for the end of which something chosen waits. Nothing is done to it.
    Awaited,
}

/// What a dependency is like, for what depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It can be used as it is.
    Ready,
    /// It is recorded and exists, but does not run.
    Stopped,
    /// Nothing is recorded that exists.
    Missing,
    /// It could not be looked at.
    Unknown,
    /// It is a job without a pod, of which something is known all the same.
    Over,
}

/// Plans everything that is chosen and what goes along with it.
pub(super) fn reach<'a>(context: &Context<'a>, scope: &Scope<'_>, all: &'a BTreeSet<Address>) -> Reach<'a> {
    let chosen = all.iter().filter(|address| scope.chooses(address));
    let drafts: Drafts<'a> =
        chosen.map(|address| (address, super::draft(context, address, Part::Chosen))).collect();
    if drafts.len() == all.len() {
        return Reach { drafts, findings: Vec::new() };
    }
    let ties = Ties::new(context, scope);
    let mut reaching =
        Reaching { ties, all, drafts, parts: BTreeMap::new(), over: BTreeSet::new(), findings: Vec::new() };
    reaching.take_along();
    reaching.keep_what_is_needed();
    let Reaching { drafts, findings, .. } = reaching;
    Reach { drafts, findings }
}

impl Reach<'_> {
    /// Leaves out what only went along with something that is held: nobody asked for it alone.
    pub(super) fn leave_stranded(&mut self, context: &Context<'_>, scope: &Scope<'_>) {
        let Self { drafts, findings } = self;
        let (mut open, mut others): (Vec<_>, Vec<_>) =
            drafts.keys().copied().partition(|address| scope.chooses(address));
        if others.is_empty() {
            return;
        }
        let ties = Ties::new(context, scope);
        while let Some(address) = open.pop() {
            let Some(draft) = drafts.get(address) else { continue };
            let along = ties.companions(address, draft);
            let along: BTreeSet<Address> = along.into_iter().map(|(companion, _, _)| companion).collect();
            open.extend(others.extract_if(.., |other| along.contains(other)));
        }
        // What is held itself says so.
        others.retain(|address| drafts.get(address).is_some_and(|draft| draft.held.is_none()));
        for address in others {
            drafts.remove(address);
            findings.retain(|finding| !is_about(finding, address));
        }
    }
}

fn is_about(finding: &Finding, address: &Address) -> bool {
    finding.subject.as_ref().is_some_and(|subject| subject.address == *address)
}

/// Returns why nothing can be made that depends on something which is not in this plan.
pub(super) fn lacking(context: &Context<'_>, dependency: &Address) -> Option<Held> {
    if context.inputs.options.only_looks || !is_waited_for(context, dependency) {
        return None;
    }
    let is = match standing(context, dependency) {
        // Whether it ended well enough is another question.
        Standing::Ready | Standing::Stopped | Standing::Over => return None,
        Standing::Missing => "does not exist",
        Standing::Unknown => "could not be looked at",
    };
    let why = format!("it depends on `{dependency}`, which {is} and is left out of this plan");
    Some(Held::NotPossible(why))
}

/// Returns why a pod cannot come up that waits for the end of a job which is not in this plan, and goes on.
pub(super) fn awaited_elsewhere(context: &Context<'_>, drafts: &Drafts<'_>, pod: &WantedPod) -> Option<Held> {
    let mut left_out = pod.until.keys().filter(|job| !drafts.contains_key(job));
    let job = left_out.find(|job| goes_on(context, job))?;
    let why =
        format!("it waits for the end of the job `{job}`, which is under way and left out of this plan");
    Some(Held::NotPossible(why))
}

/// Tells whether an address has a job that is under way.
fn goes_on(context: &Context<'_>, job: &Address) -> bool {
    stands(context, job) == Some(Stands::Goes)
}

/// Returns what a dependency is like.
pub(super) fn standing(context: &Context<'_>, dependency: &Address) -> Standing {
    if dependency.is_pod() {
        let named = match context.wanted(dependency) {
            Some(Wanted::Pod(pod)) => pod.adopt.as_ref(),
            Some(Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None => None,
        };
        let is_known = || stands(context, dependency).is_some();
        return match of_pod(&context.ownership.pod(dependency, named).sighting) {
            Standing::Missing if is_job(context, dependency) && is_known() => Standing::Over,
            standing => standing,
        };
    }
    if dependency.kind() == Kind::Secret {
        return of_named(&secrets::sighting(context, dependency));
    }
    if dependency.kind() == Kind::Registry {
        let sighting = context.registries.sighting(dependency).map_or(Standing::Missing, of_named);
        // What others take the place of is not what a pod is to pull with.
        let is_remade = context.registries.remade(dependency).is_some() && sighting == Standing::Ready;
        return if is_remade { Standing::Missing } else { sighting };
    }
    match (context.wanted(dependency), context.volumes.sighting(dependency)) {
        (Some(Wanted::Volume(WantedVolume::Referenced { id })), _) => {
            match context.inputs.live.volumes.get(id) {
                Some(Seen::Found(_)) => Standing::Ready,
                Some(Seen::Unreadable(_)) => Standing::Unknown,
                Some(Seen::Absent) | None if context.inputs.live.unseen_volume().is_some() => {
                    Standing::Unknown
                }
                Some(Seen::Absent) | None => Standing::Missing,
            }
        }
        (
            Some(
                Wanted::Volume(WantedVolume::Managed { .. })
                | Wanted::Pod(_)
                | Wanted::Secret(_)
                | Wanted::Registry(_),
            )
            | None,
            sighting,
        ) => sighting.map_or(Standing::Missing, of_named),
    }
}

/// Tells whether the spec has a job at an address, selected or not.
fn is_job(context: &Context<'_>, address: &Address) -> bool {
    let Desired { wanted, out_of_scope, .. } = context.inputs.desired;
    match wanted.get(address).and_then(Wanted::pod) {
        Some(pod) => pod.job.is_some(),
        None => out_of_scope.get(address).is_some_and(|left_out| left_out.is_job),
    }
}

fn of_pod(sighting: &Sighting<'_, LivePod>) -> Standing {
    match sighting {
        Sighting::Kept { recorded: _, object }
        | Sighting::Migrated { recorded: _, object, by: _ }
        | Sighting::Superseded { recorded: _, object, successor: _, asked: _ } => {
            if object.status.is_up() {
                Standing::Ready
            } else {
                Standing::Stopped
            }
        }
        Sighting::Gone { .. } | Sighting::Never | Sighting::Journal { .. } | Sighting::Named { .. } => {
            Standing::Missing
        }
        Sighting::Hidden(_) => Standing::Unknown,
    }
}

/// A volume is mounted by the id on record, so one that has another id is not there yet. A secret is used by its name, and
/// is ours to use once it is on record.
fn of_named<T>(sighting: &Sighting<'_, T>) -> Standing {
    match sighting {
        Sighting::Kept { .. } => Standing::Ready,
        Sighting::Migrated { .. }
        | Sighting::Superseded { .. }
        | Sighting::Gone { .. }
        | Sighting::Never
        | Sighting::Journal { .. }
        | Sighting::Named { .. } => Standing::Missing,
        Sighting::Hidden(_) => Standing::Unknown,
    }
}

/// Tells whether what depends on an address needs it: a pod that is wanted stopped is ready when it is not there.
pub(super) fn is_waited_for(context: &Context<'_>, dependency: &Address) -> bool {
    let desired = context.inputs.desired;
    match (desired.wanted.get(dependency), desired.out_of_scope.get(dependency)) {
        (Some(Wanted::Pod(pod)), _) => pod.run == RunState::Running,
        (Some(Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)), _) => true,
        (None, Some(Deselected { profiles: _, run, is_job: _ })) => *run == RunState::Running,
        (None, None) => false,
    }
}

/// Returns what depends on each recorded object, as it was when last applied, and the pods that mount it.
fn dependents(context: &Context<'_>) -> BTreeMap<Address, BTreeSet<Address>> {
    let mut dependents: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    for (address, recorded) in &context.renamed.objects {
        let mut needed = recorded_dependencies(recorded);
        needed.extend(mounted(context, recorded));
        needed.extend(pulled(context, recorded));
        for dependency in needed {
            dependents.entry(dependency).or_default().insert(address.clone());
        }
    }
    dependents
}

/// Returns the network volume that a recorded pod mounts, recorded so or not.
fn mounted(context: &Context<'_>, recorded: &Recorded) -> Option<Address> {
    let RemoteId::Pod(id) = &recorded.id else { return None };
    match &context.inputs.live.pods.get(id)?.found()?.settings.storage {
        Storage::Network { volume: id, path: _ } => context.volumes.address_of(id).cloned(),
        Storage::None | Storage::Local { .. } => None,
    }
}

/// Returns the credentials that a recorded pod pulls with, recorded so or not.
fn pulled(context: &Context<'_>, recorded: &Recorded) -> Option<Address> {
    let RemoteId::Pod(id) = &recorded.id else { return None };
    let id = context.inputs.live.pods.get(id)?.found()?.settings.registry.as_ref()?.as_ref()?;
    context.registries.address_of(id).cloned()
}

/// What ties addresses to each other.
struct Ties<'c, 'a> {
    context: &'c Context<'a>,
    scope: &'c Scope<'c>,
    dependents: BTreeMap<Address, BTreeSet<Address>>,
}

struct Reaching<'c, 'a> {
    ties: Ties<'c, 'a>,
    all: &'a BTreeSet<Address>,
    drafts: Drafts<'a>,
    /// What went along, and as what.
    parts: BTreeMap<&'a Address, Part>,
    /// Jobs that have ended and do not run again: nothing of them is needed.
    over: BTreeSet<&'a Address>,
    findings: Vec<Finding>,
}

/// An address that goes along, and the remark that says so.
type Companion = (Address, Part, Finding);

impl<'a> Reaching<'_, 'a> {
    fn take_along(&mut self) {
        let mut open: Vec<&'a Address> = self.drafts.keys().copied().collect();
        while let Some(address) = open.pop() {
            let Some(draft) = self.drafts.get(address) else { continue };
            for (companion, part, finding) in self.ties.companions(address, draft) {
                let Some(companion) = self.all.get(&companion) else { continue };
                let is_more = match self.parts.get(companion) {
                    Some(Part::MakesWay | Part::Awaited) => matches!(part, Part::Needed | Part::Bound),
                    Some(Part::Chosen | Part::Needed | Part::Bound) => false,
                    None => !self.drafts.contains_key(companion),
                };
                if is_more && self.ties.scope.allows(companion) && !self.over.contains(companion) {
                    let draft = super::draft(self.ties.context, companion, part);
                    if part == Part::Needed && is_over(&draft) {
                        self.over.insert(companion);
                        continue;
                    }
                    self.drafts.insert(companion, draft);
                    self.parts.insert(companion, part);
                    self.findings.push(finding);
                    open.push(companion);
                }
            }
        }
    }

    /// What was left out keeps what it depends on, and so on: each round looks at what the one before left out needs.
    fn keep_what_is_needed(&mut self) {
        let mut needed: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
        for (dependency, dependents) in &self.ties.dependents {
            for dependent in dependents {
                needed.entry(dependent.clone()).or_default().push(dependency.clone());
            }
        }
        let (mut left_out, mut stays) = (BTreeSet::new(), Vec::new());
        let mut open: BTreeSet<&'a Address> = self.drafts.keys().copied().collect();
        while !open.is_empty() {
            let kept: Vec<(&'a Address, Address)> = open
                .into_iter()
                .filter_map(|address| Some((address, self.needed_by_what_stays(address)?)))
                .collect();
            open = BTreeSet::new();
            for (address, dependent) in kept {
                if self.ties.scope.is_target(address) {
                    let why = format!("`{dependent}` depends on it and is left out of this plan");
                    if let Some(draft) = self.drafts.get_mut(address) {
                        draft.hold(Held::NotPossible(why));
                    }
                    continue;
                }
                self.drafts.remove(address);
                left_out.insert(address);
                stays.push(finding::stays_for(address, &dependent));
                let needed = needed.get(address).into_iter().flatten();
                open.extend(needed.filter_map(|dependency| self.all.get(dependency)));
            }
        }
        let is_left_out = |finding: &Finding| {
            finding.subject.as_ref().is_some_and(|subject| left_out.contains(&subject.address))
        };
        self.findings.retain(|finding| !is_left_out(finding));
        self.findings.extend(stays);
    }

    /// Returns what goes on as it is and needs something that is to be taken away.
    fn needed_by_what_stays(&self, address: &Address) -> Option<Address> {
        let draft = self.drafts.get(address)?;
        let goes = draft.held.is_none() && is_taken_away(draft);
        if !goes || self.ties.context.wanted(address).is_some() {
            return None;
        }
        let waiting = self.ties.dependents.get(address)?;
        waiting.iter().find(|dependent| self.stays(dependent)).cloned()
    }

    /// Tells whether something goes on as it is after this plan.
    fn stays(&self, dependent: &Address) -> bool {
        let is_here = standing(self.ties.context, dependent) != Standing::Missing;
        let depends_still = self.ties.context.inputs.options.destroy || self.ties.is_bound(dependent);
        !self.drafts.contains_key(dependent) && is_here && depends_still
    }
}

impl<'c, 'a> Ties<'c, 'a> {
    fn new(context: &'c Context<'a>, scope: &'c Scope<'c>) -> Self {
        Self { context, scope, dependents: dependents(context) }
    }

    /// Returns what goes along with one address.
    fn companions(&self, address: &Address, draft: &Draft<'_>) -> Vec<Companion> {
        let mut companions = Vec::new();
        if draft.has(Step::Move)
            && let Some(occupant) = self.occupant(address)
        {
            companions.push((occupant.clone(), Part::MakesWay, finding::makes_way(&occupant, address)));
        }
        match self.context.wanted(address) {
            Some(Wanted::Pod(pod)) if is_brought_up(pod, draft) => {
                companions.extend(self.needed(address, pod));
                if brought_up(draft).is_some() {
                    companions.extend(self.awaited(address, pod));
                }
                companions.extend(self.told_of(address, draft));
            }
            // One that only goes along is made for what needs it; the others that mounted it are not touched.
            Some(Wanted::Volume(WantedVolume::Managed { .. }))
                if self.scope.is_target(address) && gets_another_id(self.context, address, draft) =>
            {
                let mounting = self.dependents.get(address).into_iter().flatten();
                companions.extend(
                    mounting.map(|pod| (pod.clone(), Part::Bound, finding::mounts_another(pod, address))),
                );
            }
            Some(Wanted::Registry(_))
                if self.scope.is_target(address) && gets_another_id(self.context, address, draft) =>
            {
                let pulling = self.dependents.get(address).into_iter().flatten();
                companions.extend(
                    pulling.map(|pod| (pod.clone(), Part::Bound, finding::pulls_with_another(pod, address))),
                );
            }
            Some(Wanted::Pod(_) | Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)) => {}
            None if is_taken_away(draft) => {
                for dependent in self.dependents.get(address).into_iter().flatten() {
                    let finding = if self.is_bound(dependent) {
                        finding::goes_with(dependent, address)
                    } else if self.is_in_the_way(dependent, address) {
                        finding::frees(dependent, address)
                    } else {
                        continue;
                    };
                    companions.push((dependent.clone(), Part::Bound, finding));
                }
            }
            None => {}
        }
        companions
    }

    /// Returns the dependencies of a pod that are not ready, and those that must be known by their new address.
    fn needed(&self, address: &Address, pod: &WantedPod) -> Vec<Companion> {
        let needed =
            dependencies(pod).into_iter().filter(|dependency| is_waited_for(self.context, dependency));
        needed
            .filter_map(|dependency| {
                let standing = standing(self.context, &dependency);
                let is_renamed = self.context.renamed.moves.contains_key(&dependency);
                let part = match standing {
                    Standing::Ready if is_renamed => Part::MakesWay,
                    Standing::Ready => return None,
                    Standing::Stopped | Standing::Missing | Standing::Unknown | Standing::Over => {
                        Part::Needed
                    }
                };
                let finding = match self.context.registries.remade(&dependency) {
                    Some(_) => finding::remade(&dependency, address),
                    None => finding::needed(&dependency, address, standing),
                };
                Some((dependency, part, finding))
            })
            .collect()
    }

    /// Returns the jobs under way for the end of which a pod waits that comes up.
    fn awaited(&self, address: &Address, pod: &WantedPod) -> Vec<Companion> {
        let awaited = pod.until.keys().filter(|job| goes_on(self.context, job));
        awaited.map(|job| (job.clone(), Part::Awaited, finding::awaited(job, address))).collect()
    }

    /// Returns the pods that were told of one which gets another id, and still refer to it.
    fn told_of(&self, address: &Address, draft: &Draft<'_>) -> Vec<Companion> {
        if !self.scope.is_target(address) || !gets_another_id(self.context, address, draft) {
            return Vec::new();
        }
        let told = self.dependents.get(address);
        let users = self.context.references.users(address);
        let users = users.filter(|user| told.is_some_and(|told| told.contains(*user)));
        users.map(|user| (user.clone(), Part::Bound, finding::refers_to_another(user, address))).collect()
    }

    /// Returns what is known at an address and moves away from it.
    fn occupant(&self, address: &Address) -> Option<Address> {
        let Prior { objects, unseen, .. } = self.context.inputs.prior;
        let is_known = objects.contains_key(address) || unseen.contains_key(address);
        self.context.renamed.moves_to(address).filter(|_| is_known).cloned()
    }

    /// RunPod deletes no network volume and no credentials under a pod, so one that the spec still wants, but without them,
    /// has to be brought to what is wanted of it first.
    fn is_in_the_way(&self, pod: &Address, taken: &Address) -> bool {
        let recorded = self.context.renamed.recorded(pod);
        let uses = |recorded: &Recorded| {
            [mounted(self.context, recorded), pulled(self.context, recorded)].contains(&Some(taken.clone()))
        };
        !taken.is_pod() && !self.scope.is_deselected(pod) && recorded.is_some_and(uses)
    }

    /// What the spec still wants no longer depends on what leaves it.
    fn is_bound(&self, dependent: &Address) -> bool {
        self.context.wanted(dependent).is_none() && !self.scope.is_deselected(dependent)
    }
}

/// Tells whether a draft leaves a job that has ended as it is.
fn is_over(draft: &Draft<'_>) -> bool {
    let has_ended = matches!(draft.job, Some(JobAfter::Ended(_)));
    has_ended && draft.held.is_none() && brought_up(draft).is_none() && !draft.has(Step::Move)
}

/// Tells whether a draft creates, starts or changes a pod.
fn is_brought_up(pod: &WantedPod, draft: &Draft<'_>) -> bool {
    pod.run == RunState::Running
        && [Step::Create, Step::Start, Step::Update].iter().any(|step| draft.has(*step))
}

/// Tells whether a recorded volume is made again, or is found under another id.
fn gets_another_id(context: &Context<'_>, address: &Address, draft: &Draft<'_>) -> bool {
    let is_recorded = context.renamed.objects.contains_key(address);
    is_recorded && (draft.has(Step::Create) || draft.has(Step::Adopt))
}
