//! Pods that wait for each other, named as a path.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Collector, Diagnostic, Problem};
use super::source::Span;
use super::syntax::Spec;

/// Reports every cycle of `depends_on` and of references; of cycles that share a pod, one.
pub(super) fn report(spec: &Spec, log: &mut Collector) {
    let edges: BTreeMap<&str, Vec<(&str, Span)>> = spec
        .pods
        .iter()
        .map(|(key, pod)| {
            let names = pod.depends_on.iter().flat_map(|names| &names.value);
            let names = names.map(|name| (name.value.pod.as_str(), name.span));
            let referred = pod.references.iter().map(|to| (to.value.pod.key().as_str(), to.span));
            // One that refers to itself is told of as such.
            let referred = referred.filter(|(to, _)| *to != key.as_str());
            (key.as_str(), names.chain(referred).collect::<Vec<_>>())
        })
        .filter(|(_, edges)| !edges.is_empty())
        .collect();
    let mut walk = Walk { edges: &edges, done: BTreeSet::new(), in_cycle: BTreeSet::new(), closed: 0 };
    for start in edges.keys() {
        for cycle in walk.from(start) {
            log.push(diagnostic(&cycle));
        }
    }
}

/// A step of a path: the pod, and where it names the next one.
type Step<'a> = (&'a str, Span);

struct Walk<'a> {
    edges: &'a BTreeMap<&'a str, Vec<(&'a str, Span)>>,
    /// Pods whose dependencies were all walked.
    done: BTreeSet<&'a str>,
    /// Pods of a cycle that was found.
    in_cycle: BTreeSet<&'a str>,
    /// How many paths came back to themselves.
    closed: usize,
}

impl<'a> Walk<'a> {
    /// Walks depth first with a stack of its own, as a chain of pods may be longer than the thread's.
    fn from(&mut self, start: &'a str) -> Vec<Vec<Step<'a>>> {
        let mut cycles = Vec::new();
        let mut path: Vec<(&'a str, usize)> = vec![(start, 0)];
        let mut on_path = BTreeSet::from([start]);
        if self.done.contains(start) {
            return cycles;
        }
        while let Some((pod, next)) = path.last_mut() {
            let edge = self.edges.get(pod).and_then(|edges| edges.get(*next));
            let Some((target, _)) = edge else {
                self.done.insert(pod);
                on_path.remove(*pod);
                path.pop();
                continue;
            };
            *next += 1;
            if on_path.contains(target) {
                cycles.extend(self.close(&path, target));
            } else if self.edges.contains_key(target) && !self.done.contains(target) {
                path.push((target, 0));
                on_path.insert(target);
            }
        }
        cycles
    }

    /// Cuts the cycle out of the path that has come back to `target`.
    fn close(&mut self, path: &[(&'a str, usize)], target: &str) -> Option<Vec<Step<'a>>> {
        self.closed += 1;
        if self.closed > MAX_CLOSED || self.in_cycle.contains(target) {
            return None;
        }
        let start = path.iter().position(|(pod, _)| *pod == target)?;
        let steps: Vec<Step<'a>> = path[start..]
            .iter()
            .filter_map(|(pod, next)| Some((*pod, self.edges.get(pod)?.get(next.checked_sub(1)?)?.1)))
            .collect();
        if steps.is_empty() || steps.iter().any(|(pod, _)| self.in_cycle.contains(pod)) {
            return None;
        }
        self.in_cycle.extend(steps.iter().map(|(pod, _)| *pod));
        Some(steps)
    }
}

/// Cutting out a cycle takes as long as the path, and a hostile file has a cycle for every entry.
const MAX_CLOSED: usize = 2_000;

/// How many steps of a path are written out.
const SHOWN: usize = 12;

fn diagnostic(cycle: &[Step<'_>]) -> Diagnostic {
    // The path begins with the pod that stands first in the file, whatever the walk met first.
    let first = (0..cycle.len()).min_by_key(|index| cycle[*index].1).unwrap_or_default();
    let steps: Vec<Step<'_>> = cycle[first..].iter().chain(&cycle[..first]).copied().collect();
    let mut names: Vec<&str> = steps.iter().take(SHOWN).map(|(pod, _)| *pod).collect();
    if steps.len() > SHOWN {
        names.push("...");
    }
    names.extend(steps.first().map(|(pod, _)| *pod));
    let (pod, span) = steps[0];
    let detail = match steps.len() {
        1 => format!("`{pod}` waits for itself"),
        _ => format!("each waits for the next: {}", names.join(" -> ")),
    };
    let mut mistake = Diagnostic::at(Problem::DependencyCycle, span, detail);
    for (pod, span) in steps.iter().take(SHOWN).skip(1) {
        mistake = mistake.label(*span, format!("`{pod}` waits here"));
    }
    mistake.help("delete one of these entries")
}
