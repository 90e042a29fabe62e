//! The end of an apply: what is done, what is not, how to go on, what runs now and how to stop its bill.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use crate::model::address::Address;
use crate::model::id::RemoteId;
use crate::model::money::Price;
use crate::model::outcome::{EndResult, Ended, Lasting, Outcome, StoppedBy};
use crate::model::plan::{ActionId, Operation, Plan, Reason, Step};
use crate::model::prior::Api;

use super::escape::visible;
use super::money::PriceAnHour;
use super::progress::{done, noun, took};
use super::ranges::ranges_to;
use super::style::{Style, Tone, write_wrapped};
use super::view::{Counts, Verb, verbs};

/// A pod that runs after an apply, as the caller read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningPod {
    pub address: Address,
    /// Whether another pod has taken its place, so that it is only left to be terminated.
    pub is_deposed: bool,
    /// The URL of its first HTTP port.
    pub url: Option<String>,
    /// The command that opens a shell in it.
    pub ssh: Option<String>,
    /// What its compute costs.
    pub price: Price,
}

/// What is there after an apply, as the caller read it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Remaining {
    /// The managed pods that run.
    pub running: Vec<RunningPod>,
    /// What is protected or locked, so that a destroy of everything is refused.
    pub guarded: BTreeSet<Address>,
    /// What another copy of the state made meanwhile, by the address of its mark.
    pub made_elsewhere: BTreeMap<RemoteId, Address>,
    /// Who still has an address of a pod that is gone, and of whose the next plan tells it.
    pub outdated: BTreeMap<Address, BTreeSet<Address>>,
}

/// Writes how an apply ended and what runs now.
pub fn write_outcome(
    out: &mut dyn Write,
    plan: &Plan,
    outcome: &Outcome,
    remaining: &Remaining,
    style: Style,
) -> fmt::Result {
    let Outcome { actions, stopped_by } = outcome;
    let titles = [(UNKNOWN, Tone::Bad), (FAILED, Tone::Bad), (WAITING, Tone::Care), (NOT_BEGUN, Tone::Care)];
    for (title, tone) in titles {
        write_list(out, style, title, tone, actions)?;
    }
    write_detours(out, style, actions)?;
    write_ready(out, style, actions)?;
    write_verdict(out, style, plan, outcome)?;
    if let Some(stopped_by) = stopped_by {
        write_wrapped(out, style, 0, &stopped(stopped_by))?;
    }
    write_held(out, style, plan)?;
    if let Some(line) = still_outdated(&remaining.outdated) {
        write_wrapped(out, style, 0, &line)?;
    }
    write_running(out, style, remaining)?;
    if let Some(warning) = other_copy(&remaining.made_elsewhere) {
        writeln!(out)?;
        write_wrapped(out, style, 0, &format!("Warning: {warning}"))?;
    }
    Ok(())
}

/// Says that somebody else goes on with a copy of the state, if what they made shows it.
pub fn other_copy(made: &BTreeMap<RemoteId, Address>) -> Option<String> {
    let named: Vec<String> = made.iter().map(|(id, address)| format!("{id} of `{address}`")).collect();
    (!named.is_empty()).then(|| {
        format!(
            "another copy of this state was used at the same time and made {}; both copies may have made the same. \
             Nothing is planned from either before one knows all: `podform state rebuild`, and then only one of them",
            visible(&named.join(", "))
        )
    })
}

/// Says who is to be told of a pod that was made anew, which takes another apply.
pub fn still_outdated(outdated: &BTreeMap<Address, BTreeSet<Address>>) -> Option<String> {
    let referred: BTreeSet<&Address> = outdated.values().flatten().collect();
    let names = ranges_to(outdated.keys(), NAMED);
    let of = if referred.len() == 1 { "the former pod of" } else { "former pods of" };
    (!referred.is_empty()).then(|| {
        format!(
            "Still with an address of {of} {}: {names}. To go on, run `podform apply` again: it gives the present one, which is a reset.",
            ranges_to(referred, NAMED)
        )
    })
}

/// How many characters a list of addresses has in a line.
const NAMED: usize = 60;

const UNKNOWN: &str = "Unknown";
const FAILED: &str = "Failed";
const WAITING: &str = "Not now";
const NOT_BEGUN: &str = "Not begun";

