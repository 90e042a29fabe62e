//! Replicas of one key that are taken down to be changed: in waves, so that the others go on serving.
//!
//! A wave is nothing but an order: each of its replicas waits for all of the wave before. So one that does not come up
//! again ends the update, as what waits for it is not begun, and the next plan goes on from what it finds.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{AtOnce, Wanted, WantedPod};
use crate::model::id::RemoteId;
use crate::model::live::{PodStatus, Seen};
use crate::model::plan::{ActionId, Disruption, Finding, Operation, Step};
use crate::model::pod::RunState;

use super::draft::Draft;
use super::{Context, Drafts, finding, readiness};

/// The replicas of one key that come up by a plan, those first that are down already.
pub(super) struct Waves<'a> {
    key: &'a Key,
    /// How many go down at once, if that is limited.
    at_once: Option<usize>,
    /// Those that are down when the plan is made.
    down: Vec<Turn<'a>>,
    /// Those that a change takes down, in the order of their numbers.
    up: Vec<Turn<'a>>,
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
    let keys: BTreeSet<&Key> = limited.filter(|waves| !waves.up.is_empty()).map(|waves| waves.key).collect();
    for key in keys {
        for (address, pod) in replicas(context, key) {
            let is_down = !serves(context, address) && pod.run == RunState::Running;
            if is_down && drafts.get(address).is_some_and(|draft| turn(address, draft).is_none()) {
                readiness::wait_for(context, drafts, address);
            }
        }
    }
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
        let waves = by_key.entry(key).or_insert_with(|| Waves {
            key,
            at_once: None,
            down: Vec::new(),
            up: Vec::new(),
        });
        waves.at_once = pod.at_once.map(|at_once: AtOnce| at_once.of(replicas(context, key).count()));
        match (serves(context, address), turn.first) {
            // It serves, and something else waits for it.
            (true, Step::Ready) => {}
            (true, _) => waves.up.push(turn),
            (false, _) => waves.down.push(turn),
        }
    }
    by_key.into_values().filter(|waves| !waves.up.is_empty()).collect()
}

impl Waves<'_> {
    /// Returns its order: `(first, then)`.
    pub(super) fn edges(&self) -> Vec<(ActionId, ActionId)> {
        let Some(at_once) = self.at_once else { return Vec::new() };
        let waves =
            [&self.down[..]].into_iter().filter(|down| !down.is_empty()).chain(self.up.chunks(at_once));
        let waves: Vec<&[Turn<'_>]> = waves.collect();
        let id = |turn: &Turn<'_>, step| ActionId { address: turn.address.clone(), step };
        let pairs = waves.windows(2).flat_map(|pair| {
            pair[0].iter().flat_map(move |before| {
                pair[1].iter().map(move |after| (id(before, before.last), id(after, after.first)))
            })
        });
        pairs.collect()
    }

    /// Returns how many go down at once, where that is limited.
    pub(super) fn limit(&self) -> Option<(Key, u32)> {
        Some((self.key.clone(), u32::try_from(self.at_once?).unwrap_or(u32::MAX)))
    }

    /// Says how many are down at once.
    pub(super) fn finding(&self) -> Option<Finding> {
        let Self { key, at_once, down, up } = self;
        match at_once {
            Some(at_once) if up.len() + down.len() > 1 => {
                Some(finding::in_waves(key, up.len(), *at_once, down.len()))
            }
            None if up.len() > 1 => Some(finding::all_at_once(key, up.len())),
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
    let resets = |operation: &Operation| {
        matches!(operation, Operation::UpdatePod { disruption: Disruption::Reset, .. })
    };
    let steps = || draft.steps.iter().map(|(step, action)| (*step, resets(&action.operation)));
    let comes_up =
        |(step, resets): &(Step, bool)| *resets || matches!(step, Step::Create | Step::Start | Step::Ready);
    let matters = |step: &(Step, bool)| comes_up(step) || matches!(step.0, Step::Stop | Step::Delete);
    steps().find(comes_up)?;
    // Where the new one comes first, the turn ends when the old one is gone, so that few are billed twice at a time.
    Some(Turn { address, first: steps().find(matters)?.0, last: steps().rfind(matters)?.0 })
}

/// Tells whether a replica serves. One that is about to run, or is not ready, is billed and down.
fn serves(context: &Context<'_>, address: &Address) -> bool {
    let recorded = context.renamed.recorded(address).map(|recorded| &recorded.id);
    let Some(RemoteId::Pod(id)) = recorded else { return false };
    let pod = context.inputs.live.pods.get(id).and_then(Seen::found);
    pod.is_some_and(|pod| pod.status == PodStatus::Running) && !context.inputs.live.unready.contains(id)
}

/// All pods are away before a volume is deleted, and none is back before there is another.
fn goes_with_its_volume(drafts: &Drafts<'_>, pod: &WantedPod) -> bool {
    let volume = pod.container.storage.volume();
    volume.and_then(|volume| drafts.get(volume)).is_some_and(|draft| draft.has(Step::Delete))
}
