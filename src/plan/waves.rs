//! Replicas of one key that are taken down to be changed: in waves, so that the others go on serving.
//!
//! A wave is nothing but an order: each of its replicas waits for all of the wave before. So one that does not come up
//! again ends the update, as what waits for it is not begun, and the next plan goes on from what it finds.
//!
//! A replica that the spec no longer counts stands in for one that is to come, so it goes after that one is up.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{AtOnce, WIDEST_WAVE, Wanted, WantedPod};
use crate::model::id::RemoteId;
use crate::model::live::{PodStatus, Seen};
use crate::model::plan::{ActionId, Finding, Held, Step};
use crate::model::pod::RunState;

use super::draft::Draft;
use super::graph::{Edges, id, takes_down};
use super::{Context, Drafts, finding, readiness};

/// The replicas of one key that come up by a plan, those first that are down already.
pub(super) struct Waves<'a> {
    key: &'a Key,
    /// How many go down at once, if that is limited.
    at_once: Option<usize>,
    /// Those that are down and that the plan does not bring up.
    missing: Vec<&'a Address>,
    /// Those that are down when the plan is made, and those that are only waited for.
    down: Vec<Turn<'a>>,
    /// Those that run and did not say that they are ready, which a change takes down. They go in waves too: what was
    /// asked may be what the change brings.
    unready: Vec<Turn<'a>>,
    /// Those that serve and that a change takes down.
    up: Vec<Turn<'a>>,
    /// How many of those that are down have been there before.
    fallen: usize,
    /// Those that serve and that the spec no longer counts, each with what takes it down.
    leaving: Vec<(&'a Address, Step)>,
    /// How many of the others serve when the plan is made.
    serving: usize,
    /// Whether they say when they are ready, so that those that run may be down.
    is_asked: bool,
}

/// One replica.
struct Turn<'a> {
    address: &'a Address,
    /// What takes it down, or brings it up where it is down.
    first: Step,
    /// What it runs again after.
    last: Step,
}

/// Has a plan wait for the replicas that nothing is done to and that are down, before it takes down others.
pub(super) fn wait_for_those_down<'a>(context: &Context<'a>, drafts: &mut Drafts<'a>) {
    let limited = of_keys(context, drafts).into_values().filter(|waves| waves.at_once().is_some());
    let limited = limited.filter(|waves| waves.changed() > 0 || !waves.leaving.is_empty());
    let keys: BTreeSet<&Key> = limited.map(|waves| waves.key).collect();
    for key in keys {
        for (address, pod) in replicas(context, key) {
            let serves = state(context, address) == State::Serves;
            if !serves
                && pod.run == RunState::Running
                && drafts.get(address).is_some_and(|draft| turn(address, draft).is_none())
            {
                readiness::wait_for(context, drafts, address);
            }
        }
    }
}

/// Holds what would take down more replicas than may be down at once, as others are down that the plan does not bring up:
/// they were left out, or are held. Tells whether anything was held.
pub(super) fn hold_beside_those_down<'a>(context: &Context<'a>, drafts: &mut Drafts<'a>) -> bool {
    let full: Vec<(&Address, Held)> = of_keys(context, drafts)
        .values()
        .filter_map(|waves| Some((waves, waves.at_once().filter(|at_once| waves.missing.len() >= *at_once)?)))
        .flat_map(|(waves, at_once)| {
            let missing: Vec<String> =
                waves.missing.iter().map(|address| format!("`{address}`")).collect();
            let is = if missing.len() == 1 { "is" } else { "are" };
            let why = format!(
                "at most {at_once} of its replicas may be down at once, and {} {is} not ready and not brought up by this plan; let it bring up those too, or raise `at_once`",
                missing.join(", ")
            );
            let stays = waves.missing.len() - at_once;
            let left = left_standing(context, drafts, waves.key);
            let leaving = waves.leaving.iter().take(stays.saturating_sub(left)).map(|(address, _)| *address);
            let up = waves.up.iter().map(|turn| turn.address);
            up.chain(leaving).map(move |address| (address, Held::NotPossible(why.clone())))
        })
        .collect();
    let holds = !full.is_empty();
    for (address, held) in full {
        if let Some(draft) = drafts.get_mut(address) {
            draft.hold(held);
        }
    }
    holds
}

