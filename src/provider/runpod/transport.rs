//! One request, one answer: over HTTP, or to a router called in this process.
//!
//! The router is how tests run the real wire code under tokio's paused clock: with a real socket, another thread or
//! the kernel does the work, and paused timers fire at once. Start at [`Transport::send`].
//!
//! The key stands in a header that is marked sensitive and nowhere else. Redirects are never followed, since
//! whoever redirects would be handed the key; a plain `http` origin must be this machine.

use std::cell::{Cell, OnceCell};
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed};
use tokio::time::Instant;
use tower::ServiceExt;

use super::error::{Said, certainty};
use super::redact::Redactor;
use super::wire::{Entry, Unfit, Wire, object_id};
use crate::model::clock::Timestamp;
use crate::model::id::RequestId;
use crate::model::prior::Api;
use crate::model::secret::Secret;
use crate::provider::{Call, Certainty, Listed, ProviderError, Quota, Rejection, ServerTime};

/// After this time an answer is given up. RunPod's own clients wait as long.
const TIMEOUT: Duration = Duration::from_secs(30);
/// After this time a connection that was not made is given up; nothing has been sent by then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read. A pod takes about a KiB of a listing, so that a page of sixty thousand fits; what is
/// made of an answer takes up to fourteen times its length in memory.
const BODY_LIMIT: usize = 64 << 20;
/// The most values that an answer may hold. A pod has about fifty; of the shortest, such as a variable without a text,
/// many times their length is made in memory.
const VALUE_LIMIT: usize = 5_000_000;
/// RunPod's firewall refuses some clients by their default name.
const USER_AGENT_TEXT: &str = concat!("podform/", env!("CARGO_PKG_VERSION"));

/// Where the three APIs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    v2: Url,
    v1: Url,
    graphql: Url,
}

impl Origins {
    /// Returns RunPod's public hosts.
    pub fn public() -> Self {
        let url = |text| Url::parse(text).expect("a literal URL");
        Self {
            v2: url("https://api.runpod.io/v2"),
            v1: url("https://rest.runpod.io/v1"),
            graphql: url("https://api.runpod.io/graphql"),
        }
    }

    /// Returns all three APIs under one origin, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// It is no origin, or one to which a key must not be sent.
    pub fn at(base: &str) -> Result<Self, SetupError> {
        let url = Url::parse(base).map_err(|_| SetupError::NoUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SetupError::Credentials);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(SetupError::NotAnOrigin(url.origin().ascii_serialization()));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(SetupError::Unprotected(url.origin().ascii_serialization())),
        }
        let below = |path| url.join(path).map_err(|_| SetupError::NoUrl);
        Ok(Self { v2: below("/v2")?, v1: below("/v1")?, graphql: below("/graphql")? })
    }

    /// Returns the origin that a state file records, such as `https://api.runpod.io`.
    ///
    /// It is that of REST v2 whichever API is spoken: all three show the same account, so that a project can go from
    /// one to another with its state.
    pub fn origin(&self) -> String {
        self.v2.origin().ascii_serialization()
    }

    fn of(&self, api: Api) -> &Url {
        match api {
            Api::V2 => &self.v2,
            Api::V1 => &self.v1,
            Api::Graphql => &self.graphql,
        }
    }
}

/// Tells whether the host is this machine.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Why no client can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The text is no URL. It is not repeated, since it may hold a password.
    #[error("the base URL of the API is not a URL")]
    NoUrl,
    /// The URL holds a user or a password.
    #[error("the base URL of the API holds a user name or password")]
    Credentials,
    /// The URL has a path, a query or a fragment.
    #[error("the base URL of the API has more than an origin: `{0}` is enough")]
    NotAnOrigin(String),
    /// The key would travel unprotected.
    #[error("the base URL of the API is neither https nor on this machine: `{0}`")]
    Unprotected(String),
    /// The key has characters that no header can carry, such as a line break.
    #[error("the API key has characters that no API key has")]
    Key,
}

/// Sends requests with the key of one account.
pub(super) struct Transport {
    way: Way,
    authorization: HeaderValue,
    redactor: Redactor,
    quota: Cell<Option<(Instant, Quota)>>,
    date: Cell<Option<(Instant, Timestamp)>>,
}