/// Returns the title under which an action is listed that is not done, and why.
fn open(result: &EndResult) -> Option<(&'static str, &String)> {
    match result {
        EndResult::Done => None,
        EndResult::Unknown(why) => Some((UNKNOWN, why)),
        EndResult::Failed(why) => Some((FAILED, why)),
        EndResult::Waiting(why) | EndResult::NoCapacity(why) => Some((WAITING, why)),
        EndResult::Skipped(why) => Some((NOT_BEGUN, why)),
    }
}

fn write_list(
    out: &mut dyn Write,
    style: Style,
    title: &str,
    tone: Tone,
    actions: &BTreeMap<ActionId, Ended>,
) -> fmt::Result {
    let mut first = true;
    for (action, ended) in actions {
        let Some((_, why)) = open(&ended.result).filter(|(of, _)| *of == title) else { continue };
        if first {
            writeln!(out, "{}", style.paint(tone, format!("{title}:")))?;
            first = false;
        }
        let id =
            ended.id.as_ref().map_or_else(String::new, |id| format!(" [id={}]", visible(&id.to_string())));
        write!(out, "  {}: {}{id}: ", action.address, noun(action.step))?;
        write_wrapped(out, style, 6, &visible(why).to_string())?;
        for attempt in &ended.attempts {
            writeln!(out, "      tried {}", visible(attempt))?;
        }
        for line in &ended.log {
            writeln!(out, "      log: {}", visible(line))?;
        }
    }
    if first { Ok(()) } else { writeln!(out) }
}

/// Writes the refused attempts of actions that were done in the end.
fn write_detours(out: &mut dyn Write, style: Style, actions: &BTreeMap<ActionId, Ended>) -> fmt::Result {
    let mut first = true;
    for (
        action,
        Ended { result, id: _, attempts, given_up: _, replaced, ready_after: _, log: _, lasting: _ },
    ) in actions
    {
        if *result != EndResult::Done || attempts.is_empty() {
            continue;
        }
        if first {
            writeln!(out, "{}", style.paint(Tone::Strong, "Not at the first attempt:"))?;
            first = false;
        }
        let tried: Vec<String> = attempts.iter().map(|attempt| visible(attempt).to_string()).collect();
        write!(out, "  {}: ", action.address)?;
        write_wrapped(
            out,
            style,
            6,
            &format!("tried {}; then {}", tried.join("; "), done(action.step, *replaced)),
        )?;
    }
    if first { Ok(()) } else { writeln!(out) }
}

/// Writes how long each pod took until it was ready.
fn write_ready(out: &mut dyn Write, style: Style, actions: &BTreeMap<ActionId, Ended>) -> fmt::Result {
    let mut first = true;
    for (action, ended) in actions {
        let Some(time) = ended.ready_after else { continue };
        if first {
            writeln!(out, "{}", style.paint(Tone::Strong, "Ready:"))?;
            first = false;
        }
        writeln!(out, "  {}: after {}", action.address, took(time))?;
    }
    if first { Ok(()) } else { writeln!(out) }
}

fn write_verdict(out: &mut dyn Write, style: Style, plan: &Plan, outcome: &Outcome) -> fmt::Result {
    let resources = resources_line(achieved(plan, outcome), outcome);
    if outcome.is_complete() {
        return writeln!(out, "{}", style.paint(Tone::Good, resources));
    }
    writeln!(out, "{}", style.paint(Tone::Bad, resources))?;
    let [failed, waiting, skipped, unknown] = [FAILED, WAITING, NOT_BEGUN, UNKNOWN].map(|title| {
        let ends = outcome.actions.values().filter_map(|ended| open(&ended.result));
        ends.filter(|(of, _)| *of == title).count()
    });
    let waiting = if waiting > 0 { format!("{waiting} not possible now, ") } else { String::new() };
    writeln!(out, "Left: {failed} failed, {waiting}{skipped} not begun, {unknown} unknown.")?;
    write_lasting(out, style, plan, outcome)?;
    if is_all_lasting(plan, outcome) {
        return Ok(());
    }
    let (rotations, is_twice) = rotations(plan, outcome);
    let flags = rotations + &replacements(plan, outcome);
    let again = format!("To go on, run `podform apply{flags}` again: it");
    let line = match (unknown > 0, is_twice) {
        (false, _) => format!("{again} plans what is left."),
        (true, false) => format!(
            "{again} first looks up what became of the unknown actions, then plans what is left. Nothing is created \
             twice."
        ),
        (true, true) => {
            format!("{again} first looks up what became of the unknown actions, then plans what is left.")
        }
    };
    write_wrapped(out, style, 0, &line)
}

