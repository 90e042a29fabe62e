//! Pods that go on with an address of one that is gone: nothing of this plan tells them of the present one.
//!
//! What a pod was given last is on record, also of one that the plan is not about, and an id is like no other word. So an
//! address is found where it was referred to and where somebody typed it. Of a pod that went with an earlier plan no record
//! tells any more; but where the spec refers to it, what was given tells its id.

use std::collections::BTreeMap;

use crate::model::address::Address;
use crate::model::attribute::addressed;
use crate::model::desired::{Wanted, WantedPod};
use crate::model::id::{PodId, RemoteId};
use crate::model::live::Seen;
use crate::model::plan::{Finding, Operation, Step};
use crate::model::pod::{EnvValue, RunState};
use crate::model::prior::RecordedPod;
use crate::model::reference;
use crate::model::settings::{Container, Field};

use super::draft::Draft;
use super::hold::{deleted_pods, is_taken_away};
use super::jobs::JobAfter;
use super::{Context, Drafts, finding, is_gone};

/// Why a pod is told of nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// The plan is not about it.
    LeftOut,
    /// The plan holds it.
    Held,
    /// `ignore_changes` names the field.
    Ignored,
    /// Its job goes on, and only another run is given something else.
    UnderWay,
    /// The spec has the address as it was.
    Typed,
}

/// Says who goes on with an address of a pod that is gone once all is done.
pub(super) fn kept(context: &Context<'_>, drafts: &Drafts<'_>) -> Vec<Finding> {
    let gone = Gone::new(context, drafts);
    let mut findings = Vec::new();
    for (address, recorded) in &context.renamed.objects {
        let (RemoteId::Pod(id), Some(pod)) = (&recorded.id, recorded.record.object.pod()) else { continue };
        let draft = drafts.get(address);
        let wanted = context.wanted(address).and_then(Wanted::pod);
        if goes_on(context, id, draft, wanted) {
            let keeping = Keeping { context, gone: &gone, address, pod, draft, wanted };
            findings.extend(keeping.findings());
        }
    }
    findings
}

/// Tells whether a pod that is there runs once all is done, and is no other one then.
pub(super) fn goes_on(
    context: &Context<'_>,
    id: &PodId,
    draft: Option<&Draft<'_>>,
    wanted: Option<&WantedPod>,
) -> bool {
    let Some(live) = context.inputs.live.pods.get(id).and_then(Seen::found) else { return false };
    let Some(draft) = draft.filter(|draft| draft.held.is_none()) else { return live.status.is_up() };
    let ends = is_taken_away(draft) || draft.has(Step::Create) || draft.has(Step::Forget);
    let has_ended = matches!(draft.job, Some(JobAfter::Ended(_)));
    let is_wanted = wanted.is_some_and(|wanted| wanted.run == RunState::Running);
    is_wanted && !ends && !has_ended && (live.status.is_up() || draft.has(Step::Start))
}

/// The pods that are gone once all is done, with the addresses that had them.
struct Gone<'a> {
    pods: BTreeMap<String, &'a Address>,
    longest: usize,
}

impl<'a> Gone<'a> {
    fn new(context: &'a Context<'_>, drafts: &Drafts<'a>) -> Self {
        let mut pods = BTreeMap::new();
        for (address, recorded) in &context.renamed.objects {
            if let RemoteId::Pod(id) = &recorded.id
                && is_gone(&recorded.id, context.inputs.live)
            {
                pods.insert(id.to_string(), address);
            }
        }
        for (id, (address, _)) in deleted_pods(drafts) {
            let address = drafts.get_key_value(&address).map(|(address, _)| *address);
            pods.extend(address.map(|address| (id.to_string(), address)));
        }
        let longest = pods.keys().map(String::len).max().unwrap_or_default();
        Self { pods, longest }
    }

