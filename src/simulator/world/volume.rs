//! Network volumes: storage that outlives pods, in one data center, that only grows.

use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// A network volume's identifier: 10 letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VolumeId(pub String);

/// The storage tier of a network volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tier {
    /// The ordinary tier.
    Standard,
    /// The dearer, faster one.
    HighPerformance,
}

impl Tier {
    /// Returns the word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Standard => "STANDARD",
            Tier::HighPerformance => "HIGH_PERFORMANCE",
        }
    }
}

/// A network volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its identifier.
    pub id: VolumeId,
    /// Its name, which need not be unique.
    pub name: String,
    /// Allocated GB.
    pub size: u32,
    /// Where it lies.
    pub data_center: String,
    /// Its storage tier.
    pub tier: Tier,
    /// When it was made.
    pub created_at: Moment,
    /// When it shows in listings.
    pub visible_at: Moment,
}

/// What a create of a network volume asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeOrder {
    pub name: String,
    /// Allocated GB.
    pub size: u32,
    /// Where it shall lie.
    pub data_center: String,
    /// The tier, or the data center's first one.
    pub tier: Option<Tier>,
}
