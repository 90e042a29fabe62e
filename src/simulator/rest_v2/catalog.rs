//! The catalog: GPU types, CPU flavors and data centers, with stock when it is asked for, and public templates.

use serde::Serialize;

use super::Problem;
use super::read::is_release;
use crate::simulator::exchange::Request;
use crate::simulator::world::World;
use crate::simulator::world::facts::{self, CpuFact, DataCenterFact, GpuFact, facts};
use crate::simulator::world::hosts::{Cloud, Offer};
use crate::simulator::world::order::CudaRule;
use crate::simulator::world::placement::{Stock, StockQuery};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GpuBody {
    id: String,
    name: String,
    pool: Option<String>,
    manufacturer: &'static str,
    memory: u32,
    secure: bool,
    community: bool,
    price: GpuPriceBody,
    max_count: MaxCountBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    availability: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_centers: Vec<StockBody>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cuda_versions: Vec<CudaBody>,
}

#[derive(Serialize)]
struct GpuPriceBody {
    secure: f64,
    community: f64,
}

#[derive(Serialize)]
struct MaxCountBody {
    secure: u32,
    community: u32,
}

#[derive(Serialize)]
struct StockBody {
    id: String,
    name: String,
    availability: &'static str,
}

#[derive(Serialize)]
struct CudaBody {
    version: &'static str,
    available: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CpuBody {
    id: String,
    name: String,
    group: String,
    vcpu: RangeBody,
    ram_gb_per_vcpu: f64,
    price: CpuPriceBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    availability: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_centers: Vec<StockBody>,
}

#[derive(Serialize)]
struct RangeBody {
    min: u32,
    max: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CpuPriceBody {
    secure_per_vcpu: f64,
    serverless_per_vcpu: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataCenterBody {
    id: String,
    name: String,
    region: String,
    global_network: bool,
    network_volume_types: Vec<&'static str>,
    compliance: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gpu_availability: Vec<StockBody>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cpu_availability: Vec<StockBody>,
}

#[derive(Serialize)]
pub(super) struct GpusBody {
    gpus: Vec<GpuBody>,
}

#[derive(Serialize)]
pub(super) struct CpusBody {
    cpus: Vec<CpuBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataCentersBody {
    data_centers: Vec<DataCenterBody>,
}

pub(super) fn gpus(world: &World, request: &Request) -> Result<GpusBody, Problem> {
    let query = gpu_query(request)?;
    let named = facts().gpus.iter().filter(|fact| fact.display_name.is_some());
    let shown = named.map(|fact| gpu_body(world, fact, query.as_ref()));
    // A country filter drops the types that no data center there offers; without one they stay, as NONE.
    let in_countries = |gpu: &GpuBody| {
        query.as_ref().is_none_or(|query| query.countries.is_empty() || offered(world, &gpu.id, query))
    };
    Ok(GpusBody { gpus: shown.filter(in_countries).collect() })
}

fn offered(world: &World, id: &str, query: &StockQuery) -> bool {
    !world.stock(&Offer::Gpu(id.to_owned()), query).is_empty()
}

pub(super) fn gpu(world: &World, request: &Request, id: &str) -> Result<GpuBody, Problem> {
    let query = gpu_query(request)?;
    let fact = facts::gpu(id).filter(|fact| fact.display_name.is_some());
    let fact = fact.ok_or_else(|| Problem::new(404, "resource not found"))?;
    Ok(gpu_body(world, fact, query.as_ref()))
}

fn gpu_body(world: &World, fact: &GpuFact, query: Option<&StockQuery>) -> GpuBody {
    let secure = world.largest_machine(&fact.id, Cloud::Secure);
    let community = world.largest_machine(&fact.id, Cloud::Community);
    let stock = query.map(|query| stock_bodies(world, &Offer::Gpu(fact.id.clone()), query));
    let (availability, data_centers) = stock.unzip();
    let price = |published| world.price(published).unwrap_or_default().usd();
    let versions = query.map(|query| world.cuda_stock(&fact.id, query)).unwrap_or_default();
    GpuBody {
        id: fact.id.clone(),
        name: fact.display_name.clone().unwrap_or_default(),
        pool: fact.serverless_pool.clone(),
        manufacturer: match fact.manufacturer.as_str() {
            "NVIDIA" => "NVIDIA",
            "AMD" => "AMD",
            _ => "UNKNOWN",
        },
        memory: fact.memory_in_gb.unwrap_or(0),
        secure: secure > 0,
        community: community > 0,
        // The document has no way to say that a price is unknown; the service sends 0.
        price: GpuPriceBody { secure: price(fact.secure_price()), community: price(fact.community_price()) },
        max_count: MaxCountBody { secure, community },
        availability,
        data_centers: data_centers.unwrap_or_default(),
        cuda_versions: versions
            .into_iter()
            .map(|(version, available)| CudaBody { version, available })
            .collect(),
    }
}

/// Returns the overall level and the level of each data center; the latter are left out when nothing is available anywhere.
fn stock_bodies(world: &World, offer: &Offer, query: &StockQuery) -> (&'static str, Vec<StockBody>) {
    let stock = world.stock(offer, query);
    let overall = Stock::of(stock.values().copied().max().unwrap_or(0));
    let shown = if overall == Stock::None { Vec::new() } else { stock.into_iter().collect() };
    let bodies = shown.into_iter().map(|(id, fitting)| StockBody {
        id: id.to_owned(),
        name: facts::data_center(id).map_or(id, DataCenterFact::name).to_owned(),
        availability: Stock::of(fitting).name(),
    });
    (overall.name(), bodies.collect())
}

pub(super) fn cpus(world: &World, request: &Request) -> Result<CpusBody, Problem> {
    let query = cpu_query(request)?;
    Ok(CpusBody { cpus: facts().cpus.iter().map(|fact| cpu_body(world, fact, query.as_ref())).collect() })
}

pub(super) fn cpu(world: &World, request: &Request, id: &str) -> Result<CpuBody, Problem> {
    let query = cpu_query(request)?;
    let fact = facts::cpu(id).ok_or_else(|| Problem::new(404, "resource not found"))?;
    Ok(cpu_body(world, fact, query.as_ref()))
}

fn cpu_body(world: &World, fact: &CpuFact, query: Option<&StockQuery>) -> CpuBody {
    let stock = query.map(|query| stock_bodies(world, &Offer::Cpu(fact.id.clone()), query));
    let (availability, data_centers) = stock.unzip();
    let price = |published| world.price(published).unwrap_or_default().usd();
    CpuBody {
        id: fact.id.clone(),
        name: fact.display_name.clone(),
        group: fact.group_name.clone(),
        vcpu: RangeBody { min: fact.min_vcpu, max: fact.max_vcpu },
        ram_gb_per_vcpu: f64::from(fact.ram_gb_per_vcpu),
        price: CpuPriceBody {
            secure_per_vcpu: price(fact.price_per_vcpu()),
            serverless_per_vcpu: price(fact.serverless_price_per_vcpu()),
        },
        availability,
        data_centers: data_centers.unwrap_or_default(),
    }
}

pub(super) fn data_centers(world: &World, request: &Request) -> Result<DataCentersBody, Problem> {
    let include = data_center_include(request)?;
    let regions = words(request, "regions");
    let tiers = words(request, "networkVolumeTypes");
    let compliance = words(request, "compliance");
    let global = request.parameter("globalNetwork");
    let wanted = |fact: &&DataCenterFact| {
        (regions.is_empty() || regions.contains(&fact.region.as_str()))
            && tiers.iter().all(|tier| tiers_of(fact).contains(tier))
            // No certificates are bundled, so a filter by certificate finds nothing.
            && compliance.is_empty()
            && global.is_none_or(|global| (global == "true") == fact.has_global_network())
    };
    let centers = facts().data_centers.iter().filter(wanted);
    Ok(DataCentersBody {
        data_centers: centers.map(|fact| data_center_body(world, fact, &include)).collect(),
    })
}

pub(super) fn data_center(world: &World, request: &Request, id: &str) -> Result<DataCenterBody, Problem> {
    let include = data_center_include(request)?;
    let fact = facts::data_center(id).ok_or_else(|| Problem::new(404, "resource not found"))?;
    Ok(data_center_body(world, fact, &include))
}

fn tiers_of(fact: &DataCenterFact) -> Vec<&'static str> {
    let mut tiers = Vec::new();
    tiers.extend(fact.has_storage().then_some("STANDARD"));
    tiers.extend(fact.has_fast_storage().then_some("HIGH_PERFORMANCE"));
    tiers
}

fn data_center_body(world: &World, fact: &DataCenterFact, include: &[&str]) -> DataCenterBody {
    let one = |offer: Offer, count: u32| {
        let query = StockQuery { count, cloud: Cloud::Secure, cuda: CudaRule::Any, countries: Vec::new() };
        world.stock(&offer, &query).get(fact.id.as_str()).map(|fitting| Stock::of(*fitting).name())
    };
    let mut gpu_availability = Vec::new();
    if include.contains(&"GPU_AVAILABILITY") {
        let offered = facts().gpus.iter().filter_map(|gpu| {
            let availability = one(Offer::Gpu(gpu.id.clone()), 1)?;
            let name = gpu.display_name.clone().unwrap_or_else(|| gpu.id.clone());
            Some(StockBody { id: gpu.id.clone(), name, availability })
        });
        gpu_availability.extend(offered);
    }
    let mut cpu_availability = Vec::new();
    if include.contains(&"CPU_AVAILABILITY") {
        let offered = facts().cpus.iter().filter_map(|cpu| {
            let availability = one(Offer::Cpu(cpu.id.clone()), cpu.min_vcpu)?;
            Some(StockBody { id: cpu.id.clone(), name: cpu.display_name.clone(), availability })
        });
        cpu_availability.extend(offered);
    }
    DataCenterBody {
        id: fact.id.clone(),
        name: fact.name().to_owned(),
        region: fact.region.clone(),
        global_network: fact.has_global_network(),
        network_volume_types: tiers_of(fact),
        compliance: Vec::new(),
        gpu_availability,
        cpu_availability,
    }
}

/// Lists are joined by commas; a key that is repeated adds to the list.
fn words<'a>(request: &'a Request, name: &str) -> Vec<&'a str> {
    request
        .parameters(name)
        .into_iter()
        .flat_map(|list| list.split(','))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Checks that every word is one of the known ones.
fn known<'a>(request: &'a Request, name: &str, known: &[&str]) -> Result<Vec<&'a str>, Problem> {
    let words = words(request, name);
    match words.iter().find(|word| !known.contains(word)) {
        None => Ok(words),
        Some(_) => {
            let list: Vec<String> = known.iter().map(|word| format!("'{word}'")).collect();
            Err(Problem::invalid(vec![format!("{name}: value must be one of {}", list.join(", "))]))
        }
    }
}

