//! One request, one answer: over HTTP, or to a router called in this process.
//!
//! The router is how tests run the real wire code under tokio's paused clock: with a real socket, another thread or
//! the kernel does the work, and paused timers fire at once. Start at [`Transport::send`].
//!
//! The key stands in a header that is marked sensitive and nowhere else. Redirects are never followed, since
//! whoever redirects would be handed the key; `origins` says to whom it is sent at all.

use std::cell::{Cell, OnceCell};
use std::cmp::Reverse;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use http_body_util::BodyExt;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use tokio::time::Instant;
use tower::ServiceExt;

use super::answer::{Answer, Body, RawBody, read};
use super::origins::{Origins, SetupError};
use super::redact::Redactor;
use crate::model::clock::{SignedDuration, Timestamp};
use crate::model::id::RequestId;
use crate::model::prior::Api;
use crate::model::secret::Secret;
use crate::provider::speed::Speed;
use crate::provider::{Call, Certainty, ProviderError, Quota, Rejection, ServerTime};

/// After this time an answer is given up. RunPod's own clients wait as long.
const TIMEOUT: Duration = Duration::from_secs(30);
/// After this time a connection that was not made is given up; nothing has been sent by then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Two clocks of one computer that are further apart than this do not measure the same time; one that is only corrected
/// as it goes is not off by as much within the seconds for which a told time counts.
const CLOCKS_APART: Duration = Duration::from_secs(1);
/// The header in which a simulator tells how many seconds of its world pass in one of this computer's.
const SPEED: &str = "x-podform-speed";
/// RunPod's firewall refuses some clients by their default name.
pub(super) const USER_AGENT_TEXT: &str = concat!("podform/", env!("CARGO_PKG_VERSION"));

/// Sends requests with the key of one account.
pub(super) struct Transport {
    way: Way,
    authorization: HeaderValue,
    redactor: Redactor,
    quota: Cell<Option<(Instant, Quota)>>,
    told: Cell<Option<Told>>,
    /// How fast the account's time goes, which a simulator of this computer alone may say.
    speed: Cell<Speed>,
    /// Tells the time by a clock that goes on while this computer is suspended.
    awake: Option<fn() -> Timestamp>,
}

/// When the server told its time, by both clocks of this computer.
#[derive(Clone, Copy)]
struct Told {
    date: Timestamp,
    at: Instant,
    awake: Option<Timestamp>,
}

enum Way {
    /// The client is built at the first request: loading the system's certificates takes time.
    Http {
        origins: Box<Origins>,
        client: OnceCell<reqwest::Client>,
    },
    InProcess(Router),
}

impl Way {
    /// Tells whether all that answers is on this computer.
    fn is_here(&self) -> bool {
        match self {
            Self::Http { origins, client: _ } => origins.here().is_some(),
            Self::InProcess(_) => false,
        }
    }
}

/// A request, ready to be sent.
pub(super) struct Request {
    /// What it does.
    pub(super) call: Call,
    pub(super) api: Api,
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
pub(super) fn segment(call: Call, id: &str) -> Result<&str, ProviderError> {
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
    pub(super) fn http(
        origins: Origins,
        key: &Secret<String>,
        awake: fn() -> Timestamp,
    ) -> Result<Self, SetupError> {
        let way = Way::Http { origins: Box::new(origins), client: OnceCell::new() };
        Ok(Self { awake: Some(awake), ..Self::new(way, key)? })
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
        Ok(Self {
            way,
            authorization,
            redactor,
            quota: Cell::new(None),
            told: Cell::new(None),
            speed: Cell::new(Speed::REAL),
            awake: None,
        })
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
            let awake = self.awake.map(|tell| tell());
            self.told.set(Some(Told { date, at: Instant::now(), awake }));
        }
        if let Some(speed) = header(headers, SPEED).and_then(Speed::told).filter(|_| self.way.is_here()) {
            self.speed.set(speed);
        }
    }

    /// Returns what takes secret values out of texts.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Returns the server's time, as its last answer with a `Date` told it.
    ///
    /// Where the two clocks of this computer disagree on how long ago that was, nobody knows: it was suspended, which the
    /// clock that never jumps does not notice, or the other one was set.
    pub(super) fn server_time(&self) -> Option<ServerTime> {
        let Told { date, at, awake } = self.told.get()?;
        let ago = at.elapsed();
        if let Some((then, tell)) = awake.zip(self.awake) {
            let by_other = tell().duration_since(then);
            let apart = by_other.checked_sub(SignedDuration::try_from(ago).ok()?)?;
            if apart.unsigned_abs() > CLOCKS_APART {
                return None;
            }
        }
        Some(ServerTime { date, ago })
    }

