//! `podform`: plan and apply for GPU pods on RunPod.
//!
//! ```text
//! YAML text --spec--> Desired --+
//! state::Store -------> Prior --+--> plan() --> Planned --> shown, approved --> ApprovedPlan --> apply --> Outcome
//! provider::Observe --> Live ---+                 |                                               |  ^
//! provider::Observe --> Catalog +                 v                                               |  +- provider::Mutate
//!                                               render <------------- notices --------------------+     state::Journal
//! ```
//!
//! Two rules above all. A plan leaves its execution no meaningful choice: ids, tokens, order, candidates and values
//! are decided before anybody approves it. And what was observed is always incomplete and old: "could not look" is
//! never "not there", and a run that ends half-way is answered by looking again and planning again.
//!
//! The modules stand in reading order. [`model`] is the vocabulary; [`spec`], [`plan`] and [`render`] are pure;
//! [`provider`], [`state`] and [`apply`] hold ports and their adapters; [`simulator`] stands in for RunPod;
//! [`cli`] joins them.

pub mod apply;
pub mod cli;
pub mod model;
pub mod plan;
pub mod provider;
pub mod render;
pub mod simulator;
pub mod spec;
pub mod state;

// Tests inside and outside of the crate are made of the same values, so its name is known inside as well.
#[cfg(test)]
extern crate self as podform;
#[cfg(test)]
#[path = "../tests/support/kit.rs"]
pub mod kit;
