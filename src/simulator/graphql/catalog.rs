//! What GraphQL says of the catalog.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::Field;
use super::input::{Input, cuda, number, text};
use super::show::{cut, project};
use crate::simulator::world::World;
use crate::simulator::world::facts::{self, CpuFact, DataCenterFact, GpuFact, facts};
use crate::simulator::world::hosts::{Cloud, Offer};
use crate::simulator::world::money::HourlyPrice;
use crate::simulator::world::order::CudaRule;
use crate::simulator::world::placement::{Stock, StockQuery};

pub(super) fn gpu_types(world: &World, field: &Field) -> Value {
    let input = field.input();
    let id = input.get("id").and_then(Value::as_str);
    let ids: Option<Vec<&str>> =
        input.get("ids").and_then(Value::as_array).map(|ids| ids.iter().filter_map(Value::as_str).collect());
    // There are no clusters here, and so no type that is sold in one.
    let for_clusters = input.get("cluster").and_then(Value::as_bool) == Some(true);
    let wanted = |fact: &&GpuFact| {
        fact.display_name.is_some()
            && !for_clusters
            && id.is_none_or(|id| id == fact.id)
            && ids.as_ref().is_none_or(|ids| ids.contains(&fact.id.as_str()))
    };
    let types: Vec<Value> =
        facts().gpus.iter().filter(wanted).map(|fact| gpu_type_body(world, fact)).collect();
    cut(&Value::Array(types), &field.selection, &|object, field| {
        let id = object.get("id").and_then(Value::as_str)?;
        (field.name == "lowestPrice").then(|| lowest_price(world, id, &field.input()))
    })
}

fn usd(price: Option<HourlyPrice>) -> Value {
    // A cloud that does not offer a card shows `null`, and so does one whose price is not known.
    price.map_or(Value::Null, |price| json!(price.usd()))
}

fn gpu_type_body(world: &World, fact: &GpuFact) -> Value {
    let secure = world.largest_machine(&fact.id, Cloud::Secure);
    let community = world.largest_machine(&fact.id, Cloud::Community);
    json!({
        "id": fact.id,
        "displayName": fact.display_name,
        "manufacturer": fact.manufacturer,
        "memoryInGb": fact.memory_in_gb,
        "secureCloud": secure > 0,
        "communityCloud": community > 0,
        "securePrice": usd(world.price(fact.secure_price())),
        "communityPrice": usd(world.price(fact.community_price())),
        "maxGpuCount": secure.max(community),
        "maxGpuCountSecureCloud": secure,
        "maxGpuCountCommunityCloud": community,
        "clusterPrice": Value::Null,
        "minPodGpuCount": 1,
        "nodeGroupDatacenters": [],
    })
}

fn lowest_price(world: &World, id: &str, input: &Input) -> Value {
    let clouds: &[Cloud] = match input.get("secureCloud").and_then(Value::as_bool) {
        Some(true) => &[Cloud::Secure],
        Some(false) => &[Cloud::Community],
        None => &[Cloud::Secure, Cloud::Community],
    };
    let (cuda, count) = (cuda(input), number(input, "gpuCount").unwrap_or(1));
    let (wanted_place, country) = (text(input, "dataCenterId"), text(input, "countryCode"));
    let mut places: Vec<(&str, u32)> = Vec::new();
    for cloud in clouds {
        let countries = country.iter().cloned().collect();
        let query = StockQuery { count, cloud: *cloud, cuda: cuda.clone(), countries };
        places.extend(world.stock(&Offer::Gpu(id.to_owned()), &query));
    }
    places.retain(|(place, _)| wanted_place.as_ref().is_none_or(|wanted| wanted == place));
    let fact = facts::gpu(id);
    let price = |cloud: &Cloud| match cloud {
        Cloud::Secure => fact.and_then(GpuFact::secure_price),
        Cloud::Community => fact.and_then(GpuFact::community_price),
    };
    let best = Stock::of(places.iter().map(|(_, fitting)| *fitting).max().unwrap_or(0));
    let free: u32 = places.iter().map(|(_, fitting)| fitting * count).sum();
    json!({
        "gpuName": fact.and_then(|fact| fact.display_name.clone()),
        "gpuTypeId": id,
        "minimumBidPrice": Value::Null,
        "uninterruptablePrice": if places.is_empty() { Value::Null } else { usd(clouds.iter().filter_map(price).min()) },
        "minMemory": fact.and_then(|fact| fact.ram_gb_per_gpu),
        "minVcpu": fact.and_then(|fact| fact.vcpu_per_gpu),
        "stockStatus": stock_word(best),
        "maxUnreservedGpuCount": free,
        "maxGpuCount": clouds.iter().map(|cloud| world.largest_machine(id, *cloud)).max(),
        "gpuTypeDatacenters": places.iter().map(|(place, fitting)| json!({
            "dataCenterId": place,
            "supportNetworkVolumes": facts::data_center(place).is_some_and(DataCenterFact::has_storage),
            "availability": stock_word(Stock::of(*fitting)),
        })).collect::<Vec<Value>>(),
        "dataCenterId": wanted_place,
        "countryCode": country,
        "compliance": [],
    })
}

