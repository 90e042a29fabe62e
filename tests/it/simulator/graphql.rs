//! The simulator over GraphQL: every request of RunPod's own page as it stands there, other clients' forms, and what does not fit.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use podform::simulator::world::order::PodOrder;
use podform::simulator::world::pod::PodId;
use podform::simulator::{QuotaSetting, Settings, Simulation};
use serde_json::{Value, json};

use super::{Reply, call, pretty, reply, short, wait};

fn api(spot: bool) -> (Simulation, Router) {
    let simulation =
        Simulation::new(Settings { quota: QuotaSetting::Unlimited, spot, ..Settings::default() });
    let router = simulation.router();
    (simulation, router)
}

/// Sends a query in the way of RunPod's page: the key in the URL, every argument in the query.
async fn page(router: &Router, query: &str) -> Reply {
    let request = Request::post("/graphql?api_key=$%7BYOUR_API_KEY%7D")
        .header("content-type", "application/json")
        .body(Body::from(json!({ "query": query }).to_string()))
        .unwrap();
    reply(router, request).await
}

/// Sends a query in the way of newer clients: the key in a header, the arguments as variables.
async fn modern(router: &Router, query: &str, variables: Value) -> Reply {
    call(router, "POST", "/graphql", Some(json!({ "query": query, "variables": variables }))).await
}

/// Puts a pod of a given identifier into the world and lets it come up.
async fn existing(simulation: &Simulation, router: &Router, id: &str, bid: bool) {
    let mut order = PodOrder::gpu("RunPod Pytorch", "runpod/tensorflow", "NVIDIA RTX A6000");
    order.settings.env.insert("JUPYTER_PASSWORD".to_owned(), "ywm4c9r15j1x6gfrds5n".to_owned());
    order.settings.ports.push("8888/http".to_owned());
    order.bid = bid.then(|| podform::simulator::world::money::HourlyPrice::from_usd(0.2));
    simulation.edit(|world| world.create_pod_as(PodId(id.to_owned()), order)).unwrap();
    wait(router, 45).await;
}

