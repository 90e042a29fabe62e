//! A plan and an apply as a stream of JSON objects, one a line, in the words of Terraform's machine-readable output.
//!
//! Tools that follow a Terraform run follow a run of podform: the names of events and keys are Terraform's. What it
//! has no event for (a wait for the quota, a look for lost answers) is a `log` line, which readers pass over. The
//! caller gives the time of each line, as nothing here looks at a clock.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::id::RemoteId;
use crate::model::outcome::{EndResult, Ended, Outcome};
use crate::model::plan::{ActionId, Drift, DriftKind, Finding, Plan, Planned, Severity, Step};
use crate::model::progress::Notice;

use super::escape::visible;
use super::object::{Json, if_any, object, text, write_document};
use super::outcome::{achieved, resources_line};
use super::progress::line;
use super::ranges::ranges;
use super::terraform_json::{Identity, TERRAFORM_VERSION, action_reason, identity};
use super::view::{Change, Counts, Verb, Verdict, View, view};
use super::words::{self, about, plan_line};

const MODULE: &str = "podform.ui";
/// What a reader is told of each reason that blocks a plan.
const BLOCKED: &str = "the plan is blocked";

/// Writes the first line of a stream.
pub fn write_version(out: &mut dyn Write, at: Timestamp) -> fmt::Result {
    let message = format!("podform {}", env!("CARGO_PKG_VERSION"));
    write_document(
        out,
        serde_json::to_string(&object! {
            "@level": "info",
            "@message": message,
            "@module": MODULE,
            "@timestamp": text(at),
            "terraform": TERRAFORM_VERSION,
            "podform": env!("CARGO_PKG_VERSION"),
            "type": "version",
            "ui": "1.2",
        }),
    )
}

/// Writes the drift, the changes and the counts of a plan, and as diagnostics what is left alone, what deserves a
/// look and what blocks it.
pub fn write_plan(out: &mut dyn Write, planned: &Planned, at: Timestamp) -> fmt::Result {
    let view = view(planned);
    if view.is_without_a_plan() {
        return write_remarks(out, &view, at);
    }
    for Drift { address, kind } in &view.plan.drift {
        let message = format!("{address}: {}", words::drift(kind));
        let body = change_body(address, drift_action(kind), None);
        write_line(out, at, "info", message, "resource_drift", body)?;
    }
    for change in &view.changes {
        let message = format!("{}: plan to {}", change.address, change.verb.word());
        let body = change_body(change.address, planned_action(change.verb), reason(change));
        write_line(out, at, "info", message, "planned_change", body)?;
    }
    let body = summary(view.counts, "plan");
    write_line(out, at, "info", plan_line(view.counts), "change_summary", body)?;
    write_remarks(out, &view, at)
}

fn write_remarks(out: &mut dyn Write, view: &View<'_>, at: Timestamp) -> fmt::Result {
    for (addresses, held) in &view.held {
        let summary = format!("{}: held", ranges(addresses.iter().copied()));
        write_diagnostic(
            out,
            Grade::Warning,
            &summary,
            &words::held(held, addresses.iter().copied()),
            None,
            at,
        )?;
    }
    for (Finding { severity, code, subject: _, message }, subjects) in &view.findings {
        let about = about(subjects);
        let summary = if about.is_empty() { (*code).to_owned() } else { format!("{about}: {code}") };
        match severity {
            Severity::Warning => write_diagnostic(out, Grade::Warning, &summary, message, None, at)?,
            Severity::Note => {
                let message = format!("{summary}: {}", visible(message));
                write_log(out, at, message)?;
            }
        }
    }
    let Verdict::Blocked(blocks) = view.verdict else { return Ok(()) };
    if blocks.is_empty() {
        return write_diagnostic(out, Grade::Error, BLOCKED, words::ONLY_HELD, None, at);
    }
    blocks
        .iter()
        .try_for_each(|block| write_diagnostic(out, Grade::Error, BLOCKED, &words::block(block), None, at))
}

