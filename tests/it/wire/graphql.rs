//! GraphQL: variables, errors beside data, and the detours around what it cannot do.

use super::*;
use podform::model::desired::HostLimits;
use podform::model::pod::Placement;
use podform::model::settings::PodSettings;

/// A pod with the fields that the client selects.
pub(super) fn graphql_pod() -> Value {
    json!({
        "id": "ldl1dxirsim64n", "name": "acme-llm", "imageName": "vllm/vllm-openai:v0.19.1",
        "dockerArgs": r#"{"cmd":["-c","it's here"],"entrypoint":["bash"]}"#,
        "env": ["A=b=c", "PODFORM_MARK=acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z"], "ports": "8888/http, 22/tcp",
        "containerDiskInGb": 50, "volumeInGb": 20.0, "volumeMountPath": "/workspace", "networkVolumeId": null,
        "containerRegistryAuthId": null, "desiredStatus": "RUNNING", "gpuCount": 1, "vcpuCount": 8.0,
        "cpuFlavorId": null, "costPerHr": 0.3, "locked": false, "createdAt": "2026-11-01T10:00:00.000Z",
        "aiApiId": null, "clusterId": null,
        "machine": {
            "podHostId": "ldl1dxirsim64n-64410065", "gpuTypeId": "NVIDIA GeForce RTX 3090",
            "secureCloud": false, "dataCenterId": "EU-RO-1"
        },
        "runtime": { "uptimeInSeconds": 3931, "ports": [
            { "ip": "100.65.0.101", "isIpPublic": false, "privatePort": 8888, "publicPort": 60141, "type": "http" },
            { "ip": "213.1.2.3", "isIpPublic": true, "privatePort": 22, "publicPort": 10022, "type": "tcp" }
        ] }
    })
}

fn pods_answer(pods: Value) -> Value {
    json!({ "data": { "myself": { "pods": pods } } })
}

fn graphql_client(recorder: &Recorder, body: Value) -> Runpod {
    recorder.client_of(Api::Graphql, move |_| json_answer(200, &body))
}

fn graphql_listed(pod: Value) -> ListedPod {
    run(graphql_client(&Recorder::default(), pods_answer(json!([pod]))).list_pods()).unwrap().remove(0)
}

fn graphql_live(pod: Value) -> LivePod {
    match graphql_listed(pod) {
        Listed::Found(pod) => *pod,
        odd @ (Listed::Unreadable { .. } | Listed::Nameless { .. }) => panic!("{odd:?}"),
    }
}

/// A client whose answers are taken one after the other.
fn in_turn(recorder: &Recorder, answers: Vec<Value>) -> Runpod {
    let log = recorder.clone();
    recorder.client_of(Api::Graphql, move |_| json_answer(200, &answers[log.seen().len() - 1]))
}

fn refusal(field: &str, message: &str, code: &str) -> Value {
    json!({
        "errors": [{ "message": message, "path": [field], "extensions": { "code": code } }],
        "data": { field: null }
    })
}

fn no_capacity() -> Value {
    let text = "There are no longer any instances available with the requested specifications. Please refresh and try again.";
    refusal("podFindAndDeployOnDemand", text, "RUNPOD")
}

