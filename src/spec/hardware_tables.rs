//! What is known about RunPod's hardware without asking: the bundled tables.
//!
//! RunPod adds hardware without notice, so a name that is not in here may still be right: everything found by these
//! tables is a warning with their date. The planner checks against the live catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::catalog::{Catalog, GpuType};
use crate::model::clock::Timestamp;
use crate::model::desired::{CloudWish, GpuCount, GpuWish};
use crate::model::id::{GpuName, GpuTypeId};
use crate::model::money::{Hourly, Price};
use crate::model::pod::Cloud;
use crate::model::size::Gigabytes;

use super::diagnostic::{Collector, Diagnostic, Problem, listed};
use super::pod::Pod;
use super::source::Span;
use super::syntax::{Spec, Volume};

pub(super) const GPU_TYPES: &str = include_str!("../../data/gpu_types.json");
pub(super) const CPU_FLAVORS: &str = include_str!("../../data/cpu_flavors.json");
pub(super) const DATA_CENTERS: &str = include_str!("../../data/data_centers.json");

/// The day of the newest price in the list of GPUs, by which everybody is told how old they are.
pub const PRICES_OF: &str = "2026-10-07";
/// The day that the list of GPUs was taken from RunPod's documentation.
const GPU_TABLE_DATE: &str = "2026-02-12";
/// The day that the other lists were taken from RunPod's documentation and OpenAPI files.
const TABLE_DATE: &str = "2026-08-20";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GpuRow {
    id: String,
    display_name: Option<String>,
    memory_in_gb: Option<u32>,
    secure_price: Option<f64>,
    community_price: Option<f64>,
    max_gpu_count: Option<u32>,
}

#[derive(Deserialize)]
struct IdRow {
    id: String,
}

/// Warns about names that the bundled tables do not have, and about limits that no known GPU meets.
pub(super) fn check(spec: &Spec, log: &mut Collector) {
    let mut tables = Tables::bundled();
    for volume in spec.volumes.values() {
        if let Volume::Managed { data_center: Some(id), .. } = &volume.value {
            tables.data_center(id.value.as_str(), id.span, log);
        }
    }
    for pod in spec.pods.values() {
        for id in pod.data_centers().iter().flat_map(|list| &list.value) {
            tables.data_center(id.value.as_str(), id.span, log);
        }
        for flavor in pod.cpu.iter().flat_map(|cpu| &cpu.value.flavors) {
            tables.cpu_flavor(flavor.value.as_str(), flavor.span, log);
        }
        // Every GPU is looked for among all names, which takes long for a hostile file.
        if !log.is_full() {
            tables.gpus(pod, log);
        }
    }
}

/// The bundled tables, read once.
static BUNDLED: LazyLock<Bundled> = LazyLock::new(|| {
    let rows: Vec<GpuRow> = serde_json::from_str(GPU_TYPES).unwrap_or_default();
    let ids = |table: &str| -> Vec<String> {
        let rows: Vec<IdRow> = serde_json::from_str(table).unwrap_or_default();
        rows.into_iter().map(|row| row.id).collect()
    };
    let gpus = rows.into_iter().map(|row| (GpuTypeId::new(&row.id), gpu_type(row))).collect();
    Bundled {
        gpus: Catalog { gpus, ..Catalog::empty(Timestamp::UNIX_EPOCH) },
        cpu_flavors: ids(CPU_FLAVORS),
        data_centers: ids(DATA_CENTERS),
    }
});

struct Bundled {
    gpus: Catalog,
    cpu_flavors: Vec<String>,
    data_centers: Vec<String>,
}

/// The bundled tables, and what names stand for in them, as far as it was asked.
struct Tables {
    bundled: &'static Bundled,
    named: BTreeMap<GpuName, Vec<&'static GpuType>>,
}

impl Tables {
    fn bundled() -> Self {
        Self { bundled: &BUNDLED, named: BTreeMap::new() }
    }

