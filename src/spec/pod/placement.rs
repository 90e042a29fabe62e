//! Where a pod may run, but for its GPUs: CPU, CUDA, price, cloud and place.

use std::collections::BTreeSet;

use crate::model::desired::{CloudWish, CudaWish};
use crate::model::id::{CountryCode, CpuFlavorId, DataCenterId};
use crate::model::money::Hourly;
use crate::model::pod::{Cloud, Rent};
use crate::spec::decode::Decoder;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::forms::{self, Misread};
use crate::spec::sensitive::shown;
use crate::spec::source::Spanned;
use crate::spec::words;
use crate::spec::yaml::{Node, Value};

/// The most vCPUs that one pod can have, and more.
const MAX_VCPUS: u32 = 256;

/// `cpu`
#[derive(Clone, Debug, Default)]
pub(in crate::spec) struct Cpu {
    pub flavors: Vec<Spanned<CpuFlavorId>>,
    pub vcpus: Option<Spanned<u32>>,
}

/// `placement`
#[derive(Clone, Debug, Default)]
pub(in crate::spec) struct Placement {
    pub data_centers: Option<Spanned<Vec<Spanned<DataCenterId>>>>,
    pub countries: Option<Spanned<BTreeSet<CountryCode>>>,
}

/// The fewest vCPUs of a pod, and what a flavor alone stands for.
const LEAST_VCPUS: u32 = 2;

pub(super) fn cpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Cpu>> {
    if matches!(&node.value, Value::Scalar(_)) {
        let vcpus = Some(Spanned { value: LEAST_VCPUS, span: node.span });
        return Some(Spanned {
            value: Cpu { flavors: vec![flavor(decoder, node)?], vcpus },
            span: node.span,
        });
    }
    let fields = decoder.fields(node, &words::CPU, "a map such as `{ flavors: [cpu5c], vcpus: 8 }`")?;
    let help = "write `cpu: { flavors: [cpu5c, cpu3c], vcpus: 8 }`";
    decoder.need_all(&fields, &words::CPU, Some(help));
    let flavors = fields.read("flavors", decoder, |decoder, node| {
        if matches!(&node.value, Value::Scalar(_)) {
            return flavor(decoder, node).map(|flavor| vec![flavor]);
        }
        let flavors = decoder.items(node, "a list of flavors, such as `[cpu5c, cpu3c]`", flavor)?;
        if is_empty_list(node) {
            decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, "an empty list accepts no CPU"));
        }
        Some(flavors.value)
    });
    let vcpus =
        fields.read("vcpus", decoder, |d, node| d.integer(node, LEAST_VCPUS..=MAX_VCPUS)).filter(|vcpus| {
            if vcpus.value.is_power_of_two() {
                return true;
            }
            let detail = format!("{} is no power of two", vcpus.value);
            let near = vcpus.value.next_power_of_two();
            decoder.report(Diagnostic::at(Problem::InvalidValue, vcpus.span, detail).fix(
                vcpus.span,
                near.to_string(),
                "the next one",
            ));
            false
        });
    Some(Spanned { value: Cpu { flavors: flavors.unwrap_or_default(), vcpus }, span: node.span })
}

fn flavor(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<CpuFlavorId>> {
    decoder.word(node, "a flavor such as `cpu5c`").map(|flavor| flavor.map(CpuFlavorId::new))
}

pub(super) fn cuda(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<CudaWish>> {
    if let Value::Sequence(_) = &node.value {
        let versions = decoder.items(node, "a list", |decoder, item| {
            let wanted = "a version such as `\"12.4\"`";
            decoder
                .form(item, wanted, Problem::InvalidValue, forms::cuda_version)
                .map(|version| version.value)
        })?;
        if is_empty_list(node) {
            decoder.report(Diagnostic::at(
                Problem::InvalidValue,
                node.span,
                "an empty list accepts no version",
            ));
        }
        return Some(versions.map(forms::exact_cuda));
    }
    decoder.form(node, "a text such as `\">=12.4\"`", Problem::InvalidValue, forms::cuda)
}

pub(super) fn price(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Hourly>> {
    decoder.form(node, "USD an hour, such as `2.20`", Problem::InvalidValue, forms::price)
}

/// Reads `rent`, such as `{ spot: { bid: 0.20 } }`.
pub(super) fn rent(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Rent>> {
    const FORM: &str = "a map such as `{ spot: { bid: 0.20 } }`";
    let fields = decoder.fields(node, &words::RENT, FORM)?;
    decoder.need_all(&fields, &words::RENT, Some("write `rent: { spot: { bid: 0.20 } }`"));
    let spot = fields.read("spot", decoder, |decoder, node| {
        let fields = decoder.fields(node, &words::SPOT, "a map such as `{ bid: 0.20 }`")?;
        decoder.need_all(&fields, &words::SPOT, Some("the bid is USD an hour for each GPU"));
        fields.read("bid", decoder, price)
    })?;
    Some(Spanned { value: Rent::Spot { bid: spot.value }, span: node.span })
}

pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Placement>> {
    let fields = decoder.fields(node, &words::PLACEMENT, "a map such as `{ data_centers: [EU-RO-1] }`")?;
    let data_centers = fields.read("data_centers", decoder, |decoder, node| {
        decoder.items(node, "a list such as `[EU-RO-1]`", |decoder, item| {
            decoder.word(item, "a data center such as `EU-RO-1`").map(|id| id.map(DataCenterId::new))
        })
    });
    let countries = fields.read("countries", decoder, |decoder, node| {
        let countries = decoder.items(node, "a list such as `[RO, CZ]`", country)?;
        Some(countries.map(|countries| countries.into_iter().map(|code| code.value).collect()))
    });
    Some(Spanned { value: Placement { data_centers, countries }, span: node.span })
}

fn country(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<CountryCode>> {
    decoder.form(node, "a country such as `RO`", Problem::InvalidValue, |text| {
        let letters = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        match text {
            _ if letters && text.bytes().all(|byte| byte.is_ascii_uppercase()) => Ok(CountryCode::new(text)),
            _ if letters => Err(Misread::new("a country code is upper-case").fix(text.to_ascii_uppercase())),
            "false" => {
                Err(Misread::new("expected a country code, found a boolean").help("quote Norway: `\"NO\"`"))
            }
            other => Err(Misread::new(format!("{} is no country code of two letters", shown(other)))),
        }
    })
}

pub(super) fn cloud(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<CloudWish>> {
    let clouds = [
        ("secure", CloudWish::Only(Cloud::Secure)),
        ("community", CloudWish::Only(Cloud::Community)),
        ("any", CloudWish::Any),
    ];
    decoder.choice(node, &clouds)
}

pub(super) fn is_empty_list(node: &Node<'_>) -> bool {
    matches!(&node.value, Value::Sequence(items) if items.is_empty())
}
