//! Requests and listings of REST v2.

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Serialize;

use crate::model::prior::Api;
use crate::provider::runpod::answer::{Answer, Weight};
use crate::provider::runpod::transport::{Request, Transport};
use crate::provider::runpod::wire::{
    Entries, Field, MOST_ENTRIES, Page, PageUnder, PaginationWire, Unfit, Wire,
};
use crate::provider::{Call, Certainty, ProviderError};

/// The most entries that a page may have, which keeps the calls few.
const LIMIT: u32 = 1_000;
/// The longest cursor that is sent back, in bytes: it becomes a part of the URL.
const LONGEST_CURSOR: usize = 4 << 10;

/// Whether a list comes in pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Paging {
    /// In pages. An answer that does not say whether more follow is not the whole list.
    Pages,
    /// Whole, with or without saying so.
    Whole,
}

/// The entries of a listing, `None` for one of another form, and the answer that errors about them cite.
pub(super) struct Listing<T> {
    pub(super) entries: Vec<Option<T>>,
    pub(super) answer: Answer,
}

/// Reads a listing to its end, which is where an answer says that nothing follows: members of clusters are taken out of
/// a page after it was cut, so that a short page, or an empty one, says nothing.
pub(super) async fn list<T: Field>(
    transport: &Transport,
    call: Call,
    (path, key): (&str, &'static str),
    paging: Paging,
) -> Result<Listing<T>, ProviderError> {
    // A cursor is good for the parameters that it was given for, so each page is asked for with the same.
    let first = match paging {
        Paging::Pages => format!("{path}?limit={LIMIT}"),
        Paging::Whole => path.to_owned(),
    };
    let separator = if first.contains('?') { '&' } else { '?' };
    let mut entries = Vec::new();
    let mut cursors = BTreeSet::new();
    let mut page = first.clone();
    let mut weight = Weight::default();
    loop {
        let answer = transport.send(get(call, page)).await?;
        let is_bounded = weight.add(&answer);
        let Page { entries: listed, pagination } = answer.decode_as(PageUnder::<T>::key(key))?;
        let listed = match listed {
            Wire::Is(Entries(listed)) => listed,
            Wire::Null | Wire::Odd => return Err(answer.unfit(Unfit::Odd(key))),
            Wire::Absent => return Err(answer.unfit(Unfit::Missing(key))),
        };
        if entries.is_empty() {
            entries = listed;
        } else {
            entries.extend(listed);
        }
        // An empty page counts too, or a server that sends nothing else would never be left.
        if !is_bounded || entries.len() + cursors.len() > MOST_ENTRIES {
            let detail = "the pages of the listing are more than is read of one";
            return Err(answer.error(Certainty::Unknown, detail));
        }
        let Some(cursor) = next(pagination, paging).map_err(|unfit| answer.unfit(unfit))? else {
            return Ok(Listing { entries, answer: answer.without_body() });
        };
        page = format!("{first}{separator}cursor={}", utf8_percent_encode(&cursor, NON_ALPHANUMERIC));
        if !cursors.insert(cursor) {
            let detail = "the listing comes back to a page that was read, and so has no end";
            return Err(answer.error(Certainty::Unknown, detail));
        }
    }
}

/// Returns where a listing goes on; nothing at its end. What contradicts itself is neither.
fn next(pagination: Wire<PaginationWire>, paging: Paging) -> Result<Option<String>, Unfit> {
    let PaginationWire { next_cursor, has_next_page } = match pagination {
        Wire::Absent | Wire::Null if paging == Paging::Whole => return Ok(None),
        pagination => pagination.required("pagination")?,
    };
    let is_more = has_next_page.required("pagination.hasNextPage")?;
    match (is_more, next_cursor.nullable("pagination.nextCursor")?) {
        (false, None) => Ok(None),
        (true, Some(cursor)) if (1..=LONGEST_CURSOR).contains(&cursor.len()) => Ok(Some(cursor)),
        (true | false, None | Some(_)) => Err(Unfit::Odd("pagination")),
    }
}

pub(super) fn get(call: Call, path: String) -> Request {
    Request { call, api: Api::V2, method: Method::GET, path, body: None, hidden: Vec::new() }
}

pub(super) fn delete(call: Call, path: String) -> Request {
    Request { method: Method::DELETE, ..get(call, path) }
}

pub(super) fn write(call: Call, method: Method, path: String, body: &impl Serialize) -> Request {
    let body = serde_json::to_vec(body).expect("bodies are maps with text keys");
    Request { method, body: Some(body), ..get(call, path) }
}
