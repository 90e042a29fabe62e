//! The recorded state: the file, its lock, and the saved plan.

mod contract;
#[cfg(feature = "object-store")]
pub mod google;
mod lock;
mod moving;
#[cfg(feature = "object-store")]
pub mod object_log;
mod planfile;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "object-store")]
mod reached;
mod samples;
#[cfg(feature = "object-store")]
pub mod servers;
mod sqlite;

use std::path::Path;

use podform::model::id::{Lineage, ProjectName};
use podform::model::prior::{Binding, ProviderKind};
use podform::state::sqlite::StateFile;
use proptest::test_runner::{Config, RngSeed};

use crate::kit;

/// Names a state of the project `acme` whose lineage will be `line`.
fn state_file(path: &Path) -> StateFile {
    StateFile::new(path, binding("acme"), Lineage::new("line"))
}

/// The binding of a project on RunPod.
fn binding(project: &str) -> Binding {
    kit::binding(&ProjectName::new(project), ProviderKind::Runpod, "https://api.runpod.io")
}

/// So many cases, the same ones every time.
fn fixed(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() }
}
