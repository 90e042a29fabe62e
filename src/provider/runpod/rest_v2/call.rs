//! Requests and listings of REST v2.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Serialize;

use crate::model::prior::Api;
use crate::provider::runpod::answer::Answer;
use crate::provider::runpod::transport::{Request, Transport};
use crate::provider::runpod::wire::{
    Entries, Field, MOST_ENTRIES, Page, PageUnder, PaginationWire, Unfit, Wire,
};
use crate::provider::walk::{Circle, Walk, walk};
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

/// A list: its path, and the key that its entries stand under.
#[derive(Clone, Copy)]
pub(super) struct List<'l> {
    pub(super) call: Call,
    pub(super) path: &'l str,
    pub(super) key: &'static str,
    pub(super) paging: Paging,
}

/// Reads the next page of a listing. The end is where an answer says that nothing follows: members of clusters are taken
/// out of a page after it was cut, so that a short page, or an empty one, says nothing.
pub(super) async fn read<T: Field, L>(
    transport: &Transport,
    List { call, path, key, paging }: List<'_>,
    walk: &mut Walk<L>,
    listed: impl Fn(&Answer, Option<T>) -> L,
) -> Result<(), ProviderError> {
    // A cursor is good for the parameters that it was given for, so each page is asked for with the same.
    let mut path = match paging {
        Paging::Pages => format!("{path}?limit={LIMIT}"),
        Paging::Whole => path.to_owned(),
    };
    if let Some(cursor) = walk.cursor() {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str("cursor=");
        path.extend(utf8_percent_encode(cursor, NON_ALPHANUMERIC));
    }
    let answer = transport.send(get(call, path)).await?;
    answer.weigh(&mut walk.weight)?;
    let Page { entries, pagination } = answer.decode_as(PageUnder::<T>::key(key))?;
    let entries = match entries {
        Wire::Is(Entries(entries)) => entries,
        Wire::Null | Wire::Odd => return Err(answer.unfit(Unfit::Odd(key))),
        Wire::Absent => return Err(answer.unfit(Unfit::Missing(key))),
    };
    let next = next(pagination, paging).map_err(|unfit| answer.unfit(unfit))?;
    // An empty page counts too, or a server that sends nothing else would never be left.
    if walk.entries().len() + entries.len() + walk.pages() > MOST_ENTRIES {
        let detail = "the listing has more entries than are read of one";
        return Err(answer.error(Certainty::Unknown, detail));
    }
    let entries = entries.into_iter().map(|entry| listed(&answer, entry)).collect();
    walk.add(entries, next).map_err(|Circle| {
        answer.error(Certainty::Unknown, "the listing comes back to a page that was read, and so has no end")
    })
}

/// Reads a list that comes whole.
pub(super) async fn whole<T: Field, L>(
    transport: &Transport,
    call: Call,
    (path, key): (&str, &'static str),
    listed: impl Fn(&Answer, Option<T>) -> L,
) -> Result<Vec<L>, ProviderError> {
    let list = List { call, path, key, paging: Paging::Whole };
    walk(async |walk| read(transport, list, walk, &listed).await).await.map(Walk::into_entries)
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
