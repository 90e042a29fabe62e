//! The sentences that all formats share: reasons, consequences, causes, what is held and what is blocked.

use crate::model::address::Address;
use crate::model::catalog::Stock;
use crate::model::money::Amount;
use crate::model::plan::{
    Block, BudgetLimit, Candidate, Cause, Consequence, CostSummary, Disruption, DriftKind, Held, InProgress,
    Owner, Reason, Several, Step, Subject, Unknown, Unmanaged,
};
use crate::model::pod::Placement;
use crate::model::value::Value;

use std::collections::BTreeSet;

use super::escape::{Quoted, visible};
use super::money::{AMonth, AnHour, PriceAnHour};
use super::ranges::{ranges, ranges_to};
use super::value;
use super::view::{Change, OtherProject, Verb};
use crate::model::id::{PodId, ProjectName};
use crate::model::provenance::Part;

/// Returns why an action is in the plan; `None` where the fields or the header say it already.
pub fn reason(reason: &Reason) -> Option<&'static str> {
    match reason {
        Reason::New | Reason::Changed | Reason::LifecycleChanged => None,
        Reason::Vanished => Some("it was recorded and is gone"),
        Reason::Migrated => Some("RunPod moved it: a pod with its token has another id"),
        Reason::FoundInJournal => Some("an earlier run created it and did not learn of it"),
        Reason::AdoptNamed => Some("`adopt:` names it"),
        Reason::StateWanted => Some("its `state` was changed in the spec"),
        Reason::StateDrifted => Some("it was stopped, started or ended outside of podform"),
        Reason::GpusLost => Some("it has lost GPUs, which a stop and a start may bring back"),
        Reason::Replaced => Some("it cannot be changed in place to what the spec wants"),
        Reason::VolumeReplaced => Some("its volume is replaced"),
        Reason::Requested => Some("`--replace` asks for it"),
        Reason::Removed => Some("its key has left the spec"),
        Reason::Shrunk => Some("`replicas` was lowered or taken out"),
        Reason::Destroyed => Some("`destroy` ends it"),
        Reason::Deposed => Some("an earlier replacement left it behind"),
        Reason::Duplicate => Some("it is a second pod of one create"),
        Reason::Orphaned => Some("an earlier run created it, and neither spec nor state knows it"),
        Reason::Renamed => Some("its address changes"),
        Reason::VolumeRemoved => Some("it still mounts a network volume that is deleted"),
    }
}

/// Returns who changed a field.
pub fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Spec => "you changed it",
        Cause::Outside => "changed outside of podform",
        Cause::Both => "changed by you and outside of podform",
        Cause::ApiDefault => "default of the API",
        Cause::NotAttributable => "differs, cause not attributable",
        Cause::Ignored => "ignored until now; the new pod gets it",
        Cause::NewPodOnly => "left as it is until now; the new pod gets it",
    }
}

/// Returns what applying a field does; `None` where it does nothing else.
pub fn disruption(disruption: Disruption) -> Option<&'static str> {
    match disruption {
        Disruption::InPlace => None,
        Disruption::NextStart => Some("takes effect at the next start"),
        Disruption::Reset => Some("resets the pod"),
        Disruption::Replace => Some("forces replacement"),
    }
}

/// Returns the comment behind a field: who changed it and what applying it does; empty where that is not told.
pub fn why(why: Option<(Cause, Disruption)>) -> String {
    why.map_or_else(String::new, |(cause, disruption)| {
        let does = match (cause, disruption) {
            // Of a start: only if the pod cannot come back.
            (Cause::Ignored | Cause::NewPodOnly, Disruption::Replace) => ", if it is replaced".to_owned(),
            (
                Cause::Spec
                | Cause::Outside
                | Cause::Both
                | Cause::ApiDefault
                | Cause::NotAttributable
                | Cause::Ignored
                | Cause::NewPodOnly,
                disruption,
            ) => self::disruption(disruption).map_or_else(String::new, |does| format!("; {does}")),
        };
        format!("  # {}{does}", self::cause(cause))
    })
}