enum Way {
    /// The client is built at the first request: loading the system's certificates takes time.
    Http {
        origins: Box<Origins>,
        client: OnceCell<reqwest::Client>,
    },
    InProcess(Router),
}

/// A request, ready to be sent.
pub(super) struct Request {
    /// What it does.
    pub(super) call: Call,
    /// Which API it is for.
    pub(super) api: Api,
    /// The method.
    pub(super) method: Method,
    /// Path and query below the API's base.
    pub(super) path: String,
    /// The body, as JSON.
    pub(super) body: Option<Vec<u8>>,
    /// The values in the body that no text may show.
    pub(super) hidden: Vec<Secret<String>>,
}

/// Returns an id as a part of a path.
///
/// # Errors
/// The text cannot be an id. Encoding it instead would not do: an empty one or `..` would address a listing.
pub(super) fn segment<'a>(call: Call, id: &'a str) -> Result<&'a str, ProviderError> {
    let fits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if fits { Ok(id) } else { Err(unsendable(call, "the id has characters that no id has")) }
}

/// Returns the error for a request that is refused before it is sent.
pub(super) fn unsendable(call: Call, detail: &str) -> ProviderError {
    ProviderError {
        call,
        certainty: Certainty::Rejected(Rejection::Invalid),
        status: None,
        detail: detail.to_owned(),
        request_id: None,
    }
}

impl Transport {
    /// Prepares requests over HTTP.
    pub(super) fn http(origins: Origins, key: &Secret<String>) -> Result<Self, SetupError> {
        Self::new(Way::Http { origins: Box::new(origins), client: OnceCell::new() }, key)
    }

    /// Prepares requests to a router in this process.
    pub(super) fn in_process(router: Router, key: &Secret<String>) -> Result<Self, SetupError> {
        Self::new(Way::InProcess(router), key)
    }

    fn new(way: Way, key: &Secret<String>) -> Result<Self, SetupError> {
        let key = Secret::new(key.expose().trim().to_owned());
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(|_| SetupError::Key)?;
        authorization.set_sensitive(true);
        let redactor = Redactor::new(&key);
        Ok(Self { way, authorization, redactor, quota: Cell::new(None), date: Cell::new(None) })
    }

