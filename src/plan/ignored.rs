//! Fields that `ignore_changes` leaves alone: what is recorded of them is what is live.

use std::collections::BTreeSet;

use crate::model::field::Field;
use crate::model::pod::Container;

/// Takes over the ignored fields of a container from another one.
pub(super) fn keep(from: &Container, to: &mut Container, ignored: &BTreeSet<Field>) {
    for field in ignored {
        match field {
            Field::Name => to.name.clone_from(&from.name),
            Field::Image => to.image.clone_from(&from.image),
            Field::Command => to.command.clone_from(&from.command),
            Field::Entrypoint => to.entrypoint.clone_from(&from.entrypoint),
            Field::Env(key) => match from.env.get(key) {
                Some(value) => drop(to.env.insert(key.clone(), value.clone())),
                None => drop(to.env.remove(key)),
            },
            Field::Ports => to.ports.clone_from(&from.ports),
            Field::Disk => to.disk = from.disk,
            Field::Registry => to.registry.clone_from(&from.registry),
            Field::Volumes => to.storage.clone_from(&from.storage),
            Field::GlobalNetworking => to.global_networking = from.global_networking,
            Field::Locked => to.locked = from.locked,
            // No part of a container.
            Field::Gpu
            | Field::GpuCount
            | Field::Cpu
            | Field::Cloud
            | Field::DataCenter
            | Field::Country
            | Field::Cuda
            | Field::Ssh
            | Field::Jupyter
            | Field::State
            | Field::Size
            | Field::Tier
            | Field::Lifecycle
            | Field::Adopt
            | Field::DependsOn
            | Field::Replicas => {}
        }
    }
}
