//! Mistakes in the spec: what is wrong, where, and what to write instead.
//!
//! The summary of a problem is always worded the same, so that it can be searched for; the names stand in the detail
//! under the place. Texts are shown in rustc's form, or on one line each for editors and for CI annotations.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};

use super::sensitive;
use super::source::{Sources, Span, whole_characters};

/// At most this many are shown; a file with more is broken in one way many times.
const SHOWN: usize = 50;

/// Lines longer than this in bytes are not shown: laying them out takes seconds, and nobody reads them.
const MAX_EXCERPT: usize = 64 << 10;

/// More of a text than this is cut off.
const MAX_DETAIL: usize = 400;

/// Whether a remark stops the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The spec cannot be used.
    Error,
    /// The spec can be used, and somebody should look.
    Warning,
}

/// Declares the problems with their one wording each.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $severity:ident $text:literal,)+) => {
        /// The kinds of mistakes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Problem {
            $($(#[$doc])* $name,)+
        }

        impl Problem {
            /// Returns the wording, which is the same for every occurrence.
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// Returns how bad it is.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)+
                }
            }
        }
    };
}

problems! {
    /// A file that the shell could not read.
    UnreadableFile = Error "cannot read the spec file",
    /// Bytes that are no text.
    NotUtf8 = Error "the file is not UTF-8 text",
    /// A file above the size limit.
    FileTooLarge = Error "the file is too large",
    /// Nothing but comments.
    EmptyFile = Error "the file is empty",
    /// The text is no YAML.
    InvalidYaml = Error "invalid YAML",
    /// A tab where YAML wants spaces.
    Tab = Error "tab character in the indentation",
    /// Nested beyond the limit.
    TooDeep = Error "nested too deeply",
    /// Too many values, usually by aliases of aliases.
    TooManyNodes = Error "too many values",
    /// A second document.
    SecondDocument = Error "more than one YAML document",
    /// A YAML feature that the format does without.
    UnsupportedYaml = Error "unsupported YAML feature",
    /// One key twice in a map.
    DuplicateKey = Error "duplicate key",
    /// A key that the format does not have.
    UnknownKey = Error "unknown key",
    /// A key or value that is part of the format but does nothing yet.
    NotSupportedYet = Error "not supported yet",
    /// A value of another kind than wanted.
    WrongType = Error "wrong type",
    /// A value of the right kind that is not allowed.
    InvalidValue = Error "invalid value",
    /// A key that must be there.
    MissingKey = Error "missing key",
    /// Keys that exclude each other.
    ConflictingKeys = Error "conflicting keys",
    /// A name that has a form.
    InvalidName = Error "invalid name",
    /// A port that cannot be published.
    InvalidPort = Error "invalid port",
    /// A size without unit or out of range.
    InvalidSize = Error "invalid size",
    /// `${...}` that is not one of the three forms.
    InvalidInterpolation = Error "invalid interpolation",
    /// A variable without value.
    UndefinedVariable = Error "undefined variable",
    /// A secret that `secrets:` does not have.
    UndefinedSecret = Error "undefined secret",
    /// A volume that `volumes:` does not have.
    UndefinedVolume = Error "undefined volume",
    /// A pod that `pods:` does not have.
    UndefinedPod = Error "undefined pod",
    /// A profile that no pod names.
    UndefinedProfile = Error "undefined profile",
    /// Pods that wait for each other.
    DependencyCycle = Error "dependency cycle",
    /// A `moved` entry that cannot be followed.
    InvalidMove = Error "invalid move",
    /// A secret where it may not be.
    ExposedSecret = Error "secret in a place that is stored and shown",
    /// A literal that looks like a secret.
    LiteralSecret = Warning "literal value looks like a secret",
    /// A GPU that the bundled table does not have.
    UnknownGpu = Warning "unknown GPU",
    /// A CPU flavor that the bundled table does not have.
    UnknownCpu = Warning "unknown CPU flavor",
    /// Limits that no GPU of the bundled table meets.
    NoGpuLeft = Warning "no GPU meets the limits",
    /// A data center that the bundled table does not have.
    UnknownDataCenter = Warning "unknown data center",
    /// A variable that was given and that nothing uses.
    UnusedVariable = Warning "unused variable",
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake.
    pub problem: Problem,
    /// Where; `None` if it concerns no place in a file.
    pub span: Option<Span>,
    /// What exactly, with the names; stands under the place.
    pub detail: String,
    /// Other places that belong to it.
    pub labels: Vec<(Span, String)>,
    /// What to do next.
    pub help: Vec<String>,
    /// What to write in place of a span, with the reason.
    pub fix: Option<Fix>,
}

/// A text that would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What to replace.
    pub span: Span,
    /// By what.
    pub text: String,
    /// Why, in a few words.
    pub reason: String,
}

