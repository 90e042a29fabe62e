//! How many pods a key stands for.

use std::collections::BTreeSet;

use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::source::Spanned;
use crate::spec::words;
use crate::spec::yaml::{Node, Value};

/// Far above what an account may rent. The pods and values of a whole spec have limits of their own, so that many such
/// pods do not fill the memory.
pub(super) const MAX_REPLICAS: u32 = 100_000;

/// `replicas` in its long form; a number alone leaves none out.
#[derive(Clone, Debug, Default)]
pub(in crate::spec) struct Replicas {
    /// They are numbered from 0 to one less than this.
    pub count: u32,
    /// The numbers that are left out.
    pub without: BTreeSet<u32>,
}

impl Replicas {
    /// Returns the numbers that there are, the lowest first.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        (0..self.count).filter(|number| !self.without.contains(number))
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.count as usize - self.without.len()
    }
}

pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Replicas>> {
    let Value::Mapping(_) = &node.value else {
        let count = decoder.integer(node, 0..=MAX_REPLICAS)?.value;
        return Some(Spanned { value: Replicas { count, without: BTreeSet::new() }, span: node.span });
    };
    let fields = decoder.fields(node, &words::REPLICAS, "the number of replicas")?;
    if fields.lacks("count") {
        let detail = "`replicas` needs a `count`";
        decoder.report(Diagnostic::at(Problem::MissingKey, node.span, detail));
    }
    let without = fields.read("without", decoder, |d, node| {
        d.items(node, "a list of numbers, such as `[1]`", |d, item| d.integer(item, 0..=MAX_REPLICAS))
    });
    let count = fields.read("count", decoder, |d, node| d.integer(node, 0..=MAX_REPLICAS))?.value;
    let mut replicas = Replicas { count, without: BTreeSet::new() };
    for number in without.into_iter().flat_map(|without| without.value) {
        let detail = if number.value >= count {
            format!("of {count} replicas, numbered from 0, none is {}", number.value)
        } else if !replicas.without.insert(number.value) {
            format!("{} stands here for the second time", number.value)
        } else {
            continue;
        };
        decoder.report(Diagnostic::at(Problem::InvalidValue, number.span, detail));
    }
    if count > 0 && replicas.len() == 0 {
        let detail = "`without` leaves out all of them";
        decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, detail).help("write `replicas: 0`"));
    }
    Some(Spanned { value: replicas, span: node.span })
}
