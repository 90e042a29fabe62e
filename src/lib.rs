//! `podform`: plan and apply for GPU pods on RunPod.

pub mod model;
pub mod spec;
pub mod plan;
pub mod provider;
pub mod state;
pub mod apply;
pub mod render;
pub mod simulator;
pub mod cli;
