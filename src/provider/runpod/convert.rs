//! What the three APIs have in common once their wire types are taken apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::catalog::Stock;
use crate::model::id::{CountryCode, EnvKey};
use crate::model::marker::{MARKER_KEY, Marker};
use crate::model::money::{Hourly, Price};
use crate::model::pod::{Cloud, Port, Protocol};
use crate::model::secret::Secret;

/// Takes the marker out of an environment. What stands in its place but is no marker of ours stays.
pub(super) fn take_marker(env: &mut BTreeMap<EnvKey, Secret<String>>) -> Option<Marker> {
    let key = EnvKey::new(MARKER_KEY);
    let marker = env.get(&key)?.expose().parse().ok()?;
    env.remove(&key);
    Some(marker)
}

/// Reads a port such as `8000/http`; a bare number is HTTP, as the console shows it.
pub(super) fn port(text: &str) -> Option<Port> {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "http"));
    let protocol = match protocol.trim().to_ascii_lowercase().as_str() {
        "http" => Protocol::Http,
        "tcp" => Protocol::Tcp,
        _ => return None,
    };
    Some(Port { number: number.trim().parse().ok()?, protocol })
}

/// Reads ports; `None` if one cannot be read, since a list without it would show as a difference.
pub(super) fn ports<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<BTreeSet<Port>> {
    texts.into_iter().filter(|text| !text.trim().is_empty()).map(port).collect()
}

/// Joins arguments into one string that a POSIX shell would split into the same arguments.
pub(super) fn join_command(words: &[String]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Splits a string into arguments by the shell's rules. One with an open quote stays whole.
pub(super) fn split_command(text: &str) -> Vec<String> {
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

/// Reads a price an hour. RunPod writes 0 and null for prices that it does not publish.
pub(super) fn price(dollars: Option<f64>) -> Price {
    dollars.and_then(Hourly::from_dollars).map_or(Price::Unknown, Price::Known)
}

/// Reads a cloud; a new one is not known here.
pub(super) fn cloud(word: &str) -> Option<Cloud> {
    match word {
        "SECURE" => Some(Cloud::Secure),
        "COMMUNITY" => Some(Cloud::Community),
        _ => None,
    }
}

/// Writes a cloud.
pub(super) fn cloud_word(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Secure => "SECURE",
        Cloud::Community => "COMMUNITY",
    }
}

/// Reads a level of stock, `HIGH` on REST and `High` on GraphQL. A new level is taken for one not asked about.
pub(super) fn stock(word: &str) -> Stock {
    match word.to_ascii_uppercase().as_str() {
        "NONE" => Stock::None,
        "LOW" => Stock::Low,
        "MEDIUM" => Stock::Medium,
        "HIGH" => Stock::High,
        _ => Stock::NotAsked,
    }
}

/// Takes the country from the id of a data center: `US-TX-3` starts with it, `EU-RO-1` has it behind the continent.
pub(super) fn country(data_center: &str) -> Option<CountryCode> {
    const CONTINENTS: [&str; 8] = ["EU", "AP", "OC", "NA", "SA", "AF", "AS", "ME"];
    let is_code = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_uppercase());
    let mut parts = data_center.split('-');
    let first = parts.next()?;
    let code =
        if is_code(&first) && !CONTINENTS.contains(&first) { first } else { parts.next().filter(is_code)? };
    Some(CountryCode::new(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_survive_joining_and_splitting() {
        let command =
            ["--model", "Qwen/Qwen3-32B-FP8", "", "it's", "a b", "$HOME \"x\"", "line\nbreak", "\\"];
        let command = command.map(str::to_owned).to_vec();
        let joined = join_command(&command);
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
    fn countries_are_taken_from_ids_of_data_centers() {
        let table = [
            ("EU-RO-1", Some("RO")),
            ("EUR-IS-3", Some("IS")),
            ("US-TX-3", Some("US")),
            ("CA-MTL-1", Some("CA")),
            ("AP-JP-1", Some("JP")),
            ("OC-AU-1", Some("AU")),
            ("SEA-SG-1", Some("SG")),
            ("MOON", None),
        ];
        for (id, code) in table {
            assert_eq!(country(id), code.map(CountryCode::new), "{id}");
        }
    }

    #[test]
    fn ports_are_read_in_every_spelling() {
        let tcp = Port { number: 22, protocol: Protocol::Tcp };
        let http = Port { number: 8888, protocol: Protocol::Http };
        assert_eq!(ports(["22/tcp", " 8888/HTTP"]), Some(BTreeSet::from([tcp, http])));
        assert_eq!(ports(["8888", ""]), Some(BTreeSet::from([http])));
        assert_eq!(ports(["53/udp"]), None);
    }

    #[test]
    fn only_a_readable_marker_is_taken_out() {
        let key = EnvKey::new(MARKER_KEY);
        let mut env = BTreeMap::from([(key.clone(), Secret::new("acme/llm/0123456789abcdef".to_owned()))]);
        let marker = take_marker(&mut env).map(|marker| marker.to_string());
        assert_eq!((marker.as_deref(), env.len()), (Some("acme/llm/0123456789abcdef"), 0));
        env.insert(key, Secret::new("hand-made".to_owned()));
        assert_eq!((take_marker(&mut env), env.len()), (None, 1));
    }
}
