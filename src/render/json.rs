//! podform's own JSON of a plan: version 1, one object, described by `plan.schema.json`.
//!
//! The types here exist for this border only, so that renaming something in the model never changes the document.
//! Within version 1 keys are only ever added. Money is in whole micro-dollars a month; a part without a known price
//! is counted in `unknown_parts`, and the sum is then a lower bound. Values of secrets are nowhere in it.

use std::fmt;

use serde::Serialize;

use crate::model::address::Address;
use crate::model::id::ProjectName;
use crate::model::money::{Amount, Monthly, Price};
use crate::model::plan::{
    ActionId, Basis, Block, Candidate, Cause, Consequence, CostChange, CostSummary, Disruption, Drift,
    DriftKind, FieldDrift, Finding, Held, InProgress, Owner, Plan, Planned, Reason, Severity, Split,
    Unmanaged,
};
use crate::model::pod::{Compute, Placement};
use crate::model::value::Value;

use super::Positions;
use super::escape::in_json;
use super::rows::Row;
use super::value;
use super::view::{Change, Counts, Lost, OtherProject, Verdict, View, is_unclaimed, view};
use super::words;

/// The JSON Schema of the document.
pub const SCHEMA: &str = include_str!("plan.schema.json");

/// Writes a plan as one indented JSON object with a line break at its end.
///
/// # Errors
/// Only those of `out`.
pub fn write_json(out: &mut dyn fmt::Write, planned: &Planned, positions: Positions<'_>) -> fmt::Result {
    let document = Document::new(&view(planned), positions);
    let text = serde_json::to_string_pretty(&document).map_err(|_| fmt::Error)?;
    out.write_str(&in_json(&text))?;
    out.write_char('\n')
}

