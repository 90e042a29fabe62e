//! The plan for people, in the grammar of Terraform's headers, which other tools parse.
//!
//! It is written as it is made, so that a large plan starts to show at once. What decides stands last, where a
//! terminal shows it: the counts, the loss of data, the cost, the digest, and whether the plan is blocked.

use std::fmt::{self, Write};

use similar::TextDiff;

use crate::model::address::Address;
use crate::model::clock::Age;
use crate::model::money::Amount;
use crate::model::plan::{
    ActionId, Block, CostChange, CostSummary, DriftKind, FieldDrift, Planned, Reason, RecordAfter, Severity,
    Split, Step, Subject, Unmanaged,
};
use crate::model::settings::Field;
use crate::model::value::Value;

use super::Positions;
use super::escape::visible;
use super::money::{AMonth, AnHour, Difference, cost_lines, times};
use super::ranges::{ranges, ranges_to};
use super::rows::{Edit, Row, command_lines};
use super::style::{Style, Tone, write_wrapped};
use super::value;
use super::view::{Change, Counts, Group, Verb, Verdict, View, is_unclaimed, view};
use super::words::{self, Weight};

/// Writes a plan for people.
///
/// # Errors
/// Only those of `out`.
pub fn write_plan(
    out: &mut dyn Write,
    planned: &Planned,
    positions: Positions<'_>,
    style: Style,
) -> fmt::Result {
    let view = view(planned);
    let mut printer = Printer { out, style, positions, view: &view };
    printer.in_progress()?;
    if view.is_without_a_plan() {
        return printer.blocked();
    }
    printer.drift()?;
    printer.actions()?;
    printer.unmanaged()?;
    printer.others()?;
    printer.held()?;
    printer.findings()?;
    printer.summary()?;
    printer.blocked()
}

/// Writes what others changed, and what could not be looked at; nothing if neither is so.
///
/// # Errors
/// Only those of `out`.
pub fn write_drift(out: &mut dyn Write, planned: &Planned, style: Style) -> fmt::Result {
    let view = view(planned);
    let mut printer = Printer { out, style, positions: &super::no_positions, view: &view };
    printer.in_progress()?;
    if view.is_without_a_plan() {
        return printer.blocked();
    }
    printer.drift()?;
    printer.held()
}

struct Printer<'a> {
    out: &'a mut dyn Write,
    style: Style,
    positions: Positions<'a>,
    view: &'a View<'a>,
}

