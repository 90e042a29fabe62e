//! The planner against a small account of its own.

mod cases;
mod props;
mod reach;
pub(crate) mod world;
