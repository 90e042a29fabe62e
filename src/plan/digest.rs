//! What is approved, as a hash: the canonical text of a plan, and the stored form of a spec.
//!
//! The text holds where the requests go, actions, values, order, candidates and consequences, and nothing that is not
//! in the plan, so that the digest of a saved plan is computed again from what the file says. It leaves out what moves
//! by itself or by the making of the plan: stock, prices, unmanaged pods, findings, times of the plan, tokens, lineage and
//! serial.
//! What other addresses cost is left out of the amount too: approved is the difference, so that of two pull requests
//! on one base both can be applied. Structs are destructured in full, so that a new field has to be placed. A digest
//! is compared between runs of one version only.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write};

use postcard::{to_extend, to_stdvec};
use sha2::{Digest as _, Sha256};

use crate::model::address::Address;
use crate::model::desired::Desired;
use crate::model::job::{self, RecordedJob};
use crate::model::plan::{
    Action, ActionId, Attempt, Basis, Candidate, Digest, FieldChange, OnStuck, Operation, Plan, PodCreation,
    RecordAfter, Split, Step,
};
use crate::model::prior::{Record, RecordedObject, RecordedPod, RecordedRegistry, RecordedSecret};
use crate::model::settings::PodPatch;
use crate::model::stored::As;

/// Returns the digest of a plan, whatever it says that its digest is.
pub fn digest(plan: &Plan) -> Digest {
    let Plan {
        basis,
        actions,
        edges,
        waves,
        referenced,
        held: _,
        drift: _,
        findings: _,
        unmanaged: _,
        unchanged: _,
        recorded: _,
        out_of_scope: _,
        in_progress: _,
        cost: _,
        at_most,
        templates: _,
        digest: _,
    } = plan;
    let Basis { project, endpoint, api, spec_digest: _, lineage: _, serial: _, nonce: _, observed_at: _ } =
        basis;
    let mut text = Canonical::default();
    text.put("project", project);
    text.put("endpoint", endpoint);
    text.put("api", api);
    // What only its own replicas wait for is not changed, and whether it is up by now is no part of the difference.
    let asks = |id: &ActionId| actions.get(id).is_some_and(|action| action.ready.is_some());
    let gates: BTreeSet<&ActionId> = edges
        .iter()
        .filter(|(first, then)| first.step == Step::Ready && asks(first) && !is_of_waves(first, then))
        .map(|(first, _)| first)
        .collect();
    let acts = |id: &ActionId| id.step != Step::Ready || gates.contains(id);
    for (id, action) in actions.iter().filter(|(id, _)| acts(id)) {
        text.action(id, action);
    }
    // One that no action mounts may have come with another change of the spec.
    let mounted: BTreeSet<&Address> = actions.values().flat_map(mounted).collect();
    for (address, volume) in referenced.iter().filter(|(address, _)| mounted.contains(address)) {
        text.put("referenced", &(address, volume));
    }
    for (key, at_once) in waves {
        text.put("at once", &(key, at_once));
    }
    for (first, then) in edges.iter().filter(|(first, then)| acts(first) && acts(then)) {
        if !is_of_waves(first, then) {
            text.put("edge", &format_args!("{first} {then}"));
        }
    }
    Digest { hash: text.hash(), monthly: at_most.values().copied().sum::<Split>().rate() }
}

/// Tells whether an edge makes waves. Which replica goes in which wave is told to nobody who approves.
pub(super) fn is_of_waves(first: &ActionId, then: &ActionId) -> bool {
    let (first, then) = (&first.address, &then.address);
    first != then && first.key() == then.key() && first.kind() == then.kind()
}

/// Tells whether two actions are one for whoever approves them.
pub fn is_same(one: &Action, other: &Action) -> bool {
    let hash = |action| {
        let mut text = Canonical::default();
        text.content(action);
        text.hash()
    };
    hash(one) == hash(other)
}

