//! The planner: from what is wanted, recorded and live to what is to be done.
//!
//! [`plan`] is a pure function. It knows neither files nor the network, its time is the time of the observation, and
//! its only randomness is a nonce that it is given. It leaves no choice to the one who executes: tokens, candidates,
//! order and values are in the plan. What could not be looked at is held, never taken for gone. Start at `presence`,
//! the table of cases, then `pods`, which turns a case into steps.
//!
//! To add a case: a row in `presence` or a judgement in `pods/keep`, a test in `tests/it/plan` that plans it, and what
//! `check` must hold of every plan from then on. To add a consequence or a reason to wait: its variant in
//! [`crate::model::plan`], its sentence in `render`, and the place here that knows it.

mod again;
mod awaited;
mod bounds;
mod budget;
mod catalog_index;
mod check;
mod compare;
mod cost;
mod dead_addresses;
mod deposed;
mod digest;
mod draft;
mod effect;
mod env;
mod finding;
mod gaps;
mod graph;
mod hold;
mod jobs;
mod likeness;
mod lost;
mod moves;
mod outdated;
mod ownership;
mod placement;
mod places;
mod pods;
mod presence;
mod reach;
mod readiness;
mod rebuild;
mod references;
mod refusal;
mod registries;
mod rotation;
mod satisfaction;
mod scope;
mod secrets;
mod shown;
mod ssh;
mod templates;
mod undisturbed;
mod unmanaged;
mod unseen;
mod untold;
mod volume_index;
mod volumes;
mod waves;
mod weight;

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::catalog::Catalog;
use crate::model::clock::SignedDuration;
use crate::model::desired::{Desired, Wanted, WantedVolume};
use crate::model::id::{ProjectName, RemoteId, RunNonce, VolumeId};
use crate::model::live::{Live, LivePod, LiveVolume, Seen, Unreadable};
use crate::model::marker::VolumeMark;
use crate::model::plan::{
    Action, ActionId, Basis, Block, Consequence, CostSummary, Digest, Drift, Endpoint, Finding, Held,
    InProgress, Operation, Plan, Planned, Split, Step,
};
use crate::model::prior::{Api, Prior, Recorded};
use crate::model::secret::Secrets;
use crate::model::settings::Container;

pub use again::{Again, again};
pub use awaited::{SinceEnd, before_ends, left_since_end, since_end};
pub use bounds::check_bounds;
pub use check::{Violation, check};
pub use cost::cost_of_recorded;
pub use digest::{digest, is_same, spec_digest};
pub use finding::COMMAND_IS_GUESS;
pub use jobs::asked_of_logs;
pub use lost::made_elsewhere;
pub use moves::moved;
pub use outdated::outdated;
pub use placement::{Explained, explain, stock_questions};
pub use pods::{Stands, job_stands};
pub use rebuild::{
    Found, KnownObject, Rebuilding, Rebuilt, SeveralStates, is_gone, rebuild, taken_over, unknown_to,
};
pub use refusal::{Flag, Refusal, refusals};
pub use registries::sought_registries;
pub use rotation::Rotation;
pub use scope::Pattern;
pub use secrets::names_secrets;
pub use ssh::needs_ssh_keys;
pub use unseen::{jobs, unknown_jobs, unknown_since};

use catalog_index::CatalogIndex;
use draft::Draft;
use gaps::Gaps;
use jobs::JobAfter;
use moves::Renamed;
use ownership::Ownership;
use reach::{Part, Reach};
use references::References;
use registries::RegistryIndex;
use scope::Scope;
use volume_index::VolumeIndex;

