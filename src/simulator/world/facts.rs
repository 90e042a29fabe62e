//! What is publicly known of RunPod's GPU types, CPU flavors, data centers and templates, bundled from `data/*.json`.
//!
//! A price that nobody published is `None` here and stays unknown: nothing in the simulator invents one.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::money::HourlyPrice;
use super::pod::Mount;

/// All bundled facts.
#[derive(Debug)]
pub struct Facts {
    /// GPU types, in the order of the file.
    pub gpus: Vec<GpuFact>,
    /// Data centers, in the order of the file.
    pub data_centers: Vec<DataCenterFact>,
    /// CPU flavors, in the order of the file.
    pub cpus: Vec<CpuFact>,
    /// Public templates, in the order of the file.
    pub templates: Vec<TemplateFact>,
}

/// A GPU type. Types without a display name are accepted by old enums only and are in no catalog.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuFact {
    /// The identifier that a create names.
    pub id: String,
    /// The short name that people read.
    pub display_name: Option<String>,
    /// VRAM in GB.
    pub memory_in_gb: Option<u32>,
    /// `NVIDIA` or `AMD`.
    pub manufacturer: String,
    secure_price: Option<f64>,
    community_price: Option<f64>,
    /// The largest machine.
    pub max_gpu_count: Option<u32>,
    /// vCPUs that come with each GPU; `None` where no host was ever seen.
    pub vcpu_per_gpu: Option<u32>,
    /// RAM in GB that comes with each GPU.
    pub ram_gb_per_gpu: Option<u32>,
    pub serverless_pool: Option<String>,
    /// Whether REST v1 accepts it in a create.
    #[serde(rename = "inV1CreateEnum")]
    pub in_v1_create_enum: bool,
}

impl GpuFact {
    /// Returns the price of one GPU on Secure Cloud, if it is known.
    pub fn secure_price(&self) -> Option<HourlyPrice> {
        self.secure_price.map(HourlyPrice::from_usd)
    }

    /// Returns the price of one GPU on Community Cloud, if it is known.
    pub fn community_price(&self) -> Option<HourlyPrice> {
        self.community_price.map(HourlyPrice::from_usd)
    }
}

/// A data center.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataCenterFact {
    /// The identifier, such as `EU-RO-1`.
    pub id: String,
    name: Option<String>,
    /// The place, as RunPod words it.
    pub location: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country_code: String,
    /// The continent, as REST v2 words it.
    pub region: String,
    /// Whether REST v1 accepts it in a create.
    #[serde(rename = "inV1Enum")]
    pub in_v1_enum: bool,
    global_network: Option<bool>,
    s3_network_volume: Option<bool>,
}

impl DataCenterFact {
    /// Returns the published name, or the identifier where none was published.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// Returns whether pods here can join the global network; unknown counts as no.
    pub fn has_global_network(&self) -> bool {
        self.global_network == Some(true)
    }

    /// Returns whether network volumes can be made here; unknown counts as no.
    pub fn has_storage(&self) -> bool {
        self.s3_network_volume == Some(true)
    }

    /// Returns whether the dearer storage tier exists here. The API document shows it for one data center.
    pub fn has_fast_storage(&self) -> bool {
        self.id == "US-KS-2"
    }
}

/// A CPU flavor.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CpuFact {
    /// The identifier, such as `cpu5c`.
    pub id: String,
    /// The short name that people read.
    pub display_name: String,
    /// The generation, such as `Gen 5`.
    pub group_name: String,
    /// The generation's identifier.
    pub group_id: String,
    /// The smallest pod.
    pub min_vcpu: u32,
    /// The largest pod.
    pub max_vcpu: u32,
    /// RAM in GB that comes with each vCPU.
    pub ram_gb_per_vcpu: u32,
    /// The most container disk per vCPU in GB, where one was seen.
    pub disk_limit_gb_per_vcpu: Option<u32>,
    secure_price_per_vcpu: Option<f64>,
    #[serde(rename = "serverlessPriceFor2Vcpu")]
    serverless_price_for_two: Option<f64>,
}

impl CpuFact {
    /// Returns the price of one vCPU, if it is known.
    pub fn price_per_vcpu(&self) -> Option<HourlyPrice> {
        self.secure_price_per_vcpu.map(HourlyPrice::from_usd)
    }

    /// Returns the serverless price of one vCPU, if it is known.
    pub fn serverless_price_per_vcpu(&self) -> Option<HourlyPrice> {
        self.serverless_price_for_two.map(|price| HourlyPrice::from_usd(price / 2.0))
    }
}

/// A public template: what a create takes from it where it says nothing itself.
#[derive(Debug, Deserialize)]
pub struct TemplateFact {
    /// The identifier that a create names.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// The container image.
    pub image: String,
    /// `NVIDIA` or `CPU`: where the console lists it.
    pub category: String,
    /// Container disk in GB.
    pub disk: u32,
    /// The volume of a pod with GPUs, in GB.
    pub volume: Option<u32>,
    path: String,
    /// Ports such as `8888/http`.
    pub ports: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
}

impl TemplateFact {
    /// Returns the storage that its pods mount.
    pub fn mount(&self) -> Mount {
        self.volume.map_or(Mount::Nothing, |size| Mount::Persistent { size, path: self.path.clone() })
    }
}

/// Returns the bundled facts, parsed once.
pub fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(|| Facts {
        gpus: bundled(include_str!("../../../data/gpu_types.json")),
        data_centers: bundled(include_str!("../../../data/data_centers.json")),
        cpus: bundled(include_str!("../../../data/cpu_flavors.json")),
        templates: bundled(include_str!("../../../data/templates.json")),
    })
}

/// Returns the GPU type of that identifier.
pub fn gpu(id: &str) -> Option<&'static GpuFact> {
    facts().gpus.iter().find(|gpu| gpu.id == id)
}

/// Returns the CPU flavor of that identifier.
pub fn cpu(id: &str) -> Option<&'static CpuFact> {
    facts().cpus.iter().find(|cpu| cpu.id == id)
}

/// Returns the data center of that identifier.
pub fn data_center(id: &str) -> Option<&'static DataCenterFact> {
    facts().data_centers.iter().find(|data_center| data_center.id == id)
}

fn bundled<T: serde::de::DeserializeOwned>(text: &str) -> Vec<T> {
    serde_json::from_str(text).expect("the bundled tables are checked by a test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_tables_parse_and_unknown_prices_stay_unknown() {
        assert_eq!((facts().gpus.len(), facts().data_centers.len(), facts().cpus.len()), (54, 49, 6));
        assert_eq!(facts().templates.len(), 2);
        let h100 = gpu("NVIDIA H100 80GB HBM3").unwrap();
        assert_eq!(h100.secure_price(), Some(HourlyPrice::from_micros(3_490_000)));
        let l40s = gpu("NVIDIA L40S").unwrap();
        assert_eq!(
            (l40s.secure_price(), l40s.community_price()),
            (None, Some(HourlyPrice::from_micros(790_000)))
        );
        assert_eq!(cpu("cpu5c").unwrap().price_per_vcpu(), Some(HourlyPrice::from_micros(35_000)));
        assert_eq!(cpu("cpu3m").unwrap().price_per_vcpu(), None);
    }
}
