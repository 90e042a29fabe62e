//! Where a new pod may run, and in which order the ways to place it are tried.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::catalog::{Catalog, CpuFlavor, GpuType, Stock, StockAnswer, StockQuery};
use crate::model::desired::{
    CloudWish, ComputeWish, CpuWish, CudaWish, Desired, GpuChoice, GpuCount, GpuOrder, GpuWish, Hardware,
    HostLimits, Wanted, WantedPod, WantedVolume,
};
use crate::model::id::{CpuFlavorId, DataCenterId, GpuTypeId};
use crate::model::live::{Live, Seen};
use crate::model::money::{Hourly, Price};
use crate::model::plan::Candidate;
use crate::model::pod::{Cloud, Compute, Placement, Rent, RunState, Storage};
use crate::model::retry::Wider;
use crate::model::seconds::Seconds;

use super::catalog_index::CatalogIndex;

/// The ways to place a pod, and why other types are no way.
#[derive(Default)]
pub(super) struct Choices {
    /// In the order in which they are tried.
    pub(super) candidates: Vec<Candidate>,
    /// Those that are tried as well after a while, the soonest first.
    pub(super) later: Vec<(Seconds, Candidate)>,
    /// One line for each rejected type, in the order of the spec.
    pub(super) rejected: Vec<String>,
    /// One line for each name that the catalog does not have; `rejected` has them too.
    pub(super) unknown: Vec<String>,
    /// The same of the names that are accepted after a while, each with its key.
    pub(super) unknown_later: Vec<String>,
    /// The data centers that the spec names and the API does not take.
    pub(super) left_out: BTreeSet<DataCenterId>,
}

/// Why each way to place a pod is one, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The ways, in the order in which they would be tried.
    pub candidates: Vec<Candidate>,
    /// The ways that are tried as well after a while, the soonest first.
    pub later: Vec<(Seconds, Candidate)>,
    /// One line for each type that is no way, with the reason.
    pub rejected: Vec<String>,
    /// The data centers that the spec names and the API does not take.
    pub left_out: BTreeSet<DataCenterId>,
}

