//! Lists that come in pages.
//!
//! A cursor says how many entries stand before its page: whatever is made or deleted while somebody walks shifts all that
//! follows, so that an entry comes twice or not at all. The document does not say what a cursor holds; this is the nastier
//! of the two ways.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Problem;
use crate::simulator::exchange::{Contract, Request, Twist};
use crate::simulator::world::chance::hex;

/// The most entries that a page may be asked to have, and has where nothing is asked.
const MOST: u32 = 1_000;

/// A list under its name, with where it goes on.
#[derive(Serialize)]
pub(super) struct List<T> {
    #[serde(flatten)]
    entries: BTreeMap<&'static str, Vec<T>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<Pagination>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    next_cursor: Option<String>,
    has_next_page: bool,
}

impl<T> List<T> {
    /// Returns a list that is never cut.
    pub(super) fn whole(name: &'static str, entries: Vec<T>) -> Self {
        Self { entries: BTreeMap::from([(name, entries)]), pagination: None }
    }

    /// Returns the page that a request asks for; before autumn 2026 there were none. What `shown` leaves out is left out
    /// after the cut, so that a page may be short or empty with more behind it.
    pub(super) fn page<E>(
        seed: u64,
        (request, twist): (&Request, Twist),
        name: &'static str,
        entries: Vec<E>,
        shown: impl FnMut(E) -> Option<T>,
    ) -> Result<Self, Problem> {
        if twist.contract == Contract::August {
            return Ok(Self::whole(name, entries.into_iter().filter_map(shown).collect()));
        }
        let limit = limit(request)?.min(twist.page.unwrap_or(MOST)) as usize;
        let cursor =
            |from: usize| format!("{from:x}-{}", hex(seed, &[&about(name, request), &from.to_string()], 16));
        let from = match request.parameter("cursor") {
            None => 0,
            Some("") => return Err(invalid("cursor: minLength: got 0, want 1")),
            Some(given) => {
                let digits = given.split_once('-').map_or("", |(digits, _)| digits);
                let from = usize::from_str_radix(digits, 16).ok().filter(|from| cursor(*from) == given);
                from.ok_or_else(|| invalid("cursor: not a cursor of this list and these parameters"))?
            }
        };
        let to = from.saturating_add(limit);
        let next_cursor = (to < entries.len()).then(|| cursor(to));
        let page = entries.into_iter().skip(from).take(limit).filter_map(shown).collect();
        let pagination = Pagination { has_next_page: next_cursor.is_some(), next_cursor };
        Ok(Self { pagination: Some(pagination), ..Self::whole(name, page) })
    }
}

fn limit(request: &Request) -> Result<u32, Problem> {
    let Some(given) = request.parameter("limit") else { return Ok(MOST) };
    match given.parse::<i64>() {
        Ok(limit) if limit < 1 => Err(invalid(&format!("limit: minimum: got {limit}, want 1"))),
        Ok(limit) if limit > i64::from(MOST) => {
            Err(invalid(&format!("limit: maximum: got {limit}, want {MOST}")))
        }
        Ok(limit) => Ok(u32::try_from(limit).unwrap_or(MOST)),
        Err(_) => Err(invalid("limit: got string, want integer")),
    }
}

fn invalid(text: &str) -> Problem {
    Problem::invalid(vec![text.to_owned()])
}

/// Returns what a cursor is good for: one list, asked for with the same parameters.
fn about(name: &str, request: &Request) -> String {
    let mut parameters: Vec<String> = request
        .query
        .iter()
        .filter(|(key, _)| key != "cursor")
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    parameters.sort();
    format!("{name}?{}", parameters.join("&"))
}
