//! Every answer of the simulator against the published OpenAPI documents, where these stand beside the checkout.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the documents are read from disk, and a skip must be seen"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use boon::{Compiler, Schemas};
use podform::simulator::{Contract, QuotaSetting, Settings, Simulation};
use serde_json::{Value, json};

use super::{Reply, call, reply, small, trainer};

/// The document's schemas, compiled as they are asked for.
struct Document {
    text: Value,
    compiler: Compiler,
    schemas: Schemas,
    /// The operations whose answers were checked, and with which statuses they came.
    checked: BTreeMap<String, BTreeSet<u16>>,
}

/// What the document of REST v1 gives no body for, although the service sends the pod.
const PODS_WITHOUT_A_SCHEMA: [&str; 4] =
    ["/pods/{podId}/start", "/pods/{podId}/stop", "/pods/{podId}/reset", "/pods/{podId}/restart"];

impl Document {
    /// Reads a document, or says why its test is skipped.
    fn open(name: &str) -> Option<Document> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/runpod").join(name);
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: {} is not there, so answers are not checked against it", path.display());
            return None;
        };
        let mut text: Value = serde_json::from_slice(&bytes).unwrap();
        allow_null(&mut text);
        let mut compiler = Compiler::new();
        compiler.add_resource("openapi.json", text.clone()).unwrap();
        Some(Document { text, compiler, schemas: Schemas::new(), checked: BTreeMap::new() })
    }

    /// Checks that a reply is one of those that the document gives for the operation.
    fn check(&mut self, method: &str, template: &str, reply: &Reply) {
        self.checked.entry(format!("{method} {template}")).or_default().insert(reply.status);
        let escaped = template.replace('~', "~0").replace('/', "~1");
        let operation = format!("/paths/{escaped}/{}/responses", method.to_lowercase());
        let responses =
            self.text.pointer(&operation).unwrap_or_else(|| panic!("{method} {template} is documented"));
        let status = reply.status.to_string();
        let case = if responses.get(&status).is_some() { status } else { "default".to_owned() };
        let response = &responses[&case];
        let at = match response["$ref"].as_str() {
            Some(reference) => reference.trim_start_matches('#').to_owned(),
            None => format!("{operation}/{case}"),
        };
        let Some(contents) = self.text.pointer(&at).and_then(|response| response["content"].as_object())
        else {
            if reply.status == 200 && PODS_WITHOUT_A_SCHEMA.contains(&template) {
                self.validate("openapi.json#/components/schemas/Pod", method, template, reply);
                return;
            }
            // REST v1's document gives its errors no body; live ones have this one.
            if reply.status >= 400 && reply.body["error"].is_string() {
                assert_eq!(reply.body["status"], reply.status, "{method} {template}: {}", reply.body);
                assert_eq!(reply.body.as_object().unwrap().len(), 2, "{method} {template}: {}", reply.body);
                return;
            }
            if reply.status == 401 {
                assert_eq!(reply.body, json!({ "message": "Unauthorized" }));
                return;
            }
            assert_eq!(
                reply.body,
                Value::Null,
                "{method} {template} {}: no body is documented",
                reply.status
            );
            return;
        };
        let sent = reply.headers["content-type"].split(';').next().unwrap();
        assert!(
            contents.contains_key(sent),
            "{method} {template} {}: {sent} is not documented",
            reply.status
        );
        let schema = format!("openapi.json#{at}/content/{}/schema", sent.replace('/', "~1"));
        self.validate(&schema, method, template, reply);
    }

    fn validate(&mut self, schema: &str, method: &str, template: &str, reply: &Reply) {
        let index = self.compiler.compile(schema, &mut self.schemas).unwrap();
        if let Err(error) = self.schemas.validate(&reply.body, index) {
            panic!("{method} {template} {}: {error:#}\n{:#}", reply.status, reply.body);
        }
    }

    /// Says what was checked, and fails if an operation with one of these tags was not.
    fn assert_complete(&self, tags: &[&str], elsewhere: &[&str]) {
        let mut all = BTreeSet::new();
        for (path, methods) in self.text["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let of_tag = |tag: &Value| tags.contains(&tag.as_str().unwrap());
                if operation["tags"].as_array().is_some_and(|found| found.iter().any(of_tag)) {
                    all.insert(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
        for (operation, statuses) in &self.checked {
            eprintln!("checked {operation}: {statuses:?}");
        }
        let is_left = |operation: &&String| {
            !self.checked.contains_key(*operation) && !elsewhere.contains(&operation.as_str())
        };
        let left: Vec<&String> = all.iter().filter(is_left).collect();
        assert_eq!(left, [] as [&String; 0], "no answer of these was checked");
        assert!(elsewhere.iter().all(|operation| all.contains(*operation)), "{elsewhere:?} in {all:?}");
    }
}

/// Turns OpenAPI 3.0's `nullable` into the type `null`. A field whose example is `null` is nullable too, whatever its type says.
fn allow_null(value: &mut Value) {
    if let Some(fields) = value.as_object_mut() {
        let nullable =
            fields.get("nullable") == Some(&json!(true)) || fields.get("example") == Some(&Value::Null);
        let kind = fields.get_mut("type").filter(|kind| nullable && kind.is_string());
        if let Some(kind) = kind {
            *kind = json!([kind.clone(), "null"]);
        }
        fields.values_mut().for_each(allow_null);
    }
    if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(allow_null);
    }
}

/// Every parameter of REST v1's listing with a value, in the order of the document.
const FILTERS: [(&str, &str); 16] = [
    ("computeType", "GPU"),
    ("cpuFlavorId", "cpu5c"),
    ("dataCenterId", "EU-RO-1"),
    ("desiredStatus", "RUNNING"),
    ("endpointId", "jpnw0v75y3qoql"),
    ("gpuTypeId", "NVIDIA%20A40"),
    ("id", "xedezhzb9la3ye"),
    ("imageName", "ubuntu"),
    ("includeMachine", "true"),
    ("includeNetworkVolume", "true"),
    ("includeSavingsPlans", "true"),
    ("includeTemplate", "true"),
    ("includeWorkers", "true"),
    ("name", "x"),
    ("networkVolumeId", "agv6w2qcg7"),
    ("templateId", "30zmvf89kd"),
];

/// A session that checks each reply as it comes.
struct Session {
    simulation: Simulation,
    router: Router,
    document: Document,
    checked: usize,
}

impl Session {
    fn begin(contract: Contract, document: Document) -> Session {
        let quota = QuotaSetting::Unlimited;
        let simulation = Simulation::new(Settings { quota, contract, ..Settings::default() });
        Session { router: simulation.router(), simulation, document, checked: 0 }
    }

    async fn send(&mut self, method: &str, template: &str, path: &str, body: Option<Value>) -> Reply {
        let reply = call(&self.router, method, path, body).await;
        self.document.check(method, template, &reply);
        self.checked += 1;
        reply
    }
}

#[tokio::test]
async fn rest_v2_answers_as_documented() {
    for (contract, name) in
        [(Contract::Autumn, "openapi-v2-autumn.json"), (Contract::August, "openapi-v2.json")]
    {
        if let Some(document) = Document::open(name) {
            answers_of_rest_v2(contract, document).await;
        }
    }
}

async fn answers_of_rest_v2(contract: Contract, document: Document) {
    let mut session = Session::begin(contract, document);
    volumes(&mut session).await;
    pods(&mut session).await;
    catalog(&mut session).await;
    templates(&mut session).await;
    bills(&mut session).await;
    registries(&mut session).await;
    if contract == Contract::Autumn {
        secrets(&mut session).await;
        walk(&mut session).await;
    }
    refusals(&mut session).await;
    faults(&mut session, "GET", "/v2/pods", "/v2/pods").await;
    assert!(session.checked > 150, "{} answers were checked", session.checked);
    // Logs are a stream of events and no JSON.
    session.document.assert_complete(
        &["Pods", "Network Volumes", "Catalog", "Account", "Templates"],
        &["GET /v2/pods/{id}/logs"],
    );
    let seen: BTreeSet<u16> = session.document.checked.values().flatten().copied().collect();
    let every = [200, 201, 204, 400, 401, 402, 403, 404, 409, 422, 429, 500, 503];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), every);
}

