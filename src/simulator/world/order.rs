//! What a create or an update asks for, in no API's words, and the rules that need no look at the world.

use std::collections::BTreeMap;

use super::facts;
use super::hosts::Cloud;
use super::money::HourlyPrice;
use super::pod::{Compute, Mount};
use super::refusal::Refusal;
use super::settings::{Settings, SettingsChange};

/// The most environment variables of a pod.
const MOST_VARIABLES: usize = 50;
/// The most `http` ports of a pod.
const MOST_HTTP_PORTS: usize = 10;

/// A condition on the host's CUDA version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CudaRule {
    /// Any host will do.
    Any,
    /// One of these, exactly.
    OneOf(Vec<String>),
    /// This or a later one.
    AtLeast(String),
}

impl CudaRule {
    /// Returns whether a host that reports `version` will do.
    pub fn allows(&self, version: Option<&str>) -> bool {
        match (self, version) {
            (CudaRule::Any, _) => true,
            (CudaRule::OneOf(wanted), Some(version)) => wanted.iter().any(|wanted| wanted == version),
            (CudaRule::AtLeast(wanted), Some(version)) => numbers(version) >= numbers(wanted),
            (CudaRule::OneOf(_) | CudaRule::AtLeast(_), None) => false,
        }
    }
}

/// Versions compare by number: 12.11 is above 12.2.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// The processors that a create asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComputeOrder {
    /// GPUs of the first of these types that has room.
    Gpu {
        /// The types, in order of preference.
        ids: Vec<String>,
        /// How many; 0 finds no host, as with RunPod.
        count: u32,
        /// Which hosts will do.
        cuda: CudaRule,
        /// The least RAM in GB for each GPU.
        min_ram: u32,
        /// The fewest vCPUs for each GPU.
        min_vcpu: u32,
    },
    /// vCPUs of the first of these flavors that has room.
    Cpu {
        /// The flavors, in order of preference.
        flavors: Vec<String>,
        /// How many.
        vcpus: u32,
    },
}

/// What a create of a pod asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodOrder {
    pub settings: Settings,
    /// The storage to mount.
    pub mount: Mount,
    /// The processors.
    pub compute: ComputeOrder,
    /// The clouds that will do.
    pub clouds: Vec<Cloud>,
    /// The data centers that will do, or none for any.
    pub data_centers: Vec<String>,
    /// The countries that will do, or none for any.
    pub countries: Vec<String>,
    /// Whether `PUBLIC_KEY` is to be added.
    pub ssh: bool,
    /// Whether `JUPYTER_PASSWORD` is to be added.
    pub jupyter: bool,
    /// Whether the size of its container disk was given, by the request or by a template.
    pub has_disk: bool,
    /// The template that the pod keeps a link to.
    pub template: Option<String>,
    /// What is offered for each GPU of an interruptible pod; an ordinary one has none.
    pub bid: Option<HourlyPrice>,
}

impl PodOrder {
    /// Makes a small order of one GPU, for worlds that are set up by hand.
    pub fn gpu(name: &str, image: &str, gpu: &str) -> PodOrder {
        let compute = ComputeOrder::Gpu {
            ids: vec![gpu.to_owned()],
            count: 1,
            cuda: CudaRule::Any,
            min_ram: 0,
            min_vcpu: 0,
        };
        PodOrder::of(name, image, compute)
    }

    /// Makes a small order of vCPUs, for worlds that are set up by hand.
    pub fn cpu(name: &str, image: &str, flavor: &str, vcpus: u32) -> PodOrder {
        PodOrder::of(name, image, ComputeOrder::Cpu { flavors: vec![flavor.to_owned()], vcpus })
    }

    fn of(name: &str, image: &str, compute: ComputeOrder) -> PodOrder {
        let (name, image) = (name.to_owned(), image.to_owned());
        let settings = Settings { name, image, disk: 10, ..Settings::default() };
        PodOrder {
            has_disk: true,
            settings,
            mount: Mount::Nothing,
            compute,
            clouds: vec![Cloud::Secure],
            data_centers: Vec::new(),
            countries: Vec::new(),
            ssh: false,
            jupyter: false,
            template: None,
            bid: None,
        }
    }

    /// Checks every rule that does not depend on what is in stock.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_image(&self.settings.image)?;
        check_env(&self.settings.env)?;
        check_ports(&self.settings.ports)?;
        let on_community = self.clouds == [Cloud::Community];
        if matches!(self.mount, Mount::Network { .. }) && on_community {
            return Err(Refusal::rule("Network volumes are only available on Secure Cloud."));
        }
        match &self.compute {
            ComputeOrder::Gpu { .. } => Ok(()),
            ComputeOrder::Cpu { flavors, vcpus } => self.check_cpu(flavors, *vcpus),
        }
    }

    fn check_cpu(&self, flavors: &[String], vcpus: u32) -> Result<(), Refusal> {
        if matches!(self.mount, Mount::Persistent { .. }) {
            return Err(Refusal::rule("mounts.persistent is not supported on CPU pods"));
        }
        if self.settings.global_networking {
            return Err(Refusal::rule("Global networking requires an NVIDIA GPU."));
        }
        for flavor in flavors {
            let Some(fact) = facts::cpu(flavor) else {
                return Err(Refusal::rule(format!("unknown CPU flavor '{flavor}'")));
            };
            if !vcpus.is_power_of_two() || vcpus < fact.min_vcpu || vcpus > fact.max_vcpu {
                return Err(Refusal::rule(format!(
                    "vcpuCount must be a power of two between {} and {} for {flavor}",
                    fact.min_vcpu, fact.max_vcpu
                )));
            }
            if let Some(per_vcpu) = fact.disk_limit_gb_per_vcpu
                && self.settings.disk > per_vcpu * vcpus
            {
                return Err(Refusal::CpuDiskTooLarge { limit: per_vcpu * vcpus });
            }
        }
        Ok(())
    }
}