    /// Returns whose id stands in a text as a word, or between the marks of an address.
    fn named_in(&self, text: &str) -> Option<&'a Address> {
        if self.pods.is_empty() {
            return None;
        }
        let is_of_word = |byte: u8| byte.is_ascii_alphanumeric();
        let bytes = text.as_bytes();
        let begins = |at: usize| is_of_word(bytes[at]) && (at == 0 || !is_of_word(bytes[at - 1]));
        let ends = |at: usize| at == bytes.len() || !is_of_word(bytes[at]);
        (0..bytes.len()).filter(|at| begins(*at)).find_map(|begin| {
            let last = bytes.len().min(begin + self.longest);
            let words = (begin + 1..=last).filter(|end| ends(*end)).filter_map(|end| text.get(begin..end));
            words.filter_map(|word| self.pods.get(word).copied()).next()
        })
    }
}

/// A pod that goes on, and what it was given.
struct Keeping<'k, 'a> {
    context: &'k Context<'a>,
    gone: &'k Gone<'k>,
    address: &'k Address,
    pod: &'k RecordedPod,
    draft: Option<&'k Draft<'a>>,
    wanted: Option<&'k WantedPod>,
}

impl Keeping<'_, '_> {
    fn findings(&self) -> Vec<Finding> {
        let container = &self.pod.container;
        let variables = container.env.iter().filter_map(|(key, value)| {
            let text = value.plain()?;
            let field = Field::Env(key.clone());
            let written = || self.written()?.env.get(key).and_then(EnvValue::plain);
            Some((field, self.whose(text, written)?))
        });
        let words = container.command.iter().enumerate();
        let command = words
            .into_iter()
            .find_map(|(at, word)| self.whose(word, || self.written()?.command.get(at).map(String::as_str)));
        let command = command.map(|whose| (Field::Command, whose));
        let kept = variables.chain(command).filter(|(field, _)| !self.changes(field));
        kept.map(|(field, whose)| finding::dead_address(self.address, &field, &whose, self.why(&field)))
            .collect()
    }

    fn written(&self) -> Option<&Container> {
        self.context.written(self.address)
    }

    /// Returns whose address stands in a text that leads nowhere; `written` is what the spec has in its place.
    fn whose<'w>(&self, text: &str, written: impl Fn() -> Option<&'w str>) -> Option<Address> {
        let named = || self.gone.named_in(text).cloned();
        named().or_else(|| self.outdated(text, written()?)).or_else(|| self.depended_on(text))
    }

    /// Returns whom a text refers to that was given the id of a pod which is not there any more.
    fn outdated(&self, text: &str, written: &str) -> Option<Address> {
        let ids = reference::ids(written, text)?;
        let dead = reference::of(written).zip(ids).find(|(_, id)| self.is_nobody(id));
        dead.map(|(reference, _)| reference.pod)
    }

    /// Returns the one pod that a pod which the spec does not have here depended on, where a text has an address in this
    /// account of one that is not there any more.
    fn depended_on(&self, text: &str) -> Option<Address> {
        if self.wanted.is_some() {
            return None;
        }
        let mut pods = self.pod.depends_on.iter().filter(|address| address.is_pod());
        let (Some(only), None) = (pods.next(), pods.next()) else { return None };
        addressed(text).any(|id| self.is_nobody(id)).then(|| only.clone())
    }

    /// Tells whether no pod of the account has an id. One that could not be looked at has it.
    fn is_nobody(&self, id: &str) -> bool {
        match self.context.inputs.live.pods.get(&PodId::new(id)) {
            None | Some(Seen::Absent) => true,
            Some(Seen::Found(_) | Seen::Unreadable(_)) => false,
        }
    }

    /// Tells whether the plan gives the pod something else there.
    fn changes(&self, field: &Field) -> bool {
        let steps = self.draft.into_iter().flat_map(|draft| &draft.steps);
        let mut updates = steps.filter(|(_, action)| matches!(action.operation, Operation::UpdatePod { .. }));
        updates.any(|(_, action)| action.changes.iter().any(|change| change.field == *field))
    }

    fn why(&self, field: &Field) -> Kept {
        match (self.draft, self.wanted) {
            (Some(draft), _) if draft.held.is_some() => Kept::Held,
            (None, _) | (_, None) => Kept::LeftOut,
            (Some(_), Some(wanted)) if wanted.lifecycle.ignores(field) => Kept::Ignored,
            (Some(_), Some(wanted)) if wanted.job.is_some() => Kept::UnderWay,
            (Some(_), Some(_)) => Kept::Typed,
        }
    }
}
