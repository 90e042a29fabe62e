//! One integration crate.

mod simulator;
mod wire;
