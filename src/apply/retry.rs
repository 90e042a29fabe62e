//! What follows an answer that is no plain success.
//!
//! Only this module decides whether something is sent again. A create is repeated only when it certainly did not
//! happen; whether it happened is otherwise found out by looking, never by asking again. Everything else can be
//! repeated without harm, but only after a look at the object. Pure.

use std::time::Duration;

use super::gate::Request;
use crate::model::outcome::StoppedBy;
use crate::provider::{Certainty, ProviderError, Rejection};

/// What kind of request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Makes an object; repeating it could make two.
    Create,
    /// Starts a pod; its host can be full.
    Start,
    /// Changes or stops something; repeating it changes nothing more.
    Change,
    /// Deletes; an object that is gone is what was wanted.
    Delete,
}

impl From<Request> for Kind {
    fn from(request: Request) -> Self {
        match request {
            Request::Start => Self::Start,
            Request::Change | Request::Stop => Self::Change,
            Request::Delete => Self::Delete,
        }
    }
}

/// What to do after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It certainly did not happen: the same request once more, with the same token.
    Again {
        /// When.
        after: Duration,
    },
    /// A create may have happened: look for its token.
    LookUp,
    /// Something repeatable may have happened: look at the object and ask again if it has not.
    Look {
        /// When.
        after: Duration,
    },
    /// Nothing free there: the plan's next candidate.
    NextCandidate,
    /// The key may not create in this cloud: the plan's next candidate in another one.
    SkipCloud,
    /// The pod's host is full.
    Stuck,
    /// Not now: RunPod moves the pod, which takes longer than a run waits.
    NotNow,
    /// It is gone already, if the listing agrees.
    Gone,
    /// The action failed.
    Fail,
    /// It is not known and asking does not help any more.
    GiveUp,
    /// The whole apply stops.
    Stop(StoppedBy),
}

/// The longest wait for the API's quota. Its windows last a minute, an hour and a day; nobody sits before a terminal
/// until the longer ones begin anew, and pods that were begun meanwhile cost money unseen.
pub const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Repetitions of a request that was throttled. RunPod's shortest window is a minute, so this is several of them.
const THROTTLED_LIMIT: u32 = 20;
/// Repetitions for every other reason.
const LIMIT: u32 = 5;
/// Repetitions of a read while pods are being made.
const READ_LIMIT: u32 = 6;
/// Repetitions of what a plan looks at, about five seconds: a person waits and can ask again.
const LOOK_LIMIT: u32 = 3;

/// Decides what follows an error of a write; `tries` counts the repetitions so far.
pub fn after_write(kind: Kind, error: &ProviderError, tries: u32, backoff: Duration) -> Next {
    match &error.certainty {
        Certainty::Rejected(rejection) => after_rejection(kind, *rejection, error, tries, backoff),
        Certainty::Throttled { retry_after: Some(wait) } if *wait > PATIENCE => {
            Next::Stop(StoppedBy::ApiUnusable(error.detail.clone()))
        }
        Certainty::Throttled { retry_after } if tries < THROTTLED_LIMIT => {
            Next::Again { after: retry_after.unwrap_or(backoff) }
        }
        Certainty::NotDone if tries < LIMIT => Next::Again { after: backoff },
        Certainty::Throttled { .. } | Certainty::NotDone => Next::Fail,
        Certainty::Unknown => match kind {
            Kind::Create => Next::LookUp,
            Kind::Start | Kind::Change | Kind::Delete if tries < LIMIT => Next::Look { after: backoff },
            Kind::Start | Kind::Change | Kind::Delete => Next::GiveUp,
        },
    }
}

fn after_rejection(
    kind: Kind,
    rejection: Rejection,
    error: &ProviderError,
    tries: u32,
    backoff: Duration,
) -> Next {
    let look = if tries < LIMIT { Next::Look { after: backoff } } else { Next::Fail };
    match (rejection, kind) {
        (Rejection::NoCapacity, Kind::Create) => Next::NextCandidate,
        (Rejection::NoCapacity, Kind::Start) => Next::Stuck,
        (Rejection::NoFunds, _) => Next::Stop(StoppedBy::NoFunds),
        (Rejection::KeyRefused, _) => Next::Stop(StoppedBy::KeyRefused(error.detail.clone())),
        (Rejection::Gone, _) => Next::Stop(StoppedBy::ApiUnusable(error.detail.clone())),
        (Rejection::Broken, _) => Next::Stop(broken(error)),
        (Rejection::Migrating, _) => Next::NotNow,
        (Rejection::Forbidden, Kind::Create) => Next::SkipCloud,
        (Rejection::NotFound, Kind::Delete) => Next::Gone,
        // In another status than thought: it may be the wanted one already.
        (Rejection::Conflict, Kind::Start | Kind::Change | Kind::Delete) => look,
        // REST v2 answers 400 for a volume that a pod still uses, and a pod takes a moment to go.
        (Rejection::Invalid, Kind::Delete) => look,
        (
            Rejection::NoCapacity
            | Rejection::Forbidden
            | Rejection::NotFound
            | Rejection::Conflict
            | Rejection::Invalid,
            Kind::Create | Kind::Start | Kind::Change | Kind::Delete,
        ) => Next::Fail,
    }
}

