//! The requests of RunPod's own pages as they stand there: path, headers, key and the body to the letter, and answers of the shape that the
//! pages show. What the answers say is looked at in `graphql.rs` and `rest_v1.rs`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the pages are read from disk where they are, and a skip must be seen"
)]

use std::collections::BTreeMap;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use podform::simulator::world::money::HourlyPrice;
use podform::simulator::world::order::PodOrder;
use podform::simulator::world::pod::PodId;
use podform::simulator::{QuotaSetting, Settings, Simulation};
use serde_json::{Value, json};

use super::{Reply, call, reply, wait};
use crate::served::Place;

/// What a request of the page needs to be there.
enum Rental {
    Running,
    Stopped,
    StoppedSpot,
}

/// A request of the page on GraphQL: its heading there, the text after `--data`, and the output that is shown.
struct Operation {
    heading: &'static str,
    body: &'static str,
    output: &'static str,
    /// The pod that it names.
    before: Option<(&'static str, Rental)>,
}

const CREATE_ON_DEMAND_POD: Operation = Operation {
    heading: "Create On-Demand Pod",
    body: r#"{"query": "mutation { podFindAndDeployOnDemand( input: { cloudType: ALL, gpuCount: 1, volumeInGb: 40, containerDiskInGb: 40, minVcpuCount: 2, minMemoryInGb: 15, gpuTypeId: \"NVIDIA RTX A6000\", name: \"RunPod Tensorflow\", imageName: \"runpod/tensorflow\", dockerArgs: \"\", ports: \"8888/http\", volumeMountPath: \"/workspace\", env: [{ key: \"JUPYTER_PASSWORD\", value: \"rn51hunbpgtltcpac3ol\" }] } ) { id imageName env machineId machine { podHostId } } }"}"#,
    output: r#"{"data": {"podFindAndDeployOnDemand": {"id": "50qynxzilsxoey", "imageName": "runpod/tensorflow", "env": ["JUPYTER_PASSWORD=rn51hunbpgtltcpac3ol"], "machineId": "hpvdausak8xb", "machine": {"podHostId": "50qynxzilsxoey-64410065"}}}}"#,
    before: None,
};

const CREATE_SPOT_POD: Operation = Operation {
    heading: "Create Spot Pod",
    body: r#"{"query": "mutation { podRentInterruptable( input: { bidPerGpu: 0.2, cloudType: SECURE, gpuCount: 1, volumeInGb: 40, containerDiskInGb: 40, minVcpuCount: 2, minMemoryInGb: 15, gpuTypeId: \"NVIDIA RTX A6000\", name: \"RunPod Pytorch\", imageName: \"runpod/pytorch\", dockerArgs: \"\", ports: \"8888/http\", volumeMountPath: \"/workspace\", env: [{ key: \"JUPYTER_PASSWORD\", value: \"vunw9ybnzqwpia2795p2\" }] } ) { id imageName env machineId machine { podHostId } } }"}"#,
    output: r#"{"data": {"podRentInterruptable": {"id": "fkjbybgpwuvmhk", "imageName": "runpod/pytorch", "env": ["JUPYTER_PASSWORD=vunw9ybnzqwpia2795p2"], "machineId": "hpvdausak8xb", "machine": {"podHostId": "fkjbybgpwuvmhk-64410065"}}}}"#,
    before: None,
};

const START_ON_DEMAND_POD: Operation = Operation {
    heading: "Start On-Demand Pod",
    body: r#"{"query": "mutation { podResume( input: { podId: \"inzk6tzuz833h5\", gpuCount: 1 } ) { id desiredStatus imageName env machineId machine { podHostId } } }"}"#,
    output: r#"{"data": {"podResume": {"id": "inzk6tzuz833h5", "desiredStatus": "RUNNING", "imageName": "runpod/tensorflow", "env": ["JUPYTER_PASSWORD=ywm4c9r15j1x6gfrds5n"], "machineId": "hpvdausak8xb", "machine": {"podHostId": "inzk6tzuz833h5-64410065"}}}}"#,
    before: Some(("inzk6tzuz833h5", Rental::Stopped)),
};

const START_SPOT_POD: Operation = Operation {
    heading: "Start Spot Pod",
    body: r#"{"query": "mutation { podBidResume( input: { podId: \"d62t7qg9n5vtan\", bidPerGpu: 0.2, gpuCount: 1 } ) { id desiredStatus imageName env machineId machine { podHostId } } }"}"#,
    output: r#"{"data": {"podBidResume": {"id": "d62t7qg9n5vtan", "desiredStatus": "RUNNING", "imageName": "runpod/tensorflow", "env": ["JUPYTER_PASSWORD=vunw9ybnzqwpia2795p2"], "machineId": "hpvdausak8xb", "machine": {"podHostId": "d62t7qg9n5vtan-64410065"}}}}"#,
    before: Some(("d62t7qg9n5vtan", Rental::StoppedSpot)),
};

const STOP_POD: Operation = Operation {
    heading: "Stop Pods",
    body: r#"{"query": "mutation { podStop(input: {podId: \"riixlu8oclhp\"}) { id desiredStatus } }"}"#,
    output: r#"{"data": {"podStop": {"id": "riixlu8oclhp", "desiredStatus": "EXITED"}}}"#,
    before: Some(("riixlu8oclhp", Rental::Running)),
};

const LIST_ALL_PODS: Operation = Operation {
    heading: "List all Pods",
    body: r#"{"query": "query Pods { myself { pods { id name runtime { uptimeInSeconds ports { ip isIpPublic privatePort publicPort type } gpus { id gpuUtilPercent memoryUtilPercent } container { cpuPercent memoryPercent } } } } }"}"#,
    output: r#"{"data": {"myself": {"pods": [{"id": "ldl1dxirsim64n", "name": "RunPod Pytorch", "runtime": {"uptimeInSeconds": 3931, "ports": [{"ip": "100.65.0.101", "isIpPublic": false, "privatePort": 8888, "publicPort": 60141, "type": "http"}], "gpus": [{"id": "GPU-e0488b7e-6932-795b-a125-4472c16ea72c", "gpuUtilPercent": 0, "memoryUtilPercent": 0}], "container": {"cpuPercent": 0, "memoryPercent": 0}}}, {"id": "hpvdausak8xb00", "name": "hpvdausak8xb-BG", "runtime": {"uptimeInSeconds": 858937, "ports": null, "gpus": [{"id": "GPU-2630fe4d-a75d-a9ae-8c15-6866088dfae2", "gpuUtilPercent": 100, "memoryUtilPercent": 100}], "container": {"cpuPercent": 0, "memoryPercent": 1}}}]}}}"#,
    before: Some(("ldl1dxirsim64n", Rental::Running)),
};

const GET_POD_BY_ID: Operation = Operation {
    heading: "Get Pod by ID",
    body: r#"{"query": "query Pod { pod(input: {podId: \"ldl1dxirsim64n\"}) { id name runtime { uptimeInSeconds ports { ip isIpPublic privatePort publicPort type } gpus { id gpuUtilPercent memoryUtilPercent } container { cpuPercent memoryPercent } } } }"}"#,
    output: r#"{"data": {"pod": {"id": "ldl1dxirsim64n", "name": "RunPod Pytorch", "runtime": {"uptimeInSeconds": 11, "ports": [{"ip": "100.65.0.101", "isIpPublic": false, "privatePort": 8888, "publicPort": 60141, "type": "http"}], "gpus": [{"id": "GPU-e0488b7e-6932-795b-a125-4472c16ea72c", "gpuUtilPercent": 0, "memoryUtilPercent": 0}], "container": {"cpuPercent": 0, "memoryPercent": 0}}}}}"#,
    before: Some(("ldl1dxirsim64n", Rental::Running)),
};

const LIST_GPU_TYPES: Operation = Operation {
    heading: "List GPU types",
    body: r#"{"query": "query GpuTypes { gpuTypes { id displayName memoryInGb } }"}"#,
    output: r#"{"data": {"gpuTypes": [{"id": "NVIDIA GeForce RTX 3070", "displayName": "RTX 3070", "memoryInGb": 8}, {"id": "NVIDIA GeForce RTX 3080", "displayName": "RTX 3080", "memoryInGb": 10}, {"id": "NVIDIA RTX A6000", "displayName": "RTX A6000", "memoryInGb": 48}]}}"#,
    before: None,
};

const GET_GPU_TYPE_BY_ID: Operation = Operation {
    heading: "Get GPU Type by ID",
    body: r#"{"query": "query GpuTypes { gpuTypes(input: {id: \"NVIDIA GeForce RTX 3090\"}) { id displayName memoryInGb secureCloud communityCloud lowestPrice(input: {gpuCount: 1}) { minimumBidPrice uninterruptablePrice } } }"}"#,
    output: r#"{"data": {"gpuTypes": [{"id": "NVIDIA GeForce RTX 3090", "displayName": "RTX 3090", "memoryInGb": 24, "secureCloud": false, "communityCloud": true, "lowestPrice": {"minimumBidPrice": 0.163, "uninterruptablePrice": 0.3}}]}}"#,
    before: None,
};

/// The pod that the page on REST v1 shows.
const LISTED: &str = r#"[{"adjustedCostPerHr": 0.69, "aiApiId": null, "consumerUserId": "user_2PyTJrLzeuwfZilRZ7JhCQDuSqo", "containerDiskInGb": 50, "containerRegistryAuthId": "clzdaifot0001l90809257ynb", "costPerHr": "0.74", "cpuFlavorId": "cpu3c", "desiredStatus": "RUNNING", "dockerEntrypoint": ["<string>"], "dockerStartCmd": ["<string>"], "endpointId": null, "env": {"ENV_VAR": "value"}, "gpu": {"id": "<string>", "count": 1, "displayName": "<string>", "securePrice": 123, "communityPrice": 123, "oneMonthPrice": 123, "threeMonthPrice": 123, "sixMonthPrice": 123, "oneWeekPrice": 123, "communitySpotPrice": 123, "secureSpotPrice": 123}, "id": "xedezhzb9la3ye", "image": "runpod/pytorch:2.1.0-py3.10-cuda11.8.0-devel-ubuntu22.04", "interruptible": false, "lastStartedAt": "2024-07-12T19:14:40.144Z", "lastStatusChange": "Rented by User: Fri Jul 12 2024 15:14:40 GMT-0400 (Eastern Daylight Time)", "locked": false, "machine": {"minPodGpuCount": 123, "gpuTypeId": "<string>", "gpuType": {"id": "<string>", "count": 1, "displayName": "<string>", "securePrice": 123, "communityPrice": 123, "oneMonthPrice": 123, "threeMonthPrice": 123, "sixMonthPrice": 123, "oneWeekPrice": 123, "communitySpotPrice": 123, "secureSpotPrice": 123}, "cpuCount": 123, "cpuTypeId": "<string>", "cpuType": {"id": "<string>", "displayName": "<string>", "cores": 123, "threadsPerCore": 123, "groupId": "<string>"}, "location": "<string>", "dataCenterId": "<string>", "diskThroughputMBps": 123, "maxDownloadSpeedMbps": 123, "maxUploadSpeedMbps": 123, "supportPublicIp": true, "secureCloud": true, "maintenanceStart": "<string>", "maintenanceEnd": "<string>", "maintenanceNote": "<string>", "note": "<string>", "costPerHr": 123, "currentPricePerGpu": 123, "gpuAvailable": 123, "gpuDisplayName": "<string>"}, "machineId": "s194cr8pls2z", "memoryInGb": 62, "name": "<string>", "networkVolume": {"id": "agv6w2qcg7", "name": "my network volume", "size": 50, "dataCenterId": "EU-RO-1"}, "portMappings": {"22": 10341}, "ports": ["8888/http", "22/tcp"], "publicIp": "100.65.0.119", "savingsPlans": [{"costPerHr": 0.21, "endTime": "2024-07-12T19:14:40.144Z", "gpuTypeId": "NVIDIA GeForce RTX 4090", "id": "clkrb4qci0000mb09c7sualzo", "podId": "xedezhzb9la3ye", "startTime": "2024-05-12T19:14:40.144Z"}], "slsVersion": 0, "templateId": null, "vcpuCount": 24, "volumeEncrypted": false, "volumeInGb": 20, "volumeMountPath": "/workspace"}]"#;

/// The path of every request of the page, as curl sends `api.runpod.io/graphql?api_key=${YOUR_API_KEY}`: between braces it looks for a list of
/// words to send one after the other, finds one, and takes the braces away.
const PATH: &str = "/graphql?api_key=$YOUR_API_KEY";

/// Prices for spot pods were last seen before these were withdrawn, so an answer may lack them.
const MAY_BE_NULL: [&str; 1] = ["$.data.gpuTypes[].lowestPrice.minimumBidPrice"];

/// Tells where an answer has another shape than the one that is shown: other fields, or values of another type.
fn misfits(at: &str, shown: &Value, answer: &Value) -> Vec<String> {
    match (shown, answer) {
        (Value::Object(shown), Value::Object(answer)) => {
            let mut wrong: Vec<String> = shown
                .iter()
                .flat_map(|(key, shown)| match answer.get(key) {
                    Some(answer) => misfits(&format!("{at}.{key}"), shown, answer),
                    None => vec![format!("{at}.{key} is missing")],
                })
                .collect();
            let extra = answer.keys().filter(|key| !shown.contains_key(*key));
            wrong.extend(extra.map(|key| format!("{at}.{key} is not shown")));
            wrong
        }
        (Value::Array(shown), Value::Array(answer)) => {
            let at = format!("{at}[]");
            let fits_one =
                |item: &Value| shown.iter().map(|shown| misfits(&at, shown, item)).min_by_key(Vec::len);
            answer.iter().filter_map(fits_one).flatten().collect()
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => Vec::new(),
        (_, Value::Null) if MAY_BE_NULL.contains(&at) => Vec::new(),
        (Value::Null, Value::Null) => Vec::new(),
        _ => vec![format!("{at} is {answer}, shown is {shown}")],
    }
}

impl Operation {
    /// Sends the request as it stands there to a world that has the pod it names, and compares the shape of the answer.
    async fn check(&self) -> Value {
        let settings = Settings { quota: QuotaSetting::Unlimited, spot: true, ..Settings::default() };
        let simulation = Simulation::new(settings);
        let router = simulation.router();
        if let Some((id, rental)) = &self.before {
            make(&simulation, &router, id, rental).await;
        }
        let request = Request::post(PATH).header("content-type", "application/json");
        let answer = reply(&router, request.body(Body::from(self.body)).unwrap()).await;
        self.compare(&answer);
        answer.body
    }

    fn compare(&self, answer: &Reply) {
        let shown: Value = serde_json::from_str(self.output).unwrap();
        assert_eq!(answer.status, 200, "{}: {}", self.heading, answer.body);
        assert_eq!(
            misfits("$", &shown, &answer.body),
            [] as [String; 0],
            "{}: {}",
            self.heading,
            answer.body
        );
    }
}

async fn make(simulation: &Simulation, router: &Router, id: &str, rental: &Rental) {
    let mut order = PodOrder::gpu("RunPod Pytorch", "runpod/tensorflow", "NVIDIA RTX A6000");
    order.settings.env.insert("JUPYTER_PASSWORD".to_owned(), "ywm4c9r15j1x6gfrds5n".to_owned());
    order.settings.ports.push("8888/http".to_owned());
    order.bid = matches!(rental, Rental::StoppedSpot).then(|| HourlyPrice::from_usd(0.2));
    simulation.edit(|world| world.create_pod_as(PodId(id.to_owned()), order)).unwrap();
    wait(router, 45).await;
    match rental {
        Rental::Running => {}
        Rental::Stopped | Rental::StoppedSpot => {
            simulation.edit(|world| world.stop_pod(id)).unwrap();
        }
    }
}

#[tokio::test]
async fn create_on_demand_pod() {
    let made = CREATE_ON_DEMAND_POD.check().await;
    let pod = &made["data"]["podFindAndDeployOnDemand"];
    assert_eq!(pod["imageName"], "runpod/tensorflow");
    assert_eq!(pod["env"], json!(["JUPYTER_PASSWORD=rn51hunbpgtltcpac3ol"]));
}

#[tokio::test]
async fn create_spot_pod() {
    CREATE_SPOT_POD.check().await;
}

#[tokio::test]
async fn start_on_demand_pod() {
    let started = START_ON_DEMAND_POD.check().await;
    assert_eq!(started["data"]["podResume"]["id"], "inzk6tzuz833h5");
    assert_eq!(started["data"]["podResume"]["desiredStatus"], "RUNNING");
}

#[tokio::test]
async fn start_spot_pod() {
    let started = START_SPOT_POD.check().await;
    assert_eq!(started["data"]["podBidResume"]["desiredStatus"], "RUNNING");
}

#[tokio::test]
async fn stop_pod() {
    let shown: Value = serde_json::from_str(STOP_POD.output).unwrap();
    assert_eq!(STOP_POD.check().await, shown, "to the letter");
}

#[tokio::test]
async fn list_all_pods() {
    LIST_ALL_PODS.check().await;
}

#[tokio::test]
async fn get_pod_by_id() {
    assert_eq!(GET_POD_BY_ID.check().await["data"]["pod"]["name"], "RunPod Pytorch");
}

#[tokio::test]
async fn list_gpu_types() {
    let types = LIST_GPU_TYPES.check().await;
    let types = types["data"]["gpuTypes"].as_array().unwrap().clone();
    let a6000 = json!({ "id": "NVIDIA RTX A6000", "displayName": "RTX A6000", "memoryInGb": 48 });
    assert!(types.contains(&a6000), "{types:?}");
}

#[tokio::test]
async fn get_gpu_type_by_id() {
    let types = GET_GPU_TYPE_BY_ID.check().await;
    assert_eq!(types["data"]["gpuTypes"][0]["id"], "NVIDIA GeForce RTX 3090");
}

/// The pod of the page has everything at once, a GPU and a CPU flavor among it. So pods of both kinds are listed: no field of theirs may be one
/// that is not shown, and every field that is shown must be a field of one of them.
#[tokio::test]
async fn list_pods_over_rest_v1() {
    let router = Simulation::new(Settings { quota: QuotaSetting::Unlimited, ..Settings::default() }).router();
    let volume = json!({ "name": "models", "size": 50, "dataCenterId": "EU-RO-1" });
    let volume = call(&router, "POST", "/v1/networkvolumes", Some(volume)).await.body["id"].clone();
    for body in [
        json!({ "imageName": "ubuntu", "networkVolumeId": volume, "containerRegistryAuthId": "clzdaifot0001l90809257ynb" }),
        json!({ "imageName": "ubuntu", "computeType": "CPU", "containerDiskInGb": 10 }),
    ] {
        assert_eq!(call(&router, "POST", "/v1/pods", Some(body)).await.status, 201);
    }
    wait(&router, 45).await;
    let bare =
        Request::get("/v1/pods").header("authorization", "Bearer <token>").body(Body::empty()).unwrap();
    let bare = reply(&router, bare).await;
    assert_eq!((bare.status, bare.body.as_array().map(Vec::len)), (200, Some(2)));
    let parts = "/v1/pods?includeMachine=true&includeNetworkVolume=true&includeSavingsPlans=true";
    let full = call(&router, "GET", parts, None).await.body;
    let shown: Value = serde_json::from_str(LISTED).unwrap();
    let shown = shown[0].as_object().unwrap();
    let pods: Vec<_> = full.as_array().unwrap().iter().map(|pod| pod.as_object().unwrap()).collect();
    // What the page shows as null is a text by the document, and so is left out where there is none.
    let named = shown.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key);
    let unseen: Vec<_> = named.filter(|key| !pods.iter().any(|pod| pod.contains_key(*key))).collect();
    assert_eq!(unseen, [] as [&String; 0]);
    // The page does not show it, and live answers have it.
    let extra = |key: &&String| !shown.contains_key(*key) && *key != "networkVolumeId";
    let extra: Vec<_> = pods.iter().flat_map(|pod| pod.keys()).filter(extra).collect();
    assert_eq!(extra, [] as [&String; 0]);
}

const PAGE: [&Operation; 9] = [
    &CREATE_ON_DEMAND_POD,
    &CREATE_SPOT_POD,
    &START_ON_DEMAND_POD,
    &START_SPOT_POD,
    &STOP_POD,
    &LIST_ALL_PODS,
    &GET_POD_BY_ID,
    &LIST_GPU_TYPES,
    &GET_GPU_TYPE_BY_ID,
];

#[test]
fn every_request_of_the_page_is_sent() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/seeds/runpod-graphql-manage-pods.md");
    let Ok(page) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there, so what is sent is not compared with it", path.display());
        return;
    };
    let there: Vec<&str> = page
        .split("--data '")
        .skip(1)
        .filter_map(|rest| rest.split_once("'\n"))
        .map(|(body, _)| body)
        .collect();
    assert_eq!(there, PAGE.map(|operation| operation.body));
}