    /// Sends a request once and reads its answer, whatever its status.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, ProviderError> {
        let Request { call, api, method, path, body, hidden } = request;
        self.redactor.send(&hidden);
        let exchange = async {
            let headers = self.headers(body.is_some());
            let (status, headers, body) = self.exchange(api, method, &path, headers, body).await?;
            Ok((status, headers, read(body).await))
        };
        let (status, headers, body) = in_time(call, &self.redactor, exchange).await?;
        Ok(self.answer(call, api, (status, headers, body)))
    }

    /// Opens a stream of events, after the event with this id where one is given, and leaves its body to be read.
    ///
    /// # Errors
    /// There is no answer, or it is no success.
    pub(super) async fn open(
        &self,
        request: Request,
        last_event_id: Option<&str>,
    ) -> Result<Stream, ProviderError> {
        let Request { call, api, method, path, body, hidden } = request;
        self.redactor.send(&hidden);
        let mut headers = self.headers(body.is_some());
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        // An id that no header can carry came from the API; without it the stream begins anew.
        if let Some(id) = last_event_id.and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert("last-event-id", id);
        }
        let exchange = self.exchange(api, method, &path, headers, body);
        let (status, headers, body) = in_time(call, &self.redactor, exchange).await?;
        let is_stream =
            header(&headers, "content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        if (200..300).contains(&status) && is_stream {
            self.heed(&headers);
            return Ok(Stream { call, body, redactor: self.redactor.clone() });
        }
        let read = async { Ok(read(body).await) };
        let body = in_time(call, &self.redactor, read).await?;
        let answer = self.answer(call, api, (status, headers, body));
        answer.success()?;
        Err(answer.error(Certainty::Unknown, "the answer is no stream of events"))
    }

    fn answer(&self, call: Call, api: Api, (status, headers, body): (u16, HeaderMap, Body)) -> Answer {
        self.heed(&headers);
        let request_id = request_id(&headers);
        let retry_after = header(&headers, "retry-after").and_then(|text| text.trim().parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        let redactor = self.redactor.clone();
        Answer { call, api, status, request_id, retry_after, body, redactor }
    }

    /// Keeps what headers say of the account rather than of the answer.
    fn heed(&self, headers: &HeaderMap) {
        if let Some(quota) = quota(headers) {
            self.quota.set(Some((Instant::now(), quota)));
        }
        if let Some(date) = header(headers, "date").and_then(http_date) {
            self.date.set(Some((Instant::now(), date)));
        }
    }

    /// Returns what takes secret values out of texts.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Returns the server's time, as its last answer with a `Date` told it.
    pub(super) fn server_time(&self) -> Option<ServerTime> {
        let (at, date) = self.date.get()?;
        Some(ServerTime { date, ago: at.elapsed() })
    }

    /// Returns the tightest quota that the last answer announced, unless its window has ended.
    pub(super) fn quota(&self) -> Option<Quota> {
        let (at, quota) = self.quota.get()?;
        let resets_in = quota.resets_in.checked_sub(at.elapsed())?;
        Some(Quota { resets_in, ..quota })
    }

    async fn exchange(
        &self,
        api: Api,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Result<(u16, HeaderMap, RawBody), Lost> {
        match &self.way {
            Way::Http { origins, client } => {
                let client = match client.get() {
                    Some(client) => client,
                    None => {
                        let built = build_client(origins).map_err(|error| Lost::before(&error))?;
                        client.get_or_init(|| built)
                    }
                };
                let url = format!("{}{path}", origins.of(api));
                let request = client.request(method, url).headers(headers);
                let request = match body {
                    Some(body) => request.body(body),
                    None => request,
                };
                let answer = request.send().await.map_err(|error| Lost::from(error.without_url()))?;
                let (parts, body) = axum::http::Response::<reqwest::Body>::from(answer).into_parts();
                Ok((parts.status.as_u16(), parts.headers, body.map_err(Into::into).boxed_unsync()))
            }
            Way::InProcess(router) => {
                let base = match api {
                    Api::V2 => "/v2",
                    Api::V1 => "/v1",
                    Api::Graphql => "/graphql",
                };
                let mut request = axum::http::Request::builder().method(method).uri(format!("{base}{path}"));
                if let Some(all) = request.headers_mut() {
                    *all = headers;
                }
                let body = axum::body::Body::from(body.unwrap_or_default());
                let request = request.body(body).map_err(|error| Lost::before(&error))?;
                let answer = match router.clone().oneshot(request).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                };
                let (parts, body) = answer.into_parts();
                Ok((parts.status.as_u16(), parts.headers, body.map_err(Into::into).boxed_unsync()))
            }
        }
    }

    fn headers(&self, has_body: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Http { origins, client: _ } => f.debug_tuple("Transport").field(origins).finish(),
            Way::InProcess(_) => f.write_str("Transport(in process)"),
        }
    }
}

/// Builds the HTTP client, with ring in place of the default cryptography, which needs a larger toolchain.
fn build_client(origins: &Origins) -> Result<reqwest::Client, reqwest::Error> {
    // Building panics without a provider; a second installation only says that there is one.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .gzip(true);
    let local = [&origins.v2, &origins.v1, &origins.graphql].into_iter().any(is_loopback);
    let plain = [&origins.v2, &origins.v1, &origins.graphql].into_iter().all(|url| url.scheme() == "http");
    // Reading the certificates of the system takes longer than a plan of one pod, and plain HTTP needs none.
    let builder = if plain { builder.tls_certs_only([]) } else { builder };
    // A proxy would be handed the key in the clear, and could not reach this machine anyway.
    if local { builder.no_proxy().build() } else { builder.build() }
}