/// GraphQL has words of its own for stock, and none for none.
fn stock_word(stock: Stock) -> Option<&'static str> {
    match stock {
        Stock::None => None,
        Stock::Low => Some("Low"),
        Stock::Medium => Some("Medium"),
        Stock::High => Some("High"),
    }
}

pub(super) fn cpu_flavors(world: &World, field: &Field) -> Value {
    let input = field.input();
    let id = input.get("id").and_then(Value::as_str);
    let flavors = facts().cpus.iter().filter(|fact| id.is_none_or(|id| id == fact.id)).map(cpu_body);
    cut(&Value::Array(flavors.collect()), &field.selection, &|object, field| {
        let id = object.get("id").and_then(Value::as_str)?;
        (field.name == "specifics").then(|| specifics(world, id, &field.input()))
    })
}

fn cpu_body(fact: &CpuFact) -> Value {
    json!({
        "id": fact.id,
        "groupId": fact.group_id,
        "groupName": fact.group_name,
        "displayName": fact.display_name,
        "minVcpu": fact.min_vcpu,
        "maxVcpu": fact.max_vcpu,
        "vcpuBurstable": false,
        "ramMultiplier": fact.ram_gb_per_vcpu,
        "diskLimitPerVcpu": fact.disk_limit_gb_per_vcpu,
    })
}

fn specifics(world: &World, flavor: &str, input: &Input) -> Value {
    let instance = input.get("instanceId").and_then(Value::as_str).unwrap_or_default();
    let count = instance.split('-').nth(1).and_then(|vcpus| vcpus.parse().ok()).unwrap_or(2);
    let query = StockQuery { count, cloud: Cloud::Secure, cuda: CudaRule::Any, countries: Vec::new() };
    let stock = world.stock(&Offer::Cpu(flavor.to_owned()), &query);
    let place = input.get("dataCenterId").and_then(Value::as_str);
    let fitting =
        stock.iter().filter(|(id, _)| place.is_none_or(|place| place == **id)).map(|(_, fitting)| *fitting);
    let fact = facts::cpu(flavor);
    json!({
        "stockStatus": stock_word(Stock::of(fitting.max().unwrap_or(0))),
        "securePrice": usd(fact.and_then(CpuFact::price_per_vcpu).map(|price| price.times(count))),
        "slsPrice": usd(fact.and_then(CpuFact::serverless_price_per_vcpu).map(|price| price.times(count))),
    })
}

pub(super) fn data_center_body(fact: &DataCenterFact) -> Value {
    json!({
        "id": fact.id,
        "name": fact.name(),
        "location": fact.location.as_deref().unwrap_or(&fact.country_code),
        "listed": true,
        "storageSupport": fact.has_storage(),
        "globalNetwork": fact.has_global_network(),
        "region": fact.region,
        "compliance": [],
    })
}

pub(super) fn data_centers(world: &World, selection: &[Field]) -> Value {
    let centers = facts().data_centers.iter().map(data_center_body);
    cut(&Value::Array(centers.collect()), selection, &|object, field| {
        let id = object.get("id").and_then(Value::as_str)?;
        (field.name == "gpuAvailability").then(|| gpu_availability(world, id, &field.input()))
    })
}

fn gpu_availability(world: &World, place: &str, input: &Input) -> Value {
    let count = number(input, "gpuCount").unwrap_or(1);
    let cloud = match input.get("secureCloud").and_then(Value::as_bool) {
        Some(false) => Cloud::Community,
        Some(true) | None => Cloud::Secure,
    };
    let query = StockQuery { count, cloud, cuda: CudaRule::Any, countries: Vec::new() };
    let one = |fact: &GpuFact| {
        let fitting = *world.stock(&Offer::Gpu(fact.id.clone()), &query).get(place)?;
        let stock = Stock::of(fitting);
        Some(json!({
            "available": stock != Stock::None,
            "stockStatus": stock_word(stock),
            "gpuTypeId": fact.id,
            "gpuTypeDisplayName": fact.display_name,
            "displayName": fact.display_name,
            "id": format!("{place}-{}", fact.id),
        }))
    };
    facts().gpus.iter().filter_map(one).collect()
}

/// The codes of all data centers; the real list was seen to hold `null` too.
pub(super) fn country_codes() -> Value {
    let mut codes: Vec<&str> = facts().data_centers.iter().map(|fact| fact.country_code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.into_iter().map(|code| json!(code)).chain([Value::Null]).collect()
}

pub(super) fn serverless_pools(selection: &[Field]) -> Value {
    let mut pools: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for fact in &facts().gpus {
        if let Some(pool) = &fact.serverless_pool {
            pools.entry(pool).or_default().push(&fact.id);
        }
    }
    let pools = pools.into_iter().map(|(id, types)| json!({ "id": id, "gpuTypeIds": types }));
    project(&Value::Array(pools.collect()), selection)
}
