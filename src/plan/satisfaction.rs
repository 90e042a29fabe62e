//! Whether a live pod still satisfies the spec. What cannot be told counts as satisfied: a pod is not given up on a
//! guess.

use std::collections::BTreeSet;

use crate::model::desired::{ComputeWish, CudaWish, GpuChoice, GpuCount, GpuWish, Hardware};
use crate::model::id::{CudaVersion, GpuTypeId};
use crate::model::live::{LivePod, Rental};
use crate::model::pod::Compute;
use crate::model::prior::RecordedPod;
use crate::model::retry::Wider;
use crate::model::settings::Field;

use super::catalog_index::CatalogIndex;
use super::placement::{cloud_text, count_text, cpu_text, cuda_text, gpu_text, joined};

/// One way in which a live pod does not satisfy the spec; only a replacement helps.
pub(super) struct Mismatch {
    pub(super) field: Field,
    pub(super) live: String,
    pub(super) wanted: String,
    /// Whether the machine is still the recorded one, so that it was the spec that moved.
    pub(super) as_recorded: bool,
}

/// Lists where a live pod does not satisfy the spec. What cannot be told counts as satisfied: a pod is not given up
/// on a guess. A limit on the price is for new pods only, as prices move by themselves. What is accepted after a while is
/// as good as the rest: where a pod had to wait for it, nothing better was to be had.
pub(super) fn mismatches(
    (hardware, wider): (&Hardware, &[Wider]),
    live: &LivePod,
    recorded: Option<&RecordedPod>,
    index: &CatalogIndex<'_>,
) -> Vec<Mismatch> {
    let Hardware { compute, cloud, data_centers, countries, max_price: _ } = hardware;
    let mut found = Vec::new();
    let known = recorded.and_then(|recorded| recorded.compute.as_ref());
    // A stopped pod can read no machine, and one that lost GPUs gets them back by a stop and a start: both are
    // judged by the recorded machine, which they have to come back with.
    let present = live.compute.as_ref().filter(|machine| !is_empty(machine));
    let machine = if lost_gpus(live, recorded) { known } else { present.or(known) };
    let is_judged = |machine: &&Compute| !wider.iter().any(|wider| takes(&wider.gpu, machine, index));
    if let Some(machine) = machine.filter(is_judged) {
        let as_recorded = known == Some(machine);
        compute_mismatches(compute, machine, index, |field, live, wanted| {
            found.push(Mismatch { field, live, wanted, as_recorded });
        });
    }
    if let Some(landed) = live.cloud.filter(|landed| !cloud.accepts(*landed)) {
        let as_recorded = recorded.and_then(|recorded| recorded.cloud) == Some(landed);
        let wanted = cloud_text(*cloud);
        found.push(Mismatch { field: Field::Cloud, live: landed.to_string(), wanted, as_recorded });
    }
    if let Some(place) = &live.data_center {
        let as_recorded = recorded.and_then(|recorded| recorded.data_center.as_ref()) == Some(place);
        if !data_centers.is_empty() && !data_centers.contains(place) {
            let wanted = joined(data_centers);
            found.push(Mismatch { field: Field::DataCenter, live: place.to_string(), wanted, as_recorded });
        }
        let country = index.catalog.data_centers.get(place).and_then(|known| known.country.as_ref());
        if let Some(country) = country.filter(|country| !countries.is_empty() && !countries.contains(country))
        {
            let wanted = joined(countries);
            found.push(Mismatch { field: Field::Country, live: country.to_string(), wanted, as_recorded });
        }
    }
    if let (ComputeWish::Gpu(wish), Some(rental)) = (compute, live.rental) {
        let is_spot = matches!(rental, Rental::Spot { .. });
        if is_spot != wish.rent.bid().is_some() {
            let live = if is_spot { "spot" } else { "on demand" }.to_owned();
            // No pod changes by itself how it is rented.
            found.push(Mismatch {
                field: Field::Rent,
                live,
                wanted: wish.rent.to_string(),
                as_recorded: true,
            });
        }
    }
    if let (ComputeWish::Gpu(wish), Some(version)) = (compute, &live.cuda)
        && !cuda_accepts(&wish.host.cuda, version)
    {
        let wanted = cuda_text(&wish.host.cuda);
        // The host's driver is not recorded, but it does not get older by itself.
        found.push(Mismatch { field: Field::Cuda, live: version.to_string(), wanted, as_recorded: true });
    }
    found
}

