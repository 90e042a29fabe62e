//! The planner against a small account of its own.

mod arrivals;
mod cases;
mod catalog;
mod counts;
mod dead_addresses;
mod job_costs;
pub(crate) mod job_cuts;
mod job_leaves;
mod job_marks;
mod job_reruns;
mod job_waits;
pub(crate) mod jobs;
mod left_alone;
mod order;
mod own_changes;
mod props;
mod reach;
mod readiness;
mod references;
mod registries;
mod rent;
mod secrets;
mod unread;
mod waits;
mod waves;
mod whose;
pub(crate) mod world;
