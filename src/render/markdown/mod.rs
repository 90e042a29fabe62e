//! The plan as Markdown for a comment on a pull request.
//!
//! Code forges refuse comments of 65,536 characters and more, so a large plan is cut: first the details of single
//! changes become lines, then the lines become counts. The summary, what is lost, and the cost are never cut. The
//! first line is a marker that is not shown, by which the comment of an earlier plan is found again.
//!
//! Text from outside stands in code only, where neither mentions, links nor HTML work, and where a fence is always
//! longer than any run of backticks inside it.

mod text;

use std::fmt::{self, Write};

use crate::model::clock::Age;
use crate::model::plan::{Consequence, CostChange, DriftKind, FieldDrift, Planned, Severity, Unmanaged};

use self::text::{LINE_LIMIT, code, fenced, html, money, prose};
use super::Positions;
use super::escape::visible_to;
use super::graph::{Graph, write_mermaid};
use super::money::{AMonth, AnHour, Difference, at_most, cost_lines, cost_rows, month, times};
use super::ranges::ranges_to;
use super::rows::Row;
use super::view::{Group, Verb, Verdict, View, blocked_subject, view};
use super::words::{self, Weight, about, comments, difference_lines, header, own_line, plan_line, values};

/// The most characters and bytes of a comment. GitHub refuses from 65,536 on; some room is left for what a
/// workflow puts around it.
pub const LIMIT: usize = 64_000;

/// Room for everything about single changes; what comes after it must still fit.
const CHANGES_LIMIT: usize = 44_000;
const LINES_LIMIT: usize = 52_000;
/// The most of one change, so that a single long value cannot push out all others.
const DETAIL_LIMIT: usize = 8_000;
/// More boxes than this are no picture that anybody reads.
const MOST_BOXES: usize = 60;

/// Writes a plan as Markdown of less than [`LIMIT`] bytes.
pub fn write_markdown(out: &mut dyn Write, planned: &Planned, positions: Positions<'_>) -> fmt::Result {
    let view = view(planned);
    let mut page = Page { text: String::new() };
    head(&mut page, &view);
    in_progress(&mut page, &view);
    blocked(&mut page, &view, positions);
    if view.is_without_a_plan() {
        return out.write_str(&page.text);
    }
    lost(&mut page, &view);
    cost(&mut page, &view);
    changes(&mut page, &view);
    drift(&mut page, &view);
    held(&mut page, &view);
    findings(&mut page, &view, positions);
    unmanaged(&mut page, &view);
    graph(&mut page, &view);
    out.write_str(&page.text)
}

/// Returns the first line of every comment on a project's plans.
pub fn marker(project: &str) -> String {
    let plain: String = project.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    format!("<!-- podform-plan:{plain} -->")
}

/// Markdown that grows up to a limit.
struct Page {
    text: String,
}

impl Page {
    fn push(&mut self, piece: &str) {
        self.text.push_str(piece);
    }

    /// Adds a piece if the page stays below `limit` bytes; tells whether it did.
    fn fits(&mut self, piece: &str, limit: usize) -> bool {
        let fits = self.text.len() + piece.len() <= limit;
        if fits {
            self.push(piece);
        }
        fits
    }

    /// Adds a list below a title, cut with a count of the rest when `limit` is reached.
    fn list(&mut self, title: &str, items: impl Iterator<Item = String>, limit: usize) {
        const ROOM_FOR_REST: usize = 80;
        let items: Vec<String> = items.collect();
        if items.is_empty() || !self.fits(&format!("\n### {title}\n\n"), limit.saturating_sub(ROOM_FOR_REST))
        {
            return;
        }
        for (done, item) in items.iter().enumerate() {
            if !self.fits(&format!("- {item}\n"), limit.saturating_sub(ROOM_FOR_REST)) {
                self.push(&format!("- and {} more\n", items.len() - done));
                return;
            }
        }
    }
}

