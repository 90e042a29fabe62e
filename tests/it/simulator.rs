//! The simulator over REST v2, called in process: whole bodies of every route, in good cases and bad ones.

mod contract;
mod door;
mod faults;
mod graphql;
mod openapi;
mod page;
mod pages;
mod paths;
mod rest_v1;
mod store;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use podform::simulator::exchange::Operation;
use podform::simulator::world::pod::PodId;
use podform::simulator::{QuotaSetting, Settings, Simulation};
use serde_json::{Value, json};
use tower::ServiceExt;

/// One answer: its status, its headers and its body, `null` where there is none.
#[derive(Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

/// Calls a router with a key and returns the answer.
pub async fn call(router: &Router, method: &str, path: &str, body: Option<Value>) -> Reply {
    let mut request = Request::builder().method(method).uri(path).header("authorization", "Bearer rpa_test");
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    reply(router, request.body(body).unwrap()).await
}

/// Sends a request as it stands and returns the answer.
pub async fn reply(router: &Router, request: Request<Body>) -> Reply {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    Reply { status: parts.status.as_u16(), headers, body }
}

/// A simulation without a quota: these tests let the world pass by asking.
fn api() -> (Simulation, Router) {
    let simulation = Simulation::new(Settings { quota: QuotaSetting::Unlimited, ..Settings::default() });
    let router = simulation.router();
    (simulation, router)
}

async fn create(router: &Router, body: Value) -> String {
    let reply = call(router, "POST", "/v2/pods", Some(body)).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.body["id"].as_str().unwrap().to_owned()
}

fn small(name: &str) -> Value {
    json!({
        "name": name, "image": "ubuntu:24.04", "cpu": { "id": "cpu5c", "vcpuCount": 2 }, "disk": 20,
    })
}

fn trainer() -> Value {
    json!({
        "name": "train", "image": "runpod/pytorch:2.8", "args": "python train.py", "disk": 50,
        "gpu": { "id": "NVIDIA GeForce RTX 4090", "count": 2 }, "cloud": "SECURE",
        "dataCenterIds": ["EU-RO-1", "US-KS-2"], "ports": ["8888/http", "22/tcp"],
        "env": { "LOG_LEVEL": "debug", "PODFORM_MARK": "acme/train/5f2c" },
        "mounts": { "persistent": { "size": 40, "path": "/workspace" } }, "startSsh": true,
    })
}

/// Lets the world pass, with requests that change nothing.
async fn wait(router: &Router, seconds: u32) {
    for _ in 0..seconds {
        call(router, "GET", "/v2/account/ssh-keys", None).await;
    }
}

async fn status(router: &Router, id: &str) -> Value {
    call(router, "GET", &format!("/v2/pods/{id}"), None).await.body["status"].clone()
}

async fn act(router: &Router, id: &str, action: &str) -> Reply {
    call(router, "POST", &format!("/v2/pods/{id}/action"), Some(json!({ "action": action }))).await
}