impl Printer<'_> {
    /// Says first that things move while they are looked at.
    fn in_progress(&mut self) -> fmt::Result {
        let Some(running) = &self.view.plan.in_progress else { return Ok(()) };
        write_wrapped(self.out, self.style, 0, &words::in_progress(running))?;
        writeln!(self.out)
    }

    fn drift(&mut self) -> fmt::Result {
        if self.view.drift.is_empty() {
            return Ok(());
        }
        let title = self.style.paint(Tone::Strong, "Changed outside of podform");
        writeln!(self.out, "{title}\n")?;
        for (addresses, kind) in &self.view.drift {
            writeln!(self.out, "  # {} {}", ranges(addresses.iter().copied()), words::drift(kind))?;
            if let DriftKind::Fields(fields) = kind {
                for FieldDrift { field, recorded, live, left_alone } in fields {
                    let row = Row {
                        field: field.clone(),
                        before: recorded.clone(),
                        after: live.clone(),
                        why: None,
                    };
                    self.row(&row, 0, words::left_alone(*left_alone))?;
                }
            }
        }
        writeln!(self.out)
    }

    fn actions(&mut self) -> fmt::Result {
        if self.view.groups.is_empty() {
            return Ok(());
        }
        let title = match self.view.verdict {
            Verdict::Changes | Verdict::NoChanges => "Actions",
            Verdict::Blocked(_) => "Actions, if the plan were not blocked",
        };
        writeln!(self.out, "{}", self.style.paint(Tone::Strong, title))?;
        let mut verbs: Vec<Verb> = self.view.groups.iter().map(|group| group.each.verb).collect();
        verbs.sort_by_key(|verb| (verb.legend(), verb.symbol()));
        verbs.dedup_by_key(|verb| verb.symbol());
        verbs.sort();
        for verb in verbs {
            let symbol = format!("{:>5}", verb.symbol());
            writeln!(self.out, "{} {}", self.style.paint(tone(verb), symbol), verb.legend())?;
        }
        writeln!(self.out)?;
        for group in &self.view.groups {
            self.group(group)?;
        }
        Ok(())
    }

    fn group(&mut self, group: &Group<'_>) -> fmt::Result {
        let each = &group.each;
        let name = ranges(group.addresses.iter().copied());
        let count = group.addresses.len();
        let title = self.style.paint(Tone::Strong, format!("# {}", header(&name, group)));
        writeln!(self.out, "  {title}")?;
        for comment in comments(group) {
            writeln!(self.out, "  # ({comment})")?;
        }
        let symbol = self.style.paint(tone(each.verb), format!("{:>3}", each.verb.symbol()));
        writeln!(self.out, "{symbol} {name}")?;
        let width = each.rows.iter().map(|row| row.field.to_string().len() + 1).max().unwrap_or(0).min(24);
        for row in &each.rows {
            self.row(row, width, &words::why(row.why))?;
        }
        self.consequences(group)?;
        self.placement(group)?;
        if each.cost != CostChange::default() {
            let [total, parts] = cost_lines(each.cost);
            writeln!(self.out, "      cost:  {total}\n             {parts}")?;
            if count > 1 {
                let [total, _] = cost_lines(times(each.cost, count));
                writeln!(self.out, "             all {count}: {total}")?;
            }
        }
        writeln!(self.out)
    }

    fn consequences(&mut self, group: &Group<'_>) -> fmt::Result {
        for (weight, phrase) in words::consequences(&group.each) {
            let tone = match weight {
                Weight::Loses => Tone::Bad,
                Weight::Note => Tone::Care,
                Weight::Keeps => Tone::Good,
            };
            let word = self.style.paint(tone, format!("{}:", weight.word()));
            let pad = 6 - weight.word().len();
            write!(self.out, "      {word}{:pad$}", "")?;
            write_wrapped(self.out, self.style, 13, &phrase)?;
        }
        Ok(())
    }

    fn placement(&mut self, group: &Group<'_>) -> fmt::Result {
        let Some((first, others)) = group.each.attempts.split_first() else { return Ok(()) };
        let title = if group.each.verb == Verb::Start {
            "replaced, if its host stays full, by the first that can be had of:"
        } else if others.is_empty() {
            return writeln!(self.out, "      place: {}", words::candidate(&first.candidate));
        } else {
            "the first that can be had of:"
        };
        writeln!(self.out, "      place: {title}")?;
        for (number, attempt) in (1..).zip(group.each.attempts) {
            writeln!(self.out, "             {number}. {}", words::candidate(&attempt.candidate))?;
        }
        Ok(())
    }

    /// Writes one field; `width` aligns the values of an object.
    fn row(&mut self, row: &Row, width: usize, comment: &str) -> fmt::Result {
        let Row { field, before, after, why: _ } = row;
        let (symbol, tone) = match row.edit() {
            Edit::Added => ("+", Tone::Good),
            Edit::Removed => ("-", Tone::Bad),
            Edit::Changed => ("~", Tone::Care),
        };
        let symbol = self.style.paint(tone, symbol);
        let name = format!("{}:", visible(&field.to_string()));
        let comment = self.style.paint(Tone::Quiet, comment);
        if let Some(lines) = difference_lines(field, before, after) {
            writeln!(self.out, "      {symbol} {name}{comment}")?;
            return self.lines(&lines);
        }
        let values = values(before, after);
        let room = self.style.width.saturating_sub(10 + width.max(name.len()));
        match values {
            (one, None) => writeln!(self.out, "      {symbol} {name:width$} {one}{comment}"),
            (before, Some(after)) if before.chars().count() + after.chars().count() + 4 <= room => {
                writeln!(self.out, "      {symbol} {name:width$} {before} -> {after}{comment}")
            }
            (before, Some(after)) => {
                writeln!(self.out, "      {symbol} {name:width$} {before}")?;
                writeln!(self.out, "        {:width$} -> {after}{comment}", "")
            }
        }
    }

    fn lines(&mut self, lines: &[String]) -> fmt::Result {
        for line in lines {
            let tone = match line.as_bytes().first() {
                Some(b'+') => Tone::Good,
                Some(b'-') => Tone::Bad,
                Some(_) | None => Tone::Quiet,
            };
            writeln!(self.out, "          {}", self.style.paint(tone, line))?;
        }
        Ok(())
    }

    fn unmanaged(&mut self) -> fmt::Result {
        let View { plan, .. } = self.view;
        let mut unclaimed = plan.unmanaged.iter().filter(|one| is_unclaimed(one)).peekable();
        if unclaimed.peek().is_none() {
            return Ok(());
        }
        writeln!(self.out, "{}\n", self.style.paint(Tone::Strong, "Not managed by podform, never touched"))?;
        for unmanaged in unclaimed {
            let Unmanaged { id, name, status, created_at, cost, owner: _ } = unmanaged;
            write!(self.out, "  {} ({})", visible(&id.to_string()), visible(name))?;
            if let Some(status) = status {
                write!(self.out, ", {status}")?;
            }
            if let Some(created) = created_at {
                write!(self.out, ", {} old", Age(plan.basis.observed_at.duration_since(*created)))?;
            }
            let total = cost.total();
            writeln!(self.out, ": {} a month ({})", AMonth(total), AnHour(total))?;
            let hint = words::unmanaged_hint(unmanaged);
            writeln!(self.out, "      {}", self.style.paint(Tone::Quiet, hint))?;
        }
        writeln!(self.out)
    }

    fn others(&mut self) -> fmt::Result {
        if self.view.others.is_empty() {
            return Ok(());
        }
        writeln!(
            self.out,
            "{}\n",
            self.style.paint(Tone::Strong, "Of other podform projects, never touched")
        )?;
        for (project, other) in &self.view.others {
            writeln!(self.out, "  {}", words::other_project(project, other))?;
        }
        writeln!(self.out)
    }

    fn held(&mut self) -> fmt::Result {
        if self.view.held.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "{}\n", self.style.paint(Tone::Care, "Held: left alone in this plan"))?;
        for (addresses, held) in &self.view.held {
            let name = ranges(addresses.iter().copied());
            write!(self.out, "  {name}: ")?;
            write_wrapped(self.out, self.style, 6, &words::held(held, addresses.iter().copied()))?;
        }
        writeln!(self.out)
    }

    fn findings(&mut self) -> fmt::Result {
        if self.view.findings.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "{}\n", self.style.paint(Tone::Strong, "Findings"))?;
        for (finding, subjects) in &self.view.findings {
            let word = match finding.severity {
                Severity::Warning => self.style.paint(Tone::Care, "warning"),
                Severity::Note => self.style.paint(Tone::Quiet, "note"),
            };
            let about = about(subjects);
            let colon = if about.is_empty() { "" } else { ": " };
            write!(self.out, "  {word}: ")?;
            let message = format!("{about}{colon}{} [{}]", visible(&finding.message), finding.code);
            write_wrapped(self.out, self.style, 6, &message)?;
            if let Some(position) = subjects.iter().find_map(|subject| (self.positions)(subject)) {
                writeln!(self.out, "      at {}", visible(&position))?;
            }
        }
        writeln!(self.out)
    }

    fn summary(&mut self) -> fmt::Result {
        let View { plan, verdict, counts, lost, .. } = self.view;
        match verdict {
            Verdict::Blocked(_) if plan.actions.is_empty() => self.out_of_scope()?,
            Verdict::NoChanges => {
                writeln!(self.out, "{}", self.style.paint(Tone::Strong, "No changes."))?;
                if let Some(unchanged) = words::unchanged(plan.unchanged.iter()) {
                    writeln!(self.out, "{unchanged}.")?;
                }
                self.out_of_scope()?;
            }
            Verdict::Changes | Verdict::Blocked(_) => {
                writeln!(self.out, "{}", self.style.paint(Tone::Strong, plan_line(*counts)))?;
                write_wrapped(self.out, self.style, 0, &own_line(*counts))?;
                if counts.losing > 0 {
                    let at = if counts.losing == 1 {
                        "1 address".to_owned()
                    } else {
                        format!("{} addresses", counts.losing)
                    };
                    let line = format!("Data lost at {at}: {}{}.", lost.words(), lost.condition());
                    writeln!(self.out, "{}", self.style.paint(Tone::Bad, line))?;
                } else {
                    writeln!(
                        self.out,
                        "{}",
                        if lost.wiped_words().is_some() { "No volume is lost." } else { "No data is lost." }
                    )?;
                }
                if let Some(wiped) = lost.wiped_words() {
                    writeln!(self.out, "Wiped on the way: {wiped}.")?;
                }
                if let Some(gone) = lost.gone_words() {
                    writeln!(self.out, "{}", self.style.paint(Tone::Care, format!("Lost already: {gone}.")))?;
                }
            }
        }
        self.cost()?;
        writeln!(self.out, "Digest: {}", plan.digest)
    }

    /// Without the summary of what changes, what was left out is said on a line of its own.
    fn out_of_scope(&mut self) -> fmt::Result {
        match words::out_of_scope(self.view.counts.out_of_scope) {
            Some(left_out) => writeln!(self.out, "{left_out}."),
            None => Ok(()),
        }
    }

    fn cost(&mut self) -> fmt::Result {
        let View { unmanaged_after, .. } = *self.view;
        let cost = self.view.plan.cost;
        let (now, after) = (cost.now, cost.after);
        let (total_now, total_after) = (now.total(), after.total());
        if now == after && after == cost.at_most && unmanaged_after == Split::default() {
            let [total, parts] = cost_lines(CostChange { before: now, after });
            writeln!(self.out, "Cost: {total}, as before; {parts}.")?;
            return self.unknown_prices();
        }
        writeln!(self.out)?;
        self.cost_table(total_now, total_after)?;
        writeln!(self.out)?;
        if cost.at_most != after {
            let most = cost.at_most.total();
            let (month, hour) = (AMonth(most), AnHour(most));
            writeln!(
                self.out,
                "At most {month} a month ({hour}), if each pod lands on its dearest candidate."
            )?;
        }
        self.unknown_prices()
    }

    fn cost_table(&mut self, total_now: Amount, total_after: Amount) -> fmt::Result {
        let View { plan, unmanaged_after, .. } = self.view;
        let CostSummary { now, after, at_most: _, unmanaged } = plan.cost;
        let month = |before: Amount, after: Amount| {
            let difference = Difference { before, after }.to_string();
            [AMonth(before).to_string(), AMonth(after).to_string(), difference]
        };
        let mut rows = vec![
            ("Cost a month", ["now", "after", "difference"].map(str::to_owned)),
            ("compute", month(now.compute, after.compute)),
            ("storage", month(now.storage, after.storage)),
            ("total", month(total_now, total_after)),
            (
                "total an hour",
                [AnHour(total_now).to_string(), AnHour(total_after).to_string(), String::new()],
            ),
        ];
        if *unmanaged_after != Split::default() {
            rows.push(("not managed", month(unmanaged.total(), unmanaged_after.total())));
        }
        // Unknown parts can make an amount long.
        let width = rows.iter().flat_map(|(_, cells)| cells).map(|cell| cell.len() + 2).max().unwrap_or(0);
        let width = width.max(20);
        for (name, cells) in rows {
            let cells = cells.map(|cell| format!("{cell:>width$}")).concat();
            writeln!(self.out, "  {name:<16}{}", cells.trim_end())?;
        }
        Ok(())
    }

    fn unknown_prices(&mut self) -> fmt::Result {
        if let Some(line) = words::unknown_prices(&self.view.plan.cost) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    fn blocked(&mut self) -> fmt::Result {
        let Verdict::Blocked(reasons) = self.view.verdict else { return Ok(()) };
        if self.view.is_without_a_plan() {
            let title = self.style.paint(Tone::Bad, "Blocked: from this state nothing can be planned.");
            writeln!(self.out, "{title}")?;
        } else {
            let title = self.style.paint(Tone::Bad, "Blocked: nothing of this plan can be applied.");
            writeln!(self.out, "\n{title}")?;
        }
        if reasons.is_empty() {
            writeln!(self.out, "  - {}", words::ONLY_HELD)?;
        }
        for block in reasons {
            write!(self.out, "  - ")?;
            write_wrapped(self.out, self.style, 4, &words::block(block))?;
            if let Some(position) = self.position_of(block) {
                writeln!(self.out, "    at {}", visible(&position))?;
            }
        }
        Ok(())
    }

    fn position_of(&self, block: &Block) -> Option<String> {
        words::blocked_subject(block).as_ref().and_then(self.positions)
    }
}

