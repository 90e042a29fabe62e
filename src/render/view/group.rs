//! Replicas whose changes are equal but for their number, together.

use std::cell::{Cell, RefCell};
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
    let places = places(replicas);
    let mut groups: Vec<Group<'a>> = Vec::new();
    for change in replicas {
        let each = numbered(change, &places);
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

/// Where a number stands: in which field, in the value before or after, and after how many other numbers.
type Place = (Field, bool, usize);

/// Returns where several of these replicas have each its own number. What all have in common, such as a project's name, may
/// hold the number of one of them.
fn places(replicas: &[&Change<'_>]) -> BTreeSet<Place> {
    let mut own: BTreeMap<Place, BTreeSet<u32>> = BTreeMap::new();
    for change in replicas {
        let Address::Pod { key: _, replica: Some(number) } = change.address else { continue };
        for row in change.rows.iter().filter(|row| may_be_numbered(&row.field)) {
            for (is_after, value) in [(false, &row.before), (true, &row.after)] {
                let seen = RefCell::new(Vec::new());
                map_numbers(value, |at, run| {
                    if run == number.to_string() {
                        seen.borrow_mut().push(at);
                    }
                    run.to_owned()
                });
                for at in seen.into_inner() {
                    own.entry((row.field.clone(), is_after, at)).or_default().insert(*number);
                }
            }
        }
    }
    own.into_iter().filter(|(_, numbers)| numbers.len() > 1).map(|(place, _)| place).collect()
}

fn may_be_numbered(field: &Field) -> bool {
    matches!(field, Field::Name | Field::Env(_))
}

/// Writes `{n}` where the number of the replica stands.
fn numbered<'a>(change: &Change<'a>, places: &BTreeSet<Place>) -> Change<'a> {
    let mut change = change.clone();
    if let Address::Pod { key: _, replica: Some(number) } = change.address {
        let number = number.to_string();
        for row in change.rows.iter_mut().filter(|row| may_be_numbered(&row.field)) {
            let field = row.field.clone();
            let pattern = |is_after: bool, at: usize, run: &str| {
                let is_own = run == number && places.contains(&(field.clone(), is_after, at));
                if is_own { "{n}".to_owned() } else { run.to_owned() }
            };
            row.before = map_numbers(&row.before, |at, run| pattern(false, at, run));
            row.after = map_numbers(&row.after, |at, run| pattern(true, at, run));
        }
    }
    change
}

/// Puts something else in the place of each number in a value, which is given with how many stand before it.
fn map_numbers(value: &Value, change: impl Fn(usize, &str) -> String) -> Value {
    let count = Cell::new(0);
    value::map_texts(value, |text| {
        let mut mapped = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let digits = rest[start..].bytes().take_while(u8::is_ascii_digit).count();
            let (before, run) = (&rest[..start], &rest[start..start + digits]);
            mapped.push_str(before);
            mapped.push_str(&change(count.replace(count.get() + 1), run));
            rest = &rest[start + digits..];
        }
        mapped.push_str(rest);
        mapped
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
