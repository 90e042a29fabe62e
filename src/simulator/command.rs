//! Command lines as one string and as words, quoted as a POSIX shell does.

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