/// Explains where a pod of the spec may run, by what decides it for a plan; `None` if the spec has no such pod.
pub fn explain(desired: &Desired, live: &Live, catalog: &Catalog, address: &Address) -> Option<Explained> {
    let Some(Wanted::Pod(pod)) = desired.wanted.get(address) else { return None };
    let volume = pod.container.storage.volume().and_then(|volume| desired.wanted.get(volume));
    let place = match volume {
        Some(Wanted::Volume(WantedVolume::Managed { config, protect: _, adopt: _ })) => {
            Some(&config.data_center)
        }
        Some(Wanted::Volume(WantedVolume::Referenced { id })) => {
            live.volumes.get(id).and_then(Seen::found).map(|volume| &volume.data_center)
        }
        Some(Wanted::Pod(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None => None,
    };
    let index = CatalogIndex::new(desired, catalog);
    let Choices { candidates, later, rejected, unknown: _, unknown_later: _, left_out } =
        choices(pod, index.wider(address), &index, place);
    Some(Explained { candidates, later, rejected, left_out })
}

impl Choices {
    fn of(candidates: Vec<Candidate>, rejected: Vec<String>, unknown: Vec<String>) -> Self {
        Self { candidates, rejected, unknown, ..Self::default() }
    }

    fn none(why: String) -> Self {
        let left_out = BTreeSet::new();
        Self {
            candidates: Vec::new(),
            later: Vec::new(),
            rejected: vec![why],
            unknown: Vec::new(),
            unknown_later: Vec::new(),
            left_out,
        }
    }
}

/// Returns what the shell must ask the catalog so that every candidate's stock is known.
pub fn stock_questions(desired: &Desired) -> BTreeSet<StockQuery> {
    let mut questions = BTreeSet::new();
    for (address, wanted) in &desired.wanted {
        let Wanted::Pod(pod) = wanted else { continue };
        let ComputeWish::Gpu(gpu) = &pod.hardware.compute else { continue };
        // A stopped pod is not placed, and each question costs a call.
        if pod.run == RunState::Stopped {
            continue;
        }
        let wider = desired.retry(address).into_iter().flat_map(|retry| &retry.widen);
        for gpu in wider.map(|wider| &wider.gpu).chain([gpu]) {
            for cloud in clouds(pod) {
                let each =
                    gpu.numbers().into_iter().map(|count| stock_query(gpu, &pod.hardware, count, cloud));
                questions.extend(each);
            }
        }
    }
    questions
}

fn stock_query(gpu: &GpuWish, hardware: &Hardware, count: u32, cloud: Cloud) -> StockQuery {
    StockQuery { count, cloud, countries: hardware.countries.clone(), cuda: gpu.host.cuda.clone() }
}

/// The clouds in the order of preference. Network volumes exist in Secure Cloud only.
fn clouds(pod: &WantedPod) -> Vec<Cloud> {
    let accepted = match pod.hardware.cloud {
        CloudWish::Only(only) => vec![only],
        CloudWish::Any => vec![Cloud::Secure, Cloud::Community],
    };
    let secure_only = match (&pod.container.storage, &pod.hardware.compute) {
        (Storage::Network { .. }, ComputeWish::Gpu(_) | ComputeWish::Cpu(_)) => true,
        (Storage::None | Storage::Local { .. }, ComputeWish::Cpu(_)) => true,
        (Storage::None | Storage::Local { .. }, ComputeWish::Gpu(_)) => false,
    };
    accepted.into_iter().filter(|cloud| !secure_only || *cloud == Cloud::Secure).collect()
}

/// Returns the ordered candidates of a pod, and what it accepts as well after a while. `volume_place` is the data center of
/// the network volume that it mounts.
pub(super) fn choices(
    pod: &WantedPod,
    wider: &[Wider],
    index: &CatalogIndex<'_>,
    volume_place: Option<&DataCenterId>,
) -> Choices {
    let catalog = index.catalog;
    let (data_centers, left_out) = match allowed_data_centers(pod, catalog, volume_place)
        .and_then(|allowed| taken(allowed, &catalog.not_taken.data_centers))
    {
        Ok(data_centers) => data_centers,
        Err(why) => return Choices::none(why),
    };
    if clouds(pod).is_empty() {
        return Choices::none("network volumes and CPU pods exist in Secure Cloud only".to_owned());
    }
    let choices = match &pod.hardware.compute {
        ComputeWish::Gpu(gpu) => {
            let choose = |gpu: &GpuWish, limit| gpu_choices(pod, (gpu, limit), index, &data_centers);
            let limit = pod.hardware.max_price;
            let mut choices = choose(gpu, limit);
            widen(&mut choices, wider, |wider| choose(&wider.gpu, wider.max_price.or(limit)));
            choices
        }
        ComputeWish::Cpu(cpu) => cpu_choices(pod, cpu, catalog, &data_centers),
    };
    Choices { left_out, ..choices }
}

/// Adds what is accepted after a while. What was a way before stays the earlier one.
fn widen(choices: &mut Choices, wider: &[Wider], choose: impl Fn(&Wider) -> Choices) {
    let mut wider: Vec<(usize, &Wider)> = wider.iter().enumerate().collect();
    wider.sort_by_key(|(_, wider)| wider.after);
    for (entry, wider) in wider {
        let Choices { candidates, later: _, mut rejected, unknown, unknown_later: _, left_out: _ } =
            choose(wider);
        for candidate in candidates {
            let mut known = choices.candidates.iter().chain(choices.later.iter().map(|(_, later)| later));
            if !known.any(|known| known.placement == candidate.placement) {
                choices.later.push((wider.after, candidate));
            }
        }
        // A type that is left out there may well be accepted from the beginning.
        for line in &mut rejected {
            let is_unknown = unknown.contains(&*line);
            line.insert_str(0, &format!("`retry.widen[{entry}]`: "));
            if is_unknown {
                choices.unknown_later.push(line.clone());
            }
        }
        choices.rejected.extend(rejected);
    }
}

/// Parts the allowed data centers into those that the API takes and those that it does not. Empty means all, which
/// every API takes.
fn taken(
    allowed: BTreeSet<DataCenterId>,
    not_taken: &BTreeSet<DataCenterId>,
) -> Result<(BTreeSet<DataCenterId>, BTreeSet<DataCenterId>), String> {
    let is_any = allowed.is_empty();
    let (left_out, taken): (BTreeSet<_>, BTreeSet<_>) =
        allowed.into_iter().partition(|id| not_taken.contains(id));
    if taken.is_empty() && !is_any {
        return Err(format!("{}: cannot be asked for over this API", joined(&left_out)));
    }
    Ok((taken, left_out))
}

/// Returns the allowed data centers, empty for all, or why there is none.
fn allowed_data_centers(
    pod: &WantedPod,
    catalog: &Catalog,
    volume_place: Option<&DataCenterId>,
) -> Result<BTreeSet<DataCenterId>, String> {
    let hardware = &pod.hardware;
    let mut limits: Vec<(String, BTreeSet<DataCenterId>)> = Vec::new();
    if !hardware.data_centers.is_empty() {
        limits.push(("`data_centers`".to_owned(), hardware.data_centers.clone()));
    }
    if !hardware.countries.is_empty() {
        let inside = |id: &&DataCenterId| {
            let country = catalog.data_centers.get(*id).and_then(|data_center| data_center.country.as_ref());
            country.is_some_and(|country| hardware.countries.contains(country))
        };
        limits
            .push(("`countries`".to_owned(), catalog.data_centers.keys().filter(inside).cloned().collect()));
    }
    if let Some(place) = volume_place {
        limits.push((format!("its network volume is in {place}"), BTreeSet::from([place.clone()])));
    }
    let mut allowed: Option<BTreeSet<DataCenterId>> = None;
    for (name, limit) in limits {
        let narrowed: BTreeSet<DataCenterId> = match &allowed {
            None => limit,
            Some(allowed) => allowed.intersection(&limit).cloned().collect(),
        };
        if narrowed.is_empty() {
            return Err(format!("no data center satisfies {name} and the other limits on the place"));
        }
        allowed = Some(narrowed);
    }
    Ok(allowed.unwrap_or_default())
}

/// So many GPUs of one type on the way to becoming a candidate.
struct Considered<'a> {
    gpu: &'a GpuType,
    count: u32,
    /// Its place in the spec.
    listed: usize,
    limit: Option<Hourly>,
}

fn gpu_choices(
    pod: &WantedPod,
    (wish, most): (&GpuWish, Option<Hourly>),
    index: &CatalogIndex<'_>,
    data_centers: &BTreeSet<DataCenterId>,
) -> Choices {
    let catalog = index.catalog;
    let mut rejected = Vec::new();
    let unknown = unknown(wish, index);
    rejected.extend(unknown.iter().cloned());
    let mut candidates: Vec<(Rank, Candidate)> = Vec::new();
    let numbered = wish.numbers().len() > 1;
    // What the fewest of a type are no way for is not said again of more of them.
    let mut told: BTreeSet<(&GpuTypeId, Option<Cloud>, Option<Hourly>)> = BTreeSet::new();
    let mut reject = |gpu, cloud, limit, why: String| {
        if told.insert((gpu, cloud, limit)) {
            rejected.push(why);
        }
    };
    let mut accepted: BTreeSet<(&GpuTypeId, u32, Cloud)> = BTreeSet::new();
    for considered in considered(wish, index) {
        let Considered { gpu, count, listed, limit } = considered;
        if let Some(why) = unfit(wish, gpu, &catalog.not_taken.gpus) {
            reject(&gpu.id, None, None, format!("{}: {why}", gpu.id));
            continue;
        }
        let name = || if numbered { format!("{} x{count}", gpu.id) } else { gpu.id.to_string() };
        if count > gpu.max_count {
            reject(&gpu.id, None, None, format!("{}: at most {} in one pod", name(), gpu.max_count));
            continue;
        }
        for cloud in clouds(pod) {
            if gpu.unsold.contains(&cloud) {
                reject(
                    &gpu.id,
                    Some(cloud),
                    None,
                    format!("{} in {cloud}: RunPod does not sell it there", gpu.id),
                );
                continue;
            }
            let compute = Compute::Gpu { id: gpu.id.clone(), count };
            // Nobody pays more than was bid; where a bid is not taken, hardly more than on demand.
            let bid = wish.rent.bid().filter(|_| !catalog.not_taken.bids);
            let each = bid.map_or_else(|| gpu.price(cloud), Price::Known);
            let price = each.times(count);
            let limit = [limit, most].into_iter().flatten().min();
            if let Some(why) = too_dear(price, limit) {
                reject(&gpu.id, Some(cloud), limit, format!("{} in {cloud}: {why}", name()));
                continue;
            }
            // A second name for it is no second way, but may be one where its limit allows more.
            if !accepted.insert((&gpu.id, count, cloud)) {
                continue;
            }
            let query = stock_query(wish, &pod.hardware, count, cloud);
            let answer = catalog.gpu_stock.get(&query).map(|by_gpu| {
                by_gpu
                    .get(&gpu.id)
                    .cloned()
                    .unwrap_or(StockAnswer { best: Stock::None, data_centers: Arc::default() })
            });
            let candidate =
                candidate((compute, cloud, data_centers), price, answer.as_ref(), (&wish.host, wish.rent));
            candidates.push((rank(wish.order, listed, &candidate), candidate));
        }
    }
    candidates.sort_by(|(left, _), (right, _)| left.cmp(right));
    let candidates = candidates.into_iter().map(|(_, candidate)| candidate).collect();
    Choices::of(candidates, rejected, unknown)
}

/// Expands the names of the spec to types and numbers. Of what one name stands for the fewest GPUs come first, and types
/// with as many stand by price.
fn considered<'a>(wish: &GpuWish, index: &CatalogIndex<'a>) -> Vec<Considered<'a>> {
    let mut considered: Vec<Considered<'a>> = Vec::new();
    let mut add = |types: Vec<&'a GpuType>, counts: GpuCount, limit: Option<Hourly>| {
        let mut types = types;
        types.sort_by_key(|gpu| (unknown_last(gpu.secure), unknown_last(gpu.community), &gpu.id));
        for (count, gpu) in counts.numbers().flat_map(|count| types.iter().map(move |gpu| (count, *gpu))) {
            considered.push(Considered { gpu, count, listed: considered.len(), limit });
        }
    };
    if wish.any_of.is_empty() {
        add(index.catalog.gpus.values().collect(), wish.count, None);
    }
    for choice in &wish.any_of {
        let GpuChoice { name, count: _, max_price } = choice;
        add(index.gpus_named(name).to_vec(), wish.count_of(choice), *max_price);
    }
    considered
}