#[tokio::test]
async fn create_on_demand_pod() {
    let (_, router) = api(false);
    let made = page(&router, r#"mutation { podFindAndDeployOnDemand( input: { cloudType: ALL, gpuCount: 1, volumeInGb: 40, containerDiskInGb: 40, minVcpuCount: 2, minMemoryInGb: 15, gpuTypeId: "NVIDIA RTX A6000", name: "RunPod Tensorflow", imageName: "runpod/tensorflow", dockerArgs: "", ports: "8888/http", volumeMountPath: "/workspace", env: [{ key: "JUPYTER_PASSWORD", value: "rn51hunbpgtltcpac3ol" }] } ) { id imageName env machineId machine { podHostId } } }"#).await;
    insta::assert_snapshot!(short(&made), @r#"200 {"data":{"podFindAndDeployOnDemand":{"env":["JUPYTER_PASSWORD=rn51hunbpgtltcpac3ol"],"id":"jnl4jkwjt9j0jv","imageName":"runpod/tensorflow","machine":{"podHostId":"jnl4jkwjt9j0jv-9f58347f"},"machineId":"ctgcccj1udll"}}}"#);
}

const SPOT: &str = r#"mutation { podRentInterruptable( input: { bidPerGpu: 0.2, cloudType: SECURE, gpuCount: 1, volumeInGb: 40, containerDiskInGb: 40, minVcpuCount: 2, minMemoryInGb: 15, gpuTypeId: "NVIDIA RTX A6000", name: "RunPod Pytorch", imageName: "runpod/pytorch", dockerArgs: "", ports: "8888/http", volumeMountPath: "/workspace", env: [{ key: "JUPYTER_PASSWORD", value: "vunw9ybnzqwpia2795p2" }] } ) { id imageName env machineId machine { podHostId } } }"#;

#[tokio::test]
async fn create_spot_pod() {
    let (_, offered) = api(true);
    let (_, withdrawn) = api(false);
    insta::assert_snapshot!(short(&page(&offered, SPOT).await), @r#"200 {"data":{"podRentInterruptable":{"env":["JUPYTER_PASSWORD=vunw9ybnzqwpia2795p2"],"id":"247q3jt0askr5k","imageName":"runpod/pytorch","machine":{"podHostId":"247q3jt0askr5k-317a3115"},"machineId":"blyx5vmd33mu"}}}"#);
    insta::assert_snapshot!(short(&page(&withdrawn, SPOT).await), @r#"200 {"data":{"podRentInterruptable":null},"errors":[{"extensions":{"code":"RUNPOD"},"message":"Spot pods are no longer offered","path":["podRentInterruptable"]}]}"#);
}

#[tokio::test]
async fn start_on_demand_pod() {
    let (simulation, router) = api(false);
    existing(&simulation, &router, "inzk6tzuz833h5", false).await;
    page(&router, r#"mutation { podStop(input: {podId: "inzk6tzuz833h5"}) { id desiredStatus } }"#).await;
    let query = r#"mutation { podResume( input: { podId: "inzk6tzuz833h5", gpuCount: 1 } ) { id desiredStatus imageName env machineId machine { podHostId } } }"#;
    insta::assert_snapshot!(short(&page(&router, query).await), @r#"200 {"data":{"podResume":{"desiredStatus":"RUNNING","env":["JUPYTER_PASSWORD=ywm4c9r15j1x6gfrds5n"],"id":"inzk6tzuz833h5","imageName":"runpod/tensorflow","machine":{"podHostId":"inzk6tzuz833h5-80d56ec7"},"machineId":"cm0fo9cw4p7i"}}}"#);
}

#[tokio::test]
async fn start_spot_pod() {
    let (simulation, router) = api(true);
    existing(&simulation, &router, "d62t7qg9n5vtan", true).await;
    page(&router, r#"mutation { podStop(input: {podId: "d62t7qg9n5vtan"}) { id } }"#).await;
    let wrong =
        page(&router, r#"mutation { podResume(input: {podId: "d62t7qg9n5vtan", gpuCount: 1}) { id } }"#)
            .await;
    insta::assert_snapshot!(short(&wrong), @r#"200 {"data":{"podResume":null},"errors":[{"extensions":{"code":"RUNPOD"},"message":"Cannot resume a spot pod as an on demand pod.","path":["podResume"]}]}"#);
    let query = r#"mutation { podBidResume( input: { podId: "d62t7qg9n5vtan", bidPerGpu: 0.2, gpuCount: 1 } ) { id desiredStatus imageName env machineId machine { podHostId } } }"#;
    insta::assert_snapshot!(short(&page(&router, query).await), @r#"200 {"data":{"podBidResume":{"desiredStatus":"RUNNING","env":["JUPYTER_PASSWORD=ywm4c9r15j1x6gfrds5n"],"id":"d62t7qg9n5vtan","imageName":"runpod/tensorflow","machine":{"podHostId":"d62t7qg9n5vtan-9fd5ca8c"},"machineId":"ita9rs78z72v"}}}"#);
}

#[tokio::test]
async fn stop_pod() {
    let (simulation, router) = api(false);
    existing(&simulation, &router, "riixlu8oclhp", false).await;
    let query = r#"mutation { podStop(input: {podId: "riixlu8oclhp"}) { id desiredStatus } }"#;
    let stopped = r#"200 {"data":{"podStop":{"desiredStatus":"EXITED","id":"riixlu8oclhp"}}}"#;
    assert_eq!(short(&page(&router, query).await), stopped);
    assert_eq!(short(&page(&router, query).await), stopped, "stopping twice is the same");
}

#[tokio::test]
async fn list_all_pods() {
    let (simulation, router) = api(false);
    existing(&simulation, &router, "ldl1dxirsim64n", false).await;
    let query = "query Pods { myself { pods { id name runtime { uptimeInSeconds ports { ip isIpPublic privatePort publicPort type } gpus { id gpuUtilPercent memoryUtilPercent } container { cpuPercent memoryPercent } } } } }";
    insta::assert_snapshot!(pretty(&page(&router, query).await.body), @r#"
    {
      "data": {
        "myself": {
          "pods": [
            {
              "id": "ldl1dxirsim64n",
              "name": "RunPod Pytorch",
              "runtime": {
                "container": {
                  "cpuPercent": 81,
                  "memoryPercent": 35
                },
                "gpus": [
                  {
                    "gpuUtilPercent": 29,
                    "id": "GPU-8cb28762-37a1-a566-5a73-b24769cfd8e2",
                    "memoryUtilPercent": 67
                  }
                ],
                "ports": [
                  {
                    "ip": "100.65.18.101",
                    "isIpPublic": false,
                    "privatePort": 8888,
                    "publicPort": 59593,
                    "type": "http"
                  }
                ],
                "uptimeInSeconds": 15
              }
            }
          ]
        }
      }
    }
    "#);
}

#[tokio::test]
async fn get_pod_by_id() {
    let (simulation, router) = api(false);
    existing(&simulation, &router, "ldl1dxirsim64n", false).await;
    let query = r#"query Pod { pod(input: {podId: "ldl1dxirsim64n"}) { id name runtime { uptimeInSeconds ports { ip isIpPublic privatePort publicPort type } gpus { id gpuUtilPercent memoryUtilPercent } container { cpuPercent memoryPercent } } } }"#;
    let pod = page(&router, query).await.body["data"]["pod"].clone();
    let list =
        page(&router, "{ myself { pods { id name } } }").await.body["data"]["myself"]["pods"][0].clone();
    assert_eq!((&pod["id"], &pod["name"]), (&list["id"], &list["name"]));
    assert_eq!(pod["runtime"]["ports"][0]["privatePort"], 8888);
    let nobody = page(&router, r#"query Pod { pod(input: {podId: "nobody"}) { id } }"#).await;
    assert_eq!(short(&nobody), r#"200 {"data":{"pod":null}}"#, "null without an error");
}

#[tokio::test]
async fn list_gpu_types() {
    let (_, router) = api(false);
    let types = page(&router, "query GpuTypes { gpuTypes { id displayName memoryInGb } }").await.body;
    let types = types["data"]["gpuTypes"].as_array().unwrap();
    assert_eq!(types.len(), 47);
    assert!(
        types.contains(&json!({ "id": "NVIDIA RTX A6000", "displayName": "RTX A6000", "memoryInGb": 48 }))
    );
}

#[tokio::test]
async fn get_gpu_type_by_id() {
    let (_, router) = api(false);
    let query = r#"query GpuTypes { gpuTypes(input: {id: "NVIDIA GeForce RTX 3090"}) { id displayName memoryInGb secureCloud communityCloud lowestPrice(input: {gpuCount: 1}) { minimumBidPrice uninterruptablePrice } } }"#;
    insta::assert_snapshot!(short(&page(&router, query).await), @r#"200 {"data":{"gpuTypes":[{"communityCloud":true,"displayName":"RTX 3090","id":"NVIDIA GeForce RTX 3090","lowestPrice":{"minimumBidPrice":null,"uninterruptablePrice":0.22},"memoryInGb":24,"secureCloud":true}]}}"#);
    let none = page(&router, r#"{ gpuTypes(input: {id: "NVIDIA Z1"}) { id } }"#).await;
    assert_eq!(short(&none), r#"200 {"data":{"gpuTypes":[]}}"#);
}

const CREATE: &str = "mutation CreatePod($input: PodFindAndDeployOnDemandInput) { podFindAndDeployOnDemand(input: $input) { id desiredStatus costPerHr ports env } }";

#[tokio::test]
async fn terminate_and_edit_with_variables() {
    let (_, router) = api(false);
    let input = json!({
        "name": "edit", "imageName": "ubuntu", "dockerArgs": "", "gpuTypeIdList": ["NVIDIA B200", "NVIDIA L4"],
        "cloudType": "SECURE", "ports": "8000/http, 22/tcp", "volumeInGb": 20, "startSsh": true,
    });
    let made =
        modern(&router, CREATE, json!({ "input": input })).await.body["data"]["podFindAndDeployOnDemand"]
            .clone();
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["ports"], &made["costPerHr"]), (&json!("8000/http,22/tcp"), &json!(0.49)));
    assert!(made["env"][0].as_str().unwrap().starts_with("PUBLIC_KEY=ssh-ed25519 "));
    wait(&router, 45).await;
    let edit = "mutation ($input: PodEditJobInput!) { podEditJob(input: $input) { imageName dockerArgs env volumeInGb containerDiskInGb runtime { uptimeInSeconds } } }";
    let input = json!({
        "podId": id, "imageName": "ubuntu:25.04", "containerDiskInGb": 30, "volumeInGb": 40, "env": [{ "key": "A", "value": "b=c" }],
        "dockerArgs": "{\"cmd\":[\"sleep\",\"1 d\"],\"entrypoint\":[\"/bin/sh\"]}",
    });
    insta::assert_snapshot!(short(&modern(&router, edit, json!({ "input": input })).await), @r#"200 {"data":{"podEditJob":{"containerDiskInGb":30,"dockerArgs":"{\"cmd\":[\"sleep\",\"1 d\"],\"entrypoint\":[\"/bin/sh\"]}","env":["A=b=c"],"imageName":"ubuntu:25.04","runtime":null,"volumeInGb":40}}}"#);
    let terminate = "mutation ($id: String!) { podTerminate(input: {podId: $id}) }";
    let done = modern(&router, terminate, json!({ "id": id })).await;
    assert_eq!(short(&done), r#"200 {"data":{"podTerminate":null}}"#);
    insta::assert_snapshot!(short(&modern(&router, terminate, json!({ "id": id })).await), @r#"200 {"data":{"podTerminate":null},"errors":[{"extensions":{"code":"POD_NOT_FOUND"},"message":"pod not found to terminate","path":["podTerminate"]}]}"#);
}

#[tokio::test]
async fn cpu_pods_and_network_volumes() {
    let (_, router) = api(false);
    let create = r#"mutation { createNetworkVolume(input: {name: "models", size: 50, dataCenterId: "EU-RO-1"}) { id name size dataCenterId __typename } }"#;
    let volume = page(&router, create).await.body["data"]["createNetworkVolume"].clone();
    let id = volume["id"].as_str().unwrap();
    let deploy = "mutation ($input: deployCpuPodInput!) { pod: deployCpuPod(input: $input) { id cpuFlavorId vcpuCount memoryInGb containerDiskInGb networkVolumeId machine { dataCenterId } } }";
    let input =
        json!({ "instanceId": "cpu5c-4-8", "imageName": "ubuntu", "dockerArgs": "", "networkVolumeId": id });
    let pod = modern(&router, deploy, json!({ "input": input })).await.body;
    let over = json!({ "instanceId": "cpu3c-2-4", "imageName": "ubuntu", "dockerArgs": "", "containerDiskInGb": 50 });
    let grow = format!(r#"mutation {{ updateNetworkVolume(input: {{id: "{id}", size: 60}}) {{ size }} }}"#);
    let delete = format!(r#"mutation {{ deleteNetworkVolume(input: {{id: "{id}"}}) }}"#);
    let seen = [
        volume.to_string(),
        pod.to_string(),
        short(&modern(&router, deploy, json!({ "input": over })).await),
        short(&page(&router, &grow).await),
        short(&page(&router, &delete).await),
    ];
    insta::assert_snapshot!(seen.join("\n"), @r#"
    {"__typename":"NetworkVolume","dataCenterId":"EU-RO-1","id":"yaokuoqhb0","name":"models","size":50}
    {"data":{"pod":{"containerDiskInGb":10,"cpuFlavorId":"cpu5c","id":"zhirgk1nd94nia","machine":{"dataCenterId":"EU-RO-1"},"memoryInGb":8,"networkVolumeId":"yaokuoqhb0","vcpuCount":4}}}
    200 {"data":{"pod":null},"errors":[{"extensions":{"code":"RUNPOD"},"message":"Container Disk must be less than or equal to 20 GB for this instance","path":["pod"]}]}
    200 {"data":{"updateNetworkVolume":{"size":60}}}
    200 {"data":{"deleteNetworkVolume":null},"errors":[{"extensions":{"code":"RUNPOD"},"message":"Network volume is in use.","path":["deleteNetworkVolume"]}]}
    "#);
}

#[tokio::test]
async fn what_the_world_refuses_is_status_200() {
    let (simulation, router) = api(false);
    let gpu = |gpu: &str| json!({ "input": { "imageName": "ubuntu", "dockerArgs": "", "gpuTypeId": gpu } });
    let mut seen = vec![short(&modern(&router, CREATE, gpu("NVIDIA B200")).await)];
    let mut silent = gpu("NVIDIA L4");
    silent["input"].as_object_mut().unwrap().remove("dockerArgs");
    seen.push(short(&modern(&router, CREATE, silent).await));
    existing(&simulation, &router, "fullhost", false).await;
    page(&router, r#"mutation { podStop(input: {podId: "fullhost"}) { id } }"#).await;
    let host = simulation.inspect(|world| world.all_pods().next().unwrap().host.clone());
    simulation.edit(|world| world.fill_host(&host));
    seen.push(short(&page(&router, r#"mutation { podResume(input: {podId: "fullhost"}) { id } }"#).await));
    simulation.edit(|world| world.set_balance(1_000));
    seen.push(short(&modern(&router, CREATE, gpu("NVIDIA L4")).await));
    simulation.set_faults("create=done-but-500".parse().unwrap());
    simulation.edit(|world| world.set_balance(1_000_000_000));
    seen.push(short(&modern(&router, CREATE, gpu("NVIDIA L4")).await));
    insta::assert_snapshot!(seen.join("\n"), @r#"
    200 {"data":{"podFindAndDeployOnDemand":null},"errors":[{"extensions":{"code":"RUNPOD"},"message":"There are no longer any instances available with the requested specifications. Please refresh and try again.","path":["podFindAndDeployOnDemand"]}]}
    200 {"data":{"podFindAndDeployOnDemand":null},"errors":[{"extensions":{"code":"INTERNAL_SERVER_ERROR"},"message":"Something went wrong. Please try again later or contact support.","path":["podFindAndDeployOnDemand"]}]}
    200 {"data":{"podResume":null},"errors":[{"extensions":{"code":"RUNPOD"},"message":"There are not enough free GPUs on the host machine to start this pod.","path":["podResume"]}]}
    200 {"data":{"podFindAndDeployOnDemand":null},"errors":[{"extensions":{"code":"RUNPOD"},"message":"Your account balance is too low to rent a pod. Please add funds to your account.","path":["podFindAndDeployOnDemand"]}]}
    200 {"data":{"podFindAndDeployOnDemand":null},"errors":[{"extensions":{"code":"INTERNAL_SERVER_ERROR"},"message":"Something went wrong. Please try again later or contact support.","path":["podFindAndDeployOnDemand"]}]}
    "#);
    assert_eq!(simulation.inspect(|world| world.all_pods().count()), 2, "the last one is done all the same");
}

#[tokio::test]
async fn what_does_not_fit_is_status_400() {
    let (_, router) = api(false);
    let mut seen = vec![];
    for query in [
        "{ myself { id ",
        "",
        "{ myself }",
        "{ myself { id { x } } }",
        "{ myself { nothing } }",
        "{ pod(input: {podId: 5}) { id } }",
        "{ pod(input: {}) { id } }",
        "{ pod(input: {podId: $id}) { id } }",
        "{ pod(podId: \"x\") { id } }",
        "{ __schema { types { name } } }",
        "mutation { podResume(input: {podId: \"x\", allowedCudaVersions: [\"12.8\"]}) { id } }",
        "mutation { podStop { id } }",
        "mutation { podFindAndDeployOnDemand(input: {cloudType: \"ALL\"}) { id } }",
        "mutation { podFindAndDeployOnDemand(input: {cloudType: BOTH}) { id } }",
        "mutation { podFindAndDeployOnDemand(input: {gpuCount: 1.5}) { id } }",
        "query A { myself { id } } query B { myself { id } }",
        "{ myself { ...Missing } }",
        "fragment Loop on User { ...Loop } { myself { ...Loop } }",
        "{ myself { id @upper } }",
        "subscription { pods }",
    ] {
        seen.push(format!("{query}\n    {}", short(&page(&router, query).await)));
    }
    for (query, variables) in [
        (CREATE, json!({ "input": { "gpuCount": "one" } })),
        (CREATE, json!({ "input": { "cloudType": "BOTH" } })),
        (CREATE, json!({ "input": { "colour": "red" } })),
        ("query ($id: String!) { pod(input: {podId: $id}) { id } }", json!({})),
        ("query ($id: Nothing) { pod(input: {podId: $id}) { id } }", json!({})),
    ] {
        seen.push(format!(
            "{query} {variables}\n    {}",
            short(&modern(&router, query, variables.clone()).await)
        ));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    { myself { id 
        400 {"errors":[{"extensions":{"code":"GRAPHQL_PARSE_FAILED"},"message":"Syntax Error: query parse error: Parse error at 1:15 Unexpected end of input Expected }"}]}

        400 {"errors":[{"extensions":{"code":"GRAPHQL_PARSE_FAILED"},"message":"Syntax Error: query parse error: Parse error at 1:1 Unexpected end of input Expected {, query, mutation, subscription or fragment"}]}
    { myself }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Field \"myself\" of type \"User\" must have a selection of subfields. Did you mean \"myself { ... }\"?"}]}
    { myself { id { x } } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Field \"id\" must not have a selection since type \"String\" has no subfields."}]}
    { myself { nothing } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Cannot query field \"nothing\" on type \"User\"."}]}
    { pod(input: {podId: 5}) { id } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"String cannot represent a non string value: 5"}]}
    { pod(input: {}) { id } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Field \"PodFilter.podId\" of required type \"String!\" was not provided."}]}
    { pod(input: {podId: $id}) { id } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Variable \"$id\" is not defined."}]}
    { pod(podId: "x") { id } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Unknown argument \"podId\" on field \"Query.pod\"."}]}
    { __schema { types { name } } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"GraphQL introspection is not allowed by Apollo Server, but the query contained __schema."}]}
    mutation { podResume(input: {podId: "x", allowedCudaVersions: ["12.8"]}) { id } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Field \"allowedCudaVersions\" is not defined by type \"PodResumeInput\"."}]}
    mutation { podStop { id } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Field \"podStop\" argument \"input\" of type \"PodStopInput!\" is required, but it was not provided."}]}
    mutation { podFindAndDeployOnDemand(input: {cloudType: "ALL"}) { id } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Enum \"CloudTypeEnum\" cannot represent non-enum value: \"ALL\"."}]}
    mutation { podFindAndDeployOnDemand(input: {cloudType: BOTH}) { id } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Value \"BOTH\" does not exist in \"CloudTypeEnum\" enum."}]}
    mutation { podFindAndDeployOnDemand(input: {gpuCount: 1.5}) { id } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Int cannot represent non-integer value: 1.5"}]}
    query A { myself { id } } query B { myself { id } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Must provide operation name if query contains multiple operations."}]}
    { myself { ...Missing } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Unknown fragment \"Missing\"."}]}
    fragment Loop on User { ...Loop } { myself { ...Loop } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Cannot spread fragment \"Loop\" within itself."}]}
    { myself { id @upper } }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Unknown directive \"@upper\"."}]}
    subscription { pods }
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Schema is not configured to execute subscription operation."}]}
    mutation CreatePod($input: PodFindAndDeployOnDemandInput) { podFindAndDeployOnDemand(input: $input) { id desiredStatus costPerHr ports env } } {"input":{"gpuCount":"one"}}
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Variable \"$input\" got invalid value {\"gpuCount\":\"one\"} at \"input.gpuCount\"; Int cannot represent non-integer value: \"one\""}]}
    mutation CreatePod($input: PodFindAndDeployOnDemandInput) { podFindAndDeployOnDemand(input: $input) { id desiredStatus costPerHr ports env } } {"input":{"cloudType":"BOTH"}}
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Variable \"$input\" got invalid value {\"cloudType\":\"BOTH\"} at \"input.cloudType\"; Value \"BOTH\" does not exist in \"CloudTypeEnum\" enum."}]}
    mutation CreatePod($input: PodFindAndDeployOnDemandInput) { podFindAndDeployOnDemand(input: $input) { id desiredStatus costPerHr ports env } } {"input":{"colour":"red"}}
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Variable \"$input\" got invalid value {\"colour\":\"red\"}; Field \"colour\" is not defined by type \"PodFindAndDeployOnDemandInput\"."}]}
    query ($id: String!) { pod(input: {podId: $id}) { id } } {}
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Variable \"$id\" of required type \"String!\" was not provided."}]}
    query ($id: Nothing) { pod(input: {podId: $id}) { id } } {}
        400 {"errors":[{"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"},"message":"Unknown type \"Nothing\"."}]}
    "#);
}

