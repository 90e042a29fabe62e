//! Every answer of the simulator against the published OpenAPI documents, where these stand beside the checkout.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the documents are read from disk, and a skip must be seen"
)]

use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use boon::{Compiler, Schemas};
use podform::simulator::{QuotaSetting, Settings, Simulation};
use serde_json::{Value, json};

use super::{Reply, call, reply, small, trainer};

/// The document's schemas, compiled as they are asked for.
struct Document {
    text: Value,
    compiler: Compiler,
    schemas: Schemas,
}

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
        Some(Document { text, compiler, schemas: Schemas::new() })
    }

    /// Checks that a reply is one of those that the document gives for the operation.
    fn check(&mut self, method: &str, template: &str, reply: &Reply) {
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
        let index = self.compiler.compile(&schema, &mut self.schemas).unwrap();
        if let Err(error) = self.schemas.validate(&reply.body, index) {
            panic!("{method} {template} {}: {error:#}\n{:#}", reply.status, reply.body);
        }
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

/// A session that checks each reply as it comes.
struct Session {
    router: Router,
    document: Document,
    checked: usize,
}

impl Session {
    async fn send(&mut self, method: &str, template: &str, path: &str, body: Option<Value>) -> Reply {
        let reply = call(&self.router, method, path, body).await;
        self.document.check(method, template, &reply);
        self.checked += 1;
        reply
    }
}

#[tokio::test]
async fn rest_v2_answers_as_documented() {
    let Some(document) = Document::open("openapi-v2.json") else { return };
    let simulation = Simulation::new(Settings { quota: QuotaSetting::Unlimited, ..Settings::default() });
    let mut session = Session { router: simulation.router(), document, checked: 0 };
    volumes(&mut session).await;
    pods(&mut session).await;
    catalog(&mut session).await;
    refusals(&mut session).await;
    assert!(session.checked > 150, "{} answers were checked", session.checked);
}

#[tokio::test]
async fn rest_v1_answers_as_documented() {
    let Some(document) = Document::open("openapi-v1.json") else { return };
    let simulation = Simulation::new(Settings { quota: QuotaSetting::Unlimited, ..Settings::default() });
    let mut session = Session { router: simulation.router(), document, checked: 0 };
    let (volumes, volume) = ("/networkvolumes", "/networkvolumes/{networkVolumeId}");
    let body = json!({ "name": "models", "size": 100, "dataCenterId": "EU-RO-1" });
    let made = session.send("POST", volumes, "/v1/networkvolumes", Some(body)).await;
    let volume_path = format!("/v1/networkvolumes/{}", made.body["id"].as_str().unwrap());
    session.send("GET", volumes, "/v1/networkvolumes", None).await;
    session.send("GET", volume, &volume_path, None).await;
    session.send("PATCH", volume, &volume_path, Some(json!({ "size": 200 }))).await;
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
        session.send("GET", "/billing/pods", "/v1/billing/pods?grouping=podId&bucketSize=hour", None).await;
        assert_eq!(session.send("DELETE", pod, &path, None).await.status, 204);
    }
    session.send("GET", "/billing/pods", "/v1/billing/pods", None).await;
    assert_eq!(session.send("DELETE", volume, &volume_path, None).await.status, 204);
    assert!(session.checked > 120, "{} answers were checked", session.checked);
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
        ("/v2/registries", "/v2/registries"),
    ] {
        session.send("GET", template, path, None).await;
    }
    let keys = json!({ "keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.com"] });
    session.send("PUT", "/v2/account/ssh-keys", "/v2/account/ssh-keys", Some(keys)).await;
    session.send("PUT", "/v2/account/ssh-keys", "/v2/account/ssh-keys", Some(json!({ "keys": ["x"] }))).await;
}

async fn refusals(session: &mut Session) {
    session.send("POST", "/v2/pods", "/v2/pods", Some(json!({ "image": "x" }))).await;
    session.send("POST", "/v2/pods", "/v2/pods", Some(json!({ "name": "x", "image": "x" }))).await;
    session.send("GET", "/v2/pods/{id}", "/v2/pods/nobody", None).await;
    session.send("PATCH", "/v2/pods/{id}", "/v2/pods/nobody", Some(json!({ "gpu": {} }))).await;
    session.send("GET", "/v2/catalog/gpus", "/v2/catalog/gpus?product=POD", None).await;
    let anonymous = Request::builder().uri("/v2/pods").body(Body::empty()).unwrap();
    let refused = reply(&session.router, anonymous).await;
    session.document.check("GET", "/v2/pods", &refused);
}
