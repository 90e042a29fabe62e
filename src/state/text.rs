//! Values in columns of text, the same in every store that keeps rows: what is one text is the column, what has a
//! structure of its own is JSON in it, with a version where a row is to be understood on its own.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::id::{PodId, RegistryId, RemoteId, SecretId, VolumeId};
use crate::model::journal::{Entry, Event};
use crate::model::marker::Token;
use crate::model::prior::KnownToken;
use crate::model::stored::{As, Stored};

/// The version of the JSON in `objects`.
const JSON_VERSION: u32 = 1;

/// Why a text means nothing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(pub(super) String);

impl From<serde::de::value::Error> for Unreadable {
    fn from(error: serde::de::value::Error) -> Self {
        Self(error.to_string())
    }
}

/// A value with the version of its form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versioned<T> {
    version: u32,
    value: T,
}

/// Only the version of a value, whatever else it holds.
#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

pub(super) fn versioned(value: &impl Stored) -> Result<String, Unreadable> {
    written(&Versioned { version: JSON_VERSION, value: As(value) })
}

pub(super) fn parse_versioned<T: Stored>(text: &str) -> Result<T, Unreadable> {
    match read::<Versioned<As<T>>>(text) {
        Ok(Versioned { version: JSON_VERSION, value: As(value) }) => Ok(value),
        // Another version has another form, so what matters is not where that begins.
        result => match read(text)? {
            VersionOnly { version: JSON_VERSION } => {
                result.map(|Versioned { version: _, value: As(value) }| value)
            }
            VersionOnly { version } => {
                Err(Unreadable(format!("its values have version {version}, known is {JSON_VERSION}")))
            }
        },
    }
}

pub(super) fn json(value: &impl Stored) -> Result<String, Unreadable> {
    written(&As(value))
}

pub(super) fn parse<T: Stored>(text: &str) -> Result<T, Unreadable> {
    read(text).map(|As(value)| value)
}

fn written(value: &impl Serialize) -> Result<String, Unreadable> {
    serde_json::to_string(value).map_err(|error| Unreadable(error.to_string()))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|error| Unreadable(error.to_string()))
}

/// Returns the two columns that name an object.
pub(super) fn kind_and_id(id: &RemoteId) -> (&'static str, &str) {
    match id {
        RemoteId::Pod(id) => ("pod", id.as_str()),
        RemoteId::Volume(id) => ("volume", id.as_str()),
        RemoteId::Secret(id) => ("secret", id.as_str()),
        RemoteId::Registry(id) => ("registry", id.as_str()),
    }
}

/// Reads the two columns that name an object.
pub(super) fn remote_id(kind: &str, id: &str) -> Result<RemoteId, Unreadable> {
    match kind {
        "pod" => Ok(RemoteId::Pod(PodId::new(id))),
        "volume" => Ok(RemoteId::Volume(VolumeId::new(id))),
        "secret" => Ok(RemoteId::Secret(SecretId::new(id))),
        "registry" => Ok(RemoteId::Registry(RegistryId::new(id))),
        other => Err(Unreadable(format!("`{other}` is no kind of object"))),
    }
}

/// Returns the column that holds an event; what was asked for is kept once, with its token.
pub(super) fn detail(event: &Event) -> Result<String, Unreadable> {
    match event {
        Event::Intended { attempt, token, asked: _, server_time } => json(&Event::Intended {
            attempt: *attempt,
            token: token.clone(),
            asked: None,
            server_time: *server_time,
        }),
        other => json(other),
    }
}

/// Puts back into events what is kept with their tokens.
pub(super) fn restore_asked(entries: &mut [Entry], known: &BTreeMap<Token, KnownToken>) {
    for entry in entries {
        if let Event::Intended { attempt: _, token: Some(token), asked, server_time: _ } = &mut entry.event {
            *asked = known.get(token).map(|known| known.asked.clone());
        }
    }
}
