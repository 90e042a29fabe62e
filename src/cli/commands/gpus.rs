//! `podform gpus`: the GPU types of the catalog with memory, prices and stock for one GPU in Secure Cloud.

use std::collections::BTreeSet;
use std::convert::Infallible;

use clap::ValueEnum;
use serde_json::json;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{VERSION, hourly, printed};
use crate::cli::naming;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::table::Table;
use crate::model::address::Address;
use crate::model::catalog::{Catalog, GpuType, Stock, StockAnswer, StockQuery};
use crate::model::desired::{CudaWish, MemoryRange};
use crate::model::id::DataCenterId;
use crate::model::money::{Hourly, Price};
use crate::model::pod::Cloud;
use crate::plan::{self, Explained};
use crate::render::escape::visible;
use crate::render::words;
use crate::spec;
use crate::state::Store;

/// List GPU types with memory, prices and stock
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform gpus --sort price --available\n  \
                  podform gpus --memory 48GB.. --max-price 1.20\n  podform gpus --explain llm")]
pub struct Args {
    /// Memory of one GPU: `48GB..`, `..24GB`, `48GB..80GB` or `48GB`
    #[arg(long, value_name = "RANGE", value_parser = spec::memory_range)]
    memory: Option<MemoryRange>,
    /// Dollars an hour for one GPU; a type whose price is unknown is left out
    #[arg(long, value_name = "DOLLARS", value_parser = spec::price)]
    max_price: Option<Hourly>,
    /// Only types with stock in this data center
    #[arg(long, value_name = "ID", value_parser = |text: &str| Ok::<_, Infallible>(DataCenterId::new(text)))]
    data_center: Option<DataCenterId>,
    /// Only types with stock
    #[arg(long)]
    available: bool,
    /// In which order
    #[arg(long, value_name = "KEY", default_value = "name")]
    sort: GpuSort,
    /// Tell why each type is a way to place this pod of the spec, or none
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with_all = ["memory", "max_price", "data_center", "available", "sort"]
    )]
    explain: Option<Address>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The order of GPU types.
#[derive(Clone, Copy, ValueEnum)]
enum GpuSort {
    /// By name.
    Name,
    /// The smallest memory first.
    Memory,
    /// The cheapest first, those without a known price last.
    Price,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let session = Session::of_spec(shell).await?;
    if let Some(address) = &args.explain {
        return explain(&session, address, args.json).await;
    }
    let question =
        StockQuery { count: 1, cloud: Cloud::Secure, countries: BTreeSet::new(), cuda: CudaWish::Any };
    let reader = session.account.reader();
    let catalog = session.catalog_with(reader, &BTreeSet::from([question.clone()])).await?;
    let chosen = chosen(&catalog, &question, args);
    shell.output.data(&if args.json { as_json(&chosen) } else { table(&chosen) });
    Ok(exit::DONE)
}

