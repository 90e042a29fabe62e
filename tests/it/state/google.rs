//! A server that speaks the XML API of Google Cloud Storage as far as a state asks it: no server that can be installed
//! knows its uploads and what they are asked on condition of.
//!
//! It shows listings in small pages. On order it does what Google does under load: it answers 429 or 503 to what it did not
//! do, and breaks off, or answers 500, after what it did.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use fastrand::Rng;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use podform::model::prior::Binding;
use podform::state::object_log::ObjectLog;
use tokio::sync::oneshot;

use super::servers::at;

/// How many objects a page of a listing has; Google's have a thousand.
const PAGE: usize = 3;

/// A server with one bucket, of one test.
pub struct Google {
    pub port: u16,
    bucket: Arc<Mutex<Bucket>>,
    /// Ends it.
    _end: oneshot::Sender<()>,
}

#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Object>,
    generation: i64,
    trouble: Option<(Rng, u32)>,
    ignores_conditions: bool,
    /// Who asked, in the words of the last request.
    authorization: String,
    requests: usize,
}

struct Object {
    text: Vec<u8>,
    generation: i64,
}

/// A file of credentials of which nothing is asked.
pub const NO_KEY: &str =
    r#"{"private_key": "", "private_key_id": "", "client_email": "", "disable_oauth": true}"#;

impl Google {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let bucket = Arc::new(Mutex::new(Bucket::default()));
        let router = Router::new().fallback(answer).with_state(bucket.clone());
        let (end, ended) = oneshot::channel::<()>();
        // Those who ask may be another process, or a test whose clock stands still.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let serving = axum::serve(listener, router);
                tokio::select! { _ = serving.into_future() => {}, _ = ended => {} }
            });
        });
        Self { port, bucket, _end: end }
    }

    /// One of which so many of a thousand requests fail.
    pub fn in_trouble(of_thousand: u32) -> Self {
        let server = Self::start();
        server.bucket.lock().unwrap().trouble = Some((Rng::with_seed(3), of_thousand));
        server
    }

    pub fn ignore_conditions(&self) {
        self.bucket.lock().unwrap().ignores_conditions = true;
    }

    pub fn requests(&self) -> usize {
        self.bucket.lock().unwrap().requests
    }

    pub fn authorization(&self) -> String {
        self.bucket.lock().unwrap().authorization.clone()
    }

    pub fn names(&self) -> Vec<String> {
        self.bucket.lock().unwrap().objects.keys().cloned().collect()
    }

    /// Returns what lies below a prefix, in the order of the names.
    #[cfg(feature = "postgres")]
    pub fn objects(&self, prefix: &str) -> Vec<Vec<u8>> {
        let bucket = self.bucket.lock().unwrap();
        let below = bucket.objects.iter().filter(|(name, _)| name.starts_with(prefix));
        below.map(|(_, object)| object.text.clone()).collect()
    }

    pub fn url(&self) -> String {
        self.url_by(self.port)
    }

    /// The same, asked by another port.
    pub fn url_by(&self, port: u16) -> String {
        format!("gs://bucket/team/acme?endpoint=http://127.0.0.1:{port}")
    }

    pub fn log(&self, binding: Binding, proposed: &str) -> ObjectLog {
        at(&self.url(), &[("GOOGLE_SERVICE_ACCOUNT_KEY", NO_KEY)], binding, proposed)
    }
}

