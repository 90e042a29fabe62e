//! The variables of a pod.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::EnvKey;
use crate::model::marker::MARKER_KEY;
use crate::model::secret::Secret;
use crate::model::sensitive;

use crate::spec::config::HIDDEN;
use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::dollars;
use crate::spec::interpolate::{Text, is_variable_name};
use crate::spec::sensitive::shown;
use crate::spec::source::Spanned;
use crate::spec::words;
use crate::spec::yaml::{Node, Value};

/// RunPod takes 50 variables; two are left for the marker of podform and for `PUBLIC_KEY`.
pub(in crate::spec) const MAX_ENV: usize = 48;

/// The variables of a pod, each with the place of its name.
pub(in crate::spec) type Env = BTreeMap<EnvKey, Spanned<EnvSyntax>>;

/// How the value of a variable was given.
#[derive(Clone, Debug)]
pub(in crate::spec) enum EnvSyntax {
    /// `KEY: value`
    Literal(Text),
    /// `KEY: value`, and key or value look like a secret.
    LiteralSecret(Secret<Text>),
    /// `KEY: { secret: NAME }`
    Secret(Spanned<String>),
    /// `KEY: null`: there is to be no such variable.
    Absent,
}

pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Env>> {
    let wanted = "a map such as `KEY: value`";
    if let Value::Sequence(_) = &node.value {
        let mistake =
            Diagnostic::at(Problem::WrongType, node.span, format!("expected {wanted}, found a list"));
        decoder.report(mistake.help("write `KEY: value` in place of `- KEY=value`"));
        return None;
    }
    let entries = decoder.map(node, wanted)?;
    let mut env = Env::new();
    for entry in entries {
        let key = Spanned { value: EnvKey::new(&*entry.key), span: entry.key_span };
        if !is_variable_name(&entry.key) || entry.key == MARKER_KEY {
            let detail = match &*entry.key {
                MARKER_KEY => {
                    format!("`{MARKER_KEY}` is how podform finds its pods again, and it sets it itself")
                }
                other => format!("{} is no name of a variable: letters, digits and `_`", shown(other)),
            };
            decoder.report(Diagnostic::at(Problem::InvalidName, entry.key_span, detail));
            continue;
        }
        if let Some(value) = env_value(decoder, &key, &entry.value) {
            env.insert(key.value, Spanned { value, span: key.span });
        }
    }
    let mut present = entries.iter().filter(|entry| !entry.value.is_null());
    if let Some(first_too_many) = present.nth(MAX_ENV) {
        let number = MAX_ENV + 1 + present.count();
        let detail = format!("a pod has at most {MAX_ENV} variables, and this has {number}");
        decoder.report(
            Diagnostic::at(Problem::InvalidValue, first_too_many.key_span, detail)
                .help("RunPod takes 50, of which podform and SSH need one each"),
        );
    }
    Some(Spanned { value: env, span: node.span })
}

fn env_value(decoder: &mut Decoder<'_>, key: &Spanned<EnvKey>, node: &Node<'_>) -> Option<EnvSyntax> {
    if let Value::Mapping(_) = &node.value {
        let fields = decoder.fields(node, &words::ENV_VALUE, "a text or `{ secret: NAME }`")?;
        if fields.lacks("secret") {
            let detail = format!("the value of `{}` is a text or `{{ secret: NAME }}`", key.value);
            decoder.report(
                Diagnostic::at(Problem::MissingKey, node.span, detail)
                    .help("quote a text that begins with `{`, such as `\"{{ RUNPOD_SECRET_name }}\"`"),
            );
        }
        let name = fields.read("secret", decoder, |d, node| d.word(node, "the name of a secret"))?;
        return Some(EnvSyntax::Secret(name));
    }
    if node.is_null() {
        return absent(decoder, key, node);
    }
    let value = decoder.verbatim(node, "a text or `{ secret: NAME }`")?;
    let text = value.value.raw();
    if text == HIDDEN {
        let detail = format!("`podform config` hid the value of `{}`", key.value);
        decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, detail));
        return None;
    }
    let judged = value.value.judged();
    if !judged.is_some_and(|text| sensitive::is_secret_beside_references(key.value.as_str(), &text)) {
        dollars::check(decoder, value.span, &BTreeSet::new());
        return Some(EnvSyntax::Literal(value.value));
    }
    decoder.hidden.push(value.span);
    if value.value.holds_references() {
        let detail = format!("`{}` looks like a secret, and a secret cannot refer to a pod", key.value);
        let mistake = Diagnostic::at(Problem::InvalidReference, key.span, detail);
        decoder.report(mistake.help("give the secret and the reference a variable each"));
        return None;
    }
    let detail = format!("`{}` is kept out of plans, state and logs, but not out of this file", key.value);
    let help = format!(
        "write `{}: {{ secret: NAME }}`, with `NAME: {{ env: {} }}` under `secrets:`",
        key.value, key.value
    );
    decoder.report(Diagnostic::at(Problem::LiteralSecret, key.span, detail).help(help));
    Some(EnvSyntax::LiteralSecret(Secret::new(value.value)))
}

/// Reads a variable that is to be absent. A forgotten value looks nearly the same, so it has to be written out.
fn absent(decoder: &mut Decoder<'_>, key: &Spanned<EnvKey>, node: &Node<'_>) -> Option<EnvSyntax> {
    let name = &key.value;
    if decoder.sources.slice(node.span).trim().is_empty() {
        let mistake = Diagnostic::at(Problem::WrongType, key.span, format!("`{name}` has no value"));
        decoder.report(
            mistake.help("write `\"\"` for an empty text, or `null` if the pod is to have no such variable"),
        );
        return None;
    }
    if name.is_of_the_platform() {
        let detail = format!("RunPod itself puts `{name}` into pods, so it cannot be kept out");
        decoder.report(Diagnostic::at(Problem::InvalidValue, key.span, detail).help("delete the line"));
        return None;
    }
    Some(EnvSyntax::Absent)
}
