//! One integration crate.

mod layering;
mod plan;
mod scripts;
mod simulator;
mod spec;
mod state;
mod wire;
