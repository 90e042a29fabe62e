//! The environment of a pod: declared, carried and removed variables.
//!
//! An update replaces the whole map while the platform puts variables of its own into it, so a plan names what must
//! be carried over. The wanted value of a secret is compared with the live one here and goes no further.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::desired::{Lifecycle, WantedPod};
use crate::model::id::EnvKey;
use crate::model::marker::{MARKER_KEY, Token};
use crate::model::plan::{Cause, Disruption, EnvPatch, FieldChange, FieldDrift, Finding};
use crate::model::pod::EnvValue;
use crate::model::secret::{Secret, SecretName, Secrets};
use crate::model::settings::Field;
use crate::model::value::Value;

use super::finding;

type Declared = BTreeMap<EnvKey, EnvValue>;

/// The three environments and what is known beside them.
pub(super) struct Environments<'a> {
    pub(super) address: &'a Address,
    pub(super) wanted: &'a Declared,
    /// `None` for a pod without a record.
    pub(super) recorded: Option<&'a Declared>,
    pub(super) live: &'a BTreeMap<EnvKey, Secret<String>>,
    pub(super) secrets: &'a Secrets,
    pub(super) lifecycle: &'a Lifecycle,
    /// Variables that are to be absent.
    pub(super) unwanted: &'a BTreeSet<EnvKey>,
}

/// What comparing them gave.
#[derive(Default)]
pub(super) struct EnvComparison {
    pub(super) changes: Vec<FieldChange>,
    pub(super) drift: Vec<FieldDrift>,
    pub(super) findings: Vec<Finding>,
    /// What only a new pod gets, or loses.
    pub(super) only_new: Vec<FieldChange>,
    /// What is known to be live once the changes are applied.
    pub(super) applied: Declared,
}

