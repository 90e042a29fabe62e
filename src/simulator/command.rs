//! Command lines as one string and as words, quoted as a POSIX shell does.

use std::collections::BTreeMap;

use serde_json::json;

/// Splits a command line into words; an unclosed quote ends with the line.
pub fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(character),
            (None, '\\') | (Some(_), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            (None | Some(_), _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// Joins words into a command line that splits into them again.
pub fn line<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// A command as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub args: String,
    pub entrypoint: Vec<String>,
    /// Whether the arguments came as a list.
    pub listed: bool,
}

/// Reads the text of a command: a command line, or JSON with the command and the entrypoint as lists.
pub fn stored(text: &str) -> Stored {
    let parts: Option<BTreeMap<String, Vec<String>>> = serde_json::from_str(text).ok();
    match parts.filter(|parts| parts.keys().all(|key| key == "cmd" || key == "entrypoint")) {
        Some(mut parts) if !parts.is_empty() => Stored {
            args: parts.get("cmd").map_or_else(String::new, |words| line(words)),
            entrypoint: parts.remove("entrypoint").unwrap_or_default(),
            listed: true,
        },
        Some(_) | None => Stored { args: text.to_owned(), entrypoint: Vec::new(), listed: false },
    }
}

/// Writes a command as one text: in JSON where it came as a list or has an entrypoint, which nothing else can hold.
pub fn text(args: &str, entrypoint: &[String], listed: bool) -> String {
    let words = words(args);
    let parts = [("entrypoint", entrypoint), ("cmd", &words)];
    let given: BTreeMap<&str, &[String]> = parts.into_iter().filter(|(_, words)| !words.is_empty()).collect();
    match given.is_empty() || (entrypoint.is_empty() && !listed) {
        true => args.to_owned(),
        false => json!(given).to_string(),
    }
}

fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_words_are_the_same_thing() {
        let cases: [(&str, &[&str]); 6] = [
            ("python train.py --epochs 3", &["python", "train.py", "--epochs", "3"]),
            (r#"bash -c 'echo "$HOME" && ls'"#, &["bash", "-c", r#"echo "$HOME" && ls"#]),
            (r#"a"b c"d '' "#, &["ab cd", ""]),
            (r"it\'s '\' \ x", &["it's", r"\", " x"]),
            ("  ", &[]),
            ("'open", &["open"]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
            assert_eq!(words(&line(expected)), expected, "{text}");
        }
    }
}
