//! Requests with everything resolved, secrets included: what goes over the wire and nowhere else.

use super::id::PodId;
use super::pod::{Access, Placement};
use super::settings::{Asked, AskedChange, PodSettings};
use super::volume::VolumeConfig;

/// A request to create a pod. The mark is one of the variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRequest {
    /// What it is to be.
    pub settings: PodSettings<Asked>,
    /// The services.
    pub access: Access,
    /// Where.
    pub placement: Placement,
}

/// A request to change a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchRequest {
    /// Which pod.
    pub id: PodId,
    /// What changes.
    pub settings: PodSettings<AskedChange>,
}

/// A request to create a network volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRequest {
    /// The name, which carries the token.
    pub name: String,
    /// What it is to be.
    pub config: VolumeConfig,
}
