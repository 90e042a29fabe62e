//! What the simulator has of RunPod, and what it says of the rest.

use podform::simulator::{QuotaSetting, Settings, Simulation};
use serde_json::json;

use super::{call, wait};

fn router() -> axum::Router {
    Simulation::new(Settings { quota: QuotaSetting::Unlimited, ..Settings::default() }).router()
}

#[tokio::test]
async fn what_runpod_has_and_the_simulator_has_not_is_told_from_what_nobody_has() {
    let router = router();
    let problem = "application/problem+json";
    for (method, path) in [
        ("GET", "/v2/clusters"),
        ("POST", "/v2/clusters"),
        ("DELETE", "/v2/clusters/x"),
        ("GET", "/v2/clusters/x/pods"),
        ("GET", "/v2/serverless"),
        ("PATCH", "/v2/serverless/x"),
        ("GET", "/v2/serverless/x/builds/y"),
        ("GET", "/v2/serverless/x/workers/y/logs"),
        ("GET", "/v2/registries/delegations"),
        ("GET", "/v2/billing/clusters"),
    ] {
        let answer = call(&router, method, path, None).await;
        let title = answer.body["title"].as_str().unwrap_or_default();
        assert_eq!((answer.status, title), (501, "Not Implemented"), "{method} {path}");
        assert_eq!((answer.headers["content-type"].as_str(), &answer.body["status"]), (problem, &json!(501)));
    }
    for (method, path) in [
        ("GET", "/v1/endpoints"),
        ("POST", "/v1/templates"),
        ("PATCH", "/v1/templates/x"),
        ("DELETE", "/v1/templates/x"),
        ("GET", "/v1/billing/endpoints"),
        ("GET", "/v1/openapi.json"),
    ] {
        let answer = call(&router, method, path, None).await;
        assert_eq!((answer.status, &answer.body["status"]), (501, &json!(501)), "{method} {path}");
        assert!(answer.body["error"].is_string(), "{method} {path}: {}", answer.body);
    }
    for path in [
        "/v2/nothing",
        "/v2/clusters/x/y/z",
        "/v2/serverless/x/nothing",
        "/v2/billing/nothing",
        "/v2/sandboxes",
        "/v2/tags",
        "/v1/nothing",
        "/v1/endpoints/x/y",
        "/v3/pods",
        "/",
    ] {
        assert_eq!(call(&router, "GET", path, None).await.status, 404, "{path}");
    }
    assert_eq!(call(&router, "PUT", "/v2/pods", None).await.status, 405);
}

#[tokio::test]
async fn a_pod_is_made_as_its_template_was_then() {
    let router = router();
    let template = json!({
        "name": "mine", "image": "trainer:1", "entrypoint": ["bash"], "cmd": ["-c", "it's"], "disk": 30,
        "ports": ["22/tcp"], "env": { "A": "template", "B": "template" }, "startJupyter": false,
        "mounts": { "persistent": { "size": 20, "path": "/w" } },
    });
    let made = call(&router, "POST", "/v2/templates", Some(template)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.body["id"].as_str().unwrap();
    let order = json!({
        "name": "one", "templateId": id, "env": { "B": "body" }, "disk": 40, "cmd": ["-l"],
        "gpu": { "id": "NVIDIA A40", "count": 1 }, "startSsh": false,
    });
    let pod = call(&router, "POST", "/v2/pods", Some(order)).await.body;
    let shown = |key: &str| pod[key].clone();
    assert_eq!(shown("image"), "trainer:1");
    assert_eq!((shown("entrypoint"), shown("cmd")), (json!(["bash"]), json!(["-l"])));
    assert_eq!((shown("env"), shown("disk")), (json!({ "A": "template", "B": "body" }), json!(40)));
    assert_eq!(shown("mounts"), json!({ "persistent": { "size": 20, "path": "/w" } }));
    assert_eq!(shown("template"), json!(null), "no link is kept");

    // A change of the template changes no pod.
    let path = format!("/v2/templates/{id}");
    let changed = json!({ "image": "trainer:2", "serverless": true });
    assert_eq!(call(&router, "PATCH", &path, Some(changed)).await.status, 200);
    wait(&router, 10).await;
    let pod = format!("/v2/pods/{}", pod["id"].as_str().unwrap());
    assert_eq!(call(&router, "GET", &pod, None).await.body["image"], "trainer:1");

    // One for endpoints makes no pod.
    let order = json!({ "name": "two", "templateId": id, "gpu": { "id": "NVIDIA A40", "count": 1 } });
    assert_eq!(call(&router, "POST", "/v2/pods", Some(order.clone())).await.status, 422);
    assert_eq!(call(&router, "PATCH", &path, Some(json!({ "serverless": false }))).await.status, 200);

    // REST v1 keeps a link, and with it the template.
    let order = json!({ "name": "three", "templateId": id, "gpuTypeIds": ["NVIDIA A40"] });
    let linked = call(&router, "POST", "/v1/pods", Some(order)).await.body;
    assert_eq!((&linked["templateId"], &linked["image"]), (&json!(id), &json!("trainer:2")));
    assert_eq!(call(&router, "DELETE", &path, None).await.status, 400);
    wait(&router, 10).await;
    let linked = format!("/v2/pods/{}", linked["id"].as_str().unwrap());
    assert_eq!(call(&router, "DELETE", &linked, None).await.status, 204);
    assert_eq!(call(&router, "DELETE", &path, None).await.status, 204);
    let order = json!({ "name": "four", "templateId": id, "gpu": { "id": "NVIDIA A40", "count": 1 } });
    assert_eq!(call(&router, "POST", "/v2/pods", Some(order)).await.status, 404);
}
