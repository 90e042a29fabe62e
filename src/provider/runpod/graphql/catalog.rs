//! The catalog: two requests, in which every question about stock is an alias of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Operation, fetch, take};
use super::create::instance_name;
use crate::model::catalog::{
    Catalog, CatalogPart, CpuFlavor, DataCenter, GpuType, Stock, StockAnswer, StockQuery,
};
use crate::model::clock::Timestamp;
use crate::model::desired::CudaWish;
use crate::model::id::{CpuFlavorId, CudaVersion, DataCenterId, GpuTypeId};
use crate::model::money::Price;
use crate::model::pod::Cloud;
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeTier;
use crate::provider::runpod::Reading;
use crate::provider::runpod::convert::{self, understood};
use crate::provider::runpod::transport::Transport;
use crate::provider::runpod::wire::{Count, Dollars, Unfit, Wire, objects};
use crate::provider::{ProviderError, Verb};

/// The largest host has so many GPUs; it stands in where the catalog does not say.
const LARGEST_HOST: u32 = 8;

/// Reads the catalog, and the stock for as many questions as can be afforded, in two requests.
pub(in crate::provider::runpod) async fn catalog(
    transport: &Transport,
    questions: &BTreeSet<StockQuery>,
    now: Timestamp,
    reading: Reading,
) -> Result<Catalog, ProviderError> {
    let asked: Vec<&StockQuery> = convert::affordable(questions).into_iter().flatten().collect();
    let (query, variables) = catalog_query(&asked);
    let operation = Operation::new(Verb::ReadCatalog.by("GraphQL query gpuTypes"), "gpuTypes");
    let (answer, mut data) = match fetch(transport, operation, &query, variables, Vec::new()).await {
        Err(error) if reading == Reading::WhatThereIs => return Ok(Catalog::unread(now, &error.to_string())),
        fetched => fetched?,
    };
    let mut entries = |key: &'static str| {
        take::<Vec<Value>>(&mut data, key).required(key).map_err(|unfit| answer.unfit(unfit))
    };
    let mut catalog = Catalog::empty(now);
    let read = entries("gpuTypes").map(|entries| add_gpus(entries, &asked, &mut catalog));
    reading.settle(CatalogPart::Gpus, read, &mut catalog)?;
    let read = entries("dataCenters").map(|entries| {
        let read = understood(entries, CatalogPart::DataCenters, data_center, &mut catalog.left_out);
        catalog.data_centers.extend(read);
    });
    reading.settle(CatalogPart::DataCenters, read, &mut catalog)?;
    let read = match entries("cpuFlavors") {
        Ok(entries) => {
            let flavors = understood(entries, CatalogPart::Cpus, Flavor::read, &mut catalog.left_out);
            add_cpus(transport, flavors, &mut catalog).await
        }
        Err(error) => Err(error),
    };
    reading.settle(CatalogPart::Cpus, read, &mut catalog)?;
    Ok(catalog)
}

fn add_gpus(entries: Vec<Value>, asked: &[&StockQuery], catalog: &mut Catalog) {
    let stock_of = |entry: &Value| -> Vec<(StockQuery, StockAnswer)> {
        let answers = asked.iter().enumerate();
        answers.map(|(number, asked)| ((*asked).clone(), stock_answer(entry, number, asked))).collect()
    };
    let read = |entry: Value| gpu_type(&entry).map(|gpu| (gpu, stock_of(&entry)));
    for question in asked {
        catalog.gpu_stock.entry((*question).clone()).or_default();
    }
    for (gpu, answers) in understood(entries, CatalogPart::Gpus, read, &mut catalog.left_out) {
        for (question, answer) in answers {
            catalog.gpu_stock.entry(question).or_default().insert(gpu.id.clone(), answer);
        }
        catalog.gpus.insert(gpu.id.clone(), gpu);
    }
    convert::complete_stock(&catalog.gpus, &mut catalog.gpu_stock);
}

/// Writes the query for the catalog. Each question becomes an alias, one for each of its countries: the API takes
/// one country at a time.
fn catalog_query(asked: &[&StockQuery]) -> (String, Value) {
    let mut variables = serde_json::Map::new();
    let mut selection = String::new();
    for (number, question) in asked.iter().enumerate() {
        for (alias, country) in aliases(number, question) {
            selection.push_str(&format!(
                " {alias}: lowestPrice(input: ${alias}) \
                 {{ stockStatus gpuTypeDatacenters {{ dataCenterId availability }} }}"
            ));
            variables.insert(alias, lowest_price_input(question, country));
        }
    }
    let declared: Vec<String> =
        variables.keys().map(|alias| format!("${alias}: GpuLowestPriceInput!")).collect();
    let declared = if declared.is_empty() { String::new() } else { format!("({})", declared.join(", ")) };
    let query = format!(
        "query Catalog{declared} {{ \
         gpuTypes {{ id displayName memoryInGb secureCloud communityCloud securePrice communityPrice \
         maxGpuCount{selection} }} \
         dataCenters {{ id storageSupport globalNetwork }} \
         cpuFlavors {{ id displayName minVcpu maxVcpu ramMultiplier }} }}"
    );
    (query, Value::Object(variables))
}

