//! Those of the stores of objects: variables, by the names that their own tools have for them.

use std::collections::BTreeMap;

use crate::cli::env::Environment;
use crate::model::secret::Secret;
use crate::state::object_log::CREDENTIALS;

/// Returns those variables that say who somebody is to a store of objects.
pub fn of_bucket(env: &Environment) -> BTreeMap<String, Secret<String>> {
    let set = |name: &&str| Some(((*name).to_owned(), env.secret(name)?.clone()));
    CREDENTIALS.iter().filter_map(set).collect()
}
