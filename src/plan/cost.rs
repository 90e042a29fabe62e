//! What things cost a month, exactly, from the catalog: the API's own figure hides the storage of a stopped pod.

use crate::model::address::Address;
use crate::model::catalog::Catalog;
use crate::model::id::RemoteId;
use crate::model::job;
use crate::model::live::{Live, LivePod, LiveVolume, PodStatus, Rental, Seen};
use crate::model::money::{Amount, Hourly, Monthly, Price};
use crate::model::plan::{Candidate, Runs, Split};
use crate::model::pod::{Cloud, Compute, RunState, Storage};
use crate::model::prior::{Record, Recorded, RecordedObject, RecordedPod};
use crate::model::settings::Container;
use crate::model::size::Gigabytes;
use crate::model::volume::{VolumeConfig, VolumeTier};

/// Micro-dollars a gigabyte and month: the container disk of a running pod; a stopped pod has none.
const CONTAINER_DISK: i64 = 100_000;
/// The disk on the host while the pod runs.
const LOCAL_RUNNING: i64 = 100_000;
/// The disk on the host while the pod is stopped: twice as dear.
const LOCAL_STOPPED: i64 = 200_000;
/// The first [`NETWORK_FIRST_SIZE`] gigabytes of a network volume.
const NETWORK_FIRST: i64 = 70_000;
/// The gigabytes after that.
const NETWORK_REST: i64 = 50_000;
const NETWORK_FIRST_SIZE: u32 = 1_000;

/// Returns the price of a machine an hour.
pub(super) fn price(catalog: &Catalog, compute: &Compute, cloud: Cloud) -> Price {
    match compute {
        Compute::Gpu { id, count } => match catalog.gpus.get(id) {
            Some(gpu) => gpu.price(cloud).times(*count),
            None => Price::Unknown,
        },
        Compute::Cpu { flavor, vcpus } => match catalog.cpus.get(flavor) {
            Some(cpu) => cpu.per_vcpu.times(*vcpus),
            None => Price::Unknown,
        },
    }
}

/// Returns what a pod costs on a candidate while it runs.
pub(super) fn on_candidate(container: &Container, candidate: &Candidate) -> Split {
    as_wanted(Amount::of(candidate.price), container)
}

/// Returns what a pod costs on the dearest of its candidates; one whose price is unknown makes the sum unknown.
pub(super) fn on_dearest<'c>(
    container: &Container,
    candidates: impl Iterator<Item = &'c Candidate> + Clone,
) -> Split {
    let amounts = || candidates.clone().map(|candidate| Amount::of(candidate.price));
    let known = amounts().map(|amount| amount.known).max().unwrap_or_default();
    let unknown_parts = amounts().map(|amount| amount.unknown_parts).max().unwrap_or_default();
    as_wanted(Amount { known, unknown_parts }, container)
}

/// Returns what a live pod of ours costs as it is. What it is there for, its own entrypoint says; the one on record where
/// the API shows none.
pub(super) fn managed_pod(catalog: &Catalog, pod: &LivePod, recorded: Option<&RecordedPod>) -> Split {
    let cost = live_pod(catalog, pod, recorded);
    let entrypoint = pod.settings.entrypoint.as_ref();
    let entrypoint = entrypoint.or(recorded.map(|recorded| &recorded.container.entrypoint));
    if !pod.status.is_up() || !entrypoint.is_some_and(|words| is_by_run(words)) {
        return cost;
    }
    of_job(cost, live_disk(pod, recorded), live_local(pod))
}

/// Returns what a live pod costs as it is, by the month whatever it is there for.
pub(super) fn live_pod(catalog: &Catalog, pod: &LivePod, recorded: Option<&RecordedPod>) -> Split {
    let local = live_local(pod);
    if pod.status.is_up() {
        running(live_compute(catalog, pod, recorded), live_disk(pod, recorded), local)
    } else {
        stopped(local)
    }
}

/// Returns what a recorded object costs a month as it is, with the pods that it took the place of; `None` where the
/// account shows none of them.
pub fn cost_of_recorded(catalog: &Catalog, recorded: &Recorded, live: &Live) -> Option<Split> {
    let deposed = of_deposed(catalog, &recorded.record, live, |_| true);
    current(catalog, recorded, live).into_iter().chain(deposed).reduce(|sum, cost| sum + cost)
}

