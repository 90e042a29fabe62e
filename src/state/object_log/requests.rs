//! Single requests to the store, counted and bounded, and what they say in words that may be shown.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use tokio::time::timeout;

use crate::model::clock::Timestamp;

/// How long one request may take. One that has not been answered by then may still be done.
pub(super) const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// One of the objects of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Entry(u64),
    Snapshot(u64),
    Lease(u64),
    Floor,
    Probe(String),
}

/// A folder of numbered objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    Log,
    Snapshots,
    Leases,
}

impl Folder {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Snapshots => "snapshot",
            Self::Leases => "lease",
        }
    }

    pub(super) fn object(self, number: u64) -> Object {
        match self {
            Self::Log => Object::Entry(number),
            Self::Snapshots => Object::Snapshot(number),
            Self::Leases => Object::Lease(number),
        }
    }
}

impl Object {
    /// Returns what it calls itself.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Entry(_) => Folder::Log.name(),
            Self::Snapshot(_) => Folder::Snapshots.name(),
            Self::Lease(_) => Folder::Leases.name(),
            Self::Floor => "floor",
            Self::Probe(_) => "probe",
        }
    }

    /// Returns the most bytes that are read of it.
    pub(super) fn largest(&self) -> u64 {
        match self {
            Self::Snapshot(_) => 256 << 20,
            Self::Entry(_) => 64 << 20,
            Self::Lease(_) | Self::Floor | Self::Probe(_) => 64 << 10,
        }
    }
}

/// Its name below the prefix. Of a fixed width, so that listings have numbers in their order.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::Entry(number) | Self::Snapshot(number) | Self::Lease(number) => {
                write!(f, "{kind}/{number:020}")
            }
            Self::Floor => f.write_str(kind),
            Self::Probe(name) => write!(f, "{kind}/{name}"),
        }
    }
}

/// How many requests were made.
#[derive(Debug, Default)]
pub struct Counts {
    puts: AtomicU64,
    gets: AtomicU64,
    lists: AtomicU64,
    deletes: AtomicU64,
}

impl Counts {
    pub fn puts(&self) -> u64 {
        self.puts.load(Ordering::Relaxed)
    }

    pub fn gets(&self) -> u64 {
        self.gets.load(Ordering::Relaxed)
    }

    pub fn lists(&self) -> u64 {
        self.lists.load(Ordering::Relaxed)
    }

    pub fn deletes(&self) -> u64 {
        self.deletes.load(Ordering::Relaxed)
    }
}

/// Why a request came to nothing, or may have.
#[derive(Debug)]
pub(super) enum Lost {
    /// The store said that it did not do it.
    Refused(String),
    /// Something has that name already, or is about to.
    Exists(String),
    /// What is there is larger than any such object is.
    TooLarge(u64),
    /// What is there is nothing that a store keeps; said with its name.
    Odd(String),
    /// Nothing that says whether it was done.
    Unsure(String),
}

impl Lost {
    pub(super) fn why(self) -> String {
        match self {
            Self::Refused(why) | Self::Exists(why) | Self::Odd(why) | Self::Unsure(why) => why,
            Self::TooLarge(size) => format!("it has {size} bytes, more than any such object"),
        }
    }
}

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) text: Bytes,
    pub(super) tag: Option<String>,
    pub(super) written_at: Timestamp,
}

/// An object as it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) number: u64,
    pub(super) written_at: Timestamp,
}

/// The store below one prefix.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) prefix: Path,
    pub(super) counts: Counts,
    /// Where it is a folder of this computer: that, which is made at the first use.
    pub(super) folder: Option<PathBuf>,
}

