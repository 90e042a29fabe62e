//! The values of objects that come into being, and of records that change.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::{ComputeWish, GpuWish, HostLimits, Lifecycle, WantedPod};
use crate::model::job::{Job, RecordedJob};
use crate::model::plan::{Cause, Disruption, FieldChange};
use crate::model::pod::{Access, Compute};
use crate::model::prior::{RecordedObject, RecordedPod};
use crate::model::registry::Credentials;
use crate::model::settings::{Field, Setting};
use crate::model::value::Value;
use crate::model::volume::VolumeConfig;

use super::placement;

/// Shows a value that may be missing.
fn optional(value: &Option<impl ToString>) -> Value {
    value.as_ref().map_or(Value::Absent, |value| Value::Word(value.to_string()))
}

/// Lists every field of a pod that is created. The machine is known before only if there is one way to place it.
pub(super) fn creation(wanted: &WantedPod) -> Vec<FieldChange> {
    let WantedPod {
        container,
        hardware,
        unwanted_env: _,
        access,
        run,
        job,
        lifecycle: _,
        at_once: _,
        depends_on: _,
        until,
        numbered: _,
        adopt: _,
        template: _,
        labels: _,
    } = wanted;
    let Access { ssh, jupyter } = access;
    let mut fields = container.values();
    match &hardware.compute {
        ComputeWish::Gpu(gpu) => {
            fields.push((Field::Gpu, Value::Word(placement::gpu_text(gpu))));
            fields.push((Field::GpuCount, gpu_count(gpu)));
            let HostLimits { cuda, min_vcpu, min_memory } = &gpu.host;
            fields.push((Field::Cuda, Value::Word(placement::cuda_text(cuda))));
            fields.push((Field::MinVcpu, min_vcpu.map_or(Value::Absent, Value::Number)));
            fields.push((Field::MinMemory, min_memory.map_or(Value::Absent, Value::Size)));
            fields.push((Field::Rent, gpu.rent.bid().map_or(Value::Absent, |_| Value::word(gpu.rent))));
        }
        ComputeWish::Cpu(cpu) => fields.push((Field::Cpu, Value::Word(placement::cpu_text(cpu)))),
    }
    let anywhere = hardware.data_centers.is_empty();
    let place = if anywhere { Value::KnownAfterApply } else { Value::list(&hardware.data_centers) };
    fields.extend([
        (Field::Cloud, Value::Word(placement::cloud_text(hardware.cloud))),
        (Field::DataCenter, place),
        (Field::Country, Value::list(&hardware.countries)),
        (Field::Ssh, ssh.value()),
        (Field::Jupyter, jupyter.value()),
        (Field::State, Value::word(run)),
    ]);
    if let Some(job) = job {
        fields.retain(|(field, _)| *field != Field::Entrypoint);
        fields.extend([(Field::Run, Value::word("job")), (Field::Then, Value::word(job.then.word()))]);
        if job.rerun_on != Job::usual_rerun_on() {
            fields.push((Field::RerunOn, Value::list(&job.rerun_on)));
        }
    }
    // All replicas of a key are waited for alike.
    let jobs: BTreeSet<String> =
        until.iter().map(|(job, until)| format!("{} until {}", job.key(), until.word())).collect();
    if !jobs.is_empty() {
        fields.push((Field::DependsOn, Value::list(&jobs)));
    }
    from_nothing(fields)
}

/// One number, or all that is accepted.
fn gpu_count(wish: &GpuWish) -> Value {
    let mut numbers = wish.numbers().into_iter();
    match (numbers.next(), numbers.next()) {
        (Some(only), None) => Value::Number(only),
        (_, _) => Value::Word(placement::count_text(&wish.counts())),
    }
}

/// Lists every field of a volume that is created.
pub(super) fn volume_creation(config: &VolumeConfig) -> Vec<FieldChange> {
    from_nothing(volume(config))
}

/// Lists what is told of a secret of the account that is made.
pub(super) fn secret_creation(name: &str) -> Vec<FieldChange> {
    from_nothing(vec![(Field::Name, Value::Text(name.to_owned())), (Field::Value, Value::Secret)])
}

/// Lists what is told of credentials for a registry that are made. Their name is that of one attempt.
pub(super) fn registry_creation(credentials: &Credentials) -> Vec<FieldChange> {
    let Credentials { username, password: _ } = credentials;
    from_nothing(vec![(Field::Username, username.value()), (Field::Password, Value::Secret)])
}