/// Returns the replicas of a key that do not serve and of which nothing is done by this plan. Those that were never there
/// count: a replacement that was cut off leaves nothing on record either.
fn missing<'a>(
    context: &Context<'a>,
    drafts: &Drafts<'a>,
    key: &'a Key,
) -> impl Iterator<Item = &'a Address> {
    let wanted = replicas(context, key).filter(|(_, pod)| pod.run == RunState::Running);
    wanted.map(|(address, _)| address).filter(|address| {
        let is_left = drafts.get(address).is_none_or(|draft| draft.held.is_some());
        is_left && state(context, address) != State::Serves
    })
}

/// Returns how many serve that the spec no longer counts and that the plan leaves as they are.
fn left_standing(context: &Context<'_>, drafts: &Drafts<'_>, key: &Key) -> usize {
    let recorded = context.renamed.objects.range(Address::pod(key.clone())..).map(|(address, _)| address);
    let of_key = recorded.take_while(|address| address.is_pod() && address.key() == key);
    let stands = |address: &&Address| {
        let goes =
            drafts.get(address).is_some_and(|draft| draft.steps.iter().any(|(step, _)| takes_down(*step)));
        !context.inputs.desired.wanted.contains_key(*address)
            && !goes
            && state(context, address) == State::Serves
    };
    of_key.filter(stands).count()
}

/// Returns the keys of which a replica is taken down, with all of theirs.
pub(super) fn waves<'a>(context: &Context<'a>, drafts: &Drafts<'a>) -> Vec<Waves<'a>> {
    let waves = of_keys(context, drafts).into_values();
    // Of those that say when they are ready it takes a question whether all are that stay.
    let stands_in = |waves: &Waves<'_>| waves.is_asked || !waves.down.is_empty();
    waves.filter(|waves| waves.changed() > 0 || !waves.leaving.is_empty() && stands_in(waves)).collect()
}

/// Returns the keys with replicas that go or come.
fn of_keys<'a>(context: &Context<'a>, drafts: &Drafts<'a>) -> BTreeMap<&'a Key, Waves<'a>> {
    let mut by_key: BTreeMap<&'a Key, Waves<'a>> = BTreeMap::new();
    for (address, draft) in drafts {
        let address: &'a Address = address;
        let Address::Pod { key, replica } = address else { continue };
        let Some(wanted) = context.wanted(address) else {
            // Once for a key: it looks at all of its replicas.
            if let Some(goes) = goes(context, drafts, address, draft) {
                let waves = by_key.entry(key).or_insert_with(|| Waves::new(context, drafts, key));
                waves.leaving.push((address, goes));
            }
            continue;
        };
        let (Some(_), Wanted::Pod(pod)) = (replica, wanted) else { continue };
        let Some(turn) = turn(address, draft).filter(|_| pod.run == RunState::Running) else { continue };
        if goes_with_its_volume(drafts, pod) {
            continue;
        }
        let waves = by_key.entry(key).or_insert_with(|| Waves::new(context, drafts, key));
        match (state(context, address), turn.first) {
            // It serves, and something else waits for it.
            (State::Serves, Step::Ready) => {}
            (State::Serves, _) => waves.up.push(turn),
            (State::Unready, step) if step != Step::Ready => waves.unready.push(turn),
            (State::Unready | State::Down, _) => {
                waves.fallen += usize::from(context.renamed.recorded(address).is_some());
                waves.down.push(turn);
            }
        }
    }
    by_key
}

/// Returns what takes down a pod that serves and that the spec no longer counts among the replicas of its key.
fn goes(context: &Context<'_>, drafts: &Drafts<'_>, address: &Address, draft: &Draft<'_>) -> Option<Step> {
    let mut steps = draft.steps.iter().map(|(step, _)| *step);
    let goes = steps.find(|step| takes_down(*step)).filter(|_| !context.inputs.options.destroy)?;
    let has_others = || replicas(context, address.key()).any(|(_, pod)| pod.run == RunState::Running);
    (state(context, address) == State::Serves && has_others() && !mounts_what_goes(context, drafts, address))
        .then_some(goes)
}

/// Tells whether a recorded pod mounts a network volume that the plan deletes.
fn mounts_what_goes(context: &Context<'_>, drafts: &Drafts<'_>, address: &Address) -> bool {
    let recorded = context.renamed.recorded(address).and_then(|recorded| recorded.record.object.pod());
    let volume = recorded.and_then(|pod| pod.container.storage.volume());
    volume.and_then(|volume| drafts.get(volume)).is_some_and(|draft| draft.has(Step::Delete))
}

