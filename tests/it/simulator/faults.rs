//! Each fault as a caller meets it, and what is left in the world after it.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use podform::simulator::{QuotaSetting, Settings, Simulation};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;

use super::{act, call, create, small, status, trainer, wait};

fn faulty(faults: &str) -> Simulation {
    let faults = faults.parse().unwrap();
    Simulation::new(Settings { faults, quota: QuotaSetting::Unlimited, ..Settings::default() })
}

/// What a create meets: status, interesting headers, body as text, seconds waited, and how many pods there are then.
async fn create_under(fault: &str, body: Value) -> String {
    let simulation = faulty(&format!("create#1={fault}"));
    let request = Request::post("/v2/pods")
        .header("authorization", "Bearer rpa_test")
        .body(Body::from(body.to_string()))
        .unwrap();
    let began = Instant::now();
    let response = simulation.router().oneshot(request).await.unwrap();
    let waited = began.elapsed().as_secs();
    let (parts, body) = response.into_parts();
    let header = |name: &str| parts.headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
    let (kind, retry, location) = (header("content-type"), header("retry-after"), header("location"));
    let body = match body.collect().await {
        Ok(body) => String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        Err(error) => format!("(broken: {error})"),
    };
    let body = if body.is_empty() { "(no body)".to_owned() } else { body };
    let body = if body.len() > 90 { format!("{}... ({} bytes)", &body[..40], body.len()) } else { body };
    let pods = simulation.inspect(|world| world.all_pods().count());
    format!(
        "{fault}: {} {kind}, retry {retry}, to {location}, {waited} s, {pods} pods\n    {body}",
        parts.status.as_u16()
    )
}