/// Why a plan is blocked that has neither actions nor a reason of its own.
pub const ONLY_HELD: &str = "nothing is left to do but what is held";

/// Returns the line on prices that are not known afterwards, if there are any.
pub fn unknown_prices(cost: &CostSummary) -> Option<String> {
    let unknown = cost.after.total().unknown_parts;
    (unknown > 0).then(|| format!("{} unknown: the sums are lower bounds.", count(unknown as usize, "price")))
}

/// What a consequence is to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Data is lost.
    Loses,
    /// Something can go wrong or is worth knowing.
    Note,
    /// Data stays.
    Keeps,
}

impl Weight {
    /// Returns the word before the sentence.
    pub fn word(self) -> &'static str {
        match self {
            Self::Loses => "loses",
            Self::Note => "note",
            Self::Keeps => "keeps",
        }
    }
}

/// Returns what an action loses, keeps or risks, as a phrase.
pub fn consequence(consequence: &Consequence) -> (Weight, String) {
    match consequence {
        Consequence::NetworkVolumeLost { volume, size } => {
            (Weight::Loses, format!("network volume `{volume}` ({size}) with everything on it"))
        }
        Consequence::LocalVolumeLost { size, path } => {
            (Weight::Loses, format!("local volume ({size}) at {}", visible(path)))
        }
        Consequence::VanishedWithData { size } => {
            (Weight::Note, format!("its data ({size}) was lost already when it vanished"))
        }
        Consequence::ContainerDiskLost { size } => {
            (Weight::Note, format!("its container disk ({size}) is wiped"))
        }
        Consequence::LocalVolumeKept { size, path } => {
            (Weight::Keeps, format!("local volume ({size}) at {}", visible(path)))
        }
        Consequence::NetworkVolumeKept { volume } => (Weight::Keeps, format!("network volume `{volume}`")),
        Consequence::NewPodId => (Weight::Note, "gets a new pod id and new proxy URLs".to_owned()),
        Consequence::PublicPortsChange => {
            (Weight::Note, "its public address and TCP ports change".to_owned())
        }
        Consequence::StartMayFail { then_replaced: false } => (
            Weight::Note,
            "the start can fail: it is bound to its host, which may have no free GPU; it stays stopped then"
                .to_owned(),
        ),
        Consequence::StartMayFail { then_replaced: true } => (
            Weight::Note,
            "the start can fail: it is bound to its host, which may have no free GPU; it is replaced then"
                .to_owned(),
        ),
        Consequence::ScarceGpuGivenUp => (
            Weight::Note,
            "its GPU is given up before there is another, and stock of every candidate is low".to_owned(),
        ),
        Consequence::TakesEffectAtNextStart => {
            (Weight::Note, "the change takes effect at the next start".to_owned())
        }
        Consequence::GoesOnUnmanaged => {
            (Weight::Note, "it goes on running and being billed, unmanaged".to_owned())
        }
    }
}

/// Returns what is lost first, then what to note, then what stays; within each the worst first.
///
/// A start loses nothing by itself, only if it turns into a replacement because its host is full.
pub fn consequences(change: &Change<'_>) -> Vec<(Weight, String)> {
    let phrase = |one: &&Consequence| {
        let (weight, phrase) = consequence(one);
        let conditional = change.verb == Verb::Start && (one.loses_data() || **one == Consequence::NewPodId);
        (weight, if conditional { format!("{phrase}, if it is replaced") } else { phrase })
    };
    let mut phrases: Vec<(Weight, String)> = change.consequences.iter().map(phrase).collect();
    phrases.sort_by_key(|(weight, _)| *weight);
    phrases
}

