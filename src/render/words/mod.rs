//! The sentences that all formats share: reasons, consequences, causes, what is held and what is blocked.

mod blocked;
mod change;
mod held;
mod sums;
mod values;

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::catalog::Stock;
use crate::model::id::ProjectName;
use crate::model::job::RecordedJob;
use crate::model::plan::{
    Candidate, Cause, Consequence, Disruption, DriftKind, InProgress, Owner, Reason, Subject, Unmanaged,
};
use crate::model::pod::Placement;
use crate::model::retry::Patience;
use crate::model::seconds::Seconds;
use crate::model::settings::Field;

use super::escape::visible;
use super::money::{AMonth, AnHour, PriceAnHour};
use super::ranges::ranges_to;
use super::rows::Row;
use super::view::{Change, OtherProject, Verb};

pub use self::blocked::block;
pub(crate) use self::change::{comments, header, promises};
pub(crate) use self::held::held;
pub(crate) use self::sums::{out_of_scope, own_line, plan_line, unchanged, unknown_prices};
pub(crate) use self::values::{difference_lines, values};

/// Returns why an action is in the plan; `None` where the fields or the header say it already.
pub(crate) fn reason(reason: &Reason) -> Option<&'static str> {
    match reason {
        Reason::New | Reason::Changed | Reason::LifecycleChanged => None,
        Reason::Vanished => Some("it was recorded and is gone"),
        Reason::Migrated => Some("RunPod moved it: a pod with its token has another id"),
        Reason::FoundInJournal => Some("an earlier run created it and did not learn of it"),
        Reason::AdoptNamed => Some("`adopt:` names it"),
        Reason::StateWanted => Some("its `state` was changed in the spec"),
        Reason::StateDrifted => Some("it was stopped, started or ended outside of podform"),
        Reason::Failed => Some("it did not come up when podform last brought it up"),
        Reason::GpusLost => Some("it has lost GPUs, which a stop and a start may bring back"),
        Reason::Replaced => Some("it cannot be changed in place to what the spec wants"),
        Reason::VolumeReplaced => Some("its volume is replaced"),
        Reason::Requested => Some("`--replace` asks for it"),
        Reason::RotateRequested => Some("`--rotate` asks for it"),
        Reason::Removed => Some("its key has left the spec"),
        Reason::Shrunk => Some("`replicas` no longer counts it"),
        Reason::Destroyed => Some("`destroy` ends it"),
        Reason::Deposed => Some("an earlier replacement left it behind"),
        Reason::Duplicate => Some("it is a second pod of one create"),
        Reason::Orphaned => Some("an earlier run created it, and neither spec nor state knows it"),
        Reason::Renamed => Some("its address changes"),
        Reason::JobEnded => Some("its job has ended"),
        Reason::RunAgain => Some("its job is to run"),
        Reason::VolumeRemoved => Some("it still mounts a network volume that is deleted"),
        Reason::WaitedFor => Some("something of this plan waits for it"),
    }
}

/// Says of jobs that nobody knows whether they have run, and what follows.
pub fn unknown_jobs(why: &str, jobs: &BTreeSet<Address>) -> String {
    format!(
        "whether these jobs have run nobody knows, as {why}: {}. None of them is begun before `podform state done ADDRESS` says \
         that it is done, or `podform apply --replace ADDRESS` runs it",
        ranges_to(jobs, 400)
    )
}

/// Says how the last run of a job stands on record.
pub fn recorded_job(job: &RecordedJob) -> String {
    let RecordedJob { run: _, ended, gone, end_seen_at: _, given: _ } = job;
    let stands = ended.map_or_else(|| "under way when last seen".to_owned(), |end| end.to_string());
    if *gone { format!("{stands}; its pod is no more") } else { stands }
}

/// Returns who changed a field.
pub(crate) fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Spec => "you changed it",
        Cause::Outside => "changed outside of podform",
        Cause::Both => "changed by you and outside of podform",
        Cause::ApiDefault => "default of the API",
        Cause::NotAttributable => "differs, cause not attributable",
        Cause::Ignored => "ignored until now; the new pod gets it",
        Cause::NewPodOnly => "left as it is until now; the new pod gets it",
        Cause::Reference => "the pod it refers to is another one",
    }
}

