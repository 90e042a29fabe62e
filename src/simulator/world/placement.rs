//! Which machine a pod goes to, and how much is free where.

use std::collections::BTreeMap;

use super::World;
use super::chance::draw;
use super::facts;
use super::hosts::{Cloud, Host, HostId, Offer};
use super::order::{ComputeOrder, CudaRule, PodOrder};
use super::pod::{Mount, PodId};
use super::refusal::Refusal;

/// A machine with room, and the GPU type or CPU flavor that it gives.
#[derive(Debug, Clone)]
pub struct Place {
    /// The machine.
    pub host: Host,
    /// The GPU type or CPU flavor.
    pub unit: String,
}

/// A question about stock.
#[derive(Debug, Clone)]
pub struct StockQuery {
    /// GPUs or vCPUs on one machine.
    pub count: u32,
    pub cloud: Cloud,
    /// Which hosts will do.
    pub cuda: CudaRule,
    /// The countries that will do, or none for any.
    pub countries: Vec<String>,
}

/// How many pods of the asked size would fit now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stock {
    None,
    /// One or two.
    Low,
    /// Up to seven.
    Medium,
    /// Eight or more.
    High,
}

impl Stock {
    /// Returns the level for so many pods.
    pub fn of(fitting: u32) -> Stock {
        match fitting {
            0 => Stock::None,
            1..=2 => Stock::Low,
            3..=7 => Stock::Medium,
            8.. => Stock::High,
        }
    }

    /// Returns the word that REST v2 has for it.
    pub fn name(self) -> &'static str {
        match self {
            Stock::None => "NONE",
            Stock::Low => "LOW",
            Stock::Medium => "MEDIUM",
            Stock::High => "HIGH",
        }
    }
}

impl World {
    /// Returns how many units of a machine are free.
    pub fn free_units(&self, id: &HostId) -> u32 {
        self.hosts.get(id).map_or(0, |host| self.free_on(host))
    }

    fn free_on(&self, host: &Host) -> u32 {
        if self.ground.lost.contains(&host.id) {
            return 0;
        }
        host.capacity.saturating_sub(self.foreign_on(host)).saturating_sub(self.totals.held(&host.id))
    }

    /// Returns what other tenants hold of a machine.
    pub(super) fn foreign_units(&self, id: &HostId) -> u32 {
        self.hosts.get(id).map_or(0, |host| self.foreign_on(host))
    }

    fn foreign_on(&self, host: &Host) -> u32 {
        self.ground.foreign.get(&host.id).copied().unwrap_or(host.foreign)
    }

    /// Finds a machine for an order: the first type with room, and among its machines one that the pod's identifier picks.
    ///
    /// # Errors
    /// [`Refusal::NoCapacity`] for all that finds no machine, the impossible included, because RunPod answers both alike.
    pub(super) fn place(&self, order: &PodOrder, id: &PodId) -> Result<Place, Refusal> {
        let (units, count) = match &order.compute {
            ComputeOrder::Gpu { ids, count, .. } => (ids, *count),
            ComputeOrder::Cpu { flavors, vcpus } => (flavors, *vcpus),
        };
        if count == 0 {
            return Err(Refusal::NoCapacity);
        }
        for unit in units {
            let rooms = self
                .hosts
                .of_unit(unit)
                .filter(|host| self.fits(order, host, unit) && self.free_on(host) >= count);
            if let Some(host) = rooms.max_by_key(|host| draw(self.seed(), &["place", &id.0, &host.id.0])) {
                return Ok(Place { host: host.clone(), unit: unit.clone() });
            }
        }
        Err(Refusal::NoCapacity)
    }

    fn fits(&self, order: &PodOrder, host: &Host, unit: &str) -> bool {
        let offered = match (&host.offer, &order.compute) {
            (Offer::Gpu(id), ComputeOrder::Gpu { cuda, min_ram, min_vcpu, .. }) => {
                id == unit
                    && cuda.allows(host.cuda)
                    && host.ram_per_gpu >= *min_ram
                    && host.vcpu_per_gpu >= *min_vcpu
            }
            (Offer::Cpu(flavor), ComputeOrder::Cpu { .. }) => flavor == unit,
            (Offer::Gpu(_), ComputeOrder::Cpu { .. }) | (Offer::Cpu(_), ComputeOrder::Gpu { .. }) => false,
        };
        offered
            && order.clouds.contains(&host.cloud)
            && self.is_open(host)
            && self.is_wanted_there(order, host)
    }

    fn is_wanted_there(&self, order: &PodOrder, host: &Host) -> bool {
        let data_center = facts::data_center(host.data_center);
        let in_country = data_center.is_some_and(|fact| order.countries.contains(&fact.country_code));
        let with_volume = match &order.mount {
            Mount::Nothing | Mount::Persistent { .. } => true,
            Mount::Network { volume, .. } => {
                host.cloud == Cloud::Secure
                    && self.volumes.get(volume).is_some_and(|volume| volume.data_center == host.data_center)
            }
        };
        let on_network = !order.settings.global_networking
            || (host.cuda.is_some() && data_center.is_some_and(|fact| fact.has_global_network()));
        let named = order.data_centers.iter().any(|id| id == host.data_center);
        (order.data_centers.is_empty() || named)
            && (order.countries.is_empty() || in_country)
            && with_volume
            && on_network
    }

    fn is_open(&self, host: &Host) -> bool {
        let gpu_closed = match &host.offer {
            Offer::Gpu(id) => self.ground.closed_gpus.contains(id),
            Offer::Cpu(_) => false,
        };
        !gpu_closed && !self.ground.closed_data_centers.contains(host.data_center)
    }

    /// Returns how many pods of the asked size would fit, for each data center that has machines large enough.
    pub fn stock(&self, offer: &Offer, query: &StockQuery) -> BTreeMap<&'static str, u32> {
        let mut stock = BTreeMap::new();
        for host in self.hosts.of_unit(offer.unit()).filter(|host| answers(host, query)) {
            let free = if self.is_open(host) { self.free_on(host) } else { 0 };
            *stock.entry(host.data_center).or_insert(0) += free / query.count.max(1);
        }
        stock
    }

    /// Returns the CUDA versions of the machines with that GPU type, and whether one of each has room.
    pub fn cuda_stock(&self, gpu: &str, query: &StockQuery) -> BTreeMap<&'static str, bool> {
        let mut versions = BTreeMap::new();
        for host in self.hosts.of_unit(gpu).filter(|host| answers(host, query)) {
            if let Some(cuda) = host.cuda {
                let room = self.is_open(host) && self.free_on(host) >= query.count;
                *versions.entry(cuda).or_insert(false) |= room;
            }
        }
        versions
    }

    /// Returns the largest machine that ever rents out a GPU type on a cloud, or 0 where there is none.
    pub fn largest_machine(&self, gpu: &str, cloud: Cloud) -> u32 {
        self.hosts
            .of_unit(gpu)
            .filter(|host| host.cloud == cloud)
            .map(|host| host.capacity)
            .max()
            .unwrap_or(0)
    }
}

fn answers(host: &Host, query: &StockQuery) -> bool {
    let country = facts::data_center(host.data_center).map(|fact| &fact.country_code);
    host.cloud == query.cloud
        && host.capacity >= query.count
        && query.cuda.allows(host.cuda)
        && (query.countries.is_empty() || country.is_some_and(|country| query.countries.contains(country)))
}
