//! `podform gpus`: the GPU types of the catalog with memory, prices and stock for one GPU in Secure Cloud.

use std::collections::BTreeSet;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::model::catalog::{Catalog, GpuType, StockQuery};
use crate::model::clock::Clock;
use crate::model::desired::CudaWish;
use crate::model::money::Price;
use crate::model::pod::Cloud;
use crate::provider::Observe;

/// Runs the command.
pub async fn run(shell: &Shell) -> Result<Exit, Failure> {
    let session = Session::open(shell, shell.load_spec()?, None).await?;
    let question =
        StockQuery { count: 1, cloud: Cloud::Secure, countries: BTreeSet::new(), cuda: CudaWish::Any };
    let now = session.account.clock.now();
    let catalog = session.account.client.catalog(&BTreeSet::from([question.clone()]), now).await;
    let catalog = catalog.map_err(|source| Failure::Provider { what: "the catalog", source })?;
    shell.output.data(&table(&catalog, &question));
    Ok(exit::DONE)
}

fn table(catalog: &Catalog, question: &StockQuery) -> String {
    let mut table = Table::new(["GPU", "MEMORY", "SECURE", "COMMUNITY", "STOCK", "ID"]);
    for GpuType { id, name, memory, secure, community, max_count: _ } in catalog.gpus.values() {
        let stock = catalog.gpu_stock.get(question).and_then(|answers| answers.get(id));
        let stock = stock.map_or_else(String::new, |answer| answer.best.to_string());
        let cells =
            [name.clone(), memory.to_string(), price(*secure), price(*community), stock, id.to_string()];
        table.row(cells);
    }
    table.to_string()
}

fn price(price: Price) -> String {
    match price {
        Price::Known(hourly) => format!("{hourly}/h"),
        Price::Unknown => "unknown".to_owned(),
    }
}