/// How many failures are told of with their ways on.
const LASTING: usize = 5;

/// Says of each failure that another apply alone does not mend what that does, and what does.
fn write_lasting(out: &mut dyn Write, style: Style, plan: &Plan, outcome: &Outcome) -> fmt::Result {
    let lasting = || outcome.actions.iter().filter_map(|(id, ended)| Some((id, ended.lasting?)));
    for (id, lasting) in lasting().take(LASTING) {
        let at = &id.address;
        let holds_others = holds(id, lasting) && !behind(plan, outcome, [id]).is_empty();
        let next = match (lasting, holds_others) {
            (Lasting::NotReady, false) => "runs as the spec wants it, so another apply changes nothing there",
            (Lasting::NotReady, true) => {
                "runs as the spec wants it, so another apply only asks it again, and goes on with what waits for it once it is ready"
            }
            (Lasting::NeverRan, false) => {
                "does not run, is kept and is billed meanwhile, and another apply changes nothing there"
            }
            (Lasting::NeverRan, true) => {
                "does not run, is kept and is billed meanwhile; another apply only waits until it runs, and goes on with what waits for it then"
            }
            (Lasting::JobEnded, false) => "has had its run, so another apply does not start it again",
            (Lasting::JobEnded, true) => {
                "has had its run, so another apply does not start it again, and holds what waits for it"
            }
        };
        let logs = match (plan.basis.api, lasting) {
            (Api::V2, Lasting::NotReady | Lasting::JobEnded) => {
                format!(" `podform logs {at}` shows what it wrote.")
            }
            // It wrote nothing.
            (Api::V2, Lasting::NeverRan) | (Api::V1 | Api::Graphql, _) => String::new(),
        };
        let anew = match lasting {
            Lasting::NotReady | Lasting::NeverRan => "makes the pod anew",
            Lasting::JobEnded => "runs it again",
        };
        let line = format!(
            "`{at}` {next}.{logs} To go on, change the spec and apply that; `podform apply --replace {at}` {anew}."
        );
        write_wrapped(out, style, 0, &line)?;
    }
    match lasting().count().saturating_sub(LASTING) {
        0 => Ok(()),
        more => writeln!(out, "The same is so of {more} more."),
    }
}

/// Tells whether all that is not done failed so that another apply alone does not mend it, or stands behind that.
fn is_all_lasting(plan: &Plan, outcome: &Outcome) -> bool {
    let of = |is_lasting: bool| {
        let open = outcome.actions.iter().filter(|(_, ended)| ended.result != EndResult::Done);
        open.filter(move |(_, ended)| ended.lasting.is_some() == is_lasting).map(|(id, _)| id)
    };
    let holding = of(true).filter(|id| {
        outcome.actions.get(*id).and_then(|ended| ended.lasting).is_some_and(|lasting| holds(id, lasting))
    });
    let behind = behind(plan, outcome, holding);
    outcome.stopped_by.is_none() && of(false).all(|id| behind.contains(id))
}

/// Tells whether what stands behind a failure still does in the next plan. That a pod waits for that of a job says nothing of
/// how the job is to end.
fn holds(id: &ActionId, lasting: Lasting) -> bool {
    match lasting {
        Lasting::NotReady | Lasting::NeverRan => true,
        Lasting::JobEnded => id.step == Step::Await,
    }
}

/// Returns what was not begun as it stands behind these.
fn behind<'a>(
    plan: &'a Plan,
    outcome: &Outcome,
    first: impl IntoIterator<Item = &'a ActionId>,
) -> BTreeSet<&'a ActionId> {
    let mut after: BTreeMap<&ActionId, Vec<&ActionId>> = BTreeMap::new();
    for (first, then) in &plan.edges {
        after.entry(first).or_default().push(then);
    }
    let is_skipped = |id: &ActionId| {
        outcome.actions.get(id).is_some_and(|ended| matches!(ended.result, EndResult::Skipped(_)))
    };
    let mut open: Vec<&ActionId> = first.into_iter().collect();
    let mut behind = BTreeSet::new();
    while let Some(id) = open.pop() {
        let then = after.get(id).into_iter().flatten().copied();
        open.extend(then.filter(|then| is_skipped(then) && behind.insert(*then)));
    }
    behind
}

