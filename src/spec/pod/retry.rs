//! How long a pod waits for capacity, and what it accepts as well after a while.

use std::ops::RangeInclusive;

use crate::model::desired::HostLimits;
use crate::model::money::Hourly;
use crate::model::pod::Rent;
use crate::model::retry::{self, Patience, Wider};
use crate::model::seconds::Seconds;
use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::forms::{self, Misread};
use crate::spec::sensitive::shown;
use crate::spec::source::Spanned;
use crate::spec::words;
use crate::spec::yaml::Node;

use super::gpu::{self, Gpu};
use super::placement::price;

/// `retry`
#[derive(Clone, Debug)]
pub(in crate::spec) struct Retry {
    pub patience: Patience,
    pub widen: Vec<Spanned<Widen>>,
}

/// An entry of `widen`
#[derive(Clone, Debug)]
pub(in crate::spec) struct Widen {
    pub after: Seconds,
    pub gpu: Gpu,
    pub max_price: Option<Hourly>,
}

impl Retry {
    /// Returns what is wanted, of a pod whose own GPUs are these.
    pub fn wish(&self, own: Option<&Gpu>, host: &HostLimits, rent: Rent) -> retry::Retry {
        let wider = |Spanned { value: Widen { after, gpu, max_price }, span: _ }: &Spanned<Widen>| {
            // How many GPUs there are is a limit of the pod, as its memory is.
            let count = gpu.count.or(own.and_then(|own| own.count));
            let gpu = Gpu { count, ..gpu.clone() }.wish(host.clone(), rent);
            Wider { after: *after, gpu, max_price: *max_price }
        };
        retry::Retry { patience: self.patience, widen: self.widen.iter().map(wider).collect() }
    }
}

pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Retry>> {
    let fields = decoder.fields(node, &words::RETRY, "a map such as `{ for: 2h }`")?;
    if fields.lacks("for") {
        let mistake = Diagnostic::at(Problem::MissingKey, node.span, "`retry` does not say how long");
        decoder.report(mistake.help("write `for: 2h`"));
    }
    let often = Patience::MOST_OFTEN..=Patience::LEAST_OFTEN;
    let every = fields.read("every", decoder, |d, node| span(d, node, &often));
    let shortest = every.map_or(Patience::EVERY, |every| every.value);
    let within =
        fields.read("for", decoder, |d, node| span(d, node, &(Patience::MOST_OFTEN..=Patience::LONGEST)));
    if let Some(within) = within.filter(|within| within.value < shortest) {
        let detail = format!("{} is shorter than the {shortest} from one try to the next", within.value);
        let mistake = Diagnostic::at(Problem::InvalidValue, within.span, detail);
        decoder.report(match every {
            Some(every) => mistake.label(every.span, "from here").help("lower `every`, or raise `for`"),
            None => mistake.help(format!("add an `every` that is shorter; without it, it is {shortest}")),
        });
    }
    let widen = fields.read("widen", decoder, |d, node| {
        d.items(node, "a list such as `[{ after: 30m, gpu: [H100 SXM] }]`", |d, item| wider(d, item, within))
    });
    let patience = Patience { within: within?.value, every: shortest };
    let widen = widen.map(|widen| widen.value).unwrap_or_default();
    Some(Spanned { value: Retry { patience, widen }, span: node.span })
}

fn wider(
    decoder: &mut Decoder<'_>,
    node: &Node<'_>,
    within: Option<Spanned<Seconds>>,
) -> Option<Spanned<Widen>> {
    let fields = decoder.fields(node, &words::WIDEN, "a map such as `{ after: 30m, gpu: [H100 SXM] }`")?;
    for key in ["after", "gpu"] {
        if fields.lacks(key) {
            let detail = format!("an entry of `widen` needs `{key}`");
            let mistake = Diagnostic::at(Problem::MissingKey, node.span, detail);
            decoder.report(mistake.help("write `{ after: 30m, gpu: [H100 SXM] }`"));
        }
    }
    let after = fields.read("after", decoder, |d, node| span(d, node, &(Seconds(1)..=Patience::LONGEST)));
    let late = after.zip(within).filter(|(after, within)| after.value >= within.value);
    if let Some((after, within)) = late {
        let detail = format!("by then the wait of {} is over", within.value);
        decoder.report(Diagnostic::at(Problem::InvalidValue, after.span, detail).label(within.span, "here"));
    }
    let gpu = fields.read("gpu", decoder, gpu::read);
    let max_price = fields.read("max_price", decoder, price).map(|price| price.value);
    let widen = Widen { after: after?.value, gpu: gpu?.value, max_price };
    Some(Spanned { value: widen, span: node.span })
}

/// Reads a length of time within bounds, such as `90s`, `30m` or `2h`.
pub(super) fn span(
    decoder: &mut Decoder<'_>,
    node: &Node<'_>,
    range: &RangeInclusive<Seconds>,
) -> Option<Spanned<Seconds>> {
    decoder.form(node, "a length of time such as `30m`", Problem::InvalidValue, |text| {
        let seconds = forms::span(text)?;
        if range.contains(&seconds) {
            return Ok(seconds);
        }
        let (least, most) = (range.start(), range.end());
        Err(Misread::new(format!("{} is not between {least} and {most}", shown(text))))
    })
}
