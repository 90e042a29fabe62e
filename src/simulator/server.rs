//! The shell around the world: it takes requests from HTTP, lets time pass, counts, injects faults and saves.
//!
//! One [`Simulation`] is shared by all connections; its lock is never held across an await. The world moves by one second for each request and by
//! the time that passed since the last one, times the speed. Both that time and every delay come from tokio, so a test that pauses tokio's clock
//! and calls the router in process runs through hours in milliseconds.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Future, IntoFuture};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Full, Limited};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::door::{Caller, Door, TurnedAway, ensure_json};
use super::exchange::{Answer, Contract, Operation, Request, Unset};
use super::fault::FaultScript;
use super::front::{Delivery, Front, Rules, V1Form, not_admitted};
use super::quota::{Quota, QuotaSetting};
use super::rest_v2::{Problem, logs};
use super::store::{Announcement, Store, StoreError};
use super::world::World;
use super::world::moment::Moment;

/// How long a server waits for answers in flight when it is to end: a fault may hold one back for minutes.
const GRACE: Duration = Duration::from_millis(200);
/// How often an open stream is looked at.
const STREAM_LOOK: Duration = Duration::from_secs(1);
/// How many pieces of a stream wait for a slow reader.
const STREAM_CHUNKS: usize = 8;
/// The largest body that is read.
const LARGEST_BODY: usize = 4 << 20;

/// How a simulation behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What identifiers, timings and random faults are drawn from.
    pub seed: u64,
    /// How many requests are allowed.
    pub quota: QuotaSetting,
    /// World time that passes in a second of the caller's time, beside the second for each request.
    pub speed: u32,
    /// What goes wrong.
    pub faults: FaultScript,
    /// The only key that is accepted, or `None` to accept any.
    pub key: Option<String>,
    /// How many times the usual number of machines there are.
    pub abundance: u32,
    /// When the world begins.
    pub epoch: Moment,
    /// How long every answer takes, in the caller's time.
    pub latency: Duration,
    /// How REST v1 behaves.
    pub v1: V1Form,
    /// Whether interruptible pods are still offered; RunPod has withdrawn them.
    pub spot: bool,
    /// Which contract REST v2 speaks.
    pub contract: Contract,
    /// The most entries of a page of REST v2, whatever is asked for.
    pub page: Option<u32>,
    /// How REST v2 shows a list of a command that is not set.
    pub unset: Unset,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            seed: 1,
            quota: QuotaSetting::PerMinute(600),
            speed: 0,
            faults: FaultScript::default(),
            key: None,
            abundance: 1,
            epoch: Moment::EPOCH,
            latency: Duration::ZERO,
            v1: V1Form::Documented,
            spot: false,
            contract: Contract::default(),
            page: None,
            unset: Unset::default(),
        }
    }
}

/// A handle to a running simulation; clones share one world.
#[derive(Clone)]
pub struct Simulation {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    front: Front,
    store: Option<Store>,
    latency: Duration,
    speed: u32,
    began: Option<Instant>,
}

impl Inner {
    /// Returns the caller's time since it was first asked for.
    fn caller_time(&mut self) -> Duration {
        let now = Instant::now();
        now.duration_since(*self.began.get_or_insert(now))
    }

    /// Runs one request or edit as one transaction of the world's file.
    fn transact<T>(&mut self, act: impl FnOnce(&mut Front) -> T) -> Result<T, StoreError> {
        let Some(store) = &mut self.store else { return Ok(act(&mut self.front)) };
        store.begin(self.front.world_mut())?;
        let before = self.front.world().ground().clone();
        // A world whose file is still to be made cannot be read back from it if making it fails.
        let spare = (!store.has_file()).then(|| self.front.world().clone());
        let done = act(&mut self.front);
        let changed = self.front.world().ground().differs_but_for_time(&before);
        let committed = store.commit(self.front.world_mut(), changed);
        if let (Err(_), Some(spare)) = (&committed, spare) {
            *self.front.world_mut() = spare;
        }
        committed.map(|()| done)
    }
}

impl Simulation {
    /// Makes a simulation of a fresh world, kept in memory.
    pub fn new(settings: Settings) -> Simulation {
        Simulation::with(settings, None)
    }