/// Returns the flags that ask again for the replacements that are not begun, as no plan has them by itself. What became of
/// an unknown create is looked up first.
fn replacements(plan: &Plan, outcome: &Outcome) -> String {
    let of_steps = plan.actions.iter().filter(|(_, action)| action.reason == Reason::Requested);
    let halves: BTreeSet<&Address> = of_steps.clone().map(|(id, _)| &id.address).collect();
    let is_begun = |address: &&Address| {
        let ends = of_steps.clone().filter(|(id, _)| id.address == **address);
        let mut ends = ends.filter_map(|(id, _)| Some((id.step, &outcome.actions.get(id)?.result)));
        ends.any(|(step, result)| {
            *result == EndResult::Done || step == Step::Create && matches!(result, EndResult::Unknown(_))
        })
    };
    let flags = halves.into_iter().filter(|address| !is_begun(address));
    flags.map(|address| format!(" --replace {address}")).collect()
}

/// Returns the flags that ask again for the rotations that are not done, as no plan has them by itself, and whether one of
/// them makes credentials that an unknown create may have made.
fn rotations(plan: &Plan, outcome: &Outcome) -> (String, bool) {
    let (mut flags, mut is_twice) = (String::new(), false);
    let open = outcome.actions.iter().filter(|(_, ended)| ended.result != EndResult::Done);
    for (id, ended) in open {
        let Some(action) = plan.actions.get(id).filter(|action| action.reason == Reason::RotateRequested)
        else {
            continue;
        };
        flags += &format!(" --rotate {}", id.address);
        let is_create = matches!(action.operation, Operation::CreateRegistry { .. });
        is_twice |= is_create && matches!(ended.result, EndResult::Unknown(_));
    }
    (flags, is_twice)
}

/// Returns the line on what an apply did; tools that follow Terraform look for it.
pub(super) fn resources_line(counts: Counts, outcome: &Outcome) -> String {
    let (add, change, destroy) = (counts.to_add(), counts.to_change(), counts.to_destroy());
    let import = if counts.import > 0 { format!("{} imported, ", counts.import) } else { String::new() };
    let verdict = if outcome.is_complete() { "Apply complete!" } else { "Apply incomplete." };
    format!("{verdict} Resources: {import}{add} added, {change} changed, {destroy} destroyed.")
}

/// Counts the changes of which every step is done; of a replacement, each half that is done, also of one that a start
/// turned into.
pub(super) fn achieved(plan: &Plan, outcome: &Outcome) -> Counts {
    let mut counts = Counts::default();
    for (_, verb, steps) in verbs(plan) {
        // One that is made is made, whatever becomes of its job.
        let is_wait = |id: &ActionId| id.step == Step::Await && verb != Verb::Await;
        let ended = |id: &ActionId| outcome.actions.get(id);
        let done = steps.iter().filter(|(id, _)| !is_wait(id)).map(|(id, _)| {
            let is_done = ended(id).is_some_and(|ended| ended.result == EndResult::Done);
            (id.step, is_done)
        });
        let made_anew = steps.iter().find(|(id, _)| ended(id).is_some_and(|ended| ended.replaced));
        if let Some((id, _)) = made_anew {
            counts.destroy += 1;
            counts.create += usize::from(ended(id).is_some_and(|ended| ended.result == EndResult::Done));
        } else if done.clone().all(|(_, is_done)| is_done) {
            *counts.of(verb) += 1;
        } else if verb.replaces() {
            counts.create += usize::from(done.clone().any(|half| half == (Step::Create, true)));
            counts.destroy +=
                done.filter(|half| matches!(half, (Step::Delete | Step::DeleteDeposed, true))).count();
        }
    }
    counts
}

fn stopped(by: &StoppedBy) -> String {
    match by {
        StoppedBy::Interrupt => "Interrupted by a signal. The state is consistent.".to_owned(),
        StoppedBy::NoFunds => {
            "The account has no money left, so nothing more was created. Add funds, then apply again."
                .to_owned()
        }
        StoppedBy::KeyRefused(why) => format!("RunPod refused the key: {}", visible(why)),
        StoppedBy::ApiUnusable(why) => format!("RunPod's API cannot be used: {}", visible(why)),
        StoppedBy::Journal(why) => format!(
            "The state could not be written, so nothing more was sent: {}. An apply that can write it goes on from here.",
            visible(why)
        ),
        StoppedBy::Bug(why) => format!(
            "podform has a bug, so nothing more was begun: {}. Please report it; what was sent is in the journal.",
            visible(why)
        ),
    }
}

