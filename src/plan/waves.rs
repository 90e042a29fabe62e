//! Replicas of one key that are taken down to be changed: in waves, so that the others go on serving.
//!
//! A wave is nothing but an order: each of its replicas waits for all of the wave before. So one that does not come up
//! again ends the update, as what waits for it is not begun, and the next plan goes on from what it finds.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{AtOnce, Wanted, WantedPod};
use crate::model::id::RemoteId;
use crate::model::live::{PodStatus, Seen};
use crate::model::plan::{ActionId, Finding, Held, Step};
use crate::model::pod::RunState;

use super::draft::Draft;
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
    let limited = waves(context, drafts).into_iter().filter(|waves| waves.at_once.is_some());
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
    let full: Vec<(&Address, Held)> = waves(context, drafts)
        .iter()
        .filter_map(|waves| Some((waves, waves.at_once.filter(|at_once| waves.missing.len() >= *at_once)?)))
        .flat_map(|(waves, at_once)| {
            let missing: Vec<String> =
                waves.missing.iter().map(|address| format!("`{address}`")).collect();
            let is = if missing.len() == 1 { "is" } else { "are" };
            let why = format!(
                "at most {at_once} of its replicas may be down at once, and {} {is} not ready and not brought up by this plan; let it bring up those too, or raise `at_once`",
                missing.join(", ")
            );
            waves.up.iter().map(move |turn| (turn.address, Held::NotPossible(why.clone())))
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

/// Returns the keys of which a replica is taken down, with all of theirs.
pub(super) fn waves<'a>(context: &Context<'a>, drafts: &Drafts<'a>) -> Vec<Waves<'a>> {
    let mut by_key: BTreeMap<&'a Key, Waves<'a>> = BTreeMap::new();
    for (address, draft) in drafts {
        let address: &'a Address = address;
        let (Address::Pod { key, replica: Some(_) }, Some(Wanted::Pod(pod))) =
            (address, context.wanted(address))
        else {
            continue;
        };
        let Some(turn) = turn(address, draft).filter(|_| pod.run == RunState::Running) else { continue };
        if goes_with_its_volume(drafts, pod) {
            continue;
        }
        // Once for a key: it looks at all of its replicas.
        let waves = by_key.entry(key).or_insert_with(|| Waves {
            key,
            at_once: pod.at_once.map(|at_once: AtOnce| at_once.of(replicas(context, key).count())),
            missing: missing(context, drafts, key).collect(),
            down: Vec::new(),
            unready: Vec::new(),
            up: Vec::new(),
            fallen: 0,
        });
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
    by_key.into_values().filter(|waves| waves.changed() > 0).collect()
}

impl Waves<'_> {
    /// Returns its order: `(first, then)`.
    pub(super) fn edges(&self) -> Vec<(ActionId, ActionId)> {
        let Some(at_once) = self.room() else { return Vec::new() };
        let down = [&self.down[..]].into_iter().filter(|down| !down.is_empty());
        let waves: Vec<&[Turn<'_>]> =
            down.chain(self.unready.chunks(at_once)).chain(self.up.chunks(at_once)).collect();
        let id = |turn: &Turn<'_>, step| ActionId { address: turn.address.clone(), step };
        let pairs = waves.windows(2).flat_map(|pair| {
            pair[0].iter().flat_map(move |before| {
                pair[1].iter().map(move |after| (id(before, before.last), id(after, after.first)))
            })
        });
        pairs.collect()
    }

    /// Returns how many may go down at once beside those that are down already, where that is limited. One that does not
    /// serve may always go.
    fn room(&self) -> Option<usize> {
        self.at_once.map(|at_once| at_once.saturating_sub(self.missing.len()).max(1))
    }

    /// Returns how many pods that run are taken down.
    fn changed(&self) -> usize {
        self.unready.len() + self.up.len()
    }

    /// Returns how many go down at once, where that is limited.
    pub(super) fn limit(&self) -> Option<(Key, u32)> {
        Some((self.key.clone(), u32::try_from(self.at_once?).unwrap_or(u32::MAX)))
    }

    /// Says how many are down at once.
    pub(super) fn finding(&self) -> Option<Finding> {
        let Self { key, at_once: _, missing: _, down: _, unready, up, fallen } = self;
        match &self.room() {
            Some(at_once) if self.changed() + fallen > 1 => {
                let waves = unready.len().div_ceil(*at_once) + up.len().div_ceil(*at_once);
                Some(finding::in_waves(key, self.changed(), (waves, *at_once), *fallen))
            }
            None if self.changed() > 1 => Some(finding::all_at_once(key, self.changed())),
            Some(_) | None => None,
        }
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
    let matters = |step: &(Step, bool)| comes_up(step) || matches!(step.0, Step::Stop | Step::Delete);
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