/// Everything that a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// What is wanted.
    pub desired: &'a Desired,
    /// What was recorded.
    pub prior: &'a Prior,
    /// What was seen. Its time is the time of the plan.
    pub live: &'a Live,
    /// What RunPod sells.
    pub catalog: &'a Catalog,
    /// The secret values that could be read; they are compared in memory and go no further.
    pub secrets: &'a Secrets,
    /// Where requests go.
    pub endpoint: &'a Endpoint,
    /// The API that is spoken.
    pub api: Api,
    /// Makes the tokens of this plan its own.
    pub nonce: &'a RunNonce,
    /// How long after its last event a create without an answer may still show up in a listing.
    pub settling: SignedDuration,
    /// What the command line asks for.
    pub options: &'a Options,
    /// A run that goes on. What it is about to change is neither drift nor a change that is left to do.
    pub in_progress: Option<&'a InProgress>,
}

/// What the command line asks for beside the spec.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// Terminate everything managed, whatever `on_remove` says.
    pub destroy: bool,
    /// Destroy pods of every profile, as none was chosen; a pod that no chosen profile selects stays otherwise.
    pub whatever_profile: bool,
    /// Replace these even if nothing differs; a bare key means all of its replicas.
    pub replace: BTreeSet<Address>,
    /// How many tokens of the nonce a plan before this one had at each address, where a run goes on after a wait.
    pub tokens_used: BTreeMap<Address, u32>,
    /// Only these and what must go along with them; empty means all.
    pub targets: Vec<Pattern>,
    /// Not these.
    pub excludes: Vec<Pattern>,
    /// Believe that everything recorded is gone.
    pub accept_vanished: bool,
    /// Lift the remembered protection of these for this plan; a bare key means all of its replicas.
    pub unprotect: BTreeSet<Address>,
    /// Send the values of these secrets again, and make others in the place of these credentials for registries.
    pub rotate: BTreeSet<Rotation>,
    /// Only what is taken over matters, as for an import or a rebuild: what the state does not know does not stop it.
    pub taking_over: bool,
    /// The other project whose objects may be taken over.
    pub from_project: Option<ProjectName>,
    /// The plan is made to tell what there is. Nothing of it is done, so nothing is held or refused for want of what
    /// was left out.
    pub only_looks: bool,
}

impl Options {
    /// Returns what a command asks for that only tells what there is.
    pub fn to_look() -> Self {
        Self { only_looks: true, ..Self::default() }
    }

    /// Tells whether `--rotate` is about an address.
    fn rotates(&self, address: &Address) -> bool {
        self.rotate.iter().any(|rotation| rotation.is_about(address))
    }
}

/// The inputs with what is derived from them for all addresses at once.
struct Context<'a> {
    inputs: &'a Inputs<'a>,
    renamed: &'a Renamed<'a>,
    ownership: &'a Ownership<'a>,
    volumes: &'a VolumeIndex<'a>,
    registries: &'a RegistryIndex<'a>,
    catalog: &'a CatalogIndex<'a>,
    references: &'a References<'a>,
}

