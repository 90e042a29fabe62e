//! `secrets`: where values are, never the values.

use std::collections::BTreeMap;

use crate::model::secret::{self, SecretSource};

use super::decode::Decoder;
use super::diagnostic::{Diagnostic, Problem, listed};
use super::forms;
use super::interpolate::is_variable_name;
use super::sensitive::shown;
use super::source::Spanned;
use super::syntax::SecretDeclaration;
use super::words;
use super::yaml::{Entry, Node, Value};

/// The longest name of a secret or registry.
const MAX_NAME: usize = 64;

pub(super) fn read(
    decoder: &mut Decoder<'_>,
    node: &Node<'_>,
) -> Option<BTreeMap<String, Spanned<SecretDeclaration>>> {
    let mut secrets = BTreeMap::new();
    for entry in decoder.map(node, "a map of secrets, such as `hf_token: { env: HF_TOKEN }`")? {
        if !is_name(decoder, entry, "a secret") {
            continue;
        }
        if entry.value.is_unfilled() {
            continue;
        }
        if let Value::Scalar(_) = &entry.value.value {
            decoder.hidden.push(entry.value.span);
            let mistake = Diagnostic::at(
                Problem::WrongType,
                entry.key_span,
                "expected `{ env: NAME }`, `{ file: PATH }` or `{ runpod: NAME }`",
            )
            .help("a spec file is kept in git, so it says where the value is, never the value");
            decoder.report(mistake);
            continue;
        }
        if let Some(source) = secret(decoder, &entry.value) {
            secrets.insert(entry.key.clone().into_owned(), Spanned { value: source, span: entry.key_span });
        }
    }
    Some(secrets)
}

/// Checks the name of a secret or registry.
pub(super) fn is_name(decoder: &mut Decoder<'_>, entry: &Entry<'_>, of: &str) -> bool {
    let legal = entry.key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if legal && !entry.key.is_empty() && entry.key.len() <= MAX_NAME {
        return true;
    }
    let detail = format!("{} is no name of {of}: letters, digits, `_` and `-`", shown(&entry.key));
    decoder.report(Diagnostic::at(Problem::InvalidName, entry.key_span, detail));
    false
}

