//! Where a state lies: a file, a database, or a prefix in object storage.
//!
//! A name of such a place never holds what lets anybody in: each engine's users have their own ways to say that, and a
//! spec, a process list and an error are read by many.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

/// The lengths that a lease may have: with a shorter one a slow answer costs it, with a longer one a dead run's lock stays.
const LEASES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(3600));

/// How long the lease of a state lasts without being renewed, unless its name says otherwise.
pub const LEASE: Duration = Duration::from_secs(60);

/// Where a state lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    File(String),
    Postgres(Database),
    Objects(Bucket),
}

/// A PostgreSQL database and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    pub host: String,
    pub port: u16,
    pub name: String,
    /// The role, where the name of the place says it.
    pub user: Option<String>,
    pub schema: String,
    pub tls: Tls,
    pub lease: Duration,
}

/// How a connection to a database is kept from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Encrypted, and the server proves its name: by the roots of this system, or by those of a file.
    Full { roots: Option<String> },
    /// In the clear, to this computer only.
    Off,
}

/// A prefix in object storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub store: Storage,
    /// The bucket or container; for files the folder.
    pub name: String,
    /// What stands before the names of all its objects, without a slash at either end; empty for files.
    pub prefix: String,
    pub lease: Duration,
}

/// Who keeps objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Amazon S3 and what speaks it.
    S3 { region: Option<String>, endpoint: Option<String> },
    /// Google Cloud Storage.
    Google { endpoint: Option<String> },
    /// Azure Blob Storage; its endpoint is that of the account.
    Azure { account: Option<String>, endpoint: Option<String> },
    /// A folder that several computers share.
    Folder,
}

impl Storage {
    /// Returns the server that is named in place of the service's own, if who asks hands it a token, with which it could
    /// then ask the service itself. A request to S3 is signed, and what it shows is of no use to others.
    pub fn handed_a_token(&self) -> Option<&str> {
        match self {
            Self::Google { endpoint } | Self::Azure { endpoint, account: _ } => endpoint.as_deref(),
            Self::S3 { .. } | Self::Folder => None,
        }
    }
}

/// Why a text names no place for a state. It never repeats what may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// It holds what lets somebody in.
    #[error("the URL of a state holds no password and no key; set {instead} in the environment")]
    Secret {
        /// The variables to use.
        instead: &'static str,
    },
    /// It is not of the form.
    #[error("{0}")]
    Form(String),
}

impl Database {
    /// Tells whether its server is this computer.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl Location {
    /// Tells whether it is a file of this computer that SQLite keeps.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) | Self::Objects(_) => None,
        }
    }
}

