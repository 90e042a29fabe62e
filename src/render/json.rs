//! podform's own JSON of a plan: version 1, one object, described by `plan.schema.json`.
//!
//! Within version 1 keys are only ever added. Cases have the words that files have for them, which stay as they are as
//! well. Money is in whole micro-dollars a month; a part without a known price is counted in `unknown_parts`, and the sum
//! is then a lower bound. Values of secrets are nowhere in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::address::{Address, Key};
use crate::model::id::ProjectName;
use crate::model::money::{Amount, Price};
use crate::model::plan::{
    Attempt, Block, Candidate, Consequence, CostChange, CostSummary, Drift, DriftKind, FieldDrift, Finding,
    Held, InProgress, Owner, Plan, Planned, Split, Unmanaged,
};
use crate::model::pod::{Compute, Placement};
use crate::model::ready::{Boot, Probe, Ready};
use crate::model::retry::Patience;
use crate::model::stored::StoredEnum;
use crate::model::value::Value;

use super::Positions;
use super::object::{Json, if_any, list, object, text, texts, write_document};
use super::rows::Row;
use super::value;
use super::view::{
    Change, Counts, Lost, OtherProject, Verdict, View, blocked_address, blocked_subject, view,
};
use super::words;

/// The JSON Schema of the document.
pub const SCHEMA: &str = include_str!("plan.schema.json");

/// Writes a plan as one indented JSON object with a line break at its end.
pub fn write_json(out: &mut dyn fmt::Write, planned: &Planned, positions: Positions<'_>) -> fmt::Result {
    write_document(out, serde_json::to_string_pretty(&document(&view(planned), positions)))
}

fn document(view: &View<'_>, positions: Positions<'_>) -> Json {
    let plan = view.plan;
    let basis = &plan.basis;
    object! {
        "format_version": "1",
        "podform_version": env!("CARGO_PKG_VERSION"),
        "project": text(&basis.project),
        "api": basis.api.word(),
        "observed_at": text(basis.observed_at),
        "basis": object! {
            "spec_digest": text(&basis.spec_digest),
            "lineage": text(&basis.lineage),
            "serial": basis.serial.0,
        },
        "verdict": verdict_word(view.verdict),
        "digest": digest(view),
        "counts": counts(view.counts),
        "data_lost": lost(view.lost),
        "container_disks_wiped": kind_lost(view.lost.container_disks),
        "cost": cost(plan.cost, view.unmanaged_after),
        "changes": list(&view.changes, change),
        "waves": list(&plan.waves, |(key, at_once)| waves(plan, key, *at_once)).unless_empty(),
        "order": list(&plan.edges, |(first, then)| object! { "first": text(first), "then": text(then) }),
        "drift": list(&plan.drift, drift),
        "in_progress": plan.in_progress.as_ref().map(in_progress),
        "held": list(&plan.held, held),
        "blocked": list(view.verdict.blocks(), |block| blocked(block, positions)),
        "findings": list(&plan.findings, |one| finding(one, positions)),
        "unmanaged": list(view.unclaimed(), unmanaged),
        "other_projects": list(&view.others, other_project),
        "unchanged": texts(&plan.unchanged),
    }
}

/// Returns the replicas of a key in the waves in which they go down, which are an order and nothing else.
fn waves(plan: &Plan, key: &Key, at_once: u32) -> Json {
    let mut before: BTreeMap<&Address, BTreeSet<&Address>> = BTreeMap::new();
    for (first, then) in &plan.edges {
        let (first, then) = (&first.address, &then.address);
        if first != then && [first, then].iter().all(|address| address.is_pod() && address.key() == key) {
            before.entry(first).or_default();
            before.entry(then).or_default().insert(first);
        }
    }
    let mut waves = Vec::new();
    while !before.is_empty() {
        let is_next = |first: &&Address| !before.contains_key(first);
        let next = before.iter().filter(|(_, first)| first.iter().all(is_next)).map(|(address, _)| *address);
        let next: BTreeSet<&Address> = next.collect();
        if next.is_empty() {
            break;
        }
        before.retain(|address, _| !next.contains(address));
        waves.push(next);
    }
    object! {
        "key": text(key),
        "at_once": at_once,
        "replicas": list(waves, texts),
    }
}

