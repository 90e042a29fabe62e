//! What a look at something that is waited for means: go on, done with, failed with.
//!
//! An answer of the API is no proof and listings lag. So what was wanted is believed as soon as a listing shows it, and
//! anything else only from the settling time on, and only if the object says so that was asked for by its id. A judge
//! takes what was seen and knows neither clock nor request; [`super::driver`] looks and waits. Pure.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::Duration;

use super::readback;
use super::recover::{Looked, Search, Sighting};
use super::shown;
use crate::model::id::{PodId, RemoteId};
use crate::model::journal::Asked;
use crate::model::live::{LivePod, PodStatus, Ran};
use crate::model::money::Price;
use crate::model::plan::Disruption;
use crate::model::pod::{Compute, Storage};
use crate::model::request::PatchRequest;

/// What follows a look.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict<T> {
    /// The next listing may tell; what a person is told that is waited for.
    GoOn(Option<String>),
    /// The object itself must be asked for by its id.
    Ask,
    /// It is as wanted.
    Done(T),
    /// It certainly is not.
    Failed(String),
}

/// What a listing shows of one object.
#[derive(Debug)]
pub enum Sight<'s, O> {
    Live(&'s O),
    /// It is not listed, though all entries could be read that may be it.
    Absent,
    /// An entry that may be it cannot be read.
    Unreadable,
}

/// One look at an object.
#[derive(Debug)]
pub struct Seen<'s, O> {
    /// What the listing shows.
    pub listed: Sight<'s, O>,
    /// What the object itself is, once it was asked for; nothing if there is none.
    pub asked: Option<Option<&'s O>>,
    /// Whether listings have caught up with what was sent.
    pub settled: bool,
}

/// Judges whether something came about. `lacks` says what an object, or its absence, lacks of it.
pub fn promised<O>(
    seen: &Seen<'_, O>,
    lacks: impl Fn(Option<&O>) -> Option<String>,
    waits_for: Option<&str>,
) -> Verdict<()> {
    let is_kept = match (seen.asked, &seen.listed) {
        (Some(asked), _) => return lacks(asked).map_or(Verdict::Done(()), Verdict::Failed),
        (None, Sight::Live(live)) => lacks(Some(live)).is_none(),
        (None, Sight::Absent) => lacks(None).is_none(),
        (None, Sight::Unreadable) => false,
    };
    match (is_kept, seen.settled) {
        (true, _) => Verdict::Done(()),
        (false, true) => Verdict::Ask,
        (false, false) => Verdict::GoOn(waits_for.map(str::to_owned)),
    }
}

/// Says what a pod lacks of a change.
pub fn changed(request: &PatchRequest, disruption: Disruption, live: Option<&LivePod>) -> Option<String> {
    there(live, &RemoteId::Pod(request.id.clone()), |live| readback::patched(request, disruption, live))
}

/// Says why a pod does not count as stopped.
pub fn stopped(id: &PodId, live: Option<&LivePod>) -> Option<String> {
    there(live, &RemoteId::Pod(id.clone()), |live| {
        live.status.is_up().then(|| format!("the API said yes, but it is still {}", live.status))
    })
}

/// Says why an object does not count as gone, after the API `said` that it is.
pub fn gone<O>(id: &impl Display, said: &str, live: Option<&O>) -> Option<String> {
    live.map(|_| format!("{said}, but `{id}` is still there"))
}

/// Says what an object lacks that must be there.
pub fn there<O>(live: Option<&O>, id: &RemoteId, lacks: impl FnOnce(&O) -> Option<String>) -> Option<String> {
    live.map_or_else(|| Some(vanished(id)), lacks)
}

/// Says that what was taken could not be looked at in time. Listings may lag for as long as they settle, and only a look
/// after that is believed: with less time than that nothing is wrong but the time.
pub fn late(limit: Duration, settling: Duration) -> String {
    let limit_shown = shown(limit);
    if limit < settling {
        let settling = shown(settling);
        return format!(
            "the API said yes, and it was not seen within {limit_shown}: too short, as listings may lag for {settling}; \
             give more with `--wait-timeout`"
        );
    }
    format!("the API said yes, but no listing that shows it came within {limit_shown}")
}

/// Says that an object vanished.
pub fn vanished(id: &RemoteId) -> String {
    let kind = match id {
        RemoteId::Pod(_) => "pod",
        RemoteId::Volume(_) => "network volume",
        RemoteId::Secret(_) => "secret",
        RemoteId::Registry(_) => "registry",
    };
    format!("{kind} `{id}` is not there any more")
}

/// Judges a listing in the search for what a create made: these objects, or for certain none.
pub fn searched(
    search: &mut Search,
    listing: Looked,
    sighting: Sighting,
) -> Verdict<Option<BTreeSet<RemoteId>>> {
    match sighting {
        Sighting::These(ids) => Verdict::Done(Some(ids)),
        sighting if search.settles(listing, &sighting) => Verdict::Done(None),
        Sighting::Nothing | Sighting::CannotTell => Verdict::GoOn(None),
    }
}

