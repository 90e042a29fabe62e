//! The plan in Terraform's JSON (`format_version` 1.2), so that its policy and review tools read it.
//!
//! One line, keys in the order that Terraform writes: one of the readers takes a single line only, others look for
//! keys that Terraform's documentation calls optional. Only Terraform's own verbs appear, as readers stop at words
//! that they do not know: a start or a stop is an update of `desired_status`, and what is forgotten has no entry.
//! A secret is both replaced by `(secret)` and marked sensitive, because some readers print what is only marked.
//! Whatever warns, is held or blocks is a check that failed, as with Terraform's own `check` blocks, so that a policy can
//! ask for it. What Terraform has no words for stands under `podform`, which readers pass over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::address::Address;
use crate::model::id::RemoteId;
use crate::model::plan::{
    Block, Disruption, Drift, DriftKind, FieldDrift, Finding, Plan, Planned, Reason, Record, RecordAfter,
    Severity, Step,
};
use crate::model::pod::{Compute, RunState};
use crate::model::prior::{RecordedObject, RecordedPod};
use crate::model::settings::Field;
use crate::model::value::Value as Shown;
use crate::model::volume::VolumeConfig;

use super::escape::in_json;
use super::human::about;
use super::json::{
    BlockOut, ChangeOut, CostOut, CountsOut, FindingOut, HeldOut, InProgressOut, LostKindOut, LostOut,
    verdict_word,
};
use super::ranges::ranges;
use super::rows::container_values;
use super::value;
use super::view::{Change, Verb, Verdict, View, view};
use super::{Positions, words};

/// The version of Terraform whose format this is; readers want one that they know.
pub(super) const TERRAFORM_VERSION: &str = "1.11.4";
const PROVIDER: &str = "registry.terraform.io/runpod/runpod";

/// Writes a plan as one line of Terraform's plan JSON.
///
/// # Errors
/// Only those of `out`.
pub fn write_terraform_json(
    out: &mut dyn fmt::Write,
    planned: &Planned,
    positions: Positions<'_>,
) -> fmt::Result {
    let document = Document::new(&view(planned), positions);
    let text = serde_json::to_string(&document).map_err(|_| fmt::Error)?;
    out.write_str(&in_json(&text))?;
    out.write_char('\n')
}

#[derive(Debug, Serialize)]
struct Document {
    format_version: &'static str,
    terraform_version: &'static str,
    planned_values: Values,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_drift: Vec<ResourceChange>,
    /// Terraform leaves out an empty list; tofui refuses a document without it.
    resource_changes: Vec<ResourceChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prior_state: Option<PriorState>,
    configuration: Configuration,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Check>,
    timestamp: String,
    applyable: bool,
    complete: bool,
    errored: bool,
    podform: Extra,
}

/// A check that failed.
#[derive(Debug, Serialize)]
struct Check {
    address: CheckAddress,
    instances: [CheckInstance; 1],
    status: &'static str,
}

#[derive(Debug, Serialize)]
struct CheckAddress {
    kind: &'static str,
    name: String,
    to_display: String,
}

#[derive(Debug, Serialize)]
struct CheckInstance {
    address: CheckShown,
    problems: Vec<Problem>,
    status: &'static str,
}

#[derive(Debug, Serialize)]
struct CheckShown {
    to_display: String,
}

#[derive(Debug, Serialize)]
struct Problem {
    message: String,
}

impl Check {
    const FAILED: &str = "fail";

    fn failed(name: &str, messages: Vec<String>) -> Self {
        let to_display = format!("check.{name}");
        Self {
            address: CheckAddress { kind: "check", name: name.to_owned(), to_display: to_display.clone() },
            instances: [CheckInstance {
                address: CheckShown { to_display },
                problems: messages.into_iter().map(|message| Problem { message }).collect(),
                status: Self::FAILED,
            }],
            status: Self::FAILED,
        }
    }
}

#[derive(Debug, Serialize)]
struct Values {
    root_module: Module,
}

#[derive(Debug, Serialize)]
struct Module {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Resource>,
}

#[derive(Debug, Serialize)]
struct PriorState {
    format_version: &'static str,
    terraform_version: &'static str,
    values: Values,
}

/// An object with its values. It repeats the fields of [`Identity`], as serde's flattening would lose their order.
#[derive(Debug, Serialize)]
struct Resource {
    address: String,
    mode: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    provider_name: &'static str,
    schema_version: u32,
    values: Value,
    sensitive_values: Value,
}

#[derive(Debug, Serialize)]
struct ResourceChange {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_address: Option<String>,
    mode: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    provider_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_reason: Option<&'static str>,
    change: ChangeBody,
}

