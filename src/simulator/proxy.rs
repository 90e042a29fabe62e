//! What is before the pods and no part of an API: the proxy of their http ports, and their public addresses.
//!
//! `/proxy/ID/PORT/PATH` stands for `https://ID-PORT.proxy.runpod.net/PATH`, and `/tcp/HOST/PORT` tells with 200 or 502
//! whether anybody listens at a public address. No key is needed, and none of it counts against the quota. The image's
//! name says what a program answers once it listens, so that a spec can ask for each case.

use super::exchange::{Answer, Request};
use super::world::World;
use super::world::order::port_parts;
use super::world::pod::Pod;

/// Where a request to a pod goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visit {
    /// To an http port, through the proxy.
    Http { pod: String, port: String, path: Vec<String> },
    /// To a public address.
    Tcp { host: String, port: String },
}

impl Visit {
    /// Returns where a request goes, if it is to a pod and not to an API.
    pub fn of(request: &Request) -> Option<Visit> {
        match request.path.as_slice() {
            [first, pod, port, path @ ..] if first == "proxy" => {
                Some(Visit::Http { pod: pod.clone(), port: port.clone(), path: path.to_vec() })
            }
            [first, host, port] if first == "tcp" => {
                Some(Visit::Tcp { host: host.clone(), port: port.clone() })
            }
            _ => None,
        }
    }

    /// Answers in the name of a pod, or of the proxy before it.
    pub fn answer(&self, world: &World) -> Answer {
        match self {
            Visit::Http { pod, port, path } => {
                let pod = world.pod(pod).ok().filter(|pod| pod.status(world.now()).holds_compute());
                match pod.filter(|pod| publishes(pod, port)) {
                    None => page(404, "404 page not found"),
                    Some(pod) if pod.listens(world.now()) => said(pod, path),
                    Some(_) => page(502, "502 Bad Gateway"),
                }
            }
            Visit::Tcp { host, port } => {
                let (seed, now) = (world.seed(), world.now());
                let is_open = |pod: &&Pod| {
                    pod.ip == *host
                        && pod.listens(now)
                        && pod.open_ports(seed, now).is_some_and(|ports| {
                            ports.iter().any(|open| open.public.is_some_and(|open| open.to_string() == *port))
                        })
                };
                if world.all_pods().any(|pod| is_open(&pod)) {
                    page(200, "open")
                } else {
                    page(502, "closed")
                }
            }
        }
    }
}

fn publishes(pod: &Pod, number: &str) -> bool {
    let ports = pod.settings.ports.iter().filter_map(|port| port_parts(port));
    ports.into_iter().any(|(port, protocol)| protocol == "http" && port.to_string() == number)
}

/// Returns what the program in a pod answers.
fn said(pod: &Pod, path: &[String]) -> Answer {
    let image = &pod.settings.image;
    if path.first().is_some_and(|first| first == "missing") {
        page(404, "no such page")
    } else if image.contains("locked-api") {
        page(401, "a key is needed")
    } else if image.contains("portal") {
        page(302, "").with("location", "https://elsewhere.invalid/")
    } else if image.contains("crashing") {
        page(500, "Internal Server Error")
    } else {
        page(200, "ok")
    }
}

fn page(status: u16, text: &str) -> Answer {
    let headers = vec![("content-type", "text/plain; charset=utf-8".to_owned())];
    Answer { status, headers, body: text.as_bytes().to_vec() }
}
