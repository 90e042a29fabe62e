//! The plan in Terraform's JSON (`format_version` 1.2), so that its policy and review tools read it.
//!
//! One line, keys in the order that Terraform writes: one of the readers takes a single line only, others look for
//! keys that Terraform's documentation calls optional. Only Terraform's own verbs appear, as readers stop at words
//! that they do not know: a start or a stop is an update of `desired_status`, and what is forgotten has no entry.
//! A secret is both replaced by `(secret)` and marked sensitive, because some readers print what is only marked.
//! Whatever warns, is held or blocks is a check that failed, as with Terraform's own `check` blocks, so that a policy can
//! ask for it. What Terraform has no words for stands under `podform`, which readers pass over.

mod attributes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value, json};

use crate::model::address::Address;
use crate::model::plan::{
    Disruption, Drift, DriftKind, FieldDrift, Finding, Plan, Planned, Reason, Severity, Step,
};
use crate::model::pod::RunState;

use super::Positions;
use super::json::{
    blocked, change, cost, counts, digest, finding, held, in_progress, kind_lost, lost, verdict_word,
};
use super::object::{Json, if_any, list, object, text, texts, write_document};
use super::ranges::ranges;
use super::view::{Change, Verb, Verdict, View, view};
use super::words::{self, about};

use self::attributes::{Attributes, attribute, status_word};

/// The version of Terraform whose format this is; readers want one that they know.
pub(super) const TERRAFORM_VERSION: &str = "1.11.4";
const PROVIDER: &str = "registry.terraform.io/runpod/runpod";

/// Writes a plan as one line of Terraform's plan JSON.
pub fn write_terraform_json(
    out: &mut dyn fmt::Write,
    planned: &Planned,
    positions: Positions<'_>,
) -> fmt::Result {
    write_document(out, serde_json::to_string(&document(&view(planned), positions)))
}

fn document(view: &View<'_>, positions: Positions<'_>) -> Json {
    let plan = view.plan;
    let after = survivors(plan, &view.changes);
    let prior = (!plan.recorded.is_empty()).then(|| {
        object! {
            "format_version": "1.0",
            "terraform_version": TERRAFORM_VERSION,
            "values": values(plan.recorded.iter().map(|(at, (id, object))| resource(at, Attributes::of(Some(id), object)))),
        }
    });
    object! {
        "format_version": "1.2",
        "terraform_version": TERRAFORM_VERSION,
        "planned_values": values(after.iter().map(|(at, attributes)| resource(at, attributes.clone()))),
        "resource_drift": Json::List(plan.drift.iter().filter_map(|one| drifted(plan, one)).collect()).unless_empty(),
        // Terraform leaves out an empty list; tofui refuses a document without it.
        "resource_changes": resource_changes(plan, &view.changes),
        "prior_state": if_any(prior),
        "configuration": configuration(&after),
        "checks": checks(view).unless_empty(),
        "timestamp": text(plan.basis.observed_at),
        "applyable": view.verdict == Verdict::Changes,
        "complete": plan.held.is_empty(),
        "errored": false,
        "podform": extra(view, positions),
    }
}

/// Returns what Terraform has no words for.
fn extra(view: &View<'_>, positions: Positions<'_>) -> Json {
    let plan = view.plan;
    object! {
        "format_version": "1",
        "version": env!("CARGO_PKG_VERSION"),
        "project": text(&plan.basis.project),
        "verdict": verdict_word(view.verdict),
        "digest": digest(view),
        "counts": counts(view.counts),
        "data_lost": lost(view.lost),
        "container_disks_wiped": kind_lost(view.lost.container_disks),
        "in_progress": plan.in_progress.as_ref().map(in_progress),
        "cost": cost(plan.cost, view.unmanaged_after),
        "changes": list(&view.changes, change),
        "held": list(&plan.held, held),
        "blocked": list(view.verdict.blocks(), |block| blocked(block, positions)),
        "findings": list(&plan.findings, |one| finding(one, positions)),
    }
}

fn values(resources: impl Iterator<Item = Json>) -> Json {
    object! { "root_module": object! { "resources": Json::List(resources.collect()).unless_empty() } }
}

