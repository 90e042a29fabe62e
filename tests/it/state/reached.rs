//! How the binary reaches stores of objects: which it refuses, what it shows to whom, and by which way.

#![expect(clippy::disallowed_methods, reason = "tests run programs, and listen")]

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use podform::model::id::Lineage;
use podform::model::location::Location;
use podform::model::secret::Secret;
use podform::state::object_log;

use super::binding;
use super::google::{Google, NO_KEY};
use super::servers::{S3rver, azurite, s3rver};
use crate::killed::SPEED;
use crate::served::{Audit, Place, shown};

const SPEC: &str = "pods:\n  llm: { image: 'ubuntu:24.04', gpu: L4 }\n";

/// A served world, and a spec whose state lies at this URL.
fn place(url: &str, variables: &[(&'static str, &str)]) -> Place {
    let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let place = Place::serve(&["--speed", SPEED]).with_state(url, variables);
    place.write_spec(SPEC);
    place
}

fn apply(place: &Place) -> Output {
    place.apply().output().unwrap()
}

/// Returns the first line that says what went wrong.
fn error(output: &Output) -> String {
    let said = shown(output);
    let line = said.lines().find(|line| line.starts_with("error: "));
    line.unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// Takes a state through its life there, while the environment names a proxy that nothing of it goes to.
fn lives_there(url: &str, variables: &[(&'static str, &str)]) {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let through = format!("http://{}", proxy.local_addr().unwrap());
    let ways = ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"].map(|name| (name, through.as_str()));
    let place = place(url, &[variables, &ways].concat());
    assert!(apply(&place).status.success(), "{}", shown(&apply(&place)));
    place.assert_plan_is_empty();
    assert_eq!(place.audit(&BTreeSet::new()), Audit::default());
    assert_eq!(place.pods().len(), 1);
    assert!(proxy.accept().is_err(), "the proxy was asked");
}

#[test]
fn a_state_lives_on_a_server_of_google() {
    let google = Google::start();
    lives_there(&google.url(), &[("GOOGLE_SERVICE_ACCOUNT_KEY", NO_KEY)]);
    assert!(google.requests() > 10);
}

#[test]
fn a_state_lives_on_a_server_of_azure() {
    let Some(azurite) = azurite() else { return };
    lives_there(&azurite.url(), &super::servers::Azurite::KEYS);
}

/// Says so before anything is made, and leaves nothing there.
fn is_refused(url: &str, variables: &[(&'static str, &str)], store: &str) {
    let place = place(url, variables);
    let output = apply(&place);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert_eq!(
        error(&output),
        format!(
            "error: failed to use state `{url}`: {store} writes an object that is there although it was to be created \
             only if absent (`If-None-Match: *`), so two runs could write at once; use another store"
        )
    );
    assert_eq!(place.pods().len(), 0);
}

#[test]
fn a_server_of_s3_that_ignores_conditions_is_refused() {
    let Some(s3rver) = s3rver() else { return };
    is_refused(&s3rver.url(), &S3rver::KEYS, "AmazonS3(bucket)");
}

#[test]
fn a_server_of_google_that_ignores_conditions_is_refused() {
    let google = Google::start();
    google.ignore_conditions();
    is_refused(&google.url(), &[("GOOGLE_SERVICE_ACCOUNT_KEY", NO_KEY)], "GoogleCloudStorage(bucket)");
    assert_eq!(google.names(), [""; 0]);
}

#[test]
fn a_server_that_a_spec_names_is_handed_no_token() {
    let google = Google::start();
    let endpoint = format!("http://127.0.0.1:{}", google.port);
    for url in [google.url(), format!("az://states/acme?account=acme&endpoint={endpoint}")] {
        let place =
            place("", &[("GOOGLE_SERVICE_ACCOUNT_KEY", NO_KEY), ("AZURE_STORAGE_ACCOUNT_KEY", "eA==")]);
        place.write_spec(&format!("state_url: '{url}'\n{SPEC}"));
        for arguments in [&["plan"][..], &["apply", "--auto-approve"], &["status"], &["state", "list"]] {
            let output = place.podform(arguments).env_remove("PODFORM_STATE").output().unwrap();
            let expected = format!(
                "error: the spec keeps the state on `{endpoint}`, which would be handed the token that opens it"
            );
            assert_eq!((output.status.code(), error(&output)), (Some(3), expected));
        }
    }
    assert_eq!(google.requests(), 0);
}

/// The key is made by `openssl`, as every key that stands in a repository is taken for a leak.
#[test]
fn the_credentials_of_a_service_account_need_nobody_else() {
    let google = Google::start();
    let made = Command::new("openssl").args(["genrsa", "2048"]).stderr(Stdio::null()).output();
    let Ok(made) = made else {
        assert!(std::env::var_os("PODFORM_REQUIRE_ENGINES").is_none(), "openssl is required");
        return super::servers::skipped("there is no openssl");
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    // What the file says of a server is not asked when it is Google's own kind of file.
    let key = serde_json::json!({
        "type": "service_account", "client_email": "podform@acme.example", "private_key_id": "1",
        "private_key": String::from_utf8(made.stdout).unwrap(), "gcs_base_url": "http://198.51.100.1",
    });
    fs::write(&file, key.to_string()).unwrap();
    let place = place(&google.url(), &[("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap())]);
    let output = apply(&place);
    assert!(output.status.success(), "{}", shown(&output));
    let authorization = google.authorization();
    let token = authorization.strip_prefix("Bearer ey").unwrap_or_else(|| panic!("{authorization}"));
    assert_eq!(token.split('.').count(), 3);
    assert!(!shown(&output).contains(token));
}

#[test]
fn a_file_of_credentials_names_no_server_in_the_clear() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let key =
        NO_KEY.replace('{', &format!("{{\"gcs_base_url\": \"http://{}\", ", listener.local_addr().unwrap()));
    let place = place("gs://bucket/team/acme", &[("GOOGLE_SERVICE_ACCOUNT_KEY", &key)]);
    let output = apply(&place);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert_eq!(
        error(&output),
        "error: failed to read state `gs://bucket/team/acme`: a server in the clear is named for it, such as by \
         `gcs_base_url`; it is `https://..`"
    );
    assert!(listener.accept().is_err(), "it was asked");
}

#[test]
fn what_is_wrong_with_a_key_is_said_without_it() {
    let said = [
        ("gs://bucket/acme", "GOOGLE_SERVICE_ACCOUNT_KEY", "\"hunter2\""),
        ("gs://bucket/acme", "GOOGLE_SERVICE_ACCOUNT_KEY", r#"{"private_key": {"hunter2": 1}}"#),
        ("gs://bucket/acme", "GOOGLE_SERVICE_ACCOUNT_KEY", r#"{"disable_oauth": "hunter2"}"#),
        (
            "gs://bucket/acme",
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            r#"{"private_key": "hunter2", "private_key_id": "hunter2", "client_email": ""}"#,
        ),
        ("gs://bucket/acme", "GOOGLE_SERVICE_ACCOUNT", "/nowhere/key.json"),
        ("az://states/acme?account=acme", "AZURE_STORAGE_ACCOUNT_KEY", "hunter2!"),
        ("az://states/acme?account=acme", "AZURE_STORAGE_SAS_TOKEN", "hunter2"),
    ]
    .map(|(url, name, value)| {
        let Location::Objects(bucket) = url.parse().unwrap() else { panic!("{url}") };
        let variables = [(name.to_owned(), Secret::new(value.to_owned()))].into();
        let opened =
            object_log::open(&bucket, &variables, url.to_owned(), binding("acme"), Lineage::new("line"));
        opened.map_or_else(|error| error.to_string(), |_| "opened".to_owned())
    });
    insta::assert_snapshot!(said.join("\n"), @"
    failed to open state `gs://bucket/acme`: the variables that open it cannot be used: no JSON of the right form, at line 1 column 9
    failed to open state `gs://bucket/acme`: the variables that open it cannot be used: no JSON of the right form, at line 1 column 16
    failed to open state `gs://bucket/acme`: the variables that open it cannot be used: no JSON of the right form, at line 1 column 27
    failed to open state `gs://bucket/acme`: the variables that open it cannot be used: the `private_key` of the credentials is no key in PEM form
    failed to open state `gs://bucket/acme`: the variables that open it cannot be used: No such file or directory (os error 2)
    failed to open state `az://states/acme?account=acme`: the variables that open it cannot be used: a key is no base64
    failed to open state `az://states/acme?account=acme`: the variables that open it cannot be used: Missing component in SAS query pair
    ");
}
