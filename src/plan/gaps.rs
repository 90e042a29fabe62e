//! Replicas that take the place of gone ones when their number is lowered.
//!
//! Replicas that are alike are exchanged in the state: no pod that runs is terminated while another one is made for it.
//! Where they are not alike that would change what they do, so it is only said.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{Wanted, WantedPod};
use crate::model::live::LivePod;
use crate::model::plan::Finding;
use crate::model::pod::Storage;
use crate::model::prior::Recorded;

use super::catalog_index::CatalogIndex;
use super::moves::Renamed;
use super::ownership::Ownership;
use super::presence::Sighting;
use super::scope::Scope;
use super::{Inputs, finding, satisfaction};

/// What is done about gone replicas.
#[derive(Default)]
pub(super) struct Gaps {
    /// The gap and the replica whose record moves there.
    pub(super) moves: BTreeMap<Address, Address>,
    /// Replicas that are not removed yet, each with the one whose place it may have to take.
    pub(super) reserved: BTreeMap<Address, Address>,
    pub(super) findings: Vec<Finding>,
}

/// A replica that the spec no longer counts and that exists.
struct Spare<'a> {
    address: &'a Address,
    recorded: &'a Recorded,
    live: &'a LivePod,
}

/// Finds the gaps below a lowered number, and what can close them.
pub(super) fn gaps(inputs: &Inputs<'_>, renamed: &Renamed<'_>) -> Gaps {
    let mut gaps = Gaps::default();
    let keys = shrunk(inputs, renamed);
    if inputs.options.destroy || keys.is_empty() {
        return gaps;
    }
    let scope = Scope::new(inputs, renamed);
    let ownership = Ownership::new(inputs, renamed);
    let catalog = CatalogIndex::new(inputs.desired, inputs.catalog);
    for key in keys {
        let spares = spares(inputs, renamed, &scope, &ownership, key);
        let wanted = inputs.desired.wanted.range(Address::pod(key.clone())..);
        let wanted = wanted.take_while(|(address, _)| is_of(address, key));
        let mut empty: Vec<(bool, &Address, &WantedPod)> = Vec::new();
        for (address, wanted) in wanted.filter(|(address, _)| scope.chooses(address)) {
            let Wanted::Pod(wanted) = wanted else { continue };
            let is_gone = match ownership.pod(address, wanted.adopt.as_ref()).sighting {
                // A job has had its run, and is wanted without a pod from then on.
                Sighting::Gone { recorded } if has_run(recorded) => continue,
                Sighting::Never if renamed.unseen.contains_key(address) => continue,
                Sighting::Gone { recorded } => recorded.record.deposed.is_empty(),
                Sighting::Never => true,
                Sighting::Hidden(_) => false,
                Sighting::Kept { .. }
                | Sighting::Migrated { .. }
                | Sighting::Superseded { .. }
                | Sighting::Journal { .. }
                | Sighting::Named { .. } => continue,
            };
            empty.push((is_gone, address, wanted));
        }
        // One that is certainly gone needs a replica more than one that may be there; else another would be made for it.
        empty.sort_by_key(|(is_gone, _, _)| !is_gone);
        for ((is_gone, address, wanted), spare) in empty.into_iter().zip(spares) {
            if !is_gone {
                gaps.reserved.insert(spare.address.clone(), address.clone());
            } else if !is_alike(wanted, &spare, &catalog) {
                let is_recorded = renamed.objects.contains_key(address);
                gaps.findings.push(finding::replicas_not_alike(address, is_recorded, spare.address));
            } else {
                gaps.findings.push(finding::gap_closed(address, spare.address, wanted.job.is_some()));
                gaps.moves.insert(address.clone(), spare.address.clone());
            }
        }
    }
    gaps
}

/// Tells whether what was at an address is a job.
fn has_run(recorded: &Recorded) -> bool {
    recorded.record.object.pod().is_some_and(|pod| pod.job.is_some())
}

/// Returns the keys of the spec that have recorded replicas beyond those that it counts.
fn shrunk<'a>(inputs: &Inputs<'a>, renamed: &'a Renamed<'_>) -> BTreeSet<&'a Key> {
    let wanted = &inputs.desired.wanted;
    let known: BTreeSet<&Key> = wanted.keys().filter(|address| address.is_pod()).map(Address::key).collect();
    let beyond = renamed.objects.keys().filter(|address| address.is_pod() && !wanted.contains_key(address));
    beyond.map(Address::key).filter(|key| known.contains(key)).collect()
}

fn is_of(address: &Address, key: &Key) -> bool {
    address.is_pod() && address.key() == key
}

/// Returns what can close a gap, the best first: what could not be removed anyway, then what runs, then the highest.
fn spares<'a>(
    inputs: &Inputs<'a>,
    renamed: &'a Renamed<'_>,
    scope: &Scope<'_>,
    ownership: &Ownership<'a>,
    key: &Key,
) -> Vec<Spare<'a>> {
    let recorded = renamed.objects.range(Address::pod(key.clone())..).map(|(address, _)| address);
    let beyond = recorded
        .take_while(|address| is_of(address, key))
        // A target need not name it: nothing is done to it but that its record takes the place that the target names.
        .filter(|address| !inputs.desired.wanted.contains_key(address) && scope.allows(address))
        // Who leaves a number out means that very pod.
        .filter(|address| !inputs.desired.dropped.contains(*address));
    let mut spares: Vec<Spare<'a>> = beyond
        .filter_map(|address| match ownership.pod(address, None).sighting {
            Sighting::Kept { recorded, object } if !recorded.record.retired => {
                Some(Spare { address, recorded, live: object })
            }
            Sighting::Kept { .. }
            | Sighting::Migrated { .. }
            | Sighting::Superseded { .. }
            | Sighting::Gone { .. }
            | Sighting::Journal { .. }
            | Sighting::Named { .. }
            | Sighting::Never
            | Sighting::Hidden(_) => None,
        })
        .collect();
    spares.sort_by_key(|spare| {
        let is_guarded = spare.recorded.record.lifecycle.protect || spare.live.is_locked();
        Reverse((is_guarded, spare.live.status.is_up(), spare.address))
    });
    spares
}

/// Tells whether nothing but the name differs if a replica takes another place.
fn is_alike(wanted: &WantedPod, spare: &Spare<'_>, catalog: &CatalogIndex<'_>) -> bool {
    let Some(pod) = spare.recorded.record.object.pod() else { return false };
    let is_local = |storage: &Storage<Address>| matches!(storage, Storage::Local { .. });
    let hardware = (&wanted.hardware, catalog.wider(spare.address));
    let keeps_machine = satisfaction::mismatches(hardware, spare.live, Some(pod), catalog).is_empty();
    !wanted.numbered
        && !is_local(&wanted.container.storage)
        && pod.container.storage == wanted.container.storage
        && keeps_machine
}