/// Waits for an answer, but not for ever, and says what is known if there is none.
async fn in_time<T>(
    call: Call,
    redactor: &Redactor,
    exchange: impl Future<Output = Result<T, Lost>>,
) -> Result<T, ProviderError> {
    let (certainty, why) = match tokio::time::timeout(TIMEOUT, exchange).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(Lost { sent: false, why })) => (Certainty::NotDone, why),
        Ok(Err(Lost { sent: true, why })) => (Certainty::Unknown, why),
        Err(_elapsed) => (Certainty::Unknown, format!("no answer within {} s", TIMEOUT.as_secs())),
    };
    Err(ProviderError { call, certainty, status: None, detail: redactor.line(&why), request_id: None })
}

/// The body of an answer that does not end by itself.
pub(super) struct Stream {
    call: Call,
    body: RawBody,
    redactor: Redactor,
}

impl Stream {
    /// Returns a text that came with the stream without the values that no text may show.
    pub(super) fn redacted(&self, text: &str) -> String {
        self.redactor.text(text)
    }

    /// Waits for the next bytes; `None` is the end. Giving up the wait loses nothing.
    ///
    /// # Errors
    /// The connection broke.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ProviderError> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Ok(Some(data)),
                    // Trailers say nothing here.
                    Err(_trailers) => {}
                },
                Some(Err(error)) => {
                    let why = format!("the stream broke off: {}", root_cause(&*error));
                    return Err(ProviderError {
                        call: self.call,
                        certainty: Certainty::Unknown,
                        status: None,
                        detail: self.redactor.line(&why),
                        request_id: None,
                    });
                }
            }
        }
    }
}

/// Why there is no answer, and whether the request can have reached the API.
struct Lost {
    sent: bool,
    why: String,
}

impl Lost {
    fn before(error: &dyn Error) -> Self {
        Self { sent: false, why: format!("the request could not be made: {}", root_cause(error)) }
    }
}

impl From<reqwest::Error> for Lost {
    fn from(error: reqwest::Error) -> Self {
        let cause = root_cause(&error);
        if error.is_builder() {
            return Self::before(&error);
        }
        // Name lookup, connecting and the TLS handshake all come before the first byte of a request.
        if error.is_connect() {
            return Self { sent: false, why: format!("could not connect: {cause}") };
        }
        Self { sent: true, why: format!("the connection broke before the answer: {cause}") }
    }
}

/// Returns the innermost message of an error: the outer ones say what this module knows.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The body of an answer.
enum Body {
    Whole(Vec<u8>),
    /// Reading it failed half-way; the status is known all the same.
    Broken(String),
}

/// A body as it comes, whichever way it came.
type RawBody = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// Reads a body, each piece of which is freed as soon as it is copied: a listing can be large.
async fn read(body: RawBody) -> Body {
    let mut body = Limited::new(body, BODY_LIMIT);
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) => whole.extend_from_slice(&data),
            // Trailers say nothing here.
            Ok(Err(_trailers)) => {}
            Err(error) if error.is::<LengthLimitError>() => {
                return Body::Broken(format!("the answer is larger than {} MiB", BODY_LIMIT >> 20));
            }
            Err(error) => return Body::Broken(format!("the answer broke off: {}", root_cause(&*error))),
        }
    }
    if values(&whole) > VALUE_LIMIT {
        return Body::Broken(format!("the answer holds more than {VALUE_LIMIT} values"));
    }
    Body::Whole(whole)
}

/// Returns how many values a JSON text may hold: each but the first of a list or map has one of these before it.
fn values(text: &[u8]) -> usize {
    text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count()
}

/// How much was read of a listing that comes in pages.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weight {
    bytes: usize,
    values: usize,
}

impl Weight {
    /// Adds a page, and tells whether it is more than is read of one listing: twice the bytes of the largest answer, as
    /// most of a page is let go, and as many values.
    pub(super) fn add(&mut self, answer: &Answer) -> bool {
        if let Body::Whole(body) = &answer.body {
            self.bytes += body.len();
            self.values += values(body);
        }
        self.bytes <= 2 * BODY_LIMIT && self.values <= VALUE_LIMIT
    }
}

/// An answer of the API, whatever its status.
pub(super) struct Answer {
    call: Call,
    api: Api,
    status: u16,
    /// As it was said, for [`Self::error`] alone.
    request_id: Option<RequestId>,
    retry_after: Option<Duration>,
    body: Body,
    redactor: Redactor,
}