/// What an update asks for; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodChange {
    pub settings: SettingsChange,
    /// The pod's own volume: its size and path.
    pub persistent: Option<(Option<u32>, Option<String>)>,
    /// The network volume, which must be the one it has, and its path.
    pub network: Option<(Option<String>, String)>,
    /// Makes the container anew whatever else is changed.
    pub reset: bool,
}

impl PodChange {
    /// Makes a change that says size and path of whatever volume the pod mounts, as REST v1 and GraphQL do.
    ///
    /// # Errors
    /// The pod mounts none.
    pub fn of(
        settings: SettingsChange,
        mount: &Mount,
        size: Option<u32>,
        path: Option<String>,
    ) -> Result<PodChange, Refusal> {
        let change = PodChange { settings, ..PodChange::default() };
        Ok(match (mount, size, path) {
            (_, None, None)
            | (Mount::Network { .. }, Some(_), None)
            | (Mount::Nothing, None | Some(0), _) => change,
            (Mount::Persistent { .. }, size, path) => PodChange { persistent: Some((size, path)), ..change },
            (Mount::Network { .. }, _, Some(path)) => PodChange { network: Some((None, path)), ..change },
            (Mount::Nothing, Some(_), _) => {
                return Err(Refusal::rule("A volume cannot be added to this pod."));
            }
        })
    }

    /// Returns whether the container is made anew.
    pub fn resets(&self) -> bool {
        let PodChange { settings, persistent, network, reset } = self;
        *reset || settings.resets() || persistent.is_some() || network.is_some()
    }

    /// Checks every rule that does not depend on the pod's storage.
    pub(super) fn check(&self, compute: &Compute) -> Result<(), Refusal> {
        check_settings(&self.settings)?;
        match (compute, self.settings.disk) {
            (Compute::Cpu { flavor, vcpus }, Some(disk)) => {
                let limit =
                    facts::cpu(flavor).and_then(|fact| fact.disk_limit_gb_per_vcpu).map(|gb| gb * vcpus);
                match limit {
                    Some(limit) if disk > limit => Err(Refusal::CpuDiskTooLarge { limit }),
                    Some(_) | None => Ok(()),
                }
            }
            (Compute::Cpu { .. } | Compute::Gpu { .. }, _) => Ok(()),
        }
    }
}

/// Checks the rules that need no more than what is given.
pub(super) fn check_settings(given: &SettingsChange) -> Result<(), Refusal> {
    let SettingsChange { image, env, ports, .. } = given;
    image.as_deref().map_or(Ok(()), check_image)?;
    env.as_ref().map_or(Ok(()), check_env)?;
    ports.as_deref().map_or(Ok(()), check_ports)
}

/// Checks that an image is on its registry: one that says `missing` is not. Only REST v2 looks.
///
/// # Errors
/// [`Refusal::NoSuchImage`].
pub fn check_registry(image: &str) -> Result<(), Refusal> {
    if image.contains("missing") { Err(Refusal::NoSuchImage(image.to_owned())) } else { Ok(()) }
}

/// Splits a port such as `8888/http` into its number and protocol.
pub fn port_parts(port: &str) -> Option<(u32, &str)> {
    let (number, protocol) = port.split_once('/')?;
    let number = number.trim().parse().ok()?;
    (number > 0 && ["http", "tcp"].contains(&protocol)).then_some((number, protocol))
}

fn check_image(image: &str) -> Result<(), Refusal> {
    if image.is_empty() || image.contains(char::is_whitespace) {
        return Err(Refusal::rule(format!("'{image}' is not a valid image reference")));
    }
    Ok(())
}

fn check_env(env: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if env.len() > MOST_VARIABLES {
        return Err(Refusal::rule(format!("env must have at most {MOST_VARIABLES} entries")));
    }
    Ok(())
}

fn check_ports(ports: &[String]) -> Result<(), Refusal> {
    if let Some(bad) = ports.iter().find(|port| port_parts(port).is_none()) {
        return Err(Refusal::rule(format!("'{bad}' is not a valid port: use <port>/http or <port>/tcp")));
    }
    let http = ports.iter().filter(|port| port.ends_with("/http")).count();
    if http > MOST_HTTP_PORTS {
        return Err(Refusal::rule(format!("at most {MOST_HTTP_PORTS} HTTP ports can be exposed")));
    }
    Ok(())
}