/// Returns what applying a field does; `None` where it does nothing else.
pub(crate) fn disruption(disruption: Disruption) -> Option<&'static str> {
    match disruption {
        Disruption::InPlace => None,
        Disruption::NextStart => Some("takes effect at the next start"),
        Disruption::Reset => Some("resets the pod"),
        Disruption::Replace => Some("forces replacement"),
    }
}

/// Returns the comment behind a field: which template it is from or who changed it, and what applying it does; empty
/// where nothing is told.
pub(crate) fn why(Row { why, template, field, .. }: &Row) -> String {
    let said = |cause| match (field, cause) {
        // No setting brings a pod down but this, so its cause is known.
        (Field::State, Cause::NotAttributable) => "did not come up",
        (_, cause) => self::cause(cause),
    };
    let from = template.as_ref().map(|id| format!("from template {}", visible(id.as_str())));
    let (source, does) = match (*why, from) {
        (None, None) => return String::new(),
        (None, Some(from)) => (from, String::new()),
        // Whether the file names another template or the template has another value, nobody keeps.
        (Some((Cause::Spec, disruption)), Some(from)) => (from, does(Cause::Spec, disruption)),
        (Some((cause, disruption)), None) => (said(cause).to_owned(), does(cause, disruption)),
        (Some((cause, disruption)), Some(from)) => {
            (format!("{}; {from}", said(cause)), does(cause, disruption))
        }
    };
    format!("  # {source}{does}")
}

fn does(cause: Cause, disruption: Disruption) -> String {
    let of_new_pods = matches!(cause, Cause::Ignored | Cause::NewPodOnly);
    if of_new_pods && disruption == Disruption::Replace {
        // Of a start: only if the pod cannot come back.
        return ", if it is replaced".to_owned();
    }
    self::disruption(disruption).map_or_else(String::new, |does| format!("; {does}"))
}

/// Why a plan is blocked that has neither actions nor a reason of its own.
pub(crate) const ONLY_HELD: &str = "nothing is left to do but what is held";

/// What a consequence is to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// Data is lost.
    Loses,
    /// Something can go wrong or is worth knowing.
    Note,
    /// Data stays.
    Keeps,
}

impl Weight {
    /// Returns the word before the sentence.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Loses => "loses",
            Self::Note => "note",
            Self::Keeps => "keeps",
        }
    }
}

/// Returns what an action loses, keeps or risks, as a phrase.
pub(crate) fn consequence(consequence: &Consequence) -> (Weight, String) {
    const BOUND: &str = "the start can fail: it is bound to its host, which may have no free GPU; it";
    let note = match consequence {
        Consequence::NetworkVolumeLost { volume, size } => {
            return (Weight::Loses, format!("network volume `{volume}` ({size}) with everything on it"));
        }
        Consequence::LocalVolumeLost { size, path } => {
            return (Weight::Loses, format!("local volume ({size}) at {}", visible(path)));
        }
        Consequence::RunCutShort { since } => {
            let since = since.map(|since| format!(", under way since {since:.0}")).unwrap_or_default();
            return (Weight::Loses, format!("the run of its job{since}"));
        }
        Consequence::LocalVolumeKept { size, path } => {
            return (Weight::Keeps, format!("local volume ({size}) at {}", visible(path)));
        }
        Consequence::NetworkVolumeKept { volume } => {
            return (Weight::Keeps, format!("network volume `{volume}`"));
        }
        Consequence::VanishedWithData { size } => {
            format!("its data ({size}) was lost already when it vanished")
        }
        Consequence::ContainerDiskLost { size } => format!("its container disk ({size}) is wiped"),
        Consequence::StartMayFail { then_replaced: false } => format!("{BOUND} stays stopped then"),
        Consequence::StartMayFail { then_replaced: true } => format!("{BOUND} is replaced then"),
        Consequence::NewPodId => "gets a new pod id and new proxy URLs".to_owned(),
        Consequence::PublicPortsChange => "its public address and TCP ports change".to_owned(),
        Consequence::ScarceGpuGivenUp => {
            "its GPU is given up before there is another, and stock of every candidate is low".to_owned()
        }
        Consequence::TakesEffectAtNextStart => "the change takes effect at the next start".to_owned(),
        Consequence::ValueAtNextStart { pods } => {
            let (get, their) =
                if pods.named.len() + pods.more == 1 { ("gets", "its") } else { ("get", "their") };
            format!("{} {get} the value at {their} next start", held::several(pods))
        }
        Consequence::TemplatesLoseIt => {
            "templates that name it lose it, of which RunPod tells nobody".to_owned()
        }
        Consequence::GoesOnUnmanaged => "it goes on running and being billed, unmanaged".to_owned(),
    };
    (Weight::Note, note)
}

