//! Whether a job is given something else now than its last run was.
//!
//! What is compared is what the spec says. Another id of a pod that it refers to is nobody's change of the job: a run that
//! is done stays done, and one that goes on is not cut short. The next run gets the new id.

use std::collections::BTreeSet;

use crate::model::desired::WantedPod;
use crate::model::id::RemoteId;
use crate::model::job::Job;
use crate::model::plan::pods;
use crate::model::settings::{Container, Field};
use crate::model::value::Value;

use super::PodPlanner;
use crate::plan::compare::Comparison;
use crate::plan::references;

impl PodPlanner<'_, '_> {
    /// Tells whether a field that makes a job run again differs from what its run was given; from what its pod shows where
    /// that is not on record.
    pub(super) fn is_given_another(
        &self,
        (job, wanted): (&Job, &WantedPod),
        given: Option<&Container>,
        comparison: Option<&Comparison>,
    ) -> bool {
        let changed: Vec<(Field, Value)> = match (given, comparison) {
            (Some(given), _) => {
                let changed = job.changed(given, &wanted.container).into_iter();
                changed.map(|field| (field.clone(), references::given(given, &field))).collect()
            }
            (None, Some(comparison)) => {
                let changes = comparison.changes.iter().filter(|change| job.names(&change.field));
                changes.map(|change| (change.field.clone(), change.before.clone())).collect()
            }
            (None, None) => Vec::new(),
        };
        let written = self.context.written(self.address).unwrap_or(&wanted.container);
        let follows = |(field, was): &(Field, Value)| {
            references::follows(field, written, was) && !self.names_others(written, was)
        };
        let mut changed = changed.iter().filter(|(field, _)| !wanted.lifecycle.ignores(field));
        changed.any(|change| !follows(change))
    }

    /// Tells whether a value was made with the id of a pod that the spec does not refer to: it refers to another one since.
    fn names_others(&self, written: &Container, was: &Value) -> bool {
        let texts: Vec<&str> = match was {
            Value::Text(text) => vec![text],
            Value::Command(words) => words.iter().map(String::as_str).collect(),
            _ => return false,
        };
        let referred = pods(written);
        let others = self.context.renamed.objects.iter().filter(|(address, _)| !referred.contains(address));
        let ids: BTreeSet<&str> = others
            .filter_map(|(_, recorded)| match &recorded.id {
                RemoteId::Pod(id) => Some(id.as_str()),
                RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_) => None,
            })
            .collect();
        ids.into_iter().any(|id| texts.iter().any(|text| text.contains(id)))
    }
}