#[tokio::test]
async fn aliases_fragments_and_directives_work() {
    let (simulation, router) = api(false);
    existing(&simulation, &router, "aliases", false).await;
    let query = "query Both($deep: Boolean = false, $ids: [String]) {
        first: gpuTypes(input: {ids: $ids}) { name: id __typename ... on GpuType { displayName } }
        myself { ...Account pods { id @skip(if: true) machine @include(if: $deep) { location } } }
    }
    fragment Account on User { currency: clientBalance pods { desiredStatus } }
    query Other { countryCodes }";
    let body = json!({ "query": query, "variables": { "ids": "NVIDIA L4" }, "operationName": "Both" });
    let answer = call(&router, "POST", "/graphql", Some(body)).await;
    let pods = &answer.body["data"]["myself"]["pods"];
    assert_eq!(pods, &json!([{ "desiredStatus": "RUNNING" }]));
    assert_eq!(
        answer.body["data"]["first"],
        json!([{ "name": "NVIDIA L4", "__typename": "GpuType", "displayName": "L4" }])
    );
    assert!(answer.body["data"]["myself"]["currency"].is_number());
}

#[tokio::test]
async fn only_the_catalog_is_public() {
    let (_, router) = api(false);
    let anonymous = async |query: &str| {
        let body = Body::from(json!({ "query": query }).to_string());
        short(&reply(&router, Request::post("/graphql").body(body).unwrap()).await)
    };
    assert_eq!(
        anonymous("{ gpuTypes(input: {id: \"NVIDIA L4\"}) { id } }").await,
        r#"200 {"data":{"gpuTypes":[{"id":"NVIDIA L4"}]}}"#
    );
    let refused = r#"401 {"errors":[{"extensions":{"code":"UNAUTHENTICATED"},"message":"Unauthorized"}]}"#;
    assert_eq!(anonymous("{ myself { id } }").await, refused);
    assert_eq!(anonymous("{ gpuTypes { id } myself { id } }").await, refused);
    let strict = Simulation::new(Settings { key: Some("right".to_owned()), ..Settings::default() }).router();
    assert_eq!(short(&page(&strict, "{ myself { id } }").await), refused);
    assert_eq!(call(&router, "GET", "/graphql", None).await.status, 405);
}

