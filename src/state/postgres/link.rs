//! One connection, on which nothing stays behind that the next transaction would need: it works behind PgBouncer in
//! transaction mode. So each query brings its types along, and no statement is named or prepared on the server.
//!
//! Everything ends in bounded time, even if the other side falls silent. Requests that are polled together go out together
//! and are answered in order: one round trip.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::Fault;
use super::server::Server;
use crate::model::location::{Database, Tls};

/// How long a connection may take to be made, TLS and password included.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// A value that goes with a statement.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(Option<String>),
    Number(i64),
    Texts(Vec<Option<String>>),
    Numbers(Vec<i64>),
    Switches(Vec<bool>),
}

impl Value {
    fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Text(text) => (text, Type::TEXT),
            Self::Number(number) => (number, Type::INT8),
            Self::Texts(texts) => (texts, Type::TEXT_ARRAY),
            Self::Numbers(numbers) => (numbers, Type::INT8_ARRAY),
            Self::Switches(switches) => (switches, Type::BOOL_ARRAY),
        }
    }

    /// Returns the texts in it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let texts = match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::Texts(texts) => texts,
            Self::Number(_) | Self::Numbers(_) | Self::Switches(_) => &[],
        };
        texts.iter().flatten().map(String::as_str)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// One statement with its values.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

/// A connection.
pub(super) struct Link {
    client: Client,
    driver: JoinHandle<()>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("is_closed", &self.client.is_closed()).finish()
    }
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// As the server or the network says, in at most [`CONNECT`].
    pub(super) async fn open(server: &Server) -> Result<Self, Fault> {
        let config = config(server)?;
        match &server.database.tls {
            Tls::Off => {
                Self::within(async {
                    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
                    Ok(Self { client, driver: tokio::spawn(async { drop(connection.await) }) })
                })
                .await
            }
            Tls::Full { roots } => {
                let tls = MakeRustlsConnect::new(tls(roots.as_ref().map(|_| server.roots.as_deref()))?);
                Self::within(async {
                    let (client, connection) = config.connect(tls).await?;
                    Ok(Self { client, driver: tokio::spawn(async { drop(connection.await) }) })
                })
                .await
            }
        }
    }

    async fn within(
        connecting: impl Future<Output = Result<Self, tokio_postgres::Error>>,
    ) -> Result<Self, Fault> {
        match timeout(CONNECT, connecting).await {
            Ok(made) => made.map_err(|error| Fault::of_connecting(&error)),
            Err(_) => Err(Fault::Lost(format!("no connection within {} s", CONNECT.as_secs()))),
        }
    }

    /// Runs statements without values, as one message.
    pub(super) async fn batch(&self, statements: &str) -> Result<(), Fault> {
        answered(self.client.batch_execute(statements)).await
    }

    /// Runs a statement and returns its rows.
    pub(super) async fn rows(&self, text: &str, values: &[Value]) -> Result<Vec<Row>, Fault> {
        let values: Vec<_> = values.iter().map(Value::typed).collect();
        answered(self.client.query_typed(text, &values)).await
    }

    /// Runs a statement and returns how many rows it changed.
    pub(super) async fn execute(&self, statement: &Statement) -> Result<u64, Fault> {
        let values: Vec<_> = statement.values.iter().map(Value::typed).collect();
        answered(self.client.execute_typed(&statement.text, &values)).await
    }
}

impl Drop for Link {
    /// A connection that is gone or silent is not spoken to any more; any other one ends by saying so.
    fn drop(&mut self) {
        if self.client.is_closed() {
            self.driver.abort();
        }
    }
}

async fn answered<T>(answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Fault> {
    match timeout(ANSWER, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Fault::Lost(format!("no answer within {} s", ANSWER.as_secs()))),
    }
}

fn config(server: &Server) -> Result<Config, Fault> {
    let Server { database, credentials, .. } = server;
    let Database { host, port, name, user, schema: _, tls, lease: _ } = database;
    if host.is_empty() || host.starts_with(['/', '@']) {
        return Err(Fault::Refused(format!("`{host}` is no name or address of a host")));
    }
    if *tls == Tls::Off && !database.is_loopback() {
        return Err(Fault::Refused(format!(
            "`{host}` is another computer, which is spoken to with TLS only: `sslmode=verify-full`"
        )));
    }
    let user = user.as_ref().or(credentials.user.as_ref().map(|user| user.expose()));
    let user = user.ok_or_else(|| Fault::Refused("no user is named: set `PGUSER`".to_owned()))?;
    let mut config = Config::new();
    config
        .host(host)
        .port(*port)
        .dbname(name)
        .user(user)
        .application_name("podform")
        .connect_timeout(CONNECT)
        .keepalives_idle(CONNECT)
        .tcp_user_timeout(ANSWER)
        .ssl_mode(if *tls == Tls::Off { SslMode::Disable } else { SslMode::Require });
    // A server of this computer is spoken to in the clear, where nothing can be bound to.
    if *tls != Tls::Off && !credentials.trusts_server {
        config.channel_binding(ChannelBinding::Require);
    }
    if let Some(password) = &credentials.password {
        config.password(password.expose());
    }
    Ok(config)
}

/// Returns how the server's certificate is judged: by the roots of this system, or by those of a file, if one is named.
fn tls(file: Option<Option<&[u8]>>) -> Result<ClientConfig, Fault> {
    let unusable = |error: rustls::Error| Fault::Refused(format!("no TLS: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    let Some(pem) = file else {
        return Ok(builder.with_platform_verifier().map_err(unusable)?.with_no_client_auth());
    };
    let pem = pem.ok_or_else(|| Fault::Refused("the root certificates were not read".to_owned()))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate
            .map_err(|error| Fault::Refused(format!("the root certificates cannot be read: {error}")))?;
        store.add(certificate).map_err(unusable)?;
    }
    if store.is_empty() {
        return Err(Fault::Refused("the root certificates hold no certificate".to_owned()));
    }
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}
