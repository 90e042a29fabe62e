//! The addresses inside what is kept of pods: they follow the objects that get others.

use std::borrow::Cow;
use std::sync::Arc;

use super::address::Address;
use super::job::UnseenJob;
use super::pod::{EnvValue, Storage};
use super::prior::RecordedPod;
use super::reference::{self, Reference};
use super::registry::Registry;
use super::settings::Container;

impl Container {
    /// Gives everything that is named in it the address that it has now.
    pub fn rename(&mut self, now: impl Fn(&Address) -> Address) {
        if let Storage::Network { volume, path: _ } = &mut self.storage {
            *volume = now(volume);
        }
        if let Some(Registry::Made(address)) = &mut self.registry {
            *address = now(address);
        }
        self.command.iter_mut().for_each(|word| rename_in(word, &now));
        if self.env.values().filter_map(EnvValue::plain).any(reference::is_in) {
            for value in Arc::make_mut(&mut self.env).values_mut() {
                match value {
                    EnvValue::Plain(text) => rename_in(text, &now),
                    EnvValue::Secret(_) => {}
                }
            }
        }
    }
}

impl RecordedPod {
    /// Gives everything that is named in it the address that it has now.
    pub fn rename(&mut self, now: impl Fn(&Address) -> Address) {
        self.depends_on = self.depends_on.iter().map(&now).collect();
        self.container.rename(&now);
        if let Some(given) = self.job.as_mut().and_then(|job| job.given.as_mut()) {
            given.rename(now);
        }
    }
}

impl UnseenJob {
    /// Returns it with everything that is named in it under the address that it has now.
    #[must_use]
    pub fn renamed(&self, now: impl Fn(&Address) -> Address) -> Self {
        let mut job = self.clone();
        match &mut job {
            Self::NotKnown => {}
            Self::Done(given) => given.rename(now),
        }
        job
    }
}

fn rename_in(text: &mut String, now: impl Fn(&Address) -> Address) {
    let renamed = reference::mapped(text, |reference| Reference { pod: now(&reference.pod), ..reference });
    if let Cow::Owned(renamed) = renamed {
        *text = renamed;
    }
}