    /// Opens the simulation of a file, or makes a fresh one that the first change saves there.
    ///
    /// A world keeps the seed, the machines and the time that it began with; only what concerns requests is taken from the settings then.
    ///
    /// # Errors
    /// The file is there and is not a simulator's, or cannot be read.
    pub fn open(path: &Path, settings: Settings) -> Result<Simulation, StoreError> {
        let simulation = Simulation::with(settings, Some(Store::open(path)?));
        simulation.lock().transact(|_| ())?;
        Ok(simulation)
    }

    fn with(settings: Settings, store: Option<Store>) -> Simulation {
        let Settings {
            seed,
            quota,
            speed,
            faults,
            key,
            abundance,
            epoch,
            latency,
            v1,
            spot,
            contract,
            page,
            unset,
        } = settings;
        let world = World::new(seed, abundance.max(1), epoch);
        let front = Front::new(
            world,
            Rules { quota: Quota::new(quota), key, faults, v1, spot, contract, page, unset },
        );
        Simulation { inner: Arc::new(Mutex::new(Inner { front, store, latency, speed, began: None })) }
    }

    /// Tells other processes, through the world's file, where this simulation is served. Without a file there is nobody to tell.
    ///
    /// # Errors
    /// Another process serves the file, or it cannot be written.
    pub fn announce(&self, url: &str) -> Result<Option<Announcement>, StoreError> {
        let mut inner = self.lock();
        let Inner { front, store, .. } = &mut *inner;
        store.as_mut().map(|store| store.announce(front.world_mut(), url)).transpose()
    }

    /// Returns the HTTP service. Serve it over TCP, or call it in process.
    pub fn router(&self) -> Router {
        Router::new().fallback(respond).with_state(self.clone())
    }

