//! Recorded and live objects and past runs as JSON, for scripts.
//!
//! A document that is made of these carries [`VERSION`]. Keys are only ever added to a version; a key without a value
//! is `null`, never left out, so that a reader can tell it from one that this podform does not know. Sizes are whole
//! gigabytes, prices dollars as text, which no reader rounds.

use serde_json::{Value, json};

use super::running::{seen, ssh, url};
use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::desired::Lifecycle;
use crate::model::id::RemoteId;
use crate::model::job::{End, RecordedJob, UnseenJob};
use crate::model::live::{Endpoints, Live, LivePod, LiveRegistry, LiveSecret, LiveVolume, Seen};
use crate::model::money::Price;
use crate::model::plan::InProgress;
use crate::model::pod::{Access, Compute, EnvValue, Storage};
use crate::model::prior::{Prior, Record, Recorded, RecordedPod, RecordedRegistry, RecordedSecret};
use crate::model::settings::Field;
use crate::model::value::Value as Shown;
use crate::model::volume::{VolumeConfig, VolumeTier};
use crate::plan::Stands;
use crate::render::escape::in_json;
use crate::state::{Approved, PastRun, Run, Source};

/// The version of the documents.
pub const VERSION: u32 = 1;

/// Returns a document as it is printed.
pub fn printed(document: &Value) -> String {
    format!("{}\n", in_json(&format!("{document:#}")))
}

/// Returns the word for what an address names.
pub fn kind(address: &Address) -> &'static str {
    address.kind().word()
}

/// Returns dollars an hour as text; `None` is unknown.
pub fn hourly(price: Price) -> Option<String> {
    match price {
        Price::Known(hourly) => Some(hourly.to_string().trim_start_matches('$').to_owned()),
        Price::Unknown => None,
    }
}

/// Returns everything that is recorded of an address: its object, and what else is known of a job; `None` where nothing is.
pub fn recorded(address: &Address, prior: &Prior) -> Option<Value> {
    let mark = prior.unseen.get(address);
    let Some(Recorded { id, record, recorded_at, server_time: _, rebuilt }) = prior.objects.get(address)
    else {
        return mark.map(|mark| unrecorded(address, mark));
    };
    let Record { token, lifecycle, retired, deposed, object } = record;
    let Lifecycle { protect, on_remove, on_replace: _, on_stuck_resume: _, ignore_changes: _ } = lifecycle;
    Some(json!({
        "address": address.to_string(),
        "kind": kind(address),
        "id": id.to_string(),
        "token": token.as_ref().map(ToString::to_string),
        "recorded_at": recorded_at.to_string(),
        "deposed": deposed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "protect": protect,
        "on_remove": on_remove.word(),
        "retired": retired,
        "rebuilt": rebuilt,
        "job": recorded_job(object.pod().and_then(|pod| pod.job.as_ref()), mark),
        "pod": object.pod().map(recorded_pod),
        "volume": object.volume().map(recorded_volume),
        "secret": object.secret().map(recorded_secret),
        "registry": object.registry().map(recorded_registry),
    }))
}

/// Returns what is known of a job without a record, in the form of one.
fn unrecorded(address: &Address, mark: &UnseenJob) -> Value {
    json!({
        "address": address.to_string(),
        "kind": kind(address),
        "id": null,
        "token": null,
        "recorded_at": null,
        "deposed": [],
        "protect": null,
        "on_remove": null,
        "retired": null,
        "rebuilt": null,
        "job": recorded_job(None, Some(mark)),
        "pod": null,
        "volume": null,
        "secret": null,
        "registry": null,
    })
}

/// Returns what the state has of a job; `null` for what is none.
fn recorded_job(job: Option<&RecordedJob>, mark: Option<&UnseenJob>) -> Value {
    if job.is_none() && mark.is_none() {
        return Value::Null;
    }
    let ended = job.and_then(|job| job.ended);
    json!({
        "ended": ended.map(End::word),
        "exit_code": ended.and_then(End::code),
        "pod_is_gone": job.map(|job| job.gone),
        "mark": mark.map(UnseenJob::word),
    })
}