#[tokio::test]
async fn rest_v1_answers_as_documented() {
    let Some(document) = Document::open("openapi-v1.json") else { return };
    let mut session = Session::begin(Contract::default(), document);
    let (volumes, volume) = ("/networkvolumes", "/networkvolumes/{networkVolumeId}");
    let body = json!({ "name": "models", "size": 100, "dataCenterId": "EU-RO-1" });
    let made = session.send("POST", volumes, "/v1/networkvolumes", Some(body)).await;
    let volume_path = format!("/v1/networkvolumes/{}", made.body["id"].as_str().unwrap());
    session.send("GET", volumes, "/v1/networkvolumes", None).await;
    session.send("GET", volume, &volume_path, None).await;
    session.send("PATCH", volume, &volume_path, Some(json!({ "size": 200 }))).await;
    let (auths, auth) = ("/containerregistryauth", "/containerregistryauth/{containerRegistryAuthId}");
    let body = json!({ "name": "ghcr", "username": "bot", "password": "p" });
    let made_auth = session.send("POST", auths, "/v1/containerregistryauth", Some(body)).await;
    let auth_path = format!("/v1/containerregistryauth/{}", made_auth.body["id"].as_str().unwrap());
    session.send("POST", auths, "/v1/containerregistryauth", Some(json!({ "name": "ghcr" }))).await;
    session.send("GET", auths, "/v1/containerregistryauth", None).await;
    session.send("GET", auth, &auth_path, None).await;
    assert_eq!(session.send("DELETE", auth, &auth_path, None).await.status, 204);
    assert_eq!(session.send("DELETE", auth, &auth_path, None).await.status, 400);
    session.send("GET", auth, &auth_path, None).await;
    let (pods, pod) = ("/pods", "/pods/{podId}");
    for body in [
        json!({ "imageName": "ubuntu", "gpuTypeIds": ["NVIDIA A40"], "env": { "A": "b" } }),
        json!({ "imageName": "ubuntu", "computeType": "CPU", "containerDiskInGb": 10 }),
        json!({ "imageName": "ubuntu", "networkVolumeId": made.body["id"], "dockerStartCmd": ["sleep", "1 d"] }),
    ] {
        let made = session.send("POST", pods, "/v1/pods", Some(body)).await;
        let path = format!("/v1/pods/{}", made.body["id"].as_str().unwrap());
        for _ in 0..40 {
            let full = "?includeMachine=true&includeNetworkVolume=true&includeSavingsPlans=true";
            session.send("GET", pods, &format!("/v1/pods{full}"), None).await;
        }
        session.send("GET", pod, &path, None).await;
        session.send("PATCH", pod, &path, Some(json!({ "name": "renamed" }))).await;
        session
            .send("POST", "/pods/{podId}/update", &format!("{path}/update"), Some(json!({ "locked": false })))
            .await;
        for what in ["start", "restart", "reset", "stop", "start"] {
            session.send("POST", &format!("/pods/{{podId}}/{what}"), &format!("{path}/{what}"), None).await;
        }
        session.send("GET", "/billing/pods", "/v1/billing/pods?grouping=podId&bucketSize=hour", None).await;
        assert_eq!(session.send("DELETE", pod, &path, None).await.status, 204);
    }
    session.send("GET", "/billing/pods", "/v1/billing/pods", None).await;
    session
        .send(
            "POST",
            "/networkvolumes/{networkVolumeId}/update",
            &format!("{volume_path}/update"),
            Some(json!({ "name": "weights" })),
        )
        .await;
    assert_eq!(session.send("DELETE", volume, &volume_path, None).await.status, 204);
    for (name, value) in FILTERS {
        assert_eq!(session.send("GET", pods, &format!("/v1/pods?{name}={value}"), None).await.status, 200);
    }
    let parameters = session.document.text.pointer("/paths/~1pods/get/parameters").unwrap();
    let documented: Vec<&Value> =
        parameters.as_array().unwrap().iter().map(|parameter| &parameter["name"]).collect();
    assert_eq!(documented, FILTERS.map(|(name, _)| name));
    session.send("GET", pod, "/v1/pods/nobody", None).await;
    session.send("POST", pods, "/v1/pods", Some(json!({ "imageName": 7 }))).await;
    faults(&mut session, "GET", pods, "/v1/pods").await;
    assert!(session.checked > 120, "{} answers were checked", session.checked);
    session.document.assert_complete(&["pods", "network volumes", "container registry auths"], &[]);
}

