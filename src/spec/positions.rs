//! Where the fields of an address were written, for findings of the planner.

use std::sync::Arc;

use crate::model::address::Address;
use crate::model::field::Field;

use super::resolve::{Places, Resolved};
use super::source::{Place, Sources};

/// Answers where something was written.
#[derive(Clone, Debug)]
pub struct Positions {
    resolved: Arc<Resolved>,
    sources: Arc<Sources>,
}

impl Positions {
    pub(super) fn new(resolved: Arc<Resolved>, sources: Arc<Sources>) -> Self {
        Self { resolved, sources }
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
            Address::Pod { key, replica: _ } => self.resolved.pods.get(key).map(|pod| &pod.places),
            Address::Volume(key) => self.resolved.volumes.get(key).map(|volume| &volume.places),
        }
    }
}
