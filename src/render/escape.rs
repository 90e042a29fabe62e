//! Makes text from outside safe to print: nothing in it can move the cursor, hide characters or break a line.

use std::fmt::{self, Write};

/// The longest value that is printed on one line; what is longer is cut, and the cut is said.
pub const LINE_LIMIT: usize = 2_000;

/// Text on one line: control characters, escape sequences and invisible characters are spelled out.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a> {
    text: &'a str,
    limit: usize,
}

/// Returns the text with everything invisible spelled out, cut at [`LINE_LIMIT`] characters.
pub fn visible(text: &str) -> Visible<'_> {
    Visible { text, limit: LINE_LIMIT }
}

/// Returns the text with everything invisible spelled out, cut at this many characters.
pub fn visible_to(text: &str, limit: usize) -> Visible<'_> {
    Visible { text, limit }
}

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, limit } = *self;
        for c in text.chars().take(limit) {
            write_visible(f, c)?;
        }
        write_cut(f, text, limit)
    }
}

/// Text in double quotes, as unambiguous as a string literal.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars().take(LINE_LIMIT) {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                c => write_visible(f, c)?,
            }
        }
        f.write_char('"')?;
        write_cut(f, self.0, LINE_LIMIT)
    }
}

/// Tells whether a terminal or a browser would act on the character or show nothing for it.
///
/// Beside control characters these are the marks that reorder text, join or separate words without a trace, and
/// the tags that can smuggle text past a reader.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn write_visible(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        c if is_invisible(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
        c => f.write_char(c),
    }
}

fn write_cut(f: &mut fmt::Formatter<'_>, text: &str, limit: usize) -> fmt::Result {
    // Counting all characters of a long text twice is avoided: most texts have fewer bytes than the limit.
    if text.len() <= limit {
        return Ok(());
    }
    match text.chars().count().saturating_sub(limit) {
        0 => Ok(()),
        rest => write!(f, "... ({rest} more characters)"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        let hostile = "a\u{1b}[31mred\u{7}\nb\tc\r\u{202e}evil\u{200b}\u{9b}2J\u{e0041}";
        assert_eq!(
            visible(hostile).to_string(),
            r"a\u{1b}[31mred\u{7}\nb\tc\r\u{202e}evil\u{200b}\u{9b}2J\u{e0041}"
        );
        assert_eq!(Quoted("say \"hi\" \\ \u{0}").to_string(), r#""say \"hi\" \\ \u{0}""#);
    }

    #[test]
    fn long_text_is_cut_and_the_cut_is_said() {
        assert_eq!(visible_to("abcdef", 4).to_string(), "abcd... (2 more characters)");
        assert_eq!(visible_to("äöüß", 4).to_string(), "äöüß");
    }

    proptest! {
        #[test]
        fn nothing_invisible_gets_out(text in "\\PC*|[\\x00-\\xa0\u{202a}-\u{202e}]*") {
            prop_assert!(!visible(&text).to_string().chars().any(is_invisible));
            prop_assert!(!Quoted(&text).to_string().chars().any(is_invisible));
        }
    }
}
