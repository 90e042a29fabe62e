//! The planner against a small account of its own.

mod cases;
mod props;
pub(crate) mod world;
