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

use super::until::Watched;
use crate::apply::Pace;
use crate::apply::recover::{Looked, Seams, Tokens};
use crate::apply::verdict::Sight;
use crate::model::id::PodId;
use crate::model::marker::Token;
use crate::provider::walk::Walk;
use crate::provider::{Listed, ListedPod, ProviderError};

/// One listing.
pub(super) struct Sheet<I: Watched> {
    /// A moment before it was asked for: what happened before it can be in it.
    began: Instant,
    /// The least time that lies between the first listing of the run and this one, and what it proves.
    looked: Looked,
    pub(super) entries: Vec<Listed<I::Object, I>>,
    places: OnceCell<Places<I>>,
    tokens: OnceCell<Tokens>,
}

/// Where the objects of a listing stand, which may be twice.
struct Places<I> {
    by_id: BTreeMap<I, Vec<usize>>,
    has_nameless: bool,
}

impl<I: Watched> Sheet<I> {
    /// Looks for one object. All who wait ask the same listing, so it is not searched from end to end.
    pub(super) fn sight(&self, sought: &I) -> Sight<'_, I::Object> {
        let places = self.places.get_or_init(|| self.places());
        let mut has_ended = false;
        for place in places.by_id.get(sought).into_iter().flatten() {
            match &self.entries[*place] {
                Listed::Found(object) if !I::has_ended(object) => return Sight::Live(object),
                Listed::Unreadable { .. } | Listed::Nameless { .. } => return Sight::Unreadable,
                Listed::Found(_) => has_ended = true,
            }
        }
        // An entry without an id may be the one that is missing.
        if places.has_nameless && !has_ended { Sight::Unreadable } else { Sight::Absent }
    }

    fn places(&self) -> Places<I> {
        let mut places = Places { by_id: BTreeMap::new(), has_nameless: false };
        for (place, entry) in self.entries.iter().enumerate() {
            match I::of(entry) {
                Some(id) => places.by_id.entry(id.clone()).or_default().push(place),
                None => places.has_nameless = true,
            }
        }
        places
    }
}

impl Sheet<PodId> {
    /// Returns the entries that carry a token, or cannot be read.
    pub(super) fn may_carry(&self, token: &Token) -> Vec<&ListedPod> {
        self.tokens.get_or_init(|| Tokens::of(&self.entries)).may_carry(token, &self.entries)
    }
}

/// Lists one kind of object for all who wait.
pub(super) struct Lookout<I: Watched> {
    waiting: Cell<usize>,
    last: RefCell<Option<Rc<Sheet<I>>>>,
    failure: RefCell<Option<(Instant, ProviderError)>>,
    wanted: Notify,
    news: Notify,
}

impl<I: Watched> Default for Lookout<I> {
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

impl<I: Watched> Lookout<I> {
    /// Begins to look at listings that are asked for after a moment, until the deadline.
    pub(super) fn since(&self, moment: Instant, deadline: Instant) -> Looks<'_, I> {
        Looks { lookout: self, after: moment, deadline, first: None }
    }

