//! One listing for all who wait: pods and volumes are listed while somebody waits for them, and only then.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::provider::ProviderError;

/// One listing.
#[derive(Debug)]
pub(super) struct Sheet<T> {
    /// A moment before it was asked for: what happened before it can be in it.
    pub(super) began: Instant,
    /// What was listed.
    pub(super) entries: Vec<T>,
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
    /// Waits for a listing that was asked for after this moment.
    ///
    /// # Errors
    /// The listing could not be read, however often it was tried.
    pub(super) async fn listing(&self, after: Instant) -> Result<Rc<Sheet<T>>, ProviderError> {
        self.waiting.set(self.waiting.get() + 1);
        let _waits = Waits(&self.waiting);
        self.wanted.notify_one();
        loop {
            if let Some(sheet) = self.last.borrow().as_ref().filter(|sheet| sheet.began > after) {
                return Ok(Rc::clone(sheet));
            }
            if let Some((_, error)) = self.failure.borrow().as_ref().filter(|(at, _)| *at > after) {
                return Err(error.clone());
            }
            self.news.notified().await;
        }
    }

    /// Lists while somebody waits, as long as the run lasts.
    pub(super) async fn keep(
        &self,
        poll: Duration,
        list: impl AsyncFn() -> Result<Vec<T>, ProviderError>,
    ) -> Infallible {
        let mut next = Instant::now();
        loop {
            while self.waiting.get() == 0 {
                self.wanted.notified().await;
            }
            sleep_until(next).await;
            if self.waiting.get() == 0 {
                continue;
            }
            let began = Instant::now();
            match list().await {
                Ok(entries) => *self.last.borrow_mut() = Some(Rc::new(Sheet { began, entries })),
                Err(error) => *self.failure.borrow_mut() = Some((Instant::now(), error)),
            }
            next = began + poll;
            self.news.notify_waiters();
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
