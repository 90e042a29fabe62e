//! The machines: which data center has which GPU, how many, and how many other tenants hold.
//!
//! The inventory is the same for every seed, so that examples and documentation stay true; seeds change identifiers, timings and faults. Some
//! types are plentiful, some are scarce on purpose, and one is sold out, because a planner that never meets scarcity is not tested.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::chance::{between, draw, letters};
use super::facts::{DataCenterFact, GpuFact, facts};

/// The seed of the inventory; see the module's documentation for why it is fixed.
const INVENTORY: u64 = 0;

/// Data centers that have every plentiful type.
const HOMES: [&str; 7] = ["EU-RO-1", "US-KS-2", "US-TX-3", "CA-MTL-3", "EU-SE-1", "US-CA-2", "EUR-IS-1"];

/// Data centers that exist although REST v1's enumeration lacks them.
const UNLISTED_IN_V1: [&str; 3] = ["AP-IN-1", "US-NE-1", "EU-DK-1"];

/// Types of which each home data center has several machines.
const PLENTIFUL: [&str; 14] = [
    "NVIDIA GeForce RTX 4090",
    "NVIDIA GeForce RTX 5090",
    "NVIDIA GeForce RTX 3090",
    "NVIDIA RTX A4000",
    "NVIDIA RTX A5000",
    "NVIDIA RTX A6000",
    "NVIDIA RTX 6000 Ada Generation",
    "NVIDIA A40",
    "NVIDIA L4",
    "NVIDIA L40S",
    "NVIDIA A100 80GB PCIe",
    "NVIDIA A100-SXM4-80GB",
    "NVIDIA H100 80GB HBM3",
    "NVIDIA RTX PRO 6000 Blackwell Server Edition",
];

/// Types of which a handful of GPUs are free in one or two places.
const SCARCE: [&str; 3] = ["NVIDIA H200", "NVIDIA H100 NVL", "AMD Instinct MI300X OAM"];

/// Types that exist and are taken.
const SOLD_OUT: [&str; 1] = ["NVIDIA B200"];

/// A machine's identifier: 12 letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostId(pub String);

/// RunPod's two clouds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cloud {
    /// RunPod's own data centers.
    Secure,
    /// Other people's machines.
    Community,
}

impl Cloud {
    /// Returns the word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Cloud::Secure => "SECURE",
            Cloud::Community => "COMMUNITY",
        }
    }
}

/// What a machine rents out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// GPUs of one type.
    Gpu(String),
    /// vCPUs of one flavor.
    Cpu(String),
}

impl Offer {
    /// Returns the GPU type or the CPU flavor; no two of them have one name.
    pub fn unit(&self) -> &str {
        match self {
            Offer::Gpu(id) | Offer::Cpu(id) => id,
        }
    }
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its identifier.
    pub id: HostId,
    /// The data center it stands in.
    pub data_center: &'static str,
    /// The cloud it belongs to.
    pub cloud: Cloud,
    /// What it rents out.
    pub offer: Offer,
    /// GPUs or vCPUs in total.
    pub capacity: u32,
    /// GPUs or vCPUs that other tenants hold.
    pub foreign: u32,
    /// The CUDA version of its driver; `None` for AMD and CPU machines.
    pub cuda: Option<&'static str>,
    /// vCPUs for each GPU.
    pub vcpu_per_gpu: u32,
    /// RAM in GB for each GPU.
    pub ram_per_gpu: u32,
    /// The address that public ports are on.
    pub ip: String,
}

/// All machines. They never change: what others hold and what is lost is the world's.
#[derive(Debug)]
pub struct Inventory {
    hosts: BTreeMap<HostId, Host>,
    /// The machines of each GPU type and CPU flavor once more, as all of them are looked at for each order.
    by_unit: BTreeMap<String, Vec<Host>>,
}

impl Inventory {
    /// Returns the machines; `abundance` multiplies how many of each there are.
    ///
    /// The ordinary ones are built once, because a test makes thousands of worlds.
    pub fn of(abundance: u32) -> Arc<Inventory> {
        static ORDINARY: OnceLock<Arc<Inventory>> = OnceLock::new();
        match abundance {
            1 => Arc::clone(ORDINARY.get_or_init(|| Arc::new(Inventory::build(1)))),
            more => Arc::new(Inventory::build(more)),
        }
    }

    fn build(abundance: u32) -> Inventory {
        let hosts = machines(abundance);
        let mut by_unit: BTreeMap<String, Vec<Host>> = BTreeMap::new();
        for host in hosts.values() {
            by_unit.entry(host.offer.unit().to_owned()).or_default().push(host.clone());
        }
        Inventory { hosts, by_unit }
    }

    /// Returns a machine.
    pub fn get(&self, id: &HostId) -> Option<&Host> {
        self.hosts.get(id)
    }

    /// Returns the machines of a GPU type or a CPU flavor.
    pub fn of_unit(&self, unit: &str) -> impl Iterator<Item = &Host> {
        self.by_unit.get(unit).into_iter().flatten()
    }
}

