//! What stands between the network and the world: keys, quotas, faults, and the choice of the API that a request speaks.
//!
//! Plain code without a clock: the shell says how much of the caller's time has passed and delivers what comes out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::exchange::{Answer, Operation, Request, Target, Twist};
use super::fault::{Fault, FaultScript, Scope};
use super::graphql;
use super::quota::{Quota, Ruling};
use super::rest_v1;
use super::rest_v2::{self, Problem};
use super::world::chance::hex;
use super::world::pod::PodId;
use super::world::refusal::Refusal;
use super::world::{Listing, World};

/// How far the world moves with each request, in milliseconds.
const STEP: u64 = 1_000;
/// How long a request without an answer is held before the gateway gives up on it.
const HANG: Duration = Duration::from_secs(600);
/// The text of a failure that says nothing.
const SOMETHING: &str = "Something went wrong. Please try again later or contact support.";

/// An answer and how it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The answer.
    pub answer: Answer,
    /// How long it is held back.
    pub delay: Duration,
    /// Whether the connection breaks in the middle of the body.
    pub breaks_off: bool,
    /// The time that it tells.
    pub dating: Dating,
}

/// The time that an answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dating {
    /// That of the world, or so many seconds after it.
    After(i64),
    /// None.
    Untold,
}

impl Delivery {
    /// Delivers at once.
    pub fn prompt(answer: Answer) -> Delivery {
        Delivery::late(answer, Duration::ZERO)
    }

    fn late(answer: Answer, delay: Duration) -> Delivery {
        Delivery { answer, delay, breaks_off: false, dating: Dating::After(0) }
    }
}

/// How REST v1 behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum V1Form {
    /// As its document says.
    #[default]
    Documented,
    /// As it was seen live: prices as text, `null` and `{}` where the document has objects.
    Loose,
    /// Not at all: everything is 410 Gone.
    Retired,
}

/// What the counter goes by.
#[derive(Debug)]
pub struct Rules {
    /// How many requests are allowed.
    pub quota: Quota,
    /// The only key that is accepted, or `None` to accept any.
    pub key: Option<String>,
    /// What goes wrong.
    pub faults: FaultScript,
    /// How REST v1 behaves.
    pub v1: V1Form,
    /// Whether interruptible pods are still offered, as GraphQL's page shows.
    pub spot: bool,
}

/// The counter before the world.
#[derive(Debug)]
pub struct Front {
    world: World,
    rules: Rules,
    counts: BTreeMap<Operation, u64>,
    /// Requests with a route, of all kinds: what rules for `any` count.
    total: u64,
    /// All requests: what request identifiers are made of.
    received: u64,
    /// The caller's time at the last request.
    last: Duration,
}

/// A request in the words of the API that it speaks.
enum Call {
    V1(rest_v1::Call),
    V2(rest_v2::Call),
    GraphQl(graphql::Call),
}

/// The APIs that share the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    V1,
    V2,
    GraphQl,
}

impl Api {
    fn of(request: &Request) -> Api {
        match request.path.first().map(String::as_str) {
            Some("v1") => Api::V1,
            Some("graphql") => Api::GraphQl,
            Some(_) | None => Api::V2,
        }
    }

    fn unauthorized(self, text: &str) -> Answer {
        match self {
            Api::V1 => rest_v1::unauthorized(),
            Api::V2 => Problem::new(401, text).answer(),
            Api::GraphQl => graphql::unauthorized(),
        }
    }

    /// An error that belongs to no call.
    fn failure(self, status: u16, text: &str) -> Answer {
        match self {
            Api::V1 => rest_v1::failure(status, text),
            Api::V2 => Problem::new(status, text).answer(),
            Api::GraphQl => graphql::failure(status, text, "INTERNAL_SERVER_ERROR"),
        }
    }

    /// An over-limit answer; only v2 says how long to wait.
    fn throttled(self, window: &str, retry_after: u64) -> Answer {
        let answer = self.failure(429, &format!("rate limit exceeded for the {window} window"));
        match self {
            Api::V1 | Api::GraphQl => answer,
            Api::V2 => answer.with("retry-after", retry_after.to_string()),
        }
    }
}

/// Where a request goes.
enum Route {
    To(Call),
    Answered(Answer),
}