fn data_center_include(request: &Request) -> Result<Vec<&str>, Problem> {
    known(request, "include", &["GPU_AVAILABILITY", "CPU_AVAILABILITY"])
}

/// Returns whether stock is asked for. `include` and `product` need each other, and every filter needs both.
fn asks_for_stock(request: &Request, products: &[&str], filters: &[&str]) -> Result<bool, Problem> {
    let include = known(request, "include", &["AVAILABILITY"])?;
    let product = known(request, "product", products)?;
    match (include.is_empty(), product.is_empty()) {
        (false, true) => Err(Problem::new(400, "product is required with include=AVAILABILITY")),
        (false, false) => Ok(true),
        (true, false) => Err(Problem::new(400, "product is valid only with include=AVAILABILITY")),
        (true, true) => match filters.iter().find(|name| request.parameter(name).is_some()) {
            Some(name) => Err(Problem::new(400, format!("{name} is valid only with include=AVAILABILITY"))),
            None => Ok(false),
        },
    }
}

fn whole(request: &Request, name: &str, least: u32) -> Result<Option<u32>, Problem> {
    let Some(text) = request.parameter(name) else { return Ok(None) };
    match text.parse::<u32>() {
        Ok(number) if number >= least => Ok(Some(number)),
        Ok(_) | Err(_) => {
            Err(Problem::invalid(vec![format!("{name}: got '{text}', want integer >= {least}")]))
        }
    }
}