/// Writes one line for a notice; `elapsed` is the time since its action began, on the clock of the caller.
pub fn write_notice(out: &mut dyn Write, notice: &Notice, elapsed: Duration, at: Timestamp) -> fmt::Result {
    match notice {
        Notice::Began(action) => {
            let body = hook(action, None, None);
            write_line(out, at, "info", line(notice), "apply_start", body)
        }
        Notice::Waiting { action, what: _ } => {
            let body = hook(action, Some(elapsed), None);
            write_line(out, at, "info", line(notice), "apply_progress", body)
        }
        Notice::Ended { action, ended } => write_end(out, action, ended, elapsed, line(notice), at),
        Notice::AttemptRefused { action, why } => {
            let summary = format!("{}: an attempt was refused", action.address);
            write_diagnostic(out, Grade::Warning, &summary, why, None, at)
        }
        Notice::QuotaWait(_)
        | Notice::CapacityWait { .. }
        | Notice::NotNeeded(_)
        | Notice::Settling { .. }
        | Notice::Recovered(_)
        | Notice::Interrupted { .. } => write_log(out, at, line(notice)),
    }
}

fn write_end(
    out: &mut dyn Write,
    action: &ActionId,
    ended: &Ended,
    elapsed: Duration,
    message: String,
    at: Timestamp,
) -> fmt::Result {
    let Ended { result, id, attempts: _, given_up: _, replaced: _, ready_after, log, lasting: _ } = ended;
    match result {
        EndResult::Done => {
            let body = with_ready(hook(action, Some(elapsed), id.as_ref()), *ready_after);
            write_line(out, at, "info", message, "apply_complete", body)
        }
        EndResult::Failed(why) | EndResult::Unknown(why) => {
            let body = hook(action, Some(elapsed), None);
            write_line(out, at, "error", message.clone(), "apply_errored", body)?;
            for line in log {
                write_log(out, at, format!("{}: log: {}", action.address, visible(line)))?;
            }
            write_diagnostic(out, Grade::Error, &message, why, None, at)
        }
        EndResult::Waiting(why) | EndResult::NoCapacity(why) | EndResult::Skipped(why) => {
            write_diagnostic(out, Grade::Warning, &message, why, None, at)
        }
    }
}

/// Writes the counts of what an apply did.
pub fn write_outcome(out: &mut dyn Write, plan: &Plan, outcome: &Outcome, at: Timestamp) -> fmt::Result {
    let counts = achieved(plan, outcome);
    let level = if outcome.is_complete() { "info" } else { "error" };
    let message = resources_line(counts, outcome);
    write_line(out, at, level, message, "change_summary", summary(counts, "apply"))
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// It ends the command, or an action of it.
    Error,
    /// It deserves a look.
    Warning,
}

/// A place in a spec file, for a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The file.
    pub filename: String,
    /// The first character.
    pub start: Place,
    /// Behind the last character.
    pub end: Place,
}

/// A character of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// From 0.
    pub byte: usize,
}

/// Writes a remark or an error.
pub fn write_diagnostic(
    out: &mut dyn Write,
    grade: Grade,
    summary: &str,
    detail: &str,
    range: Option<Range>,
    at: Timestamp,
) -> fmt::Result {
    let (level, severity) = match grade {
        Grade::Error => ("error", "error"),
        Grade::Warning => ("warn", "warning"),
    };
    let (summary, detail) = (visible(summary).to_string(), visible(detail).to_string());
    let message = format!("{summary}: {detail}");
    let place = |Place { line, column, byte }| object! { "line": line, "column": column, "byte": byte };
    let range = range.map(|Range { filename, start, end }| {
        object! {
            "filename": filename,
            "start": place(start),
            "end": place(end),
        }
    });
    let body = (
        "diagnostic",
        object! {
            "severity": severity,
            "summary": summary,
            "detail": detail,
            "range": if_any(range),
        },
    );
    write_line(out, at, level, message, "diagnostic", body)
}

fn write_log(out: &mut dyn Write, at: Timestamp, message: String) -> fmt::Result {
    write_line(out, at, "info", message, "log", ("", Json::LeftOut))
}