async fn answer(State(bucket): State<Arc<Mutex<Bucket>>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let text = to_bytes(body, 1 << 30).await.unwrap().to_vec();
    let mut bucket = bucket.lock().unwrap();
    bucket.requests += 1;
    let authorization = head.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    bucket.authorization = authorization.unwrap_or_default();
    let trouble =
        bucket.trouble.as_mut().and_then(|(rng, rate)| (rng.u32(..1000) < *rate).then(|| rng.u8(..4)));
    match trouble {
        Some(0) => return refused(StatusCode::TOO_MANY_REQUESTS, "SlowDown"),
        Some(1) => return refused(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        _ => {}
    }
    let path = head.uri.path().strip_prefix("/bucket").expect("it has one bucket");
    let done = match path.strip_prefix('/') {
        None => bucket.list(head.uri.query().unwrap_or_default()),
        // A slash within the name is escaped, as Google wants it.
        Some(name) if !name.contains('/') => bucket.ask(&head.method, &decoded(name), &head.headers, text),
        Some(name) => panic!("`{name}` is no name of an object"),
    };
    match trouble {
        Some(2) => refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        Some(_) => broken_off(done),
        None => done,
    }
}

impl Bucket {
    fn ask(&mut self, method: &Method, name: &str, headers: &HeaderMap, text: Vec<u8>) -> Response<Body> {
        match *method {
            Method::PUT => {
                let there = self.objects.get(name).map_or(0, |object| object.generation).to_string();
                let condition = headers.get("x-goog-if-generation-match");
                if !self.ignores_conditions && condition.is_some_and(|wanted| *wanted != *there) {
                    return refused(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
                }
                self.generation += 1;
                let object = Object { text, generation: self.generation };
                let answer = object.head().body(Body::empty()).unwrap();
                self.objects.insert(name.to_owned(), object);
                answer
            }
            Method::GET => match self.objects.get(name) {
                Some(object) => object.head().body(object.text.clone().into()).unwrap(),
                None => refused(StatusCode::NOT_FOUND, "NoSuchKey"),
            },
            Method::DELETE => match self.objects.remove(name) {
                Some(_) => Response::builder().status(StatusCode::NO_CONTENT).body(Body::empty()).unwrap(),
                None => refused(StatusCode::NOT_FOUND, "NoSuchKey"),
            },
            _ => refused(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        }
    }

    fn list(&self, query: &str) -> Response<Body> {
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let prefix = query.get("prefix").map_or("", String::as_str);
        // A page goes on behind what its token names; the first one, unlike S3's, would begin with its name itself.
        let behind = query.get("continuation-token").or_else(|| query.get("start-after"));
        let behind = behind.map_or("", String::as_str);
        let listed =
            self.objects.iter().filter(|(name, _)| name.starts_with(prefix) && name.as_str() > behind);
        let listed: Vec<_> = listed.take(PAGE + 1).collect();
        let contents: String = listed.iter().take(PAGE).map(|(name, object)| object.listed(name)).collect();
        let is_cut = listed.len() > PAGE;
        let next = listed.get(PAGE - 1).filter(|_| is_cut);
        let next = next.map_or_else(String::new, |(name, _)| {
            format!("<NextContinuationToken>{name}</NextContinuationToken>")
        });
        xml(
            StatusCode::OK,
            &format!(
                "<ListBucketResult xmlns=\"http://doc.s3.amazonaws.com/2006-03-01\"><Name>bucket</Name><Prefix>{prefix}</Prefix><IsTruncated>{is_cut}</IsTruncated>{next}{contents}</ListBucketResult>"
            ),
        )
    }
}

impl Object {
    /// Its clock goes on by a second with every write.
    fn written_at(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + self.generation).unwrap()
    }

    fn head(&self) -> axum::http::response::Builder {
        Response::builder()
            .header("etag", format!("\"{:x}\"", self.generation))
            .header("x-goog-generation", self.generation)
            .header("last-modified", self.written_at().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }

    fn listed(&self, name: &str) -> String {
        let Self { text, generation } = self;
        format!(
            "<Contents><Key>{name}</Key><Generation>{generation}</Generation><LastModified>{:.3}</LastModified>\
             <ETag>\"{generation:x}\"</ETag><Size>{}</Size></Contents>",
            self.written_at(),
            text.len()
        )
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

fn refused(status: StatusCode, code: &str) -> Response<Body> {
    xml(status, &format!("<Error><Code>{code}</Code><Message>As ordered.</Message></Error>"))
}

fn xml(status: StatusCode, text: &str) -> Response<Body> {
    let text = format!("<?xml version='1.0' encoding='UTF-8'?>{text}");
    Response::builder().status(status).header("content-type", "application/xml").body(text.into()).unwrap()
}

/// Says how long an answer is and ends before.
fn broken_off(answer: Response<Body>) -> Response<Body> {
    let (mut head, _) = answer.into_parts();
    head.headers.insert("content-length", 10_u32.into());
    let broken = futures_util::stream::iter([Err::<Vec<u8>, _>(std::io::Error::other("as ordered"))]);
    Response::from_parts(head, Body::from_stream(broken))
}