impl Answer {
    /// Tells whether the API itself says that there is no such object.
    pub(super) fn says_not_found(&self) -> bool {
        self.status == 404 && self.failure().certainty == Certainty::Rejected(Rejection::NotFound)
    }

    /// Reads the body of a success.
    ///
    /// # Errors
    /// It is no success, or its body cannot be read, so that what was done is not known.
    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        self.decode_as(PhantomData)
    }

    /// Reads the body of a success as something that is known only now.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub(super) fn decode_as<'b, S: DeserializeSeed<'b>>(
        &'b self,
        seed: S,
    ) -> Result<S::Value, ProviderError> {
        let mut body = serde_json::Deserializer::from_slice(self.success()?);
        let read = seed.deserialize(&mut body).and_then(|read| body.end().map(|()| read));
        // The decoder's own message may quote a value of the answer.
        read.map_err(|error| {
            self.error(
                Certainty::Unknown,
                match error.classify() {
                    serde_json::error::Category::Data => "the answer is JSON of an unknown form",
                    serde_json::error::Category::Eof => "the answer broke off",
                    serde_json::error::Category::Io | serde_json::error::Category::Syntax => {
                        "the answer is no JSON"
                    }
                },
            )
        })
    }

    /// Checks that a call without a documented body succeeded.
    ///
    /// # Errors
    /// It did not, or what answered is not the API.
    pub(super) fn accept(&self) -> Result<(), ProviderError> {
        let body = self.success()?;
        if body.trim_ascii().is_empty() || serde_json::from_slice::<serde_json::Value>(body).is_ok() {
            return Ok(());
        }
        Err(self.error(Certainty::Unknown, "the answer is no JSON"))
    }

    /// Returns the error for an answer whose field cannot be used.
    pub(super) fn unfit(&self, unfit: Unfit) -> ProviderError {
        self.error(Certainty::Unknown, &unfit.to_string())
    }

    /// Returns an entry of a listing of this answer. What is wrong with it is said for its sake alone.
    pub(super) fn listed<O, I>(&self, entry: Entry<O, I>) -> Listed<O, I> {
        match entry {
            Ok((_, _, Ok(object))) => Listed::Found(object),
            Ok((id, origin, Err(unfit))) => {
                Listed::Unreadable { id, why: self.unfit(unfit).to_string(), origin }
            }
            Err(unfit) => Listed::Nameless { why: self.unfit(unfit).to_string() },
        }
    }

    /// Returns an error about this answer.
    pub(super) fn error(&self, certainty: Certainty, detail: &str) -> ProviderError {
        ProviderError {
            call: self.call,
            certainty,
            status: Some(self.status),
            detail: self.redactor.line(detail),
            // An id that holds a value of ours is none.
            request_id: self.request_id.clone().filter(|id| self.redactor.line(id.as_str()) == id.as_str()),
        }
    }

    /// Returns the error that the body of an answer describes.
    pub(super) fn failure(&self) -> ProviderError {
        let said = match &self.body {
            Body::Whole(body) => Said::read(body),
            Body::Broken(why) => Said { text: why.clone(), code: None, genuine: false },
        };
        let certainty = certainty(self.api, self.call.verb, self.status, &said, self.retry_after);
        let detail = if (300..400).contains(&self.status) {
            format!("a redirect ({}), which is never followed", self.status)
        } else {
            said.text
        };
        self.error(certainty, &detail)
    }

    /// Returns what errors cite of an answer that has been read.
    pub(super) fn without_body(self) -> Self {
        Self { body: Body::Whole(Vec::new()), ..self }
    }

    /// Tells whether another answer has the same body.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        match (&self.body, &other.body) {
            (Body::Whole(body), Body::Whole(other)) => body == other,
            (Body::Whole(_) | Body::Broken(_), _) => false,
        }
    }

    fn success(&self) -> Result<&[u8], ProviderError> {
        if !(200..300).contains(&self.status) {
            return Err(self.failure());
        }
        match &self.body {
            Body::Whole(body) => Ok(body),
            Body::Broken(why) => Err(self.error(Certainty::Unknown, why)),
        }
    }
}