/// Says of each name that stands for no type what it was meant to be.
fn unknown(wish: &GpuWish, index: &CatalogIndex<'_>) -> Vec<String> {
    let names = wish.any_of.iter().map(|choice| &choice.name);
    let unknown = names.filter(|name| index.gpus_named(name).is_empty());
    unknown
        .map(|name| match index.catalog.nearest_gpu(name) {
            Some(near) => format!("{name}: not in RunPod's catalog, did you mean {near}?"),
            None => format!("{name}: not in RunPod's catalog"),
        })
        .collect()
}

/// Returns why a type cannot be used at all.
fn unfit(wish: &GpuWish, gpu: &GpuType, not_taken: &BTreeSet<GpuTypeId>) -> Option<String> {
    if not_taken.contains(&gpu.id) {
        return Some("cannot be asked for over this API".to_owned());
    }
    if !wish.memory.accepts(gpu.memory) {
        return Some(format!("has {} of memory", gpu.memory));
    }
    (gpu.max_count == 0).then(|| "RunPod offers it in no pod at present".to_owned())
}

fn too_dear(price: Price, limit: Option<Hourly>) -> Option<String> {
    let limit = limit?;
    match price {
        Price::Known(price) if price <= limit => None,
        Price::Known(price) => Some(format!("{price}/h is more than {limit}/h")),
        Price::Unknown => Some(format!("its price is unknown, so it may be more than {limit}/h")),
    }
}

