//! How a character may be spelled: as it is, escaped for JSON, a shell or a language, percent-encoded, as an HTML entity,
//! in hexadecimal; each over the other. And what a value looks like in Base64, which has no spelling of characters.

use std::ops::Range;

/// Wrapped lines are indented by no more than this.
const MOST_BLANKS: usize = 64;
/// More backslashes in a row are no quoting: each layer doubles them.
const MOST_BACKSLASHES: usize = 16;
/// So many times a text is taken to be encoded one over the other.
const MOST_LAYERS: usize = 4;

/// Returns what a place in a text can stand for, each with the place behind it.
pub(super) fn spell(text: &[char], at: usize, found: &mut Vec<(char, usize)>) {
    spell_unescaped(text, at, found);
    if let Some(end) = backslash(text, at) {
        spell_escape(text, at, end, found);
    }
}

/// Reads a character as it is, or encoded in any way but with backslashes.
fn spell_unescaped(text: &[char], at: usize, found: &mut Vec<(char, usize)>) {
    let c = text[at];
    found.push((c, at + 1));
    match c {
        '%' => spell_percent(text, at, found),
        '+' => found.push((' ', at + 1)),
        '&' => spell_entity(text, at, found),
        c if c.is_ascii_hexdigit() => {
            let byte = |place: usize| Some((number(text.get(place..place + 2)?, 16)?, place + 2));
            found.extend(utf8(at, byte));
        }
        _ => {}
    }
}

/// Returns the place behind a backslash, which may be encoded itself.
fn backslash(text: &[char], at: usize) -> Option<usize> {
    if !matches!(text.get(at)?, '\\' | '%' | '&') {
        return None;
    }
    let mut found = Vec::new();
    spell_unescaped(text, at, &mut found);
    found.iter().find(|(c, _)| *c == '\\').map(|(_, next)| *next)
}

/// Reads an escape of JSON, of a shell or of a language, whose first backslash ends at `end`; each layer of quoting
/// doubles the backslashes.
fn spell_escape(text: &[char], at: usize, end: usize, found: &mut Vec<(char, usize)>) {
    let ends: Vec<usize> =
        std::iter::successors(Some(end), |end| backslash(text, *end)).take(MOST_BACKSLASHES).collect();
    found.extend([2, 4, 8].iter().filter_map(|count| ends.get(count - 1)).map(|end| ('\\', *end)));
    let run = ends.len();
    let after = *ends.last().unwrap_or(&end);
    let control = |c: char| match c {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        '0' => Some('\0'),
        c => Some(c).filter(|c| !c.is_alphanumeric()),
    };
    match text.get(after) {
        None => {}
        Some('u') if text.get(after + 1) == Some(&'{') => {
            let length = text[after + 2..].iter().take(6).take_while(|c| c.is_ascii_hexdigit()).count();
            let end = after + 2 + length;
            if text.get(end) == Some(&'}')
                && let Some(c) = number(&text[after + 2..end], 16).and_then(char::from_u32)
            {
                found.push((c, end + 1));
            }
        }
        Some('u') => found.extend(utf16(text, after, run)),
        Some('x') => {
            let unit = |place: usize| {
                let digits = text.get(place..place + run + 3)?;
                let is_escape = digits[..run].iter().all(|c| *c == '\\') && digits[run] == 'x';
                is_escape
                    .then(|| number(&digits[run + 1..], 16))
                    .flatten()
                    .map(|byte| (byte, place + run + 3))
            };
            found.extend(utf8(at, unit));
        }
        Some(_) => {
            let mut escaped = Vec::new();
            spell_unescaped(text, after, &mut escaped);
            found.extend(escaped.into_iter().filter_map(|(c, next)| Some((control(c)?, next))));
        }
    }
}

/// Reads `\u0022`, or two of them that are one character; `at` is the `u` behind so many backslashes.
fn utf16(text: &[char], at: usize, run: usize) -> Option<(char, usize)> {
    let unit = |place: usize| {
        let digits = text.get(place + 1..place + 5).filter(|_| text.get(place) == Some(&'u'))?;
        u16::try_from(number(digits, 16)?).ok()
    };
    let first = unit(at)?;
    let second = unit(at + 5 + run);
    let (units, end) = match second {
        Some(second) if (0xd800..0xdc00).contains(&first) => (vec![first, second], at + 10 + run),
        Some(_) | None => (vec![first], at + 5),
    };
    char::decode_utf16(units).next()?.ok().map(|c| (c, end))
}

