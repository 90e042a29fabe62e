//! When a pod counts as ready, and when it is given up as it never ran.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::ready::{Boot, OnNoBoot, Probe, Ready};
use crate::model::seconds::Seconds;
use crate::model::sensitive;
use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::forms;
use crate::spec::source::{Span, Spanned};
use crate::spec::words;
use crate::spec::yaml::Node;

use super::placement::is_empty_list;
use super::retry::span;

/// The longest text that is looked for in a log.
const LONGEST_TEXT: usize = 1_000;
/// What may be asked, of which one is chosen.
const PROBES: [&str; 3] = ["http", "tcp", "log"];

/// Reads `ready`; beside what it says, where the probe itself stands.
pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Spanned<Ready>>> {
    let fields = decoder.fields(node, &words::READY, "a map such as `{ http: 8000/health }`")?;
    // One without a value is told of as such.
    let given = |name| fields.get(name).filter(|entry| !entry.value.is_null());
    let typed: BTreeMap<&str, Span> =
        PROBES.into_iter().filter_map(|name| Some((name, given(name)?.key_span))).collect();
    if typed.is_empty() && PROBES.iter().all(|name| fields.lacks(name)) {
        let mistake = Diagnostic::at(Problem::MissingKey, node.span, "`ready` does not say what is asked");
        decoder
            .report(mistake.help("write `http: 8000/health`, `tcp: 22` or `log: \"a line that it writes\"`"));
    }
    if let Some((first, second)) = typed.values().next().zip(typed.values().nth(1)) {
        let (first, second) = (*first.min(second), *first.max(second));
        let mistake = Diagnostic::at(Problem::ConflictingKeys, second, "one thing is asked of a pod");
        decoder.report(mistake.label(first, "the first one").help("keep one of `http`, `tcp` and `log`"));
    }
    let http = fields.read("http", decoder, |d, node| {
        d.form(node, "a port and a path, such as `8000/health`", Problem::InvalidValue, forms::http_probe)
    });
    let tcp = fields.read("tcp", decoder, |d, node| {
        d.form(node, "a port such as `22`", Problem::InvalidPort, forms::tcp_probe)
    });
    let log = fields.read("log", decoder, text);
    let within = fields.read("within", decoder, within).map_or(Ready::WITHIN, |within| within.value);
    let status = fields.read("status", decoder, |decoder, node| {
        decoder.items(node, "a list such as `[200, 401]`", |d, item| d.integer(item, 200..=599))
    });
    if let (Some(status), false) = (given("status"), typed.contains_key("http"))
        && !typed.is_empty()
    {
        let detail = "only the answer to `http` has a status";
        decoder.report(Diagnostic::at(Problem::ConflictingKeys, status.key_span, detail));
    }
    if let Some(status) = fields.get("status").filter(|status| is_empty_list(&status.value)) {
        let detail = "an empty list takes no answer";
        let mistake = Diagnostic::at(Problem::InvalidValue, status.value.span, detail);
        decoder.report(mistake.help("without `status`, all answers from 200 to 399 are taken"));
    }
    let statuses = status.into_iter().flat_map(|status| status.value).map(|status| status.value as u16);
    let statuses: BTreeSet<u16> = statuses.collect();
    let probe = match (http, tcp, log) {
        (Some(Spanned { value: (port, path), span }), _, _) => {
            Spanned { value: Probe::Http { port, path, statuses }, span }
        }
        (None, Some(tcp), _) => tcp.map(|port| Probe::Tcp { port }),
        (None, None, Some(log)) => log.map(|text| Probe::Log { text }),
        (None, None, None) => return None,
    };
    Some(Spanned { value: probe.map(|probe| Ready { probe, within }), span: node.span })
}

/// Reads the text of a line. It is stored and shown, and every line that has an empty one would do.
fn text(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<String>> {
    let text = decoder.word(node, "a part of a line that the container writes")?;
    let detail = match text.value.as_str() {
        "" => "every line has an empty text",
        value if value.contains(['\n', '\r']) => {
            "this has more than one line, and lines are looked at one by one"
        }
        value if value.len() > LONGEST_TEXT => "this is longer than 1000 bytes",
        value if sensitive::is_secret_value(value) => {
            decoder.hidden.push(text.span);
            let mistake =
                Diagnostic::at(Problem::ExposedSecret, text.span, "this is stored, and shown in plans");
            decoder.report(mistake.help("name another part of the line"));
            return None;
        }
        _ => return Some(text),
    };
    decoder.report(Diagnostic::at(Problem::InvalidValue, text.span, detail));
    None
}

/// Reads `boot`.
pub(super) fn boot(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Boot>> {
    let fields =
        decoder.fields(node, &words::BOOT, "a map such as `{ within: 8m, else: next_candidate }`")?;
    decoder.need_all(&fields, &words::BOOT, Some("write `boot: { within: 8m, else: next_candidate }`"));
    let choices = [OnNoBoot::NextCandidate, OnNoBoot::Fail].map(|choice| (choice.word(), choice));
    let within = fields.read("within", decoder, within);
    let or_else = fields.read("else", decoder, |d, node| d.choice(node, &choices));
    let boot = Boot { within: within?.value, or_else: or_else?.value };
    Some(Spanned { value: boot, span: node.span })
}

/// Reads how long an apply waits beside a pod that is billed meanwhile.
fn within(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Seconds>> {
    span(decoder, node, &(Seconds(1)..=Ready::LONGEST))
}
