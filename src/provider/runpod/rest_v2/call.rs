//! Requests and listings of REST v2.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::prior::Api;
use crate::provider::runpod::error::Verb;
use crate::provider::runpod::transport::{Answer, Request, Transport};
use crate::provider::runpod::wire::Unfit;
use crate::provider::{Certainty, ProviderError};

/// The most pages of one listing that are read. The API has no pages yet, but announces them.
const PAGES: usize = 50;

/// The entries of a listing, and the answer that errors about them cite.
pub(super) struct Listing<T> {
    pub(super) entries: Vec<T>,
    pub(super) answer: Answer,
}

/// Reads a listing with all its pages.
pub(super) async fn list<T: DeserializeOwned>(
    transport: &Transport,
    call: &'static str,
    path: &str,
    key: &'static str,
) -> Result<Listing<T>, ProviderError> {
    let mut entries = Vec::new();
    let mut last_page = Vec::new();
    let mut cursor = String::new();
    let mut pages = 0;
    loop {
        pages += 1;
        let separator = if path.contains('?') { '&' } else { '?' };
        let page = match cursor.as_str() {
            "" => path.to_owned(),
            cursor => format!("{path}{separator}cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC)),
        };
        let answer = transport.send(get(call, page)).await?;
        let mut envelope: BTreeMap<String, Value> = answer.decode()?;
        let unfit = |unfit| answer.unfit(unfit);
        let page = match envelope.remove(key) {
            Some(Value::Array(page)) => page,
            Some(_) => return Err(unfit(Unfit::Odd(key))),
            None => return Err(unfit(Unfit::Missing(key))),
        };
        // The API ignores query parameters that it does not know, and would send its first page for ever.
        if pages > PAGES || (!cursor.is_empty() && page == last_page) {
            let detail = "the listing has more pages than can be read";
            return Err(answer.error(Certainty::Unknown, detail));
        }
        for entry in &page {
            entries.push(T::deserialize(entry).map_err(|_| unfit(Unfit::Odd(key)))?);
        }
        match envelope.remove("nextCursor") {
            Some(Value::String(next)) if !next.is_empty() => (cursor, last_page) = (next, page),
            _ => return Ok(Listing { entries, answer }),
        }
    }
}

pub(super) fn get(call: &'static str, path: String) -> Request {
    Request {
        call,
        verb: Verb::Read,
        api: Api::V2,
        method: Method::GET,
        path,
        body: None,
        hidden: Vec::new(),
    }
}

pub(super) fn delete(call: &'static str, path: String) -> Request {
    Request { verb: Verb::Change, method: Method::DELETE, ..get(call, path) }
}

pub(super) fn write(
    call: &'static str,
    verb: Verb,
    method: Method,
    path: String,
    body: &impl Serialize,
) -> Request {
    let body = serde_json::to_vec(body).expect("bodies are maps with text keys");
    Request { verb, method, body: Some(body), ..get(call, path) }
}