async fn secrets(session: &mut Session) {
    let (all, one) = ("/v2/account/secrets", "/v2/account/secrets/{id}");
    let made = session.send("POST", all, all, Some(json!({ "name": "hf_token", "value": "v" }))).await;
    let path = format!("{all}/{}", made.body["id"].as_str().unwrap());
    for body in [
        json!({ "name": "HF_token", "value": "v" }),
        json!({ "name": "RunPod_x", "value": "v" }),
        json!({ "name": "a b", "value": "" }),
    ] {
        session.send("POST", all, all, Some(body)).await;
    }
    session.send("GET", all, &format!("{all}?name=HF_TOKEN"), None).await;
    session.send("GET", one, &path, None).await;
    for body in [json!({ "value": "w", "description": "read only" }), json!({ "description": "" }), json!({})]
    {
        session.send("PATCH", one, &path, Some(body)).await;
    }
    session.send("DELETE", one, &path, None).await;
    session.send("DELETE", one, &path, None).await;
}

/// Makes credentials, uses them, and deletes them once nothing does.
async fn registries(session: &mut Session) {
    let (all, one) = ("/v2/registries", "/v2/registries/{id}");
    let body = json!({ "name": "ghcr", "username": "bot", "password": "p" });
    let made = session.send("POST", all, all, Some(body.clone())).await;
    assert_eq!(
        made.body.as_object().map(|body| body.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["id".to_owned(), "name".to_owned()])
    );
    let path = format!("{all}/{}", made.body["id"].as_str().unwrap());
    for body in [body, json!({ "name": "", "username": "bot" }), json!({})] {
        session.send("POST", all, all, Some(body)).await;
    }
    session.send("GET", all, all, None).await;
    session.send("GET", one, &path, None).await;
    let mut user = small("user");
    user["registry"] = made.body["id"].clone();
    let user = session.send("POST", "/v2/pods", "/v2/pods", Some(user)).await;
    let used = session.send("DELETE", one, &path, None).await;
    let pod = format!("/v2/pods/{}", user.body["id"].as_str().unwrap());
    session.send("DELETE", "/v2/pods/{id}", &pod, None).await;
    let gone = session.send("DELETE", one, &path, None).await;
    let unknown = session.send("DELETE", one, &path, None).await;
    assert_eq!([used.status, gone.status, unknown.status], [400, 204, 400]);
    assert_eq!(unknown.body["detail"], "Registry auth not found");
    session.send("GET", one, &path, None).await;
}

