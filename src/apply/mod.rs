//! Executes an approved plan, and finds out what became of one that was cut short.
//!
//! Decisions are pure and stand in files of their own: [`schedule`] what runs next, [`retry`] what follows an answer,
//! [`verdict`] what a look means, [`recover`] what became of a create, [`readback`] whether a promise was kept, [`readiness`] what a pod that is not ready is told of,
//! [`record`] what the state says after, [`ending`] how an action ends, [`waiting`] when what found nothing free is tried again, [`gate`] what may be acted upon whatever the
//! plan says. [`driver`] is the only async part: it waits, sends and commits. This module knows the ports of `provider`
//! and `state` but none of their implementations, and it never decides what to do: the plan did.
//!
//! To add a step: its order in [`schedule`], what it sends in [`request`], what a look at its end means in [`verdict`],
//! what it leaves in [`record`], and its few lines in [`driver`]; the fault laboratory then kills it at every point.
//!
//! The promise is that no object is lost or made twice, whatever dies when. It holds while the API's listings lag less
//! than the settling time; an object that shows up later carries a token that the journal knows, and every plan says so.

pub mod driver;
pub mod ending;
pub mod gate;
pub mod limiter;
pub mod readback;
pub mod readiness;
pub mod record;
pub mod recover;
pub mod request;
pub mod retry;
pub mod schedule;
pub mod verdict;
pub mod waiting;

use std::time::Duration;

use tokio::sync::watch;

pub use driver::{execute, settle};
pub use limiter::Limited;

use crate::model::clock::{Age, SignedDuration};
use crate::model::id::ProjectName;
use crate::model::progress::Notice;
use crate::model::provenance::TIME_VALIDITY;
use crate::model::secret::Secrets;
use crate::provider::reach::AskPods;
use crate::provider::speed::Speed;
use crate::state::Run;

/// Shows a person what happens.
pub trait Reporter {
    /// Shows one thing. Nothing depends on it.
    fn notice(&self, notice: Notice);
}

/// What an apply runs with.
pub struct Context<'a, P, J, C, R> {
    /// The provider, whose quota the plan's reads have used as well.
    pub provider: &'a Limited<'a, P, R>,
    /// Asks the pods themselves whether they are ready.
    pub pods: &'a dyn AskPods,
    /// The journal, held under the run lock.
    pub journal: &'a J,
    /// Tells the time for records.
    pub clock: &'a C,
    /// Shows progress.
    pub reporter: &'a R,
    /// The owner of the objects.
    pub project: &'a ProjectName,
    /// The values of secrets.
    pub secrets: &'a Secrets,
    pub run: &'a Run,
    /// Limits and times.
    pub settings: Settings,
    /// Signals.
    pub interrupt: watch::Receiver<Interrupt>,
}

impl<P, J, C, R> Clone for Context<'_, P, J, C, R> {
    fn clone(&self) -> Self {
        let Self { provider, pods, journal, clock, reporter, project, secrets, run, settings, interrupt } =
            self;
        Self {
            provider,
            pods: *pods,
            journal,
            clock,
            reporter,
            project,
            secrets,
            run,
            settings: *settings,
            interrupt: interrupt.clone(),
        }
    }
}

/// Limits and times of an apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many actions run at once, not counting those that only wait for what they began; with 1 those count as well.
    pub parallelism: usize,
    /// How many more actions run that only wait for the journal: for what they intend before their request has its turn,
    /// and for what was answered. None where that takes no time to speak of, as then it would only make an interrupted run
    /// harder to read. Else an intent is made up to as much ahead as `intent_validity` allows, and is made
    /// again if its turn comes later.
    pub ahead: usize,
    /// Time between two listings. One listing serves all that wait.
    pub poll: Pace,
    /// How long listings may lag; see [`recover`].
    pub settling: Duration,
    /// How old an intent may be when its request goes out. An old holder of the lock that was asleep is fenced off at
    /// the next commit, so it must not send what it intended before it slept.
    pub intent_validity: Duration,
    /// How old the provider's time may be when a create goes out with it.
    pub time_validity: Duration,
    /// The provider's clock goes as fast as that of this computer, so how long ago a request was sent can be told by it.
    /// The one of a simulated world does not.
    pub keeps_time: bool,
    /// How fast that clock goes: what a spec says of time is measured by it, and so are `wait_timeout` and
    /// `job_timeout`.
    pub speed: Speed,
    /// How long a pod may take until it runs.
    pub wait_timeout: Duration,
    /// How long the end of a job is waited for.
    pub job_timeout: Duration,
    /// The log of a pod that is up, and that says nothing for so long, has said all that there is.
    pub log_silence: Duration,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Settings {
    /// Times that suit RunPod.
    pub const RUNPOD: Self = Self {
        parallelism: 10,
        ahead: 0,
        poll: Pace { least: Duration::from_secs(5), per_entry: Duration::from_millis(1) },
        settling: Duration::from_secs(90),
        intent_validity: Duration::from_secs(5),
        time_validity: TIME_VALIDITY,
        keeps_time: true,
        speed: Speed::REAL,
        wait_timeout: Duration::from_secs(20 * 60),
        job_timeout: Duration::from_secs(24 * 3600),
        log_silence: Duration::from_secs(3),
        request_timeout: Duration::from_secs(30),
        seed: 0,
    };

    /// Times that suit the simulator, whose world runs faster.
    pub const SIMULATOR: Self = Self {
        poll: Pace { least: Duration::from_millis(50), per_entry: Duration::from_micros(50) },
        settling: Duration::from_secs(2),
        intent_validity: Duration::from_secs(1),
        // A create is told from a copy within 60 s of the world's time. With these it is in time in one that goes ten
        // times as fast, and in any faster one where nothing takes as long as it may.
        time_validity: Duration::from_millis(500),
        keeps_time: false,
        log_silence: Duration::from_millis(100),
        request_timeout: Duration::from_secs(4),
        ..Self::RUNPOD
    };
}

/// How often something is listed.
///
/// Large accounts are listed less often, so that listings cost no more than a part of the time however long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The least time from the beginning of one listing to that of the next, but for the first of a wait: an
    /// eighth of this after the first one, and twice as much after each.
    pub least: Duration,
    /// The least time for each entry of the former.
    pub per_entry: Duration,
}

impl Pace {
    /// As the number of a listing: no longer one of the first.
    pub const LATER: u32 = 4;

    /// Returns the time from the beginning of a listing of so many entries, the `nth` since somebody waits, to that of
    /// the next. One that nobody waited for, the 0th, is followed as the first one is.
    pub fn after(self, entries: usize, nth: u32) -> Duration {
        let entries = u32::try_from(entries).unwrap_or(u32::MAX);
        let least = self.least / (1 << Self::LATER.saturating_sub(nth.max(1)));
        least.max(self.per_entry.saturating_mul(entries))
    }
}

/// How often a person asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Interrupt {
    /// Not at all.
    #[default]
    None,
    /// Once: nothing more is begun, requests on the wire are awaited, waits end.
    First,
    /// Twice: requests on the wire are given up as unknown.
    Second,
}

/// Says a time as people do.
fn shown(time: Duration) -> String {
    Age(SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)).to_string()
}
