//! One integration crate.

mod layering;
mod simulator;
mod spec;
mod state;
mod wire;