/// Reads the pods page by page.
async fn walk(session: &mut Session) {
    for query in [
        "?limit=1",
        "?limit=0",
        "?limit=1001",
        "?cursor=",
        "?cursor=nonsense",
        "?limit=1&includeClusterPods=true",
    ] {
        session.send("GET", "/v2/pods", &format!("/v2/pods{query}"), None).await;
    }
}

async fn volumes(session: &mut Session) {
    let (all, one) = ("/v2/network-volumes", "/v2/network-volumes/{id}");
    let body = json!({ "name": "models", "size": 100, "dataCenter": "EU-RO-1" });
    let made = session.send("POST", all, all, Some(body)).await;
    let path = format!("{all}/{}", made.body["id"].as_str().unwrap());
    for _ in 0..4 {
        session.send("GET", all, all, None).await;
    }
    session.send("GET", one, &path, None).await;
    session.send("PATCH", one, &path, Some(json!({ "size": 200 }))).await;
    session.send("PATCH", one, &path, Some(json!({ "size": 20 }))).await;
    let mut user = small("user");
    user["mounts"] = json!({ "network": [{ "volumeId": made.body["id"], "path": "/models" }] });
    let user = session.send("POST", "/v2/pods", "/v2/pods", Some(user)).await;
    session.send("DELETE", one, &path, None).await;
    for _ in 0..4 {
        session.send("GET", "/v2/pods", "/v2/pods", None).await;
    }
    let pod = format!("/v2/pods/{}", user.body["id"].as_str().unwrap());
    assert_eq!(session.send("DELETE", "/v2/pods/{id}", &pod, None).await.status, 204);
    assert_eq!(session.send("DELETE", one, &path, None).await.status, 204);
    session.send("GET", one, &path, None).await;
    session.send("POST", all, all, Some(json!({ "name": "x" }))).await;
}

