//! References to other pods inside the texts of a pod: `${pods.head.url}` in a spec.
//!
//! What a reference stands for follows from the id of the pod that it names, which is not known before that pod is made.
//! So it travels inside the text, through plan and approval, and an id takes its place in the request and in the record.
//! There it stands between two marks that begin with a NUL character, which no variable and no argument of a program can
//! hold: a spec that holds one is refused, so nothing that somebody typed can be taken for a reference.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::iter;
use std::str::FromStr;

use super::address::Address;
use super::attribute::Attribute;
use super::id::PodId;
use super::pod::{Port, Protocol};
use super::text::shell_words;
use super::value::Value;

const OPEN: &str = "\0(";
const CLOSE: &str = "\0)";

/// Something of another pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub pod: Address,
    /// What of it. It lasts as long as the pod.
    pub attribute: Attribute,
}

impl Reference {
    /// Returns what it stands for once the pod has an id.
    pub fn value(&self, id: &PodId) -> Option<String> {
        // Whether it publishes the port and is in the private network was asked when the spec was read.
        let port = match self.attribute {
            Attribute::UrlOf(number) => Some(Port { number, protocol: Protocol::Http }),
            Attribute::Id
            | Attribute::Url
            | Attribute::Host
            | Attribute::PublicIp
            | Attribute::Tcp(_)
            | Attribute::Ssh => None,
        };
        self.attribute.lasting(id, port.into_iter(), true)
    }

    /// Returns it as it stands inside a text.
    pub fn marked(&self) -> String {
        format!("{OPEN}{self}{CLOSE}")
    }
}

/// As `podform output` spells it.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pod, attribute } = self;
        write!(f, "{pod}.{attribute}")
    }
}

impl FromStr for Reference {
    type Err = NoReference;

    fn from_str(text: &str) -> Result<Self, NoReference> {
        let (pod, attribute) = text.split_once('.').ok_or(NoReference)?;
        let pod: Address = pod.parse().map_err(|_| NoReference)?;
        let attribute: Attribute = attribute.parse().map_err(|_| NoReference)?;
        (pod.is_pod() && attribute.is_lasting()).then_some(Self { pod, attribute }).ok_or(NoReference)
    }
}

/// A text that names nothing lasting of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a pod and something of it that lasts")]
pub struct NoReference;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'t> {
    /// What was typed.
    Literal(&'t str),
    Reference(Reference),
    /// What has a mark and is no reference: damage.
    Broken(&'t str),
}

/// Tells whether references stand in a text.
pub fn is_in(text: &str) -> bool {
    text.contains(OPEN)
}

/// Takes a text apart.
pub fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(begin) = rest.find(OPEN) else {
            return Some(Part::Literal(std::mem::take(&mut rest)));
        };
        if begin > 0 {
            let (literal, marked) = rest.split_at(begin);
            rest = marked;
            return Some(Part::Literal(literal));
        }
        let inside = &rest[OPEN.len()..];
        let (inside, after) = inside.split_once(CLOSE).unwrap_or((inside, ""));
        rest = after;
        Some(inside.parse().map_or(Part::Broken(inside), Part::Reference))
    })
}

/// Returns the references in a text.
pub fn of(text: &str) -> impl Iterator<Item = Reference> {
    parts(text).filter_map(|part| match part {
        Part::Reference(reference) => Some(reference),
        Part::Literal(_) | Part::Broken(_) => None,
    })
}

/// Returns a text with each reference in it written otherwise.
fn rewritten(text: &str, mut write: impl FnMut(Reference) -> String) -> Cow<'_, str> {
    if !is_in(text) {
        return Cow::Borrowed(text);
    }
    let written = parts(text).map(|part| match part {
        Part::Literal(literal) => Cow::Borrowed(literal),
        Part::Reference(reference) => Cow::Owned(write(reference)),
        Part::Broken(inside) => Cow::Owned(format!("{OPEN}{inside}{CLOSE}")),
    });
    Cow::Owned(written.collect())
}

/// Returns a text that refers to something else.
pub fn mapped(text: &str, mut other: impl FnMut(Reference) -> Reference) -> Cow<'_, str> {
    rewritten(text, |reference| other(reference).marked())
}

/// Returns a text with what is known of its references put in; the others stay.
pub fn filled(text: &str, id: impl Fn(&Address) -> Option<PodId>) -> Cow<'_, str> {
    rewritten(text, |reference| {
        let known = id(&reference.pod).and_then(|id| reference.value(&id));
        known.unwrap_or_else(|| reference.marked())
    })
}

/// Returns a text as a spec has it, but for what is escaped there.
pub fn written(text: &str) -> Cow<'_, str> {
    rewritten(text, |reference| format!("${{pods.{reference}}}"))
}

/// Tells whether nothing but references stands in a text.
pub fn is_all(text: &str) -> bool {
    is_in(text) && parts(text).all(|part| matches!(part, Part::Reference(_)))
}

/// Returns a text with a word in the place of each reference, for those who judge what was typed around it.
pub fn typed(text: &str) -> Cow<'_, str> {
    rewritten(text, |_| "pod".to_owned())
}

