//! One GraphQL operation: the request with its variables, and `data` and `errors` of its answer.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::prior::Api;
use crate::model::secret::Secret;
use crate::provider::runpod::answer::Answer;
use crate::provider::runpod::transport::{Request, Transport};
use crate::provider::runpod::wire::{Field, Unfit, Wire};
use crate::provider::{Call, ProviderError};

/// One operation: what errors call it, and the field of `data` that holds its result.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    pub(super) call: Call,
    pub(super) field: &'static str,
}

impl Operation {
    pub(super) const fn new(call: Call, field: &'static str) -> Self {
        Self { call, field }
    }
}

/// Sends a mutation whose result says no more than that it succeeded.
pub(super) async fn change(
    transport: &Transport,
    operation: Operation,
    query: &str,
    variables: Value,
    hidden: Vec<Secret<String>>,
) -> Result<(), ProviderError> {
    fetch(transport, operation, query, variables, hidden).await.map(|_| ())
}

/// Sends an operation and takes its field out of the answer.
pub(super) async fn send<T: Field>(
    transport: &Transport,
    operation: Operation,
    query: &str,
    variables: Value,
    hidden: Vec<Secret<String>>,
) -> Result<(Answer, Wire<T>), ProviderError> {
    let (answer, mut data) = fetch(transport, operation, query, variables, hidden).await?;
    let field = take(&mut data, operation.field);
    Ok((answer, field))
}

/// Sends an operation and returns `data`, which has the operation's field.
pub(super) async fn fetch(
    transport: &Transport,
    operation: Operation,
    query: &str,
    variables: Value,
    hidden: Vec<Secret<String>>,
) -> Result<(Answer, BTreeMap<String, Value>), ProviderError> {
    let Operation { call, field } = operation;
    let body = json!({ "query": query, "variables": variables }).to_string().into_bytes();
    let path = String::new();
    let request = Request { call, api: Api::Graphql, method: Method::POST, path, body: Some(body), hidden };
    let answer = transport.send(request).await?;
    let EnvelopeWire { data, errors } = answer.decode()?;
    let failed = errors.shown().is_some_and(|errors| !errors.is_empty());
    let data = data.shown().unwrap_or_default();
    let result = data.get(field).filter(|result| !result.is_null());
    // With errors beside it, what a query found may lack fields. A mutation that names its object happened.
    if failed && (call.verb.is_read() || result.is_none()) {
        return Err(answer.failure());
    }
    if !data.contains_key(field) {
        return Err(answer.unfit(Unfit::Missing(field)));
    }
    Ok((answer, data))
}

/// Takes one field out of `data`.
pub(super) fn take<T: Field>(data: &mut BTreeMap<String, Value>, field: &str) -> Wire<T> {
    let value = data.remove(field).map(Wire::deserialize);
    value.and_then(Result::ok).unwrap_or_default()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EnvelopeWire {
    data: Wire<BTreeMap<String, Value>>,
    errors: Wire<Vec<Value>>,
}