impl<'a> Context<'a> {
    /// Returns what is wanted at an address; nothing is when all is destroyed.
    fn wanted(&self, address: &Address) -> Option<&'a Wanted> {
        let Inputs { desired, options, .. } = *self.inputs;
        if options.destroy { None } else { desired.wanted.get(address) }
    }

    /// Returns the settings of a wanted pod with its references to others as the spec has them.
    fn written(&self, address: &Address) -> Option<&'a Container> {
        self.references.written.wanted.get(address)?.pod().map(|pod| &pod.container)
    }

    /// Returns the record of an address, for as long as the plan is made. A rename gives a record another address, and a secret's
    /// holds none.
    fn recorded(&self, address: &Address) -> Option<&'a Recorded> {
        let before = self.renamed.moves.get(address).unwrap_or(address);
        self.renamed.objects.contains_key(address).then(|| self.inputs.prior.objects.get(before)).flatten()
    }

    /// Tells whether an object may not be deleted: where its protection was applied, and where the spec asks for it, be it
    /// applied yet or not. A replica that the spec no longer counts has the word of its key.
    fn is_protected(&self, address: &Address) -> bool {
        let applied =
            self.renamed.recorded(address).is_some_and(|recorded| recorded.record.lifecycle.protect);
        applied || self.asks_to_protect(address)
    }

    fn asks_to_protect(&self, address: &Address) -> bool {
        let Inputs { desired, .. } = *self.inputs;
        let asked = match desired.wanted.get(address) {
            Some(Wanted::Pod(pod)) => pod.lifecycle.protect,
            Some(Wanted::Volume(WantedVolume::Managed { protect, .. })) => *protect,
            Some(
                Wanted::Volume(WantedVolume::Referenced { id: _ }) | Wanted::Secret(_) | Wanted::Registry(_),
            )
            | None => false,
        };
        asked || address.is_pod() && desired.protected.contains(address.key())
    }

    /// Tells whether the spec has replicas under a key, or its pod.
    fn has_key(&self, key: &Key) -> bool {
        let Desired { replicated, wanted, .. } = self.inputs.desired;
        replicated.contains(key)
            || wanted.contains_key(&Address::pod(key.clone()))
            || wanted.contains_key(&Address::replica(key.clone(), 0))
    }

    /// Tells whether `--replace` names an address.
    fn is_to_be_replaced(&self, address: &Address) -> bool {
        is_named(&self.inputs.options.replace, address)
    }

    /// Tells whether `--unprotect` lifts the protection of an address. It lifts what is remembered, and not what the spec
    /// asks for. Of a replica that the spec leaves out it asks for nothing, but only its own name says that it is meant.
    fn is_unprotected(&self, address: &Address) -> bool {
        let Inputs { options, desired, .. } = *self.inputs;
        let is_left_out = desired.replicated.contains(address.key())
            && !desired.wanted.contains_key(address)
            && !desired.out_of_scope.contains_key(address)
            && options.unprotect.contains(address);
        is_left_out || is_named(&options.unprotect, address) && !self.asks_to_protect(address)
    }
}

/// Tells whether an address is among these, or is a replica of one.
fn is_named(names: &BTreeSet<Address>, address: &Address) -> bool {
    names.contains(address) || address.is_pod() && names.contains(&Address::pod(address.key().clone()))
}

type Drafts<'a> = BTreeMap<&'a Address, Draft<'a>>;

/// Decides what is to be done.
pub fn plan(inputs: &Inputs<'_>) -> Planned {
    let mut references = References::new(inputs);
    if references.are_none() {
        return plan_with(inputs, &references);
    }
    // Each round makes at least one id unknown, so there are few.
    loop {
        let desired = references.put_in();
        let planned = plan_with(&Inputs { desired: &desired, ..*inputs }, &references);
        if !references.learn(planned.plan()) {
            return planned;
        }
    }
}

