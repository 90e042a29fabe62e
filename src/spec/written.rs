//! YAML as podform writes it: maps, lists and texts in block style.
//!
//! Any two readers of YAML 1.1 or 1.2 must take a text for the same text, whatever it holds. So a text stands plain only
//! where that is beyond doubt, over several lines where it is such a text, and in quotes otherwise. Keys and values follow
//! one rule. Nothing is written first and mended afterwards: a text never passes through the output twice.
//!
//! What a reader could not see is escaped, and so is what the runner of a CI job would obey in its log (`##[group]`, or
//! `::group::` at the beginning of a line), since a spec that is imported is printed there.

use crate::model::text::is_invisible;

/// A value to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// A number, a boolean or `null`.
    Plain(String),
    /// A text, quoted where a reader could take it for anything else.
    Text(String),
    List(Vec<Written>),
    Map(Map),
}

impl From<&str> for Written {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Written {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Written {
    fn from(value: bool) -> Self {
        Self::Plain(value.to_string())
    }
}

impl From<u32> for Written {
    fn from(value: u32) -> Self {
        Self::Plain(value.to_string())
    }
}

impl From<Vec<Self>> for Written {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}

impl From<Map> for Written {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

/// A map in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Map(Vec<(String, Written)>);

impl Map {
    /// Adds an entry. The key must not be there already.
    pub(super) fn put(&mut self, key: &str, value: impl Into<Written>) {
        self.0.push((key.to_owned(), value.into()));
    }

    /// Adds an entry if there is a value.
    pub(super) fn put_some(&mut self, key: &str, value: Option<impl Into<Written>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Tells whether it has no entries.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a map unless it has no entries.
    pub(super) fn put_unless_empty(&mut self, key: &str, value: Self) {
        if !value.is_empty() {
            self.put(key, value);
        }
    }

    /// Writes the map as a file of its own.
    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        if self.0.is_empty() {
            page.push_str("{}\n");
        }
        self.write(0, &mut page);
        page
    }

    /// Writes the entries from where the page stands.
    fn write(&self, indent: usize, page: &mut String) {
        for (index, (key, value)) in self.0.iter().enumerate() {
            if index > 0 {
                pad(indent, page);
            }
            let key = line(key);
            if key.len() > LONGEST_KEY {
                page.push_str("? ");
                page.push_str(&key);
                page.push('\n');
                pad(indent, page);
            } else {
                page.push_str(&key);
            }
            page.push(':');
            value.write_behind_key(indent, page);
        }
    }
}

/// A longer key is announced by `?`: readers look only so far for the `:` of one that is not.
const LONGEST_KEY: usize = 128;

/// How much deeper each level stands.
const STEP: usize = 2;

impl Written {
    fn write_behind_key(&self, indent: usize, page: &mut String) {
        match self {
            Self::List(items) if !items.is_empty() => {
                page.push('\n');
                pad(indent, page);
                self.write(indent, page);
            }
            Self::Map(Map(entries)) if !entries.is_empty() => {
                page.push('\n');
                pad(indent + STEP, page);
                self.write(indent + STEP, page);
            }
            Self::Plain(_) | Self::Text(_) | Self::List(_) | Self::Map(_) => {
                page.push(' ');
                self.write(indent + STEP, page);
            }
        }
    }

    /// Writes the value from where the page stands. What goes on in further lines stands at `indent` in them.
    fn write(&self, indent: usize, page: &mut String) {
        match self {
            Self::Plain(text) => {
                page.push_str(text);
                page.push('\n');
            }
            Self::Text(text) if is_of_lines(text) => write_lines(text, indent, page),
            Self::Text(text) => {
                page.push_str(&line(text));
                page.push('\n');
            }
            Self::List(items) if items.is_empty() => page.push_str("[]\n"),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        pad(indent, page);
                    }
                    page.push_str("- ");
                    item.write(indent + STEP, page);
                }
            }
            Self::Map(Map(entries)) if entries.is_empty() => page.push_str("{}\n"),
            Self::Map(map) => map.write(indent, page),
        }
    }
}

fn pad(indent: usize, page: &mut String) {
    page.extend(std::iter::repeat_n(' ', indent));
}

/// Writes a text on one line.
fn line(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else if text.chars().all(is_shown) && !text.contains("##") {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        double_quoted(text)
    }
}

