//! `moved`: renames that keep the objects.

use std::collections::BTreeMap;

use crate::model::address::{Address, Kind};
use crate::model::desired::{Move, OnRemove};

use super::diagnostic::{Collector, Diagnostic, Problem};
use super::resolve::addresses;
use super::source::{Span, Spanned};
use super::syntax::{self, RegistryDeclaration, SecretDeclaration, Spec};

/// Checks the renames and follows chains, so that every rename leads to an address of this spec.
///
/// The old address must be gone from the spec: otherwise two entries would claim one object.
pub(super) fn resolve(spec: &Spec, log: &mut Collector) -> Vec<Move> {
    if spec.moved.is_empty() {
        return Vec::new();
    }
    let mut first: BTreeMap<&Address, Span> = BTreeMap::new();
    let mut steps: BTreeMap<&Address, &syntax::Move> = BTreeMap::new();
    for entry in &spec.moved {
        let from = &entry.from;
        if let Some(place) = first.insert(&from.value, from.span) {
            let detail = format!("`{}` is moved for the second time", from.value);
            log.push(Diagnostic::at(Problem::InvalidMove, from.span, detail).label(place, "first here"));
        }
        steps.insert(&from.value, entry);
    }
    let declared = addresses(spec);
    let mut taken: BTreeMap<&Address, Span> = BTreeMap::new();
    let mut ends = BTreeMap::new();
    let mut moves = Vec::new();
    for entry in &spec.moved {
        let syntax::Move { from, to } = entry;
        let still_there = declared.contains(&from.value)
            || (is_bare(&from.value) && from.value.key() != to.value.key() && has_key(spec, &from.value));
        if from.value.kind() != to.value.kind() {
            let detail = "an object cannot become one of another kind";
            let mistake =
                Diagnostic::at(Problem::InvalidMove, to.span, detail).label(from.span, "moved from here");
            log.push(match of_one_kind(spec, entry) {
                Some(help) => mistake.help(help),
                None => mistake,
            });
        } else if from.value == to.value {
            log.push(Diagnostic::at(Problem::InvalidMove, to.span, "it is the same address"));
        } else if still_there {
            let detail = format!("`{}` still stands in the spec", from.value);
            log.push(
                Diagnostic::at(Problem::InvalidMove, from.span, detail)
                    .help("rename the key itself too; `moved` tells that the old name meant the same object"),
            );
        } else if let Some(place) = taken.insert(&to.value, to.span) {
            let detail = format!("`{}` cannot take over two objects", to.value);
            log.push(Diagnostic::at(Problem::InvalidMove, to.span, detail).label(place, "first here"));
        } else if let Some(target) = target(spec, entry, &steps, &mut ends, log) {
            moves.push(Move { from: from.value.clone(), to: target });
        }
    }
    moves
}

/// Checks the declared removals: each is about an address that the spec does not have, once.
pub(super) fn removed(spec: &Spec, log: &mut Collector) -> BTreeMap<Address, OnRemove> {
    if spec.removed.is_empty() {
        return BTreeMap::new();
    }
    let declared = addresses(spec);
    let mut first: BTreeMap<&Address, Span> = BTreeMap::new();
    let mut moved: BTreeMap<&Address, Span> = BTreeMap::new();
    for entry in &spec.moved {
        moved.entry(&entry.from.value).or_insert(entry.from.span);
    }
    let mut removed = BTreeMap::new();
    for syntax::Removal { from, then } in &spec.removed {
        let address = &from.value;
        if let Some(place) = first.insert(address, from.span) {
            let detail = format!("`{address}` is removed for the second time");
            log.push(Diagnostic::at(Problem::InvalidMove, from.span, detail).label(place, "first here"));
        } else if declared.contains(address) || (!is_numbered(address) && has_key(spec, address)) {
            let detail = format!("`{address}` still stands in the spec");
            log.push(
                Diagnostic::at(Problem::InvalidMove, from.span, detail)
                    .help("`removed` tells what is to become of something whose key has left the spec"),
            );
        } else if let Some(place) = moved.get(address) {
            let detail = format!("`{address}` is moved as well");
            let mistake = Diagnostic::at(Problem::InvalidMove, from.span, detail);
            log.push(mistake.label(*place, "moved from here"));
        } else if !address.is_pod() && then.value == OnRemove::Stop {
            log.push(
                Diagnostic::at(Problem::InvalidMove, then.span, "only a pod can be stopped")
                    .help("`then: forget` keeps it, unmanaged"),
            );
        } else {
            removed.insert(address.clone(), then.value);
        }
    }
    removed
}