impl<'a> Waves<'a> {
    /// Begins with what is so whatever the plan does.
    fn new(context: &Context<'a>, drafts: &Drafts<'a>, key: &'a Key) -> Self {
        let all = || replicas(context, key).filter(|(_, pod)| pod.run == RunState::Running);
        let at_once = all().find_map(|(_, pod)| pod.at_once);
        let serving = all().filter(|(address, _)| state(context, address) == State::Serves);
        Self {
            key,
            at_once: at_once.map(|at_once: AtOnce| at_once.of(replicas(context, key).count())),
            missing: missing(context, drafts, key).collect(),
            down: Vec::new(),
            unready: Vec::new(),
            up: Vec::new(),
            fallen: 0,
            leaving: Vec::new(),
            serving: serving.count(),
            is_asked: all().any(|(address, _)| context.inputs.desired.ready.contains_key(address)),
        }
    }
}

impl<'a> Waves<'a> {
    /// Returns its order: `(first, then)`.
    pub(super) fn edges(&self) -> Vec<(ActionId, ActionId)> {
        let Some(at_once) = self.room() else { return Vec::new() };
        let down = [&self.down[..]].into_iter().filter(|down| !down.is_empty());
        let waves: Vec<&[Turn<'_>]> =
            down.chain(self.unready.chunks(at_once)).chain(self.up.chunks(at_once)).collect();
        waves.windows(2).flat_map(|pair| in_turn(pair[0], pair[1])).collect()
    }

    /// Returns what those wait for that leave, as far as it leads to no cycle: `(first, then)`.
    pub(super) fn wishes(&self) -> Edges {
        let awaited = self.stood_in_for().map_or(&[][..], |(turns, _)| turns);
        let turns: Vec<Turn<'_>> =
            self.leaving.iter().map(|(address, goes)| Turn { address, first: *goes, last: *goes }).collect();
        in_turn(awaited, &turns).collect()
    }

    /// Returns the replicas in whose place those serve that leave, and whether they are changed. Those that are to come go
    /// first; where none of the others would serve while they are changed, those that leave stay until then.
    fn stood_in_for(&self) -> Option<(&[Turn<'_>], bool)> {
        let at_once = self.room().filter(|_| !self.leaving.is_empty())?;
        if !self.down.is_empty() {
            return Some((&self.down, false));
        }
        let changed =
            [&self.up, &self.unready].into_iter().find_map(|turns| turns.chunks(at_once).next_back());
        changed.filter(|_| self.serving <= at_once).map(|changed| (changed, true))
    }

    /// Returns how many may be down at once, if that is limited. The only one that is left of several which say when they
    /// are ready is as one of them.
    fn at_once(&self) -> Option<usize> {
        let is_last = self.is_asked && !self.leaving.is_empty();
        self.at_once.or(is_last.then_some(1))
    }

    /// Returns how many may go down at once beside those that are down already, where that is limited. One that does not
    /// serve may always go.
    fn room(&self) -> Option<usize> {
        self.at_once().map(|at_once| at_once.saturating_sub(self.missing.len()).max(1))
    }

    /// Returns how many pods that run are changed.
    fn changed(&self) -> usize {
        self.changed_turns().count()
    }

    fn changed_turns(&self) -> impl Iterator<Item = &Turn<'_>> {
        self.unready.iter().chain(&self.up)
    }

    /// Returns how many go down at once, where that is limited.
    pub(super) fn limit(&self) -> Option<(Key, u32)> {
        Some((self.key.clone(), u32::try_from(self.at_once()?).unwrap_or(u32::MAX)))
    }

    /// Returns the key if some of its replicas go down after others are up again.
    pub(super) fn in_turn(&self) -> Option<&'a Key> {
        let at_once = self.room()?;
        (self.changed() > at_once).then_some(self.key)
    }

