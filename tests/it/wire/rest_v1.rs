//! REST v1: pods with nulls anywhere, and creates that leave nothing to its defaults.

use super::*;
use podform::model::desired::HostLimits;
use podform::model::pod::Placement;
use podform::model::settings::PodSettings;
use podform::model::volume::VolumeConfig;

/// A pod as the API's own page shows one, reduced to what is read.
pub(super) fn v1_pod() -> Value {
    json!({
        "id": "xedezhzb9la3ye", "name": "acme-llm", "desiredStatus": "RUNNING",
        "image": "vllm/vllm-openai:v0.19.1", "adjustedCostPerHr": 0.69, "costPerHr": "0.74", "aiApiId": null,
        "containerDiskInGb": 50, "containerRegistryAuthId": "clzdaifot0001l90809257ynb", "cpuFlavorId": "cpu3c",
        "dockerEntrypoint": ["bash"], "dockerStartCmd": ["-c", "it's here"], "endpointId": null,
        "env": { "ENV_VAR": "value", "PODFORM_MARK": "acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z" },
        "gpu": { "id": "NVIDIA L40S", "count": 2, "displayName": "L40S", "securePrice": null },
        "interruptible": false, "lastStartedAt": "2024-07-12T19:14:40.144Z", "lastStatusChange": { "odd": true },
        "locked": false, "machineId": "s194cr8pls2z", "memoryInGb": 62,
        "machine": { "dataCenterId": "EU-RO-1", "secureCloud": true, "gpuTypeId": "NVIDIA L40S" },
        "networkVolume": { "id": "agv6w2qcg7", "name": "models", "size": 50, "dataCenterId": "EU-RO-1" },
        "portMappings": { "22": 10341 }, "ports": ["8888/http", "22/tcp"], "publicIp": "100.65.0.119",
        "templateId": null, "vcpuCount": 24, "volumeEncrypted": false, "volumeInGb": 0,
        "volumeMountPath": "/workspace"
    })
}

fn v1_client(recorder: &Recorder, status: u16, body: Value) -> Runpod {
    recorder.client_of(Api::V1, move |_| json_answer(status, &body))
}

fn v1_listed(pod: Value) -> ListedPod {
    run(v1_client(&Recorder::default(), 200, json!([pod])).list_pods()).unwrap().remove(0)
}

fn v1_live(pod: Value) -> LivePod {
    match v1_listed(pod) {
        Listed::Found(pod) => *pod,
        odd @ (Listed::Unreadable { .. } | Listed::Nameless { .. }) => panic!("{odd:?}"),
    }
}

