//! One integration crate.

mod simulator;
mod state;
mod spec;
mod wire;
