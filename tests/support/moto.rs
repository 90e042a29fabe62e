//! A server of S3 of this process's own, that ends with it.

#![expect(clippy::disallowed_methods, reason = "a server is looked for and started")]
#![expect(clippy::disallowed_macros, reason = "what could not be shown is said")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

#[cfg(feature = "postgres")]
use futures_util::TryStreamExt as _;
#[cfg(feature = "postgres")]
use object_store::{ObjectStore, ObjectStoreExt as _};

/// A server of S3 that ends with the test.
pub struct Moto {
    server: Child,
    pub port: u16,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Starts an S3 server with a bucket, or says why there is none.
pub fn moto() -> Option<Moto> {
    let Ok(program) = std::env::var("PODFORM_MOTO") else {
        assert!(std::env::var_os("PODFORM_REQUIRE_ENGINES").is_none(), "PODFORM_MOTO names no S3 server");
        eprintln!("skipped: PODFORM_MOTO does not name a moto_server");
        return None;
    };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(program);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let mut server = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(server.stderr.take().unwrap());
    let moto = Moto { server, port };
    let mut line = String::new();
    while !line.contains("Running on http") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended before it listened");
    }
    // What nobody reads would block it in the end.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    moto.make_bucket();
    Some(moto)
}

impl Moto {
    fn make_bucket(&self) {
        let address = format!("127.0.0.1:{}", self.port);
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "PUT /bucket HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 "), "{answer}");
    }

    /// Returns what lies below a prefix, in the order of the names.
    #[cfg(feature = "postgres")]
    pub fn objects(&self, prefix: &str) -> Vec<Vec<u8>> {
        // Building a client panics without a provider; a second installation only says that there is one.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let store = object_store::aws::AmazonS3Builder::new()
            .with_bucket_name("bucket")
            .with_region("us-east-1")
            .with_endpoint(format!("http://127.0.0.1:{}", self.port))
            .with_allow_http(true)
            .with_access_key_id("x")
            .with_secret_access_key("x")
            .build()
            .unwrap();
        objects_in(&store, prefix)
    }
}

/// Returns what a store has below a prefix, in the order of the names.
#[cfg(feature = "postgres")]
pub fn objects_in(store: &impl ObjectStore, prefix: &str) -> Vec<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let below = object_store::path::Path::from(prefix);
        let mut found: Vec<_> = store.list(Some(&below)).try_collect().await.unwrap();
        found.sort_by(|one, other| one.location.cmp(&other.location));
        let mut objects = Vec::new();
        for object in found {
            objects.push(store.get(&object.location).await.unwrap().bytes().await.unwrap().to_vec());
        }
        objects
    })
}
