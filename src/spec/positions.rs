//! Where the fields of an address were written, for findings of the planner.

use std::collections::BTreeMap;

use crate::model::address::{Address, Key};
use crate::model::field::Field;

use super::resolve::{Places, Resolved};
use super::source::{Place, Sources};

/// Answers where something was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    pods: BTreeMap<Key, Position>,
    volumes: BTreeMap<Key, Position>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    whole: Place,
    fields: BTreeMap<Field, Place>,
}

impl Positions {
    pub(super) fn new(resolved: &Resolved, sources: &Sources) -> Self {
        let position = |places: &Places| Position {
            whole: sources.place(places.whole),
            fields: places.fields.iter().map(|(field, span)| (field.clone(), sources.place(*span))).collect(),
        };
        Self {
            pods: resolved.pods.iter().map(|(key, pod)| (key.clone(), position(&pod.places))).collect(),
            volumes: resolved
                .volumes
                .iter()
                .map(|(key, volume)| (key.clone(), position(&volume.places)))
                .collect(),
        }
    }

    /// Returns where an address stands in the spec; all replicas of a pod stand in one place.
    pub fn of(&self, address: &Address) -> Option<&Place> {
        Some(&self.position(address)?.whole)
    }

    /// Returns where a field was written; for a field that was left to its default, where the address stands.
    pub fn of_field(&self, address: &Address, field: &Field) -> Option<&Place> {
        let position = self.position(address)?;
        Some(position.fields.get(field).unwrap_or(&position.whole))
    }

    fn position(&self, address: &Address) -> Option<&Position> {
        match address {
            Address::Pod { key, replica: _ } => self.pods.get(key),
            Address::Volume(key) => self.volumes.get(key),
        }
    }
}
