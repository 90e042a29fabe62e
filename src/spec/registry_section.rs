//! `registries`: the credentials that pods pull their images with, by an id or by where they come from.

use std::collections::BTreeMap;

use crate::model::id::RegistryId;
use crate::model::sensitive;

use super::decode::{Decoder, Fields};
use super::diagnostic::{Diagnostic, Problem};
use super::secret_section::is_name;
use super::sensitive::shown;
use super::source::Spanned;
use super::syntax::{RegistryDeclaration, Username};
use super::words;
use super::yaml::{Entry, Node, Value};

/// What an entry looks like.
const FORMS: &str = "a map such as `{ username: bot, password: { secret: ghcr } }` or `{ id: ID }`";

pub(super) fn read(
    decoder: &mut Decoder<'_>,
    node: &Node<'_>,
) -> Option<BTreeMap<String, Spanned<RegistryDeclaration>>> {
    let mut registries = BTreeMap::new();
    for entry in decoder.map(node, "a map of registries, such as `ghcr: { id: ID }`")? {
        if !is_name(decoder, entry, "a registry") {
            continue;
        }
        let Some(fields) = decoder.fields(&entry.value, &words::REGISTRY, FORMS) else { continue };
        if let Some(registry) = registry(decoder, entry, &fields) {
            let registry = Spanned { value: registry, span: entry.key_span };
            registries.insert(entry.key.clone().into_owned(), registry);
        }
    }
    Some(registries)
}

fn registry(
    decoder: &mut Decoder<'_>,
    entry: &Entry<'_>,
    fields: &Fields<'_>,
) -> Option<RegistryDeclaration> {
    if let Some(id) = fields.get("id") {
        let others = ["username", "password"].into_iter().filter_map(|key| fields.get(key));
        for other in others {
            if let (Value::Scalar(_), "password") = (&other.value.value, &*other.key) {
                decoder.hidden.push(other.value.span);
            }
            let detail = format!("credentials given by `id` are only used, so `{}` has no effect", other.key);
            let mistake = Diagnostic::at(Problem::ConflictingKeys, other.key_span, detail)
                .label(id.key_span, "given by `id` here")
                .help("delete `id` for credentials that podform stores in RunPod");
            decoder.report(mistake);
        }
        let id = fields.read("id", decoder, |decoder, node| decoder.word(node, "an id"))?;
        return Some(RegistryDeclaration::Given(id.map(RegistryId::new).value));
    }
    if !fields.meant("username") && !fields.meant("password") {
        if !fields.meant("id") && !fields.meant("delegation") {
            let detail = format!(
                "the registry {} needs `username` and `password`, or the `id` of credentials in RunPod",
                shown(&entry.key)
            );
            decoder.report(Diagnostic::at(Problem::MissingKey, entry.key_span, detail));
        }
        return None;
    }
    for (key, example) in [("username", "username: NAME"), ("password", "password: { secret: NAME }")] {
        if !fields.meant(key) {
            let detail = format!("the registry {} needs `{key}`", shown(&entry.key));
            let mistake = Diagnostic::at(Problem::MissingKey, entry.key_span, detail);
            decoder.report(mistake.help(format!("add `{example}`")));
        }
    }
    let username = fields.read("username", decoder, username);
    let password = fields.read("password", decoder, password);
    Some(RegistryDeclaration::Made { username, password })
}

fn username(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Username> {
    if let Value::Mapping(_) = &node.value {
        return reference(decoder, node).map(Username::Secret);
    }
    let name = decoder.word(node, "a name or `{ secret: NAME }`")?;
    if sensitive::is_secret_value(&name.value) {
        decoder.hidden.push(name.span);
        let mistake = Diagnostic::at(
            Problem::ExposedSecret,
            name.span,
            "the value looks like a secret, and a spec file is kept in git",
        );
        decoder.report(mistake.help("write `username: { secret: NAME }`, with `NAME` under `secrets:`"));
        return None;
    }
    Some(Username::Typed(name.value))
}

fn password(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<String>> {
    if let Value::Mapping(_) = &node.value {
        return reference(decoder, node);
    }
    if node.is_unfilled() {
        return None;
    }
    decoder.hidden.push(node.span);
    let mistake = Diagnostic::at(
        Problem::ExposedSecret,
        node.span,
        "a password does not stand in a spec file, which is kept in git",
    )
    .help("write `password: { secret: NAME }`, with `NAME: { env: NAME }` under `secrets:`");
    decoder.report(mistake);
    None
}

/// Reads the name of a secret; whether there is one is asked once all of the spec is read.
fn reference(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<String>> {
    let fields = decoder.fields(node, &words::REGISTRY_VALUE, "`{ secret: NAME }`")?;
    if fields.lacks("secret") {
        let detail = "where the value comes from is written `{ secret: NAME }`";
        decoder.report(Diagnostic::at(Problem::MissingKey, node.span, detail));
    }
    fields.read("secret", decoder, |decoder, node| decoder.word(node, "the name of a secret"))
}
