//! A listing, page by page.
//!
//! Each page is a request like any other: it takes its own turn of the quota, has its own time to be answered in, and is
//! asked for again by itself if the API stumbles. What was read before it stays read, or an account of a hundred pages
//! could never be listed under a quota of sixty a minute.

use std::collections::BTreeSet;

use super::ProviderError;

/// How far a listing was read, and what it had so far.
#[derive(Debug)]
pub struct Walk<T> {
    entries: Vec<T>,
    next: Next,
    /// The cursors that were followed.
    cursors: BTreeSet<String>,
    /// What the pages together weigh, as the API's client counts it.
    pub(super) weight: Weight,
}

/// Where a listing goes on.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    First,
    At(String),
    Nowhere,
}

/// How large the answers of a listing are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weight {
    /// The lengths of their bodies.
    pub(super) bytes: usize,
    /// The values in them.
    pub(super) values: usize,
}

/// A listing goes on with a page that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Circle;

impl<T> Default for Walk<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), next: Next::First, cursors: BTreeSet::new(), weight: Weight::default() }
    }
}

/// A listing that came whole.
impl<T> From<Vec<T>> for Walk<T> {
    fn from(entries: Vec<T>) -> Self {
        let mut walk = Self::default();
        walk.end(entries);
        walk
    }
}

impl<T> Walk<T> {
    /// Tells whether nothing follows.
    pub fn is_over(&self) -> bool {
        self.next == Next::Nowhere
    }

    /// Returns the number of pages that were read.
    pub fn pages(&self) -> usize {
        match self.next {
            Next::First => 0,
            // The cursor of the next one is among those that were followed.
            Next::At(_) => self.cursors.len(),
            Next::Nowhere => self.cursors.len() + 1,
        }
    }

    /// Returns what the pages had so far.
    pub fn entries(&self) -> &[T] {
        &self.entries
    }

    /// Returns what the pages had.
    pub fn into_entries(self) -> Vec<T> {
        self.entries
    }

    /// Changes what the pages had so far, entry by entry.
    pub fn map_from(&mut self, from: usize, change: impl FnMut(T) -> T) {
        let tail = self.entries.split_off(from.min(self.entries.len()));
        self.entries.extend(tail.into_iter().map(change));
    }

    /// Returns the cursor of the page that is next; `None` at the first one.
    pub(super) fn cursor(&self) -> Option<&str> {
        match &self.next {
            Next::At(cursor) => Some(cursor),
            Next::First | Next::Nowhere => None,
        }
    }

    /// Adds the last page.
    pub fn end(&mut self, page: Vec<T>) {
        self.next = Next::Nowhere;
        if self.entries.is_empty() {
            self.entries = page;
        } else {
            self.entries.extend(page);
        }
    }

    /// Adds a page, which is the last one if it names no cursor.
    ///
    /// # Errors
    /// It names the cursor of a page that was read: there would be no end.
    pub(super) fn add(&mut self, page: Vec<T>, next: Option<String>) -> Result<(), Circle> {
        let next = match next {
            None => Next::Nowhere,
            Some(cursor) if self.cursors.insert(cursor.clone()) => Next::At(cursor),
            Some(_) => return Err(Circle),
        };
        self.end(page);
        self.next = next;
        Ok(())
    }
}

/// Reads a listing to its end, each page by `page`.
///
/// # Errors
/// A page could not be read, so that nothing is known of the whole.
pub async fn walk<T>(
    mut page: impl AsyncFnMut(&mut Walk<T>) -> Result<(), ProviderError>,
) -> Result<Walk<T>, ProviderError> {
    let mut walk = Walk::default();
    while !walk.is_over() {
        page(&mut walk).await?;
    }
    Ok(walk)
}