fn head(page: &mut Page, view: &View<'_>) {
    let project = view.plan.basis.project.as_str();
    page.push(&format!("{}\n## podform plan for {}\n\n", marker(project), code(project)));
    let verdict = match view.verdict {
        Verdict::Changes => format!("**{}**", plan_line(view.counts)),
        Verdict::NoChanges => "**No changes.**".to_owned(),
        Verdict::Blocked(_) => format!("**Blocked.** {}", plan_line(view.counts)),
    };
    let (now, after) = (view.plan.cost.now.total(), view.plan.cost.after.total());
    if view.is_without_a_plan() {
        return page.push("**Blocked.** From this state nothing can be planned.\n");
    }
    let difference = Difference { before: now, after };
    let lost = if view.counts.losing > 0 {
        format!("data lost: {}", view.lost.words())
    } else {
        "no data is lost".to_owned()
    };
    let wiped =
        view.lost.wiped_words().map_or_else(String::new, |wiped| format!(" Wiped on the way: {wiped}."));
    let gone = view.lost.gone_words().map_or_else(String::new, |gone| format!(" Lost already: {gone}."));
    page.push(&format!(
        "{verdict} Cost {} a month (difference: {}); {lost}.{wiped}{gone}\n\n{}\n\nDigest: {}\n",
        money(AMonth(after)),
        money(difference),
        own_line(view.counts),
        code(&view.plan.digest.to_string()),
    ));
}

fn in_progress(page: &mut Page, view: &View<'_>) {
    if let Some(running) = &view.plan.in_progress {
        page.push(&format!("\n> [!NOTE]\n> {}\n", prose(&words::in_progress(running))));
    }
}

fn blocked(page: &mut Page, view: &View<'_>, positions: Positions<'_>) {
    let Verdict::Blocked(reasons) = view.verdict else { return };
    let mut items: Vec<String> = reasons
        .iter()
        .map(|block| {
            let position = blocked_subject(block).as_ref().and_then(positions);
            format!("{}{}", prose(&words::block(block)), at(position))
        })
        .collect();
    if items.is_empty() {
        items.push(words::ONLY_HELD.to_owned());
    }
    page.list("Blocked: nothing of this plan can be applied", items.into_iter(), 8_000);
}

/// Lists what is lost, address ranges first; kinds and sizes in total stand in the summary.
fn lost(page: &mut Page, view: &View<'_>) {
    if view.counts.losing == 0 {
        return;
    }
    page.push(&format!("\n> [!CAUTION]\n> **Data lost: {}.**\n", view.lost.words()));
    let losing = view.groups.iter().filter(|group| group.each.loses_data());
    let items = losing.map(|group| {
        let lost = |consequence: &&&Consequence| consequence.loses_data();
        let phrases: Vec<String> = group
            .each
            .consequences
            .iter()
            .filter(lost)
            .map(|consequence| code(&words::consequence(consequence).1))
            .collect();
        let each = if group.addresses.len() > 1 { " each" } else { "" };
        let condition = if group.each.verb == Verb::Start { ", if it is replaced" } else { "" };
        format!("{}: {}{each}{condition}", names(group), phrases.join(", "))
    });
    page.list("What is lost", items, 16_000);
}

fn cost(page: &mut Page, view: &View<'_>) {
    let cost = &view.plan.cost;
    page.push("\n### Cost a month\n\n| | now | after | difference |\n|---|--:|--:|--:|\n");
    let mut rows = cost_rows(cost);
    if !view.plan.unmanaged.is_empty() || view.unmanaged_after != cost.unmanaged {
        rows.push(("not managed", month(cost.unmanaged.total(), view.unmanaged_after.total())));
    }
    for (name, cells) in rows {
        let name = if name == "total" { "**total**" } else { name };
        let cells =
            cells.map(|cell| if cell.is_empty() { " |".to_owned() } else { format!(" {} |", money(cell)) });
        page.push(&format!("| {name} |{}\n", cells.concat()));
    }
    for line in [at_most(cost), words::unknown_prices(cost)].into_iter().flatten() {
        page.push(&format!("\n{}\n", money(line)));
    }
}

