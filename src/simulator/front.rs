//! What stands between the network and the world: keys, quotas, faults, and the choice of the API that a request speaks.
//!
//! Plain code without a clock: the shell says how much of the caller's time has passed and delivers what comes out.

mod call;
mod fate;

use std::collections::BTreeMap;
use std::time::Duration;

use super::exchange::{Answer, Contract, Operation, Request, Twist, Unset};
use super::fault::{FaultScript, Nth};
use super::proxy::Visit;
use super::quota::{Quota, Ruling};
use super::rest_v1;
use super::world::World;
use super::world::chance::hex;
use super::world::moment::Moment;
use call::{Api, Call, Route, route};

pub use call::not_admitted;

/// How far the world moves with each request, in milliseconds.
const STEP: u64 = 1_000;

/// An answer and how it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
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
    /// Which contract REST v2 speaks.
    pub contract: Contract,
    /// The most entries of a page of REST v2, whatever is asked for.
    pub page: Option<u32>,
    /// How REST v2 shows a list of a command that is not set.
    pub unset: Unset,
}

/// The counter before the world.
#[derive(Debug)]
pub struct Front {
    world: World,
    rules: Rules,
    counts: BTreeMap<Operation, u64>,
    /// Requests with a route, of all kinds: what rules for `any` count.
    total: u64,
    /// When the first request met the faults.
    faulty_since: Option<Moment>,
    /// All requests: what request identifiers are made of.
    received: u64,
    /// The caller's time at the last request.
    last: Duration,
}

impl Front {
    /// Puts a counter before a world.
    pub fn new(world: World, rules: Rules) -> Front {
        Front {
            world,
            rules,
            counts: BTreeMap::new(),
            total: 0,
            faulty_since: None,
            received: 0,
            last: Duration::ZERO,
        }
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
        self.faulty_since = None;
    }

    /// Moves the world by a step and by the time that passed: with each request, and with each look of an open stream.
    pub fn let_pass(&mut self, passed: Duration, speed: u32) {
        let since = self.since(passed, speed);
        self.world.pass(STEP.saturating_add(since));
    }

    /// Moves the world by the time that passed, and by no step.
    pub fn catch_up(&mut self, passed: Duration, speed: u32) {
        let since = self.since(passed, speed);
        self.world.pass(since);
    }

    /// Returns how many milliseconds of the world have passed since this was last asked.
    fn since(&mut self, passed: Duration, speed: u32) -> u64 {
        let since = passed.saturating_sub(self.last).saturating_mul(speed);
        self.last = passed;
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes a request at `passed` of the caller's time and answers it.
    pub fn receive(&mut self, request: &Request, passed: Duration, speed: u32) -> Delivery {
        self.take(passed, speed);
        let delivery = match Visit::of(request) {
            Some(visit) => self.let_in(&visit),
            None => self.admit(request, passed),
        };
        self.stamp(delivery, speed)
    }

    /// Answers a request whose body is larger than what is read.
    pub fn refuse_unread(&mut self, request: &Request, passed: Duration, speed: u32) -> Delivery {
        self.take(passed, speed);
        let delivery = Delivery::prompt(Api::of(request).failure(413, "request body too large"));
        self.stamp(delivery, speed)
    }

    fn take(&mut self, passed: Duration, speed: u32) {
        self.let_pass(passed, speed);
        self.received += 1;
    }

    /// Adds what every answer has.
    fn stamp(&self, mut delivery: Delivery, speed: u32) -> Delivery {
        let headers = &mut delivery.answer.headers;
        let id = hex(self.world.seed(), &["request", &self.received.to_string()], 24);
        headers.push(("x-request-id", id));
        // A server puts its own time into an answer without the header, so one that tells none has an empty one.
        headers.push(match delivery.dating {
            Dating::After(seconds) => ("date", self.world.now().plus_seconds(seconds).http_date()),
            Dating::Untold => ("date", String::new()),
        });
        // A client that waits for something of this world need not wait as long as at RunPod. One that goes as fast, or
        // stands still but for requests, says nothing.
        if speed > 1 {
            headers.push(("x-podform-speed", speed.to_string()));
        }
        delivery
    }

    fn admit(&mut self, request: &Request, passed: Duration) -> Delivery {
        let api = Api::of(request);
        if api == Api::V1 && self.rules.v1 == V1Form::Retired {
            return Delivery::prompt(rest_v1::gone());
        }
        let route = route(request);
        if self.rules.contract == Contract::Autumn && route.is_too_large(request) {
            // Something in front of the API answers this, so no quota is told, and none is used.
            return Delivery::prompt(api.failure(413, "request body too large"));
        }
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

    /// Lets a request to a pod in.
    fn let_in(&mut self, visit: &Visit) -> Delivery {
        let nth = self.count(Operation::Probe);
        let answer = visit.answer(&self.world);
        match self.rules.faults.fault(self.world.seed(), Operation::Probe, nth) {
            Some(fault) => fate::on_the_way(&fault, answer),
            None => Delivery::prompt(answer),
        }
    }

    /// Counts a request among those of its kind and among all.
    fn count(&mut self, operation: Operation) -> Nth {
        let count = self.counts.entry(operation).or_insert(0);
        *count += 1;
        self.total += 1;
        let now = self.world.now();
        let age = now.since(*self.faulty_since.get_or_insert(now));
        Nth { number: *count, total: self.total, age }
    }

    fn serve(&mut self, call: &Call, request: &Request, ruling: Ruling) -> Delivery {
        let operation = call.operation(request);
        let nth = self.count(operation);
        match ruling {
            Ruling::Exceeded { window, retry_after } => {
                Delivery::prompt(Api::of(request).throttled(window, retry_after))
            }
            Ruling::Allowed => {
                let closed = self.close(self.rules.faults.closed(operation, nth));
                let delivery = match self.rules.faults.fault(self.world.seed(), operation, nth) {
                    Some(fault) => self.go_wrong(&fault, call, operation, request),
                    None => {
                        let usual = self.usual();
                        Delivery::prompt(call.answer(&mut self.world, request, usual))
                    }
                };
                self.shut(&closed, false);
                delivery
            }
        }
    }

    /// Returns how answers are when nothing goes wrong.
    fn usual(&self) -> Twist {
        let Rules { v1, spot, contract, page, unset, .. } = &self.rules;
        Twist {
            loose: *v1 == V1Form::Loose,
            spot: *spot,
            contract: *contract,
            page: *page,
            unset: *unset,
            ..Twist::default()
        }
    }
}