/// Tells whether a running pod came back with fewer GPUs than it was recorded with, which a stop and a start can
/// mend.
pub(super) fn lost_gpus(live: &LivePod, recorded: Option<&RecordedPod>) -> bool {
    let recorded = recorded.and_then(|recorded| recorded.compute.as_ref());
    match (live.compute.as_ref(), recorded) {
        (Some(Compute::Gpu { id: _, count: 0 }), _) => live.status.is_up(),
        (Some(Compute::Gpu { id, count }), Some(Compute::Gpu { id: known, count: had })) => {
            live.status.is_up() && id == known && count < had
        }
        (Some(Compute::Gpu { .. }), Some(Compute::Cpu { .. }) | None) => false,
        (Some(Compute::Cpu { .. }) | None, _) => false,
    }
}

fn is_empty(compute: &Compute) -> bool {
    match compute {
        Compute::Gpu { id: _, count } => *count == 0,
        Compute::Cpu { flavor: _, vcpus } => *vcpus == 0,
    }
}

fn compute_mismatches(
    wish: &ComputeWish,
    machine: &Compute,
    index: &CatalogIndex<'_>,
    mut found: impl FnMut(Field, String, String),
) {
    match (wish, machine) {
        (ComputeWish::Gpu(wish), Compute::Gpu { id, count }) => {
            if !gpu_accepts(wish, id, index) {
                found(Field::Gpu, id.to_string(), gpu_text(wish));
            }
            let counts = counts_of(wish, id, index);
            if !counts.iter().any(|accepted| accepted.accepts(*count)) {
                found(Field::GpuCount, count.to_string(), count_text(&counts));
            }
        }
        (ComputeWish::Cpu(wish), Compute::Cpu { flavor, vcpus }) => {
            if !wish.flavors.contains(flavor) || *vcpus != wish.vcpus {
                found(Field::Cpu, machine.to_string(), cpu_text(wish));
            }
        }
        (ComputeWish::Gpu(wish), Compute::Cpu { .. }) => {
            found(Field::Gpu, machine.to_string(), gpu_text(wish));
        }
        (ComputeWish::Cpu(wish), Compute::Gpu { .. }) => {
            found(Field::Cpu, machine.to_string(), cpu_text(wish));
        }
    }
}

/// Tells whether a machine is one of those that are accepted after a while.
fn takes(wish: &GpuWish, machine: &Compute, index: &CatalogIndex<'_>) -> bool {
    match machine {
        Compute::Gpu { id, count } => {
            let counts = counts_of(wish, id, index);
            gpu_accepts(wish, id, index) && counts.iter().any(|accepted| accepted.accepts(*count))
        }
        Compute::Cpu { .. } => false,
    }
}

/// A type that the catalog does not show can be told by its id only; with other limits it gets the benefit of the
/// doubt.
fn gpu_accepts(wish: &GpuWish, id: &GpuTypeId, index: &CatalogIndex<'_>) -> bool {
    let Some(gpu) = index.catalog.gpus.get(id) else { return true };
    let named = |choice: &GpuChoice| index.gpus_named(&choice.name).iter().any(|gpu| gpu.id == *id);
    wish.memory.accepts(gpu.memory) && (wish.any_of.is_empty() || wish.any_of.iter().any(named))
}

/// Returns how many GPUs of a type are accepted; of one that is not accepted or that the catalog does not show, as many
/// as of any.
fn counts_of(wish: &GpuWish, id: &GpuTypeId, index: &CatalogIndex<'_>) -> BTreeSet<GpuCount> {
    let named = |choice: &&GpuChoice| index.gpus_named(&choice.name).iter().any(|gpu| gpu.id == *id);
    let of_it: BTreeSet<GpuCount> =
        wish.any_of.iter().filter(named).map(|choice| wish.count_of(choice)).collect();
    if of_it.is_empty() { wish.counts() } else { of_it }
}

fn cuda_accepts(wish: &CudaWish, version: &CudaVersion) -> bool {
    match wish {
        CudaWish::Any => true,
        CudaWish::AtLeast(least) => match (version_parts(version), version_parts(least)) {
            (Some(version), Some(least)) => version >= least,
            (Some(_), None) | (None, Some(_) | None) => true,
        },
        CudaWish::OneOf(versions) => versions.contains(version),
    }
}

fn version_parts(version: &CudaVersion) -> Option<Vec<u32>> {
    version.as_str().split('.').map(|part| part.parse().ok()).collect()
}