/// Writes the changes: as details while there is room, then as lines, then as a count.
fn changes(page: &mut Page, view: &View<'_>) {
    if view.groups.is_empty() {
        return;
    }
    page.push("\n### Changes\n\n");
    let mut groups = view.groups.iter().peekable();
    while let Some(group) = groups.peek() {
        if !page.fits(&details(group), CHANGES_LIMIT) {
            break;
        }
        groups.next();
    }
    if groups.peek().is_some() {
        page.push("\nIn short, as the comment would be too long:\n\n");
    }
    while let Some(group) = groups.peek() {
        let name = ranges_to(group.addresses.iter().copied(), 200);
        if !page.fits(&format!("- {}\n", code(&header(&name, group))), LINES_LIMIT) {
            break;
        }
        groups.next();
    }
    let rest: Vec<&Group<'_>> = groups.collect();
    if !rest.is_empty() {
        let counts: Vec<String> = Verb::ALL
            .into_iter()
            .filter_map(|verb| {
                let of_verb = rest.iter().filter(|group| group.each.verb == verb);
                let number: usize = of_verb.map(|group| group.addresses.len()).sum();
                (number > 0).then(|| format!("{number} to {}", verb.word()))
            })
            .collect();
        page.push(&format!("- and {}; the log of the plan has them all\n", counts.join(", ")));
    }
}

fn details(group: &Group<'_>) -> String {
    let name = ranges_to(group.addresses.iter().copied(), 200);
    let mut lines = Lines { lines: Vec::new(), bytes: 0, left_out: 0 };
    let symbol = coloured(group.each.verb.symbol());
    lines.push(&format!("{symbol} {}", header(&name, group)));
    for comment in comments(group) {
        lines.push(&format!("# {comment}"));
    }
    for row in &group.each.rows {
        row_lines(&mut lines, row);
    }
    for (weight, phrase) in words::consequences(&group.each) {
        let sign = match weight {
            Weight::Loses => "-",
            Weight::Note => "!",
            Weight::Keeps => "#",
        };
        lines.push(&format!("{sign} {}: {phrase}", weight.word()));
    }
    for (number, attempt) in (1..).zip(group.each.attempts) {
        lines.push(&format!("# place {number}: {}", words::way(attempt.after, &attempt.candidate)));
    }
    if let Some(patience) = group.each.patience {
        lines.push(&format!("# wait: {}", words::patience(patience)));
    }
    for (word, promise) in words::promises(&group.each) {
        lines.push(&format!("# {word}: {promise}"));
    }
    let count = group.addresses.len();
    if group.each.cost != CostChange::default() {
        let [total, parts] = cost_lines(group.each.cost);
        lines.push(&format!("# cost: {total}; {parts}"));
        if count > 1 {
            let [total, _] = cost_lines(times(group.each.cost, count));
            lines.push(&format!("# all {count}: {total}"));
        }
    }
    let summary = html(&header(&name, group));
    format!(
        "<details><summary><code>{}</code> {summary}</summary>\n\n{}\n</details>\n",
        html(group.each.verb.symbol()),
        fenced("diff", &lines.finish())
    )
}

/// A `!` is coloured in a difference, a `~` is not.
fn coloured(sign: &str) -> &str {
    if sign == "~" { "!" } else { sign }
}

fn row_lines(lines: &mut Lines, row: &Row) {
    let Row { field, before, after, why: _, template: _ } = row;
    let sign = coloured(row.sign());
    let comment = words::why(row);
    let name = field.to_string();
    let name = visible_to(&name, 80);
    if let Some(difference) = difference_lines(field, before, after) {
        lines.push(&format!("{sign} {name}:{comment}"));
        for line in &difference {
            lines.push(&set_off(line));
        }
        return;
    }
    match values(before, after) {
        (one, None) => lines.push(&format!("{sign} {name}: {}{comment}", visible_to(&one, LINE_LIMIT))),
        (before, Some(after)) => lines.push(&format!(
            "{sign} {name}: {} -> {}{comment}",
            visible_to(&before, LINE_LIMIT / 2),
            visible_to(&after, LINE_LIMIT / 2)
        )),
    }
}

/// Sets a line of a value off from the fields around it: directly behind its sign, one that begins with a blank would
/// read as a field of its own. The sign stays in front, where viewers look for it.
fn set_off(line: &str) -> String {
    match line.split_at_checked(1) {
        Some((sign @ ("+" | "-" | " "), rest)) => format!("{sign}     {rest}"),
        Some(_) | None => line.to_owned(),
    }
}

