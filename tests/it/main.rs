//! One integration crate.

mod action;
mod approval;
mod cached;
mod canary;
mod commands;
mod dist;
mod docs;
mod events;
mod faults;
#[cfg(feature = "object-store")]
#[path = "../support/faulty.rs"]
mod faulty;
#[path = "../support/fleet.rs"]
mod fleet;
mod formats;
mod hostile;
mod identity;
mod imports;
mod interrupt;
mod jobs;
mod killed;
#[allow(dead_code, reason = "unit tests use the rest")]
#[path = "../support/kit.rs"]
mod kit;
mod laid;
mod layering;
#[cfg(feature = "object-store")]
#[path = "../support/moto.rs"]
mod moto;
mod nightly;
mod plan;
#[cfg(feature = "postgres")]
#[path = "../support/postgres.rs"]
mod postgres;
mod reference;
mod render;
mod rollout;
mod roundtrip;
mod scale;
mod scripts;
mod served;
mod simulator;
mod spec;
mod speed;
mod stage;
mod state;
mod storage;
mod supply;
mod team;
mod wire;