impl Diagnostic {
    /// Makes a mistake at a place.
    pub(super) fn at(problem: Problem, span: Span, detail: impl Into<String>) -> Self {
        Self { span: Some(span), ..Self::anywhere(problem, detail) }
    }

    /// Makes a mistake that concerns no place in a file.
    pub(super) fn anywhere(problem: Problem, detail: impl Into<String>) -> Self {
        Self { problem, span: None, detail: detail.into(), labels: Vec::new(), help: Vec::new(), fix: None }
    }

    pub(super) fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push((span, text.into()));
        self
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    pub(super) fn fix(mut self, span: Span, text: impl Into<String>, reason: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, text: text.into(), reason: reason.into() });
        self
    }
}

/// Gathers mistakes while a spec is read; reading goes on after each.
#[derive(Debug, Default)]
pub(super) struct Collector {
    list: Vec<Diagnostic>,
}

impl Collector {
    /// More mistakes than this are dropped: nobody reads them, and a hostile file has one per byte.
    const CAPACITY: usize = 2_000;

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let Diagnostic { problem, span, detail, labels, help, fix } = diagnostic;
        if self.list.len() < Self::CAPACITY {
            self.list.push(Diagnostic {
                problem,
                span,
                detail: tidy(&detail),
                labels,
                help: help.iter().map(|help| tidy(help)).collect(),
                fix: fix.filter(|fix| fix.text == tidy(&fix.text)),
            });
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.problem.severity() == Severity::Error)
    }

    /// Puts the mistakes in file order, each once: one in `defaults` is met again in every pod.
    pub(super) fn finish(mut self, sources: Sources) -> Diagnostics {
        self.list.sort_by(|a, b| (a.span, a.problem, &a.detail).cmp(&(b.span, b.problem, &b.detail)));
        self.list.dedup_by(|a, b| (a.span, a.problem, &a.detail) == (b.span, b.problem, &b.detail));
        Diagnostics { list: self.list, sources }
    }
}

/// All mistakes of one load in file order, with the texts that they point into.
#[derive(Clone, Debug, Default)]
#[must_use = "mistakes must be shown"]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    sources: Sources,
}

/// How to render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// rustc's form with the source line, without colour.
    Plain,
    /// rustc's form with terminal colours.
    Coloured,
    /// `file:line:column: error: summary: detail`, one line each.
    Short,
}

impl Diagnostics {
    /// Makes the one mistake that a spec file could not be read; the shell reads the files and so finds this.
    pub fn unreadable(name: &str, reason: &str) -> Self {
        let diagnostic = Diagnostic::anywhere(Problem::UnreadableFile, format!("`{name}`: {reason}"))
            .help("name the file with `-f FILE`, or write a new one with `podform init`");
        Self { list: vec![diagnostic], sources: Sources::default() }
    }

    /// Tells whether one of them stops the run.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.problem.severity() == Severity::Error)
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number of them.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns them in file order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Returns the text for people or editors; every entry ends with a line break.
    pub fn render(&self, form: Form) -> String {
        let mut text = String::new();
        for diagnostic in self.list.iter().take(SHOWN) {
            match form {
                Form::Short => text.push_str(&self.one_line(diagnostic)),
                Form::Plain => text.push_str(&self.snippet(diagnostic, &Renderer::plain())),
                Form::Coloured => text.push_str(&self.snippet(diagnostic, &Renderer::styled())),
            }
            text.push_str(if form == Form::Short { "\n" } else { "\n\n" });
        }
        // What is hidden was filled with spaces, which may be all that is left of a line's end.
        let mut text: String = text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
        let more = self.list.len().saturating_sub(SHOWN);
        if more > 0 {
            let _ = writeln!(text, "... and {more} more");
        }
        text
    }

    fn one_line(&self, diagnostic: &Diagnostic) -> String {
        let Diagnostic { problem, span, detail, labels: _, help, fix } = diagnostic;
        let level = match problem.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut line = String::new();
        if let Some(span) = span {
            let _ = write!(line, "{}: ", self.sources.place(*span));
        }
        let _ = write!(line, "{level}: {}: {detail}", problem.summary());
        if let Some(Fix { span: _, text, reason }) = fix {
            let _ = write!(line, "; {reason}: `{text}`");
        }
        for help in help {
            let _ = write!(line, "; {help}");
        }
        line.replace('\n', " ")
    }

