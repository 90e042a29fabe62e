//! One integration crate.

mod action;
mod canary;
mod docs;
mod commands;
mod faults;
mod formats;
mod interrupt;
mod killed;
mod layering;
mod plan;
mod render;
mod scripts;
mod served;
mod simulator;
mod spec;
mod stage;
mod state;
mod storage;
mod wire;
