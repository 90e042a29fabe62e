//! Dollars that reach the pod as they are written, where their author may have meant a variable or an escape.
//!
//! Only `${NAME}` is filled in, so that scripts keep their own `$NAME`. Compose files and shells have other rules, and
//! nothing but the text in the pod would tell somebody who is used to them.

use std::collections::BTreeSet;
use std::ops::Range;

use super::decode::Decoder;
use super::diagnostic::{Diagnostic, Problem};
use super::source::Span;

/// What a `$` in a text may have been meant to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dollar<'t> {
    /// `$NAME`
    Name(&'t str),
    /// `$$NAME` or `$$(`, with which a compose file writes one dollar.
    Doubled,
}

/// Warns of what is not filled in. `own` are names that the shell in the pod knows.
pub(super) fn check(decoder: &mut Decoder<'_>, span: Span, own: &BTreeSet<&str>) {
    let sources = decoder.sources;
    for (range, dollar) in dollars(sources.slice(span)) {
        let start = span.range().start;
        let place = Span::new(span.file, start + range.start..start + range.end);
        match dollar {
            Dollar::Name(name) if decoder.variables.contains_key(name) && !own.contains(name) => {
                let detail = format!("this stays `${name}`: only `${{{name}}}` is filled in");
                decoder.report(Diagnostic::at(Problem::UnfilledVariable, place, detail).fix(
                    place,
                    format!("${{{name}}}"),
                    "for the variable, write",
                ));
            }
            Dollar::Name(_) => {}
            Dollar::Doubled => {
                let detail = "both dollars reach the pod; only compose files make one of them";
                decoder.report(
                    Diagnostic::at(Problem::DoubledDollar, place, detail)
                        .help("write one `$`; `$${` alone is an escape here, for `${`"),
                );
            }
        }
    }
}

/// Returns the first of each kind in a text.
pub(super) fn dollars(text: &str) -> Vec<(Range<usize>, Dollar<'_>)> {
    let mut found: Vec<(Range<usize>, Dollar<'_>)> = Vec::new();
    let mut doubled = false;
    let mut names = BTreeSet::new();
    let mut at = 0;
    while let Some(next) = text[at..].find('$') {
        let start = at + next;
        let rest = text[start..].trim_start_matches('$');
        let count = text.len() - start - rest.len();
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let name = &rest[..length];
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        at = start + count;
        if count == 1 && is_name && names.insert(name) {
            found.push((start..at + length, Dollar::Name(name)));
        } else if count == 2 && (is_name || rest.starts_with('(')) && !doubled {
            doubled = true;
            found.push((start..at + length, Dollar::Doubled));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_doubled_dollars_are_found() {
        let found = |text| {
            let found: Vec<String> = dollars(text)
                .into_iter()
                .map(|(range, dollar)| {
                    format!(
                        "{}={}",
                        &text[range],
                        match dollar {
                            Dollar::Name(name) => name,
                            Dollar::Doubled => "doubled",
                        }
                    )
                })
                .collect();
            found.join(" ")
        };
        for (text, expected) in [
            ("echo $HOME $HOME", "$HOME=HOME"),
            ("$A$B", "$A=A $B=B"),
            ("$$HOME $$X", "$$HOME=doubled"),
            ("$$(date)", "$$=doubled"),
            ("$$ ${A} $${B} $1 $ $$$A $", ""),
            ("é$é_$_x", "$_x=_x"),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
