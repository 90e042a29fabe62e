//! The parts of a pod that the spec, the state, the plan and the live view have in common.

use std::collections::BTreeSet;
use std::fmt;

use super::desired::HostLimits;
use super::id::{CpuFlavorId, DataCenterId, GpuTypeId};
use super::money::Hourly;
use super::reference;
use super::secret::SecretName;
use super::size::Gigabytes;
use super::value::Value;

/// The value of one environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnvValue {
    /// A literal, or a reference that RunPod resolves (`{{ RUNPOD_SECRET_hf_token }}`). Stored and shown. Other pods are
    /// referred to in it as [`super::reference`] has it.
    Plain(String),
    /// A secret by name. Its value is only ever in memory.
    Secret(SecretName),
}

impl EnvValue {
    /// Returns the text, unless it is a secret.
    pub fn plain(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Secret(_) => None,
        }
    }

    /// Returns it as it is shown.
    pub fn value(&self) -> Value {
        match self {
            Self::Plain(text) => reference::value(text),
            Self::Secret(_) => Value::Secret,
        }
    }
}

/// A published port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// The port inside the pod. From 70000 on it asks RunPod for a public port with the same number inside.
    pub number: u32,
    /// How it is published.
    pub protocol: Protocol,
}

impl Port {
    /// From this number on, a TCP port asks for any public port with the same number inside, and reads back as that.
    pub const SYMMETRIC_FROM: u32 = 70_000;

    /// The highest number.
    pub const MOST: u32 = 99_999;

    /// Tells whether it asks for any public port.
    pub fn is_symmetric(self) -> bool {
        self.number >= Self::SYMMETRIC_FROM
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.protocol)
    }
}

/// How RunPod publishes a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// Through RunPod's HTTPS proxy, under a stable name.
    Http,
    /// On a public address and port that change at each start.
    Tcp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
        })
    }
}

/// What is mounted into a pod beside its container disk. A network volume is named by its address in the spec, the
/// state and the plan, and by its id on RunPod.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Storage<V> {
    /// Nothing.
    #[default]
    None,
    /// A disk on the pod's host. It survives a stop, binds the pod to that host, and dies with the pod.
    Local {
        /// Grows, never shrinks.
        size: Gigabytes,
        /// Where it is mounted.
        path: String,
    },
    /// A network volume.
    Network {
        volume: V,
        /// Where it is mounted.
        path: String,
    },
}

impl<V> Storage<V> {
    /// Returns the network volume that is mounted.
    pub fn volume(&self) -> Option<&V> {
        match self {
            Self::Network { volume, path: _ } => Some(volume),
            Self::None | Self::Local { .. } => None,
        }
    }
}

/// The services that RunPod sets up in a pod at its creation. Neither can be read back from the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// SSH; RunPod injects `PUBLIC_KEY`.
    pub ssh: bool,
    /// Jupyter; RunPod injects `JUPYTER_PASSWORD`.
    pub jupyter: bool,
}

/// Whether a pod is wanted to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunState {
    /// It runs and its compute is billed.
    Running,
    /// It is stopped: only its storage is billed, its container disk is gone.
    Stopped,
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
        })
    }
}

/// One of RunPod's two clouds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cloud {
    /// Secure Cloud: RunPod's data centers.
    Secure,
    /// Community Cloud: other people's hosts; no network volumes.
    Community,
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secure => "secure",
            Self::Community => "community",
        })
    }
}

/// The machine that a pod was given, or that a create asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compute {
    /// GPUs of one type.
    Gpu {
        id: GpuTypeId,
        /// How many; a resumed pod can come back with 0.
        count: u32,
    },
    /// A CPU pod.
    Cpu {
        flavor: CpuFlavorId,
        /// A power of two from 2.
        vcpus: u32,
    },
}

impl fmt::Display for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpu { id, count } => write!(f, "{id} x{count}"),
            Self::Cpu { flavor, vcpus } => write!(f, "{flavor} {vcpus} vCPU"),
        }
    }
}

/// How GPUs are rented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Rent {
    /// For as long as the pod runs.
    #[default]
    OnDemand,
    /// By a bid, for as long as nobody pays more. REST v2 cannot ask for it, and RunPod took it off sale in May 2026.
    Spot {
        /// For each GPU an hour.
        bid: Hourly,
    },
}

impl Rent {
    /// Returns the bid for each GPU an hour.
    pub fn bid(self) -> Option<Hourly> {
        match self {
            Self::OnDemand => None,
            Self::Spot { bid } => Some(bid),
        }
    }
}

impl fmt::Display for Rent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnDemand => f.write_str("on demand"),
            Self::Spot { bid } => write!(f, "spot, bid {bid}/h for each GPU"),
        }
    }
}

/// Where a create asks for a pod: one machine type, one cloud and all allowed data centers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The machine.
    pub compute: Compute,
    pub cloud: Cloud,
    /// Allowed data centers; empty allows all.
    pub data_centers: BTreeSet<DataCenterId>,
    /// Limits on the host of a GPU pod.
    pub host: HostLimits,
    pub rent: Rent,
}
