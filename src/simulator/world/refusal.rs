//! Why the world did not do what it was asked.
//!
//! Each API has its own words for it, but for the few texts that RunPod has published.

use super::pod::{Action, Status};

/// Said of everything that could not be placed, the impossible included.
pub const NO_CAPACITY: &str = "There are no longer any instances available with the requested specifications. Please refresh and try again.";
/// Said, once a machine is found, of a create that gives neither a disk nor a template.
pub const NO_DISK: &str = "You must either provide a template id or pod configuration parameters";
/// Said of a full host.
pub const HOST_FULL: &str = "There are not enough free GPUs on the host machine to start this pod.";
/// Said of a host that is gone.
pub const HOST_LOST: &str =
    "This machine does not have the resources to deploy your pod. Please try a different machine";
/// Said of a pod that is being moved.
pub const MIGRATING: &str = "This pod has a migration in progress. Cancel the migration before terminating.";
/// Said of an empty account.
pub const NO_FUNDS: &str = "Your account balance is too low to rent a pod. Please add funds to your account.";

/// Says what the container disk of a CPU pod may be.
pub fn disk_limit(limit: u32) -> String {
    format!("Container Disk must be less than or equal to {limit} GB for this instance")
}

/// A refusal. Each API has its own status code and text for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing free fits the request, or nothing that exists fits it; RunPod does not tell these apart.
    NoCapacity,
    /// The host of a stopped pod has no free GPU.
    HostFull,
    /// The host of a stopped pod is gone.
    HostLost,
    NoSuchPod,
    /// There is no such network volume.
    NoSuchVolume,
    NoSuchTemplate,
    /// A template that pods are linked to cannot be deleted.
    TemplateInUse,
    /// The pod's status does not allow the action.
    NotNow {
        /// The status the pod is in.
        status: Status,
        /// What was asked.
        action: Action,
    },
    /// The pod is a member of a cluster, which alone changes and ends it.
    ClusterMember,
    /// The platform moves the pod.
    Migrating,
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