    fn data_center(&self, id: &str, span: Span, log: &mut Collector) {
        if !self.bundled.data_centers.iter().any(|known| known == id) {
            let detail = format!("`{id}` is not in RunPod's table of {TABLE_DATE}");
            let mistake = Diagnostic::at(Problem::UnknownDataCenter, span, detail);
            log.push(match log.closest(id, self.bundled.data_centers.iter().map(String::as_str)) {
                Some(near) => {
                    mistake.help(format!("did you mean `{near}`? the plan checks the live catalog"))
                }
                None => mistake.help("the plan checks it against the live catalog"),
            });
        }
    }

    fn cpu_flavor(&self, id: &str, span: Span, log: &mut Collector) {
        if !self.bundled.cpu_flavors.iter().any(|known| known == id) {
            let detail = format!("`{id}` is not in RunPod's table of {TABLE_DATE}");
            let mistake = Diagnostic::at(Problem::UnknownCpu, span, detail);
            log.push(match log.closest(id, self.bundled.cpu_flavors.iter().map(String::as_str)) {
                Some(near) => mistake.fix(span, near, "did you mean"),
                None => mistake.help(format!("the table has {}", listed(&self.bundled.cpu_flavors, "and"))),
            });
        }
    }

    /// Returns the types that a name stands for.
    fn named(&mut self, name: &GpuName) -> &[&'static GpuType] {
        self.named.entry(name.clone()).or_insert_with(|| self.bundled.gpus.gpus_named(name))
    }

    fn gpus(&mut self, pod: &Pod, log: &mut Collector) {
        let Some(gpu) = &pod.gpu else {
            return;
        };
        for choice in pod.widen().iter().flat_map(|wider| &wider.value.gpu.any_of) {
            if self.named(&choice.value.name).is_empty() {
                let mistake = self.unknown_gpu(&choice.value.name, choice.span, log);
                log.push(mistake);
            }
        }
        let mut all_known = true;
        for choice in &gpu.value.any_of {
            if self.named(&choice.value.name).is_empty() {
                all_known = false;
                let mistake = self.unknown_gpu(&choice.value.name, choice.span, log);
                log.push(mistake);
            }
        }
        let wish = gpu.value.wish(pod.host(), pod.rent());
        let max_price = pod.max_price.map(|price| price.value);
        if !all_known || self.any_left(&wish, pod.cloud(), max_price) {
            return;
        }
        let memory = gpu.value.memory.map(|memory| (memory.span, "with this memory"));
        let price = pod.max_price.map(|price| (price.span, "for this price"));
        let count = gpu.value.count.map(|count| (count.span, "so many in one pod"));
        let detail = format!("no GPU of RunPod's table of {GPU_TABLE_DATE} meets all limits");
        let mut mistake = Diagnostic::at(Problem::NoGpuLeft, gpu.span, detail);
        for (span, text) in [memory, price, count].into_iter().flatten().filter(|(span, _)| *span != gpu.span)
        {
            mistake = mistake.label(span, text);
        }
        log.push(mistake.help("the plan checks it against the live catalog and its prices"));
    }

    fn unknown_gpu(&self, name: &GpuName, span: Span, log: &Collector) -> Diagnostic {
        let detail = format!("`{name}` is not in RunPod's table of {GPU_TABLE_DATE}");
        let mistake = Diagnostic::at(Problem::UnknownGpu, span, detail);
        let near = if log.is_full() { None } else { self.bundled.gpus.nearest_gpu(name) };
        match near {
            Some(near) => mistake.help(format!("did you mean `{near}`?")),
            None => mistake.help("the plan checks it against the live catalog; `podform gpus` lists that"),
        }
    }

