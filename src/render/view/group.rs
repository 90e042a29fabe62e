//! Replicas whose changes are equal but for their number, together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::address::{Address, Key};
use crate::model::plan::{Consequence, Finding, Severity, Subject};
use crate::model::settings::Field;
use crate::model::value::Value;
use crate::render::value;

use super::change::Change;

#[derive(Clone, Debug)]
pub(crate) struct Group<'a> {
    /// In order; never empty.
    pub(crate) addresses: Vec<&'a Address>,
    /// What happens at each of them. In values that differ only by it, the number of the replica reads `{n}`.
    pub(crate) each: Change<'a>,
}

/// Puts replicas with equal changes together, then what loses data first.
pub(super) fn groups<'a>(changes: &[Change<'a>]) -> Vec<Group<'a>> {
    let mut by_key: BTreeMap<&Key, Vec<&Change<'a>>> = BTreeMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for change in changes {
        match change.address {
            Address::Pod { key, replica: Some(_) } => by_key.entry(key).or_default().push(change),
            Address::Pod { key: _, replica: None }
            | Address::Volume(_)
            | Address::Secret(_)
            | Address::Registry(_) => {
                groups.push(Group { addresses: vec![change.address], each: change.clone() });
            }
        }
    }
    for replicas in by_key.into_values() {
        groups.extend(grouped(&replicas));
    }
    groups.sort_by_cached_key(|group| (loss_rank(&group.each), group.addresses[0].clone(), group.each.verb));
    groups
}

fn grouped<'a>(replicas: &[&Change<'a>]) -> Vec<Group<'a>> {
    let varying = varying_fields(replicas);
    let mut groups: Vec<Group<'a>> = Vec::new();
    for change in replicas {
        let each = numbered(change, &varying);
        match groups.iter_mut().find(|group| alike(&group.each, &each)) {
            Some(group) => group.addresses.push(each.address),
            None => groups.push(Group { addresses: vec![each.address], each }),
        }
    }
    for group in &mut groups {
        // A group of one shows its own values, not a pattern.
        if let [only] = group.addresses[..]
            && let Some(change) =
                replicas.iter().find(|change| change.address == only && change.verb == group.each.verb)
        {
            group.each = (*change).clone();
        }
    }
    groups
}

/// Returns the fields whose values can hold the number of the replica and do differ between these replicas.
fn varying_fields(replicas: &[&Change<'_>]) -> BTreeSet<Field> {
    let mut seen: BTreeMap<&Field, (&Value, &Value)> = BTreeMap::new();
    let mut varying = BTreeSet::new();
    for row in replicas.iter().flat_map(|change| change.rows.iter()) {
        let values = (&row.before, &row.after);
        if *seen.entry(&row.field).or_insert(values) != values
            && matches!(row.field, Field::Name | Field::Env(_))
        {
            varying.insert(row.field.clone());
        }
    }
    varying
}

fn numbered<'a>(change: &Change<'a>, varying: &BTreeSet<Field>) -> Change<'a> {
    let mut change = change.clone();
    if let Address::Pod { key: _, replica: Some(number) } = change.address {
        for row in change.rows.iter_mut().filter(|row| varying.contains(&row.field)) {
            row.before = with_pattern(&row.before, *number);
            row.after = with_pattern(&row.after, *number);
        }
    }
    change
}

/// Writes `{n}` where a value has exactly the number.
fn with_pattern(value: &Value, number: u32) -> Value {
    let number = number.to_string();
    value::map_texts(value, |text| {
        let mut pattern = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let digits = rest[start..].bytes().take_while(u8::is_ascii_digit).count();
            let (before, run) = (&rest[..start], &rest[start..start + digits]);
            pattern.push_str(before);
            pattern.push_str(if run == number { "{n}" } else { run });
            rest = &rest[start + digits..];
        }
        pattern.push_str(rest);
        pattern
    })
}

/// Tells whether two replicas have the same change: everything that is shown but addresses, ids and tokens.
fn alike(one: &Change<'_>, other: &Change<'_>) -> bool {
    let Change {
        address: _,
        verb,
        steps: _,
        reasons,
        rows,
        consequences,
        attempts,
        patience,
        ids,
        cost,
        ready,
        boot,
    } = one;
    let kinds = |change: &Change<'_>| change.steps.iter().map(|(id, _)| id.step).collect::<Vec<_>>();
    *verb == other.verb
        && kinds(one) == kinds(other)
        && *reasons == other.reasons
        && *rows == other.rows
        && *cost == other.cost
        && *ready == other.ready
        && *boot == other.boot
        && *consequences == other.consequences
        && ids.len() == other.ids.len()
        && attempts
            .iter()
            .map(|attempt| (attempt.after, &attempt.candidate))
            .eq(other.attempts.iter().map(|attempt| (attempt.after, &attempt.candidate)))
        && *patience == other.patience
}

/// Returns 0 for the worst loss; changes without loss come last.
fn loss_rank(change: &Change<'_>) -> u8 {
    let rank = |consequence: &&Consequence| match consequence {
        Consequence::NetworkVolumeLost { .. } => 0,
        Consequence::LocalVolumeLost { .. } => 1,
        Consequence::RunCutShort { .. } => 2,
        Consequence::ContainerDiskLost { .. } => 3,
        Consequence::VanishedWithData { .. }
        | Consequence::LocalVolumeKept { .. }
        | Consequence::NetworkVolumeKept { .. }
        | Consequence::NewPodId
        | Consequence::PublicPortsChange
        | Consequence::StartMayFail { .. }
        | Consequence::ScarceGpuGivenUp
        | Consequence::TakesEffectAtNextStart
        | Consequence::GoesOnUnmanaged
        | Consequence::TemplatesLoseIt
        | Consequence::ValueAtNextStart { .. } => 4,
    };
    change.consequences.iter().map(rank).min().unwrap_or(4)
}

/// Puts addresses of one key with equal values together.
pub(super) fn together<'a, T: fmt::Debug>(
    items: impl Iterator<Item = (&'a Address, &'a T)>,
) -> Vec<(Vec<&'a Address>, &'a T)> {
    // Values have no order, and are equal if they are written alike.
    let keyed = items.map(|(address, value)| {
        ((address.is_pod(), address.key(), format!("{value:?}")), value, Some(address))
    });
    gathered(keyed).into_iter().map(|(value, addresses)| (addresses, value)).collect()
}

pub(super) fn findings(findings: &[Finding]) -> Vec<(&Finding, Vec<&Subject>)> {
    let keyed = findings.iter().map(|finding| {
        let Finding { severity, code, subject, message } = finding;
        ((severity, code, message, subject.as_ref().map(|subject| &subject.field)), finding, subject.as_ref())
    });
    let mut groups = gathered(keyed);
    groups.sort_by_key(|(finding, _)| finding.severity != Severity::Warning);
    groups
}

/// Puts what has equal keys together, in the order in which the keys come first.
fn gathered<K: Ord, T, M>(items: impl Iterator<Item = (K, T, Option<M>)>) -> Vec<(T, Vec<M>)> {
    let mut groups: Vec<(T, Vec<M>)> = Vec::new();
    let mut known: BTreeMap<K, usize> = BTreeMap::new();
    for (key, first, member) in items {
        let group = *known.entry(key).or_insert_with(|| {
            groups.push((first, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.extend(member);
    }
    groups
}
