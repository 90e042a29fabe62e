//! PostgreSQL's: variables, and the file of passwords.

use std::path::{Path, PathBuf};

use crate::cli::env::Environment;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::model::location::{Database, Tls};
use crate::model::secret::Secret;
use crate::state::postgres::{Credentials, passfile};

/// The longest file of certificates or passwords that is read, in bytes.
const LONGEST: u64 = 4 << 20;

/// Returns the roots that a database's name gives, and what the environment says for PostgreSQL.
///
/// # Errors
/// A file that was named cannot be read.
pub fn of_database(
    database: &Database,
    env: &Environment,
) -> Result<(Option<Vec<u8>>, Credentials), Failure> {
    let roots = match &database.tls {
        Tls::Full { roots: Some(path) } => {
            Some(read(Path::new(path)).map_err(|why| Failure::NoRoots { path: path.clone(), why })?)
        }
        Tls::Full { roots: None } | Tls::Off => None,
    };
    let user = database.user.clone().map(Secret::new).or_else(|| env.secret("PGUSER").cloned());
    let password = match (env.secret("PGPASSWORD"), &user) {
        (Some(password), _) => Some(password.clone()),
        (None, Some(user)) => of_passfile(database, user.expose(), env)?,
        (None, None) => None,
    };
    let trusts_server = env.secret("PGCHANNELBINDING").is_some_and(|mode| mode.expose() != "require");
    Ok((roots, Credentials { user, password, trusts_server }))
}

/// Looks into the file of passwords. One that nobody named may be missing.
fn of_passfile(
    database: &Database,
    user: &str,
    env: &Environment,
) -> Result<Option<Secret<String>>, Failure> {
    let named = env.secret("PGPASSFILE").map(|path| PathBuf::from(path.expose()));
    let usual = env.secret("HOME").map(|home| Path::new(home.expose()).join(".pgpass"));
    let is_named = named.is_some();
    let Some(path) = named.or(usual) else { return Ok(None) };
    match read(&path) {
        Ok(text) => Ok(passfile::find(&String::from_utf8_lossy(&text), database, user)),
        Err(why) if is_named => Err(Failure::NoPassfile { path: path.display().to_string(), why }),
        Err(_) => Ok(None),
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    files::read_at_most(path, LONGEST)
}