/// Why a pod is waited for until it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It was created, so that it cannot read as it was before.
    Created,
    /// It was started: it may read as stopped until listings have caught up.
    Started,
    /// It was reset: a listing may have it running as it was before, so that only an answer about itself counts.
    Reset,
}

/// How the wait for a pod ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Waited {
    /// It runs.
    Running(Box<LivePod>),
    /// It came back without its GPUs.
    Stuck(String),
}

/// Judges whether a pod runs.
#[derive(Debug)]
pub struct Running<'a> {
    id: &'a PodId,
    cause: Cause,
    compute: Option<Option<&'a Compute>>,
    status: Option<PodStatus>,
}

impl<'a> Running<'a> {
    /// Begins; `compute` is given where the pod can come back without its GPUs.
    pub fn new(id: &'a PodId, cause: Cause, compute: Option<Option<&'a Compute>>) -> Self {
        Self { id, cause, compute, status: None }
    }

    /// Judges one look.
    pub fn judge(&mut self, seen: &Seen<'_, LivePod>) -> Verdict<Waited> {
        let is_telling = self.cause == Cause::Created || seen.settled;
        let live = match (seen.asked, &seen.listed) {
            (Some(Some(live)), _) => live,
            // Listed and not there: one of the two answers lags, and the next listing tells which.
            (Some(None), Sight::Live(_)) => return Verdict::GoOn(None),
            (Some(None), Sight::Absent | Sight::Unreadable) => {
                return Verdict::Failed(vanished(&RemoteId::Pod(self.id.clone())));
            }
            (None, Sight::Live(live)) if self.cause == Cause::Reset && live.status == PodStatus::Running => {
                return Verdict::Ask;
            }
            (None, Sight::Live(live)) if live.status.is_up() => live,
            (None, Sight::Live(_)) if is_telling => return Verdict::Ask,
            (None, Sight::Absent | Sight::Unreadable) if seen.settled => return Verdict::Ask,
            (None, Sight::Live(_) | Sight::Absent | Sight::Unreadable) => return Verdict::GoOn(None),
        };
        // Before the status: a pod without its GPUs runs, and is billed for that.
        if let Some(compute) = self.compute
            && live.status.is_up()
            && readback::lacks_gpus(compute, live) == Some(true)
        {
            let has = live.compute.as_ref().map_or("nothing".to_owned(), Compute::to_string);
            return Verdict::Done(Waited::Stuck(format!(
                "its host has no free GPU: it came back with {has}"
            )));
        }
        match live.status {
            PodStatus::Running => Verdict::Done(Waited::Running(Box::new(live.clone()))),
            PodStatus::Exited | PodStatus::Error | PodStatus::Terminated => {
                Verdict::Failed(format!("it is {} instead of RUNNING", live.status))
            }
            PodStatus::Provisioning | PodStatus::Starting => {
                let is_news = self.status.replace(live.status) != Some(live.status);
                Verdict::GoOn(is_news.then(|| format!("RUNNING, is {}", live.status)))
            }
        }
    }

    /// Says how it was after all the time that there is.
    pub fn late(&self, limit: Duration) -> String {
        let is = self.status.map_or("not listed".to_owned(), |status| status.to_string());
        format!("not RUNNING within {}, is {is}; it is kept", shown(limit))
    }
}

/// Tells whether a pod that this run created may be ended, as it never ran: nothing can be on it then.
///
/// # Errors
/// Why it is kept, after "as".
pub fn may_be_given_up(asked: &Asked, live: &LivePod) -> Result<(), String> {
    match live.status {
        PodStatus::Provisioning | PodStatus::Starting => {}
        PodStatus::Running | PodStatus::Exited | PodStatus::Error | PodStatus::Terminated => {
            return Err(format!("it is {}", live.status));
        }
    }
    match live.ran {
        Ran::Never => {}
        Ran::Once { since: _ } => return Err("it ran once".to_owned()),
        Ran::NotTold => return Err("the API does not tell whether it ran".to_owned()),
    }
    let is_local = matches!(live.settings.storage, Storage::Local { .. });
    if asked.holds_data() || is_local {
        return Err("it has a local volume".to_owned());
    }
    if asked.record.lifecycle.protect {
        return Err("it is protected".to_owned());
    }
    Ok(())
}