impl Location {
    /// Returns the key that a spec names it with.
    pub fn key(&self) -> &'static str {
        match self {
            Self::File(_) => "state_file",
            Self::Postgres(_) | Self::Objects(_) => "state_url",
        }
    }

    /// Returns the path of a file or folder: such a name does not say on which computer.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::File(path) | Self::Objects(Bucket { store: Storage::Folder, name: path, .. }) => Some(path),
            Self::Postgres(_) | Self::Objects(_) => None,
        }
    }

    /// Tells whether it is a prefix in a bucket that lies below the prefix of the other one, as far as names tell.
    pub fn is_below(&self, other: &Self) -> bool {
        let (Self::Objects(below), Self::Objects(above)) = (self, other) else { return false };
        let rest = below.prefix.strip_prefix(&above.prefix);
        let is_service = |one: &Storage, other: &Storage| match (one, other) {
            // A region is no part of where a bucket is found: names of buckets are those of all regions.
            (Storage::S3 { endpoint, .. }, Storage::S3 { endpoint: other, .. })
            | (Storage::Google { endpoint }, Storage::Google { endpoint: other }) => endpoint == other,
            (Storage::Azure { .. }, Storage::Azure { .. }) => one == other,
            _ => false,
        };
        is_service(&below.store, &above.store)
            && below.name == above.name
            && rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// Returns it as a spec has it, so with the role of a database, which is no secret but is of no use in a message.
    pub fn written(&self) -> String {
        let text = self.to_string();
        match self {
            Self::Postgres(Database { user: Some(user), .. }) => {
                let user = percent_encoding::utf8_percent_encode(user, percent_encoding::NON_ALPHANUMERIC);
                text.replacen("://", &format!("://{user}@"), 1)
            }
            Self::File(_) | Self::Postgres(_) | Self::Objects(_) => text,
        }
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        if text.trim().is_empty() {
            return Err(form("it is blank; give a path or a URL"));
        }
        let Some((scheme, _)) = text.split_once("://") else {
            return match text.split_once(':') {
                // A file of such a name is written `./s3:x`.
                Some((scheme, _)) if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) => {
                    Err(form(format!("two slashes follow `{scheme}:`")))
                }
                _ => Ok(Self::File(text.to_owned())),
            };
        };
        match scheme {
            "postgres" | "postgresql" => database(&parsed(text)?).map(Self::Postgres),
            "s3" | "gs" | "az" | "file" => bucket(&parsed(text)?).map(Self::Objects),
            "sqlite" => Err(form("give the path of a SQLite file as it is, such as `state/NAME.db`")),
            "http" | "https" => Err(form(
                "a state lies in a file, a database or a bucket; S3 of others is `s3://BUCKET/PREFIX?endpoint=https://..`",
            )),
            "gcs" => Err(form("Google Cloud Storage is spelled `gs://BUCKET/PREFIX`")),
            "azure" | "azblob" | "abfs" | "abfss" => {
                Err(form("Azure Blob Storage is spelled `az://CONTAINER/PREFIX`"))
            }
            // What nobody knows may be a password with a colon, so it is not repeated.
            _ => Err(form(
                "a state is a path, or a URL that begins with `postgres://`, `s3://`, `gs://`, `az://` or `file://`",
            )),
        }
    }
}

/// The URL, in its shortest form; it names the place and nobody who may go there.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path),
            Self::Postgres(Database { host, port, name, user: _, schema, tls, lease }) => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                write!(f, "postgres://{host}")?;
                if *port != PORT {
                    write!(f, ":{port}")?;
                }
                write!(f, "/{name}")?;
                let tls = match tls {
                    Tls::Full { roots } => [
                        is_loopback(&host).then(|| "sslmode=verify-full".to_owned()),
                        option("sslrootcert", roots),
                    ],
                    Tls::Off => [None, None],
                };
                let schema = (schema != SCHEMA).then(|| format!("schema={schema}"));
                options(f, tls.into_iter().chain([schema, lease_option(*lease)]))
            }
            Self::Objects(Bucket { store, name, prefix, lease }) => {
                let (scheme, own) = match store {
                    Storage::S3 { region, endpoint } => {
                        ("s3", [option("region", region), option("endpoint", endpoint)])
                    }
                    Storage::Google { endpoint } => ("gs", [option("endpoint", endpoint), None]),
                    Storage::Azure { account, endpoint } => {
                        ("az", [option("account", account), option("endpoint", endpoint)])
                    }
                    Storage::Folder => ("file", [None, None]),
                };
                write!(f, "{scheme}://{name}")?;
                if !prefix.is_empty() {
                    write!(f, "/{prefix}")?;
                }
                options(f, own.into_iter().chain([lease_option(*lease)]))
            }
        }
    }
}

/// What URLs of states begin with, and what is often written in their place.
const SCHEMES: &[&str] =
    &["postgres", "postgresql", "s3", "gs", "gcs", "az", "azure", "file", "sqlite", "http", "https"];

const PORT: u16 = 5432;
const SCHEMA: &str = "podform";

fn option(name: &str, value: &Option<String>) -> Option<String> {
    value.as_ref().map(|value| format!("{name}={value}"))
}

fn lease_option(lease: Duration) -> Option<String> {
    (lease != LEASE).then(|| format!("lease={}s", lease.as_secs()))
}

fn options(f: &mut fmt::Formatter<'_>, options: impl Iterator<Item = Option<String>>) -> fmt::Result {
    let options: Vec<String> = options.flatten().collect();
    if options.is_empty() { Ok(()) } else { write!(f, "?{}", options.join("&")) }
}

fn form(what: impl Into<String>) -> LocationError {
    LocationError::Form(what.into())
}