/// Returns what findings are about, such as `llm[0..2].image`.
pub(super) fn about(subjects: &[&Subject]) -> String {
    let names = ranges_to(subjects.iter().map(|subject| &subject.address), 200);
    let Some(Subject { address: first, field: Some(field) }) = subjects.first() else { return names };
    let field = field.to_string();
    let of_one_key = subjects
        .iter()
        .all(|subject| subject.address.key() == first.key() && subject.address.is_pod() == first.is_pod());
    if of_one_key { format!("{names}.{}", visible(&field)) } else { format!("{names} ({})", visible(&field)) }
}

/// Returns Terraform's line, which other tools look for.
pub fn plan_line(counts: Counts) -> String {
    let import = if counts.import > 0 { format!("{} to import, ", counts.import) } else { String::new() };
    let (add, change, destroy) = (counts.to_add(), counts.to_change(), counts.to_destroy());
    format!("Plan: {import}{add} to add, {change} to change, {destroy} to destroy.")
}

/// Returns the line that says what Terraform's words cannot: starts, stops, resets, and what is left alone.
pub fn own_line(counts: Counts) -> String {
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
        losing: _,
        unchanged,
        held,
        out_of_scope,
    } = counts;
    let updates =
        if reset > 0 { format!("to update ({reset} with a reset)") } else { "to update".to_owned() };
    let kinds = [
        (create, "to create"),
        (replace, "to replace"),
        (start, "to start"),
        (stop, "to stop"),
        (update, updates.as_str()),
        (destroy, "to destroy"),
        (import, "to import"),
        (moved, "to move"),
        (record, "to record"),
        (forget, "to forget"),
        (held, "held"),
        (unchanged, "unchanged"),
        (out_of_scope, "out of scope"),
    ];
    let some = kinds.into_iter().filter(|(number, _)| *number > 0);
    let words: Vec<String> = some.map(|(number, words)| format!("{number} {words}")).collect();
    if words.is_empty() { "Nothing changes.".to_owned() } else { format!("That is {}.", words.join(", ")) }
}