/// Says what a pod cost that was rented for so long, rounded up to a cent: its compute, which is all that is told.
pub fn cost_of(price: Price, time: Duration) -> String {
    let Price::Known(price) = price else {
        return "what that cost is not known, as its price is not".to_owned();
    };
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    format!("that cost about {}", price.spent_in(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::recover::Proof;
    use crate::apply::request;
    use crate::kit::{compute, live_pod};
    use crate::model::id::{GpuTypeId, VolumeId};
    use Sight::{Absent, Live, Unreadable};

    const SOON: bool = false;
    const SETTLED: bool = true;

    fn pod(status: PodStatus) -> LivePod {
        live_pod("p", status)
    }

    fn go_on<T>(what: &str) -> Verdict<T> {
        Verdict::GoOn(Some(what.to_owned()))
    }

    /// Judges every look there can be at a pod: in words, one for each.
    fn looks(mut judge: impl FnMut(Seen<'_, LivePod>) -> String) -> Vec<(&'static str, String, String)> {
        let (up, down) = (pod(PodStatus::Running), pod(PodStatus::Exited));
        let mut at = |settled| {
            [
                ("up", Live(&up), None),
                ("down", Live(&down), None),
                ("absent", Absent, None),
                ("unreadable", Unreadable, None),
                ("up, is up", Live(&up), Some(Some(&up))),
                ("up, is down", Live(&up), Some(Some(&down))),
                ("up, is gone", Live(&up), Some(None)),
                ("absent, is up", Absent, Some(Some(&up))),
                ("absent, is gone", Absent, Some(None)),
            ]
            .map(|(name, listed, asked)| (name, judge(Seen { listed, asked, settled })))
        };
        let (soon, settled) = (at(SOON), at(SETTLED));
        soon.into_iter().zip(settled).map(|((name, soon), (_, settled))| (name, soon, settled)).collect()
    }

    fn table<const N: usize>(rows: [(&'static str, &str, &str); N]) -> Vec<(&'static str, String, String)> {
        rows.map(|(name, soon, settled)| (name, soon.to_owned(), settled.to_owned())).into()
    }

    fn in_words<T>(verdict: Verdict<T>) -> String {
        match verdict {
            Verdict::GoOn(what) => what.map_or("go on".to_owned(), |what| format!("go on: {what}")),
            Verdict::Ask => "ask".to_owned(),
            Verdict::Done(_) => "done".to_owned(),
            Verdict::Failed(why) => why,
        }
    }

    #[test]
    fn a_stop_is_believed_once_seen_and_doubted_once_settled() {
        let id = PodId::new("p");
        let judged = looks(|seen| in_words(promised(&seen, |live| stopped(&id, live), Some("EXITED"))));
        let (still, gone) = ("the API said yes, but it is still RUNNING", "pod `p` is not there any more");
        let expected = table([
            ("up", "go on: EXITED", "ask"),
            ("down", "done", "done"),
            ("absent", "go on: EXITED", "ask"),
            ("unreadable", "go on: EXITED", "ask"),
            ("up, is up", still, still),
            ("up, is down", "done", "done"),
            ("up, is gone", gone, gone),
            ("absent, is up", still, still),
            ("absent, is gone", gone, gone),
        ]);
        assert_eq!(judged, expected);
    }

    #[test]
    fn an_end_is_believed_once_all_entries_can_be_read() {
        let id = PodId::new("p");
        let lacks = |live: Option<&LivePod>| gone(&id, "the API said yes", live);
        let judged = looks(|seen| in_words(promised(&seen, lacks, None)));
        let there = "the API said yes, but `p` is still there";
        let expected = table([
            ("up", "go on", "ask"),
            ("down", "go on", "ask"),
            ("absent", "done", "done"),
            ("unreadable", "go on", "ask"),
            ("up, is up", there, there),
            ("up, is down", there, there),
            ("up, is gone", "done", "done"),
            ("absent, is up", there, there),
            ("absent, is gone", "done", "done"),
        ]);
        assert_eq!(judged, expected);
    }

    #[test]
    fn a_created_pod_that_reads_as_stopped_is_asked_for_at_once_and_a_started_one_later() {
        let id = PodId::new("p");
        let judged = |cause| looks(|seen| in_words(Running::new(&id, cause, None).judge(&seen)));
        let (stopped, gone) = ("it is EXITED instead of RUNNING", "pod `p` is not there any more");
        let table_of = |up, down| {
            table([
                ("up", up, up),
                ("down", down, "ask"),
                ("absent", "go on", "ask"),
                ("unreadable", "go on", "ask"),
                ("up, is up", "done", "done"),
                ("up, is down", stopped, stopped),
                ("up, is gone", "go on", "go on"),
                ("absent, is up", "done", "done"),
                ("absent, is gone", gone, gone),
            ])
        };
        assert_eq!(judged(Cause::Created), table_of("done", "ask"));
        assert_eq!(judged(Cause::Started), table_of("done", "go on"));
        assert_eq!(judged(Cause::Reset), table_of("ask", "go on"));
    }

    #[test]
    fn a_status_is_told_when_it_changes_and_again_at_the_end() {
        let id = PodId::new("p");
        let mut running = Running::new(&id, Cause::Created, None);
        let limit = Duration::from_secs(1_200);
        assert_eq!(running.late(limit), "not RUNNING within 20 min, is not listed; it is kept");
        let mut judge = |status| {
            let pod = pod(status);
            running.judge(&Seen { listed: Live(&pod), asked: None, settled: SOON })
        };
        assert_eq!(judge(PodStatus::Provisioning), go_on("RUNNING, is PROVISIONING"));
        assert_eq!(judge(PodStatus::Provisioning), Verdict::GoOn(None));
        assert_eq!(judge(PodStatus::Starting), go_on("RUNNING, is STARTING"));
        assert_eq!(running.late(limit), "not RUNNING within 20 min, is STARTING; it is kept");
    }

    #[test]
    fn a_pod_is_stuck_as_soon_as_it_is_up_without_its_gpus() {
        let id = PodId::new("p");
        let gpus = |count| Compute::Gpu { id: GpuTypeId::new("H100"), count };
        let (wanted, stuck) = (compute(), "its host has no free GPU: it came back with H100 x0");
        for (wanted, status, has, expected) in [
            (Some(Some(&wanted)), PodStatus::Starting, gpus(0), Verdict::Done(Some(stuck.to_owned()))),
            (Some(None), PodStatus::Running, gpus(0), Verdict::Done(Some(stuck.to_owned()))),
            (Some(Some(&wanted)), PodStatus::Running, gpus(1), Verdict::Done(None)),
            (None, PodStatus::Running, gpus(0), Verdict::Done(None)),
        ] {
            let pod = LivePod { compute: Some(has), ..pod(status) };
            let seen = Seen { listed: Live(&pod), asked: None, settled: SOON };
            let judged = match Running::new(&id, Cause::Started, wanted).judge(&seen) {
                Verdict::Done(Waited::Stuck(why)) => Verdict::Done(Some(why)),
                Verdict::Done(Waited::Running(live)) if *live == pod => Verdict::Done(None),
                other => panic!("{other:?}"),
            };
            assert_eq!(judged, expected);
        }
    }

    #[test]
    fn what_an_object_lacks_is_said_of_one_that_is_there() {
        let lock = request::lock(&PodId::new("p"), true);
        let pod = |locked| {
            let mut pod = pod(PodStatus::Running);
            pod.settings.locked = Some(locked);
            pod
        };
        let lacks = |live: Option<LivePod>| changed(&lock, Disruption::InPlace, live.as_ref());
        assert_eq!(lacks(Some(pod(Some(true)))), None);
        let unlocked = "the API said yes, but locked was to be true and is false";
        assert_eq!(lacks(Some(pod(Some(false)))).as_deref(), Some(unlocked));
        assert_eq!(lacks(None).as_deref(), Some("pod `p` is not there any more"));
        let volume = RemoteId::Volume(VolumeId::new("v"));
        let of_volume = there(None::<&()>, &volume, |()| None);
        assert_eq!(of_volume.as_deref(), Some("network volume `v` is not there any more"));
    }

    #[test]
    fn too_little_time_is_blamed_for_itself() {
        let [short, long] =
            [30, 1_200].map(|limit| late(Duration::from_secs(limit), Duration::from_secs(90)));
        assert_eq!(
            short,
            "the API said yes, and it was not seen within 30 s: too short, as listings may lag for 90 s; give more with \
             `--wait-timeout`"
        );
        assert_eq!(long, "the API said yes, but no listing that shows it came within 20 min");
    }

    #[test]
    fn a_create_is_found_or_settled_as_not_done() {
        let ids = BTreeSet::from([RemoteId::Pod(PodId::new("p"))]);
        let judge = |sightings: &[Sighting]| -> Vec<Verdict<Option<BTreeSet<RemoteId>>>> {
            let mut search = Search::new(Duration::ZERO, Duration::from_secs(90));
            let listings = (0..).step_by(45).map(Duration::from_secs).zip(sightings.iter().cloned());
            let looked = |began| Looked { began, proof: Proof::Itself };
            listings.map(|(at, sighting)| searched(&mut search, looked(at), sighting)).collect()
        };
        let (nothing, untold) = (Sighting::Nothing, Sighting::CannotTell);
        assert_eq!(
            judge(&[nothing.clone(), Sighting::These(ids.clone())]),
            [Verdict::GoOn(None), Verdict::Done(Some(ids))]
        );
        assert_eq!(
            judge(&[nothing.clone(), nothing.clone(), nothing.clone()]),
            [Verdict::GoOn(None), Verdict::GoOn(None), Verdict::Done(None)]
        );
        assert_eq!(judge(&[nothing.clone(), untold, nothing]), [const { Verdict::GoOn(None) }; 3]);
    }
}
