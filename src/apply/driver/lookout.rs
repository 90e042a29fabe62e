//! One listing for all who wait: pods and volumes are listed while somebody waits for them, and only then.
//!
//! How long somebody has waited is counted in listings, each worth the time that lies between two of them at least. So
//! it is never longer than what the clock says, a computer that was asleep or busy concludes nothing from that, and a
//! run does the same things in the same order however fast it gets there.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::apply::Pace;
use crate::apply::recover::Tokens;
use crate::model::id::{PodId, VolumeId};
use crate::model::live::{LivePod, LiveVolume, PodStatus};
use crate::model::marker::Token;
use crate::provider::{Listed, ListedPod, ListedVolume, ProviderError};

/// One listing.
#[derive(Debug)]
pub(super) struct Sheet<T> {
    /// A moment before it was asked for: what happened before it can be in it.
    began: Instant,
    /// The least time that lies between the first listing of the run and this one.
    at: Duration,
    /// What was listed.
    pub(super) entries: Vec<T>,
    /// Where each pod stands in it.
    places: OnceCell<Places>,
    tokens: OnceCell<Tokens>,
}

/// Where the pods of a listing stand, which may be twice.
#[derive(Debug, Default)]
struct Places {
    by_id: BTreeMap<PodId, Vec<usize>>,
    has_nameless: bool,
}

/// What a listing shows of one object.
pub(super) enum Sight<'s, O> {
    Live(&'s O),
    Absent,
    Unreadable,
}

impl Sheet<ListedPod> {
    /// Looks for one pod. All who wait ask the same listing, so it is not searched from end to end.
    pub(super) fn sight(&self, sought: &PodId) -> Sight<'_, LivePod> {
        let places = self.places();
        let mut was_terminated = false;
        for place in places.by_id.get(sought).into_iter().flatten() {
            match &self.entries[*place] {
                Listed::Found(pod) if pod.status != PodStatus::Terminated => return Sight::Live(pod),
                Listed::Unreadable { .. } | Listed::Nameless { .. } => return Sight::Unreadable,
                Listed::Found(_) => was_terminated = true,
            }
        }
        // An entry without an id may be the one that is missing.
        if places.has_nameless && !was_terminated { Sight::Unreadable } else { Sight::Absent }
    }

    /// Returns the entries that carry a token, or cannot be read.
    pub(super) fn may_carry(&self, token: &Token) -> Vec<&ListedPod> {
        self.tokens.get_or_init(|| Tokens::of(&self.entries)).may_carry(token, &self.entries)
    }

    fn places(&self) -> &Places {
        self.places.get_or_init(|| {
            let mut places = Places::default();
            for (place, entry) in self.entries.iter().enumerate() {
                match entry.id() {
                    Some(id) => places.by_id.entry(id.clone()).or_default().push(place),
                    None => places.has_nameless = true,
                }
            }
            places
        })
    }
}

impl Sheet<ListedVolume> {
    /// Looks for one network volume.
    pub(super) fn sight(&self, sought: &VolumeId) -> Sight<'_, LiveVolume> {
        let mut sight = Sight::Absent;
        for entry in &self.entries {
            match entry {
                Listed::Found(volume) if volume.id == *sought => return Sight::Live(volume),
                Listed::Found(_) => {}
                Listed::Unreadable { id, .. } if id == sought => return Sight::Unreadable,
                Listed::Unreadable { .. } => {}
                Listed::Nameless { why: _ } => sight = Sight::Unreadable,
            }
        }
        sight
    }
}

/// Lists one kind of object for all who wait.
pub(super) struct Lookout<T> {
    waiting: Cell<usize>,
    last: RefCell<Option<Rc<Sheet<T>>>>,
    failure: RefCell<Option<(Instant, ProviderError)>>,
    wanted: Notify,
    news: Notify,
}

impl<T> Default for Lookout<T> {
    fn default() -> Self {
        Self {
            waiting: Cell::default(),
            last: RefCell::default(),
            failure: RefCell::default(),
            wanted: Notify::new(),
            news: Notify::new(),
        }
    }
}

impl<T> Lookout<T> {
    /// Begins to look at listings that are asked for after a moment, until the deadline.
    pub(super) fn since(&self, moment: Instant, deadline: Instant) -> Looks<'_, T> {
        Looks { lookout: self, after: moment, deadline, first: None }
    }

    /// Lists while somebody waits, as long as the run lasts.
    pub(super) async fn keep(
        &self,
        pace: Pace,
        list: impl AsyncFn() -> Result<Vec<T>, ProviderError>,
    ) -> Infallible {
        let mut next = Instant::now();
        let mut at = Duration::ZERO;
        loop {
            while self.waiting.get() == 0 {
                self.wanted.notified().await;
            }
            sleep_until(next).await;
            if self.waiting.get() == 0 {
                continue;
            }
            let began = Instant::now();
            let pause = match list().await {
                Ok(entries) => {
                    let pause = pace.after(entries.len());
                    let sheet =
                        Sheet { began, at, entries, places: OnceCell::new(), tokens: OnceCell::new() };
                    *self.last.borrow_mut() = Some(Rc::new(sheet));
                    pause
                }
                Err(error) => {
                    *self.failure.borrow_mut() = Some((Instant::now(), error));
                    pace.after(0)
                }
            };
            next = began + pause;
            at += pause;
            self.news.notify_waiters();
        }
    }
}

/// The listings that somebody who waits looks at, one after the other.
pub(super) struct Looks<'l, T> {
    lookout: &'l Lookout<T>,
    after: Instant,
    deadline: Instant,
    first: Option<Duration>,
}

/// One of them.
pub(super) struct Look<T> {
    pub(super) sheet: Rc<Sheet<T>>,
    /// The least time that lies between the first one and this one.
    pub(super) waited: Duration,
}

impl<T> Looks<'_, T> {
    /// Waits for the next listing; `None` if there is none by the deadline.
    ///
    /// # Errors
    /// It could not be read, however often it was tried.
    pub(super) async fn next(&mut self) -> Result<Option<Look<T>>, ProviderError> {
        timeout_at(self.deadline, self.following()).await.map_or(Ok(None), |look| look.map(Some))
    }

    async fn following(&mut self) -> Result<Look<T>, ProviderError> {
        let Lookout { waiting, last, failure, wanted, news } = self.lookout;
        waiting.set(waiting.get() + 1);
        let _waits = Waits(waiting);
        wanted.notify_one();
        loop {
            if let Some(sheet) = last.borrow().as_ref().filter(|sheet| sheet.began > self.after) {
                self.after = sheet.began;
                let first = *self.first.get_or_insert(sheet.at);
                return Ok(Look { sheet: Rc::clone(sheet), waited: sheet.at.saturating_sub(first) });
            }
            if let Some((_, error)) = failure.borrow().as_ref().filter(|(at, _)| *at > self.after) {
                return Err(error.clone());
            }
            news.notified().await;
        }
    }
}

/// Counts somebody who waits, until dropped.
struct Waits<'a>(&'a Cell<usize>);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