fn write_held(out: &mut dyn Write, style: Style, plan: &Plan) -> fmt::Result {
    if plan.held.is_empty() {
        return Ok(());
    }
    let names = super::ranges::ranges(plan.held.keys());
    write_wrapped(out, style, 0, &format!("Left alone in this plan: {names}; `podform plan` says why."))
}

/// What stands after the address of a pod that another one has taken the place of.
const DEPOSED: &str = " (deposed)";

fn write_running(out: &mut dyn Write, style: Style, remaining: &Remaining) -> fmt::Result {
    let Remaining { running, guarded, made_elsewhere: _, outdated: _ } = remaining;
    if running.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", style.paint(Tone::Strong, "Running:"))?;
    let named = |pod: &RunningPod| format!("{}{}", pod.address, if pod.is_deposed { DEPOSED } else { "" });
    let width = running.iter().map(|pod| named(pod).len()).max().unwrap_or(0);
    let price_width = running.iter().map(|pod| PriceAnHour(pod.price).to_string().len()).max().unwrap_or(0);
    for pod in running {
        let RunningPod { address: _, is_deposed: _, url, ssh, price } = pod;
        let ways: Vec<String> =
            [url, ssh].into_iter().flatten().map(|way| visible(way).to_string()).collect();
        let ways = if ways.is_empty() { "no way in".to_owned() } else { ways.join("  ") };
        let (name, price) = (named(pod), PriceAnHour(*price).to_string());
        writeln!(out, "  {name:width$}  {price:>price_width$}  {ways}")?;
    }
    let end = if guarded.is_empty() {
        "`podform destroy` ends everything.".to_owned()
    } else {
        let names = super::ranges::ranges_to(guarded, 60);
        format!(
            "`podform destroy` is refused for what is protected or locked ({names}), and `--exclude` leaves that out."
        )
    };
    let hint = format!(
        "To stop the bill: `state: stopped` in the spec and apply keeps a pod for the price of its disks; {end}"
    );
    write_wrapped(out, style, 0, &hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{PodId, RemoteId};
    use crate::model::money::Hourly;
    use crate::render::sample::{address, full_plan, id};

    fn written(outcome: &Outcome, running: &[RunningPod], guarded: &[&str]) -> String {
        let guarded = guarded.iter().map(|name| address(name)).collect();
        let remaining = Remaining { running: running.to_vec(), guarded, ..Remaining::default() };
        let mut out = String::new();
        write_outcome(&mut out, &full_plan(), outcome, &remaining, Style::PLAIN).unwrap();
        out
    }

    fn all_done() -> Outcome {
        let done = Ended::new(EndResult::Done);
        Outcome {
            actions: full_plan().actions.into_keys().map(|action| (action, done.clone())).collect(),
            stopped_by: None,
        }
    }

    fn running() -> [RunningPod; 2] {
        [
            RunningPod {
                address: address("llm[0]"),
                is_deposed: false,
                url: Some("https://llm000000000aa-8000.proxy.runpod.net".to_owned()),
                ssh: Some("ssh llm000000000aa-64410@ssh.runpod.io".to_owned()),
                price: Price::Known(Hourly(860_000)),
            },
            RunningPod {
                address: address("train"),
                is_deposed: false,
                url: None,
                ssh: None,
                price: Price::Unknown,
            },
        ]
    }

    #[test]
    fn a_complete_apply_ends_with_what_runs_and_how_to_stop_its_bill() {
        let mut outcome = all_done();
        if let Some(ended) = outcome.actions.get_mut(&id("new", Step::Create)) {
            ended.attempts = vec!["RTX 6000 Ada secure: no capacity".to_owned()];
        }
        insta::assert_snapshot!(written(&outcome, &running(), &[]), @r#"
        Not at the first attempt:
          new: tried RTX 6000 Ada secure: no capacity; then created

        Apply complete! Resources: 1 imported, 4 added, 7 changed, 5 destroyed.
        Left alone in this plan: dark[0,1], late; `podform plan` says why.

        Running:
          llm[0]        $0.86/h  https://llm000000000aa-8000.proxy.runpod.net  ssh llm000000000aa-64410@ssh.runpod.io
          train   price unknown  no way in
        To stop the bill: `state: stopped` in the spec and apply keeps a pod for the price of its disks;
        `podform destroy` ends everything.
        "#);
    }

    #[test]
    fn destroy_is_not_said_to_end_what_it_refuses() {
        let text = written(&all_done(), &running(), &["llm[0]", "volume.models"]);
        let hint = text.split_once("To stop the bill").unwrap().1;
        insta::assert_snapshot!(hint, @"
        : `state: stopped` in the spec and apply keeps a pod for the price of its disks;
        `podform destroy` is refused for what is protected or locked (volume.models, llm[0]), and
        `--exclude` leaves that out.
        ");
    }

    #[test]
    fn what_is_left_is_named_with_the_way_on() {
        let mut outcome = all_done();
        let pod = Some(RemoteId::Pod(PodId::new("swap00000000aa")));
        let mut end = |at: &str, step, result: EndResult, id: Option<RemoteId>, attempts: &[&str]| {
            let attempts = attempts.iter().map(|attempt| (*attempt).to_owned()).collect();
            outcome
                .actions
                .insert(super::super::sample::id(at, step), Ended { id, attempts, ..Ended::new(result) });
        };
        end("swap", Step::Delete, EndResult::Unknown("the answer was lost".to_owned()), pod, &[]);
        end("swap", Step::Create, EndResult::Skipped("`swap:delete` is not done".to_owned()), None, &[]);
        let tried = ["RTX 6000 Ada secure: no capacity", "L40S secure: no capacity"];
        end(
            "new",
            Step::Create,
            EndResult::Failed("no candidate has capacity\u{7}".to_owned()),
            None,
            &tried,
        );
        outcome.stopped_by = Some(StoppedBy::Interrupt);
        insta::assert_snapshot!(written(&outcome, &[], &[]), @r#"
        Unknown:
          swap: delete [id=swap00000000aa]: the answer was lost

        Failed:
          new: create: no candidate has capacity\u{7}
              tried RTX 6000 Ada secure: no capacity
              tried L40S secure: no capacity

        Not begun:
          swap: create: `swap:delete` is not done

        Apply incomplete. Resources: 1 imported, 2 added, 7 changed, 4 destroyed.
        Left: 1 failed, 1 not begun, 1 unknown.
        To go on, run `podform apply` again: it first looks up what became of the unknown actions, then
        plans what is left. Nothing is created twice.
        Interrupted by a signal. The state is consistent.
        Left alone in this plan: dark[0,1], late; `podform plan` says why.
        "#);
    }

    #[test]
    fn a_failure_that_another_apply_does_not_mend_is_told_with_what_does() {
        let fail = |outcome: &mut Outcome, at: &str, lasting| {
            let ended = Ended { lasting, ..Ended::new(EndResult::Failed("not ready within 2m".to_owned())) };
            outcome.actions.insert(id(at, Step::Create), ended);
        };
        let mut outcome = all_done();
        fail(&mut outcome, "new", Some(Lasting::NotReady));
        let verdict = |outcome: &Outcome| {
            let text = written(outcome, &[], &[]);
            text.lines().skip_while(|line| !line.starts_with("Left:")).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(verdict(&outcome), @"
        Left: 1 failed, 0 not begun, 0 unknown.
        `new` runs as the spec wants it, so another apply changes nothing there. `podform logs new` shows
        what it wrote. To go on, change the spec and apply that; `podform apply --replace new` makes the pod
        anew.
        Left alone in this plan: dark[0,1], late; `podform plan` says why.
        ");
        fail(&mut outcome, "new", Some(Lasting::JobEnded));
        fail(&mut outcome, "swap", None);
        insta::assert_snapshot!(verdict(&outcome), @"
        Left: 2 failed, 0 not begun, 0 unknown.
        `new` has had its run, so another apply does not start it again. `podform logs new` shows what it
        wrote. To go on, change the spec and apply that; `podform apply --replace new` runs it again.
        To go on, run `podform apply` again: it plans what is left.
        Left alone in this plan: dark[0,1], late; `podform plan` says why.
        ");
    }
}