#[tokio::test]
async fn a_pod_is_created_and_comes_up() {
    let (_, router) = api();
    let created = call(&router, "POST", "/v2/pods", Some(trainer())).await;
    assert_eq!(created.status, 201);
    insta::assert_snapshot!(pretty(&created.body), @r#"
    {
      "actions": [
        "stop",
        "terminate"
      ],
      "args": "python train.py",
      "cloud": "SECURE",
      "cost": 1.48,
      "createdAt": "2026-11-02T09:00:01Z",
      "cudaVersion": null,
      "dataCenterId": null,
      "disk": 50,
      "env": {
        "LOG_LEVEL": "debug",
        "PODFORM_MARK": "acme/train/5f2c",
        "PUBLIC_KEY": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNpbXVsYXRlZC1rZXktb2Ytbm9ib2R5LWF0LWFsbCE= nobody@simulator"
      },
      "globalNetworking": {
        "enabled": false
      },
      "gpu": {
        "count": 2,
        "id": "NVIDIA GeForce RTX 4090",
        "memory": 58,
        "vcpuCount": 10
      },
      "id": "glxz3dlcz9dfkf",
      "image": "runpod/pytorch:2.8",
      "locked": false,
      "mounts": {
        "persistent": {
          "path": "/workspace",
          "size": 40
        }
      },
      "name": "train",
      "ports": [
        "8888/http",
        "22/tcp"
      ],
      "registry": null,
      "runtime": null,
      "ssh": {
        "direct": null,
        "proxy": null
      },
      "startedAt": null,
      "status": "PROVISIONING",
      "template": null
    }
    "#);
    let id = created.body["id"].as_str().unwrap().to_owned();
    wait(&router, 40).await;
    let up = call(&router, "GET", &format!("/v2/pods/{id}"), None).await;
    assert_eq!(up.status, 200);
    insta::assert_snapshot!(pretty(&up.body), @r#"
    {
      "actions": [
        "stop",
        "restart",
        "terminate"
      ],
      "args": "python train.py",
      "cloud": "SECURE",
      "cost": 1.48,
      "createdAt": "2026-11-02T09:00:01Z",
      "cudaVersion": "12.8",
      "dataCenterId": "US-KS-2",
      "disk": 50,
      "env": {
        "LOG_LEVEL": "debug",
        "PODFORM_MARK": "acme/train/5f2c",
        "PUBLIC_KEY": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNpbXVsYXRlZC1rZXktb2Ytbm9ib2R5LWF0LWFsbCE= nobody@simulator"
      },
      "globalNetworking": {
        "enabled": false
      },
      "gpu": {
        "count": 2,
        "id": "NVIDIA GeForce RTX 4090",
        "memory": 58,
        "vcpuCount": 10
      },
      "id": "glxz3dlcz9dfkf",
      "image": "runpod/pytorch:2.8",
      "locked": false,
      "mounts": {
        "persistent": {
          "path": "/workspace",
          "size": 40
        }
      },
      "name": "train",
      "ports": [
        "8888/http",
        "22/tcp"
      ],
      "registry": null,
      "runtime": {
        "cpu": {
          "util": 80
        },
        "gpus": [
          {
            "memoryUtil": 3,
            "util": 33
          },
          {
            "memoryUtil": 67,
            "util": 69
          }
        ],
        "memory": {
          "util": 37
        },
        "ports": [
          {
            "ip": "100.65.57.101",
            "private": 8888,
            "public": null,
            "type": "http"
          },
          {
            "ip": "198.51.100.191",
            "private": 22,
            "public": 29328,
            "type": "tcp"
          }
        ],
        "uptime": 18
      },
      "ssh": {
        "direct": {
          "command": "ssh root@198.51.100.191 -p 29328",
          "host": "198.51.100.191",
          "port": 29328,
          "username": "root"
        },
        "proxy": {
          "command": "ssh glxz3dlcz9dfkf-1f7daa65@ssh.runpod.io",
          "host": "ssh.runpod.io",
          "port": 22,
          "username": "glxz3dlcz9dfkf-1f7daa65"
        }
      },
      "startedAt": "2026-11-02T09:00:23Z",
      "status": "RUNNING",
      "template": null
    }
    "#);
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// The status and the body, which is how most answers read best.
fn short(reply: &Reply) -> String {
    format!("{} {}", reply.status, reply.body)
}

#[tokio::test]
async fn the_states_and_their_actions() {
    let (_, router) = api();
    let id = create(&router, trainer()).await;
    // Listings lag by up to three seconds, and reading by identifier with them.
    wait(&router, 2).await;
    let mut seen = vec![];
    for action in ["start", "restart", "stop", "stop", "restart", "start"] {
        let reply = act(&router, &id, action).await;
        let said = if reply.status == 200 { &reply.body["actions"] } else { &reply.body["detail"] };
        seen.push(format!("{action}: {} {} {said}", reply.status, status(&router, &id).await));
    }
    wait(&router, 40).await;
    let mut up = vec![];
    for action in ["start", "restart", "terminate", "terminate"] {
        let reply = act(&router, &id, action).await;
        up.push(format!("{action}: {} {} {}", reply.status, reply.body["status"], reply.body["detail"]));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    start: 409 "STARTING" "action 'start' is not valid for a pod in status STARTING"
    restart: 409 "STARTING" "action 'restart' is not valid for a pod in status STARTING"
    stop: 200 "EXITED" ["start","terminate"]
    stop: 409 "EXITED" "action 'stop' is not valid for a pod in status EXITED"
    restart: 409 "EXITED" "action 'restart' is not valid for a pod in status EXITED"
    start: 200 "STARTING" ["stop","terminate"]
    "#);
    insta::assert_snapshot!(up.join("\n"), @r#"
    start: 409 409 "action 'start' is not valid for a pod in status RUNNING"
    restart: 200 "STARTING" null
    terminate: 204 null null
    terminate: 404 404 "pod not found"
    "#);
    assert_eq!(call(&router, "GET", "/v2/pods", None).await.body["pods"], json!([]));
}

#[tokio::test]
async fn what_a_container_turns_out_to_be_is_in_its_image() {
    let (_, router) = api();
    let mut seen = vec![];
    for image in ["ubuntu:24.04", "ubuntu:broken", "ubuntu:one-shot", "ubuntu:silent"] {
        let id = create(
            &router,
            json!({
                "name": image, "image": image, "cpu": { "id": "cpu5c", "vcpuCount": 2 }, "disk": 10,
            }),
        )
        .await;
        let mut states = vec![];
        for _ in 0..110 {
            let pod = call(&router, "GET", &format!("/v2/pods/{id}"), None).await.body;
            let runtime = if pod["runtime"].is_null() { "" } else { " reporting" };
            let state = format!("{}{runtime}", pod["status"].as_str().unwrap_or("(not listed)"));
            if states.last() != Some(&state) {
                states.push(state);
            }
        }
        seen.push(format!("{image}: {}", states.join(" > ")));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    ubuntu:24.04: PROVISIONING > STARTING > RUNNING reporting
    ubuntu:broken: PROVISIONING > STARTING > ERROR
    ubuntu:one-shot: (not listed) > PROVISIONING > STARTING > RUNNING reporting
    ubuntu:silent: (not listed) > STARTING > RUNNING
    "#);
}

#[tokio::test]
async fn a_new_pod_is_missing_from_listings_for_a_while() {
    let (simulation, router) = api();
    let mut lags = BTreeMap::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        let id = create(&router, small(name)).await;
        let mut missing = 0;
        loop {
            let list = call(&router, "GET", "/v2/pods", None).await.body;
            let read = call(&router, "GET", &format!("/v2/pods/{id}"), None).await;
            if list["pods"].as_array().unwrap().iter().any(|pod| pod["id"] == id.as_str()) {
                break;
            }
            missing += 1;
            assert!(missing < 4, "three seconds are the limit");
            assert!(read.status == 404 || read.status == 200);
        }
        lags.insert(name, missing);
    }
    assert!(lags.values().any(|missing| *missing > 0), "some pod must lag: {lags:?}");
    assert_eq!(simulation.requests()[&Operation::Create], 6);
}

#[tokio::test]
async fn a_stopped_pod_starts_on_its_own_host_or_not_at_all() {
    let (simulation, router) = api();
    let id = create(&router, trainer()).await;
    wait(&router, 40).await;
    let pod = PodId(id.clone());
    let read = |simulation: &Simulation| {
        simulation.inspect(|world| {
            let found = world.all_pods().find(|each| each.id == pod).unwrap();
            (found.host.clone(), found.containers, found.public_port(world.seed(), 22))
        })
    };
    let (host, containers, port) = read(&simulation);
    let free = |simulation: &Simulation| simulation.inspect(|world| world.free_units(&host));
    let before = free(&simulation);
    assert_eq!(act(&router, &id, "stop").await.status, 200);
    assert_eq!(free(&simulation), before + 2, "a stop frees its GPUs");
    simulation.edit(|world| world.fill_host(&host));
    insta::assert_snapshot!(short(&act(&router, &id, "start").await), @r#"400 {"detail":"There are not enough free GPUs on the host machine to start this pod.","status":400,"title":"Bad Request"}"#);
    assert_eq!(status(&router, &id).await, "EXITED");
    simulation.edit(|world| world.empty_host(&host));
    assert_eq!(act(&router, &id, "start").await.body["status"], "STARTING");
    let again = read(&simulation);
    assert_eq!((&again.0, again.1), (&host, containers + 1), "the same host, a new container");
    assert_ne!(again.2, port, "public ports change with each container");
    simulation.edit(|world| world.lose_host(&host));
    assert_eq!(status(&router, &id).await, "ERROR");
    insta::assert_snapshot!(short(&act(&router, &id, "start").await), @r#"400 {"detail":"This machine does not have the resources to deploy your pod. Please try a different machine","status":400,"title":"Bad Request"}"#);
}

#[tokio::test]
async fn an_update_resets_or_it_does_not() {
    let (simulation, router) = api();
    let id = create(&router, trainer()).await;
    wait(&router, 40).await;
    let path = format!("/v2/pods/{id}");
    let mut seen = vec![];
    for body in [
        json!({ "name": "renamed" }),
        json!({ "locked": true }),
        json!({ "image": "runpod/pytorch:2.9" }),
        json!({ "locked": false, "image": "runpod/pytorch:2.9" }),
        json!({ "env": { "ONLY": "this" } }),
        json!({ "ports": [], "registry": null }),
        json!({ "mounts": {} }),
        json!({ "mounts": { "persistent": { "size": 80, "path": "/data" } } }),
        json!({ "mounts": { "persistent": { "size": 30, "path": "/data" } } }),
        json!({ "mounts": { "persistent": { "size": 90 } } }),
        json!({ "mounts": { "network": [] } }),
        json!({ "mounts": { "network": [{ "volumeId": "x", "path": "/x" }] } }),
        json!({ "globalNetworking": true }),
        json!({ "gpu": { "id": "NVIDIA L4", "count": 1 } }),
        json!({ "templateId": "30zmvf89kd" }),
        json!({ "disk": 0 }),
    ] {
        wait(&router, 40).await;
        let containers = simulation.inspect(|world| world.all_pods().next().unwrap().containers);
        let reply = call(&router, "PATCH", &path, Some(body.clone())).await;
        let after = simulation.inspect(|world| world.all_pods().next().unwrap().containers);
        let reset = if after > containers { ", reset" } else { "" };
        let said = match reply.status {
            200 => format!("{}{reset}", reply.body["status"].as_str().unwrap()),
            _ => format!("{} {}", reply.body["detail"], reply.body["errors"]),
        };
        seen.push(format!("{body}\n    {} {said}", reply.status));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    {"name":"renamed"}
        200 RUNNING
    {"locked":true}
        200 RUNNING
    {"image":"runpod/pytorch:2.9"}
        409 "pod is locked" null
    {"image":"runpod/pytorch:2.9","locked":false}
        200 STARTING, reset
    {"env":{"ONLY":"this"}}
        200 STARTING, reset
    {"ports":[],"registry":null}
        200 STARTING, reset
    {"mounts":{}}
        200 RUNNING
    {"mounts":{"persistent":{"path":"/data","size":80}}}
        200 STARTING, reset
    {"mounts":{"persistent":{"path":"/data","size":30}}}
        400 "size must be greater than or equal to the current size of 80 GB" null
    {"mounts":{"persistent":{"size":90}}}
        422 "Request validation failed." ["$.mounts.persistent: missing property 'path'"]
    {"mounts":{"network":[]}}
        400 "mounts.network must not be empty: mounts cannot be cleared" null
    {"mounts":{"network":[{"path":"/x","volumeId":"x"}]}}
        400 "mount kind is fixed at create and cannot be changed" null
    {"globalNetworking":true}
        200 RUNNING
    {"gpu":{"count":1,"id":"NVIDIA L4"}}
        422 "Request validation failed." ["$: additional properties 'gpu' not allowed"]
    {"templateId":"30zmvf89kd"}
        404 "template not found" null
    {"disk":0}
        422 "Request validation failed." ["$.disk: minimum: got 0, want 1"]
    "#);
    let pod = call(&router, "GET", &path, None).await.body;
    assert_eq!(
        pod["env"],
        json!({ "ONLY": "this" }),
        "an update of env replaces all of it, the platform's keys too"
    );
    assert_eq!(pod["mounts"], json!({ "persistent": { "size": 80, "path": "/data" } }));
    assert_eq!(pod["globalNetworking"], json!({ "enabled": false }), "it waits for the next start");
    assert_eq!(act(&router, &id, "restart").await.body["globalNetworking"]["enabled"], true);
}

#[tokio::test]
async fn a_lock_keeps_from_stop_and_reset_but_not_from_the_end() {
    let (_, router) = api();
    let id = create(&router, small("locked")).await;
    wait(&router, 40).await;
    call(&router, "PATCH", &format!("/v2/pods/{id}"), Some(json!({ "locked": true }))).await;
    assert_eq!(
        short(&act(&router, &id, "stop").await),
        r#"409 {"detail":"pod is locked","status":409,"title":"Conflict"}"#
    );
    assert_eq!(act(&router, &id, "restart").await.status, 409);
    assert_eq!(call(&router, "DELETE", &format!("/v2/pods/{id}"), None).await.status, 204);
    assert_eq!(call(&router, "DELETE", &format!("/v2/pods/{id}"), None).await.status, 404);
}

#[tokio::test]
async fn creates_that_are_turned_down() {
    let (_, router) = api();
    let gpu = json!({ "id": "NVIDIA L4", "count": 1 });
    let mut seen = vec![];
    for body in [
        json!({ "image": "ubuntu", "gpu": gpu, "cloud": "SECURE" }),
        json!({ "name": "x", "gpu": gpu, "imageName": "ubuntu" }),
        json!({ "name": "", "image": 7, "gpu": { "count": "1" }, "cloud": "ALL", "disk": 0, "env": { "A": 1 } }),
        json!({ "name": "x", "image": "ubuntu" }),
        json!({ "name": "x", "image": "ubuntu", "gpu": gpu, "cpu": { "id": "cpu5c", "vcpuCount": 2 } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": { "id": "NVIDIA L4" } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": { "id": "NVIDIA B200", "count": 1 } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": { "id": "NVIDIA L4", "count": 64 } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": { "id": "L4", "count": 1 } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": gpu, "dataCenterIds": ["MOON-1"] }),
        json!({ "name": "x", "image": "ubuntu:missing", "gpu": gpu }),
        json!({ "name": "x", "image": "ubuntu", "cpu": { "id": "cpu5c", "vcpuCount": 2 }, "disk": 31 }),
        json!({ "name": "x", "image": "ubuntu", "cpu": { "id": "cpu5c", "vcpuCount": 6 } }),
        json!({ "name": "x", "image": "ubuntu", "cpu": { "id": "cpu9x", "vcpuCount": 2 } }),
        json!({ "name": "x", "image": "ubuntu", "cpu": { "id": "cpu5c", "vcpuCount": 2 }, "mounts": { "persistent": { "size": 10, "path": "/w" } } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": gpu, "mounts": { "persistent": { "size": 10, "path": "/w" }, "network": [{ "volumeId": "v", "path": "/v" }] } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": gpu, "mounts": { "network": [{ "volumeId": "v", "path": "/v" }] } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": { "id": "NVIDIA L4", "count": 1, "allowedCudaVersions": ["12.8"], "minCudaVersion": "12.4" } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": { "id": "NVIDIA L4", "count": 1, "minCudaVersion": "12" } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": { "id": "NVIDIA L4", "count": 1, "minCudaVersion": "14.0" } }),
        json!({ "name": "x", "image": "ubuntu", "gpu": gpu, "ports": ["8080:80"] }),
        json!({ "name": "x", "templateId": "30zmvf89kd", "gpu": gpu }),
        json!(["x"]),
    ] {
        let reply = call(&router, "POST", "/v2/pods", Some(body.clone())).await;
        seen.push(format!("{body}\n    {} {} {}", reply.status, reply.body["detail"], reply.body["errors"]));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    {"cloud":"SECURE","gpu":{"count":1,"id":"NVIDIA L4"},"image":"ubuntu"}
        422 "Request validation failed." ["$: missing property 'name'","$: additional properties 'cloud', 'gpu' not allowed"]
    {"gpu":{"count":1,"id":"NVIDIA L4"},"imageName":"ubuntu","name":"x"}
        422 "Request validation failed." ["$: missing property 'image'","$: additional properties 'imageName' not allowed"]
    {"cloud":"ALL","disk":0,"env":{"A":1},"gpu":{"count":"1"},"image":7,"name":""}
        422 "Request validation failed." ["$.gpu: missing property 'id'","$.name: minLength: got 0, want 1","$.image: got number, want string","$.disk: minimum: got 0, want 1","$.env.A: got number, want string","$.gpu.count: got string, want integer","$.cloud: value must be one of 'SECURE', 'COMMUNITY'"]
    {"image":"ubuntu","name":"x"}
        400 "exactly one of gpu or cpu must be set" null
    {"cpu":{"id":"cpu5c","vcpuCount":2},"gpu":{"count":1,"id":"NVIDIA L4"},"image":"ubuntu","name":"x"}
        400 "exactly one of gpu or cpu must be set" null
    {"gpu":{"id":"NVIDIA L4"},"image":"ubuntu","name":"x"}
        400 "There are no longer any instances available with the requested specifications. Please refresh and try again." null
    {"gpu":{"count":1,"id":"NVIDIA B200"},"image":"ubuntu","name":"x"}
        400 "There are no longer any instances available with the requested specifications. Please refresh and try again." null
    {"gpu":{"count":64,"id":"NVIDIA L4"},"image":"ubuntu","name":"x"}
        400 "There are no longer any instances available with the requested specifications. Please refresh and try again." null
    {"gpu":{"count":1,"id":"L4"},"image":"ubuntu","name":"x"}
        400 "There are no longer any instances available with the requested specifications. Please refresh and try again." null
    {"dataCenterIds":["MOON-1"],"gpu":{"count":1,"id":"NVIDIA L4"},"image":"ubuntu","name":"x"}
        400 "There are no longer any instances available with the requested specifications. Please refresh and try again." null
    {"gpu":{"count":1,"id":"NVIDIA L4"},"image":"ubuntu:missing","name":"x"}
        422 "The image 'ubuntu:missing' could not be found on its registry." null
    {"cpu":{"id":"cpu5c","vcpuCount":2},"disk":31,"image":"ubuntu","name":"x"}
        400 "Container Disk must be less than or equal to 30 GB for this instance" null
    {"cpu":{"id":"cpu5c","vcpuCount":6},"image":"ubuntu","name":"x"}
        400 "vcpuCount must be a power of two between 2 and 32 for cpu5c" null
    {"cpu":{"id":"cpu9x","vcpuCount":2},"image":"ubuntu","name":"x"}
        400 "unknown CPU flavor 'cpu9x'" null
    {"cpu":{"id":"cpu5c","vcpuCount":2},"image":"ubuntu","mounts":{"persistent":{"path":"/w","size":10}},"name":"x"}
        400 "mounts.persistent is not supported on CPU pods" null
    {"gpu":{"count":1,"id":"NVIDIA L4"},"image":"ubuntu","mounts":{"network":[{"path":"/v","volumeId":"v"}],"persistent":{"path":"/w","size":10}},"name":"x"}
        400 "mounts.persistent and mounts.network are mutually exclusive" null
    {"gpu":{"count":1,"id":"NVIDIA L4"},"image":"ubuntu","mounts":{"network":[{"path":"/v","volumeId":"v"}]},"name":"x"}
        404 "network volume not found" null
    {"gpu":{"allowedCudaVersions":["12.8"],"count":1,"id":"NVIDIA L4","minCudaVersion":"12.4"},"image":"ubuntu","name":"x"}
        400 "gpu.allowedCudaVersions and gpu.minCudaVersion are mutually exclusive" null
    {"gpu":{"count":1,"id":"NVIDIA L4","minCudaVersion":"12"},"image":"ubuntu","name":"x"}
        422 "Request validation failed." ["$.gpu: '12' does not match pattern '^\\d+\\.\\d+$'"]
    {"gpu":{"count":1,"id":"NVIDIA L4","minCudaVersion":"14.0"},"image":"ubuntu","name":"x"}
        400 "There are no longer any instances available with the requested specifications. Please refresh and try again." null
    {"gpu":{"count":1,"id":"NVIDIA L4"},"image":"ubuntu","name":"x","ports":["8080:80"]}
        400 "'8080:80' is not a valid port: use <port>/http or <port>/tcp" null
    {"gpu":{"count":1,"id":"NVIDIA L4"},"name":"x","templateId":"30zmvf89kd"}
        404 "template not found" null
    ["x"]
        422 "Request validation failed." ["$: got array, want object"]
    "#);
    wait(&router, 4).await;
    assert_eq!(call(&router, "GET", "/v2/pods", None).await.body["pods"], json!([]));
}

#[tokio::test]
async fn network_volumes_are_made_grown_and_deleted() {
    let (_, router) = api();
    let mut seen = vec![];
    let made = call(
        &router,
        "POST",
        "/v2/network-volumes",
        Some(json!({ "name": "models", "size": 500, "dataCenter": "EU-RO-1" })),
    )
    .await;
    seen.push(format!("made: {}", short(&made)));
    wait(&router, 4).await;
    let id = made.body["id"].as_str().unwrap().to_owned();
    let path = format!("/v2/network-volumes/{id}");
    for body in [
        json!({ "size": 600 }),
        json!({ "name": "weights" }),
        json!({ "size": 10 }),
        json!({}),
        json!({ "dataCenter": "EU-SE-1" }),
    ] {
        seen.push(format!("{body}: {}", short(&call(&router, "PATCH", &path, Some(body.clone())).await)));
    }
    for body in [
        json!({ "name": "x", "size": 50, "dataCenter": "EU-NL-1" }),
        json!({ "name": "x", "size": 5, "dataCenterId": "EU-RO-1" }),
        json!({ "name": "x", "size": 50, "dataCenter": "EU-RO-1", "type": "HIGH_PERFORMANCE" }),
        json!({ "name": "x", "size": 50, "dataCenter": "EU-RO-1", "type": "TAPE" }),
    ] {
        seen.push(format!(
            "{body}: {}",
            short(&call(&router, "POST", "/v2/network-volumes", Some(body.clone())).await)
        ));
    }
    let pod = create(
        &router,
        json!({
            "name": "user", "image": "ubuntu", "cpu": { "id": "cpu5c", "vcpuCount": 2 }, "disk": 10,
            "mounts": { "network": [{ "volumeId": id, "path": "/models" }] },
        }),
    )
    .await;
    wait(&router, 10).await;
    let placed = call(&router, "GET", &format!("/v2/pods/{pod}"), None).await.body;
    assert_eq!(placed["dataCenterId"], "EU-RO-1", "a network volume decides where its pod goes");
    assert_eq!(placed["mounts"], json!({ "network": [{ "volumeId": id, "path": "/models" }] }));
    seen.push(format!("in use: {}", short(&call(&router, "DELETE", &path, None).await)));
    assert_eq!(call(&router, "DELETE", &format!("/v2/pods/{pod}"), None).await.status, 204);
    seen.push(format!("unused: {}", short(&call(&router, "DELETE", &path, None).await)));
    seen.push(format!("gone: {}", short(&call(&router, "GET", &path, None).await)));
    seen.push(format!("list: {}", short(&call(&router, "GET", "/v2/network-volumes", None).await)));
    insta::assert_snapshot!(seen.join("\n"), @r#"
    made: 201 {"dataCenter":"EU-RO-1","id":"yaokuoqhb0","name":"models","size":500,"type":"STANDARD"}
    {"size":600}: 200 {"dataCenter":"EU-RO-1","id":"yaokuoqhb0","name":"models","size":600,"type":"STANDARD"}
    {"name":"weights"}: 200 {"dataCenter":"EU-RO-1","id":"yaokuoqhb0","name":"weights","size":600,"type":"STANDARD"}
    {"size":10}: 400 {"detail":"size must be greater than or equal to the current size of 600 GB","status":400,"title":"Bad Request"}
    {}: 422 {"detail":"Request validation failed.","errors":["$: minProperties: got 0, want 1"],"status":422,"title":"Unprocessable Entity"}
    {"dataCenter":"EU-SE-1"}: 422 {"detail":"Request validation failed.","errors":["$: additional properties 'dataCenter' not allowed"],"status":422,"title":"Unprocessable Entity"}
    {"dataCenter":"EU-NL-1","name":"x","size":50}: 400 {"detail":"Data center 'EU-NL-1' does not support network volumes. Supported data centers: EU-RO-1, US-IL-1, EUR-IS-1, EU-CZ-1, US-KS-2, US-GA-2, US-WA-1, US-CA-2, US-NC-1, EUR-NO-1, US-MD-1, US-MO-1, US-MO-2, US-NC-2, US-NE-1","status":400,"title":"Bad Request"}
    {"dataCenterId":"EU-RO-1","name":"x","size":5}: 422 {"detail":"Request validation failed.","errors":["$: missing property 'dataCenter'","$.size: minimum: got 5, want 10","$: additional properties 'dataCenterId' not allowed"],"status":422,"title":"Unprocessable Entity"}
    {"dataCenter":"EU-RO-1","name":"x","size":50,"type":"HIGH_PERFORMANCE"}: 400 {"detail":"Data center EU-RO-1 does not support HIGH_PERFORMANCE volumes.","status":400,"title":"Bad Request"}
    {"dataCenter":"EU-RO-1","name":"x","size":50,"type":"TAPE"}: 422 {"detail":"Request validation failed.","errors":["$.type: value must be one of 'STANDARD', 'HIGH_PERFORMANCE'"],"status":422,"title":"Unprocessable Entity"}
    in use: 400 {"detail":"network volume is in use by a pod","status":400,"title":"Bad Request"}
    unused: 204 null
    gone: 404 {"detail":"network volume not found","status":404,"title":"Not Found"}
    list: 200 {"networkVolumes":[]}
    "#);
}

#[tokio::test]
async fn the_catalog_shows_prices_and_on_request_stock() {
    let (_, router) = api();
    let mut seen = vec![];
    for path in [
        "/v2/catalog/gpus/NVIDIA%20L40S",
        "/v2/catalog/gpus/NVIDIA%20H200?include=AVAILABILITY&product=POD",
        "/v2/catalog/gpus/NVIDIA%20L4?include=AVAILABILITY&product=POD&countryCodes=RO,SE&minCudaVersion=12.8",
        "/v2/catalog/gpus/NVIDIA%20B200?include=AVAILABILITY&product=POD,CLUSTER",
        "/v2/catalog/gpus/NVIDIA%20B300%20SXM6%20AC",
        "/v2/catalog/gpus/NVIDIA%20Z1",
        "/v2/catalog/gpus?include=AVAILABILITY",
        "/v2/catalog/gpus?product=POD",
        "/v2/catalog/gpus?count=2",
        "/v2/catalog/gpus?include=PRICES&product=POD",
        "/v2/catalog/gpus?include=AVAILABILITY&product=POD&countryCodes=ro",
        "/v2/catalog/gpus?include=AVAILABILITY&product=POD&cudaVersions=12",
        "/v2/catalog/cpus/cpu3m",
        "/v2/catalog/cpus/cpu5c?include=AVAILABILITY&product=POD&vcpuCount=6",
        "/v2/catalog/datacenters/EU-RO-1",
        "/v2/catalog/datacenters/MOON-1",
        "/v2/catalog/datacenters?regions=OCEANIA,EUROPE&networkVolumeTypes=STANDARD&globalNetwork=true",
        "/v2/catalog/datacenters?include=STOCK",
    ] {
        seen.push(format!("{path}\n    {}", short(&call(&router, "GET", path, None).await)));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    /v2/catalog/gpus/NVIDIA%20L40S
        200 {"community":true,"id":"NVIDIA L40S","manufacturer":"NVIDIA","maxCount":{"community":4,"secure":8},"memory":48,"name":"L40S","pool":"ADA_48_PRO","price":{"community":0.79,"secure":0.0},"secure":true}
    /v2/catalog/gpus/NVIDIA%20H200?include=AVAILABILITY&product=POD
        200 {"availability":"LOW","community":false,"cudaVersions":[{"available":false,"version":"12.4"},{"available":true,"version":"12.8"},{"available":true,"version":"12.9"},{"available":true,"version":"13.0"}],"dataCenters":[{"availability":"NONE","id":"AP-JP-1","name":"AP-JP-1"},{"availability":"LOW","id":"EU-NL-1","name":"EU-NL-1"},{"availability":"LOW","id":"EUR-IS-1","name":"EUR-IS-1"},{"availability":"NONE","id":"EUR-IS-2","name":"EUR-IS-2"},{"availability":"LOW","id":"US-IL-1","name":"US-IL-1"},{"availability":"NONE","id":"US-KS-2","name":"US Kansas 2"},{"availability":"NONE","id":"US-WA-1","name":"US-WA-1"}],"id":"NVIDIA H200","manufacturer":"NVIDIA","maxCount":{"community":0,"secure":8},"memory":141,"name":"H200 SXM","pool":"HOPPER_141","price":{"community":0.0,"secure":4.59},"secure":true}
    /v2/catalog/gpus/NVIDIA%20L4?include=AVAILABILITY&product=POD&countryCodes=RO,SE&minCudaVersion=12.8
        200 {"availability":"HIGH","community":true,"cudaVersions":[{"available":true,"version":"12.8"},{"available":true,"version":"12.9"},{"available":true,"version":"13.0"}],"dataCenters":[{"availability":"MEDIUM","id":"EU-RO-1","name":"EU-RO-1"},{"availability":"HIGH","id":"EU-SE-1","name":"EU-SE-1"}],"id":"NVIDIA L4","manufacturer":"NVIDIA","maxCount":{"community":4,"secure":10},"memory":24,"name":"L4","pool":"AMPERE_24","price":{"community":0.44,"secure":0.49},"secure":true}
    /v2/catalog/gpus/NVIDIA%20B200?include=AVAILABILITY&product=POD,CLUSTER
        200 {"availability":"NONE","community":false,"cudaVersions":[{"available":false,"version":"12.8"},{"available":false,"version":"12.9"},{"available":false,"version":"13.0"}],"id":"NVIDIA B200","manufacturer":"NVIDIA","maxCount":{"community":0,"secure":8},"memory":180,"name":"B200","pool":"BLACKWELL_180","price":{"community":0.0,"secure":6.79},"secure":true}
    /v2/catalog/gpus/NVIDIA%20B300%20SXM6%20AC
        200 {"community":false,"id":"NVIDIA B300 SXM6 AC","manufacturer":"NVIDIA","maxCount":{"community":0,"secure":0},"memory":288,"name":"B300","pool":null,"price":{"community":0.0,"secure":7.89},"secure":false}
    /v2/catalog/gpus/NVIDIA%20Z1
        404 {"detail":"resource not found","status":404,"title":"Not Found"}
    /v2/catalog/gpus?include=AVAILABILITY
        400 {"detail":"product is required with include=AVAILABILITY","status":400,"title":"Bad Request"}
    /v2/catalog/gpus?product=POD
        400 {"detail":"product is valid only with include=AVAILABILITY","status":400,"title":"Bad Request"}
    /v2/catalog/gpus?count=2
        400 {"detail":"count is valid only with include=AVAILABILITY","status":400,"title":"Bad Request"}
    /v2/catalog/gpus?include=PRICES&product=POD
        422 {"detail":"Request validation failed.","errors":["include: value must be one of 'AVAILABILITY'"],"status":422,"title":"Unprocessable Entity"}
    /v2/catalog/gpus?include=AVAILABILITY&product=POD&countryCodes=ro
        422 {"detail":"Request validation failed.","errors":["countryCodes: 'ro' does not match pattern '^[A-Z]{2}$'"],"status":422,"title":"Unprocessable Entity"}
    /v2/catalog/gpus?include=AVAILABILITY&product=POD&cudaVersions=12
        422 {"detail":"Request validation failed.","errors":["cudaVersions: '12' does not match pattern '^\\d+\\.\\d+$'"],"status":422,"title":"Unprocessable Entity"}
    /v2/catalog/cpus/cpu3m
        200 {"group":"Gen 3","id":"cpu3m","name":"Memory-Optimized","price":{"securePerVcpu":0.0,"serverlessPerVcpu":0.0},"ramGbPerVcpu":8.0,"vcpu":{"max":32,"min":2}}
    /v2/catalog/cpus/cpu5c?include=AVAILABILITY&product=POD&vcpuCount=6
        400 {"detail":"vcpuCount must be a power of two","status":400,"title":"Bad Request"}
    /v2/catalog/datacenters/EU-RO-1
        200 {"compliance":[],"globalNetwork":true,"id":"EU-RO-1","name":"EU-RO-1","networkVolumeTypes":["STANDARD"],"region":"EUROPE"}
    /v2/catalog/datacenters/MOON-1
        404 {"detail":"resource not found","status":404,"title":"Not Found"}
    /v2/catalog/datacenters?regions=OCEANIA,EUROPE&networkVolumeTypes=STANDARD&globalNetwork=true
        200 {"dataCenters":[{"compliance":[],"globalNetwork":true,"id":"EU-RO-1","name":"EU-RO-1","networkVolumeTypes":["STANDARD"],"region":"EUROPE"},{"compliance":[],"globalNetwork":true,"id":"EU-CZ-1","name":"EU-CZ-1","networkVolumeTypes":["STANDARD"],"region":"EUROPE"}]}
    /v2/catalog/datacenters?include=STOCK
        422 {"detail":"Request validation failed.","errors":["include: value must be one of 'GPU_AVAILABILITY', 'CPU_AVAILABILITY'"],"status":422,"title":"Unprocessable Entity"}
    "#);
    let gpus = call(&router, "GET", "/v2/catalog/gpus", None).await.body;
    assert_eq!(gpus["gpus"].as_array().unwrap().len(), 47, "all types that have a name");
    let french =
        call(&router, "GET", "/v2/catalog/gpus?include=AVAILABILITY&product=POD&countryCodes=FR", None)
            .await
            .body;
    let ids: Vec<&str> =
        french["gpus"].as_array().unwrap().iter().map(|gpu| gpu["id"].as_str().unwrap()).collect();
    assert!(!ids.is_empty() && ids.len() < 47, "a country narrows the list: {ids:?}");
}

#[tokio::test]
async fn keys_paths_and_methods_are_checked_in_that_order() {
    let strict =
        Simulation::new(Settings { key: Some("rpa_right".to_owned()), ..Settings::default() }).router();
    let (_, open) = api();
    let bare = |path: &str| Request::builder().uri(path).body(Body::empty()).unwrap();
    let mut seen = vec![
        format!("no key: {}", short(&reply(&open, bare("/v2/nothing")).await)),
        format!("wrong key: {}", short(&call(&strict, "GET", "/v2/pods", None).await)),
        format!("no path: {}", short(&call(&open, "GET", "/v2/nothing", None).await)),
        format!("no pod: {}", short(&call(&open, "GET", "/v2/pods/xyz", None).await)),
        format!("reset: {}", short(&act(&open, "xyz", "reset").await)),
        format!(
            "unknown parameter: {}",
            short(&call(&open, "GET", "/v2/pods?name=x&status=RUNNING", None).await)
        ),
    ];
    let wrong = call(&open, "PUT", "/v2/pods", None).await;
    seen.push(format!("wrong method: {} allow {}", short(&wrong), wrong.headers["allow"]));
    insta::assert_snapshot!(seen.join("\n"), @r#"
    no key: 401 {"detail":"missing bearer token","status":401,"title":"Unauthorized"}
    wrong key: 401 {"detail":"invalid bearer token","status":401,"title":"Unauthorized"}
    no path: 404 {"detail":"resource not found","status":404,"title":"Not Found"}
    no pod: 404 {"detail":"pod not found","status":404,"title":"Not Found"}
    reset: 422 {"detail":"Request validation failed.","errors":["$.action: value must be one of 'start', 'stop', 'restart', 'terminate'"],"status":422,"title":"Unprocessable Entity"}
    unknown parameter: 200 {"pagination":{"hasNextPage":false,"nextCursor":null},"pods":[]}
    wrong method: 405 {"detail":"The requested method is not allowed for this path.","status":405,"title":"Method Not Allowed"} allow GET, POST
    "#);
    assert_eq!(wrong.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn the_quota_is_told_and_kept() {
    let router =
        Simulation::new(Settings { quota: QuotaSetting::PerMinute(2), ..Settings::default() }).router();
    let mut seen = vec![];
    for _ in 0..3 {
        let reply = call(&router, "GET", "/v2/pods", None).await;
        let header = |name: &str| reply.headers.get(name).cloned().unwrap_or_default();
        seen.push(format!(
            "{} | {} | {} | {}",
            short(&reply),
            header("ratelimit"),
            header("retry-after"),
            header("x-request-id")
        ));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    200 {"pagination":{"hasNextPage":false,"nextCursor":null},"pods":[]} | "minute";r=1;t=60, "hour";r=99;t=3600, "day";r=1599;t=86400 |  | e26ee2569986e4de9c938636
    200 {"pagination":{"hasNextPage":false,"nextCursor":null},"pods":[]} | "minute";r=0;t=60, "hour";r=98;t=3600, "day";r=1598;t=86400 |  | 9a969a58ed7ad1c5c7b9ae26
    429 {"detail":"rate limit exceeded for the minute window","status":429,"title":"Too Many Requests"} | "minute";r=0;t=60, "hour";r=97;t=3600, "day";r=1597;t=86400 | 60 | acadb2cb6b2e57676185d991
    "#);
    let free = Simulation::new(Settings { quota: QuotaSetting::Unlimited, ..Settings::default() }).router();
    assert!(!call(&free, "GET", "/v2/pods", None).await.headers.contains_key("ratelimit"));
}

#[tokio::test]
async fn keys_of_the_platform_are_added_at_create() {
    let (simulation, router) = api();
    let mut body = small("notebook");
    body["startSsh"] = json!(true);
    body["startJupyter"] = json!(true);
    let pod = call(&router, "POST", "/v2/pods", Some(body.clone())).await.body;
    assert_eq!(
        pod["env"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["JUPYTER_PASSWORD", "PUBLIC_KEY"]
    );
    let keys = call(&router, "PUT", "/v2/account/ssh-keys", Some(json!({ "keys": [] }))).await;
    assert_eq!(short(&keys), r#"200 {"keys":[]}"#);
    body["env"] = json!({ "JUPYTER_PASSWORD": "mine" });
    let pod = call(&router, "POST", "/v2/pods", Some(body)).await.body;
    assert_eq!(
        pod["env"],
        json!({ "JUPYTER_PASSWORD": "mine" }),
        "no keys are registered, and a value of one's own wins"
    );
    assert_eq!(simulation.inspect(|world| world.all_pods().count()), 2);
}

#[tokio::test]
async fn an_empty_account_loses_its_pods() {
    let (simulation, router) = api();
    let volume = call(
        &router,
        "POST",
        "/v2/network-volumes",
        Some(json!({ "name": "models", "size": 100, "dataCenter": "EU-RO-1" })),
    )
    .await;
    let mut on_volume = small("keeps");
    on_volume["mounts"] = json!({ "network": [{ "volumeId": volume.body["id"], "path": "/models" }] });
    let kept = create(&router, on_volume).await;
    let lost = create(&router, small("lost")).await;
    simulation.edit(|world| world.set_balance(1));
    wait(&router, 3).await;
    assert_eq!(status(&router, &kept).await, "EXITED");
    assert_eq!(call(&router, "GET", &format!("/v2/pods/{lost}"), None).await.status, 404);
    insta::assert_snapshot!(short(&call(&router, "POST", "/v2/pods", Some(small("more"))).await), @r#"402 {"detail":"Your account balance is too low to rent a pod. Please add funds to your account.","status":402,"title":"Payment Required"}"#);
}

#[tokio::test]
async fn the_same_requests_give_the_same_bytes() {
    async fn run(seed: u64) -> Vec<Reply> {
        let router = Simulation::new(Settings { seed, ..Settings::default() }).router();
        let mut replies = vec![];
        for name in ["a", "b", "c"] {
            replies.push(call(&router, "POST", "/v2/pods", Some(small(name))).await);
        }
        for _ in 0..30 {
            replies.push(call(&router, "GET", "/v2/pods", None).await);
        }
        replies.push(call(&router, "GET", "/v2/catalog/gpus?include=AVAILABILITY&product=POD", None).await);
        replies
    }
    assert_eq!(run(7).await, run(7).await);
    assert_ne!(run(7).await[0].body["id"], run(8).await[0].body["id"]);
}

#[tokio::test]
async fn identifiers_follow_the_mark_and_not_the_order() {
    async fn ids(order: [&str; 2]) -> BTreeMap<String, String> {
        let (_, router) = api();
        let mut ids = BTreeMap::new();
        for name in order {
            let mut body = small(name);
            body["env"] = json!({ "PODFORM_MARK": format!("acme/{name}/1") });
            ids.insert(name.to_owned(), create(&router, body).await);
        }
        ids
    }
    assert_eq!(ids(["a", "b"]).await, ids(["b", "a"]).await);
    assert_ne!(ids(["a", "a"]).await, ids(["a", "b"]).await, "a second pod of one mark is another pod");
}

#[tokio::test(start_paused = true)]
async fn the_world_moves_with_the_callers_time_times_the_speed() {
    let simulation = Simulation::new(Settings { speed: 20, ..Settings::default() });
    let router = simulation.router();
    let id = create(&router, trainer()).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(status(&router, &id).await, "RUNNING");
    let passed =
        simulation.inspect(|world| world.now().since(podform::simulator::world::moment::Moment::EPOCH));
    assert_eq!(passed, 2 * 1_000 + 20 * 3_000);
}

#[tokio::test(start_paused = true)]
async fn a_served_world_goes_on_from_the_start_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("simulator.db");
    let passed = |simulation: &Simulation| {
        simulation.inspect(|world| world.now().since(podform::simulator::world::moment::Moment::EPOCH))
    };
    let simulation = Simulation::open(&file, Settings { speed: 20, ..Settings::default() }).unwrap();
    simulation.catch_up().unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let router = simulation.router();
    create(&router, trainer()).await;
    assert_eq!(passed(&simulation), 20 * 3_000 + 1_000);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    simulation.catch_up().unwrap();
    drop((router, simulation));
    let again = Simulation::open(&file, Settings::default()).unwrap();
    assert_eq!(passed(&again), 20 * 63_000 + 1_000);
    again.catch_up().unwrap();
    assert_eq!(passed(&again), 20 * 63_000 + 1_000, "nothing passes by itself without a speed");
}

/// The world tells the time by its own clock, however fast that goes, so a pod is never taken for a copy of itself.
#[test]
fn in_the_fastest_world_a_rebuild_finds_every_pod() {
    let place = crate::served::Place::serve(&["--speed", "200"]);
    place.write_spec(
        "pods:\n  a: { replicas: 6, image: 'x/y:1', gpu: L4 }\n  b: { image: 'x/y:1', gpu: L4, depends_on: [a] }\n",
    );
    assert_eq!(place.apply_to_the_end(), 1);
    let place = place.with_state("state/another.db", Vec::new());
    let rebuilt = place.run(&["state", "rebuild"]);
    let told = String::from_utf8(rebuilt.stderr).unwrap();
    assert_eq!(told, "7 objects are in the state again; next: podform plan\n");
    place.assert_plan_is_empty();
}

#[tokio::test]
async fn pods_and_volumes_are_billed_by_bucket() {
    let (_, router) = api();
    let volume = json!({ "name": "models", "size": 730, "dataCenter": "EU-RO-1" });
    call(&router, "POST", "/v2/network-volumes", Some(volume)).await;
    let mut body = trainer();
    body["gpu"]["id"] = json!("NVIDIA A40");
    let id = create(&router, body).await;
    create(&router, small("cpu")).await;
    wait(&router, 98).await;
    act(&router, &id, "stop").await;
    wait(&router, 99).await;
    let bill = async |path: &str| call(&router, "GET", path, None).await.body;
    let pods = bill(&format!("/v2/billing/pods?bucketSize=hour&lastN=1&podId={id}")).await;
    // 100 seconds of two A40 at 0.44 an hour each and of 90 GB at 0.10 a month, then 100 seconds of 40 GB at 0.20.
    insta::assert_snapshot!(pretty(&pods), @r#"
    {
      "metadata": {
        "query": {
          "bucketSize": "hour",
          "endTime": "2026-11-02T10:00:00Z",
          "podId": "glxz3dlcz9dfkf",
          "startTime": "2026-11-02T09:00:00Z"
        },
        "recordCount": 1,
        "totals": {
          "cpuAmount": 0.0,
          "diskAmount": 0.000646,
          "gpuAmount": 0.024444,
          "totalAmount": 0.02509
        },
        "uniquePodCount": 1
      },
      "records": [
        {
          "cpuAmount": 0.0,
          "diskAmount": 0.000646,
          "endTime": "2026-11-02T10:00:00Z",
          "gpuAmount": 0.024444,
          "podId": "glxz3dlcz9dfkf",
          "startTime": "2026-11-02T09:00:00Z",
          "totalAmount": 0.02509
        }
      ]
    }
    "#);
    let all = bill("/v2/billing").await;
    let volumes = bill("/v2/billing/network-volumes").await;
    insta::assert_snapshot!(pretty(&all["records"][0]), @r#"
    {
      "clusterDiskAmount": 0.0,
      "clusterGpuAmount": 0.0,
      "clusterNetworkingAmount": 0.0,
      "endTime": "2026-11-03T00:00:00Z",
      "endpointAmount": 0.0,
      "podCpuAmount": 0.003888,
      "podDiskAmount": 0.000801,
      "podGpuAmount": 0.024444,
      "serverlessCpuAmount": 0.0,
      "serverlessDiskAmount": 0.0,
      "serverlessFeeAmount": 0.0,
      "serverlessGpuAmount": 0.0,
      "startTime": "2026-11-02T00:00:00Z",
      "storageHighPerformanceAmount": 0.0,
      "storageStandardAmount": 0.003927,
      "totalAmount": 0.03306
    }
    "#);
    insta::assert_snapshot!(volumes["records"][0].to_string(), @r#"{"endTime":"2026-11-03T00:00:00Z","highPerformanceAmount":0.0,"networkVolumeId":"yaokuoqhb0","standardAmount":0.003947,"startTime":"2026-11-02T00:00:00Z","totalAmount":0.003947}"#);
    assert_eq!(all["metadata"]["totals"]["totalAmount"], all["records"][0]["totalAmount"]);
    let windows = async |query: &str| {
        let query = bill(&format!("/v2/billing/pods?{query}")).await["metadata"]["query"].clone();
        format!("{} to {}", query["startTime"], query["endTime"])
    };
    let seen = [
        windows("").await,
        windows("bucketSize=week&lastN=3").await,
        windows("bucketSize=year").await,
        windows("startTime=2026-11-01T12:00:00Z&endTime=2026-11-02T00:00:00Z").await,
    ];
    insta::assert_snapshot!(seen.join("\n"), @r#"
    "2026-10-03T00:00:00Z" to "2026-11-03T00:00:00Z"
    "2026-10-19T00:00:00Z" to "2026-11-09T00:00:00Z"
    "2026-01-01T00:00:00Z" to "2027-01-01T00:00:00Z"
    "2026-11-01T00:00:00Z" to "2026-11-02T00:00:00Z"
    "#);
    let wrong = ["lastN=0", "lastN=2&endTime=2026-11-02T00:00:00Z", "startTime=today", "bucketSize=decade"];
    let mut seen = vec![];
    for query in wrong {
        seen.push(short(&call(&router, "GET", &format!("/v2/billing?{query}"), None).await));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    422 {"detail":"Request validation failed.","errors":["lastN: minimum: want 1"],"status":422,"title":"Unprocessable Entity"}
    400 {"detail":"lastN and startTime/endTime are mutually exclusive","status":400,"title":"Bad Request"}
    422 {"detail":"Request validation failed.","errors":["startTime: 'today' is not valid date-time"],"status":422,"title":"Unprocessable Entity"}
    422 {"detail":"Request validation failed.","errors":["bucketSize: value must be one of 'hour', 'day', 'week', 'month', 'year'"],"status":422,"title":"Unprocessable Entity"}
    "#);
}

/// What the Python client sends for a pod without GPUs, and what other clients may: a create that takes the rest from a public template.
#[tokio::test]
async fn public_templates_fill_what_a_create_leaves_out() {
    let (_, router) = api();
    let made = async |path: &str, body: Value| call(&router, "POST", path, Some(body)).await.body;
    let gpu = json!({ "id": "NVIDIA L4", "count": 1 });
    let v2 =
        json!({ "name": "a", "templateId": "runpod-torch-v280", "gpu": gpu, "disk": 7, "env": { "A": "b" } });
    let v2 = made("/v2/pods", v2).await;
    let v1 = json!({ "templateId": "runpod-torch-v280", "gpuTypeIds": ["NVIDIA L4"], "ports": [] });
    let v1 = made("/v1/pods", v1).await;
    let query = r#"mutation { deployCpuPod(input: { name: "c", imageName: "", dockerArgs: "", templateId: "runpod-ubuntu", instanceId: "cpu3c-2-4" }) { imageName ports templateId containerDiskInGb } }"#;
    let graphql = made("/graphql", json!({ "query": query })).await;
    let seen = [
        ["image", "disk", "ports", "mounts", "template"].map(|field| v2[field].to_string()).join(" "),
        v2["env"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" "),
        ["image", "containerDiskInGb", "volumeInGb", "ports", "templateId"]
            .map(|field| v1[field].to_string())
            .join(" "),
        graphql.to_string(),
        short(&call(&router, "GET", "/v1/pods?templateId=runpod-torch-v280&name=nobody", None).await),
    ];
    insta::assert_snapshot!(seen.join("\n"), @r#"
    "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404" 7 ["8888/http","22/tcp"] {"persistent":{"path":"/workspace","size":20}} null
    A JUPYTER_PASSWORD PUBLIC_KEY
    "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404" 50 20 [] "runpod-torch-v280"
    {"data":{"deployCpuPod":{"containerDiskInGb":10,"imageName":"runpod/base:1.0.2-ubuntu2204","ports":"22/tcp","templateId":"runpod-ubuntu"}}}
    200 []
    "#);
    wait(&router, 4).await;
    let of_template = call(&router, "GET", "/v1/pods?templateId=runpod-torch-v280", None).await.body;
    assert_eq!(of_template.as_array().map(Vec::len), Some(1), "only REST v1 and GraphQL keep the link");
    let applied = json!({ "templateId": "runpod-ubuntu" });
    let applied =
        call(&router, "PATCH", &format!("/v2/pods/{}", v2["id"].as_str().unwrap()), Some(applied)).await;
    assert_eq!(
        (&applied.body["image"], &applied.body["mounts"]),
        (&json!("runpod/base:1.0.2-ubuntu2204"), &v2["mounts"])
    );
}

/// What HTTP lets clients do: ask for the headers alone, spell the scheme as they like, send more than anybody reads.
#[tokio::test]
async fn requests_of_every_kind_get_an_answer_of_their_api() {
    let (_, router) = api();
    let mut seen = vec![];
    for (method, path, key, body) in [
        ("HEAD", "/v2/pods", "Bearer k", ""),
        ("GET", "/v2/pods", "bearer k", ""),
        ("GET", "/v2/pods", "BEARER  k", ""),
        ("GET", "/v2/pods", "Basic k", ""),
        ("GET", "/v2/pods", "Bearer", ""),
        ("POST", "/v2/pods", "Bearer k", "{"),
        ("POST", "/v1/pods", "Bearer k", "{"),
        ("POST", "/graphql", "Bearer k", "{"),
        ("POST", "/v2/pods", "Bearer k", "large"),
        ("POST", "/v1/pods", "Bearer k", "large"),
        ("POST", "/graphql", "Bearer k", "large"),
        ("OPTIONS", "/v1/pods", "Bearer k", ""),
    ] {
        let sent = if body == "large" { "x".repeat(5 << 20) } else { body.to_owned() };
        let request = Request::builder().method(method).uri(path).header("authorization", key);
        let mut answer = reply(&router, request.body(Body::from(sent)).unwrap()).await;
        assert!(answer.headers.contains_key("x-request-id"), "{method} {path}");
        answer.headers.retain(|name, _| name == "content-type" || name == "allow");
        seen.push(format!("{method} {path} {key} {body}: {} {:?}", short(&answer), answer.headers));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    HEAD /v2/pods Bearer k : 200 null {"content-type": "application/json"}
    GET /v2/pods bearer k : 200 {"pagination":{"hasNextPage":false,"nextCursor":null},"pods":[]} {"content-type": "application/json"}
    GET /v2/pods BEARER  k : 200 {"pagination":{"hasNextPage":false,"nextCursor":null},"pods":[]} {"content-type": "application/json"}
    GET /v2/pods Basic k : 401 {"detail":"missing bearer token","status":401,"title":"Unauthorized"} {"content-type": "application/problem+json"}
    GET /v2/pods Bearer : 401 {"detail":"missing bearer token","status":401,"title":"Unauthorized"} {"content-type": "application/problem+json"}
    POST /v2/pods Bearer k {: 400 {"detail":"request could not be processed","status":400,"title":"Bad Request"} {"content-type": "application/problem+json"}
    POST /v1/pods Bearer k {: 400 {"error":"body must be a JSON object","status":400} {"content-type": "application/json"}
    POST /graphql Bearer k {: 400 {"errors":[{"extensions":{"code":"GRAPHQL_PARSE_FAILED"},"message":"POST body sent invalid JSON."}]} {"content-type": "application/json"}
    POST /v2/pods Bearer k large: 413 {"detail":"request body too large","status":413,"title":"Payload Too Large"} {"content-type": "application/problem+json"}
    POST /v1/pods Bearer k large: 413 {"error":"request body too large","status":413} {"content-type": "application/json"}
    POST /graphql Bearer k large: 413 {"errors":[{"extensions":{"code":"INTERNAL_SERVER_ERROR"},"message":"request body too large"}]} {"content-type": "application/json"}
    OPTIONS /v1/pods Bearer k : 405 {"error":"The requested method is not allowed for this path.","status":405} {"allow": "GET, POST", "content-type": "application/json"}
    "#);
}