fn plan_with(inputs: &Inputs<'_>, references: &References<'_>) -> Planned {
    let (renamed, gaps) = renamed(inputs);
    let scope = Scope::new(inputs, &renamed);
    let ownership = Ownership::new(inputs, &renamed);
    let volumes = VolumeIndex::new(inputs, &renamed, &ownership);
    let registries = RegistryIndex::new(inputs, &renamed, &ownership, &scope);
    let catalog = CatalogIndex::new(inputs.desired, inputs.catalog);
    let context = Context {
        inputs,
        renamed: &renamed,
        ownership: &ownership,
        volumes: &volumes,
        registries: &registries,
        catalog: &catalog,
        references,
    };

    if let Some(doubt) = lost::doubts(inputs, &ownership.recorded).filter(|_| !inputs.options.taking_over) {
        let mut plan = assemble(&context, &scope, Drafts::new(), Default::default(), Vec::new());
        // No address was left out by anybody's choice but those of the profiles.
        plan.out_of_scope = inputs.desired.out_of_scope.len();
        return Planned::Blocked { reasons: vec![doubt], plan };
    }

    let known =
        inputs.desired.wanted.keys().chain(renamed.objects.keys()).chain(renamed.unseen.keys()).cloned();
    let addresses = ownership.addresses().into_iter().chain(known).collect();
    let mut reach = reach::reach(&context, &scope, &addresses);
    let drafts = &mut reach.drafts;
    hold::reserved(&gaps.reserved, drafts);
    hold::what_is_in_progress(&context, drafts);
    if !inputs.options.taking_over {
        hold::what_is_there_already(&context, drafts);
        hold::what_cannot_be_read(&context, drafts);
    }
    templates::hold_unread(&context, drafts);
    let unchecked = [secrets::hold_without(&context, drafts), registries::hold_without(&context, drafts)];
    hold::what_a_rebuild_found(&context, drafts);
    hold::what_a_rebuild_left(&context, drafts);
    hold::free_deleted_volumes(&context, drafts);
    hold::spread(&context, drafts);
    while waves::hold_beside_those_down(&context, drafts) {
        hold::spread(&context, drafts);
    }
    reach.leave_stranded(&context, &scope);
    let Reach { mut drafts, findings: reached } = reach;
    registries::end_unused(&context, &mut drafts);
    readiness::ask(&context, &mut drafts);
    jobs::wait(&context, &mut drafts);
    waves::wait_for_those_down(&context, &mut drafts);
    let mut edges = graph::edges(&context, &drafts);
    let waves = waves::waves(&context, &drafts);
    edges.extend(waves.iter().flat_map(waves::Waves::edges));
    undisturbed::keep_up(&context, &drafts, waves.iter().flat_map(waves::Waves::wishes), &mut edges);
    let limited = waves.iter().filter_map(waves::Waves::limit).collect();

    let vanished: Vec<&Address> = vanished(&context).collect();
    let mut reasons: Vec<Block> = all_vanished(&context, vanished.len()).into_iter().collect();
    reasons.extend(drafts.values().flat_map(|draft| draft.blocks.iter().cloned()));
    reasons.extend(graph::cycles(&edges));
    let others = outside(&context, &drafts);
    let mut remarks = reached;
    remarks.extend(unchecked.into_iter().flatten());
    remarks.extend(gaps.findings);
    remarks.extend(lone_vanished(&context, &vanished));
    remarks.extend(ssh::without_keys(&context, &drafts));
    remarks.extend(templates::left(&context, &drafts));
    remarks.extend(left_out(&context, &scope, &drafts));
    let kept = dead_addresses::kept(&context, &drafts);
    let mut may_be = outdated::may_be(&context, &drafts);
    may_be.retain(|finding| kept.iter().all(|kept| kept.subject != finding.subject));
    remarks.extend(kept.into_iter().chain(may_be));
    remarks.extend(deposed::left(&context, &drafts));
    remarks.extend(waves.iter().flat_map(waves::Waves::findings));
    remarks.extend(untold::findings(&context, &drafts, waves.iter().filter_map(waves::Waves::in_turn)));
    let mut plan = assemble(&context, &scope, drafts, (edges, limited), remarks);
    let budget::Checked { blocks, findings } = budget::check(&plan, inputs.desired.budget, others);
    reasons.extend(blocks);
    plan.findings.splice(0..0, findings);
    match (reasons.is_empty(), plan.actions.is_empty(), plan.held.is_empty()) {
        (false, _, _) | (true, true, false) => Planned::Blocked { reasons, plan },
        (true, true, true) => Planned::NoChanges(plan),
        (true, false, _) => Planned::Changes(plan),
    }
}

/// Returns where each record stands in the plan of these inputs that does not stay at its address.
pub fn moves(inputs: &Inputs<'_>) -> BTreeMap<Address, Address> {
    renamed(inputs).0.moves.into_iter().map(|(to, from)| (from, to)).collect()
}

/// Returns the record under the addresses of this plan, and what is done about gone replicas.
fn renamed<'a>(inputs: &Inputs<'a>) -> (Renamed<'a>, Gaps) {
    let as_told = moves::rename(inputs.prior, inputs.desired, &BTreeMap::new());
    let gaps = gaps::gaps(inputs, &as_told);
    let renamed = if gaps.moves.is_empty() {
        as_told
    } else {
        moves::rename(inputs.prior, inputs.desired, &gaps.moves)
    };
    (renamed, gaps)
}

