//! The server of a state as this process reaches it.

use std::fmt;

use crate::model::location::{Database, Location};
use crate::model::secret::Secret;

/// What the environment says: `PGUSER`, `PGPASSWORD`, `PGPASSFILE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The role, where the name of the place does not say it.
    pub user: Option<Secret<String>>,
    pub password: Option<Secret<String>>,
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

    /// Takes out of a text what the server may have repeated of the credentials. It names a user in quotes.
    pub(super) fn without_credentials(&self, mut text: String) -> String {
        let Credentials { user, password } = &self.credentials;
        if let Some(password) = password.as_ref().filter(|password| !password.expose().is_empty()) {
            text = text.replace(password.expose(), "(secret)");
        }
        if let Some(user) = user {
            text = text.replace(&format!("\"{}\"", user.expose()), "(secret)");
        }
        text
    }
}
