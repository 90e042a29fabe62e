//! What can go wrong between here and the server, told apart by what is known afterwards.

use tokio_postgres::error::{DbError, Severity, SqlState};

use super::server::Server;
use crate::model::location::Database;
use crate::state::text::Unreadable;
use crate::state::{Refused, StateError};

/// Why something did not work.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection is gone, or there was no answer in time. What was under way may have happened.
    Lost(String),
    /// The server refused: the transaction, if there was one, certainly came to nothing.
    Said { code: SqlState, message: String },
    /// A value in a row does not mean what it should.
    Damaged(String),
    /// The change contradicts what is recorded; nothing was sent.
    Refused(String),
    /// Said already as it should be.
    State(StateError),
}

impl From<Unreadable> for Fault {
    fn from(Unreadable(what): Unreadable) -> Self {
        Self::Damaged(what)
    }
}

impl From<serde::de::value::Error> for Fault {
    fn from(error: serde::de::value::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.to_string())
    }
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<tokio_postgres::Error> for Fault {
    /// Only an error of the ordinary severity leaves the session as it is and says for certain that its transaction has
    /// failed; anything graver ends the session, and with it what is known.
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(db) if is_ordinary(db) => {
                Self::Said { code: db.code().clone(), message: db.message().to_owned() }
            }
            Some(db) => Self::Lost(db.message().to_owned()),
            None => Self::Lost(chain(&error)),
        }
    }
}

fn is_ordinary(db: &DbError) -> bool {
    match db.parsed_severity() {
        Some(severity) => severity == Severity::Error,
        None => db.severity() == "ERROR",
    }
}

/// Returns an error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}

/// Puts words to what the libraries below say in theirs.
fn explained(text: String) -> String {
    if text.ends_with("password missing") {
        return "the server asks for a password: set `PGPASSWORD` or `PGPASSFILE`".to_owned();
    }
    if text.contains("channel binding") {
        return format!(
            "{text}; the server would see the password, or pass its proof on: it must offer SCRAM over TLS itself, or, if a \
             pooler that you trust stands in between, set `PGCHANNELBINDING=prefer`"
        );
    }
    if text.contains("CaUsedAsEndEntity") {
        return format!(
            "{text}; the server shows the certificate of an authority: it needs one with `CA:FALSE`"
        );
    }
    text
}

impl Fault {
    /// Says why no connection was made: here the server's word counts even where it ends the session with it.
    pub(super) fn of_connecting(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(db) => Self::Said { code: db.code().clone(), message: db.message().to_owned() },
            None => Self::Lost(explained(chain(error))),
        }
    }

    /// Tells whether the same may work in a moment, where it certainly did not happen.
    pub(super) fn may_pass(&self) -> bool {
        let passing = [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
        ];
        match self {
            Self::Lost(_) => true,
            // PgBouncer says with this one that it has no connection to the server.
            Self::Said { code, .. } => passing.contains(code) || *code == SqlState::PROTOCOL_VIOLATION,
            Self::Damaged(_) | Self::Refused(_) | Self::State(_) => false,
        }
    }

    /// Tells whether there is no such table.
    pub(super) fn is_missing_table(&self) -> bool {
        matches!(self, Self::Said { code, .. } if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::INVALID_SCHEMA_NAME)
    }

    /// Returns what was said, for an error that has words of its own around it.
    pub(super) fn said(&self, to: &Server) -> String {
        let text = match self {
            Self::Lost(text) | Self::Damaged(text) | Self::Refused(text) => text.clone(),
            Self::Said { code, message } => format!("PostgreSQL says: {message} ({})", code.code()),
            Self::State(error) => error.to_string(),
        };
        to.without_credentials(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Returns the error that the caller sees.
    pub(super) fn into_error(self, doing: &'static str, to: &Server) -> StateError {
        let path = to.name.clone();
        let said = self.said(to);
        match self {
            Self::State(error) => error,
            Self::Damaged(_) => StateError::Corrupt { path, what: said },
            Self::Lost(_) | Self::Refused(_) => StateError::Failed { doing, path, why: said },
            Self::Said { code, .. } if code == SqlState::READ_ONLY_SQL_TRANSACTION => {
                StateError::ReadOnly { path, why: format!("{said}; is the server a standby?") }
            }
            Self::Said { code, .. }
                if [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN].contains(&code) =>
            {
                StateError::Corrupt { path, what: said }
            }
            Self::Said { code, .. } => {
                let why = match to.advice(&code, doing) {
                    Some(advice) => format!("{said}; {advice}"),
                    None => said,
                };
                StateError::Failed { doing, path, why }
            }
        }
    }
}

impl Server {
    /// Returns what to do about an error.
    fn advice(&self, code: &SqlState, doing: &str) -> Option<String> {
        let Database { name: database, schema, .. } = &self.database;
        let wrong_credentials = [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION];
        if wrong_credentials.contains(code) {
            return Some("look at `PGUSER`, `PGPASSWORD` and `PGPASSFILE`".to_owned());
        }
        if *code == SqlState::INVALID_CATALOG_NAME {
            return Some(format!(
                "create the database `{database}` first: podform makes only its own schema"
            ));
        }
        if *code != SqlState::INSUFFICIENT_PRIVILEGE {
            return None;
        }
        Some(match doing {
            "read" => format!(
                "the role needs `GRANT USAGE ON SCHEMA {schema}` and `GRANT SELECT ON ALL TABLES IN SCHEMA {schema}`"
            ),
            _ => format!(
                "the role needs to own the schema `{schema}`, or `GRANT CREATE ON DATABASE {database}` at the first use, \
                 or `GRANT USAGE ON SCHEMA {schema}` and `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema}`"
            ),
        })
    }
}
