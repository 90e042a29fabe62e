//! Where pods answer: http ports at RunPod's proxy, tcp ports at their public address, logs at the API.
//!
//! The requests have a client of their own, which has no key, follows no redirect, keeps no cookie and reads no body. An
//! account on this machine is a simulated one, so its pods answer there too: below `/proxy/ID/PORT` for http, and
//! `/tcp/HOST/PORT` tells whether anybody listens at a public address. Nothing of a simulated pod leaves this machine.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use reqwest::header::{HeaderValue, USER_AGENT};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::ServiceExt;

use super::Runpod;
use super::origins::Origins;
use super::transport::{USER_AGENT_TEXT, root_cause};
use crate::model::clock::Timestamp;
use crate::model::id::PodId;
use crate::model::live::LivePod;
use crate::model::ready::{Probe, Readiness};
use crate::provider::logs::{KEPT, LogSource, Place};
use crate::provider::reach::{AskPods, Hearing, LINES, PATIENCE};

/// How long a log is listened to for one more line.
const NEXT_LINE: Duration = Duration::from_millis(500);

/// The ways to the ports of pods.
pub(super) struct Doors {
    way: Way,
}

enum Way {
    /// Over RunPod's proxy and the public network.
    Public { client: OnceCell<reqwest::Client> },
    /// Everything at the origin of a simulator on this machine.
    Simulated { origin: String, client: OnceCell<reqwest::Client> },
    /// Everything at a simulator in this process.
    InProcess(Router),
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Public { client: _ } => f.write_str("Doors(public)"),
            Way::Simulated { origin, client: _ } => f.debug_tuple("Doors").field(origin).finish(),
            Way::InProcess(_) => f.write_str("Doors(in process)"),
        }
    }
}

/// What came of a request: a status, or why there is none.
type Answered = Result<u16, Silence>;

/// Why nobody answered.
enum Silence {
    /// The other end did not answer, which is an answer too.
    NotThere(String),
    /// The question never got there.
    NotAsked(String),
}

impl From<Silence> for Readiness {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::NotThere(why) => Self::NotReady(why),
            Silence::NotAsked(why) => Self::Unknown(why),
        }
    }
}

impl Doors {
    /// Prepares the ways to the pods of an account that is there.
    pub(super) fn over_http(origins: &Origins) -> Self {
        let client = OnceCell::new();
        let way = match origins.here() {
            None => Way::Public { client },
            Some(origin) => Way::Simulated { origin, client },
        };
        Self { way }
    }

    /// Prepares the ways to the pods of a simulator in this process.
    pub(super) fn in_process(router: Router) -> Self {
        Self { way: Way::InProcess(router) }
    }

    /// Asks an http port and returns the status.
    async fn http(&self, pod: &PodId, port: u32, path: &str) -> Answered {
        let id = pod.as_str();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Silence::NotAsked("the id has characters that no name of a host has".to_owned()));
        }
        match &self.way {
            Way::Public { client } => {
                get(built(client, false)?, format!("https://{id}-{port}.proxy.runpod.net{path}")).await
            }
            Way::Simulated { origin, client } => {
                get(built(client, true)?, format!("{origin}/proxy/{id}/{port}{path}")).await
            }
            Way::InProcess(router) => call(router, format!("/proxy/{id}/{port}{path}")).await,
        }
    }

    /// Connects to a public address, such as `203.0.113.7:40022`.
    async fn tcp(&self, address: &str) -> Answered {
        match &self.way {
            Way::Public { client: _ } => match timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(_connection)) => Ok(200),
                Ok(Err(error)) => Err(Silence::NotThere(format!("{address}: {error}"))),
                Err(_elapsed) => Err(Silence::NotThere(format!("{address}: {}", no_answer()))),
            },
            Way::Simulated { origin, client } => {
                let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
                get(built(client, true)?, format!("{origin}/tcp/{host}/{port}")).await
            }
            Way::InProcess(router) => {
                let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
                call(router, format!("/tcp/{host}/{port}")).await
            }
        }
    }
}

fn no_answer() -> String {
    format!("no answer within {} s", PATIENCE.as_secs())
}

fn built(cell: &OnceCell<reqwest::Client>, is_here: bool) -> Result<&reqwest::Client, Silence> {
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    // Building panics without a provider of cryptography; a second installation only says that there is one.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .connect_timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    // A proxy could not reach this machine, and plain HTTP needs no certificates.
    let builder = if is_here { builder.no_proxy().tls_certs_only([]) } else { builder };
    let client = builder.build().map_err(|error| Silence::NotAsked(root_cause(&error)))?;
    Ok(cell.get_or_init(|| client))
}

