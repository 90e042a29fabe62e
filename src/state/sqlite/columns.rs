//! Between rows and values.

use rusqlite::Row;

use crate::model::clock::Timestamp;
use crate::model::stored::{Stored, from_text};
use crate::state::text::Unreadable;
use crate::state::{Refused, Standing};

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

impl From<Unreadable> for RowError {
    fn from(Unreadable(what): Unreadable) -> Self {
        Self::Damaged(what)
    }
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
