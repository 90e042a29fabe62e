//! The simulator as a provider: served by this process, or by `podform simulate` where that serves its world already.

use std::future::pending;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::cli::clock::AccountClock;
use crate::cli::failure::Failure;
use crate::cli::inside::is_inside;
use crate::model::clock::{Clock, Timestamp};
use crate::simulator::world::moment::Moment;
use crate::simulator::{Door, QuotaSetting, Settings, Simulation, running_server, serve};

/// Where the world of `kind: simulator` is kept.
pub const STORE: &str = "state/simulator.db";

/// A simulated world that answers over HTTP.
pub struct Served {
    pub url: String,
    pub clock: AccountClock,
    /// What the clock showed at first.
    pub began: Timestamp,
}

/// Finds the server of the world, or serves it until this process ends.
pub async fn serve_or_find() -> Result<Served, Failure> {
    let store = Path::new(STORE);
    if !is_inside(store, ".".as_ref()) {
        return Err(Failure::StateOutside { path: STORE.to_owned() });
    }
    // The world moves by requests only, so that the same commands always do the same; and it has no quota, as
    // polling it costs nobody anything.
    let settings = Settings { quota: QuotaSetting::Unlimited, ..Settings::default() };
    let simulation = Simulation::open(store, settings).map_err(Failure::simulator)?;
    let (url, clock) = match running_server(store).map_err(Failure::simulator)? {
        Some(url) => (url, clock_in_file(simulation)),
        None => (serve_here(simulation.clone()).await?, clock_in_memory(simulation)),
    };
    let began = clock.now();
    Ok(Served { url, clock, began })
}

async fn serve_here(simulation: Simulation) -> Result<String, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Failure::simulator)?;
    let address = listener.local_addr().map_err(Failure::simulator)?;
    tokio::spawn(serve(listener, simulation, Door::default(), pending()));
    Ok(format!("http://{address}"))
}

/// The clock of a world that this process serves.
fn clock_in_memory(simulation: Simulation) -> AccountClock {
    let pass = passing(simulation.clone());
    AccountClock::World { tell: Box::new(move || timestamp(simulation.inspect(|world| world.now()))), pass }
}

/// The clock of a world that another process serves, which is in the file that both share.
fn clock_in_file(simulation: Simulation) -> AccountClock {
    let pass = passing(simulation.clone());
    let tell = move || {
        let read = simulation.try_edit(|world| world.now());
        // A file that cannot be read for once leaves the time that was read last.
        timestamp(read.unwrap_or_else(|_| simulation.inspect(|world| world.now())))
    };
    AccountClock::World { tell: Box::new(tell), pass }
}

/// Lets time pass in a world, in memory and in its file alike.
fn passing(simulation: Simulation) -> Box<dyn Fn(Duration)> {
    Box::new(move |time| {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        // In a file that cannot be written for once no time passes, and the next try comes too early.
        let _unwritten = simulation.try_edit(|world| world.pass(millis));
    })
}

fn timestamp(moment: Moment) -> Timestamp {
    let millis = i64::try_from(moment.millis()).ok();
    millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or(Timestamp::MAX)
}