/// Tells whether a text can stand as lines of its own without losing or gaining a character.
fn is_of_lines(text: &str) -> bool {
    let lines = || text.split('\n');
    let first = lines().find(|line| !line.is_empty());
    // A first line that begins with a blank would be taken for the indentation of all, and a line of blanks for less.
    let keeps_blanks = first.is_some_and(|line| !line.starts_with([' ', '\t']))
        && lines().all(|line| line.is_empty() || !line.trim().is_empty());
    let gives_orders = text.contains("##") || lines().any(|line| line.trim_start().starts_with("::"));
    let is_shown = || lines().flat_map(str::chars).all(is_shown);
    text.contains('\n') && keeps_blanks && !gives_orders && is_shown()
}

fn write_lines(text: &str, indent: usize, page: &mut String) {
    let body = text.trim_end_matches('\n');
    let ends = text.len() - body.len();
    page.push_str(match ends {
        0 => "|-\n",
        1 => "|\n",
        _ => "|+\n",
    });
    for line in body.split('\n') {
        if !line.is_empty() {
            pad(indent, page);
            page.push_str(line);
        }
        page.push('\n');
    }
    page.extend(std::iter::repeat_n('\n', ends.saturating_sub(1)));
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        let code = u32::from(character);
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '#' if quoted.ends_with('#') => quoted.push_str("\\x23"),
            _ if is_shown(character) => quoted.push(character),
            _ if code <= 0xff => quoted.push_str(&format!("\\x{code:02x}")),
            _ if code <= 0xffff => quoted.push_str(&format!("\\u{code:04x}")),
            _ => quoted.push_str(&format!("\\U{code:08x}")),
        }
    }
    quoted.push('"');
    quoted
}

/// Tells whether a character is seen as what it is, and no blank but the space.
fn is_shown(character: char) -> bool {
    character == ' ' || !(is_invisible(character) || character.is_whitespace())
}

/// Tells whether every reader takes the bare text for a text, and for this one.
fn is_plain(text: &str) -> bool {
    let mut characters = text.chars();
    let (Some(first), second) = (characters.next(), characters.next()) else {
        return false;
    };
    let begins = match first {
        '-' => second.is_some_and(|second| second != ' '),
        '/' | '.' | '_' | '$' | '(' | '<' | '+' | '=' | ';' | '^' | '~' | '\\' => true,
        _ => first.is_alphanumeric(),
    };
    let of_words = text.chars().all(|c| matches!(c, ' '..='~') || c.is_alphanumeric());
    let marks_document = ["---", "..."].iter().any(|mark| text.starts_with(mark));
    begins
        && of_words
        && !marks_document
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains("##")
        && !is_misread(text)
}

/// Tells whether a reader of YAML 1.1 or 1.2 may take a plain scalar with this text for something else than a text.
fn is_misread(text: &str) -> bool {
    const WORDS: [&str; 18] = [
        "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<", ".inf", "+.inf",
        "-.inf", ".nan", "nan",
    ];
    let word = text.to_ascii_lowercase();
    let starts_like_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    // Numbers of any base, times, dates and sexagesimals such as `22:22` are made of these.
    let holds_only_numbers =
        word.bytes().all(|byte| byte.is_ascii_hexdigit() || b"_:.+-,xotz ".contains(&byte));
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    WORDS.contains(&word.as_str()) || (starts_like_number && holds_only_numbers && has_digit)
}

#[cfg(test)]
mod tests {
    use super::super::diagnostic::Collector;
    use super::super::source::Sources;
    use super::super::yaml::{self, Node, Value};
    use super::*;

    #[test]
    fn texts_that_some_reader_misreads_are_quoted() {
        for text in [
            "no",
            "On",
            "y",
            "N",
            "22:22",
            "1:30",
            "1_000",
            "2026-11-21",
            "2001-12-14t21:59:43.10-05:00",
            "=",
            "<<",
            "010",
            "0b1",
            "0o17",
            "0x1F",
            "0X1F",
            "1e3",
            "1.",
            ".5",
            "+1",
            "-0",
            "1,000",
            ".inf",
            "-.INF",
            ".NaN",
            "null",
            "~",
            "",
            "---",
            "--- a",
            "...",
            "- a",
            "-",
            "? a",
            ": a",
            "a: b",
            "a #b",
            "a:",
            " a",
            "a ",
            "#a",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "'a",
            "\"a",
            "%a",
            "@a",
            "`a",
            "[a",
            "{a",
            ",a",
        ] {
            assert!(line(text).starts_with(['\'', '"']), "{text}");
        }
        for text in [
            "60GB",
            "8000/http",
            "EU-RO-1",
            "cpu5c",
            "north",
            "48GB..",
            "vllm/vllm-openai:v0.19.1",
            "--port",
            "a:b",
            "a#b",
            "日本",
            "$HOME",
            "x, y",
            "it's",
        ] {
            assert_eq!(line(text), text);
        }
    }