/// What candidates are sorted by. Those without stock stand last in every order but are never dropped: stock is a
/// hint.
type Rank = (bool, Key, usize, Cloud);

/// The part of the rank that the wanted order decides.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Listed,
    Price((bool, Hourly)),
    Stock(Reverse<Stock>),
}

fn rank(order: GpuOrder, listed: usize, candidate: &Candidate) -> Rank {
    let key = match order {
        GpuOrder::Listed => Key::Listed,
        GpuOrder::Price => Key::Price(unknown_last(candidate.price)),
        GpuOrder::Availability => Key::Stock(Reverse(candidate.stock)),
    };
    (candidate.stock == Stock::None, key, listed, candidate.placement.cloud)
}

fn unknown_last(price: Price) -> (bool, Hourly) {
    match price {
        Price::Known(price) => (false, price),
        Price::Unknown => (true, Hourly(0)),
    }
}

fn cpu_choices(
    pod: &WantedPod,
    wish: &CpuWish,
    catalog: &Catalog,
    data_centers: &BTreeSet<DataCenterId>,
) -> Choices {
    let mut rejected = Vec::new();
    let mut unknown = Vec::new();
    let mut candidates = Vec::new();
    for flavor in &wish.flavors {
        let Some(cpu) = catalog.cpus.get(flavor) else {
            unknown.push(format!("{flavor}: not in RunPod's catalog"));
            rejected.extend(unknown.last().cloned());
            continue;
        };
        let CpuFlavor { id: _, name: _, min_vcpus, max_vcpus, memory_per_vcpu: _, per_vcpu } = cpu;
        if !(*min_vcpus..=*max_vcpus).contains(&wish.vcpus) {
            rejected.push(format!("{flavor}: {min_vcpus} to {max_vcpus} vCPUs in one pod"));
            continue;
        }
        let most_disk = disk_per_vcpu(flavor).map(|each| each.saturating_mul(wish.vcpus));
        if let Some(most) = most_disk.filter(|most| pod.container.disk.0 > *most) {
            rejected.push(format!("{flavor}: at most {most} GB of container disk with {} vCPUs", wish.vcpus));
            continue;
        }
        let price = per_vcpu.times(wish.vcpus);
        if let Some(why) = too_dear(price, pod.hardware.max_price) {
            rejected.push(format!("{flavor}: {why}"));
            continue;
        }
        let compute = Compute::Cpu { flavor: flavor.clone(), vcpus: wish.vcpus };
        let answer = catalog.cpu_stock.get(flavor);
        candidates.push(candidate(
            (compute, Cloud::Secure, data_centers),
            price,
            answer,
            (&HostLimits::default(), Rent::OnDemand),
        ));
    }
    candidates.sort_by_key(|candidate: &Candidate| candidate.stock == Stock::None);
    Choices::of(candidates, rejected, unknown)
}