#[test]
fn every_field_of_a_pod_is_read() {
    let pod = graphql_live(graphql_pod());
    assert_eq!(pod.status, PodStatus::Running);
    assert_eq!(pod.settings.command, Some(vec!["-c".to_owned(), "it's here".to_owned()]));
    assert_eq!(pod.settings.entrypoint, Some(vec!["bash".to_owned()]));
    assert_eq!(pod.settings.env, BTreeMap::from([(EnvKey::new("A"), Secret::new("b=c".to_owned()))]));
    assert_eq!(
        pod.marker.as_ref().map(|marker| marker.to_string()).as_deref(),
        Some("acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z")
    );
    assert_eq!(pod.ports().map(Port::to_string).collect::<Vec<_>>(), ["22/tcp", "8888/http"]);
    let storage = Storage::Local { size: Gigabytes(20), path: "/workspace".to_owned() };
    assert_eq!((pod.settings.storage, pod.settings.registry), (storage, Some(None)));
    assert_eq!(pod.compute, Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA GeForce RTX 3090"), count: 1 }));
    assert_eq!((pod.cloud, pod.price), (Some(Cloud::Community), Price::Known(Hourly(300_000))));
    assert_eq!(pod.created_at, Some("2026-11-01T10:00:00Z".parse().unwrap()));
    assert_eq!(pod.endpoints.tcp, BTreeMap::from([(22, "213.1.2.3:10022".to_owned())]));
    assert_eq!(pod.endpoints.ssh_proxy.as_deref(), Some("ssh ldl1dxirsim64n-64410065@ssh.runpod.io"));
    assert_eq!(pod.endpoints.uptime_seconds, Some(3_931));
}

#[test]
fn a_pod_is_starting_until_its_container_reports() {
    let waiting = with(graphql_pod(), "runtime", Value::Null);
    assert_eq!(graphql_live(waiting).status, PodStatus::Starting);
    assert_eq!(graphql_live(with(graphql_pod(), "desiredStatus", json!("EXITED"))).status, PodStatus::Exited);
}

#[test]
fn stopped_cpu_and_background_pods_are_read() {
    let mut cpu = graphql_pod();
    cpu["machine"] = json!({ "gpuTypeId": "unknown" });
    cpu["cpuFlavorId"] = json!("cpu5c");
    cpu["gpuCount"] = json!(0);
    for key in ["dockerArgs", "env", "ports", "volumeInGb", "volumeMountPath", "runtime", "createdAt"] {
        cpu[key] = Value::Null;
    }
    let pod = graphql_live(cpu);
    let flavor = podform::model::id::CpuFlavorId::new("cpu5c");
    assert_eq!(pod.compute, Some(Compute::Cpu { flavor, vcpus: 8 }));
    assert_eq!(
        (pod.settings.command, pod.settings.entrypoint, pod.settings.storage),
        (Some(vec![]), Some(vec![]), Storage::None)
    );
    let mut background = with(graphql_pod(), "id", json!("hpvdausak8xb00"));
    background["name"] = json!("hpvdausak8xb-BG");
    assert_eq!(graphql_live(background).role, PodRole::Background);
}

#[test]
fn an_entry_that_would_have_to_be_guessed_is_held_back() {
    let table = [
        (without(graphql_pod(), "env"), "the answer has no field `env`"),
        (with(graphql_pod(), "env", json!(["novalue"])), "the field `env` of the answer is not understood"),
        (without(graphql_pod(), "desiredStatus"), "the answer has no field `desiredStatus`"),
        (without(graphql_pod(), "volumeInGb"), "the answer has no field `volumeInGb`"),
    ];
    for (pod, why) in table {
        let why = format!("GraphQL query myself.pods failed: {why} (request req-1)");
        let origin = if pod["env"].to_string().contains('=') { Origin::Pod(mark()) } else { Origin::NotTold };
        let expected = Listed::Unreadable { id: PodId::new("ldl1dxirsim64n"), why, origin };
        assert_eq!(graphql_listed(pod), expected);
    }
}

#[test]
fn a_create_sends_variables_and_its_arguments_as_json() {
    let recorder = Recorder::default();
    let created = json!({ "data": { "podFindAndDeployOnDemand": { "id": "50qynxzilsxoey" } } });
    assert_eq!(
        run(graphql_client(&recorder, created).create_pod(&pod_request())),
        Ok(PodId::new("50qynxzilsxoey"))
    );
    let expected = json!({
        "query": "mutation Create($input: PodFindAndDeployOnDemandInput) { podFindAndDeployOnDemand(input: $input) { id } }",
        "variables": { "input": {
            "name": "acme-llm", "imageName": "vllm/vllm-openai:v0.19.1",
            "dockerArgs": r#"{"cmd":["--model","it's here"]}"#,
            "env": [
                { "key": "PODFORM_MARK", "value": "acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z" },
                { "key": "TOKEN", "value": SECRET }
            ],
            "ports": "22/tcp,8000/http", "containerDiskInGb": 60, "volumeInGb": 0, "volumeMountPath": "/models",
            "networkVolumeId": "agv6w2qcg7", "containerRegistryAuthId": "clz1", "startSsh": true,
            "startJupyter": false, "cloudType": "SECURE", "dataCenterId": "EU-RO-1", "gpuTypeId": "NVIDIA L40S",
            "gpuCount": 1, "globalNetwork": false, "minCudaVersion": "12.4", "minVcpuCount": 8, "minMemoryInGb": 32
        } }
    });
    assert_eq!(recorder.lines(), ["POST /graphql"]);
    let mut body = recorder.only_body();
    let ports = body["variables"]["input"]["ports"].as_str().unwrap();
    let mut ports: Vec<&str> = ports.split(',').collect();
    ports.sort_unstable();
    body["variables"]["input"]["ports"] = json!(ports.join(","));
    assert_eq!(body, expected);
}

#[test]
fn data_centers_are_tried_one_after_the_other_while_they_are_certainly_full() {
    let centers = |recorder: &Recorder| -> Vec<String> {
        let seen = recorder.seen().into_iter();
        seen.map(|seen| seen.body["variables"]["input"]["dataCenterId"].as_str().unwrap().to_owned())
            .collect()
    };
    let three = ["EU-RO-1", "EU-SE-1", "US-TX-3"].map(DataCenterId::new);
    let request = PodRequest {
        placement: Placement { data_centers: BTreeSet::from(three), ..pod_request().placement },
        ..pod_request()
    };

    let recorder = Recorder::default();
    let created = json!({ "data": { "podFindAndDeployOnDemand": { "id": "p2" } } });
    let client = in_turn(&recorder, vec![no_capacity(), created]);
    assert_eq!(run(client.create_pod(&request)), Ok(PodId::new("p2")));
    assert_eq!(centers(&recorder), ["EU-RO-1", "EU-SE-1"]);

    let recorder = Recorder::default();
    let client = in_turn(&recorder, vec![no_capacity(), no_capacity(), no_capacity()]);
    let error = run(client.create_pod(&request)).unwrap_err();
    assert_eq!(error.certainty, Certainty::Rejected(Rejection::NoCapacity));
    assert_eq!(centers(&recorder).len(), 3);

    let recorder = Recorder::default();
    let broken = refusal("podFindAndDeployOnDemand", "Something went wrong.", "INTERNAL_SERVER_ERROR");
    let client = in_turn(&recorder, vec![broken]);
    assert_eq!(run(client.create_pod(&request)).unwrap_err().certainty, Certainty::Unknown);
    assert_eq!(centers(&recorder), ["EU-RO-1"]);
}

#[test]
fn a_create_that_names_its_pod_happened_whatever_errors_stand_beside_it() {
    let body = json!({
        "errors": [{ "message": "Something went wrong.", "path": ["podFindAndDeployOnDemand", "machine"] }],
        "data": { "podFindAndDeployOnDemand": { "id": "p3" } }
    });
    let client = graphql_client(&Recorder::default(), body);
    assert_eq!(run(client.create_pod(&pod_request())), Ok(PodId::new("p3")));
}

#[test]
fn a_listing_with_errors_beside_it_is_no_listing() {
    let mut body = pods_answer(json!([graphql_pod()]));
    body["errors"] = json!([{ "message": "machine could not be resolved" }]);
    let error = run(graphql_client(&Recorder::default(), body).list_pods()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "GraphQL query myself.pods failed: machine could not be resolved (request req-1)"
    );
}

#[test]
fn a_cpu_pod_is_created_by_the_id_of_its_instance() {
    let recorder = Recorder::default();
    let flavors = json!({ "data": { "cpuFlavors": [{ "id": "cpu3m", "ramMultiplier": 8 }] } });
    let created = json!({ "data": { "deployCpuPod": { "id": "c1" } } });
    let flavor = podform::model::id::CpuFlavorId::new("cpu3m");
    let request = PodRequest {
        settings: PodSettings { storage: Storage::None, ..pod_request().settings },
        placement: Placement {
            compute: Compute::Cpu { flavor, vcpus: 2 },
            host: HostLimits::default(),
            ..pod_request().placement
        },
        ..pod_request()
    };
    let client = in_turn(&recorder, vec![flavors, created]);
    assert_eq!(run(client.create_pod(&request)), Ok(PodId::new("c1")));
    let input = &recorder.seen()[1].body["variables"]["input"];
    assert_eq!(input["instanceId"], "cpu3m-2-16");
    assert_eq!(
        (input.get("gpuCount"), input.get("volumeInGb"), input.get("globalNetwork")),
        (None, None, None)
    );
}

#[test]
fn a_cpu_pod_is_certainly_not_created_when_its_flavor_cannot_be_read() {
    let flavor = podform::model::id::CpuFlavorId::new("cpu3m");
    let request = PodRequest {
        settings: PodSettings { storage: Storage::None, ..pod_request().settings },
        placement: Placement { compute: Compute::Cpu { flavor, vcpus: 2 }, ..pod_request().placement },
        ..pod_request()
    };
    let error = |status, body: Value| {
        let client = Recorder::default().client_of(Api::Graphql, move |_| json_answer(status, &body));
        run(client.create_pod(&request)).unwrap_err().certainty
    };
    assert_eq!(error(502, Value::Null), Certainty::NotDone);
    let nothing = json!({ "data": { "cpuFlavors": [] } });
    assert_eq!(error(200, nothing), Certainty::Rejected(Rejection::Invalid));
}

#[test]
fn an_edit_sends_what_is_mandatory_and_no_half_of_a_command() {
    let recorder = Recorder::default();
    let read = json!({ "data": { "pod": graphql_pod() } });
    let edited = json!({ "data": { "podEditJob": { "id": "p1" } } });
    let request = |entrypoint: Option<Vec<String>>| PatchRequest {
        settings: PodSettings {
            command: Some(vec!["serve".to_owned()]),
            entrypoint,
            ..patch_request().settings
        },
        ..patch_request()
    };
    let client = in_turn(&recorder, vec![read, edited]);
    assert_eq!(run(client.update_pod(&request(Some(vec!["bash".to_owned()])))), Ok(()));
    let expected = json!({ "input": {
        "podId": "p1", "imageName": "vllm/vllm-openai:v0.19.1", "containerDiskInGb": 50,
        "dockerArgs": r#"{"cmd":["serve"],"entrypoint":["bash"]}"#
    } });
    assert_eq!(recorder.seen()[1].body["variables"], expected);
    let error = run(client.update_pod(&request(None))).unwrap_err();
    assert_eq!(error.detail, "half of a command cannot be changed");
}

#[test]
fn what_graphql_cannot_change_is_refused_before_sending() {
    let recorder = Recorder::default();
    let client = graphql_client(&recorder, Value::Null);
    for request in [
        PatchRequest {
            settings: PodSettings { name: Some("new".to_owned()), ..patch_request().settings },
            ..patch_request()
        },
        PatchRequest {
            settings: PodSettings { locked: Some(Some(true)), ..patch_request().settings },
            ..patch_request()
        },
        PatchRequest {
            settings: PodSettings { global_networking: Some(true), ..patch_request().settings },
            ..patch_request()
        },
        PatchRequest {
            settings: PodSettings { storage: Some(Storage::None), ..patch_request().settings },
            ..patch_request()
        },
    ] {
        let error = run(client.update_pod(&request)).unwrap_err();
        assert_eq!(error.certainty, Certainty::Rejected(Rejection::Invalid));
    }
    assert_eq!(recorder.seen(), []);
}

#[test]
fn calls_have_the_documented_fields_and_variables() {
    let recorder = Recorder::default();
    let log = recorder.clone();
    let client = recorder.client_of(Api::Graphql, move |_| {
        let query = log.seen().last().unwrap().body["query"].as_str().unwrap().to_owned();
        let volume = json!({ "id": "v1", "name": "models", "size": 100, "dataCenterId": "EU-RO-1" });
        json_answer(
            200,
            &json!({ "data": match query.split_whitespace().nth(1).unwrap() {
                "Volumes" => json!({ "myself": { "networkVolumes": [volume] } }),
                name if name.starts_with("Pod(") => json!({ "pod": null }),
                name if name.starts_with("Start") => json!({ "podResume": { "id": "p1" } }),
                name if name.starts_with("Stop") => json!({ "podStop": { "id": "p1" } }),
                name if name.starts_with("DeleteVolume") => json!({ "deleteNetworkVolume": null }),
                name if name.starts_with("Delete") => json!({ "podTerminate": null }),
                name if name.starts_with("CreateVolume") => json!({ "createNetworkVolume": { "id": "v9" } }),
                _ => json!({ "updateNetworkVolume": { "id": "v1" } }),
            } }),
        )
    });
    let (pod, volume) = (PodId::new("p1"), VolumeId::new("v1"));
    let request = volume_request(&DataCenterId::new("EU-RO-1"), VolumeTier::Standard);
    run(async {
        assert_eq!(client.pod(&pod).await, Ok(None));
        client.start_pod(&pod, 2, None).await.unwrap();
        client.start_pod(&pod, 0, None).await.unwrap();
        client.stop_pod(&pod).await.unwrap();
        client.delete_pod(&pod).await.unwrap();
        assert_eq!(client.volume(&volume).await.unwrap().unwrap().size, Gigabytes(100));
        assert_eq!(client.volume(&VolumeId::new("v2")).await, Ok(None));
        assert_eq!(client.create_volume(&request).await, Ok(VolumeId::new("v9")));
        client.grow_volume(&volume, Gigabytes(200)).await.unwrap();
        client.delete_volume(&volume).await.unwrap();
    });
    let sent: Vec<Value> =
        recorder.seen().into_iter().map(|seen| seen.body["variables"]["input"].clone()).collect();
    let expected = [
        json!({ "podId": "p1" }),
        json!({ "podId": "p1", "gpuCount": 2 }),
        json!({ "podId": "p1" }),
        json!({ "podId": "p1" }),
        json!({ "podId": "p1" }),
        Value::Null,
        Value::Null,
        json!({ "name": "acme-models-01234567", "size": 100, "dataCenterId": "EU-RO-1" }),
        json!({ "id": "v1", "size": 200 }),
        json!({ "id": "v1" }),
    ];
    assert_eq!(sent, expected);
}

#[test]
fn a_pod_that_is_not_there_is_not_found_by_terminate() {
    let body = refusal("podTerminate", "pod not found to terminate", "POD_NOT_FOUND");
    let error = run(graphql_client(&Recorder::default(), body).delete_pod(&PodId::new("p1"))).unwrap_err();
    assert_eq!(error.certainty, Certainty::Rejected(Rejection::NotFound));
}

#[test]
fn the_catalog_takes_two_requests_for_all_questions() {
    let recorder = Recorder::default();
    let lowest = |level: Value| {
        json!({ "stockStatus": level, "gpuTypeDatacenters": [
        { "dataCenterId": "EU-RO-1", "availability": level }
    ] })
    };
    let first = json!({ "data": {
        "gpuTypes": [
            { "id": "NVIDIA L40S", "displayName": "L40S", "memoryInGb": 48, "securePrice": 0.86,
              "communityPrice": 0, "maxGpuCount": 8, "q0": lowest(json!("High")), "q1c0": null,
              "q1c1": lowest(json!("Low")) },
            { "id": "AMD Instinct MI300X OAM", "displayName": "MI300X", "memoryInGb": 192, "securePrice": null,
              "communityPrice": null, "maxGpuCount": null, "q0": lowest(Value::Null), "q1c0": null, "q1c1": null }
        ],
        "dataCenters": [{ "id": "EU-RO-1", "storageSupport": true, "globalNetwork": true }, { "id": "US-TX-3" }],
        "cpuFlavors": [{ "id": "cpu3c", "displayName": "Compute", "minVcpu": 2, "maxVcpu": 32, "ramMultiplier": 2 }]
    } });
    let second =
        json!({ "data": { "f0": [{ "specifics": { "stockStatus": "Medium", "securePrice": 0.06 } }] } });
    let (all, two) = (question(1, &[], CudaWish::Any), question(2, &["RO", "SE"], CudaWish::Any));
    let asked = BTreeSet::from([all.clone(), two.clone()]);
    let catalog =
        run(in_turn(&recorder, vec![first, second]).catalog(&asked, Timestamp::UNIX_EPOCH)).unwrap();

    let (l40s, mi300x) = (GpuTypeId::new("NVIDIA L40S"), GpuTypeId::new("AMD Instinct MI300X OAM"));
    assert_eq!(
        (catalog.gpu_stock[&all][&l40s].best, catalog.gpu_stock[&two][&l40s].best),
        (Stock::High, Stock::Low)
    );
    assert_eq!(catalog.gpu_stock[&all][&mi300x].best, Stock::None);
    assert_eq!((catalog.gpus[&mi300x].secure, catalog.gpus[&mi300x].max_count), (Price::Unknown, 8));
    let (id, cpu) = catalog.cpus.first_key_value().unwrap();
    assert_eq!((cpu.per_vcpu, catalog.cpu_stock[id].best), (Price::Known(Hourly(30_000)), Stock::Medium));
    assert_eq!(
        catalog.data_centers.values().map(|center| center.volume_tiers.len()).collect::<Vec<_>>(),
        [1, 0]
    );

    let [first, second] = recorder.seen().try_into().unwrap();
    let expected = json!({
        "q0": { "gpuCount": 1, "secureCloud": true },
        "q1c0": { "gpuCount": 2, "secureCloud": true, "countryCode": "RO" },
        "q1c1": { "gpuCount": 2, "secureCloud": true, "countryCode": "SE" }
    });
    assert_eq!(first.body["variables"], expected);
    assert_eq!(
        second.body["variables"],
        json!({ "f0": { "id": "cpu3c" }, "s0": { "instanceId": "cpu3c-2-4" } })
    );
}

#[test]
fn rest_v1_takes_its_catalog_from_graphql() {
    let recorder = Recorder::default();
    let empty = json!({ "data": { "gpuTypes": [], "dataCenters": [], "cpuFlavors": [] } });
    let client = recorder.client_of(Api::V1, move |_| json_answer(200, &empty));
    run(client.catalog(&BTreeSet::new(), Timestamp::UNIX_EPOCH)).unwrap();
    assert_eq!(recorder.lines(), ["POST /graphql"]);
}