/// Returns what the pods cost that a recorded one took the place of, as far as they are still ours; `None` if there are
/// none any more.
pub(super) fn of_deposed(
    catalog: &Catalog,
    record: &Record,
    live: &Live,
    is_ours: impl Fn(&LivePod) -> bool,
) -> Option<Split> {
    let costs = record.deposed.iter().filter_map(|id| match live.pods.get(id) {
        Some(Seen::Found(pod)) if pod.status != PodStatus::Terminated && is_ours(pod) => {
            Some(live_pod(catalog, pod, None))
        }
        Some(Seen::Found(_) | Seen::Absent) => None,
        Some(Seen::Unreadable(_)) | None => {
            Some(Split { compute: Amount::of(Price::Unknown), ..Split::default() })
        }
    });
    costs.reduce(|sum, cost| sum + cost)
}

fn current(catalog: &Catalog, recorded: &Recorded, live: &Live) -> Option<Split> {
    match (&recorded.id, &recorded.record.object) {
        (RemoteId::Pod(id), RecordedObject::Pod(record)) => {
            Some(managed_pod(catalog, live.pods.get(id)?.found()?, Some(record)))
        }
        (RemoteId::Volume(id), RecordedObject::Volume(config)) => {
            let LiveVolume { id: _, name: _, size, data_center: _, tier } = live.volumes.get(id)?.found()?;
            Some(volume(*size, tier.unwrap_or(config.tier)))
        }
        // A secret costs nothing; otherwise the kinds agree.
        (
            RemoteId::Pod(_) | RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_),
            RecordedObject::Pod(_)
            | RecordedObject::Volume(_)
            | RecordedObject::Secret(_)
            | RecordedObject::Registry(_),
        ) => None,
    }
}

/// Returns what a live pod would cost running with these disks, and for this bid if it is rented by one.
pub(super) fn live_running(
    catalog: &Catalog,
    pod: &LivePod,
    recorded: Option<&RecordedPod>,
    bid: Option<Hourly>,
    container: &Container,
) -> Split {
    let compute = match (bid, machine(pod, recorded)) {
        (Some(bid), Some(Compute::Gpu { id: _, count })) => Amount::of(Price::Known(bid * *count)),
        (Some(_) | None, _) => live_compute(catalog, pod, recorded),
    };
    as_wanted(compute, container)
}

/// Returns what a pod with this container costs while it is stopped.
pub(super) fn stopped_pod(container: &Container) -> Split {
    stopped(local_of(&container.storage))
}

/// Returns what a live pod costs once it is stopped.
pub(super) fn stopped_live(pod: &LivePod) -> Split {
    stopped(live_local(pod))
}

/// Returns what a recorded pod costs that could not be looked at.
pub(super) fn recorded_pod(catalog: &Catalog, recorded: &RecordedPod) -> Split {
    let RecordedPod { container, access: _, compute, cloud, data_center: _, run, job: _, depends_on: _ } =
        recorded;
    let listed = match (compute, cloud) {
        (Some(compute), Some(cloud)) => price(catalog, compute, *cloud),
        (Some(_), None) | (None, Some(_) | None) => Price::Unknown,
    };
    match run.state() {
        RunState::Running => as_wanted(Amount::of(listed), container),
        RunState::Stopped => stopped_pod(container),
    }
}

/// Returns the dearer one; an unknown part makes it unknown.
pub(super) fn dearer(left: Split, right: Split) -> Split {
    let larger = |left: Amount, right: Amount| Amount {
        known: left.known.max(right.known),
        unknown_parts: left.unknown_parts.max(right.unknown_parts),
    };
    left.each(right, larger)
}

/// The catalog's price of the machine that the pod has; the API's figure only where the catalog has none and it
/// cannot be the misleading 0 of a stopped pod.
fn live_compute(catalog: &Catalog, pod: &LivePod, recorded: Option<&RecordedPod>) -> Amount {
    let compute = machine(pod, recorded);
    let cloud = pod.cloud.or(recorded.and_then(|recorded| recorded.cloud));
    let listed = match (compute, cloud) {
        // What was bid for it stands in no catalog.
        _ if matches!(pod.rental, Some(Rental::Spot { .. })) => Price::Unknown,
        (Some(compute), Some(cloud)) => price(catalog, compute, cloud),
        (Some(_), None) | (None, Some(_) | None) => Price::Unknown,
    };
    match listed {
        Price::Known(_) => Amount::of(listed),
        Price::Unknown if pod.status.is_up() => Amount::of(pod.price),
        Price::Unknown => Amount::of(Price::Unknown),
    }
}

