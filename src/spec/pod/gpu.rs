//! The GPUs of a pod.

use std::collections::BTreeMap;

use crate::model::desired::{GpuChoice, GpuCount, GpuOrder, GpuWish, HostLimits, MemoryRange};
use crate::model::pod::Rent;
use crate::model::sensitive;
use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::forms::{self, Misread, ShortGpu};
use crate::spec::source::{Span, Spanned};
use crate::spec::words;
use crate::spec::yaml::{Entry, Node, Style, Value};

use super::placement::{is_empty_list, price};

/// `gpu` in its long form; the short forms are rewritten to it.
#[derive(Clone, Debug, Default)]
pub(in crate::spec) struct Gpu {
    pub any_of: Vec<Spanned<GpuChoice>>,
    pub order: Option<Spanned<GpuOrder>>,
    pub count: Option<Spanned<GpuCount>>,
    pub memory: Option<Spanned<MemoryRange>>,
}

impl Gpu {
    /// Fills the defaults.
    pub fn wish(&self, host: HostLimits, rent: Rent) -> GpuWish {
        // Without a list there is no order to follow, and any GPU with enough memory is as good as any other.
        let default_order = if self.any_of.is_empty() { GpuOrder::Price } else { GpuOrder::Listed };
        GpuWish {
            any_of: self.any_of.iter().map(|choice| choice.value.clone()).collect(),
            order: self.order.map_or(default_order, |order| order.value),
            count: self.count.map_or(GpuCount::exactly(1), |count| count.value),
            memory: self.memory.map(|memory| memory.value).unwrap_or_default(),
            host,
            rent,
        }
    }
}

pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Gpu>> {
    if let Value::Mapping(entries) = &node.value
        && (refuse_counted(decoder, node) || refuse_single(decoder, entries))
    {
        return None;
    }
    let gpu = match &node.value {
        Value::Scalar(_) => short_gpu(decoder, node)?,
        Value::Sequence(_) => Gpu { any_of: gpu_choices(decoder, node)?, ..Gpu::default() },
        Value::Mapping(_) => long_gpu(decoder, node)?,
    };
    Some(Spanned { value: gpu, span: node.span })
}

/// Refuses GPUs as keys with a number each, in one mistake for all of them.
fn refuse_counted(decoder: &mut Decoder<'_>, node: &Node<'_>) -> bool {
    let Some(named) = counted_gpus(node) else {
        return false;
    };
    let listed: Vec<String> = named.iter().map(|(name, count)| format!("{name}:{count}")).collect();
    let detail = "GPUs with a number each are a list";
    let mistake = Diagnostic::at(Problem::InvalidValue, node.span, detail);
    decoder.report(mistake.help(format!("write `gpu: [{}]`", listed.join(", "))));
    true
}

/// Returns the names and numbers of `{ L4: 1, A100: 1 }` and `[{ L4: 1 }, A100:2]`, as SkyPilot writes them.
fn counted_gpus<'n>(node: &'n Node<'_>) -> Option<Vec<(&'n str, &'n str)>> {
    let mut named: Vec<(&str, &str)> = Vec::new();
    let mut has_keys = false;
    let mut add = |entries: &'n [Entry<'_>], named: &mut Vec<_>| {
        has_keys = true;
        counted_entries(entries).map(|entries| named.extend(entries))
    };
    match &node.value {
        Value::Mapping(entries) => add(entries, &mut named)?,
        Value::Sequence(items) => {
            for item in items.iter() {
                match &item.value {
                    Value::Mapping(entries) => add(entries, &mut named)?,
                    Value::Scalar(scalar) => named.push(scalar.text.rsplit_once(':')?),
                    Value::Sequence(_) => return None,
                }
            }
        }
        Value::Scalar(_) => return None,
    }
    let named: Vec<(&str, &str)> =
        named.into_iter().map(|(name, count)| (name.trim(), count.trim())).collect();
    // A range of memory with a number is no name.
    let is_counted = |(name, count): &(&str, &str)| {
        forms::gpu_count(count).is_ok() && !forms::is_memory(name) && !sensitive::is_secret_value(name)
    };
    (has_keys && !named.is_empty() && named.iter().all(is_counted)).then_some(named)
}

