//! Network volumes as the spec, the state and the plan describe them.

use super::id::DataCenterId;
use super::size::Gigabytes;

/// What a managed network volume is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeConfig {
    /// May grow, never shrinks: the API refuses it.
    pub size: Gigabytes,
    /// Fixed at creation.
    pub data_center: DataCenterId,
    /// Fixed at creation.
    pub tier: VolumeTier,
}

/// The class of storage; REST v2 calls it `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VolumeTier {
    /// The usual one.
    Standard,
    /// Faster and dearer, in some data centers.
    HighPerformance,
}

impl VolumeTier {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::HighPerformance => "high_performance",
        }
    }
}
