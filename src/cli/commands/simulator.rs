//! The simulator as a provider: served by this process, or by `podform simulate` where that serves its world already.

use std::future::pending;
use std::io;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::cli::clock::AccountClock;
use crate::cli::failure::Failure;
use crate::model::clock::{Clock, SignedDuration, Timestamp};
use crate::simulator::{QuotaSetting, Settings, Simulation, running_server, serve};

/// Where the world of `kind: simulator` is kept.
pub const STORE: &str = "state/simulator.db";

/// A simulated world that answers over HTTP.
pub struct Served {
    /// Where.
    pub url: String,
    /// Its time.
    pub clock: AccountClock,
    /// What the clock showed at first.
    pub began: Timestamp,
}

/// Finds the server of the world, or serves it until this process ends.
///
/// # Errors
/// The world cannot be read, or nothing can be served here.
pub async fn serve_or_find() -> Result<Served, Failure> {
    let store = Path::new(STORE);
    if let Some(url) = running_server(store).map_err(Failure::simulator)? {
        let began = world_time(&url).await.map_err(Failure::simulator)?;
        return Ok(Served { url, clock: clock_of(began), began });
    }
    // The world moves by requests only, so that the same commands always do the same; and it has no quota, as
    // polling it costs nobody anything.
    let settings = Settings { quota: QuotaSetting::Unlimited, ..Settings::default() };
    let simulation = Simulation::open(store, settings).map_err(Failure::simulator)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Failure::simulator)?;
    let address = listener.local_addr().map_err(Failure::simulator)?;
    tokio::spawn(serve(listener, simulation.clone(), pending()));
    let clock =
        AccountClock::World(Box::new(move || simulation.inspect(|world| timestamp(world.now().millis()))));
    let began = clock.now();
    Ok(Served { url: format!("http://{address}"), clock, began })
}

fn timestamp(millis: u64) -> Timestamp {
    let known = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    known.unwrap_or(Timestamp::MAX)
}

/// Returns a clock that showed this time a moment ago.
fn clock_of(then: Timestamp) -> AccountClock {
    let at = Instant::now();
    AccountClock::World(Box::new(move || {
        let passed = SignedDuration::try_from(at.elapsed()).unwrap_or(SignedDuration::MAX);
        then.checked_add(passed).unwrap_or(Timestamp::MAX)
    }))
}

/// Asks a served world for its time, which every answer of it carries.
async fn world_time(url: &str) -> io::Result<Timestamp> {
    let host = url.strip_prefix("http://").unwrap_or(url);
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let date = answer.lines().find_map(|line| line.strip_prefix("date: "));
    let time = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|zoned| zoned.timestamp());
    time.ok_or_else(|| io::Error::other(format!("`{url}` is no simulator")))
}