/// Returns the names and numbers of a map that has nothing else.
fn counted_entries<'n>(entries: &'n [Entry<'_>]) -> Option<Vec<(&'n str, &'n str)>> {
    let counted = entries.iter().map(|Entry { key, key_span: _, value }| {
        if words::GPU.keys.contains(&&**key)
            || words::GPU_CHOICE.keys.contains(&&**key)
            || words::GPU.word(key).is_some()
        {
            return None;
        }
        if value.is_null() { key.rsplit_once(':') } else { Some((&**key, value.text())) }
    });
    counted.collect()
}

/// Refuses one GPU that is written as an entry of `any_of`, and shows it whole.
fn refuse_single(decoder: &mut Decoder<'_>, entries: &[Entry<'_>]) -> bool {
    let Some((entry, single)) = single_gpu(entries) else {
        return false;
    };
    let detail = format!("`gpu` has no `{}`", entry.key);
    let mistake = Diagnostic::at(Problem::UnknownKey, entry.key_span, detail);
    decoder.report(mistake.help(format!("write `gpu: {single}`")));
    true
}

/// Returns the key that names the GPU of `{ type: L4, count: 2 }`, and how that is written here.
fn single_gpu<'n, 'a>(entries: &'n [Entry<'a>]) -> Option<(&'n Entry<'a>, String)> {
    let (mut named, mut count, mut max_price) = (None, None, None);
    for entry in entries {
        let Value::Scalar(scalar) = &entry.value.value else { return None };
        let text = scalar.text.trim();
        match &*entry.key {
            "type" | "name" | "id" | "model" => named.replace((entry, text)).is_none().then_some(())?,
            "count" => count = Some(text),
            "max_price" => max_price = Some(text),
            _ => return None,
        }
    }
    let (entry, name) = named?;
    let short = count.map_or_else(|| name.to_owned(), |count| format!("{name}:{count}"));
    let ShortGpu::Named { .. } = forms::gpu(&short).ok()? else { return None };
    if [Some(name), max_price].into_iter().flatten().any(sensitive::is_secret_value) {
        return None;
    }
    let written = match max_price {
        None => short,
        Some(price) => {
            let count = count.map(|count| format!(", count: {count}")).unwrap_or_default();
            format!("[{{ type: {name}{count}, max_price: {price} }}]")
        }
    };
    Some((entry, written))
}

fn short_gpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Gpu> {
    let wanted = "a GPU such as `H100 SXM:2`";
    let short = decoder.form(node, wanted, Problem::InvalidValue, forms::gpu)?;
    Some(match short.value {
        ShortGpu::Memory { range, count } => Gpu {
            memory: Some(Spanned { value: range, span: node.span }),
            count: count.map(|count| Spanned { value: count, span: node.span }),
            ..Gpu::default()
        },
        ShortGpu::Named { name, count } => Gpu {
            any_of: vec![Spanned {
                value: GpuChoice { name, count: None, max_price: None },
                span: node.span,
            }],
            count: count.map(|count| Spanned { value: count, span: node.span }),
            ..Gpu::default()
        },
    })
}

fn long_gpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Gpu> {
    let fields = decoder.fields(node, &words::GPU, "a GPU")?;
    if fields.lacks("any_of") && fields.lacks("memory") {
        let mistake = Diagnostic::at(
            Problem::MissingKey,
            node.span,
            "`gpu` says which GPUs: `any_of`, `memory` or both",
        )
        .help("`memory: 24GB..` accepts every GPU with that much");
        decoder.report(mistake);
    }
    let orders =
        [GpuOrder::Listed, GpuOrder::Price, GpuOrder::Availability].map(|order| (order.word(), order));
    Some(Gpu {
        any_of: fields.read("any_of", decoder, gpu_choices).unwrap_or_default(),
        order: fields.read("order", decoder, |d, node| d.choice(node, &orders)),
        count: fields.read("count", decoder, gpu_count),
        memory: fields.read("memory", decoder, |d, node| {
            d.form(node, "a range such as `48GB..`", Problem::InvalidSize, forms::memory)
        }),
    })
}