/// Returns the header of a group in Terraform's grammar.
pub(super) fn header(name: &str, group: &Group<'_>) -> String {
    let each = &group.each;
    match each.verb {
        Verb::Create => format!("{name} will be created"),
        Verb::DestroyThenCreate | Verb::CreateThenDestroy => format!("{name} must be replaced"),
        Verb::Update if only_restarts(each) => format!("{name} will be stopped and started again"),
        Verb::Update => format!("{name} will be updated in-place"),
        Verb::Start => format!("{name} will be started"),
        Verb::Stop => format!("{name} will be stopped"),
        Verb::Destroy => format!("{name} will be destroyed"),
        Verb::DestroyDeposed if each.reasons.contains(&&Reason::Duplicate) => {
            format!("{name} (a second pod of one create) will be destroyed")
        }
        Verb::DestroyDeposed => format!("{name} (left behind by a replacement) will be destroyed"),
        Verb::Import => format!("{name} will be imported"),
        Verb::Move => match moved_from(group) {
            Some(from) => format!("{from} has moved to {name}"),
            None => format!("{name} has moved"),
        },
        Verb::Record => format!("{name} will be changed in the state only"),
        Verb::Forget if each.reasons.contains(&&Reason::Vanished) => {
            format!("{name} is gone and will be forgotten")
        }
        Verb::Forget => format!("{name} will no longer be managed by podform, but will not be destroyed"),
    }
}