/// Returns the machine that a pod has, or comes back with.
fn machine<'p>(pod: &'p LivePod, recorded: Option<&'p RecordedPod>) -> Option<&'p Compute> {
    let live = pod.compute.as_ref().filter(|compute| has_machine(compute));
    live.or(recorded.and_then(|recorded| recorded.compute.as_ref()))
}

fn has_machine(compute: &Compute) -> bool {
    match compute {
        Compute::Gpu { id: _, count } => *count > 0,
        Compute::Cpu { flavor: _, vcpus } => *vcpus > 0,
    }
}

/// Returns what a pod costs that runs with these settings.
fn as_wanted(compute: Amount, container: &Container) -> Split {
    let local = local_of(&container.storage);
    let cost = running(compute, container.disk, local);
    if is_by_run(&container.entrypoint) { of_job(cost, container.disk, local) } else { cost }
}

/// Tells whether an entrypoint is that of a job which ends with its run. One whose pod stays is billed for as long as a
/// service is.
fn is_by_run(entrypoint: &[String]) -> bool {
    job::is_entrypoint(entrypoint) && !job::keeps(entrypoint)
}

/// Returns what a running pod costs as a job. Nobody knows how long its run takes, and what is left of it for the rest of
/// the month is a stopped pod, of which the disk is the dearer.
fn of_job(cost: Split, disk: Gigabytes, local: Gigabytes) -> Split {
    let Split { compute, storage: _, runs: _ } = cost;
    let disks = Amount::known(per_gigabyte(disk, CONTAINER_DISK));
    Split { runs: Some(Runs { compute, disks }), ..stopped(local) }
}

fn running(compute: Amount, disk: Gigabytes, local: Gigabytes) -> Split {
    let storage = per_gigabyte(disk, CONTAINER_DISK) + per_gigabyte(local, LOCAL_RUNNING);
    Split { compute, storage: Amount::known(storage), runs: None }
}

fn stopped(local: Gigabytes) -> Split {
    Split { compute: Amount::ZERO, storage: Amount::known(per_gigabyte(local, LOCAL_STOPPED)), runs: None }
}

/// Returns what a network volume costs. The price of the faster tier differs by data center and is not published.
pub(super) fn volume(size: Gigabytes, tier: VolumeTier) -> Split {
    let storage = match tier {
        VolumeTier::Standard => {
            let first = size.0.min(NETWORK_FIRST_SIZE);
            let rest = size.0 - first;
            let known =
                per_gigabyte(Gigabytes(first), NETWORK_FIRST) + per_gigabyte(Gigabytes(rest), NETWORK_REST);
            Amount::known(known)
        }
        VolumeTier::HighPerformance => Amount::of(Price::Unknown),
    };
    Split { compute: Amount::ZERO, storage, runs: None }
}

/// Returns what a network volume costs as it is wanted.
pub(super) fn volume_config(config: &VolumeConfig) -> Split {
    let VolumeConfig { size, data_center: _, tier } = config;
    volume(*size, *tier)
}

fn per_gigabyte(size: Gigabytes, micro_dollars: i64) -> Monthly {
    Monthly(i64::from(size.0).saturating_mul(micro_dollars))
}

fn local_of(storage: &Storage<Address>) -> Gigabytes {
    match storage {
        Storage::Local { size, path: _ } => *size,
        Storage::None | Storage::Network { .. } => Gigabytes(0),
    }
}

fn live_disk(pod: &LivePod, recorded: Option<&RecordedPod>) -> Gigabytes {
    pod.settings.disk.or(recorded.map(|recorded| recorded.container.disk)).unwrap_or(Gigabytes(0))
}

fn live_local(pod: &LivePod) -> Gigabytes {
    match &pod.settings.storage {
        Storage::Local { size, path: _ } => *size,
        Storage::None | Storage::Network { .. } => Gigabytes(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_terabyte_of_a_network_volume_is_dearer() {
        let monthly = |size| volume(Gigabytes(size), VolumeTier::Standard).total().known.to_string();
        assert_eq!(
            [0, 1, 1_000, 1_001, 4_000].map(monthly),
            ["$0.00", "$0.07", "$70.00", "$70.05", "$220.00"]
        );
    }

    #[test]
    fn the_fast_tier_has_no_published_price() {
        assert_eq!(volume(Gigabytes(10), VolumeTier::HighPerformance).total().exact(), None);
    }
}
