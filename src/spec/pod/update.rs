//! How the replicas of a pod are changed.

use crate::model::desired::AtOnce;
use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::source::Spanned;
use crate::spec::words;
use crate::spec::yaml::Node;

/// `update`.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::spec) struct Update {
    pub at_once: Option<Spanned<AtOnce>>,
}

/// What becomes of the others once one does not come up again.
#[derive(Clone, Copy, Debug)]
enum OnFailure {
    /// They stay as they are.
    Stop,
}

pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Update>> {
    let fields = decoder.fields(node, &words::UPDATE, "a map such as `{ at_once: 1 }`")?;
    let at_once = fields.read("at_once", decoder, at_once);
    // There is one way as yet, which may be said.
    let on_failure =
        fields.read("on_failure", decoder, |d, node| d.choice(node, &[("stop", OnFailure::Stop)]));
    match on_failure.map(|on_failure| on_failure.value) {
        Some(OnFailure::Stop) | None => {}
    }
    Some(Spanned { value: Update { at_once }, span: node.span })
}

fn at_once(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<AtOnce>> {
    let text = node.text();
    let Some(percent) = text.trim().strip_suffix('%') else {
        if text.trim().parse::<i64>().is_err() {
            decoder.wrong_type(node, "a number such as `1` or a part such as `50%`");
            return None;
        }
        let number = decoder.integer(node, 1..=super::replicas::MAX_REPLICAS)?;
        return Some(Spanned { value: AtOnce::Number(number.value), span: number.span });
    };
    let digits = !percent.starts_with('0') && percent.bytes().all(|byte| byte.is_ascii_digit());
    let percent = percent.parse().ok().filter(|percent| digits && (1..=100).contains(percent));
    if percent.is_none() {
        let detail = "a part of the replicas is from 1% to 100%";
        decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, detail));
    }
    Some(Spanned { value: AtOnce::Percent(percent?), span: node.span })
}