    fn snippet(&self, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
        let Diagnostic { problem, span, detail, labels, help, fix } = diagnostic;
        let level = match problem.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let Some(span) = span else {
            let title = level.primary_title(format!("{}: {detail}", problem.summary()));
            let helps = help.iter().map(|text| Level::HELP.message(text.as_str()));
            return renderer.render(&[Group::with_title(title).elements(helps)]);
        };
        let mut excerpts: Vec<Excerpt> = vec![Excerpt::around(&self.sources, *span)];
        for (place, _) in labels {
            let near = excerpts.iter_mut().find(|excerpt| excerpt.file == place.file);
            match near {
                Some(excerpt) => excerpt.include(&self.sources, *place),
                None => excerpts.push(Excerpt::around(&self.sources, *place)),
            }
        }
        if excerpts.iter().any(|excerpt| excerpt.range.len() > MAX_EXCERPT) {
            let place = self.sources.place(*span);
            let origin = Origin::path(place.file).line(place.line).char_column(place.column);
            let title = level.primary_title(problem.summary());
            let group =
                Group::with_title(title).element(origin).element(Level::NOTE.message(detail.as_str()));
            let helps = help.iter().map(|text| Level::HELP.message(text.as_str()));
            return renderer.render(&[group.elements(helps)]);
        }
        let texts: Vec<String> = excerpts.iter().map(|excerpt| excerpt.text(&self.sources)).collect();
        let mut group = Group::with_title(level.primary_title(problem.summary()));
        for (excerpt, text) in excerpts.iter().zip(&texts) {
            let name = self.sources.name(excerpt.file);
            let mut snippet = Snippet::source(text.as_str()).line_start(excerpt.line).path(name);
            if excerpt.file == span.file {
                let range = excerpt.local(text, *span);
                snippet = snippet.annotation(AnnotationKind::Primary.span(range).label(detail.as_str()));
            }
            for (place, label) in labels.iter().filter(|(place, _)| place.file == excerpt.file) {
                let range = excerpt.local(text, *place);
                snippet = snippet.annotation(AnnotationKind::Context.span(range).label(label.as_str()));
            }
            group = group.element(snippet);
        }
        if fix.is_none() {
            for help in help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            return renderer.render(&[group]);
        }
        let mut groups = vec![group];
        let patched = fix.as_ref().map(|fix| {
            let excerpt = Excerpt::around(&self.sources, fix.span);
            let text = excerpt.text(&self.sources);
            (excerpt, text, fix)
        });
        if let Some((excerpt, text, fix)) = &patched {
            let patch = Patch::new(excerpt.local(text, fix.span), fix.text.as_str());
            let snippet = Snippet::source(text.as_str()).line_start(excerpt.line).patch(patch);
            groups.push(Level::HELP.secondary_title(fix.reason.as_str()).element(snippet));
        }
        groups.extend(help.iter().map(|text| Group::with_title(Level::HELP.secondary_title(text.as_str()))));
        renderer.render(&groups)
    }
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
        let start = text[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at.start..].find('\n').map_or(text.len(), |newline| at.start + newline);
        let line = text[..start].matches('\n').count() + 1;
        Self { file: span.file, range: start..end, line }
    }

    /// Widens the excerpt to the lines of another place of the same file.
    fn include(&mut self, sources: &Sources, span: Span) {
        let other = Self::around(sources, span);
        let (start, end) = (self.range.start.min(other.range.start), self.range.end.max(other.range.end));
        self.line = self.line.min(other.line);
        self.range = start..end;
    }

    /// Returns the text with everything hidden that may not be shown, byte for byte as long as the original.
    fn text(&self, sources: &Sources) -> String {
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
        sensitive::mask(text, &hidden)
    }

    /// Returns where a span lies in [`Self::text`]: on its first line, on whole characters, never empty at a line's end.
    fn local(&self, text: &str, span: Span) -> Range<usize> {
        let range = span.range();
        let start = range.start.saturating_sub(self.range.start).min(text.len());
        let end = range.end.saturating_sub(self.range.start).clamp(start, text.len());
        let end =
            text.as_bytes()[start..end].iter().position(|byte| *byte == b'\n').map_or(end, |n| start + n);
        whole_characters(text, start..end)
    }
}

/// Keeps what a file holds from disturbing the terminal: no control characters, no novels.
fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len().min(MAX_DETAIL));
    for character in text.chars().take(MAX_DETAIL) {
        if character.is_control() {
            tidied.extend(character.escape_debug());
        } else {
            tidied.push(character);
        }
    }
    if text.chars().nth(MAX_DETAIL).is_some() {
        tidied.push_str("...");
    }
    tidied
}

/// Joins names for a sentence: "`a`, `b` and `c`".
pub(super) fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>, conjunction: &str) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} {conjunction} {last}", most.join(", ")),
    }
}

/// Returns the candidate that `typed` was most likely meant to be, the first of equally likely ones.
pub(super) fn closest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded: String = typed.to_lowercase().chars().take(MAX_DETAIL).collect();
    let limit = (typed.chars().count() / 3).clamp(1, 4);
    let distance = |candidate: &str| strsim::osa_distance(&folded, &candidate.to_lowercase());
    let near = candidates.into_iter().map(|candidate| (distance(candidate), candidate));
    near.filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, near)| near)
}
