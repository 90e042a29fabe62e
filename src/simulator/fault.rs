//! Faults on order: which request goes wrong, and how.
//!
//! A script is a list of rules, separated by commas: `create#2=done-but-500` answers the second create with a 500 after having made the pod.
//! `#2-5` is a range, `#*` (or nothing) is every one; `create@40m` is every create of the world's next 40 minutes; what follows a class after a colon is its argument, as in `create=no-capacity:gpu=NVIDIA L40S`
//! or `any=slow:8`. `any=random:10` makes a tenth of the requests fail, drawn from the seed, with faults that a patient caller survives.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::exchange::Operation;
use super::world::chance::draw;
use super::world::job::Slip;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Rejected for a reason that will not go away.
    Refused,
    /// Rejected for a mistake of RunPod's own.
    Broken,
    /// Nothing is in stock, for everything or for one GPU type or data center.
    NoCapacity(Scope),
    /// Over the rate limit, with the seconds to wait.
    Throttled(u64),
    /// Not done, and said so with a 503.
    Unavailable,
    /// Done, and answered with a 500.
    DoneButError,
    /// Done, and never answered.
    DoneButTimeout,
    /// Not done, and never answered.
    NotDoneTimeout,
    /// Done, and answered after so many seconds.
    Slow(u64),
    /// The listing is the one before the last change.
    StaleListing,
    /// The listing misses the pods of the last minute.
    LaggingListing,
    /// The listing shows each pod twice.
    DuplicateListing,
    /// The pod starts without a GPU.
    ZeroGpus,
    /// Others took the pod's host, and keep it.
    HostFull,
    /// The pod's host is gone, for good.
    HostLost,
    /// Somebody locked the pod.
    Locked,
    /// Somebody pays more for the pod's GPUs, if it is rented by a bid.
    Outbid,
    /// The platform begins to move the pod.
    Migrating,
    /// The account is empty, and what that leads to.
    BalanceExhausted,
    /// The key is not accepted.
    KeyRefused,
    /// The key may not do this.
    Forbidden,
    /// The firewall in front turned the request away.
    Firewall,
    /// Done, and answered with something that is not JSON.
    MalformedBody,
    /// Done, and the answer breaks off.
    TruncatedBody,
    /// Done, and answered with a web page.
    WrongContentType,
    /// Not done, and sent elsewhere.
    Redirect,
    /// Answered as if done, and not done.
    DidNothing,
    /// Done, and the first entry of every list in the answer cannot be understood.
    OddEntry,
    /// Done, and the first entry of every list in the answer has no id.
    NamelessEntry,
    /// Done, and the answer does not tell the time.
    NoDate,
    /// Done, and the answer tells a time that is so many seconds after the world's.
    SkewedDate(i64),
    /// Done, and the container that it begins comes up so many seconds later.
    SlowBoot(u64),
    /// Done, and the program of the container that it begins never listens.
    NeverReady,
    /// Done, and the program of the container that it begins listens so many seconds after that is up.
    NotYetReady(u64),
    /// Done, and the job of the container that it begins turns out so.
    Job(Slip),
}

/// What is out of stock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Everything,
    /// One GPU type.
    Gpu(String),
    DataCenter(String),
}

/// Faults that a patient caller survives; what random faults are drawn from. Those on the right suit listings only.
const SURVIVABLE: [Fault; 10] = [
    Fault::Throttled(2),
    Fault::Unavailable,
    Fault::DoneButError,
    Fault::DoneButTimeout,
    Fault::NotDoneTimeout,
    Fault::Slow(5),
    Fault::MalformedBody,
    Fault::TruncatedBody,
    Fault::LaggingListing,
    Fault::StaleListing,
];

/// Which requests of a kind a rule is about, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    first: u64,
    last: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Effect {
    Fixed(Fault),
    Random { percent: u64 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// `None` for any.
    operation: Option<Operation>,
    numbers: Numbers,
    /// How old the script may be, in milliseconds of the world's time.
    until: Option<u64>,
    effect: Effect,
}

/// Which request it is, counted from 1, and when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nth {
    /// Among those of its kind.
    pub number: u64,
    /// Among all.
    pub total: u64,
    /// How long the script has been in force, in milliseconds of the world's time.
    pub age: u64,
}

/// A list of faults to inject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultScript {
    rules: Vec<Rule>,
}