/// Returns the gigabytes of container disk that RunPod allows for each vCPU.
///
/// The catalog does not say it. A create over the limit is refused with `Container Disk must be less than or equal to
/// N GB for this instance`; for flavors that are not here no such answer was seen.
fn disk_per_vcpu(flavor: &CpuFlavorId) -> Option<u32> {
    match flavor.as_str() {
        "cpu3c" | "cpu3g" | "cpu3m" => Some(10),
        "cpu5c" => Some(15),
        _ => None,
    }
}

fn candidate(
    (compute, cloud, data_centers): (Compute, Cloud, &BTreeSet<DataCenterId>),
    price: Price,
    answer: Option<&StockAnswer>,
    (host, rent): (&HostLimits, Rent),
) -> Candidate {
    let (stock, stock_by_data_center) = stock_in(data_centers, answer);
    let data_centers = data_centers.clone();
    let placement = Placement { compute, cloud, data_centers, host: host.clone(), rent };
    Candidate { placement, price, stock, stock_by_data_center }
}

fn stock_in(
    data_centers: &BTreeSet<DataCenterId>,
    answer: Option<&StockAnswer>,
) -> (Stock, Arc<BTreeMap<DataCenterId, Stock>>) {
    let Some(StockAnswer { best, data_centers: by_data_center }) = answer else {
        return (Stock::NotAsked, Arc::default());
    };
    if data_centers.is_empty() {
        return (*best, Arc::clone(by_data_center));
    }
    // GraphQL tells the stock of CPUs for all data centers together, which says nothing of these.
    if by_data_center.is_empty() && *best != Stock::None {
        return (Stock::NotAsked, Arc::default());
    }
    let here = by_data_center.iter().filter(|(id, _)| data_centers.contains(id));
    let here: BTreeMap<DataCenterId, Stock> = here.map(|(id, stock)| (id.clone(), *stock)).collect();
    (here.values().copied().max().unwrap_or(Stock::None), Arc::new(here))
}