/// Tells why each type is a way to place a pod, or none, by what places it in a plan.
async fn explain(session: &Session<'_>, address: &Address, as_json: bool) -> Result<Exit, Failure> {
    let reader = session.account.reader();
    let catalog = session.catalog(reader).await?;
    let live = session.look(reader, &session.state.load().await?).await?;
    let desired = &session.loaded.desired;
    // Replicas are placed alike, so the first one tells it for all.
    let meant = naming::meant(address, desired.wanted.keys().filter(|address| address.is_pod()));
    let explained = meant.first().and_then(|first| plan::explain(desired, &live, &catalog, first));
    let Some(explained) = explained else {
        let deselected = naming::meant(address, desired.out_of_scope.keys());
        if let Some(deselected) = deselected.first().and_then(|first| desired.out_of_scope.get(first)) {
            return Err(Failure::Deselected {
                flag: "--explain",
                name: address.clone(),
                profiles: deselected.profiles.clone(),
            });
        }
        let pods = desired.wanted.keys().filter(|address| address.is_pod()).cloned().collect();
        return Err(naming::unknown(Some("--explain"), &address.to_string(), &pods));
    };
    let Explained { candidates, later, rejected, left_out } = &explained;
    let later = later.iter().map(|(after, candidate)| words::way(Some(*after), candidate));
    let ways = candidates.iter().map(words::candidate).chain(later);
    if as_json {
        let document = json!({
            "version": VERSION,
            "address": address.to_string(),
            "in": ways.collect::<Vec<_>>(),
            "out": rejected,
            "data_centers_left_out": left_out.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        session.shell.output.data(&printed(&document));
        return Ok(exit::DONE);
    }
    let mut text = String::new();
    for (number, way) in (1..).zip(ways) {
        text.push_str(&format!("in   {number}. {}\n", visible(&way)));
    }
    for why in rejected {
        text.push_str(&format!("out  {}\n", visible(why)));
    }
    for place in left_out {
        text.push_str(&format!("out  {}: cannot be asked for over this API\n", visible(place.as_str())));
    }
    session.shell.output.data(&text);
    if candidates.is_empty() {
        session.shell.output.note(&format!(
            "`{address}` cannot be placed; next: widen `gpu`, `max_price` or `placement` in the spec"
        ));
    }
    Ok(exit::DONE)
}

/// A type with what is known of its stock.
struct Row<'a> {
    gpu: &'a GpuType,
    stock: Option<&'a StockAnswer>,
}

/// Returns the types that pass every filter, in the order asked for.
fn chosen<'a>(catalog: &'a Catalog, question: &StockQuery, args: &Args) -> Vec<Row<'a>> {
    let Args { memory, max_price, data_center, available, sort, explain: _, json: _ } = args;
    let answers = catalog.gpu_stock.get(question);
    let rows = catalog.gpus.values().map(|gpu| Row { gpu, stock: answers.and_then(|all| all.get(&gpu.id)) });
    let mut rows: Vec<Row<'a>> = rows
        .filter(|row| memory.is_none_or(|range| range.accepts(row.gpu.memory)))
        .filter(|row| max_price.is_none_or(|limit| lowest(row.gpu).is_some_and(|price| price <= limit)))
        .filter(|row| data_center.as_ref().is_none_or(|place| row.stock_at(place) > Stock::NotAsked))
        .filter(|row| !available || row.stock.is_some_and(|answer| answer.best > Stock::NotAsked))
        .collect();
    // The sort is stable, and the catalog is in the order of ids.
    match sort {
        GpuSort::Name => rows.sort_by(|left, right| left.gpu.name.cmp(&right.gpu.name)),
        GpuSort::Memory => rows.sort_by_key(|row| row.gpu.memory),
        GpuSort::Price => rows.sort_by_key(|row| {
            let price = lowest(row.gpu);
            (price.is_none(), price)
        }),
    }
    rows
}

impl Row<'_> {
    /// Where a data center is asked for, one that is not in the answer has nothing.
    fn stock_at(&self, place: &DataCenterId) -> Stock {
        self.stock.and_then(|answer| answer.data_centers.get(place)).copied().unwrap_or(Stock::None)
    }
}

/// Returns the lower of the known prices. An unknown one satisfies no limit.
fn lowest(gpu: &GpuType) -> Option<Hourly> {
    let known = |price: Price| match price {
        Price::Known(hourly) => Some(hourly),
        Price::Unknown => None,
    };
    [gpu.secure, gpu.community].into_iter().filter_map(known).min()
}

fn table(rows: &[Row<'_>]) -> String {
    let mut table = Table::new(["GPU", "MEMORY", "SECURE", "COMMUNITY", "STOCK", "ID"]);
    for Row { gpu, stock } in rows {
        let GpuType { id, name, memory, secure: _, community: _, max_count: _, unsold } = gpu;
        let price = |cloud: Cloud| match unsold.contains(&cloud) {
            true => "not sold".to_owned(),
            false => gpu.price(cloud).to_string(),
        };
        let stock = stock.map_or_else(String::new, |answer| answer.best.to_string());
        let cells = [
            name.clone(),
            memory.to_string(),
            price(Cloud::Secure),
            price(Cloud::Community),
            stock,
            id.to_string(),
        ];
        table.row(cells);
    }
    table.to_string()
}

fn as_json(rows: &[Row<'_>]) -> String {
    let gpus: Vec<_> = rows
        .iter()
        .map(|Row { gpu: GpuType { id, name, memory, secure, community, max_count, unsold }, stock }| {
            let sold = [Cloud::Secure, Cloud::Community].into_iter().filter(|cloud| !unsold.contains(cloud));
            let places = stock.map(|answer| {
                let places = answer.data_centers.iter();
                let named = places.map(|(place, stock)| (place.to_string(), stock.to_string().into()));
                named.collect::<serde_json::Map<_, _>>()
            });
            json!({
                "id": id.as_str(),
                "name": name,
                "memory_gb": memory.0,
                "secure_hourly": hourly(*secure),
                "community_hourly": hourly(*community),
                "max_count": max_count,
                "sold_in": sold.map(|cloud| cloud.to_string()).collect::<Vec<_>>(),
                "stock": stock.map(|answer| answer.best.to_string()),
                "data_centers": places,
            })
        })
        .collect();
    printed(&json!({ "version": VERSION, "gpus": gpus }))
}