/// Why a fault script cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultScriptError {
    /// A rule is not `request=fault`.
    #[error("fault `{rule}` is not of the form `request#number=fault`")]
    Form {
        /// The rule as typed.
        rule: String,
    },
    /// The kind of request is unknown.
    #[error("fault `{rule}` names no kind of request; known: {known}")]
    Operation {
        /// The rule as typed.
        rule: String,
        /// The known words.
        known: String,
    },
    /// The fault is unknown.
    #[error("fault `{rule}` names no fault; known: {known}")]
    Class {
        /// The rule as typed.
        rule: String,
        /// The known words.
        known: String,
    },
    /// The number after `#` or the argument is wrong.
    #[error("fault `{rule}` has a number or an argument that does not fit")]
    Argument {
        /// The rule as typed.
        rule: String,
    },
}

/// The words for faults without an argument.
const CLASSES: [(&str, Fault); 40] = [
    ("refused", Fault::Refused),
    ("broken", Fault::Broken),
    ("no-capacity", Fault::NoCapacity(Scope::Everything)),
    ("throttled", Fault::Throttled(2)),
    ("unavailable", Fault::Unavailable),
    ("done-but-500", Fault::DoneButError),
    ("done-but-timeout", Fault::DoneButTimeout),
    ("not-done-timeout", Fault::NotDoneTimeout),
    ("slow", Fault::Slow(5)),
    ("stale", Fault::StaleListing),
    ("lagging", Fault::LaggingListing),
    ("duplicate", Fault::DuplicateListing),
    ("zero-gpu", Fault::ZeroGpus),
    ("host-full", Fault::HostFull),
    ("host-lost", Fault::HostLost),
    ("locked", Fault::Locked),
    ("outbid", Fault::Outbid),
    ("migrating", Fault::Migrating),
    ("balance", Fault::BalanceExhausted),
    ("key-refused", Fault::KeyRefused),
    ("forbidden", Fault::Forbidden),
    ("waf", Fault::Firewall),
    ("malformed", Fault::MalformedBody),
    ("truncated", Fault::TruncatedBody),
    ("wrong-content-type", Fault::WrongContentType),
    ("redirect", Fault::Redirect),
    ("did-nothing", Fault::DidNothing),
    ("odd-entry", Fault::OddEntry),
    ("nameless-entry", Fault::NamelessEntry),
    ("no-date", Fault::NoDate),
    ("skewed-date", Fault::SkewedDate(3600)),
    ("slow-boot", Fault::SlowBoot(600)),
    ("never-ready", Fault::NeverReady),
    ("502-until", Fault::NotYetReady(60)),
    ("job-fails", Fault::Job(Slip::Fails(1))),
    ("job-takes", Fault::Job(Slip::Takes(300))),
    ("job-endless", Fault::Job(Slip::Endless)),
    ("job-untold", Fault::Job(Slip::Untold)),
    ("job-cut-off", Fault::Job(Slip::CutOff)),
    ("job-slow-stop", Fault::Job(Slip::SlowStop)),
];

impl FromStr for FaultScript {
    type Err = FaultScriptError;

    fn from_str(text: &str) -> Result<FaultScript, FaultScriptError> {
        let rules = text.split(',').map(str::trim).filter(|rule| !rule.is_empty()).map(parse_rule);
        Ok(FaultScript { rules: rules.collect::<Result<_, _>>()? })
    }
}

impl FaultScript {
    /// Returns what goes wrong with a request: the first rule that fits decides. What is out of stock for one GPU type or in
    /// one data center is told by [`Self::closed`].
    pub fn fault(&self, seed: u64, operation: Operation, nth: Nth) -> Option<Fault> {
        self.fitting(operation, nth).find_map(|rule| match &rule.effect {
            Effect::Fixed(Fault::NoCapacity(Scope::Gpu(_) | Scope::DataCenter(_))) => None,
            Effect::Fixed(fault) => Some(fault.clone()),
            Effect::Random { percent } => random(seed, operation, nth.number, *percent),
        })
    }

    /// Returns which GPU types and data centers are out of stock for a request, by all rules that fit: it may ask for any of
    /// them, or for none, and then the other rules are about it.
    pub fn closed(&self, operation: Operation, nth: Nth) -> BTreeSet<Scope> {
        let closed = self.fitting(operation, nth).filter_map(|rule| match &rule.effect {
            Effect::Fixed(Fault::NoCapacity(scope @ (Scope::Gpu(_) | Scope::DataCenter(_)))) => Some(scope),
            Effect::Fixed(_) | Effect::Random { percent: _ } => None,
        });
        closed.cloned().collect()
    }

    fn fitting(&self, operation: Operation, nth: Nth) -> impl Iterator<Item = &Rule> {
        let Nth { number, total, age } = nth;
        self.rules.iter().filter(move |rule| {
            let count = if rule.operation.is_some() { number } else { total };
            rule.operation.is_none_or(|wanted| wanted == operation)
                && rule.until.is_none_or(|until| age < until)
                && (rule.numbers.first..=rule.numbers.last).contains(&count)
        })
    }
}

