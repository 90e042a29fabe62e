//! The last border before a terminal, a pipe or the log of a CI job: whatever reaches it unseen is spelled out.
//!
//! Names and messages are made visible where they are laid out, which is where the layout knows what they are. This is
//! the second wall, behind everything that is printed, so that one forgotten place elsewhere is no hole. It lets
//! through line breaks and, where podform colours, the sequences that choose colours.
//!
//! A runner of GitHub or Azure obeys a line that begins with `::`, and `##[` or `##word[` anywhere in it. Both are spelled
//! out too: a pod's name must not give orders to whoever runs podform.

use std::fmt::{self, Write};

use crate::model::text::{Spelled, is_invisible};

/// Takes a text in pieces and passes on what may be printed.
#[derive(Clone, Debug)]
pub struct Border {
    /// Whether podform's own sequences for colours pass.
    colors: bool,
    line: Line,
    /// How many `#` stand directly before, or before the word that is being read.
    hashes: usize,
}

/// How far a line is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Nothing but blanks.
    Blank,
    /// One colon after blanks.
    Colon,
    Colons,
    Inside,
}

impl Border {
    /// Returns the border for a stream that does or does not show colours.
    pub fn new(colors: bool) -> Self {
        Self { colors, line: Line::Blank, hashes: 0 }
    }

    pub fn pass(&mut self, piece: &str, out: &mut dyn Write) -> fmt::Result {
        let mut rest = piece;
        loop {
            let length = rest.find(|c| !self.passes(c)).unwrap_or(rest.len());
            out.write_str(&rest[..length])?;
            rest = &rest[length..];
            let Some(c) = rest.chars().next() else { return Ok(()) };
            let color = if self.colors { color_sequence(rest) } else { 0 };
            if color > 0 {
                out.write_str(&rest[..color])?;
                rest = &rest[color..];
                continue;
            }
            // What would be spelled as itself is a sign that only means something where it stands.
            if is_invisible(c) {
                write!(out, "{}", Spelled(c))?;
            } else {
                write!(out, "\\u{{{:x}}}", u32::from(c))?;
            }
            (self.line, self.hashes) = (Line::Inside, 0);
            rest = &rest[c.len_utf8()..];
        }
    }

    /// Tells whether a character may follow what was passed on, and if so takes note of it.
    fn passes(&mut self, c: char) -> bool {
        let orders = (self.line == Line::Colons && c.is_alphabetic()) || (self.hashes >= 2 && c == '[');
        if orders || (c != '\n' && is_invisible(c)) {
            return false;
        }
        self.line = match (c, self.line) {
            ('\n', _) => Line::Blank,
            (c, Line::Blank) if c.is_whitespace() => Line::Blank,
            (':', Line::Blank) => Line::Colon,
            (':', Line::Colon) => Line::Colons,
            (_, Line::Blank | Line::Colon | Line::Colons | Line::Inside) => Line::Inside,
        };
        self.hashes = match c {
            '#' => self.hashes + 1,
            c if self.hashes >= 2 && (c.is_alphanumeric() || matches!(c, '.' | '-' | '_')) => self.hashes,
            _ => 0,
        };
        true
    }
}

/// Returns the length of the sequence for colours that a text begins with; 0 if it begins with none.
///
/// One that hides what follows it is none: it would take text away from the reader.
fn color_sequence(text: &str) -> usize {
    let Some(inner) = text.strip_prefix("\u{1b}[") else { return 0 };
    let Some(length) = inner.find(|c: char| !c.is_ascii_digit() && c != ';') else { return 0 };
    if !inner[length..].starts_with('m') {
        return 0;
    }
    let mut numbers = inner[..length].split(';');
    while let Some(number) = numbers.next() {
        let is_color = match number {
            "38" | "48" => numbers.next() == Some("5") && numbers.next().is_some(),
            "" | "0" | "1" | "2" | "3" | "4" | "22" | "39" | "49" => true,
            number => matches!(number.parse::<u32>(), Ok(30..=37 | 40..=47 | 90..=97 | 100..=107)),
        };
        if !is_color {
            return 0;
        }
    }
    2 + length + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(colors: bool, pieces: &[&str]) -> String {
        let mut border = Border::new(colors);
        let mut out = String::new();
        pieces.iter().for_each(|piece| border.pass(piece, &mut out).unwrap());
        out
    }

    #[test]
    fn only_line_breaks_and_colours_of_ours_pass_unseen() {
        let text = "a\u{1b}[1;32mgreen\u{1b}[0m\u{1b}[38;5;9mred\u{1b}[m\tb\r\n\u{9b}2J\u{202e}\u{e0041}";
        assert_eq!(
            passed(true, &[text]),
            "a\u{1b}[1;32mgreen\u{1b}[0m\u{1b}[38;5;9mred\u{1b}[m\\tb\\r\n\\u{9b}2J\\u{202e}\\u{e0041}"
        );
        assert_eq!(
            passed(false, &[text]),
            "a\\u{1b}[1;32mgreen\\u{1b}[0m\\u{1b}[38;5;9mred\\u{1b}[m\\tb\\r\n\\u{9b}2J\\u{202e}\\u{e0041}"
        );
        for hiding in
            ["\u{1b}[8m", "\u{1b}[0;8m", "\u{1b}[2J", "\u{1b}[31", "\u{1b}]0;x\u{7}", "\u{1b}[38;2;1m"]
        {
            assert!(!passed(true, &[hiding]).contains('\u{1b}'), "{hiding:?}");
        }
    }

    #[test]
    fn nothing_gives_orders_to_a_runner() {
        for (pieces, shown) in [
            (&["::add-mask::x\n"][..], "::\\u{61}dd-mask::x\n"),
            (&["  :", ":", "x"], "  ::\\u{78}"),
            (&[" ::: more.yaml:1:1"], " ::: more.yaml:1:1"),
            (&["a ::x::y"], "a ::x::y"),
            (&["a ##[group]b"], "a ##\\u{5b}group]b"),
            (&["a #", "#", "[x]"], "a ##\\u{5b}x]"),
            (&["##vso[task.complete]"], "##vso\\u{5b}task.complete]"),
            (&["## Plan [x](y), #[z]"], "## Plan [x](y), #[z]"),
        ] {
            assert_eq!(passed(false, pieces), shown, "{pieces:?}");
        }
    }
}