    /// Looks at the world as this process knows it.
    pub fn inspect<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(self.lock().front.world())
    }

    /// Changes the world behind its API's back, as other tenants and the platform do.
    ///
    /// # Errors
    /// The world's file cannot be used.
    pub fn try_edit<T>(&self, edit: impl FnOnce(&mut World) -> T) -> Result<T, StoreError> {
        self.lock().transact(|front| edit(front.world_mut()))
    }

    /// Changes a world that is kept in memory, behind its API's back.
    ///
    /// # Panics
    /// The world is kept in a file, and the file cannot be used.
    pub fn edit<T>(&self, edit: impl FnOnce(&mut World) -> T) -> T {
        self.try_edit(edit).expect("a world in memory has no file that could fail")
    }

    /// Returns how many requests of each kind came.
    pub fn requests(&self) -> BTreeMap<Operation, u64> {
        self.lock().front.requests().clone()
    }

    /// Replaces what goes wrong from now on; requests are counted anew.
    pub fn set_faults(&self, faults: FaultScript) {
        self.lock().front.set_faults(faults);
    }

    /// Lets the world catch up with the caller's time, without the second of a request. Its time begins with the first
    /// request, or with this.
    ///
    /// # Errors
    /// The world's file cannot be used.
    pub fn catch_up(&self) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let (passed, speed) = (inner.caller_time(), inner.speed);
        inner.transact(|front| front.catch_up(passed, speed))
    }

    /// Lets time pass and returns what an open stream is to be sent.
    fn look(&self, open: &mut logs::Open) -> Result<logs::Next, StoreError> {
        let mut inner = self.lock();
        let (passed, speed) = (inner.caller_time(), inner.speed);
        inner.transact(|front| {
            front.let_pass(passed, speed);
            logs::what_follows(front.world(), open)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves a world that is still the best there is.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves a simulation to whom the door admits, until `shutdown` is ready; requests that are being answered then have
/// [`GRACE`] to end.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    simulation: Simulation,
    door: Door,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (told, ending) = tokio::sync::oneshot::channel();
    let shutdown = async {
        shutdown.await;
        // Nobody listens if the server has failed, and then nothing is to be waited for.
        let _ = told.send(());
    };
    let router = Router::new().fallback(respond_at_the_door).with_state((simulation, Arc::new(door)));
    let served = axum::serve(listener, router).with_graceful_shutdown(shutdown).into_future();
    let grace_is_over = async {
        match ending.await {
            Ok(()) => tokio::time::sleep(GRACE).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        served = served => served,
        () = grace_is_over => Ok(()),
    }
}

/// Answers what came over the network.
async fn respond_at_the_door(
    State((simulation, door)): State<(Simulation, Arc<Door>)>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let caller = Caller { uri: &parts.uri, version: parts.version, headers: &parts.headers };
    let is_admitted = door.admit(&caller).and_then(|()| match body.is_end_stream() {
        true => Ok(()),
        false => ensure_json(&parts.headers),
    });
    match is_admitted {
        Ok(()) => respond(State(simulation), axum::extract::Request::from_parts(parts, body)).await,
        // The world does not even move: whoever may not ask changes nothing.
        Err(TurnedAway { status, text }) => {
            sent(Delivery::prompt(not_admitted(parts.uri.path(), status, &text)))
        }
    }
}

async fn respond(State(simulation): State<Simulation>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, LARGEST_BODY).collect().await.map(|body| body.to_bytes().to_vec());
    let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let last_event_id = parts.headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let is_whole = body.is_ok();
    let (method, uri) = (parts.method.as_str(), parts.uri);
    let request = Request {
        last_event_id: last_event_id.map(str::to_owned),
        ..Request::new(method, uri.path(), uri.query(), authorization, body.unwrap_or_default())
    };
    let (delivery, open, latency) = {
        let mut inner = simulation.lock();
        let (passed, speed) = (inner.caller_time(), inner.speed);
        let received = inner.transact(|front| match is_whole {
            true => front.receive(&request, passed, speed),
            false => front.refuse_unread(&request, passed, speed),
        });
        let delivery = received.unwrap_or_else(|error| unsaved(&error));
        let open = logs::opened(inner.front.world(), &request, &delivery.answer);
        // A HEAD has no body that could go on.
        let open = open.filter(|_| method != "HEAD" && !delivery.breaks_off);
        (delivery, open, inner.latency)
    };
    let delay = delivery.delay + latency;
    if delay > Duration::ZERO {
        tokio::time::sleep(delay).await;
    }
    match open {
        Some(open) => streamed(delivery, simulation, open),
        None => sent(delivery),
    }
}

/// Sends an answer whose body stays open, and looks every second of the caller's time for what there is to add.
fn streamed(delivery: Delivery, simulation: Simulation, mut open: logs::Open) -> Response {
    let Delivery { answer, .. } = &delivery;
    let (mut sender, receiver) = Channel::<Bytes, Infallible>::new(STREAM_CHUNKS);
    let mut bytes = answer.body.clone();
    tokio::spawn(async move {
        // Whoever reads the stream is gone when sending fails.
        while bytes.is_empty() || sender.send_data(Bytes::from(std::mem::take(&mut bytes))).await.is_ok() {
            tokio::time::sleep(STREAM_LOOK).await;
            match simulation.look(&mut open) {
                Ok(logs::Next::Bytes(more)) => bytes = more,
                Ok(logs::Next::End(rest)) => {
                    let _gone = sender.send_data(Bytes::from(rest)).await;
                    return;
                }
                // A world whose file fails for once ends the stream; its reader asks again.
                Err(_) => return,
            }
        }
    });
    let mut response = sent(Delivery { answer: Answer { body: Vec::new(), ..delivery.answer }, ..delivery });
    *response.body_mut() = Body::new(receiver);
    response
}

/// The answer when the world's file fails: nothing was done.
fn unsaved(error: &StoreError) -> Delivery {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    Delivery::prompt(Problem::new(500, format!("{error}{source}")).answer())
}

fn sent(delivery: Delivery) -> Response {
    let Delivery { answer: Answer { status, headers, body }, breaks_off, .. } = delivery;
    let body = if breaks_off { broken(&body) } else { Body::from(body) };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A body whose first half arrives and whose rest is a broken connection.
fn broken(body: &[u8]) -> Body {
    let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
    let half = Full::new(half).map_err(|never: Infallible| -> std::io::Error { match never {} });
    let reset = async { Some(Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))) };
    Body::new(half.with_trailers(reset))
}
