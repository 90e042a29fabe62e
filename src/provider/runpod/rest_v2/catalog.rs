//! The catalog: GPU types with their stock, CPU flavors and data centers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use super::call::whole;
use super::volume::volume_tier;
use crate::model::catalog::{
    Catalog, CatalogPart, CpuFlavor, DataCenter, GpuType, Stock, StockAnswer, StockQuery,
};
use crate::model::clock::Timestamp;
use crate::model::desired::CudaWish;
use crate::model::id::{CountryCode, CpuFlavorId, CudaVersion, DataCenterId, GpuTypeId};
use crate::model::pod::Cloud;
use crate::model::size::Gigabytes;
use crate::provider::runpod::Reading;
use crate::provider::runpod::convert::{self, understood};
use crate::provider::runpod::transport::Transport;
use crate::provider::runpod::wire::{Count, Dollars, Unfit, Wire, objects};
use crate::provider::{Call, ProviderError, Verb};

/// What stays as it is in the value of a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b',');

/// Reads the catalog, and the stock for as many questions as can be afforded.
pub(in crate::provider::runpod) async fn catalog(
    transport: &Transport,
    questions: &BTreeSet<StockQuery>,
    now: Timestamp,
    reading: Reading,
) -> Result<Catalog, ProviderError> {
    let mut catalog = Catalog::empty(now);
    let read = gpus(transport, questions, &mut catalog).await;
    reading.settle(CatalogPart::Gpus, read, &mut catalog)?;
    let read = cpus(transport, &mut catalog).await;
    reading.settle(CatalogPart::Cpus, read, &mut catalog)?;
    let read = data_centers(transport, &mut catalog).await;
    reading.settle(CatalogPart::DataCenters, read, &mut catalog)?;
    Ok(catalog)
}

async fn gpus(
    transport: &Transport,
    questions: &BTreeSet<StockQuery>,
    catalog: &mut Catalog,
) -> Result<(), ProviderError> {
    for question in convert::affordable(questions) {
        let path = gpu_path(question);
        let call = Verb::ReadCatalog.by("GET /v2/catalog/gpus");
        let entries = objects_of(transport, call, (&path, "gpus")).await?;
        let mut stock = BTreeMap::new();
        for (gpu, answer) in understood(entries, CatalogPart::Gpus, gpu_type, &mut catalog.left_out) {
            stock.insert(gpu.id.clone(), answer);
            catalog.gpus.entry(gpu.id.clone()).or_insert(gpu);
        }
        catalog.gpu_stock.extend(question.map(|question| (question.clone(), stock)));
    }
    convert::complete_stock(&catalog.gpus, &mut catalog.gpu_stock);
    Ok(())
}

async fn cpus(transport: &Transport, catalog: &mut Catalog) -> Result<(), ProviderError> {
    let path = "/catalog/cpus?include=AVAILABILITY&product=POD";
    let entries = objects_of(transport, Verb::ReadCatalog.by("GET /v2/catalog/cpus"), (path, "cpus")).await?;
    for (cpu, stock) in understood(entries, CatalogPart::Cpus, cpu_flavor, &mut catalog.left_out) {
        catalog.cpu_stock.insert(cpu.id.clone(), stock);
        catalog.cpus.insert(cpu.id.clone(), cpu);
    }
    Ok(())
}

async fn data_centers(transport: &Transport, catalog: &mut Catalog) -> Result<(), ProviderError> {
    let path = "/catalog/datacenters";
    let call = Verb::ReadCatalog.by("GET /v2/catalog/datacenters");
    let entries = objects_of(transport, call, (path, "dataCenters")).await?;
    let read = understood(entries, CatalogPart::DataCenters, data_center, &mut catalog.left_out);
    catalog.data_centers.extend(read);
    Ok(())
}

