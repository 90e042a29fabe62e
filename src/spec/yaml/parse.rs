//! The events of the parser to a tree, or where and why the text is none.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Tag};

use crate::spec::diagnostic::{Collector, Diagnostic, Problem};
use crate::spec::sensitive::shown;
use crate::spec::source::{Sources, Span};

use super::{Entry, Node, Scalar, Style, Value};

/// The largest spec file in bytes; the shell need not read more than one byte beyond it. A hundred thousand pods that
/// say everything about themselves take half of it.
pub const MAX_BYTES: usize = 64 << 20;
/// The deepest nesting; the format itself needs 7.
const MAX_DEPTH: usize = 64;
/// The most values in a file, with every alias counted as often as it is used. A hundred thousand pods have half as
/// many, and as many as this take one or two GB of memory.
pub(in crate::spec) const MAX_NODES: usize = 5_000_000;
/// How many lines with a wrong tab are named.
const MAX_TAB_LINES: usize = 10;

/// Reads one file into a tree; `None` if it has none, in which case the reason is in `log`.
pub(in crate::spec) fn parse<'t>(file: u16, sources: &'t Sources, log: &mut Collector) -> Option<Node<'t>> {
    let text = sources.text(file);
    let mut builder = Builder {
        file,
        log,
        text,
        stack: Vec::new(),
        anchors: BTreeMap::new(),
        root: None,
        nodes: 0,
        tag: Span::new(file, 0..0),
    };
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        emit_comments: false,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let stop = match event {
            Ok((event, span)) => {
                let range = |span: granit_parser::Span| Span::new(file, span.byte_range().unwrap_or(0..0));
                builder.tag = span.tag_span().map_or_else(|| range(span), range);
                builder.event(event, range(span))
            }
            Err(error) => {
                builder.syntax_error(&error);
                return None;
            }
        };
        if stop.is_err() {
            return None;
        }
    }
    let root = builder.root;
    if root.as_ref().is_none_or(|root| root.is_null()) {
        let name = sources.name(file);
        log.push(Diagnostic::anywhere(Problem::EmptyFile, format!("`{name}` holds no keys")).help(
            "a spec begins with `version: 1` and `project: NAME`; `podform init` writes one with comments",
        ));
        return None;
    }
    root
}

/// Reading stopped; the reason is in the log.
struct Stopped;

/// The keys of a map so far. Most maps are so small that looking through their entries is the fastest way.
enum Seen {
    Small,
    Large(BTreeMap<String, Span>),
}

/// Up to so many keys a map is small.
const SMALL: usize = 32;

impl Seen {
    fn with_room_for(keys: usize) -> Self {
        if keys <= SMALL { Self::Small } else { Self::Large(BTreeMap::new()) }
    }

