//! What was approved is what happens: what a digest stands for, and what becomes of plan files that somebody edited.

mod attacks;
mod campaign;
mod commits;
mod digest;
pub(crate) mod mutants;
mod wire;
