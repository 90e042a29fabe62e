//! What is planned at one address: its steps in order, and everything a reviewer should know beside them.

use std::collections::BTreeSet;

use super::jobs::JobAfter;
use crate::model::id::RegistryId;
use crate::model::live::LivePod;
use crate::model::plan::{
    Action, Block, Consequence, CostChange, DriftKind, FieldChange, Finding, Held, Operation, Reason,
    RecordAfter, Split, Step,
};

/// One step before it knows what came before it.
pub(super) struct Planning {
    pub(super) step: Step,
    pub(super) operation: Operation,
    pub(super) reason: Reason,
    pub(super) changes: Vec<FieldChange>,
    pub(super) consequences: Vec<Consequence>,
    /// What the address costs after it.
    pub(super) after: Split,
    pub(super) record: RecordAfter,
}

/// The plan of one address.
#[derive(Default)]
pub(super) struct Draft<'a> {
    /// In the order in which they must be done.
    pub(super) steps: Vec<(Step, Action)>,
    pub(super) held: Option<Held>,
    /// Why whatever depends on this address cannot be done, though nothing is to be done here.
    pub(super) unusable: Option<Held>,
    pub(super) blocks: Vec<Block>,
    pub(super) drift: Vec<DriftKind>,
    pub(super) findings: Vec<Finding>,
    /// What the address costs as it is.
    pub(super) now: Split,
    /// What it costs after all steps.
    pub(super) after: Split,
    /// The same on the dearest candidate.
    pub(super) at_most: Split,
    /// Pods that carry a copy of its marker and are nobody's.
    pub(super) strangers: Vec<&'a LivePod>,
    /// Credentials that others took the place of, to be deleted once no pod pulls with them.
    pub(super) deposed: BTreeSet<RegistryId>,
    /// How its job stands after all steps.
    pub(super) job: Option<JobAfter>,
}

impl Draft<'_> {
    /// Sets what the address costs as it is.
    pub(super) fn costs_now(&mut self, now: Split) {
        self.now = now;
        self.after = now;
        self.at_most = now;
    }

    /// Adds a step after the others.
    pub(super) fn push(&mut self, planning: Planning) {
        let Planning { step, operation, reason, changes, consequences, after, record } = planning;
        let cost = CostChange { before: self.after, after };
        self.after = after;
        self.at_most = after;
        self.steps
            .push((step, Action { operation, reason, changes, consequences, cost, record, ready: None }));
    }

    /// Adds to what the steps from this one on cost: what is there beside them stays until they are done.
    pub(super) fn bill_beside(&mut self, from: usize, cost: Split) {
        let mut steps = self.steps.iter_mut().skip(from).peekable();
        if steps.peek().is_none() {
            return;
        }
        for (number, (_, action)) in steps.enumerate() {
            if number > 0 {
                action.cost.before = action.cost.before + cost;
            }
            action.cost.after = action.cost.after + cost;
        }
        self.after = self.after + cost;
    }

    /// Adds a step that only writes to the state: it ends nothing and costs nothing.
    pub(super) fn local(
        &mut self,
        step: Step,
        reason: Reason,
        changes: Vec<FieldChange>,
        record: RecordAfter,
    ) {
        let (operation, consequences, after) = (Operation::Local, Vec::new(), self.after);
        self.push(Planning { step, operation, reason, changes, consequences, after, record });
    }

    /// Drops the steps that another way makes needless.
    pub(super) fn keep_steps(&mut self, is_kept: impl Fn(Step) -> bool) {
        self.steps.retain(|(step, _)| is_kept(*step));
        self.after = self.steps.last().map_or(self.now, |(_, action)| action.cost.after);
        self.at_most = self.after;
    }

    /// Leaves the address alone.
    pub(super) fn hold(&mut self, held: Held) {
        self.steps.clear();
        self.blocks.clear();
        self.deposed.clear();
        self.after = self.now;
        self.at_most = self.now;
        self.held = Some(held);
    }

    /// Leaves the address alone, but for another one of what is known there: the spec does not ask for that for ever.
    pub(super) fn hold_where_it_moves(&mut self, held: Held) {
        let moves = self.steps.extract_if(.., |(step, _)| *step == Step::Move).collect();
        self.hold(held);
        self.steps = moves;
    }

    /// Does nothing but record another address.
    pub(super) fn keep_moves_only(&mut self) {
        self.steps.retain(|(step, _)| *step == Step::Move);
        self.deposed.clear();
        self.blocks.clear();
        self.findings.clear();
        self.after = self.now;
        self.at_most = self.now;
    }

    /// Tells whether a step is planned.
    pub(super) fn has(&self, step: Step) -> bool {
        self.steps.iter().any(|(planned, _)| *planned == step)
    }
}
