//! Mistakes in the spec: what is wrong, where, and what to write instead.
//!
//! The summary of a problem is always worded the same, so that it can be searched for; the names stand in the detail
//! under the place. Texts are shown in rustc's form, or on one line each for editors and for CI annotations.

use std::fmt::Write as _;
use std::sync::Arc;

use annotate_snippets::Renderer;

use super::snippet;
use super::source::{Extent, Sources, Span};
use crate::model::text::spelled;

/// At most this many are shown; a file with more is broken in one way many times.
const SHOWN: usize = 50;

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
    /// A file of another tool.
    ForeignFile = Error "a file of another tool",
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
    /// A reference to a pod, or to something of it, that cannot be told.
    InvalidReference = Error "invalid reference",
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
    /// A pod that is needed and that no chosen profile selects.
    DeselectedPod = Error "pod outside the chosen profiles",
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
    /// `$NAME` of a variable, which only `${NAME}` fills in.
    UnfilledVariable = Warning "variable that is not filled in",
    /// `$$`, the escape of compose files.
    DoubledDollar = Warning "doubled dollar",
    /// An option and its value in one item of a list.
    JoinedArguments = Warning "several arguments in one item",
    /// The key of a pod in the place of its address.
    HardWiredPod = Warning "pod called by its key",
    /// What says nothing beside the rest of the spec.
    NoEffect = Warning "without effect",
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
    pub text: String,
    /// Why, in a few words.
    pub reason: String,
}

impl Fix {
    /// Keeps the quotes of a key whose colon stands right behind it, as JSON has it: without them colon and value would be
    /// a part of the key.
    fn stay_a_key(&mut self, sources: &Sources) {
        let range = self.span.range();
        let (old, rest) = (sources.slice(self.span), sources.text(self.span.file).get(range.end..));
        let quote = ['"', '\''].into_iter().find(|quote| old.len() > 1 && old.starts_with(*quote));
        if let Some(quote) = quote.filter(|quote| old.ends_with(*quote))
            && rest.is_some_and(|rest| rest.starts_with(':'))
        {
            self.text = format!("{quote}{}{quote}", self.text);
        }
    }
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
                labels: labels.into_iter().map(|(span, text)| (span, tidy(&text))).collect(),
                help: help.iter().map(|help| tidy(help)).collect(),
                fix: fix.filter(|fix| fix.text == tidy(&fix.text)),
            });
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.problem.severity() == Severity::Error)
    }

    /// Returns the candidate that `typed` was most likely meant to be; none once nobody will read it any more, as the
    /// search would take long for a hostile file.
    pub(super) fn closest<'a>(
        &self,
        typed: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        if self.list.len() < Self::CAPACITY { closest(typed, candidates) } else { None }
    }

    /// Tells whether more mistakes would be dropped.
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= Self::CAPACITY
    }

    /// Puts the mistakes in file order, each once: one in `defaults` is met again in every pod.
    pub(super) fn finish(mut self, sources: Arc<Sources>) -> Diagnostics {
        for fix in self.list.iter_mut().filter_map(|diagnostic| diagnostic.fix.as_mut()) {
            fix.stay_a_key(&sources);
        }
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
    sources: Arc<Sources>,
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
        let diagnostic = Diagnostic::anywhere(Problem::UnreadableFile, tidy(&format!("`{name}`: {reason}")))
            .help("name the file with `-f FILE`, or write a new one with `podform init`");
        Self { list: vec![diagnostic], sources: Arc::default() }
    }

    /// Makes mistakes of which only a plan knows.
    pub(super) fn late(list: Vec<Diagnostic>, sources: Arc<Sources>) -> Self {
        let mut log = Collector::default();
        list.into_iter().for_each(|diagnostic| log.push(diagnostic));
        log.finish(sources)
    }

    /// Tells whether one of them stops the run.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.problem.severity() == Severity::Error)
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns them in file order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Returns the range that one of them is about, if it concerns a place in a file.
    pub fn extent_of(&self, diagnostic: &Diagnostic) -> Option<Extent> {
        diagnostic.span.map(|span| self.sources.extent(span))
    }

    /// Returns the text for people or editors; every entry ends with a line break.
    pub fn render(&self, form: Form) -> String {
        let mut text = String::new();
        for diagnostic in self.list.iter().take(SHOWN) {
            match form {
                Form::Short => text.push_str(&snippet::one_line(diagnostic, &self.sources)),
                Form::Plain => text.push_str(&snippet::render(diagnostic, &self.sources, &Renderer::plain())),
                Form::Coloured => {
                    text.push_str(&snippet::render(diagnostic, &self.sources, &Renderer::styled()))
                }
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
}

/// Keeps what a file holds from disturbing the reader: nothing that cannot be seen, no novels.
fn tidy(text: &str) -> String {
    let cut = text.char_indices().nth(MAX_DETAIL).map_or(text.len(), |(at, _)| at);
    let mut tidied = spelled(&text[..cut]);
    if cut < text.len() {
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

/// Longer texts are no slip of any name.
const MAX_NAME: usize = 80;

/// Returns the candidate that `typed` was most likely meant to be, the first of equally likely ones.
pub fn closest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = typed.chars().count();
    if length > MAX_NAME {
        return None;
    }
    let folded = typed.to_lowercase();
    let limit = (length / 3).clamp(1, 4);
    let near = candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(folded.len()) <= limit)
        .map(|candidate| (strsim::osa_distance(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit);
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}
