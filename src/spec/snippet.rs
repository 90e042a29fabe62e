//! One mistake as text: in rustc's form with its source lines, or on one line.
//!
//! Source lines are cut out before they are laid out, as the renderer goes through all the text that it is given, and
//! everything that may not be shown is taken out of them. What cannot be seen is spelled out before, as the renderer would
//! pass most of it on, and so that its marks stand under what is read.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Fix, Severity};
use super::sensitive;
use super::source::{Sources, Span, whole_characters};
use crate::model::text::{Spelled, is_invisible, spelled};

/// Excerpts longer than this in bytes are not shown: laying them out takes seconds, and nobody reads them.
const MAX_EXCERPT: usize = 64 << 10;

/// Writes `file:line:column: error: summary: detail; help`.
pub(super) fn one_line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let Diagnostic { problem, span, detail, labels: _, help, fix } = diagnostic;
    let level = match problem.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut line = String::new();
    if let Some(span) = span {
        let _ = write!(line, "{}: ", spelled(&sources.place(*span).to_string()));
    }
    let _ = write!(line, "{level}: {}: {detail}", problem.summary());
    if let Some(Fix { span: _, text, reason }) = fix {
        let _ = write!(line, "; {reason}: `{text}`");
    }
    for help in help {
        let _ = write!(line, "; {help}");
    }
    line
}

/// Writes a mistake with its source lines.
pub(super) fn render(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let Diagnostic { problem, span, detail, labels, help, fix } = diagnostic;
    let level = match problem.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let helps = || help.iter().map(|text| Level::HELP.message(text.as_str()));
    let Some(span) = *span else {
        let title = level.primary_title(format!("{}: {detail}", problem.summary()));
        return renderer.render(&[Group::with_title(title).elements(helps())]);
    };
    let group = Group::with_title(level.primary_title(problem.summary()));
    let excerpts = excerpts(sources, span, labels);
    if excerpts.iter().any(|excerpt| excerpt.range.len() > MAX_EXCERPT) {
        let place = sources.place(span);
        let origin = Origin::path(spelled(&place.file)).line(place.line).char_column(place.column);
        let note = Level::NOTE.message(detail.as_str());
        return renderer.render(&[group.element(origin).element(note).elements(helps())]);
    }
    let texts: Vec<Shown> = excerpts.iter().map(|excerpt| excerpt.text(sources)).collect();
    let group = excerpts.iter().zip(&texts).fold(group, |group, (excerpt, text)| {
        let primary = (excerpt.file == span.file).then_some((span, detail.as_str()));
        group.element(annotated(excerpt, text, sources, primary, labels))
    });
    let Some(fix) = fix else {
        return renderer.render(&[group.elements(helps())]);
    };
    let excerpt = Excerpt::around(sources, fix.span);
    let text = excerpt.text(sources);
    let patch = Patch::new(excerpt.local(&text, fix.span), fix.text.as_str());
    let patched = Snippet::source(text.text.as_str()).line_start(excerpt.line).patch(patch);
    let mut groups = vec![group, Level::HELP.secondary_title(fix.reason.as_str()).element(patched)];
    groups.extend(help.iter().map(|text| Group::with_title(Level::HELP.secondary_title(text.as_str()))));
    renderer.render(&groups)
}

/// Returns one excerpt for each file that the mistake touches.
fn excerpts(sources: &Sources, span: Span, labels: &[(Span, String)]) -> Vec<Excerpt> {
    let mut excerpts: Vec<Excerpt> = vec![Excerpt::around(sources, span)];
    for (place, _) in labels {
        match excerpts.iter_mut().find(|excerpt| excerpt.file == place.file) {
            Some(excerpt) => excerpt.include(sources, *place),
            None => excerpts.push(Excerpt::around(sources, *place)),
        }
    }
    excerpts
}