/// Describes the wanted GPUs, with how many of each where that is not the same for all.
pub(super) fn gpu_text(wish: &GpuWish) -> String {
    let differ = wish.any_of.iter().any(|choice| choice.count.is_some());
    let name = |choice: &GpuChoice| match differ {
        true => format!("{}:{}", choice.name, wish.count_of(choice)),
        false => choice.name.to_string(),
    };
    let names: Vec<String> = wish.any_of.iter().map(name).collect();
    if !names.is_empty() {
        return names.join(" or ");
    }
    match (wish.memory.min, wish.memory.max) {
        (None, None) => "any".to_owned(),
        (Some(min), None) => format!("any with at least {min}"),
        (None, Some(max)) => format!("any with at most {max}"),
        (Some(min), Some(max)) if min == max => format!("any with {min}"),
        (Some(min), Some(max)) => format!("any with {min} to {max}"),
    }
}

/// Describes how many GPUs are wanted.
pub(super) fn count_text(counts: &BTreeSet<GpuCount>) -> String {
    counts.iter().map(GpuCount::to_string).collect::<Vec<_>>().join(" or ")
}

/// Describes the wanted CPUs.
pub(super) fn cpu_text(wish: &CpuWish) -> String {
    let flavors: Vec<&str> = wish.flavors.iter().map(|flavor| flavor.as_str()).collect();
    format!("{} {} vCPU", flavors.join(" or "), wish.vcpus)
}

/// Describes the wanted cloud.
pub(super) fn cloud_text(wish: CloudWish) -> String {
    match wish {
        CloudWish::Only(cloud) => cloud.to_string(),
        CloudWish::Any => "any".to_owned(),
    }
}

/// Describes the wanted CUDA versions.
pub(super) fn cuda_text(wish: &CudaWish) -> String {
    match wish {
        CudaWish::Any => "any".to_owned(),
        CudaWish::AtLeast(version) => format!(">={version}"),
        CudaWish::OneOf(versions) => joined(versions),
    }
}

/// Joins a list for display.
pub(super) fn joined<T: ToString>(items: &BTreeSet<T>) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