#[derive(Debug, Serialize)]
struct ChangeBody {
    actions: &'static [&'static str],
    before: Value,
    after: Value,
    after_unknown: Value,
    before_sensitive: Value,
    after_sensitive: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replace_paths: Vec<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    importing: Option<Importing>,
}

#[derive(Debug, Serialize)]
struct Importing {
    id: String,
}

#[derive(Debug, Serialize)]
struct Configuration {
    provider_config: Value,
    root_module: ConfigurationModule,
}

#[derive(Debug, Serialize)]
struct ConfigurationModule {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<ConfiguredResource>,
}

#[derive(Debug, Serialize)]
struct ConfiguredResource {
    address: String,
    mode: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    provider_config_key: &'static str,
    expressions: Map<String, Value>,
    schema_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    count_expression: Option<Value>,
}

/// What Terraform calls an object.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// Such as `runpod_pod.llm[0]`.
    pub(super) address: String,
    pub(super) mode: &'static str,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) index: Option<u32>,
    pub(super) provider_name: &'static str,
}

/// What Terraform has no words for.
#[derive(Debug, Serialize)]
struct Extra {
    format_version: &'static str,
    version: &'static str,
    project: String,
    verdict: &'static str,
    digest: Option<String>,
    counts: CountsOut,
    data_lost: LostOut,
    container_disks_wiped: LostKindOut,
    in_progress: Option<InProgressOut>,
    cost: CostOut,
    changes: Vec<ChangeOut>,
    held: Vec<HeldOut>,
    blocked: Vec<BlockOut>,
    findings: Vec<FindingOut>,
}

impl Document {
    fn new(view: &View<'_>, positions: Positions<'_>) -> Self {
        let View {
            plan,
            verdict,
            changes,
            groups: _,
            drift: _,
            held: _,
            findings: _,
            counts,
            lost,
            others: _,
            unmanaged_after,
        } = view;
        let blocks = match verdict {
            Verdict::Blocked(blocks) => *blocks,
            Verdict::Changes | Verdict::NoChanges => &[],
        };
        let after = survivors(plan, changes);
        let prior: Vec<Resource> = plan
            .recorded
            .iter()
            .map(|(address, record)| resource(address, &Attributes::of(record)))
            .collect();
        let prior_state = (!prior.is_empty()).then_some(PriorState {
            format_version: "1.0",
            terraform_version: TERRAFORM_VERSION,
            values: Values { root_module: Module { resources: prior } },
        });
        Self {
            format_version: "1.2",
            terraform_version: TERRAFORM_VERSION,
            planned_values: Values {
                root_module: Module {
                    resources: after
                        .iter()
                        .map(|(address, attributes)| resource(address, attributes))
                        .collect(),
                },
            },
            resource_drift: plan.drift.iter().filter_map(|drift| drifted(plan, drift)).collect(),
            resource_changes: resource_changes(plan, changes),
            prior_state,
            configuration: configuration(&after),
            checks: checks(view, blocks),
            timestamp: plan.basis.observed_at.to_string(),
            applyable: *verdict == Verdict::Changes,
            complete: plan.held.is_empty(),
            errored: false,
            podform: Extra {
                format_version: "1",
                version: env!("CARGO_PKG_VERSION"),
                project: plan.basis.project.to_string(),
                verdict: verdict_word(*verdict),
                digest: (!view.is_without_a_plan()).then(|| plan.digest.to_string()),
                counts: (*counts).into(),
                data_lost: (*lost).into(),
                container_disks_wiped: LostKindOut::new(lost.container_disks),
                in_progress: plan.in_progress.as_ref().map(InProgressOut::from),
                cost: CostOut::new(plan.cost, *unmanaged_after),
                changes: changes.iter().map(ChangeOut::new).collect(),
                held: plan.held.iter().map(HeldOut::new).collect(),
                blocked: blocks.iter().map(|block| BlockOut::new(block, positions)).collect(),
                findings: plan.findings.iter().map(|finding| FindingOut::new(finding, positions)).collect(),
            },
        }
    }
}

/// Returns what keeps a plan or a part of it from running, and every warning; a note is no failure.
fn checks(view: &View<'_>, blocks: &[Block]) -> Vec<Check> {
    let mut failed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for block in blocks {
        failed.entry("blocked").or_default().push(words::block(block));
    }
    for (addresses, held) in &view.held {
        let why = words::held(held, addresses.iter().copied());
        let message = format!("{}: {why}", ranges(addresses.iter().copied()));
        failed.entry("held").or_default().push(message);
    }
    for (Finding { severity, code, subject: _, message }, subjects) in &view.findings {
        match severity {
            Severity::Warning if subjects.is_empty() => {
                failed.entry(code).or_default().push(message.clone());
            }
            Severity::Warning => {
                failed.entry(code).or_default().push(format!("{}: {message}", about(subjects)));
            }
            Severity::Note => {}
        }
    }
    failed.into_iter().map(|(name, messages)| Check::failed(name, messages)).collect()
}