    /// Prepares for so many more keys than there are entries.
    fn make_room_for(&mut self, more: usize, entries: &[Entry<'_>]) {
        if matches!(self, Self::Small) && entries.len() + more > SMALL {
            let places = entries.iter().map(|entry| (entry.key.clone().into_owned(), entry.key_span));
            *self = Self::Large(places.collect());
        }
    }

    /// Returns where a key stands already.
    fn place(&self, key: &str, entries: &[Entry<'_>]) -> Option<Span> {
        match self {
            Self::Small => entries.iter().find(|entry| entry.key == key).map(|entry| entry.key_span),
            Self::Large(places) => places.get(key).copied(),
        }
    }

    fn note(&mut self, key: &str, span: Span) {
        if let Self::Large(places) = self {
            places.insert(key.to_owned(), span);
        }
    }
}

/// A collection that is not closed yet.
enum Open<'t> {
    Sequence { items: Vec<Node<'t>>, span: Span, anchor: usize },
    Mapping { entries: Vec<(Node<'t>, Node<'t>)>, key: Option<Node<'t>>, span: Span, anchor: usize },
}

struct Builder<'t, 'a> {
    file: u16,
    log: &'a mut Collector,
    text: &'t str,
    stack: Vec<Open<'t>>,
    anchors: BTreeMap<usize, Node<'t>>,
    root: Option<Node<'t>>,
    /// Values so far, with aliases expanded.
    nodes: usize,
    /// Where the tag of the current event stands, if it has one.
    tag: Span,
}

impl<'t> Builder<'t, '_> {
    fn event(&mut self, event: Event<'t>, span: Span) -> Result<(), Stopped> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag);
                let style = if style == ScalarStyle::Plain { Style::Plain } else { Style::Quoted };
                let scalar = Scalar { text, style };
                if scalar.text.contains('\0') {
                    let detail = "a NUL character cannot be part of any value";
                    self.log.push(Diagnostic::at(Problem::UnsupportedYaml, span, detail));
                    return Err(Stopped);
                }
                let node = Node::scalar(span, scalar);
                self.anchor(anchor, &node);
                self.add(node)
            }
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(node) => self.add(node.clone()),
                None => {
                    let detail = "the alias stands inside the value that it names";
                    self.log.push(Diagnostic::at(Problem::InvalidYaml, span, detail));
                    Err(Stopped)
                }
            },
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag);
                self.open(Open::Sequence { items: Vec::new(), span, anchor })
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag);
                self.open(Open::Mapping { entries: Vec::new(), key: None, span, anchor })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::DocumentStart(..) if self.root.is_some() => {
                let detail = "a spec file is one document; give each file its own `-f`";
                self.log.push(Diagnostic::at(Problem::SecondDocument, span, detail));
                Err(Stopped)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open<'t>) -> Result<(), Stopped> {
        self.stack.push(open);
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), Stopped> {
        let until = |start: Span| Span { end: end.end.max(start.start), ..start };
        let (node, anchor) = match self.stack.pop() {
            Some(Open::Sequence { items, span, anchor }) => (Node::sequence(until(span), items), anchor),
            Some(Open::Mapping { entries, key: _, span, anchor }) => {
                (Node::mapping(until(span), self.entries(entries)?), anchor)
            }
            None => return Ok(()),
        };
        if usize::from(node.depth) > MAX_DEPTH {
            self.too_deep(node.span);
            return Err(Stopped);
        }
        self.anchor(anchor, &node);
        self.nest(node)
    }

    fn anchor(&mut self, anchor: usize, node: &Node<'t>) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    /// Adds a scalar or the target of an alias.
    fn add(&mut self, node: Node<'t>) -> Result<(), Stopped> {
        self.count(node.weight(), node.span)?;
        self.nest(node)
    }

    fn count(&mut self, weight: usize, span: Span) -> Result<(), Stopped> {
        self.nodes = self.nodes.saturating_add(weight);
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        let detail = format!("more than {MAX_NODES} values once aliases are expanded");
        self.log.push(Diagnostic::at(Problem::TooManyNodes, span, detail));
        Err(Stopped)
    }

    fn nest(&mut self, node: Node<'t>) -> Result<(), Stopped> {
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, key, .. }) => match key.take() {
                None => *key = Some(node),
                Some(key) => entries.push((key, node)),
            },
        }
        Ok(())
    }

    /// Checks keys, reports every duplicate with its first place, and applies merge keys after the map's own keys.
    fn entries(&mut self, pairs: Vec<(Node<'t>, Node<'t>)>) -> Result<Vec<Entry<'t>>, Stopped> {
        let mut seen = Seen::with_room_for(pairs.len());
        let mut entries: Vec<Entry<'t>> = Vec::with_capacity(pairs.len());
        let mut merged: Vec<Entry<'t>> = Vec::new();
        for (key, value) in pairs {
            let key_span = key.span;
            let Value::Scalar(scalar) = key.value else {
                let detail = format!("{} cannot be a key", key.kind());
                let mistake = Diagnostic::at(Problem::UnsupportedYaml, key_span, detail)
                    .help("quote a value that begins with `{` or `[`");
                self.log.push(mistake);
                continue;
            };
            if scalar.style == Style::Plain && scalar.text == "<<" {
                self.merge(&value, &mut merged)?;
                continue;
            }
            if let Some(place) = seen.place(&scalar.text, &entries) {
                let detail = format!("{} stands here for the second time", shown(&scalar.text));
                let mistake =
                    Diagnostic::at(Problem::DuplicateKey, key_span, detail).label(place, "first here");
                self.log.push(mistake);
                continue;
            }
            seen.note(&scalar.text, key_span);
            entries.push(Entry { key_span, key: scalar.text, value });
        }
        seen.make_room_for(merged.len(), &entries);
        for entry in merged {
            if seen.place(&entry.key, &entries).is_none() {
                self.count(entry.value.weight(), entry.key_span)?;
                seen.note(&entry.key, entry.key_span);
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    fn merge(&mut self, value: &Node<'t>, merged: &mut Vec<Entry<'t>>) -> Result<(), Stopped> {
        let maps: &[Node<'t>] = match &value.value {
            Value::Sequence(items) => items,
            Value::Scalar(_) | Value::Mapping(_) => std::slice::from_ref(value),
        };
        for map in maps {
            match &map.value {
                Value::Mapping(entries) => {
                    self.count(entries.len(), map.span)?;
                    merged.extend(entries.iter().cloned());
                }
                Value::Scalar(_) | Value::Sequence(_) => {
                    let detail = format!("`<<` merges maps, and this is {}", map.kind());
                    self.log.push(Diagnostic::at(Problem::WrongType, map.span, detail));
                }
            }
        }
        Ok(())
    }

    fn refuse_tag(&mut self, tag: Option<Cow<'_, Tag>>) {
        if let Some(tag) = tag {
            let detail = format!("the tag `{}`", tag.original());
            let help = "delete it; quotes make a text, and every other type follows from the key";
            self.log.push(Diagnostic::at(Problem::UnsupportedYaml, self.tag, detail).help(help));
        }
    }

    fn too_deep(&mut self, span: Span) {
        let detail = format!("more than {MAX_DEPTH} levels");
        self.log.push(Diagnostic::at(Problem::TooDeep, span, detail));
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or(self.text.len()).min(self.text.len());
        let span = Span::new(self.file, self.text_near(at));
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => self.too_deep(span),
            ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar => self.tabs(span),
            ErrorKind::UnknownAnchor => {
                let detail = "no anchor before this place has that name";
                self.log.push(Diagnostic::at(Problem::InvalidYaml, span, detail));
            }
            _ if self.has_tab_before(at) => self.tabs(span),
            _ => {
                let mut mistake = Diagnostic::at(Problem::InvalidYaml, span, explanation(error));
                let line = self.line_around(at);
                let flow = line.find(['{', '[']).zip(line.find("${"));
                if flow.is_some_and(|(bracket, variable)| bracket < variable) {
                    mistake = mistake.help("quote a value with `${...}` inside `{ }` or `[ ]`");
                }
                self.log.push(mistake);
            }
        }
    }

    /// The parser stops at the first tab; every other line that begins with one is wrong for the same reason.
    fn tabs(&mut self, fallback: Span) {
        let detail = "YAML indents with spaces only";
        let mut offset = 0;
        let mut found = 0;
        for line in self.text.split_inclusive('\n') {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            let tabs = line[spaces..].len() - line[spaces..].trim_start_matches('\t').len();
            let content = line.trim();
            if tabs > 0 && !content.is_empty() && !content.starts_with('#') && found < MAX_TAB_LINES {
                let span = Span::new(self.file, offset + spaces..offset + spaces + tabs);
                self.log.push(Diagnostic::at(Problem::Tab, span, detail));
                found += 1;
            }
            offset += line.len();
        }
        if found == 0 {
            self.log.push(Diagnostic::at(Problem::Tab, fallback, detail));
        }
    }

    fn has_tab_before(&self, at: usize) -> bool {
        let line = self.line_around(at);
        line[..line.len() - line.trim_start().len()].contains('\t')
    }

    fn line_around(&self, at: usize) -> &str {
        let at = self.text.floor_char_boundary(at);
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline);
        &self.text[start..end]
    }

    /// Returns a range of one character, or of the last one where the text ends too early.
    fn text_near(&self, at: usize) -> std::ops::Range<usize> {
        let end = self.text.trim_end().len();
        if at < end { at..at + 1 } else { end.saturating_sub(1)..end }
    }
}

/// Words the parser's reasons for somebody who does not know its grammar.
fn explanation(error: &ScanError) -> String {
    match error.kind() {
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            "a quoted text is not closed by this place".to_owned()
        }
        ErrorKind::UnclosedFlowCollection { open } => format!("the `{open}` is never closed"),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            format!("`{close}` closes what `{open}` opened")
        }
        ErrorKind::MappingValueNotAllowed => {
            "a `:` cannot stand here: check the indentation, or quote the value".to_owned()
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::ExpectedBlockMappingKey => {
            "expected `key: value` here: check the indentation".to_owned()
        }
        ErrorKind::ExpectedFlowMappingSeparator => "expected `,` or `}` here".to_owned(),
        ErrorKind::ExpectedFlowSequenceSeparator => "expected `,` or `]` here".to_owned(),
        _ => error.info(),
    }
}