/// Where a chain of renames leads.
#[derive(Clone, Copy)]
enum End<'s> {
    /// To this address of the spec.
    At(&'s Address),
    /// To what is none, named here.
    Nowhere(&'s Spanned<Address>),
    /// Back to where it was.
    InCircle,
}

/// Follows a chain of renames, each part of it once: the ends of what was passed are kept.
fn end_of<'s>(
    spec: &'s Spec,
    first: &'s Spanned<Address>,
    steps: &BTreeMap<&'s Address, &'s syntax::Move>,
    ends: &mut BTreeMap<&'s Address, End<'s>>,
) -> End<'s> {
    let mut passed = Vec::new();
    let mut to = first;
    let end = loop {
        if let Some(known) = ends.get(&to.value) {
            break *known;
        }
        if unusable_target(spec, &to.value).is_none() {
            break End::At(&to.value);
        }
        // Until its end is known, what leads here leads in a circle.
        ends.insert(&to.value, End::InCircle);
        passed.push(&to.value);
        match steps.get(&to.value) {
            Some(next) => to = &next.to,
            None => break End::Nowhere(to),
        }
    };
    ends.extend(passed.into_iter().map(|address| (address, end)));
    end
}

/// Returns the address of the spec that a rename leads to.
fn target<'s>(
    spec: &'s Spec,
    entry: &'s syntax::Move,
    steps: &BTreeMap<&'s Address, &'s syntax::Move>,
    ends: &mut BTreeMap<&'s Address, End<'s>>,
    log: &mut Collector,
) -> Option<Address> {
    let to = match end_of(spec, &entry.to, steps, ends) {
        End::At(address) => return Some(address.clone()),
        End::InCircle => {
            let detail = "these moves lead in a circle";
            log.push(Diagnostic::at(Problem::InvalidMove, entry.from.span, detail));
            return None;
        }
        End::Nowhere(to) => to,
    };
    let mistake = Diagnostic::at(Problem::InvalidMove, to.span, unusable_target(spec, &to.value)?);
    let keys = spec.pods.keys().map(|key| key.as_str());
    if is_bare(&to.value)
        && !has_key(spec, &to.value)
        && let Some(help) = of_volumes(spec, &entry.from.value, &to.value)
    {
        log.push(mistake.help(help));
        return None;
    }
    log.push(match log.closest(to.value.key().as_str(), keys) {
        Some(near) if to.value.is_pod() && !has_key(spec, &to.value) => {
            mistake.help(format!("did you mean `{near}`?"))
        }
        Some(_) | None => mistake,
    });
    None
}

/// Mounts name a volume by its key alone, so a bare key is what people write here too.
fn of_volumes(spec: &Spec, from: &Address, to: &Address) -> Option<String> {
    let [from, to] = [from, to].map(|address| Address::Volume(address.key().clone()));
    has_key(spec, &to)
        .then(|| format!("a volume's address begins with `volume.`: write `from: {from}` and `to: {to}`"))
}

/// Returns how to write a rename whose ends are of two kinds: as what the spec has under the new key.
fn of_one_kind(spec: &Spec, syntax::Move { from, to }: &syntax::Move) -> Option<String> {
    let [from_pod, to_pod] = [from, to].map(|address| Address::pod(address.value.key().clone()));
    let of_pods = || {
        let how = format!("a pod's address is its key: write `from: {from_pod}` and `to: {to_pod}`");
        has_key(spec, &to_pod).then_some(how)
    };
    of_volumes(spec, &from.value, &to.value).or_else(of_pods)
}

fn is_bare(address: &Address) -> bool {
    match address {
        Address::Secret(_)
        | Address::Registry(_)
        | Address::Volume(_)
        | Address::Pod { key: _, replica: None } => true,
        Address::Pod { key: _, replica: Some(_) } => false,
    }
}

/// Tells whether an address is that of one replica, which may go while the others of its key stay.
fn is_numbered(address: &Address) -> bool {
    matches!(address, Address::Pod { key: _, replica: Some(_) })
}

fn has_key(spec: &Spec, address: &Address) -> bool {
    match address {
        Address::Secret(key) => spec.secrets.get(key.as_str()).is_some_and(|secret| {
            matches!(secret.value, SecretDeclaration::Runpod { name: _, from: Some(_) })
        }),
        Address::Registry(key) => spec
            .registries
            .get(key.as_str())
            .is_some_and(|registry| matches!(registry.value, RegistryDeclaration::Made { .. })),
        Address::Volume(key) => spec.volumes.contains_key(key),
        Address::Pod { key, replica: _ } => spec.pods.contains_key(key),
    }
}

fn unusable_target(spec: &Spec, address: &Address) -> Option<String> {
    if !has_key(spec, address) {
        let section = match address.kind() {
            Kind::Secret => "secrets",
            Kind::Registry => "registries",
            Kind::Volume => "volumes",
            Kind::Pod => "pods",
        };
        return Some(format!("`{section}` has no `{}`", address.key()));
    }
    let Address::Pod { key, replica: Some(number) } = address else {
        return None;
    };
    match spec.pods.get(key)?.replicas() {
        Some(replicas) if replicas.without.contains(number) => {
            Some(format!("`{key}` leaves out replica {number}"))
        }
        Some(replicas) if *number < replicas.count => None,
        Some(replicas) => Some(format!("`{key}` has {} replicas, numbered from 0", replicas.count)),
        None if *number == 0 => None,
        None => Some(format!("`{key}` has no `replicas`")),
    }
}
