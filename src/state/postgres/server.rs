//! The server of a state as this process reaches it.

use std::fmt;

use crate::model::location::{Database, Location};
use crate::model::secret::Secret;

/// The shortest password that is taken out of texts, in bytes.
const SHORTEST_HIDDEN: usize = 6;

/// What the environment says: `PGUSER`, `PGPASSWORD`, `PGPASSFILE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The role, where the name of the place does not say it.
    pub user: Option<Secret<String>>,
    pub password: Option<Secret<String>>,
    /// Whether the password may be shown to the server, or proved in a way that somebody in between can pass on. Without it
    /// a server that a name of a state leads to learns nothing from it.
    pub trusts_server: bool,
}

/// A database, and what it takes to be let in.
#[derive(Clone)]
pub(super) struct Server {
    /// How messages name it, without any credentials.
    pub(super) name: String,
    pub(super) database: Database,
    /// The certificates of the file that the name of the place gives as roots.
    pub(super) roots: Option<Vec<u8>>,
    pub(super) credentials: Credentials,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.name).finish()
    }
}

impl Server {
    pub(super) fn new(database: Database, roots: Option<Vec<u8>>, credentials: Credentials) -> Self {
        let name = Location::Postgres(database.clone()).to_string();
        Self { name, database, roots, credentials }
    }

    /// Returns the schema as an identifier of SQL, whatever it is: some names are words of SQL too.
    pub(super) fn schema(&self) -> String {
        format!("\"{}\"", self.database.schema.replace('"', "\"\""))
    }

    /// Takes out of a text what the server may have repeated of the password. One that is very short stands in many words,
    /// and taking it out of them would show it.
    pub(super) fn without_credentials(&self, text: String) -> String {
        let password = self.credentials.password.as_ref().map(|password| password.expose());
        match password.filter(|password| password.len() >= SHORTEST_HIDDEN) {
            Some(password) => text.replace(password, "(secret)"),
            None => text,
        }
    }
}