/// Says that RunPod's own side is broken: whatever is sent of this kind is refused, wherever it is to go.
fn broken(error: &ProviderError) -> StoppedBy {
    StoppedBy::ApiUnusable(format!("its own side is broken, whatever is asked for: {}", error.detail))
}

/// Returns when a read is asked again, or `None` if asking again does not help.
pub fn after_read(error: &ProviderError, tries: u32, backoff: Duration) -> Option<Duration> {
    match &error.certainty {
        Certainty::Rejected(_) => None,
        Certainty::Throttled { retry_after } => {
            let wait = retry_after.unwrap_or(backoff);
            (tries < THROTTLED_LIMIT && wait <= PATIENCE).then_some(wait)
        }
        Certainty::NotDone | Certainty::Unknown => (tries < READ_LIMIT).then_some(backoff),
    }
}

/// Returns when a plan looks again, or `None` if that does not help. Who does not answer at all is asked only once more,
/// as each time takes as long as a request may.
pub fn after_look(error: &ProviderError, tries: u32, backoff: Duration) -> Option<Duration> {
    let limit = if error.status.is_some() { LOOK_LIMIT } else { 1 };
    if tries < limit { after_read(error, tries, backoff) } else { None }
}

/// Returns what ends the whole apply if a request is answered so, whatever it asked for.
pub fn stops_everything(error: &ProviderError) -> Option<StoppedBy> {
    match &error.certainty {
        Certainty::Rejected(Rejection::KeyRefused) => Some(StoppedBy::KeyRefused(error.detail.clone())),
        Certainty::Rejected(Rejection::Gone) => Some(StoppedBy::ApiUnusable(error.detail.clone())),
        Certainty::Rejected(Rejection::Broken) => Some(broken(error)),
        Certainty::Rejected(
            Rejection::NoCapacity
            | Rejection::NoFunds
            | Rejection::Forbidden
            | Rejection::NotFound
            | Rejection::Conflict
            | Rejection::Invalid
            | Rejection::Migrating,
        )
        | Certainty::NotDone
        | Certainty::Unknown => None,
        Certainty::Throttled { retry_after } => retry_after
            .is_some_and(|wait| wait > PATIENCE)
            .then(|| StoppedBy::ApiUnusable(error.detail.clone())),
    }
}