/// Reads the id of what a create made. Without it the create may have happened all the same.
pub(super) fn created(answer: &Answer) -> Result<String, ProviderError> {
    let CreatedWire { id } = answer.decode()?;
    object_id(id, "id").map_err(|unfit| answer.unfit(unfit))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CreatedWire {
    id: Wire<String>,
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns what RunPod's support, or Cloudflare's before it, can look the request up by.
fn request_id(headers: &HeaderMap) -> Option<RequestId> {
    let id = header(headers, "x-request-id").or_else(|| header(headers, "cf-ray"))?;
    let plain = id.len() <= 100 && id.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| RequestId::new(id))
}

/// Reads the form of the `Date` header, `Mon, 02 Nov 2026 09:00:01 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let (date, time) = jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S GMT", text.trim())
        .ok()
        .and_then(|parsed| Some((parsed.to_date().ok()?, parsed.to_time().ok()?)))?;
    date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp())
}

/// Reads `RateLimit: "minute";r=176;t=1, "hour";r=7193;t=2701` and returns the window with the least left.
fn quota(headers: &HeaderMap) -> Option<Quota> {
    let windows = header(headers, "ratelimit")?.split(',').filter_map(|window| {
        let parameter = |name: &str| {
            let text =
                window.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))?;
            text.trim().parse::<u32>().ok()
        };
        Some(Quota { remaining: parameter("r")?, resets_in: Duration::from_secs(u64::from(parameter("t")?)) })
    });
    windows.min_by_key(|quota| quota.remaining)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_given_the_key() {
        let origin = |base: &str| Origins::at(base).map(|origins| origins.origin());
        let refused = |text: &str| Err(SetupError::Unprotected(text.to_owned()));
        assert_eq!(Origins::public().origin(), "https://api.runpod.io");
        assert_eq!(origin("http://127.0.0.1:8080"), Ok("http://127.0.0.1:8080".to_owned()));
        assert_eq!(origin("http://127.9.9.9/"), Ok("http://127.9.9.9".to_owned()));
        assert_eq!(origin("http://[::1]:80"), Ok("http://[::1]".to_owned()));
        assert_eq!(origin("http://localhost:3000"), Ok("http://localhost:3000".to_owned()));
        assert_eq!(origin("https://mock.example"), Ok("https://mock.example".to_owned()));
        assert_eq!(origin("http://mock.example"), refused("http://mock.example"));
        assert_eq!(origin("http://127.0.0.1.mock.example"), refused("http://127.0.0.1.mock.example"));
        assert_eq!(origin("ftp://127.0.0.1"), refused("ftp://127.0.0.1"));
        assert_eq!(origin("https://a:b@mock.example"), Err(SetupError::Credentials));
        let with_path = Err(SetupError::NotAnOrigin("https://api.runpod.io".to_owned()));
        assert_eq!(origin("https://api.runpod.io/v2"), with_path);
        assert_eq!(origin("nonsense"), Err(SetupError::NoUrl));
    }

    #[test]
    fn the_tightest_window_is_the_quota() {
        let mut headers = HeaderMap::new();
        let text = r#""minute";r=176;t=1, "hour";r=93;t=2701, "day";r=50000;t=86400"#;
        headers.insert("ratelimit", HeaderValue::from_static(text));
        assert_eq!(quota(&headers), Some(Quota { remaining: 93, resets_in: Duration::from_secs(2_701) }));
        headers.insert("ratelimit", HeaderValue::from_static("nonsense;r=x"));
        assert_eq!(quota(&headers), None);
    }

    #[test]
    fn the_key_is_in_no_debug_output() {
        let transport = Transport::http(Origins::public(), &Secret::new("rpa_canary\n".to_owned())).unwrap();
        let shown = format!("{transport:?} {:?}", transport.headers(true));
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_key_with_a_line_break_inside_is_refused() {
        let key = Secret::new("rpa\nx".to_owned());
        assert_eq!(Transport::http(Origins::public(), &key).err(), Some(SetupError::Key));
    }
}
