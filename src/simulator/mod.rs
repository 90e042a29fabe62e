//! A deterministic stand-in for RunPod: one [`World`] of hosts, pods and network volumes behind RunPod's own HTTP interfaces.
//!
//! [`World`] is data and plain functions: it reads no clock and no randomness, so the same seed and the same requests give the
//! same bytes. [`Simulation`] is the shell around it: it measures the time that passes, counts requests, injects faults and saves the world in
//! a file. Its router answers over TCP ([`serve`]) or in process, so a trial without an account takes the path of production.
//!
//! The wire types here are written from the published documents and are shared with no client of ours: a mistake of one side is caught by the
//! other. Where RunPod is known to be nasty (listings that lag, starts pinned to one host, creates that succeed and answer 500), this is too.
//!
//! To add a setting of a pod: a row in `world/settings.rs`, whose head says what else. To add a fault: a variant in
//! [`fault`] and what it does in `front/fate.rs`; what is known of the real API goes before what is easy here.
//!
//! Start reading at [`world`], then [`front`], which stands between the world and [`server`].

pub mod command;
pub mod door;
pub mod exchange;
pub mod fault;
pub mod front;
pub mod graphql;
pub mod proxy;
pub mod quota;
pub mod rest_v1;
pub mod rest_v2;
pub mod server;
pub mod store;
pub mod world;

pub use door::Door;
pub use exchange::{Contract, Unset};
pub use fault::{FaultScript, FaultScriptError};
pub use front::V1Form;
pub use quota::QuotaSetting;
pub use server::{Settings, Simulation, serve};
pub use store::{Announcement, StoreError, running_server};
pub use world::World;
