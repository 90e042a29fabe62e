//! Which API a request speaks, what it calls there, and how that API words what belongs to no call.

use crate::simulator::exchange::{Answer, Operation, Request, Target, Twist};
use crate::simulator::graphql;
use crate::simulator::rest_v1;
use crate::simulator::rest_v2::{self, Problem};
use crate::simulator::world::World;
use crate::simulator::world::refusal::Refusal;

/// A request in the words of the API that it speaks.
pub(super) enum Call {
    V1(rest_v1::Call),
    V2(rest_v2::Call),
    GraphQl(graphql::Call),
}

/// The APIs that share the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    V1,
    V2,
    GraphQl,
}

impl Api {
    pub(super) fn of(request: &Request) -> Api {
        match request.path.first().map(String::as_str) {
            Some("v1") => Api::V1,
            Some("graphql") => Api::GraphQl,
            Some(_) | None => Api::V2,
        }
    }

    pub(super) fn unauthorized(self, text: &str) -> Answer {
        match self {
            Api::V1 => rest_v1::unauthorized(),
            Api::V2 => Problem::new(401, text).answer(),
            Api::GraphQl => graphql::unauthorized(),
        }
    }

    /// An error that belongs to no call.
    pub(super) fn failure(self, status: u16, text: &str) -> Answer {
        match self {
            Api::V1 => rest_v1::failure(status, text),
            Api::V2 => Problem::new(status, text).answer(),
            Api::GraphQl => graphql::failure(status, text, "INTERNAL_SERVER_ERROR"),
        }
    }

    /// An over-limit answer; only v2 says how long to wait.
    pub(super) fn throttled(self, window: &str, retry_after: u64) -> Answer {
        let answer = self.failure(429, &format!("rate limit exceeded for the {window} window"));
        match self {
            Api::V1 | Api::GraphQl => answer,
            Api::V2 => answer.with("retry-after", retry_after.to_string()),
        }
    }
}

/// Where a request goes.
pub(super) enum Route {
    To(Call),
    Answered(Answer),
}

impl Route {
    pub(super) fn is_too_large(&self, request: &Request) -> bool {
        let is_create = matches!(self, Route::To(Call::V2(rest_v2::Call::CreatePod)));
        is_create && request.body.len() > rest_v2::LARGEST_CREATE
    }

    pub(super) fn is_public(&self) -> bool {
        match self {
            Route::To(call) => call.is_public(),
            Route::Answered(_) => false,
        }
    }
}

impl Call {
    pub(super) fn operation(&self, request: &Request) -> Operation {
        match self {
            Call::V1(call) => call.operation(),
            Call::V2(call) => call.operation(&request.body),
            Call::GraphQl(call) => call.operation(),
        }
    }

    pub(super) fn pod(&self) -> Option<&str> {
        match self {
            Call::V1(call) => call.pod(),
            Call::V2(call) => call.pod(),
            Call::GraphQl(call) => call.pod(),
        }
    }

    pub(super) fn answer(&self, world: &mut World, request: &Request, twist: Twist) -> Answer {
        match self {
            Call::V1(call) => rest_v1::answer(world, call, request, twist),
            Call::V2(call) => rest_v2::answer(world, call, request, twist),
            Call::GraphQl(call) => graphql::answer(world, call, twist),
        }
    }

    pub(super) fn refuse(&self, refusal: Refusal) -> Answer {
        match self {
            Call::V1(call) => rest_v1::refused(call, refusal),
            Call::V2(_) => rest_v2::refused(refusal).answer(),
            Call::GraphQl(call) => call.refuse(refusal),
        }
    }

    pub(super) fn is_public(&self) -> bool {
        match self {
            Call::V1(_) | Call::V2(_) => false,
            Call::GraphQl(call) => call.is_public(),
        }
    }

    pub(super) fn fail(&self, status: u16, text: &str) -> Answer {
        match self {
            Call::V1(call) => rest_v1::failed(call, status, text),
            Call::V2(_) => Problem::new(status, text).answer(),
            // Its server answers 200 even then; what stands in front of it does not.
            Call::GraphQl(call) if status == 500 => call.fail(),
            Call::GraphQl(_) => graphql::failure(status, text, "INTERNAL_SERVER_ERROR"),
        }
    }
}

/// Returns the answer to a request that is not let in, in the form of the API that it is for.
pub fn not_admitted(path: &str, status: u16, text: &str) -> Answer {
    let request = Request::new("GET", path, None, None, Vec::new());
    match Api::of(&request) {
        Api::GraphQl => graphql::failure(status, text, "FORBIDDEN"),
        api @ (Api::V1 | Api::V2) => api.failure(status, text),
    }
}

/// Finds where a request goes.
pub(super) fn route(request: &Request) -> Route {
    let api = Api::of(request);
    let target = match request.path.first().map(String::as_str) {
        Some("v2") => rest_v2::route(request).map(Call::V2),
        Some("v1") => rest_v1::route(request).map(Call::V1),
        Some("graphql") if request.path.len() == 1 && request.method == "POST" => {
            match graphql::read(request) {
                Ok(call) => Target::To(Call::GraphQl(call)),
                Err(unfit) => return Route::Answered(graphql::unfit(&unfit)),
            }
        }
        Some("graphql") if request.path.len() == 1 => Target::WrongMethod("POST"),
        Some(_) | None => Target::Nowhere,
    };
    match target {
        Target::To(call) => Route::To(call),
        Target::WrongMethod(allowed) => {
            let text = "The requested method is not allowed for this path.";
            Route::Answered(api.failure(405, text).with("allow", allowed))
        }
        Target::NotServed => {
            Route::Answered(api.failure(501, "the simulator does not have this part of RunPod"))
        }
        Target::Nowhere => Route::Answered(api.failure(404, "resource not found")),
    }
}
