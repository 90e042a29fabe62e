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
    let given: Vec<&str> = words::SECRET.keys.iter().copied().filter(|key| fields.has(key)).collect();
    if given.is_empty() && !fields.lacks("env") {
        return None;
    }
    let [only] = given.as_slice() else {
        let mistake = if given.is_empty() {
            Diagnostic::at(Problem::MissingKey, node.span, "a secret needs one of `env`, `file` and `runpod`")
        } else {
            let detail = format!("a secret has one source, not {}", listed(&given, "and"));
            Diagnostic::at(Problem::ConflictingKeys, node.span, detail)
        };
        decoder.report(mistake);
        return None;
    };
    let value = fields.read(only, decoder, |decoder, node| decoder.word(node, "a text"))?;
    match *only {
        "env" => secret_from_environment(decoder, value),
        "file" => secret_from_file(decoder, value),
        _ => secret_in_runpod(decoder, value),
    }
}

fn secret_from_environment(decoder: &mut Decoder<'_>, name: Spanned<String>) -> Option<SecretDeclaration> {
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
    Some(SecretDeclaration::Env(name.value))
}

fn secret_from_file(decoder: &mut Decoder<'_>, path: Spanned<String>) -> Option<SecretDeclaration> {
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
    Some(SecretDeclaration::File(path.value))
}

fn secret_in_runpod(decoder: &mut Decoder<'_>, name: Spanned<String>) -> Option<SecretDeclaration> {
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
    Some(SecretDeclaration::Runpod(name.value))
}
