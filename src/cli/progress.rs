//! Shows a running apply: a spinner for each action on a terminal, plain lines otherwise.
//!
//! Plain lines hold no elapsed times, so that two runs that did the same printed the same.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;
use crate::model::address::Address;
use crate::model::clock::{Age, SignedDuration};
use crate::model::id::PodId;
use crate::model::outcome::{EndResult, Ended, Fate, Recovered};
use crate::model::plan::{ActionId, Step};
use crate::model::progress::Notice;

/// How often spinners turn. Indicatif draws at most 20 times a second.
const TURN: Duration = Duration::from_millis(100);

/// Shows notices as they come.
pub struct Progress<'a> {
    output: &'a Output,
    shown: RefCell<Shown>,
}

/// What is on the screen.
enum Shown {
    /// Lines, and the last thing that was said of each action, as polls repeat themselves.
    Lines(BTreeMap<ActionId, String>),
    /// Spinners.
    Spinners { screen: MultiProgress, running: BTreeMap<ActionId, ProgressBar> },
}

impl<'a> Progress<'a> {
    /// Shows spinners if a person watches, and lines otherwise.
    pub fn new(output: &'a Output, watched: bool) -> Self {
        let shown = if watched {
            let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            Shown::Spinners { screen, running: BTreeMap::new() }
        } else {
            Shown::Lines(BTreeMap::new())
        };
        Self { output, shown: RefCell::new(shown) }
    }

    /// Shows a notice.
    pub fn show(&self, notice: &Notice) {
        match &mut *self.shown.borrow_mut() {
            Shown::Lines(said) => {
                if let Some(line) = news(notice, said) {
                    self.output.note(&line);
                }
            }
            Shown::Spinners { screen, running } => turn(notice, screen, running),
        }
    }
}

/// Returns the line for a notice unless it was said before.
fn news(notice: &Notice, said: &mut BTreeMap<ActionId, String>) -> Option<String> {
    let line = line_of(notice);
    let (Notice::Began(action)
    | Notice::AttemptRefused { action, .. }
    | Notice::Waiting { action, .. }
    | Notice::Ended { action, .. }) = notice
    else {
        return Some(line);
    };
    let is_new = said.get(action) != Some(&line);
    is_new.then(|| {
        said.insert(action.clone(), line.clone());
        line
    })
}

/// Moves the spinners to where the notice says.
fn turn(notice: &Notice, screen: &MultiProgress, running: &mut BTreeMap<ActionId, ProgressBar>) {
    match notice {
        Notice::Began(action) => {
            let bar = screen.add(ProgressBar::new_spinner().with_style(spinner()));
            bar.set_message(line_of(notice));
            bar.enable_steady_tick(TURN);
            running.insert(action.clone(), bar);
        }
        Notice::Waiting { action, .. } => match running.get(action) {
            Some(bar) => bar.set_message(line_of(notice)),
            None => print_above(screen, notice),
        },
        Notice::Ended { action, .. } => {
            if let Some(bar) = running.remove(action) {
                bar.finish_and_clear();
            }
            print_above(screen, notice);
        }
        Notice::AttemptRefused { .. }
        | Notice::Recovered(_)
        | Notice::QuotaWait(_)
        | Notice::Settling { .. }
        | Notice::Interrupted { .. } => print_above(screen, notice),
    }
}

fn print_above(screen: &MultiProgress, notice: &Notice) {
    // A terminal that cannot be written to leaves nobody to tell.
    let _unread = screen.println(line_of(notice));
}

fn spinner() -> ProgressStyle {
    let template = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}");
    template.unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Returns a notice in words.
fn line_of(notice: &Notice) -> String {
    match notice {
        Notice::Began(action) => format!("{}: {}", action.address, words(action).doing),
        Notice::AttemptRefused { action, why } => format!("{}: {why}", action.address),
        Notice::Waiting { action, what } => {
            format!("{}: {}, waiting for {what}", action.address, words(action).doing)
        }
        Notice::QuotaWait(time) => format!("waiting {} for the API's quota", age(*time)),
        Notice::Settling { addresses, remaining } => {
            let named: Vec<String> = addresses.iter().map(Address::to_string).collect();
            format!("looking for what became of {}, at most {}", named.join(", "), age(*remaining))
        }
        Notice::Ended { action, ended } => end_line(action, ended),
        Notice::Recovered(recovered) => recovered_line(recovered),
        Notice::Interrupted { in_flight: 0 } => "interrupted: nothing more is begun".to_owned(),
        Notice::Interrupted { in_flight } => format!(
            "interrupted: nothing more is begun, {in_flight} requests on the wire are awaited; once more ends at once"
        ),
    }
}