/// Tells whether this text, with whatever ids, gives that one.
pub fn gives(text: &str, that: &str) -> bool {
    ids(text, that).is_some()
}

/// Returns the ids with which this text gives that one, in their order; `None` if none do.
pub fn ids<'t>(text: &str, that: &'t str) -> Option<Vec<&'t str>> {
    if !is_in(text) {
        return None;
    }
    // The stand-in is no part of any text, so what lies between two of them is literal.
    let stand_in = PodId::new("\0");
    let pattern = filled(text, |_| Some(stand_in.clone()));
    let mut literals = pattern.split('\0');
    let mut rest = that.strip_prefix(literals.next()?)?;
    let mut ids = Vec::new();
    let is_id = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let mut literals = literals.peekable();
    while let Some(literal) = literals.next() {
        if literals.peek().is_none() {
            ids.push(rest.strip_suffix(literal).filter(|id| is_id(id))?);
            return Some(ids);
        }
        let (at, found) = rest.match_indices(literal).find(|(at, _)| is_id(&rest[..*at]))?;
        ids.push(&rest[..at]);
        rest = &rest[at + found.len()..];
    }
    rest.is_empty().then_some(ids)
}

/// Returns a text as it is shown.
pub fn value(text: &str) -> Value {
    if is_in(text) { Value::Referring(written(text).into_owned()) } else { Value::Text(text.to_owned()) }
}

/// Returns the words of a command line as they are shown.
pub fn value_of_words(words: &[String]) -> Value {
    if !words.iter().any(|word| is_in(word)) {
        return Value::Command(words.to_vec());
    }
    let shown = words.iter().map(|word| {
        let typed = typed(word).into_owned();
        let is_bare = shell_words(std::slice::from_ref(&typed)) == typed;
        let written = written(word).into_owned();
        // What takes the place of a reference needs no quotes, so it is quoted only for what stands around it.
        if is_bare { written } else { shell_words(&[written]) }
    });
    Value::Referring(shown.collect::<Vec<_>>().join(" "))
}

/// Returns the pods that texts refer to.
pub fn pods<'t>(texts: impl Iterator<Item = &'t str>) -> BTreeSet<Address> {
    texts.filter(|text| is_in(text)).flat_map(of).map(|reference| reference.pod).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(pod: &str) -> String {
        reference(&format!("{pod}.url.8000")).marked()
    }

    fn reference(text: &str) -> Reference {
        text.parse().unwrap()
    }

    #[test]
    fn references_are_read_as_they_are_written() {
        for text in ["head.id", "head[3].url", "head.url.8080", "a-b[0].host"] {
            assert_eq!(reference(text).to_string(), text);
        }
        for text in
            ["", "head", "head.", ".url", "head.tcp.22", "head.ssh", "head.public_ip", "volume.models.id"]
        {
            assert_eq!(text.parse::<Reference>(), Err(NoReference), "{text}");
        }
    }

    #[test]
    fn an_id_takes_the_place_of_a_reference_and_the_rest_stays() {
        let text = format!("--to={},{}/v1", url("head"), reference("head[1].host").marked());
        let known = |address: &Address| (address.to_string() == "head").then(|| PodId::new("abc"));
        let host = reference("head[1].host").marked();
        assert_eq!(filled(&text, known), format!("--to=https://abc-8000.proxy.runpod.net,{host}/v1"));
        assert_eq!(written(&text), "--to=${pods.head.url.8000},${pods.head[1].host}/v1");
        assert_eq!(typed(&text), "--to=pod,pod/v1");
        assert!(is_all(&format!("{host}{host}")) && !is_all(&text) && !is_all(""));
        assert_eq!(filled("no reference, ${NAME}", known), "no reference, ${NAME}");
    }

    #[test]
    fn words_are_quoted_for_what_stands_around_references() {
        let words = ["join".to_owned(), url("head"), format!("a b {}", reference("head.id").marked())];
        let shown = "join ${pods.head.url.8000} 'a b ${pods.head.id}'".to_owned();
        assert_eq!(value_of_words(&words), Value::Referring(shown));
        assert_eq!(value_of_words(&words[..1]), Value::Command(vec!["join".to_owned()]));
    }

    #[test]
    fn damage_stays_as_it_is() {
        for text in ["\0(", "a\0(b", "\0(head.url\0", "\0(head.tcp.22\0)x"] {
            assert!(is_in(&filled(text, |_| Some(PodId::new("abc")))), "{text:?}");
            assert_eq!(of(text).count(), 0);
        }
    }

    #[test]
    fn a_text_is_known_by_what_it_gives() {
        let id = reference("a.id").marked();
        let texts = [
            (url("head"), "https://abc1-8000.proxy.runpod.net", true),
            (url("head"), "https://abc1-8001.proxy.runpod.net", false),
            (url("head"), "https://-8000.proxy.runpod.net", false),
            (format!("{id}-{id}!"), "a1-b2!", true),
            (format!("{id}-{id}!"), "a1-b2", false),
            (format!("x{id}x"), "xaxbx", true),
            ("plain".to_owned(), "plain", false),
        ];
        for (text, that, expected) in texts {
            assert_eq!(gives(&text, that), expected, "{that}");
        }
    }
}
