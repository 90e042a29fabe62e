//! One file for each command. They are thin: they join parts and turn what comes out into an exit code.

pub mod apply;
pub mod config;
pub mod destroy;
pub mod drift;
pub mod gpus;
pub mod graph;
pub mod init;
pub mod plan;
pub mod show;
pub mod simulate;
pub mod simulator;
pub mod state_list;
pub mod status;
pub mod unlock;
pub mod validate;
