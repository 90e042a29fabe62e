//! One answer: how much of it is read, and what it says.
//!
//! A body is read whole but bounded, as a server cannot be trusted to end it. What cannot be understood of a success is
//! an error that leaves open whether the request was done; see [`super::error`].

use std::marker::PhantomData;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

use super::error::{Said, certainty};
use super::redact::Redactor;
use super::transport::root_cause;
use super::wire::{Entry, Unfit, Wire, object_id};
use crate::model::id::RequestId;
use crate::model::prior::Api;
use crate::model::text::values;
use crate::provider::walk::Weight;
use crate::provider::{Call, Certainty, Listed, ProviderError, Rejection};

/// The largest answer that is read. A pod takes about a KiB of a listing, so that a page of sixty thousand fits; what is
/// made of an answer takes up to fourteen times its length in memory.
const BODY_LIMIT: usize = 64 << 20;
/// The most values that an answer may hold. A pod has about fifty; of the shortest, such as a variable without a text,
/// many times their length is made in memory.
const VALUE_LIMIT: usize = 5_000_000;
/// The body of an answer.
pub(super) enum Body {
    Whole(Vec<u8>),
    /// Reading it failed half-way; the status is known all the same.
    Broken(String),
}

/// A body as it comes, whichever way it came.
pub(super) type RawBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// Reads a body, each piece of which is freed as soon as it is copied: a listing can be large.
pub(super) async fn read(body: RawBody) -> Body {
    let mut body = Limited::new(body, BODY_LIMIT);
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) => whole.extend_from_slice(&data),
            // Trailers say nothing here.
            Ok(Err(_trailers)) => {}
            Err(error) if error.is::<LengthLimitError>() => {
                return Body::Broken(format!("the answer is larger than {} MiB", BODY_LIMIT >> 20));
            }
            Err(error) => return Body::Broken(format!("the answer broke off: {}", root_cause(&*error))),
        }
    }
    if values(&whole) > VALUE_LIMIT {
        return Body::Broken(format!("the answer holds more than {VALUE_LIMIT} values"));
    }
    Body::Whole(whole)
}

/// The most bytes that all pages of a listing may have: a hundred thousand pods, each with twice what a pod takes.
const LISTING_LIMIT: usize = 4 * BODY_LIMIT;
/// The most values that they may hold.
const LISTING_VALUES: usize = 4 * VALUE_LIMIT;

/// An answer of the API, whatever its status.
pub(super) struct Answer {
    pub(super) call: Call,
    pub(super) api: Api,
    pub(super) status: u16,
    /// As it was said, for [`Self::error`] alone.
    pub(super) request_id: Option<RequestId>,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Body,
    pub(super) redactor: Redactor,
}

impl Answer {
    /// Tells whether the API itself says that there is no such object.
    pub(super) fn says_not_found(&self) -> bool {
        self.status == 404 && self.failure().certainty == Certainty::Rejected(Rejection::NotFound)
    }

    /// Reads the body of a success.
    ///
    /// # Errors
    /// It is no success, or its body cannot be read, so that what was done is not known.
    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        self.decode_as(PhantomData)
    }

    /// Reads the body of a success as something that is known only now.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub(super) fn decode_as<'b, S: DeserializeSeed<'b>>(
        &'b self,
        seed: S,
    ) -> Result<S::Value, ProviderError> {
        let mut body = serde_json::Deserializer::from_slice(self.success()?);
        let read = seed.deserialize(&mut body).and_then(|read| body.end().map(|()| read));
        // The decoder's own message may quote a value of the answer.
        read.map_err(|error| {
            self.error(
                Certainty::Unknown,
                match error.classify() {
                    serde_json::error::Category::Data => "the answer is JSON of an unknown form",
                    serde_json::error::Category::Eof => "the answer broke off",
                    serde_json::error::Category::Io | serde_json::error::Category::Syntax => {
                        "the answer is no JSON"
                    }
                },
            )
        })
    }

    /// Checks that a call without a documented body succeeded.
    ///
    /// # Errors
    /// It did not, or what answered is not the API.
    pub(super) fn accept(&self) -> Result<(), ProviderError> {
        let body = self.success()?;
        if body.trim_ascii().is_empty() || serde_json::from_slice::<serde_json::Value>(body).is_ok() {
            return Ok(());
        }
        Err(self.error(Certainty::Unknown, "the answer is no JSON"))
    }

    /// Returns the error for an answer whose field cannot be used.
    pub(super) fn unfit(&self, unfit: Unfit) -> ProviderError {
        self.error(Certainty::Unknown, &unfit.to_string())
    }

    /// Returns an entry of a listing of this answer. What is wrong with it is said for its sake alone.
    pub(super) fn listed<O, I>(&self, entry: Entry<O, I>) -> Listed<O, I> {
        match entry {
            Ok((_, _, Ok(object))) => Listed::Found(object),
            Ok((id, origin, Err(unfit))) => {
                Listed::Unreadable { id, why: self.unfit(unfit).to_string(), origin }
            }
            Err(unfit) => Listed::Nameless { why: self.unfit(unfit).to_string() },
        }
    }

    /// Returns an error about this answer.
    pub(super) fn error(&self, certainty: Certainty, detail: &str) -> ProviderError {
        ProviderError {
            call: self.call,
            certainty,
            status: Some(self.status),
            detail: self.redactor.line(detail),
            // An id that holds a value of ours is none.
            request_id: self.request_id.clone().filter(|id| self.redactor.line(id.as_str()) == id.as_str()),
        }
    }

    /// Returns the error that the body of an answer describes.
    pub(super) fn failure(&self) -> ProviderError {
        let said = match &self.body {
            Body::Whole(body) => Said::read(body),
            Body::Broken(why) => Said { text: why.clone(), code: None, genuine: false },
        };
        let certainty = certainty(self.api, self.call.verb, self.status, &said, self.retry_after);
        let detail = if (300..400).contains(&self.status) {
            format!("a redirect ({}), which is never followed", self.status)
        } else {
            said.text
        };
        self.error(certainty, &detail)
    }

    /// Adds the answer to what a listing weighs.
    ///
    /// # Errors
    /// The listing is more than is read of one.
    pub(super) fn weigh(&self, weight: &mut Weight) -> Result<(), ProviderError> {
        if let Body::Whole(body) = &self.body {
            weight.bytes += body.len();
            weight.values += values(body);
        }
        if weight.bytes <= LISTING_LIMIT && weight.values <= LISTING_VALUES {
            return Ok(());
        }
        Err(self.error(Certainty::Unknown, "the pages of the listing are more than is read of one"))
    }

    pub(super) fn success(&self) -> Result<&[u8], ProviderError> {
        if !(200..300).contains(&self.status) {
            return Err(self.failure());
        }
        match &self.body {
            Body::Whole(body) => Ok(body),
            Body::Broken(why) => Err(self.error(Certainty::Unknown, why)),
        }
    }
}

/// Reads the id of what a create made. Without it the create may have happened all the same.
pub(super) fn created(answer: &Answer) -> Result<String, ProviderError> {
    let CreatedWire { id } = answer.decode()?;
    object_id(id, "id").map_err(|unfit| answer.unfit(unfit))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CreatedWire {
    id: Wire<String>,
}