fn end_line(action: &ActionId, ended: &Ended) -> String {
    let Ended { result, id, attempts: _, took: _ } = ended;
    let (address, words) = (&action.address, words(action));
    let id = id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    match result {
        EndResult::Done => format!("{address}: {}{id}", words.done),
        EndResult::Failed(why) => format!("{address}: {} failed{id}: {why}", words.doing),
        EndResult::Skipped(why) => format!("{address}: skipped: {why}"),
        EndResult::Unknown(why) => format!("{address}: {} has an unknown end{id}: {why}", words.doing),
    }
}

fn recovered_line(recovered: &Recovered) -> String {
    let Recovered { action, fate } = recovered;
    let names = |ids: &BTreeSet<PodId>| ids.iter().map(PodId::as_str).collect::<Vec<_>>().join(", ");
    let address = &action.address;
    match fate {
        Fate::Adopted { id, retired } if retired.is_empty() => {
            format!("{address}: created by an earlier run ({id})")
        }
        Fate::Adopted { id, retired } => {
            format!(
                "{address}: created by an earlier run ({id}); terminated its duplicates {}",
                names(retired)
            )
        }
        Fate::NotDone => format!("{address}: the create of an earlier run did not happen"),
        Fate::Doubtful(ids) => {
            format!("{address}: several pods carry its token, look at them: {}", names(ids))
        }
        Fate::LeftToPlan => format!("{address}: an earlier run was interrupted there; compared anew"),
        Fate::Undecided(why) => format!("{address}: what an earlier run did there is not known: {why}"),
    }
}

fn age(time: Duration) -> Age {
    Age(SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX))
}

/// A step in the present and in the past.
struct Words {
    doing: &'static str,
    done: &'static str,
}

fn words(action: &ActionId) -> Words {
    let (doing, done) = match action.step {
        Step::Move => ("moving", "moved"),
        Step::Adopt => ("adopting", "adopted"),
        Step::Record => ("recording", "recorded"),
        Step::Stop => ("stopping", "stopped"),
        Step::Update => ("updating", "updated"),
        Step::Start => ("starting", "started"),
        Step::Delete if action.address.is_pod() => ("terminating", "terminated"),
        Step::Delete => ("deleting", "deleted"),
        Step::DeleteDeposed => ("terminating the replaced pod", "replaced pod terminated"),
        Step::Create => ("creating", "created"),
        Step::Forget => ("forgetting", "forgotten"),
    };
    Words { doing, done }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::RemoteId;

    fn action(address: &str, step: Step) -> ActionId {
        ActionId { address: address.parse().unwrap(), step }
    }

    fn ended(result: EndResult) -> Ended {
        let id = Some(RemoteId::Pod(PodId::new("abc")));
        Ended { result, id, attempts: Vec::new(), took: Duration::from_secs(3) }
    }

    #[test]
    fn lines_say_each_thing_once_and_without_times() {
        let create = || action("llm[0]", Step::Create);
        let waiting = |what: &str| Notice::Waiting { action: create(), what: what.into() };
        let notices = [
            Notice::Began(create()),
            Notice::AttemptRefused { action: create(), why: "RTX 4090: no capacity".into() },
            waiting("RUNNING, is STARTING"),
            waiting("RUNNING, is STARTING"),
            Notice::Ended { action: create(), ended: ended(EndResult::Done) },
            Notice::Ended {
                action: action("volume.models", Step::Delete),
                ended: ended(EndResult::Failed("it is in use".into())),
            },
            Notice::QuotaWait(Duration::from_secs(12)),
            Notice::Interrupted { in_flight: 2 },
        ];
        let mut said = BTreeMap::new();
        let lines: Vec<String> = notices.iter().filter_map(|notice| news(notice, &mut said)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        llm[0]: creating
        llm[0]: RTX 4090: no capacity
        llm[0]: creating, waiting for RUNNING, is STARTING
        llm[0]: created (abc)
        volume.models: deleting failed (abc): it is in use
        waiting 12 s for the API's quota
        interrupted: nothing more is begun, 2 requests on the wire are awaited; once more ends at once
        ");
    }
}
