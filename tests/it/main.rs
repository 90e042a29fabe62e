//! One integration crate.

mod simulator;
mod state;
mod wire;