/// Reads `%22`, as well as `%2522`, which was encoded twice: each `25` behind the sign may be a layer or itself.
fn spell_percent(text: &[char], at: usize, found: &mut Vec<(char, usize)>) {
    let digits = |place: usize| number(text.get(place..place + 2)?, 16);
    let layers = |place: usize| {
        let is_layer = |layer: &usize| digits(place + 1 + 2 * layer) == Some(0x25);
        (0..MOST_LAYERS).take_while(is_layer).count()
    };
    let byte = |place: usize, layer: usize| {
        let start = place + 1 + 2 * layer;
        digits(start).filter(|_| text.get(place) == Some(&'%')).map(|byte| (byte, start + 2))
    };
    for layer in 0..=layers(at) {
        found.extend(utf8(at, |place| byte(place, layer)));
    }
}

/// Reads the bytes of one character; `unit` reads one byte and tells where the next begins.
fn utf8(at: usize, unit: impl Fn(usize) -> Option<(u32, usize)>) -> Option<(char, usize)> {
    let mut bytes = Vec::new();
    let mut place = at;
    while bytes.len() < 4 {
        let (byte, next) = unit(place)?;
        bytes.push(u8::try_from(byte).ok()?);
        place = next;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            return text.chars().next().map(|c| (c, place));
        }
    }
    None
}

/// Reads `&quot;`, `&#34;` or `&#x22;`, as well as `&amp;quot;`, which was escaped twice: each `amp;` may be a layer or the
/// sign itself.
fn spell_entity(text: &[char], at: usize, found: &mut Vec<(char, usize)>) {
    let layers =
        (0..MOST_LAYERS).take_while(|layer| text[at + 1 + 4 * layer..].starts_with(&['a', 'm', 'p', ';']));
    let starts = 0..=layers.count();
    found.extend(starts.filter_map(|layer| entity(text, at + 1 + 4 * layer)));
}

/// Reads the name or number of an entity and its semicolon.
fn entity(text: &[char], start: usize) -> Option<(char, usize)> {
    const LONGEST: usize = 8;
    let length = text.get(start..)?.iter().take(LONGEST).position(|c| *c == ';')?;
    let c = match &text[start..start + length] {
        ['#', 'x' | 'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        ['#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        name => match name.iter().collect::<String>().as_str() {
            "quot" => '"',
            "apos" => '\'',
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "nbsp" => '\u{a0}',
            "Tab" => '\t',
            "NewLine" => '\n',
            _ => return None,
        },
    };
    Some((c, start + length + 1))
}

/// Returns where a text may go on after a line break, written or escaped, that somebody wrapped it with: blanks behind
/// it may indent the line, or be its own.
pub(super) fn line_breaks(text: &[char], at: usize) -> Range<usize> {
    let end = match text[at] {
        '\n' | '\r' => at + 1,
        _ => {
            let ends = std::iter::successors(backslash(text, at), |end| backslash(text, *end));
            let end = ends.take(MOST_BACKSLASHES).last();
            match end.filter(|end| matches!(text.get(*end), Some('n' | 'r'))) {
                Some(end) => end + 1,
                None => return at..at,
            }
        }
    };
    let blank = |c: &&char| matches!(c, '\n' | '\r' | ' ' | '\t');
    let blanks = text[end..].iter().take(MOST_BLANKS).take_while(blank).count();
    end..end + blanks + 1
}

fn number(digits: &[char], radix: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, c| sum.checked_mul(radix)?.checked_add(c.to_digit(radix)?))
}

/// Returns a value in Base64, wherever in the encoded text it stands.
pub(super) fn in_base64(value: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for before in 0..3 {
        let inner = base64_core(value, before);
        // In the alphabet for URLs.
        all.push(inner.replace('+', "-").replace('/', "_"));
        all.push(inner);
    }
    all
}

/// Returns the signs of Base64 that depend on the value alone, with so many other bytes before it.
fn base64_core(value: &[u8], before: usize) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |index: usize| {
        let byte = (index / 8).checked_sub(before).and_then(|at| value.get(at))?;
        Some((byte >> (7 - index % 8)) & 1)
    };
    let signs = (before * 8).div_ceil(6)..(before + value.len()) * 8 / 6;
    let sign = |number: usize| {
        let bits = (0..6).map(|offset| bit(number * 6 + offset).unwrap_or(0));
        char::from(SIGNS[usize::from(bits.fold(0, |sum, bit| sum << 1 | bit))])
    };
    signs.map(sign).collect()
}
