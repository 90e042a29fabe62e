//! Many addresses in few words: `llm[0..49], train, volume.models`.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::model::address::{Address, Key};

/// Returns the addresses with consecutive replicas joined: `llm[0..2,5]` are four pods.
pub fn ranges<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> String {
    pieces(addresses).join(", ")
}

/// Returns the addresses with consecutive replicas joined, cut to about `limit` characters with a count of the rest.
pub fn ranges_to<'a>(addresses: impl IntoIterator<Item = &'a Address>, limit: usize) -> String {
    let pieces = pieces(addresses);
    let mut text = String::new();
    for (done, piece) in pieces.iter().enumerate() {
        if !text.is_empty() && text.len() + piece.len() + 2 > limit {
            let _ = write!(text, " and {} more", pieces.len() - done);
            return text;
        }
        if done > 0 {
            text.push_str(", ");
        }
        text.push_str(piece);
    }
    text
}

/// Returns one text per key, in address order.
fn pieces<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Vec<String> {
    let sorted: BTreeSet<&Address> = addresses.into_iter().collect();
    let mut pieces = Vec::new();
    let mut replicas: Option<(&Key, Vec<u32>)> = None;
    for address in sorted {
        if let Address::Pod { key, replica: Some(number) } = address {
            match &mut replicas {
                Some((open, numbers)) if *open == key => numbers.push(*number),
                Some(_) | None => {
                    pieces.extend(replicas.take().map(|(key, numbers)| numbered(key, &numbers)));
                    replicas = Some((key, vec![*number]));
                }
            }
        } else {
            pieces.extend(replicas.take().map(|(key, numbers)| numbered(key, &numbers)));
            pieces.push(address.to_string());
        }
    }
    pieces.extend(replicas.map(|(key, numbers)| numbered(key, &numbers)));
    pieces
}

/// Writes ascending numbers behind a key. At most twelve runs are named: a thousand odd numbers help nobody.
fn numbered(key: &Key, numbers: &[u32]) -> String {
    const MOST_RUNS: usize = 12;
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            Some(_) | None => runs.push((number, number)),
        }
    }
    let words = runs.iter().take(MOST_RUNS).map(|&(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}..{last}"),
    });
    let mut text = format!("{key}[{}", words.collect::<Vec<_>>().join(","));
    let rest: usize = runs.iter().skip(MOST_RUNS).map(|&(first, last)| (last - first) as usize + 1).sum();
    if rest > 0 {
        let _ = write!(text, " and {rest} more");
    }
    text + "]"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> BTreeSet<u32> {
        let inner = text.trim_start_matches("llm[").trim_end_matches(']');
        let numbers = inner.split(',').flat_map(|run| match run.split_once("..") {
            Some((first, last)) => first.parse().unwrap()..=last.parse().unwrap(),
            None => run.parse().unwrap()..=run.parse().unwrap(),
        });
        numbers.collect()
    }

    #[test]
    fn replicas_are_joined_and_others_stand_alone() {
        let addresses: Vec<Address> =
            ["llm[0]", "llm[1]", "llm[2]", "llm[4]", "train", "volume.models", "a[7]", "a[8]", "llm"]
                .iter()
                .map(|text| text.parse().unwrap())
                .collect();
        assert_eq!(ranges(&addresses), "volume.models, a[7,8], llm, llm[0..2,4], train");
        assert_eq!(ranges_to(&addresses, 20), "volume.models and 4 more");
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(11),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_range_names_exactly_its_replicas(first in 0_u32..90, runs in prop::collection::vec((1_u32..30, 1_u32..9), 1..12)) {
            let mut numbers = BTreeSet::new();
            let mut next = first;
            for (length, gap) in runs {
                numbers.extend(next..next + length);
                next += length + gap;
            }
            let addresses: Vec<Address> =
                numbers.iter().map(|number| Address::replica("llm".parse().unwrap(), *number)).collect();
            prop_assert_eq!(parse(&ranges(&addresses)), numbers);
        }
    }
}