/// Underlines places in an excerpt.
fn annotated<'a>(
    excerpt: &Excerpt,
    text: &'a Shown,
    sources: &Sources,
    primary: Option<(Span, &'a str)>,
    labels: &'a [(Span, String)],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let snippet = Snippet::source(text.text.as_str())
        .line_start(excerpt.line)
        .path(spelled(sources.name(excerpt.file)));
    let primary =
        primary.map(|(span, detail)| AnnotationKind::Primary.span(excerpt.local(text, span)).label(detail));
    let here = labels.iter().filter(|(place, _)| place.file == excerpt.file);
    let context = here.map(|(place, label)| {
        AnnotationKind::Context.span(excerpt.local(text, *place)).label(label.as_str())
    });
    snippet.annotations(primary.into_iter().chain(context))
}

/// The lines of a file that a message shows.
struct Excerpt {
    file: u16,
    range: Range<usize>,
    line: usize,
}

impl Excerpt {
    fn around(sources: &Sources, span: Span) -> Self {
        let text = sources.text(span.file);
        let at = whole_characters(text, span.range());
        let (line, start) = sources.line_of(span.file, at.start);
        let end = text[at.start..].find('\n').map_or(text.len(), |newline| at.start + newline);
        Self { file: span.file, range: start..end, line: line + 1 }
    }

    /// Widens the excerpt to the lines of another place of the same file.
    fn include(&mut self, sources: &Sources, span: Span) {
        let other = Self::around(sources, span);
        let (start, end) = (self.range.start.min(other.range.start), self.range.end.max(other.range.end));
        self.line = self.line.min(other.line);
        self.range = start..end;
    }

    /// Returns the text with everything hidden that may not be shown.
    fn text(&self, sources: &Sources) -> Shown {
        let text = &sources.text(self.file)[self.range.clone()];
        let mut hidden: Vec<Range<usize>> = sources
            .hidden(self.file)
            .iter()
            .filter(|range| range.start < self.range.end && range.end > self.range.start)
            .map(|range| {
                range.start.saturating_sub(self.range.start)..range.end.min(self.range.end) - self.range.start
            })
            .collect();
        hidden.extend(sensitive::ranges_in_text(text));
        Shown::of(&sensitive::mask(text, &hidden))
    }

    /// Returns where a span lies in [`Self::text`]: on its first line, on whole characters, never empty at a line's end.
    fn local(&self, shown: &Shown, span: Span) -> Range<usize> {
        let text = shown.text.as_str();
        let range = span.range();
        let start = shown.at(range.start.saturating_sub(self.range.start)).min(text.len());
        let end = shown.at(range.end.saturating_sub(self.range.start)).clamp(start, text.len());
        let end =
            text.as_bytes()[start..end].iter().position(|byte| *byte == b'\n').map_or(end, |n| start + n);
        whole_characters(text, start..end)
    }
}

/// Text in which everything can be seen, and how its places come from those of the original.
struct Shown {
    text: String,
    /// Where the original goes on after something that was spelled out, and where the text does.
    moved: Vec<(usize, usize)>,
}

impl Shown {
    fn of(original: &str) -> Self {
        let mut shown = Self { text: String::with_capacity(original.len()), moved: Vec::new() };
        for (at, c) in original.char_indices() {
            // The renderer widens tabs itself.
            if matches!(c, '\n' | '\t') || !is_invisible(c) {
                shown.text.push(c);
                continue;
            }
            // A carriage return before a line feed is part of the line's end.
            if !(c == '\r' && original[at + 1..].starts_with('\n')) {
                let _ = write!(shown.text, "{}", Spelled(c));
            }
            shown.moved.push((at + c.len_utf8(), shown.text.len()));
        }
        shown
    }

    /// Returns the place for one of the original.
    fn at(&self, original: usize) -> usize {
        let before = self.moved.partition_point(|(from, _)| *from <= original);
        match before.checked_sub(1).map(|last| self.moved[last]) {
            Some((from, to)) => to + (original - from),
            None => original,
        }
    }
}
