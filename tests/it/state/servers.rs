//! Servers that speak what stores of objects speak; each ends with the process that started it, also one that is killed.

#![expect(clippy::disallowed_methods, reason = "servers are started")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use podform::model::id::Lineage;
use podform::model::location::Location;
use podform::model::prior::Binding;
use podform::model::secret::Secret;
use podform::state::object_log::{self, ObjectLog};

/// Runs a server until its own input ends, which the kernel ends when nobody is left who could write to it.
const GUARD: &str = r#"
"$@" 2>&1 & server=$!
exec >/dev/null 2>&1
cat
kill "$server"
wait
"#;

/// A program that listens on this computer.
pub struct Server {
    guard: Child,
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

impl Server {
    /// Starts a program, which says `listening`, and behind the next `http://HOST:` or `HOST:` its port.
    fn start(program: &str, arguments: &[&str], listening: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "guard", program]).args(arguments).current_dir("/");
        let mut guard = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(guard.stdout.take().unwrap());
        let (mut line, mut all) = (String::new(), String::new());
        while !line.contains(listening) {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended before it listened: {all}");
            all.push_str(&line);
        }
        // What nobody reads would block it in the end.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let port = line.trim_end().rsplit(':').next().unwrap();
        Self { guard, port: port.parse().unwrap_or_else(|_| panic!("no port: {line}")) }
    }

    /// Sends a request without a body, which succeeds.
    fn put(&self, path: &str, headers: &str) {
        let address = format!("127.0.0.1:{}", self.port);
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "PUT {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n{headers}\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 ") || answer.contains(" 201 "), "{answer}");
    }
}

/// Returns the program that a variable names, or says what is not shown without it. Not whoever requires engines has
/// Node.js.
fn program(variable: &str, what: &str) -> Option<String> {
    let program = std::env::var(variable).ok();
    if program.is_none() {
        let required = std::env::var("PODFORM_REQUIRE_ENGINES").unwrap_or_default();
        assert_ne!(required, "all", "{variable} names no {what}, and one is required");
        skipped(&format!("{variable} names no {what}"));
    }
    program
}

#[expect(clippy::disallowed_macros, reason = "who runs the tests is told what was not tried")]
pub fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// Names the state at a URL, as a user does who has these variables.
pub fn at(url: &str, variables: &[(&str, &str)], binding: Binding, proposed: &str) -> ObjectLog {
    let Location::Objects(bucket) = url.parse().unwrap() else { panic!("{url}") };
    let variables: BTreeMap<_, _> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())))
        .collect();
    object_log::open(&bucket, &variables, "STATE".to_owned(), binding, Lineage::new(proposed)).unwrap()
}

/// A server of S3 that takes no notice of conditions, with a bucket.
pub struct S3rver {
    server: Server,
    _folder: tempfile::TempDir,
}

pub fn s3rver() -> Option<S3rver> {
    let program = program("PODFORM_S3RVER", "s3rver")?;
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().to_str().unwrap();
    let arguments = ["-d", directory, "-a", "127.0.0.1", "-p", "0", "--configure-bucket", "bucket"];
    Some(S3rver { server: Server::start(&program, &arguments, "listening on "), _folder: folder })
}

impl S3rver {
    /// The only key that it knows.
    pub const KEYS: [(&str, &str); 2] =
        [("AWS_ACCESS_KEY_ID", "S3RVER"), ("AWS_SECRET_ACCESS_KEY", "S3RVER")];

    pub fn url(&self) -> String {
        format!("s3://bucket/team/acme?endpoint=http://127.0.0.1:{}", self.server.port)
    }
}

/// Room for one state on the server of Azure's blobs that the tests of this process share.
pub struct Azurite {
    pub port: u16,
    number: u32,
}

/// The account of every server for development, and the key that everybody knows.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

pub fn azurite() -> Option<Azurite> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    static NUMBERS: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(|| {
        let program = program("PODFORM_AZURITE", "azurite-blob")?;
        let arguments =
            ["--inMemoryPersistence", "--blobPort", "0", "--disableTelemetry", "--skipApiVersionCheck"];
        let server = Server::start(&program, &arguments, "listens on http");
        make_container(&server);
        Some(server)
    });
    let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
    server.as_ref().map(|server| Azurite { port: server.port, number })
}

fn make_container(server: &Server) {
    let path = format!("/{ACCOUNT}/states?restype=container");
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = "PUT".parse().unwrap();
    *request.uri_mut() = format!("http://127.0.0.1:{}{path}", server.port).parse().unwrap();
    let key = AzureCredential::AccessKey(AzureAccessKey::try_new(KEY).unwrap());
    AzureAuthorizer::new(&key, ACCOUNT).try_authorize(&mut request).unwrap();
    let header = |(name, value): (_, &_)| format!("{name}: {}\r\n", to_text(value));
    server.put(&path, &request.headers().iter().map(header).collect::<String>());
}

fn to_text(value: &impl AsRef<[u8]>) -> &str {
    str::from_utf8(value.as_ref()).unwrap()
}

impl Azurite {
    /// What opens a state there.
    pub const KEYS: [(&str, &str); 1] = [("AZURE_STORAGE_ACCOUNT_KEY", KEY)];

    pub fn url(&self) -> String {
        self.url_by(self.port)
    }

    /// The same, asked by another port.
    pub fn url_by(&self, port: u16) -> String {
        let number = self.number;
        let endpoint = format!("http://127.0.0.1:{port}/{ACCOUNT}");
        format!("az://states/team/acme-{number}?account={ACCOUNT}&endpoint={endpoint}")
    }

    /// Returns what lies in a folder of the state, in the order of the names.
    #[cfg(feature = "postgres")]
    pub fn objects(&self, folder: &str) -> Vec<Vec<u8>> {
        use crate::moto::objects_in;

        // Building a client panics without a provider; a second installation only says that there is one.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let store = object_store::azure::MicrosoftAzureBuilder::new()
            .with_container_name("states")
            .with_account(ACCOUNT)
            .with_access_key(KEY)
            .with_endpoint(format!("http://127.0.0.1:{}/{ACCOUNT}", self.port))
            .with_allow_http(true)
            .build()
            .unwrap();
        objects_in(&store, &format!("team/acme-{}/{folder}", self.number))
    }

    pub fn log(&self, binding: Binding, proposed: &str) -> ObjectLog {
        at(&self.url(), &Self::KEYS, binding, proposed)
    }
}