async fn pods(session: &mut Session) {
    let (all, one, action) = ("/v2/pods", "/v2/pods/{id}", "/v2/pods/{id}/action");
    let mut global = trainer();
    global["globalNetworking"] = json!(true);
    for body in [trainer(), small("cpu"), global] {
        let made = session.send("POST", all, all, Some(body)).await;
        let path = format!("{all}/{}", made.body["id"].as_str().unwrap());
        for _ in 0..40 {
            session.send("GET", one, &path, None).await;
        }
        session.send("GET", all, all, None).await;
        session.send("PATCH", one, &path, Some(json!({ "name": "renamed", "env": { "A": "b" } }))).await;
        let act = format!("{path}/action");
        for what in ["stop", "stop", "start", "reset", "restart"] {
            session.send("POST", action, &act, Some(json!({ "action": what }))).await;
        }
        session.send("GET", one, &path, None).await;
        session.send("POST", action, &act, Some(json!({ "action": "terminate" }))).await;
    }
}

async fn catalog(session: &mut Session) {
    for (template, path) in [
        ("/v2/catalog/gpus", "/v2/catalog/gpus"),
        ("/v2/catalog/gpus", "/v2/catalog/gpus?include=AVAILABILITY&product=POD"),
        ("/v2/catalog/gpus", "/v2/catalog/gpus?include=AVAILABILITY&product=POD&cloud=COMMUNITY&count=4"),
        ("/v2/catalog/gpus/{id}", "/v2/catalog/gpus/NVIDIA%20L4?include=AVAILABILITY&product=POD"),
        ("/v2/catalog/gpus/{id}", "/v2/catalog/gpus/nothing"),
        ("/v2/catalog/cpus", "/v2/catalog/cpus"),
        ("/v2/catalog/cpus", "/v2/catalog/cpus?include=AVAILABILITY&product=POD&vcpuCount=8"),
        ("/v2/catalog/cpus/{id}", "/v2/catalog/cpus/cpu5c?include=AVAILABILITY&product=SERVERLESS"),
        ("/v2/catalog/datacenters", "/v2/catalog/datacenters"),
        ("/v2/catalog/datacenters", "/v2/catalog/datacenters?include=GPU_AVAILABILITY,CPU_AVAILABILITY"),
        ("/v2/catalog/datacenters/{id}", "/v2/catalog/datacenters/US-KS-2?include=GPU_AVAILABILITY"),
        ("/v2/account/ssh-keys", "/v2/account/ssh-keys"),
        ("/v2/templates", "/v2/templates"),
        ("/v2/templates/{id}", "/v2/templates/runpod-torch-v280"),
        ("/v2/catalog/templates", "/v2/catalog/templates"),
        ("/v2/catalog/templates", "/v2/catalog/templates?source=community"),
        ("/v2/catalog/templates", "/v2/catalog/templates?source=mine"),
        ("/v2/registries", "/v2/registries"),
    ] {
        session.send("GET", template, path, None).await;
    }
    let keys = json!({ "keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.com"] });
    session.send("PUT", "/v2/account/ssh-keys", "/v2/account/ssh-keys", Some(keys)).await;
    session.send("PUT", "/v2/account/ssh-keys", "/v2/account/ssh-keys", Some(json!({ "keys": ["x"] }))).await;
}