/// Tells whether a path has a part that the URL library takes out, so that it would name another place without a word.
fn has_dots(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let parts = path.split(['/', '\\']).map(|part| part.trim().to_ascii_lowercase().replace("%2e", "."));
    parts.into_iter().any(|part| part == "." || part == "..")
}

fn parsed(text: &str) -> Result<Url, LocationError> {
    if text.chars().any(char::is_control) {
        return Err(form("it holds characters that nobody sees"));
    }
    let url = Url::parse(text).map_err(|error| form(format!("it is no URL: {error}")))?;
    // What others write into such URLs, in all its spellings.
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["password", "secret", "token", "credential", "access_key", "accesskey", "sig", "sas"]
            .iter()
            .any(|word| name.contains(word))
    };
    let is_database = matches!(url.scheme(), "postgres" | "postgresql");
    if url.password().is_some()
        || (!url.username().is_empty() && !is_database)
        || url.query_pairs().any(|(name, _)| is_secret(&name))
    {
        return Err(LocationError::Secret { instead: instead(url.scheme()) });
    }
    if url.fragment().is_some() {
        return Err(form("it holds a `#`, which begins nothing here"));
    }
    if has_dots(text) {
        return Err(form("a part of its path is `.` or `..`; write the place itself"));
    }
    Ok(url)
}

/// Returns the variables that say what a URL may not.
fn instead(scheme: &str) -> &'static str {
    match scheme {
        "postgres" | "postgresql" => "`PGPASSWORD`, or `PGPASSFILE`",
        "s3" => "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or let a role give them",
        "gs" => "`GOOGLE_APPLICATION_CREDENTIALS`",
        "az" => "`AZURE_STORAGE_ACCOUNT_KEY`, or let a role give it",
        _ => "nothing: a folder needs none",
    }
}

/// Takes the options of a URL out, each at most once.
struct Taken<'a> {
    known: &'static [&'static str],
    pairs: Vec<(std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>)>,
}

impl<'a> Taken<'a> {
    fn of(url: &'a Url, known: &'static [&'static str]) -> Result<Self, LocationError> {
        let pairs: Vec<_> = url.query_pairs().collect();
        for (place, (name, value)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_ref()) {
                let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                return Err(form(format!("it has an option that is not known; there are {known}")));
            }
            if pairs[..place].iter().any(|(earlier, _)| earlier == name) {
                return Err(form(format!("its option `{name}` stands twice")));
            }
            if value.is_empty() || value.chars().any(|c| c.is_control() || c == '&' || c == '?') {
                return Err(form(format!("its option `{name}` has no value that can be used")));
            }
        }
        Ok(Self { known, pairs })
    }

    fn get(&self, name: &str) -> Option<String> {
        debug_assert!(self.known.contains(&name), "{name} is not listed");
        self.pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.to_string())
    }

    fn lease(&self) -> Result<Duration, LocationError> {
        let Some(text) = self.get("lease") else { return Ok(LEASE) };
        let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
        seconds.map(Duration::from_secs).filter(|lease| (LEASES.0..=LEASES.1).contains(lease)).ok_or_else(
            || form("its option `lease` is a number of seconds from `2s` to `3600s`, such as `60s`"),
        )
    }
}

fn database(url: &Url) -> Result<Database, LocationError> {
    let options = Taken::of(url, &["sslmode", "sslrootcert", "schema", "lease"])?;
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| form("it names no host; write `postgres://HOST/DATABASE`"))?;
    let host = decoded(host.trim_start_matches('[').trim_end_matches(']'))?;
    let name = decoded(url.path().trim_start_matches('/'))?;
    if name.is_empty() || name.contains('/') {
        return Err(form("it names no database; write `postgres://HOST/DATABASE`"));
    }
    let schema = options.get("schema").unwrap_or_else(|| SCHEMA.to_owned());
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if schema.len() > 63 || !schema.chars().all(is_plain) || schema.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(form("its schema may have small letters, digits and `_`, at most 63"));
    }
    let roots = options.get("sslrootcert");
    let tls = match options.get("sslmode").as_deref() {
        None if is_loopback(&host) && roots.is_none() => Tls::Off,
        None | Some("verify-full") => Tls::Full { roots },
        Some("disable") if is_loopback(&host) => Tls::Off,
        Some("disable") => {
            return Err(form("in the clear a state goes to this computer only; leave `sslmode` out"));
        }
        Some("require" | "prefer" | "allow" | "verify-ca") => {
            return Err(form(
                "its `sslmode` lets others pose as the server; `verify-full` does not, with `sslrootcert=FILE` for a server whose root this system does not know",
            ));
        }
        Some(_) => {
            return Err(form("its `sslmode` is `verify-full`, or `disable` for a server on this computer"));
        }
    };
    let user = Some(url.username()).filter(|user| !user.is_empty()).map(decoded).transpose()?;
    Ok(Database { host, port: url.port().unwrap_or(PORT), name, user, schema, tls, lease: options.lease()? })
}