/// Returns the word for whether a plan may run.
pub(super) fn verdict_word(verdict: Verdict<'_>) -> &'static str {
    match verdict {
        Verdict::Changes => "changes",
        Verdict::NoChanges => "no_changes",
        Verdict::Blocked(_) => "blocked",
    }
}

pub(super) fn digest(view: &View<'_>) -> Json {
    (!view.is_without_a_plan()).then(|| text(&view.plan.digest)).into()
}

/// Returns how many addresses have which change.
pub(super) fn counts(counts: Counts) -> Json {
    object! {
        "add": counts.to_add(),
        "change": counts.to_change(),
        "destroy": counts.to_destroy(),
        "to_create": counts.create,
        "to_replace": counts.replace,
        "to_update": counts.update,
        "to_start": counts.start,
        "to_stop": counts.stop,
        "to_destroy": counts.destroy,
        "to_reset": counts.reset,
        "to_import": counts.import,
        "to_move": counts.moved,
        "to_record": counts.record,
        "to_forget": counts.forget,
        "to_wait_for": if_any((counts.awaited > 0).then_some(counts.awaited)),
        "losing_data": counts.losing,
        "unchanged": counts.unchanged,
        "held": counts.held,
        "out_of_scope": counts.out_of_scope,
    }
}

pub(super) fn lost(lost: Lost) -> Json {
    object! {
        "network_volumes": kind_lost(lost.network_volumes),
        "local_volumes": kind_lost(lost.local_volumes),
        "gone_before": kind_lost(lost.gone),
        "job_runs": if_any((lost.runs > 0).then_some(lost.runs)),
    }
}

pub(super) fn kind_lost((count, gigabytes): (usize, u64)) -> Json {
    object! { "count": count, "gigabytes": gigabytes }
}

fn amount(Amount { known, unknown_parts }: Amount) -> Json {
    object! { "micro_usd_month": known.0, "unknown_parts": unknown_parts }
}

fn split(split: Split) -> Json {
    object! {
        "compute": amount(split.compute),
        "storage": amount(split.storage),
        "total": amount(split.total()),
        "jobs_while_running": if_any(split.runs.map(|runs| amount(runs.total()))),
    }
}

/// Returns what everything costs a month.
pub(super) fn cost(
    CostSummary { now, after, at_most, unmanaged }: CostSummary,
    unmanaged_after: Split,
) -> Json {
    object! {
        "now": split(now),
        "after": split(after),
        "at_most": split(at_most),
        "unmanaged": split(unmanaged),
        "unmanaged_after": split(unmanaged_after),
    }
}

/// Returns everything that happens at one address.
pub(super) fn change(change: &Change<'_>) -> Json {
    let Change {
        address,
        verb,
        steps,
        reasons,
        rows,
        consequences,
        attempts,
        patience,
        ids,
        cost,
        ready,
        boot,
    } = change;
    let CostChange { before, after } = *cost;
    object! {
        "address": text(address),
        "verb": verb.word(),
        "symbol": verb.symbol(),
        "steps": texts(steps.iter().map(|(id, _)| id)),
        "ids": texts(ids),
        "reasons": list(reasons, |reason| reason.word().into()),
        "fields": list(rows, field),
        "consequences": list(consequences, |one| consequence(one)),
        "candidates": list(*attempts, candidate),
        "retry": if_any(patience.map(retry)),
        "cost": object! { "before": split(before), "after": split(after) },
        "ready": if_any(ready.map(self::ready)),
        "boot": if_any(boot.map(|Boot { within, or_else }| object! {
            "within_seconds": within.0,
            "else": or_else.word(),
        })),
    }
}

/// Returns what a pod must answer.
fn ready(Ready { probe, within }: &Ready) -> Json {
    let (kind, port, path, statuses, line) = match probe {
        Probe::Http { port, path, statuses } => ("http", Some(*port), Some(path), Some(statuses), None),
        Probe::Tcp { port } => ("tcp", Some(*port), None, None, None),
        Probe::Log { text } => ("log", None, None, None, Some(text)),
    };
    object! {
        "kind": kind,
        "port": port,
        "path": path.map(text),
        "statuses": list(statuses.into_iter().flatten(), |status| u32::from(*status).into()),
        "text": line.map(text),
        "within_seconds": within.0,
    }
}

fn field(Row { field, before, after, why, template }: &Row) -> Json {
    object! {
        "field": text(field),
        "before": shown(before),
        "after": shown(after),
        "cause": why.map(|(cause, _)| cause.word()),
        "disruption": why.map(|(_, disruption)| disruption.word()),
        "template": template.as_ref().map(text),
    }
}

fn shown(value: &Value) -> Json {
    match value {
        Value::Secret => object! { "kind": "secret" },
        Value::OtherValue => object! { "kind": "other_value" },
        Value::KnownAfterApply => object! { "kind": "known_after_apply" },
        Value::Referring(text) => object! { "kind": "known_after_apply", "text": text.clone() },
        value => match value::text(value) {
            Some(shown) => object! { "kind": "text", "text": shown.into_owned() },
            None => object! { "kind": "absent" },
        },
    }
}

fn consequence(consequence: &Consequence) -> Json {
    let (volume, size, path) = match consequence {
        Consequence::NetworkVolumeLost { volume, size } => (Some(volume), Some(size), None),
        Consequence::LocalVolumeLost { size, path } | Consequence::LocalVolumeKept { size, path } => {
            (None, Some(size), Some(path))
        }
        Consequence::VanishedWithData { size } | Consequence::ContainerDiskLost { size } => {
            (None, Some(size), None)
        }
        Consequence::NetworkVolumeKept { volume } => (Some(volume), None, None),
        Consequence::RunCutShort { .. }
        | Consequence::NewPodId
        | Consequence::PublicPortsChange
        | Consequence::StartMayFail { .. }
        | Consequence::ScarceGpuGivenUp
        | Consequence::TakesEffectAtNextStart
        | Consequence::GoesOnUnmanaged
        | Consequence::TemplatesLoseIt
        | Consequence::ValueAtNextStart { .. } => (None, None, None),
    };
    object! {
        "kind": match consequence {
            Consequence::StartMayFail { then_replaced: true } => "start_may_fail_then_replaced",
            other => other.word(),
        },
        "loses_data": consequence.loses_data(),
        "volume": volume.map(text),
        "gigabytes": size.map(|size| size.0),
        "path": path.map(text),
        "message": words::consequence(consequence).1,
    }
}

fn retry(Patience { within, every }: Patience) -> Json {
    object! { "for_seconds": within.0, "every_seconds": every.0 }
}

fn candidate(Attempt { candidate, after, token: _, second_token: _ }: &Attempt) -> Json {
    let Candidate { placement, price, stock, stock_by_data_center } = candidate;
    let Placement { compute, cloud, data_centers, host, rent } = placement;
    let cuda = &host.cuda;
    object! {
        "compute": match compute {
            Compute::Gpu { id, count } => object! { "kind": "gpu", "id": text(id), "count": *count },
            Compute::Cpu { flavor, vcpus } => object! { "kind": "cpu", "flavor": text(flavor), "vcpus": *vcpus },
        },
        "cloud": text(cloud),
        "data_centers": texts(data_centers),
        "cuda": texts(cuda.allowed()),
        "min_cuda": cuda.least().map(text),
        "micro_usd_bid": rent.bid().map(|bid| bid.0),
        "micro_usd_hour": match price {
            Price::Known(hourly) => Some(hourly.0),
            Price::Unknown => None,
        },
        "stock": text(stock),
        "after_seconds": if_any(after.map(|after| after.0)),
        "stock_by_data_center": list(&**stock_by_data_center, |(id, stock)| object! {
            "data_center": text(id),
            "stock": text(stock),
        }),
    }
}

fn drift(Drift { address, kind }: &Drift) -> Json {
    let (from, to, fields) = match kind {
        DriftKind::Migrated { from, to } => (Some(from), Some(to), &[][..]),
        DriftKind::Fields(fields) => (None, None, &fields[..]),
        DriftKind::Vanished
        | DriftKind::Stopped
        | DriftKind::Interrupted
        | DriftKind::Started
        | DriftKind::MarkRemoved => (None, None, &[][..]),
    };
    object! {
        "address": text(address),
        "kind": kind.word(),
        "from": from.map(text),
        "to": to.map(text),
        "fields": list(fields, |FieldDrift { field, recorded, live, left_alone }| object! {
            "field": text(field),
            "recorded": shown(recorded),
            "live": shown(live),
            "left_alone": *left_alone,
        }),
    }
}

/// Returns a run that goes on.
pub(super) fn in_progress(InProgress { who, command, since, addresses }: &InProgress) -> Json {
    object! {
        "who": text(who),
        "command": text(command),
        "since": text(since),
        "addresses": texts(addresses),
    }
}

pub(super) fn held((address, held): (&Address, &Held)) -> Json {
    object! { "address": text(address), "kind": held.word(), "message": words::held(held, [address]) }
}

pub(super) fn blocked(block: &Block, positions: Positions<'_>) -> Json {
    object! {
        "kind": block.word(),
        "address": blocked_address(block).map(text),
        "position": blocked_subject(block).as_ref().and_then(positions),
        "message": words::block(block),
    }
}

pub(super) fn finding(finding: &Finding, positions: Positions<'_>) -> Json {
    let Finding { severity, code, subject, message } = finding;
    let subject = subject.as_ref();
    object! {
        "severity": severity.word(),
        "code": *code,
        "address": subject.map(|subject| text(&subject.address)),
        "field": subject.and_then(|subject| subject.field.as_ref()).map(text),
        "position": subject.and_then(positions),
        "message": text(message),
    }
}

fn unmanaged(unmanaged: &Unmanaged) -> Json {
    let Unmanaged { id, name, status, created_at, cost, owner } = unmanaged;
    let marked_ours = match owner {
        Owner::Lost(address) => Some(address),
        Owner::Nobody | Owner::Runpod | Owner::Project(_) => None,
    };
    object! {
        "id": text(id),
        "name": text(name),
        "status": status.map(text),
        "created_at": created_at.map(text),
        "cost": split(*cost),
        "marked_ours": marked_ours.map(text),
        "hint": words::unmanaged_hint(unmanaged),
    }
}

/// Returns what another podform project has in the account. It is never touched, so there is no hint how to take it.
fn other_project((project, other): (&&ProjectName, &OtherProject)) -> Json {
    let OtherProject { pods, volumes, cost } = *other;
    object! { "project": text(project), "pods": pods, "volumes": volumes, "cost": split(cost) }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::plan::{Plan, Subject};
    use crate::render::{no_positions, sample};

    fn document(planned: &Planned) -> Value {
        let mut out = String::new();
        write_json(&mut out, planned, &no_positions).unwrap();
        serde_json::from_str(&out).unwrap()
    }

    fn samples() -> [Planned; 4] {
        [
            sample::full(),
            Planned::NoChanges(sample::empty_plan()),
            Planned::Blocked { reasons: sample::blocks(), plan: sample::full_plan() },
            Planned::Changes(sample::hostile_plan()),
        ]
    }

    #[test]
    fn every_document_satisfies_the_schema() {
        let mut schemas = boon::Schemas::new();
        let mut compiler = boon::Compiler::new();
        compiler.add_resource("plan.schema.json", serde_json::from_str(SCHEMA).unwrap()).unwrap();
        let schema = compiler.compile("plan.schema.json", &mut schemas).unwrap();
        for planned in samples() {
            let document = document(&planned);
            if let Err(error) = schemas.validate(&document, schema) {
                panic!("{error:#}");
            }
        }
    }

    #[test]
    fn the_schema_refuses_keys_that_it_does_not_know() {
        let mut schemas = boon::Schemas::new();
        let mut compiler = boon::Compiler::new();
        compiler.add_resource("plan.schema.json", serde_json::from_str(SCHEMA).unwrap()).unwrap();
        let schema = compiler.compile("plan.schema.json", &mut schemas).unwrap();
        let mut document = document(&sample::full());
        document["changes"][0]["extra"] = Value::Bool(true);
        assert!(schemas.validate(&document, schema).is_err());
    }

    #[test]
    fn a_plan_is_written_whole() {
        let mut plan = sample::full_plan();
        plan.actions.retain(|action, _| ["swap", "train"].contains(&action.address.key().as_str()));
        plan.unchanged.clear();
        let plan = Plan { findings: plan.findings[..1].to_vec(), ..plan };
        let mut out = String::new();
        let positions = |_: &Subject| Some("pods.yaml:3:5".to_owned());
        write_json(&mut out, &Planned::Changes(plan), &positions).unwrap();
        insta::assert_snapshot!("whole_plan", out);
    }
}