async fn objects_of(
    transport: &Transport,
    call: Call,
    under: (&str, &'static str),
) -> Result<impl Iterator<Item = Value> + use<>, ProviderError> {
    let entries = whole(transport, call, under, |_, entry| entry).await?;
    Ok(entries.into_iter().flatten())
}

/// Returns path and query of one catalog call; lists are joined by commas, not repeated.
fn gpu_path(question: Option<&StockQuery>) -> String {
    let Some(StockQuery { count, cloud, countries, cuda }) = question else {
        return "/catalog/gpus".to_owned();
    };
    let cloud = convert::cloud_word(*cloud);
    let mut path = format!("/catalog/gpus?include=AVAILABILITY&product=POD&count={count}&cloud={cloud}");
    let mut filter = |name: &str, values: Vec<&str>| {
        if !values.is_empty() {
            let joined = values.join(",");
            path.push_str(&format!("&{name}={}", utf8_percent_encode(&joined, QUERY)));
        }
    };
    filter("countryCodes", countries.iter().map(CountryCode::as_str).collect());
    match cuda {
        CudaWish::Any => {}
        CudaWish::AtLeast(version) => filter("minCudaVersion", vec![version.as_str()]),
        CudaWish::OneOf(versions) => {
            filter("cudaVersions", versions.iter().map(CudaVersion::as_str).collect())
        }
    }
    path
}

objects!(
    CloudCountsWire,
    CloudPricesWire,
    CpuPricesWire,
    CpuWire,
    DataCenterStockWire,
    DataCenterWire,
    GpuWire,
    VcpuRangeWire
);

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct GpuWire {
    id: Wire<String>,
    name: Wire<String>,
    memory: Wire<Count>,
    secure: Wire<bool>,
    community: Wire<bool>,
    price: Wire<CloudPricesWire>,
    max_count: Wire<CloudCountsWire>,
    availability: Wire<String>,
    data_centers: Wire<Vec<DataCenterStockWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CloudPricesWire {
    secure: Wire<Dollars>,
    community: Wire<Dollars>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CloudCountsWire {
    secure: Wire<Count>,
    community: Wire<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DataCenterStockWire {
    id: Wire<String>,
    availability: Wire<String>,
}

fn gpu_type(wire: GpuWire) -> Result<(GpuType, StockAnswer), Unfit> {
    let GpuWire { id, name, memory, secure, community, price, max_count, availability, data_centers } = wire;
    let id = GpuTypeId::new(id.required("gpus[].id")?);
    let unsold = convert::unsold(secure, community);
    let CloudPricesWire { secure, community } = price.shown().unwrap_or_default();
    let counts = max_count.required("gpus[].maxCount")?;
    let counts = [counts.secure.shown(), counts.community.shown()];
    let gpu = GpuType {
        name: name.shown().unwrap_or_else(|| id.as_str().to_owned()),
        id,
        memory: memory.required("gpus[].memory").map(|Count(size)| Gigabytes(size))?,
        secure: convert::price_in(Cloud::Secure, secure, &unsold),
        community: convert::price_in(Cloud::Community, community, &unsold),
        max_count: counts.into_iter().flatten().map(|Count(count)| count).max().unwrap_or(0),
        unsold,
    };
    Ok((gpu, stock_answer(availability, data_centers)))
}

/// Reads stock. Data centers that show none are left out, as the API leaves out most of them itself.
fn stock_answer(level: Wire<String>, data_centers: Wire<Vec<DataCenterStockWire>>) -> StockAnswer {
    let by_center = |DataCenterStockWire { id, availability }: DataCenterStockWire| {
        let stock = convert::stock(&availability.shown()?);
        (stock != Stock::None).then_some((DataCenterId::new(id.shown()?), stock))
    };
    let data_centers = data_centers.shown().unwrap_or_default().into_iter().filter_map(by_center);
    StockAnswer {
        best: level.shown().map_or(Stock::NotAsked, |word| convert::stock(&word)),
        data_centers: Arc::new(data_centers.collect()),
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CpuWire {
    id: Wire<String>,
    name: Wire<String>,
    vcpu: Wire<VcpuRangeWire>,
    ram_gb_per_vcpu: Wire<Dollars>,
    price: Wire<CpuPricesWire>,
    availability: Wire<String>,
    data_centers: Wire<Vec<DataCenterStockWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct VcpuRangeWire {
    min: Wire<Count>,
    max: Wire<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct CpuPricesWire {
    secure_per_vcpu: Wire<Dollars>,
}

fn cpu_flavor(wire: CpuWire) -> Result<(CpuFlavor, StockAnswer), Unfit> {
    let CpuWire { id, name, vcpu, ram_gb_per_vcpu, price, availability, data_centers } = wire;
    let id = CpuFlavorId::new(id.required("cpus[].id")?);
    let VcpuRangeWire { min, max } = vcpu.required("cpus[].vcpu")?;
    let CpuPricesWire { secure_per_vcpu } = price.shown().unwrap_or_default();
    let (Count(min_vcpus), Count(max_vcpus)) =
        (min.required("cpus[].vcpu.min")?, max.required("cpus[].vcpu.max")?);
    let cpu = CpuFlavor {
        name: name.shown().unwrap_or_else(|| id.as_str().to_owned()),
        id,
        min_vcpus,
        max_vcpus,
        // Some flavors have half a gigabyte more; what is promised is the whole part.
        memory_per_vcpu: Gigabytes(ram_gb_per_vcpu.shown().map_or(0, |Dollars(size)| size as u32)),
        per_vcpu: convert::price(secure_per_vcpu),
    };
    Ok((cpu, stock_answer(availability, data_centers)))
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DataCenterWire {
    id: Wire<String>,
    global_network: Wire<bool>,
    network_volume_types: Wire<Vec<String>>,
}

fn data_center(wire: DataCenterWire) -> Result<(DataCenterId, DataCenter), Unfit> {
    let DataCenterWire { id, global_network, network_volume_types } = wire;
    let id = id.required("dataCenters[].id")?;
    let tiers = network_volume_types.required("dataCenters[].networkVolumeTypes")?;
    let data_center = DataCenter {
        country: convert::country(&id),
        global_network: global_network.shown().unwrap_or(false),
        volume_tiers: tiers.iter().filter_map(|word| volume_tier(word)).collect(),
        id: DataCenterId::new(id),
    };
    Ok((data_center.id.clone(), data_center))
}
