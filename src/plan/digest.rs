//! What is approved, as a hash: the canonical text of a plan and of a spec.
//!
//! The text holds actions, values, order, candidates and consequences. It leaves out what moves by itself or by the
//! making of the plan: stock, prices, unmanaged pods, findings, times, tokens, lineage and serial. Structs are
//! destructured in full, so that a new field has to be placed. A digest is compared between runs of one version only.

use std::fmt::{self, Debug, Write};

use sha2::{Digest as _, Sha256};

use crate::model::desired::{Budget, ComputeWish, Desired, Wanted};
use crate::model::plan::{
    Action, ActionId, Attempt, Candidate, Digest, FieldChange, OnStuck, Operation, Plan, PodCreation, Record,
    RecordAfter,
};
use crate::model::prior::{RecordedObject, RecordedPod};

/// Returns the digest of a plan. The spec is needed for the order in which candidates are wished for: the order in
/// the plan also depends on stock and prices.
pub fn digest(plan: &Plan, desired: &Desired) -> Digest {
    let Plan {
        basis: _,
        actions,
        edges,
        referenced,
        held: _,
        drift: _,
        findings: _,
        unmanaged: _,
        unchanged: _,
        recorded: _,
        out_of_scope: _,
        cost,
        digest: _,
    } = plan;
    let mut text = Canonical::default();
    text.put("project", &desired.project);
    for (id, action) in actions {
        text.action(id, action, desired);
    }
    text.put("referenced", referenced);
    for (first, then) in edges {
        text.put("edge", &format_args!("{first} {then}"));
    }
    Digest { hash: text.hash(), monthly: cost.at_most.total() }
}

/// Returns the digest of a spec: of what it wants, not of its bytes.
pub fn spec_digest(desired: &Desired) -> String {
    let Desired { project, wanted, out_of_scope, moved, secrets, budget } = desired;
    let mut text = Canonical::default();
    text.put("project", project);
    for (address, wanted) in wanted {
        text.put(&format!("wanted {address}"), wanted);
    }
    text.put("out_of_scope", out_of_scope);
    text.put("moved", moved);
    text.put("secrets", secrets);
    if *budget != Budget::default() {
        text.put("budget", budget);
    }
    text.hash()
}

/// One line for each value. `Debug` escapes line ends, so no value can look like two.
#[derive(Default)]
struct Canonical(Sha256);

/// The text is hashed as it is written: that of a large plan has more bytes than the plan.
impl Write for Canonical {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

impl Canonical {
    fn put(&mut self, name: &str, value: &dyn Debug) {
        // Hashing cannot fail.
        let _ = writeln!(self, "{name} {value:?}");
    }

    fn hash(self) -> String {
        self.0.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    fn action(&mut self, id: &ActionId, action: &Action, desired: &Desired) {
        let Action { operation, reason: _, changes, consequences, cost: _, record } = action;
        self.put("action", &format_args!("{id}"));
        self.operation(operation);
        if let Some(Wanted::Pod(pod)) = desired.wanted.get(&id.address)
            && let ComputeWish::Gpu(wish) = &pod.hardware.compute
            && places_a_pod(operation)
        {
            self.put(
                "order",
                &(wish.order, wish.any_of.iter().map(|choice| &choice.name).collect::<Vec<_>>()),
            );
        }
        for FieldChange { field, before, after, cause: _, disruption } in changes {
            self.put("change", &(field, before, after, disruption));
        }
        self.put("consequences", consequences);
        self.record(record);
    }

    fn operation(&mut self, operation: &Operation) {
        match operation {
            Operation::Local => self.put("local", &()),
            Operation::CreateVolume { name: _, config, token: _ } => self.put("create volume", config),
            Operation::GrowVolume { id, size } => self.put("grow volume", &(id, size)),
            Operation::DeleteVolume { id } => self.put("delete volume", id),
            Operation::CreatePod(creation) => self.creation(creation),
            Operation::UpdatePod { id, patch, disruption } => self.put("update", &(id, patch, disruption)),
            Operation::StartPod { id, compute: _, on_stuck } => {
                self.put("start", id);
                match on_stuck {
                    OnStuck::Fail => self.put("stuck: fail", &()),
                    OnStuck::Replace(creation) => self.creation(creation),
                }
            }
            Operation::StopPod { id } => self.put("stop", id),
            Operation::DeletePods { ids } => self.put("delete", ids),
        }
    }

    fn creation(&mut self, creation: &PodCreation) {
        let PodCreation { container, access, attempts } = creation;
        self.put("create pod", &(container, access));
        let mut candidates: Vec<String> = attempts.iter().map(candidate).collect();
        candidates.sort();
        for candidate in candidates {
            self.put("candidate", &candidate);
        }
    }

    fn record(&mut self, record: &RecordAfter) {
        match record {
            RecordAfter::Put(record) => {
                let Record { id: _, token: _, lifecycle, retired, deposed, object } = record.as_ref();
                self.put("record", &(lifecycle, retired, deposed));
                match object {
                    RecordedObject::Volume(config) => self.put("volume", config),
                    RecordedObject::Pod(pod) => {
                        // Where it landed is what was seen, not what is proposed.
                        let RecordedPod {
                            container,
                            access,
                            compute: _,
                            cloud: _,
                            data_center: _,
                            run,
                            depends_on,
                        } = pod.as_ref();
                        self.put("pod", &(container, access, run, depends_on));
                    }
                }
            }
            RecordAfter::Remove { tombstone } => self.put("drop", tombstone),
            RecordAfter::MovedFrom(from) => self.put("moved", from),
            RecordAfter::Deposed(ids) => self.put("deposed", ids),
        }
    }
}

fn places_a_pod(operation: &Operation) -> bool {
    match operation {
        Operation::CreatePod(_) => true,
        Operation::StartPod { id: _, compute: _, on_stuck } => match on_stuck {
            OnStuck::Fail => false,
            OnStuck::Replace(_) => true,
        },
        Operation::Local
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::DeleteVolume { .. }
        | Operation::UpdatePod { .. }
        | Operation::StopPod { .. }
        | Operation::DeletePods { .. } => false,
    }
}

fn candidate(attempt: &Attempt) -> String {
    let Attempt { candidate, token: _, second_token: _ } = attempt;
    let Candidate {
        compute,
        cloud,
        data_centers,
        cuda,
        min_cuda,
        price: _,
        stock: _,
        stock_by_data_center: _,
    } = candidate;
    format!("{:?}", (compute, cloud, data_centers, cuda, min_cuda))
}