fn draft<'a>(context: &Context<'a>, address: &'a Address, part: Part) -> Draft<'a> {
    let mut draft = match (address, context.wanted(address)) {
        (Address::Pod { .. }, Some(Wanted::Pod(pod))) => pods::draft(context, address, Some(pod), part),
        (Address::Pod { .. }, None) => pods::draft(context, address, None, part),
        (Address::Volume(_), Some(Wanted::Volume(volume))) => volumes::draft(context, address, Some(volume)),
        (Address::Volume(_), None) => volumes::draft(context, address, None),
        (Address::Secret(_), Some(Wanted::Secret(secret))) => secrets::draft(context, address, Some(secret)),
        (Address::Secret(_), None) => secrets::draft(context, address, None),
        (Address::Registry(_), Some(Wanted::Registry(wanted))) => {
            registries::draft(context, address, Some(wanted))
        }
        (Address::Registry(_), None) => registries::draft(context, address, None),
        // Addresses and wanted objects are made together, so their kinds agree.
        (Address::Pod { .. } | Address::Volume(_) | Address::Secret(_) | Address::Registry(_), Some(_)) => {
            let mut draft = Draft::default();
            draft.hold(Held::NotPossible("the spec has another kind of object here".to_owned()));
            draft
        }
    };
    match part {
        Part::Chosen | Part::Bound => {}
        // What follows from the end of a job waits for a plan that is about it.
        Part::Needed if matches!(draft.job, Some(JobAfter::Ended(_))) => {
            draft.keep_steps(|step| step != Step::Delete && step != Step::Stop);
        }
        Part::Needed if draft.has(Step::Delete) || draft.has(Step::DeleteDeposed) => {
            let why = format!(
                "it can only be brought up by terminating a pod of it, which `--target {address}` allows"
            );
            draft.hold(Held::NotPossible(why));
        }
        // What others took the place of is not ended for what only needs those.
        Part::Needed => draft.deposed.clear(),
        Part::MakesWay => draft.keep_moves_only(),
        Part::Awaited => {
            draft.keep_moves_only();
            draft.job = Some(JobAfter::Runs);
        }
    }
    draft
}

/// All recorded objects gone at once is more likely another account or key than a disaster.
fn all_vanished(context: &Context<'_>, count: usize) -> Option<Block> {
    let all = count >= 2 && count == recorded_to_be_there(context);
    (all && !context.inputs.options.accept_vanished).then_some(Block::AllVanished { count })
}

/// A single one may well have ended, and a replacement that was cut short leaves its account so. If nothing else shows
/// that it is the account of this state, that is said.
fn lone_vanished(context: &Context<'_>, vanished: &[&Address]) -> Option<Finding> {
    let [address] = vanished else { return None };
    let doubtful = recorded_to_be_there(context) == 1
        && !context.inputs.options.accept_vanished
        && !shows_something_of_ours(context);
    doubtful.then(|| finding::lone_vanished(address))
}

/// Returns how many recorded objects there should be. A job can outlive its pod on record.
fn recorded_to_be_there(context: &Context<'_>) -> usize {
    context.renamed.objects.values().filter(|recorded| !recorded.is_gone()).count()
}

fn vanished<'c>(context: &'c Context<'_>) -> impl Iterator<Item = &'c Address> {
    let claimed = context.ownership.addresses();
    let objects = context.renamed.objects.iter();
    let gone = objects.filter(move |(address, recorded)| {
        !recorded.is_gone() && is_gone(&recorded.id, context.inputs.live) && !claimed.contains(address)
    });
    gone.map(|(address, _)| address)
}

/// Tells whether anything in the account carries a token that the journal knows.
fn shows_something_of_ours(context: &Context<'_>) -> bool {
    let Inputs { desired, prior, live, .. } = *context.inputs;
    let marked = |pod: &LivePod| {
        let marker = pod.marker.as_ref().filter(|marker| marker.project == desired.project);
        marker.is_some_and(|marker| prior.tokens.contains_key(&marker.token))
    };
    let named = |volume: &LiveVolume| {
        let mark = volume.name.parse().ok().filter(|mark: &VolumeMark| mark.project == desired.project);
        mark.is_some_and(|mark| ownership::known_volume(prior, &mark).is_some())
    };
    live.pods.values().filter_map(Seen::found).any(marked)
        || live.volumes.values().filter_map(Seen::found).any(named)
}