/// The page from its beginning to its end against a simulator that somebody else serves, with the ids that it gives.
#[test]
fn the_page_is_answered_over_a_socket() {
    let place = Place::serve(&["--spot", "--speed", "200"]);
    let send = |operation: &Operation, id: &str| {
        let named = operation.before.as_ref().map_or("", |(named, _)| named);
        let body =
            if named.is_empty() { operation.body.to_owned() } else { operation.body.replace(named, id) };
        let (status, body) = place.request("POST", PATH, &body);
        let answer = Reply { status, headers: BTreeMap::new(), body };
        operation.compare(&answer);
        answer.body
    };
    let id = |made: &Value, field: &str| made["data"][field]["id"].as_str().unwrap().to_owned();
    let pod = id(&send(&CREATE_ON_DEMAND_POD, ""), "podFindAndDeployOnDemand");
    let spot = id(&send(&CREATE_SPOT_POD, ""), "podRentInterruptable");
    // Until both containers report.
    (0..60).for_each(|_| drop(place.request("GET", "/v1/pods", "")));
    send(&LIST_ALL_PODS, "");
    send(&GET_POD_BY_ID, &pod);
    send(&STOP_POD, &pod);
    send(&STOP_POD, &spot);
    send(&START_ON_DEMAND_POD, &pod);
    send(&START_SPOT_POD, &spot);
    send(&LIST_GPU_TYPES, "");
    send(&GET_GPU_TYPE_BY_ID, "");
}
