//! The planner against a small account of its own.

mod cases;
pub(crate) mod world;
