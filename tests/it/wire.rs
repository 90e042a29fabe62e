//! The RunPod client against answers of every kind: whole, odd and hostile.
//!
//! Each test hands the client a router in this process, so the real wire code runs without a socket or a clock.

mod contract;
mod faults;
mod graphql;
mod observe;
mod rest_v1;
mod simulated;
mod sockets;
mod tolerance;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use http_body_util::{BodyExt, Full};
use podform::model::catalog::{Stock, StockQuery};
use podform::model::clock::Timestamp;
use podform::model::desired::{CudaWish, HostLimits};
use podform::model::id::{
    CountryCode, CudaVersion, DataCenterId, EnvKey, GpuTypeId, PodId, RegistryId, VolumeId,
};
use podform::model::live::{LivePod, Origin, PodRole, PodStatus};
use podform::model::marker::Marker;
use podform::model::money::{Hourly, Price};
use podform::model::pod::{Access, Cloud, Compute, Placement, Port, Protocol, Rent, Storage};
use podform::model::prior::Api;
use podform::model::request::{PatchRequest, PodRequest, VolumeRequest};
use podform::model::secret::Secret;
use podform::model::settings::PodSettings;
use podform::model::size::Gigabytes;
use podform::model::volume::{VolumeConfig, VolumeTier};
use podform::provider::runpod::Runpod;
use podform::provider::{Certainty, Listed, ListedPod, Mutate, Observe, ProviderError, Rejection};
use serde_json::{Value, json};
use tower::ServiceExt;

const KEY: &str = "rpa_canary_key";
const SECRET: &str = "canary-secret-value";

/// How the first page of the pods is asked for.
const LIST_PODS: &str = "GET /v2/pods?limit=1000";

/// The last page of a listing of pods.
fn listing(pods: Value) -> Value {
    json!({ "pods": pods, "pagination": { "nextCursor": null, "hasNextPage": false } })
}

/// One request as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// Method, path and query.
    pub line: String,
    /// The headers that the client sets.
    pub headers: BTreeMap<String, String>,
    /// The body, null if there is none.
    pub body: Value,
}

/// A router that records requests and answers them from a function.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Recorder {
    fn client(&self, answer: impl Fn(&str) -> Response<Body> + Clone + Send + Sync + 'static) -> Runpod {
        self.client_of(Api::V2, answer)
    }

    fn client_of(
        &self,
        api: Api,
        answer: impl Fn(&str) -> Response<Body> + Clone + Send + Sync + 'static,
    ) -> Runpod {
        self.client_to(api, move |line: String, _request: Request| std::future::ready(answer(&line)))
    }

    /// A client whose requests are recorded and passed on.
    pub(crate) fn tap(&self, api: Api, router: &Router) -> Runpod {
        let router = router.clone();
        self.client_to(api, move |_line, request| {
            let router = router.clone();
            async move { router.oneshot(request).await.unwrap() }
        })
    }

    fn client_to<A: Future<Output = Response<Body>> + Send>(
        &self,
        api: Api,
        answer: impl Fn(String, Request) -> A + Clone + Send + Sync + 'static,
    ) -> Runpod {
        let log = self.0.clone();
        let router = Router::new().fallback(move |request: Request| {
            let (log, answer) = (log.clone(), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let line = format!("{} {}", parts.method, parts.uri);
                let headers = parts.headers.iter();
                let headers =
                    headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
                let body = to_bytes(body, 1 << 20).await.unwrap();
                let seen = Seen {
                    line: line.clone(),
                    headers: headers.collect(),
                    body: serde_json::from_slice(&body).unwrap_or(Value::Null),
                };
                log.lock().unwrap().push(seen);
                answer(line, Request::from_parts(parts, Body::from(body))).await
            }
        });
        Runpod::in_process(api, router, &Secret::new(KEY.to_owned())).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    fn only_body(&self) -> Value {
        let [seen] = self.seen().try_into().expect("one request");
        seen.body
    }
}

fn answer(status: u16, body: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("x-request-id", "req-1")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

fn json_answer(status: u16, body: &Value) -> Response<Body> {
    answer(status, &body.to_string())
}

/// A client whose every call is answered like this.
fn always(status: u16, body: &'static str) -> Runpod {
    Recorder::default().client(move |_| answer(status, body))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future)
}

