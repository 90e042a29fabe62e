//! Between columns and values: what is stored as one text is the column, what has a structure of its own is JSON in it.

use rusqlite::Row;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::clock::Timestamp;
use crate::model::stored::{As, Stored, from_text};
use crate::state::{Refused, Standing};

/// The version of the JSON in `objects`.
const JSON_VERSION: u32 = 1;

/// Why rows could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    /// SQLite said so.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A value in a row does not mean what it should.
    #[error("{0}")]
    Damaged(String),
    /// The change contradicts what is recorded.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It is not the state to use.
    #[error("it is not the state to use")]
    Aside(Standing),
}

impl From<serde::de::value::Error> for RowError {
    fn from(error: serde::de::value::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Reads a value that is stored as one text.
pub(super) fn column<T: Stored>(row: &Row<'_>, column: usize) -> Result<T, RowError> {
    Ok(from_text(text(row, column)?)?)
}

/// Reads one from a column that can be empty.
pub(super) fn optional<T: Stored>(row: &Row<'_>, column: usize) -> Result<Option<T>, RowError> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    Ok(text.map(from_text).transpose()?)
}

/// Returns the text of a column, which SQLite holds until the next row.
pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, RowError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

/// Returns a time for a column that can be empty.
pub(super) fn shown(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

/// A value with the version of its form, so that a row can be understood on its own.
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

pub(super) fn versioned(value: &impl Stored) -> Result<String, RowError> {
    written(&Versioned { version: JSON_VERSION, value: As(value) })
}

pub(super) fn parse_versioned<T: Stored>(text: &str) -> Result<T, RowError> {
    match read::<Versioned<As<T>>>(text) {
        Ok(Versioned { version: JSON_VERSION, value: As(value) }) => Ok(value),
        // Another version has another form, so what matters is not where that begins.
        result => match read(text)? {
            VersionOnly { version: JSON_VERSION } => {
                result.map(|Versioned { version: _, value: As(value) }| value)
            }
            VersionOnly { version } => {
                Err(RowError::Damaged(format!("its values have version {version}, known is {JSON_VERSION}")))
            }
        },
    }
}

pub(super) fn json(value: &impl Stored) -> Result<String, RowError> {
    written(&As(value))
}

pub(super) fn parse<T: Stored>(text: &str) -> Result<T, RowError> {
    read(text).map(|As(value)| value)
}

fn written(value: &impl Serialize) -> Result<String, RowError> {
    serde_json::to_string(value).map_err(|error| RowError::Damaged(error.to_string()))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, RowError> {
    serde_json::from_str(text).map_err(|error| RowError::Damaged(error.to_string()))
}