fn bucket(url: &Url) -> Result<Bucket, LocationError> {
    let known: &'static [&'static str] = match url.scheme() {
        "s3" => &["region", "endpoint", "lease"],
        "gs" => &["endpoint", "lease"],
        "az" => &["account", "endpoint", "lease"],
        _ => &["lease"],
    };
    let options = Taken::of(url, known)?;
    if url.port().is_some() {
        return Err(form("a bucket has no port; another server is `?endpoint=https://HOST:PORT`"));
    }
    let lease = options.lease()?;
    if url.scheme() == "file" {
        let path = decoded(url.path())?;
        if url.host_str().is_some_and(|host| !host.is_empty()) || path.trim_matches('/').is_empty() {
            return Err(form("it names no folder; write `file:///PATH`, with three slashes"));
        }
        let name = path.trim_end_matches('/').to_owned();
        return Ok(Bucket { store: Storage::Folder, name, prefix: String::new(), lease });
    }
    let scheme = url.scheme();
    let name = decoded(url.host_str().unwrap_or_default())?;
    let belongs = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if !(3..=222).contains(&name.len()) || !name.chars().all(belongs) {
        let rule = "3 small letters, digits, `.`, `-` and `_` or more";
        return Err(form(format!("a bucket's name has {rule}; write `{scheme}://BUCKET/PREFIX`")));
    }
    let prefix = decoded(url.path().trim_matches('/'))?;
    let is_part = |part: &str| {
        let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=');
        !part.is_empty() && part != "." && part != ".." && part.chars().all(belongs)
    };
    if prefix.is_empty() {
        return Err(form(format!(
            "it names no prefix, and a bucket holds more than one state; write `{scheme}://{name}/podform/PROJECT`"
        )));
    }
    if prefix.len() > 500 || !prefix.split('/').all(is_part) {
        return Err(form("its prefix may have letters, digits, `.`, `-`, `_`, `=` and `/`"));
    }
    Ok(Bucket { store: storage(scheme, &options)?, name, prefix, lease })
}

fn storage(scheme: &str, options: &Taken<'_>) -> Result<Storage, LocationError> {
    let endpoint = options.get("endpoint").map(|text| endpoint(scheme, &text)).transpose()?;
    Ok(match scheme {
        "gs" => Storage::Google { endpoint },
        "az" => Storage::Azure { account: options.get("account").map(account).transpose()?, endpoint },
        _ => Storage::S3 { region: options.get("region").map(region).transpose()?, endpoint },
    })
}

/// Checks the name of an account of Azure: the name of the server begins with it, and that server is shown who asks, so
/// what ends a name, such as `/` and `#`, would choose another server.
fn account(name: String) -> Result<String, LocationError> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !(3..=24).contains(&name.len()) || !name.chars().all(is_name) {
        return Err(form("its `account` is 3 to 24 small letters and digits"));
    }
    Ok(name)
}

/// Checks a region, which is a part of names of servers as an account of Azure is: of that of the bucket, and of the one
/// that is shown a job's identity.
fn region(name: String) -> Result<String, LocationError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.len() > 63 || !name.chars().all(is_name) {
        return Err(form("its `region` is letters, digits, `-` and `_`, such as `eu-north-1`"));
    }
    Ok(name)
}