/// Sends a request without a key. The answer is dropped once its headers are there, and with it the connection.
async fn get(client: &reqwest::Client, url: String) -> Answered {
    let request = client.get(url).header(USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
    match timeout(PATIENCE, request.send()).await {
        Ok(Ok(answer)) => Ok(answer.status().as_u16()),
        Ok(Err(error)) if error.is_builder() => Err(Silence::NotAsked(root_cause(&error.without_url()))),
        Ok(Err(error)) => {
            let is_connect = error.is_connect();
            let why = root_cause(&error.without_url());
            // RunPod's proxy is always there, so who cannot get to it knows nothing of the pod.
            let not_asked = is_connect.then(|| Silence::NotAsked(format!("could not connect: {why}")));
            Err(not_asked.unwrap_or_else(|| Silence::NotThere(format!("the connection broke: {why}"))))
        }
        Err(_elapsed) => Err(Silence::NotThere(no_answer())),
    }
}

async fn call(router: &Router, uri: String) -> Answered {
    let request = axum::http::Request::builder().method("GET").uri(uri);
    let request = request.header(USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
    let request = request.body(axum::body::Body::empty());
    let request = request.map_err(|error| Silence::NotAsked(root_cause(&error)))?;
    match timeout(PATIENCE, router.clone().oneshot(request)).await {
        Ok(Ok(answer)) => Ok(answer.status().as_u16()),
        Ok(Err(never)) => match never {},
        Err(_elapsed) => Err(Silence::NotThere(no_answer())),
    }
}

impl AskPods for Runpod {
    fn ask<'f>(
        &'f self,
        pod: &'f LivePod,
        probe: &'f Probe,
        heard: &'f mut Hearing,
    ) -> LocalBoxFuture<'f, Readiness> {
        async move {
            match probe {
                Probe::Http { port, path, statuses: _ } => {
                    match self.doors.http(&pod.id, *port, path).await {
                        Ok(status) if probe.takes(status) => Readiness::Ready,
                        Ok(status) => Readiness::NotReady(format!("answered {status}")),
                        Err(silence) => silence.into(),
                    }
                }
                Probe::Tcp { port } => {
                    let Some(address) = pod.endpoints.tcp.get(port) else {
                        return Readiness::NotReady("it has no public address yet".to_owned());
                    };
                    match self.doors.tcp(address).await {
                        Ok(200) => Readiness::Ready,
                        Ok(_) => Readiness::NotReady(format!("{address}: nobody listens")),
                        Err(silence) => silence.into(),
                    }
                }
                Probe::Log { text } => self.listen(&pod.id, text, heard).await,
            }
        }
        .boxed_local()
    }

    fn last_lines<'f>(&'f self, pod: &'f PodId) -> LocalBoxFuture<'f, Vec<String>> {
        async move {
            let mut last = VecDeque::new();
            let mut place = Place::default();
            let look = place.look(self, pod, None, NEXT_LINE, |line| {
                if last.len() == LINES {
                    last.pop_front();
                }
                last.push_back(line.text.clone());
            });
            // What was heard before it broke off, or before it went on for too long, is told all the same.
            let _heard = timeout(PATIENCE, look).await;
            last.into()
        }
        .boxed_local()
    }
}

impl Runpod {
    /// Looks whether a line was written since the last look.
    async fn listen(&self, pod: &PodId, text: &str, heard: &mut Hearing) -> Readiness {
        let Hearing { place, not_before } = heard;
        let mut found = false;
        let look = place.look(self, pod, Some(LogSource::Container), NEXT_LINE, |line| {
            let at = line.at.as_ref().and_then(|at| at.parse::<Timestamp>().ok());
            let counts = not_before.is_none_or(|from| at.is_some_and(|at| at >= from));
            found |= counts && line.text.contains(text);
        });
        let looked = timeout(PATIENCE, look).await;
        if found {
            return Readiness::Ready;
        }
        match looked {
            Ok(Ok(count)) if count >= usize::from(KEPT) => {
                Readiness::Unknown(format!("its log is longer than the {KEPT} lines that RunPod keeps"))
            }
            Ok(Ok(_)) => Readiness::NotReady("its log does not have the line".to_owned()),
            Ok(Err(error)) => Readiness::Unknown(error.to_string()),
            Err(_elapsed) => Readiness::NotReady("its log does not have the line so far".to_owned()),
        }
    }
}