    /// Characters of which texts are made that go wrong somewhere.
    const PIECES: [&str; 48] = [
        "a", "b", "N", "y", "no", "on", "8", "0", "1", "_", "-", "- ", "--", "---", ".", "...", ":", ": ",
        " ", "  ", "#", " #", "\n", "\n\n", "\n ", "\t", "\r", "\r\n", "'", "\"", "\\", "{", "}", "[", "]",
        ",", "&", "*", "!", "|", ">", "%", "@", "`", "?", "<<", "~", "=",
    ];

    /// Characters that a terminal, an editor or a reader of YAML 1.1 treats in their own ways.
    const CHARACTERS: [char; 22] = [
        'é',
        '日',
        '😀',
        '\u{1}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{9b}',
        '\u{a0}',
        '\u{ad}',
        '\u{200b}',
        '\u{202e}',
        '\u{2028}',
        '\u{2029}',
        '\u{3000}',
        '\u{d7ff}',
        '\u{e000}',
        '\u{feff}',
        '\u{ffff}',
        '\u{1ffff}',
        '\u{e0041}',
        '\u{10ffff}',
    ];

    fn hostile(random: &mut fastrand::Rng) -> String {
        let mut text = String::new();
        for _ in 0..random.usize(..8) {
            match random.u8(..4) {
                0 => text.push(random.choice(CHARACTERS).unwrap()),
                _ => text.push_str(random.choice(PIECES).unwrap()),
            }
        }
        if random.u8(..200) == 0 { text.repeat(500) } else { text }
    }

    /// Returns the pairs of a map of texts, as this program's reader has them.
    fn read(page: &str) -> Vec<(String, String)> {
        let mut sources = Sources::default();
        let id = sources.add("page.yaml", page.to_owned());
        let mut log = Collector::default();
        let root = yaml::parse(id, &sources, &mut log);
        assert!(
            !log.has_errors(),
            "{page}\n{}",
            log.finish(sources.into()).render(super::super::Form::Plain)
        );
        let text = |node: &Node<'_>| match &node.value {
            Value::Scalar(scalar) => scalar.text.clone().into_owned(),
            Value::Sequence(items) => items.iter().map(|item| item.text().to_owned()).collect(),
            Value::Mapping(entries) => entries.iter().map(|entry| entry.value.text().to_owned()).collect(),
        };
        root.unwrap()
            .entries()
            .iter()
            .map(|entry| (entry.key.clone().into_owned(), text(&entry.value)))
            .collect()
    }

    #[test]
    fn any_text_is_read_back_as_it_was_wherever_it_stands() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..3_000 {
            let (key, value) = (hostile(&mut random), hostile(&mut random));
            let mut inner = Map::default();
            inner.put("k", value.clone());
            let mut map = Map::default();
            map.put(&key, value.clone());
            map.put("list", vec![Written::from(value.clone())]);
            map.put("map", inner.clone());
            map.put("maps", vec![Written::from(inner)]);
            map.put("last", value.clone());
            let page = map.page();
            let names = [key.as_str(), "list", "map", "maps", "last"];
            let read = read(&page);
            assert_eq!(read.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names, "{page}");
            let found = [0, 1, 2, 4].map(|index| read[index].1.as_str());
            assert_eq!(found, [value.as_str(); 4], "{page}");
            let others: serde_yaml::Value = serde_yaml::from_str(&page).unwrap();
            let texts = [
                &others[key.as_str()],
                &others["list"][0],
                &others["map"]["k"],
                &others["maps"][0]["k"],
                &others["last"],
            ];
            assert_eq!(texts.map(serde_yaml::Value::as_str), [Some(value.as_str()); 5], "{page}");
        }
    }
}