/// Returns what keeps a plan or a part of it from running, and every warning; a note is no failure.
fn checks(view: &View<'_>) -> Json {
    let mut failed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for block in view.verdict.blocks() {
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
    list(failed, |(name, messages)| {
        let shown = format!("check.{name}");
        object! {
            "address": object! { "kind": "check", "name": text(name), "to_display": text(&shown) },
            "instances": Json::List(vec![object! {
                "address": object! { "to_display": shown },
                "problems": list(messages, |message| object! { "message": message }),
                "status": "fail",
            }]),
            "status": "fail",
        }
    })
}

/// Returns every object that exists after the plan, with its values then.
fn survivors(plan: &Plan, changes: &[Change<'_>]) -> BTreeMap<Address, Attributes> {
    let mut all: BTreeMap<Address, Attributes> = plan
        .recorded
        .iter()
        .map(|(at, (id, object))| (at.clone(), Attributes::of(Some(id), object)))
        .collect();
    for change in changes {
        if let Some(from) = change.moved_from() {
            all.remove(from);
        }
        if matches!(change.verb, Verb::Destroy | Verb::Forget) {
            all.remove(change.address);
        } else if change.verb != Verb::DestroyDeposed
            && let Some(after) = after(plan, change)
        {
            all.insert(change.address.clone(), after);
        }
    }
    all
}

/// Returns what was recorded of the object of a change, here or where it moves from, with what is live instead.
fn before(plan: &Plan, change: &Change<'_>) -> Option<Attributes> {
    let record = plan.recorded.get(change.address);
    let record = record.or_else(|| plan.recorded.get(change.moved_from()?));
    let mut attributes = match record {
        Some((id, object)) => Attributes::of(Some(id), object),
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
    let mut steps = change.steps.iter().rev();
    let put = steps.find_map(|(_, action)| Some((action.record.id(), action.record.record()?)));
    let mut attributes = match put {
        Some((id, record)) => Attributes::of(id, &record.object),
        None => before(plan, change)?,
    };
    if change.verb == Verb::Create || change.verb.replaces() {
        attributes.put_unknown("id");
        if change.address.is_pod() {
            attributes.put_placement(change.attempts);
        }
    } else {
        for row in &change.rows {
            attributes.set(&row.field, &row.after);
        }
    }
    Some(attributes)
}

/// Returns an entry for each managed object, unchanged ones included.
fn resource_changes(plan: &Plan, changes: &[Change<'_>]) -> Json {
    let touched: BTreeSet<&Address> =
        changes.iter().flat_map(|change| [Some(change.address), change.moved_from()]).flatten().collect();
    let same = plan.recorded.iter().filter(|(address, _)| !touched.contains(address)).map(
        |(address, (id, object))| {
            let same = Attributes::of(Some(id), object);
            (address, false, entry(address, &["no-op"], Some(same.clone()), Some(same), None))
        },
    );
    let changed = changes.iter().filter_map(|change| {
        Some((change.address, change.verb == Verb::DestroyDeposed, changed_entry(plan, change)?))
    });
    let mut entries: Vec<(&Address, bool, Json)> = same.chain(changed).collect();
    entries.sort_by_key(|(address, deposed, _)| (*address, *deposed));
    list(entries, |(_, _, entry)| entry)
}

fn changed_entry(plan: &Plan, change: &Change<'_>) -> Option<Json> {
    let before = || before(plan, change);
    let after = || after(plan, change);
    let (actions, before, after): (&'static [&'static str], _, _) = match change.verb {
        Verb::Create => (&["create"], None, after()),
        Verb::DestroyThenCreate => (&["delete", "create"], before(), after()),
        Verb::CreateThenDestroy => (&["create", "delete"], before(), after()),
        Verb::Update | Verb::Start | Verb::Stop => (&["update"], before(), after()),
        Verb::Destroy | Verb::DestroyDeposed => (&["delete"], before(), None),
        Verb::Import => (&["no-op"], after(), after()),
        Verb::Move | Verb::Record | Verb::Ready | Verb::Await => (&["no-op"], before(), after()),
        Verb::Forget => return None,
    };
    Some(entry(change.address, actions, before, after, Some(change)))
}

/// Returns why something is replaced or destroyed, in Terraform's word.
pub(super) fn action_reason(change: &Change<'_>) -> Option<&'static str> {
    match change.verb {
        Verb::DestroyThenCreate | Verb::CreateThenDestroy if change.is_because(&Reason::Requested) => {
            Some("replace_by_request")
        }
        Verb::DestroyThenCreate | Verb::CreateThenDestroy => Some("replace_because_cannot_update"),
        Verb::Destroy if change.is_because(&Reason::Shrunk) => Some("delete_because_count_index"),
        Verb::Destroy if change.is_because(&Reason::Destroyed) => None,
        Verb::Destroy | Verb::DestroyDeposed => Some("delete_because_no_resource_config"),
        Verb::Create
        | Verb::Update
        | Verb::Start
        | Verb::Stop
        | Verb::Import
        | Verb::Move
        | Verb::Record
        | Verb::Ready
        | Verb::Await
        | Verb::Forget => None,
    }
}

fn drifted(plan: &Plan, drift: &Drift) -> Option<Json> {
    let Drift { address, kind } = drift;
    let (id, object) = plan.recorded.get(address)?;
    let mut recorded = Attributes::of(Some(id), object);
    if *kind == DriftKind::MarkRemoved {
        recorded.put("marked", json!(true));
    }
    let mut live = recorded.clone();
    match kind {
        DriftKind::Vanished => return Some(entry(address, &["delete"], Some(recorded), None, None)),
        DriftKind::Stopped | DriftKind::Interrupted => {
            live.put("desired_status", json!(status_word(RunState::Stopped)))
        }
        DriftKind::Started => live.put("desired_status", json!(status_word(RunState::Running))),
        DriftKind::Migrated { from: _, to } => live.put("id", json!(to.to_string())),
        DriftKind::Fields(fields) => {
            for FieldDrift { field, recorded: _, live: value, left_alone: _ } in fields {
                live.set(field, value);
            }
        }
        DriftKind::MarkRemoved => live.put("marked", json!(false)),
    }
    Some(entry(address, &["update"], Some(recorded), Some(live), None))
}

fn entry(
    address: &Address,
    actions: &'static [&'static str],
    before: Option<Attributes>,
    after: Option<Attributes>,
    change: Option<&Change<'_>>,
) -> Json {
    let Identity { address, kind, name, index } = identity(address);
    let after_unknown = after.as_ref().map_or_else(|| json!({}), |after| json!(after.unknown));
    let (before, before_sensitive) = sides(before);
    let (after, after_sensitive) = sides(after);
    let first_id = |change: &Change<'_>| change.ids.first().map(text);
    let deposed = change.filter(|change| change.verb == Verb::DestroyDeposed).and_then(first_id);
    let imported = change.filter(|change| change.has(Step::Adopt)).and_then(first_id);
    object! {
        "address": address,
        "previous_address": if_any(change.and_then(Change::moved_from).map(|from| identity(from).address)),
        "mode": "managed",
        "type": kind,
        "name": name,
        "index": if_any(index),
        "provider_name": PROVIDER,
        "deposed": if_any(deposed),
        "action_reason": if_any(change.and_then(action_reason)),
        "change": object! {
            "actions": texts(actions),
            "before": before,
            "after": after,
            "after_unknown": after_unknown,
            "before_sensitive": before_sensitive,
            "after_sensitive": after_sensitive,
            "replace_paths": if_any(change.map(|change| replace_paths(change).unless_empty())),
            "importing": if_any(imported.map(|id| object! { "id": id })),
        },
    }
}

fn replace_paths(change: &Change<'_>) -> Json {
    let forcing = change.rows.iter().filter(|row| {
        change.verb.replaces() && row.why.is_some_and(|(_, disruption)| disruption == Disruption::Replace)
    });
    list(forcing.filter_map(|row| attribute(&row.field)), |name| texts([name]))
}

/// Returns the values of one side and which are sensitive: `null` and `false` for a side that does not exist.
fn sides(attributes: Option<Attributes>) -> (Value, Value) {
    match attributes {
        Some(Attributes { known, sensitive, unknown: _ }) => (Value::Object(known), Value::Object(sensitive)),
        None => (Value::Null, Value::Bool(false)),
    }
}

fn resource(address: &Address, attributes: Attributes) -> Json {
    let Identity { address, kind, name, index } = identity(address);
    let (values, sensitive_values) = sides(Some(attributes));
    object! {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name,
        "index": if_any(index),
        "provider_name": PROVIDER,
        "schema_version": 0_u32,
        "values": values,
        "sensitive_values": sensitive_values,
    }
}

/// What Terraform calls an object.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// Such as `runpod_pod.llm[0]`.
    pub(super) address: String,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) index: Option<u32>,
}

pub(super) fn identity(address: &Address) -> Identity {
    let (kind, index) = match address {
        Address::Secret(_) => ("runpod_secret", None),
        Address::Registry(_) => ("runpod_registry", None),
        Address::Volume(_) => ("runpod_network_volume", None),
        Address::Pod { key: _, replica } => ("runpod_pod", *replica),
    };
    let name = address.key().to_string();
    let suffix = index.map_or_else(String::new, |index| format!("[{index}]"));
    Identity { address: format!("{kind}.{name}{suffix}"), kind, name, index }
}

/// Returns what the spec amounts to in Terraform's words: constants, and a reference where a volume is mounted.
fn configuration(after: &BTreeMap<Address, Attributes>) -> Json {
    let mut resources: BTreeMap<String, Json> = BTreeMap::new();
    for (address, attributes) in after {
        let Identity { address: _, kind, name, index } = identity(address);
        let count = index.map(|_| {
            let same = |other: &&Address| other.is_pod() && other.key() == address.key();
            json!({ "constant_value": after.keys().filter(same).count() })
        });
        resources.entry(format!("{kind}.{name}")).or_insert_with_key(|address| {
            object! {
                "address": text(address),
                "mode": "managed",
                "type": kind,
                "name": name,
                "provider_config_key": "runpod",
                "expressions": Value::Object(expressions(attributes)),
                "schema_version": 0_u32,
                "count_expression": if_any(count),
            }
        });
    }
    object! {
        "provider_config": json!({ "runpod": { "name": "runpod", "full_name": PROVIDER } }),
        "root_module": object! { "resources": Json::List(resources.into_values().collect()).unless_empty() },
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