/// Returns a value as it is shown. Free text is quoted, so that it cannot be taken for a mark such as `(secret)`.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Secret => "(secret)".to_owned(),
        Value::OtherValue => "(other value)".to_owned(),
        Value::KnownAfterApply => "(known after apply)".to_owned(),
        value => match value::text(value) {
            None => "(none)".to_owned(),
            Some(text) if value::is_free_text(value) => Quoted(&text).to_string(),
            Some(text) => visible(&text).to_string(),
        },
    }
}

/// Returns where a create would place a pod, with price and stock.
pub fn candidate(candidate: &Candidate) -> String {
    const MOST_DATA_CENTERS: usize = 6;
    let Candidate { placement, price, stock, stock_by_data_center } = candidate;
    let Placement { compute, cloud, data_centers, host } = placement;
    let cuda = &host.cuda;
    let mut text = format!("{}, {cloud}", visible(&compute.to_string()));
    if data_centers.is_empty() {
        text.push_str(", any data center");
    } else {
        let ids: Vec<&str> = data_centers.iter().map(|id| id.as_str()).collect();
        text.push_str(", in ");
        text.push_str(&visible(&ids.join(" or ")).to_string());
    }
    let versions: Vec<&str> = cuda.allowed().collect();
    if !versions.is_empty() {
        text.push_str(&format!(", CUDA {}", visible(&versions.join(" or "))));
    }
    if let Some(least) = cuda.least() {
        text.push_str(&format!(", CUDA {} or later", visible(least)));
    }
    text.push_str(&format!(": {}, {}", PriceAnHour(*price), stock_words(*stock)));
    if !stock_by_data_center.is_empty() {
        let named = stock_by_data_center.iter().take(MOST_DATA_CENTERS);
        let words: Vec<String> =
            named.map(|(id, stock)| format!("{} {stock}", visible(id.as_str()))).collect();
        let rest = stock_by_data_center.len().saturating_sub(MOST_DATA_CENTERS);
        let more = if rest > 0 { format!(", {rest} more") } else { String::new() };
        text.push_str(&format!(" ({}{more})", words.join(", ")));
    }
    text
}

fn stock_words(stock: Stock) -> &'static str {
    match stock {
        Stock::None => "no stock",
        Stock::NotAsked => "stock not asked",
        Stock::Low => "stock low",
        Stock::Medium => "stock medium",
        Stock::High => "stock high",
    }
}

/// Returns what others did to an object; fields are listed by the caller.
pub fn drift(kind: &DriftKind) -> String {
    match kind {
        DriftKind::Vanished => "is gone".to_owned(),
        DriftKind::Stopped => "was stopped, or its process ended".to_owned(),
        DriftKind::Started => "was started".to_owned(),
        DriftKind::Migrated { from, to } => format!(
            "was moved by RunPod: pod `{}` is now `{}`",
            visible(&from.to_string()),
            visible(&to.to_string())
        ),
        DriftKind::Fields(_) => "has changed".to_owned(),
        DriftKind::MarkRemoved => {
            "has its mark removed; the next update of its environment puts it back".to_owned()
        }
    }
}

/// Returns the comment behind a field that others changed.
pub fn left_alone(left_alone: bool) -> &'static str {
    if left_alone { "  # left alone" } else { "" }
}

/// Returns who is at work while somebody else looks, and where.
pub fn in_progress(running: &InProgress) -> String {
    let InProgress { who, command, since, addresses } = running;
    let places = match addresses.is_empty() {
        true => "nothing is begun at the moment".to_owned(),
        false => format!("in progress: {}", ranges_to(addresses, 400)),
    };
    let (who, command) = (visible(who).to_string(), visible(command).to_string());
    format!("`podform {command}` runs since {since:.0} by {who}; {places}")
}