/// The attributes of one object: known values, which of them are secret, and which only the provider tells.
#[derive(Clone, Debug, Default)]
struct Attributes {
    known: Map<String, Value>,
    sensitive: Map<String, Value>,
    unknown: Map<String, Value>,
}

impl Attributes {
    fn of(record: &Record) -> Self {
        let Record { id, token: _, lifecycle: _, retired: _, deposed: _, object } = record;
        let mut attributes = Self::default();
        match object {
            RecordedObject::Pod(pod) => attributes.put_pod(pod),
            RecordedObject::Volume(config) => attributes.put_volume(config),
        }
        match id {
            Some(id) => attributes.put("id", json!(id.to_string())),
            None => attributes.put_unknown("id"),
        }
        attributes
    }

    fn put(&mut self, name: &str, value: Value) {
        self.unknown.remove(name);
        self.known.insert(name.to_owned(), value);
    }

    fn put_unknown(&mut self, name: &str) {
        self.known.remove(name);
        self.unknown.insert(name.to_owned(), Value::Bool(true));
    }

    fn put_pod(&mut self, pod: &RecordedPod) {
        let RecordedPod { container, access, compute, cloud, data_center, run, depends_on: _ } = pod;
        self.put("env", json!({}));
        self.put("ports", json!([]));
        for (field, value) in container_values(container) {
            self.set(&field, &value);
        }
        self.put("global_networking", json!(container.global_networking));
        if let Some(access) = access {
            self.put("ssh", json!(access.ssh));
            self.put("jupyter", json!(access.jupyter));
        }
        match compute {
            Some(Compute::Gpu { id, count }) => {
                self.put("gpu", json!(id.as_str()));
                self.put("gpu_count", json!(count));
            }
            Some(Compute::Cpu { flavor, vcpus }) => {
                self.put("cpu", json!(flavor.as_str()));
                self.put("vcpus", json!(vcpus));
            }
            None => {}
        }
        if let Some(cloud) = cloud {
            self.put("cloud", json!(cloud.to_string()));
        }
        if let Some(data_center) = data_center {
            self.put("data_center", json!(data_center.as_str()));
        }
        self.put("desired_status", json!(status_word(*run)));
    }

    fn put_volume(&mut self, config: &VolumeConfig) {
        let VolumeConfig { size, data_center, tier } = config;
        self.put("size_gb", json!(size.0));
        self.put("data_center", json!(data_center.as_str()));
        self.put("tier", json!(tier.word()));
    }

    /// Sets an attribute from a value as it is shown.
    fn set(&mut self, field: &Field, value: &Shown) {
        if let Field::Env(key) = field {
            self.set_env(key.as_str(), value);
            return;
        }
        let Some(name) = attribute(field) else { return };
        match value {
            Shown::Absent => {
                self.known.remove(name);
            }
            Shown::Secret | Shown::OtherValue => {
                self.put(name, json!(hidden(value)));
                self.sensitive.insert(name.to_owned(), Value::Bool(true));
            }
            Shown::KnownAfterApply => self.put_unknown(name),
            value => self.put(name, typed(field, value)),
        }
    }

    fn set_env(&mut self, key: &str, value: &Shown) {
        let known = object_at(&mut self.known, "env");
        known.remove(key);
        match value {
            Shown::Secret | Shown::OtherValue => {
                known.insert(key.to_owned(), json!(hidden(value)));
                object_at(&mut self.sensitive, "env").insert(key.to_owned(), Value::Bool(true));
            }
            Shown::KnownAfterApply => {
                object_at(&mut self.unknown, "env").insert(key.to_owned(), Value::Bool(true));
            }
            value => {
                known.extend(value::text(value).map(|text| (key.to_owned(), json!(text))));
            }
        }
    }
}

/// Returns the object under a key, made if it is not there.
fn object_at<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let slot = map.entry(key).or_insert_with(|| json!({}));
    if !slot.is_object() {
        *slot = json!({});
    }
    slot.as_object_mut().expect("it was made an object above")
}

fn hidden(value: &Shown) -> &'static str {
    if *value == Shown::OtherValue { "(other value)" } else { "(secret)" }
}

fn status_word(run: RunState) -> &'static str {
    match run {
        RunState::Running => "RUNNING",
        RunState::Stopped => "EXITED",
    }
}

/// The attributes that are called otherwise than the field, with their units.
const RENAMED: [(Field, &str); 5] = [
    (Field::Disk, "disk_gb"),
    (Field::Volumes, "volume"),
    (Field::GpuCount, "gpu_count"),
    (Field::State, "desired_status"),
    (Field::Size, "size_gb"),
];

