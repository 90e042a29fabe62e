//! What opens a state that lies elsewhere, from where each engine's users keep it.
//!
//! It is read here, by name, and handed to that engine alone: never to RunPod, and RunPod's key never comes this way.

#[cfg(feature = "postgres")]
pub use database::of_database;

#[cfg(feature = "object-store")]
pub use bucket::of_bucket;

#[cfg(feature = "object-store")]
mod bucket;
#[cfg(feature = "postgres")]
mod database;
