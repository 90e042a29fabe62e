//! Making the store that the name of a place means, from values: nothing here reads the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use super::requests::{Counts, REQUEST_LIMIT, Requests, said};
use super::{Inner, ObjectLog};
use crate::model::id::Lineage;
use crate::model::location::{Bucket, Storage, is_loopback};
use crate::model::prior::Binding;
use crate::model::secret::Secret;
use crate::state::StateError;

/// How long it may take to reach a store.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The variables in which users of the three services say who they are, and what their own tools read beside that. What
/// would weaken a connection, or what this is built on, is not among them.
pub const CREDENTIALS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_REQUEST_PAYER",
    "AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_SSE_KMS_KEY_ID",
    "AWS_SSE_BUCKET_KEY_ENABLED",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_TENANT_ID",
    "AZURE_AUTHORITY_HOST",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_MSI_ENDPOINT",
    "IDENTITY_ENDPOINT",
];

/// Names a state at a place; asks nothing of it. `name` is how messages have it, `variables` are those of [`CREDENTIALS`]
/// that are set.
///
/// # Errors
/// No store can be made of that, such as of an endpoint in the clear on another computer.
pub fn open(
    bucket: &Bucket,
    variables: &BTreeMap<String, Secret<String>>,
    name: String,
    binding: Binding,
    proposed: Lineage,
) -> Result<ObjectLog, StateError> {
    let failed = |why| StateError::Failed { doing: "open", path: name.clone(), why };
    let Made { store, prefix, folder } = made(bucket, &Variables(variables)).map_err(failed)?;
    let requests = Requests { store, prefix, counts: Counts::default(), folder };
    Ok(ObjectLog(Arc::new(Inner { requests, name, binding, proposed, lease: bucket.lease })))
}

struct Made {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Where it is a folder of this computer: that.
    folder: Option<PathBuf>,
}

fn made(bucket: &Bucket, variables: &Variables<'_>) -> Result<Made, String> {
    let Bucket { store, name, prefix, lease: _ } = bucket;
    let in_bucket = |store| Made { store, prefix: Path::from(prefix.as_str()), folder: None };
    match store {
        Storage::S3 { region, endpoint } => s3(name, region.as_deref(), endpoint.as_deref(), variables),
        Storage::Google { endpoint } => google(name, endpoint.as_deref(), variables),
        Storage::Azure { account, endpoint } => {
            azure(name, account.as_deref(), endpoint.as_deref(), variables)
        }
        Storage::Folder => return in_folder(name),
    }
    .map(in_bucket)
}

/// Variables that are set.
struct Variables<'a>(&'a BTreeMap<String, Secret<String>>);

impl Variables<'_> {
    /// Returns those of a service, each with the key that its builder has for it.
    fn keyed<K: std::str::FromStr>(&self, service: &str) -> Vec<(K, &str)> {
        let known = CREDENTIALS.iter().filter(|name| name.starts_with(service));
        let keyed = known.filter_map(|name| Some((name.to_ascii_lowercase().parse().ok()?, self.get(name)?)));
        keyed.collect()
    }

    /// Returns one; one that is empty is not set.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.expose().as_str()).filter(|value| !value.is_empty())
    }
}

fn s3(
    bucket: &str,
    region: Option<&str>,
    endpoint: Option<&str>,
    variables: &Variables<'_>,
) -> Result<Arc<dyn ObjectStore>, String> {
    let mut builder = AmazonS3Builder::new();
    for (key, value) in variables.keyed("AWS_") {
        builder = builder.with_config(key, value);
    }
    if let Some(region) = region {
        builder = builder.with_region(region);
    }
    let endpoint = endpoint
        .or_else(|| variables.get("AWS_ENDPOINT_URL_S3"))
        .or_else(|| variables.get("AWS_ENDPOINT_URL"));
    let client = client(endpoint)?;
    if let Some(endpoint) = endpoint {
        // Under both names, of which the crate prefers the other.
        let key = object_store::aws::AmazonS3ConfigKey::S3Endpoint;
        builder = builder.with_endpoint(endpoint).with_config(key, endpoint);
    }
    let builder = builder.with_bucket_name(bucket).with_client_options(client).with_retry(once());
    Ok(Arc::new(builder.build().map_err(|error| unusable(&error))?))
}

/// A file of credentials may name a server, too; like the service's own it is reached encrypted or not at all.
fn google(
    bucket: &str,
    endpoint: Option<&str>,
    variables: &Variables<'_>,
) -> Result<Arc<dyn ObjectStore>, String> {
    let mut builder = GoogleCloudStorageBuilder::new();
    for (key, value) in variables.keyed("GOOGLE_") {
        builder = builder.with_config(key, value);
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_base_url(endpoint);
    }
    let builder = builder.with_bucket_name(bucket).with_client_options(client(endpoint)?).with_retry(once());
    Ok(Arc::new(builder.build().map_err(|error| unusable(&error))?))
}

fn azure(
    container: &str,
    account: Option<&str>,
    endpoint: Option<&str>,
    variables: &Variables<'_>,
) -> Result<Arc<dyn ObjectStore>, String> {
    let mut builder = MicrosoftAzureBuilder::new();
    for (key, value) in variables.keyed("AZURE_") {
        builder = builder.with_config(key, value);
    }
    if let Some(endpoint) = variables.get("IDENTITY_ENDPOINT") {
        builder = builder.with_msi_endpoint(endpoint);
    }
    if let Some(account) = account {
        builder = builder.with_account(account);
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint.to_owned());
    }
    let builder = builder.with_container_name(container).with_client_options(client(endpoint)?);
    Ok(Arc::new(builder.with_retry(once()).build().map_err(|error| unusable(&error))?))
}

/// A folder is named from the root on, so that one that is not there yet can be read, as nothing.
fn in_folder(path: &str) -> Result<Made, String> {
    let prefix = Path::from_absolute_path(path).map_err(|error| error.to_string())?;
    let store = Arc::new(LocalFileSystem::new().with_fsync(true));
    Ok(Made { store, prefix, folder: Some(PathBuf::from(path)) })
}

/// Says why there is no store: what was asked for was judged before, so what is wrong is what the environment says.
fn unusable(error: &object_store::Error) -> String {
    format!("the variables that open it cannot be used: {}", said(error))
}

/// Tells whether an endpoint is reached in the clear, which goes to this computer only.
fn is_plain(endpoint: Option<&str>) -> Result<bool, String> {
    let Some(endpoint) = endpoint else { return Ok(false) };
    let url = Url::parse(endpoint).map_err(|error| format!("its endpoint is no URL: {error}"))?;
    match url.scheme() {
        "https" => Ok(false),
        "http" if url.host_str().is_some_and(is_loopback) => Ok(true),
        _ => Err("its endpoint is `https://..`; in the clear a state goes to this computer only".to_owned()),
    }
}

/// How a store is reached.
fn client(endpoint: Option<&str>) -> Result<ClientOptions, String> {
    let is_plain = is_plain(endpoint)?;
    // Building a client panics without a provider; a second installation only says that there is one.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let options = ClientOptions::new()
        .with_timeout(REQUEST_LIMIT)
        .with_connect_timeout(CONNECT_LIMIT)
        .with_allow_http(is_plain);
    Ok(match endpoint {
        // A proxy of the environment would get in the clear what is for this computer only. There is no word for none, but
        // one that is named takes its place, and this one is left out for all.
        Some(endpoint) if is_plain => options.with_proxy_url(endpoint).with_proxy_excludes("*"),
        _ => options,
    })
}

/// The crate's own second tries are off: of a write that got no answer nothing is known, and only reading it back tells.
fn once() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}
