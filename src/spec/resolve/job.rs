//! Jobs against the rest of the spec.

use std::collections::BTreeMap;

use crate::model::address::Key;
use crate::model::job::{self, Job, Until};
use crate::model::prior::Api;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::pod::{Pod, Purpose};
use crate::spec::source::Spanned;

use super::Resolver;

impl Resolver<'_> {
    /// Refuses conditions that only a job can meet on what is none.
    pub(super) fn conditions(&mut self) {
        for pod in self.spec.pods.values() {
            for dependency in pod.depends_on.iter().flat_map(|list| &list.value) {
                let Some(until) = &dependency.value.until else { continue };
                let Ok(key) = dependency.value.pod.parse::<Key>() else { continue };
                let Some(other) = self.spec.pods.get(&key).filter(|other| !other.is_job()) else { continue };
                let detail = format!("only a job is {}, and `{key}` is a service", until.value.word());
                let mistake = Diagnostic::at(Problem::ConflictingKeys, until.span, detail);
                let place = other.run.as_ref().map_or(other.span, |run| run.span);
                self.log.push(
                    mistake.label(place, "not `run: job`").help("write `until: ready`, or make it a job"),
                );
            }
        }
    }

    /// Returns what a pod is as a job, if it is one.
    pub(super) fn job(&mut self, key: &Key, pod: &Pod) -> Option<Job> {
        if !pod.is_job() {
            self.not_a_job(pod);
            return None;
        }
        let span = pod.run.as_ref().map_or(pod.span, |run| run.span);
        match self.api() {
            Api::V2 => {}
            Api::V1 | Api::Graphql => {
                let detail = "a job needs an entrypoint and the log of its pod, which REST v2 alone has";
                let mistake = Diagnostic::at(Problem::ConflictingKeys, span, detail);
                self.log.push(mistake.help("write `provider: { api: v2 }`"));
            }
        }
        if pod.command.as_ref().is_none_or(|command| command.value.is_empty()) {
            let detail = format!("the job `{key}` needs `command`, the whole command line");
            let mistake = Diagnostic::at(Problem::MissingKey, span, detail);
            self.log.push(mistake.help("write `command: [python, train.py]`, with the program first"));
        }
        if let Some(entrypoint) = &pod.entrypoint {
            let detail = "podform sends an entrypoint of its own for a job, which runs the `command`";
            let mistake = Diagnostic::at(Problem::ConflictingKeys, entrypoint.span, detail);
            self.log.push(mistake.label(span, "a job by this").help("write its words first in `command`"));
        }
        if let Some(update) = &pod.update {
            let detail = "a job serves nobody who would miss it, so its replicas are changed all at once";
            let mistake = Diagnostic::at(Problem::ConflictingKeys, update.span, detail);
            self.log.push(mistake.label(span, "a job by this").help("remove `update:`"));
        }
        let then = pod.then.map(|then| then.value).unwrap_or_default();
        if let (job::Then::Terminate, true, Some(typed)) = (then, pod.is_protected(), &pod.then) {
            let detail = "a protected pod is not terminated";
            let mistake = Diagnostic::at(Problem::ConflictingKeys, typed.span, detail);
            let place = pod.lifecycle.as_ref().map_or(pod.span, |lifecycle| lifecycle.span);
            self.log.push(mistake.label(place, "protected here").help("write `then: stop`"));
        }
        let rerun_on = pod.rerun_on.as_ref().map(|fields| fields.value.clone());
        Some(Job { then, rerun_on: rerun_on.unwrap_or_else(Job::usual_rerun_on) })
    }

    fn not_a_job(&mut self, pod: &Pod) {
        let then = pod.then.as_ref().map(|then| ("then", then.span));
        let rerun_on = pod.rerun_on.as_ref().map(|fields| ("rerun_on", fields.span));
        for (key, span) in then.into_iter().chain(rerun_on) {
            let detail = format!("`{key}` is for jobs");
            let mistake = Diagnostic::at(Problem::ConflictingKeys, span, detail);
            self.log.push(mistake.help("write `run: job` beside it"));
        }
        let first = pod.entrypoint.as_ref().and_then(|words| Some((words.value.first()?, words.span)));
        if let Some((word, span)) = first
            && job::is_entrypoint(&[word.for_replica(Some(0))])
        {
            let detail = "this word stands for podform's own entrypoint of a job";
            self.log.push(Diagnostic::at(Problem::InvalidValue, span, detail).help("write `run: job`"));
        }
    }
}

/// Returns how far the jobs must be that a pod depends on; of two conditions on one job both must hold, so the stronger.
pub(super) fn until(pod: &Pod) -> BTreeMap<Key, Until> {
    let mut conditions = BTreeMap::new();
    for dependency in pod.depends_on.iter().flat_map(|list| &list.value) {
        let Some(Spanned { value: until, span: _ }) = dependency.value.until else { continue };
        let Ok(key) = dependency.value.pod.parse::<Key>() else { continue };
        let strongest = conditions.entry(key).or_insert(until);
        *strongest = until.min(*strongest);
    }
    conditions
}

impl Pod {
    /// Tells whether it runs its command once.
    pub(in crate::spec) fn is_job(&self) -> bool {
        self.run.is_some_and(|run| run.value == Purpose::Job)
    }
}
