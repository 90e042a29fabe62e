//! Requests and listings of REST v2.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Serialize;

use crate::model::prior::Api;
use crate::provider::runpod::answer::{Answer, Weight};
use crate::provider::runpod::transport::{Request, Transport};
use crate::provider::runpod::wire::{Entries, Field, MOST_ENTRIES, PageUnder, Unfit, Wire};
use crate::provider::{Call, Certainty, ProviderError};

/// The most pages of one listing that are read. The API has no pages yet, but announces them.
const PAGES: usize = 50;

/// The entries of a listing, `None` for one of another form, and the answer that errors about them cite.
pub(super) struct Listing<T> {
    pub(super) entries: Vec<Option<T>>,
    pub(super) answer: Answer,
}

/// Reads a listing with all its pages.
pub(super) async fn list<T: Field>(
    transport: &Transport,
    call: Call,
    path: &str,
    key: &'static str,
) -> Result<Listing<T>, ProviderError> {
    let mut entries = Vec::new();
    let mut cursor = String::new();
    let mut last: Option<Answer> = None;
    let mut pages = 0;
    let mut weight = Weight::default();
    loop {
        pages += 1;
        let separator = if path.contains('?') { '&' } else { '?' };
        let page = match cursor.as_str() {
            "" => path.to_owned(),
            cursor => format!("{path}{separator}cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC)),
        };
        let answer = transport.send(get(call, page)).await?;
        if !weight.add(&answer) {
            let detail = "the pages of the listing are more than is read of one";
            return Err(answer.error(Certainty::Unknown, detail));
        }
        let page = answer.decode_as(PageUnder::<T>::key(key))?;
        let page_entries = match page.entries {
            Wire::Is(Entries(page_entries)) => page_entries,
            Wire::Null | Wire::Odd => return Err(answer.unfit(Unfit::Odd(key))),
            Wire::Absent => return Err(answer.unfit(Unfit::Missing(key))),
        };
        // The API ignores query parameters that it does not know, and would send its first page for ever.
        if pages > PAGES || last.is_some_and(|last| answer.repeats(&last)) {
            let detail = "the listing has more pages than can be read";
            return Err(answer.error(Certainty::Unknown, detail));
        }
        if entries.is_empty() {
            entries = page_entries;
        } else {
            entries.extend(page_entries);
        }
        if entries.len() > MOST_ENTRIES {
            let detail = "the pages of the listing are more than is read of one";
            return Err(answer.error(Certainty::Unknown, detail));
        }
        match page.next.shown().filter(|next| !next.is_empty()) {
            Some(next) => (cursor, last) = (next, Some(answer)),
            None => return Ok(Listing { entries, answer: answer.without_body() }),
        }
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