/// The whole document.
#[derive(Debug, Serialize)]
struct Document {
    format_version: &'static str,
    podform_version: &'static str,
    project: String,
    api: &'static str,
    observed_at: String,
    basis: BasisOut,
    verdict: &'static str,
    digest: Option<String>,
    counts: CountsOut,
    data_lost: LostOut,
    container_disks_wiped: LostKindOut,
    cost: CostOut,
    changes: Vec<ChangeOut>,
    order: Vec<EdgeOut>,
    drift: Vec<DriftOut>,
    in_progress: Option<InProgressOut>,
    held: Vec<HeldOut>,
    blocked: Vec<BlockOut>,
    findings: Vec<FindingOut>,
    unmanaged: Vec<UnmanagedOut>,
    other_projects: Vec<OtherProjectOut>,
    unchanged: Vec<String>,
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
            others,
            unmanaged_after,
        } = view;
        let Plan {
            basis,
            actions: _,
            edges,
            referenced: _,
            held,
            drift,
            findings,
            unmanaged,
            unchanged,
            recorded: _,
            out_of_scope: _,
            in_progress,
            cost,
            at_most: _,
            digest,
        } = plan;
        let Basis { project, endpoint: _, api, spec_digest, lineage, serial, nonce: _, observed_at } = basis;
        let blocks = match verdict {
            Verdict::Blocked(blocks) => *blocks,
            Verdict::Changes | Verdict::NoChanges => &[],
        };
        Self {
            format_version: "1",
            podform_version: env!("CARGO_PKG_VERSION"),
            project: project.to_string(),
            api: api.word(),
            observed_at: observed_at.to_string(),
            basis: BasisOut {
                spec_digest: spec_digest.clone(),
                lineage: lineage.to_string(),
                serial: serial.0,
            },
            verdict: verdict_word(*verdict),
            digest: (!view.is_without_a_plan()).then(|| digest.to_string()),
            counts: (*counts).into(),
            data_lost: (*lost).into(),
            container_disks_wiped: LostKindOut::new(lost.container_disks),
            cost: CostOut::new(*cost, *unmanaged_after),
            changes: changes.iter().map(ChangeOut::new).collect(),
            order: edges.iter().map(EdgeOut::from).collect(),
            drift: drift.iter().map(DriftOut::from).collect(),
            in_progress: in_progress.as_ref().map(InProgressOut::from),
            held: held.iter().map(HeldOut::new).collect(),
            blocked: blocks.iter().map(|block| BlockOut::new(block, positions)).collect(),
            findings: findings.iter().map(|finding| FindingOut::new(finding, positions)).collect(),
            unmanaged: unmanaged.iter().filter(|one| is_unclaimed(one)).map(UnmanagedOut::from).collect(),
            other_projects: others.iter().map(OtherProjectOut::from).collect(),
            unchanged: unchanged.iter().map(ToString::to_string).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct BasisOut {
    spec_digest: String,
    lineage: String,
    serial: u64,
}

/// How many addresses have which change.
#[derive(Debug, Serialize)]
pub(super) struct CountsOut {
    add: usize,
    change: usize,
    destroy: usize,
    to_create: usize,
    to_replace: usize,
    to_update: usize,
    to_start: usize,
    to_stop: usize,
    to_destroy: usize,
    to_reset: usize,
    to_import: usize,
    to_move: usize,
    to_record: usize,
    to_forget: usize,
    losing_data: usize,
    unchanged: usize,
    held: usize,
    out_of_scope: usize,
}

impl From<Counts> for CountsOut {
    fn from(counts: Counts) -> Self {
        let (add, change, destroyed) = (counts.to_add(), counts.to_change(), counts.to_destroy());
        let Counts {
            create,
            replace,
            update,
            start,
            stop,
            destroy,
            reset,
            import,
            moved,
            record,
            forget,
            losing,
            unchanged,
            held,
            out_of_scope,
        } = counts;
        Self {
            add,
            change,
            destroy: destroyed,
            to_create: create,
            to_replace: replace,
            to_update: update,
            to_start: start,
            to_stop: stop,
            to_destroy: destroy,
            to_reset: reset,
            to_import: import,
            to_move: moved,
            to_record: record,
            to_forget: forget,
            losing_data: losing,
            unchanged,
            held,
            out_of_scope,
        }
    }
}

/// What a plan loses, by kind.
#[derive(Debug, Serialize)]
pub(super) struct LostOut {
    network_volumes: LostKindOut,
    local_volumes: LostKindOut,
    gone_before: LostKindOut,
}

#[derive(Debug, Serialize)]
pub(super) struct LostKindOut {
    count: usize,
    gigabytes: u64,
}

impl LostKindOut {
    pub(super) fn new((count, gigabytes): (usize, u64)) -> Self {
        Self { count, gigabytes }
    }
}

impl From<Lost> for LostOut {
    fn from(lost: Lost) -> Self {
        let Lost { network_volumes, local_volumes, container_disks: _, gone, at_failed_starts: _ } = lost;
        Self {
            network_volumes: LostKindOut::new(network_volumes),
            local_volumes: LostKindOut::new(local_volumes),
            gone_before: LostKindOut::new(gone),
        }
    }
}

#[derive(Debug, Serialize)]
struct AmountOut {
    micro_usd_month: i64,
    unknown_parts: u32,
}

impl From<Amount> for AmountOut {
    fn from(amount: Amount) -> Self {
        let Amount { known: Monthly(micro_usd_month), unknown_parts } = amount;
        Self { micro_usd_month, unknown_parts }
    }
}

#[derive(Debug, Serialize)]
struct SplitOut {
    compute: AmountOut,
    storage: AmountOut,
    total: AmountOut,
}

impl From<Split> for SplitOut {
    fn from(split: Split) -> Self {
        let total = split.total();
        let Split { compute, storage } = split;
        Self { compute: compute.into(), storage: storage.into(), total: total.into() }
    }
}

/// What everything costs a month.
#[derive(Debug, Serialize)]
pub(super) struct CostOut {
    now: SplitOut,
    after: SplitOut,
    at_most: SplitOut,
    unmanaged: SplitOut,
    unmanaged_after: SplitOut,
}

impl CostOut {
    pub(super) fn new(cost: CostSummary, unmanaged_after: Split) -> Self {
        let CostSummary { now, after, at_most, unmanaged } = cost;
        Self {
            now: now.into(),
            after: after.into(),
            at_most: at_most.into(),
            unmanaged: unmanaged.into(),
            unmanaged_after: unmanaged_after.into(),
        }
    }
}

/// Everything that happens at one address.
#[derive(Debug, Serialize)]
pub(super) struct ChangeOut {
    address: String,
    verb: &'static str,
    symbol: &'static str,
    steps: Vec<String>,
    ids: Vec<String>,
    reasons: Vec<&'static str>,
    fields: Vec<FieldOut>,
    consequences: Vec<ConsequenceOut>,
    candidates: Vec<CandidateOut>,
    cost: CostChangeOut,
}

impl ChangeOut {
    pub(super) fn new(change: &Change<'_>) -> Self {
        let Change { address, verb, steps, reasons, rows, consequences, attempts, ids, cost } = change;
        let CostChange { before, after } = *cost;
        Self {
            address: address.to_string(),
            verb: verb.word(),
            symbol: verb.symbol(),
            steps: steps.iter().map(|(id, _)| id.to_string()).collect(),
            ids: ids.iter().map(ToString::to_string).collect(),
            reasons: reasons.iter().map(|reason| reason_word(reason)).collect(),
            fields: rows.iter().map(FieldOut::from).collect(),
            consequences: consequences.iter().map(|consequence| ConsequenceOut::new(consequence)).collect(),
            candidates: attempts.iter().map(|attempt| CandidateOut::from(&attempt.candidate)).collect(),
            cost: CostChangeOut { before: before.into(), after: after.into() },
        }
    }
}

#[derive(Debug, Serialize)]
struct CostChangeOut {
    before: SplitOut,
    after: SplitOut,
}

#[derive(Debug, Serialize)]
struct FieldOut {
    field: String,
    before: ValueOut,
    after: ValueOut,
    cause: Option<&'static str>,
    disruption: Option<&'static str>,
}

impl From<&Row> for FieldOut {
    fn from(row: &Row) -> Self {
        let Row { field, before, after, why } = row;
        Self {
            field: field.to_string(),
            before: before.into(),
            after: after.into(),
            cause: why.map(|(cause, _)| cause_word(cause)),
            disruption: why.map(|(_, disruption)| disruption_word(disruption)),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ValueOut {
    Absent,
    Text { text: String },
    Secret,
    OtherValue,
    KnownAfterApply,
}

impl From<&Value> for ValueOut {
    fn from(value: &Value) -> Self {
        match value {
            Value::Secret => Self::Secret,
            Value::OtherValue => Self::OtherValue,
            Value::KnownAfterApply => Self::KnownAfterApply,
            value => match value::text(value) {
                Some(text) => Self::Text { text: text.into_owned() },
                None => Self::Absent,
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct ConsequenceOut {
    kind: &'static str,
    loses_data: bool,
    volume: Option<String>,
    gigabytes: Option<u32>,
    path: Option<String>,
    message: String,
}

impl ConsequenceOut {
    fn new(consequence: &Consequence) -> Self {
        let (kind, volume, gigabytes, path) = match consequence {
            Consequence::NetworkVolumeLost { volume, size } => {
                ("network_volume_lost", Some(volume), Some(size), None)
            }
            Consequence::LocalVolumeLost { size, path } => {
                ("local_volume_lost", None, Some(size), Some(path))
            }
            Consequence::VanishedWithData { size } => ("vanished_with_data", None, Some(size), None),
            Consequence::ContainerDiskLost { size } => ("container_disk_lost", None, Some(size), None),
            Consequence::LocalVolumeKept { size, path } => {
                ("local_volume_kept", None, Some(size), Some(path))
            }
            Consequence::NetworkVolumeKept { volume } => ("network_volume_kept", Some(volume), None, None),
            Consequence::NewPodId => ("new_pod_id", None, None, None),
            Consequence::PublicPortsChange => ("public_ports_change", None, None, None),
            Consequence::StartMayFail { then_replaced: true } => {
                ("start_may_fail_then_replaced", None, None, None)
            }
            Consequence::StartMayFail { then_replaced: false } => ("start_may_fail", None, None, None),
            Consequence::ScarceGpuGivenUp => ("scarce_gpu_given_up", None, None, None),
            Consequence::TakesEffectAtNextStart => ("takes_effect_at_next_start", None, None, None),
            Consequence::GoesOnUnmanaged => ("goes_on_unmanaged", None, None, None),
        };
        Self {
            kind,
            loses_data: consequence.loses_data(),
            volume: volume.map(Address::to_string),
            gigabytes: gigabytes.map(|size| size.0),
            path: path.cloned(),
            message: words::consequence(consequence).1,
        }
    }
}

#[derive(Debug, Serialize)]
struct CandidateOut {
    compute: ComputeOut,
    cloud: String,
    data_centers: Vec<String>,
    cuda: Vec<String>,
    min_cuda: Option<String>,
    /// `null` where the price is unknown.
    micro_usd_hour: Option<i64>,
    stock: String,
    stock_by_data_center: Vec<StockOut>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ComputeOut {
    Gpu { id: String, count: u32 },
    Cpu { flavor: String, vcpus: u32 },
}

#[derive(Debug, Serialize)]
struct StockOut {
    data_center: String,
    stock: String,
}

impl From<&Candidate> for CandidateOut {
    fn from(candidate: &Candidate) -> Self {
        let Candidate { placement, price, stock, stock_by_data_center } = candidate;
        let Placement { compute, cloud, data_centers, host } = placement;
        let cuda = &host.cuda;
        let by_data_center = stock_by_data_center
            .iter()
            .map(|(id, stock)| StockOut { data_center: id.to_string(), stock: stock.to_string() });
        Self {
            compute: match compute {
                Compute::Gpu { id, count } => ComputeOut::Gpu { id: id.to_string(), count: *count },
                Compute::Cpu { flavor, vcpus } => {
                    ComputeOut::Cpu { flavor: flavor.to_string(), vcpus: *vcpus }
                }
            },
            cloud: cloud.to_string(),
            data_centers: data_centers.iter().map(ToString::to_string).collect(),
            cuda: cuda.allowed().map(str::to_owned).collect(),
            min_cuda: cuda.least().map(str::to_owned),
            micro_usd_hour: match price {
                Price::Known(hourly) => Some(hourly.0),
                Price::Unknown => None,
            },
            stock: stock.to_string(),
            stock_by_data_center: by_data_center.collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct EdgeOut {
    first: String,
    then: String,
}

impl From<&(ActionId, ActionId)> for EdgeOut {
    fn from((first, then): &(ActionId, ActionId)) -> Self {
        Self { first: first.to_string(), then: then.to_string() }
    }
}

#[derive(Debug, Serialize)]
struct DriftOut {
    address: String,
    kind: &'static str,
    from: Option<String>,
    to: Option<String>,
    fields: Vec<DriftFieldOut>,
}

#[derive(Debug, Serialize)]
struct DriftFieldOut {
    field: String,
    recorded: ValueOut,
    live: ValueOut,
    left_alone: bool,
}

impl From<&Drift> for DriftOut {
    fn from(drift: &Drift) -> Self {
        let Drift { address, kind } = drift;
        let mut out =
            Self { address: address.to_string(), kind: "vanished", from: None, to: None, fields: Vec::new() };
        match kind {
            DriftKind::Vanished => {}
            DriftKind::Stopped => out.kind = "stopped",
            DriftKind::Started => out.kind = "started",
            DriftKind::Migrated { from, to } => {
                out.kind = "migrated";
                (out.from, out.to) = (Some(from.to_string()), Some(to.to_string()));
            }
            DriftKind::Fields(fields) => {
                out.kind = "fields";
                let fields = fields.iter().map(|drift| {
                    let FieldDrift { field, recorded, live, left_alone } = drift;
                    DriftFieldOut {
                        field: field.to_string(),
                        recorded: recorded.into(),
                        live: live.into(),
                        left_alone: *left_alone,
                    }
                });
                out.fields = fields.collect();
            }
            DriftKind::MarkRemoved => out.kind = "mark_removed",
        }
        out
    }
}

/// A run that goes on.
#[derive(Debug, Serialize)]
pub(super) struct InProgressOut {
    who: String,
    command: String,
    since: String,
    addresses: Vec<String>,
}

impl From<&InProgress> for InProgressOut {
    fn from(running: &InProgress) -> Self {
        let InProgress { who, command, since, addresses } = running;
        Self {
            who: who.clone(),
            command: command.clone(),
            since: since.to_string(),
            addresses: addresses.iter().map(ToString::to_string).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct HeldOut {
    address: String,
    kind: &'static str,
    message: String,
}

impl HeldOut {
    pub(super) fn new((address, held): (&Address, &Held)) -> Self {
        let kind = match held {
            Held::Unreadable(_) => "unreadable",
            Held::Unsettled { .. } => "unsettled",
            Held::DependsOn(_) => "depends_on",
            Held::Duplicate { .. } => "duplicate",
            Held::Marked { .. } => "marked",
            Held::Copied { .. } => "copied",
            Held::OtherProject { .. } => "other_project",
            Held::Rebuilt { .. } => "rebuilt",
            Held::MayBeRenamed { .. } => "may_be_renamed",
            Held::Unplaced { .. } => "unplaced",
            Held::NotPossible(_) => "not_possible",
            Held::InProgress => "in_progress",
            Held::NoCatalog { .. } => "no_catalog",
        };
        Self { address: address.to_string(), kind, message: words::held(held, [address]) }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct BlockOut {
    kind: &'static str,
    address: Option<String>,
    position: Option<String>,
    message: String,
}

impl BlockOut {
    pub(super) fn new(block: &Block, positions: Positions<'_>) -> Self {
        let kind = match block {
            Block::Protected { .. } => "protected",
            Block::Locked { .. } => "locked",
            Block::StateOlder(_) => "state_older",
            Block::StateEmpty(_) => "state_empty",
            Block::AllVanished { .. } => "all_vanished",
            Block::NoStock { .. } => "no_stock",
            Block::VolumeCannotChange { .. } => "volume_cannot_change",
            Block::NoCandidate { .. } => "no_candidate",
            Block::NoSuchPlace { .. } => "no_such_place",
            Block::OverBudget { .. } => "over_budget",
            Block::Cycle(_) => "cycle",
        };
        let address = words::blocked_address(block);
        Self {
            kind,
            address: address.map(Address::to_string),
            position: words::blocked_subject(block).as_ref().and_then(positions),
            message: words::block(block),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct FindingOut {
    severity: &'static str,
    code: &'static str,
    address: Option<String>,
    field: Option<String>,
    position: Option<String>,
    message: String,
}

impl FindingOut {
    pub(super) fn new(finding: &Finding, positions: Positions<'_>) -> Self {
        let Finding { severity: grade, code, subject, message } = finding;
        let subject = subject.as_ref();
        Self {
            severity: severity(*grade),
            code,
            address: subject.map(|subject| subject.address.to_string()),
            field: subject.and_then(|subject| subject.field.as_ref()).map(ToString::to_string),
            position: subject.and_then(positions),
            message: message.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
struct UnmanagedOut {
    id: String,
    name: String,
    status: Option<String>,
    created_at: Option<String>,
    cost: SplitOut,
    marked_ours: Option<String>,
    hint: String,
}

/// What another podform project has in the account. It is never touched, so there is no hint how to take it.
#[derive(Debug, Serialize)]
struct OtherProjectOut {
    project: String,
    pods: usize,
    volumes: usize,
    cost: SplitOut,
}

impl From<(&&ProjectName, &OtherProject)> for OtherProjectOut {
    fn from((project, OtherProject { pods, volumes, cost }): (&&ProjectName, &OtherProject)) -> Self {
        Self { project: project.to_string(), pods: *pods, volumes: *volumes, cost: (*cost).into() }
    }
}

impl From<&Unmanaged> for UnmanagedOut {
    fn from(unmanaged: &Unmanaged) -> Self {
        let Unmanaged { id, name, status, created_at, cost, owner } = unmanaged;
        let marked_ours = match owner {
            Owner::Lost(address) => Some(address),
            Owner::Nobody | Owner::Project(_) => None,
        };
        Self {
            id: id.to_string(),
            name: name.clone(),
            status: status.map(|status| status.to_string()),
            created_at: created_at.map(|at| at.to_string()),
            cost: (*cost).into(),
            marked_ours: marked_ours.map(Address::to_string),
            hint: words::unmanaged_hint(unmanaged),
        }
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

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn cause_word(cause: Cause) -> &'static str {
    match cause {
        Cause::Spec => "spec",
        Cause::Outside => "outside",
        Cause::Both => "both",
        Cause::ApiDefault => "api_default",
        Cause::NotAttributable => "not_attributable",
        Cause::Ignored => "ignored",
        Cause::NewPodOnly => "new_pod_only",
    }
}

fn disruption_word(disruption: Disruption) -> &'static str {
    match disruption {
        Disruption::InPlace => "in_place",
        Disruption::NextStart => "next_start",
        Disruption::Reset => "reset",
        Disruption::Replace => "replace",
    }
}

fn reason_word(reason: &Reason) -> &'static str {
    match reason {
        Reason::New => "new",
        Reason::Vanished => "vanished",
        Reason::Migrated => "migrated",
        Reason::FoundInJournal => "found_in_journal",
        Reason::AdoptNamed => "adopt_named",
        Reason::Changed => "changed",
        Reason::StateWanted => "state_wanted",
        Reason::StateDrifted => "state_drifted",
        Reason::GpusLost => "gpus_lost",
        Reason::Replaced => "replaced",
        Reason::VolumeReplaced => "volume_replaced",
        Reason::Requested => "requested",
        Reason::Removed => "removed",
        Reason::Shrunk => "shrunk",
        Reason::Destroyed => "destroyed",
        Reason::Deposed => "deposed",
        Reason::Duplicate => "duplicate",
        Reason::Orphaned => "orphaned",
        Reason::Renamed => "renamed",
        Reason::LifecycleChanged => "lifecycle_changed",
        Reason::VolumeRemoved => "volume_removed",
    }
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
        insta::assert_snapshot!(out, @r#"
        {
          "format_version": "1",
          "podform_version": "0.1.0",
          "project": "acme",
          "api": "v2",
          "observed_at": "2026-11-21T12:00:00Z",
          "basis": {
            "spec_digest": "5f1d7a84db00d2fc",
            "lineage": "line",
            "serial": 7
          },
          "verdict": "changes",
          "digest": "3f2a9c4be01d77863f2a9c4be01d7786-5490000000",
          "counts": {
            "add": 1,
            "change": 1,
            "destroy": 1,
            "to_create": 0,
            "to_replace": 1,
            "to_update": 0,
            "to_start": 1,
            "to_stop": 0,
            "to_destroy": 0,
            "to_reset": 0,
            "to_import": 0,
            "to_move": 0,
            "to_record": 0,
            "to_forget": 0,
            "losing_data": 1,
            "unchanged": 0,
            "held": 3,
            "out_of_scope": 2
          },
          "data_lost": {
            "network_volumes": {
              "count": 0,
              "gigabytes": 0
            },
            "local_volumes": {
              "count": 1,
              "gigabytes": 200
            },
            "gone_before": {
              "count": 0,
              "gigabytes": 0
            }
          },
          "container_disks_wiped": {
            "count": 1,
            "gigabytes": 60
          },
          "cost": {
            "now": {
              "compute": {
                "micro_usd_month": 5110000000,
                "unknown_parts": 0
              },
              "storage": {
                "micro_usd_month": 400000000,
                "unknown_parts": 0
              },
              "total": {
                "micro_usd_month": 5510000000,
                "unknown_parts": 0
              }
            },
            "after": {
              "compute": {
                "micro_usd_month": 4672000000,
                "unknown_parts": 0
              },
              "storage": {
                "micro_usd_month": 380000000,
                "unknown_parts": 0
              },
              "total": {
                "micro_usd_month": 5052000000,
                "unknown_parts": 0
              }
            },
            "at_most": {
              "compute": {
                "micro_usd_month": 5110000000,
                "unknown_parts": 0
              },
              "storage": {
                "micro_usd_month": 380000000,
                "unknown_parts": 0
              },
              "total": {
                "micro_usd_month": 5490000000,
                "unknown_parts": 0
              }
            },
            "unmanaged": {
              "compute": {
                "micro_usd_month": 503700000,
                "unknown_parts": 1
              },
              "storage": {
                "micro_usd_month": 12000000,
                "unknown_parts": 0
              },
              "total": {
                "micro_usd_month": 515700000,
                "unknown_parts": 1
              }
            },
            "unmanaged_after": {
              "compute": {
                "micro_usd_month": 503700000,
                "unknown_parts": 1
              },
              "storage": {
                "micro_usd_month": 12000000,
                "unknown_parts": 0
              },
              "total": {
                "micro_usd_month": 515700000,
                "unknown_parts": 1
              }
            }
          },
          "changes": [
            {
              "address": "swap",
              "verb": "destroy-then-create",
              "symbol": "-/+",
              "steps": [
                "swap:delete",
                "swap:create"
              ],
              "ids": [
                "swap00000000aa"
              ],
              "reasons": [
                "replaced"
              ],
              "fields": [
                {
                  "field": "gpu",
                  "before": {
                    "kind": "text",
                    "text": "NVIDIA A40 x1"
                  },
                  "after": {
                    "kind": "text",
                    "text": "NVIDIA L40S or RTX 6000 Ada"
                  },
                  "cause": "spec",
                  "disruption": "replace"
                }
              ],
              "consequences": [
                {
                  "kind": "local_volume_lost",
                  "loses_data": true,
                  "volume": null,
                  "gigabytes": 200,
                  "path": "/workspace",
                  "message": "local volume (200 GB) at /workspace"
                },
                {
                  "kind": "container_disk_lost",
                  "loses_data": false,
                  "volume": null,
                  "gigabytes": 60,
                  "path": null,
                  "message": "its container disk (60 GB) is wiped"
                },
                {
                  "kind": "new_pod_id",
                  "loses_data": false,
                  "volume": null,
                  "gigabytes": null,
                  "path": null,
                  "message": "gets a new pod id and new proxy URLs"
                }
              ],
              "candidates": [
                {
                  "compute": {
                    "kind": "gpu",
                    "id": "NVIDIA RTX 6000 Ada Generation",
                    "count": 1
                  },
                  "cloud": "secure",
                  "data_centers": [
                    "EU-RO-1"
                  ],
                  "cuda": [],
                  "min_cuda": null,
                  "micro_usd_hour": 770000,
                  "stock": "low",
                  "stock_by_data_center": [
                    {
                      "data_center": "EU-RO-1",
                      "stock": "low"
                    }
                  ]
                },
                {
                  "compute": {
                    "kind": "gpu",
                    "id": "NVIDIA L40S",
                    "count": 1
                  },
                  "cloud": "secure",
                  "data_centers": [
                    "EU-RO-1"
                  ],
                  "cuda": [],
                  "min_cuda": null,
                  "micro_usd_hour": 860000,
                  "stock": "high",
                  "stock_by_data_center": [
                    {
                      "data_center": "EU-RO-1",
                      "stock": "high"
                    }
                  ]
                }
              ],
              "cost": {
                "before": {
                  "compute": {
                    "micro_usd_month": 321200000,
                    "unknown_parts": 0
                  },
                  "storage": {
                    "micro_usd_month": 26000000,
                    "unknown_parts": 0
                  },
                  "total": {
                    "micro_usd_month": 347200000,
                    "unknown_parts": 0
                  }
                },
                "after": {
                  "compute": {
                    "micro_usd_month": 562100000,
                    "unknown_parts": 0
                  },
                  "storage": {
                    "micro_usd_month": 6000000,
                    "unknown_parts": 0
                  },
                  "total": {
                    "micro_usd_month": 568100000,
                    "unknown_parts": 0
                  }
                }
              }
            },
            {
              "address": "train",
              "verb": "start",
              "symbol": "▶",
              "steps": [
                "train:start"
              ],
              "ids": [
                "tra1n0000000aa"
              ],
              "reasons": [
                "state_drifted"
              ],
              "fields": [
                {
                  "field": "state",
                  "before": {
                    "kind": "text",
                    "text": "stopped"
                  },
                  "after": {
                    "kind": "text",
                    "text": "running"
                  },
                  "cause": "outside",
                  "disruption": "in_place"
                }
              ],
              "consequences": [
                {
                  "kind": "start_may_fail_then_replaced",
                  "loses_data": false,
                  "volume": null,
                  "gigabytes": null,
                  "path": null,
                  "message": "the start can fail: it is bound to its host, which may have no free GPU; it is replaced then"
                }
              ],
              "candidates": [
                {
                  "compute": {
                    "kind": "gpu",
                    "id": "NVIDIA RTX 6000 Ada Generation",
                    "count": 1
                  },
                  "cloud": "secure",
                  "data_centers": [
                    "EU-RO-1"
                  ],
                  "cuda": [],
                  "min_cuda": null,
                  "micro_usd_hour": 770000,
                  "stock": "low",
                  "stock_by_data_center": [
                    {
                      "data_center": "EU-RO-1",
                      "stock": "low"
                    }
                  ]
                },
                {
                  "compute": {
                    "kind": "gpu",
                    "id": "NVIDIA L40S",
                    "count": 1
                  },
                  "cloud": "secure",
                  "data_centers": [
                    "EU-RO-1"
                  ],
                  "cuda": [],
                  "min_cuda": null,
                  "micro_usd_hour": 860000,
                  "stock": "high",
                  "stock_by_data_center": [
                    {
                      "data_center": "EU-RO-1",
                      "stock": "high"
                    }
                  ]
                }
              ],
              "cost": {
                "before": {
                  "compute": {
                    "micro_usd_month": 0,
                    "unknown_parts": 0
                  },
                  "storage": {
                    "micro_usd_month": 20000000,
                    "unknown_parts": 0
                  },
                  "total": {
                    "micro_usd_month": 20000000,
                    "unknown_parts": 0
                  }
                },
                "after": {
                  "compute": {
                    "micro_usd_month": 627800000,
                    "unknown_parts": 0
                  },
                  "storage": {
                    "micro_usd_month": 14000000,
                    "unknown_parts": 0
                  },
                  "total": {
                    "micro_usd_month": 641800000,
                    "unknown_parts": 0
                  }
                }
              }
            }
          ],
          "order": [
            {
              "first": "volume.fresh:create",
              "then": "new:create"
            },
            {
              "first": "volume.models:update",
              "then": "llm[0]:update"
            },
            {
              "first": "llm[3]:delete",
              "then": "volume.old:delete"
            },
            {
              "first": "swap:delete",
              "then": "swap:create"
            },
            {
              "first": "swift:create",
              "then": "swift:delete"
            }
          ],
          "drift": [
            {
              "address": "train",
              "kind": "stopped",
              "from": null,
              "to": null,
              "fields": []
            },
            {
              "address": "lost",
              "kind": "vanished",
              "from": null,
              "to": null,
              "fields": []
            },
            {
              "address": "prep",
              "kind": "fields",
              "from": null,
              "to": null,
              "fields": [
                {
                  "field": "env.TOKEN",
                  "recorded": {
                    "kind": "absent"
                  },
                  "live": {
                    "kind": "other_value"
                  },
                  "left_alone": true
                }
              ]
            }
          ],
          "in_progress": null,
          "held": [
            {
              "address": "dark[0]",
              "kind": "unreadable",
              "message": "it could not be looked at: the answer could not be understood"
            },
            {
              "address": "dark[1]",
              "kind": "unreadable",
              "message": "it could not be looked at: the answer could not be understood"
            },
            {
              "address": "late",
              "kind": "depends_on",
              "message": "it depends on `dark[0]`, which is held"
            }
          ],
          "blocked": [],
          "findings": [
            {
              "severity": "note",
              "code": "family-expanded",
              "address": "new",
              "field": "gpu",
              "position": "pods.yaml:3:5",
              "message": "`RTX 6000 Ada` stands for `NVIDIA RTX 6000 Ada Generation`"
            }
          ],
          "unmanaged": [
            {
              "id": "m1ne00000000aa",
              "name": "old notebook",
              "status": "RUNNING",
              "created_at": "2026-11-12T11:00:00Z",
              "cost": {
                "compute": {
                  "micro_usd_month": 503700000,
                  "unknown_parts": 0
                },
                "storage": {
                  "micro_usd_month": 12000000,
                  "unknown_parts": 0
                },
                "total": {
                  "micro_usd_month": 515700000,
                  "unknown_parts": 0
                }
              },
              "marked_ours": null,
              "hint": "podform import ADDRESS m1ne00000000aa"
            },
            {
              "id": "ours00000000aa",
              "name": "acme-llm-9",
              "status": "EXITED",
              "created_at": null,
              "cost": {
                "compute": {
                  "micro_usd_month": 0,
                  "unknown_parts": 1
                },
                "storage": {
                  "micro_usd_month": 0,
                  "unknown_parts": 0
                },
                "total": {
                  "micro_usd_month": 0,
                  "unknown_parts": 1
                }
              },
              "marked_ours": "llm[9]",
              "hint": "carries the mark of `llm[9]` in this project: podform state rebuild"
            }
          ],
          "other_projects": [],
          "unchanged": []
        }
        "#);
    }
}