/// Says which entries of the account's listings are left out as they cannot be read. What is on record is held besides.
pub fn left_out_of_listings(prior: &Prior, live: &Live) -> Vec<Finding> {
    let recorded = LazyCell::new(|| prior.remote_ids());
    let pods = live.pods.iter().filter_map(|(id, seen)| Some((id, unread(seen)?)));
    let pods = pods.map(|(id, why)| (RemoteId::Pod(id.clone()), why));
    let volumes = live.volumes.iter().filter_map(|(id, seen)| Some((id, unread(seen)?)));
    let volumes = volumes.map(|(id, why)| (RemoteId::Volume(id.clone()), why));
    let odd_pods: Vec<_> = pods.filter(|(id, _)| !recorded.contains(id)).collect();
    let odd_volumes: Vec<_> = volumes.filter(|(id, _)| !recorded.contains(id)).collect();
    let mut findings = Vec::new();
    findings.extend(finding::unread("pod", &odd_pods));
    findings.extend(finding::unread("network volume", &odd_volumes));
    findings.extend(finding::nameless("pod", &live.nameless_pods));
    findings.extend(finding::nameless("network volume", &live.nameless_volumes));
    findings
}

fn unread<T>(seen: &Seen<T>) -> Option<&Unreadable> {
    match seen {
        Seen::Unreadable(why) => Some(why),
        Seen::Found(_) | Seen::Absent => None,
    }
}

/// Says what a destroy leaves, and which targets name only what was left out.
fn left_out(context: &Context<'_>, scope: &Scope<'_>, drafts: &Drafts<'_>) -> Vec<Finding> {
    let options = context.inputs.options;
    let mut findings = Vec::new();
    if options.destroy {
        let staying = context.renamed.objects.keys().filter(|address| !drafts.contains_key(address));
        findings.extend(finding::stays(&staying.collect::<Vec<_>>()));
    }
    let empty = scope.empty_targets(drafts);
    let mut profiles: BTreeMap<&Pattern, BTreeSet<&String>> = BTreeMap::new();
    if !empty.is_empty() {
        for (address, pod) in &context.inputs.desired.out_of_scope {
            for target in scope.targets_of(address) {
                profiles.entry(target).or_default().extend(&pod.profiles);
            }
        }
    }
    let none = BTreeSet::new();
    let named = empty.into_iter().map(|target| (target, profiles.get(target).unwrap_or(&none)));
    findings.extend(named.map(|(target, profiles)| finding::target_out_of_scope(target, profiles)));
    findings
}

/// Returns what the managed objects cost that this plan is not about.
fn outside(context: &Context<'_>, drafts: &Drafts<'_>) -> Split {
    let Inputs { live, catalog, .. } = *context.inputs;
    let others = context.renamed.objects.iter().filter(|(address, _)| !drafts.contains_key(address));
    others.filter_map(|(_, recorded)| cost_of_recorded(catalog, recorded, live)).sum()
}