    /// Lists while somebody waits, as long as the run lasts.
    ///
    /// What is asked for together is answered together, but the first answer calls for a listing that the others come too
    /// late for. So the first listings of a wait are closer to each other, unless it `can_wait`.
    pub(super) async fn keep(
        &self,
        pace: Pace,
        can_wait: impl Fn() -> bool,
        list: impl AsyncFn() -> Result<Walk<Listed<I::Object, I>>, ProviderError>,
    ) -> Infallible {
        let mut last = None;
        let mut nth = 0_u32;
        let mut at = Duration::ZERO;
        let mut seams = Seams::default();
        loop {
            while self.waiting.get() == 0 {
                nth = 0;
                self.wanted.notified().await;
            }
            if let Some((began, entries)) = last {
                let usual = pace.after(entries, Pace::LATER);
                let mut pause = pace.after(entries, nth);
                sleep_until(began + pause).await;
                while pause < usual && can_wait() {
                    pause = usual.min(pause + pace.after(0, 1));
                    sleep_until(began + pause).await;
                }
                if self.waiting.get() == 0 {
                    continue;
                }
                at += pause;
            }
            let began = Instant::now();
            match list().await {
                Ok(walk) => {
                    nth = nth.saturating_add(1);
                    last = Some((began, walk.entries().len()));
                    let ids = walk.entries().iter().filter_map(I::of).cloned();
                    let looked = seams.next(at, walk.pages(), ids);
                    let entries = walk.into_entries();
                    let sheet =
                        Sheet { began, looked, entries, places: OnceCell::new(), tokens: OnceCell::new() };
                    *self.last.borrow_mut() = Some(Rc::new(sheet));
                }
                Err(error) => {
                    nth = Pace::LATER;
                    last = Some((began, 0));
                    *self.failure.borrow_mut() = Some((Instant::now(), error));
                }
            }
            self.news.notify_waiters();
        }
    }
}

/// The listings that somebody who waits looks at, one after the other.
pub(super) struct Looks<'l, I: Watched> {
    lookout: &'l Lookout<I>,
    after: Instant,
    deadline: Instant,
    first: Option<Duration>,
}

/// One of them.
pub(super) struct Look<I: Watched> {
    pub(super) sheet: Rc<Sheet<I>>,
    /// The least time that lies between the first one and this one, and what this one proves.
    pub(super) looked: Looked,
}

impl<I: Watched> Looks<'_, I> {
    /// Waits for the next listing; `None` if there is none by the deadline.
    ///
    /// # Errors
    /// It could not be read, however often it was tried.
    pub(super) async fn next(&mut self) -> Result<Option<Look<I>>, ProviderError> {
        timeout_at(self.deadline, self.following()).await.map_or(Ok(None), |look| look.map(Some))
    }

    async fn following(&mut self) -> Result<Look<I>, ProviderError> {
        let Lookout { waiting, last, failure, wanted, news } = self.lookout;
        waiting.set(waiting.get() + 1);
        let _waits = Waits(waiting);
        wanted.notify_one();
        loop {
            if let Some(sheet) = last.borrow().as_ref().filter(|sheet| sheet.began > self.after) {
                self.after = sheet.began;
                let first = *self.first.get_or_insert(sheet.looked.began);
                return Ok(Look { sheet: Rc::clone(sheet), looked: sheet.looked.since(first) });
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

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(17);

    /// Returns when listings were asked for, in milliseconds, while somebody waited for seventeen seconds.
    async fn listed_at(can_wait: impl Fn(Instant) -> bool) -> Vec<u128> {
        let pace = Pace { least: Duration::from_secs(5), per_entry: Duration::ZERO };
        let began = Instant::now();
        let asked = RefCell::new(Vec::new());
        let lookout = Lookout::<PodId>::default();
        let mut looks = lookout.since(began - Duration::from_millis(1), began + LONG);
        let waits = async { while let Ok(Some(_)) = looks.next().await {} };
        tokio::select! {
            () = waits => {}
            never = lookout.keep(pace, || can_wait(began), async || {
                asked.borrow_mut().push(began.elapsed().as_millis());
                Ok(Walk::from(Vec::new()))
            }) => match never {},
        }
        asked.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_listings_of_a_wait_are_closer_to_each_other() {
        assert_eq!(listed_at(|_| false).await, [0, 625, 1_875, 4_375, 9_375, 14_375]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_for_what_can_wait_is_listed_as_usual_until_it_cannot() {
        assert_eq!(listed_at(|_| true).await, [0, 5_000, 10_000, 15_000]);
        let for_six_seconds = |began: Instant| began.elapsed() < Duration::from_secs(6);
        assert_eq!(listed_at(for_six_seconds).await, [0, 5_000, 6_250, 8_750, 13_750]);
    }
}