/// Returns the attribute that a field is in this format; `None` for fields that are no attribute of the object.
fn attribute(field: &Field) -> Option<&'static str> {
    let none = [Field::Country, Field::Lifecycle, Field::Adopt, Field::DependsOn, Field::Replicas];
    let known = || Field::PLAIN.iter().filter(|(known, _)| !none.contains(known));
    RENAMED.iter().chain(known()).find(|(known, _)| known == field).map(|(_, name)| *name)
}

/// Returns a value in the type that the attribute has, so that policies can compute with it.
fn typed(field: &Field, value: &Shown) -> Value {
    match value {
        Shown::List(items) if *field == Field::Ports => json!(items),
        Shown::Number(number) => json!(number),
        Shown::Size(size) => json!(size.0),
        Shown::Switch(on) => json!(on),
        Shown::Word(word) if *field == Field::State => json!(match word.as_str() {
            "running" => status_word(RunState::Running),
            "stopped" => status_word(RunState::Stopped),
            word => word,
        }),
        value => value::text(value).map_or(Value::Null, |text| json!(text)),
    }
}

/// Returns every object that exists after the plan, with its values then.
fn survivors(plan: &Plan, changes: &[Change<'_>]) -> BTreeMap<Address, Attributes> {
    let mut all: BTreeMap<Address, Attributes> =
        plan.recorded.iter().map(|(address, record)| (address.clone(), Attributes::of(record))).collect();
    for change in changes {
        if let Some(from) = moved_from(change) {
            all.remove(from);
        }
        match change.verb {
            Verb::Destroy | Verb::Forget => {
                all.remove(change.address);
            }
            Verb::DestroyDeposed => {}
            Verb::Create
            | Verb::DestroyThenCreate
            | Verb::CreateThenDestroy
            | Verb::Update
            | Verb::Start
            | Verb::Stop
            | Verb::Import
            | Verb::Move
            | Verb::Record => {
                if let Some(after) = after(plan, change) {
                    all.insert(change.address.clone(), after);
                }
            }
        }
    }
    all
}

/// Returns what was recorded of the object of a change, here or where it moves from, with what is live instead.
fn before(plan: &Plan, change: &Change<'_>) -> Option<Attributes> {
    let record = plan.recorded.get(change.address);
    let record = record.or_else(|| plan.recorded.get(moved_from(change)?));
    let mut attributes = match record {
        Some(record) => Attributes::of(record),
        None if change.ids.is_empty() => return None,
        None => Attributes::default(),
    };
    if record.is_none()
        && let Some(id) = change.ids.first()
    {
        attributes.put("id", json!(id.to_string()));
    }
    for row in &change.rows {
        attributes.set(&row.field, &row.before);
    }
    Some(attributes)
}

/// Returns the object of a change as it is after it.
fn after(plan: &Plan, change: &Change<'_>) -> Option<Attributes> {
    let put = change.steps.iter().rev().find_map(|(_, action)| match &action.record {
        RecordAfter::Put(record) => Some(record),
        RecordAfter::Remove { .. } | RecordAfter::MovedFrom(_) | RecordAfter::Deposed(_) => None,
    });
    let mut attributes = match put {
        Some(record) => Attributes::of(record),
        None => before(plan, change)?,
    };
    let replaces = matches!(change.verb, Verb::Create | Verb::DestroyThenCreate | Verb::CreateThenDestroy);
    if replaces {
        attributes.put_unknown("id");
        if change.address.is_pod() {
            attributes.put_placement(change);
        }
    } else {
        for row in &change.rows {
            attributes.set(&row.field, &row.after);
        }
    }
    Some(attributes)
}

impl Attributes {
    /// Sets where a pod will be: known where there is one candidate, unknown where the stock decides.
    fn put_placement(&mut self, change: &Change<'_>) {
        for name in ["gpu", "gpu_count", "cpu", "vcpus", "cloud", "data_center"] {
            self.known.remove(name);
        }
        self.put_unknown("data_center");
        if let [only] = change.attempts {
            match &only.candidate.placement.compute {
                Compute::Gpu { id, count } => {
                    self.put("gpu", json!(id.as_str()));
                    self.put("gpu_count", json!(count));
                }
                Compute::Cpu { flavor, vcpus } => {
                    self.put("cpu", json!(flavor.as_str()));
                    self.put("vcpus", json!(vcpus));
                }
            }
            self.put("cloud", json!(only.candidate.placement.cloud.to_string()));
            if let (Some(id), 1) =
                (only.candidate.placement.data_centers.first(), only.candidate.placement.data_centers.len())
            {
                self.put("data_center", json!(id.as_str()));
            }
            return;
        }
        self.put_unknown("cloud");
        match change.attempts.first().map(|attempt| &attempt.candidate.placement.compute) {
            Some(Compute::Gpu { id: _, count }) => {
                self.put_unknown("gpu");
                self.put("gpu_count", json!(count));
            }
            Some(Compute::Cpu { flavor: _, vcpus }) => {
                self.put_unknown("cpu");
                self.put("vcpus", json!(vcpus));
            }
            None => self.put_unknown("gpu"),
        }
    }
}

fn moved_from<'a>(change: &Change<'a>) -> Option<&'a Address> {
    change.steps.iter().find_map(|(_, action)| match &action.record {
        RecordAfter::MovedFrom(from) => Some(from),
        RecordAfter::Put(_) | RecordAfter::Remove { .. } | RecordAfter::Deposed(_) => None,
    })
}