#[test]
fn every_field_of_a_pod_is_read() {
    let pod = v1_live(v1_pod());
    assert_eq!(pod.status, PodStatus::Running);
    assert_eq!(pod.settings.image.as_deref(), Some("vllm/vllm-openai:v0.19.1"));
    assert_eq!(pod.settings.command, Some(vec!["-c".to_owned(), "it's here".to_owned()]));
    assert_eq!(pod.settings.entrypoint, Some(vec!["bash".to_owned()]));
    assert_eq!(
        pod.marker.map(|marker| marker.to_string()).as_deref(),
        Some("acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z")
    );
    assert_eq!(pod.settings.env.keys().map(EnvKey::as_str).collect::<Vec<_>>(), ["ENV_VAR"]);
    let storage = Storage::Network { volume: VolumeId::new("agv6w2qcg7"), path: "/workspace".to_owned() };
    assert_eq!(pod.settings.storage, storage);
    assert_eq!(pod.settings.registry, Some(Some(RegistryId::new("clzdaifot0001l90809257ynb"))));
    assert_eq!(pod.compute, Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA L40S"), count: 2 }));
    assert_eq!((pod.cloud, pod.data_center), (Some(Cloud::Secure), Some(DataCenterId::new("EU-RO-1"))));
    assert_eq!((pod.price, pod.created_at, pod.role), (Price::Known(Hourly(740_000)), None, PodRole::Plain));
    assert_eq!(pod.endpoints.tcp, BTreeMap::from([(22, "100.65.0.119:10341".to_owned())]));
    assert_eq!(pod.endpoints.ssh_direct.as_deref(), Some("ssh root@100.65.0.119 -p 10341"));
}

#[test]
fn a_pod_whose_every_field_is_null_can_be_read() {
    let mut pod = v1_pod();
    for (key, value) in pod.as_object_mut().unwrap() {
        if !matches!(key.as_str(), "id" | "desiredStatus") {
            *value = Value::Null;
        }
    }
    let pod = v1_live(pod);
    assert_eq!(
        (
            pod.name(),
            pod.settings.image.clone(),
            pod.settings.command.clone(),
            pod.settings.entrypoint.clone()
        ),
        ("", None, None, None)
    );
    assert_eq!((pod.settings.env.len(), pod.ports().count(), pod.settings.storage), (0, 0, Storage::None));
    assert_eq!((pod.compute, pod.cloud, pod.price), (None, None, Price::Unknown));
    assert_eq!((pod.settings.registry, pod.settings.locked, pod.data_center), (Some(None), None, None));
}

#[test]
fn an_entry_that_would_have_to_be_guessed_is_held_back() {
    let mut local = without(v1_pod(), "networkVolume");
    local["volumeInGb"] = json!(20);
    local["volumeMountPath"] = Value::Null;
    let table = [
        (without(v1_pod(), "env"), "the answer has no field `env`"),
        (without(v1_pod(), "ports"), "the answer has no field `ports`"),
        (local, "the answer has no field `volumeMountPath`"),
        (
            with(v1_pod(), "desiredStatus", json!("FROZEN")),
            "the field `desiredStatus` of the answer is not understood",
        ),
    ];
    for (pod, why) in table {
        let why = format!("GET /v1/pods failed: {why} (request req-1)");
        let origin = if pod["env"].is_object() { Origin::Pod(mark()) } else { Origin::NotTold };
        let expected = Listed::Unreadable { id: PodId::new("xedezhzb9la3ye"), why, origin };
        assert_eq!(v1_listed(pod), expected);
    }
}

#[test]
fn a_secure_pod_without_its_public_port_is_starting() {
    let no_ports = with(v1_pod(), "portMappings", Value::Null);
    assert_eq!(v1_live(no_ports.clone()).status, PodStatus::Starting);
    let nothing_public = with(no_ports.clone(), "ports", json!(["8888/http"]));
    assert_eq!(v1_live(nothing_public).status, PodStatus::Running);
    let community = with(no_ports.clone(), "machine", json!({ "secureCloud": false }));
    assert_eq!(v1_live(community).status, PodStatus::Running);
    assert_eq!(v1_live(with(no_ports, "desiredStatus", json!("EXITED"))).status, PodStatus::Exited);
}

#[test]
fn machines_and_roles_are_told_apart() {
    let cpu = with(v1_pod(), "gpu", Value::Null);
    let flavor = podform::model::id::CpuFlavorId::new("cpu3c");
    assert_eq!(v1_live(cpu).compute, Some(Compute::Cpu { flavor, vcpus: 24 }));
    let local = with(without(v1_pod(), "networkVolume"), "volumeInGb", json!(20));
    let storage = Storage::Local { size: Gigabytes(20), path: "/workspace".to_owned() };
    assert_eq!(v1_live(local).settings.storage, storage);
    assert_eq!(v1_live(with(v1_pod(), "endpointId", json!("e1"))).role, PodRole::EndpointWorker);
}

#[test]
fn a_create_says_everything_that_has_a_default() {
    let recorder = Recorder::default();
    let client = v1_client(&recorder, 201, v1_pod());
    assert_eq!(run(client.create_pod(&pod_request())), Ok(PodId::new("xedezhzb9la3ye")));
    let expected = json!({
        "name": "acme-llm", "imageName": "vllm/vllm-openai:v0.19.1",
        "dockerStartCmd": ["--model", "it's here"], "dockerEntrypoint": [],
        "env": { "PODFORM_MARK": "acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z", "TOKEN": SECRET },
        "ports": ["22/tcp", "8000/http"], "containerDiskInGb": 60, "volumeInGb": 0, "volumeMountPath": "/models",
        "networkVolumeId": "agv6w2qcg7", "containerRegistryAuthId": "clz1", "globalNetworking": false,
        "cloudType": "SECURE", "computeType": "GPU", "gpuTypeIds": ["NVIDIA L40S"], "gpuCount": 1, "minVCPUPerGPU": 8, "minRAMPerGPU": 32,
        "allowedCudaVersions": ["12.4", "12.5", "12.6", "12.7", "12.8", "12.9", "13.0"],
        "dataCenterIds": ["EU-RO-1"], "interruptible": false
    });
    assert_eq!(recorder.lines(), ["POST /v1/pods"]);
    assert_eq!(with_sorted_ports(recorder.only_body()), expected);
}

#[test]
fn a_cuda_version_later_than_any_known_one_is_refused_before_sending() {
    let recorder = Recorder::default();
    let request = PodRequest {
        placement: Placement {
            host: HostLimits { cuda: CudaWish::AtLeast(CudaVersion::new("14.0")), ..HostLimits::default() },
            ..pod_request().placement
        },
        ..pod_request()
    };
    let error = run(v1_client(&recorder, 201, v1_pod()).create_pod(&request)).unwrap_err();
    assert_eq!(error.certainty, Certainty::Rejected(Rejection::Invalid));
    assert_eq!(recorder.seen(), []);
}

#[test]
fn a_patch_holds_only_what_changes() {
    let recorder = Recorder::default();
    let request = PatchRequest {
        settings: PodSettings {
            image: Some("img:2".to_owned()),
            entrypoint: Some(vec![]),
            registry: Some(None),
            storage: Some(Storage::Network { volume: VolumeId::new("agv6w2qcg7"), path: "/data".to_owned() }),
            ..patch_request().settings
        },
        ..patch_request()
    };
    assert_eq!(run(v1_client(&recorder, 200, v1_pod()).update_pod(&request)), Ok(()));
    let expected = json!({
        "imageName": "img:2", "dockerEntrypoint": [], "containerRegistryAuthId": "", "volumeMountPath": "/data"
    });
    assert_eq!((recorder.lines(), recorder.only_body()), (vec!["PATCH /v1/pods/p1".to_owned()], expected));
}

#[test]
fn calls_have_the_documented_paths_and_bodies() {
    let recorder = Recorder::default();
    let client = recorder.client_of(Api::V1, |line| match line.split(' ').next() {
        Some("DELETE") => answer(204, ""),
        Some("GET") if line.contains("/p1") => {
            json_answer(404, &json!({ "error": "pod not found", "status": 404 }))
        }
        Some("GET") => json_answer(200, &json!([])),
        _ => json_answer(200, &json!({ "id": "v9" })),
    });
    let (pod, volume) = (PodId::new("p1"), VolumeId::new("v1"));
    let request = volume_request(&DataCenterId::new("EU-RO-1"), VolumeTier::Standard);
    run(async {
        assert_eq!(client.list_pods().await, Ok(vec![]));
        assert_eq!(client.list_volumes().await, Ok(vec![]));
        assert_eq!(client.pod(&pod).await, Ok(None));
        client.start_pod(&pod, 1, None).await.unwrap();
        client.stop_pod(&pod).await.unwrap();
        client.delete_pod(&pod).await.unwrap();
        assert_eq!(client.create_volume(&request).await, Ok(VolumeId::new("v9")));
        client.grow_volume(&volume, Gigabytes(200)).await.unwrap();
        client.delete_volume(&volume).await.unwrap();
        let fast = VolumeRequest {
            config: VolumeConfig { tier: VolumeTier::HighPerformance, ..request.config.clone() },
            ..request
        };
        assert_eq!(
            client.create_volume(&fast).await.unwrap_err().detail,
            "REST v1 knows no tiers of volumes"
        );
    });
    let sent: Vec<(String, Value)> = recorder.seen().into_iter().map(|seen| (seen.line, seen.body)).collect();
    let expected = [
        ("GET /v1/pods?includeMachine=true&includeNetworkVolume=true", Value::Null),
        ("GET /v1/networkvolumes", Value::Null),
        ("GET /v1/pods/p1?includeMachine=true&includeNetworkVolume=true", Value::Null),
        ("POST /v1/pods/p1/start", Value::Null),
        ("POST /v1/pods/p1/stop", Value::Null),
        ("DELETE /v1/pods/p1", Value::Null),
        (
            "POST /v1/networkvolumes",
            json!({ "name": "acme-models-01234567", "size": 100, "dataCenterId": "EU-RO-1" }),
        ),
        ("PATCH /v1/networkvolumes/v1", json!({ "size": 200 })),
        ("DELETE /v1/networkvolumes/v1", Value::Null),
    ];
    assert_eq!(sent, expected.map(|(line, body)| (line.to_owned(), body)));
}

#[test]
fn refusals_of_a_start_and_a_retired_api_are_certain() {
    let error = |status, body: &str| {
        let body = body.to_owned();
        let client = Recorder::default().client_of(Api::V1, move |_| answer(status, &body));
        run(client.start_pod(&PodId::new("p1"), 1, None)).unwrap_err().certainty
    };
    let full = r#"{"error":"start pod: There are not enough free GPUs on the host machine to start this pod.","status":500}"#;
    assert_eq!(error(500, full), Certainty::Rejected(Rejection::NoCapacity));
    assert_eq!(error(410, "<html>gone</html>"), Certainty::Rejected(Rejection::Gone));
    assert_eq!(error(500, r#"{"error":"start pod: Something went wrong","status":500}"#), Certainty::Unknown);
}
