//! A command in one text, as GraphQL takes it and as RunPod stores it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

/// Splits a string into arguments by the shell's rules. One with an open quote stays whole.
fn split_command(text: &str) -> Vec<String> {
    split(text).unwrap_or_else(|| vec![text.to_owned()])
}

fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '\'' => break,
                        inner => word.push(inner),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '\\' => match rest.next()? {
                            '\n' => {}
                            escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        inner => word.push(inner),
                    }
                }
            }
            '\\' => match rest.next()? {
                '\n' => {}
                escaped => word.get_or_insert_default().push(escaped),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// Writes what GraphQL calls `dockerArgs`: one string, or a JSON object where the arguments must arrive as they are.
pub(super) fn docker_args(command: &[String], entrypoint: &[String]) -> String {
    if command.is_empty() && entrypoint.is_empty() {
        return String::new();
    }
    let parts = [("cmd", command), ("entrypoint", entrypoint)];
    let parts: BTreeMap<&str, &[String]> = parts.into_iter().filter(|(_, words)| !words.is_empty()).collect();
    json!(parts).to_string()
}

/// A command as its stored text says it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandRead {
    pub(super) command: Vec<String>,
    pub(super) entrypoint: Vec<String>,
    /// RunPod does not say how it cuts such a text into words.
    pub(super) is_guess: bool,
}

/// Reads the stored text of a command: JSON of its two halves alone, or else words of a shell.
pub(super) fn read_command(text: &str) -> CommandRead {
    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Parts {
        cmd: Option<Vec<String>>,
        entrypoint: Option<Vec<String>>,
    }
    // A list of two lists would be read as the two as well.
    let parts = text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten();
    match parts.unwrap_or_default() {
        Parts { cmd: None, entrypoint: None } => {
            // Where every word is plain, every reader finds the same ones.
            let is_guess = text.contains(|c: char| !(c.is_alphanumeric() || " _-./:,=@+%".contains(c)));
            CommandRead { command: split_command(text), entrypoint: Vec::new(), is_guess }
        }
        Parts { cmd, entrypoint } => CommandRead {
            command: cmd.unwrap_or_default(),
            entrypoint: entrypoint.unwrap_or_default(),
            is_guess: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::shell_words;

    #[test]
    fn commands_survive_joining_and_splitting() {
        let command =
            ["--model", "Qwen/Qwen3-32B-FP8", "", "it's", "a b", "$HOME \"x\"", "line\nbreak", "\\"];
        let command = command.map(str::to_owned).to_vec();
        let joined = shell_words(&command);
        assert_eq!(joined, "--model Qwen/Qwen3-32B-FP8 '' 'it'\\''s' 'a b' '$HOME \"x\"' 'line\nbreak' '\\'");
        assert_eq!(split_command(&joined), command);
    }

    #[test]
    fn strings_are_split_as_a_shell_does() {
        let table: [(&str, &[&str]); 7] = [
            ("", &[]),
            ("  a\tb  ", &["a", "b"]),
            (r#"bash -c "echo \"hi\" \n $X""#, &["bash", "-c", r#"echo "hi" \n $X"#]),
            (r"a\ b c\'d", &["a b", "c'd"]),
            ("x''y \"\"", &["xy", ""]),
            ("it's open", &["it's open"]),
            ("ends with \\", &["ends with \\"]),
        ];
        for (text, words) in table {
            assert_eq!(split_command(text), words, "{text}");
        }
    }

    #[test]
    fn docker_args_survive_as_json_and_are_read_as_a_string_too() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let text = docker_args(&words(&["-c", "it's \"x\""]), &words(&["bash"]));
        assert_eq!(text, r#"{"cmd":["-c","it's \"x\""],"entrypoint":["bash"]}"#);
        let read = |command: &[&str], entrypoint: &[&str], is_guess| CommandRead {
            command: words(command),
            entrypoint: words(entrypoint),
            is_guess,
        };
        assert_eq!(read_command(&text), read(&["-c", "it's \"x\""], &["bash"], false));
        assert_eq!(docker_args(&[], &[]), "");
        assert_eq!(read_command(""), read(&[], &[], false));
        assert_eq!(read_command("serve --port=8000 a/b"), read(&["serve", "--port=8000", "a/b"], &[], false));
        assert_eq!(read_command("a 'b c'"), read(&["a", "b c"], &[], true));
        for unclear in ["a $B", "a && b", r"a\ b", "a *", "a\nb", r#"{"cmd":["a"],"more":1}"#] {
            assert!(read_command(unclear).is_guess, "{unclear}");
        }
    }
}