impl Environments<'_> {
    /// Compares every variable but the platform's own.
    pub(super) fn compare(&self) -> EnvComparison {
        let mut comparison = EnvComparison::default();
        for (key, wanted) in self.wanted {
            if self.is_ignored(key) {
                self.note_ignored(key, Some(wanted), &mut comparison);
            } else {
                self.compare_wanted(key, wanted, &mut comparison);
                comparison.applied.entry(key.clone()).or_insert_with(|| wanted.clone());
            }
        }
        for (key, recorded) in self.recorded.into_iter().flatten() {
            if self.wanted.contains_key(key) {
                continue;
            }
            if self.is_ignored(key) {
                self.note_ignored(key, None, &mut comparison);
            } else {
                self.compare_removed(key, recorded, &mut comparison);
            }
        }
        for key in self.live.keys().filter(|key| self.is_foreign(key)) {
            self.note_foreign(key, &mut comparison);
        }
        comparison
    }

    /// Returns the environment to send.
    pub(super) fn patch(&self, token: Option<Token>) -> EnvPatch {
        let is_kept = |key: &&EnvKey| {
            let is_declared = self.is_known(key) || self.unwanted.contains(*key);
            key.as_str() != MARKER_KEY && (!is_declared || self.is_ignored(key))
        };
        let declared = self.wanted.iter().filter(|(key, _)| !self.is_ignored(key));
        EnvPatch {
            declared: declared.map(|(key, value)| (key.clone(), value.clone())).collect(),
            carry: self.live.keys().filter(is_kept).cloned().collect(),
            token,
        }
    }

    fn is_ignored(&self, key: &EnvKey) -> bool {
        self.lifecycle.ignores(&Field::Env(key.clone()))
    }

    /// Tells whether the spec or the record declares a variable.
    fn is_known(&self, key: &EnvKey) -> bool {
        self.wanted.contains_key(key) || self.recorded.is_some_and(|recorded| recorded.contains_key(key))
    }

    fn is_foreign(&self, key: &EnvKey) -> bool {
        !self.is_known(key) && !key.is_of_the_platform() && key.as_str() != MARKER_KEY
    }

    /// Tells whether a live value is a declared one.
    fn compared<'d>(&self, declared: &'d EnvValue, live: &Secret<String>) -> Compared<'d> {
        let same = match declared {
            EnvValue::Plain(text) => text == live.expose(),
            EnvValue::Secret(name) => match self.secrets.get(name) {
                Some(value) => value == live,
                None => return Compared::NotAvailable(name),
            },
        };
        if same { Compared::Same } else { Compared::Differs }
    }

    /// The record of an ignored variable says what is live, as far as that may be stored: a value that is neither the
    /// wanted nor the recorded one could be anybody's secret.
    fn note_ignored(&self, key: &EnvKey, wanted: Option<&EnvValue>, comparison: &mut EnvComparison) {
        let live = self.live.get(key);
        let recorded = self.recorded.and_then(|recorded| recorded.get(key));
        let differs = match (wanted, live) {
            (Some(wanted), Some(live)) => match self.compared(wanted, live) {
                Compared::Same => {
                    comparison.applied.insert(key.clone(), wanted.clone());
                    return;
                }
                Compared::Differs => true,
                Compared::NotAvailable(_) => false,
            },
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        };
        if let (Some(_), Some(recorded)) = (live, recorded) {
            comparison.applied.insert(key.clone(), recorded.clone());
        }
        if differs {
            let (before, after) =
                (self.show_live(live, recorded), wanted.map_or(Value::Absent, EnvValue::value));
            comparison.only_new.push(only_new(key, before, after, Cause::Ignored));
        }
    }

    /// A variable that others added is their business until the spec says that it is to be absent.
    fn note_foreign(&self, key: &EnvKey, comparison: &mut EnvComparison) {
        if self.is_ignored(key) {
            comparison.only_new.push(only_new(key, Value::OtherValue, Value::Absent, Cause::Ignored));
            return;
        }
        let left_alone = !self.unwanted.contains(key);
        // What an adopted pod came with was not added since.
        if self.recorded.is_some() {
            comparison.drift.push(FieldDrift { left_alone, ..drift(key, Value::Absent, Value::OtherValue) });
        }
        if left_alone {
            comparison.only_new.push(only_new(key, Value::OtherValue, Value::Absent, Cause::NewPodOnly));
        } else {
            let cause = if self.recorded.is_some() { Cause::Outside } else { Cause::Spec };
            comparison.changes.push(change(key, Value::OtherValue, Value::Absent, cause));
        }
    }

    fn compare_wanted(&self, key: &EnvKey, wanted: &EnvValue, comparison: &mut EnvComparison) {
        let live = self.live.get(key);
        let recorded = self.recorded.and_then(|recorded| recorded.get(key));
        let same = match live.map(|live| self.compared(wanted, live)) {
            None | Some(Compared::Differs) => false,
            Some(Compared::Same) => true,
            Some(Compared::NotAvailable(name)) => {
                comparison.findings.push(finding::secret_not_compared(self.address, key, name));
                let kept = recorded.unwrap_or(wanted).clone();
                comparison.applied.insert(key.clone(), kept);
                return;
            }
        };
        let before = self.show_live(live, recorded);
        if let (Some(EnvValue::Plain(was)), live) = (recorded, live)
            && live.is_none_or(|live| live.expose() != was)
        {
            let live = if same { wanted.value() } else { before.clone() };
            comparison.drift.push(drift(key, Value::Text(was.clone()), live));
        } else if let (Some(EnvValue::Secret(_)), None) = (recorded, live) {
            comparison.drift.push(drift(key, Value::Secret, Value::Absent));
        }
        if !same {
            let cause = self.cause(wanted, recorded, live);
            comparison.changes.push(change(key, before, wanted.value(), cause));
        }
    }

    fn compare_removed(&self, key: &EnvKey, recorded: &EnvValue, comparison: &mut EnvComparison) {
        let live = self.live.get(key);
        let before = self.show_live(live, Some(recorded));
        let untouched = match (recorded, live) {
            (EnvValue::Plain(was), Some(live)) => live.expose() == was,
            // What a secret was is not recorded.
            (EnvValue::Secret(_), Some(_)) => true,
            (EnvValue::Plain(_) | EnvValue::Secret(_), None) => false,
        };
        if !untouched {
            comparison.drift.push(drift(key, recorded.value(), before.clone()));
        }
        if live.is_some() {
            let cause = if untouched { Cause::Spec } else { Cause::Both };
            comparison.changes.push(change(key, before, Value::Absent, cause));
        }
    }

    /// A live value that is not the recorded one could be anybody's secret.
    fn show_live(&self, live: Option<&Secret<String>>, recorded: Option<&EnvValue>) -> Value {
        match (live, recorded) {
            (None, _) => Value::Absent,
            (Some(live), Some(EnvValue::Plain(text))) if text == live.expose() => Value::Text(text.clone()),
            (Some(_), Some(EnvValue::Secret(_))) => Value::Secret,
            (Some(_), Some(EnvValue::Plain(_)) | None) => Value::OtherValue,
        }
    }

    fn cause(&self, wanted: &EnvValue, recorded: Option<&EnvValue>, live: Option<&Secret<String>>) -> Cause {
        match (recorded, live) {
            (None, _) => Cause::Spec,
            (Some(recorded), None) if recorded == wanted => Cause::Outside,
            (Some(_), None) => Cause::Both,
            (Some(EnvValue::Secret(recorded)), Some(_)) => match wanted {
                EnvValue::Secret(wanted) if wanted == recorded => Cause::NotAttributable,
                EnvValue::Secret(_) | EnvValue::Plain(_) => Cause::Spec,
            },
            (Some(EnvValue::Plain(recorded)), Some(live)) => {
                let untouched = live.expose() == recorded;
                let same_spec = matches!(wanted, EnvValue::Plain(wanted) if wanted == recorded);
                match (untouched, same_spec) {
                    (true, false | true) => Cause::Spec,
                    (false, true) => Cause::Outside,
                    (false, false) => Cause::Both,
                }
            }
        }
    }
}