/// Tells whether an action does what another one was to do: the same requests and the same record after, whatever it is
/// for and whatever stands there now.
pub(super) fn does_the_same(one: &Action, other: &Action) -> bool {
    let hash = |action: &Action| {
        let mut text = Canonical::default();
        text.operation(&action.operation);
        text.record(&action.record);
        text.hash()
    };
    hash(one) == hash(other)
}

/// Tells whether two creates ask for the same.
pub(super) fn creates_the_same(one: &PodCreation, other: &PodCreation) -> bool {
    let hash = |creation| {
        let mut text = Canonical::default();
        text.creation(creation);
        text.hash()
    };
    hash(one) == hash(other)
}

/// Returns the network volumes that an action mounts.
fn mounted(action: &Action) -> impl Iterator<Item = &Address> {
    let created = action.operation.creation().map(|creation| &creation.container.storage);
    let changed = || action.operation.patch()?.storage.as_ref();
    created.or_else(changed).and_then(|storage| storage.volume()).into_iter()
}

/// Returns the digest of a spec: of what it wants, not of its bytes.
///
/// Every plan has it and few are compared, so it is over the stored form, which is shorter than a text and made faster.
pub fn spec_digest(desired: &Desired) -> String {
    // Which keys have `replicas` and which are protected is seen in what is wanted.
    let Desired {
        project,
        wanted,
        out_of_scope,
        replicated: _,
        dropped: _,
        protected: _,
        moved,
        removed,
        ready,
        boot,
        secrets,
        retries,
        budget,
    } = desired;
    const STORED: &str = "each value of a spec has a stored form";
    let out_of_scope: Vec<As<&Address>> = out_of_scope.keys().map(As).collect();
    let around = (As(project), out_of_scope, As(moved), As(removed), As(secrets), As(budget), wanted.len());
    let mut bytes = to_stdvec(&around).expect(STORED);
    let mut hash = Sha256::new_with_prefix(&bytes);
    if !retries.is_empty() {
        hash.update(to_stdvec(&As(retries)).expect(STORED));
    }
    // One at a time: all of a large spec would be held a second time.
    for (address, wanted) in wanted {
        bytes.clear();
        bytes = to_extend(&(As(address), As(wanted)), bytes).expect(STORED);
        hash.update(&bytes);
    }
    if !(ready.is_empty() && boot.is_empty()) {
        hash.update(to_stdvec(&(As(ready), As(boot))).expect(STORED));
    }
    hexadecimal(hash)
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// One line for each value. `Debug` escapes line ends, so no value can look like two.
#[derive(Default)]
struct Canonical {
    hash: Sha256,
    line: String,
}

impl Canonical {
    /// Hashes a line at a time: all of a large plan has more bytes than the plan, and `Debug` writes word by word.
    fn put(&mut self, name: &str, value: &dyn Debug) {
        self.line.clear();
        // A text takes all that is written to it.
        let _ = writeln!(self.line, "{name} {value:?}");
        self.hash.update(&self.line);
    }

    fn hash(self) -> String {
        hexadecimal(self.hash)
    }

    fn action(&mut self, id: &ActionId, action: &Action) {
        self.put("action", &format_args!("{id}"));
        self.content(action);
    }

    fn content(&mut self, action: &Action) {
        let Action { operation, reason, changes, consequences, cost: _, record, ready } = action;
        self.operation(operation);
        if let Some(ready) = ready {
            self.put("ready", ready);
        }
        self.put("reason", reason);
        for FieldChange { field, before, after, cause, disruption } in changes {
            self.put("change", &(field, before, after, cause, disruption));
        }
        self.put("consequences", consequences);
        self.record(record);
    }

    fn operation(&mut self, operation: &Operation) {
        match operation {
            Operation::Local => self.put("local", &()),
            Operation::CreateSecret { name, mark: _, value, token: _ } => {
                self.put("create secret", &(name, value));
            }
            // Approved is that the value which was there then goes, not one that others set since.
            Operation::SetSecret { id, value, set_at } => self.put("set secret", &(id, value, set_at)),
            Operation::DeleteSecret { id } => self.put("delete secret", id),
            Operation::CreateRegistry { name: _, credentials, token: _ } => {
                self.put("create registry", credentials);
            }
            Operation::DeleteRegistries { ids } => self.put("delete registries", ids),
            Operation::CreateVolume { name: _, config, token: _ } => self.put("create volume", config),
            Operation::GrowVolume { id, size } => self.put("grow volume", &(id, size)),
            Operation::DeleteVolume { id } => self.put("delete volume", id),
            Operation::CreatePod(creation) => self.creation(creation),
            Operation::UpdatePod { id, patch, disruption } => {
                let without_run = patch.entrypoint.as_ref().map(|words| job::without_run(words));
                let patch = PodPatch { entrypoint: without_run, ..patch.as_ref().clone() };
                self.put("update", &(id, disruption, patch));
            }
            Operation::StartPod { id, compute, bid, on_stuck } => {
                self.put("start", &(id, compute, bid));
                match on_stuck {
                    OnStuck::Fail => self.put("stuck: fail", &()),
                    OnStuck::Wait(patience) => self.put("stuck: wait", patience),
                    OnStuck::Replace(creation) => self.creation(creation),
                }
            }
            Operation::StopPod { id } => self.put("stop", id),
            Operation::AwaitJob { until } => self.put("await job", until),
            Operation::DeletePods { ids } => self.put("delete", ids),
            Operation::AwaitPod { id } => self.put("await", id),
        }
    }

    fn creation(&mut self, creation: &PodCreation) {
        let PodCreation { container, access, wished, attempts, boot, retry } = creation;
        self.put("create pod", &(container, access));
        self.put("wished", wished);
        if let Some(boot) = boot {
            self.put("boot", boot);
        }
        let mut candidates: Vec<String> = attempts.iter().map(candidate).collect();
        candidates.sort();
        for candidate in candidates {
            self.put("candidate", &candidate);
        }
        if let Some(patience) = retry {
            self.put("retry", patience);
        }
    }

    fn record(&mut self, record: &RecordAfter) {
        match record {
            RecordAfter::Put { id, record } => {
                let Record { token: _, lifecycle, retired, deposed, object } = record.as_ref();
                self.put("record", &(id, lifecycle, retired, deposed));
                match object {
                    RecordedObject::Volume(config) => self.put("volume", config),
                    RecordedObject::Secret(RecordedSecret { name, value_set_at: _ }) => {
                        self.put("secret", name)
                    }
                    // The name is that of one attempt.
                    RecordedObject::Registry(RecordedRegistry { name: _, sent, deposed }) => {
                        self.put("registry", &(sent, deposed));
                    }
                    RecordedObject::Pod(pod) => {
                        // Where it landed is what was seen, not what is proposed.
                        let RecordedPod {
                            container,
                            access,
                            compute: _,
                            cloud: _,
                            data_center: _,
                            run,
                            job,
                            depends_on,
                        } = pod.as_ref();
                        self.put("pod", &(container, access, run, depends_on));
                        // Its run is named by the making of the plan.
                        if let Some(RecordedJob { run: _, ended, gone, end_seen_at: _, given }) = job {
                            self.put("job", &(ended, gone));
                            if let Some(given) = given {
                                self.put("given", given);
                            }
                        }
                    }
                }
            }
            RecordAfter::Remove { tombstone } => self.put("drop", tombstone),
            RecordAfter::MovedFrom(from) => self.put("moved", from),
            RecordAfter::Deposed(ids) => self.put("deposed", ids),
            RecordAfter::Ended => self.put("ended", &()),
        }
    }
}

fn candidate(attempt: &Attempt) -> String {
    let Attempt { candidate, after, token: _, second_token: _ } = attempt;
    let Candidate { placement, price: _, stock: _, stock_by_data_center: _ } = candidate;
    match after {
        None => format!("{placement:?}"),
        Some(after) => format!("{placement:?} after {after}"),
    }
}
