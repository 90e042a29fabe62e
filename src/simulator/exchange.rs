//! A request and its answer as plain values, so that each API is a function of the world and a request.

use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::world::Listing;

/// A request, with its path taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` ...; a `HEAD` counts as `GET`.
    pub method: String,
    /// The decoded parts of the path, the leading version included.
    pub path: Vec<String>,
    /// The decoded query, in order, keys repeated as they were sent.
    pub query: Vec<(String, String)>,
    /// The key: the bearer token or, for GraphQL, the query's `api_key`.
    pub token: Option<String>,
    /// Where a stream of events is to go on.
    pub last_event_id: Option<String>,
    pub body: Vec<u8>,
}

impl Request {
    /// Takes a request apart.
    pub fn new(
        method: &str,
        path: &str,
        query: Option<&str>,
        authorization: Option<&str>,
        body: Vec<u8>,
    ) -> Request {
        let path: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let query = query.map(pairs).unwrap_or_default();
        let bearer = authorization.and_then(bearer);
        let in_query = || query.iter().find(|(key, _)| key == "api_key").map(|(_, value)| value.as_str());
        // Only GraphQL takes its key from the query.
        let token = bearer.or_else(|| in_query().filter(|_| path == ["graphql"]));
        let token = token.filter(|token| !token.is_empty()).map(str::to_owned);
        // A HEAD is answered as its GET; the server leaves the body out.
        let method = if method == "HEAD" { "GET" } else { method };
        Request { method: method.to_owned(), path, query, token, last_event_id: None, body }
    }

