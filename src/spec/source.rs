//! The texts of the spec files and places in them.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

/// One spec file as the shell read it.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile<'a> {
    /// The name to show in messages, as the user gave it.
    pub name: &'a str,
    /// The content, which need not be valid text.
    pub bytes: &'a [u8],
}

/// A range of bytes in one of the [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub(super) file: u16,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// Tells whether another place comes after this one in the same file.
    pub(super) fn precedes(self, other: Self) -> bool {
        self.file == other.file && self.end <= other.start
    }

    /// Makes a span; offsets beyond 4 GiB cannot occur, as files have a size limit far below.
    pub(super) fn new(file: u16, range: Range<usize>) -> Self {
        let offset = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { file, start: offset(range.start), end: offset(range.end) }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value together with where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Keeps the place and converts the value.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: convert(self.value), span: self.span }
    }
}

/// A place as people and editors write it; line and column count from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name of the file.
    pub file: String,
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column } = self;
        write!(f, "{file}:{line}:{column}")
    }
}

/// A range of a file, for programs that mark it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The name of the file.
    pub file: String,
    /// Its first character.
    pub start: Position,
    /// The character behind it.
    pub end: Position,
}

/// A character of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The offset in bytes, from 0.
    pub byte: usize,
}

/// The texts of all files of one load. They may hold secrets, so they print as their names.
#[derive(Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.files.iter().map(|source| &source.name)).finish()
    }
}

#[derive(Clone)]
struct Source {
    name: String,
    text: String,
    /// Where each line begins; most runs never ask.
    lines: OnceLock<Vec<usize>>,
    /// Ranges that hold a secret and are never shown.
    hidden: Vec<Range<usize>>,
}

impl Source {
    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(newline, _)| newline + 1)).collect()
        })
    }
}

impl Sources {
    /// Adds a file. Text that is not UTF-8 is kept with replacement characters, so that messages can show it.
    pub(super) fn add(&mut self, name: &str, text: String) -> u16 {
        self.files.push(Source { name: name.to_owned(), text, lines: OnceLock::new(), hidden: Vec::new() });
        u16::try_from(self.files.len() - 1).unwrap_or(u16::MAX)
    }

    /// Never shows the text of `span` in a message.
    pub(super) fn hide(&mut self, span: Span) {
        if let Some(source) = self.files.get_mut(usize::from(span.file)) {
            source.hidden.push(span.range());
        }
    }

    pub(super) fn name(&self, file: u16) -> &str {
        self.files.get(usize::from(file)).map_or("", |source| &source.name)
    }

    pub(super) fn text(&self, file: u16) -> &str {
        self.files.get(usize::from(file)).map_or("", |source| &source.text)
    }

    pub(super) fn hidden(&self, file: u16) -> &[Range<usize>] {
        self.files.get(usize::from(file)).map_or(&[], |source| &source.hidden)
    }

    /// Returns the text that a span covers, moved to whole characters.
    pub(super) fn slice(&self, span: Span) -> &str {
        let text = self.text(span.file);
        let range = whole_characters(text, span.range());
        &text[range]
    }

    /// Returns the number of the line that holds an offset, from 0, and where that line begins.
    pub(super) fn line_of(&self, file: u16, offset: usize) -> (usize, usize) {
        let lines = self.files.get(usize::from(file)).map_or(&[][..], Source::lines);
        let line = lines.partition_point(|start| *start <= offset).saturating_sub(1);
        (line, lines.get(line).copied().unwrap_or_default())
    }

    /// Returns the place where a span begins.
    pub fn place(&self, span: Span) -> Place {
        let Position { line, column, byte: _ } = self.position(span.file, span.range().start);
        Place { file: self.name(span.file).to_owned(), line, column }
    }

    /// Returns where a span begins and ends.
    pub(super) fn extent(&self, span: Span) -> Extent {
        let range = span.range();
        Extent {
            file: self.name(span.file).to_owned(),
            start: self.position(span.file, range.start),
            end: self.position(span.file, range.end),
        }
    }

    fn position(&self, file: u16, offset: usize) -> Position {
        let text = self.text(file);
        let byte = text.floor_char_boundary(offset);
        let (line, line_start) = self.line_of(file, byte);
        Position { line: line + 1, column: text[line_start..byte].chars().count() + 1, byte }
    }
}

/// Moves a range to character boundaries inside the text; a range that cuts a character makes the renderer panic.
pub(super) fn whole_characters(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(range.start.min(text.len()));
    let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
    start..end
}
