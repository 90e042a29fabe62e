//! The account's secrets: names that an environment may give in place of a value.
//!
//! What a secret holds is never read back over any API, so the world does not keep it.

use serde::{Deserialize, Serialize};

use super::World;
use super::chance::letters;
use super::moment::Moment;

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSecret {
    pub id: String,
    /// Unique in the account, and for good.
    pub name: String,
    pub description: Option<String>,
    pub created_at: Moment,
    /// When its value was last set.
    pub value_set_at: Moment,
}

impl World {
    /// Returns the account's secrets, those of one name alone where one is given, in any case of letters.
    pub fn secrets(&self, name: Option<&str>) -> impl Iterator<Item = &AccountSecret> {
        let fits =
            move |secret: &&AccountSecret| name.is_none_or(|name| secret.name.eq_ignore_ascii_case(name));
        self.ground.account.secrets.iter().filter(fits)
    }

    /// Makes a secret, unless its name is taken.
    pub fn create_secret(&mut self, name: String, description: Option<String>) -> Option<&AccountSecret> {
        if self.secrets(Some(&name)).next().is_some() {
            return None;
        }
        let now = self.now();
        let id = letters(self.seed(), &["secret", &name, &now.rfc3339_millis()], 12);
        let secrets = &mut self.ground.account.secrets;
        secrets.push(AccountSecret { id, name, description, created_at: now, value_set_at: now });
        secrets.last()
    }

    /// Returns a secret to be given another value, another description, or both.
    pub fn secret_mut(&mut self, id: &str) -> Option<&mut AccountSecret> {
        self.ground.account.secrets.iter_mut().find(|secret| secret.id == id)
    }

    /// Deletes a secret, also while an environment names it, and tells whether there was one.
    pub fn delete_secret(&mut self, id: &str) -> bool {
        let secrets = &mut self.ground.account.secrets;
        let before = secrets.len();
        secrets.retain(|secret| secret.id != id);
        secrets.len() < before
    }
}