/// Returns why addresses are left alone, with what can be typed about it: for one of them its own name.
pub fn held<'a>(held: &Held, addresses: impl IntoIterator<Item = &'a Address>) -> String {
    let mut addresses = addresses.into_iter();
    let at = match (addresses.next(), addresses.next()) {
        (Some(address), None) => address.to_string(),
        (None | Some(_), _) => "ADDRESS".to_owned(),
    };
    match held {
        Held::Unreadable(why) => format!("it could not be looked at: {}", visible(why)),
        Held::Unsettled { until } => {
            format!("a create of an earlier run may still show up; certain at {until:.0}")
        }
        Held::DependsOn(address) => format!("it depends on `{address}`, which is held"),
        Held::Duplicate { ids } => {
            let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
            format!(
                "it cannot be told whether this is its pod or a copy: {}; look at it, `podform import {at} {}` takes \
                 {}",
                visible(&ids.join(", ")),
                visible(only(&ids)),
                if ids.len() == 1 { "it" } else { "one" },
            )
        }
        Held::Marked { ids } => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            format!(
                "{} carries its mark, but this state does not know it: `podform state rebuild` takes it over, \
                 `podform --state PATH` names the state that has it",
                visible(&ids.join(", "))
            )
        }
        Held::Copied { ids, differs } => copied(&at, ids, *differs),
        Held::OtherProject { id, project } => format!(
            "`adopt:` names `{}`, which belongs to project `{}`; `podform import --from-project {} {at} {}` takes it \
             from there",
            visible(&id.to_string()),
            visible(project.as_str()),
            visible(project.as_str()),
            visible(&id.to_string()),
        ),
        Held::Rebuilt { instead_of } if instead_of.is_empty() => format!(
            "a rebuild found it, the spec does not have it, and it may hold data; `moved:` gives it an address of the \
             spec, `removed: [{{ from: {at}, then: terminate }}]` ends it"
        ),
        Held::Rebuilt { instead_of } => format!(
            "a rebuild found it and the spec does not have it, but {} is to be created; `moved:` tells that it is that \
             one, `removed: [{{ from: {at}, then: terminate }}]` that it is not",
            several(instead_of)
        ),
        Held::MayBeRenamed { from } => format!(
            "it may be {}, which a rebuild found and the spec does not have; `moved:` tells that it is, `removed:` that \
             it is not",
            several(from)
        ),
        Held::Unplaced { ids } => {
            let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
            format!(
                "it may be {}, which a rebuild could not place; `podform import ADDRESS ID` tells where it belongs, \
                 `removed: [{{ from: ADDRESS, then: forget }}]` that the address of its mark is gone for good",
                visible(&ids.join(" or "))
            )
        }
        Held::NotPossible(why) => visible(why).to_string(),
        Held::InProgress => "it is in progress".to_owned(),
        Held::NoCatalog { part, why } => {
            format!("it needs the catalog's {}, which could not be read: {}", part.noun(), visible(why))
        }
    }
}

fn several(addresses: &Several) -> String {
    let Several { named, more } = addresses;
    let named = ranges(named.iter());
    if *more == 0 { named } else { format!("{named} and {more} more") }
}

/// Says that a pod may be a copy of one that is gone, and both ways on.
fn copied(at: &str, ids: &BTreeSet<PodId>, differs: Option<Part>) -> String {
    let named: Vec<String> = ids.iter().map(|id| format!("`{}`", visible(id.as_str()))).collect();
    let who = match (ids.len(), differs) {
        (1, Some(part)) => {
            format!("its pod is gone; {} carries its token but has another {part}", named.join(", "))
        }
        (1, None) => format!(
            "its pod is gone; {} is like it, moved by RunPod or a copy, and holds data",
            named.join(", ")
        ),
        (_, _) => format!("its pod is gone, and several carry its token: {}", named.join(", ")),
    };
    let ids: Vec<&str> = ids.iter().map(PodId::as_str).collect();
    let id = visible(only(&ids));
    format!("{who}; `adopt: {id}` takes that one for it, `podform state rm {at}` gives up the record")
}

/// Returns the id to type where there is only one.
fn only<'a>(ids: &[&'a str]) -> &'a str {
    match ids {
        [id] => id,
        [] | [_, _, ..] => "ID",
    }
}

