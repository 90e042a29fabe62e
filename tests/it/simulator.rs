//! The simulator over REST v2, called in process: whole bodies of every route, in good cases and bad ones.

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

fn api() -> (Simulation, Router) {
    let simulation = Simulation::new(Settings::default());
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
      "cost": 1.38,
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
      "cost": 1.38,
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
            "ip": null,
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