    /// Returns how fast the account's time goes, as far as answers have told it.
    pub(super) fn speed(&self) -> Speed {
        self.speed.get()
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
    // Reading the certificates of the system takes longer than a plan of one pod, and plain HTTP needs none.
    let builder = if origins.is_plain() { builder.tls_certs_only([]) } else { builder };
    // A proxy would be handed the key in the clear, and could not reach this machine anyway.
    if origins.is_local() { builder.no_proxy().build() } else { builder.build() }
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
pub(super) fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
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

/// Reads `RateLimit: "minute";r=176;t=1, "hour";r=7193;t=2701` and returns the window with the least left; of equal ones
/// the longer wait, as nothing is allowed before both have ended. A list may come in several headers.
fn quota(headers: &HeaderMap) -> Option<Quota> {
    let lists = headers.get_all("ratelimit").iter().filter_map(|list| list.to_str().ok());
    let windows = lists.flat_map(|list| list.split(',')).filter_map(|window| {
        let parameter = |name: &str| {
            let text =
                window.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))?;
            text.trim().parse::<u32>().ok()
        };
        Some(Quota { remaining: parameter("r")?, resets_in: Duration::from_secs(u64::from(parameter("t")?)) })
    });
    windows.min_by_key(|quota| (quota.remaining, Reverse(quota.resets_in)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderName;

    use super::*;

    #[test]
    fn the_tightest_window_is_the_quota() {
        let mut headers = HeaderMap::new();
        let text = r#""minute";r=176;t=1, "hour";r=93;t=2701, "day";r=50000;t=86400"#;
        headers.insert("ratelimit", HeaderValue::from_static(text));
        assert_eq!(quota(&headers), Some(Quota { remaining: 93, resets_in: Duration::from_secs(2_701) }));
        headers.insert("ratelimit", HeaderValue::from_static("nonsense;r=x"));
        assert_eq!(quota(&headers), None);
        assert_eq!(quota(&HeaderMap::new()), None);
    }

    #[test]
    fn of_two_used_up_windows_the_longer_one_is_waited_for() {
        let hour = Some(Quota { remaining: 0, resets_in: Duration::from_secs(2_701) });
        let mut headers = HeaderMap::new();
        headers.insert("ratelimit", HeaderValue::from_static(r#""minute";r=0;t=12, "hour";r=0;t=2701"#));
        assert_eq!(quota(&headers), hour);
        // Each window in a header of its own is the same list.
        headers.insert("ratelimit", HeaderValue::from_static(r#""minute";r=0;t=12"#));
        headers.append("ratelimit", HeaderValue::from_static(r#""hour";r=0;t=2701"#));
        assert_eq!(quota(&headers), hour);
    }

    fn epoch() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    /// The clock that never jumps, the other one, and how long ago the time was told, if that is known.
    #[tokio::test(start_paused = true)]
    async fn a_time_from_before_a_suspension_is_no_told_time() {
        thread_local! {
            static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
        }
        let key = Secret::new("key".to_owned());
        let transport = Transport::http(Origins::public(), &key, || NOW.get()).unwrap();
        let mut date = HeaderMap::new();
        date.insert("date", HeaderValue::from_static("Mon, 02 Nov 2026 09:00:00 GMT"));
        let cases = [
            (0, 0, Some(0)),
            (9, 9, Some(9)),
            (9, 10, Some(9)),
            (9, 11, None),
            (9, 3_600, None),
            (9, -3_600, None),
            (3_600, 3_600, Some(3_600)),
        ];
        for (steady, awake, told) in cases {
            transport.heed(&date);
            tokio::time::advance(Duration::from_secs(steady)).await;
            NOW.set(NOW.get() + SignedDuration::from_secs(awake));
            let ago = transport.server_time().map(|told| told.ago.as_secs());
            assert_eq!(ago, told, "{steady} {awake}");
        }
    }

    /// A speed makes waits shorter, so nobody but a simulator that somebody runs here may tell one.
    #[test]
    fn a_speed_is_believed_of_this_computer_alone() {
        let key = Secret::new("key".to_owned());
        let told = |url: &str, told: &[&'static str]| {
            let transport = Transport::http(Origins::at(url).unwrap(), &key, epoch).unwrap();
            for speed in told {
                let speed = HeaderValue::from_static(speed);
                transport.heed(&HeaderMap::from_iter([(HeaderName::from_static(SPEED), speed)]));
            }
            transport.heed(&HeaderMap::new());
            transport.speed().there(Duration::from_secs(1)).as_secs()
        };
        assert_eq!(told("http://127.0.0.1:8080", &["20"]), 20);
        assert_eq!(told("http://localhost:8080", &["20", "7"]), 7);
        assert_eq!(told("http://127.0.0.1:8080", &["20", "9000"]), 20);
        assert_eq!(told("https://api.runpod.io", &["20"]), 1);
    }

    #[test]
    fn the_key_is_in_no_debug_output() {
        let transport =
            Transport::http(Origins::public(), &Secret::new("rpa_canary\n".to_owned()), epoch).unwrap();
        let shown = format!("{transport:?} {:?}", transport.headers(true));
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_key_with_a_line_break_inside_is_refused() {
        let key = Secret::new("rpa\nx".to_owned());
        assert_eq!(Transport::http(Origins::public(), &key, epoch).err(), Some(SetupError::Key));
    }
}