/// Returns what stands in parentheses below the header.
pub(super) fn comments(group: &Group<'_>) -> Vec<String> {
    let each = &group.each;
    let mut comments = Vec::new();
    if group.addresses.len() > 1 {
        let numbered = each.rows.iter().any(|row| has_pattern(&row.before) || has_pattern(&row.after));
        let legend = if numbered { "; {n} is the number of the replica" } else { "" };
        comments.push(format!("{} alike{legend}", words::count(group.addresses.len(), "pod")));
    }
    let in_header = |reason: &Reason| {
        matches!(
            (each.verb, reason),
            (Verb::Move, Reason::Renamed)
                | (Verb::DestroyDeposed, Reason::Deposed | Reason::Duplicate)
                | (Verb::Forget, Reason::Vanished)
        )
    };
    let telling = each.reasons.iter().filter(|reason| !in_header(reason));
    let because: Vec<&str> = telling.filter_map(|reason| words::reason(reason)).collect();
    if !because.is_empty() {
        comments.push(format!("because {}", because.join(", and ")));
    }
    let has = |step: Step| each.steps.iter().any(|(id, _)| id.step == step);
    if each.verb != Verb::Move && has(Step::Move) {
        let from = moved_from(group).map_or_else(String::new, |from| format!(" from {from}"));
        comments.push(format!("moved{from}"));
    }
    if each.verb != Verb::Import && has(Step::Adopt) {
        comments.push("imported first".to_owned());
    }
    match each.verb {
        Verb::Start if has(Step::Update) => comments.push("after an update in place".to_owned()),
        Verb::Stop if has(Step::Update) => comments.push("with an update in place".to_owned()),
        Verb::Update if has(Step::Update) && has(Step::Stop) && has(Step::Start) => {
            comments.push("stopped before and started after it".to_owned());
        }
        Verb::Start
        | Verb::Stop
        | Verb::Update
        | Verb::Create
        | Verb::DestroyThenCreate
        | Verb::CreateThenDestroy
        | Verb::Destroy
        | Verb::DestroyDeposed
        | Verb::Import
        | Verb::Move
        | Verb::Record
        | Verb::Forget => {}
    }
    if group.addresses.len() == 1 && !each.ids.is_empty() {
        let ids: Vec<String> = each.ids.iter().map(|id| visible(&id.to_string()).to_string()).collect();
        comments.push(format!("id {}", ids.join(", ")));
    }
    comments
}

/// Tells whether an update is a stop and a start and nothing else.
fn only_restarts(change: &Change<'_>) -> bool {
    let has = |step: Step| change.steps.iter().any(|(id, _)| id.step == step);
    has(Step::Stop) && has(Step::Start) && !has(Step::Update)
}

fn moved_from(group: &Group<'_>) -> Option<Address> {
    let [_] = group.addresses[..] else { return None };
    group.each.steps.iter().find_map(|(ActionId { address: _, step: _ }, action)| match &action.record {
        RecordAfter::MovedFrom(from) => Some(from.clone()),
        RecordAfter::Put(_) | RecordAfter::Remove { .. } | RecordAfter::Deposed(_) => None,
    })
}

fn has_pattern(value: &Value) -> bool {
    value::text(value).is_some_and(|text| text.contains("{n}"))
}

/// Returns the values of a row as they stand on one line; the second only where both are worth showing.
pub(super) fn values(before: &Value, after: &Value) -> (String, Option<String>) {
    match (before, after) {
        (Value::Absent, after) => (words::shown(after), None),
        (before, Value::Absent) => (words::shown(before), None),
        (before, after) if before == after => (words::shown(after), None),
        (before, after) => (words::shown(before), Some(words::shown(after))),
    }
}

/// Returns the lines of a value that has several, as a unified difference where both sides are known.
pub(super) fn difference_lines(field: &Field, before: &Value, after: &Value) -> Option<Vec<String>> {
    const MOST_LINES: usize = 400;
    let text = |value: &Value| value::text(value).map(|text| laid_out(field, &text));
    let lines: Vec<String> = match (text(before), text(after)) {
        (Some(before), Some(after)) if before.contains('\n') || after.contains('\n') => {
            // The few keys of a lifecycle need no lines around them to be found.
            unified(&before, &after, if *field == Field::Lifecycle { 0 } else { 3 })
        }
        (None, Some(only)) if *before == Value::Absent && only.contains('\n') => signed('+', &only),
        (Some(only), None) if *after == Value::Absent && only.contains('\n') => signed('-', &only),
        (Some(_) | None, Some(_) | None) => return None,
    };
    let rest = lines.len().saturating_sub(MOST_LINES);
    let mut lines: Vec<String> = lines.into_iter().take(MOST_LINES).collect();
    if rest > 0 {
        lines.push(format!("... ({rest} more lines)"));
    }
    Some(lines)
}

fn laid_out(field: &Field, text: &str) -> String {
    match field {
        Field::Command | Field::Entrypoint if !text.contains('\n') && text.len() > 40 => command_lines(text),
        _ => text.to_owned(),
    }
}