/// Returns an entry for each managed object, unchanged ones included.
fn resource_changes(plan: &Plan, changes: &[Change<'_>]) -> Vec<ResourceChange> {
    let mut entries: Vec<(&Address, bool, ResourceChange)> = Vec::new();
    let moved: BTreeSet<&Address> = changes.iter().filter_map(moved_from).collect();
    let changed: BTreeSet<&Address> = changes.iter().map(|change| change.address).collect();
    for (address, record) in &plan.recorded {
        if !changed.contains(address) && !moved.contains(address) {
            let same = Attributes::of(record);
            entries.push((address, false, entry(address, &["no-op"], Some(same.clone()), Some(same))));
        }
    }
    for change in changes {
        if let Some(entry) = changed_entry(plan, change) {
            entries.push((change.address, change.verb == Verb::DestroyDeposed, entry));
        }
    }
    entries.sort_by(|(one, one_deposed, _), (other, other_deposed, _)| {
        (one, one_deposed).cmp(&(other, other_deposed))
    });
    entries.into_iter().map(|(_, _, entry)| entry).collect()
}

fn changed_entry(plan: &Plan, change: &Change<'_>) -> Option<ResourceChange> {
    let actions: &'static [&'static str] = match change.verb {
        Verb::Create => &["create"],
        Verb::DestroyThenCreate => &["delete", "create"],
        Verb::CreateThenDestroy => &["create", "delete"],
        Verb::Update | Verb::Start | Verb::Stop => &["update"],
        Verb::Destroy | Verb::DestroyDeposed => &["delete"],
        Verb::Import | Verb::Move | Verb::Record => &["no-op"],
        Verb::Forget => return None,
    };
    let (before, after) = match change.verb {
        Verb::Create => (None, after(plan, change)),
        Verb::Destroy | Verb::DestroyDeposed => (before(plan, change), None),
        Verb::Import => (after(plan, change), after(plan, change)),
        Verb::DestroyThenCreate
        | Verb::CreateThenDestroy
        | Verb::Update
        | Verb::Start
        | Verb::Stop
        | Verb::Move
        | Verb::Record
        | Verb::Forget => (before(plan, change), after(plan, change)),
    };
    let mut entry = entry(change.address, actions, before, after);
    entry.previous_address = moved_from(change).map(|from| identity(from).address);
    entry.action_reason = action_reason(change);
    if change.verb == Verb::DestroyDeposed {
        entry.deposed = change.ids.first().map(ToString::to_string);
    }
    if matches!(change.verb, Verb::DestroyThenCreate | Verb::CreateThenDestroy) {
        let forcing = change
            .rows
            .iter()
            .filter(|row| row.why.is_some_and(|(_, disruption)| disruption == Disruption::Replace));
        entry.change.replace_paths =
            forcing.filter_map(|row| Some(vec![attribute(&row.field)?.to_owned()])).collect();
    }
    if change.steps.iter().any(|(id, _)| id.step == Step::Adopt) {
        let id = change.ids.first().map(RemoteId::to_string);
        entry.change.importing = id.map(|id| Importing { id });
    }
    Some(entry)
}