    /// Returns the first value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns all values of a query parameter that may be repeated.
    pub fn parameters(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<C> {
    /// It has a route.
    To(C),
    /// The path exists, with these methods.
    WrongMethod(&'static str),
    /// The path exists with RunPod, and the simulator does not have it.
    NotServed,
    /// The path does not exist.
    Nowhere,
}

impl<C> Target<C> {
    /// Returns where a method leads on a path that takes these, each to a call.
    pub fn by_method(method: &str, methods: &'static str, calls: Vec<(&str, C)>) -> Self {
        let call = calls.into_iter().find(|(taken, _)| *taken == method);
        call.map_or(Self::WrongMethod(methods), |(_, call)| Self::To(call))
    }

    /// Returns where a path leads that has no route: nowhere, unless it is one of these, in which a `*` is any part.
    pub fn elsewhere(method: &str, path: &[&str], not_served: &[&str]) -> Self {
        let fits = |pattern: &&str| {
            let parts: Vec<&str> = pattern.split('/').collect();
            parts.len() == path.len() && parts.iter().zip(path).all(|(part, at)| *part == "*" || part == at)
        };
        let is_method = ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method);
        if is_method && not_served.iter().any(fits) { Self::NotServed } else { Self::Nowhere }
    }

    /// Converts the call.
    pub fn map<D>(self, convert: impl FnOnce(C) -> D) -> Target<D> {
        match self {
            Self::To(call) => Target::To(convert(call)),
            Self::WrongMethod(methods) => Target::WrongMethod(methods),
            Self::NotServed => Target::NotServed,
            Self::Nowhere => Target::Nowhere,
        }
    }
}

/// Reads the token of a bearer scheme, whose name may be in any case.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decode(&key.replace('+', " ")), decode(&value.replace('+', " "))))
        .collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers, the content type included.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Makes an answer without a body.
    pub fn empty(status: u16) -> Answer {
        Answer { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Makes an answer of JSON.
    pub fn json(status: u16, content_type: &str, value: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(value).expect("answers hold text keys and finite numbers only");
        Answer { status, headers: vec![("content-type", content_type.to_owned())], body }
    }

    /// Returns the answer with another header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}

/// What kind of request it is: what fault scripts name and what tests count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// List pods.
    List,
    /// Read one pod.
    Get,
    /// Make a pod.
    Create,
    /// Change a pod.
    Update,
    /// Start a stopped pod.
    Start,
    /// Stop a pod.
    Stop,
    /// Restart or reset a pod's container.
    Restart,
    /// Delete a pod.
    Terminate,
    /// List network volumes.
    ListVolumes,
    /// Read one network volume.
    GetVolume,
    /// Make a network volume.
    CreateVolume,
    /// Change a network volume.
    UpdateVolume,
    /// Delete a network volume.
    DeleteVolume,
    /// List the account's secrets.
    ListSecrets,
    /// Make a secret.
    CreateSecret,
    /// Change a secret.
    UpdateSecret,
    /// Delete a secret.
    DeleteSecret,
    /// List the account's registries.
    ListRegistries,
    /// Read credentials for a registry by their id.
    GetRegistry,
    /// Make credentials for a registry.
    CreateRegistry,
    /// Delete credentials for a registry.
    DeleteRegistry,
    /// Read a pod's log.
    Logs,
    /// Read GPU types, CPU flavors or data centers.
    Catalog,
    /// Ask a pod itself, through the proxy or at its public address.
    Probe,
    /// Anything else.
    Other,
}

impl Operation {
    /// All operations, in the order in which they are documented.
    pub const ALL: [Operation; 25] = [
        Operation::List,
        Operation::Get,
        Operation::Create,
        Operation::Update,
        Operation::Start,
        Operation::Stop,
        Operation::Restart,
        Operation::Terminate,
        Operation::ListVolumes,
        Operation::GetVolume,
        Operation::CreateVolume,
        Operation::UpdateVolume,
        Operation::DeleteVolume,
        Operation::ListSecrets,
        Operation::CreateSecret,
        Operation::UpdateSecret,
        Operation::DeleteSecret,
        Operation::ListRegistries,
        Operation::GetRegistry,
        Operation::CreateRegistry,
        Operation::DeleteRegistry,
        Operation::Logs,
        Operation::Catalog,
        Operation::Probe,
        Operation::Other,
    ];

    /// Returns the word that fault scripts have for it.
    pub fn name(self) -> &'static str {
        match self {
            Operation::List => "list",
            Operation::Get => "get",
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Start => "start",
            Operation::Stop => "stop",
            Operation::Restart => "restart",
            Operation::Terminate => "terminate",
            Operation::ListVolumes => "list-volumes",
            Operation::GetVolume => "get-volume",
            Operation::CreateVolume => "create-volume",
            Operation::UpdateVolume => "update-volume",
            Operation::DeleteVolume => "delete-volume",
            Operation::ListSecrets => "list-secrets",
            Operation::CreateSecret => "create-secret",
            Operation::UpdateSecret => "update-secret",
            Operation::DeleteSecret => "delete-secret",
            Operation::ListRegistries => "list-registries",
            Operation::GetRegistry => "get-registry",
            Operation::CreateRegistry => "create-registry",
            Operation::DeleteRegistry => "delete-registry",
            Operation::Logs => "logs",
            Operation::Catalog => "catalog",
            Operation::Probe => "probe",
            Operation::Other => "other",
        }
    }
}

/// Which of RunPod's contracts REST v2 speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contract {
    /// That of August 2026: whole lists, and a command as one text.
    August,
    /// That of autumn 2026.
    #[default]
    Autumn,
}

/// How REST v2 shows a list of a command that is not set. Which of the three it does is in no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unset {
    #[default]
    Absent,
    Null,
    Empty,
}

/// How an answer differs from the ordinary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Twist {
    /// Which pods a listing shows.
    pub listing: Listing,
    /// How many GPUs a start attaches, instead of what the pod rents.
    pub start_gpus: Option<u32>,
    /// Whether REST v1 answers as it was seen live, with prices as text and `null` anywhere.
    pub loose: bool,
    /// Whether interruptible pods are still offered.
    pub spot: bool,
    /// Which contract REST v2 speaks.
    pub contract: Contract,
    /// The most entries of a page, whatever is asked for.
    pub page: Option<u32>,
    /// How REST v2 shows a list of a command that is not set.
    pub unset: Unset,
}
