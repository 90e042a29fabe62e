//! Where the fields of an address were written, for findings of the planner.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::address::{Address, Key};
use crate::model::field::Field;

use super::resolve::{Places, Resolved};
use super::source::{Place, Sources};

/// Answers where something was written.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    pods: BTreeMap<Key, Places>,
    volumes: BTreeMap<Key, Places>,
    sources: Arc<Sources>,
}

impl Positions {
    pub(super) fn new(resolved: &Resolved, sources: Arc<Sources>) -> Self {
        Self {
            pods: resolved.pods.iter().map(|(key, pod)| (key.clone(), pod.places.clone())).collect(),
            volumes: resolved
                .volumes
                .iter()
                .map(|(key, volume)| (key.clone(), volume.places.clone()))
                .collect(),
            sources,
        }
    }

    /// Returns where an address stands in the spec; all replicas of a pod stand in one place.
    pub fn of(&self, address: &Address) -> Option<Place> {
        Some(self.sources.place(self.places(address)?.whole))
    }

    /// Returns where a field was written; for a field that was left to its default, where the address stands.
    pub fn of_field(&self, address: &Address, field: &Field) -> Option<Place> {
        let places = self.places(address)?;
        Some(self.sources.place(places.fields.get(field).copied().unwrap_or(places.whole)))
    }

    fn places(&self, address: &Address) -> Option<&Places> {
        match address {
            Address::Pod { key, replica: _ } => self.pods.get(key),
            Address::Volume(key) => self.volumes.get(key),
        }
    }
}