    /// Tells whether some GPU may meet the limits. Prices that the table does not have count as low enough: the live
    /// catalog may have them.
    fn any_left(&mut self, wish: &GpuWish, cloud: CloudWish, max_price: Option<Hourly>) -> bool {
        // More of one type are dearer, so the least number tells whether any is affordable.
        let fits = |gpu: &GpuType, count: GpuCount, limit: Option<Hourly>| {
            let affordable = |cloud: Cloud| match (gpu.price(cloud).times(count.least), limit) {
                (Price::Known(price), Some(limit)) => price <= limit,
                (Price::Known(_) | Price::Unknown, _) => true,
            };
            let in_reach =
                [Cloud::Secure, Cloud::Community].into_iter().any(|c| cloud.accepts(c) && affordable(c));
            wish.memory.accepts(gpu.memory) && count.least <= gpu.max_count && in_reach
        };
        let stricter = |limit: Option<Hourly>| [limit, max_price].into_iter().flatten().min();
        if wish.any_of.is_empty() {
            return self.bundled.gpus.gpus.values().any(|gpu| fits(gpu, wish.count, max_price));
        }
        wish.any_of.iter().any(|choice| {
            let (count, limit) = (wish.count_of(choice), stricter(choice.max_price));
            self.named(&choice.name).iter().any(|gpu| fits(gpu, count, limit))
        })
    }
}