/// Lists what differs between credentials; which secret a value comes from is told by its name.
pub(super) fn registry_differences(before: &Credentials, after: &Credentials) -> Vec<FieldChange> {
    let Credentials { username, password } = before;
    let mut changes = Vec::new();
    if *username != after.username {
        changes.push(by_spec(Field::Username, username.value(), after.username.value()));
    }
    if *password != after.password {
        changes.push(by_spec(Field::Password, Value::Secret, Value::Secret));
    }
    changes
}

fn volume(config: &VolumeConfig) -> Vec<(Field, Value)> {
    let VolumeConfig { size, data_center, tier } = config;
    vec![
        (Field::Size, size.value()),
        (Field::DataCenter, Value::word(data_center)),
        (Field::Tier, Value::word(tier.word())),
    ]
}

/// Lists what differs between a record and what is to be recorded, so that nothing is recorded unseen.
pub(super) fn recorded_differences(before: &RecordedObject, after: &RecordedObject) -> Vec<FieldChange> {
    let (before, after) = match (before, after) {
        (RecordedObject::Pod(before), RecordedObject::Pod(after)) => return pod_differences(before, after),
        (RecordedObject::Volume(before), RecordedObject::Volume(after)) => (before, after),
        // What a secret is recorded as follows from what was sent; otherwise an address has objects of one kind only.
        (
            RecordedObject::Pod(_)
            | RecordedObject::Volume(_)
            | RecordedObject::Secret(_)
            | RecordedObject::Registry(_),
            RecordedObject::Pod(_)
            | RecordedObject::Volume(_)
            | RecordedObject::Secret(_)
            | RecordedObject::Registry(_),
        ) => return Vec::new(),
    };
    let pairs = volume(before).into_iter().zip(volume(after));
    let changes = pairs.map(|((field, before), (_, after))| by_spec(field, before, after));
    changes.filter(|change| change.before != change.after).collect()
}

fn pod_differences(before: &RecordedPod, after: &RecordedPod) -> Vec<FieldChange> {
    // A secret is shown alike whichever it is, so variables are compared by what they are.
    let same_env = |field: &Field| {
        let Field::Env(key) = field else { return true };
        before.container.env.get(key) == after.container.env.get(key)
    };
    let mut was: BTreeMap<Field, Value> = before.container.values().into_iter().collect();
    let mut changes: Vec<FieldChange> = after
        .container
        .values()
        .into_iter()
        .map(|(field, shown)| {
            let before = was.remove(&field).unwrap_or(Value::Absent);
            by_spec(field, before, shown)
        })
        .collect();
    changes.extend(was.into_iter().map(|(field, before)| by_spec(field, before, Value::Absent)));
    changes.extend([
        by_spec(Field::DependsOn, Value::list(&before.depends_on), Value::list(&after.depends_on)),
        by_spec(Field::State, Value::word(before.run.state()), Value::word(after.run.state())),
        by_spec(Field::Run, job_word(before), job_word(after)),
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
    changes.extend(places.into_iter().filter(|change| change.before != Value::Absent));
    changes.retain(|change| change.before != change.after || !same_env(&change.field));
    changes
}

/// Says how the last run of a job stands on record.
fn job_word(pod: &RecordedPod) -> Value {
    match &pod.job {
        None => Value::Absent,
        Some(RecordedJob { ended: None, .. }) => Value::word("under way"),
        Some(RecordedJob { ended: Some(end), .. }) => Value::word(end),
    }
}

/// Returns a change of what the spec says of an object.
pub(super) fn by_spec(field: Field, before: Value, after: Value) -> FieldChange {
    by(Cause::Spec, field, before, after)
}

/// Returns a change of what may be done to an object.
pub(super) fn lifecycle(before: &Lifecycle, after: &Lifecycle) -> FieldChange {
    by_spec(Field::Lifecycle, Value::Lifecycle(before.clone()), Value::Lifecycle(after.clone()))
}

fn by(cause: Cause, field: Field, before: Value, after: Value) -> FieldChange {
    FieldChange { field, before, after, cause, disruption: Disruption::InPlace }
}

fn from_nothing(fields: Vec<(Field, Value)>) -> Vec<FieldChange> {
    let present = fields.into_iter().filter(|(_, after)| *after != Value::Absent);
    let change = |(field, after): (Field, Value)| {
        let cause = if after == Value::KnownAfterApply { Cause::ApiDefault } else { Cause::Spec };
        FieldChange { field, before: Value::Absent, after, cause, disruption: Disruption::InPlace }
    };
    let mut changes: Vec<FieldChange> = present.map(change).collect();
    // Many pods that are made together have many of them, which an apply keeps to its end.
    changes.shrink_to_fit();
    changes
}
