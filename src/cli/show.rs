//! Prints plans.

use super::output::Output;
use crate::model::plan::Planned;
use crate::render::difference::write_difference;
use crate::render::{Format, Positions, write_plan};
pub fn plan(output: &Output, planned: &Planned, format: Format, positions: Positions<'_>) {
    output.data_in_pieces(|out| write_plan(out, format, planned, positions, output.style()));
}

/// Prints what a plan that was approved and the plan of now differ in, as data.
pub fn difference(output: &Output, approved: &Planned, now: &Planned) {
    output.data_in_pieces(|out| write_difference(out, approved, now));
}