/// Returns the address that a block is about, if it is about one.
pub fn blocked_address(block: &Block) -> Option<&Address> {
    match block {
        Block::Protected { address, step: _ }
        | Block::Locked { address, step: _ }
        | Block::NoStock { address }
        | Block::VolumeCannotChange { address, why: _ }
        | Block::NoCandidate { address, why: _ }
        | Block::NoSuchPlace { address, field: _, why: _ } => Some(address),
        Block::StateOlder(_)
        | Block::StateEmpty(_)
        | Block::AllVanished { count: _ }
        | Block::OverBudget { .. }
        | Block::Cycle(_) => None,
    }
}

/// An unknown part makes it uncertain, unless the rest is above the limit already.
fn above(limit: BudgetLimit, amount: Amount) -> &'static str {
    let known_is_above = match limit {
        BudgetLimit::Hourly(limit) => amount.known.hourly() > limit,
        BudgetLimit::Monthly(limit) => amount.known > limit,
    };
    if known_is_above || amount.exact().is_some() { "above" } else { "perhaps above" }
}

/// Returns the same as what a position is asked for.
pub fn blocked_subject(block: &Block) -> Option<Subject> {
    let field = match block {
        Block::NoSuchPlace { address: _, field, why: _ } => Some(field.clone()),
        Block::Protected { .. }
        | Block::Locked { .. }
        | Block::StateOlder(_)
        | Block::StateEmpty(_)
        | Block::AllVanished { .. }
        | Block::NoStock { .. }
        | Block::VolumeCannotChange { .. }
        | Block::NoCandidate { .. }
        | Block::OverBudget { .. }
        | Block::Cycle(_) => None,
    };
    blocked_address(block).map(|address| Subject { address: address.clone(), field })
}

/// Returns why nothing may be done, and what to do about it.
pub fn block(block: &Block) -> String {
    match block {
        Block::Protected { address, step } => format!(
            "`{address}` is protected and would {}; to allow it, apply `protect: false` first or, if its key has left \
             the spec, apply what `podform plan --unprotect {address} -o FILE` saves (a destroy: with `--destroy`)",
            suffering(*step)
        ),
        Block::Locked { address, step } => {
            format!("`{address}` is locked on RunPod and would {}; unlock it first", suffering(*step))
        }
        Block::StateOlder(unknown) => format!(
            "the state is older than the account: {} of a later version of it; use the newer state, or \
             `podform state rebuild` takes in what is there",
            marked(unknown)
        ),
        Block::StateEmpty(unknown) => format!(
            "the state has no record, and {} of this project; `podform state rebuild` takes them in, \
             `--state PATH` names the state that has them",
            marked(unknown)
        ),
        Block::AllVanished { count: 1 } => {
            "the only recorded object is gone, and nothing else of this state is in \
             the account: perhaps it is another account or key; `--accept-vanished` goes on"
                .to_owned()
        }
        Block::AllVanished { count } => format!(
            "all {count} recorded objects are gone at once, more likely another account or key than a loss; \
             `--accept-vanished` goes on"
        ),
        Block::OverBudget { limit: budget @ BudgetLimit::Hourly(limit), at_most } => format!(
            "GPUs and vCPUs may cost {}, {} `budget.max_hourly` of {limit}/h; want less, or raise the limit",
            AnHour(*at_most),
            above(*budget, *at_most)
        ),
        Block::OverBudget { limit: budget @ BudgetLimit::Monthly(limit), at_most } => format!(
            "everything may cost {} a month, {} `budget.max_monthly` of {limit}; want less, or raise the limit",
            AMonth(*at_most),
            above(*budget, *at_most)
        ),
        Block::NoStock { address } => format!(
            "`{address}` would be terminated before its replacement exists, and no candidate has stock; \
             `on_replace: create_first` keeps it until there is one"
        ),
        Block::VolumeCannotChange { address, why } | Block::NoSuchPlace { address, field: _, why } => {
            format!("`{address}`: {}", visible(why))
        }
        Block::NoCandidate { address, why } => {
            let why: Vec<String> = why.iter().map(|why| visible(why).to_string()).collect();
            let list = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
            format!("nothing in the catalog satisfies `{address}`{list}")
        }
        Block::Cycle(actions) => {
            let path: Vec<String> = actions.iter().map(|action| format!("`{action}`")).collect();
            format!("the actions wait for each other: {}", path.join(" -> "))
        }
    }
}