fn pod_request() -> PodRequest {
    PodRequest {
        access: Access { ssh: true, jupyter: false },
        settings: PodSettings {
            name: "acme-llm".to_owned(),
            image: "vllm/vllm-openai:v0.19.1".to_owned(),
            command: vec!["--model".to_owned(), "it's here".to_owned()],
            entrypoint: Vec::new(),
            env: BTreeMap::from([
                (
                    EnvKey::new("PODFORM_MARK"),
                    Secret::new("acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z".to_owned()),
                ),
                (EnvKey::new("TOKEN"), Secret::new(SECRET.to_owned())),
            ]),
            ports: BTreeSet::from([
                Port { number: 8000, protocol: Protocol::Http },
                Port { number: 22, protocol: Protocol::Tcp },
            ]),
            disk: Gigabytes(60),
            registry: Some(RegistryId::new("clz1")),
            storage: Storage::Network { volume: VolumeId::new("agv6w2qcg7"), path: "/models".to_owned() },
            global_networking: false,
            ..PodSettings::default()
        },
        placement: Placement {
            compute: Compute::Gpu { id: GpuTypeId::new("NVIDIA L40S"), count: 1 },
            cloud: Cloud::Secure,
            data_centers: BTreeSet::from([DataCenterId::new("EU-RO-1")]),
            host: HostLimits {
                cuda: CudaWish::AtLeast(CudaVersion::new("12.4")),
                min_vcpu: Some(8),
                min_memory: Some(Gigabytes(32)),
            },
            rent: Rent::OnDemand,
        },
    }
}

/// The same on one GPU of a type, anywhere or in one place, without what an account must have first.
fn pod_request_for(
    gpu: GpuTypeId,
    data_center: Option<DataCenterId>,
    storage: Storage<VolumeId>,
) -> PodRequest {
    PodRequest {
        access: Access { ssh: false, jupyter: false },
        settings: PodSettings { storage, registry: None, ..pod_request().settings },
        placement: Placement {
            compute: Compute::Gpu { id: gpu, count: 1 },
            data_centers: data_center.into_iter().collect(),
            host: HostLimits::default(),
            ..pod_request().placement
        },
    }
}

fn volume_request(data_center: &DataCenterId, tier: VolumeTier) -> VolumeRequest {
    let config = VolumeConfig { size: Gigabytes(100), data_center: data_center.clone(), tier };
    VolumeRequest { name: "acme-models-01234567".to_owned(), config }
}

fn patch_request() -> PatchRequest {
    PatchRequest { id: PodId::new("p1"), settings: PodSettings::default() }
}

/// A pod as REST v2's document shows one.
fn v2_pod() -> Value {
    json!({
        "id": "7h9k2m4n6p", "name": "acme-llm", "image": "vllm/vllm-openai:v0.19.1", "args": "--model 'it'\\''s here'",
        "disk": 60, "ports": ["8000/http", "22/tcp"], "registry": null, "status": "RUNNING", "actions": ["stop"],
        "env": { "PODFORM_MARK": "acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z", "PUBLIC_KEY": "ssh-ed25519 AAAA" },
        "mounts": { "network": [{ "volumeId": "agv6w2qcg7", "path": "/models" }] },
        "gpu": { "id": "NVIDIA L40S", "count": 1, "memory": 62.5, "vcpuCount": 12.0 },
        "cloud": "SECURE", "dataCenterId": "EU-RO-1", "cudaVersion": "12.8",
        "ssh": {
            "proxy": { "host": "ssh.runpod.io", "port": 22, "username": "7h9k2m4n6p-64411eb2",
                       "command": "ssh 7h9k2m4n6p-64411eb2@ssh.runpod.io" },
            "direct": null
        },
        "template": null, "cost": 0.86, "locked": false, "globalNetworking": { "enabled": false },
        "runtime": { "uptime": 3600, "ports": [
            { "private": 22, "public": 34446, "type": "tcp", "ip": "195.26.233.3" },
            { "private": 8000, "public": 60012, "type": "http", "ip": "100.65.25.83" }
        ] },
        "createdAt": "2026-06-01T12:00:00Z", "startedAt": "2026-06-01T12:02:00Z", "somethingNew": [1]
    })
}

fn listed(pod: &Value) -> ListedPod {
    let body = listing(json!([pod]));
    let client = Recorder::default().client(move |_| json_answer(200, &body));
    run(client.list_pods()).unwrap().remove(0)
}

fn without(mut pod: Value, key: &str) -> Value {
    pod.as_object_mut().unwrap().remove(key).unwrap();
    pod
}

fn with(mut pod: Value, key: &str, value: Value) -> Value {
    pod[key] = value;
    pod
}

