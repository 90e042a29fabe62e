//! The plan for people, in the grammar of Terraform's headers, which other tools parse.
//!
//! It is written as it is made, so that a large plan starts to show at once. What decides stands last, where a
//! terminal shows it: the counts, the loss of data, the cost, the digest, and whether the plan is blocked.

use std::fmt::{self, Write};

use crate::model::clock::Age;
use crate::model::plan::{CostChange, DriftKind, FieldDrift, Planned, Severity, Split, Unmanaged};

use super::Positions;
use super::escape::visible;
use super::money::{AMonth, AnHour, at_most, cost_lines, cost_rows, month, times};
use super::ranges::ranges;
use super::rows::Row;
use super::style::{Style, Tone, write_wrapped};
use super::view::{Group, Verb, Verdict, View, blocked_subject, view};
use super::words::{self, Weight, about, comments, difference_lines, header, own_line, plan_line, values};

/// Writes a plan for people.
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

    /// Writes entries below a title; nothing if there are none.
    fn list<T>(
        &mut self,
        title: &str,
        tone: Tone,
        entries: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T) -> fmt::Result,
    ) -> fmt::Result {
        let mut entries = entries.into_iter().peekable();
        if entries.peek().is_none() {
            return Ok(());
        }
        writeln!(self.out, "{}\n", self.style.paint(tone, title))?;
        entries.try_for_each(|entry| write(self, entry))?;
        writeln!(self.out)
    }

    fn drift(&mut self) -> fmt::Result {
        let title = "Changed outside of podform";
        self.list(title, Tone::Strong, &self.view.drift, |printer, (addresses, kind)| {
            writeln!(printer.out, "  # {} {}", ranges(addresses.iter().copied()), words::drift(kind))?;
            let DriftKind::Fields(fields) = kind else { return Ok(()) };
            fields.iter().try_for_each(|FieldDrift { field, recorded, live, left_alone }| {
                let (field, before, after) = (field.clone(), recorded.clone(), live.clone());
                let comment = if *left_alone { "  # left alone" } else { "" };
                printer.row(&Row { field, before, after, why: None, template: None }, 0, comment)
            })
        })
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
            self.row(row, width, &words::why(row))?;
        }
        self.consequences(group)?;
        self.placement(group)?;
        for (word, promise) in words::promises(each) {
            writeln!(self.out, "      {word}:{:pad$}{promise}", "", pad = 6 - word.len())?;
        }
        if let Some(patience) = each.patience {
            writeln!(self.out, "      wait:  {}", words::patience(patience))?;
        }
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
            return writeln!(self.out, "      place: {}", words::way(first.after, &first.candidate));
        } else {
            "the first that can be had of:"
        };
        writeln!(self.out, "      place: {title}")?;
        for (number, attempt) in (1..).zip(group.each.attempts) {
            writeln!(self.out, "             {number}. {}", words::way(attempt.after, &attempt.candidate))?;
        }
        Ok(())
    }

    /// Writes one field; `width` aligns the values of an object.
    fn row(&mut self, row: &Row, width: usize, comment: &str) -> fmt::Result {
        let Row { field, before, after, why: _, template: _ } = row;
        let symbol = self.style.paint(signed(row.sign(), Tone::Care), row.sign());
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
            writeln!(self.out, "          {}", self.style.paint(signed(line, Tone::Quiet), line))?;
        }
        Ok(())
    }

    fn unmanaged(&mut self) -> fmt::Result {
        let view = self.view;
        self.list("Not managed by podform, never touched", Tone::Strong, view.unclaimed(), |printer, one| {
            let Unmanaged { id, name, status, created_at, cost, owner: _ } = one;
            let out = &mut *printer.out;
            write!(out, "  {} ({})", visible(&id.to_string()), visible(name))?;
            if let Some(status) = status {
                write!(out, ", {status}")?;
            }
            if let Some(created) = created_at {
                write!(out, ", {} old", Age(view.plan.basis.observed_at.duration_since(*created)))?;
            }
            writeln!(out, ": {} a month ({})", AMonth(cost.total()), AnHour(cost.total()))?;
            writeln!(out, "      {}", printer.style.paint(Tone::Quiet, words::unmanaged_hint(one)))
        })
    }

    fn others(&mut self) -> fmt::Result {
        let title = "Of other podform projects, never touched";
        self.list(title, Tone::Strong, &self.view.others, |printer, (project, other)| {
            writeln!(printer.out, "  {}", words::other_project(project, other))
        })
    }

    fn held(&mut self) -> fmt::Result {
        let title = "Held: left alone in this plan";
        self.list(title, Tone::Care, &self.view.held, |printer, (addresses, held)| {
            write!(printer.out, "  {}: ", ranges(addresses.iter().copied()))?;
            write_wrapped(printer.out, printer.style, 6, &words::held(held, addresses.iter().copied()))
        })
    }

    fn findings(&mut self) -> fmt::Result {
        self.list("Findings", Tone::Strong, &self.view.findings, |printer, (finding, subjects)| {
            let word = match finding.severity {
                Severity::Warning => printer.style.paint(Tone::Care, "warning"),
                Severity::Note => printer.style.paint(Tone::Quiet, "note"),
            };
            let about = about(subjects);
            let colon = if about.is_empty() { "" } else { ": " };
            write!(printer.out, "  {word}: ")?;
            let message = format!("{about}{colon}{} [{}]", visible(&finding.message), finding.code);
            write_wrapped(printer.out, printer.style, 6, &message)?;
            match subjects.iter().find_map(|subject| (printer.positions)(subject)) {
                Some(position) => writeln!(printer.out, "      at {}", visible(&position)),
                None => Ok(()),
            }
        })
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
                let wiped = lost.wiped_words();
                if counts.losing > 0 {
                    let es = if counts.losing == 1 { "" } else { "es" };
                    let line = format!("Data lost at {} address{es}: {}.", counts.losing, lost.words());
                    writeln!(self.out, "{}", self.style.paint(Tone::Bad, line))?;
                } else {
                    let kind = if wiped.is_some() { "volume" } else { "data" };
                    writeln!(self.out, "No {kind} is lost.")?;
                }
                if let Some(wiped) = wiped {
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
        let View { plan, unmanaged_after, .. } = *self.view;
        let cost = &plan.cost;
        let change = CostChange { before: cost.now, after: cost.after };
        if cost.now == cost.after && cost.after == cost.at_most && unmanaged_after == Split::default() {
            let [total, parts] = cost_lines(change);
            writeln!(self.out, "Cost: {total}, as before; {parts}.")?;
            return self.unknown_prices();
        }
        let mut rows = vec![("Cost a month", ["now", "after", "difference"].map(str::to_owned))];
        rows.extend(cost_rows(cost));
        if unmanaged_after != Split::default() {
            rows.push(("not managed", month(cost.unmanaged.total(), unmanaged_after.total())));
        }
        // Unknown parts can make an amount long.
        let width = rows.iter().flat_map(|(_, cells)| cells).map(|cell| cell.len() + 2).max().unwrap_or(0);
        let width = width.max(20);
        writeln!(self.out)?;
        for (name, cells) in rows {
            let cells = cells.map(|cell| format!("{cell:>width$}")).concat();
            writeln!(self.out, "  {name:<16}{}", cells.trim_end())?;
        }
        writeln!(self.out)?;
        if let Some(most) = at_most(cost) {
            writeln!(self.out, "{most}")?;
        }
        self.unknown_prices()
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
            if let Some(position) = blocked_subject(block).as_ref().and_then(self.positions) {
                writeln!(self.out, "    at {}", visible(&position))?;
            }
        }
        Ok(())
    }
}

/// Returns the tone of a line by its sign.
fn signed(line: &str, otherwise: Tone) -> Tone {
    match line.as_bytes().first() {
        Some(b'+') => Tone::Good,
        Some(b'-') => Tone::Bad,
        Some(_) | None => otherwise,
    }
}

fn tone(verb: Verb) -> Tone {
    match verb {
        Verb::Create | Verb::Start | Verb::Import => Tone::Good,
        Verb::Update | Verb::Stop | Verb::Move | Verb::Record | Verb::Ready | Verb::Await => Tone::Care,
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
    use crate::model::plan::{Plan, Subject};
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
          # (because `replicas` no longer counts it)
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
            it has left the spec, apply what `podform plan --unprotect llm[0] -o FILE` saves (a destroy:
            with `--destroy`)
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
