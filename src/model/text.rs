//! Texts that leave podform or come in: which characters a reader cannot see and how they are spelled so that he can, words
//! for a shell, and how much a JSON text may hold.
//!
//! Names, images, messages, paths and variables come from files, answers and other processes. Wherever one of them
//! leaves podform, what stands here decides: at the borders (`render::escape`, the excerpts of a spec) and once more
//! where everything is printed (`cli::output`).

use std::fmt;

/// Tells whether a terminal or a browser would act on the character or show nothing for it.
///
/// Beside control characters these are the marks that reorder text, join or separate words without a trace, fillers
/// and selectors that have no shape of their own, the tags that can smuggle text past a reader, and private
/// characters, which every font shows as it likes.
pub fn is_invisible(c: char) -> bool {
    // Nearly all characters are asked about only to hear this.
    if matches!(c, ' '..='~') {
        return false;
    }
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{1fffe}'..='\u{1ffff}' | '\u{3fffe}'..='\u{10ffff}')
}

/// A character that can be seen: itself, or its spelling.
#[derive(Clone, Copy, Debug)]
pub struct Spelled(pub char);

impl fmt::Display for Spelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            '\t' => f.write_str("\\t"),
            c if is_invisible(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
            c => fmt::Write::write_char(f, c),
        }
    }
}

/// Returns the text with every invisible character spelled out, line breaks included.
pub fn spelled(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    text.chars().map(|c| Spelled(c).to_string()).collect()
}

/// Tells whether the text is printable ASCII on one line, as nearly all texts are.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Joins words as a POSIX shell would read them back.
pub fn shell_words(words: &[String]) -> String {
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Returns how many values a JSON text may hold: each but the first of a list or map has one of these before it.
pub fn values(text: &[u8]) -> usize {
    // Counted in bytes, of which the processor takes many at once.
    let count =
        |piece: &[u8]| piece.iter().map(|byte| u8::from(matches!(byte, b',' | b'[' | b'{'))).sum::<u8>();
    text.chunks(usize::from(u8::MAX)).map(|piece| usize::from(count(piece))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_unseen_character_is_spelled() {
        for (text, shown) in [
            ("a\u{0}\u{1b}[2J\u{7f}", r"a\u{0}\u{1b}[2J\u{7f}"),
            ("\u{80}\u{9b}\u{9f}", r"\u{80}\u{9b}\u{9f}"),
            ("one\r\n\ttwo\u{85}\u{2028}\u{2029}", r"one\r\n\ttwo\u{85}\u{2028}\u{2029}"),
            ("\u{202e}\u{2066}\u{200e}\u{61c}", r"\u{202e}\u{2066}\u{200e}\u{61c}"),
            (
                "\u{200b}\u{200d}\u{2060}\u{feff}\u{ad}\u{34f}",
                r"\u{200b}\u{200d}\u{2060}\u{feff}\u{ad}\u{34f}",
            ),
            ("\u{115f}\u{3164}\u{ffa0}\u{2800}", r"\u{115f}\u{3164}\u{ffa0}\u{2800}"),
            ("\u{fe0f}\u{e0100}\u{e0041}", r"\u{fe0f}\u{e0100}\u{e0041}"),
            ("\u{e000}\u{f0000}\u{10fffd}\u{ffff}", r"\u{e000}\u{f0000}\u{10fffd}\u{ffff}"),
        ] {
            assert_eq!(spelled(text), shown);
        }
    }

    #[test]
    fn what_has_a_shape_is_left_as_it_is() {
        for text in ["plain", "größer", "日本語\u{3000}テスト", "🙂", "e\u{301}", "\u{a0}", "עברית"]
        {
            assert_eq!(spelled(text), text);
        }
    }
}