/// Returns how a job stands of which only that is known.
pub fn unseen_job(known: &UnseenJob) -> Value {
    let stands = match known {
        UnseenJob::NotKnown => Stands::NotKnown(known.to_string()),
        UnseenJob::Done(_) => Stands::Ended(End::Done),
    };
    job(&stands, None, Some(known))
}

fn recorded_pod(pod: &RecordedPod) -> Value {
    let RecordedPod { container, access, compute, cloud, data_center, run, job: _, depends_on } = pod;
    let env = container.env.iter().map(|(key, value)| {
        let value = match value {
            EnvValue::Plain(text) => json!(text),
            EnvValue::Secret(name) => json!({ "secret": name.to_string() }),
        };
        (key.to_string(), value)
    });
    let mut shown: serde_json::Map<String, Value> =
        container.values().into_iter().filter_map(setting).collect();
    let rest = json!({
        "state": run.state().to_string(),
        "env": env.collect::<serde_json::Map<_, _>>(),
        "mount": match &container.storage {
            Storage::None => Value::Null,
            Storage::Local { size, path } => json!({ "local_gb": size.0, "path": path }),
            Storage::Network { volume, path } => json!({ "volume": volume.to_string(), "path": path }),
        },
        "ssh": access.map(|Access { ssh, jupyter: _ }| ssh),
        "jupyter": access.map(|Access { ssh: _, jupyter }| jupyter),
        "machine": compute.as_ref().map(machine),
        "cloud": cloud.map(|cloud| cloud.to_string()),
        "data_center": data_center.as_ref().map(|id| id.as_str()),
        "depends_on": depends_on.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    shown.extend(rest.as_object().cloned().unwrap_or_default());
    shown.into()
}

/// Returns a setting of a pod under its key; what is no plain value is shown apart.
fn setting((field, value): (Field, Shown)) -> Option<(String, Value)> {
    let shown = match (&field, value) {
        (Field::Env(_) | Field::Volumes, _) => return None,
        (Field::Command | Field::Ports, Shown::Absent) => json!([]),
        (_, Shown::Text(text) | Shown::Word(text)) => json!(text),
        (_, Shown::Command(words) | Shown::List(words)) => json!(words),
        (_, Shown::Size(size)) => json!(size.0),
        (_, Shown::Switch(on)) => json!(on),
        (_, _) => Value::Null,
    };
    let key = if field == Field::Disk { "disk_gb".to_owned() } else { field.to_string() };
    Some((key, shown))
}

fn recorded_secret(secret: &RecordedSecret) -> Value {
    let RecordedSecret { name, value_set_at } = secret;
    json!({ "name": name, "value_set_at": value_set_at.map(|at| at.to_string()) })
}

fn recorded_registry(registry: &RecordedRegistry) -> Value {
    let RecordedRegistry { name, sent, deposed } = registry;
    let username = sent.as_ref().map(|sent| match &sent.username {
        EnvValue::Plain(text) => json!(text),
        EnvValue::Secret(name) => json!({ "secret": name.to_string() }),
    });
    json!({
        "name": name,
        "username": username,
        "password": sent.as_ref().map(|sent| json!({ "secret": sent.password.to_string() })),
        "deposed": deposed.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn live_secret(secret: &LiveSecret) -> Value {
    let LiveSecret { id: _, name, description, value_set_at } = secret;
    json!({
        "name": name,
        "description": description,
        "value_set_at": value_set_at.map(|at| at.to_string()),
    })
}

fn recorded_volume(config: &VolumeConfig) -> Value {
    let VolumeConfig { size, data_center, tier } = config;
    json!({ "size_gb": size.0, "data_center": data_center.as_str(), "tier": tier.word() })
}

fn machine(compute: &Compute) -> Value {
    match compute {
        Compute::Gpu { id, count } => json!({ "gpu": id.as_str(), "count": count }),
        Compute::Cpu { flavor, vcpus } => json!({ "cpu": flavor.as_str(), "vcpus": vcpus }),
    }
}

/// Returns everything that is known of a run but its events.
pub fn run(past: &PastRun) -> Value {
    let PastRun { run, ended_at, summary, entries: _ } = past;
    let Run { id, at, command, plan_digest, who, nonce: _, approved } = run;
    json!({
        "id": id.as_str(),
        "began_at": at.to_string(),
        "ended_at": ended_at.map(|end| end.to_string()),
        "who": who,
        "command": command,
        "plan_digest": said(plan_digest),
        "summary": summary,
        "approved": approved.as_ref().map(|approved| {
            let Approved { how, by, source: Source { commit, pull_request, url } } = approved;
            json!({
                "how": how.word(),
                "by": by,
                "commit": commit,
                "pull_request": pull_request,
                "run_url": url,
            })
        }),
    })
}

/// Returns a text, or nothing for an empty one.
pub fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Returns how the last run of a job stands.
pub fn job(stands: &Stands, since: Option<Timestamp>, mark: Option<&UnseenJob>) -> Value {
    let (word, code) = match stands {
        Stands::Never => ("not_begun", None),
        Stands::Goes => ("under_way", None),
        Stands::CutShort => ("stopped", None),
        Stands::Ended(end) => (end.word(), end.code()),
        Stands::NotKnown(_) => ("not_known", None),
    };
    json!({
        "stands": word,
        "exit_code": code,
        "since": since.map(|since| since.to_string()),
        "mark": mark.map(UnseenJob::word),
    })
}

/// Returns the run that goes on while somebody else looks.
pub fn in_progress(running: &InProgress) -> Value {
    let InProgress { who, command, since, addresses } = running;
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    json!({ "who": who, "command": command, "since": since.to_string(), "addresses": addresses })
}

/// Returns what the account shows of an object: `seen` is `found`, `gone`, or `unknown` with the reason.
pub fn live(id: &RemoteId, live: &Live) -> Value {
    match seen(id, live, live_pod, live_volume, live_secret, live_registry) {
        Some(Seen::Found(object)) => object,
        Some(Seen::Absent) => json!({ "seen": "gone" }),
        Some(Seen::Unreadable(why)) => json!({ "seen": "unknown", "why": why.to_string() }),
        None => json!({ "seen": "unknown", "why": "it was not looked for" }),
    }
}

fn live_registry(registry: &LiveRegistry) -> Value {
    json!({ "seen": "found", "name": registry.name })
}

fn live_pod(pod: &LivePod) -> Value {
    let Endpoints { ssh_proxy: _, ssh_direct: _, tcp, uptime_seconds } = &pod.endpoints;
    // The API says 0 for a stopped pod although its disk is billed, and keeps old endpoints.
    let up = pod.status.is_up();
    let tcp = tcp.iter().filter(|_| up).map(|(inside, outside)| (inside.to_string(), json!(outside)));
    json!({
        "seen": "found",
        "state": pod.status.to_string(),
        "name": pod.name(),
        "machine": pod.compute.as_ref().map(machine),
        "cloud": pod.cloud.map(|cloud| cloud.to_string()),
        "data_center": pod.data_center.as_ref().map(|id| id.as_str()),
        "created_at": pod.created_at.map(|at| at.to_string()),
        "hourly": hourly(pod.price).filter(|_| up),
        "url": url(pod).filter(|_| up),
        "ssh": ssh(pod).filter(|_| up),
        "tcp": tcp.collect::<serde_json::Map<_, _>>(),
        "uptime_seconds": uptime_seconds.filter(|_| up),
    })
}

fn live_volume(volume: &LiveVolume) -> Value {
    let LiveVolume { id: _, name, size, data_center, tier } = volume;
    json!({
        "seen": "found",
        "name": name,
        "size_gb": size.0,
        "data_center": data_center.as_str(),
        "tier": tier.map(VolumeTier::word),
    })
}
