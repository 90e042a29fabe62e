//! What a spec says that changes nothing: whoever wrote it expects that it does.
//!
//! What `defaults` says is for many pods, so that it may be more than one of them can use.

use crate::model::desired::{AtOnce, GpuChoice};

use super::diagnostic::{Collector, Diagnostic, Problem};
use super::pod::{Gpu, Pod, Replicas, Widen};
use super::syntax::Spec;

/// Warns of it in every pod.
pub(super) fn warn(spec: &Spec, log: &mut Collector) {
    for pod in spec.pods.values() {
        at_once(pod, log);
        widen(pod, log);
    }
}

/// Warns of more replicas at once than there are.
fn at_once(pod: &Pod, log: &mut Collector) {
    let Some(at_once) = pod.update.and_then(|update| update.value.at_once) else { return };
    let count = pod.replicas().map_or(1, Replicas::len);
    let is_more = match at_once.value {
        AtOnce::Number(number) => number as usize > count,
        AtOnce::Percent(_) => false,
    };
    // Of none that are wanted for a while nothing is to be said.
    if !is_more || count == 0 || at_once.span.precedes(pod.span) {
        return;
    }
    let (detail, help) = match count {
        1 => ("there is one pod, which goes alone".to_owned(), "remove it, or add `replicas`".to_owned()),
        _ => {
            let detail = format!("there are {count} replicas, so all of them go at once");
            (detail, format!("write a number below {count}, or `100%` for all of them"))
        }
    };
    let mut mistake = Diagnostic::at(Problem::NoEffect, at_once.span, detail);
    if let Some(replicas) = &pod.replicas {
        mistake = mistake.label(replicas.span, "as many as this");
    }
    log.push(mistake.help(help));
}

/// Warns of an entry of `widen` that names nothing but what the pod takes from the start.
fn widen(pod: &Pod, log: &mut Collector) {
    let Some(own) = &pod.gpu else { return };
    for entry in pod.widen().iter().filter(|entry| !entry.span.precedes(pod.span)) {
        if is_taken_already(&entry.value, &own.value) {
            let mistake =
                Diagnostic::at(Problem::NoEffect, entry.span, "the pod takes all of these from the start");
            let mistake = mistake.label(own.span, "its GPUs");
            log.push(mistake.help("name other GPUs, or give them a `max_price` above that of the pod"));
        }
    }
}

fn is_taken_already(widen: &Widen, own: &Gpu) -> bool {
    let is_plain = widen.max_price.is_none() && own.memory.is_none() && !widen.gpu.any_of.is_empty();
    let own_count = own.count.map(|count| count.value);
    let count = widen.gpu.count.map(|count| count.value).or(own_count);
    let takes = |taken: &GpuChoice, choice: &GpuChoice| {
        let is_one = taken.name.as_str().eq_ignore_ascii_case(choice.name.as_str());
        let is_limited = taken.max_price.is_some() || choice.max_price.is_some();
        is_one && !is_limited && taken.count.or(own_count) == choice.count.or(count)
    };
    is_plain
        && widen
            .gpu
            .any_of
            .iter()
            .all(|choice| own.any_of.iter().any(|taken| takes(&taken.value, &choice.value)))
}