/// Returns the waiting time before repetition `tries`: it doubles from a second to 30, and `jitter` (0 to 1) takes up
/// to half of it away, so that several runs do not ask in step.
pub fn backoff(tries: u32, jitter: f64) -> Duration {
    let full = Duration::from_secs(1 << tries.min(5)).min(Duration::from_secs(30));
    full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Verb;

    const SOON: Duration = Duration::from_secs(1);

    fn error(certainty: Certainty) -> ProviderError {
        ProviderError {
            call: Verb::CreatePod.by("POST /v2/pods"),
            certainty,
            status: None,
            detail: "said so".to_owned(),
            request_id: None,
        }
    }

    fn rejected(kind: Kind, rejection: Rejection) -> Next {
        after_write(kind, &error(Certainty::Rejected(rejection)), 0, SOON)
    }

    #[test]
    fn no_create_is_repeated_unless_it_certainly_did_not_happen() {
        let certainties = [
            (Certainty::Unknown, Next::LookUp),
            (Certainty::NotDone, Next::Again { after: SOON }),
            (
                Certainty::Throttled { retry_after: Some(Duration::from_secs(12)) },
                Next::Again { after: Duration::from_secs(12) },
            ),
            (Certainty::Throttled { retry_after: None }, Next::Again { after: SOON }),
            (Certainty::Rejected(Rejection::NoCapacity), Next::NextCandidate),
            (Certainty::Rejected(Rejection::NoFunds), Next::Stop(StoppedBy::NoFunds)),
            (
                Certainty::Rejected(Rejection::KeyRefused),
                Next::Stop(StoppedBy::KeyRefused("said so".to_owned())),
            ),
            (Certainty::Rejected(Rejection::Forbidden), Next::SkipCloud),
            (Certainty::Rejected(Rejection::NotFound), Next::Fail),
            (Certainty::Rejected(Rejection::Conflict), Next::Fail),
            (Certainty::Rejected(Rejection::Invalid), Next::Fail),
            (Certainty::Rejected(Rejection::Gone), Next::Stop(StoppedBy::ApiUnusable("said so".to_owned()))),
        ];
        for (certainty, next) in certainties {
            assert_eq!(after_write(Kind::Create, &error(certainty.clone()), 0, SOON), next, "{certainty:?}");
        }
    }

    #[test]
    fn what_can_be_repeated_is_looked_at_first() {
        for kind in [Kind::Start, Kind::Change, Kind::Delete] {
            let next = |tries| after_write(kind, &error(Certainty::Unknown), tries, SOON);
            assert_eq!((next(0), next(LIMIT)), (Next::Look { after: SOON }, Next::GiveUp));
            assert_eq!(rejected(kind, Rejection::Conflict), Next::Look { after: SOON });
        }
    }

    #[test]
    fn a_broken_side_of_runpods_ends_the_run_and_a_migration_only_waits() {
        for kind in [Kind::Create, Kind::Start, Kind::Change, Kind::Delete] {
            let broken =
                StoppedBy::ApiUnusable("its own side is broken, whatever is asked for: said so".to_owned());
            assert_eq!(rejected(kind, Rejection::Broken), Next::Stop(broken));
            assert_eq!(rejected(kind, Rejection::Migrating), Next::NotNow);
        }
        let told = error(Certainty::Rejected(Rejection::Migrating));
        assert_eq!((stops_everything(&told), after_read(&told, 0, SOON)), (None, None));
    }

    #[test]
    fn a_full_host_is_stuck_and_a_missing_pod_is_deleted() {
        assert_eq!(rejected(Kind::Start, Rejection::NoCapacity), Next::Stuck);
        assert_eq!(rejected(Kind::Delete, Rejection::NotFound), Next::Gone);
        assert_eq!(rejected(Kind::Change, Rejection::NotFound), Next::Fail);
    }

    #[test]
    fn reads_are_repeated_but_not_against_a_refusal() {
        assert_eq!(after_read(&error(Certainty::Unknown), 0, SOON), Some(SOON));
        assert_eq!(after_read(&error(Certainty::Unknown), READ_LIMIT, SOON), None);
        assert_eq!(after_read(&error(Certainty::Rejected(Rejection::KeyRefused)), 0, SOON), None);
    }

    #[test]
    fn a_plan_gives_up_sooner_than_an_apply() {
        let silent = error(Certainty::Unknown);
        let stumbled = ProviderError { status: Some(500), ..silent.clone() };
        let looks = |error| (0..9).filter(|tries| after_look(error, *tries, SOON).is_some()).count();
        assert_eq!((looks(&silent), looks(&stumbled)), (1, 3));
    }

    #[test]
    fn nobody_waits_for_an_hour_until_the_quota_allows_more() {
        let throttled = |wait| error(Certainty::Throttled { retry_after: Some(wait) });
        let (short, long) = (throttled(PATIENCE), throttled(PATIENCE + SOON));
        let stop = StoppedBy::ApiUnusable("said so".to_owned());
        assert_eq!(after_read(&short, 0, SOON), Some(PATIENCE));
        assert_eq!((after_read(&long, 0, SOON), stops_everything(&long)), (None, Some(stop.clone())));
        for kind in [Kind::Create, Kind::Start, Kind::Change, Kind::Delete] {
            assert_eq!(after_write(kind, &short, 0, SOON), Next::Again { after: PATIENCE });
            assert_eq!(after_write(kind, &long, 0, SOON), Next::Stop(stop.clone()));
        }
    }

    #[test]
    fn waiting_doubles_up_to_half_a_minute() {
        let seconds: Vec<f64> = (0..7).map(|tries| backoff(tries, 0.0).as_secs_f64()).collect();
        assert_eq!(seconds, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert_eq!(backoff(3, 1.0), Duration::from_secs(4));
    }
}
