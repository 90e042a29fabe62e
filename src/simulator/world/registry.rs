//! The account's credentials for container registries.
//!
//! What they hold is never read back over any API, so the world keeps no more than their names.

use serde::{Deserialize, Serialize};

use super::World;
use super::chance::letters;
use super::pod::Status;
use super::refusal::Refusal;
use super::template::Template;

/// Credentials without a user and a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registry {
    pub id: String,
    /// Unique in the account, and for good.
    pub name: String,
}

impl World {
    /// Returns the account's registries.
    pub fn registries(&self) -> &[Registry] {
        &self.ground.account.registries
    }

    /// Returns one of them.
    pub fn registry(&self, id: &str) -> Option<&Registry> {
        self.registries().iter().find(|registry| registry.id == id)
    }

    /// Makes credentials, unless their name is taken.
    ///
    /// # Errors
    /// It is.
    pub fn create_registry(&mut self, name: String) -> Result<Registry, Refusal> {
        if self.registries().iter().any(|registry| registry.name == name) {
            return Err(Refusal::rule(format!("a registry auth named {name} already exists")));
        }
        let id = letters(self.seed(), &["registry", &name, &self.now().rfc3339_millis()], 25);
        let registry = Registry { id, name };
        self.ground.account.registries.push(registry.clone());
        Ok(registry)
    }

    /// Deletes credentials that no pod uses. Templates that name them lose them in silence.
    ///
    /// # Errors
    /// There are none, or a pod pulls its image with them.
    pub fn delete_registry(&mut self, id: &str) -> Result<(), Refusal> {
        if self.registry(id).is_none() {
            return Err(Refusal::rule("Registry auth not found"));
        }
        let now = self.now();
        let uses = |pod: &&super::pod::Pod| {
            pod.settings.registry.as_deref() == Some(id) && pod.status(now) != Status::Terminated
        };
        if let Some(pod) = self.all_pods().find(uses) {
            return Err(Refusal::rule(format!("Registry auth is in use by pod {}", pod.id.0)));
        }
        let account = &mut self.ground.account;
        account.registries.retain(|registry| registry.id != id);
        let named = |template: &&mut Template| template.settings.registry.as_deref() == Some(id);
        account.templates.iter_mut().filter(named).for_each(|template| template.settings.registry = None);
        Ok(())
    }
}