fn machines(abundance: u32) -> BTreeMap<HostId, Host> {
    let mut hosts = BTreeMap::new();
    for data_center in facts().data_centers.iter().filter(|data_center| is_live(data_center)) {
        for gpu in &facts().gpus {
            for cloud in [Cloud::Secure, Cloud::Community] {
                let count = machines_of(gpu, data_center, cloud);
                for number in 0..count * abundance {
                    let host = gpu_host(gpu, data_center, cloud, number);
                    hosts.insert(host.id.clone(), host);
                }
            }
        }
        for cpu in &facts().cpus {
            let offered = HOMES.contains(&data_center.id.as_str())
                || draw(INVENTORY, &["cpu offered", &cpu.id, &data_center.id]) % 100 < 40;
            for number in 0..if offered { 2 * abundance } else { 0 } {
                let host = cpu_host(&cpu.id, data_center, number);
                hosts.insert(host.id.clone(), host);
            }
        }
    }
    hosts
}

fn is_live(data_center: &DataCenterFact) -> bool {
    data_center.in_v1_enum || UNLISTED_IN_V1.contains(&data_center.id.as_str())
}

fn machines_of(gpu: &GpuFact, data_center: &DataCenterFact, cloud: Cloud) -> u32 {
    let sold = gpu.vcpu_per_gpu.is_some() && gpu.max_gpu_count.is_some() && gpu.display_name.is_some();
    let in_cloud = match cloud {
        Cloud::Secure => sold,
        Cloud::Community => sold && gpu.community_price().is_some(),
    };
    if !in_cloud {
        return 0;
    }
    let home = HOMES.contains(&data_center.id.as_str());
    let chance = draw(INVENTORY, &["offered", &gpu.id, &data_center.id, cloud.name()]) % 100;
    match (cloud, PLENTIFUL.contains(&gpu.id.as_str())) {
        (Cloud::Secure, true) if home => 3,
        (Cloud::Secure, true) => u32::from(chance < 45),
        (Cloud::Secure, false) => u32::from(chance < 15 || (home && chance < 40)),
        (Cloud::Community, true) => u32::from(chance < 25) * 2,
        (Cloud::Community, false) => u32::from(chance < 10),
    }
}

fn gpu_host(gpu: &GpuFact, data_center: &'static DataCenterFact, cloud: Cloud, number: u32) -> Host {
    let number = number.to_string();
    let subject = ["machine", &gpu.id, &data_center.id, cloud.name(), &number];
    let capacity = match cloud {
        Cloud::Secure => gpu.max_gpu_count.unwrap_or(1),
        Cloud::Community => gpu.max_gpu_count.unwrap_or(1).min(4),
    };
    let taken = ["taken", &gpu.id, &data_center.id, cloud.name(), &number];
    let foreign = if SOLD_OUT.contains(&gpu.id.as_str()) {
        capacity
    } else if SCARCE.contains(&gpu.id.as_str()) {
        capacity - u32::try_from(between(INVENTORY, &taken, 0, 1)).unwrap_or(0).min(capacity)
    } else if PLENTIFUL.contains(&gpu.id.as_str()) {
        u32::try_from(between(INVENTORY, &taken, 0, u64::from(capacity) / 2)).unwrap_or(0)
    } else {
        u32::try_from(between(INVENTORY, &taken, 0, u64::from(capacity))).unwrap_or(0)
    };
    Host {
        id: HostId(letters(INVENTORY, &subject, 12)),
        data_center: &data_center.id,
        cloud,
        offer: Offer::Gpu(gpu.id.clone()),
        capacity,
        foreign,
        cuda: cuda_of(gpu, &subject),
        vcpu_per_gpu: gpu.vcpu_per_gpu.unwrap_or(4),
        ram_per_gpu: gpu.ram_gb_per_gpu.unwrap_or(16),
        ip: address(&subject),
    }
}

fn cpu_host(flavor: &str, data_center: &'static DataCenterFact, number: u32) -> Host {
    let number = number.to_string();
    let subject = ["machine", flavor, &data_center.id, "SECURE", &number];
    Host {
        id: HostId(letters(INVENTORY, &subject, 12)),
        data_center: &data_center.id,
        cloud: Cloud::Secure,
        offer: Offer::Cpu(flavor.to_owned()),
        capacity: 256,
        foreign: u32::try_from(between(INVENTORY, &["taken", flavor, &data_center.id, &number], 0, 160))
            .unwrap_or(0),
        cuda: None,
        vcpu_per_gpu: 0,
        ram_per_gpu: 0,
        ip: address(&subject),
    }
}

/// Newer cards need newer drivers, so a requirement such as `>= 12.8` is met by some machines only.
fn cuda_of(gpu: &GpuFact, subject: &[&str]) -> Option<&'static str> {
    if gpu.manufacturer != "NVIDIA" {
        return None;
    }
    let blackwell = ["B200", "5080", "5090", "PRO"].iter().any(|mark| gpu.id.contains(mark));
    let versions: &[&str] =
        if blackwell { &["12.8", "12.9", "13.0"] } else { &["12.4", "12.6", "12.8", "12.9", "13.0"] };
    let index = usize::try_from(draw(INVENTORY, subject) % versions.len() as u64).unwrap_or(0);
    Some(versions[index])
}

/// Addresses come from the blocks that are reserved for documentation, so no text of ours names a real machine.
fn address(subject: &[&str]) -> String {
    let last = 1 + draw(INVENTORY, subject) % 254;
    match draw(INVENTORY, subject) / 256 % 3 {
        0 => format!("192.0.2.{last}"),
        1 => format!("198.51.100.{last}"),
        _ => format!("203.0.113.{last}"),
    }
}