#[tokio::test(start_paused = true)]
async fn a_create_meets_each_fault() {
    let mut seen = vec![];
    for fault in [
        "refused",
        "no-capacity",
        "throttled:12",
        "unavailable",
        "done-but-500",
        "done-but-timeout",
        "not-done-timeout",
        "slow:8",
        "balance",
        "key-refused",
        "forbidden",
        "waf",
        "malformed",
        "truncated",
        "wrong-content-type",
        "redirect",
        "did-nothing",
    ] {
        seen.push(create_under(fault, small("x")).await);
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    refused: 400 application/problem+json, retry -, to -, 0 s, 0 pods
        {"title":"Bad Request","status":400,"detail":"request could not be processed"}
    no-capacity: 400 application/problem+json, retry -, to -, 0 s, 0 pods
        {"title":"Bad Request","status":400,"det... (156 bytes)
    throttled:12: 429 application/problem+json, retry 12, to -, 0 s, 0 pods
        {"title":"Too Many Requests","status":42... (95 bytes)
    unavailable: 503 application/problem+json, retry -, to -, 0 s, 0 pods
        {"title":"Service Unavailable","status":503,"detail":"service unavailable"}
    done-but-500: 500 application/problem+json, retry -, to -, 0 s, 1 pods
        {"title":"Internal Server Error","status... (122 bytes)
    done-but-timeout: 504 application/problem+json, retry -, to -, 600 s, 1 pods
        {"title":"Gateway Timeout","status":504,"detail":"upstream request timeout"}
    not-done-timeout: 504 application/problem+json, retry -, to -, 600 s, 0 pods
        {"title":"Gateway Timeout","status":504,"detail":"upstream request timeout"}
    slow:8: 201 application/json, retry -, to -, 8 s, 1 pods
        {"id":"r00rkqiuwd2rqg","name":"x","image... (464 bytes)
    balance: 402 application/problem+json, retry -, to -, 0 s, 0 pods
        {"title":"Payment Required","status":402... (133 bytes)
    key-refused: 401 application/problem+json, retry -, to -, 0 s, 0 pods
        {"title":"Unauthorized","status":401,"detail":"invalid bearer token"}
    forbidden: 403 application/problem+json, retry -, to -, 0 s, 0 pods
        {"title":"Forbidden","status":403,"detail":"access denied"}
    waf: 403 text/plain; charset=UTF-8, retry -, to -, 0 s, 0 pods
        error code: 1010
    malformed: 201 application/json, retry -, to -, 0 s, 1 pods
        {"id":"r00rkqiuwd2rqg","name":"x","image... (235 bytes)
    truncated: 201 application/json, retry -, to -, 0 s, 1 pods
        (broken: connection reset)
    wrong-content-type: 201 text/html; charset=UTF-8, retry -, to -, 0 s, 1 pods
        <!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>
    redirect: 307 -, retry -, to https://elsewhere.invalid/v2/pods, 0 s, 0 pods
        (no body)
    did-nothing: 201 application/json, retry -, to -, 0 s, 0 pods
        {"id":"r00rkqiuwd2rqg","name":"x","image... (464 bytes)
    "#);
}

#[tokio::test]
async fn capacity_is_out_for_one_type_or_one_place_only() {
    let gpu = |id: &str, place: &str| {
        let mut body = trainer();
        body["gpu"]["id"] = json!(id);
        body["dataCenterIds"] = json!([place]);
        body
    };
    let simulation = faulty("create=no-capacity:gpu=NVIDIA L4");
    let router = simulation.router();
    assert_eq!(call(&router, "POST", "/v2/pods", Some(gpu("NVIDIA L4", "EU-RO-1"))).await.status, 400);
    assert_eq!(call(&router, "POST", "/v2/pods", Some(gpu("NVIDIA A40", "EU-RO-1"))).await.status, 201);
    simulation.set_faults("create=no-capacity:dc=EU-RO-1".parse().unwrap());
    assert_eq!(call(&router, "POST", "/v2/pods", Some(gpu("NVIDIA L4", "EU-RO-1"))).await.status, 400);
    assert_eq!(call(&router, "POST", "/v2/pods", Some(gpu("NVIDIA L4", "US-KS-2"))).await.status, 201);
    let catalog =
        call(&router, "GET", "/v2/catalog/gpus/NVIDIA%20L4?include=AVAILABILITY&product=POD", None).await;
    assert_ne!(catalog.body["availability"], "NONE", "stock is a hint: it does not know of the fault");
}

async fn names(router: &axum::Router) -> Vec<String> {
    let body = call(router, "GET", "/v2/pods", None).await.body;
    let pods = body["pods"].as_array().unwrap();
    let mut names: Vec<String> = pods.iter().map(|pod| pod["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn listings_are_stale_lag_or_show_pods_twice() {
    let simulation = faulty("list#1=stale, list#3=lagging, list#5=duplicate");
    let router = simulation.router();
    let old = create(&router, small("old")).await;
    wait(&router, 70).await;
    create(&router, small("new")).await;
    wait(&router, 20).await;
    call(&router, "DELETE", &format!("/v2/pods/{old}"), None).await;
    assert_eq!(names(&router).await, ["new", "old"], "stale: the delete is not in it");
    assert_eq!(names(&router).await, ["new"]);
    assert_eq!(names(&router).await, Vec::<String>::new(), "lagging: the young pod is not in it");
    assert_eq!(names(&router).await, ["new"]);
    assert_eq!(names(&router).await, ["new", "new"]);
}

#[tokio::test]
async fn a_start_meets_a_full_host_a_lost_one_and_no_gpu() {
    for (fault, reply, after) in [
        ("host-full", 400, "EXITED"),
        ("host-lost", 400, "EXITED"),
        ("zero-gpu", 200, "STARTING"),
        ("no-capacity", 400, "EXITED"),
    ] {
        let simulation = faulty(&format!("resume#1={fault}"));
        let router = simulation.router();
        let id = create(&router, trainer()).await;
        wait(&router, 40).await;
        act(&router, &id, "stop").await;
        let started = act(&router, &id, "start").await;
        assert_eq!((started.status, status(&router, &id).await), (reply, json!(after)), "{fault}");
        if fault == "zero-gpu" {
            assert_eq!((&started.body["gpu"]["count"], &started.body["cost"]), (&json!(0), &json!(0.0)));
        }
        let again = act(&router, &id, "start").await.status;
        let lasting = fault == "host-full" || fault == "host-lost";
        assert_eq!(again == 400, lasting, "{fault}: a full or lost host stays so");
    }
}

#[tokio::test]
async fn others_lock_a_pod_or_lose_its_host_under_it() {
    let simulation = faulty("stop#1=locked, get#60=host-lost, update#1=did-nothing");
    let router = simulation.router();
    let id = create(&router, trainer()).await;
    wait(&router, 40).await;
    assert_eq!(act(&router, &id, "stop").await.body["detail"], "pod is locked");
    assert_eq!(act(&router, &id, "stop").await.status, 409, "it stays locked");
    let renamed = call(&router, "PATCH", &format!("/v2/pods/{id}"), Some(json!({ "name": "other" }))).await;
    let read = call(&router, "GET", &format!("/v2/pods/{id}"), None).await;
    assert_eq!((&renamed.body["name"], &read.body["name"]), (&json!("other"), &json!("train")));
    for _ in 0..60 {
        status(&router, &id).await;
    }
    assert_eq!(status(&router, &id).await, "ERROR");
}

#[tokio::test]
async fn random_faults_come_with_the_seed() {
    async fn statuses(seed: u64) -> Vec<u16> {
        let faults = "create=random:40".parse().unwrap();
        let settings = Settings { seed, faults, quota: QuotaSetting::Unlimited, ..Settings::default() };
        let router = Simulation::new(settings).router();
        let mut statuses = vec![];
        for _ in 0..20 {
            let request =
                Request::post("/v2/pods").header("authorization", "Bearer k").body(Body::from("{}")).unwrap();
            let reply = tokio::time::timeout(Duration::from_secs(30), router.clone().oneshot(request)).await;
            statuses.push(reply.map_or(0, |reply| reply.unwrap().status().as_u16()));
        }
        statuses
    }
    tokio::time::pause();
    assert_eq!(statuses(3).await, statuses(3).await);
    assert_ne!(statuses(3).await, statuses(4).await);
}