/// Writes one line of an event; what is its own stands beside the members that all have.
fn write_line(
    out: &mut dyn Write,
    at: Timestamp,
    level: &'static str,
    message: String,
    kind: &'static str,
    own: (&'static str, Json),
) -> fmt::Result {
    let members = vec![
        ("@level", level.into()),
        ("@message", message.into()),
        ("@module", MODULE.into()),
        ("@timestamp", text(at)),
        ("type", kind.into()),
        own,
    ];
    write_document(out, serde_json::to_string(&Json::Object(members)))
}

fn resource(address: &Address) -> Json {
    let Identity { address, kind, name, index } = identity(address);
    object! {
        "addr": text(&address),
        "module": "",
        "resource": address,
        "implied_provider": "runpod",
        "resource_type": kind,
        "resource_name": name,
        "resource_key": index,
    }
}

fn change_body(
    address: &Address,
    action: &'static str,
    reason: Option<&'static str>,
) -> (&'static str, Json) {
    ("change", object! { "resource": resource(address), "action": action, "reason": if_any(reason) })
}

fn summary(counts: Counts, operation: &'static str) -> (&'static str, Json) {
    (
        "changes",
        object! {
            "add": counts.to_add(),
            "change": counts.to_change(),
            "import": counts.import,
            "remove": counts.to_destroy(),
            "operation": operation,
        },
    )
}

fn hook(action: &ActionId, elapsed: Option<Duration>, id: Option<&RemoteId>) -> (&'static str, Json) {
    (
        "hook",
        object! {
            "resource": resource(&action.address),
            "action": step_action(action.step),
            // podform's own word, as Terraform has none for starts and stops.
            "step": action.step.word(),
            "id_key": if_any(id.map(|_| "id")),
            "id_value": if_any(id.map(text)),
            "elapsed_seconds": if_any(elapsed.map(|elapsed| elapsed.as_secs())),
        },
    )
}

/// Adds how long a pod took until it was ready.
fn with_ready((key, body): (&'static str, Json), after: Option<Duration>) -> (&'static str, Json) {
    let mut body = body;
    if let (Json::Object(members), Some(after)) = (&mut body, after) {
        members.push(("ready_after_seconds", after.as_secs().into()));
    }
    (key, body)
}

fn drift_action(kind: &DriftKind) -> &'static str {
    if *kind == DriftKind::Vanished { "delete" } else { "update" }
}

fn planned_action(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "create",
        Verb::DestroyThenCreate | Verb::CreateThenDestroy => "replace",
        Verb::Update | Verb::Start | Verb::Stop => "update",
        Verb::Destroy | Verb::DestroyDeposed => "delete",
        Verb::Import => "import",
        Verb::Move => "move",
        Verb::Record | Verb::Forget | Verb::Ready | Verb::Await => "noop",
    }
}

fn step_action(step: Step) -> &'static str {
    match step {
        Step::Create => "create",
        Step::Stop | Step::Update | Step::Start => "update",
        Step::Delete | Step::DeleteDeposed => "delete",
        Step::Adopt => "import",
        Step::Move => "move",
        Step::Record | Step::Forget | Step::Ready | Step::Await => "noop",
    }
}

