//! Values as a reviewer reads them. Secrets never come here by value.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::{ComputeWish, Lifecycle, WantedPod};
use crate::model::field::Field;
use crate::model::live::LiveStorage;
use crate::model::plan::{Cause, Disruption, FieldChange, Shown};
use crate::model::pod::{Access, Compute, Container, EnvValue, Storage};
use crate::model::prior::{RecordedObject, RecordedPod};
use crate::model::volume::{VolumeConfig, VolumeTier};

use super::placement;

/// Shows a value of the environment.
pub(super) fn env(value: &EnvValue) -> Shown {
    match value {
        EnvValue::Plain(text) => Shown::Text(text.clone()),
        EnvValue::Secret(_) => Shown::Secret,
    }
}

/// Shows a value that prints.
pub(super) fn text(value: &impl ToString) -> Shown {
    Shown::Text(value.to_string())
}

/// Shows a value that may be missing.
pub(super) fn optional<T: ToString>(value: &Option<T>) -> Shown {
    value.as_ref().map_or(Shown::Absent, text)
}

/// Shows a list of words as a shell would take them; an empty one means the image's own.
pub(super) fn words(words: &[String]) -> Shown {
    if words.is_empty() {
        return Shown::Absent;
    }
    Shown::Text(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Shows a set.
pub(super) fn list<T: ToString>(items: &BTreeSet<T>) -> Shown {
    if items.is_empty() { Shown::Absent } else { Shown::Text(placement::joined(items)) }
}

/// Shows what is to be mounted.
pub(super) fn storage(storage: &Storage) -> Shown {
    match storage {
        Storage::None => Shown::Absent,
        Storage::Local { size, path } => Shown::Text(format!("local {size} at {path}")),
        Storage::Network { volume, path } => Shown::Text(format!("{volume} at {path}")),
    }
}

/// Shows what is mounted.
pub(super) fn live_storage(storage: &LiveStorage) -> Shown {
    match storage {
        LiveStorage::None => Shown::Absent,
        LiveStorage::Local { size, path } => Shown::Text(format!("local {size} at {path}")),
        LiveStorage::Network { id, path } => Shown::Text(format!("network volume {id} at {path}")),
    }
}

/// Shows the tier of a volume.
pub(super) fn tier(tier: VolumeTier) -> Shown {
    Shown::Text(tier.word().to_owned())
}

/// Shows what podform may do to an object, one key on each line.
pub(super) fn lifecycle(lifecycle: &Lifecycle) -> Shown {
    let Lifecycle { protect, on_remove, on_replace, on_stuck_resume, ignore_changes } = lifecycle;
    let (on_remove, on_replace) = (on_remove.word(), on_replace.word());
    let on_stuck_resume = on_stuck_resume.word();
    Shown::Text(format!(
        "protect: {protect}\non_remove: {on_remove}\non_replace: {on_replace}\non_stuck_resume: {on_stuck_resume}\n\
         ignore_changes: [{}]",
        placement::joined(ignore_changes)
    ))
}

/// Lists every field of a pod that is created. The machine is known before only if there is one way to place it.
pub(super) fn creation(wanted: &WantedPod) -> Vec<FieldChange> {
    let WantedPod {
        container,
        hardware,
        unwanted_env: _,
        access,
        run,
        lifecycle: _,
        depends_on: _,
        numbered: _,
        adopt: _,
        labels: _,
    } = wanted;
    let Access { ssh, jupyter } = access;
    let mut fields = self::container(container);
    match &hardware.compute {
        ComputeWish::Gpu(gpu) => {
            fields.push((Field::Gpu, Shown::Text(placement::gpu_text(gpu))));
            fields.push((Field::GpuCount, text(&gpu.count)));
            fields.push((Field::Cuda, Shown::Text(placement::cuda_text(&gpu.cuda))));
        }
        ComputeWish::Cpu(cpu) => fields.push((Field::Cpu, Shown::Text(placement::cpu_text(cpu)))),
    }
    let anywhere = hardware.data_centers.is_empty();
    let place = if anywhere { Shown::KnownAfterApply } else { list(&hardware.data_centers) };
    fields.extend([
        (Field::Cloud, Shown::Text(placement::cloud_text(hardware.cloud))),
        (Field::DataCenter, place),
        (Field::Country, list(&hardware.countries)),
        (Field::Ssh, text(ssh)),
        (Field::Jupyter, text(jupyter)),
        (Field::State, text(run)),
    ]);
    from_nothing(fields)
}

/// Lists every value of a container.
pub(super) fn container(container: &Container) -> Vec<(Field, Shown)> {
    let Container {
        name,
        image,
        command,
        entrypoint,
        env: variables,
        ports,
        disk,
        registry,
        storage: mounted,
        global_networking,
        locked,
    } = container;
    let mut fields = vec![
        (Field::Name, text(name)),
        (Field::Image, text(image)),
        (Field::Command, words(command)),
        (Field::Entrypoint, words(entrypoint.as_deref().unwrap_or_default())),
    ];
    fields.extend(variables.iter().map(|(key, value)| (Field::Env(key.clone()), env(value))));
    fields.extend([
        (Field::Ports, list(ports)),
        (Field::Disk, text(disk)),
        (Field::Registry, optional(registry)),
        (Field::Volumes, storage(mounted)),
        (Field::GlobalNetworking, text(global_networking)),
        (Field::Locked, optional(locked)),
    ]);
    fields
}

/// Lists every field of a volume that is created.
pub(super) fn volume_creation(config: &VolumeConfig) -> Vec<FieldChange> {
    from_nothing(volume(config))
}

fn volume(config: &VolumeConfig) -> Vec<(Field, Shown)> {
    let VolumeConfig { size, data_center, tier: class } = config;
    vec![(Field::Size, text(size)), (Field::DataCenter, text(data_center)), (Field::Tier, tier(*class))]
}

/// Lists what differs between a record and what is to be recorded, so that nothing is recorded unseen.
pub(super) fn recorded_differences(before: &RecordedObject, after: &RecordedObject) -> Vec<FieldChange> {
    let (before, after) = match (before, after) {
        (RecordedObject::Pod(before), RecordedObject::Pod(after)) => return pod_differences(before, after),
        (RecordedObject::Volume(before), RecordedObject::Volume(after)) => (before, after),
        // An address has objects of one kind only.
        (RecordedObject::Pod(_), RecordedObject::Volume(_))
        | (RecordedObject::Volume(_), RecordedObject::Pod(_)) => return Vec::new(),
    };
    let pairs = volume(before).into_iter().zip(volume(after));
    let changes = pairs.map(|((field, before), (_, after))| by(Cause::Spec, field, before, after));
    changes.filter(|change| change.before != change.after).collect()
}

fn pod_differences(before: &RecordedPod, after: &RecordedPod) -> Vec<FieldChange> {
    // A secret is shown alike whichever it is, so variables are compared by what they are.
    let same_env = |field: &Field| {
        let Field::Env(key) = field else { return true };
        before.container.env.get(key) == after.container.env.get(key)
    };
    let mut was: BTreeMap<Field, Shown> = container(&before.container).into_iter().collect();
    let mut changes: Vec<FieldChange> = container(&after.container)
        .into_iter()
        .map(|(field, shown)| {
            let before = was.remove(&field).unwrap_or(Shown::Absent);
            by(Cause::Spec, field, before, shown)
        })
        .collect();
    changes.extend(was.into_iter().map(|(field, before)| by(Cause::Spec, field, before, Shown::Absent)));
    changes.extend([
        by(Cause::Spec, Field::DependsOn, list(&before.depends_on), list(&after.depends_on)),
        by(Cause::Spec, Field::State, text(&before.run), text(&after.run)),
    ]);
    // Where RunPod put it is known from somewhere else than the spec; that it becomes known is no change.
    let field = match &after.compute {
        Some(Compute::Cpu { .. }) => Field::Cpu,
        Some(Compute::Gpu { .. }) | None => Field::Gpu,
    };
    let places = [
        by(Cause::Outside, field, optional(&before.compute), optional(&after.compute)),
        by(Cause::Outside, Field::DataCenter, optional(&before.data_center), optional(&after.data_center)),
    ];
    changes.extend(places.into_iter().filter(|change| change.before != Shown::Absent));
    changes.retain(|change| change.before != change.after || !same_env(&change.field));
    changes
}

fn by(cause: Cause, field: Field, before: Shown, after: Shown) -> FieldChange {
    FieldChange { field, before, after, cause, disruption: Disruption::InPlace }
}

fn from_nothing(fields: Vec<(Field, Shown)>) -> Vec<FieldChange> {
    let present = fields.into_iter().filter(|(_, after)| *after != Shown::Absent);
    let change = |(field, after): (Field, Shown)| {
        let cause = if after == Shown::KnownAfterApply { Cause::ApiDefault } else { Cause::Spec };
        FieldChange { field, before: Shown::Absent, after, cause, disruption: Disruption::InPlace }
    };
    present.map(change).collect()
}
