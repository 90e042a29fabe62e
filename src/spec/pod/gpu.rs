//! The GPUs of a pod.

use std::collections::BTreeMap;

use crate::model::desired::{GpuChoice, GpuOrder, GpuWish, HostLimits, MemoryRange};
use crate::model::id::GpuName;
use crate::model::pod::Rent;
use crate::model::sensitive;
use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::forms::{self, Misread, ShortGpu};
use crate::spec::source::{Span, Spanned};
use crate::spec::words;
use crate::spec::yaml::{Entry, Node, Value};

use super::placement::{is_empty_list, price};

/// `gpu` in its long form; the short forms are rewritten to it.
#[derive(Clone, Debug, Default)]
pub(in crate::spec) struct Gpu {
    pub any_of: Vec<Spanned<GpuChoice>>,
    pub order: Option<Spanned<GpuOrder>>,
    pub count: Option<Spanned<u32>>,
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
            count: self.count.map_or(1, |count| count.value),
            memory: self.memory.map(|memory| memory.value).unwrap_or_default(),
            host,
            rent,
        }
    }
}

pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Gpu>> {
    if matches!(node.value, Value::Mapping(_)) && refuse_counted(decoder, node) {
        return None;
    }
    let gpu = match &node.value {
        Value::Scalar(_) => short_gpu(decoder, node)?,
        Value::Sequence(_) => Gpu { any_of: gpu_choices(decoder, node)?, ..Gpu::default() },
        Value::Mapping(_) => long_gpu(decoder, node)?,
    };
    Some(Spanned { value: gpu, span: node.span })
}

/// Refuses GPUs with a number each, in one mistake for all of them.
fn refuse_counted(decoder: &mut Decoder<'_>, node: &Node<'_>) -> bool {
    let Some((detail, help)) = counted_gpus(node) else {
        return false;
    };
    decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, detail).help(help));
    true
}

/// Explains `{ L4: 1, A100: 1 }` and `[L4:1, A100:2]`, which give each GPU a number of its own, as SkyPilot does.
fn counted_gpus(node: &Node<'_>) -> Option<(&'static str, String)> {
    let mut named: Vec<(&str, &str)> = Vec::new();
    match &node.value {
        Value::Mapping(entries) => named.extend(counted_entries(entries)?),
        Value::Sequence(items) => {
            for item in items.iter() {
                match &item.value {
                    Value::Mapping(entries) => named.extend(counted_entries(entries)?),
                    Value::Scalar(scalar) => named.push(scalar.text.rsplit_once(':')?),
                    Value::Sequence(_) => return None,
                }
            }
        }
        Value::Scalar(_) => return None,
    }
    // A range of memory with a number is no name.
    if named.iter().any(|(name, _)| forms::is_memory(name.trim())) {
        return None;
    }
    let (_, first) = *named.first()?;
    let names: Vec<&str> = named.iter().map(|(name, _)| name.trim()).collect();
    let list = names.join(", ");
    let is_counted = |(name, count): &(&str, &str)| {
        count.trim().parse::<u32>().is_ok() && !sensitive::is_secret_value(name)
    };
    if !named.iter().all(is_counted) {
        return None;
    }
    Some(if named.iter().all(|(_, count)| count.trim() == first.trim()) {
        let count = first.trim();
        (
            "the number stands beside the list, once for all",
            format!("write `gpu: {{ any_of: [{list}], count: {count} }}`"),
        )
    } else {
        (
            "a pod has one number of GPUs, whatever their type",
            format!(
                "write `gpu: {{ any_of: [{list}], count: 1 }}` with the number for all, or a pod for each number"
            ),
        )
    })
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

fn short_gpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Gpu> {
    let wanted = "a GPU such as `H100 SXM:2`";
    let short = decoder.form(node, wanted, Problem::InvalidValue, forms::gpu)?;
    Some(match short.value {
        ShortGpu::Memory(range) => {
            Gpu { memory: Some(Spanned { value: range, span: node.span }), ..Gpu::default() }
        }
        ShortGpu::Named { name, count } => Gpu {
            any_of: vec![Spanned { value: GpuChoice { name, max_price: None }, span: node.span }],
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
        count: fields.read("count", decoder, |d, node| d.integer(node, 1..=forms::MAX_GPUS)),
        memory: fields.read("memory", decoder, |d, node| {
            d.form(node, "a range such as `48GB..`", Problem::InvalidSize, forms::memory)
        }),
    })
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
    let mut first: BTreeMap<String, Span> = BTreeMap::new();
    for choice in &choices.value {
        let name = choice.value.name.as_str().to_lowercase();
        if let Some(place) = first.get(&name) {
            let detail = format!("`{}` stands here for the second time", choice.value.name);
            decoder.report(
                Diagnostic::at(Problem::InvalidValue, choice.span, detail).label(*place, "first here"),
            );
        }
        first.entry(name).or_insert(choice.span);
    }
    Some(choices.value)
}

fn gpu_choice(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<GpuChoice>> {
    let (name, max_price) = if let Value::Mapping(_) = &node.value {
        let fields = decoder.fields(node, &words::GPU_CHOICE, "a GPU")?;
        if fields.lacks("type") {
            let detail = "an entry of `any_of` needs a `type`";
            decoder.report(Diagnostic::at(Problem::MissingKey, node.span, detail));
        }
        let max_price = fields.read("max_price", decoder, price);
        (fields.read("type", decoder, listed_gpu)?, max_price)
    } else {
        (listed_gpu(decoder, node)?, None)
    };
    let choice = GpuChoice { name: name.value, max_price: max_price.map(|price| price.value) };
    Some(Spanned { value: choice, span: name.span })
}

/// Reads a GPU in a list, where neither a count nor a range may stand.
fn listed_gpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<GpuName>> {
    // What a form proposes is for a value of `gpu` itself.
    let read = |text: &str| {
        forms::gpu(text).map_err(|misread| match misread.fix {
            Some(fix) => Misread::new(misread.detail).help(format!("write `gpu: {fix}`")),
            None => misread,
        })
    };
    decoder.form(node, "a GPU such as `L40S`", Problem::InvalidValue, |text| match read(text)? {
        ShortGpu::Named { name, count: None } => Ok(name),
        ShortGpu::Named { name, count: Some(count) } => {
            Err(Misread::new("the count is the same for every GPU of the list")
                .help(format!("write `gpu: {{ any_of: [{name}], count: {count} }}`")))
        }
        ShortGpu::Memory(_) => Err(Misread::new("a range of memory stands beside the list, not in it")
            .help(format!("write `gpu: {{ any_of: [...], memory: {text} }}`"))),
    })
}