fn secret(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<SecretDeclaration> {
    let fields = decoder.fields(node, &words::SECRET, "a map such as `{ env: HF_TOKEN }`")?;
    let sources = ["env", "file", "runpod"];
    let given: Vec<&str> = sources.into_iter().filter(|key| fields.has(key)).collect();
    if given.is_empty() && !fields.lacks("env") {
        return None;
    }
    let [only] = given.as_slice() else {
        let mistake = if given.is_empty() {
            Diagnostic::at(Problem::MissingKey, node.span, "a secret needs one of `env`, `file` and `runpod`")
        } else {
            let detail = format!("a secret has one source, not {}", listed(&given, "and"));
            let mistake = Diagnostic::at(Problem::ConflictingKeys, node.span, detail);
            if given.contains(&"runpod") {
                mistake
                    .help("`{ runpod: NAME, from: { env: NAME } }` is a secret that podform makes in RunPod")
            } else {
                mistake
            }
        };
        decoder.report(mistake);
        return None;
    };
    if let Some(entry) = fields.get("from").filter(|_| *only != "runpod") {
        let detail = format!("`from` belongs to `runpod`, and `{only}` is where the value is already");
        decoder.report(Diagnostic::at(Problem::ConflictingKeys, entry.key_span, detail));
        return None;
    }
    let value = fields.read(only, decoder, |decoder, node| decoder.word(node, "a text"))?;
    match *only {
        "env" => secret_from_environment(decoder, value).map(SecretDeclaration::Read),
        "file" => secret_from_file(decoder, value).map(SecretDeclaration::Read),
        _ => {
            let name = secret_in_runpod(decoder, value)?;
            let from = match fields.has("from") {
                true => Some(fields.read("from", decoder, source)?),
                false => None,
            };
            Some(SecretDeclaration::Runpod { name, from })
        }
    }
}

/// Reads where the value of a secret is that podform makes in RunPod.
fn source(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<SecretSource> {
    // What stands there in place of a map may be the value itself.
    if let Value::Scalar(_) = &node.value {
        decoder.hidden.push(node.span);
    }
    let fields = decoder.fields(node, &words::SECRET_SOURCE, "a map such as `{ env: HF_TOKEN }`")?;
    let word = |decoder: &mut Decoder<'_>, node: &Node<'_>| decoder.word(node, "a text");
    match (fields.has("env"), fields.has("file")) {
        (true, false) => {
            let name = fields.read("env", decoder, word)?;
            secret_from_environment(decoder, name)
        }
        (false, true) => {
            let path = fields.read("file", decoder, word)?;
            secret_from_file(decoder, path)
        }
        (false, false) | (true, true) => {
            let detail = "the value comes from one of `env` and `file`";
            decoder.report(Diagnostic::at(Problem::MissingKey, node.span, detail));
            None
        }
    }
}

fn secret_from_environment(decoder: &mut Decoder<'_>, name: Spanned<String>) -> Option<SecretSource> {
    if name.value == "RUNPOD_API_KEY" {
        let mistake =
            Diagnostic::at(Problem::ExposedSecret, name.span, "the account's own key never goes into a pod")
                .help("make a key with fewer rights for the pod and give it under another name");
        decoder.report(mistake);
        return None;
    }
    if let Some(owner) = SecretSource::owner_of(&name.value) {
        let detail = format!("`{}` belongs to {owner} and never goes into a pod", name.value);
        let mistake = Diagnostic::at(Problem::ExposedSecret, name.span, detail)
            .help("give the pod a value of its own, in a variable of another name");
        decoder.report(mistake);
        return None;
    }
    if !is_variable_name(&name.value) {
        let detail = format!("{} is no name of an environment variable", shown(&name.value));
        decoder.report(Diagnostic::at(Problem::InvalidName, name.span, detail));
        return None;
    }
    Some(SecretSource::Env(name.value))
}

fn secret_from_file(decoder: &mut Decoder<'_>, path: Spanned<String>) -> Option<SecretSource> {
    // A checkout leaves the token of the job there.
    if path.value.split('/').any(|part| part.eq_ignore_ascii_case(".git")) {
        let mistake = Diagnostic::at(
            Problem::ExposedSecret,
            path.span,
            "what git keeps in `.git` never goes into a pod",
        )
        .help("copy the value to a file of its own, such as one below `.secrets/`");
        decoder.report(mistake);
        return None;
    }
    if !forms::is_inside_working_directory(&path.value) {
        let detail = format!("{} is outside of the working directory", shown(&path.value));
        let mistake = Diagnostic::at(Problem::InvalidValue, path.span, detail)
            .help("a spec from somebody else could send any file of yours to a pod; copy it to `.secrets/`");
        decoder.report(mistake);
        return None;
    }
    Some(SecretSource::File(path.value))
}

fn secret_in_runpod(decoder: &mut Decoder<'_>, name: Spanned<String>) -> Option<String> {
    if !secret::may_be_in_account(&name.value) {
        let detail = format!("{} is no name of a RunPod secret", shown(&name.value));
        let bare = name.value.trim_matches(['{', '}', ' ']).trim_start_matches("RUNPOD_SECRET_").to_owned();
        let mistake = Diagnostic::at(Problem::InvalidName, name.span, detail);
        decoder.report(if secret::may_be_in_account(&bare) {
            mistake.fix(name.span, bare, "write")
        } else {
            mistake.help("letters, digits, `_`, `.`, `-` and `/`, at most 191, beginning with a letter or `_`, not with `RUNPOD`")
        });
        return None;
    }
    Some(name.value)
}