impl Route {
    fn is_public(&self) -> bool {
        match self {
            Route::To(call) => call.is_public(),
            Route::Answered(_) => false,
        }
    }
}

impl Call {
    fn operation(&self, request: &Request) -> Operation {
        match self {
            Call::V1(call) => call.operation(),
            Call::V2(call) => call.operation(&request.body),
            Call::GraphQl(call) => call.operation(),
        }
    }

    fn pod(&self) -> Option<&str> {
        match self {
            Call::V1(call) => call.pod(),
            Call::V2(call) => call.pod(),
            Call::GraphQl(call) => call.pod(),
        }
    }

    fn answer(&self, world: &mut World, request: &Request, twist: Twist) -> Answer {
        match self {
            Call::V1(call) => rest_v1::answer(world, call, request, twist),
            Call::V2(call) => rest_v2::answer(world, call, request, twist),
            Call::GraphQl(call) => graphql::answer(world, call, twist),
        }
    }

    fn refuse(&self, refusal: Refusal) -> Answer {
        match self {
            Call::V1(call) => rest_v1::refused(call, refusal),
            Call::V2(_) => rest_v2::refused(refusal).answer(),
            Call::GraphQl(call) => call.refuse(refusal),
        }
    }

    fn is_public(&self) -> bool {
        match self {
            Call::V1(_) | Call::V2(_) => false,
            Call::GraphQl(call) => call.is_public(),
        }
    }