fn random(seed: u64, operation: Operation, number: u64, percent: u64) -> Option<Fault> {
    let subject = ["fault", operation.name(), &number.to_string()];
    if draw(seed, &subject) % 100 >= percent {
        return None;
    }
    let of_listings = 2;
    let choices =
        if operation == Operation::List { SURVIVABLE.len() } else { SURVIVABLE.len() - of_listings };
    let index =
        usize::try_from(draw(seed, &["class", operation.name(), &number.to_string()])).unwrap_or(0) % choices;
    Some(SURVIVABLE[index].clone())
}

fn parse_rule(rule: &str) -> Result<Rule, FaultScriptError> {
    let form = || FaultScriptError::Form { rule: rule.to_owned() };
    let argument_error = || FaultScriptError::Argument { rule: rule.to_owned() };
    let (request, effect) = rule.split_once('=').ok_or_else(form)?;
    let (name, numbers) = request.split_once('#').unwrap_or((request, "*"));
    let (name, until) = name.split_once('@').map_or((name, None), |(name, until)| (name, Some(until)));
    let until = until.map(|until| millis(until.trim()).ok_or_else(argument_error)).transpose()?;
    let operation = parse_operation(name.trim(), rule)?;
    let numbers = parse_numbers(numbers.trim()).ok_or_else(argument_error)?;
    let (class, argument) =
        effect.split_once(':').map_or((effect, None), |(class, rest)| (class, Some(rest)));
    let class = class.trim();
    let effect = if class == "random" {
        let percent =
            argument.and_then(|text| text.trim_end_matches('%').parse().ok()).ok_or_else(argument_error)?;
        Effect::Random { percent }
    } else {
        let known = CLASSES.iter().find(|(name, _)| *name == class);
        let (_, fault) = known.ok_or_else(|| FaultScriptError::Class {
            rule: rule.to_owned(),
            known: CLASSES.iter().map(|(name, _)| *name).chain(["random"]).collect::<Vec<_>>().join(", "),
        })?;
        Effect::Fixed(with_argument(fault, argument).ok_or_else(argument_error)?)
    };
    Ok(Rule { operation, numbers, until, effect })
}

fn parse_operation(name: &str, rule: &str) -> Result<Option<Operation>, FaultScriptError> {
    // Two APIs call the start of a stopped pod a resume, and two call termination a delete.
    let name = match name {
        "any" => return Ok(None),
        "resume" => "start",
        "delete" => "terminate",
        name => name,
    };
    let found = Operation::ALL.into_iter().find(|operation| operation.name() == name);
    found.map(Some).ok_or_else(|| FaultScriptError::Operation {
        rule: rule.to_owned(),
        known: ["any"].into_iter().chain(Operation::ALL.map(Operation::name)).collect::<Vec<_>>().join(", "),
    })
}

