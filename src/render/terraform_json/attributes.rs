//! The attributes of an object, in the types that policies compute with.

use serde_json::{Map, Value, json};

use crate::model::id::RemoteId;
use crate::model::job::End;
use crate::model::plan::Attempt;
use crate::model::pod::{Compute, EnvValue, RunState};
use crate::model::prior::{RecordedObject, RecordedPod, RecordedRegistry, RecordedSecret};
use crate::model::settings::Field;
use crate::model::value::Value as Shown;
use crate::model::volume::VolumeConfig;
use crate::render::value;

/// The attributes of one object: known values, which of them are secret, and which only the provider tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes {
    pub(super) known: Map<String, Value>,
    pub(super) sensitive: Map<String, Value>,
    pub(super) unknown: Map<String, Value>,
}

impl Attributes {
    pub(super) fn of(id: Option<&RemoteId>, object: &RecordedObject) -> Self {
        let mut attributes = Self::default();
        match object {
            RecordedObject::Pod(pod) => attributes.put_pod(pod),
            RecordedObject::Volume(config) => attributes.put_volume(config),
            RecordedObject::Secret(RecordedSecret { name, value_set_at }) => {
                attributes.put("name", json!(name));
                attributes.put_secret("value");
                match value_set_at {
                    Some(at) => attributes.put("value_set_at", json!(at.to_string())),
                    None => attributes.put_unknown("value_set_at"),
                }
            }
            RecordedObject::Registry(RecordedRegistry { name, sent, deposed: _ }) => {
                match id {
                    Some(_) => attributes.put("name", json!(name)),
                    // It has the token of the attempt.
                    None => attributes.put_unknown("name"),
                }
                match sent.as_ref().map(|sent| &sent.username) {
                    Some(EnvValue::Plain(username)) => attributes.put("username", json!(username)),
                    Some(EnvValue::Secret(_)) => attributes.put_secret("username"),
                    None => {}
                }
                attributes.put_secret("password");
            }
        }
        match id {
            Some(id) => attributes.put("id", json!(id.to_string())),
            None => attributes.put_unknown("id"),
        }
        attributes
    }

    pub(super) fn put(&mut self, name: &str, value: Value) {
        self.unknown.remove(name);
        self.known.insert(name.to_owned(), value);
    }

    fn put_secret(&mut self, name: &str) {
        self.put(name, json!("(secret)"));
        self.sensitive.insert(name.to_owned(), Value::Bool(true));
    }

    pub(super) fn put_unknown(&mut self, name: &str) {
        self.known.remove(name);
        self.unknown.insert(name.to_owned(), Value::Bool(true));
    }

    fn put_pod(&mut self, pod: &RecordedPod) {
        let RecordedPod { container, access, compute, cloud, data_center, run, job, depends_on: _ } = pod;
        self.put("env", json!({}));
        self.put("ports", json!([]));
        for (field, value) in container.values().iter().filter(|(_, value)| *value != Shown::Absent) {
            self.set(field, value);
        }
        if let Some(access) = access {
            self.put("ssh", json!(access.ssh));
            self.put("jupyter", json!(access.jupyter));
        }
        if let Some(compute) = compute {
            self.put_compute(compute);
        }
        if let Some(cloud) = cloud {
            self.put("cloud", json!(cloud.to_string()));
        }
        if let Some(data_center) = data_center {
            self.put("data_center", json!(data_center.as_str()));
        }
        self.put("desired_status", json!(status_word(run.state())));
        if let Some(job) = job {
            self.put("run", json!("job"));
            self.put("job_ended", json!(job.ended.map(End::word)));
            self.put("job_exit_code", json!(job.ended.and_then(End::code)));
        }
    }