/// Returns the aliases of one question, with the country that each is about.
fn aliases(number: usize, question: &StockQuery) -> Vec<(String, Option<&str>)> {
    if question.countries.is_empty() {
        return vec![(format!("q{number}"), None)];
    }
    let countries = question.countries.iter().enumerate();
    countries.map(|(part, country)| (format!("q{number}c{part}"), Some(country.as_str()))).collect()
}

fn lowest_price_input(question: &StockQuery, country: Option<&str>) -> Value {
    let StockQuery { count, cloud, countries: _, cuda } = question;
    let secure = match cloud {
        Cloud::Secure => true,
        Cloud::Community => false,
    };
    let mut input = json!({ "gpuCount": count, "secureCloud": secure });
    if let Some(country) = country {
        input["countryCode"] = json!(country);
    }
    match cuda {
        CudaWish::Any => {}
        CudaWish::AtLeast(version) => input["minCudaVersion"] = json!(version.as_str()),
        CudaWish::OneOf(versions) => {
            let versions: Vec<&str> = versions.iter().map(CudaVersion::as_str).collect();
            input["allowedCudaVersions"] = json!(versions);
        }
    }
    input
}

/// Joins the answers of all countries of a question: the best of them, and all their data centers.
fn stock_answer(entry: &Value, number: usize, question: &StockQuery) -> StockAnswer {
    let mut joined = Stock::None;
    let mut data_centers = BTreeMap::new();
    for (alias, _) in aliases(number, question) {
        let lowest = entry.get(&alias).cloned().unwrap_or_default();
        let LowestPriceWire { stock_status, gpu_type_datacenters } =
            LowestPriceWire::deserialize(lowest).unwrap_or_default();
        // No word means no stock here, unlike on REST.
        let best = stock_status.shown().map_or(Stock::None, |word| convert::stock(&word));
        joined = joined.max(best);
        for DataCenterStockWire { data_center_id, availability } in
            gpu_type_datacenters.shown().unwrap_or_default()
        {
            let stock = availability.shown().map_or(Stock::None, |word| convert::stock(&word));
            if let (Some(id), true) = (data_center_id.shown(), stock != Stock::None) {
                data_centers.insert(DataCenterId::new(id), stock);
            }
        }
    }
    StockAnswer { best: joined, data_centers: Arc::new(data_centers) }
}

/// Asks for price and stock of every flavor at its smallest size, which takes the ids of the first answer.
async fn add_cpus(
    transport: &Transport,
    flavors: Vec<Flavor>,
    catalog: &mut Catalog,
) -> Result<(), ProviderError> {
    if flavors.is_empty() {
        return Ok(());
    }
    let mut variables = serde_json::Map::new();
    let mut declared = Vec::new();
    let mut selection = String::new();
    for (number, flavor) in flavors.iter().enumerate() {
        let Flavor { cpu, ratio } = flavor;
        let instance = instance_name(cpu.id.as_str(), cpu.min_vcpus, *ratio);
        declared.push(format!("$f{number}: CpuFlavorInput, $s{number}: SpecificsInput"));
        selection.push_str(&format!(
            " f{number}: cpuFlavors(input: $f{number}) \
             {{ specifics(input: $s{number}) {{ stockStatus securePrice }} }}"
        ));
        variables.insert(format!("f{number}"), json!({ "id": cpu.id.as_str() }));
        variables.insert(format!("s{number}"), json!({ "instanceId": instance }));
    }
    let query = format!("query CpuStock({}) {{{selection} }}", declared.join(", "));
    let operation = Operation::new(Verb::ReadCatalog.by("GraphQL query cpuFlavors"), "f0");
    let (_, mut data) = fetch(transport, operation, &query, Value::Object(variables), Vec::new()).await?;
    for (number, Flavor { mut cpu, ratio: _ }) in flavors.into_iter().enumerate() {
        let answers = take::<Vec<FlavorStockWire>>(&mut data, &format!("f{number}")).shown();
        let specifics =
            answers.unwrap_or_default().into_iter().next().and_then(|wire| wire.specifics.shown());
        let SpecificsWire { stock_status, secure_price } = specifics.unwrap_or_default();
        // The price is that of the whole instance.
        let vcpus = f64::from(cpu.min_vcpus.max(1));
        cpu.per_vcpu = convert::price(secure_price.map(|Dollars(price)| Dollars(price / vcpus)));
        let best = stock_status.shown().map_or(Stock::None, |word| convert::stock(&word));
        catalog.cpu_stock.insert(cpu.id.clone(), StockAnswer { best, data_centers: Arc::default() });
        catalog.cpus.insert(cpu.id.clone(), cpu);
    }
    Ok(())
}