/// A declared value beside the live one.
enum Compared<'a> {
    Same,
    Differs,
    /// The value of this secret could not be read.
    NotAvailable(&'a SecretName),
}

/// A change that no update makes, see [`Cause::Ignored`] and [`Cause::NewPodOnly`].
fn only_new(key: &EnvKey, before: Value, after: Value, cause: Cause) -> FieldChange {
    FieldChange { disruption: Disruption::InPlace, ..change(key, before, after, cause) }
}

fn change(key: &EnvKey, before: Value, after: Value, cause: Cause) -> FieldChange {
    FieldChange { field: Field::Env(key.clone()), before, after, cause, disruption: Disruption::Reset }
}

fn drift(key: &EnvKey, recorded: Value, live: Value) -> FieldDrift {
    FieldDrift { field: Field::Env(key.clone()), recorded, live, left_alone: false }
}

/// Returns the part of a wanted environment that a live pod is seen to have, for the record of an adopted pod.
pub(super) fn seen(wanted: &Declared, changed: &[FieldChange]) -> Declared {
    let differs = |key: &EnvKey| changed.iter().any(|change| change.field == Field::Env(key.clone()));
    wanted.iter().filter(|(key, _)| !differs(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Returns a finding for every literal of the spec, or of a template that it names, that looks like a secret.
pub(super) fn literal_findings(address: &Address, wanted: &WantedPod) -> Vec<Finding> {
    let gives = |key: &EnvKey| {
        let template = wanted.template.as_ref()?;
        template.gives(&Field::Env(key.clone())).then_some(&template.id)
    };
    let literal = |(key, value): (&EnvKey, &EnvValue)| match value {
        EnvValue::Secret(SecretName::Literal { .. }) => {
            Some(finding::secret_literal(address, key, gives(key)))
        }
        EnvValue::Secret(SecretName::Declared(_)) | EnvValue::Plain(_) => None,
    };
    wanted.container.env.iter().filter_map(literal).collect()
}