fn signed(sign: char, text: &str) -> Vec<String> {
    text.lines().map(|line| format!("{sign}{}", visible(line))).collect()
}

fn unified(before: &str, after: &str, context: usize) -> Vec<String> {
    // A last line without a line break is the same line to a reader.
    let ended = |text: &str| if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    let (before, after) = (ended(before), ended(after));
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(context).iter_hunks() {
        // Without lines around it a hunk needs no place.
        if context > 0 {
            lines.push(hunk.header().to_string());
        }
        for change in hunk.iter_changes() {
            let line = change.value();
            lines.push(format!("{}{}", change.tag(), visible(line.strip_suffix('\n').unwrap_or(line))));
        }
    }
    lines
}

fn tone(verb: Verb) -> Tone {
    match verb {
        Verb::Create | Verb::Start | Verb::Import => Tone::Good,
        Verb::Update | Verb::Stop | Verb::Move | Verb::Record => Tone::Care,
        Verb::DestroyThenCreate
        | Verb::CreateThenDestroy
        | Verb::Destroy
        | Verb::DestroyDeposed
        | Verb::Forget => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Plan;
    use crate::model::text::is_invisible;
    use crate::render::no_positions;
    use crate::render::sample;

    fn plain(planned: &Planned) -> String {
        let mut out = String::new();
        write_plan(&mut out, planned, &no_positions, Style::PLAIN).unwrap();
        out
    }

    #[test]
    fn every_class_of_action_is_shown() {
        let positions =
            |subject: &Subject| Some(format!("pods.yaml:{}:5", subject.address.to_string().len()));
        let mut out = String::new();
        write_plan(&mut out, &sample::full(), &positions, Style::PLAIN).unwrap();
        insta::assert_snapshot!(out, @r#"
        Changed outside of podform

          # train was stopped, or its process ended
          # lost is gone
          # prep has changed
              + env.TOKEN: (other value)  # left alone

        Actions
            + create
          -/+ destroy and then create replacement
          +/- create replacement and then destroy
            ~ update in-place
            ▶ start
            ■ stop
            - destroy
            . change the state only

          # volume.old will be destroyed
          # (because its key has left the spec)
          # (id 0ldv0lume1)
          - volume.old
              loses: network volume `volume.old` (300 GB) with everything on it
              cost:  $21.00 -> $0.00 a month ($0.0288/h -> $0.00/h)
                     compute $0.00, storage $21.00 -> $0.00

          # swap must be replaced
          # (because it cannot be changed in place to what the spec wants)
          # (id swap00000000aa)
        -/+ swap
              ~ gpu: NVIDIA A40 x1 -> NVIDIA L40S or RTX 6000 Ada  # you changed it; forces replacement
              loses: local volume (200 GB) at /workspace
              note:  its container disk (60 GB) is wiped
              note:  gets a new pod id and new proxy URLs
              place: the first that can be had of:
                     1. NVIDIA RTX 6000 Ada Generation x1, secure, in EU-RO-1: $0.77/h, stock low (EU-RO-1 low)
                     2. NVIDIA L40S x1, secure, in EU-RO-1: $0.86/h, stock high (EU-RO-1 high)
              cost:  $347.20 -> $568.10 a month ($0.4756/h -> $0.7782/h)
                     compute $321.20 -> $562.10, storage $26.00 -> $6.00

          # swift must be replaced
          # (because it cannot be changed in place to what the spec wants)
          # (id swap00000000aa)
        +/- swift
              ~ gpu: NVIDIA A40 x1 -> NVIDIA L40S or RTX 6000 Ada  # you changed it; forces replacement
              loses: local volume (200 GB) at /workspace
              note:  its container disk (60 GB) is wiped
              note:  gets a new pod id and new proxy URLs
              place: the first that can be had of:
                     1. NVIDIA RTX 6000 Ada Generation x1, secure, in EU-RO-1: $0.77/h, stock low (EU-RO-1 low)
                     2. NVIDIA L40S x1, secure, in EU-RO-1: $0.86/h, stock high (EU-RO-1 high)
              cost:  $347.20 -> $568.10 a month ($0.4756/h -> $0.7782/h)
                     compute $321.20 -> $562.10, storage $26.00 -> $6.00

          # crm (left behind by a replacement) will be destroyed
          # (id deposed00000aa)
          - crm
              note:  its container disk (60 GB) is wiped
              cost:  $633.80 -> $0.00 a month ($0.8682/h -> $0.00/h)
                     compute $627.80 -> $0.00, storage $6.00 -> $0.00

          # llm[0..2] will be updated in-place
          # (3 pods alike)
          ~ llm[0..2]
              ~ image:             "vllm/vllm-openai:v0.18.0" -> "vllm/vllm-openai:v0.19.1"  # you changed it; resets the pod
              ~ env.WANDB_API_KEY: (secret)  # differs, cause not attributable; resets the pod
              note:  its container disk (60 GB) is wiped
              note:  its public address and TCP ports change
              keeps: network volume `volume.models`
              cost:  $633.80 a month ($0.8682/h)
                     compute $627.80, storage $6.00
                     all 3: $1,901.40 a month ($2.6047/h)

          # llm[3] will be destroyed
          # (because `replicas` was lowered or taken out)
          # (id g0ne00000000aa)
          - llm[3]
              note:  its container disk (60 GB) is wiped
              cost:  $633.80 -> $0.00 a month ($0.8682/h -> $0.00/h)
                     compute $627.80 -> $0.00, storage $6.00 -> $0.00

          # studio will be stopped
          # (because its `state` was changed in the spec)
          # (id stud10000000aa)
          ■ studio
              ~ state: running -> stopped  # you changed it
              note:  its container disk (40 GB) is wiped
              keeps: local volume (100 GB) at /workspace
              cost:  $517.70 -> $20.00 a month ($0.7092/h -> $0.0274/h)
                     compute $503.70 -> $0.00, storage $14.00 -> $20.00

          # volume.fresh will be created
          + volume.fresh
              + data_center: EU-RO-1
              + size:        100 GB
              + tier:        standard
              cost:  $0.00 -> $7.00 a month ($0.00/h -> $0.0096/h)
                     compute $0.00, storage $0.00 -> $7.00

          # volume.models will be updated in-place
          # (id agv6w2qcg7)
          ~ volume.models
              ~ size: 500 GB -> 800 GB  # you changed it
              cost:  $35.00 -> $56.00 a month ($0.0479/h -> $0.0767/h)
                     compute $0.00, storage $35.00 -> $56.00

          # wash has moved to clean
          . clean

          # found will be imported
          # (because `adopt:` names it)
          # (id f0und0000000aa)
          . found

          # free will no longer be managed by podform, but will not be destroyed
          # (because its key has left the spec)
          . free
              note:  it goes on running and being billed, unmanaged

          # lost is gone and will be forgotten
          . lost
              note:  its data (50 GB) was lost already when it vanished

          # new will be created
          + new
              + name:              "acme-new"
              + image:             "vllm/vllm-openai:v0.19.1"
              + command:           "--model Qwen/Qwen3-32B-FP8 --port 8000"
              + env.HF_HOME:       "/models/hf"
              + env.WANDB_API_KEY: (secret)
              + ports:             22/tcp, 8000/http
              + disk:              60 GB
              + volumes:           "volume.models at /models"
              + ssh:               true
              place: the first that can be had of:
                     1. NVIDIA RTX 6000 Ada Generation x1, secure, in EU-RO-1: $0.77/h, stock low (EU-RO-1 low)
                     2. NVIDIA L40S x1, secure, in EU-RO-1: $0.86/h, stock high (EU-RO-1 high)
              cost:  $0.00 -> $568.10 a month ($0.00/h -> $0.7782/h)
                     compute $0.00 -> $562.10, storage $0.00 -> $6.00

          # prep will be updated in-place
          # (id prep00000000aa)
          ~ prep
              ~ command:  # changed by you and outside of podform
                  @@ -1,3 +1,4 @@
                  ---model Qwen/Qwen3-8B
                  +--model Qwen/Qwen3-32B-FP8
                   --port 8000
                   --max-model-len 8192
                  +--seed 7
              ~ env.SETUP:  # you changed it
                  @@ -1,3 +1,3 @@
                   set -eu
                  -apt-get update
                  -pip install vllm
                  +pip install vllm==0.19.1
                  +exec serve
              - env.TOKEN:         (other value)  # changed outside of podform
              ~ global_networking: false -> true  # you changed it; takes effect at the next start
              note:  the change takes effect at the next start
              cost:  $89.60 a month ($0.1227/h)
                     compute $87.60, storage $2.00

          # train will be started
          # (because it was stopped, started or ended outside of podform)
          # (id tra1n0000000aa)
          ▶ train
              ~ state: stopped -> running  # changed outside of podform
              note:  the start can fail: it is bound to its host, which may have no free GPU; it is replaced
                     then
              place: replaced, if its host stays full, by the first that can be had of:
                     1. NVIDIA RTX 6000 Ada Generation x1, secure, in EU-RO-1: $0.77/h, stock low (EU-RO-1 low)
                     2. NVIDIA L40S x1, secure, in EU-RO-1: $0.86/h, stock high (EU-RO-1 high)
              cost:  $20.00 -> $641.80 a month ($0.0274/h -> $0.8792/h)
                     compute $0.00 -> $627.80, storage $20.00 -> $14.00

          # vault will be changed in the state only
          # (id vau1t0000000aa)
          . vault
              ~ lifecycle: protect: true -> protect: false  # you changed it

        Not managed by podform, never touched

          m1ne00000000aa (old notebook), RUNNING, 9 days old: $515.70 a month ($0.7064/h)
              podform import ADDRESS m1ne00000000aa
          ours00000000aa (acme-llm-9), EXITED: unknown a month (unknown)
              carries the mark of `llm[9]` in this project: podform state rebuild

        Held: left alone in this plan

          dark[0,1]: it could not be looked at: the answer could not be understood
          late: it depends on `dark[0]`, which is held

        Findings

          warning: llm[0,1].image: the image has no fixed version, so a reset can bring another program
              [unpinned-image]
              at pods.yaml:6:5
          note: new.gpu: `RTX 6000 Ada` stands for `NVIDIA RTX 6000 Ada Generation` [family-expanded]
              at pods.yaml:3:5

        Plan: 1 to import, 4 to add, 7 to change, 5 to destroy.
        That is 2 to create, 2 to replace, 1 to start, 1 to stop, 5 to update (3 with a reset), 3 to
        destroy, 1 to import, 1 to move, 1 to record, 2 to forget, 3 held, 3 unchanged, 2 out of scope.
        Data lost at 3 addresses: 1 network volume (300 GB), 2 local volumes (400 GB).
        Wiped on the way: 8 container disks (460 GB).
        Lost already: 1 object vanished with its data (50 GB).

          Cost a month                     now               after          difference
          compute                    $5,110.00           $4,672.00            -$438.00
          storage                      $400.00             $380.00             -$20.00
          total                      $5,510.00           $5,052.00            -$458.00
          total an hour              $7.5479/h           $6.9205/h
          not managed        $515.70 + unknown   $515.70 + unknown                none

        At most $5,490.00 a month ($7.5205/h), if each pod lands on its dearest candidate.
        Digest: 3f2a9c4be01d77863f2a9c4be01d7786-5490000000
        "#);
    }

    #[test]
    fn nothing_to_do_is_said_in_one_line() {
        let plan =
            Plan { unchanged: [sample::address("llm")].into(), out_of_scope: 2, ..sample::empty_plan() };
        insta::assert_snapshot!(plain(&Planned::NoChanges(plan)), @r#"
        No changes.
        1 address is as wanted: llm.
        2 addresses are out of scope and were not compared.
        Cost: $0.00 a month ($0.00/h), as before; compute $0.00, storage $0.00.
        Digest: 3f2a9c4be01d77863f2a9c4be01d7786-0
        "#);
    }

    #[test]
    fn a_blocked_plan_ends_with_its_reasons() {
        let plan = Planned::Blocked { reasons: sample::blocks(), plan: sample::empty_plan() };
        insta::assert_snapshot!(plain(&plan), @"
        Cost: $0.00 a month ($0.00/h), as before; compute $0.00, storage $0.00.
        Digest: 3f2a9c4be01d77863f2a9c4be01d7786-0

        Blocked: nothing of this plan can be applied.
          - `llm[0]` is protected and would be destroyed; to allow it, apply `protect: false` first or, if
            its key has left the spec, apply what `podform plan --unprotect llm[0] -o FILE` saves (a
            destroy: with `--destroy`)
          - `train` is locked on RunPod and would be stopped; unlock it first
          - all 12 recorded objects are gone at once, more likely another account or key than a loss;
            `--accept-vanished` goes on
          - `swap` would be terminated before its replacement exists, and no candidate has stock;
            `on_replace: create_first` keeps it until there is one
          - everything may cost $633.80 + unknown a month, above `budget.max_monthly` of $500.00; want less,
            or raise the limit
          - `volume.models`: a network volume never shrinks (500 GB to 100 GB)
          - nothing in the catalog satisfies `new`: `NVIDIA B200`: $5.98/h is over 2.20
          - the actions wait for each other: `a:create` -> `b:create` -> `a:create`
        ");
    }

    #[test]
    fn two_hundred_pods_alike_are_one_entry() {
        insta::assert_snapshot!(plain(&Planned::Changes(sample::alike_plan(200))), @r#"
        Actions
            ~ update in-place

          # llm[0..199] will be updated in-place
          # (200 pods alike)
          ~ llm[0..199]
              ~ image:             "vllm/vllm-openai:v0.18.0" -> "vllm:b"  # you changed it; resets the pod
              ~ env.WANDB_API_KEY: (secret)  # differs, cause not attributable; resets the pod
              note:  its container disk (60 GB) is wiped
              note:  its public address and TCP ports change
              keeps: network volume `volume.models`
              cost:  $633.80 a month ($0.8682/h)
                     compute $627.80, storage $6.00
                     all 200: $126,760.00 a month ($173.6438/h)

        Plan: 0 to add, 200 to change, 0 to destroy.
        That is 200 to update (200 with a reset).
        No volume is lost.
        Wiped on the way: 200 container disks (12000 GB).
        Cost: $0.00 a month ($0.00/h), as before; compute $0.00, storage $0.00.
        Digest: 3f2a9c4be01d77863f2a9c4be01d7786-0
        "#);
    }

    #[test]
    fn hostile_text_can_neither_move_the_cursor_nor_fake_a_header() {
        let out = plain(&Planned::Changes(sample::hostile_plan()));
        assert!(out.lines().all(|line| !line.chars().any(is_invisible)));
        assert!(!out.lines().any(|line| line.trim_start().starts_with("# evil will be created")));
    }

    #[test]
    fn color_adds_nothing_but_escape_sequences() {
        let mut colored = String::new();
        let style = Style { color: true, ..Style::PLAIN };
        write_plan(&mut colored, &sample::full(), &no_positions, style).unwrap();
        let stripped = anstream::adapter::strip_str(&colored).to_string();
        assert_eq!(stripped, plain(&sample::full()));
        assert_ne!(colored, stripped);
    }
}