fn reason(change: &Change<'_>) -> Option<&'static str> {
    match action_reason(change)? {
        "replace_by_request" => Some("requested"),
        "replace_because_cannot_update" => Some("cannot_update"),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::PodId;
    use crate::model::plan::Plan;
    use crate::render::sample;

    fn at() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_plan_is_a_line_per_change() {
        let mut plan = sample::full_plan();
        plan.actions.retain(|action, _| ["swap", "studio"].contains(&action.address.key().as_str()));
        let plan = Planned::Changes(Plan { drift: plan.drift[..1].to_vec(), ..plan });
        let mut out = String::new();
        write_version(&mut out, at()).unwrap();
        write_plan(&mut out, &plan, at()).unwrap();
        insta::assert_snapshot!(out, @r#"
        {"@level":"info","@message":"podform 0.1.0","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","terraform":"1.11.4","podform":"0.1.0","type":"version","ui":"1.2"}
        {"@level":"info","@message":"train: was stopped, or its process ended","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"resource_drift","change":{"resource":{"addr":"runpod_pod.train","module":"","resource":"runpod_pod.train","implied_provider":"runpod","resource_type":"runpod_pod","resource_name":"train","resource_key":null},"action":"update"}}
        {"@level":"info","@message":"studio: plan to stop","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"planned_change","change":{"resource":{"addr":"runpod_pod.studio","module":"","resource":"runpod_pod.studio","implied_provider":"runpod","resource_type":"runpod_pod","resource_name":"studio","resource_key":null},"action":"update"}}
        {"@level":"info","@message":"swap: plan to destroy-then-create","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"planned_change","change":{"resource":{"addr":"runpod_pod.swap","module":"","resource":"runpod_pod.swap","implied_provider":"runpod","resource_type":"runpod_pod","resource_name":"swap","resource_key":null},"action":"replace","reason":"cannot_update"}}
        {"@level":"info","@message":"Plan: 1 to add, 1 to change, 1 to destroy.","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"change_summary","changes":{"add":1,"change":1,"import":0,"remove":1,"operation":"plan"}}
        {"@level":"warn","@message":"dark[0,1]: held: it could not be looked at: the answer could not be understood","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"diagnostic","diagnostic":{"severity":"warning","summary":"dark[0,1]: held","detail":"it could not be looked at: the answer could not be understood"}}
        {"@level":"warn","@message":"late: held: it depends on `dark[0]`, which is held","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"diagnostic","diagnostic":{"severity":"warning","summary":"late: held","detail":"it depends on `dark[0]`, which is held"}}
        {"@level":"warn","@message":"llm[0,1].image: unpinned-image: the image has no fixed version, so a reset can bring another program","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"diagnostic","diagnostic":{"severity":"warning","summary":"llm[0,1].image: unpinned-image","detail":"the image has no fixed version, so a reset can bring another program"}}
        {"@level":"info","@message":"new.gpu: family-expanded: `RTX 6000 Ada` stands for `NVIDIA RTX 6000 Ada Generation`","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"log"}
        "#);
    }

    #[test]
    fn a_blocked_plan_says_why() {
        let plan = Plan { held: sample::full_plan().held, ..sample::empty_plan() };
        let mut out = String::new();
        write_plan(&mut out, &Planned::Blocked { reasons: sample::blocks(), plan }, at()).unwrap();
        let said: Vec<&str> =
            out.lines().filter_map(|line| line.split("@message\":\"").nth(1)?.split('"').next()).collect();
        insta::assert_snapshot!(said.join("\n"), @"
        Plan: 0 to add, 0 to change, 0 to destroy.
        dark[0,1]: held: it could not be looked at: the answer could not be understood
        late: held: it depends on `dark[0]`, which is held
        the plan is blocked: `llm[0]` is protected and would be destroyed; to allow it, apply `protect: false` first or, if it has left the spec, apply what `podform plan --unprotect llm[0] -o FILE` saves (a destroy: with `--destroy`)
        the plan is blocked: `train` is locked on RunPod and would be stopped; unlock it first
        the plan is blocked: all 12 recorded objects are gone at once, more likely another account or key than a loss; `--accept-vanished` goes on
        the plan is blocked: `swap` would be terminated before its replacement exists, and no candidate has stock; `on_replace: create_first` keeps it until there is one
        the plan is blocked: everything may cost $633.80 + unknown a month, above `budget.max_monthly` of $500.00; want less, or raise the limit
        the plan is blocked: `volume.models`: a network volume never shrinks (500 GB to 100 GB)
        the plan is blocked: nothing in the catalog satisfies `new`: `NVIDIA B200`: $5.98/h is over 2.20
        the plan is blocked: the actions wait for each other: `a:create` -> `b:create` -> `a:create`
        ");
    }

    #[test]
    fn an_apply_is_a_line_per_notice() {
        let action = sample::id("llm[0]", Step::Create);
        let ended = |result| Notice::Ended {
            action: action.clone(),
            ended: Ended { id: Some(RemoteId::Pod(PodId::new("xedezhzb9la3ye"))), ..Ended::new(result) },
        };
        let notices = [
            Notice::Began(action.clone()),
            Notice::Waiting { action: action.clone(), what: "RUNNING, is STARTING".to_owned() },
            Notice::AttemptRefused { action: action.clone(), why: "L40S secure: no capacity".to_owned() },
            Notice::QuotaWait(Duration::from_secs(12)),
            ended(EndResult::Done),
            ended(EndResult::Unknown("the answer was lost\u{1b}[2J".to_owned())),
        ];
        let mut out = String::new();
        for notice in &notices {
            write_notice(&mut out, notice, Duration::from_secs(20), at()).unwrap();
        }
        let outcome = Outcome::default();
        write_outcome(&mut out, &sample::empty_plan(), &outcome, at()).unwrap();
        insta::assert_snapshot!(out, @r#"
        {"@level":"info","@message":"llm[0]: creating","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"apply_start","hook":{"resource":{"addr":"runpod_pod.llm[0]","module":"","resource":"runpod_pod.llm[0]","implied_provider":"runpod","resource_type":"runpod_pod","resource_name":"llm","resource_key":0},"action":"create","step":"create"}}
        {"@level":"info","@message":"llm[0]: waiting for RUNNING, is STARTING","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"apply_progress","hook":{"resource":{"addr":"runpod_pod.llm[0]","module":"","resource":"runpod_pod.llm[0]","implied_provider":"runpod","resource_type":"runpod_pod","resource_name":"llm","resource_key":0},"action":"create","step":"create","elapsed_seconds":20}}
        {"@level":"warn","@message":"llm[0]: an attempt was refused: L40S secure: no capacity","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"diagnostic","diagnostic":{"severity":"warning","summary":"llm[0]: an attempt was refused","detail":"L40S secure: no capacity"}}
        {"@level":"info","@message":"waiting 12 s for the API's quota","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"log"}
        {"@level":"info","@message":"llm[0]: created [id=xedezhzb9la3ye]","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"apply_complete","hook":{"resource":{"addr":"runpod_pod.llm[0]","module":"","resource":"runpod_pod.llm[0]","implied_provider":"runpod","resource_type":"runpod_pod","resource_name":"llm","resource_key":0},"action":"create","step":"create","id_key":"id","id_value":"xedezhzb9la3ye","elapsed_seconds":20}}
        {"@level":"error","@message":"llm[0]: create unknown: the answer was lost\\u{1b}[2J","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"apply_errored","hook":{"resource":{"addr":"runpod_pod.llm[0]","module":"","resource":"runpod_pod.llm[0]","implied_provider":"runpod","resource_type":"runpod_pod","resource_name":"llm","resource_key":0},"action":"create","step":"create","elapsed_seconds":20}}
        {"@level":"error","@message":"llm[0]: create unknown: the answer was lost\\u{1b}[2J: the answer was lost\\u{1b}[2J","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"diagnostic","diagnostic":{"severity":"error","summary":"llm[0]: create unknown: the answer was lost\\u{1b}[2J","detail":"the answer was lost\\u{1b}[2J"}}
        {"@level":"info","@message":"Apply complete! Resources: 0 added, 0 changed, 0 destroyed.","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"change_summary","changes":{"add":0,"change":0,"import":0,"remove":0,"operation":"apply"}}
        "#);
    }

    #[test]
    fn a_mistake_in_the_spec_has_its_place() {
        let place = |column, byte| Place { line: 3, column, byte };
        let range = Range { filename: "pods.yaml".to_owned(), start: place(5, 40), end: place(9, 44) };
        let mut out = String::new();
        write_diagnostic(&mut out, Grade::Error, "unknown key", "`imag` is no key", Some(range), at())
            .unwrap();
        insta::assert_snapshot!(out, @r#"{"@level":"error","@message":"unknown key: `imag` is no key","@module":"podform.ui","@timestamp":"2026-11-21T12:00:00Z","type":"diagnostic","diagnostic":{"severity":"error","summary":"unknown key","detail":"`imag` is no key","range":{"filename":"pods.yaml","start":{"line":3,"column":5,"byte":40},"end":{"line":3,"column":9,"byte":44}}}}"#);
    }
}