fn assemble(
    context: &Context<'_>,
    scope: &Scope<'_>,
    drafts: Drafts<'_>,
    (edges, waves): (graph::Edges, BTreeMap<Key, u32>),
    remarks: Vec<Finding>,
) -> Plan {
    let inputs = context.inputs;
    let adopted = adopted(&drafts);
    let copies: Vec<&LivePod> = drafts.values().flat_map(|draft| draft.strangers.iter().copied()).collect();
    let (mut unmanaged, unmanaged_findings) = unmanaged::unmanaged(context, &copies);
    unmanaged.retain(|unmanaged| !adopted.contains(&unmanaged.id));
    let mut findings = context.renamed.findings.clone();
    findings.extend(remarks);
    findings.extend(unmanaged_findings);
    findings.extend(unmatched_replacements(context, &drafts));
    findings.extend(unmatched_rotations(inputs.options, &drafts));
    findings.extend(removals_of_nothing(context));
    findings.extend(finding::catalog(inputs.catalog));
    findings.extend(left_out_of_listings(inputs.prior, inputs.live));
    findings.extend(likeness::findings(context, &drafts));
    findings.extend(jobs::failed_before(context, &drafts));
    let out_of_scope = scope.left_out(&drafts);
    let unchanged = drafts.iter().filter(|(address, draft)| is_unchanged(context, address, draft));
    let mut plan = Plan {
        basis: basis(inputs, context.references.written),
        actions: BTreeMap::new(),
        edges,
        waves,
        referenced: referenced(inputs.desired),
        held: BTreeMap::new(),
        drift: Vec::new(),
        findings,
        unmanaged,
        unchanged: unchanged.map(|(address, _)| Address::clone(address)).collect(),
        recorded: inputs
            .prior
            .objects
            .iter()
            .map(|(at, held)| (at.clone(), (held.id.clone(), held.record.object.clone())))
            .collect(),
        out_of_scope,
        in_progress: inputs.in_progress.cloned(),
        cost: CostSummary::default(),
        at_most: BTreeMap::new(),
        templates: BTreeMap::new(),
        digest: Digest { hash: String::new(), monthly: Default::default() },
    };
    plan.cost.unmanaged = plan.unmanaged.iter().map(|unmanaged| unmanaged.cost).sum::<Split>();
    for (address, draft) in drafts {
        let template = templates::of(context, address).filter(|_| !draft.steps.is_empty());
        plan.templates.extend(template.map(|template| (address.clone(), template.clone())));
        add_draft(&mut plan, address, draft);
    }
    drop_kept_volumes(&mut plan);
    plan.findings.sort_by(|left, right| sort_key(left).cmp(&sort_key(right)));
    plan.findings.dedup();
    plan.digest = digest(&plan);
    plan
}

/// Returns what the drafts take over.
fn adopted(drafts: &Drafts<'_>) -> BTreeSet<RemoteId> {
    let steps = drafts.values().flat_map(|draft| &draft.steps);
    let adopted = steps.filter(|(step, _)| *step == Step::Adopt);
    adopted.filter_map(|(_, action)| action.record.id().cloned()).collect()
}

/// A pod that goes keeps its network volume only if that does not go as well.
fn drop_kept_volumes(plan: &mut Plan) {
    let goes = |action: &Action| matches!(action.operation, Operation::DeleteVolume { .. });
    let deleted: BTreeSet<Address> =
        plan.actions.iter().filter(|(_, action)| goes(action)).map(|(id, _)| id.address.clone()).collect();
    for action in plan.actions.values_mut() {
        action.consequences.retain(|consequence| {
            !matches!(consequence, Consequence::NetworkVolumeKept { volume } if deleted.contains(volume))
        });
    }
}

/// Tells whether a draft leaves a managed object as it is.
fn is_unchanged(context: &Context<'_>, address: &Address, draft: &Draft<'_>) -> bool {
    let is_managed = || match context.wanted(address) {
        Some(Wanted::Volume(WantedVolume::Referenced { id: _ })) => false,
        Some(Wanted::Volume(_) | Wanted::Pod(_) | Wanted::Secret(_) | Wanted::Registry(_)) => true,
        // A retired pod is as it is wanted.
        None => context.renamed.objects.contains_key(address),
    };
    let is_seen = draft.held.is_none() && draft.unusable.is_none();
    draft.steps.is_empty() && is_seen && draft.blocks.is_empty() && is_managed()
}