fn gpu_query(request: &Request) -> Result<Option<StockQuery>, Problem> {
    let filters = ["count", "cloud", "countryCodes", "cudaVersions", "minCudaVersion"];
    if !asks_for_stock(request, &["POD", "CLUSTER", "SERVERLESS"], &filters)? {
        return Ok(None);
    }
    let cloud = match known(request, "cloud", &["SECURE", "COMMUNITY"])?.first() {
        Some(&"COMMUNITY") => Cloud::Community,
        Some(_) | None => Cloud::Secure,
    };
    let countries: Vec<String> = words(request, "countryCodes").into_iter().map(str::to_owned).collect();
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if let Some(code) = countries.iter().find(|code| !is_code(code)) {
        return Err(Problem::invalid(vec![format!(
            "countryCodes: '{code}' does not match pattern '^[A-Z]{{2}}$'"
        )]));
    }
    let count = whole(request, "count", 1)?.unwrap_or(1);
    Ok(Some(StockQuery { count, cloud, cuda: cuda_query(request)?, countries }))
}

fn cuda_query(request: &Request) -> Result<CudaRule, Problem> {
    let versions = words(request, "cudaVersions");
    if let Some(version) = versions.iter().find(|version| !is_release(version)) {
        return Err(Problem::invalid(vec![format!(
            "cudaVersions: '{version}' does not match pattern '^\\d+\\.\\d+$'"
        )]));
    }
    match (versions.is_empty(), request.parameter("minCudaVersion")) {
        (true, None) => Ok(CudaRule::Any),
        (false, None) => Ok(CudaRule::OneOf(versions.into_iter().map(str::to_owned).collect())),
        (false, Some(_)) => Err(Problem::new(400, "cudaVersions and minCudaVersion are mutually exclusive")),
        (true, Some(least)) if is_release(least) || least.parse::<u32>().is_ok() => {
            Ok(CudaRule::AtLeast(least.to_owned()))
        }
        (true, Some(least)) => Err(Problem::invalid(vec![format!(
            "minCudaVersion: '{least}' does not match pattern '^\\d+(\\.\\d+)?$'"
        )])),
    }
}

fn cpu_query(request: &Request) -> Result<Option<StockQuery>, Problem> {
    if !asks_for_stock(request, &["POD", "SERVERLESS"], &["vcpuCount"])? {
        return Ok(None);
    }
    let count = whole(request, "vcpuCount", 2)?.unwrap_or(2);
    if !count.is_power_of_two() {
        return Err(Problem::new(400, "vcpuCount must be a power of two"));
    }
    Ok(Some(StockQuery { count, cloud: Cloud::Secure, cuda: CudaRule::Any, countries: Vec::new() }))
}
