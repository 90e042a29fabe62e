//! One integration crate.

mod layering;
mod plan;
mod simulator;
mod spec;
mod state;
mod wire;