/// Says how many objects carry a mark, what they cost and where they belong.
fn marked(Unknown { objects, monthly }: &Unknown) -> String {
    const MOST: usize = 20;
    let named: Vec<String> = objects
        .iter()
        .take(MOST)
        .map(|(id, address)| format!("`{address}` ({})", visible(&id.to_string())))
        .collect();
    let more = match objects.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (objects, carry) = if objects.len() == 1 {
        ("1 object".to_owned(), "carries the mark")
    } else {
        (count(objects.len(), "object"), "carry the mark")
    };
    format!("{objects} ({} a month), {}{more}, {carry}", AMonth(*monthly), named.join(", "))
}

/// Says in one line what another project has in the account.
pub fn other_project(project: &ProjectName, other: &OtherProject) -> String {
    let OtherProject { pods, volumes, cost } = other;
    let mut parts = Vec::new();
    if *pods > 0 {
        parts.push(count(*pods, "pod"));
    }
    if *volumes > 0 {
        parts.push(count(*volumes, "network volume"));
    }
    let total = cost.total();
    format!(
        "{}: {}, {} a month ({})",
        visible(project.as_str()),
        parts.join(" and "),
        AMonth(total),
        AnHour(total)
    )
}

/// Returns what a step does to an object, after "would".
fn suffering(step: Step) -> &'static str {
    match step {
        Step::Move => "be moved",
        Step::Adopt => "be adopted",
        Step::Record => "be recorded",
        Step::Stop => "be stopped",
        Step::Update => "be changed",
        Step::Start => "be started",
        Step::Delete | Step::DeleteDeposed => "be destroyed",
        Step::Create => "be created",
        Step::Forget => "be forgotten",
    }
}

/// Returns how an unmanaged object can come under management.
pub fn unmanaged_hint(unmanaged: &Unmanaged) -> String {
    let Unmanaged { id, name: _, status: _, created_at: _, cost: _, owner } = unmanaged;
    match owner {
        Owner::Project(project) => format!("belongs to project `{}`", visible(project.as_str())),
        Owner::Lost(address) => {
            format!("carries the mark of `{address}` in this project: podform state rebuild")
        }
        Owner::Nobody => match command_word(&id.to_string()) {
            Some(id) => format!("podform import ADDRESS {id}"),
            None => "podform import ADDRESS ID".to_owned(),
        },
    }
}

/// Returns the text if it can be pasted into a shell without quotes.
fn command_word(text: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (!text.is_empty() && !text.starts_with('-') && text.chars().all(plain)).then_some(text)
}

/// Returns `1 pod`, `2 pods`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The most characters of addresses that are as wanted. Whoever needs all of many has the JSON.
const MOST_UNCHANGED: usize = 1_000;

/// Returns how many addresses a plan is not about, by the profiles and targets that were chosen.
pub fn out_of_scope(number: usize) -> Option<String> {
    match number {
        0 => None,
        1 => Some("1 address is out of scope and was not compared".to_owned()),
        _ => Some(format!("{number} addresses are out of scope and were not compared")),
    }
}

/// Returns which addresses are unchanged, in few words.
pub fn unchanged<'a>(addresses: impl ExactSizeIterator<Item = &'a Address>) -> Option<String> {
    let number = addresses.len();
    let names = ranges_to(addresses, MOST_UNCHANGED);
    match number {
        0 => None,
        1 => Some(format!("1 address is as wanted: {names}")),
        _ => Some(format!("{number} addresses are as wanted: {names}")),
    }
}
