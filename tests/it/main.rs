//! One integration crate.

mod simulator;