impl Requests {
    /// Looks, where it is a folder, at what is there before it is opened: a pipe would be waited for without end, and
    /// what a link leads to is not ours.
    #[expect(clippy::disallowed_methods, reason = "what is opened next is looked at")]
    fn look(&self, kind: &str, object: Option<&Object>) -> Result<(), Lost> {
        let Some(folder) = &self.folder else { return Ok(()) };
        // Whoever keeps states may put their folders elsewhere by a link.
        let below = folder.join(kind);
        let is_nested = object.is_none_or(|object| *object != Object::Floor);
        if is_nested && std::fs::metadata(&below).is_ok_and(|found| !found.is_dir()) {
            return Err(Lost::Odd(format!("`{kind}` is no folder")));
        }
        let Some(object) = object else { return Ok(()) };
        match std::fs::symlink_metadata(folder.join(object.to_string())) {
            Ok(found) if !found.is_file() => Err(Lost::Odd(format!("`{object}` is no ordinary file"))),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Says what went wrong; of a folder also where, as the system does not.
    fn lost(&self, name: &dyn fmt::Display, error: &Error) -> Lost {
        let at = |why: String| if self.folder.is_some() { format!("`{name}`: {why}") } else { why };
        match lost(error) {
            Lost::Refused(why) => Lost::Refused(at(why)),
            Lost::Unsure(why) => Lost::Unsure(at(why)),
            other @ (Lost::Exists(_) | Lost::TooLarge(_) | Lost::Odd(_)) => other,
        }
    }

    fn path(&self, object: &Object) -> Path {
        let text = object.to_string();
        text.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// Writes an object that must not exist.
    pub(super) async fn create(&self, object: &Object, text: &Bytes) -> Result<(), Lost> {
        self.put(object, text, PutMode::Create).await
    }

    pub(super) async fn overwrite(&self, object: &Object, text: &Bytes) -> Result<(), Lost> {
        self.put(object, text, PutMode::Overwrite).await
    }

    async fn put(&self, object: &Object, text: &Bytes, mode: PutMode) -> Result<(), Lost> {
        self.look(object.kind(), Some(object))?;
        count(&self.counts.puts);
        let path = self.path(object);
        let options = PutOptions { mode, ..PutOptions::default() };
        let put = self.store.put_opts(&path, PutPayload::from_bytes(text.clone()), options);
        in_time(async { put.await.map(drop).map_err(|error| self.lost(object, &error)) }).await
    }

    /// Reads an object; `None` if there is none.
    pub(super) async fn get(&self, object: &Object) -> Result<Option<Read>, Lost> {
        self.look(object.kind(), Some(object))?;
        count(&self.counts.gets);
        let path = self.path(object);
        let most = object.largest();
        in_time(async {
            let answer = match self.store.get(&path).await {
                Err(Error::NotFound { .. }) => return Ok(None),
                answer => answer.map_err(|error| self.lost(object, &error))?,
            };
            let ObjectMeta { last_modified, size, e_tag, .. } = answer.meta.clone();
            if size > most {
                return Err(Lost::TooLarge(size));
            }
            let mut text = BytesMut::new();
            let mut parts = answer.into_stream();
            while let Some(part) = parts.try_next().await.map_err(|error| self.lost(object, &error))? {
                text.extend_from_slice(&part);
                // The size that an answer announces is one more thing that it says.
                let size = text.len() as u64;
                if size > most {
                    return Err(Lost::TooLarge(size));
                }
            }
            let written_at = timestamp(last_modified.timestamp(), last_modified.timestamp_subsec_nanos())?;
            Ok(Some(Read { text: text.freeze(), tag: e_tag, written_at }))
        })
        .await
    }

    /// Lists a folder behind a number, in no order. Names that are no numbers are no objects of a state.
    pub(super) async fn list(&self, folder: Folder, behind: u64) -> Result<Vec<Listed>, Lost> {
        self.look(folder.name(), None)?;
        count(&self.counts.lists);
        let below = self.prefix.clone().join(folder.name());
        let offset = self.path(&folder.object(behind));
        let mut listing = self.store.list_with_offset(Some(&below), &offset);
        in_time(async {
            let mut listed = Vec::new();
            while let Some(meta) =
                listing.try_next().await.map_err(|error| self.lost(&folder.name(), &error))?
            {
                let Some(number) = meta.location.filename().and_then(numbered) else { continue };
                let at = meta.last_modified;
                let written_at = timestamp(at.timestamp(), at.timestamp_subsec_nanos())?;
                listed.push(Listed { number, written_at });
            }
            Ok(listed)
        })
        .await
    }

    /// Deletes an object; that there is none is as good.
    pub(super) async fn delete(&self, object: &Object) -> Result<(), Lost> {
        self.look(object.kind(), Some(object))?;
        count(&self.counts.deletes);
        let path = self.path(object);
        in_time(async {
            match self.store.delete(&path).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(self.lost(object, &error)),
            }
        })
        .await
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

async fn in_time<T>(request: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
    match timeout(REQUEST_LIMIT, request).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(Lost::Unsure(format!("no answer within {} s", REQUEST_LIMIT.as_secs()))),
    }
}

/// Returns the number that a name is.
fn numbered(name: &str) -> Option<u64> {
    let is_one = name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit());
    if is_one { name.parse().ok() } else { None }
}

fn timestamp(seconds: i64, nanoseconds: u32) -> Result<Timestamp, Lost> {
    let nanoseconds = i32::try_from(nanoseconds).unwrap_or_default();
    Timestamp::new(seconds, nanoseconds)
        .map_err(|_| Lost::Unsure("the store tells a time that nobody can mean".to_owned()))
}

fn lost(error: &Error) -> Lost {
    let why = said(error);
    match error {
        // A store says so, too, while a write of the same name is under way.
        Error::AlreadyExists { .. } | Error::Precondition { .. } => Lost::Exists(why),
        Error::NotFound { .. }
        | Error::PermissionDenied { .. }
        | Error::Unauthenticated { .. }
        | Error::NotSupported { .. }
        | Error::NotImplemented { .. }
        | Error::InvalidPath { .. }
        | Error::UnknownConfigurationKey { .. } => Lost::Refused(why),
        // The other error is the crate's to extend.
        other if is_forbidden(other) => Lost::Refused(why),
        _ => Lost::Unsure(why),
    }
}

/// Tells whether a file system said that this may not be done, or lies below what is no folder: asking again helps neither.
fn is_forbidden(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        let kind = inner.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(
            kind,
            Some(
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::NotADirectory
            )
        ) {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// The most that is repeated of what a store said.
const MOST_SAID: usize = 300;

/// Returns what went wrong without what lets anybody in. A store's answer to a wrong signature repeats the request with its
/// session token, and the query of an address may be a key: so of an answer only its code and message are told, and of an
/// address nothing. Nor is told what a parser repeats of what it read, which may be a file with a key.
pub(super) fn said(error: &Error) -> String {
    let mut innermost: &(dyn std::error::Error + 'static) = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    if innermost.is::<rustls::pki_types::pem::Error>() {
        return "the `private_key` of the credentials is no key in PEM form".to_owned();
    }
    let text = match innermost.downcast_ref::<serde_json::Error>() {
        Some(error) => of_json(error),
        None => innermost.to_string(),
    };
    let told = match text.split_once("status code: ") {
        Some((_, answer)) => {
            let (status, body) = answer.split_once(": ").unwrap_or((answer, ""));
            let told = [element(body, "Code"), element(body, "Message")];
            let told: Vec<&str> = told.into_iter().flatten().collect();
            if told.is_empty() {
                format!("the store answers {status}")
            } else {
                format!("the store answers {status}: {}", told.join(": "))
            }
        }
        None if text == "Missing AccessKeyId" => {
            "`AWS_SECRET_ACCESS_KEY` is set and `AWS_ACCESS_KEY_ID` is not; set both or none".to_owned()
        }
        None if text == "Missing SecretAccessKey" => {
            "`AWS_ACCESS_KEY_ID` is set and `AWS_SECRET_ACCESS_KEY` is not; set both or none".to_owned()
        }
        // The word of the library for a key that it can read and not use, such as `InvalidEncoding`.
        None if text.starts_with("Inva") && text.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            format!("the `private_key` of the credentials is no RSA key that can be used ({text})")
        }
        None if text.starts_with("Invalid symbol") || text.starts_with("Invalid last symbol") => {
            "a key is no base64".to_owned()
        }
        // Only servers that a file of credentials, a variable or a redirection names are reached in the clear.
        None if text == "URL scheme is not allowed" => {
            "a server in the clear is named for it, such as by `gcs_base_url`; it is `https://..`".to_owned()
        }
        None if text.contains("error response: ") => {
            let code = element(&text, "Code").unwrap_or("no code");
            format!("the store answers with an error: {code}")
        }
        None => {
            let words = text.split(' ').map(|word| if word.contains("://") { "(address)" } else { word });
            words.collect::<Vec<_>>().join(" ")
        }
    };
    told.chars().take(MOST_SAID).collect()
}

/// Says what is wrong with JSON and repeats nothing of it: the name of a missing field is the parser's own word. What is
/// wrong with a field of credentials is found after their text was read, so that there is no line to tell.
fn of_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    match (missing, error.line()) {
        (Some((field, _)), _) => format!("its JSON has no field `{field}`"),
        (None, 0) => "a field of its JSON is of the wrong kind: `type`, `private_key`, `private_key_id` and \
            `client_email` of an account's key are texts"
            .to_owned(),
        (None, line) => format!("no JSON of the right form, at line {line} column {}", error.column()),
    }
}

/// Returns the first line of the text of an XML element.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once('<')?;
    text.lines().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &'static str) -> Error {
        Error::PermissionDenied { path: "p".to_owned(), source: text.into() }
    }

