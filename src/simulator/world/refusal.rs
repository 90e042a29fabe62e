//! Why the world did not do what it was asked, without any API's words for it.

use super::pod::{Action, Status};

/// A refusal. Each API has its own status code and text for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing free fits the request, or nothing that exists fits it; RunPod does not tell these apart.
    NoCapacity,
    /// The host of a stopped pod has no free GPU.
    HostFull,
    /// The host of a stopped pod is gone.
    HostLost,
    /// There is no such pod.
    NoSuchPod,
    /// There is no such network volume.
    NoSuchVolume,
    /// There is no such template.
    NoSuchTemplate,
    /// The pod's status does not allow the action.
    NotNow {
        /// The status the pod is in.
        status: Status,
        /// What was asked.
        action: Action,
    },
    /// The pod is locked against stop and reset.
    Locked,
    /// The account cannot pay for an hour of it.
    NoFunds,
    /// The image's tag is not on its registry.
    NoSuchImage(String),
    /// The container disk is over what the CPU flavor allows.
    CpuDiskTooLarge {
        /// The most it allows, in GB.
        limit: u32,
    },
    /// The data center has no network volumes.
    NoStorageThere {
        /// The data center asked for.
        data_center: String,
    },
    /// A volume cannot shrink.
    Shrinks {
        /// Its size, in GB.
        size: u32,
    },
    /// A network volume that pods use cannot be deleted.
    VolumeInUse,
    /// Another rule of the API, in a sentence.
    Rule(String),
}

impl Refusal {
    /// Makes the refusal for a broken rule that has no case of its own.
    pub fn rule(text: impl Into<String>) -> Refusal {
        Refusal::Rule(text.into())
    }
}