/// Reads a time such as `90s`, `40m` or `2h`.
fn millis(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

fn parse_numbers(text: &str) -> Option<Numbers> {
    if text == "*" {
        return Some(Numbers { first: 1, last: u64::MAX });
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let numbers = Numbers { first: first.parse().ok()?, last: last.parse().ok()? };
    (numbers.first >= 1 && numbers.first <= numbers.last).then_some(numbers)
}

fn with_argument(fault: &Fault, argument: Option<&str>) -> Option<Fault> {
    let Some(argument) = argument else { return Some(fault.clone()) };
    let by_name: BTreeMap<&str, &str> = argument.split_once('=').into_iter().collect();
    // Only these take an argument; a stray one elsewhere is a mistake, not something to ignore.
    if let Fault::NoCapacity(_) = fault {
        let gpu = by_name.get("gpu").map(|id| Scope::Gpu((*id).to_owned()));
        let data_center = by_name.get("dc").map(|id| Scope::DataCenter((*id).to_owned()));
        return gpu.or(data_center).map(Fault::NoCapacity);
    }
    if let Fault::SkewedDate(_) = fault {
        // No clock is further off than by ten years, and the calendar has an end.
        let seconds = argument.parse().ok().filter(|seconds: &i64| seconds.unsigned_abs() <= 315_360_000);
        return seconds.map(Fault::SkewedDate);
    }
    if let Fault::Job(slip) = fault {
        return slip.with(argument.parse().ok()?).map(Fault::Job);
    }
    let seconds = argument.parse().ok();
    if let Fault::Throttled(_) = fault {
        return seconds.map(Fault::Throttled);
    }
    if let Fault::Slow(_) = fault {
        return seconds.map(Fault::Slow);
    }
    // No world lasts longer than a year.
    let in_a_year = seconds.filter(|seconds| *seconds <= 31_536_000);
    if let Fault::SlowBoot(_) = fault {
        return in_a_year.map(Fault::SlowBoot);
    }
    if let Fault::NotYetReady(_) = fault {
        return in_a_year.map(Fault::NotYetReady);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> FaultScript {
        text.parse().unwrap()
    }

    fn nth(number: u64, total: u64) -> Nth {
        Nth { number, total, age: 0 }
    }

    #[test]
    fn a_rule_can_end_with_time() {
        let script = script("create@40m=no-capacity, create#3=slow");
        let fault = |number, age| script.fault(0, Operation::Create, Nth { number, total: number, age });
        let none = Some(Fault::NoCapacity(Scope::Everything));
        assert_eq!([fault(1, 0), fault(3, 2_399_999)], [none.clone(), none]);
        assert_eq!([fault(3, 2_400_000), fault(4, 2_400_000)], [Some(Fault::Slow(5)), None]);
    }

    #[test]
    fn a_rule_meets_its_requests_only() {
        let script = script("create#2=done-but-500, resume#1=host-full, list#3-4=stale, any#9=slow:8");
        let fault = |operation, number| script.fault(0, operation, nth(number, 0));
        assert_eq!(fault(Operation::Create, 1), None);
        assert_eq!(fault(Operation::Create, 2), Some(Fault::DoneButError));
        assert_eq!(fault(Operation::Start, 1), Some(Fault::HostFull));
        let listings = [2, 3, 4, 5].map(|number| fault(Operation::List, number));
        assert_eq!(listings, [None, Some(Fault::StaleListing), Some(Fault::StaleListing), None]);
        assert_eq!(script.fault(0, Operation::Catalog, nth(1, 9)), Some(Fault::Slow(8)));
    }

    #[test]
    fn capacity_can_be_out_for_one_type_or_place() {
        let script = script(
            "create=no-capacity:gpu=NVIDIA L40S, create#1=no-capacity:dc=EU-RO-1, create#7=done-but-500, \
             create@1m=no-capacity:gpu=NVIDIA L4",
        );
        let gpu = |name: &str| Scope::Gpu(name.to_owned());
        let there = Scope::DataCenter("EU-RO-1".to_owned());
        let closed = |operation, nth| script.closed(operation, nth);
        let both = [gpu("NVIDIA L40S"), gpu("NVIDIA L4")];
        assert_eq!(closed(Operation::Create, nth(7, 0)), both.clone().into());
        assert_eq!(closed(Operation::Create, nth(1, 0)), both.into_iter().chain([there]).collect());
        let later = Nth { age: 60_000, ..nth(7, 0) };
        assert_eq!(closed(Operation::Create, later), [gpu("NVIDIA L40S")].into());
        assert_eq!(closed(Operation::List, nth(1, 0)), [].into());
        // A type that is out of stock says nothing of what else goes wrong.
        let faults = [1, 7].map(|number| script.fault(0, Operation::Create, nth(number, 0)));
        assert_eq!(faults, [None, Some(Fault::DoneButError)]);
    }

    #[test]
    fn random_faults_depend_on_the_seed_alone() {
        let script = script("any=random:30");
        let draw =
            |seed| (1..200).map(|n| script.fault(seed, Operation::Create, nth(n, n))).collect::<Vec<_>>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let hit = draw(7).iter().flatten().count();
        assert!((40..80).contains(&hit), "30 % of 199 requests, got {hit}");
        assert!(!draw(7).contains(&Some(Fault::StaleListing)), "a create has no listing to be stale");
    }

    #[test]
    fn mistakes_are_named() {
        let message = |text: &str| text.parse::<FaultScript>().unwrap_err().to_string();
        assert_eq!(message("create"), "fault `create` is not of the form `request#number=fault`");
        assert_eq!(
            message("create#0=slow"),
            "fault `create#0=slow` has a number or an argument that does not fit"
        );
        for wrong in [
            "create@=slow",
            "create@40=slow",
            "create@m=slow",
            "create@é=slow",
            "create@99999999999999999h=slow",
        ] {
            let expected = format!("fault `{wrong}` has a number or an argument that does not fit");
            assert_eq!(message(wrong), expected);
        }
        assert_eq!(
            script("any=skewed-date:-90").fault(0, Operation::List, nth(1, 1)),
            Some(Fault::SkewedDate(-90))
        );
        assert_eq!(
            message("any=skewed-date:99999999999"),
            "fault `any=skewed-date:99999999999` has a number or an argument that does not fit"
        );
        assert_eq!(
            message("list=stale:3"),
            "fault `list=stale:3` has a number or an argument that does not fit"
        );
        assert!(
            message("make#1=slow")
                .starts_with("fault `make#1=slow` names no kind of request; known: any, list")
        );
        assert!(
            message("list#1=late").starts_with("fault `list#1=late` names no fault; known: refused, broken")
        );
    }
}
