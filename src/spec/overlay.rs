//! Merging: several files into one, and `defaults` under every pod.
//!
//! Maps merge, lists and scalars replace, and `null` deletes what the map below has; only in the environment of a pod
//! it stays, where it means that there is to be no such variable. Nodes keep their places, so a message points to the
//! file that won.

use std::collections::BTreeMap;

use super::yaml::{Entry, Node, Value};

/// Where in a spec a map stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The top.
    Root,
    /// `pods`
    Pods,
    /// A pod, or `defaults`.
    Pod,
    /// `env` of either.
    Env,
    /// `replicas` of either.
    Replicas,
    /// Anywhere else.
    Other,
}

impl Place {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Root, "pods") => Self::Pods,
            (Self::Root, "defaults") | (Self::Pods, _) => Self::Pod,
            (Self::Pod, "env") => Self::Env,
            (Self::Pod, "replicas") => Self::Replicas,
            (Self::Root | Self::Pod | Self::Env | Self::Replicas | Self::Other, _) => Self::Other,
        }
    }
}

/// Lays one file on another.
pub(super) fn merge<'t>(base: &Node<'t>, over: &Node<'t>) -> Node<'t> {
    merge_at(Place::Root, base, over)
}

/// Lays `over` on `base`.
///
/// A `null` that finds nothing to delete stays, so that whoever reads the value can say so; dropped silently, a typo
/// in the key would leave the value in force.
fn merge_at<'t>(place: Place, base: &Node<'t>, over: &Node<'t>) -> Node<'t> {
    let (Value::Mapping(below), Value::Mapping(above)) = (&base.value, &over.value) else {
        if place == Place::Replicas && !base.is_null() && matches!(over.value, Value::Mapping(_)) {
            return merge_at(Place::Other, &counted(base), over);
        }
        return over.clone();
    };
    let mut winners: BTreeMap<&str, &Entry<'t>> = above.iter().map(|entry| (&*entry.key, entry)).collect();
    let mut entries: Vec<Entry<'t>> = Vec::with_capacity(below.len() + above.len());
    for entry in below.iter() {
        match winners.remove(&*entry.key) {
            None => entries.push(entry.clone()),
            Some(winner) if winner.value.is_null() && place != Place::Env => {}
            Some(winner) => entries.push(Entry {
                key: winner.key.clone(),
                key_span: winner.key_span,
                value: merge_at(place.below(&entry.key), &entry.value, &winner.value),
            }),
        }
    }
    entries.extend(above.iter().filter(|entry| winners.contains_key(&*entry.key)).cloned());
    Node::mapping(over.span, entries)
}

/// Returns the long form of a number of replicas, so that another layer can leave some of them out.
fn counted<'t>(number: &Node<'t>) -> Node<'t> {
    let count = Entry { key: "count".into(), key_span: number.span, value: number.clone() };
    Node::mapping(number.span, vec![count])
}

/// Lays a pod on the defaults. A pod names a machine of its own: its `cpu` drops the defaults' `gpu` and vice versa, with all
/// that only pods with GPUs can have.
pub(super) fn under_defaults<'t>(defaults: Option<&Node<'t>>, pod: &Node<'t>) -> Node<'t> {
    let (Some(defaults), Value::Mapping(_)) = (defaults, &pod.value) else {
        return pod.clone();
    };
    let Value::Mapping(entries) = &defaults.value else {
        return pod.clone();
    };
    let names = |key: &str| pod.get(key).is_some_and(|entry| !entry.value.is_null());
    let is_on_cpu = names("cpu") && !names("gpu");
    let dropped = |key: &str| match key {
        "gpu" | "cuda" | "min_vcpu" | "min_memory" | "rent" => is_on_cpu,
        "cpu" => names("gpu") && !names("cpu"),
        _ => false,
    };
    let kept = entries.iter().filter(|entry| !dropped(&entry.key) || pod.get(&entry.key).is_some());
    let kept = kept.map(|entry| match &*entry.key {
        "retry" if is_on_cpu => without(entry, "widen"),
        _ => entry.clone(),
    });
    let kept = kept.collect();
    merge_at(Place::Pod, &Node::mapping(defaults.span, kept), pod)
}

/// Takes a key out of a map of the defaults.
fn without<'t>(entry: &Entry<'t>, key: &str) -> Entry<'t> {
    let Value::Mapping(entries) = &entry.value.value else { return entry.clone() };
    let left = entries.iter().filter(|below| below.key != key).cloned().collect();
    Entry { value: Node::mapping(entry.value.span, left), ..entry.clone() }
}