objects!(
    CpuFlavorWire,
    DataCenterStockWire,
    DataCenterWire,
    FlavorStockWire,
    GpuTypeWire,
    LowestPriceWire,
    SpecificsWire
);

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct GpuTypeWire {
    id: Wire<String>,
    display_name: Wire<String>,
    memory_in_gb: Wire<Count>,
    secure_cloud: Wire<bool>,
    community_cloud: Wire<bool>,
    secure_price: Wire<Dollars>,
    community_price: Wire<Dollars>,
    max_gpu_count: Wire<Count>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct LowestPriceWire {
    stock_status: Wire<String>,
    gpu_type_datacenters: Wire<Vec<DataCenterStockWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DataCenterStockWire {
    data_center_id: Wire<String>,
    availability: Wire<String>,
}

fn gpu_type(entry: &Value) -> Result<GpuType, Unfit> {
    let wire = GpuTypeWire::deserialize(entry).map_err(|_| Unfit::Odd("gpuTypes[]"))?;
    let GpuTypeWire { id, display_name, memory_in_gb, secure_cloud, community_cloud, .. } = wire;
    let id = GpuTypeId::new(id.required("gpuTypes[].id")?);
    let unsold = convert::unsold(secure_cloud, community_cloud);
    Ok(GpuType {
        name: display_name.shown().unwrap_or_else(|| id.as_str().to_owned()),
        id,
        memory: memory_in_gb.required("gpuTypes[].memoryInGb").map(|Count(size)| Gigabytes(size))?,
        secure: convert::price_in(Cloud::Secure, wire.secure_price, &unsold),
        community: convert::price_in(Cloud::Community, wire.community_price, &unsold),
        max_count: wire.max_gpu_count.shown().map_or(LARGEST_HOST, |Count(count)| count),
        unsold,
    })
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DataCenterWire {
    id: Wire<String>,
    storage_support: Wire<bool>,
    global_network: Wire<bool>,
}

fn data_center(wire: DataCenterWire) -> Result<(DataCenterId, DataCenter), Unfit> {
    let DataCenterWire { id, storage_support, global_network } = wire;
    let id = id.required("dataCenters[].id")?;
    let has_volumes = storage_support.shown().unwrap_or(false);
    let data_center = DataCenter {
        country: convert::country(&id),
        global_network: global_network.shown().unwrap_or(false),
        volume_tiers: has_volumes.then_some(VolumeTier::Standard).into_iter().collect(),
        id: DataCenterId::new(id),
    };
    Ok((data_center.id.clone(), data_center))
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CpuFlavorWire {
    pub(super) id: Wire<String>,
    pub(super) display_name: Wire<String>,
    pub(super) min_vcpu: Wire<Count>,
    pub(super) max_vcpu: Wire<Count>,
    pub(super) ram_multiplier: Wire<Dollars>,
}

/// A CPU flavor whose price is not known yet, with its exact memory for each vCPU.
pub(super) struct Flavor {
    cpu: CpuFlavor,
    ratio: f64,
}

impl Flavor {
    pub(super) fn read(wire: CpuFlavorWire) -> Result<Self, Unfit> {
        let CpuFlavorWire { id, display_name, min_vcpu, max_vcpu, ram_multiplier } = wire;
        let id = CpuFlavorId::new(id.required("cpuFlavors[].id")?);
        let (Count(min_vcpus), Count(max_vcpus)) =
            (min_vcpu.required("cpuFlavors[].minVcpu")?, max_vcpu.required("cpuFlavors[].maxVcpu")?);
        let Dollars(ratio) = ram_multiplier.required("cpuFlavors[].ramMultiplier")?;
        let cpu = CpuFlavor {
            name: display_name.shown().unwrap_or_else(|| id.as_str().to_owned()),
            id,
            min_vcpus,
            max_vcpus,
            memory_per_vcpu: Gigabytes(ratio as u32),
            per_vcpu: Price::Unknown,
        };
        Ok(Self { cpu, ratio })
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FlavorStockWire {
    specifics: Wire<SpecificsWire>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct SpecificsWire {
    stock_status: Wire<String>,
    secure_price: Wire<Dollars>,
}
