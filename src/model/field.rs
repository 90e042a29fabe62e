//! Names of the fields that can differ between what is wanted, recorded and live.

use std::fmt;
use std::str::FromStr;

use super::id::EnvKey;

/// One comparable field of a pod or volume, named as in the spec.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `name`
    Name,
    /// `image`
    Image,
    /// `command`
    Command,
    /// `entrypoint`
    Entrypoint,
    /// `env.NAME`
    Env(EnvKey),
    /// `ports`
    Ports,
    /// `disk`
    Disk,
    /// `registry`
    Registry,
    /// `volumes`: what is mounted, its size and its path.
    Volumes,
    /// `global_networking`
    GlobalNetworking,
    /// `locked`
    Locked,
    /// `gpu`: the type.
    Gpu,
    /// `gpu.count`
    GpuCount,
    /// `cpu`: flavor and number of vCPUs.
    Cpu,
    /// `cloud`
    Cloud,
    /// `placement.data_centers`, or the data center of a volume.
    DataCenter,
    /// `placement.countries`
    Country,
    /// `cuda`
    Cuda,
    /// `ssh`
    Ssh,
    /// `jupyter`
    Jupyter,
    /// `state`: running or stopped.
    State,
    /// `size` of a volume.
    Size,
    /// `tier` of a volume.
    Tier,
    /// `lifecycle`
    Lifecycle,
    /// `adopt`
    Adopt,
    /// `depends_on`
    DependsOn,
    /// `replicas`
    Replicas,
}

impl Field {
    const PLAIN: [(Self, &'static str); 26] = [
        (Self::Name, "name"),
        (Self::Image, "image"),
        (Self::Command, "command"),
        (Self::Entrypoint, "entrypoint"),
        (Self::Ports, "ports"),
        (Self::Disk, "disk"),
        (Self::Registry, "registry"),
        (Self::Volumes, "volumes"),
        (Self::GlobalNetworking, "global_networking"),
        (Self::Locked, "locked"),
        (Self::Gpu, "gpu"),
        (Self::GpuCount, "gpu.count"),
        (Self::Cpu, "cpu"),
        (Self::Cloud, "cloud"),
        (Self::DataCenter, "data_center"),
        (Self::Country, "countries"),
        (Self::Cuda, "cuda"),
        (Self::Ssh, "ssh"),
        (Self::Jupyter, "jupyter"),
        (Self::State, "state"),
        (Self::Size, "size"),
        (Self::Tier, "tier"),
        (Self::Lifecycle, "lifecycle"),
        (Self::Adopt, "adopt"),
        (Self::DependsOn, "depends_on"),
        (Self::Replicas, "replicas"),
    ];
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Env(key) = self {
            return write!(f, "env.{key}");
        }
        let name = Self::PLAIN.iter().find(|(field, _)| field == self).map_or("", |(_, name)| name);
        f.pad(name)
    }
}

impl FromStr for Field {
    type Err = NoField;

    fn from_str(text: &str) -> Result<Self, NoField> {
        if let Some(key) = text.strip_prefix("env.").filter(|key| !key.is_empty()) {
            return Ok(Self::Env(EnvKey::new(key)));
        }
        let known = Self::PLAIN.iter().find(|(_, name)| *name == text);
        known.map(|(field, _)| field.clone()).ok_or(NoField)
    }
}

/// The text names no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a field of a pod or volume")]
pub struct NoField;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_prints_as_it_is_parsed() {
        for (field, name) in Field::PLAIN {
            assert_eq!((field.to_string().as_str(), name.parse()), (name, Ok(field)));
        }
        assert_eq!("env.A".parse(), Ok(Field::Env(EnvKey::new("A"))));
        assert_eq!("env.".parse::<Field>(), Err(NoField));
    }
}