async fn templates(session: &mut Session) {
    let (all, one) = ("/v2/templates", "/v2/templates/{id}");
    let whole = json!({
        "name": "trainer", "image": "runpod/pytorch:1", "args": "python train.py", "disk": 30,
        "mounts": { "persistent": { "size": 20, "path": "/workspace" } }, "ports": ["8888/http"],
        "env": { "A": "b" }, "registry": "clzdaifot0001l90809257ynb", "serverless": false, "public": false,
        "category": "NVIDIA", "startSsh": true, "startJupyter": false, "allowedCudaVersions": ["12.8"],
    });
    let made = session.send("POST", all, all, Some(whole.clone())).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("{all}/{}", made.body["id"].as_str().unwrap());
    assert_eq!(session.send("POST", all, all, Some(whole)).await.status, 400, "the name is taken");
    for body in [json!({ "name": "x" }), json!({ "name": "x", "image": "y", "globalNetworking": true })] {
        assert_eq!(session.send("POST", all, all, Some(body)).await.status, 422);
    }
    let network = json!({ "mounts": { "network": [{ "volumeId": "v", "path": "/w" }] } });
    assert_eq!(session.send("PATCH", one, &path, Some(network)).await.status, 422);
    let changed = session.send("PATCH", one, &path, Some(json!({ "image": "x:2", "env": {} }))).await;
    assert_eq!((changed.status, &changed.body["image"]), (200, &json!("x:2")));
    session.send("GET", one, &path, None).await;
    session.send("GET", all, all, None).await;
    let public = "/v2/templates/runpod-torch-v280";
    assert_eq!(session.send("GET", one, public, None).await.status, 200);
    for method in ["PATCH", "DELETE"] {
        let body = (method == "PATCH").then(|| json!({ "name": "mine" }));
        assert_eq!(session.send(method, one, public, body).await.status, 404, "it is RunPod's own");
    }
    assert_eq!(session.send("DELETE", one, &path, None).await.status, 204);
    assert_eq!(session.send("GET", one, &path, None).await.status, 404);
}

async fn bills(session: &mut Session) {
    for (template, query) in [
        ("/v2/billing", ""),
        ("/v2/billing", "?bucketSize=hour&lastN=3"),
        ("/v2/billing/pods", "?bucketSize=month"),
        ("/v2/billing/pods", "?podId=nobody"),
        ("/v2/billing/pods", "?lastN=3&startTime=2026-11-01T00:00:00Z"),
        ("/v2/billing/network-volumes", "?bucketSize=week"),
        ("/v2/billing/network-volumes", "?bucketSize=decade"),
    ] {
        session.send("GET", template, &format!("{template}{query}"), None).await;
    }
}

/// Answers that say nothing of what was asked.
async fn faults(session: &mut Session, method: &str, template: &str, path: &str) {
    for fault in ["key-refused", "forbidden", "throttled", "unavailable", "done-but-500"] {
        session.simulation.set_faults(format!("any#1={fault}").parse().unwrap());
        session.send(method, template, path, None).await;
    }
}

async fn refusals(session: &mut Session) {
    session.send("POST", "/v2/pods", "/v2/pods", Some(json!({ "image": "x" }))).await;
    session.send("POST", "/v2/pods", "/v2/pods", Some(json!({ "name": "x", "image": "x" }))).await;
    session.send("GET", "/v2/pods/{id}", "/v2/pods/nobody", None).await;
    session.send("PATCH", "/v2/pods/{id}", "/v2/pods/nobody", Some(json!({ "gpu": {} }))).await;
    session.send("GET", "/v2/catalog/gpus", "/v2/catalog/gpus?product=POD", None).await;
    session.send("GET", "/v2/templates/{id}", "/v2/templates/30zmvf89kd", None).await;
    session.simulation.edit(|world| world.set_balance(1));
    session.send("POST", "/v2/pods", "/v2/pods", Some(trainer())).await;
    let anonymous = Request::builder().uri("/v2/pods").body(Body::empty()).unwrap();
    let refused = reply(&session.router, anonymous).await;
    session.document.check("GET", "/v2/pods", &refused);
}
