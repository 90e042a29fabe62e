//! Turns plans, notices and outcomes into text.
//!
//! Pure: it knows no terminal, no file and no clock, and decides nothing about pods. A plan is sorted, grouped and
//! masked once, in [`view`], and every format reads that view, so that no two formats can tell different stories.
//! All text that came from outside (names, images, values of variables, answers of the API) is hostile: it goes
//! through [`escape`] on its way out.
//!
//! Start at [`view`], then [`human`]. [`words`] holds the sentences that the formats share.

pub mod escape;
pub mod graph;
pub mod human;
pub mod json;
pub mod money;
pub mod outcome;
pub mod progress;
pub mod ranges;
pub mod rows;
pub mod style;
pub mod view;
pub mod words;

#[cfg(test)]
mod sample;

use crate::model::plan::Subject;

/// Tells where in the spec something stands, such as `pods.yaml:12:5`; `None` where that is not known.
///
/// The core holds no positions, so the caller answers from what `spec` kept.
pub type Positions<'a> = &'a dyn Fn(&Subject) -> Option<String>;

/// Answers that no position is known, as for a saved plan whose files are not at hand.
pub fn no_positions(_: &Subject) -> Option<String> {
    None
}