    /// Sets the hardware and returns the attribute that names it.
    fn put_compute(&mut self, compute: &Compute) -> &'static str {
        let (name, id, number, count) = match compute {
            Compute::Gpu { id, count } => ("gpu", id.as_str(), "gpu_count", count),
            Compute::Cpu { flavor, vcpus } => ("cpu", flavor.as_str(), "vcpus", vcpus),
        };
        self.put(name, json!(id));
        self.put(number, json!(count));
        name
    }

    /// Sets where a pod will be: known where there is one candidate, unknown where the stock decides.
    pub(super) fn put_placement(&mut self, attempts: &[Attempt]) {
        for name in ["gpu", "gpu_count", "cpu", "vcpus"] {
            self.known.remove(name);
        }
        self.put_unknown("cloud");
        self.put_unknown("data_center");
        let Some(Attempt { candidate, .. }) = attempts.first() else { return self.put_unknown("gpu") };
        let name = self.put_compute(&candidate.placement.compute);
        if let [_] = attempts {
            self.put("cloud", json!(candidate.placement.cloud.to_string()));
            let mut ids = candidate.placement.data_centers.iter();
            if let (Some(id), None) = (ids.next(), ids.next()) {
                self.put("data_center", json!(id.as_str()));
            }
        } else {
            self.put_unknown(name);
        }
    }

    fn put_volume(&mut self, config: &VolumeConfig) {
        let VolumeConfig { size, data_center, tier } = config;
        self.put("size_gb", json!(size.0));
        self.put("data_center", json!(data_center.as_str()));
        self.put("tier", json!(tier.word()));
    }

    /// Sets an attribute from a value as it is shown.
    pub(super) fn set(&mut self, field: &Field, value: &Shown) {
        if let Field::Env(key) = field {
            self.set_env(key.as_str(), value);
            return;
        }
        let Some(name) = attribute(field) else { return };
        match value {
            Shown::Absent => {
                self.known.remove(name);
            }
            Shown::Secret | Shown::OtherValue => {
                self.put(name, json!(hidden(value)));
                self.sensitive.insert(name.to_owned(), Value::Bool(true));
            }
            Shown::KnownAfterApply | Shown::Referring(_) => self.put_unknown(name),
            value => self.put(name, typed(field, value)),
        }
    }

    fn set_env(&mut self, key: &str, value: &Shown) {
        let known = object_at(&mut self.known, "env");
        known.remove(key);
        match value {
            Shown::Secret | Shown::OtherValue => {
                known.insert(key.to_owned(), json!(hidden(value)));
                object_at(&mut self.sensitive, "env").insert(key.to_owned(), Value::Bool(true));
            }
            Shown::KnownAfterApply | Shown::Referring(_) => {
                object_at(&mut self.unknown, "env").insert(key.to_owned(), Value::Bool(true));
            }
            value => {
                known.extend(value::text(value).map(|text| (key.to_owned(), json!(text))));
            }
        }
    }
}

/// Returns the object under a key, made if it is not there.
fn object_at<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let slot = map.entry(key).or_insert_with(|| json!({}));
    if !slot.is_object() {
        *slot = json!({});
    }
    slot.as_object_mut().expect("it was made an object above")
}

fn hidden(value: &Shown) -> &'static str {
    if *value == Shown::OtherValue { "(other value)" } else { "(secret)" }
}

pub(super) fn status_word(run: RunState) -> &'static str {
    match run {
        RunState::Running => "RUNNING",
        RunState::Stopped => "EXITED",
    }
}

/// The attributes that are called otherwise than the field, with their units.
const RENAMED: [(Field, &str); 5] = [
    (Field::Disk, "disk_gb"),
    (Field::Volumes, "volume"),
    (Field::GpuCount, "gpu_count"),
    (Field::State, "desired_status"),
    (Field::Size, "size_gb"),
];

/// Returns the attribute that a field is in this format; `None` for fields that are no attribute of the object.
pub(super) fn attribute(field: &Field) -> Option<&'static str> {
    let none = [
        Field::Country,
        Field::Lifecycle,
        Field::Adopt,
        Field::DependsOn,
        Field::Replicas,
        Field::Then,
        Field::RerunOn,
        Field::Boot,
        Field::Retry,
    ];
    let known = || Field::PLAIN.iter().filter(|(known, _)| !none.contains(known));
    RENAMED.iter().chain(known()).find(|(known, _)| known == field).map(|(_, name)| *name)
}

/// Returns a value in the type that the attribute has, so that policies can compute with it.
fn typed(field: &Field, value: &Shown) -> Value {
    match value {
        Shown::List(items) if *field == Field::Ports => json!(items),
        Shown::Number(number) => json!(number),
        Shown::Size(size) => json!(size.0),
        Shown::Switch(on) => json!(on),
        Shown::Word(word) if *field == Field::State => json!(match word.as_str() {
            "running" => status_word(RunState::Running),
            "stopped" => status_word(RunState::Stopped),
            word => word,
        }),
        value => value::text(value).map_or(Value::Null, |text| json!(text)),
    }
}
