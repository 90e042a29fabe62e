//! Keys of other pods that stand where the name of a host does, as compose files have them.

use std::collections::BTreeSet;

use crate::model::address::{Address, Key};

use super::diagnostic::{Collector, Diagnostic, Problem};
use super::pod::{EnvSyntax, Pod};
use super::references::{NEEDS_GPUS, can_be_in_network, form, lasts, url};
use super::source::Span;
use super::syntax::Spec;

/// What is spoken over a network. Behind others, such as `s3:`, stands the name of something else.
const SCHEMES: [&str; 15] = [
    "http",
    "https",
    "ws",
    "wss",
    "tcp",
    "grpc",
    "redis",
    "rediss",
    "amqp",
    "nats",
    "postgres",
    "postgresql",
    "mysql",
    "mongodb",
    "ray",
];

/// Warns of them in the variables and the command of a pod.
pub(super) fn warn(spec: &Spec, own: &Key, pod: &Pod, log: &mut Collector) {
    let variables = pod.env.iter().flat_map(|env| env.value.values());
    let variables = variables.filter_map(|value| match &value.value {
        EnvSyntax::Literal(text) => Some((text, value.span)),
        EnvSyntax::LiteralSecret(text) => Some((text.expose(), value.span)),
        EnvSyntax::Secret(_) | EnvSyntax::Absent => None,
    });
    let words = pod.command.iter().flat_map(|words| words.value.iter().map(|word| (word, words.span)));
    let mut told = BTreeSet::new();
    for (text, span) in variables.chain(words) {
        for key in hosts(text.raw()).into_iter().filter_map(|host| host.parse::<Key>().ok()) {
            let Some(other) = spec.pods.get(&key).filter(|_| key != *own) else { continue };
            if told.insert((key.clone(), span)) {
                log.push(called_by_key(pod, &key, other, span));
            }
        }
    }
}

/// Returns what stands in a text as the name of a host: with a port, or alone in the URL of a network protocol.
fn hosts(text: &str) -> Vec<&str> {
    let at = text.match_indices('@').map(|(at, _)| &text[at + 1..]);
    let of_urls = text.match_indices("//").filter_map(|(at, _)| in_url(&text[..at], &text[at + 2..]));
    at.filter_map(with_port).chain(of_urls).chain(words(text).filter_map(alone_with_port)).collect()
}

fn in_url<'t>(before: &str, rest: &'t str) -> Option<&'t str> {
    let end = rest.find(|c: char| !is_of_authority(c)).unwrap_or(rest.len());
    let after_user = rest[..end].rfind('@').map_or(0, |at| at + 1);
    let host = &rest[after_user..];
    let (name, after) = name(host)?;
    let scheme = before.strip_suffix(':').unwrap_or_default();
    let scheme = scheme.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let is_alone = !after.starts_with(is_of_authority);
    with_port(host).or((is_alone && SCHEMES.contains(&scheme)).then_some(name))
}

/// Tells whether a character can stand in what a URL says of user, host and port.
fn is_of_authority(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '/' | '?' | '#' | ',' | ';' | '"' | '\'' | ')' | '|')
}

fn with_port(text: &str) -> Option<&str> {
    let (name, after) = name(text)?;
    after.strip_prefix(':')?.starts_with(|c: char| c.is_ascii_digit()).then_some(name)
}

/// Splits a text behind the name with which it begins.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Returns what stands between blanks, commas, quotes and the like.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '=' | '"' | '\'' | '(' | ')' | '|'))
}

/// Without a scheme only a whole number of two to five digits is taken for a port: the tag of an image looks like one.
fn alone_with_port(word: &str) -> Option<&str> {
    let (name, after) = name(word)?;
    let port = after.strip_prefix(':')?;
    let port = port.split_once('/').map_or(port, |(port, _)| port);
    let is_port = (2..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    is_port.then_some(name)
}

fn called_by_key(own: &Pod, key: &Key, other: &Pod, span: Span) -> Diagnostic {
    let detail = format!("`{key}` is a pod here, and pods do not find each other by their keys");
    let number = other.replicas().and_then(|replicas| replicas.numbers().next());
    let pod = match number {
        Some(number) => Address::replica(key.clone(), number),
        None => Address::pod(key.clone()),
    };
    let host = form(&pod, "host");
    let help = match (lasts(&pod, other), url(&pod, other), can_be_in_network([own, other])) {
        (Err((why, help)), _, _) => format!("{why}; {help}"),
        (Ok(()), Some((url, what)), true) => format!(
            "write `{url}`, {what}, for scheme, host and port; with `global_networking: true` on both pods, `{host}` \
             for the host alone"
        ),
        (Ok(()), Some((url, what)), false) => format!("write `{url}`, {what}, for scheme, host and port"),
        (Ok(()), None, true) => format!(
            "write `{host}` for the host, with `global_networking: true` on both pods; it publishes no HTTP port, so it \
             has no URL"
        ),
        (Ok(()), None, false) => format!(
            "it publishes no HTTP port, so it has no URL, and {NEEDS_GPUS}; a public TCP port changes at each start, and \
             `podform output` prints it"
        ),
    };
    Diagnostic::at(Problem::HardWiredPod, span, detail).help(help)
}