/// Reads a number of GPUs, or a range of it.
fn gpu_count(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<GpuCount>> {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if matches!(&node.value, Value::Scalar(scalar) if scalar.style == Style::Plain && !is_number(&scalar.text))
        || node.text().contains("..")
    {
        return decoder.form(node, "a whole number", Problem::InvalidValue, forms::gpu_count);
    }
    let count = decoder.integer(node, 1..=forms::MAX_GPUS)?;
    Some(Spanned { value: GpuCount::exactly(count.value), span: count.span })
}

fn gpu_choices(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Vec<Spanned<GpuChoice>>> {
    if refuse_counted(decoder, node) {
        return None;
    }
    let choices = decoder.items(node, "a list of GPUs, such as `[L40S, RTX 6000 Ada]`", gpu_choice)?;
    if is_empty_list(node) {
        let detail = "an empty list accepts no GPU";
        decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, detail));
    }
    let mut first: BTreeMap<String, Vec<(Option<GpuCount>, Span)>> = BTreeMap::new();
    for Spanned { value: choice, span } in &choices.value {
        let before = first.entry(choice.name.as_str().to_lowercase()).or_default();
        let is_apart = |other: &(Option<GpuCount>, Span)| {
            choice
                .count
                .zip(other.0)
                .is_some_and(|(count, other)| count.most < other.least || other.most < count.least)
        };
        if let Some((_, place)) = before.iter().find(|other| !is_apart(other)) {
            let detail = format!("`{}` stands here for the second time", choice.name);
            decoder.report(Diagnostic::at(Problem::InvalidValue, *span, detail).label(*place, "first here"));
        }
        before.push((choice.count, *span));
    }
    Some(choices.value)
}

fn gpu_choice(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<GpuChoice>> {
    let Value::Mapping(_) = &node.value else { return listed_gpu(decoder, node) };
    let fields = decoder.fields(node, &words::GPU_CHOICE, "a GPU")?;
    if fields.lacks("type") {
        let detail = "an entry of `any_of` needs a `type`";
        decoder.report(Diagnostic::at(Problem::MissingKey, node.span, detail));
    }
    let max_price = fields.read("max_price", decoder, price);
    let count = fields.read("count", decoder, gpu_count);
    let Spanned { value: named, span } = fields.read("type", decoder, listed_gpu)?;
    if let Some(within) = named.count {
        let detail = "the number of GPUs stands beside `type`, not in it";
        let help = format!("write `{{ type: {}, count: {within} }}`", named.name);
        decoder.report(Diagnostic::at(Problem::InvalidValue, span, detail).help(help));
    }
    let (count, max_price) = (count.map(|count| count.value), max_price.map(|price| price.value));
    Some(Spanned { value: GpuChoice { count, max_price, ..named }, span })
}

/// Reads a GPU in a list, `L40S` or `L40S:2`, where no range of memory may stand.
fn listed_gpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<GpuChoice>> {
    // What a form proposes is for a value of `gpu` itself.
    let read = |text: &str| {
        forms::gpu(text).map_err(|misread| match misread.fix {
            Some(fix) => Misread::new(misread.detail).help(format!("write `gpu: {fix}`")),
            None => misread,
        })
    };
    decoder.form(node, "a GPU such as `L40S`", Problem::InvalidValue, |text| match read(text)? {
        ShortGpu::Named { name, count } => Ok(GpuChoice { name, count, max_price: None }),
        ShortGpu::Memory { range: _, count: None } => {
            Err(Misread::new("a range of memory stands beside the list, not in it")
                .help(format!("write `gpu: {{ any_of: [...], memory: {text} }}`")))
        }
        ShortGpu::Memory { range: _, count: Some(_) } => {
            Err(Misread::new("a range of memory stands beside the list, not in it")
                .help(format!("write `gpu: {text}`, or `gpu: {{ any_of: [...], memory: 48GB, count: 2 }}`")))
        }
    })
}
