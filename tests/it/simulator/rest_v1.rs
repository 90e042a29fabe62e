//! The simulator over REST v1: its routes, its defaults, its errors, its filters, and what it shares with v2.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use podform::simulator::{QuotaSetting, Settings, Simulation, V1Form};
use serde_json::{Value, json};

use super::{call, pretty, reply, short, wait};

fn api(v1: V1Form) -> (Simulation, Router) {
    let simulation = Simulation::new(Settings { quota: QuotaSetting::Unlimited, v1, ..Settings::default() });
    let router = simulation.router();
    (simulation, router)
}

async fn create(router: &Router, body: Value) -> String {
    let reply = call(router, "POST", "/v1/pods", Some(body)).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_create_without_choices_gets_the_defaults() {
    let (_, router) = api(V1Form::Documented);
    let made = call(&router, "POST", "/v1/pods", Some(json!({ "imageName": "runpod/pytorch" }))).await;
    assert_eq!(made.status, 201);
    let path = format!("/v1/pods/{}?includeMachine=true", made.body["id"].as_str().unwrap());
    wait(&router, 45).await;
    let up = call(&router, "GET", &path, None).await;
    insta::assert_snapshot!(pretty(&up.body), @r#"
    {
      "adjustedCostPerHr": 0.32,
      "consumerUserId": "user_2simulatedAccountOfNobody",
      "containerDiskInGb": 50,
      "costPerHr": 0.32,
      "desiredStatus": "RUNNING",
      "dockerEntrypoint": [],
      "dockerStartCmd": [],
      "env": {},
      "gpu": {
        "communityPrice": 0.17,
        "count": 1,
        "displayName": "RTX A4000",
        "id": "NVIDIA RTX A4000",
        "securePrice": 0.32
      },
      "id": "zhirgk1nd94nia",
      "image": "runpod/pytorch",
      "interruptible": false,
      "lastStartedAt": "2026-11-02T09:00:26.880Z",
      "lastStatusChange": "Rented by User: Mon Nov 02 2026 09:00:01 GMT+0000 (Coordinated Universal Time)",
      "locked": false,
      "machine": {
        "costPerHr": 0.32,
        "cpuCount": 6,
        "currentPricePerGpu": 0.32,
        "dataCenterId": "US-CA-2",
        "diskThroughputMBps": 3200,
        "gpuAvailable": 11,
        "gpuDisplayName": "RTX A4000",
        "gpuType": {
          "communityPrice": 0.17,
          "displayName": "RTX A4000",
          "id": "NVIDIA RTX A4000",
          "securePrice": 0.32
        },
        "gpuTypeId": "NVIDIA RTX A4000",
        "location": "California",
        "maxDownloadSpeedMbps": 9400,
        "maxUploadSpeedMbps": 8700,
        "minPodGpuCount": 1,
        "secureCloud": true,
        "supportPublicIp": true
      },
      "machineId": "z17v4xa9506g",
      "memoryInGb": 35,
      "name": "my pod",
      "portMappings": {
        "22": 22752
      },
      "ports": [
        "8888/http",
        "22/tcp"
      ],
      "publicIp": "198.51.100.108",
      "slsVersion": 0,
      "vcpuCount": 6,
      "volumeEncrypted": false,
      "volumeInGb": 20,
      "volumeMountPath": "/workspace"
    }
    "#);
}

#[tokio::test]
async fn the_life_of_a_pod() {
    let (_, router) = api(V1Form::Documented);
    let id =
        create(&router, json!({ "imageName": "ubuntu", "gpuTypeIds": ["NVIDIA A40"], "name": "life" })).await;
    wait(&router, 45).await;
    let mut seen = vec![];
    for (method, what, body) in [
        ("GET", "", None),
        ("POST", "/start", None),
        ("POST", "/restart", None),
        ("POST", "/reset", None),
        ("POST", "/stop", None),
        ("POST", "/stop", None),
        ("POST", "/reset", None),
        ("PATCH", "", Some(json!({ "imageName": "ubuntu:25.04" }))),
        ("POST", "/start", None),
        ("POST", "/update", Some(json!({ "name": "renamed", "locked": true }))),
        ("POST", "/stop", None),
        ("PATCH", "", Some(json!({ "env": { "A": "b" } }))),
        ("PATCH", "", Some(json!({ "locked": false, "env": { "A": "b" }, "volumeInGb": 40 }))),
        ("PATCH", "", Some(json!({ "volumeInGb": 30 }))),
        ("PATCH", "", Some(json!({ "ports": "22/tcp" }))),
        ("DELETE", "", None),
        ("DELETE", "", None),
        ("GET", "", None),
    ] {
        let reply = call(&router, method, &format!("/v1/pods/{id}{what}"), body.clone()).await;
        let said = match reply.status {
            200 => {
                let change = reply.body["lastStatusChange"].as_str().unwrap().split(':').next().unwrap();
                let ports = if reply.body["portMappings"].is_null() { "no ports" } else { "ports" };
                format!("{} {ports}, {change}", reply.body["desiredStatus"])
            }
            _ => reply.body.to_string(),
        };
        let body = body.map(|body| format!(" {body}")).unwrap_or_default();
        seen.push(format!("{method} {what}{body}: {} {said}", reply.status));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    GET : 200 "RUNNING" ports, Rented by User
    POST /start: 400 {"error":"start pod: Pod is already running.","status":400}
    POST /restart: 200 "RUNNING" ports, Rented by User
    POST /reset: 200 "RUNNING" no ports, Rented by User
    POST /stop: 200 "EXITED" no ports, Exited by user
    POST /stop: 200 "EXITED" no ports, Exited by user
    POST /reset: 400 {"error":"reset pod: Pod is not in a state that allows this.","status":400}
    PATCH  {"imageName":"ubuntu:25.04"}: 200 "EXITED" no ports, Exited by user
    POST /start: 200 "RUNNING" no ports, Rented by User
    POST /update {"locked":true,"name":"renamed"}: 200 "RUNNING" no ports, Rented by User
    POST /stop: 400 {"error":"stop pod: Pod is locked.","status":400}
    PATCH  {"env":{"A":"b"}}: 400 {"error":"update pod: Pod is locked.","status":400}
    PATCH  {"env":{"A":"b"},"locked":false,"volumeInGb":40}: 200 "RUNNING" no ports, Rented by User
    PATCH  {"volumeInGb":30}: 400 {"error":"update pod: Size must be greater than 40 GB.","status":400}
    PATCH  {"ports":"22/tcp"}: 200 "RUNNING" no ports, Rented by User
    DELETE : 204 null
    DELETE : 404 {"error":"pod not found to terminate","status":404}
    GET : 404 {"error":"pod not found","status":404}
    "#);
}

#[tokio::test]
async fn creates_that_are_turned_down() {
    let (simulation, router) = api(V1Form::Documented);
    let mut seen = vec![];
    for body in [
        json!({}),
        json!({ "imageName": 7 }),
        json!({ "imageName": "x", "gpuTypeIds": ["NVIDIA B200"] }),
        json!({ "imageName": "x", "gpuCount": 0 }),
        json!({ "imageName": "x", "interruptible": true }),
        json!({ "imageName": "x", "templateId": "30zmvf89kd" }),
        json!({ "imageName": "x", "computeType": "CPU", "cpuFlavorIds": ["cpu5c"] }),
        json!({ "imageName": "x", "computeType": "CPU", "cpuFlavorIds": ["cpu5c"], "vcpuCount": 3, "containerDiskInGb": 10 }),
        json!({ "imageName": "x", "cloudType": "ALL" }),
        json!({ "imageName": "x", "networkVolumeId": "nothing" }),
        json!({ "imageName": "x", "cloudType": "COMMUNITY", "networkVolumeId": "nothing" }),
    ] {
        seen.push(format!("{body}: {}", short(&call(&router, "POST", "/v1/pods", Some(body.clone())).await)));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    {}: 400 {"error":"body must have required property 'imageName'","status":400}
    {"imageName":7}: 400 {"error":"body/imageName must be string","status":400}
    {"gpuTypeIds":["NVIDIA B200"],"imageName":"x"}: 500 {"error":"create pod: There are no instances currently available","status":500}
    {"gpuCount":0,"imageName":"x"}: 400 {"error":"body/gpuCount must be >= 1","status":400}
    {"imageName":"x","interruptible":true}: 500 {"error":"create pod: Spot pods are no longer offered","status":500}
    {"imageName":"x","templateId":"30zmvf89kd"}: 404 {"error":"template not found","status":404}
    {"computeType":"CPU","cpuFlavorIds":["cpu5c"],"imageName":"x"}: 400 {"error":"create pod: Container Disk must be less than or equal to 30 GB for this instance","status":400}
    {"computeType":"CPU","containerDiskInGb":10,"cpuFlavorIds":["cpu5c"],"imageName":"x","vcpuCount":3}: 400 {"error":"create pod: vcpuCount must be a power of two between 2 and 32 for cpu5c","status":400}
    {"cloudType":"ALL","imageName":"x"}: 400 {"error":"body/cloudType must be one of the allowed values: SECURE, COMMUNITY","status":400}
    {"imageName":"x","networkVolumeId":"nothing"}: 404 {"error":"network volume not found","status":404}
    {"cloudType":"COMMUNITY","imageName":"x","networkVolumeId":"nothing"}: 400 {"error":"create pod: Network volumes are only available on Secure Cloud.","status":400}
    "#);
    for body in [
        json!({ "imageName": "x", "gpuTypeIds": ["NVIDIA A40", "NVIDIA Z1"] }),
        json!({ "imageName": "x", "dataCenterIds": ["AP-IN-1"] }),
    ] {
        let reply = call(&router, "POST", "/v1/pods", Some(body)).await;
        let text = reply.body["error"].as_str().unwrap();
        assert!(reply.status == 400 && text.contains("must be one of the allowed values: "), "{text}");
    }
    simulation.edit(|world| world.set_balance(1000));
    let poor = call(&router, "POST", "/v1/pods", Some(json!({ "imageName": "x" }))).await;
    insta::assert_snapshot!(short(&poor), @r#"500 {"error":"create pod: Your account balance is too low to rent a pod. Please add funds to your account.","status":500}"#);
}

#[tokio::test]
async fn a_stopped_pod_whose_host_filled_up_cannot_start() {
    let (simulation, router) = api(V1Form::Documented);
    let id = create(&router, json!({ "imageName": "ubuntu", "gpuTypeIds": ["NVIDIA A40"] })).await;
    wait(&router, 45).await;
    call(&router, "POST", &format!("/v1/pods/{id}/stop"), None).await;
    let host = simulation.inspect(|world| world.all_pods().next().unwrap().host.clone());
    simulation.edit(|world| world.fill_host(&host));
    insta::assert_snapshot!(short(&call(&router, "POST", &format!("/v1/pods/{id}/start"), None).await), @r#"500 {"error":"start pod: There are not enough free GPUs on the host machine to start this pod.","status":500}"#);
}

#[tokio::test]
async fn each_filter_takes_what_it_says() {
    let (_, router) = api(V1Form::Documented);
    let volume = json!({ "name": "models", "size": 50, "dataCenterId": "EU-RO-1" });
    let volume = call(&router, "POST", "/v1/networkvolumes", Some(volume)).await.body["id"].clone();
    let first = create(&router, json!({ "name": "a", "imageName": "one:1", "gpuTypeIds": ["NVIDIA A40"], "dataCenterIds": ["US-KS-2"] })).await;
    create(
        &router,
        json!({ "name": "b", "imageName": "two:2", "gpuTypeIds": ["NVIDIA L4"], "networkVolumeId": volume }),
    )
    .await;
    create(&router, json!({ "name": "c", "imageName": "one:1", "computeType": "CPU", "cpuFlavorIds": ["cpu5c"], "containerDiskInGb": 10 })).await;
    wait(&router, 5).await;
    call(&router, "POST", &format!("/v1/pods/{first}/stop"), None).await;
    let volume = volume.as_str().unwrap();
    let mut seen = vec![];
    for query in [
        "computeType=GPU",
        "computeType=CPU",
        "cpuFlavorId=cpu5c&cpuFlavorId=cpu3c",
        "dataCenterId=US-KS-2&dataCenterId=EU-RO-1&computeType=GPU",
        "desiredStatus=EXITED",
        "desiredStatus=TERMINATED",
        "endpointId=jpnw0v75y3qoql",
        "gpuTypeId=NVIDIA+A40&gpuTypeId=NVIDIA%20L4",
        "gpuTypeId=NVIDIA%20L4",
        "id=(first)",
        "imageName=one:1",
        "name=c",
        "networkVolumeId=(volume)",
        "templateId=30zmvf89kd",
        "includeWorkers=true",
        "includeTemplate=true&includeMachine=true",
        "computeType=GPU&desiredStatus=RUNNING&name=b&name=c",
        "unknown=parameter",
        "computeType=TPU",
        "includeMachine=yes",
    ] {
        let path = format!("/v1/pods?{}", query.replace("(first)", &first).replace("(volume)", volume));
        let reply = call(&router, "GET", &path, None).await;
        let said = match reply.body.as_array() {
            Some(pods) => {
                let mut names: Vec<&str> = pods.iter().map(|pod| pod["name"].as_str().unwrap()).collect();
                names.sort_unstable();
                if names.is_empty() { "(none)".to_owned() } else { names.join(" ") }
            }
            None => reply.body.to_string(),
        };
        seen.push(format!("{query}: {said}"));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    computeType=GPU: a b
    computeType=CPU: c
    cpuFlavorId=cpu5c&cpuFlavorId=cpu3c: c
    dataCenterId=US-KS-2&dataCenterId=EU-RO-1&computeType=GPU: a b
    desiredStatus=EXITED: a
    desiredStatus=TERMINATED: (none)
    endpointId=jpnw0v75y3qoql: (none)
    gpuTypeId=NVIDIA+A40&gpuTypeId=NVIDIA%20L4: a b
    gpuTypeId=NVIDIA%20L4: b
    id=(first): a
    imageName=one:1: a c
    name=c: c
    networkVolumeId=(volume): b
    templateId=30zmvf89kd: (none)
    includeWorkers=true: a b c
    includeTemplate=true&includeMachine=true: a b c
    computeType=GPU&desiredStatus=RUNNING&name=b&name=c: b
    unknown=parameter: a b c
    computeType=TPU: {"error":"querystring/computeType must be one of the allowed values: GPU, CPU","status":400}
    includeMachine=yes: {"error":"querystring/includeMachine must be boolean","status":400}
    "#);
    let parts =
        call(&router, "GET", "/v1/pods?name=b&includeNetworkVolume=true&includeSavingsPlans=true", None)
            .await;
    assert_eq!(
        (&parts.body[0]["networkVolume"], &parts.body[0]["savingsPlans"], &parts.body[0]["machine"]),
        (
            &json!({ "id": volume, "name": "models", "size": 50, "dataCenterId": "EU-RO-1" }),
            &json!([]),
            &Value::Null
        )
    );
}

#[tokio::test]
async fn live_answers_are_loose_where_the_document_is_strict() {
    let (_, router) = api(V1Form::Loose);
    let id = create(&router, json!({ "imageName": "ubuntu", "gpuTypeIds": ["NVIDIA A40"] })).await;
    wait(&router, 45).await;
    let path = format!("/v1/pods/{id}?includeMachine=true");
    let up = call(&router, "GET", &path, None).await.body;
    call(&router, "POST", &format!("/v1/pods/{id}/stop"), None).await;
    let stopped = call(&router, "GET", &path, None).await.body;
    assert_eq!((&up["costPerHr"], &up["gpu"]["count"]), (&json!("0.44"), &json!(1)));
    assert_eq!((&stopped["gpu"], &stopped["machine"]), (&Value::Null, &json!({})));
}

#[tokio::test]
async fn keys_paths_and_retirement() {
    let (_, router) = api(V1Form::Documented);
    let (_, retired) = api(V1Form::Retired);
    let bare = Request::builder().uri("/v1/pods").body(Body::empty()).unwrap();
    let seen = [
        format!("no key: {}", short(&reply(&router, bare).await)),
        format!("no path: {}", short(&call(&router, "GET", "/v1/clusters", None).await)),
        format!("wrong method: {}", short(&call(&router, "PUT", "/v1/pods/x", None).await)),
        format!("no pod: {}", short(&call(&router, "GET", "/v1/pods/x", None).await)),
        format!("no pod: {}", short(&call(&router, "PATCH", "/v1/pods/x", Some(json!({}))).await)),
        format!("no volume: {}", short(&call(&router, "DELETE", "/v1/networkvolumes/x", None).await)),
        format!("retired: {}", short(&call(&retired, "GET", "/v1/pods", None).await)),
    ];
    insta::assert_snapshot!(seen.join("\n"), @r#"
    no key: 401 {"message":"Unauthorized"}
    no path: 404 {"error":"resource not found","status":404}
    wrong method: 405 {"error":"The requested method is not allowed for this path.","status":405}
    no pod: 404 {"error":"pod not found","status":404}
    no pod: 404 {"error":"pod not found","status":404}
    no volume: 404 {"error":"network volume not found","status":404}
    retired: 410 {"error":"REST API v1 has been retired. Use https://api.runpod.io/v2 instead.","status":410}
    "#);
    let headers = call(&router, "GET", "/v1/pods", None).await.headers;
    assert!(!headers.contains_key("ratelimit"), "v1 tells no quota: {headers:?}");
    assert_eq!(call(&retired, "GET", "/v2/pods", None).await.status, 200);
}

#[tokio::test]
async fn network_volumes_grow_and_go() {
    let (_, router) = api(V1Form::Documented);
    let body = json!({ "name": "models", "size": 50, "dataCenterId": "EU-RO-1" });
    let made = call(&router, "POST", "/v1/networkvolumes", Some(body)).await;
    let path = format!("/v1/networkvolumes/{}", made.body["id"].as_str().unwrap());
    let mut seen = vec![format!("made: {}", short(&made))];
    for body in
        [json!({ "size": 60 }), json!({ "size": 60 }), json!({ "name": "weights" }), json!({ "size": 5000 })]
    {
        seen.push(format!(
            "{body}: {}",
            short(&call(&router, "POST", &format!("{path}/update"), Some(body.clone())).await)
        ));
    }
    for body in
        [json!({ "name": "x", "size": 1 }), json!({ "name": "x", "size": 1, "dataCenterId": "EU-NL-1" })]
    {
        seen.push(format!(
            "{body}: {}",
            short(&call(&router, "POST", "/v1/networkvolumes", Some(body.clone())).await)
        ));
    }
    create(&router, json!({ "imageName": "ubuntu", "networkVolumeId": made.body["id"] })).await;
    seen.push(format!("in use: {}", short(&call(&router, "DELETE", &path, None).await)));
    insta::assert_snapshot!(seen.join("\n"), @r#"
    made: 200 {"dataCenterId":"EU-RO-1","id":"yaokuoqhb0","name":"models","size":50}
    {"size":60}: 200 {"dataCenterId":"EU-RO-1","id":"yaokuoqhb0","name":"models","size":60}
    {"size":60}: 400 {"error":"update network volume: Size must be greater than 60 GB.","status":400}
    {"name":"weights"}: 200 {"dataCenterId":"EU-RO-1","id":"yaokuoqhb0","name":"weights","size":60}
    {"size":5000}: 400 {"error":"body/size must be <= 4000","status":400}
    {"name":"x","size":1}: 400 {"error":"body must have required property 'dataCenterId'","status":400}
    {"dataCenterId":"EU-NL-1","name":"x","size":1}: 400 {"error":"create network volume: Data center EU-NL-1 does not support network volumes.","status":400}
    in use: 400 {"error":"delete network volume: Network volume is in use.","status":400}
    "#);
}

#[tokio::test]
async fn credentials_of_a_registry_that_a_pod_uses_stay() {
    let (_, router) = api(V1Form::Documented);
    let all = "/v1/containerregistryauth";
    let body = json!({ "name": "ghcr", "username": "bot", "password": "swordfish" });
    let made = call(&router, "POST", all, Some(body.clone())).await;
    let id = made.body["id"].as_str().unwrap().to_owned();
    let path = format!("{all}/{id}");
    let pod = create(&router, json!({ "imageName": "ubuntu", "containerRegistryAuthId": id })).await;
    let mut seen = Vec::new();
    for (what, method, path, body) in [
        ("again", "POST", all, Some(body)),
        ("no password", "POST", all, Some(json!({ "name": "other", "username": "bot" }))),
        ("listed", "GET", all, None),
        ("used", "DELETE", &path, None),
        ("its pod goes", "DELETE", &format!("/v1/pods/{pod}"), None),
        ("goes", "DELETE", &path, None),
        ("gone", "DELETE", &path, None),
        ("not there", "GET", &path, None),
    ] {
        let answer = short(&call(&router, method, path, body).await);
        seen.push(format!("{what}: {}", answer.replace(&id, "ID").replace(&pod, "POD")));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    again: 400 {"error":"create container registry auth: a registry auth named ghcr already exists","status":400}
    no password: 400 {"error":"body must have required property 'password'","status":400}
    listed: 200 [{"id":"ID","name":"ghcr"}]
    used: 400 {"error":"delete container registry auth: Registry auth is in use by pod POD","status":400}
    its pod goes: 204 null
    goes: 204 null
    gone: 400 {"error":"delete container registry auth: Registry auth not found","status":400}
    not there: 404 {"error":"container registry auth not found","status":404}
    "#);
    assert!(!seen.join("").contains("swordfish"));
}

#[tokio::test]
async fn pods_are_billed_by_bucket_and_group() {
    let (_, router) = api(V1Form::Documented);
    let id =
        create(&router, json!({ "imageName": "ubuntu", "gpuTypeIds": ["NVIDIA A40"], "gpuCount": 2 })).await;
    wait(&router, 99).await;
    call(&router, "POST", &format!("/v1/pods/{id}/stop"), None).await;
    wait(&router, 100).await;
    let by_type = call(&router, "GET", "/v1/billing/pods", None).await.body;
    let record = json!([{
        "amount": 0.024444, "diskSpaceBilledGb": 50, "gpuTypeId": "NVIDIA A40",
        "time": "2026-11-02T00:00:00Z", "timeBilledMs": 100_000,
    }]);
    assert_eq!(by_type, record, "100 seconds at twice 0.44 an hour, and nothing while it is stopped");
    let by_pod = call(&router, "GET", "/v1/billing/pods?grouping=podId&bucketSize=month", None).await.body;
    assert_eq!((&by_pod[0]["podId"], &by_pod[0]["time"]), (&json!(id), &json!("2026-11-01T00:00:00Z")));
    let week = call(&router, "GET", "/v1/billing/pods?bucketSize=week&startTime=2026-01-01T00:00:00Z", None)
        .await
        .body;
    assert_eq!(week[0]["time"], "2026-11-02T00:00:00Z", "2 November 2026 is a Monday");
    let hours =
        "/v1/billing/pods?bucketSize=hour&startTime=2026-11-02T09:00:51Z&endTime=2026-11-02T10:00:00Z";
    assert_eq!(call(&router, "GET", hours, None).await.body[0]["timeBilledMs"], 50_000);
    let other = call(&router, "GET", "/v1/billing/pods?gpuTypeId=NVIDIA%20L4", None).await;
    assert_eq!(short(&other), "200 []");
    let wrong = call(&router, "GET", "/v1/billing/pods?startTime=yesterday", None).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn a_pod_of_one_api_is_a_pod_of_the_other() {
    let (_, router) = api(V1Form::Documented);
    let id = create(&router, json!({
        "name": "both", "imageName": "ubuntu", "gpuTypeIds": ["NVIDIA L4", "NVIDIA A40"], "gpuTypePriority": "custom",
        "dockerStartCmd": ["bash", "-c", "echo hi"], "env": { "PODFORM_MARK": "acme/both/1" },
    }))
    .await;
    wait(&router, 45).await;
    let v2 = call(&router, "GET", &format!("/v2/pods/{id}"), None).await.body;
    let fields = ["name", "image", "args", "disk", "ports", "env", "mounts", "status"].map(|name| &v2[name]);
    assert_eq!(
        json!(fields),
        json!([
            "both", "ubuntu", r#"{"cmd":["bash","-c","echo hi"]}"#, 50, ["8888/http", "22/tcp"], { "PODFORM_MARK": "acme/both/1" },
            { "persistent": { "size": 20, "path": "/workspace" } }, "RUNNING",
        ])
    );
    assert_eq!(v2["gpu"]["id"], "NVIDIA L4");
    call(&router, "PATCH", &format!("/v2/pods/{id}"), Some(json!({ "args": "sleep 'a b'" }))).await;
    let v1 = call(&router, "GET", &format!("/v1/pods/{id}"), None).await.body;
    assert_eq!(v1["dockerStartCmd"], json!(["sleep", "a b"]));
}