/// The lines of one change, bounded.
struct Lines {
    lines: Vec<String>,
    bytes: usize,
    left_out: usize,
}

impl Lines {
    fn push(&mut self, line: &str) {
        let line = visible_to(line, LINE_LIMIT + 200).to_string();
        if self.bytes + line.len() > DETAIL_LIMIT {
            self.left_out += 1;
        } else {
            self.bytes += line.len() + 1;
            self.lines.push(line);
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.left_out > 0 {
            self.lines.push(format!("# ... {} more lines", self.left_out));
        }
        self.lines
    }
}

fn drift(page: &mut Page, view: &View<'_>) {
    let items = view.drift.iter().map(|(addresses, kind)| {
        let names = code(&ranges_to(addresses.iter().copied(), 200));
        let what = match kind {
            DriftKind::Vanished
            | DriftKind::Stopped
            | DriftKind::Interrupted
            | DriftKind::Started
            | DriftKind::MarkRemoved => words::drift(kind),
            DriftKind::Migrated { from, to } => {
                format!("was moved by RunPod: {} -> {}", code(&from.to_string()), code(&to.to_string()))
            }
            DriftKind::Fields(fields) => {
                let fields = fields.iter().take(8).map(|drift| {
                    let FieldDrift { field, recorded, live, left_alone } = drift;
                    let alone = if *left_alone { " (left alone)" } else { "" };
                    let (before, after) = values(recorded, live);
                    let value = after.map_or(before.clone(), |after| format!("{before} -> {after}"));
                    format!("{}{alone}", code(&format!("{field}: {}", visible_to(&value, 200))))
                });
                format!("has changed: {}", fields.collect::<Vec<_>>().join(", "))
            }
        };
        format!("{names} {what}")
    });
    page.list("Changed outside of podform", items, 55_000);
}

fn held(page: &mut Page, view: &View<'_>) {
    let items = view.held.iter().map(|(addresses, held)| {
        let why = words::held(held, addresses.iter().copied());
        let why = visible_to(&why, LINE_LIMIT).to_string();
        format!("{}: {}", code(&ranges_to(addresses.iter().copied(), 200)), prose(&why))
    });
    page.list("Held: left alone in this plan", items, 57_000);
}

fn findings(page: &mut Page, view: &View<'_>, positions: Positions<'_>) {
    let items = view.findings.iter().map(|(finding, subjects)| {
        let severity = match finding.severity {
            Severity::Warning => "**warning**",
            Severity::Note => "note",
        };
        let message = visible_to(&finding.message, LINE_LIMIT).to_string();
        let about = about(subjects);
        let about = if about.is_empty() { about } else { format!(" {}:", code(&about)) };
        let item = format!("{severity}:{about} {} {}", prose(&message), code(finding.code));
        item + &at(subjects.iter().find_map(|subject| positions(subject)))
    });
    page.list("Findings", items, 60_000);
}

fn unmanaged(page: &mut Page, view: &View<'_>) {
    let items = view.unclaimed().map(|unmanaged| {
        let Unmanaged { id, name, status, created_at, cost, owner: _ } = unmanaged;
        let status = status.map_or_else(String::new, |status| format!(", {status}"));
        let age = created_at.map_or_else(String::new, |created| {
            format!(", {} old", Age(view.plan.basis.observed_at.duration_since(created)))
        });
        format!(
            "{} {}{status}{age}: {} a month ({}); {}",
            code(&id.to_string()),
            code(name),
            money(AMonth(cost.total())),
            money(AnHour(cost.total())),
            code(&words::unmanaged_hint(unmanaged))
        )
    });
    page.list("Not managed by podform, never touched", items, 62_000);
    let others = view.others.iter().map(|(project, other)| prose(&words::other_project(project, other)));
    page.list("Of other podform projects, never touched", others, 62_000);
}

/// Draws the order of the groups, if there is an order and the picture is small enough to be read.
fn graph(page: &mut Page, view: &View<'_>) {
    let graph = Graph::grouped(view);
    if graph.edges.is_empty() || graph.nodes.len() > MOST_BOXES {
        return;
    }
    let mut text = String::new();
    if write_mermaid(&mut text, &graph).is_ok() {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let piece =
            format!("\n<details><summary>Order</summary>\n\n{}\n</details>\n", fenced("mermaid", &lines));
        page.fits(&piece, LIMIT);
    }
}

fn names(group: &Group<'_>) -> String {
    code(&ranges_to(group.addresses.iter().copied(), 200))
}

fn at(position: Option<String>) -> String {
    position.map_or_else(String::new, |position| format!(" ({})", code(&position)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::address::Address;
    use crate::model::id::EnvKey;
    use crate::model::plan::{ActionId, Cause, Disruption, FieldChange, Plan, Step, Subject};
    use crate::model::settings::Field;
    use crate::model::text::is_invisible;
    use crate::model::value::Value;
    use crate::render::{no_positions, sample};

    fn markdown(planned: &Planned) -> String {
        let mut out = String::new();
        write_markdown(&mut out, planned, &no_positions).unwrap();
        out
    }

    /// Returns a plan of changed pods: `replicas` of one key alike, and `single` keys that all differ.
    fn sized(replicas: u32, single: u32, value: &str) -> Planned {
        let mut plan = sample::alike_plan(replicas);
        for number in 0..single {
            let at = Address::pod(format!("a-rather-long-key-of-a-pod-{number}").parse().unwrap());
            let action = sample::update(&format!("id{number}"), &format!("{value}{number}"));
            plan.actions.insert(ActionId { address: at.clone(), step: Step::Update }, action);
        }
        Planned::Changes(Plan { unmanaged: sample::full_plan().unmanaged, ..plan })
    }

    #[test]
    fn every_class_of_action_is_shown() {
        let positions =
            |subject: &Subject| Some(format!("pods.yaml:{}:5", subject.address.to_string().len()));
        let mut out = String::new();
        write_markdown(&mut out, &sample::full(), &positions).unwrap();
        insta::assert_snapshot!("every_class", out);
    }

    /// A line of a value that begins with a blank would read as a field, or one that was removed as one that was added.
    #[test]
    fn a_line_of_a_value_is_not_taken_for_a_field() {
        let mut update = sample::update("pod1", "tool:2");
        update.changes = vec![FieldChange {
            field: Field::Env(EnvKey::new("SCRIPT")),
            before: Value::Text("first\n image: \"mine/x:1\"\nlast\n".to_owned()),
            after: Value::Text("first\n image: \"safe/y:1\"\nlast\n".to_owned()),
            cause: Cause::Spec,
            disruption: Disruption::Reset,
        }];
        let actions = [(sample::id("llm", Step::Update), update)].into();
        let page = markdown(&Planned::Changes(Plan { actions, ..sample::empty_plan() }));
        let from = page.find("```diff").unwrap();
        let fence: Vec<&str> = page[from..].lines().take(12).collect();
        insta::assert_snapshot!(fence.join("\n"), @r#"
        ```diff
        ! llm will be updated in-place
        # id pod1
        ! env.SCRIPT:  # you changed it; resets the pod
        @@ -1,3 +1,3 @@
              first
        -      image: "mine/x:1"
        +      image: "safe/y:1"
              last
        ! note: its container disk (60 GB) is wiped
        ! note: its public address and TCP ports change
        # keeps: network volume `volume.models`
        "#);
    }

    #[test]
    fn a_blocked_plan_says_so_first() {
        let planned = Planned::Blocked { reasons: sample::blocks(), plan: sample::empty_plan() };
        insta::assert_snapshot!(markdown(&planned), @r"
        <!-- podform-plan:acme -->
        ## podform plan for `acme`

        **Blocked.** Plan: 0 to add, 0 to change, 0 to destroy. Cost \$0.00 a month (difference: none); no data is lost.

        Nothing changes.

        Digest: `3f2a9c4be01d77863f2a9c4be01d7786-0`

        ### Blocked: nothing of this plan can be applied

        - `llm[0]` is protected and would be destroyed; to allow it, apply `protect: false` first or, if it has left the spec, apply what `podform plan --unprotect llm[0] -o FILE` saves (a destroy: with `--destroy`)
        - `train` is locked on RunPod and would be stopped; unlock it first
        - all 12 recorded objects are gone at once, more likely another account or key than a loss; `--accept-vanished` goes on
        - `swap` would be terminated before its replacement exists, and no candidate has stock; `on_replace: create_first` keeps it until there is one
        - everything may cost \$633.80 + unknown a month, above `budget.max_monthly` of \$500.00; want less, or raise the limit
        - `volume.models`: a network volume never shrinks (500 GB to 100 GB)
        - nothing in the catalog satisfies `new`: `NVIDIA B200`: \$5.98/h is over 2.20
        - the actions wait for each other: `a:create` -&gt; `b:create` -&gt; `a:create`

        ### Cost a month

        | | now | after | difference |
        |---|--:|--:|--:|
        | compute | \$0.00 | \$0.00 | none |
        | storage | \$0.00 | \$0.00 | none |
        | **total** | \$0.00 | \$0.00 | none |
        | total an hour | \$0.00/h | \$0.00/h | |
        ");
    }

    #[test]
    fn five_thousand_pods_fit_into_a_comment() {
        for (replicas, single) in [(5_000, 0), (0, 5_000), (2_500, 2_500)] {
            let text = markdown(&sized(replicas, single, "vllm:b"));
            assert!(text.len() < 65_536, "{}", text.len());
            let plan = format!("Plan: 0 to add, {} to change, 0 to destroy.", replicas + single);
            let lost = format!(
                "Wiped on the way: {} container disks ({} GB).",
                replicas + single,
                (replicas + single) * 60
            );
            assert!(text.contains(&plan) && text.contains(&lost) && text.contains("### Cost a month"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 24,
            rng_seed: proptest::test_runner::RngSeed::Fixed(11),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_comment_is_never_too_long_and_never_loses_its_counts(
            replicas in 0_u32..400, single in 1_u32..400, value in "\\PC{0,300}|[`<@\\x00-\\x1f]{0,400}"
        ) {
            let text = markdown(&sized(replicas, single, &value));
            prop_assert!(text.len() < 65_536);
            let changed = format!("Plan: 0 to add, {} to change, 0 to destroy.", replicas + single);
            prop_assert!(text.contains(&changed));
            prop_assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        }
    }

    #[test]
    fn hostile_text_breaks_out_of_nothing() {
        let text = markdown(&Planned::Changes(sample::hostile_plan()));
        assert!(text.chars().all(|c| c == '\n' || !is_invisible(c)));
        // Outside fences and code spans there is no HTML but ours, and no mention.
        let mut fence: Option<String> = None;
        for line in text.lines() {
            let ticks: String = line.chars().take_while(|c| *c == '`').collect();
            match &fence {
                Some(open) if ticks == *open && line == ticks => fence = None,
                None if ticks.len() >= 3 => fence = Some(ticks),
                Some(_) => {}
                None => {
                    let outside = outside_code(line);
                    assert!(!outside.contains("<script") && !outside.contains("@everyone"), "{line}");
                    assert!(!outside.contains("![](") && !outside.contains("http:/"), "{line}");
                }
            }
        }
        assert_eq!(fence, None);
        assert_eq!(text.matches("\n</details>").count(), text.matches("<details><summary>").count());
    }

    /// Returns what stands outside code spans, which end at a run of as many backticks as began them.
    fn outside_code(line: &str) -> String {
        let mut outside = String::new();
        let mut rest = line;
        while let Some(start) = rest.find('`') {
            outside.push_str(&rest[..start]);
            let ticks = rest[start..].chars().take_while(|c| *c == '`').count();
            let after = &rest[start + ticks..];
            let runs = after.match_indices('`').map(|(at, _)| at).filter(|at| {
                !after[..*at].ends_with('`')
                    && after[*at..].chars().take_while(|c| *c == '`').count() == ticks
            });
            match runs.min() {
                Some(end) => rest = &after[end + ticks..],
                None => rest = after,
            }
        }
        outside + rest
    }
}
