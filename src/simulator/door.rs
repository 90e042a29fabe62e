//! Who may speak to a simulator that is served: programs of this computer, and no web page.
//!
//! Any key opens the world, so what keeps others out is how a request looks. A browser names in `Host` the name that the
//! page has, also where that name was made to lead to this computer; in `Origin` and `Sec-Fetch-Site` whose page asks;
//! and it sends JSON to another origin only after asking for leave, which is never given. A client of RunPod names
//! RunPod, over a proxy or a file of hosts, or this computer.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, Version, header};

/// The names under which clients know RunPod's APIs.
const RUNPOD: [&str; 3] = ["api.runpod.io", "rest.runpod.io", "api.runpod.ai"];

/// The names by which a simulator may be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Door {
    others: BTreeSet<HostName>,
}

/// A name or an address without a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostName(String);

/// Why a text is no name of a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a host is a name or an address without a port, such as `simulator.lan`")]
pub struct NoHostName;

impl FromStr for HostName {
    type Err = NoHostName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_address = text.parse::<Ipv6Addr>().is_ok();
        let authority = if is_address { format!("[{text}]") } else { text.to_owned() };
        let authority: Authority = authority.parse().map_err(|_| NoHostName)?;
        match authority.port_u16().is_none() && authority.host().len() == authority.as_str().len() {
            true => Ok(HostName::of(&authority)),
            false => Err(NoHostName),
        }
    }
}

impl HostName {
    fn of(authority: &Authority) -> Self {
        let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        // The full stop of a name that is complete.
        Self(name.strip_suffix('.').unwrap_or(&name).to_owned())
    }

    /// Tells whether it means this computer on every computer.
    fn is_here(&self) -> bool {
        let Self(name) = self;
        name == "localhost"
            || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

/// What of a request says who sent it.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The target, which a client of a proxy spells with its host.
    pub uri: &'a Uri,
    /// The version of HTTP.
    pub version: Version,
    pub headers: &'a HeaderMap,
}

/// Why a request is turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedAway {
    /// The HTTP status.
    pub status: u16,
    /// The reason.
    pub text: String,
}

impl Door {
    /// Makes a door that is known under these names too.
    pub fn with(others: impl IntoIterator<Item = HostName>) -> Self {
        Self { others: others.into_iter().collect() }
    }

    /// Turns away what no program of this computer sends.
    ///
    /// # Errors
    /// It is for another host, or from a web page.
    pub fn admit(&self, caller: &Caller<'_>) -> Result<(), TurnedAway> {
        let turned_away = |text: String| TurnedAway { status: 403, text };
        let hosts = called(caller).ok_or_else(|| turned_away("the request names no host".to_owned()))?;
        if let Some(HostName(other)) = hosts.iter().find(|host| !self.is_known(host)) {
            return Err(turned_away(format!(
                "the simulator is not called `{other}`; `podform simulate --host {other}` makes it so"
            )));
        }
        let from_a_page = || turned_away("the simulator answers no web page".to_owned());
        let same_origin = |origin: &str| {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            let calls = caller.headers.get(header::HOST).and_then(|host| host.to_str().ok());
            authority.is_some() && authority == calls
        };
        let mut origins = caller.headers.get_all(header::ORIGIN).iter();
        if !origins.all(|origin| origin.to_str().is_ok_and(same_origin)) {
            return Err(from_a_page());
        }
        // Browsers send it with what carries no origin, such as a picture.
        let mut sites = caller.headers.get_all("sec-fetch-site").iter();
        if !sites.all(|site| site == "same-origin" || site == "none") {
            return Err(from_a_page());
        }
        Ok(())
    }

    fn is_known(&self, host: &HostName) -> bool {
        host.is_here() || RUNPOD.contains(&host.0.as_str()) || self.others.contains(host)
    }
}

/// Returns all hosts that a request names; `None` if it should name one and does not, or if one is none.
fn called(caller: &Caller<'_>) -> Option<Vec<HostName>> {
    let mut hosts: Vec<HostName> = caller.uri.authority().map(HostName::of).into_iter().collect();
    for host in caller.headers.get_all(header::HOST) {
        hosts.push(HostName::of(&host.to_str().ok()?.parse().ok()?));
    }
    // Before 1.1 there was no such header, and no browser speaks that.
    (!hosts.is_empty() || caller.version < Version::HTTP_11).then_some(hosts)
}