/// The order of ports means nothing.
fn with_sorted_ports(mut body: Value) -> Value {
    body["ports"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    body
}

fn live(pod: &Value) -> LivePod {
    match listed(pod) {
        Listed::Found(pod) => *pod,
        odd @ (Listed::Unreadable { .. } | Listed::Nameless { .. }) => panic!("{odd:?}"),
    }
}

#[test]
fn v2_reads_every_field_of_a_pod() {
    let pod = live(&v2_pod());
    assert_eq!(pod.status, PodStatus::Running);
    assert_eq!(pod.settings.command, Some(vec!["--model".to_owned(), "it's here".to_owned()]));
    assert_eq!(
        pod.marker.map(|marker| marker.to_string()).as_deref(),
        Some("acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z")
    );
    assert_eq!(pod.settings.env.keys().map(EnvKey::as_str).collect::<Vec<_>>(), ["PUBLIC_KEY"]);
    assert_eq!(pod.settings.disk, Some(Gigabytes(60)));
    assert_eq!(
        pod.settings.storage,
        Storage::Network { volume: VolumeId::new("agv6w2qcg7"), path: "/models".to_owned() }
    );
    assert_eq!(pod.settings.registry, Some(None));
    assert_eq!(pod.compute, Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA L40S"), count: 1 }));
    assert_eq!((pod.cloud, pod.settings.entrypoint), (Some(Cloud::Secure), Some(vec![])));
    assert_eq!(pod.created_at, Some("2026-06-01T12:00:00Z".parse().unwrap()));
    assert_eq!(pod.price, Price::Known(Hourly(860_000)));
    assert_eq!(pod.role, PodRole::Plain);
    assert_eq!(pod.endpoints.tcp, BTreeMap::from([(22, "195.26.233.3:34446".to_owned())]));
    assert_eq!(pod.endpoints.ssh_proxy.as_deref(), Some("ssh 7h9k2m4n6p-64411eb2@ssh.runpod.io"));
    assert_eq!(pod.endpoints.uptime_seconds, Some(3_600));
}

#[test]
fn v2_reads_a_stopped_pod_with_everything_null() {
    let mut pod = v2_pod();
    for key in
        ["args", "registry", "dataCenterId", "cudaVersion", "template", "runtime", "startedAt", "ssh", "env"]
    {
        pod[key] = Value::Null;
    }
    pod["status"] = json!("EXITED");
    pod["cost"] = json!(0.0);
    pod["gpu"]["count"] = json!(0);
    pod["mounts"] = json!({});
    let pod = live(&pod);
    assert_eq!(
        (pod.status, pod.price, pod.settings.storage),
        (PodStatus::Exited, Price::Unknown, Storage::None)
    );
    assert_eq!(pod.settings.command, Some(vec![]));
    assert_eq!(pod.compute, Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA L40S"), count: 0 }));
    assert_eq!((pod.data_center, pod.settings.env.len()), (None, 0));
}

#[test]
fn v2_holds_back_an_entry_whose_guess_would_show_as_a_difference() {
    let table = [
        (without(v2_pod(), "env"), "the answer has no field `env`"),
        (without(v2_pod(), "mounts"), "the answer has no field `mounts`"),
        (without(v2_pod(), "status"), "the answer has no field `status`"),
        (
            with(v2_pod(), "status", json!("HIBERNATING")),
            "the field `status` of the answer is not understood",
        ),
        (with(v2_pod(), "env", json!("TOKEN=canary")), "the field `env` of the answer is not understood"),
        (with(v2_pod(), "ports", json!(["53/udp"])), "the field `ports` of the answer is not understood"),
        (with(v2_pod(), "disk", json!(-1)), "the field `disk` of the answer is not understood"),
    ];
    for (pod, why) in table {
        let why = format!("GET /v2/pods failed: {why} (request req-1)");
        let origin = if pod["env"].is_object() { Origin::Pod(mark()) } else { Origin::NotTold };
        let expected = Listed::Unreadable { id: PodId::new("7h9k2m4n6p"), why, origin };
        assert_eq!(listed(&pod), expected);
    }
}

/// The mark that the pods of these tests carry.
fn mark() -> Marker {
    "acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z".parse().unwrap()
}

#[test]
fn v2_says_nothing_where_the_answer_says_nothing() {
    let mut pod = v2_pod();
    for key in
        ["args", "registry", "image", "disk", "cloud", "globalNetworking", "locked", "gpu", "createdAt"]
    {
        pod = without(pod, key);
    }
    let pod = live(&pod);
    assert_eq!(
        (pod.settings.command, pod.settings.registry, pod.settings.image, pod.settings.disk, pod.cloud),
        (None, None, None, None, None)
    );
    assert_eq!(
        (pod.settings.global_networking, pod.settings.locked, pod.compute, pod.created_at),
        (None, None, None, None)
    );
}

#[test]
fn v2_takes_a_new_cloud_for_unknown_and_a_cluster_member_for_one() {
    let pod = with(v2_pod(), "cloud", json!("ORBITAL"));
    let pod = live(&with(pod, "cluster", json!({ "id": "c1", "rank": 0 })));
    assert_eq!((pod.cloud, pod.role), (None, PodRole::ClusterMember));
}

#[test]
fn pages_of_a_listing_are_followed_until_they_end() {
    let recorder = Recorder::default();
    let after = |cursor: &str| json!({ "nextCursor": cursor, "hasNextPage": true });
    let client = recorder.client(move |line| match line {
        LIST_PODS => json_answer(200, &json!({ "pods": [v2_pod()], "pagination": after("a b") })),
        // Members of clusters were taken out of it after the cut.
        "GET /v2/pods?limit=1000&cursor=a%20b" => {
            json_answer(200, &json!({ "pods": [], "pagination": after("é") }))
        }
        _ => json_answer(200, &listing(json!([with(v2_pod(), "id", json!("second"))]))),
    });
    assert_eq!(run(client.list_pods()).unwrap().len(), 2);
    assert_eq!(
        recorder.lines(),
        [LIST_PODS, "GET /v2/pods?limit=1000&cursor=a%20b", "GET /v2/pods?limit=1000&cursor=%C3%A9"]
    );
}

#[test]
fn a_listing_whose_end_is_not_told_is_an_error() {
    let odd = "the field `pagination` of the answer is not understood";
    let table = [
        (json!({ "pods": [] }), "the answer has no field `pagination`"),
        (json!({ "pods": [], "nextCursor": null }), "the answer has no field `pagination`"),
        (json!({ "pods": [], "pagination": null }), "the answer has no field `pagination`"),
        (json!({ "pods": [], "pagination": [] }), odd),
        (
            json!({ "pods": [], "pagination": { "nextCursor": null } }),
            "the answer has no field `pagination.hasNextPage`",
        ),
        (
            json!({ "pods": [], "pagination": { "hasNextPage": false } }),
            "the answer has no field `pagination.nextCursor`",
        ),
        (json!({ "pods": [], "pagination": { "nextCursor": null, "hasNextPage": true } }), odd),
        (json!({ "pods": [], "pagination": { "nextCursor": "", "hasNextPage": true } }), odd),
        (json!({ "pods": [], "pagination": { "nextCursor": "more", "hasNextPage": false } }), odd),
        (json!({ "pods": [], "pagination": { "nextCursor": "x".repeat(5_000), "hasNextPage": true } }), odd),
        (
            json!({ "pods": [], "pagination": { "nextCursor": "again", "hasNextPage": true } }),
            "the listing comes back to a page that was read, and so has no end",
        ),
    ];
    for (page, why) in table {
        let sent = page.clone();
        let client = Recorder::default().client(move |_| json_answer(200, &sent));
        let error = run(client.list_pods()).unwrap_err();
        assert_eq!((error.certainty, error.detail.as_str()), (Certainty::Unknown, why), "{page}");
    }
}

#[test]
fn a_page_that_fails_fails_the_listing() {
    let client = Recorder::default().client(|line| match line {
        LIST_PODS => {
            let pagination = json!({ "nextCursor": "more", "hasNextPage": true });
            json_answer(200, &json!({ "pods": [v2_pod()], "pagination": pagination }))
        }
        _ => json_answer(503, &json!({ "title": "Service Unavailable", "status": 503, "detail": "later" })),
    });
    assert_eq!(run(client.list_pods()).unwrap_err().status, Some(503));
}

#[test]
fn a_list_that_never_comes_in_pages_need_not_say_so() {
    for pagination in [json!(null), json!({ "nextCursor": null, "hasNextPage": false })] {
        let page = json!({ "networkVolumes": [], "pagination": pagination });
        let client = Recorder::default().client(move |_| json_answer(200, &page));
        assert_eq!(run(client.list_volumes()).unwrap(), []);
    }
}

#[test]
fn v2_creates_a_pod_with_its_gpu_count_and_no_more_than_asked() {
    let recorder = Recorder::default();
    let client = recorder.client(|_| json_answer(201, &v2_pod()));
    assert_eq!(run(client.create_pod(&pod_request())), Ok(PodId::new("7h9k2m4n6p")));
    let expected = json!({
        "name": "acme-llm", "image": "vllm/vllm-openai:v0.19.1", "cmd": ["--model", "it's here"], "disk": 60,
        "env": { "PODFORM_MARK": "acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z", "TOKEN": SECRET },
        "ports": ["22/tcp", "8000/http"], "registry": "clz1",
        "mounts": { "network": [{ "volumeId": "agv6w2qcg7", "path": "/models" }] },
        "gpu": { "id": "NVIDIA L40S", "count": 1, "minCudaVersion": "12.4", "minVcpuCountPerGpu": 8, "minRamPerGpu": 32 },
        "cloud": "SECURE", "dataCenterIds": ["EU-RO-1"], "globalNetworking": false,
        "startSsh": true, "startJupyter": false
    });
    assert_eq!(with_sorted_ports(recorder.only_body()), expected);
}

#[test]
fn v2_creates_a_cpu_pod_without_gpu_and_extras() {
    let recorder = Recorder::default();
    let client = recorder.client(|_| json_answer(201, &json!({ "id": "c1" })));
    let request = PodRequest {
        settings: PodSettings {
            command: vec![],
            env: BTreeMap::new(),
            ports: BTreeSet::new(),
            registry: None,
            storage: Storage::None,
            ..pod_request().settings
        },
        placement: Placement {
            compute: Compute::Cpu { flavor: podform::model::id::CpuFlavorId::new("cpu5c"), vcpus: 8 },
            data_centers: BTreeSet::new(),
            host: HostLimits::default(),
            ..pod_request().placement
        },
        ..pod_request()
    };
    assert_eq!(run(client.create_pod(&request)), Ok(PodId::new("c1")));
    let expected = json!({
        "name": "acme-llm", "image": "vllm/vllm-openai:v0.19.1", "disk": 60, "env": {}, "ports": [],
        "cpu": { "id": "cpu5c", "vcpuCount": 8 }, "cloud": "SECURE", "globalNetworking": false,
        "startSsh": true, "startJupyter": false
    });
    assert_eq!(recorder.only_body(), expected);
}

#[test]
fn v2_reads_a_command_from_its_lists_and_else_from_its_text() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let (absent, null, empty) = (None, Some(Value::Null), Some(json!([])));
    let table = [
        // The lists, whatever the text is.
        (
            "{ }",
            Some(json!(["serve", "a b"])),
            Some(json!(["sh", "-c"])),
            words(&["serve", "a b"]),
            words(&["sh", "-c"]),
        ),
        ("bash", Some(json!(["serve"])), null.clone(), words(&["serve"]), vec![]),
        ("bash", empty.clone(), Some(json!(["sh"])), vec![], words(&["sh"])),
        // The text, where no list says something.
        ("", absent.clone(), absent.clone(), vec![], vec![]),
        ("bash -c 'a b'", null.clone(), empty.clone(), words(&["bash", "-c", "a b"]), vec![]),
        (
            r#" {"cmd":["a b"],"entrypoint":["sh"]}"#,
            absent.clone(),
            null.clone(),
            words(&["a b"]),
            words(&["sh"]),
        ),
        (r#"{"entrypoint":["sh"]}"#, empty.clone(), empty.clone(), vec![], words(&["sh"])),
        (r#"{"cmd":[]}"#, absent.clone(), absent.clone(), vec![], vec![]),
        // JSON, but no command.
        (r#"{}"#, absent.clone(), absent.clone(), words(&["{}"]), vec![]),
        (r#"[["a"],["b"]]"#, absent.clone(), absent.clone(), words(&["[[a],[b]]"]), vec![]),
        (
            r#"{"cmd":["a"],"shell":true}"#,
            absent.clone(),
            absent.clone(),
            words(&["{cmd:[a],shell:true}"]),
            vec![],
        ),
        (r#"{"cmd":"a"}"#, absent.clone(), absent.clone(), words(&["{cmd:a}"]), vec![]),
    ];
    for (args, cmd, entrypoint, command, own) in table {
        let mut pod = with(v2_pod(), "args", json!(args));
        for (key, list) in [("cmd", cmd), ("entrypoint", entrypoint)] {
            pod.as_object_mut().unwrap().extend(list.map(|list| (key.to_owned(), list)));
        }
        let settings = live(&pod).settings;
        assert_eq!((settings.command, settings.entrypoint), (Some(command), Some(own)), "{pod}");
    }
    let odd = with(v2_pod(), "cmd", json!("serve"));
    assert!(matches!(listed(&odd), Listed::Unreadable { why, .. } if why.contains("the field `cmd`")));
}

#[test]
fn v2_patches_only_what_changes_and_null_takes_credentials_away() {
    let recorder = Recorder::default();
    let client = recorder.client(|_| json_answer(200, &v2_pod()));
    let request = PatchRequest {
        settings: PodSettings {
            command: Some(vec![]),
            entrypoint: Some(vec!["sh".to_owned()]),
            registry: Some(None),
            env: Some(BTreeMap::from([(EnvKey::new("A"), Secret::new("1".to_owned()))])),
            storage: Some(Storage::Local { size: Gigabytes(40), path: "/workspace".to_owned() }),
            locked: Some(Some(true)),
            ..patch_request().settings
        },
        ..patch_request()
    };
    assert_eq!(run(client.update_pod(&request)), Ok(()));
    assert_eq!(recorder.lines(), ["PATCH /v2/pods/p1"]);
    let expected = json!({
        "cmd": [], "entrypoint": ["sh"], "env": { "A": "1" }, "registry": null, "locked": true,
        "mounts": { "persistent": { "size": 40, "path": "/workspace" } }
    });
    assert_eq!(recorder.only_body(), expected);
}

#[test]
fn v2_calls_have_the_documented_paths_and_bodies() {
    let recorder = Recorder::default();
    let client = recorder.client(|line| match line.split(' ').next() {
        Some("DELETE") => answer(204, ""),
        _ => json_answer(200, &json!({ "id": "v9" })),
    });
    let (pod, volume) = (PodId::new("p1"), VolumeId::new("v1"));
    run(async {
        client.start_pod(&pod, 1, None).await?;
        client.stop_pod(&pod).await?;
        client.delete_pod(&pod).await?;
        let request = volume_request(&DataCenterId::new("EU-RO-1"), VolumeTier::HighPerformance);
        assert_eq!(client.create_volume(&request).await?, VolumeId::new("v9"));
        client.grow_volume(&volume, Gigabytes(200)).await?;
        client.delete_volume(&volume).await
    })
    .unwrap();
    let sent: Vec<(String, Value)> = recorder.seen().into_iter().map(|seen| (seen.line, seen.body)).collect();
    let expected = [
        ("POST /v2/pods/p1/action", json!({ "action": "start" })),
        ("POST /v2/pods/p1/action", json!({ "action": "stop" })),
        ("DELETE /v2/pods/p1", Value::Null),
        (
            "POST /v2/network-volumes",
            json!({ "name": "acme-models-01234567", "size": 100, "dataCenter": "EU-RO-1", "type": "HIGH_PERFORMANCE" }),
        ),
        ("PATCH /v2/network-volumes/v1", json!({ "size": 200 })),
        ("DELETE /v2/network-volumes/v1", Value::Null),
    ];
    assert_eq!(sent, expected.map(|(line, body)| (line.to_owned(), body)));
}

#[test]
fn the_key_travels_in_a_header_and_nowhere_else() {
    let recorder = Recorder::default();
    let client = recorder.client(|_| json_answer(201, &v2_pod()));
    run(client.create_pod(&pod_request())).unwrap();
    let [seen] = recorder.seen().try_into().unwrap();
    assert_eq!(seen.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(seen.headers["user-agent"], concat!("podform/", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen.headers["content-type"], "application/json");
    assert!(!seen.line.contains(KEY) && !seen.body.to_string().contains(KEY));
}

/// Sends one create to a client whose every call is answered like this.
fn create_error(status: u16, body: &'static str) -> ProviderError {
    run(always(status, body).create_pod(&pod_request())).unwrap_err()
}

#[test]
fn failures_of_a_create_say_what_is_known() {
    let table = [
        (307, "", "POST /v2/pods may or may not have been done: a redirect (307), which is never followed"),
        (
            200,
            "<html>Welcome to the hotel</html>",
            "POST /v2/pods may or may not have been done: the answer is no JSON",
        ),
        (201, r#"{"id":"7h9k"#, "POST /v2/pods may or may not have been done: the answer broke off"),
        (201, r#"{"name":"x"}"#, "POST /v2/pods may or may not have been done: the answer has no field `id`"),
        (201, "3", "POST /v2/pods may or may not have been done: the answer is JSON of an unknown form"),
        (500, "{}", "POST /v2/pods may or may not have been done: no explanation"),
        (
            502,
            "<html>",
            "POST /v2/pods may or may not have been done: a web page instead of an answer of the API",
        ),
        (
            403,
            "<html>error code: 1010</html>",
            "POST /v2/pods was rejected: the firewall in front of the API refused the request (error code: 1010)",
        ),
        (
            401,
            r#"{"title":"Unauthorized","status":401,"detail":"missing bearer token"}"#,
            "POST /v2/pods was rejected: missing bearer token",
        ),
    ];
    for (status, body, text) in table {
        assert_eq!(create_error(status, body).to_string(), format!("{text} (request req-1)"));
    }
}

#[test]
fn a_throttled_call_says_for_how_long() {
    let client = Recorder::default().client(|_| {
        Response::builder()
            .status(429)
            .header("retry-after", "12")
            .header("ratelimit", r#""minute";r=0;t=12, "hour";r=7193;t=2701"#)
            .body(Body::from(r#"{"detail":"rate limit exceeded for the minute window"}"#))
            .unwrap()
    });
    let (error, quota) = run(async { (client.list_pods().await.unwrap_err(), client.quota().unwrap()) });
    assert_eq!(error.certainty, Certainty::Throttled { retry_after: Some(Duration::from_secs(12)) });
    assert_eq!((quota.remaining, quota.resets_in), (0, Duration::from_secs(12)));
}

#[test]
fn a_body_that_breaks_off_leaves_a_create_unknown_and_a_refusal_certain() {
    let broken = |status: u16| {
        let client = Recorder::default().client(move |_| {
            let start = Full::<Bytes>::from("{\"id\":").map_err(|never| match never {});
            let broken = start.with_trailers(async { Some(Err(std::io::Error::other("reset"))) });
            Response::builder().status(status).body(Body::new(broken)).unwrap()
        });
        run(client.create_pod(&pod_request())).unwrap_err()
    };
    assert_eq!(
        broken(201).to_string(),
        "POST /v2/pods may or may not have been done: the answer broke off: reset"
    );
    assert_eq!(broken(422).certainty, Certainty::Rejected(Rejection::Invalid));
}

#[test]
fn an_answer_that_never_comes_is_unknown_after_the_timeout() {
    let router = Router::new().fallback(|| async { std::future::pending::<()>().await });
    let client = Runpod::in_process(Api::V2, router, &Secret::new(KEY.to_owned())).unwrap();
    let (error, waited) = run(async {
        let start = tokio::time::Instant::now();
        (client.create_pod(&pod_request()).await.unwrap_err(), start.elapsed())
    });
    assert_eq!(error.to_string(), "POST /v2/pods may or may not have been done: no answer within 30 s");
    assert_eq!(waited.as_secs(), 30);
}

#[test]
fn only_the_apis_own_404_says_that_a_pod_is_gone() {
    let get = |status, body| run(always(status, body).pod(&PodId::new("p1")));
    assert_eq!(get(404, r#"{"title":"Not Found","status":404,"detail":"pod not found"}"#), Ok(None));
    assert_eq!(get(404, "<html>nginx</html>").unwrap_err().certainty, Certainty::Unknown);
    assert_eq!(get(500, "pod not found").unwrap_err().certainty, Certainty::Unknown);
    let volume = run(always(404, r#"{"detail":"resource not found"}"#).volume(&VolumeId::new("v1")));
    assert_eq!(volume, Ok(None));
}

#[test]
fn an_id_that_would_address_something_else_is_not_sent() {
    let recorder = Recorder::default();
    let client = recorder.client(|_| answer(204, ""));
    for id in ["", "..", "a/b", "a?b", "p1%2f.."] {
        let error = run(client.delete_pod(&PodId::new(id))).unwrap_err();
        assert_eq!(error.certainty, Certainty::Rejected(Rejection::Invalid), "{id}");
    }
    assert_eq!(recorder.seen(), []);
}

#[test]
fn no_error_shows_the_key_or_a_value_that_was_sent() {
    let bodies = [
        json!({ "detail": format!("env.TOKEN: `{SECRET}` is too long; key {KEY}") }).to_string(),
        format!("<html>{SECRET}</html>"),
        format!("{SECRET} {KEY}"),
        json!({ "id": [SECRET] }).to_string(),
        json!([{ "error": SECRET }]).to_string(),
    ];
    for body in bodies {
        for status in [200, 201, 307, 400, 401, 403, 404, 409, 422, 429, 500, 503] {
            let shown = body.clone();
            let client = Recorder::default().client(move |_| answer(status, &shown));
            let request = PatchRequest {
                settings: PodSettings { env: Some(pod_request().settings.env), ..patch_request().settings },
                ..patch_request()
            };
            let errors = run(async {
                [client.create_pod(&pod_request()).await.err(), client.update_pod(&request).await.err()]
            });
            let shown = format!("{errors:?} {client:?}");
            let displayed = errors.iter().flatten().map(ToString::to_string).collect::<String>();
            for text in [shown, displayed] {
                assert!(!text.contains(SECRET) && !text.contains(KEY), "{status} {body}: {text}");
            }
        }
    }
}

fn question(count: u32, countries: &[&str], cuda: CudaWish) -> StockQuery {
    let countries = countries.iter().map(|code| CountryCode::new(*code)).collect();
    StockQuery { count, cloud: Cloud::Secure, countries, cuda }
}

/// Clouds that do not sell a type show null there, or a price all the same, and are told by their flags. A slice of a card
/// is a type beside it.
#[test]
fn flags_decide_in_which_cloud_a_type_is_sold_over_every_api() {
    let types = [
        ("null", json!(true), json!(false), json!(3.49), json!(null)),
        ("priced", json!(true), json!(false), json!(3.49), json!(2.69)),
        ("unpriced", json!(true), json!(true), json!(null), json!(2.69)),
        ("untold", json!(null), json!(null), json!(3.49), json!(0)),
    ];
    let v2 = types.clone().map(|(id, secure, community, price, other)| {
        json!({
            "id": id, "memory": 80, "secure": secure, "community": community,
            "price": { "secure": price, "community": other }, "maxCount": { "secure": 8, "community": 8 },
        })
    });
    let graphql = types.map(|(id, secure, community, price, other)| {
        json!({
            "id": id, "memoryInGb": 80, "secureCloud": secure, "communityCloud": community,
            "securePrice": price, "communityPrice": other, "maxGpuCount": 8,
        })
    });
    let v2 = json!({ "gpus": v2, "cpus": [], "dataCenters": [] });
    let graphql = json!({ "data": { "gpuTypes": graphql, "cpuFlavors": [], "dataCenters": [] } });
    for (api, answer) in [(Api::V2, v2), (Api::Graphql, graphql)] {
        let client = Recorder::default().client_of(api, move |_| json_answer(200, &answer));
        let catalog = run(client.catalog(&BTreeSet::new(), Timestamp::UNIX_EPOCH)).unwrap();
        let read = |id: &str| {
            let gpu = &catalog.gpus[&GpuTypeId::new(id)];
            (gpu.secure, gpu.community, gpu.unsold.iter().copied().collect::<Vec<_>>())
        };
        let (dear, cheap) = (Price::Known(Hourly(3_490_000)), Price::Known(Hourly(2_690_000)));
        assert_eq!(read("null"), (dear, Price::Unknown, vec![Cloud::Community]), "{api:?}");
        assert_eq!(read("priced"), (dear, Price::Unknown, vec![Cloud::Community]), "{api:?}");
        assert_eq!(read("unpriced"), (Price::Unknown, cheap, vec![]), "{api:?}");
        assert_eq!(read("untold"), (dear, Price::Unknown, vec![]), "{api:?}");
    }
}

/// A catalog of two GPU types, of which questions about countries show only one.
fn v2_catalog(line: &str) -> Response<Body> {
    let gpu = |id: &str, price: f64, level: &str| {
        json!({
            "id": id, "name": id.trim_start_matches("NVIDIA "), "pool": null, "manufacturer": "NVIDIA", "memory": 48,
            "secure": true, "community": false, "price": { "secure": price, "community": 0 },
            "maxCount": { "secure": 8, "community": 0 }, "availability": level,
            "dataCenters": [
                { "id": "EU-RO-1", "name": "", "availability": "LOW" },
                { "id": "US-TX-3", "name": "", "availability": "NONE" }
            ]
        })
    };
    let both = json!({ "gpus": [gpu("NVIDIA L40S", 0.86, "HIGH"), gpu("NVIDIA RTX 6000 Ada", 0.0, "NEW")] });
    let one = json!({ "gpus": [gpu("NVIDIA L40S", 0.86, "LOW")] });
    let cpus = json!({ "cpus": [{
        "id": "cpu5c", "name": "Compute-Optimized", "group": "Gen 5", "vcpu": { "min": 2, "max": 32 },
        "ramGbPerVcpu": 2.5, "price": { "securePerVcpu": 0.035, "serverlessPerVcpu": 0.1 }, "availability": "MEDIUM"
    }] });
    let centers = json!({ "dataCenters": [{
        "id": "EU-RO-1", "name": "", "region": "EUROPE", "globalNetwork": true,
        "networkVolumeTypes": ["STANDARD", "HOLOGRAPHIC"], "compliance": []
    }] });
    json_answer(
        200,
        match line {
            line if line.contains("/catalog/cpus") => &cpus,
            line if line.contains("/catalog/datacenters") => &centers,
            line if line.contains("countryCodes") => &one,
            _ => &both,
        },
    )
}

#[test]
fn the_catalog_asks_each_question_once_within_the_budget() {
    let recorder = Recorder::default();
    let client = recorder.client(v2_catalog);
    let exact = CudaWish::OneOf(BTreeSet::from(["12.4", "12.8"].map(CudaVersion::new)));
    let asked = BTreeSet::from([
        question(1, &["RO", "SE"], CudaWish::Any),
        question(2, &[], CudaWish::AtLeast(CudaVersion::new("12.4"))),
        question(3, &[], exact),
        question(4, &[], CudaWish::Any),
        question(8, &["FR"], CudaWish::Any),
    ]);
    let catalog = run(client.catalog(&asked, Timestamp::UNIX_EPOCH)).unwrap();
    assert_eq!(
        recorder.lines(),
        [
            "GET /v2/catalog/gpus?include=AVAILABILITY&product=POD&count=2&cloud=SECURE&minCudaVersion=12.4",
            "GET /v2/catalog/gpus?include=AVAILABILITY&product=POD&count=3&cloud=SECURE&cudaVersions=12.4,12.8",
            "GET /v2/catalog/gpus?include=AVAILABILITY&product=POD&count=4&cloud=SECURE",
            "GET /v2/catalog/gpus?include=AVAILABILITY&product=POD&count=1&cloud=SECURE&countryCodes=RO,SE",
            "GET /v2/catalog/cpus?include=AVAILABILITY&product=POD",
            "GET /v2/catalog/datacenters",
        ]
    );
    assert_eq!(catalog.gpu_stock.keys().map(|query| query.count).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn the_catalog_is_read_with_unknown_prices_and_levels() {
    let client = Recorder::default().client(v2_catalog);
    let asked = question(1, &["RO"], CudaWish::Any);
    let catalog = run(client.catalog(&BTreeSet::from([asked.clone()]), Timestamp::UNIX_EPOCH)).unwrap();
    let ada = GpuTypeId::new("NVIDIA RTX 6000 Ada");
    assert_eq!(catalog.gpus[&ada].secure, Price::Unknown);
    assert_eq!(catalog.gpus[&GpuTypeId::new("NVIDIA L40S")].secure, Price::Known(Hourly(860_000)));
    assert_eq!(catalog.gpu_stock[&asked][&ada].best, Stock::None);
    let l40s = &catalog.gpu_stock[&asked][&GpuTypeId::new("NVIDIA L40S")];
    assert_eq!((l40s.best, l40s.data_centers.len()), (Stock::Low, 1));
    let center = &catalog.data_centers[&DataCenterId::new("EU-RO-1")];
    assert_eq!((center.country.as_ref().map(CountryCode::as_str), center.global_network), (Some("RO"), true));
    assert_eq!(center.volume_tiers, BTreeSet::from([VolumeTier::Standard]));
    let (id, cpu) = catalog.cpus.first_key_value().unwrap();
    assert_eq!((cpu.memory_per_vcpu, cpu.per_vcpu), (Gigabytes(2), Price::Known(Hourly(35_000))));
    assert_eq!(catalog.cpu_stock[id].best, Stock::Medium);
}