    /// Says how many are down at once.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let changed = self.changed();
        let changes = match self.room() {
            Some(at_once) if changed + self.fallen > 1 && changed > 0 => {
                let waves = self.unready.len().div_ceil(at_once) + self.up.len().div_ceil(at_once);
                Some(finding::in_waves(self.key, changed, (waves, at_once), self.fallen))
            }
            Some(_) | None => None,
        };
        let unlimited = self.room().is_none();
        let made_first = self.changed_turns().filter(|turn| turn.first == Step::Create).count();
        let go_down = changed - made_first;
        let at_once = [
            (unlimited && go_down > 1).then(|| finding::all_at_once(self.key, go_down)),
            (unlimited && made_first > 1).then(|| finding::all_made_at_once(self.key, made_first)),
        ];
        let leaving = self.leaving.len();
        let leaves = match (self.stood_in_for(), self.room()) {
            (Some((turns, is_changed)), _) => {
                // The last wave of those that are changed comes after all others.
                let others = if is_changed { changed } else { turns.len() };
                Some(finding::leave_last(self.key, leaving, (others, is_changed)))
            }
            (None, None) if leaving > 1 && self.down.len() > 1 => {
                Some(finding::leave_at_once(self.key, leaving, self.down.len()))
            }
            (None, _) => None,
        };
        changes.into_iter().chain(at_once.into_iter().flatten()).chain(leaves).collect()
    }
}

/// Returns the edges that have all of a wave wait for all of the one before.
///
/// Of large waves there would be too many, so the first of the second one begins before the others of it.
fn in_turn<'t>(
    before: &'t [Turn<'_>],
    after: &'t [Turn<'_>],
) -> impl Iterator<Item = (ActionId, ActionId)> + use<'t> {
    let is_large = before.len().min(after.len()) > WIDEST_WAVE;
    let (head, others) = after.split_at(if is_large { 1 } else { after.len() });
    let wait = before.iter().flat_map(|before| head.iter().map(|after| (before.ends(), after.begins())));
    let follow = head.iter().flat_map(|head| others.iter().map(|after| (head.begins(), after.begins())));
    wait.chain(follow)
}

impl Turn<'_> {
    /// Returns the action that takes it down, or brings it up where it is down.
    fn begins(&self) -> ActionId {
        id(self.address, self.first)
    }

    /// Returns the action that it runs again after.
    fn ends(&self) -> ActionId {
        id(self.address, self.last)
    }
}

/// Returns the replicas that the spec has of a key.
fn replicas<'a>(context: &Context<'a>, key: &'a Key) -> impl Iterator<Item = (&'a Address, &'a WantedPod)> {
    let wanted = context.inputs.desired.wanted.range(Address::pod(key.clone())..);
    let of_key = wanted.take_while(move |(address, _)| address.is_pod() && address.key() == key);
    of_key.filter_map(|(address, wanted)| match wanted {
        Wanted::Pod(pod) => Some((address, &**pod)),
        Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_) => None,
    })
}

/// Returns what a draft does to a replica that runs after it; `None` if it stays up, or down.
fn turn<'a>(address: &'a Address, draft: &Draft<'a>) -> Option<Turn<'a>> {
    let steps = || draft.steps.iter().map(|(step, action)| (*step, action.operation.resets()));
    let comes_up =
        |(step, resets): &(Step, bool)| *resets || matches!(step, Step::Create | Step::Start | Step::Ready);
    let matters = |step: &(Step, bool)| {
        comes_up(step) || matches!(step.0, Step::Stop | Step::Delete | Step::DeleteDeposed)
    };
    steps().find(comes_up)?;
    // Where the new one comes first, the turn ends when the old one is gone, so that few are billed twice at a time.
    Some(Turn { address, first: steps().find(matters)?.0, last: steps().rfind(matters)?.0 })
}

/// How a replica is when the plan is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Serves,
    /// It runs, and it is not ready.
    Unready,
    /// It does not run, or not yet, or is not there.
    Down,
}

fn state(context: &Context<'_>, address: &Address) -> State {
    let live = &context.inputs.live;
    let recorded = context.renamed.recorded(address).map(|recorded| &recorded.id);
    let Some(RemoteId::Pod(id)) = recorded else { return State::Down };
    match live.pods.get(id).and_then(Seen::found).map(|pod| pod.status) {
        Some(PodStatus::Running) if live.unready.contains(id) => State::Unready,
        Some(PodStatus::Running) => State::Serves,
        Some(_) | None => State::Down,
    }
}

/// All pods are away before a volume is deleted, and none is back before there is another.
fn goes_with_its_volume(drafts: &Drafts<'_>, pod: &WantedPod) -> bool {
    let volume = pod.container.storage.volume();
    volume.and_then(|volume| drafts.get(volume)).is_some_and(|draft| draft.has(Step::Delete))
}