/// Makes sure that a body is said to be JSON: what else a page may send without asking is a form or plain text.
///
/// # Errors
/// It is said to be something else, or nothing.
pub fn ensure_json(headers: &HeaderMap) -> Result<(), TurnedAway> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")) {
        return Ok(());
    }
    Err(TurnedAway { status: 415, text: "a body is sent as `content-type: application/json`".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Admits a request with these headers, and returns why it was turned away.
    fn turned_away(door: &Door, uri: &str, headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let uri = uri.parse().unwrap();
        let version = Version::HTTP_11;
        let caller = Caller { uri: &uri, version, headers: &map };
        door.admit(&caller).err().map(|TurnedAway { status, text }| format!("{status} {text}"))
    }

    #[test]
    fn this_computer_and_runpods_names_are_let_in() {
        let door = Door::with(["Simulator.LAN".parse().unwrap(), "fd00::7".parse().unwrap()]);
        for host in [
            "127.0.0.1:8080",
            "127.9.9.9",
            "localhost:8080",
            "LOCALHOST",
            "localhost.",
            "[::1]:8080",
            "[::ffff:127.0.0.1]",
            "api.runpod.io",
            "api.runpod.io:443",
            "rest.runpod.io",
            "simulator.lan:80",
            "[fd00::7]:8080",
        ] {
            assert_eq!(turned_away(&door, "/v2/pods", &[("host", host)]), None, "{host}");
        }
        let by_proxy = turned_away(&door, "http://api.runpod.io/v2/pods", &[("host", "api.runpod.io")]);
        assert_eq!(by_proxy, None);
    }

    #[test]
    fn every_other_name_is_turned_away() {
        let door = Door::default();
        for host in [
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "api.runpod.io.evil.example",
            "evil-api.runpod.io",
            "192.0.2.7",
            "0.0.0.0:8080",
            "simulator.lan",
        ] {
            let told = turned_away(&door, "/v2/pods", &[("host", host)]).unwrap();
            assert!(told.starts_with("403 the simulator is not called `"), "{told}");
        }
        let none = Some("403 the request names no host".to_owned());
        assert_eq!(turned_away(&door, "/v2/pods", &[]), none);
        assert_eq!(turned_away(&door, "/v2/pods", &[("host", "")]), none);
        assert_eq!(turned_away(&door, "/v2/pods", &[("host", "evil example")]), none);
        // Both that a request names must be known.
        for (uri, headers) in [
            ("http://evil.example/v2/pods", &[("host", "localhost")][..]),
            ("http://localhost/v2/pods", &[("host", "evil.example")]),
            ("/v2/pods", &[("host", "localhost"), ("host", "evil.example")]),
        ] {
            assert!(turned_away(&door, uri, headers).is_some(), "{uri} {headers:?}");
        }
    }

    #[test]
    fn no_web_page_is_let_in() {
        let door = Door::default();
        let with = |name, value| turned_away(&door, "/graphql", &[("host", "localhost:8080"), (name, value)]);
        let told = Some("403 the simulator answers no web page".to_owned());
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost:3000",
            "http://localhost",
            "",
            "localhost:8080",
        ] {
            assert_eq!(with("origin", origin), told, "{origin}");
        }
        assert_eq!(with("origin", "http://localhost:8080"), None);
        for site in ["cross-site", "same-site", ""] {
            assert_eq!(with("sec-fetch-site", site), told, "{site}");
        }
        assert_eq!(with("sec-fetch-site", "none"), None);
    }

    #[test]
    fn only_json_is_a_body() {
        let told = |kind: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(kind) = kind {
                headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            }
            ensure_json(&headers).is_ok()
        };
        for kind in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"] {
            assert!(told(Some(kind)), "{kind}");
        }
        for kind in [
            None,
            Some(""),
            Some("text/plain"),
            Some("text/plain; x=application/json"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            Some("application/graphql"),
            Some("text/json"),
        ] {
            assert!(!told(kind), "{kind:?}");
        }
    }

    #[test]
    fn a_host_is_a_name_without_a_port() {
        for text in ["", "a b", "localhost:80", "http://localhost", "user@localhost", "localhost/x"] {
            assert_eq!(text.parse::<HostName>(), Err(NoHostName), "{text}");
        }
    }
}