fn add_draft(plan: &mut Plan, address: &Address, draft: Draft<'_>) {
    let Draft {
        steps,
        held,
        unusable: _,
        blocks: _,
        drift,
        findings,
        now,
        after,
        at_most,
        strangers: _,
        deposed: _,
        job: _,
    } = draft;
    plan.drift.extend(drift.into_iter().map(|kind| Drift { address: address.clone(), kind }));
    plan.findings.extend(findings);
    plan.held.extend(held.map(|held| (address.clone(), held)));
    plan.cost.now = plan.cost.now + now;
    plan.cost.after = plan.cost.after + after;
    plan.cost.at_most = plan.cost.at_most + at_most;
    // What is only waited for costs what it costs.
    if steps.iter().any(|(step, _)| *step != Step::Ready) {
        plan.at_most.insert(address.clone(), at_most);
    }
    let actions = steps
        .into_iter()
        .map(|(step, action): (_, Action)| (ActionId { address: address.clone(), step }, action));
    plan.actions.extend(actions);
}

fn unmatched_replacements(context: &Context<'_>, drafts: &Drafts<'_>) -> Vec<Finding> {
    let Inputs { desired, options, .. } = *context.inputs;
    let wanted = if options.destroy || options.replace.is_empty() {
        BTreeSet::new()
    } else {
        refusal::names_of(desired.wanted.keys().filter(|address| drafts.contains_key(address)))
    };
    let unmatched = options.replace.iter().filter(|name| !wanted.contains(*name));
    unmatched.map(finding::unmatched_replace).collect()
}

/// Says which rotations are of what the plan is not about; those of nothing at all are refused before.
fn unmatched_rotations(options: &Options, drafts: &Drafts<'_>) -> Vec<Finding> {
    let rotate = options.rotate.iter().filter(|_| !options.destroy);
    let unmatched = rotate.filter(|rotation| !drafts.keys().any(|address| rotation.is_about(address)));
    unmatched.map(finding::unmatched_rotate).collect()
}

/// Says which entries of `removed` are about nothing that is recorded or marked: done already, or misspelt.
fn removals_of_nothing(context: &Context<'_>) -> Vec<Finding> {
    if context.inputs.desired.removed.is_empty() {
        return Vec::new();
    }
    let named = context.renamed.objects.keys().chain(context.renamed.unseen.keys()).cloned();
    let known: BTreeSet<Address> = named
        .chain(context.ownership.addresses())
        .flat_map(|address| {
            let bare = address.is_pod().then(|| Address::pod(address.key().clone()));
            bare.into_iter().chain([address])
        })
        .collect();
    let removed = context.inputs.desired.removed.keys().filter(|address| !known.contains(*address));
    let twin = |address: &Address| {
        let key = address.key().clone();
        let twin = if address.is_pod() { Address::Volume(key) } else { Address::pod(key) };
        known.get(&twin)
    };
    removed.map(|address| finding::removal_of_nothing(address, twin(address))).collect()
}

fn sort_key(finding: &Finding) -> impl Ord + use<'_> {
    let Finding { severity, code, subject, message } = finding;
    (*severity, subject, *code, message)
}

fn referenced(desired: &Desired) -> BTreeMap<Address, VolumeId> {
    let volume = |(address, wanted): (&Address, &Wanted)| match wanted {
        Wanted::Volume(WantedVolume::Referenced { id }) => Some((address.clone(), id.clone())),
        Wanted::Volume(WantedVolume::Managed { .. })
        | Wanted::Pod(_)
        | Wanted::Secret(_)
        | Wanted::Registry(_) => None,
    };
    desired.wanted.iter().filter_map(volume).collect()
}

fn basis(inputs: &Inputs<'_>, written: &Desired) -> Basis {
    let Inputs {
        desired,
        prior,
        live,
        catalog: _,
        secrets: _,
        endpoint,
        api,
        nonce,
        settling: _,
        options: _,
        in_progress: _,
    } = *inputs;
    Basis {
        project: desired.project.clone(),
        endpoint: endpoint.clone(),
        api,
        spec_digest: spec_digest(written),
        lineage: prior.lineage.clone(),
        serial: prior.serial,
        nonce: nonce.clone(),
        observed_at: live.observed_at,
    }
}