    fn fail(&self, status: u16, text: &str) -> Answer {
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

impl Front {
    /// Puts a counter before a world.
    pub fn new(world: World, rules: Rules) -> Front {
        Front { world, rules, counts: BTreeMap::new(), total: 0, received: 0, last: Duration::ZERO }
    }

    /// Returns the world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Returns the world, to change it behind its API's back.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// Returns how many requests of each kind came.
    pub fn requests(&self) -> &BTreeMap<Operation, u64> {
        &self.counts
    }

    /// Replaces what goes wrong; requests are counted anew.
    pub fn set_faults(&mut self, faults: FaultScript) {
        self.rules.faults = faults;
        self.counts.clear();
        self.total = 0;
    }

    /// Moves the world by a step and by the time that passed: with each request, and with each look of an open stream.
    pub fn let_pass(&mut self, passed: Duration, speed: u32) {
        let since = passed.saturating_sub(self.last).saturating_mul(speed);
        self.last = passed;
        self.world.pass(STEP + u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    }

    /// Takes a request at `passed` of the caller's time and answers it.
    pub fn receive(&mut self, request: &Request, passed: Duration, speed: u32) -> Delivery {
        self.take(passed, speed);
        let delivery = self.admit(request, passed);
        self.stamp(delivery)
    }

    /// Answers a request whose body is larger than what is read.
    pub fn refuse_unread(&mut self, request: &Request, passed: Duration, speed: u32) -> Delivery {
        self.take(passed, speed);
        let delivery = Delivery::prompt(Api::of(request).failure(413, "request body too large"));
        self.stamp(delivery)
    }

    fn take(&mut self, passed: Duration, speed: u32) {
        self.let_pass(passed, speed);
        self.received += 1;
    }

    /// Adds what every answer has.
    fn stamp(&self, mut delivery: Delivery) -> Delivery {
        let headers = &mut delivery.answer.headers;
        let id = hex(self.world.seed(), &["request", &self.received.to_string()], 24);
        headers.push(("x-request-id", id));
        // A server puts its own time into an answer without the header, so one that tells none has an empty one.
        headers.push(match delivery.dating {
            Dating::After(seconds) => ("date", self.world.now().plus_seconds(seconds).http_date()),
            Dating::Untold => ("date", String::new()),
        });
        delivery
    }

    fn admit(&mut self, request: &Request, passed: Duration) -> Delivery {
        let api = Api::of(request);
        if api == Api::V1 && self.rules.v1 == V1Form::Retired {
            return Delivery::prompt(rest_v1::gone());
        }
        let route = route(request);
        match &request.token {
            None if route.is_public() => {}
            None => return Delivery::prompt(api.unauthorized("missing bearer token")),
            Some(token) if self.rules.key.as_ref().is_some_and(|key| key != token) => {
                return Delivery::prompt(api.unauthorized("invalid bearer token"));
            }
            Some(_) => {}
        }
        let now = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let ruling = self.rules.quota.count(now);
        let mut delivery = match route {
            Route::Answered(answer) => Delivery::prompt(answer),
            Route::To(call) => self.serve(&call, request, ruling),
        };
        match api {
            Api::V1 | Api::GraphQl => {}
            Api::V2 => delivery.answer.headers.extend(self.rules.quota.headers(now)),
        }
        delivery
    }

    fn serve(&mut self, call: &Call, request: &Request, ruling: Ruling) -> Delivery {
        let operation = call.operation(request);
        let count = self.counts.entry(operation).or_insert(0);
        *count += 1;
        let number = *count;
        self.total += 1;
        match ruling {
            Ruling::Exceeded { window, retry_after } => {
                Delivery::prompt(Api::of(request).throttled(window, retry_after))
            }
            Ruling::Allowed => {
                match self.rules.faults.fault(self.world.seed(), operation, number, self.total) {
                    Some(fault) => self.go_wrong(&fault, call, operation, request),
                    None => {
                        let usual = self.usual();
                        Delivery::prompt(call.answer(&mut self.world, request, usual))
                    }
                }
            }
        }
    }

    /// Returns how answers are when nothing goes wrong.
    fn usual(&self) -> Twist {
        Twist { loose: self.rules.v1 == V1Form::Loose, spot: self.rules.spot, ..Twist::default() }
    }

    fn go_wrong(&mut self, fault: &Fault, call: &Call, operation: Operation, request: &Request) -> Delivery {
        let usual = self.usual();
        let listing = |listing| Twist { listing, ..usual };
        let done = |front: &mut Front, twist| call.answer(&mut front.world, request, twist);
        match fault {
            Fault::StaleListing => Delivery::prompt(done(self, listing(Listing::Stale))),
            Fault::LaggingListing => Delivery::prompt(done(self, listing(Listing::Lagging))),
            Fault::DuplicateListing => Delivery::prompt(done(self, listing(Listing::Duplicate))),
            Fault::ZeroGpus => Delivery::prompt(done(self, Twist { start_gpus: Some(0), ..usual })),
            Fault::Slow(seconds) => Delivery::late(done(self, usual), Duration::from_secs(*seconds)),
            Fault::DoneButError => {
                done(self, usual);
                Delivery::prompt(call.fail(500, SOMETHING))
            }
            Fault::DoneButTimeout => {
                done(self, usual);
                Delivery::late(call.fail(504, "upstream request timeout"), HANG)
            }
            Fault::MalformedBody => Delivery::prompt(garbled(done(self, usual))),
            Fault::OddEntry => Delivery::prompt(with_odd_entries(done(self, usual), |key| key != "id")),
            Fault::NamelessEntry => Delivery::prompt(with_odd_entries(done(self, usual), |key| key == "id")),
            Fault::NoDate => Delivery { dating: Dating::Untold, ..Delivery::prompt(done(self, usual)) },
            Fault::SkewedDate(seconds) => {
                Delivery { dating: Dating::After(*seconds), ..Delivery::prompt(done(self, usual)) }
            }
            Fault::TruncatedBody => Delivery { breaks_off: true, ..Delivery::prompt(done(self, usual)) },
            Fault::WrongContentType => Delivery::prompt(web_page(done(self, usual).status)),
            Fault::DidNothing => {
                let mut shadow = self.world.clone();
                Delivery::prompt(call.answer(&mut shadow, request, usual))
            }
            Fault::HostFull | Fault::HostLost | Fault::Locked | Fault::BalanceExhausted => {
                self.harm(fault, call.pod());
                Delivery::prompt(done(self, usual))
            }
            Fault::NoCapacity(scope) => {
                Delivery::prompt(self.without_capacity(scope, call, operation, request))
            }
            Fault::Refused
            | Fault::Throttled(_)
            | Fault::Unavailable
            | Fault::NotDoneTimeout
            | Fault::KeyRefused
            | Fault::Forbidden
            | Fault::Firewall
            | Fault::Redirect => turned_away(fault, call, request),
        }
    }

    /// Does to the world what the fault says, for good; the request then meets what follows from it.
    fn harm(&mut self, fault: &Fault, pod: Option<&str>) {
        let pod = pod.and_then(|id| self.world.all_pods().find(|pod| pod.id == PodId(id.to_owned())));
        let (pod, host) = (pod.map(|pod| pod.id.clone()), pod.map(|pod| pod.host.clone()));
        if *fault == Fault::BalanceExhausted {
            self.world.set_balance(0);
            self.world.pass(0);
        }
        if let (Fault::HostFull, Some(host)) = (fault, &host) {
            self.world.fill_host(host);
        }
        if let (Fault::HostLost, Some(host)) = (fault, &host) {
            self.world.lose_host(host);
        }
        if let (Fault::Locked, Some(pod)) = (fault, &pod) {
            self.world.set_locked(pod, true);
        }
    }

    fn without_capacity(
        &mut self,
        scope: &Scope,
        call: &Call,
        operation: Operation,
        request: &Request,
    ) -> Answer {
        let closed = match scope {
            Scope::Everything if operation == Operation::Create => return call.refuse(Refusal::NoCapacity),
            Scope::Everything if operation == Operation::Start => return call.refuse(Refusal::HostFull),
            Scope::Everything => None,
            Scope::Gpu(id) => Some((id, self.world.ground().closed_gpus.contains(id))),
            Scope::DataCenter(id) => Some((id, self.world.ground().closed_data_centers.contains(id))),
        };
        let close = |world: &mut World, shut: bool| match (scope, closed) {
            (Scope::Gpu(id), Some((_, false))) => world.close_gpu(id, shut),
            (Scope::DataCenter(id), Some((_, false))) => world.close_data_center(id, shut),
            (Scope::Everything | Scope::Gpu(_) | Scope::DataCenter(_), _) => {}
        };
        close(&mut self.world, true);
        let usual = self.usual();
        let answer = call.answer(&mut self.world, request, usual);
        close(&mut self.world, false);
        answer
    }
}

/// Answers what never reaches the world.
fn turned_away(fault: &Fault, call: &Call, request: &Request) -> Delivery {
    if *fault == Fault::NotDoneTimeout {
        return Delivery::late(call.fail(504, "upstream request timeout"), HANG);
    }
    if let Fault::Throttled(seconds) = fault {
        return Delivery::prompt(Api::of(request).throttled("minute", *seconds));
    }
    let answer = if *fault == Fault::Unavailable {
        call.fail(503, "service unavailable")
    } else if *fault == Fault::KeyRefused {
        Api::of(request).unauthorized("invalid bearer token")
    } else if *fault == Fault::Forbidden {
        call.fail(403, "access denied")
    } else if *fault == Fault::Firewall {
        let body = b"error code: 1010".to_vec();
        Answer { status: 403, headers: vec![("content-type", "text/plain; charset=UTF-8".to_owned())], body }
    } else if *fault == Fault::Redirect {
        let location = format!("https://elsewhere.invalid/{}", request.path.join("/"));
        Answer::empty(307).with("location", location)
    } else {
        call.fail(400, "request could not be processed")
    };
    Delivery::prompt(answer)
}

/// The answer cut in the middle and closed as if that were all of it.
fn garbled(answer: Answer) -> Answer {
    let mut body = answer.body;
    body.truncate(body.len() / 2);
    body.extend_from_slice(b"...");
    Answer { body, ..answer }
}

/// Gives some fields of the first entry of every list another kind of value than the documented one.
fn with_odd_entries(answer: Answer, is_odd: fn(&str) -> bool) -> Answer {
    let Ok(mut value) = serde_json::from_slice::<Value>(&answer.body) else { return answer };
    make_odd(&mut value, is_odd);
    Answer { body: value.to_string().into_bytes(), ..answer }
}

fn make_odd(value: &mut Value, is_odd: fn(&str) -> bool) {
    match value {
        Value::Array(entries) => {
            if let Some(Value::Object(first)) = entries.first_mut() {
                first.iter_mut().filter(|(key, _)| is_odd(key)).for_each(|(_, value)| *value = json!({}));
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(|value| make_odd(value, is_odd)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn web_page(status: u16) -> Answer {
    let body =
        b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>".to_vec();
    Answer { status, headers: vec![("content-type", "text/html; charset=UTF-8".to_owned())], body }
}

fn route(request: &Request) -> Route {
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
        Target::Nowhere => Route::Answered(api.failure(404, "resource not found")),
    }
}
