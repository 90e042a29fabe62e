//! Where the fields of an address were written, for findings of the planner.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::address::{Address, Key};
use crate::model::settings::Field;

use super::diagnostic::{Diagnostic, Diagnostics, Problem, listed};
use super::source::{Place, Sources, Span, Spanned};

/// Answers where something was written.
#[derive(Clone, Debug)]
pub struct Positions {
    places: AllPlaces,
    sources: Arc<Sources>,
}

/// The places of all objects of a spec.
#[derive(Clone, Debug, Default)]
pub(super) struct AllPlaces {
    pub secrets: BTreeMap<Key, Places>,
    pub registries: BTreeMap<Key, Places>,
    pub volumes: BTreeMap<Key, Places>,
    pub pods: BTreeMap<Key, Places>,
}

/// Where an object and its fields were written.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub whole: Span,
    /// Few of them are ever asked for, so that a list is better than a map.
    pub fields: Vec<(Field, Span)>,
}

impl Places {
    pub(super) fn new(whole: Span) -> Self {
        Self { whole, fields: Vec::new() }
    }

    /// Notes where a field was typed, if it was.
    pub(super) fn put<T>(&mut self, field: Field, typed: Option<&Spanned<T>>) {
        if let Some(typed) = typed {
            self.fields.push((field, typed.span));
        }
    }

    fn of(&self, field: &Field) -> Option<Span> {
        self.fields.iter().find(|(typed, _)| typed == field).map(|(_, span)| *span)
    }
}

impl Positions {
    pub(super) fn new(places: AllPlaces, sources: Arc<Sources>) -> Self {
        Self { places, sources }
    }

    pub(super) fn places(&self) -> &AllPlaces {
        &self.places
    }

    /// Returns where an address stands in the spec; all replicas of a pod stand in one place.
    pub fn of(&self, address: &Address) -> Option<Place> {
        Some(self.sources.place(self.places_of(address)?.whole))
    }

    /// Returns where a field was written; for a field that was left to its default, where the address stands.
    pub fn of_field(&self, address: &Address, field: &Field) -> Option<Place> {
        let places = self.places_of(address)?;
        Some(self.sources.place(places.of(field).unwrap_or(places.whole)))
    }

    /// Makes the mistakes of pods that depend on pods which do not exist and which no chosen profile selects.
    pub(super) fn deselected(&self, needed: &[(Address, Address, BTreeSet<String>)]) -> Diagnostics {
        let mistakes = needed.iter().map(|(address, dependency, profiles)| {
            let detail = format!(
                "`{}` depends on `{}`, which does not exist and which no chosen profile selects",
                address.key(),
                dependency.key()
            );
            let places = self.places_of(address);
            let span = places.map(|places| places.of(&Field::DependsOn).unwrap_or(places.whole));
            let mistake = match span {
                Some(span) => Diagnostic::at(Problem::DeselectedPod, span, detail),
                None => Diagnostic::anywhere(Problem::DeselectedPod, detail),
            };
            let ways: Vec<String> = profiles.iter().map(|profile| format!("--profile {profile}")).collect();
            mistake.help(format!("add {}", listed(&ways, "or")))
        });
        Diagnostics::late(mistakes.collect(), Arc::clone(&self.sources))
    }

    fn places_of(&self, address: &Address) -> Option<&Places> {
        match address {
            Address::Pod { key, replica: _ } => self.places.pods.get(key),
            Address::Volume(key) => self.places.volumes.get(key),
            Address::Secret(key) => self.places.secrets.get(key),
            Address::Registry(key) => self.places.registries.get(key),
        }
    }
}