/// Returns why something is replaced or destroyed, in Terraform's word.
pub(super) fn action_reason(change: &Change<'_>) -> Option<&'static str> {
    let has = |reason: &Reason| change.reasons.contains(&reason);
    match change.verb {
        Verb::DestroyThenCreate | Verb::CreateThenDestroy if has(&Reason::Requested) => {
            Some("replace_by_request")
        }
        Verb::DestroyThenCreate | Verb::CreateThenDestroy => Some("replace_because_cannot_update"),
        Verb::Destroy if has(&Reason::Shrunk) => Some("delete_because_count_index"),
        Verb::Destroy if has(&Reason::Destroyed) => None,
        Verb::Destroy | Verb::DestroyDeposed => Some("delete_because_no_resource_config"),
        Verb::Create
        | Verb::Update
        | Verb::Start
        | Verb::Stop
        | Verb::Import
        | Verb::Move
        | Verb::Record
        | Verb::Forget => None,
    }
}

fn drifted(plan: &Plan, drift: &Drift) -> Option<ResourceChange> {
    let Drift { address, kind } = drift;
    let mut recorded = Attributes::of(plan.recorded.get(address)?);
    if *kind == DriftKind::MarkRemoved {
        recorded.put("marked", json!(true));
    }
    let mut live = recorded.clone();
    match kind {
        DriftKind::Vanished => return Some(entry(address, &["delete"], Some(recorded), None)),
        DriftKind::Stopped => live.put("desired_status", json!(status_word(RunState::Stopped))),
        DriftKind::Started => live.put("desired_status", json!(status_word(RunState::Running))),
        DriftKind::Migrated { from: _, to } => live.put("id", json!(to.to_string())),
        DriftKind::Fields(fields) => {
            for FieldDrift { field, recorded: _, live: value, left_alone: _ } in fields {
                live.set(field, value);
            }
        }
        DriftKind::MarkRemoved => live.put("marked", json!(false)),
    }
    Some(entry(address, &["update"], Some(recorded), Some(live)))
}

fn entry(
    address: &Address,
    actions: &'static [&'static str],
    before: Option<Attributes>,
    after: Option<Attributes>,
) -> ResourceChange {
    let Identity { address, mode, kind, name, index, provider_name } = identity(address);
    let after_unknown = after.as_ref().map_or_else(|| json!({}), |after| json!(after.unknown));
    let (before, before_sensitive) = sides(before);
    let (after, after_sensitive) = sides(after);
    ResourceChange {
        address,
        previous_address: None,
        mode,
        kind,
        name,
        index,
        provider_name,
        deposed: None,
        action_reason: None,
        change: ChangeBody {
            actions,
            before,
            after,
            after_unknown,
            before_sensitive,
            after_sensitive,
            replace_paths: Vec::new(),
            importing: None,
        },
    }
}

/// Returns the values of one side and which are sensitive: `null` and `false` for a side that does not exist.
fn sides(attributes: Option<Attributes>) -> (Value, Value) {
    match attributes {
        Some(Attributes { known, sensitive, unknown: _ }) => (Value::Object(known), Value::Object(sensitive)),
        None => (Value::Null, Value::Bool(false)),
    }
}

fn resource(address: &Address, attributes: &Attributes) -> Resource {
    let Identity { address, mode, kind, name, index, provider_name } = identity(address);
    let Attributes { known, sensitive, unknown: _ } = attributes.clone();
    Resource {
        address,
        mode,
        kind,
        name,
        index,
        provider_name,
        schema_version: 0,
        values: Value::Object(known),
        sensitive_values: Value::Object(sensitive),
    }
}

/// Returns what Terraform calls an address.
pub(super) fn identity(address: &Address) -> Identity {
    let (kind, index) = match address {
        Address::Volume(_) => ("runpod_network_volume", None),
        Address::Pod { key: _, replica } => ("runpod_pod", *replica),
    };
    let name = address.key().to_string();
    let suffix = index.map_or_else(String::new, |index| format!("[{index}]"));
    Identity {
        address: format!("{kind}.{name}{suffix}"),
        mode: "managed",
        kind,
        name,
        index,
        provider_name: PROVIDER,
    }
}

/// Returns what the spec amounts to in Terraform's words: constants, and a reference where a volume is mounted.
fn configuration(after: &BTreeMap<Address, Attributes>) -> Configuration {
    let mut resources: BTreeMap<String, ConfiguredResource> = BTreeMap::new();
    for (address, attributes) in after {
        let Identity { address: _, mode, kind, name, index, provider_name: _ } = identity(address);
        let count = index.map(|_| {
            let same = |other: &&Address| other.is_pod() && other.key() == address.key();
            json!({ "constant_value": after.keys().filter(same).count() })
        });
        resources.entry(format!("{kind}.{name}")).or_insert_with_key(|address| ConfiguredResource {
            address: address.clone(),
            mode,
            kind,
            name,
            provider_config_key: "runpod",
            expressions: expressions(attributes),
            schema_version: 0,
            count_expression: count,
        });
    }
    Configuration {
        provider_config: json!({ "runpod": { "name": "runpod", "full_name": PROVIDER } }),
        root_module: ConfigurationModule { resources: resources.into_values().collect() },
    }
}

