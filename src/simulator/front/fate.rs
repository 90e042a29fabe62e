//! What a fault does to a request and its answer.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Api, Call};
use super::{Dating, Delivery, Front};
use crate::simulator::exchange::{Answer, Operation, Request, Twist};
use crate::simulator::fault::{Fault, Scope};
use crate::simulator::graphql::SOMETHING;
use crate::simulator::world::Listing;
use crate::simulator::world::phase::Hindrance;
use crate::simulator::world::pod::PodId;
use crate::simulator::world::refusal::Refusal;

/// What everybody's creates were once answered with.
const BROKEN: &str = "Field \"objectMounts\" is not defined by type \"PodFindAndDeployOnDemandInput\".";

/// How long a request without an answer is held before the gateway gives up on it.
const HANG: Duration = Duration::from_secs(600);

impl Front {
    pub(super) fn go_wrong(
        &mut self,
        fault: &Fault,
        call: &Call,
        operation: Operation,
        request: &Request,
    ) -> Delivery {
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
            Fault::HostFull
            | Fault::HostLost
            | Fault::Locked
            | Fault::Outbid
            | Fault::Migrating
            | Fault::BalanceExhausted => {
                self.harm(fault, call.pod());
                Delivery::prompt(done(self, usual))
            }
            Fault::SlowBoot(seconds) => self.hindered(Hindrance::SlowBoot(*seconds), call, request),
            Fault::NeverReady => self.hindered(Hindrance::NeverListens, call, request),
            Fault::NotYetReady(seconds) => self.hindered(Hindrance::ListensAfter(*seconds), call, request),
            Fault::Job(slip) => self.hindered(Hindrance::Job(*slip), call, request),
            Fault::NoCapacity(_) => Delivery::prompt(self.without_capacity(call, operation, request)),
            Fault::Refused
            | Fault::Broken
            | Fault::Throttled(_)
            | Fault::Unavailable
            | Fault::NotDoneTimeout
            | Fault::KeyRefused
            | Fault::Forbidden
            | Fault::Firewall
            | Fault::Redirect => turned_away(fault, call, request),
        }
    }

    /// Does what is asked, and hinders the container that it begins.
    fn hindered(&mut self, hindrance: Hindrance, call: &Call, request: &Request) -> Delivery {
        let usual = self.usual();
        let answer = call.answer(&mut self.world, request, usual);
        self.world.hinder_boots(hindrance);
        Delivery::prompt(answer)
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
        if let (Fault::Outbid, Some(pod)) = (fault, &pod) {
            self.world.outbid_pod(pod);
        }
        if let (Fault::Migrating, Some(pod)) = (fault, &pod) {
            self.world.begin_migration(pod);
        }
    }

    /// Closes what is out of stock for one request, and returns what is to be opened again.
    pub(super) fn close(&mut self, closed: BTreeSet<Scope>) -> BTreeSet<Scope> {
        let ground = self.world.ground();
        let is_open = |scope: &Scope| match scope {
            Scope::Everything => false,
            Scope::Gpu(id) => !ground.closed_gpus.contains(id),
            Scope::DataCenter(id) => !ground.closed_data_centers.contains(id),
        };
        let closed: BTreeSet<Scope> = closed.into_iter().filter(is_open).collect();
        self.shut(&closed, true);
        closed
    }

    /// Closes these, or opens them.
    pub(super) fn shut(&mut self, scopes: &BTreeSet<Scope>, shut: bool) {
        for scope in scopes {
            match scope {
                Scope::Everything => {}
                Scope::Gpu(id) => self.world.close_gpu(id, shut),
                Scope::DataCenter(id) => self.world.close_data_center(id, shut),
            }
        }
    }

    /// Answers what finds nothing in stock.
    fn without_capacity(&mut self, call: &Call, operation: Operation, request: &Request) -> Answer {
        if operation == Operation::Create {
            return call.refuse(Refusal::NoCapacity);
        }
        if operation == Operation::Start {
            return call.refuse(Refusal::HostFull);
        }
        let usual = self.usual();
        call.answer(&mut self.world, request, usual)
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
    } else if *fault == Fault::Broken {
        call.fail(400, BROKEN)
    } else {
        call.fail(400, "request could not be processed")
    };
    Delivery::prompt(answer)
}

/// Delivers the answer of a pod, on whose way there is nothing but a proxy: what belongs to an API does not happen to it.
pub(super) fn on_the_way(fault: &Fault, answer: Answer) -> Delivery {
    let plain = |status, text: &str| {
        let headers = vec![("content-type", "text/plain; charset=UTF-8".to_owned())];
        Delivery::prompt(Answer { status, headers, body: text.as_bytes().to_vec() })
    };
    match fault {
        Fault::Slow(seconds) => Delivery::late(answer, Duration::from_secs(*seconds)),
        Fault::DoneButTimeout | Fault::NotDoneTimeout => Delivery::late(answer, HANG),
        Fault::TruncatedBody => Delivery { breaks_off: true, ..Delivery::prompt(answer) },
        Fault::WrongContentType | Fault::MalformedBody => Delivery::prompt(web_page(answer.status)),
        Fault::DoneButError | Fault::Broken => plain(500, "Internal Server Error"),
        Fault::Unavailable => plain(503, "Service Unavailable"),
        Fault::NeverReady | Fault::NotYetReady(_) => plain(502, "502 Bad Gateway"),
        Fault::Throttled(_) => plain(429, "Too Many Requests"),
        Fault::Refused | Fault::Forbidden | Fault::Firewall => plain(403, "error code: 1010"),
        Fault::KeyRefused => plain(401, "Unauthorized"),
        Fault::Redirect => {
            let answer = Answer::empty(307).with("location", "https://elsewhere.invalid/".to_owned());
            Delivery::prompt(answer)
        }
        Fault::NoDate => Delivery { dating: Dating::Untold, ..Delivery::prompt(answer) },
        Fault::SkewedDate(seconds) => {
            Delivery { dating: Dating::After(*seconds), ..Delivery::prompt(answer) }
        }
        Fault::NoCapacity(_)
        | Fault::StaleListing
        | Fault::LaggingListing
        | Fault::DuplicateListing
        | Fault::ZeroGpus
        | Fault::HostFull
        | Fault::HostLost
        | Fault::Locked
        | Fault::Outbid
        | Fault::Migrating
        | Fault::BalanceExhausted
        | Fault::DidNothing
        | Fault::OddEntry
        | Fault::NamelessEntry
        | Fault::SlowBoot(_)
        | Fault::Job(_) => Delivery::prompt(answer),
    }
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
