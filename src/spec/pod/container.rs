//! What runs in a pod: its name, image, arguments, ports and labels.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::pod::{Port, Protocol};
use crate::model::sensitive;

use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::dollars::{self, Dollar};
use crate::spec::forms::{self, Misread};
use crate::spec::image;
use crate::spec::interpolate::Text;
use crate::spec::sensitive::shown;
use crate::spec::source::{Span, Spanned};
use crate::spec::yaml::{Node, Value};

/// RunPod's longest pod name.
pub(in crate::spec) const MAX_NAME: usize = 191;

/// RunPod proxies at most this many HTTP ports of a pod.
const MAX_HTTP_PORTS: usize = 10;

pub(super) fn name(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Text>> {
    let name = decoder.text(node, "a text")?;
    let length = name.value.raw().chars().count();
    if length > MAX_NAME {
        let detail = format!("a name has at most {MAX_NAME} characters, and this has {length}");
        decoder.report(Diagnostic::at(Problem::InvalidName, name.span, detail));
        return None;
    }
    dollars::check(decoder, name.span, &BTreeSet::new());
    Some(name)
}

pub(super) fn image(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Text>> {
    let image = decoder.text(node, "an image such as `vllm/vllm-openai:v0.19.1`")?;
    let text = image.value.for_replica(Some(0));
    if text.contains('$') {
        unfilled_image(decoder, &text, image.span);
        return None;
    }
    let Err(misread) = image::check(&text) else {
        return Some(image);
    };
    let misread = match decoder.empty_variables(image.span) {
        Some(empty) => Misread::new(misread.detail).help(empty),
        None => misread,
    };
    decoder.misread(Problem::InvalidValue, image.span, misread);
    None
}

/// Reports a dollar in an image. No registry has one, so it is a variable that was written as a shell has it.
fn unfilled_image(decoder: &mut Decoder<'_>, text: &str, span: Span) {
    let found = dollars::dollars(text).into_iter().find_map(|(_, dollar)| match dollar {
        Dollar::Name(name) => Some(name),
        Dollar::Doubled => None,
    });
    let Some(name) = found else {
        return decoder.report(Diagnostic::at(Problem::InvalidValue, span, "an image has no `$`"));
    };
    let detail = format!("`${name}` is not filled in: only `${{{name}}}` is");
    let mistake = Diagnostic::at(Problem::InvalidValue, span, detail);
    let near = decoder.log.closest(name, decoder.variables.keys().map(String::as_str));
    let mistake = match near {
        Some(near) if decoder.sources.slice(span).contains(text) => {
            mistake.fix(span, text.replace(&format!("${name}"), &format!("${{{near}}}")), "write")
        }
        Some(near) => mistake.help(format!("write `${{{near}}}`")),
        None => mistake.help(format!(
            "write `${{{name}}}`, and define `{name}` under `vars:` or give `--var {name}=VALUE`"
        )),
    };
    decoder.report(mistake);
}

/// Reads `command` and `entrypoint`. A shell in the pod knows the variables of its `env`.
pub(super) fn arguments<'n>(
    decoder: &mut Decoder<'_>,
    node: &'n Node<'n>,
    env: &BTreeSet<&str>,
) -> Option<Spanned<Vec<Text>>> {
    let wanted = "a list of arguments, such as `[\"--port\", \"8000\"]`";
    if let Value::Scalar(scalar) = &node.value {
        let words: Vec<String> = scalar.text.split_whitespace().map(|word| format!("{word:?}")).collect();
        let mistake = Diagnostic::at(
            Problem::WrongType,
            node.span,
            format!("expected {wanted}, found {}", node.kind()),
        );
        let simple = scalar.text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
            && !scalar.text.contains(['"', '\'', '\\'])
            && !words.is_empty()
            && !sensitive::is_secret_value(&scalar.text);
        decoder.report(if simple {
            mistake.fix(node.span, format!("[{}]", words.join(", ")), "write")
        } else {
            mistake.help("a shell script is written `[bash, -c, \"first && second\"]`")
        });
        return None;
    }
    let mut previous: Option<&str> = None;
    decoder.items(node, wanted, |decoder, item| {
        let argument = decoder.verbatim(item, "a text")?;
        let judged = argument.value.judged();
        let text = judged.as_deref().unwrap_or_default();
        let option = previous.replace(item.text());
        if sensitive::is_secret_value(text) || sensitive::is_secret_argument(option, text) {
            exposed(decoder, argument.span, "arguments are stored, and shown in plans");
            return None;
        }
        dollars::check(decoder, argument.span, env);
        if let Some(option) = joined(text).filter(|_| option.is_none_or(|before| !takes_a_script(before))) {
            let detail = "this is one argument with a blank in it";
            decoder.report(
                Diagnostic::at(Problem::JoinedArguments, argument.span, detail)
                    .help(format!("write `{option}` and its value as two items of the list")),
            );
        }
        drop(judged);
        Some(argument.value)
    })
}

/// Returns the option of a text such as `--port 8000`, which no program takes for an option and a value.
fn joined(argument: &str) -> Option<&str> {
    let (option, value) = argument.split_once(' ')?;
    let name = option.trim_start_matches('-');
    let is_option = matches!(option.len() - name.len(), 1 | 2)
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (is_option && !value.trim().is_empty()).then_some(option)
}

/// Tells whether the next argument is a script: `-c` of shells and of Python, alone or with other letters.
fn takes_a_script(option: &str) -> bool {
    option.strip_prefix('-').is_some_and(|letters| !letters.starts_with('-') && letters.ends_with('c'))
}

/// Refuses a secret in a place from which it would get into plans and the state.
fn exposed(decoder: &mut Decoder<'_>, span: Span, detail: &str) {
    decoder.hidden.push(span);
    let mistake = Diagnostic::at(Problem::ExposedSecret, span, detail)
        .help("give it in `env:` as `{ secret: NAME }`, and let the program in the image read it there");
    decoder.report(mistake);
}

pub(super) fn ports(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<BTreeSet<Port>>> {
    let wanted = "a list such as `[8000/http, 22/tcp]`";
    let wanted_item = "a port such as `8000/http`";
    let ports = decoder.items(node, wanted, |decoder, item| {
        decoder.form(item, wanted_item, Problem::InvalidPort, forms::port)
    })?;
    let mut first: BTreeMap<Port, Span> = BTreeMap::new();
    for port in &ports.value {
        if let Some(place) = first.get(&port.value) {
            let detail = format!("`{}` stands here for the second time", port.value);
            let mistake = Diagnostic::at(Problem::InvalidPort, port.span, detail).label(*place, "first here");
            decoder.report(mistake);
        }
        first.entry(port.value).or_insert(port.span);
    }
    let mut http = ports.value.iter().filter(|port| port.value.protocol == Protocol::Http);
    if let Some(excess) = http.nth(MAX_HTTP_PORTS) {
        let detail = format!("RunPod proxies at most {MAX_HTTP_PORTS} HTTP ports of a pod");
        decoder.report(Diagnostic::at(Problem::InvalidPort, excess.span, detail));
    }
    Some(ports.map(|ports| ports.into_iter().map(|port| port.value).collect()))
}

pub(super) fn labels(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<BTreeMap<String, Text>>> {
    let mut labels = BTreeMap::new();
    for entry in decoder.map(node, "a map such as `team: inference`")? {
        let legal = !entry.key.is_empty() && !entry.key.chars().any(|c| c.is_control() || c.is_whitespace());
        if !legal || entry.key.len() > 64 {
            let detail = format!("{} is no name of a label", shown(&entry.key));
            decoder.report(Diagnostic::at(Problem::InvalidName, entry.key_span, detail));
            continue;
        }
        if let Some(value) = decoder.verbatim(&entry.value, "a text") {
            if sensitive::is_secret_value(value.value.raw()) {
                exposed(decoder, value.span, "labels are stored, and shown in plans");
                continue;
            }
            dollars::check(decoder, value.span, &BTreeSet::new());
            labels.insert(entry.key.clone().into_owned(), value.value);
        }
    }
    Some(Spanned { value: labels, span: node.span })
}