/// Checks a server that is not the service's own.
fn endpoint(scheme: &str, text: &str) -> Result<String, LocationError> {
    let url = Url::parse(text).map_err(|_| form("its `endpoint` is no URL"))?;
    if url.password().is_some() || !url.username().is_empty() {
        return Err(LocationError::Secret { instead: instead(scheme) });
    }
    let is_safe =
        url.scheme() == "https" || (url.scheme() == "http" && url.host_str().is_some_and(is_loopback));
    if !is_safe || url.query().is_some() || url.fragment().is_some() {
        return Err(form("its `endpoint` begins with `https://`; in the clear it is on this computer only"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn decoded(text: &str) -> Result<String, LocationError> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8();
    let text = text.map_err(|_| form("it holds bytes that are no text"))?;
    if text.chars().any(char::is_control) {
        return Err(form("it holds characters that nobody sees"));
    }
    Ok(text.into_owned())
}

/// Tells whether a host, as it stands in a URL, is this computer on every computer: to it alone goes what is not encrypted.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match text.parse::<Location>() {
            Ok(Location::File(path)) => format!("file {path}"),
            Ok(location) => location.to_string(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn a_place_is_named_in_one_way() {
        let cases = [
            "state/acme.db",
            "postgres://db.acme.example/pods",
            "postgresql://deploy@db.acme.example:6432/pods?schema=infra&lease=30s",
            "postgres://localhost/pods",
            "postgres://[::1]:5433/pods?sslmode=disable",
            "postgres://127.0.0.1/pods?sslmode=verify-full",
            "postgres://db.acme.example/pods?sslrootcert=certs/root.pem",
            "s3://acme-state/podform/llm",
            "s3://acme-state/podform/llm/?region=eu-north-1&endpoint=https://s3.acme.example/",
            "s3://acme-state/podform/llm?endpoint=http://127.0.0.1:9000",
            "gs://acme_state/podform",
            "gs://acme_state/podform?endpoint=https://storage.me-central2.rep.googleapis.com/",
            "az://states/podform?account=acme",
            "az://states/podform?account=acme&endpoint=https://acme.blob.core.usgovcloudapi.net",
            "az://states/podform?endpoint=http://127.0.0.1:10000/devstoreaccount1/",
            "file:///mnt/team/podform/llm/",
        ];
        insta::assert_snapshot!(cases.map(read).join("\n"), @r"
        file state/acme.db
        postgres://db.acme.example/pods
        postgres://db.acme.example:6432/pods?schema=infra&lease=30s
        postgres://localhost/pods
        postgres://[::1]:5433/pods
        postgres://127.0.0.1/pods?sslmode=verify-full
        postgres://db.acme.example/pods?sslrootcert=certs/root.pem
        s3://acme-state/podform/llm
        s3://acme-state/podform/llm?region=eu-north-1&endpoint=https://s3.acme.example
        s3://acme-state/podform/llm?endpoint=http://127.0.0.1:9000
        gs://acme_state/podform
        gs://acme_state/podform?endpoint=https://storage.me-central2.rep.googleapis.com
        az://states/podform?account=acme
        az://states/podform?account=acme&endpoint=https://acme.blob.core.usgovcloudapi.net
        az://states/podform?endpoint=http://127.0.0.1:10000/devstoreaccount1
        file:///mnt/team/podform/llm
        ");
        for case in cases {
            let location: Location = case.parse().unwrap();
            assert_eq!(location.written().parse::<Location>().unwrap(), location, "{case}");
        }
    }

    #[test]
    fn what_lets_somebody_in_is_refused_and_not_repeated() {
        let cases = [
            "postgres://ann:hunter2@db/pods",
            "postgres://db/pods?password=hunter2",
            "postgres://db/pods?sslpassword=hunter2",
            "s3://AKIAHUNTER2:hunter2@bucket/podform",
            "s3://hunter2@bucket/podform",
            "s3://bucket/podform?secret_access_key=hunter2",
            "s3://bucket/podform?endpoint=https://a:hunter2@host",
            "gs://bucket/podform?endpoint=https://a:hunter2@host",
            "az://states/podform?endpoint=https://host?sig=hunter2",
            "az://states/podform?endpoint=https://host%3Fsig=hunter2",
            "az://states/podform?sas_token=hunter2",
            "az://states/podform?sig=hunter2",
            "gs://bucket/podform?credentials=hunter2",
            "hunter2://x/y",
        ];
        let said = cases.map(read);
        assert!(said.iter().all(|said| said.starts_with("error: ") && !said.contains("unter2")), "{said:#?}");
    }

    #[test]
    fn what_names_no_place_says_how_to_write_it() {
        let cases = [
            "postgres:///pods",
            "postgres://db",
            "postgres://db/a/b",
            "postgres://db/pods?sslmode=disable",
            "postgres://db/pods?sslmode=require",
            "postgres://db/pods?schema=Infra",
            "postgres://db/pods?connect_timeout=3",
            "postgres://db/pods?lease=1s",
            "postgres://db/pods?lease=5m",
            "postgres://db/pods#x",
            "s3://bucket",
            "s3://bucket/",
            "s3://b/podform",
            "s3://Bucket_A/podform/../x",
            "s3://bucket/a/../../b",
            "gs://bucket/a/%2E%2e/b",
            "az://states/./a",
            "file:///mnt/team/.. ",
            "file:///mnt\\..\\x",
            "postgres://db/../pods",
            "s3://bucket/a/.\t./b",
            "s3://bucket/podform/a%20b",
            "s3://bucket/podform?endpoint=http://s3.acme.example",
            "gs://bucket/podform?endpoint=http://gcs.acme.example",
            "az://states/podform?endpoint=http://127.0.0.1.acme.example",
            "s3://bucket/podform?region=a&region=b",
            "s3://bucket/podform?region=other.example/",
            "s3://bucket/podform?region=other.example%23",
            "az://states/podform?account=other.example/",
            "az://states/podform?account=other.example%23",
            "az://states/podform?account=me@other.example/",
            "file://host/path",
            "file:///",
            "gcs://bucket/podform",
            "abfss://states/podform",
            "https://s3.acme.example/bucket",
            "sqlite://state.db",
            "redis://host",
            "s3:/bucket/podform",
            "file:/mnt/x",
            "s3:bucket",
            "S3:bucket",
            "postgres:",
            "file:x.db",
            "",
            " ",
        ];
        let said = cases.map(|case| format!("{}\n  {}", case.replace('\t', "\\t"), read(case)));
        insta::assert_snapshot!(said.join("\n"), @r"
        postgres:///pods
          error: it names no host; write `postgres://HOST/DATABASE`
        postgres://db
          error: it names no database; write `postgres://HOST/DATABASE`
        postgres://db/a/b
          error: it names no database; write `postgres://HOST/DATABASE`
        postgres://db/pods?sslmode=disable
          error: in the clear a state goes to this computer only; leave `sslmode` out
        postgres://db/pods?sslmode=require
          error: its `sslmode` lets others pose as the server; `verify-full` does not, with `sslrootcert=FILE` for a server whose root this system does not know
        postgres://db/pods?schema=Infra
          error: its schema may have small letters, digits and `_`, at most 63
        postgres://db/pods?connect_timeout=3
          error: it has an option that is not known; there are `sslmode`, `sslrootcert`, `schema`, `lease`
        postgres://db/pods?lease=1s
          error: its option `lease` is a number of seconds from `2s` to `3600s`, such as `60s`
        postgres://db/pods?lease=5m
          error: its option `lease` is a number of seconds from `2s` to `3600s`, such as `60s`
        postgres://db/pods#x
          error: it holds a `#`, which begins nothing here
        s3://bucket
          error: it names no prefix, and a bucket holds more than one state; write `s3://bucket/podform/PROJECT`
        s3://bucket/
          error: it names no prefix, and a bucket holds more than one state; write `s3://bucket/podform/PROJECT`
        s3://b/podform
          error: a bucket's name has 3 small letters, digits, `.`, `-` and `_` or more; write `s3://BUCKET/PREFIX`
        s3://Bucket_A/podform/../x
          error: a part of its path is `.` or `..`; write the place itself
        s3://bucket/a/../../b
          error: a part of its path is `.` or `..`; write the place itself
        gs://bucket/a/%2E%2e/b
          error: a part of its path is `.` or `..`; write the place itself
        az://states/./a
          error: a part of its path is `.` or `..`; write the place itself
        file:///mnt/team/.. 
          error: a part of its path is `.` or `..`; write the place itself
        file:///mnt\..\x
          error: a part of its path is `.` or `..`; write the place itself
        postgres://db/../pods
          error: a part of its path is `.` or `..`; write the place itself
        s3://bucket/a/.\t./b
          error: it holds characters that nobody sees
        s3://bucket/podform/a%20b
          error: its prefix may have letters, digits, `.`, `-`, `_`, `=` and `/`
        s3://bucket/podform?endpoint=http://s3.acme.example
          error: its `endpoint` begins with `https://`; in the clear it is on this computer only
        gs://bucket/podform?endpoint=http://gcs.acme.example
          error: its `endpoint` begins with `https://`; in the clear it is on this computer only
        az://states/podform?endpoint=http://127.0.0.1.acme.example
          error: its `endpoint` begins with `https://`; in the clear it is on this computer only
        s3://bucket/podform?region=a&region=b
          error: its option `region` stands twice
        s3://bucket/podform?region=other.example/
          error: its `region` is letters, digits, `-` and `_`, such as `eu-north-1`
        s3://bucket/podform?region=other.example%23
          error: its `region` is letters, digits, `-` and `_`, such as `eu-north-1`
        az://states/podform?account=other.example/
          error: its `account` is 3 to 24 small letters and digits
        az://states/podform?account=other.example%23
          error: its `account` is 3 to 24 small letters and digits
        az://states/podform?account=me@other.example/
          error: its `account` is 3 to 24 small letters and digits
        file://host/path
          error: it names no folder; write `file:///PATH`, with three slashes
        file:///
          error: it names no folder; write `file:///PATH`, with three slashes
        gcs://bucket/podform
          error: Google Cloud Storage is spelled `gs://BUCKET/PREFIX`
        abfss://states/podform
          error: Azure Blob Storage is spelled `az://CONTAINER/PREFIX`
        https://s3.acme.example/bucket
          error: a state lies in a file, a database or a bucket; S3 of others is `s3://BUCKET/PREFIX?endpoint=https://..`
        sqlite://state.db
          error: give the path of a SQLite file as it is, such as `state/NAME.db`
        redis://host
          error: a state is a path, or a URL that begins with `postgres://`, `s3://`, `gs://`, `az://` or `file://`
        s3:/bucket/podform
          error: two slashes follow `s3:`
        file:/mnt/x
          error: two slashes follow `file:`
        s3:bucket
          error: two slashes follow `s3:`
        S3:bucket
          error: two slashes follow `S3:`
        postgres:
          error: two slashes follow `postgres:`
        file:x.db
          error: two slashes follow `file:`

          error: it is blank; give a path or a URL
         
          error: it is blank; give a path or a URL
        ");
    }

    #[test]
    fn a_prefix_lies_below_another_one_of_the_same_bucket() {
        let cases = [
            ("s3://bucket/p/log", "s3://bucket/p", true),
            ("s3://bucket/p/a/b?region=eu-north-1", "s3://bucket/p?lease=5s", true),
            ("s3://bucket/p", "s3://bucket/p/log", false),
            ("s3://bucket/p", "s3://bucket/p", false),
            ("s3://bucket/p-2", "s3://bucket/p", false),
            ("s3://other/p/log", "s3://bucket/p", false),
            ("gs://bucket/p/log", "s3://bucket/p", false),
            ("s3://bucket/p/log?endpoint=https://s3.acme.example", "s3://bucket/p", false),
            ("az://states/p/log?account=acme", "az://states/p?account=acme", true),
            ("az://states/p/log?account=acme", "az://states/p?account=other", false),
            ("state/acme.db", "s3://bucket/p", false),
        ];
        for (below, above, is_below) in cases {
            let (one, other): (Location, Location) = (below.parse().unwrap(), above.parse().unwrap());
            assert_eq!(one.is_below(&other), is_below, "{below} below {above}");
        }
    }
}