/// Returns what is lost first, then what to note, then what stays; within each the worst first.
///
/// A start loses nothing by itself, only if it turns into a replacement because its host is full.
pub(crate) fn consequences(change: &Change<'_>) -> Vec<(Weight, String)> {
    let phrase = |one: &&Consequence| {
        let (weight, phrase) = consequence(one);
        let conditional = change.verb == Verb::Start && (one.loses_data() || **one == Consequence::NewPodId);
        (weight, if conditional { format!("{phrase}, if it is replaced") } else { phrase })
    };
    let mut phrases: Vec<(Weight, String)> = change.consequences.iter().map(phrase).collect();
    phrases.sort_by_key(|(weight, _)| *weight);
    phrases
}

/// Returns where a create would place a pod, and after how long a wait at the earliest.
pub(crate) fn way(after: Option<Seconds>, candidate: &Candidate) -> String {
    let way = self::candidate(candidate);
    after.map_or(way.clone(), |after| format!("from {} on: {way}", length(after)))
}

/// Says how long a lack of capacity is waited out.
pub(crate) fn patience(Patience { within, every }: Patience) -> String {
    format!("up to {} if there is no capacity, with a try every {}", length(within), length(every))
}

/// Returns a length of time as people read it, without rounding.
fn length(seconds: Seconds) -> String {
    let text = seconds.to_string();
    let (number, unit) = text.split_at(text.len() - 1);
    format!("{number} {}", if unit == "m" { "min" } else { unit })
}

/// Returns where a create would place a pod, with price and stock.
pub(crate) fn candidate(candidate: &Candidate) -> String {
    const MOST_DATA_CENTERS: usize = 6;
    let Candidate { placement, price, stock, stock_by_data_center } = candidate;
    let Placement { compute, cloud, data_centers, host, rent } = placement;
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
    if rent.bid().is_some() {
        text.push_str(", spot");
    }
    let stock_words = if *stock == Stock::None { "no stock".to_owned() } else { format!("stock {stock}") };
    text.push_str(&format!(": {}, {}", PriceAnHour(*price), stock_words));
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

/// Returns what others did to an object; fields are listed by the caller.
pub(crate) fn drift(kind: &DriftKind) -> String {
    match kind {
        DriftKind::Vanished => "is gone".to_owned(),
        DriftKind::Stopped => "was stopped, or its process ended".to_owned(),
        DriftKind::Interrupted => "was interrupted, as somebody bid more for its GPUs".to_owned(),
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

/// Returns what findings are about, such as `llm[0..2].image`.
pub(crate) fn about(subjects: &[&Subject]) -> String {
    let names = ranges_to(subjects.iter().map(|subject| &subject.address), 200);
    let Some(Subject { address: first, field: Some(field) }) = subjects.first() else { return names };
    let field = field.to_string();
    let of_one_key = subjects
        .iter()
        .all(|subject| subject.address.key() == first.key() && subject.address.is_pod() == first.is_pod());
    if of_one_key { format!("{names}.{}", visible(&field)) } else { format!("{names} ({})", visible(&field)) }
}

/// Returns who is at work while somebody else looks, and where.
pub(crate) fn in_progress(running: &InProgress) -> String {
    let InProgress { who, command, since, addresses } = running;
    let places = match addresses.is_empty() {
        true => "nothing is begun at the moment".to_owned(),
        false => format!("in progress: {}", ranges_to(addresses, 400)),
    };
    let (who, command) = (visible(who).to_string(), visible(command).to_string());
    format!("`podform {command}` runs since {since:.0} by {who}; {places}")
}

/// Says in one line what another project has in the account.
pub(crate) fn other_project(project: &ProjectName, other: &OtherProject) -> String {
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

/// Returns how an unmanaged object can come under management.
pub(crate) fn unmanaged_hint(unmanaged: &Unmanaged) -> String {
    let Unmanaged { id, name: _, status: _, created_at: _, cost: _, owner } = unmanaged;
    match owner {
        Owner::Project(project) => format!("belongs to project `{}`", visible(project.as_str())),
        Owner::Lost(address) => {
            format!("carries the mark of `{address}` in this project: podform state rebuild")
        }
        Owner::Runpod => "RunPod moves a pod with it and ends it; it costs nothing".to_owned(),
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
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