fn gpu_type(row: GpuRow) -> GpuType {
    let price =
        |dollars: Option<f64>| dollars.and_then(Hourly::from_dollars).map_or(Price::Unknown, Price::Known);
    GpuType {
        name: row.display_name.unwrap_or_else(|| row.id.clone()),
        id: GpuTypeId::new(row.id),
        // A row without memory or count must not exclude the type.
        memory: Gigabytes(row.memory_in_gb.unwrap_or(u32::MAX)),
        secure: price(row.secure_price),
        community: price(row.community_price),
        max_count: row.max_gpu_count.unwrap_or(u32::MAX),
        unsold: BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_tables_are_read_in_full() {
        let Bundled { gpus, cpu_flavors, data_centers } = Tables::bundled().bundled;
        assert_eq!((gpus.gpus.len(), cpu_flavors.len()), (54, 6));
        assert!(data_centers.iter().any(|id| id == "EU-RO-1"));
    }

    /// A newer price in the table needs the new date in the program, which says how old its prices are.
    #[test]
    fn every_price_has_a_source_and_a_date_and_the_newest_one_is_told() {
        let rows: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(GPU_TYPES).unwrap();
        let text = |row: &serde_json::Map<String, serde_json::Value>, key: &str| {
            row[key].as_str().map(str::to_owned)
        };
        let mut newest = String::new();
        for row in &rows {
            let is_priced = ["securePrice", "communityPrice"].iter().any(|key| row[*key].is_number());
            let (source, date) = (text(row, "priceSource"), text(row, "priceDate"));
            assert_eq!(is_priced, source.is_some() && date.is_some(), "{}", row["id"]);
            newest = newest.max(date.unwrap_or_default());
        }
        assert_eq!(newest, PRICES_OF);
    }

    #[test]
    fn friendly_names_and_families_are_known() {
        let mut tables = Tables::bundled();
        for name in
            ["RTX 4090", "NVIDIA GeForce RTX 4090", "H100", "H100 SXM", "L40S", "rtx 6000 ada", "A100"]
        {
            assert!(!tables.named(&GpuName::new(name)).is_empty(), "{name}");
        }
        assert!(tables.named(&GpuName::new("H1000")).is_empty());
    }

    #[test]
    fn names_of_other_tools_stand_for_what_they_mean_there() {
        let mut tables = Tables::bundled();
        let mut named = |name: &str| {
            let types = tables.named(&GpuName::new(name));
            types.iter().map(|gpu| gpu.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let names = [
            "RTX4090",
            "rtx4090",
            "RTX-4090",
            "RTX_4090",
            "RTX3090Ti",
            "RTX6000Ada",
            "RTX6000-Ada",
            "A6000",
            "RTXA6000",
            "A100-80GB",
            "A100-40GB",
            "A100_80GB",
            "A100-SXM4-80GB",
            "H100-SXM",
            "H100-80GB",
            "H100-94GB",
            "V100-32GB",
            "T4",
            "tesla-t4",
            "MI300X",
            "RTXPRO6000",
            "PRO 6000",
            "PRO 6000 24GB",
            "RTX PRO 6000",
            "PRO 6000 MIG",
            "RTX PRO 6000 MIG",
            "PRO-6000-MIG-24GB",
            "L4",
            "L40",
            "RTX",
            "80GB",
            "A10G",
            "GTX1080",
            "",
        ];
        let table: String = names.map(|name| format!("{name:15} {}\n", named(name))).concat();
        insta::assert_snapshot!(table, @"
        RTX4090         RTX 4090
        rtx4090         RTX 4090
        RTX-4090        RTX 4090
        RTX_4090        RTX 4090
        RTX3090Ti       RTX 3090 Ti
        RTX6000Ada      RTX 6000 Ada
        RTX6000-Ada     RTX 6000 Ada
        A6000           RTX A6000
        RTXA6000        RTX A6000
        A100-80GB       A100 PCIe, A100 SXM
        A100-40GB       A100 SXM 40GB
        A100_80GB       A100 PCIe, A100 SXM
        A100-SXM4-80GB  A100 SXM
        H100-SXM        H100 SXM
        H100-80GB       H100 SXM, H100 PCIe
        H100-94GB       H100 NVL
        V100-32GB       Tesla V100-PCIE-32GB, V100 SXM2 32GB
        T4              Tesla T4
        tesla-t4        Tesla T4
        MI300X          MI300X
        RTXPRO6000      RTX PRO 6000
        PRO 6000        RTX PRO 6000
        PRO 6000 24GB   
        RTX PRO 6000    RTX PRO 6000
        PRO 6000 MIG    PRO 6000 MIG 24GB, PRO 6000 MIG 48GB
        RTX PRO 6000 MIG PRO 6000 MIG 24GB, PRO 6000 MIG 48GB
        PRO-6000-MIG-24GB PRO 6000 MIG 24GB
        L4              L4
        L40             L40
        RTX             NVIDIA  RTX A4500, RTX 3070, RTX 3080, RTX 3080 Ti, NVIDIA GeForce RTX 3080TI, RTX 3090, RTX 3090 Ti, RTX 4070 Ti, RTX 4080, RTX 4080 SUPER, RTX 4090, RTX 5080, RTX 5090, RTX 2000 Ada, RTX 4000 Ada, RTX 4000 Ada SFF, RTX 5000 Ada, RTX 6000 Ada, RTX A2000, NVIDIA RTX A30, RTX A4000, RTX A4500, RTX A5000, RTX A6000, RTX PRO 4500, RTX PRO 6000 MaxQ, RTX PRO 6000, RTX PRO 6000 WK
        80GB            
        A10G            
        GTX1080
        ");
    }

    #[test]
    fn a_slip_in_a_name_leads_to_the_name_and_another_product_does_not() {
        let near = |name: &str| BUNDLED.gpus.nearest_gpu(&GpuName::new(name)).unwrap_or("-").to_owned();
        let names = [
            "RTX 4900",
            "RTX4O90",
            "L40X",
            "A10G",
            "A10",
            "H1000",
            "H100SMX",
            "RTX 6000 Adda",
            "banana",
            "4",
        ];
        let table: String = names.map(|name| format!("{name:15} {}\n", near(name))).concat();
        insta::assert_snapshot!(table, @"
        RTX 4900        RTX 4090
        RTX4O90         RTX 4090
        L40X            L40
        A10G            -
        A10             -
        H1000           -
        H100SMX         H100 SXM
        RTX 6000 Adda   RTX 6000 Ada
        banana          -
        4               -
        ");
    }
}
