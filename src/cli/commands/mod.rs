//! One file for each command. They are thin: they join parts and turn what comes out into an exit code.

pub mod apply;
pub mod completions;
pub mod config;
pub mod destroy;
pub mod doctor;
pub mod drift;
pub mod gpus;
pub mod graph;
pub mod import;
pub mod init;
pub mod plan;
pub mod schema;
pub mod show;
pub mod show_address;
pub mod simulate;
pub mod simulator;
pub mod state_backup;
pub mod state_history;
pub mod state_list;
pub mod state_mv;
pub mod state_rebuild;
pub mod state_rm;
pub mod state_show;
pub mod status;
pub mod unlock;
pub mod validate;
