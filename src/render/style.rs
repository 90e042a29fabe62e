//! Colour and width. The caller says whether there is a terminal; colour only repeats what the words and symbols say.

use std::fmt;

use anstyle::{AnsiColor, Effects, Style as Ansi};

/// How text for people is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colour may be written.
    pub color: bool,
    /// Columns after which sentences are wrapped. Values and headers are never wrapped, so that they can be copied
    /// and parsed.
    pub width: usize,
}

impl Style {
    /// Plain text of 100 columns: for files, pipes and logs.
    pub const PLAIN: Self = Self { color: false, width: 100 };

    /// Returns something that prints `text` in the given tone.
    pub fn paint<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        Painted { ansi: if self.color { tone.ansi() } else { Ansi::new() }, text }
    }
}

/// What a piece of text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something comes into being, or ended well.
    Good,
    /// Something changes, or deserves a look.
    Care,
    /// Something is lost, or failed.
    Bad,
    /// Headings.
    Strong,
    /// What may be skipped.
    Quiet,
}

impl Tone {
    fn ansi(self) -> Ansi {
        let color = |color: AnsiColor| Ansi::new().fg_color(Some(color.into()));
        match self {
            Self::Good => color(AnsiColor::Green),
            Self::Care => color(AnsiColor::Yellow),
            Self::Bad => color(AnsiColor::Red),
            Self::Strong => Ansi::new().effects(Effects::BOLD),
            Self::Quiet => Ansi::new().effects(Effects::DIMMED),
        }
    }
}

/// A text in its tone.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    ansi: Ansi,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ansi, text } = self;
        write!(f, "{ansi}{text}{ansi:#}")
    }
}

/// Writes a sentence from column `indent` on, wrapped at the style's width, every line indented alike.
///
/// The first line is not indented, as the caller has written its beginning.
pub fn write_wrapped(out: &mut dyn fmt::Write, style: Style, indent: usize, text: &str) -> fmt::Result {
    let room = style.width.saturating_sub(indent).max(20);
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > room {
            write!(out, "\n{:indent$}", "")?;
            column = 0;
        } else if column > 0 {
            out.write_char(' ')?;
            column += 1;
        }
        out.write_str(word)?;
        column += length;
    }
    out.write_char('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_is_written_only_when_asked_for() {
        let colorful = Style { color: true, width: 80 };
        assert_eq!(Style::PLAIN.paint(Tone::Bad, "lost").to_string(), "lost");
        assert_eq!(colorful.paint(Tone::Bad, "lost").to_string(), "\u{1b}[31mlost\u{1b}[0m");
    }

    #[test]
    fn sentences_wrap_at_words_and_keep_their_indent() {
        let mut out = String::new();
        let style = Style { color: false, width: 26 };
        write_wrapped(&mut out, style, 4, "one two three four five six").unwrap();
        assert_eq!(out, "one two three four\n    five six\n");
    }
}