    #[test]
    fn what_a_store_says_is_told_without_what_lets_anybody_in() {
        let told = [
            "Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>The signature is another one.\nx</Message><CanonicalRequest>x-amz-security-token:HIDDEN</CanonicalRequest></Error>",
            "Server returned non-2xx status code: 503 Service Unavailable: HIDDEN",
            "error sending request for url (https://a.example/b?sig=HIDDEN)",
            "Connection refused (os error 111)",
        ]
        .map(|text| said(&answered(text)));
        assert_eq!(
            told,
            [
                "the store answers 403 Forbidden: SignatureDoesNotMatch: The signature is another one.",
                "the store answers 503 Service Unavailable",
                "error sending request for url (address)",
                "Connection refused (os error 111)",
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_credentials_is_said_and_nothing_of_them_repeated() {
        let told = |key: &str| {
            let built = object_store::gcp::GoogleCloudStorageBuilder::new()
                .with_bucket_name("bucket")
                .with_service_account_key(key)
                .build();
            said(&built.unwrap_err())
        };
        let with = |private_key: &str| {
            format!(
                r#"{{"private_key": {private_key}, "private_key_id": "HIDDEN", "client_email": "HIDDEN"}}"#
            )
        };
        insta::assert_snapshot!(
            [
                told(&with("\"HIDDEN\"")),
                told(&with("\"-----BEGIN HIDDEN\"")),
                told(&with("\"-----BEGIN PRIVATE KEY-----\\nSElEREVO\\n-----END PRIVATE KEY-----\"")),
                told(&with("[\"HIDDEN\"]")),
                told(r#"{"private_key_id": "HIDDEN"}"#),
                told("HIDDEN"),
            ]
            .join("\n"),
            @"
        the `private_key` of the credentials is no key in PEM form
        the `private_key` of the credentials is no key in PEM form
        the `private_key` of the credentials is no RSA key that can be used (InvalidEncoding)
        no JSON of the right form, at line 1 column 16
        its JSON has no field `private_key`
        no JSON of the right form, at line 1 column 1
        "
        );
        let of_s3 = |builder: object_store::aws::AmazonS3Builder| {
            said(&builder.with_bucket_name("bucket").build().unwrap_err())
        };
        let builder = object_store::aws::AmazonS3Builder::new;
        assert_eq!(
            [of_s3(builder().with_access_key_id("a")), of_s3(builder().with_secret_access_key("b"))],
            [
                "`AWS_ACCESS_KEY_ID` is set and `AWS_SECRET_ACCESS_KEY` is not; set both or none",
                "`AWS_SECRET_ACCESS_KEY` is set and `AWS_ACCESS_KEY_ID` is not; set both or none",
            ]
        );
        let of_kind = r#"{"type": "a", "type": "HIDDEN"}"#;
        assert!(!of_json(&serde_json::from_str::<u8>(of_kind).unwrap_err()).contains("HIDDEN"));
    }

    #[test]
    fn names_are_of_one_width_and_nothing_else_is_a_number() {
        assert_eq!(Object::Entry(7).to_string(), "log/00000000000000000007");
        assert_eq!(Object::Snapshot(u64::MAX).to_string(), "snapshot/18446744073709551615");
        let numbers = ["00000000000000000007", "99999999999999999999", "7", "+0000000000000000007", ""];
        assert_eq!(numbers.map(numbered), [Some(7), None, None, None, None]);
    }
}