fn expressions(attributes: &Attributes) -> Map<String, Value> {
    let written = attributes.known.iter().filter(|(name, _)| *name != "id");
    let expression = |name: &str, value: &Value| {
        let mounted = value.as_str().and_then(|text| text.strip_prefix("volume."));
        match mounted.and_then(|rest| rest.split(' ').next()) {
            Some(volume) if name == "volume" => {
                json!({ "references": [format!("runpod_network_volume.{volume}")] })
            }
            Some(_) | None => json!({ "constant_value": value }),
        }
    };
    written.map(|(name, value)| (name.clone(), expression(name, value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{no_positions, sample};

    fn line(planned: &Planned) -> String {
        let mut out = String::new();
        write_terraform_json(&mut out, planned, &no_positions).unwrap();
        out
    }

    fn document(planned: &Planned) -> Value {
        serde_json::from_str(&line(planned)).unwrap()
    }

    /// One line per entry: address, actions, reason, and the attributes that differ.
    fn summary(document: &Value, key: &str) -> String {
        let entries = document[key].as_array().unwrap().iter();
        let lines = entries.map(|entry| {
            let change = &entry["change"];
            let names: BTreeSet<&String> = [&change["before"], &change["after"]]
                .into_iter()
                .filter_map(Value::as_object)
                .flat_map(Map::keys)
                .collect();
            let differ = names
                .into_iter()
                .filter(|name| change["before"][name.as_str()] != change["after"][name.as_str()]);
            let differ: Vec<&str> = differ.map(String::as_str).collect();
            let list = |value: &Value| value.as_array().map_or(0, Vec::len);
            format!(
                "{} {} {} unknown {} paths {} [{}]",
                entry["address"].as_str().unwrap(),
                change["actions"],
                entry["action_reason"].as_str().unwrap_or("-"),
                change["after_unknown"].as_object().map_or(0, Map::len),
                list(&change["replace_paths"]),
                if change["before"].is_null() || change["after"].is_null() {
                    "all".to_owned()
                } else {
                    differ.join(" ")
                },
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_class_of_action_has_terraforms_verb() {
        insta::assert_snapshot!(summary(&document(&sample::full()), "resource_changes"), @r#"
        runpod_network_volume.data ["no-op"] - unknown 0 paths 0 []
        runpod_network_volume.fresh ["create"] - unknown 1 paths 0 [all]
        runpod_network_volume.models ["update"] - unknown 0 paths 0 [size_gb]
        runpod_network_volume.old ["delete"] delete_because_no_resource_config unknown 0 paths 0 [all]
        runpod_pod.clean ["no-op"] - unknown 0 paths 0 []
        runpod_pod.crm ["delete"] delete_because_no_resource_config unknown 0 paths 0 [all]
        runpod_pod.found ["no-op"] - unknown 0 paths 0 []
        runpod_pod.keep[0] ["no-op"] - unknown 0 paths 0 []
        runpod_pod.keep[1] ["no-op"] - unknown 0 paths 0 []
        runpod_pod.llm[0] ["update"] - unknown 0 paths 0 [image]
        runpod_pod.llm[1] ["update"] - unknown 0 paths 0 [image]
        runpod_pod.llm[2] ["update"] - unknown 0 paths 0 [image]
        runpod_pod.llm[3] ["delete"] delete_because_count_index unknown 0 paths 0 [all]
        runpod_pod.new ["create"] - unknown 4 paths 0 [all]
        runpod_pod.prep ["update"] - unknown 0 paths 0 [command env global_networking]
        runpod_pod.studio ["update"] - unknown 0 paths 0 [desired_status]
        runpod_pod.swap ["delete","create"] replace_because_cannot_update unknown 4 paths 1 [cloud data_center gpu id]
        runpod_pod.swift ["create","delete"] replace_because_cannot_update unknown 4 paths 1 [cloud data_center gpu id]
        runpod_pod.train ["update"] - unknown 0 paths 0 [desired_status]
        runpod_pod.vault ["no-op"] - unknown 0 paths 0 []
        "#);
    }

    /// `tests/readers/run` hands this snapshot to the tools that read Terraform's plans.
    #[test]
    fn a_plan_with_every_class_of_action() {
        insta::assert_snapshot!("every_action", line(&sample::full()));
    }

    #[test]
    fn drift_goes_from_recorded_to_live() {
        insta::assert_snapshot!(summary(&document(&sample::full()), "resource_drift"), @r#"
        runpod_pod.train ["update"] - unknown 0 paths 0 [desired_status]
        runpod_pod.lost ["delete"] - unknown 0 paths 0 [all]
        runpod_pod.prep ["update"] - unknown 0 paths 0 [env]
        "#);
    }

    #[test]
    fn the_document_is_one_line_with_keys_in_terraforms_order() {
        let text = line(&sample::full());
        assert_eq!(text.matches('\n').count(), 1);
        let keys = [
            "format_version",
            "terraform_version",
            "planned_values",
            "resource_drift",
            "resource_changes",
            "prior_state",
            "configuration",
            "timestamp",
            "applyable",
            "complete",
            "errored",
            "podform",
        ];
        let at: Vec<Option<usize>> = keys.iter().map(|key| text.find(&format!("\"{key}\":"))).collect();
        assert!(at.is_sorted() && at.iter().all(Option::is_some), "{at:?}");
    }

    #[test]
    fn a_secret_is_both_masked_and_marked() {
        let document = document(&sample::full());
        let entry = document["resource_changes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["address"] == "runpod_pod.llm[0]")
            .unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&entry["change"]).unwrap(), @r#"
        {
          "actions": [
            "update"
          ],
          "after": {
            "cloud": "secure",
            "command": "--model Qwen/Qwen3-32B-FP8 --port 8000",
            "data_center": "EU-RO-1",
            "desired_status": "RUNNING",
            "disk_gb": 60,
            "env": {
              "HF_HOME": "/models/hf",
              "WANDB_API_KEY": "(secret)"
            },
            "global_networking": false,
            "gpu": "NVIDIA L40S",
            "gpu_count": 1,
            "id": "llm000000000aa",
            "image": "vllm/vllm-openai:v0.19.1",
            "jupyter": false,
            "name": "acme-llm",
            "ports": [
              "22/tcp",
              "8000/http"
            ],
            "ssh": true,
            "volume": "volume.models at /models"
          },
          "after_sensitive": {
            "env": {
              "WANDB_API_KEY": true
            }
          },
          "after_unknown": {},
          "before": {
            "cloud": "secure",
            "command": "--model Qwen/Qwen3-32B-FP8 --port 8000",
            "data_center": "EU-RO-1",
            "desired_status": "RUNNING",
            "disk_gb": 60,
            "env": {
              "HF_HOME": "/models/hf",
              "WANDB_API_KEY": "(secret)"
            },
            "global_networking": false,
            "gpu": "NVIDIA L40S",
            "gpu_count": 1,
            "id": "llm000000000aa",
            "image": "vllm/vllm-openai:v0.18.0",
            "jupyter": false,
            "name": "acme-llm",
            "ports": [
              "22/tcp",
              "8000/http"
            ],
            "ssh": true,
            "volume": "volume.models at /models"
          },
          "before_sensitive": {
            "env": {
              "WANDB_API_KEY": true
            }
          }
        }
        "#);
    }

    #[test]
    fn a_side_that_does_not_exist_is_null_and_not_sensitive() {
        let document = document(&sample::full());
        for entry in document["resource_changes"].as_array().unwrap() {
            let change = &entry["change"];
            for (side, sensitive) in [("before", "before_sensitive"), ("after", "after_sensitive")] {
                assert_eq!(change[side].is_null(), change[sensitive] == false, "{entry}");
            }
        }
    }

    #[test]
    fn an_empty_plan_has_no_entries() {
        insta::assert_snapshot!(line(&Planned::NoChanges(sample::empty_plan())), @r#"{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{"root_module":{}},"resource_changes":[],"configuration":{"provider_config":{"runpod":{"full_name":"registry.terraform.io/runpod/runpod","name":"runpod"}},"root_module":{}},"timestamp":"2026-11-21T12:00:00Z","applyable":false,"complete":true,"errored":false,"podform":{"format_version":"1","version":"0.1.0","project":"acme","verdict":"no_changes","digest":"3f2a9c4be01d77863f2a9c4be01d7786-0","counts":{"add":0,"change":0,"destroy":0,"to_create":0,"to_replace":0,"to_update":0,"to_start":0,"to_stop":0,"to_destroy":0,"to_reset":0,"to_import":0,"to_move":0,"to_record":0,"to_forget":0,"losing_data":0,"unchanged":0,"held":0,"out_of_scope":0},"data_lost":{"network_volumes":{"count":0,"gigabytes":0},"local_volumes":{"count":0,"gigabytes":0},"gone_before":{"count":0,"gigabytes":0}},"container_disks_wiped":{"count":0,"gigabytes":0},"in_progress":null,"cost":{"now":{"compute":{"micro_usd_month":0,"unknown_parts":0},"storage":{"micro_usd_month":0,"unknown_parts":0},"total":{"micro_usd_month":0,"unknown_parts":0}},"after":{"compute":{"micro_usd_month":0,"unknown_parts":0},"storage":{"micro_usd_month":0,"unknown_parts":0},"total":{"micro_usd_month":0,"unknown_parts":0}},"at_most":{"compute":{"micro_usd_month":0,"unknown_parts":0},"storage":{"micro_usd_month":0,"unknown_parts":0},"total":{"micro_usd_month":0,"unknown_parts":0}},"unmanaged":{"compute":{"micro_usd_month":0,"unknown_parts":0},"storage":{"micro_usd_month":0,"unknown_parts":0},"total":{"micro_usd_month":0,"unknown_parts":0}},"unmanaged_after":{"compute":{"micro_usd_month":0,"unknown_parts":0},"storage":{"micro_usd_month":0,"unknown_parts":0},"total":{"micro_usd_month":0,"unknown_parts":0}}},"changes":[],"held":[],"blocked":[],"findings":[]}}"#);
    }
}