#[tokio::test]
async fn the_runtime_of_a_stopped_pod_lingers() {
    let (simulation, router) = api(false);
    existing(&simulation, &router, "lingers", false).await;
    let read = "{ pod(input: {podId: \"lingers\"}) { desiredStatus runtime { ports { privatePort } } } }";
    page(&router, r#"mutation { podStop(input: {podId: "lingers"}) { id } }"#).await;
    let stale = page(&router, read).await.body;
    wait(&router, 10).await;
    let later = page(&router, read).await.body;
    assert_eq!(
        stale["data"]["pod"],
        json!({ "desiredStatus": "EXITED", "runtime": { "ports": [{ "privatePort": 8888 }] } })
    );
    assert_eq!(later["data"]["pod"], json!({ "desiredStatus": "EXITED", "runtime": null }));
}

#[tokio::test]
async fn stock_and_prices_answer_their_arguments() {
    let (_, router) = api(false);
    let query = "query ($input: GpuLowestPriceInput) { gpuTypes(input: {ids: [\"NVIDIA L40S\", \"NVIDIA B200\", \"NVIDIA H200\"]}) { id secureCloud securePrice maxGpuCountSecureCloud lowestPrice(input: $input) { stockStatus uninterruptablePrice maxUnreservedGpuCount gpuTypeDatacenters { dataCenterId availability } } } }";
    let input = json!({ "input": { "gpuCount": 2, "secureCloud": true, "countryCode": "RO", "minCudaVersion": "12.8" } });
    insta::assert_snapshot!(short(&modern(&router, query, input).await), @r#"200 {"data":{"gpuTypes":[{"id":"NVIDIA B200","lowestPrice":{"gpuTypeDatacenters":[{"availability":null,"dataCenterId":"EU-RO-1"}],"maxUnreservedGpuCount":0,"stockStatus":null,"uninterruptablePrice":6.79},"maxGpuCountSecureCloud":8,"secureCloud":true,"securePrice":6.79},{"id":"NVIDIA H200","lowestPrice":{"gpuTypeDatacenters":[],"maxUnreservedGpuCount":0,"stockStatus":null,"uninterruptablePrice":null},"maxGpuCountSecureCloud":8,"secureCloud":true,"securePrice":4.59},{"id":"NVIDIA L40S","lowestPrice":{"gpuTypeDatacenters":[{"availability":"Medium","dataCenterId":"EU-RO-1"}],"maxUnreservedGpuCount":14,"stockStatus":"Medium","uninterruptablePrice":null},"maxGpuCountSecureCloud":8,"secureCloud":true,"securePrice":null}]}}"#);
    let flavors = page(&router, r#"{ cpuFlavors(input: {id: "cpu5c"}) { id ramMultiplier diskLimitPerVcpu specifics(input: {instanceId: "cpu5c-4-8", dataCenterId: "EU-RO-1"}) { stockStatus securePrice slsPrice } } }"#).await;
    insta::assert_snapshot!(short(&flavors), @r#"200 {"data":{"cpuFlavors":[{"diskLimitPerVcpu":15,"id":"cpu5c","ramMultiplier":2,"specifics":{"securePrice":0.14,"slsPrice":0.168,"stockStatus":"High"}}]}}"#);
    let centers = page(&router, "{ dataCenters { id storageSupport globalNetwork gpuAvailability(input: {gpuCount: 1}) { gpuTypeId stockStatus } } }").await.body;
    assert_eq!(centers["data"]["dataCenters"].as_array().unwrap().len(), 49);
}

/// What dstack and SkyPilot ask for: prices of clusters, which are not sold here, and the account's templates.
#[tokio::test]
async fn what_other_programs_ask_of_the_catalog_and_of_templates_is_there() {
    let (_, router) = api(false);
    let query = "query GpuTypes($lowest: GpuLowestPriceInput, $types: GpuTypeFilter) { gpuTypes(input: $types) { id \
                 clusterPrice oneMonthPrice lowestPrice(input: $lowest) { compliance stockStatus } } }";
    let asked = |cluster: bool| {
        json!({
            "types": { "id": "NVIDIA L40S", "cluster": cluster },
            "lowest": { "gpuCount": 1, "secureCloud": true, "dataCenterId": "EU-RO-1" },
        })
    };
    let sold = modern(&router, query, asked(false)).await.body;
    assert_eq!(
        sold["data"]["gpuTypes"],
        json!([{
            "id": "NVIDIA L40S", "clusterPrice": null, "oneMonthPrice": null,
            "lowestPrice": { "compliance": [], "stockStatus": "High" },
        }])
    );
    let in_clusters = modern(&router, query, asked(true)).await.body;
    assert_eq!(in_clusters["data"]["gpuTypes"], json!([]));

    let template = json!({ "name": "mine", "image": "x:1", "registry": "clzdaifot0001l90809257ynb" });
    let made = call(&router, "POST", "/v2/templates", Some(template)).await.body;
    let query = "query { myself { podTemplates { id name imageName containerRegistryAuthId } } }";
    let shown = json!([{
        "id": made["id"], "name": "mine", "imageName": "x:1", "containerRegistryAuthId": "clzdaifot0001l90809257ynb",
    }]);
    assert_eq!(modern(&router, query, json!({})).await.body["data"]["myself"]["podTemplates"], shown);
}
